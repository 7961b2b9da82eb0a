"""The one normalisation rule, with its counts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnastudy.datasets import normalise
from rnastudy.datasets.normalise import NormalisationReport, normalise_letters, normalise_record
from rnastudy.datasets.records import Record
from rnastudy.errors import StudyError


@pytest.mark.parametrize(
    ("letters", "bases", "counts"),
    [
        ("ACGUN", "ACGUN", {}),
        ("ACGT", "ACGU", {"t_to_u": 1}),
        ("acgt", "ACGU", {"lower_case": 4, "t_to_u": 1}),
        ("GPI", "GUA", {"modified": 2}),
        ("RYSWKMBDHVX", "NNNNNNNNNNN", {"ambiguous": 11}),
        ("Ψp", "UU", {"modified": 2, "lower_case": 1}),
    ],
)
def test_each_kind_of_letter(letters, bases, counts):
    found = Counter()
    assert normalise_letters(letters, found, "here") == bases
    assert found == counts


@pytest.mark.parametrize("letter", ["J", "*", "?", "&", "5", "O"])
def test_any_other_letter_is_an_error_with_its_position(letter):
    with pytest.raises(StudyError, match=r"x\.fa, line 3.*position 3"):
        normalise_record(Record("a", f"AC{letter}", "x.fa, line 3"), Counter())


def test_modified_and_mixed_alphabets_leave_no_unknown():
    """Pitfalls: modified bases as unknown tokens; U and T mixed."""
    assert "N" not in normalise("GCGGAUUTAgctcPPT")


def test_gaps_are_removed_and_pairs_follow():
    counts = Counter()
    rna = normalise_record(Record("a", "G-G.AAA~CC_", "here", pairs=[(0, 9), (2, 8), (1, 4)]), counts)
    assert rna.sequence == "GGAAACC"
    assert rna.pairs == ((0, 6), (1, 5))
    assert counts["gaps"] == 4 and counts["pairs_lost"] == 1


def test_pairs_are_ordered_once_each_and_multiplets_kept():
    rna = normalise_record(Record("a", "GACGU", "here", pairs=[(4, 0), (0, 4), (2, 0)]), Counter())
    assert rna.pairs == ((0, 2), (0, 4))


@pytest.mark.parametrize("pair", [(1, 1), (0, 9), (-1, 2)])
def test_pairs_that_cannot_be(pair):
    with pytest.raises(StudyError, match="here.*'a' pairs position"):
        normalise_record(Record("a", "GAC", "here", pairs=[pair]), Counter())


def test_no_structure_is_not_an_empty_structure():
    assert normalise_record(Record("a", "GAC", "here"), Counter()).pairs is None
    assert normalise_record(Record("a", "GAC", "here", pairs=[]), Counter()).pairs == ()


def test_alignment_takes_the_columns_of_its_first_row():
    counts = Counter()
    rna = normalise_record(Record("a", "g-AC", "here", rows=["g-AC", "GU-t", "-U--"]), counts)
    assert rna.alignment == ("GAC", "G-U")
    assert counts["empty_rows"] == 1 and counts["t_to_u"] == 1


def test_an_rna_of_gaps_only():
    with pytest.raises(StudyError, match="no bases"):
        normalise_record(Record("a", "---", "here"), Counter())


def test_report_reads_as_a_sentence():
    report = NormalisationReport(2, 9, {"t_to_u": 3}, {"with fewer than 5 bases": 1})
    assert str(report) == "2 RNAs, 9 bases: 3 t_to_u; left out: 1 with fewer than 5 bases"


@given(st.text("ACGUTacgutRYNnPI-.", min_size=1), st.data())
def test_pairs_keep_their_letters(letters, data):
    """Property: what a pair held before, it holds after, but for the letters that the rule changes."""
    positions = st.integers(0, len(letters) - 1)
    pairs = data.draw(st.lists(st.tuples(positions, positions).filter(lambda p: p[0] < p[1]), unique=True, max_size=6))
    if not letters.strip("-."):
        return
    counts = Counter()
    rna = normalise_record(Record("a", letters, "here", pairs=list(pairs)), counts)
    whole = [p for p in sorted(pairs) if letters[p[0]] not in "-." and letters[p[1]] not in "-."]
    assert [(rna.sequence[i], rna.sequence[j]) for i, j in rna.pairs] == [(normalise(letters[i]), normalise(letters[j])) for i, j in whole]
    assert counts["pairs_lost"] == len(pairs) - len(whole)
    assert normalise(rna.sequence) == rna.sequence
