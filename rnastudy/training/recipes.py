"""What each shipped model was trained on, for how long, and with which choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["RECIPES", "Recipe", "Stage", "encoder_config"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of training with one mixture of corpora.

    Parameters
    ----------
    share : float
        Part of all steps spent in this stage.
    corpora : dict of str to float
        Name of a data set, or ``hairpins`` / ``single_hairpins`` (made on the fly), and its weight.
    """

    share: float
    corpora: dict[str, float]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights of a small model, besides the seed.

    Parameters
    ----------
    architecture : str
        ``encoder`` or ``alignment``.
    config : dict
        Options of the model's configuration class.
    stages : tuple of Stage
        In the order of training.
    steps : int
        Optimiser steps.
    tokens : int
        Bases in a batch (cells of the alignment for the alignment model), about.
    masked : float
        Part of the bases that the model must name.
    mixture : tuple of float
        Of those: shown as MASK, replaced by a random base; the rest is kept.
    masking : str
        ``bases``: each by itself; ``spans``: runs of `span` bases, as RNA-km hides k-mers.
    span : int
        Length of these runs.
    unit, unit_size : str and int
        What a token is, see `rnastudy.modeling.pieces`: ``base``; ``kmer`` and its length; ``byte-pair`` and the number of pieces.
    structure_loss : bool
        Also name the dot-bracket symbol of every base whose structure is known, as MP-RNA does.
    validation : str
        Data set whose held-out families the loss is measured on; the recipe's own corpora where empty.
    rows : int
        Most rows shown of an alignment; each batch shows 1, 2, 4 ... or this many, so that few homologs are no surprise.
    bases : tuple of int
        Shortest and longest sequence used.
    """

    architecture: str
    config: dict[str, Any]
    stages: tuple[Stage, ...]
    steps: int
    tokens: int = 4000
    masked: float = 0.25
    mixture: tuple[float, float] = (0.6, 0.3)
    rows: int = 16
    bases: tuple[int, int] = (20, 110)
    learning_rate: float = 3e-3
    final_rate: float = 0.03
    warmup: int = 60
    decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    masking: str = "bases"
    span: int = 3
    unit: str = "base"
    unit_size: int = 1
    structure_loss: bool = False
    validation: str = ""
    notes: str = field(default="", compare=False)


#: Hairpins first, so that pairing pays early; then sequences drawn from Rfam's models. No natural sequence.
_STAGES = (
    Stage(0.15, {"single_hairpins": 1.0, "hairpins": 2.0}),
    Stage(0.85, {"rfam_drawn_train": 1.0, "hairpins": 0.4}),
)
_ALIGNMENTS = (Stage(1.0, {"rfam_drawn_alignments": 1.0}),)


def encoder_config(width: int, layers: int, heads: int, **options: Any) -> dict[str, Any]:
    """Return the options of an encoder whose feed-forward is twice as wide as its states.

    Examples
    --------
    >>> encoder_config(32, 1, 2)["intermediate_size"]
    64
    """
    sizes = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": 2 * width}
    return {**sizes, **options}


#: The models that ship with the package, by name.
RECIPES: dict[str, Recipe] = {
    "mapconv-9k": Recipe("encoder", encoder_config(32, 1, 2, map_channels=6), _STAGES, 1000),
    "mapconv-70k": Recipe("encoder", encoder_config(64, 2, 4, map_channels=12), _STAGES, 1000),
    "mapconv-300k": Recipe("encoder", encoder_config(112, 3, 7, map_channels=12), _STAGES, 1000, learning_rate=2e-3),
    "plain-70k": Recipe("encoder", encoder_config(64, 2, 4, map_channels=0, carry_scores=False), _STAGES, 1000),
    "align-27k": Recipe("alignment", {}, _ALIGNMENTS, 2000, tokens=5000, masked=0.2, mixture=(0.7, 0.2), bases=(20, 130)),
}
