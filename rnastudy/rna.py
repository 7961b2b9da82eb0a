"""One RNA: what flows through every room of the study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from rnastudy.errors import StudyError

__all__ = ["ALPHABET", "Pairs", "Rna"]

#: Letters a normalised sequence may hold; N is any base that could not be named.
ALPHABET = "ACGUN"
#: Base pairs counted from zero, each ``(i, j)`` with ``i < j``, sorted.
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Rna:
    """A named RNA sequence, with what is known of it.

    Parameters
    ----------
    name : str
        Unique within its data set.
    sequence : str
        Bases in ``ACGUN``, already normalised, length L.
    pairs : tuple of (int, int), optional
        Reference base pairs counted from zero, ``i < j``; pseudoknots, non-canonical pairs and
        multiplets are allowed. ``None`` says that the structure is not known; ``()`` that it has no pair.
    family, clan : str, optional
        Rfam accession (or another label) of the family, and of the clan it belongs to.
    unresolved : frozenset of int
        Bases that the reference structure could not see; ``careful`` masks them.
    alignment : tuple of str, optional
        Rows of equal length L over ``ACGUN-``; the first is `sequence` itself.
    natural : bool
        False for a sequence drawn from a model of its family.

    Raises
    ------
    StudyError
        If letters, pairs or alignment rows do not fit the sequence.

    Examples
    --------
    >>> Rna("hairpin", "GGGAAACCC", pairs=((0, 8), (1, 7), (2, 6)))
    Rna('hairpin', 9 bases, 3 pairs)
    """

    name: str
    sequence: str
    pairs: Pairs | None = None
    family: str | None = None
    clan: str | None = None
    unresolved: frozenset[int] = frozenset()
    alignment: tuple[str, ...] | None = None
    natural: bool = True

    def __post_init__(self) -> None:
        length = len(self.sequence)
        strange = sorted(set(self.sequence) - set(ALPHABET))
        if not self.sequence or strange:
            raise StudyError(f"RNA {self.name!r}: {f'letters {strange}' if strange else 'no bases'}; normalise it to {ALPHABET} first")
        bad = [pair for pair in self.pairs or () if not 0 <= pair[0] < pair[1] < length]
        if bad:
            raise StudyError(f"RNA {self.name!r}: pair {bad[0]} does not fit {length} bases counted from 0 with i < j")
        ragged = [row for row in self.alignment or () if len(row) != length]
        if ragged:
            raise StudyError(f"RNA {self.name!r}: an alignment row has {len(ragged[0])} columns, its sequence {length} bases")
        if self.alignment and self.alignment[0] != self.sequence:
            raise StudyError(f"RNA {self.name!r}: the first alignment row is not its own sequence; put it first")

    def __len__(self) -> int:
        return len(self.sequence)

    def __repr__(self) -> str:
        known = "structure unknown" if self.pairs is None else f"{len(self.pairs)} pairs"
        return f"Rna({self.name!r}, {len(self)} bases, {known})"

    def with_(self, **changes: object) -> Self:
        """Return a copy with some fields changed.

        Examples
        --------
        >>> Rna("a", "GC").with_(family="RF00005").family
        'RF00005'
        """
        return replace(self, **changes)  # type: ignore[arg-type]
