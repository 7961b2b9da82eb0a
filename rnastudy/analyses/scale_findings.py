"""Sentences, numbers and tables of the scaling page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.rules import RULES, Rules
from rnastudy.analyses.scales import Ladder, ladder
from rnastudy.analyses.structure import StructureStudy
from rnastudy.analyses.ties import joined

__all__ = [
    "Ladders",
    "curves_sentence",
    "function_ladder",
    "ladders",
    "scaling_findings",
    "scaling_table",
    "series_sentence",
    "structure_ladder",
    "training_curves",
    "training_sentence",
]


def structure_ladder(study: StructureStudy, rules: Rules = RULES["careful"]) -> Ladder:
    """Fit the F1 of one protocol against size, over the models of an analysis."""
    return ladder(rules.structure_rows(study), rules.structure_draws(study))


def function_ladder(study: ClassificationStudy, rules: Rules = RULES["careful"]) -> Ladder:
    """Fit the measure of families of one protocol against size; the review's has no interval."""
    return ladder(rules.function_rows(study), rules.function_draws(study))


@dataclass(frozen=True)
class Ladders:
    """Both tasks against size, by the rules of one protocol."""

    rules: Rules
    structure: Ladder
    function: Ladder


def ladders(structure: StructureStudy, function: ClassificationStudy, rules: Sequence[Rules]) -> list[Ladders]:
    """Fit both tasks against size, once for each protocol."""
    return [Ladders(one, structure_ladder(structure, one), function_ladder(function, one)) for one in rules]


def _slope(one: Ladder) -> str:
    """Say a slope with its interval, and what would not have shown where it holds zero."""
    slope = one.slope
    if not np.isfinite(slope.low):
        return f"{slope.value:+.3f} (without an interval: this protocol draws pairs and resamples no families)"
    ends = f"95 % interval {slope.low:+.3f} to {slope.high:+.3f}"
    if slope.low > 0 or slope.high < 0:
        return f"{slope.value:+.3f} ({ends}, which excludes zero)"
    return f"{slope.value:+.3f} ({ends}, which includes zero; a slope within about ±{(slope.high - slope.low) / 2:.3f} would not show)"


def _sentence(one: Ladder, what: str) -> str:
    steps = one.points.value.diff().dropna()
    order = "" if (steps > 0).all() or (steps < 0).all() else " The points are not in the order of their sizes."
    return f"ten times the parameters change {what} by {_slope(one)}, over {one.slope.n_sizes} sizes.{order}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def scaling_findings(found: Sequence[Ladders], *, drawn: bool) -> dict[str, Any]:
    """Numbers and sentences of a scaling analysis, by the keys that the book glues.

    Parameters
    ----------
    found : sequence of Ladders
        One for each protocol that was run, the one of the headline first.
    drawn : bool
        Whether the families' sequences are drawn from covariance models.
    """
    head = found[0]
    kind = " of families (sequences drawn from covariance models, not natural ones)" if drawn else " of families"
    measure = "AUROC" if head.rules.higher_is_better else "overlap ratio (lower is better)"
    first = _sentence(head.structure, f"the {head.rules.structure_words} on structure")
    second = _capital(_sentence(head.function, f"the {measure}{kind}"))
    said: dict[str, Any] = {"headline_protocol": head.rules.protocol, "n_sizes": head.structure.slope.n_sizes}
    for prefix, slope in (("", head.structure.slope), ("function_", head.function.slope)):
        ends = {"slope": slope.value, "slope_low": slope.low, "slope_high": slope.high}
        said |= {prefix + key: value for key, value in ends.items() if np.isfinite(value)}
    models = list(head.structure.points.model)
    note = head.structure.slope.note
    said |= {
        "structure_sentence": _capital(first),
        "function_sentence": second,
        "series": series_sentence(models),
        "training": training_sentence(models),
        "compared": _compared(found),
        "answer": f"By the {head.rules.protocol} protocol, {first} {second} {series_sentence(models)}",
        "note": f"{note.capitalize()}." if note else "Four sizes or more allow a look at the bend.",
    }
    return said


def _compared(found: Sequence[Ladders]) -> str:
    """Set the slopes of both protocols side by side, where both were run."""
    if len(found) == 1:
        return f"This run followed the {found[0].rules.protocol} protocol alone."
    parts = [
        f"By the {one.rules.protocol} protocol, ten times the parameters change the {one.rules.structure_words} by {_slope(one.structure)} "
        f"and the {one.rules.axis('function').rsplit(' (', 1)[0]}, by {_slope(one.function)}."
        for one in found
    ]
    return " ".join(parts)


