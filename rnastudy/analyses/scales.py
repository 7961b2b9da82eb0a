"""Analyses 3 and 4: score against size and cost, and structure against function, from two finished analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.contenders import Contender
from rnastudy.analyses.structure import CAREFUL, StructureStudy
from rnastudy.errors import StudyError
from rnastudy.scaling import Slope, measured_cost, measured_flops, slope_from_draws
from rnastudy.tradeoff import TradeOff, cka_matrix, family_probe, structure_probe, trade_off

__all__ = ["Ladder", "Points", "costs", "ladder", "points", "probes", "representations"]


@dataclass(frozen=True)
class Ladder:
    """Score against size within one family of models.

    Attributes
    ----------
    points : DataFrame
        ``model, role, parameters, value, low, high``, smallest first.
    slope : Slope
        Gain for ten times the parameters.
    line : DataFrame
        ``parameters, value, low, high`` of the fitted line and its band.
    """

    points: pd.DataFrame
    slope: Slope
    line: pd.DataFrame


def ladder(table: pd.DataFrame, draws: dict[str, NDArray]) -> Ladder:
    """Fit score against log10 of parameters, with the interval from draws that all sizes share.

    Parameters
    ----------
    table : DataFrame
        Rows of a results table, one a size of one family of models: ``model, role, parameters, value, low, high``.
    draws : dict of str to ndarray, shape (B,)
        Bootstrap draws of each model's score, on the same resamples.

    Raises
    ------
    StudyError
        For fewer than two sizes, or draws of different numbers.
    """
    points = table[["model", "role", "parameters", "value", "low", "high"]].sort_values("parameters").reset_index(drop=True)
    sample = np.stack([draws[name] for name in points.model], axis=1)
    sample = sample[np.isfinite(sample).all(1)]
    sizes = points.parameters.to_numpy(dtype=float)
    return Ladder(points, slope_from_draws(points.value.to_numpy(), sample, sizes), _line(sizes, points.value.to_numpy(), sample))


def _line(sizes: NDArray, values: NDArray, draws: NDArray) -> pd.DataFrame:
    """Least-squares line and its 95 % band along the range of sizes."""
    x = np.log10(sizes)
    along = np.linspace(x.min(), x.max(), 25)
    design, places = np.stack([np.ones_like(x), x], 1), np.stack([np.ones_like(along), along], 1)
    fit = places @ np.linalg.pinv(design)
    low, high = np.percentile(draws @ fit.T, [2.5, 97.5], axis=0)
    return pd.DataFrame({"parameters": 10**along, "value": fit @ values, "low": low, "high": high})


def costs(entrants: Sequence[Contender], rnas: Sequence[Any]) -> pd.DataFrame:
    """Measure what reading some RNAs costs each model: operations, seconds, peak memory.

    Parameters
    ----------
    entrants : sequence of Contender
        Those without a model are left out.
    rnas : sequence of Rna
        The same for all.

    Returns
    -------
    DataFrame
        Columns model, role, parameters, gflops (of all RNAs), seconds, memory_mb (None on a CPU, where what a process
        holds says little about one model).
    """
    rows = []
    for entrant in entrants:
        if entrant.probe is None:
            continue
        read = partial(_read_through, entrant.probe, rnas)
        read()
        cost, flops = measured_cost(read, device=str(entrant.probe.device)), measured_flops(partial(_hidden, entrant.probe, rnas))
        if not flops:
            raise StudyError(f"no operation of {entrant.name} was counted; its forward pass cannot be measured here")
        memory = cost.peak_bytes / 2**20 if cost.peak_bytes and entrant.probe.device.type == "cuda" else None
        shared = {"model": entrant.name, "role": entrant.role, "parameters": entrant.parameters}
        rows.append({**shared, "gflops": flops / 1e9, "seconds": cost.seconds, "memory_mb": memory})
    return pd.DataFrame(rows)


def _hidden(probe: Any, rnas: Sequence[Any]) -> None:
    """Run the forward pass in this thread, where operations are counted."""
    for _ in probe.hidden(rnas):
        pass


def _read_through(probe: Any, rnas: Sequence[Any]) -> None:
    for _ in probe.attention(rnas):
        pass


@dataclass(frozen=True)
class Points:
    """Each model as one point, structure against function.

    Attributes
    ----------
    table : DataFrame
        ``model, role, parameters, structure, function, front`` and intervals of both.
    found : TradeOff
        Rank correlation with interval, at fixed size too, and the front.
    """

    table: pd.DataFrame
    found: TradeOff


def points(structure: StructureStudy, function: ClassificationStudy, *, n_draws: int = 2000, seed: int = 0) -> Points:
    """Put the models of two analyses into one plane.

    Parameters
    ----------
    structure : StructureStudy
        Mean F1 under ``careful``.
    function : ClassificationStudy
        AUROC under ``careful``.
    n_draws, seed : int
        Of the bootstrap over families of models; the untrained twins of a family are one of their own.

    Raises
    ------
    StudyError
        If fewer than three models are in both.
    """
    columns = ["model", "role", "parameters", "value", "low", "high"]
    one = structure.table(CAREFUL)[columns].rename(columns={"value": "structure", "low": "structure_low", "high": "structure_high"})
    two = function.table("auroc")[columns].rename(columns={"value": "function", "low": "function_low", "high": "function_high"})
    both = one.merge(two.drop(columns=["role", "parameters"]), on="model").dropna(subset=["parameters"]).reset_index(drop=True)
    if len(both) < 3:
        raise StudyError(f"{len(both)} models have both scores; a trade-off needs at least three")
    families = both.model.str.removesuffix("@untrained").str.split("-").str[0] + " " + both.role
    found = trade_off(both.structure, both.function, clusters=list(families), parameters=both.parameters.astype(float), n_draws=n_draws, seed=seed)
    return Points(both.assign(family=families, front=list(found.front)), found)


def representations(function: ClassificationStudy) -> tuple[NDArray, list[str]]:
    """Compare the mean-pooled last layers of all contenders, two by two: unbiased linear CKA.

    Returns
    -------
    matrix : ndarray, shape (M, M)
    names : list of str
    """
    names = list(function.vectors)
    return cka_matrix([function.vectors[name] for name in names]), names


def probes(structure: StructureStudy, function: ClassificationStudy, entrants: Sequence[Contender], *, seed: int = 0) -> pd.DataFrame:
    """Fit linear probes for structure and family on frozen models, each beside its control with shuffled labels.

    Parameters
    ----------
    structure, function : finished analyses
        Pair probes are fitted on the selection RNAs and scored on the test RNAs; family probes are cross-validated.
    entrants : sequence of Contender
        Those without a model are left out.
    seed : int
        Of samples, folds and shuffles.

    Returns
    -------
    DataFrame
        Columns model, role, task, score, control, selectivity, n.
    """
    rows = []
    for entrant in entrants:
        if entrant.probe is None:
            continue
        pairs = structure_probe(*(_features(entrant, rnas) for rnas in (structure.select, structure.test, structure.select)), seed=seed)
        family = family_probe(*_common_families(function, entrant.name), seed=seed)
        for task, one in (("structure (average precision)", pairs), ("family (accuracy)", family)):
            rows.append(
                {
                    "model": entrant.name,
                    "role": entrant.role,
                    "task": task,
                    "score": one.score,
                    "control": one.control,
                    "selectivity": one.selectivity,
                    "n": one.n,
                }
            )
    return pd.DataFrame(rows)


def _features(entrant: Contender, rnas: Sequence[Any]) -> Any:
    """Stream (features of shape (N * H, L, L), pairs) of each RNA; layers of an RNA come in order."""
    from rnastudy.contacts import contact_scores

    held: dict[int, list[NDArray]] = {}
    assert entrant.probe is not None
    for layer in entrant.stream(rnas):
        held.setdefault(layer.index, []).append(contact_scores(layer.maps).cpu().numpy())
        if len(held[layer.index]) == entrant.probe.n_layers:
            yield np.concatenate(held.pop(layer.index)), rnas[layer.index].pairs


def _common_families(function: ClassificationStudy, name: str, least: int = 5, most: int = 60) -> tuple[NDArray, list[str]]:
    """Vectors and labels of the first families with enough members for cross-validation."""
    families = pd.Series(function.families)
    sizes = families.value_counts()
    kept = sorted(sizes[sizes >= least].index)[:most]
    rows = families.isin(kept).to_numpy()
    if len(kept) < 2:
        raise StudyError(f"{len(kept)} families have {least} RNAs or more; a family probe needs two, so give more RNAs a family")
    return function.vectors[name][rows], list(families[rows])
