"""What the page of causes shows: recorded or fresh tables of the zoo, levels on both tasks, signs that something failed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rnastudy.analyses.cause_tables import by_level, in_and_out, recorded
from rnastudy.analyses.causes import Panels, causes, measure, null_of, panels, stored
from rnastudy.errors import StudyError, unknown
from rnastudy.training.zoo import LEFT_OUT, LEVELS

__all__ = ["FACTORS", "RECORDED_ON", "CauseTables", "cause_study", "failure_signs", "left_out", "levels_of", "null_scores", "two_tasks"]

#: What is changed in the zoo, in the order it is told.
FACTORS = tuple(dict.fromkeys(level.factor for level in LEVELS.values()))
#: Sets that choose, that are scored on structure, and whose families are told apart, in the tables that ship.
RECORDED_ON = ("srtrain150", "srtest150", "rfam_drawn_heldout")


@dataclass(frozen=True)
class CauseTables:
    """Tables of some factors of the zoo.

    Parameters
    ----------
    values, contrasts, in_and_out : DataFrame
        As `recorded` returns them; contrasts of the factors asked for alone.
    source : str
        Where they come from, in a sentence.
    asked : (Panels, Panels)
        RNAs that were asked about, of models that read one sequence and of those that read alignments.
    weights : dict of str to str
        One checksum over the weights of all models that ship.
    """

    values: pd.DataFrame
    contrasts: pd.DataFrame
    in_and_out: pd.DataFrame
    source: str
    asked: tuple[Panels, Panels]
    weights: dict[str, str]


def levels_of(factors: Iterable[str]) -> list[str]:
    """List the levels of some factors, with those they are compared with and those that stand for their random weights.

    Examples
    --------
    >>> levels_of(["tokens"])
    ['base', 'kmers', 'byte-pairs']
    """
    factors = list(factors)
    for name in factors:
        if name not in FACTORS:
            raise unknown("factor of the zoo", name, FACTORS)
    mine = [level for level in LEVELS.values() if level.factor in factors]
    names = {name for level in mine for name in (level.name, level.against, null_of(replace(level, condition="")))}
    return [name for name in LEVELS if name in names]


def cause_study(
    factors: Sequence[str], *, recompute: bool = False, sets: tuple[str, str, str] = RECORDED_ON, n_draws: int = 1000, seed: int = 0, device: str = "cpu"
) -> CauseTables:
    """Read what was recorded of the zoo, or measure it anew.

    Parameters
    ----------
    factors : sequence of str
        See `FACTORS`.
    recompute : bool
        Measure; otherwise read the tables that ship with the models, whatever `n_draws`, `seed` and `device` say.
    sets : (str, str, str)
        Data sets that choose, that are scored on structure, and whose families are told apart.
    n_draws, seed, device
        See `causes`.

    Raises
    ------
    StudyError
        If other sets are asked for than those that were recorded, and nothing is to be measured.
    """
    names = levels_of(factors)
    if not recompute and sets != RECORDED_ON:
        raise StudyError(f"the recorded values are of {', '.join(RECORDED_ON)}, not of {', '.join(sets)}; measure with recompute=True")
    asked = panels(select=sets[0], test=sets[1], data=sets[2])
    if recompute:
        study = causes(stored(names), n_draws=n_draws, seed=seed, asked=asked, device=device)
        tables = study.values, study.contrasts, in_and_out(study.per_rna)
        least = f"no p value of so many is below {2 / (n_draws + 1):.2g} before Holm's correction"
        source = f"Every model was measured anew in this run, with {n_draws:,} bootstrap draws; {least}."
    else:
        tables, source = (recorded("values"), recorded("contrasts"), recorded("in_and_out")), _recording()
    values, contrasts, inside = (table.reset_index(drop=True) for table in tables)
    contrasts, values, inside = contrasts[contrasts.factor.isin(factors)], values[values.level.isin(names)], inside[inside.level.isin(names)]
    return CauseTables(values, contrasts.reset_index(drop=True), inside, source, asked, {"zoo": _weights()})


def _recording() -> str:
    """Say which recording is read, from the file that is written with it."""
    from rnastudy.models.cards import embedded_folder

    folder = embedded_folder("zoo")
    made = json.loads((folder / "scored.json").read_text(encoding="utf-8"))
    sha = hashlib.sha256((folder / "values.csv").read_bytes()).hexdigest()
    how = f"{made['draws']:,} bootstrap draws, seed {made['seed']}, on {made['device']} with torch {made['torch']} and Python {made['python']}"
    when = "".join(f", {word} {made[word]}" for word in ("date", "commit") if made.get(word))
    return (
        f"The numbers are those recorded with the {len(made['models'])} models (made by {made['command']}: {how}{when}; sha256 of the values {sha[:12]}); "
        "this run read them and measured nothing but the table of signs."
    )


def _weights() -> str:
    """One checksum over all weights of the zoo, in the order of their paths."""
    from rnastudy.models.cards import embedded_folder

    digest = hashlib.sha256()
    for path in sorted(embedded_folder("zoo").glob("*/*/model.safetensors")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def null_scores(values: pd.DataFrame, level: str, measure: str) -> pd.Series:
    """Scores of a level's random weights, by seed; empty where they were not measured."""
    of = null_of(replace(LEVELS[level], condition=""))
    rows = values[(values.level == of) & (values.role == "untrained") & (values.measure == measure)]
    return rows.set_index("seed")["value"]


