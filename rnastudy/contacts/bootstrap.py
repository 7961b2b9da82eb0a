"""Intervals that hold the luck of the choice: families resampled on both sets, the head chosen anew in every draw.

A head chosen among hundreds on a few dozen RNAs is optimistic on those RNAs; a bootstrap of the test set alone would
hide that the choice itself could have fallen otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.contacts.counts import Counts
from rnastudy.contacts.curves import means_at
from rnastudy.contacts.reselect import reselect
from rnastudy.errors import StudyError

__all__ = ["Draws", "bootstrap_reselect", "family_weights", "paired_difference"]


@dataclass(frozen=True, eq=False)
class Draws:
    """Bootstrap draws of a test score, each with the choice it was made at.

    Parameters
    ----------
    f1_macro, f1_micro : ndarray of float64, shape (n_draws,)
        On the resampled test set, at the head and threshold chosen on the resampled selection set.
    layer, head : ndarray of int64, shape (n_draws,)
        The choices, counted from zero.
    threshold : ndarray of float64, shape (n_draws,)
        The choices' thresholds.
    names : tuple of str
        RNAs of the test set.
    seed : int
        That made the resamples.
    """

    f1_macro: NDArray[np.float64]
    f1_micro: NDArray[np.float64]
    layer: NDArray[np.int64]
    head: NDArray[np.int64]
    threshold: NDArray[np.float64]
    names: tuple[str, ...]
    seed: int


def family_weights(families: Sequence[str | None], n_draws: int, seed: int | Sequence[int]) -> NDArray[np.float64]:
    """Draw families with replacement, as many as there are, and count how often each RNA comes.

    Parameters
    ----------
    families : sequence of str or None
        Family of each of S RNAs; an RNA without one is a family of its own.
    n_draws : int
        Draws to make.
    seed : int or sequence of int
        The same families and seed give the same draws.

    Returns
    -------
    ndarray of float64, shape (n_draws, S)
        Whole numbers.

    Raises
    ------
    StudyError
        If there is no RNA or no draw.

    Examples
    --------
    >>> family_weights(["tRNA", "tRNA", "5S", None], 2, seed=0)
    array([[0., 0., 2., 1.],
           [3., 3., 0., 0.]])
    """
    if not families or n_draws < 1:
        raise StudyError(f"bootstrap: {n_draws} draws of {len(families)} RNAs; give at least one of each")
    labels = [(0, str(k)) if family is None else (1, family) for k, family in enumerate(families)]
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    drawn = np.random.default_rng(seed).integers(len(numbers), size=(n_draws, len(numbers)))
    cells = drawn + len(numbers) * np.arange(n_draws)[:, None]
    times = np.bincount(cells.ravel(), minlength=n_draws * len(numbers)).reshape(n_draws, -1)
    return times[:, [numbers[label] for label in labels]].astype(np.float64)


def bootstrap_reselect(
    select_counts: Counts,
    test_counts: Counts,
    select_families: Sequence[str | None],
    test_families: Sequence[str | None],
    n_draws: int = 1000,
    seed: int = 0,
) -> Draws:
    """Resample families of both sets, choose anew in every draw, and score.

    Parameters
    ----------
    select_counts, test_counts : Counts
        Scanned under the same setting; the protocol's own F1 chooses.
    select_families, test_families : sequence of str or None
        Family of every RNA of a set, in the order of `Counts.names`; None is a family of its own.
    n_draws : int
        Draws to make.
    seed : int
        Equal seeds give equal resamples to every model of the same RNAs, so that differences are paired.

    Returns
    -------
    Draws

    Raises
    ------
    StudyError
        If settings, heads or numbers of RNAs do not fit, or a set has no RNA with pairs.

    Notes
    -----
    RNAs without pairs have no F1 and are not resampled under ``careful``; under ``review`` their false positives count.
    The two sets draw from separate random streams, and a choice is made from the selection set's counts alone.
    """
    if select_counts.setting != test_counts.setting or select_counts.found.shape[1:] != test_counts.found.shape[1:]:
        raise StudyError("bootstrap: the two sets were scanned under different settings or have other heads; scan both alike")
    chosen_on = _resample(select_counts, select_families, n_draws, (seed, 0))
    scored_on = _resample(test_counts, test_families, n_draws, (seed, 1))
    layer, head, level = reselect(*chosen_on)
    f1 = {by: means_at(*scored_on, layer, head, level, by=by) for by in ("macro", "micro")}
    return Draws(f1["macro"], f1["micro"], layer, head, test_counts.levels[level], scored_on[0].names, seed)


def paired_difference(first: Draws, second: Draws) -> NDArray[np.float64]:
    """Return macro F1 of one model minus that of another, draw by draw on the same test resamples.

    Parameters
    ----------
    first, second : Draws
        From the same test RNAs, families and seed.

    Returns
    -------
    ndarray of float64, shape (n_draws,)

    Raises
    ------
    StudyError
        If draws were not made from the same RNAs and seed: their difference would not be paired.
    """
    if first.names != second.names or first.seed != second.seed or len(first.f1_macro) != len(second.f1_macro):
        raise StudyError("paired difference: draws of other test RNAs, seeds or numbers; use one common set and one seed")
    return first.f1_macro - second.f1_macro


def _resample(counts: Counts, families: Sequence[str | None], n_draws: int, seed: tuple[int, int]) -> tuple[Counts, NDArray[np.float64]]:
    """Return the RNAs that take part and their weights in every draw."""
    if len(families) != len(counts.names):
        raise StudyError(f"bootstrap: {len(families)} families for {len(counts.names)} RNAs; give one for each of counts.names")
    if not counts.with_pairs.any():
        raise StudyError("bootstrap: no RNA of a set has a base pair to score; give RNAs with known structure")
    if counts.setting.by == "macro" and counts.n_without_pairs:
        families = [family for family, kept in zip(families, counts.with_pairs, strict=True) if kept]
        counts = counts.take(np.flatnonzero(counts.with_pairs))
    return counts, family_weights(families, n_draws, seed)
