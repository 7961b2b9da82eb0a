"""Peak memory of a scan at the largest size of the review: RiNALMo giga's shape, 33 layers x 20 heads x width 1280, 1,022 bases.

The architecture is RiNALMo's own (from `multimolecule`), its weights are random. Attention is streamed and every layer is
scanned. The peak of the process is compared with what it held before the first layer came: the difference is the forward
pass, the maps of the layer at hand, and the scan. All maps together would be 33 times a layer's.

Run ``python benchmarks/memory.py``; it writes ``benchmarks/results/memory.json``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from stamp import peak_mb, write

from rnastudy import compiled
from rnastudy.contacts import Setting, scan_many
from rnastudy.models import load
from rnastudy.rna import Rna


def random_rna(bases: int) -> Rna:
    """Return random bases with a long hairpin for a reference."""
    sequence = np.random.default_rng(0).choice(list("ACGU"), bases)
    return Rna("random", "".join(sequence), pairs=tuple((i, bases - 1 - i) for i in range(3 * bases // 10)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="rinalmo-giga@untrained")
    parser.add_argument("--bases", type=int, default=1022)
    options = parser.parse_args()
    probe, rna = load(options.model), random_rna(options.bases)
    before, started, shapes = peak_mb(), time.perf_counter(), []

    def watched() -> Iterator[object]:
        for layer in probe.attention([rna]):
            shapes.append(tuple(layer.maps.shape))
            print(f"layer {layer.layer + 1}: {peak_mb()} MB, {time.perf_counter() - started:.0f} s", flush=True)
            yield layer

    scan_many(watched(), [rna], [Setting("careful"), Setting("review")])
    layer_mb = 4 * np.prod(shapes[0]) / 2**20
    result = {
        "model": options.model,
        "compiled": compiled.available(),
        "parameters": sum(values.numel() for values in probe.network.parameters()),
        "layers": len(shapes),
        "maps_of_a_layer": shapes[0],
        "maps_of_a_layer_mb": round(float(layer_mb)),
        "maps_of_all_layers_mb": round(float(layer_mb * len(shapes))),
        "peak_mb_before": before,
        "peak_mb": peak_mb(),
        "above_model_in_layers": round(float((peak_mb() - before) / layer_mb), 1),
        "wall_s": round(time.perf_counter() - started, 1),
    }
    write("memory", result)


if __name__ == "__main__":
    main()
