"""One vector per RNA for each pooling and layer, in memory and on disk."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError, unknown

if TYPE_CHECKING:
    from rnastudy.rna import Rna

__all__ = ["Embeddings", "cache_key", "load_cached", "save_cached"]


@dataclass(frozen=True)
class Embeddings:
    """One vector per RNA, for each pooling and layer.

    Attributes
    ----------
    names : tuple of str
        RNAs in the order given, without the skipped ones.
    vectors : mapping of (str, int) to ndarray, shape=(S, D)
        By pooling and layer: 0 is the embedding of the tokens, i the output of the i-th layer; ``-1`` is the only
        layer of ``layers="last"``.
    start_token : bool
        Whether the model has a start token, which ``first`` and ``fft`` then read.
    skipped : tuple of str
        RNAs longer than the model reads.
    cut : tuple of str
        RNAs that were cut to what the model reads.

    Examples
    --------
    >>> found = Embeddings(("a",), {("mean", 0): np.zeros((1, 2)), ("mean", 1): np.ones((1, 2))}, False)
    >>> found.matrix("mean").tolist(), found.layers
    ([[1.0, 1.0]], (0, 1))
    """

    names: tuple[str, ...]
    vectors: Mapping[tuple[str, int], NDArray]
    start_token: bool
    skipped: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that are held."""
        return tuple(sorted({layer for _, layer in self.vectors}))

    def matrix(self, pooling: str = "mean", layer: int = -1) -> NDArray:
        """Return the vectors of one pooling and layer, shape=(S, D); negative layers count from the last.

        Raises
        ------
        StudyError
            If they are not held.
        """
        chosen = self.layers[layer] if layer < 0 and -len(self.layers) <= layer else layer
        if (pooling, chosen) not in self.vectors:
            raise unknown("pooling and layer", f"{pooling} {layer}", [f"{name} {number}" for name, number in self.vectors])
        return self.vectors[pooling, chosen]


def cache_key(probe, rnas: Sequence[Rna], poolings: Sequence[str], layers: str) -> str:
    """Name a cache file after weights, sequences (rows of alignments too) and setting."""
    if not probe.weights_sha256:
        raise StudyError("the checksum of the model's weights is not known, so its embeddings cannot be cached; leave cache out")
    data = hashlib.sha256()
    for rna in rnas:
        data.update(json.dumps([rna.name, rna.sequence, rna.alignment if probe.reads_alignment else None]).encode())
    setting = [1, probe.weights_sha256, data.hexdigest(), sorted(set(poolings)), layers, str(probe.device), str(getattr(probe.network, "dtype", ""))]
    return hashlib.sha256(json.dumps(setting).encode()).hexdigest()


def save_cached(path: Path, found: Embeddings) -> None:
    """Write embeddings whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"{pooling}|{layer}": matrix for (pooling, layer), matrix in found.vectors.items()}
    arrays |= {"names": np.array(found.names), "skipped": np.array(found.skipped, dtype=str), "start_token": np.array(found.start_token)}
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with open(handle, "wb") as stream:
            np.savez(stream, **arrays)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load_cached(path: Path, cut: tuple[str, ...]) -> Embeddings:
    """Read embeddings that `save_cached` wrote."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            vectors = {(key.split("|")[0], int(key.split("|")[1])): archive[key] for key in archive.files if "|" in key}
            return Embeddings(tuple(archive["names"].tolist()), vectors, bool(archive["start_token"]), tuple(archive["skipped"].tolist()), cut)
    except (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise StudyError(f"the cached embeddings {path} cannot be read ({error}); delete the file and run again") from None
