"""All pairs of a labelled set of vectors, as a stream of similarity blocks.

Sequences are ordered so that members of a clan, and within it of a family, lie next to each other.
Then every pair that is *not* an honest negative lies near the diagonal, and the bulk of the similarity
matrix needs no mask at all.

Similarities are kept as **lattice coordinates**: cosines scaled to the range that these vectors can
reach at all.  For unit vectors ``x`` and ``y`` and any centre ``m``,
``cos - 1 = -|(x - m) - (y - m)|^2 / 2``, which is precise even when all cosines crowd near 1, where
``cos`` itself has lost its digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError

__all__ = ["EXACT_LEVELS", "FAST_LEVELS", "Block", "PairSpace", "pair_space", "unit_vectors"]

#: Lattice levels in double precision: cosines that differ by less than a step are a tie, not rounding noise.
EXACT_LEVELS = 2**36
#: Lattice levels in single precision, for sets too large to sort.
FAST_LEVELS = 2**20
#: Unit vectors closer to their mean than this are the same vector up to rounding.
_SMALLEST_RANGE = 1e-8

POSITIVE, CLAN_MATE, NEGATIVE = 1, 2, 3


def unit_vectors(vectors: NDArray, names: Sequence[str] | None = None) -> NDArray[np.float64]:
    """Scale each vector to length 1.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    names : sequence of str, optional
        Names for error messages; row numbers counted from 0 otherwise.

    Returns
    -------
    ndarray, shape=(S, D), float64
        Rows of Euclidean length 1.

    Raises
    ------
    StudyError
        If the array is not (S, D), or a vector is zero or not finite: its cosine is undefined.

    Examples
    --------
    >>> unit_vectors(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    array = np.asarray(vectors)
    if array.ndim != 2 or not array.size or not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise StudyError(f"embeddings have shape {array.shape} and type {array.dtype}; give real numbers of shape (sequences, width)")
    array = array.astype(np.float64)
    _refuse(~np.isfinite(array).all(axis=1), "holds NaN or infinity", names)
    largest = np.abs(array).max(axis=1, keepdims=True)
    _refuse(largest[:, 0] == 0, "is all zeros, so its cosine is undefined", names)
    array /= largest
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    return array


def _refuse(bad: NDArray[np.bool_], what: str, names: Sequence[str] | None) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        name = names[rows[0]] if names is not None else f"in row {rows[0]}"
        raise StudyError(f"embedding {name} {what} ({rows.size} of {bad.size} such vectors); repair or leave them out")


@dataclass(frozen=True)
class Block:
    """Part of the similarity matrix.

    Attributes
    ----------
    rows, cols : slice
        Where the block lies, in the order of its `PairSpace`.
    values : ndarray, shape=(rows, cols)
        Lattice coordinates; valid until the next block is asked for.
    relation : ndarray of int8 or None
        1 same family, 2 other family of the same clan, 3 negative, 0 not a pair (on or below the
        diagonal); ``None`` says that all are negative.
    """

    rows: slice
    cols: slice
    values: NDArray
    relation: NDArray[np.int8] | None

    def of(self, relation: int) -> NDArray:
        """Return the coordinates of one relation, flat."""
        if self.relation is None:
            return self.values.ravel() if relation == NEGATIVE else self.values[:0].ravel()
        return self.values[self.relation == relation]


@dataclass(frozen=True)
class PairSpace:
    """Vectors and labels of S sequences, ordered by clan and family, ready for products.

    Attributes
    ----------
    order : ndarray of int, shape=(S,)
        Row of the input that stands at each place.
    families : tuple of str
        Names of the F families in order.
    family, family_start, family_end, group_start, group_end : ndarray of int, shape=(S,)
        Number of each sequence's family; first place of, and first place after, its family and its
        clan (a family without a clan is its own group).
    left, right : ndarray, shape=(S, D + 2)
        Factors: ``left @ right.T`` gives lattice coordinates.
    levels, margin : int
        Lattice coordinates run from ``margin`` to ``margin + levels``, for the lowest similarity that is
        possible and for cosine 1; a rounding error never exceeds `margin` steps.
    span : float
        Cosine units from the lowest to the highest coordinate.
    """

    order: NDArray[np.intp]
    families: tuple[str, ...]
    family: NDArray[np.intp]
    family_start: NDArray[np.intp]
    family_end: NDArray[np.intp]
    group_start: NDArray[np.intp]
    group_end: NDArray[np.intp]
    left: NDArray
    right: NDArray
    levels: int
    margin: int
    span: float

    def __len__(self) -> int:
        return len(self.order)

    @property
    def exact(self) -> bool:
        """Whether coordinates are double precision, rounded to the lattice."""
        return self.left.dtype == np.float64

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Members of each family, shape=(F,)."""
        return np.bincount(self.family)

    @property
    def n_positive(self) -> int:
        """Pairs of the same family."""
        return int((self.family_end - self.family_start - 1).sum()) // 2

    @property
    def n_clan_mates(self) -> int:
        """Pairs of different families of one clan."""
        return int((self.group_end - self.group_start - self.family_end + self.family_start).sum()) // 2

    @property
    def n_negative(self) -> int:
        """Pairs of different families that share no clan."""
        return len(self) * (len(self) - 1) // 2 - self.n_positive - self.n_clan_mates

    def cosine(self, coordinate: NDArray | float) -> NDArray:
        """Turn lattice coordinates into cosines."""
        return 1 + (np.asarray(coordinate, np.float64) - self.margin - self.levels) / self.levels * self.span

    def values(self, rows: slice, cols: slice, out: NDArray | None = None) -> NDArray:
        """Return lattice coordinates of some rows against some columns."""
        a, b = self.left[rows], self.right[cols]
        if out is not None:
            out = out.ravel()[: len(a) * len(b)].reshape(len(a), len(b))
        product = np.matmul(a, b.T, out=out)
        return np.rint(product, out=product) if self.exact else product

    def relation(self, rows: slice, cols: slice) -> NDArray[np.int8]:
        """Return how sequences are related: see `Block`."""
        i, j = np.arange(rows.start, rows.stop)[:, None], np.arange(cols.start, cols.stop)[None]
        after = (j > i).astype(np.int8)
        return after * (1 + (j >= self.family_end[rows, None]) + (j >= self.group_end[rows, None]))

    def blocks(self, rows: int = 512, cols: int = 2048, *, near: bool = False) -> Iterator[Block]:
        """Stream all pairs above the diagonal, or with `near` only where positives can be.

        One buffer of ``rows * cols`` values is used again for every block.
        """
        buffer = np.empty(rows * cols, self.left.dtype)
        for start in range(0, len(self), rows):
            here = slice(start, min(start + rows, len(self)))
            border = int(self.group_end[here.stop - 1])
            for there in _pieces(start, border, cols):
                yield Block(here, there, self.values(here, there, buffer), self.relation(here, there))
            for there in () if near else _pieces(border, len(self), cols):
                yield Block(here, there, self.values(here, there, buffer), None)


def _pieces(start: int, stop: int, size: int) -> Iterator[slice]:
    return (slice(at, min(at + size, stop)) for at in range(start, stop, size))


def pair_space(
    vectors: NDArray,
    families: Sequence[str],
    clans: Sequence[str | None] | None = None,
    *,
    names: Sequence[str] | None = None,
    exact: bool = True,
) -> PairSpace:
    """Order vectors by clan and family and prepare their products.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per sequence.
    families : sequence of str, length S
        Family of each sequence.
    clans : sequence of str or None, length S, optional
        Clan of each sequence's family; ``None`` or ``""`` for a family without a clan.
    names : sequence of str, optional
        For error messages.
    exact : bool
        Double precision and a fine lattice, or single precision and ``2**20`` levels.

    Returns
    -------
    PairSpace
        With at least one positive and one negative pair.

    Raises
    ------
    StudyError
        For labels that do not fit, a family in two clans, no family with two members, or no two
        families that could make a negative pair.

    Examples
    --------
    >>> space = pair_space(np.eye(3), ["b", "a", "b"])
    >>> space.order.tolist(), space.n_positive, space.n_negative
    ([1, 0, 2], 1, 2)
    """
    unit = unit_vectors(vectors, names)
    ordered, kinds, family, groups = _order(families, clans, len(unit))
    starts = np.searchsorted(family, family), np.searchsorted(family, family, side="right")
    bounds = np.searchsorted(groups, groups), np.searchsorted(groups, groups, side="right")
    left, right, levels, margin, span = _factors(unit[ordered], exact)
    space = PairSpace(ordered, kinds, family, *starts, *bounds, left, right, levels, margin, span)
    if not space.n_positive:
        raise StudyError(f"none of the {len(kinds)} families has two members, so there is no positive pair; give more sequences per family")
    if not space.n_negative:
        raise StudyError(f"{len(kinds)} families leave no pair of unrelated sequences (one family, or one clan); give more families")
    return space


def _order(
    families: Sequence[str], clans: Sequence[str | None] | None, size: int
) -> tuple[NDArray[np.intp], tuple[str, ...], NDArray[np.intp], NDArray[np.intp]]:
    """Sort by clan, then family; return places, family names, family numbers and group numbers."""
    kin = [""] * len(families) if clans is None else [clan or "" for clan in clans]
    if len(families) != size or len(kin) != size:
        raise StudyError(f"{size} vectors but {len(families)} families and {len(kin)} clans; give one label per vector")
    if not all(isinstance(family, str) and family for family in families):
        raise StudyError("a sequence has no family; leave it out or name its family")
    clan_of: dict[str, str] = {}
    for family, clan in zip(families, kin, strict=True):
        if clan_of.setdefault(family, clan) != clan:
            raise StudyError(f"family {family!r} is in clan {clan_of[family]!r} and in clan {clan!r}; a family has one clan or none")
    # A family of its own sorts under a key that no clan can have.
    keys = sorted(clan_of, key=lambda family: (bool(clan_of[family]), clan_of[family], family))
    groups = [("clan", clan_of[family]) if clan_of[family] else ("family", family) for family in keys]
    group_number = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    number = {family: place for place, family in enumerate(keys)}
    numbers = np.array([number[family] for family in families])
    order = np.argsort(numbers, kind="stable")
    sorted_numbers = numbers[order]
    return order, tuple(keys), sorted_numbers, np.array([group_number[group] for group in groups])[sorted_numbers]


def _factors(unit: NDArray[np.float64], exact: bool) -> tuple[NDArray, NDArray, int, int, float]:
    """Return both factors, levels, margin and span; see the head of the module for the identity. Overwrites `unit`."""
    dtype = np.float64 if exact else np.float32
    offset = np.subtract(unit, unit.mean(axis=0), out=unit)
    squares = np.concatenate([(part**2).sum(axis=1) for part in np.array_split(offset, 1 + len(offset) // 4096)])
    span = max(2 * float(squares.max()), _SMALLEST_RANGE)
    levels = EXACT_LEVELS if exact else FAST_LEVELS
    scale = levels / span
    margin = 1 if exact else _rounding_steps(unit.shape[1], levels)
    left, right = (np.empty((len(unit), unit.shape[1] + 2), dtype) for _ in range(2))
    np.multiply(offset, scale, out=left[:, :-2], casting="same_kind")
    left[:, -2], left[:, -1] = levels + margin - squares * scale / 2, scale
    right[:, :-2], right[:, -2], right[:, -1] = offset, 1, -squares / 2
    return left, right, levels, margin, span


def _rounding_steps(width: int, levels: int) -> int:
    """Bound the error of a single precision product, in lattice steps.

    Of a sum of n products the error is at most ``n u`` times the sum of their sizes, u = 2**-24
    (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), here with n = D + 2, two
    roundings of each factor, and sizes that add up to at most twice the number of levels; one more
    step for cutting the coordinate to an integer.
    """
    return int(np.ceil(2 * levels * (width + 4) * 2.0**-24 * 1.01)) + 1
