"""Files that are wrong, each in one way of its own: name of the file, its content, and what the error must say."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

Content = str | bytes


def zipped(**members: str) -> bytes:
    """A zip with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


FASTA: dict[str, tuple[str, Content, str]] = {
    "fasta-empty": ("a.fa", "", "do not say what it is"),
    "fasta-blank-lines-only": ("a.fa", "\n\n  \n", "do not say what it is"),
    "fasta-comments-only": ("a.fa", "# nothing\n; nothing\n", "do not say what it is"),
    "fasta-header-without-name": ("a.fa", ">\nACGU\n", "line 1: a '>' without a name"),
    "fasta-header-of-blanks": ("a.fa", ">a\nAC\n>   \nACGU\n", "line 3: a '>' without a name"),
    "fasta-second-sequence-missing": ("a.fa", ">a\nACGU\n>b\n", "line 3: RNA 'b' has no bases"),
    "fasta-gaps-only": ("a.fa", ">a\n----\n", "line 1: RNA 'a' has no bases"),
    "fasta-sequence-before-header": ("a.fa", "ACGU\n>a\nACGU\n", "line 1: 'ACGU' comes before any header"),
    "fasta-name-twice": ("a.fa", ">a x\nACGU\n>a y\nACGU\n", "line 3: RNA 'a' was already named"),
    "fasta-digit": ("a.fa", ">a\nAC1U\n", "letter '1' at position 3"),
    "fasta-star": ("a.fa", ">a\nACGU*\n", "letter '*' at position 5"),
    "fasta-protein": ("a.fa", ">a\nMKTLLE\n", "letter 'L' at position 4"),
    "fasta-fastq": ("a.fa", "@a\nACGU\n+\nIIII\n", "do not say what it is"),
    "fasta-nul": ("a.fa", ">a\nAC\0U\n", "letter '\\x00' at position 3"),
    "fasta-cyrillic-a": ("a.fa", ">a\n\u0410CGU\n", "at position 1"),
    "fasta-zero-width-space": ("a.fa", ">a\nAC\u200bGU\n", "letter '\\u200b' at position 3"),
    "fasta-utf16": ("a.fa", ">a\nACGU\n".encode("utf-16"), "byte 1 is no utf-8 text"),
    "fasta-latin1": ("a.fa", b">caf\xe9\nACGU\n", "byte 5 is no utf-8 text"),
    "fasta-is-a-picture": ("a.fa", b"\x89PNG\r\n\x1a\n" + bytes(64), "is no utf-8 text"),
    "fasta-is-a-web-page": ("a.fa", "<!doctype html><html><body>404</body></html>", "do not say what it is"),
    "fasta-is-a-pointer": ("a.fa", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "do not say what it is"),
    "suffix-unknown": ("a.xyz", "ACGU\n", "suffix .xyz and content do not say"),
    "suffix-missing": ("alone", "ACGU\n", "suffix none and content do not say"),
    "suffix-gz-alone": ("a.gz", gzip.compress(b"ACGU\n"), "do not say what it is"),
}
DOTBRACKET: dict[str, tuple[str, Content, str]] = {
    "dbn-empty": ("a.dbn", "", "no '>NAME' header"),
    "dbn-sequence-only": ("a.dbn", ">a\nGAAAC\n", "0 bases and 5 structure characters"),
    "dbn-structure-shorter": ("a.dbn", ">a\nGAAAC\n(..)\n", "5 bases and 4 structure characters"),
    "dbn-structure-longer": ("a.dbn", ">a\nGAAAC\n(....)\n", "5 bases and 6 structure characters"),
    "dbn-three-lines": ("a.dbn", ">a\nGAAAC\n(...)\n(...)\n", "5 bases and 10 structure characters"),
    "dbn-never-closed": ("a.dbn", ">a\nGAAAC\n((..)\n", "line 3: '(' at position 1 of the structure is never closed"),
    "dbn-closes-nothing": ("a.dbn", ">a\nGAAAC\n(..))\n", "line 3: ')' at position 5 of the structure closes nothing"),
    "dbn-other-bracket-closes": ("a.dbn", ">a\nGAAAC\n(...]\n", "']' at position 5 of the structure closes nothing"),
    "dbn-letter-closes-nothing": ("a.dbn", ">a\nGAAAC\n....a\n", "'a' at position 5 of the structure closes nothing"),
    "dbn-unknown-sign": ("a.dbn", ">a\nGAAAC\n(.|.)\n", "'|' at position 3 of the structure is no bracket"),
    "dbn-structure-first": ("a.dbn", ">a\n(...)\nGAAAC\n", "is never closed"),
    "dbn-header-twice": ("a.dbn", ">a\n>a\nGAAAC\n(...)\n", "line 1: RNA 'a' has 0 bases"),
    "dbn-no-header": ("a.dbn", "GAAAC\n(...)\n", "comes before any header"),
    "dbn-bad-letter": ("a.dbn", ">a\nGA7AC\n(...)\n", "letter '7' at position 3"),
    "fa-structure-of-other-length": ("a.fa", ">a\nGAAAC\n(...\n", "5 bases and 4 structure characters"),
}
NUMBERED: dict[str, tuple[str, Content, str]] = {
    "bpseq-empty": ("a.bpseq", "", "no numbered base lines"),
    "bpseq-header-only": ("a.bpseq", "Filename: a\nOrganism: b\n", "no numbered base lines"),
    "bpseq-two-columns": ("a.bpseq", "1 G\n2 C\n", "line 1: '1 G' is not 3 columns"),
    "bpseq-partner-a-word": ("a.bpseq", "1 G x\n", "line 1: '1 G x' is not 3 columns"),
    "bpseq-partner-negative": ("a.bpseq", "1 G -1\n", "line 1: '1 G -1' is not 3 columns"),
    "bpseq-partner-superscript": ("a.bpseq", "1 G \u00b2\n2 C 1\n", "line 1: '1 G \u00b2' is not 3 columns"),
    "bpseq-number-superscript": ("a.bpseq", "\u00b9 G 0\n", "no numbered base lines"),
    "bpseq-number-of-a-thousand-digits": ("a.bpseq", f"1 G {'9' * 5000}\n", "line 1"),
    "bpseq-from-zero": ("a.bpseq", "0 G 0\n1 C 0\n", "position 0 where 1 was due"),
    "bpseq-hole": ("a.bpseq", "1 G 0\n3 C 0\n", "position 3 where 2 was due"),
    "bpseq-number-twice": ("a.bpseq", "1 G 0\n1 C 0\n", "position 1 where 2 was due"),
    "bpseq-last-line-spoilt": ("a.bpseq", "1 G 0\n2 A 0\nx C 0\n", "line 3: 'x C 0' is not 3 columns"),
    "bpseq-two-letters": ("a.bpseq", "1 GA 0\n2 C 0\n", "line 1: '1 GA 0' is not 3 columns with numbers and one letter"),
    "bpseq-pairs-itself": ("a.bpseq", "1 G 1\n", "base 1 names partner 1"),
    "bpseq-partner-beyond": ("a.bpseq", "1 G 9\n", "base 1 names partner 9"),
    "bpseq-one-sided": ("a.bpseq", "1 G 3\n2 A 0\n3 C 0\n", "base 1 names partner 3, which does not name it back"),
    "bpseq-two-partners": ("a.bpseq", "1 G 3\n2 A 3\n3 C 1\n", "base 2 names partner 3, which does not name it back"),
    "bpseq-bad-letter": ("a.bpseq", "1 ! 0\n", "letter '!' at position 1"),
    "ct-empty": ("a.ct", "", "no RNA in it"),
    "ct-header-a-word": ("a.ct", "tRNA\n1 G 0 2 0 1\n", "line 1: 'tRNA' is no ct header"),
    "ct-header-superscript": ("a.ct", "\u00b2 x\n1 G 0 2 0 1\n", "is no ct header"),
    "ct-cut-short": ("a.ct", "3 x\n1 G 0 2 0 1\n2 C 1 0 0 2\n", "3 bases promised, 2 lines follow"),
    "ct-too-few-columns": ("a.ct", "1 x\n1 G 0 2\n", "line 2: '1 G 0 2' is not 5 columns"),
    "ct-no-bases": ("a.ct", "0 x\n", "no numbered base lines"),
    "ct-one-sided": ("a.ct", "2 x\n1 G 0 2 2 1\n2 C 1 0 0 2\n", "line 2: base 1 names partner 2"),
    "ct-second-structure-broken": ("a.ct", "1 x\n1 G 0 0 0 1\n2 y\n1 G 0 2 0 1\n", "line 3: 2 bases promised, 1 lines follow"),
    "ct-title-twice": ("a.ct", "1 x\n1 G 0 0 0 1\n1 x\n1 G 0 0 0 1\n", "RNA 'x' was already named"),
}
TABLES: dict[str, tuple[str, Content, str]] = {
    "csv-empty": ("a.csv", "", "no RNA in it"),
    "csv-header-only": ("a.csv", "name,sequence\n", "no RNA in it"),
    "csv-no-name": ("a.csv", "id,sequence\nx,ACG\n", "no column 'name' among id, sequence"),
    "csv-no-sequence": ("a.csv", "name,seq\nx,ACG\n", "no column 'sequence' among name, seq"),
    "csv-no-header": ("a.csv", "x,ACG\ny,ACG\n", "no column 'name' among x, ACG"),
    "csv-semicolons": ("a.csv", "name;sequence\nx;ACG\n", "looks semicolon-separated"),
    "csv-column-twice": ("a.csv", "name,sequence,sequence\nx,ACG,GGG\n", "column 'sequence' is there twice"),
    "csv-row-too-long": ("a.csv", "name,sequence\nx,ACG,3\n", "line 2: 3 cells under 2 columns"),
    "csv-row-too-short": ("a.csv", "name,sequence,family\nx,ACG\n", "line 2: 2 cells under 3 columns"),
    "csv-quote-open": ("a.csv", 'name,sequence\n"x,ACG\n', "no CSV"),
    "csv-quote-inside": ("a.csv", 'name,sequence\n"x"y,ACG\n', "no CSV"),
    "csv-sequence-empty": ("a.csv", "name,sequence\nx,\n", "line 2: RNA 'x' has no bases"),
    "csv-name-twice": ("a.csv", "name,sequence\nx,ACG\nx,ACG\n", "line 3: RNA 'x' was already named"),
    "csv-pairs-no-json": ("a.csv", "name,sequence,pairs\nx,ACG,(0 2)\n", "are no JSON list of [i, j]"),
    "csv-pairs-a-number": ("a.csv", "name,sequence,pairs\nx,ACG,3\n", "are no JSON list of [i, j]"),
    "csv-pairs-triple": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[0, 1, 2]]"\n', "are no JSON list of [i, j]"),
    "csv-pairs-fractions": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[0.5, 2]]"\n', "are no JSON list of [i, j]"),
    "csv-pairs-true": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[true, 2]]"\n', "are no JSON list of [i, j]"),
    "csv-pairs-words": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[""0"", ""2""]]"\n', "are no JSON list of [i, j]"),
    "csv-pairs-nan": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[NaN, 2]]"\n', "are no JSON list of [i, j]"),
    "csv-pairs-deep": ("a.csv", f"name,sequence,pairs\nx,ACG,{'[' * 100_000}\n", "are no JSON list of [i, j]"),
    "csv-pairs-cut": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[0, 2"\n', "are no JSON list of [i, j]"),
    "csv-pair-beyond": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[0, 3]]"\n', "pairs position 1 with 4, but has 3"),
    "csv-pair-negative": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[-1, 2]]"\n', "pairs position 0 with 3"),
    "csv-pair-itself": ("a.csv", 'name,sequence,pairs\nx,ACG,"[[1, 1]]"\n', "pairs position 2 with 2"),
    "csv-structure-of-other-length": ("a.csv", "name,sequence,structure\nx,ACG,(.\n", "3 bases and 2 structure characters"),
    "csv-structure-open": ("a.csv", "name,sequence,structure\nx,ACG,(..\n", "line 2: '(' at position 1"),
    "csv-field-of-a-megabyte": ("a.csv", f"name,sequence\nx,{'A' * 2**20}\n", "no CSV"),
    "csv-is-a-workbook": ("a.csv", zipped(workbook="x"), "is no utf-8 text"),
    "tsv-commas": ("a.tsv", "name,id\nx,ACG\n", "no column 'sequence' among name, id"),
    "tsv-row-too-short": ("a.tsv", "name\tsequence\nx\n", "line 2: 1 cells under 2 columns"),
}
ALIGNMENTS: dict[str, tuple[str, Content, str]] = {
    "sto-empty": ("a.sto", "", "no RNA in it"),
    "sto-header-only": ("a.sto", "# STOCKHOLM 1.0\n//\n", "no RNA in it"),
    "sto-no-end": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n", "does not end with '//'"),
    "sto-second-cut": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n//\n# STOCKHOLM 1.0\ny GAC\n", "does not end with '//'"),
    "sto-ragged": ("a.sto", "# STOCKHOLM 1.0\nx GAC\ny GA\n//\n", "row 'y' of a has 2 columns, the first row 3"),
    "sto-name-with-blank": ("a.sto", "# STOCKHOLM 1.0\nx y GAC\n//\n", "is not 'NAME ROW'"),
    "sto-row-without-name": ("a.sto", "# STOCKHOLM 1.0\nGAC\n//\n", "is not 'NAME ROW'"),
    "sto-feature-without-name": ("a.sto", "# STOCKHOLM 1.0\n#=GF\nx GAC\n//\n", "line 2: '#=GF' without a feature"),
    "sto-structure-of-other-length": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n#=GC SS_cons <>\n//\n", "SS_cons of a has 2 columns"),
    "sto-structure-missing": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n#=GC SS_cons\n//\n", "line 3: '#=GC SS_cons' is not"),
    "sto-structure-with-blank": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n#=GC SS_cons <.> <.>\n//\n", "line 3"),
    "sto-structure-open": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n#=GC SS_cons <..\n//\n", "'<' at position 1 of the structure is never closed"),
    "sto-row-of-gaps": ("a.sto", "# STOCKHOLM 1.0\nx GAC\ny ---\n//\n", "RNA 'a/y' has no bases"),
    "sto-row-a-protein": ("a.sto", "# STOCKHOLM 1.0\nx MLE\n//\n", "letter 'L' at position 2"),
    "sto-is-fasta": ("a.sto", ">x\nGAC\n", "line 1: '>x' is not 'NAME ROW'"),
    "sto-family-twice": ("a.sto", "# STOCKHOLM 1.0\nx GAC\n//\n# STOCKHOLM 1.0\nx GAC\n//\n", "RNA 'a/x' was already named"),
    "a3m-empty": ("a.a3m", "", "no '>NAME' header"),
    "a3m-ragged": ("a.a3m", ">q\nGGAC\n>h\nGG\n", "row 'h' has 2 aligned columns, the first row 4"),
    "a3m-first-row-empty": ("a.a3m", ">q\n>h\nGG\n", "row 'q' has 0 aligned columns"),
    "a3m-insertions-only": ("a.a3m", ">q\nggac\n", "row 'q' has 0 aligned columns"),
    "a3m-structure-only": ("a.a3m", ">ss_cons\n(..)\n", "0 rows and 1 records named ss_cons"),
    "a3m-two-structures": ("a.a3m", ">ss_cons\n()\n>SS_cons\n()\n>q\nGC\n", "1 rows and 2 records named ss_cons"),
    "a3m-structure-of-other-length": ("a.a3m", ">q\nGGAC\n>ss_cons\n(.)\n", "'ss_cons' has 3 columns, the first row 4"),
    "a3m-structure-open": ("a.a3m", ">q\nGGAC\n>ss_cons\n(...\n", "'(' at position 1 of the structure is never closed"),
    "a3m-bad-letter-in-a-hit": ("a.a3m", ">q\nGGAC\n>h\nGG!C\n", "letter '!' at position 3"),
}
PACKED: dict[str, tuple[str, Content, str]] = {
    "gz-cut-short": ("a.fa.gz", gzip.compress(b">a\nACGU\n" * 99)[:-9], "broken gzip"),
    "gz-header-only": ("a.fa.gz", b"\x1f\x8b", "broken gzip"),
    "gz-one-byte-flipped": ("a.fa.gz", gzip.compress(b">a\nACGU\n")[:-6] + b"\0\0\0\0\0\0", "broken gzip"),
    "gz-method-unknown": ("a.fa.gz", b"\x1f\x8b\x09" + bytes(20), "broken gzip"),
    "gz-with-rubbish-behind": ("a.fa.gz", gzip.compress(b">a\nACGU\n") + b"rubbish", "broken gzip"),
    "gz-of-no-text": ("a.fa.gz", gzip.compress(b"\xff\xfe\xfd"), "byte 1 is no utf-8 text"),
    "gz-is-zlib": ("a.fa.gz", zlib.compress(b">a\nACGU\n"), "is no utf-8 text"),
    "gz-is-zip": ("a.fa.gz", zipped(a=">a\nACGU\n"), "is no utf-8 text"),
    "gz-of-gz": ("a.fa.gz", gzip.compress(gzip.compress(b">a\nACGU\n")), "is no utf-8 text"),
}
PROTEINS: dict[str, tuple[str, Content, str]] = {
    "protein-empty": ("p.csv", "", "no protein in it"),
    "protein-header-only": ("p.csv", "name,sequence,contacts\n", "no protein in it"),
    "protein-no-contacts-column": ("p.csv", "name,sequence\nx,MKTAYIAKQ\n", "no column 'contacts' among name, sequence"),
    "protein-no-name-column": ("p.csv", "id,sequence,contacts\nx,MKTAYIAKQ,\n", "no column 'name'"),
    "protein-sequence-empty": ("p.csv", "name,sequence,contacts\nx,,\n", "protein 'x': no residues"),
    "protein-letter-unknown": ("p.csv", "name,sequence,contacts\nx,MK1,\n", "protein 'x': letters ['1']"),
    "protein-gap": ("p.csv", "name,sequence,contacts\nx,MK-T,\n", "protein 'x': letters ['-']"),
    "protein-contacts-no-json": ("p.csv", "name,sequence,contacts\nx,MKTAYIAKQ,0-8\n", "contacts '0-8' are no JSON list"),
    "protein-contacts-flat": ("p.csv", 'name,sequence,contacts\nx,MKTAYIAKQ,"[0, 8]"\n', "are no JSON list"),
    "protein-contacts-triple": ("p.csv", 'name,sequence,contacts\nx,MKTAYIAKQ,"[[0, 8, 1]]"\n', "are no JSON list"),
    "protein-contacts-fractions": ("p.csv", 'name,sequence,contacts\nx,MKTAYIAKQ,"[[0, 8.0]]"\n', "are no JSON list"),
    "protein-contacts-an-object": ("p.csv", 'name,sequence,contacts\nx,MKTAYIAKQ,"{""0"": 8}"\n', "are no JSON list"),
    "protein-contacts-deep": ("p.csv", f"name,sequence,contacts\nx,MKTAYIAKQ,{'[' * 100_000}\n", "are no JSON list"),
    "protein-contact-beyond": ("p.csv", 'name,sequence,contacts\nx,MKTAYIAKQ,"[[0, 9]]"\n', "contact (0, 9) does not fit 9 residues"),
    "protein-contact-negative": ("p.csv", 'name,sequence,contacts\nx,MKTAYIAKQ,"[[-3, 8]]"\n', "contact (-3, 8) does not fit"),
    "protein-unresolved-beyond": ("p.csv", 'name,sequence,contacts,unresolved\nx,MKTAYIAKQ,,"[9]"\n', "unresolved residue 9"),
    "protein-unresolved-words": ("p.csv", "name,sequence,contacts,unresolved\nx,MKTAYIAKQ,,none\n", "unresolved 'none' are no JSON list"),
    "protein-name-twice": ("p.csv", "name,sequence,contacts\nx,MKTAYIAKQ,\nx,MKTAYIAKQ,\n", "protein 'x' comes twice"),
    "protein-column-twice": ("p.csv", "name,name,sequence,contacts\nx,y,MKTAYIAKQ,\n", "column 'name' is there twice"),
    "protein-row-too-long": ("p.csv", "name,sequence,contacts\nx,MKTAYIAKQ,,,\n", "line 2: 5 cells under 3 columns"),
    "protein-no-text": ("p.csv", b"name\xff", "byte 5 is no utf-8 text"),
    "protein-pdb-empty": ("p.pdb", "", "no protein in it"),
    "protein-pdb-a-web-page": ("p.pdb", "<html></html>\n", "no protein in it"),
    "protein-cif-broken": ("p.cif", "data_x\nloop_\n_a\n_b\n1\n", "p.cif"),
}
#: Archives, read with one of the readers of archives: reader, content of the zip, options, what is said.
ARCHIVES: dict[str, tuple[str, bytes, dict[str, str], str]] = {
    "zip-no-zip": ("archive_member", b"no zip", {"member": "*"}, "no zip archive"),
    "zip-empty-file": ("archive_member", b"", {"member": "*"}, "no zip archive"),
    "zip-cut-short": ("archive_member", zipped(a=">a\nACGU\n")[:40], {"member": "*"}, "no zip archive"),
    "zip-no-member": ("archive_member", zipped(), {"member": "*"}, "0 members fit"),
    "zip-other-member": ("archive_member", zipped(a="x"), {"member": "b"}, "0 members fit 'b' where one should; it holds a"),
    "zip-two-members": ("archive_member", zipped(a1="x", a2="x"), {"member": "a*"}, "2 members fit"),
    "zip-a-thousand-members": ("archive_member", zipped(**{f"member_of_a_long_name_{n}": "" for n in range(1000)}), {"member": "*"}, "1000 members fit"),
    "zip-parent": ("archive_member", zipped(**{"../a.fa": "x"}), {"member": "*"}, "points outside"),
    "zip-parent-inside": ("archive_member", zipped(**{"a/../../a.fa": "x"}), {"member": "*"}, "points outside"),
    "zip-absolute": ("archive_member", zipped(**{"/etc/a.fa": "x"}), {"member": "*"}, "points outside"),
    "zip-backslashes": ("archive_member", zipped(**{"a\\..\\..\\a.fa": "x"}), {"member": "*"}, "points outside"),
    "zip-member-no-text": ("archive_member", zipped(**{"a.fa": "\u20ac"}).replace("\u20ac".encode(), b"\xff\xff\xff"), {"member": "*"}, "a.fa"),
    "zip-member-spoilt": ("archive_member", zipped(**{"a.fa": ">a\n" + "ACGU" * 400}).replace(b"PK\x01\x02", b"PK\x01\x02", 1), {"member": "*.fb"}, "0 members"),
    "zip-spotrna-other-set": ("spotrna_zip", zipped(a="x"), {"subset": "VL1"}, "no RNA in a folder VL1_sequences"),
    "zip-spotrna-label-no-number": (
        "spotrna_zip",
        zipped(**{"VL1_sequences/a": ">a\nGAAAC\n", "VL1_labels/a": "i j\n1 x\n"}),
        {"subset": "VL1"},
        "is not 'i j' counted from 1",
    ),
    "zip-spotrna-label-superscript": (
        "spotrna_zip",
        zipped(**{"VL1_sequences/a": ">a\nGAAAC\n", "VL1_labels/a": "i j\n1 \u00b5\n1 \u00b2\n"}),
        {"subset": "VL1"},
        "is not 'i j' counted from 1",
    ),
    "zip-spotrna-label-of-other-length": (
        "spotrna_zip",
        zipped(**{"VL1_sequences/a": ">a\nGAAAC\n", "VL1_labels/a": "# a L=9\ni j\n"}),
        {"subset": "VL1"},
        "labels are for 9 bases, the sequence has 5",
    ),
}
FILES = FASTA | DOTBRACKET | NUMBERED | TABLES | ALIGNMENTS | PACKED

