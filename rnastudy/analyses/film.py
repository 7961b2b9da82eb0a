"""Training, filmed: how well the best head of every checkpoint finds base pairs on the selection set."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

from rnastudy.contacts import scan_stream, select
from rnastudy.errors import StudyError

__all__ = ["film"]


def film(folder: str | Path, data: Any, *, device: str = "cpu") -> list[dict[str, Any]]:
    """Add a column ``f1`` to the loss curve of a training run: mean F1 of the best head on a selection set.

    Parameters
    ----------
    folder : str or Path
        That `rnastudy.training.train` wrote, its checkpoints still beside it.
    data : Dataset
        RNAs with structures that choose heads; never a test set.
    device : str
        Where the model runs.

    Returns
    -------
    list of dict
        Rows of the curve, as written to ``curve.csv``.

    Raises
    ------
    StudyError
        If checkpoints are missing, or the data set is for testing.
    """
    folder = Path(folder)
    if getattr(data.card, "role", None) == "test":
        raise StudyError(f"{data.name} is a test set; film on a selection set, for example srtrain150")
    with (folder / "curve.csv").open(newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        row["f1"] = round(_best_f1(folder, int(row["step"]), data.rnas, device), 4)
    with (folder / "curve.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _best_f1(folder: Path, step: int, rnas: Any, device: str) -> float:
    import torch
    from transformers import AutoModelForMaskedLM

    import rnastudy.modeling  # noqa: F401  registers the classes
    from rnastudy.models import load

    checkpoint = folder / "checkpoints" / f"step-{step:05d}.pt"
    if not checkpoint.is_file():
        raise StudyError(f"{checkpoint}: no such checkpoint; train again, and film before checkpoints are removed")
    model = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True)
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["model"])
    with tempfile.TemporaryDirectory() as kept:
        model.save_pretrained(kept)
        probe = load(kept, device=device)
        return select(scan_stream(probe.attention(rnas), rnas, "careful")).f1_macro
