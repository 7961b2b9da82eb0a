"""A lab's two copies from one source: the student's without answers, the instructor's with them unfolded.

A solution is a cell tagged ``solution``, of code or of prose. In the executed page of the book it is folded; in the tests it is
run. The student's copy holds an empty cell in the place of each solution of code, and nothing in the place of prose: that
holds for folded answers within other cells too, of which only the question stays.

From a shell::

    python -m rnastudy.runs.teaching notebooks/lab.ipynb FOLDER
"""

from __future__ import annotations

import copy
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError

__all__ = ["SOLUTION", "instructor", "main", "student", "write_copies"]

#: Tag of a cell that holds a solution.
SOLUTION = "solution"
_PLACE = "# Your solution here."
_FOLDS = ("hide-input", "hide-output", "hide-cell")
_BOOK_ONLY = re.compile(r"```\{run-card\}.*?```\n?|\*\*Answer of this run\.\*\* \{glue:text\}`answer`\n?", re.DOTALL)
_BOX = re.compile(r":::\{(dropdown|admonition)\} ([^\n]*)\n(?::\w+:[^\n]*\n)*(.*?)\n:::", re.DOTALL)


def student(notebook: Any) -> Any:
    """Return a copy without solutions and outputs.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The source.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    StudyError
        If no cell is tagged as a solution.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> source = v4.new_notebook(cells=[v4.new_code_cell("6 * 7", metadata={"tags": ["solution"]})])
    >>> student(source).cells[0].source
    '# Your solution here.'
    """
    kept = _plain(notebook, folded=False)
    kept.cells = [cell for cell in kept.cells if cell.cell_type == "code" or not _solves(cell)]
    for cell in kept.cells:
        if _solves(cell):
            cell.source = _PLACE
            cell.metadata["tags"].remove(SOLUTION)
    return kept


def instructor(notebook: Any) -> Any:
    """Return a copy with all solutions and without outputs; see `student`.

    Examples
    --------
    >>> import nbformat.v4 as v4
    >>> source = v4.new_notebook(cells=[v4.new_code_cell("6 * 7", metadata={"tags": ["solution"]})])
    >>> instructor(source).cells[0].source
    '6 * 7'
    """
    return _plain(notebook, folded=True)


def write_copies(source: str | Path, folder: str | Path) -> list[Path]:
    """Write ``NAME-student.ipynb`` and ``NAME-instructor.ipynb``.

    Parameters
    ----------
    source : str or Path
        A notebook, outputs stripped.
    folder : str or Path
        Made if missing.

    Returns
    -------
    list of Path
        The two files, which come out the same however often they are made.
    """
    import nbformat

    source, folder = Path(source), Path(folder)
    if not source.is_file():
        raise StudyError(f"no such notebook: {source}; the lab lies in notebooks/lab.ipynb of a checkout")
    notebook = nbformat.read(str(source), as_version=4)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for make in (student, instructor):
        path = folder / f"{source.stem}-{make.__name__}.ipynb"
        path.write_text(nbformat.writes(make(notebook)) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _solves(cell: Any) -> bool:
    return SOLUTION in cell.metadata.get("tags", [])


def _unboxed(match: re.Match[str], folded: bool) -> str:
    """Write a box as plain Markdown; what was folded is an answer or a reason, and its title an option, if it is not just called that."""
    kind, title, body = match.groups()
    if kind == "admonition" or folded:
        return f"**{title}**\n\n{body}"
    return "" if title == "Answer" else f"- {title}"


def _plain(notebook: Any, *, folded: bool) -> Any:
    """Copy a notebook for use outside the book: no output, no directive that only the book understands, answers if `folded`."""
    plain = copy.deepcopy(notebook)
    if not any(_solves(cell) for cell in plain.cells):
        raise StudyError(f"no cell is tagged {SOLUTION!r}; tag the cells that a student's copy must not hold")
    for cell in plain.cells:
        cell.metadata["tags"] = [tag for tag in cell.metadata.get("tags", []) if tag not in _FOLDS]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = _BOX.sub(partial(_unboxed, folded=folded), _BOOK_ONLY.sub("", cell.source)).strip()
    return plain


def main(words: list[str]) -> int:
    """Write both copies and print where they are; the two words are the source and the folder."""
    try:
        if len(words) != 2:
            raise StudyError(f"{len(words)} words given; write: python -m rnastudy.runs.teaching notebooks/lab.ipynb FOLDER")
        print(*write_copies(*words), sep="\n")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
