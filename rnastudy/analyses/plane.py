"""Analysis 4: each model one point, structure against function, from two finished analyses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.rules import RULES, Rules
from rnastudy.analyses.structure import StructureStudy
from rnastudy.errors import StudyError
from rnastudy.tradeoff import TradeOff, pareto_front, trade_off

__all__ = ["Points", "front_share", "points"]

#: A model that stands on the front in so many of the resamples cannot be told from it.
NEAR = 0.05


@dataclass(frozen=True)
class Points:
    """Each model as one point, structure against function, higher is better on both axes.

    Attributes
    ----------
    table : DataFrame
        ``model, role, parameters, structure, function, family, front``, intervals of both axes, ``front_share`` (share of the
        resamples in which no other model beats it on both; NaN where an axis has no draws) and ``near`` (not on the front, but in
        5 % of the resamples or more).
    found : TradeOff
        Rank correlation with interval, at fixed size too, and the front.
    rules : Rules
        Of both axes; an overlap ratio is turned into 1 minus itself.
    """

    table: pd.DataFrame
    found: TradeOff
    rules: Rules

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes, each with its protocol."""
        turned = self.rules.axis("function") if self.rules.higher_is_better else f"1 - {self.rules.function_words} ({self.rules.protocol})"
        return f"structure: {self.rules.axis('structure')}", f"function: {turned}"


def points(structure: StructureStudy, function: ClassificationStudy, rules: Rules = RULES["careful"], *, n_draws: int = 2000, seed: int = 0) -> Points:
    """Put the models of two analyses into one plane, by the rules of one protocol.

    Parameters
    ----------
    structure : StructureStudy
    function : ClassificationStudy
    rules : Rules
        See `followed`.
    n_draws, seed : int
        Of the bootstrap over families of models; the untrained twins of a family are one of their own.

    Raises
    ------
    StudyError
        If fewer than three models are in both.
    """
    columns = ["model", "role", "parameters", "value", "low", "high"]
    one = rules.structure_rows(structure)[columns].rename(columns={"value": "structure", "low": "structure_low", "high": "structure_high"})
    two = _upright(rules.function_rows(function)[columns], rules).rename(columns={"value": "function", "low": "function_low", "high": "function_high"})
    both = one.merge(two.drop(columns=["role", "parameters"]), on="model").dropna(subset=["parameters"]).reset_index(drop=True)
    if len(both) < 3:
        raise StudyError(f"{len(both)} models have both scores; a trade-off needs at least three")
    families = both.model.str.removesuffix("@untrained").str.split("-").str[0] + " " + both.role
    found = trade_off(both.structure, both.function, clusters=list(families), parameters=both.parameters.astype(float), n_draws=n_draws, seed=seed)
    share = _share(list(both.model), rules.structure_draws(structure), rules.function_draws(function))
    front = np.array(found.front)
    return Points(both.assign(family=families, front=front, front_share=share, near=~front & (share >= NEAR)), found, rules)


def _upright(rows: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Turn a measure that is better when it is low."""
    return rows if rules.higher_is_better else rows.assign(value=1 - rows.value, low=1 - rows.high, high=1 - rows.low)


def _share(names: list[str], structure: dict[str, NDArray], function: dict[str, NDArray] | None) -> NDArray[np.float64]:
    """Share of resamples on the front; NaN for all without draws of function (the rule that turns a measure around has none)."""
    if function is None:
        return np.full(len(names), np.nan)
    return front_share(np.stack([structure[name] for name in names], 1), np.stack([function[name] for name in names], 1))


def front_share(structure: NDArray, function: NDArray) -> NDArray[np.float64]:
    """Count in how many resamples no other model beats a model on both axes.

    The two axes are measured on different RNAs, so their draws are independent, and are put together one by one.

    Parameters
    ----------
    structure, function : ndarray, shape (B, M) and (B', M)
        Higher is better; draws that are NaN for a model are left out.

    Returns
    -------
    ndarray, shape (M,)

    Examples
    --------
    >>> front_share(np.array([[0.5, 0.4], [0.5, 0.4]]), np.array([[0.8, 0.7], [0.8, 0.9]])).tolist()
    [1.0, 0.5]
    """
    kept = [draws[np.isfinite(draws).all(1)] for draws in (structure, function)]
    count = min(map(len, kept))
    if not count:
        return np.full(structure.shape[1], np.nan)
    fronts = [pareto_front(np.stack([kept[0][draw], kept[1][draw]], 1)) for draw in range(count)]
    return np.asarray(np.mean(fronts, axis=0), dtype=float)
