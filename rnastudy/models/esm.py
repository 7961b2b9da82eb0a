"""What the adapters of ESM-2 shaped models share: configuration, network, and two ways to name the same tensors.

The block, read in facebookresearch/esm and in the repositories that the adapters name: norm before each part (pre-LN),
query, key, value and output with bias, the query scaled before the rotation, rotary positions over the whole head
(halves paired, base 10000, position 0 at the start token), erf-GELU, one norm behind the last layer; the head is dense,
erf-GELU, norm, output matrix and bias. `EsmForMaskedLM` of `transformers` computes the same if it is told so: its
defaults are learned positions and an epsilon of 1e-12.

**The output matrix** is stored by every checkpoint, so it is read for itself. Where the original ties it to the
embedding, the two are equal and so is what comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnastudy.models.adapters.base import Layout, linear, norm

if TYPE_CHECKING:
    from transformers import EsmConfig, EsmForMaskedLM

    from rnastudy.models.cards import ModelCard

__all__ = [
    "FAIR_IGNORED",
    "FAIR_RULES",
    "FREQUENCIES",
    "LAYER",
    "WORDS",
    "esm_config",
    "esm_network",
    "fair_layout",
    "hub_ignored",
    "hub_layout",
    "hub_rules",
]

#: Where a layer, the words and the rotary frequencies are in `EsmForMaskedLM`.
LAYER = r"esm.encoder.layer.\1"
WORDS = "esm.embeddings.word_embeddings.weight"
FREQUENCIES = "esm.rotary_embeddings.inv_freq"
HEAD = ((r"lm_head\.(dense|layer_norm)\.(weight|bias)", r"lm_head.\1.\2"), (r"lm_head\.bias", "lm_head.bias"))

#: From the names of fair-esm to those of `EsmForMaskedLM`.
FAIR_RULES = (
    (r"embed_tokens\.weight", WORDS),
    (r"layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", LAYER + r".attention.self.query.\2"),
    (r"layers\.(\d+)\.self_attn\.k_proj\.(weight|bias)", LAYER + r".attention.self.key.\2"),
    (r"layers\.(\d+)\.self_attn\.v_proj\.(weight|bias)", LAYER + r".attention.self.value.\2"),
    (r"layers\.(\d+)\.self_attn\.out_proj\.(weight|bias)", LAYER + r".attention.output.dense.\2"),
    (r"layers\.0\.self_attn\.rot_emb\.inv_freq", FREQUENCIES),
    (r"layers\.(\d+)\.self_attn_layer_norm\.(weight|bias)", LAYER + r".attention.LayerNorm.\2"),
    (r"layers\.(\d+)\.fc1\.(weight|bias)", LAYER + r".intermediate.dense.\2"),
    (r"layers\.(\d+)\.fc2\.(weight|bias)", LAYER + r".output.dense.\2"),
    (r"layers\.(\d+)\.final_layer_norm\.(weight|bias)", LAYER + r".LayerNorm.\2"),
    (r"emb_layer_norm_after\.(weight|bias)", r"esm.encoder.emb_layer_norm_after.\1"),
    (r"lm_head\.weight", "lm_head.decoder.weight"),
    *HEAD,
)
#: The contact head, and the rotary frequencies of every layer but the first: all layers have the same.
FAIR_IGNORED = r"contact_head\.regression\.(weight|bias)|layers\.[1-9]\d*\.self_attn\.rot_emb\.inv_freq"


def esm_config(
    card: ModelCard, vocabulary: int, *, pad: int, mask: int, token_dropout: bool = False, epsilon: float = 1e-5, inner: int | None = None
) -> EsmConfig:
    """Return the sizes of a card as the configuration of an ESM-2 shaped network.

    Parameters
    ----------
    card : ModelCard
        States layers, heads and width.
    vocabulary : int
        Tokens.
    pad, mask : int
        Ids of the tokens that pad and hide.
    token_dropout : bool
        Embeddings are multiplied by 0.88 / (1 - share of hidden tokens), and those of hidden tokens are zero.
    epsilon : float
        Of every norm.
    inner : int, optional
        Width of the feed-forward; four times the width when left out.

    Returns
    -------
    EsmConfig
        With rotary positions, without dropout, and with eager attention, which can be watched.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> esm_config(cards()["resm-150m"], 33, pad=1, mask=32).layer_norm_eps
    1e-05
    """
    from transformers import EsmConfig

    layers, heads, width = card.sizes
    return EsmConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner or 4 * width,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        position_embedding_type="rotary",
        layer_norm_eps=epsilon,
        emb_layer_norm_before=False,
        token_dropout=token_dropout,
        pad_token_id=pad,
        mask_token_id=mask,
        tie_word_embeddings=False,
        attn_implementation="eager",  # type: ignore[call-arg]
    )


def esm_network(config: EsmConfig) -> EsmForMaskedLM:
    """Build an ESM-2 shaped network; the contact head of `transformers` is taken off, no checkpoint here fills it."""
    from transformers import EsmForMaskedLM

    network = EsmForMaskedLM(config)
    network.esm.contact_head = None  # type: ignore[assignment]
    return network


def _head(config: EsmConfig, decoder: str) -> Layout:
    wide, words = config.hidden_size, config.vocab_size or 0
    return {decoder: (words, wide), "lm_head.bias": (words,), **linear("lm_head.dense", wide, wide), **norm("lm_head.layer_norm", wide)}


def _frequencies(config: EsmConfig) -> tuple[int, ...]:
    return (config.hidden_size // config.num_attention_heads // 2,)


def fair_layout(config: EsmConfig) -> Layout:
    """List the tensors of a network in the names of fair-esm.

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> fair_layout(esm_config(cards()["resm-150m"], 33, pad=1, mask=32))["contact_head.regression.weight"]
    (1, 600)
    """
    wide, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    shapes: Layout = {"embed_tokens.weight": (config.vocab_size or 0, wide)}
    for layer in range(layers):
        block = f"layers.{layer}"
        for part in "kvq":
            shapes |= linear(f"{block}.self_attn.{part}_proj", wide, wide)
        shapes |= linear(f"{block}.self_attn.out_proj", wide, wide) | {f"{block}.self_attn.rot_emb.inv_freq": _frequencies(config)}
        shapes |= norm(f"{block}.self_attn_layer_norm", wide) | linear(f"{block}.fc1", inner, wide)
        shapes |= linear(f"{block}.fc2", wide, inner) | norm(f"{block}.final_layer_norm", wide)
    shapes |= linear("contact_head.regression", 1, layers * config.num_attention_heads) | norm("emb_layer_norm_after", wide)
    return shapes | _head(config, "lm_head.weight")


def hub_rules(prefix: str) -> tuple[tuple[str, str], ...]:
    """Rename from the names of `transformers` under another prefix than ``esm``, with or without biases in the feed-forward.

    Examples
    --------
    >>> hub_rules("OmniGenome")[0]
    ('OmniGenome\\\\.embeddings\\\\.word_embeddings\\\\.weight', 'esm.embeddings.word_embeddings.weight')
    """
    part = r"attention\.self\.(?:query|key|value)|attention\.output\.dense|attention\.LayerNorm|intermediate\.dense|output\.dense|LayerNorm"
    return (
        (rf"{prefix}\.embeddings\.word_embeddings\.weight", WORDS),
        (rf"{prefix}\.encoder\.layer\.(\d+)\.({part})\.(weight|bias)", LAYER + r".\2.\3"),
        (rf"{prefix}\.encoder\.layer\.0\.attention\.self\.rotary_embeddings\.inv_freq", FREQUENCIES),
        (rf"{prefix}\.encoder\.emb_layer_norm_after\.(weight|bias)", r"esm.encoder.emb_layer_norm_after.\1"),
        (r"lm_head\.decoder\.weight", "lm_head.decoder.weight"),
        *HEAD,
    )


def hub_ignored(prefix: str) -> str:
    """Pattern of what such a checkpoint holds and no output depends on.

    A table of positions beside the rotary ones, the contact head, and the frequencies of every layer but the first.

    Examples
    --------
    >>> import re
    >>> bool(re.fullmatch(hub_ignored("esm"), "esm.embeddings.position_embeddings.weight"))
    True
    """
    names = r"embeddings\.position_(embeddings\.weight|ids)|contact_head\.regression\.(weight|bias)"
    return rf"{prefix}\.({names}|encoder\.layer\.[1-9]\d*\.attention\.self\.rotary_embeddings\.inv_freq)"


def hub_layout(config: EsmConfig, prefix: str, *, positions: int, contacts: bool = True, frequencies: bool = True) -> Layout:
    """List the tensors of a network in the names of `transformers` under a prefix.

    Parameters
    ----------
    config : EsmConfig
        Sizes.
    prefix : str
        Name of the encoder.
    positions : int
        Rows of the unused table of positions.
    contacts, frequencies : bool
        Whether the contact head, and the rotary frequencies of every layer, are stored.

    Returns
    -------
    dict of str to tuple of int
    """
    wide, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    shapes: Layout = {
        f"{prefix}.embeddings.word_embeddings.weight": (config.vocab_size or 0, wide),
        f"{prefix}.embeddings.position_embeddings.weight": (positions, wide),
    }
    for layer in range(layers):
        block = f"{prefix}.encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            shapes |= linear(f"{block}.attention.self.{part}", wide, wide)
        if frequencies:
            shapes[f"{block}.attention.self.rotary_embeddings.inv_freq"] = _frequencies(config)
        shapes |= linear(f"{block}.attention.output.dense", wide, wide) | norm(f"{block}.attention.LayerNorm", wide)
        shapes |= linear(f"{block}.intermediate.dense", inner, wide) | linear(f"{block}.output.dense", wide, inner) | norm(f"{block}.LayerNorm", wide)
    if contacts:
        shapes |= linear(f"{prefix}.contact_head.regression", 1, layers * config.num_attention_heads)
    return shapes | norm(f"{prefix}.encoder.emb_layer_norm_after", wide) | _head(config, "lm_head.decoder.weight")
