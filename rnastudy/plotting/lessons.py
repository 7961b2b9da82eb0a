"""Figures of the lab and of the background pages: small, of one RNA or one model, each about one idea."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Arc
from matplotlib.ticker import MaxNLocator

from rnastudy.errors import StudyError
from rnastudy.plotting.style import CLASSES, DARK, GRID, MUTED, Drawn, canvas, house, need
from rnastudy.plotting.words import listed, number, plural
from rnastudy.rna import Rna

__all__ = ["base_table", "conservation", "contrast_curve", "maps_beside", "motifs", "optimism", "step_map"]

_BASES = "ACGU"
#: Of rings over a map: lighter than all of it but its brightest entries, which a ring encloses.
_RING = "#ffffff"


@house
def base_table(tables: Mapping[str, np.ndarray], *, label: str = "query-key product") -> Drawn:
    """Draw tables of what the bases score with each other, beside one another on one scale.

    Parameters
    ----------
    tables : mapping of str to ndarray, shape=(4, 4)
        Title to table; rows are queries, columns keys, in the order A, C, G, U.

    Examples
    --------
    >>> base_table({"after": np.fliplr(np.eye(4))})[1]
    'Table of the query-key product of four bases with four bases, after: highest for A with U (1.00), C with G (1.00), G with C (1.00) and U with A (1.00).'
    """
    figure, places = canvas(3.2 * len(tables) + 0.6, 3.2, columns=len(tables), squeeze=False)
    low, high = min(float(table.min()) for table in tables.values()), max(float(table.max()) for table in tables.values())
    said = []
    for axes, (title, table) in zip(places[0], tables.items(), strict=True):
        picture = axes.imshow(table, vmin=low, vmax=max(high, low + 1e-9))
        axes.set(xticks=range(4), yticks=range(4), xticklabels=list(_BASES), yticklabels=list(_BASES), title=title, xlabel="base attended to (key)")
        for (row, column), value in np.ndenumerate(table):
            dark = (value - low) / max(high - low, 1e-9) < DARK
            axes.text(column, row, f"{value:.1f}".replace("-", "−"), ha="center", va="center", fontsize=9, color="#ffffff" if dark else "#000000")
        order = sorted(np.ndindex(4, 4), key=lambda place: -table[place])[:4]
        said.append(f"{title}: highest for {listed([f'{_BASES[i]} with {_BASES[j]} ({number(float(table[i, j]))})' for i, j in sorted(order)])}")
    places[0][0].set_ylabel("base that looks (query)")
    figure.colorbar(picture, ax=places[0].tolist(), label=label, shrink=0.85)
    return figure, f"Table of the {label} of four bases with four bases, {'; '.join(said)}."


@house
def contrast_curve(watched: pd.DataFrame) -> Drawn:
    """Draw how far Watson-Crick entries rise above the others while a model is trained, above the F1 of its best head.

    Parameters
    ----------
    watched : DataFrame
        Columns step, contrast and f1, as `rnastudy.analyses.watched` returns them.

    Examples
    --------
    >>> contrast_curve(pd.DataFrame({"step": [0, 50], "contrast": [0.1, 1.2], "f1": [0.02, 0.2]}))[1]
    'Two line plots against the training step, from 0 to 50: the Watson-Crick contrast goes from 0.10 to 1.20, the best F1 from 0.02 to 0.20.'
    """
    rows = need(watched, "step", "contrast", "f1").sort_values("step")
    figure, places = canvas(7.2, 3.1, columns=2)
    names = {"contrast": "Watson-Crick contrast in the weights", "f1": "best F1 on the selection set"}
    for axes, (column, label), look in zip(places, names.items(), ("o-", "s--"), strict=True):
        axes.plot(rows["step"], rows[column], look, color=CLASSES["map convolution"], ms=5)
        axes.set(xlabel="step", ylabel=label)
        axes.grid()
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    places[1].set_ylim(0, None)
    ends = [f"{number(rows[column].iloc[0])} to {number(rows[column].iloc[-1])}" for column in names]
    span = f"from {rows['step'].iloc[0]} to {rows['step'].iloc[-1]}"
    return figure, f"Two line plots against the training step, {span}: the Watson-Crick contrast goes from {ends[0]}, the best F1 from {ends[1]}."


def _letters(axes: Axes, rna: Rna) -> None:
    """Name the bases on both axes where there is room for them."""
    if len(rna) <= 30:
        axes.set(xticks=range(1, len(rna) + 1), yticks=range(1, len(rna) + 1))
        axes.set_xticklabels(list(rna.sequence), fontsize=7)
        axes.set_yticklabels(list(rna.sequence), fontsize=7)
        axes.tick_params(length=0)
    else:
        axes.set(xlabel="base", ylabel="base")


def _ring(axes: Axes, rna: Rna, both: bool = True) -> None:
    """Mark the reference pairs by rings."""
    pairs = [(j + 1, i + 1) for i, j in rna.pairs or ()] + ([(i + 1, j + 1) for i, j in rna.pairs or ()] if both else [])
    size = max(4.5, min(9.0, 260 / len(rna)))
    axes.plot([x for x, _ in pairs], [y for _, y in pairs], ls="", marker="o", ms=size, mfc="none", mec=_RING, mew=1.0)


def _share(values: np.ndarray, rna: Rna) -> float:
    """Share of the positive sum that lies on the reference pairs, in either order."""
    positive = np.clip(np.where(np.isfinite(values), values, 0), 0, None)
    return sum(float(positive[i, j] + positive[j, i]) for i, j in rna.pairs or ()) / max(float(positive.sum()), 1e-12)


def _check(rna: Rna, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    if values.shape != (len(rna), len(rna)):
        raise StudyError(f"map of {rna.name!r}: shape {values.shape}, its sequence has {len(rna)} bases")
    return values


@house
def maps_beside(rna: Rna, maps: Mapping[str, np.ndarray], *, label: str = "attention") -> Drawn:
    """Draw maps of one RNA beside each other on one scale; rings mark the reference pairs.

    Parameters
    ----------
    rna : Rna
        With its reference pairs.
    maps : mapping of str to ndarray, shape=(L, L)
        Title to map, rows are queries.

    Raises
    ------
    StudyError
        If a map does not fit the sequence.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> maps_beside(hairpin, {"before": np.full((9, 9), 1 / 9)})[1]
    'Maps of attention between the 9 bases of hairpin, 3 pairs ringed. Before: 7 % of it lies on the pairs.'
    """
    checked = {title: _check(rna, values) for title, values in maps.items()}
    figure, places = canvas(3.6 * len(maps) + 0.5, 3.7, columns=len(maps), squeeze=False)
    top = max(float(values.max()) for values in checked.values())
    said = []
    for axes, (title, values) in zip(places[0], checked.items(), strict=True):
        picture = axes.imshow(values, vmin=0, vmax=top, extent=(0.5, len(rna) + 0.5, len(rna) + 0.5, 0.5))
        _ring(axes, rna)
        _letters(axes, rna)
        axes.set_title(title)
        said.append(f"{title[0].upper()}{title[1:]}: {100 * _share(values, rna):.0f} % of it lies on the pairs")
    figure.colorbar(picture, ax=places[0].tolist(), label=label, shrink=0.8)
    head = f"Maps of {label} between the {len(rna)} bases of {rna.name}, {plural(len(rna.pairs or ()), 'pair')} ringed."
    return figure, f"{head} {'. '.join(said)}."


@house
def step_map(rna: Rna, values: np.ndarray, *, label: str, title: str, signed: bool = False, threshold: float | None = None) -> Drawn:
    """Draw one step on the way from attention to pairs; rings mark the reference pairs, squares what passes a threshold.

    Parameters
    ----------
    rna : Rna
        With its reference pairs.
    values : ndarray, shape=(L, L)
        Not-a-number where nothing is scored.
    label, title : str
        What the values are, and what was done.
    signed : bool
        Start the scale at the lowest percent of values rather than at 0.
    threshold : float, optional
        Pairs above the diagonal that score at least this much are marked by squares.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> step_map(hairpin, np.full((9, 9), 1 / 9), label="attention", title="One head")[1]
    'Map of attention between the 9 bases of hairpin. One head. Of what is positive in it, 7 % lies on the 3 pairs of the reference, which are ringed.'
    """
    values, length = _check(rna, values), len(rna)
    figure, axes = canvas(4.9, 4.2)
    seen = values[np.isfinite(values)]
    low, high = (float(np.percentile(seen, 1)) if signed else 0.0), float(np.percentile(seen, 99.7))
    picture = axes.imshow(values, vmin=low, vmax=max(high, low + 1e-9), extent=(0.5, length + 0.5, length + 0.5, 0.5))
    figure.colorbar(picture, ax=axes, label=label, shrink=0.85)
    _ring(axes, rna, both=threshold is None)
    _letters(axes, rna)
    axes.set_title(title)
    reference = rna.pairs or ()
    told = f" Of what is positive in it, {100 * _share(values, rna):.0f} % lies on the {plural(len(reference), 'pair')} of the reference, which are ringed."
    if threshold is not None:
        kept = [(int(i), int(j)) for i, j in np.argwhere(np.triu(np.where(np.isfinite(values), values, -np.inf), 1) >= threshold)]
        axes.plot([j + 1 for _, j in kept], [i + 1 for i, _ in kept], ls="", marker="s", ms=6.5, mfc="none", mec=CLASSES["other"], mew=1.1)
        passed = f" {plural(len(kept), 'pair')} at or above {number(threshold, 3)} in squares"
        told = f"{passed}, {len(set(kept) & set(reference))} of them among the {len(reference)} of the reference, which are ringed."
    return figure, f"Map of {label} between the {length} bases of {rna.name}. {title}.{told}"


@house
def motifs(rna: Rna, parts: Mapping[str, Sequence[int]]) -> Drawn:
    """Draw one RNA as arcs over its letters, with its parts named below.

    Parameters
    ----------
    rna : Rna
        With pairs.
    parts : mapping of str to (int, int)
        Name of a stretch to its first and last base, counted from zero.

    Examples
    --------
    >>> hairpin = Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    >>> motifs(hairpin, {"loop": (3, 5)})[1]
    'Arc diagram of hairpin, 9 bases and 3 pairs, each pair an arc over the sequence. Named below it: loop, bases 4 to 6.'
    """
    pairs = rna.pairs or ()
    knots = {pair for pair in pairs for other in pairs if other[0] < pair[0] < other[1] < pair[1]}
    tallest = max((j - i for i, j in pairs), default=4) / 2
    figure, axes = canvas(6.6, 2.0 + 0.09 * tallest)
    for i, j in pairs:
        colour, line = (CLASSES["plain encoder"], "--") if (i, j) in knots else (CLASSES["map convolution"], "-")
        axes.add_patch(Arc(((i + j) / 2 + 1, 0.6), j - i, j - i, theta1=0, theta2=180, ec=colour, ls=line, lw=1.5))
    for place, base in enumerate(rna.sequence, 1):
        axes.text(place, 0, base, ha="center", va="center", fontsize=8, family="DejaVu Sans Mono")
    for level, (name, (first, last)) in enumerate(parts.items()):
        depth = -1.9 - 2.2 * (level % 2)
        axes.plot([first + 0.7, last + 1.3], [depth + 0.9] * 2, color=MUTED, lw=2)
        axes.text((first + last) / 2 + 1, depth, name, ha="center", va="top", fontsize=8.5)
    axes.set(xlim=(0, len(rna) + 1), ylim=(-6.4 if parts else -1, tallest + 1.5), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(False)
    said = [f"{name}, bases {first + 1} to {last + 1}" for name, (first, last) in parts.items()]
    crossed = f" {plural(len(knots), 'arc')} cross others and are dashed: a pseudoknot." if knots else ""
    named = f" Named below it: {listed(said)}." if said else ""
    head = f"Arc diagram of {rna.name}, {plural(len(rna), 'base')} and {plural(len(pairs), 'pair')}, each pair an arc over the sequence."
    return figure, f"{head}{crossed}{named}"


@house
def conservation(columns: pd.DataFrame, *, title: str) -> Drawn:
    """Draw, for paired columns of an alignment, how often one letter is kept and how often the two still pair.

    Parameters
    ----------
    columns : DataFrame
        A row per pair of columns: pair (counted from one, as text), same (share of rows with the commonest two letters) and
        paired (share of rows where the two letters pair).

    Examples
    --------
    >>> conservation(pd.DataFrame({"pair": ["1-9"], "same": [0.4], "paired": [0.9]}), title="toy")[1]
    'Dot plot for 1 pair of alignment columns of toy. On average 40 % of the rows hold the commonest two letters there, while in 90 % the two letters can pair.'
    """
    rows = need(columns, "pair", "same", "paired")
    figure, axes = canvas(6.4, 3.2)
    for place, row in enumerate(rows.itertuples(), 1):
        axes.plot([place, place], [row.same, row.paired], color=GRID, lw=2)
    axes.plot(range(1, len(rows) + 1), rows["same"], ls="", marker="s", color=CLASSES["plain encoder"], label="the commonest two letters")
    axes.plot(range(1, len(rows) + 1), rows["paired"], ls="", marker="o", color=CLASSES["map convolution"], label="two letters that can pair")
    axes.set(xticks=range(1, len(rows) + 1), ylim=(0, 1.05), ylabel="share of sequences", xlabel="paired columns", title=title)
    axes.set_xticklabels(list(rows["pair"]), rotation=90, fontsize=7)
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2)
    same, paired = (f"{100 * rows[name].mean():.0f} %" for name in ("same", "paired"))
    head = f"Dot plot for {plural(len(rows), 'pair')} of alignment columns of {title}."
    return figure, f"{head} On average {same} of the rows hold the commonest two letters there, while in {paired} the two letters can pair."


@house
def optimism(heads: np.ndarray, excess: Mapping[int, np.ndarray]) -> Drawn:
    """Draw by how much the best of many equal heads looks better than it is.

    Parameters
    ----------
    heads : int array
        Numbers of heads to choose among.
    excess : mapping of int to float array
        By the number of RNAs that chose, as `rnastudy.analyses.best_of` returns it.

    Examples
    --------
    >>> optimism(np.array([1, 96]), {40: np.array([0.0, 0.07])})[1]
    'Line plot of the excess F1 of the best of many equally good heads against their number. Chosen on 40 RNAs: 0.070 for 96 heads.'
    """
    figure, axes = canvas(6.2, 3.2)
    said = []
    for (count, values), look in zip(excess.items(), ("o-", "s--", "D:"), strict=False):
        axes.plot(heads, values, look, color=CLASSES["map convolution"], ms=5, label=f"chosen on {count} RNAs")
        said.append(f"Chosen on {count} RNAs: {number(float(values[-1]), 3)} for {heads[-1]:,} heads")
    axes.set(xscale="log", xlabel="heads to choose among", ylabel="F1 by luck alone", ylim=(0, None))
    axes.set_xticks(heads, [f"{count:,}" for count in heads])
    axes.minorticks_off()
    axes.grid()
    figure.legend(loc="outside upper left", ncols=2)
    return figure, f"Line plot of the excess F1 of the best of many equally good heads against their number. {'. '.join(said)}."
