"""Which rows of an alignment are read, how deep that is, and files that hold alignments."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from rnastudy import analyses, datasets
from rnastudy.datasets.alignments import IDENTITY, diverse_rows
from rnastudy.errors import StudyError
from rnastudy.models.conditions import Condition, at_depth, conditions
from rnastudy.rna import Rna

LETTERS = np.array(list("ACGU-"))


def drawn(rows: int, columns: int, seed: int = 0, changed: float = 0.5) -> list[str]:
    """Rows that differ from the first by up to a share of their columns."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, columns)
    differs = rng.random((rows, columns)) < changed * rng.random((rows, 1))
    cells = np.where(differs, rng.integers(0, 5, (rows, columns)), first)
    cells[0] = first
    return ["".join(LETTERS[row]) for row in cells]


def identity(one: str, other: str) -> float:
    both = [(a, b) for a, b in zip(one, other, strict=True) if a in "ACGU" and b in "ACGU"]
    return sum(a == b for a, b in both) / len(both) if both else 0.0


# The filter


def test_a_shallow_alignment_is_read_whole_repeats_and_all():
    rows = ["GGAC", "GGAC", "GGAC"]
    assert diverse_rows(rows, 3) == tuple(rows)


@pytest.mark.parametrize("limit", [1, 2, 7, 30])
def test_the_rna_itself_comes_first_and_the_limit_holds(limit):
    rows = drawn(60, 40)
    kept = diverse_rows(rows, limit)
    assert kept[0] == rows[0] and 1 <= len(kept) <= limit and set(kept) <= set(rows) and len(set(kept)) == len(kept)


def test_no_kept_row_is_nearly_another_and_none_was_left_for_nothing():
    rows = drawn(80, 40, changed=0.3)
    kept = diverse_rows(rows, 79)
    assert len(kept) < 79
    assert max(identity(one, other) for place, one in enumerate(kept) for other in kept[:place]) <= IDENTITY
    assert all(max(identity(row, one) for one in kept) > IDENTITY for row in set(rows) - set(kept))


def test_each_kept_row_is_the_most_different_one_left():
    rows = drawn(40, 30)
    kept = diverse_rows(rows, 6)
    covering = [row for row in rows if sum(letter in "ACGU" for letter in row) >= 15]
    for place in range(1, 6):
        nearest = {row: max(identity(row, one) for one in kept[:place]) for row in set(covering) - set(kept[:place])}
        assert nearest[kept[place]] == min(nearest.values())


def test_the_order_of_the_file_does_not_matter_and_fewer_rows_are_the_first_of_more():
    rows = drawn(70, 30)
    mixed = [rows[0], *(rows[index] for index in np.random.default_rng(5).permutation(range(1, 70)))]
    assert diverse_rows(mixed, 12) == diverse_rows(rows, 12)
    assert diverse_rows(rows, 12)[:5] == diverse_rows(rows, 5)


def test_a_fragment_comes_after_all_whole_rows():
    rows = ["GGGGAAAACCCC", "GGGGAAAACCUU", "GGUUAAAACCCC", "UU----------"]
    assert diverse_rows(rows, 3) == ("GGGGAAAACCCC", *sorted(rows[1:3]))
    assert diverse_rows(["GGGG", "A---", "GGGG", "A---"], 3) == ("GGGG", "A---")


def test_a_base_that_could_not_be_named_is_neither_equal_nor_different():
    rows = ["GGGGAAAACCCC", "NNGGAAAACCCC", "GGGGAAAAUUUU", "GGGGAAAACCCC"]
    assert diverse_rows(rows, 3) == ("GGGGAAAACCCC", "GGGGAAAAUUUU")


@pytest.mark.parametrize(("rows", "limit"), [(["GC"], 0), ([], 5)])
def test_nothing_to_keep_is_an_error(rows, limit):
    with pytest.raises(StudyError, match="give at least one row and a limit of at least 1"):
        diverse_rows(rows, limit)


# Names of conditions


def test_conditions_are_read_and_taken_off():
    assert conditions("rnamsm@depth16") == ("rnamsm", Condition(depth=16))
    assert conditions("ernierna@prior-off@untrained") == ("ernierna@untrained", Condition(prior_off=True))
    assert conditions("rnakm@/some/where@prior-off") == ("rnakm@/some/where", Condition(prior_off=True))
    assert conditions("a/b@depthless") == ("a/b@depthless", Condition())
    assert at_depth("align-27k", 1) == "align-27k@depth1"


@pytest.mark.parametrize("name", ["a@depth0", "a@depth1@depth2", "a@prior-off@prior-off"])
def test_conditions_that_contradict_are_refused(name):
    with pytest.raises(StudyError, match="give one '@depthN'"):
        conditions(name)


# Depth in tables


def reader(name: str, most: int | None = None) -> analyses.Contender:
    """A contender that reads alignments and marks the same pairs in each."""
    import torch

    def stream(rnas):
        for index, rna in enumerate(rnas):
            maps = torch.zeros(1, len(rna), len(rna))
            for i, j in rna.pairs:
                maps[0, i, j] = maps[0, j, i] = 0.9
            yield SimpleNamespace(index=index, layer=0, maps=maps, scored=True)

    role = "untrained" if name.endswith("@untrained") else "trained"
    return analyses.Contender(name, role, stream, lambda rnas: [], depth=lambda rna: min(len(rna.alignment or "."), most or 99))


