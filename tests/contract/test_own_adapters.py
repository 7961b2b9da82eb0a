"""Networks of our own (RNA-km, BiRNA-BERT, AIDO.RNA): their numbers against the originals' arithmetic, and faults that must show."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from rnastudy.errors import StudyError
from rnastudy.models import cards
from rnastudy.models.adapters import adapter, unwrapped
from rnastudy.models.architectures import aido, mosaic, rnakm
from rnastudy.models.loading import assemble, fill, load
from rnastudy.models.network import attention_points, watched
from rnastudy.rna import Rna
from tests.contract import arithmetic

ORIGINALS = {"rnakm": arithmetic.rnakm, "birnabert": arithmetic.birnabert, "aidorna-650m": arithmetic.aidorna, "aidorna-1m": arithmetic.aidorna}
TIED = {
    "birnabert": {"cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight"},
    "aidorna-650m": {"cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.bias": "cls.predictions.bias"},
}
SEQUENCES = ("GGGCUAAGCUUCGGCUUAGCCCACGNU", "ACGUACGGUCAUUGC")
each = pytest.mark.parametrize("key", ORIGINALS)
each_tied = pytest.mark.parametrize("key", TIED)


def small(key: str, heads: int = 4):
    """A card with sizes that fit into a test."""
    return replace(cards()[key], layers=3, heads=heads, width=8 * heads)


def checkpoint(card, seed: int = 1) -> dict[str, torch.Tensor]:
    """Random tensors under the authors' names; norms around one, so that states stay of one size."""
    one, draw = adapter(card.loader), torch.Generator().manual_seed(seed)
    shapes = one.layout(one.config(card))
    noise = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return {name: 1 + 0.2 * tensor if "norm" in name.lower() and name.endswith("weight") else 0.3 * tensor for name, tensor in noise.items()}


def network(card, stored):
    one = adapter(card.loader)
    made = one.network(one.config(card)).eval()
    fill(made, one, stored, card.key)
    return made


def batch(card):
    """Two sequences of unlike length as ids and mask."""
    reader = adapter(card.loader).reader(card, lambda name: None)
    rows = [reader.read(sequence).rows[0] for sequence in SEQUENCES]
    size = max(map(len, rows))
    ids = torch.tensor([[*row, *[reader.pad] * (size - len(row))] for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (size - len(row)) for row in rows])


def run(made, ids, mask):
    """States, maps and logits of a network of ours."""
    maps = []
    with torch.no_grad(), watched(attention_points(made), lambda layer, found: maps.append(found)):
        out = made(ids, attention_mask=mask, output_hidden_states=True)
    return list(out.hidden_states), maps, out.logits


def distance(card, ours, stored, ids, mask) -> float:
    """Largest difference from the original, in states, maps and logits of tokens that are no padding."""
    states, maps, logits = ORIGINALS[card.key](stored, ids, mask, card.heads)
    ours_states, ours_maps, ours_logits = ours
    assert (logits is None) == (ours_logits is None) and len(states) == len(ours_states) and len(maps) == len(ours_maps)
    pairs = [*zip(states, ours_states, strict=True), *zip([one.transpose(1, 2) for one in maps], [one.transpose(1, 2) for one in ours_maps], strict=True)]
    pairs += [(logits, ours_logits)] if logits is not None else []
    return max(float((theirs - one.double())[mask.bool()].abs().max()) for theirs, one in pairs)


# Numbers


@each
@pytest.mark.parametrize("heads", [4, 6])
def test_states_maps_and_logits_are_those_of_the_original(key, heads):
    card = small(key, heads)
    stored = checkpoint(card)
    ids, mask = batch(card)
    assert distance(card, run(network(card, stored).double(), ids, mask), stored, ids, mask) < 1e-5


def test_rows_of_padding_are_empty_in_aidorna():
    card = small("aidorna-650m")
    ids, mask = batch(card)
    for one in run(network(card, checkpoint(card)), ids, mask)[1]:
        assert (one.sum(-1).transpose(1, 2)[mask == 0] == 0).all() and torch.allclose(one.sum(-1).transpose(1, 2)[mask == 1], torch.tensor(1.0))


