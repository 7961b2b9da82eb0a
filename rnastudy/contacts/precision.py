"""The protein field's own measure: how many of the top L, L/2 and L/5 scored pairs are contacts, for every head at once.

P@L needs no threshold: the L best-scored pairs of a range of separations are predicted, L being the length of the protein.
The usual headline is of long range (`rnastudy.protein.RANGES`), as in Rao et al. (ICLR 2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnastudy.contacts.bootstrap import family_weights
from rnastudy.contacts.scan import LayerMaps, pair_scores
from rnastudy.errors import StudyError, unknown
from rnastudy.protein import RANGES, Protein

__all__ = ["CUTS", "MEASURES", "Precisions", "bootstrap_precision", "precision_stream", "select_head", "top_precision", "watch"]

#: The best ``L // cut`` pairs are predicted.
CUTS = {"P@L": 1, "P@L/2": 2, "P@L/5": 5}
#: Every range and cut, long range first, which is the headline.
MEASURES = tuple((reach, cut) for reach in ("long", "medium", "short") for cut in CUTS)


@dataclass(frozen=True, eq=False)
class Precisions:
    """Precision of the top pairs of a set of proteins.

    Axes: S proteins, N layers, H heads.

    Parameters
    ----------
    names : tuple of str
        Proteins, S of them.
    values : dict of (str, str) to ndarray of float64, shape (S, N, H)
        By range and cut; NaN where a protein has no contact of the range.
    """

    names: tuple[str, ...]
    values: dict[tuple[str, str], NDArray[np.float64]]

    def at(self, reach: str, cut: str) -> NDArray[np.float64]:
        """Return one measure, shape (S, N, H); an unknown name lists the known ones."""
        if reach not in RANGES:
            raise unknown("range", reach, RANGES)
        if cut not in CUTS:
            raise unknown("cut", cut, CUTS)
        return self.values[reach, cut]


@dataclass
class PrecisionTally:
    """Gathers precisions a layer at a time."""

    proteins: Sequence[Protein]
    _cells: dict[tuple[int, int], dict[tuple[str, str], NDArray[np.float64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pairs = lru_cache(maxsize=32)(lambda index: {reach: candidates(self.proteins[index], reach) for reach in RANGES})

    def add(self, layer: LayerMaps) -> None:
        """Measure all heads of one layer of one protein."""
        scores = pair_scores(layer, self.proteins)  # type: ignore[arg-type]
        protein = self.proteins[layer.index]
        cell = {}
        for reach, (pairs, true) in self._pairs(layer.index).items():
            flat = scores.flatten(1).index_select(1, pairs.to(scores.device))
            for cut, share in CUTS.items():
                cell[reach, cut] = top_precision(flat, true.to(scores.device), max(1, len(protein) // share))
        self._cells[layer.index, layer.layer] = cell

    def precisions(self) -> Precisions:
        """Return all that was measured; every protein needs every layer."""
        rows, layers = sorted({row for row, _ in self._cells}), sorted({layer for _, layer in self._cells})
        if not rows or len(self._cells) != len(rows) * len(layers):
            raise StudyError("precision: no map came, or layers are missing; every protein needs every layer")
        values = {measure: np.array([[self._cells[row, layer][measure] for layer in layers] for row in rows]) for measure in MEASURES}
        return Precisions(tuple(self.proteins[row].name for row in rows), values)


def candidates(protein: Protein, reach: str) -> tuple[Tensor, Tensor]:
    """Return the pairs of a range that can be scored, as flat indices into an (L, L) map, and which of them are contacts.

    Raises
    ------
    StudyError
        If the structure of the protein is not known.

    Examples
    --------
    >>> pairs, true = candidates(Protein("x", "A" * 8, pairs=((0, 7),), unresolved=frozenset({1})), "short")
    >>> pairs.tolist(), true.tolist()
    ([6, 7], [False, True])
    """
    if protein.pairs is None:
        raise StudyError(f"protein {protein.name!r}: no reference structure; give its contacts, or () for a chain without any")
    length, (low, high) = len(protein), RANGES[reach]
    mask = np.triu(np.ones((length, length), dtype=bool), low)
    if high is not None:
        mask &= ~np.triu(np.ones((length, length), dtype=bool), high + 1)
    hidden = list(protein.unresolved)
    mask[hidden] = mask[:, hidden] = False
    contacts = np.zeros((length, length), dtype=bool)
    for i, j in protein.pairs:
        contacts[i, j] = True
    return torch.from_numpy(np.flatnonzero(mask)), torch.from_numpy(contacts[mask])


def top_precision(scores: Tensor, true: Tensor, top: int) -> NDArray[np.float64]:
    """Return the share of contacts among the best-scored pairs, for every head.

    Where equal scores straddle the cut, the expectation over a random order of them is taken, so that a map with
    few distinct scores is neither favoured nor harmed.

    Parameters
    ----------
    scores : Tensor, shape (H, P)
        Of P candidate pairs.
    true : Tensor of bool, shape (P,)
        Which are contacts.
    top : int
        Pairs to predict; all of them if there are fewer.

    Returns
    -------
    ndarray of float64, shape (H,)
        NaN if no candidate is a contact.

    Examples
    --------
    >>> scores = torch.tensor([[0.9, 0.8, 0.1, 0.0], [0.5, 0.5, 0.5, 0.5]])
    >>> top_precision(scores, torch.tensor([True, False, True, False]), 1).tolist()
    [1.0, 0.5]
    """
    if not bool(true.any()):
        return np.full(len(scores), np.nan)
    top = min(top, scores.shape[1])
    last = scores.topk(top, dim=1).values[:, -1:]
    above, level = scores > last, scores == last
    missing = top - above.sum(1)
    hits = (above & true).sum(1) + missing * (level & true).sum(1) / level.sum(1)
    return (hits.double() / top).cpu().numpy()


def watch(stream: Iterable[LayerMaps], tally: PrecisionTally) -> Iterator[LayerMaps]:
    """Pass a stream on and measure each layer on its way, so that one pass of a model serves F1 and precision."""
    for layer in stream:
        tally.add(layer)
        yield layer


def precision_stream(stream: Iterable[LayerMaps], proteins: Sequence[Protein]) -> Precisions:
    """Measure a stream of attention, or of scores.

    Parameters
    ----------
    stream : iterable of LayerMaps
        Layers of proteins, in any order, each once.
    proteins : sequence of Protein
        With known structures.

    Returns
    -------
    Precisions
    """
    tally = PrecisionTally(proteins)
    for layer in stream:
        tally.add(layer)
    return tally.precisions()


def select_head(precisions: Precisions, *, reach: str = "long", cut: str = "P@L") -> tuple[int, int]:
    """Choose the head whose mean precision is highest; ties go to the lowest layer, then head.

    Parameters
    ----------
    precisions : Precisions
        Of the selection set.
    reach, cut : str
        The measure that chooses.

    Returns
    -------
    layer, head : int
        Counted from zero.

    Raises
    ------
    StudyError
        If no protein of the set has a contact of the range.
    """
    values = precisions.at(reach, cut)
    kept = np.isfinite(values[:, 0, 0])
    if not kept.any():
        raise StudyError(f"selection: no protein of the set has a {reach}-range contact; choose on proteins with known structure")
    means = np.round(values[kept].mean(0), 12)
    layer, head = np.unravel_index(int(means.argmax()), means.shape)
    return int(layer), int(head)


def bootstrap_precision(chosen_on: Precisions, scored_on: Precisions, *, n_draws: int = 1000, seed: int = 0) -> dict[Any, NDArray[np.float64]]:
    """Resample the proteins of both sets, choose the head anew in every draw by long-range P@L, and score every measure.

    Parameters
    ----------
    chosen_on, scored_on : Precisions
        Of the selection and the test set.
    n_draws : int
        Draws to make.
    seed : int
        Equal seeds give equal resamples, so that differences between models are paired.

    Returns
    -------
    dict of (str, str) to ndarray, shape (n_draws,)
        Mean precision of the test set by range and cut; NaN in a draw without a protein that has such contacts.
    """
    means = _weighted(chosen_on.at("long", "P@L"), n_draws, (seed, 0))
    best = np.nan_to_num(means, nan=-1.0).reshape(n_draws, -1).argmax(1)
    rows = np.arange(n_draws)
    return {measure: _weighted(scored_on.at(*measure), n_draws, (seed, 1)).reshape(n_draws, -1)[rows, best] for measure in MEASURES}


def _weighted(values: NDArray[np.float64], n_draws: int, seed: tuple[int, int]) -> NDArray[np.float64]:
    """Mean over resampled proteins, shape (n_draws, N, H); proteins where the measure is undefined have no weight."""
    weights = family_weights([None] * len(values), n_draws, seed) * np.isfinite(values[:, 0, 0])
    total = weights.sum(1)
    summed = np.tensordot(weights, np.nan_to_num(values), axes=1)
    return np.round(summed / np.where(total > 0, total, np.nan)[:, None, None], 12)
