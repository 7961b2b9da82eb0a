"""Many runs, one table each: results of all finished runs joined, and a line for every run, failed ones included.

The folder that comes of it holds::

    results.csv, .parquet     rows of every run's ``results``, with the run's name in front
    per_rna.csv, .parquet     the same of ``per_rna``, if a run has one
    runs.csv, .parquet        one row for each run: finished or failed, why, how long, on what
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError
from rnastudy.runs.stamp import read_json

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Gathered", "gather", "is_finished"]

_TABLES = ("results", "per_rna")
_FACTS = ("analysis", "seconds", "device", "device_name", "peak_memory_mib", "peak_device_memory_mib", "seed", "date", "commit", "fingerprint")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was gathered: the folder, finished runs in order, and the reasons of those that failed."""

    folder: Path
    finished: tuple[str, ...]
    failed: dict[str, str]


def is_finished(folder: Path) -> bool:
    """Say whether a folder holds a finished run.

    Examples
    --------
    >>> is_finished(Path("no/such/folder"))
    False
    """
    return bool(read_json(folder / "stamp.json").get("finished"))


def gather(runs: str | Path, out: str | Path, expected: Iterable[str] = ()) -> Gathered:
    """Join the tables of all finished runs below a folder.

    Parameters
    ----------
    runs : str or Path
        Folder of the runs' folders. The last line of ``logs/NAME.log``, if there is one, says why run NAME failed.
    out : str or Path
        Folder of the joined tables; tables that lie there are replaced, each as a whole.
    expected : iterable of str
        Names of the runs that should be there; those that are not finished have failed. Without it: those that are there.

    Returns
    -------
    Gathered

    Raises
    ------
    StudyError
        If no run is finished, or a column holds words in one run and numbers in another.

    Examples
    --------
    >>> gather("no/such/folder", "joined")
    Traceback (most recent call last):
    rnastudy.errors.StudyError: no/such/folder: no finished runs to gather; execute some with: rnastudy run --all STUDY.yml --jobs 2
    """
    source, folder = Path(runs).expanduser(), Path(out).expanduser()
    names = list(dict.fromkeys(expected)) or _found(source)
    finished = tuple(name for name in names if is_finished(source / name))
    failed = {name: _reason(source, name) for name in names if name not in finished}
    if not finished:
        raise StudyError(f"{runs}: no finished runs to gather; execute some with: rnastudy run --all STUDY.yml --jobs 2")
    folder.mkdir(parents=True, exist_ok=True)
    for table in _TABLES:
        parts = {name: source / name / f"{table}.parquet" for name in finished}
        _write(_joined({name: path for name, path in parts.items() if path.is_file()}, table), folder / table)
    _write(_lines(source, names, failed), folder / "runs")
    return Gathered(folder, finished, failed)


def _found(source: Path) -> list[str]:
    """Name the runs that lie in a folder: whole ones, and those of which only ``NAME.partial`` is left."""
    folders = {path.name.removesuffix(".partial") for path in source.glob("*.partial") if path.is_dir()}
    whole = {path.parent.name for path in source.glob("*/stamp.json")}
    return sorted(folders | {name for name in whole if not name.endswith((".partial", ".previous"))})


def _reason(source: Path, name: str) -> str:
    """Return the last line of a run's log that says something, or what its folder shows."""
    log = source / "logs" / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    said = [line.split("\r")[-1].strip() for line in lines]
    told = [line for line in said if line.startswith("rnastudy: ")]
    if told:
        return told[-1].removeprefix("rnastudy: ")
    return "stopped before it was whole" if (source / f"{name}.partial").exists() else "never begun"


def _joined(parts: Mapping[str, Path], table: str) -> DataFrame | None:
    import pandas as pd

    if not parts:
        return None
    frames = {name: pd.read_parquet(path) for name, path in parts.items()}
    _check_kinds(frames, table)
    frames = {name: frame.dropna(axis="columns", how="all") for name, frame in frames.items()}
    for name, frame in frames.items():
        frame.insert(0, "run", name)
    return pd.concat(frames.values(), ignore_index=True)


def _check_kinds(frames: Mapping[str, DataFrame], table: str) -> None:
    """Refuse a column that holds words here and numbers there: joined, it could be sorted and compared by neither."""
    from pandas.api.types import is_numeric_dtype

    first: dict[str, tuple[bool, str]] = {}
    for name, frame in frames.items():
        if "run" in frame.columns:
            raise StudyError(f"{table} of run {name!r} has a column 'run', which is the joined table's own; rename it")
        for column in frame.columns[frame.notna().any()]:
            numeric = is_numeric_dtype(frame[column])
            kind, where = first.setdefault(column, (numeric, name))
            if kind != numeric:
                raise StudyError(f"{table}: column {column!r} holds {'numbers' if kind else 'words'} in run {where!r} and not in {name!r}; rename one")


def _lines(source: Path, names: Iterable[str], failed: Mapping[str, str]) -> DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name in names:
        stamp = {} if name in failed else read_json(source / name / "stamp.json")
        model = stamp.get("parameters", {}).get("model")
        rows.append({"run": name, "finished": name not in failed, "error": failed.get(name), "model": model, **{key: stamp.get(key) for key in _FACTS}})
    return pd.DataFrame(rows)


def _write(frame: DataFrame | None, path: Path) -> None:
    """Write a table as CSV and Parquet, each through a temporary file; where there is none, leave none of an earlier time."""
    for suffix in (".csv", ".parquet"):
        whole, partial = path.with_suffix(suffix), path.with_suffix(f"{suffix}.partial")
        if frame is None:
            whole.unlink(missing_ok=True)
            continue
        if suffix == ".csv":
            frame.to_csv(partial, index=False, lineterminator="\n")
        else:
            frame.to_parquet(partial, index=False)
        os.replace(partial, whole)
