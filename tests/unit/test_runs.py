"""Runs: strict parameters, whole folders, resuming, and pages that are the same bytes every time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from rnastudy import StudyError, devices
from rnastudy.runs import checks, execute, kinds, parameters, prepare_book, prepare_run, read_parameters, read_study, run_analysis, run_study, start_run
from rnastudy.runs.execute import RunFailed
from rnastudy.runs.stamp import fingerprint, git_commit, read_json

PARAMETERS = """\
model: str = "tiny"          # names with commas between; some of: models, all
protocol: str = "careful"    # which rules; one of: review, careful, both
limit: int | None = None     # RNAs taken; a = sign in the comment is fine
scale: float = 1.0
title: str = "a = b"
fail: bool = False
die: bool = False
out: str = "runs/tiny"       # folder of the run
"""
BODY = """\
import os, sys, warnings
import pandas as pd
from matplotlib.figure import Figure
import rnastudy as rs

run = rs.runs.start_run("tiny", out, model=model, protocol=protocol, limit=limit, seed=0)
if fail:
    raise ValueError("planted\\nerror")
if die:
    os._exit(3)
print("hub offline:", os.environ.get("HF_HUB_OFFLINE"), "home:", os.path.expanduser("~") + "/x", "here:", os.getcwd() + "/y")
print("took", 3 + 4, "s", file=sys.stderr)
"""
FIGURE = """\
figure = Figure(figsize=(2, 1))
figure.subplots().plot([0, 1], [0, scale])
run.save_figure(figure, "line", alt="A line that rises from 0 to 1.", caption="It rises.");
"""
FINISH = """\
import ipywidgets
from IPython.display import display
sliders = [ipywidgets.IntSlider(value=value) for value in (3, 5, 7)]
links = [ipywidgets.jslink((sliders[0], "value"), (other, "value")) for other in sliders[1:]]
display(ipywidgets.VBox(sliders[1:]), sliders[0])
row = dict(analysis="tiny", model=model, dataset="none", protocol=protocol, measure="f1", value=0.25 * scale, low=0.1, high=0.4)
run.save_table(pd.DataFrame([row]))
run.save_table(pd.DataFrame([dict(rna="a", f1=0.25)]), "per_rna")
run.glue("best_f1", 0.25 * scale)
run.record(data={"none": "0" * 64}, weights={"tiny": "1" * 64})
run.finish();
"""
CARDS = {"models": ["rnafm", "rnabert", "mapconv-9k"], "data": ["srtest150"]}


@pytest.fixture(autouse=True)
def few_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "cards", CARDS.__getitem__)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "notebooks" / "tiny.ipynb"
    path.parent.mkdir()
    cells = [new_markdown_cell("# Tiny"), new_code_cell(PARAMETERS), *map(new_code_cell, (BODY, FIGURE, FINISH))]
    for index, cell in enumerate(cells):
        cell.id = f"tiny-{index}"
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def no_kernel(*_: object, **__: object) -> None:
    raise AssertionError("a kernel was started")


# Parameters ----------------------------------------------------------------------------------------------------------


def test_every_declared_parameter_is_read(notebook: Path) -> None:
    """Papermill's own reader loses ``int | None`` and lines with ``=`` in a default or a comment."""
    found = read_parameters(notebook)
    assert list(found) == ["model", "protocol", "limit", "scale", "title", "fail", "die", "out"]
    assert found["limit"].types == (int, type(None)) and found["limit"].default is None
    assert found["protocol"].choices == ("review", "careful", "both") and not found["protocol"].several
    assert found["model"].choices == ("models", "all") and found["model"].several
    assert found["title"].default == "a = b"


