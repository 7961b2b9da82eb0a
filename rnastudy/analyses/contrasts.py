"""Comparisons two by two that are fixed before the test set is looked at, and who stands beside the model of the page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.structure import CAREFUL, StructureStudy
from rnastudy.statistics import holm, paired_difference

__all__ = ["contrasts", "opponent", "planned"]


def planned(study: StructureStudy, model: str) -> list[tuple[str, str]]:
    """List the contrasts that a page shows: they depend on who takes part and on the selection set, not on the test set.

    Parameters
    ----------
    study : StructureStudy
    model : str
        The one that did best on the selection set; mapconv-70k takes its place where it takes part, as plain-70k is its twin in size.

    Returns
    -------
    list of (str, str)
        Against its untrained twin, the plain encoder, the stem prior and a folding program, and the plain encoder against its own
        twin; those that took part, each once.
    """
    there = set(study.results.model)
    middle = "mapconv-70k" if "mapconv-70k" in there else model
    others = [f"{middle}@untrained", "plain-70k", "stem-prior", "vienna-mfe"]
    pairs = [(middle, other) for other in others if other != middle] + [("plain-70k", "plain-70k@untrained")]
    return [pair for pair in dict.fromkeys(pairs) if set(pair) <= there]


def opponent(study: StructureStudy, model: str) -> str | None:
    """Name who is drawn beside a model RNA by RNA: the folding program, or else the best of the other contenders; None if alone."""
    table = study.table(CAREFUL).query("role != 'ceiling' and model != @model")
    if "vienna-mfe" in set(table.model):
        return "vienna-mfe"
    return str(table.loc[table.value.idxmax()].model) if len(table) else None


def contrasts(study: StructureStudy, pairs: list[tuple[str, str]], *, n_draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Compare contenders two by two on the same RNAs: a list that is fixed before looking, Holm-adjusted.

    Parameters
    ----------
    study : StructureStudy
        With per-RNA scores.
    pairs : list of (str, str)
        First minus second; a pair of which one did not take part is left out.
    n_draws, seed : int
        Of the family bootstrap.

    Returns
    -------
    DataFrame
        Columns first, second, difference, low, high, p_holm, equivalent (TOST within .05), detectable.
    """
    rows = study.per_rna
    rows = rows[(rows.protocol == "careful") & (rows.decoder == "raw") & ~rows.canonical & (rows.min_separation == CAREFUL.separation)]
    table = rows.pivot(index="rna", columns="model", values="f1").dropna()
    families = {rna.name: rna.family for rna in study.test}
    clusters = [families[name] for name in table.index]
    kept = [pair for pair in pairs if set(pair) <= set(table.columns)]
    found = [paired_difference(table[a].to_numpy(), table[b].to_numpy(), clusters, n_draws=n_draws, seed=seed) for a, b in kept]
    adjusted: Sequence[float] | NDArray = holm([one.p for one in found]) if found else []
    return pd.DataFrame(
        {
            "first": [a for a, _ in kept],
            "second": [b for _, b in kept],
            "difference": [one.value for one in found],
            "low": [one.low for one in found],
            "high": [one.high for one in found],
            "p_holm": adjusted,
            "equivalent": [one.p_equivalent < 0.05 for one in found],
            "detectable": [one.detectable for one in found],
        }
    )
