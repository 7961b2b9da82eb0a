"""The words of a ``parameters`` cell that stand for more than themselves: names on cards, names of baselines, devices, files.

The names are asked of the rooms that use them, and only when a value is checked: no list is kept twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from rnastudy.errors import StudyError, brief
from rnastudy.models.conditions import split_name
from rnastudy.paths import is_there

__all__ = ["KINDS", "cards", "check_path", "looks_like_a_path", "model_name", "refuse_unrunnable"]

_LISTED = {"models": "rnastudy models", "data": "rnastudy data list", "proteins": "rnastudy data list"}
_FILES = (".npy", ".npz", ".txt", ".json", ".yml", ".yaml", ".zip", ".bin", ".pt", ".pth", ".safetensors")


def _models() -> Iterable[str]:
    from rnastudy import models

    return models.cards()


def _data() -> Iterable[str]:
    from rnastudy import datasets

    return datasets.cards().keys() - _tables()


def _tables() -> set[str]:
    """Names of the data sets that hold tables and no RNAs."""
    from rnastudy import datasets

    return {name for name, card in datasets.cards().items() if card.reader == "table"}


def _proteins() -> Iterable[str]:
    from rnastudy import datasets

    return [name for name, card in datasets.cards().items() if card.kind == "protein"]


def _map_baselines() -> Iterable[str]:
    from rnastudy.baselines import map_baseline_names

    return map_baseline_names()


def _vector_baselines() -> Iterable[str]:
    from rnastudy.baselines import vector_baseline_names

    return vector_baseline_names()


#: What gives the names that a word of a comment stands for.
KINDS: dict[str, Callable[[], Iterable[str]]] = {
    "models": _models,
    "data": _data,
    "proteins": _proteins,
    "map baselines": _map_baselines,
    "vector baselines": _vector_baselines,
}


def cards(kind: str) -> Iterable[str]:
    """Return the names that a word stands for.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.

    Examples
    --------
    >>> "vienna-mfe" in cards("map baselines"), "near_duplicates" in cards("data")
    (True, False)
    """
    return KINDS[kind]()


def looks_like_a_path(word: str) -> bool:
    """Say whether a word is meant as a path: it has a slash, or ends as files do.

    Examples
    --------
    >>> [looks_like_a_path(word) for word in ("mine.fa.gz", "models/mine", "aidorna-1.6b")]
    [True, True, False]
    """
    from rnastudy.datasets.readers import SUFFIXES

    suffix = Path(word.removesuffix(".gz")).suffix.lower()
    return "/" in word or "\\" in word or word.endswith(".gz") or suffix in SUFFIXES or suffix in _FILES


def check_path(kind: str, word: str) -> bool:
    """Say whether a word is the path of a user's own checkpoint folder (``models``) or of a file or folder of RNAs (``data``).

    An id on the hub, ``hf:owner/name``, counts as a path of a model.

    Raises
    ------
    StudyError
        If it looks like a path and there is nothing, or it is a path of something else.

    Examples
    --------
    >>> check_path("data", "srtrain15O")
    False
    >>> check_path("models", "runs/mine")
    Traceback (most recent call last):
    rnastudy.errors.StudyError: no such file or folder: runs/mine; give a path that exists, or a name that 'rnastudy models' shows
    """
    if kind == "data" and word in _tables():
        raise StudyError(f"data set {word!r} holds tables, not RNAs; choose one that '{_LISTED[kind]}' gives RNAs for")
    if kind == "models" and re.fullmatch(r"hf:[\w-][\w.-]*/[\w.-]+", word):
        return True
    if not is_there(word):
        if looks_like_a_path(word):
            raise StudyError(f"no such file or folder: {brief(word)[1:-1]}; give a path that exists, or a name that '{_LISTED[kind]}' shows")
        return False
    path = Path(word).expanduser()
    if kind == "models" and not (path / "config.json").is_file():
        what = "has no config.json" if path.is_dir() else "is no folder"
        raise StudyError(f"model {word} {what}; give a checkpoint folder made by save_pretrained, or a name that 'rnastudy models' shows")
    return True


def model_name(word: str) -> str:
    """Return what stands before the ``@`` of a model, once what stands behind it was checked.

    Raises
    ------
    StudyError
        If it is neither ``untrained``, nor a condition such as ``depth1``, nor the path of weights.

    Examples
    --------
    >>> model_name("rnafm@untrained")
    'rnafm'
    """
    from rnastudy.models import cards
    from rnastudy.models.adapters import adapter_names

    name, suffix, _ = split_name(word)
    bare = brief(name)[1:-1]
    if suffix and not is_there(suffix):
        what = f"no such file or folder: {brief(suffix)[1:-1]}" if looks_like_a_path(suffix) else f"unknown suffix {brief('@' + suffix)} of model {brief(name)}"
        raise StudyError(f"{what}; write {bare}, {bare}@untrained, or {bare}@PATH of weights in their authors' layout")
    card = cards().get(name)
    if suffix and (card is None or card.loader not in adapter_names()):
        raise StudyError(f"model {bare} has no adapter for weights in their authors' layout, so '@PATH' is not for it; give the folder of a checkpoint alone")
    return name


def refuse_unrunnable(word: str) -> None:
    """Refuse a model whose card says that it cannot be loaded at all, here or elsewhere.

    Raises
    ------
    StudyError

    Examples
    --------
    >>> refuse_unrunnable("mapconv-9k@untrained")
    """
    from rnastudy import models

    card = models.cards().get(word.partition("@")[0])
    if card is not None and card.loader == "none":
        raise StudyError(f"model {word!r} cannot be loaded: no library has its architecture and no adapter has been written; choose one of 'rnastudy models'")
