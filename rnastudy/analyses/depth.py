"""How many rows does an alignment need?  The same families with fewer and fewer homologs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import pandas as pd

from rnastudy.analyses.contenders import Contender
from rnastudy.contacts import scan_stream, score, select
from rnastudy.models.conditions import at_depth
from rnastudy.rna import Rna

__all__ = ["by_depth", "named_by_depth", "thinned", "typical_depth"]


def named_by_depth(entrants: Iterable[Contender], *sets: Any) -> list[Contender]:
    """Name a model that reads alignments ``NAME@depth1`` where no RNA has one, so that every table and figure says so.

    Parameters
    ----------
    entrants : iterable of Contender
        In any order; those of single sequences, and those under a depth already, keep their names.
    *sets : Dataset
        Everything that they will be run on.

    Returns
    -------
    list of Contender

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> reader = Contender("rnamsm", "trained", iter, list, depth=lambda rna: 1)
    >>> [one.name for one in named_by_depth([reader], SimpleNamespace(rnas=[Rna("a", "GC")]))]
    ['rnamsm@depth1']
    """
    rnas = [rna for data in sets for rna in data.rnas]
    return [replace(one, name=at_depth(one.name, 1)) if _alone(one, rnas) else one for one in entrants]


def _alone(entrant: Contender, rnas: Sequence[Rna]) -> bool:
    """Whether a neural alignment reader gets no alignment at all and does not say so."""
    if entrant.depth is None or entrant.role not in ("trained", "untrained") or "@depth" in entrant.name:
        return False
    return all(entrant.depth(rna) == 1 for rna in rnas)


def typical_depth(entrant: Contender, rnas: Sequence[Rna]) -> float | None:
    """Median number of rows that a contender reads of an RNA; ``None`` for one of single sequences.

    Examples
    --------
    >>> typical_depth(Contender("rnamsm", "trained", iter, list, depth=lambda rna: 1), [Rna("a", "GC")])
    1.0
    """
    return None if entrant.depth is None else float(median(entrant.depth(rna) for rna in rnas))


def thinned(rna: Rna, depth: int) -> Rna:
    """Keep the first `depth` rows of an alignment, the RNA itself among them; depth 1 is the sequence alone.

    Examples
    --------
    >>> thinned(Rna("a", "GC", alignment=("GC", "GU", "AU")), 2).alignment
    ('GC', 'GU')
    """
    return rna.with_(alignment=rna.alignment[:depth] if rna.alignment else None)


def by_depth(entrants: Sequence[Contender], select_set: Any, test_set: Any, depths: Iterable[int] = (1, 2, 4, 8, 16, 32)) -> pd.DataFrame:
    """Score contenders on alignments of several depths; head and threshold are chosen at each depth on the selection set.

    Parameters
    ----------
    entrants : sequence of Contender
        Those that need two rows are left out of depth 1.
    select_set, test_set : Dataset
        One RNA per family, with its alignment.
    depths : iterable of int
        Rows kept.

    Returns
    -------
    DataFrame
        Columns model, role, depth, value (mean F1 under ``careful``), n.
    """
    rows = []
    for depth in depths:
        chosen_on, scored_on = ([thinned(rna, depth) for rna in data.rnas] for data in (select_set, test_set))
        for entrant in entrants:
            if entrant.skipped(chosen_on) or entrant.skipped(scored_on):
                continue
            choice = select(scan_stream(entrant.stream(chosen_on), chosen_on, "careful"))
            scores = score(scan_stream(entrant.stream(scored_on), scored_on, "careful"), choice)
            rows.append({"model": entrant.name, "role": entrant.role, "depth": depth, "value": scores.f1_macro, "n": len(scores.names)})
    return pd.DataFrame(rows)
