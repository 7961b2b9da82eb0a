"""Which families no model of the study may be trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["ARCHIVE", "Held", "by_chance", "group", "hold_out"]

#: Families of ArchiveII: 5S, tRNA, 16S, 23S, RNase P, SRP, tmRNA, group I introns, telomerase.
ARCHIVE = ("RF00001", "RF00005", "RF00177", "RF02541", "RF00010", "RF00017", "RF00023", "RF00028", "RF00024")
SEED = "rnastudy"
RANDOM_SHARE = 0.25


@dataclass(frozen=True, order=True, slots=True)
class Held:
    """A held-out family, its clan (empty if none) and why it is held out."""

    family: str
    clan: str
    reason: str


def group(family: str, clan_of: Mapping[str, str]) -> str:
    """Return what is held out together with a family: its clan, or itself.

    Examples
    --------
    >>> group("RF00005", {"RF00005": "CL00001"}), group("RF00021", {})
    ('CL00001', 'RF00021')
    """
    return clan_of.get(family) or family


def by_chance(group: str) -> bool:
    """Say whether a clan or family is in the random quarter; the answer depends on its name alone.

    Examples
    --------
    >>> by_chance("RF00162"), 950 < sum(by_chance(f"RF{k:05d}") for k in range(4000)) < 1050
    (False, True)
    """
    number = int.from_bytes(hashlib.sha256(f"{SEED} {group}".encode()).digest()[:8])
    return number / 2**64 < RANDOM_SHARE


def hold_out(families: Iterable[str], clan_of: Mapping[str, str], touched: Mapping[str, str]) -> list[Held]:
    """Hold out what the test sets touch, with its whole clan, and a random quarter of the other clans and families.

    Parameters
    ----------
    families : iterable of str
        All families known by accession.
    clan_of : mapping of str to str
        Clan by family.
    touched : mapping of str to str
        Families that a test set touches, and how: the reason that is written down.

    Returns
    -------
    list of Held
        Sorted by family.

    Examples
    --------
    >>> held = hold_out(["RF1", "RF2", "RF00162"], {"RF1": "CL1", "RF2": "CL1"}, {"RF1": "hit: TS1"})
    >>> [(one.family, one.reason) for one in held]
    [('RF1', 'hit: TS1'), ('RF2', 'clan of RF1')]
    """
    because: dict[str, str] = {}
    for family in sorted(touched):
        because.setdefault(group(family, clan_of), family)
    held = []
    for family in sorted({*families, *touched}):
        its = group(family, clan_of)
        reason = touched.get(family) or (f"clan of {because[its]}" if its in because else "random quarter")
        if its in because or by_chance(its):
            held.append(Held(family, clan_of.get(family, ""), reason))
    return held
