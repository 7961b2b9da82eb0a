"""Hidden states to vectors: one RNA at a time, reduced at once; labels are not known here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnastudy.embeddings.fft import fft_descriptor
from rnastudy.embeddings.records import Embeddings, cache_key, load_cached, save_cached
from rnastudy.errors import StudyError, unknown

if TYPE_CHECKING:
    from rnastudy.rna import Rna

__all__ = ["POOLINGS", "embed", "pca"]


def _mean(first: NDArray | None, bases: NDArray) -> NDArray:
    return bases.mean(axis=0, dtype=np.float64)


def _first(first: NDArray | None, bases: NDArray) -> NDArray:
    return bases[0] if first is None else first


def _last(first: NDArray | None, bases: NDArray) -> NDArray:
    return bases[-1]


def _fft(first: NDArray | None, bases: NDArray) -> NDArray:
    return fft_descriptor(bases if first is None else np.concatenate([first[None], bases]))


#: Ways to make one vector of a layer: ``mean`` over bases (special tokens left out), the ``first`` token (the
#: start token where the model has one, else the first base), the ``last`` base, and the review's ``fft`` of the
#: start token, where there is one, and the bases.
POOLINGS: dict[str, Callable[[NDArray | None, NDArray], NDArray]] = {"mean": _mean, "first": _first, "last": _last, "fft": _fft}


def embed(
    probe,
    rnas: Sequence[Rna],
    poolings: Sequence[str] = ("mean",),
    layers: str = "last",
    *,
    too_long: str = "skip",
    cache: str | os.PathLike[str] | None = None,
) -> Embeddings:
    """Make one vector per RNA, for several poolings and layers, in one stream through a model.

    Parameters
    ----------
    probe : Probe
        A loaded model; see `rnastudy.models.load`.
    rnas : sequence of Rna
        Names must be unique.
    poolings : sequence of {"mean", "first", "last", "fft"}
        See `POOLINGS`.
    layers : {"last", "all"}
        The last hidden layer only, or the embedding and every layer.
    too_long : {"skip", "cut"}
        What to do with RNAs longer than the model reads: leave them out, and name them, or keep their
        first bases (what the review did with Rfam).
    cache : path, optional
        Folder; vectors are kept there under a key made of weights, sequences and setting.

    Returns
    -------
    Embeddings
        Float32 vectors.

    Raises
    ------
    StudyError
        For unknown options, names given twice, states that are not finite, or when no RNA is left.

    Examples
    --------
    >>> embed(None, [], poolings=["maen"])
    Traceback (most recent call last):
    rnastudy.errors.StudyError: unknown pooling 'maen'; did you mean mean? known: fft, first, last, mean
    """
    _check_choice("pooling", poolings, tuple(POOLINGS))
    _check_choice("choice of layers", [layers], ("last", "all"))
    _check_choice("way with long RNAs", [too_long], ("skip", "cut"))
    _check_names(rnas)
    kept, cut = _cut(probe, rnas) if too_long == "cut" else (list(rnas), ())
    path = None if cache is None else Path(cache) / f"{cache_key(probe, kept, poolings, layers)}.npz"
    if path is not None and path.is_file():
        return load_cached(path, cut)
    found = _stream(probe, kept, tuple(dict.fromkeys(poolings)), layers, cut)
    if path is not None:
        save_cached(path, found)
    return found


def _check_choice(kind: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown(kind, name, known)


def _check_names(rnas: Sequence[Rna]) -> None:
    seen: set[str] = set()
    for rna in rnas:
        if rna.name in seen:
            raise StudyError(f"two RNAs are called {rna.name!r}; give each its own name")
        seen.add(rna.name)


def _cut(probe, rnas: Sequence[Rna]) -> tuple[list[Rna], tuple[str, ...]]:
    limit = probe.max_bases
    long = {rna.name for rna in rnas if limit is not None and len(rna) > limit}
    return [_head(rna, limit) if rna.name in long else rna for rna in rnas], tuple(rna.name for rna in rnas if rna.name in long)


def _head(rna: Rna, limit: int) -> Rna:
    rows = None if rna.alignment is None else tuple(row[:limit] for row in rna.alignment)
    return rna.with_(sequence=rna.sequence[:limit], pairs=None, unresolved=frozenset(), alignment=rows)


def _stream(probe, rnas: list[Rna], poolings: tuple[str, ...], layers: str, cut: tuple[str, ...]) -> Embeddings:
    skipped = set(probe.skipped(rnas))
    read = [rna for index, rna in enumerate(rnas) if index not in skipped]
    if not read:
        raise StudyError(f"no RNA left to embed: {len(rnas)} given, {len(skipped)} longer than the model reads; choose shorter ones or too_long='cut'")
    rows: dict[int, dict[tuple[str, int], NDArray]] = {}
    start_token = False
    for states in probe.hidden(read, layers=layers):
        bases, first = _array(states.bases), None if states.first is None else _array(states.first)
        _check_states(read[states.index], bases, first)
        start_token = first is not None
        rows[states.index] = _pool(bases, first, poolings, [-1] if layers == "last" else list(range(len(bases))))
    lacking = sorted(set(range(len(read))) - set(rows))
    if lacking:
        raise StudyError(f"the model gave no hidden states for {read[lacking[0]].name!r} ({len(lacking)} of {len(read)} RNAs) and did not say that it skips it")
    vectors = {key: np.stack([rows[index][key] for index in range(len(read))]) for key in rows[0]}
    return Embeddings(tuple(rna.name for rna in read), vectors, start_token, tuple(rnas[index].name for index in sorted(skipped)), cut)


def _pool(bases: NDArray, first: NDArray | None, poolings: tuple[str, ...], numbers: list[int]) -> dict[tuple[str, int], NDArray]:
    """Reduce the layers of one RNA to a vector for each pooling and layer."""
    start = [None] * len(bases) if first is None else list(first)
    return {(pooling, number): POOLINGS[pooling](start[place], bases[place]).astype(np.float32) for pooling in poolings for place, number in enumerate(numbers)}


def _array(tensor) -> NDArray[np.float32]:
    """Return a tensor of any device, or an array, as float32 in main memory."""
    return np.asarray(tensor.detach().float().cpu() if hasattr(tensor, "detach") else tensor, np.float32)


def _check_states(rna: Rna, bases: NDArray, first: NDArray | None) -> None:
    if bases.ndim != 3 or bases.shape[1] != len(rna):
        raise StudyError(f"hidden states of {rna.name!r} have shape {bases.shape} for {len(rna)} bases; a probe gives (layers, bases, width)")
    if not np.isfinite(bases).all() or (first is not None and not np.isfinite(first).all()):
        raise StudyError(f"hidden states of {rna.name!r} hold NaN or infinity; try dtype float32, and check the weights")


def pca(vectors: NDArray, components: int = 128, *, seed: int = 0) -> NDArray[np.float64]:
    """Project vectors on their own principal components.

    The components are fitted on the set itself, without labels; they centre it, so cosines change.

    Parameters
    ----------
    vectors : ndarray, shape=(S, D)
        One vector per RNA.
    components : int
        Number of components, lowered to ``min(S - 1, D)`` where that is less.
    seed : int
        Of scikit-learn's randomised solver, which it uses for large sets.

    Returns
    -------
    ndarray, shape=(S, C)
        Coordinates.

    Raises
    ------
    StudyError
        For fewer than two vectors or values that are not finite.

    Examples
    --------
    >>> pca(np.array([[0.0, 0, 1], [2, 0, 1], [4, 0, 1]]), 1).round(6).ravel().tolist()
    [-2.0, 0.0, 2.0]
    """
    from sklearn.decomposition import PCA

    array = np.asarray(vectors, np.float64)
    if array.ndim != 2 or len(array) < 2 or components < 1 or not np.isfinite(array).all():
        raise StudyError(f"PCA to {components} of an array of shape {array.shape}; it needs at least two vectors of finite numbers")
    return PCA(min(components, len(array) - 1, array.shape[1]), random_state=seed).fit_transform(array)