def test_buckets_of_rnakm_follow_its_formula():
    found = rnakm.distance_buckets(601)
    assert [found[place, 0].item() for place in range(601)] == [arithmetic.bucket(place) for place in range(601)]
    assert [found[0, place].item() for place in range(601)] == [arithmetic.bucket(-place) for place in range(601)]
    assert found[300, 300] == 0 and found[0, 1] == 33 and found[600, 0] == 31 and found[0, 600] == 63


def test_twelve_heads_have_the_slopes_that_mosaicbert_states():
    stated = [2.0**-power for power in range(1, 9)] + [2.0**-power for power in (0.5, 1.5, 2.5, 3.5)]
    assert mosaic.distance_slopes(12) == pytest.approx(stated) and mosaic.distance_slopes(12) == pytest.approx(arithmetic.slopes(12))


def test_mosaicbert_agrees_with_the_dnabert2_of_multimolecule():
    """The same network, written by others: a random checkpoint of theirs, under BiRNA-BERT's names, gives the same numbers here."""
    assert find_spec("multimolecule"), "the extra 'multimolecule' is not installed: MosaicBERT cannot be compared"
    from multimolecule import DnaBert2Config, DnaBert2ForMaskedLM

    card = small("birnabert", 12)
    sizes = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 12, "intermediate_size": 384, "vocab_size": 4096}
    torch.manual_seed(2)
    plain = {"hidden_dropout": 0.0, "attention_dropout": 0.0, "pad_token_id": 0, "attn_implementation": "eager"}
    theirs = DnaBert2ForMaskedLM(DnaBert2Config(**sizes, **plain)).eval()
    for weight in theirs.parameters():
        weight.data += 0.1 * torch.randn(weight.shape)
    ids, mask = batch(card)
    with torch.no_grad():
        out = theirs(ids, attention_mask=mask, output_hidden_states=True, output_attentions=True)
    states, maps, logits = run(network(card, as_birnabert(theirs.state_dict())), ids, mask)
    seen = mask.bool()
    assert torch.allclose(out.logits[seen], logits[seen], atol=2e-5)
    assert all(torch.allclose(one[seen], other[seen], atol=2e-5) for one, other in zip(out.hidden_states, states, strict=True))
    assert all(torch.allclose(one.transpose(1, 2)[seen], other.transpose(1, 2)[seen], atol=2e-6) for one, other in zip(out.attentions, maps, strict=True))


def as_birnabert(theirs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the tensors of multimolecule's port the names of the original."""
    parts = ("lm_head.", "cls.predictions."), ("model.", "bert."), ("LayerNorm", "layer_norm"), ("layer_norm", "LayerNorm")
    renames = (*parts, ("mlp.up_proj", "mlp.gated_layers"), ("mlp.down_proj", "mlp.wo"), ("mlp.LayerNorm", "mlp.layernorm"))
    found: dict[str, torch.Tensor] = {}
    for name, tensor in theirs.items():
        for old, new in renames:
            name = name.replace(old, new)
        found[name] = tensor
    for layer in range(3):
        for kind in ("weight", "bias"):
            block = f"bert.encoder.layer.{layer}.attention.self"
            found[f"{block}.Wqkv.{kind}"] = torch.cat([found.pop(f"{block}.{part}.{kind}") for part in ("query", "key", "value")])
    found.setdefault("cls.predictions.decoder.bias", found["cls.predictions.bias"])
    return {name: tensor for name, tensor in found.items() if name != "cls.predictions.bias" and "token_type_ids" not in name}


# Faults


def norms_swapped(stored, one, other):
    names = {name: name.replace(one, "\0").replace(other, one).replace("\0", other) for name in stored}
    return {name: stored[names[name]] for name in stored}


def bias_before_scaling(monkeypatch):
    def forward(self, states, bias, padded):
        query, key = rnakm.split_heads(self.query(states), self.heads), rnakm.split_heads(self.key(states), self.heads)
        mixed, maps = rnakm.attend((query @ key.transpose(-1, -2) + bias) / math.sqrt(query.shape[-1]), self.value(states), padded)
        return self.out(mixed), maps

    monkeypatch.setattr(rnakm.RnaKmAttention, "forward", forward)


def keys_and_queries_exchanged_in_distance(monkeypatch):
    kept = rnakm.distance_buckets
    monkeypatch.setattr(rnakm, "distance_buckets", lambda *given: kept(*given).T)


def nearness_punished(monkeypatch):
    kept = mosaic.distance_slopes
    monkeypatch.setattr(mosaic, "distance_slopes", lambda heads: [-slope for slope in kept(heads)])


def halves_of_the_gate_swapped(monkeypatch):
    def forward(self, states, bias, padded):
        states = self.attention_norm(states + self.attention(states, bias, padded)[0])
        value, gate = self.gated(states).chunk(2, dim=-1)
        return self.feed_norm(states + self.out(torch.nn.functional.gelu(gate) * value))

    monkeypatch.setattr(mosaic.MosaicLayer, "forward", forward)


def neighbours_rotated_together(monkeypatch):
    def interleaved(part, cosine, sine):
        even, odd, half = part[..., ::2], part[..., 1::2], part.shape[-1] // 2
        cosine, sine = cosine[:, :half], sine[:, :half]
        return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], dim=-1).flatten(-2)

    monkeypatch.setattr(aido, "rotated", interleaved)


