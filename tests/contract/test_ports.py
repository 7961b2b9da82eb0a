"""What the cards say of the ports of `multimolecule`, shown on tiny random checkpoints that are stored as wrongly as they come."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from rnastudy import analyses, datasets
from rnastudy.errors import StudyError
from rnastudy.models import cards, load, loading
from rnastudy.rna import Rna

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
CLASSES = {
    "rnafm": "RnaFm",
    "rnamsm": "RnaMsm",
    "rnaernie": "RnaErnie",
    "rinalmo-micro": "RiNALMo",
    "ernierna": "ErnieRna",
    "utrlm": "UtrLm",
    "utrlm-mrl": "UtrLm",
    "splicebert": "SpliceBert",
    "dnabert-3mer": "DnaBert",
    "dnabert2": "DnaBert2",
}
HAIRPIN = "GGGCUAAGCUUCGGCUUAGCCC"
RNA = Rna("hairpin", HAIRPIN)


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Save a tiny port under a card's key, its configuration changed as told, and load it by that name."""
    if find_spec("multimolecule") is None:
        assert os.environ.get("CI") != "true", "the extra 'multimolecule' is not installed: the ports cannot be checked"
        pytest.skip("the extra 'multimolecule' is not installed")

    def save(key: str, **wrong):
        folder = tmp_path / key
        if not folder.exists():
            write(key, folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | wrong))
        held = {**cards(), key: replace(cards()[key], hub=str(folder), revision=None, layers=2, heads=4, width=24)}
        monkeypatch.setattr(loading, "find_card", held.get)
        return folder

    return save


@pytest.mark.parametrize("key", [key for key, card in cards().items() if card.loader == "multimolecule" and key != "dnabert2"])
def test_an_untrained_twin_needs_the_card_alone(key, monkeypatch):
    """Its number of parameters at true size is the card's; a small one reads RNA, without the hub."""
    from rnastudy.models.checkpoint import auto_class
    from rnastudy.models.ports import port_config, port_tokenizer

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    card = cards()[key]
    config = port_config(card, len(port_tokenizer(card)))
    with torch.device("meta"):
        network = auto_class(config).from_config(config)
    count = sum(weight.numel() for weight in network.parameters()) / 1e6
    assert count == pytest.approx(card.parameters_million, rel=0.001)
    assert all(getattr(config, setting) == value for setting, value in card.overrides.items())
    monkeypatch.setattr(loading, "find_card", lambda name: replace(card, layers=2, heads=4, width=24, hub="nobody/nothing", revision=None))
    twin = load(f"{key}@untrained")
    assert (twin.n_layers, twin.n_heads, twin.width) == (2, 4, 24)


def write(key: str, folder) -> None:
    import multimolecule

    tokenizer = bpe_tokenizer() if key == "dnabert2" else multimolecule.DnaTokenizer(nmers=3, alphabet="nucleobase") if "dnabert" in key else None
    tokenizer = tokenizer or multimolecule.RnaTokenizer()
    kind = CLASSES[key]
    torch.manual_seed(1)
    config = getattr(multimolecule, f"{kind}Config")(**SIZES, vocab_size=len(tokenizer), architectures=[f"{kind}ForMaskedLM"])
    network = getattr(multimolecule, f"{kind}ForMaskedLM")(config)
    if key == "ernierna":
        with torch.no_grad():
            for weight in network.model.pairwise_bias_proj.parameters():
                weight.copy_(torch.randn(weight.shape))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def bpe_tokenizer():
    from tokenizers import Tokenizer, models, processors, trainers
    from transformers import PreTrainedTokenizerFast

    held = Tokenizer(models.BPE(unk_token="[UNK]"))
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    held.train_from_iterator([HAIRPIN.replace("U", "T"), "ACGT", "TTGACATGCA"] * 9, trainers.BpeTrainer(vocab_size=40, special_tokens=specials))
    held.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=held, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]")


def epsilons(probe) -> set[float]:
    return {module.eps for module in probe.network.modules() if isinstance(module, torch.nn.LayerNorm)}


def first_maps(probe, rna: Rna = RNA) -> torch.Tensor:
    return torch.stack([one.maps for one in probe.attention([rna])])


# Norms


