"""UTR-LM (Chu et al., Nat. Mach. Intell. 6, 449, 2024) from the authors' own files, among them one that no port has.

Read from github.com/a96123155/UTR-LM, commit b77b589 (Scripts/esm, and the asserted tokens of the scripts): the ESM-2
block, epsilon 1e-5. **Token dropout is part of the model at inference**: every embedding is multiplied by 0.88 where
nothing is hidden. Tokens PAD 0, EOS 1, UNK 2, A 3, G 4, C 5, T 6, CLS 7, MASK 8; U is written T; another base raises
there and is the unknown token here. Files are plain state dicts whose names begin with ``module.``. Those pretrained on
folding energy and structure as well hold a head for each, which are left out with the contact head, which had no loss.
Compared once, with three layers of random weights and padding: that code (esm2_supervised.py) has the same list of
tensors but for the head for structure, and gives the same attention, states and logits to 5e-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, linear, renamed
from rnastudy.models.esm import FAIR_IGNORED, FAIR_RULES, esm_config, esm_network, fair_layout
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EsmConfig

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "config", "encoder_weights", "layout", "reader"]

#: Heads for folding energy and structure.
HEADS = r"(supervised|structure)_linear\.(weight|bias)"


def config(card: ModelCard) -> EsmConfig:
    """Return the sizes of UTR-LM as a configuration of `transformers`."""
    return esm_config(card, 10, pad=0, mask=8, token_dropout=True)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader of bases, U written T."""
    return LetterReader({"A": 3, "G": 4, "C": 5, "U": 6, "N": 2}, pad=0, start=7, end=1, mask=8)


def layout(config: EsmConfig) -> Layout:
    """List the tensors of a file that was pretrained on energy and structure too; others lack the heads for these."""
    shapes = fair_layout(config) | linear("supervised_linear", 1, config.hidden_size) | linear("structure_linear", 3, config.hidden_size)
    return {f"module.{name}": shape for name, shape in shapes.items()}


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a checkpoint to those of ``EsmForMaskedLM``.

    Raises
    ------
    StudyError
        If a name is not of that layout.

    Examples
    --------
    >>> list(encoder_weights({"layers.3.fc1.bias": None, "structure_linear.bias": None}))
    ['esm.encoder.layer.3.intermediate.dense.bias']
    """
    return renamed(stored, FAIR_RULES, ignore=f"{FAIR_IGNORED}|{HEADS}", model="UTR-LM")


ADAPTER = Adapter(
    read_from="github a96123155/UTR-LM @ b77b589 (code, run on random weights); no checkpoint was opened",
    config=config,
    network=esm_network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
)
