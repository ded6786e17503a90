"""Who may sign in: the page of an admin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from flows.ledger.trust import Right, Role
from flows.review.people import Person, wants
from flows.review.security import clean_name
from flows.review.site import Site, signed_form, site_of
from schemas.errors import UsageError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
SignedForm = Annotated[FormData, Depends(signed_form)]
Admin = Annotated[Person, Depends(wants(Right.PEOPLE))]

ROLE_WORDS = {
    Role.REVIEWER: "sees the queue, corrects and decides",
    Role.SENIOR: "also settles disagreements, takes over, accepts many at once",
    Role.AUDITOR: "sees everything and the audit trail, changes nothing",
    Role.ADMIN: "all of it, and who may sign in",
}


@router.get("/people")
def people(request: Request, site: SiteParts, admin: Admin) -> Response:
    """All accounts."""
    return _page(request, site)


@router.post("/people")
async def change_people(request: Request, site: SiteParts, admin: Admin, form: SignedForm) -> Response:
    """Adds somebody, or changes role, activity or password of one."""
    return await run_in_threadpool(_change, request, site, admin, form)


def _change(request: Request, site: Site, admin: Person, form: FormData) -> Response:
    action, name = str(form.get("action", "")), clean_name(str(form.get("name", "")))
    invented = ""
    try:
        match action:
            case "add":
                role = Role(str(form.get("role", "")))
                invented = site.passwords.invented()
                kept = site.passwords.hash(invented, name)
                site.ledger.add_account(name, role, actor=admin.name, password_hash=kept)
            case "role":
                role = Role(str(form.get("role", "")))
                site.ledger.change_account(name, actor=admin.name, role=role)
            case "close" | "open":
                site.ledger.change_account(name, actor=admin.name, active=action == "open")
            case "password":
                invented = site.passwords.invented()
                kept = site.passwords.hash(invented, name)
                site.ledger.change_account(name, actor=admin.name, password_hash=kept)
            case _:
                return _page(request, site, error="This form is none of this page.", status=422)
    except UsageError as error:
        return _page(request, site, error=f"{error} {error.remedy}", status=422)
    except ValueError:
        return _page(request, site, error="There is no such role.", status=422)
    if invented:  # shown once, so it is no redirect: the address bar and the history must not hold it
        return _page(request, site, invented=(name, invented))
    return RedirectResponse("/people", 303)


def _page(
    request: Request,
    site: Site,
    *,
    error: str = "",
    invented: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    return site.render(
        request,
        "people.html",
        status=status,
        accounts=site.ledger.accounts(),
        roles=[(role.value, words) for role, words in ROLE_WORDS.items()],
        error=error,
        invented=invented,
    )
