"""What `run` and `retry` share: a server, the flow in this process, a stop in time, the figures at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.common import duration, stdout
from flows.commands.outcomes import counted, outcome_table
from flows.commands.progress import ProgressBar
from schemas.errors import OutageError, ParquetryError

if TYPE_CHECKING:
    from flows.cost import RunCost
    from flows.report import RunReport
    from flows.settings import Settings

AGAIN = "Run it again: it goes on where it was stopped."


@contextmanager
def stoppable(console: Console) -> Iterator[None]:
    """Ctrl-C and SIGTERM end what is in the block in time, with one line and the exit code of shells.

    Raises:
        Stopped: a signal came; 130 for Ctrl-C, 143 for SIGTERM.
    """
    from flows import ending, watch

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)

    with ending.in_time(say):
        try:
            yield
        except BaseException as error:
            code = ending.exit_code(error)
            if code is None:
                raise
            bar = watch.watcher()
            so_far = f" {bar.so_far}." if isinstance(bar, ProgressBar) else ""
            say(f"Stopped.{so_far} {AGAIN}")
            raise ending.Stopped(code) from None


def prepare(settings: Settings, console: Console, log_name: str) -> None:
    """Logs, and a Prefect server that is up; from here on Prefect may be imported."""
    from flows import conductor
    from flows.home import make_home

    make_home(settings)
    conductor.log_to_file(settings, log_name)
    server = conductor.server(settings)
    if server.fresh:
        console.print("Starting a Prefect server for this run; that takes about 20 seconds ...", style="dim")
    elif not server.temporary:
        console.print(f"The run is shown at {server.url.removesuffix('/api')}", style="dim")
    import flows.extract_batch  # noqa: F401  beside the start of the server

    conductor.quiet_console()
    conductor.log_to_file(settings, log_name)  # again: Prefect sets up its own logging when it is imported
    server.wait()


def extract(parameters: dict[str, Any], console: Console) -> RunReport:
    """The flow, once, in this process, with a progress bar.

    Raises:
        ParquetryError: why it did not go to its end.
    """
    import httpx
    from prefect.exceptions import PrefectException

    from flows import lost_server, reporting, watch
    from flows.extract_batch import extract_batch

    reporting.forget()
    with ProgressBar(console) as bar:
        watch.watch(bar)
        try:
            report: RunReport = extract_batch(**parameters)
        except ParquetryError:
            raise
        except Exception as error:
            if not (isinstance(error, (httpx.HTTPError, PrefectException)) or lost_server.is_gone()):
                raise
            kept = reporting.last()
            if kept is None:
                if own := _own(error):
                    raise own from None
                raise OutageError(
                    lost_server.told()
                    or f"Prefect's server does not answer any more ({type(error).__name__}).",
                    remedy=f"{AGAIN} What was finished is recorded.",
                ) from error
            if not lost_server.is_gone():
                lost_server.give_up(f"it did not take the end of the run, {type(error).__name__}")
            if lost_server.told() not in kept.warnings:
                console.print(lost_server.told(), soft_wrap=True)
            console.print("The run itself is complete.")
            return kept
    return report


def _own(error: BaseException) -> ParquetryError | None:
    """Why the run failed, if Prefect only failed after it, at noting so."""
    before: BaseException | None = error
    while before is not None:
        if isinstance(before, ParquetryError):
            return before
        before = before.__cause__ or before.__context__
    return None


NAMED_FILES = 3
"""Landed files that are named on the console; the report has all."""


def _written(files: Sequence[str]) -> str:
    if len(files) > NAMED_FILES:
        return f"{len(files)} files, the last {files[-1]}"
    return ", ".join(files) or "nothing new"


def show(report: RunReport, settings: Settings) -> None:
    """How a run ended, for people."""
    from flows import cost

    out = stdout()
    if not report.inputs:
        out.print(_no_inputs(report), soft_wrap=True)
        return
    out.print(outcome_table({"inputs": report.outcomes}))
    if report.members:
        out.print(f"{report.members} members of archives: {counted(report.member_outcomes)}")
    pages = f" with {report.pages.total} pages" if report.pages.total else ""
    out.print(f"{report.processed} documents{pages} processed in {duration(report.seconds)}.")
    if report.cost is not None and report.processed:
        out.print(cost_table(report.cost))
        out.print(escape(cost.sentence(report.cost)), soft_wrap=True)
    for warning in report.warnings:
        out.print(f"Warning: {escape(warning)}", soft_wrap=True)
    lake = Path(settings.lake_uri) / report.schema_name if settings.lake is None else "the lake"
    written = _written(report.landed_files)
    out.print(f"Rows landed: {report.landed_rows} ({escape(written)}) in {escape(str(lake))}", soft_wrap=True)
    if report.failed_total:
        out.print(f"{report.failed_total} inputs failed or could not be read; the report says why.")
    page = settings.home / "reports" / f"{report.run_id}.html"
    if page.exists():
        out.print(f"Report: {escape(str(page))}", soft_wrap=True)
    if report.queue:
        out.print(
            f"{report.queue} documents wait for review: parquetry review --home {escape(str(settings.home))}",
            soft_wrap=True,
        )


def cost_table(spent: RunCost) -> Table:
    """Machine seconds by stage, the sum last."""
    from flows import cost

    table = Table(*cost.head(spent), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    *stages, whole = cost.rows(spent)
    for row in stages:
        table.add_row(*row)
    table.add_section()
    table.add_row(*whole)
    return table


def _no_inputs(report: RunReport) -> str:
    if report.parameters.get("again"):
        return f"Nothing of {escape(report.source)} is to be done again."
    return f"No documents were found in {escape(report.source)}."
