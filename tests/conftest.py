"""What the tests share: real files where there are some, a browser where there is one, and loud words where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NO_DATA = "RNASTUDY_DATA is not set: tests on real public files are not run"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")

os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public files; the test is skipped where there is none."""
    folder = os.environ.get("RNASTUDY_DATA")
    if not folder:
        pytest.skip(NO_DATA)
    if not Path(folder).is_dir():
        pytest.fail(f"RNASTUDY_DATA={folder} is no folder; unset it or mend it")
    return Path(folder)


@pytest.fixture(scope="session")
def real_weights(real_data: Path) -> Path:
    """The folder of real weights, beside the data; the test is skipped where there is none."""
    folder = real_data.parent / "weights"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist: tests on real weights are not run")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the test is skipped, and said so at the end, where there is none."""
    from tools.setup_env import find_chromium

    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium: browser tests are not run; install one, or set CHROMIUM to its path")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Under CI a skipped contract fails: every model's contract must have run, real files apart."""
    report = yield
    if IN_CI and report.skipped and "contract" in item.path.parts and NO_DATA not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow for a contract: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end, and in colour, what was not tested and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    if reasons:
        terminalreporter.section("NOT TESTED HERE", sep="!", yellow=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count} skipped: {reason}", yellow=True)
