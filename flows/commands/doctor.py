"""``parquetry doctor``: checks what a run needs, with a remedy for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, Model, stderr, stdout

if TYPE_CHECKING:
    from flows.landing import Checkup
    from flows.settings import Settings

MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[bold red]fail[/]"}


def doctor(
    home: Home = None,
    source: Annotated[str | None, typer.Option("--source", metavar="URI", help="A source to check.")] = None,
    model: Model = None,
    config: Config = None,
    lake: Annotated[
        bool,
        typer.Option("--lake", help="Hold the ledger against the lake instead, file by file, both ways."),
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="With --lake: put right what is safe to put right.")
    ] = False,
) -> None:
    """Checks environment, model files, database, source and lake. Exit code 1 when something is missing."""
    from flows.doctor import examine
    from flows.settings import load_settings
    from schemas.errors import UsageError

    settings = load_settings(config, home=home, source=source, model=model)
    if repair and not lake:
        raise UsageError("There is nothing to repair but the lake.", remedy="Use --lake --repair.")
    if lake:
        _check_lake(settings, repair=repair)
        return
    out, failed = stdout(), 0
    for finding in examine(settings):
        out.print(f"{MARKS[finding.verdict]} {finding.name:<11} {escape(finding.detail)}", soft_wrap=True)
        if finding.remedy:
            out.print(f"     {'':<11} {escape(finding.remedy)}", soft_wrap=True, style="bold")
        failed += finding.verdict == "fail"
    if failed:
        raise typer.Exit(1)


def _check_lake(settings: Settings, *, repair: bool) -> None:
    """Prints what was held against what, and what does not agree. Exit code 1 while something grave is left."""
    from flows.doctor import examine_lake

    out, found = stdout(), []
    for checked in examine_lake(settings, repair=repair):
        found.append(checked)
        pending = f", {checked.pending} batches to land" if checked.pending else ""
        bad = any(trouble.grave and not trouble.repaired for trouble in checked.troubles)
        out.print(
            f"{MARKS['fail' if bad else 'ok']} {escape(checked.schema_name)} ({checked.format}): "
            f"{checked.batches} batches, {checked.rows} rows{pending}",
            soft_wrap=True,
        )
    troubles = [trouble for checked in found for trouble in checked.troubles]
    if troubles:
        _print_troubles(found)
    if not found:
        stderr().print("Nothing has landed yet.", style="dim")
    if any(trouble.grave and not trouble.repaired for trouble in troubles):
        raise typer.Exit(1)


def _print_troubles(found: list[Checkup]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("trouble", "where", "what it is", "what to do"):
        table.add_column(column, overflow="fold")
    for trouble in (trouble for checked in found for trouble in checked.troubles):
        remedy = "[green]repaired[/]" if trouble.repaired else escape(trouble.remedy)
        table.add_row(trouble.what, escape(trouble.where), escape(trouble.detail), remedy)
    stdout().print(table)
