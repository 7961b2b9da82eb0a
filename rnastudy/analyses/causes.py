"""One cause at a time: what each factor of the zoo did to structure and to function, as paired differences.

Every model is measured once, on resamples that all models share. A contrast is the mean over seeds of the difference
between two levels; its interval resamples seeds and, within them, families of RNAs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from rnastudy.analyses.cause_tables import HEADLINES, Floats, Measured, contrast_table, load_measured, save_measured
from rnastudy.errors import StudyError
from rnastudy.rna import Rna
from rnastudy.training.zoo import LEVELS, SEEDS, Level

__all__ = ["ROWS", "CausesStudy", "Panels", "causes", "measure", "null_of", "panels", "per_family", "stored"]

#: Rows of an alignment that are read.
ROWS = 32


@dataclass(frozen=True)
class Panels:
    """RNAs that models are asked about.

    Parameters
    ----------
    select : list of Rna
        RNAs that choose head and threshold.
    structure : dict of str to list of Rna
        RNAs whose pairs are scored, by measure; ``f1`` is the headline.
    families : dict of str to list of Rna
        RNAs whose families are told apart, by measure; ``auroc`` is the headline.
    """

    select: list[Rna]
    structure: dict[str, list[Rna]]
    families: dict[str, list[Rna]]


@dataclass
class CausesStudy:
    """Tables of the experiment.

    Attributes
    ----------
    values : DataFrame
        factor, level, seed, role, measure, value, low, high: one row a model and measure.
    contrasts : DataFrame
        See `contrast_table`.
    per_rna : DataFrame
        F1 of each RNA, with level, seed and role.
    """

    values: pd.DataFrame
    contrasts: pd.DataFrame
    per_rna: pd.DataFrame


def per_family(rnas: Iterable[Rna], most: int, longest: int) -> list[Rna]:
    """Keep at most so many RNAs a family, in order, none longer than `longest` bases.

    Examples
    --------
    >>> [rna.name for rna in per_family([Rna("a", "GC", family="f"), Rna("b", "GU", family="f"), Rna("c", "GCA", family="g")], 1, 2)]
    ['a']
    """
    seen: dict[str, int] = {}
    kept = []
    for rna in rnas:
        label = rna.family or rna.name
        if len(rna) <= longest and seen.get(label, 0) < most:
            seen[label] = seen.get(label, 0) + 1
            kept.append(rna)
    return kept


def panels(
    *, longest: int = 130, a_family: int = 4, select: str = "srtrain150", test: str = "srtest150", data: str = "rfam_drawn_heldout"
) -> tuple[Panels, Panels]:
    """Make the panels of models that read one sequence, and of models that read alignments.

    The headline sets hold no family that any model was trained on. ``f1_drawn_in`` and ``auroc_in`` ask about drawn families
    that may be in the corpus, ``f1_drawn_out`` about drawn ones that are not: one RNA a family, all of the same origin.

    Parameters
    ----------
    longest : int
        Longest drawn RNA.
    a_family : int
        RNAs of each family that are compared with each other.
    select, test, data : str
        Data sets that choose head and threshold, that are scored on structure, and whose families are told apart, of models
        that read one sequence.
    """
    from rnastudy import datasets
    from rnastudy.training.sources import nearest_hashes

    drawn = {side: per_family(datasets.load(f"rfam_drawn_{name}").rnas, a_family, longest) for side, name in (("out", "heldout"), ("in", "train"))}
    drawn["in"] = nearest_hashes(drawn["in"], 0.5, by_family=True)
    single = Panels(
        [rna for rna in datasets.load(select).rnas if len(rna) >= 30],
        {
            "f1": [rna for rna in datasets.load(test).rnas if len(rna) >= 30],
            **{f"f1_drawn_{side}": per_family(rnas, 1, longest) for side, rnas in drawn.items()},
        },
        {"auroc": per_family(datasets.load(data).rnas, a_family, longest), "auroc_in": drawn["in"]},
    )
    scored = list(datasets.load("rfam_seed_alignments_heldout").rnas)
    held = {rna.family for rna in scored} | {rna.clan for rna in scored if rna.clan}
    unrelated = [rna for rna in datasets.load("rfam_drawn_alignments_heldout").rnas if not {rna.family, rna.clan} & held]
    return single, Panels(unrelated[::2], {"f1": scored, "f1_drawn_out": unrelated[1::2]}, {})


def stored(levels: Iterable[str] = tuple(LEVELS), seeds: Iterable[int] = SEEDS) -> list[tuple[Level, int]]:
    """List the models of the zoo that are there: level and seed, level by level."""
    from rnastudy.models.cards import embedded_folder

    return [
        (LEVELS[name], seed)
        for name in levels
        for seed in seeds
        if (embedded_folder(replace(LEVELS[name], condition="").model(seed)) / "model.safetensors").is_file()
    ]


def null_of(level: Level) -> str:
    """Name of the level whose untrained twin is also this one's: the first with the same architecture.

    Examples
    --------
    >>> null_of(LEVELS["real"]), null_of(LEVELS["plain"])
    ('base', 'plain')
    """

    def shape(one: Level) -> tuple[Any, ...]:
        return one.recipe.architecture, sorted(one.recipe.config.items()), one.recipe.unit, one.recipe.structure_loss, bool(one.condition)

    return next(one.name for one in LEVELS.values() if shape(one) == shape(level))


def causes(
    models: Sequence[tuple[Level, int]] | None = None,
    *,
    n_draws: int = 1000,
    seed: int = 0,
    untrained: bool = True,
    cache: str | None = None,
    progress: bool = True,
    asked: tuple[Panels, Panels] | None = None,
    device: str = "cpu",
) -> CausesStudy:
    """Measure models of the zoo on structure and on function, and compare levels.

    Parameters
    ----------
    models : sequence of (Level, int), optional
        Levels and seeds; all that are there, if not given.
    n_draws : int
        Bootstrap draws of families, for the two headline measures; other values come without an interval.
    seed : int
        Of the bootstrap, the same for all models.
    untrained : bool
        Measure the untrained twin of every architecture too.
    cache : str, optional
        Folder that keeps what was measured, under a key of weights, RNAs and bootstrap.
    progress : bool
        Show a progress bar.
    asked : (Panels, Panels), optional
        Other RNAs than those of `panels`.
    device : str
        Where models run.

    Raises
    ------
    StudyError
        If no model is there.
    """
    wanted = stored() if models is None else list(models)
    if not wanted:
        raise StudyError("no model of the zoo is there; train some with: python -m tools.train_zoo")
    single, aligned = asked or panels()
    todo = [(level, one, role) for level, one in wanted for role in _roles(level, untrained)]
    found: dict[tuple[str, int, str], Measured] = {}
    for level, one, role in tqdm(todo, desc="causes", unit="model", disable=not progress):
        mine = aligned if level.recipe.architecture == "alignment" else single
        found[level.name, one, role] = measure(level, one, mine, role=role, n_draws=n_draws, seed=seed, cache=cache, device=device)
    trained = {(name, one): measured for (name, one, role), measured in found.items() if role == "trained"}
    return CausesStudy(_value_table(found), contrast_table(trained, seed=seed), _rna_table(found))


def _roles(level: Level, untrained: bool) -> tuple[str, ...]:
    """What is measured of a level: the model, and random weights where it is the first of its architecture."""
    if not untrained or level.condition or null_of(level) != level.name:
        return ("trained",)
    return ("trained", "untrained", "untrained, prior on") if level.recipe.config.get("pair_prior") else ("trained", "untrained")


def measure(
    level: Level,
    model_seed: int,
    asked: Panels,
    *,
    role: str = "trained",
    n_draws: int = 1000,
    seed: int = 0,
    cache: str | None = None,
    device: str = "cpu",
) -> Measured:
    """Measure one model on its panels.

    Parameters
    ----------
    level : Level
        Which model.
    model_seed : int
        Seed it was trained with, or that draws the weights of its twin.
    asked : Panels
        See `panels`.
    role : {"trained", "untrained", "untrained, prior on"}
        The model; its twin with random weights, where a pairing prior is off; the same with the prior on.
    n_draws, seed : int
        Of the bootstrap.
    cache, device : str
        See `causes`.
    """
    from rnastudy.training.sources import family_labels

    probe = _with_prior(level, model_seed, device) if role == "untrained, prior on" else _probe(level, model_seed, untrained=role == "untrained", device=device)
    path = None if cache is None else Path(cache) / f"{_key(probe, level.condition, role, asked, n_draws, seed)}.npz"
    if path is not None and path.is_file():
        found = load_measured(path)
    else:
        found = _ask(probe, asked, n_draws, seed)
        if path is not None:
            save_measured(path, found)
    known, rnas = family_labels(level.recipe), {rna.name: rna for part in asked.structure.values() for rna in part}
    inside = [None if known is None else bool({rnas[name].family, rnas[name].clan} & known) for name in found.per_rna.rna]
    return replace(found, per_rna=found.per_rna.assign(in_corpus=pd.Series(inside, dtype=object)))


def _key(probe: Any, condition: str, role: str, asked: Panels, n_draws: int, seed: int) -> str:
    """What a measurement depends on, as a checksum."""
    digest = hashlib.sha256(f"{probe.weights_sha256} {condition} {role} {n_draws} {seed}".encode())
    for name, rnas in (("", asked.select), *asked.structure.items(), *asked.families.items()):
        for rna in rnas:
            digest.update(f"{name} {rna.name} {rna.sequence} {rna.family} {rna.pairs} {rna.alignment}".encode())
    return digest.hexdigest()[:32]


def _ask(probe: Any, asked: Panels, n_draws: int, seed: int) -> Measured:
    values, draws, tables = _structure(probe, asked, n_draws, seed)
    for name, rnas in asked.families.items():
        values[name], sample = _function(probe, rnas, n_draws if name in HEADLINES else 0, seed)
        draws |= {name: sample} if name in HEADLINES else {}
    return Measured(values, draws, pd.concat(tables, ignore_index=True))


def _probe(level: Level, model_seed: int, *, untrained: bool, device: str = "cpu") -> Any:
    from rnastudy import models
    from rnastudy.models.conditions import at_depth

    name = level.model(model_seed, untrained=untrained)
    return models.load(at_depth(name, ROWS) if level.recipe.architecture == "alignment" else name, seed=model_seed, device=device)


def _with_prior(level: Level, model_seed: int, device: str = "cpu") -> Any:
    """Random weights and the pairing prior: what the prior gives before anything is learned."""
    from rnastudy import models
    from rnastudy.training.loop import build

    with TemporaryDirectory() as folder:
        build(level.recipe, model_seed).save_pretrained(folder)
        return models.load(folder, device=device)


def _structure(probe: Any, asked: Panels, n_draws: int, seed: int) -> tuple[dict[str, float], dict[str, Floats], list[pd.DataFrame]]:
    """Choose head and threshold on one set; score the others there, the headline's also in draws that choose anew."""
    from rnastudy.contacts import Setting, bootstrap_reselect, scan_many, score, select

    setting = Setting("careful")
    chosen_on = scan_many(probe.attention(asked.select), asked.select, [setting])[setting]
    choice = select(chosen_on)
    values, draws, tables = {"f1_selection": choice.f1_macro}, {}, []
    for name, rnas in asked.structure.items():
        counts = scan_many(probe.attention(rnas), rnas, [setting])[setting]
        scores = score(counts, choice)
        families = [[rna.family for rna in part] for part in (asked.select, rnas)]
        values[name] = scores.f1_macro
        if name in HEADLINES:
            draws[name] = bootstrap_reselect(chosen_on, counts, families[0], families[1], n_draws, seed).f1_macro
        tables.append(pd.DataFrame({"panel": name, "rna": scores.names, "f1": scores.f1}))
    return values, draws, tables


