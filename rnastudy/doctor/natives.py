"""Real RNAs to examine a model on, and what can be guessed of a hidden base without any model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnastudy import datasets
from rnastudy.models.proteins import PROTEIN
from rnastudy.protein import AMINO_ACIDS
from rnastudy.rna import Rna

__all__ = ["LETTERS", "baselines", "numbers", "scored", "some"]

LETTERS = "ACGU"
#: Bases of the RNAs that are used, and how many are taken of one family of the seeds.
SHORTEST, LONGEST, A_FAMILY = 30, 150, 100
#: Bases counted from either end, and stretches of what lies between, in the baseline of positions.
ENDS, STRETCHES = 5, 10
#: Weight of the shares of the letters at every position of that baseline, in bases.
PRIOR = 20.0


def _usable(name: str) -> list[Rna]:
    found = {rna.sequence: rna for rna in datasets.load(name).rnas if SHORTEST <= len(rna) <= LONGEST and set(rna.sequence) <= set(LETTERS)}
    return list(found.values())


@cache
def scored() -> tuple[Rna, ...]:
    """Natural RNAs with bases to hide: the structures to test on, and seeds of held-out families, at most 100 a family.

    Returns
    -------
    tuple of Rna
        30 to 150 bases, no N, every sequence once, in an order that mixes the families.

    Examples
    --------
    >>> all(rna.natural for rna in scored())
    True
    """
    seeds = _usable("rfam_seeds_heldout")
    families: dict[str | None, list[Rna]] = {}
    for rna in seeds:
        families.setdefault(rna.family, []).append(rna)
    chosen = [*_usable("srtest150"), *(rna for members in families.values() for rna in members[:A_FAMILY])]
    order = np.random.default_rng(0).permutation(len(chosen))
    return tuple(chosen[place] for place in order)


@cache
def _proteins() -> tuple[Any, ...]:
    chains = datasets.proteins("proteins_test").proteins
    return tuple(one for one in chains if SHORTEST <= len(one) <= LONGEST and set(one.sequence) <= set(AMINO_ACIDS))


def some(count: int, alphabet: str = "U") -> tuple[Any, ...]:
    """Take a few real molecules of the kind that a model reads: of `scored`, or proteins.

    Parameters
    ----------
    count : int
        How many.
    alphabet : str
        Of the model's reader; ``protein`` for a model of proteins.

    Returns
    -------
    tuple of Rna or Protein
        30 to 150 bases or residues.

    Examples
    --------
    >>> len(some(3)), len(some(3, "protein"))
    (3, 3)
    """
    return (_proteins() if alphabet == PROTEIN else scored())[:count]


def numbers(sequence: str) -> NDArray[np.int64]:
    """Number the bases A, C, G, U from 0 to 3.

    Examples
    --------
    >>> numbers("GAU").tolist()
    [2, 0, 3]
    """
    return np.array([LETTERS.index(letter) for letter in sequence], dtype=np.int64)


def _place(base: int, length: int) -> int:
    """Class of a position: one of the first or last bases, or a stretch of what lies between."""
    if base < ENDS:
        return base
    if length - 1 - base < ENDS:
        return ENDS + STRETCHES + length - 1 - base
    return ENDS + (base - ENDS) * STRETCHES // (length - 2 * ENDS)


@cache
def _tables() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the letters in the RNAs to choose on, in all and by class of position."""
    rnas = _usable("srtrain150")
    letters = np.bincount(np.concatenate([numbers(rna.sequence) for rna in rnas]), minlength=4).astype(np.float64)
    places: NDArray[np.float64] = np.tile(PRIOR * letters / letters.sum(), (2 * ENDS + STRETCHES, 1))
    for rna in rnas:
        for base, number in enumerate(numbers(rna.sequence)):
            places[_place(base, len(rna)), number] += 1
    return letters, places


def baselines(rna: Rna, bases: Sequence[int]) -> dict[str, NDArray[np.bool_]]:
    """Say at which bases a guess without any model is right.

    Parameters
    ----------
    rna : Rna
        At least 10 bases.
    bases : sequence of int
        Bases that are guessed, counted from zero, K of them.

    Returns
    -------
    dict of str to bool array, shape=(K,)
        ``unigram``: always the commonest letter of the RNAs to choose on; ``position``: the commonest at the place.

    Examples
    --------
    >>> sorted(baselines(Rna("a", "GGGGAAAACCCC"), [0, 11]))
    ['position', 'unigram']
    """
    letters, places = _tables()
    truth = numbers(rna.sequence)[list(bases)]
    guessed = np.array([places[_place(base, len(rna))].argmax() for base in bases], dtype=np.int64)
    return {"unigram": truth == letters.argmax(), "position": truth == guessed}
