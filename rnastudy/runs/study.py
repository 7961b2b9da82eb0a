"""A study file: which notebooks run with which parameters, checked whole before the first kernel starts.

A study file is YAML::

    title: The default study
    out: runs/default            # folder of the runs' folders
    offline: true                # the model hub is not asked
    defaults: {seed: 0}          # for every notebook that declares the parameter
    runs:
      - analysis: structure      # a notebook's name, or a path
        name: structure          # folder; left out: analysis and the grid's values
        parameters: {protocol: both}
        grid: {model: [rnafm, rnabert]}   # one run for each combination
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError, brief, unknown
from rnastudy.paths import inside
from rnastudy.plain_yaml import read_yaml
from rnastudy.runs.checks import check_machine
from rnastudy.runs.execute import Finished, checked_parameters, find_notebook, run_analysis
from rnastudy.runs.parameters import Parameter, read_parameters

__all__ = ["Cell", "Study", "StudyResult", "read_study", "run_study"]

_STUDY_KEYS = ("title", "out", "offline", "defaults", "runs")
_RUN_KEYS = ("analysis", "name", "parameters", "grid")
_LIKE = "YAML with a list under 'runs:', like studies/default.yml"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a study: its name (also of its folder), its analysis and its parameters."""

    name: str
    analysis: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Study:
    """A study file, read and checked: its title, the folder of its runs, and the runs in order."""

    title: str
    out: Path
    offline: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What came of a study: finished runs by name, and the one-line errors of those that failed."""

    finished: dict[str, Finished]
    failed: dict[str, str]


def read_study(path: str | Path) -> Study:
    """Read a study file and check the names, types and choices of all its runs.

    Raises
    ------
    StudyError
        Naming the file, the run and the value that does not fit.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise StudyError(f"study file {file} does not exist; those of the study lie in studies/")
    try:
        content = read_yaml(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError:
        raise StudyError(f"{file}: no text; give a study file, {_LIKE}") from None
    _check_keys(content, _STUDY_KEYS, str(file))
    if not content.get("runs") or not isinstance(content["runs"], list):
        raise StudyError(f"{file}: no runs; list at least one under 'runs:'")
    defaults = _mapping(content, "defaults", str(file))
    cells = tuple(cell for entry in content["runs"] for cell in _cells(entry, defaults, file))
    _check_defaults(defaults, cells, file)
    twice = sorted({cell.name for cell in cells if sum(cell.name == other.name for other in cells) > 1})
    if twice:
        raise StudyError(f"{file}: two runs are named {brief(twice[0])}; give each its own name")
    title, out, offline = (_plain(content, key, default, file) for key, default in (("title", file.stem), ("out", f"runs/{file.stem}"), ("offline", False)))
    return Study(title, Path(out), offline, cells)


def _plain(content: Mapping[str, Any], key: str, default: Any, file: Path) -> Any:
    """Return the value of a key, which must be of its default's type; words may not be empty."""
    value = content.get(key, default)
    if type(value) is not type(default) or value == "":
        raise StudyError(f"{file}: {key!r} is {brief(value)}; write {'some words' if isinstance(default, str) else 'true or false'}, or leave it out")
    return value


def _check_keys(content: Any, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(content, Mapping):
        raise StudyError(
            f"{where}: holds {'a list' if isinstance(content, list) else 'plain text'}, not keys and values; keys are {', '.join(allowed)}; write {_LIKE}"
        )
    for key in content:
        if key not in allowed:
            raise unknown(f"key in {where}:", str(key), allowed)


def _mapping(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    found = content.get(key) or {}
    if not isinstance(found, Mapping):
        raise StudyError(f"{where}: {key!r} holds no keys and values; write {key}: {{seed: 0}}")
    return found


def _cells(entry: Any, defaults: Mapping[str, Any], file: Path) -> list[Cell]:
    _check_keys(entry, _RUN_KEYS, f"a run of {file}")
    if "analysis" not in entry:
        raise StudyError(f"{file}: a run names no analysis: {brief(dict(entry))}; write analysis: structure")
    analysis, where = str(entry["analysis"]), f"a run of {file}"
    grid, own = _mapping(entry, "grid", where), _mapping(entry, "parameters", where)
    scalar = [name for name, values in grid.items() if not isinstance(values, list)]
    if scalar:
        raise StudyError(f"{file}: grid value {brief(grid[scalar[0]])} of {brief(scalar[0])} is no list; write it under 'parameters' or in brackets")
    empty = [name for name, values in grid.items() if not values]
    if empty:
        raise StudyError(f"{file}: the grid of {empty[0]!r} is empty, which makes no run at all; list its values or leave it out")
    known = _declared(analysis, file)
    shared = {name: value for name, value in defaults.items() if name in known}
    cells = []
    for values in itertools.product(*grid.values()):
        point = dict(zip(grid, values, strict=True))
        base = str(_plain(entry, "name", Path(analysis).stem, file))
        name = "-".join([base, *(_slug(value) for value in values)])
        cells.append(Cell(name, analysis, {**shared, **own, **point}))
        _check_cell(cells[-1], file)
    return cells


def _declared(analysis: str, file: Path) -> dict[str, Parameter]:
    try:
        return read_parameters(find_notebook(analysis))
    except StudyError as error:
        raise StudyError(f"{file}: {error}") from None


def _check_cell(cell: Cell, file: Path) -> None:
    if not inside(cell.name) or "/" in cell.name or "\\" in cell.name or cell.name.endswith((".partial", ".previous")):
        raise StudyError(f"{file}: a run is named {brief(cell.name)}, which is no name for a folder in the study's; leave out slashes, .. and .partial")
    if "out" in cell.parameters:
        raise StudyError(f"{file}: run {cell.name!r} sets 'out'; the study's own 'out' and the run's name decide it")
    try:
        checked_parameters(cell.analysis, cell.parameters)
    except StudyError as error:
        raise StudyError(f"{file}: run {brief(cell.name)}: {error}") from None


def _check_defaults(defaults: Mapping[str, Any], cells: tuple[Cell, ...], file: Path) -> None:
    used = {name for cell in cells for name in read_parameters(find_notebook(cell.analysis))}
    for name in defaults:
        if name not in used:
            raise unknown(f"default in {file}:", str(name), used)


def _slug(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9@._]+", "-", Path(value).name if isinstance(value, str) else str(value)).strip("-.") or "none"


def run_study(study: Study, *, jobs: int = 1, say: Callable[[str], None] = print, progress: bool = True) -> StudyResult:
    """Execute the runs of a study; what fails is reported and the rest goes on.

    Parameters
    ----------
    study : Study
    jobs : int
        Runs at a time, each in a process of its own with its share of the cores; they are started in order.
    say : callable
        Is given one line for each run, as it ends.
    progress : bool
        Show a progress bar for each run.

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        If `jobs` is below 1, or a run asks for a device that is not there: before a kernel starts.
    """
    if jobs < 1:
        raise StudyError(f"jobs is {jobs}; run at least one at a time")
    for cell in study.cells:
        _check_devices(cell)
    total, finished, failed = len(study.cells), {}, {}
    labels = {cell.name: f"[{index}/{total}] {cell.name}" for index, cell in enumerate(study.cells, start=1)}
    tasks = {cell.name: partial(_run_cell, study, cell, labels[cell.name], progress) for cell in study.cells}
    for name, done in _all_done(tasks, min(jobs, total)):
        if isinstance(done, StudyError):
            failed[name] = str(done)
            say(str(done))
            continue
        finished[name] = done
        what = "finished before with the same inputs, skipped" if done.skipped else f"done in {done.seconds:.0f} s"
        say(f"{labels[name]}: {what} -> {done.folder}")
    return StudyResult(finished, failed)


def _check_devices(cell: Cell) -> None:
    declared = read_parameters(find_notebook(cell.analysis))
    known = {name: parameter for name, parameter in declared.items() if "devices" in parameter.choices}
    try:
        check_machine({name: cell.parameters.get(name, parameter.default) for name, parameter in known.items()}, known)
    except StudyError as error:
        raise StudyError(f"run {cell.name!r}: {error}; a study's devices are set in its file") from None


def _run_cell(study: Study, cell: Cell, label: str, progress: bool) -> Finished:
    return run_analysis(cell.analysis, study.out / cell.name, cell.parameters, offline=study.offline, label=label, progress=progress)


def _all_done(tasks: Mapping[str, Callable[[], Finished]], jobs: int) -> Iterator[tuple[str, Finished | StudyError]]:
    """Yield what each task gave, or the error it ended with, as they end."""
    if jobs == 1:
        for name, task in tasks.items():
            try:
                yield name, task()
            except StudyError as error:
                yield name, error
        return
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_share_cores, initargs=(share,)) as pool:
        waiting = {pool.submit(task): name for name, task in tasks.items()}
        for future in as_completed(waiting):
            failure = future.exception()
            yield waiting[future], failure if isinstance(failure, StudyError) else future.result()


def _share_cores(share: str) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", share)
