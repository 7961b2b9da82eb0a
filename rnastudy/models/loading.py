"""From a name, a hub id or a checkpoint folder to a `Probe`; nothing is believed that was not checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rnastudy.devices import check_device
from rnastudy.errors import StudyError, unknown
from rnastudy.models.adapters import Adapter, adapter, adapter_names
from rnastudy.models.cards import ModelCard, cards, embedded_folder, find_card
from rnastudy.models.checkpoint import (
    auto_class,
    checkpoint_sha256,
    files_sha256,
    quiet,
    read_config,
    readable,
    refuse,
    refuse_nan,
    set_norms,
    trained,
    untrained,
    weights_sha256,
)
from rnastudy.models.conditions import conditions, impose, shown_name, split_name
from rnastudy.models.ports import port_config, port_name, port_tokenizer
from rnastudy.models.probe import Padding, Probe
from rnastudy.models.proteins import PROTEIN, ProteinReader, esm2_config, esm2_reader, hub_reader, reads_protein
from rnastudy.models.readers import HubReader, LetterReader, installed_reader
from rnastudy.models.weights import find_file, read_tensors, weight_paths
from rnastudy.paths import is_there

__all__ = ["assemble", "fill", "load"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
#: Architectures with a table of positions, and its rows that no token can have.
UNUSED_POSITIONS = {"bert": 0, "dnabert": 0, "splicebert": 0, "rnaernie": 0, "rnabert": 0, "rnamsm": 0, "esm": 2, "rnafm": 2}
#: Architectures that read an alignment.
ALIGNMENT_TYPES = ("rnastudy-alignment", "rnamsm")
#: Most rows of an alignment that an architecture reads; cards may say otherwise.
MAX_ROWS = {"rnamsm": 512}
#: Architectures whose port adds an end token that the original lacks; it is cut off.
NO_END_TOKEN = ("rnamsm",)
#: What may stand before the id of a checkpoint on the hub, and what such an id looks like.
HUB, HUB_ID = "hf:", r"[\w.-]+/[\w.-]+"
COMMIT = re.compile(r"[0-9a-f]{40}")


def load(
    name_or_path: str | Path,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int = 0,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> Probe:
    """Load a model by name, by hub id or by path.

    Parameters
    ----------
    name_or_path : str or Path
        A card's key, ``owner/name`` on the Hugging Face hub, or a folder with ``config.json``, weights and
        tokenizer; ``hf:owner/name`` cannot be taken for a path. With the suffix ``@untrained``: the same architecture
        with random weights. With ``@depthN`` or ``@prior-off``: under that condition, see `rnastudy.models.conditions`.
        With ``@PATH`` after the key of a model that has an adapter: weights in the authors' own layout, a file or a folder.
    device : str
        ``cpu``, ``cuda`` or ``cuda:1``.
    dtype : {"float32", "bfloat16", "float16"}
        Of the weights; attention and states are handed out as float32 always.
    seed : int
        Of the random weights of an untrained model.
    revision : str, optional
        Commit on the hub; the card's own by default.
    trust_remote_code : bool
        Run code that comes with the checkpoint; only together with a full commit as `revision`.

    Returns
    -------
    Probe

    Raises
    ------
    StudyError
        If the name is not known, the weights do not fit the architecture or hold NaN, the vocabulary does not fit
        the alphabet, attention is not to be had, or the device is not there.

    Examples
    --------
    >>> load("rnafn")
    Traceback (most recent call last):
    ...
    rnastudy.errors.StudyError: unknown model 'rnafn'; did you mean rnafm, ...
    """
    _, condition = conditions(str(name_or_path))
    name, suffix, twin = split_name(str(name_or_path))
    card = find_card(name)
    path = _weights(suffix, card)
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    check_device(device)
    if card is not None and card.loader == "none":
        raise StudyError(f"{card.name} cannot be loaded yet: no library has its architecture and no adapter has been written; its weights: {card.weights}")
    drawn = seed if twin else None
    if card is not None and card.loader in adapter_names():
        probe = assemble(name, card, path, drawn)
    else:
        probe = _checkpoint_probe(name, _source(name, card), card, revision or (card.revision if card else None), trust_remote_code, drawn)
    probe.name = shown_name(str(name_or_path))
    impose(probe, condition)
    _move(probe.network, device, DTYPES[dtype])
    return probe.check()


def _move(network: torch.nn.Module, device: str, dtype: torch.dtype) -> None:
    """Bring a network to its device and dtype; frequencies of rotary positions stay float32, or far positions would be moved."""
    exact = {name: buffer.clone() for name, buffer in network.named_buffers() if name.endswith("inv_freq")}
    network.to(device=device, dtype=dtype)
    for name, buffer in exact.items():
        holder, _, key = name.rpartition(".")
        network.get_submodule(holder)._buffers[key] = buffer.to(device)


def _weights(suffix: str, card: ModelCard | None) -> Path | None:
    """Read what stands behind ``@`` beside ``untrained``: the path of weights in the authors' own layout."""
    if not suffix:
        return None
    own = card is not None and card.loader in adapter_names()
    if own and is_there(suffix):
        return Path(suffix).expanduser()
    remedy = "'@untrained', or '@PATH' of weights that are there" if own else "the only one is '@untrained'"
    raise StudyError(f"model suffix '@{suffix}' is not known; {remedy}")


