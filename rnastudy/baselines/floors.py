"""Floors: a random map, a random map on canonical pairs, and stems scored by their letters alone."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from rnastudy.rna import Rna

__all__ = ["PAIR_WEIGHTS", "canonical_weights", "random_canonical_map", "random_map", "stem_prior"]

Map = NDArray[np.float64]

#: Weight of a base pair by its letters, the pairing prior of ERNIE-RNA (Nat. Commun. 2025, doi 10.1038/s41467-025-64972-0).
PAIR_WEIGHTS = {"AU": 2.0, "GC": 3.0, "GU": 0.8}
#: A hairpin loop has at least 3 bases.
_MIN_SEPARATION = 4


def random_map(rna: Rna, *, seed: int = 0) -> Map:
    """Draw a symmetric map, uniform between 0 and 1, that depends on seed, name and sequence only.

    Returns
    -------
    ndarray, shape=(L, L)
        Zero diagonal.

    Examples
    --------
    >>> scores = random_map(Rna("a", "GGGAAACCC"))
    >>> scores.shape, bool((scores == scores.T).all())
    ((9, 9), True)
    """
    digest = hashlib.sha256(f"{rna.name}\0{rna.sequence}".encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
    upper = np.triu(rng.random((len(rna), len(rna))), 1)
    return upper + upper.T


def canonical_weights(sequence: str) -> Map:
    """Weight of every pair of letters (`PAIR_WEIGHTS`), 0 where they do not pair.

    Returns
    -------
    ndarray, shape=(L, L)

    Examples
    --------
    >>> canonical_weights("GUCN").tolist()
    [[0.0, 0.8, 3.0, 0.0], [0.8, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    letters = sorted(set(sequence))
    weight = np.array([[PAIR_WEIGHTS.get(a + b, PAIR_WEIGHTS.get(b + a, 0.0)) for b in letters] for a in letters])
    codes = np.array([letters.index(base) for base in sequence])
    weights: Map = weight[np.ix_(codes, codes)]
    return weights


def random_canonical_map(rna: Rna, *, seed: int = 0) -> Map:
    """Give the random map on AU, GC and GU pairs, 0 elsewhere; shape (L, L).

    Examples
    --------
    >>> scores = random_canonical_map(Rna("a", "GAC"))
    >>> (scores > 0).tolist()[0]  # G with G, A, C
    [False, False, True]
    """
    return random_map(rna, seed=seed) * (canonical_weights(rna.sequence) > 0)


def stem_prior(rna: Rna) -> Map:
    """Score each canonical pair by the summed weights of the contiguous helix it stands in.

    A helix is a longest run of pairs (i, j), (i + 1, j - 1), ... in which every pair is AU (2), GC (3) or GU (0.8) and
    ``j - i >= 4``; all its pairs get the sum. It learns nothing and sees letters alone.

    Returns
    -------
    ndarray, shape=(L, L)

    Examples
    --------
    >>> scores = stem_prior(Rna("hairpin", "GGGAAACCC"))
    >>> scores[[0, 2, 0], [8, 6, 7]].tolist()  # a helix of 3 GC, the same, one of 2
    [9.0, 9.0, 6.0]
    """
    upper = np.triu(canonical_weights(rna.sequence), _MIN_SEPARATION)
    outside = _shifted_sums(upper)
    inside = _shifted_sums(upper[::-1, ::-1])[::-1, ::-1]
    helix = np.where(upper > 0, outside + inside - upper, 0.0)
    return helix + helix.T


def _shifted_sums(weights: Map) -> Map:
    """Sum of the unbroken run that ends at each (i, j), coming from (i - 1, j + 1)."""
    sums = weights.copy()
    for i in range(1, len(sums)):
        sums[i, :-1] += np.where(weights[i, :-1] > 0, sums[i - 1, 1:], 0.0)
    return sums
