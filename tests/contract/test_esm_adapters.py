"""ESM-2 shaped adapters against the originals' arithmetic, written a second time from their code, on tensors in the originals' names.

Nothing of `rnastudy.models.esm` or of `transformers` is used on the side that is compared with.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from rnastudy.datasets import load
from rnastudy.datasets.normalise import normalise
from rnastudy.errors import StudyError
from rnastudy.models import cards
from rnastudy.models import load as load_model
from rnastudy.models.adapters import adapter, unwrapped
from rnastudy.models.adapters.lucaone import hub_names
from rnastudy.models.kmers import KmerReader
from rnastudy.models.loading import assemble
from rnastudy.models.weights import read_tensors
from rnastudy.tokens import to_bases

LAYERS, HEADS, WIDTH = 3, 4, 32
NAMES = ("protrna", "lucaone", "resm", "mprna", "ntv2", "utrlm_original")
DROPOUT = ("mprna", "utrlm_original")
HUB = {"mprna": "OmniGenome", "ntv2": "esm"}
each = pytest.mark.parametrize("name", NAMES)


# The original's arithmetic ---------------------------------------------------------------------------------------------


@dataclass
class Named:
    """Reads the tensors of a layer or of the head by what they are, in the names that the authors gave them."""

    name: str
    stored: dict[str, Tensor]

    def layer(self, part: str, number: int, kind: str) -> Tensor | None:
        if self.name == "protrna":
            return self.keras(f"layer_._{number}/{PARTS[part][0]}", kind)
        place = PARTS[part][2 if self.name in HUB else 1]
        if self.name == "lucaone":
            place = place.replace("self_attn_layer_norm", "pre_layer_norm").replace("final_layer_norm", "post_layer_norm")
        prefix = f"{HUB[self.name]}.encoder.layer" if self.name in HUB else "layers"
        return self.stored.get(f"{prefix}.{number}.{place}.{kind}")

    def keras(self, place: str, kind: str) -> Tensor | None:
        for stored in {"weight": ("kernel", "gamma"), "bias": ("bias", "beta")}[kind]:
            if f"{place}/{stored}" in self.stored:
                tensor = self.stored[f"{place}/{stored}"]
                return tensor.T if stored == "kernel" else tensor
        return None

    def words(self) -> Tensor:
        if self.name == "protrna":
            return self.stored["embedding/words/embeddings"]
        return self.stored[f"{HUB[self.name]}.embeddings.word_embeddings.weight" if self.name in HUB else "embed_tokens.weight"]

    def last(self, kind: str) -> Tensor | None:
        if self.name == "protrna":
            return self.keras("emb_layer_norm_after/last", kind)
        place = "last_layer_norm" if self.name == "lucaone" else "emb_layer_norm_after"
        place = f"{HUB[self.name]}.encoder.{place}" if self.name in HUB else place
        return self.stored[f"{place}.{kind}"]

    def head(self, part: str, kind: str) -> Tensor | None:
        return self.keras(f"lm_head/{part}", kind) if self.name == "protrna" else self.stored[f"lm_head.{part}.{kind}"]

    def output(self) -> tuple[Tensor, Tensor]:
        if self.name == "protrna":
            return self.stored["lm_head/decoder/embeddings"], self.stored["lm_head/head/bias"]
        return self.stored["lm_head.decoder.weight" if self.name in HUB else "lm_head.weight"], self.stored["lm_head.bias"]


#: What a part is called in Keras, by fair-esm, and by `transformers`.
PARTS = {
    "q": ("query", "self_attn.q_proj", "attention.self.query"),
    "k": ("key", "self_attn.k_proj", "attention.self.key"),
    "v": ("value", "self_attn.v_proj", "attention.self.value"),
    "o": ("out", "self_attn.out_proj", "attention.output.dense"),
    "first norm": ("norm1", "self_attn_layer_norm", "attention.LayerNorm"),
    "second norm": ("norm2", "final_layer_norm", "LayerNorm"),
    "up": ("fc1", "fc1", "intermediate.dense"),
    "down": ("fc2", "fc2", "output.dense"),
}


def linear(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    mapped = states @ weight.T
    return mapped if bias is None else mapped + bias


def norm(states: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    centred = states - states.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + epsilon) * weight + bias


def gelu(states: Tensor) -> Tensor:
    return states * 0.5 * (1 + torch.erf(states / math.sqrt(2)))


def rotated(vectors: Tensor) -> Tensor:
    """Turn the pairs (j, j + half) of vectors of shape (T, H, size) by t / 10000^(2j / size), t from 0."""
    half = vectors.shape[-1] // 2
    angles = torch.arange(len(vectors))[:, None, None] / 10000 ** (torch.arange(half) / half)
    left, right = vectors[..., :half], vectors[..., half:]
    return torch.cat([left * angles.cos() - right * angles.sin(), right * angles.cos() + left * angles.sin()], -1)


def original(name: str, stored: dict[str, Tensor], ids: list[int]) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Attention of every layer (H, T, T), states (embedding, layers, the last behind the last norm), and logits (T, V)."""
    read, epsilon, size = Named(name, stored), 1e-12 if name == "ntv2" else 1e-5, WIDTH // HEADS
    hidden = adapter(name).reader(cards()[KEYS[name]], None).mask
    states = read.words()[ids]
    if name == "lucaone":
        states = states + stored["embed_type.weight"][0]
    if name in DROPOUT:
        shown = torch.tensor([number != hidden for number in ids])
        states = states * shown[:, None] * (1 - 0.15 * 0.8) / shown.float().mean()
    maps, seen = [], [states]
    for number in range(LAYERS):

        def part(states: Tensor, name: str, number: int = number) -> Tensor:
            return linear(states, read.layer(name, number, "weight"), read.layer(name, number, "bias"))

        inner = norm(states, read.layer("first norm", number, "weight"), read.layer("first norm", number, "bias"), epsilon)
        query, key, value = (part(inner, name).reshape(len(ids), HEADS, size) for name in "qkv")
        scores = torch.einsum("ihd,jhd->hij", rotated(query * size**-0.5), rotated(key))
        maps.append(scores.softmax(-1))
        states = states + part(torch.einsum("hij,jhd->ihd", maps[-1], value).reshape(len(ids), WIDTH), "o")
        inner = part(norm(states, read.layer("second norm", number, "weight"), read.layer("second norm", number, "bias"), epsilon), "up")
        if name == "ntv2":
            opened, passed = inner[:, : 4 * WIDTH], inner[:, 4 * WIDTH :]
            inner = opened * torch.sigmoid(opened) * passed
        else:
            inner = gelu(inner)
        states = states + part(inner, "down")
        seen.append(states)
    seen[-1] = norm(states, read.last("weight"), read.last("bias"), epsilon)
    inner = gelu(linear(seen[-1], read.head("dense", "weight"), read.head("dense", "bias")))
    matrix, bias = read.output()
    return maps, seen, norm(inner, read.head("layer_norm", "weight"), read.head("layer_norm", "bias"), epsilon) @ matrix.T + bias


