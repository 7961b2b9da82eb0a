"""The norms of a network: which modules they are, where they stand, and what happens if two are exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnastudy.models.probe import Probe
from rnastudy.tokens import states_to_bases

__all__ = ["ONE_LAYER", "exchanged", "norm_order", "norm_pairs", "norms"]

#: Most pairs of norms that are exchanged, spread over the network.
PAIRS = 24
#: Answer of `norm_order` where there is no state between two layers.
ONE_LAYER = "one layer"


def norms(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """List the norms with weights, by name, in the order of the network.

    Examples
    --------
    >>> [name for name, _ in norms(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)))]
    ['1']
    """
    named = network.named_modules()
    return [(name, module) for name, module in named if "norm" in type(module).__name__.lower() and isinstance(getattr(module, "weight", None), nn.Parameter)]


def norm_pairs(network: nn.Module) -> list[tuple[str, str]]:
    """Pair norms of one size that stand one, two or three apart; at most 24 pairs, spread over the network.

    Examples
    --------
    >>> norm_pairs(nn.Sequential(nn.LayerNorm(2), nn.LayerNorm(2), nn.LayerNorm(3)))
    [('0', '1')]
    """
    found: list[tuple[str, Any]] = [(name, module.weight.shape) for name, module in norms(network)]
    neighbours = [(one, other) for step in (1, 2, 3) for one, other in zip(found, found[step:], strict=False)]
    pairs = [(one[0], other[0]) for one, other in neighbours if one[1] == other[1]]
    places = np.linspace(0, len(pairs) - 1, min(len(pairs), PAIRS)).round().astype(int)
    return [pairs[place] for place in np.unique(places)]


@contextmanager
def exchanged(network: nn.Module, one: str, other: str) -> Iterator[None]:
    """Exchange the weights of two modules of one kind for a while.

    Examples
    --------
    >>> pair = nn.Sequential(nn.LayerNorm(1), nn.LayerNorm(1))
    >>> pair[0].weight.data += 1
    >>> with exchanged(pair, "0", "1"):
    ...     pair[0].weight.item(), pair[1].weight.item()
    (1.0, 2.0)
    """
    left, right = dict(network.get_submodule(one).named_parameters()), dict(network.get_submodule(other).named_parameters())

    @torch.no_grad()
    def turn() -> None:
        for key in left.keys() & right.keys():
            kept = left[key].detach().clone()
            left[key].copy_(right[key])
            right[key].copy_(kept)

    turn()
    try:
        yield
    finally:
        turn()


def norm_order(probe: Probe, rna: Any) -> str:
    """Say where the norms stand: behind each block (``post``) or before it (``pre``).

    The state between two layers is what a norm has just given in a network of the first kind, and in one of the
    second kind it is not.

    Parameters
    ----------
    probe : Probe
        Any model.
    rna : Rna or Protein
        What it reads.

    Returns
    -------
    str
        ``pre`` or ``post``; `ONE_LAYER` where there is no state between two layers.
    """
    if probe.n_layers < 2:
        return ONE_LAYER
    seen: list[Tensor] = []
    tokens = probe.reader.read(rna.sequence)

    def see(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.shape[-1] == probe.width and output.dim() > 2:
            seen.append(output.detach().float().cpu())

    with ExitStack() as stack:
        for _, module in norms(probe.network):
            stack.callback(module.register_forward_hook(see).remove)
        states = next(iter(probe.hidden([rna], layers="all"))).bases[1].cpu()
    rows = (one.reshape(-1, one.shape[-2], probe.width)[0, : len(tokens)] for one in seen)
    given = (states_to_bases(row, tokens.spans, len(rna)) for row in rows if len(row) == len(tokens))
    return "post" if any(torch.allclose(one, states, atol=1e-5) for one in given) else "pre"
