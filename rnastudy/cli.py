"""The command line: a thin layer that turns words into calls of the rooms, and errors into one line.

Rooms are imported inside the commands, so that ``rnastudy --help`` is quick and a command loads only what it needs.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from rnastudy import __version__
from rnastudy.errors import StudyError

__all__ = ["app", "main"]

app = typer.Typer(
    help="What do RNA language models know of structure and function before anyone fine-tunes them?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Data sets: list the cards, read one, fetch public files.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Device = Annotated[str, typer.Option(help="cpu, cuda, or cuda:0 and so on.")]
Out = Annotated[Path, typer.Option(help="File to write, JSON.")]


class Protocol(StrEnum):
    """The two protocols."""

    review = "review"
    careful = "careful"


#: What the parser of the command line raises: the root of its errors, wherever the installed version keeps it.
_Usage: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def main() -> None:
    """Run the command line; what went wrong becomes one red line and exit code 2 (1 if a notebook failed)."""
    try:
        sys.exit(app(prog_name="rnastudy", standalone_mode=False) or 0)
    except StudyError as error:
        from rnastudy.runs import RunFailed

        _fail(str(error), 1 if isinstance(error, RunFailed) else 2)
    except _Usage as error:
        _fail("" if type(error).__name__ == "NoArgsIsHelpError" else _usage(error), 2)
    except OSError as error:
        if not error.strerror:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "make room, and run the same command again" if full else "check the path, and that you may read and write there"
        _fail(f"{error.filename or 'a file'}: {error.strerror}; {remedy}", 2)


def _fail(line: str, code: int) -> NoReturn:
    if line:
        typer.secho(f"rnastudy: {line}", fg=typer.colors.RED, err=True)
    sys.exit(code)


def _usage(error: Any) -> str:
    """Say on one line what was wrong with the words of a command, and where its help is."""
    words = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".?")
    return f"{words}; see {error.ctx.command_path if getattr(error, 'ctx', None) else 'rnastudy'} --help"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rnastudy {__version__}")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """Options of the whole program."""


def _table(title: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(width=None if sys.stdout.isatty() else 180)
    heads = [Column(column, overflow="fold") for column in columns]
    table = Table(*heads, title=title, title_justify="left", box=SIMPLE, show_header=any(columns))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)


# Cards ---------------------------------------------------------------------------------------------------------------


@app.command()
def models(
    fit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Only models that fit into so much memory in fp32 with the longest RNA they read: 24GB.")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="Only models that can run here without a network.")] = False,
    device: Device = "cpu",
) -> None:
    """List the models: what each needs, whether it can run here, and what it lacks."""
    from rnastudy import models as room
    from rnastudy.models import needs

    room_for = None if fit is None else needs.read_size(fit)
    rows = []
    for card in room.cards().values():
        found = room.availability(card, device)
        if (here and not found.can_run) or (room_for is not None and not needs.fits(card, room_for)):
            continue
        size = "?" if card.parameters_million is None else f"{card.parameters_million:g} M"
        need = [_amount(needs.weights_memory(card, dtype), 1e9) for dtype in ("float32", "bfloat16")] + [_amount(needs.flops(card), 1e9)]
        rows.append((card.key, size, *need, card.max_bases, card.licence, "yes" if found.can_run else "; ".join(found.lacks)))
    columns = ("key", "parameters", "GB fp32", "GB bf16", "GFLOP / 100 bases", "max. bases", "licence", "runs here, or lacks")
    _table("Models", columns, rows)


def _amount(value: float | None, unit: float) -> str:
    return "?" if value is None else f"{value / unit:.3g}"


@data_app.command("list")
def data_list() -> None:
    """List the data sets, and say of each whether its files are here."""
    from rnastudy import datasets

    rows = []
    for card in datasets.cards().values():
        here = "no: fetch it" if datasets.missing_files(card) else "yes"
        rows.append((card.name, card.title, ", ".join(card.tasks), card.kind, card.counts.get("rnas"), _size(card.size), card.licence, here))
    _table("Data sets", ("name", "title", "tasks", "kind", "RNAs", "size", "licence", "here"), rows)


def _size(size: int | None) -> str:
    return "?" if size is None else f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


@data_app.command("info")
def data_info(name: Annotated[str, typer.Argument(help="Name on the card.")]) -> None:
    """Print the card of a data set."""
    from rnastudy import datasets

    card = datasets.card(name)
    fields = ("title", "tasks", "role", "origin", "kind", "licence", "source", "citation", "counts", "notes")
    _table(card.name, ("", ""), [(field, _plain(getattr(card, field))) for field in fields])
    _table(
        "Files",
        ("file", "size", "sha256", "address"),
        [(file.path, _size(file.size), file.sha256 or "recorded at first fetch", file.url) for file in card.files],
    )


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return ", ".join(f"{number} {name}" for name, number in value.items()) if hasattr(value, "items") else str(value)


@data_app.command("fetch")
def data_fetch(names: Annotated[list[str], typer.Argument(help="Names on the cards.", metavar="NAME...")]) -> None:
    """Fetch the files of data sets, with checksums, into the cache."""
    from rnastudy import datasets

    for name in names:
        for path in datasets.fetch(name):
            typer.echo(f"{name}: {path}")


@app.command()
def doctor(
    model: Annotated[str, typer.Option(help="Name, name@PATH of its own weights, or checkpoint folder.", metavar="NAME|PATH")],
    out: Annotated[Path | None, typer.Option(help="File to write; without it certificate.json in runs/doctor/NAME.")] = None,
    device: Device = "cpu",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch its weights first, if they are not here.")] = False,
) -> None:
    """Examine whether a model is loaded right; exit code 0: pass, 1: fail, 3: not run, its weights are not here."""
    from rnastudy import doctor as room

    found = room.certificate(model, device=device, dtype=dtype, fetch=fetch)
    path = out or Path("runs/doctor") / found.model / "certificate.json"
    room.write(found, path)
    if found.checks:
        said = {check.name: "; ".join(filter(None, (check.measured, check.reason))) for check in found.checks}
        rows = [(check.state, check.name, said[check.name], check.limit, f"{check.seconds:.1f}") for check in found.checks]
        _table(found.model, ("state", "check", "measured", "limit", "s"), rows)
    typer.echo(f"{found.model}: {found.state}{'; lacks ' + ', '.join(found.lacks) if found.lacks else ''}; written to {path}")
    raise typer.Exit({"pass": 0, "fail": 1}.get(found.state, 3))


# Runs ----------------------------------------------------------------------------------------------------------------


@app.command()
def run(
    analysis: Annotated[str | None, typer.Argument(help="structure, classification, scaling, tradeoff, or the path of a notebook.")] = None,
    all_: Annotated[Path | None, typer.Option("--all", metavar="STUDY.yml", help="Run a whole study file instead.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Name or checkpoint folder; may be given more than once.", metavar="NAME|PATH")] = None,
    data: Annotated[list[str] | None, typer.Option(help="Name or file of the RNAs to score; may be given more than once.", metavar="NAME|FILE")] = None,
    p: Annotated[list[str] | None, typer.Option("-p", help="Any parameter of the notebook.", metavar="KEY=VALUE")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; without it runs/ANALYSIS.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, or cuda:0 and so on.")] = None,
    jobs: Annotated[int, typer.Option(help="Runs of a study at a time.", min=1)] = 1,
) -> None:
    """Execute a notebook with parameters, or a whole study, into folders with tables, figures and a stamp."""
    if (analysis is None) == (all_ is None):
        raise StudyError("name one analysis, or a study file after --all; see rnastudy run --help")
    if all_ is not None:
        if model or data or p or out or device:
            raise StudyError("--all takes its parameters from the study file; edit a copy of it, or run one analysis")
        _run_study(all_, jobs)
    else:
        _run_one(analysis or "", out, _given(analysis or "", model or [], data or [], p or [], device))


def _run_one(analysis: str, out: Path | None, parameters: dict[str, Any]) -> None:
    from rnastudy.runs import run_analysis

    done = run_analysis(analysis, out or Path("runs") / Path(analysis).stem, parameters)
    typer.echo(f"{'finished before with the same inputs, skipped' if done.skipped else f'done in {done.seconds:.0f} s'}: {done.folder}")


def _run_study(path: Path, jobs: int) -> None:
    from rnastudy.runs import RunFailed, read_study, run_study

    study = read_study(path)
    typer.echo(f"{study.title}: {len(study.cells)} runs into {study.out}")
    result = run_study(study, jobs=jobs, say=lambda line: typer.echo(line, err=True))
    if result.failed:
        raise RunFailed(f"{len(result.failed)} of {len(study.cells)} runs failed: {', '.join(result.failed)}; run the same command again to redo only those")


def _given(analysis: str, model: list[str], data: list[str], pairs: list[str], device: str | None) -> dict[str, Any]:
    """Collect the options of ``run`` as parameters of the notebook, each read as the type it is declared with."""
    from rnastudy.errors import unknown
    from rnastudy.runs import find_notebook, read_parameters
    from rnastudy.runs.parameters import parse

    known = read_parameters(find_notebook(analysis))
    split = [pair.partition("=") for pair in pairs]
    bad = [pair for pair, (key, equals, _) in zip(pairs, split, strict=True) if not (key and equals)]
    if bad:
        raise StudyError(f"-p {bad[0]!r} is not KEY=VALUE; for example -p seed=1")
    scored = "data" if "data" in known or "test" not in known else "test"
    words = [("model", ",".join(model)), (scored, ",".join(data)), ("device", device or "")]
    words = [(key, text) for key, text in words if text] + [(key.strip(), text) for key, _, text in split]
    for key, _ in words:
        if key not in known:
            raise unknown(f"parameter of {analysis}", key, known)
        if sum(key == other for other, _ in words) > 1:
            raise StudyError(f"parameter {key!r} is given twice; give it once")
    return {key: parse(text, known[key]) for key, text in words}


@app.command()
def gather(
    runs: Annotated[Path, typer.Argument(help="Folder of the runs' folders.")],
    out: Annotated[Path, typer.Option(help="Folder of the joined tables.")],
    study: Annotated[Path | None, typer.Option(help="Study file whose runs should be there; those that are not have failed.")] = None,
) -> None:
    """Join the tables of many runs into one folder, and list the runs that failed."""
    from rnastudy.runs import RunFailed, read_study
    from rnastudy.runs.gather import gather as join

    done = join(runs, out, [cell.name for cell in read_study(study).cells] if study else ())
    typer.echo(f"{len(done.finished)} runs joined: {done.folder}")
    for name, reason in done.failed.items():
        typer.secho(f"{name}: {reason}", fg=typer.colors.RED, err=True)
    if done.failed:
        raise RunFailed(f"{len(done.failed)} runs are not finished: {', '.join(done.failed)}; {out}/runs.csv says why")


@app.command()
def plan(
    study: Annotated[Path, typer.Argument(help="Study file.", metavar="STUDY.yml")],
    gpu: Annotated[str, typer.Option(help="What runs on a GPU are estimated for: h200 or a100.")] = "h200",
) -> None:
    """Estimate what each run of a study will need: time, memory, disk and download, before anything runs."""
    from rnastudy.runs import read_study
    from rnastudy.runs.costs import assumptions
    from rnastudy.runs.planning import COLUMNS, row, total
    from rnastudy.runs.planning import plan as estimate

    read = read_study(study)
    needs = estimate(read, gpu)
    _table(f"{read.title}: an estimate", ("run", *COLUMNS), [(one.run, *row(one)) for one in (*needs, total(needs))])
    unknown = total(needs).unknown
    if unknown:
        typer.echo(f"Not counted, because their cards do not say enough: {'; '.join(unknown)}.")
    for line in assumptions():
        typer.echo(f"- {line}")


@app.command()
def book(
    runs: Annotated[Path, typer.Option(help="Folder of finished runs.")] = Path("runs/default"),
    to: Annotated[Path, typer.Option(help="Folder of the book's study pages.")] = Path("book/study"),
) -> None:
    """Prepare finished runs as pages of the book; `make book` then builds it."""
    from rnastudy.runs import prepare_book

    for page in prepare_book(runs, to):
        typer.echo(f"{page.notebook}: {f'{len(page.written)} files written' if page.written else 'unchanged'}")


@app.command()
def claims(
    runs: Annotated[Path, typer.Argument(help="Folder of finished runs.")] = Path("runs/default"),
    out: Annotated[Path | None, typer.Option(help="File to write, CSV.")] = None,
) -> None:
    """Decide the review's claims from finished runs: what holds, fails, is a tie, or waits for which models."""
    from rnastudy import claims as room
    from rnastudy.files import write_whole

    found = room.decide(room.gather(runs))
    if out is not None:
        write_whole(out, found.to_csv(index=False, lineterminator="\n"))
    rows = [(row.id, row.protocol, row.verdict, _interval(row), row.words) for row in found.itertuples()]
    _table("Claims", ("claim", "protocol", "verdict", "value (95 % interval)", "what it is, or what is lacking"), rows)


