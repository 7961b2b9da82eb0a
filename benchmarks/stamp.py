"""What every benchmark shares: a clock that other people's load does not move, a stamp, and a file of results."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "torch", "transformers", "numba")


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that a call takes, in all threads: waiting for a busy core does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turn(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time several calls one after the other, again and again, so that a slow minute is slow for all of them."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(cpu_seconds(work))
    return times


def peak_mb() -> int:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def processor() -> str:
    """Return the name of the processor, where the system tells it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def stamp() -> dict[str, object]:
    """Say where and with what this was measured."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() if commit.returncode == 0 else None,
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "processor": processor(),
        "cores": os.cpu_count(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "peak_memory_mb": peak_mb(),
    }


def write(name: str, result: dict[str, object]) -> None:
    """Print results and keep them with their stamp in ``benchmarks/results/NAME.json``."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**result, "stamp": stamp()}, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    print(text)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
