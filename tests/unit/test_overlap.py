"""All pairs against brute force: every measure, every label, every trap."""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from rnastudy import compiled
from rnastudy.errors import StudyError
from rnastudy.overlap import auroc, average_precision, bounds, careful, counting, overlap_coefficient, overlap_ratio
from rnastudy.overlap.bootstrap import family_weights, weighted_cells
from rnastudy.overlap.counting import count_and_vote, count_pairs, positive_values
from rnastudy.overlap.neighbours import neighbour_credit
from rnastudy.overlap.space import PairSpace, pair_space


def labelled(seed=0, n_families=12, clans=True, width=5, spread=1.0):
    """Families of 1 to 6 members around a centre, some of them in clans, in shuffled order."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(n_families), rng.integers(1, 7, n_families))
    rng.shuffle(family)
    vectors = rng.normal(size=(n_families, width))[family] + spread * rng.normal(size=(len(family), width))
    clan = [f"CL{number // 3}" if clans and number < 6 else None for number in family]
    return vectors, [f"RF{number:05d}" for number in family], clan


def brute(vectors, families, clans):
    """Cosine and relation of every pair, by two loops."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    positive, negative, mates = [], [], []
    for i, j in itertools.combinations(range(len(unit)), 2):
        related = clans[i] is not None and clans[i] == clans[j]
        target = positive if families[i] == families[j] else mates if related else negative
        target.append(float(unit[i] @ unit[j]))
    return np.array(positive), np.array(negative), mates


def curve_scores(positive, negative, weights=None):
    truth, score = np.repeat([1, 0], [len(positive), len(negative)]), np.concatenate([positive, negative]).round(10)
    return roc_auc_score(truth, score, sample_weight=weights), average_precision_score(truth, score, sample_weight=weights)


def histogram_ratio(positive, negative):
    both = np.concatenate([positive, negative])
    p, n = (np.histogram(part, 200, (both.min(), both.max()))[0] / len(part) for part in (positive, negative))
    return np.minimum(p, n).sum() / np.maximum(p, n).sum()


@pytest.mark.parametrize("seed", range(8))
def test_all_pairs_equal_two_loops(seed):
    vectors, families, clans = labelled(seed, spread=[0.1, 1.0][seed % 2])
    positive, negative, mates = brute(vectors, families, clans)
    scores = careful(vectors, families, clans)
    assert (scores.n_positive, scores.n_negative, scores.n_clan_mates) == (len(positive), len(negative), len(mates))
    assert (scores.auroc, scores.average_precision) == pytest.approx(curve_scores(positive, negative), abs=1e-12)
    assert scores.auroc_error == scores.average_precision_error == 0
    assert scores.overlap_ratio == pytest.approx(histogram_ratio(positive, negative), abs=1e-12)
    assert scores.overlap_ratio == pytest.approx(scores.overlap_coefficient / (2 - scores.overlap_coefficient), abs=1e-15)
    assert [moment.mean for moment in scores.moments] == pytest.approx([positive.mean(), negative.mean()])
    assert [moment.sd for moment in scores.moments] == pytest.approx([positive.std(), negative.std()])
    assert (scores.moments[0].high, scores.moments[1].low) == pytest.approx((positive.max(), negative.min()))
    assert scores.grid[[0, -1]] == pytest.approx([min(positive.min(), negative.min()), max(positive.max(), negative.max())])


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (3, 2), (7, 100), (512, 2048)])
def test_every_pair_is_streamed_once_whatever_the_block(rows, cols):
    space = pair_space(*labelled(3))
    seen = np.zeros((len(space), len(space)), int)
    relations = np.zeros_like(seen)
    for block in space.blocks(rows, cols):
        relation = np.full(block.values.shape, 3) if block.relation is None else block.relation
        seen[block.rows, block.cols] += relation > 0
        relations[block.rows, block.cols] += relation
    upper = np.triu(np.ones_like(seen), 1)
    assert np.array_equal(seen, upper)
    assert [(relations == kind).sum() for kind in (1, 2, 3)] == [space.n_positive, space.n_clan_mates, space.n_negative]


def test_clan_mates_are_neither_positive_nor_negative():
    vectors = np.array([[1.0, 0], [1, 0.01], [1, 0.02], [1, 0.03], [0, 1], [0.01, 1]])
    families = ["a", "a", "b", "b", "c", "c"]
    related, unrelated = careful(vectors, families, ["x", "x", "x", "x", "", ""]), careful(vectors, families)
    assert (related.auroc, related.n_clan_mates, related.n_negative) == (1.0, 4, 8)
    assert unrelated.auroc < 1
    assert unrelated.n_clan_mates == 0


