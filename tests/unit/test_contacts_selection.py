"""Choosing on one set, scoring on another, and the luck of both."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from rnastudy.contacts import (
    Choice,
    Counts,
    Scores,
    Setting,
    best_per_head,
    bootstrap_reselect,
    curve,
    family_weights,
    paired_difference,
    scan_stream,
    score,
    score_stream,
    select,
)
from rnastudy.contacts import reselect as reselecting
from rnastudy.contacts.curves import means, means_at
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

CAREFUL, REVIEW = Setting("careful"), Setting("review")


@dataclass
class Layer:
    index: int
    layer: int
    maps: torch.Tensor


def made_counts(found, predicted, reference, setting=CAREFUL):
    """Counts given at the first thresholds; higher ones predict nothing. Axes: S, N, H, a few levels."""
    found, predicted = np.array(found), np.array(predicted)
    padding = [(0, 0)] * 3 + [(0, len(setting.lattice) - found.shape[-1])]
    names = tuple(f"rna{k}" for k in range(len(found)))
    return Counts(setting, names, (), np.pad(predicted, padding), np.pad(found, padding), np.array(reference))


def random_set(seed, n_rnas=6, setting=CAREFUL, n_layers=2, n_heads=3, signal=0.0):
    """RNAs with random structures, and maps that see them as well as `signal` says in the last head of the last layer."""
    rng = np.random.default_rng(seed)
    rnas, layers = [], []
    for index in range(n_rnas):
        length = int(rng.integers(14, 24))
        pairs = tuple((k, length - 1 - k) for k in range(int(rng.integers(1, 5))))
        rnas.append(Rna(f"rna{index}", "".join(rng.choice(list("ACGU"), length)), pairs=pairs, family=f"F{index // 2}"))
        for layer in range(n_layers):
            logits = torch.from_numpy(rng.normal(size=(n_heads, length, length)))
            if layer == n_layers - 1:
                for i, j in pairs:
                    logits[-1, i, j] += signal
                    logits[-1, j, i] += signal
            layers.append(Layer(index, layer, torch.softmax(logits, -1)))
    return rnas, layers


def random_counts(seed, setting=CAREFUL, **options):
    rnas, layers = random_set(seed, setting=setting, **options)
    return scan_stream(layers, rnas, setting.protocol, decoder=setting.decoder, min_separation=setting.min_separation)


# --- choosing ---------------------------------------------------------------------------------------------------------


def test_long_rnas_decide_micro_and_all_rnas_macro():
    # head 0 finds the long RNA's 30 pairs, head 1 those of two short ones
    found = [[[[30], [0]]], [[[0], [3]]], [[[0], [3]]]]
    counts = made_counts(found, [[[[30], [0]]], [[[3], [3]]], [[[3], [3]]]], [30, 3, 3])
    macro, micro = select(counts), select(counts, by="micro")
    assert (macro.head, micro.head) == (1, 0)
    assert macro.f1_macro == pytest.approx(2 / 3) and macro.f1_micro == pytest.approx(2 * 6 / (6 + 36))
    assert micro.f1_macro == pytest.approx(1 / 3) and micro.f1_micro == pytest.approx(60 / (36 + 36))
    assert select(replace(counts, setting=CAREFUL)).setting == CAREFUL


def test_each_protocol_chooses_by_its_own_f1():
    assert (CAREFUL.by, REVIEW.by) == ("macro", "micro")
    with pytest.raises(StudyError, match="did you mean macro"):
        select(made_counts([[[[1]]]], [[[[1]]]], [1]), by="makro")


def test_ties_go_to_the_lowest_layer_head_and_threshold():
    same = np.ones((1, 2, 2, 3), dtype=int)
    choice = select(made_counts(same, same, [1]))
    assert (choice.layer, choice.head, choice.threshold) == (0, 0, CAREFUL.lattice.levels[0])
    late = same.copy()
    late[0, 0] = 0
    late[0, 1, 0] = 0
    late[0, 1, 1, 0] = 0
    choice = select(made_counts(late, np.maximum(late, 1), [1]))
    assert (choice.layer, choice.head, choice.threshold) == (1, 1, CAREFUL.lattice.levels[1])


def test_a_tie_that_only_rounding_breaks_is_a_tie():
    """The same six F1 in two orders: the second sum is larger in its last bit."""
    in_order, shuffled = np.array([1, 4, 3, 7, 2, 7]), np.array([1, 4, 2, 7, 7, 3])
    found = np.stack([in_order, shuffled], 1)[:, None, :, None]
    counts = made_counts(found, np.full_like(found, 7), [7] * 6)
    assert select(counts).head == 0
    draws = bootstrap_reselect(counts, counts, ["a"] * 6, ["a"] * 6, 5)
    assert draws.head.tolist() == [0] * 5


def test_an_rna_without_pairs_has_no_f1_and_its_false_positives_count_in_micro():
    counts = made_counts([[[[2]]], [[[0]]]], [[[[2]]], [[[4]]]], [2, 0])
    choice = select(counts)
    assert choice.f1_macro == 1 and choice.f1_micro == pytest.approx(2 * 2 / (6 + 2))
    scores = score(counts, choice)
    assert scores.f1[0] == 1 and np.isnan(scores.f1[1])
    assert scores.false_positive.tolist() == [0, 4] and scores.n_without_pairs == counts.n_without_pairs == 1


def test_pairs_too_close_to_score_are_no_pairs():
    rna = Rna("x", "GGAACC", pairs=((1, 4),))
    counts = scan_stream([Layer(0, 0, torch.full((1, 6, 6), 1 / 6))], [rna], "careful")
    assert counts.n_without_pairs == 1
    with pytest.raises(StudyError, match="no RNA of the set has a base pair"):
        select(counts)


def test_scores_by_hand():
    scores = Scores(("a", "b", "c", "d"), np.array([2, 0, 0, 0]), np.array([4, 0, 3, 0]), np.array([3, 2, 0, 0]))
    np.testing.assert_allclose(scores.f1, [4 / 7, 0, np.nan, np.nan])
    np.testing.assert_allclose(scores.precision, [0.5, np.nan, 0, np.nan])
    np.testing.assert_allclose(scores.recall, [2 / 3, 0, np.nan, np.nan])
    assert scores.false_negative.tolist() == [1, 2, 0, 0]
    assert scores.f1_macro == pytest.approx(2 / 7) and scores.f1_micro == pytest.approx(4 / 12)


# --- nothing leaks ----------------------------------------------------------------------------------------------------


def test_no_function_takes_both_sets():
    for function in (select, score, score_stream):
        taken = [p.annotation for p in inspect.signature(function).parameters.values()]
        assert sum(kind == "Counts" for kind in taken) + sum("LayerMaps" in str(kind) for kind in taken) == 1


def test_test_labels_cannot_change_what_is_chosen():
    selection, (rnas, layers) = random_counts(1, signal=4.0), random_set(2, signal=4.0)
    honest = select(selection)
    flipped = [rna.with_(pairs=((1, len(rna) - 3),)) for rna in rnas]
    tests = [scan_stream(layers, labels, "careful") for labels in (rnas, flipped)]
    draws = [bootstrap_reselect(selection, test, [None] * 6, [None] * 6, 30, seed=3) for test in tests]
    assert not np.allclose(draws[0].f1_macro, draws[1].f1_macro), "the labels did change the scores"
    for part in ("layer", "head", "threshold"):
        assert np.array_equal(getattr(draws[0], part), getattr(draws[1], part))
    assert select(selection) == honest
    assert np.array_equal(score(tests[0], honest).predicted, score(tests[1], honest).predicted)


def test_the_best_head_of_each_rna_is_not_what_is_scored():
    # every RNA has one head that reads it perfectly, no head reads two: an oracle would say 1
    found = np.zeros((4, 1, 4, 1), dtype=int)
    found[np.arange(4), 0, np.arange(4), 0] = 5
    counts = made_counts(found, np.full((4, 1, 4, 1), 5), [5] * 4)
    held_out = made_counts(found[[3, 2]], np.full((2, 1, 4, 1), 5), [5, 5])
    assert select(counts).f1_macro == 0.25
    assert score(held_out, select(counts)).f1_macro == 0


def test_score_refuses_what_was_scanned_otherwise():
    counts = random_counts(1)
    choice = select(counts)
    with pytest.raises(StudyError, match="scan both sets alike"):
        score(random_counts(1, REVIEW), choice)
    with pytest.raises(StudyError, match="is not among 2 layers x 3 heads"):
        score(counts, replace(choice, layer=7))
    with pytest.raises(StudyError, match="is not among"):
        score(counts, replace(choice, threshold=choice.threshold + 1e-9))


# --- looking closer ---------------------------------------------------------------------------------------------------


def test_curves_and_the_best_of_each_head():
    counts = random_counts(4, signal=5.0)
    best = best_per_head(counts)
    assert best.shape == (2, 3) and best.argmax() == 5
    thresholds, f1 = curve(counts, 1, 2)
    assert f1.max() == best[1, 2] == select(counts).f1_macro
    assert thresholds[f1.argmax()] == select(counts).threshold
    assert curve(counts, 1, 2, by="micro")[1].max() == best_per_head(counts, by="micro")[1, 2]


@pytest.mark.parametrize("protocol", ["review", "careful"])
@pytest.mark.parametrize("decoder", ["raw", "mutual", "greedy"])
def test_structures_decoded_one_by_one_score_as_the_scan_counted(protocol, decoder):
    rnas, layers = random_set(5, signal=3.0)
    counts = scan_stream(layers, rnas, protocol, decoder=decoder)
    choice = select(counts)
    counted, decoded = score(counts, choice), score_stream(layers, rnas, choice)
    for part in ("found", "predicted", "reference"):
        assert np.array_equal(getattr(counted, part), getattr(decoded, part))


def test_a_stream_of_another_model_is_refused():
    rnas, layers = random_set(6)
    choice = select(scan_stream(layers, rnas, "careful"))
    with pytest.raises(StudyError, match="head 9 was chosen"):
        score_stream(layers, rnas, replace(choice, head=9))
    with pytest.raises(StudyError, match="layer 9 was chosen"):
        score_stream(layers, rnas, replace(choice, layer=9))


def test_matching_is_scored_at_the_choice_of_another_decoder():
    rnas, layers = random_set(6, signal=5.0)
    choice = select(scan_stream(layers, rnas, "careful", decoder="greedy"))
    scores = score_stream(layers, rnas, choice, setting=Setting("careful", "matching"))
    assert scores.f1_macro > 0.5 and (scores.predicted <= 12).all()
    with pytest.raises(StudyError, match="threshold of protocol careful"):
        score_stream(layers, rnas, choice, setting=REVIEW)


# --- bootstrap --------------------------------------------------------------------------------------------------------


def test_families_are_drawn_whole_and_lone_rnas_alone():
    weights = family_weights(["a", "b", "a", None, None], 500, seed=1)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert (weights[:, [0, 1, 3, 4]].sum(1) == 4).all()
    assert not np.array_equal(weights[:, 3], weights[:, 4])
    assert np.array_equal(weights, family_weights(["x", "y", "x", None, None], 500, seed=1))
    assert abs(weights.mean() - 1) < 0.05
    with pytest.raises(StudyError, match="0 draws of 1 RNAs"):
        family_weights(["a"], 0, seed=1)


def resampled(counts, weights):
    """Counts in which each RNA stands as often as its weight says."""
    return counts.take(np.repeat(np.arange(len(counts.names)), weights.astype(int)))


@profile(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([CAREFUL, REVIEW, Setting("careful", "greedy")]))
def test_every_draw_is_a_choice_and_a_score_on_resampled_sets(seed, setting):
    selection, test = random_counts(seed, setting, signal=2.0), random_counts(seed + 1, setting, signal=2.0)
    families = ["a", "a", "b", "c", "c", None]
    draws = bootstrap_reselect(selection, test, families, families, 6, seed=seed)
    select_weights, test_weights = (family_weights(families, 6, (seed, part)) for part in (0, 1))
    for k in range(6):
        choice = select(resampled(selection, select_weights[k]))
        scores = score(resampled(test, test_weights[k]), choice)
        assert (draws.layer[k], draws.head[k], draws.threshold[k]) == (choice.layer, choice.head, choice.threshold)
        assert draws.f1_macro[k] == pytest.approx(scores.f1_macro, abs=1e-9)
        assert draws.f1_micro[k] == pytest.approx(scores.f1_micro, abs=1e-9)


def test_a_lucky_choice_widens_the_interval():
    """Without any signal the choice is luck; frozen, its interval would hide that."""
    selection, test = (random_counts(seed, n_rnas=10, n_heads=8) for seed in (10, 11))
    draws = bootstrap_reselect(selection, test, [None] * 10, [None] * 10, 200)
    assert len(set(zip(draws.layer.tolist(), draws.head.tolist(), strict=True))) > 3
    frozen = score(test, select(selection)).f1
    weights = family_weights([None] * 10, 200, (0, 1))
    assert draws.f1_macro.std() > (weights @ frozen / 10).std()


def test_rnas_without_pairs_never_make_an_empty_draw():
    counts = made_counts([[[[2]]], [[[0]]], [[[0]]]], [[[[2]]], [[[1]]], [[[1]]]], [2, 0, 0])
    draws = bootstrap_reselect(counts, counts, [None] * 3, [None] * 3, 50)
    assert (draws.f1_macro == 1).all() and draws.names == ("rna0",)


def test_differences_are_paired_on_the_same_resamples():
    selection, test = random_counts(20, signal=3.0), random_counts(21, signal=3.0)
    families = ["a", "a", "b", "c", "d", None]
    first = bootstrap_reselect(selection, test, families, families, 40, seed=5)
    again = bootstrap_reselect(selection, test, families, families, 40, seed=5)
    assert (paired_difference(first, again) == 0).all()
    for other in (replace(again, seed=6), replace(again, names=("y",)), replace(again, f1_macro=again.f1_macro[:3])):
        with pytest.raises(StudyError, match="paired difference"):
            paired_difference(first, other)


def test_bootstraps_that_would_give_wrong_numbers_are_refused():
    counts, families = random_counts(1), [None] * 6
    with pytest.raises(StudyError, match="scan both alike"):
        bootstrap_reselect(counts, random_counts(1, REVIEW), families, families, 2)
    with pytest.raises(StudyError, match="other heads"):
        bootstrap_reselect(counts, random_counts(1, n_heads=2), families, families, 2)
    with pytest.raises(StudyError, match="2 families for 6 RNAs"):
        bootstrap_reselect(counts, counts, families[:2], families, 2)
    with pytest.raises(StudyError, match="no RNA of a set has a base pair"):
        bootstrap_reselect(replace(counts, reference=np.zeros(6, dtype=int)), counts, families, families, 2)


def test_a_choice_is_frozen():
    choice = Choice(0, 0, 0.1, 0.5, 0.5, CAREFUL)
    with pytest.raises(AttributeError):
        choice.threshold = 0.2


def choose_among_all(counts, weights):
    """The highest F1 of all heads and thresholds in every draw, none left out."""
    f1 = np.stack([means(counts, layer, head, weights) for layer, head in np.ndindex(counts.found.shape[1:3])], axis=1)
    place, level = np.divmod(f1.reshape(len(weights), -1).argmax(1), counts.found.shape[3])
    return (*np.divmod(place, counts.found.shape[2]), level)


@pytest.mark.parametrize("setting", [CAREFUL, REVIEW], ids=str)
@pytest.mark.parametrize("kind", ["no signal", "one good head", "equal heads", "nothing found"])
def test_leaving_out_what_cannot_win_changes_no_choice(setting, kind, monkeypatch):
    monkeypatch.setattr(reselecting, "_DRAWS", 70)
    monkeypatch.setattr(reselecting, "_RANGES", 50)
    counts = random_counts(7, setting, n_rnas=12, n_heads=5, signal=3.0 if kind == "one good head" else 0.0)
    if kind == "equal heads":
        counts = replace(counts, found=np.repeat(counts.found[:, :, :1], 3, axis=2), predicted=np.repeat(counts.predicted[:, :, :1], 3, axis=2))
    if kind == "nothing found":
        counts = replace(counts, found=np.zeros_like(counts.found))
    weights = family_weights([f"F{k // 3}" for k in range(12)], 150, seed=2)
    for chosen, expected in zip(reselecting.reselect(counts, weights), choose_among_all(counts, weights), strict=True):
        assert np.array_equal(chosen, expected)


@pytest.mark.parametrize("by", ["macro", "micro"])
def test_means_at_a_choice_are_entries_of_all_means(by):
    counts, weights = random_counts(3), family_weights([None] * 6, 20, seed=1)
    rng = np.random.default_rng(0)
    layer, head, level = (rng.integers(size, size=20) for size in counts.found.shape[1:])
    at = means_at(counts, weights, layer, head, level, by=by)
    assert at == pytest.approx([means(counts, layer[k], head[k], weights, by=by)[k, level[k]] for k in range(20)], abs=1e-11)
