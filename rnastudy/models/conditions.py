"""Named conditions of a model: ``NAME@depth1`` and ``NAME@prior-off``, which change what it is shown and not its weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError, brief
from rnastudy.paths import is_there, shown

if TYPE_CHECKING:
    from torch import nn

    from rnastudy.models.probe import Probe

__all__ = ["Condition", "at_depth", "conditions", "impose", "shown_name", "split_name", "without_prior"]

_SUFFIX = re.compile(r"@(depth(?P<depth>[0-9]{1,9})|prior-off)(?=@|$)")


@dataclass(frozen=True, slots=True)
class Condition:
    """What stands behind a model's name beside ``@untrained``.

    Parameters
    ----------
    depth : int, optional
        ``@depthN``: at most N rows of an alignment are read, chosen by `rnastudy.datasets.alignments.diverse_rows`; depth 1
        is the sequence alone.
    prior_off : bool
        ``@prior-off``: a table of base pairs that the architecture adds to its attention scores is set to zero.
    """

    depth: int | None = None
    prior_off: bool = False


def conditions(name: str) -> tuple[str, Condition]:
    """Take the conditions off the name of a model.

    Parameters
    ----------
    name : str
        As `rnastudy.models.load` is given it.

    Returns
    -------
    name : str
        What is left, ``@untrained`` among it.
    condition : Condition

    Raises
    ------
    StudyError
        If a depth is 0, or a condition is given twice.

    Examples
    --------
    >>> conditions("rnamsm@depth1@untrained")
    ('rnamsm@untrained', Condition(depth=1, prior_off=False))
    """
    found = list(_SUFFIX.finditer(name))
    depths = [int(one["depth"]) for one in found if one["depth"]]
    offs = len(found) - len(depths)
    if len(depths) > 1 or offs > 1 or 0 in depths:
        raise StudyError(f"model {brief(name)}: a depth is 0, or a condition comes twice; give one '@depthN', with N of 1 or more, and one '@prior-off'")
    return _SUFFIX.sub("", name), Condition(depths[0] if depths else None, bool(offs))


def split_name(name: str) -> tuple[str, str, bool]:
    """Take the name of a model apart.

    Parameters
    ----------
    name : str
        ``KEY@PATH@untrained``, of which all but the first may be missing; conditions are passed over.

    Returns
    -------
    key : str
        Key of a card, hub id, or path of a checkpoint folder.
    suffix : str
        What else stands behind it, such as the path of weights in the authors' layout; may be empty.
    untrained : bool
        Whether random weights are asked for.

    Examples
    --------
    >>> split_name("utrlm-base@weights/a.pkl@untrained")
    ('utrlm-base', 'weights/a.pkl', True)
    """
    key, _, rest = conditions(name)[0].partition("@")
    untrained = rest == "untrained" or rest.endswith("@untrained")
    return key, rest.removesuffix("untrained").removesuffix("@") if untrained else rest, untrained


def shown_name(name: str) -> str:
    """Return the name of a model as tables and pages show it, without paths of this machine.

    Of weights behind a key the name of the file is kept, of a folder outside the working folder its last part.

    Examples
    --------
    >>> shown_name("utrlm-base@/data/mine/a.pkl@untrained"), shown_name("rnafm@untrained")
    ('utrlm-base@a.pkl@untrained', 'rnafm@untrained')
    """
    key, suffix, _ = split_name(name)
    plain = shown(Path(key).expanduser()) if "/" in key and is_there(key) else key
    rest = name[len(key) :]
    return plain + (rest.replace(suffix, Path(suffix).name, 1) if suffix else rest)


def at_depth(name: str, depth: int) -> str:
    """Add ``@depthN`` to the name of a model, before ``@untrained``, so that the twin's name is still the model's and its suffix.

    Examples
    --------
    >>> at_depth("rnamsm@untrained", 1)
    'rnamsm@depth1@untrained'
    """
    bare = name.removesuffix("@untrained")
    return f"{bare}@depth{depth}{name[len(bare) :]}"


def impose(probe: Probe, condition: Condition) -> None:
    """Put a loaded model under a condition.

    Raises
    ------
    StudyError
        If the model reads no alignment, has no pairing prior, or cannot read so many rows.
    """
    if condition.depth is not None:
        _limit(probe, condition.depth)
    if condition.prior_off and not without_prior(probe.network):
        raise StudyError(f"{probe.name!r} has no pairing prior to switch off; '@prior-off' is for models such as ernierna")


def _limit(probe: Probe, depth: int) -> None:
    if not probe.reads_alignment:
        raise StudyError(f"{probe.name!r} reads single sequences; '@depth{depth}' is for models that read alignments, such as align-27k and rnamsm")
    if probe.max_rows is not None and depth > probe.max_rows:
        raise StudyError(f"{probe.name!r} reads at most {probe.max_rows} rows, not {depth}; give a smaller depth")
    probe.max_rows = depth


def without_prior(network: nn.Module) -> bool:
    """Set the table of base pairs in a network's buffers to zero (ERNIE-RNA); its learned weights stay.

    Parameters
    ----------
    network : nn.Module
        The table is the buffer ``pairwise_bias_map`` of multimolecule 0.2.2, which fills it at the first call unless told
        that it is filled. A constant is left, which the softmax takes out again.

    Returns
    -------
    bool
        Whether there was such a table.
    """
    import torch

    found = False
    for module in network.modules():
        if hasattr(module, "pairwise_bias_map"):
            one: Any = module
            one.register_buffer("pairwise_bias_map", torch.zeros(one.pairwise_bias_map.shape), persistent=False)
            one._initialized = True
            found = True
    return found
