"""Every adapter: the authors' full list of tensors at true size, a tiny checkpoint in their layout, and the contract of `Probe`.

What is checked of each adapter alone (its numbers against the original's arithmetic, its tokens) has a file of its own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from rnastudy.errors import StudyError
from rnastudy.models import cards
from rnastudy.models.adapters import adapter, adapter_names
from rnastudy.models.loading import assemble, fill
from rnastudy.rna import Rna

HAIRPIN = "GGGCUAAGCUUCGGCUUAGCCC"
RNAS = [Rna("long", HAIRPIN * 2 + "ACG"), Rna("short", HAIRPIN), Rna("named", "ACGUACGGUCAUUGCAUG")]
KEYS = [key for key, card in cards().items() if card.loader in adapter_names()]
each_card = pytest.mark.parametrize("key", KEYS)
each = pytest.mark.parametrize("name", adapter_names())


def tiny(name: str):
    """The card of an adapter with sizes that fit into a test; head sizes stay even, for rotary positions."""
    card = next(card for card in cards().values() if card.loader == name)
    return replace(card, layers=3, heads=4, width=32)


def checkpoint(name: str, seed: int = 1) -> dict[str, torch.Tensor]:
    """Random tensors in the authors' layout, large enough that every one of them shows in the result."""
    one = adapter(name)
    draw = torch.Generator().manual_seed(seed)
    return {key: torch.randn(shape, generator=draw) * 0.3 for key, shape in one.layout(one.config(tiny(name))).items()}


def filled(name: str, stored: dict[str, torch.Tensor], monkeypatch):
    """A probe whose weights were read from `stored`, past the container that the authors chose."""
    held = replace(adapter(name), read_weights=lambda paths: stored)
    monkeypatch.setattr("rnastudy.models.loading.adapter", lambda _: held)
    monkeypatch.setattr("rnastudy.models.loading.weight_paths", lambda _: [])
    return assemble(name, tiny(name)).check()


@pytest.fixture
def probe(name, monkeypatch):
    from rnastudy.models.adapters import unwrapped

    return filled(name, unwrapped(checkpoint(name)), monkeypatch)


@each
def test_every_adapter_has_a_card_and_says_where_it_was_read(name):
    assert any(card.loader == name for card in cards().values())
    assert "@" in adapter(name).read_from or "header" in adapter(name).read_from


@each_card
def test_the_authors_tensors_fill_the_network_at_true_size(key):
    """On the meta device: no memory. Every tensor of the list is used or left out by name, and none is missing."""
    from rnastudy.models.adapters import unwrapped

    card = cards()[key]
    one = adapter(card.loader)
    config = one.config(card)
    with torch.device("meta"):
        network = one.network(config)
        stored = {name: torch.empty(shape) for name, shape in one.layout(config).items()}
    fill(network, one, unwrapped(stored), key)
    count = sum(weight.numel() for weight in network.parameters()) / 1e6
    assert card.parameters_million is None or abs(count - card.parameters_million) <= 0.03 * card.parameters_million + 0.1, count


@each
def test_what_is_left_out_is_kept_by_name_and_norms_stand_where_the_card_says(name, probe):
    """The doctor shows the first; the second holds for a network with a start token as for one without."""
    import re

    from rnastudy.doctor.natives import some
    from rnastudy.doctor.norms import norm_order
    from rnastudy.models.adapters import unwrapped

    whole = unwrapped(checkpoint(name))
    could_go = {f"leaves out {re.sub('[0-9]+', 'N', key)}" for key in _ignored(name, whole)}
    said = set(probe.network.key_exceptions)
    # Of a tensor that is stored under two names, either could go and one is used.
    assert said <= could_go and could_go - said <= {"leaves out lm_head.decoder.weight"}
    assert norm_order(probe, some(1)[0]) == tiny(name).expects["norm_order"]