def _source(name: str, card: ModelCard | None) -> str:
    """Folder or hub id that a name stands for."""
    if card is not None:
        return str(embedded_folder(card.key)) if card.loader == "embedded" else str(card.hub)
    folder = Path(name).expanduser() if name and is_there(name) else None
    if folder is not None and folder.is_dir():
        if not (folder / "config.json").is_file():
            raise StudyError(f"folder {name!r} has no config.json; give a checkpoint folder made by save_pretrained")
        return str(folder)
    hub = name.removeprefix(HUB)
    if re.fullmatch(HUB_ID, hub) and not hub.startswith("."):
        return hub
    raise unknown("model", name, cards())


def _checkpoint_probe(name: str, source: str, card: ModelCard | None, revision: str | None, trust: bool, drawn: int | None) -> Probe:
    """Load a checkpoint in the layout of `transformers`, from a folder or from the hub."""
    if card is not None and card.loader == "embedded" and not Path(source, "config.json").is_file():
        raise StudyError(f"embedded model {name!r} is not in this installation; remake it with: rnastudy train")
    if trust and not COMMIT.fullmatch(revision or ""):
        raise StudyError(f"trust_remote_code for {name!r} needs revision=; give the full 40-digit commit whose code you have read")
    built = _from_card(card) if card is not None and drawn is not None else None
    config = built[0] if built else read_config(source, card, revision, trust)
    reader = built[1] if built else _reader(source, config, card, revision, trust)
    with quiet():
        network = untrained(config, drawn, trust) if drawn is not None else trained(source, config, revision, trust)
    if card is not None and "layer_norm_eps" in card.overrides:
        set_norms(network, card.overrides["layer_norm_eps"])
    masked = auto_class(config).__name__ == "AutoModelForMaskedLM"
    return Probe(
        name,
        network,
        reader,
        card=card,
        max_bases=card.max_bases if card else None,
        max_tokens=_max_tokens(config),
        reads_alignment=config.model_type in ALIGNMENT_TYPES,
        max_rows=card.max_rows if card else MAX_ROWS.get(config.model_type),
        weights_sha256=weights_sha256(network) if drawn is not None else checkpoint_sha256(source, revision),
        revision=getattr(config, "_commit_hash", None) or revision,
        no_logits=None if masked else "the checkpoint holds no masked-language head",
    )


def _from_card(card: ModelCard) -> tuple[Any, HubReader | ProteinReader] | None:
    """Configuration and reader of an untrained twin without the hub; ``None`` where the card does not suffice."""
    if card.series == "ESM2":
        return esm2_config(card), esm2_reader()
    if port_name(card) is None:
        return None
    tokenizer = port_tokenizer(card)
    config = port_config(card, len(tokenizer))
    return config, HubReader(tokenizer, alphabet=card.alphabet, end=config.model_type not in NO_END_TOKEN, unnamed=card.unnamed)


def _reader(source: str, config: Any, card: ModelCard | None, revision: str | None, trust: bool) -> LetterReader | HubReader | ProteinReader:
    """Make the reader that belongs to a checkpoint: an installed one for its architecture comes first."""
    installed = installed_reader(config.model_type)
    if installed is not None:
        return installed(source, config)
    if config.model_type == "rnastudy-encoder":
        from rnastudy.modeling import TOKENS
        from rnastudy.modeling.pieces import Pieces
        from rnastudy.models.pieces import PieceReader

        if config.unit != "base":
            return PieceReader(Pieces.read(source, config.unit, config.unit_size))
        return LetterReader(TOKENS, pad=TOKENS["PAD"], start=TOKENS["SINK"], end=TOKENS["SINK"], mask=TOKENS["MASK"])
    if config.model_type == "rnastudy-alignment":
        from rnastudy.modeling import ALIGNMENT_TOKENS

        return LetterReader({**ALIGNMENT_TOKENS, "-": ALIGNMENT_TOKENS["GAP"]}, pad=ALIGNMENT_TOKENS["PAD"], mask=ALIGNMENT_TOKENS["MASK"])
    from transformers import AutoTokenizer

    with readable(source):
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=trust)
    alphabet = card.alphabet if card else getattr(config, "rna_alphabet", None)
    if alphabet == PROTEIN or (alphabet is None and reads_protein(tokenizer)):
        return hub_reader(tokenizer)
    embedded = tokenizer.eos_token_id is None or tokenizer.eos_token_id < config.vocab_size
    ends = embedded and config.model_type not in NO_END_TOKEN
    return HubReader(tokenizer, alphabet=alphabet, end=ends, unnamed=card.unnamed if card else "N")


