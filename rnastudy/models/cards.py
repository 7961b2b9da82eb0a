"""Model cards: what is known of each model, and whether it can run on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rnastudy.devices import check_device
from rnastudy.errors import StudyError, brief, unknown
from rnastudy.models.adapters import adapter_names
from rnastudy.models.weights import ModelFile, have_weights
from rnastudy.paths import inside
from rnastudy.plain_yaml import read_yaml

__all__ = ["Availability", "ModelCard", "availability", "cards", "embedded_folder", "find_card", "read_cards"]

#: Ways to load a model without an adapter of ours; ``none``: no library has its architecture and no adapter has been written.
LOADERS = ("embedded", "transformers", "multimolecule", "none")


@dataclass(frozen=True)
class ModelCard:
    """What is known of one model.

    Parameters
    ----------
    key, name : str
        Name to load it by, and its name in print.
    group : str
        Group of the review (I: general RNA, II: one kind of RNA, III: all of biology, DNA, protein), ``extra``
        or ``embedded``.
    year : int
        Year of the preprint or release.
    parameters_million : float, optional
        Size; unknown until an embedded model has been trained.
    layers, heads, width : int, optional
        N, H and D.
    token_unit : str
        What a token is, in words.
    alphabet : {"U", "T", "protein"}
        Letter that stands for uracil in its vocabulary; ``protein`` for a model of proteins, which is not scored on RNA.
    max_bases : int, optional
        Longest RNA; ``None`` where no limit is built in.
    corpus, objective, licence, weights : str
        What it was trained on and how, what may be done with it, and where the weights are.
    loader : str
        One of `LOADERS`, or the name of an adapter.
    hub : str, optional
        Hugging Face id that `load` reads.
    multimolecule_id : str, optional
        Id of the port in `multimolecule`.
    revision : str, optional
        Commit the hub id is pinned to; ``None`` where none could be established: then the newest is taken and its
        commit recorded.
    citation : str
        Key in the bibliography.
    certainty : str
        How the numbers on this card are known.
    series : str, optional
        Family of sizes within which scaling may be read.
    reads_alignment : bool
        Reads an alignment rather than one sequence.
    max_rows : int, optional
        Most rows of an alignment that it reads; see `rnastudy.datasets.alignments`.
    unnamed : str
        What a base that could not be named (N) is written as before it is read: ``N``, another letter of the vocabulary,
        or the unknown token.
    restricted : bool
        The licence limits use or outputs: no default touches it.
    overrides : mapping
        Values of the configuration that the original has and the stored port has not.
    expects : mapping
        Settings of the original that a loaded network is held against: fields of the configuration,
        ``layer_norm_eps`` (of every norm) and ``norm_order`` (``pre`` or ``post``).
    files : tuple of ModelFile
        Files that the adapter reads: weights and tokenizers.
    notes : str
        What else a reader must know.
    """

    key: str
    name: str
    group: str
    year: int
    token_unit: str
    corpus: str
    objective: str
    licence: str
    weights: str
    loader: str
    citation: str
    certainty: str
    parameters_million: float | None = None
    layers: int | None = None
    heads: int | None = None
    width: int | None = None
    alphabet: str = "U"
    max_bases: int | None = None
    hub: str | None = None
    multimolecule_id: str | None = None
    revision: str | None = None
    series: str | None = None
    reads_alignment: bool = False
    max_rows: int | None = None
    unnamed: str = "N"
    restricted: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    expects: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[ModelFile, ...] = ()
    notes: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(one if isinstance(one, ModelFile) else ModelFile(**one) for one in self.files))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Layers, heads and width of a card that states all three.

        Raises
        ------
        StudyError
            If one is not known.

        Examples
        --------
        >>> cards()["rnabert"].sizes
        (6, 12, 120)
        """
        if self.layers is None or self.heads is None or self.width is None:
            raise StudyError(f"card {self.key!r} does not state layers, heads and width; its network cannot be built from the card")
        return self.layers, self.heads, self.width


@dataclass(frozen=True)
class Availability:
    """Whether a model can run here.

    Parameters
    ----------
    can_run : bool
        True if nothing is lacking: it runs without a network.
    lacks : tuple of str
        What is lacking, in words.
    """

    can_run: bool
    lacks: tuple[str, ...]


