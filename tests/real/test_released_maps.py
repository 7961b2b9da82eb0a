"""RNA-MSM's own attention, through the same code as every model's."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from rnastudy import analyses, datasets
from rnastudy.contacts import score_maps

pytestmark = pytest.mark.skipif("RNASTUDY_DATA" not in os.environ, reason="RNASTUDY_DATA is not set: tests on real public files are not run")


def test_one_head_carries_a_structure_from_rna_to_rna() -> None:
    found = analyses.released("if-present")
    assert found is not None
    table = found.results.set_index("what").f1
    assert table["head and threshold chosen here"] > 0.9
    assert table["the same head, at this RNA's best threshold"] > 0.9
    assert table["median head at its best threshold"] < 0.2
    assert table["the same head and threshold, frozen"] <= table["the same head, at this RNA's best threshold"]


def test_score_maps_takes_them_from_folders(tmp_path) -> None:
    data, maps = datasets.load("rnamsm_maps"), datasets.maps("rnamsm_maps")
    found = analyses.released("if-present")
    assert found is not None
    known = found.rna
    other = next(rna for rna in data.rnas if rna.name != known.name)
    other = other.with_(pairs=known.pairs[:1])
    for part, rna in (("select", known), ("test", other)):
        (tmp_path / part).mkdir()
        np.save(tmp_path / part / f"{rna.name}.npy", maps[rna.name])
        (tmp_path / f"{part}.csv").write_text(f'name,sequence,pairs\n{rna.name},{rna.sequence},"{json.dumps([list(p) for p in rna.pairs])}"\n')
    result = score_maps(tmp_path / "select", tmp_path / "select.csv", tmp_path / "test", tmp_path / "test.csv", "careful", tmp_path / "result.json")
    place = found.results.iloc[0]
    assert (result["selected"]["layer"], result["selected"]["head"]) == (place.layer - 1, place["head"] - 1)
    assert result["selected"]["f1_macro"] == pytest.approx(place.f1, abs=1e-6)
    assert json.loads((tmp_path / "result.json").read_text())["test"]["per_rna"].keys() == {other.name}
