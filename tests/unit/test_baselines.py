"""Baselines: hand-computed maps, exact shuffles, and what each null must keep and break."""

from __future__ import annotations

import builtins
import math
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnastudy import baselines
from rnastudy.baselines import covariation, floors, folding
from rnastudy.baselines.nulls import shuffle_dinucleotides
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

HAIRPIN = Rna("hairpin", "GGGGAAAACCCC", pairs=((0, 11), (1, 10), (2, 9), (3, 8)), family="F", clan="C")
letters = st.text("ACGU", min_size=1, max_size=40)


def aligned(rows, **fields):
    return Rna("aligned", rows[0], alignment=tuple(rows), **fields)


# ------------------------------------------------------------------------------- maps


@pytest.mark.parametrize("name", baselines.map_baseline_names())
def test_every_map_is_symmetric_hollow_and_in_base_coordinates(name):
    rows = ("GGGGAAAACCCC", "GCGGAAAACCGC", "GGAGAAAACUCC", "GGGCAAAAGCC-")
    ((index, maps),) = baselines.map_baseline(name).scores([aligned(rows)])
    assert index == 0 and maps.shape == (1, 12, 12) and maps.dtype == np.float64
    assert (maps == maps.swapaxes(1, 2)).all() and np.isfinite(maps).all()
    assert not np.diagonal(maps[0]).any()


@given(letters)
@settings(max_examples=40, deadline=None)
def test_stem_prior_against_brute_force(sequence):
    weight = {"AU": 2, "UA": 2, "GC": 3, "CG": 3, "GU": 0.8, "UG": 0.8}
    pairs = {(i, j): weight[sequence[i] + sequence[j]] for j in range(len(sequence)) for i in range(j - 3) if sequence[i] + sequence[j] in weight}
    expected = np.zeros((len(sequence), len(sequence)))
    for i, j in pairs:
        k = 0
        while (i - k - 1, j + k + 1) in pairs:
            k += 1
        run = []
        while (i - k, j + k) in pairs:
            run.append(pairs[i - k, j + k])
            k -= 1
        expected[i, j] = expected[j, i] = sum(run)
    assert floors.stem_prior(Rna("x", sequence)) == pytest.approx(expected)


def test_stem_prior_by_hand_keeps_the_closing_pair_of_a_tetraloop_and_stops_at_the_loop():
    scores = floors.stem_prior(Rna("x", "GAUUUCGAGUC"))
    # G0-C10 3, A1-U9 2, U2-G8 0.8, U3-A7 2 with loop U4 U5 C6: separation 4
    assert scores[0, 10] == scores[3, 7] == pytest.approx(7.8)
    assert scores[4, 6] == 0


def test_unknown_bases_pair_with_nothing():
    rna = Rna("x", "GGNNAAAANNCC")
    for name in ("random-canonical", "stem-prior", "vienna-pairs"):
        ((_, maps),) = baselines.map_baseline(name).scores([rna])
        assert not maps[0, [2, 3, 8, 9]].any()


def test_random_maps_depend_on_seed_and_rna_only():
    first, second = HAIRPIN, HAIRPIN.with_(name="other")
    alone = next(baselines.map_baseline("random").scores([second]))[1]
    together = list(baselines.map_baseline("random").scores([first, second]))
    assert (alone == together[1][1]).all() and (together[0][1] != alone).any()
    assert (next(baselines.map_baseline("random", seed=1).scores([second]))[1] != alone).any()


def test_random_canonical_scores_only_canonical_pairs():
    scores = floors.random_canonical_map(Rna("x", "GAUCCUAG"))
    sequence = "GAUCCUAG"
    canonical = {"AU", "UA", "GC", "CG", "GU", "UG"}
    assert all((scores[i, j] > 0) == (sequence[i] + sequence[j] in canonical) for i in range(8) for j in range(8))


