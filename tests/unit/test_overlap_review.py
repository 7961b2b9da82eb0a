"""The review's rule to the letter, what it does to numbers, and the controls."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import gaussian_kde
from sklearn.metrics import average_precision_score, roc_auc_score

from rnastudy.errors import StudyError
from rnastudy.overlap import (
    RULES,
    careful,
    contamination,
    density,
    draw_pairs,
    families_view,
    grid_sensitivity,
    length_matched,
    one_against_rest,
    overlap_ratio,
    pair_cosines,
    review,
)

FAMILIES = ["a"] * 2 + ["b"] * 3 + ["c"] * 10 + ["d"]


def clouds(seed=0, spread=0.3, n_families=8, size=6, width=6):
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.normal(size=(n_families, width)), size, axis=0) + spread * rng.normal(size=(n_families * size, width))
    return vectors, [f"RF{number}" for number in range(n_families) for _ in range(size)]


# Pairs


def test_positive_pairs_take_families_of_more_than_two_members_evenly():
    positive, _ = draw_pairs(FAMILIES, np.random.default_rng(0), n=20_000)
    labels = np.array(FAMILIES)[positive]
    assert (labels[:, 0] == labels[:, 1]).all()
    assert (positive[:, 0] != positive[:, 1]).all()
    assert set(labels[:, 0]) == {"b", "c"}
    assert (labels[:, 0] == "b").mean() == pytest.approx(0.5, abs=0.02)
    ordered = {tuple(pair) for pair in positive[labels[:, 0] == "b"].tolist()}
    assert len(ordered) == 6


def test_negative_pairs_take_two_different_families_evenly_singletons_too():
    _, negative = draw_pairs(FAMILIES, np.random.default_rng(0), n=24_000)
    labels = np.array(FAMILIES)[negative]
    assert (labels[:, 0] != labels[:, 1]).all()
    pairs, counts = np.unique(labels, axis=0, return_counts=True)
    assert len(pairs) == 12
    assert counts / 24_000 == pytest.approx(np.full(12, 1 / 12), abs=0.01)


def test_archiveii_negatives_are_drawn_from_labels_and_contaminated():
    _, negative = draw_pairs(FAMILIES, np.random.default_rng(0), n=50_000, rule="archiveii")
    labels = np.array(FAMILIES)[negative]
    found = contamination(FAMILIES)
    assert found.same_family == pytest.approx((2**2 + 3**2 + 10**2 + 1) / 16**2)
    assert (labels[:, 0] == labels[:, 1]).mean() == pytest.approx(found.same_family, abs=0.01)
    assert (negative[:, 0] == negative[:, 1]).mean() == pytest.approx(found.same_sequence, abs=0.01)


def test_contamination_puts_a_floor_under_a_perfect_model():
    rng = np.random.default_rng(0)
    sizes = (40, 30, 20, 10)
    families = [name for name, size in zip("abcd", sizes, strict=True) for _ in range(size)]
    vectors = np.repeat(np.eye(4), sizes, axis=0) + 0.1 * rng.normal(size=(100, 4))
    found = {}
    for rule in RULES:
        cosines = (pair_cosines(vectors, pairs) for pairs in draw_pairs(families, rng, n=50_000, rule=rule))
        found[rule] = float(overlap_ratio(*(np.histogram(part, 50, (-1, 1.001))[0] for part in cosines)))
    assert found["rfam"] < 1e-3
    assert found["archiveii"] == pytest.approx(contamination(families).floor, abs=0.02)
    assert careful(vectors, families).auroc == 1


def test_wide_kernels_hide_a_part_of_the_floor():
    vectors = np.repeat(np.eye(4), 25, axis=0) + 0.02 * np.random.default_rng(0).normal(size=(100, 4))
    families = list("a" * 25 + "b" * 25 + "c" * 25 + "d" * 25)
    assert review(vectors, families, rule="archiveii", n=20_000).overlap_ratio < contamination(families).floor / 2


def test_rfam_rule_ignores_clans_and_careful_does_not():
    vectors, families = clouds()
    clans = ["x"] * 12 + [None] * 36
    assert review(vectors, families, n=1000).n_clan_mates == 0
    assert careful(vectors, families, clans).n_clan_mates == 36


@pytest.mark.parametrize(("families", "message"), [(list("aabb"), "more than two members"), (list("aaa"), "one family only")])
def test_pairs_that_cannot_be_drawn(families, message):
    with pytest.raises(StudyError, match=message):
        draw_pairs(families, np.random.default_rng(0))


def test_an_unknown_rule_names_the_known():
    with pytest.raises(StudyError, match="unknown pair rule 'rfan'; did you mean rfam"):
        review(*clouds(), rule="rfan")


# Densities


def test_grids_are_the_released_ones():
    assert RULES["rfam"].grid[[0, -1]].tolist() == [-0.5, 1.0]
    assert RULES["archiveii"].grid[[0, -1]].tolist() == [0.0, 1.2]
    assert [len(rule.grid) for rule in RULES.values()] == [200, 200]
    assert [rule.repeats for rule in RULES.values()] == [3, 4]


def test_density_by_hand():
    values, grid = np.array([0.0, 0.5, 0.6]), np.linspace(-0.5, 1, 7)
    width = values.std(ddof=1) * 3 ** (-1 / 5)
    by_hand = np.exp(-((grid[:, None] - values) ** 2) / (2 * width**2)).sum(axis=1) / (3 * width * np.sqrt(2 * np.pi))
    assert density(values, grid) == pytest.approx(by_hand)


def test_ratio_is_that_of_two_kernel_densities_averaged_over_repeats():
    vectors, families = clouds(spread=1.0)
    rng, ratios, curves = np.random.default_rng(5), [], []
    for _ in range(3):
        positive, negative = (pair_cosines(vectors, pairs) for pairs in draw_pairs(families, rng, n=2000))
        p, q = (gaussian_kde(part)(np.linspace(-0.5, 1.0, 200)) for part in (positive, negative))
        ratios.append(np.minimum(p, q).sum() / np.maximum(p, q).sum())
        truth, score = np.repeat([1, 0], 2000), np.concatenate([positive, negative]).round(12)
        curves.append((roc_auc_score(truth, score), average_precision_score(truth, score)))
    scores = review(vectors, families, n=2000, seed=5)
    assert scores.overlap_ratio == pytest.approx(np.mean(ratios), abs=1e-12)
    assert scores.overlap_ratio == pytest.approx(scores.overlap_coefficient / (2 - scores.overlap_coefficient), abs=1e-15)
    assert (scores.auroc, scores.average_precision) == pytest.approx(np.mean(curves, axis=0).tolist())
    assert scores.knn_accuracy == careful(vectors, families).knn_accuracy


def test_seeds_repeat():
    assert review(*clouds(), n=500, seed=1).auroc == review(*clouds(), n=500, seed=1).auroc
    assert review(*clouds(), n=500, seed=1).auroc != review(*clouds(), n=500, seed=2).auroc


def test_equal_cosines_have_no_density():
    with pytest.raises(StudyError, match=r"all 100000 cosines equal 1, so there is no kernel density"):
        review(np.ones((6, 3)), list("aaabbb"))


# Controls


def test_grid_sensitivity_moves_the_ratio_and_not_the_auroc():
    vectors, families = clouds(spread=0.6)
    crowded = vectors + np.array([60.0, 0, 0, 0, 0, 0])
    table = grid_sensitivity(crowded, families, n=3000)
    assert table.auroc.nunique() == 1
    wide = table[(table.method == "histogram") & (table.setting == 20) & (table.low == -1)].overlap_ratio.item()
    observed = table[(table.method == "histogram") & (table.setting == 200)].overlap_ratio.iloc[0]
    assert wide > 0.95
    assert observed < 0.8


def test_length_matching_takes_length_away():
    rng = np.random.default_rng(0)
    families = [f"RF{number}" for number in range(30) for _ in range(6)]
    lengths = np.repeat(rng.integers(40, 300, 30), 6) + rng.integers(-4, 5, 180)
    angle = np.log(lengths / 30.0)
    found = length_matched(np.stack([np.cos(angle), np.sin(angle)], axis=1), families, lengths)
    assert found.auroc_unmatched > 0.9
    assert found.auroc < 0.6
    assert found.matched_share == 1.0


def test_length_matching_by_hand_on_all_pairs():
    vectors, families = clouds(1, spread=0.8)
    lengths = np.random.default_rng(1).integers(30, 60, len(families))
    found = length_matched(vectors, families, lengths)
    assert found.auroc_unmatched == pytest.approx(careful(vectors, families).auroc, abs=1e-3)
    i, j = np.triu_indices(len(families), 1)
    label, apart = np.array(families), np.abs(np.log(lengths[i] / lengths[j]))
    same = label[i] == label[j]
    stratum = np.searchsorted(np.log(found.strata), apart - 1e-12)
    weights = np.ones(len(i))
    for number in np.unique(stratum):
        inside = stratum == number
        weights[inside & ~same] = (inside & same).sum() / max(1, (inside & ~same).sum())
    expected = roc_auc_score(same, pair_cosines(vectors, np.stack([i, j], axis=1)), sample_weight=weights)
    assert found.auroc == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("lengths", "message"), [([1, 2], "2 lengths for 48"), ([0] * 48, "positive number of bases")])
def test_lengths_that_do_not_fit(lengths, message):
    with pytest.raises(StudyError, match=message):
        length_matched(*clouds(), lengths)


def test_lengths_that_tell_families_apart_alone():
    with pytest.raises(StudyError, match="no stratum of length ratios"):
        length_matched(np.eye(3)[[0, 0, 1, 1]], list("aabb"), [10, 10, 99, 99])


# Views


def test_views_have_a_place_for_each_sequence_and_come_back_with_the_seed():
    vectors, families = clouds()
    names = [f"r{number}" for number in range(len(families))]
    a, b = families_view(names, vectors, families), families_view(names, vectors, families)
    assert a.equals(b)
    assert a.columns.tolist() == ["name", "family", "pca_1", "pca_2", "tsne_1", "tsne_2"]
    assert np.isfinite(a.iloc[:, 2:].to_numpy()).all()
    assert 0 < sum(a.attrs["explained"]) <= 1


def test_a_single_number_per_sequence_can_be_viewed():
    assert families_view(list("abcd"), np.array([[1.0], [2], [3], [-4]]), list("xxyy")).pca_2.abs().max() < 1e-9


def test_views_need_matching_labels():
    with pytest.raises(StudyError, match="6 vectors, 5 names and 6 families"):
        families_view(list("abcde"), np.eye(6), list("xxxyyy"))


def test_one_family_against_the_rest_by_brute_force():
    vectors, families = clouds(2, spread=1.0)
    clans = ["x"] * 12 + [None] * 36
    table = one_against_rest(vectors, families, clans).set_index("family")
    unit, label, clan = vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.array(families), np.array(clans)
    similar = unit @ unit.T
    for family in ("RF0", "RF5"):
        mine = label == family
        related = mine | ((clan == clan[mine][0]) & (clan[mine][0] is not None))
        within = similar[np.ix_(mine, mine)][np.triu_indices(mine.sum(), 1)]
        between = similar[np.ix_(mine, ~related)].ravel()
        truth = np.repeat([1, 0], [len(within), len(between)])
        assert table.auroc[family] == pytest.approx(roc_auc_score(truth, np.concatenate([within, between])))
        assert table.mean_between[family] == pytest.approx(between.mean())


# Real labels


def test_one_in_five_archiveii_negatives_is_none():
    root = os.environ.get("RNASTUDY_DATA")
    if not root or not Path(root, "archiveii", "ArchiveII.csv").is_file():
        pytest.skip("RNASTUDY_DATA is not set: ArchiveII's labels are not here")
    csv.field_size_limit(10**7)
    with open(Path(root, "archiveii", "ArchiveII.csv"), newline="") as handle:
        families = [row["id"].split("_")[0] for row in csv.DictReader(handle)]
    found = contamination(families)
    assert (len(families), len(set(families))) == (3864, 9)
    assert found.same_family == pytest.approx(0.21, abs=0.01)
    assert found.floor == pytest.approx(0.12, abs=0.01)
