"""Explorers with a kernel behind them: ``ipywidgets`` whose every state is computed by the package itself.

What a cell shows is a bundle of both: a live notebook takes the widget; a page, or a notebook without its kernel, takes the
static explorer, which needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnastudy import plotting
from rnastudy.explorers.head_explorer import STEPS, quantised
from rnastudy.explorers.head_explorer import heads as static_heads
from rnastudy.explorers.similarity_explorer import auroc, overlap, rebinned
from rnastudy.explorers.similarity_explorer import similarities as static_similarities
from rnastudy.rna import Rna
from rnastudy.structure import DECODERS, candidate_mask, decode

__all__ = ["Live", "heads", "similarities"]

Counts = NDArray[np.integer]


@dataclass(frozen=True)
class Live:
    """A widget for a kernel and the static explorer for everyone else, in one output."""

    widget: Any
    static: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle = self.widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {**data, "text/html": self.static, "text/plain": "an explorer"}


def heads(rna: Rna, maps: Mapping[str, NDArray[np.floating]], *, chosen: Mapping[str, float] | None = None, min_separation: int = 4) -> Live:
    """Make the live explorer of heads and thresholds: every decoder, arcs and contact map drawn anew.

    Parameters
    ----------
    rna, maps, chosen, min_separation
        As for :func:`rnastudy.explorers.heads`.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> live = heads(hairpin, {"layer 1, head 1": np.arange(81.0).reshape(9, 9)})
    >>> [child.description for child in live.widget.children[:4]]
    ['head', 'decoder', 'canonical', 'threshold']
    """
    import ipywidgets as widgets

    static = static_heads(rna, maps, chosen=chosen, min_separation=min_separation)
    allowed = candidate_mask(rna, min_separation=min_separation)
    packed = {label: quantised(label, scores, allowed, (chosen or {}).get(label)) for label, scores in maps.items()}
    head = widgets.Dropdown(options=list(maps), description="head")
    decoder = widgets.Dropdown(options=list(DECODERS), description="decoder")
    canonical = widgets.Checkbox(description="canonical")
    step = widgets.IntSlider(min=0, max=STEPS, value=STEPS // 2, description="threshold", readout=False)
    picture = widgets.HTML()

    def draw(_: object = None) -> None:
        candidates = candidate_mask(rna, min_separation=min_separation, canonical=canonical.value)
        threshold = packed[head.value].threshold(step.value)
        pairs = decode(np.asarray(maps[head.value], float), threshold, decoder.value, candidates=candidates)
        title = f"{rna.name}, {head.value}, threshold {threshold:.4f}, {decoder.value}"
        picture.value = plotting.output.html(*plotting.arcs(rna, pairs, min_separation=min_separation, title=title))

    for control in (head, decoder, canonical, step):
        control.observe(draw, names="value")
    draw()
    return Live(widgets.VBox([head, decoder, canonical, step, picture]), static)


def similarities(counts: Mapping[tuple[str, str], tuple[Counts, Counts]], edges: NDArray[np.floating], *, bins: int = 100) -> Live:
    """Make the live explorer of similarity distributions.

    Parameters
    ----------
    counts, edges, bins
        As for :func:`rnastudy.explorers.similarities`.

    Examples
    --------
    >>> live = similarities({("m", "mean"): (np.array([0, 4]), np.array([4, 0]))}, np.array([-1.0, 0.0, 1.0]), bins=2)
    >>> [child.description for child in live.widget.children[:2]]
    ['shown', 'bins']
    """
    import ipywidgets as widgets

    static = static_similarities(counts, edges, bins=bins)
    fine = len(edges) - 1
    shown = widgets.Dropdown(options=[(", ".join(key), key) for key in counts], description="shown")
    number = widgets.SelectionSlider(options=[b for b in range(2, fine + 1) if fine % b == 0], value=bins, description="bins")
    picture = widgets.HTML()

    def draw(_: object = None) -> None:
        positive, negative = (np.asarray(part) for part in counts[shown.value])
        p, n = rebinned(positive, number.value), rebinned(negative, number.value)
        coarse = np.linspace(edges[0], edges[-1], number.value + 1)
        drawn = plotting.similarities(p, n, coarse, ratio=overlap(p, n), auroc=auroc(positive, negative), title=", ".join(shown.value))
        picture.value = plotting.output.html(*drawn)

    for control in (shown, number):
        control.observe(draw, names="value")
    draw()
    return Live(widgets.VBox([shown, number, picture]), static)