@pytest.mark.parametrize(
    ("source", "types"),
    [
        ("a = 1", (int,)),
        ("a: int = None", (int, type(None))),
        ("from typing import Optional\na: Optional[int] = None", (int, type(None))),
        ("import typing\na: typing.Optional[str] = None", (str, type(None))),
        ("a: list[str] = ['x']", (list,)),
        ("a: 'whatever' = None", ()),
        ("a: str | None = (\n    'x'  # comment\n)", (str, type(None))),
    ],
)
def test_types_are_read_as_they_are_written(source: str, types: tuple[type, ...]) -> None:
    assert parameters.declared(source)["a"].types == types


def test_a_default_that_is_computed_is_refused() -> None:
    with pytest.raises(StudyError, match="needs a literal"):
        parameters.declared("a = os.getcwd()")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modle": "rnafm"}, "unknown parameter 'modle'; did you mean model"),
        ({"limit": "many"}, "'limit' is 'many'; it takes int or None"),
        ({"limit": True}, "'limit' is True; it takes int or None"),
        ({"limit": 2.5}, "it takes int or None"),
        ({"scale": "1.0"}, "it takes float"),
        ({"protocol": "carefull"}, "did you mean careful"),
        ({"protocol": "review,careful"}, "'protocol' is 'review,careful'; it takes one value, not several"),
        ({"model": "rnafm, rnabrt"}, "unknown value of parameter 'model': 'rnabrt'; did you mean rnabert"),
        ({"model": ""}, "is empty"),
        ({"model": "rnafm, rnafm"}, "names 'rnafm' twice"),
        ({"model": "./mine"}, "no such file or folder: ./mine; give a path that exists, or a name that 'rnastudy models' shows"),
        ({"model": "mine.pt"}, "no such file or folder: mine.pt"),
        ({"model": "notebooks"}, "model notebooks has no config.json; give a checkpoint folder"),
        ({"model": "notebooks/tiny.ipynb"}, "is no folder; give a checkpoint folder"),
        ({"model": "rnafm@untraned"}, "unknown suffix '@untraned' of model 'rnafm'; write rnafm, rnafm@untrained"),
        ({"model": "rnafm@w/a.pth"}, "no such file or folder: w/a.pth"),
        ({"out": "elsewhere"}, "the folder of the run decides it; write --out FOLDER"),
    ],
)
def test_wrong_values_stop_before_a_kernel_starts(notebook: Path, monkeypatch: pytest.MonkeyPatch, values: dict, message: str) -> None:
    monkeypatch.setattr(execute, "_execute", no_kernel)
    with pytest.raises(StudyError, match=message) as caught:
        run_analysis("tiny", "runs/tiny", values)
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()


def test_names_untrained_twins_paths_and_whole_numbers_pass(notebook: Path) -> None:
    Path("my-checkpoint").mkdir()
    Path("my-checkpoint/config.json").write_text("{}")
    given = {"model": "rnafm@untrained, my-checkpoint, all", "scale": 2, "limit": None}
    values = execute.checked_parameters("tiny", given)
    assert values["scale"] == 2.0 and isinstance(values["scale"], float)
    assert values["protocol"] == "careful"


PROMISES = """\
model: str = "plain-70k"  # some of: models
extra: str = ""  # one of: models, empty
floors: str = "random"  # some of: map baselines, empty
words: str = "length"  # some of: vector baselines
select: str = "srtrain150"  # one of: data
test: str = "srtest150"  # one of: data; other than select
shortest: int = 30  # bases; at least 1
longest: int = None  # bases; at least shortest
share: float = 0.5  # of all, at least one; at least 0.1.
seed: int = 0  # at least 0
device: str = "cpu"  # where models run; one of: devices
out: str = "runs/tiny"
"""


