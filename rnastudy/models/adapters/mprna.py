"""MP-RNA (Yang et al., Findings of EMNLP 2024): the OmniGenome network, an ESM under another prefix.

Its modelling code and its configuration were not readable. What is known of its sister OmniGenome-186M: the printed
configuration (16 fields), the parameters counted (185,886,801) and the names of tensors left over, in the tutorial on
secondary structure of github.com/COLA-Laboratory/OmniGenBench at ba160d1; the table of tokens from its vocabulary file. The size of
MP-RNA's file fits that network to the megabyte: encoder, unused table of positions, contact head, head for tokens.
**Token dropout is part of the model at inference**: every embedding is multiplied by 0.88 where nothing is hidden.
**T or U is not settled.** The table has a T (7) and a U (9), and the authors' tokenizer changes neither into the
other; this reader writes U, as its RNA tasks do. `rnastudy doctor` compares the two spellings once weights are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, renamed
from rnastudy.models.esm import WORDS, esm_config, esm_network, hub_ignored, hub_layout, hub_rules
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EsmConfig

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "config", "encoder_weights", "layout", "reader"]

PREFIX = "OmniGenome"
#: Width of the feed-forward by width of the network; it is not four times as wide.
INNER = {480: 2400, 720: 2560}
#: Heads of other tasks in files of this family, and the contact head and table of positions that nothing uses.
IGNORED = rf"{hub_ignored(PREFIX)}|(dense|classifier|{PREFIX}\.pooler\.dense)\.(weight|bias)"


def config(card: ModelCard) -> EsmConfig:
    """Return the sizes of MP-RNA as a configuration of `transformers`."""
    return esm_config(card, 24, pad=1, mask=23, token_dropout=True, inner=INNER.get(card.width or 0))


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader of capital letters; small ones and structure have tokens of their own."""
    return LetterReader({"A": 4, "C": 5, "G": 6, "T": 7, "N": 8, "U": 9}, pad=1, start=0, end=2, mask=23)


def layout(config: EsmConfig) -> Layout:
    """List the tensors of the file on the hub, as inferred from its size and its sister's list."""
    return hub_layout(config, PREFIX, positions=1026, frequencies=False)


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of ``EsmForMaskedLM``.

    Returns
    -------
    dict of str to Tensor
        The output matrix is the table of words where the file does not repeat it: the original ties them.

    Raises
    ------
    StudyError
        If a name is not of that layout.

    Examples
    --------
    >>> list(encoder_weights({"OmniGenome.encoder.layer.0.LayerNorm.bias": None, "dense.bias": None}))
    ['esm.encoder.layer.0.LayerNorm.bias']
    """
    found = renamed(stored, hub_rules(PREFIX), ignore=IGNORED, model="MP-RNA")
    if WORDS in found:
        found.setdefault("lm_head.decoder.weight", found[WORDS])
    return found


ADAPTER = Adapter(
    read_from="github COLA-Laboratory/OmniGenBench @ ba160d1 (printed configuration and load report of its sister OmniGenome-186M); no checkpoint was opened",
    config=config,
    network=esm_network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
)
