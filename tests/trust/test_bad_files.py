"""Files that are not what they say: an error of one line, or a record and a count; never anything else."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnastudy import datasets
from rnastudy.datasets.proteins import proteins
from rnastudy.datasets.readers import READERS, SUFFIXES, read_with
from rnastudy.errors import StudyError
from rnastudy.files import load_array
from rnastudy.overlap.files import read_embeddings, read_labels
from tests.trust.bad_files import ARCHIVES, COUNTED, FILES, PROTEINS
from tests.trust.told import assert_told

FEW = settings(max_examples=60, derandomize=True, deadline=None, database=None)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_rnas_that_is_wrong_is_one_line(tmp_path: Path, kind: str) -> None:
    name, content, said = FILES[kind]
    with pytest.raises(StudyError) as caught:
        datasets.load(put(tmp_path, name, content))
    whole_set = "no RNA in it" in str(caught.value)
    assert_told(str(caught.value), said, Path(name).stem if whole_set else name)


@pytest.mark.parametrize("kind", PROTEINS)
def test_a_file_of_proteins_that_is_wrong_is_one_line(tmp_path: Path, kind: str) -> None:
    name, content, said = PROTEINS[kind]
    if name.endswith((".pdb", ".cif")):
        pytest.importorskip("gemmi", reason="gemmi is not installed: no structure files are read")
    with pytest.raises(StudyError) as caught:
        proteins(put(tmp_path, name, content))
    assert_told(str(caught.value), said)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_that_is_wrong_is_one_line_and_nothing_is_unpacked(tmp_path: Path, kind: str) -> None:
    reader, content, options, said = ARCHIVES[kind]
    (tmp_path / "in").mkdir()
    path = put(tmp_path / "in", "a.zip", content)
    with pytest.raises(StudyError) as caught:
        read_with(reader, [path], options)
    assert_told(str(caught.value), said, "a.zip")
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()] == ["in/a.zip"]


@pytest.mark.parametrize("kind", COUNTED)
def test_what_is_changed_or_left_out_is_counted(tmp_path: Path, kind: str) -> None:
    name, content, counts = COUNTED[kind]
    report = datasets.load(put(tmp_path, name, content)).report
    assert dict(report.counts) | dict(report.left_out) == counts
    assert all(str(number) in str(report) for number in counts.values())


def test_contacts_that_are_dropped_are_counted(tmp_path: Path) -> None:
    cell = json.dumps([[0, 8], [8, 0], [0, 8], [1, 2]])
    found = proteins(put(tmp_path, "p.csv", f'name,sequence,contacts\nx,MKTAYIAKQ,"{cell}"\n'))
    assert found.proteins[0].pairs == ((0, 8),)
    assert Counter(found.left_out) == Counter({"contacts closer than 6 residues": 1, "contacts given twice": 2})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nowhere.fa", "no such file"),
        ("nowhere", "unknown data set 'nowhere'"),
        ("~nobody-of-this-name/a.fa", "cannot be a path"),
        ("a\0b.fa", "cannot be a path"),
        ("a" * 5000, "cannot be a path"),
        ("", "an empty path; give"),
    ],
    ids=["missing-file", "missing-name", "missing-user", "nul-in-path", "path-too-long", "no-name"],
)
@pytest.mark.parametrize("load", [datasets.load, proteins])
def test_a_path_that_leads_nowhere_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: str, load) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as caught:
        load(words)
    assert_told(str(caught.value))
    assert load is proteins or said in str(caught.value)


def test_folders_that_hold_nothing_or_something_else(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="an empty folder; give"):
        datasets.load(tmp_path / "empty")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    with pytest.raises(StudyError, match="an empty folder; give"):
        datasets.load(tmp_path / "deep")
    (tmp_path / "mixed").mkdir()
    put(tmp_path / "mixed", "a.bpseq", "1 G 0\n")
    put(tmp_path / "mixed", "notes.txt", "remember the milk\n")
    with pytest.raises(StudyError, match=r"notes\.txt: suffix \.txt and content do not say"):
        datasets.load(tmp_path / "mixed")
    put(tmp_path / "mixed", "notes.txt", ">a\nACGU\n").rename(tmp_path / "mixed" / "z.fa")
    (tmp_path / "mixed" / "b.bpseq").symlink_to(tmp_path / "gone.bpseq")
    (tmp_path / "mixed" / "a.ct").write_text("1 a\n1 G 0 0 0 1\n")
    with pytest.raises(StudyError, match="'a' was already named"):
        datasets.load(tmp_path / "mixed")


# Anything at all -----------------------------------------------------------------------------------------------------

_LINES = st.lists(
    st.sampled_from([">a", ">b x", ">", "ACGU", "(..)", "((..", "1 G 2", "2 C 1", "1 G 0 2 2 1", "2 x", "# STOCKHOLM 1.0", "#=GF AC RF1", "#=GF", "//"])
    | st.sampled_from(["x GA-C", "#=GC SS_cons <..>", "name,sequence,pairs", "x,ACG,[]", 'x,ACG,"[[0,2]]"', ">ss_cons", "", '"', "\u00b2 G 0"])
    | st.text(max_size=12),
    max_size=12,
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
_BYTES = st.binary(max_size=200) | _LINES | _LINES.map(gzip.compress)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anything")


@pytest.mark.parametrize("suffix", [*sorted(SUFFIXES), ".txt", ".fa.gz"])
def test_any_bytes_are_records_or_one_line(folder: Path, suffix: str) -> None:
    @FEW
    @given(_BYTES)
    def read(content: bytes) -> None:
        path = put(folder, f"x{suffix}", content)
        try:
            found = datasets.load(path)
        except StudyError as error:
            assert_told(str(error))
        else:
            assert len(found) and all(set(rna.sequence) <= set("ACGUN") for rna in found)

    read()


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"released_maps"}))
def test_any_bytes_to_any_reader(folder: Path, reader: str) -> None:
    options = {"spotrna_zip": {"subset": "VL1"}, "archive_member": {"member": "*"}}.get(reader, {})

    @FEW
    @given(_BYTES | st.binary(max_size=60).map(lambda tail: b"PK\x03\x04" + tail))
    def read(content: bytes) -> None:
        path = put(folder, f"reader-{reader}", content)
        try:
            records, left_out = read_with(reader, [path], options)
        except StudyError as error:
            assert_told(str(error))
        else:
            assert all(record.name and record.where for record in records) and not left_out

    read()


@FEW
@given(_BYTES)
def test_any_bytes_as_proteins(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        try:
            proteins(put(Path(place), "x.csv", content))
        except StudyError as error:
            assert_told(str(error))


def _npy() -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, np.arange(12.0).reshape(3, 4))
    return stream.getvalue()


@st.composite
def _spoilt_arrays(draw: st.DrawFn) -> bytes:
    """An array's file with some of its bytes changed, taken away or added."""
    content = bytearray(_npy())
    for _ in range(draw(st.integers(0, 6))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))]) + draw(st.binary(max_size=8))


@pytest.mark.parametrize("mode", [None, "r"])
def test_any_bytes_as_an_array(folder: Path, mode) -> None:
    @settings(FEW, max_examples=300)
    @given(_spoilt_arrays() | st.binary(max_size=100))
    def read(content: bytes) -> None:
        try:
            load_array(put(folder, "x.npy", content), mmap_mode=mode)
        except StudyError as error:
            assert_told(str(error), "x.npy")

    read()


@FEW
@given(_BYTES)
def test_any_bytes_as_labels_and_embeddings(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = put(Path(place), "x.csv", content)
        for read in (read_labels, read_embeddings):
            try:
                read(path)
            except StudyError as error:
                assert_told(str(error), "x.csv")
