"""What the tables say, in numbers for the text and in sentences that are true of the run at hand.

A page never types a finding: it glues these, so that another model or data set changes the words with the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.structure import CAREFUL, REVIEW, StructureStudy
from rnastudy.contacts import Setting
from rnastudy.statistics import best_group, paired_difference

__all__ = [
    "alignments_sentence",
    "cka_sentence",
    "classification_findings",
    "contrasts",
    "decoding_sentence",
    "paired_sentence",
    "structure_findings",
]

Findings = dict[str, Any]


def _best(table: pd.DataFrame, roles: tuple[str, ...] = ("trained",)) -> pd.Series:
    rows = table[table.role.isin(roles)]
    return rows.loc[rows.value.idxmax()]


def _known(findings: Findings, key: str, table: pd.DataFrame, model: str) -> None:
    """Add the value of a contender if it took part."""
    rows = table[table.model == model]
    if len(rows):
        findings[key] = float(rows.value.iloc[0])


def structure_findings(study: StructureStudy) -> Findings:
    """Numbers and sentences of a structure analysis.

    Returns
    -------
    dict
        By the keys that the book glues; baselines that did not take part have no key.
    """
    table = study.table(CAREFUL)
    chosen = _best(study.table(CAREFUL, "f1_macro_selection")).model
    best = table[table.model == chosen].iloc[0]
    review = study.value(best.model, REVIEW, "f1_micro")
    found: Findings = {
        "best_model_label": best.model,
        "best_f1": float(best.value),
        "best_f1_low": float(best.low),
        "best_f1_high": float(best.high),
        "best_layer": int(best.layer) + 1,
        "best_head": int(best["head"]) + 1,
        "n_test": int(best.n),
        "n_families": int(best.n_families),
        "n_select": len(study.select),
        "review_f1": float(review.value),
        "review_vs_careful_gap": float(review.value - best.value),
    }
    names = {"plain_f1": "plain-70k", "untrained_f1": f"{best.model}@untrained", "vienna_f1": "vienna-mfe"}
    for key, model in {**names, "stem_prior_f1": "stem-prior", "random_f1": "random-canonical"}.items():
        _known(found, key, table, model)
    greedy = study.table(Setting("careful", decoder="greedy"))
    _known(found, "best_greedy_f1", greedy, best.model)
    _known(found, "stem_prior_greedy_f1", greedy, "stem-prior")
    found["tie_group"] = _tied(study)
    found["relatives"] = _relatives(study, best.model)
    found["answer"] = _structure_answer(found) + _against_prior(study, found)
    return found


def _tied(study: StructureStudy) -> str:
    """Name the trained models that cannot be told from the best, on the same resamples."""
    rows = study.table(CAREFUL)
    rows = rows[rows.role == "trained"]
    if len(rows) < 2:
        return str(rows.model.iloc[0])
    draws = np.stack([study.draws[name, CAREFUL].f1_macro for name in rows.model], axis=1)
    group = best_group(rows.value.to_numpy(), draws)
    return ", ".join(name for name, tied in zip(rows.model, group.tied, strict=True) if tied)


def _structure_answer(found: Findings) -> str:
    text = (
        f"On {found['n_test']} RNAs of known structure, one head of {found['best_model_label']}, chosen on {found['n_select']} other RNAs, "
        f"marks base pairs with a mean F1 of {found['best_f1']:.2f} (95 % interval {found['best_f1_low']:.2f} to {found['best_f1_high']:.2f})"
    )
    return text + _beside([f"{found[key]:.2f} {words}" for key, words in _BESIDE.items() if key in found])


def _beside(others: list[str]) -> str:
    """Join what stands beside a score."""
    if not others:
        return "."
    joined = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} and {others[-1]}"
    return f"; beside it {'stands' if len(others) == 1 else 'stand'} {joined}."


def _against_prior(study: StructureStudy, found: Findings) -> str:
    """Say how the model compares with the stem prior once each base has one partner, with the interval of the difference."""
    greedy = Setting("careful", decoder="greedy")
    draws = [study.draws.get((name, greedy)) for name in (found["best_model_label"], "stem-prior")]
    if draws[0] is None or draws[1] is None:
        return ""
    low, high = np.nanpercentile(draws[0].f1_macro - draws[1].f1_macro, [2.5, 97.5])
    word = "cannot be told from" if low <= 0 <= high else "is ahead of" if low > 0 else "is behind"
    return (
        f" With one partner a base (greedy decoding) the model {word} the prior: {found['best_greedy_f1']:.2f} against "
        f"{found['stem_prior_greedy_f1']:.2f} (95 % interval of the difference {low:+.2f} to {high:+.2f})."
    )


def _relatives(study: StructureStudy, model: str) -> str:
    """Say how many test RNAs have relatives among the RNAs that chose, and whether that shows in the score."""
    known = {rna.family for rna in study.select if rna.family}
    family = {rna.name: rna.family for rna in study.test}
    rows = study.per_rna[(study.per_rna.model == model) & (study.per_rna.protocol == "careful") & (study.per_rna.decoder == "raw")]
    rows = rows[~rows.canonical & (rows.min_separation == CAREFUL.separation)]
    shared = rows.rna.map(family).isin(known)
    if not shared.any():
        return "No test RNA belongs to a family that also has a member in the selection set."
    return (
        f"{int(shared.sum())} of {len(rows)} test RNAs belong to a family that also has a member in the selection set; "
        f"the mean F1 is {rows.f1[shared].mean():.2f} on them and {rows.f1[~shared].mean():.2f} on the rest."
    )


_BESIDE = {
    "untrained_f1": "for the same model before training",
    "plain_f1": "for plain-70k, an ordinary encoder of about 70 thousand parameters",
    "stem_prior_f1": "for a prior on stems that learned nothing",
    "vienna_f1": "for the minimum-free-energy structure",
}


def contrasts(study: StructureStudy, pairs: list[tuple[str, str]], *, n_draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Compare contenders two by two on the same RNAs: a list that is fixed before looking, Holm-adjusted.

    Parameters
    ----------
    study : StructureStudy
        With per-RNA scores.
    pairs : list of (str, str)
        First minus second; a pair of which one did not take part is left out.
    n_draws, seed : int
        Of the family bootstrap.

    Returns
    -------
    DataFrame
        Columns first, second, difference, low, high, p_holm, equivalent (TOST within .05), detectable.
    """
    from rnastudy.statistics import holm

    rows = study.per_rna
    rows = rows[(rows.protocol == "careful") & (rows.decoder == "raw") & ~rows.canonical & (rows.min_separation == CAREFUL.separation)]
    table = rows.pivot(index="rna", columns="model", values="f1").dropna()
    families = {rna.name: rna.family for rna in study.test}
    clusters = [families[name] for name in table.index]
    kept = [pair for pair in pairs if set(pair) <= set(table.columns)]
    found = [paired_difference(table[a].to_numpy(), table[b].to_numpy(), clusters, n_draws=n_draws, seed=seed) for a, b in kept]
    adjusted: Sequence[float] | NDArray = holm([one.p for one in found]) if found else []
    return pd.DataFrame(
        {
            "first": [a for a, _ in kept],
            "second": [b for _, b in kept],
            "difference": [one.value for one in found],
            "low": [one.low for one in found],
            "high": [one.high for one in found],
            "p_holm": adjusted,
            "equivalent": [one.p_equivalent < 0.05 for one in found],
            "detectable": [one.detectable for one in found],
        }
    )


