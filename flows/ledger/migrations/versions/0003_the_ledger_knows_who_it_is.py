"""The ledger knows who it is, so that files in a lake can say whose they are."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    table = op.create_table(
        "identity",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_identity")),
    )
    op.bulk_insert(table, [{"name": "ledger", "value": uuid.uuid4().hex}])


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