def _interval(row: Any) -> str:
    if row.value != row.value or row.value is None:
        return ""
    return f"{row.value:.3f}" + (f" ({row.low:.3f} to {row.high:.3f})" if row.low == row.low else "")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Name of an embedded model.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps; without it the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides first weights and batches.")] = 0,
    device: Device = "cpu",
) -> None:
    """Train one of the small models anew, from its recipe; a stopped training goes on."""
    from rnastudy import training

    typer.echo(training.train(name, out, steps=steps, seed=seed, device=device))


# Arrays in, numbers out ----------------------------------------------------------------------------------------------


@app.command("score-maps")
def score_maps(
    select_maps: Annotated[Path, typer.Option(help="Folder of NAME.npy to choose layer, head and threshold on.")],
    select_structures: Annotated[Path, typer.Option(help="Their structures: dot-bracket, or CSV with name, sequence, pairs.")],
    test_maps: Annotated[Path, typer.Option(help="Folder of NAME.npy to score.")],
    test_structures: Annotated[Path, typer.Option(help="Their structures.")],
    protocol: Annotated[Protocol, typer.Option(help="Rules that count.")],
    out: Out,
) -> None:
    """Score attention maps of any model: NAME.npy, softmaxed, bases only, (layers, heads, L, L) or (maps, L, L)."""
    from rnastudy.contacts.arrays import score_maps as score

    score(select_maps, select_structures, test_maps, test_structures, protocol=protocol.value, out=out)
    typer.echo(out)


@app.command("score-embeddings")
def score_embeddings(
    embeddings: Annotated[Path, typer.Option(help="Folder of NAME.npy, (L, D) or (D,), or an npz with names and vectors.")],
    labels: Annotated[Path, typer.Option(help="CSV with columns name, family and, if you have it, clan.")],
    protocol: Annotated[Protocol, typer.Option(help="Rules that count.")],
    out: Out,
) -> None:
    """Score embeddings of any model: how well similarity tells RNAs of one family from others."""
    from rnastudy.overlap.files import score_embeddings as score

    score(embeddings, labels, protocol=protocol.value, out=out)
    typer.echo(out)


@app.command()
def cite(run: Annotated[Path | None, typer.Argument(help="Folder of a finished run.")] = None) -> None:
    """Write the bibliography of just what a run used (BibTeX); without a run, of the study and the review."""
    from rnastudy import citing

    entries = citing.bibliography()
    for key in citing.ALWAYS if run is None else citing.cited_by(run):
        typer.echo(entries[key] + "\n")


if __name__ == "__main__":
    main()
