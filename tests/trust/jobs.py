"""A process that has imported everything, and forks a child for each job it is told of: children can be killed at any moment of their work.

Run as a program it reads one JSON list a line, ``[folder, job, *arguments]``, and answers with the child's number and, when the
child has ended, its exit code (negative: the signal that ended it).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from pathlib import Path


def fetch(url: str, sha256: str | None, size: int) -> None:
    """Fetch one file of a data set into the cache ``cache`` of the working folder."""
    from rnastudy.datasets import fetching
    from rnastudy.datasets.cards import DataCard, DataFile

    os.environ["RNASTUDY_CACHE"] = "cache"
    fetching.PAUSE = 0
    file = DataFile("a.bin", sha256, size, url)
    fetching.fetch_file(DataCard("set", "Set", ("corpus",), "either", "public", "natural", "fasta", (file,), "CC0", "here"), file)


def run(notebook: str, out: str, scale: int = 1) -> None:
    """Execute a notebook, as ``rnastudy run`` does."""
    from rnastudy.runs import run_analysis

    run_analysis(notebook, out, {"scale": scale}, progress=False)


def train(out: str, steps: int, every: int) -> None:
    """Train the smallest model for a few steps."""
    from rnastudy.training import train

    train("mapconv-9k", out, steps=steps, every=every, progress=False)


def book(runs: str, to: str) -> None:
    """Prepare pages, as ``rnastudy book`` does."""
    from rnastudy.runs import prepare_book

    prepare_book(runs, to)


def full(job: str, largest: int, *arguments: object) -> None:
    """Do a job on a disk that takes no file larger than so many bytes."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    globals()[job](*arguments)


def unprivileged(job: str, *arguments: object) -> None:
    """Do a job as a user who may not write where root may."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    globals()[job](*arguments)


def _child(folder: str, job: str, arguments: list[object]) -> int:
    """Do a job; what went wrong is left in the folder's ``error.txt``."""
    from rnastudy.errors import StudyError

    os.chdir(folder)
    try:
        globals()[job](*arguments)
        return 0
    except StudyError as error:
        Path(os.environ["SAID"]).write_text(str(error))
        return 2
    except BaseException:
        Path(os.environ["SAID"]).write_text(traceback.format_exc())
        return 1


def main() -> None:
    """Fork a child for each line of the standard input."""
    import nbformat
    import papermill  # noqa: F401

    import rnastudy.runs.book
    import rnastudy.training.loop  # noqa: F401
    from rnastudy.runs.stamp import source_sha256, versions

    source_sha256(), versions()
    nbformat.validate(nbformat.v4.new_notebook())  # which loads what another user may not read

    for line in sys.stdin:
        folder, job, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            code = _child(folder, job, arguments)
            os._exit(code)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
