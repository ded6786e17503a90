"""Who asks, and what they may: the one place where the pages of the desk learn it."""

from __future__ import annotations

from fastapi import Request

from flows.ledger.people import Right
from flows.ledger.records import DocumentRecord, SecondLook
from flows.review.site import Site, reviewer_of


class NotAllowedError(Exception):
    """The account has no right to what was asked."""


def acting(request: Request) -> str:
    """The name that goes with what is done. Raises `NameNeededError` when nobody has signed in."""
    return reviewer_of(request).reviewer


def may(request: Request, right: Right) -> bool:
    """Whether who asks has a right. Without accounts everybody may everything."""
    return True


def second_for(site: Site, record: DocumentRecord) -> SecondLook | None:
    """Why somebody else must look as well before a decision counts; without such rules nobody must."""
    return None
