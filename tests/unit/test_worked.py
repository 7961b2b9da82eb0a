"""Worked examples of the background pages: what they say of an RNA or a family is true of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnastudy import analyses, plotting
from rnastudy.analyses import worked
from rnastudy.errors import StudyError
from rnastudy.rna import Rna


def test_steps_of_one_rna_follow_from_each_other() -> None:
    found = worked.steps("2HGH_B_1_55", "mapconv-9k", 20)
    np.testing.assert_allclose(found.symmetric, found.attention + found.attention.T, rtol=1e-6)
    rows = found.symmetric.sum(1)
    np.testing.assert_allclose(found.corrected, found.symmetric - np.outer(rows, rows) / rows.sum(), atol=1e-5)
    passed = {(int(i), int(j)) for i, j in np.argwhere(np.nan_to_num(found.candidates, nan=-np.inf) >= found.threshold)}
    assert passed == set(found.predicted)
    right = passed & set(found.rna.pairs or ())
    assert found.f1 == pytest.approx(2 * len(right) / (len(passed) + sum(j - i >= 4 for i, j in found.rna.pairs or ())))


def test_the_rnas_that_choose_are_not_the_one_that_is_shown() -> None:
    from rnastudy import datasets

    assert "2HGH_B_1_55" not in {rna.name for rna in datasets.load("srtrain150").rnas}


def test_pairs_are_kept_more_than_letters() -> None:
    rows = worked.covariation()
    assert (rows.paired >= rows.same * 0.9).all()
    assert rows.paired.mean() > rows["same"].mean() + 0.1
    assert rows.kinds.between(1, 6).all()


def test_a_partner_in_sight_helps_and_a_changed_one_changes_the_answer() -> None:
    rows = worked.guesses()
    assert rows.C[0] > 2 * rows.C[1]
    assert rows.loc[2, list("ACGU")].astype(float).idxmax() == "U"


def test_luck_grows_with_heads_and_shrinks_with_rnas() -> None:
    heads = np.array([1, 10, 100, 1000])
    few, many = worked.best_of(heads, 40, 0.18), worked.best_of(heads, 160, 0.18)
    assert few[0] == 0
    assert (np.diff(few) > 0).all()
    np.testing.assert_allclose(many, few / 2)


def test_choices_are_compared_with_the_frozen_one() -> None:
    names = ("frozen choice", "head chosen on the test set", "head chosen per RNA", "pooled F1")
    traps = pd.DataFrame({"model": "m", "trap": names, "value": [0.5, 0.6, 0.8, 0.4]})
    row = worked.shares_of_choice(traps).iloc[0]
    assert (row.gain_on_test, row.gain_per_rna) == pytest.approx((0.1, 0.3))
    with pytest.raises(StudyError, match=r"lacks the rows \['head chosen per RNA'\]"):
        worked.shares_of_choice(traps[traps.trap != "head chosen per RNA"])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(StudyError, match="no RNA named 'nothing'"):
        worked.known_rna("nothing")
    with pytest.raises(StudyError, match="no embedded seed alignment of family 'RF99999'"):
        worked.covariation("RF99999")


def test_figures_say_what_they_draw_and_refuse_what_does_not_fit() -> None:
    knotted = Rna("knot", "GGGAAACCCAAAGGG", pairs=((0, 8), (1, 7), (6, 14)))
    assert "1 arc cross others" in plotting.motifs(knotted, {})[1]
    scores = np.zeros((15, 15))
    scores[0, 8] = scores[2, 9] = 1
    assert "2 pairs at or above 0.500 in squares, 1 of them" in plotting.step_map(knotted, scores, label="score", title="t", threshold=0.5)[1]
    with pytest.raises(StudyError, match="its sequence has 15 bases"):
        plotting.maps_beside(knotted, {"one": np.zeros((3, 3))})
    assert "Before: 100 %" in plotting.maps_beside(knotted, {"before": analyses_map(knotted)})[1]


def analyses_map(rna: Rna) -> np.ndarray:
    """All attention on the pairs."""
    found = np.zeros((len(rna), len(rna)))
    for i, j in rna.pairs or ():
        found[i, j] = 1.0
    return found


def test_lab_hairpin_pairs_only_watson_crick() -> None:
    rna = analyses.lab_hairpin()
    assert {rna.sequence[i] + rna.sequence[j] for i, j in rna.pairs or ()} == {"AU", "UA", "GC", "CG"}
