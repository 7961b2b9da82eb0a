"""What the tables of the function page say, in numbers and in sentences that are true of the run at hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.ties import Findings, beside, best_trained, dropped, joined, known, reach, tie

__all__ = ["cka_sentence", "classification_findings", "ends", "sets_sentence"]


_BESIDE = {
    "untrained_auroc": "for the same architecture with random weights",
    "kmer_auroc": "for counts of three-letter words",
    "length_auroc": "for length alone",
}


def classification_findings(study: ClassificationStudy) -> Findings:
    """Numbers and sentences of a classification analysis, by the keys that the book glues."""
    table, review = study.table("auroc"), study.table("overlap_ratio", "review")
    best = best_trained(table)
    lowest = review[review.role == "trained"].value.min()
    found: Findings = {
        "best_label": best.model,
        "best_auroc": float(best.value),
        "best_auroc_low": float(best.low),
        "best_auroc_high": float(best.high),
        "n_families": int(best.n_families),
        "n_sequences": int(best.n),
        "fft_best_or": float(lowest),
        "best_knn": float(study.value(best.model, "knn_accuracy").value),
    }
    for key, model in {"kmer_auroc": "3-mers", "length_auroc": "length", "untrained_auroc": f"{best.model}@untrained"}.items():
        known(found, key, table, model)
    stands = [f"{found[key]:.2f} {words}" for key, words in _BESIDE.items() if key in found]
    trained = table[table.role == "trained"]
    found["tie_sentence"] = tie(trained, {name: study.scores[name, "careful"].draws["auroc"] for name in trained.model}, "AUROC").sentence
    found["sets_drawn"] = f"By the review's rule, {study.scores[best.model, 'review'].n_positive:,} pairs of each kind were drawn here."
    found["answer"] = (
        f"Among {found['n_sequences']} {_kind(study)} of {found['n_families']} families, the mean-pooled last layer of {best.model} ranks two of one family "
        f"above two of different families with an AUROC of {best.value:.2f} (95 % interval {best.low:.2f} to {best.high:.2f})"
        + beside(stands)
        + _trained_or_not(study, best.model)
        + dropped(table)
    )
    return found


def _kind(study: ClassificationStudy) -> str:
    return "natural RNAs" if all(rna.natural for rna in study.rnas) else "sequences drawn from covariance models, not natural ones,"


def sets_sentence(studies: Sequence[ClassificationStudy]) -> str:
    """Say what sequences each set holds, and of how many families, as they were scored."""
    said = [f"{one.dataset} holds {len(one.rnas):,} {_kind(one).rstrip(',')} of {len(set(one.families)):,} families." for one in studies]
    return " ".join(said) + (" The second set is scored in the same way." if len(said) > 1 else " No second set was asked for.")


def ends(standing: pd.DataFrame, most: int = 5) -> pd.DataFrame:
    """Keep the first and the last rows of a sorted table, each row once.

    Examples
    --------
    >>> ends(pd.DataFrame({"family": list("abc")}), 2).family.tolist()
    ['a', 'b', 'c']
    """
    return standing if len(standing) <= 2 * most else pd.concat([standing.head(most), standing.tail(most)])


def _trained_or_not(study: ClassificationStudy, model: str) -> str:
    """Say what training did to the AUROC, on the same resamples, and which baselines stand above."""
    twin = study.scores.get((f"{model}@untrained", "careful"))
    if twin is None:
        return ""
    own = study.scores[model, "careful"]
    difference = own.draws["auroc"] - twin.draws["auroc"]
    low, high = np.nanpercentile(difference, [2.5, 97.5])
    unseen = f"; a difference below about {reach(difference):.3f} would not show" if low <= 0 <= high else ""
    verb = "did not measurably change" if low <= 0 <= high else "raised" if low > 0 else "lowered"
    table = study.table("auroc")
    above = sorted(table.model[(table.role == "baseline") & (table.value > own.auroc)])
    text = f" Training {verb} it: trained minus untrained is {own.auroc - twin.auroc:+.3f} (95 % interval {low:+.3f} to {high:+.3f}{unseen})."
    if not above:
        return f"{text} No baseline stands above it." if (table.role == "baseline").any() else text
    return f"{text} Above it {'stands the baseline' if len(above) == 1 else 'stand the baselines'} {joined(above)}."


def cka_sentence(matrix: NDArray, labels: Sequence[str], n: int) -> str:
    """Say which two representations are least and most alike."""
    pairs = [(matrix[i, j], f"{labels[i]} and {labels[j]}") for i in range(len(labels)) for j in range(i)]
    (least, one), (most, two) = min(pairs), max(pairs)
    return f"Over {n} RNAs the mean-pooled last layers are most alike for {two} ({most:.2f}) and least alike for {one} ({least:.2f})."
