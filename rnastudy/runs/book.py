"""From finished runs to pages: executed notebooks cleaned, with alt text where the book reads it, and their files beside them.

The book (jupyter-book 1, execution off) drops alt text that lies in an output's metadata and honours it in the cell's, under
``mystnb.image.alt``. It would also show papermill's injected cell as bare code, and executed notebooks carry times, paths and
random ids. The pass mends all that, and writes a file only if its bytes differ.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnastudy.claims import decide, gather
from rnastudy.errors import StudyError
from rnastudy.paths import without_paths, write_bytes
from rnastudy.runs.stamp import read_json

__all__ = ["PreparedPage", "prepare_book", "prepare_run"]

_KEPT_FILES = ("results.csv", "per_rna.csv", "traps.csv", "numbers.json", "stamp.json")
_KEPT_METADATA = ("tags", "mystnb")
_WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_BAR = re.compile(r"(\d+%\|.*\||\d+it) *.*\[[\d:?]+")
_LARGEST_OUTPUT = 3 * 2**20


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """A page that was prepared: its notebook, and the files that were written because they differ."""

    notebook: Path
    written: tuple[Path, ...]


def prepare_book(runs: str | Path, study: str | Path) -> list[PreparedPage]:
    """Prepare every finished run below a folder as a page of the book.

    Parameters
    ----------
    runs : str or Path
        Folder of the runs' folders.
    study : str or Path
        Folder of the pages, ``book/study``; run NAME becomes ``NAME.ipynb`` and the folder ``NAME/``.

    Returns
    -------
    list of PreparedPage
        By name. The verdicts on the review's claims are written beside them as ``claims.csv``.

    Raises
    ------
    StudyError
        If there is no finished run, or a page cannot be shown as it is.
    """
    folders = sorted(path.parent for path in Path(runs).expanduser().glob("*/stamp.json") if not path.parent.name.endswith((".partial", ".previous")))
    if not folders:
        raise StudyError(f"{runs}: no finished runs; execute some with: rnastudy run --all studies/default.yml")
    for half in Path(study).expanduser().glob(".*.part"):
        half.unlink(missing_ok=True)
    pages = [prepare_run(folder, study) for folder in folders]
    verdicts = decide(gather(Path(runs).expanduser())).to_csv(index=False, lineterminator="\n", float_format="%.6g")
    write_bytes(Path(study).expanduser() / "claims.csv", verdicts.encode())
    return pages


def prepare_run(run: str | Path, study: str | Path) -> PreparedPage:
    """Prepare one finished run as a page: ``NAME.ipynb``, and tables and figures in ``NAME/`` for download.

    Raises
    ------
    StudyError
        If the run is not finished, an image has no alt text, or an output is too large for a page.
    """
    import nbformat

    run, study = Path(run).expanduser(), Path(study).expanduser()
    if not read_json(run / "stamp.json").get("finished"):
        raise StudyError(f"{run}: not a finished run; execute it again")
    page = nbformat.read(str(run / "notebook.ipynb"), as_version=4)
    _forget_bars(page)
    for index, cell in enumerate(page.cells):
        _clean_cell(cell, index, f"{run.name}, cell {index + 1}")
    page.metadata = {key: page.metadata[key] for key in ("kernelspec", "language_info", "widgets") if key in page.metadata}
    text = _same_ids(without_paths(nbformat.writes(page)), page)
    study.mkdir(parents=True, exist_ok=True)
    files = {study / f"{run.name}.ipynb": text.encode()} | {study / run.name / name: content for name, content in _downloads(run)}
    _remove_others(study / run.name, files)
    return PreparedPage(study / f"{run.name}.ipynb", tuple(path for path, content in files.items() if _write(path, content)))


def _clean_cell(cell: Any, index: int, where: str) -> None:
    tags = list(cell.metadata.get("tags", []))
    injected = "injected-parameters" in tags
    if injected and "hide-input" not in tags:
        tags.append("hide-input")
    cell.metadata = {key: value for key, value in cell.metadata.items() if key in _KEPT_METADATA} | ({"tags": tags} if tags else {})
    cell.id = "injected-parameters" if injected else cell.get("id") or f"cell-{index}"
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr" and not _is_bar(output)]
        _refuse_outputs(cell.outputs, where)
        _copy_image_metadata(cell, where)


def _is_bar(output: Any) -> bool:
    """Say whether an output is a live progress bar, which holds nothing but times."""
    data = output.get("data", {})
    return _WIDGET_VIEW in data and bool(_BAR.search(str(data.get("text/plain", ""))))


def _forget_bars(page: Any) -> None:
    """Remove the state of progress bars; their outputs are left out with the cells."""
    state = _widget_state(page)
    bars: dict[str, str] = {}
    for output in (output for cell in page.cells for output in cell.get("outputs", []) if _is_bar(output)):
        _name_widgets(output.data[_WIDGET_VIEW]["model_id"], state, bars)
    for identity in bars:
        del state[identity]


def _widget_state(page: Any) -> dict[str, Any]:
    return page.metadata.get("widgets", {}).get(_WIDGET_STATE, {}).get("state", {})


def _refuse_outputs(outputs: Iterable[Any], where: str) -> None:
    for output in outputs:
        size = len(json.dumps(output))
        if output.output_type == "error":
            raise StudyError(f"{where}: holds an error, {output.ename}; a page shows none")
        if size > _LARGEST_OUTPUT:
            raise StudyError(f"{where}: an output of {size / 2**20:.1f} MiB; a page takes {_LARGEST_OUTPUT / 2**20:.0f}: draw less or save it as a file")


def _copy_image_metadata(cell: Any, where: str) -> None:
    """Copy the alt text of a cell's image from its output to the cell, where the book looks for it."""
    images = [output for output in cell.outputs if any(kind.startswith("image/") for kind in output.get("data", {}))]
    own = cell.metadata.get("mystnb", {}).get("image", {})
    alts = {_alt(output) or own.get("alt", "") for output in images}
    if "" in alts:
        raise StudyError(f"{where}: an image without alt text; show it with run.save_figure(figure, name, alt=...)")
    if len(alts) > 1 and any("text/html" not in output.data for output in images):
        raise StudyError(f"{where}: {len(images)} images with alt texts of their own; show one a cell")
    if len(alts) == 1:
        cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), "image": {**own, "alt": alts.pop()}}