def alone(name: str, rows: int = 1) -> Rna:
    sequence = {"a": "GGGGAAAACCCC", "b": "GGGCAAAAGCCC", "c": "GGCCAAAAGGCC", "d": "GCGCAAAAGCGC"}[name]
    return Rna(name, sequence, pairs=((0, 11), (1, 10), (2, 9)), family=name, alignment=(sequence,) * rows if rows > 1 else None)


def dataset(name: str, *rnas: Rna) -> SimpleNamespace:
    return SimpleNamespace(name=name, rnas=rnas)


def test_a_reader_of_alignments_that_gets_none_is_named_depth_1():
    entrants = [reader("align-27k"), reader("align-27k@untrained"), reader("rnamsm@depth4"), analyses.baseline("stem-prior")]
    named = analyses.named_by_depth(entrants, dataset("x", alone("a"), alone("b")))
    assert [one.name for one in named] == ["align-27k@depth1", "align-27k@depth1@untrained", "rnamsm@depth4", "stem-prior"]
    assert [one.role for one in named] == ["trained", "untrained", "trained", "floor"]
    some = analyses.named_by_depth(entrants, dataset("x", alone("a"), alone("b", rows=3)))
    assert [one.name for one in some] == [one.name for one in entrants]


def test_tables_say_how_many_rows_were_given_and_read():
    sets = dataset("select", alone("a", 3), alone("b", 5)), dataset("test", alone("c", 9), alone("d", 2))
    study = analyses.structure([reader("rnamsm", most=4), analyses.baseline("stem-prior")], *sets, n_draws=10, progress=False)
    rows = study.per_rna[(study.per_rna.model == "rnamsm") & (study.per_rna.protocol == "review")].set_index("rna")
    assert rows["rows"].to_dict() == {"c": 9, "d": 2} and rows.depth.to_dict() == {"c": 4, "d": 2}
    assert study.value("rnamsm").depth == 3
    assert study.per_rna[study.per_rna.model == "stem-prior"].depth.isna().all() and np.isnan(study.value("stem-prior").depth)


# Files


def write(folder, **files: str):
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


A3M = ">q some words\nGGGT-AAACCC\n>h\nGGGUacgUAA-CC.C\n>k\nGRGU*-AAACCC\n"


def test_an_a3m_is_cleaned_as_the_original_cleans_it(tmp_path):
    (rna,) = datasets.load(write(tmp_path, my_a3m=A3M) / "my.a3m")
    assert rna.sequence == "GGGUAAACCC" and rna.alignment == ("GGGUAAACCC", "GGGUAA-CCC", "GNGUAAACCC") and rna.pairs is None


def test_the_structure_of_an_a3m_stands_in_it_or_beside_it(tmp_path):
    inside = ">ss_cons\n(((.....)))\n"
    (within,) = datasets.load(write(tmp_path, in_a3m=inside + A3M) / "in.a3m")
    write(tmp_path, my_a3m=A3M, my_dbn=">any\nGGGUAAACCC\n(((....)))\n")
    (beside,) = datasets.load(tmp_path / "my.a3m")
    assert within.pairs == beside.pairs == ((0, 9), (1, 8), (2, 7))


def test_a_folder_of_alignments_and_their_structures_is_one_set(tmp_path):
    write(tmp_path, a_a3m=A3M, a_dbn=">any\nGGGUAAACCC\n(((....)))\n", b_a3m=A3M.replace("q", "p"))
    found = datasets.load(tmp_path)
    assert [rna.name for rna in found] == ["q", "p"] and [rna.pairs is None for rna in found] == [False, True]
    assert found.sha256 != datasets.load(tmp_path / "a.a3m").sha256


def test_a_structure_of_another_rna_is_refused(tmp_path):
    write(tmp_path, my_a3m=A3M, my_dbn=">any\nGGGUAAACCA\n(((....)))\n")
    with pytest.raises(StudyError, match="the sequence is not that of 'q'"):
        datasets.load(tmp_path / "my.a3m")


def test_a_structure_that_does_not_fit_the_columns_is_refused(tmp_path):
    with pytest.raises(StudyError, match="'ss_cons' has 3 columns, the first row 11"):
        datasets.load(write(tmp_path, my_a3m=">ss_cons\n(.)\n" + A3M) / "my.a3m")
    with pytest.raises(StudyError, match="0 rows and 1 records named ss_cons"):
        datasets.load(write(tmp_path, my_a3m=">ss_cons\n(.)\n") / "my.a3m")


def test_a_stockholm_file_of_ones_own_is_rows_or_alignments(tmp_path):
    text = "# STOCKHOLM 1.0\n#=GF AC RF1\nx GA-C\ny GAAC\n#=GC SS_cons <..>\n//\n"
    path = write(tmp_path, my_sto=text) / "my.sto"
    assert [(rna.name, rna.alignment) for rna in datasets.load(path)] == [("RF1/x", None), ("RF1/y", None)]
    (rna,) = datasets.load(path, alignments=True)
    assert rna.name == "RF1" and rna.alignment == ("GAAC", "GA-C") and rna.pairs == ((0, 3),)


def test_the_sentence_on_an_alignment_model_given_by_path_finds_its_row(tmp_path):
    import pandas as pd

    rows = {"model": ["mine", "mine@untrained"], "role": ["trained", "untrained"], "n": [4, 4], "value": [0.5, 0.1], "low": [0.4, 0.0], "high": [0.6, 0.2]}
    study = SimpleNamespace(table=lambda setting: pd.DataFrame(rows))
    (tmp_path / "mine").mkdir()
    said = analyses.alignments_sentence(study, str(tmp_path / "mine"))
    assert said == "On 4 alignments mine has a mean F1 of 0.50 (95 % interval 0.40 to 0.60), its untrained twin 0.10."
