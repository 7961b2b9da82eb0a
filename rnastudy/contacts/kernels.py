"""The scan of one layer as compiled loops: bin a score, count it, and nothing in between is kept.

Only used where `rnastudy.compiled.available` says so. `rnastudy.contacts.plans` does the same with torch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.compiled import compiled

__all__ = ["count_decoded", "count_pairs"]


@compiled
def _cell(bits, low, high):  # type: ignore[no-untyped-def]
    """Name the cell of a score from its bits: see `rnastudy.contacts.lattice`."""
    sign = bits >> np.int32(31)
    cell = (((bits & np.int32(0x7FFFFFFF)) ^ sign) - sign) >> np.int32(13)
    return min(max(cell, low), high) - low


@compiled
def _bin(score, bits, below, inside, low, high):  # type: ignore[no-untyped-def]
    """Find the bin of a score."""
    cell = _cell(bits, low, high)
    return below[cell] + (score >= inside[cell])


@compiled
def _sum_from_above(counts):  # type: ignore[no-untyped-def]
    for level in range(counts.shape[-1] - 2, -1, -1):
        counts[level] += counts[level + 1]


@compiled
def _count_pairs(scores, pairs, true, below, inside, low, high, predicted, found):  # type: ignore[no-untyped-def]
    bits = scores.view(np.int32)
    # Neighbours often share a bin; four histograms in turn let the processor count without waiting for itself.
    parts = np.empty((4, predicted.shape[1]), np.int32)
    # All cells first: that loop has no branch and no table, and the compiler does several turns of it at once.
    cells = np.empty(len(pairs), np.uint32)
    low, high = np.int32(low), np.int32(high)
    for head in range(len(scores)):
        parts[:] = 0
        for place in range(len(pairs)):
            cells[place] = _cell(bits[head, np.uint32(pairs[place])], low, high)
        for place in range(len(pairs)):
            cell = cells[place]
            parts[place & 3, np.uint32(below[cell] + (scores[head, np.uint32(pairs[place])] >= inside[cell]))] += 1
        for level in range(predicted.shape[1]):
            predicted[head, level] = parts[0, level] + parts[1, level] + parts[2, level] + parts[3, level]
        for pair in true:
            found[head, _bin(scores[head, pair], bits[head, pair], below, inside, low, high)] += 1
        _sum_from_above(predicted[head])
        _sum_from_above(found[head])


@compiled
def _best_partner(both, free, base):  # type: ignore[no-untyped-def]
    """Return the free base that a base scores highest with, the lowest of equals, or -1."""
    best, highest = -1, np.float32(-np.inf)
    for other in range(len(both)):
        if free[other] and both[base, other] > highest:
            best, highest = other, both[base, other]
    return best


@compiled
def _decode(both, greedy, partner):  # type: ignore[no-untyped-def]
    """Pair bases that are each other's best; under ``greedy`` take them out and look again until there are none."""
    length = len(both)
    free, best = np.ones(length, np.bool_), np.empty(length, np.int64)
    for base in range(length):
        best[base] = _best_partner(both, free, base)
    partner[:] = -1
    changed = True
    while changed:
        changed = False
        for base in range(length):
            other = best[base]
            if other > base and best[other] == base:
                partner[base], partner[other] = other, base
                changed = True
        if not greedy:
            return
        for base in range(length):
            free[base] = partner[base] < 0
        for base in range(length):
            if not free[base]:
                best[base] = -1
            elif best[base] >= 0 and not free[best[base]]:
                best[base] = _best_partner(both, free, base)


@compiled
def _count_decoded(scores, candidates, true, greedy, below, inside, low, high, predicted, found):  # type: ignore[no-untyped-def]
    length = len(candidates)
    both, partner = np.full((length, length), np.float32(-np.inf)), np.empty(length, np.int64)
    for head in range(len(scores)):
        for i in range(length):
            for j in range(i + 1, length):
                if candidates[i, j]:
                    both[i, j] = both[j, i] = scores[head, i, j]
        _decode(both, greedy, partner)
        accepted = np.empty(1, np.float32)
        bits = accepted.view(np.int32)
        for i in range(length):
            j = partner[i]
            if j > i:
                accepted[0] = both[i, j]
                level = _bin(accepted[0], bits[0], below, inside, low, high)
                predicted[head, level] += 1
                found[head, level] += true[i, j]
        _sum_from_above(predicted[head])
        _sum_from_above(found[head])


#: Cells of a lattice: the bin of a cell's least score, the one level inside it, its first and its last cell.
Cells = tuple[NDArray[np.int32], NDArray[np.float32], int, int]


def count_pairs(
    scores: NDArray[np.float32], pairs: NDArray[np.int32], true: NDArray[np.int32], cells: Cells, n_levels: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Count the pairs of each head at or above each level.

    Parameters
    ----------
    scores : ndarray of float32, shape (H, L, L)
        Contiguous.
    pairs, true : ndarray of int32
        Flat indices into a map: pairs that may be predicted, and those of them that the reference holds.
    cells : tuple
        From `Lattice.cells`.
    n_levels : int
        K.

    Returns
    -------
    predicted, found : ndarray of int32, shape (H, K)
    """
    predicted, found = _zeros(len(scores), n_levels)
    _count_pairs(scores.reshape(len(scores), -1), pairs, true, *cells, predicted, found)
    return predicted, found


def count_decoded(
    scores: NDArray[np.float32], candidates: NDArray[np.bool_], true: NDArray[np.bool_], decoder: str, cells: Cells, n_levels: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Count the pairs of each head that ``mutual`` or ``greedy`` accepts, at or above each level.

    Parameters
    ----------
    scores : ndarray of float32, shape (H, L, L)
        Of which ``i < j`` is read; equal scores go to the smaller i, then the smaller j.
    candidates, true : ndarray of bool, shape (L, L)
        Pairs that may be predicted, and those that the reference holds; ``i < j`` only.
    decoder : {"mutual", "greedy"}
        See `rnastudy.structure.decode`.
    cells : tuple
        From `Lattice.cells`.
    n_levels : int
        K.

    Returns
    -------
    predicted, found : ndarray of int32, shape (H, K)
    """
    predicted, found = _zeros(len(scores), n_levels)
    _count_decoded(scores, candidates, true, decoder == "greedy", *cells, predicted, found)
    return predicted, found


def _zeros(n_heads: int, n_levels: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return np.zeros((n_heads, n_levels), np.int32), np.zeros((n_heads, n_levels), np.int32)
