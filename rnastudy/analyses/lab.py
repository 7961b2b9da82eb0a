"""What the lab's notebook needs: a hairpin to look at, one head's view of it, and the findings of a training in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.rna import Rna

__all__ = ["head_maps", "head_scores", "lab_findings", "lab_hairpin", "lab_results", "seconds_per_step"]

#: Cross-entropy of guessing one of four bases, in nats.
GUESSING = float(np.log(4))


def lab_hairpin() -> Rna:
    """Return a hairpin of nine pairs closed by UUCG, made up for the lab.

    Examples
    --------
    >>> from rnastudy.structure import to_dot_bracket
    >>> hairpin = lab_hairpin()
    >>> hairpin.sequence, to_dot_bracket(hairpin.pairs, length=len(hairpin))
    ('GGAUCAGCAUUCGUGCUGAUCC', '(((((((((....)))))))))')
    """
    sequence = "GGAUCAGCAUUCGUGCUGAUCC"
    return Rna("hairpin", sequence, pairs=tuple((k, len(sequence) - 1 - k) for k in range(9)))


def head_maps(probe: Any, rna: Rna, layer: int, head: int) -> NDArray[np.float32]:
    """Return one head's attention on one RNA.

    Parameters
    ----------
    probe : Probe
    rna : Rna
    layer, head : int
        Counted from 0.

    Returns
    -------
    ndarray, shape (L, L)
        Rows look, columns are looked at.

    Raises
    ------
    StudyError
        If the model has no such layer or head.

    Examples
    --------
    >>> from rnastudy import models
    >>> head_maps(models.load("mapconv-9k"), lab_hairpin(), 0, 1).shape
    (22, 22)
    """
    if not (0 <= layer < probe.n_layers and 0 <= head < probe.n_heads):
        raise StudyError(f"{probe.name} has no layer {layer + 1}, head {head + 1}; it has {probe.n_layers} layers of {probe.n_heads} heads")
    return next(found.maps[head].cpu().numpy() for found in probe.attention([rna]) if found.layer == layer)


def head_scores(probe: Any, rna: Rna, layer: int, head: int) -> NDArray[np.float32]:
    """Return one head's pair scores on one RNA, symmetrised and corrected; see `head_maps`.

    Examples
    --------
    >>> from rnastudy import models
    >>> scores = head_scores(models.load("mapconv-9k"), lab_hairpin(), 0, 1)
    >>> bool(np.allclose(scores, scores.T))
    True
    """
    import torch

    from rnastudy.contacts import contact_scores

    return contact_scores(torch.as_tensor(head_maps(probe, rna, layer, head))).numpy()


def seconds_per_step(folder: str | Path) -> str:
    """Say how long a step of a training took.

    Parameters
    ----------
    folder : str or Path
        That `rnastudy.training.train` wrote.

    Returns
    -------
    str
        A sentence.

    Raises
    ------
    StudyError
        If nothing was trained there.
    """
    path = Path(folder) / "training.json"
    if not path.is_file():
        raise StudyError(f"{folder}: no training.json, so nothing was trained here; name a folder that `rnastudy train` wrote")
    told = json.loads(path.read_text(encoding="utf-8"))
    steps, seconds = told["recipe"]["steps"], told["seconds_last_run"]
    size = f"{told['parameters']:,} parameters, {told['tokens'] / 1e6:.1f} million bases, {steps} steps"
    return f"{size}: {seconds:.0f} seconds, {seconds / steps:.2f} a step."


def lab_findings(watched: pd.DataFrame) -> dict[str, float | str]:
    """Say what a training showed, in numbers and sentences that are true of the run at hand.

    Parameters
    ----------
    watched : DataFrame
        From `rnastudy.analyses.watched`, step 0 first.

    Returns
    -------
    dict of str to float or str

    Examples
    --------
    >>> rows = {"model": "m", "step": [0, 50], "tokens": [0, 9], "loss": [np.nan, 1.36], "f1": [0.02, 0.2], "head": 0, "contrast": [0.1, 1.2]}
    >>> lab_findings(pd.DataFrame(rows))["contrast_sentence"]
    'The contrast goes from 0.10 before training to 1.20 after 50 steps; the F1 of the best head goes from 0.02 to 0.20.'
    """
    first, last = watched.iloc[0], watched.iloc[-1]
    steps, loss = int(last.step), last.loss
    moved = f"the F1 of the best head goes from {first.f1:.2f} to {last.f1:.2f}"
    contrast = f"The contrast goes from {first.contrast:.2f} before training to {last.contrast:.2f} after {steps} steps; {moved}."
    above = f"its Watson-Crick entries stand {last.contrast:.2f} above the others, against {first.contrast:.2f} before training"
    return {
        "lab_f1": float(last.f1),
        "lab_f1_before": float(first.f1),
        "lab_contrast": float(last.contrast),
        "lab_loss": float(loss),
        "lab_steps": steps,
        "loss_sentence": f"Guessing costs {GUESSING:.3f} nats; after {steps} steps the loss is {loss:.3f}, {GUESSING - loss:.3f} below, while {moved}.",
        "table_sentence": f"After training {above}.",
        "contrast_sentence": contrast,
        "answer": f"After {steps} steps of filling in hidden bases, one table of 4 × 4 numbers in the weights of {last.model} tells who pairs with whom: "
        f"{above}; {moved} on the RNAs that chose it. The training sequences carried pairing by construction.",
    }


def lab_results(watched: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the findings as tidy rows: F1, loss and contrast at every look.

    Examples
    --------
    >>> rows = pd.DataFrame({"model": "m", "step": [0], "tokens": 0, "loss": [np.nan], "f1": [0.02], "head": 0, "contrast": [0.1]})
    >>> lab_results(rows, "srtrain150")[["measure", "value"]].values.tolist()
    [['f1_macro', 0.02], ['contrast', 0.1]]
    """
    names = {"f1": "f1_macro", "loss": "validation_loss", "contrast": "contrast"}
    long = watched.melt(["model", "step"], list(names), "measure", "value").dropna(subset="value")
    return long.assign(analysis="lab", dataset=dataset, protocol="careful", measure=long["measure"].map(names)).reset_index(drop=True)
