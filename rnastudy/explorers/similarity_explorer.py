"""The similarity explorer: a model, a descriptor, a number of bins, and what becomes of the overlap ratio."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError
from rnastudy.explorers.page import assemble, options

__all__ = ["BINS", "auroc", "overlap", "rebinned", "similarities"]

#: Numbers of bins on offer, where the fine histogram can be merged into them.
BINS = (10, 20, 25, 40, 50, 100, 200, 400, 500, 1000, 2000)
WIDTH, HEIGHT = 640, 240
Counts = NDArray[np.integer]


def rebinned(counts: Counts, bins: int) -> Counts:
    """Merge a fine histogram into `bins` bins of equal width.

    Examples
    --------
    >>> rebinned(np.array([1, 2, 3, 4]), 2).tolist()
    [3, 7]
    """
    return np.asarray(counts).reshape(bins, -1).sum(axis=1)


def overlap(positive: Counts, negative: Counts) -> float:
    """Overlap ratio of two histograms: intersection over union of their shares.

    Examples
    --------
    >>> overlap(np.array([1, 1]), np.array([0, 2]))
    0.3333333333333333
    """
    p, n = positive / positive.sum(), negative / negative.sum()
    return float(np.minimum(p, n).sum() / np.maximum(p, n).sum())


def auroc(positive: Counts, negative: Counts) -> float:
    """Chance that a same-family pair is more alike than a different-family pair; pairs in one bin count as ties.

    Examples
    --------
    >>> auroc(np.array([0, 1]), np.array([1, 1]))
    0.75
    """
    below = np.concatenate([[0], np.cumsum(negative)[:-1]])
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def similarities(counts: Mapping[tuple[str, str], tuple[Counts, Counts]], edges: NDArray[np.floating], *, bins: int = 100, title: str | None = None) -> str:
    """Build the explorer of similarity distributions as one element of HTML.

    Parameters
    ----------
    counts : mapping of (model, descriptor) to (positive, negative)
        Fine histograms of cosine similarity, shape=(B,) each: same family, different families. The first is shown.
    edges : ndarray, shape=(B + 1,)
        Equally spaced edges, the same for all.
    bins : int
        Number of bins shown first; must divide B.

    Returns
    -------
    str
        HTML that works in a page without a kernel, from a file, by keyboard, and shows its first state without scripts.

    Raises
    ------
    StudyError
        If a histogram is empty, does not fit the edges, or `bins` does not divide B.

    Examples
    --------
    >>> text = similarities({("m", "mean"): (np.array([0, 4]), np.array([4, 0]))}, np.array([-1.0, 0.0, 1.0]), bins=2)
    >>> "overlap ratio 0.000, AUROC 1.000" in text
    True
    """
    fine = len(edges) - 1
    choices = sorted({b for b in (*BINS, bins, fine) if b <= fine and fine % b == 0})
    if not counts or bins not in choices:
        raise StudyError(f"similarity explorer: {len(counts)} histograms of {fine} bins cannot be shown in {bins}; give one of {choices}")
    for key, (positive, negative) in counts.items():
        if len(positive) != fine or len(negative) != fine or not np.sum(positive) or not np.sum(negative):
            raise StudyError(f"similarity explorer: histogram {key} is empty or has not {fine} bins")
    rows = [
        {"model": model, "descriptor": descriptor, "positive": np.asarray(p).tolist(), "negative": np.asarray(n).tolist()}
        for (model, descriptor), (p, n) in counts.items()
    ]
    data = {"rows": rows, "bins": choices, "low": float(edges[0]), "high": float(edges[-1])}
    (model, descriptor), (positive, negative) = next(iter(counts.items()))
    body = _controls(counts, choices, bins) + _state(f"{model}, {descriptor}", np.asarray(positive), np.asarray(negative), choices, bins, data)
    return assemble("similarities", title or "How alike are two RNAs of one family, and of two?", body, data)


def _controls(counts: Mapping[tuple[str, str], object], choices: list[int], bins: int) -> str:
    models = list(dict.fromkeys(model for model, _ in counts))
    first = next(iter(counts))[0]
    descriptors = [descriptor for model, descriptor in counts if model == first]
    return (
        '<div class="rs-controls" hidden>'
        f'<label>Model<select data-part="model">{options(models)}</select></label>'
        f'<label>Descriptor<select data-part="descriptor">{options(descriptors)}</select></label>'
        f'<label>Bins<select data-part="bins">{options([str(b) for b in choices], choices.index(bins))}</select></label></div>'
    )


def _steps(share: NDArray[np.floating], first: int, last: int, top: float, closed: bool) -> str:
    width = WIDTH / (last - first)
    heights = [HEIGHT - (HEIGHT - 10) * value / top for value in share[first:last]]
    path = f"M0 {HEIGHT}" + "".join(f"V{height:.1f}H{(k + 1) * width:.1f}" for k, height in enumerate(heights)) + f"V{HEIGHT}"
    return path + ("Z" if closed else "")


def _chart(positive: Counts, negative: Counts, low: float, high: float, label: str) -> str:
    p, n = positive / positive.sum(), negative / negative.sum()
    seen = np.flatnonzero(p + n)
    first, last, top = int(seen[0]), int(seen[-1]) + 1, float(max(p.max(), n.max()))
    at = low + (high - low) * np.array([first, (first + last) / 2, last]) / len(p)
    ticks = "".join(
        f'<text x="{x}" y="{HEIGHT + 18}" font-size="13" text-anchor="{anchor}">{value:.2f}</text>'
        for x, value, anchor in zip((0, WIDTH / 2, WIDTH), at, ("start", "middle", "end"), strict=True)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 40}" role="img" aria-label="{escape(label, quote=True)}" data-part="chart">'
        f'<path class="rs-both" d="{_steps(np.minimum(p, n), first, last, top, True)}"/>'
        f'<path class="rs-found" stroke-width="2" d="{_steps(p, first, last, top, False)}"/>'
        f'<path class="rs-false" stroke-width="2" d="{_steps(n, first, last, top, False)}"/>'
        f'<path class="rs-axis" d="M0 {HEIGHT}H{WIDTH}"/>{ticks}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT + 36}" font-size="13" text-anchor="middle">cosine similarity</text></svg>'
    )


def _state(name: str, positive: Counts, negative: Counts, choices: list[int], bins: int, data: Mapping[str, object]) -> str:
    ratios = {b: overlap(rebinned(positive, b), rebinned(negative, b)) for b in choices}
    said = f"{name}, {bins} bins: overlap ratio {ratios[bins]:.3f}, AUROC {auroc(positive, negative):.3f}."
    chart = _chart(rebinned(positive, bins), rebinned(negative, bins), data["low"], data["high"], f"Two histograms. {said}")  # type: ignore[arg-type]
    cells = "".join(f"<td>{ratios[b]:.3f}</td>" for b in choices)
    heads = "".join(f'<th scope="col">{b}</th>' for b in choices)
    return (
        f'<p class="rs-read" role="status" aria-live="polite" data-part="read">{escape(said)}</p>{chart}'
        '<p class="rs-key">Blue line: pairs of the same family. Orange, dashed: pairs of different families. Grey: overlap.</p>'
        '<div style="overflow-x:auto" tabindex="0" role="group" aria-label="Overlap ratio by number of bins">'
        f'<table><tbody><tr><th scope="row">bins</th>{heads}</tr>'
        f'<tr data-part="ratios"><th scope="row">overlap ratio</th>{cells}</tr></tbody></table></div>'
    )
