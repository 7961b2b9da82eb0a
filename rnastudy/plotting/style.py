"""The house style: one set of colours, markers and sizes for every figure.

Colour says what class of model a mark is (Okabe and Ito's palette, safe for colour-blind readers), the marker and a label
beside it say which model, and a hollow marker says that its weights are random. Ink, muted ink, grid and paper
are four reserved colours: :mod:`rnastudy.plotting.output` turns them into the reader's own light or dark theme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec

import matplotlib
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from rnastudy.errors import StudyError

__all__ = ["CLASSES", "DARK", "GRID", "INK", "MARKERS", "MUTED", "PAPER", "RC", "canvas", "class_of", "has_interval", "house", "looks", "name_points", "need"]

#: Reserved colours; an inline figure swaps them for those of the page.
INK, MUTED, GRID, PAPER = "#1a1a1b", "#5f6671", "#d3d7dd", "#fefeff"
#: Class of model -> Okabe-Ito colour (Okabe and Ito 2008, https://jfly.uni-koeln.de/color/).
CLASSES: Mapping[str, str] = {
    "map convolution": "#0072B2",
    "plain encoder": "#D55E00",
    "alignment": "#009E73",
    "checkpoint": "#CC79A7",
    "baseline": "#E69F00",
    "other": "#56B4E9",
}
#: Markers that stay apart in grey and at small size, in the order they are handed out.
MARKERS = "osD^vPX<>hp*"
#: Share of the colour map below which white letters are easier to read than black ones (cividis; WCAG contrast 4.5 on either side).
DARK = 0.46
RC: Any = {
    "figure.dpi": 96,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
    "axes.prop_cycle": cycler(color=[CLASSES["map convolution"], CLASSES["plain encoder"], CLASSES["alignment"], CLASSES["checkpoint"]]),
    "svg.fonttype": "none",
    "svg.hashsalt": "rnastudy",
}
PREFIXES = {"mapconv": "map convolution", "plain": "plain encoder", "align": "alignment"}
P = ParamSpec("P")
Drawn = tuple[Figure, str]


def house(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Run a drawing function in the house style, leaving matplotlib's own settings as they were.

    Examples
    --------
    >>> @house
    ... def empty():
    ...     return canvas()[0], "nothing"
    >>> empty()[1]
    'nothing'
    """

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return styled


def canvas(width: float = 5.6, height: float = 3.4, rows: int = 1, columns: int = 1, **grid: Any) -> tuple[Figure, Any]:
    """Make a figure of `width` x `height` inches and its axes, without any global state.

    Returns
    -------
    Figure, Axes or ndarray of Axes
        As :meth:`matplotlib.figure.Figure.subplots` gives them.

    Examples
    --------
    >>> canvas(columns=2)[1].shape
    (2,)
    """
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))  # letters are wider in some renderers
    return figure, figure.subplots(rows, columns, **grid)


