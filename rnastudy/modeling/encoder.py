"""A masked language model of single RNA sequences, with or without a convolution over its score maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput

from rnastudy.modeling.layers import LocalStem, MapConvolution, PairPrior, RelativeBias, ShiftedTaps, feed_forward, split_heads

__all__ = ["TOKENS", "EncoderConfig", "EncoderForMaskedLM"]

#: Token ids of the encoder; a SINK stands at both ends and takes attention that has nowhere to go. Longer pieces follow from 8 on.
TOKENS = {"A": 0, "C": 1, "G": 2, "U": 3, "MASK": 4, "N": 5, "SINK": 6, "PAD": 7}


class EncoderConfig(PreTrainedConfig):
    """Sizes and choices of an `EncoderForMaskedLM`.

    Parameters
    ----------
    hidden_size, num_hidden_layers, num_attention_heads, intermediate_size : int
        Width D, layers N, heads H and feed-forward width.
    relative_window : int
        Offsets beyond it share one position bias.
    map_channels : int
        Channels of the convolution over the score maps; 0 leaves it out (a plain encoder).
    carry_scores : bool
        Add the scores of the layer before, weighted by one learned number per head.
    taps : int
        Reach of anti-diagonal taps on the scores, in the convolution's place; 0 leaves them out.
    stem : int
        Width of a convolution along the sequence behind the embedding; 0 leaves it out.
    pair_prior : tuple of float, optional
        What GC, AU and GU add to the scores of the first layer, as in ERNIE-RNA; nothing when left out.
    structure_symbols : int
        Dot-bracket symbols that a second head names, as in MP-RNA: 3 (unpaired, opening, closing) or 0 for no such head.
    unit, unit_size : str and int
        What a token is, see `rnastudy.modeling.pieces`.

    Examples
    --------
    >>> EncoderConfig(hidden_size=32, num_hidden_layers=1).num_attention_heads
    4
    """

    model_type = "rnastudy-encoder"

    def __init__(
        self,
        hidden_size: int = 64,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        intermediate_size: int = 128,
        relative_window: int = 64,
        map_channels: int = 12,
        carry_scores: bool = True,
        taps: int = 0,
        stem: int = 0,
        pair_prior: Sequence[float] | None = None,
        structure_symbols: int = 0,
        unit: str = "base",
        unit_size: int = 1,
        **options: Any,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.relative_window = relative_window
        self.map_channels = map_channels
        self.carry_scores = carry_scores
        self.taps, self.stem, self.structure_symbols = taps, stem, structure_symbols
        self.pair_prior = None if pair_prior is None else list(pair_prior)
        self.unit, self.unit_size = unit, unit_size
        options.setdefault("vocab_size", len(TOKENS))
        options.setdefault("pad_token_id", TOKENS["PAD"])
        options["tie_word_embeddings"] = False
        super().__init__(**options)
        self.vocab_size = options["vocab_size"]


class PairScores(nn.Module):
    """Scores of all pairs of tokens before the softmax, shape (B, H, T, T)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.position = RelativeBias(self.heads, config.relative_window)
        self.carry = nn.Parameter(torch.ones(self.heads)) if config.carry_scores else None
        self.convolution = MapConvolution(self.heads, config.map_channels) if config.map_channels else None
        self.taps = ShiftedTaps(self.heads, config.taps) if config.taps else None

    def forward(self, states: Tensor, padded: Tensor, previous: Tensor | None, prior: Tensor | None = None) -> Tensor:
        """Score every pair; `padded` (B, T) is true at PAD, `previous` the layer before's scores, `prior` (B, 1, T, T) is added."""
        query, key = split_heads(self.query(states), self.heads), split_heads(self.key(states), self.heads)
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + self.position(states.shape[1])
        if self.carry is not None and previous is not None:
            scores = scores + self.carry[:, None, None] * previous
        if prior is not None:
            scores = scores + prior
        off = padded[:, None, :, None] | padded[:, None, None, :]
        if self.taps is not None:
            scores = scores + self.taps(scores.masked_fill(off, 0))
        return scores if self.convolution is None else scores + self.convolution(scores, off)


