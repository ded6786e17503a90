"""Frozen batches become rows in the lake, each exactly once; its states, now and then, are views over them."""

from flows.landing.arrow import arrow_schema, unfit_values
from flows.landing.checkup import Checkup, check_lake
from flows.landing.compact import Compacted, compact
from flows.landing.current import current_sql, read_all, read_current
from flows.landing.evolution import check_evolution
from flows.landing.formats import LakeFormat, LandedFile
from flows.landing.land import LandingReport, land
from flows.landing.snapshot import Snapshot, open_snapshot
from flows.landing.trouble import Trouble

__all__ = [
    "Checkup",
    "Compacted",
    "LakeFormat",
    "LandedFile",
    "LandingReport",
    "Snapshot",
    "Trouble",
    "arrow_schema",
    "check_evolution",
    "check_lake",
    "compact",
    "current_sql",
    "land",
    "open_snapshot",
    "read_all",
    "read_current",
    "unfit_values",
]
