"""Is a sequence's nearest neighbour of its own family?  Left out one at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.overlap.space import PairSpace

__all__ = ["lonely", "neighbour_credit"]

_NEVER = -1.0


def neighbour_credit(space: PairSpace, k: int = 1, *, values_per_block: int = 2**22) -> NDArray[np.float64]:
    """Let the k nearest neighbours of each sequence vote for its family.

    A sequence is compared with all others but its clan-mates of other families, whose nearness is no
    mistake.  Neighbours tied for the last places share them.  A sequence earns 1 when its own family has
    the most votes, and an equal share when families tie.  Ties are similarities on the same step of
    the lattice.

    Parameters
    ----------
    space : PairSpace
        S sequences.
    k : int
        Neighbours that vote.
    values_per_block : int
        Similarities held at once.

    Returns
    -------
    ndarray, shape=(S,)
        Credit of each sequence in the order of `space`; NaN for one whose family has no other member.

    Raises
    ------
    StudyError
        If a sequence has fewer than `k` others to be compared with.

    Examples
    --------
    >>> from rnastudy.overlap.space import pair_space
    >>> space = pair_space(np.array([[1.0, 0], [1, 0.1], [0, 1], [1, 0.15]]), ["a", "a", "b", "b"])
    >>> neighbour_credit(space).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    alone, rows = lonely(space, k), max(1, values_per_block // len(space))
    credit = np.concatenate([_credit_of_rows(space, start, min(start + rows, len(space)), k) for start in range(0, len(space), rows)])
    credit[alone] = np.nan
    return credit


def lonely(space: PairSpace, k: int) -> NDArray[np.bool_]:
    """Return which sequences have no other member of their family to find, shape=(S,).

    Raises
    ------
    StudyError
        If a sequence has fewer than `k` others to be compared with.

    Examples
    --------
    >>> from rnastudy.overlap.space import pair_space
    >>> lonely(pair_space(np.eye(3), ["a", "a", "b"]), 1).tolist()
    [False, False, True]
    """
    candidates = len(space) - 1 - (space.group_end - space.group_start - space.family_end + space.family_start).max()
    if not 1 <= k <= candidates:
        raise StudyError(f"k = {k} neighbours asked for; a sequence may have no more than {candidates} others to ask: choose 1 to {candidates}")
    return np.asarray(space.family_end - space.family_start == 1)


def _credit_of_rows(space: PairSpace, start: int, stop: int, k: int) -> NDArray[np.float64]:
    values = space.values(slice(start, stop), slice(0, len(space)))
    if not space.exact:
        np.floor(values, out=values)
    for place in range(start, stop):
        others = values[place - start]
        others[space.group_start[place] : space.family_start[place]] = _NEVER
        others[space.family_end[place] : space.group_end[place]] = _NEVER
        others[place] = _NEVER
    last = values.max(axis=1) if k == 1 else np.partition(values, len(space) - k, axis=1)[:, len(space) - k]
    row, col = np.nonzero(values >= last[:, None])
    tied = values[row, col] == last[row]
    places = k - np.bincount(row[~tied], minlength=stop - start)
    weight = np.where(tied, (places / np.bincount(row[tied], minlength=stop - start))[row], 1.0)
    return _elect(row, space.family[col], weight, space.family[start:stop])


def _elect(voter: NDArray, family: NDArray, weight: NDArray, own: NDArray) -> NDArray[np.float64]:
    """Return the share of the first place that each voter's own family has."""
    n_families = max(int(family.max()), int(own.max())) + 1
    ballots, box = np.unique(voter * n_families + family, return_inverse=True)
    votes = np.bincount(box, weight)
    voter, family = np.divmod(ballots, n_families)
    most = np.zeros(len(own))
    np.maximum.at(most, voter, votes)
    first = votes > most[voter] * (1 - 1e-9)
    winners = np.bincount(voter[first], minlength=len(own))
    ours = np.bincount(voter[first & (family == own[voter])], minlength=len(own))
    return ours / winners
