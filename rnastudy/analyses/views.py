"""What figures and explorers of the study pages need, taken out of finished analyses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.contenders import Contender
from rnastudy.analyses.structure import CAREFUL, REVIEW, StructureStudy
from rnastudy.contacts import Setting, contact_scores
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = [
    "at_most",
    "both_protocols",
    "decoded",
    "example_maps",
    "example_rna",
    "family_maps",
    "of_length",
    "per_rna",
    "similarity_counts",
    "under",
    "unrelated",
    "with_ceilings",
]


def of_length(data: Any, shortest: int = 1, longest: int | None = None) -> Any:
    """Keep the RNAs of a data set within two lengths.

    Parameters
    ----------
    data : Dataset
    shortest, longest : int, optional
        Bases, both included.

    Raises
    ------
    StudyError
        If none is left.
    """
    kept = tuple(rna for rna in data.rnas if len(rna) >= shortest and (longest is None or len(rna) <= longest))
    if not kept:
        raise StudyError(f"{data.name}: none of {len(data.rnas)} RNAs has {shortest} to {longest or 'any number of'} bases; widen the range")
    return replace(data, rnas=kept)


def at_most(data: Any, per_family: int | None, seed: int = 0, *, limit: int | None = None) -> Any:
    """Keep so many RNAs of each family, drawn by `seed`; RNAs without a family stay.

    Parameters
    ----------
    data : Dataset
    per_family : int or None
        All of them if None.
    seed : int
    limit : int, optional
        Then keep whole families, drawn by `seed`, until there are so many RNAs and at least four families.

    Raises
    ------
    StudyError
        If `per_family` is below 2: a family of one has no pair.
    """
    if per_family is not None and per_family < 2:
        raise StudyError(f"per_family is {per_family}; a family needs two RNAs to have a pair")
    rng = np.random.default_rng(seed)
    chosen = [sorted(rng.permutation(members)[:per_family].tolist()) for members in data.families.values()]
    kept: set[int] = set()
    for number, place in enumerate(rng.permutation(len(chosen)) if limit else range(len(chosen))):
        if limit and len(kept) >= limit and number >= 4:
            break
        kept.update(chosen[place])
    rnas = tuple(rna for index, rna in enumerate(data.rnas) if index in kept or (rna.family is None and not limit))
    return replace(data, rnas=rnas)


def unrelated(data: Any, other: Any) -> Any:
    """Leave out the RNAs whose family or clan has a member in another set, so that choosing and scoring share no relatives."""
    families, clans = {rna.family for rna in other.rnas}, {rna.clan for rna in other.rnas if rna.clan}
    return replace(data, rnas=tuple(rna for rna in data.rnas if rna.family not in families and rna.clan not in clans))


def under(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Keep the rows of one protocol, or all of them for ``both``.

    Examples
    --------
    >>> len(under(pd.DataFrame({"protocol": ["review", "careful", "careful"]}), "careful"))
    2
    """
    return table if protocol == "both" else table[table.protocol == protocol].reset_index(drop=True)


def with_ceilings(study: StructureStudy, setting: Setting = CAREFUL) -> pd.DataFrame:
    """Return the rows of a forest plot: contenders under one setting, and the ceilings."""
    ceilings = study.results[study.results.role == "ceiling"].assign(model=lambda rows: rows.model.str.removeprefix("ceiling: "))
    return pd.concat([study.table(setting).query("role != 'ceiling'"), ceilings], ignore_index=True)


def both_protocols(study: StructureStudy) -> pd.DataFrame:
    """Return each contender's headline F1 under both protocols: pooled under ``review``, mean per RNA under ``careful``."""
    rows = pd.concat([study.table(REVIEW, "f1_micro"), study.table(CAREFUL)])
    return rows[rows.role.isin(["trained", "untrained", "baseline"])]


def decoded(study: StructureStudy) -> pd.DataFrame:
    """Return mean F1 under every decoder, for models and folding programs."""
    rows = study.results
    rows = rows[(rows.protocol == "careful") & (rows.min_separation == CAREFUL.separation) & ~rows.canonical & (rows.measure == "f1_macro")]
    return rows[rows.role.isin(["trained", "baseline"]) | (rows.model == "stem-prior")].assign(role=lambda kept: kept.role.replace("floor", "baseline"))


def per_rna(study: StructureStudy, setting: Setting = CAREFUL) -> pd.DataFrame:
    """Return the per-RNA rows of one setting."""
    rows = study.per_rna
    same = (rows.protocol == setting.protocol) & (rows.decoder == setting.decoder) & (rows.canonical == setting.canonical)
    return rows[same & (rows.min_separation == setting.separation)]


