"""From a figure to what a page holds: one inline SVG that follows the reader's theme, and files to download.

An ``<img>`` keeps the colours it was drawn with, so that a dark page needs a second copy. An inline SVG does not: the four
reserved colours of :mod:`rnastudy.plotting.style` become ``currentColor`` and custom properties of the page. Its
alternative text travels with it as ``aria-label``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from rnastudy.errors import StudyError
from rnastudy.plotting.style import GRID, INK, MUTED, PAPER, RC

__all__ = ["Shown", "html", "inline_svg", "png", "save", "show", "svg"]

#: Reserved colour -> what an inline figure uses, with a fallback for pages that define nothing.
THEMED = {
    INK: "currentColor",
    MUTED: f"var(--rs-muted, {MUTED})",
    GRID: f"var(--rs-grid, {GRID})",
    PAPER: f"var(--rs-paper, {PAPER})",
}
STYLE = "stroke-linejoin: round; stroke-linecap: butt"
#: Files are for slides and print: white behind, the reserved colours as they are.
WHITE = "#ffffff"


def _check(alt: str) -> str:
    if not alt.strip():
        raise StudyError("a figure has an empty alternative text; say what is drawn and what it shows")
    return " ".join(alt.split())


def _settle(figure: Figure) -> None:
    """Lay the figure out once and for all, so that it comes out the same however often it is drawn."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def _written(figure: Figure, facecolor: str) -> str:
    buffer = io.StringIO()
    with matplotlib.rc_context(RC):
        _settle(figure)
        figure.savefig(buffer, format="svg", facecolor=facecolor, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    return text[text.index("<svg") :]


def _own_ids(text: str) -> str:
    """Drop the ids nothing refers to and make the others unique to this figure, so that figures can share a page."""
    mark = "rs" + hashlib.sha256(text.encode()).hexdigest()[:8]
    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{mark}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'href="#', f'href="#{mark}-', text)
    return text.replace("url(#", f"url(#{mark}-")


def svg(figure: Figure, alt: str) -> str:
    """Write a stand-alone SVG file on white, with the alternative text as its title.

    Examples
    --------
    >>> text = svg(Figure(figsize=(1, 1)), "An empty figure.")
    >>> text.startswith("<svg"), "<title>An empty figure.</title>" in text
    (True, True)
    """
    text = _written(figure, WHITE)
    head = text.index(">") + 1
    return f"{text[:head]}\n <title>{escape(_check(alt))}</title>{text[head:]}"


def inline_svg(figure: Figure, alt: str) -> str:
    """Write an SVG element for a page: themed, transparent, ids of its own, ``role="img"`` and the alternative text as label.

    Examples
    --------
    >>> 'aria-label="An empty figure."' in inline_svg(Figure(figsize=(1, 1)), "An empty figure.")
    True
    """
    text = _own_ids(_written(figure, "none"))
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.S)
    for colour, themed in THEMED.items():
        text = text.replace(colour, themed)
    width = round(figure.get_figwidth() * 96)
    size = f"{STYLE}; width: 100%; height: auto; max-width: {width}px; min-width: {round(0.72 * width)}px"
    box = re.search(r'viewBox="[^"]+"', text)
    body = text[text.index(">") + 1 :]
    label = escape(_check(alt), quote=True)
    root = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return re.sub(r"\n\s*", "\n", f'{root} {box[0] if box else ""} role="img" aria-label="{label}" style="{size}">{body}')


def html(figure: Figure, alt: str, caption: str | None = None) -> str:
    """Write a ``<figure>`` with the inline SVG, in a frame that scrolls on a narrow screen, and the finding as caption.

    Examples
    --------
    >>> html(Figure(figsize=(1, 1)), "Empty.", "Nothing <is> seen.").endswith("<figcaption>Nothing &lt;is&gt; seen.</figcaption></figure>")
    True
    """
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    name = escape(caption or _check(alt), quote=True)
    frame = f'<div class="rs-scroll" style="overflow-x: auto" tabindex="0" role="group" aria-label="Figure: {name}">'
    return f'<figure class="rs-figure" style="margin: 0 0 1rem">{frame}{inline_svg(figure, alt)}</div>{told}</figure>'


def png(figure: Figure, dpi: int = 110) -> bytes:
    """Render a figure on white, as bytes that do not change from run to run.

    Examples
    --------
    >>> png(Figure(figsize=(1, 1)))[1:4]
    b'PNG'
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context(RC):
        _settle(figure)
        figure.savefig(buffer, format="png", dpi=dpi, facecolor=WHITE, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Figure, alt: str, stem: str | Path) -> list[Path]:
    """Write ``stem.svg``, ``stem.png`` and ``stem.txt`` (the alternative text), making the folder if need be.

    Returns
    -------
    list of Path
        The three files.
    """
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(stem.name + ending) for ending in (".svg", ".png", ".txt")]
    paths[0].write_text(svg(figure, alt), encoding="utf-8")
    paths[1].write_bytes(png(figure, dpi=200))
    paths[2].write_text(_check(alt) + "\n", encoding="utf-8")
    return paths


@dataclass(frozen=True)
class Shown:
    """A figure ready to be the last line of a notebook cell: themed HTML for pages, PNG for print, text for readers.

    Examples
    --------
    >>> data, metadata = Shown(Figure(figsize=(1, 1)), "Empty.")._repr_mimebundle_()
    >>> sorted(data), metadata["image/png"]["alt"]
    (['image/png', 'text/html', 'text/plain'], 'Empty.')
    """

    figure: Figure = field(repr=False)
    alt: str
    caption: str | None = None

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, str], dict[str, dict[str, object]]]:
        data = {
            "text/html": html(self.figure, self.alt, self.caption),
            "image/png": base64.b64encode(png(self.figure)).decode(),
            "text/plain": _check(self.alt),
        }
        return data, {"image/png": {"alt": _check(self.alt), "width": round(self.figure.get_figwidth() * 96)}}


def show(drawn: tuple[Figure, str], caption: str | None = None, stem: str | Path | None = None) -> Shown:
    """Show what a drawing function returned, and save its files if a `stem` is given.

    Parameters
    ----------
    drawn : (Figure, str)
        Figure and alternative text, as every function of :mod:`rnastudy.plotting` returns them.
    caption : str, optional
        The finding, in a sentence.
    stem : path, optional
        Where the files go, without an ending.

    Examples
    --------
    >>> show((Figure(figsize=(1, 1)), "Empty."), "Nothing.").caption
    'Nothing.'
    """
    figure, alt = drawn
    if stem is not None:
        save(figure, alt, stem)
    return Shown(figure, alt, caption)
