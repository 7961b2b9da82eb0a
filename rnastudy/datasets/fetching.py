"""Fetching: a local folder first, then the cache, then the pinned address; always checked, never half a file."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rnastudy.datasets.cards import DataCard, DataFile
from rnastudy.errors import StudyError
from rnastudy.paths import write_bytes

if TYPE_CHECKING:
    import requests

__all__ = ["cache_folder", "data_folder", "fetch_file", "file_sha256", "missing_files"]

#: Seconds to wait for a connection and for the next bytes; how often a transfer is tried; seconds before the next try.
TIMEOUT, ATTEMPTS, PAUSE = (10, 30), 4, 0.5
_BLOCK = 1 << 14
_LOG = logging.getLogger("rnastudy.datasets")
_EMBEDDED = Path(__file__).parents[1] / "data"


def data_folder() -> Path | None:
    """Return the local folder that is looked in first, named by ``RNASTUDY_DATA``.

    Raises
    ------
    StudyError
        If the variable names something that is no folder.
    """
    named = os.environ.get("RNASTUDY_DATA")
    if not named:
        return None
    if not Path(named).is_dir():
        raise StudyError(f"RNASTUDY_DATA={named!r} is no folder; correct or unset it")
    return Path(named)


def cache_folder() -> Path:
    """Return the folder where fetched files are kept: ``RNASTUDY_CACHE``, else the user's cache of this system."""
    named = os.environ.get("RNASTUDY_CACHE")
    if named:
        return Path(named)
    import pooch

    return Path(pooch.os_cache("rnastudy")) / "data"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 checksum of a file in hexadecimal.

    Examples
    --------
    >>> len(file_sha256(Path(__file__)))
    64
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def missing_files(card: DataCard) -> list[DataFile]:
    """Return the files of a data set that are neither embedded, nor in the local folder, nor in the cache.

    Examples
    --------
    >>> from rnastudy.datasets.cards import cards
    >>> [missing_files(card) for card in cards().values() if card.origin == "embedded"].count([]) >= 0
    True
    """
    return [file for file in card.files if not any(place.is_file() for place in _places(card, file))]


def _cached(card: DataCard, file: DataFile) -> Path:
    """Files are kept below their checksum or address: shared between data sets, never between two versions."""
    key = file.sha256 or hashlib.sha256((file.url or card.name).encode()).hexdigest()
    return cache_folder() / key[:16] / Path(file.path).name


def _places(card: DataCard, file: DataFile) -> list[Path]:
    if card.origin == "embedded":
        return [_EMBEDDED / file.path]
    folder = data_folder()
    local = [folder / file.local] if folder and file.local else []
    return [*local, _cached(card, file)]


def fetch_file(card: DataCard, file: DataFile) -> Path:
    """Return the path of a file, fetching it if it is nowhere here; its checksum is verified either way.

    A file without a published checksum gets its checksum recorded in the cache at first sight, which is said in the
    log; from then on it must not change.

    Parameters
    ----------
    card : DataCard
    file : DataFile
        One of the card's files.

    Returns
    -------
    Path

    Raises
    ------
    StudyError
        If the bytes are not those of the card, or the file cannot be had; the error says where to put it by hand.
    """
    places = _places(card, file)
    here = next((place for place in places if place.is_file()), None)
    if here is None and card.origin == "embedded":
        raise StudyError(f"data set {card.name!r}: embedded file {places[0]} is missing; install the package again")
    if here is not None:
        _verify(card, file, here)
        return here
    return _download(card, file, places[-1])


def _verify(card: DataCard, file: DataFile, path: Path) -> None:
    found = file_sha256(path)
    cached = _cached(card, file)
    record = cached.with_name(cached.name + ".sha256")
    expected = file.sha256 or _recorded(card, file, found, record)
    if found != expected:
        source = "the card's" if file.sha256 else f"recorded at the first fetch in {record}, remove that too to accept another"
        raise StudyError(f"data set {card.name!r}: {path} has sha256 {found}, expected {expected} ({source}); move the file away and load again")


