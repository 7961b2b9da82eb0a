"""The network of RNA-km, after github.com/gongtiansu/RNA-km at 189a1cd (model/attention.py, positional_encoding.py, pretrain_model.py).

Norms before each block (pre-LN) and one behind the last; queries, keys, values and output without bias; erf-GELU.
Positions enter only as one table of biases, by bucket of distance and head, that every layer adds to its scores
after the queries were divided by the square root of the head's width. Its head scores pairs of tokens, not tokens,
and is left out. The buckets are those of T5, whose function is used. Axis letters: B batch, H heads, T tokens, D width.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.t5.modeling_t5 import T5Attention

from rnastudy.modeling.layers import feed_forward, split_heads
from rnastudy.models.architectures.layered import LayeredConfig, LayeredModel, attend

__all__ = ["BUCKETS", "FARTHEST", "RnaKmConfig", "RnaKmModel", "distance_buckets"]

#: Rows of the table of biases, and the distance from which on all share one.
BUCKETS, FARTHEST = 64, 256


class RnaKmConfig(LayeredConfig):
    """Sizes of an `RnaKmModel`: those of `LayeredConfig`.

    Examples
    --------
    >>> RnaKmConfig(hidden_size=1024).model_type
    'rna-km'
    """

    model_type = "rna-km"

    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)


def distance_buckets(tokens: int, device: torch.device | str = "cpu") -> Tensor:
    """Sort the offset of every pair of tokens into one of 64 buckets: 32 where the key stands before the query or on it, 32 behind.

    Parameters
    ----------
    tokens : int
        Number of tokens T.
    device : torch.device or str
        Where to make the table.

    Returns
    -------
    Tensor, shape (T, T), int64
        Bucket of query (row) and key (column).

    Examples
    --------
    >>> distance_buckets(3).tolist()
    [[0, 33, 34], [1, 0, 33], [2, 1, 0]]
    """
    place = torch.arange(tokens, device=device)
    buckets: Tensor = T5Attention._relative_position_bucket(place[None, :] - place[:, None], bidirectional=True, num_buckets=BUCKETS, max_distance=FARTHEST)
    return buckets


class RnaKmAttention(nn.Module):
    """Attention with a bias by distance; no linear layer of it has a bias of its own."""

    def __init__(self, config: RnaKmConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, states: Tensor, bias: Tensor, padded: Tensor) -> tuple[Tensor, Tensor]:
        """Return new states (B, T, D) and maps (B, H, T, T); `bias` is (H, T, T)."""
        query, key = split_heads(self.query(states), self.heads), split_heads(self.key(states), self.heads)
        scores = query / math.sqrt(query.shape[-1]) @ key.transpose(-1, -2) + bias
        mixed, maps = attend(scores, self.value(states), padded)
        return self.out(mixed), maps


class RnaKmLayer(nn.Module):
    """Attention and feed-forward, each behind a norm and beside a residual connection."""

    def __init__(self, config: RnaKmConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.hidden_size)
        self.attention = RnaKmAttention(config)
        self.feed_norm = nn.LayerNorm(config.hidden_size)
        self.feed = feed_forward(config.hidden_size, config.intermediate_size)

    def forward(self, states: Tensor, bias: Tensor, padded: Tensor) -> Tensor:
        """Return new states (B, T, D)."""
        states = states + self.attention(self.attention_norm(states), bias, padded)[0]
        fed: Tensor = self.feed(self.feed_norm(states))
        return states + fed


class RnaKmModel(LayeredModel):
    """The encoder of RNA-km.

    Parameters
    ----------
    config : RnaKmConfig
        Sizes.

    Examples
    --------
    >>> model = RnaKmModel(RnaKmConfig()).eval()
    >>> [tuple(state.shape) for state in model(torch.tensor([[0, 1, 2, 3]]), output_hidden_states=True).hidden_states]
    [(1, 4, 32), (1, 4, 32), (1, 4, 32)]
    """

    config_class = RnaKmConfig

    def __init__(self, config: RnaKmConfig) -> None:
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.distance = nn.Embedding(BUCKETS, config.num_attention_heads)
        self.layers = nn.ModuleList(RnaKmLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def embedded(self, input_ids: Tensor) -> Tensor:
        """Look the tokens up."""
        found: Tensor = self.words(input_ids)
        return found

    def shared(self, states: Tensor, padded: Tensor) -> tuple[Tensor, ...]:
        """Return the bias of distance, shape (H, T, T), and the padding."""
        return self.distance(distance_buckets(states.shape[1], states.device)).permute(2, 0, 1), padded

    def finished(self, states: Tensor) -> Tensor:
        """Norm the states."""
        normed: Tensor = self.norm(states)
        return normed
