"""The whole grid: every model on every data set that it can read, whether a study asks for it or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rnastudy.runs.costs import Cost
from rnastudy.runs.machines import Machine, machine
from rnastudy.runs.planning import Need, one_reading, summed

__all__ = ["plan_grid"]


def plan_grid(on: str = "h200", models: Iterable[str] = (), data: Iterable[str] = ()) -> dict[tuple[str, str], Need]:
    """Estimate every model on every data set that it can read: maps and vectors in one pass each, trained and untrained.

    Protein models read the protein chains, all others the RNAs; alignments go to models that read alignments. Tables that hold
    no sequences are left out.

    Parameters
    ----------
    on : str
        A name of `rnastudy.runs.machines.MACHINES`.
    models, data : iterable of str
        Names on cards; all without them, of models those that are not embedded.

    Returns
    -------
    dict of (str, str) to Need
        By model and data set; `seconds` are those of the device, for the grid says nothing of notebooks.

    Examples
    --------
    >>> sorted(plan_grid("h200", ["rnafm"], ["srtest150", "proteins_test"]))
    [('rnafm', 'srtest150')]
    """
    from rnastudy import datasets
    from rnastudy.models import cards

    chosen = list(models) or [key for key, card in cards().items() if card.loader != "embedded"]
    sets = [datasets.card(name) for name in data or datasets.cards()]
    return {(key, card.name): _point(key, card, machine(on)) for key in chosen for card in sets if _reads(cards()[key], card)}


def _reads(model: Any, data: Any) -> bool:
    if data.kind == "protein" or model.group == "protein":
        return bool(data.kind == "protein" and model.group == "protein")
    aligned = "alignments" in data.tasks
    return data.reader != "table" and (model.reads_alignment or not aligned)


def _point(model: str, data: Any, on: Machine) -> Need:
    costs: list[Cost] = []
    files: dict[str, float] = {}
    unknown: list[str] = []
    kinds = [task in data.tasks for task in ("structure", "families")]
    for states in [kind == 1 for kind in (0, 1) if kinds[kind]] or [False]:
        cost, files = one_reading(model, data.name, on, {"states": states})
        if cost is None:
            unknown.append(f"{model} on {data.name}")
        else:
            costs += [cost, cost]
    made = summed(f"{model} on {data.name}", costs, files, unknown, on)
    return replace(made, seconds=made.device_seconds)