@pytest.mark.parametrize("make", [folding.mfe_map, folding.mea_map])
def test_vienna_structures_are_the_hairpin(make):
    expected = np.zeros((12, 12))
    for i, j in HAIRPIN.pairs:
        expected[i, j] = expected[j, i] = 1
    assert (make(HAIRPIN) == expected).all()


def test_pair_probabilities_are_probabilities():
    scores = folding.pair_probabilities(Rna("x", "GGGCUAUUAGCUCAGUUGGUUAGAGCGCACCCCUGAUAAGGGUGAGGUCGCUGAUUCGAAUUCAGCAUAGCCCA"))
    assert scores.min() >= 0 and (scores.sum(axis=1) <= 1 + 1e-6).all() and scores.max() > 0.9


def test_long_rnas_do_not_overflow_the_partition_function():
    sequence = "".join(np.random.default_rng(0).choice(list("GC"), 700))
    assert np.isfinite(folding.pair_probabilities(Rna("x", sequence))).all()


def test_missing_vienna_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "RNA":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StudyError, match=r"rnastudy\[fold\]"):
        folding.mfe_map(HAIRPIN)


@pytest.mark.parametrize("name", ["mutual-information", "rnaalifold", "rnaalifold-pairs"])
@pytest.mark.parametrize("rna", [HAIRPIN, HAIRPIN.with_(alignment=("GGGGAAAACCCC",))])
def test_alignment_methods_never_run_on_one_sequence_silently(name, rna):
    baseline = baselines.map_baseline(name)
    assert baseline.skipped([rna]) == [0]
    with pytest.raises(StudyError, match="hairpin"):
        list(baseline.scores([rna]))


def test_mutual_information_by_hand():
    # columns: G/C against C/G (log 2), constant A (0), and a column with one gap seen in 3 rows
    information = covariation.mutual_information(("GACG", "GACG", "CAGC", "CAG-"))
    assert information[0, 2] == pytest.approx(math.log(2)) and information[0, 1] == 0
    in_three_rows = math.log(3) - 2 / 3 * math.log(2)
    assert information[0, 3] == pytest.approx(3 / 4 * in_three_rows)
    assert (information == information.T).all()


def test_mutual_information_is_never_negative_and_ignores_unknown_bases():
    rng = np.random.default_rng(0)
    rows = tuple("".join(rng.choice(list("ACGUN-"), 12)) for _ in range(9))
    information = covariation.mutual_information(rows)
    assert information.min() >= 0 and np.isfinite(information).all()
    assert covariation.mutual_information(("GN", "CN"))[0, 1] == 0


def test_average_product_correction_by_hand_and_guarded():
    scores = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]], dtype=float)
    means = np.array([1.5, 2.0, 2.5])
    expected = scores - np.outer(means, means) / 2.0
    np.fill_diagonal(expected, 0)
    assert covariation.average_product_corrected(scores) == pytest.approx(expected)
    assert not covariation.average_product_corrected(np.zeros((4, 4))).any()
    assert covariation.average_product_corrected(np.zeros((1, 1))).shape == (1, 1)


def test_covariation_finds_the_covarying_helix_and_column_shuffling_breaks_it():
    rng = np.random.default_rng(1)
    partner = {"G": "C", "C": "G", "A": "U", "U": "A"}
    stems = ["".join(rng.choice(list("ACGU"), 4)) for _ in range(60)]
    rna = aligned([stem + "AAAA" + "".join(partner[b] for b in stem[::-1]) for stem in stems], pairs=HAIRPIN.pairs)
    contrast = []
    for version in (rna, baselines.column_shuffled(rna)):
        scores = covariation.mutual_information_map(version)
        helix = [scores[pair] for pair in HAIRPIN.pairs]
        contrast.append(min(helix) / scores[np.triu_indices(12, 1)].std())
    assert contrast[0] > 2 > contrast[1]


def test_unknown_names_list_the_nearest():
    with pytest.raises(StudyError, match="stem-prior"):
        baselines.map_baseline("stem")
    with pytest.raises(StudyError, match="3-mers"):
        baselines.vector_baseline("3mers", [HAIRPIN])


