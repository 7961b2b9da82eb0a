"""The files in rnastudy/data: what they hold, what they must not hold, and the tools that made them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import sys
from collections import Counter, defaultdict
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
DATA = Path(str(files("rnastudy") / "data"))
sys.path.insert(0, str(ROOT))

from tools.build_data import build, draws, heldout, identity, output, seeds, stockholm, structures  # noqa: E402

CANONICAL = {"AU", "UA", "GC", "CG", "GU", "UG"}
MOST_BYTES = 9_000_000


@cache
def table(name: str) -> list[dict[str, str]]:
    data = (DATA / name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    return list(csv.DictReader(io.StringIO(text.decode("ascii"))))


@cache
def alignments(name: str) -> list[stockholm.Alignment]:
    return list(stockholm.blocks(gzip.decompress((DATA / name).read_bytes()).decode("ascii")))


def real_seeds() -> list[stockholm.Alignment]:
    return [block for which in ("heldout", "train") for block in alignments(f"seeds_{which}.sto.gz")]


@cache
def counts() -> dict[str, dict[str, int]]:
    return json.loads((DATA / "counts.json").read_text())


def structure_set(name: str) -> list[structures.Structure]:
    return [structures.Structure(row["name"], row["sequence"], tuple(map(tuple, json.loads(row["pairs"])))) for row in table(f"{name}.csv.gz")]


def canonical_share(rnas: list[tuple[str, list[tuple[int, int]]]]) -> float:
    kinds = [sequence[i] + sequence[j] in CANONICAL for sequence, pairs in rnas for i, j in pairs]
    return sum(kinds) / len(kinds)


# ---- files -----------------------------------------------------------------------------------


def test_files_are_those_that_were_built() -> None:
    for name, facts in counts()["files"].items():
        data = (DATA / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (facts["size"], facts["sha256"]), name


def test_every_file_made_is_counted_and_described() -> None:
    readme = (DATA / "README.md").read_text()
    assert set(build.FILES) == set(counts()["files"])
    assert [name for name in build.FILES if f"`{name}`" not in readme] == []


def test_size_fits_a_package() -> None:
    assert sum(facts["size"] for facts in counts()["files"].values()) <= MOST_BYTES


def test_gzip_headers_hold_no_time_and_no_name() -> None:
    for name in build.FILES:
        head = (DATA / name).read_bytes()[:10]
        assert not name.endswith(".gz") or (head[3], head[4:8]) == (0, b"\0\0\0\0"), name


def test_cards_say_the_same_as_the_files() -> None:
    cards = yaml.safe_load((ROOT / "rnastudy/datasets/datasets.yml").read_text())
    listed = [(card["name"], file) for card in cards if card["origin"] == "embedded" and card["kind"] != "protein" for file in card["files"]]
    assert {file["path"] for _, file in listed} >= {name for name in counts()["files"] if name.endswith(".gz")}
    for name, file in listed:
        facts = counts()["files"][file["path"]]
        assert (file["sha256"], file["size"]) == (facts["sha256"], facts["size"]), name


def test_same_text_gives_same_bytes(tmp_path: Path) -> None:
    one, other = (output.write(tmp_path / name / "x.csv.gz", "a,b\n1,2\n").read_bytes() for name in ("a", "b"))
    assert one == other
    assert gzip.decompress(one) == b"a,b\n1,2\n"


# ---- structure sets --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["srtrain150", "srtest150"])
def test_structure_sets_hold_what_was_counted(name: str) -> None:
    rows, facts = structure_set(name), counts()[name]
    assert len(rows) == facts["rnas"]
    assert sum(len(one.sequence) >= 30 for one in rows) == facts["at_least_30_bases"]
    assert len({one.name.lower() for one in rows}) == len(rows)
    for one in rows:
        assert set(one.sequence) <= set("ACGU")
        assert one.pairs
        assert list(one.pairs) == sorted(set(one.pairs))
        assert all(0 <= i < j < len(one.sequence) for i, j in one.pairs)


def test_published_sizes() -> None:
    facts = counts()
    assert facts["srtrain150"]["rnas"] + facts["srtrain150"]["removed_near_test"] == facts["srtrain150"]["published"] == 266
    assert facts["srtest150"]["rnas"] == 219


@pytest.mark.parametrize("name", ["srtrain150", "srtest150"])
def test_pairs_of_structure_sets_are_canonical_with_one_partner(name: str) -> None:
    """Unlike SPOT-RNA's references: no ceiling below 1 for a decoder of canonical pairs."""
    rnas = structure_set(name)
    assert canonical_share([(one.sequence, list(one.pairs)) for one in rnas]) == 1
    for one in rnas:
        partners = [base for pair in one.pairs for base in pair]
        assert len(partners) == len(set(partners))


