"""What an adapter is: how one model's own checkpoint becomes a network here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from rnastudy.models.cards import ModelCard
    from rnastudy.models.kmers import KmerReader
    from rnastudy.models.readers import HubReader, LetterReader

__all__ = ["Adapter", "Files", "Layout", "linear", "norm", "renamed", "unwrapped", "without_copy"]

#: Every tensor of the authors' checkpoint, by its name there, and its shape.
Layout = dict[str, tuple[int, ...]]
#: Gives the path of one of the card's files, fetching it where that is needed.
Files = Callable[[str], Path]


@dataclass(frozen=True)
class Adapter:
    """How the authors' own checkpoint of a model becomes a network here.

    Parameters
    ----------
    read_from : str
        Where the key map was read: repository and commit, or the header of a checkpoint.
    config : callable
        Makes the configuration from a card: sizes of the card, everything else as the original has it.
    network : callable
        Makes the network, with random weights, from the configuration; also on the meta device.
    layout : callable
        Lists every tensor that the authors' checkpoint holds for a configuration.
    convert : callable
        Renames the tensors of the authors' checkpoint (prefixes such as ``module.`` taken off before) to those of
        the network, and leaves out heads by name; a name that it does not know is an error.
    reader : callable
        Makes the reader from the card and its `Files`.
    read_weights : callable, optional
        Reads the weight files into one mapping; without it safetensors, and torch files without unpickling objects.
    max_tokens : int, optional
        Longest input with special tokens, where a table of positions sets one.
    padded_to : int, optional
        Every input is padded to this many tokens, and the padding attended to.
    no_logits : str, optional
        Why the model has no likelihoods.
    may_lack : str
        Pattern of tensors of the network that the checkpoint need not hold (buffers, tied copies).
    """

    read_from: str
    config: Callable[[ModelCard], Any]
    network: Callable[[Any], nn.Module]
    layout: Callable[[Any], Layout]
    convert: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    reader: Callable[[ModelCard, Files], LetterReader | HubReader | KmerReader]
    read_weights: Callable[[Iterable[Path]], Mapping[str, Tensor]] | None = None
    max_tokens: int | None = None
    padded_to: int | None = None
    no_logits: str | None = None
    may_lack: str = r"inv_freq$|position_ids$"


def unwrapped(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Take the tensors out of what training frameworks save around them.

    Parameters
    ----------
    stored : mapping
        A state dict, or a mapping that holds one under ``state_dict`` or ``model``; names may begin with ``module.``.

    Returns
    -------
    dict of str to Tensor

    Examples
    --------
    >>> unwrapped({"epoch": 3, "state_dict": {"module.norm.weight": 1.0}})
    {'norm.weight': 1.0}
    """
    inner = next((stored[key] for key in ("state_dict", "model") if isinstance(stored.get(key), Mapping)), stored)
    return {name.removeprefix("module."): tensor for name, tensor in inner.items()}


def renamed(stored: Mapping[str, Any], rules: Iterable[tuple[str, str]], *, ignore: str, model: str) -> dict[str, Any]:
    r"""Rename tensors by the first rule that fits a whole name.

    Parameters
    ----------
    stored : mapping of str to Tensor
        Names as the authors wrote them.
    rules : iterable of (str, str)
        Regular expression for the whole name, and its replacement.
    ignore : str
        Pattern, for the whole name, of what is left out on purpose.
    model : str
        Name for the error.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    StudyError
        If no rule fits a name, or two names become one.

    Examples
    --------
    >>> renamed({"layers.0.fc1.bias": 1, "head.bias": 2}, [(r"layers\.(\d+)\.fc1\.(.+)", r"layer.\1.inner.\2")], ignore=r"head\..+", model="X")
    {'layer.0.inner.bias': 1}
    """
    found: dict[str, Any] = {}
    patterns = [(re.compile(old), new) for old, new in rules]
    left_out = re.compile(ignore)
    for name, tensor in stored.items():
        if left_out.fullmatch(name):
            continue
        new = next((match.expand(new) for old, new in patterns if (match := old.fullmatch(name))), None)
        if new is None or new in found:
            raise StudyError(f"{model} checkpoint holds an unexpected tensor {name!r}; it is not the layout that was read, so nothing of it is used")
        found[new] = tensor
    return found


def without_copy(stored: Mapping[str, Any], copy: str, kept: str, *, model: str) -> dict[str, Any]:
    """Leave out the second name of a tensor that two parts of a network share; either name may be missing.

    Parameters
    ----------
    stored : mapping of str to Tensor
        A checkpoint.
    copy, kept : str
        The two names; the tensor is handed on under the second.
    model : str
        Name for the error.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    StudyError
        If both names are there and their tensors differ.

    Examples
    --------
    >>> without_copy({"head.weight": 1, "norm.bias": 2}, "head.weight", "words.weight", model="X")
    {'norm.bias': 2, 'words.weight': 1}
    """
    rest = {name: tensor for name, tensor in stored.items() if name != copy}
    if copy not in stored:
        return rest
    if kept in rest and not _same(stored[copy], rest[kept]):
        raise StudyError(f"{model} checkpoint: {copy!r} should be the same tensor as {kept!r} and differs; it belongs to another model or version")
    return {**rest, kept: rest.get(kept, stored[copy])}


def _same(left: Tensor, right: Tensor) -> bool:
    return left.shape == right.shape and (left.is_meta or bool((left == right).all()))


def linear(name: str, rows: int, columns: int, *, bias: bool = True) -> Layout:
    """List the tensors of a linear layer.

    Examples
    --------
    >>> linear("dense", 2, 3)
    {'dense.weight': (2, 3), 'dense.bias': (2,)}
    """
    return {f"{name}.weight": (rows, columns), **({f"{name}.bias": (rows,)} if bias else {})}


def norm(name: str, size: int, *, bias: bool = True) -> Layout:
    """List the tensors of a norm.

    Examples
    --------
    >>> norm("ln", 4, bias=False)
    {'ln.weight': (4,)}
    """
    return {f"{name}.weight": (size,), **({f"{name}.bias": (size,)} if bias else {})}
