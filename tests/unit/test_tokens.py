"""Tokens and bases: spans, partitions and planted helices for every kind of tokenizer."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnastudy.errors import StudyError
from rnastudy.models.readers import HubReader, LetterReader
from rnastudy.tokens import check_spans, coverage, spans_from_text, states_to_bases, to_bases

HELIX = [(0, 11), (1, 10), (2, 9), (3, 8)]
SEQUENCE = "GCGCAAAAGCGC"


def bases(length: int) -> list[tuple[int, int]]:
    return [(base, base + 1) for base in range(length)]


def planted(spans, length):
    """A token map that puts weight just where two tokens hold both ends of a pair of HELIX."""
    maps = torch.zeros(1, len(spans), len(spans))
    cover = coverage(spans, length)
    for i, j in HELIX:
        pairs = torch.outer(cover[:, i], cover[:, j])
        maps[0] += pairs + pairs.T
    return maps


class Word:
    """A tokenizer of `transformers`' slow kind, small enough to read: cuts by a function, adds ends."""

    is_fast = False
    bos_token_id = cls_token_id = 0
    eos_token_id = sep_token_id = 1
    unk_token_id, pad_token_id, mask_token_id = 2, 3, None

    def __init__(self, cut, words):
        self.cut, self.words = cut, ["<cls>", "<eos>", "<unk>", "<pad>", *words]

    def __call__(self, text, **_):
        inner = [self.words.index(piece) if piece in self.words else 2 for piece in self.cut(text)]
        return {"input_ids": [0, *inner, 1]}

    def convert_ids_to_tokens(self, ids):
        return [self.words[number] for number in ids]


def singles(text):
    return list(text)


def windows(text, size=3):
    return [text[start : start + size] for start in range(len(text) - size + 1)]


def blocks(text, size=6):
    whole = len(text) // size * size
    return [text[start : start + size] for start in range(0, whole, size)] + list(text[whole:])


def every(size, letters="ACGT"):
    words = [""]
    for _ in range(size):
        words = [word + letter for word in words for letter in letters]
    return words


READERS = {
    "single bases, U": HubReader(Word(singles, "ACGUN")),
    "single bases, T": HubReader(Word(singles, "ACGTN")),
    "letters": LetterReader({"A": 0, "C": 1, "G": 2, "U": 3, "N": 5}, pad=7, start=6, end=6),
    "no special tokens": LetterReader({"A": 0, "C": 1, "G": 2, "U": 3, "N": 5}, pad=7),
    "overlapping 3-mers": HubReader(Word(windows, every(3))),
    "6-mers with a tail": HubReader(Word(blocks, [*every(6), *"ACGT"])),
    "pieces of two to four": HubReader(Word(lambda text: blocks(text, 4), [*every(4), *"ACGT"])),
}


def test_a_hand_computed_partition():
    maps = torch.tensor([[[0.1, 0.2, 0.7], [0.0, 0.4, 0.6], [0.5, 0.3, 0.2]]])
    # start token, a token of two bases, a token of one base; the start token is cut, weights are halved over two bases
    expected = torch.tensor([[[0.2, 0.2, 0.6], [0.2, 0.2, 0.6], [0.15, 0.15, 0.2]]])
    assert torch.allclose(to_bases(maps, [None, (0, 2), (2, 3)], 3), expected)


def test_a_hand_computed_overlap():
    maps = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    # two 2-mers over three bases: the middle base is the mean of both rows
    expected = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]])
    assert torch.allclose(to_bases(maps, [(0, 2), (1, 3)], 3), expected)


def test_special_tokens_are_cut_and_rows_left_below_one():
    maps = torch.full((2, 5, 5), 0.2)
    cut = to_bases(maps, [None, *bases(3), None], 3)
    assert cut.shape == (2, 3, 3) and torch.allclose(cut.sum(-1), torch.tensor(0.6))
    cut.zero_()
    assert maps.sum() > 0


@pytest.mark.parametrize("kind", READERS)
def test_a_planted_helix_is_found_where_it_was_planted(kind):
    spans = READERS[kind].read(SEQUENCE).spans
    found = to_bases(planted(spans, len(SEQUENCE)), spans, len(SEQUENCE))[0]
    if kind in ("6-mers with a tail", "pieces of two to four"):
        left, right = next(span for span in spans if span and span[0] <= 0 < span[1]), next(span for span in spans if span and span[0] <= 11 < span[1])
        outside = found.clone()
        outside[left[0] : left[1], right[0] : right[1]] = outside[right[0] : right[1], left[0] : left[1]] = 0
        assert outside[3, 3] == 0 and found[0, 11] > 0 and found[0, 11] == found[left[1] - 1, right[0]]
    elif kind == "overlapping 3-mers":
        sums = [found.flip(1).diagonal(offset).sum() for offset in range(-11, 12)]
        assert max(range(23), key=lambda place: sums[place]) == 11
    else:
        best = found.flatten().argsort(descending=True)[:8].tolist()
        assert {tuple(sorted(divmod(place, 12))) for place in best} == set(HELIX)


@pytest.mark.parametrize("kind", READERS)
def test_every_base_is_covered_and_none_is_unknown(kind):
    for sequence in ("GGGUUUAAACCCAGUC", "UUUUUUUU", "ACGUACGUACGUA"):
        tokens = READERS[kind].read(sequence)
        assert (coverage(tokens.spans, len(sequence)).sum(0) >= 1).all()
        assert check_spans(tokens.spans, len(sequence)) in ("bases", "blocks", "windows")
        if isinstance(READERS[kind], HubReader):
            assert 2 not in tokens.rows[0]


