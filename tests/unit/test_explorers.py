"""Explorers: complete without scripts, small, self-contained, and true to the package's own numbers."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnastudy import explorers
from rnastudy.errors import StudyError
from rnastudy.explorers import live
from rnastudy.explorers.head_explorer import LEVELS, STEPS, quantised
from rnastudy.explorers.similarity_explorer import auroc, overlap, rebinned
from rnastudy.rna import Rna

HAIRPIN = Rna("hairpin", "GGGCCAAAAGGCCC", pairs=((0, 13), (1, 12), (2, 11), (3, 10)))
GOOD = np.zeros((14, 14))
GOOD[0, 13], GOOD[1, 12], GOOD[0, 9] = 0.9, 0.8, 0.7
UPPER = np.triu(np.ones((14, 14), bool), 4)


def data_of(text: str) -> dict:
    """What the script of an explorer reads."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', text, flags=re.S)[1])


def test_first_state_by_hand() -> None:
    text = explorers.heads(HAIRPIN, {"h": GOOD}, chosen={"h": 0.5})
    assert "Threshold 0.5000: 2 found, 1 false, 2 missed. Precision 0.667, recall 0.500, F1 0.571." in text
    assert ">G1-G10, G1-C14, G2-C13<" in text


def test_pairs_nearer_than_the_separation_count_on_neither_side() -> None:
    rna = HAIRPIN.with_(pairs=((0, 13), (4, 7)))
    close = GOOD.copy()
    close[4, 7] = 1.0
    assert "1 found, 2 false, 0 missed" in explorers.heads(rna, {"h": close}, chosen={"h": 0.5}, min_separation=4)
    assert "2 found, 2 false, 0 missed" in explorers.heads(rna, {"h": close}, chosen={"h": 0.5}, min_separation=3)


def test_unresolved_bases_are_left_out_of_prediction_and_reference() -> None:
    rna = HAIRPIN.with_(unresolved=frozenset({0}))
    assert "1 found, 0 false, 2 missed" in explorers.heads(rna, {"h": GOOD}, chosen={"h": 0.5})


@pytest.mark.parametrize(
    "text",
    [
        explorers.heads(HAIRPIN, {"h": GOOD}),
        explorers.similarities({("m", "mean"): (np.array([1, 3]), np.array([4, 0]))}, np.array([-1.0, 0.0, 1.0]), bins=2),
    ],
)
def test_explorers_are_self_contained(text: str) -> None:
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#|\$)", text)
    assert not re.search(r"https?://", text)
    assert "aria-live" in text and 'role="img"' in text and "<noscript>" in text
    assert text.count("<svg") >= 1, "the first state is drawn without a script"


def test_labels_cannot_break_the_page() -> None:
    text = explorers.heads(HAIRPIN, {"</script><b>": GOOD}, title="<i>")
    assert text.count("</script>") == 2
    assert "<b>" not in text and "<i>" not in text
    assert data_of(text)["heads"][0]["label"] == "</script><b>"


def test_size_of_a_real_explorer() -> None:
    rna = Rna("long", "GC" * 75, pairs=((0, 149),))
    draw = np.random.default_rng(0)
    text = explorers.heads(rna, {f"head {k}": draw.normal(size=(150, 150)) for k in range(6)})
    assert len(text) < 300_000


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(float, (14, 14), elements=st.floats(-5, 5, width=32)))
def test_sixteen_bits_keep_scores_within_half_a_level(scores: np.ndarray) -> None:
    head = quantised("h", scores, UPPER, None)
    true = scores[UPPER]
    assert np.abs(head.scores - true).max() <= 0.51 * (true.max() - true.min()) / LEVELS + 1e-12


def test_slider_runs_from_many_pairs_to_the_best() -> None:
    scores = np.random.default_rng(0).normal(size=(60, 60))
    head = quantised("h", scores, np.triu(np.ones((60, 60), bool), 4), None)
    assert (head.scores >= head.threshold(0)).sum() == 240
    assert head.threshold(STEPS) == head.scores.max()


@pytest.mark.parametrize(
    "call",
    [
        lambda: explorers.heads(HAIRPIN.with_(pairs=None), {"h": GOOD}),
        lambda: explorers.heads(HAIRPIN.with_(pairs=()), {"h": GOOD}),
        lambda: explorers.heads(HAIRPIN, {}),
        lambda: explorers.heads(HAIRPIN, {"h": GOOD[:3]}),
        lambda: explorers.heads(HAIRPIN, {"h": np.full((14, 14), np.nan)}),
        lambda: explorers.similarities({}, np.array([0.0, 1.0]), bins=1),
        lambda: explorers.similarities({("m", "d"): (np.array([0, 0]), np.array([1, 1]))}, np.array([-1.0, 0.0, 1.0]), bins=2),
        lambda: explorers.similarities({("m", "d"): (np.array([1, 1]), np.array([1, 1]))}, np.array([-1.0, 0.0, 1.0]), bins=3),
    ],
)
def test_what_cannot_be_explored_is_refused(call) -> None:
    with pytest.raises(StudyError):
        call()


def test_overlap_by_hand() -> None:
    positive, negative = np.array([0, 1, 3]), np.array([2, 2, 0])
    assert overlap(positive, negative) == pytest.approx(0.25 / 1.75)
    assert auroc(positive, negative) == pytest.approx((1 * (2 + 1) + 3 * 4) / 16)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(int, (2, 12), elements=st.integers(0, 50)))
def test_overlap_of_a_distribution_with_itself_is_one_and_merging_bins_never_lowers_it(counts: np.ndarray) -> None:
    positive, negative = counts + 1
    assert overlap(positive, positive) == pytest.approx(1)
    assert auroc(positive, positive) == pytest.approx(0.5)
    assert overlap(rebinned(positive, 4), rebinned(negative, 4)) >= overlap(positive, negative) - 1e-12


def test_live_explorer_shows_the_static_one_where_there_is_no_kernel() -> None:
    bundle = live.heads(HAIRPIN, {"h": GOOD}, chosen={"h": 0.5})._repr_mimebundle_()
    assert bundle["text/html"] == explorers.heads(HAIRPIN, {"h": GOOD}, chosen={"h": 0.5})
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_live_explorers_are_reached_from_the_room() -> None:
    import rnastudy as rs

    assert rs.explorers.live.heads is live.heads


def test_live_explorer_redraws_on_change() -> None:
    widget = live.heads(HAIRPIN, {"h": GOOD}).widget
    before = widget.children[-1].value
    widget.children[3].value = 0
    assert widget.children[-1].value != before
    counts = {("m", "mean"): (np.array([1, 3, 2, 1]), np.array([4, 2, 0, 1]))}
    second = live.similarities(counts, np.linspace(-1, 1, 5), bins=2).widget
    before = second.children[-1].value
    second.children[1].value = 4
    assert second.children[-1].value != before
