"""Figures of the experiment: paired differences factor by factor, and levels on both tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rnastudy.plotting.style import CLASSES, INK, MARKERS, MUTED, PAPER, Drawn, canvas, house, name_points, need
from rnastudy.plotting.words import number, plural

__all__ = ["cause_plane", "differences"]

MEASURES: Mapping[str, str] = {"f1": "F1", "auroc": "AUROC"}
#: Below it a Holm-adjusted p fills a mark.
LEVEL = 0.05


def _places(rows: pd.DataFrame) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Heights of levels and of the factors' names above them, downwards from zero."""
    levels: dict[tuple[str, str], int] = {}
    heads: dict[str, int] = {}
    for factor, part in rows.groupby("factor", sort=False):
        heads[str(factor)] = -(len(levels) + len(heads))
        for name in dict.fromkeys(part["level"]):
            levels[str(factor), name] = -(len(levels) + len(heads))
    return levels, heads


def _panel(axes: Axes, rows: pd.DataFrame, places: Mapping[tuple[str, str], int], measure: str) -> None:
    colour = CLASSES["map convolution" if measure == "f1" else "plain encoder"]
    axes.axvline(0, color=MUTED, lw=1)
    for row in rows.itertuples():
        place = places[row.factor, row.level]
        axes.plot([row.low, row.high], [place] * 2, color=colour, lw=2, solid_capstyle="round")
        raw = [float(one) for one in row.by_seed.split(",")]
        axes.plot(raw, np.full(len(raw), place - 0.28), ls="", marker="o", ms=2.6, color=MUTED)
        axes.plot(row.difference, place, ls="", marker="o", ms=6.5, color=colour, markerfacecolor=colour if row.p_holm < LEVEL else PAPER)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"difference of {MEASURES[measure]}")


def _said(rows: pd.DataFrame, measure: str) -> str:
    sure = rows[rows["p_holm"] < LEVEL]
    most = rows.loc[rows["difference"].abs().idxmax()]
    ends = f"95 % interval {number(most['low'])} to {number(most['high'])}"
    return (
        f"{MEASURES[measure]}: {len(sure)} of {plural(len(rows), 'difference')} can be told from zero; "
        f"the largest is {most['level']} against {most['against']} with {number(most['difference'])} ({ends})."
    )


@house
def differences(contrasts: pd.DataFrame) -> Drawn:
    """Draw every level's paired difference with its interval, factor by factor, a panel per measure; small dots are single seeds.

    Parameters
    ----------
    contrasts : DataFrame
        As `rnastudy.analyses.contrast_table` returns it: ``factor``, ``level``, ``against``, ``measure``, ``difference``, ``low``,
        ``high``, ``p_holm`` and ``by_seed``.

    Examples
    --------
    >>> row = {"factor": "tokens", "level": "kmers", "against": "base", "measure": "f1", "difference": -0.3, "low": -0.4, "high": -0.2}
    >>> differences(pd.DataFrame([row | {"p_holm": 0.01, "by_seed": "-0.350, -0.250"}]))[1][:76]
    'Dot plot of paired differences by factor. F1: 1 of 1 difference can be told '
    """
    rows = need(contrasts, "factor", "level", "against", "measure", "difference", "low", "high", "p_holm", "by_seed")
    measures = [name for name in MEASURES if (rows["measure"] == name).any()]
    places, heads = _places(rows)
    figure, grid = canvas(3.9 + 2.6 * len(measures), 1.1 + 0.235 * (len(places) + len(heads)), columns=len(measures), squeeze=False, sharey=True)
    for axes, measure in zip(grid[0], measures, strict=True):
        _panel(axes, rows[rows["measure"] == measure], places, measure)
    against = {(row.factor, row.level): row.against for row in rows.itertuples()}
    names = [(place, f"{level} – {against[factor, level]}") for (factor, level), place in places.items()]
    axes = grid[0, 0]
    axes.set_yticks([*heads.values(), *(place for place, _ in names)], [*heads, *(name for _, name in names)], fontsize=9)
    for label, _ in zip(axes.get_yticklabels(), heads, strict=False):
        label.set_fontweight("bold")
    axes.set_ylim(-len(places) - len(heads) + 0.3, 0.7)
    return figure, " ".join(["Dot plot of paired differences by factor.", *(_said(rows[rows["measure"] == name], name) for name in measures)])


@house
def cause_plane(points: pd.DataFrame, *, named: Iterable[str] = (), rho: tuple[float, float, float] | None = None) -> Drawn:
    """Draw every level as a point, AUROC against F1, a marker and colour per factor; random weights are hollow.

    Parameters
    ----------
    points : DataFrame
        ``factor``, ``level``, ``role`` (trained, untrained), ``f1`` and ``auroc``.
    named : iterable of str
        Trained levels that get their name, besides the highest and lowest on either task.
    rho : (float, float, float), optional
        Rank correlation over trained levels with the ends of its interval.

    Examples
    --------
    >>> table = pd.DataFrame({"factor": "size", "level": ["a", "b"], "role": "trained", "f1": [0.4, 0.1], "auroc": [0.7, 0.8]})
    >>> cause_plane(table)[1]
    'Scatter plot of AUROC against mean F1 for 2 trained levels and 0 with random weights. Highest F1: a with 0.40; highest AUROC: b with 0.80.'
    """
    need(points, "factor", "level", "role", "f1", "auroc")
    trained = need(points[points["role"] == "trained"], "f1")
    figure, axes = canvas(6.4, 4.8)
    colours = list(CLASSES.values())
    for k, (factor, part) in enumerate(points.groupby("factor", sort=False)):
        look = {"ls": "", "marker": MARKERS[k], "ms": 7, "color": colours[k % len(colours)]}
        learned = part["role"] == "trained"
        axes.plot(part["f1"][~learned], part["auroc"][~learned], **look, markerfacecolor=PAPER)
        axes.plot(part["f1"][learned], part["auroc"][learned], **look, label=factor)
    axes.plot([], [], ls="", marker="o", ms=7, color=INK, markerfacecolor=PAPER, label="random weights")
    axes.set(xlabel="structure: mean F1 per RNA", ylabel="function: AUROC")
    axes.margins(x=0.2, y=0.1)
    axes.grid()
    ends = [trained.loc[pick(trained[name]), "level"] for name in ("f1", "auroc") for pick in (pd.Series.idxmax, pd.Series.idxmin)]
    shown = trained[trained["level"].isin([*named, *ends])]
    name_points(axes, shown["level"], zip(shown["f1"], shown["auroc"], strict=True))
    figure.legend(loc="outside upper left", ncols=4)
    tops = [f"highest {MEASURES[name]}: {row['level']} with {number(row[name])}" for name in MEASURES for row in [trained.loc[trained[name].idxmax()]]]
    tail = "" if rho is None else f" Rank correlation {number(rho[0])} (95 % interval {number(rho[1])} to {number(rho[2])})."
    counted = f"{plural(len(trained), 'trained level')} and {len(points) - len(trained)} with random weights"
    told = "; ".join(tops)
    return figure, f"Scatter plot of AUROC against mean F1 for {counted}. {told[:1].upper()}{told[1:]}.{tail}"
