"""The workflow: profiles that are read, a dry run, several real jobs, one that fails, one that is killed and resumed; tables joined."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from rnastudy import StudyError, cli
from rnastudy.runs.gather import gather, is_finished

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflow"
PROFILES = sorted((WORKFLOW / "profiles").glob("*/config.yaml"))
#: Executors that a profile may name, and the module of each.
EXECUTORS = {"local": "snakemake", "slurm": "snakemake_executor_plugin_slurm", "kubernetes": "snakemake_executor_plugin_kubernetes"}
engine = pytest.mark.skipif(find_spec("snakemake") is None, reason="no Snakemake: the workflow is not run; install the extra 'cluster'")

WAITS = """\
import time
from pathlib import Path
import pandas as pd
import rnastudy as rs

run = rs.runs.start_run("waits", out, model=model)
Path(f"{here}/{model}.began").touch()
while not Path(f"{here}/{model}.go").exists():
    time.sleep(0.05)
run.save_table(pd.DataFrame([dict(analysis="waits", model=model, dataset="none", protocol="none", measure="length", value=float(len(model)))]))
run.finish();
"""


# Gathering -----------------------------------------------------------------------------------------------------------


def finished(folder: Path, **columns: object) -> Path:
    folder.mkdir(parents=True)
    row = {"analysis": "a", "model": "m", "dataset": "d", "protocol": "careful", "measure": "f1", "value": 0.5, **columns}
    pd.DataFrame([row]).to_parquet(folder / "results.parquet", index=False)
    (folder / "stamp.json").write_text(json.dumps({"finished": True, "analysis": "a", "seconds": 2.5, "parameters": {"model": "m"}}))
    return folder


def test_tables_of_all_runs_are_joined(tmp_path: Path) -> None:
    finished(tmp_path / "runs" / "b", layer=3)
    pd.DataFrame([{"rna": "x", "f1": 0.25}]).to_parquet(finished(tmp_path / "runs" / "a", note="good") / "per_rna.parquet", index=False)
    done = gather(tmp_path / "runs", tmp_path / "joined")
    assert done.finished == ("a", "b") and not done.failed
    for suffix, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        results = read(tmp_path / "joined" / f"results{suffix}")
        assert list(results["run"]) == ["a", "b"] and list(results.columns)[:2] == ["run", "analysis"]
        assert results["layer"].isna().tolist() == [True, False] and results["note"].tolist()[0] == "good"
        assert list(read(tmp_path / "joined" / f"per_rna{suffix}")["run"]) == ["a"]
        assert list(read(tmp_path / "joined" / f"runs{suffix}")["seconds"]) == [2.5, 2.5]
    before = {path.name: path.read_bytes() for path in (tmp_path / "joined").iterdir()}
    gather(tmp_path / "runs", tmp_path / "joined")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "joined").iterdir()}


def test_runs_that_failed_are_listed_with_the_reason(tmp_path: Path) -> None:
    finished(tmp_path / "good")
    (tmp_path / "bad.partial").mkdir()
    (tmp_path / "bad.partial" / "stamp.json").write_text('{"finished": false}')
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "bad.log").write_text("bad:   0%|\rbad: 10%|\nrnastudy: bad: cell 3 stopped\n")
    (tmp_path / "half.partial").mkdir()
    expected = {"bad": "bad: cell 3 stopped", "half": "stopped before it was whole"}
    assert gather(tmp_path, tmp_path / "joined").failed == expected
    done = gather(tmp_path, tmp_path / "joined", ["good", "bad", "half", "none"])
    assert done.failed == {**expected, "none": "never begun"}
    lines = pd.read_csv(tmp_path / "joined" / "runs.csv").set_index("run")
    assert lines["finished"].to_dict() == {"good": True, "bad": False, "half": False, "none": False}
    assert lines.loc["bad", "error"] == "bad: cell 3 stopped"


def test_a_finished_run_counts_though_an_older_try_of_it_was_left(tmp_path: Path) -> None:
    finished(tmp_path / "good")
    (tmp_path / "good.partial").mkdir()
    assert gather(tmp_path, tmp_path / "joined").finished == ("good",)


def test_a_table_that_no_run_has_any_more_goes(tmp_path: Path) -> None:
    table = finished(tmp_path / "runs" / "a") / "per_rna.parquet"
    pd.DataFrame([{"rna": "x"}]).to_parquet(table)
    gather(tmp_path / "runs", tmp_path / "joined")
    table.unlink()
    gather(tmp_path / "runs", tmp_path / "joined")
    assert sorted(path.stem for path in (tmp_path / "joined").glob("*.csv")) == ["results", "runs"]


def test_what_cannot_be_joined_is_an_error(tmp_path: Path) -> None:
    finished(tmp_path / "a", layer=3)
    finished(tmp_path / "b", layer="last")
    with pytest.raises(StudyError, match="column 'layer' holds numbers in run 'a' and not in 'b'; rename one"):
        gather(tmp_path, tmp_path / "joined")
    finished(tmp_path / "c", run="mine")
    with pytest.raises(StudyError, match="run 'c' has a column 'run'"):
        gather(tmp_path, tmp_path / "joined", ["c"])
    (tmp_path / "d").mkdir()
    with pytest.raises(StudyError, match="no finished runs to gather"):
        gather(tmp_path, tmp_path / "joined", ["d"])


def test_the_command_says_what_failed_and_ends_with_an_error(tmp_path: Path) -> None:
    finished(tmp_path / "runs" / "structure")
    words = ["gather", str(tmp_path / "runs"), "--out", str(tmp_path / "joined")]
    assert "1 runs joined" in CliRunner().invoke(cli.app, words, catch_exceptions=False).output
    result = CliRunner().invoke(cli.app, [*words, "--study", str(ROOT / "studies" / "default.yml")])
    assert "classification, scaling, tradeoff" in str(result.exception)
    assert result.exit_code == 1


def test_a_cache_that_grew_makes_no_run_due_again(tmp_path: Path) -> None:
    from rnastudy.runs import find_notebook
    from rnastudy.runs.stamp import fingerprint

    def mark() -> str:
        return fingerprint({"cache": str(tmp_path / "cache"), "data": str(tmp_path / "mine.fa")}, find_notebook("classification"))

    (tmp_path / "mine.fa").write_text(">a\nGGG\n")
    first = mark()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "vectors.npz").write_bytes(b"vectors")
    assert mark() == first
    (tmp_path / "mine.fa").write_text(">a\nGGC\n")
    assert mark() != first


# Profiles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.parent.name)
def test_profiles_go_on_after_a_failure_and_name_a_known_executor(profile: Path) -> None:
    content = yaml.safe_load(profile.read_text())
    assert content["keep-going"] is True and content["rerun-incomplete"] is True
    assert content["executor"] in EXECUTORS
    assert ("jobs" in content) != ("cores" in content)
    assert profile.read_text().startswith("# ")


def test_there_is_a_profile_for_each_place_and_the_readme_names_it() -> None:
    assert [profile.parent.name for profile in PROFILES] == ["gpu", "kubernetes", "local", "slurm"]
    text = (WORKFLOW / "README.md").read_text()
    assert all(f"workflow/profiles/{profile.parent.name}" in text for profile in PROFILES)
    assert yaml.safe_load((WORKFLOW / "profiles" / "gpu" / "config.yaml").read_text())["resources"] == ["gpu=1"]


def snakemake(folder: Path, study: Path, *words: str, profile: str = "local", **options: object) -> list[str]:
    """Words of the command that runs the workflow in a folder."""
    profile_folder = WORKFLOW / "profiles" / profile
    command = [sys.executable, "-m", "snakemake", "-s", WORKFLOW / "Snakefile", "-d", folder, "--profile", profile_folder, *words]
    return [str(word) for word in [*command, "--config", f"study={study}", "threads=1", *(f"{key}={value}" for key, value in options.items())]]


def call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=400, cwd=ROOT)


@engine
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.parent.name)
def test_a_dry_run_shows_a_job_for_each_run_of_the_review(profile: Path, tmp_path: Path) -> None:
    from rnastudy.runs import read_study

    content = yaml.safe_load(profile.read_text())
    if find_spec(EXECUTORS[content["executor"]]) is None:
        pytest.skip(f"no {EXECUTORS[content['executor']]}: this profile is parsed, not tried; workflow/README.md says how to install it")
    study = ROOT / "studies" / "review.yml"
    done = call(snakemake(tmp_path, study, "-n", profile=profile.parent.name))
    assert done.returncode == 0, done.stdout + done.stderr
    cells = read_study(study).cells
    said = done.stdout + done.stderr
    assert said.count("rule run:") == len(cells)
    assert said.count("gpu=1") == len(cells) and said.count("runtime=") >= len(cells)
    assert f"rnastudy run {cells[0].analysis} --out runs/review/{cells[0].name} -p " in said
    assert not list(tmp_path.glob("runs"))


# Real runs -----------------------------------------------------------------------------------------------------------


@engine
def test_several_jobs_run_and_one_that_fails_holds_up_none(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "nothing-known"}')
    parameters = {"baselines": "", "alignment_model": "", "released_maps": "no", "untrained": False, "limit": 12, "n_draws": 10}
    runs = [{"analysis": "structure", "parameters": parameters, "grid": {"model": ["mapconv-9k", "plain-70k", str(broken)]}}]
    study = tmp_path / "small.yml"
    study.write_text(yaml.safe_dump({"out": "runs", "offline": True, "defaults": {"seed": 0, "device": "cpu"}, "runs": runs}))

    done = call(snakemake(tmp_path, study, "--cores", "2"))
    assert done.returncode != 0
    assert "2 of 3 runs are finished" in done.stderr and "structure-broken: structure: cell" in done.stderr
    assert is_finished(tmp_path / "runs/structure-mapconv-9k") and not (tmp_path / "runs/structure-broken/stamp.json").exists()
    lines = pd.read_csv(tmp_path / "runs/gathered/runs.csv").set_index("run")
    assert lines["finished"].to_dict() == {"structure-mapconv-9k": True, "structure-plain-70k": True, "structure-broken": False}
    joined = pd.read_parquet(tmp_path / "runs/gathered/results.parquet")
    alone = pd.read_parquet(tmp_path / "runs/structure-plain-70k/results.parquet")
    assert set(joined["run"]) == {"structure-mapconv-9k", "structure-plain-70k"}
    mine = joined[joined["run"] == "structure-plain-70k"].reset_index(drop=True)
    pd.testing.assert_series_equal(mine["value"], alone["value"])
    again = call(snakemake(tmp_path, study, "-n"))
    assert (again.stdout + again.stderr).count("rule run:") == 1


def waiting_study(folder: Path) -> Path:
    """A study of two runs, each of which waits for a file named after its model: ``alpha.go`` and ``beta.go``."""
    import nbformat

    declared = 'model: str = "alpha"\nout: str = "runs/waits"'
    cells = [nbformat.v4.new_code_cell(declared, id="p", metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell(f'here = "{folder}"\n{WAITS}', id="w")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "waits.ipynb")
    study = folder / "waits.yml"
    study.write_text(yaml.safe_dump({"out": "runs", "runs": [{"analysis": str(folder / "waits.ipynb"), "grid": {"model": ["alpha", "beta"]}}]}))
    return study


def wait_for(condition, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + 200
    while not condition():
        assert process.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.1)


@engine
def test_a_killed_workflow_resumes_and_does_only_what_is_left(tmp_path: Path) -> None:
    study, log = waiting_study(tmp_path), tmp_path / "log"
    first, second = tmp_path / "runs" / "waits-alpha", tmp_path / "runs" / "waits-beta"
    (tmp_path / "alpha.go").touch()
    with log.open("w") as sink:
        process = subprocess.Popen(snakemake(tmp_path, study, "--cores", "2"), stdout=sink, stderr=sink, cwd=ROOT, start_new_session=True)
    try:
        wait_for(lambda: (first / "workflow.done").exists() and (tmp_path / "beta.began").exists(), process, log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    stamp = (first / "stamp.json").read_bytes()
    assert not (second / "stamp.json").exists() and (tmp_path / "runs" / "waits-beta.partial").is_dir()

    (tmp_path / "beta.go").touch()
    assert "--unlock" in call(snakemake(tmp_path, study)).stderr
    assert call(snakemake(tmp_path, study, "--unlock")).returncode == 0
    done = call(snakemake(tmp_path, study, "--cores", "2"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (first / "stamp.json").read_bytes() == stamp
    assert is_finished(second) and not (tmp_path / "runs" / "waits-beta.partial").exists()
    assert pd.read_csv(tmp_path / "runs/gathered/results.csv")["model"].tolist() == ["alpha", "beta"]
    quiet = call(snakemake(tmp_path, study))
    assert quiet.returncode == 0 and "Nothing to be done" in quiet.stdout + quiet.stderr

    (first / "workflow.done").unlink()
    assert call(snakemake(tmp_path, study)).returncode == 0
    assert (first / "stamp.json").read_bytes() == stamp  # rnastudy run saw that it was finished
    assert "skipped" in (tmp_path / "runs/logs/waits-alpha.log").read_text()
