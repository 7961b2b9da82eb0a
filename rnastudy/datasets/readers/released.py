"""Attention maps that authors released with their model: the RNAs they belong to, and the arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.datasets.readers.plain import read_bpseq, read_fasta
from rnastudy.datasets.readers.stockholm import read_a3m
from rnastudy.datasets.records import Record, open_text
from rnastudy.errors import StudyError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["open_maps", "read_released_maps"]


def _named(paths: Sequence[Path], name: str) -> Path:
    return next(path for path in paths if path.name == name)


def read_released_maps(paths: Sequence[Path], entries: Sequence[Mapping[str, str]], **shape: int) -> tuple[list[Record], Mapping[str, int]]:
    """Read the RNAs of released maps: sequence, and where released, structure and alignment.

    Parameters
    ----------
    paths : sequence of Path
    entries : sequence of mapping
        For each RNA the names of its files: ``sequence`` (FASTA), ``maps`` (npy), and perhaps ``structure`` (bpseq) and
        ``alignment`` (a3m or a2m).
    **shape : int
        ``layers`` and ``heads`` of the maps, for `open_maps`.

    Returns
    -------
    records, left_out
    """
    records = []
    for entry in entries:
        record = next(iter(read_fasta(open_text(_named(paths, entry["sequence"])))))
        if "structure" in entry:
            record.pairs = next(iter(read_bpseq(open_text(_named(paths, entry["structure"]))))).pairs
        if "alignment" in entry:
            record.rows = next(iter(read_a3m(open_text(_named(paths, entry["alignment"]))))).rows
        records.append(record)
    return records, {}


def open_maps(paths: Sequence[Path], options: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Open the arrays of released maps.

    Parameters
    ----------
    paths : sequence of Path
    options : mapping
        The card's: ``entries``, ``layers``, ``heads``.

    Returns
    -------
    dict of str to ndarray, shape=(N, H, L, L)
        Softmaxed attention in base coordinates, by the name of the RNA; map k of the file is layer k // H, head k % H.

    Raises
    ------
    StudyError
        If an array does not have layers x heads maps of its RNA's length.
    """
    from rnastudy.files import load_array

    layers, heads = options["layers"], options["heads"]
    found = {}
    for entry, record in zip(options["entries"], read_released_maps(paths, options["entries"])[0], strict=True):
        file = _named(paths, entry["maps"])
        maps = load_array(file)
        length = len(record.sequence)
        if maps.shape != (layers * heads, length, length):
            raise StudyError(f"{file}: shape {maps.shape} where ({layers * heads}, {length}, {length}) was due; fetch it again")
        found[record.name] = maps.reshape(layers, heads, length, length)
    return found
