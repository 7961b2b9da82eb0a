"""Counting all pairs into cells, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rnastudy import compiled
from rnastudy.overlap.neighbours import lonely, neighbour_credit
from rnastudy.overlap.results import Moments
from rnastudy.overlap.space import NEGATIVE, POSITIVE, Block, PairSpace

__all__ = ["PairCounts", "count_and_vote", "count_pairs", "positive_values", "sum_between"]

#: Equal bins of the histograms behind the overlap ratio, over the range of the counted pairs.
N_BINS = 200
#: Seconds after which a pass shows how far it is.
PATIENCE = 10


@dataclass(frozen=True)
class PairCounts:
    """Counts of all pairs in cells that are fine enough to rank them.

    Attributes
    ----------
    positive, negative : ndarray of int, shape=(G,)
        Pairs in each cell, from low to high similarity.
    bins : ndarray, shape=(201,)
        Edges of the histogram's bins, in lattice coordinates.
    positive_bins, negative_bins : ndarray of int, shape=(200,)
        Pairs in each bin.
    moments : tuple of Moments
        Of positive and of negative cosines.
    """

    positive: NDArray[np.int64]
    negative: NDArray[np.int64]
    bins: NDArray[np.float64]
    positive_bins: NDArray[np.int64]
    negative_bins: NDArray[np.int64]
    moments: tuple[Moments, Moments]


def positive_values(space: PairSpace) -> NDArray:
    """Return the coordinates of all positive pairs, sorted."""
    return np.sort(np.concatenate([block.of(POSITIVE) for block in space.blocks(near=True)]))


def count_pairs(space: PairSpace) -> PairCounts:
    """Count every pair: exactly in an exact space, else on the lattice.

    Examples
    --------
    >>> from rnastudy.overlap.space import pair_space
    >>> counts = count_pairs(pair_space(np.eye(3)[[0, 0, 1, 2]], ["a", "a", "b", "c"]))
    >>> counts.positive.sum(), counts.negative.sum()
    (np.int64(1), np.int64(5))
    """
    return _count_exactly(space) if space.exact else _count_on_lattice(space)


def _negatives(space: PairSpace) -> Iterable[NDArray]:
    return (block.of(NEGATIVE) for block in space.blocks())


def _count_exactly(space: PairSpace) -> PairCounts:
    """Give each distinct positive value a cell; a first pass finds range and moments."""
    positive = positive_values(space)
    extents = _Extent(space, [positive]), _Extent(space, _negatives(space))
    low, high = min(extent.low for extent in extents), max(extent.high for extent in extents)
    bins = np.linspace(low, max(high, low + 1), N_BINS + 1)
    distinct = np.unique(positive)
    cuts = np.unique(np.concatenate([distinct, distinct + 1, bins[1:-1]]))
    negative = _into_cells(_negatives(space), cuts)
    cells = _into_cells([positive], cuts)
    of_bins = np.concatenate([[0], np.searchsorted(cuts, bins[1:-1]) + 1, [len(cells)]])
    return PairCounts(cells, negative, bins, sum_between(cells, of_bins), sum_between(negative, of_bins), (extents[0].moments(), extents[1].moments()))


def _into_cells(parts: Iterable[NDArray], cuts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count values into the cells between rising cuts; a value equal to a cut lies above it."""
    counts = np.zeros(len(cuts) + 1, np.int64)
    for part in parts:
        values = np.sort(part)
        if len(cuts) < len(values):
            counts += np.diff(np.searchsorted(values, cuts), prepend=0, append=len(values))
        else:
            np.add.at(counts, np.searchsorted(cuts, values, side="right"), 1)
    return counts


def sum_between(counts: NDArray, borders: NDArray) -> NDArray:
    """Add up the last axis between rising borders.

    Examples
    --------
    >>> sum_between(np.array([1, 2, 3, 4]), np.array([0, 1, 1, 4])).tolist()
    [1, 0, 9]
    """
    below = np.concatenate([np.zeros_like(counts[..., :1]), np.cumsum(counts, axis=-1)], axis=-1)
    return np.diff(below[..., borders], axis=-1)


