"""The head and threshold explorer: one RNA, a few heads, any threshold, three decoders, and what becomes of F1."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.explorers.drawing import arcs_svg, cividis, map_svg, picture, read_out
from rnastudy.explorers.page import assemble, options
from rnastudy.plotting.rnas import fates
from rnastudy.rna import Rna
from rnastudy.structure import candidate_mask, decode, scored_pairs

__all__ = ["DECODERS", "STEPS", "Head", "heads", "quantised"]

#: Decoders that the page can compute by itself; matching needs more than a page should.
DECODERS = ("raw", "mutual", "greedy")
DECODER_WORDS = ("every pair above it", "each other's best", "greedy, one partner")
STEPS, LEVELS, LARGEST = 200, 65535, 400


@dataclass(frozen=True, slots=True)
class Head:
    """One head's scores as the page holds them: 16-bit levels of the candidates above the diagonal, row by row.

    Examples
    --------
    >>> head = quantised("h", np.zeros((6, 6)), np.triu(np.ones((6, 6), bool), 4), None)
    >>> len(head.levels), head.threshold(0)
    (3, 0.0)
    """

    label: str
    low: float
    high: float
    levels: NDArray[np.uint16]
    length: int
    chosen: float | None

    @property
    def scores(self) -> NDArray[np.float64]:
        """The candidates' scores, shape (C,), as the page reads them."""
        return self.low + self.levels.astype(float) * (self.high - self.low) / LEVELS

    def threshold(self, step: int) -> float:
        """Threshold at a step of the slider: from where four pairs a base pass, up to the best score."""
        ranked = np.sort(self.scores)[::-1]
        start = ranked[min(4 * self.length, len(ranked)) - 1]
        return float(start + (ranked[0] - start) * step / STEPS)

    def first(self) -> float:
        """The threshold shown first: the chosen one, or the middle of the slider."""
        return self.threshold(STEPS // 2) if self.chosen is None else self.chosen


def quantised(label: str, scores: NDArray[np.floating], allowed: NDArray[np.bool_], chosen: float | None) -> Head:
    """Round one score matrix to 16 bits over its own range.

    Parameters
    ----------
    scores : ndarray, shape=(L, L)
        Pair scores in base coordinates; only ``i < j`` is read.
    allowed : ndarray of bool, shape=(L, L)
        Candidates.
    chosen : float or None
        The threshold frozen on the selection set.

    Raises
    ------
    StudyError
        If shape or values do not fit.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.shape != allowed.shape:
        raise StudyError(f"head explorer: scores of {label!r} have shape {scores.shape}, the RNA needs {allowed.shape}")
    values = scores[np.triu(allowed, 1)]
    if not values.size or not np.isfinite(values).all():
        raise StudyError(f"head explorer: scores of {label!r} are empty or not finite")
    low, high = float(values.min()), float(values.max())
    levels = np.round((values - low) / max(high - low, 1e-12) * LEVELS).astype("<u2")
    return Head(label, low, high, levels, len(scores), chosen)


def heads(
    rna: Rna,
    maps: Mapping[str, NDArray[np.floating]],
    *,
    chosen: Mapping[str, float] | None = None,
    min_separation: int = 4,
    title: str | None = None,
) -> str:
    """Build the explorer of heads and thresholds as one element of HTML.

    Parameters
    ----------
    rna : Rna
        With its reference pairs; at most 400 bases.
    maps : mapping of str to ndarray of shape (L, L)
        Label of a head -> its pair scores (symmetrised, corrected; what thresholds are compared with). The first is shown.
    chosen : mapping of str to float, optional
        Label -> threshold that was frozen on the selection set.
    min_separation : int
        Least ``j - i``; nearer pairs are left out of predictions and reference.

    Returns
    -------
    str
        HTML that works in a page without a kernel, from a file, by keyboard, and shows its first state without scripts.

    Raises
    ------
    StudyError
        If the RNA has no pair to be scored, is too long, or a map does not fit.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> scores = np.zeros((9, 9)); scores[0, 8] = scores[1, 7] = 1.0
    >>> "2 found, 0 false, 1 missed" in heads(hairpin, {"layer 1, head 1": scores}, chosen={"layer 1, head 1": 0.5})
    True
    """
    reference = scored_pairs(rna, min_separation=min_separation) if rna.pairs else ()
    if not reference or not maps or len(rna) > LARGEST:
        raise StudyError(f"head explorer: {rna!r} with {len(maps)} maps; it needs 1 to {LARGEST} bases, a reference pair and a map")
    allowed = candidate_mask(rna, min_separation=min_separation)
    packed = [quantised(label, scores, allowed, (chosen or {}).get(label)) for label, scores in maps.items()]
    body = _controls(packed) + _state(rna, packed[0], allowed, reference)
    return assemble("heads", title or f"Heads and thresholds on {rna.name}", body, _data(rna, packed, allowed, reference))


def _data(rna: Rna, packed: list[Head], allowed: NDArray[np.bool_], reference: tuple[tuple[int, int], ...]) -> dict[str, object]:
    rows = [
        {"label": head.label, "low": head.low, "high": head.high, "chosen": head.chosen, "levels": base64.b64encode(head.levels.tobytes()).decode()}
        for head in packed
    ]
    bits = np.packbits(np.triu(allowed, 1).ravel())
    return {
        "name": rna.name,
        "sequence": rna.sequence,
        "reference": reference,
        "steps": STEPS,
        "lut": cividis(),
        "allowed": base64.b64encode(bits.tobytes()).decode(),
        "heads": rows,
    }


def _controls(packed: list[Head]) -> str:
    return (
        '<div class="rs-controls" hidden>'
        f'<label>Head<select data-part="head">{options([head.label for head in packed])}</select></label>'
        f'<label>Decoder<select data-part="decoder">{options(list(DECODER_WORDS))}</select></label>'
        '<label class="rs-row"><input type="checkbox" data-part="canonical">AU, GC and GU only</label>'
        f'<label class="rs-wide">Threshold<input type="range" data-part="threshold" min="0" max="{STEPS}" value="{STEPS // 2}"></label>'
        '<button type="button" data-part="chosen">Threshold chosen on the selection set</button></div>'
    )


def _state(rna: Rna, head: Head, allowed: NDArray[np.bool_], reference: tuple[tuple[int, int], ...]) -> str:
    scores = np.zeros(allowed.shape)
    scores[np.triu(allowed, 1)] = head.scores
    threshold = head.first()
    sorted_pairs = fates(decode(scores, threshold, "raw", candidates=allowed), reference)
    said = read_out(sorted_pairs, threshold)
    label = escape(f"{rna.name}, {head.label}. {said}", quote=True)
    image = picture(scores, allowed, head.threshold(0), head.high)
    key = "Blue with a dot: found. Orange, dashed, with a cross: false. Yellow, dotted, with a square: missed."
    return (
        f'<p class="rs-read" role="status" aria-live="polite" data-part="read">{escape(said)}</p>'
        f'<div class="rs-panels"><div data-part="arcs-holder">{arcs_svg(rna, sorted_pairs, "Arc diagram of " + label)}</div>'
        f'<div data-part="map-holder">{map_svg(rna, sorted_pairs, image, "Contact map of " + label)}</div></div>'
        f'<p class="rs-key">{key} In the map, scores and predictions are above the diagonal, the reference below.</p>'
        f'<details><summary>The predicted pairs in words</summary><p class="rs-words" data-part="words">{_words(rna, sorted_pairs)}</p></details>'
    )


def _words(rna: Rna, sorted_pairs: Mapping[str, list[tuple[int, int]]]) -> str:
    pairs = sorted(sorted_pairs["found"] + sorted_pairs["false"])
    return ", ".join(f"{rna.sequence[i]}{i + 1}-{rna.sequence[j]}{j + 1}" for i, j in pairs) or "none"