# Both sides on the same numbers ------------------------------------------------------------------------------------------

KEYS = {"protrna": "protrna", "lucaone": "lucaone", "resm": "resm-150m", "mprna": "mprna", "ntv2": "nt-v2-50m", "utrlm_original": "utrlm-full"}


def tiny(name: str):
    return replace(cards()[KEYS[name]], layers=LAYERS, heads=HEADS, width=WIDTH)


def drawn(name: str, scale: float = 1.0) -> dict[str, Tensor]:
    """Random tensors in the authors' layout, and the true frequencies; embeddings times `scale`."""
    one, draw, size = adapter(name), torch.Generator().manual_seed(7), WIDTH // HEADS
    stored = unwrapped({key: torch.randn(shape, generator=draw) * 0.25 for key, shape in one.layout(one.config(tiny(name))).items()})
    for key in stored:
        if key.endswith("inv_freq"):
            stored[key] = 10000 ** (-torch.arange(0, size, 2) / size)
        elif re.search(r"embed_tokens|embed_type|word_embeddings|embedding/", key):
            stored[key] = stored[key] * scale
    return stored


def probe_of(name: str, stored: dict[str, Tensor], monkeypatch, config=None):
    held = replace(adapter(name), read_weights=lambda paths: stored, config=config or adapter(name).config)
    monkeypatch.setattr("rnastudy.models.loading.adapter", lambda _: held)
    monkeypatch.setattr("rnastudy.models.loading.weight_paths", lambda _: [])
    return assemble(name, tiny(name)).check()


