"""``parquetry export``: landed rows, or the review queue, as one file for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import Config, Home, stderr


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
    wanted = settings.schema_ if what is What.ROWS else schema
    name = _name(wanted) if wanted else _only_schema(settings.home / "lake") if what is What.ROWS else None
    target = output or Path(f"{name or 'parquetry'}-{what}.{format}")
    if what is What.QUEUE:
        with Ledger.open(settings.database_url) as ledger:
            count = export_queue(ledger, format.value, target, schema=name)
    else:
        count = export_rows(settings.lake_uri, name or "", format.value, target)
    stderr().print(f"{count} {'documents' if what is What.QUEUE else 'rows'}", style="dim")
    typer.echo(target)


def _name(name_or_file: str) -> str:
    """The schema's name; one that is not in the catalog any more may still have rows in the lake."""
    from schemas.errors import SchemaError
    from schemas.registry import load_schema

    try:
        return load_schema(name_or_file).name
    except SchemaError:
        if name_or_file.isidentifier():
            return name_or_file
        raise


def _only_schema(lake: Path) -> str:
    from schemas.errors import UsageError

    found = sorted(p.name for p in lake.glob("*") if p.is_dir()) if lake.is_dir() else []
    if len(found) == 1:
        return found[0]
    raise UsageError(
        "Which rows? " + (f"The lake has {', '.join(found)}." if found else "Nothing has landed yet."),
        remedy="Use --schema NAME.",
    )
