"""MosaicBERT, the network of BiRNA-BERT and DNABERT-2, after github.com/mosaicml/examples (bert_layers.py).

BERT with norms behind each block (post-LN), a slope over distance on every score (ALiBi) in place of positions, one
projection for queries, keys and values, and a gated feed-forward. The authors' code takes padding out before each
linear layer and adds -10000 to the scores of padded keys; here padded keys get minus infinity, which is the same
for every token that is no padding. Axis letters: B batch, H heads, T tokens, D width.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from rnastudy.modeling.layers import split_heads
from rnastudy.models.architectures.layered import LayeredConfig, LayeredModel, TokenHead, attend, draw_normal

__all__ = ["MosaicConfig", "MosaicForMaskedLM", "distance_slopes"]


class MosaicConfig(LayeredConfig):
    """Sizes of a `MosaicForMaskedLM`.

    Parameters
    ----------
    layer_norm_eps : float
        Epsilon of every norm.
    **sizes
        Those of `LayeredConfig`.

    Examples
    --------
    >>> MosaicConfig(hidden_size=24, num_attention_heads=12).layer_norm_eps
    1e-12
    """

    model_type = "mosaic-bert"

    def __init__(self, layer_norm_eps: float = 1e-12, **sizes: Any) -> None:
        self.layer_norm_eps = layer_norm_eps
        super().__init__(**sizes)


def distance_slopes(heads: int) -> list[float]:
    """Return the slope of each head in the bias ``-slope * |i - j|`` (Press et al., ICLR 2022).

    For a power of two they fall from ``2 ** (-8 / H)`` to ``2 ** -8`` in equal ratios. Otherwise they are those of
    the next smaller power of two, then every second one of twice that.

    Parameters
    ----------
    heads : int
        Number of heads H.

    Returns
    -------
    list of float
        One a head.

    Examples
    --------
    >>> distance_slopes(4)
    [0.25, 0.0625, 0.015625, 0.00390625]
    >>> distance_slopes(6)[4:]
    [0.5, 0.125]
    """
    whole = 2 ** (heads.bit_length() - 1)
    first = [2.0 ** (-8 * (head + 1) / whole) for head in range(whole)]
    return first if whole == heads else first + distance_slopes(2 * whole)[::2][: heads - whole]


class MosaicAttention(nn.Module):
    """Attention whose scores fall with distance."""

    def __init__(self, config: MosaicConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.qkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.out = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, states: Tensor, bias: Tensor, padded: Tensor) -> tuple[Tensor, Tensor]:
        """Return new states (B, T, D) and maps (B, H, T, T); `bias` is (H, T, T)."""
        query, key, value = self.qkv(states).chunk(3, dim=-1)
        scores = split_heads(query, self.heads) @ split_heads(key, self.heads).transpose(-1, -2)
        mixed, maps = attend(scores / math.sqrt(query.shape[-1] / self.heads) + bias, value, padded)
        return self.out(mixed), maps


class MosaicLayer(nn.Module):
    """Attention and gated feed-forward, each beside a residual connection and before a norm."""

    def __init__(self, config: MosaicConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.attention = MosaicAttention(config)
        self.attention_norm = nn.LayerNorm(width, config.layer_norm_eps)
        self.gated = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, width)
        self.feed_norm = nn.LayerNorm(width, config.layer_norm_eps)

    def forward(self, states: Tensor, bias: Tensor, padded: Tensor) -> Tensor:
        """Return new states (B, T, D)."""
        states = self.attention_norm(states + self.attention(states, bias, padded)[0])
        gate, value = self.gated(states).chunk(2, dim=-1)
        return self.feed_norm(states + self.out(nn.functional.gelu(gate) * value))


class MosaicForMaskedLM(LayeredModel):
    """MosaicBERT with its head of token scores, which uses the word embeddings again.

    Parameters
    ----------
    config : MosaicConfig
        Sizes.

    Examples
    --------
    >>> model = MosaicForMaskedLM(MosaicConfig(vocab_size=10, hidden_size=24, num_attention_heads=3)).eval()
    >>> out = model(torch.tensor([[2, 5, 6, 7, 3]]), output_hidden_states=True)
    >>> out.logits.shape, len(out.hidden_states)
    (torch.Size([1, 5, 10]), 3)
    """

    config_class = MosaicConfig

    def __init__(self, config: MosaicConfig) -> None:
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.kinds = nn.Embedding(2, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.layers = nn.ModuleList(MosaicLayer(config) for _ in range(config.num_hidden_layers))
        self.head = TokenHead(config.hidden_size, config.vocab_size, nn.LayerNorm(config.hidden_size, 1e-12))
        draw_normal(self)
        self.post_init()

    def embedded(self, input_ids: Tensor) -> Tensor:
        """Add the row of the first kind of token to the word embeddings, and norm."""
        normed: Tensor = self.norm(self.words(input_ids) + self.kinds.weight[0])
        return normed

    def shared(self, states: Tensor, padded: Tensor) -> tuple[Tensor, ...]:
        """Return the bias of distance, shape (H, T, T), and the padding."""
        place = torch.arange(states.shape[1], device=states.device)
        slopes = torch.tensor(distance_slopes(self.config.num_attention_heads), device=states.device)
        bias = -slopes[:, None, None] * (place[:, None] - place[None, :]).abs()
        return bias.to(states.dtype), padded

    def scored(self, states: Tensor) -> Tensor:
        """Score all tokens."""
        logits: Tensor = self.head(states, self.words.weight)
        return logits