def classification_findings(study: ClassificationStudy) -> Findings:
    """Numbers and sentences of a classification analysis, by the keys that the book glues."""
    table, review = study.table("auroc"), study.table("overlap_ratio", "review")
    best = _best(table)
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
        _known(found, key, table, model)
    others = {"untrained_auroc": "for the same model before training", "kmer_auroc": "for counts of three-letter words", "length_auroc": "for length alone"}
    beside = [f"{found[key]:.2f} {words}" for key, words in others.items() if key in found]
    kind = "natural RNAs" if all(rna.natural for rna in study.rnas) else "sequences drawn from covariance models, not natural ones,"
    found["answer"] = (
        f"Among {found['n_sequences']} {kind} of {found['n_families']} families, the mean-pooled last layer of {best.model} ranks two of one family "
        f"above two of different families with an AUROC of {best.value:.2f} (95 % interval {best.low:.2f} to {best.high:.2f})"
        + _beside(beside)
        + _trained_or_not(study, best.model)
    )
    return found


def _trained_or_not(study: ClassificationStudy, model: str) -> str:
    """Say what training did to the AUROC, on the same resamples, and which baselines stand above."""
    twin = study.scores.get((f"{model}@untrained", "careful"))
    if twin is None:
        return ""
    own = study.scores[model, "careful"]
    low, high = np.nanpercentile(own.draws["auroc"] - twin.draws["auroc"], [2.5, 97.5])
    verb = "did not measurably change" if low <= 0 <= high else "raised" if low > 0 else "lowered"
    table = study.table("auroc")
    above = sorted(table.model[(table.role == "baseline") & (table.value > own.auroc)])
    text = f" Training {verb} it: trained minus untrained is {own.auroc - twin.auroc:+.3f} (95 % interval {low:+.3f} to {high:+.3f})."
    return text + (f" Above it stand the baselines {', '.join(above)}." if above else " No baseline stands above it.")


