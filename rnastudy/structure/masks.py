"""Which pairs may be predicted at all: canonical bases, separation, resolved bases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["CANONICAL", "candidate_mask", "canonical_mask", "separation_mask"]

#: Watson-Crick pairs and the wobble, both ways round.
CANONICAL = frozenset({"AU", "UA", "GC", "CG", "GU", "UG"})


def canonical_mask(sequence: str) -> NDArray[np.bool_]:
    """Return which bases of a sequence could form AU, GC or GU pairs; N forms none.

    Parameters
    ----------
    sequence : str
        Bases in ``ACGUN``, length L.

    Returns
    -------
    ndarray of bool, shape (L, L)

    Examples
    --------
    >>> canonical_mask("GAU").astype(int).tolist()
    [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    """
    bases = np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)
    mask = np.zeros((len(bases), len(bases)), dtype=bool)
    for pair in CANONICAL:
        mask |= (bases == ord(pair[0]))[:, None] & (bases == ord(pair[1]))
    return mask


def separation_mask(length: int, minimum: int) -> NDArray[np.bool_]:
    """Return which bases are at least `minimum` apart along the chain.

    A hairpin loop has at least three bases, so 4 is the least separation of a pair in a helix; the 6
    that protein contacts use would delete the closing pair of every tetraloop.

    Parameters
    ----------
    length : int
        Bases L.
    minimum : int
        Least ``j - i`` in bases, at least 1.

    Returns
    -------
    ndarray of bool, shape (L, L)
        Symmetric.

    Raises
    ------
    StudyError
        If `minimum` is below 1.

    Examples
    --------
    >>> separation_mask(4, 3).astype(int).tolist()
    [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    """
    if minimum < 1:
        raise StudyError(f"separation {minimum}: a base cannot pair with itself; give 1 or more")
    bases = np.arange(length)
    return np.abs(bases[:, None] - bases) >= minimum


def candidate_mask(rna: Rna, *, min_separation: int = 4, canonical: bool = False, mask_unresolved: bool = True) -> NDArray[np.bool_]:
    """Return which pairs of an RNA may be predicted.

    Parameters
    ----------
    rna : Rna
        Of L bases.
    min_separation : int
        Least ``j - i`` in bases.
    canonical : bool
        Allow AU, GC and GU only. The reference is not cut by this switch: what it costs is the
        ceiling (see `ceilings`).
    mask_unresolved : bool
        Leave out every pair of a base that the reference could not see.

    Returns
    -------
    ndarray of bool, shape (L, L)
        Symmetric.

    Examples
    --------
    >>> rna = Rna("x", "GAAAUC", unresolved=frozenset({4}))
    >>> np.argwhere(np.triu(candidate_mask(rna, canonical=True))).tolist()
    [[0, 5]]
    """
    mask = separation_mask(len(rna), min_separation)
    if canonical:
        mask &= canonical_mask(rna.sequence)
    if mask_unresolved and rna.unresolved:
        hidden = list(rna.unresolved)
        mask[hidden] = mask[:, hidden] = False
    return mask
