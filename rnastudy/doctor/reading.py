"""Does the model read every base, as itself, at its place?"""

from __future__ import annotations

from typing import Any

from rnastudy.datasets import normalise
from rnastudy.doctor.natives import LETTERS, scored, some
from rnastudy.doctor.records import FAIL, NOT_RUN, PASS, Check
from rnastudy.errors import StudyError
from rnastudy.models.probe import Probe
from rnastudy.models.proteins import PROTEIN
from rnastudy.protein import AMINO_ACIDS
from rnastudy.rna import Rna
from rnastudy.tokens import Tokens, check_spans

__all__ = ["alphabet", "spans_cover", "spans_in_place"]

#: RNAs of the checks of spans, and bases of each that are altered.
READ, ALTERED = 4, 12


def alphabet(probe: Probe) -> Check:
    """Count unknown tokens in real RNAs, spelled with U and with T; the two must be read alike.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, limit = "alphabet", "A, C, G and U are four tokens, none unknown; U and T are read alike"
    if probe.reader.alphabet == PROTEIN:
        return Check(name, NOT_RUN, limit=limit, reason="a protein model: its letters are not bases")
    unknown = unequal = read = 0
    pieces = probe.reader.pieces()
    for rna in scored():
        tokens = probe.reader.read(rna.sequence)
        unknown += sum(number not in pieces for number, span in zip(tokens.rows[0], tokens.spans, strict=True) if span is not None)
        unequal += probe.reader.read(normalise(rna.sequence.replace("U", "T"))).rows != tokens.rows
        read += len(tokens)
    letters = set("".join(pieces.values()))
    measured = (
        f"letters {', '.join(sorted(letters))}; {unknown} unknown of {read:,} tokens; {unequal} of {len(scored())} RNAs read otherwise when spelled with T"
    )
    return Check(name, FAIL if unknown or unequal or letters != set(LETTERS) else PASS, measured, limit)


def spans_cover(probe: Probe) -> Check:
    """Make sure that the spans of the tokens cover every base, and that each token's letters are those of its span.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    name, limit = "spans", "every base covered once, or as windows; every token says the bases of its span"
    protein, kinds, wrong = probe.reader.alphabet == PROTEIN, set(), 0
    pieces = {} if protein else probe.reader.pieces()
    try:
        for rna in some(len(scored()), probe.reader.alphabet):
            tokens = probe.reader.read(rna.sequence)
            kinds.add(check_spans(tokens.spans, len(rna)))
            wrong += sum(
                pieces.get(number) != rna.sequence[slice(*span)] for number, span in zip(tokens.rows[0], tokens.spans, strict=True) if span and not protein
            )
    except StudyError as error:
        return Check(name, FAIL, str(error), limit)
    return Check(name, FAIL if wrong else PASS, f"{', '.join(sorted(kinds))}; {wrong} tokens that say other bases", limit)


def spans_in_place(probe: Probe) -> Check:
    """Alter one base: only the tokens over it may change, and only the bases they cover may change at the embedding.

    A span that is off by one shows here, though the spans still cover the sequence. Tokens of a vocabulary that cuts
    by what it reads (byte pairs) may be cut otherwise after the change; then only the embedding outside the tokens
    that were cut anew is looked at.

    Parameters
    ----------
    probe : Probe
        Any model.

    Returns
    -------
    Check
    """
    wrong = looked = 0
    for rna in some(READ, probe.reader.alphabet):
        spans = probe.reader.read(rna.sequence)
        before = next(iter(probe.hidden([rna], layers="all"))).bases[0]
        bases = range(0, len(rna), max(1, len(rna) // ALTERED))
        changed = [_altered(rna, base) for base in bases]
        states = {one.index: one.bases[0] for one in probe.hidden(changed, layers="all")}
        for index, (base, other) in enumerate(zip(bases, changed, strict=True)):
            moved = {place for place, change in enumerate((states[index] - before).abs().amax(-1).tolist()) if change > 1e-6}
            wrong += not _fits(spans, probe.reader.read(other.sequence), base, moved)
            looked += 1
    limit = "exactly the tokens over the base, and no other base at the embedding"
    return Check("one base altered", FAIL if wrong else PASS, f"{wrong} of {looked} alterations change something else", limit)


def _altered(rna: Any, base: int) -> Any:
    """Put the next letter of A, C, G, U, or the next amino acid, in the place of one."""
    letters = LETTERS if isinstance(rna, Rna) else AMINO_ACIDS
    letter = letters[(letters.index(rna.sequence[base]) + 1) % len(letters)]
    return type(rna)(f"{rna.name} altered at {base}", rna.sequence[:base] + letter + rna.sequence[base + 1 :])


def _fits(before: Tokens, after: Tokens, base: int, moved: set[int]) -> bool:
    """Say whether what changed is what covers the base: in the tokens if they are cut alike, and at the embedding."""
    old, new = ([(span, number) for number, span in zip(one.rows[0], one.spans, strict=True)] for one in (before, after))
    gone = [span for span, number in old if (span, number) not in new]
    if None in gone or not gone:
        return False
    allowed = {place for span in (*gone, *(span for span, number in new if (span, number) not in old)) if span for place in range(*span)}
    if before.spans == after.spans:
        over = [span for span in before.spans if span is not None and span[0] <= base < span[1]]
        return gone == over and base in moved and moved <= allowed
    return base in allowed and base in moved and moved <= allowed
