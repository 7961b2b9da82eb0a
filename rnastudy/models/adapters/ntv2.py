"""Nucleotide Transformer v2 (Dalla-Torre et al., Nat. Methods 2025): ESM with rotary positions and a gated feed-forward.

Read from github.com/instadeepai/nucleotide-transformer at 2dc37b8 (model.py, layers.py, tokenizers.py) and from copies
of the hub's modeling_esm.py: the ESM-2 block, but the feed-forward is SwiGLU without bias: one matrix of twice the inner
width, SiLU of its first half times its second half, one matrix back. No token dropout. Epsilon: 1e-12 in the hub's
configuration, which is followed here, 1e-5 in the JAX code. Only a start token is put before; U is written T.
Compared once, with three layers of random weights: that JAX code gives the same attention, states and logits to 4e-7 if
epsilon is 1e-5 on both sides (2e-4 if not), and its tokenizer the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from rnastudy.models.adapters.base import Adapter, Files, Layout, renamed
from rnastudy.models.esm import esm_config, esm_network, hub_ignored, hub_layout, hub_rules
from rnastudy.models.kmers import KmerReader

if TYPE_CHECKING:
    from transformers import EsmConfig, EsmForMaskedLM

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "Back", "Gate", "config", "encoder_weights", "layout", "network", "reader"]

#: Rows of the table of positions that is stored and never read.
POSITIONS = 2050
#: Longest input in tokens, with the start token.
MAX_TOKENS = 2048


class Gate(nn.Module):
    """First half of the feed-forward: SiLU of one projection times another, without bias.

    Parameters
    ----------
    wide, inner : int
        Widths of input and output.
    """

    def __init__(self, wide: int, inner: int) -> None:
        super().__init__()
        self.dense = nn.Linear(wide, 2 * inner, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """Map states of shape (B, T, D) to (B, T, F)."""
        opened, passed = self.dense(states).chunk(2, dim=-1)
        return nn.functional.silu(opened) * passed


class Back(nn.Module):
    """Second half of the feed-forward: back to the width of the network, without bias, onto the residual.

    Parameters
    ----------
    inner, wide : int
        Widths of input and output.
    """

    def __init__(self, inner: int, wide: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, wide, bias=False)

    def forward(self, states: Tensor, residual: Tensor) -> Tensor:
        """Map states of shape (B, T, F) to (B, T, D) and add the residual."""
        mapped: Tensor = self.dense(states)
        return mapped + residual


def config(card: ModelCard) -> EsmConfig:
    """Return the sizes of a model of the series as a configuration of `transformers`; the inner width is four times the width in all four."""
    return esm_config(card, 4107, pad=1, mask=2, epsilon=1e-12)


def network(config: EsmConfig) -> EsmForMaskedLM:
    """Build the network: ESM of `transformers` with the feed-forward of every layer replaced."""
    built = esm_network(config)
    wide, inner = config.hidden_size, config.intermediate_size
    for layer in built.esm.encoder.layer:
        block: Any = layer
        block.intermediate, block.output = Gate(wide, inner), Back(inner, wide)
        for part in (block.intermediate, block.output):
            nn.init.normal_(part.dense.weight, std=config.initializer_range)
    return built.eval()


def reader(card: ModelCard, files: Files) -> KmerReader:
    """Return the reader of 6-mers."""
    return KmerReader(first=6, pad=1, start=3, mask=2)


def layout(config: EsmConfig) -> Layout:
    """List the tensors of the file on the hub."""
    shapes = hub_layout(config, "esm", positions=POSITIONS)
    for layer in range(config.num_hidden_layers):
        block = f"esm.encoder.layer.{layer}"
        shapes[f"{block}.intermediate.dense.weight"] = (2 * config.intermediate_size, config.hidden_size)
        del shapes[f"{block}.intermediate.dense.bias"], shapes[f"{block}.output.dense.bias"]
    return shapes


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint; they keep their names, except for the rotary frequencies.

    Raises
    ------
    StudyError
        If a name is not of that layout.

    Examples
    --------
    >>> list(encoder_weights({"esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq": None}))
    ['esm.rotary_embeddings.inv_freq']
    """
    return renamed(stored, hub_rules("esm"), ignore=hub_ignored("esm"), model="Nucleotide Transformer v2")


ADAPTER = Adapter(
    read_from="github instadeepai/nucleotide-transformer @ 2dc37b8 (code, run on random weights), and copies of its modeling_esm.py; no checkpoint was opened",
    config=config,
    network=network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
    max_tokens=MAX_TOKENS,
)
