"""Train one small masked language model, exactly resumable, with a log and a loss curve."""

from __future__ import annotations

import csv
import json
import math
import platform
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn
from tqdm import tqdm
from transformers import PreTrainedModel

from rnastudy.devices import check_device
from rnastudy.errors import StudyError, unknown
from rnastudy.modeling import TOKENS, AlignmentConfig, AlignmentForMaskedLM, EncoderConfig, EncoderForMaskedLM
from rnastudy.modeling.pieces import Pieces
from rnastudy.paths import alone
from rnastudy.training.batches import Batch, Batches
from rnastudy.training.recipes import RECIPES, Recipe
from rnastudy.training.zoo import ZOO

__all__ = ["build", "find_recipe", "train"]

_CHECK_EVERY = 100


def build(recipe: Recipe, seed: int = 0) -> PreTrainedModel:
    """Make the untrained model of a recipe; the seed decides its random weights.

    Examples
    --------
    >>> build(RECIPES["mapconv-9k"]).num_parameters()
    9480
    """
    torch.manual_seed(seed)
    if recipe.architecture == "alignment":
        return AlignmentForMaskedLM(AlignmentConfig(**recipe.config))
    symbols = 3 if recipe.structure_loss else 0
    vocabulary = len(TOKENS) + {"base": 0, "kmer": 4**recipe.unit_size, "byte-pair": recipe.unit_size}[recipe.unit]
    units = {"unit": recipe.unit, "unit_size": recipe.unit_size, "vocab_size": vocabulary}
    return EncoderForMaskedLM(EncoderConfig(**recipe.config, **units, structure_symbols=symbols))


def find_recipe(name: str) -> Recipe:
    """Return the recipe of a shipped model, or of an experiment of the zoo.

    Raises
    ------
    StudyError
        If there is none of this name.

    Examples
    --------
    >>> find_recipe("zoo/spans").masking
    'spans'
    """
    known = {**RECIPES, **ZOO}
    if name not in known:
        raise unknown("recipe", name, known)
    return known[name]


def _rate(step: int, recipe: Recipe) -> float:
    """Learning rate of a step: a linear rise, then half a cosine down to the final share."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return recipe.final_rate + (1 - recipe.final_rate) * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def _validation_loss(model: PreTrainedModel, batches: list[Batch], device: str) -> float:
    """Mean cross-entropy of the hidden bases of families that are not trained on."""
    model.eval()
    losses, counts = [], []
    for shown, labels, _ in batches:
        losses.append(model(shown.to(device), labels=labels.to(device)).loss.item())
        counts.append(int((labels >= 0).sum()))
    model.train()
    return float(np.average(losses, weights=counts))


def _save_checkpoint(folder: Path, step: int, made_by: str, model: PreTrainedModel, optimiser: torch.optim.Optimizer, log: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    state = {"step": step, "made_by": made_by, "model": model.state_dict(), "optimiser": optimiser.state_dict(), "log": log}
    try:
        torch.save(state, folder / "part")
        (folder / "part").replace(folder / f"step-{step:05d}.pt")
    except (OSError, RuntimeError) as error:
        raise _unwritten(folder, error) from None


def _resume(folder: Path, made_by: str, model: PreTrainedModel, optimiser: torch.optim.Optimizer, device: str) -> tuple[int, list[dict]]:
    """Load the newest checkpoint, if there is one; return the next step and the log so far."""
    found = sorted(folder.glob("step-*.pt"), key=lambda path: (len(path.name), path.name))
    if not found:
        return 0, []
    state = _stored(found[-1], device)
    if state["made_by"] != made_by:
        raise StudyError(f"{folder} holds a training with another recipe, seed or number of steps; choose another --out, or remove that folder")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"], state["log"]


def _stored(path: Path, device: str) -> dict[str, Any]:
    """Read what `_save_checkpoint` wrote; a file that is damaged, or holds anything else, is refused."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        whole = isinstance(state, dict) and {"step", "made_by", "model", "optimiser", "log"} <= state.keys()
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, UnpicklingError):
        whole = False
    if not whole:
        raise StudyError(f"{path}: is no whole checkpoint of a training; remove it, and the training goes on from the one before")
    return state


