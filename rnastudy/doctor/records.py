"""What a certificate holds, and how it is written and read; nothing here loads a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError
from rnastudy.files import write_whole

__all__ = ["FAIL", "NOT_RUN", "PASS", "Certificate", "Check", "read", "state_of", "state_of_weights", "stored", "write"]

PASS, FAIL, NOT_RUN = "pass", "fail", "not run"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a model.

    Parameters
    ----------
    name : str
        What was looked at.
    state : str
        ``pass``, ``fail`` or ``not run``.
    measured, limit : str
        What was found, and what was allowed, in words and numbers.
    reason : str
        Why it was not run, or what else a reader must know.
    seconds : float
        Time it took.

    Raises
    ------
    StudyError
        If the state is none of the three, or a check was not run and does not say why.

    Examples
    --------
    >>> Check("finite", "pass", measured="all", limit="all").state
    'pass'
    """

    name: str
    state: str
    measured: str = ""
    limit: str = ""
    reason: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.state not in (PASS, FAIL, NOT_RUN) or (self.state == NOT_RUN and not self.reason):
            raise StudyError(f"check {self.name!r}: state {self.state!r}, reason {self.reason!r}; give pass, fail, or not run with a reason")


@dataclass(frozen=True)
class Certificate:
    """What the doctor found.

    Parameters
    ----------
    model : str
        Name it was loaded by; of a path the last part.
    checks : tuple of Check
        In the order they were made; none if the weights are not here.
    lacks : tuple of str
        What is lacking, if it could not be loaded.
    weights_sha256, revision, key_map : str, optional
        Which weights were read, and where the names of their tensors come from.
    states : tuple of float
        Sizes of the hidden states of one RNA, layer by layer: a later loading of the same weights is held against them.
    date, device, dtype : str
        When, on what and in which precision.
    versions : mapping of str to str
        Of the packages that matter.

    Examples
    --------
    >>> Certificate("rnafm", lacks=("its weights",)).state
    'not run'
    """

    model: str
    checks: tuple[Check, ...] = ()
    lacks: tuple[str, ...] = ()
    weights_sha256: str | None = None
    revision: str | None = None
    key_map: str | None = None
    states: tuple[float, ...] = ()
    date: str = ""
    device: str = ""
    dtype: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """``fail`` if a check failed, ``not run`` if none was made or no weights were read (an untrained twin), else ``pass``."""
        states = {check.state for check in self.checks}
        unread = any(check.name == "keys" and check.state == NOT_RUN for check in self.checks)
        return FAIL if FAIL in states else PASS if PASS in states and not unread else NOT_RUN

    def __getitem__(self, name: str) -> Check:
        """Check of a name."""
        return next(check for check in self.checks if check.name == name)


def write(one: Certificate, path: str | Path) -> None:
    """Write a certificate as JSON.

    Raises
    ------
    StudyError
        If the file cannot be written.
    """
    text = json.dumps({"model": one.model, "state": one.state, **asdict(one)}, indent=1, ensure_ascii=False)
    write_whole(Path(path), text + "\n")


def read(path: str | Path) -> Certificate:
    """Read a certificate.

    Raises
    ------
    StudyError
        If the file does not hold one, or its state is not what its checks say.
    """
    try:
        held: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        said = held.pop("state")
        parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in held.items()}
        parts["checks"] = tuple(Check(**check) for check in held["checks"])
        one = Certificate(**parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        known = ", ".join(entry.name for entry in fields(Certificate))
        raise StudyError(f"{path}: holds no certificate with state, {known} ({error}); write it anew with: rnastudy doctor --out") from None
    if one.state != said:
        raise StudyError(f"{path}: says {said!r}, and its checks say {one.state!r}; write it anew with: rnastudy doctor --out")
    return one


def stored() -> dict[str, Certificate]:
    """Read the certificates that come with the package.

    Returns
    -------
    dict of str to Certificate
        By name of the model.

    Examples
    --------
    >>> sorted({one.state for one in stored().values()} - {"pass", "fail"})
    []
    """
    folder = Path(str(files("rnastudy"))) / "data" / "certificates"
    return {one.model: one for one in map(read, sorted(folder.glob("*.json")))}


def state_of(model: str) -> str:
    """State of a model by the certificates that come with the package: ``not run`` where there is none."""
    one = stored().get(model)
    return NOT_RUN if one is None else one.state


def state_of_weights(sha256: str | None, *, beside: str | Path = "runs/doctor") -> str:
    """State of a model by the checksum of its weights, whatever its name.

    Parameters
    ----------
    sha256 : str, optional
        Of the weights that were loaded.
    beside : str or Path
        Where ``rnastudy doctor`` writes the user's own certificates, ``NAME/certificate.json``; they are looked at after those
        that come with the package.

    Returns
    -------
    str
        ``pass``, ``fail``, or ``not run`` where no certificate is about these weights.

    Examples
    --------
    >>> state_of_weights(stored()["mapconv-9k"].weights_sha256), state_of_weights("0" * 64)
    ('pass', 'not run')
    """
    own = [read(path) for path in sorted(Path(beside).glob("*/certificate.json"))]
    return next((one.state for one in [*stored().values(), *own] if sha256 and one.weights_sha256 == sha256), NOT_RUN)