@cache
def cards() -> dict[str, ModelCard]:
    """Read all model cards.

    Returns
    -------
    dict of str to ModelCard
        By key, in the order of ``models.yml``. Sizes of embedded models are read from their own files.

    Raises
    ------
    StudyError
        If an entry of ``models.yml`` is not as it should be.

    Examples
    --------
    >>> cards()["rnafm"].layers, cards()["rnafm"].heads
    (12, 20)
    """
    return read_cards(files("rnastudy").joinpath("models/models.yml").read_text(encoding="utf-8"))


def read_cards(text: str, where: str = "models.yml") -> dict[str, ModelCard]:
    """Read and check cards written as YAML.

    Parameters
    ----------
    text : str
        A YAML list of entries, whose keys are the fields of `ModelCard`.
    where : str
        What to call the text in errors.

    Raises
    ------
    StudyError
        For a key given twice, not known or missing, a value of another type than its field, or a name that leads out of its folder.

    Examples
    --------
    >>> read_cards("- {key: a, naem: A}")
    Traceback (most recent call last):
    rnastudy.errors.StudyError: models.yml: model 'a': unknown field 'naem'; did you mean name, unnamed? known: ...
    """
    entries = read_yaml(text, where)
    if not isinstance(entries, list):
        raise StudyError(f"{where}: holds {brief(entries)}, not a list of cards; begin each card with '- key: KEY'")
    found: dict[str, ModelCard] = {}
    for entry in entries:
        card = _card(entry, where)
        if card.key in found:
            raise StudyError(f"{where}: model {card.key!r} is written twice; rename or remove one")
        found[card.key] = _measured(card) if card.loader == "embedded" else card
    return found


def _card(entry: Any, where: str) -> ModelCard:
    """Check one entry, and make a card of it."""
    if not isinstance(entry, dict):
        raise StudyError(f"{where}: {brief(entry)} is no card; write '- key: KEY' and the other fields under it")
    label, known = f"{where}: model {brief(entry.get('key', '?'))}", {one.name: one for one in fields(ModelCard)}
    strange = [str(name) for name in entry if name not in known]
    if strange:
        raise StudyError(f"{label}: {unknown('field', strange[0], known)}")
    missing = [name for name, one in known.items() if one.default is MISSING and one.default_factory is MISSING and name not in entry]
    if missing:
        raise StudyError(f"{label}: no {', '.join(missing)}; add it to the entry")
    for name, value in entry.items():
        _check_type(str(known[name].type), value, f"{label}: {name}")
    for name, words in (("loader", (*LOADERS, *adapter_names())), ("alphabet", ("U", "T", "protein"))):
        if entry.get(name, "U") not in words:
            raise StudyError(f"{label}: {unknown(name, entry[name], words)}")
    places = [entry["key"], *(file["name"] for file in entry.get("files", ()))]
    for place in places:
        if not inside(place):
            raise StudyError(f"{label}: {brief(place)} leads out of its folder; give a name without '..' and leading slashes")
    return ModelCard(**entry)


def _check_type(kind: str, value: Any, label: str) -> None:
    """Check a value against the type its field is declared with; a list of files against that of a file."""
    wanted: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None), "Mapping[str, Any]": dict}
    if kind.startswith("tuple"):
        types = {one.name: str(one.type) for one in fields(ModelFile)}
        good = isinstance(value, list) and all(isinstance(file, dict) and "name" in file for file in value)
        for file in value if good else ():
            for name, held in file.items():
                if name not in types:
                    raise StudyError(f"{label}: {unknown('key of a file', str(name), types)}")
                _check_type(types[name], held, f"{label}: {name}")
    else:
        good = any(isinstance(value, wanted[one]) and (isinstance(value, bool) == (one == "bool")) for one in kind.split(" | "))
    if not good:
        raise StudyError(f"{label} is {brief(value)}; it takes {'a list of files, each with a name' if kind.startswith('tuple') else kind}")


def find_card(key: str) -> ModelCard | None:
    """Return the card of a model, those of the zoo (``zoo/LEVEL/SEED``) among them; ``None`` if there is none.

    Examples
    --------
    >>> find_card("zoo/plain/0").objective, find_card("zoo/plain/x")
    ('MLM', None)
    """
    return cards().get(key) or _zoo_card(key)


