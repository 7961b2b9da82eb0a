"""The network of AIDO.RNA, after github.com/genbio-ai/ModelGenerator at c4d0121 (huggingface_models/rnabert/modeling_rnabert.py).

Norms before each block (pre-LN) and one behind the last, rotary positions on queries and keys as they are, scores
divided by the square root of the head's width, a feed-forward gated by SiLU, and BERT's head of token scores. The
norm is a layer norm, and all linear layers have biases; in the smallest size it is a root-mean-square norm, and only
the dense layer of the head has a bias. Rows of padding hold zeros in the maps. The authors' name for the architecture,
``rnabert``, is that of another model. Axis letters: B batch, H heads, T tokens, D width.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from rnastudy.modeling.layers import split_heads
from rnastudy.models.architectures.layered import LayeredConfig, LayeredModel, TokenHead, attend, draw_normal

__all__ = ["AidoConfig", "AidoForMaskedLM", "rotated", "rotation"]


class AidoConfig(LayeredConfig):
    """Sizes and choices of an `AidoForMaskedLM`.

    Parameters
    ----------
    norm : {"layer", "rms"}
        Kind of every norm.
    bias : bool
        Whether the linear layers of attention and feed-forward have biases.
    layer_norm_eps : float
        Epsilon of every norm.
    **sizes
        Those of `LayeredConfig`.

    Examples
    --------
    >>> AidoConfig(norm="rms", bias=False).layer_norm_eps
    1e-05
    """

    model_type = "aido-rna"

    def __init__(self, norm: str = "layer", bias: bool = True, layer_norm_eps: float = 1e-5, **sizes: Any) -> None:
        self.norm, self.bias, self.layer_norm_eps = norm, bias, layer_norm_eps
        super().__init__(**sizes)

    def new_norm(self) -> nn.Module:
        """Make one of the norms."""
        kind = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}[self.norm]
        return kind(self.hidden_size, eps=self.layer_norm_eps)


def rotation(tokens: int, size: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Return the cosine and sine of every position and every number of a head.

    Parameters
    ----------
    tokens, size : int
        Number of tokens T and width d of a head, which is even.
    device : torch.device or str
        Where to make them.

    Returns
    -------
    tuple of Tensor, shape (T, d)
        Of position ``p`` times ``10000 ** (-2 k / d)``, for k = 0 to d / 2 - 1, twice over.

    Examples
    --------
    >>> [part.shape for part in rotation(5, 8)]
    [torch.Size([5, 8]), torch.Size([5, 8])]
    """
    speed = 1 / 10000 ** (torch.arange(0, size, 2, dtype=torch.float32, device=device) / size)
    angle = torch.outer(torch.arange(tokens, dtype=torch.float32, device=device), speed).repeat(1, 2)
    return angle.cos(), angle.sin()


def rotated(part: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn queries or keys by their position; number k of a head is paired with number k + d / 2.

    Parameters
    ----------
    part : Tensor, shape (..., T, d)
        Queries or keys.
    cosine, sine : Tensor, shape (T, d)
        As `rotation` gives them.

    Returns
    -------
    Tensor, shape (..., T, d)

    Examples
    --------
    >>> rotated(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2), torch.ones(1, 2)).tolist()
    [[0.0, 1.0]]
    """
    first, second = part.chunk(2, dim=-1)
    return part * cosine + torch.cat([-second, first], dim=-1) * sine


class AidoAttention(nn.Module):
    """Attention with rotary positions."""

    def __init__(self, config: AidoConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.query = nn.Linear(width, width, bias=config.bias)
        self.key = nn.Linear(width, width, bias=config.bias)
        self.value = nn.Linear(width, width, bias=config.bias)
        self.out = nn.Linear(width, width, bias=config.bias)

    def forward(self, states: Tensor, cosine: Tensor, sine: Tensor, padded: Tensor) -> tuple[Tensor, Tensor]:
        """Return new states (B, T, D) and maps (B, H, T, T); rows of padding are zero in both maps and mixture."""
        query, key = (rotated(split_heads(part(states), self.heads), cosine, sine) for part in (self.query, self.key))
        mixed, maps = attend(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), self.value(states), padded)
        return self.out(mixed.masked_fill(padded[:, :, None], 0)), maps.masked_fill(padded[:, None, :, None], 0)


class AidoLayer(nn.Module):
    """Attention and gated feed-forward, each behind a norm and beside a residual connection."""

    def __init__(self, config: AidoConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.attention_norm, self.feed_norm = config.new_norm(), config.new_norm()
        self.attention = AidoAttention(config)
        self.gate = nn.Linear(width, inner, bias=config.bias)
        self.up = nn.Linear(width, inner, bias=config.bias)
        self.down = nn.Linear(inner, width, bias=config.bias)

    def forward(self, states: Tensor, cosine: Tensor, sine: Tensor, padded: Tensor) -> Tensor:
        """Return new states (B, T, D)."""
        states = states + self.attention(self.attention_norm(states), cosine, sine, padded)[0]
        normed = self.feed_norm(states)
        fed: Tensor = self.down(nn.functional.silu(self.gate(normed)) * self.up(normed))
        return states + fed


class AidoForMaskedLM(LayeredModel):
    """AIDO.RNA with its head of token scores, which uses the word embeddings again.

    Parameters
    ----------
    config : AidoConfig
        Sizes and choices.

    Examples
    --------
    >>> model = AidoForMaskedLM(AidoConfig(vocab_size=16)).eval()
    >>> out = model(torch.tensor([[2, 5, 6, 7, 3]]), output_hidden_states=True)
    >>> out.logits.shape, len(out.hidden_states)
    (torch.Size([1, 5, 16]), 3)
    """

    config_class = AidoConfig

    def __init__(self, config: AidoConfig) -> None:
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(AidoLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = config.new_norm()
        self.head = TokenHead(config.hidden_size, config.vocab_size, config.new_norm())
        draw_normal(self)
        self.post_init()

    def embedded(self, input_ids: Tensor) -> Tensor:
        """Look the tokens up."""
        found: Tensor = self.words(input_ids)
        return found

    def shared(self, states: Tensor, padded: Tensor) -> tuple[Tensor, ...]:
        """Return the cosine and sine of the positions, shape (T, d), and the padding."""
        cosine, sine = rotation(states.shape[1], states.shape[2] // self.config.num_attention_heads, states.device)
        return cosine.to(states.dtype), sine.to(states.dtype), padded

    def finished(self, states: Tensor) -> Tensor:
        """Norm the states."""
        normed: Tensor = self.norm(states)
        return normed

    def scored(self, states: Tensor) -> Tensor:
        """Score all tokens."""
        logits: Tensor = self.head(states, self.words.weight)
        return logits
