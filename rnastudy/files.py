"""Files that a user hands in and asks for: arrays are read, and results written, with one line for whatever goes wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError

__all__ = ["check_writable", "load_array", "why", "write_whole"]


def load_array(path: Path, *, mmap_mode: Literal["r"] | None = None) -> NDArray[np.number]:
    """Read one array of real numbers from a ``.npy`` file; Python objects are never loaded.

    Parameters
    ----------
    path : Path
        Written by `numpy.save`.
    mmap_mode : {"r"}, optional
        Open the array without reading it.

    Returns
    -------
    ndarray
        Of integers or floats, any shape.

    Raises
    ------
    StudyError
        If the file holds anything else, or is cut short.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/a.npy", np.eye(2))
    ...     load_array(Path(folder, "a.npy")).shape
    (2, 2)
    """
    try:
        array = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except Exception as error:  # bytes of strangers take NumPy's parser anywhere, to a tokenizer's errors too
        raise StudyError(f"{path}: {why(error, '.npy file')}; write one array of real numbers with numpy.save") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise StudyError(f"{path}: holds several arrays, as numpy.savez writes them; write one array of real numbers with numpy.save")
    if array.dtype.kind not in "fiu":
        raise StudyError(f"{path}: holds {array.dtype}; write one array of real numbers with numpy.save")
    return array


def why(error: Exception, kind: str) -> str:
    """Say in plain words why NumPy could not read a file of a kind."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})"
    objects = any(words in str(error) for words in ("Object arrays", "Python objects"))
    return "holds Python objects, not numbers" if objects else f"is no whole {kind}"


def check_writable(path: Path) -> None:
    """Check that a file or folder could be made at a path, before any work is done for it; nothing is made.

    Raises
    ------
    StudyError
        If a folder above it is a file, or may not be written to.

    Examples
    --------
    >>> check_writable(Path(__file__, "result.json"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    rnastudy.errors.StudyError: cannot write ...: ...files.py is no folder; choose another --out
    """
    above = next(folder for folder in path.absolute().parents if folder.exists() or folder.is_symlink())
    if not above.is_dir():
        raise StudyError(f"cannot write {path}: {above} is no folder; choose another --out")
    if not os.access(above, os.W_OK | os.X_OK):
        raise StudyError(f"cannot write {path}: no permission to write in {above}; choose another --out")


def write_whole(path: Path, text: str) -> None:
    """Write text through a temporary file beside its target, so that half a result is never seen; folders are made.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        if partial.parent.is_dir():
            partial.unlink(missing_ok=True)
        raise StudyError(f"cannot write {path}: {error.strerror}; choose another --out") from None
