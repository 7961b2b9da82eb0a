"""Hidden bases: every token over them becomes the mask, and what a model says of tokens becomes scores of A, C, G and U."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rnastudy.errors import StudyError
from rnastudy.tokens import Span, Tokens

__all__ = ["base_scores", "hide"]


def hide(tokens: Tokens, bases: Sequence[int], mask: int) -> Tokens:
    """Put the mask in the place of every token that covers one of the bases; other rows of an alignment stay.

    Parameters
    ----------
    tokens : Tokens
        One RNA as a model reads it.
    bases : sequence of int
        Bases to hide, counted from zero.
    mask : int
        Id of the mask.

    Examples
    --------
    >>> hide(Tokens(((6, 0, 1, 6),), (None, (0, 1), (1, 2), None), 2), [1], 4).rows
    ((6, 0, 4, 6),)
    """
    hidden = set(bases)
    first = tuple(
        mask if span is not None and not hidden.isdisjoint(range(*span)) else number for number, span in zip(tokens.rows[0], tokens.spans, strict=True)
    )
    return replace(tokens, rows=(first, *tokens.rows[1:]))


def base_scores(scores: Tensor, spans: Sequence[Span], bases: Sequence[int], pieces: Mapping[int, str]) -> Tensor:
    """Turn scores of tokens into scores of the four bases.

    A token of several bases speaks for one of them by the log of the summed exponentials of all tokens of its
    length that have the letter there; where several tokens cover a base, the mean of what they say is taken.

    Parameters
    ----------
    scores : Tensor, shape (T, V), float32
        Logits of V tokens, on the CPU.
    spans : sequence of Span
        Bases of each of the T tokens.
    bases : sequence of int
        Bases that are asked for, K of them.
    pieces : mapping of int to str
        Letters, A, C, G and U only, of each token that has some.

    Returns
    -------
    Tensor, shape (K, 4)
        In the order A, C, G, U; a softmax over them gives probabilities.

    Raises
    ------
    StudyError
        If no token of a needed length has one of the letters.

    Examples
    --------
    >>> base_scores(torch.tensor([[0.0, 1.0, 2.0, 3.0]]), [(0, 1)], [0], {0: "A", 1: "C", 2: "G", 3: "U"})
    tensor([[0., 1., 2., 3.]])
    """
    over: dict[tuple[int, int], list[tuple[int, int]]] = {}
    wanted = {base: row for row, base in enumerate(bases)}
    for token, span in enumerate(spans):
        start, stop = span or (0, 0)
        for base in wanted.keys() & set(range(start, stop)):
            over.setdefault((stop - start, base - start), []).append((token, wanted[base]))
    total, count = torch.zeros(len(bases), 4), torch.zeros(len(bases), 1)
    for place, found in over.items():
        tokens, rows = torch.tensor(found).T
        said = [scores[tokens][:, numbers].logsumexp(-1) for numbers in _with_letter(pieces, *place, scores.shape[-1])]
        total.index_add_(0, rows, torch.stack(said, -1))
        count.index_add_(0, rows, torch.ones(len(rows), 1))
    return total / count


def _with_letter(pieces: Mapping[int, str], width: int, place: int, limit: int) -> list[list[int]]:
    """Ids of the tokens of one length with A, C, G and U at one place."""
    found = [[number for number, text in pieces.items() if number < limit and len(text) == width and text[place] == letter] for letter in "ACGU"]
    if not all(found):
        lacking = ", ".join(letter for letter, numbers in zip("ACGU", found, strict=True) if not numbers)
        raise StudyError(f"no token of {width} bases has {lacking} at place {place + 1}; masked bases cannot be scored with this vocabulary")
    return found
