"""Analysis 2: are two RNAs of one family closer in embedding space than two of different families?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from rnastudy import overlap
from rnastudy.analyses.contenders import Contender, common_subset
from rnastudy.analyses.depth import typical_depth
from rnastudy.embeddings import embed, pca
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["ClassificationStudy", "classification"]

#: Descriptors beside the headline (mean over the bases of the last layer), last layer each.
_OTHERS = ("first", "fft")


@dataclass
class ClassificationStudy:
    """Tables of a classification analysis, and what its figures need.

    Attributes
    ----------
    rnas : list of Rna
        RNAs of families with at least two members that every model could read.
    results : DataFrame
        Tidy table; ``descriptor`` names the vector, ``layer`` the hidden layer (0 is the embedding).
    scores : dict of (str, str) to OverlapScores
        By contender and protocol, for the headline descriptor.
    vectors : dict of str to ndarray, shape (S, D)
        Headline vectors by contender.
    states : dict of str to ndarray, shape (T, D)
        Last hidden layer of the first RNA, by model, start token first.
    """

    rnas: list[Rna]
    dataset: str
    results: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores: dict[tuple[str, str], overlap.OverlapScores] = field(default_factory=dict)
    vectors: dict[str, NDArray] = field(default_factory=dict)
    states: dict[str, NDArray] = field(default_factory=dict)

    @property
    def families(self) -> list[str]:
        """Family of each RNA."""
        return [rna.family or rna.name for rna in self.rnas]

    @property
    def clans(self) -> list[str | None]:
        """Clan of each RNA."""
        return [rna.clan for rna in self.rnas]

    def value(self, model: str, measure: str, *, protocol: str = "careful", descriptor: str | None = None) -> pd.Series:
        """Return the results row of one contender and measure; the last layer, the headline descriptor by default."""
        rows = self.results[(self.results.model == model) & (self.results.measure == measure) & (self.results.protocol == protocol)]
        rows = rows[rows.headline if descriptor is None else (rows.descriptor == descriptor) & rows.last]
        if len(rows) != 1:
            raise StudyError(f"results hold {len(rows)} rows of {model!r}, {measure!r}, {protocol!r}; ask for one that was run")
        return rows.iloc[0]

    def table(self, measure: str, protocol: str = "careful") -> pd.DataFrame:
        """Return the headline rows of all contenders."""
        rows = self.results
        return rows[(rows.measure == measure) & (rows.protocol == protocol) & rows.headline]

    def draws_table(self) -> pd.DataFrame:
        """Return the bootstrap draws of AUROC as a tidy table: model, dataset, protocol, measure, draw, value."""
        parts = [
            pd.DataFrame({"model": name, "dataset": self.dataset, "protocol": protocol, "measure": "auroc", "draw": range(len(values)), "value": values})
            for (name, protocol), scores in self.scores.items()
            if (values := scores.draws.get("auroc")) is not None
        ]
        return pd.concat(parts, ignore_index=True)


def classification(
    entrants: Sequence[Contender],
    data: Any,
    *,
    baselines: Iterable[str] = (),
    n_draws: int = 500,
    n_pairs: int = 100_000,
    rule: str = "rfam",
    layers: bool = True,
    seed: int = 0,
    cache: str | None = None,
    progress: bool = True,
) -> ClassificationStudy:
    """Score contenders on telling families apart, under both protocols.

    Parameters
    ----------
    entrants : sequence of Contender
        Models and their random-weight twins (see `contenders`); those without a model are left out.
    data : Dataset
        RNAs with families; a family with a single member is left out.
    baselines : iterable of str
        See `rnastudy.baselines.vector_baseline_names`; one that gives all RNAs the same vector is left out.
    n_draws : int
        Draws of the family bootstrap behind the intervals.
    n_pairs : int
        Pairs of each kind that the ``review`` protocol draws.
    rule : {"rfam", "archiveii"}
        How the review draws negatives.
    layers : bool
        Score other descriptors and every hidden layer too.
    seed : int
        Of everything drawn.
    cache : str, optional
        Folder that keeps vectors from one analysis to the next, under a key of weights, sequences and setting.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ClassificationStudy

    Raises
    ------
    StudyError
        If fewer than two families are left.
    """
    models = [entrant for entrant in entrants if entrant.probe is not None]
    study = ClassificationStudy([], data.name)
    study.rnas, dropped = common_subset(_with_relatives(data), models)
    study.rnas = _with_relatives(study)
    options = {"n_draws": n_draws, "n_pairs": n_pairs, "rule": rule, "seed": seed, "layers": layers, "cache": cache or None}
    rows: list[dict[str, Any]] = []
    for entrant in tqdm(models, desc="classification", unit="model", disable=not progress):
        rows += _model_rows(study, entrant, dropped[entrant.name], options)
    for name in tqdm(_telling(baselines, study.rnas), desc="baselines", unit="baseline", disable=not progress):
        rows += _baseline_rows(study, name, options)
    study.results = pd.DataFrame(rows)
    return study


def _with_relatives(data: Any) -> list[Rna]:
    """RNAs of families of two or more."""
    labels, counts = np.unique([rna.family for rna in data.rnas if rna.family], return_counts=True)
    kept = set(labels[counts > 1])
    if len(kept) < 2:
        name = data.name if hasattr(data, "name") else data.dataset
        raise StudyError(f"{name}: {len(kept)} families of two or more RNAs; two are needed: raise limit or max_bases")
    return [rna for rna in data.rnas if rna.family in kept]


def _rows(study: ClassificationStudy, shared: dict[str, Any], scores: overlap.OverlapScores, **where: Any) -> list[dict[str, Any]]:
    base = {"analysis": "classification", "dataset": study.dataset, "protocol": scores.protocol, **shared, **where}
    return [{**base, **row} for row in scores.measures()]


def _both(
    study: ClassificationStudy, shared: dict[str, Any], careful: NDArray, review: NDArray, described: tuple[str, str], options: dict[str, Any]
) -> list[dict[str, Any]]:
    """Headline rows: ``careful`` with intervals on one vector, ``review`` on its own descriptor."""
    where = {"headline": True, "last": True}
    found = overlap.careful(careful, study.families, study.clans, draws=options["n_draws"], seed=options["seed"])
    drawn = overlap.review(review, study.families, rule=options["rule"], n=options["n_pairs"], seed=options["seed"])
    study.scores[shared["model"], "careful"], study.scores[shared["model"], "review"] = found, drawn
    study.vectors[shared["model"]] = careful
    rows = _rows(study, shared, found, descriptor=described[0], **where) + _rows(study, shared, drawn, descriptor=described[1], **where)
    matched = overlap.length_matched(careful, study.families, [len(rna) for rna in study.rnas], study.clans)
    base = {"analysis": "classification", "dataset": study.dataset, "protocol": "careful", **shared, "descriptor": described[0], "headline": True, "last": True}
    size = {"n": found.n_sequences, "n_families": found.n_families}
    return [*rows, {**base, **size, "measure": "auroc_length_matched", "value": matched.auroc}]


def _model_rows(study: ClassificationStudy, entrant: Contender, n_dropped: int, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of one model: headline, other descriptors of the last layer, and the mean of every layer."""
    found = embed(entrant.probe, study.rnas, ("mean", *_OTHERS), "all", cache=options["cache"])
    last = found.layers[-1]
    shared: dict[str, Any] = {"model": entrant.name, "role": entrant.role, "parameters": entrant.parameters, "n_dropped": n_dropped}
    shared |= {"layer": last, "depth": typical_depth(entrant, study.rnas)}
    rows = _both(study, shared, found.matrix("mean"), found.matrix("fft"), ("mean", "fft"), options)
    study.states[entrant.name] = _states(entrant, study.rnas[0])
    if not options["layers"]:
        return rows
    others = {
        "first": found.matrix("first"),
        "fft": found.matrix("fft"),
        _centred(found.matrix("mean").shape[1]): pca(found.matrix("mean"), seed=options["seed"]),
    }
    for name, vectors in others.items():
        scores = overlap.careful(vectors, study.families, study.clans)
        rows += _rows(study, shared, scores, descriptor=name, headline=False, last=True)
    scores = overlap.review(found.matrix("mean"), study.families, rule=options["rule"], n=options["n_pairs"], seed=options["seed"])
    rows += _rows(study, shared, scores, descriptor="mean", headline=False, last=True)
    for layer in found.layers[:-1]:
        scores = overlap.careful(found.matrix("mean", layer), study.families, study.clans)
        rows += _rows(study, {**shared, "layer": layer}, scores, descriptor="mean", headline=False, last=False)
    return rows


def _centred(width: int) -> str:
    """Name the principal components: fitted on the scored set, and for a narrow model no more than centring."""
    return f"mean, centred (PCA {min(128, width)})"


def _states(entrant: Contender, rna: Rna) -> NDArray:
    """Last hidden layer of one RNA, shape (T, D), start token first where there is one."""
    assert entrant.probe is not None
    (found,) = entrant.probe.hidden([rna])
    bases = found.bases[0].cpu().numpy()
    return bases if found.first is None else np.concatenate([found.first.cpu().numpy(), bases])


def _telling(baselines: Iterable[str], rnas: Sequence[Rna]) -> list[str]:
    """Leave out the baselines that see no difference between any two RNAs: length, where all are equally long."""
    from rnastudy.baselines import vector_baseline

    return [name for name in baselines if np.ptp(vector_baseline(name, rnas), axis=0).max() > 0]


def _baseline_rows(study: ClassificationStudy, name: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    from rnastudy.baselines import vector_baseline

    vectors = vector_baseline(name, study.rnas)
    return _both(study, {"model": name, "role": "baseline"}, vectors, vectors, (name, name), options)
