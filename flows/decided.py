"""Landing of everything that is accepted or decided, whatever its schema. Plain code, no Prefect."""

from __future__ import annotations

from flows.landing.formats import LakeFormat
from flows.landing.land import land
from flows.ledger.store import Ledger


def land_decided(ledger: Ledger, lake: str, *, format: LakeFormat = "parquet") -> None:
    """Lands what is not in the lake yet. Safe beside other landings: batches are frozen first."""
    for fingerprint in ledger.latest_schemas().values():
        schema = ledger.stored_schema(fingerprint)
        if schema is not None:
            land(ledger, lake, schema, format=format)
