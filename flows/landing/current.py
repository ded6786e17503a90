"""Signatures first, bodies follow."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa


def read_current(lake: str | Path, schema_name: str, *, as_of: dt.datetime | None = None) -> pa.Table:
    """The latest version of every row that is not withdrawn; an empty table when nothing has landed."""
    raise NotImplementedError


def current_sql(lake: str | Path, schema_name: str) -> str:
    """The text of ``current.sql`` for a lake and schema: a DuckDB ``CREATE OR REPLACE VIEW <schema>``."""
    raise NotImplementedError
