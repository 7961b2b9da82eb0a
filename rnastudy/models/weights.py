"""Files of a model that has an adapter: found here, on the hub, or at a public address; never unpickled."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor

    from rnastudy.models.cards import ModelCard

__all__ = ["ModelFile", "find_file", "have_weights", "is_here", "local_file", "read_tensors", "weight_paths"]


@dataclass(frozen=True)
class ModelFile:
    """One file of a model.

    Parameters
    ----------
    name : str
        Name of the file.
    holds : str
        ``weights`` or ``tokenizer``.
    hub, revision : str, optional
        Repository on the Hugging Face hub and commit.
    url : str, optional
        Public address.
    by_hand : str, optional
        Where a person finds it, if no program can fetch it.
    sha256 : str, optional
        Checksum; ``None`` where none was published: the first fetch from `url` records it.
    size : int, optional
        Bytes.
    """

    name: str
    holds: str = "weights"
    hub: str | None = None
    revision: str | None = None
    url: str | None = None
    by_hand: str | None = None
    sha256: str | None = None
    size: int | None = None


def local_file(card: ModelCard, file: ModelFile) -> Path | None:
    """Find a file in the folder of weights: ``RNASTUDY_WEIGHTS``, else ``weights`` beside the one ``RNASTUDY_DATA`` names.

    Returns
    -------
    Path or None
        ``FOLDER/KEY/NAME``, if it is there.
    """
    named, data = os.environ.get("RNASTUDY_WEIGHTS"), os.environ.get("RNASTUDY_DATA")
    folder = Path(named) if named else Path(data).parent / "weights" if data else None
    path = folder / card.key / file.name if folder else None
    return path if path is not None and path.is_file() else None


def is_here(card: ModelCard, file: ModelFile) -> bool:
    """Say whether a file can be read without a network."""
    if local_file(card, file) is not None:
        return True
    if file.hub:
        from huggingface_hub import try_to_load_from_cache

        return isinstance(try_to_load_from_cache(file.hub, file.name, revision=file.revision), str)
    if file.url:
        from rnastudy.datasets.fetching import missing_files

        return not missing_files(_as_data(card, file))
    return False


def find_file(card: ModelCard, file: ModelFile) -> Path:
    """Return the path of a file, fetching it if it is not here; a known checksum is verified.

    Raises
    ------
    StudyError
        If it cannot be had; the error says from where and to where to bring it by hand.
    """
    path = local_file(card, file)
    if path is not None:
        return _verified(file, path)
    if file.hub:
        from huggingface_hub import hf_hub_download

        from rnastudy.models.checkpoint import readable

        with readable(f"{file.hub}: {file.name}"):
            return _verified(file, Path(hf_hub_download(file.hub, file.name, revision=file.revision)))
    if file.url:
        from rnastudy.datasets.fetching import fetch_file

        data = _as_data(card, file)
        return fetch_file(data, data.files[0])
    place = f"give --model {card.key}@PATH, or put it at $RNASTUDY_WEIGHTS/{card.key}/{file.name}"
    raise StudyError(f"{card.name}: {file.name} must be fetched by hand from {file.by_hand}; then {place}")


def weight_paths(card: ModelCard) -> list[Path]:
    """Find the weight files of a model: those brought by hand where they are here, else those with an address."""
    weights = [file for file in card.files if file.holds == "weights"]
    brought = [file for file in weights if not (file.hub or file.url)]
    if brought and all(local_file(card, file) for file in brought):
        return [find_file(card, file) for file in brought]
    return [find_file(card, file) for file in weights if file not in brought] or [find_file(card, file) for file in brought]


def have_weights(card: ModelCard) -> bool:
    """Say whether `weight_paths` needs no network."""
    weights = [file for file in card.files if file.holds == "weights"]
    brought = [file for file in weights if not (file.hub or file.url)]
    groups = [brought, [file for file in weights if file not in brought]]
    return any(group and all(is_here(card, file) for file in group) for group in groups)


def read_tensors(paths: Iterable[Path]) -> dict[str, Tensor]:
    """Read weight files: safetensors, or files of torch without unpickling any object.

    Returns
    -------
    dict of str to Tensor
        On the CPU; what a training framework wrapped around them is taken off.

    Raises
    ------
    StudyError
        If a file is damaged, or holds objects other than tensors.
    """
    import torch
    from safetensors.torch import load_file

    from rnastudy.models.adapters.base import unwrapped
    from rnastudy.models.checkpoint import readable

    found: dict[str, Any] = {}
    for path in paths:
        with readable(str(path)):
            stored = load_file(path) if path.suffix == ".safetensors" else _torch_file(path)
        if not isinstance(stored, Mapping):
            raise StudyError(f"{path}: holds a {type(stored).__name__}, not tensors by name; give the file of weights that the authors published")
        found |= {name: tensor for name, tensor in unwrapped(stored).items() if isinstance(tensor, torch.Tensor)}
    return found


def _torch_file(path: Path) -> Any:
    """Read a file of torch; an object in it that is not a tensor is named and refused."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f"an object of {named[1]!r}" if named else "objects"
        raise StudyError(f"{path}: holds {what} beside its tensors, which is not unpickled; give the file of weights that the authors published") from None


def _verified(file: ModelFile, path: Path) -> Path:
    from rnastudy.datasets.fetching import file_sha256

    found = file_sha256(path) if file.sha256 else None
    if found != file.sha256:
        raise StudyError(f"{path}: sha256 {str(found)[:12]}..., not {str(file.sha256)[:12]}...; fetch the file again")
    return path


def _as_data(card: ModelCard, file: ModelFile) -> Any:
    """Describe a file to `datasets.fetching`, which fetches, resumes and verifies."""
    from rnastudy.datasets.cards import DataCard, DataFile

    one = DataFile(file.name, file.sha256, file.size, file.url)
    return DataCard(f"{card.key} weights", card.name, ("weights",), "either", "public", "natural", "none", (one,), card.licence, card.weights)
