"""Score against size, and what size costs: slopes within one family of models, FLOPs, seconds, memory.

Only sizes of one family of models share corpus, objective and tokens, so only there does a slope speak of size. Two or
three sizes give a slope and say nothing of its bend.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnastudy.errors import StudyError
from rnastudy.statistics import (
    Interval,
    cluster_weights,
    percentile_interval,
    two_sided_p,
    weighted_means,
)
from rnastudy.statistics.resampling import Clusters, finite

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Cost",
    "Slope",
    "claims",
    "encoder_flops",
    "measured_cost",
    "measured_flops",
    "published",
    "relative_gain",
    "slope",
    "slope_from_draws",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Slope:
    """Gain in score for ten times the parameters, with its interval.

    Attributes
    ----------
    p : float
        Two-sided, of no slope.
    n_sizes : int
    may_speak_of_flattening : bool
        Needs at least 4 sizes.
    note : str
        What these sizes cannot show; empty with 4 or more.
    """

    value: float
    low: float
    high: float
    level: float
    p: float
    n_sizes: int
    may_speak_of_flattening: bool
    note: str


def slope_from_draws(values: ArrayLike, draws: ArrayLike, parameters: ArrayLike, *, level: float = 0.95) -> Slope:
    """Least-squares slope of score against log10(parameters), with the interval of the same slope in each draw.

    Parameters
    ----------
    values : array, shape=(K,)
        Score of each size: F1, AUROC, or any other, higher is better or not.
    draws : array, shape=(B, K)
        The same in each resample; all sizes on the same resamples, or the slope's interval is wrong.
    parameters : array, shape=(K,)
        Number of parameters.

    Raises
    ------
    StudyError
        With fewer than 2 different sizes.

    Examples
    --------
    >>> found = slope_from_draws([0.2, 0.3, 0.4], [[0.1, 0.2, 0.3], [0.2, 0.4, 0.6]], [1e6, 1e7, 1e8])
    >>> round(found.value, 3), found.note
    (0.1, 'three sizes cannot show that a curve has flattened')
    """
    scores, sample, sizes = finite(values, "scores"), finite(draws, "draws"), finite(parameters, "parameters")
    if scores.ndim != 1 or sample.ndim != 2 or not len(scores) == len(sizes) == sample.shape[1]:
        raise StudyError(f"{scores.shape} scores, draws of shape {sample.shape}, {sizes.shape} sizes; give one column a size")
    weights = _slope_weights(sizes)
    slopes = sample @ weights
    interval = percentile_interval(slopes, float(scores @ weights), level=level)
    n_sizes = len(np.unique(sizes))
    return Slope(interval.value, interval.low, interval.high, level, two_sided_p(slopes), n_sizes, n_sizes > 3, _note(n_sizes))


def slope(scores: ArrayLike, parameters: ArrayLike, clusters: Clusters, *, n_draws: int = 2000, level: float = 0.95, seed: int = 0) -> Slope:
    """Slope of the mean score over S items, all sizes resampled together by cluster.

    Parameters
    ----------
    scores : array, shape=(K, S)
        Score of each size on the same S items in the same order.
    parameters : array, shape=(K,)
    clusters : sequence, length S

    Examples
    --------
    >>> f1 = [[0.2, 0.3, 0.4], [0.4, 0.5, 0.6]]  # a small and a ten times larger model on 3 RNAs
    >>> found = slope(f1, [1e7, 1e8], ["tRNA", "5S", None])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.2, 0.2, 0.2)
    """
    table = finite(scores, "scores")
    if table.ndim != 2 or table.shape[1] != len(clusters):
        raise StudyError(f"scores of shape {table.shape} for {len(clusters)} items; give shape (sizes, items)")
    weights = cluster_weights(clusters, n_draws, np.random.default_rng(seed))
    return slope_from_draws(table.mean(axis=1), weighted_means(table.T, weights), parameters, level=level)


def relative_gain(small: ArrayLike, large: ArrayLike, clusters: Clusters, *, n_draws: int = 2000, level: float = 0.95, seed: int = 0) -> Interval:
    """Gain of the mean from a smaller to a larger model over the smaller one's mean, paired by item.

    Examples
    --------
    >>> gain = relative_gain([0.2, 0.4], [0.3, 0.6], ["a", "b"])
    >>> round(gain.value, 3), round(gain.low, 3)
    (0.5, 0.5)
    """
    table = np.stack([finite(small, "scores"), finite(large, "scores")], axis=1)
    means = weighted_means(table, cluster_weights(clusters, n_draws, np.random.default_rng(seed)))
    centre = table.mean(axis=0)
    if not (centre[0] > 0 and (means[:, 0] > 0).all()):
        raise StudyError("the smaller model's mean is 0 in the data or in a resample; a relative gain does not exist, report the difference")
    return percentile_interval(means[:, 1] / means[:, 0] - 1, centre[1] / centre[0] - 1, level=level)


def _slope_weights(parameters: Floats) -> Floats:
    """Weights that turn K scores into their least-squares slope."""
    if parameters.min() <= 0 or len(np.unique(parameters)) < 2:
        raise StudyError(f"parameters {parameters.tolist()}; a slope needs at least 2 different sizes above 0")
    centred = np.log10(parameters) - np.log10(parameters).mean()
    weights: Floats = centred / np.sum(centred**2)
    return weights


def _note(n_sizes: int) -> str:
    if n_sizes == 2:
        return "two sizes always lie on a line: a difference, not a curve"
    return "three sizes cannot show that a curve has flattened" if n_sizes == 3 else ""


# ---------------------------------------------------------------------------------------------- cost


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took.

    Attributes
    ----------
    seconds : float
        Wall clock.
    peak_bytes : int or None
        Memory above what was held at the start: allocated tensors on CUDA, resident memory of the process on CPU.
        ``None`` where the process had held more before and the system cannot tell.
    """

    seconds: float
    peak_bytes: int | None


