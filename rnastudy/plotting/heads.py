"""Figures of a choice: which head, which threshold, and how a model came to it in training."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rnastudy.errors import StudyError
from rnastudy.plotting.style import CLASSES, DARK, INK, MUTED, PAPER, Drawn, canvas, house, looks, need
from rnastudy.plotting.words import listed, number, plural

__all__ = ["head_map", "layer_curve", "threshold_curve", "training_curves"]


@house
def head_map(scores: np.ndarray, *, chosen: tuple[int, int] | None = None, label: str = "best F1 on the selection set") -> Drawn:
    """Draw one cell per layer and head, its colour the best score that any threshold reaches there.

    Parameters
    ----------
    scores : ndarray, shape=(N, H)
        Scores of all heads **on the selection set**.
    chosen : (int, int), optional
        Layer and head that were chosen, counted from zero; a box marks them. The figure counts from 1.

    Examples
    --------
    >>> head_map(np.array([[0.1, 0.5]]), chosen=(0, 1))[1]
    'Heat map of best F1 on the selection set for 1 layer of 2 heads. The highest is 0.50 in layer 1, head 2; the median is 0.30.'
    """
    scores = np.asarray(scores, float)
    if scores.ndim != 2 or not scores.size:
        raise StudyError(f"head map: scores have shape {scores.shape}, not (layers, heads)")
    n, h = scores.shape
    figure, axes = canvas(max(3.4, min(7.0, 1.8 + 0.32 * h)), max(2.0, min(7.0, 1.3 + 0.32 * n)))
    picture = axes.imshow(scores, vmin=0, vmax=max(0.01, np.nanmax(scores)), aspect="auto", extent=(0.5, h + 0.5, n + 0.5, 0.5))
    figure.colorbar(picture, ax=axes, label=label if n > 3 else "F1")
    if chosen is not None:
        axes.add_patch(_box(chosen))
    axes.set(xlabel="head", ylabel="layer", title=f"{label} (box: chosen)" if chosen is not None else label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    if n * h <= 60:
        _cell_labels(axes, scores)
    layer, head = np.unravel_index(np.nanargmax(scores), scores.shape)
    alt = f"Heat map of {label} for {plural(n, 'layer')} of {plural(h, 'head')}. The highest is {number(np.nanmax(scores))}"
    return figure, f"{alt} in layer {layer + 1}, head {head + 1}; the median is {number(float(np.nanmedian(scores)))}."


def _box(chosen: tuple[int, int]) -> Rectangle:
    layer, head = chosen
    return Rectangle((head + 0.54, layer + 0.54), 0.92, 0.92, fill=False, ec=CLASSES["plain encoder"], lw=2.5)


def _cell_labels(axes: Axes, scores: np.ndarray) -> None:
    middle = DARK * np.nanmax(scores)
    for (layer, head), value in np.ndenumerate(scores):
        colour = "#000000" if value > middle else "#ffffff"
        axes.text(head + 1, layer + 1, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)


@house
def threshold_curve(curves: pd.DataFrame, *, chosen: float, label: str = "mean F1 per RNA") -> Drawn:
    """Draw F1 against the threshold on the selection and the test set, with the frozen threshold and each set's own optimum.

    Parameters
    ----------
    curves : DataFrame
        ``set`` (``selection`` or ``test``), ``threshold``, ``value``: the chosen head's whole curve on each set.
    chosen : float
        The threshold that was frozen on the selection set.

    Examples
    --------
    >>> table = pd.DataFrame({"set": ["selection"] * 2 + ["test"] * 2, "threshold": [0.0, 1.0] * 2, "value": [0.1, 0.5, 0.4, 0.3]})
    >>> threshold_curve(table, chosen=1.0)[1]  # doctest: +ELLIPSIS
    'Line plot of mean F1 per RNA against the threshold. On the selection set the optimum is 0.50 ... costs 0.10.'
    """
    need(curves, "set", "threshold", "value")
    figure, axes = canvas(5.8, 3.5)
    axes.set_xlim(*_where_it_moves(curves, chosen))
    looks_of = {"selection": (CLASSES["baseline"], "--", "s"), "test": (CLASSES["map convolution"], "-", "o")}
    axes.axvline(chosen, color=INK, lw=1, ls=":")
    axes.annotate(
        "frozen threshold",
        (chosen, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -4) if chosen < sum(axes.get_xlim()) / 2 else (-4, -4),
        textcoords="offset points",
        ha="left" if chosen < sum(axes.get_xlim()) / 2 else "right",
        va="top",
        fontsize=9,
    )
    said = []
    for name, rows in curves.groupby("set", sort=False):
        rows = rows.sort_values("threshold")
        colour, line, marker = looks_of.get(str(name), (MUTED, "-", "^"))
        best = rows.loc[rows["value"].idxmax()]
        there = float(np.interp(chosen, rows["threshold"], rows["value"]))
        axes.plot(rows["threshold"], rows["value"], color=colour, ls=line)
        axes.plot([best["threshold"]], [best["value"]], marker=marker, ms=8, color=colour, ls=line, label=f"{name} set, optimum {number(best['value'])}")
        said.append(
            f"On the {name} set the optimum is {number(best['value'])} at {number(best['threshold'], 4)}; using the "
            f"frozen threshold {number(chosen, 4)} costs {number(best['value'] - there)}."
        )
    axes.set(xlabel="threshold on the score", ylabel=label, ylim=(0, min(1.05, 1.2 * curves["value"].max() + 0.02)))
    axes.grid()
    figure.legend(loc="outside upper right", ncols=2)
    return figure, f"Line plot of {label} against the threshold. {' '.join(said)}"


def _where_it_moves(curves: pd.DataFrame, chosen: float) -> tuple[float, float]:
    """Find the stretch of thresholds where the curve is not flat; the end points of a grid may be as far out as a float goes."""
    low, high = chosen, chosen
    for _, rows in curves.groupby("set", sort=False):
        rows = rows.sort_values("threshold")
        places, values = rows["threshold"].to_numpy(float), rows["value"].to_numpy(float)
        least = 0.02 * max(float(np.nanmax(values)), 1e-9)
        moving = np.flatnonzero((np.abs(values - values[0]) > least) & (np.abs(values - values[-1]) > least))
        if len(moving):
            low, high = min(low, places[moving[0]]), max(high, places[moving[-1]])
    if high <= low:
        seen = curves["threshold"][curves["threshold"].abs() < 1e30]
        low, high = min(low, seen.min()), max(high, seen.max())
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


@house
def layer_curve(results: pd.DataFrame, *, label: str = "AUROC") -> Drawn:
    """Draw a score layer by layer, a line per model, with a band where an interval is known.

    Parameters
    ----------
    results : DataFrame
        ``model``, ``role``, ``layer`` (0 is the embedding), ``value`` and, where known, ``low`` and ``high``.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "m", "role": "trained", "layer": [0, 1], "value": [0.6, 0.8]})
    >>> layer_curve(table)[1]
    'Line plot of AUROC by layer for 1 model: m is best at layer 1 with 0.80 and ends at 0.80.'
    """
    need(results, "model", "role", "layer", "value")
    heads = results.drop_duplicates("model")
    styles = dict(zip(heads["model"], looks(heads["model"], heads["role"], heads.get("class")), strict=True))
    figure, axes = canvas(7.0, 3.6)
    said, lines, heights = [], [], []
    for model, rows in results.sort_values("layer").groupby("model", sort=False):
        look = styles[model]
        lines += axes.plot(rows["layer"], rows["value"], ms=6, label=str(model), ls="--" if look["markerfacecolor"] == PAPER else "-", **look)
        if {"low", "high"} <= set(rows.columns) and rows["low"].notna().all():
            axes.fill_between(rows["layer"], rows["low"], rows["high"], color=look["color"], alpha=0.18, lw=0)
        end, best = rows.iloc[-1], rows.loc[rows["value"].idxmax()]
        heights.append(float(end["value"]))
        said.append(f"{model} is best at layer {best['layer']:.0f} with {number(best['value'])} and ends at {number(end['value'])}")
    axes.set(xlabel="layer (0: the embedding)", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.05)
    axes.grid()
    figure.legend(handles=[lines[i] for i in np.argsort(heights, kind="stable")[::-1]], loc="outside right upper", handlelength=2.6)
    return figure, f"Line plot of {label} by layer for {plural(len(said), 'model')}: {listed(said)}."


@house
def training_curves(curves: pd.DataFrame, *, floor: float | None = None) -> Drawn:
    """Draw how held-out loss falls and structure F1 rises during training, a line per model.

    Parameters
    ----------
    curves : DataFrame
        ``model``, ``step``, ``loss`` (masked-token cross-entropy in nats on held-out families) and ``f1`` (on the selection
        set; missing where it was not measured).
    floor : float, optional
        A loss to mark, such as that of a model which has learned no pairing.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "m", "step": [0, 100], "loss": [1.39, 1.31], "f1": [0.02, 0.5]})
    >>> training_curves(table)[1]
    'Two line plots against the training step for 1 model. m: loss from 1.39 to 1.31, F1 from 0.02 to 0.50.'
    """
    need(curves, "model", "step", "loss", "f1")
    names = list(dict.fromkeys(curves["model"]))
    styles = looks(names, ["trained"] * len(names))
    figure, (left, right) = canvas(7.2, 3.3, columns=2)
    said = []
    for name, look in zip(names, styles, strict=True):
        rows = curves[curves["model"] == name].sort_values("step")
        f1 = rows.dropna(subset="f1")
        left.plot(rows["step"], rows["loss"], color=look["color"], marker=look["marker"], markevery=[-1], ms=6)
        right.plot(f1["step"], f1["f1"], color=look["color"], marker=look["marker"], markevery=[-1] if len(f1) else None, ms=6, label=name)
        loss = f"loss from {number(rows['loss'].iloc[0])} to {number(rows['loss'].iloc[-1])}"
        said.append(f"{name}: {loss}" + (f", F1 from {number(f1['f1'].iloc[0])} to {number(f1['f1'].iloc[-1])}" if len(f1) else ""))
    if floor is not None:
        left.axhline(floor, color=MUTED, ls="--", lw=1)
        left.annotate("no pairing learned", (1, floor), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8, color=MUTED)
    left.set(xlabel="step", ylabel="loss on held-out families (nats)")
    right.set(xlabel="step", ylabel="best F1 on the selection set", ylim=(0, None))
    for axes in (left, right):
        axes.grid()
    figure.legend(loc="outside upper left", ncols=min(3, len(names)))
    return figure, f"Two line plots against the training step for {plural(len(names), 'model')}. {'; '.join(said)}."