def _alt(output: Any) -> str:
    """Return the alt text in an image's metadata, or the text beside an inline drawing that carries its own label."""
    told = next((part.get("alt", "") for kind, part in output.get("metadata", {}).items() if kind.startswith("image/")), "")
    return told or (output.data.get("text/plain", "") if "aria-label=" in output.data.get("text/html", "") else "")


def _same_ids(text: str, page: Any) -> str:
    """Number the widgets in the order they are met on the page; their own ids are drawn at random.

    Widgets that no output shows, such as links between others, follow in the order of what they hold.
    """
    state = _widget_state(page)
    names: dict[str, str] = {}
    for root in re.findall(r'"model_id": "(\w+)"', json.dumps(page.cells)):
        _name_widgets(root, state, names)
    for rest in sorted(state.keys() - names.keys(), key=lambda identity: _renamed(json.dumps(state[identity], sort_keys=True), names)):
        _name_widgets(rest, state, names)
    renamed = json.loads(_renamed(text, names))
    return json.dumps(renamed, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _name_widgets(identity: str, state: Mapping[str, Any], names: dict[str, str]) -> None:
    if identity in state and identity not in names:
        names[identity] = f"{len(names):032x}"
        for child in re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[identity], sort_keys=True)):
            _name_widgets(child, state, names)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub("|".join(names), lambda match: names[match[0]], text) if names else text


def _downloads(run: Path) -> Iterator[tuple[Path, bytes]]:
    for name in _KEPT_FILES:
        if (run / name).exists():
            yield Path(name), (run / name).read_bytes()
    for figure in sorted((run / "figures").glob("*")):
        yield Path("figures") / figure.name, figure.read_bytes()


def _remove_others(folder: Path, kept: Iterable[Path]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)


def _write(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    write_bytes(path, content)
    return True