def encoder_flops(n_layers: int, width: int, feedforward: int, length: int, *, special_tokens: int = 2, gated: bool = False, vocabulary: int = 0) -> int:
    """Count floating-point operations of one forward pass of a standard encoder over one RNA.

    A multiplication and its addition are 2 operations; only matrix products count. With T = L + special tokens, width D and
    feed-forward width F, each layer takes ``8 T D^2`` (query, key, value, output), ``4 T^2 D`` (scores and their
    weighted sum) and ``4 T D F`` (feed-forward; ``6 T D F`` where it is gated, as in SwiGLU). A vocabulary of V adds
    ``2 T D V`` for the output logits. Position tables, norms, softmax and convolutions are left out: for a model with
    such parts use `measured_flops`.

    Parameters
    ----------
    length : int
        Bases L, one token each.

    Examples
    --------
    >>> encoder_flops(12, 640, 5120, 100)  # the shape of RNA-FM on 100 bases
    20373626880
    """
    if min(n_layers, width, feedforward, length) < 1 or min(special_tokens, vocabulary) < 0:
        raise StudyError(f"layers {n_layers}, width {width}, feed-forward {feedforward}, length {length}: all need to be at least 1")
    tokens = length + special_tokens
    layer = 8 * tokens * width**2 + 4 * tokens**2 * width + (6 if gated else 4) * tokens * width * feedforward
    return n_layers * layer + 2 * tokens * width * vocabulary


def measured_flops(run: Callable[[], object]) -> int:
    """Count the operations torch performs during a call (matrix products, convolutions, attention).

    Parameters
    ----------
    run : callable
        For a model, ``lambda: list(probe.hidden(rnas))``.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(8, 4)
    >>> measured_flops(lambda: layer(torch.zeros(3, 8)))  # 2 * 3 * 8 * 4
    192
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def measured_cost(run: Callable[[], object], *, device: str = "cpu") -> Cost:
    """Time a call and find its peak memory.

    Parameters
    ----------
    run : callable
    device : str
        ``cpu``, or a CUDA device, where the clock waits for the device.

    Examples
    --------
    >>> cost = measured_cost(lambda: sum(range(1000)))
    >>> cost.seconds >= 0
    True
    """
    return _cuda_cost(run, device) if device.startswith("cuda") else _cpu_cost(run)


def _cuda_cost(run: Callable[[], object], device: str) -> Cost:
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    held = torch.cuda.memory_allocated(device)
    start = time.perf_counter()
    run()
    torch.cuda.synchronize(device)
    return Cost(time.perf_counter() - start, int(torch.cuda.max_memory_allocated(device) - held))


def _cpu_cost(run: Callable[[], object]) -> Cost:
    reset = _reset_peak()
    before = _resident("VmRSS") if reset else _highest()
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    if reset:
        return Cost(seconds, max(0, _resident("VmHWM") - before))
    risen = _highest() - before
    return Cost(seconds, risen if risen > 0 else None)


def _reset_peak() -> bool:
    """Set the process's peak back to what it holds now, where the system allows it (Linux, ``/proc/self/clear_refs``)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _resident("VmHWM") > 0
    except OSError:
        return False


def _resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def _highest() -> int:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


# ---------------------------------------------------------------------------------------------- published numbers


def published() -> pd.DataFrame:
    """Numbers that others published, each with how sure it is.

    Returns
    -------
    pandas.DataFrame
        Columns ``study, model, task, dataset, metric, relation, value, certainty, note``; `relation` is ``=``, ``<`` or ``~``.

    Examples
    --------
    >>> table = published()
    >>> float(table.query("model == 'RNA-MSM' and metric == 'F1'")["value"].iloc[0])
    0.631
    """
    return _table("published.csv")


def claims() -> pd.DataFrame:
    """Claims of the literature, what would decide each, and when it holds.

    Returns
    -------
    pandas.DataFrame
        Columns ``id, source, claim, decided_by, data, holds_if``.

    Examples
    --------
    >>> claims()["id"].tolist()[:2]
    ['C01', 'C02']
    """
    return _table("claims.csv")


def _table(name: str) -> pd.DataFrame:
    import pandas as pd

    with files("rnastudy").joinpath("data", name).open(encoding="utf-8") as handle:
        return pd.read_csv(handle, keep_default_na=False)
