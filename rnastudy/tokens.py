"""Tokens and bases: which bases a token stands for, and how maps and states go from tokens to bases.

A token's *span* says which bases it stands for, ``(start, stop)`` counted from zero with `stop` left out,
or ``None`` for a special token (start, end). Spans come from what the tokenizer itself reports: the offsets
of a fast tokenizer, or the text of each token laid along the sequence. They are never computed from token
numbers, which is how other benchmarks put half of a byte-pair model's bases on the wrong token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from rnastudy.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Span",
    "Tokens",
    "check_spans",
    "coverage",
    "spans_from_text",
    "states_to_bases",
    "to_bases",
    "unmarked",
]

#: Bases of a token, counted from zero, `stop` left out; ``None`` for a special token.
Span = tuple[int, int] | None
#: Marks that sub-word tokenizers put before a piece of text.
MARKS = ("##", "▁", "Ġ")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One RNA (or its alignment) as a model reads it.

    Parameters
    ----------
    rows : tuple of tuple of int
        Token ids, R rows of T; R is 1 for a model of single sequences.
    spans : tuple of Span
        Bases of each of the T tokens.
    length : int
        Bases L of the RNA.
    """

    rows: tuple[tuple[int, ...], ...]
    spans: tuple[Span, ...]
    length: int

    def __len__(self) -> int:
        return len(self.spans)


def check_spans(spans: Sequence[Span], length: int) -> str:
    """Make sure that spans cover a sequence: every base once, or as overlapping windows of one size.

    Parameters
    ----------
    spans : sequence of Span
        Spans in order, special tokens (``None``) are passed over.
    length : int
        Bases L of the sequence.

    Returns
    -------
    str
        ``"bases"``, ``"blocks"`` (a partition with longer tokens) or ``"windows"`` (overlapping k-mers).

    Raises
    ------
    StudyError
        If a base is left out, or covered otherwise.

    Examples
    --------
    >>> check_spans([None, (0, 3), (3, 4), None], 4)
    'blocks'
    >>> check_spans([(0, 3), (1, 4), (2, 5)], 5)
    'windows'
    """
    inner = [span for span in spans if span is not None]
    if inner and inner[0][0] == 0 and inner[-1][1] == length:
        if all(left[1] == right[0] for left, right in pairwise(inner)) and all(start < stop for start, stop in inner):
            return "bases" if len(inner) == length else "blocks"
        width = inner[0][1]
        if inner == [(start, start + width) for start in range(length - width + 1)]:
            return "windows"
    raise StudyError(f"{len(inner)} token spans do not cover {length} bases once or as windows (first {inner[:3]}, last {inner[-3:]}); check the tokenizer")


def spans_from_text(pieces: Sequence[str | None], sequence: str) -> list[tuple[int, int]]:
    """Lay the text of tokens along a sequence.

    Parameters
    ----------
    pieces : sequence of str or None
        Text of each token, special tokens left out; ``None`` for an unknown token, which stands for one base
        of a partition or for one whole window.
    sequence : str
        The text that was cut up.

    Returns
    -------
    list of (int, int)
        A partition if the pieces join up to the sequence, else overlapping windows.

    Raises
    ------
    StudyError
        If the pieces are neither.

    Examples
    --------
    >>> spans_from_text(["AC", "G"], "ACG"), spans_from_text(["ACG", "CGU"], "ACGU")
    ([(0, 2), (2, 3)], [(0, 3), (1, 4)])
    """
    clean = [None if piece is None else unmarked(piece) for piece in pieces]
    widths = [1 if piece is None else len(piece) for piece in clean]
    stops = list(accumulate(widths))
    joined = list(pairwise([0, *stops]))
    if stops and stops[-1] == len(sequence) and _fit(clean, joined, sequence):
        return joined
    width = len(sequence) - len(clean) + 1
    windows = [(start, start + width) for start in range(len(clean))]
    if width > 0 and windows and _fit(clean, windows, sequence):
        return windows
    raise StudyError(f"tokens {pieces[:4]} neither join up to nor slide along {sequence[:20]!r} ({len(sequence)} bases); check the tokenizer")


