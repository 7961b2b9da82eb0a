"""Weights into networks: nothing is unpickled, nothing missing or left over is passed over, no foreign code is run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from rnastudy.errors import StudyError
from rnastudy.models.cards import ModelCard
from rnastudy.models.conditions import without_prior

__all__ = [
    "auto_class",
    "checkpoint_sha256",
    "files_sha256",
    "quiet",
    "read_config",
    "readable",
    "refuse",
    "refuse_nan",
    "set_norms",
    "trained",
    "untrained",
    "weights_sha256",
]

#: Tensors that a checkpoint may lack: no attention, state or logit depends on them.
MAY_LACK = re.compile(r"(^|\.)(pooler|contact_head)\.|position_ids$|inv_freq$")
#: Tensors that it may have too many of: those, other heads, and second copies of a tied bias.
MAY_ADD = re.compile(MAY_LACK.pattern + r"|^(ss_head|sa_head|sequence_head|structure_head|cls\.seq_relationship)\.|decoder\.bias$")


def read_config(source: str, card: ModelCard | None, revision: str | None, trust: bool) -> Any:
    """Read the configuration, after making sure that its architecture is known without running foreign code."""
    from transformers import AutoConfig, PreTrainedConfig

    with readable(source):
        stored, _ = PreTrainedConfig.get_config_dict(source, revision=revision)
    kind = stored.get("model_type", "") if isinstance(stored, dict) else None
    if not isinstance(kind, str):
        raise StudyError(f"{source}: its config.json holds no settings with a model_type; give a checkpoint folder made by save_pretrained")
    if not _known(kind) and not (trust and "auto_map" in stored):
        remedy = "its own code must be run: trust_remote_code=True and revision=" if "auto_map" in stored else "an adapter, or the extra 'multimolecule'"
        raise StudyError(f"{source}: architecture {kind!r} is not known here; it needs {remedy}")
    with readable(source):
        config = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=trust, attn_implementation="eager")
    for key, value in (card.overrides if card else {}).items():
        setattr(config, key, value)
    return config


def _known(kind: str) -> bool:
    """Say whether a library here has an architecture; `multimolecule` is imported only if it may be its."""
    from transformers import CONFIG_MAPPING

    if kind.startswith("rnastudy-"):
        import rnastudy.modeling  # noqa: F401
    elif kind not in CONFIG_MAPPING and find_spec("multimolecule") is not None:
        import multimolecule  # noqa: F401
    return kind in CONFIG_MAPPING


def auto_class(config: Any) -> Any:
    """Choose the masked-language class where the checkpoint has such a head, else the bare encoder."""
    from transformers import AutoModel, AutoModelForMaskedLM

    names = config.architectures or ()
    masked = config.model_type.startswith("rnastudy-") or any("MaskedLM" in one or "PreTraining" in one for one in names)
    return AutoModelForMaskedLM if masked else AutoModel


def trained(source: str, config: Any, revision: str | None, trust: bool) -> nn.Module:
    """Load weights, from safetensors or without unpickling objects; what is missing or left over is an error."""
    with readable(source):
        network, info = auto_class(config).from_pretrained(
            source,
            config=config,
            revision=revision,
            trust_remote_code=trust,
            attn_implementation="eager",
            weights_only=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    missing = _tied_biases(network, set(info["missing_keys"]))
    refuse("lacks", source, [key for key in missing if not MAY_LACK.search(key)])
    refuse("has left over", source, [key for key in info["unexpected_keys"] if not MAY_ADD.search(key)])
    refuse("has in other shapes", source, [key for key, *_ in info["mismatched_keys"]])
    network.key_exceptions = (*(f"lacks {key}" for key in sorted(missing)), *(f"has left over {key}" for key in sorted(info["unexpected_keys"])))
    refuse_nan(network, source)
    return network


def refuse_nan(network: nn.Module, source: str) -> None:
    """Raise if a weight, or a number stored beside the weights, is not finite; a buffer that no file holds is filled at the first call."""
    bad = [name for name, weight in network.state_dict().items() if not bool(weight.isfinite().all())]
    if bad:
        raise StudyError(f"{source}: weights {bad[:3]} hold NaN or infinity ({len(bad)} tensors); fetch the checkpoint again")


def _tied_biases(network: nn.Module, missing: set[str]) -> set[str]:
    """Tie ``X.decoder.bias`` to ``X.bias`` where only the latter was stored; return what is still missing."""
    parameters = dict(network.named_parameters(remove_duplicate=False))
    tied = {key for key in missing if key.endswith(".decoder.bias")}
    tied = {key for key in tied if (twin := key.replace(".decoder.bias", ".bias")) in parameters and twin not in missing}
    for key in tied:
        head: Any = network.get_submodule(key.removesuffix(".decoder.bias"))
        head.decoder.bias = head.bias
    return missing - tied


def refuse(what: str, source: str, keys: Iterable[str]) -> None:
    """Raise if there is any key that a checkpoint lacks or has too many of."""
    names = sorted(keys)
    if names:
        raise StudyError(
            f"{source}: the checkpoint {what} {len(names)} tensors of this architecture, first {names[:3]}; it belongs to another model or version"
        )


def untrained(config: Any, seed: int, trust: bool) -> nn.Module:
    """Draw random weights; a pairing table in a buffer (ERNIE-RNA) is switched off, or the null would carry it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = auto_class(config).from_config(config, attn_implementation="eager", trust_remote_code=trust)
    without_prior(network)
    return network


def set_norms(network: nn.Module, epsilon: float) -> None:
    """Give every layer norm one epsilon; a port's configuration does not reach those of its head."""
    for module in network.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = epsilon


def weights_sha256(network: nn.Module) -> str:
    """Checksum of the weights themselves, by name."""
    digest = hashlib.sha256()
    for key, weight in sorted(network.state_dict().items()):
        digest.update(key.encode() + weight.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def checkpoint_sha256(source: str, revision: str | None) -> str:
    """Checksum of the weight files that were read; of several, of their joined contents in order of name."""
    from transformers.utils import cached_file

    folder = Path(source) if Path(source).is_dir() else Path(str(cached_file(source, "config.json", revision=revision))).parent
    return files_sha256(sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin")))


def files_sha256(paths: Iterable[Path]) -> str:
    """Checksum of the joined contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(2**22):
                digest.update(block)
    return digest.hexdigest()


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn what libraries raise about a checkpoint into one line."""
    try:
        yield
    except StudyError:
        raise
    except (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, EOFError, UnpicklingError, SafetensorError) as error:
        first = " ".join(str(error).split())[:240]
        raise StudyError(f"checkpoint {source!r} cannot be read: {first}; check the address, the network and the files") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the report of harmless keys and the progress bar of loading; errors are raised anyway."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