def gate_and_value_exchanged(monkeypatch):
    def forward(self, states, cosine, sine, padded):
        states = states + self.attention(self.attention_norm(states), cosine, sine, padded)[0]
        normed = self.feed_norm(states)
        return states + self.down(self.gate(normed) * torch.nn.functional.silu(self.up(normed)))

    monkeypatch.setattr(aido.AidoLayer, "forward", forward)


PLANTED = [
    ("rnakm", bias_before_scaling),
    ("rnakm", keys_and_queries_exchanged_in_distance),
    ("birnabert", nearness_punished),
    ("birnabert", halves_of_the_gate_swapped),
    ("aidorna-650m", neighbours_rotated_together),
    ("aidorna-1m", gate_and_value_exchanged),
]
SWAPPED = [
    ("rnakm", "norm1", "norm2"),
    ("birnabert", "attention.output.LayerNorm", "mlp.layernorm"),
    ("aidorna-650m", "0.attention.ln", "0.ln"),
    ("aidorna-650m", "gate_proj", "up_proj"),
]


@pytest.mark.parametrize(("key", "plant"), PLANTED)
def test_a_fault_of_the_arithmetic_shows(key, plant, monkeypatch):
    card = small(key)
    stored, (ids, mask) = checkpoint(card), batch(card)
    plant(monkeypatch)
    assert distance(card, run(network(card, stored), ids, mask), stored, ids, mask) > 1e-2


@pytest.mark.parametrize(("key", "one", "other"), SWAPPED)
def test_a_fault_of_the_key_map_shows(key, one, other):
    card = small(key)
    stored, (ids, mask) = checkpoint(card), batch(card)
    wrong = norms_swapped(stored, one, other)
    assert any(not torch.equal(wrong[name], stored[name]) for name in stored)
    assert distance(card, run(network(card, wrong), ids, mask), stored, ids, mask) > 1e-2


# Files


@each_tied
def test_a_second_name_of_a_shared_tensor_is_left_out_and_must_be_the_same(key):
    card = small(key)
    stored = checkpoint(card)
    whole = stored | {copy: stored[kept] for copy, kept in TIED[key].items()}
    only_copies = {name: tensor for name, tensor in whole.items() if name not in TIED[key].values()}
    one = adapter(card.loader)
    assert one.convert(whole).keys() == one.convert(stored).keys() == one.convert(only_copies).keys()
    for copy in TIED[key]:
        with pytest.raises(StudyError, match="should be the same tensor"):
            one.convert(whole | {copy: whole[copy] + 1})


@each_tied
def test_true_sizes_fill_with_the_second_names_too(key):
    card = cards()[key]
    one = adapter(card.loader)
    with torch.device("meta"):
        made = one.network(one.config(card))
        stored = {name: torch.empty(shape) for name, shape in one.layout(one.config(card)).items()}
    fill(made, one, stored | {copy: stored[kept] for copy, kept in TIED[key].items()}, key)


