"""Can the model name hidden bases, and does it do so best as it was loaded?

The first check holds its accuracy against guesses that need no model. The others change one thing that a wrong
loading gets wrong, two letters or two norms, and look whether the hidden bases become likelier: if they do, the
change has mended something.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from rnastudy.doctor.natives import LETTERS, baselines, numbers, scored
from rnastudy.doctor.norms import exchanged, norm_pairs
from rnastudy.doctor.records import FAIL, NOT_RUN, PASS, Check
from rnastudy.errors import StudyError
from rnastudy.models.kmers import KmerReader
from rnastudy.models.probe import Probe
from rnastudy.models.proteins import PROTEIN, ProteinReader
from rnastudy.models.readers import HubReader, LetterReader
from rnastudy.rna import Rna
from rnastudy.statistics import Interval, bootstrap
from rnastudy.statistics.resampling import weighted_means
from rnastudy.tokens import check_spans

__all__ = ["letters_in_place", "masked_accuracy", "norms_in_place", "t_or_u"]

#: Share of an RNA's tokens that are hidden at a time.
HIDDEN = 0.15
#: Floating-point operations a check may take on a CPU (a few minutes on one core), and on a GPU.
BUDGET = {"cpu": 5e12, "cuda": 1e15}
#: Fewest RNAs of a check, and RNAs for the checks that compare.
FEWEST, COMPARED = 12, 60
#: Least gain of an exchange that counts, in nats a base.
LEAST = 0.002


@dataclass(frozen=True, slots=True)
class Named:
    """What a model said of the hidden bases of one RNA: whether it was right, and its loss (in nats), K of each."""

    rna: Rna
    bases: tuple[int, ...]
    right: NDArray[np.bool_]
    loss: NDArray[np.float64]


def _why_not(probe: Probe) -> str | None:
    """Say why hidden bases are not asked of a model."""
    if probe.no_logits:
        return probe.no_logits
    if probe.reader.mask is None:
        return "its vocabulary has no mask token"
    if probe.reader.alphabet == PROTEIN:
        return "a protein model: its letters are not bases"
    return None


def _folds(probe: Probe, rna: Rna, count: int) -> list[list[int]]:
    """Divide the bases of an RNA into sets that are hidden together; `count` of them are used.

    Whole tokens are hidden. Where k tokens overlap at a base, hiding one base hides k tokens, so that fewer bases
    are hidden at a time.
    """
    spans = [span for span in probe.reader.read(rna.sequence).spans if span is not None]
    kind = check_spans(spans, len(rna))
    units = [list(range(*span)) for span in spans] if kind == "blocks" else [[base] for base in range(len(rna))]
    width = spans[0][1] - spans[0][0] if kind == "windows" else 1
    sets = min(round(width / HIDDEN), len(units))
    order = np.random.default_rng(len(rna)).permutation(len(units))
    return [sorted(base for unit in order[start::sets] for base in units[unit]) for start in range(min(count, sets))]


def _ask(probe: Probe, rnas: Sequence[Rna], count: int, spelled: Callable[[str], str] = str) -> list[Named]:
    """Hide `count` sets of bases of each RNA; `spelled` changes the letters before the model reads them."""
    asked = [(rna, fold) for rna in rnas for fold in _folds(probe, rna, count)]
    shown = [rna.with_(name=f"{rna.name} {place}", sequence=spelled(rna.sequence), alignment=None) for place, (rna, _) in enumerate(asked)]
    found: dict[str, list[Named]] = {rna.name: [] for rna in rnas}
    for index, scores in probe.masked_logits(shown, [fold for _, fold in asked]):
        rna, fold = asked[index]
        truth = torch.from_numpy(numbers(shown[index].sequence)[fold])
        loss = -scores.double().log_softmax(-1)[torch.arange(len(fold)), truth]
        found[rna.name].append(Named(rna, tuple(fold), (scores.argmax(-1) == truth).numpy(), loss.numpy()))
    return [_joined(parts) for parts in found.values()]


def _joined(parts: Sequence[Named]) -> Named:
    bases = tuple(base for part in parts for base in part.bases)
    return Named(parts[0].rna, bases, np.concatenate([part.right for part in parts]), np.concatenate([part.loss for part in parts]))


def _affordable(probe: Probe, most: int, passes: int) -> tuple[Rna, ...]:
    """As many RNAs as the budget allows for so many forward passes of each."""
    long = set(probe.skipped(scored()))
    cost = 2.0 * probe.n_parameters * (probe.padding.to or 75) * passes
    count = max(FEWEST, min(most, int(BUDGET[probe.device.type] / cost)))
    return tuple(rna for index, rna in enumerate(scored()) if index not in long)[:count]


def _interval(values: Sequence[float] | NDArray[np.float64], clusters: Sequence[Hashable | None] | None = None) -> Interval:
    """Mean over RNAs, with an interval from resampled RNAs, or from resampled clusters of them."""
    return bootstrap(lambda weights: weighted_means(values, weights), clusters or [None] * len(values))


def masked_accuracy(probe: Probe) -> Check:
    """Compare the accuracy at hidden bases of real RNAs with the better of two guesses.

    Every base is hidden once, 15 % of the tokens at a time. The guesses, the commonest letter and the commonest at
    that position, are counted on other RNAs. The check is passed if the interval of the difference (mean over RNAs,
    RNAs resampled) lies above zero: whether these RNAs are named better is what tells a right loading from a wrong
    one. Whether RNAs of any family would be is another question; the interval under resampled families is given beside.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, limit = "masked-token accuracy", "the 95 % interval of the gain lies above 0"
    reason = _why_not(probe)
    if reason:
        return Check(name, NOT_RUN, limit=limit, reason=reason)
    named = _ask(probe, _affordable(probe, len(scored()), 7), 7)
    right = np.array([one.right.mean() for one in named])
    guesses = {kind: np.array([baselines(one.rna, one.bases)[kind].mean() for one in named]) for kind in ("unigram", "position")}
    kind = max(guesses, key=lambda guess: guesses[guess].mean())
    gain = _interval(right - guesses[kind])
    wide = _interval(right - guesses[kind], [one.rna.family for one in named])
    measured = (
        f"{right.mean():.3f} over A, C, G, U against {guesses[kind].mean():.3f} ({kind}); gain {gain.value:.4f} ({gain.low:.4f} to {gain.high:.4f}; "
        f"under resampled families {wide.low:.4f} to {wide.high:.4f}), {len(named)} natural RNAs, {sum(len(one.bases) for one in named):,} bases"
    )
    return Check(name, PASS if gain.low > 0 else FAIL, measured, limit)


