"""What a comparison of families found: the same record under both protocols."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEASURES", "Moments", "OverlapScores"]

#: Measures of a comparison, best first: the first two depend on no grid, bandwidth or range.
MEASURES = ("auroc", "average_precision", "knn_accuracy", "overlap_ratio", "overlap_coefficient")


@dataclass(frozen=True)
class Moments:
    """Number, mean, standard deviation, lowest and highest of a set of cosines."""

    n: int
    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True)
class OverlapScores:
    """How well similarity tells families apart.

    Attributes
    ----------
    protocol : str
        ``"careful"`` or ``"review"``.
    auroc, average_precision, knn_accuracy, overlap_ratio, overlap_coefficient : float
        ``overlap_ratio == overlap_coefficient / (2 - overlap_coefficient)``.
    n_positive, n_negative : int
        Pairs counted; under ``review`` pairs drawn in each repeat.
    n_clan_mates : int
        Pairs left out because their families share a clan.
    n_queried : int
        Sequences that asked for their nearest neighbour: those whose family has another member.
    n_sequences, n_families : int
        Size of the set.
    auroc_error, average_precision_error : float
        Largest possible error of the two measures; 0 when computed exactly.
    grid : ndarray
        ``careful``: edges of the histogram's bins; ``review``: points of the density; in cosines.
    positive, negative : ndarray
        ``careful``: pairs in each bin; ``review``: densities at each point, mean over repeats.
    moments : tuple of Moments
        Of positive and of negative cosines.
    intervals : dict of str to (float, float)
        95 % intervals by family bootstrap, where asked for.
    draws : dict of str to ndarray, shape=(B,)
        Every measure in every draw, NaN where a draw could not be used; the same seed and families give the same
        resamples to all models, so differences between models are paired.
    n_draws : int
        Bootstrap draws behind the intervals.

    Examples
    --------
    >>> from rnastudy.overlap import careful
    >>> scores = careful(np.eye(4)[[0, 0, 1, 1]], ["a", "a", "b", "b"])
    >>> scores.auroc, scores.overlap_ratio, scores.n_positive, scores.n_negative
    (1.0, 0.0, 2, 4)
    """

    protocol: str
    auroc: float
    average_precision: float
    knn_accuracy: float
    overlap_ratio: float
    overlap_coefficient: float
    n_positive: int
    n_negative: int
    n_clan_mates: int
    n_queried: int
    n_sequences: int
    n_families: int
    grid: NDArray[np.float64]
    positive: NDArray
    negative: NDArray
    moments: tuple[Moments, Moments]
    auroc_error: float = 0.0
    average_precision_error: float = 0.0
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    draws: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    n_draws: int = 0

    def measures(self) -> list[dict[str, object]]:
        """Return one row a measure with ``measure, value, low, high, n, n_families``, for tidy tables.

        `low` and `high` are NaN where no interval was asked for; `n` counts sequences.
        """
        nothing = (float("nan"), float("nan"))
        rows = []
        for name in MEASURES:
            low, high = self.intervals.get(name, nothing)
            size = self.n_queried if name == "knn_accuracy" else self.n_sequences
            rows.append({"measure": name, "value": getattr(self, name), "low": low, "high": high, "n": size, "n_families": self.n_families})
        return rows
