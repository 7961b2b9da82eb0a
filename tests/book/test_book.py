"""The book, built with warnings as errors and opened in a browser: every page, both themes, desk and phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from book_making import ROOT, Watched, build, histograms, maps

from rnastudy import datasets, explorers, models

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
ADDRESS = re.compile(r'(?:src|href)="((?:https?:)?//[^"]+)"')

# What the files say ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_page_is_built(site: Path, page: str) -> None:
    assert (site / f"{page}.html").exists()


@pytest.mark.parametrize("page", PAGES)
def test_page_loads_nothing_from_another_host(site: Path, page: str) -> None:
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)="(?:https?:)?//[^"]+"', text)
    assert loaded == []


@pytest.mark.parametrize("page", PAGES)
def test_page_stays_small(site: Path, page: str) -> None:
    assert (site / f"{page}.html").stat().st_size < 3 * 2**20


def test_no_link_to_the_repository_while_its_address_is_not_set(site: Path) -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    text = "".join((site / f"{page}.html").read_text(encoding="utf-8") for page in PAGES)
    dead = re.findall(r"colab\.research|mybinder|btn-source-repository|btn-source-issues|executablebooks/jupyter-book", text)
    assert bool(config["repository"]["url"]) or dead == []


def test_setting_the_address_brings_buttons_to_every_page(source: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "with-address"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("_build"))
    config = yaml.safe_load((folder / "_config.yml").read_text(encoding="utf-8"))
    config["repository"]["url"] = "https://github.com/someone/rnastudy"
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = build(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    text = (folder / "_build" / "html" / "book" / "study" / "structure.html").read_text(encoding="utf-8")
    assert "https://github.com/someone/rnastudy" in text


def test_every_card_cites_something_in_the_bibliography() -> None:
    known = set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "rnastudy" / "data" / "references.bib").read_text(encoding="utf-8"), flags=re.M))
    cited = {card.citation for card in (*models.cards().values(), *datasets.cards().values()) if card.citation}
    assert cited <= known, f"missing from references.bib: {sorted(cited - known)}"


def test_cards_reach_their_pages(site: Path) -> None:
    shown = (site / "book" / "models.html").read_text(encoding="utf-8")
    assert all(f">{key}<" in shown for key in models.cards())
    shown = (site / "book" / "data.html").read_text(encoding="utf-8")
    assert all(f">{name}<" in shown for name in datasets.cards())


def test_numbers_are_glued_not_typed(site: Path) -> None:
    front = (site / "book" / "intro.html").read_text(encoding="utf-8")
    assert front.count("pasted-text") >= 15


def test_mathematics_comes_with_the_book(site: Path) -> None:
    assert (site / "_static" / "mathjax" / "tex-chtml.js").stat().st_size > 100_000
    assert list((site / "_static" / "mathjax" / "output" / "chtml" / "fonts").rglob("*.woff"))


def test_prose_has_one_sentence_a_line() -> None:
    for path in sorted((ROOT / "book").glob("*.md")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.startswith(("|", "#", "`", "-", ":")):
                ends = re.findall(r"[a-z)]\. (?=[A-Z])", line.replace("et al. ", ""))
                assert len(ends) <= (1 if line.startswith("**") else 0), f"{path.name}:{number}: more than one sentence on the line"


# What a browser sees --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_clean(site: Path, watch: Callable[..., Watched], page: str, theme: str) -> None:
    watched = watch(theme)
    opened = watched.open(site / f"{page}.html")
    assert opened.evaluate("document.documentElement.dataset.theme") == theme
    assert opened.evaluate("[...document.images].filter(i => !(i.getAttribute('alt') || '').trim()).map(i => i.src)") == []
    unnamed = "[...document.querySelectorAll('.bd-article svg[role=img]')].filter(s => !(s.getAttribute('aria-label') || '').trim() && !s.ariaHidden)"
    assert opened.evaluate(f"{unnamed}.map(s => s.outerHTML.slice(0, 80))") == []
    assert opened.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)") == []
    for width in (1280, 380):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, f"the page is wider than a screen of {width}"
    assert watched.troubles == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_of_figures_and_explorers_can_be_read_in_both_themes(site: Path, watch: Callable[..., Watched], theme: str) -> None:
    opened = watch(theme).open(site / "book" / "study" / "structure.html")
    contrasts = opened.evaluate(CONTRAST)
    assert contrasts, "no text of a figure or an explorer was found"
    assert min(contrasts) >= 4.5


#: Contrast (WCAG 2) of every word of a figure or an explorer with the nearest background that is not transparent.
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const inMap = (node) => node.closest('svg') && node.closest('svg').querySelector('image');
  return [...document.querySelectorAll('.rs-figure text, .rs-figure figcaption, .rs-explorer p, .rs-explorer label, .rs-explorer text, .rs-explorer td')]
    .filter((node) => node.textContent.trim() && !inMap(node) && node.getClientRects().length)
    .map((node) => {
      const style = getComputedStyle(node);
      const pair = [light(parse(node instanceof SVGElement ? style.fill : style.color)), light(behind(node))].sort((a, b) => b - a);
      return (pair[0] + 0.05) / (pair[1] + 0.05);
    });
}"""


# Explorers ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both explorers on a page of their own, as a file."""
    path = tmp_path_factory.mktemp("alone") / "explorers.html"
    rna, scores, chosen = maps()
    body = explorers.heads(rna, scores, chosen=chosen) + explorers.similarities(*histograms())
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Explorers</title><body>{body}', encoding="utf-8")
    return path


def _part(page: Any, kind: str, name: str) -> Any:
    return page.locator(f'.rs-explorer[data-kind="{kind}"] [data-part="{name}"]')


