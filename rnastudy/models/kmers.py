"""From bases to non-overlapping k-mers, without a tokenizer file: the vocabulary is a rule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rnastudy.errors import StudyError
from rnastudy.tokens import Tokens

__all__ = ["KmerReader"]

#: Order of the letters in the vocabularies of the Nucleotide Transformer.
LETTERS = "ATCG"


class KmerReader:
    """Reads non-overlapping k-mers from left to right; what is left over before an N or at the end is read base by base.

    The vocabulary, read from tokenizers.py of github.com/instadeepai/nucleotide-transformer at 2dc37b8: special tokens,
    every k-mer in the product order of A, T, C, G, then A, T, C, G and N alone. Only a start token is put before.

    Parameters
    ----------
    first : int
        Id of the first k-mer, that of A alone.
    pad, start, mask : int
        Ids of the tokens that pad, begin and hide.
    size : int
        Bases k of a k-mer.

    Examples
    --------
    >>> reader = KmerReader(first=6, pad=1, start=3, mask=2)
    >>> reader.read("AAAAAUGN").rows, reader.read("AAAAAUGN").spans
    (((3, 7, 4105, 4106),), (None, (0, 6), (6, 7), (7, 8)))
    """

    alphabet = "T"
    single_base = False

    def __init__(self, *, first: int, pad: int, start: int, mask: int, size: int = 6) -> None:
        self.size, self.pad, self.start = size, pad, start
        self.mask: int | None = mask
        words = ["".join(word) for word in product(LETTERS, repeat=size)] + [*LETTERS, "N"]
        self.ids = {word: first + place for place, word in enumerate(words)}

    def read(self, *rows: str) -> Tokens:
        """Read one sequence; alignments cannot be read.

        Raises
        ------
        StudyError
            If there is more than one row.
        """
        if len(rows) > 1:
            raise StudyError(f"{len(rows)} rows of an alignment were given to a reader of k-mers; it reads one sequence alone")
        text = rows[0].replace("U", "T")
        spans = list(self._cut(text))
        return Tokens(((self.start, *(self.ids[text[start:stop]] for start, stop in spans)),), (None, *spans), len(text))

    def _cut(self, text: str) -> Iterator[tuple[int, int]]:
        """Cut into blocks of k bases without an N, and single bases."""
        place = 0
        while place < len(text):
            block = text[place : place + self.size]
            width = self.size if len(block) == self.size and "N" not in block else 1
            yield place, place + width
            place += width

    def base_ids(self) -> list[int]:
        """Refuse: a token of several bases has no logits per base.

        Raises
        ------
        StudyError
            Always.
        """
        raise StudyError("logits per base are undefined for tokens of several bases; use hidden states or attention instead")

    def pieces(self) -> dict[int, str]:
        """Bases that each token stands for, written A, C, G, U; tokens without any are left out."""
        return {number: word.replace("T", "U") for word, number in self.ids.items() if word != "N"}
