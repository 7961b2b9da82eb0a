"""What the networks of this folder share: a stack of layers that shows its attention and its states.

Axis letters: B batch, H heads, T tokens, D width of the model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput

from rnastudy.modeling.layers import split_heads

__all__ = ["LayeredConfig", "LayeredModel", "TokenHead", "attend", "draw_normal"]


class LayeredConfig(PreTrainedConfig):
    """Sizes of a stack of layers.

    Parameters
    ----------
    vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size : int
        Tokens, width D, layers N, heads H and feed-forward width.

    Examples
    --------
    >>> LayeredConfig(vocab_size=8, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64).hidden_size
    32
    """

    def __init__(
        self,
        vocab_size: int = 8,
        hidden_size: int = 32,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        intermediate_size: int = 64,
        **options: Any,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        options |= {"vocab_size": vocab_size, "tie_word_embeddings": False}
        super().__init__(**options)
        self.vocab_size = vocab_size


class LayeredModel(PreTrainedModel):
    """A stack of layers; a network says how it embeds, what its layers share, and how it ends.

    A network sets `layers`, each of which takes the states (B, T, D) and what `shared` gave, and returns new states.
    The module ``attention`` of each layer returns its states and the softmaxed maps (B, H, T, T), which a hook sees.
    """

    base_model_prefix = ""
    main_input_name = "input_ids"
    attention_modules = r"layers\.\d+\.attention"
    layers: nn.ModuleList

    def _init_weights(self, module: nn.Module) -> None:
        """Leave every module as its own constructor drew it."""

    def embedded(self, input_ids: Tensor) -> Tensor:
        """Turn ids (B, T) into the states (B, T, D) that enter the first layer."""
        raise NotImplementedError

    def shared(self, states: Tensor, padded: Tensor) -> tuple[Tensor, ...]:
        """Return what every layer is given beside the states; `padded` (B, T) is true at padding."""
        raise NotImplementedError

    def finished(self, states: Tensor) -> Tensor:
        """Return the states behind the last layer, normed where the network ends in a norm."""
        return states

    def scored(self, states: Tensor) -> Tensor | None:
        """Return the logits of all tokens, shape (B, T, vocabulary), of a network with a token head."""
        return None

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, output_hidden_states: bool = False, **_: object) -> MaskedLMOutput:
        """Run the layers.

        Parameters
        ----------
        input_ids : Tensor, shape (B, T)
            Token ids.
        attention_mask : Tensor, shape (B, T), optional
            0 at padding; without it there is none.
        output_hidden_states : bool
            Give the states too: N + 1 of shape (B, T, D), the last one as the network ends.

        Returns
        -------
        MaskedLMOutput
            With logits (B, T, vocabulary), where there is a token head.
        """
        padded = torch.zeros_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.eq(0)
        states = self.embedded(input_ids)
        shared = self.shared(states, padded)
        kept: list[Tensor] = []
        for layer in self.layers:
            kept += [states] if output_hidden_states else []
            states = layer(states, *shared)
        states = self.finished(states)
        return MaskedLMOutput(logits=self.scored(states), hidden_states=(*kept, states) if output_hidden_states else None)


class TokenHead(nn.Module):
    """BERT's head of token scores: dense, erf-GELU, norm, then the word embeddings again and a bias of its own.

    Parameters
    ----------
    width, tokens : int
        Width D and size of the vocabulary.
    norm : nn.Module
        Norm behind the GELU.

    Examples
    --------
    >>> TokenHead(8, 5, nn.LayerNorm(8))(torch.zeros(1, 3, 8), torch.zeros(5, 8)).shape
    torch.Size([1, 3, 5])
    """

    def __init__(self, width: int, tokens: int, norm: nn.Module) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = norm
        self.bias = nn.Parameter(torch.zeros(tokens))

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """Score all tokens by the table of word embeddings, `words` (vocabulary, D)."""
        return nn.functional.linear(self.norm(nn.functional.gelu(self.dense(states))), words, self.bias)


def attend(scores: Tensor, value: Tensor, padded: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax over the keys that are no padding, and the weighted sum of values with the heads joined.

    Parameters
    ----------
    scores : Tensor, shape (B, H, T, T)
        Before the softmax; rows are queries.
    value : Tensor, shape (B, T, D)
        Values of all heads side by side.
    padded : Tensor, shape (B, T)
        True at padding.

    Returns
    -------
    tuple of Tensor
        Mixed values (B, T, D), and maps (B, H, T, T) whose rows sum to one.

    Examples
    --------
    >>> mixed, maps = attend(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 8), torch.tensor([[False, False, True]]))
    >>> mixed.shape, maps[0, 0, 0].tolist()
    (torch.Size([1, 3, 8]), [0.5, 0.5, 0.0])
    """
    maps = scores.masked_fill(padded[:, None, None, :], -torch.inf).softmax(-1)
    return (maps @ split_heads(value, scores.shape[1])).transpose(1, 2).flatten(2), maps


def draw_normal(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw the weights of linear layers and embeddings anew as BERT's were, and set biases to 0.

    Examples
    --------
    >>> layer = nn.Linear(400, 400)
    >>> draw_normal(layer)
    >>> round(layer.weight.std().item(), 3), layer.bias.abs().max().item()
    (0.02, 0.0)
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=deviation)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
