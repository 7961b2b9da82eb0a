"""Figures of classification: two distributions and their overlap, the descriptor that keeps 128 numbers, families in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnastudy.errors import StudyError
from rnastudy.plotting.style import CLASSES, GRID, INK, MARKERS, MUTED, Drawn, bare, canvas, house, looks, need
from rnastudy.plotting.words import listed, number, plural, score

__all__ = ["family_views", "fft_trap", "similarities"]

FAMILY_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def _densities(positive: np.ndarray, negative: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positive, negative, edges = (np.asarray(x, float) for x in (positive, negative, edges))
    if positive.shape != negative.shape or len(edges) != len(positive) + 1:
        raise StudyError(f"similarities: {len(positive)} and {len(negative)} counts do not fit {len(edges)} bin edges")
    if positive.sum() <= 0 or negative.sum() <= 0:
        raise StudyError("similarities: a histogram is empty; both positive and negative pairs are needed")
    width = np.diff(edges)
    return positive / positive.sum() / width, negative / negative.sum() / width


@house
def similarities(positive: np.ndarray, negative: np.ndarray, edges: np.ndarray, *, ratio: float, auroc: float | None = None, title: str = "") -> Drawn:
    """Draw how similar pairs of one family and pairs of two families are, and shade where the two distributions overlap.

    Parameters
    ----------
    positive, negative : ndarray, shape=(B,)
        Counts of pairs per bin of cosine similarity.
    edges : ndarray, shape=(B + 1,)
        Edges of the bins.
    ratio, auroc : float
        Overlap ratio (intersection over union of the two densities) and AUROC, as computed elsewhere.

    Examples
    --------
    >>> similarities([0, 4], [4, 0], [0, 0.5, 1], ratio=0.0, auroc=1.0, title="m")[1]  # doctest: +ELLIPSIS
    'Two histograms of cosine similarity for m: 4 pairs of the same family with median bin near 0.75, ... AUROC is 1.00.'
    """
    p, n = _densities(positive, negative, edges)
    edges = np.asarray(edges, float)
    figure, axes = canvas(5.8, 3.3)
    axes.stairs(np.minimum(p, n), edges, fill=True, color=GRID, label=f"overlap ratio {number(ratio, 3)}")
    axes.stairs(p, edges, color=CLASSES["map convolution"], lw=2, label="same family")
    axes.stairs(n, edges, color=CLASSES["plain encoder"], lw=2, ls="--", label="different families")
    seen = np.flatnonzero(p + n)
    axes.set_xlim(edges[seen[0]], edges[seen[-1] + 1])
    axes.set(xlabel="cosine similarity", ylabel="density", title=title)
    figure.legend(loc="outside upper right", ncols=3)
    middles = (edges[:-1] + edges[1:]) / 2
    at = [middles[np.searchsorted(np.cumsum(x), np.sum(x) / 2)] for x in (np.asarray(positive), np.asarray(negative))]
    told = f"{int(np.sum(positive)):,} pairs of the same family with median bin near {number(at[0])}, "
    told += f"{int(np.sum(negative)):,} pairs of different families near {number(at[1])}. The overlap ratio is {number(ratio, 3)}"
    told += f", the AUROC is {number(auroc)}" if auroc is not None else ""
    return figure, f"Two histograms of cosine similarity{f' for {title}' if title else ''}: {told}."


@house
def fft_trap(results: pd.DataFrame, *, width: int, length: int, kept: int = 128, label: str = "AUROC") -> Drawn:
    """Draw which numbers of a hidden-state matrix the FFT descriptor sees, and what each descriptor scores.

    Parameters
    ----------
    results : DataFrame
        ``descriptor``, ``value`` and, where known, ``low`` and ``high``; for example the FFT descriptor, the same with
        everything behind its first 128 numbers replaced, and the mean over bases. A column ``model`` gives each model a mark.
    width, length : int
        Channels D and tokens of the matrix drawn.
    kept : int
        How many leading numbers of the flattened matrix survive ``fft(x, n)``.

    Examples
    --------
    >>> table = pd.DataFrame({"descriptor": ["FFT", "mean"], "value": [0.7, 0.9]})
    >>> fft_trap(table, width=64, length=100)[1]
    'Left: of 100 tokens x 64 channels = 6,400 numbers, the FFT descriptor sees the first 128, 2.0 %. Right: AUROC by descriptor: FFT 0.70 and mean 0.90.'
    """
    need(results, "descriptor", "value")
    figure, (left, right) = canvas(7.2, 2.0 + 0.45 * results["descriptor"].nunique(), columns=2, width_ratios=(1, 1.3))
    figure.get_layout_engine().set(wspace=0.08)  # type: ignore[union-attr, call-arg]
    seen = np.zeros(length * width)
    seen[:kept] = 1
    left.imshow(seen.reshape(length, width), aspect="auto", cmap="cividis", vmin=0, vmax=1, extent=(0.5, width + 0.5, length + 0.5, 0.5))
    left.set(xlabel="channel", ylabel="token", title="light: all that the descriptor sees")
    _described(figure, right, results, label)
    share = 100 * min(kept, length * width) / (length * width)
    said = listed([f"{row.descriptor}{f' of {row.model}' if 'model' in results else ''} {score(row)}" for row in results.itertuples()])
    told = f"of {length} tokens x {width} channels = {length * width:,} numbers, the FFT descriptor sees the first {kept}, {share:.1f} %"
    return figure, f"Left: {told}. Right: {label} by descriptor: {said}."


def _described(figure: Figure, axes: Axes, results: pd.DataFrame, label: str) -> None:
    """Draw a row for each descriptor, and in it a mark with its interval for each model."""
    names = list(dict.fromkeys(results["descriptor"]))
    models = list(dict.fromkeys(results["model"])) if "model" in results else [""]
    styles = dict(zip(models, looks(models, ["trained"] * len(models)), strict=True))
    for row in results.itertuples():
        model = getattr(row, "model", "")
        place = len(names) - 1 - names.index(row.descriptor) + 0.72 / max(len(models), 2) * ((len(models) - 1) / 2 - models.index(model))
        low, high = getattr(row, "low", np.nan), getattr(row, "high", np.nan)
        axes.plot([low, high], [place, place], color=styles[model]["color"], lw=1.6)
        axes.plot([row.value], [place], ms=6, ls="", **styles[model])
    for model in models if "model" in results else []:
        axes.plot([], [], ms=6, ls="", label=model, **styles[model])
    axes.set_yticks(range(len(names)), names[::-1])
    axes.set(xlabel=label, ylim=(-0.6, len(names) - 0.4))
    axes.grid(axis="x")
    if "model" in results:
        figure.legend(loc="outside upper right", ncols=min(3, len(models)))


@house
def family_views(points: pd.DataFrame, *, highlight: Sequence[str] | None = None, note: str = "") -> Drawn:
    """Draw every RNA as a point, model beside model and method above method, with a few families picked out.

    Parameters
    ----------
    points : DataFrame
        ``model``, ``method`` (such as ``PCA`` or ``t-SNE``), ``x``, ``y``, ``family``.
    highlight : sequence of str, optional
        Families to colour, at most six; the largest six if not given. One name gives one family against the rest.
    note : str
        A sentence for the alternative text, such as a neighbour accuracy computed elsewhere.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "m", "method": "PCA", "x": [0.0, 1.0], "y": [0.0, 1.0], "family": ["RF1", "RF2"]})
    >>> family_views(table, highlight=["RF1"])[1]
    'Scatter plots of 2 RNAs of 2 families, 1 model by 1 method (PCA); coloured: RF1. Distances between far clusters mean nothing in t-SNE.'
    """
    need(points, "model", "method", "x", "y", "family")
    models, methods = list(dict.fromkeys(points["model"])), list(dict.fromkeys(points["method"]))
    chosen = list(highlight) if highlight is not None else list(points["family"].value_counts().index[:6])
    if not 1 <= len(chosen) <= len(FAMILY_COLOURS):
        raise StudyError(f"family views: {len(chosen)} families to pick out; give 1 to {len(FAMILY_COLOURS)}")
    figure, grid = canvas(max(3.6, 2.5 * len(models)), 2.4 * len(methods) + 0.5, len(methods), len(models), squeeze=False)
    for axes_row, method in zip(grid, methods, strict=True):
        for axes, model in zip(axes_row, models, strict=True):
            _view(axes, points[(points["model"] == model) & (points["method"] == method)], chosen)
            axes.set_title(f"{model}, {method}", fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=min(len(chosen), 3 if len(models) < 3 else 6), markerscale=1.4)
    first = points[(points["model"] == models[0]) & (points["method"] == methods[0])]
    told = f"{plural(len(first), 'RNA')} of {first['family'].nunique()} families, {plural(len(models), 'model')} by "
    told += f"{plural(len(methods), 'method')} ({listed(methods)}); coloured: {listed([str(c) for c in chosen])}"
    return figure, f"Scatter plots of {told}. Distances between far clusters mean nothing in t-SNE.{f' {note}' if note else ''}"


def _view(axes: Axes, rows: pd.DataFrame, chosen: list[str]) -> None:
    rest = rows[~rows["family"].isin(chosen)]
    axes.scatter(rest["x"], rest["y"], s=5, color=MUTED, alpha=0.45, linewidths=0, rasterized=len(rest) > 300)
    for family, colour, marker in zip(chosen, FAMILY_COLOURS, MARKERS, strict=False):
        mine = rows[rows["family"] == family]
        axes.scatter(mine["x"], mine["y"], s=22, color=colour, marker=marker, label=str(family), linewidths=0.4, edgecolors=INK)
    bare(axes)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GRID)
