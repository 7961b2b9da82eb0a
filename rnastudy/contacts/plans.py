"""What the layers of one RNA share in a scan, and the counting of one layer: compiled where that can be, else with torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnastudy import compiled
from rnastudy.contacts.decoding import accepted_pairs
from rnastudy.contacts.lattice import Lattice, before_sigmoid
from rnastudy.contacts.scores import contact_scores
from rnastudy.contacts.settings import Setting
from rnastudy.rna import Pairs, Rna
from rnastudy.structure import to_matrix

__all__ = ["Plan"]

#: Scores held at once on a CPU: a megabyte stays in a processor's own cache from one step to the next.
_SCORES_AT_ONCE = 2**18
#: Counts of one layer under one setting: predicted and found, each (H, K).
LayerCounts = tuple[NDArray[np.integer], NDArray[np.integer]]


@dataclass(frozen=True)
class Plan:
    """Candidates of one RNA, and which of them are true, by setting.

    Parameters
    ----------
    masks, true : dict of Setting to ndarray of bool, shape (L, L)
        Pairs that may be predicted, and those of them that the reference holds; ``i < j`` only.
    pairs : ndarray of int32
        Flat indices into a map of every pair that some setting without a decoder scores.
    parts : dict of Setting to (ndarray of int32 or None, ndarray of int32)
        For each of those settings, the positions of its candidates in `pairs` (None: all), and of its true pairs.
    """

    masks: dict[Setting, NDArray[np.bool_]]
    true: dict[Setting, NDArray[np.bool_]]
    pairs: NDArray[np.int32]
    parts: dict[Setting, tuple[NDArray[np.int32] | None, NDArray[np.int32]]]

    @classmethod
    def make(cls, rna: Rna, settings: tuple[Setting, ...]) -> Plan:
        """Lay out the pairs of an RNA.

        Parameters
        ----------
        rna : Rna
            With a known structure.
        settings : tuple of Setting
            What to count.

        Returns
        -------
        Plan
        """
        masks = {setting: setting.candidates(rna) for setting in settings}
        true = {setting: mask & _upper(setting.reference(rna), len(rna)) for setting, mask in masks.items()}
        raw = [setting for setting in settings if setting.decoder == "raw"]
        union = np.any([masks[setting] for setting in raw], axis=0) if raw else np.zeros((len(rna),) * 2, dtype=bool)
        parts = {}
        for setting in raw:
            inside = masks[setting][union]
            parts[setting] = None if inside.all() else _positions(inside), _positions(true[setting][union])
        return cls(masks, true, _positions(union.ravel()), parts)

    def count(self, maps: Tensor, *, scored: bool = False) -> Iterator[tuple[Setting, NDArray[np.integer], NDArray[np.integer]]]:
        """Count predicted and true pairs of a layer, a few heads at a time, so that little but the maps is ever held.

        Parameters
        ----------
        maps : Tensor of float32 or float64, shape (H, L, L)
            Attention, or pair scores.
        scored : bool
            Whether they are pair scores already.

        Yields
        ------
        setting, predicted, found
            Counts (H, K) of every setting.
        """
        heads = max(1, _SCORES_AT_ONCE // max(1, maps[0].numel())) if maps.device.type == "cpu" else len(maps)
        counted: dict[Setting, list[LayerCounts]] = {setting: [] for setting in self.masks}
        for part in maps.split(heads):
            scores = part if scored else contact_scores(part)
            direct = compiled.available() and scores.device.type == "cpu" and scores.dtype == torch.float32
            for setting, counts in self._compiled(scores.contiguous().numpy()) if direct else self._with_torch(scores):
                counted[setting].append(counts)
        for setting, rows in counted.items():
            yield setting, np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows])

    def _compiled(self, scores: NDArray[np.float32]) -> Iterator[tuple[Setting, LayerCounts]]:
        from rnastudy.contacts.kernels import count_decoded, count_pairs

        squashed = torch.from_numpy(scores).sigmoid().numpy() if any(s.sigmoid and s.decoder != "raw" for s in self.masks) else scores
        for setting, mask in self.masks.items():
            size = len(setting.lattice)
            if setting.decoder == "raw":
                chosen, true = self.parts[setting]
                pairs = self.pairs if chosen is None else self.pairs[chosen]
                yield setting, count_pairs(scores, pairs, self.pairs[true], _raw_lattice(setting).cells, size)
            else:
                values = squashed if setting.sigmoid else scores
                yield setting, count_decoded(values, mask, self.true[setting], setting.decoder, setting.lattice.cells, size)

    def _with_torch(self, scores: Tensor) -> Iterator[tuple[Setting, LayerCounts]]:
        flat = scores.flatten(1).index_select(1, torch.from_numpy(self.pairs).to(scores.device))
        binned: dict[bool, Tensor] = {}
        for setting, (chosen, true) in self.parts.items():
            if setting.sigmoid not in binned:
                binned[setting.sigmoid] = _bins(flat, setting)
            bins = binned[setting.sigmoid]
            part = bins if chosen is None else bins.index_select(1, torch.from_numpy(chosen).to(bins.device))
            found = bins.index_select(1, torch.from_numpy(true).to(bins.device))
            yield setting, (_at_or_above(part, setting.lattice), _at_or_above(found, setting.lattice))
        for setting, mask in self.masks.items():
            if setting.decoder != "raw":
                yield setting, _count_decoded(scores, torch.from_numpy(mask).to(scores.device), torch.from_numpy(self.true[setting]).to(scores.device), setting)


def _raw_lattice(setting: Setting) -> Lattice:
    return before_sigmoid() if setting.sigmoid else setting.lattice


def _bins(scores: Tensor, setting: Setting) -> Tensor:
    """Bin scores; those of a CPU in single precision without squashing them, by the same thresholds moved before the sigmoid."""
    if setting.sigmoid and not (scores.device.type == "cpu" and scores.dtype == torch.float32):
        return setting.lattice.bins(scores.sigmoid())
    return _raw_lattice(setting).bins(scores)


def _count_decoded(scores: Tensor, candidates: Tensor, true: Tensor, setting: Setting) -> LayerCounts:
    values = scores.sigmoid() if setting.sigmoid else scores
    heads, i, j = accepted_pairs(values, candidates, setting.decoder)
    bins = setting.lattice.bins(values[heads, i, j])
    hits = true[i, j]
    n_heads, lattice = len(scores), setting.lattice
    return _histogram(heads, bins, n_heads, lattice), _histogram(heads[hits], bins[hits], n_heads, lattice)


def _at_or_above(bins: Tensor, lattice: Lattice) -> NDArray[np.int64]:
    """Count the scores at or above each level: bins (H, P) to counts (H, K)."""
    heads = torch.arange(len(bins), dtype=bins.dtype, device=bins.device)[:, None]
    return _histogram(heads, bins, len(bins), lattice)


def _histogram(heads: Tensor, bins: Tensor, n_heads: int, lattice: Lattice) -> NDArray[np.int64]:
    """Count bins by head, and sum from the highest level down: shape (H, K)."""
    cells = (heads * len(lattice) + bins).flatten()
    histogram = torch.bincount(cells, minlength=n_heads * len(lattice)).view(n_heads, -1)
    cumulated = histogram.cumsum(1)
    return (cumulated[:, -1:] - cumulated + histogram).cpu().numpy()


def _positions(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.flatnonzero(mask).astype(np.int32)


def _upper(pairs: Pairs, length: int) -> NDArray[np.bool_]:
    return np.triu(to_matrix(pairs, length))