def tokens_of(name: str) -> list[int]:
    """Bases, one that could not be named, and one that is hidden."""
    reader = adapter(name).reader(tiny(name), None)
    ids = list(reader.read("GGCAUNGAAACUUAGCCGUA").rows[0])
    return [*ids[:4], reader.mask, *ids[5:]]


def off(name: str, network, stored: dict[str, Tensor]) -> float:
    """Largest difference between a network and the original's arithmetic: attention, states of all layers, logits."""
    ids = tokens_of(name)
    inputs = torch.tensor([ids])
    with torch.no_grad():
        found = network(inputs, attention_mask=torch.ones_like(inputs), output_attentions=True, output_hidden_states=True)
    maps, states, logits = original(name, stored, ids)
    assert len(found.attentions) == LAYERS and len(found.hidden_states) == LAYERS + 1
    pairs = [*zip(found.attentions, maps, strict=True), *zip(found.hidden_states, states, strict=True), (found.logits, logits)]
    return max(float((left[0] - right).abs().max()) for left, right in pairs)


@each
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_the_network_computes_what_the_original_does(name, scale, monkeypatch):
    stored = drawn(name, scale)
    assert off(name, probe_of(name, stored, monkeypatch).network, stored) < 1e-5


@pytest.mark.parametrize(
    ("name", "epsilon"), [("protrna", 1e-12), ("lucaone", 1e-12), ("resm", 1e-12), ("mprna", 1e-12), ("ntv2", 1e-5), ("utrlm_original", 1e-12)]
)
def test_a_wrong_epsilon_is_seen(name, epsilon, monkeypatch):
    """On embeddings with a variance below 1e-5, where it counts."""
    stored = drawn(name, 1e-3)

    def wrong(card):
        config = adapter(name).config(card)
        config.layer_norm_eps = epsilon
        return config

    assert off(name, probe_of(name, stored, monkeypatch, wrong).network, stored) > 0.01


@each
def test_token_dropout_is_on_where_the_original_has_it_and_nowhere_else(name, monkeypatch):
    stored = drawn(name)

    def wrong(card):
        config = adapter(name).config(card)
        config.token_dropout = not config.token_dropout
        return config

    assert adapter(name).config(tiny(name)).token_dropout == (name in DROPOUT)
    assert off(name, probe_of(name, stored, monkeypatch, wrong).network, stored) > 0.01


@each
def test_swapped_norms_are_seen(name, monkeypatch):
    stored = drawn(name)
    network = probe_of(name, stored, monkeypatch).network
    for layer in network.esm.encoder.layer:
        layer.LayerNorm, layer.attention.LayerNorm = layer.attention.LayerNorm, layer.LayerNorm
    assert off(name, network, stored) > 0.01


def test_a_missing_type_row_is_seen(monkeypatch):
    stored = drawn("lucaone")
    network = probe_of("lucaone", stored, monkeypatch).network
    network.esm.embeddings.word_embeddings.weight.data -= stored["embed_type.weight"][0]
    assert off("lucaone", network, stored) > 0.01


