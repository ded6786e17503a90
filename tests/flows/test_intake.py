"""From a source to the ledger, on a real ledger: what is fetched, what is opened, what is left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from extractors.options import ReadOptions
from flows import intake, worker
from flows.composition import Job, Parts
from flows.extractor import Extractor
from flows.intake_options import IntakeOptions
from flows.ledger.records import DocumentState, RunDocument
from flows.ledger.store import Ledger
from flows.review.blobs import BlobStore
from flows.settings import load_settings
from flows.sources import SourceObject, discover
from flows.spool import Spool
from schemas.errors import BackendError, DocumentError, OutageError
from schemas.outcome import FailureReason, Outcome
from schemas.registry import load_schema
from tests.archives.making import PDF, corrupt, jpeg, mail, zipped
from tests.databases import sqlite_ledger
from tests.flows.working import PlainExtractor


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    monkeypatch.setattr(worker, "BACKEND_PAUSES", (0.0, 0.0))
    folder = tmp_path / "in"
    folder.mkdir()
    schema = load_schema("invoice")
    made = Parts(
        settings=load_settings(home=tmp_path / "home", intake={"settle_seconds": 0}),
        job=Job(source=str(folder), schema_="invoice", model="scripted"),
        source=str(folder),
        extractor=cast(Extractor, PlainExtractor(schema)),
        ledger=Ledger.open(sqlite_ledger(tmp_path / "ledger.db")),
        spool=Spool(tmp_path / "spool"),
        blobs=BlobStore(tmp_path / "blobs"),
    )
    made.ledger.register_schema(schema)
    yield made
    made.spool.close()
    made.ledger.close()


def register(parts: Parts, run_id: str) -> int:
    parts.ledger.start_run(
        run_id=run_id,
        source="in",
        schema="invoice",
        fingerprint=parts.schema.fingerprint,
        model=parts.model_id,
        parameters={},
    )
    return worker.register_inputs(parts, run_id)


def work(parts: Parts, run_id: str) -> dict[str, RunDocument]:
    while worker.work_on_next(parts, run_id):
        pass
    return {d.member or d.uri.rsplit("/", 1)[-1]: d for d in parts.ledger.run_documents(run_id)}


def put(parts: Parts, name: str, data: bytes) -> Path:
    path = Path(parts.source) / name
    path.write_bytes(data)
    return path


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is fetched."""
    names: list[str] = []
    real = SourceObject.fetch

    def fetch(self: SourceObject, *arguments: Any, **more: Any) -> Any:
        names.append(self.name)
        return real(self, *arguments, **more)

    monkeypatch.setattr(SourceObject, "fetch", fetch)
    return names


def test_members_are_inputs_of_their_own_and_the_archive_follows_them(
    parts: Parts, fetched: list[str]
) -> None:
    inner = zipped({"deep.pdf": PDF + b"deep"})
    put(
        parts,
        "all.zip",
        zipped({"a.pdf": PDF + b"a", "b.pdf": PDF + b"b", "c.zip": inner, "copy.pdf": PDF + b"a"}),
    )
    put(parts, "single.pdf", PDF + b"single")
    assert register(parts, "one") == 2
    assert parts.ledger.status().outcomes == {"pending": 2}
    found = work(parts, "one")
    assert {name: d.outcome for name, d in found.items()} == {
        "all.zip": "review",
        "single.pdf": "review",
        "a.pdf": "review",
        "b.pdf": "review",
        "c.zip!/deep.pdf": "review",
        "copy.pdf": "duplicate",
    }
    parts.ledger.check_conservation("one")
    status = parts.ledger.status()
    assert (status.inputs, status.outcomes) == (2, {"review": 2})
    assert (status.members, status.member_outcomes) == (4, {"review": 3, "duplicate": 1})
    assert fetched.count("all.zip") == 1 and not list(parts.spool.folder.iterdir())
    queue = {item.uri for item in parts.ledger.queue()}
    assert any(uri.endswith("/all.zip!/c.zip!/deep.pdf") for uri in queue)

    fetched.clear()
    assert register(parts, "two") == 2 and fetched == []
    assert work(parts, "two").keys() == found.keys()
    parts.ledger.check_conservation("two")
    assert parts.ledger.status().inputs == 2 and parts.ledger.status().members == 4


