"""Data cards: what each data set is, where its files are, and what must be found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from rnastudy.errors import StudyError, unknown

__all__ = ["COUNTS", "DataCard", "DataFile", "card", "cards", "read_cards"]

#: What a card may count; each is checked whenever the data set is loaded.
COUNTS = ("rnas", "bases", "pairs", "structures", "without_pairs", "families", "clans", "rows", "distinct_sequences")
_CHOICES = {
    "role": ("selection", "test", "either"),
    "origin": ("embedded", "public"),
    "kind": ("natural", "drawn"),
}
_TASKS = ("structure", "families", "alignments", "corpus", "maps", "fitness")
_REQUIRED = ("name", "title", "tasks", "role", "origin", "kind", "reader", "files", "licence", "source")
_OPTIONAL = ("options", "citation", "counts", "notes", "address", "folder")
_FILE_KEYS = ("path", "sha256", "size", "url", "local")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a data set.

    Parameters
    ----------
    path : str
        Name of the file, below ``rnastudy/data`` for embedded sets, below the cache for public ones.
    sha256 : str, optional
        Checksum of its bytes; ``None`` where none was published: the first fetch records it.
    size : int, optional
        Bytes.
    url : str, optional
        Pinned address; ``None`` for a file that only a local folder can give.
    local : str, optional
        Where it lies below the folder named by ``RNASTUDY_DATA``.
    """

    path: str
    sha256: str | None = None
    size: int | None = None
    url: str | None = None
    local: str | None = None


@dataclass(frozen=True, slots=True)
class DataCard:
    """What is known of a data set before it is read; one entry of ``datasets.yml``.

    Parameters
    ----------
    name, title : str
        The name used in code and tables, and a line for people.
    tasks : tuple of str
        What it can be used for: structure, families, alignments, corpus, maps, fitness.
    role : str
        ``selection``, ``test`` or ``either``.
    origin : str
        ``embedded`` in the package, or ``public`` and fetched.
    kind : str
        ``natural`` RNAs, or sequences ``drawn`` from a model of their family.
    reader : str
        Which reader turns the files into RNAs; ``table`` for tables that hold none.
    files : tuple of DataFile
        All files.
    licence, source, citation : str
        As found at the source; the citation is a key of the bibliography.
    options : mapping
        Given to the reader.
    counts : mapping of str to int
        Numbers that loading must find; see `COUNTS`.
    notes : str
        What a user should know before trusting it.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    role: str
    origin: str
    kind: str
    reader: str
    files: tuple[DataFile, ...]
    licence: str
    source: str
    citation: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: str = ""

    @property
    def size(self) -> int | None:
        """Bytes of all files, or None where one is not known.

        Examples
        --------
        >>> DataCard("a", "A", ("corpus",), "either", "public", "natural", "fasta", (DataFile("a.fa", size=3),), "CC0", "here").size
        3
        """
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


@cache
def cards() -> Mapping[str, DataCard]:
    """Return the cards of all data sets known by name, in the order of ``datasets.yml``.

    Returns
    -------
    mapping of str to DataCard
        Read only; the same object at every call.

    Examples
    --------
    >>> cards()["spotrna_ts1"].counts["rnas"]
    67
    """
    path = Path(__file__).with_name("datasets.yml")
    return MappingProxyType(read_cards(path.read_text(encoding="utf-8"), str(path.name)))


def card(name: str) -> DataCard:
    """Return one card; an unknown name lists the nearest ones.

    Raises
    ------
    StudyError
        If there is no such data set.

    Examples
    --------
    >>> card("archiveii").title.startswith("ArchiveII")
    True
    """
    if name not in cards():
        raise unknown("data set", name, cards())
    return cards()[name]


def read_cards(text: str, where: str = "datasets.yml") -> dict[str, DataCard]:
    """Read and check cards written as YAML.

    Parameters
    ----------
    text : str
        A YAML list of entries.
    where : str
        What to call the text in errors.

    Returns
    -------
    dict of str to DataCard

    Raises
    ------
    StudyError
        For a name given twice, a key or a choice that is not known, or a key that is missing.

    Examples
    --------
    >>> entry = "- {name: a, title: A, tasks: [corpus], role: either, origin: public, kind: natural,"
    >>> list(read_cards(entry + " reader: fasta, files: [{path: a.fa}], licence: CC0, source: here}"))
    ['a']
    """
    found: dict[str, DataCard] = {}
    for entry in yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or []:
        made = _card(entry, where)
        if made.name in found:
            raise StudyError(f"{where}: data set {made.name!r} is written twice; rename or remove one")
        found[made.name] = made
    return found


def _card(entry: Mapping[str, Any], where: str) -> DataCard:
    label = f"{where}: data set {entry.get('name', '?')!r}"
    _check_keys(entry, label)
    values = {key: entry[key] for key in (*_REQUIRED, *_OPTIONAL) if key in entry and key not in ("address", "folder")}
    values["tasks"] = tuple(entry["tasks"])
    values["files"] = tuple(_file(file, entry, label) for file in entry["files"])
    values["options"] = MappingProxyType(dict(entry.get("options") or {}))
    values["counts"] = MappingProxyType(dict(entry.get("counts") or {}))
    return DataCard(**values)


def _check_keys(entry: Mapping[str, Any], label: str) -> None:
    missing = [key for key in _REQUIRED if key not in entry]
    if missing:
        raise StudyError(f"{label}: no {', '.join(missing)}; add it to the entry")
    for key in entry:
        if key not in (*_REQUIRED, *_OPTIONAL):
            raise StudyError(f"{label}: {unknown('key', key, (*_REQUIRED, *_OPTIONAL))}")
    for key, known in _CHOICES.items():
        if entry[key] not in known:
            raise StudyError(f"{label}: {unknown(key, str(entry[key]), known)}")
    for kind, given, known in (("task", entry["tasks"], _TASKS), ("count", entry.get("counts") or (), COUNTS)):
        for value in given:
            if value not in known:
                raise StudyError(f"{label}: {unknown(kind, str(value), known)}")


def _file(file: Mapping[str, Any], entry: Mapping[str, Any], label: str) -> DataFile:
    """Complete one file from the entry's common `address` (for url) and `folder` (for local)."""
    for key in file:
        if key not in _FILE_KEYS:
            raise StudyError(f"{label}: {unknown('key of a file', key, _FILE_KEYS)}")
    values = dict(file)
    if "address" in entry:
        values.setdefault("url", entry["address"] + file["path"])
    if "folder" in entry:
        values.setdefault("local", f"{entry['folder']}/{file['path']}")
    return DataFile(**values)