def need(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return `table` if it has rows and all `columns`; a figure never guesses.

    Raises
    ------
    StudyError
        If a column is missing or there is no row.

    Examples
    --------
    >>> len(need(pd.DataFrame({"model": ["a"]}), "model"))
    1
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise StudyError(f"a table to be drawn lacks the columns {missing}; it has {list(table.columns)}")
    if table.empty:
        raise StudyError(f"a table to be drawn with columns {list(columns)} has no rows; check the filter before it")
    return table


def class_of(model: str, role: str = "trained") -> str:
    """Name the class of a model from its name and its role in a results table.

    Examples
    --------
    >>> class_of("mapconv-70k@untrained", "untrained"), class_of("vienna-mfe", "baseline"), class_of("rnabert")
    ('map convolution', 'baseline', 'checkpoint')
    """
    if role in ("baseline", "floor", "ceiling"):
        return "baseline"
    return next((name for prefix, name in PREFIXES.items() if model.startswith(prefix)), "checkpoint")


def looks(models: Iterable[str], roles: Iterable[str], classes: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Give every row its colour and marker; untrained models are hollow and share the marker of their trained twin.

    Returns
    -------
    list of dict
        ``marker``, ``color``, ``markerfacecolor``, ``markeredgecolor`` for :meth:`matplotlib.axes.Axes.plot`.

    Examples
    --------
    >>> [look["marker"] for look in looks(["a", "a@untrained", "b"], ["trained", "untrained", "trained"])]
    ['o', 'o', 's']
    """
    models, roles = list(models), list(roles)
    kinds = list(classes) if classes is not None else [class_of(*pair) for pair in zip(models, roles, strict=True)]
    bare = [model.split("@")[0] for model in models]
    order = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(dict.fromkeys(bare))}
    result = []
    for name, role, kind in zip(bare, roles, kinds, strict=True):
        colour = CLASSES.get(kind, CLASSES["other"])
        face = PAPER if role == "untrained" else colour
        result.append({"marker": order[name], "color": colour, "markerfacecolor": face, "markeredgecolor": colour})
    return result


def has_interval(row: Any) -> bool:
    """Say whether a row of a results table carries an interval.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> has_interval(SimpleNamespace(low=0.1, high=0.2)), has_interval(SimpleNamespace(low=float("nan"), high=0.2))
    (True, False)
    """
    return bool(np.isfinite([getattr(row, "low", np.nan), getattr(row, "high", np.nan)]).all())


def name_points(axes: Axes, names: Iterable[str], places: Iterable[tuple[float, float]], size: float = 8.5) -> None:
    """Write a name beside every point so that no name lies on another name or mark; one moved far gets a line to its point.

    The limits and scales of the axes must be set before.

    Examples
    --------
    >>> axes = canvas()[1]
    >>> name_points(axes, ["a", "b"], [(0.5, 0.5), (0.5, 0.5)])
    >>> axes.texts[0].get_position() == axes.texts[1].get_position()
    False
    """
    figure: Any = axes.figure
    names, places = list(names), list(places)
    figure.draw_without_rendering()
    unit, frame = figure.dpi / 72, axes.get_window_extent()
    marks = axes.transData.transform(np.asarray(places, float))
    taken = [(x - 5 * unit, y - 5 * unit, x + 5 * unit, y + 5 * unit) for x, y in marks]
    near = [(8, 6), (8, -6), (-8, 6), (-8, -6), (8, 0), (-8, 0)]
    far = [(side * (16 + abs(rise) / 3), rise) for rise in range(12, 90, 4) for side, rise in ((1, rise), (1, -rise), (-1, rise), (-1, -rise))]
    for index in sorted(range(len(names)), key=lambda i: (-marks[i][1], marks[i][0])):
        text = axes.annotate(names[index], places[index], xytext=(0, 0), textcoords="offset points", fontsize=size, va="center")
        box = text.get_window_extent()
        for dx, dy in near + far:
            x, y = marks[index][0] + dx * unit - (box.width if dx < 0 else 0), marks[index][1] + dy * unit - box.height / 2
            mine = (x, y, x + box.width, y + box.height)
            inside = frame.x0 <= mine[0] and mine[2] <= frame.x1 + 4 * unit and frame.y0 <= mine[1] and mine[3] <= frame.y1
            if inside and all(mine[2] < b[0] or b[2] < mine[0] or mine[3] < b[1] or b[3] < mine[1] for b in taken):
                break
        else:
            dx, dy, mine = 8, 6, (box.x0, box.y0, box.x1, box.y1)
        taken.append((mine[0], mine[1] - unit, mine[2], mine[3] + unit))
        text.set(position=(dx, dy), ha="right" if dx < 0 else "left")
        if abs(dy) > 8:
            line = {"arrowstyle": "-", "color": MUTED, "lw": 0.6, "shrinkB": 4}
            axes.annotate("", places[index], xytext=(dx, dy), textcoords="offset points", arrowprops=line)


def bare(axes: Axes) -> None:
    """Take ticks and frame off axes that only hold a picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