def test_a_decision_on_a_member_is_one_on_its_archive(parts: Parts) -> None:
    put(parts, "all.zip", zipped({"a.pdf": PDF + b"a", "b.pdf": PDF + b"b"}))
    register(parts, "one")
    work(parts, "one")
    for left, after in ((1, "review"), (0, "reviewed")):
        item = parts.ledger.queue()[0]
        parts.ledger.decide(
            item.document_id,
            reviewer="ada",
            action="accept",
            data=None,
            fields=None,
            changes=[],
            comment="",
            expected_version=item.version,
        )
        assert parts.ledger.queue_size() == left
        assert parts.ledger.status().outcomes == {after: 1}
    parts.ledger.check_conservation("one")


def test_a_mail_is_an_archive_and_what_is_wrong_with_a_member_is_told(parts: Parts) -> None:
    message = mail()
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="bill.pdf")
    message.add_attachment(
        corrupt(zipped({"x.pdf": b"xxxxxxxx"}, 0), b"xxxxxxxx"),
        maintype="application",
        subtype="zip",
        filename="x.zip",
    )
    put(parts, "mail.eml", message.as_bytes())
    put(parts, "letter.docx", zipped({"[Content_Types].xml": b"", "word/document.xml": b""}))
    put(parts, "empty.zip", zipped({}))
    put(parts, "logo.eml", _with_logo())
    assert register(parts, "one") == 4
    found = work(parts, "one")
    assert {name: (d.outcome, *d.reasons) for name, d in found.items()} == {
        "mail.eml": ("review",),
        "bill.pdf": ("review",),
        "x.zip!/x.pdf": ("unreadable", "broken"),
        "letter.docx": ("unreadable", "unsupported_type"),
        "empty.zip": ("unreadable", "empty"),
        "logo.eml": ("unreadable", "empty"),
    }
    assert "Word" in found["letter.docx"].detail and "small pictures" in found["logo.eml"].detail
    parts.ledger.check_conservation("one")


def _with_logo() -> bytes:
    message = mail()
    message.add_alternative('<img src="cid:logo">', subtype="html")
    body = cast(Any, message.get_payload())[1]
    body.add_related(jpeg(3000), maintype="image", subtype="jpeg", cid="<logo>", disposition="inline")
    return message.as_bytes()


