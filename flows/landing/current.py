"""The lake as it stands, as tables in memory and as SQL for DuckDB; `flows.landing.snapshot` reads the rest."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from pathlib import Path

import pyarrow as pa

from flows.landing.lake import open_lake
from flows.landing.snapshot import open_snapshot


def read_current(lake: str | Path, schema_name: str, *, as_of: dt.datetime | None = None) -> pa.Table:
    """The rows of `open_snapshot` as a table in memory."""
    return open_snapshot(lake, schema_name, as_of=as_of).table()


def read_all(lake: str | Path, schema_name: str) -> pa.Table:
    """Every version of every row that has landed."""
    return open_snapshot(lake, schema_name, all_versions=True).table()


def current_sql(lake: str | Path, schema_name: str) -> str:
    """The text of ``current.sql`` for a Parquet lake and schema.

    Creates in DuckDB the view ``<schema>`` (now) and the table macro ``<schema>_as_of(moment)`` (then).
    """
    text = resources.files("flows.landing").joinpath("current.sql").read_text(encoding="utf-8")
    glob = open_lake(lake).location(f"{schema_name}/*.parquet")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    files = "'" + glob.replace("'", "''") + "'"
    names = {"{view}": _quoted(schema_name), "{macro}": _quoted(f"{schema_name}_as_of"), "{glob}": files}
    filled = "\n".join(lines)
    for placeholder, value in names.items():
        filled = filled.replace(placeholder, value)
    return filled + "\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
