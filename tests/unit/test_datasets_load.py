"""Loading by name and by path: cards, counts, limits, and names that are not known."""

import hashlib
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace

import pytest
import yaml

from rnastudy import datasets
from rnastudy.datasets import loading
from rnastudy.datasets.cards import read_cards
from rnastudy.datasets.fetching import _EMBEDDED
from rnastudy.datasets.readers import READERS
from rnastudy.errors import StudyError

ENTRY = {
    "name": "a",
    "title": "A",
    "tasks": ["structure"],
    "role": "test",
    "origin": "public",
    "kind": "natural",
    "reader": "dotbracket",
    "files": [{"path": "a.dbn", "sha256": "0" * 64, "size": 1}],
    "licence": "CC0",
    "source": "here",
}
CONTENT = ">x\nGGGAAACCC\n(((...)))\n>y\nGGGGAAAACCCC\n((((....))))\n>z\nGAAAC\n.....\n"


def test_every_card_is_whole():
    for card in datasets.cards().values():
        assert card.reader in {*READERS, "table"}
        assert card.citation and card.licence and card.source.startswith("http")
        for file in card.files:
            if card.origin == "embedded":
                assert file.sha256 and file.size
            else:
                assert file.local and (file.url or "local folder" in card.notes)
            assert file.sha256 is None or (len(file.sha256) == 64 and file.size)


def test_pinned_addresses_hold_a_full_commit():
    for card in datasets.cards().values():
        for file in card.files:
            if file.url and "raw.githubusercontent.com" in file.url:
                assert len(file.url.split("/")[5]) == 40


@pytest.mark.parametrize("name", [card.name for card in datasets.cards().values() if card.origin == "embedded"])
def test_embedded_sets_load_with_the_counts_of_their_card(name):
    card = datasets.card(name)
    assert datasets.missing_files(card) == [], f"{_EMBEDDED} lacks files"
    if card.reader == "table":
        assert datasets.table(name)
        return
    found = datasets.load(name)
    assert found.natural == (card.kind == "natural") and len({rna.name for rna in found}) == len(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "exam"}, "unknown role 'exam'"),
        ({"tasks": ["folding"]}, "unknown task 'folding'"),
        ({"counts": {"rna": 3}}, "unknown count 'rna'; did you mean rnas"),
        ({"licens": "CC0"}, "unknown key 'licens'; did you mean licence"),
        ({"files": [{"path": "a", "sha": "x"}]}, "unknown key of a file 'sha'"),
    ],
)
def test_cards_with_mistakes(change, message):
    with pytest.raises(StudyError, match=message):
        read_cards(yaml.safe_dump([ENTRY | change]))


def test_cards_missing_a_key_or_written_twice():
    with pytest.raises(StudyError, match="'a': no licence"):
        read_cards(yaml.safe_dump([{key: value for key, value in ENTRY.items() if key != "licence"}]))
    with pytest.raises(StudyError, match="'a' is written twice"):
        read_cards(yaml.safe_dump([ENTRY, ENTRY]))


@pytest.fixture
def known(tmp_path, monkeypatch):
    """A data set known by name, in a local folder."""
    (tmp_path / "a.dbn").write_text(CONTENT)
    monkeypatch.setenv("RNASTUDY_DATA", str(tmp_path))
    monkeypatch.setenv("RNASTUDY_CACHE", str(tmp_path / "cache"))
    file = {"path": "a.dbn", "sha256": hashlib.sha256(CONTENT.encode()).hexdigest(), "size": len(CONTENT), "local": "a.dbn"}
    cards = read_cards(yaml.safe_dump([ENTRY | {"files": [file], "counts": {"rnas": 3, "without_pairs": 1}}]))
    monkeypatch.setattr(loading, "cards", lambda: cards)
    monkeypatch.setattr(loading, "card", lambda name: cards[name])
    return cards


def test_load_by_name(known):
    found = datasets.load("a")
    assert [rna.name for rna in found] == ["x", "y", "z"] and found.card is known["a"]
    assert found.sha256 == known["a"].files[0].sha256
    assert found.counts == {
        "rnas": 3,
        "bases": 26,
        "pairs": 7,
        "structures": 3,
        "without_pairs": 1,
        "families": 0,
        "clans": 0,
        "rows": 0,
        "distinct_sequences": 3,
    }


def test_counts_that_are_not_those_of_the_card(known):
    """Pitfall: shipped data differ from the described."""
    known["a"] = replace(known["a"], counts={"rnas": 4})
    with pytest.raises(StudyError, match="'a': 3 rnas where the card says 4"):
        datasets.load("a")


def test_what_the_card_keeps_is_counted(known):
    known["a"] = replace(known["a"], counts={}, options={"keep": {"min_bases": 6, "min_pairs": 1}})
    found = datasets.load("a")
    assert len(found) == 2 and found.report.left_out == {"with fewer than 6 bases": 1}
    known["a"] = replace(known["a"], options={"keep": {"min_pairs": 1}})
    assert datasets.load("a").report.left_out == {"with fewer than 1 pairs": 1}


