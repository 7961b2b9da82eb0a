"""Structure against function: each model one point, then the representations behind the points.

Both axes are taken as "higher is better"; pass ``1 - OR`` or ``-OR`` for an overlap ratio, or the sign of every answer turns.
"""

from __future__ import annotations

from rnastudy.tradeoff.models import TradeOff, pareto_front, trade_off
from rnastudy.tradeoff.probes import (
    PairProbe,
    ProbeScore,
    family_probe,
    fit_pair_probe,
    structure_probe,
)
from rnastudy.tradeoff.similarity import cka_matrix, linear_cka

__all__ = [
    "PairProbe",
    "ProbeScore",
    "TradeOff",
    "cka_matrix",
    "family_probe",
    "fit_pair_probe",
    "linear_cka",
    "pareto_front",
    "structure_probe",
    "trade_off",
]
