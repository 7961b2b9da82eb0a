"""Analysis 1: which pairs of bases does a model attend to, and are they base pairs?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from rnastudy.analyses.contenders import Contender, common_subset
from rnastudy.analyses.depth import typical_depth
from rnastudy.contacts import (
    Choice,
    Counts,
    Draws,
    Scores,
    Setting,
    best_per_head,
    bootstrap_reselect,
    curve,
    scan_many,
    score,
    score_stream,
    select,
)
from rnastudy.errors import StudyError
from rnastudy.rna import Rna
from rnastudy.structure import ceilings

__all__ = ["CAREFUL", "REVIEW", "SETTINGS", "StructureStudy", "alignments", "structure"]

CAREFUL, REVIEW = Setting("careful"), Setting("review")
#: Every setting of the study: both protocols, then one convention of ``careful`` changed at a time.
SETTINGS: tuple[Setting, ...] = (
    CAREFUL,
    REVIEW,
    Setting("careful", min_separation=1),
    Setting("careful", min_separation=6),
    Setting("careful", canonical=True),
    Setting("careful", decoder="mutual"),
    Setting("careful", decoder="greedy"),
)
_MATCHING = Setting("careful", decoder="matching")


@dataclass
class StructureStudy:
    """Tables of a structure analysis, and what its figures need.

    Attributes
    ----------
    select, test : list of Rna
        RNAs that every contender could score.
    results, per_rna : DataFrame
        Tidy tables; one row a measure, and one row an RNA.
    draws : dict of (str, Setting) to Draws
        Bootstrap draws by contender, on the same resamples.
    choices : dict of (str, Setting) to Choice
        Head and threshold, chosen on the selection set.
    heads : dict of str to ndarray, shape (N, H)
        Best F1 of each head on the selection set, under the first setting.
    curves : DataFrame
        F1 against threshold of the chosen head, on both sets, under the first setting.
    test_counts, select_counts : dict of (str, Setting) to Counts
        What was counted.
    """

    select: list[Rna]
    test: list[Rna]
    names: tuple[str, str]
    results: pd.DataFrame = field(default_factory=pd.DataFrame)
    per_rna: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    draws: dict[tuple[str, Setting], Draws] = field(default_factory=dict)
    choices: dict[tuple[str, Setting], Choice] = field(default_factory=dict)
    heads: dict[str, np.ndarray] = field(default_factory=dict)
    select_counts: dict[tuple[str, Setting], Counts] = field(default_factory=dict)
    test_counts: dict[tuple[str, Setting], Counts] = field(default_factory=dict)

    def value(self, model: str, setting: Setting = CAREFUL, measure: str = "f1_macro") -> pd.Series:
        """Return the results row of one contender, setting and measure."""
        rows = _rows(self.results, model, setting, measure)
        if len(rows) != 1:
            raise StudyError(f"results hold {len(rows)} rows of {model!r}, {setting}, {measure!r}; ask for one that was run")
        return rows.iloc[0]

    def table(self, setting: Setting = CAREFUL, measure: str = "f1_macro") -> pd.DataFrame:
        """Return the results rows of all contenders under one setting, ceilings included."""
        return _rows(self.results, None, setting, measure)

    def draws_table(self) -> pd.DataFrame:
        """Return the bootstrap draws of the measure that counts as a tidy table: model, dataset, protocol, decoder, measure, draw, value."""
        parts = []
        for (name, setting), one in self.draws.items():
            measure = "f1_macro" if setting.protocol == "careful" else "f1_micro"
            values = getattr(one, measure)
            where = {"model": name, "dataset": self.names[1], "protocol": setting.protocol, "decoder": setting.decoder, "measure": measure}
            parts.append(pd.DataFrame({**where, "draw": range(len(values)), "value": values}))
        return pd.concat(parts, ignore_index=True)


def _rows(results: pd.DataFrame, model: str | None, setting: Setting, measure: str) -> pd.DataFrame:
    same = (results.protocol == setting.protocol) & (results.decoder == setting.decoder) & (results.canonical == setting.canonical)
    same &= (results.min_separation == setting.separation) & (results.measure == measure)
    return results[same if model is None else same & (results.model == model)]


def structure(
    entrants: Sequence[Contender],
    select_set: Any,
    test_set: Any,
    *,
    settings: Iterable[Setting] = SETTINGS,
    intervals: Iterable[Setting] = (CAREFUL, REVIEW, Setting("careful", decoder="greedy")),
    n_draws: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> StructureStudy:
    """Score contenders on structure: choose on one set, score on the other, under several settings at once.

    Parameters
    ----------
    entrants : sequence of Contender
        See `contenders`.
    select_set, test_set : Dataset
        RNAs with known structures; no RNA may be in both.
    settings : iterable of Setting
        What to scan; figures of heads and thresholds follow the first.
    intervals : iterable of Setting
        Those that get 95 % intervals by a family bootstrap that chooses anew in every draw.
    n_draws : int
        Bootstrap draws.
    seed : int
        Of the bootstrap; the same for all contenders, so that differences are paired.
    progress : bool
        Show a progress bar.

    Returns
    -------
    StructureStudy

    Raises
    ------
    StudyError
        If the two sets share a sequence, or no RNA can be scored by all.
    """
    settings, wanted = tuple(settings), set(intervals)
    shared = {rna.sequence for rna in select_set.rnas} & {rna.sequence for rna in test_set.rnas}
    if shared:
        raise StudyError(f"{select_set.name} and {test_set.name} share {len(shared)} sequences; select and test on different RNAs")
    chosen_on, lost_select = common_subset(select_set.rnas, entrants)
    scored_on, lost_test = common_subset(test_set.rnas, entrants)
    study = StructureStudy(chosen_on, scored_on, (select_set.name, test_set.name))
    rows, per_rna, curves = [], [], []
    for entrant in tqdm(entrants, desc="structure", unit="model", disable=not progress):
        _count(study, entrant, settings)
        for setting in settings:
            scores = _choose_and_score(study, entrant.name, setting)
            if setting in wanted:
                study.draws[entrant.name, setting] = _bootstrap(study, entrant.name, setting, n_draws, seed)
            note = {"n_dropped": lost_test[entrant.name], "n_dropped_select": lost_select[entrant.name], "depth": typical_depth(entrant, study.test)}
            rows += _result_rows(study, entrant, setting, scores, note)
            per_rna.append(_per_rna(study, entrant, setting, scores))
        rows += _matching_rows(study, entrant, settings)
        curves.append(_curves(study, entrant.name, settings[0]))
    study.results = pd.DataFrame(rows + _ceiling_rows(study))
    study.per_rna = pd.concat(per_rna, ignore_index=True)
    study.curves = pd.concat(curves, ignore_index=True)
    return study


def _count(study: StructureStudy, entrant: Contender, settings: Sequence[Setting]) -> None:
    """Scan both sets, each in one pass over the stream."""
    on_select = scan_many(entrant.stream(study.select), study.select, settings)
    on_test = scan_many(entrant.stream(study.test), study.test, settings)
    for setting in settings:
        study.select_counts[entrant.name, setting] = on_select[setting]
        study.test_counts[entrant.name, setting] = on_test[setting]
    study.heads[entrant.name] = best_per_head(on_select[settings[0]])


def _choose_and_score(study: StructureStudy, name: str, setting: Setting) -> Scores:
    study.choices[name, setting] = select(study.select_counts[name, setting])
    return score(study.test_counts[name, setting], study.choices[name, setting])


def _bootstrap(study: StructureStudy, name: str, setting: Setting, n_draws: int, seed: int) -> Draws:
    families = [[rna.family for rna in rnas] for rnas in (study.select, study.test)]
    return bootstrap_reselect(study.select_counts[name, setting], study.test_counts[name, setting], families[0], families[1], n_draws, seed)


def _shared(study: StructureStudy, entrant: Contender, setting: Setting) -> dict[str, Any]:
    choice = study.choices.get((entrant.name, setting))
    place = {} if choice is None else {"layer": choice.layer, "head": choice.head, "threshold": choice.threshold}
    return {
        "analysis": "structure",
        "model": entrant.name,
        "role": entrant.role,
        "parameters": entrant.parameters,
        "dataset": study.names[1],
        "selected_on": study.names[0],
        "protocol": setting.protocol,
        "decoder": setting.decoder,
        "canonical": setting.canonical,
        "min_separation": setting.separation,
        **place,
    }


def _result_rows(study: StructureStudy, entrant: Contender, setting: Setting, scores: Scores, note: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """One row a measure, on the test set at the frozen choice; and the F1 that chose, on the selection set."""
    choice, draws = study.choices[entrant.name, setting], study.draws.get((entrant.name, setting))
    families = {rna.family or rna.name for rna in study.test}
    shared = {**_shared(study, entrant, setting), "n": int((scores.reference > 0).sum()), "n_families": len(families), **note}
    values = {
        "f1_macro": scores.f1_macro,
        "f1_micro": scores.f1_micro,
        "precision": _mean(scores.precision),
        "recall": _mean(scores.recall),
        "f1_sd": float(np.nanstd(scores.f1, ddof=1)),
        "f1_macro_selection": choice.f1_macro,
        "f1_micro_selection": choice.f1_micro,
    }
    return [{**shared, "measure": name, "value": value, **_interval(draws, name)} for name, value in values.items()]


def _mean(values: np.ndarray) -> float:
    """Mean over the RNAs where it is defined; 0 if nowhere, as nothing was predicted."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0


