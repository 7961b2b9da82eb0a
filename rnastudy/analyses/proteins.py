"""Analysis of the protein control: do a protein model's attention maps hold the contacts of proteins?

The same pipeline as for RNA: special tokens off, symmetrise, APC, every head at every threshold in one pass, chosen on one
set and scored on another; with the protein field's least separation of 6, and beside F1 its own measure, P@L.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from rnastudy.analyses.contenders import Contender, common_subset
from rnastudy.analyses.protein_entrants import separation_prior
from rnastudy.contacts import Choice, Draws, Scores, Setting, bootstrap_reselect, scan_many, score, select
from rnastudy.contacts.precision import MEASURES, Precisions, PrecisionTally, bootstrap_precision, select_head, watch
from rnastudy.datasets.proteins import ProteinSet
from rnastudy.errors import StudyError
from rnastudy.protein import MIN_SEPARATION, Protein

__all__ = ["CONTACT_SETTINGS", "ProteinStudy", "proteins"]

#: Both protocols at the least separation of protein contacts. The review's own handling of proteins is not established.
CONTACT_SETTINGS = (Setting("careful", min_separation=MIN_SEPARATION), Setting("review", min_separation=MIN_SEPARATION))
#: Name of the rules of P@L in the column ``protocol``.
TOP = "top-L"


#: The F1 that each protocol chooses by.
F1_MEASURES = {"careful": "f1_macro", "review": "f1_micro"}


@dataclass
class ProteinStudy:
    """Tables of a protein analysis, and what its figures need.

    Attributes
    ----------
    select, test : list of Protein
        Proteins that every contender could score.
    results : DataFrame
        One row a contender, protocol and measure; ``top-L`` rows have a ``range``.
    per_protein : DataFrame
        One row a contender and protein of the test set.
    heads : dict of str to ndarray, shape (N, H)
        Mean long-range P@L of each head on the selection set.
    chosen : dict of str to (int, int)
        Layer and head chosen by it, counted from zero.
    draws : dict of str to dict
        Bootstrap draws of the test set's P@L by range and cut, on the same resamples for all contenders.
    f1_draws : dict of (str, str) to ndarray
        Bootstrap draws of the F1 that each protocol chooses by, by contender and protocol.
    """

    select: list[Protein]
    test: list[Protein]
    names: tuple[str, str]
    results: pd.DataFrame = field(default_factory=pd.DataFrame)
    per_protein: pd.DataFrame = field(default_factory=pd.DataFrame)
    heads: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    chosen: dict[str, tuple[int, int]] = field(default_factory=dict)
    draws: dict[str, dict[Any, NDArray[np.float64]]] = field(default_factory=dict)
    f1_draws: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)

    def table(self, measure: str, *, protocol: str = TOP, reach: str = "long") -> pd.DataFrame:
        """Return the rows of all contenders for one measure; `reach` counts for ``top-L`` only."""
        rows = self.results[(self.results.measure == measure) & (self.results.protocol == protocol)]
        return rows[rows["range"] == reach] if protocol == TOP else rows

    def f1(self) -> pd.DataFrame:
        """Return the F1 that each protocol chooses by: the mean of proteins under ``careful``, pooled under ``review``; floors have no head."""
        found = pd.concat([self.table("f1_macro", protocol="careful"), self.table("f1_micro", protocol="review")], ignore_index=True)
        return found.assign(**{place: found[place].where(found.role != "floor") for place in ("layer", "head")})

    def draws_table(self) -> pd.DataFrame:
        """Return the bootstrap draws of F1 as a tidy table: model, dataset, protocol, measure, draw, value."""
        parts = [
            pd.DataFrame(
                {"model": name, "dataset": self.names[1], "protocol": protocol, "measure": F1_MEASURES[protocol], "draw": range(len(one)), "value": one}
            )
            for (name, protocol), one in self.f1_draws.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def by_range(self) -> pd.DataFrame:
        """Return P@L of every contender by range and cut, one row a contender."""
        rows = self.results[self.results.protocol == TOP]
        wide = rows.pivot(index="model", columns=["range", "measure"], values="value")
        return wide[list(MEASURES)]


def proteins(entrants: Sequence[Contender], select_set: ProteinSet, test_set: ProteinSet, *, n_draws: int = 1000, seed: int = 0) -> ProteinStudy:
    """Score contenders on contacts: choose on one set, score on the other. The separation prior is added here.

    Parameters
    ----------
    entrants : sequence of Contender
        See `protein_contenders`.
    select_set, test_set : ProteinSet
        With known structures; no protein may be in both.
    n_draws : int
        Bootstrap draws; each chooses anew.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ProteinStudy

    Raises
    ------
    StudyError
        If the two sets share a sequence or a name, or no protein can be scored by all.
    """
    shared = {one.sequence for one in select_set} & {one.sequence for one in test_set} | {one.name for one in select_set} & {one.name for one in test_set}
    if shared:
        raise StudyError(f"{select_set.name} and {test_set.name} share {len(shared)} proteins; select and test on different ones")
    chosen_on, _ = common_subset(list(select_set), entrants)  # type: ignore[arg-type]
    scored_on, lost = common_subset(list(test_set), entrants)  # type: ignore[arg-type]
    study = ProteinStudy(list(chosen_on), list(scored_on), (select_set.name, test_set.name))  # type: ignore[arg-type]
    rows: list[dict[str, Any]] = []
    parts = []
    for entrant in tqdm([*entrants, separation_prior(study.select)], desc="proteins", unit="model", disable=None):
        counted, precise = zip(*(_measured(entrant, part) for part in (study.select, study.test)), strict=True)
        shared_cells = _shared(study, entrant, lost.get(entrant.name, 0))
        for setting in CONTACT_SETTINGS:
            choice = select(counted[0][setting])
            scores = score(counted[1][setting], choice)
            draws = bootstrap_reselect(counted[0][setting], counted[1][setting], [None] * len(study.select), [None] * len(study.test), n_draws, seed)
            rows += _f1_rows(shared_cells, choice, scores, draws)
            study.f1_draws[entrant.name, setting.protocol] = getattr(draws, F1_MEASURES[setting.protocol])
            parts.append(_per_protein(entrant, setting.protocol, "f1", scores.names, scores.f1))
        study.chosen[entrant.name] = select_head(precise[0])
        study.heads[entrant.name] = np.nanmean(precise[0].at("long", "P@L"), axis=0)
        study.draws[entrant.name] = bootstrap_precision(*precise, n_draws=n_draws, seed=seed)
        rows += _precision_rows(shared_cells, study.chosen[entrant.name], precise[1], study.draws[entrant.name])
        parts.append(_per_protein(entrant, TOP, "P@L", precise[1].names, _at(precise[1], "long", "P@L", study.chosen[entrant.name])))
    study.results, study.per_protein = pd.DataFrame(rows), pd.concat(parts, ignore_index=True)
    return study


def _measured(entrant: Contender, chains: Sequence[Protein]) -> tuple[dict[Setting, Any], Precisions]:
    """Count pairs at all thresholds and measure P@L in one pass of the model."""
    tally = PrecisionTally(chains)
    anything: Any = chains
    return scan_many(watch(entrant.stream(anything), tally), anything, CONTACT_SETTINGS), tally.precisions()


def _shared(study: ProteinStudy, entrant: Contender, dropped: int) -> dict[str, Any]:
    cells = {"analysis": "proteins", "model": entrant.name, "role": entrant.role, "parameters": entrant.parameters}
    return {**cells, "dataset": study.names[1], "selected_on": study.names[0], "n_dropped": dropped}


def _f1_rows(shared: dict[str, Any], choice: Choice, scores: Scores, draws: Draws) -> list[dict[str, Any]]:
    place = {"protocol": choice.setting.protocol, "layer": choice.layer, "head": choice.head, "threshold": choice.threshold}
    rows = []
    for name in ("f1_macro", "f1_micro"):
        low, high = np.nanpercentile(getattr(draws, name), [2.5, 97.5])
        rows.append({"measure": name, "value": getattr(scores, name), "low": low, "high": high, "n": int((scores.reference > 0).sum())})
        rows.append({"measure": f"{name}_selection", "value": getattr(choice, name)})
    return [{**shared, **place, "range": "all", **row} for row in rows]


def _precision_rows(shared: dict[str, Any], chosen: tuple[int, int], precise: Precisions, draws: dict[Any, NDArray[np.float64]]) -> list[dict[str, Any]]:
    place = {"protocol": TOP, "layer": chosen[0], "head": chosen[1]}
    rows = []
    for reach, cut in MEASURES:
        values = _at(precise, reach, cut, chosen)
        known = bool(np.isfinite(values).any())
        low, high = np.nanpercentile(draws[reach, cut], [2.5, 97.5]) if known else (np.nan, np.nan)
        value = float(np.nanmean(values)) if known else np.nan
        rows.append({"range": reach, "measure": cut, "value": value, "low": low, "high": high, "n": int(np.isfinite(values).sum())})
    return [{**shared, **place, **row} for row in rows]


def _at(precise: Precisions, reach: str, cut: str, chosen: tuple[int, int]) -> NDArray[np.float64]:
    return precise.at(reach, cut)[:, chosen[0], chosen[1]]


def _per_protein(entrant: Contender, protocol: str, measure: str, names: Sequence[str], values: NDArray[np.float64]) -> pd.DataFrame:
    return pd.DataFrame({"model": entrant.name, "role": entrant.role, "protocol": protocol, "measure": measure, "protein": names, "value": values})
