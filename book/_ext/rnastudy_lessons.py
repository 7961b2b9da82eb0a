"""What the background pages and the teaching pages draw and compute while the book is built: figures, worked numbers, the lab's copies."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from docutils import nodes
from rnastudy_tables import GROUPS, FromText, number, plain, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

#: RNAs of the embedded test set that the pages show.
TRNA, PSEUDOKNOT, TYPICAL = "5HR6_D_3_68", "1YMO_A_1_47", "2HGH_B_1_55"
#: Standard deviation of F1 from RNA to RNA that the figure on luck assumes.
SPREAD = 0.18
Drawn = tuple[Any, str, str]

# Figures: a function for each name, which returns the figure, its alternative text and its caption ----------------------


def hairpin() -> Drawn:
    from rnastudy import analyses, plotting

    rna = analyses.lab_hairpin()
    figure, alt = plotting.motifs(rna, {"stem, one side": (0, 8), "loop": (9, 12), "stem, other side": (13, 21)})
    return figure, alt, "A hairpin: two stretches that pair with each other, and a loop of bases that pair with none."


def trna() -> Drawn:
    from rnastudy import analyses, plotting

    rna = analyses.known_rna(TRNA)
    figure, alt = plotting.motifs(rna, {})
    return figure, alt, f"A transfer RNA of known 3D structure ({rna.name}): stems side by side inside a closing stem, and an arc that crosses others."


def pseudoknot() -> Drawn:
    from rnastudy import analyses, plotting

    rna = analyses.known_rna(PSEUDOKNOT)
    figure, alt = plotting.motifs(rna, {})
    return figure, alt, f"A pseudoknot of human telomerase RNA ({rna.name}): a loop pairs with bases outside its own stem, so arcs cross."


def covariation() -> Drawn:
    from rnastudy import analyses, plotting

    rows = analyses.covariation()
    figure, alt = plotting.conservation(rows, title="transfer RNA, seed alignment")
    kept, paired = rows["same"].mean(), rows["paired"].mean()
    caption = f"Letters change, pairing stays: the commonest two letters stand in {kept:.0%} of the rows, letters that can pair in {paired:.0%}."
    return figure, alt, caption


def weights() -> Drawn:
    from rnastudy import analyses, models, plotting

    nets = {"before training": models.load("mapconv-9k@untrained"), "after training": models.load("mapconv-9k")}
    tables = {title: analyses.base_tables(probe.network) for title, probe in nets.items()}
    head = analyses.pairing_head(tables["after training"])
    figure, alt = plotting.base_table({title: found[head] for title, found in tables.items()})
    return figure, alt, "What the four bases look for in each other, read off the weights of mapconv-9k; no RNA is shown to it."


def _step(which: str) -> Drawn:
    from rnastudy import analyses, plotting

    found = analyses.steps(TYPICAL)
    where = f"layer {found.layer + 1}, head {found.head + 1} of {found.model}"
    draw = partial(plotting.step_map, found.rna)
    if which == "attention":
        return *draw(found.attention, label="attention", title="1. As the head gives it"), f"Attention of {where}: a row for each base that looks."
    if which == "symmetric":
        return *draw(found.symmetric, label="attention, both ways", title="2. Added to its mirror image"), "Now i with j and j with i have one value."
    if which == "corrected":
        title = "3. After the average product correction"
        return *draw(found.corrected, label="score", title=title, signed=True), "Rows and columns that were bright throughout have faded."
    caption = f"Of {len(found.predicted)} pairs at or above the threshold and {len(found.rna.pairs or ())} in the reference, the F1 is {found.f1:.2f}."
    title = "4. Candidates and the frozen threshold"
    return *draw(found.candidates, label="score", title=title, signed=True, threshold=found.threshold), caption


def pairs() -> Drawn:
    from rnastudy import analyses, plotting

    found = analyses.steps(TYPICAL)
    return *plotting.arcs(found.rna, found.predicted), f"5. What came out above the line, what is known below it; F1 {found.f1:.2f}."


def optimism() -> Drawn:
    import numpy as np

    from rnastudy import analyses, plotting

    heads = np.array([1, 2, 8, 21, 96, 240, 660, 1920])
    figure, alt = plotting.optimism(heads, {count: analyses.best_of(heads, count, SPREAD) for count in (40, 150)})
    caption = f"Luck of the winner: heads that are all equally good, F1 varying by {SPREAD} from RNA to RNA, and the best of them reported."
    return figure, alt, caption


FIGURES: dict[str, Callable[[], Drawn]] = {
    "hairpin": hairpin,
    "trna": trna,
    "pseudoknot": pseudoknot,
    "covariation": covariation,
    "weights": weights,
    **{f"step-{name}": partial(_step, name) for name in ("attention", "symmetric", "corrected", "candidates")},
    "step-pairs": pairs,
    "optimism": optimism,
}


class DrawnFigure(SphinxDirective):
    """A figure that a function draws while the book is built. Argument: its name in `FIGURES`."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        from rnastudy.plotting.output import html

        name = self.arguments[0]
        if name not in FIGURES:
            raise self.error(f"no figure is named {name!r}; there are {', '.join(FIGURES)}")
        figure, alt, caption = FIGURES[name]()
        printed = nodes.paragraph(text=f"[Figure: {caption} {alt}]")
        shown = nodes.raw("", html(figure, alt, caption), format="html")
        return [shown] if self.env.app.builder.format == "html" else [printed]


