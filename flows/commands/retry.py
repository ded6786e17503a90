"""``parquetry retry``: inputs of an outcome are done again, from wherever they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from flows.commands.common import (
    Confidence,
    Config,
    ErrorBudget,
    Home,
    Passwords,
    RayAddress,
    Runner,
    budget_for_all,
    budget_settings,
    stderr,
    stdout,
)

if TYPE_CHECKING:
    from flows.again import Plan
    from flows.composition import Job


def retry(
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="NAME", help="failed, unreadable, review or accepted.")
    ],
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="NAME", help="Only those with this reason: timeout, ...")
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="Only inputs of this schema.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="URI", help="Only inputs that runs of this source saw.")
    ] = None,
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    error_budget: ErrorBudget = None,
    confidence: Confidence = None,
    password_file: Passwords = None,
    runner: Runner = None,
    ray_address: RayAddress = None,
    config: Config = None,
) -> None:
    """Puts inputs of an outcome back to work and runs them. Their history is kept.

    A row that has landed stays until its document is accepted again: then it gets a new version. What a person
    has decided is left as it is.
    """
    from flows import composition
    from flows.again import plan
    from flows.settings import load_settings

    settings = load_settings(
        config,
        home=home,
        source=source,
        passwords_file=password_file,
        runner=runner,
        ray={"address": ray_address} if ray_address else None,
        extract=budget_settings(error_budget, confidence),
    )
    settings = budget_for_all(settings, error_budget)
    composition.use(settings)
    chosen = plan(settings, outcome=outcome, reason=reason, schema=schema)
    _show(chosen, outcome)
    if dry_run:
        stdout().print("Nothing was done (--dry-run).")
        return
    if not chosen.jobs:
        return
    from flows.commands import launch

    console = stderr()
    with launch.stoppable(console):
        for job in chosen.jobs:
            composition.check(job)
        launch.prepare(settings, console, "retry")
        reports = [
            launch.extract(
                {
                    "source": job.source,
                    "document_schema": job.schema_,
                    "model": job.model,
                    "pages": _pages(job),
                    "retry_outcome": outcome,
                    "retry_reason": reason,
                },
                console,
            )
            for job in chosen.jobs
        ]
    for report in reports:
        launch.show(report, settings)


def _pages(job: Job) -> str | None:
    return f"{job.pages.first}-{job.pages.last or ''}" if job.pages else None


def _show(chosen: Plan, outcome: str) -> None:
    out = stdout()
    if not chosen.groups:
        out.print(f"No inputs are {escape(outcome)}: there is nothing to do again.")
        return
    table = Table("source", "schema", "model", "inputs", "", box=None, pad_edge=False)
    table.columns[3].justify = "right"
    for group, why_not in chosen.groups:
        table.add_row(
            escape(group.source), group.schema_name, escape(group.model), str(group.inputs), escape(why_not)
        )
    out.print(table)
    out.print(f"{chosen.inputs} inputs to do again.")
