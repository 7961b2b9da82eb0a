"""A small model opened up: which pairs of bases its weights join, and how they came to do so while it was trained.

In the first layer of an encoder without positions in its embedding, every A enters attention as the same vector, and so do
C, G and U. The product of query and key is then one number for each ordered pair of bases and head: a 4 x 4 table that can be
read off the weights, without any RNA. Positions, the scores of other layers and the convolution over the map come on top.
"""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnastudy.errors import StudyError

__all__ = ["BASES", "ablated", "as_probe", "base_tables", "checkpoints", "pairing_head", "watched", "watson_crick"]

#: Rows (queries) and columns (keys) of a base table, in the order of the models' token ids.
BASES = "ACGU"
_WATSON_CRICK = np.array([[base + other in ("AU", "UA", "CG", "GC") for other in BASES] for base in BASES])
_PARTS = ("convolution", "position")


def _encoder(network: Any) -> Any:
    """Return the first layer's scores of a network, or refuse one of another make."""
    layers = getattr(getattr(network, "model", None), "layers", None)
    if layers is None or not hasattr(layers[0], "scores") or not hasattr(network.model, "embedding"):
        raise StudyError(f"a {type(network).__name__} has no table of bases to read; open an encoder of this project, for example mapconv-9k")
    if network.config.unit != "base" or network.config.stem:
        raise StudyError("the first layer of this encoder sees more than one base at a time, so it has no table of bases; open one without a stem and pieces")
    return layers[0]


def base_tables(network: Any) -> NDArray[np.float64]:
    """Read the query-key products of the four bases off the first layer, a table for each head.

    What a row or a column has in common is taken away: the softmax does not see the first, and the second draws every base alike.

    Parameters
    ----------
    network : EncoderForMaskedLM
        Trained or not; `Probe.network` of a loaded model is one.

    Returns
    -------
    ndarray, shape (H, 4, 4)
        Rows are queries, columns keys, in the order A, C, G, U; each row and column sums to 0. In units of the scores
        before the softmax.

    Raises
    ------
    StudyError
        If the network is no encoder of single bases.

    Examples
    --------
    >>> from rnastudy import models
    >>> tables = base_tables(models.load("mapconv-9k").network)
    >>> tables.shape, [BASES[int(k)] for k in tables[pairing_head(tables)].argmax(1)]
    ((2, 4, 4), ['U', 'G', 'C', 'A'])
    """
    import torch

    from rnastudy.modeling.layers import split_heads

    layer = _encoder(network)
    with torch.no_grad():
        states = layer.attention_norm(network.model.embedding.weight[: len(BASES)])
        query, key = (split_heads(of(states), layer.scores.heads) for of in (layer.scores.query, layer.scores.key))
        products = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).double().cpu().numpy()
    return products - products.mean(-1, keepdims=True) - products.mean(-2, keepdims=True) + products.mean((-1, -2), keepdims=True)


def watson_crick(table: NDArray[Any]) -> float:
    """Say by how much the four Watson-Crick entries of a base table stand above the twelve others.

    Parameters
    ----------
    table : ndarray, shape (4, 4)
        See `base_tables`.

    Returns
    -------
    float
        Mean of AU, UA, CG and GC, minus the mean of the rest.

    Examples
    --------
    >>> watson_crick(np.fliplr(np.eye(4)))
    1.0
    """
    return float(table[_WATSON_CRICK].mean() - table[~_WATSON_CRICK].mean())


def pairing_head(tables: NDArray[Any]) -> int:
    """Number the head whose table favours Watson-Crick pairs the most, from 0.

    Examples
    --------
    >>> pairing_head(np.stack([np.eye(4), np.fliplr(np.eye(4))]))
    1
    """
    return int(np.argmax([watson_crick(table) for table in tables]))


def _training(folder: str | Path) -> dict[str, Any]:
    path = Path(folder) / "training.json"
    if not path.is_file():
        raise StudyError(f"{folder}: no training.json, so nothing was trained here; name a folder that `rnastudy train` wrote")
    return json.loads(path.read_text(encoding="utf-8"))


