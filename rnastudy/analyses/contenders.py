"""Everything that can be scored on structure, models and baselines alike, behind one face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

if TYPE_CHECKING:
    from rnastudy.models.probe import Probe

__all__ = ["Contender", "baseline", "common_subset", "contenders", "neural"]

#: Raw scores of baselines are divided by this, so that the tallest stem lies within the lattice of thresholds.
SCALE = 100.0


@dataclass(frozen=True)
class Contender:
    """Something that scores the pairs of an RNA.

    Parameters
    ----------
    name : str
        As it stands in tables and figures.
    role : str
        ``trained``, ``untrained``, ``baseline`` or ``floor``.
    stream : callable
        RNAs to an iterator of layers with ``index``, ``layer`` and ``maps`` of shape (H, L, L); ``scored``
        is true where the maps are scores already and need neither symmetry nor APC.
    skipped : callable
        RNAs to the indices of those it cannot score.
    parameters : int, optional
        Number of weights.
    probe : Probe, optional
        The model behind it.
    depth : callable, optional
        An RNA to the number of alignment rows that are read of it, for one that reads alignments.
    """

    name: str
    role: str
    stream: Callable[[Sequence[Rna]], Iterator[Any]]
    skipped: Callable[[Sequence[Rna]], list[int]]
    parameters: int | None = None
    probe: Probe | None = None
    depth: Callable[[Rna], int] | None = None


def neural(probe: Probe) -> Contender:
    """Put a loaded model among the contenders; a random-weight twin has the role ``untrained``."""
    role = "untrained" if probe.name.endswith("@untrained") else "trained"
    depth = (lambda rna: len(probe.rows(rna))) if probe.reads_alignment else None
    return Contender(probe.name, role, probe.attention, probe.skipped, probe.n_parameters, probe, depth)


def baseline(name: str, *, seed: int = 0) -> Contender:
    """Put a method without a neural network among the contenders.

    Parameters
    ----------
    name : str
        See `rnastudy.baselines.map_baseline_names`.
    seed : int
        Of the random floors.

    Examples
    --------
    >>> baseline("stem-prior").role
    'floor'
    """
    import torch

    from rnastudy.baselines import map_baseline

    method = map_baseline(name, seed=seed)

    def stream(rnas: Sequence[Rna]) -> Iterator[Any]:
        for index, maps in method.scores(rnas):
            yield SimpleNamespace(index=index, layer=0, maps=torch.from_numpy(np.asarray(maps) / SCALE).float(), scored=True)

    depth = (lambda rna: len(rna.alignment or (rna.sequence,))) if method.reads_alignment else None
    return Contender(name, method.role, stream, method.skipped, depth=depth)


def contenders(models: Iterable[str], baselines: Iterable[str] = (), *, untrained: bool = True, device: str = "cpu", seed: int = 0) -> list[Contender]:
    """Load models, each with its random-weight twin, and baselines.

    Parameters
    ----------
    models : iterable of str
        Names of cards, or paths of checkpoint folders; with a condition (``@depth1``, ``@prior-off``) or without.
    baselines : iterable of str
        See `rnastudy.baselines.map_baseline_names`.
    untrained : bool
        Add the twin of each model.
    device : str
        Where models run.
    seed : int
        Of the twins' weights and the random floors.

    Raises
    ------
    StudyError
        If there is no model at all, one is named twice, or one reads proteins.
    """
    from rnastudy.models import load
    from rnastudy.models.conditions import shown_name
    from rnastudy.models.proteins import refuse_protein_models

    names = list(models)
    refuse_protein_models(names)
    if not names or len(set(map(shown_name, names))) < len(names):
        raise StudyError(f"models {', '.join(names) or 'none'}; name at least one, each once, and files or folders that tables can tell apart by name")
    wanted = [name + twin for name in names for twin in (("", "@untrained") if untrained and not name.endswith("@untrained") else ("",))]
    return [neural(load(name, device=device, seed=seed)) for name in wanted] + [baseline(name, seed=seed) for name in baselines]


def common_subset(rnas: Sequence[Rna], entrants: Iterable[Contender]) -> tuple[list[Rna], dict[str, int]]:
    """Keep the RNAs that every contender can score, so that all are ranked on the same ones.

    Returns
    -------
    kept : list of Rna
    dropped : dict of str to int
        By contender, how many it could not score.

    Raises
    ------
    StudyError
        If none is left.
    """
    lost = {entrant.name: set(entrant.skipped(rnas)) for entrant in entrants}
    gone = set().union(*lost.values())
    kept = [rna for index, rna in enumerate(rnas) if index not in gone]
    if not kept:
        raise StudyError(f"no RNA can be scored by all of {', '.join(lost)}; leave out the model with the lowest length limit")
    return kept, {name: len(indices) for name, indices in lost.items()}
