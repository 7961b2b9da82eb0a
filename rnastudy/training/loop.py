"""Train one small masked language model, exactly resumable, with a log and a loss curve."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import platform
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel

from rnastudy.errors import StudyError, unknown
from rnastudy.modeling import ALIGNMENT_TOKENS, TOKENS, AlignmentConfig, AlignmentForMaskedLM, EncoderConfig, EncoderForMaskedLM
from rnastudy.training.corpora import Corpus, hairpins, pad, single_hairpins
from rnastudy.training.recipes import RECIPES, Recipe, Stage

__all__ = ["build", "mask", "train"]

_SYNTHETIC = {"hairpins": hairpins, "single_hairpins": single_hairpins}
_MASK, _CHECK_EVERY = TOKENS["MASK"], 100


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
    return EncoderForMaskedLM(EncoderConfig(**recipe.config))


def mask(ids: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Hide bases that the model must name.

    Parameters
    ----------
    ids : int array
        Token ids; only A, C, G and U (0 to 3) are ever hidden.
    recipe : Recipe
        Says how many, and what is shown in their place.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    shown, labels : Tensor
        Same shape as `ids`; labels are -100 where nothing was hidden.

    Examples
    --------
    >>> shown, labels = mask(np.zeros((1, 8), dtype=int), RECIPES["mapconv-9k"], np.random.default_rng(0))
    >>> bool(((labels == 0) | (labels == -100)).all())
    True
    """
    hidden = (ids < 4) & (rng.random(ids.shape) < recipe.masked)
    lot = rng.random(ids.shape)
    shown = np.where(hidden & (lot < recipe.mixture[0]), _MASK, ids)
    swapped = hidden & (lot >= recipe.mixture[0]) & (lot < sum(recipe.mixture))
    shown = np.where(swapped, rng.integers(0, 4, ids.shape), shown)
    return torch.from_numpy(shown), torch.from_numpy(np.where(hidden, ids, -100))


