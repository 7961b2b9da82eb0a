"""What readers hand on: an RNA as the file spells it, and the text of a file with its line numbers."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnastudy.errors import StudyError

__all__ = ["Record", "TextFile", "open_text", "stem"]


@dataclass(slots=True)
class Record:
    """One RNA as read: letters, gaps and case as in the file; pairs count from zero in that spelling.

    Parameters
    ----------
    name, sequence : str
    where : str
        File and line, for errors.
    pairs : list of (int, int), optional
        ``None`` where the file gives no structure.
    family, clan : str, optional
    rows : list of str, optional
        Rows of an alignment, all as long as `sequence`, which is the first.
    left_out : str
        Why the RNA is left out of the data set, to be counted; empty for one that belongs to it.
    """

    name: str
    sequence: str
    where: str
    pairs: list[tuple[int, int]] | None = None
    family: str | None = None
    clan: str | None = None
    rows: list[str] | None = None
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file in memory.

    Parameters
    ----------
    label : str
        What to call it in errors.
    content : str
        All of it.
    """

    label: str
    content: str

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield line number (from 1) and line, without its end, blank lines included; any kind of line end counts."""
        return enumerate((line.rstrip("\n") for line in io.StringIO(self.content, newline=None)), start=1)

    def at(self, line: int, position: int | None = None) -> str:
        """Name a place in the file.

        Examples
        --------
        >>> TextFile("a.fa", "").at(3, 7)
        'a.fa, line 3, position 7'
        """
        return f"{self.label}, line {line}" + (f", position {position}" if position else "")


def open_text(path: Path, encoding: str = "utf-8") -> TextFile:
    """Read a text file, unpacking it where its first bytes are those of gzip.

    Raises
    ------
    StudyError
        If it is missing, is no text, or its compression is broken.

    Examples
    --------
    >>> Path(open_text(Path(__file__)).label).name
    'records.py'
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    return decode(data, str(path), encoding)


def decode(data: bytes, label: str, encoding: str = "utf-8") -> TextFile:
    """Turn bytes, gzipped or not, into a `TextFile`."""
    try:
        plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        return TextFile(label, plain.decode(encoding).removeprefix("\ufeff"))
    except (EOFError, OSError, zlib.error) as error:
        raise StudyError(f"{label}: broken gzip ({error}); fetch or pack it again") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{label}: byte {error.start + 1} is no {encoding} text; save it as UTF-8") from error


def stem(path: Path | str) -> str:
    """Return the name of a file without folder, ``.gz`` and suffix.

    Examples
    --------
    >>> stem("a/RF00005.sto.gz")
    'RF00005'
    """
    return Path(Path(path).name.removesuffix(".gz")).stem
