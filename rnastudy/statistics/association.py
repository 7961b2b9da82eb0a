"""Correlation over few points that come in clusters: interval, permutation p, and what is left at fixed size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rnastudy.errors import StudyError, unknown
from rnastudy.statistics.resampling import (
    Clusters,
    Floats,
    Ints,
    check_level,
    cluster_weights,
    finite,
    number_clusters,
    percentile_interval,
)

__all__ = ["Correlation", "correlation", "correlation_half_width"]

Kind = Literal["spearman", "kendall", "pearson"]


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation with its interval and its cluster-permutation p value.

    Attributes
    ----------
    n_undefined : int
        Draws in which the coefficient did not exist; they widen the interval on both sides.
    """

    value: float
    low: float
    high: float
    level: float
    p: float
    n: int
    n_clusters: int
    kind: str
    n_undefined: int


def _weighted_ranks(x: Floats, weights: Floats) -> Floats:
    """Midranks of x in the multiset where item i stands weights[b, i] times; shape (B, n)."""
    below = (x[None, :] < x[:, None]) + 0.5 * (x[None, :] == x[:, None])
    ranks: Floats = weights @ below.T + 0.5
    return ranks


def _correlation_matrices(columns: Floats, weights: Floats) -> Floats:
    """Weighted correlations of V variables, columns of shape (B, n, V), as (B, V, V); nan where constant."""
    totals = weights.sum(axis=1)[:, None, None]
    centred = columns - (weights[:, :, None] * columns).sum(axis=1, keepdims=True) / totals
    covariance = np.einsum("bn,bnu,bnv->buv", weights, centred, centred) / totals
    variance = np.einsum("bvv->bv", covariance)
    scale = np.max(np.abs(columns), axis=1) ** 2
    sd = np.sqrt(np.where(variance > 1e-12 * scale, variance, np.nan))
    matrices: Floats = covariance / (sd[:, :, None] * sd[:, None, :])
    return matrices