def test_script_redraws_just_what_the_page_already_held(alone: Path, watch: Callable[..., Watched], browser: Any) -> None:
    without = browser.new_context(java_script_enabled=False)
    still = without.new_page()
    still.goto(alone.as_uri())
    running = watch().open(alone)
    for kind, name in (("heads", "read"), ("heads", "words"), ("similarities", "read")):
        assert _part(still, kind, name).text_content() == _part(running, kind, name).text_content()
    assert not still.locator(".rs-controls").first.is_visible()
    assert running.locator(".rs-controls").first.is_visible()
    assert _part(still, "heads", "arcs").locator("path").count() == _part(running, "heads", "arcs").locator("path").count()
    without.close()


def test_keyboard_moves_the_threshold_and_it_is_said(alone: Path, watch: Callable[..., Watched]) -> None:
    page = watch().open(alone)
    before = _part(page, "heads", "read").text_content()
    _part(page, "heads", "threshold").focus()
    page.keyboard.press("Home")
    low = _part(page, "heads", "read").text_content()
    page.keyboard.press("End")
    high = _part(page, "heads", "read").text_content()
    assert len({before, low, high}) == 3
    assert "1 found, 0 false" in high or "0 found, 1 false" in high
    assert int(re.search(r"(\d+) false", low)[1]) > 50
    assert _part(page, "heads", "read").get_attribute("aria-live") == "polite"
    assert high in _part(page, "heads", "arcs").get_attribute("aria-label")


def test_tab_reaches_every_control(alone: Path, watch: Callable[..., Watched]) -> None:
    page = watch().open(alone)
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.part || document.activeElement.tagName"))
    assert [name for name in reached if name not in ("DIV", "SUMMARY", "BODY", "HTML")][:8] == [
        "head",
        "decoder",
        "canonical",
        "threshold",
        "chosen",
        "model",
        "descriptor",
        "bins",
    ]


def test_mouse_and_choices_change_the_heads(alone: Path, watch: Callable[..., Watched]) -> None:
    page = watch().open(alone)
    first = _part(page, "heads", "read").text_content()
    box = _part(page, "heads", "threshold").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 2)
    assert _part(page, "heads", "read").text_content() != first
    _part(page, "heads", "chosen").click()
    assert _part(page, "heads", "read").text_content() == first
    _part(page, "heads", "head").select_option("1")
    assert "poor, layer 1, head 1" in _part(page, "heads", "map").get_attribute("aria-label")
    assert not _part(page, "heads", "chosen").is_visible()


@pytest.mark.parametrize("decoder", ["raw", "mutual", "greedy"])
@pytest.mark.parametrize("canonical", [False, True])
def test_page_decodes_as_the_package_does(alone: Path, watch: Callable[..., Watched], decoder: str, canonical: bool) -> None:
    import numpy as np

    from rnastudy.explorers.head_explorer import DECODERS, quantised
    from rnastudy.structure import candidate_mask, decode

    page = watch().open(alone)
    rna, scores, _ = maps()
    label = list(scores)[1]
    _part(page, "heads", "head").select_option("1")
    _part(page, "heads", "decoder").select_option(str(DECODERS.index(decoder)))
    _part(page, "heads", "canonical").set_checked(canonical)
    for step in (0, 60, 150):
        _part(page, "heads", "threshold").evaluate("(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }", str(step))
        allowed = candidate_mask(rna, min_separation=4)
        head = quantised(label, scores[label], allowed, None)
        matrix = np.zeros(allowed.shape)
        matrix[np.triu(allowed, 1)] = head.scores
        pairs = decode(matrix, head.threshold(step), decoder, candidates=candidate_mask(rna, min_separation=4, canonical=canonical))
        said = ", ".join(f"{rna.sequence[i]}{i + 1}-{rna.sequence[j]}{j + 1}" for i, j in pairs) or "none"
        assert _part(page, "heads", "words").text_content() == said


def test_bins_move_the_overlap_ratio_and_not_the_auroc(alone: Path, watch: Callable[..., Watched]) -> None:
    page = watch().open(alone)
    said = []
    for choice in ("0", "8"):
        _part(page, "similarities", "bins").select_option(choice) if choice == "0" else _part(page, "similarities", "bins").press("End")
        said.append(re.search(r"ratio ([\d.]+), AUROC ([\d.]+)", _part(page, "similarities", "read").text_content()).groups())
    assert said[0][0] != said[1][0]
    assert said[0][1] == said[1][1]


def test_model_and_descriptor_change_the_distributions(alone: Path, watch: Callable[..., Watched]) -> None:
    page = watch().open(alone)
    _part(page, "similarities", "descriptor").select_option("1")
    _part(page, "similarities", "model").select_option("1")
    assert "second, FFT (review)" in _part(page, "similarities", "read").text_content()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explorers_of_the_book_respond(site: Path, watch: Callable[..., Watched], theme: str) -> None:
    """Whichever explorers the study's pages hold, their controls are shown and change what is said."""
    tried = 0
    for page_name in PAGES:
        watched = watch(theme)
        page = watched.open(site / f"{page_name}.html")
        for kind, control in (("heads", "threshold"), ("similarities", "bins")):
            for place in range(page.locator(f'.rs-explorer[data-kind="{kind}"]').count()):
                one = page.locator(f'.rs-explorer[data-kind="{kind}"]').nth(place)
                before = one.locator('[data-part="read"]').text_content()
                one.locator(f'[data-part="{control}"]').press("Home")
                assert one.locator('[data-part="read"]').text_content() != before
                tried += 1
        assert watched.troubles == []
    assert tried >= 2
