"""Slides as one file of plain HTML, from the same figures as the pages; no script, no other host. Made with the book."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

import rnastudy_lessons
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import SphinxDirective

_STYLE = """
html { scroll-snap-type: y mandatory; scroll-padding: 0; font-family: system-ui, sans-serif; background: #fff; color: #1a1a1b; }
body { margin: 0; }
section { min-height: 100vh; box-sizing: border-box; padding: 4vh 6vw; scroll-snap-align: start; display: flex; flex-direction: column; justify-content: center;
  break-after: page; }
h1 { font-size: clamp(1.5rem, 4vw, 2.8rem); margin: 0 0 1rem; line-height: 1.15; }
p { font-size: clamp(1rem, 2vw, 1.5rem); margin: .2rem 0; }
figure { margin: 1rem 0 0; }
img { max-width: 100%; max-height: 58vh; }
figcaption { font-size: clamp(.85rem, 1.4vw, 1.05rem); color: #4a505a; margin-top: .4rem; }
nav { font-size: .9rem; margin-top: 1.2rem; }
a { color: #004d80; }
"""


def _of_run(study: Path, name: str) -> tuple[str, str, str] | None:
    """SVG, alternative text and caption of a run's figure; nothing if the page has not been run."""
    page, _, figure = name.partition("/")
    path = study / page / "figures" / f"{figure}.svg"
    if not path.exists():
        return None
    told = json.loads((path.parent / "captions.json").read_text(encoding="utf-8"))[figure]
    return path.read_text(encoding="utf-8"), told["alt"], told["caption"]


def _drawn(name: str) -> tuple[str, str, str]:
    from rnastudy.plotting.output import svg

    if name not in rnastudy_lessons.FIGURES:
        raise ConfigError(f"slides.yml: no figure is named {name!r}; there are {', '.join(rnastudy_lessons.FIGURES)}")
    figure, alt, caption = rnastudy_lessons.FIGURES[name]()
    return svg(figure, alt), alt, caption


def _figure(slide: dict[str, Any], study: Path) -> str:
    found = _of_run(study, slide["figure"]) if "figure" in slide else _drawn(slide["drawn"]) if "drawn" in slide else None
    if found is None:
        return "<p>Run the study to see this figure.</p>" if "figure" in slide else ""
    picture, alt, caption = found
    source = base64.b64encode(picture.encode()).decode()
    return f'<figure><img src="data:image/svg+xml;base64,{source}" alt="{escape(alt, quote=True)}"><figcaption>{escape(caption)}</figcaption></figure>'


def _section(number: int, slides: list[dict[str, Any]], study: Path) -> str:
    slide = slides[number]
    lines = "".join(f"<p>{escape(line)}</p>" for line in slide.get("lines", []))
    before = f'<a href="#s{number}">back</a> · ' if number else ""
    after = f' · <a href="#s{number + 2}">next</a>' if number + 1 < len(slides) else ""
    nav = f'<nav aria-label="Slide {number + 1}">{before}{number + 1} of {len(slides)}{after}</nav>'
    return f'<section id="s{number + 1}"><h1>{escape(slide["title"])}</h1>{lines}{_figure(slide, study)}{nav}</section>'


def slides_html(source: Path, study: Path) -> str:
    """Return all slides as one page.

    Parameters
    ----------
    source : Path
        ``slides.yml``.
    study : Path
        Folder of the executed pages.
    """
    slides = yaml.safe_load(source.read_text(encoding="utf-8"))
    body = "\n".join(_section(number, slides, study) for number in range(len(slides)))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Slides</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en-GB"><head>{head}</head><body><main>{body}</main></body></html>\n'


class Slides(SphinxDirective):
    """A link to the slides, and what is on them."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.doc2path(self.env.docname)).parent / "slides.yml"
        self.env.note_dependency(str(path))
        up = "../" * self.env.docname.count("/")
        link = nodes.raw("", f'<p><a href="{up}_static/slides.html">Open the slides</a></p>', format="html")
        slides = yaml.safe_load(path.read_text(encoding="utf-8"))
        items = (nodes.list_item("", nodes.paragraph(text=slide["title"])) for slide in slides)
        return [link, nodes.enumerated_list("", *items)]


def write_slides(app: Sphinx, failure: Exception | None) -> None:
    """Lay the slides into the built book."""
    source = Path(app.srcdir) / "book" / "teach" / "slides.yml"
    if failure is None and app.builder.format == "html" and source.exists():
        target = Path(app.outdir) / "_static" / "slides.html"
        target.write_text(slides_html(source, Path(app.srcdir) / "book" / "study"), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("slides", Slides)
    app.connect("build-finished", write_slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