#: Files that are read after something was changed or left out: name, content, and what the report must count.
COUNTED: dict[str, tuple[str, Content, dict[str, int]]] = {
    "lower case": ("a.fa", ">a\nacgu\n", {"lower_case": 4}),
    "dna": ("a.fa", ">a\nACGT\n", {"t_to_u": 1}),
    "modified": ("a.fa", ">a\nAPIU\n", {"modified": 2}),
    "ambiguous": ("a.fa", ">a\nARYU\n", {"ambiguous": 2}),
    "gaps": ("a.fa", ">a\nA-.U\n", {"gaps": 2}),
    "pairs lost": ("a.sto", "# STOCKHOLM 1.0\nx -AC\n#=GC SS_cons <.>\n//\n", {"gaps": 1, "pairs_lost": 1}),
    "pairs repeated": ("a.csv", 'name,sequence,pairs\nx,GAC,"[[0, 2], [2, 0], [0, 2]]"\n', {"pairs_repeated": 2}),
    "rows of gaps": ("a.a3m", ">q\nGC\n>h\n--\n", {"empty_rows": 1}),
    "rows repeated": (
        "a.sto",
        "# STOCKHOLM 1.0\nx GAC\nx GAC\n//\n",
        {"rows repeated in their own alignment": 1},
    ),
}


