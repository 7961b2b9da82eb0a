"""Training: what is hidden, what is drawn, and that a stopped run goes on to the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rnastudy import datasets
from rnastudy.errors import StudyError
from rnastudy.rna import Rna
from rnastudy.training import RECIPES, Recipe, Stage, loop, train
from rnastudy.training.corpora import Corpus, encode, hairpins, pad, single_hairpins

CANONICAL = {(0, 3), (3, 0), (1, 2), (2, 1), (2, 3), (3, 2)}
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "map_channels": 2}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """A recipe small enough for a test, on hairpins and one small data set."""
    stages = (Stage(0.5, {"hairpins": 1.0}), Stage(0.5, {"rfam_drawn_alignments": 1.0, "hairpins": 1.0}))
    monkeypatch.setitem(RECIPES, "tiny", Recipe("encoder", TINY, stages, steps=6, tokens=400, warmup=2))
    monkeypatch.setattr(loop, "_CHECK_EVERY", 2)
    return "tiny"


def weights(folder) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_only_bases_are_hidden_and_as_many_as_the_recipe_says() -> None:
    ids = np.tile(np.array([0, 1, 2, 3, 5, 6, 7]), (400, 20))
    recipe = RECIPES["mapconv-70k"]
    shown, labels = loop.mask(ids, recipe, np.random.default_rng(0))
    hidden = labels.numpy() >= 0
    assert not hidden[ids > 3].any()
    assert (labels.numpy()[hidden] == ids[hidden]).all()
    assert (shown.numpy()[~hidden] == ids[~hidden]).all()
    assert hidden[ids < 4].mean() == pytest.approx(recipe.masked, abs=0.01)
    masked = shown.numpy()[hidden] == 4
    assert masked.mean() == pytest.approx(recipe.mixture[0], abs=0.015)
    assert (shown.numpy()[hidden & (shown.numpy() < 4)] < 4).all()


def test_hairpins_hold_stems_of_canonical_pairs() -> None:
    rows = single_hairpins(30, np.random.default_rng(0))
    for row in rows:
        stems = [
            length
            for start in range(len(row))
            for end in range(start, len(row))
            if (length := next((k for k in range((end - start) // 2) if (row[start + k], row[end - k]) not in CANONICAL), (end - start) // 2)) >= 6
        ]
        assert stems
    assert max(map(len, hairpins(50, np.random.default_rng(0)))) <= 110


def test_batches_are_a_function_of_seed_and_step(tiny: str) -> None:
    one, two, other = (loop._Batches(RECIPES[tiny], seed) for seed in (0, 0, 1))
    assert torch.equal(one.draw(4)[0], two.draw(4)[0])
    assert one.draw(4)[0].shape != other.draw(4)[0].shape or not torch.equal(one.draw(4)[0], other.draw(4)[0])


def test_a_batch_holds_sequences_of_like_length_and_weights_count() -> None:
    light = [Rna(f"l{k}", "ACGU" * 10) for k in range(50)]
    heavy = [Rna("h", "GGGG" * 10)]
    corpus = Corpus.mix([(light, 1.0), (heavy, 9.0), ([Rna("long", "A" * 100)], 0.1)], (20, 110))
    drawn = [row for seed in range(40) for row in corpus.draw(400, np.random.default_rng(seed))]
    short = [row for row in drawn if len(row) == 40]
    assert {len(row) for row in drawn} <= {40, 100}
    assert np.mean([bool((row == 2).all()) for row in short]) == pytest.approx(0.9, abs=0.05)


def test_a_corpus_without_a_fitting_sequence_is_refused() -> None:
    with pytest.raises(StudyError, match="range of lengths"):
        Corpus.mix([([Rna("a", "ACGU")], 1.0)], (20, 110))


def test_padding_and_ends() -> None:
    assert pad([encode("AC"), encode("G")], 7, 6).tolist() == [[6, 0, 1, 6], [6, 2, 6, 7]]


def test_training_writes_a_checkpoint_that_loads(tiny: str, tmp_path) -> None:
    from transformers import AutoModelForMaskedLM

    folder = train(tiny, tmp_path / "out", progress=False)
    stamp = json.loads((folder / "training.json").read_text())
    assert stamp["parameters"] == AutoModelForMaskedLM.from_pretrained(folder).num_parameters()
    assert stamp["corpora"]["rfam_drawn_alignments"]["rnas"] == len(datasets.load("rfam_drawn_alignments"))
    assert (folder / "curve.csv").read_text().splitlines()[0] == "step,tokens,loss,validation_loss"


def test_a_stopped_run_ends_with_the_same_weights(tiny: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = weights(train(tiny, tmp_path / "whole", progress=False))
    update, calls = loop._update, []

    def stopping(*arguments: object) -> float:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return update(*arguments)

    monkeypatch.setattr(loop, "_update", stopping)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path / "stopped", progress=False)
    monkeypatch.setattr(loop, "_update", update)
    again = weights(train(tiny, tmp_path / "stopped", progress=False))
    assert all(torch.equal(whole[key], again[key]) for key in whole)
    assert (tmp_path / "whole/curve.csv").read_text() == (tmp_path / "stopped/curve.csv").read_text()


def test_no_recipe_trains_on_held_out_families() -> None:
    held = {row["family"] for row in datasets.table("heldout_families")}
    names = {name for recipe in RECIPES.values() for stage in recipe.stages for name in stage.corpora if "hairpins" not in name}
    for name in names:
        assert not {rna.family for rna in datasets.load(name).rnas} & held


def test_unknown_recipes_and_steps_are_refused(tmp_path) -> None:
    with pytest.raises(StudyError, match="did you mean mapconv-70k"):
        train("mapconv-70", tmp_path)
    with pytest.raises(StudyError, match="at least 1"):
        train("mapconv-9k", tmp_path, steps=0)


def test_a_training_of_another_seed_or_length_is_not_gone_on_with(tiny: str, tmp_path) -> None:
    train(tiny, tmp_path / "out", progress=False)
    for other in ({"seed": 1}, {"steps": 4}):
        with pytest.raises(StudyError, match="another recipe, seed or number of steps"):
            train(tiny, tmp_path / "out", progress=False, **other)


def test_a_folder_that_cannot_be_written_is_said_at_once(tiny: str, tmp_path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StudyError, match="cannot write into"):
        train(tiny, tmp_path / "file", progress=False)