def two_tasks(values: pd.DataFrame) -> pd.DataFrame:
    """Mean F1 and mean AUROC of every level that has both: trained ones, and random weights of each architecture.

    Levels that ask the same models again under a condition are left out.

    Returns
    -------
    DataFrame
        factor, level, role, f1, auroc.
    """
    table = by_level(values[values.measure.isin(["f1", "auroc"]) & values.role.isin(["trained", "untrained"])])
    wide = table.pivot_table(index=["factor", "level", "role"], columns="measure", values="mean", sort=False).reset_index()
    if "auroc" not in wide:
        return pd.DataFrame(columns=["factor", "level", "role", "f1", "auroc"])
    kept = wide.dropna(subset=["f1", "auroc"])
    kept = kept[[not LEVELS[name].condition for name in kept.level]]
    return kept[["factor", "level", "role", "f1", "auroc"]].reset_index(drop=True)


def left_out() -> pd.DataFrame:
    """What was not trained, and why.

    Examples
    --------
    >>> list(left_out())
    ['not trained', 'why']
    """
    return pd.DataFrame(list(LEFT_OUT.items()), columns=["not trained", "why"])


def failure_signs(tables: CauseTables, *, seed: int = 0, device: str = "cpu") -> pd.DataFrame:
    """Signs that something failed, what each means, and the run of the zoo that shows it.

    Two signs need more than the tables hold: the spread over RNAs and the overlap ratio are measured here, of one model each.

    Returns
    -------
    DataFrame
        sign, meaning, run, measured. A sign that no run shows is left out.
    """
    trained = by_level(tables.values[tables.values.role == "trained"])
    f1 = trained[(trained.measure == "f1")].set_index("level")
    single = two_tasks(tables.values)
    rows = [_near_random(tables.values, f1), _seeds_apart(f1), _prior_lost(tables.contrasts)]
    if len(single):
        ranked = single[single.role == "trained"].set_index("level")
        rows += [_rnas_apart(str(ranked.f1.idxmax()), tables.asked[0], device), _below_random(tables.values, ranked)]
        rows.append(_overlapping(str(ranked.auroc.idxmin()), str(ranked.auroc.idxmax()), tables.asked[0], seed, device))
    return pd.DataFrame([row for row in rows if row], columns=["sign", "meaning", "run", "measured"])


