"""Count predicted and true pairs of all heads at all thresholds, in one pass over a stream of layers.

For a layer of one RNA: score all pairs, find the bin of each score among the thresholds, count bins, sum from above.
Memory holds one layer's maps, the scores of a few heads and the counts, never layers x heads x L x L.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from rnastudy.contacts.counts import Counts, Tally
from rnastudy.contacts.plans import Plan
from rnastudy.contacts.scores import contact_scores
from rnastudy.contacts.settings import Setting
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["LayerMaps", "checked_maps", "scan_many", "scan_stream"]


class LayerMaps(Protocol):
    """One layer of attention of one RNA, as a `Probe` streams it."""

    @property
    def index(self) -> int:
        """Which RNA, counted from zero."""

    @property
    def layer(self) -> int:
        """Which layer, counted from zero."""

    @property
    def maps(self) -> Tensor:
        """Attention after softmax in base coordinates, shape (H, L, L).

        A layer with an attribute ``scored`` that is true holds pair scores instead, symmetric and without APC to add, as
        the baselines do.
        """


def scan_stream(
    stream: Iterable[LayerMaps],
    rnas: Sequence[Rna],
    protocol: str,
    *,
    decoder: str = "raw",
    canonical: bool = False,
    min_separation: int | None = None,
) -> Counts:
    """Scan a stream of attention under one setting.

    Parameters
    ----------
    stream : iterable of LayerMaps
        Layers of RNAs, in any order, each once.
    rnas : sequence of Rna
        With known structures; `LayerMaps.index` counts into it.
    protocol, decoder, canonical, min_separation
        See `Setting`.

    Returns
    -------
    Counts

    Raises
    ------
    StudyError
        As `scan_many`.
    """
    setting = Setting(protocol, decoder, canonical, min_separation)
    return scan_many(stream, rnas, [setting])[setting]


@torch.no_grad()
def scan_many(stream: Iterable[LayerMaps], rnas: Sequence[Rna], settings: Iterable[Setting]) -> dict[Setting, Counts]:
    """Scan a stream of attention under several settings in one pass.

    Parameters
    ----------
    stream : iterable of LayerMaps
        Layers of RNAs, in any order, each once.
    rnas : sequence of Rna
        With known structures; `LayerMaps.index` counts into it. An RNA that never comes is named in `Counts.skipped`.
    settings : iterable of Setting
        Decoders ``raw``, ``mutual`` and ``greedy``.

    Returns
    -------
    dict of Setting to Counts

    Raises
    ------
    StudyError
        If a decoder cannot be scanned, a structure is not known, maps do not fit their RNA or are not finite, or layers
        are missing.

    Examples
    --------
    A head that attends to the one true pair, and a flat one.

    >>> from types import SimpleNamespace
    >>> maps = torch.full((2, 6, 6), 1 / 6)
    >>> maps[1, [0, 5]] = torch.eye(6)[[5, 0]]
    >>> rna = Rna("x", "GAAAAC", pairs=((0, 5),))
    >>> counts = scan_stream([SimpleNamespace(index=0, layer=0, maps=maps)], [rna], "careful")
    >>> level = int(np.searchsorted(counts.levels, 0.1))
    >>> counts.predicted[0, 0, :, level].tolist(), counts.found[0, 0, :, level].tolist()
    ([0, 1], [0, 1])
    """
    tallies = {setting: Tally(setting) for setting in settings}
    if not tallies or any(setting.decoder == "matching" for setting in tallies):
        raise StudyError("scan: no setting, or decoder 'matching' whose thresholds are not nested; see score_stream")
    references = {setting: np.array([len(setting.reference(rna)) for rna in rnas]) for setting in tallies}
    plan = lru_cache(maxsize=32)(lambda index: Plan.make(rnas[index], tuple(tallies)))
    for layer in stream:
        maps = checked_maps(layer, rnas)
        for setting, predicted, found in plan(layer.index).count(maps, scored=getattr(layer, "scored", False)):
            tallies[setting].add(layer.index, layer.layer, predicted, found)
    names = tuple(rna.name for rna in rnas)
    return {setting: tally.counts(names, references[setting]) for setting, tally in tallies.items()}


def pair_scores(layer: LayerMaps, rnas: Sequence[Rna]) -> Tensor:
    """Return the scores (H, L, L) of a layer: of attention, `contact_scores`; of a layer marked ``scored``, its maps as they are."""
    maps = checked_maps(layer, rnas)
    return maps if getattr(layer, "scored", False) else contact_scores(maps)


def checked_maps(layer: LayerMaps, rnas: Sequence[Rna]) -> Tensor:
    """Return the maps of a layer in a precision that sums can be made in, or say what is wrong with them."""
    if not 0 <= layer.index < len(rnas):
        raise StudyError(f"attention stream: RNA number {layer.index} of {len(rnas)}; stream the RNAs that are scanned")
    rna, maps = rnas[layer.index], layer.maps
    if maps.ndim != 3 or maps.shape[1:] != (len(rna), len(rna)):
        shape = tuple(maps.shape)
        raise StudyError(f"maps of RNA {rna.name!r}: shape {shape}, {len(rna)} bases; give (heads, L, L) without special tokens")
    if not torch.isfinite(maps.sum()):
        raise StudyError(f"maps of RNA {rna.name!r}, layer {layer.layer}: not finite; give attention after softmax")
    return maps if maps.dtype == torch.float64 else maps.float()
