"""Directives that write what the study needs, from cards and study files: by model, by data set, by study, and what is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from rnastudy_tables import FromText, number, plain, table
from sphinx.application import Sphinx

from rnastudy.runs.planning import Need, total

ROOT = Path(__file__).resolve().parents[2]
GPUS = ("h200", "a100")


@cache
def grid(gpu: str) -> dict[tuple[str, str], Need]:
    """Estimate the whole grid once for a build."""
    from rnastudy.runs.grid import plan_grid

    return plan_grid(gpu)


def by(position: int, gpu: str) -> dict[str, Need]:
    """Add up the grid by model (position 0) or by data set (position 1)."""
    found = grid(gpu)
    names = dict.fromkeys(key[position] for key in found)
    return {name: total((one for key, one in found.items() if key[position] == name), name) for name in names}


def hours(one: Need) -> str:
    """Write the hours in which models run."""
    return number(one.device_seconds / 3600, 2)


def gigabytes(count: float) -> str:
    """Write a number of bytes."""
    return f"{count / 1e9:,.1f} GB"


class PlanModels(FromText):
    """Every model on all data sets that it can read."""

    def lines(self) -> Iterator[str]:
        from rnastudy.models import cards
        from rnastudy.runs.costs import weight_bytes

        slow, fast = by(0, "a100"), by(0, "h200")
        rows = []
        for name, one in fast.items():
            sets = sum(key[0] == name and need.flops > 0 for key, need in grid("h200").items())
            weights = gigabytes(weight_bytes(cards()[name]))
            rows.append([f"`{name}`", number(sets), number(one.flops / 1e15, 1), hours(one), hours(slow[name]), gigabytes(one.device_memory), weights])
        everything = total(fast.values(), "all")
        rows.append(["all", "", number(everything.flops / 1e15, 1), hours(everything), hours(total(slow.values())), gigabytes(everything.device_memory), ""])
        yield from table(("model", "data sets", "PFLOP", "hours on an H200", "hours on an A100", "memory of the GPU", "weights"), rows)


class PlanData(FromText):
    """Every data set, read by all models that can."""

    def lines(self) -> Iterator[str]:
        from rnastudy import datasets

        slow, fast = by(1, "a100"), by(1, "h200")
        head = ("data set", "RNAs or proteins", "models", "hours on an H200", "hours on an A100", "vectors on disk", "download")
        yield from table(head, (self._row(datasets.card(name), one, slow[name]) for name, one in fast.items()))

    def _row(self, card: Any, one: Need, slow: Need) -> list[str]:
        known = sum(key[1] == card.name and need.flops > 0 for key, need in grid("h200").items())
        count = number(card.counts.get("rnas", card.counts.get("proteins")))
        vectors = gigabytes(one.disk - one.download)
        return [f"`{card.name}`", count, number(known), hours(one), hours(slow), vectors, self._download(card)]

    def _download(self, card: Any) -> str:
        if card.origin == "embedded":
            return "none"
        return "not known" if card.size is None else f"{card.size / 1e6:,.1f} MB"


class PlanStudy(FromText):
    """The runs of a study file, and their sum. Argument: the name of a file in ``studies/``."""

    required_arguments: ClassVar[int] = 1

    def lines(self) -> Iterator[str]:
        from rnastudy.runs import read_study
        from rnastudy.runs.planning import COLUMNS, plan, row

        path = ROOT / "studies" / self.arguments[0]
        self.env.note_dependency(str(path))
        study = read_study(path)
        sums = {gpu: total(plan(study, gpu), gpu.upper()) for gpu in GPUS}
        yield f"`studies/{path.name}` holds {len(study.cells)} runs. All of them together:"
        yield from table(("GPU", *COLUMNS), [[plain(one.run), *row(one)] for one in sums.values()])
        yield from (":::{dropdown} Every run, on an H200",)
        yield from table(("run", *COLUMNS), [[f"`{one.run}`", *row(one)] for one in plan(study)])
        yield from (":::", "")


class PlanAssumptions(FromText):
    """What the estimates take for granted."""

    def lines(self) -> Iterator[str]:
        from rnastudy.runs.costs import assumptions

        yield from (f"- {plain(line)}" for line in assumptions())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    for name, directive in {"plan-models": PlanModels, "plan-data": PlanData, "plan-study": PlanStudy, "plan-assumptions": PlanAssumptions}.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
