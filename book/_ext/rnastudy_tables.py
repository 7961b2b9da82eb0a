"""Directives that write parts of pages from cards, stamps and tables, so that no such number is typed by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

STUDY = ("structure", "classification", "scaling", "tradeoff", "causes", "proteins", "lab")
GROUPS = {
    "embedded": "Shipped with this project",
    "I": "Class I: trained on many kinds of RNA",
    "II": "Class II: trained on one kind of RNA",
    "III": "Class III: RNA together with DNA or protein",
    "DNA": "DNA models, as controls",
    "protein": "Protein models, as a reference line",
    "extra": "Not in the review",
}
VERDICTS = {"holds": "hold", "fails": "fail", "tie": "are ties", "undecided": "are undecided"}
ROLES = {"selection": "to choose on", "test": "to score on", "either": "either"}


def plain(text: object) -> str:
    """Escape what Markdown would read as markup, and keep it on one line."""
    said = " ".join(str(text).split())
    for mark in "\\`*_{}[]<>|#$":
        said = said.replace(mark, f"\\{mark}")
    return said


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Write a Markdown table."""
    head = list(head)
    return ["", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *("| " + " | ".join(row) + " |" for row in rows), ""]


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with thousands marked, or say that it is not known."""
    return "not known" if value is None else f"{value:,.{digits}f}"


def size(count: int | None) -> str:
    """Write a number of bytes."""
    if count is None:
        return "size not known"
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


class FromText(SphinxDirective):
    """A directive whose content is Markdown that `lines` makes."""

    has_content = False

    def lines(self) -> Iterator[str]:
        """Yield the Markdown."""
        raise AssertionError("a directive made from text says its lines")

    def run(self) -> list[nodes.Node]:
        holder = nodes.container()
        holder.document = self.state.document
        self.state.nested_parse(StringList(list(self.lines()), source=self.env.docname), self.content_offset, holder)
        return holder.children

    def beside(self, name: str) -> Path:
        """Path of a file beside the page, and have the page built again when it changes."""
        path = Path(self.env.doc2path(self.env.docname)).parent / name
        self.env.note_dependency(str(path))
        return path


class ModelCards(FromText):
    """All model cards: a table for each group, and every card folded below it."""

    def lines(self) -> Iterator[str]:
        from rnastudy import models

        cards = list(models.cards().values())
        yield f"There are {len(cards)} cards."
        for group in dict.fromkeys(card.group for card in cards):
            mine = [card for card in cards if card.group == group]
            yield from ("", f"**{GROUPS.get(group, plain(group))}**")
            yield from table(("name", "model", "parameters", "layers x heads x width", "longest RNA", "certificate"), map(self._row, mine))
            for card in mine:
                yield from self._card(card)

    def _row(self, card: Any) -> list[str]:
        shape = "\u00a0x\u00a0".join(number(n) for n in (card.layers, card.heads, card.width)) if card.layers else "not known"
        longest = f"{number(card.max_bases)} bases" if card.max_bases else "no limit built in"
        return [f"`{card.key}`", plain(card.name), self._size(card), shape, longest, self._certificate(card.key)[0]]

    def _certificate(self, key: str) -> tuple[str, str]:
        """Say in one of three states whether a model was proved to be loaded right, and what that rests on."""
        from rnastudy import doctor

        one = doctor.stored().get(key)
        if one is None or not one.checks:
            return "not run (weights absent)", "not run: its real weights were never loaded by this project"
        counts = ", ".join(f"{sum(check.state == state for check in one.checks)} {state}" for state in ("pass", "fail", "not run"))
        return one.state, f"{one.state} ({counts}), {one.date[:10]}, weights sha256 {str(one.weights_sha256)[:12]}..., key map: {one.key_map}"

    def _checks(self, key: str) -> Iterator[str]:
        """List the checks of a stored certificate."""
        from rnastudy import doctor

        one = doctor.stored().get(key)
        for check in one.checks if one else ():
            yield f"  - {plain(check.name)}: **{check.state}**; {plain('; '.join(filter(None, (check.measured, check.reason))))}"

    def _read_from(self, card: Any) -> str | None:
        """Say from which code or file an adapter's names of tensors were read."""
        from rnastudy.models.adapters import adapter, adapter_names

        return adapter(card.loader).read_from if card.loader in adapter_names() else None

    def _size(self, card: Any) -> str:
        if card.parameters_million is None:
            return "not known"
        return number(card.parameters_million * 1e6) if card.parameters_million < 1 else f"{card.parameters_million:,.1f} million"

    def _memory(self, card: Any) -> str:
        from rnastudy.models import needs

        found = {name: needs.weights_memory(card, dtype) for name, dtype in (("fp32", "float32"), ("bf16", "bfloat16"))}
        return ", ".join(f"{value / 1e6:,.3g} MB in {name}" if value < 1e9 else f"{value / 1e9:.3g} GB in {name}" for name, value in found.items() if value)

    def _operations(self, card: Any) -> str:
        from rnastudy.models import needs

        found = needs.flops(card)
        return f"{found / 1e9:,.3g} GFLOP, computed from the sizes on this card" if found else ""

    def _card(self, card: Any) -> Iterator[str]:
        facts = {
            "Year": card.year,
            "Memory of the weights": self._memory(card),
            "Operations for 100 bases": self._operations(card),
            "Token": card.token_unit,
            "Letter for uracil": card.alphabet,
            "Trained on": card.corpus,
            "Objective": card.objective,
            "Licence": card.licence,
            "Restricted": "the licence limits use or outputs; nothing loads it unless it is named" if card.restricted else None,
            "Weights": card.weights,
            "Loaded by": card.loader,
            "Key map read from": self._read_from(card),
            "Revision": card.revision,
            "Port in multimolecule": card.multimolecule_id,
            "Certificate": self._certificate(card.key)[1],
            "How sure": card.certainty,
            "Note": card.notes,
        }
        yield from ("", f":::{{dropdown}} {plain(card.name)}")
        for name, value in facts.items():
            if value:
                yield f"- {name}: {plain(value)}"
            if name == "Certificate":
                yield from self._checks(card.key)
        yield from (f"- Cite: {{cite:t}}`{card.citation}`", ":::", "")


