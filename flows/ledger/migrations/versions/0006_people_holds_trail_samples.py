"""Accounts of reviewers, who holds which document, second looks, samples, and the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flows.ledger.models import SafeText, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Applies the change in place: a ledger of millions is not copied."""
    op.create_table(
        "accounts",
        sa.Column("account_id", BIG_ID, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(320), nullable=False, unique=True),
        sa.Column("name", SafeText(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("subject", sa.String(600), nullable=True, unique=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "holds",
        sa.Column("document_id", sa.String(64), sa.ForeignKey("documents.document_id"), primary_key=True),
        sa.Column("reviewer", SafeText(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("note", SafeText(), nullable=False),
    )
    op.create_index("ix_holds_until", "holds", ["until"])
    op.create_table(
        "trail",
        sa.Column("number", BIG_ID, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", SafeText(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("document_id", sa.String(64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("before", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("ix_trail_document_id", "trail", ["document_id"])
    op.create_table(
        "samples",
        sa.Column("document_id", sa.String(64), sa.ForeignKey("documents.document_id"), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("schema_name", sa.String(64), nullable=False),
        sa.Column("chance", sa.Float(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("reviewer", SafeText(), nullable=False),
        sa.Column("fields", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
    )
    op.create_index("ix_samples_kind_closed_at", "samples", ["kind", "closed_at"])
    op.add_column("documents", sa.Column("waiting", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("documents", sa.Column("second_look", sa.String(32), nullable=True))
    op.add_column(
        "decisions", sa.Column("stage", sa.String(16), nullable=False, server_default=sa.text("'final'"))
    )
    op.execute("UPDATE documents SET waiting = (state = 'review')")
    op.create_index("ix_documents_waiting", "documents", ["waiting", "queued_at", "document_id"])
    op.drop_index("ix_documents_queue", "documents")


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
