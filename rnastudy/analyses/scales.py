"""Analysis 3: score against size and cost, from two finished analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.contenders import Contender
from rnastudy.errors import StudyError
from rnastudy.scaling import Slope, measured_cost, measured_flops, slope_from_draws

__all__ = ["Ladder", "costs", "ladder"]


@dataclass(frozen=True)
class Ladder:
    """Score against size within one family of models.

    Attributes
    ----------
    points : DataFrame
        ``model, role, parameters, value, low, high``, smallest first.
    slope : Slope
        Gain for ten times the parameters.
    line : DataFrame
        ``parameters, value, low, high`` of the fitted line and its band.
    """

    points: pd.DataFrame
    slope: Slope
    line: pd.DataFrame


def ladder(table: pd.DataFrame, draws: dict[str, NDArray] | None) -> Ladder:
    """Fit score against log10 of parameters, with the interval from draws that all sizes share.

    Parameters
    ----------
    table : DataFrame
        Rows of a results table, one a size of one family of models: ``model, role, parameters, value, low, high``.
    draws : dict of str to ndarray, shape (B,)
        Bootstrap draws of each model's score, on the same resamples; None where there are none: then ends of intervals are NaN.

    Raises
    ------
    StudyError
        For fewer than two sizes, or draws of different numbers.
    """
    points = table[["model", "role", "parameters", "value", "low", "high"]].sort_values("parameters").reset_index(drop=True)
    sizes, values = points.parameters.to_numpy(dtype=float), points.value.to_numpy()
    if draws is None:
        nothing = float("nan")
        slope = replace(slope_from_draws(values, values[None], sizes), low=nothing, high=nothing, p=nothing)
        return Ladder(points, slope, _line(sizes, values, values[None]).assign(low=nothing, high=nothing))
    sample = np.stack([draws[name] for name in points.model], axis=1)
    sample = sample[np.isfinite(sample).all(1)]
    return Ladder(points, slope_from_draws(values, sample, sizes), _line(sizes, values, sample))


def _line(sizes: NDArray, values: NDArray, draws: NDArray) -> pd.DataFrame:
    """Least-squares line and its 95 % band along the range of sizes."""
    x = np.log10(sizes)
    along = np.linspace(x.min(), x.max(), 25)
    design, places = np.stack([np.ones_like(x), x], 1), np.stack([np.ones_like(along), along], 1)
    fit = places @ np.linalg.pinv(design)
    low, high = np.percentile(draws @ fit.T, [2.5, 97.5], axis=0)
    return pd.DataFrame({"parameters": 10**along, "value": fit @ values, "low": low, "high": high})


def costs(entrants: Sequence[Contender], rnas: Sequence[Any]) -> pd.DataFrame:
    """Measure what reading some RNAs costs each model: operations, seconds, peak memory.

    Parameters
    ----------
    entrants : sequence of Contender
        Those without a model are left out.
    rnas : sequence of Rna
        The same for all.

    Returns
    -------
    DataFrame
        Columns model, role, parameters, gflops (of all RNAs), seconds, memory_mb (None on a CPU, where what a process
        holds says little about one model).
    """
    rows = []
    for entrant in entrants:
        if entrant.probe is None:
            continue
        read = partial(_read_through, entrant.probe, rnas)
        read()
        cost, flops = measured_cost(read, device=str(entrant.probe.device)), measured_flops(partial(_hidden, entrant.probe, rnas))
        if not flops:
            raise StudyError(f"no operation of {entrant.name} was counted; its forward pass cannot be measured here")
        memory = cost.peak_bytes / 2**20 if cost.peak_bytes and entrant.probe.device.type == "cuda" else None
        shared = {"model": entrant.name, "role": entrant.role, "parameters": entrant.parameters}
        rows.append({**shared, "gflops": flops / 1e9, "seconds": cost.seconds, "memory_mb": memory})
    return pd.DataFrame(rows)


def _hidden(probe: Any, rnas: Sequence[Any]) -> None:
    """Run the forward pass in this thread, where operations are counted."""
    for _ in probe.hidden(rnas):
        pass


def _read_through(probe: Any, rnas: Sequence[Any]) -> None:
    for _ in probe.attention(rnas):
        pass
