"""Signing in and out, and one's own password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from flows.ledger.trust import AccountRecord, Right
from flows.review.people import Person, known, wants
from flows.review.security import Session
from flows.review.site import Site, local_path, signed_form, site_of
from schemas.errors import UsageError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
SignedForm = Annotated[FormData, Depends(signed_form)]
Somebody = Annotated[Person, Depends(wants(Right.READ))]
_WRONG = "Name or password is wrong, or the account is closed."
_TOO_MANY = "Too many attempts. Wait a minute, then try again."


@router.get("/who")
def ask_name(request: Request, site: SiteParts) -> Response:
    """Without accounts: asks who the reviewer is, and gives the browser its session."""
    if site.people.needed():
        return RedirectResponse("/sign-in", 303)
    session = site.sessions.read(request) or Session.new()
    return _name_form(request, site, session, request.query_params.get("next", "/"), session.reviewer)


@router.post("/who")
async def take_name(request: Request, site: SiteParts, form: SignedForm) -> Response:
    """Keeps the reviewer's name."""
    if await run_in_threadpool(site.people.needed):
        return RedirectResponse("/sign-in", 303)
    session = site.sessions.read(request) or Session.new()
    target = local_path(str(form.get("next", "/")))
    named = site.sessions.named(session, str(form.get("name", "")))
    if not named.reviewer:
        return _name_form(request, site, session, target, "", error="Type a name.")
    response = RedirectResponse(target, 303)
    site.sessions.write(response, named, secure=site.secure(request))
    return response


@router.get("/sign-in")
def ask_sign_in(request: Request, site: SiteParts) -> Response:
    """The sign-in form."""
    if not site.people.needed():
        return RedirectResponse("/who", 303)
    target = local_path(request.query_params.get("next", "/"))
    if known(request) is not None:
        return RedirectResponse(target, 303)
    return _sign_in_form(request, site, target)


@router.post("/sign-in")
async def sign_in(request: Request, site: SiteParts, form: SignedForm) -> Response:
    """Checks name and password. The session's key is new then: whatever was planted before is worth nothing."""
    return await run_in_threadpool(_sign_in, request, site, form)


def _sign_in(request: Request, site: Site, form: FormData) -> Response:
    name, password = str(form.get("name", ""))[:320].strip(), str(form.get("password", ""))
    target = local_path(str(form.get("next", "/")))
    address = request.client.host if request.client is not None else ""
    if not site.attempts.allowed(name, address):
        response = _sign_in_form(request, site, target, name, _TOO_MANY, status=429)
        response.headers["Retry-After"] = "60"
        return response
    found = site.ledger.credentials(name)
    account, kept = found if found is not None else (None, None)
    if not site.passwords.fits(kept, password) or account is None or not account.active:
        return _sign_in_form(request, site, target, name, _WRONG, status=401)
    site.attempts.forget(name)
    if kept is not None and site.passwords.outdated(kept):
        site.ledger.rehash_password(name, kept, site.passwords.hash(password, account.name))
    site.ledger.note(account.name, "signed in", by="password")
    return signed_in(request, site, account, target)


def signed_in(request: Request, site: Site, account: AccountRecord, target: str) -> Response:
    """The way on for somebody who has just shown who they are."""
    fresh = Session.new()
    session = Session(fresh.key, account.name, account.account_id, account.epoch)
    response = RedirectResponse(target, 303)
    site.sessions.write(response, session, secure=site.secure(request))
    return response


@router.post("/sign-out")
async def sign_out(request: Request, site: SiteParts, form: SignedForm) -> Response:
    """Forgets who sits at this browser."""
    response = RedirectResponse("/sign-in" if await run_in_threadpool(site.people.needed) else "/who", 303)
    site.sessions.write(response, Session.new(), secure=site.secure(request))
    return response


@router.get("/account")
def account(request: Request, site: SiteParts, person: Somebody) -> Response:
    """One's own account."""
    return _account_page(request, site, person)


@router.post("/account")
async def change_password(request: Request, site: SiteParts, person: Somebody, form: SignedForm) -> Response:
    """Changes one's own password; all other browsers are signed out."""
    return await run_in_threadpool(_change_password, request, site, person, form)


def _change_password(request: Request, site: Site, person: Person, form: FormData) -> Response:
    address = request.client.host if request.client is not None else ""
    found = site.ledger.credentials(person.name) if person.account is not None else None
    if found is None or found[1] is None:
        return _account_page(request, site, person, error="This account has no password here.", status=422)
    if not site.attempts.allowed(person.name, address):
        return _account_page(request, site, person, error=_TOO_MANY, status=429)
    if not site.passwords.fits(found[1], str(form.get("password", ""))):
        return _account_page(request, site, person, error="The present password is another.", status=422)
    if form.get("new") != form.get("again"):
        return _account_page(request, site, person, error="The new passwords differ.", status=422)
    try:
        kept = site.passwords.hash(str(form.get("new", "")), person.name)
    except UsageError as error:
        return _account_page(request, site, person, error=f"{error} {error.remedy}", status=422)
    changed = site.ledger.change_account(person.name, actor=person.name, password_hash=kept)
    site.attempts.forget(person.name)
    return signed_in(request, site, changed, "/account?done=password")


def _account_page(
    request: Request, site: Site, person: Person, *, error: str = "", status: int = 200
) -> Response:
    notice = "Your password is changed." if request.query_params.get("done") == "password" else ""
    return site.render(
        request,
        "account.html",
        status=status,
        error=error,
        notice="" if error else notice,
        account=person.account,
    )


def _sign_in_form(
    request: Request, site: Site, target: str, name: str = "", error: str = "", *, status: int = 200
) -> Response:
    session = site.sessions.read(request) or Session.new()
    response = site.render(
        request,
        "sign_in.html",
        status=status,
        token=site.sessions.token(session),
        next=target,
        name=name,
        error=error,
        sign_on=site.options.oidc.name if site.options.oidc is not None else "",
    )
    site.sessions.write(response, session, secure=site.secure(request))
    return response


def _name_form(
    request: Request, site: Site, session: Session, target: str, name: str, error: str = ""
) -> Response:
    response = site.render(
        request,
        "who.html",
        status=422 if error else 200,
        token=site.sessions.token(session),
        next=local_path(target),
        name=name,
        error=error,
    )
    site.sessions.write(response, session, secure=site.secure(request))
    return response