class DataCards(FromText):
    """All data cards of one origin, given as the argument: ``embedded`` or ``public``."""

    required_arguments: ClassVar[int] = 1

    def lines(self) -> Iterator[str]:
        from rnastudy import datasets

        mine = [card for card in datasets.cards().values() if card.origin == self.arguments[0]]
        yield f"There are {len(mine)} cards."
        yield from table(("name", "what", "for", "kind", "RNAs"), map(self._row, mine))
        for card in mine:
            yield from self._card(card)

    def _row(self, card: Any) -> list[str]:
        use = f"{', '.join(card.tasks)}; {ROLES[card.role]}"
        return [f"`{card.name}`", plain(card.title), use, f"**{card.kind}**", number(card.counts.get("rnas"))]

    def _card(self, card: Any) -> Iterator[str]:
        yield from ("", f":::{{dropdown}} {plain(card.title)}")
        yield f"- Licence: {plain(card.licence)}"
        yield f"- Source: {plain(card.source)}"
        yield f"- Size: {size(card.size)} in {len(card.files)} {'file' if len(card.files) == 1 else 'files'}"
        counted = ", ".join(f"{number(count)} {name.replace('_', ' ')}" for name, count in card.counts.items())
        yield f"- Counted and checked at load: {counted or 'nothing yet'}"
        for file in card.files[:3]:
            yield f"- `{file.path}`: sha256 `{file.sha256 or 'recorded at the first fetch'}`"
        if len(card.files) > 3:
            yield f"- and {len(card.files) - 3} more files, each with its checksum on the card in `datasets.yml`"
        if card.citation:
            yield f"- Cite: {{cite:t}}`{card.citation}`"
        yield from ((f"- Note: {plain(card.notes)}", ":::", "") if card.notes else (":::", ""))


