"""The page of causes: what its sentences say of tables made by hand, and what it reads and refuses."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pandas as pd
import pytest

from rnastudy import analyses
from rnastudy.analyses.cause_findings import WHEN, effect, told_contrasts
from rnastudy.analyses.cause_tables import recorded
from rnastudy.analyses.cause_views import FACTORS, RECORDED_ON, CauseTables, cause_study, failure_signs, levels_of, null_scores, two_tasks
from rnastudy.analyses.causes import Panels, stored
from rnastudy.errors import StudyError
from rnastudy.rna import Rna
from rnastudy.training.zoo import LEFT_OUT, LEVELS

views = import_module("rnastudy.analyses.cause_views")
NONE = Panels([], {}, {})
SHIPPED = [one for one in stored() if not one[0].condition]


def contrast(level: str, measure: str, difference: float, p_holm: float = 0.01) -> dict[str, object]:
    of = LEVELS[level]
    shared = {"factor": of.factor, "level": level, "against": of.against, "measure": measure, "seeds": 3, "difference": difference}
    return shared | {"low": difference - 0.01, "high": difference + 0.01, "p": 0.002, "p_holm": p_holm, "by_seed": ", ".join([f"{difference:+.3f}"] * 3)}


def values(scores: dict[tuple[str, str, str], list[float]]) -> pd.DataFrame:
    """Scores by (level, role, measure), one a seed."""
    rows = [
        {"factor": LEVELS[level].factor, "level": level, "seed": seed, "role": role, "measure": measure, "value": value}
        for (level, role, measure), series in scores.items()
        for seed, value in enumerate(series)
    ]
    return pd.DataFrame(rows)


SCORES = values(
    {
        ("base", "trained", "f1"): [0.5, 0.4],
        ("base", "untrained", "f1"): [0.04, 0.06],
        ("base", "trained", "auroc"): [0.7, 0.72],
        ("base", "untrained", "auroc"): [0.8, 0.8],
        ("real", "trained", "f1"): [0.3, 0.32],
        ("real", "trained", "auroc"): [0.81, 0.83],
        ("genome-like", "trained", "f1"): [0.02, 0.03],
        ("genome-like", "trained", "auroc"): [0.9, 0.9],
        ("spans", "trained", "f1"): [0.1, 0.35],
        ("spans", "trained", "auroc"): [0.6, 0.6],
    }
)
CONTRASTS = pd.DataFrame(
    [
        contrast("real-shuffled", "f1", -0.2),
        contrast("real-shuffled", "auroc", 0.1),
        contrast("plain", "f1", -0.3),
        contrast("plain", "auroc", 0.0, p_holm=1.0),
        contrast("kmers", "f1", -0.3),
        contrast("kmers", "auroc", -0.2),
    ]
)
TABLES = CauseTables(SCORES, CONTRASTS, pd.DataFrame(), "made by hand", (NONE, NONE), {})


def test_an_effect_is_said_with_its_interval_and_a_tie_as_a_tie() -> None:
    rows = [row for row in CONTRASTS.itertuples() if row.level == "plain"]
    assert effect(rows[0]) == "F1 is lower by 0.300 (95 % interval 0.290 to 0.310)"
    assert effect(rows[1]) == "AUROC cannot be told apart (+0.000; 95 % interval -0.010 to +0.010)"


def test_the_answer_says_what_moved_structure_and_whether_function_moved_against_it() -> None:
    found = analyses.causes_findings(TABLES, n_draws=50)
    assert found["answer"].startswith("Trained on real sequences alone, the models reach a mean F1 of 0.310")
    assert "their random weights: 0.050" in found["answer"]
    assert "F1 is lower by 0.200 (95 % interval 0.190 to 0.210) when the dinucleotides of the real sequences are shuffled." in found["answer"]
    counted = "Of 3 changes asked on both tasks, 3 move F1 and 2 move AUROC beyond chance; 2 move both, 1 of them in opposite directions (real-shuffled)."
    assert counted in found["answer"]
    assert "the difference by seed is -0.100, -0.080" in found["cost_sentence"]
    assert found["f1_sentence"].startswith("3 of 3 changes of F1")
    assert "rho" in found and found["rho_low"] <= found["rho"] <= found["rho_high"]


def test_a_run_that_asks_something_else_says_so() -> None:
    only = replace(TABLES, values=SCORES[SCORES.level == "spans"], contrasts=CONTRASTS[CONTRASTS.measure == "f1"])
    found = analyses.causes_findings(only)
    assert "rho" not in found
    assert "real sequences alone" not in found["answer"]
    assert found["auroc_sentence"] == "No level of this run has two AUROCs to compare."
    assert found["prior_sentence"] == "The pairing prior takes no part in this run."


def test_every_factor_has_words_for_the_answer() -> None:
    assert set(WHEN) <= {name for name, level in LEVELS.items() if level.against}
    contrasts = recorded("contrasts")
    for factor in FACTORS:
        assert told_contrasts(contrasts[contrasts.factor == factor]), factor


def test_random_weights_are_those_of_the_same_architecture() -> None:
    assert null_scores(SCORES, "real", "f1").tolist() == [0.04, 0.06]
    assert null_scores(SCORES, "plain", "f1").empty


def test_levels_come_with_what_they_are_compared_with_and_their_null() -> None:
    assert levels_of(["corpus size"]) == [
        "base",
        "drawn",
        "drawn-10-percent",
        "drawn-1-percent",
        "families-10-percent",
        "families-1-percent",
    ]
    with pytest.raises(StudyError, match="unknown factor of the zoo 'token'; did you mean tokens"):
        levels_of(["token"])


def test_levels_without_both_tasks_and_conditions_are_not_on_the_plane() -> None:
    every = two_tasks(recorded("values"))
    assert not set(every.level) & {name for name, level in LEVELS.items() if level.condition or level.factor == "alignment"}
    assert set(every.role) == {"trained", "untrained"}
    assert two_tasks(SCORES).set_index(["level", "role"]).f1["base", "trained"] == pytest.approx(0.45)


def test_recorded_values_are_read_as_they_ship_and_only_of_the_factor_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "panels", lambda **sets: (NONE, NONE))
    tables = cause_study(["objective"])
    shipped = recorded("contrasts")
    assert tables.contrasts.difference.tolist() == shipped[shipped.factor == "objective"].difference.tolist()
    assert set(tables.values.level) == {"base", "spans", "long-spans", "structure-loss"}
    assert f"recorded with the {len(SHIPPED)} models (made by python -m tools.score_zoo:" in tables.source
    assert len(tables.weights["zoo"]) == 64


def test_recorded_values_of_other_sets_are_refused() -> None:
    with pytest.raises(StudyError, match="the recorded values are of srtrain150.*recompute=True"):
        cause_study(["tokens"], sets=("srtest150", "srtrain150", RECORDED_ON[2]))


def test_a_run_anew_asks_the_models_of_the_factor_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measured(models: list, **options: object) -> object:
        asked.extend(level.name for level, _ in models)
        assert options["n_draws"] == 7 and options["device"] == "cpu"
        per_rna = pd.DataFrame({"factor": "tokens", "level": "kmers", "role": "trained", "panel": "f1", "rna": ["a"], "f1": [0.5], "in_corpus": [False]})
        return analyses.CausesStudy(SCORES, CONTRASTS, per_rna)

    monkeypatch.setattr(views, "panels", lambda **sets: (NONE, NONE))
    monkeypatch.setattr(views, "causes", measured)
    tables = cause_study(["tokens"], recompute=True, n_draws=7)
    assert set(asked) == {"base", "kmers", "byte-pairs"}
    assert set(tables.contrasts.level) == {"kmers"}
    assert tables.source.startswith("Every model was measured anew in this run, with 7 bootstrap draws; no p value of so many is below 0.25 ")


def test_signs_of_failure_name_the_run_that_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = pd.DataFrame({"f1": [0.0, 0.2, 1.0]})
    monkeypatch.setattr(views, "measure", lambda *told, **options: type("Measured", (), {"per_rna": spread}))
    rnas = [Rna(f"r{k}", "GGGAAACCC"[: 9 - k % 2] + "ACGU"[k % 4], family=f"f{k // 3}") for k in range(9)]
    ratios = iter([0.3])
    monkeypatch.setattr("rnastudy.overlap.review", lambda *told, **options: type("Scores", (), {"overlap_ratio": next(ratios)}))
    signs = failure_signs(replace(TABLES, asked=(Panels([], {"f1": rnas}, {"auroc": rnas}), NONE))).set_index("sign")
    assert signs.run["F1 no higher than that of random weights"] == "genome-like"
    assert signs.run["seeds far apart"] == "spans"
    assert signs.run["high variance between RNAs"] == "base, seed 0"
    assert "standard deviation 0.43 around 0.40" in signs.measured["high variance between RNAs"]
    assert signs.run["AUROC below that of random weights"] == "2 of 4 levels"
    assert "F1 falls once a built-in prior is switched off" not in signs.index
    assert "overlap ratio of .5 and more" not in signs.index


def test_the_results_table_holds_means_and_differences_of_both_tasks() -> None:
    table = analyses.cause_results(TABLES, RECORDED_ON)
    assert {"analysis", "model", "dataset", "protocol", "measure", "value"} <= set(table.columns)
    rows = table.set_index(["model", "role", "measure"]).sort_index()
    assert rows.value["base", "trained", "f1"] == pytest.approx(0.45)
    assert rows.value["kmers", "trained", "auroc difference"] == pytest.approx(-0.2)
    assert set(table[table.measure.str.startswith("auroc")].dataset) == {RECORDED_ON[2]}
    assert not table.dataset.isna().any()


def test_what_was_left_out_is_listed_whole() -> None:
    assert analyses.left_out()["not trained"].tolist() == list(LEFT_OUT)
