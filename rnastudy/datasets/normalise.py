"""One rule that turns any spelling of an RNA into bases A, C, G, U and N, and counts what it changed.

The rule, in this order, for every letter of a sequence:

=====================  =======================  =====================
letter                 becomes                  counted as
=====================  =======================  =====================
a to z                 upper case               ``lower_case``
T                      U                        ``t_to_u``
P or the letter psi    U (pseudouridine)        ``modified``
I                      A (inosine, from A)      ``modified``
R Y S W K M B D H V X  N (cannot be named)      ``ambiguous``
``-`` ``.`` ``_`` ``~``  removed, pairs follow  ``gaps``
=====================  =======================  =====================

A base pair that had a gap at one of its ends is removed and counted as ``pairs_lost``; one that is given again, either
way round, is counted as ``pairs_repeated``. Everything else is
an error: nothing is guessed. Alignment rows keep their gaps as ``-``, lose the columns where the first row has a
gap, and are dropped (``empty_rows``) when nothing is left of them. Ambiguity letters are those of the IUPAC nomenclature (Cornish-Bowden 1985), so D
is *not C* and not dihydrouridine; P and I are the one-letter codes of MODOMICS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import compress

from rnastudy.datasets.records import Record
from rnastudy.errors import StudyError
from rnastudy.rna import Pairs, Rna

__all__ = ["KINDS", "NormalisationReport", "normalise", "normalise_letters", "normalise_record"]

#: What a report counts, in the order of the rule.
KINDS = ("lower_case", "t_to_u", "modified", "ambiguous", "gaps", "pairs_lost", "pairs_repeated", "empty_rows")
GAPS = "-._~"
_PLAIN = frozenset("ACGUN")
_MODIFIED = {"P": "U", "Ψ": "U", "I": "A"}
_RULE = {base: (base, None) for base in "ACGUN"} | {"T": ("U", "t_to_u")}
_RULE |= {letter: (base, "modified") for letter, base in _MODIFIED.items()}
_RULE |= {letter: ("N", "ambiguous") for letter in "RYSWKMBDHVX"}
_RULE |= {gap: ("-", None) for gap in GAPS}
_RULE |= {letter.lower(): rule for letter, rule in _RULE.items() if letter.lower() != letter}
_TABLE = str.maketrans({letter: base for letter, (base, _) in _RULE.items()})


@dataclass(frozen=True, slots=True)
class NormalisationReport:
    """How many letters the rule changed, by kind, and which RNAs were left out and why.

    Parameters
    ----------
    rnas, bases : int
        RNAs read, and bases they have after the rule.
    counts : mapping of str to int
        Letters changed by kind (see `KINDS`); kinds that did not occur are absent.
    left_out : mapping of str to int
        Reason to number of RNAs (or files) that were read and left out.
    """

    rnas: int
    bases: int
    counts: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        changed = ", ".join(f"{self.counts[kind]} {kind}" for kind in KINDS if self.counts.get(kind)) or "nothing changed"
        left = "".join(f"; left out: {count} {reason}" for reason, count in self.left_out.items())
        return f"{self.rnas} RNAs, {self.bases} bases: {changed}{left}"


def normalise(sequence: str) -> str:
    """Apply the rule of this module to one sequence.

    Parameters
    ----------
    sequence : str
        Any spelling.

    Returns
    -------
    str
        Bases over ``ACGUN``, gaps removed.

    Raises
    ------
    StudyError
        For a letter that the rule does not name.

    Examples
    --------
    >>> normalise("ggPt.-aR")
    'GGUUAN'
    """
    return normalise_letters(sequence, Counter(), "sequence").replace("-", "")


def normalise_letters(sequence: str, counts: Counter[str], where: str) -> str:
    """Apply the letters of the rule, leaving each gap as ``-``, and add to `counts`.

    Returns
    -------
    str
        As many characters as `sequence`, over ``ACGUN-``.

    Examples
    --------
    >>> counts = Counter()
    >>> normalise_letters("acgT.", counts, "here"), sorted(counts.items())
    ('ACGU-', [('lower_case', 3), ('t_to_u', 1)])
    """
    letters = set(sequence)
    if letters <= _PLAIN:
        return sequence
    strange = letters - _RULE.keys()
    if strange:
        raise _strange_letter(sequence, strange, where)
    for letter in sorted(letters - _PLAIN):
        found = sequence.count(letter)
        kind = _RULE[letter][1]
        if kind:
            counts[kind] += found
        if letter.islower():
            counts["lower_case"] += found
    return sequence.translate(_TABLE)


def _strange_letter(sequence: str, strange: set[str], where: str) -> StudyError:
    position = min(sequence.index(letter) for letter in strange)
    return StudyError(
        f"{where}: letter {sequence[position]!r} at position {position + 1} is no base, IUPAC letter, known modified base or gap;"
        " mend it, or write N for a base that cannot be named"
    )


def normalise_record(record: Record, counts: Counter[str], natural: bool = True) -> Rna:
    """Turn what a reader found into an `Rna`, and add to `counts`.

    Parameters
    ----------
    record : Record
        As read: any spelling, gaps allowed, pairs in positions of that spelling.
    counts : Counter
        Changed letters by kind, in place.
    natural : bool
        Whether the RNA was found in nature rather than drawn from a model.

    Returns
    -------
    Rna

    Raises
    ------
    StudyError
        Naming file, line and position of what is wrong.

    Examples
    --------
    >>> normalise_record(Record("a", "gg-aaacc", "x.fa, line 1", pairs=[(0, 7), (2, 5)]), Counter()).pairs
    ((0, 6),)
    """
    letters = normalise_letters(record.sequence, counts, f"{record.where}: RNA {record.name!r}")
    kept = [letter != "-" for letter in letters]
    sequence = letters.replace("-", "")
    if not sequence:
        raise StudyError(f"{record.where}: RNA {record.name!r} has no bases; remove it or give its sequence")
    counts["gaps"] += len(letters) - len(sequence)
    pairs = _follow(_checked(record, counts), kept, counts) if record.pairs is not None else None
    alignment = _alignment(record, kept, counts) if record.rows else None
    return Rna(record.name, sequence, pairs, record.family, record.clan, alignment=alignment, natural=natural)


def _checked(record: Record, counts: Counter[str]) -> set[tuple[int, int]]:
    """Return the pairs as ``(i, j)`` with i < j, each once; those that came again are counted."""
    length = len(record.sequence)
    for i, j in record.pairs or ():
        if i == j or not (0 <= i < length and 0 <= j < length):
            raise StudyError(f"{record.where}: RNA {record.name!r} pairs position {i + 1} with {j + 1}, but has {length} positions; mend the pair")
    found = {(i, j) if i < j else (j, i) for i, j in record.pairs or ()}
    counts["pairs_repeated"] += len(record.pairs or ()) - len(found)
    return found


def _follow(pairs: Iterable[tuple[int, int]], kept: list[bool], counts: Counter[str]) -> Pairs:
    """Re-index pairs to the kept positions; a pair with a removed end is lost and counted."""
    if all(kept):
        return tuple(sorted(pairs))
    place, places = 0, []
    for keep in kept:
        places.append(place)
        place += keep
    pairs = list(pairs)
    whole = sorted((places[i], places[j]) for i, j in pairs if kept[i] and kept[j])
    counts["pairs_lost"] += len(pairs) - len(whole)
    return tuple(whole)


def _alignment(record: Record, kept: list[bool], counts: Counter[str]) -> tuple[str, ...]:
    """Restrict all rows to the columns where the first has a base; rows left empty are dropped and counted."""
    first, *others = record.rows or [""]
    where = f"{record.where}: alignment of RNA {record.name!r}"
    letters = [normalise_letters(first, Counter(), where), *(normalise_letters(row, counts, where) for row in others)]
    rows = ["".join(compress(row, kept)) for row in letters]
    full = [row for row in rows if row.strip("-")]
    counts["empty_rows"] += len(rows) - len(full)
    return tuple(full)
