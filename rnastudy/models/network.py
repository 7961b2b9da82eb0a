"""Where a network shows its attention, and how it is watched without holding all of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from rnastudy.errors import StudyError

__all__ = ["AttentionPoint", "attention_points", "watched"]

#: Architectures that `transformers` cannot record by itself: name of the attention module of each layer,
#: and whether its maps come as (H, B, T, T). Read from rnastudy.modeling and multimolecule 0.2.2.
NAMED = {
    "rnastudy-encoder": (r"layers\.\d+\.attention", False),
    "rnastudy-alignment": (r"layers\.\d+\.row_attention", False),
    "rnamsm": (r"encoder\.layer\.\d+\.row_self_attention\.layer", True),
}


@dataclass(frozen=True)
class AttentionPoint:
    """A module whose output holds one layer's softmaxed attention.

    Parameters
    ----------
    module : nn.Module
        The module to hook.
    place : int
        Which item of its output tuple the maps are.
    heads_first : bool
        True if the maps come as (H, B, T, T) instead of (B, H, T, T).
    """

    module: nn.Module
    place: int = 1
    heads_first: bool = False

    def maps(self, output: Any) -> Tensor:
        """Take the maps, shape (B, H, T, T), out of the module's output."""
        found = output[self.place] if isinstance(output, tuple) and len(output) > self.place else None
        if found is None:
            raise StudyError(f"{type(self.module).__name__} returned no attention: a fused kernel ran; load with eager attention")
        return found.transpose(0, 1) if self.heads_first else found


def attention_points(network: nn.Module) -> list[AttentionPoint]:
    """Find where each layer of a network shows its attention.

    Parameters
    ----------
    network : nn.Module
        A model of `transformers`, `multimolecule` or this package; one of ours may name the attention module of each
        layer by a pattern in its attribute ``attention_modules``.

    Returns
    -------
    list of AttentionPoint
        One a layer, in order; row attention for alignment models.

    Raises
    ------
    StudyError
        If none is known, or if their number is not the number of layers in the configuration.
    """
    config: Any = network.config
    own = getattr(network, "attention_modules", None)
    if own is not None or config.model_type in NAMED:
        pattern, heads_first = (own, False) if own is not None else NAMED[config.model_type]
        ends = re.compile(rf"(^|\.){pattern}$")
        points = [AttentionPoint(module, 1, heads_first) for name, module in network.named_modules() if ends.search(name)]
    else:
        points = list(_recorded(network))
    layers = config.num_hidden_layers
    if len(points) != layers:
        raise StudyError(f"{type(network).__name__} shows attention in {len(points)} places and has {layers} layers; its architecture needs an adapter")
    return points


def _recorded(network: nn.Module) -> Iterator[AttentionPoint]:
    """Follow the places that `transformers` itself records attention from."""
    for kind, place, within in _recorders(network):
        for name, module in network.named_modules():
            fits = type(module).__name__ == kind if isinstance(kind, str) else isinstance(module, kind)
            if fits and (within is None or f".{within}." in f".{name}."):
                yield AttentionPoint(module, place)


def _recorders(network: nn.Module) -> list[tuple[Any, int, str | None]]:
    tables = (getattr(module, "_can_record_outputs", None) or {} for module in network.modules())
    found: Any = next((table["attentions"] for table in tables if "attentions" in table), [])
    several = found if isinstance(found, list) else [found]
    return [(one, 1, None) if isinstance(one, type | str) else (one.target_class or one.class_name, one.index, one.layer_name) for one in several]


@contextmanager
def watched(points: list[AttentionPoint], see: Callable[[int, Tensor], None]) -> Iterator[None]:
    """Call ``see(layer, maps)`` whenever a layer has computed its attention in this thread.

    Several forward passes of one network may stand still at the same time, each in a thread of its own; each
    sees its own maps only.

    Parameters
    ----------
    points : list of AttentionPoint
        One a layer.
    see : callable
        Gets the layer, from 0, and its maps, shape (B, H, T, T).
    """

    mine = threading.get_ident()

    def hook(layer: int, point: AttentionPoint) -> Callable[[nn.Module, Any, Any], None]:
        def seen(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if threading.get_ident() == mine:
                see(layer, point.maps(output))

        return seen

    with ExitStack() as stack:
        for layer, point in enumerate(points):
            stack.callback(point.module.register_forward_hook(hook(layer, point)).remove)
        yield
