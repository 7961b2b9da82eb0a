"""Sequences drawn from covariance models by ``cmemit``, with the consensus structure of their family."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .stockholm import GAPS, Alignment, blocks, brackets, pairs

__all__ = ["Drawn", "condense", "draw", "project", "sequences"]

#: Probabilities are raised to this power before drawing: 1 is noisier than real seeds, 2 is too clean.
EXPONENT = 1.3
SHORTEST_HAIRPIN = 3
FEWEST_PAIRS = 6
BASES = (30, 500)
COLUMNS = 130


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn sequence: its bases and a dot-bracket of the same length."""

    sequence: str
    structure: str


def draw(models: Path, rows: int, seed: int) -> Iterator[Alignment]:
    """Draw aligned rows from every model of a file, in the file's order.

    Parameters
    ----------
    models : Path
        Covariance models.
    rows : int
        Rows a model.
    seed : int
        Of cmemit's generator, above 0: the same seed gives the same rows.

    Yields
    ------
    Alignment
        Its feature ``ID`` is the model's name.
    """
    command = ["cmemit", "-a", "--outformat", "Pfam", "--exp", str(EXPONENT), "--seed", str(seed), "-N", str(rows), str(models)]
    yield from blocks(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def project(row: str, consensus: list[tuple[int, int]]) -> Drawn:
    """Strip a row's gaps and keep the consensus pairs whose two bases are there.

    A pair with fewer than three bases in its loop, left so by deletions, is dropped.

    Parameters
    ----------
    row : str
        Aligned, length L with gaps.
    consensus : list of (int, int)
        Columns that pair, counted from 0.

    Returns
    -------
    Drawn

    Examples
    --------
    >>> project("GG-aaAC-C", [(0, 8), (1, 6), (2, 7)])
    Drawn(sequence='GGAAACC', structure='((...))')
    """
    place, count = {}, 0
    for column, letter in enumerate(row):
        if letter not in GAPS:
            place[column] = count
            count += 1
    kept = [(place[i], place[j]) for i, j in consensus if i in place and j in place]
    kept = [(i, j) for i, j in kept if j - i > SHORTEST_HAIRPIN]
    sequence = "".join(letter for letter in row if letter not in GAPS).upper()
    return Drawn(sequence, brackets(count, kept))


def sequences(block: Alignment) -> list[Drawn]:
    """Turn a drawn alignment into distinct sequences of 30 to 500 bases with at least 6 pairs.

    Examples
    --------
    >>> sequences(Alignment({}, {"a": "G" * 10 + "A" * 10 + "C" * 10}, "<" * 10 + "." * 10 + ">" * 10))[0].structure
    '((((((((((..........))))))))))'
    """
    consensus = pairs(block.structure)
    found = dict.fromkeys(project(row, consensus) for row in block.rows.values())
    first = {one.sequence: one for one in reversed(found)}
    return [one for one in found if first[one.sequence] is one and _fits(one)]


def _fits(one: Drawn) -> bool:
    return BASES[0] <= len(one.sequence) <= BASES[1] and one.structure.count("(") >= FEWEST_PAIRS


def condense(block: Alignment) -> Alignment | None:
    """Drop the columns with gaps in more than half of the rows; put the row with the fewest gaps first.

    Parameters
    ----------
    block : Alignment
        As drawn; its features are kept.

    Returns
    -------
    Alignment or None
        Upper-case letters and ``-``; None if more than 130 columns or fewer than 6 pairs are left.

    Examples
    --------
    >>> rows = {"a": "GGGGGGGaAAACCCCCCC", "b": "GGGGGGG.AAACCCCCC-", "c": "GGGGGGG.AAACCCCCCC"}
    >>> small = condense(Alignment({"ID": "x"}, rows, "<<<<<<<....>>>>>>>"))
    >>> list(small.rows), small.structure
    (['a', 'c', 'b'], '(((((((...)))))))')
    """
    rows = {name: "".join("-" if x in GAPS else x.upper() for x in row) for name, row in block.rows.items()}
    kept = [c for c in range(len(block.structure)) if 2 * sum(row[c] == "-" for row in rows.values()) <= len(rows)]
    place = {column: k for k, column in enumerate(kept)}
    paired = [(place[i], place[j]) for i, j in pairs(block.structure) if i in place and j in place]
    if len(kept) > COLUMNS or len(paired) < FEWEST_PAIRS:
        return None
    short = {name: "".join(row[c] for c in kept) for name, row in rows.items()}
    order = sorted(short, key=lambda name: (short[name].count("-"), name))
    return Alignment(block.features, {name: short[name] for name in order}, brackets(len(kept), paired))