def paired_sentence(per_rna: pd.DataFrame, first: str, second: str) -> str:
    """Say on how many RNAs one contender is ahead of another, and how much the first varies."""
    table = per_rna.pivot(index="rna", columns="model", values="f1").dropna()
    ahead = int((table[second] > table[first]).sum())
    return f"{second} is ahead on {ahead} of {len(table)} RNAs; the standard deviation of F1 from RNA to RNA is {table[first].std():.2f} for {first}."


def decoding_sentence(study: StructureStudy, model: str) -> str:
    """Say what one partner a base does to a model, and to the stem prior."""
    greedy = Setting("careful", decoder="greedy")
    moved = [(name, study.value(name).value, study.value(name, greedy).value) for name in (model, "stem-prior") if name in set(study.results.model)]
    said = [f"{name} from {raw:.3f} to {one:.3f}" for name, raw, one in moved]
    return f"Greedy decoding moves {' and '.join(said)}: report the decoder with the score."


def alignments_sentence(study: StructureStudy, model: str) -> str:
    """Say how an alignment model stands to its twin and to the best method on the same families."""
    table = study.table(CAREFUL).query("role != 'ceiling'").set_index("model")
    own, best = table.loc[model], table.value.idxmax()
    text = f"On {int(own.n)} seed alignments {model} has a mean F1 of {own.value:.2f} (95 % interval {own.low:.2f} to {own.high:.2f})"
    if f"{model}@untrained" in table.index:
        text += f", its untrained twin {table.value[f'{model}@untrained']:.2f}"
    if best != model:
        text += f", {best} {table.value[best]:.2f} ({table.low[best]:.2f} to {table.high[best]:.2f})"
    return text + "."


def cka_sentence(matrix: NDArray, labels: Sequence[str], n: int) -> str:
    """Say which two representations are least and most alike."""
    pairs = [(matrix[i, j], f"{labels[i]} and {labels[j]}") for i in range(len(labels)) for j in range(i)]
    (least, one), (most, two) = min(pairs), max(pairs)
    return f"Over {n} RNAs the mean-pooled last layers are most alike for {two} ({most:.2f}) and least alike for {one} ({least:.2f})."
