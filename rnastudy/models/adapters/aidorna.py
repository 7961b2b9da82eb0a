"""AIDO.RNA (Zou and others, 2024) on a network of our own.

Read from github.com/genbio-ai/ModelGenerator, commit c4d0121 (huggingface_models/rnabert, huggingface/aido.rna), and
the configurations of the sizes 1M, 25M and 1.6B on the hub; those of 300M and 650M were not read, theirs follow from
the number of parameters and the converter of `multimolecule`. No file of weights was opened. Run beside the authors'
module on random weights, with either norm, states, maps and logits were equal to the last bit, and the list of
tensors is its own.

- **Licence.** GenBio AI Community License: not for commercial use, and outputs may not train models like it. Cards
  are marked ``restricted``.
- **Tokens.** PAD 0, MASK 1, CLS 2, SEP 3, UNK 4, A 5, G 6, C 7, T 8, U 9, N 10; CLS before and SEP behind. The
  authors' tokenizer joins a run of unknown letters into one token; no unknown letter is handed over here.
- **T or U.** The vocabulary has both, and the sources disagree. For T: the authors' own package says that training
  used DNA letters and rewrites U, and the dependency maps of their paper, made with the weights as published, are fed
  T. For U: their fine-tuning for secondary structure and inverse folding feeds U. The letter is the card's
  ``alphabet``; the masked accuracy of the certificate decides, once weights are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, linear, norm, renamed, without_copy
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor

    from rnastudy.models.architectures.aido import AidoConfig, AidoForMaskedLM
    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "config", "convert", "feed_forward_width", "layout", "network", "reader"]

WORDS = "bert.embeddings.word_embeddings.weight"
COPIES = (("cls.predictions.decoder.weight", WORDS), ("cls.predictions.decoder.bias", "cls.predictions.bias"))
RULES = (
    (r"bert\.embeddings\.word_embeddings\.weight", "words.weight"),
    (r"bert\.encoder\.layer\.(\d+)\.attention\.ln\.(weight|bias)", r"layers.\1.attention_norm.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)\.(weight|bias)", r"layers.\1.attention.\2.\3"),
    (r"bert\.encoder\.layer\.(\d+)\.attention\.output\.dense\.(weight|bias)", r"layers.\1.attention.out.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.ln\.(weight|bias)", r"layers.\1.feed_norm.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.mlp\.(gate|up|down)_proj\.(weight|bias)", r"layers.\1.\2.\3"),
    (r"bert\.encoder\.ln\.(weight|bias)", r"norm.\1"),
    (r"cls\.predictions\.transform\.dense\.(weight|bias)", r"head.dense.\1"),
    (r"cls\.predictions\.transform\.LayerNorm\.(weight|bias)", r"head.norm.\1"),
    (r"cls\.predictions\.bias", "head.bias"),
)


def feed_forward_width(width: int) -> int:
    """Return the width of the feed-forward: 8 / 3 of the model's, rounded down to a multiple of 64; it fits all five sizes.

    Examples
    --------
    >>> [feed_forward_width(width) for width in (128, 512, 1024, 1280, 2048)]
    [320, 1344, 2688, 3392, 5440]
    """
    return 64 * (width // 24)


def config(card: ModelCard) -> AidoConfig:
    """Return the sizes of an AIDO.RNA; the card's ``overrides`` name another norm, and linear layers without bias."""
    from rnastudy.models.architectures.aido import AidoConfig

    layers, heads, width = card.sizes
    inner = feed_forward_width(width)
    return AidoConfig(vocab_size=16, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inner, **dict(card.overrides))


def network(config: AidoConfig) -> AidoForMaskedLM:
    """Build the network."""
    from rnastudy.models.architectures.aido import AidoForMaskedLM

    return AidoForMaskedLM(config)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader: one token a base between CLS and SEP; uracil is the T or the U of the vocabulary, as the card says."""
    return LetterReader({"A": 5, "G": 6, "C": 7, "U": 8 if card.alphabet == "T" else 9, "N": 10}, pad=0, start=2, end=3, mask=1)


def layout(config: AidoConfig) -> Layout:
    """List the tensors of the authors' checkpoint; it may hold the word embeddings and the head's bias again under ``cls.predictions.decoder``."""
    wide, inner, bias, whole = config.hidden_size, config.intermediate_size, config.bias, config.norm == "layer"
    shapes: Layout = {WORDS: (config.vocab_size, wide)}
    for layer in range(config.num_hidden_layers):
        block = f"bert.encoder.layer.{layer}"
        shapes |= norm(f"{block}.attention.ln", wide, bias=whole)
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= linear(f"{block}.attention.{part}", wide, wide, bias=bias)
        shapes |= norm(f"{block}.ln", wide, bias=whole) | linear(f"{block}.mlp.down_proj", wide, inner, bias=bias)
        shapes |= linear(f"{block}.mlp.gate_proj", inner, wide, bias=bias) | linear(f"{block}.mlp.up_proj", inner, wide, bias=bias)
    shapes |= norm("bert.encoder.ln", wide, bias=whole) | linear("cls.predictions.transform.dense", wide, wide)
    return shapes | norm("cls.predictions.transform.LayerNorm", wide, bias=whole) | {"cls.predictions.bias": (config.vocab_size,)}


def convert(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of `AidoForMaskedLM`; frequencies of the positions are computed, not read.

    Raises
    ------
    StudyError
        If a name is not known, or one of the head's copies differs from its original.

    Examples
    --------
    >>> list(convert({"bert.encoder.layer.3.mlp.up_proj.bias": None, "bert.rotary_pos_emb.inv_freq": None}))
    ['layers.3.up.bias']
    """
    for copy, kept in COPIES:
        stored = without_copy(stored, copy, kept, model="AIDO.RNA")
    return renamed(stored, RULES, ignore=r".*inv_freq", model="AIDO.RNA")


ADAPTER = Adapter(
    read_from="github genbio-ai/ModelGenerator @ c4d0121 (code; no header of a checkpoint was read)",
    config=config,
    network=network,
    layout=layout,
    convert=convert,
    reader=reader,
)
