"""A large model's own attention, as its authors released it: chosen on one RNA, scored on the other.

Neither RNA comes with an experimental structure: one has the authors' own prediction, made from the same features, the
other none. What can be shown is that one head carries a whole structure from RNA to RNA, not how right it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy import datasets
from rnastudy.contacts import Choice, Counts, Setting, best_per_head, contact_scores, scan_stream, score, select
from rnastudy.errors import StudyError, unknown
from rnastudy.rna import Rna

__all__ = ["Released", "released"]

_CAREFUL = Setting("careful")
_WAYS = ("if-present", "fetch", "no")


@dataclass(frozen=True)
class Released:
    """What the released maps of RNA-MSM hold.

    Attributes
    ----------
    results : DataFrame
        Columns what, rna, layer, head, f1.
    rna : Rna
        The RNA whose structure the authors predicted.
    maps : dict of str to ndarray, shape (L, L)
        Pair scores of its best heads by label, the chosen one first.
    chosen : dict of str to float
        The threshold, at the label of the chosen head.
    data : Dataset
        Both RNAs.
    """

    results: pd.DataFrame
    rna: Rna
    maps: dict[str, NDArray]
    chosen: dict[str, float]
    data: Any


def released(way: str = "if-present", name: str = "rnamsm_maps") -> Released | None:
    """Choose a head of RNA-MSM on the RNA with a predicted structure, and score it on the other one.

    The other RNA has no released structure; its minimum-free-energy structure stands in, and the table says so.

    Parameters
    ----------
    way : {"if-present", "fetch", "no"}
        ``if-present`` uses the maps if they are on this machine; ``fetch`` gets them from their public address.
    name : str
        Of the data set.

    Returns
    -------
    Released or None
        None if the maps are not here and were not to be fetched.

    Raises
    ------
    StudyError
        For another word, or maps that cannot be had.
    """
    if way not in _WAYS:
        raise unknown("way with released maps", way, _WAYS)
    if way == "no" or (way == "if-present" and datasets.missing_files(datasets.card(name))):
        return None
    data = datasets.load(name)
    arrays = datasets.maps(name)
    known = next((rna for rna in data.rnas if rna.pairs), None)
    other = next((rna for rna in data.rnas if not rna.pairs), None)
    if known is None or other is None:
        raise StudyError(f"{name}: one RNA with a structure and one without are expected; the files differ from their card")
    other = other.with_(pairs=_folded(other))
    on_known, on_other = (_counts(rna, arrays[rna.name]) for rna in (known, other))
    choice = select(on_known)
    maps, chosen = _shown(known, arrays[known.name], on_known, choice)
    return Released(_table(known, other, on_known, on_other, choice), known, maps, chosen, data)


def _folded(rna: Rna) -> tuple[tuple[int, int], ...]:
    from rnastudy.baselines import map_baseline

    ((_, maps),) = map_baseline("vienna-mfe").scores([rna])
    return tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(maps[0]) > 0))


def _stream(rna: Rna, maps: NDArray) -> Iterator[Any]:
    import torch

    for number, layer in enumerate(maps):
        yield SimpleNamespace(index=0, layer=number, maps=torch.from_numpy(np.ascontiguousarray(layer)).float())


def _counts(rna: Rna, maps: NDArray) -> Counts:
    return scan_stream(_stream(rna, maps), [rna], "careful")


def _table(known: Rna, other: Rna, on_known: Counts, on_other: Counts, choice: Choice) -> pd.DataFrame:
    heads = best_per_head(on_other)
    place = {"layer": choice.layer + 1, "head": choice.head + 1}
    free = np.unravel_index(int(heads.argmax()), heads.shape)
    rows = [
        {"what": "head and threshold chosen here", "rna": known.name, "reference": "the authors' own prediction", **place, "f1": choice.f1_macro},
        {"what": "the same head and threshold, frozen", "rna": other.name, "reference": "minimum free energy", **place, "f1": score(on_other, choice).f1_macro},
        {
            "what": "the same head, at this RNA's best threshold",
            "rna": other.name,
            "reference": "minimum free energy",
            **place,
            "f1": heads[choice.layer, choice.head],
        },
        {
            "what": "best head for this RNA, after the fact",
            "rna": other.name,
            "reference": "minimum free energy",
            "layer": int(free[0]) + 1,
            "head": int(free[1]) + 1,
            "f1": heads.max(),
        },
        {"what": "median head at its best threshold", "rna": other.name, "reference": "minimum free energy", "f1": float(np.median(heads))},
    ]
    return pd.DataFrame(rows).astype({"layer": "Int64", "head": "Int64"})


def _shown(rna: Rna, maps: NDArray, counts: Counts, choice: Choice, most: int = 6) -> tuple[dict[str, NDArray], dict[str, float]]:
    heads = best_per_head(counts)
    first = choice.layer * heads.shape[1] + choice.head
    order = [first, *(int(place) for place in np.argsort(-heads.ravel(), kind="stable") if place != first)][:most]
    scored = {}
    for place in order:
        layer, head = divmod(place, heads.shape[1])
        (one,) = [item for item in _stream(rna, maps[layer : layer + 1, head : head + 1])]
        scored[f"RNA-MSM, layer {layer + 1}, head {head + 1}"] = contact_scores(one.maps)[0].numpy()
    return scored, {next(iter(scored)): choice.threshold}
