"""Compare models on the same items: paired differences, equivalence, and who cannot be told from the best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rnastudy.errors import StudyError
from rnastudy.statistics.resampling import (
    Clusters,
    Floats,
    cluster_weights,
    finite,
    number_clusters,
    percentile_interval,
    weighted_means,
)

__all__ = [
    "BestGroup",
    "Difference",
    "best_group",
    "detectable_difference",
    "equivalence_p",
    "holm",
    "paired_difference",
    "rank_probabilities",
    "two_sided_p",
]


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference ``a - b``: value, interval, p values, and what could have been seen.

    Attributes
    ----------
    p : float
        Two-sided, of no difference.
    p_equivalent : float
        Of two one-sided tests: small says that the difference lies within the margin.
    sd : float
        Standard deviation of the S paired differences.
    detectable : float
        Difference found with 80 % power, from the spread of the cluster draws.
    """

    value: float
    low: float
    high: float
    level: float
    p: float
    p_equivalent: float
    margin: float
    sd: float
    detectable: float
    n: int
    n_clusters: int


@dataclass(frozen=True, slots=True)
class BestGroup:
    """The best of M and those that cannot be told from it.

    Attributes
    ----------
    best : int
        Index of the highest score.
    tied : tuple of bool, length M
        Whether each belongs to the group of the best (which always does).
    p : tuple of float, length M
        Holm-adjusted p of no difference from the best; 1 for the best itself.
    """

    best: int
    tied: tuple[bool, ...]
    p: tuple[float, ...]


def two_sided_p(draws: ArrayLike) -> float:
    """Two-sided p of "the value is 0": the smallest level whose percentile interval leaves 0 out.

    Never below ``2 / (B + 1)``.

    Examples
    --------
    >>> two_sided_p([0.1, 0.2, 0.3, -0.1])
    0.8
    """
    sample = finite(draws, "draws")
    tail = min(np.sum(sample <= 0), np.sum(sample >= 0))
    return float(min(1.0, 2 * (1 + tail) / (1 + len(sample))))


def equivalence_p(draws: ArrayLike, *, margin: float = 0.05) -> float:
    """P of two one-sided tests (TOST): small says that the value lies within ``(-margin, margin)``.

    Below .05 exactly when the 90 % percentile interval lies within the margin.

    Examples
    --------
    >>> equivalence_p(np.linspace(-0.01, 0.01, 999)), equivalence_p(np.linspace(0.0, 0.2, 999)) > 0.05
    (0.001, True)
    """
    if not margin > 0:
        raise StudyError(f"margin is {margin}; equivalence needs a margin above 0")
    sample = finite(draws, "draws")
    outside = max(np.sum(sample <= -margin), np.sum(sample >= margin))
    return float((1 + outside) / (1 + len(sample)))