def _max_tokens(config: Any) -> int | None:
    """Longest input with special tokens, where positions come from a table; ``None`` where they do not."""
    learned = getattr(config, "position_embedding_type", "absolute") in (None, "absolute")
    if config.model_type not in UNUSED_POSITIONS or not learned:
        return None
    return config.max_position_embeddings - UNUSED_POSITIONS[config.model_type]


def assemble(name: str, card: ModelCard, path: Path | None = None, drawn: int | None = None) -> Probe:
    """Build the network of a card that has an adapter, and load the authors' own weights into it.

    Parameters
    ----------
    name : str
        Name for messages.
    card : ModelCard
        Its loader names an adapter.
    path : Path, optional
        File of weights, or folder with the card's files; found or fetched when left out.
    drawn : int, optional
        Seed of random weights instead.

    Returns
    -------
    Probe

    Raises
    ------
    StudyError
        If a file cannot be had, or its tensors are not those of the network.
    """
    one = adapter(card.loader)
    config = one.config(card)
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(drawn or 0)
        network = one.network(config)
    if drawn is None:
        paths = _given_paths(card, path) if path else weight_paths(card)
        fill(network, one, (one.read_weights or read_tensors)(paths), name)
    return Probe(
        name,
        network,
        one.reader(card, lambda file: _file(card, file, path)),
        card=card,
        max_bases=card.max_bases,
        max_tokens=one.max_tokens,
        reads_alignment=card.reads_alignment,
        max_rows=card.max_rows,
        padding=Padding(one.padded_to, seen=one.padded_to is not None),
        weights_sha256=weights_sha256(network) if drawn is not None else files_sha256(paths),
        revision=next((file.revision for file in card.files if file.revision), card.revision),
        no_logits=one.no_logits,
    )


def fill(network: torch.nn.Module, one: Adapter, stored: Mapping[str, torch.Tensor], name: str) -> None:
    """Load the authors' tensors into a network; one that is missing, left over, misshapen or not finite is an error."""
    tensors = {key: tensor.float() for key, tensor in one.convert(stored).items()}
    own = network.state_dict()
    shapes = [f"{key} {tuple(tensors[key].shape)} for {tuple(own[key].shape)}" for key in tensors.keys() & own.keys() if tensors[key].shape != own[key].shape]
    refuse("lacks", name, [key for key in own.keys() - tensors.keys() if not re.search(one.may_lack, key)])
    refuse("has left over", name, [key for key in tensors.keys() - own.keys() if not re.search(one.may_lack, key)])
    refuse("has in other shapes", name, shapes)
    network.load_state_dict(tensors, strict=False, assign=any(weight.is_meta for weight in network.parameters()))
    if not any(weight.is_meta for weight in network.parameters()):
        refuse_nan(network, name)
    kinds = {re.sub(r"\d+", "N", key) for key in _left_out(one, stored)}
    network.key_exceptions = tuple(f"leaves out {kind}" for kind in sorted(kinds))  # type: ignore[assignment]


def _left_out(one: Adapter, stored: Mapping[str, torch.Tensor]) -> list[str]:
    """List the tensors of a checkpoint that nothing in the network was made of: heads, and second copies."""
    converted = one.convert(stored)
    used = {tensor.untyped_storage().data_ptr() for tensor in converted.values()}
    unseen = [key for key, tensor in stored.items() if tensor.untyped_storage().data_ptr() not in used]
    return [key for key in unseen if len(one.convert({other: stored[other] for other in stored if other != key})) == len(converted)]


def _given_paths(card: ModelCard, path: Path) -> list[Path]:
    """Weight files that a path stands for: itself, or the card's files in that folder."""
    if path.is_file():
        return [path]
    names = [file.name for file in card.files if file.holds == "weights"]
    found = [path / name for name in names if (path / name).is_file()]
    if not found:
        raise StudyError(f"{path}: neither a file of weights nor a folder with {' or '.join(names)}, which {card.name} is read from")
    return found


def _file(card: ModelCard, name: str, path: Path | None) -> Path:
    """Path of one of the card's files, looked for beside the weights that were given."""
    beside = (path if path.is_dir() else path.parent) / name if path else None
    return beside if beside and beside.is_file() else find_file(card, next(file for file in card.files if file.name == name))