def checkpoints(folder: str | Path) -> dict[int, Any]:
    """Load every checkpoint of a training as a network, and the network before the first step as step 0.

    Parameters
    ----------
    folder : str or Path
        That `rnastudy.training.train` wrote, its checkpoints still beside it.

    Returns
    -------
    dict of int to EncoderForMaskedLM
        By the number of steps done, in order.

    Raises
    ------
    StudyError
        If the folder holds no training, or its checkpoints are gone.
    """
    import torch

    from rnastudy.training.loop import build, find_recipe

    told = _training(folder)
    found = sorted((Path(folder) / "checkpoints").glob("step-*.pt"))
    if not found:
        raise StudyError(f"{folder}: its checkpoints are gone; train again and look before they are removed")
    networks = {0: build(find_recipe(told["name"]), told["seed"]).eval()}
    for path in found:
        state = torch.load(path, map_location="cpu", weights_only=True)
        networks[state["step"]] = copy.deepcopy(networks[0])
        networks[state["step"]].load_state_dict(state["model"])
    return networks


def watched(folder: str | Path, data: Any) -> pd.DataFrame:
    """Follow a training from checkpoint to checkpoint: loss, F1 of the best head, and what the base table says.

    Parameters
    ----------
    folder : str or Path
        See `checkpoints`.
    data : Dataset
        RNAs with structures on which head and threshold are chosen; never a test set.

    Returns
    -------
    DataFrame
        Columns model, step, tokens, loss (masked-token cross-entropy on held-out families, in nats; missing at step 0), f1
        (mean F1 of the best head and threshold on `data`), head (of the base table, from 0) and contrast (see `watson_crick`).

    Raises
    ------
    StudyError
        If the data set is for testing.
    """
    if getattr(data.card, "role", None) == "test":
        raise StudyError(f"{data.name} is a test set; watch a training on a selection set, for example srtrain150")
    name = _training(folder)["name"]
    log = pd.read_csv(Path(folder) / "curve.csv").set_index("step")
    rows = []
    for step, network in checkpoints(folder).items():
        tables, losses = base_tables(network), log.reindex([step]).iloc[0]
        head = pairing_head(tables)
        measured = {"tokens": int(losses.fillna(0)["tokens"]), "loss": losses["validation_loss"], "f1": _best_f1(network, data.rnas)}
        rows.append({"model": name, "step": step, **measured, "head": head, "contrast": watson_crick(tables[head])})
    return pd.DataFrame(rows)


def _best_f1(network: Any, rnas: Any) -> float:
    from rnastudy.contacts import scan_stream, select

    return float(select(scan_stream(as_probe(network).attention(rnas), rnas, "careful")).f1_macro)


def as_probe(network: Any) -> Any:
    """Wrap a network as a probe, as it is; the network itself is not touched.

    Parameters
    ----------
    network : EncoderForMaskedLM

    Returns
    -------
    Probe

    Examples
    --------
    >>> from rnastudy import models
    >>> as_probe(models.load("mapconv-9k").network).n_layers
    1
    """
    import tempfile

    from rnastudy.models import load
    from rnastudy.models.checkpoint import quiet

    with tempfile.TemporaryDirectory() as kept, quiet():
        network.save_pretrained(kept)
        return load(kept)


def ablated(network: Any, part: str) -> Any:
    """Return a probe of the network with one part of every layer's scores switched off; the network stays as it was.

    Parameters
    ----------
    network : EncoderForMaskedLM
    part : {"convolution", "position"}
        The convolution over the score maps, or the bias by distance.

    Returns
    -------
    Probe

    Raises
    ------
    StudyError
        If there is no such part.

    Examples
    --------
    >>> from rnastudy import models
    >>> ablated(models.load("mapconv-9k").network, "convolution").n_heads
    2
    """
    if part not in _PARTS:
        raise StudyError(f"unknown part {part!r} of an encoder; choose one of: {', '.join(_PARTS)}")
    probe = as_probe(network)
    for layer in probe.network.model.layers:
        if part == "convolution":
            layer.scores.convolution = None
        else:
            layer.scores.position.table.data.zero_()
    return probe
