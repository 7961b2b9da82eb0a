"""What the page on proteins says: which models were run, what is quoted of the review, and the answer in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rnastudy.analyses.proteins import ProteinStudy

__all__ = ["protein_findings", "protein_models", "quoted_proteins"]


def protein_models(study: ProteinStudy | None = None) -> pd.DataFrame:
    """List every protein model that has a card, and whether this run scored its trained weights.

    Parameters
    ----------
    study : ProteinStudy, optional
        The run.

    Returns
    -------
    DataFrame
        Columns model, parameters, layers, heads, state, command.
    """
    from rnastudy.models import availability, cards

    run = set() if study is None else set(study.results.model)
    rows = []
    for card in cards().values():
        if card.alphabet == "protein":
            here = availability(card).can_run
            state = "scored in this run" if card.key in run else "not run" if here else "not run: weights absent"
            size = None if card.parameters_million is None else card.parameters_million * 1e6
            rows.append((card.key, size, card.layers, card.heads, state, f"rnastudy run proteins --model {card.key}"))
    return pd.DataFrame(rows, columns=["model", "parameters", "n_layers", "n_heads", "state", "command"])


def quoted_proteins() -> pd.DataFrame:
    """Return what is quoted of the review's scores on proteins.

    Returns
    -------
    DataFrame
        Columns model, dataset, metric, value, certainty.

    Examples
    --------
    >>> set(quoted_proteins().metric)
    {'F1'}
    """
    from rnastudy.scaling import published

    rows = published()
    kept = rows[rows.model.str.startswith("ESM2") & (rows.task == "structure")]
    return kept[["model", "dataset", "metric", "value", "certainty"]].reset_index(drop=True)


def protein_findings(study: ProteinStudy) -> dict[str, Any]:
    """Return the numbers and sentences that the page quotes.

    Returns
    -------
    dict
        answer, best (the trained model, else the twin, that was best on the selection set), what it and the floors score, sizes.
    """
    rows = study.table("P@L").set_index("model")
    trained = rows[rows.role == "trained"]
    runs = trained if len(trained) else rows[rows.role == "untrained"]
    best = max(runs.index, key=lambda name: study.heads[name].max())
    found = {
        "best": best,
        "best_precision": rows.loc[best, "value"],
        "prior_precision": rows.loc["separation-prior", "value"],
        "random_precision": rows.loc["random", "value"],
        "n_select": len(study.select),
        "n_test": len(study.test),
        "n_trained": len(trained),
    }
    gain = study.draws[best]["long", "P@L"] - study.draws["separation-prior"]["long", "P@L"]
    found |= {"gain_low": float(np.nanpercentile(gain, 2.5)), "gain_high": float(np.nanpercentile(gain, 97.5))}
    return {**found, "answer": _answer(found, rows.loc[best])}


def _answer(found: dict[str, Any], row: pd.Series) -> str:
    """Say in one sentence what the run shows, and what it cannot show."""
    floors = f"separation alone gives {found['prior_precision']:.2f}, chance {found['random_precision']:.2f}"
    scored = f"long-range P@L of {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f}) on {found['n_test']} proteins"
    if not found["n_trained"]:
        return f"Not answered here, as no trained protein model was run; random weights ({found['best']}) reach a {scored}, {floors}."
    above = "Yes" if found["gain_low"] > 0 else "Not shown"
    floors += f", and the gain over separation is {found['gain_low']:.2f} to {found['gain_high']:.2f}"
    return f"{above}: one head of {found['best']}, chosen on {found['n_select']} other proteins, has a {scored}; {floors}."
