"""The analyses, on contenders whose answers are known by construction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from rnastudy import analyses
from rnastudy.analyses import CAREFUL, REVIEW, Contender
from rnastudy.contacts import Setting
from rnastudy.datasets import Dataset, NormalisationReport
from rnastudy.errors import StudyError
from rnastudy.rna import Rna

FAMILIES = ("a", "b", "c", "d")


def hairpin(name: str, stem: str, loop: str = "AAAA") -> Rna:
    pair = {"A": "U", "U": "A", "G": "C", "C": "G"}
    sequence = stem + loop + "".join(pair[base] for base in reversed(stem))
    return Rna(name, sequence, tuple((k, len(sequence) - 1 - k) for k in range(len(stem))), family=FAMILIES[len(name) % 4])


def dataset(name: str, rnas: list[Rna]) -> Dataset:
    return Dataset(name, tuple(rnas), None, NormalisationReport(len(rnas), sum(map(len, rnas))), "0" * 64)


@pytest.fixture(scope="module")
def sets() -> tuple[Dataset, Dataset]:
    rng = np.random.default_rng(0)
    rnas = [hairpin(f"r{k}" + "x" * (k % 4), "".join(rng.choice(list("ACGU"), 6 + k % 3))) for k in range(16)]
    return dataset("choose", rnas[:8]), dataset("score", rnas[8:])


def planted(name: str = "planted", role: str = "trained", noise: float = 0.0, heads: int = 2) -> Contender:
    """Head 1 of layer 1 attends to the true partner; all other heads are flat."""

    def stream(rnas) -> Iterator[SimpleNamespace]:
        for index, rna in enumerate(rnas):
            size = len(rna)
            for layer in range(2):
                maps = torch.full((heads, size, size), 1 / size)
                if layer == 1:
                    for i, j in rna.pairs:
                        maps[1, [i, j]] = noise / size
                        maps[1, i, j] = maps[1, j, i] = 1 - noise
                yield SimpleNamespace(index=index, layer=layer, maps=maps)

    return Contender(name, role, stream, lambda rnas: [], 1000)


@pytest.fixture(scope="module")
def study(sets) -> analyses.StructureStudy:
    entrants = [planted(), planted("flat", noise=1.0), analyses.baseline("stem-prior"), analyses.baseline("random")]
    return analyses.structure(entrants, *sets, n_draws=50, progress=False)


def test_a_planted_head_is_chosen_and_scores_one(study) -> None:
    choice = study.choices["planted", CAREFUL]
    assert (choice.layer, choice.head) == (1, 1)
    row = study.value("planted")
    assert row.value == row.high == 1.0
    assert row.low > study.value("flat").high
    assert study.value("planted", REVIEW, "f1_micro").value == 1.0
    assert study.value("flat").value < 0.35


def test_stem_prior_beats_chance_on_hairpins(study) -> None:
    assert study.value("stem-prior").value > study.value("random").value + 0.3


def test_results_are_tidy_and_complete(study) -> None:
    needed = {
        "analysis",
        "model",
        "role",
        "parameters",
        "dataset",
        "selected_on",
        "protocol",
        "decoder",
        "canonical",
        "min_separation",
        "measure",
        "value",
        "low",
        "high",
        "n",
        "n_families",
        "layer",
        "head",
        "threshold",
    }
    assert needed <= set(study.results.columns)
    keys = ["model", "protocol", "decoder", "canonical", "min_separation", "measure", "dataset"]
    assert not study.results.duplicated(keys).any()
    assert set(study.per_rna.columns) >= {
        "model",
        "role",
        "dataset",
        "protocol",
        "decoder",
        "canonical",
        "min_separation",
        "rna",
        "family",
        "length",
        "n_pairs",
        "f1",
        "precision",
        "recall",
    }
    macro = study.per_rna[(study.per_rna.model == "flat") & (study.per_rna.decoder == "greedy") & ~study.per_rna.canonical].f1.mean()
    assert study.value("flat", Setting("careful", decoder="greedy")).value == pytest.approx(macro)


def test_selection_never_sees_test_labels(sets) -> None:
    """Changing every label of the test set must not change any choice."""
    choose, score = sets
    wrong = dataset("score", [rna.with_(pairs=((0, len(rna) - 1),)) for rna in score.rnas])
    kwargs = {"n_draws": 5, "progress": False}
    one = analyses.structure([planted(noise=0.3)], choose, score, **kwargs)
    two = analyses.structure([planted(noise=0.3)], choose, wrong, **kwargs)
    assert one.choices == two.choices


def test_a_shared_sequence_is_refused(sets) -> None:
    with pytest.raises(StudyError, match="share 1 sequences"):
        analyses.structure([planted()], sets[0], dataset("leaky", [*sets[1].rnas, sets[0].rnas[0]]), progress=False)


def test_common_subset_drops_what_any_contender_cannot_read(sets) -> None:
    short = Contender("short", "trained", planted().stream, lambda rnas: [0, 2])
    kept, lost = analyses.common_subset(sets[0].rnas, [planted(), short])
    assert [rna.name for rna in kept] == [rna.name for k, rna in enumerate(sets[0].rnas) if k not in (0, 2)]
    assert lost == {"planted": 0, "short": 2}
    with pytest.raises(StudyError, match="no RNA can be scored"):
        analyses.common_subset(sets[0].rnas, [Contender("none", "trained", planted().stream, lambda rnas: list(range(len(rnas))))])


def test_traps_show_the_optimism_of_choosing_on_the_test_set(study) -> None:
    table = analyses.structure_traps(study, ["flat"]).set_index("trap").value
    assert table["head chosen per RNA"] >= table["head chosen on the test set"] - 1e-9
    assert table["head chosen on the test set"] >= table["threshold chosen on the test set"] - 1e-9 >= table["frozen choice"] - 2e-9


def test_shuffled_rnas_lose_what_a_sequence_reader_finds(sets) -> None:
    prior = analyses.baseline("stem-prior")
    study = analyses.structure([prior], *sets, n_draws=5, progress=False)
    found = analyses.transformed(study, [prior]).set_index("dataset").value
    assert found["score, mirrored"] == pytest.approx(study.value("stem-prior").value)
    assert found["score, shuffled"] < study.value("stem-prior").value - 0.3


def test_contrasts_are_paired_and_adjusted(study) -> None:
    table = analyses.contrasts(study, [("planted", "flat"), ("planted", "absent")], n_draws=100)
    assert len(table) == 1
    assert table.difference[0] == pytest.approx(1 - study.value("flat").value)
    assert table.low[0] > 0
    assert not table.equivalent[0]


def test_findings_quote_the_table(study) -> None:
    found = analyses.structure_findings(study)
    assert found["best_model_label"] == "planted"
    assert found["best_f1"] == 1.0
    assert found["n_test"] == 8
    assert "1.00" in found["answer"]
    assert found["stem_prior_f1"] == study.value("stem-prior").value


def test_example_is_the_median_rna(study) -> None:
    rna = analyses.example_rna(study, "planted")
    maps, chosen = analyses.example_maps(study, [planted()], "planted", rna)
    assert next(iter(maps)) == "planted, layer 2, head 2"
    assert chosen == {"planted, layer 2, head 2": study.choices["planted", CAREFUL].threshold}
    assert maps["planted, layer 2, head 2"].shape == (len(rna), len(rna))


def test_lengths_are_filtered_and_an_empty_set_is_refused(sets) -> None:
    assert {len(rna) for rna in analyses.of_length(sets[0], 18, 18).rnas} == {18}
    with pytest.raises(StudyError, match="none of 8 RNAs"):
        analyses.of_length(sets[0], 500)


class Letters:
    """A stand-in for a model whose hidden states are the bases' letters, with a start token of zeros and a one."""

    name, n_layers, n_parameters, weights_sha256, max_bases = "letters", 1, 4, "0", None

    def __init__(self, blind: int = 0) -> None:
        """The first so many letters look alike to it."""
        self.table = torch.eye(5)
        self.table[:blind] = self.table[0]

    def hidden(self, rnas, *, layers: str = "last"):
        for index, rna in enumerate(rnas):
            states = torch.stack([self.table["ACGUN".index(base)] for base in rna.sequence])[None]
            yield SimpleNamespace(
                index=index, bases=states.repeat(2 if layers == "all" else 1, 1, 1), first=torch.eye(5)[[4]].repeat(2 if layers == "all" else 1, 1)
            )

    def skipped(self, rnas) -> list[int]:
        return []


