"""Are these the weights, sizes and settings of the original?"""

from __future__ import annotations

from math import prod
from typing import Any

from torch import nn

from rnastudy.doctor.natives import some
from rnastudy.doctor.norms import ONE_LAYER, norm_order, norms
from rnastudy.doctor.records import FAIL, NOT_RUN, PASS, Check
from rnastudy.models.adapters import adapter, adapter_names
from rnastudy.models.cards import ModelCard
from rnastudy.models.probe import Probe

__all__ = ["finite_weights", "keys_matched", "parameters", "settings", "sizes"]

#: Share by which a count may differ from the card's.
TOLERANCE = 0.02
#: Parts of a network that a published count may leave out, by the first part of a parameter's name.
HEADS = ("lm_head", "cls", "head", "pooler", "contact_head")


def keys_matched(probe: Probe) -> Check:
    """List the tensors that the loading passed over; it stops at any that is missing or left over otherwise.

    Parameters
    ----------
    probe : Probe
        A model that was loaded.

    Returns
    -------
    Check
    """
    name, limit = "keys", "none missing or left over but for parts that no attention, state or logit depends on"
    if probe.name.endswith("@untrained"):
        return Check(name, NOT_RUN, limit=limit, reason="random weights: nothing was read")
    exceptions: Any = getattr(probe.network, "key_exceptions", ())
    count = len(probe.network.state_dict())
    measured = f"{count} tensors matched by name and shape; exceptions used: {', '.join(exceptions) or 'none'}"
    adapted = probe.card is not None and probe.card.loader in adapter_names()
    return Check(name, PASS, measured, limit, "what the adapter leaves out is left out by name" if adapted else "")


def _step(value: float) -> float:
    """Half a unit of the last digit that a number is written with."""
    digits = f"{value:.10f}".rstrip("0").partition(".")[2]
    return float(0.5 * 10.0 ** -len(digits))


def _in_head(key: str) -> bool:
    return any(part in HEADS for part in key.split(".")[:3])


def _in_checkpoint(card: ModelCard, network: nn.Module) -> dict[str, int]:
    """Count what the authors' checkpoint holds, heads that are left out here included, where an adapter lists it."""
    if card.loader not in adapter_names():
        return {}
    listed = {key: prod(shape) for key, shape in adapter(card.loader).layout(network.config).items()}
    encoder = sum(count for key, count in listed.items() if not _in_head(key))
    pooler = sum(count for key, count in listed.items() if "pooler" in key.split("."))
    return {"all of the checkpoint": sum(listed.values())} | ({"with the checkpoint's pooler": encoder + pooler} if pooler else {})


def parameters(probe: Probe) -> Check:
    """Count the parameters and hold them against the card.

    Published counts differ in which heads they include: the nearest of all parameters, all without heads, and, where
    an adapter lists the authors' checkpoint, that with its pooler and the whole of it is taken, and named.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, card = "parameters", probe.card
    if card is None or card.parameters_million is None:
        return Check(name, NOT_RUN, f"{probe.n_parameters:,}", reason="there is no card that states a number")
    heads = sum(weight.numel() for key, weight in probe.network.named_parameters() if _in_head(key))
    counts = {"all": probe.n_parameters, "without heads": probe.n_parameters - heads, **_in_checkpoint(card, probe.network)}
    stated = card.parameters_million * 1e6
    which = min(counts, key=lambda kind: abs(counts[kind] - stated))
    room = max(TOLERANCE * stated, _step(card.parameters_million) * 1e6)
    measured = f"{counts[which]:,} ({which}), the card says {stated:,.0f}"
    limit = f"within {room:,.0f}: {TOLERANCE:.0%}, or half a unit of the card's last digit"
    return Check(name, PASS if abs(counts[which] - stated) <= room else FAIL, measured, limit)


def sizes(probe: Probe) -> Check:
    """Hold layers, heads and width against the card.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    card, found = probe.card, (probe.n_layers, probe.n_heads, probe.width)
    measured = " x ".join(map(str, found))
    if card is None or None in (card.layers, card.heads, card.width):
        return Check("layers x heads x width", NOT_RUN, measured, reason="there is no card that states them")
    stated = (card.layers, card.heads, card.width)
    return Check("layers x heads x width", PASS if found == stated else FAIL, measured, "as the card: " + " x ".join(map(str, stated)))


def finite_weights(probe: Probe) -> Check:
    """Make sure that every weight is a finite number, and that the network is in evaluation mode.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    bad = [key for key, weight in probe.network.named_parameters() if not bool(weight.isfinite().all())]
    training = [key or "the network" for key, module in probe.network.named_modules() if module.training]
    measured = f"{len(bad)} tensors with NaN or infinity{f' (first {bad[0]})' if bad else ''}, {len(training)} modules in training mode"
    return Check("weights finite, dropout off", FAIL if bad or training else PASS, measured, "none of either")


def settings(probe: Probe) -> Check:
    """Hold the settings of the network against those of the original, which the card states.

    The epsilon is read off every norm, and whether norms stand before or behind the blocks off the states; all
    else is read from the configuration. A value that the stored configuration has wrong and the card corrects is
    said to be corrected.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, card = "settings of the original", probe.card
    wanted = {**card.overrides, **card.expects} if card else {}
    if not wanted:
        return Check(name, NOT_RUN, f"norm epsilon {_epsilons(probe.network)}", reason="the card states none" if card else "there is no card")
    said, wrong = [], []
    for key, value in wanted.items():
        found = _setting(probe, key)
        if found == [ONE_LAYER]:
            said.append(f"{key} cannot be read off one layer")
            continue
        same = all(one == value for one in found)
        corrected = card is not None and key in card.overrides and same
        said.append(f"{key} {', '.join(map(str, found)) or 'absent'}{' (set by the card)' if corrected else ''}")
        if not same or not found:
            wrong.append(key)
            said[-1] += _elsewhere(probe.network, value) if key == "layer_norm_eps" else ""
    return Check(name, FAIL if wrong else PASS, "; ".join(said), "; ".join(f"{key} {value}" for key, value in wanted.items()))


def _setting(probe: Probe, key: str) -> list[Any]:
    """Values a setting has in the network, each once."""
    if key == "norm_order":
        return [norm_order(probe, some(1, probe.reader.alphabet)[0])]
    config: Any = probe.network.config
    stated = [getattr(config, key)] if hasattr(config, key) else []
    return sorted({*stated, *_epsilons(probe.network)}) if key == "layer_norm_eps" else stated


def _elsewhere(network: nn.Module, epsilon: float) -> str:
    """Name the norms that have another epsilon."""
    other = [name for name, module in norms(network) if getattr(module, "eps", epsilon) != epsilon]
    return f" ({len(other)} norms differ, first {other[0]})" if other else ""


def _epsilons(network: nn.Module) -> list[float]:
    found: list[Any] = [getattr(module, "eps", None) for _, module in norms(network)]
    return sorted({epsilon for epsilon in found if isinstance(epsilon, float)})
