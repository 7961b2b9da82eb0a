"""Paths that a user gives, files that appear whole or not at all, and folders that one process at a time works in."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnastudy.errors import StudyError, brief

__all__ = ["alone", "inside", "is_there", "shown", "user_path", "without_paths", "write_bytes"]


def user_path(words: str | Path) -> Path:
    """Return the path that words stand for, ``~`` expanded.

    Raises
    ------
    StudyError
        If no file could have this name here.

    Examples
    --------
    >>> user_path("a/b.fa").name
    'b.fa'
    >>> user_path("a" * 300)
    Traceback (most recent call last):
    rnastudy.errors.StudyError: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' cannot be a path (File name too long); give another
    """
    if not str(words):
        raise StudyError("an empty path; give a file or a folder, '.' for this one")
    try:
        path = Path(words).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, ValueError, RuntimeError) as error:
        raise StudyError(f"{brief(str(words))} cannot be a path ({getattr(error, 'strerror', None) or error}); give another") from None
    return path


def is_there(words: str | Path) -> bool:
    """Say whether words are the path of something; what cannot be a path is not.

    Examples
    --------
    >>> is_there(__file__), is_there("a" * 300)
    (True, False)
    """
    try:
        return Path(words).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def inside(words: str) -> bool:
    """Say whether words name a place below the folder they are joined to, and not that folder itself.

    Examples
    --------
    >>> [inside(words) for words in ("a/b.fa", "../b.fa", "/etc/b.fa", ".")]
    [True, False, False, False]
    """
    parts = words.replace("\\", "/").split("/")
    return bool(words) and "\0" not in words and parts[0] != "" and ".." not in parts and any(part not in ("", ".") for part in parts)


def shown(path: Path) -> str:
    """Return a path as a page may show it: below the working folder, else its last part alone.

    Examples
    --------
    >>> shown(Path.cwd() / "runs" / "mine"), shown(Path("/elsewhere/mine"))
    ('runs/mine', 'mine')
    """
    whole = path.absolute()
    return whole.relative_to(Path.cwd()).as_posix() if whole.is_relative_to(Path.cwd()) else whole.name


def without_paths(text: str) -> str:
    """Make paths of this machine relative: those below the working folder, and below the user's home.

    Examples
    --------
    >>> without_paths(f"see {Path.cwd()}/runs/mine")
    'see runs/mine'
    """
    here, home = Path.cwd().as_posix(), Path.home().as_posix()
    text = text.replace(f"{here}/", "") if len(here) > 1 else text
    return re.sub(rf"(?<![\w/]){re.escape(home)}/", "~/", text) if len(home) > 1 else text


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, so that a reader never sees half of it; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Keep other processes out of a folder for as long as a block runs; a killed process keeps nobody out.

    Parameters
    ----------
    folder : Path
        It need not exist. The lock lies beside it, and is gone afterwards.
    what : str
        What another process would be doing there, for the error.

    Raises
    ------
    StudyError
        If another process is in it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone(Path(folder, "run"), "run"):
    ...     [path.name for path in Path(folder).iterdir()]
    ['.run.lock']
    """
    path = folder.absolute().with_name(f".{folder.absolute().name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(path)
    if handle is None:
        raise StudyError(f"{folder}: another {what} is at work there; wait for it, or name another folder")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def _locked(path: Path) -> int | None:
    """Lock a file and return its handle; None if another process holds it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        # Its last holder may have removed the file between the two lines above; then this lock guards nothing.
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)