def lettered() -> Dataset:
    """Four families that differ in composition, two of them of one clan."""
    rng = np.random.default_rng(0)
    shares = {"a": [0.7, 0.1, 0.1, 0.1], "b": [0.1, 0.7, 0.1, 0.1], "c": [0.1, 0.1, 0.7, 0.1], "d": [0.1, 0.1, 0.1, 0.7]}
    rnas = [
        Rna(f"{f}{k}", "".join(rng.choice(list("ACGU"), 60 + 3 * k, p=p)), family=f, clan="X" if f in "ab" else None)
        for f, p in shares.items()
        for k in range(6)
    ]
    return dataset("letters", rnas)


@pytest.fixture(scope="module")
def families() -> analyses.ClassificationStudy:
    entrant = Contender("letters", "trained", lambda rnas: iter(()), lambda rnas: [], 4, Letters())
    return analyses.classification([entrant], lettered(), baselines=["composition", "length"], n_draws=30, n_pairs=500, progress=False)


@pytest.fixture(scope="module")
def both(sets) -> tuple[analyses.StructureStudy, analyses.ClassificationStudy, list[analyses.Rules]]:
    """Three sizes of one model and the untrained twin of the largest: the larger, the better at structure and the worse at families."""
    rules = analyses.followed("both")
    sizes = {"m-1": (1e3, 0.97, 0), "m-2": (1e4, 0.93, 2), "n-3": (1e5, 0.0, 3), "n-3@untrained": (1e5, 1.0, 1)}
    readers, writers = [], []
    for name, (size, noise, blind) in sizes.items():
        role = "untrained" if "@" in name else "trained"
        readers.append(replace(planted(name, role, noise), parameters=int(size)))
        writers.append(replace(readers[-1], probe=Letters(blind)))
    settings = [one.setting for one in rules]
    structure = analyses.structure(readers, *sets, settings=settings, intervals=settings, n_draws=40, progress=False)
    return structure, analyses.classification(writers, lettered(), n_draws=40, n_pairs=500, layers=False, progress=False), rules


