"""Figures: what they refuse, what they say, and what a page gets of them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from rnastudy import plotting
from rnastudy.errors import StudyError
from rnastudy.plotting import output, style
from rnastudy.plotting.rnas import fates
from rnastudy.rna import Rna

HAIRPIN = Rna("hairpin", "GGGCCAAAAGGCCC", pairs=((0, 13), (1, 12), (2, 11), (3, 10)))
RANKED = pd.DataFrame(
    {
        "model": ["mapconv-70k", "mapconv-70k@untrained", "plain-70k", "vienna-mfe", "random map", "one partner"],
        "role": ["trained", "untrained", "trained", "baseline", "floor", "ceiling"],
        "value": [0.5, 0.05, 0.1, 0.6, 0.02, 0.93],
        "low": [0.45, 0.04, 0.08, 0.55, np.nan, 0.9],
        "high": [0.55, 0.06, 0.12, 0.65, np.nan, 0.95],
    }
)


def drawn() -> dict[str, tuple[Figure, str]]:
    """Every figure of the house, once."""
    two = pd.DataFrame({"model": ["a", "b"], "role": "trained", "value": [0.4, 0.5], "parameters": [9e3, 3e5], "seconds": [1.0, 20.0]})
    rnas = pd.DataFrame({"model": ["a"] * 3 + ["b"] * 3, "rna": ["x", "y", "z"] * 2, "f1": [0.1, 0.2, 0.3, 0.4, 0.1, 0.3]})
    decoded = pd.DataFrame({"model": ["a", "a", "b", "b"], "decoder": ["raw", "greedy"] * 2, "value": [0.4, 0.5, 0.1, 0.3]})
    protocols = pd.DataFrame({"model": ["a", "a"], "role": "trained", "protocol": ["review", "careful"], "value": [0.4, 0.5]})
    curve = pd.DataFrame({"set": ["selection"] * 3 + ["test"] * 3, "threshold": [0.0, 0.1, 0.2] * 2, "value": [0.1, 0.5, 0.2, 0.1, 0.3, 0.4]})
    layers = pd.DataFrame({"model": "a", "role": "trained", "layer": [0, 1], "value": [0.6, 0.8]})
    trained = pd.DataFrame({"model": "a", "step": [0, 10], "loss": [1.39, 1.3], "f1": [np.nan, 0.4]})
    points = pd.DataFrame({"model": "a", "method": "PCA", "x": [0.0, 1.0], "y": [0.0, 1.0], "family": ["RF1", "RF2"]})
    both = pd.DataFrame({"model": ["a", "b"], "role": "trained", "structure": [0.5, 0.1], "function": [0.8, 0.7], "front": [True, False]})
    ends = {"against": "c", "measure": "f1", "difference": 0.1, "low": 0.0, "high": 0.2, "p_holm": 0.01, "by_seed": "+0.100, +0.100"}
    changed = pd.DataFrame({"factor": "size", "level": ["a", "b"], **ends})
    levels = pd.DataFrame({"factor": "size", "level": ["a", "b"], "role": "trained", "f1": [0.4, 0.5], "auroc": [0.7, 0.6]})
    return {
        "forest": plotting.forest(RANKED),
        "auroc_dots": plotting.auroc_dots(RANKED[:4]),
        "paired": plotting.paired(rnas, "a", "b"),
        "decoders": plotting.decoders(decoded),
        "slopes": plotting.slopes(protocols),
        "head_map": plotting.head_map(np.array([[0.1, 0.5], [0.2, 0.3]]), chosen=(0, 1)),
        "threshold_curve": plotting.threshold_curve(curve, chosen=0.1),
        "layer_curve": plotting.layer_curve(layers),
        "training_curves": plotting.training_curves(trained, floor=1.367),
        "arcs": plotting.arcs(HAIRPIN, [(0, 13), (1, 12), (0, 9)]),
        "contact_map": plotting.contact_map(HAIRPIN, np.eye(14), threshold=0.5),
        "similarities": plotting.similarities([0, 4], [4, 0], [0, 0.5, 1], ratio=0.0, auroc=1.0),
        "fft_trap": plotting.fft_trap(pd.DataFrame({"descriptor": ["FFT"], "value": [0.7]}), width=64, length=20),
        "family_views": plotting.family_views(points),
        "scaling_line": plotting.scaling_line(two, slope=(0.07, 0.02, 0.11)),
        "cost": plotting.cost(two, costs=["seconds"]),
        "differences": plotting.differences(changed),
        "cause_plane": plotting.cause_plane(levels),
        "tradeoff": plotting.tradeoff(both),
        "cka_map": plotting.cka_map(np.array([[1.0, 0.2], [0.2, 1.0]]), ["a", "b"]),
        "base_table": plotting.base_table({"after": np.fliplr(np.eye(4))}),
        "contrast_curve": plotting.contrast_curve(pd.DataFrame({"step": [0, 50], "contrast": [0.1, 1.2], "f1": [0.02, 0.2]})),
        "maps_beside": plotting.maps_beside(HAIRPIN, {"before": np.full((14, 14), 1 / 14), "after": np.eye(14)}),
        "step_map": plotting.step_map(HAIRPIN, np.eye(14), label="attention", title="One head", threshold=0.5),
        "motifs": plotting.motifs(HAIRPIN, {"loop": (5, 8)}),
        "conservation": plotting.conservation(pd.DataFrame({"pair": ["1-9"], "same": [0.4], "paired": [0.9]}), title="toy"),
        "optimism": plotting.optimism(np.array([1, 96]), {40: np.array([0.0, 0.07])}),
    }


@pytest.fixture(scope="module")
def gallery() -> dict[str, tuple[Figure, str]]:
    return drawn()


def test_gallery_is_complete(gallery: dict[str, tuple[Figure, str]]) -> None:
    assert set(gallery) == set(plotting.__all__) - {"Shown", "Table", "save", "show", "table"}


def test_every_figure_says_what_it_shows_with_numbers(gallery: dict[str, tuple[Figure, str]]) -> None:
    for name, (_, alt) in gallery.items():
        assert alt.endswith(".") and len(alt) > 40 and re.search(r"\d", alt), f"{name}: {alt}"
        assert "nan" not in alt, f"{name}: {alt}"


def test_inline_figures_follow_the_page_and_share_no_id(gallery: dict[str, tuple[Figure, str]]) -> None:
    seen: set[str] = set()
    for name, (figure, alt) in gallery.items():
        text = output.inline_svg(figure, alt)
        root = ET.fromstring(text)
        assert root.attrib["role"] == "img" and root.attrib["aria-label"] == alt, name
        assert "<style" not in text, f"{name}: a style sheet inside an inline SVG leaks into the page"
        assert not [colour for colour in (style.INK, style.MUTED) if re.search(rf"(?<!, ){colour}", text)], f"{name}: ink that a dark page cannot change"
        ids = set(re.findall(r' id="([^"]+)"', text))
        assert not ids & seen, name
        seen |= ids
        referred = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
        assert referred <= ids, f"{name}: refers to ids that are not there"


def test_figures_come_out_the_same_twice(gallery: dict[str, tuple[Figure, str]]) -> None:
    again = plotting.forest(RANKED)
    assert output.svg(*gallery["forest"]) == output.svg(*again)
    assert output.png(gallery["forest"][0]) == output.png(again[0])


def test_house_style_leaves_no_trace() -> None:
    before = dict(matplotlib.rcParams)
    plotting.forest(RANKED)
    assert dict(matplotlib.rcParams) == before


def test_figures_use_no_global_state(gallery: dict[str, tuple[Figure, str]]) -> None:
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def test_floors_and_ceilings_are_bands_not_models() -> None:
    figure, alt = plotting.forest(RANKED)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["mapconv-70k@untrained", "plain-70k", "mapconv-70k", "vienna-mfe"]
    assert "floor random map at 0.02" in alt and "ceiling one partner at 0.93" in alt


def test_untrained_twin_is_hollow_and_keeps_the_marker() -> None:
    trained, untrained = style.looks(["m", "m@untrained"], ["trained", "untrained"])
    assert trained["marker"] == untrained["marker"]
    assert untrained["markerfacecolor"] == style.PAPER != trained["markerfacecolor"]


def test_classes_differ_in_grey_or_by_marker() -> None:
    looks = style.looks(["a", "b", "c", "d"], ["trained"] * 4)
    assert len({look["marker"] for look in looks}) == 4


def test_paired_counts_by_hand() -> None:
    table = pd.DataFrame({"model": ["a"] * 3 + ["b"] * 3, "rna": ["x", "y", "z"] * 2, "f1": [0.1, 0.2, 0.3, 0.4, 0.1, 0.3]})
    assert plotting.paired(table, "a", "b")[1].endswith("ahead of a on 1 RNA, behind on 1 and equal on 1; the mean difference is 0.07.")


def test_paired_refuses_two_protocols_at_once() -> None:
    table = pd.DataFrame({"model": ["a", "a", "b", "b"], "rna": ["x"] * 4, "f1": [0.1, 0.2, 0.3, 0.4]})
    with pytest.raises(StudyError, match="choose one protocol"):
        plotting.paired(table, "a", "b")


def test_frozen_threshold_is_told_apart_from_the_test_optimum() -> None:
    curve = pd.DataFrame({"set": ["selection"] * 3 + ["test"] * 3, "threshold": [0.0, 0.1, 0.2] * 2, "value": [0.1, 0.5, 0.2, 0.1, 0.3, 0.4]})
    alt = plotting.threshold_curve(curve, chosen=0.1)[1]
    assert "On the test set the optimum is 0.40 at 0.2000; using the frozen threshold 0.1000 costs 0.10." in alt


def test_fates_leave_out_close_pairs_on_both_sides() -> None:
    assert fates([(0, 3), (0, 9)], [(5, 8), (0, 9)], min_separation=4) == {"found": [(0, 9)], "false": [], "missed": []}


def test_fft_trap_takes_several_models() -> None:
    table = pd.DataFrame({"descriptor": ["FFT", "mean"] * 2, "model": ["a", "a", "b", "b"], "value": [0.7, 0.9, 0.6, 0.8]})
    figure, alt = plotting.fft_trap(table, width=64, length=20)
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["mean", "FFT"]
    assert "the first 128, 10.0 %" in alt and "FFT of b 0.60" in alt


def test_head_map_counts_from_one() -> None:
    assert "highest is 0.50 in layer 1, head 2" in plotting.head_map(np.array([[0.1, 0.5]]))[1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: plotting.forest(RANKED.drop(columns="role")),
        lambda: plotting.forest(RANKED[:0]),
        lambda: plotting.head_map(np.zeros(3)),
        lambda: plotting.contact_map(HAIRPIN, np.zeros((3, 3))),
        lambda: plotting.arcs(HAIRPIN.with_(pairs=None), []),
        lambda: plotting.similarities([1], [1], [0.0], ratio=0.0),
        lambda: plotting.similarities([0], [1], [0.0, 1.0], ratio=0.0),
        lambda: plotting.cka_map(np.zeros((2, 2)), ["a"]),
        lambda: plotting.slopes(pd.DataFrame({"model": ["a"], "role": ["trained"], "protocol": ["review"], "value": [0.1]})),
        lambda: output.html(Figure(), "  "),
    ],
)
def test_what_cannot_be_drawn_is_refused(call) -> None:
    with pytest.raises(StudyError):
        call()


def test_a_caption_cannot_break_the_page() -> None:
    text = output.html(Figure(figsize=(1, 1)), 'a "quoted" <alt>', "<script>")
    assert "<script>" not in text
    assert ET.fromstring(text).tag == "figure"


def test_show_gives_page_print_and_words_and_keeps_alt_where_the_book_looks(tmp_path) -> None:
    shown = plotting.show(plotting.forest(RANKED), "A finding.", tmp_path / "figures" / "forest")
    data, metadata = shown._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == shown.alt
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["forest.png", "forest.svg", "forest.txt"]
    root = ET.parse(tmp_path / "figures" / "forest.svg").getroot()
    assert root.find("{http://www.w3.org/2000/svg}title").text == shown.alt


def test_a_threshold_far_out_does_not_flatten_the_curve() -> None:
    curve = pd.DataFrame({"set": ["selection"] * 5 + ["test"] * 5, "threshold": [-3.4e38, 0.0, 1.0, 2.0, 3.0] * 2, "value": [0.02, 0.02, 0.5, 0.1, 0.0] * 2})
    low, high = plotting.threshold_curve(curve, chosen=1.0)[0].axes[0].get_xlim()
    assert -1 < low < 1 and 2 < high < 4


def test_crowded_labels_keep_apart_and_in_order() -> None:
    from rnastudy.plotting.ranking import _apart

    places = _apart(np.array([0.8, 0.1, 0.1, 0.09]))
    assert (np.diff(places) <= -0.06 * 0.71 + 1e-12).all() and places[0] == pytest.approx(0.8)
    assert places[1:].mean() == pytest.approx(0.29 / 3)


def test_names_of_equal_points_do_not_lie_on_each_other() -> None:
    same = pd.DataFrame({"model": ["a", "b", "c"], "role": "trained", "structure": 0.5, "function": 0.8, "front": False})
    figure, _ = plotting.tradeoff(pd.concat([same, same.assign(model=["d", "e", "f"], structure=0.1, front=True)]))
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if one.overlaps(other)]


@pytest.mark.parametrize("values", [[0.52, 0.94, 0.97, 0.99], [0.51, 0.52, 0.53, 0.54], [0.0, 0.01, 0.4, 1.0]])
def test_names_of_floors_and_ceilings_never_overlap_and_stay_inside(values: list[float]) -> None:
    bands = pd.DataFrame({"model": ["stem-prior", "canonical pairs only", "one partner a base", "both"], "role": ["floor"] + ["ceiling"] * 3, "value": values})
    figure, _ = plotting.forest(pd.concat([RANKED[RANKED.role.isin(["trained", "untrained"])], bands]))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 4
    assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if one.overlaps(other)]
    assert all(box.x0 >= figure.bbox.x0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)


def test_near_ties_of_the_front_are_ringed_and_said() -> None:
    three = pd.DataFrame({"model": list("abc"), "role": "trained", "structure": [0.5, 0.49, 0.1], "function": [0.8, 0.79, 0.5], "front": [True, False, False]})
    alt = plotting.tradeoff(three.assign(near=[False, True, False]))[1]
    assert "On the Pareto front: a. Not told from it: b." in alt
    assert "Not told" not in plotting.tradeoff(three)[1]


def test_a_cost_that_was_not_counted_gets_no_panel() -> None:
    two = pd.DataFrame({"model": ["a", "b"], "role": "trained", "value": [0.4, 0.5], "gflops": 0.0, "seconds": [1.0, 2.0]})
    assert len(plotting.cost(two, costs=["gflops", "seconds"])[0].axes) == 1
    with pytest.raises(StudyError, match="nothing was measured"):
        plotting.cost(two, costs=["gflops"])


def test_a_table_for_readers_counts_from_one_and_shows_no_gap_as_nan() -> None:
    frame = pd.DataFrame({"model": ["a<b>", "b"], "layer": [0.0, np.nan], "equivalent": [True, False], "difference": [-0.0411, 0.5]})
    root = ET.fromstring(plotting.table(frame)._repr_html_())
    assert [cell.text for cell in root.iter() if cell.tag in ("td", "th")][4:] == ["a<b>", "1", "yes", "\u22120.041", "b", "\u2013", "no", "0.500"]


def test_a_table_for_readers_keeps_an_interval_together() -> None:
    frame = pd.DataFrame({"model": ["a", "b"], "value": [0.5, 0.2], "low": [0.4, np.nan], "high": [0.6, np.nan]})
    text = plotting.table(frame, digits=2)._repr_html_()
    assert "0.40 to 0.60" in text and "95 % interval" in text and "nan" not in text.lower()
