"""The traps of the review's protocol, each shown by an experiment on the models at hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from rnastudy.analyses.structure import CAREFUL, REVIEW, StructureStudy
from rnastudy.contacts import Counts, Setting, best_per_head, score, select

__all__ = ["structure_traps"]


def _per_rna_best(counts: Counts) -> float:
    """Mean F1 if every RNA could name its own best head and threshold after the fact."""
    kept = counts.with_pairs
    best = np.zeros(int(kept.sum()))
    for layer in range(counts.found.shape[1]):
        for head in range(counts.found.shape[2]):
            found, predicted = counts.head(layer, head)
            f1 = 2 * found[kept] / (predicted[kept] + counts.reference[kept, None])
            best = np.maximum(best, f1.max(1))
    return float(best.mean())


def _thresholds_in_use(counts: Counts, layer: int, head: int) -> int:
    """How many thresholds of the lattice lie between the 1 % and the 99.9 % quantile of all scores of a head."""
    share = counts.predicted[:, layer, head].sum(0) / max(counts.predicted[:, layer, head, 0].sum(), 1)
    return int(((share <= 0.99) & (share >= 0.001)).sum())


def _one_model(study: StructureStudy, name: str) -> list[dict[str, Any]]:
    counts = study.test_counts[name, CAREFUL]
    choice = study.choices[name, CAREFUL]
    review = study.choices[name, REVIEW]
    frozen = score(counts, choice).f1_macro
    scores = score(study.test_counts[name, REVIEW], review)
    far = Setting("careful", min_separation=6)
    findings = [
        ("frozen choice", "F1 at the head and threshold chosen on the selection set", frozen),
        ("head chosen on the test set", "best head and threshold for the test set itself", select(counts).f1_macro),
        ("head chosen per RNA", "every RNA names its own best head and threshold", _per_rna_best(counts)),
        ("threshold chosen on the test set", "the frozen head at the test set's best threshold", float(best_per_head(counts)[choice.layer, choice.head])),
        ("pooled F1", "review: all pairs of all RNAs pooled", scores.f1_micro),
        ("mean F1", "review: the same predictions, mean over RNAs", scores.f1_macro),
        (
            "thresholds in use",
            "of the review's 1,001, between the 1 % and 99.9 % quantile of scores",
            _thresholds_in_use(study.test_counts[name, REVIEW], review.layer, review.head),
        ),
        ("careful thresholds in use", "of the careful 4,096, in the same range", _thresholds_in_use(counts, choice.layer, choice.head)),
        ("separation 6", "pairs closer than 6 left out, as for proteins", score(study.test_counts[name, far], study.choices[name, far]).f1_macro),
    ]
    return [{"model": name, "trap": trap, "what": what, "value": value} for trap, what, value in findings]


def structure_traps(study: StructureStudy, models: Iterable[str]) -> pd.DataFrame:
    """Show by experiment what each convention of the protocol does to a model's score.

    Parameters
    ----------
    study : StructureStudy
        That scanned the protocols ``review`` and ``careful``, and separation 6.
    models : iterable of str
        Names in it.

    Returns
    -------
    DataFrame
        Columns model, trap, what, value.
    """
    return pd.DataFrame([row for name in models for row in _one_model(study, name)])
