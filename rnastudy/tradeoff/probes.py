"""What a linear probe reads: the family from vectors, the pairs from all heads at once, each beside its control."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rnastudy.errors import StudyError
from rnastudy.rna import Pairs
from rnastudy.statistics.resampling import finite

__all__ = ["PairProbe", "ProbeScore", "family_probe", "fit_pair_probe", "structure_probe"]

Floats = NDArray[np.float64]
#: Pair features of one RNA, shape (C, L, L), and its reference pairs.
LabelledMaps = tuple[ArrayLike, Pairs]


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """What a linear probe reads, and what it reads from shuffled labels.

    Attributes
    ----------
    score : float
        Accuracy (family) or mean average precision per RNA (structure), on items the probe was not fitted on.
    control : float
        The same with labels shuffled before fitting: what the probe's own capacity gives.
    n : int
        Items scored.
    """

    score: float
    control: float
    n: int

    @property
    def selectivity(self) -> float:
        """Score above control (Hewitt and Liang, EMNLP 2019, arXiv 1909.03368)."""
        return self.score - self.control


def family_probe(vectors: ArrayLike, families: Sequence[str], *, n_folds: int = 5, penalty: float = 1.0, seed: int = 0) -> ProbeScore:
    """Read the family from vectors with a multinomial logistic probe, cross-validated.

    Parameters
    ----------
    vectors : array, shape=(S, D)
        Standardised within each training fold.
    families : sequence of str, length S
        Each with at least `n_folds` members. Remove near-duplicates first, or the probe reads memory.
    penalty : float
        Weight of the squared norm (1 / C of scikit-learn).

    Returns
    -------
    ProbeScore
        Accuracy; the control permutes the labels over the sequences.

    Examples
    --------
    >>> vectors = np.repeat(np.eye(3), 10, axis=0)
    >>> family_probe(vectors, ["a"] * 10 + ["b"] * 10 + ["c"] * 10).score
    1.0
    """
    x, labels = finite(vectors, "vectors"), np.asarray(families)
    names, counts = np.unique(labels, return_counts=True)
    if x.ndim != 2 or len(x) != len(labels) or len(names) < 2:
        raise StudyError(f"vectors of shape {x.shape} with {len(labels)} labels of {len(names)} families; give one label a vector and 2 families")
    if counts.min() < n_folds:
        raise StudyError(f"family {str(names[counts.argmin()])!r} has {counts.min()} members for {n_folds} folds; leave it out or lower n_folds")
    shuffled = np.random.default_rng(seed).permutation(labels)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=2000))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    score, control = (float(np.mean(cross_val_predict(model, x, y, cv=folds) == y)) for y in (labels, shuffled))
    return ProbeScore(score, control, len(labels))


@dataclass(frozen=True, slots=True)
class PairProbe:
    """One weight for each of C pair features (layers x heads) and a bias: a linear reading of all heads at once.

    Attributes
    ----------
    weights : ndarray, shape=(C,)
        On the features as they come; the standardisation of the fit is folded in.
    bias : float
    """

    weights: Floats
    bias: float

    def scores(self, features: ArrayLike) -> Floats:
        """Score every pair of one RNA: features of shape (C, L, L) to a symmetric map of shape (L, L).

        Examples
        --------
        >>> PairProbe(np.array([2.0]), -1.0).scores(np.ones((1, 2, 2))).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
        """
        maps = finite(features, "pair features")
        if maps.ndim != 3 or len(maps) != len(self.weights):
            raise StudyError(f"pair features of shape {maps.shape} for a probe of {len(self.weights)}; give shape (features, bases, bases)")
        raw = np.tensordot(self.weights, maps, axes=1) + self.bias
        symmetric: Floats = (raw + raw.T) / 2
        return symmetric


def fit_pair_probe(
    rnas: Iterable[LabelledMaps], *, min_separation: int = 4, unpaired_per_pair: int = 20, penalty: float = 1.0, shuffled: bool = False, seed: int = 0
) -> PairProbe:
    """Fit a logistic regression from pair features to pairs, after Rao et al. (bioRxiv 2020.12.15.422761).

    They used an L1 penalty on symmetrised, corrected attention; here it is L2 on standardised features.

    Parameters
    ----------
    rnas : iterable of (features, pairs)
        Features of shape (C, L, L), symmetrised and corrected beforehand; read one RNA at a time and thinned at once.
    min_separation : int
        Smallest ``j - i`` used.
    unpaired_per_pair : int
        Unpaired positions kept for each pair, drawn at random; the bias is therefore not that of all positions.
    shuffled : bool
        Shuffle the labels within each RNA first: the control.

    Raises
    ------
    StudyError
        If no RNA has a pair that far apart.

    Examples
    --------
    >>> features = np.zeros((1, 6, 6))
    >>> features[0, 0, 5] = features[0, 5, 0] = 1.0
    >>> bool(fit_pair_probe([(features, ((0, 5),))]).weights[0] > 0)
    True
    """
    rng = np.random.default_rng(seed)
    samples = [_thinned(*_flat(maps, pairs, min_separation), unpaired_per_pair, shuffled, rng) for maps, pairs in rnas]
    x = np.concatenate([sample[0] for sample in samples]) if samples else np.empty((0, 1))
    y = np.concatenate([sample[1] for sample in samples]) if samples else np.empty(0, dtype=bool)
    if not y.any() or y.all():
        raise StudyError(f"{len(samples)} RNAs with {int(y.sum())} pairs among {len(y)} positions at j - i >= {min_separation}; a probe needs both kinds")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=2000)).fit(x, y)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return PairProbe(weights, float(regression.intercept_[0] - weights @ scaler.mean_))


def structure_probe(
    train: Iterable[LabelledMaps],
    test: Iterable[LabelledMaps],
    control_train: Iterable[LabelledMaps],
    *,
    min_separation: int = 4,
    seed: int = 0,
) -> ProbeScore:
    """Fit a pair probe on one set and score it on another, beside a probe fitted on shuffled labels.

    Parameters
    ----------
    train, test : iterable of (features, pairs)
        Different RNAs. `test` is read once, `train` once.
    control_train : iterable of (features, pairs)
        The training set once more, for the control (a stream cannot be read twice).

    Returns
    -------
    ProbeScore
        Mean over test RNAs of average precision; RNAs without a scored pair are left out of `n`.

    Examples
    --------
    >>> features = np.zeros((1, 8, 8))
    >>> features[0, [0, 1, 7, 6], [7, 6, 0, 1]] = 1.0
    >>> rna = (features, ((0, 7), (1, 6)))
    >>> structure_probe([rna], [rna], [rna]).score
    1.0
    """
    probe = fit_pair_probe(train, min_separation=min_separation, seed=seed)
    null = fit_pair_probe(control_train, min_separation=min_separation, shuffled=True, seed=seed)
    precisions = []
    for maps, pairs in test:
        flat, truth = _flat(maps, pairs, min_separation)
        if truth.any():
            precisions.append([average_precision_score(truth, flat @ p.weights) for p in (probe, null)])
    if not precisions:
        raise StudyError(f"no test RNA has a pair at j - i >= {min_separation}; its structures are empty or too short")
    score, control = np.mean(precisions, axis=0)
    return ProbeScore(float(score), float(control), len(precisions))


def _flat(maps: ArrayLike, pairs: Pairs, min_separation: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Upper-triangle positions of one RNA: features of shape (positions, C) and whether each is a pair."""
    features = finite(maps, "pair features")
    if features.ndim != 3 or features.shape[1] != features.shape[2]:
        raise StudyError(f"pair features of shape {features.shape}; give shape (features, bases, bases)")
    i, j = np.triu_indices(features.shape[1], min_separation)
    truth = np.zeros(features.shape[1:], dtype=bool)
    for pair in pairs:
        truth[pair] = True
    symmetric = (features[:, i, j] + features[:, j, i]) / 2
    return symmetric.T, truth[i, j]


def _thinned(x: Floats, y: NDArray[np.bool_], unpaired_per_pair: int, shuffled: bool, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """All pairs, and so many times as many unpaired positions at random."""
    labels = rng.permutation(y) if shuffled else y
    unpaired = np.flatnonzero(~labels)
    kept = rng.permutation(unpaired)[: unpaired_per_pair * int(labels.sum())]
    rows = np.concatenate([np.flatnonzero(labels), kept])
    return x[rows], labels[rows]
