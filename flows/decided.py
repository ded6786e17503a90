"""Landing of everything that is accepted or decided, whatever its schema. Plain code, no Prefect."""

from __future__ import annotations

from flows.landing.formats import LakeFormat
from flows.landing.land import land
from flows.ledger.store import Ledger


def schemas_run(ledger: Ledger) -> dict[str, str]:
    """The latest fingerprint of every schema that has been run, by name."""
    latest: dict[str, str] = {}
    for run in ledger.status(last_runs=10_000).runs:
        latest.setdefault(run.schema_name, run.fingerprint)
    return latest


def land_decided(ledger: Ledger, lake: str, *, format: LakeFormat = "parquet") -> None:
    """Lands what is not in the lake yet. Safe beside other landings: batches are frozen first."""
    for fingerprint in schemas_run(ledger).values():
        schema = ledger.stored_schema(fingerprint)
        if schema is not None:
            land(ledger, lake, schema, format=format)