def _zoo_card(key: str) -> ModelCard | None:
    """Make the card of one model of the zoo from its level; they are not listed, for they are parts of one experiment."""
    from rnastudy.training.zoo import LEVELS, PREFIX, SEEDS

    name, _, seed = key.removeprefix(PREFIX).partition("/")
    level = LEVELS.get(name)
    if not key.startswith(PREFIX) or level is None or level.condition or seed not in map(str, SEEDS):
        return None
    recipe, aligned = level.recipe, level.recipe.architecture == "alignment"
    corpora = sorted({corpus for stage in recipe.stages for corpus in stage.corpora})
    card = ModelCard(
        key=key,
        name=f"Zoo: {name}, seed {seed}",
        group="embedded",
        year=2026,
        token_unit={"base": "base", "kmer": f"{recipe.unit_size}-mer", "byte-pair": "byte pair"}[recipe.unit] + " (alignment)" * aligned,
        corpus=", ".join(corpora),
        objective="MLM" + ", structure loss" * recipe.structure_loss + f", runs of {recipe.span}" * (recipe.masking == "spans"),
        licence="MIT",
        weights="in this package",
        loader="embedded",
        citation="rnastudy",
        certainty="measured: read from its own configuration and weights",
        reads_alignment=aligned,
        notes=level.says,
    )
    return _measured(card)


def embedded_folder(key: str) -> Path:
    """Return the folder of an embedded model.

    Examples
    --------
    >>> embedded_folder("mapconv-70k").name
    'mapconv-70k'
    """
    return Path(str(files("rnastudy"))) / "data" / "models" / key


def _measured(card: ModelCard) -> ModelCard:
    """Fill in the sizes of an embedded model from its configuration and its weights."""
    folder = embedded_folder(card.key)
    if not (folder / "config.json").is_file():
        return card
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sizes = {"layers": config["num_hidden_layers"], "heads": config["num_attention_heads"], "width": config["hidden_size"]}
    weights = folder / "model.safetensors"
    count = _stored_parameters(weights) / 1e6 if weights.is_file() else None
    return replace(card, **sizes, parameters_million=count)


def _stored_parameters(weights: Path) -> int:
    """Count the numbers in a safetensors file from its header (8 bytes of length, then JSON)."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(_product(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def _product(shape: list[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def availability(card: ModelCard, device: str = "cpu") -> Availability:
    """Say whether a model can run on this machine, without a network, and what it lacks.

    Parameters
    ----------
    card : ModelCard
        The model.
    device : str
        ``cpu`` or a CUDA device, whose memory is compared with the weights in fp32.

    Returns
    -------
    Availability

    Examples
    --------
    >>> availability(cards()["rnakm"]).lacks[0]
    'its weights on disk (by hand from https://drive.google.com/...)'
    """
    check_device(device)
    lacks = []
    if card.loader == "none":
        lacks.append("an adapter for its architecture")
    if card.loader == "multimolecule" and find_spec("multimolecule") is None:
        lacks.append("the extra 'multimolecule' (pip install 'rnastudy[multimolecule]')")
    if card.loader == "protrna" and find_spec("h5py") is None:
        lacks.append("the extra 'protrna' (pip install 'rnastudy[protrna]')")
    if not _has_weights(card):
        lacks.append(_weights_remedy(card))
    need, free = 4e-3 * (card.parameters_million or 0), _memory(device)
    if need > free:
        lacks.append(f"memory: its fp32 weights take {need:.1f} GB, {device} has {free:.1f} GB")
    return Availability(not lacks, tuple(lacks))


def _has_weights(card: ModelCard) -> bool:
    if card.loader == "embedded":
        return (embedded_folder(card.key) / "model.safetensors").is_file()
    return have_weights(card) if card.files else card.loader != "none" and _in_cache(card)


def _weights_remedy(card: ModelCard) -> str:
    if card.loader == "embedded":
        return "its weights (remake them with: rnastudy train)"
    by_hand = next((file.by_hand for file in card.files if file.by_hand and not card.hub), None)
    if by_hand:
        return f"its weights on disk (by hand from {by_hand})"
    if card.loader == "none" or (card.hub is None and not card.files):
        return f"its weights ({card.weights})"
    if card.hub is None:
        return f"its weights on disk (fetched from {card.files[0].url} on first use)"
    return f"its weights on disk (fetched from {card.hub} on first use)"


def _in_cache(card: ModelCard) -> bool:
    from huggingface_hub import try_to_load_from_cache

    names = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "pytorch_model.bin.index.json")
    found = (try_to_load_from_cache(card.hub or "", name, revision=card.revision) for name in names) if card.hub else ()
    return any(isinstance(path, str) for path in found)


def _memory(device: str) -> float:
    """Memory of a device in GB."""
    if not device.startswith("cuda"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    import torch

    return torch.cuda.mem_get_info(device)[1] / 1e9 if torch.cuda.is_available() else 0.0
