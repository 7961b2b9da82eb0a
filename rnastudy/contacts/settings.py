"""What distinguishes one scan from another: protocol, decoder, canonical switch, separation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.contacts.lattice import Lattice, careful_lattice, review_lattice
from rnastudy.errors import StudyError, unknown
from rnastudy.rna import Pairs, Rna
from rnastudy.structure import DECODERS, candidate_mask, scored_pairs

__all__ = ["PROTOCOLS", "Setting"]

#: Least separation of scored pairs, by protocol.
PROTOCOLS = {"review": 1, "careful": 4}


@dataclass(frozen=True)
class Setting:
    """How maps are scored.

    Parameters
    ----------
    protocol : {"review", "careful"}
        ``review``: sigmoid, 1,001 thresholds, nothing masked, chosen by pooled F1. ``careful``: the corrected score
        itself, 4,096 thresholds, unresolved bases masked, chosen by mean F1 of RNAs.
    decoder : {"raw", "mutual", "greedy", "matching"}
        See `rnastudy.structure.decode`. ``matching`` can be scored at a frozen choice (`score_stream`) but not
        scanned: its pairs at one threshold are not among its pairs at a lower one.
    canonical : bool
        Predict AU, GC and GU only. The reference keeps all its pairs.
    min_separation : int, optional
        Least ``j - i`` in bases, in prediction and reference; 1 under ``review``, 4 under ``careful`` if not given.

    Raises
    ------
    StudyError
        If a name is unknown or the separation below 1.

    Examples
    --------
    >>> Setting("careful", decoder="greedy")
    Setting(protocol='careful', decoder='greedy', canonical=False, min_separation=4)
    """

    protocol: str
    decoder: str = "raw"
    canonical: bool = False
    min_separation: int | None = None

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise unknown("protocol", self.protocol, PROTOCOLS)
        if self.decoder not in DECODERS:
            raise unknown("decoder", self.decoder, DECODERS)
        if self.min_separation is None:
            object.__setattr__(self, "min_separation", PROTOCOLS[self.protocol])
        if self.separation < 1:
            raise StudyError(f"setting: min_separation {self.separation}; a base cannot pair with itself, give 1 or more")

    @property
    def separation(self) -> int:
        """Least ``j - i`` in bases."""
        assert self.min_separation is not None
        return self.min_separation

    @property
    def sigmoid(self) -> bool:
        """Whether scores are squashed to 0..1."""
        return self.protocol == "review"

    @property
    def lattice(self) -> Lattice:
        """Thresholds that are scanned."""
        return review_lattice() if self.protocol == "review" else careful_lattice()

    @property
    def by(self) -> str:
        """F1 that chooses: ``micro`` pools all pairs, ``macro`` is the mean over RNAs."""
        return "micro" if self.protocol == "review" else "macro"

    def candidates(self, rna: Rna) -> NDArray[np.bool_]:
        """Return which pairs of an RNA may be predicted.

        Parameters
        ----------
        rna : Rna
            Of L bases.

        Returns
        -------
        ndarray of bool, shape (L, L)
            Only ``i < j``.
        """
        masked = self.protocol == "careful"
        mask = candidate_mask(rna, min_separation=self.separation, canonical=self.canonical, mask_unresolved=masked)
        return np.triu(mask, 1)

    def reference(self, rna: Rna) -> Pairs:
        """Return the reference pairs of an RNA that are scored.

        Parameters
        ----------
        rna : Rna
            With a known structure.

        Returns
        -------
        tuple of (int, int)
        """
        return scored_pairs(rna, min_separation=self.separation, mask_unresolved=self.protocol == "careful")
