"""Workers lost on a document are counted by themselves, steps keep their token, and runs have a lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change. Columns are added in place: a ledger of millions is not copied."""
    op.add_column("documents", sa.Column("lost_workers", sa.Integer(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("transitions", sa.Column("token", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