def unmarked(piece: str) -> str:
    """Take off the mark that a sub-word tokenizer puts before a piece of text.

    Examples
    --------
    >>> unmarked("##ACG")
    'ACG'
    """
    for mark in MARKS:
        piece = piece.removeprefix(mark)
    return piece


def _fit(pieces: Sequence[str | None], spans: Sequence[tuple[int, int]], sequence: str) -> bool:
    return all(piece is None or piece == sequence[start:stop] for piece, (start, stop) in zip(pieces, spans, strict=True))


def coverage(spans: Sequence[Span], length: int) -> Tensor:
    """Say which token covers which base.

    Parameters
    ----------
    spans : sequence of Span
        Spans of T tokens; special tokens cover nothing.
    length : int
        Bases L.

    Returns
    -------
    Tensor, shape (T, L)
        1.0 where a token covers a base, else 0.0.

    Examples
    --------
    >>> coverage([None, (0, 2), (2, 3)], 3).tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    import torch

    table = torch.zeros(len(spans), length)
    for token, span in enumerate(spans):
        if span is not None:
            table[token, span[0] : span[1]] = 1
    return table


def to_bases(maps: Tensor, spans: Sequence[Span], length: int) -> Tensor:
    """Bring attention maps from tokens to bases; special tokens are cut off first.

    A base's row is the mean over the tokens that cover it (one, except for overlapping k-mers); a token's
    weight as a key is spread evenly over its bases. Rows are not brought back to one: what a row lacks
    went to special tokens.

    Parameters
    ----------
    maps : Tensor, shape (..., T, T)
        Attention of queries (rows) to keys (columns).
    spans : sequence of Span
        Bases of each token.
    length : int
        Bases L.

    Returns
    -------
    Tensor, shape (..., L, L), float32
        A copy in base coordinates.

    Raises
    ------
    StudyError
        If the spans do not cover the sequence.

    Examples
    --------
    >>> import torch
    >>> to_bases(torch.tensor([[0.8, 0.2], [0.6, 0.4]]), [(0, 1), (1, 3)], 3)[0]
    tensor([0.8000, 0.1000, 0.1000])
    """
    kind = check_spans(spans, length)
    kept = [token for token, span in enumerate(spans) if span is not None]
    inner = maps[..., kept[0] : kept[-1] + 1, kept[0] : kept[-1] + 1].float()
    if kind == "bases":
        return inner.contiguous().clone()
    cover = coverage(spans[kept[0] : kept[-1] + 1], length).to(inner.device)
    return (cover / cover.sum(0)).T @ inner @ (cover / cover.sum(1, keepdim=True))


def states_to_bases(states: Tensor, spans: Sequence[Span], length: int) -> Tensor:
    """Bring hidden states from tokens to bases: each base gets the mean of the tokens that cover it.

    Parameters
    ----------
    states : Tensor, shape (..., T, D)
        Hidden states by token.
    spans : sequence of Span
        Bases of each token.
    length : int
        Bases L.

    Returns
    -------
    Tensor, shape (..., L, D), float32

    Raises
    ------
    StudyError
        If the spans do not cover the sequence.

    Examples
    --------
    >>> import torch
    >>> states_to_bases(torch.tensor([[1.0], [3.0]]), [(0, 2), (1, 3)], 3).flatten().tolist()
    [1.0, 2.0, 3.0]
    """
    kind = check_spans(spans, length)
    kept = [token for token, span in enumerate(spans) if span is not None]
    inner = states[..., kept[0] : kept[-1] + 1, :].float()
    if kind == "bases":
        return inner.contiguous().clone()
    cover = coverage(spans[kept[0] : kept[-1] + 1], length).to(inner.device)
    return (cover / cover.sum(0)).T @ inner
