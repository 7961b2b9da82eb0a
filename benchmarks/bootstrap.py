"""The bootstrap with re-selection at full size: 10,000 draws for each of 17 models of 660 heads, 70 RNAs, 4,096 thresholds.

Counts are made up: in each model a twentieth of the heads know pairs about equally well, which leaves the search the most
to compare, and the others know little. Making them is not timed. The plain way, every head at every threshold in every
draw, is timed on a few heads and draws, and multiplied.

Run ``python benchmarks/bootstrap.py``; it writes ``benchmarks/results/bootstrap.json``.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
from stamp import cpu_seconds, write

from rnastudy.contacts import Counts, Setting, bootstrap_reselect
from rnastudy.contacts.curves import means

MODELS, LAYERS, HEADS, RNAS, DRAWS = 17, 33, 20, 70, 10_000


def made_up(setting: Setting, seed: int, n_rnas: int = RNAS) -> Counts:
    """Return counts that fall along the thresholds as those of attention do."""
    rng = np.random.default_rng(seed)
    levels, length = np.arange(len(setting.lattice), dtype=np.float32) / len(setting.lattice), rng.integers(30, 200, n_rnas)
    known = np.where(rng.random((1, LAYERS, HEADS)) < 0.05, rng.normal(0.22, 0.01, (1, LAYERS, HEADS)), rng.uniform(0, 0.1, (1, LAYERS, HEADS)))
    shift = (0.5 + known + rng.normal(0, 0.06, (n_rnas, LAYERS, HEADS)))[..., None].astype(np.float32)
    found = np.empty((n_rnas, LAYERS, HEADS, len(levels)), np.uint16)
    predicted = np.empty_like(found)
    for rna, bases in enumerate(length):
        found[rna] = bases // 3 / (1 + np.exp((levels - shift[rna]) * 40))
        predicted[rna] = found[rna] + (bases * bases // 2 / (1 + np.exp((levels - 0.5) * 40))).astype(np.uint16)
    return Counts(setting, tuple(str(k) for k in range(n_rnas)), (), predicted, found, length // 3)


def plain_seconds(counts: Counts, n_heads: int = 2, n_draws: int = 500) -> float:
    """Return what comparing all heads and thresholds would take, from a few heads and draws."""
    weights = np.random.default_rng(0).multinomial(RNAS, np.full(RNAS, 1 / RNAS), n_draws).astype(float)
    few = cpu_seconds(lambda: [means(counts, 0, head, weights).argmax(1) for head in range(n_heads)])
    return few / n_heads * LAYERS * HEADS * DRAWS / n_draws


def measure(protocol: str, models: int) -> dict[str, object]:
    """Time the bootstrap of all models under one protocol."""
    setting = Setting(protocol)
    families = [f"family {k // 2}" for k in range(RNAS)]
    wall, used, plain, heads = 0.0, 0.0, 0.0, 0
    for model in range(models):
        select_on = made_up(setting, 2 * model)
        score_on = made_up(setting, 2 * model + 1)
        plain = plain or plain_seconds(select_on)
        started, cpu = time.perf_counter(), time.process_time()
        draws = bootstrap_reselect(select_on, score_on, families, families, DRAWS, seed=0)
        wall, used = wall + time.perf_counter() - started, used + time.process_time() - cpu
        heads = max(heads, len(set(zip(draws.layer.tolist(), draws.head.tolist(), strict=True))))
        print(f"{protocol}, model {model + 1} of {models}: {wall:.1f} s so far", flush=True)
    scale = MODELS / models
    return {
        "models_measured": models,
        "wall_s_of_17_models": round(wall * scale, 1),
        "cpu_s_of_17_models": round(used * scale, 1),
        "plain_cpu_s_of_17_models": round(plain * MODELS),
        "times_faster_than_plain": round(plain * models / used),
        "most_heads_chosen_in_one_model": heads,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=MODELS, help="measure fewer, and scale")
    options = parser.parse_args()
    what = f"{DRAWS} draws, {LAYERS * HEADS} heads, {RNAS} RNAs, on {os.environ.get('OMP_NUM_THREADS', 'all')} thread(s)"
    write("bootstrap", {"what": what, **{protocol: measure(protocol, options.models) for protocol in ("careful", "review")}})


if __name__ == "__main__":
    main()
