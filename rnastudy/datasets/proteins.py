"""Protein sets: chains of known 3D structure with their contacts, for the models that read proteins."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from rnastudy.datasets.cards import DataCard, card, cards
from rnastudy.datasets.fetching import fetch_file, file_sha256
from rnastudy.datasets.readers.tables import table_rows
from rnastudy.datasets.records import TextFile, open_text, stem
from rnastudy.errors import StudyError, brief, unknown
from rnastudy.paths import user_path
from rnastudy.protein import MIN_SEPARATION, Protein

__all__ = ["ProteinSet", "proteins"]

_STRUCTURES = (".pdb", ".ent", ".cif")


@dataclass(frozen=True, slots=True)
class ProteinSet:
    """Proteins that were loaded together.

    Parameters
    ----------
    name : str
        Name of the card, or of the user's file without suffix.
    proteins : tuple of Protein
        In the order of the file; names are unique.
    card : DataCard, optional
        ``None`` for a user's own file.
    sha256 : str
        Of the file; of several, of their joined checksums.
    left_out : mapping of str to int
        What was read and left out, by reason.
    """

    name: str
    proteins: tuple[Protein, ...]
    card: DataCard | None
    sha256: str
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.proteins)

    def __iter__(self) -> Iterator[Protein]:
        return iter(self.proteins)

    @property
    def counts(self) -> dict[str, int]:
        """Proteins, residues and contacts."""
        contacts = sum(len(protein.pairs or ()) for protein in self.proteins)
        return {"proteins": len(self.proteins), "residues": sum(map(len, self.proteins)), "contacts": contacts}


def proteins(name_or_path: str | Path, *, limit: int | None = None, seed: int = 0) -> ProteinSet:
    """Load a protein set by name, or a user's own file or folder by path.

    Parameters
    ----------
    name_or_path : str or Path
        A card whose kind is ``protein``; a CSV or TSV with columns name, sequence, contacts (JSON list of 0-based ``[i, j]``)
        and perhaps unresolved (JSON list); a PDB or mmCIF file, or a folder of them (needs the extra ``structures``).
    limit : int, optional
        At most this many proteins, drawn without replacement by `seed` and kept in the order of the file.
    seed : int
        Of the draw.

    Returns
    -------
    ProteinSet

    Raises
    ------
    StudyError
        For an unknown name, a set of RNAs, a file that is not what it says, a name given twice, or counts that are not those
        of the card.

    Examples
    --------
    >>> found = proteins("proteins_test", limit=3)
    >>> len(found), all(protein.pairs for protein in found)
    (3, True)
    """
    if isinstance(name_or_path, str) and name_or_path in cards():
        return _shorten(_load_card(card(name_or_path)), limit, seed)
    path = user_path(name_or_path)
    if not path.exists():
        raise unknown("protein set", str(name_or_path), [one.name for one in cards().values() if one.kind == "protein"])
    paths = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")) if path.is_dir() else [path]
    return _shorten(_gather(stem(path), paths, None), limit, seed)


def _load_card(known: DataCard) -> ProteinSet:
    if known.kind != "protein":
        raise StudyError(f"data set {known.name!r} holds RNAs, not proteins; load it with rnastudy.datasets.load({known.name!r})")
    found = _gather(known.name, [fetch_file(known, file) for file in known.files], known)
    wrong = [what for what, expected in known.counts.items() if found.counts.get(what) != expected]
    if wrong:
        what = wrong[0]
        raise StudyError(
            f"data set {known.name!r}: {found.counts.get(what)} {what} where the card says {known.counts[what]}; the file or the reader changed, do not use it"
        )
    return found


def _gather(name: str, paths: Sequence[Path], known: DataCard | None) -> ProteinSet:
    left_out: Counter[str] = Counter()
    found = [protein for path in paths for protein in _read(path, left_out)]
    twice = [one for one, times in Counter(protein.name for protein in found).items() if times > 1]
    if twice:
        raise StudyError(f"{name}: protein {twice[0]!r} comes twice; rename one")
    if not found:
        raise StudyError(f"{name}: no protein in it; give at least one, with name, sequence and contacts")
    sums = [file_sha256(path) for path in paths]
    sha256 = sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
    return ProteinSet(name, tuple(found), known, sha256, dict(left_out))


def _read(path: Path, left_out: Counter[str]) -> Iterator[Protein]:
    if Path(path.name.removesuffix(".gz")).suffix.lower() not in _STRUCTURES:
        yield from read_table(open_text(path), left_out)
        return
    from rnastudy.datasets.readers.chains import read_chains

    for chain in read_chains(path):
        if chain.complete:
            yield chain.protein
        else:
            left_out["chains with breaks whose whole sequence the file does not give"] += 1


def read_table(text: TextFile, left_out: Counter[str]) -> Iterator[Protein]:
    """Read proteins from a table with columns name, sequence, contacts and perhaps unresolved.

    Parameters
    ----------
    text : TextFile
        CSV or TSV. An empty cell of contacts says that the structure is not known.
    left_out : Counter
        Contacts closer than `MIN_SEPARATION` are dropped and counted here.

    Yields
    ------
    Protein

    Raises
    ------
    StudyError
        For a missing column, or cells that are no JSON lists of whole numbers.

    Examples
    --------
    >>> next(read_table(TextFile("a.csv", 'name,sequence,contacts\\nx,MKTAYIAKQ,"[[0, 8], [2, 3]]"\\n'), Counter())).pairs
    ((0, 8),)
    """
    for line, row in table_rows(text):
        missing = [column for column in ("name", "sequence", "contacts") if column not in row]
        if missing:
            raise StudyError(f"{text.at(1)}: no column {missing[0]!r} among {', '.join(row)}; a table of proteins needs name, sequence and contacts")
        where = f"{text.at(line)}: protein {brief(row['name'])}"
        pairs = _numbers(row["contacts"], where, "contacts", "[[0, 8], [1, 9]]")
        hidden = _numbers(row.get("unresolved", ""), where, "unresolved", "[0, 1]") or []
        kept = None if pairs is None else sorted({(min(i, j), max(i, j)) for i, j in pairs if abs(i - j) >= MIN_SEPARATION})
        close = 0 if pairs is None else sum(abs(i - j) < MIN_SEPARATION for i, j in pairs)
        again = 0 if pairs is None else len(pairs) - close - len(kept or ())
        if again:
            left_out["contacts given twice"] += again
        if close:
            left_out[f"contacts closer than {MIN_SEPARATION} residues"] += close
        yield Protein(row["name"], row["sequence"].strip().upper(), None if kept is None else tuple(kept), frozenset(hidden))


def _numbers(cell: str, where: str, column: str, example: str) -> list | None:
    """Read a JSON list of whole numbers, or of pairs of them; ``None`` where the cell is empty."""
    if not cell.strip():
        return None
    try:
        found = json.loads(cell)
        paired = example.startswith("[[")
        flat = [number for one in found for number in (one if paired else [one])]
        if any(type(number) is not int for number in flat) or any(len(one) != 2 for one in found if paired):
            raise ValueError
    except (ValueError, TypeError, RecursionError) as error:
        raise StudyError(f"{where}: {column} {cell[:40]!r} are no JSON list counted from 0; write {example}") from error
    return found


def _shorten(found: ProteinSet, limit: int | None, seed: int) -> ProteinSet:
    if limit is not None and limit < 1:
        raise StudyError(f"limit={limit}: must be at least 1; leave it out for all")
    if limit is None or limit >= len(found):
        return found
    chosen = tuple(found.proteins[index] for index in sorted(Random(seed).sample(range(len(found)), limit)))
    left = {**found.left_out, f"beyond a limit of {limit}, drawn with seed {seed}": len(found) - limit}
    return replace(found, proteins=chosen, left_out=left)
