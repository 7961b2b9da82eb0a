"""What a study will need before it runs: memory, operations, seconds, disk and download of each run, from the cards alone.

`rnastudy plan STUDY.yml` prints it; `rnastudy.runs.jobs` books by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rnastudy.runs.costs import Cost, reading, weight_bytes, workload
from rnastudy.runs.execute import checked_parameters, find_notebook
from rnastudy.runs.machines import MIB, Machine, machine
from rnastudy.runs.parameters import Parameter, names, read_parameters
from rnastudy.runs.study import Cell, Study

__all__ = ["COLUMNS", "Need", "need", "on_gpu", "one_reading", "plan", "row", "summed", "total"]

#: Seconds and bytes of main memory that a notebook takes beside its models: start, statistics, figures. The pages of the default
#: study, four models each on two cores, take up to 270 s and 6.2 GiB.
OWN_SECONDS, OWN_MEMORY = 300, 6400 * MIB
#: Bytes a second at which weights are read from disk, and bytes of the folder of a run.
DISK_SPEED, RUN_BYTES = 200e6, 4 * MIB
#: Heads of the columns that `row` fills.
COLUMNS = ("PFLOP", "hours in models", "hours in all", "device GB", "memory GB", "disk GB", "download GB")
#: Parameters whose RNAs give maps; those of all others give vectors.
_MAPS = ("select", "test")


@dataclass(frozen=True, slots=True)
class Need:
    """What one run needs, on one machine.

    Attributes
    ----------
    flops : float
        Operations of all forward passes.
    device_seconds : float
        In which the models run.
    seconds : float
        Of the whole run; a GPU is held for as long.
    device_memory, memory : float
        Bytes on the device, and of main memory; on a CPU both are the same memory, and `memory` holds all of it.
    disk : float
        Bytes that the run writes: its folder, and vectors that notebooks share.
    files : mapping of str to float
        Bytes of every model's weights and every public data set, by name; NaN where a card does not know.
    unknown : tuple of str
        What is left out of the numbers, because its card does not say enough.
    """

    run: str
    flops: float = 0.0
    device_seconds: float = 0.0
    seconds: float = 0.0
    device_memory: float = 0.0
    memory: float = 0.0
    disk: float = 0.0
    files: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def download(self) -> float:
        """Bytes of the files whose size is known."""
        return sum(size for size in self.files.values() if not math.isnan(size))


def plan(study: Study, gpu: str = "h200") -> list[Need]:
    """Estimate every run of a study.

    Parameters
    ----------
    study : Study
    gpu : str
        A name of `rnastudy.runs.machines.MACHINES`: what runs whose device is a GPU are run on.

    Returns
    -------
    list of Need
        In the order of the study.

    Examples
    --------
    >>> from rnastudy.runs import read_study
    >>> from rnastudy.runs.execute import find_notebook
    >>> study = read_study(find_notebook("structure").parent.parent / "studies" / "default.yml")
    >>> plan(study)[0].run
    'structure'
    """
    machine(gpu)
    return [need(cell, gpu) for cell in study.cells]


def need(cell: Cell, gpu: str = "h200") -> Need:
    """Estimate one run: each of its models reads each of its data sets, once as it is and once untrained if that is asked for.

    Parameters that name models and data are found by what the notebook's ``parameters`` cell says of them; those that begin
    alike go together (``alignment_model`` reads ``alignment_select``).

    Parameters
    ----------
    cell : Cell
    gpu : str
        See `plan`.
    """
    known = read_parameters(find_notebook(cell.analysis))
    values = checked_parameters(cell.analysis, cell.parameters)
    device = machine(gpu if on_gpu(values) else "cpu")
    costs: list[Cost] = []
    files: dict[str, float] = {}
    unknown: list[str] = []
    for model, data, options in _readings(values, known):
        cost, found = one_reading(model, data, device, options)
        files.update(found)
        if cost is None:
            unknown.append(f"{model} on {data}")
        else:
            costs += [cost] * (2 if values.get("untrained") else 1)
    return summed(cell.name, costs, files, unknown, device)


def on_gpu(values: Mapping[str, Any]) -> bool:
    """Say whether the parameters of a run ask for a GPU.

    Examples
    --------
    >>> on_gpu({"device": "cuda:1"}), on_gpu({"seed": 0})
    (True, False)
    """
    return str(values.get("device", "cpu")).startswith("cuda")


def _readings(values: Mapping[str, Any], known: Mapping[str, Parameter]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each model with each data set it reads, and the options of `reading`."""
    models = [name for name, parameter in known.items() if "models" in parameter.choices]
    prefixes = {name: name.removesuffix("model") for name in models}
    for name in models:
        others = tuple(prefix for prefix in prefixes.values() if prefix and prefix != prefixes[name])
        for source in (key for key, parameter in known.items() if "data" in parameter.choices):
            if source.startswith(prefixes[name]) and not source.startswith(others):
                limit = values.get("limit" if source != "alignment_select" else "alignment_limit")
                states = source.removeprefix(prefixes[name]) not in _MAPS
                options = {"max_bases": values.get("max_bases"), "limit": limit, "states": states}
                yield from ((model, data, options) for model in names(str(values[name] or "")) for data in names(str(values[source] or "")))


