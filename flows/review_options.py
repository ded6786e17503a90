"""What a user may set about review: who reaches the page, who signs in, what is looked at twice."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

DEFAULT_AUDIT_SHARE = 0.02
"""Of what lands under an error budget, so that there is a measured error rate to hold against it."""


class OidcOptions(BaseModel):
    """Single sign-on by OpenID Connect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(description="address of the provider, as in its discovery document")
    client_id: str = Field(min_length=1, description="id of this page at the provider")
    client_secret: SecretStr | None = Field(None, description="secret of this page at the provider")
    name: str = Field("single sign-on", description="what the button on the sign-in page says")
    new_role: Literal["reviewer", "auditor"] | None = Field(
        None, description="role of those who have no account yet; without it an admin must add them first"
    )

    @field_validator("issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or (parts.scheme != "https" and not (local and parts.scheme == "http")):
            raise ValueError("the issuer is an https address")
        return value.rstrip("/")


class ReviewOptions(BaseModel):
    """The review page and what it asks of reviewers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1", description="address to listen on; other than loopback only with accounts or sign-on"
    )
    url: str | None = Field(
        None,
        description="address by which people reach the page, when a proxy that ends TLS stands before it",
    )
    hold_minutes: float = Field(
        15,
        gt=0,
        le=24 * 60,
        description="a document opened is its reviewer's for so long after the last touch",
    )
    audit_share: float | None = Field(
        None, ge=0, le=1,
        description="share of accepted documents that a person looks at unmarked; default: 0.02 under an error"
        " budget, else none",
    )  # fmt: skip
    queue_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of queued documents marked as a uniform sample, for recalibration",
    )
    second_look_amount: float | None = Field(
        None, gt=0, description="documents of this amount or more need two reviewers"
    )
    second_look_share: float = Field(0.0, ge=0, le=1, description="share of all decisions that need two")
    oidc: OidcOptions | None = Field(None, description="single sign-on by OpenID Connect")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("write it like https://review.example.org, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _oidc_needs_url(self) -> ReviewOptions:
        if self.oidc is not None and self.url is None:
            raise ValueError("single sign-on needs review.url, where the provider sends people back to")
        return self

    def sampled(self, *, under_budget: bool) -> float:
        """The share of accepted documents that is looked at."""
        if self.audit_share is not None:
            return self.audit_share
        return DEFAULT_AUDIT_SHARE if under_budget else 0.0