def test_pseudoknots_are_kept() -> None:
    crossing = [one.name for one in structure_set("srtest150") if any(a < i < b < j for a, b in one.pairs for i, j in one.pairs)]
    assert len(crossing) > 20


def test_selection_set_shares_nothing_with_the_test_set() -> None:
    """Every pair is compared, without the search for shared words."""
    test = [one.sequence for one in structure_set("srtest150")]
    near = [one.name for one in structure_set("srtrain150") if any(identity.identity(one.sequence, x) >= 0.8 for x in test)]
    assert near == []


@pytest.mark.parametrize("name", ["srtrain150", "srtest150"])
def test_every_structure_rna_has_a_family(name: str) -> None:
    for row in table(f"{name}.csv.gz"):
        assert row["family"].startswith(("RF", "CL")), row
        assert row["family_source"] in {"cmscan", "seed", "cluster"}
        assert row["family_source"] == "cluster" or row["family"].startswith("RF")
    trna = [row for row in table(f"{name}.csv.gz") if row["family"] == "RF00005"]
    assert all(row["clan"] == "CL00001" for row in trna)


def test_well_known_rnas_are_recognised() -> None:
    family = {row["name"].split("_")[0]: row["family"] for name in ("srtrain150", "srtest150") for row in table(f"{name}.csv.gz")}
    known = {"4FRN": "RF01689"}
    assert {entry: family[entry] for entry in known} == known
    assert Counter(family.values())["RF00005"] >= 10


# ---- held-out families -----------------------------------------------------------------------


def test_families_of_structure_rnas_are_held_out_with_their_clans() -> None:
    held = {row["family"] for row in table("heldout.csv")}
    rows = table("srtrain150.csv.gz") + table("srtest150.csv.gz")
    assert {row["family"] for row in rows if row["family"].startswith("RF")} <= held


def test_clans_are_not_split() -> None:
    held_clans = {row["clan"] for row in table("heldout.csv")} - {""}
    trained = {row["clan"] for row in table("rfam_drawn.csv.gz") if row["split"] == "train"}
    assert held_clans & trained == set()


def test_held_out_families_are_absent_from_training_files() -> None:
    held = {row["family"] for row in table("heldout.csv")}
    split = defaultdict(set)
    for row in table("rfam_drawn.csv.gz"):
        split[row["split"]].add(row["family"])
    assert split["train"] & held == set()
    assert split["heldout"] <= held
    train = {block.features["AC"] for block in alignments("drawn_alignments_train.sto.gz")}
    assert train & held == set()
    assert {block.features["AC"] for block in alignments("drawn_alignments_heldout.sto.gz")} <= held
    assert {"train", "heldout"} == set(split)


def test_whole_clans_are_held_out() -> None:
    """The doctest's rule on a made-up clan, and that chance depends on nothing but the name."""
    clan_of = {"RF1": "CL1", "RF2": "CL1"}
    assert {one.family for one in heldout.hold_out(["RF1", "RF2"], clan_of, {"RF2": "hit: TS1"})} == {"RF1", "RF2"}
    alone = [one.family for one in heldout.hold_out(["RF00013"], {}, {})]
    among = [one.family for one in heldout.hold_out(["RF00013", "RF1", "RF2"], clan_of, {}) if one.family == "RF00013"]
    assert alone == among


