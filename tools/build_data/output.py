"""Writing files whose bytes depend on their content alone."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["csv_text", "write"]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV with Unix line ends.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Values, in the order of `header`.

    Returns
    -------
    str

    Examples
    --------
    >>> csv_text(["name", "n"], [["a", 1]])
    'name,n\\na,1\\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def write(path: Path, text: str) -> Path:
    """Write text, gzipped if `path` ends in ``.gz``: no name and no time go into the file.

    Parameters
    ----------
    path : Path
        Where to.
    text : str
        What; ASCII.

    Returns
    -------
    Path
        `path`, for chaining.
    """
    data = text.encode("ascii")
    if path.suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
            stream.write(data)
        data = packed.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
