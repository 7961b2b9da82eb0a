"""What is hidden from a model and what it is shown instead: bases, runs of bases, or longer tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rnastudy.modeling import TOKENS
from rnastudy.modeling.pieces import Pieces
from rnastudy.training.corpora import pad

if TYPE_CHECKING:
    from rnastudy.training.recipes import Recipe

__all__ = ["hide_runs", "mask", "mask_kmers", "mask_pieces"]

_MASK, _IGNORED = TOKENS["MASK"], -100
_FIRST = len(TOKENS)
_LETTERS = np.array(list("ACGU?N"))


def mask(ids: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Hide bases that the model must name.

    Parameters
    ----------
    ids : int array
        Token ids; only A, C, G and U (0 to 3) are ever hidden.
    recipe : Recipe
        Says how many, and what is shown in their place.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    shown, labels : Tensor
        Same shape as `ids`; labels are -100 where nothing was hidden.

    Examples
    --------
    >>> from rnastudy.training import RECIPES
    >>> shown, labels = mask(np.zeros((1, 8), dtype=int), RECIPES["mapconv-9k"], np.random.default_rng(0))
    >>> bool(((labels == 0) | (labels == -100)).all())
    True
    """
    if recipe.masking == "spans":
        hidden, lot = hide_runs(ids < 4, recipe.masked, recipe.span, rng)
    else:
        hidden = (ids < 4) & (rng.random(ids.shape) < recipe.masked)
        lot = rng.random(ids.shape)
    shown = _shown(ids, hidden, lot, recipe, rng)
    return torch.from_numpy(shown), torch.from_numpy(np.where(hidden, ids, _IGNORED))


def _shown(ids: np.ndarray, hidden: np.ndarray, lot: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Put the mask, a random base or the base itself in the place of what is hidden, by lot."""
    shown = np.where(hidden & (lot < recipe.mixture[0]), _MASK, ids)
    swapped = hidden & (lot >= recipe.mixture[0]) & (lot < sum(recipe.mixture))
    return np.where(swapped, rng.integers(0, 4, ids.shape), shown)


def hide_runs(bases: np.ndarray, share: float, span: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose runs of neighbouring bases to hide, so that the share of hidden bases is as asked for.

    A run begins at a base with chance ``1 - (1 - share) ** (1 / span)``: a base stays seen if none of the `span` places
    up to it begins one. Runs may overlap, and are cut where bases end.

    Parameters
    ----------
    bases : bool array, shape (B, T)
        Where bases are; nothing else is hidden.
    share : float
        Part of the bases to hide.
    span : int
        Length of a run.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    hidden : bool array, shape (B, T)
    lot : float array, shape (B, T)
        One number from 0 to 1 a run, the same for all its bases.

    Examples
    --------
    >>> hidden, _ = hide_runs(np.ones((1, 90000), dtype=bool), 0.25, 3, np.random.default_rng(0))
    >>> round(float(hidden.mean()), 2)
    0.25
    """
    begins = rng.random(bases.shape) < 1 - (1 - share) ** (1 / span)
    place = np.arange(bases.shape[-1])
    start = np.maximum.accumulate(np.where(begins, place, -span), axis=-1)
    lots = rng.random(bases.shape)
    return bases & (place - start < span), np.take_along_axis(lots, np.maximum(start, 0), axis=-1)


def mask_kmers(rows: list[np.ndarray], pieces: Pieces, recipe: Recipe, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Hide bases from a model of overlapping k-mers: all k windows over a hidden base are masked, so that no neighbour gives it away.

    The share is that of bases chosen; bases shut in between chosen ones are in no shown window either. A base that is swapped or kept is so in all its windows.

    Parameters
    ----------
    rows : list of int arrays
        Bases as numbered by `rnastudy.training.corpora.encode`.
    pieces : Pieces
        Of unit ``kmer``.
    recipe : Recipe
        Says how many, and what is shown in their place.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    shown, labels : Tensor, shape (B, T)
        With a SINK at both ends; labels at all windows over hidden bases, -100 elsewhere.
    """
    shown, labels = [], []
    for row in rows:
        hidden, lot = (row < 4) & (rng.random(len(row)) < recipe.masked), rng.random(len(row))
        seen = _windows(_shown(row, hidden, lot, recipe, rng), pieces.size)
        true, over = _windows(row, pieces.size), np.lib.stride_tricks.sliding_window_view(hidden, pieces.size).any(-1)
        shown.append(seen)
        labels.append(np.where(over & (true >= _FIRST), true, _IGNORED))
    return _batch(shown, labels)


def _windows(row: np.ndarray, size: int) -> np.ndarray:
    """Number the windows of a row as `Pieces.kmers` does; one with a hidden base is MASK, else one with an unnamed base N."""
    seen = np.lib.stride_tricks.sliding_window_view(row, size)
    word = _FIRST + seen @ (4 ** np.arange(size - 1, -1, -1))
    return np.where((seen == _MASK).any(-1), _MASK, np.where((seen > 3).any(-1), TOKENS["N"], word))


def mask_pieces(rows: list[np.ndarray], pieces: Pieces, recipe: Recipe, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Hide whole byte-pair pieces; the share is that of tokens, and so, on average, of bases.

    Parameters
    ----------
    rows, pieces, recipe, rng
        As for `mask_kmers`, with pieces of unit ``byte-pair``.

    Returns
    -------
    shown, labels : Tensor, shape (B, T)
        With a SINK at both ends; labels -100 where nothing was hidden.
    """
    known = np.array(sorted(pieces.texts))
    shown, labels = [], []
    for row in rows:
        ids = np.array(pieces.cut("".join(_LETTERS[row]))[0])
        hidden, lot = np.isin(ids, known) & (rng.random(len(ids)) < recipe.masked), rng.random(len(ids))
        seen = np.where(hidden & (lot < recipe.mixture[0]), _MASK, ids)
        swapped = hidden & (lot >= recipe.mixture[0]) & (lot < sum(recipe.mixture))
        shown.append(np.where(swapped, rng.choice(known, len(ids)), seen))
        labels.append(np.where(hidden, ids, _IGNORED))
    return _batch(shown, labels)


def _batch(shown: list[np.ndarray], labels: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(pad(shown, TOKENS["PAD"], TOKENS["SINK"])), torch.from_numpy(pad(labels, _IGNORED, _IGNORED))
