"""BiRNA-BERT (Tahmid and others, 2024) on a MosaicBERT of our own; one checkpoint, read base by base or by byte pairs.

The network was read from github.com/mosaicml/examples, commit daddaef (bert_layers.py), which the authors name as
theirs; tokens and sizes from github.com/buetnlpbio/BiRNA-BERT, commit 7d53346 (folder TOKENIZER). The configuration
and the files of the checkpoints on the hub were not opened. Run beside MosaicBERT's own code on random weights, states
and logits were equal to the last bit, and the list of tensors is its own.

- **Two ways to read.** With spaces between the bases the authors' tokenizer gives one token a base: that is the table
  here (PAD 0, UNK 1, CLS 2, SEP 3, MASK 4, A 5, C 6, G 7, N 8, T 9). Without spaces it joins byte pairs: a card that
  lists ``tokenizer.json`` reads so.
- **Letters.** There is no U and no lower case in the vocabulary, and no normalizer: U is written T here, as the
  authors do.
- **Dropout.** The stored 0.1 is for training; here there is none.
- **Length.** Trained on at most 1024 tokens with both ends; nothing in the network sets a limit, this adapter keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, linear, norm, renamed, without_copy
from rnastudy.models.readers import HubReader, LetterReader

if TYPE_CHECKING:
    from torch import Tensor

    from rnastudy.models.architectures.mosaic import MosaicConfig, MosaicForMaskedLM
    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "LONGEST", "config", "convert", "layout", "network", "reader", "token_reader"]

#: Tokens with both ends that it was trained on.
LONGEST = 1024
WORDS = "bert.embeddings.word_embeddings.weight"
RULES = (
    (r"bert\.embeddings\.word_embeddings\.weight", "words.weight"),
    (r"bert\.embeddings\.token_type_embeddings\.weight", "kinds.weight"),
    (r"bert\.embeddings\.LayerNorm\.(weight|bias)", r"norm.\1"),
    (r"bert\.encoder\.layer\.(\d+)\.attention\.self\.Wqkv\.(weight|bias)", r"layers.\1.attention.qkv.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.attention\.output\.dense\.(weight|bias)", r"layers.\1.attention.out.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.(weight|bias)", r"layers.\1.attention_norm.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.mlp\.gated_layers\.weight", r"layers.\1.gated.weight"),
    (r"bert\.encoder\.layer\.(\d+)\.mlp\.wo\.(weight|bias)", r"layers.\1.out.\2"),
    (r"bert\.encoder\.layer\.(\d+)\.mlp\.layernorm\.(weight|bias)", r"layers.\1.feed_norm.\2"),
    (r"cls\.predictions\.transform\.dense\.(weight|bias)", r"head.dense.\1"),
    (r"cls\.predictions\.transform\.LayerNorm\.(weight|bias)", r"head.norm.\1"),
    (r"cls\.predictions\.decoder\.bias", "head.bias"),
)


def config(card: ModelCard) -> MosaicConfig:
    """Return the sizes of BiRNA-BERT."""
    from rnastudy.models.architectures.mosaic import MosaicConfig

    layers, heads, width = card.sizes
    return MosaicConfig(vocab_size=4096, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * width)


def network(config: MosaicConfig) -> MosaicForMaskedLM:
    """Build the MosaicBERT."""
    from rnastudy.models.architectures.mosaic import MosaicForMaskedLM

    return MosaicForMaskedLM(config)


def reader(card: ModelCard, files: Files) -> LetterReader | HubReader:
    """Return the reader of byte pairs for a card that lists a tokenizer, else that of single bases."""
    named = [file.name for file in card.files if file.holds == "tokenizer"]
    if named:
        return token_reader(files(named[0]))
    return LetterReader({"A": 5, "C": 6, "G": 7, "N": 8, "U": 9}, pad=0, start=2, end=3, mask=4)


def token_reader(path: Path) -> HubReader:
    """Read the authors' ``tokenizer.json``.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    HubReader
        Writes U as T and joins byte pairs.
    """
    from transformers import PreTrainedTokenizerFast

    from rnastudy.models.checkpoint import readable

    with readable(str(path)):
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(path), unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]"
        )
    return HubReader(tokenizer, alphabet="T")


def layout(config: MosaicConfig) -> Layout:
    """List the tensors of the authors' ``pytorch_model.bin``; it may hold the word embeddings again as ``cls.predictions.decoder.weight``."""
    wide, inner = config.hidden_size, config.intermediate_size
    shapes: Layout = {WORDS: (config.vocab_size, wide), "bert.embeddings.token_type_embeddings.weight": (2, wide)}
    shapes |= norm("bert.embeddings.LayerNorm", wide)
    for layer in range(config.num_hidden_layers):
        block = f"bert.encoder.layer.{layer}"
        shapes |= linear(f"{block}.attention.self.Wqkv", 3 * wide, wide) | linear(f"{block}.attention.output.dense", wide, wide)
        shapes |= norm(f"{block}.attention.output.LayerNorm", wide) | linear(f"{block}.mlp.gated_layers", 2 * inner, wide, bias=False)
        shapes |= linear(f"{block}.mlp.wo", wide, inner) | norm(f"{block}.mlp.layernorm", wide)
    shapes |= linear("cls.predictions.transform.dense", wide, wide) | norm("cls.predictions.transform.LayerNorm", wide)
    return shapes | {"cls.predictions.decoder.bias": (config.vocab_size,)}


def convert(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of `MosaicForMaskedLM`.

    Raises
    ------
    StudyError
        If a name is not known, or the head's copy of the word embeddings differs from them.

    Examples
    --------
    >>> list(convert({"bert.encoder.layer.3.mlp.wo.bias": None}))
    ['layers.3.out.bias']
    """
    return renamed(without_copy(stored, "cls.predictions.decoder.weight", WORDS, model="BiRNA-BERT"), RULES, ignore="", model="BiRNA-BERT")


ADAPTER = Adapter(
    read_from="github mosaicml/examples @ daddaef and buetnlpbio/BiRNA-BERT @ 7d53346 (code; no header of a checkpoint was read)",
    config=config,
    network=network,
    layout=layout,
    convert=convert,
    reader=reader,
    max_tokens=LONGEST,
)
