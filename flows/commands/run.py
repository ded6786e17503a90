"""``parquetry run``: the batch flow once, with a progress bar and the outcome table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.commands.common import (
    Confidence,
    Config,
    ErrorBudget,
    Home,
    Model,
    Pages,
    Passwords,
    RayAddress,
    Runner,
    budget_for_all,
    budget_settings,
    stderr,
    stdout,
)
from flows.commands.progress import estimate

if TYPE_CHECKING:
    from flows.composition import Again
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
    reprocess: Annotated[
        bool,
        typer.Option("--reprocess", help="Extract again what is through; what a person decided stays."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="With --reprocess: what was extracted then or later."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    model: Model = None,
    error_budget: ErrorBudget = None,
    confidence: Confidence = None,
    password_file: Passwords = None,
    runner: Runner = None,
    ray_address: RayAddress = None,
    config: Config = None,
) -> None:
    """Reads what is new in a source, extracts it, lands what is sure and queues the rest for review.

    Nothing is processed twice: run it again at any time. The exit code is 0 when every input has an outcome,
    whatever that is.
    """
    from flows import composition
    from flows.settings import load_settings

    settings = load_settings(
        config,
        home=home,
        source=source,
        schema=schema,
        model=model,
        passwords_file=password_file,
        runner=runner,
        ray={"address": ray_address} if ray_address else None,
        extract=budget_settings(error_budget, confidence),
    )
    settings = budget_for_all(settings, error_budget)
    again = composition.again(reprocess=reprocess, since=since)
    if dry_run:
        _preview(settings, limit, pages, again)
        return
    from flows.commands import launch

    console = stderr()
    with launch.stoppable(console):
        composition.use(settings)
        job = composition.job(limit=limit, pages=pages, again=again)
        composition.check(job)  # what is wrong is told now, not after a server was started
        launch.prepare(settings, console, "run")
        parameters = {
            "source": job.source,
            "document_schema": job.schema_,
            "model": job.model,
            "limit": job.limit,
            "pages": pages,
            "reprocess": reprocess,
            "since": since,
        }
        report = launch.extract(parameters, console)
    launch.show(report, settings)


def _preview(settings: Settings, limit: int | None, pages: str | None, again: Again | None) -> None:
    from flows.preview import preview

    plan = preview(settings, limit, pages, again)
    out = stdout()
    for line in plan.shown:
        out.print(escape(line), soft_wrap=True)
    if plan.inputs > len(plan.shown):
        out.print(f"... and {plan.inputs - len(plan.shown)} more")
    out.print(
        f"{plan.inputs} inputs, {plan.size / 1e6:.1f} MB: {plan.new} new or changed, {plan.known} known"
        + (f", {plan.again} of them to be done again." if again else ".")
    )
    out.print(estimate(plan.new + plan.again, plan.seconds))
    out.print("Nothing was done (--dry-run).")
