"""Classification baselines: one vector an RNA from its letters or its length, no network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError, unknown
from rnastudy.rna import Rna

__all__ = ["kmer_vectors", "length_vectors", "vector_baseline", "vector_baseline_names"]

Vectors = NDArray[np.float64]


def kmer_vectors(rnas: Sequence[Rna], k: int) -> Vectors:
    """Frequencies of the 4**k words of k bases, in the order AA.., AC.. of A, C, G, U.

    A window that holds an ``N`` is skipped; the rest sum to 1. ``k=1`` is the base composition.

    Parameters
    ----------
    rnas : sequence of Rna, length S
    k : int
        1 to 6.

    Returns
    -------
    ndarray, shape=(S, 4**k)

    Raises
    ------
    StudyError
        If an RNA has no window of k named bases.

    Examples
    --------
    >>> kmer_vectors([Rna("a", "GGAN")], 1).round(2).tolist()  # A, C, G, U
    [[0.33, 0.0, 0.67, 0.0]]
    """
    if not 1 <= k <= 6:
        raise StudyError(f"k is {k}; give a word length of 1 to 6")
    place = {"".join(word): column for column, word in enumerate(product("ACGU", repeat=k))}
    counts = np.zeros((len(rnas), 4**k))
    for row, rna in enumerate(rnas):
        windows = (rna.sequence[start : start + k] for start in range(len(rna) - k + 1))
        np.add.at(counts[row], [place[window] for window in windows if window in place], 1)
        if not counts[row].any():
            raise StudyError(f"RNA {rna.name!r} has no window of {k} named bases; leave it out or lower k")
    frequencies: Vectors = counts / counts.sum(axis=1, keepdims=True)
    return frequencies


def length_vectors(rnas: Sequence[Rna], *, shortest: int | None = None, longest: int | None = None) -> Vectors:
    """Length as a point on the half circle, so that the cosine falls as the lengths' ratio grows.

    The angle is pi times the place of log L between the logs of `shortest` and `longest`; the cosine of two RNAs is then
    ``cos(pi |log(L / L')| / log(longest / shortest))``: 1 at equal length, -1 between the two ends.

    Parameters
    ----------
    rnas : sequence of Rna, length S
    shortest, longest : int, optional
        Bases; those of the set itself by default. Give them where vectors of two sets are compared.

    Returns
    -------
    ndarray, shape=(S, 2)

    Examples
    --------
    >>> rnas = [Rna("a", "G" * 10), Rna("b", "G" * 100), Rna("c", "G" * 1000)]
    >>> vectors = length_vectors(rnas)
    >>> (vectors @ vectors.T).round(6).tolist()[0]
    [1.0, 0.0, -1.0]
    """
    lengths = np.array([len(rna) for rna in rnas], dtype=float)
    if not lengths.size:
        raise StudyError("no RNAs to turn into length vectors; give at least one")
    low, high = shortest or lengths.min(), longest or lengths.max()
    if not low <= lengths.min() <= lengths.max() <= high:
        raise StudyError(f"lengths {lengths.min():g} to {lengths.max():g} leave the range {low:g} to {high:g}; widen shortest and longest")
    angle = np.pi * np.log(lengths / low) / (math.log(high / low) or 1.0)
    return np.column_stack([np.cos(angle), np.sin(angle)])


_BASELINES: dict[str, Callable[[Sequence[Rna]], Vectors]] = {
    "composition": lambda rnas: kmer_vectors(rnas, 1),
    "2-mers": lambda rnas: kmer_vectors(rnas, 2),
    "3-mers": lambda rnas: kmer_vectors(rnas, 3),
    "4-mers": lambda rnas: kmer_vectors(rnas, 4),
    "length": length_vectors,
}


def vector_baseline_names() -> tuple[str, ...]:
    """Names that `vector_baseline` accepts.

    Examples
    --------
    >>> vector_baseline_names()
    ('composition', '2-mers', '3-mers', '4-mers', 'length')
    """
    return tuple(_BASELINES)


def vector_baseline(name: str, rnas: Sequence[Rna]) -> Vectors:
    """Vectors of a classification baseline by name, shape (S, D).

    Examples
    --------
    >>> vector_baseline("2-mers", [Rna("a", "GGAC")]).shape
    (1, 16)
    """
    if name not in _BASELINES:
        raise unknown("classification baseline", name, _BASELINES)
    return _BASELINES[name](rnas)
