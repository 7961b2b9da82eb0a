"""All checks of one model, in order, with their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rnastudy.doctor import masked, reading, running, weights
from rnastudy.doctor.records import FAIL, NOT_RUN, PASS, Certificate, Check, stored
from rnastudy.errors import StudyError, unknown
from rnastudy.models import ModelCard, availability, cards, load
from rnastudy.models.adapters import adapter, adapter_names
from rnastudy.models.conditions import shown_name, split_name
from rnastudy.models.loading import DTYPES
from rnastudy.models.probe import Probe

__all__ = ["CHECKS", "certificate", "examine"]

#: Checks in order: what is cheap and without which the next would mislead comes first.
CHECKS: tuple[Callable[[Probe], Check], ...] = (
    weights.keys_matched,
    weights.parameters,
    weights.sizes,
    weights.finite_weights,
    weights.settings,
    reading.alphabet,
    reading.spans_cover,
    reading.spans_in_place,
    running.attention_rows,
    running.twice,
    running.padding_hidden,
    running.batch,
    running.lengths,
    masked.masked_accuracy,
    masked.letters_in_place,
    masked.norms_in_place,
    masked.t_or_u,
)
PACKAGES = ("rnastudy", "torch", "transformers", "multimolecule")
#: Share by which the sizes of states may differ from those of the stored certificate of the same weights.
SAME = 1e-5


def certificate(name_or_path: str | Path, *, device: str = "cpu", dtype: str = "float32", fetch: bool = False) -> Certificate:
    """Load a model and examine it.

    Parameters
    ----------
    name_or_path : str or Path
        As for `rnastudy.models.load`.
    device, dtype : str
        As for `rnastudy.models.load`.
    fetch : bool
        Fetch the weights of a card if they are not here; otherwise the certificate says what is lacking.

    Returns
    -------
    Certificate
        ``not run`` if something is lacking; ``fail`` if the checkpoint is refused as it is loaded.

    Raises
    ------
    StudyError
        If there is no such model, device or dtype.

    Examples
    --------
    >>> certificate("rnafn")
    Traceback (most recent call last):
    ...
    rnastudy.errors.StudyError: unknown model 'rnafn'; did you mean rnafm, ...
    """
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    name, suffix, untrained = split_name(str(name_or_path))
    card = cards().get(name)
    lacks = availability(card, device).lacks if card is not None and not (suffix or untrained or fetch) else ()
    blank = _blank(str(name_or_path), card, device, dtype)
    if lacks:
        return replace(blank, lacks=lacks)
    begun = time.perf_counter()
    try:
        probe = load(name_or_path, device=device, dtype=dtype)
    except StudyError as error:
        if card is None and not Path(name).is_dir():
            raise
        refused = str(error).replace(str(name_or_path), blank.model)
        return replace(blank, checks=(Check("keys", FAIL, f"refused as it was loaded: {refused}", seconds=round(time.perf_counter() - begun, 2)),))
    return examine(probe)


def _blank(name: str, card: ModelCard | None, device: str, dtype: str) -> Certificate:
    """A certificate without checks; of a path only the last part is named."""
    return Certificate(
        Path(shown_name(name)).name,
        key_map=_key_map(card),
        revision=card.revision if card else None,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        device=device,
        dtype=dtype,
        versions=_versions(),
    )


def _key_map(card: ModelCard | None) -> str | None:
    """Say where the names of the tensors come from."""
    if card is None or card.loader == "none":
        return None
    if card.loader in adapter_names():
        return adapter(card.loader).read_from
    return "this package's own names" if card.loader == "embedded" else f"names of {card.loader} {_versions().get(card.loader, '')}".rstrip()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except ModuleNotFoundError:
            continue
    return found


def examine(probe: Probe) -> Certificate:
    """Examine a model that is loaded; nothing of it is changed.

    Parameters
    ----------
    probe : Probe
        As `rnastudy.models.load` gives it.

    Returns
    -------
    Certificate
    """
    checks = [_timed(check, probe) for check in CHECKS]
    failed = any(check.state == FAIL for check in checks)
    states = () if failed else running.states_of(probe)
    dtype = str(next(probe.network.parameters()).dtype).removeprefix("torch.")
    made = replace(_blank(probe.name, probe.card, str(probe.device), dtype), weights_sha256=probe.weights_sha256, revision=probe.revision, states=states)
    return replace(made, checks=(*checks, _as_before(made, failed)))


def _timed(check: Callable[[Probe], Check], probe: Probe) -> Check:
    begun = time.perf_counter()
    try:
        found = check(probe)
    except StudyError as error:
        found = Check(check.__name__.replace("_", " "), FAIL, str(error))
    return replace(found, seconds=round(time.perf_counter() - begun, 2))


def _as_before(made: Certificate, failed: bool) -> Check:
    """Hold the states against the stored certificate of the same weights, which says how they came out when all was well."""
    name, limit = "states as certified", f"within {SAME:g} of the stored certificate of the same weights, layer by layer"
    before = stored().get(made.model)
    if failed or before is None or not before.states:
        return Check(name, NOT_RUN, limit=limit, reason="another check failed" if failed else "there is no stored certificate")
    if before.weights_sha256 != made.weights_sha256 or before.dtype != made.dtype:
        return Check(name, NOT_RUN, limit=limit, reason="the stored certificate is of other weights or another precision")
    differences = [abs(one - other) / other for one, other in zip(made.states, before.states, strict=True)]
    worst = max(differences)
    return Check(name, PASS if worst <= SAME else FAIL, f"{worst:.1e} at layer {differences.index(worst)}", limit)