def detectable_difference(n: int, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest paired difference that n pairs show with the power given (normal approximation).

    ``(z(1 - alpha / 2) + z(power)) * sd / sqrt(n)``.

    Parameters
    ----------
    n : int
        Number of pairs.
    sd : float
        Standard deviation of the paired differences.

    Examples
    --------
    >>> round(detectable_difference(70, 0.16), 3), round(detectable_difference(70, 0.21), 3)
    (0.054, 0.07)
    """
    if n < 2 or sd < 0 or not 0 < power < 1 or not 0 < alpha < 1:
        raise StudyError(f"n={n}, sd={sd}, power={power}, alpha={alpha}: need n >= 2, sd >= 0, power and alpha between 0 and 1")
    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * sd / math.sqrt(n))


def paired_difference(
    a: ArrayLike, b: ArrayLike, clusters: Clusters, *, n_draws: int = 2000, level: float = 0.95, margin: float = 0.05, seed: int = 0
) -> Difference:
    """Mean of ``a - b`` over the same items, with interval and tests by cluster bootstrap.

    Parameters
    ----------
    a, b : array, shape=(S,)
        Scores of two models on the same items in the same order.
    clusters : sequence, length S
    margin : float
        Differences below it count as none in the equivalence test.

    Raises
    ------
    StudyError
        If the three do not have the same length or hold fewer than 2 clusters.

    Examples
    --------
    >>> found = paired_difference([0.9, 0.8, 0.7, 0.9], [0.5, 0.5, 0.4, 0.4], ["a", "a", "b", "c"])
    >>> round(found.value, 3), found.low > 0, found.n_clusters
    (0.375, True, 3)
    """
    first, second = finite(a, "scores"), finite(b, "scores")
    if first.shape != second.shape or first.shape != (len(clusters),):
        raise StudyError(f"scores of shape {first.shape} and {second.shape} for {len(clusters)} clusters; give the same items in the same order")
    count = number_clusters(clusters)[1]
    if count < 2:
        raise StudyError("1 cluster has no spread between clusters; an interval needs at least 2")
    delta = first - second
    draws = weighted_means(delta, cluster_weights(clusters, n_draws, np.random.default_rng(seed)))
    interval = percentile_interval(draws, float(delta.mean()), level=level)
    power = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    return Difference(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        level=level,
        p=two_sided_p(draws),
        p_equivalent=equivalence_p(draws, margin=margin),
        margin=margin,
        sd=float(delta.std(ddof=1)),
        detectable=float(power * draws.std(ddof=1)) if n_draws > 1 else math.inf,
        n=len(delta),
        n_clusters=count,
    )


def holm(p: ArrayLike) -> Floats:
    """Adjust p values for a list of contrasts fixed beforehand (Holm, Scand. J. Stat. 6, 65-70, 1979).

    Parameters
    ----------
    p : array, shape=(K,)

    Returns
    -------
    ndarray, shape=(K,)
        In the order given; compare with the level as they are.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = finite(p, "p values")
    if values.ndim != 1 or values.min() < 0 or values.max() > 1:
        raise StudyError(f"p values between {values.min():g} and {values.max():g}; give a flat list within 0 and 1")
    order = values.argsort(kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def rank_probabilities(draws: ArrayLike) -> Floats:
    """How often each of M stands at each rank; equal scores share their ranks.

    Parameters
    ----------
    draws : array, shape=(B, M)
        Score of each in each resample, higher is better.

    Returns
    -------
    ndarray, shape=(M, M)
        Row: which one; column: rank, 0 is best. Rows and columns sum to 1.

    Examples
    --------
    >>> rank_probabilities([[0.9, 0.1, 0.5], [0.9, 0.5, 0.5]]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.25, 0.75], [0.0, 0.75, 0.25]]
    """
    scores = _score_draws(draws)
    first = stats.rankdata(-scores, method="min", axis=1) - 1
    last = stats.rankdata(-scores, method="max", axis=1)
    at = [np.mean(((first <= rank) & (rank < last)) / (last - first), axis=0) for rank in range(scores.shape[1])]
    return np.stack(at, axis=1)


def best_group(values: ArrayLike, draws: ArrayLike, *, alpha: float = 0.05) -> BestGroup:
    """Say which of M cannot be told from the best: ties shown as ties.

    Each is compared with the best on the same resamples, two-sided, Holm-adjusted over the M - 1 comparisons.

    Parameters
    ----------
    values : array, shape=(M,)
        Scores on the data themselves, higher is better.
    draws : array, shape=(B, M)
        The same in each resample, all on the same weights.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.01, (999, 3))
    >>> best_group([0.50, 0.51, 0.20], np.array([0.50, 0.51, 0.20]) + noise).tied
    (True, True, False)
    """
    scores, sample = finite(values, "scores"), _score_draws(draws)
    if scores.shape != sample.shape[1:]:
        raise StudyError(f"{scores.shape} scores against draws of shape {sample.shape}; give one column a model")
    best = int(scores.argmax())
    others = [m for m in range(len(scores)) if m != best]
    p = np.ones(len(scores))
    if others:
        p[others] = holm([two_sided_p(sample[:, best] - sample[:, m]) for m in others])
    return BestGroup(best, tuple((p >= alpha).tolist()), tuple(p.tolist()))


def _score_draws(draws: ArrayLike) -> Floats:
    scores = finite(draws, "draws")
    if scores.ndim != 2:
        raise StudyError(f"draws of shape {scores.shape}; give shape (draws, models)")
    return scores
