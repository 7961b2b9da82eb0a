"""The command line: quick, one line an error, and exactly the options that were promised."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rnastudy import StudyError, cli, datasets, models
from rnastudy.runs import execute, study
from rnastudy.runs.execute import Finished, RunFailed

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "p",
            "execution_count": None,
            "outputs": [],
            "metadata": {"tags": ["parameters"]},
            "source": "model: str = 'a'\ndata: str = 'b'\nseed: int = 0\ndevice: str = 'cpu'\nout: str = 'runs/x'",
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "rnastudy.cli", *words], capture_output=True, text=True, timeout=120, cwd=ROOT)


def invoke(*words: object) -> str:
    result = CliRunner().invoke(cli.app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """A notebook named ``tiny``, and the calls that would have executed it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "tiny.ipynb").write_text(json.dumps(NOTEBOOK))
    made: list[tuple] = []

    def pretend(analysis: str, out: Path, parameters: dict, **_: object) -> Finished:
        made.append((analysis, str(out), parameters))
        if parameters.get("seed") == 13:
            raise RunFailed("tiny: cell 1 stopped on ValueError: bad luck")
        return Finished(Path(out), False, 1.0)

    monkeypatch.setattr(execute, "run_analysis", pretend)
    monkeypatch.setattr(study, "run_analysis", pretend)
    return made


def test_help_and_version() -> None:
    assert invoke("--version").startswith("rnastudy ")
    text = invoke("--help")
    for command in ("models", "data", "run", "train", "score-maps", "score-embeddings", "book", "cite"):
        assert command in text


