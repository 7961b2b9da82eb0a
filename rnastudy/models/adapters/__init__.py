"""Adapters: the authors' own checkpoints, whose layout no library reads, brought onto a network here.

Each module of this folder is named by the ``loader`` of a card and holds one `Adapter` named ``ADAPTER``. To add a
model: write that module, name it on the card with its files, and the contract test picks it up.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rnastudy.models.adapters.base import Adapter, Layout, renamed, unwrapped

__all__ = ["Adapter", "Layout", "adapter", "adapter_names", "renamed", "unwrapped"]


def adapter_names() -> tuple[str, ...]:
    """Name the adapters, which are loaders that a card may name.

    Examples
    --------
    >>> "rnabert" in adapter_names()
    True
    """
    return tuple(sorted(one.name for one in iter_modules(__path__) if one.name != "base"))


def adapter(name: str) -> Adapter:
    """Return an adapter by its name.

    Examples
    --------
    >>> adapter("rnabert").read_from[:24]
    'github mana438/RNABERT @'
    """
    found: Adapter = import_module(f"{__name__}.{name}").ADAPTER
    return found