class PairAttention(nn.Module):
    """Softmax over given scores, then the weighted sum of values."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.out = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, states: Tensor, scores: Tensor, padded: Tensor) -> tuple[Tensor, Tensor]:
        """Return the new states (B, T, D) and the attention (B, H, T, T), whose rows sum to one."""
        probabilities = scores.masked_fill(padded[:, None, None, :], -torch.inf).softmax(-1)
        mixed = probabilities @ split_heads(self.value(states), self.heads)
        return self.out(mixed.transpose(1, 2).flatten(2)), probabilities


class EncoderLayer(nn.Module):
    """Attention and feed-forward, each behind a layer norm and beside a residual connection."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.hidden_size)
        self.scores = PairScores(config)
        self.attention = PairAttention(config)
        self.feed_norm = nn.LayerNorm(config.hidden_size)
        self.feed = feed_forward(config.hidden_size, config.intermediate_size)

    def forward(self, states: Tensor, padded: Tensor, previous: Tensor | None, prior: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return new states, attention and the scores to carry on."""
        normed = self.attention_norm(states)
        scores = self.scores(normed, padded, previous, prior)
        mixed, probabilities = self.attention(normed, scores, padded)
        states = states + mixed
        return states + self.feed(self.feed_norm(states)), probabilities, scores


class EncoderModel(nn.Module):
    """Embedding, layers and final norm; there is no embedding of absolute positions."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.stem = LocalStem(config.hidden_size, config.stem) if config.stem else None
        self.prior = PairPrior(config.pair_prior, config.vocab_size) if config.pair_prior else None

    def _embedded(self, input_ids: Tensor, padded: Tensor) -> Tensor:
        states = self.embedding(input_ids)
        return states if self.stem is None else self.stem(states, padded)

    def forward(self, input_ids: Tensor, padded: Tensor, keep_maps: bool = False) -> tuple[list[Tensor], list[Tensor]]:
        """Return the states of the embedding and every layer, and the attention of every layer if it is to be kept."""
        states, scores = [self._embedded(input_ids, padded)], None
        prior = None if self.prior is None else self.prior(input_ids)
        maps = []
        for number, layer in enumerate(self.layers):
            new, probabilities, scores = layer(states[-1], padded, scores, None if number else prior)
            states.append(new)
            maps += [probabilities] if keep_maps else []
        states[-1] = self.norm(states[-1])
        return states, maps


class EncoderForMaskedLM(PreTrainedModel):
    """A small encoder that names masked bases.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices.

    Examples
    --------
    >>> model = EncoderForMaskedLM(EncoderConfig(hidden_size=32, num_hidden_layers=1)).eval()
    >>> out = model(torch.tensor([[6, 0, 1, 2, 3, 6]]), output_attentions=True)
    >>> out.logits.shape, out.attentions[0].shape
    (torch.Size([1, 6, 4]), torch.Size([1, 4, 6, 6]))
    """

    config_class = EncoderConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.model = EncoderModel(config)
        self.head = nn.Linear(config.hidden_size, 4 if config.unit == "base" else config.vocab_size)
        self.structure_head = nn.Linear(config.hidden_size, config.structure_symbols) if config.structure_symbols else None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave every module as its own constructor drew it."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
        symbols: Tensor | None = None,
        **_: object,
    ) -> MaskedLMOutput:
        """Score A, C, G and U at every token (every piece of the vocabulary, where tokens are longer than bases).

        Parameters
        ----------
        input_ids : Tensor, shape (B, T)
            Ids of `TOKENS`.
        attention_mask : Tensor, shape (B, T), optional
            0 at padding; taken from the PAD tokens if left out.
        labels : Tensor, shape (B, T), optional
            0 to 3 (id of the piece) where the loss counts, -100 elsewhere.
        symbols : Tensor, shape (B, T), optional
            Dot-bracket symbols, 0 to 2, -100 where unknown; their cross-entropy is added to the loss.

        Returns
        -------
        MaskedLMOutput
            With logits (B, T, 4) and, when asked for, attentions N x (B, H, T, T) and hidden
            states (N + 1) x (B, T, D), the last one after the final norm.
        """
        padded = input_ids.eq(TOKENS["PAD"]) if attention_mask is None else attention_mask.eq(0)
        states, maps = self.model(input_ids, padded, output_attentions)
        logits = self.head(states[-1])
        loss = None if labels is None else nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        if loss is not None and symbols is not None and self.structure_head is not None and bool((symbols >= 0).any()):
            loss = loss + nn.functional.cross_entropy(self.structure_head(states[-1]).flatten(0, 1), symbols.flatten())
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(maps) if output_attentions else None,
        )
