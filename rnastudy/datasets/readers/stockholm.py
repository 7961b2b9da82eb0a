"""Readers of alignments: Stockholm with one or many families, and a3m or a2m.

The consensus structure of a Stockholm alignment (``#=GC SS_cons``, WUSS notation) is given to every row in the
alignment's own columns; normalising removes the row's gaps, and with them pairs that lost an end. What is left may
hold pairs that are not canonical in that row: they are kept, as the consensus says so.

A name that returns after a blank line or after SS_cons goes on (a wrapped alignment). A name that returns before is
another row, as Rfam's 3D seeds have them: with the same letters it is left out and counted, with others it is kept
and numbered, ``NAME#2``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rnastudy.datasets.normalise import GAPS
from rnastudy.datasets.readers.brackets import bracket_pairs
from rnastudy.datasets.readers.plain import headed_blocks
from rnastudy.datasets.records import Record, TextFile, stem
from rnastudy.errors import StudyError

__all__ = ["Alignment", "read_a3m", "read_alignments", "read_stockholm", "read_stockholm_alignments"]

_NO_GAPS = str.maketrans("", "", GAPS)


@dataclass(slots=True)
class Alignment:
    """One alignment of a Stockholm file.

    Parameters
    ----------
    family : str
        Its accession (``#=GF AC``), else an ``RFxxxxx`` in the file's name, else ``#=GF ID``, else the file's name.
    rows : dict of str to str
        Row by name, in the order of the file, gaps as there.
    lines : dict of str to int
        Line where a row begins.
    clan : str, optional
        ``#=GF CL``.
    structure : str
        ``#=GC SS_cons``; empty if there is none.
    repeated : dict of str to int
        Rows left out because an earlier one has the same name and letters, and their lines.
    """

    family: str
    rows: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    clan: str | None = None
    structure: str = ""
    repeated: dict[str, int] = field(default_factory=dict)


def read_alignments(text: TextFile) -> Iterator[Alignment]:
    """Read every alignment of a Stockholm file, wrapped (interleaved) or not.

    Raises
    ------
    StudyError
        For a file without ``# STOCKHOLM``, without ``//``, or with rows of unequal length.

    Examples
    --------
    >>> text = TextFile("a.sto", "# STOCKHOLM 1.0\\n#=GF AC RF1\\nx GA-C\\n#=GC SS_cons <..>\\n//\\n")
    >>> next(read_alignments(text)).family
    'RF1'
    """
    features: dict[str, str] = {}
    found, block = Alignment(""), Counter[str]()
    for number, line in text.lines():
        if line.startswith("//"):
            if found.rows:
                yield _finished(found, features, text, number)
            features, found, block = {}, Alignment(""), Counter()
        elif line.startswith("#=GF"):
            words = line.split(maxsplit=2)
            if len(words) < 2:
                raise StudyError(f"{text.at(number)}: '#=GF' without a feature; write '#=GF AC RF00005', or remove the line")
            features.setdefault(words[1], words[2].strip().rstrip(";") if len(words) > 2 else "")
        elif line.split()[:2] == ["#=GC", "SS_cons"]:
            if len(line.split()) != 3:
                raise StudyError(f"{text.at(number)}: {line.strip()[:40]!r} is not '#=GC SS_cons STRUCTURE' without blanks; mend it")
            found.structure += line.split()[-1]
            block.clear()
        elif not line.strip():
            block.clear()
        elif not line.startswith("#"):
            _add_row(found, block, line.split(), text, number)
    if found.rows:
        raise StudyError(f"{text.label}: the last alignment does not end with '//'; the file is cut short, fetch or write it again")


def _add_row(found: Alignment, block: Counter[str], words: list[str], text: TextFile, number: int) -> None:
    """Add a line of letters to its row; `block` counts the names since the last blank line or SS_cons."""
    if len(words) != 2:
        raise StudyError(f"{text.at(number)}: {' '.join(words)[:40]!r} is not 'NAME ROW'; is it Stockholm, with no blanks in names?")
    block[words[0]] += 1
    name = words[0] if block[words[0]] == 1 else f"{words[0]}#{block[words[0]]}"
    found.lines.setdefault(name, number)
    found.rows[name] = found.rows.get(name, "") + words[1]


def _leave_repeats_out(found: Alignment) -> None:
    """Move rows that have the name, but for its number, and the letters of an earlier row to `repeated`."""
    seen = set()
    for name, row in list(found.rows.items()):
        key = (name.split("#")[0], row)
        if key in seen:
            del found.rows[name]
            found.repeated[name] = found.lines[name]
        seen.add(key)


def _finished(found: Alignment, features: dict[str, str], text: TextFile, number: int) -> Alignment:
    accession = re.search(r"RF\d{5}", Path(text.label).name)
    found.family = features.get("AC", "").split(".")[0] or (accession[0] if accession else features.get("ID") or stem(text.label))
    found.clan = features.get("CL")
    _leave_repeats_out(found)
    width = len(next(iter(found.rows.values())))
    for name, row in found.rows.items():
        if len(row) != width:
            raise StudyError(
                f"{text.at(found.lines[name])}: row {name!r} of {found.family} has {len(row)} columns, the first row {width};"
                " a name given twice, or a row cut short"
            )
    if found.structure and len(found.structure) != width:
        raise StudyError(f"{text.at(number)}: SS_cons of {found.family} has {len(found.structure)} columns, its rows {width}; mend it")
    return found


def _consensus(found: Alignment, text: TextFile) -> list[tuple[int, int]] | None:
    where = f"{text.label}, SS_cons of {found.family}"
    return bracket_pairs(found.structure, where) if found.structure else None


def _repeats(found: Alignment, text: TextFile) -> Iterator[Record]:
    for name, line in found.repeated.items():
        yield Record(f"{found.family}/{name}", "", text.at(line), left_out="rows repeated in their own alignment")


def read_stockholm(text: TextFile) -> Iterator[Record]:
    """Read every row of every family as an RNA named ``FAMILY/ROW``, with the consensus structure.

    Examples
    --------
    >>> text = TextFile("a.sto", "# STOCKHOLM 1.0\\n#=GF AC RF1\\nx GA-C\\n#=GC SS_cons <..>\\n//\\n")
    >>> record = next(read_stockholm(text))
    >>> record.name, record.sequence, record.pairs
    ('RF1/x', 'GA-C', [(0, 3)])
    """
    for found in read_alignments(text):
        pairs = _consensus(found, text)
        for name, row in found.rows.items():
            yield Record(f"{found.family}/{name}", row, text.at(found.lines[name]), pairs, found.family, found.clan)
        yield from _repeats(found, text)


def read_stockholm_alignments(text: TextFile) -> Iterator[Record]:
    """Read every family as one RNA with its alignment: the row with the fewest gaps, the first among equals.

    The RNA is named by its family. Its row comes first, the others follow in the order of the file.

    Examples
    --------
    >>> text = TextFile("a.sto", "# STOCKHOLM 1.0\\n#=GF AC RF1\\nx GA-C\\ny GAAC\\n#=GC SS_cons <..>\\n//\\n")
    >>> record = next(read_stockholm_alignments(text))
    >>> record.name, record.rows
    ('RF1', ['GAAC', 'GA-C'])
    """
    for found in read_alignments(text):
        name = max(found.rows, key=lambda row: len(found.rows[row].translate(_NO_GAPS)))
        rows = [found.rows[name], *(row for other, row in found.rows.items() if other != name)]
        where = text.at(found.lines[name])
        yield Record(found.family, rows[0], where, _consensus(found, text), found.family, found.clan, rows)
        yield from _repeats(found, text)


def read_a3m(text: TextFile) -> Iterator[Record]:
    """Read a3m or a2m: the first sequence is the RNA; lower-case letters, dots and stars are insertions and removed.

    A record named ``ss_cons`` holds the structure of the aligned columns, in brackets.

    Raises
    ------
    StudyError
        If a row without its insertions, or the structure, is not as long as the first row.

    Examples
    --------
    >>> record = next(read_a3m(TextFile("a.a3m", ">ss_cons\\n(..)\\n>q\\nGGAC\\n>h\\nG-AaaC\\n")))
    >>> record.rows, record.pairs
    (['GGAC', 'G-AC'], [(0, 3)])
    """
    insertions = str.maketrans("", "", "abcdefghijklmnopqrstuvwxyz.*")
    rows: list[str] = []
    found = list(headed_blocks(text))
    blocks = [block for block in found if block[0].split()[0].lower() != "ss_cons"]
    structures = [block for block in found if block not in blocks]
    if not blocks or len(structures) > 1:
        raise StudyError(f"{text.label}: {len(blocks)} rows and {len(structures)} records named ss_cons; give at least one row and at most one structure")
    for header, line, body in blocks:
        row = "".join(part for _, part in body).translate(insertions)
        rows.append(row)
        if len(row) != len(rows[0]) or not row:
            raise StudyError(
                f"{text.at(line)}: row {header.split()[0]!r} has {len(row)} aligned columns, the first row {len(rows[0])};"
                " matches are upper case or '-', insertions lower case"
            )
    header, line, _ = blocks[0]
    pairs = _columns_paired(structures[0], len(rows[0]), text) if structures else None
    yield Record(header.split()[0], rows[0], text.at(line), pairs, rows=rows)


def _columns_paired(block: tuple[str, int, list[tuple[int, str]]], width: int, text: TextFile) -> list[tuple[int, int]]:
    """Read the pairs of a structure of aligned columns."""
    header, line, body = block
    structure = "".join(part for _, part in body)
    if len(structure) != width:
        raise StudyError(f"{text.at(line)}: {header!r} has {len(structure)} columns, the first row {width}; mend it")
    return bracket_pairs(structure, text.at(line))
