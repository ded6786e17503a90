"""Who is asking, and what they may: the account of a session, or whoever typed a name while there are no accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from flows.ledger.store import Ledger
from flows.ledger.trust import RIGHTS, AccountRecord, Right, Role
from flows.review.security import Session, Sessions

_WITHOUT_ACCOUNTS = RIGHTS[Role.ADMIN] - {Right.PEOPLE}


class NameNeededError(Exception):
    """There are no accounts, and this browser has not said who its reviewer is."""


class SignInNeededError(Exception):
    """There are accounts, and this browser is signed in to none that is still in force."""


class RightNeededError(Exception):
    """Whoever asks may not do that."""

    def __init__(self, right: Right) -> None:
        super().__init__(right)
        self.right = right


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``account`` is ``None`` while there are no accounts: then all may do all but let people in."""

    name: str
    account: AccountRecord | None = None

    def may(self, right: Right) -> bool:
        """Whether they have a right."""
        return self.account.may(right) if self.account is not None else right in _WITHOUT_ACCOUNTS

    @property
    def role(self) -> str:
        """Their role in a word; empty without accounts."""
        return self.account.role.value if self.account is not None else ""


class People:
    """Finds out who asks; each request asks the ledger anew, so that who was shut out is out at once."""

    def __init__(self, ledger: Ledger, sessions: Sessions, *, sign_on: bool = False) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._sign_on = sign_on
        self._any = False  # once there are accounts, there always are

    def needed(self) -> bool:
        """Whether people must sign in."""
        self._any = self._any or self._sign_on or self._ledger.has_accounts()
        return self._any

    def find(self, request: Request) -> Person | None:
        """Who asks, if anybody that we know."""
        session = self._sessions.read(request)
        if not self.needed():
            return Person(session.reviewer) if session is not None and session.reviewer else None
        claimed = self._sessions.bearer_of(request) or _of(session)
        account = self._ledger.account(claimed[0]) if claimed is not None else None
        if account is None or claimed is None or not account.active or account.epoch != claimed[1]:
            return None
        return Person(account.name, account)


def _of(session: Session | None) -> tuple[int, int] | None:
    return (session.account, session.epoch) if session is not None and session.account else None


def known(request: Request) -> Person | None:
    """Who asks, as found once for this request."""
    if not hasattr(request.state, "person"):
        people: People = request.app.state.site.people
        request.state.person = people.find(request)
    found: Person | None = request.state.person
    return found


def wants(right: Right) -> Callable[[Request], object]:
    """Dependency: the person who asks, if they have a right.

    The dependency raises:
        NameNeededError, SignInNeededError: nobody is signed in.
        RightNeededError: somebody is, who may not.
    """

    async def person(request: Request) -> Person:
        found = await run_in_threadpool(known, request)
        if found is None:
            people: People = request.app.state.site.people
            raise SignInNeededError if await run_in_threadpool(people.needed) else NameNeededError
        if not found.may(right):
            raise RightNeededError(right)
        return found

    return person
