"""A masked language model of RNA alignments: tied row attention, then column attention (as in MSA Transformer)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput

from rnastudy.modeling.layers import AntidiagonalTaps, RelativeBias, feed_forward, split_heads

__all__ = ["ALIGNMENT_TOKENS", "AlignmentConfig", "AlignmentForMaskedLM"]

#: Token ids of the alignment model; GAP is a letter of its own and there are no end tokens.
ALIGNMENT_TOKENS = {"A": 0, "C": 1, "G": 2, "U": 3, "MASK": 4, "N": 5, "GAP": 6, "PAD": 7}


class AlignmentConfig(PreTrainedConfig):
    """Sizes and choices of an `AlignmentForMaskedLM`.

    Parameters
    ----------
    hidden_size, num_hidden_layers, num_attention_heads, intermediate_size : int
        Width D, layers N, heads H and feed-forward width.
    relative_window : int
        Offsets beyond it share one position bias.
    taps : int
        Reach of the anti-diagonal taps on the row scores; 0 leaves them out.

    Examples
    --------
    >>> AlignmentConfig().hidden_size
    32
    """

    model_type = "rnastudy-alignment"

    def __init__(
        self,
        hidden_size: int = 32,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        intermediate_size: int = 64,
        relative_window: int = 64,
        taps: int = 4,
        **options: Any,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.relative_window = relative_window
        self.taps = taps
        options.setdefault("vocab_size", len(ALIGNMENT_TOKENS))
        options.setdefault("pad_token_id", ALIGNMENT_TOKENS["PAD"])
        options["tie_word_embeddings"] = False
        super().__init__(**options)
        self.vocab_size = options["vocab_size"]


class RowAttention(nn.Module):
    """One attention map for all rows of an alignment: scores are summed over rows."""

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.position = RelativeBias(self.heads, config.relative_window)
        self.taps = AntidiagonalTaps(self.heads, config.taps) if config.taps else None

    def scores(self, states: Tensor, present: Tensor) -> Tensor:
        """Scores of all pairs of columns, shape (B, H, T, T); `present` (B, R, T) is false at PAD."""
        rows = present.any(-1).sum(-1).clamp(min=1)[:, None, None, None]
        query = split_heads(self.query(states), self.heads) * present[:, :, None, :, None]
        key = split_heads(self.key(states), self.heads)
        scores = torch.einsum("brhid,brhjd->bhij", query, key) / (math.sqrt(query.shape[-1]) * rows.sqrt())
        scores = scores + self.position(states.shape[2])
        if self.taps is None:
            return scores
        columns = present.any(1)
        scores = scores * (columns[:, None, :, None] & columns[:, None, None, :])
        return scores + self.taps(scores)

    def forward(self, states: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return new states (B, R, T, D) and the shared attention (B, H, T, T), whose rows sum to one."""
        absent = ~present.any(1)[:, None, None, :]
        probabilities = self.scores(states, present).masked_fill(absent, -torch.inf).softmax(-1)
        mixed = torch.einsum("bhij,brhjd->brhid", probabilities, split_heads(self.value(states), self.heads))
        return self.out(mixed.transpose(2, 3).flatten(3)), probabilities


class ColumnAttention(nn.Module):
    """Attention over the rows of each column."""

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        """Mix the rows of each column, shape (B, R, T, D) to the same; a PAD row is not looked at."""
        columns = states.transpose(1, 2)
        query, key, value = (split_heads(part, self.heads) for part in self.project(columns).chunk(3, -1))
        looked_at = present.any(-1)[:, None, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=looked_at)
        return self.out(mixed.transpose(2, 3).flatten(3)).transpose(1, 2)


class AlignmentLayer(nn.Module):
    """Row attention, column attention and feed-forward, each behind a norm and beside a residual connection."""

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__()
        self.row_norm, self.row_attention = nn.LayerNorm(config.hidden_size), RowAttention(config)
        self.column_norm, self.column_attention = nn.LayerNorm(config.hidden_size), ColumnAttention(config)
        self.feed_norm = nn.LayerNorm(config.hidden_size)
        self.feed = feed_forward(config.hidden_size, config.intermediate_size)

    def forward(self, states: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return new states (B, R, T, D) and the row attention (B, H, T, T)."""
        mixed, probabilities = self.row_attention(self.row_norm(states), present)
        states = states + mixed
        states = states + self.column_attention(self.column_norm(states), present)
        return states + self.feed(self.feed_norm(states)), probabilities


class AlignmentModel(nn.Module):
    """Embedding, layers and final norm."""

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(AlignmentLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)

    def forward(self, input_ids: Tensor, present: Tensor, keep_maps: bool = False) -> tuple[list[Tensor], list[Tensor]]:
        """Return the states of the embedding and every layer, and the row attention of every layer if it is to be kept."""
        states, maps = [self.embedding(input_ids)], []
        for layer in self.layers:
            new, probabilities = layer(states[-1], present)
            states.append(new)
            maps += [probabilities] if keep_maps else []
        states[-1] = self.norm(states[-1])
        return states, maps


class AlignmentForMaskedLM(PreTrainedModel):
    """A small alignment model that names masked bases; row 0 is the RNA itself.

    Parameters
    ----------
    config : AlignmentConfig
        Sizes and choices.

    Examples
    --------
    >>> model = AlignmentForMaskedLM(AlignmentConfig()).eval()
    >>> out = model(torch.randint(0, 4, (1, 3, 9)), output_attentions=True)
    >>> out.logits.shape, out.attentions[0].shape
    (torch.Size([1, 3, 9, 4]), torch.Size([1, 4, 9, 9]))
    """

    config_class = AlignmentConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__(config)
        self.model = AlignmentModel(config)
        self.head = nn.Linear(config.hidden_size, 4)
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
        **_: object,
    ) -> MaskedLMOutput:
        """Score A, C, G and U in every cell of the alignment.

        Parameters
        ----------
        input_ids : Tensor, shape (B, R, T)
            Ids of `ALIGNMENT_TOKENS`.
        attention_mask : Tensor, shape (B, R, T), optional
            0 at padding; taken from the PAD tokens if left out.
        labels : Tensor, shape (B, R, T), optional
            0 to 3 where the loss counts, -100 elsewhere.

        Returns
        -------
        MaskedLMOutput
            With logits (B, R, T, 4) and, when asked for, row attentions N x (B, H, T, T) and hidden
            states (N + 1) x (B, R, T, D).
        """
        present = input_ids.ne(ALIGNMENT_TOKENS["PAD"]) if attention_mask is None else attention_mask.ne(0)
        states, maps = self.model(input_ids, present, output_attentions)
        logits = self.head(states[-1])
        loss = None if labels is None else nn.functional.cross_entropy(logits.flatten(0, 2), labels.flatten())
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(maps) if output_attentions else None,
        )
