"""Counts that metrics are made of: figures at the step that made them, and sums over steps that are settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flows.ledger.models import JsonText

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change in place; steps of before have no figures of their own."""
    op.add_column("transitions", sa.Column("figures", JsonText(), nullable=True))
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("schema_name", sa.String(64), primary_key=True),
        sa.Column("label", sa.String(64), primary_key=True),
        sa.Column("value", sa.Float(), nullable=False),
    )


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
