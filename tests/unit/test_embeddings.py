"""Hidden states to vectors: poolings by hand, the trap of the Fourier descriptor, the cache."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from rnastudy.embeddings import Embeddings, embed, fft_descriptor, fft_trap, pca
from rnastudy.errors import StudyError
from rnastudy.rna import Rna


@dataclass
class States:
    index: int
    bases: np.ndarray
    first: np.ndarray | None


class FakeProbe:
    """A model whose state of a base is its letter's number, plus 100 times the layer."""

    n_layers, width, reads_alignment, device, weights_sha256, network = 3, 4, False, "cpu", "0" * 64, None

    def __init__(self, start=True, max_bases=None, spoil=None):
        self.start, self.max_bases, self.spoil, self.calls = start, max_bases, spoil, 0

    def skipped(self, rnas):
        return [index for index, rna in enumerate(rnas) if self.max_bases and len(rna) > self.max_bases]

    def hidden(self, rnas, *, layers="last"):
        self.calls += 1
        assert not self.skipped(rnas), "a probe refuses RNAs that are too long"
        for index in reversed(range(len(rnas))):
            letters = np.array([["ACGUN".index(letter) + 10 * column for column in range(self.width)] for letter in rnas[index].sequence], np.float32)
            numbers = range(self.n_layers) if layers == "all" else [self.n_layers - 1]
            bases = np.stack([letters + 100 * number for number in numbers])
            if rnas[index].name == self.spoil:
                bases[0, 0, 0] = np.nan
            yield States(index, bases, np.full((len(bases), self.width), -1.0, np.float32) if self.start else None)


RNAS = [Rna("one", "GCAU"), Rna("two", "ACGUACGUAC"), Rna("three", "GG")]


def test_poolings_by_hand():
    found = embed(FakeProbe(), RNAS, ["mean", "first", "last"])
    assert found.names == ("one", "two", "three")
    assert found.matrix("mean")[0].tolist() == [201.5, 211.5, 221.5, 231.5]
    assert found.matrix("last")[2].tolist() == [202, 212, 222, 232]
    assert (found.matrix("first") == -1).all()
    assert found.start_token


def test_first_is_the_first_base_of_a_model_without_a_start_token():
    found = embed(FakeProbe(start=False), RNAS, ["first"])
    assert not found.start_token
    assert found.matrix("first")[0].tolist() == [202, 212, 222, 232]


@pytest.mark.parametrize("start", [True, False])
def test_the_fourier_descriptor_keeps_the_start_token_and_takes_the_last_layer(start):
    probe = FakeProbe(start)
    states = next(state for state in probe.hidden(RNAS) if state.index == 0)
    tokens = np.concatenate([states.first[0][None], states.bases[0]]) if start else states.bases[0]
    expected = scipy.fft.fft(10 * tokens.ravel(), n=128).real
    assert np.array_equal(embed(probe, RNAS, ["fft"]).matrix("fft")[0], expected.astype(np.float32))


def test_every_layer_by_number():
    found = embed(FakeProbe(), RNAS, ["mean"], "all")
    assert found.layers == (0, 1, 2)
    assert [found.matrix("mean", layer)[2, 0] for layer in (0, 1, 2, -1)] == [2, 102, 202, 202]
    with pytest.raises(StudyError, match="unknown pooling and layer 'mean 3'"):
        found.matrix("mean", 3)
    with pytest.raises(StudyError, match="unknown pooling and layer 'fft -1'"):
        found.matrix("fft")


def test_torch_tensors_of_any_precision():
    torch = pytest.importorskip("torch")

    class TorchProbe(FakeProbe):
        def hidden(self, rnas, *, layers="last"):
            for states in super().hidden(rnas, layers=layers):
                yield States(states.index, torch.from_numpy(states.bases).bfloat16().requires_grad_(), torch.from_numpy(states.first))

    assert embed(TorchProbe(), RNAS).matrix().dtype == np.float32


def test_long_rnas_are_named_or_cut_and_never_silent():
    skipped = embed(FakeProbe(max_bases=5), RNAS)
    assert (skipped.names, skipped.skipped, skipped.cut) == (("one", "three"), ("two",), ())
    cut = embed(FakeProbe(max_bases=5), RNAS, too_long="cut")
    assert (cut.names, cut.skipped, cut.cut) == (("one", "two", "three"), (), ("two",))
    assert cut.matrix()[1, 0] == pytest.approx(200 + (0 + 1 + 2 + 3 + 0) / 5)


def test_an_rna_with_structure_and_alignment_can_be_cut():
    rna = Rna("a", "GGGAAACCC", pairs=((0, 8),), unresolved=frozenset({8}), alignment=("GGGAAACCC", "GG-AAACC-"))
    assert embed(FakeProbe(max_bases=4), [rna], too_long="cut").cut == ("a",)


@pytest.mark.parametrize(
    ("probe", "rnas", "options", "message"),
    [
        (FakeProbe(), RNAS, {"poolings": ["maen"]}, "unknown pooling 'maen'; did you mean mean"),
        (FakeProbe(), RNAS, {"layers": "first"}, "unknown choice of layers 'first'"),
        (FakeProbe(), RNAS, {"too_long": "crop"}, "unknown way with long RNAs 'crop'"),
        (FakeProbe(), [RNAS[0], RNAS[0]], {}, "two RNAs are called 'one'"),
        (FakeProbe(spoil="two"), RNAS, {}, "hidden states of 'two' hold NaN"),
        (FakeProbe(max_bases=1), RNAS, {}, "no RNA left to embed: 3 given, 3 longer"),
        (FakeProbe(), [], {}, "no RNA left to embed: 0 given"),
    ],
)
def test_errors(probe, rnas, options, message):
    with pytest.raises(StudyError, match=message):
        embed(probe, rnas, **options)


