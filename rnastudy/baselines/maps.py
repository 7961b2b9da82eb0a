"""Structure baselines as a stream of score maps: the same shape as a model's, and no softmax, symmetry or APC to add.

The maps are raw scores, symmetric, with a zero diagonal, in base coordinates; higher means "paired".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.baselines import covariation, floors, folding
from rnastudy.errors import StudyError, unknown
from rnastudy.rna import Rna

__all__ = ["MapBaseline", "map_baseline", "map_baseline_names"]

Maps = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapBaseline:
    """A method that scores every pair of bases of an RNA without a neural network.

    Attributes
    ----------
    name : str
    role : str
        ``floor`` (knows nothing of the sequence, or letters only) or ``baseline`` (a method people use).
    score : callable
        One `Rna` to its map, shape (L, L).
    reads_alignment : bool
        Whether it needs ``Rna.alignment`` of at least two rows.

    Examples
    --------
    >>> rna = Rna("hairpin", "GGGAAACCC")
    >>> for index, maps in map_baseline("stem-prior").scores([rna]):
    ...     print(index, maps.shape, maps[0, 0, 8])
    0 (1, 9, 9) 9.0
    """

    name: str
    role: str
    score: Callable[[Rna], Maps]
    reads_alignment: bool = False

    def scores(self, rnas: Sequence[Rna]) -> Iterator[tuple[int, Maps]]:
        """Yield ``(index, maps)`` with maps of shape (1, L, L), one RNA at a time.

        Raises
        ------
        StudyError
            At the first RNA that `skipped` lists: an alignment method never runs on a lone sequence silently.
        """
        for index, rna in enumerate(rnas):
            if self._lacks_alignment(rna):
                raise StudyError(f"baseline {self.name!r}: RNA {rna.name!r} has no alignment of 2 or more rows; leave out the RNAs that skipped() lists")
            yield index, self.score(rna)[None]

    def skipped(self, rnas: Sequence[Rna]) -> list[int]:
        """Indices of RNAs that it cannot score: those without an alignment, for a method that needs one."""
        return [index for index, rna in enumerate(rnas) if self._lacks_alignment(rna)]

    def _lacks_alignment(self, rna: Rna) -> bool:
        return self.reads_alignment and len(rna.alignment or ()) < 2


def _baselines(seed: int) -> dict[str, MapBaseline]:
    made = [
        MapBaseline("random", "floor", lambda rna: floors.random_map(rna, seed=seed)),
        MapBaseline("random-canonical", "floor", lambda rna: floors.random_canonical_map(rna, seed=seed)),
        MapBaseline("stem-prior", "floor", floors.stem_prior),
        MapBaseline("vienna-mfe", "baseline", folding.mfe_map),
        MapBaseline("vienna-mea", "baseline", folding.mea_map),
        MapBaseline("vienna-pairs", "baseline", folding.pair_probabilities),
        MapBaseline("mutual-information", "baseline", covariation.mutual_information_map, reads_alignment=True),
        MapBaseline("rnaalifold", "baseline", folding.alifold_map, reads_alignment=True),
        MapBaseline("rnaalifold-pairs", "baseline", folding.alifold_pair_probabilities, reads_alignment=True),
    ]
    return {baseline.name: baseline for baseline in made}


def map_baseline_names() -> tuple[str, ...]:
    """Names that `map_baseline` accepts.

    Examples
    --------
    >>> map_baseline_names()[:3]
    ('random', 'random-canonical', 'stem-prior')
    """
    return tuple(_baselines(0))


def map_baseline(name: str, *, seed: int = 0) -> MapBaseline:
    """Give a structure baseline by name.

    Parameters
    ----------
    name : str
        One of `map_baseline_names`.
    seed : int
        Of the random floors; each RNA's map depends on the seed, its name and its sequence, not on its place in the set.

    Raises
    ------
    StudyError
        For an unknown name.

    Examples
    --------
    >>> map_baseline("vienna-mfe").role
    'baseline'
    """
    known = _baselines(seed)
    if name not in known:
        raise unknown("structure baseline", name, known)
    return known[name]