def test_the_last_tokens_of_a_6_mer_model_are_kept():
    assert READERS["6-mers with a tail"].read("ACGUACGU").spans == (None, (0, 6), (6, 7), (7, 8), None)


def test_u_and_t_are_checked_against_the_vocabulary():
    assert READERS["single bases, U"].alphabet == "U" and READERS["single bases, T"].alphabet == "T"
    with pytest.raises(StudyError, match="unknown to Word; its alphabet was taken as 'U'"):
        HubReader(Word(singles, "ACGTN"), alphabet="U")
    with pytest.raises(StudyError, match="knows both U and T"):
        HubReader(Word(singles, "ACGTUN"))
    with pytest.raises(StudyError, match="neither U nor T"):
        HubReader(Word(singles, "ACGN"))
    assert HubReader(Word(singles, "ACGTUN"), alphabet="T").read("U").rows == ((0, 7, 1),)


def test_an_unknown_token_stands_only_for_n():
    lacking = HubReader(Word(singles, "ACGU"))
    assert lacking.read("ANU").spans == (None, *bases(3), None)
    few = Word(windows, [word for word in every(3) if word != "AAA"])
    with pytest.raises(StudyError, match="'AAA' are unknown"):
        HubReader(few).read("CAAAC")


def test_an_end_token_that_the_original_lacks_is_cut_off():
    reader = HubReader(Word(singles, "ACGUN"), end=False)
    assert reader.read("AC").rows == ((0, 4, 5),) and reader.read("AC").spans == (None, (0, 1), (1, 2))


def test_base_ids_follow_a_c_g_u():
    assert READERS["single bases, T"].base_ids() == [4, 5, 6, 7]
    assert LetterReader({"A": 2, "U": 3, "G": 4, "C": 5, "N": 1}, pad=0).base_ids() == [2, 5, 4, 3]
    with pytest.raises(StudyError, match="undefined"):
        READERS["overlapping 3-mers"].base_ids()


def test_letters_must_name_every_base():
    with pytest.raises(StudyError, match=r"no token for \['G'\]"):
        LetterReader({"A": 0, "C": 1, "U": 2, "N": 3}, pad=4)


def test_alignments_are_read_row_by_row():
    reader = LetterReader({"A": 0, "C": 1, "G": 2, "U": 3, "N": 5, "-": 6}, pad=7)
    assert reader.read("ACG", "A-G").rows == ((0, 1, 2), (0, 6, 2))
    with pytest.raises(StudyError, match="cannot read alignments"):
        READERS["6-mers with a tail"].read("ACGUAC", "ACGUA")


@pytest.mark.parametrize(
    ("spans", "length"),
    [
        ([(0, 2), (3, 4)], 4),
        ([(0, 2), (1, 4)], 4),
        ([(0, 1)], 2),
        ([(1, 2)], 2),
        ([None, None], 1),
        ([(0, 3), (1, 4), (3, 6)], 6),
        ([(0, 1), (0, 1), (1, 2)], 2),
    ],
)
def test_what_is_no_partition_is_refused(spans, length):
    with pytest.raises(StudyError, match="do not cover"):
        check_spans(spans, length)


@pytest.mark.parametrize(("pieces", "sequence"), [(["AC", "U"], "ACG"), (["ACG"], "ACGU"), ([], "A"), (["ACG", "CGA"], "ACGU"), (["A"], "")])
def test_pieces_that_do_not_lie_along_the_sequence_are_refused(pieces, sequence):
    with pytest.raises(StudyError, match="neither join up"):
        spans_from_text(pieces, sequence)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 2), st.integers(0, 2), st.randoms(use_true_random=False))
def test_a_partition_keeps_the_weight_of_every_row(widths, before, after, random):
    edges = [sum(widths[:number]) for number in range(len(widths) + 1)]
    spans = [None] * before + list(zip(edges, edges[1:], strict=False)) + [None] * after
    torch.manual_seed(random.randint(0, 999))
    maps = torch.rand(2, len(spans), len(spans)).softmax(-1)
    found = to_bases(maps, spans, edges[-1])
    inner = maps[:, before : len(spans) - after, before : len(spans) - after]
    expected = inner.sum(-1).repeat_interleave(torch.tensor(widths), dim=1)
    assert torch.allclose(found.sum(-1), expected, atol=1e-5)


@given(st.integers(2, 5), st.integers(0, 12))
def test_overlapping_windows_keep_rows_at_one(size, more):
    length = size + more
    spans = [(start, start + size) for start in range(more + 1)]
    found = to_bases(torch.rand(1, len(spans), len(spans)).softmax(-1), spans, length)
    assert torch.allclose(found.sum(-1), torch.ones(1, length), atol=1e-5)
    assert torch.allclose(states_to_bases(torch.ones(1, len(spans), 3), spans, length), torch.ones(1, length, 3))


def test_a_word_piece_tokenizer_with_one_token_a_base_is_read_base_by_base() -> None:
    """The commonest home-made checkpoint: a BERT tokenizer, which reads an unspaced run of bases as one unknown word."""
    from transformers import BertTokenizerFast

    from rnastudy.models.readers import HubReader

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "A", "C", "G", "U"]
    tokenizer = BertTokenizerFast(vocab={word: number for number, word in enumerate(words)}, do_lower_case=False)
    reader = HubReader(tokenizer)
    found = reader.read("GCAU")
    assert reader.single_base
    assert found.rows == ((2, 7, 6, 5, 8, 3),)
    assert found.spans == (None, (0, 1), (1, 2), (2, 3), (3, 4), None)
