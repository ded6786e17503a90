"""Which model is promoted, by whom and why; which weights a run used. Runs from before have no such record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flows.ledger.models import BIG_ID, HASH, JsonText, SafeText, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change in place."""
    op.add_column("runs", sa.Column("model_name", SafeText(), nullable=True))
    op.add_column("runs", sa.Column("model_revision", sa.String(64), nullable=True))
    op.add_column("runs", sa.Column("model_manifest", HASH, nullable=True))
    op.create_table(
        "promotions",
        sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", SafeText(), nullable=False),
        sa.Column("reason", SafeText(), nullable=False),
        sa.Column("name", SafeText(), nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("manifest", HASH, nullable=False),
        sa.Column("model", SafeText(), nullable=False),
        sa.Column("uri", SafeText(), nullable=False),
        sa.Column("evaluation", JsonText(), nullable=True),
        sa.Column("before", BIG_ID, sa.ForeignKey("promotions.number"), nullable=True),
        sa.Column("restores", BIG_ID, sa.ForeignKey("promotions.number"), nullable=True),
    )


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
