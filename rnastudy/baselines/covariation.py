"""Covariation without a model: mutual information between alignment columns, with the average product correction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["average_product_corrected", "mutual_information", "mutual_information_map"]

Map = NDArray[np.float64]
_BASES = "ACGU"


def mutual_information(rows: tuple[str, ...]) -> Map:
    """Mutual information of every two columns, in nats.

    Counts for a pair of columns come from the rows that hold a named base (A, C, G, U) in both, and the result is
    multiplied by their share of all rows: two columns that meet in 5 of 500 rows look informative by chance alone.
    (Times 2 R this is the G statistic of independence.) No pseudocounts, no weights of rows.

    Parameters
    ----------
    rows : tuple of str, length R
        Equal lengths L over ``ACGUN-``.

    Returns
    -------
    ndarray, shape=(L, L)
        Symmetric; the diagonal is set to 0.

    Examples
    --------
    >>> mutual_information(("GAC", "CAG", "AAU", "UAA")).round(3).tolist()  # columns 0 and 2 share log 4
    [[0.0, 0.0, 1.386], [0.0, 0.0, 0.0], [1.386, 0.0, 0.0]]
    """
    letters = np.array([list(row) for row in rows])
    one_hot = (letters[:, :, None] == np.array(list(_BASES))).astype(float)
    flat = one_hot.reshape(len(rows), -1)
    information = np.stack([_column_information(one_hot[:, i], flat) for i in range(letters.shape[1])])
    np.fill_diagonal(information, 0.0)
    return np.maximum(information, 0.0)


def _column_information(column: Map, flat: Map) -> Map:
    """Information of one column, (R, 4), with all L columns, (R, 4 L)."""
    joint = (column.T @ flat).reshape(4, -1, 4).swapaxes(0, 1)
    total = joint.sum(axis=(1, 2), keepdims=True)
    p = joint / np.maximum(total, 1.0)
    independent = p.sum(axis=2, keepdims=True) * p.sum(axis=1, keepdims=True)
    ratio = np.divide(p, independent, out=np.ones_like(p), where=p > 0)
    information: Map = (p * np.log(ratio)).sum(axis=(1, 2)) * total[:, 0, 0] / len(column)
    return information


def average_product_corrected(scores: Map) -> Map:
    """Subtract the product of column means over the overall mean, the diagonal left out of all of them.

    Dunn, Wahl and Gloor, Bioinformatics 24, 333-340, 2008. A map of zeros stays zero.

    Parameters
    ----------
    scores : ndarray, shape=(L, L)
        Symmetric; the diagonal is taken as 0.

    Examples
    --------
    >>> average_product_corrected(np.ones((3, 3)) - np.eye(3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    hollow = scores - np.diag(np.diag(scores))
    others = len(scores) - 1
    sums = hollow.sum(axis=1)
    if others < 1 or not sums.sum():
        return hollow
    means = sums / others
    corrected: Map = hollow - means[:, None] * means[None, :] / means.mean()
    np.fill_diagonal(corrected, 0.0)
    return corrected


def mutual_information_map(rna: Rna) -> Map:
    """Corrected mutual information of the RNA's alignment, in its own bases; shape (L, L).

    Raises
    ------
    StudyError
        Without an alignment of at least two rows: one row holds no covariation.

    Examples
    --------
    >>> rows = ("GAC", "CAG", "AAU", "UAA")
    >>> bool(mutual_information_map(Rna("a", "GAC", alignment=rows))[0, 2] > 0)
    True
    """
    if len(rna.alignment or ()) < 2:
        raise StudyError(f"RNA {rna.name!r} has no alignment of 2 or more rows; mutual information needs one")
    return average_product_corrected(mutual_information(rna.alignment or ()))
