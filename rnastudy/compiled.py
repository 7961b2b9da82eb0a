"""Loops that numba compiles where it is installed (``pip install 'rnastudy[fast]'``); elsewhere torch and numpy do the same more slowly.

Both ways give the same numbers. A compiled loop is kept on disk beside its module, or in the user's cache where that
folder cannot be written, so that only the first run of all pays for the compiler.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

__all__ = ["available", "compiled"]

Loop = TypeVar("Loop", bound=Callable)


@cache
def available() -> bool:
    """Return whether loops can be compiled here.

    Returns
    -------
    bool
        Without importing numba, which takes half a second.

    Examples
    --------
    >>> available() in (True, False)
    True
    """
    return importlib.util.find_spec("numba") is not None


def compiled(loop: Loop) -> Loop:
    """Return a loop compiled by numba; without numba, the loop as it is, which only tests have the patience for.

    Parameters
    ----------
    loop : function
        Of arrays and numbers. Sums keep their order and products are not fused, so that results are those of numpy.

    Returns
    -------
    function
        Of the same arguments. It lets other threads run meanwhile.
    """
    if not available():
        return loop
    from numba import njit

    fast: Any
    try:
        fast = njit(cache=True, nogil=True)(loop)
    except RuntimeError:  # numba finds no folder that it could keep the compiled loop in
        fast = njit(nogil=True)(loop)
    return cast("Loop", fast)
