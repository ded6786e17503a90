"""What Prefect's UI shows of a run. Whatever comes from a document or a name is escaped first."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from pydantic import BaseModel, ConfigDict

from flows.ledger.records import RunDocument
from schemas.outcome import PLAIN_WORDS, Outcome

SHOWN = 50
SLOWEST = 20
MAX_CELL = 300
PROGRESS_EVERY = 2.0

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$^:@/=])")


class RunReport(BaseModel):
    """How a run ended, in figures. ``outcomes`` sum to ``inputs``."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    source: str
    schema_name: str
    model: str
    inputs: int
    outcomes: dict[str, int]
    processed: int
    landed_rows: int
    landed_files: list[str]
    warnings: list[str]
    queue: int
    seconds: float


def escape(text: str) -> str:
    """Text as text in a Markdown table cell: no markup, no links, no HTML, one line, of bounded length."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"
    # Entities for markdown's own characters: backslashes are undone by some renderers inside tables.
    return _MARKDOWN.sub(lambda m: f"&#{ord(m[0])};", html.escape(line, quote=True).replace("&#x27;", "'"))


class ProgressArtifact:
    """A progress bar in the UI, updated at most every two seconds."""

    def __init__(self) -> None:
        made = create_progress_artifact(progress=0.0, key="progress", description="documents processed")
        self._id = made if isinstance(made, UUID) else None
        self._last = time.monotonic()

    def show(self, done: int, total: int) -> None:
        """``done`` of ``total``; the last one is always shown."""
        now = time.monotonic()
        if self._id is not None and (done >= total or now - self._last >= PROGRESS_EVERY):
            self._last = now
            update_progress_artifact(self._id, progress=min(100.0, 100.0 * done / total) if total else 100.0)


def publish(report: RunReport, documents: Sequence[RunDocument]) -> None:
    """The outcome table, the slowest documents, and those that failed or could not be read, with reasons."""
    create_markdown_artifact(outcome_table(report), key="outcomes", description="How every input ended")
    create_markdown_artifact(
        slowest_table(documents), key="slowest-documents", description="Where the time went"
    )
    create_markdown_artifact(
        failed_table(documents), key="failed-documents", description="What failed or could not be read"
    )


def outcome_table(report: RunReport) -> str:
    """Markdown: outcomes with what they mean, then the figures of the run."""
    rows = [(name, str(count), _meaning(name)) for name, count in sorted(report.outcomes.items())]
    facts = [
        ("source", report.source),
        ("schema", report.schema_name),
        ("model", report.model),
        ("processed in this run", str(report.processed)),
        ("rows landed", str(report.landed_rows)),
        ("files", ", ".join(report.landed_files) or "none"),
        ("waiting for review", str(report.queue)),
        ("seconds", f"{report.seconds:.1f}"),
    ]
    parts = [
        _table(("outcome", "inputs", "meaning"), [*rows, ("sum", str(report.inputs), "all inputs")]),
        _table(("fact", "value"), facts),
    ]
    if report.warnings:
        parts.append(_table(("warning",), [(w,) for w in report.warnings[:SHOWN]]))
    return "\n\n".join(parts)


def slowest_table(documents: Sequence[RunDocument]) -> str:
    """Markdown: the slowest documents of those processed in this run."""
    done = sorted((d for d in documents if d.processed_now), key=lambda d: -d.seconds)
    rows = [(d.uri, f"{d.seconds:.1f}", str(d.page_count), d.outcome or "") for d in done[:SLOWEST]]
    return _table(("document", "seconds", "pages", "outcome"), rows) if rows else "Nothing was processed."


def failed_table(documents: Sequence[RunDocument]) -> str:
    """Markdown: documents that failed or could not be read, with reason and detail."""
    bad = [d for d in documents if d.outcome in (Outcome.FAILED, Outcome.UNREADABLE)]
    rows = [
        (d.uri, d.outcome or "", "; ".join(PLAIN_WORDS.get(r, r) for r in d.reasons), d.detail)
        for d in bad[:SHOWN]
    ]
    if not rows:
        return "Nothing failed."
    more = f"\n\n{len(bad) - SHOWN} more are in the ledger." if len(bad) > SHOWN else ""
    return _table(("document", "outcome", "reason", "detail"), rows) + more


def landed_table(landed: Mapping[str, int], warnings: Sequence[str]) -> str:
    """Markdown: rows by schema, then what did not fit its column."""
    if not landed:
        return "Nothing has been run yet."
    table = _table(("schema", "rows landed"), [(name, str(rows)) for name, rows in sorted(landed.items())])
    return table + ("\n\n" + _table(("warning",), [(w,) for w in warnings[:SHOWN]]) if warnings else "")


def _meaning(name: str) -> str:
    return _MEANINGS.get(name, "")


_MEANINGS = {
    Outcome.ACCEPTED: "landed without a person",
    Outcome.REVIEW: "waits in the review queue",
    Outcome.REVIEWED: "confirmed or corrected by a person",
    Outcome.REJECTED: "a person said that it must not land",
    Outcome.DUPLICATE: "same content as another input",
    Outcome.UNREADABLE: "no words could be had from it",
    Outcome.FAILED: "the pipeline failed; a later run tries again",
    "pending": "not through yet",
}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
