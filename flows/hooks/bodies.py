"""Which objects a notification names. Nothing in it is believed but that: not its sender, time, size or links.

Understood are notifications of S3 and of what speaks like it (MinIO, Ceph, ...), bare, from EventBridge, or in SNS's
envelope; pushes of Google Cloud Pub/Sub about Cloud Storage; and ``{"uris": [...]}`` of programs of one's own.
Whatever else comes names nothing. A URI counts when it lies in the configured source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from flows.skipped import is_path_skipped
from flows.sources.uris import public_uri

MAX_BYTES = 512 << 10
"""SNS and EventBridge send at most 256 KB."""
MAX_OBJECTS = 1000
_MAX_DEPTH = 3
_MAX_URI = 2048
_SAME_SCHEME = {"s3a": "s3", "gcs": "gs"}


class NoJsonError(ValueError):
    """The body is no JSON."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """SNS asks whether its messages are wanted; a person answers, with the topic and the token."""

    topic: str
    token: str


def parse(body: bytes) -> Any:
    """The JSON of a body.

    Raises:
        NoJsonError: it is none, or nested too deeply.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoJsonError from error


def uris_in(data: Any, source: str) -> list[str]:
    """The new objects within ``source`` that a notification names, each once, `MAX_OBJECTS` at most."""
    found = dict.fromkeys(uri for uri in _uris(data, _MAX_DEPTH) if is_within(uri, source))
    return list(found)[:MAX_OBJECTS]


def confirmation_in(data: Any) -> Confirmation | None:
    """What SNS asks when a subscription is made."""
    if _dict(data).get("Type") != "SubscriptionConfirmation":
        return None
    topic, token = _text(data, "TopicArn"), _text(data, "Token")
    fine = topic.startswith("arn:") and all(
        c.isascii() and (c.isalnum() or c in "-_:.") for c in topic + token
    )
    return Confirmation(topic, token) if fine and 0 < len(token) <= 512 and len(topic) <= 512 else None


def is_within(uri: str, source: str) -> bool:
    """Whether an object is what a source names, or lies below it. No way leads up and out."""
    if len(uri) > _MAX_URI or not uri.isprintable():
        return False
    scheme, _, path = uri.partition("://")
    base_scheme, _, base = public_uri(source).partition("://")
    if _plain(scheme) != _plain(base_scheme) or not base:
        return False
    base = base.rstrip("/")
    if path == base:
        return "/" in base  # an object; a bucket alone is none
    inside = path.removeprefix(base + "/")
    if inside == path or not inside or inside.endswith("/"):  # the last: a folder's own marker
        return False
    return ".." not in inside.split("/") and not is_path_skipped(inside)


def _plain(scheme: str) -> str:
    return _SAME_SCHEME.get(scheme.lower(), scheme.lower())


def _uris(data: Any, depth: int) -> list[str]:
    if depth < 0:
        return []
    body = _dict(data)
    if isinstance(body.get("Records"), list):
        return [uri for record in body["Records"][:MAX_OBJECTS] for uri in _of_record(_dict(record))]
    if body.get("Type") == "Notification":  # SNS: the message is JSON in a string
        try:
            return _uris(parse(_text(body, "Message").encode("utf-8", "surrogatepass")), depth - 1)
        except NoJsonError:
            return []
    if body.get("detail-type") == "Object Created":  # EventBridge: the key as it is
        detail = _dict(body.get("detail"))
        bucket, key = _text(_dict(detail.get("bucket")), "name"), _text(_dict(detail.get("object")), "key")
        return _address("s3", bucket, key)
    if "message" in body:  # Pub/Sub: attributes only, what they say is in the data, too
        said = _dict(_dict(body["message"]).get("attributes"))
        if said.get("eventType") == "OBJECT_FINALIZE":
            return _address("gs", _text(said, "bucketId"), _text(said, "objectId"))
        return []
    uris = body.get("uris")
    return [uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else []


def _of_record(record: dict[str, Any]) -> list[str]:
    """``ObjectCreated:Put`` at S3, ``s3:ObjectCreated:Put`` at MinIO; the key is encoded as in a form."""
    if not _text(record, "eventName").removeprefix("s3:").startswith("ObjectCreated:"):
        return []
    said = _dict(record.get("s3"))
    key = unquote_plus(_text(_dict(said.get("object")), "key"))
    return _address("s3", _text(_dict(said.get("bucket")), "name"), key)


def _address(scheme: str, bucket: str, key: str) -> list[str]:
    return [f"{scheme}://{bucket}/{key}"] if bucket and key and "/" not in bucket else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
