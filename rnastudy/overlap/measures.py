"""How far two similarity distributions lie apart: measures on ordered cells.

Every measure reads two arrays of counts, `positive` and `negative`, over the same ordered cells, from low
to high similarity.  With a cell for every distinct value the results are exact; with coarser cells,
`bounds` says how wrong they can be.  The last axis is the cells; axes before it (bootstrap draws) are
kept, and counts may be weighted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["auroc", "average_precision", "bounds", "overlap_coefficient", "overlap_ratio"]


def _counts(positive: ArrayLike, negative: ArrayLike) -> tuple[NDArray, NDArray]:
    return np.asarray(positive, np.float64), np.asarray(negative, np.float64)


def auroc(positive: ArrayLike, negative: ArrayLike) -> NDArray[np.float64]:
    """Return the chance that a positive pair is more similar than a negative one, ties counting half.

    Parameters
    ----------
    positive, negative : array_like, shape=(..., G)
        Counts in cells of rising similarity.

    Returns
    -------
    ndarray, shape=(...)
        Between 0 and 1; NaN where a class is empty.

    Examples
    --------
    >>> float(auroc([0, 1, 2], [2, 1, 0]))
    0.9444444444444444
    """
    p, n = _counts(positive, negative)
    below = np.cumsum(n, axis=-1) - n / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (p * below).sum(axis=-1) / (p.sum(axis=-1) * n.sum(axis=-1))


def average_precision(positive: ArrayLike, negative: ArrayLike, *, interpolate: bool = False) -> NDArray[np.float64]:
    """Return the mean precision over recall, as scikit-learn defines it.

    Parameters
    ----------
    positive, negative : array_like, shape=(..., G)
        Counts in cells of rising similarity; a cell's pairs are one tie.
    interpolate : bool
        Take a cell's precision at its middle instead of its end: nearer the truth on coarse cells.

    Returns
    -------
    ndarray, shape=(...)
        Between 0 and 1; NaN where there is no positive.

    Examples
    --------
    >>> float(average_precision([0, 1, 2], [2, 1, 0]))
    0.9166666666666666
    """
    p, n = _counts(positive, negative)
    share = 0.5 if interpolate else 0.0
    hits = np.cumsum(p[..., ::-1], axis=-1)[..., ::-1] - share * p
    alarms = np.cumsum(n[..., ::-1], axis=-1)[..., ::-1] - share * n
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(p > 0, hits / (hits + alarms), 0.0)
        return (p * precision).sum(axis=-1) / p.sum(axis=-1)


def overlap_ratio(positive: ArrayLike, negative: ArrayLike) -> NDArray[np.float64]:
    """Return intersection over union of two histograms (or densities), each scaled to sum 1.

    Examples
    --------
    >>> float(overlap_ratio([0, 2, 2], [2, 2, 0]))
    0.3333333333333333
    """
    shared = overlap_coefficient(positive, negative)
    return shared / (2 - shared)


def overlap_coefficient(positive: ArrayLike, negative: ArrayLike) -> NDArray[np.float64]:
    """Return the mass that two histograms share, each scaled to sum 1.

    With equal bins ``OVL = sum(min(p, n))``, ``sum(max(p, n)) = 2 - OVL``, so ``OR = OVL / (2 - OVL)``.

    Examples
    --------
    >>> float(overlap_coefficient([0, 2, 2], [2, 2, 0]))
    0.5
    """
    p, n = _counts(positive, negative)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, n = p / p.sum(axis=-1, keepdims=True), n / n.sum(axis=-1, keepdims=True)
    return np.minimum(p, n).sum(axis=-1)


def bounds(positive: ArrayLike, negative: ArrayLike, steps: int) -> tuple[float, float]:
    """Bound the error of AUROC and average precision on a lattice.

    The true order of two pairs is unknown when their cells are at most `steps` apart.  In the best case
    all such negatives lie below a positive, and positives up to `steps` below tie with it; in the worst
    all such negatives lie above it, and positives of a cell come one after another.  (Precision is
    concave in the number of hits, so a cell's mean is at least that of its first and last positive.)

    Parameters
    ----------
    positive, negative : array_like, shape=(G,)
        Counts in cells of rising similarity.
    steps : int
        Largest error of a difference of coordinates, in cells; 0 if only the order within a cell is unknown.

    Returns
    -------
    auroc_error, average_precision_error : float
        Largest possible distance of the true value from the one computed on the cells.

    Examples
    --------
    >>> tuple(round(error, 3) for error in bounds([0, 1, 1], [1, 1, 0], 0))
    (0.125, 0.167)
    """
    p, n = _counts(positive, negative)
    held = np.flatnonzero(p)
    hits, alarms = _at_or_above(p), _at_or_above(n)
    p, last = p[held], len(hits) - 1
    low, high = np.maximum(held - steps, 0), np.minimum(held + steps + 1, last)
    best, worst = n.sum() - alarms[high], n.sum() - alarms[low]
    areas = (p @ best) / (p.sum() * n.sum()), (p @ worst) / (p.sum() * n.sum())
    upper = hits[low] / (hits[low] + alarms[high])
    first, final = hits[held + 1] + 1, hits[held]
    lower = (first / (first + alarms[low]) + final / (final + alarms[low])) / 2
    precisions = p @ upper / p.sum(), p @ lower / p.sum()
    return _farthest(auroc(positive, negative), areas), _farthest(average_precision(positive, negative), precisions)


def _at_or_above(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts in each cell and all above it, and 0 above the last."""
    return np.append(np.cumsum(counts[::-1])[::-1], 0.0)


def _farthest(value: NDArray[np.float64], limits: tuple[float, float]) -> float:
    return float(max(limits[0] - value, value - limits[1]))
