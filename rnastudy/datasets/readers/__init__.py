"""Readers: files as people publish them, to records; each error names file, line, position and remedy.

A reader takes the paths of a data set's files and its options, and returns ``(records, left_out)``: the RNAs, and how many things it left out, by reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rnastudy.datasets.readers.archives import read_archive_member, read_spotrna_zip
from rnastudy.datasets.readers.plain import read_bpseq, read_ct, read_dotbracket, read_fasta, read_nrc
from rnastudy.datasets.readers.released import read_released_maps
from rnastudy.datasets.readers.stockholm import read_a3m, read_stockholm, read_stockholm_alignments
from rnastudy.datasets.readers.tables import read_csv
from rnastudy.datasets.records import Record, TextFile, decode, open_text
from rnastudy.errors import StudyError, unknown

__all__ = ["READERS", "SUFFIXES", "Found", "reader_for", "read_with"]

Found = tuple[list[Record], Mapping[str, int]]
Reader = Callable[..., Found]


def _each_file(read: Callable[..., Iterable[Record]], paths: Sequence[Path], encoding: str = "utf-8", **options: Any) -> Found:
    return [record for path in paths for record in read(open_text(path, encoding), **options)], {}


def _member(paths: Sequence[Path], member: str, **options: Any) -> Found:
    name, data = read_archive_member(paths[0], member)
    text = decode(data, f"{paths[0]}:{name}")
    return list(_TEXT[reader_for(Path(name), text)](text, **options)), {}


_TEXT: dict[str, Callable[..., Iterable[Record]]] = {
    "fasta": read_fasta,
    "dotbracket": read_dotbracket,
    "bpseq": read_bpseq,
    "ct": read_ct,
    "csv": read_csv,
    "nrc": read_nrc,
    "stockholm": read_stockholm,
    "stockholm_alignments": read_stockholm_alignments,
    "a3m": read_a3m,
}
#: Reader by the name that cards use.
READERS: dict[str, Reader] = {name: partial(_each_file, read) for name, read in _TEXT.items()} | {
    "spotrna_zip": read_spotrna_zip,
    "released_maps": read_released_maps,
    "archive_member": _member,
}
#: Reader of a user's own file by its suffix (before ``.gz``).
SUFFIXES = {
    ".fa": "fasta",
    ".fasta": "fasta",
    ".fna": "fasta",
    ".ffn": "fasta",
    ".dbn": "dotbracket",
    ".dot": "dotbracket",
    ".db": "dotbracket",
    ".dotbracket": "dotbracket",
    ".bpseq": "bpseq",
    ".ct": "ct",
    ".csv": "csv",
    ".tsv": "csv",
    ".sto": "stockholm",
    ".stk": "stockholm",
    ".stockholm": "stockholm",
    ".seed": "stockholm",
    ".a3m": "a3m",
    ".a2m": "a3m",
}


def read_with(reader: str, paths: Sequence[Path], options: Mapping[str, Any]) -> Found:
    """Read files with a reader given by name.

    Raises
    ------
    StudyError
        If there is no such reader, it does not take an option, or a file is not what it says.

    Examples
    --------
    >>> read_with("fastq", [], {})
    Traceback (most recent call last):
        ...
    rnastudy.errors.StudyError: unknown reader 'fastq'; did you mean fasta? known: a3m, archive_member, bpseq, csv, ct, dotbracket, \
fasta, nrc, released_maps, spotrna_zip, stockholm, stockholm_alignments
    """
    if reader not in READERS:
        raise unknown("reader", reader, READERS)
    return READERS[reader](paths, **options)


def reader_for(path: Path, text: TextFile) -> str:
    """Choose the reader of a user's file: by suffix, and by what a ``.fa`` or ``.txt`` begins with.

    Parameters
    ----------
    path : Path
        For the suffix.
    text : TextFile
        For a look at its lines.

    Returns
    -------
    str
        A key of `READERS`.

    Examples
    --------
    >>> reader_for(Path("a.fa"), TextFile("a.fa", ">a\\nGGGAAACCC\\n(((...)))\\n"))
    'dotbracket'
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if SUFFIXES.get(suffix, "fasta") != "fasta":
        return SUFFIXES[suffix]
    lines = [line.strip() for _, line in text.lines() if line.strip()]
    if lines and lines[0].startswith("# STOCKHOLM"):
        return "stockholm"
    if not any(line.startswith(">") for line in lines):
        raise StudyError(f"{text.label}: suffix {suffix or 'none'} and content do not say what it is; give it one of {', '.join(sorted(SUFFIXES))}")
    bracketed = any(set(line.split()[0]) <= set(".()[]{}<>") for line in lines if not line.startswith(">"))
    return "dotbracket" if bracketed else "fasta"
