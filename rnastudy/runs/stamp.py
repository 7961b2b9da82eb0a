"""The stamp of a run: what was run, with what, on what, and how long it took."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rnastudy.paths import is_there

__all__ = ["base_stamp", "fingerprint", "git_commit", "peak_memory", "read_json", "sha256_of", "source_sha256", "write_json"]

PACKAGE = Path(__file__).resolve().parent.parent
_PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "transformers", "multimolecule", "viennarna", "matplotlib", "papermill")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON through a temporary file, so that a reader never sees half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; ``{}`` if there is no such file or it is not whole."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def source_sha256(package: Path = PACKAGE) -> str:
    """Return one checksum over every file of the package: code, cards, embedded data and models."""
    files = [path for path in sorted(package.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    lines = [f"{path.relative_to(package).as_posix()} {sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def git_commit(package: Path = PACKAGE) -> str | None:
    """Return the commit the package was checked out at, ``+changes`` if files differ; None outside a checkout of it.

    A package installed into some other project's repository is not tracked there and gives None.
    """

    def git(*words: str) -> str:
        answer = subprocess.run(["git", "-C", str(package), *words], capture_output=True, text=True, check=True, timeout=20)
        return answer.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def fingerprint(parameters: Mapping[str, Any], notebook: Path) -> str:
    """Return a checksum that changes when a run would come out otherwise.

    It covers the parameters, the content of files (and the size and date of folders' files) they name, the notebook's
    source and the package's. A notebook that reads other runs names their folders, not the folder of them all, which
    holds its own. What lies in a folder named by ``cache`` does not count: it changes how long a run takes, not its results.
    """
    named = {name: _content(value) for name, value in parameters.items() if name != "cache"}
    whole = {"parameters": parameters, "named": named, "notebook": sha256_of(notebook), "source": source_sha256()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def _content(value: Any) -> list[str]:
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else []
    return [_path_content(Path(word).expanduser()) for word in words if word and is_there(word)]


def _path_content(path: Path) -> str:
    if path.is_file():
        return sha256_of(path)
    stats = [(file, file.stat()) for file in sorted(path.rglob("*")) if file.is_file()]
    return " ".join(f"{file.relative_to(path)}:{stat.st_size}:{stat.st_mtime_ns}" for file, stat in stats)


def versions() -> dict[str, str]:
    """Return the versions of Python, of the study and of the packages its numbers depend on, where installed."""
    from rnastudy import __version__

    found = {"python": platform.python_version(), "rnastudy": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def peak_memory() -> dict[str, float]:
    """Return the peak memory of this process, and of its GPU if it used one, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = {"peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        peak["peak_device_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak


def device_name(device: str) -> str:
    """Return the name of the processor or GPU that a device such as ``cpu`` or ``cuda:0`` stands for."""
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name(device))
    return f"{platform.machine()}, {os.cpu_count()} cores"


def base_stamp(analysis: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be said of a run before it starts."""
    device = str(parameters.get("device", "cpu"))
    return {
        "analysis": analysis,
        "finished": False,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "parameters": dict(parameters),
        "seed": parameters.get("seed"),
        "device": device,
        "device_name": device_name(device),
        "dtype": str(parameters.get("dtype", "float32")),
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "commit": git_commit(),
        "source_sha256": source_sha256(),
        "data": {},
        "weights": {},
        "certificates": {},
    }
