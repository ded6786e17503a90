"""``parquetry run``: the batch flow once, with a progress bar and the outcome table at the end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from flows.commands.common import Config, Home, Model, Pages, Passwords, duration, stderr, stdout

if TYPE_CHECKING:
    from flows.artifacts import RunReport
    from flows.settings import Settings


def run(
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="URI", help="Folder, file or fsspec URI (s3://...)."),
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME_OR_FILE", help="Catalog name or JSON Schema file.")
    ] = None,
    home: Home = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many inputs.")] = None,
    pages: Pages = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    model: Model = None,
    password_file: Passwords = None,
    config: Config = None,
) -> None:
    """Reads what is new in a source, extracts it, lands what is sure and queues the rest for review.

    Nothing is processed twice: run it again at any time. The exit code is 0 when every input has an outcome,
    whatever that is.
    """
    from flows.settings import load_settings

    settings = load_settings(
        config, home=home, source=source, schema=schema, model=model, passwords_file=password_file
    )
    if dry_run:
        _preview(settings, limit, pages)
        return
    from flows import composition, conductor, watch

    console = stderr()
    composition.use(settings)
    job = composition.job(limit=limit, pages=pages)
    composition.check(job)  # what is wrong is told now, not after a server was started
    composition.make_home(settings)
    conductor.log_to_file(settings, "run")
    server = conductor.server(settings)
    if server.fresh:
        console.print("Starting a Prefect server for this run; that takes about 20 seconds ...", style="dim")
    elif not server.temporary:
        console.print(f"The run is shown at {server.url.removesuffix('/api')}", style="dim")
    from flows.extract_batch import extract_batch  # beside the start of the server

    server.wait()
    try:
        with ProgressBar(console) as bar:
            watch.watch(bar)
            report = extract_batch(
                source=job.source,
                document_schema=job.schema_,
                model=job.model,
                limit=job.limit,
                pages=pages,
            )
    except KeyboardInterrupt:
        console.print("Stopped. Run it again: it goes on where it was stopped.")
        raise
    _show(report, settings)


def _preview(settings: Settings, limit: int | None, pages: str | None) -> None:
    from flows.preview import preview

    plan = preview(settings, limit, pages)
    out = stdout()
    for line in plan.shown:
        out.print(escape(line), soft_wrap=True)
    if plan.inputs > len(plan.shown):
        out.print(f"... and {plan.inputs - len(plan.shown)} more")
    out.print(
        f"{plan.inputs} inputs, {plan.size / 1e6:.1f} MB: {plan.new} new or changed, {plan.known} known."
    )
    out.print(_estimate(plan.new, plan.seconds))
    out.print("Nothing was done (--dry-run).")


def _estimate(documents: int, seconds: float | None) -> str:
    if not documents:
        return "There is nothing to process."
    if seconds is None:
        return f"{documents} documents to process. Time: unknown, there is no earlier run to judge by."
    return f"{documents} documents to process. Time: about {duration(seconds)}, at the pace of the last run."


def _show(report: RunReport, settings: Settings) -> None:
    out = stdout()
    if not report.inputs:
        out.print(f"No documents were found in {escape(report.source)}.", soft_wrap=True)
        return
    table = Table("outcome", "inputs", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in report.outcomes.items():
        table.add_row(name, str(count))
    table.add_section()
    table.add_row("sum", str(report.inputs))
    out.print(table)
    out.print(f"{report.processed} documents processed in {duration(report.seconds)}.")
    for warning in report.warnings:
        out.print(f"Warning: {escape(warning)}", soft_wrap=True)
    lake = Path(settings.lake_uri) / report.schema_name if settings.lake is None else "the lake"
    written = ", ".join(report.landed_files) if report.landed_files else "nothing new"
    out.print(f"Rows landed: {report.landed_rows} ({escape(written)}) in {escape(str(lake))}", soft_wrap=True)
    if report.queue:
        out.print(
            f"{report.queue} documents wait for review: parquetry review --home {settings.home}",
            soft_wrap=True,
        )


class ProgressBar:
    """Shows a run on a console: a bar where it is one, plain lines where it is a file."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("discovering", total=None)
        self._lock = threading.Lock()
        self._done = self._total = 0

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def expect(self, inputs: int, documents: int, seconds: float | None) -> None:
        """The estimate, before the work begins."""
        with self._lock:
            self._total = documents
        self._bar.update(self._task, description="documents", total=documents, completed=0)
        self._console.print(
            f"{inputs} inputs found. {_estimate(documents, seconds)}", style="dim", soft_wrap=True
        )

    def done(self) -> None:
        """One step further; a line now and then where no bar can be drawn."""
        with self._lock:
            self._done += 1
            done, total = self._done, self._total
        self._bar.advance(self._task)
        step = max(1, total // 20)
        if not self._console.is_terminal and (done % step == 0 or done == total):
            self._console.print(f"{done} of {total} documents", style="dim")
