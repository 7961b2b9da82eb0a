"""Training sequences: bases as numbers, synthetic hairpins, batches of like length.

Every batch is a function of (seed, step) alone, so a run that was stopped goes on exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["Corpus", "encode", "hairpins", "pad", "single_hairpins", "structure_symbols"]

_CODE = np.full(256, 5, dtype=np.int64)
_CODE[np.frombuffer(b"ACGUN-", dtype=np.uint8)] = [0, 1, 2, 3, 5, 6]
_PAIRS = np.array([[2, 1], [1, 2], [0, 3], [3, 0], [2, 3], [3, 2]])
_PAIR_SHARES = np.array([0.3, 0.3, 0.15, 0.15, 0.05, 0.05])


def encode(sequence: str) -> np.ndarray:
    """Number the letters: A C G U are 0 to 3, N is 5, a gap is 6.

    Examples
    --------
    >>> encode("ACGUN-").tolist()
    [0, 1, 2, 3, 5, 6]
    """
    return _CODE[np.frombuffer(sequence.encode(), dtype=np.uint8)]


def structure_symbols(rna: Rna) -> np.ndarray:
    """Number the dot-bracket symbols of an RNA: 0 unpaired, 1 opening, 2 closing; -100 throughout where the structure is not known.

    Examples
    --------
    >>> structure_symbols(Rna("a", "GAAAC", pairs=((0, 4),))).tolist()
    [1, 0, 0, 0, 2]
    """
    symbols = np.full(len(rna), 0 if rna.pairs is not None else -100, dtype=np.int64)
    for opening, closing in rna.pairs or ():
        symbols[opening], symbols[closing] = 1, 2
    return symbols


def _hairpin(rng: np.random.Generator, low: int, high: int) -> np.ndarray:
    stem, loop = rng.integers(low, high + 1), rng.integers(3, 9)
    pairs = _PAIRS[rng.choice(len(_PAIRS), size=stem, p=_PAIR_SHARES)]
    return np.concatenate([pairs[:, 0], rng.integers(0, 4, loop), pairs[::-1, 1]])


def single_hairpins(count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw sequences of one perfect hairpin each: stem of 6 to 12 pairs, loop of 3 to 8 bases, short tails.

    Parameters
    ----------
    count : int
        Number of sequences.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    list of int arrays
        Bases numbered as by `encode`.

    Examples
    --------
    >>> [int(row.max()) <= 3 for row in single_hairpins(2, np.random.default_rng(0))]
    [True, True]
    """
    ends = [rng.integers(0, 4, rng.integers(0, 7)) for _ in range(2 * count)]
    return [np.concatenate([ends[2 * k], _hairpin(rng, 6, 12), ends[2 * k + 1]]) for k in range(count)]


def hairpins(count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw sequences of two to four hairpins with stems of 4 to 10 pairs and random linkers, at most 110 bases.

    Examples
    --------
    >>> all(len(row) <= 110 for row in hairpins(20, np.random.default_rng(0)))
    True
    """
    drawn = []
    for _ in range(count):
        parts = [rng.integers(0, 4, rng.integers(0, 9))]
        for _ in range(rng.integers(2, 5)):
            parts += [_hairpin(rng, 4, 10), rng.integers(0, 4, rng.integers(0, 9))]
        drawn.append(np.concatenate(parts)[:110])
    return drawn


def pad(rows: Sequence[np.ndarray], value: int, end: int | None = None) -> np.ndarray:
    """Stack rows of unlike length, filled up with `value`; `end` is put at both ends first.

    Examples
    --------
    >>> pad([np.array([1]), np.array([2, 3])], value=7, end=6).tolist()
    [[6, 1, 6, 7], [6, 2, 3, 6]]
    """
    if end is not None:
        rows = [np.concatenate([[end], row, [end]]) for row in rows]
    stacked = np.full((len(rows), max(len(row) for row in rows)), value, dtype=np.int64)
    for k, row in enumerate(rows):
        stacked[k, : len(row)] = row
    return stacked


@dataclass
class Corpus:
    """Sequences of several data sets with a weight each, drawn in batches of like length.

    Parameters
    ----------
    rows : list of int arrays
        Bases of each sequence, or the stacked rows (R, L) of each alignment.
    weights : float array, shape (S,)
        Chance of each, summing to one.
    bucket : int
        Lengths within a bucket of this many bases share a batch.
    symbols : list of int arrays
        Structure of each as `structure_symbols` gives it; empty for alignments.
    """

    rows: list[np.ndarray]
    weights: np.ndarray
    bucket: int = 10
    symbols: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.rows:
            raise StudyError("a training corpus holds no sequence in the allowed range of lengths; widen the recipe's bases")
        buckets = np.array([row.shape[-1] // self.bucket for row in self.rows])
        lengths = np.array([row.shape[-1] for row in self.rows])
        names, self._member = np.unique(buckets, return_inverse=True)
        self._share = np.bincount(self._member, self.weights * lengths, minlength=len(names))
        self._share = self._share / self._share.sum()

    @classmethod
    def mix(cls, sets: Sequence[tuple[Sequence[Rna], float]], bases: tuple[int, int], *, aligned: bool = False) -> Corpus:
        """Mix data sets; each has its weight in total, whatever its number of sequences."""
        rows: list[np.ndarray] = []
        symbols: list[np.ndarray] = []
        weights: list[float] = []
        for rnas, weight in sets:
            chosen = [rna for rna in rnas if bases[0] <= len(rna) <= bases[1]]
            rows += [np.stack([encode(row) for row in rna.alignment or ()]) if aligned else encode(rna.sequence) for rna in chosen]
            symbols += [] if aligned else [structure_symbols(rna) for rna in chosen]
            weights += [weight / max(len(chosen), 1)] * len(chosen)
        total = np.array(weights)
        return cls(rows, total / total.sum() if len(total) else total, symbols=symbols)

    def pick(self, tokens: int, rng: np.random.Generator, *, rows: int = 1) -> np.ndarray:
        """Number the sequences of one batch of about `tokens` bases (cells, for alignments with `rows` rows each)."""
        chosen = np.flatnonzero(self._member == rng.choice(len(self._share), p=self._share))
        length = max(self.rows[k].shape[-1] for k in chosen) + 2
        share = self.weights[chosen] / self.weights[chosen].sum()
        return rng.choice(chosen, size=max(1, tokens // (length * rows)), p=share)

    def draw(self, tokens: int, rng: np.random.Generator, *, rows: int = 1) -> list[np.ndarray]:
        """Draw one batch; see `pick`."""
        return [self.rows[k] for k in self.pick(tokens, rng, rows=rows)]