class Published(FromText):
    """Published numbers of the package's own table beside ours, which ``beside.csv`` names and the study pages glue."""

    def lines(self) -> Iterator[str]:
        from rnastudy import scaling

        with self.beside("beside.csv").open(encoding="utf-8", newline="") as stream:
            ours = {(row["model"], row["metric"]): row for row in csv.DictReader(stream)}
        rows = list(scaling.published().itertuples())
        missing = set(ours) - {(row.model, row.metric) for row in rows}
        if missing:
            raise self.error(f"beside.csv names numbers that nobody published: {sorted(missing)}")
        head = ("study and model", "what was measured", "published", "how sure", "ours", "may they be compared?")
        yield from table(head, (self._row(row, ours.get((row.model, row.metric), {})) for row in rows))

    def _row(self, row: Any, ours: dict[str, str]) -> list[str]:
        relation = {"<": "below ", "~": "about "}.get(row.relation, "")
        note = f"{row.certainty}; {row.note}" if isinstance(row.note, str) and row.note else row.certainty
        measured = plain(f"{row.task}, {row.metric}, {row.dataset}")
        return [plain(f"{row.study}: {row.model}"), measured, f"{relation}{row.value:g}", plain(note), *self._ours(ours)]

    def _ours(self, ours: dict[str, str]) -> list[str]:
        if not ours:
            return ["not run", ""]
        page, key = ours["ours"].split("::")
        return [f"{{glue:text}}`study/{page}.ipynb::{key}:.3f`", plain(ours["remark"])]


class RunCard(FromText):
    """How a page of the study was made: time, device, date, commit, and its files to download. Argument: the run's name."""

    required_arguments: ClassVar[int] = 1

    def lines(self) -> Iterator[str]:
        name = self.arguments[0]
        stamp = read_stamp(self.beside(f"{name}/stamp.json"))
        if not stamp:
            yield f"This page has no stamp; make it with `rnastudy run {name}` and `rnastudy book`."
            return
        yield from ("", ":::{admonition} How this page was made", ":class: note")
        yield f"- Run on {said_device(stamp)} in {number(stamp.get('seconds'), 0)} seconds, {said_date(stamp)}."
        yield f"- Commit `{said_commit(stamp)}`, seed {stamp.get('seed')}, {stamp.get('dtype')}."
        yield f"- Run it again: `rnastudy run {name}`."
        if stamp.get("certificates"):
            yield f"- Loaded right, by [the doctor](../models.md): {self._certified(stamp['certificates'])}."
        files = [path for path in ("results.csv", "per_rna.csv", "stamp.json") if self.beside(f"{name}/{path}").exists()]
        links = [f"{{download}}`{path} <{name}/{path}>`" for path in files] + [f"{{download}}`the notebook <{name}.ipynb>`"]
        yield from (f"- Download: {', '.join(links)}.", ":::", "")

    def _certified(self, states: dict[str, str]) -> str:
        """Say of each state which models have it."""
        names = {state: [name for name, found in states.items() if found == state] for state in dict.fromkeys(states.values())}
        said = {"not run": "not examined"}
        return "; ".join(f"{said.get(state, state)}: {', '.join(f'`{name}`' for name in found)}" for state, found in names.items())


