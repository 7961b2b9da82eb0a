"""The review's protocol, to the letter as far as it is known.

Pairs drawn at random, densities by kernels, their overlap on a grid (released evaluation code that
follows arXiv 2505.09087).  Clans are ignored, as they were there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.overlap import measures
from rnastudy.overlap.neighbours import neighbour_credit
from rnastudy.overlap.pairs import Indices, Rule, draw_pairs, pair_cosines, rule_named
from rnastudy.overlap.results import Moments, OverlapScores
from rnastudy.overlap.space import pair_space

__all__ = ["density", "ranked_counts", "review"]


def density(values: NDArray, grid: NDArray, bandwidth: float | str = "scott") -> NDArray[np.float64]:
    """Return the Gaussian kernel density of some cosines at the points of a grid.

    `scipy.stats.gaussian_kde` itself, not an approximation of it.

    Parameters
    ----------
    values : ndarray, shape=(n,)
        Cosines.
    grid : ndarray, shape=(m,)
        Where to read the density.
    bandwidth : float or {"scott", "silverman"}
        Rule, or factor on the standard deviation of the values.

    Raises
    ------
    StudyError
        If all values are equal: a kernel density needs a spread.

    Examples
    --------
    >>> density(np.array([-1.0, 1.0]), np.array([0.0]), 0.5).round(3).tolist()
    [0.208]
    """
    from scipy.stats import gaussian_kde

    values = np.asarray(values, np.float64)
    if np.ptp(values) <= 1e-12:
        raise StudyError(f"all {len(values)} cosines equal {values[0]:.6g}, so there is no kernel density; the review's rule cannot score this descriptor")
    return gaussian_kde(values, bw_method=bandwidth)(grid)


def review(
    vectors: NDArray,
    families: Sequence[str],
    *,
    rule: str = "rfam",
    names: Sequence[str] | None = None,
    n: int = 100_000,
    seed: int = 0,
) -> OverlapScores:
    """Score how well cosines tell families apart, as the review did.

    The overlap ratio is ``sum(min(p, n)) / sum(max(p, n))`` of two Gaussian kernel densities (Scott) on the
    rule's grid, averaged over its repeats.  The overlap coefficient is the shared mass over the mean
    mass on the grid, ``sum(min) / ((sum p + sum n) / 2)``; it is reported for the averaged ratio, so that
    ``overlap_ratio == overlap_coefficient / (2 - overlap_coefficient)`` holds exactly.  AUROC and average
    precision are of the drawn pairs, averaged over repeats; the nearest-neighbour accuracy (k = 1) is over
    all sequences.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One descriptor per sequence; the review's own is `rnastudy.embeddings.fft_descriptor`.
    families : sequence of str, length S
        Family of each.
    rule : {"rfam", "archiveii"}
        See `draw_pairs`.
    names : sequence of str, optional
        Names for error messages.
    n : int
        Pairs of each kind and repeat.
    seed : int
        Of the draws.

    Returns
    -------
    OverlapScores
        With ``protocol="review"``; `n_positive` and `n_negative` count the pairs of one repeat.

    Raises
    ------
    StudyError
        For vectors or labels that cannot be used, or when no density falls on the grid.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> vectors = np.repeat(np.eye(3), 4, axis=0) + rng.normal(0, 0.1, (12, 3))
    >>> scores = review(vectors, list("aaaabbbbcccc"), n=500)
    >>> scores.overlap_ratio < 0.01, scores.auroc > 0.99
    (True, True)
    """
    chosen, rng = rule_named(rule), np.random.default_rng(seed)
    space = pair_space(vectors, families, names=names)
    credit = neighbour_credit(space)
    runs = [_repeat(vectors, families, chosen, n, rng, names) for _ in range(chosen.repeats)]
    ratio = float(np.mean([run.ratio for run in runs]))
    return OverlapScores(
        protocol="review",
        auroc=float(np.mean([run.auroc for run in runs])),
        average_precision=float(np.mean([run.precision for run in runs])),
        knn_accuracy=float(np.nanmean(credit)),
        overlap_ratio=ratio,
        overlap_coefficient=2 * ratio / (1 + ratio),
        n_positive=n,
        n_negative=n,
        n_clan_mates=0,
        n_queried=int(np.isfinite(credit).sum()),
        n_sequences=len(space),
        n_families=len(space.families),
        grid=chosen.grid,
        positive=np.mean([run.positive for run in runs], axis=0),
        negative=np.mean([run.negative for run in runs], axis=0),
        moments=(_moments([run.cosines[0] for run in runs]), _moments([run.cosines[1] for run in runs])),
    )


@dataclass(frozen=True)
class _Repeat:
    ratio: float
    auroc: float
    precision: float
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]
    cosines: tuple[NDArray[np.float64], NDArray[np.float64]]


def _repeat(vectors: NDArray, families: Sequence[str], rule: Rule, n: int, rng: np.random.Generator, names: Sequence[str] | None) -> _Repeat:
    pairs = draw_pairs(families, rng, n=n, rule=rule.name)
    cosines = pair_cosines(vectors, pairs[0], names), pair_cosines(vectors, pairs[1], names)
    p, q = density(cosines[0], rule.grid), density(cosines[1], rule.grid)
    union = np.maximum(p, q).sum()
    if not union > 0:
        raise StudyError(f"no density on the grid from {rule.grid[0]:g} to {rule.grid[-1]:g}: all cosines lie outside; use the careful protocol")
    counts = ranked_counts(*cosines)
    return _Repeat(float(np.minimum(p, q).sum() / union), float(measures.auroc(*counts)), float(measures.average_precision(*counts)), p, q, cosines)


def ranked_counts(positive: NDArray, negative: NDArray) -> tuple[Indices, Indices]:
    """Give every distinct value (to 12 decimals) its cell, and count both classes there.

    Examples
    --------
    >>> [part.tolist() for part in ranked_counts(np.array([0.5, 1]), np.array([0, 0.5]))]
    [[0, 1, 1], [1, 1, 0]]
    """
    cells, place = np.unique(np.round(np.concatenate([positive, negative]), 12), return_inverse=True)
    return (
        np.bincount(place[: len(positive)], minlength=len(cells)),
        np.bincount(place[len(positive) :], minlength=len(cells)),
    )


def _moments(parts: list[NDArray[np.float64]]) -> Moments:
    values = np.concatenate(parts)
    return Moments(len(values), float(values.mean()), float(values.std()), float(values.min()), float(values.max()))
