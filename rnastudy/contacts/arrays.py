"""Arrays in, numbers out: score attention maps from files, for models that no library loads.

Maps are read a layer at a time and scored in float64.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from rnastudy.contacts.counts import Counts
from rnastudy.contacts.scan import scan_stream
from rnastudy.contacts.selection import Choice, Scores, score, select
from rnastudy.contacts.settings import Setting
from rnastudy.errors import StudyError
from rnastudy.files import check_writable, load_array, write_whole
from rnastudy.rna import Rna

__all__ = ["MapFolder", "score_maps"]

#: How far above 1 a row of attention may sum: what half precision rounds.
_ROW_SLACK = 1e-3


def score_maps(
    select_maps: str | Path,
    select_structures: str | Path,
    test_maps: str | Path,
    test_structures: str | Path,
    protocol: str,
    out: str | Path,
) -> dict[str, Any]:
    """Choose a head and a threshold on one folder of maps, score it on another, and write the result.

    Parameters
    ----------
    select_maps, test_maps : path
        Folder of ``NAME.npy``, one for each RNA: softmaxed attention in base coordinates, special tokens cut off, shape
        (layers, heads, L, L), or (maps, L, L), which is layer 0.
    select_structures, test_structures : path
        Dot-bracket file with ``>NAME`` headers, or CSV with columns name, sequence, pairs (JSON list of 0-based
        ``[i, j]``); or whatever else `rnastudy.datasets.load` reads, the name of a data set included.
    protocol : {"review", "careful"}
        Under ``review`` pooled F1 chooses, under ``careful`` the mean F1 of RNAs, of pairs with ``j - i >= 4``. No
        decoder, no canonical mask.
    out : path
        JSON file to write; it appears whole or not at all.

    Returns
    -------
    dict
        As written: protocol; selected (layer, head, threshold, f1_micro, f1_macro); test (f1_micro, f1_macro, per_rna;
        null where the reference has no pair); decoder, min_separation, counts of RNAs.

    Raises
    ------
    StudyError
        If maps and structures do not match name by name, or an array is not what it should be; the file is named.
    """
    setting = Setting(protocol)
    check_writable(Path(out))
    selection = MapFolder.open(select_maps, select_structures)
    test = MapFolder.open(test_maps, test_structures)
    if selection.heads != test.heads:
        raise StudyError(f"{test.folder}: {test.heads} layers x heads, {selection.folder} {selection.heads}; use one model")
    choice = select(selection.scan(setting))
    scores = score(test.scan(setting), choice)
    result = _result(setting, choice, scores)
    result["n_select"] = len(selection.rnas)
    result["n_shared_sequences"] = len({rna.sequence for rna in selection.rnas} & {rna.sequence for rna in test.rnas})
    write_whole(Path(out), json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


@dataclass(frozen=True)
class _Layer:
    index: int
    layer: int
    maps: Tensor


@dataclass(frozen=True)
class MapFolder:
    """Maps in files, with the structures they are scored on.

    Parameters
    ----------
    folder : Path
        Of the maps.
    rnas : tuple of Rna
        With known structures.
    heads : (int, int)
        Layers and heads, the same in every file.
    """

    folder: Path
    rnas: tuple[Rna, ...]
    heads: tuple[int, int]

    @classmethod
    def open(cls, folder: str | Path, structures: str | Path) -> MapFolder:
        """Match a folder of maps with a file of structures, and check every shape.

        Parameters
        ----------
        folder, structures : path
            See `score_maps`.

        Returns
        -------
        MapFolder

        Raises
        ------
        StudyError
            If names do not match one to one, or shapes do not fit.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise StudyError(f"{folder}: no such folder; give one that holds NAME.npy for each RNA")
        rnas = _read_structures(Path(structures))
        _match(folder, Path(structures), rnas)
        shapes = {rna.name: _load(folder / f"{rna.name}.npy", rna).shape[:2] for rna in rnas}
        first = shapes[rnas[0].name]
        other = next((name for name, shape in shapes.items() if shape != first), None)
        if other is not None:
            raise StudyError(f"{folder / other}.npy: {shapes[other]} layers x heads, {rnas[0].name}.npy {first}; use one model")
        return cls(folder, rnas, (int(first[0]), int(first[1])))

    def __iter__(self) -> Iterator[_Layer]:
        for index, rna in enumerate(tqdm(self.rnas, desc=self.folder.name, unit="RNA", disable=None)):
            path = self.folder / f"{rna.name}.npy"
            maps = _load(path, rna)
            for layer in range(len(maps)):
                yield _Layer(index, layer, torch.from_numpy(_checked(np.array(maps[layer], dtype=np.float64), path, layer)))

    def scan(self, setting: Setting) -> Counts:
        """Count pairs at every head and threshold.

        Parameters
        ----------
        setting : Setting
            How pairs are scored.

        Returns
        -------
        Counts
        """
        return scan_stream(
            self,
            self.rnas,
            setting.protocol,
            decoder=setting.decoder,
            canonical=setting.canonical,
            min_separation=setting.min_separation,
        )


