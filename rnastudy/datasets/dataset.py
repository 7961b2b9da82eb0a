"""A data set in memory: RNAs with the card, the report and the checksum they came with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from rnastudy.datasets.cards import DataCard
from rnastudy.datasets.normalise import NormalisationReport, normalise_record
from rnastudy.datasets.records import Record
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["Dataset", "build", "shorten"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """RNAs that were loaded together, with what is known of where they come from.

    Parameters
    ----------
    name : str
        Name of the card, or of the user's file without suffix.
    rnas : tuple of Rna
        In the order of the file; names are unique.
    card : DataCard, optional
        ``None`` for a user's own file.
    report : NormalisationReport
        What was changed and left out on the way.
    sha256 : str
        Of the file; of several, of the list of their checksums and names.
    """

    name: str
    rnas: tuple[Rna, ...]
    card: DataCard | None
    report: NormalisationReport
    sha256: str

    def __len__(self) -> int:
        return len(self.rnas)

    def __iter__(self) -> Iterator[Rna]:
        return iter(self.rnas)

    @property
    def natural(self) -> bool:
        """Whether every RNA was found in nature, none drawn from a model of its family."""
        return all(rna.natural for rna in self.rnas)

    @property
    def families(self) -> dict[str, tuple[int, ...]]:
        """Positions (from zero) of each family's RNAs, families in order of first appearance; RNAs without family are absent."""
        found: dict[str, list[int]] = {}
        for index, rna in enumerate(self.rnas):
            if rna.family is not None:
                found.setdefault(rna.family, []).append(index)
        return {family: tuple(members) for family, members in found.items()}

    @property
    def counts(self) -> dict[str, int]:
        """What a card may count, counted here: see `rnastudy.datasets.cards.COUNTS`."""
        return _counts(self.rnas)


def build(name: str, records: list[Record], left_out: Mapping[str, int], known: DataCard | None, sha256: str, keep: Mapping[str, int]) -> Dataset:
    """Normalise records and make them a `Dataset`; what is left out is counted in its report.

    Parameters
    ----------
    name : str
    records : list of Record
        As read; those with a reason to be left out are counted only.
    left_out : mapping of str to int
        What the reader itself left out.
    known : DataCard, optional
        ``None`` for a user's file, whose RNAs are taken as natural.
    sha256 : str
    keep : mapping of str to int
        ``min_bases`` and ``min_pairs`` that an RNA must have.

    Returns
    -------
    Dataset

    Raises
    ------
    StudyError
        For a name given twice, a letter or pair that cannot be, or when nothing is left.
    """
    dropped = Counter(left_out) + Counter(record.left_out for record in records if record.left_out)
    records = [record for record in records if not record.left_out]
    _refuse_twins(records, name)
    counts = Counter[str]()
    natural = known is None or known.kind == "natural"
    rnas = []
    for record in records:
        rna = normalise_record(record, counts, natural)
        reason = _unwanted(rna, keep)
        if reason:
            dropped[reason] += 1
        else:
            rnas.append(rna)
    if not rnas:
        raise StudyError(f"{name}: no RNA in it; {dict(dropped) or 'is the file empty?'}")
    report = NormalisationReport(len(rnas), sum(map(len, rnas)), {kind: n for kind, n in counts.items() if n}, dict(dropped))
    return Dataset(name, tuple(rnas), known, report, sha256)


def _unwanted(rna: Rna, keep: Mapping[str, int]) -> str:
    if len(rna) < keep.get("min_bases", 0):
        return f"with fewer than {keep['min_bases']} bases"
    if len(rna.pairs or ()) < keep.get("min_pairs", 0):
        return f"with fewer than {keep['min_pairs']} pairs"
    return ""


def _refuse_twins(records: Sequence[Record], name: str) -> None:
    seen: dict[str, str] = {}
    for record in records:
        if record.name in seen:
            raise StudyError(f"{record.where}: RNA {record.name!r} was already named at {seen[record.name]}; names must differ, rename one")
        seen[record.name] = record.where


def shorten(found: Dataset, limit: int | None, max_bases: int | None, seed: int) -> Dataset:
    """Apply `max_bases`, then `limit`, and count what they left out; see `rnastudy.datasets.load`."""
    for option, value in (("limit", limit), ("max_bases", max_bases)):
        if value is not None and value < 1:
            raise StudyError(f"{option}={value}: must be at least 1; leave it out for all")
    if limit is None and max_bases is None:
        return found
    short = [rna for rna in found.rnas if max_bases is None or len(rna) <= max_bases]
    if not short:
        raise StudyError(f"{found.name}: no RNA has at most {max_bases} bases; raise max_bases")
    chosen = short if limit is None or limit >= len(short) else [short[i] for i in sorted(Random(seed).sample(range(len(short)), limit))]
    left_out = dict(found.report.left_out)
    left_out |= {f"with more than {max_bases} bases": len(found) - len(short)} if len(short) < len(found) else {}
    left_out |= {f"beyond a limit of {limit}, drawn with seed {seed}": len(short) - len(chosen)} if len(chosen) < len(short) else {}
    report = NormalisationReport(len(chosen), sum(map(len, chosen)), found.report.counts, left_out)
    return Dataset(found.name, tuple(chosen), found.card, report, found.sha256)


def _counts(rnas: Sequence[Rna]) -> dict[str, int]:
    known = [rna.pairs for rna in rnas if rna.pairs is not None]
    return {
        "rnas": len(rnas),
        "bases": sum(map(len, rnas)),
        "pairs": sum(map(len, known)),
        "structures": len(known),
        "without_pairs": known.count(()),
        "families": len({rna.family for rna in rnas} - {None}),
        "clans": len({rna.clan for rna in rnas} - {None}),
        "rows": sum(len(rna.alignment or ()) for rna in rnas),
        "distinct_sequences": len({rna.sequence for rna in rnas}),
    }