def test_a_family_is_not_taken_for_a_clan_of_the_same_name():
    scores = careful(np.eye(3)[[0, 0, 1, 1, 2]], ["x", "x", "b", "b", "c"], [None, None, "x", "x", "x"])
    assert (scores.n_clan_mates, scores.n_negative) == (2, 6)


def test_constant_embeddings_know_nothing():
    scores = careful(np.full((6, 1), 7.0), list("aabbcc"))
    assert (scores.auroc, scores.overlap_ratio) == (0.5, 1.0)
    assert scores.average_precision == pytest.approx(3 / 15)
    assert scores.knn_accuracy == pytest.approx(0.0)


def test_parallel_vectors_tie_in_spite_of_rounding():
    vectors = np.outer(np.arange(1, 25) / 7, [0.1, 0.2, 0.3])
    assert careful(vectors, list("abcd" * 6)).auroc == 0.5


@pytest.mark.parametrize("crowding", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("fast", [False, True])
def test_cosines_crowded_near_one_keep_their_order(crowding, fast):
    vectors, families, clans = labelled(1, width=4)
    centre = np.array([50.0, 30, -20, 10])
    loose = careful(centre + crowding * 10 * vectors, families, clans, max_exact_pairs=0 if fast else 10**9)
    unit = (centre + crowding * 10 * vectors).astype(np.longdouble)
    unit /= np.sqrt((unit**2).sum(axis=1, keepdims=True))
    distance = np.array([-((a - b) ** 2).sum() for a, b in itertools.combinations(unit, 2)])
    kinds = [(families[i] == families[j], clans[i] is not None and clans[i] == clans[j]) for i, j in itertools.combinations(range(len(unit)), 2)]
    truth = [positive for positive, mates in kinds if positive or not mates]
    kept = [float(value) for value, (positive, mates) in zip(distance, kinds, strict=True) if positive or not mates]
    assert loose.auroc == pytest.approx(roc_auc_score(truth, np.array(kept) * 1e12), abs=1e-4 if fast else 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_fast_path_stays_within_its_bound(seed):
    vectors, families, clans = labelled(seed, n_families=30)
    exact, fast = careful(vectors, families, clans), careful(vectors, families, clans, max_exact_pairs=0)
    assert 0 < fast.auroc_error < 0.01
    assert abs(fast.auroc - exact.auroc) <= fast.auroc_error
    assert abs(fast.average_precision - exact.average_precision) <= fast.average_precision_error
    assert fast.overlap_ratio == pytest.approx(exact.overlap_ratio, abs=0.03)
    assert fast.knn_accuracy == pytest.approx(exact.knn_accuracy)
    assert fast.positive.sum() == exact.n_positive
    assert fast.negative.sum() == exact.n_negative
    assert [moment.mean for moment in fast.moments] == pytest.approx([moment.mean for moment in exact.moments], abs=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_bounds_hold_whatever_the_order_within_cells(counts):
    p, n = np.array(counts).T
    if not p.sum() or not n.sum():
        return
    errors = bounds(p, n, 0)
    rng = np.random.default_rng(0)
    cell = [np.repeat(np.arange(len(part)), part) for part in (p, n)]
    for _ in range(3):
        found = curve_scores(*(part + rng.uniform(0, 0.999, len(part)) for part in cell))
        assert abs(found[0] - auroc(p, n)) <= errors[0] + 1e-12
        assert abs(found[1] - average_precision(p, n)) <= errors[1] + 1e-12


def test_bounds_hold_for_cells_that_are_a_few_steps_wrong():
    rng = np.random.default_rng(5)
    positive, negative = rng.normal(55, 8, 60), rng.normal(45, 8, 200)
    counts = [np.bincount((part + 3 * rng.uniform(-1, 1, len(part))).astype(int), minlength=120) for part in (positive, negative)]
    errors = bounds(*counts, 8)
    found = curve_scores(positive, negative)
    assert abs(found[0] - auroc(*counts)) <= errors[0]
    assert abs(found[1] - average_precision(*counts)) <= errors[1]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=20))
def test_overlap_ratio_is_a_function_of_the_coefficient(counts):
    p, n = np.array(counts, float).T
    if not p.sum() or not n.sum():
        return
    p, n = p / p.sum(), n / n.sum()
    assert overlap_ratio(p, n) == pytest.approx(np.minimum(p, n).sum() / np.maximum(p, n).sum(), abs=1e-12)
    assert 0 <= overlap_ratio(p, n) <= overlap_coefficient(p, n) + 1e-12 <= 1 + 1e-9


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.01, 100))
def test_scores_do_not_depend_on_order_or_length_of_vectors(seed, factor):
    vectors, families, clans = labelled(seed % 7)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(vectors))
    scaled = vectors[order] * rng.uniform(0.5, 2, (len(vectors), 1)) * factor
    a, b = careful(vectors, families, clans), careful(scaled, [families[i] for i in order], [clans[i] for i in order])
    assert [a.auroc, a.average_precision, a.knn_accuracy] == pytest.approx([b.auroc, b.average_precision, b.knn_accuracy], abs=1e-9)


