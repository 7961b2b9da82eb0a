"""Killed at any moment: nothing is lost or half-written, the next run finishes, and gives the same bytes where it promised them.

Three kills of each command belong to every test run; many of them are asked for with::

    RNASTUDY_KILLS=25 pytest tests/trust/test_kills.py
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from random import Random

import pytest

from rnastudy.runs.stamp import read_json
from tests.trust.slow_server import BODY, serving

KILLS = int(os.environ.get("RNASTUDY_KILLS", "3"))
SIGKILL = -9


def moments(job: str, seconds: float) -> list[float]:
    """Moments of a job at which to kill it, drawn anew for each job but the same each time."""
    draw = Random(f"{job} {KILLS}")
    return [draw.uniform(0, seconds) for _ in range(KILLS)]


def files(folder: Path, *left_out: str) -> dict[str, bytes]:
    """Content of the files in a folder, but for hidden ones and those named."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.name not in left_out}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("pinned", [True, False])
def test_fetching(forks, tmp_path: Path, pinned: bool) -> None:
    sha256 = hashlib.sha256(BODY).hexdigest() if pinned else None
    kept, killed = 0, 0
    with serving() as address:
        arguments = (f"{address}/a.bin", sha256, len(BODY))
        for moment in moments("fetch", 0.6):
            killed += forks.do(tmp_path, "fetch", *arguments, kill_after=moment)[0] == SIGKILL
            parts = sum(path.stat().st_size for path in tmp_path.rglob("*.part"))
            whole = [path.read_bytes() for path in tmp_path.rglob("a.bin")]
            assert whole in ([], [BODY]) and (whole or parts >= kept), "bytes that were here are lost"
            kept = parts
        code, _ = forks.do(tmp_path, "fetch", *arguments)
    assert (code, forks.error()) == (0, "") and killed
    assert {name.split("/")[-1]: content for name, content in files(tmp_path).items() if not name.endswith((".lock", ".sha256"))} == {"a.bin": BODY}


def test_running_a_notebook(forks, tmp_path: Path, small_notebook: Path) -> None:
    code, seconds = forks.do(tmp_path, "run", str(small_notebook), "reference", 2)
    assert (code, forks.error()) == (0, "")
    reference = files(tmp_path / "reference", "stamp.json", "notebook.ipynb")
    assert {"results.csv", "results.parquet", "numbers.json"} == set(reference)
    assert forks.do(tmp_path, "run", str(small_notebook), "out", 1)[0] == 0
    earlier = files(tmp_path / "out", "stamp.json", "notebook.ipynb")
    for moment in moments("run", 1.05 * seconds):
        forks.do(tmp_path, "run", str(small_notebook), "out", 2, kill_after=moment)
        stand = [path for path in (tmp_path / "out", tmp_path / "out.previous") if read_json(path / "stamp.json").get("finished")]
        assert stand, "the earlier run is lost"
        assert files(stand[0], "stamp.json", "notebook.ipynb") in (earlier, reference)
    code, _ = forks.do(tmp_path, "run", str(small_notebook), "out", 2)
    assert (code, forks.error()) == (0, "")
    assert files(tmp_path / "out", "stamp.json", "notebook.ipynb") == reference
    assert read_json(tmp_path / "out" / "stamp.json")["parameters"] == {"scale": 2}
    assert not (tmp_path / "out.partial").exists() and not (tmp_path / "out.previous").exists()


def test_a_kill_between_the_two_names_of_a_run(forks, tmp_path: Path, small_notebook: Path) -> None:
    """A new run takes the place of an earlier one by two renames; between them nothing has the run's name."""
    assert forks.do(tmp_path, "run", str(small_notebook), "out", 1)[0] == 0
    earlier = files(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "out.previous")
    shutil.copytree(tmp_path / "out.previous", tmp_path / "out.partial")
    assert forks.do(tmp_path, "run", str(small_notebook), "out", 1)[0] == 0
    assert files(tmp_path / "out") == earlier, "it was executed again"
    (tmp_path / "out.previous").mkdir()
    (tmp_path / "out.previous" / "stamp.json").write_bytes(earlier["stamp.json"])
    assert forks.do(tmp_path, "book", ".", "study")[0] == 0, forks.error()
    assert [path.name for path in (tmp_path / "study").glob("*.ipynb")] == ["out.ipynb"]


def test_training(forks, tmp_path: Path) -> None:
    code, seconds = forks.do(tmp_path, "train", "reference", 12, 2)
    assert (code, forks.error()) == (0, "")
    reference = files(tmp_path / "reference", "training.json")
    killed = 0
    for moment in moments("train", seconds):
        killed += forks.do(tmp_path, "train", "out", 12, 2, kill_after=moment)[0] == SIGKILL
        final = {name: content for name, content in files(tmp_path / "out", "training.json").items() if not name.startswith("checkpoints/")}
        assert final.items() <= reference.items(), "a final file is not whole"
    code, _ = forks.do(tmp_path, "train", "out", 12, 2)
    assert (code, forks.error()) == (0, "") and killed
    for name in ("model.safetensors", "config.json", "curve.csv"):
        assert (tmp_path / "out" / name).read_bytes() == reference[name], f"{name} has other bytes than without a kill"


def test_preparing_the_book(forks, tmp_path: Path, small_notebook: Path) -> None:
    assert forks.do(tmp_path, "run", str(small_notebook), "runs/one", 1)[0] == 0
    for number in range(8):
        shutil.copytree(tmp_path / "runs/one", tmp_path / f"runs/run{number}")
    code, seconds = forks.do(tmp_path, "book", "runs", "reference")
    assert (code, forks.error()) == (0, "")
    reference = files(tmp_path / "reference")
    for moment in moments("book", seconds):
        forks.do(tmp_path, "book", "runs", "study", kill_after=moment)
        assert files(tmp_path / "study").items() <= reference.items(), "a page is not whole"
    code, _ = forks.do(tmp_path, "book", "runs", "study")
    assert (code, forks.error()) == (0, "")
    assert files(tmp_path / "study") == reference and not list((tmp_path / "study").rglob(".*"))
