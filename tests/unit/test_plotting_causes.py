"""Figures of the page of causes: what they draw, say and refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnastudy import plotting
from rnastudy.analyses.cause_tables import recorded
from rnastudy.analyses.cause_views import two_tasks
from rnastudy.errors import StudyError
from rnastudy.plotting.style import PAPER

CONTRASTS = recorded("contrasts")


def test_every_level_has_its_row_in_both_panels_and_every_factor_its_name() -> None:
    figure, alt = plotting.differences(CONTRASTS)
    first, second = figure.axes
    labels = [label.get_text() for label in first.get_yticklabels()]
    assert set(CONTRASTS.factor) < set(labels)
    assert "plain – base" in labels
    assert len(labels) == len(set(labels)) == CONTRASTS.level.nunique() + CONTRASTS.factor.nunique()
    assert (first.get_xlabel(), second.get_xlabel()) == ("difference of F1", "difference of AUROC")
    assert "F1:" in alt and "AUROC:" in alt


def test_a_row_holds_interval_mean_and_the_seeds_one_by_one() -> None:
    row = CONTRASTS[(CONTRASTS.level == "plain") & (CONTRASTS.measure == "f1")]
    axes = plotting.differences(row)[0].axes[0]
    interval, seeds, mean = axes.lines[1:]
    assert interval.get_xdata() == pytest.approx(row[["low", "high"]].to_numpy()[0])
    assert seeds.get_xdata() == pytest.approx([float(one) for one in row.by_seed.iloc[0].split(",")])
    assert mean.get_xdata() == pytest.approx(row.difference)


def test_only_what_can_be_told_from_zero_is_filled() -> None:
    row = CONTRASTS[:1]
    for p, filled in ((0.01, True), (0.5, False)):
        mark = plotting.differences(row.assign(p_holm=p))[0].axes[0].lines[-1]
        assert (mark.get_markerfacecolor() != PAPER) is filled


def test_one_measure_gives_one_panel_and_none_is_refused() -> None:
    assert len(plotting.differences(CONTRASTS[CONTRASTS.measure == "auroc"])[0].axes) == 1
    with pytest.raises(StudyError, match="no rows"):
        plotting.differences(CONTRASTS[:0])


def test_the_plane_says_what_is_highest_and_draws_random_weights_hollow() -> None:
    points = two_tasks(recorded("values"))
    figure, alt = plotting.cause_plane(points, named=["real"], rho=(-0.1, -0.4, 0.3))
    trained = points[points.role == "trained"].set_index("level")
    assert f"Highest F1: {trained.f1.idxmax()}" in alt and f"highest AUROC: {trained.auroc.idxmax()}" in alt
    assert alt.endswith("Rank correlation -0.10 (95 % interval -0.40 to 0.30).")
    axes = figure.axes[0]
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == PAPER]
    assert sum(len(line.get_xdata()) for line in hollow) == (points.role == "untrained").sum()
    named = {text.get_text() for text in axes.texts}
    assert {"real", str(trained.f1.idxmax()), str(trained.auroc.idxmin())} <= named


def test_a_plane_without_trained_levels_is_refused() -> None:
    points = pd.DataFrame({"factor": ["size"], "level": ["a"], "role": ["untrained"], "f1": [0.1], "auroc": [np.float64(0.7)]})
    with pytest.raises(StudyError, match="no rows"):
        plotting.cause_plane(points)
