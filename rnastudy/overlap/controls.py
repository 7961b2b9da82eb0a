"""Controls: what the overlap ratio owes to its grid, and similarity to length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.overlap import measures
from rnastudy.overlap.pairs import draw_pairs, pair_cosines
from rnastudy.overlap.review import density
from rnastudy.overlap.space import NEGATIVE, POSITIVE, PairSpace, pair_space

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LengthMatched", "grid_sensitivity", "length_matched"]

BINS = (20, 50, 100, 200, 500, 1000)
BANDWIDTHS = (0.02, 0.05, 0.1, 0.2, 0.5)
#: Ranges of cosine that a ratio can be read over; ``None`` is the range observed.
RANGES = (None, (-1.0, 1.0), (-0.5, 1.0), (0.0, 1.2))


def grid_sensitivity(vectors: NDArray, families: Sequence[str], *, n: int = 20_000, seed: int = 0) -> pd.DataFrame:
    """Recompute the overlap ratio of one set of pairs over bins, bandwidths and ranges.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    families : sequence of str, length S
        Family of each.
    n : int
        Pairs of each kind, drawn once by the review's Rfam rule.
    seed : int
        Of the draw.

    Returns
    -------
    pandas.DataFrame
        Columns ``method`` (histogram, kernel), ``setting`` (bins, or bandwidth as a factor on the standard
        deviation), ``low``, ``high``, ``overlap_ratio``; and ``auroc``, the same in every row.  A ratio is
        NaN where nothing lies in the range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = grid_sensitivity(rng.normal(size=(12, 3)), list("aaaabbbbcccc"), n=100)
    >>> sorted(table.method.unique()), len(table)
    (['histogram', 'kernel'], 44)
    """
    import pandas as pd

    pairs = draw_pairs(families, np.random.default_rng(seed), n=n)
    positive, negative = (pair_cosines(vectors, part) for part in pairs)
    both = np.concatenate([positive, negative])
    rows: list[tuple[str, float, float, float, float]] = []
    for low, high in ((both.min(), both.max()) if limits is None else limits for limits in RANGES):
        for bins in BINS:
            counts = (np.histogram(part, bins, (low, high))[0] for part in (positive, negative))
            rows.append(("histogram", bins, low, high, float(measures.overlap_ratio(*counts))))
        for bandwidth in BANDWIDTHS:
            p, q = (density(part, np.linspace(low, high, 200), bandwidth) for part in (positive, negative))
            union = np.maximum(p, q).sum()
            rows.append(("kernel", bandwidth, low, high, float(np.minimum(p, q).sum() / union) if union > 0 else np.nan))
    table = pd.DataFrame(rows, columns=["method", "setting", "low", "high", "overlap_ratio"])
    order = np.argsort(both, kind="stable")
    is_positive = (order < len(positive)).astype(int)
    return table.assign(auroc=float(measures.auroc(is_positive, 1 - is_positive)))


@dataclass(frozen=True)
class LengthMatched:
    """Scores with negatives weighted to the length differences of positives.

    Attributes
    ----------
    auroc, average_precision, overlap_ratio : float
        With weighted negatives; the classes weigh as much as before.
    auroc_unmatched : float
        The same cells without weights.
    matched_share : float
        Share of positive pairs in strata that also hold negatives; the others are left out.
    strata : ndarray
        Borders of the strata, as ratios of the longer to the shorter length.
    """

    auroc: float
    average_precision: float
    overlap_ratio: float
    auroc_unmatched: float
    matched_share: float
    strata: NDArray[np.float64]


def length_matched(
    vectors: NDArray,
    families: Sequence[str],
    lengths: Sequence[int],
    clans: Sequence[str | None] | None = None,
    *,
    strata: int = 20,
) -> LengthMatched:
    """Score families against negatives that differ in length as positives do.

    All pairs fall into strata of ``|log(length ratio)|``, cut at quantiles of the positive pairs (equal
    quantiles merge).  Negatives of a stratum are weighted so that each stratum holds the same share of
    negatives as of positives.  Pairs are counted in 4,096 equal cells of the range of cosines that is possible.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    families : sequence of str, length S
        Family of each.
    lengths : sequence of int, length S
        Bases of each.
    clans : sequence of str or None, length S, optional
        Clan of each.
    strata : int
        Strata before merging.

    Returns
    -------
    LengthMatched

    Raises
    ------
    StudyError
        For lengths that do not fit, or when no stratum holds both kinds of pairs.

    Examples
    --------
    >>> vectors = np.eye(2)[[0, 0, 1, 1, 0, 0]]
    >>> found = length_matched(vectors, list("aabbcc"), [10, 10, 99, 99, 10, 10])
    >>> round(found.auroc_unmatched, 3), found.auroc, found.matched_share
    (0.833, 0.5, 1.0)
    """
    space = pair_space(vectors, families, clans)
    logs = _log_lengths(space, lengths)
    borders = _strata(space, logs, strata)
    positive, negative = _by_stratum(space, logs, borders)
    both = (positive.sum(axis=1) > 0) & (negative.sum(axis=1) > 0)
    if not both.any():
        raise StudyError("no stratum of length ratios holds both positive and negative pairs; lengths alone tell these families apart")
    p, n = positive[both], negative[both]
    weights = p.sum(axis=1) / p.sum() * n.sum() / n.sum(axis=1)
    matched = p.sum(axis=0), weights @ n
    occupied = np.flatnonzero(matched[0] + matched[1])
    edges = np.linspace(occupied[0], occupied[-1] + 1, 201).round().astype(int)
    bins = [np.diff(np.concatenate([[0], np.cumsum(part)])[edges]) for part in matched]
    return LengthMatched(
        float(measures.auroc(*matched)),
        float(measures.average_precision(*matched)),
        float(measures.overlap_ratio(*bins)),
        float(measures.auroc(positive.sum(axis=0), negative.sum(axis=0))),
        float(p.sum() / positive.sum()),
        np.exp(borders),
    )


def _log_lengths(space: PairSpace, lengths: Sequence[int]) -> NDArray[np.float64]:
    values = np.asarray(lengths, np.float64)
    if values.shape != (len(space),) or not (values > 0).all():
        raise StudyError(f"{values.size} lengths for {len(space)} sequences; give one positive number of bases for each")
    return np.log(values[space.order])


def _apart(logs: NDArray[np.float64], rows: slice, cols: slice) -> NDArray[np.float64]:
    return np.abs(logs[rows, None] - logs[cols])


def _strata(space: PairSpace, logs: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    apart = np.concatenate([_apart(logs, block.rows, block.cols)[block.relation == POSITIVE] for block in space.blocks(near=True)])
    return np.unique(np.quantile(apart, np.arange(1, number + 1) / number, method="inverted_cdf"))


def _by_stratum(space: PairSpace, logs: NDArray[np.float64], borders: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Count pairs by stratum and cell; pairs beyond the last border match no positive."""
    n_cells, n_strata = 4096, len(borders) + 1
    counts = np.zeros((4, n_strata, n_cells + 1), np.int64)
    for block in space.blocks():
        stratum = np.searchsorted(borders, _apart(logs, block.rows, block.cols))
        cell = ((block.values - space.margin) * (n_cells / space.levels)).astype(np.intp).clip(0, n_cells)
        relation = np.intp(NEGATIVE) if block.relation is None else block.relation
        np.add.at(counts, (relation, stratum, cell), 1)
    return counts[POSITIVE], counts[NEGATIVE]
