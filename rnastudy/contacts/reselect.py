"""Choose a head and a threshold in every draw of a bootstrap, without looking at those that cannot win.

The F1 of all heads at all thresholds in all draws is a matrix product of trillions of terms, and almost all of it is
beside the point. Counts fall as thresholds rise, so that within a range of thresholds no F1 of an RNA can exceed twice
the pairs found at its lower end over the pairs predicted at its upper end plus those of the reference. Ranges whose bound
stays below an F1 that was seen already are dropped; the others are cut into eight, and so on until single thresholds
are left, which are compared exactly. (Branch and bound: Land and Doig, Econometrica 28:497, 1960.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.contacts.counts import Counts
from rnastudy.contacts.curves import TIE_DECIMALS

__all__ = ["reselect"]

#: Thresholds in a range, from the first look to the last; each is a whole number of the next.
_WIDTHS = (512, 64, 8, 1)
#: A bound this close below an F1 is kept: far more than rounding can move either, far less than an RNA counts.
_SLACK = 1e-9
#: Draws looked at together, and ranges bounded together: 32 MB of bounds.
_DRAWS, _RANGES = 1000, 4096


def reselect(counts: Counts, weights: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Choose layer, head and level in every draw by the protocol's own F1.

    Parameters
    ----------
    counts : Counts
        Of S RNAs; under a protocol that chooses by mean F1, all with pairs.
    weights : ndarray of float64, shape (n_draws, S)
        How often each RNA counts; none below 0, and at least one above in every draw.

    Returns
    -------
    layer, head, level : ndarray of int64, shape (n_draws,)
        Of the highest F1, rounded as `rnastudy.contacts.curves.means` does; ties go to the lowest layer, head, level.

    Examples
    --------
    Of two heads, each finds the pair of one RNA; in each draw the RNA that was drawn decides.

    >>> from rnastudy.contacts import Setting
    >>> found = np.zeros((2, 1, 2, 4096), dtype=int)
    >>> found[[0, 1], 0, [1, 0], :3] = 1
    >>> counts = Counts(Setting("careful"), ("a", "b"), (), found, found, np.ones(2, dtype=int))
    >>> [part.tolist() for part in reselect(counts, np.array([[2.0, 0.0], [1.0, 1.0]]))]
    [[0, 0], [1, 0], [0, 0]]
    """
    table = _Table.of(counts)
    starts = range(0, len(weights), _DRAWS)
    chosen = np.concatenate([_best_columns(table, weights[start : start + _DRAWS]) for start in starts])
    place, level = np.divmod(chosen, table.n_levels)
    layer, head = np.divmod(place, counts.found.shape[2])
    return layer, head, level


@dataclass(frozen=True)
class _Table:
    """Counts with one axis for heads and levels: a column is ``head * K + level``, heads numbered through all layers."""

    found: NDArray[np.unsignedinteger]
    predicted: NDArray[np.unsignedinteger]
    reference: NDArray[np.int64]
    n_levels: int
    pooled: bool

    @classmethod
    def of(cls, counts: Counts) -> _Table:
        found, predicted = (part.reshape(len(counts.names), -1) for part in (counts.found, counts.predicted))
        return cls(found, predicted, counts.reference, counts.found.shape[-1], counts.setting.by == "micro")

    def bounds(self, weights: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        """Bound the F1 between two columns of a head in every draw, shape (W, ranges); the F1 itself where they are one."""
        found, predicted = self.found[:, first].astype(np.float64), self.predicted[:, last].astype(np.float64)
        if self.pooled:
            return 2 * (weights @ found) / np.maximum(weights @ predicted + (weights @ self.reference)[:, None], 1)
        return weights @ (2 * found / (predicted + self.reference[:, None])) / weights.sum(1, keepdims=True)

    def ends(self, first: NDArray[np.int64], width: int) -> NDArray[np.int64]:
        """Return the last column of ranges that begin at `first`; the last range of a head may be shorter."""
        return np.minimum(first + width, (first // self.n_levels + 1) * self.n_levels) - 1


def _best_columns(table: _Table, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the winning column of every draw."""
    n_heads = table.found.shape[1] // table.n_levels
    first = (np.arange(n_heads)[:, None] * table.n_levels + np.arange(0, table.n_levels, _WIDTHS[0])).ravel()
    seen = np.full(len(weights), -1.0)
    for width, finer in zip(_WIDTHS, _WIDTHS[1:], strict=False):
        first = _split(table, _worth_keeping(table, weights, first, width, seen), width, finer)
    return _winners(table, weights, first)


def _worth_keeping(table: _Table, weights: NDArray[np.float64], first: NDArray[np.int64], width: int, seen: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the ranges that may hold the winner of some draw; raise `seen`, the best F1 of each draw so far."""
    reach = np.empty(len(first))
    parts = list(_parts(first))
    for here in parts:
        np.maximum(seen, _promising(table, weights, first[here], width), out=seen)
    for here in parts:
        bounds = table.bounds(weights, first[here], table.ends(first[here], width))
        reach[here] = (bounds - seen[:, None]).max(axis=0)
    return first[reach >= -_SLACK]


def _promising(table: _Table, weights: NDArray[np.float64], first: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Return in every draw the best F1 at the middle of those ranges that have the highest bound in some draw."""
    last = table.ends(first, width)
    few = np.unique(table.bounds(weights[:: max(1, len(weights) // 100)], first, last).argmax(axis=1))
    middle = (first[few] + last[few]) // 2
    return np.asarray(table.bounds(weights, middle, middle).max(axis=1))


def _split(table: _Table, first: NDArray[np.int64], width: int, finer: int) -> NDArray[np.int64]:
    """Cut ranges into finer ones, in order."""
    starts = first[:, None] + np.arange(0, width, finer)
    return starts[starts <= table.ends(first, width)[:, None]]


def _winners(table: _Table, weights: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Compare single columns, in order; a later one has to be better."""
    best, winner = np.full(len(weights), -1.0), np.zeros(len(weights), dtype=np.int64)
    for here in _parts(columns):
        f1 = np.round(table.bounds(weights, columns[here], columns[here]), TIE_DECIMALS)
        place = f1.argmax(axis=1)
        top = np.take_along_axis(f1, place[:, None], axis=1)[:, 0]
        better = top > best
        best[better], winner[better] = top[better], columns[here][place[better]]
    return winner


def _parts(columns: NDArray[np.int64]) -> Iterator[slice]:
    return (slice(start, start + _RANGES) for start in range(0, len(columns), _RANGES))
