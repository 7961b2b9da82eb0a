"""Folding by energy: ViennaRNA for one sequence, RNAalifold for an alignment, at 37 degrees and default parameters.

Both are of the ViennaRNA package (Lorenz et al., Algorithms Mol. Biol. 6, 26, 2011; RNAalifold: Bernhart et al., BMC
Bioinformatics 9, 474, 2008), imported when first used. ``N`` pairs with nothing. Pseudoknots are outside their model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["alifold_map", "alifold_pair_probabilities", "mea_map", "mfe_map", "pair_probabilities"]

Map = NDArray[np.float64]


def mfe_map(rna: Rna) -> Map:
    """Map of the structure of minimum free energy: 1 at its pairs; shape (L, L).

    Examples
    --------
    >>> mfe_map(Rna("hairpin", "GGGGAAAACCCC"))[0, [11, 10]].tolist()
    [1.0, 0.0]
    """
    return _structure_map(_compound(rna.sequence).mfe()[0])


def mea_map(rna: Rna) -> Map:
    """Map of the structure of maximum expected accuracy (gamma 1): 1 at its pairs; shape (L, L).

    Examples
    --------
    >>> mea_map(Rna("hairpin", "GGGGAAAACCCC"))[0, [11, 10]].tolist()
    [1.0, 0.0]
    """
    return _structure_map(_filled(_compound(rna.sequence)).MEA()[0])


def pair_probabilities(rna: Rna) -> Map:
    """Base-pair probabilities of the Boltzmann ensemble; shape (L, L).

    Examples
    --------
    >>> bool(pair_probabilities(Rna("hairpin", "GGGGAAAACCCC"))[0, 11] > 0.5)
    True
    """
    return _probability_map(_filled(_compound(rna.sequence)))


def alifold_map(rna: Rna) -> Map:
    """Consensus structure of the RNA's alignment, in its own bases: 1 at its pairs; shape (L, L).

    Examples
    --------
    >>> rows = ("GGGGAAAACCCC", "GCGGAAAACCGC", "GGAGAAAACUCC")
    >>> alifold_map(Rna("hairpin", rows[0], alignment=rows))[0, [11, 10]].tolist()
    [1.0, 0.0]
    """
    return _structure_map(_compound(_rows(rna)).mfe()[0])


def alifold_pair_probabilities(rna: Rna) -> Map:
    """Base-pair probabilities of the alignment's consensus ensemble; shape (L, L).

    Examples
    --------
    >>> rows = ("GGGGAAAACCCC", "GCGGAAAACCGC", "GGAGAAAACUCC")
    >>> bool(alifold_pair_probabilities(Rna("hairpin", rows[0], alignment=rows))[0, 11] > 0.5)
    True
    """
    return _probability_map(_filled(_compound(_rows(rna))))


def _vienna() -> Any:
    try:
        import RNA
    except ImportError as error:
        raise StudyError("the ViennaRNA baselines need the package 'viennarna'; install it with: pip install 'rnastudy[fold]'") from error
    return RNA


def _compound(sequences: str | list[str]) -> Any:
    return _vienna().fold_compound(sequences)


def _filled(compound: Any) -> Any:
    """Fill in the partition function, scaled by the minimum free energy so that long RNAs do not overflow."""
    compound.exp_params_rescale(compound.mfe()[1])
    compound.pf()
    return compound


def _rows(rna: Rna) -> list[str]:
    if not rna.alignment:
        raise StudyError(f"RNA {rna.name!r} has no alignment; RNAalifold needs one")
    return list(rna.alignment)


def _structure_map(dot_bracket: str) -> Map:
    partner = np.asarray(_vienna().ptable(dot_bracket)[1:])
    scores = np.zeros((len(partner), len(partner)))
    paired = np.flatnonzero(partner)
    scores[paired, partner[paired] - 1] = 1.0
    return scores


def _probability_map(compound: Any) -> Map:
    upper = np.triu(np.asarray(compound.bpp(), dtype=float)[1:, 1:], 1)
    probabilities: Map = upper + upper.T
    return probabilities
