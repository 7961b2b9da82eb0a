"""Readers, by hand-written files; each error names file, line and remedy."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnastudy import datasets
from rnastudy.datasets.readers.archives import read_archive_member, read_spotrna_zip
from rnastudy.datasets.readers.brackets import bracket_pairs
from rnastudy.errors import StudyError


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


HAIRPIN = ((0, 8), (1, 7), (2, 6))
FILES = {
    "x.dbn": "# by hand\n>x first\nGGGAAACCC\n(((...))) (-1.20)\n",
    "x.fa": ">x\nGGGAAACCC\n(((...)))\n",
    "x.bpseq": "Filename: x\n1 G 9\n2 G 8\n3 G 7\n4 A 0\n5 A 0\n6 A 0\n7 C 3\n8 C 2\n9 C 1\n",
    "x.ct": "9 ENERGY = -1.2 x\n1 G 0 2 9 1\n2 G 1 3 8 2\n3 G 2 4 7 3\n4 A 3 5 0 4\n5 A 4 6 0 5\n6 A 5 7 0 6\n7 C 6 8 3 7\n8 C 7 9 2 8\n9 C 8 0 1 9\n",
    "pairs.csv": 'name,sequence,pairs\nx,GGGAAACCC,"[[0, 8], [1, 7], [2, 6]]"\n',
    "structure.csv": "family,name,sequence,structure\nRF1,x,gggaaaccc,(((...)))\n",
    "tabs.tsv": "name\tsequence\tstructure\nx\tGGGAAACCC\t(((...)))\n",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_every_format_reads_the_same_hairpin(tmp_path, name, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(FILES[name].encode()) if packed else FILES[name].encode())
    found = datasets.load(path)
    assert [(rna.name, rna.sequence, rna.pairs) for rna in found] == [("x", "GGGAAACCC", HAIRPIN)]
    assert found.card is None and found.natural and len(found.sha256) == 64


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "x.fa"
    path.write_bytes(b"\xef\xbb\xbf>x\r\nGG\r\nAA\r\n\r\n>y\r\nC\r\n")
    assert [rna.sequence for rna in datasets.load(path)] == ["GGAA", "C"]


def test_fasta_knows_no_structure(tmp_path):
    assert datasets.load(write(tmp_path, "x.fa", ">x\nGGGAAACCC\n")).rnas[0].pairs is None


def test_wrapped_dot_bracket(tmp_path):
    found = datasets.load(write(tmp_path, "x.dbn", ">x\nGGGA\nAACCC\n(((.\n..)))\n"))
    assert found.rnas[0].pairs == HAIRPIN


def test_pseudoknots_by_all_brackets():
    assert bracket_pairs("([{<A)]}>a", "here") == [(0, 5), (1, 6), (2, 7), (3, 8), (4, 9)]


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_brackets_of_nested_stems(outer, loop, inner):
    text = "(" * outer + "[" * inner + "." * loop + "]" * inner + ")" * outer
    assert bracket_pairs(text, "here") == [(i, len(text) - 1 - i) for i in range(outer + inner)]


SPOILT = {
    "a.dbn": (">x\nGGGA\n(((\n", r"a\.dbn, line 1.*4 bases and 3 structure"),
    "b.dbn": (">x\nGGGA\n((.)\n", r"b\.dbn, line 3.*position 1 of the structure is never closed"),
    "c.dbn": (">x\nGGGA\n.).?\n", r"c\.dbn, line 3.*'\)' at position 2"),
    "d.dbn": ("GGGA\n....\n", r"d\.dbn, line 1.*put a line '>NAME'"),
    "e.fa": (">x\nGG!A\n", r"e\.fa, line 1.*'!' at position 3"),
    "f.fa": (">x\nGGA\n>x\nGC\n", r"f\.fa, line 3.*already named at .*f\.fa, line 1"),
    "g.fa": (">x\n>y\nA\n", r"g\.fa, line 1.*no bases"),
    "h.bpseq": ("1 G 3\n2 A 0\n3 C 2\n", r"h\.bpseq, line 1.*does not name it back"),
    "i.bpseq": ("1 G 0\n3 A 0\n", r"i\.bpseq, line 2: position 3 where 2 was due"),
    "j.ct": ("3 x\n1 G 0 2 0 1\n", r"j\.ct, line 1: 3 bases promised, 1 lines"),
    "k.csv": ("name,seq\nx,ACG\n", r"k\.csv, line 1: no column 'sequence'"),
    "l.csv": ('name,sequence,pairs\nx,ACG,"[[0]]"\n', r"l\.csv, line 2: pairs '\[\[0\]\]' are no JSON list"),
    "m.csv": ('name,sequence,pairs\nx,ACG,"[[1, 3]]"\n', r"m\.csv, line 2: RNA 'x' pairs position 2 with 4"),
    "n.csv": ("name,sequence\nx,ACG,more\n", r"n\.csv, line 2: 3 cells under 2 columns"),
    "v.csv": ("name;sequence\nx;ACG\n", r"v\.csv, line 1: looks semicolon-separated; write it with commas or tabs"),
    "o.sto": ("# STOCKHOLM 1.0\nx GA\n", r"o\.sto: the last alignment does not end with '//'"),
    "p.sto": ("# STOCKHOLM 1.0\nx GA\ny G\n//\n", r"p\.sto, line 3: row 'y'.*1 columns, the first row 2"),
    "q.sto": ("# STOCKHOLM 1.0\nx GA\n#=GC SS_cons <.>\n//\n", r"q\.sto.*SS_cons.*3 columns, its rows 2"),
    "r.a3m": (">q\nGGAC\n>h\nGGa\n", r"r\.a3m, line 3: row 'h' has 2 aligned columns, the first row 4"),
    "s.xyz": ("GGAC\n", r"s\.xyz: suffix \.xyz and content do not say what it is"),
    "t.csv": ("name,sequence\n", r"no RNA in it"),
    "u.fa": ("", r"u\.fa"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_errors_name_file_line_and_remedy(tmp_path, name):
    content, message = SPOILT[name]
    with pytest.raises(StudyError, match=message) as caught:
        datasets.load(write(tmp_path, name, content))
    assert "\n" not in str(caught.value)
    if "no RNA in it" not in message:
        assert str(tmp_path / name) in str(caught.value)


def test_broken_gzip_and_no_text(tmp_path):
    (tmp_path / "x.fa.gz").write_bytes(gzip.compress(b">x\nACGU\n" * 99)[:-9])
    with pytest.raises(StudyError, match=r"x\.fa\.gz: broken gzip"):
        datasets.load(tmp_path / "x.fa.gz")
    (tmp_path / "y.fa").write_bytes(b">x\n\xff\xfe\n")
    with pytest.raises(StudyError, match=r"y\.fa: byte 4 is no utf-8"):
        datasets.load(tmp_path / "y.fa")


STOCKHOLM = """# STOCKHOLM 1.0
#=GF AC RF00001.2
#=GF CL CL00113

