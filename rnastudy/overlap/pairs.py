"""How the review drew its pairs, and what one of its rules does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError, unknown
from rnastudy.overlap.space import unit_vectors

__all__ = ["RULES", "Contamination", "Indices", "Rule", "contamination", "draw_pairs", "pair_cosines", "rule_named"]

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Rule:
    """How the review drew pairs of one data set, and where it read the densities."""

    name: str
    grid: NDArray[np.float64]
    repeats: int
    labelled_negatives: bool


#: ``rfam``: negatives of two different families, each family equally likely.  ``archiveii``: negatives of
#: two draws from the list of per-sequence labels, which may be the same label.
RULES = {
    "rfam": Rule("rfam", np.linspace(-0.5, 1.0, 200), 3, True),
    "archiveii": Rule("archiveii", np.linspace(0.0, 1.2, 200), 4, False),
}


def rule_named(name: str) -> Rule:
    """Return a rule, or raise a `StudyError` that lists the known ones."""
    if name not in RULES:
        raise unknown("pair rule", name, RULES)
    return RULES[name]


def draw_pairs(families: Sequence[str], rng: np.random.Generator, *, n: int = 100_000, rule: str = "rfam") -> tuple[Indices, Indices]:
    """Draw the review's positive and negative pairs.

    A positive pair: a family with more than two members drawn uniformly, then two different members.
    A negative pair by the ``rfam`` rule: two different families drawn uniformly among all, one
    member of each; by the ``archiveii`` rule: two labels drawn, independently, from the list that holds
    one label a sequence, then one member of each (it can be twice the same sequence).

    Parameters
    ----------
    families : sequence of str, length S
        Family of each sequence.
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Pairs of each kind.
    rule : {"rfam", "archiveii"}
        Rule of the negatives.

    Returns
    -------
    positive, negative : ndarray of int, shape=(n, 2)
        Sequences counted from zero.

    Raises
    ------
    StudyError
        If no family has more than two members, or there is one family only.

    Examples
    --------
    >>> positive, negative = draw_pairs(["a", "a", "a", "b"], np.random.default_rng(0), n=5)
    >>> set(positive.ravel()) <= {0, 1, 2}, set(negative.max(axis=1).tolist())
    (True, {3})
    """
    kinds, label = np.unique(np.asarray(families), return_inverse=True)
    sizes = np.bincount(label)
    eligible = np.flatnonzero(sizes > 2)
    if not eligible.size:
        raise StudyError(f"none of {len(kinds)} families has more than two members, so the review's rule draws no positive pair; use the careful protocol")
    if len(kinds) < 2:
        raise StudyError(f"one family only ({kinds[0]}), so there is no negative pair; give at least two families")
    members = _Members(label, sizes)
    positive = members.two_of(rng.choice(eligible, n), rng)
    if rule_named(rule).labelled_negatives:
        first = rng.integers(len(kinds), size=n)
        second = rng.integers(len(kinds) - 1, size=n)
        second += second >= first
    else:
        first, second = label[rng.integers(len(label), size=(2, n))]
    return positive, np.stack([members.one_of(first, rng), members.one_of(second, rng)], axis=1)


class _Members:
    """Sequences of each family, for drawing."""

    def __init__(self, label: Indices, sizes: Indices) -> None:
        self.sizes, self.start, self.sequence = sizes, np.cumsum(sizes) - sizes, np.argsort(label, kind="stable")

    def one_of(self, family: Indices, rng: np.random.Generator) -> Indices:
        """Draw one member of each family, shape (n,)."""
        return self.sequence[self.start[family] + rng.integers(self.sizes[family])]

    def two_of(self, family: Indices, rng: np.random.Generator) -> Indices:
        """Draw two different members of each family, shape (n, 2)."""
        first = rng.integers(self.sizes[family])
        second = rng.integers(self.sizes[family] - 1)
        second += second >= first
        return self.sequence[self.start[family, None] + np.stack([first, second], axis=1)]


def pair_cosines(vectors: NDArray, pairs: Indices, names: Sequence[str] | None = None) -> NDArray[np.float64]:
    """Return the cosine of each pair.

    Examples
    --------
    >>> pair_cosines(np.array([[1.0, 0], [1, 1]]), np.array([[0, 1], [1, 1]])).round(3).tolist()
    [0.707, 1.0]
    """
    unit = unit_vectors(vectors, names)
    parts = np.array_split(pairs, max(1, len(pairs) * unit.shape[1] // 2**22))
    return np.concatenate([np.einsum("sd,sd->s", unit[part[:, 0]], unit[part[:, 1]]) for part in parts])


@dataclass(frozen=True)
class Contamination:
    """What drawing 'negatives' from per-sequence labels does, computed and not drawn.

    Attributes
    ----------
    same_family : float
        Share of 'negatives' that are of one family.
    same_sequence : float
        Share that is a sequence paired with itself.
    floor : float
        Overlap ratio, on exact histograms, of a model that tells all families apart perfectly.
    """

    same_family: float
    same_sequence: float
    floor: float


def contamination(families: Sequence[str]) -> Contamination:
    """Return how many 'negatives' of the ``archiveii`` rule are none, and the floor this puts under OR.

    Two independent draws of a label agree with probability ``q = sum((n_f / S)**2)``.  If same-family
    similarities had one distribution and others another, disjoint one, the share q of 'negatives' would
    lie under the positives: ``OVL = q`` and ``OR = q / (2 - q)``.  This is the floor of exact histograms.
    Kernels as wide as Scott's rule makes them for two-peaked negatives smear that share, so a model with
    sharply peaked positives can fall below it.

    Examples
    --------
    >>> contamination(["a", "a", "b", "b"])
    Contamination(same_family=0.5, same_sequence=0.25, floor=0.3333333333333333)
    """
    sizes = np.unique(np.asarray(families), return_counts=True)[1]
    share = float(((sizes / sizes.sum()) ** 2).sum())
    return Contamination(share, 1 / int(sizes.sum()), share / (2 - share))
