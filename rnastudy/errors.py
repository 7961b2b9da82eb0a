"""Errors of the study: one line that says what was wrong, where, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["StudyError", "brief", "unknown"]

#: Letters of a value, and of a list of names, that a message shows.
_VALUE, _NAMES = 100, 250


class StudyError(ValueError):
    """Something the user can mend: bad input, an unknown name, a file that is not what it says."""


def brief(value: object, most: int = _VALUE) -> str:
    """Write a value for a message: on one line, and cut where it is long.

    Examples
    --------
    >>> brief("a" * 200, 12)
    "'aaaaa...'"
    """
    try:
        text = repr(value)
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-1]}"


def unknown(kind: str, name: str, known: Iterable[str]) -> StudyError:
    """Build the error for a name that is not known, listing the nearest ones.

    Parameters
    ----------
    kind : str
        What the name names, for example ``"model"``.
    name : str
        The name as it was given.
    known : iterable of str
        All names that would have been accepted.

    Returns
    -------
    StudyError
        To be raised by the caller.

    Examples
    --------
    >>> print(unknown("model", "rnafn", ["rnafm", "rnamsm", "esm2"]))
    unknown model 'rnafn'; did you mean rnafm, rnamsm? known: esm2, rnafm, rnamsm
    """
    names = sorted(known)
    near = get_close_matches(str(name)[:_VALUE], names, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else ";"
    return StudyError(f"unknown {kind} {brief(name)}{hint} known: {_listed(names)}")


def _listed(names: list[str]) -> str:
    """Join names, as many as a line bears."""
    shown = list(names)
    while len(shown) > 1 and len(", ".join(shown)) > _NAMES:
        shown.pop()
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(shown) < len(names) else "")
