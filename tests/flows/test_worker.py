"""The way of one document, on a real ledger, with an extractor that does what a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from extractors.options import ReadOptions
from flows import ending, intake, worker
from flows.composition import Again, Parts
from flows.extractor import Extractor
from flows.ledger.records import ClaimedDocument, LedgerUnavailableError
from flows.sources import SourceObject, discover
from schemas.document import DocumentRef
from schemas.errors import BackendError, ParquetryError, SourceError
from schemas.extraction import Extraction
from schemas.outcome import FailureReason, Outcome
from tests.flows.making import write_folder, write_invoice
from tests.flows.working import RUN, PlainExtractor, acts, begin, work


def test_every_object_of_a_source_becomes_an_input_once(parts: Parts) -> None:
    count = write_folder(Path(parts.source) / "more") + 2
    assert worker.register_inputs(parts, RUN) == count
    assert worker.register_inputs(parts, RUN) == count
    assert sum(parts.ledger.outcome_counts(RUN).values()) == count
    assert parts.ledger.outcome_counts(RUN)["duplicate"] == 1


def test_discovering_is_tried_again_after_the_database_was_away(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Prefect does with the task; what had been fetched does not stay on the disk."""
    monkeypatch.setattr(worker, "LEDGER_PAUSES", ())
    real, failures = parts.ledger.add_inputs, iter([True, True])

    def add(*arguments: Any, **more: Any) -> Any:
        if next(failures, False):
            raise LedgerUnavailableError("gone")
        return real(*arguments, **more)

    monkeypatch.setattr(parts.ledger, "add_inputs", add)
    with pytest.raises(LedgerUnavailableError, match="gone"):
        worker.register_inputs(parts, RUN)
    assert list(parts.spool.folder.iterdir()) == []
    monkeypatch.setattr(intake, "BATCHED_BYTES", 0)  # each is recorded by itself
    with pytest.raises(LedgerUnavailableError, match="gone"):
        worker.register_inputs(parts, RUN)
    assert len(list(parts.spool.folder.iterdir())) <= 1  # the other one is in the ledger
    assert worker.register_inputs(parts, RUN) == 2
    assert {d.outcome for d in work(parts).values()} == {Outcome.REVIEW}


