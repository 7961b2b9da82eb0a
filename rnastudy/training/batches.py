"""Batches of a recipe, each a function of the seed and the step."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnastudy.modeling import ALIGNMENT_TOKENS, TOKENS
from rnastudy.modeling.pieces import Pieces
from rnastudy.training.corpora import Corpus, hairpins, pad, single_hairpins
from rnastudy.training.masking import mask, mask_kmers, mask_pieces
from rnastudy.training.recipes import Recipe, Stage
from rnastudy.training.sources import in_validation, training_rnas

__all__ = ["Batch", "Batches", "pieces_of"]

_SYNTHETIC = {"hairpins": hairpins, "single_hairpins": single_hairpins}


class Batch(NamedTuple):
    """One batch.

    Parameters
    ----------
    shown, labels : Tensor, shape (B, T) or (B, R, T)
        What the model sees, and what it must name (-100: nothing).
    symbols : Tensor, shape (B, T), optional
        Dot-bracket symbols, -100 where unknown; for a recipe with a structure loss.
    """

    shown: Tensor
    labels: Tensor
    symbols: Tensor | None = None

    def to(self, device: str) -> Batch:
        """Move to a device."""
        return Batch(self.shown.to(device), self.labels.to(device), None if self.symbols is None else self.symbols.to(device))


def pieces_of(recipe: Recipe) -> Pieces | None:
    """Make the vocabulary of a recipe; ``None`` for single bases. Byte pairs are learned from all that is trained on.

    Examples
    --------
    >>> len(pieces_of(Recipe("encoder", {}, (), 1, unit="kmer", unit_size=3)))
    72
    """
    if recipe.unit == "base":
        return None
    if recipe.unit == "kmer":
        return Pieces.kmers(recipe.unit_size)
    names = {name for stage in recipe.stages for name in stage.corpora if name not in _SYNTHETIC}
    rnas = [rna for name in sorted(names) for rna in training_rnas(name) if recipe.bases[0] <= len(rna) <= recipe.bases[1]]
    return Pieces.byte_pairs((rna.sequence for rna in rnas if not in_validation(rna.family or rna.name)), recipe.unit_size)


class Batches:
    """Batches of a recipe, each a function of the seed and the step.

    Parameters
    ----------
    recipe : Recipe
        What to draw from and what to hide.
    seed : int
        Decides every batch.

    Attributes
    ----------
    checksums, sizes : dict
        Checksum and number of RNAs of each corpus.
    held : list of Batch
        Of families that are not trained on, masked once and for all.
    """

    def __init__(self, recipe: Recipe, seed: int) -> None:
        self.recipe, self.seed = recipe, seed
        self.aligned = recipe.architecture == "alignment"
        self.pieces = pieces_of(recipe)
        self.checksums: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        loaded = {name: self._load(name) for stage in recipe.stages for name in stage.corpora if name not in _SYNTHETIC}
        self.corpora = [self._mix(stage, {name: split[0] for name, split in loaded.items()}) for stage in recipe.stages]
        held = _split(training_rnas(recipe.validation))[1] if recipe.validation else [rna for split in loaded.values() for rna in split[1]]
        self.held = self._validation(held)

    def _load(self, name: str) -> tuple[list[Any], list[Any]]:
        """Split a data set by family into training and validation."""
        rnas = training_rnas(name)
        self.checksums[name], self.sizes[name] = _content(rnas), len(rnas)
        return _split(rnas)

    def _mix(self, stage: Stage, sets: dict[str, list[Any]]) -> Corpus | None:
        real = [(sets[name], weight) for name, weight in stage.corpora.items() if name in sets]
        return Corpus.mix(real, self.recipe.bases, aligned=self.aligned) if real else None

    def _validation(self, rnas: list[Any]) -> list[Batch]:
        """Batches of held-out families at full depth, masked once and for all."""
        rng = np.random.default_rng([self.seed, 1 << 20])
        corpus = Corpus.mix([(rnas, 1.0)], self.recipe.bases, aligned=self.aligned)
        return [self._real(corpus, rng, self.recipe.rows) for _ in range(8)]

    def _real(self, corpus: Corpus, rng: np.random.Generator, depth: int) -> Batch:
        """One batch of sequences, or of alignments with `depth` random rows each."""
        if not self.aligned:
            picked = corpus.pick(self.recipe.tokens, rng)
            return self._ready([corpus.rows[k] for k in picked], rng, [corpus.symbols[k] for k in picked])
        rows = corpus.draw(self.recipe.tokens, rng, rows=depth)
        stacked = np.full((len(rows), depth, max(row.shape[1] for row in rows)), ALIGNMENT_TOKENS["PAD"])
        for k, row in enumerate(rows):
            shown = row[rng.permutation(len(row))[:depth]]
            stacked[k, : shown.shape[0], : shown.shape[1]] = shown
        return Batch(*mask(stacked, self.recipe, rng))

    def _ready(self, rows: list[np.ndarray], rng: np.random.Generator, symbols: list[np.ndarray] | None = None) -> Batch:
        if self.pieces is not None:
            return Batch(*(mask_kmers if self.pieces.unit == "kmer" else mask_pieces)(rows, self.pieces, self.recipe, rng))
        shown, labels = mask(pad(rows, TOKENS["PAD"], end=TOKENS["SINK"]), self.recipe, rng)
        known = torch.from_numpy(pad(symbols, -100, end=-100)) if self.recipe.structure_loss and symbols else None
        return Batch(shown, labels, known)

    def stage(self, step: int) -> int:
        """Number of the stage that a step lies in."""
        ends = np.cumsum([stage.share for stage in self.recipe.stages]) * self.recipe.steps
        return min(int(np.searchsorted(ends, step, side="right")), len(ends) - 1)

    def draw(self, step: int) -> Batch:
        """The batch of a step: one corpus of the stage, chosen by weight."""
        rng, number = np.random.default_rng([self.seed, step]), self.stage(step)
        stage, corpus = self.recipe.stages[number], self.corpora[number]
        weights = {name: weight for name, weight in stage.corpora.items() if name in _SYNTHETIC}
        weights[""] = sum(stage.corpora.values()) - sum(weights.values())
        name = rng.choice(list(weights), p=np.array(list(weights.values())) / sum(weights.values()))
        if name:
            count = self.recipe.tokens // (30 if name == "single_hairpins" else 80)
            return self._ready(_SYNTHETIC[name](count, rng), rng)
        assert corpus is not None
        return self._real(corpus, rng, 2 ** int(rng.integers(int(math.log2(self.recipe.rows)) + 1)) if self.aligned else 1)


def _split(rnas: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """Training and validation, by family."""
    parts: tuple[list[Any], list[Any]] = ([], [])
    for rna in rnas:
        parts[in_validation(rna.family or rna.name)].append(rna)
    return parts


def _content(rnas: Iterable[Any]) -> str:
    """Checksum of the sequences themselves, so that it does not change when a file is packed anew."""
    rows = ("\t".join((rna.name, *(rna.alignment or (rna.sequence,)))) for rna in rnas)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
