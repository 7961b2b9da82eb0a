"""Tables of the zoo: levels compared pair by pair, means over seeds, and RNAs in and out of the families trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.errors import StudyError, unknown
from rnastudy.training.zoo import LEVELS, SEEDS

__all__ = ["HEADLINES", "Measured", "by_level", "contrast_table", "in_and_out", "load_measured", "nested", "recorded", "save_measured"]

Floats = NDArray[np.float64]
#: What a level is judged on: structure of real RNAs (of alignments, for models that read them), and families told apart.
HEADLINES = ("f1", "auroc")


@dataclass(frozen=True)
class Measured:
    """What was measured of one model.

    Parameters
    ----------
    values : dict of str to float
        By measure.
    draws : dict of str to ndarray, shape (B,)
        The same in every bootstrap draw; draw by draw on the same resamples for all models.
    per_rna : DataFrame
        F1 of each scored RNA: panel, rna, f1, and whether its family or clan is in the corpus (``None``: not known).
    """

    values: dict[str, float]
    draws: dict[str, Floats]
    per_rna: pd.DataFrame = field(default_factory=pd.DataFrame)


def recorded(table: str) -> pd.DataFrame:
    """Read a table that ships beside the models of the zoo; ``python -m tools.score_zoo`` makes them.

    Parameters
    ----------
    table : {"values", "contrasts", "in_and_out"}
        As `CausesStudy` holds them, and `in_and_out` returns it.

    Raises
    ------
    StudyError
        If there is none of this name.

    Examples
    --------
    >>> "p_holm" in recorded("contrasts")
    True
    """
    from rnastudy.models.cards import embedded_folder

    known = ("values", "contrasts", "in_and_out")
    if table not in known:
        raise unknown("table of the zoo", table, known)
    path = embedded_folder("zoo") / f"{table}.csv"
    if not path.is_file():
        raise StudyError(f"{path} is not in this installation; make it with: python -m tools.score_zoo")
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def save_measured(path: Path, found: Measured) -> None:
    """Write what was measured, whether RNAs are in the corpus left out, as one ``.npz``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"value {name}": np.array(value) for name, value in found.values.items()}
    arrays |= {f"draws {name}": sample for name, sample in found.draws.items()}
    arrays |= {f"rna {name}": found.per_rna[name].to_numpy(dtype=kind) for name, kind in (("panel", str), ("rna", str), ("f1", float))}
    part = path.with_suffix(".part.npz")
    np.savez(part, allow_pickle=False, **arrays)
    part.replace(path)


