"""Corpora by name: data sets as they are, and the controlled variants that experiments compare.

No variant holds a family of ``heldout.csv``: drawn ones come from the training split, real ones are filtered by it. That
table also lists every family with a real sequence like an RNA of the structure sets, so what is left has no such relative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from rnastudy.errors import unknown
from rnastudy.rna import Rna
from rnastudy.training.recipes import Recipe

__all__ = ["VARIANTS", "columns_shuffled", "family_labels", "in_validation", "nearest_hashes", "paired_share", "training_rnas"]

_DRAWN, _ALIGNED = "rfam_drawn_train", "rfam_drawn_alignments"
_REAL = ("rfam_seeds_train", "rfam_5_seed", "rfam_3d_seed")
_REAL_ALIGNED = ("rfam_seed_alignments", "rfam_5_seed_alignments", "rfam_3d_seed_alignments")
#: Longest sequence that variants are made of, so that nothing is shuffled that no recipe reads.
_LONGEST = 130
_CANONICAL = {"AU", "UA", "GC", "CG", "GU", "UG"}

#: How often each trinucleotide stands in the genome of Methanobrevibacter ruminantium M1 (NC_013790.1, 2,937,203 bases, GC
#: 32.6 %), forward strand, in the order AAA, AAC, AAG, AAU, ACA, ... Counted in ``tutorial/mrum-genome.fa`` of infernal 1.1.4
#: (sha256 5f6695b3ee378a1b51d66284579f83340b5268a66eedd79b26ed5da40b7aee83).
GENOME_TRINUCLEOTIDES = (
    (141594, 42248, 69155, 121063),
    (42382, 23918, 9895, 38108),
    (58965, 33528, 36775, 39621),
    (93073, 56311, 56818, 122353),
    (65185, 19701, 33091, 57949),
    (36687, 13487, 9194, 37350),
    (12303, 7095, 9010, 9962),
    (38760, 27776, 33018, 68948),
    (65768, 23580, 27625, 55517),
    (35980, 17413, 6989, 33902),
    (40662, 17478, 13264, 23932),
    (29322, 23706, 19979, 44098),
    (101513, 28774, 39018, 94025),
    (60877, 41900, 12292, 59143),
    (60560, 36183, 36287, 43590),
    (102175, 66419, 66805, 143102),
)


@lru_cache(maxsize=16)
def training_rnas(name: str) -> tuple[Rna, ...]:
    """Return the RNAs of a corpus: a data set by its name, or one of `VARIANTS`.

    Parameters
    ----------
    name : str
        Of a data set or a variant.

    Returns
    -------
    tuple of Rna
        The same for every seed; what a variant shuffles or draws depends on names and sequences alone.

    Raises
    ------
    StudyError
        For an unknown name, or a data set that is neither here nor can be fetched.

    Examples
    --------
    >>> {rna.natural for rna in training_rnas("drawn-10%")}
    {False}
    """
    from rnastudy import datasets

    if name in VARIANTS:
        return tuple(VARIANTS[name]())
    if name not in datasets.cards():
        raise unknown("training corpus", name, [*datasets.cards(), *VARIANTS])
    return tuple(datasets.load(name).rnas)


def family_labels(recipe: Recipe) -> set[str] | None:
    """Families, and their clans, that a recipe is trained on; ``None`` where a corpus is not on this machine.

    Examples
    --------
    >>> from rnastudy.training.zoo import ZOO
    >>> labels = family_labels(ZOO["zoo/micro-rnas"])
    >>> labels < family_labels(ZOO["zoo/drawn"]), "RF00005" in labels
    (True, False)
    """
    from rnastudy import datasets

    names = {name for stage in recipe.stages for name in stage.corpora} & {*VARIANTS, *datasets.cards()}
    needed = {public for name in names if name.startswith("real") for public in _REAL + _REAL_ALIGNED}
    if any(datasets.missing_files(datasets.card(public)) for public in needed):
        return None
    low, high = recipe.bases
    rnas = [rna for name in names for rna in training_rnas(name) if low <= len(rna) <= high and not in_validation(rna.family or rna.name)]
    return {label for rna in rnas for label in (rna.family, rna.clan) if label}


def in_validation(label: str) -> bool:
    """Say whether a family (an RNA, where none is known) is kept out of training to measure the loss on: one in twenty, by hash.

    Examples
    --------
    >>> in_validation("RF00001")
    False
    """
    return hashlib.sha256(label.encode()).digest()[0] < 13


def _drawn() -> list[Rna]:
    return [rna for rna in training_rnas(_DRAWN) if len(rna) <= _LONGEST]


def _not_held(names: tuple[str, ...]) -> list[Rna]:
    """RNAs of families that may be trained on, no sequence twice."""
    from rnastudy import datasets

    held = {row["family"] for row in datasets.table("heldout_families")}
    found: dict[str, Rna] = {}
    for name in names:
        for rna in datasets.load(name).rnas:
            if rna.family not in held:
                found.setdefault(rna.sequence, rna)
    return list(found.values())


def _real() -> list[Rna]:
    return [rna for rna in _not_held(_REAL) if len(rna) <= _LONGEST]


def _real_alignments() -> list[Rna]:
    """Real seed alignments of families that may be trained on, one a family, the deepest."""
    best: dict[str, Rna] = {}
    for rna in _not_held(_REAL_ALIGNED):
        if rna.alignment and len(rna.alignment) > len(getattr(best.get(rna.family or ""), "alignment", None) or ()):
            best[rna.family or ""] = rna
    return list(best.values())


def nearest_hashes(rnas: list[Rna], share: float, *, by_family: bool = False) -> list[Rna]:
    """Keep a share of the RNAs (of the families) by the hash of their names: a smaller share is within a larger one.

    Parameters
    ----------
    rnas : list of Rna
        What to choose from.
    share : float
        From 0 to 1.
    by_family : bool
        Choose whole families.

    Examples
    --------
    >>> rnas = [Rna(str(k), "ACGU") for k in range(1000)]
    >>> tenth, half = nearest_hashes(rnas, 0.1), nearest_hashes(rnas, 0.5)
    >>> set(r.name for r in tenth) < set(r.name for r in half)
    True
    """

    def place(rna: Rna) -> int:
        label = (rna.family or rna.name) if by_family else rna.name
        return int.from_bytes(hashlib.sha256(f"size {label}".encode()).digest()[:8], "big")

    return [rna for rna in rnas if place(rna) < share * 2**64]


def _of_type(kind: str) -> list[Rna]:
    """Drawn RNAs whose Rfam type begins with `kind`."""
    from rnastudy import datasets

    types = {row["name"]: row["type"] for row in datasets.table(_DRAWN)}
    return [rna for rna in _drawn() if types[rna.name].startswith(kind)]


def _dinucleotides(rnas: list[Rna]) -> list[Rna]:
    from rnastudy.baselines.nulls import dinucleotide_shuffled

    return [dinucleotide_shuffled(rna).with_(pairs=None) for rna in rnas]


def _letters_shuffled(rnas: list[Rna]) -> list[Rna]:
    """Shuffle each sequence entirely: its composition is all that stays."""
    return [rna.with_(sequence="".join(_generator("letters", rna).permutation(list(rna.sequence))), pairs=None) for rna in rnas]


def columns_shuffled(rna: Rna) -> Rna:
    """Shuffle the letters of every alignment column among all rows, each column by itself; gaps stay where they are.

    Composition of every column, length of every row and the pattern of gaps stay; which letters stand together in a row
    does not. Columns that are conserved stay so: two that pair still do, only joint changes are gone.

    Examples
    --------
    >>> rows = columns_shuffled(Rna("a", "GC", alignment=("GC", "CG", "A-", "UA"))).alignment
    >>> rows[2][1], sorted(row[0] for row in rows)
    ('-', ['A', 'C', 'G', 'U'])
    """
    letters = np.array([list(row) for row in rna.alignment or ()])
    rng = _generator("columns", rna)
    for column in letters.T:
        filled = np.flatnonzero(column != "-")
        column[filled] = column[rng.permutation(filled)]
    rows = tuple("".join(row) for row in letters)
    return rna.with_(sequence=rows[0], alignment=rows, natural=False)


def paired_share(alignments: Iterable[Rna]) -> float:
    """Share of consensus pairs whose two letters can pair (AU, GC, GU), over all rows with both letters.

    Before and after `columns_shuffled` it says how much pairing is conserved, and so stays when covariation goes.

    Examples
    --------
    >>> paired_share([Rna("a", "GAAAC", pairs=((0, 4),), alignment=("GAAAC", "GAAAA", "GAAA-"))])
    0.5
    """
    words = [row[i] + row[j] for rna in alignments for i, j in rna.pairs or () for row in rna.alignment or ()]
    both = [word for word in words if set(word) <= set("ACGU")]
    return sum(word in _CANONICAL for word in both) / len(both)


def _generator(what: str, rna: Rna) -> np.random.Generator:
    digest = hashlib.sha256(f"{what}\0{rna.name}\0{rna.sequence}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _ungapped(alignments: list[Rna]) -> list[Rna]:
    """Rows of alignments as single sequences, without gaps; their structure is left out."""
    rows = [(rna, number, row.replace("-", "")) for rna in alignments for number, row in enumerate(rna.alignment or ())]
    return [Rna(f"{rna.name}/{number}", row, family=rna.family, clan=rna.clan, natural=rna.natural) for rna, number, row in rows if row]


def _genome_like() -> list[Rna]:
    """A sequence for each drawn one, as long, from a Markov chain of order 2 with `GENOME_TRINUCLEOTIDES`."""
    counts = np.array(GENOME_TRINUCLEOTIDES, dtype=float)
    start, chances = np.cumsum(counts.sum(1) / counts.sum()), np.cumsum(counts / counts.sum(1, keepdims=True), axis=1)
    rnas = _drawn()
    lots = [_generator("genome", rna).random(len(rna)) for rna in rnas]
    return [Rna(f"genome/{rna.name}", _walk(start, chances, lot), natural=False) for rna, lot in zip(rnas, lots, strict=True)]


def _walk(start: np.ndarray, chances: np.ndarray, lots: np.ndarray) -> str:
    state = int(np.searchsorted(start[:-1], lots[0], side="right"))
    letters = [state // 4, state % 4]
    for lot in lots[2:]:
        new = int(np.searchsorted(chances[state][:-1], lot, side="right"))
        letters.append(new)
        state = state % 4 * 4 + new
    return "".join("ACGU"[letter] for letter in letters)


#: Controlled corpora by name. Types are Rfam's; shares are of sequences or of whole families.
VARIANTS: dict[str, Callable[[], list[Rna]]] = {
    "drawn-shuffled": lambda: _dinucleotides(_drawn()),
    "drawn-letters": lambda: _letters_shuffled(_drawn()),
    "drawn-rows": lambda: _ungapped(list(training_rnas(_ALIGNED))),
    "drawn-columns": lambda: _ungapped([columns_shuffled(rna) for rna in training_rnas(_ALIGNED)]),
    "drawn-small-rnas": lambda: _of_type("Gene; sRNA"),
    "drawn-micro-rnas": lambda: _of_type("Gene; miRNA"),
    "drawn-10%": lambda: nearest_hashes(_drawn(), 0.1),
    "drawn-1%": lambda: nearest_hashes(_drawn(), 0.01),
    "drawn-10%-families": lambda: nearest_hashes(_drawn(), 0.1, by_family=True),
    "drawn-1%-families": lambda: nearest_hashes(_drawn(), 0.01, by_family=True),
    "real": _real,
    "real-shuffled": lambda: _dinucleotides(_real()),
    "real-rows": lambda: _ungapped(_real_alignments()),
    "real-columns": lambda: _ungapped([columns_shuffled(rna) for rna in _real_alignments()]),
    "genome-like": _genome_like,
    "real-alignments": _real_alignments,
    "real-alignment-columns": lambda: [columns_shuffled(rna) for rna in _real_alignments()],
    "drawn-alignment-columns": lambda: [columns_shuffled(rna) for rna in training_rnas(_ALIGNED)],
}
