"""What the finished runs of a folder say about each model: values, and bootstrap draws paired between models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.runs.gather import is_finished
from rnastudy.runs.record import RESULT_COLUMNS

__all__ = ["MEASURES", "Evidence", "gather"]

#: Task and protocol -> the measure that counts, and the sign that makes more of it better.
MEASURES = {
    ("structure", "review"): ("f1_micro", 1),
    ("structure", "careful"): ("f1_macro", 1),
    ("function", "review"): ("overlap_ratio", -1),
    ("function", "careful"): ("auroc", 1),
    ("contacts", "review"): ("f1_micro", 1),
    ("contacts", "careful"): ("f1_macro", 1),
}
_ANALYSES = {"structure": "structure", "function": "classification", "contacts": "proteins"}


@dataclass(frozen=True)
class Evidence:
    """Tables of finished runs.

    Parameters
    ----------
    results : DataFrame
        All ``results.csv`` joined, one row a model, data set, protocol and measure.
    draws : DataFrame
        All ``draws.csv`` joined: analysis, model, dataset, protocol, decoder, measure, draw, value.
    tables : dict of str to DataFrame
        Other tables by their name: ``per_rna``, ``families``, ``depth``.
    numbers : dict of str to dict
        Numbers that each run glued, by analysis.
    """

    results: pd.DataFrame
    draws: pd.DataFrame
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def models(self, task: str, role: str = "trained") -> list[str]:
        """Name the models of a role that took part in a task."""
        rows = self.results[(self.results.analysis == _ANALYSES[task]) & (self.results.role == role)]
        return list(dict.fromkeys(rows.model))

    def whose(self) -> str:
        """Say whose models the tables are about: the review's, this project's small ones, or others."""
        from rnastudy.models import cards

        groups = {
            known.group if (known := cards().get(name)) else "others" for name in self.models("structure") + self.models("function") + self.models("contacts")
        }
        said = {"embedded": "this project's small models", "others": "models without a card"}
        return " and ".join(dict.fromkeys(said.get(group, "published models") for group in sorted(groups)))

    def parameters(self, task: str, models: Iterable[str]) -> list[float]:
        """Sizes of models that took part in a task, in parameters."""
        rows = self.results[self.results.analysis == _ANALYSES[task]]
        return [float(rows[rows.model == name].parameters.iloc[0]) for name in models]

    def sampled(self, task: str, protocol: str, models: Iterable[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Scores of models and their draws on the same resamples, more is better.

        Parameters
        ----------
        task : {"structure", "function", "contacts"}
        protocol : {"review", "careful"}
        models : iterable of str
            M names.

        Returns
        -------
        values : ndarray, shape=(M,)
        draws : ndarray, shape=(B, M)
            ``None`` for both if a model did not take part, or not on the same RNAs as the others.
        """
        measure, sign = MEASURES[task, protocol]
        rows = [self._row(task, protocol, measure, model) for model in models]
        sampled = [self._draws(task, protocol, measure, model) for model in models]
        found = [row for row in rows if row is not None]
        drawn = [one for one in sampled if one is not None]
        if not rows or len(found) < len(rows) or len(drawn) < len(rows):
            return None
        same = {(row.dataset, row.n, len(draws)) for row, draws in zip(found, drawn, strict=True)}
        return (sign * np.array([row.value for row in found]), sign * np.stack(drawn, axis=1)) if len(same) == 1 else None

    def _row(self, task: str, protocol: str, measure: str, model: str) -> Any:
        rows = self.results[
            (self.results.analysis == _ANALYSES[task]) & (self.results.model == model) & (self.results.protocol == protocol) & (self.results.measure == measure)
        ]
        rows = rows[_headline(rows, protocol)]
        return rows.iloc[0] if len(rows) else None

    def _draws(self, task: str, protocol: str, measure: str, model: str) -> NDArray[np.float64] | None:
        table = self.draws
        if table.empty:
            return None
        rows = table[(table.analysis == _ANALYSES[task]) & (table.model == model) & (table.protocol == protocol) & (table.measure == measure)]
        if "decoder" in rows:
            rows = rows[rows.decoder.isna() | (rows.decoder == "raw")]
        rows = rows[rows.dataset == rows.dataset.iloc[0]] if len(rows) else rows
        values = rows.sort_values("draw").value.to_numpy(dtype=float)
        return values if len(values) else None


def _headline(rows: pd.DataFrame, protocol: str) -> pd.Series:
    """Rows of the setting that the study puts first: the raw threshold, the chosen descriptor."""
    keep = pd.Series(True, index=rows.index)
    if "decoder" in rows:
        keep &= rows.decoder.isna() | ((rows.decoder == "raw") & ~rows.canonical.fillna(False).astype(bool) & rows.note.isna())
    if "headline" in rows:
        keep &= rows.headline.isna() | rows.headline.fillna(False).astype(bool)
    return keep


def gather(folder: str | Path) -> Evidence:
    """Read the tables of all finished runs below a folder.

    Parameters
    ----------
    folder : str or Path
        For example ``runs/default``.

    Returns
    -------
    Evidence

    Raises
    ------
    StudyError
        If there is no finished run.
    """
    found = (path.parent for path in Path(folder).glob("*/stamp.json"))
    runs = sorted(run for run in found if is_finished(run) and not run.name.endswith((".partial", ".previous")))
    if not runs:
        raise StudyError(f"{folder} holds no finished run; make them with: rnastudy run --all studies/default.yml")
    named = {run: json.loads((run / "stamp.json").read_text(encoding="utf-8")).get("analysis", run.name) for run in runs}
    extra = {name: _joined(runs, f"{name}.csv", named) for name in ("per_rna", "families", "depth", "alignments")}
    numbers = {named[run]: json.loads((run / "numbers.json").read_text(encoding="utf-8")) for run in runs if (run / "numbers.json").is_file()}
    results = _joined(runs, "results.csv", named)
    results = results.reindex(columns=list(dict.fromkeys([*results.columns, *RESULT_COLUMNS, "role", "n", "parameters"])))
    return Evidence(results, _joined(runs, "draws.csv", named), extra, numbers)


def _joined(runs: Iterable[Path], name: str, analyses: dict[Path, str]) -> pd.DataFrame:
    tables = [_table(run / name).assign(analysis=analyses[run]) for run in runs if (run / name).is_file()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _table(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    lacking = [column for column in ("dataset", "protocol", "measure") if path.name == "draws.csv" and column not in table]
    if lacking:
        raise StudyError(f"{path} has no column {lacking[0]!r}: it was made by an earlier version; run that analysis again")
    return table