# ------------------------------------------------------------------------------- nulls


def dinucleotides(sequence):
    return Counter(zip(sequence, sequence[1:], strict=False))


@given(st.text("ACGUN", min_size=1, max_size=60), st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_shuffle_keeps_every_dinucleotide_count(sequence, seed):
    shuffled = shuffle_dinucleotides(sequence, np.random.default_rng(seed))
    assert len(shuffled) == len(sequence) and dinucleotides(shuffled) == dinucleotides(sequence)
    assert shuffled[0] == sequence[0] and shuffled[-1] == sequence[-1]


def test_shuffle_is_uniform_over_all_orders():
    from itertools import permutations

    sequence = "GACAGAUCA"
    possible = {"".join(p) for p in permutations(sequence) if dinucleotides("".join(p)) == dinucleotides(sequence)}
    rng = np.random.default_rng(0)
    seen = Counter(shuffle_dinucleotides(sequence, rng) for _ in range(400 * len(possible)))
    assert set(seen) == possible and len(possible) > 5
    deviation = sum((count - 400) ** 2 / 400 for count in seen.values())
    assert deviation < len(possible) + 5 * math.sqrt(2 * len(possible))


def test_shuffled_keeps_name_family_and_reference_and_depends_on_its_own_name():
    shuffled = baselines.dinucleotide_shuffled(HAIRPIN.with_(alignment=(HAIRPIN.sequence,)))
    assert (shuffled.name, shuffled.family, shuffled.clan, shuffled.pairs) == ("hairpin", "F", "C", HAIRPIN.pairs)
    assert shuffled.alignment is None and not shuffled.natural
    rna = Rna("x", "GGACUUCGGUCCAGCUAGCUAAUCG")
    assert baselines.dinucleotide_shuffled(rna) == baselines.dinucleotide_shuffled(rna)
    assert len({baselines.dinucleotide_shuffled(rna, seed=s).sequence for s in range(10)}) > 5


def test_mirrored_twice_is_the_same_and_pairs_keep_their_letters():
    rna = Rna("x", "GGCAAAAGUU", pairs=((0, 9), (1, 8), (2, 7)), unresolved=frozenset({3}), alignment=("GGCAAAAGUU", "GG-AAAAG-U"))
    back = baselines.mirrored(rna)
    assert back.sequence == "UUGAAAACGG" and back.pairs == ((0, 9), (1, 8), (2, 7)) and back.unresolved == {6}
    assert back.alignment == ("UUGAAAACGG", "U-GAAAA-GG")
    assert baselines.mirrored(back) == rna.with_(natural=False)
    assert Counter("".join(sorted(rna.sequence[i] + rna.sequence[j])) for i, j in rna.pairs) == Counter(
        "".join(sorted(back.sequence[i] + back.sequence[j])) for i, j in back.pairs
    )


def test_stem_prior_cannot_tell_a_mirror():
    rna = Rna("x", "GGACUUCGGUCCAGCUAGCUAAUCG")
    assert (floors.stem_prior(baselines.mirrored(rna)) == floors.stem_prior(rna)[::-1, ::-1]).all()


def test_column_shuffle_keeps_columns_gaps_and_the_first_row():
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("ACGU"), 20)), *("".join(rng.choice(list("ACGU-"), 20)) for _ in range(11))]
    rna = aligned(rows)
    shuffled = baselines.column_shuffled(rna)
    assert shuffled.alignment[0] == rows[0] and shuffled.alignment != rna.alignment
    assert [Counter(c) for c in zip(*shuffled.alignment, strict=True)] == [Counter(c) for c in zip(*rows, strict=True)]
    assert [[b == "-" for b in r] for r in shuffled.alignment] == [[b == "-" for b in r] for r in rows]
    with pytest.raises(StudyError, match="no alignment"):
        baselines.column_shuffled(HAIRPIN)


# ------------------------------------------------------------------------------- vectors


