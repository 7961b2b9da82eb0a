"""LucaOne (He et al., Nat. Mach. Intell. 2025): one ESM-2 shaped network for DNA, RNA and proteins.

Read from github.com/LucaOne/LucaOneApp at 91f936c (modeling_gplm.py, lucaone_gplm.py, alphabet.py) and from the
converter src/scripts/convert_weights.py of github.com/LucaOne/LucaOne (branch huggingface, 4e05566): the ESM-2 block with norms
named pre and post, although both stand before their part; epsilon 1e-5 (the 1e-12 of its configuration is never used);
no norm and no positions on embeddings; no token dropout as trained. Each token gets a row of a table of two types added, 0 for
nucleic acids and 1 for proteins; only nucleic acids are read here, so row 0 is added to the table of words once and for
all. The output matrix stays the plain table of words: the two differ by that row.
Tokens: PAD 0, CLS 2, SEP 3, MASK 4, A 5, U and T 6, C 7, G 8, any other base 9. No limit of length is built in; it was
trained on at most 1,280 tokens.
Compared once, with three layers of random weights and padding: the authors' modeling_lucaone.py (same branch) has the same
list of tensors and gives the same attention, states and logits to 7e-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Adapter, Files, Layout, renamed
from rnastudy.models.esm import FAIR_IGNORED, FAIR_RULES, WORDS, esm_config, esm_network, fair_layout
from rnastudy.models.readers import LetterReader

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EsmConfig

    from rnastudy.models.cards import ModelCard

__all__ = ["ADAPTER", "config", "encoder_weights", "hub_names", "layout", "reader"]

#: Its names of the norms, and those of fair-esm.
NORMS = (("pre_layer_norm", "self_attn_layer_norm"), ("post_layer_norm", "final_layer_norm"), ("last_layer_norm", "emb_layer_norm_after"))
TYPES = "embed_type.weight"
#: Row of the table of types for nucleic acids.
NUCLEIC = 0
#: Heads for its eight annotation tasks.
TASKS = r"(hidden_layer|hidden_act|classifier|classifier_dropout|output|loss_fct)_list\..+"


def config(card: ModelCard) -> EsmConfig:
    """Return the sizes of LucaOne as a configuration of `transformers`."""
    return esm_config(card, 39, pad=0, mask=4)


def reader(card: ModelCard, files: Files) -> LetterReader:
    """Return the reader of nucleic acids."""
    return LetterReader({"A": 5, "U": 6, "C": 7, "G": 8, "N": 9}, pad=0, start=2, end=3, mask=4)


def layout(config: EsmConfig) -> Layout:
    """List the tensors of the authors' ``pytorch.pth``, without its heads for annotation."""
    shapes: Layout = {TYPES: (2, config.hidden_size)}
    for name, shape in fair_layout(config).items():
        for own, fair in NORMS:
            name = name.replace(fair, own)
        shapes[name] = shape
    return shapes


def hub_names(config: EsmConfig) -> Layout:
    """List the tensors of the same network as the authors' converter writes them for the hub."""
    return {_hub_name(name): shape for name, shape in layout(config).items() if not name.startswith("contact_head")}


def _hub_name(name: str) -> str:
    if name.startswith("lm_head."):
        return name.replace("lm_head.weight", "lm_head.decoder.weight")
    return f"lucaone.{'embeddings' if name.startswith('embed_') else 'encoder'}.{name}"


def encoder_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of either layout to those of ``EsmForMaskedLM``, and add the type of nucleic acids to every word.

    Parameters
    ----------
    stored : mapping of str to Tensor
        The authors' state dict, or that of their files on the hub (``lucaone...``).

    Returns
    -------
    dict of str to Tensor
        Without words if the table of types is missing: there is nothing to add then, and the network lacks them.

    Raises
    ------
    StudyError
        If a name is of neither layout.

    Examples
    --------
    >>> list(encoder_weights({"lucaone.encoder.layers.0.pre_layer_norm.bias": None, "lm_head.decoder.weight": None}))
    ['esm.encoder.layer.0.attention.LayerNorm.bias', 'lm_head.decoder.weight']
    """
    found = renamed(_plain(stored), (*FAIR_RULES, (r"embed_type\.weight", TYPES)), ignore=f"{FAIR_IGNORED}|{TASKS}", model="LucaOne")
    words, types = found.pop(WORDS, None), found.pop(TYPES, None)
    if words is not None and types is not None:
        found[WORDS] = words + types.reshape(-1, words.shape[-1])[NUCLEIC]
    return found


def _plain(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring the names of both layouts to those of fair-esm."""
    plain = {}
    for name, tensor in stored.items():
        short = name.removeprefix("lucaone.").removeprefix("embeddings.").removeprefix("encoder.").replace("lm_head.decoder.weight", "lm_head.weight")
        for own, fair in NORMS:
            short = short.replace(own, fair)
        plain[short] = tensor
    return plain


ADAPTER = Adapter(
    read_from="github LucaOne/LucaOneApp @ 91f936c and LucaOne/LucaOne @ 4e05566 (code, run on random weights); no checkpoint was opened",
    config=config,
    network=esm_network,
    layout=layout,
    convert=encoder_weights,
    reader=reader,
)
