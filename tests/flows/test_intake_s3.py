"""What a run asks of a bucket: a changed object once, an unchanged one not at all."""

from __future__ import annotations

from typing import Any

from flows.composition import Parts
from schemas.outcome import Outcome
from tests.archives.making import PDF, zipped
from tests.flows.test_intake import parts, register, work
from tests.sources.proxy import Proxy, answers
from tests.sources.test_s3 import BUCKET, bucket, moto, proxy

__all__ = ["bucket", "moto", "parts", "proxy"]  # fixtures


def test_what_is_unchanged_is_not_asked_for(parts: Parts, bucket: Any, proxy: Proxy) -> None:
    parts.source = f"s3://{BUCKET}/in"
    for name in ("a", "b", "c"):
        bucket.put_object(Bucket=BUCKET, Key=f"in/{name}.pdf", Body=PDF + name.encode())
    bucket.put_object(Bucket=BUCKET, Key="in/d.zip", Body=zipped({"e.pdf": PDF + b"e"}))
    assert register(parts, "one") == 4
    assert {d.outcome for d in work(parts, "one").values()} == {Outcome.REVIEW}
    assert proxy.count("GET", ".pdf") == 3 and proxy.count("GET", ".zip") == 1

    proxy.asked.clear()
    assert register(parts, "two") == 4
    assert not proxy.count("GET", ".pdf") and not proxy.count("GET", ".zip")
    assert len(work(parts, "two")) == 5

    bucket.put_object(Bucket=BUCKET, Key="in/b.pdf", Body=PDF + b"B")
    proxy.asked.clear()
    assert register(parts, "three") == 4
    assert (proxy.count("GET", "b.pdf"), proxy.count("GET", ".pdf")) == (1, 1)
    assert work(parts, "three")["b.pdf"].outcome is Outcome.REVIEW
    parts.ledger.check_conservation("three")
    assert parts.ledger.status().inputs == 5  # two versions of one are two inputs


def test_an_object_that_cannot_be_had_is_an_outcome_and_the_next_run_finishes(
    parts: Parts, bucket: Any, proxy: Proxy
) -> None:
    parts.source = f"s3://{BUCKET}/in"
    for name in ("a", "b"):
        bucket.put_object(Bucket=BUCKET, Key=f"in/{name}.pdf", Body=PDF + name.encode())
    proxy.faults.append(answers(403, within="in/a.pdf"))
    register(parts, "one")
    found = work(parts, "one")
    assert (found["a.pdf"].outcome, found["a.pdf"].reasons) == (Outcome.FAILED, ["unavailable"])
    assert found["b.pdf"].outcome is Outcome.REVIEW
    parts.ledger.check_conservation("one")
    proxy.faults.clear()
    register(parts, "two")
    assert {d.outcome for d in work(parts, "two").values()} == {Outcome.REVIEW}


def test_an_object_that_is_gone_between_listing_and_work(parts: Parts, bucket: Any, proxy: Proxy) -> None:
    parts.source = f"s3://{BUCKET}/in"
    bucket.put_object(Bucket=BUCKET, Key="in/a.pdf", Body=PDF)
    register(parts, "one")
    for copy in parts.spool.folder.iterdir():
        copy.unlink()
    bucket.delete_object(Bucket=BUCKET, Key="in/a.pdf")
    found = work(parts, "one")
    assert (found["a.pdf"].outcome, found["a.pdf"].reasons) == (Outcome.FAILED, ["unavailable"])
