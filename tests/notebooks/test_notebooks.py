"""The four notebooks run through Papermill on the embedded models and data, and leave what they promise."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from rnastudy.analyses import CAREFUL
from rnastudy.runs import find_notebook, run_analysis

SMALL = {
    "structure": {
        "model": "mapconv-9k",
        "limit": 40,
        "n_draws": 20,
        "alignment_limit": 6,
        "released_maps": "no",
        "baselines": "random, stem-prior, vienna-mfe",
    },
    "classification": {"model": "plain-70k, mapconv-9k@untrained", "limit": 500, "n_draws": 20, "n_pairs": 500, "per_family": 6},
    "scaling": {"model": "mapconv-9k, mapconv-70k", "data": "rfam_seeds_heldout", "limit": 150, "n_draws": 20, "n_timed": 3, "per_family": 12},
    "tradeoff": {"model": "mapconv-9k, plain-70k", "data": "rfam_seeds_heldout", "limit": 150, "n_draws": 20, "per_family": 12},
    "causes": {"n_draws": 20},
}
TABLES = {
    "structure": ["results", "per_rna", "draws", "contrasts", "traps", "controls", "alignments", "depth"],
    "classification": ["results", "families", "grid"],
    "scaling": ["results", "costs"],
    "tradeoff": ["results", "probes"],
    "causes": ["results", "contrasts", "in_and_out", "signs"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def with_solutions(name: str, folder: Path) -> str:
    """A copy of a notebook in which the code of its folded solutions stands as cells of its own, at the end."""
    notebook = nbformat.read(find_notebook(name), 4)
    folded = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and "{dropdown} Answer" in cell.source]
    fences = [code for source in folded for code in re.findall(r"```python\n(.*?)```", source, re.DOTALL)]
    assert fences, f"{name} has no exercise in code"
    notebook.cells += [nbformat.v4.new_code_cell(code, metadata={"tags": ["solution"]}) for code in fences]
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return str(folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def finished(runs: Path) -> dict[str, Path]:
    """All of them, run small with the solutions of their exercises, with their vectors kept in a folder of the test."""
    folders = {}
    for name, parameters in SMALL.items():
        cache = {} if name in ("structure", "causes") else {"cache": str(runs / "cache")}
        run_analysis(with_solutions(name, runs / "sources"), runs / name, {**parameters, **cache}, offline=True, progress=False)
        folders[name] = runs / name
    return folders


@pytest.mark.parametrize("name", SMALL)
def test_a_run_leaves_tables_figures_and_a_stamp(finished: dict[str, Path], name: str) -> None:
    folder = finished[name]
    for table in TABLES[name]:
        frame = pd.read_csv(folder / f"{table}.csv")
        assert len(frame)
        assert len(pd.read_parquet(folder / f"{table}.parquet")) == len(frame)
    captions = json.loads((folder / "figures" / "captions.json").read_text())
    assert captions
    for figure, said in captions.items():
        assert (folder / "figures" / f"{figure}.svg").stat().st_size > 1000
        assert (folder / "figures" / f"{figure}.png").stat().st_size > 1000
        assert said["alt"]
        assert said["caption"]
    stamp = json.loads((folder / "stamp.json").read_text())
    assert stamp["finished"]
    assert stamp["data"]
    assert stamp["weights"]
    assert all(len(sha) == 64 for sha in {**stamp["data"], **stamp["weights"]}.values())


@pytest.mark.parametrize("name", SMALL)
def test_an_executed_notebook_shows_no_error_and_every_cell_ran(finished: dict[str, Path], name: str) -> None:
    cells = [cell for cell in nbformat.read(finished[name] / "notebook.ipynb", 4).cells if cell.cell_type == "code"]
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert all(cell.execution_count for cell in cells)


@pytest.mark.parametrize("name", SMALL)
def test_the_solutions_of_the_exercises_run_and_show_something(finished: dict[str, Path], name: str) -> None:
    cells = [cell for cell in nbformat.read(finished[name] / "notebook.ipynb", 4).cells if "solution" in cell.metadata.get("tags", [])]
    assert cells and all(cell.outputs for cell in cells)


def test_numbers_of_the_text_come_from_the_table(finished: dict[str, Path]) -> None:
    numbers = json.loads((finished["structure"] / "numbers.json").read_text())
    table = pd.read_csv(finished["structure"] / "results.csv")
    rows = table[
        (table.protocol == "careful")
        & (table.decoder == "raw")
        & ~table.canonical
        & (table.min_separation == CAREFUL.separation)
        & (table.measure == "f1_macro")
    ]
    best = rows[rows.role == "trained"].sort_values("value").iloc[-1]
    assert numbers["best_f1"] == pytest.approx(best.value)
    assert f"{best.value:.2f}" in numbers["answer"]


def test_scaling_and_tradeoff_hold_both_protocols_by_their_own_rules(finished: dict[str, Path]) -> None:
    """The headline is the careful one, and the review's numbers are the review's measures."""
    scaling = pd.read_csv(finished["scaling"] / "results.csv")
    assert set(scaling[scaling.protocol == "review"].measure) == {
        f"{name}{tail}" for name in ("f1_micro", "overlap_ratio") for tail in ("", " per tenfold size")
    }
    assert set(scaling[scaling.protocol == "careful"].measure) == {f"{name}{tail}" for name in ("f1_macro", "auroc") for tail in ("", " per tenfold size")}
    tradeoff = pd.read_csv(finished["tradeoff"] / "results.csv")
    assert set(tradeoff.protocol) == {"careful", "review"}
    assert set(tradeoff[tradeoff.protocol == "review"].measure) == {"f1_micro", "1 - overlap_ratio", "rank correlation"}
    for name in ("scaling", "tradeoff"):
        assert json.loads((finished[name] / "numbers.json").read_text())["answer"].startswith("By the careful protocol")
        captions = json.loads((finished[name] / "figures" / "captions.json").read_text())
        assert "(careful)" in captions["structure" if name == "scaling" else "tradeoff"]["alt"]


def test_no_sentence_of_a_run_speaks_of_models_that_took_no_part(finished: dict[str, Path]) -> None:
    """What is typed on a page holds for any models; what is computed names those of the run."""
    said = (finished["classification"] / "numbers.json").read_text() + (finished["classification"] / "figures" / "captions.json").read_text()
    assert "plain-70k" in said
    assert "mapconv-300k" not in said
    for folder in finished.values():
        for cell in nbformat.read(folder / "notebook.ipynb", 4).cells:
            prose = cell.source if cell.cell_type == "markdown" else ""
            findings = [line for line in prose.splitlines() if "mapconv" in line and "`rnastudy" not in line and "takes part" not in line]
            assert not findings


def test_every_number_that_a_page_quotes_was_kept(finished: dict[str, Path]) -> None:
    for folder in finished.values():
        numbers = json.loads((folder / "numbers.json").read_text())
        prose = "\n".join(cell.source for cell in nbformat.read(folder / "notebook.ipynb", 4).cells if cell.cell_type == "markdown")
        assert {key.split(":")[0] for key in re.findall(r"\{glue:text\}`([^`]+)`", prose)} <= set(numbers)


def test_training_made_a_difference(finished: dict[str, Path]) -> None:
    """The smallest trained model finds several times what its untrained twin finds, even on few RNAs."""
    numbers = json.loads((finished["structure"] / "numbers.json").read_text())
    assert numbers["best_f1"] > 2 * numbers["untrained_f1"]


def test_plain_papermill_runs_a_notebook(runs: Path, root: Path) -> None:
    out = runs / "plain"
    words = ["notebooks/scaling.ipynb", str(runs / "out.ipynb"), "-k", "python3", "--no-progress-bar", "-p", "model", "mapconv-9k,mapconv-70k"]
    values = {
        "protocol": "review",
        "limit": 150,
        "per_family": 12,
        "n_draws": 5,
        "n_timed": 2,
        "data": "rfam_seeds_heldout",
        "cache": runs / "cache",
        "out": out,
    }
    small = [word for key, value in values.items() for word in ("-p", key, str(value))]
    subprocess.run([sys.executable, "-m", "papermill", *words, *small], cwd=root, check=True, capture_output=True)
    assert set(pd.read_csv(out / "results.csv").protocol) == {"review"}
    assert json.loads((out / "numbers.json").read_text())["headline_protocol"] == "review"
    assert json.loads((out / "stamp.json").read_text())["finished"]
