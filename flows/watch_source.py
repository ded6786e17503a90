"""A cheap look at a source that cannot notify: is there an object that no run has seen? Then Prefect is told.

It stops at the first one. Objects are told apart as runs do it, by URI and version, but nothing is fetched and nothing
written; what failed before counts as seen, since the nightly run tries it again. While a run is on, there is
nothing to tell: that run is at it. An object is told once only: if the run that it started did not take it, because it
failed or was of another schema, a look each minute must not start one each minute; the schedule tries again.
"""

from __future__ import annotations

import hashlib
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
from schemas.registry import load_schema

BATCH = 500
"""Objects that are looked up at a time."""


@flow(name="watch_source", persist_result=False)
def watch_source(source: Source = None, document_schema: SchemaName = None) -> bool:
    """Whether the source has something new; if so, the event for it was sent.

    Args:
        source: folder, file or URI without credentials; empty: the one in the settings.
        document_schema: catalog name or path of a JSON Schema; empty: the one in the settings.
    """
    settings = composition.settings()
    make_home(settings)
    job = composition.job(source=source, schema=document_schema)
    options = settings.intake.model_copy(update={"settle_wait_seconds": 0.0})
    with Ledger.open(settings.database_url) as ledger:
        if any(run.state == "running" and run.source == job.source for run in ledger.newest_runs(20)):
            return False
        found = discover(
            composition.real_source(job.source, settings),
            limit=settings.alerts.look_objects,
            options=options,
        )
        fingerprint, model = load_schema(job.schema_).fingerprint, backend(job.model, settings.cache).model_id
        new = first_unseen(ledger, found, fingerprint, model)
    if new is None or _told_before(job.source, new):
        return False
    telling.tell(notices.new_objects(job.source, 1, new.uri))
    return True


def _told_before(source: str, new: SourceObject) -> bool:
    """Whether this object is what was told last of the source; from now on it is. Kept in a variable of Prefect."""
    name = notices.source_id(source).replace(".", "_")
    mark = hashlib.sha256(f"{new.uri}\n{new.version}".encode("utf-8", "surrogateescape")).hexdigest()
    if Variable.get(name) == mark:
        return True
    Variable.set(name, mark, overwrite=True)
    return False


def first_unseen(
    ledger: Ledger, found: Iterable[SourceObject], fingerprint: str, model: str
) -> SourceObject | None:
    """The first object that is not in the ledger as it is now.

    What is still being written, cannot be listed, or has no version to tell it by, is left to runs.
    """
    for batch in _batches(one for one in found if one.version and not one.unsettled and not one.fault):
        pairs = [(one.uri, one.version) for one in batch]
        seen = ledger.seen_inputs(pairs, fingerprint=fingerprint, model=model)
        for one, pair in zip(batch, pairs, strict=True):
            if pair not in seen:
                return one
    return None


def _batches(found: Iterable[SourceObject]) -> Iterator[list[SourceObject]]:
    rest = iter(found)
    while batch := list(islice(rest, BATCH)):
        yield batch
