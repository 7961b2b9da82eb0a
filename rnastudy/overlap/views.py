"""Looking at families: maps of the embeddings, and one family against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.overlap import measures
from rnastudy.overlap.neighbours import neighbour_credit
from rnastudy.overlap.review import ranked_counts
from rnastudy.overlap.space import PairSpace, pair_space, unit_vectors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["families_view", "one_against_rest"]


def families_view(
    names: Sequence[str],
    vectors: NDArray,
    families: Sequence[str],
    *,
    perplexity: float = 30.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Place sequences on two maps of their embeddings.

    Vectors are scaled to length 1 first, so that both maps show what the cosine sees.  PCA keeps large
    distances; t-SNE keeps neighbours, and the gaps between its groups mean nothing.

    Parameters
    ----------
    names : sequence of str, length S
        Names of the sequences.
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    families : sequence of str, length S
        Family of each.
    perplexity : float
        Neighbours that t-SNE keeps, lowered to a third of S - 1 where there are few sequences.
    seed : int
        Of t-SNE.

    Returns
    -------
    pandas.DataFrame
        Columns ``name, family, pca_1, pca_2, tsne_1, tsne_2``; ``attrs["explained"]`` holds the share
        of variance of both PCA axes.

    Raises
    ------
    StudyError
        If names, vectors and families differ in number, or are fewer than four.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> families_view(list("abcdef"), rng.normal(size=(6, 3)), list("xxxyyy")).shape
    (6, 6)
    """
    import pandas as pd
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    unit = unit_vectors(vectors, names)
    if not len(names) == len(families) == len(unit) > 3:
        raise StudyError(f"{len(unit)} vectors, {len(names)} names and {len(families)} families; give one of each for at least 4 sequences")
    wide = np.hstack([unit, np.zeros((len(unit), max(0, 2 - unit.shape[1])))])
    pca = PCA(n_components=2, svd_solver="full").fit(wide)
    flat = pca.transform(wide)
    few = min(perplexity, (len(unit) - 1) / 3)
    tsne = TSNE(n_components=2, perplexity=few, init="pca", random_state=seed).fit_transform(wide)
    table = pd.DataFrame({"name": list(names), "family": list(families), "pca_1": flat[:, 0], "pca_2": flat[:, 1], "tsne_1": tsne[:, 0], "tsne_2": tsne[:, 1]})
    table.attrs["explained"] = pca.explained_variance_ratio_.tolist()
    return table


def one_against_rest(vectors: NDArray, families: Sequence[str], clans: Sequence[str | None] | None = None) -> pd.DataFrame:
    """Score each family on its own: its inner pairs against its pairs with unrelated families.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    families : sequence of str, length S
        Family of each.
    clans : sequence of str or None, length S, optional
        Clan of each; clan-mates are left out.

    Returns
    -------
    pandas.DataFrame
        One row for each family of at least two members, worst first: ``family, n, auroc, mean_within,
        mean_between, knn_accuracy``.

    Examples
    --------
    >>> table = one_against_rest(np.eye(3)[[0, 0, 1, 1, 0]], ["a", "a", "b", "b", "c"])
    >>> table[["family", "n", "auroc"]].round(3).values.tolist()
    [['a', 2, 0.833], ['b', 2, 1.0]]
    """
    import pandas as pd

    space = pair_space(vectors, families, clans)
    credit = neighbour_credit(space)
    rows = [_against_rest(space, start, credit) for start in np.unique(space.family_start) if space.family_end[start] - start > 1]
    table = pd.DataFrame(rows, columns=["family", "n", "auroc", "mean_within", "mean_between", "knn_accuracy"])
    return table.sort_values(["auroc", "family"], ignore_index=True)


def _against_rest(space: PairSpace, start: int, credit: NDArray[np.float64]) -> tuple[str, int, float, float, float, float]:
    rows = slice(int(start), int(space.family_end[start]))
    inner = space.values(rows, rows)
    within = inner[np.triu_indices(len(inner), 1)]
    sides = slice(0, int(space.group_start[start])), slice(int(space.group_end[start]), len(space))
    between = np.concatenate([space.values(rows, side).ravel() for side in sides])
    counts = ranked_counts(within, between)
    means = space.cosine(within).mean(), space.cosine(between).mean()
    return space.families[space.family[start]], len(inner), float(measures.auroc(*counts)), float(means[0]), float(means[1]), float(np.mean(credit[rows]))
