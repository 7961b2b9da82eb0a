"""Models: cards that say what each is, and `load`, which makes one a `Probe`.

>>> from rnastudy import models
>>> models.cards()["esm2"].group
'protein'
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rnastudy.models.cards import Availability, ModelCard, availability, cards

if TYPE_CHECKING:
    from rnastudy.models.probe import AttentionLayer, HiddenStates, Probe

__all__ = ["AttentionLayer", "Availability", "HiddenStates", "ModelCard", "Probe", "availability", "cards", "load"]


def load(
    name_or_path: str | Path,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int = 0,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> Probe:
    """Load a model; see `rnastudy.models.loading.load`, which this calls so that cards can be read without torch."""
    from rnastudy.models import loading

    return loading.load(name_or_path, device=device, dtype=dtype, seed=seed, revision=revision, trust_remote_code=trust_remote_code)


def __getattr__(name: str) -> object:
    if name in ("AttentionLayer", "HiddenStates", "Probe"):
        from rnastudy.models import probe

        return getattr(probe, name)
    raise AttributeError(f"module 'rnastudy.models' has no attribute {name!r}")
