"""All-pairs similarity statistics against the bare matrix product.

Both run in one process on the same synthetic vectors, single precision, one after the other, so that
their ratio says what the statistics cost on top of what cannot be avoided.  Two products are timed: the
full similarity matrix in blocks (what a plain script computes), and only its upper triangle, in the
very blocks that the statistics read.

Run it as ``python benchmarks/all_pairs.py``; the result goes to ``benchmarks/results/all_pairs.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rnastudy.overlap.counting import count_pairs
from rnastudy.overlap.measures import auroc
from rnastudy.overlap.neighbours import neighbour_credit
from rnastudy.overlap.space import PairSpace, pair_space

RESULT = Path(__file__).parent / "results" / "all_pairs.json"
#: Sequences and families; the last is the size of the review's Rfam sample.
SIZES = ((2_000, 340), (8_000, 1_360), (24_607, 4_170))


def synthetic(n_sequences: int, n_families: int, width: int = 128, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Draw vectors of families with at least one member each, around a centre of their own."""
    rng = np.random.default_rng(seed)
    family = np.concatenate([np.arange(n_families), rng.integers(n_families, size=n_sequences - n_families)])
    vectors = rng.normal(size=(n_families, width))[family] + 2 * rng.normal(size=(n_sequences, width))
    return vectors.astype(np.float32), [f"RF{number:05d}" for number in family]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the shortest time of some repeats."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def full_product(left: np.ndarray, right: np.ndarray, rows: int = 512, cols: int = 2048) -> None:
    """Compute the full similarity matrix in blocks, and keep none."""
    buffer = np.empty(rows * cols, left.dtype)
    for i in range(0, len(left), rows):
        for j in range(0, len(right), cols):
            a, b = left[i : i + rows], right[j : j + cols]
            np.matmul(a, b.T, out=buffer[: len(a) * len(b)].reshape(len(a), len(b)))


def triangle_product(space: PairSpace) -> None:
    """Compute the blocks that the statistics read, and keep none."""
    for _ in space.blocks():
        pass


def measure(n_sequences: int, n_families: int, repeats: int) -> dict[str, float]:
    """Time products and statistics of one size."""
    vectors, families = synthetic(n_sequences, n_families)
    space = pair_space(vectors, families, exact=False)
    counts = count_pairs(space)
    full = seconds(lambda: full_product(vectors, vectors), repeats)
    triangle = seconds(lambda: triangle_product(space), repeats)
    counting = seconds(lambda: count_pairs(space), repeats)
    neighbours = seconds(lambda: neighbour_credit(space), repeats)
    return {
        "n_sequences": n_sequences,
        "n_families": n_families,
        "n_pairs": n_sequences * (n_sequences - 1) // 2,
        "auroc": float(auroc(counts.positive, counts.negative)),
        "full_product_s": full,
        "triangle_product_s": triangle,
        "pair_statistics_s": counting,
        "nearest_neighbours_s": neighbours,
        "pair_statistics_over_full_product": counting / full,
        "pair_statistics_over_triangle_product": counting / triangle,
        "pair_statistics_and_neighbours_over_full_product": (counting + neighbours) / full,
    }


def stamp() -> dict[str, object]:
    """Say where and with what this was measured."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() if commit.returncode == 0 else None,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--largest", type=int, default=SIZES[-1][0], help="leave larger sets out")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rows = [measure(*size, options.repeats) for size in SIZES if size[0] <= options.largest]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"width": 128, "dtype": "float32", "rows": rows, "stamp": stamp()}, indent=2) + "\n")
    for row in rows:
        print(f"{row['n_sequences']} sequences, {row['n_pairs']} pairs")
        for name, value in row.items():
            if "_over_" in name:
                print(f"  {name.replace('_', ' ')}: {value:.2f}")


if __name__ == "__main__":
    main()
