"""Readers of zip archives; members are read in memory, nothing is ever unpacked to disk."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from rnastudy.datasets.records import Record, TextFile, decode
from rnastudy.errors import StudyError, brief

__all__ = ["read_archive_member", "read_spotrna_zip"]

#: No member of a data set is larger than this; a larger one is taken for a broken or hostile archive.
LARGEST = 2**30


def _open(path: Path) -> ZipFile:
    try:
        archive = ZipFile(path)
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise StudyError(f"{path}: no zip archive ({brief(str(error))}); fetch it again") from error
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or member.file_size > LARGEST:
            raise StudyError(f"{path}: member {brief(member.filename)} points outside or is too large; do not trust this archive")
    return archive


def _content(archive: ZipFile, name: str, path: Path) -> bytes:
    try:
        return archive.read(name)
    except (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise StudyError(f"{path}: member {brief(name)} cannot be read ({brief(str(error))}); fetch the archive again, without a password") from error


def read_archive_member(path: Path, member: str) -> tuple[str, bytes]:
    """Read the one member of a zip whose name fits a pattern.

    Parameters
    ----------
    path : Path
    member : str
        A pattern with ``*``, compared with the last part of the name, case apart.

    Returns
    -------
    name, data : str, bytes

    Raises
    ------
    StudyError
        If none or several fit; all members are listed.
    """
    with _open(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        fits = [name for name in names if fnmatch(PurePosixPath(name).name.lower(), member.lower())]
        if len(fits) != 1:
            listed = brief(", ".join(names[:40]), 300)[1:-1]
            raise StudyError(
                f"{path}: {len(fits)} members fit {member!r} where one should; it holds {listed}. Unpack the right one and give its path instead of the name"
            )
        return fits[0], _content(archive, fits[0], path)


def read_spotrna_zip(paths: Sequence[Path], subset: str) -> tuple[list[Record], Mapping[str, int]]:
    """Read one of SPOT-RNA's PDB sets (TR1, VL1, TS1, TS2) from its zip.

    A file of ``{SET}_sequences`` is an RNA if it lies directly in that folder, its header is ``>`` and the file's own
    name, and ``{SET}_labels`` has a file of that name; everything else is left out and counted. Labels are pairs
    counted from one, with non-canonical pairs and multiplets; an RNA whose label file lists no pair (2gtt-1-W in VL1)
    has none.

    Parameters
    ----------
    paths : sequence of Path
        The first is the zip.
    subset : str
        ``TR1``, ``VL1``, ``TS1`` or ``TS2``.

    Returns
    -------
    records, left_out
    """
    with _open(paths[0]) as archive:
        files = {PurePosixPath(name): name for name in archive.namelist() if not name.endswith("/")}
        inside = [path for path in files if f"{subset}_sequences" in path.parts]
        records = []
        for path in sorted(inside):
            label = path.parent.with_name(f"{subset}_labels") / path.name
            text = decode(_content(archive, files[path], paths[0]), f"{paths[0]}:{path}")
            if path.parent.name == f"{subset}_sequences" and label in files and text.content.split("\n")[0].strip() == f">{path.name}":
                labels = decode(_content(archive, files[label], paths[0]), f"{paths[0]}:{label}")
                records.append(_spotrna_record(path.name, text, labels))
    if not records:
        raise StudyError(f"{paths[0]}: no RNA in a folder {subset}_sequences; is it SPOT-RNA's PDB_dataset.zip?")
    junk = len(inside) - len(records)
    return records, {"files that are not RNAs": junk} if junk else {}


def _spotrna_record(name: str, text: TextFile, labels: TextFile) -> Record:
    sequence = "".join(line.strip() for number, line in text.lines() if number > 1)
    pairs = []
    for number, line in labels.lines():
        words = line.split()
        if not words or words[0] == "i" or words[0].startswith("#"):
            _check_length(line, len(sequence), labels.at(number))
            continue
        if len(words) != 2 or not all(word.isdecimal() and len(word) < 10 for word in words):
            raise StudyError(f"{labels.at(number)}: {line.strip()!r} is not 'i j' counted from 1; the file is not as published")
        pairs.append((int(words[0]) - 1, int(words[1]) - 1))
    return Record(name, sequence, text.at(1), pairs)


def _check_length(line: str, length: int, where: str) -> None:
    promised = line.replace(" ", "").rpartition("L=")[2].strip() if line.startswith("#") else ""
    if promised.isdecimal() and promised.lstrip("0") != str(length):
        raise StudyError(f"{where}: labels are for {promised} bases, the sequence has {length}; the file is not as published")
