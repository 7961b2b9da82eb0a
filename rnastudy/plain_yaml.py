"""YAML that people write, cards and study files, read strictly: plain values only, and no key twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from rnastudy.errors import StudyError, brief

__all__ = ["read_yaml"]


class _Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Loads plain values, as the safe loader does, and refuses a key that is written twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"key {brief(key)} is written twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, where: str) -> Any:
    """Read YAML into lists, mappings and plain values.

    Parameters
    ----------
    text : str
    where : str
        What to call the text in errors.

    Raises
    ------
    StudyError
        If it is no YAML, asks for Python objects, or gives a key twice.

    Examples
    --------
    >>> read_yaml("a: [1, b]", "a.yml")
    {'a': [1, 'b']}
    >>> read_yaml("{a: 1, a: 2}", "a.yml")
    Traceback (most recent call last):
    rnastudy.errors.StudyError: a.yml: not YAML: key 'a' is written twice in "a.yml", line 1, column 1; mend it
    """
    try:
        loader = _Strict(text)
        loader.name = where
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).replace("<unicode string>", where).split())
        raise StudyError(f"{where}: not YAML: {said[:250]}; mend it") from None