def _partial(matrices: Floats) -> Floats:
    """Correlation of variables 0 and 1 given all others; nan where the others explain one of them."""
    out = np.full(len(matrices), np.nan)
    known = np.isfinite(matrices).all(axis=(1, 2))
    usable = matrices[known]
    own, cross, rest = usable[:, :2, :2], usable[:, :2, 2:], usable[:, 2:, 2:]
    left = own - cross @ np.linalg.pinv(rest, rcond=1e-10, hermitian=True) @ cross.swapaxes(1, 2)
    spread = left[:, 0, 0] * left[:, 1, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.clip(left[:, 0, 1] / np.sqrt(spread), -1, 1)
    out[known] = np.where((left[:, 0, 0] > 1e-9) & (left[:, 1, 1] > 1e-9), value, np.nan)
    return out


def _kendall(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Tau-b in each multiset of weights; nan where x or y is constant."""
    sx, sy = np.sign(x[:, None] - x[None, :]), np.sign(y[:, None] - y[None, :])
    both, only_x, only_y = (np.einsum("bi,bi->b", weights @ m, weights) for m in (sx * sy, sx**2, sy**2))
    spread = only_x * only_y
    tau: Floats = both / np.sqrt(np.where(spread > 0, spread, np.nan))
    return tau


def _coefficients(x: Floats, y: Floats, given: Floats, weights: Floats, kind: Kind) -> Floats:
    """The coefficient in each of B multisets of weights; nan where it does not exist."""
    if kind == "kendall":
        return _kendall(x, y, weights)
    variables = [x, y, *given.T]
    if kind == "spearman":
        columns = np.stack([_weighted_ranks(v, weights) for v in variables], axis=2)
    else:
        columns = np.broadcast_to(np.stack(variables, axis=1), (len(weights), len(x), len(variables)))
    matrices = _correlation_matrices(columns, weights)
    return _partial(matrices) if given.size else matrices[:, 0, 1]


def _residuals(x: Floats, given: Floats) -> Floats:
    design = np.column_stack([np.ones(len(x)), given])
    left: Floats = x - design @ np.linalg.lstsq(design, x, rcond=None)[0]
    return left


def _permutation_p(x: Floats, y: Floats, codes: Ints, kind: Kind, n_draws: int, rng: np.random.Generator) -> float:
    """Permute y between clusters, each cluster one point (its mean); all orders where they are few."""
    sizes = np.bincount(codes)
    mean_x, mean_y = (np.bincount(codes, v) / sizes for v in (x, y))
    if kind == "kendall":
        x_form, y_form = (np.sign(np.round(m[:, None] - m[None, :], 9)) for m in (mean_x, mean_y))
    else:
        x_form, y_form = ((stats.rankdata(np.round(m, 9)) if kind == "spearman" else m) for m in (mean_x, mean_y))
        x_form, y_form = x_form - x_form.mean(), y_form - y_form.mean()
    count = len(sizes)
    exact = count <= 8 and math.factorial(count) <= n_draws
    orders = np.array(list(permutations(range(count)))) if exact else rng.permuted(np.tile(np.arange(count), (n_draws, 1)), axis=1)
    observed = abs(np.sum(x_form * y_form))
    shuffled = (y_form[np.ix_(o, o)] if y_form.ndim == 2 else y_form[o] for o in orders)
    hits = sum(abs(np.sum(x_form * f)) >= observed * (1 - 1e-9) for f in shuffled)
    return float(hits / len(orders)) if exact else float((1 + hits) / (1 + len(orders)))


def correlation(
    x: ArrayLike,
    y: ArrayLike,
    *,
    given: ArrayLike | None = None,
    clusters: Clusters | None = None,
    kind: Kind = "spearman",
    n_draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Correlation:
    """Correlation of n points with an interval by cluster bootstrap and p by permuting clusters.

    The permutation counts each cluster once, at the mean of its points (of their ranks for the rank kinds): sizes of one
    model are not independent evidence. With `given`, both sides lose what is linear in it first (in the ranks of it for
    "spearman"), in every draw. A draw in which the coefficient does not exist counts as -1 for the lower end and as 1
    for the upper end.

    Parameters
    ----------
    x, y : array, shape=(n,)
    given : array, shape=(n,) or (n, K), optional
        Variables to hold fixed, such as log size; not with "kendall".
    clusters : sequence, length n, optional
        Each point its own cluster by default.
    kind : {"spearman", "kendall", "pearson"}
        Kendall is tau-b. Spearman unless the few points hold many ties.

    Raises
    ------
    StudyError
        With fewer than 4 points, fewer than 3 clusters, a constant side, or a side that `given` explains fully.

    Examples
    --------
    >>> found = correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    >>> round(found.value, 3), round(found.p, 3)
    (0.829, 0.058)
    """
    if kind not in ("spearman", "kendall", "pearson"):
        raise unknown("correlation", kind, ["spearman", "kendall", "pearson"])
    a, b, fixed, codes = _checked(x, y, given, clusters, kind)
    rng = np.random.default_rng(seed)
    value = float(_coefficients(a, b, fixed, np.ones((1, len(a))), kind)[0])
    if not math.isfinite(value):
        raise StudyError("one side is constant, or fully explained by what is held fixed; the correlation does not exist")
    weights = cluster_weights(codes.tolist(), n_draws, rng)
    draws = _coefficients(a, b, fixed, weights.astype(float), kind)
    low = percentile_interval(np.nan_to_num(draws, nan=-1.0), value, level=level).low
    high = percentile_interval(np.nan_to_num(draws, nan=1.0), value, level=level).high
    if kind != "pearson":
        a, b, fixed = stats.rankdata(a), stats.rankdata(b), stats.rankdata(fixed, axis=0)
    if fixed.size:
        a, b = _residuals(a, fixed), _residuals(b, fixed)
    p = _permutation_p(a, b, codes, "pearson" if fixed.size else kind, n_draws, rng)
    return Correlation(value, low, high, level, p, len(a), int(codes.max()) + 1, kind, int(np.isnan(draws).sum()))


def _checked(x: ArrayLike, y: ArrayLike, given: ArrayLike | None, clusters: Clusters | None, kind: str) -> tuple[Floats, Floats, Floats, Ints]:
    a, b = finite(x, "x"), finite(y, "y")
    fixed = np.empty((len(a), 0)) if given is None else finite(given, "values held fixed").reshape(len(np.asarray(given)), -1)
    codes, count = number_clusters([None] * len(a) if clusters is None else clusters)
    if not (a.ndim == b.ndim == 1 and len(a) == len(b) == len(fixed) == len(codes)):
        raise StudyError(f"x {a.shape}, y {b.shape}, held fixed {fixed.shape}, {len(codes)} clusters: give one of each a point")
    if len(a) < 4 or count < 3:
        raise StudyError(f"{len(a)} points in {count} clusters; a correlation with an interval needs 4 points in 3 clusters")
    if fixed.size and kind == "kendall":
        raise StudyError("kind='kendall' with values held fixed; use 'spearman' or 'pearson'")
    return a, b, fixed, codes


def correlation_half_width(n: int, *, rho: float = 0.0, level: float = 0.95) -> float:
    """Half the width of the interval of a Spearman correlation over n points: what n models can show.

    Fisher's z with the variance ``(1 + rho^2 / 2) / (n - 3)`` of Bonett and Wright (Psychometrika 65, 23-28, 2000).

    Examples
    --------
    >>> round(correlation_half_width(20), 2), round(correlation_half_width(17), 2)
    (0.44, 0.48)
    """
    check_level(level)
    if n < 4 or not -1 < rho < 1:
        raise StudyError(f"n={n}, rho={rho}: the width needs n of at least 4 and rho between -1 and 1")
    reach = stats.norm.ppf((1 + level) / 2) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    centre = math.atanh(rho)
    return float((math.tanh(centre + reach) - math.tanh(centre - reach)) / 2)
