"""RNABERT (Akiyama and Sakakibara, NAR Genom. Bioinform. 4, lqac012, 2022) on the BERT of `transformers`.

Read from github.com/mana438/RNABERT, commit 1aeebcb (utils/bert.py, dataload.py, RNA_bert_config.json): a plain
BERT encoder, 6 layers, 12 heads, width 120, feed-forward 40, erf-GELU, norms behind each block (post-LN) and behind
the embeddings, epsilon 1e-12, learned positions from 0, token types all 0. Tokens PAD 0, MASK 1, A 2, U 3, G 4, C 5;
no start or end token. **State convention:** every input is padded to 440 and the padding is attended to, so that is
what is done here; states of the port in `multimolecule`, which adds end tokens and hides padding, differ. The MLM
head has decayed to about zero and leaves out BERT's activation: no likelihoods are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnastudy.errors import StudyError
from rnastudy.models.adapters.base import Adapter, Files, Layout
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BertConfig, BertModel

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "LENGTH", "config", "encoder_weights", "layout", "network", "reader"]

#: Tokens that every input is padded to.
LENGTH = 440
#: Rows of the port's 28-token table that hold PAD, MASK, A, U, G, C.
PORT_ROWS = (0, 4, 6, 9, 8, 7)
#: Heads that are left out on purpose, in either layout.
HEADS = ("cls.", "bert.pooler.", "model.pooler.", "lm_head.", "ss_head.", "sa_head.")
RENAMED = (("selfattn", "self"), ("layer_norm", "LayerNorm"), ("gamma", "weight"), ("beta", "bias"))


def config(card: ModelCard) -> BertConfig:
    """Return the sizes of RNABERT as a configuration of `transformers`."""
    from transformers import BertConfig

    layers, heads, width = card.sizes
    return BertConfig(
        vocab_size=6,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=40,
        hidden_act="gelu",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=LENGTH,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=0,
        attn_implementation="eager",  # type: ignore[call-arg]
    )


def network(config: BertConfig) -> BertModel:
    """Build RNABERT's encoder."""
    from transformers import BertModel

    return BertModel(config, add_pooling_layer=False)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader of RNABERT; a base that could not be named is read as MASK, the only token without a letter."""
    return LetterReader({"A": 2, "U": 3, "G": 4, "C": 5, "N": 1}, pad=0)


def layout(config: BertConfig) -> Layout:
    """List the tensors of the authors' ``bert_mul_2.pth``, with its heads for tokens, structure and alignment."""
    wide, inner = config.hidden_size, config.intermediate_size
    shapes: Layout = {
        "bert.embeddings.word_embeddings.weight": (config.vocab_size, wide),
        "bert.embeddings.position_embeddings.weight": (LENGTH, wide),
        "bert.embeddings.token_type_embeddings.weight": (2, wide),
        **_norm("bert.embeddings.LayerNorm", wide),
    }
    for layer in range(config.num_hidden_layers):
        block = f"bert.encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            shapes |= _linear(f"{block}.attention.selfattn.{part}", wide, wide)
        shapes |= _linear(f"{block}.attention.output.dense", wide, wide) | _norm(f"{block}.attention.output.LayerNorm", wide)
        shapes |= _linear(f"{block}.intermediate.dense", inner, wide) | _linear(f"{block}.output.dense", wide, inner)
        shapes |= _norm(f"{block}.output.LayerNorm", wide)
    for head, classes in (("predictions", config.vocab_size), ("predictions_ss", 8)):
        block = f"cls.{head}"
        shapes |= {f"{block}.bias": (classes,), f"{block}.decoder.weight": (classes, wide)}
        shapes |= _linear(f"{block}.transform.dense", wide, wide) | _norm(f"{block}.transform.LayerNorm", wide)
    shapes |= _linear("bert.pooler.dense", wide, wide) | _linear("cls.seq_relationship", 2, wide)
    return {f"module.{name}": shape for name, shape in shapes.items()}


def _linear(name: str, rows: int, columns: int) -> Layout:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _norm(name: str, size: int) -> Layout:
    return {f"{name}.gamma": (size,), f"{name}.beta": (size,)}


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of ``BertModel``.

    Parameters
    ----------
    stored : mapping of str to Tensor
        The authors' state dict (``bert...``), or that of ``multimolecule/rnabert`` (``model...``).

    Returns
    -------
    dict of str to Tensor
        Without the heads; a table of 28 tokens is cut to the original six.

    Raises
    ------
    StudyError
        If a tensor is neither of the encoder nor of a known head.

    Examples
    --------
    >>> list(encoder_weights({"bert.encoder.layer.0.attention.selfattn.query.bias": None, "cls.x": None}))
    ['encoder.layer.0.attention.self.query.bias']
    """
    found = {}
    for name, tensor in stored.items():
        if name.startswith(HEADS):
            continue
        if not name.startswith(("bert.", "model.")):
            raise StudyError(f"RNABERT checkpoint holds an unexpected tensor {name!r}; it is not the layout that was read")
        plain = name.partition(".")[2]
        for old, new in RENAMED:
            plain = plain.replace(old, new)
        found[plain] = tensor
    words = found.get("embeddings.word_embeddings.weight")
    if words is not None and len(words) > len(PORT_ROWS):
        found["embeddings.word_embeddings.weight"] = words[list(PORT_ROWS)]
    return found


ADAPTER = Adapter(
    read_from="github mana438/RNABERT @ 1aeebcb (code), and the header of bert_mul_2.pth (pull request 2 @ 71a89fc)",
    config=config,
    network=network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
    padded_to=LENGTH,
    no_logits="its masked-language head has decayed to about zero",
)
