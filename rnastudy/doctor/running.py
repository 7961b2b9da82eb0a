"""Does the model give the same numbers however it is run, and are they what attention and states should be?"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

from rnastudy.doctor.natives import some
from rnastudy.doctor.records import FAIL, NOT_RUN, PASS, Check
from rnastudy.errors import StudyError
from rnastudy.models.probe import COPIES, Probe

__all__ = ["attention_rows", "batch", "lengths", "padding_hidden", "states_of", "twice"]

#: Largest difference that may come of rounding, as a share of the largest value, by the weights' precision.
ROUNDING = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 5e-2}
#: Largest difference of a sum over an attention row from one, likewise.
SUMS = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 2e-2}
#: RNAs that are run alone and together.
TOGETHER = 6
#: Bases that a model without a limit is run on, and the most floating-point operations of one forward pass here.
UNLIMITED, LARGEST = 500, {"cpu": 2e12, "cuda": 1e15}


def _dtype(probe: Probe) -> torch.dtype:
    return next(probe.network.parameters()).dtype


def _outputs(probe: Probe, rnas: list[Any]) -> dict[tuple[str, int], Tensor]:
    """Attention and hidden states of RNAs handed in together, on the CPU."""
    maps: dict[int, list[Tensor]] = {}
    for layer in probe.attention(rnas):
        maps.setdefault(layer.index, []).append(layer.maps.cpu())
    found = {("attention", index): torch.stack(held) for index, held in maps.items()}
    return found | {("states", state.index): state.bases.cpu() for state in probe.hidden(rnas, layers="all")}


def _difference(one: dict[tuple[str, int], Tensor], other: dict[tuple[str, int], Tensor], kind: str) -> float:
    """Largest difference as a share of the largest value; infinite where a number is not finite."""
    keys = [key for key in one if key[0] == kind]
    if not all(bool(held[key].isfinite().all()) for held in (one, other) for key in keys):
        return float("inf")
    largest = max(float(one[key].abs().max()) for key in keys)
    return max(float((one[key] - other[key]).abs().max()) for key in keys) / max(largest, 1e-30)


def _alone(probe: Probe, rnas: list[Any]) -> dict[tuple[str, int], Tensor]:
    return {(kind, index): held for index, rna in enumerate(rnas) for (kind, _), held in _outputs(probe, [rna]).items()}


def batch(probe: Probe) -> Check:
    """Run RNAs of several lengths alone and together: padding and company must not change what is said of them.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    rnas = sorted(some(4 * TOGETHER, probe.reader.alphabet), key=len)[::4]
    alone, together = _alone(probe, rnas), _outputs(probe, rnas)
    found = {kind: _difference(alone, together, kind) for kind in ("attention", "states")}
    limit = ROUNDING[_dtype(probe)]
    measured = (
        f"{len(rnas)} RNAs of {len(rnas[0])} to {len(rnas[-1])} bases, alone and together: attention {found['attention']:.1e}, states {found['states']:.1e}"
    )
    reason = ""
    if probe.padding.to:
        reason = f"documented exception: every input is padded to {probe.padding.to} tokens{' and the padding attended to' if probe.padding.seen else ''}"
    elif probe.reads_alignment:
        reason = "alignments are read one at a time"
    return Check("padding and batch", PASS if max(found.values()) <= limit else FAIL, measured, f"at most {limit:g} of the largest value", reason)


def padding_hidden(probe: Probe) -> Check:
    """Look at what the mask hides: a model that attends to padding must be one whose card or adapter says so.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, limit = "padding hidden", "padding is hidden, or attended to at one fixed length as the adapter says"
    if not probe.padding.seen:
        return Check(name, PASS, "hidden", limit)
    measured = f"attended to, every input padded to {probe.padding.to or 'the longest of its batch'}"
    return Check(name, PASS if probe.padding.to else FAIL, measured, limit, "documented exception" if probe.padding.to else "")


def twice(probe: Probe) -> Check:
    """Run the same RNAs twice: the noise floor, below which no difference between models means anything.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    rnas = list(some(3, probe.reader.alphabet))
    one, other = _outputs(probe, rnas), _outputs(probe, rnas)
    found = {kind: _difference(one, other, kind) for kind in ("attention", "states")}
    limit = ROUNDING[_dtype(probe)] / 10
    measured = f"attention {found['attention']:.1e}, states {found['states']:.1e}"
    return Check("run twice", PASS if max(found.values()) <= limit else FAIL, measured, f"at most {limit:g} of the largest value")


