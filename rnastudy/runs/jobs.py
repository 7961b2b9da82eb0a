"""The runs of a study as jobs of a workflow: the command of each, the files it depends on, and what to book for it."""

from __future__ import annotations

import math
from pathlib import Path

from rnastudy.runs.execute import checked_parameters
from rnastudy.runs.parameters import names
from rnastudy.runs.planning import need, on_gpu
from rnastudy.runs.study import Cell, Study

__all__ = ["command_line", "named_files", "resources"]

#: What is booked for a job is so many times the estimate.
TIME_MARGIN, MEMORY_MARGIN = 3, 1.25


def resources(cell: Cell, gpu: str = "h200") -> dict[str, int]:
    """Return what to book for a run, in the words of Snakemake: ``gpu``, ``mem_mb``, ``disk_mb`` and ``runtime`` in minutes.

    The estimate with a margin; a second attempt may ask for more.

    Examples
    --------
    >>> sorted(resources(Cell("s", "structure", {"model": "rnafm", "device": "cuda"}), "a100"))
    ['disk_mb', 'gpu', 'mem_mb', 'runtime']
    """
    one = need(cell, gpu)
    return {
        "gpu": int(on_gpu(checked_parameters(cell.analysis, cell.parameters))),
        "mem_mb": math.ceil(MEMORY_MARGIN * one.memory / 1e6),
        "disk_mb": math.ceil((one.disk + one.download) / 1e6),
        "runtime": math.ceil(TIME_MARGIN * one.seconds / 60),
    }


def command_line(study: Study, cell: Cell) -> list[str]:
    """Return the words of the command that executes one run of a study by itself: ``rnastudy run`` with all its parameters.

    A study that is offline forbids the model hub to the command as `rnastudy.runs.run_study` does.

    Examples
    --------
    >>> study = Study("s", Path("runs/s"), False, ())
    >>> command_line(study, Cell("one", "structure", {"model": "rnafm", "limit": None}))
    ['rnastudy', 'run', 'structure', '--out', 'runs/s/one', '-p', 'model=rnafm', '-p', 'limit=none']
    """
    offline = ["env", "HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1"] if study.offline else []
    pairs = [word for name, value in cell.parameters.items() for word in ("-p", f"{name}={'none' if value is None else value}")]
    return [*offline, "rnastudy", "run", cell.analysis, "--out", (study.out / cell.name).as_posix(), *pairs]


def named_files(cell: Cell) -> list[str]:
    """Return the files that a run's parameters name: a user's own data, and the files of checkpoint folders.

    Examples
    --------
    >>> named_files(Cell("one", "structure", {"model": "rnafm", "limit": 3}))
    []
    """
    paths = [Path(word).expanduser() for value in cell.parameters.values() if isinstance(value, str) for word in names(value)]
    return [path.as_posix() for one in paths for path in ([one] if one.is_file() else sorted(one.glob("*"))) if path.is_file()]
