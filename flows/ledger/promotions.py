"""The pointer to the promoted model: its steps, the one in force, the way back. Each step is a line of the trail."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from flows.ledger import trail
from flows.ledger.models import BIG_ID, HASH, Base, JsonText, SafeText, UtcDateTime
from flows.ledger.records import PromotionRecord
from schemas.errors import UsageError


class Promotion(Base):
    """One step of the pointer that ``model = "promoted"`` follows, append-only: the last line is in force.

    ``before`` is the line that was in force until then; a line that rolls back says in ``restores`` which one it puts
    in force again, and has that one's ``before``, so that the next rollback goes further back. ``uri`` is where a
    machine without the model fetches it; ``evaluation`` what spoke for it.
    """

    __tablename__ = "promotions"

    number: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(SafeText)
    reason: Mapped[str] = mapped_column(SafeText)
    name: Mapped[str] = mapped_column(SafeText)
    revision: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[str] = mapped_column(HASH)
    model: Mapped[str] = mapped_column(SafeText)
    uri: Mapped[str] = mapped_column(SafeText)
    evaluation: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    before: Mapped[int | None] = mapped_column(BIG_ID, ForeignKey("promotions.number"))
    restores: Mapped[int | None] = mapped_column(BIG_ID, ForeignKey("promotions.number"))


def promoted(session: Session) -> PromotionRecord | None:
    """The step in force: the last."""
    found = session.scalar(select(Promotion).order_by(Promotion.number.desc()).limit(1))
    return None if found is None else _record(found)


def history(session: Session, limit: int) -> list[PromotionRecord]:
    """The last steps, the newest first."""
    found = session.scalars(select(Promotion).order_by(Promotion.number.desc()).limit(limit))
    return [_record(one) for one in found]


def last_of(session: Session, manifest: str) -> PromotionRecord | None:
    """The last step that put files of this hash in force."""
    query = select(Promotion).where(Promotion.manifest == manifest).order_by(Promotion.number.desc()).limit(1)
    found = session.scalar(query)
    return None if found is None else _record(found)


def promote(session: Session, at: dt.datetime, values: dict[str, Any]) -> PromotionRecord:
    """See `Ledger.promote_model`."""
    trail.lock(session)  # whoever promotes at the same time waits, and comes after
    now = promoted(session)
    return _add(session, at, "model promoted", values | {"before": now.number if now else None})


def rollback(session: Session, at: dt.datetime, actor: str, reason: str) -> PromotionRecord:
    """See `Ledger.rollback_model`."""
    trail.lock(session)
    now = promoted(session)
    if now is None:
        raise UsageError(
            "No model has been promoted yet.", remedy="`parquetry models promote NAME` promotes one."
        )
    target = session.get(Promotion, now.before) if now.before is not None else None
    if target is None:
        raise UsageError(
            f"Before {now.name} no model was promoted: there is nothing to go back to.",
            remedy='Promote another one, or set model = "embedded" in parquetry.toml.',
        )
    values = _record(target).model_dump(exclude={"number", "at", "restores"})
    restored = target.restores if target.restores is not None else target.number
    return _add(
        session, at, "model rolled back", values | {"actor": actor, "reason": reason, "restores": restored}
    )


def _add(session: Session, at: dt.datetime, action: str, values: dict[str, Any]) -> PromotionRecord:
    line = Promotion(at=at, **values)
    session.add(line)
    session.flush()
    session.refresh(line)  # as the database keeps it
    record = _record(line)
    kept = record.model_dump(mode="json", exclude={"at", "actor"})
    trail.append(session, at, record.actor, action, None, kept)
    return record


def _record(line: Promotion) -> PromotionRecord:
    return PromotionRecord.model_validate(line, from_attributes=True)
