"""One run: a notebook executed by papermill, strictly, into a folder that appears only when it is whole."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError, unknown
from rnastudy.runs.parameters import check, read_parameters
from rnastudy.runs.stamp import base_stamp, fingerprint, read_json, sha256_of, write_json

__all__ = ["Finished", "RunFailed", "checked_parameters", "find_notebook", "run_analysis"]

_KERNEL = {"JUPYTER_PREFER_ENV_PATH": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
_QUIET = ["--log-level=ERROR"]
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


class RunFailed(StudyError):
    """A notebook stopped on an error; its message names the cell and the error on one line."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished run: its folder, whether it was there already, and how long it took in seconds."""

    folder: Path
    skipped: bool
    seconds: float


def find_notebook(analysis: str) -> Path:
    """Find the notebook of an analysis by name, or by the path of an ``.ipynb`` file.

    Looked for in ``notebooks/`` of the working folder, then of the checkout the package lies in.

    Raises
    ------
    StudyError
        If there is none; the nearest names are listed.
    """
    own = Path(analysis).expanduser()
    if own.suffix == ".ipynb" and own.is_file():
        return own
    folders = [Path("notebooks"), Path(__file__).resolve().parents[2] / "notebooks"]
    found = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.ipynb")}
    if analysis in found:
        return found[analysis]
    if not found:
        raise StudyError(f"analysis {analysis!r}: no notebooks in {' or '.join(map(str, folders))}; run from a checkout of the study")
    raise unknown("analysis", analysis, found)


def cards(kind: str) -> Iterable[str]:
    """Return the names on the cards of a kind, ``models`` or ``data``."""
    if kind == "models":
        from rnastudy import models

        return models.cards()
    from rnastudy import datasets

    return datasets.cards()


def checked_parameters(analysis: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check parameters against what the notebook of an analysis declares, and fill in its defaults.

    Raises
    ------
    StudyError
        If a name, a type or a choice does not fit.
    """
    known = read_parameters(find_notebook(analysis))
    defaults = {name: parameter.default for name, parameter in known.items()}
    return {**defaults, **check(parameters, known, cards)}


def run_analysis(
    analysis: str,
    out: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    offline: bool = False,
    label: str = "",
    progress: bool = True,
) -> Finished:
    """Execute a notebook with parameters, unless the same run stands finished in `out`.

    The run is made in ``OUT.partial`` and moved to ``OUT`` when it is whole; a run that failed or was stopped leaves
    ``OUT.partial`` to look at, and whatever finished run was in ``OUT`` before.

    Parameters
    ----------
    analysis : str
        Name of a notebook, or the path of one.
    out : str or Path
        Folder of the run: new, empty, or of an earlier run, which is replaced.
    parameters : mapping of str to object, optional
        Values other than the notebook's defaults.
    offline : bool
        Forbid the model hub to the kernel.
    label : str
        Shown before the progress bar.
    progress : bool
        Show a progress bar on standard error, a step for each cell.

    Returns
    -------
    Finished

    Raises
    ------
    StudyError
        If names, types or choices are wrong: before a kernel starts.
    RunFailed
        If a cell raises, or the kernel dies.
    """
    folder, notebook = Path(out).expanduser(), find_notebook(analysis)
    given = dict(parameters or {})
    values = checked_parameters(analysis, given)
    if "out" in given or values.pop("out", None) is None:
        raise StudyError(f"{notebook}: 'out' must be a parameter of the notebook, given to start_run, and is set by the folder of the run alone")
    mark = fingerprint(values, notebook)
    stamp = read_json(folder / "stamp.json")
    if stamp.get("finished") and stamp.get("fingerprint") == mark:
        return Finished(folder, True, float(stamp.get("seconds", 0)))
    _refuse_strange(folder)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    began = time.monotonic()
    with _environment({**_KERNEL, **(_OFFLINE if offline else {})}):
        _execute(notebook, partial, {**{name: values[name] for name in given}, "out": partial.as_posix()}, label or notebook.stem, progress)
    seconds = round(time.monotonic() - began, 2)
    _complete(partial, folder, {"fingerprint": mark, "notebook_sha256": sha256_of(notebook), "run_seconds": seconds}, notebook.stem, values)
    return Finished(folder, False, seconds)


def _refuse_strange(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"--out {folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "stamp.json").exists():
        raise StudyError(f"--out {folder} holds something that is not a run; name a new folder")


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _execute(notebook: Path, partial: Path, parameters: Mapping[str, Any], label: str, progress: bool) -> None:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    target = partial / "notebook.ipynb"
    bar = {"desc": label, "leave": True} if progress else False
    logging.getLogger("papermill").setLevel(logging.ERROR)  # warns of parameters that only its own reader cannot read
    try:
        papermill.execute_notebook(notebook, target, dict(parameters), kernel_name="python3", language="python", progress_bar=bar, extra_arguments=_QUIET)
    except PapermillExecutionError as error:
        reason = " ".join(f"{error.ename}: {error.evalue}".split())
        raise RunFailed(f"{label}: cell {error.exec_count} stopped on {reason} (see {target})") from None
    except DeadKernelError:
        raise RunFailed(f"{label}: the kernel died, perhaps for want of memory (see {target}); lower the limits or take a smaller model") from None


def _complete(partial: Path, folder: Path, more: Mapping[str, Any], analysis: str, parameters: Mapping[str, Any]) -> None:
    stamp = read_json(partial / "stamp.json") or base_stamp(analysis, parameters)
    stamp = {**stamp, "parameters": dict(parameters), "finished": True, **more}
    stamp.setdefault("seconds", more["run_seconds"])
    write_json(partial / "stamp.json", stamp)
    page = partial / "notebook.ipynb"
    page.write_text(page.read_text(encoding="utf-8").replace(partial.as_posix(), folder.as_posix()), encoding="utf-8")
    previous = folder.with_name(folder.name + ".previous")
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        folder.rename(previous)
    partial.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)
