"""``parquetry lake``: the landed rows, now and then; SQL over them; compaction of a Delta lake."""

from __future__ import annotations

import datetime as dt
import sys
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from flows.commands.common import Config, Home, landed_schema, schema_of_lake, stderr, stdout

if TYPE_CHECKING:
    from flows.export import ExportFormat
    from flows.landing import Snapshot
    from flows.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The rows that have landed: now, then, as SQL.")

SHOWN_ROWS = 50
SHOWN_COLUMNS = 8
_LOW = frozenset({"version", "source_uri"})
"""Of our own columns only these are for people at a terminal."""


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


Schema = Annotated[
    str | None,
    typer.Option(
        "--schema", metavar="NAME_OR_FILE", help="Which rows; not needed where only one kind has landed."
    ),
]
As = Annotated[Format, typer.Option("--format", help="How the rows are written.")]
Output = Annotated[
    Path | None, typer.Option("--output", help="The file to write; without it, standard output.")
]


@app.command()
def current(
    schema: Schema = None,
    format: As = Format.TABLE,
    output: Output = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """The latest version of every row, without those that a person withdrew."""
    _show(_settings(config, home, schema), schema, None, format, output)


@app.command("as-of")
def as_of(
    date: Annotated[
        str, typer.Argument(metavar="DATE", help="2026-10-01 (its end, UTC), or 2026-10-01T08:30+02:00.")
    ],
    schema: Schema = None,
    format: As = Format.TABLE,
    output: Output = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """The rows as they were at a moment: what had been accepted or decided by then."""
    moment = parse_moment(date)
    _show(_settings(config, home, schema), schema, moment, format, output)


@app.command()
def sql(schema: Schema = None, home: Home = None, config: Config = None) -> None:
    """SQL for DuckDB: a view of the current rows, and a macro for those of any moment."""
    from flows.landing import current_sql

    settings = _settings(config, home, schema)
    typer.echo(current_sql(settings.lake_uri, schema_of_lake(settings, schema)), nl=False)


@app.command()
def compact(
    schema: Schema = None,
    keep_hours: Annotated[
        int, typer.Option("--keep-hours", min=1, help="Files no table refers to are kept so long.")
    ] = 168,
    home: Home = None,
    config: Config = None,
) -> None:
    """Delta only: puts small files together, and removes those that no table refers to any more."""
    from flows.landing import compact as compact_lake

    settings = _settings(config, home, schema)
    out = stdout()
    for done in compact_lake(settings.lake_uri, landed_schema(settings, schema), keep_hours=keep_hours):
        out.print(f"{done.table}: {done.merged} files put together, {done.removed} removed", soft_wrap=True)


def parse_moment(text: str) -> dt.datetime:
    """A date is its end in UTC; a time without an offset is in UTC.

    Raises:
        UsageError: it is neither a date nor a time.
    """
    from schemas.errors import UsageError

    try:
        if len(text.strip()) <= 10:
            day = dt.date.fromisoformat(text.strip())
            return dt.datetime.combine(day, dt.time.max, dt.UTC)
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no date.",
            remedy="Write 2026-10-01, or 2026-10-01T08:30, with an offset if need be.",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _settings(config: Path | None, home: Path | None, schema: str | None) -> Settings:
    from flows.settings import load_settings

    return load_settings(config, home=home, schema=schema)


def _show(
    settings: Settings, schema: str | None, moment: dt.datetime | None, format: Format, output: Path | None
) -> None:
    from flows.export import write_csv, write_jsonl, write_rows
    from flows.landing import open_snapshot
    from schemas.errors import UsageError

    rows = open_snapshot(settings.lake_uri, landed_schema(settings, schema), as_of=moment)
    if output is not None:
        if format is Format.TABLE:
            raise UsageError("A table is for the screen.", remedy="Choose --format csv, jsonl or parquet.")
        write_rows(rows, cast("ExportFormat", format.value), output, key="row_key")
        stderr().print(f"{rows.num_rows} rows", style="dim")
        typer.echo(output)
    elif format is Format.PARQUET:
        raise UsageError("Parquet is not for the screen.", remedy="Name a file with --output.")
    elif format is Format.TABLE:
        _print(rows)
    else:
        (write_csv if format is Format.CSV else write_jsonl)(rows, sys.stdout)
        sys.stdout.flush()


def _print(rows: Snapshot) -> None:
    """The first rows as a table of the terminal's width."""
    from rich.markup import escape
    from rich.table import Table

    from flows.export import each, flat_names, pick
    from flows.landing.arrow import PROVENANCE_NAMES

    names = flat_names(rows.schema)
    fields = [path for path in names if path[0] not in PROVENANCE_NAMES][:SHOWN_COLUMNS]
    columns = [*fields, *(path for path in names if path[0] in _LOW)]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for path in columns:
        table.add_column(escape(".".join(path)), overflow="ellipsis", no_wrap=True)
    for row in islice(each(rows, sorted({path[0] for path in columns})), SHOWN_ROWS):
        table.add_row(*(escape(_cell(pick(row, path))) for path in columns))
    stdout().print(table)
    hidden = rows.num_rows - SHOWN_ROWS
    more = f", {hidden} more than are shown: use --format csv" if hidden > 0 else ""
    stderr().print(f"{rows.num_rows} rows{more}", style="dim")


def _cell(value: Any) -> str:
    """One line of printable text; documents may hold anything."""
    import json

    from flows.export import to_json

    plain = to_json(value)
    text = (
        ""
        if plain is None
        else json.dumps(plain, ensure_ascii=False)
        if isinstance(plain, (list, dict))
        else str(plain)
    )
    return "".join(c if c.isprintable() else " " for c in text)