def _function(probe: Any, rnas: list[Rna], n_draws: int, seed: int) -> tuple[float, Floats]:
    """AUROC of all pairs, and its draws: cosines of mean-pooled states of the last layer, clan-mates left out."""
    from rnastudy import overlap
    from rnastudy.embeddings import embed

    vectors = embed(probe, rnas).matrix("mean")
    scores = overlap.careful(vectors, [rna.family or rna.name for rna in rnas], [rna.clan for rna in rnas], draws=n_draws, seed=seed)
    return scores.auroc, scores.draws.get("auroc", np.empty(0))


def _shared(name: str, one: int, role: str) -> dict[str, Any]:
    return {"factor": LEVELS[name].factor, "level": name, "seed": one, "role": role}


def _value_table(found: Mapping[tuple[str, int, str], Measured]) -> pd.DataFrame:
    rows = []
    for key, measured in found.items():
        for what, value in measured.values.items():
            sample = measured.draws.get(what)
            low, high = (float("nan"),) * 2 if sample is None else np.nanquantile(sample, [0.025, 0.975])
            rows.append({**_shared(*key), "measure": what, "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)


def _rna_table(found: Mapping[tuple[str, int, str], Measured]) -> pd.DataFrame:
    return pd.concat([measured.per_rna.assign(**_shared(*key)) for key, measured in found.items()], ignore_index=True)