def _read_structures(path: Path) -> tuple[Rna, ...]:
    from rnastudy import datasets

    rnas = datasets.load(path if path.exists() else str(path)).rnas
    unknown = next((rna.name for rna in rnas if rna.pairs is None), None)
    if unknown is not None:
        raise StudyError(f"{path}: RNA {unknown!r} has no structure; add a dot-bracket line or a pairs column")
    if not rnas:
        raise StudyError(f"{path}: no RNA in it; give at least one")
    return rnas


def _match(folder: Path, structures: Path, rnas: tuple[Rna, ...]) -> None:
    named = Counter(rna.name for rna in rnas)
    files = {path.name.removesuffix(".npy") for path in folder.glob("*.npy") if not path.name.startswith(".")}
    twice = [name for name, times in named.items() if times > 1]
    if twice:
        raise StudyError(f"{structures}: RNA {twice[0]!r} comes {named[twice[0]]} times; give every RNA its own name")
    lacking = sorted(named.keys() - files)
    if lacking:
        raise StudyError(f"{folder}: no {lacking[0]}.npy ({len(lacking)} of {len(named)} RNAs lack maps); add it, or drop the RNA from {structures}")
    extra = sorted(files - named.keys())
    if extra:
        raise StudyError(f"{structures}: no RNA {extra[0]!r} ({len(extra)} maps lack structures); add it, or move {extra[0]}.npy away")


def _load(path: Path, rna: Rna) -> NDArray[np.number]:
    """Open the maps of an RNA without reading them, as (layers, heads, L, L)."""
    maps = load_array(path, mmap_mode="r")
    if maps.ndim == 3:
        maps = maps[None]
    length = len(rna)
    if maps.ndim != 4 or 0 in maps.shape or maps.shape[2:] != (length, length):
        raise StudyError(
            f"{path}: shape {maps.shape}, but RNA {rna.name!r} has {length} bases; "
            f"give (layers, heads, {length}, {length}) or (maps, {length}, {length}), special tokens cut off"
        )
    return maps


def _checked(maps: NDArray[np.float64], path: Path, layer: int) -> NDArray[np.float64]:
    """Return the maps of a layer if they can be attention after softmax."""
    if not np.isfinite(maps).all():
        raise StudyError(f"{path}: layer {layer} holds NaN or infinity; give attention after softmax")
    if maps.min() < 0:
        raise StudyError(
            f"{path}: layer {layer} holds {maps.min():.3g}; attention after softmax is never negative: give the softmax, not logits or corrected scores"
        )
    highest = maps.sum(-1).max()
    if highest > 1 + _ROW_SLACK:
        raise StudyError(
            f"{path}: a row of layer {layer} sums to {highest:.6g}; give the softmax itself, neither logits nor rescaled maps: no row sums to more than 1"
        )
    return maps


def _result(setting: Setting, choice: Choice, scores: Scores) -> dict[str, Any]:
    return {
        "protocol": setting.protocol,
        "selected": {
            "layer": choice.layer,
            "head": choice.head,
            "threshold": choice.threshold,
            "f1_micro": choice.f1_micro,
            "f1_macro": choice.f1_macro,
        },
        "test": {
            "f1_micro": _or_none(scores.f1_micro),
            "f1_macro": _or_none(scores.f1_macro),
            "per_rna": {name: _or_none(f1) for name, f1 in zip(scores.names, scores.f1.tolist(), strict=True)},
        },
        "decoder": setting.decoder,
        "min_separation": setting.separation,
        "n_test": len(scores.names),
        "n_test_without_pairs": scores.n_without_pairs,
    }


def _or_none(number: float) -> float | None:
    return number if isfinite(number) else None
