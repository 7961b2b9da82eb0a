"""From a name, a hub id or a checkpoint folder to a `Probe`; nothing is believed that was not checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from rnastudy.errors import StudyError, unknown
from rnastudy.models.adapters import rnabert
from rnastudy.models.cards import ModelCard, cards, embedded_folder, local_rnabert
from rnastudy.models.checkpoint import (
    auto_class,
    checkpoint_sha256,
    files_sha256,
    quiet,
    read_config,
    readable,
    refuse_nan,
    trained,
    untrained,
    weights_sha256,
)
from rnastudy.models.probe import Padding, Probe
from rnastudy.models.readers import HubReader, LetterReader

__all__ = ["load"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
#: Architectures with a table of positions, and its rows that no token can have.
UNUSED_POSITIONS = {"bert": 0, "dnabert": 0, "splicebert": 0, "rnaernie": 0, "rnabert": 0, "rnamsm": 0, "esm": 2, "rnafm": 2}
#: Architectures that read an alignment.
ALIGNMENT_TYPES = ("rnastudy-alignment", "rnamsm")
#: Architectures whose port adds an end token that the original lacks; it is cut off.
NO_END_TOKEN = ("rnamsm",)
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
        tokenizer. With the suffix ``@untrained``: the same architecture with random weights.
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
    name, _, twin = str(name_or_path).partition("@")
    if twin not in ("", "untrained"):
        raise StudyError(f"model suffix '@{twin}' is not known; the only one is '@untrained'")
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise StudyError(f"device {device!r} is not known; give cpu, cuda or cuda:0")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise StudyError(f"device {device!r} asked for, but torch sees no CUDA device; use device='cpu'")
    card = cards().get(name)
    if card is not None and card.loader == "none":
        raise StudyError(f"{card.name} cannot be loaded yet: no library has its architecture and no adapter has been written; its weights: {card.weights}")
    source = _source(name, card)
    drawn = seed if twin else None
    if card is not None and card.loader == "rnabert":
        probe = _rnabert_probe(name, card, revision, drawn)
    else:
        probe = _checkpoint_probe(name, source, card, revision or (card.revision if card else None), trust_remote_code, drawn)
    probe.name = str(name_or_path)
    probe.network.to(device=device, dtype=DTYPES[dtype])
    return probe.check()


def _source(name: str, card: ModelCard | None) -> str:
    """Folder or hub id that a name stands for."""
    if card is not None:
        return str(embedded_folder(card.key)) if card.loader == "embedded" else str(card.hub)
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise StudyError(f"folder {name!r} has no config.json; give a checkpoint folder made by save_pretrained")
        return name
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        return name
    raise unknown("model", name, cards())


def _checkpoint_probe(name: str, source: str, card: ModelCard | None, revision: str | None, trust: bool, drawn: int | None) -> Probe:
    """Load a checkpoint in the layout of `transformers`, from a folder or from the hub."""
    if card is not None and card.loader == "embedded" and not Path(source, "config.json").is_file():
        raise StudyError(f"embedded model {name!r} is not in this installation; remake it with: rnastudy train")
    if trust and not COMMIT.fullmatch(revision or ""):
        raise StudyError(f"trust_remote_code for {name!r} needs revision=, the full 40-digit commit whose code you have read")
    config = read_config(source, card, revision, trust)
    reader = _reader(source, config, card, revision, trust)
    with quiet():
        network = untrained(config, drawn, trust) if drawn is not None else trained(source, config, revision, trust)
    masked = auto_class(config).__name__ == "AutoModelForMaskedLM"
    return Probe(
        name,
        network,
        reader,
        card=card,
        max_bases=card.max_bases if card else None,
        max_tokens=_max_tokens(config),
        reads_alignment=config.model_type in ALIGNMENT_TYPES,
        weights_sha256=weights_sha256(network) if drawn is not None else checkpoint_sha256(source, revision),
        revision=getattr(config, "_commit_hash", None) or revision,
        no_logits=None if masked else "the checkpoint holds no masked-language head",
    )


def _reader(source: str, config: Any, card: ModelCard | None, revision: str | None, trust: bool) -> LetterReader | HubReader:
    """Make the reader that belongs to a checkpoint."""
    if config.model_type == "rnastudy-encoder":
        from rnastudy.modeling import TOKENS

        return LetterReader(TOKENS, pad=TOKENS["PAD"], start=TOKENS["SINK"], end=TOKENS["SINK"])
    if config.model_type == "rnastudy-alignment":
        from rnastudy.modeling import ALIGNMENT_TOKENS

        return LetterReader({**ALIGNMENT_TOKENS, "-": ALIGNMENT_TOKENS["GAP"]}, pad=ALIGNMENT_TOKENS["PAD"])
    from transformers import AutoTokenizer

    with readable(source):
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=trust)
    alphabet = card.alphabet if card else getattr(config, "rna_alphabet", None)
    embedded = tokenizer.eos_token_id is None or tokenizer.eos_token_id < config.vocab_size
    return HubReader(tokenizer, alphabet=alphabet, end=embedded and config.model_type not in NO_END_TOKEN)


def _max_tokens(config: Any) -> int | None:
    """Longest input with special tokens, where positions come from a table; ``None`` where they do not."""
    learned = getattr(config, "position_embedding_type", "absolute") in (None, "absolute")
    if config.model_type not in UNUSED_POSITIONS or not learned:
        return None
    return config.max_position_embeddings - UNUSED_POSITIONS[config.model_type]


def _rnabert_probe(name: str, card: ModelCard, revision: str | None, drawn: int | None) -> Probe:
    """Load RNABERT on the BERT of `transformers`, by the authors' own conventions."""
    if drawn is None:
        stored, found = _rnabert_weights(card, revision or card.revision)
        network = rnabert.network(stored)
        refuse_nan(network, name)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(drawn)
            network = rnabert.network()
        found = weights_sha256(network)
    return Probe(
        name,
        network,
        rnabert.reader(),
        card=card,
        max_bases=rnabert.LENGTH,
        padding=Padding(rnabert.LENGTH, seen=True),
        weights_sha256=found,
        revision=revision or card.revision,
        no_logits=rnabert.NO_LOGITS,
    )


def _rnabert_weights(card: ModelCard, revision: str | None) -> tuple[dict[str, torch.Tensor], str]:
    """Read the authors' file where it is at hand, else the port's on the hub; return tensors and checksum."""
    path = local_rnabert()
    if path is not None:
        found = files_sha256([path])
        if found != rnabert.SHA256:
            raise StudyError(f"{path}: sha256 {found[:12]}..., not {rnabert.SHA256[:12]}...; fetch the file again")
        return torch.load(path, map_location="cpu", weights_only=True), found
    from huggingface_hub import hf_hub_download
    from safetensors.torch import load_file

    with readable(str(card.hub)):
        port = hf_hub_download(str(card.hub), "model.safetensors", revision=revision)
    return load_file(port), files_sha256([Path(port)])
