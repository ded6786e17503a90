"""Frozen batches become Parquet files, each exactly once; the current rows are a view over them."""

from flows.landing.arrow import arrow_schema, unfit_values
from flows.landing.current import current_sql, read_all, read_current
from flows.landing.land import LandedFile, LandingReport, land

__all__ = [
    "LandedFile",
    "LandingReport",
    "arrow_schema",
    "current_sql",
    "land",
    "read_all",
    "read_current",
    "unfit_values",
]