@pytest.mark.parametrize("key", CLASSES)
def test_every_norm_has_the_epsilon_of_the_original_whatever_was_stored(key, stored):
    right = cards()[key].overrides["layer_norm_eps"]
    stored(key, layer_norm_eps=1e-12 if right > 1e-8 else 1e-5, lm_head={"layer_norm_eps": 1e-7})
    assert epsilons(load(key)) == epsilons(load(f"{key}@untrained")) == {right}


@pytest.mark.parametrize("key", ["rnamsm", "utrlm"])
def test_the_configuration_alone_does_not_reach_every_norm(key, stored):
    """Why the override is laid on the modules: by path, as stored, the norms of these two ports differ among themselves."""
    assert len(epsilons(load(stored(key, layer_norm_eps=1e-12 if key == "rnamsm" else 1e-5)))) == 2


# Tokens


@pytest.mark.parametrize("key", CLASSES)
def test_end_tokens_and_the_letter_of_uracil_are_those_of_the_original(key, stored):
    stored(key)
    reader = load(key).reader
    ids, spans = reader.read(HAIRPIN).rows[0], reader.read(HAIRPIN).spans
    assert spans[0] is None and (spans[-1] is None) == (key != "rnamsm")
    assert reader.alphabet == ("T" if "dnabert" in key else "U") and reader.tokenizer.unk_token_id not in ids


@pytest.mark.parametrize(("key", "written"), [("rnamsm", "X"), ("rnaernie", "<unk>"), ("utrlm", "<unk>"), ("rnafm", "N"), ("splicebert", "N")])
def test_a_base_without_a_name_is_read_as_the_original_reads_it(key, written, stored):
    stored(key)
    reader = load(key).reader
    read = reader.read("GNCA")
    assert read.rows[0][2] == reader.tokenizer.get_vocab()[written] and read.spans[1:5] == ((0, 1), (1, 2), (2, 3), (3, 4))


