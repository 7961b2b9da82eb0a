"""What do RNA language models know of structure and function before anyone fine-tunes them?

The rooms of the package are imported when they are first used, so that ``import rnastudy as rs`` is quick and
loads neither torch nor pandas nor matplotlib.

Examples
--------
>>> import rnastudy as rs
>>> rs.Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
Rna('hairpin', 9 bases, 3 pairs)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__version__ = "0.1.0"

_ROOMS = (
    "analyses",
    "baselines",
    "contacts",
    "datasets",
    "embeddings",
    "explorers",
    "modeling",
    "models",
    "overlap",
    "plotting",
    "runs",
    "scaling",
    "statistics",
    "structure",
    "tokens",
    "tradeoff",
    "training",
)

__all__ = ["Rna", "StudyError", "__version__", *_ROOMS]


def __getattr__(name: str) -> Any:
    """Import a room at its first use (PEP 562)."""
    if name in _ROOMS:
        return import_module(f"rnastudy.{name}")
    raise AttributeError(f"rnastudy has no room {name!r}; rooms: {', '.join(_ROOMS)}")


def __dir__() -> list[str]:
    return sorted(__all__)
