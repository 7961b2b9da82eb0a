"""Every model that a library here can build keeps the contract of `Probe`: tiny random checkpoints, loaded by path."""

from __future__ import annotations

import os
from importlib.util import find_spec
from itertools import product

import pytest
import torch

from rnastudy.errors import StudyError
from rnastudy.models import cards, load
from rnastudy.models.adapters import adapter_names
from rnastudy.rna import Rna

#: Architecture -> keys of the cards that are built with it.
ARCHITECTURES = {
    "rnastudy-encoder": ["mapconv-9k", "mapconv-70k", "mapconv-300k", "plain-70k"],
    "rnastudy-alignment": ["align-27k"],
    "RnaFm": ["rnafm"],
    "RnaMsm": ["rnamsm"],
    "RnaErnie": ["rnaernie"],
    "RiNALMo": ["rinalmo-micro", "rinalmo-mega", "rinalmo-giga"],
    "ErnieRna": ["ernierna"],
    "UtrLm": ["utrlm", "utrlm-mrl"],
    "SpliceBert": ["splicebert"],
    "DnaBert": ["dnabert-3mer", "dnabert-6mer"],
    "DnaBert2": ["dnabert2"],
    "RnaBert": [],
    "Esm2": ["esm2", "esm2-8m", "esm2-35m", "esm2-150m", "esm2-3b", "esm2-15b"],
    "NucleotideTransformer": ["nt", "nt-500m-1000g", "nt-2.5b-1000g", "nt-2.5b-multi"],
}
#: What a tokenizer of each architecture makes of bases; all others: one token a base.
SEVERAL_BASES = {"DnaBert", "DnaBert2", "NucleotideTransformer"}
NO_START = {"rnastudy-alignment"}
SIZES = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 32}
HAIRPIN = "GGGCUAAGCUUCGGCUUAGCCC"
RNAS = [
    Rna("long", HAIRPIN * 2 + "ACG"),
    Rna("short", HAIRPIN),
    Rna("named", "ACGUACGGUCAUUGCAUG"),
]


def needs_multimolecule() -> None:
    if find_spec("multimolecule") is None:
        assert os.environ.get("CI") != "true", "the extra 'multimolecule' is not installed: the model contract cannot be checked"
        pytest.skip("the extra 'multimolecule' is not installed")


def save_embedded(kind: str, folder) -> None:
    from rnastudy import modeling

    config, network = {
        "rnastudy-encoder": (modeling.EncoderConfig, modeling.EncoderForMaskedLM),
        "rnastudy-alignment": (modeling.AlignmentConfig, modeling.AlignmentForMaskedLM),
    }[kind]
    network(config(**SIZES)).save_pretrained(folder)


def save_multimolecule(kind: str, folder) -> None:
    needs_multimolecule()
    import multimolecule

    tokenizer = (
        bpe_tokenizer()
        if kind == "DnaBert2"
        else multimolecule.DnaTokenizer(nmers=3, alphabet="nucleobase")
        if kind == "DnaBert"
        else multimolecule.RnaTokenizer()
    )
    config = getattr(multimolecule, f"{kind}Config")(**SIZES, vocab_size=len(tokenizer), architectures=[f"{kind}ForMaskedLM"])
    getattr(multimolecule, f"{kind}ForMaskedLM")(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def bpe_tokenizer():
    from tokenizers import Tokenizer, models, processors, trainers
    from transformers import PreTrainedTokenizerFast

    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    held = Tokenizer(models.BPE(unk_token="[UNK]"))
    held.train_from_iterator([HAIRPIN.replace("U", "T"), "ACGTN", "TTGACATGCA"] * 9, trainers.BpeTrainer(vocab_size=40, special_tokens=specials))
    held.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=held, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]")


