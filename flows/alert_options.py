"""What a user may set about being told: limits that are watched, where messages go, who may ring the bell."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from flows.cron import cron_line

MIN_TOKEN_CHARS = 24
Channel = Literal["slack", "teams", "email", "webhook", "block"]


class AlertOptions(BaseModel):
    """What is watched, and who hears of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue_hours: float = Field(
        72.0, gt=0, description="a document that waits longer for a reviewer makes the queue stale"
    )
    drift_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="a reason whose share of a source's documents changes by so much has drifted",
    )
    review_seconds: float = Field(
        60.0, ge=1, le=3600, description="decisions of so many seconds are told as one event"
    )
    source_seconds: float = Field(
        60.0, ge=1, le=3600, description="notifications of a bucket within so many seconds are one event"
    )
    look_objects: int = Field(
        50_000, ge=1, description="watch_source looks at so many objects of a source, and no further"
    )
    check_schedule: str = Field(
        "7 * * * *", description="cron line of check_health, which measures all that; empty: no schedule"
    )
    look_schedule: str = Field(
        "", description="cron line of watch_source, for sources that cannot notify: '* * * * *'; empty: none"
    )
    channel: Channel | None = Field(
        None, description="where messages go: slack, teams, email, webhook, or block"
    )
    address: SecretStr | None = Field(
        None,
        description="of the channel; an incoming webhook, or mailtos://user:password@host?to=... for email",
    )
    token: SecretStr | None = Field(None, description="sent to a webhook as `Authorization: Bearer ...`")
    block: str | None = Field(
        None, description="for channel block: a notification block of your own in Prefect, as type-slug/name"
    )

    @field_validator("check_schedule", "look_schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        return cron_line(value, "7 * * * *")

    @field_validator("address")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and "://" not in value.get_secret_value():
            raise ValueError("it is no address with a scheme, such as https:// or mailtos://")
        return value

    @model_validator(mode="after")
    def _complete(self) -> AlertOptions:
        if self.channel == "block" and (self.block is None or self.block.count("/") != 1):
            raise ValueError("channel block needs alerts.block, as type-slug/name")
        if self.channel not in (None, "block"):
            if self.address is None:
                raise ValueError(f"channel {self.channel} needs alerts.address")
            scheme = urlsplit(self.address.get_secret_value()).scheme
            wanted = ("mailto", "mailtos") if self.channel == "email" else ("http", "https")
            if scheme not in wanted:
                raise ValueError(f"the address of channel {self.channel} begins with {wanted[-1]}://")
        return self


class HookOptions(BaseModel):
    """The endpoint for notifications of buckets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8585, ge=1, le=65535, description="port of the endpoint")
    token: SecretStr | None = Field(
        None,
        description=f"the secret that senders know, {MIN_TOKEN_CHARS} characters or more; without it, no endpoint",
    )
    per_minute: int = Field(600, ge=1, description="notifications that are taken in a minute; more get 429")

    @field_validator("token")
    @classmethod
    def _long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MIN_TOKEN_CHARS:
            raise ValueError(
                f"it has fewer than {MIN_TOKEN_CHARS} characters; `openssl rand -hex 24` makes one"
            )
        return value
