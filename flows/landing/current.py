"""The lake as it stands: files are append-only, the current state is a view over them."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from flows.landing.arrow import PROVENANCE
from flows.landing.lake import Lake, open_lake
from schemas.errors import LandingError


def read_current(lake: str | Path, schema_name: str, *, as_of: dt.datetime | None = None) -> pa.Table:
    """The latest version of every row that is not withdrawn, in the order of landing.

    Args:
        lake: path or fsspec URI.
        schema_name: names the folder in the lake.
        as_of: an aware time: the state as it was then.

    Returns:
        A table; without rows, and with the provenance columns only, when nothing has landed. Files of
        several versions of the schema are read as one: a column that a file lacks is null there.
    """
    table = read_all(lake, schema_name)
    if as_of is not None:
        table = table.filter(
            pc.less_equal(table["valid_from"], pa.scalar(as_of, pa.timestamp("us", tz="UTC")))
        )
    keys = table.select(["row_key", "version"]).append_column(
        "at", pa.array(range(table.num_rows), pa.int64())
    )
    newest = keys.sort_by("version").group_by("row_key", use_threads=False).aggregate([("at", "last")])
    current = table.take(newest["at_last"].combine_chunks().sort())
    return current.filter(pc.invert(current["retracted"]))


def read_all(lake: str | Path, schema_name: str) -> pa.Table:
    """Every version of every row that has landed."""
    opened = open_lake(lake)
    names = opened.files(schema_name)
    if not names:
        return pa.schema(PROVENANCE).empty_table()
    system, root = opened.file_system()
    paths = [f"{root}/{name}" for name in names]
    try:
        schema = _unified(opened, paths)
        return ds.dataset(paths, schema=schema, filesystem=system, format="parquet").to_table()
    except (OSError, pa.ArrowException) as error:
        raise LandingError(
            f"The files of {schema_name} in the lake cannot be read together: {error}",
            remedy="A file was damaged, or a field changed its type: give the changed schema another name.",
        ) from error


def _unified(lake: Lake, paths: list[str]) -> pa.Schema:
    """One schema over all files, numbers widened; the newest file's metadata and order lead."""
    system, _ = lake.file_system()
    schemas = [pq.read_schema(path, filesystem=system) for path in reversed(paths)]
    distinct = [schema for i, schema in enumerate(schemas) if not any(schema.equals(s) for s in schemas[:i])]
    return pa.unify_schemas(distinct, promote_options="permissive")


def current_sql(lake: str | Path, schema_name: str) -> str:
    """The text of ``current.sql`` for a lake and schema: creates the DuckDB view named after the schema."""
    text = resources.files("flows.landing").joinpath("current.sql").read_text(encoding="utf-8")
    glob = open_lake(lake).location(f"{schema_name}/*.parquet")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    view, files = '"' + schema_name.replace('"', '""') + '"', "'" + glob.replace("'", "''") + "'"
    return "\n".join(lines).replace("{view}", view).replace("{glob}", files) + "\n"
