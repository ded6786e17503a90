"""Accounts of those who sign in to the review page, and what their roles may do."""

from __future__ import annotations

import datetime as dt
import unicodedata

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flows.ledger import trail
from flows.ledger.common import insert_new
from flows.ledger.models import Account
from flows.ledger.trust import AccountRecord, Role
from schemas.errors import UsageError

MAX_NAME_CHARS = 80


def account_key(name: str) -> str:
    """What tells two names apart: neither case nor compatible letters."""
    return unicodedata.normalize("NFKC", name).casefold().strip()[:320]


def add(
    session: Session,
    at: dt.datetime,
    actor: str,
    name: str,
    role: Role,
    password_hash: str | None,
    subject: str | None,
) -> AccountRecord:
    """See `Ledger.add_account`."""
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise UsageError(
            f"{name!r} is no name for an account.", remedy=f"Use 1 to {MAX_NAME_CHARS} printable characters."
        )
    new = insert_new(
        session,
        Account,
        key=account_key(name),
        name=name.strip(),
        role=role.value,
        password_hash=password_hash,
        subject=subject,
        active=True,
        epoch=0,
        created_at=at,
    )
    if not new:
        raise UsageError(f"There is an account {name!r} already.", remedy="Choose another name.")
    trail.append(session, at, actor, "account added", None, {"account": name.strip(), "role": role.value})
    return record(_existing(session, name))


def change(
    session: Session,
    at: dt.datetime,
    actor: str,
    name: str,
    *,
    role: Role | None = None,
    active: bool | None = None,
    password_hash: str | None = None,
) -> AccountRecord:
    """See `Ledger.change_account`."""
    trail.lock(session)  # two admins who take each other's role away wait for each other
    account = _existing(session, name)
    was = record(account)
    loses_admin = (
        was.role is Role.ADMIN and was.active and (active is False or role not in (None, Role.ADMIN))
    )
    if loses_admin and _active_admins(session) == 1:
        raise UsageError(
            f"{account.name} is the only admin who can sign in.", remedy="Make somebody else an admin first."
        )
    body: dict[str, object] = {"account": account.name}
    if role is not None and role is not was.role:
        account.role = role.value
        body["role"] = [was.role.value, role.value]
    if active is not None and active != was.active:
        account.active = active
        body["active"] = [was.active, active]
    if password_hash is not None:
        account.password_hash = password_hash
        body["password"] = "changed"
    if len(body) > 1:
        account.epoch += 1
        trail.append(session, at, actor, "account changed", None, body)
    session.flush()
    return record(account)


def link(session: Session, at: dt.datetime, actor: str, name: str, subject: str) -> AccountRecord:
    """See `Ledger.link_account`."""
    account = _existing(session, name)
    if account.subject is not None or by_subject(session, subject) is not None:
        raise UsageError(f"{account.name} signs in by somebody else's sign-on.", remedy="Ask an admin.")
    account.subject = subject
    trail.append(session, at, actor, "account linked", None, {"account": account.name, "subject": subject})
    session.flush()
    return record(account)


def rehash(session: Session, name: str, old_hash: str, new_hash: str) -> None:
    """Keeps the same password under today's parameters; sessions go on."""
    account = session.scalar(select(Account).where(Account.key == account_key(name)))
    if account is not None and account.password_hash == old_hash:
        account.password_hash = new_hash


def credentials(session: Session, name: str) -> tuple[AccountRecord, str | None] | None:
    """An account with the hash of its password, by name; ``None`` when there is none."""
    account = session.scalar(select(Account).where(Account.key == account_key(name)))
    return None if account is None else (record(account), account.password_hash)


def by_subject(session: Session, subject: str) -> AccountRecord | None:
    """The account of somebody whom a provider vouches for."""
    account = session.scalar(select(Account).where(Account.subject == subject))
    return None if account is None else record(account)


def by_id(session: Session, account_id: int) -> AccountRecord | None:
    """The account with that number."""
    account = session.get(Account, account_id)
    return None if account is None else record(account)


def every(session: Session) -> list[AccountRecord]:
    """All accounts, by name."""
    return [record(account) for account in session.scalars(select(Account).order_by(Account.key))]


def exist(session: Session) -> bool:
    """Whether anybody has an account: from then on the page asks to sign in."""
    return session.scalar(select(Account.account_id).limit(1)) is not None


def record(account: Account) -> AccountRecord:
    """An account in plain values, without its hash."""
    return AccountRecord(
        account_id=account.account_id,
        name=account.name,
        role=Role(account.role),
        active=account.active,
        epoch=account.epoch,
        created_at=account.created_at,
        has_password=account.password_hash is not None,
        subject=account.subject,
    )


def _existing(session: Session, name: str) -> Account:
    account = session.scalar(select(Account).where(Account.key == account_key(name)))
    if account is None:
        raise UsageError(f"There is no account {name!r}.", remedy="`parquetry people list` shows them.")
    return account


def _active_admins(session: Session) -> int:
    query = select(func.count()).select_from(Account).where(Account.role == Role.ADMIN, Account.active)
    return session.scalars(query).one()
