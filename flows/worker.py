"""One document from claim to record, and one source object from listing to ledger. Plain code, no Prefect."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from extractors.context import carried, working
from extractors.reading.slot import ReaderStartError
from flows.composition import Again, Parts
from flows.home import machine_trouble
from flows.intake import Prepared, drop_all, fetch_again, prepare, record_all, register
from flows.ledger.records import ClaimedDocument, LedgerUnavailableError, StaleTokenError
from flows.sources import SourceObject, discover, reopen
from flows.watch import watcher
from schemas.document import DocumentRef
from schemas.errors import (
    BackendError,
    LedgerError,
    ModelError,
    OutageError,
    ParquetryError,
    SourceError,
    foreign,
)
from schemas.extraction import Extraction
from schemas.outcome import FailureReason

log = logging.getLogger(__name__)
T = TypeVar("T")

FETCHES = 4
CHUNK = 256
BACKEND_PAUSES = (1.0, 5.0)
"""Seconds before a model that failed is asked again."""
LEDGER_PAUSES = (1.0, 3.0, 10.0, 20.0, 30.0)
"""Seconds before something is asked again of a database that did not answer: one that restarts is back then."""
ONCE_MORE_SHARE = 0.5
"""A document whose reader died is read once more if this share of its time is left."""

_claiming = threading.Lock()
_START = secrets.token_hex(4)
"""Tells this process from others: a container that is started again has the same name and number."""


def register_inputs(parts: Parts, run_id: str) -> int:
    """Brings every object of the source into the ledger, with its content hash; gives their number.

    Raises:
        SourceError: the source itself cannot be listed. A single object that cannot be had is an outcome.
    """
    objects = discover(
        parts.source, limit=parts.job.limit, options=parts.settings.intake, wait=parts.stopping.wait
    )
    count = left = 0
    with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as pool:
        for chunk in _chunks(objects):
            fresh = _not_known(parts, run_id, chunk)
            prepared = _prepare_all(parts, run_id, fresh, pool)
            unsettled = sum(one.record is None and one.got is None for one in prepared)
            count += len(chunk) - unsettled
            left += unsettled
    if left:
        parts.notices.append(f"Left for the next run, since still being written: {left}.")
        log.warning("%s", parts.notices[-1])
    return count


def _chunks(objects: Iterator[SourceObject]) -> Iterator[list[SourceObject]]:
    """So many at a time; what was found before a listing breaks off is not lost with it."""
    chunk: list[SourceObject] = []
    try:
        for one in objects:
            chunk.append(one)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
    except SourceError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _prepare_all(
    parts: Parts, run_id: str, fresh: list[SourceObject], pool: ThreadPoolExecutor
) -> list[Prepared]:
    """Fetches objects side by side, and records those in one transaction that may wait for it."""
    jobs = [pool.submit(carried(_prepare_patiently), parts, run_id, one) for one in fresh]
    try:
        prepared = [job.result() for job in jobs]
        if waiting := [one for one in prepared if one.got is not None]:
            _undisturbed(parts, "recording inputs", partial(record_all, parts, run_id, waiting))
        return prepared
    except BaseException as error:
        if not isinstance(error, Exception):  # after an error, discovering may be tried again
            parts.stopping.set()
        for job in jobs:
            job.cancel()
        wait(jobs)
        drop_all(parts, [job.result() for job in jobs if not job.cancelled() and job.exception() is None])
        raise


def _not_known(parts: Parts, run_id: str, found: list[SourceObject]) -> list[SourceObject]:
    """Those objects that the ledger does not know as they are, and those still being written."""
    pairs = [(one.uri, one.version) for one in found if not one.unsettled]
    known = patiently(
        parts,
        "looking up inputs",
        lambda: parts.ledger.known_inputs(
            run_id, pairs, fingerprint=parts.schema.fingerprint, model=parts.model_id
        ),
    )
    return [one for one in found if one.unsettled or (one.uri, one.version) not in known]


def reopen_inputs(parts: Parts, run_id: str, again: Again) -> int:
    """Puts the inputs that are to be done again back to work; gives their number.

    What could not be fetched is fetched again; an object that is gone keeps the outcome it has.
    """
    assert again.outcome is not None
    for unfetched in parts.ledger.reopen(run_id, again.outcome, reason=again.reason):
        for uri in unfetched:
            with suppress(SourceError):
                found = reopen(parts.source, uri, options=parts.settings.intake)
                _undisturbed(parts, uri, partial(register, parts, run_id, found, again=True))
    return sum(parts.ledger.outcome_counts(run_id).values())


def _prepare_patiently(parts: Parts, run_id: str, found: SourceObject) -> Prepared:
    return _undisturbed(parts, found.uri, lambda: prepare(parts, run_id, found, again=True))


def _undisturbed(parts: Parts, what: str, step: Callable[[], T]) -> T:
    """Does something with objects, again and again for a while when the database is gone.

    Raises:
        OutageError: the machine is in trouble; nothing could be registered now.
    """
    if parts.stopping.is_set():
        raise ParquetryError("The run was stopped.", remedy="Run again: it goes on where it was stopped.")
    try:
        return patiently(parts, what, step)
    except OSError as error:
        raise machine_trouble(error, parts.spool.folder) or error from error


def claim_next(parts: Parts, run_id: str) -> ClaimedDocument | None:
    """Takes one document of the run for this thread, if one is free."""
    with _claiming:  # so that each thread's claim sees what the others of the process hold
        taken = parts.ledger.claim(
            run_id,
            worker=f"{socket.gethostname()}:{os.getpid()}-{_START}:{threading.current_thread().name}",
            lease_seconds=parts.settings.lease_seconds,
            limit=1,
            fingerprint=parts.schema.fingerprint,
            model=parts.model_id,
            max_attempts=parts.settings.max_attempts,
        )
    return taken[0] if taken else None


def work_on_next(parts: Parts, run_id: str) -> bool:
    """Claims one document of the run and processes it; says whether there was one.

    Raises:
        LedgerError: nothing can be recorded; leases will run out and other workers take the documents.
    """
    with parts.holding.working(), at_run(parts, run_id):
        if parts.stopping.is_set():
            return False
        parts.extractor.reader.warm()  # the time that children take to start is no document's
        with _on_ledger():
            claimed = patiently(parts, "claiming", lambda: claim_next(parts, run_id))
        if claimed is not None:
            with working(document_id=claimed.document_id, sha256=claimed.sha256):
                process(parts, claimed)
        return claimed is not None


def at_run(parts: Parts, run_id: str) -> AbstractContextManager[None]:
    """Each log record of the block says that it is about this run."""
    return working(run_id=run_id, schema=parts.schema.name, model=parts.model_id)


def process(parts: Parts, claimed: ClaimedDocument) -> None:
    """Extracts a claimed document and records what came out. Whatever is wrong with it, the run goes on.

    Raises:
        LedgerError: nothing can be recorded; the lease will run out and another worker take the document.
    """
    started = time.monotonic()
    try:
        with parts.holding.holding(claimed), _heartbeat(parts, claimed):
            extraction = _extract_unless_stopped(parts, claimed)
            if extraction is None:
                parts.ledger.release(claimed.document_id, claimed.token)
                return
            done = extraction.model_copy(update={"timings": {**extraction.timings, **_taken()}})
            with _on_ledger():
                patiently(
                    parts,
                    claimed.uri,
                    lambda: parts.ledger.record_extraction(
                        claimed.document_id, claimed.token, done, parts.sampling
                    ),
                )
    except StaleTokenError:
        log.warning("%s: finished after its lease was lost; another worker's result counts", claimed.uri)
        return
    outcome: str = extraction.outcome
    if extraction.data is not None:
        outcome = "accepted" if extraction.accepted else "review"
    parts.lines.ended(
        claimed.place, outcome, extraction.failure or "", time.monotonic() - started, done.timings
    )
    watcher().done()


class _Spent(threading.local):
    """What a thread has spent on the ledger since its last document was recorded."""

    seconds = cpu = 0.0


_spent = _Spent()


@contextmanager
def _on_ledger() -> Iterator[None]:
    began, used = time.perf_counter(), time.thread_time()
    try:
        with working(stage="ledger"):
            yield
    finally:
        _spent.seconds += time.perf_counter() - began
        _spent.cpu += time.thread_time() - used


def _taken() -> dict[str, float]:
    """For the timings of a document: its own claim, and the recording of the one before it in this thread."""
    taken = {"ledger": round(_spent.seconds, 4), "ledger_cpu": round(_spent.cpu, 4)}
    _spent.seconds = _spent.cpu = 0.0
    return taken


def _extract_unless_stopped(parts: Parts, claimed: ClaimedDocument) -> Extraction | None:
    """What comes out of a document; nothing when the run is stopped, by this document or by another.

    A run that stops ends its reading children: what comes out then is no result of the document.
    """
    if parts.stopping.is_set():
        return None
    try:
        extraction = _extract(parts, claimed)
    except OutageError as error:
        parts.stop(error)
        return None
    if parts.stopping.is_set():
        return None
    failed = extraction.failure if extraction.outcome == "failed" else None
    if outage := parts.breaker.saw(failed, extraction.detail):
        parts.stop(outage)
        return None
    return extraction


def _extract(parts: Parts, claimed: ClaimedDocument) -> Extraction:
    """What comes out of a document: an extraction in any case, also of one that could not be processed.

    Raises:
        OutageError: the machine is in trouble; it is not the document's fault.
        LedgerError: the ledger does not answer.
    """
    drawn = _is_drawn(parts, claimed)
    copy: Path | None = None
    try:
        copy = parts.spool.find(claimed.sha256) or _kept_copy(parts, claimed) or fetch_again(parts, claimed)
        try:
            return _extract_copy(parts, claimed, copy, drawn=drawn)
        except FileNotFoundError:
            if copy.exists():
                raise
            # Who had the document before, and came back late, has put it away.
            copy = fetch_again(parts, claimed)
            return _extract_copy(parts, claimed, copy, drawn=drawn)
    except (SourceError, OSError) as error:
        if trouble := machine_trouble(error, parts.settings.home):
            raise trouble from error
        return _failed(parts, claimed, FailureReason.UNAVAILABLE, str(error))
    except BackendError as error:
        return _failed(parts, claimed, FailureReason.MODEL_ERROR, str(error))
    except ReaderStartError as error:  # not the document's fault: it goes back
        raise OutageError(f"The run cannot go on: {error}", remedy=error.remedy) from error
    except ModelError as error:  # nor is a model that cannot be loaded, or a server that must not be asked
        raise OutageError(f"The run cannot go on: {error}", remedy=error.remedy) from error
    except OutageError:
        raise
    except ParquetryError as error:
        return _failed(parts, claimed, FailureReason.READER_CRASHED, f"{error} {error.remedy}".strip())
    except Exception as error:  # a mistake of ours on one document must not cost the others
        if not parts.stopping.is_set():
            log.exception("%s: internal error", claimed.uri)
        return _failed(
            parts, claimed, FailureReason.INTERNAL_ERROR, f"{type(error).__name__} {foreign(error)}"
        )
    finally:
        if copy is not None:
            parts.spool.drop(copy)


def _is_drawn(parts: Parts, claimed: ClaimedDocument) -> bool:
    """Whether a person is going to look at the document even if it is accepted."""
    if parts.sampling.accepted <= 0:
        return False
    with _on_ledger():
        return patiently(
            parts,
            claimed.uri,
            lambda: parts.ledger.is_drawn(claimed.document_id, parts.sampling.accepted),
        )


def _extract_copy(parts: Parts, claimed: ClaimedDocument, copy: Path, *, drawn: bool) -> Extraction:
    extraction = _extract_patiently(parts, claimed, copy)
    if extraction.outcome == "extracted" and (drawn or not extraction.accepted):
        parts.blobs.put(copy, claimed.sha256)  # the review page shows it, also when the source has moved
    return extraction


def patiently(parts: Parts, what: str, step: Callable[[], T]) -> T:
    """Does something with the ledger, again and again for a while when the database is gone.

    Twice does no harm: the ledger knows a step that it has taken already, though its reply was lost.
    """
    for pause in LEDGER_PAUSES:
        try:
            return step()
        except LedgerUnavailableError as error:
            log.warning("%s: the ledger did not answer, trying again in %g s: %s", what, pause, error)
            if parts.stopping.wait(pause):
                raise
    return step()


def _extract_patiently(parts: Parts, claimed: ClaimedDocument, copy: Path) -> Extraction:
    """Tries again, with growing pauses, when the model failed or no reading process could be started.

    Never when the document is at fault: that is no error, but what comes out.
    """
    ref = DocumentRef(claimed.place, claimed.sha256, claimed.size, claimed.media_type)
    for retries, pause in enumerate(BACKEND_PAUSES):
        try:
            return _counted(_extract_once_more(parts, ref, copy), retries)
        except (ModelError, OutageError):
            raise
        except ParquetryError as error:
            log.warning("%s: trying again in %g s: %s", claimed.uri, pause, error)
            if parts.stopping.wait(pause):
                raise
    return _counted(_extract_once_more(parts, ref, copy), len(BACKEND_PAUSES))


def _counted(extraction: Extraction, retries: int) -> Extraction:
    """The extraction, with how often it had to be tried again, if it had."""
    if not retries:
        return extraction
    return extraction.model_copy(update={"counts": {**extraction.counts, "retries": retries}})


def _extract_once_more(parts: Parts, ref: DocumentRef, copy: Path) -> Extraction:
    """Reads again, in what is left of the document's time, if its reader died.

    It need not have been the document: a system short of memory kills whom it likes.
    """
    started, options = time.monotonic(), parts.extractor.read_options
    first = parts.extractor.extract(ref, copy)
    left = options.max_seconds - (time.monotonic() - started)
    if first.failure is not FailureReason.READER_CRASHED or left < ONCE_MORE_SHARE * options.max_seconds:
        return first
    if parts.stopping.is_set():
        return first
    log.warning("%s: the reading process died; reading it once more", ref.uri)
    hurried = options.model_copy(update={"max_seconds": left})
    second = replace(parts.extractor, read_options=hurried).extract(ref, copy)
    return second if second.outcome == "extracted" else first


def worth_retrying(error: BaseException) -> bool:
    """Whether doing it again can help: a database or a lake did not answer; not a wrong request."""
    return error.retryable if isinstance(error, ParquetryError) else isinstance(error, OSError)


def _failed(parts: Parts, claimed: ClaimedDocument, reason: FailureReason, detail: str) -> Extraction:
    return parts.extractor.without_answer(claimed.place, "failed", reason, detail, claimed.sha256)


def _kept_copy(parts: Parts, claimed: ClaimedDocument) -> Path | None:
    """A copy of what is kept for review: a document that is done again need not be in the source any more."""
    if not parts.blobs.has(claimed.sha256):
        return None
    copy = parts.spool.new()
    try:
        shutil.copyfile(parts.blobs.path(claimed.sha256), copy)
    except OSError:
        parts.spool.drop(copy)
        raise
    return copy


@contextmanager
def _heartbeat(parts: Parts, claimed: ClaimedDocument) -> Iterator[None]:
    """Prolongs the lease from a thread of its own while the body works."""
    over = threading.Event()
    seconds = parts.settings.lease_seconds

    def beat() -> None:
        while not over.wait(seconds / 4):
            try:
                parts.ledger.heartbeat(claimed.document_id, claimed.token, lease_seconds=seconds)
            except StaleTokenError:
                return  # recording will be refused
            except LedgerError as error:  # a busy database; the next beat comes before the lease ends
                log.warning("%s: heartbeat failed: %s", claimed.uri, error)

    thread = threading.Thread(target=carried(beat), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
