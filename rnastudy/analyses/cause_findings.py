"""Sentences, numbers and tables of the page of causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rnastudy.analyses.cause_tables import by_level
from rnastudy.analyses.cause_views import CauseTables, null_scores, two_tasks
from rnastudy.analyses.ties import LEVEL
from rnastudy.statistics import Correlation, correlation

__all__ = ["WHEN", "cause_results", "causes_findings", "effect", "told_contrasts", "two_task_correlation"]

#: What was changed, as the end of a sentence, by level; in the order they are told.
WHEN: Mapping[str, str] = {
    "real-shuffled": "when the dinucleotides of the real sequences are shuffled",
    "real-columns": "when every column of the real alignments is shuffled by itself",
    "drawn-columns": "when every column of the drawn alignments is shuffled by itself",
    "real": "when real sequences take the place of drawn ones",
    "plain": "without the taps",
    "prior": "when a plain encoder is given the pairing prior",
    "prior-off-at-test": "when that prior is set to zero after training",
    "taps-prior": "when the prior stands beside the taps",
    "map-convolution": "with map convolutions in the place of the taps",
    "spans": "when runs of three bases are hidden instead of single ones",
    "long-spans": "when runs of six bases are hidden",
    "structure-loss": "when the structure symbols of drawn families are to be named too",
    "kmers": "with overlapping 3-mers as tokens",
    "byte-pairs": "with byte-pair tokens",
    "drawn-10-percent": "with a tenth of the sequences at the same steps",
    "drawn-1-percent": "with a hundredth of the sequences at the same steps",
    "families-1-percent": "with a hundredth of the families at the same steps",
    "size-3k": "with a third of the parameters",
    "size-30k": "with about three times the parameters",
    "size-70k": "with about seven times the parameters",
    "alignment-no-taps": "without taps on the rows of an alignment model",
    "alignment-columns": "when an alignment model learns from drawn alignments whose columns are shuffled",
    "alignment-real-columns": "when an alignment model learns from real alignments whose columns are shuffled",
}
#: What the answer tells where it took part; otherwise the answer tells all that did.
ANSWERED = ("real-shuffled", "real-columns", "plain", "prior", "spans", "kmers")
NAMES = {"f1": "F1", "auroc": "AUROC"}


def effect(row: Any) -> str:
    """Say a paired difference with its interval, and whether it can be told from none.

    Examples
    --------
    >>> row = {"measure": "f1", "difference": -0.2, "low": -0.25, "high": -0.15, "p_holm": 0.01}
    >>> effect(pd.Series(row))
    'F1 is lower by 0.200 (95 % interval 0.150 to 0.250)'
    >>> effect(pd.Series(row | {"difference": 0.01, "high": 0.27, "p_holm": 1.0}))
    'F1 cannot be told apart (+0.010; 95 % interval -0.250 to +0.270)'
    """
    name = NAMES[row.measure]
    if row.p_holm >= LEVEL:
        return f"{name} cannot be told apart ({row.difference:+.3f}; 95 % interval {row.low:+.3f} to {row.high:+.3f})"
    way, ends = ("higher", (row.low, row.high)) if row.difference > 0 else ("lower", (-row.high, -row.low))
    return f"{name} is {way} by {abs(row.difference):.3f} (95 % interval {ends[0]:.3f} to {ends[1]:.3f})"


def told_contrasts(contrasts: pd.DataFrame, measure: str = "f1") -> dict[str, str]:
    """Say every contrast that has words, by level."""
    rows = {row.level: row for row in contrasts.itertuples() if row.measure == measure}
    return {level: f"{effect(rows[level])} {when}." for level, when in WHEN.items() if level in rows}


def two_task_correlation(points: pd.DataFrame, *, n_draws: int = 1000, seed: int = 0) -> Correlation | None:
    """Rank correlation of F1 and AUROC over trained levels, levels of a factor as one cluster; ``None`` for fewer than 3 factors.

    Parameters
    ----------
    points : DataFrame
        Of `two_tasks`.
    """
    rows = points[points.role == "trained"]
    if rows.factor.nunique() < 3 or len(rows) < 4:
        return None
    return correlation(rows.f1, rows.auroc, clusters=list(rows.factor), n_draws=n_draws, seed=seed)


def causes_findings(tables: CauseTables, *, n_draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Numbers and sentences of the page, by the keys that the book glues.

    Parameters
    ----------
    tables : CauseTables
    n_draws, seed : int
        Of the interval of the rank correlation.
    """
    told = told_contrasts(tables.contrasts)
    chosen = [told[level] for level in ANSWERED if level in told] or list(told.values())
    rho = two_task_correlation(two_tasks(tables.values), n_draws=n_draws, seed=seed)
    trained = tables.values[tables.values.role == "trained"]
    said: dict[str, Any] = {"n_levels": trained.level.nunique(), "n_contrasts": len(tables.contrasts), "source": tables.source}
    said |= {} if rho is None else {"rho": rho.value, "rho_low": rho.low, "rho_high": rho.high}
    said["corpus_sentence"] = _joined([_from_real(tables.values), *(told[one] for one in ("real-shuffled", "real-columns", "drawn-columns") if one in told)])
    said["f1_sentence"] = _decided(tables.contrasts, "f1")
    said["auroc_sentence"] = _decided(tables.contrasts, "auroc")
    said["cost_sentence"] = _joined([_both(tables.contrasts), _correlated(rho), _training_itself(tables.values)])
    said["rho_sentence"] = _correlated(rho) or "Levels of fewer than three factors give no rank correlation."
    said["prior_sentence"] = _prior_alone(tables.values)
    said["answer"] = _joined([_from_real(tables.values), *chosen, _both(tables.contrasts), _correlated(rho)])
    return said