def test_kmers_by_hand_with_unknown_bases_skipped():
    vectors = baselines.kmer_vectors([Rna("x", "ACNACG")], 2)  # windows AC, AC, CG
    assert vectors.shape == (1, 16)
    assert vectors[0, 1] == pytest.approx(2 / 3) and vectors[0, 6] == pytest.approx(1 / 3)
    with pytest.raises(StudyError, match="'y'"):
        baselines.kmer_vectors([Rna("y", "ANC")], 2)


@given(st.lists(letters.filter(lambda s: len(s) >= 4), min_size=1, max_size=5), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_kmer_frequencies_sum_to_one(sequences, k):
    vectors = baselines.kmer_vectors([Rna(str(n), s) for n, s in enumerate(sequences)], k)
    assert vectors.sum(axis=1) == pytest.approx(1)


def test_cosine_of_length_vectors_falls_with_the_ratio_of_lengths():
    lengths = [20, 22, 40, 90, 300, 900]
    vectors = baselines.length_vectors([Rna(str(n), "A" * n) for n in lengths])
    cosine = vectors @ vectors.T
    assert np.diagonal(cosine) == pytest.approx(1)
    ratio = np.abs(np.log(np.divide.outer(lengths, lengths)))[np.triu_indices(6, 1)]
    assert (np.diff(cosine[np.triu_indices(6, 1)][ratio.argsort()]) < 1e-12).all()


def test_length_vectors_of_one_length_and_out_of_range():
    same = baselines.length_vectors([Rna("a", "AC"), Rna("b", "GU")])
    assert (same == same[0]).all()
    with pytest.raises(StudyError, match="widen"):
        baselines.length_vectors([Rna("a", "A" * 50)], shortest=60, longest=100)


@pytest.mark.parametrize("name", baselines.vector_baseline_names())
def test_vector_baselines_give_one_finite_vector_an_rna(name):
    vectors = baselines.vector_baseline(name, [HAIRPIN, Rna("b", "ACGUACGUAA")])
    assert len(vectors) == 2 and np.isfinite(vectors).all()


# ------------------------------------------------------------------------------- real RNAs


def sam_riboswitches() -> tuple[list[str], set[tuple[int, int]]]:
    """Rows of the SAM riboswitch alignment (RF00162) in the bases of its fullest row, and its consensus pairs there."""
    folder = os.environ.get("RNASTUDY_DATA")
    path = Path(folder or "") / "rfam-3d-seed" / "RF00162.sto"
    if not folder or not path.is_file():
        pytest.skip("RNASTUDY_DATA is not set to a folder with rfam-3d-seed/RF00162.sto: no real alignment")
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith(("//", "# "))]
    rows = [row.upper().replace(".", "-") for name, row in (line for line in lines if not line[0].startswith("#"))]
    structure = next(line[2] for line in lines if line[:2] == ["#=GC", "SS_cons"])
    rows.sort(key=lambda row: row.count("-"))
    columns = [c for c, base in enumerate(rows[0]) if base in "ACGU"]
    opened, pairs = [], set()
    for column, symbol in enumerate(structure):
        if symbol in "(<[{":
            opened.append(column)
        elif symbol in ")>]}":
            pairs.add((opened.pop(), column))
    kept = ["".join(row[c] if row[c] in "ACGU-" else "N" for c in columns) for row in rows]
    return kept, {(columns.index(i), columns.index(j)) for i, j in pairs if i in columns and j in columns}


def test_covariation_reads_a_real_riboswitch_and_is_not_fooled_by_columns_that_rarely_meet():
    """Without the share of rows, seven of the ten best pairs rested on 4 to 6 of 458 rows, and were wrong."""
    rows, pairs = sam_riboswitches()
    scores = np.triu(covariation.mutual_information_map(aligned(rows)), 4)
    best = [divmod(int(place), len(scores)) for place in scores.ravel().argsort()[::-1][:10]]
    assert sum(pair in pairs for pair in best) >= 9
