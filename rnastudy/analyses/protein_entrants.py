"""What enters the protein analysis: protein models and their twins, chance, and the prior of separation alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnastudy.analyses.contenders import Contender, baseline, neural
from rnastudy.errors import StudyError
from rnastudy.protein import MIN_SEPARATION, Protein

__all__ = ["fit_separation", "protein_contenders", "separation_prior"]

#: Separations within this share of one another are pooled in the prior.
POOLED = 0.1


def protein_contenders(models: Iterable[str], *, untrained: bool = True, device: str = "cpu", seed: int = 0) -> list[Contender]:
    """Load protein models, each with its random-weight twin, and the random floor.

    Parameters
    ----------
    models : iterable of str
        Names of protein cards, hub ids or checkpoint folders; with ``@untrained`` only the twin, which needs no weights.
    untrained : bool
        Add the twin of each model.
    device : str
        Where models run.
    seed : int
        Of the twins' weights and the random floor.

    Raises
    ------
    StudyError
        If no model is named, one twice, or one does not read proteins.
    """
    from rnastudy.models import load
    from rnastudy.models.conditions import shown_name

    names = list(models)
    if not names or len(set(map(shown_name, names))) < len(names):
        raise StudyError(f"models {', '.join(names) or 'none'}; name at least one, each once, and files or folders that tables can tell apart by name")
    twins = [f"{name}@untrained" for name in names if untrained and not name.endswith("@untrained")]
    wanted = [*names, *(twin for twin in twins if twin not in names)]
    return [neural(load(name, device=device, seed=seed)) for name in wanted] + [baseline("random", seed=seed)]


def fit_separation(proteins: Sequence[Protein]) -> NDArray[np.float64]:
    """Return how often residues that far apart touch, by separation.

    Separations within a tenth of one another are pooled, so that a long one is not judged by a pair or two.

    Parameters
    ----------
    proteins : sequence of Protein
        With known structures: the selection set.

    Returns
    -------
    ndarray of float64, shape (longest protein,)
        Share of pairs with a separation that are contacts; 0 below `MIN_SEPARATION`.

    Examples
    --------
    >>> fit_separation([Protein("x", "A" * 8, pairs=((0, 6), (0, 7)))]).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0]
    """
    size = max(map(len, proteins))
    contacts, pairs = np.zeros(size), np.zeros(size)
    for protein in proteins:
        seen = np.array([place not in protein.unresolved for place in range(len(protein))])
        for apart in range(MIN_SEPARATION, len(protein)):
            pairs[apart] += (seen[apart:] & seen[:-apart]).sum()
        contacts += np.bincount([j - i for i, j in protein.pairs or ()], minlength=size)
    share = np.zeros(size)
    for apart in range(MIN_SEPARATION, size):
        width = int(apart * POOLED)
        near = slice(max(MIN_SEPARATION, apart - width), apart + width + 1)
        share[apart] = contacts[near].sum() / max(pairs[near].sum(), 1)
    return share


def separation_prior(fitted_on: Sequence[Protein]) -> Contender:
    """Make the floor that knows how far apart residues stand and nothing else.

    Parameters
    ----------
    fitted_on : sequence of Protein
        The selection set; separations beyond its longest protein get its last share.
    """
    import torch

    share = fit_separation(fitted_on)

    def stream(proteins: Sequence[Any]) -> Iterator[Any]:
        for index, protein in enumerate(proteins):
            places = np.arange(len(protein))
            apart = np.abs(places[:, None] - places).clip(max=len(share) - 1)
            yield SimpleNamespace(index=index, layer=0, maps=torch.from_numpy(share[apart])[None].float(), scored=True)

    return Contender("separation-prior", "floor", stream, lambda proteins: [])