def test_composition_separates_families_that_differ_in_it(families) -> None:
    assert families.value("letters", "auroc").value > 0.99
    assert families.value("letters", "auroc").value == pytest.approx(families.value("composition", "auroc").value)
    assert families.scores["letters", "careful"].n_clan_mates == 36


def test_review_uses_its_own_descriptor(families) -> None:
    rows = families.results
    assert set(rows[(rows.model == "letters") & (rows.protocol == "review") & rows.headline].descriptor) == {"fft"}
    assert families.value("letters", "overlap_ratio", protocol="review").n == 24


def test_similarity_counts_hold_all_pairs_once(families) -> None:
    counts, edges = analyses.similarity_counts(families, bins=100)
    scores = families.scores["letters", "careful"]
    positive, negative = counts[next(key for key in counts if key[0] == "letters")]
    assert (positive.sum(), negative.sum()) == (scores.n_positive, scores.n_negative)
    assert len(edges) == 101


def test_family_findings_quote_the_table(families) -> None:
    found = analyses.classification_findings(families)
    assert found["best_label"] == "letters"
    assert found["n_sequences"] == 24
    assert found["length_auroc"] == families.value("length", "auroc").value


def test_a_ladder_of_known_slope() -> None:
    table = pd.DataFrame({"model": list("abc"), "role": "trained", "parameters": [1e3, 1e4, 1e5], "value": [0.1, 0.2, 0.3], "low": 0.0, "high": 1.0})
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.2, 400)
    draws = {name: value + shared for name, value in zip("abc", (0.1, 0.2, 0.3), strict=True)}
    one = analyses.ladder(table, draws)
    assert one.slope.value == pytest.approx(0.1)
    assert one.slope.high - one.slope.low < 1e-9  # luck that all sizes share is no luck of the slope
    assert one.line.value.iloc[[0, -1]].tolist() == pytest.approx([0.1, 0.3])
    assert not one.slope.may_speak_of_flattening


def test_points_need_three_models(study, families) -> None:
    with pytest.raises(StudyError, match="at least three"):
        analyses.points(study, families)


def test_the_headline_is_careful_unless_only_review_is_asked_for() -> None:
    assert [[one.protocol for one in analyses.followed(word)] for word in ("careful", "review", "both")] == [["careful"], ["review"], ["careful", "review"]]
    with pytest.raises(StudyError, match="unknown protocol"):
        analyses.followed("carefull")


def test_review_alone_can_be_scanned(sets) -> None:
    found = analyses.structure([planted()], *sets, settings=[REVIEW], intervals=[REVIEW], n_draws=5, progress=False)
    assert set(found.results[found.results.role != "ceiling"].protocol) == {"review"}
    assert len(found.curves)


