"""Plans: estimates that follow from the cards, agree with what torch counts, and say what they do not know."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rnastudy import StudyError, cli, models
from rnastudy.runs import costs, grid, jobs, planning, read_study
from rnastudy.runs.machines import machine
from rnastudy.runs.study import Cell

ROOT = Path(__file__).resolve().parents[2]
H200 = machine("h200")


def lengths(*bases: float, rows: float = 1, exact: bool = True) -> costs.Workload:
    return costs.Workload("made", np.array(bases, dtype=float), rows, exact)


# One pass ------------------------------------------------------------------------------------------------------------


def test_operations_are_about_those_that_torch_counts() -> None:
    from rnastudy import datasets
    from rnastudy.scaling import measured_flops

    rna = max(datasets.load("srtest150"), key=len)
    ratios = {}
    for key in ("plain-70k", "mapconv-70k"):
        probe = models.load(key)
        counted = measured_flops(lambda probe=probe: list(probe.hidden([rna])))
        ratios[key] = counted / costs.reading(models.cards()[key], lengths(len(rna)), machine("cpu")).flops
    assert 0.5 < ratios["plain-70k"] < 2
    assert 2 < ratios["mapconv-70k"] < 20  # its convolutions over maps are not counted, as `assumptions` says


def test_the_estimate_agrees_with_the_exact_count_of_an_encoder() -> None:
    from rnastudy.scaling import encoder_flops

    card = models.cards()["rnafm"]
    exact = encoder_flops(12, 640, 5120, 200, vocabulary=26)
    assert costs.reading(card, lengths(200), H200).flops == pytest.approx(exact, rel=0.05)


def test_long_rnas_are_left_out_and_means_are_shortened() -> None:
    card = models.cards()["rnaernie"]  # reads 510 bases
    assert costs.reading(card, lengths(100, 510, 511), H200).rnas == 2
    assert costs.reading(card, lengths(100, 510, 511), H200, max_bases=400).rnas == 1
    assert costs.reading(card, lengths(9000), H200).flops == 0
    cut, full = (costs.reading(card, lengths(size, exact=False), H200) for size in (9000, 510))
    assert cut == full


def test_a_limit_counts_the_longest() -> None:
    card = models.cards()["rnafm"]
    assert costs.reading(card, lengths(10, 500, 20), H200, limit=1) == costs.reading(card, lengths(500), H200)


def test_rows_words_and_unknown_lengths() -> None:
    cards = models.cards()
    deep, one = (costs.reading(cards["rnamsm"], lengths(100, rows=rows), H200) for rows in (64, 1))
    assert deep.flops > 64 * one.flops and deep.memory > one.memory
    assert costs.reading(cards["rnafm"], lengths(100, rows=64), H200) == costs.reading(cards["rnafm"], lengths(100), H200)
    most = costs.reading(cards["rnamsm"], lengths(100, rows=10_000), H200)
    assert most == costs.reading(cards["rnamsm"], lengths(100, rows=cards["rnamsm"].max_rows), H200)
    words, bases = (costs.reading(cards[key], lengths(600), H200).flops / cards[key].parameters_million for key in ("nt", "rinalmo-giga"))
    assert words < bases / 5
    unknown = costs.Workload("made", np.array([np.inf]), 1, False)
    assert costs.reading(cards["dnabert2"], unknown, H200) == costs.reading(cards["dnabert2"], lengths(costs.LONGEST), H200)
    assert costs.reading(cards["rnafm"], costs.Workload("made", None, 1, False), H200) is None


def test_a_faster_machine_takes_less_time_for_the_same_operations() -> None:
    made = [costs.reading(models.cards()["rnafm"], costs.workload("archiveii"), machine(name)) for name in ("h200", "a100", "cpu")]
    assert made[0].seconds < made[1].seconds < made[2].seconds
    assert len({cost.flops for cost in made}) == 1
    assert made[0].memory > costs.weight_bytes(models.cards()["rnafm"])


def test_states_of_all_layers_take_memory_and_disk() -> None:
    maps, states = (costs.reading(models.cards()["rnafm"], lengths(500), H200, states=kept) for kept in (False, True))
    assert states.memory > maps.memory and states.vector_bytes > maps.vector_bytes == 0


def test_an_unknown_machine_lists_those_known() -> None:
    with pytest.raises(StudyError, match="unknown machine 'h20'; did you mean h200"):
        machine("h20")


# Studies -------------------------------------------------------------------------------------------------------------


def test_a_run_counts_each_model_on_each_of_its_sets() -> None:
    def flops(**parameters: object) -> float:
        return planning.need(Cell("s", "structure", {"alignment_model": "", "untrained": False, "model": "plain-70k", **parameters})).flops

    alone, twin = flops(), flops(untrained=True)
    assert twin == 2 * alone
    assert flops(model="plain-70k, mapconv-9k") == pytest.approx(alone + flops(model="mapconv-9k"))
    assert flops(model="plain-70k@depth1") == alone
    both = sum(costs.reading(models.cards()["plain-70k"], costs.workload(name), machine("cpu")).flops for name in ("srtrain150", "srtest150"))
    assert alone == both
    assert flops(alignment_model="align-27k") > alone
    assert flops(limit=5) < alone / 10


def test_an_alignment_model_reads_alignments_only() -> None:
    known = planning.read_parameters(planning.find_notebook("structure"))
    values = {name: parameter.default for name, parameter in known.items()} | {"model": "rnafm"}
    read = {(model, data) for model, data, _ in planning._readings(values, known)}
    assert read == {
        ("rnafm", "srtrain150"),
        ("rnafm", "srtest150"),
        ("align-27k", "rfam_drawn_alignments_heldout"),
        ("align-27k", "rfam_seed_alignments_heldout"),
    }


def test_every_study_that_ships_can_be_planned() -> None:
    for file in sorted((ROOT / "studies").glob("*.yml")):
        needs = planning.plan(read_study(file))
        assert all(one.seconds >= planning.OWN_SECONDS and one.memory >= planning.OWN_MEMORY for one in needs), file
        together = planning.total(needs)
        assert together.flops > 0
        assert together.seconds == pytest.approx(sum(one.seconds for one in needs))
        assert 0 <= together.download <= sum(one.download for one in needs)


def test_a_file_is_fetched_once_and_one_of_unknown_size_is_named() -> None:
    cells = [
        Cell(name, name, {"model": "rnafm", "data": "rfam_current_seed"} if name == "classification" else {"model": "rnafm"})
        for name in ("structure", "classification")
    ]
    needs = [planning.need(cell) for cell in cells]
    weights = costs.weight_bytes(models.cards()["rnafm"])
    assert needs[0].download == planning.total(needs).download == weights
    assert any(math.isnan(size) for size in needs[1].files.values())
    assert "rnafm on rfam_current_seed" in needs[1].unknown


def test_a_checkpoint_of_ones_own_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    made = planning.need(Cell("s", "structure", {"model": str(tmp_path), "alignment_model": ""}))
    assert made.flops == 0 and len(made.unknown) == 2


def test_the_command_prints_every_run_the_sum_and_the_assumptions() -> None:
    result = CliRunner().invoke(cli.app, ["plan", str(ROOT / "studies" / "default.yml")], catch_exceptions=False)
    assert result.exit_code == 0
    assert all(word in result.output for word in ("structure", "tradeoff", "all", "fp32 peak", *planning.COLUMNS[:1]))


# The grid ------------------------------------------------------------------------------------------------------------


def test_the_grid_pairs_models_with_what_they_read() -> None:
    found = grid.plan_grid("a100", ["rnafm", "rnamsm", "esm2"], ["srtest150", "rfam_seed_alignments", "proteins_test", "near_duplicates"])
    assert set(found) == {("rnafm", "srtest150"), ("rnamsm", "srtest150"), ("rnamsm", "rfam_seed_alignments"), ("esm2", "proteins_test")}
    assert all(one.flops > 0 and one.seconds == one.device_seconds for one in found.values())


def test_sets_for_both_tasks_are_read_for_both() -> None:
    both = grid.plan_grid("h200", ["rnafm"], ["rfam_seeds"])["rnafm", "rfam_seeds"]
    once = costs.reading(models.cards()["rnafm"], costs.workload("rfam_seeds"), H200)
    assert both.flops == pytest.approx(4 * once.flops)  # maps and vectors, trained and untrained


def test_every_model_of_the_review_has_a_place_in_the_grid() -> None:
    cells = read_study(ROOT / "studies" / "review.yml").cells
    read = {True: "proteins_test", False: "srtest150"}
    named = {(word, read[cell.analysis == "proteins"]) for cell in cells for word in planning.names(str(cell.parameters["model"]))}
    assert named <= set(grid.plan_grid("h200", data=list(read.values())))


# Jobs ----------------------------------------------------------------------------------------------------------------


def test_what_is_booked_leaves_room_above_the_estimate() -> None:
    cell = Cell("s", "structure", {"model": "aidorna-1.6b", "device": "cuda"})
    one, booked = planning.need(cell, "a100"), jobs.resources(cell, "a100")
    assert booked["gpu"] == 1 and booked["mem_mb"] * 1e6 > one.memory and booked["runtime"] * 60 > 2 * one.seconds
    assert jobs.resources(Cell("s", "structure", {}))["gpu"] == 0
    assert all(isinstance(value, int) for value in booked.values())


@pytest.mark.parametrize("file", sorted((ROOT / "studies").glob("*.yml")), ids=lambda file: file.stem)
def test_the_command_line_of_a_job_gives_the_parameters_back(file: Path) -> None:
    study = read_study(file)
    for cell in study.cells:
        words = jobs.command_line(study, cell)
        words = words[words.index("run") :]
        assert words[1:4] == [cell.analysis, "--out", f"{study.out.as_posix()}/{cell.name}"]
        assert words[4::2] == ["-p"] * len(cell.parameters)
        assert cli._given(cell.analysis, [], [], words[5::2], None) == cell.parameters


def test_values_that_are_empty_or_none_survive_the_command_line() -> None:
    study = read_study(ROOT / "studies" / "default.yml")
    cell = Cell("s", "classification", {"limit": None, "natural": "", "untrained": False, "max_bases": 90})
    words = jobs.command_line(study, cell)
    assert words[:2] == ["env", "HF_HUB_OFFLINE=1"]
    assert cli._given("classification", [], [], words[words.index("-p") + 1 :: 2], None) == cell.parameters


def test_files_of_ones_own_are_inputs_of_the_job(tmp_path: Path) -> None:
    (tmp_path / "mine.fa").write_text(">a\nGGGAAACCC\n")
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "config.json").write_text("{}")
    named = jobs.named_files(Cell("s", "structure", {"test": f"{tmp_path}/mine.fa", "model": f"mapconv-9k, {tmp_path}/net", "limit": 3}))
    assert named == [f"{tmp_path}/mine.fa", f"{tmp_path}/net/config.json"]
