"""Secondary structure: dot-bracket, pairs and matrices; masks; decoders; what a reference allows.

Bases are counted from zero. A pair is ``(i, j)`` with ``i < j``; a set of pairs is a sorted tuple.
This room knows nothing of where scores come from.

Examples
--------
>>> from rnastudy import structure
>>> structure.from_dot_bracket("((..[[))..]]")
((0, 7), (1, 6), (4, 11), (5, 10))
>>> structure.to_dot_bracket(((0, 7), (1, 6), (4, 11), (5, 10)), length=12)
'((..[[))..]]'
"""

from rnastudy.structure.decoders import DECODERS, decode
from rnastudy.structure.masks import CANONICAL, candidate_mask, canonical_mask, separation_mask
from rnastudy.structure.notation import from_dot_bracket, from_matrix, to_dot_bracket, to_matrix
from rnastudy.structure.reference import (
    Ceilings,
    ReferenceStatistics,
    ceilings,
    reference_statistics,
    scored_pairs,
)

__all__ = [
    "CANONICAL",
    "DECODERS",
    "Ceilings",
    "ReferenceStatistics",
    "candidate_mask",
    "canonical_mask",
    "ceilings",
    "decode",
    "from_dot_bracket",
    "from_matrix",
    "reference_statistics",
    "scored_pairs",
    "separation_mask",
    "to_dot_bracket",
    "to_matrix",
]
