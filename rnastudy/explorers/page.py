"""What explorers share: a self-contained element of HTML with its style, its data and its script.

The element is complete without a script: the first state is written into it. The script, where it runs, shows the controls
and redraws. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

__all__ = ["assemble", "options"]

NO_SCRIPT = "<noscript><p>The controls of this explorer need JavaScript; what is shown is its first state.</p></noscript>"


def _asset(name: str) -> str:
    return files("rnastudy.explorers").joinpath(name).read_text(encoding="utf-8")


def assemble(kind: str, title: str, body: str, data: Mapping[str, Any]) -> str:
    """Join style, first state, data and script of an explorer.

    Parameters
    ----------
    kind : str
        ``heads`` or ``similarities``: class of the element and name of its script.
    title : str
        Accessible name of the whole, shown above it.
    body : str
        HTML of controls and first state.
    data : mapping
        What the script reads; anything JSON holds.

    Returns
    -------
    str
        One ``<section>``.

    Examples
    --------
    >>> text = assemble("heads", "A & B", "<p>state</p>", {"n": 1})
    >>> text.startswith("<section"), "A &amp; B" in text, "http" in text
    (True, True, False)
    """
    packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    mark = f"rs-{kind}-" + hashlib.sha256((title + packed).encode()).hexdigest()[:8]
    return (
        f'<section class="rs-explorer" data-kind="{kind}" aria-labelledby="{mark}"><style>{_asset("explorer.css")}</style>'
        f'<p id="{mark}"><strong>{escape(title)}</strong></p>{body}{NO_SCRIPT}'
        f'<script type="application/json">{packed}</script><script>{_asset(f"{kind}.js")}</script></section>'
    )


def options(values: list[str], chosen: int = 0) -> str:
    """Write the options of a ``<select>``.

    Examples
    --------
    >>> options(["a", "b"], 1)
    '<option value="0">a</option><option value="1" selected>b</option>'
    """
    marks = ["" if i != chosen else " selected" for i in range(len(values))]
    return "".join(f'<option value="{i}"{mark}>{escape(value)}</option>' for i, (value, mark) in enumerate(zip(values, marks, strict=True)))