# Words and tables with computed numbers ---------------------------------------------------------------------------------


def brackets() -> Iterator[str]:
    from rnastudy import analyses
    from rnastudy.structure import to_dot_bracket

    for rna in (analyses.lab_hairpin(), analyses.known_rna(PSEUDOKNOT)):
        yield from ("", "```text", rna.sequence, to_dot_bracket(rna.pairs or (), length=len(rna)), "```", "")


def candidates() -> Iterator[str]:
    from rnastudy import analyses

    rna = analyses.known_rna(TRNA)
    length, known = len(rna), len(rna.pairs or ())
    possible = (length - 3) * (length - 4) // 2
    yield f"The transfer RNA above has {length} bases and {known} pairs."
    yield f"Pairs of bases at least four apart there are {possible:,}, so one in {possible / known:.0f} is right: guessing is hopeless, and a score is needed."


def letters() -> Iterator[str]:
    from rnastudy import analyses

    shares = analyses.letters_of_pairs()
    said = ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
    yield f"In this study's test set the pairs are made of these letters: {said}."
    yield "Its publishers left all other kinds out."


def covarying() -> Iterator[str]:
    from rnastudy import analyses

    rows = analyses.covariation()
    most = rows.sort_values("kinds").iloc[-1]
    yield f"The seed alignment of transfer RNA that ships with this project has {int(rows['rows'].max()):,} sequences and {len(rows)} paired columns."
    yield f"Columns {most.pair.replace('-', ' and ')} hold {most.kinds} different pairs of letters that can pair."
    same, paired = rows["same"].mean(), rows["paired"].mean()
    yield f"Over all paired columns, {same:.0%} of the sequences hold the commonest two letters, and {paired:.0%} two letters that can pair."


def held_out() -> Iterator[str]:
    from rnastudy import datasets

    test = datasets.load("srtest150").rnas
    families = {rna.family for rna in test if rna.family}
    yield f"The {len(test)} RNAs of the structure test belong to {len(families)} families and clusters of relatives; intervals are made by resampling those."


def guessing() -> Iterator[str]:
    from rnastudy import analyses

    rows = analyses.guesses()
    yield from table(("question", *"ACGU"), ([plain(row.what), *(f"{getattr(row, base):.0%}" for base in "ACGU")] for row in rows.itertuples()))


def inside() -> Iterator[str]:
    """Where the models of the review differ, from their cards."""
    from rnastudy import models

    cards = [card for card in models.cards().values() if card.group in ("I", "II", "III", "DNA", "protein")]
    head = ("model", "class", "what a token is", "layers x heads x width", "parameters", "norm", "trained by", "longest RNA, bases")
    rows = []
    for card in cards:
        shape = "\u00a0x\u00a0".join(number(n) for n in (card.layers, card.heads, card.width))
        norm = {"pre": "before", "post": "after"}.get(card.expects.get("norm_order", ""), "not on the card")
        size = f"{card.parameters_million:,.1f}\u00a0million" if card.parameters_million else "not known"
        longest = number(card.max_bases) if card.max_bases else "no limit built in"
        rows.append([plain(card.name), plain(GROUPS[card.group].split(":")[0]), plain(card.token_unit), shape, size, norm, plain(card.objective), longest])
    yield f"There are {len(rows)} cards; some models of the review stand here in several sizes."
    yield from table(head, rows)


def steps_said() -> Iterator[str]:
    from rnastudy import analyses

    found = analyses.steps(TYPICAL)
    yield f"The RNA is {plain(found.rna.name)}, {len(found.rna)} bases, from the test set; the model is {found.model}."
    yield f"Head and threshold were chosen on {found.n_select} other RNAs: layer {found.layer + 1}, head {found.head + 1}, threshold {found.threshold:.3f}."
    place = max(found.rna.pairs or (), key=lambda pair: found.corrected[pair])
    i, j = place
    one, other = found.attention[i, j], found.attention[j, i]
    yield f"Follow one pair, {found.rna.sequence[i]}{i + 1} with {found.rna.sequence[j]}{j + 1}:"
    yield f"the first looks at the second with weight {one:.3f} and is looked at with {other:.3f}, so the sum is {found.symmetric[i, j]:.3f};"
    background = found.symmetric[i, j] - found.corrected[i, j]
    yield f"their rows would share {background:.3f} by being bright, so the score is {found.corrected[i, j]:.3f}."


