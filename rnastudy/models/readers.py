"""From bases to a model's tokens: a table of letters, or a tokenizer of a library, checked for U, T and unknowns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from rnastudy.errors import StudyError
from rnastudy.tokens import Span, Tokens, check_spans, spans_from_text, unmarked

__all__ = ["HubReader", "LetterReader", "installed_reader"]

#: Sequences that show how a tokenizer cuts.
SHOWN = ("ACGUUGCAACGGUUACCGAU" * 2, "UUGACCAGUCAUGGCA" * 2)


def installed_reader(kind: str) -> Callable[[str, Any], Any] | None:
    """Find a reader that another package brings for an architecture.

    A package names it in its ``pyproject.toml``, under ``[project.entry-points."rnastudy.readers"]``: the key is the
    ``model_type`` of the checkpoint's configuration, the value a function of the checkpoint's address and its configuration
    that returns a `LetterReader`, a `HubReader`, or anything that reads as they do.

    Parameters
    ----------
    kind : str
        ``model_type`` of a configuration.

    Returns
    -------
    callable or None

    Raises
    ------
    StudyError
        If several packages bring one, or what it returns cannot read.

    Examples
    --------
    >>> installed_reader("bert") is None
    True
    """
    found = list(entry_points(group="rnastudy.readers", name=kind))
    if not found:
        return None
    if len(found) > 1:
        raise StudyError(f"{len(found)} installed packages bring a reader for architecture {kind!r}: {[one.value for one in found]}; remove all but one")
    make = found[0].load()

    def checked(source: str, config: Any) -> Any:
        reader = make(source, config)
        lacking = [name for name in ("read", "base_ids", "pad", "single_base", "alphabet") if not hasattr(reader, name)]
        if lacking:
            raise StudyError(f"the reader {found[0].value} for architecture {kind!r} lacks {lacking}; return a LetterReader or a HubReader")
        check_spans(reader.read(SHOWN[0]).spans, len(SHOWN[0]))
        return reader

    return checked


class LetterReader:
    """Reads one token a base from a table of letters.

    Parameters
    ----------
    letters : mapping of str to int
        Token id of each of A, C, G, U, N, and of ``-`` where alignments are read.
    pad : int
        Id of the padding token.
    start, end : int, optional
        Ids of the special tokens put before and after the bases.
    mask : int, optional
        Id of the token that hides a base.

    Raises
    ------
    StudyError
        If a base has no token.

    Examples
    --------
    >>> LetterReader({"A": 0, "C": 1, "G": 2, "U": 3, "N": 5}, pad=7, start=6, end=6).read("GA").rows
    ((6, 2, 0, 6),)
    """

    alphabet = "U"
    single_base = True

    def __init__(self, letters: Mapping[str, int], *, pad: int, start: int | None = None, end: int | None = None, mask: int | None = None) -> None:
        missing = sorted(set("ACGUN") - set(letters))
        if missing:
            raise StudyError(f"the table of letters has no token for {missing}; every base needs one")
        self.letters, self.pad, self.mask = dict(letters), pad, mask
        self.before = () if start is None else (start,)
        self.after = () if end is None else (end,)

    def read(self, *rows: str) -> Tokens:
        """Read one sequence, or the rows of an alignment whose first row is the RNA itself."""
        ids = tuple((*self.before, *(self.letters[letter] for letter in row), *self.after) for row in rows)
        bases = tuple((base, base + 1) for base in range(len(rows[0])))
        return Tokens(ids, ((None,) * len(self.before) + bases + (None,) * len(self.after)), len(rows[0]))

    def base_ids(self) -> list[int]:
        """Token ids of A, C, G and U, in this order."""
        return [self.letters[base] for base in "ACGU"]

    def pieces(self) -> dict[int, str]:
        """Bases that each token stands for, written A, C, G, U; tokens without any are left out."""
        return {self.letters[base]: base for base in "ACGU"}


class HubReader:
    """Reads with a tokenizer of `transformers` or `multimolecule`.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        Any tokenizer that turns a string of bases into ids.
    alphabet : {"U", "T"}, optional
        Letter that the model was trained on for uracil; read from the vocabulary when left out.
    end : bool
        False cuts the end token off, for a port that adds one which the original lacks.
    unnamed : str
        What an N is written as before it is read; for a model that never saw an N, or saw it under another letter.

    Raises
    ------
    StudyError
        If the alphabet does not fit the vocabulary, or A, C, G or U is an unknown token.
    """

    def __init__(self, tokenizer: Any, *, alphabet: str | None = None, end: bool = True, unnamed: str = "N") -> None:
        self.tokenizer, self.end, self.unnamed = tokenizer, end, unnamed
        #: Whether bases must be set apart by spaces, as for word pieces with one token a base.
        self.spaced = [self._knows(text) for text in ("ACGACG", "A C G A C G")] == [False, True]
        self.alphabet = alphabet or self._seen_alphabet()
        pad = tokenizer.pad_token_id
        self.pad = 0 if pad is None else pad
        self.mask: int | None = tokenizer.mask_token_id
        self.single_base = all(check_spans(self.read(shown).spans, len(shown)) == "bases" for shown in SHOWN)

    def _knows(self, text: str) -> bool:
        return self.tokenizer.unk_token_id not in self.tokenizer(text)["input_ids"]

    def _sent(self, text: str) -> str:
        letters = [self.unnamed if letter == "N" else letter for letter in text]
        return (" " if self.spaced else "").join(letters)

    def _seen_alphabet(self) -> str:
        found = [letter for letter in "UT" if self._writes(letter)]
        if len(found) != 1:
            why = "both U and T" if found else "neither U nor T"
            raise StudyError(f'the vocabulary of {type(self.tokenizer).__name__} knows {why}; state "rna_alphabet": "U" or "T" in config.json')
        return found[0]

    def _writes(self, letter: str) -> bool:
        ids = self.tokenizer(self._sent("ACGN".replace("N", letter) * 8))["input_ids"]
        unknown = self.tokenizer.unk_token_id in ids
        return not unknown and any(letter in piece for piece in self._texts(ids))

    def _texts(self, ids: Sequence[int]) -> list[str]:
        ends = self._ends()
        pieces = self.tokenizer.convert_ids_to_tokens([number for number in ids if number not in ends])
        return [unmarked(piece) for piece in pieces]

    def _ends(self) -> set[int]:
        held = self.tokenizer
        return {number for number in (held.bos_token_id, held.cls_token_id, held.eos_token_id, held.sep_token_id) if number is not None}

    def read(self, *rows: str) -> Tokens:
        """Read one sequence, or the rows of an alignment whose first row is the RNA itself."""
        read = [self._read_row(row) for row in rows]
        ids, spans = tuple(row for row, _ in read), read[0][1]
        ragged = [len(row) for row in ids if len(row) != len(spans)]
        if ragged:
            raise StudyError(f"alignment rows give {len(spans)} and {ragged[0]} tokens; this tokenizer cannot read alignments")
        return Tokens(ids, spans, len(rows[0]))

    def _read_row(self, row: str) -> tuple[tuple[int, ...], tuple[Span, ...]]:
        text = row.replace("U", "T") if self.alphabet == "T" else row
        text = text.replace("N", self.unnamed) if len(self.unnamed) == 1 else text
        encoded = self.tokenizer(self._sent(text), **({"return_offsets_mapping": True} if self.tokenizer.is_fast else {}))
        ids = list(encoded["input_ids"])
        head, tail = self._borders(ids)
        if not self.end:
            ids = ids[:tail]
        inner = ids[head:tail]
        offsets = encoded["offset_mapping"][head:tail] if self.tokenizer.is_fast else self._laid(inner, text)
        step = 2 if self.spaced and self.tokenizer.is_fast else 1
        spans = [(start // step, -(-stop // step)) for start, stop in offsets]
        self._refuse_unknown(inner, spans, text)
        return tuple(ids), (None,) * head + tuple(spans) + (None,) * (len(ids) - tail)

    def _borders(self, ids: Sequence[int]) -> tuple[int, int]:
        ends, head, tail = self._ends(), 0, len(ids)
        while head < tail and ids[head] in ends:
            head += 1
        while tail > head and ids[tail - 1] in ends:
            tail -= 1
        return head, tail

    def _laid(self, inner: Sequence[int], text: str) -> list[tuple[int, int]]:
        unknown = self.tokenizer.unk_token_id
        pieces = self.tokenizer.convert_ids_to_tokens(list(inner))
        return spans_from_text([None if number == unknown else piece for number, piece in zip(inner, pieces, strict=True)], text)

    def _refuse_unknown(self, inner: Sequence[int], spans: Sequence[tuple[int, int]], text: str) -> None:
        unknown = self.tokenizer.unk_token_id
        for number, (start, stop) in zip(inner, spans, strict=True):
            if number == unknown and "N" not in text[start:stop] and "-" not in text[start:stop]:
                raise StudyError(
                    f"bases {text[start:stop]!r} are unknown to {type(self.tokenizer).__name__}; its alphabet was taken as {self.alphabet!r}: check U and T"
                )

    def base_ids(self) -> list[int]:
        """Token ids of A, C, G and U, in this order; only for a tokenizer of single bases."""
        if not self.single_base:
            raise StudyError("logits per base are undefined for tokens of several bases; use hidden states or attention instead")
        return [int(self.read(base).rows[0][self._first(base)]) for base in "ACGU"]

    def _first(self, base: str) -> int:
        return next(token for token, span in enumerate(self.read(base).spans) if span is not None)

    def pieces(self) -> dict[int, str]:
        """Bases that each token stands for, written A, C, G, U; tokens without any are left out."""
        swapped = str.maketrans("TU", "UT") if self.alphabet == "T" else {}
        specials = set(self.tokenizer.all_special_ids)
        texts = {number: unmarked(piece).translate(swapped) for piece, number in self.tokenizer.get_vocab().items() if number not in specials}
        return {number: text for number, text in texts.items() if text and set(text) <= set("ACGU")}