def test_counts_are_those_of_the_facts():
    """Counted from the layouts: RNA-km with its pair head, AIDO.RNA with its own sizes, BiRNA-BERT as its file is large."""
    stated = {"rnakm": 152.48, "birnabert": 117.07, "aidorna-1m": 1.15, "aidorna-25m": 25.2, "aidorna-650m": 648.4, "aidorna-1.6b": 1611.6}
    for key, millions in stated.items():
        one = adapter(cards()[key].loader)
        count = sum(math.prod(shape) for shape in one.layout(one.config(cards()[key])).values()) / 1e6
        assert count == pytest.approx(millions, rel=3e-3), key


def test_shards_are_read_together_and_one_alone_is_refused(tmp_path):
    card = small("aidorna-1.6b")
    stored = checkpoint(card)
    names = list(stored)
    first, second = (tmp_path / file.name for file in card.files)
    torch.save({name: stored[name] for name in names[::2]}, first)
    with pytest.raises(StudyError, match="lacks"):
        assemble(card.key, card, tmp_path)
    torch.save({name: stored[name] for name in names[1::2]}, second)
    probe = assemble(card.key, card, tmp_path).check()
    assert torch.equal(probe.network.state_dict()["layers.2.down.weight"], stored["bert.encoder.layer.2.mlp.down_proj.weight"])


def test_a_checkpoint_of_a_training_framework_is_unwrapped(tmp_path):
    card = small("rnakm")
    stored = checkpoint(card)
    torch.save({"epoch": 7, "state_dict": {f"module.{name}": tensor for name, tensor in stored.items()}}, tmp_path / "weight.pth")
    probe = assemble(card.key, card, tmp_path / "weight.pth").check()
    assert torch.equal(probe.network.state_dict()["distance.weight"], stored["embed_rp.relative_attention_bias.weight"])
    assert unwrapped(stored).keys() == stored.keys()


def test_a_model_of_true_size_loads_by_name_from_a_folder(tmp_path):
    """The smallest AIDO.RNA, saved as its authors save it, gives attention, logits and scores of hidden bases."""
    card = cards()["aidorna-1m"]
    stored = checkpoint(card)
    stored |= {copy: stored[kept] for copy, kept in TIED["aidorna-650m"].items()}
    torch.save(stored, tmp_path / card.files[0].name)
    probe = load(f"aidorna-1m@{tmp_path}")
    rna = Rna("one", SEQUENCES[0])
    assert [one.maps.shape for one in probe.attention([rna])] == [(8, len(rna), len(rna))] * 6
    ids = torch.tensor([probe.reader.read(rna.sequence).rows[0]])
    theirs = arithmetic.aidorna(stored, ids, torch.ones_like(ids), 8)[2][0, 1:-1, probe.reader.base_ids()]
    assert torch.allclose(next(probe.logits([rna]))[1].double(), theirs, atol=1e-3, rtol=1e-4)
    hidden = ids.clone()
    hidden[0, 1 + 5] = 1
    scores = arithmetic.aidorna(stored, hidden, torch.ones_like(ids), 8)[2][0, 1 + 5, probe.reader.base_ids()]
    assert torch.allclose(next(probe.masked_logits([rna], [[5]]))[1][0].double(), scores, atol=1e-3, rtol=1e-4)


def test_a_restricted_licence_is_named_on_the_card():
    for key in ("aidorna-1m", "aidorna-25m", "aidorna-300m", "aidorna-650m", "aidorna-1.6b"):
        assert cards()[key].restricted and "GenBio AI" in cards()[key].licence


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@each
def test_half_precision_stays_near(key, dtype):
    card = small(key)
    probe = assemble(card.key, card, drawn=1).check()
    whole = next(probe.hidden([Rna("one", SEQUENCES[0])])).bases
    probe.network.to(dtype)
    half = next(probe.hidden([Rna("one", SEQUENCES[0])])).bases
    assert half.dtype == torch.float32 and (whole - half).abs().max() < 0.05 * whole.abs().max()
