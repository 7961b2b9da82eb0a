"""What the background and teaching pages make while the book is built: figures, worked numbers, the lab's copies and the slides."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from book_making import ROOT, Watched

sys.path.insert(0, str(ROOT / "book" / "_ext"))

import rnastudy_lessons as lessons
import rnastudy_slides as slides

BACKGROUND = sorted((ROOT / "book" / "background").glob("*.md"))
TEACHING = sorted((ROOT / "book" / "teach").glob("*.md"))


@pytest.mark.parametrize("path", [*BACKGROUND, *TEACHING], ids=lambda path: path.stem)
def test_one_sentence_a_line(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith(("|", "#", "`", "-", ":")):
            ends = re.findall(r"[a-z)]\. (?=[A-Z])", line)
            assert len(ends) <= (1 if line.startswith("*") else 0), f"{path.name}:{number}: more than one sentence on the line"


@pytest.mark.parametrize("path", BACKGROUND, ids=lambda path: path.stem)
def test_a_background_page_is_read_in_the_time_it_names_and_links_its_terms(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    minutes = {"Six": 6, "Eight": 8, "Ten": 10, "Twelve": 12}[re.search(r"\{admonition\} (\w+) minutes", text)[1]]
    assert len(text.split()) / minutes < 160
    terms = [re.sub(r".*<(.*)>", r"\1", term).lower() for term in re.findall(r"\{term\}`([^`]+)`", text)]
    assert len(terms) >= 5
    assert len(terms) == len(set(terms)), "a term is linked at its first use on a page, and not again"


def test_every_figure_and_worked_example_is_on_a_page_and_the_other_way_round() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in BACKGROUND)
    assert set(re.findall(r":::\{worked\} (\S+)", texts)) == set(lessons.WORDS)
    assert set(re.findall(r":::\{drawn\} (\S+)", texts)) == set(lessons.FIGURES)


def test_figures_have_alternative_text_and_caption(site: Path) -> None:
    for path in BACKGROUND:
        page = (site / "book" / "background" / f"{path.stem}.html").read_text(encoding="utf-8")
        asked = len(re.findall(r":::\{drawn\}", path.read_text(encoding="utf-8")))
        assert page.count('class="rs-figure"') == page.count("<figcaption>") == len(re.findall(r'<svg[^>]+role="img" aria-label="[^"]{40,}"', page)) == asked


def test_answers_of_the_guide_are_those_of_the_notebooks(site: Path) -> None:
    guide = (site / "book" / "teach" / "guide.html").read_text(encoding="utf-8")
    for name in ("structure", "classification", "scaling", "tradeoff", "lab"):
        cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        for asked in re.findall(r"^:::\{dropdown\} (?!Answer)(.{10,60})$", text[text.index("## Quiz") :], flags=re.M):
            assert asked.split("`")[0].split("'")[0][:40] in guide


def test_both_copies_of_the_lab_can_be_downloaded(site: Path) -> None:
    guide = (site / "book" / "teach" / "guide.html").read_text(encoding="utf-8")
    for kind in ("student", "instructor"):
        assert f'href="../../_static/lab-{kind}.ipynb" download' in guide
        assert json.loads((site / "_static" / f"lab-{kind}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_slides_are_one_file_without_scripts_and_other_hosts(site: Path) -> None:
    text = (site / "_static" / "slides.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text) == []
    assert text.count("<section") >= 10
    assert text.count("<img") == len(re.findall(r'alt="[^"]{20,}"', text)) >= 8
    assert len(text) < 4 * 2**20


@pytest.mark.parametrize("width", [1280, 390])
def test_slides_fit_the_screen(site: Path, watch: Callable[..., Watched], width: int) -> None:
    watched = watch("light", width)
    page = watched.open(site / "_static" / "slides.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0
    assert watched.troubles == []


def test_a_slide_of_a_page_that_was_not_run_says_so(tmp_path: Path) -> None:
    source = tmp_path / "slides.yml"
    source.write_text("- {title: One, lines: [a < b], figure: nothing/forest}\n", encoding="utf-8")
    made = slides.slides_html(source, tmp_path)
    assert "Run the study to see this figure." in made
    assert "a &lt; b" in made
