"""Verdicts on the review's claims, from tables with planted results."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from rnastudy import claims
from rnastudy.claims.evidence import MEASURES, Evidence
from rnastudy.errors import StudyError

SCORES = {
    "rnafm": (0.50, 0.90),
    "rnakm": (0.68, 0.60),
    "mprna": (0.67, 0.61),
    "rinalmo-mega": (0.50, 0.80),
    "rinalmo-giga": (0.64, 0.82),
    "aidorna-650m": (0.50, 0.85),
    "aidorna-1.6b": (0.60, 0.75),
    "rnamsm": (0.80, 0.70),
    "lucaone": (0.30, 0.60),
    "splicebert": (0.05, 0.62),
    "nt": (0.05, 0.55),
    "random-canonical": (0.05, 0.50),
}
ANALYSES = {"structure": "structure", "function": "classification", "contacts": "proteins"}


def planted(scores=SCORES, noise=0.01, n=400, **more):
    """Results and draws of models whose true scores are known; draws are paired, as in a run."""
    rng = np.random.default_rng(1)
    rows, draws = [], []
    for (task, protocol), (measure, sign) in MEASURES.items():
        for name, pair in scores.items():
            value = sign * pair[task == "function"]
            base = {"parameters": 1e6, "analysis": ANALYSES[task], "model": name, "dataset": "set", "protocol": protocol, "measure": measure, "n": 50}
            role = "floor" if name == "random-canonical" else "trained"
            rows.append(
                {
                    **base,
                    "role": role,
                    "value": value,
                    "low": value - 2 * noise,
                    "high": value + 2 * noise,
                    "decoder": "raw",
                    "canonical": False,
                    "note": np.nan,
                    "headline": True,
                }
            )
            draws.append(pd.DataFrame({**base, "decoder": "raw", "draw": range(n), "value": value + noise * rng.standard_normal(n)}))
    return Evidence(pd.DataFrame(rows), pd.concat(draws, ignore_index=True), **more)


def verdict(evidence, claim, protocol="careful"):
    rows = claims.decide(evidence, claim)
    return rows[rows.protocol == protocol].iloc[0]


def test_every_listed_claim_is_decided_under_both_protocols():
    rows = claims.decide(planted())
    assert list(rows.id) == [one for one in claims.read().id for _ in range(2)]
    assert set(rows.verdict) <= {"holds", "fails", "tie", "undecided"}
    undecided = rows[rows.verdict == "undecided"]
    assert (undecided.words.str.startswith("not run")).all() and (rows[rows.verdict != "undecided"].command == "").all()


@pytest.mark.parametrize("protocol", ["review", "careful"])
@pytest.mark.parametrize(("claim", "expected"), [("C01", "holds"), ("C02", "holds"), ("C03", "holds"), ("C04", "holds"), ("C07", "holds"), ("C08", "holds")])
def test_planted_claims_hold(claim, expected, protocol):
    assert verdict(planted(), claim, protocol).verdict == expected


def test_values_are_those_planted():
    assert verdict(planted(), "C04").value == pytest.approx(0.2)
    assert verdict(planted(), "C07").value == pytest.approx(0.28)
    first = np.mean([SCORES[name][1] for name in ("rnafm", "rnakm", "mprna", "rinalmo-mega", "rinalmo-giga", "aidorna-650m", "aidorna-1.6b", "rnamsm")])
    assert verdict(planted(), "C01").value == pytest.approx(first - 0.55)


def test_the_opposite_is_said_to_fail():
    turned = SCORES | {"rnamsm": (0.2, 0.7), "rnafm": (0.5, 0.4), "nt": (0.4, 0.99)}
    for claim in ("C01", "C02", "C03", "C04", "C11"):
        assert verdict(planted(turned), claim).verdict == "fails", claim


def test_what_cannot_be_told_apart_is_a_tie():
    close = SCORES | {"rnamsm": (0.60, 0.7)}
    assert verdict(planted(close, noise=0.1), "C04").verdict == "tie"


def test_without_the_models_a_claim_is_undecided_and_says_what_decides_it():
    small = planted({"mapconv-9k": (0.3, 0.7), "plain-70k": (0.04, 0.75), "random-canonical": (0.05, 0.5)})
    for claim in ("C01", "C02", "C03", "C04", "C05", "C07", "C08", "C10", "C11"):
        row = verdict(small, claim)
        assert row.verdict == "undecided" and "studies/review.yml" in row.command and row.value is None or np.isnan(row.value), claim


def test_models_scored_on_other_rnas_are_not_compared():
    evidence = planted()
    moved = evidence.results.copy()
    moved.loc[moved.model == "rnamsm", "n"] = 49
    assert verdict(Evidence(moved, evidence.draws), "C04").verdict == "undecided"


def test_near_random_needs_an_interval_within_the_margin():
    assert verdict(planted(), "C11").verdict == "holds"
    assert verdict(planted(noise=0.2), "C11").verdict == "tie"


def test_protein_sizes_are_flat_only_at_the_stated_level():
    sizes = {"esm2-8m": 8e6, "esm2": 650e6, "esm2-3b": 3e9}
    for scores, expected in (((0.66, 0.67, 0.66), "holds"), ((0.40, 0.40, 0.40), "fails"), ((0.60, 0.68, 0.74), "fails")):
        evidence = planted({name: (score, 0.0) for name, score in zip(sizes, scores, strict=True)})
        grown = evidence.results.assign(parameters=evidence.results.model.map(sizes))
        assert verdict(Evidence(grown, evidence.draws), "C09").verdict == expected


def test_unified_models_below_class_one():
    assert verdict(planted(), "C10").verdict == "holds"


def test_opposite_ends_needs_both_models_first_in_structure():
    assert verdict(planted(), "C05").verdict == "fails"
    top = {name: pair for name, pair in SCORES.items() if name != "rnamsm"}
    assert verdict(planted(top, noise=0.02), "C05").verdict == "holds"


def test_trade_off_reads_the_interval_of_the_run():
    row = {
        "analysis": "tradeoff",
        "protocol": "careful",
        "measure": "rank correlation",
        "model": "all models",
        "role": np.nan,
        "n": 17,
        "value": -0.6,
        "low": -0.9,
    }
    assert verdict(Evidence(pd.DataFrame([{**row, "high": -0.2}]), pd.DataFrame()), "C06").verdict == "holds"
    undecided = Evidence(pd.DataFrame([{**row, "high": 0.1}]), pd.DataFrame())
    assert verdict(undecided, "C06").verdict == "tie" and verdict(undecided, "C06", "review").verdict == "undecided"


def test_a_high_ratio_with_a_blind_auroc_holds_and_with_a_seeing_one_fails():
    rows = [
        {"analysis": "classification", "model": "m", "dataset": "s", "descriptor": "fft", "layer": 1, "protocol": "review", "role": "trained", **one}
        for one in ({"measure": "overlap_ratio", "value": 0.6}, {"measure": "auroc", "value": 0.51, "low": 0.48, "high": 0.54})
    ]
    assert verdict(Evidence(pd.DataFrame(rows), pd.DataFrame()), "C13", "review").verdict == "holds"
    rows[1] |= {"low": 0.7, "value": 0.8, "high": 0.9}
    assert verdict(Evidence(pd.DataFrame(rows), pd.DataFrame()), "C13", "review").verdict == "fails"


def test_spread_between_rnas_against_the_alignment_model():
    rng = np.random.default_rng(0)
    rows = [
        {
            "rna": f"r{k}",
            "family": f"f{k // 2}",
            "model": name,
            "f1": 0.5 + sd * rng.standard_normal(),
            "protocol": "careful",
            "decoder": "raw",
            "role": "trained",
        }
        for k in range(40)
        for name, sd in (("rnafm", 0.2), ("align-27k", 0.05))
    ]
    row = verdict(planted(tables={"per_rna": pd.DataFrame(rows)}), "C12")
    assert row.verdict == "holds" and 2 < row.value < 5


def test_rare_families_and_flat_slopes():
    families = pd.DataFrame({"family": ["RF00005", "RF00001", "RF02541", "RF1", "RF2", "RF3"], "auroc": [0.9, 0.91, 0.9, 0.5, 0.52, 0.51]})
    assert verdict(planted(tables={"families": families}), "C14").verdict == "fails"
    slope = {"analysis": "scaling", "protocol": "careful", "measure": "f1_macro per tenfold size", "role": np.nan, "model": "all sizes"}
    rows = pd.DataFrame(
        [{**slope, "value": 0.1, "low": 0.05, "high": 0.15}, {**slope, "measure": "auroc per tenfold size", "value": 0.0, "low": -0.1, "high": 0.1}]
    )
    assert verdict(Evidence(rows, pd.DataFrame()), "C17").verdict == "holds"
    assert verdict(Evidence(rows[:1], pd.DataFrame()), "C17").verdict == "fails"


def test_gather_reads_finished_runs_and_refuses_others(tmp_path):
    with pytest.raises(StudyError, match="no finished run"):
        claims.gather(tmp_path)
    run = tmp_path / "structure"
    run.mkdir()
    (run / "stamp.json").write_text(json.dumps({"analysis": "structure", "finished": True}))
    planted().results.to_csv(run / "results.csv", index=False)
    pd.DataFrame({"model": ["a"], "measure": ["f1_macro"], "draw": [0], "value": [0.1]}).to_csv(run / "draws.csv", index=False)
    with pytest.raises(StudyError, match="no column 'dataset'"):
        claims.gather(tmp_path)


def test_an_unknown_claim_lists_near_ones():
    with pytest.raises(StudyError, match="C01"):
        claims.decide(planted(), "C001")
