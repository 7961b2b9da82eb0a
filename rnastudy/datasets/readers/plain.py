"""Readers of plain text formats: FASTA, dot-bracket, bpseq, ct, and nRC's FASTA of classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rnastudy.datasets.readers.brackets import bracket_pairs
from rnastudy.datasets.records import Record, TextFile, stem
from rnastudy.errors import StudyError

__all__ = ["headed_blocks", "read_bpseq", "read_ct", "read_dotbracket", "read_fasta", "read_nrc"]


def headed_blocks(text: TextFile) -> Iterator[tuple[str, int, list[tuple[int, str]]]]:
    """Split a file at its ``>`` headers.

    Yields
    ------
    header, line, body
        The header without ``>``, its line number, and the lines under it with theirs; blank lines and lines that
        begin with ``#`` or ``;`` are skipped.

    Examples
    --------
    >>> list(headed_blocks(TextFile("a", ">x y\\nAC\\n")))
    [('x y', 1, [(2, 'AC')])]
    """
    header, start = None, 0
    body: list[tuple[int, str]] = []
    for number, line in text.lines():
        line = line.strip()
        if line.startswith(">"):
            if header is not None:
                yield header, start, body
            header, start, body = line[1:].strip(), number, []
            if not header:
                raise StudyError(f"{text.at(number)}: a '>' without a name; write one behind it")
        elif line and line[0] not in "#;":
            if header is None:
                raise StudyError(f"{text.at(number)}: {line[:20]!r} comes before any header; put a line '>NAME' above it")
            body.append((number, line))
    if header is None:
        raise StudyError(f"{text.label}: no '>NAME' header; is it FASTA or dot-bracket at all?")
    yield header, start, body


def read_fasta(text: TextFile) -> Iterator[Record]:
    """Read FASTA; the first word of a header is the name, the structure is not known.

    Examples
    --------
    >>> [record.name for record in read_fasta(TextFile("a.fa", ">x first\\nAC\\nGU\\n>y\\nA\\n"))]
    ['x', 'y']
    """
    for header, line, body in headed_blocks(text):
        yield Record(header.split()[0], "".join("".join(part.split()) for _, part in body), text.at(line))


def read_nrc(text: TextFile) -> Iterator[Record]:
    """Read nRC's FASTA, whose headers are classes: the class is the family, names are numbered within it.

    Examples
    --------
    >>> [(r.name, r.family) for r in read_nrc(TextFile("a.fa", ">tRNA\\nAC\\n>tRNA\\nGG\\n"))]
    [('tRNA_1', 'tRNA'), ('tRNA_2', 'tRNA')]
    """
    seen = Counter[str]()
    for record in read_fasta(text):
        record.family = record.name
        seen[record.name] += 1
        record.name = f"{record.name}_{seen[record.name]}"
        yield record


def read_dotbracket(text: TextFile) -> Iterator[Record]:
    """Read dot-bracket: a ``>NAME`` header, the sequence, the structure, each on one line or wrapped alike.

    What follows the structure on its line (an energy) is ignored. Pseudoknots may use ``[] {} <>`` and letters.

    Examples
    --------
    >>> next(read_dotbracket(TextFile("a.dbn", ">x\\nGGGAAACCC\\n(((...))) (-1.2)\\n"))).pairs
    [(0, 8), (1, 7), (2, 6)]
    """
    for header, line, body in headed_blocks(text):
        words = [part.split()[0] for _, part in body]
        half = len(words) // 2
        sequence, structure = "".join(words[:half]), "".join(words[half:])
        if not half or len(sequence) != len(structure):
            raise StudyError(
                f"{text.at(line)}: RNA {header.split()[0]!r} has {len(sequence)} bases and {len(structure)} structure characters;"
                " give one sequence line and one structure line of equal length"
            )
        where = text.at(body[half][0])
        yield Record(header.split()[0], sequence, text.at(body[0][0]), bracket_pairs(structure, where))


def read_bpseq(text: TextFile) -> Iterator[Record]:
    """Read bpseq: lines ``position base partner``, partner 0 for none; the name is that of the file.

    Examples
    --------
    >>> next(read_bpseq(TextFile("x.bpseq", "# made by hand\\n1 G 3\\n2 A 0\\n3 C 1\\n"))).pairs
    [(0, 2)]
    """
    lines = [(number, line.split()) for number, line in text.lines() if line.strip() and not line.lstrip().startswith("#")]
    head = next((place for place, (_, words) in enumerate(lines) if words[0].isdecimal()), len(lines))
    yield _numbered(text, stem(text.label), [(number, words, 2) for number, words in lines[head:]], 3)


def read_ct(text: TextFile) -> Iterator[Record]:
    """Read ct: a header ``length title``, then ``position base previous next partner position``; several may follow.

    The name is the title without its energy, blanks as ``_``; without a title, that of the file.

    Examples
    --------
    >>> next(read_ct(TextFile("x.ct", "3 ENERGY = -1.0 hairpin\\n1 G 0 2 3 1\\n2 A 1 3 0 2\\n3 C 2 0 1 3\\n"))).name
    'hairpin'
    """
    lines = [(number, line) for number, line in text.lines() if line.strip() and not line.startswith("#")]
    while lines:
        number, header = lines[0]
        words = header.split(maxsplit=1)
        if not _is_number(words[0]):
            raise StudyError(f"{text.at(number)}: {header.strip()[:30]!r} is no ct header; it must begin with the number of bases")
        count = int(words[0])
        title = re.sub(r"(?i)(ENERGY|dG)\s*=\s*\S+", "", words[1] if len(words) > 1 else "")
        rows = [(place, line.split(), 4) for place, line in lines[1 : count + 1]]
        if len(rows) < count:
            raise StudyError(f"{text.at(number)}: {count} bases promised, {len(rows)} lines follow; the file is cut short")
        yield _numbered(text, "_".join(title.split()) or stem(text.label), rows, 5)
        lines = lines[count + 1 :]


def _is_number(word: str) -> bool:
    return word.isdecimal() and len(word) < 10


def _numbered(text: TextFile, name: str, rows: list[tuple[int, list[str], int]], width: int) -> Record:
    """Build a record of rows that number their base and name its partner."""
    partners = []
    for expected, (line, words, column) in enumerate(rows, start=1):
        if len(words) < width or not _is_number(words[0]) or not _is_number(words[column]) or len(words[1]) != 1:
            raise StudyError(f"{text.at(line)}: {' '.join(words)[:40]!r} is not {width} columns with numbers and one letter; mend the line")
        if int(words[0]) != expected:
            raise StudyError(f"{text.at(line)}: position {words[0]} where {expected} was due; number the bases from 1 without holes")
        partners.append(int(words[column]))
    if not rows:
        raise StudyError(f"{text.label}: no numbered base lines; is it bpseq or ct at all?")
    for position, partner in enumerate(partners, start=1):
        if partner and (partner > len(partners) or partner == position or partners[partner - 1] != position):
            raise StudyError(f"{text.at(rows[position - 1][0])}: base {position} names partner {partner}, which does not name it back; mend one of them")
    pairs = [(i - 1, j - 1) for i, j in enumerate(partners, start=1) if i < j]
    return Record(name, "".join(words[1] for _, words, _ in rows), text.at(rows[0][0]), pairs)
