"""The first state of the head explorer as SVG; ``heads.js`` draws every later state the same way."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnastudy.rna import Rna

__all__ = ["arcs_svg", "cividis", "map_svg", "picture", "read_out"]

Pair = tuple[int, int]
WIDTH, HALF = 640, 150


def cividis() -> str:
    """Return the cividis colour map as 256 colours of six hexadecimal digits, joined.

    Examples
    --------
    >>> len(cividis()), cividis()[:6]
    (1536, '00224e')
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return "".join(to_hex(colormaps["cividis"](i))[1:] for i in range(256))


def picture(scores: NDArray[np.floating], allowed: NDArray[np.bool_], low: float, high: float) -> str:
    """Colour the candidates above the diagonal and return them as the data address of a PNG of L x L pixels.

    Examples
    --------
    >>> picture(np.eye(3), np.ones((3, 3), bool), 0.0, 1.0)[:22]
    'data:image/png;base64,'
    """
    from matplotlib import colormaps
    from matplotlib.image import imsave

    level = np.clip((scores - low) / max(high - low, 1e-12), 0, 1)
    colours = colormaps["cividis"](np.floor(level * 255).astype(int))
    colours[..., 3] = np.triu(allowed, 1)
    buffer = io.BytesIO()
    unsigned: Any = {"Software": None}
    imsave(buffer, colours, format="png", metadata=unsigned)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _symbol(fate: str, x: float, y: float, size: float, over: str = "") -> str:
    if fate == "found":
        return f'<circle class="rs-mark rs-found{over}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'
    if fate == "false":
        cross = f"M{x - size:.1f} {y - size:.1f}l{2 * size:.1f} {2 * size:.1f}m0 {-2 * size:.1f}l{-2 * size:.1f} {2 * size:.1f}"
        return f'<path class="rs-mark rs-false{over}" d="{cross}"/>'
    return f'<rect class="rs-mark rs-missed" x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" height="{2 * size:.1f}"/>'


def arcs_svg(rna: Rna, sorted_pairs: Mapping[str, Sequence[Pair]], label: str) -> str:
    """Draw predicted pairs above the sequence and reference pairs below it.

    Examples
    --------
    >>> hairpin = Rna("h", "GGGAAACCC", pairs=((0, 8),))
    >>> arcs_svg(hairpin, {"found": [(0, 8)], "false": [], "missed": []}, "one pair").count("<path")
    3
    """
    step = WIDTH / len(rna)
    parts = [f'<svg viewBox="0 0 {WIDTH} {2 * HALF + 20}" role="img" aria-label="{label}" data-part="arcs">']
    parts.append(f'<path class="rs-axis" d="M0 {HALF + 10}H{WIDTH}"/>')
    for side, names in ((1, ("found", "false")), (-1, ("found", "missed"))):
        for name in names:
            for i, j in sorted_pairs[name]:
                left, right = (i + 0.5) * step, (j + 0.5) * step
                height = (right - left) / 2 * (2 * (HALF - 12) / WIDTH)
                base = HALF + 10
                title = f"<title>{rna.sequence[i]}{i + 1} with {rna.sequence[j]}{j + 1}: {name}</title>"
                arc = f"M{left:.1f} {base}A{(right - left) / 2:.1f} {height:.1f} 0 0 {int(side > 0)} {right:.1f} {base}"
                parts.append(f'<path class="rs-{name}" stroke-width="1.6" d="{arc}">{title}</path>')
                parts.append(_symbol(name, (left + right) / 2, base - side * height, 3))
    parts.append(f'<text x="0" y="20" font-size="22">predicted</text><text x="0" y="{2 * HALF + 16}" font-size="22">reference</text></svg>')
    return "".join(parts)


def map_svg(rna: Rna, sorted_pairs: Mapping[str, Sequence[Pair]], image: str, label: str) -> str:
    """Draw scores and predictions above the diagonal, the reference below it.

    Examples
    --------
    >>> hairpin = Rna("h", "GGGAAACCC", pairs=((0, 8),))
    >>> map_svg(hairpin, {"found": [(0, 8)], "false": [], "missed": []}, "data:,", "one pair").count("<circle")
    2
    """
    length, size = len(rna), 4 * len(rna)
    parts = [f'<svg viewBox="0 0 {size} {size}" role="img" aria-label="{label}" data-part="map">']
    parts.append(f'<image href="{image}" width="{size}" height="{size}" style="image-rendering:pixelated"/>')
    parts.append(f'<path class="rs-axis" d="M0 0L{size} {size}"/><rect class="rs-axis" width="{size}" height="{size}"/>')
    mark = max(1.6, length / 50)
    for name, pairs in sorted_pairs.items():
        for i, j in pairs:
            if name != "missed":
                parts.append(_symbol(name, 4 * j + 2, 4 * i + 2, mark, " rs-over"))
            if name != "false":
                parts.append(_symbol(name, 4 * i + 2, 4 * j + 2, mark))
    return "".join(parts) + "</svg>"


def read_out(sorted_pairs: Mapping[str, Sequence[Pair]], threshold: float) -> str:
    """Say the counts and the score of a state, word for word as the script does.

    Examples
    --------
    >>> read_out({"found": [(0, 8)], "false": [], "missed": [(1, 7)]}, 0.5)
    'Threshold 0.5000: 1 found, 0 false, 1 missed. Precision 1.000, recall 0.500, F1 0.667.'
    """
    found, false, missed = (len(sorted_pairs[name]) for name in ("found", "false", "missed"))
    precision, recall = found / max(found + false, 1), found / max(found + missed, 1)
    f1 = 2 * found / max(2 * found + false + missed, 1)
    return f"Threshold {threshold:.4f}: {found} found, {false} false, {missed} missed. Precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}."
