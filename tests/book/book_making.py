"""What the tests of the book are made of: stand-ins for pages, the build, a browser and pages that are watched in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnastudy import explorers, plotting
from rnastudy.rna import Rna

ROOT = Path(__file__).parents[2]
NUMBERS: dict[str, dict[str, float | str]] = {
    "structure": {
        "best_model_label": "a stand-in",
        "best_f1": 0.5,
        "best_f1_low": 0.45,
        "best_f1_high": 0.55,
        "plain_f1": 0.1,
        "untrained_f1": 0.05,
        "vienna_f1": 0.6,
        "stem_prior_f1": 0.4,
        "n_test": 100,
        "n_select": 90,
        "review_vs_careful_gap": -0.05,
    },
    "classification": {
        "best_label": "a stand-in",
        "best_auroc": 0.9,
        "best_auroc_low": 0.88,
        "best_auroc_high": 0.92,
        "kmer_auroc": 0.93,
        "length_auroc": 0.8,
        "untrained_auroc": 0.7,
        "fft_best_or": 0.4,
        "n_families": 200,
        "n_sequences": 2000,
    },
    "scaling": {"slope": 0.07, "slope_low": 0.02, "slope_high": 0.12},
    "tradeoff": {"rho": 0.1, "rho_low": -0.4, "rho_high": 0.6, "n_models": 10},
    "lab": {"lab_f1": 0.3},
    "causes": {"rho": -0.1},
}


def hairpin() -> Rna:
    """Forty bases with one stem of ten pairs."""
    return Rna("hairpin", "GGGACUGCAAAUUUCCCGGGAAAUUUAAACCUUGCAGUCCC", pairs=tuple((i, 40 - i) for i in range(10)))


def noisy(rna: Rna, strength: float, seed: int) -> np.ndarray:
    """Scores of a pretended head: noise everywhere, and the reference pairs lifted out of it by `strength`."""
    scores = np.random.default_rng(seed).normal(0, 0.02, (len(rna), len(rna)))
    for i, j in rna.pairs or ():
        scores[i, j] += strength
    return np.triu(scores, 1) + np.triu(scores, 1).T


def maps() -> tuple[Rna, dict[str, np.ndarray], dict[str, float]]:
    """An RNA, two pretended heads, and the threshold of the first."""
    rna = hairpin()
    return rna, {"good, layer 2, head 3": noisy(rna, 0.12, 0), "poor, layer 1, head 1": noisy(rna, 0.0, 1)}, {"good, layer 2, head 3": 0.07}


def histograms() -> tuple[dict[tuple[str, str], tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Counts of similarities for two pretended models under two descriptors."""
    draw, edges = np.random.default_rng(0), np.linspace(-1, 1, 401)

    def drawn(mean: float, count: int) -> np.ndarray:
        return np.histogram(np.clip(draw.normal(mean, 0.15, count), -1, 1), edges)[0]

    keys = [(model, descriptor) for model in ("first", "second") for descriptor in ("mean over bases", "FFT (review)")]
    return {key: (drawn(0.6 - 0.1 * k, 2000), drawn(0.2, 9000)) for k, key in enumerate(keys)}, edges


def _glued(key: str, value: float | str) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {"application/papermill.record/text/plain": repr(value)},
        "metadata": {"scrapbook": {"name": key, "mime_prefix": "application/papermill.record/"}},
    }


def _shown(bundle: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": bundle[0], "metadata": bundle[1]}


def stand_in(name: str) -> Any:
    """Make a page that holds what a page of the study holds: glued numbers, a figure, both explorers, a run card."""
    import ipywidgets
    import nbformat

    table = pd.DataFrame({"model": ["mapconv-70k", "plain-70k"], "role": "trained", "value": [0.5, 0.1], "low": [0.4, 0.05], "high": [0.6, 0.2]})
    outputs = [
        [_glued(key, value) for key, value in NUMBERS[name].items()],
        [_shown(plotting.show(plotting.forest(table), "A stand-in for a finding.")._repr_mimebundle_())],
        [_shown((explorers.live.heads(*maps()[:2], chosen=maps()[2])._repr_mimebundle_(), {}))],
        [_shown((explorers.live.similarities(*histograms())._repr_mimebundle_(), {}))],
    ]
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": ipywidgets.Widget.get_manager_state()}
    notebook.cells = [nbformat.v4.new_markdown_cell(f"# A stand-in for {name}\n\n```{{run-card}} {name}\n```\n\nA formula: $x^2$.")]
    for number, group in enumerate(outputs):
        cell = nbformat.v4.new_code_cell(f"# cell {number}", outputs=[nbformat.from_dict(one) for one in group], metadata={"tags": ["hide-input"]})
        notebook.cells.append(cell)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build a book, warnings as errors, as `make book` does."""
    words = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "--all", "-W", "-n", "--keep-going"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def chromium() -> str | None:
    """Find a Chromium: the machine's own, or the one that playwright fetched."""
    from playwright.sync_api import sync_playwright

    own = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if own:
        return own
    with sync_playwright() as playwright:
        fetched = playwright.chromium.executable_path
    return fetched if Path(fetched).exists() else None


class Watched:
    """A page that remembers what went wrong on it, and every request that left this machine."""

    def __init__(self, page: Any) -> None:
        self.page, self.troubles = page, []
        page.on("console", lambda message: self.troubles.append(f"console: {message.text}") if message.type == "error" else None)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))
        page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.troubles.append(f"another host: {request.url}")

    def open(self, path: Path) -> Any:
        """Open a file and wait until it has settled."""
        self.page.goto(path.as_uri(), wait_until="load")
        self.page.wait_for_timeout(150)
        return self.page
