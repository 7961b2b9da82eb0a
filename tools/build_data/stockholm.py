"""Stockholm alignments of RNA: read, reduce to what is known to be aligned, write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["Alignment", "blocks", "brackets", "pairs", "render"]

GAPS = ".-_~"
OPEN, CLOSE = "(<[{", ")>]}"


@dataclass(slots=True)
class Alignment:
    """One Stockholm block.

    Parameters
    ----------
    features : dict of str to str
        ``#=GF`` lines by tag; the first line of a tag wins.
    rows : dict of str to str
        Aligned sequences by name, all of the same length L.
    structure : str
        Consensus structure (``SS_cons``), length L; empty if there is none.
    """

    features: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    structure: str = ""


def blocks(text: str) -> Iterator[Alignment]:
    """Read every block of a Stockholm file, interleaved or not.

    Parameters
    ----------
    text : str
        Content of the file.

    Yields
    ------
    Alignment

    Examples
    --------
    >>> text = "# STOCKHOLM 1.0\\n#=GF ID hairpin\\na GGAAACC\\n#=GC SS_cons <<...>>\\n//\\n"
    >>> [(b.features["ID"], b.rows, b.structure) for b in blocks(text)]
    [('hairpin', {'a': 'GGAAACC'}, '<<...>>')]
    """
    block = Alignment()
    for line in text.splitlines():
        words = line.split()
        if line.startswith("//"):
            yield block
            block = Alignment()
        elif line.startswith("#=GF") and len(words) > 2:
            block.features.setdefault(words[1], " ".join(words[2:]))
        elif line.startswith("#=GC SS_cons ") and len(words) == 3:
            block.structure += words[2]
        elif words and not line.startswith("#") and len(words) == 2:
            block.rows[words[0]] = block.rows.get(words[0], "") + words[1]


def pairs(structure: str) -> list[tuple[int, int]]:
    """List the pairs of a WUSS or dot-bracket string, counted from 0, pseudoknot letters included.

    Parameters
    ----------
    structure : str
        Brackets of four kinds, and pseudoknots as ``A`` with ``a`` to ``Z`` with ``z``.

    Returns
    -------
    list of (int, int)
        Sorted, ``i < j``.

    Raises
    ------
    ValueError
        If a bracket has no partner.

    Examples
    --------
    >>> pairs("<<.A.>>.a")
    [(0, 6), (1, 5), (3, 8)]
    """
    stacks: dict[str, list[int]] = {}
    found = []
    for j, mark in enumerate(structure):
        if mark in OPEN or mark.isupper():
            stacks.setdefault(mark, []).append(j)
        elif mark in CLOSE or mark.islower():
            opening = OPEN[CLOSE.index(mark)] if mark in CLOSE else mark.upper()
            if not stacks.get(opening):
                raise ValueError(f"bracket {mark!r} at column {j + 1} closes nothing")
            found.append((stacks[opening].pop(), j))
    left = [mark for mark, stack in stacks.items() if stack]
    if left:
        raise ValueError(f"bracket {left[0]!r} at column {stacks[left[0]][-1] + 1} is never closed")
    return sorted(found)


def brackets(length: int, nested: Iterable[tuple[int, int]]) -> str:
    """Write nested pairs as a dot-bracket string.

    Examples
    --------
    >>> brackets(7, [(0, 6), (1, 5)])
    '((...))'
    """
    marks = ["."] * length
    for i, j in nested:
        marks[i], marks[j] = "(", ")"
    return "".join(marks)


def render(block: Alignment) -> str:
    """Write a block, one line a row.

    Examples
    --------
    >>> print(render(Alignment({"ID": "x"}, {"a": "GGAAACC"}, "((...))")), end="")
    # STOCKHOLM 1.0
    #=GF ID x
    a GGAAACC
    #=GC SS_cons ((...))
    //
    """
    lines = ["# STOCKHOLM 1.0"]
    lines += [f"#=GF {tag} {value}" for tag, value in block.features.items()]
    lines += [f"{name} {row}" for name, row in block.rows.items()]
    lines += [f"#=GC SS_cons {block.structure}", "//"]
    return "\n".join(lines) + "\n"