@pytest.fixture
def promising(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny notebook with the cell above, real names, and no kernel."""
    monkeypatch.setattr(execute, "cards", kinds.cards)
    monkeypatch.setattr(execute, "_execute", no_kernel)
    page = nbformat.read(notebook, 4)
    page.cells[1].source = PROMISES
    nbformat.write(page, notebook)
    return notebook


BROKEN_PROMISES = [
    ({"shortest": 0}, "'shortest' is 0; it must be at least 1"),
    ({"share": 0.01}, "'share' is 0.01; it must be at least 0.1"),
    ({"seed": -1}, "'seed' is -1; it must be at least 0"),
    ({"longest": 29}, "'longest' is 29, below 'shortest', which is 30"),
    ({"shortest": 50, "longest": 40}, "'longest' is 40, below 'shortest', which is 50"),
    ({"test": "srtrain150"}, "'select' and 'test' are both 'srtrain150'; give two sets"),
    ({"test": "mine.fa", "select": "./mine.fa"}, "'select' and 'test' are both 'mine.fa'"),
    ({"test": "yours.fa"}, "no such file or folder: yours.fa; give a path that exists, or a name that 'rnastudy data list' shows"),
    ({"test": "srtest15O"}, "did you mean srtest150"),
    ({"test": "near_duplicates"}, "'near_duplicates' holds tables, not RNAs"),
    ({"floors": "stem-pior"}, "did you mean stem-prior"),
    ({"floors": "empty"}, "unknown value"),
    ({"words": "5-mers"}, "did you mean 4-mers"),
    ({"device": "gpu"}, "unknown device 'gpu'; give cpu, cuda or cuda:0"),
    ({"device": "cuda"}, "torch sees no CUDA device; give cpu"),
    ({"model": "rnafm@mine.fa"}, "model rnafm has no adapter for weights in their authors' layout"),
]


@pytest.mark.parametrize(("values", "message"), BROKEN_PROMISES)
def test_promises_of_the_comments_are_held_before_a_kernel_starts(promising: Path, monkeypatch: pytest.MonkeyPatch, values: dict, message: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    Path("mine.fa").write_text(">a\nACGU\n")
    with pytest.raises(StudyError, match=message) as caught:
        run_analysis("tiny", "runs/tiny", values)
    assert "\n" not in str(caught.value) and not Path("runs").exists()


@pytest.mark.parametrize(("values", "message"), [case for case in BROKEN_PROMISES if "cuda" not in case[0].values()])
def test_a_study_file_keeps_the_same_promises(promising: Path, values: dict, message: str) -> None:
    Path("mine.fa").write_text(">a\nACGU\n")
    Path("s.yml").write_text(json.dumps({"runs": [{"analysis": "tiny", "parameters": values}]}))
    with pytest.raises(StudyError, match=message):
        read_study("s.yml")


def test_a_model_that_cannot_be_loaded_stops_before_a_kernel_starts(promising: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnastudy import models

    held = {**models.cards(), "lucaone": replace(models.cards()["lucaone"], loader="none")}
    monkeypatch.setattr(models, "cards", lambda: held)
    with pytest.raises(StudyError, match="model 'lucaone' cannot be loaded: no library has its architecture") as caught:
        run_analysis("tiny", "runs/tiny", {"model": "lucaone"})
    assert "\n" not in str(caught.value) and not Path("runs").exists()


def test_paths_that_a_run_was_given_stay_out_of_what_it_keeps(tmp_path: Path) -> None:
    weights = tmp_path / "mine.pkl"
    weights.write_bytes(b"")
    given = {"model": f"rnafm, utrlm-base@{weights}@untrained", "data": str(weights), "limit": 3}
    found = execute._paths_in(given)
    assert found == {str(weights): "mine.pkl"}
    assert execute._replaced(given["model"], found) == "rnafm, utrlm-base@mine.pkl@untrained"


def test_what_the_comments_allow_passes(promising: Path) -> None:
    given = {"extra": "", "floors": "", "words": "length, 3-mers", "shortest": 5, "longest": 5, "device": "cuda:1", "model": "rnafm@untrained"}
    assert {**execute.checked_parameters("tiny", given), **given} == execute.checked_parameters("tiny", given)
    assert execute.checked_parameters("tiny", {"shortest": 5, "longest": None})["longest"] is None


def test_a_study_for_a_gpu_can_be_read_and_is_not_begun_without_one(promising: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    Path("s.yml").write_text("runs: [{analysis: tiny}, {analysis: tiny, name: far, parameters: {device: cuda}}]")
    said: list[str] = []
    with pytest.raises(StudyError, match="run 'far': device 'cuda' asked for"):
        run_study(read_study("s.yml"), say=said.append)
    assert said == []


def test_one_check_of_devices_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rnastudy import models, training

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert devices.check_device("cuda:0") == "cuda:0"
    with pytest.raises(StudyError, match="device 'cuda:1' asked for, but there is 1, counted from 0"):
        devices.check_device("cuda:1")
    for call in (
        lambda: models.load("plain-70k", device="gpu"),
        lambda: models.availability(models.cards()["rnafm"], "gpu"),
        lambda: training.train("mapconv-9k", tmp_path / "new", device="gpu"),
    ):
        with pytest.raises(StudyError, match="unknown device 'gpu'; give cpu, cuda or cuda:0"):
            call()
    assert not (tmp_path / "new").exists()


def test_torch_is_imported_only_where_a_gpu_is_asked_for() -> None:
    code = "import sys; from rnastudy.devices import check_device; check_device('cpu'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_a_comment_that_speaks_of_no_parameter_is_refused() -> None:
    with pytest.raises(StudyError, match="the comment of 'a' speaks of 'b', which is no parameter"):
        parameters.declared("a: int = 3  # at least b")


def test_a_folder_that_cannot_be_made_is_refused_before_a_kernel_starts(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "_execute", no_kernel)
    Path("file").write_text("")
    with pytest.raises(StudyError, match="cannot write file/run: .*file is no folder; choose another --out"):
        run_analysis("tiny", "file/run")


def test_a_notebook_without_out_or_by_a_wrong_path_is_named(notebook: Path) -> None:
    notebook.write_text(notebook.read_text().replace("out: str", "into: str"))
    with pytest.raises(StudyError, match="no parameter 'out', the folder of the run; add it"):
        run_analysis("tiny", "runs/tiny")
    with pytest.raises(StudyError, match="no such notebook: notebooks/tony.ipynb; give the path"):
        run_analysis("notebooks/tony.ipynb", "runs/tony")


@pytest.mark.parametrize(
    ("declaration", "text", "value"),
    [
        ("a: int | None = None", "7", 7),
        ("a: int | None = 3", "none", None),
        ("a: float = 1.0", "1e-3", 1e-3),
        ("a: bool = False", "true", True),
        ("a: str = 'x'", "12", "12"),
        ("a: str | None = 'x'", "None", None),
        ("a: list[str] = []", "x, y", ["x", "y"]),
        ("a: list[int] = []", "[1, 2]", [1, 2]),
    ],
)
def test_words_of_the_command_line_become_values(declaration: str, text: str, value: object) -> None:
    assert parameters.parse(text, parameters.declared(declaration)["a"]) == value


def test_a_word_that_is_no_number_is_refused() -> None:
    with pytest.raises(StudyError, match="it takes int"):
        parameters.parse("ten", parameters.declared("a: int = 3")["a"])


def test_a_notebook_without_the_tag_is_refused(tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell("a = 1")]), tmp_path / "bare.ipynb")
    with pytest.raises(StudyError, match="0 code cells are tagged 'parameters'"):
        read_parameters(tmp_path / "bare.ipynb")


def test_an_unknown_analysis_names_the_nearest(notebook: Path) -> None:
    with pytest.raises(StudyError, match="unknown analysis 'tony'; did you mean tiny"):
        run_analysis("tony", "runs/tony")


NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebooks_that_ship_keep_the_rules(path: Path) -> None:
    """Papermill's help must show every parameter, so nothing may be written in a way that its reader loses."""
    import papermill

    found = read_parameters(path)
    assert list(papermill.inspect_notebook(path)) == list(found)
    assert "out" in found and all(parameter.comment for parameter in found.values())
    assert found["device"].choices == ("devices",)
    for name in {"seed", "limit", "n_draws", "per_family", "min_bases", "max_bases", "n_pairs", "n_timed", "alignment_limit"} & set(found):
        assert found[name].at_least is not None, name
    if "select" in found:
        assert found["test"].other_than == "select" and ("max_bases" not in found or found["max_bases"].at_least == "min_bases")
    defaults = {name: parameter.default for name, parameter in found.items()}
    checks.check_together(checks.check(defaults, found, kinds.cards), found)
    page = nbformat.read(path, 4)
    assert page.metadata.kernelspec.name == "python3" and page.metadata.kernelspec.language == "python"
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]
    assert "run.finish()" in code[-1].source


