"""From the tables of finished runs to a verdict on each claim, under both protocols.

A claim names models or groups of models. Where those took part in the runs at hand, it is decided by an interval;
where they did not, it stays undecided, and the verdict says which models are lacking and which command decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.claims.evidence import Evidence
from rnastudy.errors import unknown
from rnastudy.scaling import slope_from_draws
from rnastudy.statistics import best_group

__all__ = ["COMMAND", "MARGIN", "Verdict", "decide", "read"]

#: Differences below it count as none.
MARGIN = 0.05
#: What decides what is undecided, on a machine with the weights.
COMMAND = "rnastudy run --all studies/review.yml"
_PROTOCOLS = ("review", "careful")


@dataclass(frozen=True)
class Verdict:
    """What the runs at hand say of one claim under one protocol.

    Parameters
    ----------
    verdict : str
        ``holds``, ``fails``, ``tie`` (the interval leaves it open) or ``undecided`` (models or tables are lacking).
    value, low, high : float, optional
        The number that decides, and its 95 % interval.
    words : str
        What the number is, or what is lacking.
    """

    verdict: str
    words: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


Decider = Callable[[Evidence, str], Verdict]


def read() -> pd.DataFrame:
    """Return the claims as they are listed in the package: id, source, claim, decided_by, data, holds_if.

    Examples
    --------
    >>> list(read().columns)
    ['id', 'source', 'claim', 'decided_by', 'data', 'holds_if']
    """
    return pd.read_csv(str(files("rnastudy").joinpath("data/claims.csv")))


def decide(evidence: Evidence, claim: str | None = None) -> pd.DataFrame:
    """Decide all claims, or one.

    Parameters
    ----------
    evidence : Evidence
        Tables of finished runs; see `gather`.
    claim : str, optional
        Id of one claim.

    Returns
    -------
    DataFrame
        One row a claim and protocol: id, claim, protocol, verdict, value, low, high, words, by (whose models decided
        it), command (what decides it where it is undecided).

    Raises
    ------
    StudyError
        If there is no such claim.
    """
    listed = read()
    if claim is not None and claim not in set(listed.id):
        raise unknown("claim", claim, listed.id)
    rows = []
    for one in listed.itertuples():
        for protocol in _PROTOCOLS if claim in (None, one.id) else ():
            found = _DECIDERS[one.id](evidence, protocol)
            command = _COMMANDS.get(one.id, COMMAND) if found.verdict == "undecided" else ""
            by = "" if found.verdict == "undecided" else evidence.whose()
            rows.append({"id": one.id, "claim": one.claim, "protocol": protocol, **vars(found), "by": by, "command": command})
    return pd.DataFrame(rows)


# Groups ---------------------------------------------------------------------------------------------------------------


def _group(evidence: Evidence, task: str, group: str) -> list[str]:
    from rnastudy.models import cards

    known = cards()
    return [name for name in evidence.models(task) if name in known and known[name].group == group]


def _lacking(what: str) -> Verdict:
    return Verdict("undecided", f"not run, or without an interval by this protocol: {what}")


def _by_interval(words: str, value: float, draws: NDArray[np.float64]) -> Verdict:
    """Holds if the whole interval lies above zero, fails if it lies below."""
    low, high = np.quantile(draws, [0.025, 0.975])
    verdict = "holds" if low > 0 else "fails" if high < 0 else "tie"
    return Verdict(verdict, words, float(value), float(low), float(high))


def _near_zero(words: str, value: float, draws: NDArray[np.float64]) -> Verdict:
    """Holds if the interval lies within the margin, fails if it leaves zero out beyond it; a wide interval around zero is a tie."""
    low, high = np.quantile(draws, [0.025, 0.975])
    verdict = "holds" if low > -MARGIN and high < MARGIN else "fails" if low > 0 or high < 0 else "tie"
    return Verdict(verdict, words, float(value), float(low), float(high))


# Deciders -------------------------------------------------------------------------------------------------------------


def _class_one_against_dna(evidence: Evidence, protocol: str) -> Verdict:
    ours, theirs = _group(evidence, "function", "I"), _group(evidence, "function", "DNA")
    found = evidence.sampled("function", protocol, ours + theirs) if ours and theirs else None
    if found is None:
        return _lacking("class I and DNA models on the same families")
    values, draws = found
    cut = len(ours)
    words = f"mean of {cut} class I models minus mean of {len(theirs)} DNA models"
    return _by_interval(words, values[:cut].mean() - values[cut:].mean(), draws[:, :cut].mean(1) - draws[:, cut:].mean(1))


def _alone_at_the_top(evidence: Evidence, protocol: str, *, model: str, task: str) -> Verdict:
    others = [name for name in evidence.models(task) if name != model]
    found = evidence.sampled(task, protocol, [model, *others]) if others else None
    if found is None:
        return _lacking(f"{model} beside other models on the same RNAs")
    values, draws = found
    group = best_group(values, draws)
    gap = draws[:, 0] - draws[:, 1:].max(1)
    low, high = np.quantile(gap, [0.025, 0.975])
    verdict = "fails" if group.best != 0 and not group.tied[0] else "holds" if group.best == 0 and sum(group.tied) == 1 else "tie"
    return Verdict(verdict, f"{model} minus the best of {len(others)} others", float(values[0] - values[1:].max()), float(low), float(high))


def _difference(evidence: Evidence, protocol: str, *, task: str, first: str, second: str) -> Verdict:
    found = evidence.sampled(task, protocol, [first, second])
    if found is None:
        return _lacking(f"{first} and {second} on the same RNAs")
    values, draws = found
    return _by_interval(f"{first} minus {second}", values[0] - values[1], draws[:, 0] - draws[:, 1])


def _opposite_ends(evidence: Evidence, protocol: str, *, names: tuple[str, ...]) -> Verdict:
    models = [name for name in evidence.models("structure") if name in evidence.models("function")]
    structure = evidence.sampled("structure", protocol, models) if models else None
    function = evidence.sampled("function", protocol, models) if models else None
    if structure is None or function is None or not set(names) <= set(models):
        return _lacking(f"{' and '.join(names)} beside other models on both tasks")
    tied = best_group(*structure).tied
    places = [models.index(name) for name in names]
    shares = [float((function[0] > function[0][place]).mean()) for place in places]
    right = [tied[place] and share >= 0.5 for place, share in zip(places, shares, strict=True)]
    verdict = "holds" if all(right) else "fails" if not any(right) else "tie"
    words = f"share of models above {' and '.join(names)} in classification, lowest of them; both must be in the first group of structure"
    return Verdict(verdict, words, min(shares))


def _trade(evidence: Evidence, protocol: str) -> Verdict:
    rows = evidence.results
    rows = rows[(rows.analysis == "tradeoff") & (rows.protocol == protocol) & (rows.measure == "rank correlation")] if len(rows) else rows
    if rows.empty:
        return _lacking("the trade-off analysis by this protocol")
    rho = rows.iloc[0]
    verdict = "holds" if rho.high < 0 else "fails" if rho.low > 0 else "tie"
    words = f"rank correlation of structure and function over {int(rho.n)} models"
    return Verdict(verdict, words, float(rho.value), float(rho.low), float(rho.high))


def _relative_gain(evidence: Evidence, protocol: str, *, small: str, large: str, stated: float) -> Verdict:
    found = evidence.sampled("structure", protocol, [small, large])
    if found is None:
        return _lacking(f"{small} and {large} on the same RNAs")
    values, draws = found
    gain = draws[:, 1] / draws[:, 0] - 1
    low, high = np.quantile(gain, [0.025, 0.975])
    verdict = "holds" if low > 0 and low <= stated <= high else "tie" if low <= 0 <= high else "fails"
    return Verdict(verdict, f"relative gain in F1 from {small} to {large}; stated: {stated:g}", float(values[1] / values[0] - 1), float(low), float(high))


def _gain_at_a_price(evidence: Evidence, protocol: str, *, small: str, large: str) -> Verdict:
    better = _difference(evidence, protocol, task="structure", first=large, second=small)
    worse = _difference(evidence, protocol, task="function", first=small, second=large)
    if "undecided" in (better.verdict, worse.verdict):
        return better if better.verdict == "undecided" else worse
    both = {better.verdict, worse.verdict}
    verdict = "holds" if both == {"holds"} else "fails" if "fails" in both else "tie"
    words = f"F1 of {large} minus {small}; in classification {small} is ahead by {worse.value:.3f} ({worse.low:.3f} to {worse.high:.3f})"
    return Verdict(verdict, words, better.value, better.low, better.high)


def _protein_sizes(evidence: Evidence, protocol: str) -> Verdict:
    sizes = _group(evidence, "contacts", "protein")
    found = evidence.sampled("contacts", protocol, sizes) if len(sizes) > 1 else None
    if found is None:
        return _lacking("two or more trained sizes of ESM2 on protein contacts")
    slope = slope_from_draws(*found, evidence.parameters("contacts", sizes))
    level = float(found[0].mean())
    verdict = "holds" if slope.low <= 0 <= slope.high and abs(level - 0.67) <= MARGIN else "fails"
    return Verdict(verdict, f"change of contact F1 per tenfold size over {len(sizes)} sizes; mean level {level:.2f}", slope.value, slope.low, slope.high)


def _unified_below(evidence: Evidence, protocol: str) -> Verdict:
    found = [_against_median(evidence, protocol, task) for task in ("structure", "function")]
    lacking = next((one for one in found if one.verdict == "undecided"), None)
    if lacking:
        return lacking
    kinds = {one.verdict for one in found}
    verdict = "holds" if kinds == {"fails"} else "fails" if "holds" in kinds else "tie"
    words = f"LucaOne minus the class I median in structure; in classification {found[1].value:+.3f} ({found[1].low:+.3f} to {found[1].high:+.3f})"
    return Verdict(verdict, words, found[0].value, found[0].low, found[0].high)


def _against_median(evidence: Evidence, protocol: str, task: str) -> Verdict:
    group = _group(evidence, task, "I")
    found = evidence.sampled(task, protocol, ["lucaone", *group]) if group else None
    if found is None:
        return _lacking("LucaOne and class I models on the same RNAs")
    values, draws = found
    return _by_interval(task, values[0] - np.median(values[1:]), draws[:, 0] - np.median(draws[:, 1:], axis=1))


def _near_random(evidence: Evidence, protocol: str) -> Verdict:
    models = _group(evidence, "structure", "DNA") + _group(evidence, "structure", "II")
    found = evidence.sampled("structure", protocol, [*models, "random-canonical"]) if models else None
    if found is None:
        return _lacking("DNA models or special-purpose RNA models beside the random floor")
    values, draws = found
    each = [_near_zero(name, values[k] - values[-1], draws[:, k] - draws[:, -1]) for k, name in enumerate(models)]
    far = max(each, key=lambda one: abs(one.value or 0))
    kinds = {one.verdict for one in each}
    verdict = "holds" if kinds == {"holds"} else "fails" if "fails" in kinds else "tie"
    return Verdict(verdict, f"F1 above random canonical pairs, farthest of {len(models)} models: {far.words}", far.value, far.low, far.high)


def _spread(evidence: Evidence, protocol: str) -> Verdict:
    """Ratio of standard deviations between RNAs, single-sequence models over the alignment model, by family bootstrap."""
    table = evidence.tables.get("per_rna", pd.DataFrame())
    whole = {"protocol", "decoder", "role"} <= set(table.columns)
    rows = table[(table.protocol == protocol) & (table.decoder == "raw") & (table.role == "trained")] if whole else table[:0]
    aligned = _reading_alignments(rows.model.unique()) if len(rows) else []
    singles = [name for name in rows.model.unique() if name not in aligned] if len(rows) else []
    if not aligned or not singles:
        return _lacking("single-sequence models and an alignment model on the same RNAs, score by score")
    wide = rows.pivot_table(index=["family", "rna"], columns="model", values="f1", dropna=False).dropna()
    if len(wide) < 3:
        return _lacking("single-sequence models and an alignment model on the same RNAs")
    scores = wide[[*singles, aligned[0]]].to_numpy()
    draws = np.array([_spread_ratio(scores[rows]) for rows in _family_resamples(wide.index.get_level_values(0))])
    words = f"standard deviation of F1, mean of {len(singles)} single-sequence models over {aligned[0]}, minus 1"
    return _by_interval(words, _spread_ratio(scores) - 1, draws - 1)


def _spread_ratio(scores: NDArray[np.float64]) -> float:
    """Mean standard deviation of all columns but the last, over that of the last; shape (S, M)."""
    spread = scores.std(axis=0, ddof=1)
    return float(spread[:-1].mean() / spread[-1])


def _reading_alignments(models: Any) -> list[str]:
    from rnastudy.models import cards

    known = cards()
    return [name for name in models if name in known and known[name].reads_alignment]


def _family_resamples(families: Any, n: int = 1000) -> Iterator[NDArray[np.intp]]:
    """Rows of RNAs whose families were drawn with replacement."""
    rng, members = np.random.default_rng(0), [np.flatnonzero(families == one) for one in dict.fromkeys(families)]
    for _ in range(n):
        yield np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])


def _blind_overlap(evidence: Evidence, protocol: str) -> Verdict:
    """All models and baselines whose overlap ratio is .5 or more must have an AUROC interval that holds .5."""
    rows = evidence.results
    rows = rows[(rows.analysis == "classification") & (rows.protocol == protocol)] if len(rows) else rows
    ratio = rows[(rows.measure == "overlap_ratio") & (rows.value >= 0.5)] if len(rows) else rows
    keys = ["model", "dataset", "descriptor", "layer"]
    area = rows[(rows.measure == "auroc") & rows.low.notna()] if len(rows) else rows
    both = ratio.merge(area, on=keys, suffixes=("_ratio", "")) if len(ratio) and len(area) else pd.DataFrame()
    if both.empty:
        return _lacking("a model or baseline with an overlap ratio of .5 or more and an AUROC interval")
    blind = (both.low <= 0.5) & (both.high >= 0.5)
    far = both.iloc[int((both.value - 0.5).abs().to_numpy().argmax())]
    words = f"AUROC of those with a ratio of .5 or more, farthest from .5 of {len(both)}: {far.model}; {int(blind.sum())} hold .5"
    return Verdict("holds" if blind.all() else "fails", words, float(far.value), float(far.low), float(far.high))


#: Families of transfer and ribosomal RNA, which make up most of RNAcentral (Rfam accessions).
_COMMON = {"RF00005", "RF01852", "RF00001", "RF00002", "RF00177", "RF01959", "RF01960", "RF02540", "RF02541", "RF02542", "RF02543", "RF02545"}


def _rare_families(evidence: Evidence, protocol: str) -> Verdict:
    table = evidence.tables.get("families", pd.DataFrame())
    common = table[table.family.isin(_COMMON)].auroc.to_numpy() if len(table) else np.array([])
    rare = table[~table.family.isin(_COMMON)].auroc.to_numpy() if len(table) else np.array([])
    if protocol == "review" or len(common) < 2 or len(rare) < 2:
        return _lacking("scores by family of two or more tRNA or rRNA families beside others, by the careful protocol")
    rng = np.random.default_rng(0)
    draws = np.array([rng.choice(rare, len(rare)).mean() - rng.choice(common, len(common)).mean() for _ in range(2000)])
    return _near_zero(f"AUROC of {len(rare)} other families minus {len(common)} tRNA and rRNA families", rare.mean() - common.mean(), draws)


def _few_homologs(evidence: Evidence, protocol: str) -> Verdict:
    numbers = evidence.numbers.get("depth", {})
    keys = ["advantage_shallow", "advantage_shallow_low", "advantage_shallow_high"]
    if protocol == "review" or not all(key in numbers for key in keys):
        return _lacking("the depth analysis, by the careful protocol")
    value, low, high = (float(numbers[key]) for key in keys)
    verdict = "holds" if low <= 0 <= high or high < MARGIN else "fails"
    return Verdict(verdict, "gain over one sequence with fewer than 10 homologs", value, low, high)


def _fitness(evidence: Evidence, protocol: str) -> Verdict:
    return Verdict("undecided", "not run: this edition has no analysis of mutational fitness")


def _a_flat_family(evidence: Evidence, protocol: str) -> Verdict:
    rows = evidence.results
    slopes = rows[(rows.analysis == "scaling") & (rows.protocol == protocol) & rows.measure.str.endswith("per tenfold size")] if len(rows) else rows
    if slopes.empty:
        return _lacking("a family of sizes, by this protocol")
    flat = slopes[(slopes.low <= 0) | (slopes.high <= 0)]
    shown = (flat if len(flat) else slopes).iloc[0]
    words = f"{shown.measure} in one family of sizes; {len(flat)} of {len(slopes)} slopes are not above zero"
    return Verdict("holds" if len(flat) else "fails", words, float(shown.value), float(shown.low), float(shown.high))


_DECIDERS: dict[str, Decider] = {
    "C01": _class_one_against_dna,
    "C02": partial(_alone_at_the_top, model="rnafm", task="function"),
    "C03": partial(_alone_at_the_top, model="rnamsm", task="structure"),
    "C04": partial(_difference, task="structure", first="rnamsm", second="aidorna-1.6b"),
    "C05": partial(_opposite_ends, names=("rnakm", "mprna")),
    "C06": _trade,
    "C07": partial(_relative_gain, small="rinalmo-mega", large="rinalmo-giga", stated=0.28),
    "C08": partial(_gain_at_a_price, small="aidorna-650m", large="aidorna-1.6b"),
    "C09": _protein_sizes,
    "C10": _unified_below,
    "C11": _near_random,
    "C12": _spread,
    "C13": _blind_overlap,
    "C14": _rare_families,
    "C15": _few_homologs,
    "C16": _fitness,
    "C17": _a_flat_family,
}
_COMMANDS = {
    "C09": "rnastudy run proteins --model esm2-8m,esm2-35m,esm2-150m,esm2,esm2-3b,esm2-15b --device cuda",
    "C15": "rnastudy run depth --model rnamsm --device cuda",
    "C16": "",
}
