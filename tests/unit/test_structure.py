"""Structures: notations, masks, decoders, what a reference allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnastudy import structure
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

TETRALOOP = Rna("tetraloop", "GGGGAAACCC", pairs=((0, 9), (1, 8), (2, 7)))


@st.composite
def one_partner_pairs(draw, longest=30):
    length = draw(st.integers(1, longest))
    order = draw(st.permutations(range(length)))
    n_pairs = draw(st.integers(0, length // 2))
    return length, tuple(sorted(tuple(sorted(order[2 * k : 2 * k + 2])) for k in range(n_pairs)))


@settings(deadline=None)
@given(one_partner_pairs())
def test_dot_bracket_and_matrix_give_back_the_pairs(case):
    length, pairs = case
    text = structure.to_dot_bracket(pairs, length)
    assert len(text) == length
    assert structure.from_dot_bracket(text) == pairs
    assert structure.from_matrix(structure.to_matrix(pairs, length)) == pairs


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("....", ()),
        ("(..)", ((0, 3),)),
        ("([)]", ((0, 2), (1, 3))),
        ("{<A}>a", ((0, 3), (1, 4), (2, 5))),
        ("<<__,,:-~>>", ((0, 10), (1, 9))),
    ],
)
def test_brackets_of_every_kind(text, pairs):
    assert structure.from_dot_bracket(text) == pairs


def test_the_longer_helix_of_a_pseudoknot_gets_the_round_brackets():
    assert structure.to_dot_bracket(structure.from_dot_bracket("(..[[.)..]]"), 11) == "[..((.]..))"


@pytest.mark.parametrize(("text", "message"), [("(.", "position 1 is never closed"), (".)", "position 2 closes nothing"), ("(?)", "'\\?' at position 2")])
def test_broken_dot_bracket_names_the_position(text, message):
    with pytest.raises(StudyError, match=message):
        structure.from_dot_bracket(text)


def test_a_multiplet_cannot_be_written_as_dot_bracket():
    with pytest.raises(StudyError, match="base 1 has more than one partner"):
        structure.to_dot_bracket(((0, 4), (0, 8)), 9)


def test_more_levels_of_crossing_than_brackets():
    pairs = tuple((k, k + 62) for k in range(0, 62, 2))
    with pytest.raises(StudyError, match="31 levels"):
        structure.to_dot_bracket(pairs, 130)


def test_pairs_outside_and_lopsided_matrices_are_refused():
    with pytest.raises(StudyError, match="does not fit 4 bases"):
        structure.to_matrix(((1, 4),), 4)
    lopsided = np.zeros((3, 3), dtype=bool)
    lopsided[0, 2] = True
    with pytest.raises(StudyError, match="not symmetric"):
        structure.from_matrix(lopsided)


def test_canonical_pairs_are_three_kinds_both_ways_and_n_pairs_with_nothing():
    letters = "ACGUN"
    mask = structure.canonical_mask(letters)
    found = {letters[i] + letters[j] for i, j in np.argwhere(mask)}
    assert found == {"AU", "UA", "CG", "GC", "GU", "UG"}


def test_separation_of_proteins_would_delete_the_closing_pair_of_a_tetraloop():
    closing = (2, 7)
    assert structure.separation_mask(10, 4)[closing]
    assert not structure.separation_mask(10, 6)[closing]
    assert structure.scored_pairs(TETRALOOP, min_separation=6) == ((0, 9), (1, 8))


def test_unresolved_bases_leave_candidates_and_reference():
    rna = TETRALOOP.with_(unresolved=frozenset({8}))
    assert not structure.candidate_mask(rna)[8].any()
    assert structure.scored_pairs(rna) == ((0, 9), (2, 7))
    assert structure.scored_pairs(rna, mask_unresolved=False) == TETRALOOP.pairs


def test_a_structure_that_is_not_known_is_an_error():
    with pytest.raises(StudyError, match="no reference structure"):
        structure.ceilings(Rna("x", "ACGU"))


def test_statistics_by_hand():
    rna = Rna("x", "GAAGGUACUCAAA", pairs=((0, 9), (1, 5), (3, 7), (3, 12), (4, 6)))
    # GC, AU, GC, GA, GA; base 3 twice; (1, 5) crosses both of base 3, (0, 9) crosses (3, 12); (4, 6) crosses (1, 5) and is close
    counted = structure.reference_statistics(rna)
    assert (counted.n_pairs, counted.n_noncanonical, counted.n_multiplet) == (5, 2, 2)
    assert (counted.n_pseudoknot, counted.n_close) == (5, 1)


def test_ceilings_by_hand():
    rna = Rna("x", "GAAGGUACUCAAA", pairs=((0, 9), (1, 5), (3, 7), (3, 12), (4, 6)))
    best = structure.ceilings(rna)  # 4 pairs with j - i >= 4: GC, AU, GC, GA, of which base 3 holds two
    assert best == structure.Ceilings(canonical=6 / 7, one_partner=6 / 7, both=6 / 7)
    loose = structure.ceilings(rna, min_separation=1)
    assert loose == structure.Ceilings(canonical=6 / 8, one_partner=8 / 9, both=6 / 8)
    assert structure.ceilings(rna.with_(pairs=())) == structure.Ceilings(None, None, None)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_decoder_of_the_true_matrix_beats_its_ceiling(seed):
    rng = np.random.default_rng(seed)
    length = int(rng.integers(6, 16))
    rna = Rna("x", "".join(rng.choice(list("ACGU"), length)))
    pairs = tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(rng.random((length, length)) < 0.1, 4)))
    rna = rna.with_(pairs=pairs)
    if not pairs:
        return
    best = structure.ceilings(rna)
    truth = structure.to_matrix(pairs, length).astype(float)
    for canonical, name in ((False, "one_partner"), (True, "both")):
        candidates = structure.candidate_mask(rna, canonical=canonical)
        reached = {d: structure.decode(truth, 0.5, d, candidates=candidates) for d in ("mutual", "greedy", "matching")}
        f1 = {d: 2 * len(found) / (len(found) + len(pairs)) for d, found in reached.items()}
        assert max(f1.values()) <= getattr(best, name) + 1e-12
        assert f1["matching"] == pytest.approx(getattr(best, name))


SCORES = np.zeros((6, 6))
SCORES[0, 5], SCORES[0, 4], SCORES[1, 5], SCORES[1, 4], SCORES[2, 3] = 0.9, 0.8, 0.7, 0.3, 0.1


@pytest.mark.parametrize(
    ("decoder", "threshold", "pairs"),
    [
        ("raw", 0.7, ((0, 4), (0, 5), (1, 5))),
        ("raw", 0.9, ((0, 5),)),
        ("mutual", 0.2, ((0, 5),)),
        ("greedy", 0.2, ((0, 5), (1, 4))),
        ("greedy", 0.1, ((0, 5), (1, 4), (2, 3))),
        ("matching", 0.2, ((0, 4), (1, 5))),
        ("matching", 0.75, ((0, 5),)),
        ("raw", 2.0, ()),
        ("matching", 2.0, ()),
    ],
)
def test_decoders_by_hand(decoder, threshold, pairs):
    assert structure.decode(SCORES, threshold, decoder) == pairs


def test_best_means_best_among_candidates():
    candidates = np.ones((6, 6), dtype=bool)
    candidates[0, 5] = False
    assert structure.decode(SCORES, 0.2, "mutual", candidates=candidates) == ((0, 4), (1, 5))


def test_equal_scores_go_to_the_first_base():
    flat = np.ones((5, 5))
    assert structure.decode(flat, 0.5, "greedy") == ((0, 1), (2, 3))
    assert structure.decode(flat, 0.5, "mutual") == ((0, 1),)


def test_what_cannot_be_decoded():
    with pytest.raises(StudyError, match="did you mean greedy"):
        structure.decode(SCORES, 0.5, "greedi")
    with pytest.raises(StudyError, match="not finite"):
        structure.decode(np.full((3, 3), np.nan), 0.5)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_decoders_against_what_defines_them(seed, with_ties):
    rng = np.random.default_rng(seed)
    length = int(rng.integers(2, 12))
    scores = rng.normal(size=(length, length))
    scores = np.round(scores) if with_ties else scores
    candidates = np.triu(rng.random((length, length)) < 0.7, 1)
    found = {d: structure.decode(scores, 0.3, d, candidates=candidates) for d in structure.DECODERS}
    raw = set(found["raw"])
    assert raw == {(int(i), int(j)) for i, j in np.argwhere(candidates & (scores >= 0.3))}
    for decoder in ("mutual", "greedy", "matching"):
        bases = [base for pair in found[decoder] for base in pair]
        assert len(bases) == len(set(bases)), f"{decoder} leaves a conflict"
        assert set(found[decoder]) <= raw
    assert set(found["mutual"]) <= set(found["greedy"])
    weight = {d: sum(scores[pair] for pair in found[d]) for d in ("mutual", "greedy", "matching")}
    assert weight["matching"] >= max(weight.values()) - 1e-9
    taken = {base for pair in found["greedy"] for base in pair}
    assert all(not taken.isdisjoint(pair) for pair in raw), "greedy stopped early"


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_accepted_pairs_are_nested_in_the_threshold(seed):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=(10, 10)), 1)
    for decoder in ("raw", "mutual", "greedy"):
        loose = structure.decode(scores, -0.5, decoder)
        assert structure.decode(scores, 0.5, decoder) == tuple(pair for pair in loose if scores[pair] >= 0.5)


def test_ceilings_of_the_references_in_spot_rnas_test_set(real_data):
    """About a fifth of the pairs is not canonical and two sevenths share a base: no decoder could reach 1."""
    from rnastudy import datasets

    rnas = datasets.load("spotrna_ts1").rnas
    counted = [structure.reference_statistics(rna) for rna in rnas]
    n_pairs = sum(counts.n_pairs for counts in counted)
    assert sum(counts.n_noncanonical for counts in counted) / n_pairs == pytest.approx(0.22, abs=0.01)
    assert sum(counts.n_multiplet for counts in counted) / n_pairs == pytest.approx(0.29, abs=0.01)
    best = [structure.ceilings(rna, min_separation=1) for rna in rnas]
    assert np.mean([ceiling.canonical for ceiling in best]) == pytest.approx(0.89, abs=0.01)
    assert np.mean([ceiling.one_partner for ceiling in best]) == pytest.approx(0.93, abs=0.01)
    assert np.mean([ceiling.both for ceiling in best]) == pytest.approx(0.86, abs=0.01)
