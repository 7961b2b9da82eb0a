"""Nulls made from the RNAs themselves: what should break a model's score, and what should not.

Mirrored keeps every pairing rule and no memory of real sequences. Dinucleotide-shuffled keeps composition and stacking
letters and no structure. Column-shuffled keeps each column of an alignment and no covariation.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["column_shuffled", "dinucleotide_shuffled", "mirrored", "shuffle_dinucleotides"]


def mirrored(rna: Rna) -> Rna:
    """Read the RNA backwards (not complemented), its pairs, unresolved bases and alignment with it.

    Examples
    --------
    >>> back = mirrored(Rna("a", "GGAAAAUC", pairs=((1, 6),)))
    >>> back.sequence, back.pairs
    ('CUAAAAGG', ((1, 6),))
    """
    last = len(rna) - 1
    pairs = None if rna.pairs is None else tuple(sorted((last - j, last - i) for i, j in rna.pairs))
    rows = None if rna.alignment is None else tuple(row[::-1] for row in rna.alignment)
    unresolved = frozenset(last - base for base in rna.unresolved)
    return rna.with_(sequence=rna.sequence[::-1], pairs=pairs, alignment=rows, unresolved=unresolved, natural=False)


def dinucleotide_shuffled(rna: Rna, *, seed: int = 0) -> Rna:
    """Shuffle the sequence, keeping every dinucleotide count; name, family and reference pairs stay as they were.

    The reference is kept on purpose: what a method still scores on it is what it gets from composition and length alone.
    The alignment is dropped, for it no longer fits. The order depends on the seed, the name and the sequence only.

    Examples
    --------
    >>> shuffled = dinucleotide_shuffled(Rna("a", "GGACUUCGGUCC"))
    >>> sorted(shuffled.sequence) == sorted("GGACUUCGGUCC"), shuffled.name
    (True, 'a')
    """
    return rna.with_(sequence=shuffle_dinucleotides(rna.sequence, _generator(rna, seed)), alignment=None, natural=False)


def shuffle_dinucleotides(sequence: str, rng: np.random.Generator) -> str:
    """Draw uniformly from all orders of the letters with the same dinucleotide counts.

    Altschul and Erickson, Mol. Biol. Evol. 2, 526-538, 1985: letters are vertices, dinucleotides edges, and a shuffle is
    a random Eulerian walk. The last edge out of each letter is drawn until these lead from everywhere to the last
    letter; all other edges are then shuffled. First and last letter stay.

    Examples
    --------
    >>> shuffle_dinucleotides("AAAA", np.random.default_rng(0))
    'AAAA'
    """
    if not sequence:
        raise StudyError("no letters to shuffle; give a sequence")
    successors: dict[str, list[str]] = {}
    for here, there in pairwise(sequence):
        successors.setdefault(here, []).append(there)
    last = _last_edges(successors, sequence[-1], rng)
    walks = {letter: _ordered(edges, last.get(letter), rng) for letter, edges in successors.items()}
    out = [sequence[0]]
    while walks.get(out[-1]):
        out.append(walks[out[-1]].pop())
    return "".join(out)


def _last_edges(successors: dict[str, list[str]], end: str, rng: np.random.Generator) -> dict[str, str]:
    """Draw one edge out of each letter but `end` until following them always arrives at `end`."""
    letters = [letter for letter in successors if letter != end]
    while True:
        last = {letter: successors[letter][rng.integers(len(successors[letter]))] for letter in letters}
        reached = {end}
        for _ in letters:
            reached |= {letter for letter, there in last.items() if there in reached}
        if reached.issuperset(letters):
            return last


def _ordered(edges: list[str], last: str | None, rng: np.random.Generator) -> list[str]:
    """Shuffle the edges out of a letter into the order in which they are popped, `last` popped at the end."""
    rest = list(edges)
    if last is not None:
        rest.remove(last)
    shuffled = [rest[k] for k in rng.permutation(len(rest))]
    return shuffled if last is None else [last, *shuffled]


def column_shuffled(rna: Rna, *, seed: int = 0) -> Rna:
    """Shuffle the letters of each alignment column among the rows below the first; gaps stay where they are.

    Each column keeps its letters, so conservation stays and covariation goes. The first row stays, for it is the RNA itself.

    Raises
    ------
    StudyError
        Without an alignment.

    Examples
    --------
    >>> rows = ("GC", "CG", "A-", "UA")
    >>> column_shuffled(Rna("a", "GC", alignment=rows)).alignment[2][1]
    '-'
    """
    if rna.alignment is None:
        raise StudyError(f"RNA {rna.name!r} has no alignment; column shuffling needs one")
    rng = _generator(rna, seed)
    letters = np.array([list(row) for row in rna.alignment])
    for column in letters.T:
        filled = 1 + np.flatnonzero(column[1:] != "-")
        column[filled] = column[rng.permutation(filled)]
    return rna.with_(alignment=tuple("".join(row) for row in letters), natural=False)


def _generator(rna: Rna, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{rna.name}\0{rna.sequence}".encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
