"""Alembic migrations, run by `flows.ledger.engine.migrate`; never by hand."""
