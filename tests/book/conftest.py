"""The built book and a browser, made once; pages of the study that are not there yet are stood in for, in a copy only."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from book_making import NUMBERS, ROOT, Watched, build, chromium, stand_in


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the book is built from, complete with stand-ins for pages that have not been run."""
    import nbformat

    folder = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in ("book", "studies", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "rnastudy" / "data").mkdir(parents=True)
    shutil.copyfile(ROOT / "rnastudy" / "data" / "references.bib", folder / "rnastudy" / "data" / "references.bib")
    missing = [name for name in NUMBERS if not (folder / "book" / "study" / f"{name}.ipynb").exists()]
    (folder / "book" / "study").mkdir(exist_ok=True)
    for name in missing:
        nbformat.write(stand_in(name), folder / "book" / "study" / f"{name}.ipynb")
    if missing:
        warnings.warn(f"the book was tested with stand-ins for {', '.join(missing)}; run `make book` first to test the real pages", stacklevel=2)
    return folder


@pytest.fixture(scope="session")
def site(source: Path) -> Path:
    """The folder of the built pages."""
    done = build(source)
    assert done.returncode == 0, f"the book does not build without warnings:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return source / "_build" / "html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; without one these tests are skipped, and say how to get it."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        pytest.skip("NO BROWSER TEST WAS RUN: no Chromium here; install Debian's chromium, or run: playwright install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def contexts(browser: Any) -> Iterator[dict[tuple[str, int], Any]]:
    """One browser context for every theme and width asked for, kept for all tests."""
    made: dict[tuple[str, int], Any] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def watch(browser: Any, contexts: dict[tuple[str, int], Any]) -> Iterator[Callable[..., Watched]]:
    """Open watched pages, in a theme and at a width."""
    pages = []

    def opened(theme: str = "light", width: int = 1280) -> Watched:
        if (theme, width) not in contexts:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
            context.set_default_timeout(180_000)
            context.add_init_script(f"try {{ localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}'); }} catch (e) {{}}")
            contexts[theme, width] = context
        pages.append(contexts[theme, width].new_page())
        return Watched(pages[-1])

    yield opened
    for page in pages:
        page.close()
