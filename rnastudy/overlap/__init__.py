"""How well do similarities tell families apart?  All pairs, or the review's drawn ones.

Takes vectors and labels from anywhere: a model's embeddings, k-mer counts, lengths.
"""

from rnastudy.overlap.careful import MAX_EXACT_PAIRS, careful
from rnastudy.overlap.controls import LengthMatched, grid_sensitivity, length_matched
from rnastudy.overlap.files import DESCRIPTORS, read_embeddings, read_labels, score_embeddings
from rnastudy.overlap.measures import auroc, average_precision, bounds, overlap_coefficient, overlap_ratio
from rnastudy.overlap.pairs import RULES, Contamination, contamination, draw_pairs, pair_cosines
from rnastudy.overlap.results import MEASURES, Moments, OverlapScores
from rnastudy.overlap.review import density, review
from rnastudy.overlap.space import unit_vectors
from rnastudy.overlap.views import families_view, one_against_rest

__all__ = [
    "DESCRIPTORS",
    "MAX_EXACT_PAIRS",
    "MEASURES",
    "RULES",
    "Contamination",
    "LengthMatched",
    "Moments",
    "OverlapScores",
    "auroc",
    "average_precision",
    "bounds",
    "careful",
    "contamination",
    "density",
    "draw_pairs",
    "families_view",
    "grid_sensitivity",
    "length_matched",
    "one_against_rest",
    "overlap_coefficient",
    "overlap_ratio",
    "pair_cosines",
    "read_embeddings",
    "read_labels",
    "review",
    "score_embeddings",
    "unit_vectors",
]
