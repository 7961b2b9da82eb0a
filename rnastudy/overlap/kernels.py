"""One compiled pass over a block of similarities: count every pair, and let each sequence's nearest neighbour vote.

Only used where `rnastudy.compiled.available` says so. A value is read once, while it is still in the processor's cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.compiled import compiled

__all__ = ["Votes", "read_block"]

#: Columns of a sequence's state: the family that is voting, and its votes; the most votes of a family before it, how many
#: families have them, and whether the sequence's own is among those.
VOTING, VOTES, MOST, FIRST, OWN = range(5)
#: Pairs of a row that are looked through at once.
_AT_ONCE = 512


@compiled
def _close(state, voter, family):  # type: ignore[no-untyped-def]
    """Count the votes of the family that has just finished voting."""
    own = np.int32(state[voter, VOTING] == family[voter])
    if state[voter, VOTES] > state[voter, MOST]:
        state[voter, MOST], state[voter, FIRST], state[voter, OWN] = state[voter, VOTES], 1, own
    elif state[voter, VOTES] == state[voter, MOST]:
        state[voter, FIRST] += 1
        state[voter, OWN] |= own


@compiled
def _vote(nearest, state, voter, neighbour, step, family):  # type: ignore[no-untyped-def]
    """Hear a neighbour that is at least as near as any before; neighbours of one family come one after another."""
    if step > nearest[voter]:
        nearest[voter] = step
        state[voter, VOTING], state[voter, VOTES], state[voter, MOST] = family[neighbour], 1, 0
        state[voter, FIRST], state[voter, OWN] = 0, 0
    elif family[neighbour] == state[voter, VOTING]:
        state[voter, VOTES] += 1
    else:
        _close(state, voter, family)
        state[voter, VOTING], state[voter, VOTES] = family[neighbour], 1


@compiled
def _read_row(values, i, start, family, counts, nearest, state, steps):  # type: ignore[no-untyped-def]
    """Read the pairs of `i` with the sequences from `start` on; all are counted alike.

    Few pairs are near enough to vote. A first loop, without branches, finds out whether any is.
    """
    nearer = False
    for place in range(len(values)):
        step = np.int32(values[place])
        steps[place] = step
        nearer |= (step >= nearest[i]) | (step >= nearest[start + place])
    for place in range(len(values)):
        counts[np.uint32(steps[place])] += 1
    if nearer:
        for place in range(len(values)):
            j = start + place
            if steps[place] >= nearest[i]:
                _vote(nearest, state, i, j, steps[place], family)
            if steps[place] >= nearest[j]:
                _vote(nearest, state, j, i, steps[place], family)


@compiled
def read_block(values, row, col, family, family_end, group_end, positive, negative, nearest, state):  # type: ignore[no-untyped-def]
    """Count the pairs of a block above the diagonal, and vote; see `Votes` for the order of blocks.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, cols)
        Lattice coordinates.
    row, col : int
        Place of its first row and column.
    family, family_end, group_end : ndarray of int, shape (S,)
        As in `PairSpace`.
    positive, negative : ndarray of int64, shape (G,)
        Counts by lattice step; added to.
    nearest, state : ndarray of int32, shapes (S,) and (S, 5)
        From `Votes`; changed.
    """
    stop = col + values.shape[1]
    steps = np.empty(_AT_ONCE, np.int32)
    for place in range(len(values)):
        i = row + place
        kin, stranger = min(stop, family_end[i]), max(col, group_end[i])
        for start in range(max(col, i + 1), kin, _AT_ONCE):
            part = values[place, start - col : min(start + _AT_ONCE, kin) - col]
            _read_row(part, i, start, family, positive, nearest, state, steps)
        for start in range(stranger, stop, _AT_ONCE):
            part = values[place, start - col : min(start + _AT_ONCE, stop) - col]
            _read_row(part, i, start, family, negative, nearest, state, steps)


@compiled
def _credit(family, state, credit):  # type: ignore[no-untyped-def]
    for i in range(len(state)):
        _close(state, i, family)
        credit[i] = state[i, OWN] / state[i, FIRST]


class Votes:
    """Votes of the nearest neighbours of S sequences, gathered while blocks stream by.

    Every sequence hears its neighbours in their order, so that families vote one after another and six numbers a sequence
    suffice, however many neighbours are equally near. `PairSpace.blocks` keeps that order.

    Parameters
    ----------
    family : ndarray of int, shape (S,)
        Rising.

    Attributes
    ----------
    nearest : ndarray of int32, shape (S,)
        Highest lattice step heard so far.
    state : ndarray of int32, shape (S, 5)
        Votes heard at that step.
    """

    def __init__(self, family: NDArray[np.intp]) -> None:
        self.family = family
        self.nearest = np.full(len(family), -1, np.int32)
        self.state = np.zeros((len(family), 5), np.int32)

    def credit(self) -> NDArray[np.float64]:
        """Return 1 for a sequence whose own family has the most votes, an equal share where families tie, shape (S,); once, at the end."""
        credit = np.empty(len(self.family))
        _credit(self.family, self.state, credit)
        return credit
