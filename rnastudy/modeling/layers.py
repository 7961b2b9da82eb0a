"""Parts that the single-sequence and the alignment model share.

Axis letters: B batch, R alignment rows, H heads, T tokens, D width of the model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["AntidiagonalTaps", "MapConvolution", "RelativeBias", "feed_forward", "split_heads"]


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
