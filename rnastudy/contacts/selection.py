"""Choose a head and a threshold on one set; score that choice on another.

`select` sees the counts of one set and returns a frozen `Choice`; `score` sees a choice and the counts of another. No
function here takes both sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rnastudy.contacts.counts import Counts
from rnastudy.contacts.curves import best_levels, curve
from rnastudy.contacts.scan import LayerMaps, pair_scores
from rnastudy.contacts.settings import Setting
from rnastudy.errors import StudyError
from rnastudy.rna import Rna
from rnastudy.structure import decode

__all__ = ["Choice", "Scores", "score", "score_stream", "select"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A head and a threshold, chosen on one set and frozen.

    Parameters
    ----------
    layer, head : int
        Counted from zero.
    threshold : float
        A pair counts if its score is at least this.
    f1_micro, f1_macro : float
        On the set that chose: pooled over all pairs, and mean over RNAs with pairs.
    setting : Setting
        Under which it was chosen.
    """

    layer: int
    head: int
    threshold: float
    f1_micro: float
    f1_macro: float
    setting: Setting


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a set of RNAs at one frozen choice.

    Parameters
    ----------
    names : tuple of str
        RNAs, S of them.
    found, predicted, reference : ndarray of int64, shape (S,)
        True positives, predicted pairs, pairs in the reference.

    Examples
    --------
    >>> scores = Scores(("a", "b"), np.array([2, 0]), np.array([3, 1]), np.array([5, 0]))
    >>> scores.f1.tolist(), scores.f1_macro, round(scores.f1_micro, 3), scores.n_without_pairs
    ([0.5, nan], 0.5, 0.444, 1)
    """

    names: tuple[str, ...]
    found: NDArray[np.int64]
    predicted: NDArray[np.int64]
    reference: NDArray[np.int64]

    @property
    def false_positive(self) -> NDArray[np.int64]:
        """Predicted pairs that the reference lacks, shape (S,)."""
        return self.predicted - self.found

    @property
    def false_negative(self) -> NDArray[np.int64]:
        """Reference pairs that were not predicted, shape (S,)."""
        return self.reference - self.found

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 of each RNA, shape (S,); NaN where the reference has no pair."""
        return _ratio(2.0 * self.found, self.predicted + self.reference, self.reference > 0)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of predicted pairs that are true, shape (S,); NaN where nothing was predicted."""
        return _ratio(self.found, self.predicted, self.predicted > 0)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of reference pairs that were predicted, shape (S,); NaN where the reference has no pair."""
        return _ratio(self.found, self.reference, self.reference > 0)

    @property
    def f1_macro(self) -> float:
        """Mean F1 of RNAs with pairs; NaN if there is none."""
        return float(np.nanmean(self.f1)) if (self.reference > 0).any() else float("nan")

    @property
    def f1_micro(self) -> float:
        """F1 of all pairs pooled, false positives of RNAs without pairs included; NaN if there is no pair at all."""
        total = self.predicted.sum() + self.reference.sum()
        return float(2 * self.found.sum() / total) if total else float("nan")

    @property
    def n_without_pairs(self) -> int:
        """RNAs that have no F1 of their own."""
        return int((self.reference == 0).sum())


def select(counts: Counts, *, by: str | None = None) -> Choice:
    """Choose the best head and threshold of a set.

    Parameters
    ----------
    counts : Counts
        Of the selection set.
    by : {"micro", "macro"}, optional
        F1 to choose by; the protocol's own if not given.

    Returns
    -------
    Choice
        Ties go to the lowest layer, then head, then threshold.

    Raises
    ------
    StudyError
        If no RNA of the set has a pair to be scored.
    """
    if not counts.with_pairs.any():
        raise StudyError("selection: no RNA of the set has a base pair to score; choose on RNAs with known structure")
    best, at = best_levels(counts, by=by)
    layer, head = np.unravel_index(int(best.argmax()), best.shape)
    level = int(at[layer, head])
    f1 = {name: curve(counts, int(layer), int(head), by=name)[1][level] for name in ("micro", "macro")}
    threshold = float(counts.levels[level])
    return Choice(int(layer), int(head), threshold, float(f1["micro"]), float(f1["macro"]), counts.setting)


def score(counts: Counts, choice: Choice) -> Scores:
    """Score a set at a frozen choice.

    Parameters
    ----------
    counts : Counts
        Of the test set, scanned under the choice's setting.
    choice : Choice
        From another set.

    Returns
    -------
    Scores

    Raises
    ------
    StudyError
        If counts were scanned under another setting, or lack the chosen head or threshold.
    """
    if counts.setting != choice.setting:
        raise StudyError(f"score: counts of {counts.setting}, choice of {choice.setting}; scan both sets alike")
    level = int(np.searchsorted(counts.levels, choice.threshold))
    shape = counts.found.shape
    if not (choice.layer < shape[1] and choice.head < shape[2] and level < shape[3] and counts.levels[level] == choice.threshold):
        raise StudyError(f"score: {choice} is not among {shape[1]} layers x {shape[2]} heads and the scanned thresholds")
    at = np.s_[:, choice.layer, choice.head, level]
    return Scores(counts.names, counts.found[at].astype(np.int64), counts.predicted[at].astype(np.int64), counts.reference)


@torch.no_grad()
def score_stream(stream: Iterable[LayerMaps], rnas: Sequence[Rna], choice: Choice, *, setting: Setting | None = None) -> Scores:
    """Score maps at a frozen choice, one structure at a time: the way for ``matching``, which cannot be scanned.

    Parameters
    ----------
    stream : iterable of LayerMaps
        Layers of RNAs; other layers than the chosen one are passed over.
    rnas : sequence of Rna
        With known structures; `LayerMaps.index` counts into it. Those that never come are left out.
    choice : Choice
        From another set.
    setting : Setting, optional
        How to decode; the choice's own if not given. Its protocol must be the choice's.

    Returns
    -------
    Scores

    Raises
    ------
    StudyError
        If protocols differ, maps do not fit their RNA, or the chosen layer or head is not there.
    """
    setting = setting or choice.setting
    if setting.protocol != choice.setting.protocol:
        raise StudyError(f"score: threshold of protocol {choice.setting.protocol}, scores of {setting.protocol}; use one")
    rows = {}
    for layer in stream:
        if layer.layer == choice.layer:
            if choice.head >= len(layer.maps):
                raise StudyError(f"score: head {choice.head} was chosen, counted from 0, but the maps have {len(layer.maps)}; use one model")
            scores = pair_scores(layer, rnas)[choice.head]
            values = (scores.sigmoid() if setting.sigmoid else scores).cpu().numpy()
            rows[layer.index] = _score_one(values, rnas[layer.index], choice.threshold, setting)
    if not rows:
        raise StudyError(f"score: layer {choice.layer} was chosen, counted from 0, but never came; stream the same model")
    table = np.array([rows[index] for index in sorted(rows)], dtype=np.int64).reshape(-1, 3)
    return Scores(tuple(rnas[index].name for index in sorted(rows)), *table.T)


def _score_one(scores: NDArray[np.floating], rna: Rna, threshold: float, setting: Setting) -> tuple[int, int, int]:
    level = scores.dtype.type(threshold)  # a float32 score is compared with the float32 nearest to the threshold
    predicted = decode(scores, float(level), setting.decoder, candidates=setting.candidates(rna))
    reference = setting.reference(rna)
    return len(set(predicted) & set(reference)), len(predicted), len(reference)


def _ratio(part: NDArray, whole: NDArray, defined: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=defined)
