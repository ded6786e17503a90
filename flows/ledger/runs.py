"""Runs of the flow, and the schemas they used."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flows.ledger.common import insert_new
from flows.ledger.models import Run, StoredSchema
from flows.ledger.records import ModelUsed
from schemas.errors import LedgerError
from schemas.registry import LoadedSchema, from_json_schema

RUNNING = "running"
CRASHED = "crashed"
"""How a run is shown that nobody finished and whose lease ran out: its process was killed."""


def register_schema(session: Session, schema: LoadedSchema, at: dt.datetime) -> None:
    """Keeps a schema unless it is there."""
    insert_new(
        session,
        StoredSchema,
        fingerprint=schema.fingerprint,
        name=schema.name,
        version=schema.version,
        json_schema=schema.json_schema,
        created_at=at,
    )


def stored_schema(session: Session, fingerprint: str) -> LoadedSchema | None:
    """The schema as it was kept."""
    stored = session.get(StoredSchema, fingerprint)
    return None if stored is None else from_json_schema(stored.json_schema, stored.name)


def start_run(
    session: Session,
    at: dt.datetime,
    run_id: str,
    source: str,
    schema: str,
    fingerprint: str,
    model: str,
    parameters: dict[str, Any],
    lease_seconds: float | None,
    weights: ModelUsed | None = None,
) -> None:
    """Inserts a run, or opens it again."""
    lease_until = _lease(at, lease_seconds)
    new = insert_new(
        session,
        Run,
        run_id=run_id,
        source=source,
        schema_name=schema,
        fingerprint=fingerprint,
        model=model,
        model_name=weights.name if weights else None,
        model_revision=weights.revision if weights else None,
        model_manifest=weights.manifest if weights else None,
        parameters=parameters,
        state=RUNNING,
        started_at=at,
        lease_until=lease_until,
    )
    if new:
        return
    run = existing_run(session, run_id)
    if (run.fingerprint, run.model) != (fingerprint, model):
        raise LedgerError(
            f"Run {run_id} was started with another schema or model.", remedy="Start a run of its own."
        )
    if weights is not None and run.model_manifest not in (None, weights.manifest):
        raise LedgerError(f"Run {run_id} was started with other weights.", remedy="Start a run of its own.")
    run.state, run.finished_at, run.lease_until = RUNNING, None, lease_until


def weights_of(run: Run) -> ModelUsed | None:
    """Which weights a run used, where that was noted."""
    if run.model_name is None or run.model_revision is None or run.model_manifest is None:
        return None
    return ModelUsed(name=run.model_name, revision=run.model_revision, manifest=run.model_manifest)


def keep_run(session: Session, at: dt.datetime, run_id: str, lease_seconds: float) -> None:
    """See `Ledger.keep_run`."""
    run = existing_run(session, run_id)
    if run.state == RUNNING:
        run.lease_until = _lease(at, lease_seconds)


def _lease(at: dt.datetime, seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else at + dt.timedelta(seconds=seconds)


def finish_run(session: Session, at: dt.datetime, run_id: str, state: str) -> None:
    """Notes how a run ended."""
    run = existing_run(session, run_id)
    run.state, run.finished_at, run.lease_until = state, at, None


def latest_schemas(session: Session) -> dict[str, str]:
    """See `Ledger.latest_schemas`."""
    rows = session.execute(
        select(Run.schema_name, Run.fingerprint)
        .group_by(Run.schema_name, Run.fingerprint)
        .order_by(func.max(Run.started_at))
    )
    return dict(row._tuple() for row in rows)


def existing_run(session: Session, run_id: str) -> Run:
    """The run, or a `LedgerError`."""
    run = session.get(Run, run_id)
    if run is None:
        raise LedgerError(f"The ledger has no run {run_id!r}.", remedy="Call start_run first.")
    return run
