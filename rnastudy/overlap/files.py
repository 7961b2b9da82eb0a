"""Embeddings from files, scores into a file: for models that no library loads."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnastudy.embeddings import fft_descriptor
from rnastudy.errors import StudyError, unknown
from rnastudy.files import check_writable, load_array, why, write_whole
from rnastudy.overlap.careful import careful
from rnastudy.overlap.results import OverlapScores
from rnastudy.overlap.review import review

__all__ = ["DESCRIPTORS", "read_embeddings", "read_labels", "score_embeddings"]


def _mean(states: NDArray) -> NDArray[np.float64]:
    return np.atleast_2d(states).mean(axis=0, dtype=np.float64)


#: What each protocol makes of an array of shape (L, D) or (D,): its name, and the function.
DESCRIPTORS: dict[str, tuple[str, Callable[[NDArray], NDArray]]] = {"review": ("fft", fft_descriptor), "careful": ("mean", _mean)}
_RESULT = ("overlap_ratio", "overlap_coefficient", "auroc", "average_precision", "knn_accuracy", "n_positive", "n_negative")


def score_embeddings(
    embeddings: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    protocol: str,
    out: str | os.PathLike[str],
    seed: int = 0,
) -> dict[str, object]:
    """Score embeddings made elsewhere and write the result as JSON.

    Parameters
    ----------
    embeddings : path
        Folder with one ``NAME.npy`` per sequence, shape (L, D) or (D,); or an npz with ``names`` and ``vectors``.
    labels : path
        CSV with columns ``name``, ``family`` and, if known, ``clan``.
    protocol : {"review", "careful"}
        ``review``: the FFT descriptor, pairs drawn by the Rfam rule, clans ignored, kernel densities on 200 points
        of [-0.5, 1.0].  ``careful``: the mean over bases, all pairs, clan-mates left out.
    out : path
        JSON file, written whole or not at all.
    seed : int
        Of the review's draws.

    Returns
    -------
    dict
        What was written: ``protocol, descriptor, overlap_ratio, overlap_coefficient, auroc, average_precision,
        knn_accuracy, n_positive, n_negative``.

    Raises
    ------
    StudyError
        For files that cannot be read, names that do not match one to one, or data that cannot be scored.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/e.npz", names=list("abcd"), vectors=np.eye(2)[[0, 0, 1, 1]])
    ...     _ = Path(folder, "l.csv").write_text("name,family\\na,x\\nb,x\\nc,y\\nd,y\\n")
    ...     score_embeddings(f"{folder}/e.npz", f"{folder}/l.csv", "careful", f"{folder}/r.json")["auroc"]
    1.0
    """
    if protocol not in DESCRIPTORS:
        raise unknown("protocol", protocol, DESCRIPTORS)
    check_writable(Path(out))
    families, clans = read_labels(labels)
    descriptor, describe = DESCRIPTORS[protocol]
    names, vectors = read_embeddings(embeddings, describe)
    _match(names, list(families), embeddings, labels)
    family = [families[name] for name in names]
    scores = _score(protocol, names, vectors, family, [clans[name] for name in names], seed)
    result = {"protocol": protocol, "descriptor": descriptor} | {key: getattr(scores, key) for key in _RESULT}
    write_whole(Path(out), json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


def _score(protocol: str, names: list[str], vectors: NDArray, families: list[str], clans: list[str], seed: int) -> OverlapScores:
    if protocol == "review":
        return review(vectors, families, names=names, seed=seed)
    return careful(vectors, families, clans, names=names)


def read_labels(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read family and clan of each name from a CSV.

    Parameters
    ----------
    path : path
        CSV, UTF-8, with columns ``name``, ``family`` and optionally ``clan``; other columns are ignored.

    Returns
    -------
    families, clans : dict of str to str
        By name; a clan that is not given is ``""``.

    Raises
    ------
    StudyError
        Naming file, line and remedy: a missing column, an empty cell, a name given twice.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, strict=True)
            header = [column.strip() for column in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = [(reader.line_num, _label(row, header, f"labels {path}, line {reader.line_num}")) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or ("no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error))
        raise StudyError(f"labels {path} cannot be read: {reason}; give a CSV with columns name, family and optionally clan") from None
    missing = [column for column in ("name", "family") if column not in header]
    twice = [column for column in ("name", "family", "clan") if header.count(column) > 1]
    if twice:
        raise StudyError(f"labels {path}: column {twice[0]!r} is there twice; rename or remove one")
    if missing:
        if len(header) == 1 and re.search("[\t;]", header[0]):
            kind = "tab" if "\t" in header[0] else "semicolon"
            raise StudyError(f"labels {path}: looks {kind}-separated; write it with commas between the cells")
        raise StudyError(f"labels {path}: no column {' or '.join(missing)} among {', '.join(header) or 'none'}; give name, family and optionally clan")
    families, clans = {}, {}
    for line, row in rows:
        name, family = row["name"], row["family"]
        if not name or not family:
            raise StudyError(f"labels {path}, line {line}: {'name' if not name else 'family'} is empty; fill it in or leave the row out")
        if name in families:
            raise StudyError(f"labels {path}, line {line}: {name!r} is there twice; keep one row for each name")
        families[name], clans[name] = family, row.get("clan", "")
    if not families:
        raise StudyError(f"labels {path}: no rows below the header; give one row for each embedding")
    return families, clans


def _label(row: dict[str, str], header: list[str], where: str) -> dict[str, str]:
    """Keep the cells of a row that are read; what no column stands over is no cell."""
    beyond = row.get(None, [])  # type: ignore[call-overload]
    if beyond:
        raise StudyError(f"{where}: {len(header) + len(beyond)} cells under {len(header)} columns; mend the row")
    return {key: (row.get(key) or "").strip() for key in ("name", "family", "clan") if key in header}


def read_embeddings(path: str | os.PathLike[str], describe: Callable[[NDArray], NDArray] = _mean) -> tuple[list[str], NDArray]:
    """Read embeddings, one array at a time, and keep one vector of each.

    Parameters
    ----------
    path : path
        Folder of ``NAME.npy``, or an npz with ``names`` (S,) and ``vectors`` (S, D).
    describe : callable
        Makes one vector of an array of shape (L, D) or (D,); the mean over bases by default.

    Returns
    -------
    names : list of str
        Sorted for a folder, as given for an npz.
    vectors : ndarray, shape=(S, W)
        One vector per name.

    Raises
    ------
    StudyError
        For files that are no numeric arrays (pickled objects are never loaded), hold NaN or infinity, have
        other dimensions, or differ in width.
    """
    source = Path(path)
    items: Iterable[NDArray]
    if source.is_dir():
        arrays = {file.stem: file for file in sorted(source.glob("*.npy"))}
        if not arrays:
            raise StudyError(f"{source} holds no .npy file; give one NAME.npy for each sequence")
        names, items = list(arrays), (load_array(file) for file in arrays.values())
    elif source.is_file():
        names, items = _from_npz(source)
    else:
        raise StudyError(f"embeddings {source} do not exist; give a folder of NAME.npy or an npz with names and vectors")
    return names, _describe_all(names, items, describe, source)


def _describe_all(names: list[str], items: Iterable[NDArray], describe: Callable[[NDArray], NDArray], source: Path) -> NDArray:
    vectors, width = [], None
    for name, states in zip(names, items, strict=True):
        where = f"embedding {name!r} of {source}"
        if not np.issubdtype(states.dtype, np.number) or np.iscomplexobj(states):
            raise StudyError(f"{where} has type {states.dtype}; give real numbers")
        if states.ndim not in (1, 2) or not states.size:
            raise StudyError(f"{where} has shape {states.shape}; give (bases, width) or (width,)")
        if not np.isfinite(states).all():
            raise StudyError(f"{where} holds NaN or infinity; compute it again or leave it out")
        width = width or states.shape[-1]
        if states.shape[-1] != width:
            raise StudyError(f"{where} has width {states.shape[-1]}, others {width}; all must come from one model and layer")
        vectors.append(describe(states))
    return np.stack(vectors)


def _from_npz(file: Path) -> tuple[list[str], NDArray]:
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise StudyError(f"{file} is a single array; give an npz with names and vectors, or a folder of NAME.npy")
        with loaded as archive:
            missing = [key for key in ("names", "vectors") if key not in archive.files]
            if missing:
                raise StudyError(f"{file} holds {', '.join(archive.files) or 'nothing'} but no {' or '.join(missing)}; save both names and vectors")
            names, vectors = archive["names"], archive["vectors"]
    except StudyError:
        raise
    except Exception as error:  # bytes of strangers take NumPy's parser anywhere
        raise StudyError(f"{file} {why(error, 'npz file')}; write it with numpy.savez(FILE, names=numpy.array(NAMES, dtype=str), vectors=NUMBERS)") from None
    if names.ndim != 1 or names.dtype.kind != "U" or vectors.ndim < 2 or len(names) != len(vectors):
        raise StudyError(f"{file}: names of shape {names.shape} and type {names.dtype}, vectors of shape {vectors.shape}; give S strings and (S, D) numbers")
    if not len(names):
        raise StudyError(f"{file}: no names and no vectors in it; save at least one of each")
    repeated = sorted({name for name, count in zip(*np.unique(names, return_counts=True), strict=True) if count > 1})
    if repeated:
        raise StudyError(f"{file}: the name {str(repeated[0])!r} is there more than once; names must be unique")
    return names.tolist(), vectors


def _match(names: list[str], labelled: list[str], embeddings: object, labels: object) -> None:
    lacking, extra = sorted(set(labelled) - set(names)), sorted(set(names) - set(labelled))
    if lacking or extra:
        parts = [f"no embedding for {_some(lacking)} of {labels}"] if lacking else []
        parts += [f"no label for {_some(extra)} of {embeddings}"] if extra else []
        raise StudyError(f"{'; '.join(parts)}; names must match one to one")


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