def test_the_gate_of_the_nucleotide_transformer_is_its_first_half(monkeypatch):
    stored = drawn("ntv2")
    network = probe_of("ntv2", stored, monkeypatch).network
    for layer in network.esm.encoder.layer:
        layer.intermediate.dense.weight.data = layer.intermediate.dense.weight.data.roll(4 * WIDTH, 0)
    assert off("ntv2", network, stored) > 0.01


# Containers and layouts ---------------------------------------------------------------------------------------------------


def test_lucaone_reads_both_layouts_alike(monkeypatch):
    """The converter for the hub puts prefixes on and names the output matrix anew; heads for annotation are left out."""
    one, stored = adapter("lucaone"), drawn("lucaone")
    plain = [key for key in stored if not key.startswith("contact_head")]
    names = list(hub_names(one.config(tiny("lucaone"))))
    hub = {new: stored[old] for old, new in zip(plain, names, strict=True)}
    assert "lucaone.encoder.layers.0.pre_layer_norm.weight" in hub and "lucaone.embeddings.embed_type.weight" in hub and "lm_head.decoder.weight" in hub
    left, right = one.convert(stored | {"classifier_list.gene_type.weight": torch.zeros(2, 2)}), one.convert(hub)
    assert left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_the_output_matrix_of_mp_rna_is_the_table_of_words_where_the_file_does_not_repeat_it(monkeypatch):
    stored = drawn("mprna")
    del stored["lm_head.decoder.weight"]
    network = probe_of("mprna", stored, monkeypatch).network
    assert off("mprna", network, stored | {"lm_head.decoder.weight": stored["OmniGenome.embeddings.word_embeddings.weight"]}) < 1e-5


@pytest.mark.parametrize("extra", ["classifier.weight", "dense.bias", "OmniGenome.pooler.dense.weight", "OmniGenome.contact_head.regression.bias"])
def test_heads_of_mp_rna_are_left_out_by_name(extra):
    convert = adapter("mprna").convert
    assert convert({extra: torch.zeros(2)}) == {}
    with pytest.raises(StudyError, match="unexpected"):
        convert({f"{extra}.more": torch.zeros(2)})


def test_a_trainers_checkpoint_of_resm_is_read_without_unpickling_its_settings(tmp_path, monkeypatch):
    """The file pickles an object of a class that the script which ran had defined."""
    stored, path = drawn("resm"), tmp_path / "RESM-150M-KDNY.ckpt"

    def save(name: str) -> None:
        kind = type(name, (), {"__module__": "__main__"})
        monkeypatch.setattr(sys.modules["__main__"], name, kind, raising=False)
        settings = kind()
        settings.name, settings.warmup = "adam", 16000
        torch.save({"state_dict": stored, "hyper_parameters": {"optimizer_config": settings}, "epoch": 3}, path)

    save("OptimizerConfig")
    with pytest.raises(StudyError, match="OptimizerConfig"):
        read_tensors([path])
    assert off("resm", assemble("resm", tiny("resm"), path).check().network, stored) < 1e-5
    save("Unheard")
    with pytest.raises(StudyError, match="Unheard"):
        assemble("resm", tiny("resm"), path)


#: Tails of the names that Keras 2 gave to the tensors of ProtRNA: seen in a small file written by the authors' code under TensorFlow 2.14.
KERAS = {"query": "dense", "key": "dense_1", "value": "dense_2", "out": "dense_3", "fc1": "dense_4", "fc2": "dense_5"}


