"""Parts that the single-sequence and the alignment model share.

Axis letters: B batch, R alignment rows, H heads, T tokens, D width of the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["AntidiagonalTaps", "LocalStem", "MapConvolution", "PairPrior", "RelativeBias", "ShiftedTaps", "feed_forward", "split_heads"]


def split_heads(states: Tensor, heads: int) -> Tensor:
    """Cut the width into heads, shape (..., T, D) to (..., H, T, D / H).

    Examples
    --------
    >>> split_heads(torch.zeros(2, 5, 8), 4).shape
    torch.Size([2, 4, 5, 2])
    """
    return states.unflatten(-1, (heads, -1)).transpose(-2, -3)


def feed_forward(width: int, hidden: int) -> nn.Sequential:
    """Two linear layers with a GELU between them, shape (..., D) to (..., D)."""
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class RelativeBias(nn.Module):
    """A learned bias for every head and every offset ``j - i``, clipped at ``+-window``; starts at 0.

    Parameters
    ----------
    heads : int
        Number of attention heads H.
    window : int
        Offsets beyond it share one bias.

    Examples
    --------
    >>> RelativeBias(heads=4, window=64)(10).shape
    torch.Size([4, 10, 10])
    """

    def __init__(self, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.table = nn.Parameter(torch.zeros(heads, 2 * window + 1))

    def forward(self, tokens: int) -> Tensor:
        """Return the bias of every pair of tokens, shape (H, T, T)."""
        place = torch.arange(tokens, device=self.table.device)
        offset = (place[None, :] - place[:, None]).clamp(-self.window, self.window) + self.window
        return self.table[:, offset]


class MapConvolution(nn.Module):
    """Let every attention score see the scores around it: two 3 x 3 convolutions over the score map.

    A base pair that stacks on its neighbours is supported by the scores at ``(i - 1, j + 1)`` and
    ``(i + 1, j - 1)``; ordinary attention scores one pair at a time and cannot see them.

    Parameters
    ----------
    heads : int
        Number of attention heads H, the channels of the map.
    channels : int
        Channels between the two convolutions.

    Examples
    --------
    >>> off = torch.zeros(2, 1, 7, 7, dtype=torch.bool)
    >>> MapConvolution(heads=4, channels=12)(torch.zeros(2, 4, 7, 7), off).shape
    torch.Size([2, 4, 7, 7])
    """

    def __init__(self, heads: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(heads, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, heads, 3, padding=1)

    def forward(self, scores: Tensor, off: Tensor) -> Tensor:
        """Return what is added to `scores` (B, H, T, T); padding, true in `off` (B, 1, T, T), stays out of it."""
        inner = scores.masked_fill(off, 0)
        return self.second(nn.functional.gelu(self.first(inner)).masked_fill(off, 0))


class AntidiagonalTaps(nn.Module):
    """Add to every score a weighted sum of the scores along its anti-diagonal.

    Stacked pairs lie on an anti-diagonal: ``S[i, j] += sum_k w[k] S[i + k, j - k]``.

    Parameters
    ----------
    heads : int
        Number of attention heads H.
    reach : int
        Largest ``|k|``.

    Examples
    --------
    >>> AntidiagonalTaps(heads=2, reach=4)(torch.zeros(1, 2, 6, 6)).shape
    torch.Size([1, 2, 6, 6])
    """

    def __init__(self, heads: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.weight = nn.Parameter(torch.empty(heads, 2 * reach + 1).normal_(0, 0.05))

    def forward(self, scores: Tensor) -> Tensor:
        """Return what is added to `scores`, shape (B, H, T, T)."""
        kernel = torch.diag_embed(self.weight).flip(-1).unsqueeze(1)
        return nn.functional.conv2d(scores, kernel, padding=self.reach, groups=scores.shape[1])


class LocalStem(nn.Module):
    """Let every embedded base see its neighbours along the sequence: one convolution beside a residual connection.

    Parameters
    ----------
    width : int
        Width D.
    reach : int
        Bases it sees, an odd number.

    Examples
    --------
    >>> LocalStem(width=8, reach=7)(torch.zeros(2, 5, 8), torch.zeros(2, 5, dtype=torch.bool)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, reach, padding=reach // 2)

    def forward(self, states: Tensor, padded: Tensor) -> Tensor:
        """Return states (B, T, D) with their neighbourhood; padding, true in `padded` (B, T), stays out of it."""
        inner = states.masked_fill(padded[..., None], 0).transpose(1, 2)
        return states + nn.functional.gelu(self.convolution(inner)).transpose(1, 2)


class PairPrior(nn.Module):
    """Add a constant to the attention score of every pair of bases that could pair, as ERNIE-RNA does.

    ERNIE-RNA (Yin et al., bioRxiv 2024.03.17.585376) adds 2 for AU, 3 for GC and 0.8 for GU. Hidden bases get nothing,
    as what they are is not seen. The table is a buffer, not learned, and can be set to zero.

    Parameters
    ----------
    weights : sequence of float
        For GC, AU and GU.
    vocabulary : int
        Number of token ids; A, C, G and U are 0 to 3.

    Examples
    --------
    >>> PairPrior([3.0, 2.0, 0.8], 8)(torch.tensor([[2, 1, 0]]))[0, 0, 0].tolist()
    [0.0, 3.0, 0.0]
    """

    pairwise_bias_map: Tensor

    def __init__(self, weights: Sequence[float], vocabulary: int) -> None:
        super().__init__()
        table = torch.zeros(vocabulary, vocabulary)
        for (one, other), weight in zip(((2, 1), (0, 3), (2, 3)), weights, strict=True):
            table[one, other] = table[other, one] = weight
        self.register_buffer("pairwise_bias_map", table)

    def forward(self, ids: Tensor) -> Tensor:
        """Return what token ids (B, T) add to the scores, shape (B, 1, T, T)."""
        return self.pairwise_bias_map[ids[:, :, None], ids[:, None, :]][:, None]


class ShiftedTaps(AntidiagonalTaps):
    """The same sum as `AntidiagonalTaps`, from shifted copies of the map: several times quicker on a CPU, and equal but for rounding.

    Examples
    --------
    >>> ShiftedTaps(heads=2, reach=4)(torch.zeros(1, 2, 6, 6)).shape
    torch.Size([1, 2, 6, 6])
    """

    def forward(self, scores: Tensor) -> Tensor:
        """Return what is added to `scores`, shape (B, H, T, T)."""
        reach, tokens = self.reach, scores.shape[-1]
        wide = nn.functional.pad(scores, (reach, reach, reach, reach))
        added = torch.zeros_like(scores)
        for k, weight in zip(range(-reach, reach + 1), self.weight.unbind(1), strict=True):
            shifted = wide[..., reach + k : reach + k + tokens, reach - k : reach - k + tokens]
            added = torch.addcmul(added, shifted, weight[:, None, None])
        return added
