"""Whom to cite: the entries of the bibliography for just what a run used."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError

__all__ = ["bibliography", "cited_by"]

#: Always cited: this study, and the review in its two versions.
ALWAYS = ("rnastudy", "wang2025review", "wang2026benchmark")
#: Works behind baselines, by the word that a run's parameters name them with.
_BASELINES = {"vienna-mfe": "lorenz2011vienna", "vienna-mea": "lorenz2011vienna"}
_ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?^\}", re.MULTILINE | re.DOTALL)


def bibliography() -> dict[str, str]:
    """Return the entries of the bibliography, BibTeX, by key.

    Examples
    --------
    >>> bibliography()["chen2022rnafm"].splitlines()[0]
    '@article{chen2022rnafm,'
    """
    text = files("rnastudy").joinpath("data/references.bib").read_text(encoding="utf-8")
    return {found[1]: found[0] for found in _ENTRY.finditer(text)}


def cited_by(run: str | Path) -> list[str]:
    """Name the works that a run rests on: the study, the review, its models, data sets and baselines.

    Parameters
    ----------
    run : str or Path
        Folder of a finished run.

    Returns
    -------
    list of str
        Keys of `bibliography`, each once: the study and the review first, then the others by name.

    Raises
    ------
    StudyError
        If the folder holds no stamp, or the stamp names nothing that was used.

    Examples
    --------
    >>> cited_by("runs/nowhere")
    Traceback (most recent call last):
    rnastudy.errors.StudyError: runs/nowhere holds no stamp.json; give the folder of a finished run
    """
    path = Path(run) / "stamp.json"
    if not path.is_file():
        raise StudyError(f"{run} holds no stamp.json; give the folder of a finished run")
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
        used = [*_of_models(stamp["weights"]), *_of_data(stamp["data"]), *_of_baselines(stamp["parameters"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{path}: not a stamp with weights, data and parameters ({error!r}); run the analysis again") from None
    return [*ALWAYS, *sorted(set(used) - set(ALWAYS))]


def _of_models(weights: dict[str, str]) -> list[str]:
    from rnastudy.models.cards import find_card

    found = [find_card(name.partition("@")[0]) for name in weights]
    ports = ["chen2024multimolecule"] if any(card is not None and card.loader == "multimolecule" for card in found) else []
    return [*(card.citation for card in found if card is not None and card.citation), *ports]


def _of_data(data: dict[str, str]) -> list[str]:
    from rnastudy import datasets

    known = datasets.cards()
    return [key.strip() for name in data if name in known for key in known[name].citation.split(",") if key.strip()]


def _of_baselines(parameters: dict[str, Any]) -> list[str]:
    named = " ".join(str(value) for name, value in parameters.items() if "baselines" in name)
    return [key for word, key in _BASELINES.items() if word in named]
