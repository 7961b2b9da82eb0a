"""From attention to a score for every pair of bases: symmetrise, then average product correction.

Special tokens are cut off before, never after: their rows would enter every sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["apc", "contact_scores", "symmetrise"]


def symmetrise(maps: Tensor) -> Tensor:
    """Add to each map its transpose: a sum, not a mean.

    Parameters
    ----------
    maps : Tensor, shape (..., L, L)
        Attention after softmax, base coordinates; row = query.

    Returns
    -------
    Tensor, shape (..., L, L)

    Examples
    --------
    >>> symmetrise(torch.tensor([[0.25, 0.75], [0.5, 0.5]])).tolist()
    [[0.5, 1.25], [1.25, 1.0]]
    """
    return maps + maps.transpose(-1, -2)


def apc(symmetric: Tensor) -> Tensor:
    """Subtract what a row and a column have anyway: ``C = S - row * column / total``.

    The average product correction of Dunn, Wahl and Gloor (Bioinformatics 24:333, 2008). The diagonal stays in
    the sums, as in the review's evaluation. A map of zeros stays zero.

    Parameters
    ----------
    symmetric : Tensor, shape (..., L, L)
        Non-negative, as `symmetrise` returns it.

    Returns
    -------
    Tensor, shape (..., L, L)

    Examples
    --------
    >>> apc(torch.tensor([[0.0, 1.0], [1.0, 2.0]])).tolist()
    [[-0.25, 0.25], [0.25, -0.25]]
    """
    row = symmetric.sum(-1, keepdim=True)
    column = symmetric.sum(-2, keepdim=True)
    total = row.sum(-2, keepdim=True)
    expected = row * column
    expected /= torch.where(total == 0, 1, total)
    return torch.sub(symmetric, expected, out=expected)


def contact_scores(maps: Tensor, *, sigmoid: bool = False) -> Tensor:
    """Score every pair of bases: `symmetrise`, then `apc`, then the review's sigmoid if asked for.

    Parameters
    ----------
    maps : Tensor, shape (..., L, L)
        Attention after softmax, base coordinates.
    sigmoid : bool
        Squash to 0..1, as the ``review`` protocol does: scores within 0.05 of 0 then share 25 of its thresholds.

    Returns
    -------
    Tensor, shape (..., L, L)
        Higher is likelier.

    Examples
    --------
    >>> contact_scores(torch.full((1, 2, 2), 0.5), sigmoid=True).tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    corrected = apc(symmetrise(maps))
    return corrected.sigmoid_() if sigmoid else corrected