def test_an_error_is_one_line_without_a_traceback() -> None:
    done = call("data", "info", "archivei")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "did you mean archiveii" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["score-maps"], "rnastudy: Missing option '--select-maps'; see rnastudy score-maps --help"),
        (["runn"], "rnastudy: No such command 'runn'. Did you mean 'run'; see rnastudy --help"),
        (["run", "structure", "more"], "rnastudy: Got unexpected extra argument(s) (more); see rnastudy run --help"),
        (["run", "--al", "x"], "rnastudy: No such option: --al (Possible options: --all, --data, --help); see rnastudy run --help"),
        (["data", "fetch"], "rnastudy: Missing argument 'NAME...'; see rnastudy data fetch --help"),
        (["models", "--device", "gpu"], "rnastudy: unknown device 'gpu'; give cpu, cuda or cuda:0"),
        (["train", "mapconv-9k", "--out", "/dev/null/x", "--device", "gpu"], "rnastudy: unknown device 'gpu'; give cpu, cuda or cuda:0"),
    ],
)
def test_wrong_words_are_one_line_too(words: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys, "argv", ["rnastudy", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr()
    assert (left.value.code, said.out, said.err) == (2, "", line + "\n")


@pytest.mark.parametrize("words", [["--help"], ["data", "--help"], ["data"], []])
def test_help_stays_a_page(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys, "argv", ["rnastudy", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr()
    assert left.value.code == (0 if "--help" in words else 2)
    assert "Commands" in said.out + said.err and "rnastudy: " not in said.err


def test_a_file_that_may_not_be_read_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "secret/stamp.json")

    monkeypatch.setattr("rnastudy.runs.book.prepare_book", refuse)
    monkeypatch.setattr(sys, "argv", ["rnastudy", "book"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert capsys.readouterr().err == "rnastudy: secret/stamp.json: Permission denied; check the path, and that you may read and write there\n"


def test_models_and_data_list_every_card() -> None:
    text = invoke("models")
    assert all(key in text for key in models.cards())
    assert all(name in invoke("data", "list") for name in datasets.cards())
    assert "sha256" in invoke("data", "info", "archiveii")


def test_options_become_parameters(calls: list[tuple]) -> None:
    invoke("run", "tiny", "--model", "a", "--model", "b", "--data", "mine.fa", "-p", "seed=7", "--device", "cuda", "--out", "here")
    invoke("run", "tiny")
    assert calls == [("tiny", "here", {"model": "a,b", "data": "mine.fa", "seed": 7, "device": "cuda"}), ("tiny", "runs/tiny", {})]


def test_data_are_the_rnas_that_a_notebook_scores(calls: list[tuple]) -> None:
    """The structure notebook chooses on one set and scores another: its ``test`` is what ``--data`` means."""
    notebook = Path("notebooks/tiny.ipynb")
    notebook.write_text(notebook.read_text().replace("data: str", "select: str = 'c'\\ntest: str"))
    invoke("run", "tiny", "--data", "mine.fa")
    assert calls == [("tiny", "runs/tiny", {"test": "mine.fa"})]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "name one analysis, or a study file"),
        (["run", "tiny", "--all", "s.yml"], "name one analysis, or a study file"),
        (["run", "--all", "s.yml", "--device", "cuda"], "takes its parameters from the study file"),
        (["run", "tiny", "-p", "seed"], "'seed' is not KEY=VALUE"),
        (["run", "tiny", "-p", "sead=1"], "unknown parameter of tiny 'sead'; did you mean seed"),
        (["run", "tiny", "-p", "seed=x"], "it takes int"),
        (["run", "nowhere/tiny.ipynb"], "no such notebook: nowhere/tiny.ipynb"),
        (["run", "tiny", "--model", "a", "-p", "model=b"], "given twice"),
        (["run", "--all", "s.yml"], "s.yml does not exist"),
    ],
)
def test_wrong_words_stop_before_a_kernel(calls: list[tuple], words: list[str], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        invoke(*words)
    assert calls == []


def test_a_study_with_a_failed_run_goes_on_and_exits_with_1(calls: list[tuple], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    Path("s.yml").write_text("runs: [{analysis: tiny, grid: {seed: [13, 1]}}]")
    monkeypatch.setattr(sys, "argv", ["rnastudy", "run", "--all", "s.yml"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    assert [parameters["seed"] for *_, parameters in calls] == [13, 1]
    said = capsys.readouterr().err
    assert "bad luck" in said and "[2/2] tiny-1: done" in said and "1 of 2 runs failed: tiny-13" in said


def test_score_maps_and_score_embeddings_from_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sequence, structure = "GGGGAAAACCCC", "((((....))))"
    for part in ("select", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / f"{part}.dbn").write_text("".join(f">{part}{n}\n{sequence}\n{structure}\n" for n in range(3)))
        for n in range(3):
            maps = rng.random((2, 2, 12, 12))
            for i in range(4):
                maps[1, 0, i, 11 - i] = maps[1, 0, 11 - i, i] = 40
            np.save(tmp_path / part / f"{part}{n}.npy", maps / maps.sum(-1, keepdims=True))
    out = tmp_path / "maps.json"
    invoke(
        "score-maps", "--select-maps", tmp_path / "select", "--select-structures", tmp_path / "select.dbn",
        "--test-maps", tmp_path / "test", "--test-structures", tmp_path / "test.dbn", "--protocol", "careful", "--out", out,
    )  # fmt: skip
    result = json.loads(out.read_text())
    assert {"protocol", "selected", "test"} <= set(result)
    assert {"layer", "head", "threshold", "f1_micro", "f1_macro"} <= set(result["selected"])
    assert (result["selected"]["layer"], result["selected"]["head"]) == (1, 0)
    assert result["test"]["f1_macro"] == pytest.approx(1.0)
    assert set(result["test"]["per_rna"]) == {"test0", "test1", "test2"}

    (tmp_path / "vectors").mkdir()
    names = [f"r{n}" for n in range(9)]
    for n, name in enumerate(names):
        np.save(tmp_path / "vectors" / f"{name}.npy", np.eye(3)[n % 3] + 0.01 * rng.random(3))
    (tmp_path / "labels.csv").write_text("name,family\n" + "".join(f"{name},F{n % 3}\n" for n, name in enumerate(names)))
    out = tmp_path / "vectors.json"
    invoke("score-embeddings", "--embeddings", tmp_path / "vectors", "--labels", tmp_path / "labels.csv", "--protocol", "careful", "--out", out)
    result = json.loads(out.read_text())
    keys = "protocol descriptor overlap_ratio overlap_coefficient auroc average_precision knn_accuracy n_positive n_negative"
    assert set(keys.split()) <= set(result)
    assert result["auroc"] == pytest.approx(1.0) and result["n_positive"] == 9 and result["n_negative"] == 27


def test_cite_names_the_version() -> None:
    assert "2505.09087" in invoke("cite")