def load_measured(path: Path) -> Measured:
    """Read what `save_measured` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        parts: dict[str, dict[str, NDArray]] = {"value": {}, "draws": {}, "rna": {}}
        for key in stored.files:
            kind, _, name = key.partition(" ")
            parts[kind][name] = stored[key]
    return Measured({name: float(value) for name, value in parts["value"].items()}, parts["draws"], pd.DataFrame(parts["rna"]))


def nested(differences: Floats, seed: int = 0) -> Floats:
    """Resample seeds within each bootstrap draw.

    Parameters
    ----------
    differences : ndarray, shape (K, B)
        Difference of each of K seeds in each of B draws of RNAs.
    seed : int
        Of the resampling of seeds.

    Returns
    -------
    ndarray, shape (B,)
        Mean over K seeds drawn with replacement, afresh in every draw.

    Examples
    --------
    >>> nested(np.array([[0.1, 0.2], [0.1, 0.2]])).round(2).tolist()
    [0.1, 0.2]
    """
    count, draws = differences.shape
    picked = np.random.default_rng(seed).integers(count, size=(count, draws))
    return np.asarray(np.take_along_axis(differences, picked, axis=0).mean(axis=0))


def contrast_table(found: Mapping[tuple[str, int], Measured], *, measures: Sequence[str] = HEADLINES, seed: int = 0) -> pd.DataFrame:
    """Compare every level with the one it names, on the seeds that both have.

    Parameters
    ----------
    found : mapping of (str, int) to Measured
        By level and seed; trained models only.
    measures : sequence of str
        What to compare; one that a model lacks is passed over.
    seed : int
        Of the resampling of seeds.

    Returns
    -------
    DataFrame
        factor, level, against, measure, seeds, difference, low, high, p, p_holm, lowest, highest and ``by_seed`` (the raw
        difference of each seed). ``p_holm`` is adjusted over all levels and measures of a factor. With one seed the
        interval is that of resampled RNAs alone, and says nothing of other seeds.
    """
    from rnastudy.statistics import holm, two_sided_p

    rows = []
    for level in LEVELS.values():
        seeds = [one for one in SEEDS if (level.name, one) in found and (level.against, one) in found]
        for measure in measures:
            pairs = [(found[level.name, one], found[level.against, one]) for one in seeds]
            pairs = [(ours, theirs) for ours, theirs in pairs if measure in ours.values and measure in theirs.values]
            if not pairs:
                continue
            raw = [ours.values[measure] - theirs.values[measure] for ours, theirs in pairs]
            draws = nested(np.stack([ours.draws[measure] - theirs.draws[measure] for ours, theirs in pairs]), seed)
            draws = draws[np.isfinite(draws)]
            low, high = np.quantile(draws, [0.025, 0.975])
            shared = {"factor": level.factor, "level": level.name, "against": level.against, "measure": measure, "seeds": len(pairs)}
            shared |= {"difference": float(np.mean(raw)), "low": float(low), "high": float(high), "p": two_sided_p(draws)}
            rows.append(shared | {"lowest": min(raw), "highest": max(raw), "by_seed": ", ".join(f"{one:+.3f}" for one in raw)})
    table = pd.DataFrame(rows)
    if len(table):
        table.insert(9, "p_holm", np.concatenate([holm(part.p) for _, part in table.groupby("factor", sort=False)]))
    return table


def by_level(values: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds, lowest and highest of every measure: one row a level, role and measure.

    Examples
    --------
    >>> shared = {"factor": "corpus", "level": "real", "role": "trained", "measure": "f1"}
    >>> table = by_level(pd.DataFrame([{**shared, "seed": 0, "value": 0.25}, {**shared, "seed": 1, "value": 0.5}]))
    >>> table[["seeds", "mean", "lowest", "highest"]].to_numpy().tolist()
    [[2.0, 0.375, 0.25, 0.5]]
    """
    grouped = values.groupby(["factor", "level", "role", "measure"], sort=False)["value"]
    return grouped.agg(seeds="count", mean="mean", lowest="min", highest="max").reset_index()


def in_and_out(per_rna: pd.DataFrame) -> pd.DataFrame:
    """Mean F1 of RNAs whose family or clan is in the corpus, and of those where it is not.

    Parameters
    ----------
    per_rna : DataFrame
        Of a `CausesStudy`.

    Returns
    -------
    DataFrame
        One row a level, role and panel: means over RNAs and seeds (``in_family``, ``out_of_family``) and numbers of RNAs.
        RNAs of levels whose corpus is not on this machine are left out.

    Examples
    --------
    >>> shared = {"factor": "corpus", "level": "real", "role": "trained", "panel": "f1", "seed": 0}
    >>> rows = [{**shared, "rna": "a", "f1": 0.5, "in_corpus": True}, {**shared, "rna": "b", "f1": 0.25, "in_corpus": False}]
    >>> in_and_out(pd.DataFrame(rows))[["in_family", "out_of_family", "n_in", "n_out"]].to_numpy().tolist()
    [[0.5, 0.25, 1.0, 1.0]]
    """
    known = per_rna[per_rna.in_corpus.notna()]
    rows = []
    for key, part in known.groupby(["factor", "level", "role", "panel"], sort=False):
        inside = part.in_corpus.astype(bool)
        row = dict(zip(("factor", "level", "role", "panel"), key, strict=True))
        row |= {"in_family": part.f1[inside].mean(), "out_of_family": part.f1[~inside].mean()}
        rows.append(row | {"n_in": part.rna[inside].nunique(), "n_out": part.rna[~inside].nunique()})
    return pd.DataFrame(rows)