def one_reading(model: str, data: str, on: Machine, options: Mapping[str, Any]) -> tuple[Cost | None, dict[str, float]]:
    """Estimate one model's pass over one data set, and name the files it needs with their bytes; see `rnastudy.runs.costs.reading`.

    Examples
    --------
    >>> one_reading("rnafm", "srtest150", machine("h200"), {})[1]
    {'weights of multimolecule/rnafm': 398080000.0}
    """
    from rnastudy.models import cards

    card = cards().get(model.partition("@")[0])
    files = _data_bytes(data)
    if card is None:
        return None, files
    if card.loader != "embedded" and card.parameters_million is not None:
        known = sum(file.size or 0 for file in card.files)
        files[_weights(card)] = max(known, weight_bytes(card))
    return reading(card, workload(data), on, **options), files


def _weights(card: Any) -> str:
    """Name what is fetched, so that two cards of one checkpoint fetch it once."""
    return f"weights of {card.hub or card.key}"


def _data_bytes(name: str) -> dict[str, float]:
    """Return the bytes of the files of a public data set, each by its address: several sets share some."""
    from rnastudy import datasets

    card = datasets.cards().get(name)
    if card is None or card.origin == "embedded":
        return {}
    return {file.url or file.path: math.nan if file.size is None else float(file.size) for file in card.files}


def summed(run: str, costs: Iterable[Cost], files: Mapping[str, float], unknown: Iterable[str], on: Machine) -> Need:
    """Make the need of one run out of the costs of its passes and the files it fetches.

    Examples
    --------
    >>> summed("a", [Cost(1, 2.0, 3)], {}, (), machine("h200")).device_seconds
    2.0
    """
    cost = sum(costs, start=Cost(0, 0, 0))
    weights = [size for name, size in files.items() if name.startswith("weights of ")]
    unknown = [*unknown, *(name for name, size in files.items() if math.isnan(size))]
    seconds = OWN_SECONDS + cost.seconds + sum(weights) / DISK_SPEED
    memory = OWN_MEMORY + 2 * max(weights, default=0) + cost.vector_bytes + (0 if on.is_gpu else cost.memory)
    disk = RUN_BYTES + cost.vector_bytes
    return Need(run, cost.flops, cost.seconds, seconds, cost.memory, memory, disk, dict(files), tuple(dict.fromkeys(unknown)))


def total(needs: Iterable[Need], run: str = "all") -> Need:
    """Add up a plan: operations, times and disk are summed, memory is that of the largest run, every file counts once.

    What is fetched is kept, so its bytes are part of the disk.

    Examples
    --------
    >>> both = total([Need("a", seconds=1, memory=5, files={"w": 7}), Need("b", seconds=2, memory=3, files={"w": 7})])
    >>> both.seconds, both.memory, both.download, both.disk
    (3, 5, 7, 7.0)
    """
    needs = list(needs)
    files = {name: size for one in needs for name, size in one.files.items()}
    return Need(
        run,
        sum(one.flops for one in needs),
        sum(one.device_seconds for one in needs),
        sum(one.seconds for one in needs),
        max((one.device_memory for one in needs), default=0),
        max((one.memory for one in needs), default=0),
        sum(one.disk for one in needs) + Need(run, files=files).download,
        files,
        tuple(dict.fromkeys(what for one in needs for what in one.unknown)),
    )


def row(one: Need) -> tuple[str, ...]:
    """Write a need as the cells of a table, under `COLUMNS`.

    Examples
    --------
    >>> row(Need("a", 2e15, 60, 3600, 8e9, 9e9, 5e6))
    ('2', '0.02', '1.00', '8.0', '9.0', '0.0', '0.0')
    """
    hours = [f"{seconds / 3600:.2f}" for seconds in (one.device_seconds, one.seconds)]
    sizes = [f"{size / 1e9:.1f}" for size in (one.device_memory, one.memory, one.disk, one.download)]
    return (f"{one.flops / 1e15:.3g}", *hours, *sizes)