# One run -------------------------------------------------------------------------------------------------------------


def test_a_run_leaves_a_whole_folder_and_is_then_skipped(notebook: Path) -> None:
    done = run_analysis("tiny", "runs/tiny", {"model": "rnafm", "scale": 2}, offline=True, progress=False)
    assert not done.skipped
    assert sorted(path.name for path in Path("runs").iterdir()) == ["tiny"]
    names = {path.relative_to("runs/tiny").as_posix() for path in Path("runs/tiny").rglob("*") if path.is_file()}
    tables = {"results.csv", "results.parquet", "per_rna.csv", "per_rna.parquet"}
    assert {"notebook.ipynb", "numbers.json", "stamp.json", "figures/line.svg", "figures/line.png", "figures/captions.json"} | tables <= names
    stamp = read_json(Path("runs/tiny/stamp.json"))
    assert stamp["finished"] and stamp["parameters"]["model"] == "rnafm" and stamp["parameters"]["scale"] == 2.0
    assert stamp["data"] == {"none": "0" * 64} and stamp["weights"] == {"tiny": "1" * 64}
    assert {"python", "numpy", "rnastudy"} <= set(stamp["versions"]) and stamp["seconds"] > 0 and stamp["peak_memory_mib"] > 1
    assert "out" not in stamp["parameters"]
    text = Path("runs/tiny/notebook.ipynb").read_text()
    assert "hub offline: 1" in text and ".partial" not in text
    assert json.loads(Path("runs/tiny/numbers.json").read_text()) == {"best_f1": 0.5}

    assert run_analysis("tiny", "runs/tiny", {"model": "rnafm", "scale": 2}, progress=False).skipped


