"""Every public data set that lies in RNASTUDY_DATA, read whole and held to its card and to what its authors say."""

import csv
import json

import numpy as np
import pytest

from rnastudy import datasets
from rnastudy.datasets.fetching import fetch_file

PUBLIC = [card for card in datasets.cards().values() if card.origin == "public"]


@pytest.fixture(autouse=True)
def own_cache(real_data, tmp_path, monkeypatch):
    """Tests never touch the user's cache, nor fetch."""
    monkeypatch.setenv("RNASTUDY_CACHE", str(tmp_path))
    monkeypatch.setattr("rnastudy.datasets.fetching.ATTEMPTS", 0)


def load_or_skip(name, **options):
    missing = datasets.missing_files(datasets.card(name))
    if missing:
        pytest.skip(f"{name}: {missing[0].path} is not in RNASTUDY_DATA")
    return datasets.load(name, **options)


@pytest.mark.parametrize("card", PUBLIC, ids=lambda card: card.name)
def test_files_and_counts_are_those_of_the_card(card):
    if datasets.missing_files(card):
        pytest.skip(f"{card.name}: {datasets.missing_files(card)[0].path} is not in RNASTUDY_DATA")
    for file in card.files:
        assert file.size is None or fetch_file(card, file).stat().st_size == file.size
    if card.reader == "table":
        assert datasets.table(card.name)
        return
    found = datasets.load(card.name)
    assert set("".join({letter for rna in found for letter in rna.sequence})) <= set("ACGUN")
    assert found.counts.items() >= dict(card.counts).items() and card.counts


@pytest.mark.parametrize(("name", "rnas"), [("spotrna_tr1", 120), ("spotrna_vl1", 30), ("spotrna_ts1", 67), ("spotrna_ts2", 39)])
def test_spotrna_sets_as_published(name, rnas):
    assert len(load_or_skip(name)) == rnas


def test_spotrna_modified_bases_and_the_rna_without_pairs():
    """Pitfalls: P and T as unknown tokens; F1 undefined for 2gtt-1-W."""
    found = load_or_skip("spotrna_vl1")
    assert [rna.name for rna in found if rna.pairs == ()] == ["2gtt-1-W"]
    assert found.report.counts == {"t_to_u": 2, "modified": 4}
    assert found.report.left_out == {"files that are not RNAs": 6}
    assert "N" not in "".join(rna.sequence for rna in found)


def test_spotrna_pairs_by_hand():
    """1ddy-1-A's label file begins 7 22, 8 21, 8 25: counted from one, with a multiplet."""
    found = {rna.name: rna for rna in load_or_skip("spotrna_tr1")}
    assert found["1ddy-1-A"].pairs[:3] == ((6, 21), (7, 20), (7, 24))


def test_pdb_rna_agrees_with_spotrna():
    """Two groups' files of the same RNAs give the same sequences and pairs."""
    theirs = {rna.name: rna for rna in load_or_skip("pdb_rna")}
    ours = {rna.name: rna for name in ("spotrna_tr1", "spotrna_vl1", "spotrna_ts1") for rna in load_or_skip(name)}
    shared = theirs.keys() & ours.keys()
    assert len(shared) > 150
    same = [name for name in shared if theirs[name].sequence == ours[name].sequence and theirs[name].pairs == ours[name].pairs]
    assert len(same) / len(shared) > 0.9


def test_parts_of_pdb_rna_do_not_overlap():
    train, test = load_or_skip("pdb_rna_train"), load_or_skip("pdb_rna_test")
    assert len(train) == 141 and len(test) == 62 and not {r.name for r in train} & {r.name for r in test}


def test_archiveii_dot_bracket_says_what_its_pairs_say(real_data):
    found = load_or_skip("archiveii")
    assert set(found.families) == {"16s", "23s", "5s", "RNaseP", "grp1", "srp", "tRNA", "telomerase", "tmRNA"}
    with (real_data / "archiveii" / "ArchiveII.csv").open() as stream:
        for rna, row in zip(found, csv.DictReader(stream), strict=True):
            assert rna.pairs == tuple(sorted((i - 1, j - 1) for i, j in json.loads(row["base_pairs"])))


def test_rfam_5_seed_alignments():
    rows, families = load_or_skip("rfam_5_seed"), load_or_skip("rfam_5_seed_alignments")
    assert (len(rows), len(rows.families), len(families)) == (5526, 176, 176)
    first = families.rnas[0]
    assert first.name == "RF00001" and first.alignment[0] == first.sequence
    assert max(len(members) for members in rows.families.values()) == max(len(rna.alignment) for rna in families)
    canonical = {"AU", "UA", "GC", "CG", "GU", "UG"}
    pairs = [rna.sequence[i] + rna.sequence[j] for rna in rows for i, j in rna.pairs]
    assert sum(pair in canonical for pair in pairs) / len(pairs) > 0.85


def test_rfam_3d_seed_rows_and_repeats():
    found = load_or_skip("rfam_3d_seed")
    assert len(found) + sum(found.report.left_out.values()) == 13328 and len(found.families) == 129


def test_released_maps_are_softmaxed_rows():
    found, maps = load_or_skip("rnamsm_maps"), datasets.maps("rnamsm_maps")
    assert [rna.name for rna in found] == ["2DRB_1", "6XJQ_A"]
    assert len(found.rnas[0].alignment) == 1176 and found.rnas[1].pairs is None
    for rna in found:
        assert maps[rna.name].shape == (10, 12, len(rna), len(rna))
        assert 0.95 < maps[rna.name].sum(-1).mean() < 1 and np.all(maps[rna.name].sum(-1) < 1.001)


def test_the_best_map_reads_the_stem_when_bases_are_in_register():
    """Were the maps shifted by one against the sequence (a token not cut off), the shifted stem would score higher."""
    rna = load_or_skip("rnamsm_maps").rnas[0]
    found = datasets.maps("rnamsm_maps")[rna.name]
    both = found + found.swapaxes(-1, -2)
    stem = [pair for pair in rna.pairs if pair[1] - pair[0] > 10]
    scores = {shift: np.mean([both[:, :, i + shift, j + shift] for i, j in stem], axis=0).max() for shift in (-1, 0, 1)}
    assert len(stem) > 5 and scores[0] > 3 * max(scores[-1], scores[1])


def test_whole_assays_can_be_read_as_tables():
    if datasets.missing_files(datasets.card("nabench")):
        pytest.skip("nabench is not in RNASTUDY_DATA")
    rows = sum(len(datasets.table("nabench", file.path)) for file in datasets.card("nabench").files)
    assert rows == 320095
