"""Scores, thresholds and the scan, against the definitions written out."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnastudy import compiled
from rnastudy.contacts import (
    Setting,
    apc,
    careful_lattice,
    contact_scores,
    plans,
    review_lattice,
    scan_many,
    scan_stream,
    symmetrise,
)
from rnastudy.contacts.decoding import accepted_pairs
from rnastudy.contacts.lattice import LOWEST, Lattice, before_sigmoid
from rnastudy.errors import StudyError
from rnastudy.rna import Rna
from rnastudy.structure import decode

LATTICES = {"review": review_lattice(), "careful": careful_lattice()}
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass
class Layer:
    index: int
    layer: int
    maps: torch.Tensor


def random_maps(n_heads, length, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(3 * torch.randn(n_heads, length, length, generator=generator), -1).to(dtype)


def random_rna(length, seed=0, name="x"):
    rng = np.random.default_rng(seed)
    pairs = np.argwhere(np.triu(rng.random((length, length)) < 2 / length, 1))
    sequence = "".join(rng.choice(list("ACGUN"), length))
    unresolved = frozenset(rng.choice(length, 2).tolist())
    return Rna(name, sequence, pairs=tuple((int(i), int(j)) for i, j in pairs), unresolved=unresolved)


# --- scores -----------------------------------------------------------------------------------------------------------

HAND = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]]], dtype=torch.float64)


def test_symmetrise_is_a_sum():
    expected = [[1.0, 0.4, 0.6], [0.4, 1.2, 0.7], [0.6, 0.7, 0.4]]
    assert torch.allclose(symmetrise(HAND)[0], torch.tensor(expected, dtype=torch.float64))


def test_apc_by_hand_with_the_diagonal_in_the_sums():
    # row sums 2.0, 2.3, 1.7; total 6.0
    expected = [[1 - 4 / 6, 0.4 - 4.6 / 6, 0.6 - 3.4 / 6], [0.4 - 4.6 / 6, 1.2 - 5.29 / 6, 0.7 - 3.91 / 6]]
    assert torch.allclose(apc(symmetrise(HAND))[0, :2], torch.tensor(expected, dtype=torch.float64))


def test_the_inputs_are_left_as_they_were():
    maps = HAND.clone()
    contact_scores(maps, sigmoid=True)
    assert torch.equal(maps, HAND)


def test_special_tokens_cut_before_or_after_the_correction_differ():
    with_tokens = random_maps(1, 8)
    cut_first = contact_scores(with_tokens[:, 1:-1, 1:-1])
    cut_last = contact_scores(with_tokens)[:, 1:-1, 1:-1]
    assert not torch.allclose(cut_first, cut_last, atol=1e-3)
    rna = Rna("x", "GAAAAC", pairs=((0, 5),))
    with pytest.raises(StudyError, match="without special tokens"):
        scan_stream([Layer(0, 0, with_tokens)], [rna], "careful")


def test_a_map_of_zeros_scores_zero():
    assert torch.equal(contact_scores(torch.zeros(2, 4, 4)), torch.zeros(2, 4, 4))


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 1000))
def test_corrected_rows_sum_to_zero(length, seed):
    corrected = contact_scores(random_maps(2, length, seed, torch.float64))
    assert corrected.sum(-1).abs().max() < 1e-12


# --- thresholds -------------------------------------------------------------------------------------------------------


def test_lattices_are_as_the_protocol_says():
    assert np.array_equal(review_lattice().levels, np.array([round(k / 1000, 3) for k in range(1001)]))
    levels = careful_lattice().levels
    assert len(levels) == 4096 and levels[0] == LOWEST and levels[1] == -2 and levels[-1] == 2 and 0 in levels
    assert np.array_equal(levels, levels.astype(np.float32))
    steps = np.diff(np.arcsinh(levels[1:] / 1e-3))
    assert steps.min() > 0.999 * steps.mean() and steps.max() < 1.001 * steps.mean()


def test_the_sigmoid_leaves_few_thresholds_where_the_careful_lattice_has_many():
    near = np.array([-0.05, 0.05])
    low, high = 1 / (1 + np.exp(-near))
    usable = ((review_lattice().levels > low) & (review_lattice().levels < high)).sum()
    fine = (np.abs(careful_lattice().levels) < 0.05).sum()
    assert usable == 25 and fine > 2000


def around(levels, dtype):
    """Levels themselves, and their nearest neighbours in the precision."""
    kind = np.float32 if dtype == torch.float32 else np.float64
    exact = levels.astype(kind)
    return np.concatenate([exact, np.nextafter(exact, kind(-10)), np.nextafter(exact, kind(10))])


@pytest.mark.parametrize("protocol", LATTICES)
@pytest.mark.parametrize("precision", DTYPES)
def test_bins_agree_with_the_definition_on_the_levels_and_beside_them(protocol, precision):
    lattice, dtype = LATTICES[protocol], DTYPES[precision]
    values = around(lattice.levels, dtype)
    tiny = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-7, -1e-7, 5.0, 300.0, -5.0, -300.0], dtype=values.dtype)
    values = np.concatenate([values, tiny])
    values = values[np.isfinite(values) & (values >= values.dtype.type(lattice.levels[0]))]
    expected = (values[:, None] >= lattice.levels.astype(values.dtype)).sum(1) - 1
    assert np.array_equal(lattice.bins(torch.from_numpy(values)).numpy(), expected)


@pytest.mark.parametrize("protocol", LATTICES)
@settings(deadline=None)
@given(values=st.lists(st.floats(-2.5, 2.5, width=32), min_size=1, max_size=50))
def test_bins_agree_with_the_definition_anywhere(protocol, values):
    values = np.abs(np.array(values, dtype=np.float32)) if protocol == "review" else np.array(values, dtype=np.float32)
    lattice = LATTICES[protocol]
    expected = (values[:, None] >= lattice.levels.astype(np.float32)).sum(1) - 1
    for precision in (torch.float32, torch.float64):
        if protocol == "careful" or precision == torch.float32:
            assert np.array_equal(lattice.bins(torch.from_numpy(values).to(precision)).numpy(), expected)


def test_bins_keep_the_shape_and_read_views():
    scores = contact_scores(random_maps(2, 7)).transpose(1, 2)[:, ::2]
    assert torch.equal(careful_lattice().bins(scores), careful_lattice().bins(scores.contiguous()))


def test_lattices_that_cannot_be_binned_exactly_are_refused():
    with pytest.raises(StudyError, match="do not ascend"):
        Lattice(np.array([0.0, 0.0, 1.0]))
    with pytest.raises(StudyError, match="closer than a thousandth"):
        Lattice(np.array([0.0, 0.5, 0.50001, 0.50002]))


# --- scan -------------------------------------------------------------------------------------------------------------


def by_definition(maps, rna, setting):
    """Counts at every level by `rnastudy.structure.decode`: one structure a threshold."""
    scores = contact_scores(maps, sigmoid=setting.sigmoid).numpy()
    levels = setting.lattice.levels.astype(scores.dtype)
    reference = set(setting.reference(rna))
    predicted = np.zeros((len(scores), len(levels)), dtype=int)
    found = np.zeros_like(predicted)
    for head, matrix in enumerate(scores):
        accepted = decode(matrix, -np.inf, setting.decoder, candidates=setting.candidates(rna))
        values = np.array([matrix[pair] for pair in accepted])
        true = np.array([pair in reference for pair in accepted], dtype=bool)
        predicted[head] = (values[:, None] >= levels).sum(0)
        found[head] = (values[true][:, None] >= levels).sum(0)
    return predicted, found


SETTINGS = [
    Setting(protocol, decoder, canonical, apart)
    for protocol in ("review", "careful")
    for decoder in ("raw", "mutual", "greedy")
    for canonical in (False, True)
    for apart in (None, 6)
]


@pytest.mark.parametrize("precision", DTYPES)
def test_all_settings_in_one_pass_agree_with_the_definition(precision):
    rnas = [random_rna(length, seed, f"rna{seed}") for seed, length in enumerate((9, 30, 17))]
    maps = {(s, n): random_maps(3, len(rna), 10 * s + n, DTYPES[precision]) for s, rna in enumerate(rnas) for n in (0, 1)}
    order = [(0, 0), (1, 0), (2, 1), (1, 1), (2, 0), (0, 1)]
    counted = scan_many((Layer(s, n, maps[s, n]) for s, n in order), rnas, SETTINGS)
    assert set(counted) == set(SETTINGS)
    for setting, counts in counted.items():
        assert counts.names == ("rna0", "rna1", "rna2") and counts.skipped == ()
        for (s, n), layer in maps.items():
            predicted, found = by_definition(layer, rnas[s], setting)
            assert np.array_equal(counts.predicted[s, n], predicted), setting
            assert np.array_equal(counts.found[s, n], found), setting
        assert counts.reference.tolist() == [len(setting.reference(rna)) for rna in rnas]


def test_raw_counts_are_the_written_out_definition_of_the_review():
    rna, maps = random_rna(20), random_maps(2, 20)
    counts = scan_stream([Layer(0, 0, maps)], [rna], "review")
    symmetric = maps + maps.transpose(1, 2)
    sums = symmetric.sum(-1)
    corrected = symmetric - sums[:, :, None] * symmetric.sum(-2)[:, None] / sums.sum(-1)[:, None, None]
    squashed = torch.sigmoid(corrected)
    for head in range(2):
        for k in range(0, 1001, 7):
            called = {(i, j) for i in range(20) for j in range(i + 1, 20) if squashed[head, i, j] >= k / 1000}
            assert counts.predicted[0, 0, head, k] == len(called)
            assert counts.found[0, 0, head, k] == len(called & set(rna.pairs))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 24), st.integers(0, 10**6), st.booleans())
def test_decoding_all_heads_at_once_is_decoding_each(length, seed, with_ties):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(3, length, length, generator=generator)
    scores = scores.round() if with_ties else scores
    candidates = (torch.rand(length, length, generator=generator) < 0.6).triu(1)
    for decoder in ("mutual", "greedy"):
        heads, i, j = (part.tolist() for part in accepted_pairs(scores, candidates, decoder))
        for head in range(3):
            expected = decode(scores[head].numpy(), -np.inf, decoder, candidates=candidates.numpy())
            got = sorted((a, b) for h, a, b in zip(heads, i, j, strict=True) if h == head)
            assert tuple(got) == expected


def test_no_decoder_is_given_a_pair_it_may_not_predict():
    rna = Rna("x", "AAAAAAAA", pairs=((0, 7),))
    for decoder in ("raw", "mutual", "greedy"):
        counts = scan_stream([Layer(0, 0, random_maps(2, 8))], [rna], "careful", decoder=decoder, canonical=True)
        assert counts.predicted.max() == 0 and counts.reference.tolist() == [1]


def test_unresolved_bases_count_under_review_only():
    rna = Rna("x", "GGAAAACC", pairs=((0, 7), (1, 6)), unresolved=frozenset({0}))
    stream = [Layer(0, 0, random_maps(1, 8))]
    careful, review = scan_stream(stream, [rna], "careful"), scan_stream(stream, [rna], "review")
    assert careful.reference.tolist() == [1] and review.reference.tolist() == [2]
    assert careful.predicted[0, 0, 0, 0] == 10 - 4 and review.predicted[0, 0, 0, 0] == 28


def test_counts_are_kept_small_and_maps_are_let_go():
    rnas, alive = [random_rna(12, k, str(k)) for k in range(4)], []

    def stream():
        for index in range(4):
            for layer in range(5):
                maps = random_maps(2, 12, index)
                alive.append(weakref.ref(maps))
                assert sum(known() is not None for known in alive) <= 2, "earlier layers are still held"
                yield Layer(index, layer, maps)

    counts = scan_stream(stream(), rnas, "careful")
    assert counts.predicted.shape == (4, 5, 2, 4096)
    assert counts.predicted.dtype == np.uint8 and counts.found.dtype == np.uint8


def test_rnas_that_never_come_are_named():
    rnas = [random_rna(8, k, f"rna{k}") for k in range(3)]
    counts = scan_stream([Layer(k, 0, random_maps(1, 8)) for k in (2, 0)], rnas, "careful")
    assert counts.names == ("rna0", "rna2") and counts.skipped == ("rna1",)


def test_half_precision_maps_are_summed_in_single():
    rna, maps = random_rna(10), random_maps(1, 10).half()
    half, single = (scan_stream([Layer(0, 0, m)], [rna], "careful") for m in (maps, maps.float()))
    assert np.array_equal(half.predicted, single.predicted)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "no map came"),
        ([Layer(0, 0, random_maps(2, 7))], r"shape \(2, 7, 7\), 8 bases"),
        ([Layer(0, 0, torch.full((2, 8, 8), torch.nan))], "not finite"),
        ([Layer(0, 1, random_maps(2, 8))], "lacks layer 0"),
        ([Layer(0, 0, random_maps(2, 8))] * 2, "came twice"),
        ([Layer(0, 0, random_maps(2, 8)), Layer(1, 0, random_maps(3, 8))], r"layers of \[2, 3\] heads"),
        ([Layer(0, 0, random_maps(2, 8)), Layer(0, 1, random_maps(2, 8)), Layer(1, 0, random_maps(2, 8))], "lacks layer 1"),
        ([Layer(2, 0, random_maps(2, 8))], "RNA number 2 of 2"),
    ],
)
def test_streams_that_would_give_wrong_numbers_are_refused(layers, message):
    with pytest.raises(StudyError, match=message):
        scan_stream(layers, [random_rna(8, k, f"rna{k}") for k in range(2)], "careful")


def test_settings_that_cannot_be_scanned():
    stream = [Layer(0, 0, random_maps(1, 8))]
    with pytest.raises(StudyError, match="not nested"):
        scan_stream(stream, [random_rna(8)], "careful", decoder="matching")
    with pytest.raises(StudyError, match="no setting"):
        scan_many(stream, [random_rna(8)], [])
    with pytest.raises(StudyError, match="did you mean careful"):
        Setting("carefull")
    with pytest.raises(StudyError, match="did you mean greedy"):
        Setting("careful", "gredy")
    with pytest.raises(StudyError, match="min_separation 0"):
        Setting("careful", min_separation=0)
    with pytest.raises(StudyError, match="no reference structure"):
        scan_stream(stream, [Rna("x", "ACGUACGU")], "careful")


def test_scored_layers_are_taken_as_they_are() -> None:
    """Baselines give pair scores: no symmetry and no APC may be added to them."""
    rna = Rna("x", "GGAAAACC", pairs=((0, 7), (1, 6)))
    maps = torch.zeros(1, 8, 8)
    maps[0, 0, 7] = maps[0, 7, 0] = 0.5
    maps[0, 1, 6] = maps[0, 6, 1] = 0.25
    counts = scan_stream([SimpleNamespace(index=0, layer=0, maps=maps, scored=True)], [rna], "careful")
    levels = [int(np.searchsorted(counts.levels, level)) for level in (0.2, 0.4, 0.6)]
    assert counts.found[0, 0, 0, levels].tolist() == [2, 1, 0]


# --- compiled and not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2, 9, 40])
def test_compiled_loops_and_torch_count_the_same(monkeypatch, length):
    rna = random_rna(length, seed=length)
    maps = random_maps(5, length, seed=length)
    maps[1] = 1 / length  # a flat map: every score ties
    counted = []
    for there in (True, False):
        monkeypatch.setattr(compiled, "available", lambda there=there: there)
        counted.append(scan_many([Layer(0, 0, maps)], [rna], SETTINGS))
    for setting in SETTINGS:
        assert np.array_equal(counted[0][setting].predicted, counted[1][setting].predicted), setting
        assert np.array_equal(counted[0][setting].found, counted[1][setting].found), setting


def test_heads_are_counted_alike_however_many_at_once(monkeypatch):
    rna, maps = random_rna(25), random_maps(7, 25)
    whole = scan_many([Layer(0, 0, maps)], [rna], SETTINGS)
    monkeypatch.setattr(plans, "_SCORES_AT_ONCE", 2 * 25 * 25)
    parts = scan_many([Layer(0, 0, maps)], [rna], SETTINGS)
    assert all(np.array_equal(whole[s].predicted, parts[s].predicted) and np.array_equal(whole[s].found, parts[s].found) for s in SETTINGS)


def test_thresholds_before_the_sigmoid_are_those_behind_it():
    """On both sides of every threshold, number by number: the sigmoid of the processor must not fall anywhere near one."""
    moved = torch.from_numpy(before_sigmoid().levels[1:].astype(np.float32))
    for step in range(-200, 200):
        bits = moved.view(torch.int32) + torch.where(moved < 0, -step, step).int()
        scores = bits.view(torch.float32)
        behind = review_lattice().bins(scores.sigmoid())
        assert torch.equal(before_sigmoid().bins(scores), behind)