def test_the_fingerprint_follows_all_that_changes_a_run(notebook: Path) -> None:
    Path("mine.fa").write_text(">a\nACGU\n")
    values = {"data": "mine.fa", "seed": 0}
    first = fingerprint(values, notebook)
    assert fingerprint(dict(values), notebook) == first
    assert fingerprint({**values, "seed": 1}, notebook) != first
    Path("mine.fa").write_text(">a\nACGG\n")
    second = fingerprint(values, notebook)
    assert second != first
    notebook.write_text(notebook.read_text().replace("# Tiny", "# Tinier"))
    assert fingerprint(values, notebook) != second


def test_an_unfinished_run_is_redone(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def pretend(source: Path, partial: Path, *_: object) -> None:
        calls.append(partial)
        (partial / "notebook.ipynb").write_text(source.read_text())

    monkeypatch.setattr(execute, "_execute", pretend)
    run_analysis("tiny", "runs/tiny")
    stamp = read_json(Path("runs/tiny/stamp.json"))
    Path("runs/tiny/stamp.json").write_text(json.dumps({**stamp, "finished": False}))
    assert not run_analysis("tiny", "runs/tiny").skipped
    Path("runs/tiny/stamp.json").write_text('{"half a st')
    assert not run_analysis("tiny", "runs/tiny").skipped
    assert not run_analysis("tiny", "runs/tiny", {"limit": 3}).skipped
    assert run_analysis("tiny", "runs/tiny", {"limit": 3}).skipped
    assert len(calls) == 4


def test_a_folder_with_other_things_is_left_alone(notebook: Path) -> None:
    Path("precious").mkdir()
    Path("precious/thesis.txt").write_text("mine")
    with pytest.raises(StudyError, match="not a run; name a new folder"):
        run_analysis("tiny", "precious")
    assert Path("precious/thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_cell_is_one_line_and_the_rest_of_the_study_goes_on(notebook: Path, jobs: int) -> None:
    Path("study.yml").write_text("runs:\n- analysis: tiny\n  grid: {fail: [true, false]}\n- {analysis: tiny, name: dead, parameters: {die: true}}\n")
    said: list[str] = []
    result = run_study(read_study("study.yml"), jobs=jobs, say=said.append, progress=False)
    assert sorted(result.failed) == ["dead", "tiny-True"] and sorted(result.finished) == ["tiny-False"]
    assert "cell 3 stopped on ValueError: planted error" in result.failed["tiny-True"]
    assert "the kernel died" in result.failed["dead"]
    assert all("\n" not in line for line in said)
    assert sorted(path.name for path in Path("runs/study").iterdir()) == ["dead.partial", "tiny-False", "tiny-True.partial"]
    assert Path("runs/study/tiny-True.partial/notebook.ipynb").exists()


def test_a_study_needs_at_least_one_job(notebook: Path) -> None:
    Path("study.yml").write_text("runs: [{analysis: tiny}]\n")
    with pytest.raises(StudyError, match="at least one at a time"):
        run_study(read_study("study.yml"), jobs=0)


def test_a_failure_keeps_the_earlier_run(notebook: Path) -> None:
    Path("runs/tiny").mkdir(parents=True)
    Path("runs/tiny/stamp.json").write_text('{"finished": true}')
    with pytest.raises(RunFailed):
        run_analysis("tiny", "runs/tiny", {"fail": True}, progress=False)
    assert read_json(Path("runs/tiny/stamp.json")) == {"finished": True}


def test_progress_is_shown_for_the_run_and_no_bar_stays_on_its_page(notebook: Path) -> None:
    bars = "import tqdm, tqdm.auto; list(tqdm.auto.trange(3)); list(tqdm.auto.tqdm(iter('ab'))); list(tqdm.trange(3)); run.finish();"
    notebook.write_text(notebook.read_text().replace("run.finish();", bars))
    code = "from rnastudy.runs import execute, run_analysis; execute.cards = lambda kind: ['all']; run_analysis('tiny', 'runs/tiny', label='[1/1] tiny')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "[1/1] tiny" in done.stderr and "100%" in done.stderr
    assert "it/s" in Path("runs/tiny/notebook.ipynb").read_text()
    text = prepare_book("runs", "book/study")[0].notebook.read_text()
    assert "it/s" not in text and "FloatProgressModel" not in text
    assert [text.count(f' "model_name": "{name}"') for name in ("IntSliderModel", "LinkModel")] == [3, 2]


def test_plain_papermill_works_too(notebook: Path) -> None:
    command = [sys.executable, "-m", "papermill", str(notebook), "out.ipynb", "-p", "model", "rnafm", "--no-progress-bar"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    stamp = read_json(Path("runs/tiny/stamp.json"))
    assert stamp["finished"] and stamp["parameters"]["model"] == "rnafm"


# Study files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs: []", "no runs"),
        ("rnus: []", "did you mean runs"),
        ("- a", "study.yml: holds a list, not keys and values; keys are title, .*like studies/default.yml"),
        ("name,family\na,x\n" * 99, "study.yml: holds plain text, not keys and values"),
        ("runs: tiny", "no runs; list at least one"),
        ("runs: [tiny]", "a run of study.yml: holds plain text"),
        ("runs: [{analysis: tiny}]\ndefaults: 3", "'defaults' holds no keys and values"),
        ("runs: [{analysis: tiny, parameters: [limit]}]", "'parameters' holds no keys and values"),
        ("runs: [{analysis: 3}]", "unknown analysis '3'"),
        ("a: [", "not YAML"),
        ("runs: [{analysis: tiny, params: {}}]", "did you mean parameters"),
        ("runs: [{name: tiny}]", "names no analysis"),
        ("runs: [{analysis: tiny, grid: {model: rnafm}}]", "is no list"),
        ("runs: [{analysis: tiny, grid: {model: [rnafm, rnafn]}}]", "run 'tiny-rnafn': unknown value of parameter 'model': 'rnafn'"),
        ("runs: [{analysis: tiny}, {analysis: tiny}]", "two runs are named 'tiny'"),
        ("runs: [{analysis: tiny}]\ndefaults: {sead: 1}", "unknown default in study.yml: 'sead'"),
        ("runs: [{analysis: tiny, parameters: {out: x}}]", "sets 'out'"),
    ],
)
def test_a_study_file_is_checked_whole_first(notebook: Path, text: str, message: str) -> None:
    Path("study.yml").write_text(text)
    with pytest.raises(StudyError, match=message) as caught:
        read_study("study.yml")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_a_study_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match=r"s.yml: no text; give a study file"):
        read_study(tmp_path / "s.yml")


