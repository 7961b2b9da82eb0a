"""RESM (Zhang et al., bioRxiv 2025.08.09.669469): ESM-2 taken further on RNA whose bases are written as amino acids.

Read from github.com/yikunpku/RESM, commit 7ae3e41 (resm_inference.py, model.py, evo/tokenization.py, rna_esm): the
ESM-2 block, epsilon 1e-5, fair-esm's 33 tokens, A read as K, U as D, C as N and G as Y; X, token 24, for any other base.
Its inference builds the network without token dropout, so embeddings are not scaled; with which setting it was trained
cannot be read there. Its feature extraction reads N as U; its data sets write X, and so does this reader.
Compared once, with three layers of random weights and padding: that code (rna_esm) has the same list of tensors and gives
the same attention, states and logits to 5e-7.
The checkpoint is one of a trainer, which pickles settings beside the tensors: their classes, named in the authors' code,
are replaced by empty ones, and any other object is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, renamed
from rnastudy.models.esm import FAIR_IGNORED, FAIR_RULES, esm_config, esm_network, fair_layout
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EsmConfig

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "Settings", "config", "encoder_weights", "layout", "read_weights", "reader"]

#: Classes of settings, defined alike in model.py and resm_inference.py.
SETTINGS = ("Config", "DataConfig", "LoggingConfig", "OptimizerConfig", "TrainConfig", "TransformerConfig")


class Settings:
    """Stands in for a class of the trainer's settings; nothing of it is used."""


def config(card: ModelCard) -> EsmConfig:
    """Return the sizes of RESM as a configuration of `transformers`."""
    return esm_config(card, 33, pad=1, mask=32)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader that writes bases as amino acids."""
    return LetterReader({"A": 15, "U": 13, "C": 17, "G": 19, "N": 24}, pad=1, start=0, end=2, mask=32)


def layout(config: EsmConfig) -> Layout:
    """List the tensors under ``state_dict``: the names of fair-esm."""
    return fair_layout(config)


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of ``EsmForMaskedLM``.

    Raises
    ------
    StudyError
        If a name is not of that layout.

    Examples
    --------
    >>> list(encoder_weights({"layers.3.self_attn.q_proj.bias": None}))
    ['esm.encoder.layer.3.attention.self.query.bias']
    """
    return renamed(stored, FAIR_RULES, ignore=FAIR_IGNORED, model="RESM")


def read_weights(paths: Iterable[Path]) -> dict[str, Tensor]:
    """Read a trainer's checkpoint without unpickling its settings.

    Parameters
    ----------
    paths : iterable of Path
        ``RESM-150M-KDNY.ckpt`` or ``RESM-650M-KDNY.pt``.

    Returns
    -------
    dict of str to Tensor
        What stands under ``state_dict``.

    Raises
    ------
    StudyError
        If a file is damaged, or holds objects of other classes than those settings.
    """
    from torch.serialization import safe_globals

    from rnastudy.models.weights import read_tensors

    stand_ins = [type(name, (Settings,), {}) for name in SETTINGS]
    allowed = [(one, f"{module}.{one.__name__}") for one in stand_ins for module in ("__main__", "model")]
    with safe_globals(allowed):  # type: ignore[arg-type]
        return read_tensors(paths)


ADAPTER = Adapter(
    read_from="github yikunpku/RESM @ 7ae3e41 (code, run on random weights); no checkpoint was opened",
    config=config,
    network=esm_network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
    read_weights=read_weights,
)