@each
def test_a_tensor_that_is_missing_left_over_misshapen_or_not_finite_is_refused(name, monkeypatch):
    from rnastudy.models.adapters import unwrapped

    whole = unwrapped(checkpoint(name))
    used = [key for key in whole if key not in _ignored(name, whole)]
    lost = {key: tensor for key, tensor in whole.items() if key != used[-1]}
    odd = whole | {used[-1]: torch.zeros(7, 7, 7)}
    broken = whole | {used[0]: whole[used[0]] * torch.nan}
    for stored, match in ((lost, "lacks"), (whole | {"surprise.weight": torch.zeros(2)}, "unexpected"), (odd, "shape"), (broken, "NaN")):
        with pytest.raises(StudyError, match=match):
            filled(name, stored, monkeypatch)


def _ignored(name: str, whole: dict[str, torch.Tensor]) -> set[str]:
    """Tensors of the layout that the network does without: those whose loss goes unnoticed by `convert`."""
    one = adapter(name)
    kept = len(one.convert(whole))
    return {key for key in whole if len(one.convert({other: tensor for other, tensor in whole.items() if other != key})) == kept}


@each
def test_attention_has_the_promised_shapes_and_order(name, probe):
    seen: dict[int, list[int]] = {}
    for one in probe.attention(RNAS):
        length = len(RNAS[one.index])
        assert one.maps.shape == (4, length, length) and one.maps.dtype == torch.float32
        assert (one.maps >= 0).all() and (one.maps.sum(-1) <= 1 + 1e-5).all() and (one.maps.sum(-1) > 0).all()
        seen.setdefault(one.index, []).append(one.layer)
    assert seen == {index: [0, 1, 2] for index in range(3)}


@each
def test_padding_changes_nothing(name, probe):
    alone = [[one.maps for one in probe.attention([rna])] for rna in RNAS]
    for one in probe.attention(RNAS):
        assert torch.allclose(one.maps, alone[one.index][one.layer], atol=2e-6)
    single = [next(probe.hidden([rna], layers="all")).bases for rna in RNAS]
    for one in probe.hidden(RNAS, layers="all"):
        assert torch.allclose(one.bases, single[one.index], atol=5e-5)


@each
def test_hidden_states_end_in_the_last_hidden_state(name, probe):
    for one, last in zip(probe.hidden(RNAS, layers="all"), probe.hidden(RNAS), strict=True):
        assert one.bases.shape == (4, len(RNAS[one.index]), 32) and torch.equal(one.bases[-1:], last.bases)
        assert one.bases.isfinite().all()


@each
def test_logits_are_of_bases_or_refused(name, probe):
    if probe.no_logits or not probe.reader.single_base:
        with pytest.raises(StudyError):
            next(probe.logits(RNAS))
        return
    for index, logits in probe.logits(RNAS):
        assert logits.shape == (len(RNAS[index]), 4) and logits.isfinite().all()


@each
def test_every_tensor_that_is_kept_changes_what_comes_out(name, monkeypatch):
    """A tensor that may be anything without being noticed was mapped to nowhere."""
    from rnastudy.models.adapters import unwrapped

    whole = unwrapped(checkpoint(name))
    ignored = _ignored(name, whole)
    base = _outputs(filled(name, whole, monkeypatch))
    for key in whole:
        if key in ignored or adapter(name).may_lack and key.endswith(("inv_freq", "position_ids")):
            continue
        moved = _outputs(filled(name, whole | {key: whole[key] + 0.1 * torch.randn(whole[key].shape)}, monkeypatch))
        assert not all(torch.equal(left, right) for left, right in zip(base, moved, strict=True)), key


def _outputs(probe) -> list[torch.Tensor]:
    found = [next(probe.hidden(RNAS[1:2], layers="all")).bases, *(one.maps for one in probe.attention(RNAS[1:2]))]
    network = probe.network
    ids, mask = probe._collate([probe.reader.read(RNAS[1].sequence)])
    with torch.no_grad():
        out = network(ids, attention_mask=mask)
    return [*found, *(tensor for tensor in (getattr(out, "logits", None),) if tensor is not None)]


@each
def test_the_untrained_twin_needs_no_file(name):
    card = tiny(name)
    if any(file.holds == "tokenizer" for file in card.files):
        pytest.skip(f"{card.name} reads with a tokenizer that is fetched")
    twin, again, other = (assemble(name, card, drawn=seed) for seed in (3, 3, 4))
    assert twin.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert next(twin.hidden(RNAS)).bases.shape[-1] == 32