def test_a_grid_is_a_product_with_defaults_where_they_are_declared(notebook: Path) -> None:
    Path("s.yml").write_text("defaults: {limit: 3}\nruns: [{analysis: tiny, grid: {model: [rnafm, rnabert], protocol: [review, both]}}]")
    cells = read_study("s.yml").cells
    assert [cell.name for cell in cells] == ["tiny-rnafm-review", "tiny-rnafm-both", "tiny-rnabert-review", "tiny-rnabert-both"]
    assert cells[0].parameters == {"limit": 3, "model": "rnafm", "protocol": "review"}


# What notebooks use --------------------------------------------------------------------------------------------------


def test_results_without_their_columns_are_refused(tmp_path: Path) -> None:
    import pandas as pd

    run = start_run("tiny", tmp_path)
    with pytest.raises(StudyError, match="lacks columns analysis, model, dataset, protocol, measure; it has value"):
        run.save_table(pd.DataFrame({"value": [1.0]}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], None])
def test_what_a_book_cannot_quote_is_not_glued(tmp_path: Path, value: object) -> None:
    with pytest.raises(StudyError, match="number 'best'"):
        start_run("tiny", tmp_path).glue("best", value)


def test_a_numpy_number_is_glued_as_a_plain_one(tmp_path: Path) -> None:
    import numpy as np

    run = start_run("tiny", tmp_path)
    assert type(run.glue("best", np.float64(0.5))) is float
    assert read_json(tmp_path / "numbers.json") == {"best": 0.5}


