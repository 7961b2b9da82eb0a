"""One run: a notebook executed by papermill, strictly, into a folder that appears only when it is whole."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError, brief, unknown
from rnastudy.files import check_writable
from rnastudy.models.conditions import split_name
from rnastudy.paths import alone, is_there, shown, user_path, without_paths, write_bytes
from rnastudy.runs.checks import check, check_machine, check_together
from rnastudy.runs.kinds import cards, looks_like_a_path
from rnastudy.runs.parameters import names, read_parameters
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
    own = Path(analysis)
    if own.suffix == ".ipynb" and is_there(analysis) and own.expanduser().is_file():
        return own.expanduser()
    if own.suffix == ".ipynb" or looks_like_a_path(analysis):
        raise StudyError(f"no such notebook: {brief(analysis)[1:-1]}; give the path of an .ipynb file, or the name of one in notebooks/")
    folders = [Path("notebooks"), Path(__file__).resolve().parents[2] / "notebooks"]
    found = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.ipynb")}
    if analysis in found:
        return found[analysis]
    if not found:
        raise StudyError(f"analysis {analysis!r}: no notebooks in {' or '.join(map(str, folders))}; run from a checkout of the study")
    raise unknown("analysis", analysis, found)


def checked_parameters(analysis: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check parameters against what the notebook of an analysis declares, and fill in its defaults.

    Raises
    ------
    StudyError
        If a name, a type, a choice or a range does not fit, or two values do not go together.
    """
    notebook = find_notebook(analysis)
    known = read_parameters(notebook)
    if "out" not in known:
        raise StudyError(f"{notebook}: no parameter 'out', the folder of the run; add it to the parameters cell and hand it to start_run")
    if "out" in parameters:
        raise StudyError("'out' is no parameter to give: the folder of the run decides it; write --out FOLDER, in Python run_analysis(NAME, FOLDER)")
    values = {name: parameter.default for name, parameter in known.items()} | check(parameters, known, cards)
    check_together(values, known)
    return values


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
        If a value is wrong, the device is not there, or `out` cannot be written: before a kernel starts.
    RunFailed
        If a cell raises, or the kernel dies.
    """
    folder, notebook = user_path(out), find_notebook(analysis)
    given = dict(parameters or {})
    values = checked_parameters(analysis, given)
    check_machine(values, read_parameters(notebook))
    check_writable(folder)
    del values["out"]
    mark = fingerprint(values, notebook)
    with alone(folder, "run"):
        _put_back(folder)
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
        _complete(partial, folder, {"fingerprint": mark, "notebook_sha256": sha256_of(notebook), "run_seconds": seconds}, notebook, values)
    return Finished(folder, False, seconds)


def _put_back(folder: Path) -> None:
    """Undo what a kill between the two renames of `_complete` left: the earlier run takes its place again."""
    previous = folder.with_name(folder.name + ".previous")
    if previous.is_dir() and not folder.exists():
        previous.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


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


def _complete(partial: Path, folder: Path, more: Mapping[str, Any], notebook: Path, parameters: Mapping[str, Any]) -> None:
    stamp = read_json(partial / "stamp.json") or base_stamp(notebook.stem, parameters)
    elsewhere = _paths_in(parameters)
    kept = {name: _replaced(value, elsewhere) if isinstance(value, str) else value for name, value in parameters.items()}
    stamp = {**stamp, "parameters": kept, "finished": True, **more}
    stamp.setdefault("seconds", more["run_seconds"])
    write_json(partial / "stamp.json", stamp)
    page = partial / "notebook.ipynb"
    write_bytes(page, _without_paths(page.read_text(encoding="utf-8"), partial, folder, notebook, elsewhere).encode())
    previous = folder.with_name(folder.name + ".previous")
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        folder.rename(previous)
    partial.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def _paths_in(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Absolute paths that parameters name, alone or as weights behind a model's ``@``, each with what is shown in its place."""
    words = [word for value in parameters.values() if isinstance(value, str) for word in names(value)]
    paths = [part for word in words for part in (word, split_name(word)[0], split_name(word)[1]) if part.startswith("/") and Path(part).name and is_there(part)]
    return {path: shown(Path(path)) for path in paths}


def _replaced(text: str, names: Mapping[str, str]) -> str:
    """Replace each key by its value, the longest first."""
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    return text


def _without_paths(text: str, partial: Path, folder: Path, notebook: Path, elsewhere: Mapping[str, str]) -> str:
    """Name the run's folder as it will be, and keep where it, the notebook and what it was given lie on this machine out of the page."""
    names = {**elsewhere, partial.as_posix(): shown(folder), partial.absolute().as_posix(): shown(folder), notebook.absolute().as_posix(): shown(notebook)}
    here = Path.cwd().as_posix()
    names |= {f"{here}/": "", here: "."} if len(here) > 1 else {}
    for path, name in sorted(names.items(), key=lambda both: -len(both[0])):
        for old, new in zip(_spellings(path), _spellings(name), strict=True):
            text = text.replace(old, new)
    return without_paths(text)


def _spellings(words: str) -> list[str]:
    """Spell words as they are, as a word of JSON, and as a word of code within JSON, in papermill's way too."""
    inner = json.dumps(words, ensure_ascii=False)[1:-1]
    code = words.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return [words, *(json.dumps(word, ensure_ascii=False)[1:-1] for word in (words, inner, code))]