def save_esm(kind: str, folder) -> None:
    from transformers import EsmConfig, EsmForMaskedLM, EsmTokenizer

    if kind == "Esm2":
        words = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
        options = {"position_embedding_type": "rotary", "token_dropout": True, "rna_alphabet": "U", "mask_token_id": words.index("<mask>")}
    else:
        words = ["<unk>", "<pad>", "<mask>", "<cls>", *map("".join, product("ATCG", repeat=6)), *"ATCGN"]
        options = {
            "position_embedding_type": "absolute",
            "token_dropout": True,
            "tie_word_embeddings": False,
            "mask_token_id": 2,
            "max_position_embeddings": 102,
        }
    vocabulary = folder.with_suffix(".txt")
    vocabulary.write_text("\n".join(words))
    tokenizer = EsmTokenizer(str(vocabulary), eos_token="<eos>" if kind == "Esm2" else None)
    EsmForMaskedLM(EsmConfig(**SIZES, vocab_size=len(words), pad_token_id=1, **options)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    made: dict[str, object] = {}

    def make(kind: str):
        if kind not in made:
            folder = tmp_path_factory.mktemp("checkpoints") / kind
            torch.manual_seed(1)
            save = save_embedded if kind.startswith("rnastudy") else save_esm if kind in ("Esm2", "NucleotideTransformer") else save_multimolecule
            save(kind, folder)
            made[kind] = load(folder), folder
        return made[kind]

    return make


each = pytest.mark.parametrize("kind", ARCHITECTURES)


def test_every_loadable_card_has_an_architecture_here():
    loadable = {key for key, card in cards().items() if card.loader not in ("none", *adapter_names())}
    assert loadable == {key for keys in ARCHITECTURES.values() for key in keys}


@each
def test_attention_has_the_promised_shapes_and_order(kind, checkpoint):
    probe, _ = checkpoint(kind)
    seen: dict[int, list[int]] = {}
    for one in probe.attention(RNAS):
        length = len(RNAS[one.index])
        assert one.maps.shape == (probe.n_heads, length, length) and one.maps.dtype == torch.float32
        assert (one.maps >= 0).all() and (one.maps.sum(-1) <= 1 + 1e-5).all() and (one.maps.sum(-1) > 0).all()
        seen.setdefault(one.index, []).append(one.layer)
    assert seen == {index: [0, 1, 2] for index in range(3)}
    assert (probe.n_layers, probe.n_heads, probe.width) == (3, 4, 24)


@each
def test_streamed_attention_is_what_the_network_itself_reports(kind, checkpoint):
    from rnastudy.tokens import to_bases

    probe, _ = checkpoint(kind)
    tokens = probe.reader.read(RNAS[1].sequence)
    out = probe._forward([tokens], output_attentions=True)
    reported = out.row_attentions if kind == "RnaMsm" else out.attentions
    assert len(reported) == 3
    for one in probe.attention(RNAS[1:2]):
        assert torch.allclose(one.maps, to_bases(reported[one.layer][0], tokens.spans, tokens.length), atol=1e-6)


@each
def test_padding_changes_nothing(kind, checkpoint):
    probe, _ = checkpoint(kind)
    alone = {(one.index, one.layer): one.maps for index in range(3) for one in shifted(probe.attention([RNAS[index]]), index)}
    for one in probe.attention(RNAS):
        assert torch.allclose(one.maps, alone[one.index, one.layer], atol=2e-6)
    single = {index: next(probe.hidden([RNAS[index]], layers="all")).bases for index in range(3)}
    for one in probe.hidden(RNAS, layers="all"):
        assert torch.allclose(one.bases, single[one.index], atol=2e-5)


def shifted(stream, index):
    from dataclasses import replace

    return [replace(one, index=index) for one in stream]


@each
def test_hidden_states_end_in_the_last_hidden_state(kind, checkpoint):
    probe, _ = checkpoint(kind)
    for one, last in zip(probe.hidden(RNAS, layers="all"), probe.hidden(RNAS), strict=True):
        length = len(RNAS[one.index])
        assert one.bases.shape == (4, length, 24) and last.bases.shape == (1, length, 24)
        assert torch.equal(one.bases[-1:], last.bases)
        assert (one.first is None) == (kind in NO_START)
        assert one.first is None or one.first.shape == (4, 24)
    if not kind.startswith("rnastudy"):
        ids, mask = probe._collate([probe.reader.read(RNAS[1].sequence)])
        with torch.no_grad():
            direct = probe.network.base_model(ids, attention_mask=mask).last_hidden_state
        if kind not in SEVERAL_BASES:
            head = 1 if probe.reader.read("ACGU").spans[0] is None else 0
            direct = (direct[0, 0] if direct.dim() == 4 else direct[0])[head : head + len(RNAS[1])]
            assert torch.allclose(next(probe.hidden(RNAS[1:2])).bases[0], direct, atol=1e-6)


@each
def test_logits_are_of_bases_or_refused(kind, checkpoint):
    probe, _ = checkpoint(kind)
    if kind in SEVERAL_BASES:
        with pytest.raises(StudyError, match="undefined for tokens of several bases"):
            next(probe.logits(RNAS))
        return
    for index, logits in probe.logits(RNAS):
        assert logits.shape == (len(RNAS[index]), 4) and logits.isfinite().all()


@each
def test_two_runs_agree_to_the_bit(kind, checkpoint):
    probe, _ = checkpoint(kind)
    for left, right in zip(probe.attention(RNAS), probe.attention(RNAS), strict=True):
        assert torch.equal(left.maps, right.maps)


@each
def test_the_untrained_twin_is_another_and_repeatable(kind, checkpoint):
    probe, folder = checkpoint(kind)
    twin, again, other = (load(f"{folder}@untrained", seed=seed) for seed in (3, 3, 4))
    first = [next(one.hidden(RNAS[:1])).bases for one in (probe, twin, again, other)]
    assert torch.equal(first[1], first[2])
    assert not torch.allclose(first[0], first[1]) and not torch.allclose(first[1], first[3])
    assert twin.n_parameters == probe.n_parameters and twin.weights_sha256 == again.weights_sha256 != other.weights_sha256


def test_the_pairing_prior_is_off_in_the_null_of_ernie_rna(checkpoint):
    probe, folder = checkpoint("ErnieRna")
    twin = load(f"{folder}@untrained")
    next(twin.hidden(RNAS))
    tables = [module.pairwise_bias_map for one in (twin, probe) for module in one.network.modules() if hasattr(module, "pairwise_bias_map")]
    assert tables[0].abs().sum() == 0 and tables[1].abs().sum() > 0


def test_rna_msm_reads_without_an_end_token_and_with_an_alignment(checkpoint):
    probe, _ = checkpoint("RnaMsm")
    assert len(probe.reader.read("ACGU")) == 5
    deep = RNAS[1].with_(alignment=(HAIRPIN, HAIRPIN.replace("G", "-"), HAIRPIN))
    maps = [next(probe.attention([rna])).maps for rna in (RNAS[1], deep)]
    assert maps[0].shape == maps[1].shape and not torch.allclose(maps[0], maps[1])


def test_a_bias_stored_once_serves_both_places(checkpoint, tmp_path):
    """RiNALMo's port stores one of two tied biases; the other must not be left at its first draw."""
    probe, folder = checkpoint("RiNALMo")
    assert probe.network.lm_head.decoder.bias is probe.network.lm_head.bias


def test_an_end_token_without_an_embedding_is_left_out(checkpoint):
    """The Nucleotide Transformer names an end token beyond its vocabulary; it was never trained with one."""
    from transformers import AutoTokenizer

    probe, folder = checkpoint("NucleotideTransformer")
    tokenizer = AutoTokenizer.from_pretrained(folder, eos_token="<eos>")
    assert tokenizer.eos_token_id >= probe.vocabulary
    tokenizer.save_pretrained(folder)
    assert load(folder).reader.read("ACGUACGU").spans == (None, (0, 6), (6, 7), (7, 8))
