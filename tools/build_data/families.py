"""A family for every structure RNA: cmscan with Rfam's models, else likeness to a seed or to each other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .identity import SHORT, near_duplicates

__all__ = ["Hit", "best", "by_seed", "clusters", "like_seeds", "scan"]

#: Mb of the search space, the same for every RNA, so that E-values of different RNAs compare.
SPACE = 1
REPORTED = 0.1
BELIEVED = 0.01
#: Rows compared before looking whether their family is settled.
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit of a family's model on an RNA, with its E-value."""

    rna: str
    family: str
    e_value: float


def scan(models: Path, rnas: Mapping[str, str], work: Path) -> list[Hit]:
    """Search RNAs with every model, top strand only, E-values up to 0.1 in a space of 1 Mb.

    Parameters
    ----------
    models : Path
        Calibrated covariance models, pressed.
    rnas : mapping of str to str
        Sequence by name.
    work : Path
        Folder for what cmscan reads and writes.

    Returns
    -------
    list of Hit
        In cmscan's order.
    """
    fasta, found = work / "scan.fasta", work / "scan.tbl"
    fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in rnas.items()))
    limits = ["--toponly", "-Z", str(SPACE), "-E", str(REPORTED)]
    command = ["cmscan", "--cpu", "1", "--noali", *limits, "--tblout", str(found), str(models), str(fasta)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = [line.split() for line in found.read_text().splitlines() if not line.startswith("#")]
    return [Hit(row[2], row[1], float(row[15])) for row in rows]


def best(hits: list[Hit]) -> dict[str, str]:
    """Return the family of the best believed hit (E-value up to 0.01) of each RNA.

    Examples
    --------
    >>> best([Hit("x", "RF2", 1e-5), Hit("x", "RF1", 1e-9), Hit("y", "RF1", 0.05)])
    {'x': 'RF1'}
    """
    ranked = sorted((hit for hit in hits if hit.e_value <= BELIEVED), key=lambda hit: (hit.e_value, hit.family))
    return {hit.rna: hit.family for hit in reversed(ranked)}


def by_seed(rnas: Mapping[str, str], seeds: Mapping[str, list[str]]) -> dict[str, str]:
    """Give RNAs of at least 30 bases the family of the real sequence that they are most like, if any is.

    Parameters
    ----------
    rnas : mapping of str to str
        Sequence by name.
    seeds : mapping of str to list of str
        Real sequences by family.

    Returns
    -------
    dict of str to str
        Family by name, of those that are at least 80 % identical with a seed.

    Examples
    --------
    >>> one = "GGGGCCCCAAAAUUUUGGGGCCCCAAAAUUUUGGGG"
    >>> by_seed({"x": one, "y": "A" * 40}, {"RF1": [one[:-1] + "A"]})
    {'x': 'RF1'}
    """
    names = [name for name, sequence in rnas.items() if len(sequence) >= SHORT]
    found: dict[str, tuple[float, str]] = {}
    for family, rows in seeds.items():
        for q, _, same in near_duplicates([rnas[name] for name in names], sorted(set(rows))):
            found[names[q]] = max(found.get(names[q], (0.0, "")), (same, family))
    return {name: family for name, (_, family) in found.items()}


def like_seeds(rnas: Mapping[str, str], seeds: Iterable[tuple[str, list[str]]], settled: Iterable[str]) -> dict[str, str]:
    """Say which families have a real sequence that is a near-duplicate of an RNA of at least 30 bases.

    Parameters
    ----------
    rnas : mapping of str to str
        Sequence by ``set/name``.
    seeds : iterable of (str, list of str)
        Families with real sequences; a family may come more than once.
    settled : iterable of str
        Families that need not be looked at.

    Returns
    -------
    dict of str to str
        For each such family the first RNA found: ``"like a seed: srtest150/1ABC_A_1_40"``.

    Examples
    --------
    >>> one = "GGGGCCCCAAAAUUUUGGGGCCCCAAAAUUUUGGGG"
    >>> like_seeds({"TS1/x": one}, [("RF1", [one]), ("RF2", ["A" * 40])], [])
    {'RF1': 'like a seed: TS1/x'}
    """
    done, found = set(settled), {}
    names = [name for name, sequence in rnas.items() if len(sequence) >= SHORT]
    for family, rows in seeds:
        real = sorted({row for row in rows if len(row) >= SHORT})
        for start in range(0, len(real), AT_ONCE):
            if family in done:
                break
            like = near_duplicates(real[start : start + AT_ONCE], [rnas[name] for name in names])
            if like:
                found[family] = f"like a seed: {names[like[0][1]]}"
                done.add(family)
    return found


def clusters(rnas: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Give the RNAs without a family the one of their nearest near-duplicate, else a cluster of their own kind.

    Greedy, longest first: an RNA joins the representative it is most like, at 80 % identity or more, or
    becomes one. RNAs whose family is known are representatives from the start. New clusters are named
    ``CL001``, ``CL002``, ...

    Parameters
    ----------
    rnas : mapping of str to str
        Sequence by name.
    known : mapping of str to str
        Family by name, of some.

    Returns
    -------
    dict of str to str
        Family by name, of all the others.

    Examples
    --------
    >>> clusters({"a": "GGGGAAACCCC", "b": "GGGGAAACCCA", "c": "UUUUUUUUUUU"}, {})
    {'a': 'CL001', 'b': 'CL001', 'c': 'CL002'}
    """
    heads = {name: known[name] for name in rnas if name in known}
    found: dict[str, str] = {}
    number = 0
    for name in sorted((name for name in rnas if name not in known), key=lambda name: (-len(rnas[name]), name)):
        order = list(heads)
        like = near_duplicates([rnas[name]], [rnas[head] for head in order])
        if like:
            found[name] = heads[order[max(like, key=lambda match: (match[2], -match[1]))[1]]]
        else:
            number += 1
            heads[name] = found[name] = f"CL{number:03d}"
    return found
