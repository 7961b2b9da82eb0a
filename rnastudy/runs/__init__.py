"""Runs: one notebook, one set of parameters, one folder with everything that came of it.

`start_run` is what a notebook uses; `run_analysis` and `run_study` execute notebooks; `prepare_book` copies finished runs
into the book. The folder of a run holds::

    notebook.ipynb            the notebook as it was executed
    results.csv, .parquet     tidy table: one row per model, data set, protocol and measure
    per_rna.csv, .parquet     structure only: one row per model and RNA
    figures/NAME.svg, .png    and captions.json with their alt text
    numbers.json              what the text of the book quotes
    stamp.json                parameters, versions, commit, device, seed, checksums, seconds, memory

Names are imported at first use: a notebook needs neither papermill nor the book's tools.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Parameter": "parameters",
    "PreparedPage": "book",
    "Run": "record",
    "RunFailed": "execute",
    "find_notebook": "execute",
    "instructor": "teaching",
    "names": "parameters",
    "prepare_book": "book",
    "prepare_run": "book",
    "read_parameters": "parameters",
    "read_study": "study",
    "run_analysis": "execute",
    "run_study": "study",
    "start_run": "record",
    "student": "teaching",
    "write_copies": "teaching",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a name from the module it lives in (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(f"rnastudy.runs.{_HOMES[name]}"), name)
    raise AttributeError(f"rnastudy.runs has no {name!r}; names: {', '.join(__all__)}")
