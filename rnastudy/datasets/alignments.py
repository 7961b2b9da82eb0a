"""Which rows of a deep alignment a model reads: the RNA itself, then the most different ones.

The rule, for an alignment of more than `limit` rows (a shallower one is read whole):

1. The first row, the RNA itself, is kept.
2. Of the rows left, the one is kept next whose largest identity to a kept row is smallest. Identity is counted over the
   columns where both rows have a named base; without such a column it is 0.
3. A row that is more than 90 % identical to a kept one is never kept.
4. Rows that fill fewer than half of the columns come after all others: fragments look different only because little of
   them is there.
5. Equal candidates are told apart by their letters, so the order of the file does not matter.

RNA-MSM's authors do the same to the same end with ``hhfilter -id 90 -diff 512`` and then the first 512 rows, and leave a
shallower alignment as it is (github yikunpku/RNA-MSM @ ec0a2ee, utils/align.py, ``MSA.select_diverse``). The rows that
are kept are not the same as theirs: hhfilter walks through the rows by length and counts diversity in blocks of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError

__all__ = ["COVERAGE", "IDENTITY", "diverse_rows"]

#: A row more identical than this to a kept one is left out.
IDENTITY = 0.9
#: A row with bases in a smaller share of the columns comes after all others.
COVERAGE = 0.5


def diverse_rows(rows: Sequence[str], limit: int) -> tuple[str, ...]:
    """Keep at most `limit` rows of an alignment, the first and then the most different ones.

    Parameters
    ----------
    rows : sequence of str
        Rows of equal length L over ``ACGUN-``; the first is the RNA itself.
    limit : int
        Most rows kept, at least 1.

    Returns
    -------
    tuple of str
        All rows in their order if there are no more than `limit`; else the kept ones in the order in which they were
        chosen, so that the rows kept under a lower limit are the first of those kept under a higher one.

    Raises
    ------
    StudyError
        If `limit` is below 1, or there is no row.

    Examples
    --------
    >>> diverse_rows(["GGAC", "GGAC", "GGAU", "CCUU"], 2)
    ('GGAC', 'CCUU')
    """
    if limit < 1 or not rows:
        raise StudyError(f"{len(rows)} rows, of which at most {limit} are to be kept; give at least one row and a limit of at least 1")
    return tuple(rows) if len(rows) <= limit else _chosen(tuple(rows), limit)


@lru_cache(maxsize=16)
def _chosen(rows: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Walk from the first row to ever less different ones."""
    others = sorted(set(rows) - {rows[0]})
    letters = np.array([list(row.encode()) for row in (rows[0], *others)], dtype=np.uint8).reshape(1 + len(others), -1)
    named = np.isin(letters, list(b"ACGU"))
    late = named.mean(axis=1) < COVERAGE
    nearest = np.zeros(len(letters))
    kept = [0]
    while len(kept) < limit:
        nearest = np.maximum(nearest, _identity(letters, named, kept[-1]))
        nearest[kept[-1]] = 2.0
        open_ = nearest <= IDENTITY
        if not open_.any():
            break
        kept.append(int(np.argmin(np.where(open_, nearest + late, np.inf))))
    return tuple((rows[0], *others)[index] for index in kept)


def _identity(letters: NDArray[np.uint8], named: NDArray[np.bool_], index: int) -> NDArray[np.float64]:
    """Share of equal bases of every row with one row, over the columns where both have a named base."""
    columns = named[index]
    shared = named[:, columns]
    same = (letters[:, columns] == letters[index, columns]) & shared
    both = np.count_nonzero(shared, axis=1)
    equal: NDArray[np.float64] = np.count_nonzero(same, axis=1) / np.maximum(both, 1)
    return equal
