"""``parquetry status``: what was seen, what became of it, what waits, what has landed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from flows.commands.common import Config, Home, stdout

if TYPE_CHECKING:
    from flows.ledger.records import StatusReport


def status(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    config: Config = None,
) -> None:
    """What was seen and what became of it. In the JSON form the outcomes sum to the inputs."""
    from flows.ledger.records import StatusReport
    from flows.ledger.store import Ledger
    from flows.settings import load_settings

    settings = load_settings(config, home=home)
    if settings.database is None and not (settings.home / "ledger.db").exists():
        report = StatusReport(
            inputs=0,
            outcomes={},
            members=0,
            member_outcomes={},
            documents={},
            queue=0,
            landed_rows=0,
            landed_files=0,
            rows_to_land=0,
            reasons={},
            runs=[],
        )
    else:
        with Ledger.open(settings.database_url) as ledger:
            report = ledger.status()
    if as_json:
        typer.echo(json.dumps(report.model_dump(mode="json"), ensure_ascii=False))
    else:
        _show(report, str(settings.home))


def _show(report: StatusReport, home: str) -> None:
    out = stdout()
    if not report.runs and not report.inputs:
        out.print(f"Nothing has been run in {escape(home)} yet: parquetry run --source URI --schema NAME")
        return
    table = Table("outcome", "inputs", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in report.outcomes.items():
        table.add_row(name, str(count))
    table.add_section()
    table.add_row("sum", str(report.inputs))
    out.print(table)
    if report.members:
        out.print(f"{report.members} members of archives: {_counts(report.member_outcomes)}")
    out.print(
        f"{report.landed_rows} rows in {report.landed_files} files landed, {report.rows_to_land} to land."
    )
    out.print(f"{report.queue} documents wait for review.")
    if report.reasons:
        out.print(f"Reasons: {_counts(report.reasons)}")
    for run in report.runs[:5]:
        out.print(
            f"{run.started_at:%Y-%m-%d %H:%M} {run.state}: {run.inputs} inputs of {escape(run.source)}, "
            f"{run.schema_name}",
            soft_wrap=True,
            style="dim",
        )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