WORDS: dict[str, Callable[[], Iterator[str]]] = {
    "brackets": brackets,
    "candidates": candidates,
    "letters": letters,
    "covarying": covarying,
    "held-out": held_out,
    "guessing": guessing,
    "inside": inside,
    "steps": steps_said,
}


class Worked(FromText):
    """Sentences or a table with numbers computed while the book is built. Argument: a name in `WORDS`."""

    required_arguments: ClassVar[int] = 1

    def lines(self) -> Iterator[str]:
        if self.arguments[0] not in WORDS:
            raise self.error(f"no worked example is named {self.arguments[0]!r}; there are {', '.join(WORDS)}")
        yield from WORDS[self.arguments[0]]()


class Choices(FromText):
    """What the structure page's run found about choosing a head, from its own table of traps."""

    def lines(self) -> Iterator[str]:
        path = self.beside("../study/structure/traps.csv")
        if not path.exists():
            yield "The structure page has to be run before this table can be made: `rnastudy run structure`, then `rnastudy book`."
            return
        import pandas as pd

        from rnastudy.analyses import shares_of_choice

        with path.open(encoding="utf-8", newline="") as stream:
            rows = pd.DataFrame([{**row, "value": float(row["value"])} for row in csv.DictReader(stream)])
        found = shares_of_choice(rows)
        head = ("model", "chosen on other RNAs", "chosen on the test set", "chosen anew for every RNA", "gain by seeing the test set", "gain per RNA")
        cells = ([f"`{row.model}`", *(f"{value:.3f}" for value in (row.frozen, row.on_test, row.per_rna))] for row in found.itertuples())
        gains = ([f"{row.gain_on_test:+.3f}", f"{row.gain_per_rna:+.3f}"] for row in found.itertuples())
        yield from table(head, ([*first, *second] for first, second in zip(cells, gains, strict=True)))


class Answers(FromText):
    """Exercises and quiz of a study page with their answers, taken from its notebook. Argument: the notebook's name."""

    required_arguments: ClassVar[int] = 1

    def lines(self) -> Iterator[str]:
        import nbformat

        from rnastudy.runs import find_notebook

        name = self.arguments[0]
        path = find_notebook(name)
        self.env.note_dependency(str(path))
        cells = nbformat.read(str(path), as_version=4).cells
        for line in _asked([cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```" for cell in cells]):
            yield _PLACE.sub(rf"{{glue:text}}`../study/{name}.ipynb::\1`", _NOTEBOOK.sub(r"](../study/\1.ipynb)", line))


_PLACE = re.compile(r"\{glue:text\}`([^`:/]+(?::[^`:/]+)?)`")
_NOTEBOOK = re.compile(r"\]\((\w+)\.ipynb\)")


def _asked(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the sections on exercises and quiz; other headings end them."""
    inside = False
    for text in texts:
        for line in ["", *text.splitlines()]:
            if line.startswith("#") and not line.startswith("# "):
                inside = line.lstrip("# ").split()[0] in ("Exercises", "Quiz")
                line = f"**{line.lstrip('# ')}**" if inside else line
            if inside:
                yield line


# The lab's copies ------------------------------------------------------------------------------------------------------


class LabCopies(SphinxDirective):
    """Links to the student's and the instructor's copy of the lab, which are made from its source with the book."""

    def run(self) -> list[nodes.Node]:
        up = "../" * self.env.docname.count("/")
        files = {"student": "lab for students, without solutions", "instructor": "lab for instructors, with solutions"}
        items = "".join(f'<li><a href="{up}_static/lab-{kind}.ipynb" download>{escape(said)}</a></li>' for kind, said in files.items())
        return [nodes.raw("", f"<ul>{items}</ul>", format="html")]


def write_lab(app: Sphinx, failure: Exception | None) -> None:
    """Lay both copies of the lab into the built book."""
    if failure is None and app.builder.format == "html":
        from rnastudy.runs import find_notebook, write_copies

        write_copies(find_notebook("lab"), Path(app.outdir) / "_static")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    directives = {"drawn": DrawnFigure, "worked": Worked, "answers": Answers, "choices": Choices, "lab-copies": LabCopies}
    for name, directive in directives.items():
        app.add_directive(name, directive)
    app.connect("build-finished", write_lab)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
