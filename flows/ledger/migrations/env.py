"""What Alembic runs: upgrades on the connection, and in the transaction, that the ledger has opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from flows.ledger import promotions  # noqa: F401  its table is among the others
from flows.ledger.models import SEARCH_INDEX, Base


def _plain(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Migrations name the database's own types: the classes of the models may change later."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The index of the search is there where PostgreSQL has what it takes; the models do not ask for it."""
    return not (kind == "index" and name == SEARCH_INDEX)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_plain,
    include_name=_ours,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
