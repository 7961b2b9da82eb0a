"""Words for alternative texts: numbers and intervals said the same way everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnastudy.plotting.style import has_interval

__all__ = ["listed", "number", "plural", "score"]


def number(value: float, digits: int = 2) -> str:
    """Say a number with as many digits as it deserves.

    Examples
    --------
    >>> number(0.512), number(70656), number(float("nan"))
    ('0.51', '70,656', 'undefined')
    """
    if not np.isfinite(value):
        return "undefined"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}f}"


def score(row: Any) -> str:
    """Say the value of a results row with its interval, if it has one.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> score(SimpleNamespace(value=0.51, low=0.46, high=0.55))
    '0.51 (95 % interval 0.46 to 0.55)'
    """
    interval = f" (95 % interval {number(row.low)} to {number(row.high)})" if has_interval(row) else ""
    return number(row.value) + interval


def plural(count: int, noun: str) -> str:
    """Count things.

    Examples
    --------
    >>> plural(1, "model"), plural(3, "model")
    ('1 model', '3 models')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(items: list[str]) -> str:
    """Join items as prose does.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
