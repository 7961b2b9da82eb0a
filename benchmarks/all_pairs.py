"""All-pairs similarity statistics against the bare matrix product.

Both run in one process on the same synthetic vectors, single precision, in turn, so that their ratio says what the
statistics cost on top of what cannot be avoided. Two products are timed: the full S x S similarity matrix in blocks (what a
plain script computes), and only its upper triangle, in the very blocks that the statistics read.

``--million`` starts on 1,000,000 vectors instead, as a user would, is interrupted after a minute, and says how much memory
that took and what the progress bar promised.

Run ``python benchmarks/all_pairs.py``; the result goes to ``benchmarks/results/all_pairs.json``.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import time

import numpy as np
from stamp import in_turn, peak_mb, write

from rnastudy import compiled
from rnastudy.overlap import careful
from rnastudy.overlap.counting import count_and_vote, count_pairs
from rnastudy.overlap.measures import auroc
from rnastudy.overlap.space import PairSpace, pair_space

#: Sequences and families; the last is the size of the review's Rfam sample.
SIZES = ((2_000, 340), (8_000, 1_360), (24_607, 4_170))


def synthetic(n_sequences: int, n_families: int, width: int = 128, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Draw vectors of families with at least one member each, around a centre of their own."""
    rng = np.random.default_rng(seed)
    family = np.concatenate([np.arange(n_families), rng.integers(n_families, size=n_sequences - n_families)])
    vectors = 2 * rng.standard_normal(size=(n_sequences, width), dtype=np.float32)
    vectors += rng.standard_normal(size=(n_families, width), dtype=np.float32)[family]
    return vectors, [f"RF{number:05d}" for number in family]


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


def measure(n_sequences: int, n_families: int, rounds: int) -> dict[str, object]:
    """Time products and statistics of one size."""
    vectors, families = synthetic(n_sequences, n_families)
    space = pair_space(vectors, families, exact=False)
    counts, _ = count_and_vote(space)
    times = in_turn(
        {
            "full_product": lambda: full_product(vectors, vectors),
            "triangle_product": lambda: triangle_product(space),
            "pair_statistics": lambda: count_pairs(space),
            "pair_statistics_and_neighbours": lambda: count_and_vote(space),
        },
        rounds,
    )
    ratios = {
        f"{part}_over_{whole}": round(statistics.median(a / b for a, b in zip(times[part], times[whole], strict=True)), 2)
        for part in ("pair_statistics", "pair_statistics_and_neighbours")
        for whole in ("full_product", "triangle_product")
    }
    return {
        "n_sequences": n_sequences,
        "n_families": n_families,
        "n_pairs": n_sequences * (n_sequences - 1) // 2,
        "auroc": float(auroc(counts.positive, counts.negative)),
        "cpu_s": {name: round(min(values), 3) for name, values in times.items()},
        **ratios,
    }


def begin_a_million(seconds: int) -> dict[str, object]:
    """Start on a million vectors, and interrupt as Ctrl-C does."""
    vectors, families = synthetic(1_000_000, 100_000)
    before, started = peak_mb(), time.perf_counter()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(seconds)
    try:
        careful(vectors, families)
    except KeyboardInterrupt:
        print("\ninterrupted")
    return {"n_sequences": 1_000_000, "interrupted_after_s": round(time.perf_counter() - started, 1), "peak_mb_before": before, "peak_mb": peak_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", type=int, default=SIZES[-1][0], help="leave larger sets out")
    parser.add_argument("--million", type=int, metavar="SECONDS", help="start on a million vectors and interrupt after so long")
    options = parser.parse_args()
    if options.million:
        return write("all_pairs_million", begin_a_million(options.million))
    rows = [measure(*size, options.rounds) for size in SIZES if size[0] <= options.largest]
    write("all_pairs", {"width": 128, "dtype": "float32", "compiled": compiled.available(), "rows": rows})


if __name__ == "__main__":
    main()
