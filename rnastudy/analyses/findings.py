"""What the tables say, in numbers for the text and in sentences that are true of the run at hand.

A page never types a finding: it glues these, so that another model or data set changes the words with the numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnastudy.analyses.structure import CAREFUL, REVIEW, StructureStudy
from rnastudy.analyses.ties import Findings, Tie, beside, best_trained, dropped, joined, known, reach, tie
from rnastudy.contacts import Setting
from rnastudy.models.conditions import shown_name

__all__ = [
    "alignments_sentence",
    "decoding_sentence",
    "paired_sentence",
    "structure_findings",
    "traps_sentence",
]


def structure_findings(study: StructureStudy) -> Findings:
    """Numbers and sentences of a structure analysis.

    Returns
    -------
    dict
        By the keys that the book glues; baselines that did not take part have no key.
    """
    table = study.table(CAREFUL)
    chosen = best_trained(study.table(CAREFUL, "f1_macro_selection")).model
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
        known(found, key, table, model)
    greedy = study.table(Setting("careful", decoder="greedy"))
    known(found, "best_greedy_f1", greedy, best.model)
    known(found, "stem_prior_greedy_f1", greedy, "stem-prior")
    group = _tied(study)
    found |= {"tie_group": joined(group.names), "tie_sentence": group.sentence}
    found["relatives"] = _relatives(study, best.model)
    found["answer"] = _structure_answer(found) + _against_prior(study, found) + dropped(table)
    return found


def _tied(study: StructureStudy) -> Tie:
    """Name the trained models that cannot be told from the highest on the test set, on the same resamples."""
    rows = study.table(CAREFUL).query("role == 'trained'")
    return tie(rows, {name: study.draws[name, CAREFUL].f1_macro for name in rows.model}, "mean F1")


def _structure_answer(found: Findings) -> str:
    text = (
        f"On {found['n_test']} RNAs of known structure, one head of {found['best_model_label']}, chosen on {found['n_select']} other RNAs, "
        f"marks base pairs with a mean F1 of {found['best_f1']:.2f} (95 % interval {found['best_f1_low']:.2f} to {found['best_f1_high']:.2f})"
    )
    others = {key: words for key, words in _BESIDE.items() if key != "plain_f1" or found["best_model_label"] != "plain-70k"}
    return text + beside([f"{found[key]:.2f} {words}" for key, words in others.items() if key in found])


def _against_prior(study: StructureStudy, found: Findings) -> str:
    """Say how the model compares with the stem prior once each base has one partner, with the interval of the difference."""
    greedy = Setting("careful", decoder="greedy")
    draws = [study.draws.get((name, greedy)) for name in (found["best_model_label"], "stem-prior")]
    if draws[0] is None or draws[1] is None:
        return ""
    difference = draws[0].f1_macro - draws[1].f1_macro
    low, high = np.nanpercentile(difference, [2.5, 97.5])
    unseen = f"; one below about {reach(difference):.2f} would not show" if low <= 0 <= high else ""
    word = "cannot be told from" if low <= 0 <= high else "is ahead of" if low > 0 else "is behind"
    return (
        f" With one partner a base (greedy decoding) the model {word} the prior: {found['best_greedy_f1']:.2f} against "
        f"{found['stem_prior_greedy_f1']:.2f} (95 % interval of the difference {low:+.2f} to {high:+.2f}{unseen})."
    )


def _relatives(study: StructureStudy, model: str) -> str:
    """Say how many test RNAs have relatives among the RNAs that chose, and whether that shows in the score."""
    chosen_on = {rna.family for rna in study.select if rna.family}
    family = {rna.name: rna.family for rna in study.test}
    rows = study.per_rna[(study.per_rna.model == model) & (study.per_rna.protocol == "careful") & (study.per_rna.decoder == "raw")]
    rows = rows[~rows.canonical & (rows.min_separation == CAREFUL.separation)]
    shared = rows.rna.map(family).isin(chosen_on)
    if not shared.any():
        return "No test RNA belongs to a family that also has a member in the selection set."
    rest = "" if shared.all() else f" and {rows.f1[~shared].mean():.2f} on the rest"
    return (
        f"{int(shared.sum())} of {len(rows)} test RNAs belong to a family that also has a member in the selection set; "
        f"the mean F1 is {rows.f1[shared].mean():.2f} on them{rest}."
    )


_BESIDE = {
    "untrained_f1": "for the same architecture with random weights",
    "plain_f1": "for plain-70k, an ordinary encoder of about 70 thousand parameters",
    "stem_prior_f1": "for a prior on stems that learned nothing",
    "vienna_f1": "for the minimum-free-energy structure",
}


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
    """Say how an alignment model, named as it was asked for, stands to its twin and to the best method on the same families."""
    model = shown_name(model)
    table = study.table(CAREFUL).query("role != 'ceiling'").set_index("model")
    own, best = table.loc[model], table.value.idxmax()
    text = f"On {int(own.n)} alignments {model} has a mean F1 of {own.value:.2f} (95 % interval {own.low:.2f} to {own.high:.2f})"
    if f"{model}@untrained" in table.index:
        text += f", its untrained twin {table.value[f'{model}@untrained']:.2f}"
    if best != model:
        text += f", {best} {table.value[best]:.2f} ({table.low[best]:.2f} to {table.high[best]:.2f})"
    return text + "."


def traps_sentence(traps: pd.DataFrame, floor: float | None) -> str:
    """Say what it gains to let every RNA name its own best head, for each model of a trap table, beside the floor.

    Parameters
    ----------
    traps : DataFrame
        See `structure_traps`.
    floor : float, optional
        Mean F1 of random canonical pairs.
    """
    wide = traps.pivot(index="model", columns="trap", values="value")
    said = [f"{name} from {row['frozen choice']:.2f} to {row['head chosen per RNA']:.2f}" for name, row in wide.iterrows()]
    text = f"A head chosen per RNA, after the fact, lifts {joined(said)}; learned or not, the best of many heads is never below one of them."
    return text if floor is None else f"{text} Random canonical pairs are at {floor:.2f}."