def test_a_run_that_dies_while_it_unpacks_leaves_the_rest_to_the_next(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(parts, "all.zip", zipped({f"{n}.pdf": PDF + bytes([n]) for n in range(6)}))
    real = parts.ledger.add_input
    calls = iter(range(100))

    def dies(*arguments: Any, **more: Any) -> Any:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(parts.ledger, "add_input", dies)
        register(parts, "one")
    parts.stopping.clear()
    assert not list(parts.spool.folder.glob("unpacking-*"))
    assert parts.ledger.status().outcomes == {"pending": 1}
    work(parts, "one")  # those that came in are through; the archive is not
    assert parts.ledger.status().outcomes == {"pending": 1}
    register(parts, "two")
    work(parts, "two")
    assert parts.ledger.status().outcomes == {"review": 1}
    assert parts.ledger.status().member_outcomes == {"review": 6}
    parts.ledger.check_conservation("two")


def test_a_full_disk_while_unpacking_ends_the_run_and_the_next_one_finishes(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(parts, "all.zip", zipped({"a.pdf": PDF}))

    def full(*_: Any, **__: Any) -> Any:
        error = DocumentError(FailureReason.UNAVAILABLE, "it cannot be unpacked now")
        error.__cause__ = OSError(28, "No space left on device")
        raise error

    with monkeypatch.context() as patch, pytest.raises(OutageError, match="No space left"):
        patch.setattr(intake, "_add_member", full)
        register(parts, "one")
    parts.stopping.clear()
    register(parts, "two")
    work(parts, "two")
    assert parts.ledger.status().outcomes == {"review": 1}


def test_the_bytes_of_a_member_are_had_again_when_the_copy_is_gone(parts: Parts, fetched: list[str]) -> None:
    put(parts, "all.zip", zipped({"a.pdf": PDF + b"a", "in.zip": zipped({"b.pdf": PDF + b"b"})}))
    register(parts, "one")
    for copy in parts.spool.folder.iterdir():
        copy.unlink()
    assert {d.outcome for d in work(parts, "one").values()} == {Outcome.REVIEW}
    assert fetched == ["all.zip", "all.zip"]  # once more for both


def test_members_that_failed_are_tried_again_by_the_next_run(parts: Parts, fetched: list[str]) -> None:
    put(parts, "all.zip", zipped({"a.pdf": PDF + b"a", "b.pdf": PDF + b"b"}))
    broken = [True]

    def act(ref: Any) -> None:
        if broken[0] and ref.uri.endswith("!/a.pdf"):
            raise BackendError("gone")

    cast(PlainExtractor, parts.extractor).act = act
    register(parts, "one")
    assert work(parts, "one")["all.zip"].outcome is Outcome.FAILED
    broken[0] = False
    register(parts, "two")
    assert {d.outcome for d in work(parts, "two").values()} == {Outcome.REVIEW}
    assert fetched == ["all.zip", "all.zip"]
    parts.ledger.check_conservation("two")


def test_a_changed_archive_is_opened_again(parts: Parts, fetched: list[str]) -> None:
    path = put(parts, "all.zip", zipped({"a.pdf": PDF + b"a"}))
    register(parts, "one")
    work(parts, "one")
    info = path.stat()
    path.write_bytes(zipped({"a.pdf": PDF + b"b"}))
    register(parts, "two")
    assert work(parts, "two").keys() == {"all.zip", "a.pdf"}
    # And when neither size nor time tell (a restored time), but it has to be fetched for another reason:
    path.write_bytes(zipped({"a.pdf": PDF + b"c"}))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    (found,) = discover(parts.source, options=IntakeOptions(settle_seconds=0))
    intake.register(parts, "two", found, again=True)
    work(parts, "two")
    status = parts.ledger.status()
    assert (status.inputs, status.members, status.member_outcomes) == (3, 3, {"review": 3})


def test_limits_that_were_raised_help_on_a_retry(parts: Parts) -> None:
    put(parts, "all.zip", zipped({"large.pdf": PDF + os.urandom(3000), "a.pdf": PDF}))
    reading = cast(PlainExtractor, parts.extractor)
    reading.read_options = ReadOptions(max_bytes=1000)
    register(parts, "one")
    assert work(parts, "one")["large.pdf"].reasons == ["too_large"]
    reading.read_options = ReadOptions()
    (found,) = discover(parts.source, options=IntakeOptions(settle_seconds=0))
    intake.register(parts, "one", found)
    assert work(parts, "one")["large.pdf"].outcome is Outcome.UNREADABLE  # unchanged, so not even fetched
    intake.register(parts, "one", found, again=True)
    assert work(parts, "one")["large.pdf"].outcome is Outcome.REVIEW
    assert parts.ledger.status().outcomes == {"review": 1}


def test_a_file_that_is_being_written_is_no_input_yet_and_said_so(parts: Parts) -> None:
    parts.settings = parts.settings.model_copy(
        update={"intake": IntakeOptions(settle_seconds=60, settle_wait_seconds=0)}
    )
    old = time.time() - 100
    os.utime(put(parts, "old.pdf", PDF + b"old"), (old, old))
    young = put(parts, "young.pdf", PDF + b"young")
    assert register(parts, "one") == 1
    assert work(parts, "one").keys() == {"old.pdf"}
    assert parts.notices == ["Left for the next run, since still being written: 1."]
    parts.ledger.check_conservation("one")
    os.utime(young, (old, old))
    assert register(parts, "two") == 2
    assert work(parts, "two")["young.pdf"].outcome is Outcome.REVIEW


def test_an_archive_of_one_content_in_two_places(parts: Parts) -> None:
    data = zipped({"a.pdf": PDF})
    put(parts, "first.zip", data)
    put(parts, "second.zip", data)
    register(parts, "one")
    work(parts, "one")
    assert parts.ledger.status().outcomes == {"review": 1, "duplicate": 1}
    (item,) = parts.ledger.queue()
    assert parts.ledger.document(item.document_id).state is DocumentState.REVIEW
