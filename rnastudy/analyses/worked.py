"""Worked examples of the background pages: one RNA, one family, one question, with numbers computed and none typed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.lab import head_maps, lab_hairpin
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["Steps", "best_of", "covariation", "guesses", "known_rna", "letters_of_pairs", "shares_of_choice", "steps"]

_MODEL = "mapconv-70k"
_LETTERS = "ACGU"


@cache
def known_rna(name: str, data: str = "srtest150") -> Rna:
    """Return an RNA of an embedded set by name.

    Parameters
    ----------
    name : str
        As the set names it: entry, chain, first and last residue.
    data : str

    Raises
    ------
    StudyError
        If the set has no RNA of this name.

    Examples
    --------
    >>> known_rna("1YMO_A_1_47")
    Rna('1YMO_A_1_47', 47 bases, 15 pairs)
    """
    from rnastudy import datasets

    found = next((rna for rna in datasets.load(data).rnas if rna.name == name), None)
    if found is None:
        raise StudyError(f"data set {data!r} has no RNA named {name!r}; look at the names in it")
    return found


@cache
def letters_of_pairs(data: str = "srtest150") -> dict[str, float]:
    """Say which letters the pairs of a data set are made of, as shares that sum to 1.

    Examples
    --------
    >>> list(letters_of_pairs())
    ['GC', 'AU', 'GU']
    """
    from rnastudy import datasets

    counts: Counter[str] = Counter()
    for rna in datasets.load(data).rnas:
        counts.update("".join(sorted(rna.sequence[i] + rna.sequence[j])) for i, j in rna.pairs or ())
    total = sum(counts.values())
    return {name: counts["".join(sorted(name))] / total for name in ("GC", "AU", "GU")}


@cache
def covariation(family: str = "RF00005") -> pd.DataFrame:
    """Look at the paired columns of a family's seed alignment, row by row.

    Parameters
    ----------
    family : str
        Rfam accession of a held-out family with an embedded seed alignment.

    Returns
    -------
    DataFrame
        A row per pair: pair (columns counted from 1), rows (sequences with a base in both), same (share of them with the commonest
        two letters), paired (share whose letters can pair) and kinds (how many different pairing letters occur).

    Examples
    --------
    >>> len(covariation("RF00005"))
    21
    """
    from rnastudy import datasets
    from rnastudy.structure import CANONICAL

    found = next((rna for rna in datasets.load("rfam_seed_alignments_heldout", alignments=True).rnas if rna.family == family), None)
    if found is None or found.alignment is None:
        raise StudyError(f"no embedded seed alignment of family {family!r}; see data set rfam_seed_alignments_heldout")
    rows = []
    for i, j in found.pairs or ():
        letters = Counter(row[i] + row[j] for row in found.alignment if row[i] in _LETTERS and row[j] in _LETTERS)
        total, able = letters.total(), {two: count for two, count in letters.items() if two in CANONICAL}
        shares = {"same": max(letters.values()) / total, "paired": sum(able.values()) / total, "kinds": len(able)}
        rows.append({"pair": f"{i + 1}-{j + 1}", "rows": total, **shares})
    return pd.DataFrame(rows)


@cache
def _model(name: str) -> Any:
    from rnastudy import models

    return models.load(name)


@cache
def guesses(model: str = _MODEL) -> pd.DataFrame:
    """Hide one base of the lab's hairpin and ask a model for it, with its partner in sight, hidden too, and changed.

    Returns
    -------
    DataFrame
        A row per question: what, and the probability of A, C, G and U.

    Examples
    --------
    >>> [round(total, 6) for total in guesses("mapconv-9k")[list("ACGU")].sum(axis=1)]
    [1.0, 1.0, 1.0]
    """
    hairpin, place = lab_hairpin(), 4
    partner = dict(hairpin.pairs or ())[place]
    changed = hairpin.sequence[:partner] + "A" + hairpin.sequence[partner + 1 :]
    asked = [
        (f"partner {hairpin.sequence[partner]} in sight", hairpin, (place,)),
        ("partner hidden as well", hairpin, (place, partner)),
        ("partner changed to A", hairpin.with_(sequence=changed), (place,)),
    ]
    rows = []
    for said, rna, hidden in asked:
        _, logits = next(iter(_model(model).masked_logits([rna], [hidden])))
        odds = np.exp(logits[0].double().numpy())
        rows.append({"what": said, **dict(zip(_LETTERS, odds / odds.sum(), strict=True))})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Steps:
    """One RNA on its way from attention to pairs.

    Parameters
    ----------
    rna : Rna
    model : str
    layer, head : int
        Chosen on the selection set, counted from 0.
    threshold : float
        Chosen with them.
    attention, symmetric, corrected, candidates : ndarray, shape (L, L)
        After each step; candidates is not-a-number where no pair is scored.
    predicted : tuple of (int, int)
        Pairs at or above the threshold.
    f1 : float
        Of these, against the reference.
    n_select : int
        RNAs that chose head and threshold.
    """

    rna: Rna
    model: str
    layer: int
    head: int
    threshold: float
    attention: NDArray[Any]
    symmetric: NDArray[Any]
    corrected: NDArray[Any]
    candidates: NDArray[Any]
    predicted: tuple[tuple[int, int], ...]
    f1: float
    n_select: int


@cache
def steps(name: str, model: str = _MODEL, limit: int = 60) -> Steps:
    """Take one test RNA through the careful protocol, step by step; head and threshold are chosen on other RNAs.

    Parameters
    ----------
    name : str
        An RNA of srtest150.
    model : str
    limit : int
        How many RNAs of srtrain150 choose.

    Examples
    --------
    >>> found = steps("2HGH_B_1_55", "mapconv-9k", 20)
    >>> found.attention.shape == found.candidates.shape == (55, 55)
    True
    """
    import torch

    from rnastudy import contacts, datasets
    from rnastudy.structure import candidate_mask, decode

    rna, probe = known_rna(name), _model(model)
    chosen_on = datasets.load("srtrain150", limit=limit).rnas
    choice = contacts.select(contacts.scan_stream(probe.attention(chosen_on), chosen_on, "careful"))
    attention = torch.as_tensor(head_maps(probe, rna, choice.layer, choice.head))
    symmetric = contacts.symmetrise(attention)
    corrected = contacts.apc(symmetric).numpy()
    allowed = candidate_mask(rna, min_separation=4)
    predicted = tuple(decode(corrected, choice.threshold, "raw", candidates=allowed))
    reference = {pair for pair in rna.pairs or () if pair[1] - pair[0] >= 4}
    f1 = 2 * len(reference & set(predicted)) / max(len(reference) + len(predicted), 1)
    candidates = np.where(np.triu(np.asarray(allowed), 1), corrected, np.nan)
    where = (choice.layer, choice.head, float(choice.threshold))
    return Steps(rna, model, *where, attention.numpy(), symmetric.numpy(), corrected, candidates, predicted, f1, len(chosen_on))


def best_of(heads: NDArray[np.int_], rnas: int, spread: float, *, draws: int = 4000, seed: int = 0) -> NDArray[np.float64]:
    """Say by how much the best of many equally good heads looks better than it is, on the RNAs that chose it.

    Every head has the same true mean; what differs is luck: the mean of `rnas` scores of standard deviation `spread`. Heads are taken
    as independent, which real ones are not, so this is an upper end.

    Parameters
    ----------
    heads : int array
        Numbers of heads to choose among.
    rnas : int
        RNAs in the selection set.
    spread : float
        Standard deviation of F1 from RNA to RNA.
    draws, seed : int
        Of the simulation.

    Returns
    -------
    ndarray, one per number of heads
        Mean excess of the winner's score over its true mean, in F1.

    Examples
    --------
    >>> best_of(np.array([1, 100]), 40, 0.18).round(2).tolist()
    [0.0, 0.07]
    """
    rng = np.random.default_rng(seed)
    excess = [rng.standard_normal((draws, int(count))).max(1).mean() if count > 1 else 0.0 for count in heads]
    return np.array(excess) * spread / np.sqrt(rnas)


def shares_of_choice(traps: pd.DataFrame) -> pd.DataFrame:
    """Arrange the structure page's trap table by how much each choice was allowed to see.

    Parameters
    ----------
    traps : DataFrame
        Columns model, trap and value, from `rnastudy.analyses.structure_traps`.

    Returns
    -------
    DataFrame
        A row per model: frozen, on_test and per_rna, and what the last two gain over the first.

    Raises
    ------
    StudyError
        If the table lacks one of the three choices.
    """
    names = {"frozen choice": "frozen", "head chosen on the test set": "on_test", "head chosen per RNA": "per_rna"}
    wide = traps.pivot(index="model", columns="trap", values="value")
    missing = [name for name in names if name not in wide]
    if missing:
        raise StudyError(f"the trap table lacks the rows {missing}; run the structure page again")
    kept = wide[list(names)].rename(columns=names).rename_axis(columns=None).reset_index()
    return kept.assign(gain_on_test=kept.on_test - kept.frozen, gain_per_rna=kept.per_rna - kept.frozen)
