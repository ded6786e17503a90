"""Tables of earlier versions, with data in them, brought to today's; on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from flows.ledger.common import document_key
from flows.ledger.engine import alembic_config, create_ledger_engine, migrate
from flows.ledger.records import DocumentState
from flows.ledger.store import Ledger
from tests.ledger.builders import MODEL, SCHEMA, add, claim, extraction, sha_of, start
from tests.ledger.old_tables import OLD_RUN, STATES, make_first_version


def test_migrations_make_exactly_the_tables_of_the_models(empty_url: str) -> None:
    engine = create_ledger_engine(empty_url)
    migrate(engine)
    with engine.begin() as connection:
        command.check(alembic_config(connection))
    engine.dispose()


def test_an_upgrade_makes_exactly_the_tables_of_the_models(empty_url: str) -> None:
    make_first_version(empty_url)
    engine = create_ledger_engine(empty_url)
    migrate(engine)
    with engine.begin() as connection:
        command.check(alembic_config(connection))
    engine.dispose()


def test_a_ledger_of_the_first_version_goes_on_where_it_was(empty_url: str) -> None:
    make_first_version(empty_url)
    with Ledger.open(empty_url) as ledger:
        ids = {name: document_key(sha_of(name), SCHEMA.fingerprint, MODEL) for name in STATES}
        for name, state in STATES.items():
            record = ledger.document(ids[name])
            assert (record.state, len(record.inputs), len(record.transitions)) == (state, 1, 1)
        assert ledger.run(OLD_RUN).state == "running"
        status = ledger.status()
        assert (status.inputs, status.landed_rows, status.rows_to_land, status.queue) == (4, 1, 0, 1)
        assert ledger.document(ids["landed.pdf"]).landed_versions == [1]

        run = start(ledger, "new-run")
        for name in (*STATES, "later.pdf"):
            assert add(ledger, run, name).new == (name == "later.pdf")
        taken = claim(ledger, run)
        assert [c.uri.rsplit("/", 1)[-1] for c in taken] == ["held.pdf", "new.pdf", "later.pdf"]
        assert [c.attempts for c in taken] == [2, 1, 1]
        for claimed in taken:
            ledger.record_extraction(claimed.document_id, claimed.token, extraction(claimed.sha256))
        ledger.check_conservation(run)
        (batch,) = ledger.freeze_batch("bill")
        assert {row.version for row in batch.rows} == {1} and len(batch.rows) == 3

        ledger.decide(
            ids["landed.pdf"],
            reviewer="ada",
            action="reject",
            data=None,
            fields=None,
            changes=[],
            comment="",
            expected_version=0,
        )
        (batch,) = ledger.freeze_batch("bill")
        assert [(row.version, row.supersedes, row.retracted) for row in batch.rows] == [(2, 1, True)]
        assert ledger.document(ids["landed.pdf"]).state is DocumentState.REJECTED


def test_an_upgrade_that_fails_leaves_everything_as_it_was(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first_version(empty_url)
    engine = create_ledger_engine(empty_url)
    with engine.begin() as connection:
        head = ScriptDirectory.from_config(alembic_config(connection)).get_current_head()

    real = command.upgrade

    def broken(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        raise sa.exc.OperationalError("ALTER TABLE", None, Exception("disk is full"))

    with monkeypatch.context() as patch, pytest.raises(Exception, match="disk is full"):
        patch.setattr(command, "upgrade", broken)
        migrate(engine)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        assert connection.execute(sa.text("SELECT count(*) FROM documents")).scalar() == len(STATES)
        assert "lost_workers" not in {c["name"] for c in sa.inspect(connection).get_columns("documents")}
    migrate(engine)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == head
    engine.dispose()
