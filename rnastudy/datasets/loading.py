"""Loading by name or by path: card, files, reader, normalisation, counts, in this order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.datasets.cards import DataCard, card, cards
from rnastudy.datasets.dataset import Dataset, build, shorten
from rnastudy.datasets.fetching import fetch_file, file_sha256
from rnastudy.datasets.normalise import GAPS, normalise
from rnastudy.datasets.readers import read_with, reader_for
from rnastudy.datasets.readers.released import open_maps
from rnastudy.datasets.readers.tables import table_rows
from rnastudy.datasets.records import Record, open_text, stem
from rnastudy.errors import StudyError, unknown
from rnastudy.paths import user_path

if TYPE_CHECKING:
    import numpy as np

__all__ = ["fetch", "load", "maps", "table"]


def load(name_or_path: str | Path, *, limit: int | None = None, max_bases: int | None = None, seed: int = 0, alignments: bool = False) -> Dataset:
    """Load a data set by name, or a user's own file (or folder of bpseq or ct files) by path.

    Parameters
    ----------
    name_or_path : str or Path
        A name of `cards`, or a FASTA, dot-bracket, bpseq, ct, CSV, TSV, Stockholm, a3m or a2m file, gzipped or not. An
        a3m file is one RNA with its alignment; its structure is a record ``ss_cons`` in it, or the dot-bracket file of the
        same name beside it (``my.a3m`` and ``my.dbn``).
    limit : int, optional
        At most this many RNAs, drawn without replacement by `seed` and kept in the order of the file.
    max_bases : int, optional
        Leave out longer RNAs, before `limit`; the report counts them.
    seed : int
        Of the draw.
    alignments : bool
        Read each family of a Stockholm file of one's own as one RNA with its alignment, the row with the fewest gaps first,
        instead of each row as an RNA. Cards say themselves which it is.

    Returns
    -------
    Dataset

    Raises
    ------
    StudyError
        For an unknown name (nearest names are listed), a file that is not what it says (file, line, position, remedy),
        a name given twice, or counts that are not those of the card.

    Examples
    --------
    >>> load("spotrna_ts9")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    rnastudy.errors.StudyError: unknown data set 'spotrna_ts9'; did you mean spotrna_ts2, spotrna_ts1, spotrna_tr1? known: ...
    """
    if isinstance(name_or_path, str) and name_or_path in cards():
        return shorten(_load_card(card(name_or_path)), limit, max_bases, seed)
    path = user_path(name_or_path)
    if not path.exists():
        if isinstance(name_or_path, str) and not path.suffix and len(path.parts) == 1:
            raise unknown("data set", name_or_path, cards())
        raise StudyError(f"no such file: {path}; give a path that exists, or a name of 'rnastudy data'")
    return shorten(_load_path(path, alignments), limit, max_bases, seed)


def fetch(name: str) -> list[Path]:
    """Bring all files of a data set here, verify them, and return their paths in the order of the card.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of Path

    Raises
    ------
    StudyError
        For an unknown name, a file that cannot be had, or a checksum that is not that of the card.
    """
    known = card(name)
    return [fetch_file(known, file) for file in known.files]


def table(name: str, file: str | None = None) -> list[dict[str, str]]:
    """Read a table of a data set (assays, families, splits) as it is: one dict of text a row.

    Parameters
    ----------
    name : str
        Of the card.
    file : str, optional
        Which of its files; the first, if not given.

    Returns
    -------
    list of dict of str to str

    Raises
    ------
    StudyError
        For an unknown name or file, or a broken table.
    """
    known = card(name)
    by_name = {Path(entry.path).name: entry for entry in known.files}
    wanted = file or next(iter(by_name))
    if wanted not in by_name:
        raise unknown(f"file of data set {name!r}", wanted, by_name)
    options = known.options if known.reader == "table" else {}
    text = open_text(fetch_file(known, by_name[wanted]), options.get("encoding", "utf-8"))
    return [row for _, row in table_rows(text, options.get("delimiter"), options.get("columns", ()))]


def maps(name: str) -> dict[str, np.ndarray]:
    """Open the attention maps of a data set that holds some.

    Returns
    -------
    dict of str to ndarray, shape=(N, H, L, L)
        Layers, heads, bases, bases, by the name of the RNA.

    Raises
    ------
    StudyError
        If the data set holds no maps.
    """
    known = card(name)
    if known.reader != "released_maps":
        holding = [other.name for other in cards().values() if other.reader == "released_maps"]
        raise StudyError(f"data set {name!r} holds no attention maps; {', '.join(holding)} does")
    return open_maps(fetch(name), known.options)


def _load_card(known: DataCard) -> Dataset:
    if known.kind == "protein":
        raise StudyError(f"data set {known.name!r} holds proteins, not RNAs; load it with rnastudy.datasets.proteins({known.name!r})")
    if known.reader == "table":
        raise StudyError(f"data set {known.name!r} holds tables, not RNAs; read them with rnastudy.datasets.table({known.name!r})")
    paths = fetch(known.name)
    options = dict(known.options)
    subset, keep = options.pop("subset_by", None), options.pop("keep", {})
    records, left_out = read_with(known.reader, [path for path in paths if not subset or path.name != subset["file"]], options)
    if subset:
        records = _subset(records, subset, paths)
    found = build(known.name, records, left_out, known, _common_sha256(paths), keep)
    _check_counts(known, found.counts)
    return found


def _load_path(path: Path, alignments: bool) -> Dataset:
    paths = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")) if path.is_dir() else [path]
    if not paths:
        raise StudyError(f"{path}: an empty folder; give a file, or a folder of bpseq or ct files")
    records: list[Record] = []
    beside = {file: own for file in paths if (own := _structure_beside(file))}
    paths = sorted({*paths, *beside.values()})
    for file in paths:
        if file in beside.values():
            continue
        reader = reader_for(file, open_text(file))
        found = read_with(f"{reader}_alignments" if alignments and reader == "stockholm" else reader, [file], {})[0]
        records += found
        if file in beside:
            _give_structure(found[0], beside[file])
    name = path.name if path.is_dir() else stem(path)
    return build(name, records, {}, None, _common_sha256(paths), {})


def _structure_beside(file: Path) -> Path | None:
    """Find the dot-bracket file that belongs to an a3m or a2m file, by its name."""
    if Path(file.name.removesuffix(".gz")).suffix.lower() not in (".a3m", ".a2m"):
        return None
    wanted = (file.with_name(stem(file) + suffix) for suffix in (".dbn", ".dot", ".db"))
    return next((path for path in wanted if path.is_file()), None)


def _give_structure(record: Record, path: Path) -> None:
    """Give the RNA of an alignment the pairs of a dot-bracket file, whose sequence must be its own."""
    first = read_with("dotbracket", [path], {})[0][0]
    if normalise(first.sequence) != normalise(record.sequence):
        raise StudyError(f"{first.where}: the sequence is not that of {record.name!r} at {record.where}; give the structure of the alignment's first row")
    own, its = ([place for place, letter in enumerate(one.sequence) if letter not in GAPS] for one in (record, first))
    place = dict(zip(its, own, strict=True))
    record.pairs = [(place[i], place[j]) for i, j in first.pairs or ()]


def _common_sha256(paths: Sequence[Path]) -> str:
    sums = [(file_sha256(path), path.name) for path in paths]
    return sums[0][0] if len(sums) == 1 else hashlib.sha256("".join(f"{digest}  {name}\n" for digest, name in sums).encode()).hexdigest()


def _subset(records: list[Record], subset: Mapping[str, Any], paths: Sequence[Path]) -> list[Record]:
    """Keep the RNAs that a second file of the card names in rows with the wanted cells."""
    path = next(path for path in paths if path.name == subset["file"])
    rows = [row for _, row in table_rows(open_text(path))]
    wanted = {row[subset["name"]] for row in rows if all(row[key] == value for key, value in subset["where"].items())}
    return [record for record in records if record.name in wanted]


def _check_counts(known: DataCard, found: Mapping[str, int]) -> None:
    for what, expected in known.counts.items():
        if found[what] != expected:
            raise StudyError(f"data set {known.name!r}: {found[what]} {what} where the card says {expected}; the file or the reader changed, do not use it")