@pytest.mark.parametrize(("key", "longest"), [("rnamsm", 1023), ("rnaernie", 510), ("rnafm", 1022), ("splicebert", 1024), ("dnabert-3mer", 512)])
def test_the_longest_rna_of_the_card_has_a_position_for_each_token(key, longest, stored):
    stored(key)
    probe = load(key)
    assert probe.max_bases == longest and probe.skipped([Rna("fits", "ACGU" * (longest // 4) + "ACGU"[: longest % 4])]) == []
    assert probe.skipped([Rna("long", "A" * (longest + 1))]) == [0]


def test_padding_of_dnabert_2_is_hidden_and_its_unknown_token_is_not(stored):
    """The configuration says padding is 0, which is the unknown token; the tokenizer's padding is 3."""
    folder = stored("dnabert2", pad_token_id=0)
    probe = load("dnabert2")
    assert json.loads((folder / "config.json").read_text())["pad_token_id"] == 0 and probe.reader.pad == 3
    unknown, long = Rna("unknown", "GGCNNACC"), Rna("long", HAIRPIN * 2)
    assert 0 in probe.reader.read(unknown.sequence).rows[0]
    together = {(one.index, one.layer): one.maps for one in probe.attention([unknown, long])}
    for one in probe.attention([unknown]):
        assert torch.allclose(one.maps, together[0, one.layer], atol=1e-6)
    ids, mask = probe._collate([probe.reader.read(unknown.sequence), probe.reader.read(long.sequence)])
    assert mask[0].sum() == len(probe.reader.read(unknown.sequence)) and (ids[0][mask[0] == 0] == 3).all()


# Arithmetic


@pytest.mark.parametrize("key", ["rinalmo-micro", "utrlm"])
def test_token_dropout_scales_embeddings_at_inference(key, stored):
    stored(key, token_dropout=False)
    probe = load(key)
    embedded = next(probe.hidden([RNA], layers="all")).bases[0]
    plain = probe.network.get_input_embeddings().weight[torch.tensor(probe.reader.read(HAIRPIN).rows[0][1:-1])]
    assert torch.allclose(embedded, 0.88 * plain, atol=1e-6)


def test_rna_msm_is_axial_whatever_was_stored(stored):
    stored("rnamsm", layer_type="standard")
    assert load("rnamsm").network.config.layer_type == "axial"


def test_positions_of_rna_msm_begin_at_2(stored):
    stored("rnamsm")
    embeddings = load("rnamsm").network.model.embeddings
    seen: list[torch.Tensor] = []
    hook = embeddings.position_embeddings.register_forward_hook(lambda module, inputs, output: seen.append(output))
    embeddings(torch.full((1, 1, 3), 6), attention_mask=torch.ones(1, 1, 3, dtype=torch.bool))
    hook.remove()
    assert torch.equal(seen[0].reshape(3, -1), embeddings.position_embeddings.weight[2:5])


# The pairing prior


def test_the_prior_of_a_trained_ernie_rna_can_be_switched_off(stored):
    stored("ernierna")
    on, off, twin = load("ernierna"), load("ernierna@prior-off"), load("ernierna@untrained")
    maps = [first_maps(probe) for probe in (on, off, twin)]
    assert not torch.allclose(maps[0], maps[1], atol=1e-5) and not torch.allclose(maps[1], maps[2], atol=1e-5)
    tables = [next(module.pairwise_bias_map for module in probe.network.modules() if hasattr(module, "pairwise_bias_map")) for probe in (on, off, twin)]
    assert [bool(table.any()) for table in tables] == [True, False, False]
    assert off.weights_sha256 == on.weights_sha256 != twin.weights_sha256
    assert all(torch.equal(one, other) for one, other in zip(on.network.parameters(), off.network.parameters(), strict=True))


def test_with_the_prior_off_bases_that_pair_are_not_told_from_others(stored):
    """Once all letters have one embedding, only the prior knows which base stands where."""
    stored("ernierna")
    same = []
    for probe in (load("ernierna"), load("ernierna@prior-off")):
        with torch.no_grad():
            table = probe.network.get_input_embeddings().weight
            table[6:10] = table[6]
        same.append(torch.allclose(first_maps(probe), first_maps(probe, Rna("other", "A" * len(HAIRPIN))), atol=1e-6))
    assert same == [False, True]


def test_a_twin_with_the_prior_off_is_the_twin(stored):
    stored("ernierna")
    assert torch.equal(first_maps(load("ernierna@prior-off@untrained")), first_maps(load("ernierna@untrained")))


def test_conditions_that_a_model_does_not_have_are_refused(stored):
    stored("rnafm")
    with pytest.raises(StudyError, match="'rnafm@prior-off' has no pairing prior to switch off"):
        load("rnafm@prior-off")
    with pytest.raises(StudyError, match="'rnafm@depth1' reads single sequences"):
        load("rnafm@depth1")


# Alignments


def test_rna_msm_reads_at_most_so_many_rows(stored):
    stored("rnamsm")
    sequence = HAIRPIN
    rows = tuple(dict.fromkeys([sequence, *(sequence[:place] + "ACGU"[place % 4] * 4 + sequence[place + 4 :] for place in range(18))]))
    deep = RNA.with_(alignment=rows)
    probe, four, one = load("rnamsm"), load("rnamsm@depth4"), load("rnamsm@depth1")
    assert probe.max_rows == 512 and [len(each.rows(deep)) for each in (probe, four, one)] == [len(rows), 4, 1]
    assert torch.equal(first_maps(one, deep), first_maps(probe)) and not torch.allclose(first_maps(probe, deep), first_maps(four, deep))
    with pytest.raises(StudyError, match="reads at most 512 rows, not 600"):
        load("rnamsm@depth600")


def test_the_order_of_homologs_does_not_matter(stored):
    """The scalar that tells rows apart is added to all channels alike, and the norm takes it out again."""
    stored("rnamsm")
    rows = (HAIRPIN, HAIRPIN.replace("A", "G"), HAIRPIN.replace("C", "-"))
    turned = RNA.with_(alignment=(rows[0], rows[2], rows[1]))
    probe = load("rnamsm")
    assert torch.allclose(first_maps(probe, RNA.with_(alignment=rows)), first_maps(probe, turned), atol=1e-5)


def test_the_whole_way_from_the_embedded_seed_alignments_to_a_table(stored):
    stored("rnamsm")
    given = datasets.load("rfam_seed_alignments_heldout", max_bases=220)
    entrants = [analyses.neural(load("rnamsm@depth8")), analyses.neural(load("rnamsm@depth1"))]
    half = len(given.rnas) // 2
    sets = [replace(given, name=name, rnas=rnas) for name, rnas in (("select", given.rnas[:half]), ("test", given.rnas[half:]))]
    study = analyses.alignments(entrants, *sets, n_draws=10, progress=False)
    assert study.value("rnamsm@depth8").depth == 8 and study.value("rnamsm@depth1").depth == 1
    assert (study.per_rna.rows > 8).all()
