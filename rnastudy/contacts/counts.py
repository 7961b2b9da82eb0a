"""What a scan leaves: for every RNA, head and threshold, how many pairs were predicted and how many are true."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnastudy.contacts.settings import Setting
from rnastudy.errors import StudyError

__all__ = ["Counts", "Tally"]


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of one set of RNAs under one setting.

    Axes: S RNAs, N layers, H heads, K thresholds.

    Parameters
    ----------
    setting : Setting
        How pairs were scored.
    names : tuple of str
        RNAs that were scanned, S of them, in the order they were given.
    skipped : tuple of str
        RNAs that the stream held no map of (a model's length limit, for example).
    predicted : ndarray of unsigned int, shape (S, N, H, K)
        Pairs at or above a threshold.
    found : ndarray of unsigned int, shape (S, N, H, K)
        Those of them that the reference holds: true positives.
    reference : ndarray of int64, shape (S,)
        Pairs in the reference.
    """

    setting: Setting
    names: tuple[str, ...]
    skipped: tuple[str, ...]
    predicted: NDArray[np.unsignedinteger]
    found: NDArray[np.unsignedinteger]
    reference: NDArray[np.int64]

    @property
    def levels(self) -> NDArray[np.float64]:
        """Thresholds, shape (K,)."""
        return self.setting.lattice.levels

    @property
    def with_pairs(self) -> NDArray[np.bool_]:
        """RNAs whose F1 is defined, shape (S,)."""
        return self.reference > 0

    @property
    def n_without_pairs(self) -> int:
        """RNAs without a reference pair: their false positives count in micro F1, they have no F1 of their own."""
        return int((~self.with_pairs).sum())

    def head(self, layer: int, head: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return found and predicted pairs of one head.

        Parameters
        ----------
        layer, head : int
            Counted from zero.

        Returns
        -------
        found, predicted : ndarray of float64, shape (S, K)
        """
        return self.found[:, layer, head].astype(np.float64), self.predicted[:, layer, head].astype(np.float64)

    def take(self, rows: NDArray[np.int64]) -> Counts:
        """Return the counts of some of the RNAs.

        Parameters
        ----------
        rows : ndarray of int
            Which, counted from zero.

        Returns
        -------
        Counts
        """
        names = tuple(self.names[row] for row in rows)
        return Counts(self.setting, names, self.skipped, self.predicted[rows], self.found[rows], self.reference[rows])


@dataclass
class Tally:
    """Gathers counts a layer at a time, in any order, and checks that no layer is missing.

    Parameters
    ----------
    setting : Setting
        How pairs are scored.
    """

    setting: Setting
    _cells: dict[tuple[int, int], tuple[NDArray, NDArray]] = field(default_factory=dict)

    def add(self, index: int, layer: int, predicted: NDArray[np.integer], found: NDArray[np.integer]) -> None:
        """Keep the counts of one layer of one RNA, each of shape (H, K), in the smallest integers that hold them."""
        if (index, layer) in self._cells:
            raise StudyError(f"attention stream: layer {layer} of RNA number {index} came twice; give each layer once")
        self._cells[index, layer] = _smallest(predicted), _smallest(found)

    def counts(self, names: tuple[str, ...], reference: NDArray[np.int64]) -> Counts:
        """Return all counts, and forget them.

        Parameters
        ----------
        names : tuple of str
            All RNAs, by index.
        reference : ndarray of int64
            Their reference pairs.

        Returns
        -------
        Counts

        Raises
        ------
        StudyError
            If nothing came, or RNAs differ in layers or heads.
        """
        if not self._cells:
            raise StudyError("attention stream: no map came; give RNAs within the model's length limit")
        rows = sorted({index for index, _ in self._cells})
        layers = sorted({layer for _, layer in self._cells})
        heads = {len(predicted) for predicted, _ in self._cells.values()}
        missing = [(row, layer) for row in rows for layer in range(layers[-1] + 1) if (row, layer) not in self._cells]
        if missing or len(heads) != 1:
            where = f"RNA {names[missing[0][0]]!r} lacks layer {missing[0][1]}" if missing else f"layers of {sorted(heads)} heads"
            raise StudyError(f"attention stream: {where}; every RNA needs every layer, every layer the same heads")
        shape = (len(rows), len(layers), *next(iter(self._cells.values()))[0].shape)
        kept = tuple(names[row] for row in rows)
        skipped = tuple(name for index, name in enumerate(names) if index not in set(rows))
        predicted, found = self._stack(rows, shape)
        return Counts(self.setting, kept, skipped, predicted, found, reference[rows])

    def _stack(self, rows: list[int], shape: tuple[int, ...]) -> tuple[NDArray, NDArray]:
        """Move layer after layer into one array, so that the peak is little above one copy."""
        kinds = [np.result_type(*{cell[part].dtype for cell in self._cells.values()}) for part in (0, 1)]
        predicted, found = (np.empty(shape, dtype=kind) for kind in kinds)
        for number, row in enumerate(rows):
            for layer in range(shape[1]):
                predicted[number, layer], found[number, layer] = self._cells.pop((row, layer))
        return predicted, found


def _smallest(counts: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """Shrink counts (H, K) that fall along K."""
    return counts.astype(np.min_scalar_type(int(counts[:, 0].max())))
