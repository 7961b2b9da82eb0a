"""How alike two layers or two models represent the same RNAs: linear CKA."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnastudy.errors import StudyError
from rnastudy.statistics.resampling import finite

__all__ = ["cka_matrix", "linear_cka"]

Floats = NDArray[np.float64]


def linear_cka(x: ArrayLike, y: ArrayLike, *, unbiased: bool = True) -> float:
    """Similarity of two representations of the same S items, blind to rotation and scale.

    Parameters
    ----------
    x, y : array, shape=(S, D) and (S, D')
        The same items in the same order.
    unbiased : bool
        With few items and many dimensions the plain form nears 1 for unrelated representations; the unbiased form has
        mean 0 there, and can be slightly negative.

    Returns
    -------
    float

    Raises
    ------
    StudyError
        With fewer than 4 items, different numbers of items, or a representation without spread.

    References
    ----------
    Plain: Kornblith et al., ICML 2019 (arXiv 1905.00414). Unbiased: Song et al., J. Mach. Learn. Res. 13, 1393-1434, 2012,
    used for CKA by Nguyen, Raghu and Kornblith, ICLR 2021 (arXiv 2010.15327).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> round(linear_cka(x, 5 * x[:, ::-1]), 6)
    1.0
    """
    return float(cka_matrix([x], [y], unbiased=unbiased)[0, 0])


def cka_matrix(first: Iterable[ArrayLike], second: Iterable[ArrayLike] | None = None, *, unbiased: bool = True) -> Floats:
    """CKA of every layer of one model with every layer of another.

    Parameters
    ----------
    first, second : iterable of array, shape=(S, D)
        Layers on the same S items; the widths D may differ. `second` defaults to `first`. Each layer is kept as one
        S x S Gram matrix.

    Returns
    -------
    ndarray, shape=(layers of first, layers of second)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layers = [rng.normal(size=(50, 4)) for _ in range(3)]
    >>> cka_matrix(layers).shape
    (3, 3)
    """
    rows = [_centred_gram(layer, unbiased) for layer in first]
    columns = rows if second is None else [_centred_gram(layer, unbiased) for layer in second]
    shapes = {gram.shape for gram in [*rows, *columns]}
    if len(shapes) != 1:
        raise StudyError(f"representations of {sorted(shape[0] for shape in shapes)} items; give every layer the same items, and at least one layer")
    return np.array([[np.sum(a * b) for b in columns] for a in rows])


def _centred_gram(layer: ArrayLike, unbiased: bool) -> Floats:
    """Gram matrix, centred so that the elementwise product of two sums to their HSIC, and scaled to norm 1."""
    x = finite(layer, "representations")
    if x.ndim != 2 or len(x) < 4:
        raise StudyError(f"representations of shape {x.shape}; CKA needs shape (items, width) with at least 4 items")
    x = x - x.mean(axis=0)
    gram = x @ x.T
    if unbiased:
        gram = _u_centred(gram)
    norm = float(np.linalg.norm(gram))
    if norm <= 1e-12 * max(1.0, float(np.abs(x).max()) ** 2) * len(x):
        raise StudyError(f"a representation of shape {x.shape} is the same for all items; its CKA does not exist")
    scaled: Floats = gram / norm
    return scaled


def _u_centred(gram: Floats) -> Floats:
    """U-centred Gram matrix: zero diagonal and rows that sum to 0; inner products are unbiased HSIC up to a constant."""
    n = len(gram)
    hollow = gram - np.diag(np.diag(gram))
    rows = hollow.sum(axis=1)
    centred: Floats = hollow - (rows[:, None] + rows[None, :]) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred
