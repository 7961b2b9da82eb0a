"""Trade-off, CKA and probes against brute force and planted answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnastudy import tradeoff
from rnastudy.errors import StudyError
from rnastudy.statistics import correlation_half_width


def test_a_planted_trade_off_is_negative_and_size_can_explain_it():
    rng = np.random.default_rng(0)
    size = 10 ** rng.uniform(6, 9, 20)
    structure, function = np.log10(size) + 0.2 * rng.normal(size=20), -np.log10(size) + 0.2 * rng.normal(size=20)
    found = tradeoff.trade_off(structure, function, parameters=size)
    assert found.correlation.value == pytest.approx(stats.spearmanr(structure, function).statistic)
    assert found.correlation.high < 0 and abs(found.at_fixed_size.value) < 0.6 and found.at_fixed_size.low < 0 < found.at_fixed_size.high
    assert found.half_width == correlation_half_width(20)


def test_sizes_of_one_family_count_once():
    structure, function = np.arange(12.0), -np.arange(12.0)
    families = np.repeat(list("abc"), 4).tolist()
    assert tradeoff.trade_off(structure, function).correlation.p < 0.01
    assert tradeoff.trade_off(structure, function, clusters=families).correlation.p == pytest.approx(1 / 3)


def test_without_sizes_nothing_is_held_fixed_and_bad_sizes_raise():
    assert tradeoff.trade_off([1, 2, 3, 4], [4, 3, 2, 1]).at_fixed_size is None
    with pytest.raises(StudyError, match="above 0"):
        tradeoff.trade_off([1, 2, 3, 4], [4, 3, 2, 1], parameters=[0, 1, 2, 3])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_pareto_front_by_brute_force(points):
    beaten = [any(b[0] >= a[0] and b[1] >= a[1] and b != a for b in points) for a in points]
    assert tradeoff.pareto_front(points).tolist() == [not b for b in beaten]


def test_plain_cka_is_the_formula_in_feature_space():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 7))
    x, y = x + y[:, :5], y
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    expected = np.linalg.norm(yc.T @ xc) ** 2 / (np.linalg.norm(xc.T @ xc) * np.linalg.norm(yc.T @ yc))
    assert tradeoff.linear_cka(x, y, unbiased=False) == pytest.approx(expected)


def test_unbiased_cka_is_the_published_estimator():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 4))

    def hsic(k, m):
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        n, one = len(k), np.ones(len(k))
        first = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
        return first / (n * (n - 3))

    k, m = x @ x.T, y @ y.T
    assert tradeoff.linear_cka(x, y) == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)))


def test_few_items_in_many_dimensions_fool_the_plain_form_only():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 400)), rng.normal(size=(20, 400))
    assert tradeoff.linear_cka(x, y, unbiased=False) > 0.8
    assert abs(tradeoff.linear_cka(x, y)) < 0.15


@pytest.mark.parametrize("unbiased", [True, False])
def test_cka_is_blind_to_rotation_scale_and_shift(unbiased):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(25, 6))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert tradeoff.linear_cka(x, 3 * x @ rotation + 7, unbiased=unbiased) == pytest.approx(1)


def test_cka_matrix_is_all_pairs_and_refuses_other_items():
    rng = np.random.default_rng(0)
    first, second = [rng.normal(size=(10, w)) for w in (2, 3)], [rng.normal(size=(10, 4))]
    matrix = tradeoff.cka_matrix(iter(first), iter(second))
    assert matrix.shape == (2, 1) and matrix[1, 0] == pytest.approx(tradeoff.linear_cka(first[1], second[0]))
    own = tradeoff.cka_matrix(iter(first))
    assert np.diagonal(own) == pytest.approx(1) and own == pytest.approx(own.T)
    with pytest.raises(StudyError, match="same items"):
        tradeoff.linear_cka(first[0], first[1][:8])
    with pytest.raises(StudyError, match="at least 4"):
        tradeoff.linear_cka(first[0][:3], first[1][:3])
    with pytest.raises(StudyError, match="same for all items"):
        tradeoff.linear_cka(np.full((10, 3), 0.1), first[0])


def test_family_probe_reads_families_and_its_control_does_not():
    rng = np.random.default_rng(0)
    families = np.repeat([f"RF{n}" for n in range(6)], 12)
    vectors = np.repeat(rng.normal(size=(6, 10)), 12, axis=0) + 0.5 * rng.normal(size=(72, 10))
    found = tradeoff.family_probe(vectors, families.tolist())
    assert found.score > 0.9 and found.control < 0.4 and found.n == 72
    assert found.selectivity == pytest.approx(found.score - found.control)
    blind = tradeoff.family_probe(rng.normal(size=(72, 10)), families.tolist())
    assert abs(blind.selectivity) < 0.2


def test_family_probe_refuses_families_too_small_for_the_folds():
    with pytest.raises(StudyError, match="'b' has 2 members"):
        tradeoff.family_probe(np.eye(8), ["a"] * 6 + ["b"] * 2)
    with pytest.raises(StudyError, match="2 families"):
        tradeoff.family_probe(np.eye(6), ["a"] * 6)


def planted(rng, *, strength, length=30, pairs=6):
    """Three heads of noise; the second shows the pairs."""
    maps = rng.normal(size=(3, length, length))
    truth = tuple(sorted((k, length - 1 - k) for k in range(pairs)))
    for i, j in truth:
        maps[1, i, j] += strength
        maps[1, j, i] += strength
    return maps, truth


def test_pair_probe_finds_the_head_and_its_control_does_not():
    rng = np.random.default_rng(0)
    train = [planted(rng, strength=6.0) for _ in range(6)]
    test = [planted(rng, strength=6.0) for _ in range(4)]
    found = tradeoff.structure_probe(iter(train), iter(test), iter(train))
    assert found.score > 0.9 and found.control < 0.5 and found.n == 4
    probe = tradeoff.fit_pair_probe(train)
    assert probe.weights.argmax() == 1 and probe.weights[1] > 5 * np.abs(probe.weights[[0, 2]]).max()


def test_untrained_heads_give_the_probe_nothing():
    rng = np.random.default_rng(1)
    train, test = ([planted(rng, strength=0.0) for _ in range(5)] for _ in range(2))
    assert tradeoff.structure_probe(train, test, train).score < 0.1


def test_pair_probe_folds_in_the_scale_of_its_features():
    rng = np.random.default_rng(0)
    train = [planted(rng, strength=4.0) for _ in range(4)]
    scaled = [(maps * np.array([1.0, 1e-4, 1e3])[:, None, None] + 5, pairs) for maps, pairs in train]
    plain, other = tradeoff.fit_pair_probe(train), tradeoff.fit_pair_probe(scaled)
    assert other.scores(scaled[0][0]) == pytest.approx(plain.scores(train[0][0]), rel=1e-3, abs=1e-3)
    map_ = plain.scores(train[0][0])
    assert map_.shape == (30, 30) and (map_ == map_.T).all()


def test_pairs_too_close_are_not_scored_and_empty_structures_are_counted_out():
    rng = np.random.default_rng(0)
    train = [planted(rng, strength=6.0) for _ in range(3)]
    unpaired = (rng.normal(size=(3, 20, 20)), ())
    assert tradeoff.structure_probe(train, [train[0], unpaired], train).n == 1
    with pytest.raises(StudyError, match="empty or too short"):
        tradeoff.structure_probe(train, [unpaired], train)
    with pytest.raises(StudyError, match="needs both kinds"):
        tradeoff.fit_pair_probe([(rng.normal(size=(3, 20, 20)), ((0, 3),))])
    assert tradeoff.fit_pair_probe([(rng.normal(size=(3, 20, 20)), ((0, 3),))], min_separation=3).weights.shape == (3,)