def test_a_model_that_drops_an_rna_silently_is_caught():
    class Silent(FakeProbe):
        def hidden(self, rnas, *, layers="last"):
            return (states for states in super().hidden(rnas, layers=layers) if states.index != 1)

    with pytest.raises(StudyError, match="no hidden states for 'two'"):
        embed(Silent(), RNAS)


def test_special_tokens_among_the_bases_are_caught():
    class Shifted(FakeProbe):
        def hidden(self, rnas, *, layers="last"):
            for states in super().hidden(rnas, layers=layers):
                yield States(states.index, np.concatenate([states.bases, states.bases[:, :1]], axis=1), None)

    with pytest.raises(StudyError, match=r"shape \(1, 3, 4\) for 2 bases"):
        embed(Shifted(), RNAS)


# The cache


def test_the_cache_answers_only_for_the_same_weights_sequences_and_setting(tmp_path):
    probe = FakeProbe(max_bases=9)
    first, again = (embed(probe, RNAS, ["mean", "fft"], "all", cache=tmp_path) for _ in range(2))
    assert probe.calls == 1
    assert (first.names, first.skipped, first.start_token, first.layers) == (again.names, again.skipped, again.start_token, again.layers)
    assert all(np.array_equal(first.vectors[key], again.vectors[key]) for key in first.vectors)
    embed(probe, RNAS, ["mean"], "all", cache=tmp_path)
    embed(probe, RNAS, ["mean", "fft"], cache=tmp_path)
    embed(probe, RNAS[:2], ["mean", "fft"], "all", cache=tmp_path)
    probe.weights_sha256 = "1" * 64
    embed(probe, RNAS, ["mean", "fft"], "all", cache=tmp_path)
    assert probe.calls == 5
    assert not list(tmp_path.glob("*.part"))


def test_cutting_asks_the_model_again(tmp_path):
    probe = FakeProbe(max_bases=5)
    embed(probe, RNAS, cache=tmp_path)
    cut = [embed(probe, RNAS, too_long="cut", cache=tmp_path) for _ in range(2)]
    assert probe.calls == 2
    assert [found.cut for found in cut] == [("two",), ("two",)]


def test_weights_without_a_checksum_are_not_cached(tmp_path):
    probe = FakeProbe()
    probe.weights_sha256 = None
    with pytest.raises(StudyError, match="checksum of the model's weights is not known"):
        embed(probe, RNAS, cache=tmp_path)


def test_a_broken_cache_file_is_named(tmp_path):
    embed(FakeProbe(), RNAS, cache=tmp_path)
    file = next(tmp_path.glob("*.npz"))
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(StudyError, match="cached embeddings .*npz cannot be read.*delete the file"):
        embed(FakeProbe(), RNAS, cache=tmp_path)


# The trap


@pytest.mark.parametrize(("width", "tokens"), [(640, 1), (128, 1), (120, 2), (64, 2), (16, 8)])
def test_the_descriptor_reads_the_first_128_values_and_65_numbers_of_them(width, tokens):
    states = np.random.default_rng(7).normal(size=(50, width)).astype(np.float32)
    trap = fft_trap(states)
    assert trap.identical_after_replacement
    assert trap.identical_after_permutation
    assert trap.n_independent == 65
    assert trap.n_tokens_read == tokens
    assert trap.cosine_change_without_factor < 1e-6
    assert abs(trap.mean_pooling_cosine) < 0.9


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(1, 3))
def test_the_descriptor_is_even_and_changes_with_what_it_reads(size, column):
    states = np.random.default_rng(size).normal(size=size)
    descriptor = fft_descriptor(states)
    assert np.array_equal(descriptor[1:64], descriptor[:64:-1])
    changed = states.copy()
    changed[min(column, size - 1)] += 1
    assert not np.array_equal(descriptor, fft_descriptor(changed))


def test_a_single_read_value_matters_and_the_next_does_not():
    states = np.random.default_rng(0).normal(size=(10, 64))
    inside, outside = states.copy(), states.copy()
    inside[1, 63] += 1
    outside[2, 0] += 1
    assert not np.array_equal(fft_descriptor(states), fft_descriptor(inside))
    assert np.array_equal(fft_descriptor(states), fft_descriptor(outside))


@pytest.mark.parametrize("states", [np.ones((2, 64)), np.ones(200), np.zeros((4, 64))])
def test_states_that_show_no_trap(states):
    with pytest.raises(StudyError, match="have nothing behind their first 128 values"):
        fft_trap(states)


# PCA


def test_pca_keeps_distances_when_it_keeps_all_components():
    vectors = np.random.default_rng(0).normal(size=(20, 6))
    reduced = pca(vectors)
    assert reduced.shape == (20, 6)
    assert np.linalg.norm(reduced[3] - reduced[7]) == pytest.approx(np.linalg.norm(vectors[3] - vectors[7]))
    assert np.abs(reduced.mean(axis=0)).max() < 1e-12
    assert pca(np.random.default_rng(0).normal(size=(300, 200))).shape == (300, 128)


@pytest.mark.parametrize("vectors", [np.ones((1, 3)), np.ones(3), np.array([[np.nan], [1.0]])])
def test_pca_of_nothing(vectors):
    with pytest.raises(StudyError, match="at least two vectors"):
        pca(vectors)


def test_embeddings_hold_what_they_were_given():
    held = Embeddings(("a",), {("mean", -1): np.ones((1, 2))}, False)
    assert held.matrix().tolist() == [[1.0, 1.0]]
