"""Sentences, numbers and tables of the scaling and the trade-off page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.scales import Ladder, Points, ladder
from rnastudy.analyses.structure import CAREFUL, StructureStudy

__all__ = [
    "function_ladder",
    "scaling_findings",
    "scaling_table",
    "structure_ladder",
    "tradeoff_findings",
    "tradeoff_table",
    "training_curves",
]


def structure_ladder(study: StructureStudy) -> Ladder:
    """Fit mean F1 (careful) against size, over the trained models of an analysis."""
    table = study.table(CAREFUL).query("role == 'trained'")
    return ladder(table, {name: study.draws[name, CAREFUL].f1_macro for name in table.model})


def function_ladder(study: ClassificationStudy) -> Ladder:
    """Fit the AUROC of same-family pairs against size, over the trained models of an analysis."""
    table = study.table("auroc").query("role == 'trained'")
    return ladder(table, {name: study.scores[name, "careful"].draws["auroc"] for name in table.model})


def _sentence(one: Ladder, what: str) -> str:
    slope = one.slope
    seen = "excludes" if slope.low > 0 or slope.high < 0 else "includes"
    steps = one.points.value.diff().dropna()
    order = "" if (steps > 0).all() or (steps < 0).all() else " The points are not in the order of their sizes."
    return (
        f"Ten times the parameters change {what} by {slope.value:+.3f} (95 % interval {slope.low:+.3f} to {slope.high:+.3f}, "
        f"which {seen} zero), over {slope.n_sizes} sizes.{order}"
    )


def scaling_findings(structure: Ladder, function: Ladder, *, drawn: bool) -> dict[str, Any]:
    """Numbers and sentences of a scaling analysis, by the keys that the book glues; `drawn` says what the families' sequences are."""
    kind = " (sequences drawn from covariance models, not natural ones)" if drawn else ""
    first, second = _sentence(structure, "the mean F1 on structure"), _sentence(function, f"the AUROC of families{kind}")
    found: dict[str, Any] = {"slope": structure.slope.value, "slope_low": structure.slope.low, "slope_high": structure.slope.high}
    found |= {"function_slope": function.slope.value, "function_slope_low": function.slope.low, "function_slope_high": function.slope.high}
    found |= {"structure_sentence": first, "function_sentence": second, "answer": f"{first} {second}"}
    return found | {
        "note": f"{structure.slope.note.capitalize()}." if structure.slope.note else "Four sizes or more allow a look at the bend.",
        "n_sizes": structure.slope.n_sizes,
    }


def scaling_table(structure: Ladder, function: Ladder) -> pd.DataFrame:
    """Return points and slopes of both tasks as a tidy results table."""
    parts = []
    for task, measure, one in (("structure", "f1_macro", structure), ("function", "auroc", function)):
        slope = {
            "model": "all sizes",
            "measure": f"{measure} per tenfold size",
            "value": one.slope.value,
            "low": one.slope.low,
            "high": one.slope.high,
            "n": one.slope.n_sizes,
        }
        parts.append(pd.concat([one.points.assign(measure=measure), pd.DataFrame([slope])]).assign(dataset=task))
    return pd.concat(parts, ignore_index=True).assign(analysis="scaling", protocol="careful")


def tradeoff_findings(points: Points, *, drawn: bool) -> dict[str, Any]:
    """Numbers and sentences of a trade-off analysis, by the keys that the book glues; `drawn` says what the families' sequences are."""
    rho, n = points.found.correlation, len(points.table)
    verdict = "holds zero, so these models decide nothing" if rho.low <= 0 <= rho.high else f"is {'above' if rho.low > 0 else 'below'} zero"
    fixed = points.found.at_fixed_size
    found: dict[str, Any] = {"rho": rho.value, "rho_low": rho.low, "rho_high": rho.high, "n_models": n, "half_width": points.found.half_width}
    found |= {"p": rho.p, "n_clusters": rho.n_clusters}
    found["at_fixed_size"] = "not computed" if fixed is None else f"{fixed.value:+.2f} ({fixed.low:+.2f} to {fixed.high:+.2f})"
    best = list(points.table.model[points.table.front])
    front = best[0] if len(best) == 1 else f"{', '.join(best[:-1])} and {best[-1]}"
    found["front"] = front
    untrained = int((points.table.role == "untrained").sum())
    twins = f", {untrained} of them untrained twins," if untrained else ""
    found["answer"] = (
        f"Over {n} models{twins} the rank correlation of structure and function is {rho.value:+.2f}; "
        f"its 95 % interval, {rho.low:+.2f} to {rho.high:+.2f}, {verdict}. No other model beats {front} on both, intervals aside."
        + (" Function is measured on sequences drawn from covariance models, not on natural ones." if drawn else "")
    )
    return found


def tradeoff_table(points: Points) -> pd.DataFrame:
    """Return the points as a tidy results table: one row a model and axis."""
    shared = points.table[["model", "role", "parameters", "front"]]
    parts = [
        shared.assign(measure=axis, value=points.table[axis], low=points.table[f"{axis}_low"], high=points.table[f"{axis}_high"])
        for axis in ("structure", "function")
    ]
    return pd.concat(parts, ignore_index=True).assign(analysis="tradeoff", protocol="careful", dataset="both")


def training_curves(models: Iterable[str]) -> pd.DataFrame:
    """Return the loss curves that were kept when embedded models were trained; other models have none.

    Returns
    -------
    DataFrame
        Columns model, step, tokens, loss (of held-out families) and f1 (on the selection set, at the steps where it was
        measured).
    """
    from rnastudy.models.cards import embedded_folder

    rows = []
    for name in models:
        folder = embedded_folder(name)
        if (folder / "curve.csv").is_file():
            with (folder / "curve.csv").open() as file:
                rows += [{"model": name, **{key: json.loads(value) if value else None for key, value in row.items()}} for row in csv.DictReader(file)]
    table = pd.DataFrame(rows)
    return table.assign(loss=table.validation_loss) if len(table) else table
