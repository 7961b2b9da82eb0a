"""Bracket strings of files, dot-bracket and WUSS, to base pairs."""

from __future__ import annotations

from string import ascii_uppercase

from rnastudy.errors import StudyError

__all__ = ["UNPAIRED", "bracket_pairs"]

#: Characters that stand for an unpaired base: dots, gaps, and the loop letters of WUSS.
UNPAIRED = frozenset(".,:_-~")
_OPEN = dict(zip(")]}>", "([{<", strict=True)) | {letter.lower(): letter for letter in ascii_uppercase}
_OPENERS = frozenset(_OPEN.values())


def bracket_pairs(text: str, where: str) -> list[tuple[int, int]]:
    """Read the pairs of a bracket string; each kind of bracket nests on its own, so pseudoknots are read.

    Parameters
    ----------
    text : str
        Brackets ``() [] {} <>``, letters ``A a`` to ``Z z`` (upper case opens), and unpaired ``.,:_-~``, as in
        dot-bracket and in the WUSS notation of Rfam.
    where : str
        File and line, for errors.

    Returns
    -------
    list of (int, int)
        Positions counted from zero, i < j, sorted.

    Raises
    ------
    StudyError
        For an unknown character or a bracket without partner, with its position counted from one.

    Examples
    --------
    >>> bracket_pairs("((.[[.))]]", "here")
    [(0, 7), (1, 6), (3, 9), (4, 8)]
    """
    waiting: dict[str, list[int]] = {}
    pairs = []
    for position, letter in enumerate(text):
        if letter in UNPAIRED:
            continue
        if letter in _OPENERS:
            waiting.setdefault(letter, []).append(position)
        elif waiting.get(_OPEN.get(letter, "")):
            pairs.append((waiting[_OPEN[letter]].pop(), position))
        else:
            problem = "closes nothing" if letter in _OPEN else "is no bracket or dot"
            raise StudyError(f"{where}: {letter!r} at position {position + 1} of the structure {problem}; mend the structure")
    left = min((stack[-1] for stack in waiting.values() if stack), default=None)
    if left is not None:
        raise StudyError(f"{where}: {text[left]!r} at position {left + 1} of the structure is never closed; mend the structure")
    return sorted(pairs)
