"""ProtRNA (Zhang et al., bioRxiv 2024.09.10.612218): ESM-2 650M taken further on RNA, in TensorFlow.

Read from github.com/roxie-zhang/ProtRNA, commit 5c7b533 (pretrained.py, protrna/model.py, modules.py,
multihead_attention.py, rotary_embedding.py, data.py): the ESM-2 block, epsilon 1e-5, no token dropout, tied head; 38
tokens, those of ESM-2 (33) and behind them a, u, g, c and x for RNA. Any other base is x.
The released reader cuts silently at 510 bases unless told otherwise; here an RNA over the card's limit is an error.

The file is Keras 2 HDF5, which is read in order, not by name: groups in their order, and in each its tensors in theirs.
That order follows from the code: own weights first, then those of the parts, in the order they were made.
Compared once, with three layers of random weights: a file that this code wrote under TensorFlow 2.14.1 is read in that
order, and attention, states and logits are the same to 6e-7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError
from rnastudy.models.adapters.base import Adapter, Files, Layout, renamed
from rnastudy.models.esm import FREQUENCIES, LAYER, WORDS, esm_config, esm_network
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EsmConfig

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "config", "encoder_weights", "layout", "read_weights", "reader"]

#: Tensors of one layer in the order of the file, as part and kind.
IN_LAYER = (
    *(f"{part}/{kind}" for part in ("query", "key", "value", "out") for kind in ("kernel", "bias")),
    "rotary/inv_freq",
    "norm1/gamma",
    "norm1/beta",
    *(f"{part}/{kind}" for part in ("fc1", "fc2") for kind in ("kernel", "bias")),
    "norm2/gamma",
    "norm2/beta",
)
IN_HEAD = ("decoder/embeddings", "head/bias", "dense/kernel", "dense/bias", "layer_norm/gamma", "layer_norm/beta")
IN_ORDER = {"embedding": ("words/embeddings",), "emb_layer_norm_after": ("last/gamma", "last/beta"), "lm_head": IN_HEAD}
#: Places of the parts of a layer in `EsmForMaskedLM`.
PLACES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "norm1": "attention.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "norm2": "LayerNorm",
}
KINDS = (("kernel|gamma", "weight"), ("bias|beta", "bias"))
RULES = (
    (r"embedding/words/embeddings", WORDS),
    (r"layer_\._0/rotary/inv_freq", FREQUENCIES),
    *((rf"layer_\._(\d+)/{part}/(?:{kind})", f"{LAYER}.{place}.{new}") for part, place in PLACES.items() for kind, new in KINDS),
    *((rf"emb_layer_norm_after/last/(?:{kind})", f"esm.encoder.emb_layer_norm_after.{new}") for kind, new in KINDS),
    *((rf"lm_head/(dense|layer_norm)/(?:{kind})", rf"lm_head.\1.{new}") for kind, new in KINDS),
    (r"lm_head/decoder/embeddings", "lm_head.decoder.weight"),
    (r"lm_head/head/bias", "lm_head.bias"),
)
#: Frequencies of the other layers: all layers have the same.
IGNORED = r"layer_\._[1-9]\d*/rotary/inv_freq"


def config(card: ModelCard) -> EsmConfig:
    """Return the sizes of ProtRNA as a configuration of `transformers`."""
    return esm_config(card, 38, pad=1, mask=32)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader of RNA in small letters."""
    return LetterReader({"A": 33, "U": 34, "G": 35, "C": 36, "N": 37}, pad=1, start=0, end=2, mask=32)


def layout(config: EsmConfig) -> Layout:
    """List the tensors of the file, named by group, part and kind; kernels are stored as (inputs, outputs)."""
    wide, inner, words = config.hidden_size, config.intermediate_size, config.vocab_size or 0
    kernels = {"fc1": (wide, inner), "fc2": (inner, wide)}
    other = {"fc1/bias": (inner,), "rotary/inv_freq": (wide // config.num_attention_heads // 2,), "head/bias": (words,)}

    def shape(name: str) -> tuple[int, ...]:
        part, kind = name.split("/")
        square = (words, wide) if kind == "embeddings" else kernels.get(part, (wide, wide))
        return square if kind in ("kernel", "embeddings") else other.get(name, (wide,))

    groups = ["embedding", *(f"layer_._{layer}" for layer in range(config.num_hidden_layers)), "emb_layer_norm_after", "lm_head"]
    return {f"{group}/{name}": shape(name) for group in groups for name in IN_ORDER.get(group, IN_LAYER)}


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors that `read_weights` gave to those of ``EsmForMaskedLM``, and turn kernels round.

    Raises
    ------
    StudyError
        If a name is not of that layout.

    Examples
    --------
    >>> list(encoder_weights({"layer_._4/norm2/beta": None}))
    ['esm.encoder.layer.4.LayerNorm.bias']
    """
    turned = {name: tensor.transpose(-1, -2) if name.endswith("/kernel") else tensor for name, tensor in stored.items()}
    return renamed(turned, RULES, ignore=IGNORED, model="ProtRNA")


def read_weights(paths: Iterable[Path]) -> dict[str, Tensor]:
    """Read Keras HDF5 in order; where a stored name ends in a kind (kernel, bias, gamma, beta), it must be the kind that the order wants.

    Parameters
    ----------
    paths : iterable of Path
        ``ProtRNA_pretrained.h5``.

    Returns
    -------
    dict of str to Tensor
        By group, part and kind, as in `layout`; shapes are compared when the network is filled.

    Raises
    ------
    StudyError
        If `h5py` is not installed, the file is damaged, or a group holds other tensors than those of the code.
    """
    import torch

    from rnastudy.models.checkpoint import readable

    try:
        import h5py
    except ImportError:
        raise StudyError("ProtRNA's weights are a file of Keras; reading it needs h5py: pip install 'rnastudy[protrna]'") from None
    found: dict[str, Tensor] = {}
    for path in paths:
        with readable(str(path)), h5py.File(path, "r") as file:
            found |= {name: torch.from_numpy(values) for name, values in _in_order(file, str(path))}
    return found


def _in_order(file: Any, source: str) -> Iterator[tuple[str, Any]]:
    """Walk through the groups that hold tensors, in the file's own order."""
    for group in _texts(file.attrs.get("layer_names", [])):
        names = _texts(file[group].attrs["weight_names"])
        wanted = IN_ORDER.get(group, IN_LAYER) if names else ()
        if len(names) != len(wanted):
            raise StudyError(f"{source}: group {group!r} holds {len(names)} tensors, not {len(wanted)}; it is not the file that ProtRNA's code writes")
        for name, own in zip(names, wanted, strict=True):
            _same_kind(name, own, source)
            yield f"{group}/{own}", file[group][name][()]


def _texts(names: Iterable[Any]) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _same_kind(name: str, own: str, source: str) -> None:
    kind = name.rpartition("/")[2].partition(":")[0]
    if kind in ("kernel", "bias", "gamma", "beta", "embeddings", "inv_freq") and kind != own.rpartition("/")[2]:
        raise StudyError(f"{source}: tensor {name!r} stands where the code writes {own!r}; the order of the file is not the one that was read")


ADAPTER = Adapter(
    read_from="github roxie-zhang/ProtRNA @ 5c7b533 (code, and a file that it wrote of random weights); no checkpoint was opened",
    config=config,
    network=esm_network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
    read_weights=read_weights,
)