def test_scaling_follows_each_protocol_by_its_own_rules(both) -> None:
    structure, function, rules = both
    table = analyses.scaling_table(analyses.ladders(structure, function, rules), ("score", "letters"))
    name = "n-3@untrained"
    points = table[table.model == name].set_index(["protocol", "task"])
    assert points.value["careful", "structure"] == structure.value(name).value
    assert points.value["review", "structure"] == structure.value(name, REVIEW, "f1_micro").value
    assert points.value["review", "structure"] != points.value["careful", "structure"]
    assert points.value["careful", "function"] == function.value(name, "auroc").value
    assert points.value["review", "function"] == function.value(name, "overlap_ratio", protocol="review").value
    assert points.dataset["review", "function"] == "letters"
    slopes = table[table.model == "all sizes"].set_index(["protocol", "task"])
    assert np.isfinite(slopes.low["review", "structure"])
    assert np.isnan(slopes.low["review", "function"])  # the review resamples no families


def test_sentences_of_scaling_are_true_of_other_models(both) -> None:
    structure, function, rules = both
    careful, review = (analyses.scaling_findings(analyses.ladders(structure, function, kept), drawn=False) for kept in (rules, rules[1:]))
    assert careful["answer"].startswith("By the careful protocol, ten times")
    assert "m-1 (no series)" in careful["series"] and "n-3@untrained (no series, random weights)" in careful["series"]
    assert careful["training"].startswith("Not all of these models come with a record")
    assert "By the review protocol" in careful["compared"]
    assert review["headline_protocol"] == "review" and "overlap ratio (lower is better)" in review["answer"]
    assert "without an interval" in review["answer"] and "function_slope_low" not in review
    assert review["compared"] == "This run followed the review protocol alone."
    assert all(np.isfinite(value) for value in review.values() if isinstance(value, float))


def test_a_slope_that_holds_zero_says_what_would_not_have_shown() -> None:
    table = pd.DataFrame({"model": list("ab"), "role": "trained", "parameters": [1e3, 1e4], "value": [0.5, 0.5], "low": 0.0, "high": 1.0})
    draws = np.linspace(-0.1, 0.1, 2001)
    one = analyses.ladder(table, {"a": np.zeros(2001), "b": draws})
    found = analyses.scaling_findings([analyses.Ladders(analyses.RULES["careful"], one, one)], drawn=False)
    assert "includes zero; a slope within about ±0.095 would not show" in found["structure_sentence"]


def test_the_plane_of_each_protocol_has_its_own_axes(both) -> None:
    structure, function, rules = both
    careful, review = (analyses.points(structure, function, one, n_draws=50) for one in rules)
    ratio = function.value("m-1", "overlap_ratio", protocol="review").value
    assert review.table.set_index("model").function["m-1"] == pytest.approx(1 - ratio)
    assert review.axes == ("structure: F1 of all pairs pooled (review)", "function: 1 - overlap ratio (review)")
    assert review.table.front_share.isna().all() and not review.table.near.any()
    assert careful.table.front_share.between(0, 1).all()
    assert careful.table.set_index("model").front_share["n-3@untrained"] == 0
    found = analyses.tradeoff_findings([careful, review], drawn=False)
    assert "by the review protocol" in found["compared"]
    assert "gives function no interval" in analyses.tradeoff_findings([review], drawn=False)["answer"]
    table = analyses.tradeoff_table([careful, review], ("score", "letters"))
    assert set(table.protocol) == {"careful", "review"}
    assert set(table[table.measure == "1 - overlap_ratio"].dataset) == {"letters"}
    assert (table.measure == "rank correlation").sum() == 2


def test_a_near_tie_is_listed_beside_the_front(both) -> None:
    structure, function, rules = both
    points = analyses.points(structure, function, rules[0], n_draws=50)
    front = points.table.model.ne("m-2")
    table = points.table.assign(front=front, near=~front, front_share=np.where(front, 0.9, 0.3))
    said = analyses.tradeoff_findings([replace(points, table=table)], drawn=False)["front_sentence"]
    assert "m-2 (30%) cannot be told from that front" in said


