"""``parquetry export``: landed rows, or the review queue, as one file for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import Config, Home, schema_of_lake, stderr


class Format(StrEnum):
    """What can be written."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"


class What(StrEnum):
    """What is exported."""

    ROWS = "rows"
    QUEUE = "queue"


def export(
    format: Annotated[Format, typer.Option("--format", help="Kind of file.")],
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="NAME_OR_FILE", help="Which rows; optional for the queue."),
    ] = None,
    what: Annotated[What, typer.Option("--what", help="Landed rows, or the review queue.")] = What.ROWS,
    output: Annotated[Path | None, typer.Option("--output", help="The file to write.")] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Writes the current landed rows of a schema, or the queue, into one file, and prints its path."""
    from flows.export import export_queue, export_rows
    from flows.ledger.store import Ledger
    from flows.settings import load_settings

    settings = load_settings(config, home=home, schema=schema)
    name = schema_of_lake(settings, schema) if what is What.ROWS or schema else None
    target = output or Path(f"{name or 'parquetry'}-{what}.{format}")
    if what is What.QUEUE:
        with Ledger.open(settings.database_url) as ledger:
            count = export_queue(ledger, format.value, target, schema=name)
    else:
        count = export_rows(settings.lake_uri, name or "", format.value, target)
    stderr().print(f"{count} {'documents' if what is What.QUEUE else 'rows'}", style="dim")
    typer.echo(target)