class _Extent:
    """Number, sums, lowest and highest coordinate of streamed values.

    Sums are taken of the distance to cosine 1, so that no digits are lost where all cosines crowd there.
    """

    def __init__(self, space: PairSpace, parts: Iterable[NDArray]) -> None:
        self.space, self.n, self.total, self.squares, self.low, self.high = space, 0, 0.0, 0.0, np.inf, -np.inf
        for values in parts:
            if values.size:
                away = (values - (space.margin + space.levels)) / space.levels
                self.n += values.size
                self.total += float(away.sum())
                self.squares += float((away * away).sum())
                self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def moments(self) -> Moments:
        mean = self.total / self.n
        sd = max(self.squares / self.n - mean**2, 0.0) ** 0.5 * self.space.span
        low, high = self.space.cosine(np.array([self.low, self.high]))
        return Moments(self.n, 1 + mean * self.space.span, sd, float(low), float(high))


def count_and_vote(space: PairSpace, k: int = 1) -> tuple[PairCounts, NDArray[np.float64]]:
    """Count every pair and find each sequence's nearest neighbours: in one pass where that can be compiled, else in two.

    Parameters
    ----------
    space : PairSpace
        S sequences.
    k : int
        Neighbours that vote.

    Returns
    -------
    counts : PairCounts
        As `count_pairs` gives them.
    credit : ndarray, shape=(S,)
        As `neighbour_credit` gives it, up to ties within rounding on a lattice.

    Raises
    ------
    StudyError
        As `neighbour_credit`.

    Examples
    --------
    >>> from rnastudy.overlap.space import pair_space
    >>> space = pair_space(np.array([[1.0, 0], [1, 0.1], [0, 1], [1, 0.15]]), ["a", "a", "b", "b"], exact=False)
    >>> count_and_vote(space)[1].tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    if space.exact or k != 1 or not compiled.available():
        return count_pairs(space), neighbour_credit(space, k)
    from rnastudy.overlap.kernels import Votes, read_block

    positive, negative = _steps(space)
    alone, votes = lonely(space, k), Votes(space.family)
    for block in _watched(space):
        at = block.rows.start, block.cols.start
        read_block(block.values, *at, space.family, space.family_end, space.group_end, positive, negative, votes.nearest, votes.state)
    return _on_lattice(space, positive, negative), np.where(alone, np.nan, votes.credit())


def _watched(space: PairSpace) -> Iterator[Block]:
    """Stream all blocks; a pass that takes long says how many pairs are done and, at the pace so far, how long the rest takes."""
    with tqdm(total=len(space) * (len(space) - 1) // 2, desc="pairs", unit="pair", unit_scale=True, delay=PATIENCE, leave=False) as bar:
        for block in space.blocks():
            yield block
            first = np.maximum(np.arange(block.rows.start, block.rows.stop) + 1, block.cols.start)
            bar.update(int(np.maximum(block.cols.stop - first, 0).sum()))


def _steps(space: PairSpace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    size = space.levels + 2 * space.margin + 2
    return np.zeros(size, np.int64), np.zeros(size, np.int64)


def _count_on_lattice(space: PairSpace) -> PairCounts:
    """Count in one pass of numpy."""
    positive, negative = _steps(space)
    index = np.empty(512 * 2048, np.intp)
    for block in _watched(space):
        parts = ((NEGATIVE, negative),) if block.relation is None else ((NEGATIVE, negative), (POSITIVE, positive))
        for relation, counts in parts:
            values = block.of(relation)
            cells = index[: values.size]
            cells[:] = values
            np.add.at(counts, cells, 1)
    return _on_lattice(space, positive, negative)


def _on_lattice(space: PairSpace, positive: NDArray[np.int64], negative: NDArray[np.int64]) -> PairCounts:
    """Bin counted steps; bin edges are moved to the nearest lattice step, at most 1 / 2**18 of the range away."""
    occupied = np.flatnonzero(positive + negative)
    bins = np.rint(np.linspace(occupied[0], occupied[-1] + 1, N_BINS + 1)).astype(np.intp)
    bin_counts = sum_between(positive, bins), sum_between(negative, bins)
    return PairCounts(positive, negative, bins.astype(np.float64), *bin_counts, (_lattice_moments(space, positive), _lattice_moments(space, negative)))


def _lattice_moments(space: PairSpace, counts: NDArray[np.int64]) -> Moments:
    away = space.cosine(np.arange(len(counts)) + 0.5) - 1
    occupied, n = away[counts > 0], int(counts.sum())
    mean = float(away @ counts) / n
    sd = max(float((away - mean) ** 2 @ counts) / n, 0.0) ** 0.5
    return Moments(n, 1 + mean, sd, 1 + float(occupied[0]), 1 + float(occupied[-1]))
