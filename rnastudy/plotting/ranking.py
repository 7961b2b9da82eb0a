"""Figures that rank: dots with intervals, floors and ceilings as bands, one point per RNA, two protocols side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rnastudy.errors import StudyError
from rnastudy.plotting.style import CLASSES, GRID, INK, MUTED, Drawn, canvas, has_interval, house, looks, need
from rnastudy.plotting.words import listed, number, plural, score

__all__ = ["auroc_dots", "decoders", "forest", "paired", "slopes"]

BANDS = ("floor", "ceiling")


def _bands(axes: Axes, bands: pd.DataFrame) -> None:
    """Draw floors and ceilings as lines with bands."""
    for row in bands.itertuples():
        if has_interval(row):
            axes.axvspan(row.low, row.high, color=GRID, zorder=0, lw=0)
        axes.axvline(row.value, color=MUTED, lw=1, ls="--" if row.role == "floor" else "-.", zorder=0.5)


def _name_bands(axes: Axes, bands: pd.DataFrame) -> None:
    """Write the names of bands above the axes, each on the lowest line where it meets no other; the limits must be set before."""
    figure: Any = axes.figure
    figure.draw_without_rendering()
    frame, taken = axes.get_window_extent(), [-np.inf]
    gap = figure.dpi / 72 * 6
    for row in bands.sort_values("value").itertuples():
        name = f"ceiling: {row.model}" if row.role == "ceiling" else row.model
        text = axes.annotate(name, (row.value, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 0), textcoords="offset points", fontsize=8.5)
        width, at = text.get_window_extent().width, axes.transData.transform((row.value, 0))[0]
        start = at if at + width <= frame.x1 else max(at - width, frame.x0)
        level = next((place for place, end in enumerate(taken) if start >= end + gap), len(taken))
        taken[level:] = [start + width, *taken[level + 1 :]]
        text.set(position=((start - at) / figure.dpi * 72, 3 + 11 * level), color=MUTED, ha="left", va="bottom")


def _dots(axes: Axes, rows: pd.DataFrame) -> None:
    kinds = rows.get("class")
    for place, (row, look) in enumerate(zip(rows.itertuples(), looks(rows["model"], rows["role"], kinds), strict=True)):
        if has_interval(row):
            axes.plot([row.low, row.high], [place, place], color=look["color"], lw=2, solid_capstyle="round")
        axes.plot([row.value], [place], ls="", ms=7, **look)
    axes.set_yticks(range(len(rows)), rows["model"])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)


def _bands_said(bands: pd.DataFrame) -> str:
    said = [f"{row.role} {row.model} at {number(row.value)}" for row in bands.itertuples()]
    return f" Lines mark the {listed(said)}." if said else ""


@house
def forest(results: pd.DataFrame, *, label: str = "mean F1 per RNA", limits: tuple[float, float] | None = None) -> Drawn:
    """Draw one dot with its interval per model, best on top, floors and ceilings as bands behind.

    Parameters
    ----------
    results : DataFrame
        Rows of one data set, protocol, decoder and measure: ``model``, ``role``, ``value`` and, where known, ``low`` and
        ``high``. Rows whose role is ``floor`` or ``ceiling`` become lines with a band. A column ``class`` overrides the
        class of model that a name suggests.
    label : str
        What is measured.
    limits : (float, float), optional
        Ends of the axis; from the data if not given.

    Returns
    -------
    Figure, str
        The figure and its alternative text.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["mapconv-70k", "plain-70k"], "role": "trained", "value": [0.5, 0.1]})
    >>> forest(table)[1]
    'Dot plot of mean F1 per RNA for 2 models. Best is mapconv-70k with 0.50; last is plain-70k with 0.10.'
    """
    need(results, "model", "role", "value")
    bands = results[results["role"].isin(BANDS)]
    rows = need(results[~results["role"].isin(BANDS)], "value").sort_values("value", kind="stable")
    figure, axes = canvas(6.2, 1.3 + 0.3 * len(rows) + 0.16 * len(bands))
    _bands(axes, bands)
    _dots(axes, rows)
    axes.set_xlabel(f"{label} (bar: 95 % interval)" if any(map(has_interval, rows.itertuples())) else label)
    if limits:
        axes.set_xlim(*limits)
    _name_bands(axes, bands)
    best, last = list(rows.itertuples())[-1], list(rows.itertuples())[0]
    alt = f"Dot plot of {label} for {plural(len(rows), 'model')}. Best is {best.model} with {score(best)}"
    return figure, f"{alt}; last is {last.model} with {score(last)}.{_bands_said(bands)}"


def auroc_dots(results: pd.DataFrame, *, label: str = "AUROC of same-family pairs") -> Drawn:
    """Draw a forest of AUROC values with the line of chance at one half.

    Parameters
    ----------
    results : DataFrame
        As for :func:`forest`.

    Examples
    --------
    >>> auroc_dots(pd.DataFrame({"model": ["k-mers"], "role": ["baseline"], "value": [0.9]}))[1].endswith("floor chance at 0.50.")
    True
    """
    need(results, "model", "role", "value")
    chance = pd.DataFrame({"model": ["chance"], "role": ["floor"], "value": [0.5]})
    return forest(pd.concat([results, chance], ignore_index=True), label=label)


@house
def paired(per_rna: pd.DataFrame, first: str, second: str, *, measure: str = "f1") -> Drawn:
    """Draw every RNA as a point: one model's score against another's.

    Parameters
    ----------
    per_rna : DataFrame
        ``model``, ``rna`` and the column `measure`, one row per model and RNA (filter protocol and decoder before).
    first, second : str
        Models on the x and the y axis.

    Raises
    ------
    StudyError
        If a model is missing or an RNA occurs twice for one model.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["a", "a", "b", "b"], "rna": ["x", "y"] * 2, "f1": [0.1, 0.4, 0.5, 0.2]})
    >>> paired(table, "a", "b")[1]
    'Scatter plot of F1 for 2 RNAs. b is ahead of a on 1 RNA, behind on 1 and equal on 0; the mean difference is 0.10.'
    """
    need(per_rna, "model", "rna", measure)
    rows = per_rna[per_rna["model"].isin([first, second])]
    if rows.duplicated(["model", "rna"]).any():
        raise StudyError("paired scatter: an RNA occurs twice for one model; choose one protocol and decoder first")
    wide = rows.pivot(index="rna", columns="model", values=measure)
    if first not in wide or second not in wide:
        raise StudyError(f"paired scatter: the table has {sorted(per_rna['model'].unique())}, not both {first!r} and {second!r}")
    wide = wide.dropna()
    x, y = wide[first].to_numpy(), wide[second].to_numpy()
    figure, axes = canvas(4.4, 4.4)
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls="--")
    axes.scatter(x, y, s=26, color=CLASSES["map convolution"], alpha=0.65, linewidths=0)
    axes.plot([x.mean()], [y.mean()], marker="+", ms=16, mew=2.5, color=INK)
    axes.annotate("mean", (x.mean(), y.mean()), xytext=(7, -13), textcoords="offset points")
    name = "F1" if measure == "f1" else measure
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=f"{name}, {first}", ylabel=f"{name}, {second}", aspect="equal")
    axes.grid()
    ahead, behind = int((y > x).sum()), int((y < x).sum())
    alt = f"Scatter plot of {name} for {plural(len(wide), 'RNA')}. {second} is ahead of {first} on {plural(ahead, 'RNA')},"
    return figure, f"{alt} behind on {behind} and equal on {len(wide) - ahead - behind}; the mean difference is {number((y - x).mean())}."


@house
def decoders(results: pd.DataFrame, *, label: str = "mean F1 per RNA") -> Drawn:
    """Draw each model's score under each decoder, one row per model, one marker per decoder.

    Parameters
    ----------
    results : DataFrame
        ``model``, ``decoder``, ``value`` and, where known, ``low`` and ``high``.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "m", "decoder": ["raw", "greedy"], "value": [0.4, 0.5]})
    >>> decoders(table)[1]
    'Dot plot of mean F1 per RNA for 1 model under 2 decoders: raw and greedy. The largest effect of a decoder is 0.10, on m.'
    """
    need(results, "model", "decoder", "value")
    models = results.groupby("model")["value"].max().sort_values().index
    names = list(dict.fromkeys(results["decoder"]))
    styles = looks(names, ["trained"] * len(names), [list(CLASSES)[i % len(CLASSES)] for i in range(len(names))])
    figure, axes = canvas(6.2, 1.4 + (0.3 + 0.11 * len(names)) * len(models))
    for shift, (name, look) in enumerate(zip(names, styles, strict=True)):
        rows = results[results["decoder"] == name].set_index("model").reindex(models)
        places = np.arange(len(models)) + 0.72 / max(len(names), 2) * ((len(names) - 1) / 2 - shift)
        for place, row in zip(places, rows.itertuples(), strict=True):
            if has_interval(row):
                axes.plot([row.low, row.high], [place, place], color=look["color"], lw=1.4)
        axes.plot(rows["value"], places, ls="", ms=6, label=name, **look)
    axes.set_yticks(range(len(models)), models)
    axes.set_xlabel(label)
    axes.grid(axis="x")
    figure.legend(loc="outside upper left", ncols=min(len(names), 4))
    spread = results.groupby("model")["value"].agg(np.ptp)
    told = f"{plural(len(models), 'model')} under {plural(len(names), 'decoder')}: {listed(names)}"
    return figure, f"Dot plot of {label} for {told}. The largest effect of a decoder is {number(spread.max())}, on {spread.idxmax()}."


@house
def slopes(results: pd.DataFrame, *, label: str = "F1", order: tuple[str, str] = ("review", "careful")) -> Drawn:
    """Draw a line per model from its score under one protocol to its score under the other.

    Parameters
    ----------
    results : DataFrame
        ``model``, ``role``, ``protocol``, ``value``; one row per model and protocol.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "m", "role": "trained", "protocol": ["review", "careful"], "value": [0.4, 0.5]})
    >>> slopes(table)[1]
    'Slope chart of F1 for 1 model, review against careful: m from 0.40 to 0.50.'
    """
    need(results, "model", "role", "protocol", "value")
    wide = results.pivot(index=["model", "role"], columns="protocol", values="value").dropna()
    missing = [name for name in order if name not in wide]
    if missing or wide.empty:
        raise StudyError(f"slope chart: no model has both protocols {order}; the table has {sorted(results['protocol'].unique())}")
    wide = wide.sort_values(order[1], ascending=False).reset_index()
    figure, axes = canvas(5.6, 1.6 + 0.32 * len(wide))
    places = _apart(wide[order[1]].to_numpy())
    for place, row, look in zip(places, wide.itertuples(), looks(wide["model"], wide["role"]), strict=True):
        ends = [getattr(row, order[0]), getattr(row, order[1])]
        axes.plot([0, 1], ends, ms=7, **look)
        axes.annotate(
            f"{row.model}  {number(ends[1])}",
            (1, ends[1]),
            xytext=(1.08, place),
            va="center",
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": GRID, "shrinkA": 0, "shrinkB": 5, "relpos": (0, 0.5)},
        )
    axes.set_xticks([0, 1], order)
    low, high = axes.get_ylim()
    room = 0.04 * (high - low)
    axes.set(xlim=(-0.1, 2.0), ylim=(min(low, places.min() - room), max(high, places.max() + room)), ylabel=label)
    axes.grid(axis="y")
    said = [f"{row.model} from {number(getattr(row, order[0]))} to {number(getattr(row, order[1]))}" for row in wide.itertuples()]
    return figure, f"Slope chart of {label} for {plural(len(wide), 'model')}, {order[0]} against {order[1]}: {listed(said)}."


def _apart(values: np.ndarray, gap: float = 0.06) -> np.ndarray:
    """Move label heights, given from the top down, until neighbours are `gap` of the range apart; crowded ones share the shift."""
    step = gap * max(float(np.ptp(values)), 0.2)
    groups: list[list[float]] = []
    for value in values.astype(float) + step * np.arange(len(values)):
        groups.append([float(value)])
        while len(groups) > 1 and np.mean(groups[-2]) < np.mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    return np.concatenate([np.full(len(group), np.mean(group)) for group in groups]) - step * np.arange(len(values))