def example_rna(study: StructureStudy, model: str) -> Rna:
    """Pick a test RNA of 50 to 100 bases whose F1 is the median of those: neither the best case nor the worst."""
    rows = per_rna(study)
    rows = rows[(rows.model == model) & rows.f1.notna()]
    middle = rows[rows.length.between(50, 100)]
    rows = (middle if len(middle) else rows).sort_values(["f1", "rna"])
    name = rows.iloc[len(rows) // 2].rna
    return next(rna for rna in study.test if rna.name == name)


def example_maps(study: StructureStudy, entrants: Sequence[Contender], model: str, rna: Rna, most: int = 4) -> tuple[dict[str, NDArray], dict[str, float]]:
    """Return the pair scores of the heads that did best on the selection set, the chosen one first.

    Returns
    -------
    maps : dict of str to ndarray, shape (L, L)
        Symmetrised, corrected scores by a label such as ``mapconv-70k, layer 2, head 3``.
    chosen : dict of str to float
        The frozen threshold, at the label of the chosen head.
    """
    entrant = next(one for one in entrants if one.name == model)
    choice, heads = study.choices[model, CAREFUL], study.heads[model]
    order = [int(place) for place in np.argsort(-heads.ravel(), kind="stable")]
    first = choice.layer * heads.shape[1] + choice.head
    wanted = [first, *(place for place in order if place != first)][:most]
    maps = {layer.layer: contact_scores(layer.maps).cpu().numpy() for layer in entrant.stream([rna])}
    labels = {place: f"{model}, layer {place // heads.shape[1] + 1}, head {place % heads.shape[1] + 1}" for place in wanted}
    scores = {labels[place]: maps[place // heads.shape[1]][place % heads.shape[1]] for place in wanted}
    return scores, {labels[first]: choice.threshold}


def family_maps(study: ClassificationStudy, models: Iterable[str], *, most: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Place RNAs by PCA and t-SNE, model beside model; at most so many RNAs, whole families, the largest first.

    Returns
    -------
    DataFrame
        Columns model, method, x, y, family, name.
    """
    from rnastudy.overlap import families_view

    families = pd.Series(study.families)
    order = families.map(families.value_counts()).to_numpy()
    kept = np.sort(np.lexsort((families.to_numpy(), -order))[:most])
    names = [study.rnas[index].name for index in kept]
    parts = []
    for model in models:
        if model not in study.vectors:
            continue
        placed = families_view(names, study.vectors[model][kept], [study.families[index] for index in kept], seed=seed)
        for method, axes in (("PCA", ("pca_1", "pca_2")), ("t-SNE", ("tsne_1", "tsne_2"))):
            columns = {axes[0]: "x", axes[1]: "y"}
            parts.append(placed[["name", "family", *axes]].rename(columns=columns).assign(model=model, method=method))
    return pd.concat(parts, ignore_index=True)


def similarity_counts(study: ClassificationStudy, *, bins: int = 1000) -> tuple[dict[tuple[str, str], tuple[NDArray, NDArray]], NDArray]:
    """Count the cosines of all pairs on one fine grid, for the explorer.

    Returns
    -------
    counts : dict of (str, str) to (positive, negative)
        By contender and descriptor; integer arrays of shape (bins,).
    edges : ndarray, shape (bins + 1,)
    """
    edges = np.linspace(-1, 1, bins + 1)
    labels = pd.factorize(np.array(study.families))[0]
    clans = np.array([clan or f"own {family}" for clan, family in zip(study.clans, study.families, strict=True)])
    clans = pd.factorize(clans)[0]
    counts = {(name, "mean" if "@" in name or "-" in name else name): _count(vectors, labels, clans, edges) for name, vectors in study.vectors.items()}
    return counts, edges


def _count(vectors: NDArray, labels: NDArray, clans: NDArray, edges: NDArray, block: int = 512) -> tuple[NDArray, NDArray]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    positive, negative = np.zeros(len(edges) - 1, dtype=np.int64), np.zeros(len(edges) - 1, dtype=np.int64)
    for start in range(0, len(unit), block):
        rows = np.arange(start, min(start + block, len(unit)))
        cosines = np.clip(unit[rows] @ unit.T, -1, 1)
        later = np.arange(len(unit))[None, :] > rows[:, None]
        same = labels[rows, None] == labels[None, :]
        related = clans[rows, None] == clans[None, :]
        positive += np.histogram(cosines[later & same], edges)[0]
        negative += np.histogram(cosines[later & ~same & ~related], edges)[0]
    return positive, negative