def test_drawn_sets_are_not_natural(known):
    known["a"] = replace(known["a"], kind="drawn")
    assert not datasets.load("a").natural


def test_a_member_of_an_archive_whose_names_were_not_known(known, tmp_path):
    """The review's record: one archive, a member found by pattern, its format by its own name."""
    with zipfile.ZipFile(tmp_path / "record.zip", "w") as archive:
        archive.writestr("structures/VL_40.dbn", CONTENT)
        archive.writestr("structures/TS_70.csv", "name,sequence\nq,ACGU\n")
    files = (datasets.DataFile("record.zip", None, None, "http://127.0.0.1:9/none", "record.zip"),)
    known["a"] = replace(known["a"], reader="archive_member", options={"member": "*VL*40*"}, files=files)
    assert [rna.name for rna in datasets.load("a")] == ["x", "y", "z"]
    known["a"] = replace(known["a"], options={"member": "*rfam*"}, counts={})
    with pytest.raises(StudyError, match=r"0 members fit '\*rfam\*'.*it holds structures/VL_40\.dbn, structures/TS_70\.csv"):
        datasets.load("a")


def test_a_subset_named_by_a_second_file(known, tmp_path):
    (tmp_path / "split.csv").write_text("id,part\nx,train\ny,test\nz,test\n")
    files = (*known["a"].files, datasets.DataFile("split.csv", None, None, None, "split.csv"))
    subset = {"file": "split.csv", "name": "id", "where": {"part": "test"}}
    known["a"] = replace(known["a"], files=files, counts={"rnas": 2}, options={"subset_by": subset})
    assert [rna.name for rna in datasets.load("a")] == ["y", "z"]


def test_rows_of_a_table_by_their_cells(known, tmp_path):
    content = "name,sequence,structure,split\nx,GAAAC,(...),train\ny,CAAAG,(...),heldout\n"
    (tmp_path / "a.csv").write_text(content)
    files = (datasets.DataFile("a.csv", hashlib.sha256(content.encode()).hexdigest(), len(content), None, "a.csv"),)
    known["a"] = replace(known["a"], files=files, reader="csv", options={"where": {"split": "heldout"}}, counts={"rnas": 1})
    assert [rna.name for rna in datasets.load("a")] == ["y"]
    known["a"] = replace(known["a"], options={"where": {"part": "heldout"}})
    with pytest.raises(StudyError, match=r"a\.csv, line 1: no column 'part' among name, sequence, structure, split"):
        datasets.load("a")


def test_tables_and_maps_are_not_rnas(known):
    known["a"] = replace(known["a"], reader="table")
    with pytest.raises(StudyError, match="holds tables, not RNAs"):
        datasets.load("a")
    with pytest.raises(StudyError, match="holds no attention maps"):
        datasets.maps("a")


def test_limits_are_seeded_ordered_and_counted(tmp_path):
    path = tmp_path / "many.fa"
    path.write_text("".join(f">r{i}\n{'A' * (i + 1)}\n" for i in range(50)))
    some = datasets.load(path, limit=10, max_bases=40, seed=1)
    names = [rna.name for rna in some]
    assert names == sorted(names, key=lambda name: int(name[1:])) and len(names) == 10
    assert names == [rna.name for rna in datasets.load(path, limit=10, max_bases=40, seed=1)]
    assert names != [rna.name for rna in datasets.load(path, limit=10, max_bases=40, seed=2)]
    assert Counter(some.report.left_out.values()) == Counter([10, 30])
    assert len(datasets.load(path, limit=99)) == 50
    with pytest.raises(StudyError, match="limit=0"):
        datasets.load(path, limit=0)
    with pytest.raises(StudyError, match="raise max_bases"):
        datasets.load(write_one(tmp_path), max_bases=3)


def write_one(folder):
    path = folder / "one.fa"
    path.write_text(">x\nACGU\n")
    return path


def test_families_by_position(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("name,sequence,family\na,A,x\nb,A,\nc,A,y\nd,A,x\n")
    assert datasets.load(path).families == {"x": (0, 3), "y": (2,)}


def test_unknown_names_list_the_nearest():
    with pytest.raises(StudyError, match="unknown data set 'archiveI'; did you mean archiveii"):
        datasets.load("archiveI")
    with pytest.raises(StudyError, match=r"no such file: nowhere/x\.fa"):
        datasets.load("nowhere/x.fa")
    with pytest.raises(StudyError, match="unknown file of data set 'archiveii' 'x.csv'"):
        datasets.table("archiveii", "x.csv")


def test_a_name_is_never_shadowed_by_a_file(tmp_path, monkeypatch, known):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text(">other\nACGU\n")
    assert datasets.load("a").card is not None
    assert datasets.load("./a").rnas[0].name == "other"


def test_a_folder_of_bpseq(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.bpseq").write_text("1 G 2\n2 C 1\n")
    assert [rna.name for rna in datasets.load(tmp_path)] == ["a", "b"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="an empty folder"):
        datasets.load(tmp_path / "empty")


def test_import_is_light():
    program = "import rnastudy.datasets, sys; print([m for m in ('torch', 'pandas', 'numpy', 'requests', 'pooch', 'tqdm') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"