def _write(out: Path, name: str, model: PreTrainedModel, log: list[dict], stamp: dict[str, Any], pieces: Pieces | None) -> None:
    """Write weights, configuration, stamp and loss curve, each whole or not at all."""
    part = out / "checkpoints" / "written"
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    (part / "model.safetensors").chmod(0o644)
    with (part / "curve.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(log[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(log)
    (part / "training.json").write_text(json.dumps({"name": name, **stamp}, indent=1) + "\n")
    if pieces is not None:
        pieces.save(part)
    for path in sorted(part.iterdir()):
        path.replace(out / path.name)
    part.rmdir()


def train(
    name: str,
    out: str | Path,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
    every: int | None = None,
) -> Path:
    """Train the model of a recipe and write it as a `transformers` checkpoint folder.

    A run that was stopped goes on from its last checkpoint in ``out/checkpoints``, and ends with the
    same weights on the same device.

    Parameters
    ----------
    name : str
        See `find_recipe`.
    out : str or Path
        Folder for config.json, model.safetensors, training.json and curve.csv.
    steps : int, optional
        Fewer or more steps than the recipe's; its schedule is stretched to fit.
    seed : int
        Decides the first weights and every batch.
    device : str
        ``cpu``, ``cuda`` or ``cuda:0`` ...
    progress : bool
        Show a progress bar.
    every : int, optional
        Measure the validation loss and write a checkpoint after so many steps, 100 by default, and after the last.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StudyError
        If the name is not known, `steps` or `every` is below 1, the device is not there, or the loss is no longer a number.
    """
    found = find_recipe(name)
    if steps is not None and steps < 1:
        raise StudyError(f"steps must be at least 1, not {steps}")
    if every is not None and every < 1:
        raise StudyError(f"every must be at least 1 step, not {every}")
    check_device(device)
    recipe = found if steps is None else replace(found, steps=steps)
    out = Path(out)
    try:
        with alone(out, "training"):
            (out / "checkpoints").mkdir(parents=True, exist_ok=True)
            return _train(name, recipe, out, seed, device, progress, every or _CHECK_EVERY)
    except OSError as error:
        raise _unwritten(out, error) from None


def _train(name: str, recipe: Recipe, out: Path, seed: int, device: str, progress: bool, every: int) -> Path:
    model = build(recipe, seed)
    model.to(torch.device(device))  # type: ignore[arg-type]
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.decay)
    batches = Batches(recipe, seed)
    began = time.perf_counter()
    log = _run(recipe, model, optimiser, batches, out / "checkpoints", device, progress, every)
    stamp = _stamp(recipe, seed, device, batches, log, time.perf_counter() - began, model)
    try:
        _write(out, name, model, log, stamp, batches.pieces)
    except (OSError, SafetensorError) as error:
        raise _unwritten(out, error) from None
    return out


def _unwritten(out: Path, error: Exception) -> StudyError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
    return StudyError(f"cannot write into {out}: {reason}; choose another --out, or make room and run the same command again")


def _run(
    recipe: Recipe,
    model: PreTrainedModel,
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    checkpoints: Path,
    device: str,
    progress: bool,
    every: int,
) -> list[dict]:
    """Do the steps that are still to be done; return the log."""
    made_by = json.dumps({"seed": batches.seed, **asdict(recipe)}, sort_keys=True)
    first, log = _resume(checkpoints, made_by, model, optimiser, device)
    tokens = log[-1]["tokens"] if log else 0
    running: list[float] = []
    for step in (bar := tqdm(range(first, recipe.steps), initial=first, total=recipe.steps, disable=not progress)):
        batch = batches.draw(step)
        loss = _update(model, optimiser, batch.to(device), recipe, step)
        tokens += int((batch.shown != TOKENS["PAD"]).sum())
        running.append(loss)
        if (step + 1) % every == 0 or step + 1 == recipe.steps:
            held = _validation_loss(model, batches.held, device)
            log.append({"step": step + 1, "tokens": tokens, "loss": round(float(np.mean(running)), 5), "validation_loss": round(held, 5)})
            running = []
            bar.set_postfix(loss=f"{log[-1]['loss']:.3f}", held=f"{held:.3f}")
            _save_checkpoint(checkpoints, step + 1, made_by, model, optimiser, log)
    return log


def _update(model: PreTrainedModel, optimiser: torch.optim.Optimizer, batch: Batch, recipe: Recipe, step: int) -> float:
    """One optimiser step; returns the loss before it."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.learning_rate * _rate(step, recipe)
    loss = model(batch.shown, labels=batch.labels, symbols=batch.symbols).loss
    if not torch.isfinite(loss):
        raise StudyError(f"the loss is {loss.item()} at step {step}; lower the learning rate")
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimiser.step()
    return float(loss.detach())


def _stamp(recipe: Recipe, seed: int, device: str, batches: Batches, log: list[dict], seconds: float, model: PreTrainedModel) -> dict[str, Any]:
    from transformers import __version__ as transformers_version

    return {
        "recipe": asdict(recipe),
        "seed": seed,
        "parameters": model.num_parameters(),
        "corpora": {name: {"rnas": batches.sizes[name], "sha256": sha} for name, sha in batches.checksums.items()},
        "tokens": log[-1]["tokens"],
        "loss": log[-1]["loss"],
        "validation_loss": log[-1]["validation_loss"],
        "seconds_last_run": round(seconds, 1),
        "device": device,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers_version,
        "python": platform.python_version(),
    }
