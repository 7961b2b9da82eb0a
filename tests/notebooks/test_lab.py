"""The lab runs, its solutions with it, and so does the copy that students get."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from rnastudy.runs import run_analysis, write_copies

SMALL = {"steps": 4, "every": 2, "limit": 8}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_analysis("lab", tmp_path_factory.mktemp("lab") / "lab", SMALL, offline=True, progress=False).folder


def test_the_lab_leaves_what_it_promises(finished: Path) -> None:
    assert pd.read_csv(finished / "watched.csv").step.tolist() == [0, 2, 4]
    assert {"f1_macro", "contrast", "validation_loss"} == set(pd.read_csv(finished / "results.csv").measure)
    captions = json.loads((finished / "figures" / "captions.json").read_text())
    assert set(captions) == {"training", "weights", "contrast", "hairpin"}
    assert all(said["alt"] and said["caption"] for said in captions.values())
    assert json.loads((finished / "stamp.json").read_text())["finished"]


def test_every_solution_of_code_was_executed_and_shows_something(finished: Path) -> None:
    cells = [cell for cell in nbformat.read(finished / "notebook.ipynb", 4).cells if "solution" in cell.metadata.get("tags", [])]
    coded = [cell for cell in cells if cell.cell_type == "code"]
    assert len(coded) >= 3
    assert all(cell.execution_count and any(output.get("name") != "stderr" for output in cell.outputs) for cell in coded)
    assert not [output for cell in coded for output in cell.outputs if output.output_type == "error"]


def test_what_may_be_claimed_is_said_on_the_page_and_in_the_answer(finished: Path) -> None:
    prose = "\n".join(cell.source for cell in nbformat.read(finished / "notebook.ipynb", 4).cells if cell.cell_type == "markdown")
    assert "does not show that a model discovers pairing in nature" in prose
    assert "carried pairing by construction" in json.loads((finished / "numbers.json").read_text())["answer"]


def test_a_students_copy_runs_with_its_gaps(tmp_path: Path) -> None:
    copy = write_copies(Path(__file__).parents[2] / "notebooks" / "lab.ipynb", tmp_path)[0]
    done = run_analysis(str(copy), tmp_path / "run", SMALL, offline=True, progress=False)
    assert (done.folder / "watched.csv").exists()
