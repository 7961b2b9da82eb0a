"""The study itself: models and data sets in, tidy tables out.

Each analysis is one function that a notebook calls; what it returns is tables and the few arrays a figure draws.
"""

from rnastudy.analyses.cause_findings import cause_results, causes_findings, two_task_correlation
from rnastudy.analyses.cause_tables import by_level, contrast_table, in_and_out, recorded
from rnastudy.analyses.cause_views import CauseTables, cause_study, failure_signs, left_out, two_tasks
from rnastudy.analyses.causes import CausesStudy, causes
from rnastudy.analyses.classification import ClassificationStudy, classification
from rnastudy.analyses.contenders import Contender, baseline, common_subset, contenders, neural
from rnastudy.analyses.contrasts import contrasts, opponent, planned
from rnastudy.analyses.depth import by_depth, named_by_depth, thinned
from rnastudy.analyses.family_findings import cka_sentence, classification_findings, ends, sets_sentence
from rnastudy.analyses.film import film
from rnastudy.analyses.findings import alignments_sentence, decoding_sentence, paired_sentence, structure_findings, traps_sentence
from rnastudy.analyses.lab import head_maps, head_scores, lab_findings, lab_hairpin, lab_results, seconds_per_step
from rnastudy.analyses.mechanisms import probes, representations
from rnastudy.analyses.opened import ablated, as_probe, base_tables, checkpoints, pairing_head, watched, watson_crick
from rnastudy.analyses.plane import Points, front_share, points
from rnastudy.analyses.plane_findings import tradeoff_findings, tradeoff_table
from rnastudy.analyses.protein_entrants import protein_contenders
from rnastudy.analyses.protein_findings import protein_findings, protein_models, quoted_proteins
from rnastudy.analyses.proteins import ProteinStudy, proteins
from rnastudy.analyses.released import Released, released
from rnastudy.analyses.rules import RULES, Rules, followed
from rnastudy.analyses.scale_findings import (
    Ladders,
    curves_sentence,
    function_ladder,
    ladders,
    scaling_findings,
    scaling_table,
    series_sentence,
    structure_ladder,
    training_curves,
    training_sentence,
)
from rnastudy.analyses.scales import Ladder, costs, ladder
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
from rnastudy.analyses.worked import Steps, best_of, covariation, guesses, known_rna, letters_of_pairs, shares_of_choice, steps

__all__ = [
    "CAREFUL",
    "REVIEW",
    "RULES",
    "SETTINGS",
    "CauseTables",
    "CausesStudy",
    "ClassificationStudy",
    "Contender",
    "Ladder",
    "Ladders",
    "Points",
    "ProteinStudy",
    "Released",
    "Rules",
    "Steps",
    "StructureStudy",
    "ablated",
    "alignments",
    "alignments_sentence",
    "as_probe",
    "at_most",
    "base_tables",
    "baseline",
    "best_of",
    "both_protocols",
    "by_depth",
    "by_level",
    "cause_results",
    "cause_study",
    "causes",
    "causes_findings",
    "checkpoints",
    "cka_sentence",
    "classification",
    "classification_findings",
    "common_subset",
    "contenders",
    "contrast_table",
    "contrasts",
    "costs",
    "covariation",
    "curves_sentence",
    "decoded",
    "decoding_sentence",
    "ends",
    "example_maps",
    "example_rna",
    "failure_signs",
    "family_maps",
    "film",
    "followed",
    "front_share",
    "function_ladder",
    "guesses",
    "head_maps",
    "head_scores",
    "in_and_out",
    "known_rna",
    "lab_findings",
    "lab_hairpin",
    "lab_results",
    "ladder",
    "ladders",
    "left_out",
    "letters_of_pairs",
    "named_by_depth",
    "neural",
    "of_length",
    "opponent",
    "paired_sentence",
    "pairing_head",
    "per_rna",
    "planned",
    "points",
    "probes",
    "protein_contenders",
    "protein_findings",
    "protein_models",
    "proteins",
    "quoted_proteins",
    "recorded",
    "released",
    "representations",
    "scaling_findings",
    "scaling_table",
    "seconds_per_step",
    "series_sentence",
    "sets_sentence",
    "shares_of_choice",
    "similarity_counts",
    "steps",
    "structure",
    "structure_findings",
    "structure_ladder",
    "structure_traps",
    "thinned",
    "tradeoff_findings",
    "tradeoff_table",
    "training_curves",
    "training_sentence",
    "transformed",
    "traps_sentence",
    "two_task_correlation",
    "two_tasks",
    "under",
    "unrelated",
    "watched",
    "watson_crick",
    "with_ceilings",
]
