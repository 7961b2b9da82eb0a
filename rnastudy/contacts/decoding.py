"""The decoders of `rnastudy.structure` for all heads of a layer at once, at every threshold.

A pair that ``mutual`` or ``greedy`` accepts at one threshold is accepted at every lower one, so it is enough to decode
once without threshold and keep the accepted scores.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["accepted_pairs"]


def accepted_pairs(scores: Tensor, candidates: Tensor, decoder: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pairs that a decoder accepts without threshold.

    Parameters
    ----------
    scores : Tensor, shape (H, L, L)
        Of which ``i < j`` is read.
    candidates : Tensor of bool, shape (L, L)
        Pairs that may be predicted, ``i < j`` only.
    decoder : {"mutual", "greedy"}
        Equal scores go to the smaller i, then the smaller j.

    Returns
    -------
    heads, i, j : Tensor of int64, shape (P,)
        Accepted pairs of all heads.

    Examples
    --------
    >>> scores = torch.zeros(1, 4, 4)
    >>> scores[0, 0, 3], scores[0, 2, 3], scores[0, 0, 1] = 0.6, 0.7, 0.5
    >>> [part.tolist() for part in accepted_pairs(scores, torch.ones(4, 4).triu(1).bool(), "greedy")]
    [[0, 0], [0, 2], [1, 3]]
    """
    upper = scores.masked_fill(~candidates, -torch.inf)
    left = torch.maximum(upper, upper.transpose(1, 2))
    partner = _mutual(left)
    if decoder == "greedy":
        partner = _complete(left, partner)
    heads, i = (partner > torch.arange(partner.shape[1], device=partner.device)).nonzero(as_tuple=True)
    return heads, i, partner[heads, i]


def _mutual(left: Tensor) -> Tensor:
    """Return each base's partner, shape (H, L), -1 for none, where both are each other's best."""
    value, best = left.max(-1)
    mutual = (best.gather(1, best) == torch.arange(best.shape[1], device=best.device)) & (value > -torch.inf)
    return torch.where(mutual, best, -1)


def _complete(left: Tensor, partner: Tensor) -> Tensor:
    """Take mutual bests out and look again until nothing is left: the same pairs as best first, a round at a time."""
    partner, taken = partner.clone(), partner >= 0
    bases = torch.arange(left.shape[1], device=left.device).expand(left.shape[:2])
    while taken.any() and not taken.all():
        left, bases = _without(left, bases, taken)
        found = _mutual(left)
        taken = found >= 0
        heads, rows = taken.nonzero(as_tuple=True)
        partner[heads, bases[heads, rows]] = bases[heads, found[heads, rows]]
    return partner


def _without(left: Tensor, bases: Tensor, taken: Tensor) -> tuple[Tensor, Tensor]:
    """Shrink maps to the bases still free, in order; heads with fewer of them keep some taken ones, without score."""
    n_free = int((~taken).sum(1).max())
    kept = taken.byte().argsort(dim=1, stable=True)[:, :n_free]
    gone = taken.gather(1, kept)
    rows = left.gather(1, kept[:, :, None].expand(-1, -1, left.shape[2]))
    square = rows.gather(2, kept[:, None, :].expand(-1, n_free, -1))
    square.masked_fill_(gone[:, :, None], -torch.inf).masked_fill_(gone[:, None, :], -torch.inf)
    return square, bases.gather(1, kept)