def test_what_was_found_before_a_listing_broke_off_is_kept(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(discover(parts.source, options=parts.settings.intake))

    def breaks_off(*_: Any, **__: Any) -> Iterator[SourceObject]:
        yield from found
        raise SourceError("The bucket cannot be listed to its end.")

    monkeypatch.setattr(worker, "discover", breaks_off)
    with pytest.raises(SourceError, match="to its end"):
        worker.register_inputs(parts, RUN)
    assert parts.ledger.outcome_counts(RUN) == {"pending": 2}


def test_an_empty_file_that_could_not_be_had_is_done_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a linked folder: its name in the ledger is that of the link."""
    (tmp := Path(parts.source).parent / "elsewhere").mkdir()
    (tmp / "empty.pdf").touch()
    (Path(parts.source) / "link").symlink_to(tmp)

    def refuses(*_: Any, **__: Any) -> Any:
        raise SourceError("it cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(SourceObject, "fetch", refuses)
        worker.register_inputs(parts, RUN)
    assert parts.ledger.outcome_counts(RUN) == {"failed": 3}
    begin(parts, "run-2")
    assert worker.reopen_inputs(parts, "run-2", Again(outcome=Outcome.FAILED)) == 3
    assert parts.ledger.outcome_counts("run-2") == {"pending": 3}
    assert work(parts, "run-2").keys() == {"a.pdf", "b.pdf", "empty.pdf"}
    parts.ledger.check_conservation("run-2")


def test_too_large_an_object_is_not_fetched_and_has_its_outcome(parts: Parts) -> None:
    cast(PlainExtractor, parts.extractor).read_options = ReadOptions(max_bytes=10)
    assert worker.register_inputs(parts, RUN) == 2
    documents = work(parts)
    assert {(d.outcome, d.reasons[0]) for d in documents.values()} == {("unreadable", "too_large")}
    assert list(parts.spool.folder.iterdir()) == []


def test_documents_go_to_review_with_their_bytes_kept(parts: Parts) -> None:
    worker.register_inputs(parts, RUN)
    documents = work(parts)
    assert {d.outcome for d in documents.values()} == {Outcome.REVIEW}
    assert len(list(parts.blobs.folder.iterdir())) == 2
    assert list(parts.spool.folder.iterdir()) == []


def test_a_copy_that_another_worker_put_away_is_fetched_again(parts: Parts) -> None:
    """Two processes use the same copy when one has lost its lease and does not know it yet."""
    worker.register_inputs(parts, RUN)
    taken = list[Path]()

    def put_away(ref: DocumentRef) -> None:
        copy = parts.spool.find(ref.sha256)
        if copy is not None:
            copy.unlink()
            taken.append(copy)
            raise FileNotFoundError(2, "No such file or directory", str(copy))

    acts(parts, put_away)
    assert {seen.outcome for seen in work(parts).values()} == {Outcome.REVIEW}
    assert len(taken) == 2


def test_a_model_that_fails_for_a_while_is_asked_again(parts: Parts) -> None:
    failures = iter([True, True])

    def act(ref: DocumentRef) -> None:
        if next(failures, False):
            raise BackendError("busy")

    acts(parts, act)
    worker.register_inputs(parts, RUN)
    assert {d.outcome for d in work(parts).values()} == {Outcome.REVIEW}


@dataclass
class DyingReader(PlainExtractor):
    """Its reading process dies so often under a document."""

    deaths: int = 1
    seconds: list[float] = field(default_factory=list)

    def extract(self, ref: DocumentRef, path: Path) -> Extraction:
        self.seconds.append(self.read_options.max_seconds)
        if len(self.seconds) > self.deaths:
            return super().extract(ref, path)
        crashed = FailureReason.READER_CRASHED
        return self.without_answer(ref.uri, "unreadable", crashed, "it died", ref.sha256)


@pytest.mark.parametrize(("deaths", "outcome"), [(1, Outcome.REVIEW), (2, Outcome.UNREADABLE)])
def test_a_document_whose_reader_died_is_read_once_more_in_the_time_that_is_left(
    parts: Parts, deaths: int, outcome: Outcome
) -> None:
    dying = DyingReader(parts.schema, deaths=deaths)
    parts.extractor = cast(Extractor, dying)
    worker.register_inputs(parts, RUN)
    claimed = worker.claim_next(parts, RUN)
    assert claimed is not None
    worker.process(parts, claimed)
    (found,) = (d for d in parts.ledger.run_documents(RUN) if d.document_id == claimed.document_id)
    assert found.outcome is outcome
    first, second = dying.seconds
    assert second < first == dying.read_options.max_seconds


def test_a_reading_process_that_does_not_start_is_started_again(parts: Parts) -> None:
    failures = iter([True, True])

    def act(ref: DocumentRef) -> None:
        if next(failures, False):
            raise ParquetryError("a reading process (text) does not start")

    acts(parts, act)
    worker.register_inputs(parts, RUN)
    assert {d.outcome for d in work(parts).values()} == {Outcome.REVIEW}


def test_a_result_is_recorded_when_the_database_is_back(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEDGER_PAUSES", (0.0, 0.0))
    real, failures = parts.ledger.record_extraction, iter([True, True])

    def record(*arguments: Any) -> None:
        real(*arguments)  # it is recorded, but the reply is lost
        if next(failures, False):
            raise LedgerUnavailableError("gone")

    monkeypatch.setattr(parts.ledger, "record_extraction", record)
    worker.register_inputs(parts, RUN)
    assert {d.outcome for d in work(parts).values()} == {Outcome.REVIEW}


@pytest.mark.parametrize(
    ("error", "reason"), [(BackendError("gone"), "model_error"), (KeyError("oops"), "internal_error")]
)
def test_one_document_that_cannot_be_processed_does_not_cost_the_other(
    parts: Parts, error: Exception, reason: str
) -> None:
    def act(ref: DocumentRef) -> None:
        if ref.uri.endswith("a.pdf"):
            raise error

    acts(parts, act)
    worker.register_inputs(parts, RUN)
    documents = work(parts)
    assert documents["a.pdf"].outcome is Outcome.FAILED
    assert documents["a.pdf"].reasons == [reason]
    assert documents["b.pdf"].outcome is Outcome.REVIEW


def test_a_file_that_changed_after_it_was_listed_is_not_taken_for_what_it_was(parts: Parts) -> None:
    worker.register_inputs(parts, RUN)
    for copy in parts.spool.folder.iterdir():
        copy.unlink()
    write_invoice(Path(parts.source) / "a.pdf", 99)
    documents = work(parts)
    assert documents["a.pdf"].outcome is Outcome.FAILED
    assert "changed" in documents["a.pdf"].detail
    assert documents["b.pdf"].outcome is Outcome.REVIEW


def test_a_stopped_run_gives_its_document_back_uncounted(parts: Parts) -> None:
    acts(parts, lambda ref: parts.stopping.set())
    worker.register_inputs(parts, RUN)
    documents = work(parts)
    assert parts.ledger.open_documents(RUN) == 2
    assert {d.attempts for d in documents.values()} == {0}


def test_the_lease_lives_as_long_as_thework(parts: Parts) -> None:
    parts.settings = parts.settings.model_copy(update={"lease_seconds": 1.5})
    worker.register_inputs(parts, RUN)
    claimed = worker.claim_next(parts, RUN)
    assert claimed is not None
    rivals: list[ClaimedDocument | None] = []

    def act(ref: DocumentRef) -> None:
        time.sleep(3.0)  # twice the lease
        done = threading.Thread(target=lambda: rivals.append(worker.claim_next(parts, RUN)))
        done.start()
        done.join()

    acts(parts, act)
    worker.process(parts, claimed)
    (rival,) = rivals
    assert rival is not None and rival.uri != claimed.uri  # the free one, not ours


def test_what_is_worth_doing_again() -> None:
    assert worker.worth_retrying(BackendError("x"))
    assert worker.worth_retrying(OSError("x"))
    assert not worker.worth_retrying(ValueError("x"))


def test_a_worker_that_does_not_come_back_has_its_document_taken_away(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model can keep a thread for minutes; a stopped run does not wait for it, nor does the next one."""
    monkeypatch.setattr(ending, "GRACE_SECONDS", 0.2)
    stuck, go_on = threading.Event(), threading.Event()

    def act(_: DocumentRef) -> None:
        stuck.set()
        go_on.wait(60)

    acts(parts, act)
    aborted: list[bool] = []
    cast(Any, parts.extractor).reader = SimpleNamespace(abort=lambda: aborted.append(True), warm=lambda: None)
    thread = threading.Thread(target=lambda: worker.work_on_next(parts, "run-2"))
    with pytest.raises(KeyboardInterrupt), parts.run("run-2"):
        worker.register_inputs(parts, "run-2")
        thread.start()
        assert stuck.wait(60)
        raise KeyboardInterrupt
    assert aborted == [True]
    status = parts.ledger.status()
    assert status.documents == {"pending": 2}
    assert parts.ledger.run("run-2").state == "cancelled"
    go_on.set()
    thread.join()
    assert parts.ledger.status().documents == {"pending": 2}  # it came too late to write anything
