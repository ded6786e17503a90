"""What the pipeline says as events: names, what each is about, and figures. Never a document's text.

A notice is about one resource (a run, a queue, a source) and names the schema and the source that it belongs to, so
that automations can be told apart by them. What else it says are counts, words of closed lists, and links.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.ledger.figures import QueueAge, ReasonDrift
from flows.ledger.records import Reckoning
from flows.sources.uris import public_uri

if TYPE_CHECKING:
    from flows.report import RunReport
    from flows.review.bounds import Share
    from flows.settings import Settings

RUN_COMPLETED = "parquetry.run.completed"
CONSERVATION_FAILED = "parquetry.conservation.failed"
QUEUE_STALE = "parquetry.queue.stale"
BUDGET_EXCEEDED = "parquetry.budget.exceeded"
REASONS_DRIFTED = "parquetry.reasons.drifted"
REVIEW_FINISHED = "parquetry.review.finished"
NEW_OBJECTS = "parquetry.source.new-objects"
EVENTS = (
    RUN_COMPLETED,
    CONSERVATION_FAILED,
    QUEUE_STALE,
    BUDGET_EXCEEDED,
    REASONS_DRIFTED,
    REVIEW_FINISHED,
    NEW_OBJECTS,
)
MAX_TEXT = 500

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened: ``event``, to the resource ``subject`` (kind and id), shown as ``name``."""

    event: str
    subject: str
    name: str
    payload: dict[str, Value]
    schema: str | None = None
    source: str | None = None
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC), compare=False)

    @property
    def resource(self) -> dict[str, str]:
        """The resource as Prefect has it."""
        return {"prefect.resource.id": self.subject, "prefect.resource.name": _short(self.name)}

    @property
    def related(self) -> list[dict[str, str]]:
        """Schema and source, each with its role."""
        found = []
        if self.schema is not None:
            found.append(_related("schema", f"parquetry.schema.{self.schema}", self.schema))
        if self.source is not None:
            found.append(_related("source", source_id(self.source), self.source))
        return found

    def event_dict(self) -> dict[str, Any]:
        """The arguments of Prefect's ``emit_event``, and the fields of its ``Event``."""
        return {
            "event": self.event,
            "resource": self.resource,
            "related": self.related,
            "payload": self.payload,
            "occurred": self.at,
        }


def _related(role: str, identity: str, name: str) -> dict[str, str]:
    shown = {"prefect.resource.id": identity, "prefect.resource.name": _short(name)}
    return {**shown, "prefect.resource.role": role}


def source_id(source: str) -> str:
    """The id of a source among Prefect's resources: its URI may hold what an id may not."""
    return f"parquetry.source.{hashlib.sha256(public_uri(source).encode()).hexdigest()[:16]}"


def _short(text: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def review_address(settings: Settings, path: str = "/") -> str:
    """Where a person sees it: a path of the review page, as people reach it."""
    return (settings.review.url or f"http://127.0.0.1:{settings.review_port}") + path


def run_completed(report: RunReport, settings: Settings) -> Notice:
    """A run went to its end and adds up."""
    return Notice(
        RUN_COMPLETED,
        f"parquetry.run.{report.run_id}",
        f"{report.schema_name} from {report.source}",
        {
            "inputs": report.inputs,
            "processed": report.processed,
            "failed": report.failed_total,
            "landed_rows": report.landed_rows,
            "queue": report.queue,
            "seconds": round(report.seconds),
            "link": review_address(settings, "/dashboard"),
        },
        report.schema_name,
        public_uri(report.source),
    )


def conservation_failed(
    run_id: str, schema: str, source: str, reckoning: Reckoning, settings: Settings
) -> Notice:
    """The inputs of a run are not the sum of its outcomes."""
    return Notice(
        CONSERVATION_FAILED,
        f"parquetry.run.{run_id}",
        f"{schema} from {public_uri(source)}",
        {
            "run": run_id,
            "inputs": reckoning.inputs,
            "outcomes": sum(reckoning.outcomes.values()),
            "faults": reckoning.fault_count,
            "link": review_address(settings, "/dashboard"),
        },
        schema,
        public_uri(source),
    )


def queue_stale(one: QueueAge, at: dt.datetime, settings: Settings) -> Notice:
    """Somebody waits for longer than was promised."""
    return Notice(
        QUEUE_STALE,
        f"parquetry.queue.{one.schema_name}",
        f"queue of {one.schema_name}",
        {
            "waiting": one.waiting,
            "hours": round((at - one.oldest).total_seconds() / 3600, 1),
            "limit_hours": settings.alerts.queue_hours,
            "link": review_address(settings, f"/?schema={one.schema_name}"),
        },
        one.schema_name,
    )


def budget_exceeded(schema: str, unit: str, share: Share, budget: float, settings: Settings) -> Notice:
    """Blind samples prove that more is wrong than the error budget allows."""
    return Notice(
        BUDGET_EXCEEDED,
        f"parquetry.budget.{schema}",
        f"error budget of {schema}",
        {
            "unit": unit,
            "wrong": share.hits,
            "looked": share.trials,
            "percent": round(100 * share.value, 2),
            "at_least_percent": round(100 * share.low, 2),
            "budget_percent": round(100 * budget, 2),
            "link": review_address(settings, "/dashboard"),
        },
        schema,
    )


def reasons_drifted(one: ReasonDrift, settings: Settings) -> Notice:
    """A reason for review is much more, or much less, frequent among a source's documents than before."""
    return Notice(
        REASONS_DRIFTED,
        f"{source_id(one.source)}.{one.reason}",
        f"{one.reason} in {public_uri(one.source)}",
        {
            "reason": one.reason,
            "source": _short(public_uri(one.source)),
            "before_percent": round(100 * one.before / one.before_documents, 1),
            "recent_percent": round(100 * one.recent / one.recent_documents, 1),
            "recent_documents": one.recent_documents,
            "link": review_address(settings, "/dashboard"),
        },
        source=public_uri(one.source),
    )


def review_finished(decisions: int) -> Notice:
    """People decided on documents, at least so many; what they decided is yet to land."""
    return Notice(REVIEW_FINISHED, "parquetry.review", "review page", {"decisions": decisions})


def new_objects(source: str, objects: int, uri: str = "") -> Notice:
    """A source has objects that no run has seen. ``uri``: one of them."""
    shown = public_uri(source)
    payload: dict[str, Value] = {"objects": objects}
    if uri:
        payload["uri"] = _short(public_uri(uri))
    return Notice(NEW_OBJECTS, source_id(source), shown, payload, source=shown)
