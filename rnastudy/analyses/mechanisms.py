"""What lies behind a point of the trade-off: how alike representations are, and what a linear probe reads from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.contenders import Contender
from rnastudy.analyses.structure import StructureStudy
from rnastudy.errors import StudyError
from rnastudy.tradeoff import cka_matrix, family_probe, structure_probe

__all__ = ["probes", "representations"]


def representations(function: ClassificationStudy) -> tuple[NDArray, list[str]]:
    """Compare the mean-pooled last layers of all contenders, two by two: unbiased linear CKA.

    Returns
    -------
    matrix : ndarray, shape (M, M)
    names : list of str
    """
    names = list(function.vectors)
    return cka_matrix([function.vectors[name] for name in names]), names


def probes(structure: StructureStudy, function: ClassificationStudy, entrants: Sequence[Contender], *, seed: int = 0) -> pd.DataFrame:
    """Fit linear probes for structure and family on frozen models, each beside its control with shuffled labels.

    Parameters
    ----------
    structure, function : finished analyses
        Pair probes are fitted on the selection RNAs and scored on the test RNAs; family probes are cross-validated.
    entrants : sequence of Contender
        Those without a model are left out.
    seed : int
        Of samples, folds and shuffles.

    Returns
    -------
    DataFrame
        Columns model, role, task, score, control, selectivity, n.
    """
    rows = []
    for entrant in entrants:
        if entrant.probe is None:
            continue
        pairs = structure_probe(*(_features(entrant, rnas) for rnas in (structure.select, structure.test, structure.select)), seed=seed)
        family = family_probe(*_common_families(function, entrant.name), seed=seed)
        for task, one in (("structure (average precision)", pairs), ("family (accuracy)", family)):
            rows.append(
                {
                    "model": entrant.name,
                    "role": entrant.role,
                    "task": task,
                    "score": one.score,
                    "control": one.control,
                    "selectivity": one.selectivity,
                    "n": one.n,
                }
            )
    return pd.DataFrame(rows)


def _features(entrant: Contender, rnas: Sequence[Any]) -> Any:
    """Stream (features of shape (N * H, L, L), pairs) of each RNA; layers of an RNA come in order."""
    from rnastudy.contacts import contact_scores

    held: dict[int, list[NDArray]] = {}
    assert entrant.probe is not None
    for layer in entrant.stream(rnas):
        held.setdefault(layer.index, []).append(contact_scores(layer.maps).cpu().numpy())
        if len(held[layer.index]) == entrant.probe.n_layers:
            yield np.concatenate(held.pop(layer.index)), rnas[layer.index].pairs


def _common_families(function: ClassificationStudy, name: str, least: int = 5, most: int = 60) -> tuple[NDArray, list[str]]:
    """Vectors and labels of the first families with enough members for cross-validation."""
    families = pd.Series(function.families)
    sizes = families.value_counts()
    kept = sorted(sizes[sizes >= least].index)[:most]
    rows = families.isin(kept).to_numpy()
    if len(kept) < 2:
        raise StudyError(f"{len(kept)} families have {least} RNAs or more; a family probe needs two, so give more RNAs a family")
    return function.vectors[name][rows], list(families[rows])
