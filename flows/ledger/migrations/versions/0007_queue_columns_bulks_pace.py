"""What the queue is filtered and sorted by, how long looks take, decoys of blind samples, accepting many at once.

Old ledgers get the folders of what waits, from the URIs alone; amounts and values of a look need the extraction, and
come with the next one. Until then such a document has no amount and is the last by value.
"""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa
from alembic import op

from flows.ledger.models import SEARCH_INDEX, SOURCE, JsonText, SafeText, UtcDateTime
from flows.ledger.worth import source_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ORDERS = {
    "rank": ["review_rank", "queued_at", "document_id"],
    "schema": ["schema_name", "queued_at", "document_id"],
    "source": ["source", "queued_at", "document_id"],
    "amount": ["amount", "schema_name", "document_id"],
    "look": ["second_look", "queued_at", "document_id"],
    "facets": ["schema_name", "source"],
}
_AT_ONCE = 1000


def upgrade() -> None:
    """Applies the change in place: a ledger of millions is not copied."""
    op.add_column("documents", sa.Column("source", SOURCE, nullable=True))
    op.add_column("documents", sa.Column("amount", sa.Float(), nullable=True))
    op.add_column("documents", sa.Column("review_rank", sa.Float(), nullable=False, server_default="0"))
    op.add_column(
        "document_reasons", sa.Column("decoy", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("decisions", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("decisions", sa.Column("queued", sa.Boolean(), nullable=True))
    op.add_column("decisions", sa.Column("bulk_id", sa.String(32), nullable=True))
    op.add_column("samples", sa.Column("decoy", JsonText(), nullable=True))
    op.create_table(
        "review_pace",
        sa.Column("schema_name", sa.String(64), primary_key=True),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
    )
    op.create_table(
        "bulks",
        sa.Column("bulk_id", sa.String(32), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reviewer", SafeText(), nullable=False),
        sa.Column("wanted", JsonText(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("sampled", sa.Integer(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "bulk_items",
        sa.Column("bulk_id", sa.String(32), sa.ForeignKey("bulks.bulk_id"), primary_key=True),
        sa.Column("document_id", sa.String(64), sa.ForeignKey("documents.document_id"), primary_key=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=True),
        sa.Column("detail", SafeText(), nullable=False),
    )
    _fill_sources()
    op.create_index("ix_decisions_at", "decisions", ["at"])
    op.create_index("ix_documents_created_at", "documents", ["created_at", "state"])
    op.create_index("ix_documents_queued_at", "documents", ["queued_at"])
    for name, columns in _ORDERS.items():
        op.create_index(
            f"ix_documents_by_{name}",
            "documents",
            columns,
            postgresql_where=sa.text("waiting IS true"),
            sqlite_where=sa.text("waiting IS 1"),
        )
    _index_search()


def _index_search() -> None:
    """Lets PostgreSQL find a text amid others by an index, if its extension for that may be had."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    with suppress(sa.exc.DBAPIError), connection.begin_nested():
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        connection.execute(
            sa.text(
                f"CREATE INDEX {SEARCH_INDEX} ON documents USING gin (search_text gin_trgm_ops)"
                " WHERE waiting IS true"
            )
        )


def _fill_sources() -> None:
    """The folders of what waits, some documents at a time; the others are in no list that shows them."""
    connection = op.get_bind()
    documents = sa.table(
        "documents",
        sa.column("document_id", sa.String),
        sa.column("uri", SafeText()),
        sa.column("waiting", sa.Boolean),
        sa.column("source", SOURCE),
    )
    after = ""
    while rows := connection.execute(
        sa.select(documents.c.document_id, documents.c.uri)
        .where(documents.c.waiting.is_(True), documents.c.document_id > after)
        .order_by(documents.c.document_id)
        .limit(_AT_ONCE)
    ).all():
        connection.execute(
            sa.update(documents)
            .where(documents.c.document_id == sa.bindparam("of"))
            .values(source=sa.bindparam("folder")),
            [{"of": row.document_id, "folder": source_of(row.uri)} for row in rows],
        )
        after = rows[-1].document_id


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
