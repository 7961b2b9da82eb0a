"""What reading a data set with a model costs, from their cards: operations, seconds, memory, bytes to fetch.

An estimate to book machines by, before anything has run. Its assumptions are the constants below, and `assumptions` says them
in words. Where a card leaves something open the estimate is high rather than low, or says that it is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.runs.machines import MACHINES, MIB, Machine

if TYPE_CHECKING:
    from rnastudy.models.cards import ModelCard

__all__ = ["MIB", "Cost", "Workload", "assumptions", "reading", "weight_bytes", "workload"]

#: Share of a machine's fp32 peak that matrix products reach, and of its memory's speed that everything else reaches.
COMPUTE_SHARE, MEMORY_SHARE = 0.3, 0.5
#: Times that the maps of a layer are written or read: scores, softmax, weighted sum, cutting to bases, symmetrising, counting.
MAP_TRIPS = 10
#: Numbers a token needs beside the maps while a layer runs, in units of the width: states, query, key, value, feed-forward.
TOKEN_WIDTHS = 12
#: Vectors that a notebook keeps of each layer, mean and first token, and the 128 numbers of the review's descriptor.
LAYER_VECTORS, DESCRIPTOR = 2, 128
#: Bytes that a batch's maps may take, and copies of them that are alive: `rnastudy.models.probe`.
BATCH_BYTES, COPIES = 96 * MIB, 4
#: Length of every RNA where the data's card counts no bases: the longest that most models read.
LONGEST = 1022


@dataclass(frozen=True, slots=True)
class Workload:
    """The lengths of a data set's RNAs (or proteins).

    Attributes
    ----------
    lengths : ndarray, optional
        Bases, shape (S,); ``None`` where the card does not count the RNAs, infinite where it does not count their bases.
    rows : float
        Rows of each alignment, on average; 1 without.
    exact : bool
        True if the lengths were read; False if all are set to the mean on the card.
    """

    name: str
    lengths: NDArray[np.float64] | None
    rows: float
    exact: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations, seconds on the device, and bytes of the device's memory; sums add up, and take the larger memory.

    Examples
    --------
    >>> Cost(1, 2.0, 5) + Cost(1, 1.0, 3)
    Cost(flops=2, seconds=3.0, memory=5, rnas=0, vector_bytes=0)
    """

    flops: float
    seconds: float
    memory: float
    rnas: int = 0
    vector_bytes: float = 0

    def __add__(self, other: Cost) -> Cost:
        more = self.rnas + other.rnas, self.vector_bytes + other.vector_bytes
        return Cost(self.flops + other.flops, self.seconds + other.seconds, max(self.memory, other.memory), *more)


@cache
def workload(name: str) -> Workload:
    """Find the lengths of a data set: read those of an embedded set and of a user's own file, take a public one's from its card.

    So the estimate is the same whether public files are here or not.

    Parameters
    ----------
    name : str
        Name on a card, or the path of a file.

    Examples
    --------
    >>> workload("srtest150").lengths.sum(), workload("archiveii").exact
    (np.float64(13128.0), False)
    """
    from rnastudy import datasets

    card = datasets.cards().get(name)
    if card is None or (card.origin == "embedded" and card.kind != "protein"):
        rnas = datasets.load(name).rnas
        deep = [len(rna.alignment or (rna.sequence,)) for rna in rnas]
        return Workload(name, np.array([len(rna) for rna in rnas], dtype=float), float(np.mean(deep)), True)
    count = card.counts.get("rnas", card.counts.get("proteins"))
    if not count:
        return Workload(name, None, 1, False)
    bases = card.counts.get("bases", card.counts.get("residues"))
    rows = card.counts.get("rows", count) / count if "alignments" in card.tasks else 1
    return Workload(name, np.full(count, bases / count if bases else np.inf), rows, False)


def reading(card: ModelCard, load: Workload, on: Machine, *, max_bases: int | None = None, limit: int | None = None, states: bool = False) -> Cost | None:
    """Estimate one pass of a model over a data set.

    With P parameters, N layers, H heads, width D and T tokens, an RNA takes ``2 P T + 4 N D T^2`` operations; R rows of an
    alignment R times that, and ``4 N D R^2 T`` for the attention within columns. To the time of these come the maps, H numbers
    of 4 bytes for each pair of tokens and layer, which pass through the memory `MAP_TRIPS` times.

    Parameters
    ----------
    card : ModelCard
    load : Workload
    on : Machine
    max_bases : int, optional
        Longer RNAs are left out, as are those that are too long for the model.
    limit : int, optional
        At most so many RNAs; the longest are counted.
    states : bool
        Hidden states of all layers are kept until an RNA is pooled, and vectors of each layer are cached.

    Returns
    -------
    Cost or None
        None where a card does not say what is needed.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> from rnastudy.runs.machines import machine
    >>> cost = reading(cards()["rnafm"], workload("srtest150"), machine("h200"))
    >>> f"{cost.flops / 1e12:.1f} TFLOP, {cost.rnas} RNAs"
    '3.4 TFLOP, 219 RNAs'
    """
    if load.lengths is None or card.parameters_million is None or None in (card.layers, card.heads, card.width):
        return None
    lengths = _kept(load, [bound for bound in (max_bases, card.max_bases) if bound])
    tokens = np.sort(np.ceil(lengths / _bases_a_token(card)) + 2)[::-1][:limit]
    if not len(tokens):
        return Cost(0, 0, 0)
    rows = min(load.rows, card.max_rows or load.rows) if card.reads_alignment else 1
    return _cost(card, tokens, rows, on, states)


