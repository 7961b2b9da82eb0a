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
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BertConfig, BertModel

__all__ = ["LENGTH", "NO_LOGITS", "SHA256", "config", "encoder_weights", "network", "reader"]

#: Tokens that every input is padded to.
LENGTH = 440
#: sha256 of the authors' ``bert_mul_2.pth`` (pull request 2, commit 71a89fc6ac8e71e08bac75f0e128115509d16fb4).
SHA256 = "32032afc6805887d5c37319a8a18e435a1584514754e4a933362cfd61c84ea20"
NO_LOGITS = "its masked-language head has decayed to about zero"
#: Rows of the port's 28-token table that hold PAD, MASK, A, U, G, C.
PORT_ROWS = (0, 4, 6, 9, 8, 7)
#: Heads that are left out on purpose, in either layout.
HEADS = ("cls.", "bert.pooler.", "model.pooler.", "lm_head.", "ss_head.", "sa_head.")
RENAMED = (("selfattn", "self"), ("layer_norm", "LayerNorm"), ("gamma", "weight"), ("beta", "bias"))


def config() -> BertConfig:
    """Return the sizes of RNABERT as a configuration of `transformers`."""
    from transformers import BertConfig

    return BertConfig(
        vocab_size=6,
        hidden_size=120,
        num_hidden_layers=6,
        num_attention_heads=12,
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


def reader() -> LetterReader:
    """Return the reader of RNABERT; a base that could not be named is read as MASK, the only token without a letter."""
    return LetterReader({"A": 2, "U": 3, "G": 4, "C": 5, "N": 1}, pad=0)


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of ``BertModel``.

    Parameters
    ----------
    stored : mapping of str to Tensor
        The authors' state dict (``module.bert...``), or that of ``multimolecule/rnabert`` (``model...``).

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
    >>> list(encoder_weights({"module.bert.encoder.layer.0.attention.selfattn.query.bias": None, "module.cls.x": None}))
    ['encoder.layer.0.attention.self.query.bias']
    """
    found = {}
    for name, tensor in stored.items():
        plain = name.removeprefix("module.")
        if plain.startswith(HEADS):
            continue
        if not plain.startswith(("bert.", "model.")):
            raise StudyError(f"RNABERT checkpoint holds an unexpected tensor {name!r}; it is not the layout that was read")
        plain = plain.partition(".")[2]
        for old, new in RENAMED:
            plain = plain.replace(old, new)
        found[plain] = tensor
    words = found.get("embeddings.word_embeddings.weight")
    if words is not None and len(words) > len(PORT_ROWS):
        found["embeddings.word_embeddings.weight"] = words[list(PORT_ROWS)]
    return found


def network(stored: Mapping[str, Tensor] | None = None) -> BertModel:
    """Build RNABERT's encoder.

    Parameters
    ----------
    stored : mapping of str to Tensor, optional
        A checkpoint in either layout; random weights when left out.

    Returns
    -------
    BertModel

    Raises
    ------
    StudyError
        If tensors are missing or do not fit.
    """
    from transformers import BertModel

    model = BertModel(config(), add_pooling_layer=False)
    if stored is not None:
        try:
            model.load_state_dict(encoder_weights(stored), strict=True)
        except RuntimeError as error:
            raise StudyError(f"RNABERT checkpoint does not fit: {' '.join(str(error).split())[:300]}") from None
    return model