def _exchanged(one: str, other: str) -> Callable[[str], str]:
    table = str.maketrans(one + other, other + one)
    return lambda sequence: sequence.translate(table)


def _gains(before: Sequence[Named], after: Sequence[Named]) -> Interval:
    """How much likelier hidden bases become, in nats a base."""
    return _interval([old.loss.mean() - new.loss.mean() for old, new in zip(before, after, strict=True)])


def letters_in_place(probe: Probe) -> Check:
    """Exchange two letters in what the model reads, each pair in turn: no exchange may make hidden bases likelier.

    A table of letters with two rows exchanged (U read as C, T as U) becomes right by the same exchange.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, limit = "letters in their places", f"no exchange of two letters makes hidden bases likelier by {LEAST} nats or more"
    reason = _why_not(probe)
    if reason:
        return Check(name, NOT_RUN, limit=limit, reason=reason)
    rnas = _affordable(probe, COMPARED, 7)
    before = _ask(probe, rnas, 1)
    gains = {f"{one} and {other}": _gains(before, _ask(probe, rnas, 1, _exchanged(one, other))) for one, other in combinations(LETTERS, 2)}
    return _compared(name, limit, gains, len(rnas))


def _compared(name: str, limit: str, gains: dict[str, Interval], count: int) -> Check:
    best = max(gains, key=lambda pair: gains[pair].low)
    gain = gains[best]
    measured = f"{len(gains)} exchanges on {count} RNAs; nearest {best}: {gain.value:+.4f} nats a base ({gain.low:+.4f} to {gain.high:+.4f})"
    return Check(name, FAIL if gain.low > LEAST else PASS, measured, limit)


def norms_in_place(probe: Probe) -> Check:
    """Exchange the weights of two norms, pair by pair: no exchange may make hidden bases likelier.

    Parameters
    ----------
    probe : Probe
        Any model; its weights are put back.

    Returns
    -------
    Check
    """
    name, limit = "norms in their places", f"no exchange of two norms makes hidden bases likelier by {LEAST} nats or more"
    pairs = norm_pairs(probe.network)
    reason = _why_not(probe) or (None if pairs else "it has no two norms of one size")
    if reason:
        return Check(name, NOT_RUN, limit=limit, reason=reason)
    rnas = _affordable(probe, COMPARED, len(pairs) + 1)
    before, gains = _ask(probe, rnas, 1), {}
    for one, other in pairs:
        with exchanged(probe.network, one, other):
            gains[f"{one} and {other}"] = _gains(before, _ask(probe, rnas, 1))
    return _compared(name, limit, gains, len(rnas))


def other_spelling(reader: LetterReader | HubReader | KmerReader | ProteinReader) -> LetterReader | HubReader | None:
    """Make the reader that writes the other of U and T; ``None`` where the other is no token, or read alike.

    Examples
    --------
    >>> other_spelling(LetterReader({"A": 0, "C": 1, "G": 2, "U": 3, "T": 4, "N": 5}, pad=7)).read("U").rows
    ((4,),)
    """
    other: LetterReader | HubReader
    if isinstance(reader, LetterReader):
        other = copied = copy(reader)
        copied.letters = {**reader.letters, "U": reader.letters.get("T", reader.letters["U"])}
    elif not isinstance(reader, HubReader):
        return None
    else:
        try:
            other = HubReader(reader.tokenizer, alphabet="T" if reader.alphabet == "U" else "U", end=reader.end)
        except StudyError:
            return None
    return None if other.read("ACGUUGCA").rows == reader.read("ACGUUGCA").rows else other


def t_or_u(probe: Probe) -> Check:
    """Read uracil as U and as T where both are tokens: hidden bases must not be likelier in the spelling not chosen.

    Parameters
    ----------
    probe : Probe
        Any model; its reader is put back.

    Returns
    -------
    Check
    """
    name, limit = "T or U", f"hidden bases are not likelier in the other spelling by {LEAST} nats or more"
    reason, own = _why_not(probe), probe.reader
    other = other_spelling(own)
    if reason or other is None:
        return Check(name, NOT_RUN, limit=limit, reason=reason or "only one of U and T is a token")
    rnas = _affordable(probe, COMPARED, 2)
    before = _ask(probe, rnas, 1)
    try:
        probe.reader = other
        after = _ask(probe, rnas, 1)
    finally:
        probe.reader = own
    gain, shares = _gains(before, after), [np.mean([one.right.mean() for one in named]) for named in (before, after)]
    measured = f"accuracy {shares[0]:.3f} as loaded, {shares[1]:.3f} otherwise; {gain.value:+.4f} nats a base ({gain.low:+.4f} to {gain.high:+.4f})"
    return Check(name, FAIL if gain.low > LEAST else PASS, measured, limit)
