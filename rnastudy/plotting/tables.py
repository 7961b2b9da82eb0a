"""Tables for a page: no row numbers, names a reader knows, as many digits as are meant, and a dash where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Table", "table"]

#: Column of a results table -> what a reader sees.
NAMES: Mapping[str, str] = {
    "auroc": "AUROC",
    "auroc_length_matched": "AUROC, lengths matched",
    "average_precision": "average precision",
    "overlap_ratio": "overlap ratio",
    "knn_accuracy": "nearest neighbours right",
    "mean_within": "mean cosine within",
    "mean_between": "mean cosine to others",
    "p_holm": "p (Holm)",
    "f1": "F1",
    "f1_macro": "mean F1",
    "rna": "RNA",
    "value": "score",
    "n": "RNAs",
    "gflops": "GFLOP",
    "memory_mb": "memory (MB)",
    "front": "on the front",
}
#: Columns that count from zero in the data and from one on a page, as the figures do.
COUNTED = ("layer", "head")


def _cell(value: Any, digits: int) -> str:
    if pd.isna(value):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        return (f"{number:,.0f}" if number.is_integer() and abs(number) >= 10 else f"{number:,.{digits}f}").replace("-", "−")
    return escape(str(value))


def _interval(frame: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Put the two ends of an interval into one column."""
    if not {"low", "high"} <= set(frame.columns):
        return frame
    ends = zip(frame["low"], frame["high"], strict=True)
    said = [f"{_cell(low, digits)} to {_cell(high, digits)}" if pd.notna(low) and pd.notna(high) else None for low, high in ends]
    return frame.assign(low=said).rename(columns={"low": "95 % interval"}).drop(columns="high")


def _shown(name: str, column: pd.Series, from_zero: bool) -> list[Any]:
    """Values of a column as they are to be read: counted from one, and whole where they are counts."""
    if name not in (*COUNTED, "parameters", "n"):
        return list(column)
    add = int(name in COUNTED and from_zero)
    return [value if pd.isna(value) else int(value) + add for value in column]


class Table:
    """A table ready to be the last line of a notebook cell; made by :func:`table`."""

    def __init__(self, frame: pd.DataFrame, digits: int, names: Mapping[str, str], from_zero: bool, caption: str | None) -> None:
        self.frame, self.digits, self.names, self.from_zero, self.caption = frame, digits, {**NAMES, **names}, from_zero, caption

    def _heads(self) -> list[str]:
        said = []
        for column in self.frame.columns:
            parts = [str(part) for part in (column if isinstance(column, tuple) else (column,)) if str(part)]
            said.append(", ".join(self.names.get(part, part.replace("_", " ")) for part in parts))
        return said

    def _repr_html_(self) -> str:
        numeric = [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in self.frame.dtypes]
        marks = [' class="rs-n"' if is_number else "" for is_number in numeric]
        columns = [_shown(str(name), self.frame.iloc[:, i], self.from_zero) for i, name in enumerate(self.frame.columns)]
        head = "".join(f'<th scope="col"{mark}>{escape(name)}</th>' for name, mark in zip(self._heads(), marks, strict=True))
        body = ""
        for row in zip(*columns, strict=True):
            cells = [_cell(value, self.digits) for value in row]
            body += f'<tr><th scope="row"{marks[0]}>{cells[0]}</th>'
            body += "".join(f"<td{mark}>{cell}</td>" for cell, mark in zip(cells[1:], marks[1:], strict=True)) + "</tr>"
        told = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        name = escape(self.caption or "Table: " + ", ".join(self._heads()), quote=True)
        frame = f'<div class="rs-scroll rs-table" style="overflow-x: auto" tabindex="0" role="group" aria-label="{name}">'
        return f'{frame}<table class="dataframe">{told}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'

    def __repr__(self) -> str:
        return self.frame.to_string(index=False)


def table(
    frame: pd.DataFrame, *, digits: int = 3, names: Mapping[str, str] | None = None, from_zero: bool = True, index: bool = False, caption: str | None = None
) -> Table:
    """Show a table to a reader; the data stay as they are.

    Parameters
    ----------
    frame : DataFrame
        Columns with two levels are joined by a comma, ``low`` and ``high`` become one column.
    digits : int
        Digits behind the point; whole numbers of ten and more have none.
    names : mapping, optional
        What columns are to be called, beyond the known names.
    from_zero : bool
        Whether ``layer`` and ``head`` count from zero in `frame`; the page counts from one.
    index : bool
        Whether the index says something (then it becomes the first columns).
    caption : str, optional
        Stands above the table, and names it for screen readers.

    Examples
    --------
    >>> text = table(pd.DataFrame({"model": ["a"], "layer": [0.0], "parameters": [9480.0], "auroc": [float("nan")]}))._repr_html_()
    >>> [part in text for part in ("AUROC", "9,480", ">1<", "–", "NaN")]
    [True, True, True, True, False]
    """
    return Table(_interval(frame.reset_index() if index else frame, digits), digits, names or {}, from_zero, caption)
