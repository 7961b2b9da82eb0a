"""One structure in three notations: dot-bracket, pairs, and a boolean matrix."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.rna import Pairs

__all__ = ["from_dot_bracket", "from_matrix", "to_dot_bracket", "to_matrix"]

_OPENING = "([{<" + ascii_uppercase
_CLOSING = ")]}>" + ascii_lowercase
#: Signs for a base without partner: the dot, and those of WUSS (Infernal, Rfam).
_UNPAIRED = frozenset(".,:_-~")


def from_dot_bracket(text: str) -> Pairs:
    """Read a dot-bracket string.

    Parameters
    ----------
    text : str
        One sign a base, length L. ``() [] {} <>`` and ``Aa`` to ``Zz`` are brackets, each kind
        balanced for itself; ``. , : _ - ~`` are unpaired (the last five are WUSS's).

    Returns
    -------
    tuple of (int, int)
        Sorted pairs, counted from zero, ``i < j``.

    Raises
    ------
    StudyError
        If a sign is unknown, or a bracket has no partner (its position is counted from one).

    Examples
    --------
    >>> from_dot_bracket("((...))")
    ((0, 6), (1, 5))
    """
    stacks: dict[str, list[int]] = {opening: [] for opening in _OPENING}
    partner = dict(zip(_CLOSING, _OPENING, strict=True))
    pairs = []
    for j, sign in enumerate(text):
        if sign in stacks:
            stacks[sign].append(j)
        elif sign in partner:
            if not stacks[partner[sign]]:
                raise StudyError(f"dot-bracket: {sign!r} at position {j + 1} closes nothing; open it with {partner[sign]!r}")
            pairs.append((stacks[partner[sign]].pop(), j))
        elif sign not in _UNPAIRED:
            raise StudyError(f"dot-bracket: unknown sign {sign!r} at position {j + 1}; use brackets, letters and dots")
    left = [(stack[-1], sign) for sign, stack in stacks.items() if stack]
    if left:
        position, sign = min(left)
        raise StudyError(f"dot-bracket: {sign!r} at position {position + 1} is never closed; close it or write a dot")
    return tuple(sorted(pairs))


def to_dot_bracket(pairs: Pairs, length: int) -> str:
    """Write pairs as dot-bracket; pairs that cross get other brackets.

    Helices are written longest first, so the main fold is in ``()`` and a pseudoknot in ``[]``.

    Parameters
    ----------
    pairs : tuple of (int, int)
        Counted from zero; every base in one pair at most.
    length : int
        Bases L.

    Returns
    -------
    str
        Of `length` signs.

    Raises
    ------
    StudyError
        If a base has two partners (dot-bracket cannot say it), lies outside, or 30 kinds of brackets do not do.

    Examples
    --------
    >>> to_dot_bracket(((0, 5), (3, 8)), 9)
    '(..[.)..]'
    """
    _check_pairs(pairs, length)
    bases = [base for pair in pairs for base in pair]
    if len(set(bases)) < len(bases):
        base = next(base for base in bases if bases.count(base) > 1)
        raise StudyError(f"dot-bracket: base {base + 1} has more than one partner; keep one, for example by a decoder")
    kinds: list[list[tuple[int, int]]] = []
    for helix in sorted(_helices(pairs), key=lambda pairs: (-len(pairs), pairs)):
        fitting = (kind for kind in kinds if not any(_cross(helix[0], pair) for pair in kind))
        kind = next(fitting, None)
        if kind is None:
            kinds.append(kind := [])
        kind.extend(helix)
    return _write(kinds, length)


def _write(kinds: list[list[tuple[int, int]]], length: int) -> str:
    if len(kinds) > len(_OPENING):
        raise StudyError(f"dot-bracket: {len(kinds)} levels of crossing pairs, {len(_OPENING)} kinds of brackets; drop pairs")
    signs = ["."] * length
    for kind, opening, closing in zip(kinds, _OPENING, _CLOSING, strict=False):
        for i, j in kind:
            signs[i], signs[j] = opening, closing
    return "".join(signs)


def _helices(pairs: Pairs) -> list[list[tuple[int, int]]]:
    """Group one-partner pairs into runs ``(i, j), (i + 1, j - 1), ...``; a run crosses another wholly or not at all."""
    helices: list[list[tuple[int, int]]] = []
    for i, j in sorted(pairs):
        if helices and helices[-1][-1] == (i - 1, j + 1):
            helices[-1].append((i, j))
        else:
            helices.append([(i, j)])
    return helices


def _cross(first: tuple[int, int], second: tuple[int, int]) -> bool:
    (i, j), (k, m) = sorted((first, second))
    return i < k < j < m


def to_matrix(pairs: Pairs, length: int) -> NDArray[np.bool_]:
    """Return the symmetric matrix of a set of pairs.

    Parameters
    ----------
    pairs : tuple of (int, int)
        Counted from zero; multiplets are allowed.
    length : int
        Bases L.

    Returns
    -------
    ndarray of bool, shape (L, L)
        True at ``[i, j]`` and ``[j, i]`` of every pair.

    Raises
    ------
    StudyError
        If a pair lies outside the sequence.

    Examples
    --------
    >>> to_matrix(((0, 2),), 3).astype(int).tolist()
    [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    """
    _check_pairs(pairs, length)
    matrix = np.zeros((length, length), dtype=bool)
    if pairs:
        i, j = np.array(pairs).T
        matrix[i, j] = matrix[j, i] = True
    return matrix


def from_matrix(matrix: NDArray[np.bool_]) -> Pairs:
    """Return the pairs of a symmetric boolean matrix.

    Parameters
    ----------
    matrix : ndarray of bool, shape (L, L)
        Symmetric, False on the diagonal.

    Returns
    -------
    tuple of (int, int)
        Sorted, counted from zero.

    Raises
    ------
    StudyError
        If the matrix is not square, not boolean, not symmetric, or pairs a base with itself.

    Examples
    --------
    >>> from_matrix(to_matrix(((0, 2), (0, 3)), 4))
    ((0, 2), (0, 3))
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype != bool:
        raise StudyError(f"contact matrix: shape {matrix.shape} of {matrix.dtype}; give a square one of bool")
    if matrix.diagonal().any() or (matrix != matrix.T).any():
        raise StudyError("contact matrix: not symmetric, or a base paired with itself; give (i, j) and (j, i), no (i, i)")
    return tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(matrix)))


def _check_pairs(pairs: Pairs, length: int) -> None:
    bad = [pair for pair in pairs if not 0 <= pair[0] < pair[1] < length]
    if bad:
        raise StudyError(f"pair {bad[0]} does not fit {length} bases counted from 0 with i < j")
