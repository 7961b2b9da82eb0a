"""Errors of the study: one line that says what was wrong, where, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["StudyError", "unknown"]


class StudyError(ValueError):
    """Something the user can mend: bad input, an unknown name, a file that is not what it says."""


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
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else ";"
    return StudyError(f"unknown {kind} {name!r}{hint} known: {', '.join(names)}")
