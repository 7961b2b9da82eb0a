"""Resample whole clusters: weights, means under weights, and intervals from draws."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rnastudy.errors import StudyError, unknown

__all__ = ["Interval", "bca_interval", "bootstrap", "cluster_weights", "jackknife_weights", "percentile_interval", "reselected_means", "weighted_means"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Clusters = Sequence[Hashable | None]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval at one confidence level."""

    value: float
    low: float
    high: float
    level: float = 0.95


def finite(values: ArrayLike, what: str) -> Floats:
    """Return `values` as floats, or raise: nothing undefined is ever averaged silently."""
    array = np.asarray(values, dtype=float)
    if array.ndim == 0 or not array.size or not np.isfinite(array).all():
        raise StudyError(f"{what} of shape {array.shape} are empty or not finite; leave out what is undefined by a stated rule first")
    return array


def check_level(level: float) -> None:
    """Raise unless `level` lies between 0 and 1."""
    if not 0 < level < 1:
        raise StudyError(f"level is {level}; give a fraction between 0 and 1, such as 0.95")


def number_clusters(clusters: Clusters) -> tuple[Ints, int]:
    """Number the clusters from 0 in order of appearance; each ``None`` is its own."""
    seen: dict[object, int] = {}
    codes = [seen.setdefault(("item", i) if c is None else ("cluster", c), len(seen)) for i, c in enumerate(clusters)]
    if not codes:
        raise StudyError("no items to resample; give at least one")
    return np.asarray(codes, dtype=np.int64), len(seen)


def cluster_weights(clusters: Clusters, n_draws: int, rng: np.random.Generator) -> Ints:
    """Draw whole clusters with replacement.

    Parameters
    ----------
    clusters : sequence of hashable or None, length S
        Cluster of each item; ``None`` makes the item its own cluster.
    n_draws : int
        Number B of resamples.
    rng : numpy.random.Generator
        The same seed gives the same weights, and so a paired comparison.

    Returns
    -------
    ndarray of int, shape=(B, S)
        How often each item was drawn; items of one cluster share it.

    Raises
    ------
    StudyError
        If there is no item or no draw.

    Examples
    --------
    >>> weights = cluster_weights(["a", "a", "b", None], 3, np.random.default_rng(0))
    >>> weights.shape, bool((weights[:, 0] == weights[:, 1]).all())
    ((3, 4), True)
    >>> (weights[:, 1:].sum(axis=1)).tolist()  # three clusters, drawn three times
    [3, 3, 3]
    """
    if n_draws < 1:
        raise StudyError(f"n_draws is {n_draws}; a bootstrap needs at least 1 draw")
    codes, count = number_clusters(clusters)
    weights: Ints = rng.multinomial(count, np.full(count, 1 / count), size=n_draws)[:, codes]
    return weights


def jackknife_weights(clusters: Clusters) -> Ints:
    """Leave one cluster out at a time: weights of shape (number of clusters, S), for `bca_interval`.

    Examples
    --------
    >>> jackknife_weights(["a", "a", "b"]).tolist()
    [[0, 0, 1], [1, 1, 0]]
    """
    codes, count = number_clusters(clusters)
    return np.asarray(codes[None, :] != np.arange(count)[:, None], dtype=np.int64)


def weighted_means(values: ArrayLike, weights: ArrayLike) -> Floats:
    """Mean over items in each resample.

    Parameters
    ----------
    values : array, shape=(S,) or (S, M)
        One score an item, or one an item and model.
    weights : array, shape=(B, S)

    Returns
    -------
    ndarray, shape=(B,) or (B, M)

    Examples
    --------
    >>> weighted_means([0.0, 1.0], [[1, 1], [2, 0], [0, 2]]).tolist()
    [0.5, 0.0, 1.0]
    """
    scores, counts = finite(values, "scores"), np.asarray(weights, dtype=float)
    if counts.ndim != 2 or counts.shape[1] != len(scores):
        raise StudyError(f"weights of shape {counts.shape} do not fit {len(scores)} items; give shape (draws, items)")
    totals = counts.sum(axis=1)
    if not totals.all():
        raise StudyError("a resample has no item; its mean does not exist")
    means: Floats = counts @ scores / (totals if scores.ndim == 1 else totals[:, None])
    return means


