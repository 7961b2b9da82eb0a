"""The all-head scan beside the forward pass it follows, and beside the plain definition.

Random weights of RNA-FM's size (12 layers x 20 heads x width 640) read 200 random bases. Three times are taken in one run,
interleaved, and compared as ratios, since times of a busy machine mean little:

- the forward pass with attention returned (`transformers` BERT, eager);
- the scan of all 240 maps: all thresholds of the careful lattice, j - i >= 4, no decoder; once alone, and once for nine
  settings together;
- the definition, head by head: scores at or above a threshold, and those that are true, for each of the thresholds.

Run ``python benchmarks/scan.py``; it writes ``benchmarks/results/scan.json``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
import transformers

from rnastudy.contacts import Setting, contact_scores, scan_many
from rnastudy.rna import Rna
from rnastudy.structure import to_matrix

LAYERS, HEADS, WIDTH, BASES = 12, 20, 640, 200
PLAIN = Setting("careful")
NINE = (
    Setting("review"),
    *(Setting("careful", min_separation=apart) for apart in (1, 4, 6)),
    *(Setting("careful", decoder) for decoder in ("mutual", "greedy")),
    *(Setting("careful", decoder, canonical=True) for decoder in ("raw", "mutual", "greedy")),
)


@dataclass(frozen=True)
class Layer:
    """One layer of maps, as a probe streams it."""

    index: int
    layer: int
    maps: torch.Tensor


def encoder() -> transformers.BertModel:
    """Return an encoder of RNA-FM's size with random weights."""
    config = transformers.BertConfig(
        vocab_size=25,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=8 * WIDTH,
        max_position_embeddings=1024,
        attn_implementation="eager",
    )
    return transformers.BertModel(config, add_pooling_layer=False).eval()


def random_rna(seed: int = 0) -> Rna:
    """Return random bases with a long hairpin for a reference."""
    bases = np.random.default_rng(seed).choice(list("ACGU"), BASES)
    return Rna("random", "".join(bases), pairs=tuple((i, BASES - 1 - i) for i in range(60)))


def by_definition(layers: list[Layer], rna: Rna) -> tuple[torch.Tensor, torch.Tensor]:
    """Count pairs of each head at each threshold as the definition says: one comparison a threshold, on all its pairs."""
    apart = torch.from_numpy(PLAIN.candidates(rna))
    true = torch.from_numpy(to_matrix(rna.pairs or (), len(rna)))[apart]
    levels = torch.as_tensor(PLAIN.lattice.levels, dtype=torch.float32)
    predicted = torch.zeros(len(layers), HEADS, len(levels), dtype=torch.int64)
    found = torch.zeros_like(predicted)
    for layer in layers:
        for head, scores in enumerate(contact_scores(layer.maps)[:, apart]):
            for k, level in enumerate(levels):
                above = scores >= level
                predicted[layer.layer, head, k] = above.sum()
                found[layer.layer, head, k] = (above & true).sum()
    return predicted, found


def seconds(function: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@torch.no_grad()
def measure(rounds: int) -> dict[str, object]:
    """Time all parts in turn, `rounds` times, and return medians of ratios."""
    torch.manual_seed(0)
    model, rna = encoder(), random_rna()
    tokens = torch.randint(5, 25, (1, BASES + 2))
    attentions = model(tokens, output_attentions=True).attentions
    layers = [Layer(0, number, maps[0, :, 1:-1, 1:-1].contiguous()) for number, maps in enumerate(attentions)]
    one = scan_many(layers, [rna], [PLAIN])[PLAIN]
    scan_many(layers, [rna], NINE)
    predicted, found = by_definition(layers[:1], rna)
    if not ((one.predicted[0, :1] == predicted.numpy()).all() and (one.found[0, :1] == found.numpy()).all()):
        raise SystemExit("the scan does not agree with the definition")
    definition = [seconds(lambda: by_definition(layers[:1], rna)) * LAYERS for _ in range(2)]
    forward, alone, nine = [], [], []
    for _ in range(rounds):
        forward.append(seconds(lambda: model(tokens, output_attentions=True)))
        alone.append(seconds(lambda: scan_many(layers, [rna], [PLAIN])))
        nine.append(seconds(lambda: scan_many(layers, [rna], NINE)))
    return {
        "scan_to_forward": _ratio(alone, forward),
        "scan_of_nine_settings_to_forward": _ratio(nine, forward),
        "definition_to_scan": round(min(definition) / statistics.median(alone), 1),
        "seconds": {
            "forward": round(statistics.median(forward), 4),
            "scan": round(statistics.median(alone), 4),
            "scan_of_nine_settings": round(statistics.median(nine), 4),
            "definition_one_layer_times_12": round(min(definition), 2),
        },
    }


def _ratio(part: list[float], whole: list[float]) -> dict[str, float]:
    ratios = sorted(p / w for p, w in zip(part, whole, strict=True))
    return {"median": round(statistics.median(ratios), 3), "lowest": round(ratios[0], 3), "highest": round(ratios[-1], 3)}


def processor() -> str:
    """Return the name of the processor, where the system tells it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    """Measure and write the result with a stamp."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="times each part is timed")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "scan.json")
    options = parser.parse_args()
    result = {
        **measure(options.rounds),
        "what": f"{LAYERS} layers x {HEADS} heads x width {WIDTH}, {BASES} bases, {len(PLAIN.lattice)} thresholds",
        "stamp": {
            "date": date.today().isoformat(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "numpy": np.__version__,
            "processor": processor(),
            "threads": torch.get_num_threads(),
            "rounds": options.rounds,
        },
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
