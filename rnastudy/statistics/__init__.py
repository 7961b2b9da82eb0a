"""Intervals and tests for scores that come in clusters; nothing here knows what is scored.

Why clusters: items of one cluster (RNAs of one family, sizes of one model) resemble each other, so an interval that
resamples items is too narrow. Everything here resamples or permutes whole clusters. A resample is a row of
**weights** (how often each item was drawn), so that one matrix of weights, shape (B, S), serves every score
measured on the same S items: that is what makes a comparison paired.

An item whose cluster is ``None`` is a cluster of its own.
"""

from __future__ import annotations

from rnastudy.statistics.association import (
    Correlation,
    correlation,
    correlation_half_width,
)
from rnastudy.statistics.comparing import (
    BestGroup,
    Difference,
    best_group,
    detectable_difference,
    equivalence_p,
    holm,
    paired_difference,
    rank_probabilities,
    two_sided_p,
)
from rnastudy.statistics.resampling import (
    Interval,
    bca_interval,
    bootstrap,
    cluster_weights,
    jackknife_weights,
    percentile_interval,
    reselected_means,
    weighted_means,
)

__all__ = [
    "BestGroup",
    "Correlation",
    "Difference",
    "Interval",
    "bca_interval",
    "best_group",
    "bootstrap",
    "cluster_weights",
    "correlation",
    "correlation_half_width",
    "detectable_difference",
    "equivalence_p",
    "holm",
    "jackknife_weights",
    "paired_difference",
    "percentile_interval",
    "rank_probabilities",
    "reselected_means",
    "two_sided_p",
    "weighted_means",
]
