"""The all-head scan beside the plain definition, and beside the forward pass that yields the maps.

*Definition*: the review's protocol as it is written, for 144, 660 and 1,024 heads at 70, 200 and 500 bases. Head by head:
symmetrise, correct, squash, compare N pairs with 1,001 thresholds in one N x 1,001 comparison of torch, sum, F1. The sums are
written in three ways: true positives as a conjunction of booleans, as sums over the true pairs alone, and as a product with
what is true; the later, the faster in torch. A plain histogram in torch is timed beside them. The definition is timed on a few
heads, since its cost per head is the same; the others on all heads.

*Forward pass*: random weights of RNA-FM's size (12 layers x 20 heads x width 640) read 200 random bases and return their
attention (`transformers` BERT, eager); the scan of all 240 maps follows, once under one setting and once under nine.

Parts of a ratio are timed in turn in one process, as processor time: waiting for a busy core does not count.
``--device cuda`` times the second part on a GPU, by the clock.

Run ``python benchmarks/scan.py``; it writes ``benchmarks/results/scan.json``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import transformers
from stamp import cpu_seconds, in_turn, write
from torch import Tensor

from rnastudy import compiled
from rnastudy.contacts import Counts, Setting, scan_many
from rnastudy.rna import Rna
from rnastudy.structure import to_matrix

LAYERS, HEADS, WIDTH, BASES = 12, 20, 640, 200
REVIEW, CAREFUL = Setting("review"), Setting("careful")
NINE = (
    REVIEW,
    *(Setting("careful", min_separation=apart) for apart in (1, 4, 6)),
    *(Setting("careful", decoder) for decoder in ("mutual", "greedy")),
    *(Setting("careful", decoder, canonical=True) for decoder in ("raw", "mutual", "greedy")),
)
DEFINITIONS = ("as_written", "as_sums", "as_product")
THRESHOLDS = torch.arange(1001) / 1000


@dataclass(frozen=True)
class Layer:
    """One layer of maps, as a probe streams it."""

    index: int
    layer: int
    maps: Tensor


def random_rna(bases: int) -> Rna:
    """Return random bases with a long hairpin for a reference."""
    sequence = np.random.default_rng(0).choice(list("ACGU"), bases)
    return Rna("random", "".join(sequence), pairs=tuple((i, bases - 1 - i) for i in range(3 * bases // 10)))


def squashed_pairs(attention: Tensor, upper: Tensor) -> Tensor:
    """Score the pairs of one head as the review does."""
    both = attention + attention.T
    corrected = both - both.sum(1, keepdim=True) * both.sum(0, keepdim=True) / both.sum()
    return torch.sigmoid(corrected[upper[0], upper[1]])


def as_written(attention: Tensor, upper: Tensor, true: Tensor) -> Tensor:
    """F1 of one head at all thresholds: comparison, true positives as a conjunction, sums of booleans."""
    called = squashed_pairs(attention, upper)[:, None] >= THRESHOLDS
    return 2 * (called & true[:, None]).sum(0) / (called.sum(0) + true.sum())


def as_sums(attention: Tensor, upper: Tensor, true: Tensor) -> Tensor:
    """F1 of one head at all thresholds: comparison, then sums of booleans over all pairs and over the true ones."""
    called = squashed_pairs(attention, upper)[:, None] >= THRESHOLDS
    return 2 * called[true].sum(0) / (called.sum(0) + true.sum())


def as_product(attention: Tensor, upper: Tensor, true: Tensor) -> Tensor:
    """F1 of one head at all thresholds: comparison, then a product with what is true."""
    called = (squashed_pairs(attention, upper)[:, None] >= THRESHOLDS).float()
    return 2 * (true.float() @ called) / (called.sum(0) + true.sum())


def histogram(maps: Tensor, upper: Tensor, true: Tensor) -> Tensor:
    """F1 of all heads of a layer at all thresholds: a plain histogram."""
    both = maps + maps.transpose(1, 2)
    corrected = both - both.sum(2, keepdim=True) * both.sum(1, keepdim=True) / both.sum((1, 2), keepdim=True)
    steps = (corrected.sigmoid()[:, upper[0], upper[1]] * 1000).long()
    cells = steps + 1001 * torch.arange(len(maps))[:, None]
    called, hits = (torch.bincount(part.flatten(), minlength=1001 * len(maps)).view(-1, 1001).flip(1).cumsum(1).flip(1) for part in (cells, cells[:, true]))
    return 2 * hits / (called + true.sum())


def pooled_f1(counts: Counts) -> np.ndarray:
    """Return F1 of every head at all thresholds from a scan, shape (N, H, K)."""
    return 2 * counts.found.sum(0, dtype=np.int64) / (counts.predicted.sum(0, dtype=np.int64) + counts.reference.sum())


def beside_definition(bases: int, heads: int, rounds: int) -> dict[str, object]:
    """Time one size of the first part."""
    rna, generator = random_rna(bases), torch.Generator().manual_seed(0)
    layers = [Layer(0, number, torch.softmax(3 * torch.randn(size, bases, bases, generator=generator), -1)) for number, size in enumerate(_layers_of(heads))]
    upper = torch.triu_indices(bases, bases, 1)
    true = torch.from_numpy(to_matrix(rna.pairs or (), bases))[upper[0], upper[1]]
    few = layers[0].maps[: 8 if bases < 500 else 1]
    scanned = pooled_f1(scan_many(layers, [rna], [REVIEW])[REVIEW])[0]
    farthest = max(float(np.abs(as_sums(one, upper, true).numpy() - f1).max()) for one, f1 in zip(few, scanned, strict=False))
    if farthest > 1e-6:
        raise SystemExit(f"the scan is {farthest} away from the definition")
    times = in_turn(
        {
            "as_written": lambda: [as_written(one, upper, true) for one in few],
            "as_sums": lambda: [as_sums(one, upper, true) for one in few],
            "as_product": lambda: [as_product(one, upper, true) for one in few],
            "histogram": lambda: [histogram(layer.maps, upper, true) for layer in layers],
            "scan": lambda: pooled_f1(scan_many(layers, [rna], [REVIEW])[REVIEW]),
        },
        rounds,
    )
    per_head = {part: min(values) / (heads if part in ("histogram", "scan") else len(few)) * 1e6 for part, values in times.items()}
    return {
        "bases": bases,
        "heads": heads,
        "definition_to_scan": {way: round(per_head[way] / per_head["scan"]) for way in DEFINITIONS},
        "definition_to_histogram": {way: round(per_head[way] / per_head["histogram"]) for way in DEFINITIONS},
        "farthest_f1": farthest,
        "us_per_head": {part: round(value, 1) for part, value in per_head.items()},
    }


def _layers_of(heads: int) -> list[int]:
    """Return the heads of each layer, equally many in all."""
    size = next(size for size in (20, 16, 12) if heads % size == 0)
    return [size] * (heads // size)


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


@torch.no_grad()
def beside_forward(rounds: int, device: str) -> dict[str, object]:
    """Time the second part: medians of ratios of neighbours in time."""
    torch.manual_seed(0)
    model, rna = encoder().to(device), random_rna(BASES)
    tokens = torch.randint(5, 25, (1, BASES + 2), device=device)
    attentions = model(tokens, output_attentions=True).attentions
    layers = [Layer(0, number, maps[0, :, 1:-1, 1:-1]) for number, maps in enumerate(attentions)]
    works: dict[str, Callable[[], object]] = {
        "forward": lambda: model(tokens, output_attentions=True),
        "careful": lambda: scan_many(layers, [rna], [CAREFUL]),
        "review": lambda: scan_many(layers, [rna], [REVIEW]),
        "nine_settings": lambda: scan_many(layers, [rna], NINE),
    }
    times = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            spent = cpu_seconds(work) if device == "cpu" else _clock(work)
            times[name] += [spent] if number else []
    ratios = {name: _ratio(times[name], times["forward"]) for name in works if name != "forward"}
    return {"device": device, "scan_to_forward": ratios, "seconds": {name: round(min(values), 4) for name, values in times.items()}}


def _clock(work: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def _ratio(part: list[float], whole: list[float]) -> dict[str, float]:
    ratios = sorted(p / w for p, w in zip(part, whole, strict=True))
    return {"median": round(statistics.median(ratios), 3), "lowest": round(ratios[0], 3), "highest": round(ratios[-1], 3)}


def main() -> None:
    """Measure and write the result with a stamp."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times each part is timed")
    parser.add_argument("--device", default="cpu", help="of the forward pass: cpu or cuda")
    options = parser.parse_args()
    torch.set_num_threads(1)
    forward = beside_forward(2 * options.rounds, options.device)
    rows = []
    for bases in (70, 200, 500):
        for heads in (144, 660, 1024):
            rows.append(beside_definition(bases, heads, options.rounds if bases < 500 else 2))
            print(rows[-1], flush=True)
    write("scan" if options.device == "cpu" else "scan_gpu", {"compiled": compiled.available(), "forward": forward, "definition": rows})


if __name__ == "__main__":
    main()
