"""The two sets of RNAs of known 3D structure that PyPI's squarna carries, and SPOT-RNA's (read, never shipped)."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .identity import near_duplicates
from .output import csv_text
from .stockholm import pairs

__all__ = ["Structure", "disjoint", "read_spotrna", "read_squarna", "table"]

HEADER = ("name", "sequence", "pairs", "family", "clan", "family_source")
#: What SPOT-RNA's files hold besides A, C, G and U: pseudouridine and ribothymidine, both uridines.
URIDINES = str.maketrans("PT", "UU")


@dataclass(frozen=True, slots=True)
class Structure:
    """An RNA of known 3D structure.

    Parameters
    ----------
    name : str
        ``PDB_CHAIN_FIRST_LAST``, the residues as numbered in the entry.
    sequence : str
        L bases.
    pairs : tuple of (int, int)
        Counted from 0, pseudoknots included.
    """

    name: str
    sequence: str
    pairs: tuple[tuple[int, int], ...]


def _name(header: str) -> str:
    """Make a unique name of a header: entry, chain, first and last residue of the segments it lists.

    Examples
    --------
    >>> _name(">1D6K [37],1.B.G.267.:1.B.U.285.,1.B.C.291.:1.B.C.308.A")
    '1D6K_B_267_308A'
    """
    entry, _, segments = header[1:].partition(" [")
    residues = [residue.split(".") for residue in re.split("[,:]", segments.partition(",")[2])]
    return "_".join((entry, residues[0][1], residues[0][3] + residues[0][4], residues[-1][3] + residues[-1][4]))


def read_squarna(path: Path) -> list[Structure]:
    """Read one of squarna's data sets: a header, a sequence and a dot-bracket line for each RNA.

    Parameters
    ----------
    path : Path
        ``SRtrain150.fas`` or ``SRtest150.fas``.

    Returns
    -------
    list of Structure
        In the file's order.

    Raises
    ------
    ValueError
        If a name comes twice, or letters and structure do not fit.
    """
    lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
    found = [Structure(_name(h), s, tuple(pairs(d))) for h, s, d in zip(lines[::3], lines[1::3], lines[2::3], strict=True)]
    names = {one.name.lower() for one in found}
    if len(names) != len(found) or any(set(one.sequence) - set("ACGU") for one in found):
        raise ValueError(f"{path}: names are not unique, or letters other than ACGU; the file is not the one expected")
    return found


def read_spotrna(archive: Path) -> dict[str, dict[str, str]]:
    """Read the sequences of SPOT-RNA's validation and test sets, to know what must be held out.

    Parameters
    ----------
    archive : Path
        ``PDB_dataset.zip``.

    Returns
    -------
    dict of str to dict of str to str
        For ``VL1``, ``TS1`` and ``TS2``: sequence by name, of every RNA that has a file of labels.
    """
    found: dict[str, dict[str, str]] = {"VL1": {}, "TS1": {}, "TS2": {}}
    with zipfile.ZipFile(archive) as files:
        for entry in sorted(files.namelist()):
            folder, _, name = entry.removeprefix("PDB_dataset/").partition("_labels/")
            if folder in found and name:
                text = files.read(f"PDB_dataset/{folder}_sequences/{name}").decode("ascii")
                found[folder][name] = "".join(text.split("\n")[1:]).strip().upper().translate(URIDINES)
    return found


def disjoint(selection: list[Structure], test: list[Structure]) -> tuple[list[Structure], list[tuple[str, str, float]]]:
    """Remove from the selection set every near-duplicate of an RNA of the test set.

    Parameters
    ----------
    selection, test : list of Structure
        The two sets.

    Returns
    -------
    kept : list of Structure
        What is left of `selection`.
    removed : list of (str, str, float)
        Name removed, name in `test`, identity: every pair found.
    """
    found = near_duplicates([one.sequence for one in selection], [one.sequence for one in test])
    gone = {q for q, _, _ in found}
    kept = [one for k, one in enumerate(selection) if k not in gone]
    return kept, [(selection[q].name, test[t].name, same) for q, t, same in found]


def table(rnas: Iterable[Structure], families: Mapping[str, tuple[str, str, str]]) -> str:
    """Write a structure set as CSV.

    Parameters
    ----------
    rnas : iterable of Structure
        The set.
    families : mapping of str to (str, str, str)
        Family, clan and source of both by name.

    Returns
    -------
    str

    Examples
    --------
    >>> print(table([Structure("x", "GAAAC", ((0, 4),))], {"x": ("CL001", "", "cluster")}), end="")
    name,sequence,pairs,family,clan,family_source
    x,GAAAC,"[[0,4]]",CL001,,cluster
    """
    rows = ((one.name, one.sequence, json.dumps(one.pairs, separators=(",", ":")), *families[one.name]) for one in rnas)
    return csv_text(HEADER, rows)