class _Batches:
    """Batches of a recipe, each a function of the seed and the step."""

    def __init__(self, recipe: Recipe, seed: int) -> None:
        self.recipe, self.seed = recipe, seed
        self.aligned = recipe.architecture == "alignment"
        self.checksums: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        loaded = {name: self._load(name) for stage in recipe.stages for name in stage.corpora if name not in _SYNTHETIC}
        self.corpora = [self._mix(stage, {name: split[0] for name, split in loaded.items()}) for stage in recipe.stages]
        self.held = self._validation([rna for split in loaded.values() for rna in split[1]])

    def _load(self, name: str) -> tuple[list[Any], list[Any]]:
        """Split a data set by family into training and validation (one family in twenty)."""
        from rnastudy import datasets

        data = datasets.load(name)
        self.checksums[name], self.sizes[name] = _content(data.rnas), len(data)
        held = [hashlib.sha256((rna.family or rna.name).encode()).digest()[0] < 13 for rna in data.rnas]
        return [r for r, out in zip(data.rnas, held, strict=True) if not out], [r for r, out in zip(data.rnas, held, strict=True) if out]

    def _mix(self, stage: Stage, sets: dict[str, list[Any]]) -> Corpus | None:
        real = [(sets[name], weight) for name, weight in stage.corpora.items() if name in sets]
        return Corpus.mix(real, self.recipe.bases, aligned=self.aligned) if real else None

    def _validation(self, rnas: list[Any]) -> list[tuple[Tensor, Tensor]]:
        """Batches of held-out families at full depth, masked once and for all."""
        rng = np.random.default_rng([self.seed, 1 << 20])
        corpus = Corpus.mix([(rnas, 1.0)], self.recipe.bases, aligned=self.aligned)
        return [self._real(corpus, rng, self.recipe.rows) for _ in range(8)]

    def _real(self, corpus: Corpus, rng: np.random.Generator, depth: int) -> tuple[Tensor, Tensor]:
        """One batch of sequences, or of alignments with `depth` random rows each."""
        if not self.aligned:
            return self._ready(corpus.draw(self.recipe.tokens, rng), rng)
        rows = corpus.draw(self.recipe.tokens, rng, rows=depth)
        stacked = np.full((len(rows), depth, max(row.shape[1] for row in rows)), ALIGNMENT_TOKENS["PAD"])
        for k, row in enumerate(rows):
            shown = row[rng.permutation(len(row))[:depth]]
            stacked[k, : shown.shape[0], : shown.shape[1]] = shown
        return mask(stacked, self.recipe, rng)

    def _ready(self, rows: list[np.ndarray], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        return mask(pad(rows, TOKENS["PAD"], end=TOKENS["SINK"]), self.recipe, rng)

    def stage(self, step: int) -> int:
        """Number of the stage that a step lies in."""
        ends = np.cumsum([stage.share for stage in self.recipe.stages]) * self.recipe.steps
        return min(int(np.searchsorted(ends, step, side="right")), len(ends) - 1)

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of a step: one corpus of the stage, chosen by weight."""
        rng, number = np.random.default_rng([self.seed, step]), self.stage(step)
        stage, corpus = self.recipe.stages[number], self.corpora[number]
        weights = {name: weight for name, weight in stage.corpora.items() if name in _SYNTHETIC}
        weights[""] = sum(stage.corpora.values()) - sum(weights.values())
        name = rng.choice(list(weights), p=np.array(list(weights.values())) / sum(weights.values()))
        if name:
            count = self.recipe.tokens // (30 if name == "single_hairpins" else 80)
            return self._ready(_SYNTHETIC[name](count, rng), rng)
        assert corpus is not None
        return self._real(corpus, rng, 2 ** int(rng.integers(int(math.log2(self.recipe.rows)) + 1)) if self.aligned else 1)


def _content(rnas: Iterable[Any]) -> str:
    """Checksum of the sequences themselves, so that it does not change when a file is packed anew."""
    rows = ("\t".join((rna.name, *(rna.alignment or (rna.sequence,)))) for rna in rnas)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _rate(step: int, recipe: Recipe) -> float:
    """Learning rate of a step: a linear rise, then half a cosine down to the final share."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return recipe.final_rate + (1 - recipe.final_rate) * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def _validation_loss(model: PreTrainedModel, batches: list[tuple[Tensor, Tensor]], device: str) -> float:
    """Mean cross-entropy of the hidden bases of families that are not trained on."""
    model.eval()
    losses, counts = [], []
    for shown, labels in batches:
        losses.append(model(shown.to(device), labels=labels.to(device)).loss.item())
        counts.append(int((labels >= 0).sum()))
    model.train()
    return float(np.average(losses, weights=counts))


def _save_checkpoint(folder: Path, step: int, made_by: str, model: PreTrainedModel, optimiser: torch.optim.Optimizer, log: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    state = {"step": step, "made_by": made_by, "model": model.state_dict(), "optimiser": optimiser.state_dict(), "log": log}
    torch.save(state, folder / "part")
    (folder / "part").replace(folder / f"step-{step:05d}.pt")


def _resume(folder: Path, made_by: str, model: PreTrainedModel, optimiser: torch.optim.Optimizer, device: str) -> tuple[int, list[dict]]:
    """Load the newest checkpoint, if there is one; return the next step and the log so far."""
    found = sorted(folder.glob("step-*.pt"))
    if not found:
        return 0, []
    state = torch.load(found[-1], map_location=device, weights_only=True)
    if state.get("made_by") != made_by:
        raise StudyError(f"{folder} holds a training with another recipe, seed or number of steps; choose another --out, or remove that folder")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"], state["log"]


def _write(out: Path, name: str, model: PreTrainedModel, log: list[dict], stamp: dict[str, Any]) -> None:
    """Write weights, configuration, stamp and loss curve."""
    model.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    with (out / "curve.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(log[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(log)
    (out / "training.json").write_text(json.dumps({"name": name, **stamp}, indent=1) + "\n")


def train(
    name: str,
    out: str | Path,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
) -> Path:
    """Train the model of a recipe and write it as a `transformers` checkpoint folder.

    A run that was stopped goes on from its last checkpoint in ``out/checkpoints``, and ends with the
    same weights on the same device.

    Parameters
    ----------
    name : str
        Key of `RECIPES`.
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

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StudyError
        If the name is not known, `steps` is below 1, or the loss is no longer a number.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    if steps is not None and steps < 1:
        raise StudyError(f"steps must be at least 1, not {steps}")
    recipe = RECIPES[name] if steps is None else Recipe(**{**_fields(RECIPES[name]), "steps": steps})
    out = Path(out)
    try:
        (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"cannot write into {out}: {error.strerror}; choose another --out") from None
    model = build(recipe, seed)
    model.to(torch.device(device))  # type: ignore[arg-type]
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.decay)
    batches = _Batches(recipe, seed)
    began = time.perf_counter()
    log = _run(recipe, model, optimiser, batches, out / "checkpoints", device, progress)
    stamp = _stamp(recipe, seed, device, batches, log, time.perf_counter() - began, model)
    _write(out, name, model, log, stamp)
    return out


def _fields(recipe: Recipe) -> dict[str, Any]:
    return {key: getattr(recipe, key) for key in Recipe.__dataclass_fields__}


def _run(
    recipe: Recipe,
    model: PreTrainedModel,
    optimiser: torch.optim.Optimizer,
    batches: _Batches,
    checkpoints: Path,
    device: str,
    progress: bool,
) -> list[dict]:
    """Do the steps that are still to be done; return the log."""
    made_by = json.dumps({"seed": batches.seed, **asdict(recipe)}, sort_keys=True)
    first, log = _resume(checkpoints, made_by, model, optimiser, device)
    tokens = log[-1]["tokens"] if log else 0
    running: list[float] = []
    for step in (bar := tqdm(range(first, recipe.steps), initial=first, total=recipe.steps, disable=not progress)):
        shown, labels = batches.draw(step)
        loss = _update(model, optimiser, shown.to(device), labels.to(device), recipe, step)
        tokens += int((shown != TOKENS["PAD"]).sum())
        running.append(loss)
        if (step + 1) % _CHECK_EVERY == 0 or step + 1 == recipe.steps:
            held = _validation_loss(model, batches.held, device)
            log.append({"step": step + 1, "tokens": tokens, "loss": round(float(np.mean(running)), 5), "validation_loss": round(held, 5)})
            running = []
            bar.set_postfix(loss=f"{log[-1]['loss']:.3f}", held=f"{held:.3f}")
            _save_checkpoint(checkpoints, step + 1, made_by, model, optimiser, log)
    return log


def _update(model: PreTrainedModel, optimiser: torch.optim.Optimizer, shown: Tensor, labels: Tensor, recipe: Recipe, step: int) -> float:
    """One optimiser step; returns the loss before it."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.learning_rate * _rate(step, recipe)
    loss = model(shown, labels=labels).loss
    if not torch.isfinite(loss):
        raise StudyError(f"the loss is {loss.item()} at step {step}; lower the learning rate")
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimiser.step()
    return float(loss.detach())


def _stamp(recipe: Recipe, seed: int, device: str, batches: _Batches, log: list[dict], seconds: float, model: PreTrainedModel) -> dict[str, Any]:
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
