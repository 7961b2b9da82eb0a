"""Readers of tables: CSV or TSV with an RNA in each row, and tables that hold none."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence

from rnastudy.datasets.readers.brackets import bracket_pairs
from rnastudy.datasets.records import Record, TextFile
from rnastudy.errors import StudyError, brief

__all__ = ["read_csv", "table_rows"]

_COLUMNS = ("name", "sequence", "pairs", "structure", "family", "clan")


def table_rows(text: TextFile, delimiter: str | None = None, columns: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table with a header line, or with `columns` named here where it has none.

    Parameters
    ----------
    text : TextFile
    delimiter : str, optional
        Comma, or tab where the first line holds one, if not given.
    columns : sequence of str
        Names of the columns of a table without a header; further columns are dropped.

    Yields
    ------
    line, row : int, dict
        The line on which the row ends, and its cells by column.

    Examples
    --------
    >>> list(table_rows(TextFile("a.csv", "name,x\\nr,1\\n")))
    [(2, {'name': 'r', 'x': '1'})]
    """
    lines = [line for _, line in text.lines()]
    separator = delimiter or ("\t" if lines and "\t" in lines[0] else ",")
    rows = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE if columns else csv.QUOTE_MINIMAL, strict=True)
    header = list(columns)
    try:
        for cells in rows:
            if not cells:
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                twice = [cell for cell in header if header.count(cell) > 1]
                if twice:
                    raise StudyError(f"{text.at(rows.line_num)}: column {brief(twice[0])} is there twice; rename or remove one")
                continue
            if len(cells) < len(header) or (len(cells) > len(header) and not columns):
                raise StudyError(f"{text.at(rows.line_num)}: {len(cells)} cells under {len(header)} columns; mend the row")
            yield rows.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise StudyError(f"{text.at(rows.line_num)}: no CSV ({error}); check quotes and separators") from error


def read_csv(
    text: TextFile,
    columns: Mapping[str, str] | None = None,
    first: int = 0,
    where: Mapping[str, str] | None = None,
    family_until: str | None = None,
    delimiter: str | None = None,
) -> Iterator[Record]:
    """Read RNAs from a table with columns name, sequence, and perhaps pairs or structure, family, clan.

    Parameters
    ----------
    text : TextFile
    columns : mapping, optional
        What a column means to what it is called here, for example ``{"name": "id"}``.
    first : int
        Number of the first base in `pairs`: 0 (a user's file) or 1 (some published ones).
    where : mapping, optional
        Read only rows whose cells have these values.
    family_until : str, optional
        The family is the name up to this text.
    delimiter : str, optional
        See `table_rows`.

    Yields
    ------
    Record
        `pairs` is read where it is not empty, else `structure` (dot-bracket), else the structure is not known.

    Raises
    ------
    StudyError
        For a missing column, or pairs that are not a JSON list of [i, j].

    Examples
    --------
    >>> next(read_csv(TextFile("a.csv", 'name,sequence,pairs\\nx,GAC,"[[0, 2]]"\\n'))).pairs
    [(0, 2)]
    """
    called = {key: key for key in _COLUMNS} | dict(columns or {})
    checked = False
    for line, row in table_rows(text, delimiter):
        checked = checked or _check_header(row, called, where or {}, text)
        if any(row[key] != value for key, value in (where or {}).items()):
            continue
        cells = {key: row.get(called[key], "").strip() for key in _COLUMNS}
        place = text.at(line)
        family = cells["name"].split(family_until)[0] if family_until else cells["family"]
        yield Record(cells["name"], cells["sequence"], place, _pairs(cells, first, place), family or None, cells["clan"] or None)


def _check_header(row: Mapping[str, str], called: Mapping[str, str], where: Mapping[str, str], text: TextFile) -> bool:
    for column in (called["name"], called["sequence"], *where):
        if column not in row:
            if len(row) == 1 and ";" in next(iter(row)):
                raise StudyError(f"{text.at(1)}: looks semicolon-separated; write it with commas or tabs between the cells")
            raise StudyError(f"{text.at(1)}: no column {column!r} among {brief(', '.join(row), 200)[1:-1]}; a table of RNAs needs name and sequence")
    return True


def _pairs(cells: Mapping[str, str], first: int, where: str) -> list[tuple[int, int]] | None:
    if cells["pairs"]:
        try:
            pairs = [(i, j) for i, j in json.loads(cells["pairs"])]
            if any(type(place) is not int for pair in pairs for place in pair):
                raise ValueError
            return [(i - first, j - first) for i, j in pairs]
        except (ValueError, TypeError, RecursionError) as error:
            raise StudyError(f"{where}: pairs {cells['pairs'][:40]!r} are no JSON list of [i, j] counted from {first}; write [[0, 8], [1, 7]]") from error
    if not cells["structure"]:
        return None
    if len(cells["structure"]) != len(cells["sequence"]):
        raise StudyError(
            f"{where}: RNA {cells['name']!r} has {len(cells['sequence'])} bases and {len(cells['structure'])} structure characters; make them equally long"
        )
    return bracket_pairs(cells["structure"], where)
