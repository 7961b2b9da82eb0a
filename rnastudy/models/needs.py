"""What a model needs, computed from its card: memory of its weights, of one RNA's maps, and operations."""

from __future__ import annotations

import re

from rnastudy.errors import StudyError
from rnastudy.models.cards import ModelCard

__all__ = ["BYTES", "fits", "flops", "memory", "read_size", "weights_memory"]

#: Bytes of a number.
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
#: Copies of a layer's maps alive at once, as `rnastudy.models.probe` counts them.
_COPIES = 4
_UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def weights_memory(card: ModelCard, dtype: str = "float32") -> float | None:
    """Return the bytes of a model's weights; None where the card does not say how many there are.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> round(weights_memory(cards()["rnafm"]) / 1e6), round(weights_memory(cards()["rnafm"], "bfloat16") / 1e6)
    (398, 199)
    """
    return None if card.parameters_million is None else card.parameters_million * 1e6 * BYTES[dtype]


def memory(card: ModelCard, bases: int | None = None, dtype: str = "float32") -> float | None:
    """Return the bytes that a model takes with one RNA: its weights, and one layer's maps in fp32.

    Parameters
    ----------
    card : ModelCard
    bases : int, optional
        Length of the RNA; without it the longest that the model reads, 1,022 where no limit is built in.
    dtype : {"float32", "bfloat16", "float16"}
        Of the weights.

    Returns
    -------
    float or None
        Where the card does not state the sizes.
    """
    weights = weights_memory(card, dtype)
    if weights is None or card.heads is None:
        return None
    longest = bases or card.max_bases or 1022
    return weights + _COPIES * 4 * card.heads * (longest + 2) ** 2


def flops(card: ModelCard, bases: int = 100) -> float | None:
    """Return the operations of one forward pass, ``2 P T + 4 N D T^2`` with P parameters, N layers, width D and T tokens.

    One token a base and two special ones are counted, and one row of an alignment; map convolutions are not.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> round(flops(cards()["rnafm"]) / 1e9, 1)
    20.6
    """
    if card.parameters_million is None or card.layers is None or card.width is None:
        return None
    tokens = bases + 2
    return 2 * card.parameters_million * 1e6 * tokens + 4 * card.layers * card.width * tokens**2


def read_size(words: str) -> float:
    """Read a size such as ``24GB`` or ``8G`` as bytes.

    Raises
    ------
    StudyError
        If it is none.

    Examples
    --------
    >>> read_size("24GB"), read_size("500 M")
    (24000000000.0, 500000000.0)
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT]?)i?B?", words.strip(), flags=re.IGNORECASE | re.ASCII)
    if not found:
        raise StudyError(f"size {words[:40]!r} is not understood; give a number and a unit, such as 24GB")
    return float(found[1]) * _UNITS[found[2].upper()]


def fits(card: ModelCard, size: float, dtype: str = "float32") -> bool:
    """Say whether a model and the longest RNA that it reads fit into so many bytes; False where the card does not say.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> [fits(cards()[key], read_size("24GB")) for key in ("rinalmo-giga", "esm2-15b")]
    [True, False]
    """
    need = memory(card, dtype=dtype)
    return need is not None and need <= size