def _cost(card: ModelCard, tokens: NDArray[np.float64], rows: float, on: Machine, states: bool) -> Cost:
    layers, heads, width = card.sizes
    size, count = _batches(tokens, heads, alone=card.reads_alignment)
    columns = 4 * layers * width * rows**2 * size if rows > 1 else 0
    flops = float(np.sum(count * (rows * (weight_bytes(card) / 2 * size + 4 * layers * width * size**2) + columns)))
    moved = float(np.sum(count * 4 * layers * heads * size**2 * MAP_TRIPS))
    seconds = flops / (COMPUTE_SHARE * on.flops) + moved / (MEMORY_SHARE * on.bandwidth) + len(size) * layers * on.layer_seconds
    kept = TOKEN_WIDTHS + (layers + 1 if states else 0)
    maps = COPIES * 4 * heads * (size**2 + (rows**2 * size if rows > 1 else 0))
    batch = float(np.max(count * (maps + 4 * kept * width * size * rows)))
    vectors = 4.0 * len(tokens) * (layers + 1) * (LAYER_VECTORS * width + DESCRIPTOR) if states else 0
    return Cost(flops, seconds, on.own_memory + weight_bytes(card) + batch, len(tokens), vectors)


def _batches(tokens: NDArray[np.float64], heads: int, *, alone: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide RNAs, longest first, into batches as the probe does: tokens that all of a batch are padded to, and its RNAs."""
    room = np.ones_like(tokens) if alone else np.maximum(1, BATCH_BYTES // (COPIES * 4 * heads * tokens**2))
    starts = [0]
    while starts[-1] < len(tokens):
        starts.append(min(len(tokens), starts[-1] + int(room[starts[-1]])))
    return tokens[starts[:-1]], np.diff(starts).astype(float)


def _kept(load: Workload, bounds: list[int]) -> NDArray[np.float64]:
    """Leave out RNAs that are too long; where only the mean is known, or not even that, shorten them instead."""
    assert load.lengths is not None
    longest = min(bounds, default=np.inf)
    if load.exact:
        return load.lengths[load.lengths <= longest]
    return np.minimum(np.where(np.isinf(load.lengths), LONGEST, load.lengths), longest)


def _bases_a_token(card: ModelCard) -> int:
    """Bases of a token that shares none with its neighbours; 1 for all others, byte pairs too, which is an upper bound."""
    found = re.match(r"non-overlapping (\d+)-mer", card.token_unit)
    return int(found[1]) if found else 1


def weight_bytes(card: ModelCard) -> float:
    """Return the bytes of a model's weights in fp32, which is also how they are taken to be stored.

    Raises
    ------
    StudyError
        If its card does not say how many parameters it has.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> round(weight_bytes(cards()["rnafm"]) / 1e6)
    398
    """
    if card.parameters_million is None:
        raise StudyError(f"card {card.key!r} does not say how many parameters it has; add parameters_million to models.yml")
    return 4e6 * card.parameters_million


def assumptions() -> list[str]:
    """Say in words what the estimates take for granted.

    Examples
    --------
    >>> assumptions()[0]
    'Weights and numbers are fp32, 4 bytes each, and are fetched and stored so.'
    """
    return [
        "Weights and numbers are fp32, 4 bytes each, and are fetched and stored so.",
        f"Matrix products reach {COMPUTE_SHARE:.0%} of the fp32 peak, without TF32; moving numbers reaches {MEMORY_SHARE:.0%} of the memory's speed.",
        f"The maps of a layer pass through the memory {MAP_TRIPS} times; {COPIES} copies of them are alive at once.",
        f"RNAs are read longest first, in batches whose maps take {BATCH_BYTES / MIB:.0f} MiB or what one RNA needs, padded to the longest.",
        "Lengths of embedded data are read; every RNA of a public set has the mean length on its card,"
        f" or {LONGEST} bases where its card counts none, unless model or analysis take only shorter ones.",
        "A run holds the vectors of all layers of its models, trained and untrained, in main memory and keeps them on disk.",
        "Overlapping k-mers and byte pairs are counted as one token a base. Convolutions over maps and limits on a family's size are not counted.",
        *(f"{one.name}: {one.flops / 1e12:g} TFLOP/s, {one.bandwidth / 1e12:g} TB/s, {one.memory / 1e9:g} GB ({one.source})." for one in MACHINES.values()),
    ]