def keras_file(path, stored: dict[str, Tensor], order=list) -> None:
    """Write HDF5 as Keras does: groups by ``layer_names``, tensors by ``weight_names``, both in order."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        groups = list(dict.fromkeys(key.partition("/")[0] for key in stored))
        file.attrs["layer_names"] = [group.encode() for group in groups]
        for group in groups:
            held = {key: tensor for key, tensor in stored.items() if key.startswith(f"{group}/")}
            names = []
            for place, (key, tensor) in enumerate(order(held.items())):
                part, kind = key.split("/")[1:]
                name = f"ProtRNA/{group}/{KERAS.get(part, part)}_{place}/{kind}:0"
                file.create_group(group) if group not in file else None
                file[group][name] = tensor.numpy()
                names.append(name.encode())
            file[group].attrs["weight_names"] = names


def test_protrna_is_read_from_keras_in_order(tmp_path):
    stored = drawn("protrna")
    path = tmp_path / "ProtRNA_pretrained.h5"
    keras_file(path, stored)
    assert off("protrna", assemble("protrna", tiny("protrna"), path).check().network, stored) < 1e-5
    assert off("protrna", assemble("protrna", tiny("protrna"), tmp_path).check().network, stored) < 1e-5


def test_another_order_or_another_number_of_tensors_is_refused(tmp_path):
    stored, path = drawn("protrna"), tmp_path / "ProtRNA_pretrained.h5"
    keras_file(path, stored, order=lambda items: list(items)[::-1])
    with pytest.raises(StudyError, match="order of the file"):
        assemble("protrna", tiny("protrna"), path)
    keras_file(path, {key: tensor for key, tensor in stored.items() if key != "layer_._1/norm2/beta"})
    with pytest.raises(StudyError, match="holds 16 tensors, not 17"):
        assemble("protrna", tiny("protrna"), path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(StudyError, match="cannot be read"):
        assemble("protrna", tiny("protrna"), path)


def test_without_h5py_the_remedy_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    path = tmp_path / "ProtRNA_pretrained.h5"
    path.touch()
    with pytest.raises(StudyError, match=r"rnastudy\[protrna\]"):
        assemble("protrna", tiny("protrna"), path)


# Readers ------------------------------------------------------------------------------------------------------------------

#: Ids of A, C, G, U and N, before, and after, as the authors' code has them.
TABLES = {
    "protrna": ([33, 36, 35, 34, 37], [0], [2], {1, 2, 3, 32}),
    "lucaone": ([5, 7, 8, 6, 9], [2], [3], {0, 1, 4}),
    "resm": ([15, 17, 19, 13, 24], [0], [2], {1, 3, 32}),
    "mprna": ([4, 5, 6, 9, 8], [0], [2], {1, 3, 23}),
    "utrlm_original": ([3, 5, 4, 6, 2], [7], [1], {0, 2, 8, 9}),
}


@pytest.mark.parametrize("name", TABLES)
def test_letters_are_those_of_the_original(name):
    letters, before, after, _ = TABLES[name]
    assert adapter(name).reader(tiny(name), None).read("ACGUN").rows == ((*before, *letters, *after),)


@each
def test_no_base_is_unknown_in_u_or_in_t(name):
    """Spelled either way, and on real RNAs."""
    reader = adapter(name).reader(tiny(name), None)
    bad = TABLES[name][3] if name in TABLES else {0, 1, 2, 4, 5}
    texts = ("GGGUUUAAACCCAGUCUUGAC", "GGGTTTAAACCCAGTCTTGAC", "gggtttaaacccagtcttgac")
    spelled = [reader.read(normalise(text)).rows[0] for text in texts]
    assert spelled[0] == spelled[1] == spelled[2]
    end = -1 if name in TABLES else None
    for rna in load("srtest150").rnas:
        ids = reader.read(rna.sequence.replace("N", "A")).rows[0]
        assert not bad & set(ids[1:end]) and max(ids) < adapter(name).config(tiny(name)).vocab_size


@pytest.mark.parametrize("name", TABLES)
def test_a_planted_helix_lies_on_its_bases(name):
    tokens = adapter(name).reader(tiny(name), None).read("GGGCUUUUGCCC")
    helix = [(0, 11), (1, 10), (2, 9), (3, 8)]
    place = {span[0]: token for token, span in enumerate(tokens.spans) if span}
    maps = torch.zeros(len(tokens), len(tokens))
    for left, right in helix:
        maps[place[left], place[right]] = maps[place[right], place[left]] = 1
    found = to_bases(maps, tokens.spans, tokens.length)
    assert {tuple(sorted(pair)) for pair in found.nonzero().tolist()} == set(helix)


NT = {"v1": (KmerReader(first=4, pad=1, start=3, mask=2), ["<unk>", "<pad>", "<mask>", "<cls>"]), "v2": (KmerReader(first=6, pad=1, start=3, mask=2), None)}


@pytest.mark.parametrize("version", NT)
def test_k_mers_are_cut_as_the_tokenizer_of_transformers_cuts_them(version, tmp_path):
    from itertools import product

    from transformers import EsmTokenizer

    reader, special = NT[version]
    special = special or ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"]
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join([*special, *("".join(word) for word in product("ATCG", repeat=6)), *"ATCGN"]))
    tokenizer = EsmTokenizer(str(file), eos_token=None)
    draw = torch.Generator().manual_seed(3)
    texts = ["ACGTAC", "ACGTACG", "N", "NACGTACGTN", "ACGTANACGTACGNNACG", "ACGTACGTACGTACGTACGTA"]
    texts += ["".join("ACGTN"[number] for number in torch.randint(0, 5, (60,), generator=draw).tolist()) for _ in range(20)]
    texts += ["".join("ACGT"[number] for number in torch.randint(0, 4, (95,), generator=draw).tolist()) for _ in range(20)]
    for text in texts:
        assert list(reader.read(text.replace("T", "U")).rows[0]) == tokenizer(text)["input_ids"], text


def test_k_mers_cover_every_base_once_and_say_what_they_stand_for():
    reader = adapter("ntv2").reader(tiny("ntv2"), None)
    tokens = reader.read("GGGGCCAAAUAUGGNCCCCAUG")
    assert tokens.spans[0] is None and [base for span in tokens.spans[1:] for base in range(*span)] == list(range(22))
    text = "".join("N" if number == 4106 else reader.pieces()[number] for number in tokens.rows[0][1:])
    assert text == "GGGGCCAAAUAUGGNCCCCAUG" and 4106 not in reader.pieces() and reader.mask not in reader.pieces()
    for refused in (reader.base_ids, lambda: reader.read("ACG", "ACG")):
        with pytest.raises(StudyError):
            refused()


def test_a_planted_helix_of_k_mers_lies_on_its_blocks():
    tokens = adapter("ntv2").reader(tiny("ntv2"), None).read("GGGCCCUUUUUUGGGCCCA")
    maps = torch.zeros(5, 5)
    maps[1, 3] = maps[3, 1] = 1
    found = to_bases(maps, tokens.spans, tokens.length)
    assert tokens.spans == (None, (0, 6), (6, 12), (12, 18), (18, 19))
    assert {tuple(pair) for pair in found.nonzero().tolist()} == {(i, j) for i in range(6) for j in range(12, 18)} | {
        (j, i) for i in range(6) for j in range(12, 18)
    }
    assert torch.allclose(found.sum(-1)[:6], torch.ones(6))


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in NAMES for key, card in cards().items() if card.loader == name])
def test_cards_say_that_no_real_weights_were_loaded(name, key):
    card = cards()[key]
    assert "never loaded" in card.certainty and card.files and card.max_bases


def test_half_precision_leaves_the_rotary_frequencies_exact():
    """Rounded to bfloat16, they would move the positions of far bases."""
    exact, half = (load_model("utrlm-base@untrained", dtype=dtype) for dtype in ("float32", "bfloat16"))
    pairs = [
        (left, right) for (name, left), (_, right) in zip(exact.network.named_buffers(), half.network.named_buffers(), strict=True) if name.endswith("inv_freq")
    ]
    assert pairs and all(right.dtype == torch.float32 and torch.equal(left, right) for left, right in pairs)
    assert next(half.network.parameters()).dtype == torch.bfloat16
