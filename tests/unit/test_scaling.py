"""Slopes against brute force, operations against torch's own count, and the published numbers as shipped."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rnastudy import scaling
from rnastudy.errors import StudyError
from rnastudy.statistics import cluster_weights


def test_slope_is_least_squares_in_every_draw():
    rng = np.random.default_rng(0)
    scores, parameters, families = rng.random((4, 20)), [1e6, 3e6, 2e7, 1e9], list("aabbccddee") * 2
    found = scaling.slope(scores, parameters, families, n_draws=300, seed=5)
    weights = cluster_weights(families, 300, np.random.default_rng(5))
    brute = [stats.linregress(np.log10(parameters), np.repeat(scores, w, axis=1).mean(axis=1)).slope for w in weights]
    assert found.value == pytest.approx(stats.linregress(np.log10(parameters), scores.mean(axis=1)).slope)
    assert (found.low, found.high) == pytest.approx(np.quantile(brute, [0.025, 0.975]))


def test_slope_is_paired_so_hard_rnas_do_not_widen_it():
    hardness = np.random.default_rng(0).random(50)
    found = scaling.slope([hardness, hardness + 0.1], [1e7, 1e8], [None] * 50)
    assert (found.low, found.value, found.high) == pytest.approx((0.1, 0.1, 0.1)) and found.p < 0.01


def test_no_gain_is_no_slope():
    rng = np.random.default_rng(0)
    found = scaling.slope(0.5 + 0.1 * rng.normal(size=(3, 70)), [8e6, 1.5e8, 6.5e8], [None] * 70)
    assert found.low < 0 < found.high and found.p > 0.05


@pytest.mark.parametrize(("sizes", "may", "words"), [([1, 10], False, "two sizes"), ([1, 10, 100], False, "three sizes cannot"), ([1, 10, 100, 1e3], True, "")])
def test_three_sizes_never_show_that_a_curve_has_flattened(sizes, may, words):
    found = scaling.slope(np.linspace(0.1, 0.4, len(sizes))[:, None] + np.zeros((1, 5)), sizes, list("abcde"))
    assert found.may_speak_of_flattening is may and words in found.note and bool(found.note) is not may


@pytest.mark.parametrize("parameters", [[1e6, 1e6], [0, 1e6], [-1, 1e6]])
def test_slope_refuses_fewer_than_two_sizes(parameters):
    with pytest.raises(StudyError, match="at least 2 different sizes"):
        scaling.slope(np.ones((2, 3)), parameters, [None] * 3)


def test_slope_refuses_one_size_and_misfits():
    with pytest.raises(StudyError, match="at least 2 different sizes"):
        scaling.slope(np.ones((1, 3)), [1e6], [None] * 3)
    with pytest.raises(StudyError, match="one column a size"):
        scaling.slope(np.ones((2, 3)), [1e6, 1e7, 1e8], [None] * 3)
    with pytest.raises(StudyError, match="3 items"):
        scaling.slope(np.ones((2, 4)), [1e6, 1e7], [None] * 3)


def test_relative_gain_is_of_means_and_refuses_nothing_to_gain_on():
    found = scaling.relative_gain([0.1, 0.5], [0.2, 0.6], ["a", "b"])
    assert found.value == pytest.approx(0.8 / 0.6 - 1) and found.low == pytest.approx(0.2) and found.high == pytest.approx(1.0)
    with pytest.raises(StudyError, match="does not exist"):
        scaling.relative_gain([0.0, 0.5], [0.1, 0.6], ["a", "b"])


def test_operations_by_hand():
    # 2 tokens, width 3, feed-forward 5: 8*2*9 + 4*4*3 + 4*2*3*5 = 312
    assert scaling.encoder_flops(1, 3, 5, 2, special_tokens=0) == 312
    assert scaling.encoder_flops(2, 3, 5, 2, special_tokens=0, vocabulary=7) == 2 * 312 + 2 * 2 * 3 * 7
    assert scaling.encoder_flops(1, 3, 5, 2, special_tokens=0, gated=True) == 312 + 60
    with pytest.raises(StudyError, match="at least 1"):
        scaling.encoder_flops(1, 3, 5, 0)


def test_formula_agrees_with_torch_on_a_transformers_encoder():
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=10, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, attn_implementation="eager"
    )
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        counted = scaling.measured_flops(lambda: model(torch.ones(1, 22, dtype=torch.long)))
    assert counted == scaling.encoder_flops(3, 32, 48, 20)


def test_measured_memory_sees_what_a_call_allocates():
    def allocate() -> int:
        return len(b"\1" * (200 << 20))

    scaling.measured_cost(allocate)
    again = scaling.measured_cost(allocate)
    small = scaling.measured_cost(lambda: None)
    if again.peak_bytes is None:
        pytest.skip("this system cannot reset a process's peak memory: a second measurement is None, as documented")
    assert again.peak_bytes > 150 << 20 and again.seconds > 0
    assert (small.peak_bytes or 0) < 50 << 20


def test_published_numbers_carry_how_sure_they_are():
    table = scaling.published()
    assert list(table) == ["study", "model", "task", "dataset", "metric", "relation", "value", "certainty", "note"]
    assert table["value"].dtype == float and set(table["relation"]) <= {"=", "<", "~"} and (table["certainty"] != "").all()
    known = {(row.model, row.metric): (row.relation, row.value) for row in table.itertuples()}
    assert known["RNA-MSM", "F1"] == ("=", 0.631) and known["RNA-FM", "overlap ratio"] == ("=", 0.07)
    assert known["every model", "median correlation"] == ("<", 0.27)


def test_claims_say_what_would_decide_them():
    table = scaling.claims()
    assert table["id"].is_unique and len(table) == 17
    assert (table[["claim", "decided_by", "data", "holds_if"]] != "").all().all()
