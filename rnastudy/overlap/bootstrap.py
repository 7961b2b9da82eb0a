"""Intervals by resampling families, the vertices of the graph of pairs.

Pairs share sequences and sequences share families, so pairs are far from independent.  A draw takes F
families with replacement; with multiplicities ``w`` a positive pair of family a weighs ``w[a]``, and a
negative pair of families a and b weighs ``w[a] * w[b]``.  (Pairs between two copies of a family are no
pairs: they would compare a sequence with itself.)

All draws are computed in one pass.  For each family, its pairs with later families are counted into cells
by partner family; one matrix product with the weights of all draws adds them up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.overlap import measures
from rnastudy.overlap.counting import PairCounts, positive_values, sum_between
from rnastudy.overlap.results import MEASURES
from rnastudy.overlap.space import POSITIVE, PairSpace

__all__ = ["family_bootstrap", "family_weights", "interval", "weighted_cells"]

#: Cells that rank pairs within a draw; exact when there are no more distinct positive values than half.
N_RANKS = 256


def family_weights(n_families: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Return how often each family is in each draw.

    Examples
    --------
    >>> family_weights(5, 2, seed=0).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_families, np.full(n_families, 1 / n_families), size=draws).astype(np.float64)


def family_bootstrap(space: PairSpace, counts: PairCounts, credit: NDArray[np.float64], point: dict, draws: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return every measure in every draw, shape (draws,) each; the same seed and families give the same draws to all models.

    AUROC and average precision are ranked on at most 256 cells cut at quantiles of the positive pairs;
    the small error of the cells is taken off by the difference between the exact value and that of
    the cells.  Nearest neighbours are those of the whole set; their credit is resampled by family.
    A draw that leaves no positive or no negative pair is NaN.

    Raises
    ------
    StudyError
        If fewer than three families are there, or fewer than half of the draws can be used.
    """
    n_families = len(space.families)
    if n_families < 3 or draws < 2:
        raise StudyError(f"a family bootstrap of {draws} draws over {n_families} families needs at least 2 draws and 3 families; or ask for draws=0")
    bins = counts.bins[1:-1]
    cuts = _cuts(positive_values(space), bins)
    weights = np.vstack([np.ones(n_families), family_weights(n_families, draws, seed)])
    positive, negative = weighted_cells(space, cuts, weights)
    borders = np.concatenate([[0], np.searchsorted(cuts, bins) + 1, [len(cuts) + 1]])
    values = {
        "auroc": measures.auroc(positive, negative),
        "average_precision": measures.average_precision(positive, negative, interpolate=True),
        "knn_accuracy": _resampled_credit(space, credit, weights),
        "overlap_coefficient": measures.overlap_coefficient(sum_between(positive, borders), sum_between(negative, borders)),
    }
    values["overlap_ratio"] = values["overlap_coefficient"] / (2 - values["overlap_coefficient"])
    usable = np.asarray(np.isfinite(np.stack(list(values.values()))).all(axis=0))[1:]
    if usable.mean() < 0.5:
        raise StudyError(f"only {usable.sum()} of {draws} draws of {n_families} families hold positive and negative pairs; give more families with two members")
    return {name: np.where(usable, _moved(values[name], point[name]), np.nan) for name in MEASURES}


def _moved(values: NDArray[np.float64], point: float) -> NDArray[np.float64]:
    """Move the draws by what the cells get wrong on the full set, which comes first."""
    return np.clip(values[1:] + (point - values[0]), 0.0, 1.0)


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % percentile interval of the draws that could be used.

    Examples
    --------
    >>> interval(np.array([0.5, 0.5, np.nan]))
    (0.5, 0.5)
    """
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _cuts(positive: NDArray, bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders of cells: those of the histogram, and single values or quantiles of the positives."""
    distinct = np.unique(positive).astype(np.float64)
    if 2 * len(distinct) <= N_RANKS:
        ranks = np.concatenate([distinct, distinct + 1])
    else:
        ranks = positive[np.linspace(0, len(positive) - 1, N_RANKS).astype(np.intp)].astype(np.float64)
    return np.unique(np.concatenate([ranks, bins]))


def weighted_cells(
    space: PairSpace, cuts: NDArray[np.float64], weights: NDArray[np.float64], *, values_per_block: int = 2**21
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count all pairs into cells, under many weightings of the families at once.

    Parameters
    ----------
    space : PairSpace
        Sequences of F families.
    cuts : ndarray, shape=(G - 1,)
        Rising borders of G cells, in lattice coordinates.
    weights : ndarray, shape=(B, F)
        Weight of each family in each of B draws.

    Returns
    -------
    positive, negative : ndarray, shape=(B, G)
        Weighted counts.

    Examples
    --------
    >>> from rnastudy.overlap.space import pair_space
    >>> space = pair_space(np.eye(3)[[0, 0, 1, 1, 2]], ["a", "a", "b", "b", "c"])
    >>> positive, negative = weighted_cells(space, np.empty(0), np.array([[1.0, 1, 1], [2, 0, 1]]))
    >>> positive.ravel().tolist(), negative.ravel().tolist()
    ([2.0, 2.0], [8.0, 4.0])
    """
    n_families, n_cells = len(space.families), len(cuts) + 1
    within = np.zeros((n_families, n_cells))
    for block in space.blocks(near=True):
        mask = np.asarray(block.relation == POSITIVE)
        family = np.broadcast_to(space.family[block.rows, None], mask.shape)[mask]
        np.add.at(within, (family, np.searchsorted(cuts, block.values[mask], side="right")), 1)
    negative = np.zeros((len(weights), n_cells))
    for start, stop in zip(*_family_borders(space), strict=True):
        first = int(space.group_end[start])
        columns = max(1, values_per_block // (stop - start))
        for left in range(first, len(space), columns):
            cols = slice(left, min(left + columns, len(space)))
            between = _by_partner(space, slice(start, stop), cols, cuts)
            partners = slice(space.family[cols.start], space.family[cols.stop - 1] + 1)
            negative += weights[:, space.family[start], None] * (weights[:, partners] @ between)
    return weights @ within, negative


def _family_borders(space: PairSpace) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    stops = np.cumsum(space.sizes)
    return stops - space.sizes, stops


def _by_partner(space: PairSpace, rows: slice, cols: slice, cuts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count pairs of one family by partner family and cell, shape=(partners, G)."""
    partner = space.family[cols] - space.family[cols.start]
    n_cells = len(cuts) + 1
    cells = np.searchsorted(cuts, space.values(rows, cols), side="right") + partner * n_cells
    size = (int(partner[-1]) + 1) * n_cells
    return np.bincount(cells.ravel(), minlength=size).reshape(-1, n_cells).astype(np.float64)


def _resampled_credit(space: PairSpace, credit: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    asked = np.isfinite(credit)
    earned = np.bincount(space.family, np.where(asked, credit, 0.0), minlength=len(space.families))
    queries = np.bincount(space.family, asked, minlength=len(space.families))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights @ earned) / (weights @ queries)
