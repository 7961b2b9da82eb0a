"""Words that several pages share: who is best, who cannot be told from it and by how much, what stands beside, what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.statistics import best_group

__all__ = ["Findings", "Tie", "best_trained", "beside", "dropped", "joined", "known", "reach", "tie"]

Findings = dict[str, Any]
#: Below it a Holm-adjusted p tells two models apart; no p of B draws is below 2 / (B + 1).
LEVEL = 0.05


def best_trained(table: pd.DataFrame) -> pd.Series:
    """Return the row of the highest trained model.

    Raises
    ------
    StudyError
        If there is none: a page of nulls alone has no answer.

    Examples
    --------
    >>> best_trained(pd.DataFrame({"model": ["a", "b"], "role": ["trained", "untrained"], "value": [0.4, 0.5]})).model
    'a'
    """
    rows = table[table.role == "trained"]
    if rows.empty:
        raise StudyError(f"no trained model among {', '.join(map(str, table.model)) or 'nothing'}; name at least one")
    return rows.loc[rows.value.idxmax()]


def known(findings: Findings, key: str, table: pd.DataFrame, model: str) -> None:
    """Add the value of a contender if it took part."""
    rows = table[table.model == model]
    if len(rows):
        findings[key] = float(rows.value.iloc[0])


def beside(others: Sequence[str]) -> str:
    """Join what stands beside a score, and end the sentence.

    Examples
    --------
    >>> beside([]), beside(["0.50 for chance"])
    ('.', '; beside it stands 0.50 for chance.')
    """
    return f"; beside it {'stands' if len(others) == 1 else 'stand'} {joined(others)}." if others else "."


def dropped(table: pd.DataFrame) -> str:
    """Say which contenders could not read all RNAs, since these are left out for all."""
    lost = [f"{row.model} cannot read {int(row.n_dropped)}" for row in table[table.n_dropped > 0].itertuples()]
    return f" RNAs that one contender cannot read are left out for all: {', '.join(lost)}." if lost else ""


@dataclass(frozen=True)
class Tie:
    """The best of some models and those that cannot be told from it.

    Parameters
    ----------
    names : tuple of str
        The group of the best, in the order of the table.
    sentence : str
        The same in words, with the smallest difference that would have shown.
    """

    names: tuple[str, ...]
    sentence: str


def joined(items: Sequence[str]) -> str:
    """Join items as prose does.

    Examples
    --------
    >>> joined(["a"]), joined(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def reach(draws: NDArray) -> float:
    """Half the width of the 95 % interval of a difference: one below it cannot be told from none.

    Examples
    --------
    >>> round(reach(np.linspace(-0.1, 0.1, 1001)), 3)
    0.095
    """
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return float(high - low) / 2


def tie(table: pd.DataFrame, draws: Mapping[str, NDArray], what: str) -> Tie:
    """Compare each model with the best of a table, on the same resamples, Holm-adjusted.

    Parameters
    ----------
    table : DataFrame
        Columns model and value, higher is better.
    draws : mapping of str to ndarray, shape (B,)
        By model; draws that are NaN for any model are left out.
    what : str
        Name of the measure.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["a", "b"], "value": [0.5, 0.1]})
    >>> tie(table, {"a": np.full(99, 0.5), "b": np.full(99, 0.1)}, "mean F1").sentence
    'No other trained model ties with a, the highest in mean F1.'
    """
    names, values = list(table.model), table.value.to_numpy()
    if len(names) == 1:
        return Tie((names[0],), f"{names[0]} is the only trained model.")
    sample = np.stack([draws[name] for name in names], axis=1)
    sample = sample[np.isfinite(sample).all(1)]
    group = best_group(values, sample, alpha=LEVEL)
    best = names[group.best]
    if 2 * (len(names) - 1) / (len(sample) + 1) >= LEVEL:
        return Tie(tuple(names), f"{len(sample)} draws are too few to tell {len(names)} models apart; {best} is the highest in {what}.")
    tied = [place for place, same in enumerate(group.tied) if same and place != group.best]
    if not tied:
        return Tie((best,), f"No other trained model ties with {best}, the highest in {what}.")
    widths = [reach(sample[:, group.best] - sample[:, place]) for place in tied]
    others = joined([names[place] for place in tied])
    said = f"Not told apart from {best}, the highest in {what}: {others}; differences below about {max(widths):.3f} would not show."
    return Tie(tuple(name for name, same in zip(names, group.tied, strict=True) if same), said)
