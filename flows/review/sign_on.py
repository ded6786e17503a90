"""Single sign-on by OpenID Connect: the provider says who somebody is, an account here says what they may.

Authlib does the protocol (discovery, state, nonce, PKCE, signatures of the token); what is ours is which account it is.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any

from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from flows.ledger.store import Ledger
from flows.ledger.trust import AccountRecord, Role
from flows.review.security import clean_name
from flows.review.signing import signed_in
from flows.review.site import Site, local_path, site_of
from flows.review_options import OidcOptions
from schemas.errors import UsageError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
STATE_COOKIE, STATE_SECONDS = "parquetry_sign_on", 600
_TARGET = "parquetry_target"
log = logging.getLogger(__name__)


class SignOnError(UsageError):
    """The provider vouches for nobody whom we let in."""


def client_of(options: OidcOptions) -> Any:
    """The provider, by its discovery document; nothing is fetched before somebody signs in."""
    oauth = OAuth()
    oauth.register(
        "provider",
        server_metadata_url=f"{options.issuer}/.well-known/openid-configuration",
        client_id=options.client_id,
        client_secret=options.client_secret.get_secret_value() if options.client_secret else None,
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256"},
    )
    return oauth.provider


@router.get("/sign-in/sso")
async def begin(request: Request, site: SiteParts) -> Response:
    """Sends the browser to the provider."""
    if site.sign_on is None:
        return RedirectResponse("/sign-in", 303)
    request.session[_TARGET] = local_path(request.query_params.get("next", "/"))
    try:
        response: Response = await site.sign_on.authorize_redirect(
            request, f"{site.options.url}/sign-in/callback"
        )
    except Exception as error:  # Authlib takes whichever HTTP client it finds, and each has errors of its own
        log.error("single sign-on: %s", error)
        raise SignOnError(
            "The sign-on provider cannot be reached.", remedy="Try again later, or sign in with a password."
        ) from error
    return response


@router.get("/sign-in/callback")
async def end(request: Request, site: SiteParts) -> Response:
    """Takes what the provider says, and signs the account in that it is."""
    if site.sign_on is None or site.options.oidc is None:
        return RedirectResponse("/sign-in", 303)
    target = local_path(str(request.session.pop(_TARGET, "/")))
    try:
        said = (await site.sign_on.authorize_access_token(request)).get("userinfo") or {}
    except Exception as error:  # whatever is wrong with what came back: it lets nobody in
        log.warning("single sign-on was refused: %s", error)
        raise SignOnError(
            "The sign-on was not completed.", remedy="Begin again from the sign-in page."
        ) from error
    account = await run_in_threadpool(account_of, site.ledger, site.options.oidc, said)
    await run_in_threadpool(site.ledger.note, account.name, "signed in", by="single sign-on")
    request.session.clear()
    return signed_in(request, site, account, target)


def account_of(ledger: Ledger, options: OidcOptions, said: dict[str, Any]) -> AccountRecord:
    """The account of somebody for whom the provider vouches.

    Known by issuer and subject; the first time by a *verified* e-mail address that is the name of an account without
    another subject; else made anew, if newcomers get a role.

    Raises:
        SignOnError: it is none of these, or closed.
    """
    issuer, subject = str(said.get("iss", "")).rstrip("/"), str(said.get("sub", ""))
    if not subject or issuer != options.issuer:
        raise SignOnError("The provider did not say who you are.", remedy="Ask an admin.")
    key = f"{issuer}#{subject}"
    account = ledger.account_of_subject(key)
    email = str(said.get("email", "")) if said.get("email_verified") is True else ""
    if account is None and email:
        found = ledger.credentials(email)
        if found is not None and found[0].subject is None and found[0].active:
            account = ledger.link_account(found[0].name, key, actor=found[0].name)
    if account is None and options.new_role is not None:
        name = clean_name(email or str(said.get("preferred_username") or said.get("name") or subject))
        account = ledger.add_account(name, Role(options.new_role), actor="single sign-on", subject=key)
    if account is None or not account.active:
        raise SignOnError("You have no account here.", remedy="Ask an admin to add your e-mail address.")
    return account
