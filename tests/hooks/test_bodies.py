"""What a notification may name, whatever somebody writes into it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.hooks import bodies

SOURCE = "s3://inbox/north"

S3 = {
    "Records": [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "inbox"}, "object": {"key": "north/May+bill%281%29.pdf", "size": 7}},
        }
    ]
}
MINIO = {
    "EventName": "s3:ObjectCreated:CompleteMultipartUpload",
    "Key": "inbox/north/May+bill%281%29.pdf",
    "Records": [
        {
            "eventSource": "minio:s3",
            "eventName": "s3:ObjectCreated:CompleteMultipartUpload",
            "s3": {"bucket": {"name": "inbox"}, "object": {"key": "north%2FMay+bill%281%29.pdf"}},
        }
    ],
}
EVENT_BRIDGE = {
    "detail-type": "Object Created",
    "source": "aws.s3",
    "detail": {"bucket": {"name": "inbox"}, "object": {"key": "north/May bill(1).pdf"}},
}
PUB_SUB = {
    "message": {
        "attributes": {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": "inbox",
            "objectId": "north/May bill(1).pdf",
        },
        "data": "e30=",
        "messageId": "1",
    },
    "subscription": "projects/p/subscriptions/s",
}
WANTED = ["s3://inbox/north/May bill(1).pdf"]


def in_sns(body: Any) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": json.dumps(body)}


@pytest.mark.parametrize("body", [S3, MINIO, EVENT_BRIDGE, in_sns(S3), {"uris": WANTED}])
def test_each_sender_is_understood(body: Any) -> None:
    assert bodies.uris_in(body, SOURCE) == WANTED
    assert bodies.uris_in(body, "s3://inbox") == WANTED
    assert bodies.uris_in(body, "s3a://key:secret@inbox/north/") == WANTED
    assert bodies.uris_in(body, "s3://inbox/nor") == []
    assert bodies.uris_in(body, "s3://other/north") == []


def test_pub_sub_names_an_object_of_cloud_storage() -> None:
    assert bodies.uris_in(PUB_SUB, "gcs://inbox/north") == ["gs://inbox/north/May bill(1).pdf"]
    assert bodies.uris_in(PUB_SUB, SOURCE) == []
    gone = {"message": {"attributes": {**PUB_SUB["message"]["attributes"], "eventType": "OBJECT_DELETE"}}}  # type: ignore[dict-item]
    assert bodies.uris_in(gone, "gs://inbox") == []


def test_what_is_deleted_or_only_a_test_names_nothing() -> None:
    removed = json.loads(json.dumps(S3).replace("ObjectCreated:Put", "ObjectRemoved:Delete"))
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "inbox"}
    for body in (removed, test, in_sns(test), {}, [], None, 7, "x"):
        assert bodies.uris_in(body, SOURCE) == []


@pytest.mark.parametrize(
    "uri",
    [
        "s3://inbox/north/../south/a.pdf",
        "s3://inbox/north/a/../../b.pdf",
        "s3://inbox/northern/a.pdf",
        "s3://inbox/north",  # the prefix itself, as an object, is what was configured
        "s3://inbox/north/",
        "s3://inbox/north/folder/",
        "s3://inbox/north/.DS_Store",
        "s3://inbox/north/a\n.pdf",
        "file:///inbox/north/a.pdf",
        "http://inbox/north/a.pdf",
        "s3://inbox@other/north/a.pdf",
        "s3://inbox/north/" + "a" * 3000,
    ],
)
def test_what_lies_outside_or_is_no_document_does_not_count(uri: str) -> None:
    expected = [uri] if uri == SOURCE else []
    assert bodies.uris_in({"uris": [uri]}, SOURCE) == expected


NAMES = [
    *("Records", "eventName", "s3", "bucket", "name", "object", "key", "uris", "detail", "detail-type"),
    *("Type", "Message", "TopicArn", "Token", "message", "attributes", "bucketId", "objectId", "eventType"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WANTED),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(NAMES),
            inner | st.sampled_from(["Notification", "SubscriptionConfirmation", "Object Created", "inbox"])
            | st.sampled_from(["ObjectCreated:Put", "OBJECT_FINALIZE", "north/a.pdf", "north/../b.pdf"]),
            max_size=6,
        )
    ),
    max_leaves=30,
)  # fmt: skip


@given(JSON)
def test_no_json_raises_or_leads_out_of_the_source(body: Any) -> None:
    data = bodies.parse(json.dumps(body).encode())
    for uri in bodies.uris_in(data, SOURCE):
        assert uri == SOURCE or uri.startswith(SOURCE + "/")
        assert "/../" not in uri + "/"
    asked = bodies.confirmation_in(data)
    assert asked is None or asked.topic.startswith("arn:")


@given(
    bucket=st.text(max_size=12) | st.just("inbox"),
    key=st.text(max_size=30) | st.text(alphabet="north/.%2Ef+", max_size=20).map(lambda t: "north/" + t),
)
def test_no_bucket_and_key_lead_out_of_the_source(bucket: str, key: str) -> None:
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}
    for uri in bodies.uris_in({"Records": [record]}, SOURCE):
        assert uri == SOURCE or uri.startswith(SOURCE + "/")
        assert ".." not in uri.split("/")


@given(st.binary(max_size=200))
def test_what_is_no_json_says_so(body: bytes) -> None:
    try:
        bodies.parse(body)
    except bodies.NoJsonError:
        return
    json.loads(body)


def test_deep_nesting_is_no_json() -> None:
    with pytest.raises(bodies.NoJsonError):
        bodies.parse(b"[" * 200_000)


def test_envelopes_in_envelopes_end() -> None:
    body: Any = S3
    for _ in range(3):
        body = in_sns(body)
    assert bodies.uris_in(body, SOURCE) == WANTED
    assert bodies.uris_in(in_sns(body), SOURCE) == []


def test_a_subscription_asks_for_a_confirmation() -> None:
    asked = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:x:1:t", "Token": "23af"}
    assert bodies.confirmation_in(asked) == bodies.Confirmation("arn:aws:sns:x:1:t", "23af")
    assert bodies.confirmation_in({**asked, "Token": "23af; rm -rf /"}) is None
    assert bodies.confirmation_in({**asked, "TopicArn": "http://x"}) is None
