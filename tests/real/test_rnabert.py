"""The real RNABERT checkpoint against its original layer order, written out here a second time in plain torch."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch

from rnastudy.errors import StudyError
from rnastudy.models import availability, cards, load
from rnastudy.models.adapters import rnabert, unwrapped
from rnastudy.rna import Rna

RNAS = [Rna("tRNA-like", "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"), Rna("short", "GGGGCAAAAGCCCC")]


@pytest.fixture(scope="module")
def folder() -> Path:
    data = os.environ.get("RNASTUDY_DATA")
    path = Path(data).parent / "weights" / "rnabert" if data else None
    if path is None or not (path / "bert_mul_2.pth").is_file():
        pytest.skip("RNASTUDY_DATA is not set, or has no weights/rnabert beside it")
    return path


@pytest.fixture(scope="module")
def stored(folder):
    return torch.load(folder / "bert_mul_2.pth", map_location="cpu", weights_only=True)


def norm(states, weights, name):
    """Centre and scale by the biased variance, epsilon 1e-12, then gamma and beta."""
    centred = states - states.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-12)
    return weights[f"{name}.gamma"] * scaled + weights[f"{name}.beta"]


def linear(states, weights, name):
    return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def original(weights, sequence):
    """RNABERT's encoder: states after the embeddings and each of six layers, and the attention of each layer."""
    ids = torch.zeros(440, dtype=torch.long)
    ids[: len(sequence)] = torch.tensor([{"A": 2, "U": 3, "G": 4, "C": 5}[base] for base in sequence])
    root = "module.bert.embeddings"
    states = weights[f"{root}.word_embeddings.weight"][ids] + weights[f"{root}.position_embeddings.weight"] + weights[f"{root}.token_type_embeddings.weight"][0]
    states = norm(states, weights, f"{root}.LayerNorm")
    all_states, all_maps = [states], []
    for layer in range(6):
        block = f"module.bert.encoder.layer.{layer}"
        query, key, value = (
            linear(states, weights, f"{block}.attention.selfattn.{part}").view(440, 12, 10).transpose(0, 1) for part in ("query", "key", "value")
        )
        maps = (query @ key.transpose(1, 2) / math.sqrt(10)).softmax(-1)
        mixed = (maps @ value).transpose(0, 1).reshape(440, 120)
        states = norm(linear(mixed, weights, f"{block}.attention.output.dense") + states, weights, f"{block}.attention.output.LayerNorm")
        inner = linear(states, weights, f"{block}.intermediate.dense")
        inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
        states = norm(linear(inner, weights, f"{block}.output.dense") + states, weights, f"{block}.output.LayerNorm")
        all_states.append(states)
        all_maps.append(maps)
    return torch.stack(all_states), torch.stack(all_maps)


def test_states_and_attention_follow_the_original_layer_order(folder, stored):
    probe = load("rnabert")
    assert probe.weights_sha256 == cards()["rnabert"].files[0].sha256 and probe.n_layers == 6 and probe.n_heads == 12 and probe.width == 120
    for one in probe.hidden(RNAS, layers="all"):
        states, _ = original(stored, RNAS[one.index].sequence)
        assert one.first is None
        assert torch.allclose(one.bases, states[:, : one.bases.shape[1]], atol=2e-5)
    for one in probe.attention(RNAS):
        length = one.maps.shape[-1]
        _, maps = original(stored, RNAS[one.index].sequence)
        assert torch.allclose(one.maps, maps[one.layer, :, :length, :length], atol=2e-5)