class Status(FromText):
    """Every page of the study: when, where and from what it was made."""

    def lines(self) -> Iterator[str]:
        stamps = {name: read_stamp(self.beside(f"study/{name}/stamp.json")) for name in STUDY}
        rows = [[f"{{doc}}`study/{name}`", *self._cells(stamp)] for name, stamp in stamps.items()]
        yield from table(("page", "made", "on", "seconds", "peak memory", "commit"), rows)
        versions = next((stamp["versions"] for stamp in stamps.values() if stamp.get("versions")), {})
        if versions:
            yield from ("", "Versions: " + ", ".join(f"{plain(name)} {plain(version)}" for name, version in versions.items()) + ".")

    def _cells(self, stamp: dict[str, Any]) -> list[str]:
        if not stamp:
            return ["no stamp", "not known", "not known", "not known", "not known"]
        commit = stamp.get("commit")
        memory = f"{number(stamp.get('peak_memory_mib'))} MiB"
        return [said_date(stamp), said_device(stamp), number(stamp.get("seconds"), 0), memory, f"`{commit[:10]}`" if commit else "none"]


def said_date(stamp: dict[str, Any]) -> str:
    """Say when a run was made, to the minute."""
    try:
        made = datetime.fromisoformat(stamp["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return plain(stamp.get("date", "no date"))
    return f"{made:%Y-%m-%d %H:%M} UTC"


def said_commit(stamp: dict[str, Any]) -> str:
    """Say the start of a commit; the stamp holds all of it."""
    return stamp["commit"][:10] if stamp.get("commit") else "none: made outside a checkout"


def said_device(stamp: dict[str, Any]) -> str:
    """Say where a run was made."""
    return plain(f"{stamp.get('device', 'an unknown device')} ({stamp.get('device_name', 'unnamed')})")


def read_stamp(path: Path) -> dict[str, Any]:
    """Read a run's stamp; empty where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


class Claims(FromText):
    """Every claim of the review with its verdict under both protocols, from ``study/claims.csv``, which `rnastudy book` writes."""

    def lines(self) -> Iterator[str]:
        from rnastudy import claims

        with self.beside("study/claims.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        counted = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ("holds", "fails", "tie", "undecided")}
        yield "Of " + f"{len(rows)} verdicts, " + ", ".join(f"{count} {VERDICTS[verdict]}" for verdict, count in counted.items()) + "."
        listed = {one.id: one for one in claims.read().itertuples()}
        yield from table(("claim", "review's protocol", "careful protocol"), self._summary(rows, listed))
        for key, one in listed.items():
            yield from self._claim(one, [row for row in rows if row["id"] == key])

    def _summary(self, rows: list[dict[str, str]], listed: dict[str, Any]) -> Iterator[list[str]]:
        for key, one in listed.items():
            found = {row["protocol"]: f"**{row['verdict']}**" for row in rows if row["id"] == key}
            yield [f"{key}. {plain(one.claim)}", found["review"], found["careful"]]

    def _claim(self, one: Any, rows: list[dict[str, str]]) -> Iterator[str]:
        yield from ("", f":::{{dropdown}} {one.id}. {plain(one.claim)}")
        yield f"- Claimed by: {plain(one.source)}"
        yield f"- Decided by: {plain(one.decided_by)}, on {plain(one.data)}"
        yield f"- It holds if: {plain(one.holds_if)}"
        for row in rows:
            by = f" Decided by {plain(row['by'])}." if row["by"] else ""
            yield f"- {row['protocol'].capitalize()} protocol: **{row['verdict']}**. {plain(row['words'])}{self._interval(row)}.{by}"
        command = next((row["command"] for row in rows if row["command"]), "")
        yield from ((f"- What decides it, on a machine with the weights: `{command}`", ":::", "") if command else (":::", ""))

    def _interval(self, row: dict[str, str]) -> str:
        if not row["value"]:
            return ""
        ends = f" ({float(row['low']):.3f} to {float(row['high']):.3f})" if row["low"] else ""
        return f": {float(row['value']):.3f}{ends}"


DIRECTIVES = {
    "claims-table": Claims,
    "model-cards": ModelCards,
    "data-cards": DataCards,
    "published-numbers": Published,
    "run-card": RunCard,
    "run-status": Status,
}
