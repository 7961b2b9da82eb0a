"""The bibliography of a run."""

from __future__ import annotations

import json

import pytest

from rnastudy import citing, datasets
from rnastudy.errors import StudyError
from rnastudy.models import cards


def stamp(folder, **more):
    (folder / "stamp.json").write_text(json.dumps({"weights": {}, "data": {}, "parameters": {}, **more}))
    return folder


def test_every_key_that_a_card_or_a_baseline_names_is_in_the_bibliography():
    keys = {card.citation for card in cards().values() if card.citation}
    keys |= {key.strip() for card in datasets.cards().values() for key in card.citation.split(",") if key.strip()}
    assert keys | set(citing.ALWAYS) | set(citing._BASELINES.values()) <= set(citing.bibliography())


def test_a_run_cites_what_it_used_and_nothing_else(tmp_path):
    used = {"weights": {"rnafm": "0", "rnafm@untrained": "1", "mapconv-9k": "2"}, "data": {"srtest150": "3"}, "parameters": {"baselines": "random, vienna-mfe"}}
    expected = {*citing.ALWAYS, "chen2022rnafm", "chen2024multimolecule", datasets.card("srtest150").citation, "lorenz2011vienna"}
    assert set(citing.cited_by(stamp(tmp_path, **used))) == expected
    assert citing.cited_by(stamp(tmp_path)) == list(citing.ALWAYS)


def test_entries_are_whole():
    entries = citing.bibliography()
    assert len(entries) > 40
    for key, text in entries.items():
        assert text.startswith("@") and text.endswith("}") and f"{{{key}," in text and text.count("{") == text.count("}"), key


@pytest.mark.parametrize("text", ["{}", "not json", "[]", '{"weights": 3, "data": {}, "parameters": {}}'])
def test_what_is_no_stamp_is_refused(tmp_path, text):
    (tmp_path / "stamp.json").write_text(text)
    with pytest.raises(StudyError, match="not a stamp"):
        citing.cited_by(tmp_path)
