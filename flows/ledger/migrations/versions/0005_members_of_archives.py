"""What lies in an archive refers to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change in place: a ledger of millions is not copied."""
    column = sa.Column("archive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    if op.get_bind().dialect.name == "sqlite":
        # The one way to add a foreign key without copying the table.
        op.execute("ALTER TABLE inputs ADD COLUMN archive_id INTEGER REFERENCES inputs (input_id)")
    else:
        op.add_column("inputs", column)
        op.create_foreign_key("fk_inputs_archive_id_inputs", "inputs", "inputs", ["archive_id"], ["input_id"])
    op.create_index("ix_inputs_archive_id_outcome", "inputs", ["archive_id", "outcome"])


def downgrade() -> None:
    """Ledgers are not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