def test_archive_families_are_held_out() -> None:
    assert set(heldout.ARCHIVE) <= {row["family"] for row in table("heldout.csv")}


# ---- drawn sequences -------------------------------------------------------------------------


def test_drawn_sequences_are_whole() -> None:
    rows = table("rfam_drawn.csv.gz")
    facts = counts()
    assert Counter(row["split"] for row in rows) == {which: facts[f"rfam_drawn_{which}"]["rnas"] for which in ("train", "heldout")}
    assert len({row["name"] for row in rows}) == len({row["sequence"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row["sequence"]) <= set("ACGU")
        assert 30 <= len(row["sequence"]) == len(row["structure"]) <= 500
        assert len(stockholm.pairs(row["structure"])) >= 6
        assert row["type"]


def test_drawn_pairs_are_as_noisy_as_real_seeds() -> None:
    rows = table("rfam_drawn.csv.gz")[::10]
    assert 0.94 <= canonical_share([(row["sequence"], stockholm.pairs(row["structure"])) for row in rows]) <= 0.98


def test_no_drawn_pair_closes_an_impossible_loop() -> None:
    assert min(j - i for row in table("rfam_drawn.csv.gz") for i, j in stockholm.pairs(row["structure"])) >= 4


def test_training_draws_are_not_near_structure_rnas() -> None:
    drawn = [row["sequence"] for row in table("rfam_drawn.csv.gz") if row["split"] == "train"][::150]
    tests = [one.sequence for name in ("srtrain150", "srtest150") for one in structure_set(name)]
    assert identity.near_duplicates(drawn, tests) == []


@pytest.mark.parametrize("which", ["train", "heldout"])
def test_drawn_alignments(which: str) -> None:
    found = alignments(f"drawn_alignments_{which}.sto.gz")
    assert len(found) == counts()[f"drawn_alignments_{which}"]["families"] == len({block.features["AC"] for block in found})
    for block in found:
        rows = list(block.rows.values())
        columns = len(block.structure)
        assert columns <= 130
        assert 40 <= len(rows) <= 48
        assert {len(row) for row in rows} == {columns}
        assert len(stockholm.pairs(block.structure)) >= 6
        assert all(2 * sum(row[c] == "-" for row in rows) <= len(rows) for c in range(columns))
        assert rows[0].count("-") == min(row.count("-") for row in rows)


# ---- real seeds ------------------------------------------------------------------------------


def test_seed_alignments() -> None:
    found = {block.features["AC"]: block for block in real_seeds()}
    assert len(found) == counts()["rfam_seeds"]["families"] == sum(seed.shipped for seed in seeds.SEEDS)
    assert sum(len(block.rows) for block in found.values()) == counts()["rfam_seeds"]["rows"]
    for block in found.values():
        rows = list(block.rows.values())
        assert {len(row) for row in rows} == {len(block.structure)}
        assert set("".join(rows)) <= set("ACGU-")
        assert len({row.replace("-", "") for row in rows}) == len(rows)


@pytest.mark.parametrize(("family", "share"), [("RF00005", 0.95), ("RF00001", 0.9), ("RF00174", 0.93), ("RF00010", 0.93)])
def test_seed_structures_fit_their_rows(family: str, share: float) -> None:
    block = next(block for block in real_seeds() if block.features["AC"] == family)
    paired = stockholm.pairs(block.structure)
    rows = [(row, [(i, j) for i, j in paired if "-" not in row[i] + row[j]]) for row in block.rows.values()]
    assert canonical_share(rows) >= share


def test_a_yeast_trna_reads_as_a_cloverleaf() -> None:
    block = next(block for block in real_seeds() if block.features["AC"] == "RF00005")
    assert len(stockholm.pairs(block.structure)) == 21


# ---- tools -----------------------------------------------------------------------------------


def slow_distance(pattern: str, text: str) -> int:
    row = [0] * (len(text) + 1)
    for i, letter in enumerate(pattern, 1):
        new = [i]
        for j, other in enumerate(text, 1):
            new.append(min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (letter != other)))
        row = new
    return min(row)


sequences = st.text("ACGU", min_size=1, max_size=90)


@settings(deadline=None)
@given(sequences, st.text("ACGU", max_size=90))
def test_distance_is_the_edit_distance_with_free_ends(pattern: str, text: str) -> None:
    assert identity.distance_inside(pattern, text) == slow_distance(pattern, text)


@settings(deadline=None)
@given(st.text("ACGU", min_size=40, max_size=120), st.data())
def test_a_copy_with_few_changes_is_found(sequence: str, data: st.DataObject) -> None:
    """Planted: a tenth of the bases changed in one stretch, inside something longer."""
    start = data.draw(st.integers(0, len(sequence) - len(sequence) // 10))
    changed = sequence[:start] + "A" * (len(sequence) // 10) + sequence[start + len(sequence) // 10 :]
    assert identity.near_duplicates([sequence], ["GACU" * 10 + changed + "CAGU" * 10])


def test_short_rnas_are_not_found_inside_long_ones() -> None:
    assert identity.near_duplicates(["GGGAAACCC"], ["A" * 50 + "GGGAAACCC"]) == []
    assert identity.near_duplicates(["GGGAAACCC"], ["GGGAAACCCA"]) == [(0, 0, 1.0)]


def test_projection_by_hand() -> None:
    consensus = stockholm.pairs("<<<<<<<<....>>>>>>>>")
    assert draws.project("GGGGGG-GaAAACC-CCCCC", consensus) == draws.Drawn("GGGGGGGAAAACCCCCCC", "(((((.(....).)))))")
    assert draws.project("GG-AAA-CC", [(0, 8), (1, 7), (2, 6)]) == draws.Drawn("GGAAACC", "((...))")


def test_draws_without_enough_pairs_are_dropped() -> None:
    assert draws.sequences(stockholm.Alignment({}, {"x": "G" * 5 + "A" * 30 + "C" * 5}, "<" * 5 + "." * 30 + ">" * 5)) == []


def test_unbalanced_structure_is_refused() -> None:
    for wrong in ("((..)", "(..))", "A..."):
        with pytest.raises(ValueError, match="column"):
            stockholm.pairs(wrong)


def test_seed_rows_are_cleaned() -> None:
    block = stockholm.Alignment({}, {"a": "GGxAA.CC".replace("x", "A"), "b": "GG-AAACC", "c": "GGNAA.CC"}, "<<....>>")
    clean, repeated, strange = seeds.clean(block, seeds.SEEDS[0], "CL9")
    assert (list(clean.rows), repeated, strange) == (["a"], 1, 1)
    assert (clean.rows["a"], clean.structure, clean.features["CL"]) == ("GGAAACC", "((...))", "CL9")


# ---- public sets, read to hold out -----------------------------------------------------------


def test_training_draws_are_not_near_spot_rnas_sets() -> None:
    folder = os.environ.get("RNASTUDY_DATA")
    archive = Path(folder or ".") / "spot-rna/PDB_dataset.zip"
    if not folder or not archive.exists():
        pytest.skip("RNASTUDY_DATA is not set, or holds no spot-rna/PDB_dataset.zip")
    sets = structures.read_spotrna(archive)
    assert {name: len(rnas) for name, rnas in sets.items()} == {"VL1": 30, "TS1": 67, "TS2": 39}
    drawn = [row["sequence"] for row in table("rfam_drawn.csv.gz") if row["split"] == "train"][::150]
    assert identity.near_duplicates(drawn, [sequence for rnas in sets.values() for sequence in rnas.values()]) == []