def series_sentence(models: Sequence[str]) -> str:
    """Say whether the cards put all models into one series, trained alike: only there is a slope one of size.

    Examples
    --------
    >>> series_sentence(["mapconv-9k", "mapconv-70k"])
    'The cards put all sizes into one series: rnastudy map convolution.'
    >>> series_sentence(["mapconv-9k", "mapconv-70k@untrained"])[:56]
    'The cards do not put these models into one trained serie'
    """
    from rnastudy.models.cards import cards

    known = cards()
    kinds: dict[str, str] = {}
    for model in models:
        name, *rest = model.split("@")
        series = (known[name].series if name in known else None) or "no series"
        kinds[model] = ", ".join([series, *rest]).replace("untrained", "random weights")
    if len(set(kinds.values())) == 1 and not next(iter(kinds.values())).startswith("no series"):
        return f"The cards put all sizes into one series: {next(iter(kinds.values()))}."
    told = joined([f"{model} ({kind})" for model, kind in kinds.items()])
    return f"The cards do not put these models into one trained series: {told}; the slope holds whatever else differs between them."


def training_sentence(models: Sequence[str]) -> str:
    """Say in which settings the training of models of this project differed, from the records kept with their weights.

    Examples
    --------
    >>> training_sentence(["mapconv-9k", "mapconv-300k"])
    'The records of training say: same corpora, tokens and recipe, but for architecture and learning rate (0.003 and 0.002).'
    >>> training_sentence(["rnafm"])
    'Not all of these models come with a record of their training; what differs besides size is on their cards.'
    """
    from rnastudy.models.cards import embedded_folder

    files = [embedded_folder(name) / "training.json" for name in models if "@" not in name]
    if len(files) < len(models) or len(files) < 2 or not all(file.is_file() for file in files):
        return "Not all of these models come with a record of their training; what differs besides size is on their cards."
    records = [json.loads(file.read_text()) for file in files]
    recipes = [{key: value for key, value in record["recipe"].items() if key not in ("config", "notes")} for record in records]
    differ = [key for key in recipes[0] if any(recipe.get(key) != recipes[0][key] for recipe in recipes)]
    said = [f"{key.replace('_', ' ')} ({joined([str(recipe.get(key)) for recipe in recipes])})" for key in differ]
    same = [name for name in ("corpora", "tokens") if all(record[name] == records[0][name] for record in records)]
    return f"The records of training say: same {joined([*same, 'recipe'])}, but for {joined(['architecture', *said])}."


def scaling_table(found: Sequence[Ladders], datasets: tuple[str, str] = ("structure", "function")) -> pd.DataFrame:
    """Return points and slopes of both tasks as a tidy results table, for every protocol that was run.

    Parameters
    ----------
    found : sequence of Ladders
    datasets : (str, str)
        Names of the sets scored on structure and on function.
    """
    parts = []
    for one in found:
        for task, measure, rungs, dataset in (
            ("structure", one.rules.structure, one.structure, datasets[0]),
            ("function", one.rules.function, one.function, datasets[1]),
        ):
            slope = {"value": rungs.slope.value, "low": rungs.slope.low, "high": rungs.slope.high, "n": rungs.slope.n_sizes}
            row = pd.DataFrame([{"model": "all sizes", "measure": f"{measure} per tenfold size", **slope}])
            points = rungs.points.assign(measure=measure)
            parts.append(pd.concat([points, row]).assign(task=task, dataset=dataset, protocol=one.rules.protocol))
    return pd.concat(parts, ignore_index=True).assign(analysis="scaling")


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


def curves_sentence(curves: pd.DataFrame) -> str:
    """Say where the held-out loss of each model ends, and what that leaves open.

    Examples
    --------
    >>> curves_sentence(pd.DataFrame({"model": ["a", "a"], "loss": [1.4, 1.3]}))
    'Held-out loss ends at 1.300 for a; loss alone does not tell whether pairs were learned.'
    """
    last = curves.groupby("model", sort=False).loss.last()
    told = joined([f"{value:.3f} for {name}" for name, value in last.items()])
    return f"Held-out loss ends at {told}; loss alone does not tell whether pairs were learned."
