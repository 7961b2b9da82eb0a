"""Tokens of RNA-km, BiRNA-BERT (base by base and by byte pairs) and AIDO.RNA: ids, spans, planted helices, U and T, unknowns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from rnastudy import datasets
from rnastudy.datasets.normalise import normalise_letters
from rnastudy.errors import StudyError
from rnastudy.models import cards
from rnastudy.models.adapters import adapter
from rnastudy.models.adapters.birnabert import token_reader
from rnastudy.models.loading import assemble
from rnastudy.rna import Rna
from rnastudy.tokens import check_spans, coverage, to_bases

HELIX = [(0, 21), (1, 20), (2, 19), (3, 18), (4, 17), (5, 16), (6, 15), (7, 14), (8, 13)]
HAIRPIN = "GGGCUAAGCUUCGGCUUAGCCC"
SINGLE = ("rnakm", "birnabert", "aidorna-650m")
#: What each reads of GAUCN, and its special tokens, from the authors' vocabularies.
READ = {"rnakm": (3, 0, 1, 2, 5), "birnabert": (2, 7, 5, 9, 6, 8, 3), "aidorna-650m": (2, 6, 5, 8, 7, 10, 3)}
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session")
def byte_pairs(tmp_path_factory):
    """A small tokenizer built as BiRNA-BERT's: same kind, same special ids, same letters, 300 tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    held = Tokenizer(models.BPE(unk_token="[UNK]"))
    held.pre_tokenizer = pre_tokenizers.Whitespace()
    letters = trainers.BpeTrainer(vocab_size=300, special_tokens=SPECIALS, initial_alphabet=list("ACGNT"), show_progress=False)
    texts = [rna.sequence.replace("U", "T") for rna in datasets.load("srtrain150")]
    held.train_from_iterator(texts, letters)
    held.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    path = tmp_path_factory.mktemp("birnabert") / "tokenizer.json"
    held.save(str(path))
    return path


@pytest.fixture(scope="session")
def readers(byte_pairs):
    found = {key: adapter(cards()[key].loader).reader(cards()[key], lambda name: None) for key in SINGLE}
    return found | {"birnabert-bpe": adapter("birnabert").reader(cards()["birnabert-bpe"], lambda name: byte_pairs)}


every = pytest.mark.parametrize("key", (*SINGLE, "birnabert-bpe"))


def planted(spans, length):
    """A token map with weight only where two tokens hold both ends of a pair of HELIX, and the blocks of bases they stand for."""
    cover = coverage(spans, length)
    maps = sum(torch.outer(cover[:, i], cover[:, j]) + torch.outer(cover[:, j], cover[:, i]) for i, j in HELIX).clamp(max=1)
    return maps, (cover.T @ maps @ cover) > 0


@pytest.mark.parametrize("key", SINGLE)
def test_ids_are_those_of_the_authors_vocabulary(key, readers):
    assert readers[key].read("GAUCN").rows == (READ[key],)


def test_uracil_of_aidorna_follows_its_card():
    card = replace(cards()["aidorna-650m"], alphabet="U")
    assert adapter("aidorna").reader(card, lambda name: None).read("U").rows == ((2, 9, 3),)


@every
def test_a_planted_helix_comes_out_on_the_paired_bases(key, readers):
    spans = readers[key].read(HAIRPIN).spans
    maps, blocks = planted(spans, len(HAIRPIN))
    found = to_bases(maps, spans, len(HAIRPIN))
    paired = {(i, j) for i, j in HELIX} | {(j, i) for i, j in HELIX}
    assert torch.equal(found > 0, blocks) and all(blocks[pair] for pair in paired)
    if key in SINGLE:
        assert {tuple(place) for place in blocks.nonzero().tolist()} == paired


@every
def test_a_map_that_is_off_by_one_token_does_not(key, readers):
    spans = readers[key].read(HAIRPIN).spans
    maps, blocks = planted(spans, len(HAIRPIN))
    assert not torch.equal(to_bases(maps.roll((1, 1), (0, 1)), spans, len(HAIRPIN)) > 0, blocks)