def reselected_means(validation: ArrayLike, test: ArrayLike, validation_weights: ArrayLike, test_weights: ArrayLike) -> tuple[Floats, Ints]:
    """Choose on one resample, score on the other, afresh in every draw.

    Parameters
    ----------
    validation : array, shape=(S, K)
        Score of each validation item under each of K choices.
    test : array, shape=(S', K)
        The same choices on other items.
    validation_weights, test_weights : array, shape=(B, S) and (B, S')

    Returns
    -------
    means : ndarray, shape=(B,)
        Test mean under the choice that the validation resample made.
    choices : ndarray of int, shape=(B,)
        That choice; ties go to the lowest.

    Examples
    --------
    >>> means, choices = reselected_means([[0.2, 0.9]], [[0.5, 0.4]], [[1]], [[1]])
    >>> means.tolist(), choices.tolist()
    ([0.4], [1])
    """
    chosen = weighted_means(validation, validation_weights).argmax(axis=1)
    return weighted_means(test, test_weights)[np.arange(len(chosen)), chosen], chosen


def percentile_interval(draws: ArrayLike, value: float, *, level: float = 0.95) -> Interval:
    """Interval between two quantiles of the draws.

    Parameters
    ----------
    draws : array, shape=(B,)
        The statistic in each resample.
    value : float
        The statistic on the data themselves.

    Examples
    --------
    >>> interval = percentile_interval(np.arange(101), 50.0, level=0.9)
    >>> round(interval.low, 6), round(interval.high, 6)
    (5.0, 95.0)
    """
    check_level(level)
    low, high = np.quantile(finite(draws, "draws"), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high), level)


def bca_interval(draws: ArrayLike, value: float, jackknife: ArrayLike, *, level: float = 0.95) -> Interval:
    """Bias-corrected and accelerated interval [1]_.

    Parameters
    ----------
    draws : array, shape=(B,)
        The statistic in each resample.
    value : float
        The statistic on the data themselves.
    jackknife : array, shape=(number of clusters,)
        The statistic with one cluster left out (`jackknife_weights`).

    References
    ----------
    .. [1] B. Efron, "Better bootstrap confidence intervals", J. Am. Stat. Assoc. 82, 171-185, 1987.

    Examples
    --------
    >>> interval = bca_interval(np.arange(101), 50.0, [49.0, 50.0, 51.0], level=0.9)
    >>> round(interval.low), round(interval.high)
    (5, 95)
    """
    check_level(level)
    sample, left_out = finite(draws, "draws"), finite(jackknife, "jackknife values")
    below = (np.mean(sample < value) + np.mean(sample <= value)) / 2
    if not 0 < below < 1:
        if np.all(sample == value):
            return Interval(float(value), float(value), float(value), level)
        raise StudyError(f"all {len(sample)} draws lie on one side of {value:g}; BCa does not exist here, use percentile_interval")
    bias = stats.norm.ppf(below)
    spread = left_out.mean() - left_out
    squares = float(np.sum(spread**2))
    acceleration = np.sum(spread**3) / (6 * squares**1.5) if squares else 0.0
    z = bias + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(sample, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    return Interval(float(value), float(low), float(high), level)


def bootstrap(
    statistic: Callable[[NDArray[np.integer]], ArrayLike],
    clusters: Clusters,
    *,
    n_draws: int = 2000,
    level: float = 0.95,
    method: Literal["percentile", "bca"] = "percentile",
    seed: int = 0,
) -> Interval:
    """Interval of any statistic that is a function of weights, by cluster bootstrap.

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (B, S), returns B values.
    clusters : sequence, length S
    method : {"percentile", "bca"}
        BCa corrects skew; it costs one more evaluation a cluster.

    Examples
    --------
    >>> f1 = np.array([0.2, 0.4, 0.9, 0.7])
    >>> interval = bootstrap(lambda w: weighted_means(f1, w), ["tRNA", "tRNA", "5S", None])
    >>> round(interval.value, 2), interval.low < interval.value < interval.high
    (0.55, True)
    """
    if method not in ("percentile", "bca"):
        raise unknown("interval method", method, ["percentile", "bca"])
    weights = cluster_weights(clusters, n_draws, np.random.default_rng(seed))
    value = float(np.asarray(statistic(np.ones((1, len(clusters)), dtype=np.int64)))[0])
    draws = statistic(weights)
    if method == "percentile":
        return percentile_interval(draws, value, level=level)
    return bca_interval(draws, value, statistic(jackknife_weights(clusters)), level=level)