def _interval(draws: Draws | None, measure: str) -> dict[str, float]:
    if draws is None or measure not in ("f1_macro", "f1_micro"):
        return {"low": float("nan"), "high": float("nan")}
    low, high = np.nanpercentile(getattr(draws, measure), [2.5, 97.5])
    return {"low": float(low), "high": float(high)}


def _per_rna(study: StructureStudy, entrant: Contender, setting: Setting, scores: Scores) -> pd.DataFrame:
    rnas = {rna.name: rna for rna in study.test}
    table = pd.DataFrame({"rna": scores.names, "f1": scores.f1, "precision": scores.precision, "recall": scores.recall})
    table["n_pairs"] = scores.reference
    table["family"] = [rnas[name].family for name in scores.names]
    table["length"] = [len(rnas[name]) for name in scores.names]
    table["rows"] = [len(rnas[name].alignment or (name,)) for name in scores.names]
    table["depth"] = [None if entrant.depth is None else entrant.depth(rnas[name]) for name in scores.names]
    shared = _shared(study, entrant, setting)
    for column in ("min_separation", "canonical", "decoder", "protocol", "dataset", "role", "model"):
        table.insert(0, column, shared[column])
    return table


def _matching_rows(study: StructureStudy, entrant: Contender, settings: Sequence[Setting]) -> list[dict[str, Any]]:
    """Maximum-weight matching at the head and threshold chosen under ``greedy``: it has no nested thresholds to scan."""
    greedy = Setting("careful", decoder="greedy")
    if greedy not in settings or entrant.role not in ("trained", "baseline"):
        return []
    stream = (layer for layer in entrant.stream(study.test))
    scores = score_stream(stream, study.test, study.choices[entrant.name, greedy], setting=_MATCHING)
    shared = {**_shared(study, entrant, _MATCHING), "n": int((scores.reference > 0).sum()), "note": "head and threshold chosen under greedy"}
    return [{**shared, "measure": name, "value": getattr(scores, name)} for name in ("f1_macro", "f1_micro")]


