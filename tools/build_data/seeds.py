"""Real alignments of RNA families, gathered from the source of infernal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

from .stockholm import GAPS, Alignment, blocks, brackets, pairs

__all__ = ["SEEDS", "Seed", "bases", "clean", "read"]


@dataclass(frozen=True, slots=True)
class Seed:
    """Where a family's alignment lies in infernal's source, and what it is called.

    Parameters
    ----------
    family, name, kind : str
        Rfam's accession, name and type of the family.
    path : str
        File below the source folder.
    origin : str
        Who aligned it.
    shipped : bool
        False for what is only compared with: ribosomal RNA of 1,500 bases.
    """

    family: str
    name: str
    kind: str
    path: str
    origin: str = "Rfam seed"
    shipped: bool = True


#: One alignment a family. Left out: proteins and DNA, invented or drawn examples, subsets of these files,
#: a second tRNA alignment, human-mouse blocks without a family, and two rows of a pseudoknot (RF01096).
SEEDS = (
    Seed("RF00001", "5S_rRNA", "Gene; rRNA", "tutorial/5S_rRNA.sto"),
    Seed("RF00003", "U1", "Gene; snRNA; splicing", "testsuite/3.4.12.rf.stk", "Rfam 6 or older seed"),
    Seed("RF00004", "U2", "Gene; snRNA; splicing", "testsuite/3.4.12.rf.stk", "Rfam 6 or older seed"),
    Seed("RF00005", "tRNA", "Gene; tRNA", "testsuite/tRNA.sto"),
    Seed("RF00006", "Vault", "Gene", "testsuite/Vault.sto"),
    Seed("RF00010", "RNaseP_bact_a", "Gene; ribozyme", "testsuite/rnaseP-eubact.sto", "J. W. Brown's RNase P database"),
    Seed("RF00012", "U3", "Gene; snRNA; snoRNA; CD-box", "testsuite/3.4.12.rf.stk", "Rfam 6 or older seed"),
    Seed("RF00017", "Metazoa_SRP", "Gene", "testsuite/srp-euk.sto", "SRP database"),
    Seed("RF00174", "Cobalamin", "Cis-reg; riboswitch", "tutorial/Cobalamin.sto"),
    Seed("RF00177", "SSU_rRNA_bacteria", "Gene; rRNA", "testsuite/bug-i15.sto", "CRW, by SSU-ALIGN", shipped=False),
    Seed("RF01185", "snR75", "Gene; snRNA; snoRNA; CD-box", "testsuite/snR75.sto"),
    Seed("RF01855", "Plant_SRP", "Gene", "testsuite/Plant_SRP.sto"),
)
LETTERS = "ACGU"


def bases(row: str) -> str:
    """Return a row's bases: no gaps, upper case, U for T.

    Examples
    --------
    >>> bases("gga-T.C")
    'GGAUC'
    """
    return "".join(letter for letter in row if letter not in GAPS).upper().replace("T", "U")


def read(source: Path, seed: Seed) -> Alignment:
    """Read a family's alignment from the source folder.

    Parameters
    ----------
    source : Path
        Unpacked source of infernal.
    seed : Seed
        What to read.

    Returns
    -------
    Alignment

    Raises
    ------
    ValueError
        If the file does not hold it.
    """
    found = list(blocks((source / seed.path).read_text(encoding="latin-1")))
    match = [block for block in found if block.features.get("AC", "").split(".")[0] == seed.family] or found
    if len(match) != 1:
        raise ValueError(f"{source / seed.path}: {len(match)} blocks could be {seed.family}; expected one")
    return match[0]


def clean(block: Alignment, seed: Seed, clan: str) -> tuple[Alignment, int, int]:
    """Keep distinct rows of plain letters, and the columns that any of them uses.

    Rows with the same bases are one RNA: the first stays. A row with a letter other than A, C, G and U goes.

    Parameters
    ----------
    block : Alignment
        As read.
    seed : Seed
        Gives the features.
    clan : str
        Rfam clan, or empty.

    Returns
    -------
    block : Alignment
        Upper case, ``-`` for gaps, ``SS_cons`` with nested pairs as brackets and pseudoknots as letters.
    repeated, strange : int
        Rows that went for each reason.
    """
    rows: dict[str, str] = {}
    seen: set[str] = set()
    repeated = strange = 0
    for name, row in block.rows.items():
        plain = bases(row)
        if set(plain) - set(LETTERS):
            strange += 1
        elif plain in seen:
            repeated += 1
        else:
            seen.add(plain)
            rows[name] = "".join("-" if x in GAPS else x.upper().replace("T", "U") for x in row)
    used = [c for c in range(len(block.structure)) if any(row[c] != "-" for row in rows.values())]
    short = {name: "".join(row[c] for c in used) for name, row in rows.items()}
    place = {column: k for k, column in enumerate(used)}
    kept = [(place[i], place[j]) for i, j in pairs(block.structure) if i in place and j in place]
    features = {"ID": seed.name, "AC": seed.family, "TP": seed.kind, "SE": seed.origin, "CL": clan}
    return Alignment({tag: value for tag, value in features.items() if value}, short, _structure(len(used), kept)), repeated, strange


def _structure(length: int, kept: list[tuple[int, int]]) -> str:
    """Write nested pairs as brackets, and pairs that cross those as letters, a letter for each layer.

    Examples
    --------
    >>> _structure(10, [(0, 4), (2, 7), (3, 9)])
    '(.AB)..a.b'
    """
    layers: list[list[tuple[int, int]]] = []
    for i, j in kept:
        free = (layer for layer in layers if not any(a < i < b < j or i < a < j < b for a, b in layer))
        layer = next(free, None)
        if layer is None:
            layers.append(layer := [])
        layer.append((i, j))
    marks = list(brackets(length, layers[0] if layers else []))
    for number, layer in enumerate(layers[1:]):
        for i, j in layer:
            marks[i], marks[j] = ascii_uppercase[number], ascii_lowercase[number]
    return "".join(marks)
