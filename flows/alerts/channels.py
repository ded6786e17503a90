"""Where messages go, as a notification block of Prefect: it holds the address, encrypted; no file does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flows.alert_options import AlertOptions
from schemas.errors import UsageError

if TYPE_CHECKING:
    from prefect.blocks.abstract import NotificationBlock
    from prefect.client.orchestration import SyncPrefectClient

BLOCK_NAME = "parquetry-alerts"


def notification_block(options: AlertOptions) -> NotificationBlock | None:
    """The block that the settings describe; ``None`` when they name none, or one that the user made.

    Raises:
        UsageError: the address is none that the channel takes.
    """
    from prefect.blocks.notifications import (
        CustomWebhookNotificationBlock,
        MicrosoftTeamsWebhook,
        SlackWebhook,
    )

    if options.channel in (None, "block") or options.address is None:
        return None
    try:
        if options.channel == "teams":
            return MicrosoftTeamsWebhook(url=options.address)
        if options.channel == "webhook":
            return CustomWebhookNotificationBlock(**_webhook(options, options.address.get_secret_value()))
        # Prefect has no block for SMTP. This one hands each address that is no Slack webhook to Apprise as it is,
        # which knows mailtos://, and every Prefect server knows the block.
        block = SlackWebhook(url=options.address)
    except (ValueError, KeyError):
        block = None
    if block is None or not len(block._apprise_client):
        raise UsageError(
            f"The address of the channel {options.channel} is none that can be sent to.",
            remedy="See docs/alerts.md for what it looks like.",
        ) from None
    return block


def _webhook(options: AlertOptions, address: str) -> dict[str, Any]:
    """Address and token are secrets of the block, put in when it is used."""
    secrets = {"address": address}
    headers = None
    if options.token is not None:
        secrets["token"] = options.token.get_secret_value()
        headers = {"Authorization": "Bearer {{token}}"}
    return {
        "name": BLOCK_NAME,
        "url": "{{address}}",
        "headers": headers,
        "json_data": {"subject": "{{subject}}", "text": "{{body}}"},
        "secrets": secrets,
    }


def saved_block(options: AlertOptions, client: SyncPrefectClient) -> UUID | None:
    """The id of the block that automations send to, made or brought up to date; ``None`` without a channel.

    Raises:
        UsageError: the user's own block is not there.
    """
    if options.channel == "block" and options.block is not None:
        slug, _, name = options.block.partition("/")
        return _existing(client, slug, name)
    block = notification_block(options)
    if block is None:
        return None
    saved = block.save(BLOCK_NAME, overwrite=True)
    assert isinstance(saved, UUID)
    return saved


def _existing(client: SyncPrefectClient, slug: str, name: str) -> UUID:
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_block_document_by_name(name, slug, include_secrets=False).id
    except ObjectNotFound as error:
        raise UsageError(
            f"Prefect has no block {slug}/{name}.",
            remedy="Make it in the UI under Blocks, or correct alerts.block.",
        ) from error
