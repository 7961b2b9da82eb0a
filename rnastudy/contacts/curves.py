"""F1 of heads at every threshold, from counts of one set, for one or many weightings of its RNAs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.contacts.counts import Counts
from rnastudy.errors import unknown

__all__ = ["TIE_DECIMALS", "best_levels", "best_per_head", "curve", "means", "means_at"]

#: Decimals to which two mean F1 are the same: sums in another order differ beyond.
TIE_DECIMALS = 12


def curve(counts: Counts, layer: int, head: int, *, by: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return F1 of one head at every threshold.

    Parameters
    ----------
    counts : Counts
        Of one set.
    layer, head : int
        Counted from zero.
    by : {"micro", "macro"}, optional
        The protocol's own if not given.

    Returns
    -------
    thresholds, f1 : ndarray of float64, shape (K,)
    """
    ones = np.ones((1, len(counts.names)))
    return counts.levels, means(counts, layer, head, ones, by=by)[0]


def best_per_head(counts: Counts, *, by: str | None = None) -> NDArray[np.float64]:
    """Return the F1 of each head at its own best threshold: which heads know anything, on the set itself.

    Parameters
    ----------
    counts : Counts
        Of one set. On a test set this is the optimistic view, not a result.
    by : {"micro", "macro"}, optional
        The protocol's own if not given.

    Returns
    -------
    ndarray of float64, shape (N, H)
    """
    return best_levels(counts, by=by)[0]


def means(counts: Counts, layer: int, head: int, weights: NDArray[np.float64], *, by: str | None = None) -> NDArray[np.float64]:
    """Return mean F1 of a head at every threshold, for several weightings of RNAs at once.

    Parameters
    ----------
    counts : Counts
        Of S RNAs.
    layer, head : int
        Counted from zero.
    weights : ndarray of float64, shape (W, S)
        How often each RNA counts.
    by : {"micro", "macro"}, optional
        ``macro``: mean over RNAs with pairs. ``micro``: F1 of pooled pairs. The protocol's own if not given.

    Returns
    -------
    ndarray of float64, shape (W, K)
        Rounded to 12 decimals, so that ties are ties in any order of summation; NaN where no RNA with pairs has weight.
    """
    found, predicted = counts.head(layer, head)
    if _measure(counts, by) == "micro":
        share = 2 * (weights @ found) / np.maximum(weights @ predicted + (weights @ counts.reference)[:, None], 1)
    else:
        kept = counts.with_pairs
        f1 = 2 * found[kept] / (predicted[kept] + counts.reference[kept, None])
        total = weights[:, kept].sum(1, keepdims=True)
        share = weights[:, kept] @ f1 / np.where(total > 0, total, np.nan)
    return np.round(share, TIE_DECIMALS)


def means_at(
    counts: Counts, weights: NDArray[np.float64], layer: NDArray[np.int64], head: NDArray[np.int64], level: NDArray[np.int64], *, by: str | None = None
) -> NDArray[np.float64]:
    """Return mean F1 at one choice for each weighting of RNAs: one entry of `means` each, without the others.

    Parameters
    ----------
    counts : Counts
        Of S RNAs.
    weights : ndarray of float64, shape (W, S)
        How often each RNA counts.
    layer, head, level : ndarray of int64, shape (W,)
        Counted from zero.
    by : {"micro", "macro"}, optional
        As in `means`.

    Returns
    -------
    ndarray of float64, shape (W,)
        Rounded as in `means`.
    """
    at = np.s_[:, layer, head, level]
    found, predicted = counts.found[at].T.astype(np.float64), counts.predicted[at].T.astype(np.float64)
    if _measure(counts, by) == "micro":
        share = 2 * (weights * found).sum(1) / np.maximum((weights * predicted).sum(1) + weights @ counts.reference, 1)
    else:
        kept = counts.with_pairs
        f1 = 2 * found[:, kept] / (predicted[:, kept] + counts.reference[kept])
        total = weights[:, kept].sum(1)
        share = (weights[:, kept] * f1).sum(1) / np.where(total > 0, total, np.nan)
    return np.round(share, TIE_DECIMALS)


def best_levels(counts: Counts, *, by: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the best F1 of each head, and the lowest level that has it.

    Parameters
    ----------
    counts : Counts
        Of one set.
    by : {"micro", "macro"}, optional
        The protocol's own if not given.

    Returns
    -------
    best : ndarray of float64, shape (N, H)
    level : ndarray of int64, shape (N, H)
        Into `Counts.levels`.
    """
    _, n_layers, n_heads, _ = counts.found.shape
    best = np.empty((n_layers, n_heads))
    level = np.empty((n_layers, n_heads), dtype=np.int64)
    for layer, head in np.ndindex(n_layers, n_heads):
        _, f1 = curve(counts, layer, head, by=by)
        level[layer, head] = f1.argmax()
        best[layer, head] = f1[level[layer, head]]
    return best, level


def _measure(counts: Counts, by: str | None) -> str:
    by = by or counts.setting.by
    if by not in ("micro", "macro"):
        raise unknown("measure", by, ("micro", "macro"))
    return by
