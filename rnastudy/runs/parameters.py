"""What a notebook may be told: its ``parameters`` cell, read as a declaration and checked before a kernel starts.

Papermill only logs a line when a parameter is misspelt and goes on with the defaults, and its own reader loses
``int | None`` and every line with ``=`` in its comment. So the cell is read here, from its syntax tree. Each line says a name,
usually a type, a default, and a comment::

    protocol: str = "careful"   # which rules count; one of: review, careful, both
    model: str = "all"          # names with commas between; some of: models, all
    limit: int = None           # RNAs taken from each data set, or None

A default of ``None`` allows ``None``; written as ``int | None`` it would be lost to ``papermill --help-notebook``.

``one of:`` allows one of the words that follow, ``some of:`` several with commas between. The words ``models`` and ``data``
stand for the names on the model and data cards, and for the path of a user's own checkpoint or file.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError, unknown

__all__ = ["Parameter", "check", "names", "parse", "read_parameters"]

_TYPES = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict, "None": type(None)}
_CHOICES = re.compile(r"\b(one|some) of:\s*([^;]+)", re.IGNORECASE)
_EMPTY = {"none", "null", "~", ""}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a notebook.

    Parameters
    ----------
    name : str
    default : object
        The literal it is set to in the notebook.
    types : tuple of type
        Types that a value may have; empty if anything goes.
    comment : str
        What the line says about it.
    choices : tuple of str
        Words allowed; empty if free. ``models`` and ``data`` stand for the cards.
    several : bool
        True if a value may name several choices with commas between.
    """

    name: str
    default: Any
    types: tuple[type, ...] = ()
    comment: str = ""
    choices: tuple[str, ...] = ()
    several: bool = False


def names(text: str) -> list[str]:
    """Split names that were written with commas between.

    Examples
    --------
    >>> names("mapconv-9k, plain-70k")
    ['mapconv-9k', 'plain-70k']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def read_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """Read the parameters a notebook declares.

    Parameters
    ----------
    notebook : str or Path
        A notebook with one code cell tagged ``parameters``.

    Returns
    -------
    dict of str to Parameter
        In the order of the cell.

    Raises
    ------
    StudyError
        If no cell is tagged ``parameters``, or a default is not a literal.
    """
    import nbformat

    cells = nbformat.read(str(notebook), as_version=4).cells
    tagged = [cell.source for cell in cells if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise StudyError(f"{notebook}: {len(tagged)} code cells are tagged 'parameters'; tag exactly one")
    return declared(tagged[0], str(notebook))


def declared(source: str, where: str = "parameters cell") -> dict[str, Parameter]:
    """Read the source of a ``parameters`` cell.

    Examples
    --------
    >>> declared("limit: int | None = None  # RNAs from each data set")["limit"].types
    (<class 'int'>, <class 'NoneType'>)
    >>> declared("protocol = 'both'  # one of: review, careful, both")["protocol"].choices
    ('review', 'careful', 'both')
    """
    comments = _comments(source)
    found = {}
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(target, ast.Name) or node.value is None:
            continue
        annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
        comment = comments.get(node.end_lineno or 0, "")
        found[target.id] = _parameter(target.id, node.value, annotation, comment, where)
    return found


def _parameter(name: str, value: ast.expr, annotation: ast.expr | None, comment: str, where: str) -> Parameter:
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise StudyError(f"{where}: the default of {name!r} is {ast.unparse(value)!r}; a parameter needs a literal") from None
    types = _types(annotation) if annotation is not None else ((type(default),) if default is not None else ())
    if types and default is None and type(None) not in types:
        types = (*types, type(None))
    match = _CHOICES.search(comment)
    choices = tuple(word.rstrip(".") for word in names(match[2])) if match else ()
    return Parameter(name, default, types, comment, choices, bool(match and match[1].lower() == "some"))


def _types(annotation: ast.expr) -> tuple[type, ...]:
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return (type(None),)
    if isinstance(annotation, ast.BinOp):
        return _types(annotation.left) + _types(annotation.right)
    if isinstance(annotation, ast.Subscript):
        inner = _types(annotation.value)
        return inner or (*_types(annotation.slice), type(None))
    word = getattr(annotation, "id", getattr(annotation, "attr", ""))
    return (_TYPES[word],) if word in _TYPES else ()


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}


def parse(text: str, parameter: Parameter) -> Any:
    """Read a value written on the command line as the type its parameter has.

    Raises
    ------
    StudyError
        If the text is no value of that type.

    Examples
    --------
    >>> parse("40", Parameter("limit", None, (int, type(None))))
    40
    >>> parse("none", Parameter("limit", None, (int, type(None)))) is None
    True
    """
    if type(None) in parameter.types and text.strip().lower() in _EMPTY:
        return None
    if not parameter.types or str in parameter.types:
        return text
    if list in parameter.types and not text.lstrip().startswith("["):
        return names(text)
    try:
        return ast.literal_eval(text.strip().capitalize() if bool in parameter.types else text.strip())
    except (ValueError, SyntaxError):
        raise _wrong_type(parameter, text) from None


def check(values: Mapping[str, Any], known: Mapping[str, Parameter], cards: Callable[[str], Iterable[str]]) -> dict[str, Any]:
    """Check names, types and choices of the values a notebook is to be given.

    Parameters
    ----------
    values : mapping of str to object
    known : mapping of str to Parameter
        What the notebook declares.
    cards : callable
        Gives all names of a kind, ``models`` or ``data``.

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
    >>> known = declared("seed: int = 0")
    >>> check({"sead": 1}, known, lambda kind: [])
    Traceback (most recent call last):
    rnastudy.errors.StudyError: unknown parameter 'sead'; did you mean seed? known: seed
    """
    checked = {}
    for name, value in values.items():
        if name not in known:
            raise unknown("parameter", name, known)
        checked[name] = _fit(value, known[name])
        _check_choice(checked[name], known[name], cards)
    return checked


def _fit(value: Any, parameter: Parameter) -> Any:
    if not parameter.types or type(value) in parameter.types:
        return value
    if type(value) is int and float in parameter.types:
        return float(value)
    raise _wrong_type(parameter, value)


def _wrong_type(parameter: Parameter, value: Any) -> StudyError:
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in parameter.types)
    return StudyError(f"parameter {parameter.name!r} is {value!r}; it takes {wanted}, for example {parameter.default!r}")


def _check_choice(value: Any, parameter: Parameter, cards: Callable[[str], Iterable[str]]) -> None:
    if not parameter.choices or value is None:
        return
    words = value if isinstance(value, list) else names(str(value)) if parameter.several else [str(value)]
    own_files = bool({"models", "data"} & set(parameter.choices))
    allowed = [name for choice in parameter.choices for name in (cards(choice) if choice in ("models", "data") else [choice])]
    for word in words:
        if word.removesuffix("@untrained") not in allowed and not (own_files and Path(word).expanduser().exists()):
            raise unknown(f"value of parameter {parameter.name!r}:", word, allowed)
    if not words:
        raise StudyError(f"parameter {parameter.name!r} is empty; it takes {', '.join(parameter.choices)}")
