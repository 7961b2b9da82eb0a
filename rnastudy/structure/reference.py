"""What a reference structure holds, and the best score that a decoder could get on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rnastudy.errors import StudyError
from rnastudy.rna import Pairs, Rna
from rnastudy.structure.masks import CANONICAL

__all__ = ["Ceilings", "ReferenceStatistics", "ceilings", "reference_statistics", "scored_pairs"]


@dataclass(frozen=True, slots=True)
class ReferenceStatistics:
    """Counts of pairs in one reference structure.

    Parameters
    ----------
    n_pairs : int
        All pairs.
    n_noncanonical : int
        Pairs that are not AU, GC or GU.
    n_multiplet : int
        Pairs that share a base with another pair.
    n_pseudoknot : int
        Pairs that cross another pair, both sides counted: one pair across a helix counts the whole helix.
    n_close : int
        Pairs with ``j - i < 4``, which no hairpin can hold.
    """

    n_pairs: int
    n_noncanonical: int
    n_multiplet: int
    n_pseudoknot: int
    n_close: int


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Best F1 that any prediction of a kind could get on a reference; None without pairs to score.

    Parameters
    ----------
    canonical : float or None
        Predictions of AU, GC and GU only.
    one_partner : float or None
        At most one partner a base.
    both : float or None
        Both at once, which is what most folding programs predict.
    """

    canonical: float | None
    one_partner: float | None
    both: float | None


def scored_pairs(rna: Rna, *, min_separation: int = 4, mask_unresolved: bool = True) -> Pairs:
    """Return the reference pairs that a protocol scores.

    Parameters
    ----------
    rna : Rna
        With a known structure.
    min_separation : int
        Least ``j - i`` in bases.
    mask_unresolved : bool
        Leave out pairs of bases that the reference could not see.

    Returns
    -------
    tuple of (int, int)
        Counted from zero. Non-canonical pairs and multiplets stay.

    Raises
    ------
    StudyError
        If the structure of the RNA is not known.

    Examples
    --------
    >>> scored_pairs(Rna("x", "GGAAACC", pairs=((0, 6), (1, 5), (2, 4))))
    ((0, 6), (1, 5))
    """
    if rna.pairs is None:
        raise StudyError(f"RNA {rna.name!r}: no reference structure; give its pairs, or () for a structure without any")
    hidden = rna.unresolved if mask_unresolved else frozenset()
    return tuple((i, j) for i, j in rna.pairs if j - i >= min_separation and hidden.isdisjoint((i, j)))


def reference_statistics(rna: Rna) -> ReferenceStatistics:
    """Count what is unusual in the reference structure of an RNA.

    Parameters
    ----------
    rna : Rna
        With a known structure.

    Returns
    -------
    ReferenceStatistics

    Raises
    ------
    StudyError
        If the structure of the RNA is not known.

    Examples
    --------
    >>> reference_statistics(Rna("x", "GGAAACCA", pairs=((0, 6), (1, 5), (1, 7))))
    ReferenceStatistics(n_pairs=3, n_noncanonical=1, n_multiplet=2, n_pseudoknot=2, n_close=0)
    """
    pairs = scored_pairs(rna, min_separation=1, mask_unresolved=False)
    partners = Counter(base for pair in pairs for base in pair)
    return ReferenceStatistics(
        n_pairs=len(pairs),
        n_noncanonical=len(pairs) - len(_canonical(rna, pairs)),
        n_multiplet=sum(partners[i] > 1 or partners[j] > 1 for i, j in pairs),
        n_pseudoknot=sum(any(i < k < j < m or k < i < m < j for k, m in pairs) for i, j in pairs),
        n_close=sum(j - i < 4 for i, j in pairs),
    )


def ceilings(rna: Rna, *, min_separation: int = 4, mask_unresolved: bool = True) -> Ceilings:
    """Return the best F1 that restricted predictions could get on the reference of an RNA.

    The best prediction of a kind holds true pairs only, as many as fit: for one partner a base that is a largest
    matching M of the reference pairs R, and F1 = 2 |M| / (|M| + |R|).

    Parameters
    ----------
    rna : Rna
        With a known structure.
    min_separation : int
        Least ``j - i`` in bases, for reference and prediction alike.
    mask_unresolved : bool
        Leave out bases that the reference could not see.

    Returns
    -------
    Ceilings

    Raises
    ------
    StudyError
        If the structure of the RNA is not known.

    Examples
    --------
    >>> ceilings(Rna("x", "GGAAACCA", pairs=((0, 6), (1, 5), (1, 7))))
    Ceilings(canonical=0.8, one_partner=0.8, both=0.8)
    """
    pairs = scored_pairs(rna, min_separation=min_separation, mask_unresolved=mask_unresolved)
    if not pairs:
        return Ceilings(None, None, None)
    kept = (len(_canonical(rna, pairs)), _largest_matching(pairs), _largest_matching(_canonical(rna, pairs)))
    return Ceilings(*(2 * found / (found + len(pairs)) for found in kept))


def _canonical(rna: Rna, pairs: Pairs) -> Pairs:
    return tuple((i, j) for i, j in pairs if rna.sequence[i] + rna.sequence[j] in CANONICAL)


def _largest_matching(pairs: Pairs) -> int:
    import networkx

    return len(networkx.max_weight_matching(networkx.Graph(pairs)))
