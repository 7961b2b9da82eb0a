"""Thresholds on a fixed lattice, and the bin of each score among them, exactly.

A score's bin is the highest level that it reaches, so that counting bins and summing from above gives the number
of scores at or above **every** level. A binary search would cost ten times as much as all the rest of a scan; here
the upper bits of a float32 name a cell that holds at most one level, and one comparison with that level decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnastudy.errors import StudyError

__all__ = ["LOWEST", "Lattice", "before_sigmoid", "careful_lattice", "review_lattice"]

#: First level of the careful lattice: every pair counts. Finite, so that it can be written to any file.
LOWEST = float(np.finfo(np.float32).min)
#: Bits of the fraction that a cell's name keeps: cells are 2 ** -10 of their value wide.
_KEPT_BITS = 10


@dataclass(frozen=True, eq=False)
class Lattice:
    """Ascending thresholds.

    Parameters
    ----------
    levels : ndarray of float64, shape (K,)
        Ascending; the first is below or equal to every score that will be binned. A float32 score is compared with the
        float32 nearest to a level.

    Raises
    ------
    StudyError
        If levels do not ascend, or lie closer than a thousandth of their value.

    Examples
    --------
    >>> lattice = Lattice(np.array([0.0, 0.25, 0.5]))
    >>> lattice.bins(torch.tensor([0.0, 0.25, 0.3, 0.5, 9.0])).tolist()
    [0, 1, 1, 2, 2]
    """

    levels: NDArray[np.float64]
    _tables: dict[torch.device, tuple[Tensor, Tensor]] = field(init=False, repr=False, default_factory=dict)
    _cells: tuple[int, int] = field(init=False, repr=False, default=(0, 0))

    def __post_init__(self) -> None:
        if self.levels.ndim != 1 or not (np.diff(self.levels) > 0).all():
            raise StudyError("threshold lattice: levels do not ascend; sort them and drop doubles")
        ends = _cell(torch.as_tensor(self.levels[[min(1, len(self) - 1), -1]], dtype=torch.float32))
        object.__setattr__(self, "_cells", (int(ends[0]) - 1, int(ends[1]) + 1))
        self._tables[torch.device("cpu")] = self._table()

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def cells(self) -> tuple[NDArray[np.int32], NDArray[np.float32], int, int]:
        """The bin of each cell's least score, the one level inside it (infinity if none), and the names of its ends, for compiled loops."""
        below, inside = self._tables[torch.device("cpu")]
        return below.numpy(), inside.numpy(), *self._cells

    def bins(self, scores: Tensor) -> Tensor:
        """Return the highest level that each score reaches.

        Parameters
        ----------
        scores : Tensor of float32 or float64, any shape
            Finite, none below the first level.

        Returns
        -------
        Tensor of int32, same shape
            `k` such that ``levels[k] <= score < levels[k + 1]``, exactly.
        """
        if scores.dtype != torch.float32:
            levels = torch.as_tensor(self.levels, dtype=scores.dtype, device=scores.device)
            return torch.bucketize(scores, levels, right=True, out_int32=True).sub_(1)
        if scores.device not in self._tables:
            first, second = self._tables[torch.device("cpu")]
            self._tables[scores.device] = first.to(scores.device), second.to(scores.device)
        below, inside = self._tables[scores.device]
        flat = scores.reshape(-1)
        low, high = self._cells
        cell = _cell(flat).clamp_(low, high).sub_(low)
        return below.index_select(0, cell).add_(flat >= inside.index_select(0, cell)).view(scores.shape)

    def _table(self) -> tuple[Tensor, Tensor]:
        """For every cell the bin of its least score, and the one level inside it (infinity if none)."""
        low, high = self._cells
        levels = torch.as_tensor(self.levels, dtype=torch.float32)
        starts = _cell_start(torch.arange(low, high + 2))
        reached = torch.bucketize(starts, levels, right=True)
        if (reached.diff() > 1)[1:].any():
            raise StudyError("threshold lattice: two levels lie closer than a thousandth of their value; space them wider")
        following = torch.cat([levels, levels.new_tensor([torch.inf])])[reached[:-1]]
        inside = torch.where(following < starts[1:], following, torch.inf)
        below = reached[:-1] - 1
        below[0] = 0
        return below.int(), inside


def _cell(scores: Tensor) -> Tensor:
    """Name the cell of float32 scores: an integer that never falls as the score rises."""
    bits = scores.contiguous().view(torch.int32)
    sign = bits >> 31
    return ((bits & 0x7FFFFFFF) ^ sign).sub_(sign).bitwise_right_shift_(23 - _KEPT_BITS)


def _cell_start(cells: Tensor) -> Tensor:
    """Return the least float32 in each cell."""
    return _from_order(cells << (23 - _KEPT_BITS))


@cache
def review_lattice() -> Lattice:
    """Return 0.000, 0.001, ... 1.000, for scores squashed by a sigmoid.

    Returns
    -------
    Lattice
        Of 1,001 levels.

    Examples
    --------
    >>> len(review_lattice()), review_lattice().levels[443]
    (1001, np.float64(0.443))
    """
    return Lattice(np.arange(1001) / 1000)


@cache
def careful_lattice() -> Lattice:
    """Return levels on the corrected score itself, fine near 0 and coarse far away.

    The inverse hyperbolic sine of ``C / 0.001`` is cut evenly over -2 ... 2: levels are 4 millionths apart near 0 and
    0.4 % apart beyond 0.01. Each is a float32 number, so that the same thresholds hold in both precisions.

    Returns
    -------
    Lattice
        Of 4,096 levels; the first lets every pair through.

    Examples
    --------
    >>> levels = careful_lattice().levels
    >>> len(levels), levels[1], levels[2048], levels[-1]
    (4096, np.float64(-2.0), np.float64(0.0), np.float64(2.0))
    """
    half = 1e-3 * np.sinh(np.linspace(0, np.arcsinh(2e3), 2048))
    half[-1] = 2
    half = half.astype(np.float32).astype(np.float64)
    return Lattice(np.concatenate([[LOWEST], -half[:0:-1], half]))


@cache
def before_sigmoid() -> Lattice:
    """Return the review's thresholds moved to the score itself, so that scores can be binned without squashing each.

    Returns
    -------
    Lattice
        Of 1,001 levels. The first lets every pair through; another is the lowest float32 whose sigmoid, as torch computes
        it on this processor, reaches the threshold. Found by bisection, since the sigmoid never falls.

    Examples
    --------
    >>> scores = torch.linspace(-1, 1, 5000)
    >>> torch.equal(before_sigmoid().bins(scores), review_lattice().bins(scores.sigmoid()))
    True
    """
    wanted = torch.as_tensor(review_lattice().levels[1:], dtype=torch.float32)
    above = torch.full(wanted.shape, 2.0**7).view(torch.int32).long()
    below = -above
    while (above - below > 1).any():
        middle = (above + below) // 2
        reached = _from_order(middle).sigmoid() >= wanted
        above, below = torch.where(reached, middle, above), torch.where(reached, below, middle)
    return Lattice(np.concatenate([[LOWEST], _from_order(above).numpy().astype(np.float64)]))


def _from_order(order: Tensor) -> Tensor:
    """Return the float32 numbers at these places of their order, counted from zero."""
    sizes = order.abs().int().view(torch.float32)
    return torch.where(order < 0, -sizes, sizes)
