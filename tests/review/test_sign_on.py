"""Single sign-on against a real provider: who it vouches for, which account that is, and what is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import oidc_provider_mock
import pytest
import uvicorn

from flows.ledger.people import Role
from flows.review.sign_on import SignOnError, account_of
from flows.review_options import OidcOptions, ReviewOptions
from tests.review.support import Desk, desk

PAGE = "http://127.0.0.1:8484"


@pytest.fixture
def provider() -> Iterator[str]:
    """A provider on a real port, which knows three people."""
    users = [
        oidc_provider_mock.User(sub="1", claims={"email": "ada@example.org", "email_verified": True}),
        oidc_provider_mock.User(sub="2", claims={"email": "ada@example.org", "email_verified": False}),
        oidc_provider_mock.User(sub="3", claims={"email": "cy@example.org", "email_verified": True}),
    ]
    with oidc_provider_mock.run_server_in_thread(
        user_claims=users, require_client_registration=False, require_nonce=True
    ) as server:
        yield f"http://localhost:{server.server_port}"
