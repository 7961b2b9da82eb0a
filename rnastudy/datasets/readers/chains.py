"""Protein chains out of PDB and mmCIF files, by `gemmi` (an extra: ``pip install 'rnastudy[structures]'``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.protein import RESIDUES, Protein, contacts_within

__all__ = ["Chain", "read_chains"]

#: Longest bond between C and the next N, in ångström; beyond it residues are missing in between.
PEPTIDE_BOND = 2.0


@dataclass(frozen=True)
class Chain:
    """One protein chain of a structure file.

    Parameters
    ----------
    protein : Protein
        Whole sequence as deposited where the file gives it, else the residues that are seen.
    entry, chain : str
        Code of the entry and name of the chain.
    method : str
        As the file says; empty where it does not.
    resolution : float, optional
        In ångström; ``None`` where the file does not say.
    complete : bool
        True if no residue can be missing between two that are seen: the file gives the whole sequence, or every peptide
        bond is there.
    """

    protein: Protein
    entry: str
    chain: str
    method: str
    resolution: float | None
    complete: bool

    @property
    def longest_gap(self) -> int:
        """Most residues in a row that are not seen, ends left out."""
        hidden, longest, run = self.protein.unresolved, 0, 0
        seen = [place for place in range(len(self.protein)) if place not in hidden]
        for place in range(seen[0], seen[-1] + 1):
            run = run + 1 if place in hidden else 0
            longest = max(longest, run)
        return longest


def read_chains(path: str | Path) -> Iterator[Chain]:
    """Read the protein chains of a PDB or mmCIF file, its first model only; of equal sequences the first chain.

    Parameters
    ----------
    path : str or Path
        ``.pdb``, ``.ent``, ``.cif``, gzipped or not.

    Yields
    ------
    Chain

    Raises
    ------
    StudyError
        If `gemmi` is not installed or the file cannot be read.
    """
    try:
        import gemmi
    except ImportError:
        raise StudyError(f"{path}: reading structure files needs gemmi; install it with: pip install 'rnastudy[structures]'") from None
    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise StudyError(f"{path}: {' '.join(str(error).split())[:160]}; give a PDB or mmCIF file") from error
    structure.setup_entities()
    structure.assign_label_seq_id()
    method = structure.info["_exptl.method"].strip() if "_exptl.method" in structure.info else ""
    resolution = float(structure.resolution) or None
    entry = structure.name.split(".")[0].upper()[:4]
    seen: set[str] = set()
    for part in structure[0] if len(structure) else ():
        polymer = part.get_polymer()
        if not len(polymer) or polymer.check_polymer_type() != gemmi.PolymerType.PeptideL:
            continue
        sequence, beta, complete = _laid_out(structure, polymer)
        if sequence in seen or np.isnan(beta).all():
            continue
        seen.add(sequence)
        hidden = frozenset(np.flatnonzero(np.isnan(beta[:, 0])).tolist())
        protein = Protein(f"{entry}_{part.name or 'A'}", sequence, contacts_within(beta), hidden)
        yield Chain(protein, entry, part.name or "A", method, resolution, complete)


def _laid_out(structure: Any, polymer: Any) -> tuple[str, NDArray[np.float64], bool]:
    """Return sequence, positions (L, 3) and whether nothing can be missing, by the deposited sequence where there is one."""
    entity = structure.get_entity_of(polymer)
    residues = list(polymer.first_conformer())
    deposited = [name.split(",")[0] for name in entity.full_sequence] if entity else []
    placed = [residue.label_seq for residue in residues]
    if deposited and None not in placed and max(placed) <= len(deposited):
        beta = np.full((len(deposited), 3), np.nan)
        for residue in residues:
            beta[residue.label_seq - 1] = _beta(residue)
        return _letters(deposited), beta, True
    whole = all(_bonded(one, other) for one, other in zip(residues, residues[1:], strict=False))
    return _letters([residue.name for residue in residues]), np.array([_beta(residue) for residue in residues]), whole


def _letters(names: list[str]) -> str:
    """One letter a residue; a modified one gets its parent's, an unknown one X."""
    import gemmi

    found = (gemmi.find_tabulated_residue(name).one_letter_code.upper().strip() for name in names)
    return "".join(letter if letter in RESIDUES and letter else "X" for letter in found)


def _beta(residue: Any) -> tuple[float, float, float]:
    """Position of Cβ, or of Cα of glycine; NaN where it is not in the file."""
    atom = residue.find_atom("CA" if residue.name == "GLY" else "CB", "*")
    return (atom.pos.x, atom.pos.y, atom.pos.z) if atom else (np.nan,) * 3


def _bonded(one: Any, other: Any) -> bool:
    carbon, nitrogen = one.find_atom("C", "*"), other.find_atom("N", "*")
    return bool(carbon and nitrogen and carbon.pos.dist(nitrogen.pos) <= PEPTIDE_BOND)
