"""Figures of one RNA: a contact map with the reference in its other triangle, and arcs above and below the sequence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc
from matplotlib.ticker import MaxNLocator

from rnastudy.errors import StudyError
from rnastudy.plotting.style import CLASSES, GRID, INK, MUTED, Drawn, canvas, house
from rnastudy.plotting.words import number, plural
from rnastudy.rna import Rna

__all__ = ["FATES", "arcs", "contact_map", "fates"]

#: Fate of a pair -> colour, line and marker: readable without colour, by dash and shape.
FATES = {
    "found": (CLASSES["map convolution"], "-", "o"),
    "false": (CLASSES["plain encoder"], "--", "X"),
    "missed": (CLASSES["baseline"], ":", "s"),
}
Pair = tuple[int, int]


def fates(predicted: Iterable[Pair], reference: Iterable[Pair], min_separation: int = 1) -> dict[str, list[Pair]]:
    """Sort pairs into found (in both), false (predicted only) and missed (reference only), leaving out those too close.

    Examples
    --------
    >>> fates([(0, 8), (1, 7)], [(0, 8), (2, 6)])
    {'found': [(0, 8)], 'false': [(1, 7)], 'missed': [(2, 6)]}
    """
    first = {(int(i), int(j)) for i, j in predicted if j - i >= min_separation}
    second = {(int(i), int(j)) for i, j in reference if j - i >= min_separation}
    return {"found": sorted(first & second), "false": sorted(first - second), "missed": sorted(second - first)}


def _said(sorted_pairs: dict[str, list[Pair]]) -> str:
    found, false, missed = (len(sorted_pairs[name]) for name in FATES)
    total = 2 * found + false + missed
    f1 = number(2 * found / total) if total else "undefined"
    return f"{plural(found, 'pair')} found, {false} predicted that the reference lacks, {missed} missed; F1 {f1}"


def _reference(rna: Rna) -> tuple[Pair, ...]:
    if rna.pairs is None:
        raise StudyError(f"RNA {rna.name!r} has no reference structure to draw; give pairs or choose another RNA")
    return rna.pairs


@house
def arcs(rna: Rna, predicted: Iterable[Pair], *, min_separation: int = 4, title: str | None = None) -> Drawn:
    """Draw predicted pairs as arcs above the sequence and reference pairs below it, each by its fate.

    Parameters
    ----------
    rna : Rna
        With its reference pairs.
    predicted : iterable of (int, int)
        Pairs counted from zero.
    min_separation : int
        Pairs nearer than this many bases are left out of both sides.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> arcs(hairpin, [(0, 8), (1, 7), (3, 8)])[1]  # doctest: +ELLIPSIS
    'Arc diagram of hairpin, 9 bases: predictions above, reference below. 2 pairs found, 1 predicted ... 1 missed; F1 0.67.'
    """
    sorted_pairs = fates(predicted, _reference(rna), min_separation)
    figure, axes = canvas(6.6, 3.6)
    for side, names in ((1, ("found", "false")), (-1, ("found", "missed"))):
        for name in names:
            for i, j in sorted_pairs[name]:
                _arc(axes, i + 1, j + 1, side, name)
    axes.plot([1, len(rna)], [0, 0], color=INK, lw=1)
    if len(rna) <= 60:
        for place, base in enumerate(rna.sequence, 1):
            axes.text(place, 0, base, ha="center", va="center", fontsize=7, bbox={"fc": GRID, "ec": "none", "pad": 0.6})
    tallest = max((j - i for pairs in sorted_pairs.values() for i, j in pairs), default=4) / 2
    axes.set(xlim=(0, len(rna) + 1), ylim=(-1.12 * tallest, 1.12 * tallest), xlabel="base", yticks=[], title=title or rna.name)
    axes.text(0, 1, "predicted", transform=axes.transAxes, va="top", color=MUTED)
    axes.text(0, 0, "reference", transform=axes.transAxes, va="bottom", color=MUTED)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure, axes)
    return figure, f"Arc diagram of {rna.name}, {plural(len(rna), 'base')}: predictions above, reference below. {_said(sorted_pairs)}."


def _arc(axes: Axes, i: int, j: int, side: int, name: str) -> None:
    colour, line, marker = FATES[name]
    angles = (0, 180) if side > 0 else (180, 360)
    axes.add_patch(Arc(((i + j) / 2, 0), j - i, j - i, theta1=angles[0], theta2=angles[1], ec=colour, ls=line, lw=1.5))
    axes.plot([(i + j) / 2], [side * (j - i) / 2], marker=marker, ms=4.5, color=colour, ls="")


def _legend(figure: Figure, axes: Axes) -> None:
    for name, (colour, line, marker) in FATES.items():
        axes.plot([], [], color=colour, ls=line, marker=marker, ms=5, label=name)
    figure.legend(loc="outside upper right", ncols=3)


@house
def contact_map(
    rna: Rna,
    scores: np.ndarray,
    *,
    threshold: float | None = None,
    min_separation: int = 4,
    label: str = "score",
    title: str | None = None,
) -> Drawn:
    """Draw scores above the diagonal and the reference below it; a box marks what passes the threshold.

    Parameters
    ----------
    rna : Rna
        With its reference pairs.
    scores : ndarray, shape=(L, L)
        Symmetric pair scores in base coordinates.
    threshold : float, optional
        Pairs that score at least this much are outlined.

    Raises
    ------
    StudyError
        If the scores do not fit the sequence.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> scores = np.zeros((9, 9)); scores[0, 8] = 1
    >>> contact_map(hairpin, scores, threshold=0.5)[1]  # doctest: +ELLIPSIS
    'Contact map of hairpin, 9 bases: scores above the diagonal, 3 reference pairs below. At threshold 0.5: 1 pair found, ...'
    """
    reference, length = _reference(rna), len(rna)
    scores = np.asarray(scores, float)
    if scores.shape != (length, length):
        raise StudyError(f"contact map of {rna.name!r}: scores have shape {scores.shape}, its sequence {length} bases")
    upper = np.where(np.triu(np.ones_like(scores), min_separation) > 0, scores, np.nan)
    figure, axes = canvas(5.2, 4.4)
    low, high = np.nanpercentile(upper, [1, 99.7]) if np.isfinite(upper).any() else (0, 1)
    picture = axes.imshow(upper, vmin=low, vmax=max(high, low + 1e-9), extent=(0.5, length + 0.5, length + 0.5, 0.5))
    figure.colorbar(picture, ax=axes, label=label, shrink=0.8)
    kept = [(i, j) for i, j in reference if j - i >= min_separation]
    axes.plot([i + 1 for i, _ in kept], [j + 1 for _, j in kept], ls="", marker="s", ms=3.4, color=CLASSES["map convolution"])
    axes.plot([1, length], [1, length], color=GRID, lw=1)
    told = ""
    if threshold is not None:
        pairs = [(int(i), int(j)) for i, j in np.argwhere(upper >= threshold)]
        axes.plot([j + 1 for _, j in pairs], [i + 1 for i, _ in pairs], ls="", marker="s", ms=5, mfc="none", mec=CLASSES["plain encoder"], mew=1.1)
        told = f" At threshold {threshold:.4g}: {_said(fates(pairs, reference, min_separation))}."
    axes.set(xlabel="base", ylabel="base", title=title or rna.name)
    axes.text(0.03, 0.03, "reference", transform=axes.transAxes, color=MUTED)
    alt = f"Contact map of {rna.name}, {plural(length, 'base')}: scores above the diagonal, {plural(len(kept), 'reference pair')} below."
    return figure, alt + told
