"""A ledger as the first version of the tables left it, in plain SQL: it must not change when the models do."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import command

from flows.ledger.common import digest, document_key, row_key
from flows.ledger.engine import alembic_config, create_ledger_engine
from tests.ledger.builders import MODEL, SCHEMA, extraction, sha_of

THEN = "2024-01-01 12:00:00+00:00"
OLD_RUN = "old-run"
STATES = {"landed.pdf": "accepted", "waits.pdf": "review", "held.pdf": "processing", "new.pdf": "pending"}


def make_first_version(url: str) -> None:
    """Tables at version 0001 with a run of four documents: one landed, one in review, one held, one pending."""
    engine = create_ledger_engine(url)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        _insert(
            connection,
            "schemas",
            fingerprint=SCHEMA.fingerprint,
            name=SCHEMA.name,
            version=SCHEMA.version,
            json_schema=json.dumps(SCHEMA.json_schema),
            created_at=THEN,
        )
        _insert(
            connection,
            "runs",
            run_id=OLD_RUN,
            source="file:///in",
            schema_name=SCHEMA.name,
            fingerprint=SCHEMA.fingerprint,
            model=MODEL,
            parameters="{}",
            state="running",
            started_at=THEN,
        )
        for number, (name, state) in enumerate(STATES.items(), 1):
            _document(connection, number, name, state)
        _landed(connection)
    engine.dispose()


def _document(connection: sa.Connection, number: int, name: str, state: str) -> None:
    sha256, uri = sha_of(name), f"file:///in/{name}"
    document_id = document_key(sha256, SCHEMA.fingerprint, MODEL)
    through = state in ("accepted", "review")
    made = extraction(sha256, accepted=state == "accepted").model_dump(mode="json") if through else None
    _insert(
        connection,
        "documents",
        document_id=document_id,
        sha256=sha256,
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        model=MODEL,
        model_key=digest(MODEL),
        uri=uri,
        size=1,
        media_type="application/pdf",
        state=state,
        attempts=0 if state == "pending" else 1,
        token=0 if state == "pending" else 1,
        worker="" if state == "pending" else "host:1:thread",
        lease_until=THEN if state == "processing" else None,
        run_id=OLD_RUN,
        revision=0,
        extraction=json.dumps(made) if made else None,
        detail="",
        doubtful=0,
        page_count=1,
        seconds=1.5,
        search_text=uri,
        queued_at=THEN if state == "review" else None,
        created_at=THEN,
        updated_at=THEN,
    )
    _insert(
        connection,
        "inputs",
        input_id=number,
        key=digest("input", uri, "1", "", SCHEMA.fingerprint, MODEL),
        uri=uri,
        version="1",
        member="",
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        model=MODEL,
        sha256=sha256,
        size=1,
        media_type="application/pdf",
        document_id=document_id,
        primary_input=True,
        outcome=state if through else None,
        detail="",
        first_seen_run=OLD_RUN,
        last_seen_run=OLD_RUN,
        created_at=THEN,
        updated_at=THEN,
    )
    _insert(connection, "run_inputs", run_id=OLD_RUN, input_id=number)
    _insert(
        connection,
        "transitions",
        transition_id=number,
        at=THEN,
        document_id=document_id,
        to_state="pending",
        actor="intake",
        run_id=OLD_RUN,
        detail="",
    )


def _landed(connection: sa.Connection) -> None:
    sha256 = sha_of("landed.pdf")
    made = extraction(sha256).model_dump(mode="json")
    payload = {
        "row_key": row_key(sha256, SCHEMA.name),
        "version": 1,
        "supersedes": None,
        "valid_from": THEN,
        "landed_by": "model",
        "retracted": False,
        "document_sha256": sha256,
        "source_uri": "file:///in/landed.pdf",
        "model": MODEL,
        "schema_version": SCHEMA.version,
        "fingerprint": SCHEMA.fingerprint,
        "run_id": OLD_RUN,
        "data": made["data"],
        "evidence": made["fields"],
    }
    _insert(
        connection,
        "batches",
        batch_id="20240101T120000-old",
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        row_count=1,
        frozen_at=THEN,
        landed_at=THEN,
        path="/lake/bill/20240101T120000-old.parquet",
        file_sha256="0" * 64,
    )
    _insert(
        connection,
        "rows",
        row_id=1,
        row_key=payload["row_key"],
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        document_id=document_key(sha256, SCHEMA.fingerprint, MODEL),
        revision=0,
        retracted=False,
        landed_by="model",
        run_id=OLD_RUN,
        created_at=THEN,
        version=1,
        batch_id="20240101T120000-old",
        payload=json.dumps(payload),
    )


def _insert(connection: sa.Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)
    key = {"inputs": "input_id", "transitions": "transition_id", "rows": "row_id"}.get(table)
    if key and connection.dialect.name == "postgresql":  # numbers go on behind those given here
        connection.execute(
            sa.text(f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), {values[key]})")
        )