def _joined(parts: list[str]) -> str:
    return " ".join(part for part in parts if part) or "The factors of this run do not ask this."


def _mean(values: pd.DataFrame, level: str, measure: str, role: str = "trained") -> float | None:
    rows = values[(values.level == level) & (values.measure == measure) & (values.role == role)]
    return float(rows["value"].mean()) if len(rows) else None


def _from_real(values: pd.DataFrame) -> str:
    mean, null = _mean(values, "real", "f1"), null_scores(values, "real", "f1")
    if mean is None:
        return ""
    beside = f"; their random weights: {null.mean():.3f}" if len(null) else ""
    return f"Trained on real sequences alone, the models reach a mean F1 of {mean:.3f} on RNAs of other families{beside}."


def _decided(contrasts: pd.DataFrame, measure: str) -> str:
    rows = contrasts[contrasts.measure == measure]
    if rows.empty:
        return f"No level of this run has two {NAMES[measure]}s to compare."
    sure = rows[rows.p_holm < LEVEL]
    text = f"{len(sure)} of {len(rows)} changes of {NAMES[measure]} can be told from none (Holm p below {LEVEL:g})"
    if sure.empty:
        return f"{text}."
    most = sure.loc[sure.difference.abs().idxmax()]
    return f"{text}; the largest is {most.difference:+.3f} ({most.level} against {most.against})."


def _both(contrasts: pd.DataFrame) -> str:
    """Say whether what moves structure moves function the other way."""
    wide = contrasts.pivot_table(index="level", columns="measure", values=["difference", "p_holm"], sort=False)
    if not {("difference", "f1"), ("difference", "auroc")} <= set(wide.columns):
        return ""
    wide = wide.dropna()
    sure = {name: wide["p_holm", name] < LEVEL for name in NAMES}
    both = wide[sure["f1"] & sure["auroc"]]
    against = both[both["difference", "f1"] * both["difference", "auroc"] < 0]
    names = f" ({', '.join(against.index)})" if len(against) else ""
    return (
        f"Of {len(wide)} changes asked on both tasks, {sure['f1'].sum()} move F1 and {sure['auroc'].sum()} move AUROC beyond chance; "
        f"{len(both)} move both, {len(against)} of them in opposite directions{names}."
    )


def _correlated(rho: Correlation | None) -> str:
    if rho is None:
        return ""
    ends = f"{rho.value:+.2f} (95 % interval {rho.low:+.2f} to {rho.high:+.2f}, factors resampled)"
    verdict = "which holds zero" if rho.low <= 0 <= rho.high else "which excludes zero"
    return f"Over {rho.n} levels the rank correlation of F1 and AUROC is {ends}, {verdict}."


def _training_itself(values: pd.DataFrame) -> str:
    """Set the base beside its own random weights, seed by seed."""
    rows = values[(values.level == "base") & (values.measure == "auroc") & (values.role == "trained")].set_index("seed")["value"]
    null = null_scores(values, "base", "auroc")
    if rows.empty or null.empty:
        return ""
    steps = (rows - null).dropna()
    return (
        f"Training itself changes AUROC: the base has {rows.mean():.3f}, its random weights {null.mean():.3f}; "
        f"the difference by seed is {', '.join(f'{step:+.3f}' for step in steps)}."
    )


def _prior_alone(values: pd.DataFrame) -> str:
    """Set what the pairing prior gives before anything is learned beside what it gives after."""
    before, after = _mean(values, "prior", "f1", "untrained, prior on"), _mean(values, "prior", "f1")
    if before is None or after is None:
        return "The pairing prior takes no part in this run."
    return f"On random weights the pairing prior alone gives a mean F1 of {before:.3f}; after training it is {after:.3f}."


def cause_results(tables: CauseTables, sets: tuple[str, str, str]) -> pd.DataFrame:
    """Return means over seeds and paired differences as one tidy results table.

    Parameters
    ----------
    tables : CauseTables
    sets : (str, str, str)
        Data sets that chose, were scored on structure, and whose families were told apart; models of alignments are scored
        on seed alignments that were held out.
    """

    def dataset(factor: str, measure: str) -> str:
        return "rfam_seed_alignments_heldout" if factor == "alignment" else sets[2] if measure.startswith("auroc") else sets[1]

    headline = tables.values[tables.values.measure.isin(list(NAMES))]
    means = by_level(headline).rename(columns={"mean": "value"})
    differences = tables.contrasts.rename(columns={"difference": "value"}).assign(role="trained")
    names = [dataset(row.factor, row.measure) for part in (means, differences) for row in part.itertuples()]
    differences = differences.assign(measure=differences.measure + " difference")
    table = pd.concat([means, differences], ignore_index=True).assign(dataset=names, analysis="causes", protocol="careful")
    return table.rename(columns={"level": "model"})
