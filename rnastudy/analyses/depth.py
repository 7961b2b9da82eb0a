"""How many rows does an alignment need?  The same families with fewer and fewer homologs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from rnastudy.analyses.contenders import Contender
from rnastudy.contacts import scan_stream, score, select
from rnastudy.rna import Rna

__all__ = ["by_depth", "thinned"]


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
