"""Small schemas, inputs and extractions for tests of ledger, landing and export."""

from __future__ import annotations

import hashlib
from typing import Any

from flows.ledger.records import InputRecord
from flows.ledger.store import Ledger
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import FailureReason, ReviewReason
from schemas.registry import LoadedSchema, from_json_schema

MODEL = "scripted@1"
SCHEMA = from_json_schema(
    {
        "title": "bill",
        "type": "object",
        "properties": {
            "number": {"type": "string"},
            "day": {"type": ["string", "null"], "format": "date"},
            "total": {"type": ["number", "null"]},
        },
    },
    "bill",
)


def sha_of(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def start(ledger: Ledger, run_id: str = "run-1", *, model: str = MODEL, schema: LoadedSchema = SCHEMA) -> str:
    ledger.register_schema(schema)
    ledger.start_run(
        run_id=run_id,
        source="file:///in",
        schema=schema.name,
        fingerprint=schema.fingerprint,
        model=model,
        parameters={"limit": None},
    )
    return run_id


def add(
    ledger: Ledger,
    run_id: str,
    name: str,
    content: str | None = None,
    *,
    version: str = "1",
    model: str = MODEL,
    schema: LoadedSchema = SCHEMA,
) -> InputRecord:
    content = name if content is None else content
    return ledger.add_input(
        run_id,
        f"file:///in/{name}",
        version=version,
        member=None,
        sha256=sha_of(content),
        size=len(content),
        media_type="application/pdf",
        schema_name=schema.name,
        fingerprint=schema.fingerprint,
        model=model,
    )


def claim(
    ledger: Ledger,
    run_id: str | None = "run-1",
    *,
    worker: str = "worker-1",
    limit: int = 10,
    lease: float = 60,
    max_attempts: int = 3,
    model: str = MODEL,
    schema: LoadedSchema = SCHEMA,
) -> list[Any]:
    return ledger.claim(
        run_id,
        worker=worker,
        lease_seconds=lease,
        limit=limit,
        fingerprint=schema.fingerprint,
        model=model,
        max_attempts=max_attempts,
    )


def extraction(
    sha256: str,
    *,
    accepted: bool = True,
    data: dict[str, Any] | None = None,
    fields: list[ExtractedField] | None = None,
    reasons: list[ReviewReason] | None = None,
    failure: FailureReason | None = None,
    failed: bool = False,
    model: str = MODEL,
    schema: LoadedSchema = SCHEMA,
) -> Extraction:
    outcome = "failed" if failed else "unreadable" if failure else "extracted"
    if outcome == "extracted" and data is None:
        data = {"number": f"N-{sha256[:4]}", "day": "2024-02-29", "total": 12.5}
    if outcome == "extracted" and fields is None:
        fields = [
            ExtractedField(
                path="number", raw="No 1", value=(data or {}).get("number"), page=1, boxes=[[1, 2, 3, 4]]
            ),
            ExtractedField(path="total", raw="12.50", value="12.50", page=1, reasons=reasons or []),
        ]
    return Extraction.model_validate(
        {
            "document": "x.pdf",
            "sha256": sha256,
            "outcome": outcome,
            "accepted": accepted,
            "schema_name": schema.name,
            "schema_fingerprint": schema.fingerprint,
            "model": model,
            "data": data if outcome == "extracted" else None,
            "fields": fields or [],
            "reasons": reasons or [],
            "failure": failure,
            "detail": "as told" if failure else "",
            "page_count": 1,
            "timings": {"read": 0.5, "model": 1.0, "total": 1.5},
        }
    )


def process(ledger: Ledger, run_id: str = "run-1", **how: Any) -> list[str]:
    """Claims all that is free and records an extraction for each; their ids."""
    done = []
    for claimed in claim(ledger, run_id, limit=1000):
        ledger.record_extraction(claimed.document_id, claimed.token, extraction(claimed.sha256, **how))
        done.append(claimed.document_id)
    return done