# Nearest neighbours


def brute_credit(vectors, families, clans):
    """Own family's credit for the single nearest neighbour, where nothing ties."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = []
    for i, family in enumerate(families):
        if families.count(family) > 1:
            allowed = [j for j in range(len(unit)) if j != i and (families[j] == family or clans[i] is None or clans[i] != clans[j])]
            found.append(families[max(allowed, key=lambda j: unit[i] @ unit[j])] == family)
    return float(np.mean(found)), len(found)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limit", [0, 10**9])
def test_nearest_neighbours_equal_a_loop(seed, limit):
    data = labelled(seed)
    scores = careful(*data, max_exact_pairs=limit)
    assert (scores.knn_accuracy, scores.n_queried) == pytest.approx(brute_credit(*data))


def test_neighbours_do_not_depend_on_blocks():
    space = pair_space(*labelled(2))
    for k in (1, 3):
        assert np.array_equal(neighbour_credit(space, k, values_per_block=1), neighbour_credit(space, k), equal_nan=True)


def test_three_neighbours_vote_by_hand():
    angles = np.array([0, 1, 3, 6, 6.5]) / 20
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    space = pair_space(vectors, ["a", "a", "b", "a", "b"])
    by_input = np.empty(5)
    by_input[space.order] = neighbour_credit(space, 3)
    # Each sees four others and asks three; for the first these are a, b, a; for the third a, a, a.
    assert by_input.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_ties_share_the_credit():
    space = pair_space(np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]]), ["a", "a", "b", "b"])
    assert neighbour_credit(space).tolist() == [0.5, 0.5, 0.0, 0.0]


def test_too_many_neighbours():
    with pytest.raises(StudyError, match="k = 4 neighbours asked for.*choose 1 to 3"):
        careful(np.eye(4), list("aabb"), k=4)


# Bootstrap


def weighted_brute(vectors, families, clans, weight):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    truth, score, sample = [], [], []
    for i, j in itertools.combinations(range(len(unit)), 2):
        same = families[i] == families[j]
        if same or clans[i] is None or clans[i] != clans[j]:
            truth.append(same)
            score.append(round(float(unit[i] @ unit[j]), 10))
            sample.append(weight[families[i]] if same else weight[families[i]] * weight[families[j]])
    return roc_auc_score(truth, score, sample_weight=sample), average_precision_score(truth, score, sample_weight=sample)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_cells_equal_weighted_pairs(seed):
    vectors, families, clans = labelled(seed)
    space = pair_space(vectors, families, clans)
    distinct = np.unique(positive_values(space))
    weights = family_weights(len(space.families), 5, seed)
    positive, negative = weighted_cells(space, np.unique(np.concatenate([distinct, distinct + 1])), weights, values_per_block=17)
    for draw, weight in enumerate(weights):
        expected = weighted_brute(vectors, families, clans, dict(zip(space.families, weight, strict=True)))
        assert (auroc(positive, negative)[draw], average_precision(positive, negative)[draw]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("limit", [0, 10**9])
def test_intervals_equal_percentiles_of_brute_draws(limit):
    vectors, families, clans = labelled(4, n_families=15)
    scores = careful(vectors, families, clans, draws=60, seed=3, max_exact_pairs=limit)
    names = pair_space(vectors, families, clans).families
    draws = [weighted_brute(vectors, families, clans, dict(zip(names, weight, strict=True))) for weight in family_weights(len(names), 60, 3)]
    expected = np.quantile(np.array(draws), [0.025, 0.975], axis=0)
    assert scores.intervals["auroc"] == pytest.approx(expected[:, 0], abs=1e-3 if limit == 0 else 1e-9)
    assert scores.n_draws == 60


def test_coarse_ranks_of_a_larger_set_change_an_interval_little(monkeypatch):
    vectors, families, clans = labelled(6, n_families=60)
    few = careful(vectors, families, clans, draws=50)
    monkeypatch.setattr("rnastudy.overlap.bootstrap.N_RANKS", 10**6)
    all_ranks = careful(vectors, families, clans, draws=50)
    assert few.intervals["auroc"] == pytest.approx(all_ranks.intervals["auroc"], abs=5e-4)
    assert few.intervals["overlap_ratio"] == pytest.approx(all_ranks.intervals["overlap_ratio"], abs=1e-12)


def test_intervals_hold_the_value_and_come_back_with_the_seed():
    data = labelled(8, n_families=25)
    a, b = careful(*data, draws=100, seed=1), careful(*data, draws=100, seed=1)
    assert a.intervals == b.intervals
    low, high = a.intervals["auroc"]
    assert low < a.auroc < high
    assert a.measures()[0] == {"measure": "auroc", "value": a.auroc, "low": low, "high": high, "n": a.n_sequences, "n_families": 25}


def test_unweighted_cells_give_the_histogram_back():
    space = pair_space(*labelled(9))
    counts = count_pairs(space)
    positive, negative = weighted_cells(space, counts.bins[1:-1], np.ones((1, len(space.families))))
    assert np.array_equal(positive[0], counts.positive_bins)
    assert np.array_equal(negative[0], counts.negative_bins)


# Errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.zeros((4, 2))}, "seq0 is all zeros"),
        ({"vectors": np.array([[1, 2], [np.nan, 1], [1, 1], [2, 1]])}, "seq1 holds NaN"),
        ({"vectors": np.ones(4)}, r"shape \(4,\)"),
        ({"vectors": np.ones((4, 0))}, r"shape \(4, 0\)"),
        ({"vectors": np.array([["a"]] * 4)}, "real numbers"),
        ({"families": list("abcd")}, "none of the 4 families has two members"),
        ({"families": list("aaaa")}, "1 families leave no pair of unrelated"),
        ({"clans": list("xxxx")}, "2 families leave no pair of unrelated"),
        ({"clans": ["x", "y", "", ""]}, "'a' is in clan 'x' and in clan 'y'"),
        ({"families": ["a", "a", "b"]}, "4 vectors but 3 families"),
        ({"families": ["a", "a", "b", ""]}, "has no family"),
        ({"draws": 10}, "10 draws over 2 families"),
    ],
)
def test_errors_say_what_is_wrong(change, message):
    arguments = {"vectors": np.array([[1.0, 0], [1, 1], [0, 1], [2, 1]]), "families": list("aabb"), "names": [f"seq{i}" for i in range(4)]} | change
    with pytest.raises(StudyError, match=message) as caught:
        careful(**arguments)
    assert "\n" not in str(caught.value)


def test_very_long_and_very_short_vectors_are_fine():
    vectors, families, clans = labelled(0)
    huge = vectors * np.where(np.arange(len(vectors)) % 2, 1e200, 1e-200)[:, None]
    assert careful(huge, families, clans).auroc == pytest.approx(careful(vectors, families, clans).auroc)


# --- one compiled pass ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows, cols", [(512, 2048), (5, 7), (9, 4)])
def test_one_compiled_pass_is_two_of_numpy(monkeypatch, rows, cols):
    """With vectors that repeat, so that many neighbours are equally near and families tie."""
    vectors, families, clans = labelled(3, n_families=9)
    space = pair_space(np.round(vectors) + 0.5, families, clans, exact=False)
    two = count_pairs(space), neighbour_credit(space)
    stream = PairSpace.blocks
    monkeypatch.setattr(PairSpace, "blocks", lambda self: stream(self, rows, cols))
    monkeypatch.setattr(compiled, "available", lambda: True)
    counts, credit = count_and_vote(space)
    assert np.array_equal(credit, two[1], equal_nan=True)
    for part in ("positive", "negative", "bins", "positive_bins", "negative_bins"):
        assert np.array_equal(getattr(counts, part), getattr(two[0], part))


def test_a_long_pass_counts_every_pair_once_on_its_bar(monkeypatch, capsys):
    monkeypatch.setattr(counting, "PATIENCE", 0)
    vectors, families, clans = labelled(1)
    space = pair_space(vectors, families, clans, exact=False)
    count_pairs(space)
    shown = []
    monkeypatch.setattr(counting, "tqdm", lambda **options: Bar(options["total"], shown))
    count_pairs(space)
    assert sum(shown) == len(space) * (len(space) - 1) // 2 and "pairs" in capsys.readouterr().err


class Bar(contextlib.AbstractContextManager):
    """Keeps what it is told."""

    def __init__(self, total, shown):
        self.total, self.update = total, shown.append

    def __exit__(self, *_):
        return None
