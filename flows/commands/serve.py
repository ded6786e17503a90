"""``parquetry serve``: Prefect server and UI, the schedule, and the review page."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, Model, stdout


def serve(
    source: Annotated[
        str | None, typer.Option("--source", metavar="URI", help="What the schedule reads.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME_OR_FILE", help="What the schedule extracts.")
    ] = None,
    home: Home = None,
    prefect_port: Annotated[
        int | None, typer.Option("--prefect-port", min=1, max=65535, show_default="4200", help="Prefect UI.")
    ] = None,
    review_port: Annotated[
        int | None, typer.Option("--review-port", min=1, max=65535, show_default="8484", help="Review page.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option("--schedule", help="Cron line of the batch; '' for none.", show_default="0 2 * * *"),
    ] = None,
    model: Model = None,
    config: Config = None,
) -> None:
    """Brings up, for this machine only, Prefect server and UI, the nightly schedule and the review page."""
    from flows.serve import serve as bring_up
    from flows.settings import load_settings
    from schemas.registry import load_schema

    said = {"prefect_port": prefect_port, "schedule": schedule}
    settings = load_settings(
        config,
        home=home,
        source=source,
        schema=schema,
        model=model,
        review_port=review_port,
        serve={name: value for name, value in said.items() if value is not None} or None,
    )
    if settings.schema_:
        load_schema(settings.schema_)
    out = stdout()
    bring_up(settings, lambda line: out.print(escape(line), soft_wrap=True))
