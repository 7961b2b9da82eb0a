"""Each model one point: does being good at structure cost being good at function?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnastudy.errors import StudyError
from rnastudy.statistics import Correlation, correlation, correlation_half_width
from rnastudy.statistics.resampling import Clusters, finite

__all__ = ["TradeOff", "pareto_front", "trade_off"]


@dataclass(frozen=True, slots=True)
class TradeOff:
    """What M models say of a trade-off.

    Attributes
    ----------
    correlation : Correlation
        Spearman over models; a trade-off is negative.
    at_fixed_size : Correlation or None
        The same with log10(parameters) held fixed; ``None`` where no sizes were given.
    front : tuple of bool, length M
        Models that no other model beats on both axes.
    half_width : float
        Half the interval that M independent models give at rho = 0: what this number of models can show at all.
    """

    correlation: Correlation
    at_fixed_size: Correlation | None
    front: tuple[bool, ...]
    half_width: float


def trade_off(
    structure: ArrayLike,
    function: ArrayLike,
    *,
    clusters: Clusters | None = None,
    parameters: ArrayLike | None = None,
    n_draws: int = 2000,
    seed: int = 0,
) -> TradeOff:
    """Ask whether models that are better at one task are worse at the other.

    Parameters
    ----------
    structure, function : array, shape=(M,)
        One score a model on each task, **higher is better** on both.
    clusters : sequence, length M, optional
        Family of models: sizes of one model are not independent points.
    parameters : array, shape=(M,), optional
        Number of parameters, above 0.

    Raises
    ------
    StudyError
        As in `rnastudy.statistics.correlation`.

    Examples
    --------
    >>> found = trade_off([0.6, 0.5, 0.4, 0.3], [0.7, 0.8, 0.9, 0.6])
    >>> found.front, round(found.correlation.value, 2)
    ((True, True, True, False), 0.2)
    """
    front = pareto_front(np.column_stack([structure, function]))
    plain = correlation(structure, function, clusters=clusters, n_draws=n_draws, seed=seed)
    fixed = None
    if parameters is not None:
        sizes = finite(parameters, "parameters")
        if sizes.min() <= 0:
            raise StudyError(f"parameters of {sizes.min():g}; a log size needs numbers above 0")
        fixed = correlation(structure, function, given=np.log10(sizes), clusters=clusters, n_draws=n_draws, seed=seed)
    return TradeOff(plain, fixed, tuple(front.tolist()), correlation_half_width(len(front)))


def pareto_front(points: ArrayLike) -> NDArray[np.bool_]:
    """Mark the points that no other point beats: at least as good on every axis and better on one.

    Parameters
    ----------
    points : array, shape=(M, 2)
        Higher is better. Equal points stand on the front together.

    Returns
    -------
    ndarray of bool, shape=(M,)

    Examples
    --------
    >>> pareto_front([[1, 3], [2, 2], [1, 2]]).tolist()
    [True, True, False]
    """
    table = finite(points, "points")
    no_worse = (table[:, None] >= table[None, :]).all(axis=2)
    better = (table[:, None] > table[None, :]).any(axis=2)
    return np.asarray(~np.any(no_worse & better, axis=0))
