"""What a notebook may be told: its ``parameters`` cell, read as a declaration that `rnastudy.runs.checks` holds values against.

Papermill only logs a line when a parameter is misspelt and goes on with the defaults, and its own reader loses
``int | None`` and every line with ``=`` in its comment. So the cell is read here, from its syntax tree. Each line says a name,
usually a type, a default, and a comment::

    protocol: str = "careful"   # which rules count; one of: review, careful, both
    model: str = "all"          # names with commas between; some of: models, all
    limit: int = None           # RNAs taken from each data set, or None; at least 1
    longest: int = 200          # bases; at least shortest
    test: str = "srtest150"     # RNAs that are scored; one of: data; other than select

A default of ``None`` allows ``None``; written as ``int | None`` it would be lost to ``papermill --help-notebook``.

Between semicolons a comment may make promises. ``one of:`` allows one of the words that follow, ``some of:`` several with commas
between. The words ``models`` and ``data`` stand for the names on the model and data cards, and for the path of a user's own
checkpoint or file; ``map baselines`` and ``vector baselines`` for their names; ``devices`` for cpu, cuda and cuda:N; ``empty``
for no word at all. ``at least`` takes a number or the name of another parameter, ``other than`` the name of another parameter.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnastudy.errors import StudyError, brief

__all__ = ["Parameter", "names", "parse", "read_parameters", "wrong_type"]

_TYPES = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict, "None": type(None)}
_CHOICES = re.compile(r"\b(one|some) of:\s*([^;]+)", re.IGNORECASE)
_AT_LEAST = re.compile(r";\s*at least ([\w.-]+?)\.?\s*(?:;|$)")
_OTHER_THAN = re.compile(r";\s*other than (\w+)")
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
        Words allowed; empty if free. Some stand for more, see above.
    several : bool
        True if a value may name several choices with commas between.
    at_least : float or str, optional
        The lowest value, or the name of the parameter that holds it.
    other_than : str
        Name of the parameter whose value this one may not have.
    """

    name: str
    default: Any
    types: tuple[type, ...] = ()
    comment: str = ""
    choices: tuple[str, ...] = ()
    several: bool = False
    at_least: float | str | None = None
    other_than: str = ""


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

    try:
        cells = nbformat.read(str(notebook), as_version=4).cells
        tagged = [cell.source for cell in cells if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])]
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError, nbformat.ValidationError) as error:
        reason = getattr(error, "strerror", None) or "is no notebook"
        raise StudyError(f"{notebook}: {reason}; give an .ipynb file in the format of Jupyter, version 4") from None
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
    >>> declared("seed: int = 0  # of all that is drawn; at least 0")["seed"].at_least
    0
    """
    try:
        comments, body = _comments(source), ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise StudyError(f"{where}: the parameters cell is no Python ({brief(str(error))}); mend it") from None
    found = {}
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(target, ast.Name) or node.value is None:
            continue
        annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
        comment = comments.get(node.end_lineno or 0, "")
        found[target.id] = _parameter(target.id, node.value, annotation, comment, where)
    for parameter in found.values():
        for other in (parameter.at_least, parameter.other_than):
            if isinstance(other, str) and other and other not in found:
                raise StudyError(f"{where}: the comment of {parameter.name!r} speaks of {other!r}, which is no parameter; mend it")
    return found


def _parameter(name: str, value: ast.expr, annotation: ast.expr | None, comment: str, where: str) -> Parameter:
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError):
        raise StudyError(f"{where}: the default of {name!r} is {brief(ast.unparse(value))}; a parameter needs a literal") from None
    types = _types(annotation) if annotation is not None else ((type(default),) if default is not None else ())
    if types and default is None and type(None) not in types:
        types = (*types, type(None))
    match = _CHOICES.search(comment)
    choices = tuple(word.rstrip(".") for word in names(match[2])) if match else ()
    least, other = _AT_LEAST.search(f";{comment}"), _OTHER_THAN.search(f";{comment}")
    return Parameter(
        name, default, types, comment, choices, bool(match and match[1].lower() == "some"), _bound(least[1]) if least else None, other[1] if other else ""
    )


def _bound(word: str) -> float | str:
    """Read what stands behind ``at least``: a number, or else a name."""
    try:
        number = ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word
    return number if isinstance(number, int | float) else word


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
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise wrong_type(parameter, text) from None


def wrong_type(parameter: Parameter, value: Any) -> StudyError:
    """Build the error for a value that has not the type of its parameter."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in parameter.types)
    return StudyError(f"parameter {parameter.name!r} is {brief(value)}; it takes {wanted}, for example {parameter.default!r}")
