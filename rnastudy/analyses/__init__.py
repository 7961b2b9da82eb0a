"""The study itself: models and data sets in, tidy tables out.

Each analysis is one function that a notebook calls; what it returns is tables and the few arrays a figure draws.
"""

from rnastudy.analyses.classification import ClassificationStudy, classification
from rnastudy.analyses.contenders import Contender, baseline, common_subset, contenders, neural
from rnastudy.analyses.depth import by_depth, thinned
from rnastudy.analyses.film import film
from rnastudy.analyses.findings import (
    alignments_sentence,
    cka_sentence,
    classification_findings,
    contrasts,
    decoding_sentence,
    paired_sentence,
    structure_findings,
)
from rnastudy.analyses.released import Released, released
from rnastudy.analyses.scale_findings import (
    function_ladder,
    scaling_findings,
    scaling_table,
    structure_ladder,
    tradeoff_findings,
    tradeoff_table,
    training_curves,
)
from rnastudy.analyses.scales import Ladder, Points, costs, ladder, points, probes, representations
from rnastudy.analyses.structure import CAREFUL, REVIEW, SETTINGS, StructureStudy, alignments, structure
from rnastudy.analyses.transformed import transformed
from rnastudy.analyses.traps import structure_traps
from rnastudy.analyses.views import (
    at_most,
    both_protocols,
    decoded,
    example_maps,
    example_rna,
    family_maps,
    of_length,
    per_rna,
    similarity_counts,
    under,
    unrelated,
    with_ceilings,
)

__all__ = [
    "CAREFUL",
    "REVIEW",
    "SETTINGS",
    "ClassificationStudy",
    "Contender",
    "Ladder",
    "Points",
    "Released",
    "StructureStudy",
    "alignments",
    "alignments_sentence",
    "at_most",
    "baseline",
    "both_protocols",
    "by_depth",
    "cka_sentence",
    "classification",
    "classification_findings",
    "common_subset",
    "contenders",
    "contrasts",
    "costs",
    "decoded",
    "decoding_sentence",
    "example_maps",
    "example_rna",
    "family_maps",
    "film",
    "function_ladder",
    "ladder",
    "neural",
    "of_length",
    "paired_sentence",
    "per_rna",
    "points",
    "probes",
    "released",
    "representations",
    "scaling_findings",
    "scaling_table",
    "similarity_counts",
    "structure",
    "structure_findings",
    "structure_ladder",
    "structure_traps",
    "thinned",
    "tradeoff_findings",
    "tradeoff_table",
    "training_curves",
    "transformed",
    "under",
    "unrelated",
    "with_ceilings",
]
