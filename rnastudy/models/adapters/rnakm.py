"""RNA-km (Gong, Bu and others, 2024) on a network of our own.

Read from github.com/gongtiansu/RNA-km, commit 189a1cd; no file of weights was opened. Run beside the authors' module
on random weights, maps and last states were equal to the last bit, and the list of tensors is its own. Tokens A 0, T 1, C 2, G 3,
X 4, unknown 5, mask 6, padding 7; no start or end token; U is read as T.

- **A base that could not be named.** The authors' vocabulary gives every letter but A, T, C, G, X the unknown token,
  and so does this reader. Their script writes such bases as N and looks them up in another table, where N has no
  place: it fails. Which token training used for N is not known.
- **Dropout.** Their script never switches to evaluation: what it writes, attention too, was computed with a dropout
  of 0.1 and changes from run to run. Here there is none, and no file of theirs can be matched.
- **Likelihoods.** The one head scores pairs of tokens, in 36 classes whose order was not released. It is left out.
- **Length.** The code sets no limit; the length that it was trained on is not in the repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, linear, norm, renamed
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor

    from rnastudy.models.architectures.rnakm import RnaKmConfig, RnaKmModel
    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "config", "convert", "layout", "network", "reader"]

#: Width of the pair head, and its classes.
PAIR, CLASSES = 512, 36
RULES = (
    (r"embed_tokens\.0\.weight", "words.weight"),
    (r"embed_rp\.relative_attention_bias\.weight", "distance.weight"),
    (r"encoder\.layers\.(\d+)\.norm1\.(weight|bias)", r"layers.\1.attention_norm.\2"),
    (r"encoder\.layers\.(\d+)\.norm2\.(weight|bias)", r"layers.\1.feed_norm.\2"),
    (r"encoder\.layers\.(\d+)\.attn\.fc_(query|key|value|out)\.weight", r"layers.\1.attention.\2.weight"),
    (r"encoder\.layers\.(\d+)\.ffn\.ff\.0\.(weight|bias)", r"layers.\1.feed.0.\2"),
    (r"encoder\.layers\.(\d+)\.ffn\.ff\.3\.(weight|bias)", r"layers.\1.feed.2.\2"),
    (r"layer_norm_after\.(weight|bias)", r"norm.\1"),
)
#: The pair head.
LEFT_OUT = r"fc_pair_(q|k)\.(weight|bias)|fc_pair_rp\.relative_attention_bias\.weight|fc_pair_cls\.[02]\.(weight|bias)"


def config(card: ModelCard) -> RnaKmConfig:
    """Return the sizes of RNA-km."""
    from rnastudy.models.architectures.rnakm import RnaKmConfig

    layers, heads, width = card.sizes
    return RnaKmConfig(vocab_size=8, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * width)


def network(config: RnaKmConfig) -> RnaKmModel:
    """Build RNA-km's encoder; its code leaves the random start to torch."""
    from rnastudy.models.architectures.rnakm import RnaKmModel

    return RnaKmModel(config)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader: one token a base, nothing before or behind."""
    return LetterReader({"A": 0, "U": 1, "C": 2, "G": 3, "N": 5}, pad=7, mask=6)


def layout(config: RnaKmConfig) -> Layout:
    """List the tensors under ``state_dict`` of the authors' ``weight.pth``, as their module defines them."""
    wide, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    shapes: Layout = {"embed_tokens.0.weight": (config.vocab_size, wide), "embed_rp.relative_attention_bias.weight": (64, heads)}
    for layer in range(config.num_hidden_layers):
        block = f"encoder.layers.{layer}"
        for part in ("query", "key", "value", "out"):
            shapes |= linear(f"{block}.attn.fc_{part}", wide, wide, bias=False)
        shapes |= norm(f"{block}.norm1", wide) | norm(f"{block}.norm2", wide)
        shapes |= linear(f"{block}.ffn.ff.0", inner, wide) | linear(f"{block}.ffn.ff.3", wide, inner)
    shapes |= norm("layer_norm_after", wide) | linear("fc_pair_q", PAIR, wide) | linear("fc_pair_k", PAIR, wide)
    shapes["fc_pair_rp.relative_attention_bias.weight"] = (64, PAIR)
    return shapes | linear("fc_pair_cls.0", PAIR, PAIR) | linear("fc_pair_cls.2", CLASSES, PAIR)


def convert(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of `RnaKmModel`; the pair head is left out by name.

    Examples
    --------
    >>> list(convert({"encoder.layers.3.ffn.ff.3.bias": None, "fc_pair_q.bias": None}))
    ['layers.3.feed.2.bias']
    """
    return renamed(stored, RULES, ignore=LEFT_OUT, model="RNA-km")


ADAPTER = Adapter(
    read_from="github gongtiansu/RNA-km @ 189a1cd (code; no header of a checkpoint was read)",
    config=config,
    network=network,
    layout=layout,
    convert=convert,
    reader=reader,
    no_logits="its only head scores pairs of tokens, in classes whose order was not released",
)
