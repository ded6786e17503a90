"""``parquetry evaluate``: how good extractions are on a folder of labelled documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from flows.commands.common import Config, Home, Model, stderr

if TYPE_CHECKING:
    from extractors.evaluation.results import DocumentResult
    from extractors.evaluation.run import LabelledSet
    from flows.settings import Settings


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Labelled set: docs/, truth/, splits.json, schema.json.")
    ],
    split: Annotated[str, typer.Option("--split", help="Which list of splits.json.")] = "dev",
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="NAME_OR_FILE", show_default="FOLDER/schema.json"),
    ] = None,
    model: Model = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="DIR", help="Write report.html, report.json and results.jsonl there."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="DIR", help="Compare with an earlier --report on the same set."),
    ] = None,
    against_model: Annotated[
        str | None,
        typer.Option("--against-model", metavar="MODEL", help="Evaluate this model too, and compare."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE", help="Judge what `parquetry extract` wrote instead."),
    ] = None,
    read: Annotated[
        bool, typer.Option("--read", help="With --predictions: read the documents too, for ceilings.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many.")] = None,
    errors: Annotated[int, typer.Option("--errors", min=0, help="List so many single errors.")] = 0,
    crops: Annotated[int, typer.Option("--crops", min=0, help="Errors that the report shows.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Extracts every document of a split, compares with the truth, and prints the figures as Markdown.

    With --report it goes on where a stopped call was, and writes a page to look at.
    """
    from extractors.evaluation.report import comparison, markdown
    from extractors.evaluation.run import open_set, read_results
    from flows.evaluating import AGAINST, PAGE, RESULTS, figures_against, judge_predictions, write_report
    from flows.settings import load_settings
    from schemas.errors import UsageError

    wanted = schema or str(folder / "schema.json")
    settings = load_settings(config, home=home, model=model, schema=wanted)
    labelled = open_set(folder, split, limit)
    if against is not None and against_model is not None:
        raise UsageError("--against and --against-model are two comparisons.", remedy="Give one of them.")
    others = read_results(against / RESULTS if against.is_dir() else against) if against else None
    if report is not None and report.exists() and not report.is_dir():
        raise UsageError(f"{report} is a file.", remedy="Give a folder as --report.")
    kept = report / RESULTS if report else None
    if predictions is not None:
        results = judge_predictions(settings, labelled, predictions, kept, read=read)
    else:
        results = _results(settings, labelled, kept)
    if against_model is not None:
        other = load_settings(config, home=home, model=against_model, schema=wanted)
        others = _results(other, labelled, report / AGAINST if report else None)
    figures = figures_against(results, others, labelled, str(against))
    apart = figures["against"]
    if report is not None:
        write_report(report, labelled, results, figures, settings, crops)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    typer.echo(markdown(figures, results, errors))
    if apart is not None:
        typer.echo(comparison(apart))
    if report is not None:
        stderr().print(f"The report is in {escape(str(report / PAGE))}", soft_wrap=True)


def _results(settings: Settings, labelled: LabelledSet, kept: Path | None) -> list[DocumentResult]:
    """With a progress bar."""
    from flows.evaluating import evaluate_model

    with Progress(console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("documents")

        def show(position: int, total: int, name: str) -> None:
            bar.update(task, completed=position - 1, total=total, description=name[:40])

        return evaluate_model(settings, labelled, kept, show)
