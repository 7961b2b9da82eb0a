"""The set-up: one set of versions, a light import, the right PyTorch, a README that keeps its word."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import rnastudy
from tools import setup_env

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ("3.11", "3.12", "3.13")


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def applies(marker: Marker | None, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.7", "sys_platform": "linux", "platform_machine": "x86_64"}
    return marker is None or marker.evaluate(environment)


# One set of versions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_pinned_once_within_its_range(python: str) -> None:
    wanted = [Requirement(line) for group in (PROJECT["dependencies"], *EXTRAS.values()) for line in group]
    for requirement in wanted:
        if requirement.name == "rnastudy":
            continue
        found = [pin for pin in pins() if pin.name.replace("_", "-") == requirement.name.replace("_", "-").lower() and applies(pin.marker, python)]
        assert len(found) == 1, f"{requirement.name}: {len(found)} pins for Python {python}; run make lock"
        version = str(found[0].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}; run make lock"


def test_the_pin_of_pytorch_takes_the_cpu_build() -> None:
    version = setup_env.pinned("torch")
    assert "+" not in version
    assert SpecifierSet(f"=={version}").contains(Version(f"{version}+cpu"))


def test_all_means_all() -> None:
    named = re.findall(r"[\w-]+", EXTRAS["all"][0].partition("[")[2])
    assert set(named) == set(EXTRAS) - {"all"}


def test_conda_says_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, _, pip = environment["dependencies"]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])
    assert pip["pip"] == ["--constraint constraints.txt", f"--editable .[{setup_env.EXTRAS}]"]


def test_supported_pythons_are_the_same_everywhere() -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    supported = [".".join(map(str, version)) for version in setup_env.SUPPORTED]
    assert [python for python in ("3.10", *PYTHONS, "3.14") if allowed.contains(python)] == supported


def test_one_version_of_the_study() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == rnastudy.__version__
    assert f"## {rnastudy.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert PROJECT["license"] == citation["license"] == "MIT"


def test_what_runs_here_is_what_is_pinned() -> None:
    from importlib.metadata import version

    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name in ("torch", "transformers", "numpy", "pandas", "papermill", "jupyter-book", "pydata-sphinx-theme"):
        pin = next(pin for pin in pins() if pin.name == name and applies(pin.marker, here))
        assert pin.specifier.contains(version(name)), f"{name} {version(name)} is installed, {pin} is pinned"


# A light import ------------------------------------------------------------------------------------------------------


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60).stdout.strip()


def test_importing_the_study_loads_nothing_heavy() -> None:
    heavy = "torch pandas matplotlib transformers multimolecule sklearn scipy numpy papermill"
    assert python(f"import sys, rnastudy as rs; dir(rs); print([name for name in {heavy.split()} if name in sys.modules])") == "[]"
    assert python(f"import sys, rnastudy.cli; print([name for name in {heavy.split()} if name in sys.modules])") == "[]"
    assert python("import sys, rnastudy as rs; rs.runs.start_run; print([n for n in ('torch', 'pandas', 'matplotlib') if n in sys.modules])") == "[]"


def test_every_room_is_there_and_an_unknown_one_is_an_error() -> None:
    for room in rnastudy._ROOMS:
        assert getattr(rnastudy, room).__name__ == f"rnastudy.{room}"
    with pytest.raises(AttributeError, match="no room 'modls'"):
        _ = rnastudy.modls


# PyTorch, Python, the browser ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "platform", "gpu", "flavour"),
    [
        ({}, "linux", False, "cpu"),
        ({}, "linux", True, "cuda"),
        ({}, "darwin", False, "index"),
        ({"RNASTUDY_TORCH": "cuda"}, "linux", False, "cuda"),
        ({"RNASTUDY_TORCH": "cpu"}, "linux", True, "cpu"),
    ],
)
def test_which_pytorch(environ: dict[str, str], platform: str, gpu: bool, flavour: str) -> None:
    assert setup_env.torch_flavour(environ, platform, gpu)[0] == flavour


def test_an_unknown_flavour_stops() -> None:
    with pytest.raises(SystemExit, match="it is cpu or cuda"):
        setup_env.torch_flavour({"RNASTUDY_TORCH": "rocm"})


def test_a_gpu_is_seen_by_its_driver_or_its_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not setup_env.sees_nvidia(tmp_path)
    driver = tmp_path / "proc/driver/nvidia/version"
    driver.parent.mkdir(parents=True)
    driver.touch()
    assert setup_env.sees_nvidia(tmp_path)
    driver.unlink()
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert setup_env.sees_nvidia(tmp_path)


class Pip:
    """Stands in for ``setup_env.run``: notes the commands and answers as told."""

    def __init__(self, *answers: bool) -> None:
        self.answers, self.commands = list(answers), []

    def __call__(self, *command: object, quiet: bool = False) -> bool:
        self.commands.append(" ".join(map(str, command)))
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("answers", "within_reach", "says"),
    [
        ([True], True, "found a CPU build at the configured package index"),
        ([False, True], True, "took the CPU build from https://download.pytorch.org"),
        ([False, False], True, "SEVERAL GIGABYTES"),
        ([False], False, "SEVERAL GIGABYTES"),
    ],
)
def test_the_cpu_build_is_looked_for_near_then_far_then_missed_loudly(
    answers: list[bool], within_reach: bool, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pip = Pip(*answers)
    monkeypatch.setattr(setup_env, "torch_flavour", lambda: ("cpu", "told so"))
    monkeypatch.setattr(setup_env, "installed_torch", lambda: "")
    monkeypatch.setattr(setup_env, "reachable", lambda url: within_reach)
    monkeypatch.setattr(setup_env, "run", pip)
    setup_env.install_torch()
    assert says in capsys.readouterr().out
    assert len(pip.commands) == len(answers)
    assert all("+cpu" in command for command in pip.commands)
    assert "--index-url" not in pip.commands[0]


def test_a_python_that_is_too_old_or_missing_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="no Python that runs; the study needs 3.11, 3.12 or 3.13"):
        setup_env.find_python({"PYTHON": str(tmp_path / "nowhere")})
    monkeypatch.setattr(setup_env, "version_of", lambda python: (3, 9))
    with pytest.raises(SystemExit, match="no Python 3.11, 3.12 or 3.13 found"):
        setup_env.find_python({})


def test_a_shim_that_does_not_run_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env, "version_of", {"python3.11": (3, 11)}.get)
    assert setup_env.find_python({}) == "python3.11"


def test_a_named_browser_must_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env, "playwright_chromium", lambda: None)
    assert setup_env.find_chromium({"CHROMIUM": str(tmp_path / "nowhere")}) is None
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\necho Chromium 1\n")
    browser.chmod(0o755)
    assert setup_env.find_chromium({"CHROMIUM": str(browser)}) == str(browser)


def test_a_missing_browser_is_said_loudly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(setup_env, "find_chromium", lambda: None)
    monkeypatch.setattr(setup_env, "get_chromium", lambda: None)
    setup_env.install_chromium()
    assert "WILL BE SKIPPED" in capsys.readouterr().out


# What the README says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "LICENSE-prose.md", "CHANGELOG.md"])
def test_links_of_the_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
        assert target.startswith("https://") or (ROOT / target).exists(), f"{page} links to {target}"


def test_the_readme_names_what_exists() -> None:
    import typer

    from rnastudy import cli

    text = (ROOT / "README.md").read_text()
    group = typer.main.get_command(cli.app)
    for command in re.findall(r"bin/rnastudy ([a-z-]+)", text):
        assert command in group.commands, command
    for option in re.findall(r"rnastudy score-maps.*?(?=\n\.venv|```)", text, re.DOTALL)[0].split():
        if option.startswith("--"):
            assert any(option in parameter.opts for parameter in group.commands["score-maps"].params), option
    targets = re.findall(r"^make (\w+)", text, re.MULTILINE)
    assert targets == ["book", "test"]
    assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in targets)
    assert {f"`{extra}`" for extra in EXTRAS} <= set(re.findall(r"`[\w-]+`", text))
    assert "AGPL-3.0" in text
    for path in re.findall(r"^\| `([\w./-]+/)`", text, re.MULTILINE):
        assert (ROOT / path).is_dir(), path


def test_ci_runs_the_readme_command() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash" and "set -euo pipefail" in lines
    assert lines[-1] == "make test"


def test_the_studies_that_ship_are_valid() -> None:
    from rnastudy.runs import read_study

    for file in sorted((ROOT / "studies").glob("*.yml")):
        assert read_study(file).cells
