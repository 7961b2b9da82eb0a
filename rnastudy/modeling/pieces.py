"""Tokens longer than a base: overlapping k-mers and byte-pair pieces, kept as ``tokenizer.json`` beside the weights.

The first eight ids are those of `rnastudy.modeling.TOKENS`; longer pieces follow. Both vocabularies are written in the
format of the `tokenizers` library, which also learns the byte pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path

from tokenizers import Tokenizer, models, trainers

from rnastudy.errors import StudyError, unknown
from rnastudy.modeling.encoder import TOKENS
from rnastudy.rna import ALPHABET

__all__ = ["UNITS", "Pieces"]

#: What a token can be: one base, an overlapping window of bases, or a learned piece.
UNITS = ("base", "kmer", "byte-pair")
FILE = "tokenizer.json"
_FIRST = len(TOKENS)


class Pieces:
    """Cuts sequences into the tokens of a vocabulary.

    Parameters
    ----------
    unit : {"kmer", "byte-pair"}
        How a sequence is cut: windows that move on by one base, or a partition.
    size : int
        Bases of a window, or number of learned pieces.
    tokenizer : tokenizers.Tokenizer
        The vocabulary.

    Examples
    --------
    >>> pieces = Pieces.kmers(3)
    >>> ids, spans = pieces.cut("ACGU")
    >>> [pieces.texts[number] for number in ids], spans
    (['ACG', 'CGU'], [(0, 3), (1, 4)])
    """

    def __init__(self, unit: str, size: int, tokenizer: Tokenizer) -> None:
        if unit not in UNITS[1:]:
            raise unknown("unit of tokens", unit, UNITS[1:])
        self.unit, self.size, self.tokenizer = unit, size, tokenizer
        self._ids: dict[str, int] = tokenizer.get_vocab()
        #: Bases of every token that has some, by id; an unnamed base is none of them.
        self.texts = {number: text for text, number in self._ids.items() if text in "ACGU" or number >= _FIRST}

    @classmethod
    def kmers(cls, size: int) -> Pieces:
        """Make the vocabulary of all windows of `size` bases."""
        words = ["".join(letters) for letters in product("ACGU", repeat=size)]
        table = {**TOKENS, **{word: _FIRST + number for number, word in enumerate(words)}}
        return cls("kmer", size, Tokenizer(models.WordLevel(table, unk_token="N")))

    @classmethod
    def byte_pairs(cls, sequences: Iterable[str], size: int) -> Pieces:
        """Learn `size` pieces of two bases or more from sequences: the most frequent pair of neighbours is joined, again and again.

        Examples
        --------
        >>> Pieces.byte_pairs(["GGAAGGAAGG"] * 3, 1).cut("GGAC")[1]
        [(0, 2), (2, 3), (3, 4)]
        """
        learner = Tokenizer(models.BPE(unk_token="N"))
        learner.train_from_iterator(sequences, trainers.BpeTrainer(vocab_size=size + len(ALPHABET), initial_alphabet=list(ALPHABET), show_progress=False))
        learned = sorted((number, text) for text, number in learner.get_vocab().items() if len(text) > 1)
        return cls("byte-pair", size, _joined([text for _, text in learned], learner))

    @classmethod
    def read(cls, folder: str | Path, unit: str, size: int) -> Pieces:
        """Read the vocabulary of a model's folder.

        Raises
        ------
        StudyError
            If there is none, or it is not one of these.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            raise StudyError(f"{folder}: a model of {unit} tokens needs its {FILE} beside its weights; train it again")
        return cls(unit, size, Tokenizer.from_file(str(path)))

    def save(self, folder: str | Path) -> None:
        """Write ``tokenizer.json`` into a folder."""
        self.tokenizer.save(str(Path(folder) / FILE))

    def __len__(self) -> int:
        return len(self._ids)

    def cut(self, sequence: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Cut a sequence.

        Parameters
        ----------
        sequence : str
            Letters ``ACGUN``, at least as many as a window has.

        Returns
        -------
        ids : list of int
            A window with an unnamed base is the token N.
        spans : list of (int, int)
            Bases of each.
        """
        if self.unit == "byte-pair":
            found = self.tokenizer.encode(sequence, add_special_tokens=False)
            return found.ids, [(start, stop) for start, stop in found.offsets]
        starts = range(len(sequence) - self.size + 1)
        if not starts:
            raise StudyError(f"a sequence of {len(sequence)} bases has no window of {self.size}; leave it out")
        spans = [(start, start + self.size) for start in starts]
        return [self._ids.get(sequence[start:stop], TOKENS["N"]) for start, stop in spans], spans


def _joined(words: list[str], learner: Tokenizer) -> Tokenizer:
    """Renumber learned pieces behind the first eight ids, in the order they were learned."""
    import json

    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    table = {**TOKENS, **{word: _FIRST + number for number, word in enumerate(words)}}
    return Tokenizer(models.BPE(table, merges, unk_token="N"))