def test_ties_say_how_large_a_difference_had_to_be() -> None:
    from rnastudy.analyses.ties import tie

    rng = np.random.default_rng(0)
    draws = {name: rng.normal(0.5, 0.01, 2000) for name in "ab"} | {"c": np.full(2000, 0.1)}
    found = tie(pd.DataFrame({"model": list("abc"), "value": [0.5, 0.501, 0.1]}), draws, "mean F1")
    assert found.names == ("a", "b")
    assert "Not told apart from b, the highest in mean F1: a; differences below about 0.02" in found.sentence
    assert tie(pd.DataFrame({"model": ["a"], "value": [0.5]}), draws, "mean F1").sentence == "a is the only trained model."
    few = {name: values[:30] for name, values in draws.items()}
    assert tie(pd.DataFrame({"model": list("ac"), "value": [0.5, 0.1]}), few, "mean F1").sentence.startswith("30 draws are too few to tell 2 models apart")


def test_planned_contrasts_name_each_pair_once_and_only_who_took_part(study) -> None:
    assert analyses.planned(study, "planted") == [("planted", "stem-prior")]
    names = SimpleNamespace(results=pd.DataFrame({"model": ["plain-70k", "plain-70k@untrained", "mapconv-9k@untrained"]}))
    assert analyses.planned(names, "plain-70k") == [("plain-70k", "plain-70k@untrained")]


def test_opponent_is_another_contender_or_nobody(study, sets) -> None:
    assert analyses.opponent(study, "planted") in {"flat", "stem-prior", "random"}
    alone = analyses.structure([planted()], *sets, settings=[CAREFUL], intervals=[], progress=False)
    assert analyses.opponent(alone, "planted") is None


def test_a_page_of_nulls_alone_is_refused_in_one_line(sets) -> None:
    found = analyses.structure([planted("flat@untrained", "untrained")], *sets, n_draws=5, progress=False)
    with pytest.raises(StudyError, match="no trained model among flat@untrained"):
        analyses.structure_findings(found)


def test_the_trap_of_a_head_per_rna_is_said_in_the_numbers_of_the_run(study) -> None:
    traps = analyses.structure_traps(study, ["flat"])
    said = analyses.traps_sentence(traps, None)
    value = traps.set_index("trap").value
    assert f"flat from {value['frozen choice']:.2f} to {value['head chosen per RNA']:.2f}" in said
    assert "Random canonical pairs are at 0.06" in analyses.traps_sentence(traps, 0.06)


def test_sets_are_named_with_what_they_hold(families) -> None:
    said = analyses.sets_sentence([families])
    assert said == "letters holds 24 natural RNAs of 4 families. No second set was asked for."


def test_released_maps_need_a_known_way() -> None:
    assert analyses.released("no") is None
    with pytest.raises(StudyError, match="unknown way with released maps"):
        analyses.released("perhaps")


def test_thinning_keeps_the_rna_itself() -> None:
    rna = Rna("a", "GC", alignment=("GC", "GU", "AU"))
    assert analyses.thinned(rna, 1).alignment == ("GC",)
    assert analyses.thinned(rna, 9).alignment == rna.alignment


def test_few_rnas_are_whole_families() -> None:
    rnas = [Rna(f"{f}{k}", "ACGU", family=f) for f in "abcdefgh" for k in range(5)]
    few = analyses.at_most(dataset("many", rnas), 3, limit=9)
    assert sorted(len(members) for members in few.families.values()) == [3, 3, 3, 3]
    assert len(analyses.at_most(dataset("many", rnas), None).rnas) == 40


def test_a_baseline_that_tells_nothing_apart_is_left_out() -> None:
    rng = np.random.default_rng(0)
    rnas = [Rna(f"r{k}", "".join(rng.choice(list("ACGU"), 40)), family="abc"[k % 3]) for k in range(12)]
    entrant = Contender("letters", "trained", lambda rnas: iter(()), lambda rnas: [], 4, Letters())
    study = analyses.classification([entrant], dataset("equal", rnas), baselines=["length", "composition"], n_draws=10, n_pairs=50, progress=False)
    assert set(study.results.model) == {"letters", "composition"}


def test_relatives_of_the_test_set_are_left_out_of_the_choice() -> None:
    one = dataset("one", [Rna("a", "ACGU", family="F", clan="C"), Rna("b", "ACGU", family="G", clan="C"), Rna("c", "ACGU", family="H")])
    assert [rna.name for rna in analyses.unrelated(one, dataset("two", [Rna("d", "ACGU", family="F", clan="C")])).rnas] == ["c"]


def test_cost_counts_operations() -> None:
    entrants = analyses.contenders(["mapconv-9k", "mapconv-70k"], untrained=False)
    cost = analyses.costs(entrants, [Rna("a", "ACGU" * 10)])
    assert 0 < cost.gflops[0] < cost.gflops[1]