def _recorded(card: DataCard, file: DataFile, found: str, record: Path) -> str:
    """Return the checksum recorded at the first fetch; record `found` if there is none."""
    if record.is_file():
        return record.read_text(encoding="ascii").strip()
    write_bytes(record, f"{found}\n".encode())
    _LOG.warning("data set %r: no checksum was published for %s; recorded sha256 %s in %s", card.name, file.path, found, record)
    return found


def _download(card: DataCard, file: DataFile, target: Path) -> Path:
    from filelock import FileLock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{target}.lock").acquire()
    except OSError as error:
        raise _unreachable(card, file, f"{target.parent} cannot be written to ({error.strerror})") from error
    with lock:
        if not target.is_file():
            part = target.with_name(target.name + ".part")
            resumed = part.is_file()
            _transfer(card, file, part)
            if not _accepted(card, file, part, final=not resumed):
                _transfer(card, file, part)
                _accepted(card, file, part, final=True)
            os.replace(part, target)
    return target


def _accepted(card: DataCard, file: DataFile, part: Path, final: bool) -> bool:
    """Verify a finished transfer, and throw it away if it is not what the card says."""
    try:
        _verify(card, file, part)
        return True
    except StudyError as error:
        part.unlink()
        if not final:
            return False
        raise StudyError(f"data set {card.name!r}: {file.url} gave other bytes than expected, thrown away. {error}") from error


def _transfer(card: DataCard, file: DataFile, part: Path) -> None:
    """Bring a file into `part`, taking it up where an earlier attempt ended."""
    import requests

    if file.url is None:
        raise _unreachable(card, file, "it has no public address")
    reason = ""
    for attempt in range(ATTEMPTS):
        time.sleep(PAUSE * attempt)
        try:
            return _attempt(card, file, part)
        except requests.RequestException as error:
            reason = type(error).__name__ + f": {error}"[:120]
        except OSError as error:
            raise _unreachable(card, file, f"it cannot be written to {part} ({error.strerror})") from error
    kept = part.stat().st_size if part.is_file() else 0
    raise _unreachable(card, file, f"{reason}; {kept:,} bytes are kept and the next try goes on from there")


def _attempt(card: DataCard, file: DataFile, part: Path) -> None:
    import requests

    start = _resumable(file, part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    tag = part.with_name(part.name + ".etag")
    if start and tag.is_file():
        headers["If-Range"] = tag.read_text(encoding="latin-1")
    with requests.get(str(file.url), headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:
            part.unlink()
            raise requests.ConnectionError("the kept part does not fit the file; starting again")
        if 400 <= answer.status_code < 500:
            raise _unreachable(card, file, f"the server answered {answer.status_code} {answer.reason}")
        answer.raise_for_status()
        if answer.headers.get("ETag", "W/").startswith('"'):
            tag.write_text(answer.headers["ETag"], encoding="latin-1")
        _write(answer, file, part, start if answer.status_code == 206 else 0)
    tag.unlink(missing_ok=True)


def _resumable(file: DataFile, part: Path) -> int:
    """Return how many bytes to keep: of a pinned file all, of others only if the server can say that it is the same."""
    if not part.is_file():
        return 0
    known = file.sha256 or part.with_name(part.name + ".etag").is_file()
    kept = part.stat().st_size
    return kept if known and (file.size is None or kept < file.size) else 0


def _write(answer: requests.Response, file: DataFile, part: Path, start: int) -> None:
    import requests
    from tqdm.auto import tqdm

    length = answer.headers.get("Content-Length")
    total = start + int(length) if length else file.size
    bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=Path(file.path).name, leave=False)
    with bar, part.open("ab" if start else "wb") as stream:
        for block in answer.iter_content(_BLOCK):
            stream.write(block)
            bar.update(len(block))
    if total is not None and part.stat().st_size < total:
        raise requests.ConnectionError(f"cut off at {part.stat().st_size:,} of {total:,} bytes")


def _unreachable(card: DataCard, file: DataFile, reason: str) -> StudyError:
    size = f"{file.size:,} bytes" if file.size else "size not known"
    by_hand = f"$RNASTUDY_DATA/{file.local} or {_cached(card, file)}" if file.local else str(_cached(card, file))
    address = file.url or "no address"
    return StudyError(f"data set {card.name!r}: {file.path} ({size}) cannot be fetched from {address}: {reason}. By hand: put it at {by_hand}")
