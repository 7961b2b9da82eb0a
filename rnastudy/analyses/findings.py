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

__all__ = ["classification_findings", "contrasts", "structure_findings"]

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
    best = _best(table)
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
    found["answer"] = _structure_answer(found)
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
    others = [f"{found[key]:.2f} {words}" for key, words in _BESIDE.items() if key in found]
    text += f"; beside it stand {', '.join(others[:-1])} and {others[-1]}." if len(others) > 1 else "."
    if "best_greedy_f1" in found and "stem_prior_greedy_f1" in found:
        ahead = "stays behind" if found["best_greedy_f1"] < found["stem_prior_greedy_f1"] else "stays ahead of"
        text += (
            f" With one partner a base (greedy decoding) the model {ahead} the prior: "
            f"{found['best_greedy_f1']:.2f} against {found['stem_prior_greedy_f1']:.2f}."
        )
    return text


_BESIDE = {
    "untrained_f1": "for the same model before training",
    "plain_f1": "for an ordinary encoder of the 70k size",
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
    found["answer"] = (
        f"Among {found['n_sequences']} RNAs of {found['n_families']} families, the mean-pooled last layer of {best.model} ranks two RNAs of one family "
        f"above two of different families with an AUROC of {best.value:.2f} (95 % interval {best.low:.2f} to {best.high:.2f})"
        + (f"; beside it stand {', '.join(beside[:-1])} and {beside[-1]}." if len(beside) > 1 else ".")
    )
    return found
