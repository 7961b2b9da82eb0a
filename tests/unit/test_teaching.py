"""A lab's two copies: no solution reaches a student, every one reaches an instructor, and both come from one source."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from rnastudy.errors import StudyError
from rnastudy.runs import teaching

LAB = Path(__file__).parents[2] / "notebooks" / "lab.ipynb"


@pytest.fixture(scope="module")
def lab() -> nbformat.NotebookNode:
    return nbformat.read(LAB, 4)


def text(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def test_no_solution_is_left_in_a_students_copy(lab) -> None:
    solutions = [cell for cell in lab.cells if "solution" in cell.metadata.get("tags", [])]
    assert {cell.cell_type for cell in solutions} == {"code", "markdown"}
    copied = text(teaching.student(lab))
    lines = {line.strip() for cell in solutions for line in cell.source.splitlines() if len(line.strip()) > 20}
    assert [line for line in lines if line in copied] == []
    assert copied.count("# Your solution here.") == sum(cell.cell_type == "code" for cell in solutions)


def test_answers_to_questions_of_thought_are_not_left_either(lab) -> None:
    copied = text(teaching.student(lab))
    assert "shuffled with their dinucleotides" not in copied
    assert "**Answer**" not in copied
    assert "shuffled with their dinucleotides" in text(teaching.instructor(lab))


def test_an_instructors_copy_holds_every_cell(lab) -> None:
    copied = teaching.instructor(lab)
    assert len(copied.cells) == len(lab.cells)
    assert [cell.source for cell in copied.cells if cell.cell_type == "code"] == [cell.source for cell in lab.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("make", [teaching.student, teaching.instructor])
def test_copies_speak_only_what_any_notebook_understands(lab, make) -> None:
    copied = make(lab)
    assert not any(mark in text(copied) for mark in (":::", "{glue", "{run-card}"))
    assert not any("hide" in tag for cell in copied.cells for tag in cell.metadata["tags"])
    assert sum("parameters" in cell.metadata["tags"] for cell in copied.cells) == 1


def test_the_source_stays_as_it_was(lab) -> None:
    before = nbformat.writes(lab)
    teaching.student(lab)
    teaching.instructor(lab)
    assert nbformat.writes(lab) == before


def test_copies_come_out_the_same_every_time(tmp_path, capsys) -> None:
    assert teaching.main([str(LAB), str(tmp_path / "a")]) == teaching.main([str(LAB), str(tmp_path / "b")]) == 0
    assert [path.name for path in sorted((tmp_path / "a").iterdir())] == ["lab-instructor.ipynb", "lab-student.ipynb"]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert "lab-student.ipynb" in capsys.readouterr().out


def test_mistakes_are_told_on_one_line(tmp_path, capsys) -> None:
    assert teaching.main(["one"]) == 1
    assert teaching.main(["nowhere.ipynb", str(tmp_path)]) == 1
    assert "no such notebook: nowhere.ipynb" in capsys.readouterr().err
    with pytest.raises(StudyError, match="no cell is tagged 'solution'"):
        teaching.student(v4.new_notebook(cells=[v4.new_code_cell("1")]))
