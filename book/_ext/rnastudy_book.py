"""What this book needs of Sphinx beside its themes: mathematics without a network, one setting for the address, pages from cards."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import rnastudy_tables
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

#: What a page with a formula loads of MathJax; the rest of the package (20 MB of input formats and speech) stays out.
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")


def mathjax_folder() -> Path:
    """Find MathJax in the package ``sphinx-mathjax-offline``; its name has hyphens, so it cannot be imported by a statement."""
    found = find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        raise ConfigError("the package sphinx-mathjax-offline is missing; install the extra 'book' (make setup)")
    return Path(found.origin).parent / "static" / "mathjax"


def copy_mathjax(app: Sphinx, failure: Exception | None) -> None:
    """Lay the needed parts of MathJax into the built book."""
    if failure is not None or app.builder.format != "html":
        return
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / part, target / part)


def set_addresses(app: Sphinx, config: Config) -> None:
    """Show buttons and links to the repository only where its address is set (``repository: url`` in ``_config.yml``)."""
    options: dict[str, Any] = dict(config.html_theme_options)
    known = bool(options.get("repository_url"))
    options.update(use_repository_button=known, use_issues_button=known, use_download_button=True)
    if known:
        options["launch_buttons"] = {"binderhub_url": "https://mybinder.org", "colab_url": "https://colab.research.google.com"}
    else:
        for name in ("repository_url", "launch_buttons", "path_to_docs", "repository_branch"):
            options.pop(name, None)
    config.html_theme_options = options
    config.mathjax_path = "mathjax/tex-chtml.js"


def drop_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Take Thebe's scripts off every page: it would need another host, and two copies of its settings are an error."""

    def of_thebe(script: Any) -> bool:
        return "thebe" in f"{getattr(script, 'filename', script)}{getattr(script, 'attributes', {}).get('body', '')}".lower()

    context["script_files"] = [script for script in context.get("script_files", []) if not of_thebe(script)]


def drop_source_link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Take the button to a page's source away: sources are not copied into the book, so it would lead nowhere."""
    if app.config.html_copy_source:
        return
    for button in context.get("header_buttons", []):
        if "buttons" in button:
            button["buttons"] = [one for one in button["buttons"] if one.get("label") != "download-source-button"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", set_addresses, priority=900)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("html-page-context", drop_source_link, priority=900)
    app.connect("build-finished", copy_mathjax)
    for name, directive in rnastudy_tables.DIRECTIVES.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
