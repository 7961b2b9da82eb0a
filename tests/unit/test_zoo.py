"""The zoo: one thing changed at a time, corpora that are what they say, models that load by name."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import asdict

import pytest

from rnastudy import datasets, models
from rnastudy.errors import StudyError
from rnastudy.models.cards import embedded_folder, find_card
from rnastudy.rna import Rna
from rnastudy.training.sources import GENOME_TRINUCLEOTIDES, VARIANTS, columns_shuffled, nearest_hashes, training_rnas
from rnastudy.training.zoo import BASE, LEFT_OUT, LEVELS, PREFIX, SEEDS, ZOO, level_of
from tools.train_zoo import jobs

real = pytest.mark.skipif(not os.environ.get("RNASTUDY_DATA"), reason="real sequences are not embedded: set RNASTUDY_DATA to the folder that holds them")
#: What a factor may change in a recipe.
MAY_CHANGE = {
    "architecture": {"config"},
    "corpus": {"stages"},
    "corpus size": {"stages"},
    "objective": {"masking", "span", "structure_loss"},
    "tokens": {"unit", "unit_size", "masked"},
    "size": {"config"},
    "alignment": {"config", "stages"},
}
TRAINED = [level for level in LEVELS.values() if not level.condition]
STORED = [(level.name, seed) for level in TRAINED for seed in SEEDS if (embedded_folder(level.model(seed)) / "model.safetensors").is_file()]


@pytest.mark.parametrize("level", [level for level in TRAINED if level.against], ids=lambda level: level.name)
def test_a_level_differs_from_what_it_is_compared_with_in_its_factor_alone(level) -> None:
    one, other = asdict(level.recipe), asdict(LEVELS[level.against].recipe)
    changed = {key for key in one if one[key] != other[key]}
    assert changed
    assert changed <= MAY_CHANGE[level.factor]
    if changed == {"config", "stages"}:
        raise AssertionError("architecture and corpus are changed at once")


def test_architectures_differ_in_one_option_but_for_the_convolution_in_the_place_of_taps() -> None:
    for level in TRAINED:
        if level.factor == "architecture" and level.against:
            one, other = level.recipe.config, LEVELS[level.against].recipe.config
            changed = {key for key in {*one, *other} if one.get(key) != other.get(key)}
            assert len(changed) == 1 or level.name == "map-convolution"


def test_every_level_reaches_a_base_and_asked_again_ones_name_a_trained_one() -> None:
    for level in LEVELS.values():
        seen, at = set(), level
        while at.against:
            assert at.name not in seen
            seen.add(at.name)
            at = LEVELS[at.against]
        assert at.name in (BASE, "alignment")
        assert bool(level.condition) == bool(level.trained_as)
        assert not level.condition or PREFIX + level.trained_as in ZOO
    assert all(reason for reason in LEFT_OUT.values())
    with pytest.raises(StudyError, match="did you mean plain"):
        level_of("plian")


def test_columns_keep_their_letters_rows_their_lengths_and_pairs_part() -> None:
    rows = tuple("AU" if k % 2 else "GC" for k in range(40)) + ("G-",) * 2
    shuffled = columns_shuffled(Rna("a", "GC", alignment=rows)).alignment
    for before, after in zip(zip(*rows, strict=True), zip(*shuffled, strict=True), strict=True):
        assert Counter(before) == Counter(after)
    assert [row.index("-") if "-" in row else None for row in shuffled] == [row.index("-") if "-" in row else None for row in rows]
    joint = Counter(shuffled)
    assert joint["AC"] > 3
    assert joint["GU"] > 3
    assert shuffled == columns_shuffled(Rna("a", "GC", alignment=rows)).alignment


def test_subsets_are_nested_and_families_stay_whole() -> None:
    rnas = [Rna(f"r{k}", "ACGU", family=f"f{k // 10}") for k in range(2000)]
    small, large = nearest_hashes(rnas, 0.1), nearest_hashes(rnas, 0.3)
    assert {rna.name for rna in small} < {rna.name for rna in large}
    assert len(small) == pytest.approx(200, abs=50)
    whole = Counter(rna.family for rna in nearest_hashes(rnas, 0.1, by_family=True))
    assert set(whole.values()) == {10}


def _check_variant(name: str) -> None:
    held = {row["family"] for row in datasets.table("heldout_families")}
    rnas = training_rnas(name)
    assert rnas
    assert not {rna.family for rna in rnas} & held
    assert len({rna.name for rna in rnas}) == len(rnas)


@pytest.mark.parametrize("name", [name for name in VARIANTS if "real" not in name])
def test_no_variant_holds_a_held_out_family(name: str) -> None:
    _check_variant(name)


@real
@pytest.mark.parametrize("name", [name for name in VARIANTS if "real" in name])
def test_no_real_corpus_holds_a_held_out_family(name: str) -> None:
    _check_variant(name)


@real
def test_the_real_corpus_is_natural_and_its_shuffled_twin_has_the_same_dinucleotides() -> None:
    rnas, shuffled = training_rnas("real"), training_rnas("real-shuffled")
    assert {rna.natural for rna in rnas} == {True}
    assert len({rna.sequence for rna in rnas}) == len(rnas)
    for one, other in list(zip(rnas, shuffled, strict=True))[:50]:
        assert Counter(zip(one.sequence, one.sequence[1:], strict=False)) == Counter(zip(other.sequence, other.sequence[1:], strict=False))
    assert sum(one.sequence != other.sequence for one, other in zip(rnas, shuffled, strict=True)) > 0.95 * len(rnas)


def test_genome_like_sequences_have_the_genome_s_trinucleotides_and_the_lengths_of_the_drawn() -> None:
    rnas, drawn = training_rnas("genome-like"), [rna for rna in training_rnas("rfam_drawn_train") if len(rna) <= 130]
    assert [len(rna) for rna in rnas] == [len(rna) for rna in drawn]
    found = Counter(rna.sequence[k : k + 3] for rna in rnas[:4000] for k in range(len(rna) - 2))
    total, genome = sum(found.values()), sum(map(sum, GENOME_TRINUCLEOTIDES))
    for place, row in enumerate(GENOME_TRINUCLEOTIDES):
        for last, count in enumerate(row):
            word = "ACGU"[place // 4] + "ACGU"[place % 4] + "ACGU"[last]
            assert found[word] / total == pytest.approx(count / genome, rel=0.06)


def test_models_are_found_by_level_and_seed_without_torch_being_needed() -> None:
    card = find_card("zoo/kmers/1")
    assert card is not None
    assert (card.token_unit, card.loader) == ("3-mer", "embedded")
    assert find_card("zoo/alignment/0").reads_alignment
    assert [find_card(key) for key in ("zoo/kmers/7", "zoo/kmer/1", "zoo/prior-off-at-test/0", "kmers/0")] == [None] * 4
    with pytest.raises(StudyError, match="unknown model|hub|cannot be read"):
        models.load("zoo/none/0/0")


@pytest.mark.parametrize(("name", "seed"), STORED)
def test_stored_models_load_and_are_of_their_recipe(name: str, seed: int) -> None:
    import json

    level = level_of(name)
    probe = models.load(level.model(seed))
    stamp = json.loads((embedded_folder(level.model(seed)) / "training.json").read_text())
    assert stamp["parameters"] == probe.n_parameters
    assert stamp["seed"] == seed
    assert stamp["recipe"] == json.loads(json.dumps(asdict(level.recipe)))
    assert probe.reader.single_base == (level.recipe.unit == "base")


def test_the_zoo_stays_small() -> None:
    files = [path for path in embedded_folder("zoo").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8 * 2**20


def test_only_what_is_missing_is_trained_seed_by_seed(tmp_path) -> None:
    todo = list(jobs(tmp_path))
    assert len(todo) == len(set(todo)) == len(TRAINED) * len(SEEDS)
    assert [seed for _, seed in todo] == sorted(seed for _, seed in todo)
    (tmp_path / "zoo/plain/0").mkdir(parents=True)
    (tmp_path / "zoo/plain/0/config.json").write_text("{}")
    assert set(todo) - set(jobs(tmp_path)) == {("zoo/plain", 0)}
    assert list(jobs(tmp_path, ("stem",), (2,))) == [("zoo/stem", 2)]


def test_recipes_are_read_without_torch() -> None:
    import subprocess

    code = "import sys, rnastudy.training; from rnastudy.models.cards import find_card; find_card('zoo/plain/0'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
