"""``parquetry export``: landed rows or the review queue as one file; what reviewers decided as a folder to train on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import Config, Home, landed_schema, schema_of_lake, stderr
from schemas.errors import UsageError

if TYPE_CHECKING:
    from flows.settings import Settings


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
    TRAINING = "training"
    SAMPLES = "samples"


def export(
    format: Annotated[
        Format | None, typer.Option("--format", help="Kind of file, for rows and queue.")
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="NAME_OR_FILE", help="Which rows; optional for the queue."),
    ] = None,
    what: Annotated[
        What,
        typer.Option(
            "--what",
            help="Landed rows, the review queue, what reviewers decided, as a folder to train on, or of that what was"
            " drawn at random, to calibrate on.",
        ),
    ] = What.ROWS,
    output: Annotated[Path | None, typer.Option("--output", help="The file, or folder, to write.")] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Writes the current landed rows of a schema, the queue, or a labelled folder, and prints its path."""
    from flows.export import export_queue, export_rows
    from flows.ledger.store import Ledger
    from flows.settings import load_settings

    settings = load_settings(config, home=home, schema=schema)
    if what in (What.TRAINING, What.SAMPLES):
        _export_training(settings, schema, output, sampled=what is What.SAMPLES)
        return
    if format is None:
        raise UsageError(
            "Which kind of file is not said.", remedy="Give --format csv, jsonl, xlsx or parquet."
        )
    if what is What.ROWS:
        name: str | None = landed_schema(settings, schema)
    else:
        name = schema_of_lake(settings, schema) if schema else None
    target = output or Path(f"{name or 'parquetry'}-{what}.{format}")
    if what is What.QUEUE:
        with Ledger.open(settings.database_url) as ledger:
            count = export_queue(ledger, format.value, target, schema=name)
    else:
        count = export_rows(settings.lake_uri, name or "", format.value, target)
    stderr().print(f"{count} {'documents' if what is What.QUEUE else 'rows'}", style="dim")
    typer.echo(target)


def _export_training(settings: Settings, schema: str | None, output: Path | None, *, sampled: bool) -> None:
    from flows.export.training import export_training
    from flows.ledger.store import Ledger
    from flows.review.blobs import BlobStore

    name = schema_of_lake(settings, schema)
    target = output or Path(f"{name}-{'sampled' if sampled else 'reviewed'}")
    with Ledger.open(settings.database_url) as ledger:
        count = export_training(ledger, BlobStore(settings.home / "blobs"), name, target, sampled=sampled)
    stderr().print(f"{count} documents", style="dim")
    typer.echo(target)
