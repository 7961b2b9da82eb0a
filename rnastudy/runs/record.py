"""What a notebook uses to keep its results: tables, figures, numbers and the stamp, all in the folder of the run.

A notebook begins with `start_run` and ends with `Run.finish`; both work the same under ``rnastudy run``, under plain papermill
and in a live session.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.doctor.records import state_of_weights
from rnastudy.errors import StudyError
from rnastudy.runs.stamp import base_stamp, device_name, peak_memory, read_json, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = ["RESULT_COLUMNS", "Run", "start_run"]

#: Columns that every row of a ``results`` table has; more are welcome.
RESULT_COLUMNS = ("analysis", "model", "dataset", "protocol", "measure", "value")


class Run:
    """The folder of one run, open for writing.

    Parameters
    ----------
    out : str or Path
        Folder of the run; made if missing.
    analysis : str
        Name of the analysis, for example ``"structure"``.
    parameters : mapping of str to object
        What the run was told; kept in the stamp.

    Examples
    --------
    >>> import tempfile
    >>> run = Run(tempfile.mkdtemp(), "structure", {"seed": 0})
    >>> run.glue("best_f1", 0.5)
    0.5
    >>> sorted(path.name for path in run.folder.iterdir())
    ['numbers.json', 'stamp.json']
    """

    def __init__(self, out: str | Path, analysis: str, parameters: Mapping[str, Any]) -> None:
        self.folder = Path(out).expanduser()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._began = time.monotonic()
        self._stamp = base_stamp(analysis, parameters)
        self._numbers: dict[str, float | int | str | bool] = {}
        self._save_stamp()

    def save_table(self, frame: DataFrame, name: str = "results") -> Path:
        """Write a table as CSV and as Parquet.

        Parameters
        ----------
        frame : DataFrame
            Its index is left out.
        name : str
            ``results`` (tidy, see `RESULT_COLUMNS`), ``per_rna`` or another name.

        Returns
        -------
        Path
            Of the CSV file.

        Raises
        ------
        StudyError
            If a ``results`` table lacks a column that every reader of it needs.
        """
        missing = [column for column in RESULT_COLUMNS if column not in frame.columns] if name == "results" else []
        if missing:
            raise StudyError(f"table 'results' lacks columns {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
        path = self.folder / f"{_plain(name)}.csv"
        frame.to_csv(path, index=False, lineterminator="\n")
        frame.to_parquet(path.with_suffix(".parquet"), index=False)
        return path

    def save_figure(self, figure: Figure, name: str, *, alt: str, caption: str = "") -> Path:
        """Write a figure as SVG and PNG, show it if this is a notebook, and close it.

        Parameters
        ----------
        figure : matplotlib Figure
        name : str
            Of the file, without its ending.
        alt : str
            What is drawn and what it shows, for those who cannot see it.
        caption : str, optional
            The finding, for those who can.

        Returns
        -------
        Path
            Of the SVG file.

        Raises
        ------
        StudyError
            If there is no alt text.
        """
        from rnastudy.plotting.output import save

        folder = self.folder / "figures"
        svg = save(figure, alt, folder / _plain(name))[0]
        captions = read_json(folder / "captions.json")
        write_json(folder / "captions.json", {**captions, name: {"alt": alt, "caption": caption}})
        _show(figure, alt, caption)
        return svg

    def glue(self, key: str, value: Any) -> Any:
        """Keep a number or a word for the text of the book, where ``{glue:text}`` finds it.

        Parameters
        ----------
        key : str
        value : number, str or bool
            NumPy scalars are turned into Python's.

        Returns
        -------
        The value as it was kept.

        Raises
        ------
        StudyError
            If it is not finite, or neither a number nor a word.
        """
        plain = value.item() if hasattr(value, "item") else value
        if not isinstance(plain, int | float | str | bool):
            raise StudyError(f"number {key!r} is a {type(value).__name__}; glue numbers and words only")
        if isinstance(plain, float) and not math.isfinite(plain):
            raise StudyError(f"number {key!r} is {plain}; a book cannot quote it")
        self._numbers[key] = plain
        write_json(self.folder / "numbers.json", self._numbers)
        if _in_notebook() and find_spec("myst_nb"):
            from myst_nb import glue

            glue(key, plain, display=False)
        return plain

    def glue_all(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep several numbers and words at once, and return them; see `glue`."""
        for key, value in values.items():
            self.glue(key, value)
        return values

    def draw(self, name: str, drawn: tuple[Figure, str], *, caption: str = "") -> None:
        """Save and show what a function of `rnastudy.plotting` returned: a figure and its alternative text.

        Parameters
        ----------
        name : str
            Of the file, without its ending.
        drawn : (Figure, str)
        caption : str
            The finding.
        """
        figure, alt = drawn
        self.save_figure(figure, name, alt=alt, caption=caption)

    def record(self, *, data: Any = (), weights: Any = ()) -> None:
        """Note the checksums of the data and the weights that were used, and what `rnastudy doctor` found of those weights.

        Parameters
        ----------
        data : Dataset, iterable of them, or mapping of name to sha256
        weights : Probe, iterable of them, or mapping of name to sha256
        """
        self._stamp["data"].update(_checksums(data, "sha256"))
        loaded = _checksums(weights, "weights_sha256")
        self._stamp["weights"].update(loaded)
        self._stamp["certificates"].update({name: state_of_weights(found) for name, found in loaded.items() if not name.endswith("@untrained")})
        self._save_stamp()

    def finish(self) -> Path:
        """Complete the stamp: seconds, peak memory, device. Call it in the last cell.

        Returns
        -------
        Path
            Of ``stamp.json``.
        """
        seconds = round(time.monotonic() - self._began, 2)
        self._stamp.update(finished=True, seconds=seconds, device_name=device_name(self._stamp["device"]), **peak_memory())
        return self._save_stamp()

    def _save_stamp(self) -> Path:
        path = self.folder / "stamp.json"
        write_json(path, self._stamp)
        return path


def start_run(analysis: str, out: str | Path, **parameters: Any) -> Run:
    """Open the folder of a run, with the parameters by their names.

    Examples
    --------
    >>> import tempfile
    >>> run = start_run("structure", tempfile.mkdtemp(), model="mapconv-70k", seed=0, device="cpu")
    >>> run.finish().name
    'stamp.json'
    """
    return Run(out, analysis, parameters)


def _plain(name: str) -> str:
    if not name or Path(name).name != name or name.startswith("."):
        raise StudyError(f"{name!r} is no name for a file; leave out folders and leading dots")
    return name


def _checksums(things: Any, attribute: str) -> dict[str, str]:
    if isinstance(things, Mapping):
        return dict(things)
    several = things if isinstance(things, Iterable) and not hasattr(things, attribute) else [things]
    return {thing.name: getattr(thing, attribute) for thing in several}


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


def _show(figure: Figure, alt: str, caption: str) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)
    if _in_notebook():
        from IPython.display import display

        from rnastudy.plotting.output import Shown

        display(Shown(figure, alt, caption or None), metadata={"image/png": {"alt": alt}})