def test_byte_pairs_partition_the_sequence(byte_pairs):
    reader = token_reader(byte_pairs)
    for rna in datasets.load("srtest150"):
        tokens = reader.read(rna.sequence)
        pieces = reader.tokenizer.convert_ids_to_tokens(list(tokens.rows[0]))
        assert check_spans(tokens.spans, len(rna)) == "blocks" and pieces[0] == "[CLS]" and pieces[-1] == "[SEP]"
        text = rna.sequence.replace("U", "T")
        assert [text[span[0] : span[1]] for span in tokens.spans if span] == pieces[1:-1]


@every
def test_no_real_base_is_unknown_in_either_spelling(key, readers):
    """Only an N may be read as a token without a base of its own."""
    reader = readers[key]
    known = set(reader.pieces())
    for rna in datasets.load("srtest150"):
        tokens = reader.read(rna.sequence)
        again = reader.read(normalise_letters(rna.sequence.replace("U", "T").lower(), Counter(), rna.name))
        strange = [span for number, span in zip(tokens.rows[0], tokens.spans, strict=True) if span and number not in known]
        assert again == tokens and all("N" in rna.sequence[start:stop] for start, stop in strange)


@every
def test_an_n_is_read_and_keeps_the_others_in_place(key, readers):
    tokens = readers[key].read("GGGNCCCNNA")
    assert check_spans(tokens.spans, 10) in ("bases", "blocks")
    whole = readers[key].read("GGGACCCAAA")
    assert tokens.rows != whole.rows


def test_byte_pairs_refuse_letters_that_they_do_not_know(byte_pairs):
    reader = token_reader(byte_pairs)
    reader.alphabet = "U"
    with pytest.raises(StudyError, match="check U and T"):
        reader.read("ACGU")


def test_both_readers_of_birnabert_run_on_one_checkpoint(byte_pairs, tmp_path):
    """The card of byte pairs finds its tokenizer beside the weights, gives maps of bases, and refuses logits of single bases."""
    sizes = {"layers": 3, "heads": 4, "width": 32}
    one, base = adapter("birnabert"), replace(cards()["birnabert"], **sizes)
    torch.save({name: torch.randn(shape) * 0.3 for name, shape in one.layout(one.config(base)).items()}, tmp_path / "pytorch_model.bin")
    (tmp_path / "tokenizer.json").write_bytes(byte_pairs.read_bytes())
    single = assemble("birnabert", base, tmp_path).check()
    pairs = assemble("birnabert-bpe", replace(cards()["birnabert-bpe"], **sizes), tmp_path).check()
    rnas = [Rna("hairpin", HAIRPIN), Rna("long", HAIRPIN * 3)]
    assert single.reader.single_base and not pairs.reader.single_base
    for probe in (single, pairs):
        assert Counter(layer.maps.shape for layer in probe.attention(rnas)) == {(4, 66, 66): 3, (4, 22, 22): 3}
        assert {states.bases.shape for states in probe.hidden(rnas)} == {(1, 22, 32), (1, 66, 32)}
    assert next(single.logits(rnas))[1].shape == (66, 4)
    with pytest.raises(StudyError, match="several bases"):
        next(pairs.logits(rnas))


def test_length_is_limited_by_tokens_not_bases(byte_pairs):
    """1022 bases are the most in single bases; by byte pairs longer RNAs fit."""
    sizes = {"layers": 1, "heads": 4, "width": 32}
    single = assemble("birnabert", replace(cards()["birnabert"], **sizes), drawn=1)
    pairs = assemble("birnabert-bpe", replace(cards()["birnabert-bpe"], **sizes), byte_pairs, drawn=1)
    rnas = [Rna("fits", "ACGU" * 255 + "AC"), Rna("long", "ACGU" * 256), Rna("longest", "ACGU" * 1200)]
    assert single.skipped(rnas) == [1, 2] and pairs.skipped(rnas) == [2]
