"""One protein: what a protein model is scored on, beside the RNAs that the study is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnastudy.errors import StudyError
from rnastudy.rna import Pairs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AMINO_ACIDS", "CONTACT_DISTANCE", "MIN_SEPARATION", "RANGES", "RESIDUES", "Protein", "contacts_within"]

#: The twenty amino acids, in the order of their letters.
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
#: Letters a sequence may hold: the twenty, B and Z (either of two), U and O (genetically coded, rare), X (not known).
RESIDUES = AMINO_ACIDS + "BOUXZ"
#: Two residues touch if their Cβ atoms (Cα of glycine) are closer than this, in ångström.
CONTACT_DISTANCE = 8.0
#: Least ``j - i`` of a contact: closer ones are helix turns and say nothing of the fold.
MIN_SEPARATION = 6
#: Ranges of ``j - i`` by name, lowest and highest; None is open.
RANGES: dict[str, tuple[int, int | None]] = {"short": (6, 11), "medium": (12, 23), "long": (24, None)}


@dataclass(frozen=True, slots=True)
class Protein:
    """A named protein chain, with the contacts of its 3D structure where it is known.

    It has the attributes of an `Rna` that models and scans read (`name`, `sequence`, `pairs`, `unresolved`, its length), so
    that both run through the same code; but it is no `Rna`, and a model of RNA refuses it.

    Parameters
    ----------
    name : str
        Unique within its data set.
    sequence : str
        Amino acids in `RESIDUES`, length L.
    pairs : tuple of (int, int), optional
        Contacts counted from zero, ``i < j``, at least `MIN_SEPARATION` apart. ``None`` says that the structure is not known.
    unresolved : frozenset of int
        Residues that the structure does not show; ``careful`` masks them.

    Raises
    ------
    StudyError
        If letters, contacts or unresolved residues do not fit the sequence.

    Examples
    --------
    >>> Protein("toy", "MKTAYIAKQR", pairs=((0, 7), (1, 9)))
    Protein('toy', 10 residues, 2 contacts)
    """

    name: str
    sequence: str
    pairs: Pairs | None = None
    unresolved: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        length = len(self.sequence)
        strange = sorted(set(self.sequence) - set(RESIDUES))
        if not self.sequence or strange:
            raise StudyError(f"protein {self.name!r}: {f'letters {strange}' if strange else 'no residues'}; give capital letters out of {RESIDUES}")
        bad = [pair for pair in self.pairs or () if pair[0] < 0 or pair[1] >= length or pair[1] - pair[0] < MIN_SEPARATION]
        if bad:
            raise StudyError(
                f"protein {self.name!r}: contact {bad[0]} does not fit {length} residues counted from 0 with j - i of {MIN_SEPARATION} or more; mend or drop it"
            )
        hidden = [residue for residue in sorted(self.unresolved) if not 0 <= residue < length]
        if hidden:
            raise StudyError(f"protein {self.name!r}: unresolved residue {hidden[0]}, but it has {length}, counted from 0; mend the list")

    def __len__(self) -> int:
        return len(self.sequence)

    def __repr__(self) -> str:
        known = "structure unknown" if self.pairs is None else f"{len(self.pairs)} contacts"
        return f"Protein({self.name!r}, {len(self)} residues, {known})"


def contacts_within(beta: NDArray[np.float64], *, distance: float = CONTACT_DISTANCE, min_separation: int = MIN_SEPARATION) -> Pairs:
    """Return the contacts of a chain from one atom a residue.

    The convention of Rao et al. (Transformer protein language models are unsupervised structure learners, ICLR 2021): Cβ
    atoms (Cα of glycine) within 8 Å, at least 6 residues apart.

    Parameters
    ----------
    beta : ndarray, shape (L, 3)
        Positions in ångström; NaN for a residue that the structure does not show.
    distance : float
        Contacts are closer than this, in ångström.
    min_separation : int
        Least ``j - i``.

    Returns
    -------
    tuple of (int, int)
        Sorted, counted from zero, ``i < j``.

    Raises
    ------
    StudyError
        If `beta` is not of shape (L, 3).

    Examples
    --------
    >>> import numpy as np
    >>> hairpin = [(0, 0, 0), (3, 0, 0), (6, 0, 0), (9, 0, 0), (9, 5, 0), (6, 5, 0), (3, 5, 0), (0, 5, 0)]
    >>> contacts_within(np.array(hairpin))
    ((0, 6), (0, 7), (1, 7))
    """
    import numpy as np

    beta = np.asarray(beta, dtype=np.float64)
    if beta.ndim != 2 or beta.shape[1] != 3:
        raise StudyError(f"contacts: positions of shape {beta.shape}; give (residues, 3)")
    apart = np.linalg.norm(beta[:, None] - beta[None], axis=-1)
    first, second = np.nonzero(np.triu(apart < distance, min_separation))
    return tuple(zip(first.tolist(), second.tolist(), strict=True))
