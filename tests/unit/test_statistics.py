"""Statistics against brute force, scipy, and their own promises on simulated data."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnastudy import statistics as rs
from rnastudy.errors import StudyError


def test_cluster_weights_draw_whole_clusters():
    clusters = ["a", "a", "b", None, "c", None]
    weights = rs.cluster_weights(clusters, 500, np.random.default_rng(1))
    assert weights.shape == (500, 6) and weights.dtype.kind == "i"
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, [0, 2, 3, 4, 5]].sum(axis=1) == 5).all()


def test_items_without_a_family_are_not_one_family():
    weights = rs.cluster_weights([None, None, None], 200, np.random.default_rng(0))
    assert (weights[:, 0] != weights[:, 1]).any()


def test_same_seed_gives_the_same_weights_and_another_seed_does_not():
    def draw(seed):
        return rs.cluster_weights(list("aabbc"), 50, np.random.default_rng(seed))

    assert (draw(3) == draw(3)).all() and (draw(3) != draw(4)).any()


def test_weighted_means_equal_repeating_the_items():
    rng = np.random.default_rng(0)
    values = rng.random((6, 3))
    weights = rs.cluster_weights(list("aabbcc"), 20, rng)
    brute = [np.repeat(values, w, axis=0).mean(axis=0) for w in weights]
    assert rs.weighted_means(values, weights) == pytest.approx(np.array(brute))


def test_a_score_that_is_not_a_number_raises():
    with pytest.raises(StudyError, match="not finite"):
        rs.weighted_means([0.1, np.nan], [[1, 1]])


def test_jackknife_leaves_one_cluster_out_each():
    assert rs.jackknife_weights(["a", "b", "a", None]).tolist() == [[0, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 0]]


def test_percentile_interval_is_quantiles():
    draws = np.random.default_rng(0).normal(size=1001)
    interval = rs.percentile_interval(draws, 0.0, level=0.8)
    assert (interval.low, interval.high) == pytest.approx(np.quantile(draws, [0.1, 0.9]))


def test_bca_by_hand():
    draws, jackknife = np.array([1.0, 2.0, 3.0, 4.0, 10.0]), np.array([2.0, 3.0, 5.0])
    deviations = np.array([4 / 3, 1 / 3, -5 / 3])
    a = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    z0 = stats.norm.ppf(0.5 * (0.4 + 0.6))
    z = z0 + stats.norm.ppf([0.1, 0.9])
    expected = np.quantile(draws, stats.norm.cdf(z0 + z / (1 - a * z)))
    interval = rs.bca_interval(draws, 3.0, jackknife, level=0.8)
    assert (interval.low, interval.high) == pytest.approx(expected)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_agrees_with_scipy_when_every_item_is_a_cluster(method):
    sample = np.random.default_rng(0).exponential(size=40)
    ours = rs.bootstrap(lambda w: rs.weighted_means(sample, w), [None] * 40, n_draws=20000, method=method)
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=20000, method=method, rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_bca_of_a_constant_is_that_constant_and_one_sided_draws_raise():
    interval = rs.bca_interval([0.5] * 10, 0.5, [0.5] * 3)
    assert (interval.low, interval.high) == (0.5, 0.5)
    with pytest.raises(StudyError, match="percentile_interval"):
        rs.bca_interval([0.6, 0.7], 0.5, [0.5, 0.6])


def test_family_bootstrap_covers_and_resampling_items_does_not():
    """200 simulated studies of 30 families with 1 to 6 members that share most of their value; the truth is 0."""
    rng = np.random.default_rng(7)
    covered = {"family": 0, "item": 0}
    for _ in range(200):
        families = np.repeat(np.arange(30), rng.integers(1, 7, 30))
        scores = rng.normal(size=30)[families] + 0.3 * rng.normal(size=len(families))
        for unit, clusters in (("family", families.tolist()), ("item", [None] * len(families))):
            draws = rs.weighted_means(scores, rs.cluster_weights(clusters, 300, rng))
            interval = rs.percentile_interval(draws, scores.mean())
            covered[unit] += interval.low <= 0 <= interval.high
    assert covered["family"] / 200 >= 0.89
    assert covered["item"] / 200 <= 0.80


def test_paired_difference_by_hand_and_antisymmetric():
    a, b = [0.5, 0.7, 0.9, 0.4], [0.4, 0.5, 0.9, 0.5]
    found, back = rs.paired_difference(a, b, list("xxyz")), rs.paired_difference(b, a, list("xxyz"))
    assert found.value == pytest.approx(0.05) and found.n == 4 and found.n_clusters == 3
    assert found.sd == pytest.approx(np.std([0.1, 0.2, 0.0, -0.1], ddof=1))
    assert (back.value, back.low, back.high, back.p) == pytest.approx((-found.value, -found.high, -found.low, found.p))


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(0)
    hard = rng.random(60)
    a, b = hard + 0.05 + 0.01 * rng.normal(size=60), hard
    found = rs.paired_difference(a, b, [None] * 60)
    assert found.low > 0 and found.p < 0.01 and found.high - found.low < 0.02


def test_identical_models_are_equivalent_and_not_different():
    found = rs.paired_difference([0.1, 0.9, 0.5], [0.1, 0.9, 0.5], [None] * 3)
    assert found.p == 1.0 and found.p_equivalent < 0.001 and (found.low, found.high) == (0.0, 0.0)


def test_pairing_refuses_other_lengths_and_one_family():
    with pytest.raises(StudyError, match="same items"):
        rs.paired_difference([0.1, 0.2], [0.1], [None, None])
    with pytest.raises(StudyError, match="at least 2"):
        rs.paired_difference([0.1, 0.2], [0.1, 0.3], ["a", "a"])


@given(st.integers(0, 2**32 - 1), st.floats(-0.12, 0.12))
@settings(max_examples=60, deadline=None)
def test_equivalence_is_the_90_percent_interval_within_the_margin(seed, centre):
    draws = np.random.default_rng(seed).normal(centre, 0.03, size=1999)
    equivalent = rs.equivalence_p(draws, margin=0.05) <= 0.05
    ordered = np.sort(draws)
    inside = ordered[99] > -0.05 and ordered[-100] < 0.05
    assert equivalent == inside


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_holm_is_the_closed_test_of_bonferroni(p):
    adjusted = rs.holm(p)
    for i in range(len(p)):
        sets = (s for k in range(1, len(p) + 1) for s in combinations(range(len(p)), k) if i in s)
        assert adjusted[i] == pytest.approx(max(min(1, len(s) * min(p[j] for j in s)) for s in sets))


def test_detectable_difference_has_the_power_it_says():
    edge = rs.detectable_difference(70, 0.18)
    assert 0.054 < edge < 0.070
    rng = np.random.default_rng(0)
    t = rng.normal(edge, 0.18, (4000, 70)).mean(axis=1) / (0.18 / np.sqrt(70))
    assert np.mean(np.abs(t) > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.02)


def test_reselection_shows_optimism_of_choosing_and_scoring_on_one_set():
    """Forty noise heads: the best on 40 RNAs looks better there than anywhere else."""
    rng = np.random.default_rng(0)
    validation, test = rng.normal(0.2, 0.15, (40, 300)), rng.normal(0.2, 0.15, (70, 300))
    w_val, w_test = rs.cluster_weights([None] * 40, 200, rng), rs.cluster_weights([None] * 70, 200, rng)
    draws, choices = rs.reselected_means(validation, test, w_val, w_test)
    assert validation.mean(axis=0).max() - draws.mean() > 0.03
    assert abs(draws.mean() - 0.2) < 0.02 and len(set(choices.tolist())) > 3


def test_reselection_by_brute_force_and_lowest_tie():
    validation, test = np.array([[0.5, 0.5], [0.2, 0.2]]), np.array([[0.1, 0.9]])
    draws, choices = rs.reselected_means(validation, test, [[1, 1], [2, 0]], [[1], [1]])
    assert draws.tolist() == [0.1, 0.1] and choices.tolist() == [0, 0]


def test_rank_probabilities_against_brute_force():
    draws = np.random.default_rng(0).integers(0, 3, (50, 4)).astype(float)
    expected = np.zeros((4, 4))
    for row in draws:
        for m in range(4):
            ranks = range(int((row > row[m]).sum()), int((row >= row[m]).sum()))
            expected[m, list(ranks)] += 1 / len(ranks)
    found = rs.rank_probabilities(draws)
    assert found == pytest.approx(expected / 50)
    assert found.sum(axis=0) == pytest.approx(1) and found.sum(axis=1) == pytest.approx(1)


def test_ties_are_shown_as_ties():
    rng = np.random.default_rng(0)
    scores = np.column_stack([c + 0.15 * rng.normal(size=70) for c in (0.60, 0.61, 0.40)])
    draws = rs.weighted_means(scores, rs.cluster_weights([None] * 70, 2000, rng))
    group = rs.best_group(scores.mean(axis=0), draws)
    assert group.tied == (True, True, False) and group.p[group.best] == 1.0 and group.p[2] < 0.01


@pytest.mark.parametrize(("kind", "reference"), [("spearman", stats.spearmanr), ("kendall", stats.kendalltau), ("pearson", stats.pearsonr)])
def test_coefficients_match_scipy_with_ties(kind, reference):
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 5, 15).astype(float), rng.integers(0, 5, 15).astype(float)
    assert rs.correlation(x, y, kind=kind, n_draws=50).value == pytest.approx(reference(x, y).statistic)


@pytest.mark.parametrize(("kind", "reference"), [("spearman", stats.spearmanr), ("kendall", stats.kendalltau), ("pearson", stats.pearsonr)])
def test_correlation_draws_match_scipy_on_repeated_points(kind, reference):
    rng = np.random.default_rng(5)
    x, y, clusters = rng.normal(size=12), rng.normal(size=12), list("aabbccddeeff")
    found = rs.correlation(x, y, clusters=clusters, kind=kind, n_draws=300, seed=9)
    weights = rs.cluster_weights(clusters, 300, np.random.default_rng(9))
    brute = [reference(np.repeat(x, w), np.repeat(y, w)).statistic for w in weights]
    assert (found.low, found.high) == pytest.approx(np.quantile(brute, [0.025, 0.975]))


def test_permutation_is_exact_for_few_points():
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 3.0, 5.0, 4.0]
    observed = abs(stats.spearmanr(x, y).statistic)
    hits = [abs(stats.spearmanr(x, p).statistic) >= observed - 1e-9 for p in permutations(y)]
    assert rs.correlation(x, y).p == pytest.approx(np.mean(hits))


def test_many_sizes_of_one_model_are_not_many_models():
    """Four families of five sizes each on a line: 20 points look certain, 4 families cannot be."""
    centre = np.repeat([0.0, 1.0, 2.0, 3.0], 5)
    noise = np.random.default_rng(0).normal(0, 0.01, (2, 20))
    clusters = np.repeat(list("abcd"), 5).tolist()
    x, y = centre + noise[0], centre + noise[1]
    assert rs.correlation(x, y).p < 0.01
    assert rs.correlation(x, y, clusters=clusters).p == pytest.approx(2 / 24)


def test_clustered_permutation_keeps_its_level_where_the_naive_one_does_not():
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(7), 3)
    hits = {"clustered": 0, "naive": 0}
    for _ in range(120):
        x, y = (rng.normal(size=7)[clusters] + 0.2 * rng.normal(size=21) for _ in range(2))
        hits["clustered"] += rs.correlation(x, y, clusters=clusters.tolist(), n_draws=199).p <= 0.05
        hits["naive"] += rs.correlation(x, y, n_draws=199).p <= 0.05
    assert hits["clustered"] / 120 <= 0.11 < 0.2 <= hits["naive"] / 120


def test_partial_rank_correlation_closed_form():
    rng = np.random.default_rng(0)
    z = rng.normal(size=25)
    x, y = z + rng.normal(size=25), z + rng.normal(size=25)
    r = stats.spearmanr(np.column_stack([x, y, z])).statistic
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert rs.correlation(x, y, given=z, n_draws=200).value == pytest.approx(expected)


def test_partial_correlation_removes_what_size_explains():
    rng = np.random.default_rng(1)
    size = rng.normal(size=200)
    x, y = size + 0.3 * rng.normal(size=200), size + 0.3 * rng.normal(size=200)
    assert rs.correlation(x, y, n_draws=100).value > 0.8
    assert abs(rs.correlation(x, y, given=size, n_draws=100).value) < 0.2
    with pytest.raises(StudyError, match="does not exist"):
        rs.correlation(size, y, given=size)


def test_draws_without_a_correlation_widen_the_interval():
    found = rs.correlation([1, 2, 3, 4], [1, 2, 3, 4], clusters=["a", "a", "b", "c"], n_draws=2000)
    assert found.value == pytest.approx(1) and found.n_undefined > 0 and found.low == -1.0


def test_correlation_is_blind_to_monotone_change():
    rng = np.random.default_rng(0)
    x, y, clusters = rng.normal(size=15), rng.normal(size=15), list("aaabbbcccdddeee")
    plain, bent = rs.correlation(x, y, clusters=clusters), rs.correlation(np.exp(x), y**3, clusters=clusters)
    assert (plain.value, plain.low, plain.high, plain.p) == pytest.approx((bent.value, bent.low, bent.high, bent.p))


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        ([1, 2, 3], [1, 2, 3], "4 points"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "constant"),
        ([1, 2, 3, 4], [1, 2, 3], "one of each"),
        ([1, 2, 3, np.nan], [1, 2, 3, 4], "finite"),
    ],
)
def test_correlation_refuses(x, y, match):
    with pytest.raises(StudyError, match=match):
        rs.correlation(x, y)


def test_unknown_kind_names_the_nearest():
    with pytest.raises(StudyError, match="spearman"):
        rs.correlation([1, 2, 3, 4], [1, 2, 3, 4], kind="spearmann")


def test_twenty_models_show_only_strong_correlations():
    assert rs.correlation_half_width(20) == pytest.approx(0.44, abs=0.005)
    assert rs.correlation_half_width(20, rho=0.7) < rs.correlation_half_width(20)
