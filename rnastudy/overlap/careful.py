"""The careful protocol: all pairs, exactly, clan-mates left out, intervals by family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnastudy.overlap import measures
from rnastudy.overlap.bootstrap import family_bootstrap, interval
from rnastudy.overlap.counting import PairCounts, count_and_vote
from rnastudy.overlap.results import OverlapScores
from rnastudy.overlap.space import PairSpace, pair_space

__all__ = ["MAX_EXACT_PAIRS", "careful"]

#: Up to this many pairs AUROC and average precision are exact; beyond, they come with a bound.
MAX_EXACT_PAIRS = 50_000_000


def careful(
    vectors: NDArray,
    families: Sequence[str],
    clans: Sequence[str | None] | None = None,
    *,
    names: Sequence[str] | None = None,
    k: int = 1,
    draws: int = 0,
    seed: int = 0,
    max_exact_pairs: int = MAX_EXACT_PAIRS,
) -> OverlapScores:
    """Score how well cosines tell families apart, over all pairs.

    A pair of one family is positive; a pair of two families is negative, unless they share a clan:
    such pairs are left out, and counted.  Up to `max_exact_pairs` pairs, AUROC and average precision are
    exact; beyond, products are single precision, counted on ``2**20`` lattice steps, and the result
    holds a bound of the error.  The overlap ratio is that of histograms with 200 equal bins from the
    lowest to the highest cosine of the counted pairs.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    families : sequence of str, length S
        Family of each.
    clans : sequence of str or None, length S, optional
        Clan of each.
    names : sequence of str, optional
        Names for error messages.
    k : int
        Neighbours that vote in the nearest-neighbour accuracy; see `neighbour_credit`.
    draws : int
        Bootstrap draws of families; 0 for no intervals.
    seed : int
        Of the bootstrap.
    max_exact_pairs : int
        Where exact counting ends.

    Returns
    -------
    OverlapScores
        With ``protocol="careful"``.

    Raises
    ------
    StudyError
        For vectors that are zero or not finite, labels that do not fit, or too few families.

    Examples
    --------
    >>> scores = careful(np.eye(6)[[0, 0, 1, 1, 2]], ["a", "a", "b", "b", "c"], ["x", "x", "x", "x", None])
    >>> scores.n_positive, scores.n_negative, scores.n_clan_mates, scores.knn_accuracy
    (2, 4, 4, 1.0)
    """
    n_pairs = len(families) * (len(families) - 1) // 2
    space = pair_space(vectors, families, clans, names=names, exact=n_pairs <= max_exact_pairs)
    counts, credit = count_and_vote(space, k)
    point = _point(space, counts, credit)
    if draws:
        point["draws"] = family_bootstrap(space, counts, credit, point, draws, seed)
        point["intervals"] = {name: interval(values) for name, values in point["draws"].items()}
        point["n_draws"] = int(np.isfinite(point["draws"]["auroc"]).sum())
    return OverlapScores(protocol="careful", **point)


def _point(space: PairSpace, counts: PairCounts, credit: NDArray[np.float64]) -> dict:
    errors = (0.0, 0.0) if space.exact else measures.bounds(counts.positive, counts.negative, 2 * space.margin)
    return {
        "auroc": float(measures.auroc(counts.positive, counts.negative)),
        "average_precision": float(measures.average_precision(counts.positive, counts.negative)),
        "knn_accuracy": float(np.nanmean(credit)),
        "overlap_ratio": float(measures.overlap_ratio(counts.positive_bins, counts.negative_bins)),
        "overlap_coefficient": float(measures.overlap_coefficient(counts.positive_bins, counts.negative_bins)),
        "n_positive": space.n_positive,
        "n_negative": space.n_negative,
        "n_clan_mates": space.n_clan_mates,
        "n_queried": int(np.isfinite(credit).sum()),
        "n_sequences": len(space),
        "n_families": len(space.families),
        "grid": space.cosine(counts.bins),
        "positive": counts.positive_bins,
        "negative": counts.negative_bins,
        "moments": counts.moments,
        "auroc_error": errors[0],
        "average_precision_error": errors[1],
    }
