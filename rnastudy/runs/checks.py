"""Checks of what a notebook is told, made before a kernel starts: names, types, choices, ranges, and values side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rnastudy.devices import check_device, check_device_name
from rnastudy.errors import StudyError, brief, unknown
from rnastudy.paths import is_there
from rnastudy.runs.kinds import KINDS, check_path, model_name, refuse_unrunnable
from rnastudy.runs.parameters import Parameter, names, wrong_type

__all__ = ["check", "check_machine", "check_together"]

Cards = Callable[[str], Iterable[str]]


def check(values: Mapping[str, Any], known: Mapping[str, Parameter], cards: Cards) -> dict[str, Any]:
    """Check names, types, choices and ranges of the values a notebook is to be given.

    Parameters
    ----------
    values : mapping of str to object
    known : mapping of str to Parameter
        What the notebook declares.
    cards : callable
        Gives all names of a kind, see `rnastudy.runs.kinds.KINDS`.

    Returns
    -------
    dict of str to object
        The values, whole numbers turned into floats where floats are asked for.

    Raises
    ------
    StudyError
        On the first value that does not fit; an unknown name lists the nearest.

    Examples
    --------
    >>> from rnastudy.runs.parameters import declared
    >>> known = declared("limit: int = None  # RNAs to take; at least 1")
    >>> check({"limti": 1}, known, lambda kind: [])
    Traceback (most recent call last):
    rnastudy.errors.StudyError: unknown parameter 'limti'; did you mean limit? known: limit
    >>> check({"limit": 0}, known, lambda kind: [])
    Traceback (most recent call last):
    rnastudy.errors.StudyError: parameter 'limit' is 0; it must be at least 1
    """
    checked = {}
    for name, value in values.items():
        if name not in known:
            raise unknown("parameter", str(name), known)
        checked[name] = _alone(_fit(value, known[name]), known[name])
        _check_choice(checked[name], known[name], cards)
        _check_range(checked[name], known[name])
    return checked


def _fit(value: Any, parameter: Parameter) -> Any:
    if not parameter.types or type(value) in parameter.types:
        return value
    if type(value) is int and float in parameter.types:
        return float(value)
    raise wrong_type(parameter, value)


def _alone(value: Any, parameter: Parameter) -> Any:
    """Take blanks and commas off the one word of a choice, as they would be off several: a notebook compares it as it is."""
    if not isinstance(value, str) or not parameter.choices or parameter.several:
        return value
    words = names(value)
    return value if len(words) > 1 else "".join(words)


def _check_range(value: Any, parameter: Parameter) -> None:
    if isinstance(value, float) and not isfinite(value):
        raise StudyError(f"parameter {parameter.name!r} is {value}; it must be a finite number")
    least = parameter.at_least
    if isinstance(least, int | float) and isinstance(value, int | float) and not value >= least:
        raise StudyError(f"parameter {parameter.name!r} is {value}; it must be at least {least}")


def _check_choice(value: Any, parameter: Parameter, cards: Cards) -> None:
    if not parameter.choices or value is None:
        return
    words = _words(value, parameter)
    if not words and "empty" not in parameter.choices:
        raise StudyError(f"parameter {parameter.name!r} is empty; it takes {', '.join(parameter.choices)}")
    for word in words:
        if words.count(word) > 1:
            raise StudyError(f"parameter {parameter.name!r} names {brief(word)} twice; name each once")
        _check_word(word, parameter, cards)


def _words(value: Any, parameter: Parameter) -> list[str]:
    words = value if isinstance(value, list) else names(str(value))
    if parameter.several or len(words) < 2:
        return [str(word) for word in words]
    if not is_there(str(value)):
        raise StudyError(f"parameter {parameter.name!r} is {brief(value)}; it takes one value, not several")
    return [str(value)]


def _check_word(word: str, parameter: Parameter, cards: Cards) -> None:
    if "devices" in parameter.choices:
        check_device_name(word)
        return
    bare = model_name(word) if "models" in parameter.choices else word
    allowed: list[str] = []
    for choice in set(parameter.choices) - {"empty"}:
        allowed += cards(choice) if choice in KINDS else [choice]
    if bare not in allowed and not any(check_path(kind, bare) for kind in ("models", "data", "proteins") if kind in parameter.choices):
        raise unknown(f"value of parameter {parameter.name!r}:", word, allowed)


def check_together(values: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
    """Check values side by side: ``at least`` and ``other than`` another parameter.

    Parameters
    ----------
    values : mapping of str to object
        Of every parameter that `known` declares.
    known : mapping of str to Parameter

    Raises
    ------
    StudyError
        On the first pair of values that does not fit.

    Examples
    --------
    >>> from rnastudy.runs.parameters import declared
    >>> known = declared("shortest = 30\\nlongest = 40  # bases; at least shortest")
    >>> check_together({"shortest": 50, "longest": 40}, known)
    Traceback (most recent call last):
    rnastudy.errors.StudyError: parameter 'longest' is 40, below 'shortest', which is 50; raise the one or lower the other
    """
    for name, parameter in known.items():
        value, least = values[name], parameter.at_least
        if isinstance(least, str) and None not in (value, values[least]) and value < values[least]:
            raise StudyError(f"parameter {name!r} is {value}, below {least!r}, which is {values[least]}; raise the one or lower the other")
        other = parameter.other_than
        if other and value and _place(value) == _place(values[other]):
            raise StudyError(f"parameters {other!r} and {name!r} are both {brief(value)}; give two sets: what is chosen on one is scored on another")


def _place(value: Any) -> Any:
    return Path(value).expanduser().resolve() if isinstance(value, str) and is_there(value) else value


def check_machine(values: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
    """Check what depends on this machine or on the package as it is: the device is there, and no model lacks an adapter.

    Raises
    ------
    StudyError

    Examples
    --------
    >>> from rnastudy.runs.parameters import declared
    >>> known = declared("model = 'plain-70k'  # some of: models\\ndevice = 'cpu'  # one of: devices")
    >>> check_machine({"model": "mapconv-9k, mapconv-70k", "device": "cpu"}, known)
    """
    for name, parameter in known.items():
        words = _words(values[name], parameter) if values[name] is not None else []
        if "devices" in parameter.choices:
            check_device(words[0])
        for word in words if "models" in parameter.choices else ():
            refuse_unrunnable(word)
