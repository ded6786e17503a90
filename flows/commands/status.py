"""``parquetry status``: what was seen, what became of it, what waits, what has landed."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, stdout
from flows.commands.outcomes import counted, outcome_table

if TYPE_CHECKING:
    from flows.ledger.records import StatusReport


def status(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    config: Config = None,
) -> None:
    """What was seen and what became of it. In the JSON form the outcomes sum to the inputs.

    An input is a file under one schema and model: `by_schema` has them apart, `files` counts each file once.
    """
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
    out.print(outcome_table(_columns(report)))
    if len(report.by_schema) > 1:
        out.print(f"{report.files} files; each counts once under each schema and model it was run with.")
    if report.members:
        out.print(f"{report.members} members of archives: {counted(report.member_outcomes)}")
    out.print(
        f"{report.landed_rows} rows in {report.landed_files} files landed, {report.rows_to_land} to land."
    )
    out.print(f"{report.queue} documents wait for review.")
    if report.reasons:
        out.print(f"Reasons: {counted(report.reasons)}")
    for run in report.runs[:5]:
        out.print(
            f"{run.started_at:%Y-%m-%d %H:%M} {run.state}: {run.inputs} inputs of {escape(run.source)}, "
            f"{run.schema_name}"
            + (f", {escape(run.weights.name)} {run.weights.revision[:12]}" if run.weights else ""),
            soft_wrap=True,
            style="dim",
        )


def _columns(report: StatusReport) -> dict[str, dict[str, int]]:
    """A column for each schema; the forms of a schema and the models are told apart where there are several."""
    if len(report.by_schema) < 2:
        return {"inputs": report.outcomes}
    names = Counter(entry.schema_name for entry in report.by_schema)
    models = {name: {e.model for e in report.by_schema if e.schema_name == name} for name in names}
    columns: dict[str, dict[str, int]] = {}
    for entry in report.by_schema:
        name = entry.schema_name
        if len(models[name]) > 1:
            name += f" {entry.model}"
        if names[entry.schema_name] > len(models[entry.schema_name]):
            name += f" {entry.fingerprint[:6]}"
        columns[escape(name)] = entry.outcomes
    return columns
