"""One cause at a time: contrasts, computed by hand, and what the panels hold."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from rnastudy import datasets
from rnastudy.analyses.cause_tables import Measured, contrast_table, in_and_out, nested, recorded
from rnastudy.analyses.causes import measure, null_of, panels, per_family, stored
from rnastudy.errors import StudyError
from rnastudy.models.cards import embedded_folder
from rnastudy.rna import Rna
from rnastudy.training.zoo import LEVELS

room = import_module("rnastudy.analyses.causes")


def measured(f1: float, auroc: float, draws: int = 999) -> Measured:
    """A model whose resamples all give the same values."""
    return Measured({"f1": f1, "auroc": auroc}, {"f1": np.full(draws, f1), "auroc": np.full(draws, auroc)})


def test_a_contrast_is_the_mean_difference_over_seeds_and_its_interval_resamples_them() -> None:
    found = {("base", seed): measured(f1, 0.7) for seed, f1 in enumerate((0.4, 0.5, 0.6))}
    found |= {("plain", seed): measured(0.1, 0.6) for seed in range(3)}
    row = contrast_table(found, measures=("f1",)).set_index("level").loc["plain"]
    assert row.against == "base"
    assert row.difference == pytest.approx(-0.4)
    assert row.by_seed == "-0.300, -0.400, -0.500"
    # All three drawn seeds are the lowest in 1 of 27 draws, which is more than 2.5 %: the interval ends at the extremes.
    assert (row.low, row.high) == (pytest.approx(-0.5), pytest.approx(-0.3))
    assert (row.lowest, row.highest, row.seeds) == (pytest.approx(-0.5), pytest.approx(-0.3), 3)
    assert row.p == pytest.approx(2 / 1000)


def test_draws_of_two_levels_are_compared_draw_by_draw() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0.4, 0.1, 999)
    found = {("base", 0): Measured({"f1": 0.4}, {"f1": shared}), ("plain", 0): Measured({"f1": 0.3}, {"f1": shared - 0.1})}
    row = contrast_table(found, measures=("f1",)).iloc[0]
    assert (row.low, row.high) == (pytest.approx(-0.1), pytest.approx(-0.1))


def test_holm_goes_over_all_levels_and_measures_of_a_factor_and_no_further() -> None:
    found = {("base", 0): measured(0.4, 0.7), ("plain", 0): measured(0.1, 0.7), ("taps-prior", 0): measured(0.5, 0.6), ("spans", 0): measured(0.3, 0.7)}
    table = contrast_table(found)
    assert table.groupby("factor").size().to_dict() == {"architecture": 4, "objective": 2}
    one = table.set_index(["level", "measure"])
    # Three of four differ in every draw (p = .002); Holm multiplies the smallest by 4. A difference of 0 has p = 1.
    assert one.p_holm["plain", "f1"] == pytest.approx(4 * 0.002)
    assert one.p_holm["plain", "auroc"] == 1
    assert one.p_holm["spans", "f1"] == pytest.approx(2 * 0.002)


def test_only_seeds_that_both_levels_have_are_compared() -> None:
    found = {("base", 0): measured(0.4, 0.7), ("base", 1): measured(0.9, 0.7), ("plain", 0): measured(0.1, 0.6)}
    row = contrast_table(found, measures=("f1",)).iloc[0]
    assert (row.seeds, row.difference) == (1, pytest.approx(-0.3))
    assert contrast_table({("plain", 0): measured(0.1, 0.6)}).empty


def test_seeds_are_drawn_within_each_draw() -> None:
    differences = np.stack([np.zeros(4000), np.ones(4000)])
    drawn = nested(differences)
    assert set(drawn.tolist()) == {0.0, 0.5, 1.0}
    assert np.mean(drawn == 0.5) == pytest.approx(0.5, abs=0.03)


def test_levels_share_a_null_only_with_their_own_architecture() -> None:
    assert null_of(LEVELS["drawn"]) == null_of(LEVELS["spans"]) == "base"
    for name in ("plain", "stem", "map-convolution", "kmers", "structure-loss", "alignment-no-taps", "prior"):
        assert null_of(LEVELS[name]) == name
    assert null_of(LEVELS["alignment-real"]) == "alignment"
    assert room._roles(LEVELS["prior"], True) == ("trained", "untrained", "untrained, prior on")
    assert room._roles(LEVELS["prior-off-at-test"], True) == room._roles(LEVELS["real"], True) == ("trained",)


def test_headline_panels_hold_no_family_that_is_trained_on() -> None:
    single, aligned = panels()
    trained = {rna.family for rna in datasets.load("rfam_drawn_train").rnas}
    for rnas in (single.select, single.structure["f1"], single.structure["f1_drawn_out"], single.families["auroc"], *aligned.structure.values()):
        assert rnas
        assert not {rna.family for rna in rnas} & trained
    assert {rna.family for rna in single.families["auroc_in"]} <= trained
    assert not {rna.family for rna in aligned.select} & {rna.family for rnas in aligned.structure.values() for rna in rnas}
    assert not {rna.sequence for rna in single.select} & {rna.sequence for rna in single.structure["f1"]}


def test_at_most_so_many_of_a_family_are_kept() -> None:
    rnas = [Rna(f"r{k}", "ACGU" * (k + 1), family="f" if k < 4 else None) for k in range(6)]
    assert [rna.name for rna in per_family(rnas, 2, 20)] == ["r0", "r1", "r4"]


def test_a_zoo_that_is_not_there_is_refused() -> None:
    with pytest.raises(StudyError, match="train_zoo"):
        room.causes([])


@pytest.mark.skipif(not (embedded_folder("zoo/base/0") / "model.safetensors").is_file(), reason="the zoo is not trained: python -m tools.train_zoo")
def test_a_model_is_measured_on_both_tasks_and_its_twin_is_not_it(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    single, _ = panels()
    few = room.Panels(
        single.select[:20],
        {name: rnas[:12] for name, rnas in single.structure.items()},
        {name: rnas[:24] for name, rnas in single.families.items()},
    )
    one, twin = (measure(LEVELS["base"], 0, few, role=role, n_draws=20, cache=str(tmp_path)) for role in ("trained", "untrained"))
    assert set(one.values) == {"f1_selection", "f1", "f1_drawn_out", "f1_drawn_in", "auroc", "auroc_in"}
    assert {name: len(sample) for name, sample in one.draws.items()} == {"f1": 20, "auroc": 20}
    assert one.values["f1_drawn_out"] > twin.values["f1_drawn_out"] + 0.1
    table = in_and_out(one.per_rna.assign(factor="architecture", level="base", role="trained", seed=0))
    assert table.set_index("panel").n_in["f1_drawn_out"] == 0
    assert table.set_index("panel").n_in["f1_drawn_in"] > 6
    monkeypatch.setattr(room, "_ask", None)
    again = measure(LEVELS["base"], 0, few, n_draws=20, cache=str(tmp_path))
    assert again.values == one.values
    assert all(np.array_equal(again.draws[name], one.draws[name]) for name in one.draws)
    assert again.per_rna.equals(one.per_rna)


@pytest.mark.skipif(not (embedded_folder("zoo/prior/0") / "model.safetensors").is_file(), reason="the zoo is not trained: python -m tools.train_zoo")
def test_the_prior_alone_is_a_null_of_its_own() -> None:
    single, _ = panels()
    few = room.Panels(single.select[:30], {"f1": single.structure["f1"][:30]}, {})
    off, on = (measure(LEVELS["prior"], 0, few, role=role, n_draws=5).values["f1_selection"] for role in ("untrained", "untrained, prior on"))
    assert on > off


def test_models_that_are_there_are_listed_with_those_asked_under_a_condition() -> None:
    names = {level.name for level, _ in stored()}
    assert ("prior-off-at-test" in names) == ("prior" in names)


def test_the_tables_that_ship_are_those_of_the_models_that_ship() -> None:
    values, contrasts = recorded("values"), recorded("contrasts")
    there = {(level.name, seed) for level, seed in stored()}
    trained = values[values.role == "trained"]
    assert set(zip(trained.level, trained.seed, strict=True)) <= there
    means = trained.groupby(["level", "measure"]).value.mean()
    for row in contrasts[contrasts.seeds == 3].itertuples():
        assert row.difference == pytest.approx(means[row.level, row.measure] - means[row.against, row.measure], abs=2e-5)
        assert row.low <= row.high
        assert row.p <= row.p_holm + 1e-5
    out = recorded("in_and_out")
    assert set(out[out.panel == "f1"].n_in) == {0}
    with pytest.raises(StudyError, match="table of the zoo"):
        recorded("value")
