"""Figures of scale and of trade-off: score against size and cost, structure against function, model against model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rnastudy.errors import StudyError
from rnastudy.plotting.style import CLASSES, DARK, MUTED, Drawn, canvas, has_interval, house, looks, name_points, need
from rnastudy.plotting.words import listed, number, plural

__all__ = ["cka_map", "cost", "scaling_line", "tradeoff"]


NAMES = {"gflops": "operations (GFLOP)", "memory_mb": "memory (MB)"}


def _points(axes: Axes, rows: pd.DataFrame, x: str, y: str) -> None:
    kinds = rows.get("class")
    for row, look in zip(rows.itertuples(), looks(rows["model"], rows["role"], kinds), strict=True):
        place = (getattr(row, x), getattr(row, y))
        axes.plot(*place, ms=8, ls="", **look)


@house
def scaling_line(
    results: pd.DataFrame, fit: pd.DataFrame | None = None, *, slope: tuple[float, float, float] | None = None, label: str = "mean F1 per RNA"
) -> Drawn:
    """Draw score against number of parameters, with the fitted line of one family of models and its band.

    Parameters
    ----------
    results : DataFrame
        ``model``, ``role``, ``parameters``, ``value`` and, where known, ``low`` and ``high``.
    fit : DataFrame, optional
        ``parameters``, ``value``, ``low``, ``high`` of the fitted line, as the scaling analysis gives it.
    slope : (float, float, float), optional
        Slope per tenfold size with the ends of its interval.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["a", "b"], "role": "trained", "parameters": [9e3, 3e5], "value": [0.4, 0.5]})
    >>> scaling_line(table, slope=(0.07, 0.02, 0.11))[1]
    'Scatter plot of mean F1 per RNA against parameters: a (9,000) 0.40 and b (300,000) 0.50. The slope is 0.07 per tenfold size (95 % interval 0.02 to 0.11).'
    """
    rows = need(results, "model", "role", "parameters", "value").sort_values("parameters")
    figure, axes = canvas(6.0, 3.7)
    if fit is not None:
        fit = need(fit, "parameters", "value", "low", "high").sort_values("parameters")
        axes.fill_between(fit["parameters"], fit["low"], fit["high"], color=CLASSES["map convolution"], alpha=0.18, lw=0)
        axes.plot(fit["parameters"], fit["value"], color=CLASSES["map convolution"], lw=1.5)
    for row in rows.itertuples():
        if has_interval(row):
            axes.plot([row.parameters] * 2, [row.low, row.high], color=MUTED, lw=1.5)
    _points(axes, rows, "parameters", "value")
    axes.set_xscale("log")
    axes.margins(x=0.18, y=0.15)
    axes.set(xlabel="parameters", ylabel=label)
    axes.grid()
    name_points(axes, rows["model"], zip(rows["parameters"], rows["value"], strict=True))
    told = listed([f"{row.model} ({row.parameters:,.0f}) {number(row.value)}" for row in rows.itertuples()])
    return figure, f"Scatter plot of {label} against parameters: {told}.{_slope_said(slope)}"


def _slope_said(slope: tuple[float, float, float] | None) -> str:
    """Say a slope, with its interval where it has one."""
    if slope is None:
        return ""
    interval = f"95 % interval {number(slope[1])} to {number(slope[2])}" if np.isfinite(slope[1:]).all() else "without an interval"
    return f" The slope is {number(slope[0])} per tenfold size ({interval})."


@house
def cost(results: pd.DataFrame, *, costs: Sequence[str] = ("seconds", "memory_mb"), label: str = "mean F1 per RNA") -> Drawn:
    """Draw score against what a model costs, a panel per kind of cost; a cost that is zero for all was not measured and is left out.

    Parameters
    ----------
    results : DataFrame
        ``model``, ``role``, ``value`` and the columns named in `costs`.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["a", "b"], "role": "trained", "value": [0.4, 0.5], "seconds": [1.0, 9.0]})
    >>> cost(table, costs=["seconds"])[1]
    'Scatter plot of mean F1 per RNA against seconds for 2 models. Cheapest in seconds is a with 1.00, dearest b with 9.00.'
    """
    need(results, "model", "role", "value", *costs)
    costs = [name for name in costs if (results[name] > 0).any()]
    if not costs:
        raise StudyError("cost: every cost is zero or unknown; nothing was measured")
    figure, grid = canvas(3.7 * len(costs), 3.4, columns=len(costs), squeeze=False, sharey=True)
    said = []
    for axes, name in zip(grid[0], costs, strict=True):
        _points(axes, results, name, "value")
        wide = results[name].max() > 8 * results[name].min() > 0
        axes.set_xscale("log" if wide else "linear")
        axes.margins(x=0.3, y=0.15)
        axes.set_xlabel(NAMES.get(name, name.replace("_", " ")))
        axes.grid()
        low, high = results.loc[results[name].idxmin()], results.loc[results[name].idxmax()]
        said.append(f"Cheapest in {name} is {low['model']} with {number(low[name])}, dearest {high['model']} with {number(high[name])}.")
    grid[0, 0].set_ylabel(label)
    for axes, name in zip(grid[0], costs, strict=True):
        name_points(axes, results["model"], zip(results[name], results["value"], strict=True))
    return figure, f"Scatter plot of {label} against {listed(list(costs))} for {plural(len(results), 'model')}. {' '.join(said)}"


@house
def tradeoff(
    models: pd.DataFrame,
    *,
    rho: tuple[float, float, float] | None = None,
    labels: tuple[str, str] = ("structure: mean F1 per RNA", "function: AUROC"),
) -> Drawn:
    """Draw each model as a point, structure against function, join those that no other beats on both, and ring near ties.

    Parameters
    ----------
    models : DataFrame
        ``model``, ``role``, ``structure``, ``function`` (higher is better on both) and ``front`` (bool: on the Pareto front); where
        known ``near`` (bool: cannot be told from it), ``structure_low``, ``structure_high``, ``function_low``, ``function_high``.
    rho : (float, float, float), optional
        Rank correlation with the ends of its interval.
    labels : (str, str)
        What the axes measure, structure first.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["a", "b"], "role": "trained", "structure": [0.5, 0.1], "function": [0.8, 0.7], "front": [True, False]})
    >>> tradeoff(table, rho=(1.0, -1.0, 1.0), labels=("mean F1", "AUROC"))[1]
    'Scatter plot of AUROC against mean F1 for 2 models. On the Pareto front: a. Rank correlation 1.00 (95 % interval -1.00 to 1.00).'
    """
    need(models, "model", "role", "structure", "function", "front")
    figure, axes = canvas(6.0, 4.6)
    front = models[models["front"].astype(bool)].sort_values("structure")
    axes.step(front["structure"], front["function"], where="pre", color=MUTED, lw=1.2, ls="--", label="Pareto front")
    for row in models.itertuples():
        for low, high, across in (("structure_low", "structure_high", True), ("function_low", "function_high", False)):
            ends = [getattr(row, low, np.nan), getattr(row, high, np.nan)]
            flat = [row.function if across else row.structure] * 2
            axes.plot(*((ends, flat) if across else (flat, ends)), color=MUTED, lw=1)
    near = models[models["near"].astype(bool)] if "near" in models else models[:0]
    if len(near):
        axes.plot(near["structure"], near["function"], ls="", marker="o", ms=15, mfc="none", mec=MUTED, mew=1, label="cannot be told from it")
    _points(axes, models, "structure", "function")
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.margins(x=0.15, y=0.12)
    axes.grid()
    name_points(axes, models["model"], zip(models["structure"], models["function"], strict=True))
    figure.legend(loc="outside upper right")
    tail = "" if rho is None else f" Rank correlation {number(rho[0])} (95 % interval {number(rho[1])} to {number(rho[2])})."
    ties = f" Not told from it: {listed(list(near['model']))}." if len(near) else ""
    told = f"for {plural(len(models), 'model')}. On the Pareto front: {listed(list(front['model']))}.{ties}"
    return figure, f"Scatter plot of {labels[1]} against {labels[0]} {told}{tail}"


@house
def cka_map(matrix: np.ndarray, labels: Sequence[str], *, columns: Sequence[str] | None = None) -> Drawn:
    """Draw how alike two sets of representations are (centred kernel alignment), a cell per pair.

    Parameters
    ----------
    matrix : ndarray, shape=(R, C)
        CKA between 0 and 1.
    labels : sequence of str
        Names of the R rows, and of the columns too unless `columns` is given.

    Examples
    --------
    >>> cka_map(np.array([[1.0, 0.2], [0.2, 1.0]]), ["a", "b"])[1]
    'Heat map of centred kernel alignment, 2 by 2. The most alike two different entries are a and b with 0.20; the least alike a and b with 0.20.'
    """
    matrix = np.asarray(matrix, float)
    names = list(columns if columns is not None else labels)
    if matrix.shape != (len(labels), len(names)):
        raise StudyError(f"CKA map: a matrix of shape {matrix.shape} does not fit {len(labels)} rows and {len(names)} columns")
    figure, axes = canvas(2.6 + 0.34 * len(names), 2.1 + 0.34 * len(labels))
    picture = axes.imshow(matrix, vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, label="CKA", shrink=0.8)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    if matrix.size <= 100:
        for (i, j), value in np.ndenumerate(matrix):
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7.5, color="#000000" if value > DARK else "#ffffff")
    other = np.where(np.equal.outer(list(labels), names), np.nan, matrix)
    told = ""
    if np.isfinite(other).any():
        (a, b), (c, d) = (divmod(int(pick(other)), len(names)) for pick in (np.nanargmax, np.nanargmin))
        told = f" The most alike two different entries are {labels[a]} and {names[b]} with {number(other[a, b])}; "
        told += f"the least alike {labels[c]} and {names[d]} with {number(other[c, d])}."
    return figure, f"Heat map of centred kernel alignment, {len(labels)} by {len(names)}.{told}"
