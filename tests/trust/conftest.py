"""The process whose children are killed, and a notebook small enough to be executed many times."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook


class Forks:
    """Jobs of `tests.trust.jobs`, each in a child of a process that has imported everything."""

    def __init__(self, root: Path, said: Path) -> None:
        self.said = said
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root), "SAID": str(said), "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "tests.trust.jobs"]
        self.process = subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, folder: Path, job: str, *arguments: object, kill_after: float | None = None) -> tuple[int, float]:
        """Do a job in a folder, or kill it after so many seconds; return its exit code and its seconds."""
        assert self.process.stdin and self.process.stdout
        self.said.unlink(missing_ok=True)
        self.process.stdin.write(json.dumps([str(folder), job, *arguments]) + "\n")
        self.process.stdin.flush()
        child, began = int(self.process.stdout.readline()), time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(self.process.stdout.readline()), time.monotonic() - began

    def error(self) -> str:
        """What the last job said went wrong; empty if nothing did."""
        return self.said.read_text() if self.said.exists() else ""


@pytest.fixture(scope="module")
def forks(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Jobs in children; the process ends with the module."""
    started = Forks(root, tmp_path_factory.mktemp("said") / "error.txt")
    yield started
    assert started.process.stdin
    started.process.stdin.close()
    started.process.wait(30)


NOTEBOOK = (
    'scale: int = 1  # of the numbers\nout: str = "runs/small"',
    "import time\nimport pandas as pd\nimport rnastudy as rs\n\nrun = rs.runs.start_run('small', out, scale=scale)",
    "row = dict(analysis='small', model='m', dataset='d', protocol='careful', measure='f1')\n"
    "run.save_table(pd.DataFrame([{**row, 'value': scale / 3 + place} for place in range(2000)]))\n"
    "run.glue('best', scale / 3)\ntime.sleep(0.2)\nrun.finish();",
)


@pytest.fixture(scope="session")
def small_notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that writes one table."""
    cells = [new_code_cell(source) for source in NOTEBOOK]
    for number, cell in enumerate(cells):
        cell.id = f"small-{number}"
    cells[0].metadata["tags"] = ["parameters"]
    path = tmp_path_factory.mktemp("notebooks") / "small.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


@pytest.fixture(autouse=True)
def field_limit():
    """Python's own limit of a CSV field, which is one for the whole process: other packages raise it."""
    before = csv.field_size_limit(131072)
    yield
    csv.field_size_limit(before)
