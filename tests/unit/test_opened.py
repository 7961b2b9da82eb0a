"""Reading weights: the table of bases is what attention uses, and a training can be followed from its first weights to its last."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnastudy import analyses, datasets, models
from rnastudy.analyses import opened
from rnastudy.errors import StudyError
from rnastudy.modeling import EncoderConfig, EncoderForMaskedLM
from rnastudy.training import RECIPES, Recipe, Stage, train
from rnastudy.training.loop import build

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "map_channels": 2}


def plain(**options: object) -> EncoderForMaskedLM:
    torch.manual_seed(1)
    return EncoderForMaskedLM(EncoderConfig(**{**TINY, "map_channels": 0, "carry_scores": False, **options})).eval()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A training of four steps on hairpins, and its recipe."""
    with pytest.MonkeyPatch.context() as patch:
        recipe = Recipe("encoder", TINY, (Stage(1.0, {"hairpins": 1.0, "rfam_drawn_alignments": 1.0}),), steps=4, tokens=400, warmup=2)
        patch.setitem(RECIPES, "tiny", recipe)
        yield train("tiny", tmp_path_factory.mktemp("tiny"), seed=3, progress=False, every=2), recipe


def test_the_table_is_what_the_attention_of_the_first_layer_uses() -> None:
    """Without positions, logarithms of attention are the products up to a number for each row."""
    network = plain()
    attention = network(torch.tensor([[0, 1, 2, 3]]), output_attentions=True).attentions[0][0].detach().double().log().numpy()
    centred = attention - attention.mean(-1, keepdims=True) - attention.mean(-2, keepdims=True) + attention.mean((-1, -2), keepdims=True)
    np.testing.assert_allclose(opened.base_tables(network), centred, atol=1e-5)


def test_rows_and_columns_of_a_table_sum_to_nothing() -> None:
    tables = opened.base_tables(plain())
    np.testing.assert_allclose([tables.sum(-1), tables.sum(-2)], 0, atol=1e-9)


def test_contrast_is_highest_for_a_table_of_pairs_and_negative_for_one_of_equals() -> None:
    assert opened.watson_crick(np.fliplr(np.eye(4))) == 1
    assert opened.watson_crick(np.eye(4)) < 0
    assert opened.watson_crick(np.ones((4, 4))) == 0


def test_the_shipped_model_learned_pairs_and_its_twin_did_not() -> None:
    contrast = {name: max(map(opened.watson_crick, opened.base_tables(models.load(name).network))) for name in ("mapconv-9k", "mapconv-9k@untrained")}
    assert contrast["mapconv-9k"] > 2
    assert contrast["mapconv-9k"] > 5 * abs(contrast["mapconv-9k@untrained"])


@pytest.mark.parametrize("network", [models.load("align-27k").network, plain(stem=3)], ids=["alignment", "stem"])
def test_a_network_without_such_a_table_is_refused(network) -> None:
    with pytest.raises(StudyError, match="no table of bases"):
        opened.base_tables(network)


def test_checkpoints_begin_with_the_first_weights_and_end_with_the_last(trained) -> None:
    folder, recipe = trained
    networks = opened.checkpoints(folder)
    assert list(networks) == [0, 2, 4]
    for step, expected in ((0, build(recipe, 3)), (4, EncoderForMaskedLM.from_pretrained(folder))):
        for name, weight in expected.state_dict().items():
            torch.testing.assert_close(networks[step].state_dict()[name], weight, rtol=0, atol=0)
    assert not torch.equal(networks[2].model.embedding.weight, networks[4].model.embedding.weight)


def test_a_training_is_watched_from_step_zero(trained) -> None:
    rows = opened.watched(trained[0], datasets.load("srtrain150", limit=6))
    assert rows.step.tolist() == [0, 2, 4]
    assert rows.loss.isna().tolist() == [True, False, False]
    assert rows.tokens.is_monotonic_increasing
    assert rows.f1.between(0, 1).all()


def test_a_training_is_never_watched_on_a_test_set(trained) -> None:
    with pytest.raises(StudyError, match="srtest150 is a test set"):
        opened.watched(trained[0], datasets.load("srtest150", limit=4))


def test_a_folder_without_a_training_or_without_checkpoints_is_refused(tmp_path) -> None:
    with pytest.raises(StudyError, match=r"no training\.json"):
        opened.checkpoints(tmp_path)
    (tmp_path / "training.json").write_text(json.dumps({"name": "mapconv-9k", "seed": 0}))
    with pytest.raises(StudyError, match="checkpoints are gone"):
        opened.checkpoints(tmp_path)


def test_ablation_changes_a_copy_and_only_the_part_named() -> None:
    whole, hairpin = models.load("mapconv-9k"), analyses.lab_hairpin()
    before = analyses.head_maps(whole, hairpin, 0, 1)
    for part in ("convolution", "position"):
        assert not np.allclose(analyses.head_maps(opened.ablated(whole.network, part), hairpin, 0, 1), before, atol=1e-3)
    np.testing.assert_array_equal(analyses.head_maps(whole, hairpin, 0, 1), before)
    with pytest.raises(StudyError, match="unknown part 'feed'"):
        opened.ablated(whole.network, "feed")


def test_a_head_that_is_not_there_is_refused() -> None:
    with pytest.raises(StudyError, match="no layer 2, head 1; it has 1 layers of 2 heads"):
        analyses.head_maps(models.load("mapconv-9k"), analyses.lab_hairpin(), 1, 0)


def test_seconds_a_step_come_from_the_training(trained, tmp_path) -> None:
    assert ", 4 steps: " in analyses.seconds_per_step(trained[0])
    with pytest.raises(StudyError, match="nothing was trained here"):
        analyses.seconds_per_step(tmp_path)


def test_no_look_between_steps_is_an_error(tmp_path) -> None:
    with pytest.raises(StudyError, match="every must be at least 1 step, not 0"):
        train("mapconv-9k", tmp_path, every=0)


def test_findings_are_those_of_the_rows() -> None:
    import pandas as pd

    rows = pd.DataFrame({"model": "m", "step": [0, 9], "tokens": [0, 5], "loss": [np.nan, 1.25], "f1": [0.1, 0.4], "head": [0, 1], "contrast": [-0.5, 2.0]})
    found = analyses.lab_findings(rows)
    assert (found["lab_f1"], found["lab_f1_before"], found["lab_contrast"], found["lab_loss"], found["lab_steps"]) == (0.4, 0.1, 2.0, 1.25, 9)
    assert "0.136 below" in found["loss_sentence"]
    assert len(analyses.lab_results(rows, SimpleNamespace(name="x").name)) == 5