def _curves(study: StructureStudy, name: str, setting: Setting) -> pd.DataFrame:
    """F1 of the chosen head at every threshold that changes it, on both sets."""
    choice = study.choices[name, setting]
    parts = []
    for part, counts in (("selection", study.select_counts[name, setting]), ("test", study.test_counts[name, setting])):
        threshold, f1 = curve(counts, choice.layer, choice.head)
        kept = np.r_[True, np.diff(f1) != 0]
        parts.append(pd.DataFrame({"model": name, "set": part, "threshold": threshold[kept], "value": f1[kept]}))
    return pd.concat(parts, ignore_index=True)


def _ceiling_rows(study: StructureStudy) -> list[dict[str, Any]]:
    """Best mean F1 that any decoder of a kind could reach on the test references."""
    found = [ceilings(rna, min_separation=CAREFUL.separation) for rna in study.test]
    shared = {"analysis": "structure", "role": "ceiling", "dataset": study.names[1], "protocol": "careful", "min_separation": CAREFUL.separation}
    rows = []
    for kind, decoder, canonical in (("canonical", "raw", True), ("one_partner", "greedy", False), ("both", "greedy", True)):
        values = [getattr(one, kind) for one in found if getattr(one, kind) is not None]
        name = {"canonical": "canonical pairs only", "one_partner": "one partner a base", "both": "both"}[kind]
        row = {
            "model": f"ceiling: {name}",
            "decoder": decoder,
            "canonical": canonical,
            "measure": "f1_macro",
            "value": float(np.mean(values)),
            "n": len(values),
        }
        rows.append({**shared, **row})
    return rows


def alignments(entrants: Sequence[Contender], select_set: Any, test_set: Any, **options: Any) -> StructureStudy:
    """Score contenders that read alignments; the same as `structure`, with fewer settings.

    Parameters
    ----------
    entrants : sequence of Contender
        Alignment models, their twins, and covariation baselines.
    select_set, test_set : Dataset
        One RNA per family, with its alignment.
    **options
        As for `structure`.
    """
    kept = (CAREFUL, REVIEW, Setting("careful", decoder="greedy"))
    return structure(entrants, select_set, test_set, settings=kept, intervals=kept, **options)
