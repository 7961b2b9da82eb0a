"""Sentences, numbers and tables of the trade-off page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rnastudy.analyses.plane import Points
from rnastudy.analyses.ties import joined

__all__ = ["tradeoff_findings", "tradeoff_table"]


def tradeoff_findings(found: Sequence[Points], *, drawn: bool) -> dict[str, Any]:
    """Numbers and sentences of a trade-off analysis, by the keys that the book glues.

    Parameters
    ----------
    found : sequence of Points
        One for each protocol that was run, the one of the headline first.
    drawn : bool
        Whether the families' sequences are drawn from covariance models.
    """
    points = found[0]
    rho, n, fixed = points.found.correlation, len(points.table), points.found.at_fixed_size
    said: dict[str, Any] = {"rho": rho.value, "rho_low": rho.low, "rho_high": rho.high, "n_models": n, "half_width": points.found.half_width}
    said |= {"p": rho.p, "n_clusters": rho.n_clusters, "headline_protocol": points.rules.protocol}
    said["at_fixed_size"] = "not computed" if fixed is None else f"{fixed.value:+.2f} ({fixed.low:+.2f} to {fixed.high:+.2f})"
    said |= {"front": joined(list(points.table.model[points.table.front])), "front_sentence": _front(points), "axes": _axes(points)}
    said["compared"] = _compared(found)
    said["answer"] = f"By the {points.rules.protocol} protocol, {_correlation(points)} {_front(points)}" + (
        " Function is measured on sequences drawn from covariance models, not on natural ones." if drawn else ""
    )
    return said


def _correlation(points: Points) -> str:
    rho, n = points.found.correlation, len(points.table)
    untrained = int((points.table.role == "untrained").sum())
    twins = f", {untrained} of them untrained," if untrained else ""
    text = f"over {n} models{twins} the rank correlation of structure and function is {rho.value:+.2f}; its 95 % interval, {rho.low:+.2f} to {rho.high:+.2f}, "
    if rho.low <= 0 <= rho.high:
        return text + f"holds zero, so these models decide nothing: so many independent models would show no correlation within ±{points.found.half_width:.2f}."
    return text + f"is {'above' if rho.low > 0 else 'below'} zero."


def _front(points: Points) -> str:
    """Say who is on the front and who cannot be told from it."""
    front, near = list(points.table.model[points.table.front]), list(points.table.model[points.table.near])
    text = f"No other model beats {joined(front)} on both axes"
    if points.table.front_share.isna().all():
        return f"{text}; how firmly is not known, as the {points.rules.protocol} protocol gives function no interval."
    if not near:
        return f"{text}; no further model stands there in 5 % of the resamples or more."
    shares = [f"{row.model} ({row.front_share:.0%})" for row in points.table[points.table.near].itertuples()]
    return f"{text}; {joined(shares)} cannot be told from that front, which {'it reaches' if len(near) == 1 else 'they reach'} in that share of the resamples."


def _axes(points: Points) -> str:
    rules = points.rules
    if rules.protocol == "careful":
        return (
            "Structure is the mean F1 per RNA at a head and a threshold chosen on other RNAs; "
            "function is the AUROC of same-family pairs, the RNAs compared by their mean-pooled last layer."
        )
    return (
        "Structure is the F1 of all pairs of all RNAs pooled, at a head and a threshold chosen by that same measure on other RNAs; "
        "function is 1 minus the overlap ratio of two smoothed densities of drawn pairs, the RNAs compared by the review's Fourier descriptor."
    )


def _compared(found: Sequence[Points]) -> str:
    """Set the correlations of both protocols side by side, where both were run."""
    if len(found) == 1:
        return f"This run followed the {found[0].rules.protocol} protocol alone."
    parts = [f"{one.found.correlation.value:+.2f} ({one.found.correlation.low:+.2f} to {one.found.correlation.high:+.2f})" for one in found]
    fronts = [f"{joined(list(one.table.model[one.table.front]))} by the {one.rules.protocol} protocol" for one in found]
    return (
        f"The rank correlation is {parts[0]} by the {found[0].rules.protocol} protocol and {parts[1]} by the {found[1].rules.protocol} protocol. "
        f"On the front are {'; '.join(fronts)}."
    )


def tradeoff_table(found: Sequence[Points], datasets: tuple[str, str] = ("structure", "function")) -> pd.DataFrame:
    """Return the points and the correlations as a tidy results table: one row a model, axis and protocol.

    Parameters
    ----------
    found : sequence of Points
    datasets : (str, str)
        Names of the sets scored on structure and on function.
    """
    parts = []
    for points in found:
        shared = points.table[["model", "role", "parameters", "front", "front_share"]].assign(protocol=points.rules.protocol)
        turned = points.rules.function if points.rules.higher_is_better else f"1 - {points.rules.function}"
        for axis, measure, dataset in (("structure", points.rules.structure, datasets[0]), ("function", turned, datasets[1])):
            values = {end: points.table[f"{axis}{suffix}"] for end, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))}
            parts.append(shared.assign(task=axis, measure=measure, dataset=dataset, **values))
        rho = points.found.correlation
        row = {"model": "all models", "protocol": points.rules.protocol, "measure": "rank correlation", "value": rho.value, "low": rho.low, "high": rho.high}
        parts.append(pd.DataFrame([{**row, "task": "both", "dataset": ", ".join(datasets), "n": rho.n}]))
    return pd.concat(parts, ignore_index=True).assign(analysis="tradeoff")