def _near_random(values: pd.DataFrame, f1: pd.DataFrame) -> tuple[str, ...] | None:
    """Levels whose mean is no higher than the highest of their random weights."""
    nulls = {level: null_scores(values, level, "f1") for level in f1.index}
    found = [level for level, null in nulls.items() if len(null) and not LEVELS[level].condition and f1["mean"][level] <= null.max()]
    if not found:
        return None
    lowest = min(found, key=lambda level: f1["mean"][level] - nulls[level].mean())
    told = f"{lowest}: F1 {f1['mean'][lowest]:.3f}, random weights {nulls[lowest].mean():.3f}"
    means = "No head marks pairs. The loss may have fallen by composition alone, and a token of several bases has no one partner."
    return "F1 no higher than that of random weights", means, ", ".join(found), told


def _seeds_apart(f1: pd.DataFrame) -> tuple[str, ...]:
    spread = (f1.highest - f1.lowest).sort_values()
    name = str(spread.index[-1])
    means = "Luck of training decides: one seed took off late, or not at all, within the steps given. One run says nothing here; train more seeds, or longer."
    return "seeds far apart", means, name, f"F1 {f1.lowest[name]:.3f} to {f1.highest[name]:.3f}; the median level spans {spread.median():.3f}"


def _prior_lost(contrasts: pd.DataFrame) -> tuple[str, ...] | None:
    off = contrasts[contrasts.level.isin([name for name, level in LEVELS.items() if level.condition]) & (contrasts.measure == "f1")]
    if off.empty:
        return None
    told = "; ".join(f"{row.against}: F1 {row.difference:+.3f} without" for row in off.itertuples())
    means = "The score is the prior's, or training leaned on it. What is left without it is what the weights hold by themselves."
    return "F1 falls once a built-in prior is switched off", means, ", ".join(off.against), told


def _rnas_apart(level: str, asked: Panels, device: str) -> tuple[str, ...]:
    """Spread over RNAs of one model, measured here."""
    mine = Panels(asked.select, {"f1": asked.structure["f1"]}, {})
    scores = measure(LEVELS[level], 0, mine, n_draws=1, device=device).per_rna.f1.to_numpy()
    low, high = np.quantile(scores, [0.1, 0.9])
    means = "The mean describes hardly any RNA: some are read and others missed. Look at them one by one before models are ranked by a mean."
    told = f"standard deviation {scores.std():.2f} around {scores.mean():.2f}; a tenth of the RNAs is below {low:.2f}, a tenth above {high:.2f}"
    return "high variance between RNAs", means, f"{level}, seed 0", told


def _below_random(values: pd.DataFrame, ranked: pd.DataFrame) -> tuple[str, ...] | None:
    nulls = {level: null_scores(values, level, "auroc") for level in ranked.index}
    found = [level for level, null in nulls.items() if len(null) and ranked.auroc[level] < null.min()]
    if not found:
        return None
    worst = min(found, key=lambda level: ranked.auroc[level] - nulls[level].mean())
    means = "Training moved the vectors away from what tells families apart. Put random weights beside a score before it is called learned."
    told = f"{worst}: AUROC {ranked.auroc[worst]:.3f}, random weights {nulls[worst].mean():.3f}"
    return "AUROC below that of random weights", means, f"{len(found)} of {len(ranked)} levels", told


def _overlapping(worst: str, best: str, asked: Panels, seed: int, device: str) -> tuple[str, ...] | None:
    """Overlap ratio of the mean-pooled last layer of two models, measured here by the review's rule."""
    from rnastudy import models, overlap
    from rnastudy.embeddings import embed

    rnas = asked.families["auroc"]

    def ratio(level: str) -> float:
        vectors = embed(models.load(LEVELS[level].model(0), device=device), rnas).matrix("mean")
        return overlap.review(vectors, [rna.family or rna.name for rna in rnas], seed=seed).overlap_ratio

    highest = ratio(worst)
    if highest < 0.5:
        return None
    means = "Two RNAs of one family are hardly nearer than two of different ones, so nothing built on these vectors can tell families apart well."
    beside = f"; {best}, seed 0: {ratio(best):.2f}" if best != worst else ""
    return "overlap ratio of .5 and more", means, f"{worst}, seed 0", f"overlap ratio {highest:.2f}{beside}"
