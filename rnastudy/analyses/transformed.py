"""Does the frozen choice read structure, or the sequence's letters?  Test RNAs mirrored and shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from rnastudy.analyses.contenders import Contender
from rnastudy.analyses.structure import CAREFUL, StructureStudy, _shared
from rnastudy.baselines import dinucleotide_shuffled, mirrored
from rnastudy.contacts import Setting, scan_stream, score
from rnastudy.rna import Rna

__all__ = ["transformed"]


def transformed(study: StructureStudy, entrants: Sequence[Contender], *, setting: Setting = CAREFUL, seed: int = 0) -> pd.DataFrame:
    """Score each contender's frozen choice on test RNAs that were mirrored, and on shuffled ones.

    A mirrored RNA keeps its pairs but turns every stack around; a shuffled one keeps its dinucleotides and
    loses its structure, so what is still "found" there was never read from the sequence.

    Parameters
    ----------
    study : StructureStudy
        With the frozen choices.
    entrants : sequence of Contender
        Some of those that were in it.
    setting : Setting
        Under which the choice was made.
    seed : int
        Of the shuffle.

    Returns
    -------
    DataFrame
        Tidy results rows; ``dataset`` says what was done to the RNAs.
    """
    ways: dict[str, Callable[[Rna], Rna]] = {
        "mirrored": mirrored,
        "shuffled": lambda rna: dinucleotide_shuffled(rna, seed=seed),
    }
    rows = []
    for entrant in entrants:
        choice = study.choices[entrant.name, setting]
        for way, change in ways.items():
            rnas = [change(rna) for rna in study.test]
            counts = scan_stream(
                entrant.stream(rnas), rnas, setting.protocol, decoder=setting.decoder, canonical=setting.canonical, min_separation=setting.min_separation
            )
            scores = score(counts, choice)
            shared = {**_shared(study, entrant, setting), "dataset": f"{study.names[1]}, {way}", "n": int((scores.reference > 0).sum())}
            rows.append({**shared, "measure": "f1_macro", "value": scores.f1_macro})
    return pd.DataFrame(rows)
