"""Training: what is hidden, what is drawn, and that a stopped run goes on to the same weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rnastudy import datasets
from rnastudy.errors import StudyError
from rnastudy.modeling.pieces import Pieces
from rnastudy.rna import Rna
from rnastudy.training import RECIPES, ZOO, Recipe, Stage, loop, train
from rnastudy.training.batches import Batches
from rnastudy.training.corpora import Corpus, encode, hairpins, pad, single_hairpins, structure_symbols
from rnastudy.training.masking import hide_runs, mask, mask_kmers, mask_pieces

CANONICAL = {(0, 3), (3, 0), (1, 2), (2, 1), (2, 3), (3, 2)}
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "map_channels": 2}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """A recipe small enough for a test, on hairpins and one small data set."""
    stages = (Stage(0.5, {"hairpins": 1.0}), Stage(0.5, {"rfam_drawn_alignments": 1.0, "hairpins": 1.0}))
    monkeypatch.setitem(RECIPES, "tiny", Recipe("encoder", TINY, stages, steps=6, tokens=400, warmup=2))
    monkeypatch.setattr(loop, "_CHECK_EVERY", 2)
    return "tiny"


#: Checksums of four batches (seed 0) and of the first weights (seed 3) of the shipped recipes, taken when their models were trained.
SHIPPED = {
    "mapconv-9k": ("491a4749761b3703", "c9938cc95e9f814b"),
    "mapconv-70k": ("491a4749761b3703", "6f38e6b540ab65e2"),
    "mapconv-300k": ("491a4749761b3703", "581d85680bac6f08"),
    "plain-70k": ("491a4749761b3703", "e3089475adc78a0e"),
    "align-27k": ("19451328550f747a", "ee727eeb0d6df173"),
}


def weights(folder) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_only_bases_are_hidden_and_as_many_as_the_recipe_says() -> None:
    ids = np.tile(np.array([0, 1, 2, 3, 5, 6, 7]), (400, 20))
    recipe = RECIPES["mapconv-70k"]
    shown, labels = mask(ids, recipe, np.random.default_rng(0))
    hidden = labels.numpy() >= 0
    assert not hidden[ids > 3].any()
    assert (labels.numpy()[hidden] == ids[hidden]).all()
    assert (shown.numpy()[~hidden] == ids[~hidden]).all()
    assert hidden[ids < 4].mean() == pytest.approx(recipe.masked, abs=0.01)
    masked = shown.numpy()[hidden] == 4
    assert masked.mean() == pytest.approx(recipe.mixture[0], abs=0.015)
    assert (shown.numpy()[hidden & (shown.numpy() < 4)] < 4).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_draw_and_begin_as_when_their_models_were_trained(name: str) -> None:
    batches, seen, begun = Batches(RECIPES[name], 0), hashlib.sha256(), hashlib.sha256()
    for batch in (*(batches.draw(step) for step in (0, 1, 200, 999)), batches.held[0]):
        for tensor in batch[:2]:
            seen.update(tensor.numpy().tobytes())
    for key, weight in sorted(loop.build(RECIPES[name], 3).state_dict().items()):
        begun.update(key.encode() + weight.numpy().tobytes())
    assert (seen.hexdigest()[:16], begun.hexdigest()[:16]) == SHIPPED[name]


def test_runs_are_hidden_whole_and_as_many_bases_as_asked_for() -> None:
    bases = np.ones((300, 200), dtype=bool)
    bases[:, ::50] = False
    hidden, lot = hide_runs(bases, 0.25, 4, np.random.default_rng(0))
    assert not hidden[~bases].any()
    assert hidden[bases].mean() == pytest.approx(0.25, abs=0.01)
    joined = hidden[:, 1:] & hidden[:, :-1]
    assert joined.sum() / hidden.sum() > 0.7
    alone, _ = hide_runs(bases, 0.25, 1, np.random.default_rng(0))
    assert (alone[:, 1:] & alone[:, :-1]).sum() / alone.sum() < 0.3
    assert len(np.unique(lot[hidden])) < 0.4 * hidden.sum()


def test_no_window_over_a_masked_base_is_shown() -> None:
    recipe = replace(ZOO["zoo/kmers"], mixture=(1.0, 0.0))
    row, pieces = np.random.default_rng(1).integers(0, 4, 3000), Pieces.kmers(3)
    shown, labels = mask_kmers([row], pieces, recipe, np.random.default_rng(0))
    words = [pieces.texts.get(int(number)) for number in shown[0, 1:-1]]
    seen = {place + k for place, word in enumerate(words) if word for k in range(3)}
    named = {place for place, label in enumerate(labels[0, 1:-1].tolist()) if label >= 0}
    # As many bases are unseen as of the base recipe: those that were chosen, and those shut in between them.
    assert 1 - len(seen) / 3000 == pytest.approx(ZOO["zoo/base"].masked, abs=0.02)
    assert {word is None for place, word in enumerate(words) if place in named} == {True}
    assert all(pieces.texts[int(labels[0, 1 + place])] == "".join("ACGU"[b] for b in row[place : place + 3]) for place in named)


def test_pieces_are_hidden_whole_and_the_rest_is_the_sequence() -> None:
    rows = [encode("GGGAAACCCNUUU" * 5)]
    pieces = Pieces.byte_pairs(["GGGAAACCC" * 5] * 4, 4)
    recipe = replace(RECIPES["mapconv-9k"], unit="byte-pair", unit_size=4, mixture=(1.0, 0.0))
    shown, labels = mask_pieces(rows, pieces, recipe, np.random.default_rng(0))
    ids = torch.where(labels >= 0, labels, shown)[0, 1:-1].tolist()
    assert "".join(pieces.texts.get(number, "N") for number in ids) == "GGGAAACCCNUUU" * 5
    assert set(shown[labels >= 0].tolist()) == {4}


def test_structure_is_named_where_it_is_known_and_lies_over_its_bases() -> None:
    stages = (Stage(1.0, {"rfam_drawn_alignments": 1.0, "hairpins": 1.0}),)
    batches = Batches(Recipe("encoder", TINY, stages, steps=4, tokens=400, structure_loss=True), 0)
    drawn = [batch for step in range(12) if (batch := batches.draw(step)).symbols is not None]
    assert 0 < len(drawn) < 12
    for batch in drawn:
        bases = (batch.shown != 6) & (batch.shown != 7)
        assert torch.equal(batch.symbols >= 0, bases)
        assert (batch.symbols == 1).sum() == (batch.symbols == 2).sum() > 0
    assert structure_symbols(Rna("a", "GAC")).tolist() == [-100] * 3


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
    one, two, other = (Batches(RECIPES[tiny], seed) for seed in (0, 0, 1))
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