def test_states_agree_with_the_port_run_with_the_same_convention(folder, stored):
    """The weights converted by multimolecule 0.2.2 map back onto the same encoder, number for number."""
    port = torch.load(folder / "rnabert_multimolecule-0.2.2_state_dict.pt", map_location="cpu", weights_only=True)
    ours, theirs = rnabert.encoder_weights(unwrapped(stored)), rnabert.encoder_weights(port)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def test_the_ports_file_from_the_hub_gives_the_same_states(folder, stored, monkeypatch, tmp_path):
    """Without the authors' file, the hub's is fetched; here it is written as the hub has it."""
    from safetensors.torch import save_file

    port = torch.load(folder / "rnabert_multimolecule-0.2.2_state_dict.pt", map_location="cpu", weights_only=True)
    save_file({name: tensor.contiguous().clone() for name, tensor in port.items()}, tmp_path / "model.safetensors")
    ours = next(load("rnabert").hidden(RNAS)).bases
    monkeypatch.delenv("RNASTUDY_DATA")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: str(tmp_path / "model.safetensors"))
    assert torch.equal(next(load("rnabert").hidden(RNAS)).bases, ours)


def test_a_wrong_layer_order_would_be_seen(folder, stored):
    """Embeddings left without their norm, as in a pre-norm class, are far from the original."""
    probe = load("rnabert")
    probe.network.embeddings.LayerNorm = torch.nn.Identity()
    states, _ = original(stored, RNAS[1].sequence)
    assert not torch.allclose(next(probe.hidden(RNAS[1:], layers="all")).bases, states[:, :14], atol=1e-2)


def test_every_tensor_of_the_encoder_is_used(stored, tmp_path):
    network = rnabert.network(rnabert.config(cards()["rnabert"]))
    used = rnabert.encoder_weights(unwrapped(stored))
    assert sum(tensor.numel() for tensor in used.values()) == sum(weight.numel() for weight in network.parameters())
    torch.save({name: tensor for name, tensor in stored.items() if "layer.3.attention.output.LayerNorm" not in name}, tmp_path / "cut.pth")
    with pytest.raises(StudyError, match="lacks 2 tensors"):
        load(f"rnabert@{tmp_path / 'cut.pth'}")


def test_the_layout_that_was_read_is_that_of_the_file(stored):
    stated = rnabert.layout(rnabert.config(cards()["rnabert"]))
    assert stated == {name: tuple(tensor.shape) for name, tensor in stored.items()}


def test_it_can_run_here_and_gives_no_likelihoods(folder):
    assert availability(cards()["rnabert"]).can_run
    probe = load("rnabert")
    assert probe.skipped([Rna("fits", "A" * 440), Rna("long", "A" * 441)]) == [1]
    with pytest.raises(StudyError, match="decayed to about zero"):
        next(probe.logits(RNAS))


def test_the_untrained_twin_has_the_same_shape_and_other_weights(folder):
    trained, twin = load("rnabert"), load("rnabert@untrained", seed=2)
    assert twin.n_parameters == trained.n_parameters
    assert not torch.allclose(next(twin.hidden(RNAS)).bases, next(trained.hidden(RNAS)).bases, atol=1e-2)


def test_it_runs_through_both_tasks(real_weights) -> None:
    """The one real checkpoint at hand, from its authors' own file, beside its random-weight twin."""
    from rnastudy import analyses, datasets

    entrants = analyses.contenders(["rnabert"])
    choose, score = (analyses.of_length(datasets.load(name, limit=60), 30, 60) for name in ("srtrain150", "srtest150"))
    structure = analyses.structure(entrants, choose, score, settings=[analyses.CAREFUL, analyses.REVIEW], n_draws=10, progress=False)
    found = structure.table()
    assert list(found.role[:2]) == ["trained", "untrained"]
    assert found.value[found.role != "ceiling"].between(0, 0.3).all()  # near random on structure, as was first seen
    relatives = analyses.of_length(datasets.load("rfam_drawn_heldout", limit=700), 30, 70)
    function = analyses.classification(entrants, relatives, baselines=["3-mers"], n_draws=10, n_pairs=500, progress=False)
    words = function.value("3-mers", "auroc").value
    assert 0.4 < function.value(entrants[0].name, "auroc").value < words
