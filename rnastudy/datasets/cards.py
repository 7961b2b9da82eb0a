"""Data cards: what each data set is, where its files are, and what must be found in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rnastudy.errors import StudyError, brief, unknown
from rnastudy.paths import inside
from rnastudy.plain_yaml import read_yaml

__all__ = ["COUNTS", "DataCard", "DataFile", "card", "cards", "read_cards"]

#: What a card may count; each is checked whenever the data set is loaded.
COUNTS = ("rnas", "bases", "pairs", "structures", "without_pairs", "families", "clans", "rows", "distinct_sequences", "proteins", "residues", "contacts")
_CHOICES = {
    "role": ("selection", "test", "either"),
    "origin": ("embedded", "public"),
    "kind": ("natural", "drawn", "protein"),
}
_TASKS = ("structure", "families", "alignments", "corpus", "maps", "fitness", "contacts")
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
        What it can be used for: structure, families, alignments, corpus, maps, fitness; contacts (of proteins).
    role : str
        ``selection``, ``test`` or ``either``.
    origin : str
        ``embedded`` in the package, or ``public`` and fetched.
    kind : str
        ``natural`` RNAs, sequences ``drawn`` from a model of their family, or ``protein`` chains.
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
    entries = read_yaml(text, where) or []
    if not isinstance(entries, list):
        raise StudyError(f"{where}: holds {brief(entries)}, not a list of cards; begin each card with '- name: NAME'")
    for entry in entries:
        made = _card(entry, where)
        if made.name in found:
            raise StudyError(f"{where}: data set {made.name!r} is written twice; rename or remove one")
        found[made.name] = made
    return found


def _card(entry: Mapping[str, Any], where: str) -> DataCard:
    if not isinstance(entry, Mapping):
        raise StudyError(f"{where}: {brief(entry)} is no card; write '- name: NAME' and the other keys under it")
    label = f"{where}: data set {brief(entry.get('name', '?'))}"
    _check_keys(entry, label)
    _check_types(entry, label)
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
            raise StudyError(f"{label}: {unknown('key', str(key), (*_REQUIRED, *_OPTIONAL))}")
    for key, known in _CHOICES.items():
        if entry[key] not in known:
            raise StudyError(f"{label}: {unknown(key, str(entry[key]), known)}")
    if not isinstance(entry["tasks"], list) or not isinstance(entry.get("counts") or {}, Mapping):
        raise StudyError(f"{label}: tasks must be a list and counts keys with numbers; write tasks: [structure], counts: {{rnas: 3}}")
    for kind, given, known in (("task", entry["tasks"], _TASKS), ("count", entry.get("counts") or (), COUNTS)):
        for value in given:
            if value not in known:
                raise StudyError(f"{label}: {unknown(kind, str(value), known)}")


def _check_types(entry: Mapping[str, Any], label: str) -> None:
    """Check what stands behind the keys: words, numbers, and files that have a name."""
    for key in ("name", "title", "reader", "licence", "source"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise StudyError(f"{label}: {key} is {brief(entry[key])}; write some words, in quotation marks if they look like a number")
    for key, number in (entry.get("counts") or {}).items():
        if type(number) is not int or number < 0:
            raise StudyError(f"{label}: {key} is {brief(number)}; a count is a whole number of 0 or more")
    if not isinstance(entry.get("options") or {}, Mapping):
        raise StudyError(f"{label}: options are {brief(entry['options'])}; write keys and values")
    files = entry["files"]
    if not isinstance(files, list) or not files or not all(isinstance(file, Mapping) and isinstance(file.get("path"), str) for file in files):
        raise StudyError(f"{label}: files are {brief(files)}; list at least one, each with a path")


def _check_file(values: Mapping[str, Any], label: str) -> None:
    """Check a file: it lies in the folder it belongs to, and its checksum and size are some."""
    for key in ("path", "local"):
        if values.get(key) is not None and not inside(str(values[key])):
            raise StudyError(f"{label}: {key} {brief(values[key])} leads out of its folder; give a name or folders below it")
    sha256, size, url = values.get("sha256"), values.get("size"), values.get("url")
    if sha256 is not None and not re.fullmatch("[0-9a-f]{64}", str(sha256)):
        raise StudyError(f"{label}: sha256 {brief(sha256)} is not 64 of the digits 0 to 9 and a to f; copy it whole, in quotation marks")
    if size is not None and (type(size) is not int or size < 0):
        raise StudyError(f"{label}: size {brief(size)} is no number of bytes; write it without units")
    if url is not None and not re.match("https?://", str(url)):
        raise StudyError(f"{label}: url {brief(url)} is no web address; begin it with https://")


def _file(file: Mapping[str, Any], entry: Mapping[str, Any], label: str) -> DataFile:
    """Complete one file from the entry's common `address` (for url) and `folder` (for local)."""
    for key in file:
        if key not in _FILE_KEYS:
            raise StudyError(f"{label}: {unknown('key of a file', str(key), _FILE_KEYS)}")
    values = dict(file)
    if "address" in entry:
        values.setdefault("url", entry["address"] + file["path"])
    if "folder" in entry:
        values.setdefault("local", f"{entry['folder']}/{file['path']}")
    _check_file(values, label)
    return DataFile(**values)
