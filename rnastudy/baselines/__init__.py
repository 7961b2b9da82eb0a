"""What anyone gets without a neural network: floors, folding programs, covariation, k-mers, length.

Every structure baseline gives score maps, one stack of shape (H, L, L) an RNA, so that it passes through the same selection
of head and threshold, the same decoders and the same bootstrap as a model. Every classification baseline gives one vector an
RNA. Two transforms of the RNAs themselves are nulls: mirrored and dinucleotide-shuffled sequences.
"""

from __future__ import annotations

from rnastudy.baselines.maps import MapBaseline, map_baseline, map_baseline_names
from rnastudy.baselines.nulls import column_shuffled, dinucleotide_shuffled, mirrored
from rnastudy.baselines.vectors import (
    kmer_vectors,
    length_vectors,
    vector_baseline,
    vector_baseline_names,
)

__all__ = [
    "MapBaseline",
    "column_shuffled",
    "dinucleotide_shuffled",
    "kmer_vectors",
    "length_vectors",
    "map_baseline",
    "map_baseline_names",
    "mirrored",
    "vector_baseline",
    "vector_baseline_names",
]
