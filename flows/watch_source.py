"""A cheap look at a source that cannot notify: is there an object that no run has seen? Then Prefect is told.

Objects are told apart as runs do it, by URI and version, but nothing is fetched and nothing written; what failed before
counts as seen, since the nightly run tries it again. While a run is on, there is nothing to tell: that run is at it. An
object is told once only: if the run that it started did not take it, because it failed or was of another schema, a look
each minute must not start one each minute; the schedule tries again. What comes after it is told all the same.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from itertools import islice

from prefect import flow
from prefect.variables import Variable

from flows import composition
from flows.alerts import notices, telling
from flows.extractor import backend
from flows.home import make_home
from flows.ledger.store import Ledger
from flows.parameters import SchemaName, Source
from flows.sources import SourceObject, discover
from flows.sources.remote import NothingThereError
from schemas.registry import load_schema

log = logging.getLogger(__name__)

BATCH = 500
"""Objects that are looked up at a time."""
MOST_TOLD = 200
"""A look ends with so many, and so many are remembered (a variable of Prefect holds 5,000 characters). Where so many
wait that no run takes, it is up to the schedule alone."""


@flow(name="watch_source", persist_result=False)
def watch_source(source: Source = None, document_schema: SchemaName = None) -> bool:
    """Whether the source has something new; if so, the event for it was sent.

    Args:
        source: Folder, file or URI without credentials. Empty: the one in the settings of the worker.
        document_schema: Catalog name, or path of a JSON Schema. Empty: the one in the settings of the worker.
    """
    settings = composition.settings()
    make_home(settings)
    job = composition.job(source=source, schema=document_schema)
    options = settings.intake.model_copy(update={"settle_wait_seconds": 0.0})
    with Ledger.open(settings.database_url) as ledger:
        if any(run.state == "running" and run.source == job.source for run in ledger.newest_runs(20)):
            return False
        try:
            found = discover(
                composition.real_source(job.source, settings),
                limit=settings.alerts.look_objects,
                options=options,
            )
        except NothingThereError as error:  # every look would fail until the first document comes
            log.warning("nothing to look at yet: %s", error)
            return False
        model = backend(job.model, settings.cache, settings.vllm).model_id
        fingerprint = load_schema(job.schema_).fingerprint
        waiting = list(islice(unseen(ledger, found, fingerprint, model), MOST_TOLD))
    told, marks = _told(job.source), [_mark(one) for one in waiting]
    new = [one for one, mark in zip(waiting, marks, strict=True) if mark not in told]
    if new:
        telling.post([notices.new_objects(job.source, len(new), new[0].uri)])
    if set(marks) != told:  # what was taken meanwhile is forgotten: it may change, and come again
        Variable.set(_variable(job.source), list(marks), overwrite=True)
    return bool(new)


def _mark(one: SourceObject) -> str:
    return hashlib.sha256(f"{one.uri}\n{one.version}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _told(source: str) -> set[str]:
    """The marks of what was told of a source, and not taken when it was looked at last. Prefect keeps them."""
    kept = Variable.get(_variable(source))
    return {str(mark) for mark in kept} if isinstance(kept, list) else set()


def _variable(source: str) -> str:
    return notices.source_id(source).replace(".", "_")


def unseen(
    ledger: Ledger, found: Iterable[SourceObject], fingerprint: str, model: str
) -> Iterator[SourceObject]:
    """The objects that are not in the ledger as they are now, found while iterating.

    What is still being written, cannot be listed, or has no version to tell it by, is left to runs.
    """
    for batch in _batches(one for one in found if one.version and not one.unsettled and not one.fault):
        pairs = [(one.uri, one.version) for one in batch]
        seen = ledger.seen_inputs(pairs, fingerprint=fingerprint, model=model)
        yield from (one for one, pair in zip(batch, pairs, strict=True) if pair not in seen)


def _batches(found: Iterable[SourceObject]) -> Iterator[list[SourceObject]]:
    rest = iter(found)
    while batch := list(islice(rest, BATCH)):
        yield batch
