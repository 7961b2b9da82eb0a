"""Rfam's covariance models: gathered from Debian's prokka and infernal, with names, types and clans."""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Model", "clans", "gather", "stat", "subset", "types"]

FEWEST_SEEDS = 5
CONSENSUS = (30, 500)


@dataclass(frozen=True, slots=True)
class Model:
    """One covariance model as ``cmstat`` lists it.

    Parameters
    ----------
    name, family : str
        Rfam's name and accession.
    seeds : int
        Sequences of the seed alignment.
    columns : int
        Consensus columns.
    has_pairs : bool
        False for a family without structure, whose model is a plain profile.
    """

    name: str
    family: str
    seeds: int
    columns: int
    has_pairs: bool

    @property
    def drawable(self) -> bool:
        """Whether the study draws from it: structured, 30 to 500 columns, at least 5 seeds."""
        return self.has_pairs and self.seeds >= FEWEST_SEEDS and CONSENSUS[0] <= self.columns <= CONSENSUS[1]


def _run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def stat(models: Path) -> list[Model]:
    """List the models of a file in its order.

    Parameters
    ----------
    models : Path
        Covariance models, text or binary.

    Returns
    -------
    list of Model
    """
    rows = [line.split() for line in _run("cmstat", models).splitlines() if not line.startswith("#")]
    return [Model(row[1], row[2], int(row[3]), int(row[5]), row[9] == "cm") for row in rows]


def subset(models: Path, names: Collection[str], into: Path) -> Path:
    """Write some models of a file to another, in the file's order.

    Parameters
    ----------
    models, into : Path
        From and to.
    names : collection of str
        Names of the models.

    Returns
    -------
    Path
        `into`.
    """
    keys = into.with_suffix(".names")
    keys.write_text("".join(f"{name}\n" for name in sorted(names)))
    with into.open("wb") as stream:
        subprocess.run(["cmfetch", "-f", str(models), str(keys)], check=True, stdout=stream)
    return into


def gather(files: list[Path], into: Path) -> list[Model]:
    """Join model files, each family once (the first file wins); models without an accession are left out.

    Parameters
    ----------
    files : list of Path
        Files of covariance models.
    into : Path
        The joint file.

    Returns
    -------
    list of Model
        In the order of `into`.
    """
    seen: set[str] = set()
    parts = []
    for number, source in enumerate(files):
        new = [model for model in stat(source) if model.family not in seen and model.family.startswith("RF")]
        seen |= {model.family for model in new}
        if new:
            parts.append(subset(source, [model.name for model in new], into.with_suffix(f".{number}")))
    into.write_bytes(b"".join(part.read_bytes() for part in parts))
    return stat(into)


def clans(clanin: list[Path]) -> dict[str, str]:
    """Read which clan a family belongs to.

    Parameters
    ----------
    clanin : list of Path
        Infernal's clan files: a clan's accession, then its families' names, tab-separated. The first
        file that names a family wins.

    Returns
    -------
    dict of str to str
        Clan accession by family name.
    """
    found: dict[str, str] = {}
    for line in (line for path in clanin for line in path.read_text().splitlines()):
        clan, *names = line.split()
        for name in names:
            found.setdefault(name, clan)
    return found


def types(family_table: Path, older: list[Path]) -> dict[str, tuple[str, str]]:
    """Read Rfam's table of families, and those that prokka's models were chosen by, for families withdrawn since.

    Parameters
    ----------
    family_table : Path
        ``family.txt``: tab-separated, Latin-1; column 1 the accession, 2 the name, 19 the type.
    older : list of Path
        ``Rfam_*_14.1.txt``: tab-separated; column 1 the accession, 2 the type, 3 a description.

    Returns
    -------
    dict of str to (str, str)
        Name (empty if withdrawn) and type (``"Cis-reg; riboswitch"``) by accession.
    """
    past = [line.split("\t") for path in older for line in path.read_text(encoding="latin-1").splitlines()]
    rows = [line.split("\t") for line in family_table.read_text(encoding="latin-1").splitlines()]
    found = {row[0]: ("", row[1].rstrip("; ")) for row in past if len(row) > 2 and row[0].startswith("RF")}
    return found | {row[0]: (row[1], row[18].rstrip("; ")) for row in rows if len(row) > 18 and row[0].startswith("RF")}