def attention_rows(probe: Probe) -> Check:
    """Sum the attention rows between tokens: every row one, every number finite, every layer and head there.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    worst, finite, shapes = 0.0, True, set()
    for rna in some(3, probe.reader.alphabet):
        heads = []
        for _, maps in probe.token_maps(rna):
            finite = finite and bool(maps.isfinite().all()) and float(maps.min()) >= 0
            worst = max(worst, float((maps.float().sum(-1) - 1).abs().max()))
            heads.append(maps.shape[0])
        shapes.add((len(heads), *sorted(set(heads))))
    limit = SUMS[_dtype(probe)]
    right = finite and worst <= limit and shapes == {(probe.n_layers, probe.n_heads)}
    measured = (
        f"rows differ from one by at most {worst:.1e}; {'all finite, none negative' if finite else 'NaN, infinity or negative numbers'}; "
        f"layers and heads {', '.join(map(str, shapes))}"
    )
    return Check("attention rows", PASS if right else FAIL, measured, f"at most {limit:g}; {probe.n_layers} layers of {probe.n_heads} heads")


def _longest(probe: Probe) -> int | None:
    """Bases of the longest RNA a model reads, by what it says of some; ``None`` where it has no limit."""
    if probe.max_bases is None and probe.max_tokens is None:
        return None
    low, high = 1, 2 * (probe.max_bases or 0) + 20 * (probe.max_tokens or 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if probe.skipped([_of_length(probe, middle)]) else (middle, high)
    return low


def _of_length(probe: Probe, bases: int) -> Any:
    real = some(20, probe.reader.alphabet)
    text = "".join(one.sequence for one in real)
    return type(real[0])(f"of {bases}", (text * (bases // len(text) + 1))[:bases])


def _too_large(probe: Probe, bases: int) -> str | None:
    """Say why an RNA of so many bases is not run here."""
    memory, work = COPIES * 4 * probe.n_heads * bases**2, 2.0 * probe.n_parameters * bases
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 2
    if probe.device.type == "cuda":
        free = torch.cuda.mem_get_info(probe.device)[0] / 2
    if memory > free:
        return f"one layer's attention of {bases:,} bases takes {memory / 1e9:.1f} GB, more than half of what is free"
    return f"{bases:,} bases take {work:.0e} floating-point operations" if work > LARGEST[probe.device.type] else None


def lengths(probe: Probe) -> Check:
    """Run an RNA of exactly the longest length, and make sure that one base more is refused in words.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    longest = _longest(probe)
    bases, name = longest or UNLIMITED, "lengths"
    limit = "read at its limit, refused beyond" if longest else "no limit is built in"
    reason = _too_large(probe, bases)
    if reason:
        return Check(name, NOT_RUN, f"limit {bases:,} bases", limit, reason)
    states = next(iter(probe.hidden([_of_length(probe, bases)]))).bases
    right, said = len(states[0]) == bases and bool(states.isfinite().all()), f"{bases:,} bases read"
    if longest:
        refused = _refusal(probe, longest + 1)
        right, said = right and "too long" in refused, f"{said}; {longest + 1:,}: {refused or 'read, and should not be'}"
    return Check(name, PASS if right else FAIL, said, limit)


def _refusal(probe: Probe, bases: int) -> str:
    """Return what the model says of an RNA of so many bases, if it refuses it."""
    try:
        next(iter(probe.hidden([_of_length(probe, bases)])))
    except StudyError as error:
        return str(error)
    return ""


def states_of(probe: Probe) -> tuple[float, ...]:
    """Size of the states of one RNA: root of the mean square, at the embedding and behind each layer.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    tuple of float
        N + 1 numbers.
    """
    states = next(iter(probe.hidden(list(some(1, probe.reader.alphabet)), layers="all"))).bases.double()
    return tuple(float(f"{value:.7g}") for value in states.square().mean((1, 2)).sqrt().tolist())