a/1-3         GA
b/1-4         GA
#=GC SS_cons  <.

a/1-3         -C
b/1-4         AC
#=GC SS_cons  .>
//
# STOCKHOLM 1.0
#=GF ID other
c  g.c
c  gac
c  gac
#=GC SS_cons <.>
//
"""


def test_stockholm_rows_with_the_projected_structure(tmp_path):
    found = datasets.load(write(tmp_path, "x.sto", STOCKHOLM))
    assert [(rna.name, rna.sequence, rna.pairs, rna.family, rna.clan) for rna in found] == [
        ("RF00001/a/1-3", "GAC", ((0, 2),), "RF00001", "CL00113"),
        ("RF00001/b/1-4", "GAAC", ((0, 3),), "RF00001", "CL00113"),
        ("other/c", "GC", ((0, 1),), "other", None),
        ("other/c#2", "GAC", ((0, 2),), "other", None),
    ]
    assert found.report.left_out == {"rows repeated in their own alignment": 1}
    assert found.families == {"RF00001": (0, 1), "other": (2, 3)}


def test_the_family_is_not_read_from_the_name_of_a_folder(tmp_path):
    (tmp_path / "RF00005").mkdir()
    path = write(tmp_path / "RF00005", "mine.sto", "# STOCKHOLM 1.0\nx GA\n//\n")
    assert datasets.load(path).rnas[0].family == "mine"


def test_a_pair_that_lost_an_end_to_a_gap_is_dropped_and_counted(tmp_path):
    found = datasets.load(write(tmp_path, "x.sto", "# STOCKHOLM 1.0\nx -AC\n#=GC SS_cons <.>\n//\n"))
    assert found.rnas[0].pairs == () and found.report.counts == {"gaps": 1, "pairs_lost": 1}


def test_stockholm_alignments_put_the_fullest_row_first():
    from rnastudy.datasets.readers.stockholm import read_stockholm_alignments
    from rnastudy.datasets.records import TextFile

    text = "# STOCKHOLM 1.0\n#=GF AC RF1\na G-C\nb GAC\nc GUC\n#=GC SS_cons <.>\n//\n"
    record = next(read_stockholm_alignments(TextFile("x.sto", text)))
    assert record.rows == ["GAC", "G-C", "GUC"] and record.pairs == [(0, 2)]


def test_a3m_drops_insertions_and_keeps_the_query_first(tmp_path):
    found = datasets.load(write(tmp_path, "x.a3m", ">q\nGGAC\n>h one\nG-AuuC\n>k\nGGA.C\n"))
    assert found.rnas[0].name == "q" and found.rnas[0].alignment == ("GGAC", "G-AC", "GGAC")


def test_nrc_numbers_within_the_class():
    from rnastudy.datasets.readers.plain import read_nrc
    from rnastudy.datasets.records import TextFile

    names = [(r.name, r.family) for r in read_nrc(TextFile("x", ">a\nG\n>b\nG\n>a\nG\n"))]
    assert names == [("a_1", "a"), ("b_1", "b"), ("a_2", "a")]


def spotrna_zip(path: Path, **more: str) -> Path:
    files = {
        "PDB_dataset/VL1_sequences/1abc": ">1abc\nGPAC\n",
        "PDB_dataset/VL1_labels/1abc": "# 1abc\t L = 4\ni\tj\t\n1\t4\t\n1\t3\n",
        "PDB_dataset/VL1_sequences/2gtt-1-W": ">2gtt-1-W\nCCC\n",
        "PDB_dataset/VL1_labels/2gtt-1-W": "# 2gtt-1-W\t L = 3\ni\tj\t\n",
        "PDB_dataset/VL1_sequences/val2_seq": ">1abc\nGPAC\n",
        "PDB_dataset/VL1_sequences/cdhit_processing/1abc": ">1abc\nGPAC\n",
    } | more
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_spotrna_zip_counts_from_one_and_leaves_junk_out(tmp_path):
    records, left_out = read_spotrna_zip([spotrna_zip(tmp_path / "a.zip")], "VL1")
    assert [(r.name, r.sequence, r.pairs) for r in records] == [("1abc", "GPAC", [(0, 3), (0, 2)]), ("2gtt-1-W", "CCC", [])]
    assert left_out == {"files that are not RNAs": 2}


def test_spotrna_labels_of_another_length(tmp_path):
    path = spotrna_zip(tmp_path / "a.zip", **{"PDB_dataset/VL1_labels/1abc": "# 1abc L=5\ni j\n"})
    with pytest.raises(StudyError, match="1abc, line 1: labels are for 5 bases, the sequence has 4"):
        read_spotrna_zip([path], "VL1")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a\\..\\..\\evil"])
def test_zip_members_that_point_outside_are_refused(tmp_path, name):
    path = spotrna_zip(tmp_path / "a.zip", **{name: "x"})
    with pytest.raises(StudyError, match="points outside"):
        read_spotrna_zip([path], "VL1")


def test_archive_member_by_pattern(tmp_path):
    path = spotrna_zip(tmp_path / "a.zip")
    assert read_archive_member(path, "VAL2*")[0].endswith("val2_seq")
    with pytest.raises(StudyError, match=r"2 members fit '1abc' where one should; it holds PDB_dataset") as caught:
        read_archive_member(_two(tmp_path / "b.zip"), "1abc")
    assert "give its path" in str(caught.value)
    (tmp_path / "c.zip").write_bytes(b"no zip")
    with pytest.raises(StudyError, match="no zip archive"):
        read_archive_member(tmp_path / "c.zip", "*")


def _two(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PDB_dataset/a/1abc", "x")
        archive.writestr("PDB_dataset/b/1abc", "x")
    return path


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)).filter(lambda p: p[0] < p[1]), unique=True, max_size=12))
def test_csv_pairs_go_round(pairs):
    from rnastudy.datasets.readers.tables import read_csv
    from rnastudy.datasets.records import TextFile

    cell = json.dumps(pairs)
    record = next(read_csv(TextFile("a.csv", f'name,sequence,pairs\nx,{"A" * 20},"{cell}"\n')))
    assert record.pairs == [tuple(pair) for pair in pairs]
