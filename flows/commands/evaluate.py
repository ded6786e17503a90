"""``parquetry evaluate``: how good extractions are on a folder of labelled documents."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress

from flows.commands.common import Config, Home, Model, stderr

if TYPE_CHECKING:
    from extractors.evaluation.results import DocumentResult
    from extractors.evaluation.run import LabelledSet
    from extractors.reading import ReaderPool
    from flows.settings import Settings

RESULTS, AGAINST, FIGURES, PAGE = "results.jsonl", "against.jsonl", "report.json", "report.html"


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
    from extractors.evaluation.figures import compared, figures_of
    from extractors.evaluation.report import comparison, markdown
    from extractors.evaluation.run import open_set, read_results
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
    if predictions is not None:
        results = _judged(settings, labelled, predictions, report / RESULTS if report else None, read)
    else:
        results = _results(settings, labelled, report / RESULTS if report else None)
    if against_model is not None:
        other = load_settings(config, home=home, model=against_model, schema=wanted)
        others = _results(other, labelled, report / AGAINST if report else None)
    figures = figures_of(results, labelled.name, split)
    try:
        apart = compared(results, others) if others is not None else None
    except ValueError as error:
        raise UsageError(f"{against}: {error}.", remedy="Compare evaluations of the same split.") from error
    if report is not None:
        _write(report, labelled, results, figures, apart, settings, crops)
    if as_json:
        typer.echo(json.dumps(figures | {"against": apart}, ensure_ascii=False))
        return
    typer.echo(markdown(figures, results, errors))
    if apart is not None:
        typer.echo(comparison(apart))
    if report is not None:
        stderr().print(f"The report is in {escape(str(report / PAGE))}", soft_wrap=True)


def _judged(
    settings: Settings, labelled: LabelledSet, predictions: Path, kept: Path | None, read: bool
) -> list[DocumentResult]:
    """Judges what was extracted before; documents are read where ceilings are wanted."""
    from extractors.evaluation.run import evaluate as run_evaluation
    from extractors.evaluation.run import predicted, with_reading
    from extractors.reading import ReaderPool
    from schemas.registry import load_schema

    schema, look_up = load_schema(settings.schema_ or ""), predicted(predictions)
    identity = f"{hashlib.sha256(predictions.read_bytes()).hexdigest()} {'read' if read else ''}".strip()
    if not read:
        return run_evaluation(labelled, schema, look_up, model=identity, kept=kept)
    with ReaderPool(settings.read_options()) as pool:
        return run_evaluation(labelled, schema, with_reading(look_up, pool), model=identity, kept=kept)


def _results(settings: Settings, labelled: LabelledSet, kept: Path | None) -> list[DocumentResult]:
    from extractors.evaluation.run import evaluate as run_evaluation
    from flows.extractor import extractor_for

    with (
        extractor_for(settings, None) as extractor,
        Progress(console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar,
    ):
        task = bar.add_task("documents")

        def show(position: int, total: int, name: str) -> None:
            bar.update(task, completed=position - 1, total=total, description=name[:40])

        return run_evaluation(
            labelled,
            extractor.schema,
            lambda path, seen: extractor.extract_path(path, path.name, seen),
            model=extractor.backend.model_id,
            judged_by=extractor.judge.record(),
            kept=kept,
            progress=show,
        )


def _write(
    folder: Path,
    labelled: LabelledSet,
    results: Sequence[DocumentResult],
    figures: dict[str, Any],
    apart: dict[str, Any] | None,
    settings: Settings,
    crops: int,
) -> None:
    """The page and the figures; pages of documents are drawn where crops are wanted."""
    from extractors.evaluation.page import html, shown_errors
    from extractors.reading import ReaderPool

    folder.mkdir(parents=True, exist_ok=True)
    with ReaderPool(settings.read_options()) as pool:
        errors = shown_errors(results, crops, _Pages(pool, labelled, settings).draw)
    (folder / FIGURES).write_text(
        json.dumps(figures | {"against": apart}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / PAGE).write_text(html(figures, errors, apart), encoding="utf-8")


class _Pages:
    """Pages of the set's documents, drawn by reading children: these files may be hostile."""

    def __init__(self, pool: ReaderPool, labelled: LabelledSet, settings: Settings) -> None:
        self.pool = pool
        self.paths = dict(labelled.documents)
        self.passwords = tuple(one.get_secret_value() for one in settings.read_options().passwords)

    def draw(self, name: str, number: int, rotation: int) -> bytes | None:
        from extractors.evaluation.page import DPI
        from extractors.reading import document_ref
        from schemas.errors import DocumentError

        path = self.paths[name]
        try:
            media_type = document_ref(path, path.name).media_type
            drawn = self.pool.render(
                path, media_type, number, dpi=DPI, passwords=self.passwords, rotation=rotation
            )
        except (OSError, DocumentError):
            return None
        return drawn.data
