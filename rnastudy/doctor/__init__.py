"""The doctor: is a model loaded right? A certificate says, check by check, before any score is believed.

A wrong model runs as smoothly as a right one and gives nonsense that looks like a result. Each check here answers
one way in which that has happened. A certificate has one of three states: ``pass``, ``fail``, and ``not run`` for a
model whose weights were never loaded.

>>> from rnastudy import doctor
>>> doctor.state_of("rnakm")
'not run'
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnastudy.doctor.records import Certificate, Check, read, state_of, stored, write

if TYPE_CHECKING:
    from rnastudy.models.probe import Probe

__all__ = ["Certificate", "Check", "certificate", "examine", "read", "state_of", "stored", "write"]


def certificate(name_or_path: str | Path, *, device: str = "cpu", dtype: str = "float32", fetch: bool = False) -> Certificate:
    """Load a model and examine it; see `rnastudy.doctor.examination.certificate`, called so that records are read without torch."""
    from rnastudy.doctor.examination import certificate as examined

    return examined(name_or_path, device=device, dtype=dtype, fetch=fetch)


def examine(probe: Probe) -> Certificate:
    """Examine a model that is loaded; see `rnastudy.doctor.examination.examine`."""
    from rnastudy.doctor.examination import examine as examined

    return examined(probe)
