"""How long ``import rnastudy`` takes, and that it brings no torch.

Each import runs in a process of its own; the shortest of several is kept, and the time of an empty process is taken off.

Run ``python benchmarks/imports.py``; it writes ``benchmarks/results/imports.json``.
"""

from __future__ import annotations

import resource
import subprocess
import sys

from stamp import write

ROUNDS = 7


def cpu_of(code: str) -> float:
    """Return the processor time of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    heavy = ("torch", "transformers", "matplotlib", "pandas", "numba")
    check = f"import sys, rnastudy; sys.exit(', '.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    subprocess.run([sys.executable, "-c", check], check=True)
    empty, imported = (min(cpu_of(code) for _ in range(ROUNDS)) for code in ("pass", "import rnastudy"))
    write("imports", {"import_rnastudy_s": round(imported - empty, 3), "empty_process_s": round(empty, 3), "not_imported": list(heavy)})


if __name__ == "__main__":
    main()
