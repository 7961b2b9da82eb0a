"""The ports in `multimolecule` from a card alone: what an untrained twin needs, without the hub.

Each configuration class of `multimolecule` 0.2.2 holds the settings of its original as defaults; sizes and what a port has
otherwise come from the card. Tokenizers are tables of letters or of k-mers, in the package itself. DNABERT-2 is not among
them: its byte pairs were learned, and only the hub has them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError

if TYPE_CHECKING:
    from rnastudy.models.cards import ModelCard

__all__ = ["port_config", "port_name", "port_tokenizer"]

#: Names of the classes in `multimolecule` by the beginning of a card's key.
PORTS = {
    "rnafm": "RnaFm",
    "rnamsm": "RnaMsm",
    "rnaernie": "RnaErnie",
    "rinalmo-": "RiNALMo",
    "ernierna": "ErnieRna",
    "utrlm": "UtrLm",
    "splicebert": "SpliceBert",
    "dnabert-": "DnaBert",
}


def port_name(card: ModelCard) -> str | None:
    """Name the classes of a card's port; ``None`` where a twin needs more than the card.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> port_name(cards()["rinalmo-mega"]), port_name(cards()["dnabert2"])
    ('RiNALMo', None)
    """
    if card.loader != "multimolecule":
        return None
    return next((name for start, name in PORTS.items() if card.key.startswith(start)), None)


def port_config(card: ModelCard, vocabulary: int) -> Any:
    """Return the configuration of a port: its defaults, the card's sizes and the card's overrides.

    Parameters
    ----------
    card : ModelCard
        One that `port_name` names; the feed-forward keeps its ratio to the width.
    vocabulary : int
        Tokens.

    Returns
    -------
    PreTrainedConfig

    Raises
    ------
    StudyError
        If `multimolecule` is not installed, or the card does not state its sizes.
    """
    library, name = _library(card), port_name(card)
    kind = getattr(library, f"{name}Config")
    layers, heads, width = card.sizes
    usual = kind()
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": width}
    inner = usual.intermediate_size * width // usual.hidden_size
    return kind(**sizes, intermediate_size=inner, vocab_size=vocabulary, architectures=[f"{name}ForMaskedLM"], **card.overrides)


def port_tokenizer(card: ModelCard) -> Any:
    """Return the tokenizer of a port: bases and ambiguity codes, or the k-mers that the card's key names.

    Raises
    ------
    StudyError
        If `multimolecule` is not installed.
    """
    library, size = _library(card), re.search(r"(\d+)mer", card.key)
    return library.DnaTokenizer(nmers=int(size[1]), alphabet="nucleobase") if size else library.RnaTokenizer()


def _library(card: ModelCard) -> Any:
    try:
        import multimolecule
    except ImportError:
        raise StudyError(f"{card.name} needs the extra 'multimolecule'; install it with: pip install 'rnastudy[multimolecule]'") from None
    return multimolecule
