"""Hostile surroundings: a full disk, folders that may not be written, two at once, altered bytes, damaged checkpoints: a clear error or a right result."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from rnastudy import models
from rnastudy.embeddings import embed
from rnastudy.errors import StudyError
from rnastudy.paths import alone, write_bytes
from rnastudy.rna import Rna
from rnastudy.training import loop, train
from tests.trust.slow_server import BODY, serving
from tests.trust.told import assert_told

SHA256 = hashlib.sha256(BODY).hexdigest()
ROOTLESS = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: read-only folders are tested by the system itself")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def whole(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix not in (".lock", ".part", ".etag"))


# Downloads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "said"), [("altered", "gave other bytes than expected, thrown away"), ("cut", "bytes are kept and the next try goes on from there")]
)
def test_other_bytes_than_the_card_says_are_never_kept(forks, tmp_path: Path, how: str, said: str) -> None:
    with serving() as address:
        code, _ = forks.do(tmp_path, "fetch", f"{address}/{how}", SHA256, len(BODY))
        assert code == 2 and whole(tmp_path) == []
        assert_told(forks.error(), said, "a.bin")
        assert forks.do(tmp_path, "fetch", f"{address}/good", SHA256, len(BODY))[0] == 0
    assert whole(tmp_path) == ["a.bin"] and next(tmp_path.rglob("a.bin")).read_bytes() == BODY


def test_a_part_with_other_bytes_is_fetched_anew(forks, tmp_path: Path) -> None:
    part = tmp_path / "cache" / SHA256[:16] / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(len(BODY) // 3))
    with serving() as address:
        assert forks.do(tmp_path, "fetch", f"{address}/good", SHA256, len(BODY))[0] == 0, forks.error()
    assert next(tmp_path.rglob("a.bin")).read_bytes() == BODY


def test_a_cached_file_that_was_altered_is_refused(forks, tmp_path: Path) -> None:
    with serving() as address:
        assert forks.do(tmp_path, "fetch", f"{address}/good", SHA256, len(BODY))[0] == 0
        next(tmp_path.rglob("a.bin")).write_bytes(BODY[:-1] + b"\0")
        assert forks.do(tmp_path, "fetch", f"{address}/good", SHA256, len(BODY))[0] == 2
    assert_told(forks.error(), "has sha256", "move the file away")


def test_two_fetch_one_file_at_once(forks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnastudy.datasets import fetching
    from rnastudy.datasets.cards import DataCard, DataFile

    monkeypatch.setenv("RNASTUDY_CACHE", str(tmp_path / "cache"))
    found: list[Path] = []
    with serving() as address:
        file = DataFile("a.bin", SHA256, len(BODY), f"{address}/good")
        card = DataCard("set", "Set", ("corpus",), "either", "public", "natural", "fasta", (file,), "CC0", "here")
        other = threading.Thread(target=lambda: found.append(fetching.fetch_file(card, file)))
        other.start()
        code, _ = forks.do(tmp_path, "fetch", f"{address}/good", SHA256, len(BODY))
        other.join()
    assert code == 0 and found[0].read_bytes() == BODY and whole(tmp_path) == ["a.bin"]


# A full disk ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "largest"),
    [(("train", "out", 2, 2), 20_000), (("train", "out", 2, 2), 60), (("run", "NOTEBOOK", "out"), 5_000), (("book", "runs", "study"), 1_000)],
    ids=["training, at the checkpoint", "training, at once", "a run", "the book"],
)
def test_a_full_disk_is_one_line_and_leaves_nothing_that_looks_finished(forks, tmp_path: Path, small_notebook: Path, job: tuple, largest: int) -> None:
    if job[0] == "book":
        assert forks.do(tmp_path, "run", str(small_notebook), "runs/one")[0] == 0
    words = [str(small_notebook) if word == "NOTEBOOK" else word for word in job]
    code, _ = forks.do(tmp_path, "full", words[0], largest, *words[1:])
    assert code != 0 and not (tmp_path / "out" / "model.safetensors").exists() and not (tmp_path / "out" / "stamp.json").exists()
    assert not list((tmp_path / "study").glob("*.ipynb"))
    if job[0] != "book":
        assert "Traceback" not in forks.error() or "OSError" in forks.error(), forks.error()
    assert forks.do(tmp_path, *words)[0] == 0, forks.error()


def test_a_full_disk_while_fetching_keeps_what_came(forks, tmp_path: Path) -> None:
    with serving() as address:
        code, _ = forks.do(tmp_path, "full", "fetch", 100_000, f"{address}/good", SHA256, len(BODY))
        assert code == 2 and whole(tmp_path) == []
        assert_told(forks.error(), "File too large", "a.bin")
        assert forks.do(tmp_path, "fetch", f"{address}/good", SHA256, len(BODY))[0] == 0
    assert next(tmp_path.rglob("a.bin")).read_bytes() == BODY


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_bytes(tmp_path / "a", b"before")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(tmp_path / "a", b"after")
    assert (tmp_path / "a").read_bytes() == b"before" and os.listdir(tmp_path) == ["a"]


# Folders that may not be written ---------------------------------------------------------------------------------------


@ROOTLESS
@pytest.mark.parametrize(
    "job", [("fetch", "ADDRESS", SHA256, len(BODY)), ("train", "cache/out", 2, 2), ("run", "NOTEBOOK", "cache/out")], ids=lambda job: job[0]
)
def test_a_folder_that_may_not_be_written_is_one_line(forks, tmp_path: Path, small_notebook: Path, job: tuple) -> None:
    (tmp_path / "cache").mkdir(mode=0o555)
    for folder in (tmp_path, *tmp_path.parents[:3], small_notebook.parent, forks.said.parent):
        folder.chmod(folder.stat().st_mode | 0o055)
    forks.said.parent.chmod(0o777)
    shutil.copy(small_notebook, tmp_path / "small.ipynb")
    with serving() as address:
        words = [{"ADDRESS": f"{address}/good", "NOTEBOOK": "small.ipynb"}.get(str(word), word) for word in job]
        code, _ = forks.do(tmp_path, "unprivileged", *words)
    assert code == 2, forks.error()
    assert_told(forks.error(), "cache")
    assert list((tmp_path / "cache").iterdir()) == []


# Two at once -----------------------------------------------------------------------------------------------------------


def test_two_runs_into_one_folder_are_not_mixed(forks, tmp_path: Path, small_notebook: Path) -> None:
    with alone(tmp_path / "out", "run"):
        assert forks.do(tmp_path, "run", str(small_notebook), "out")[0] == 2
        assert_told(forks.error(), "out: another run is at work there; wait for it")
        assert forks.do(tmp_path, "train", "out", 2, 2)[0] == 2
    assert forks.do(tmp_path, "run", str(small_notebook), "out")[0] == 0
    assert not list(tmp_path.glob(".*.lock"))


def test_a_lock_ends_with_its_process_and_its_file_is_gone(tmp_path: Path) -> None:
    (tmp_path / ".out.lock").touch()
    with alone(tmp_path / "out", "run"):
        with pytest.raises(StudyError, match="another run is at work"), alone(tmp_path / "out", "run"):
            pass
        with alone(tmp_path / "other", "run"):
            assert (tmp_path / ".out.lock").exists()
    assert os.listdir(tmp_path) == []


# Damaged numbers -------------------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_of_a_training_is_one_line(tmp_path: Path) -> None:
    train("mapconv-9k", tmp_path / "out", steps=2, every=1, progress=False)
    last = tmp_path / "out" / "checkpoints" / "step-00002.pt"
    whole_bytes = last.read_bytes()
    for content in (b"", whole_bytes[:-100], whole_bytes[: len(whole_bytes) // 2], b"<html>"):
        last.write_bytes(content)
        with pytest.raises(StudyError) as caught:
            train("mapconv-9k", tmp_path / "out", steps=2, every=1, progress=False)
        assert_told(str(caught.value), "step-00002.pt", "is no whole checkpoint")
    torch.save({"step": 2}, last)
    with pytest.raises(StudyError, match="is no whole checkpoint"):
        train("mapconv-9k", tmp_path / "out", steps=2, every=1, progress=False)
    reference = (tmp_path / "out" / "model.safetensors").read_bytes()
    last.unlink()
    train("mapconv-9k", tmp_path / "out", steps=2, every=1, progress=False)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == reference


def test_the_newest_checkpoint_is_taken_beyond_a_hundred_thousand_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (99_900, 100_000):
        (tmp_path / f"step-{step:05d}.pt").touch()
    taken: list[str] = []
    monkeypatch.setattr(loop, "_stored", lambda path, device: taken.append(path.name) or {"made_by": "another"})
    with pytest.raises(StudyError, match="holds a training with another recipe"):
        loop._resume(tmp_path, "this", None, None, "cpu")
    assert taken == ["step-100000.pt"]


def test_nan_in_a_training_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = loop.build

    def spoilt(*words: object) -> torch.nn.Module:
        model = build(*words)
        with torch.no_grad():
            next(model.parameters()).fill_(float("nan"))
        return model

    monkeypatch.setattr(loop, "build", spoilt)
    with pytest.raises(StudyError, match="the loss is nan at step 0; lower"):
        train("mapconv-9k", tmp_path / "out", steps=2, progress=False)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_cached_vectors_that_are_damaged_are_never_used(tmp_path: Path) -> None:
    probe = models.load("mapconv-9k")
    rnas = [Rna("a", "GGGAAACCC"), Rna("b", "GGGAAAACCC")]
    first = embed(probe, rnas, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert np.array_equal(embed(probe, rnas, cache=tmp_path).matrix(), first.matrix())
    middle = content.index(b"mean|-1.npy") + 200
    for spoilt in (b"", content[:-40], content[:middle] + b"\xff\xff\xff\xff" + content[middle + 4 :], b"text"):
        path.write_bytes(spoilt)
        with pytest.raises(StudyError) as caught:
            embed(probe, rnas, cache=tmp_path)
        assert_told(str(caught.value), path.name, "delete the file")