def test_a_figure_needs_alt_text_and_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    run = start_run("tiny", tmp_path)
    with pytest.raises(StudyError, match="alt"):
        run.save_figure(Figure(), "bare", alt=" ")
    with pytest.raises(StudyError, match="no name for a file"):
        run.save_figure(Figure(), "../bare", alt="Nothing.")
    drawn = []
    for _ in range(2):
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot([1, 2])
        path = run.save_figure(figure, "line", alt="A line.")
        drawn.append((path.read_bytes(), path.with_suffix(".png").read_bytes()))
    assert drawn[0] == drawn[1]
    assert read_json(tmp_path / "figures" / "captions.json") == {"line": {"alt": "A line.", "caption": ""}}


def test_the_commit_is_that_of_this_package_and_of_no_other(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    installed = tmp_path / "site-packages" / "rnastudy"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    assert git_commit(installed) is None


# Pages ---------------------------------------------------------------------------------------------------------------


def test_a_page_is_clean_and_the_same_bytes_each_time(notebook: Path) -> None:
    run_analysis("tiny", "runs/tiny", {"model": "rnafm"}, progress=False)
    (page,) = prepare_book("runs", "book/study")
    text = page.notebook.read_text()
    assert page.written
    assert prepare_book("runs", "book/study")[0].written == ()
    cells = {cell.id: cell for cell in nbformat.reads(text, 4).cells}
    assert cells["injected-parameters"].metadata.tags == ["injected-parameters", "hide-input"]
    assert cells["tiny-3"].metadata.mystnb.image.alt == "A line that rises from 0 to 1."
    for stray in ("took 7 s", "papermill", "start_time", str(Path.home()) + "/", str(Path.cwd())):
        assert stray not in text.replace("papermill.record", "")
    names = sorted(path.relative_to("book/study/tiny").as_posix() for path in Path("book/study/tiny").rglob("*") if path.is_file())
    figures = [name for name in names if name.startswith("figures/")]
    assert {"figures/line.svg", "figures/line.png", "figures/captions.json"} <= set(figures)
    assert [name for name in names if name not in figures] == ["numbers.json", "per_rna.csv", "results.csv", "stamp.json"]
    assert nbformat.validate(nbformat.reads(text, 4)) is None

    Path("book/study/tiny/stale.csv").write_text("old")
    prepare_book("runs", "book/study")
    assert not Path("book/study/tiny/stale.csv").exists()

    Path("runs/tiny/stamp.json").unlink()
    Path("runs/tiny").rename("first")
    run_analysis("tiny", "runs/tiny", {"model": "rnafm"}, progress=False)
    prepare_book("runs", "book/study")
    assert page.notebook.read_text() == text, "a second execution gives another page"


def fake_run(folder: Path, *outputs: dict) -> Path:
    folder.mkdir()
    cell = new_code_cell("draw()", outputs=[nbformat.from_dict(output) for output in outputs])
    nbformat.write(new_notebook(cells=[cell]), folder / "notebook.ipynb")
    (folder / "stamp.json").write_text('{"finished": true}')
    return folder


def image(alt: str | None = None) -> dict:
    return {"output_type": "display_data", "data": {"image/png": "aaaa"}, "metadata": {"image/png": {"alt": alt}} if alt else {}}


def test_pages_refuse_what_a_reader_must_not_meet(tmp_path: Path) -> None:
    study = tmp_path / "study"
    error = {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": []}
    large = {"output_type": "display_data", "data": {"text/html": "x" * 2**22}, "metadata": {}}
    for name, outputs, message in [
        ("bare", [image()], "image without alt text"),
        ("two", [image("one"), image("two")], "show one a cell"),
        ("error", [error], "holds an error"),
        ("large", [large], "MiB"),
    ]:
        with pytest.raises(StudyError, match=message):
            prepare_run(fake_run(tmp_path / name, *outputs), study)
    (tmp_path / "bare" / "stamp.json").write_text('{"finished": false}')
    with pytest.raises(StudyError, match="not a finished run"):
        prepare_run(tmp_path / "bare", study)
    with pytest.raises(StudyError, match="no finished runs"):
        prepare_book(tmp_path / "nowhere", study)
    assert not list(study.rglob("*.ipynb"))


def test_alt_text_comes_from_the_output_the_cell_or_an_inline_drawing(tmp_path: Path) -> None:
    inline = {"text/html": '<svg role="img" aria-label="Drawn.">', "image/png": "aaaa", "text/plain": "Drawn."}
    prepared = [
        prepare_run(fake_run(tmp_path / "output", image("Told.")), tmp_path / "study"),
        prepare_run(fake_run(tmp_path / "inline", {"output_type": "display_data", "data": inline, "metadata": {}}), tmp_path / "study"),
    ]
    alts = [nbformat.read(page.notebook, 4).cells[0].metadata.mystnb.image.alt for page in prepared]
    assert alts == ["Told.", "Drawn."]
