"""What Prefect's UI shows of a run. Whatever comes from a document or a name is escaped first."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from flows import cost, lost_server, summary
from flows.markdown import MAX_CELL, escape
from flows.markdown import table as _table
from flows.report import MEANINGS, SHOWN, RunReport
from flows.upkeep.findings import Finding
from schemas.errors import public
from schemas.outcome import PLAIN_WORDS

if TYPE_CHECKING:
    from flows.evaluate import EvaluationReport
    from flows.finetune import TrainingReport

log = logging.getLogger(__name__)

PROGRESS_EVERY = 2.0


class ProgressArtifact:
    """A progress bar in the UI, updated at most every two seconds. Prefect's troubles are not the run's."""

    def __init__(self, about: str = "documents processed") -> None:
        self._id: UUID | None = None
        with _not_vital("the progress bar"):
            made = create_progress_artifact(progress=0.0, key="progress", description=about)
            self._id = made if isinstance(made, UUID) else None
        self._last = time.monotonic()

    def show(self, done: int, total: int) -> None:
        """``done`` of ``total``; the last one is always shown."""
        now = time.monotonic()
        if self._id is None or (done < total and now - self._last < PROGRESS_EVERY):
            return
        self._last = now
        if lost_server.refuses():  # it may be back the next time
            return
        shown, self._id = self._id, None  # once only if the server is gone: each try waits for it
        with _not_vital("the progress bar"):
            update_progress_artifact(shown, progress=min(100.0, 100.0 * done / total) if total else 100.0)
            self._id = shown


def publish(report: RunReport) -> None:
    """A summary, the figures of the run, its slowest documents, and those that failed or could not be read."""
    about = f"{report.schema_name}: what came in, landed, waits and failed"
    _publish(
        ("summary", summary.run_summary(report), about),
        ("outcomes", outcome_table(report), "How every input ended"),
        ("slowest-documents", slowest_table(report), "Where the time went"),
        ("failed-documents", failed_table(report), "What failed or could not be read"),
        ("cost", cost_table(report), "Machine seconds by stage, and what they cost"),
    )


def publish_upkeep(findings: Sequence[Finding]) -> None:
    """What each step of the upkeep found."""
    _publish(("upkeep", summary.upkeep_table(findings), "What was put in order, and what is wrong"))


def publish_evaluation(report: EvaluationReport, figures: dict[str, Any]) -> None:
    """The gate, and what it goes by."""
    _publish(("gate", summary.gate_page(report, figures), "Is the candidate at least as good?"))


def publish_training(report: TrainingReport) -> None:
    """What was trained, or why nothing was."""
    _publish(("training", summary.training_page(report), "What was learnt from corrections"))


def _publish(*tables: tuple[str, str, str]) -> None:
    """Key, text and description of each; what the server does not take is no loss of the run."""
    lost_server.make_sure()
    if lost_server.is_gone():
        return
    with _not_vital("the report"):
        for key, text, about in tables:
            create_markdown_artifact(text, key=key, description=about)


@contextmanager
def _not_vital(what: str) -> Iterator[None]:
    """What Prefect's server does not take is told to the log: the run's own files and ledger have it all."""
    try:
        yield
    except Exception as error:  # whatever its client raises
        log.warning("Prefect's server did not take %s: %s", what, type(error).__name__)


def outcome_table(report: RunReport) -> str:
    """Markdown: outcomes with what they mean, reasons, pages, stages, then the figures of the run."""
    rows = [(name, str(count), MEANINGS.get(name, "")) for name, count in report.outcomes.items()]
    parts = [f"**{escape(report.state)}** {escape(public(report.error))}".strip()]
    parts.append(
        _table(("outcome", "inputs", "meaning"), [*rows, ("sum", str(report.inputs), "all inputs")])
        if report.inputs
        else "No inputs: there was nothing in the source."
    )
    if report.members:
        inside = [
            (name, str(count), MEANINGS.get(name, "")) for name, count in report.member_outcomes.items()
        ]
        total = ("sum", str(report.members), "all members of archives and mails")
        parts.append(_table(("outcome", "members", "meaning"), [*inside, total]))
    if report.reasons:
        why = [(name, str(count), PLAIN_WORDS.get(name, "")) for name, count in report.reasons.items()]
        parts.append(_table(("reason", "documents", "meaning"), why))
    parts += [_table(("pages", "number"), _pages(report)), _table(_STAGE_HEAD, _stages(report))]
    parts.append(_table(("fact", "value"), _facts(report)))
    if report.warnings:
        parts.append(_table(("warning",), [(w,) for w in report.warnings[:SHOWN]]))
    return "\n\n".join(parts)


_STAGE_HEAD = ("stage", "seconds", "documents a minute", "pages a minute", "what")


def _pages(report: RunReport) -> list[tuple[str, str]]:
    pages = report.pages
    return [
        ("read from the file's text", str(pages.text_layer)),
        ("read by text recognition", str(pages.ocr)),
        ("blank", str(pages.blank)),
        ("unreadable", str(pages.unreadable)),
        ("not asked for", str(pages.skipped)),
        ("sum: all pages of the documents processed", str(pages.total)),
    ]


def _stages(report: RunReport) -> list[tuple[str, ...]]:
    return [
        (
            stage.name,
            f"{stage.seconds:.1f}",
            str(stage.documents_per_minute or ""),
            str(stage.pages_per_minute or ""),
            stage.about,
        )
        for stage in report.stages
    ]


def _facts(report: RunReport) -> list[tuple[str, str]]:
    return [
        ("source", report.source),
        ("schema", report.schema_name),
        ("model", report.model),
        *([("model revision", report.weights.revision)] if report.weights else []),
        ("processed in this run", str(report.processed)),
        ("documents that could not be opened", str(report.pages.documents_not_opened)),
        ("rows landed", str(report.landed_rows)),
        ("files", ", ".join(report.landed_files) or "none"),
        ("waiting for review", str(report.queue)),
        ("seconds", f"{report.seconds:.1f}"),
        ("most memory, this process", f"{report.memory.parent / 1e6:.0f} MB"),
        ("most memory, reading children", f"{report.memory.children / 1e6:.0f} MB"),
    ]


def slowest_table(report: RunReport) -> str:
    """Markdown: the slowest documents of those processed in this run."""
    rows = [(d.uri, f"{d.seconds:.1f}", str(d.pages), d.outcome) for d in report.slowest]
    return _table(("document", "seconds", "pages", "outcome"), rows) if rows else "Nothing was processed."


def cost_table(report: RunReport) -> str:
    """Markdown: machine seconds by stage, for a thousand documents, and in money if a price is set."""
    if report.cost is None or not report.processed:
        return "Nothing was processed."
    table = _table(cost.head(report.cost), cost.rows(report.cost))
    return f"{table}\n\n{escape(cost.sentence(report.cost))}"


def failed_table(report: RunReport) -> str:
    """Markdown: documents that failed or could not be read, with reason and detail."""
    rows = [
        (d.uri, d.outcome, " ".join(PLAIN_WORDS.get(r, r) for r in d.reasons), public(d.detail))
        for d in report.failed
    ]
    if not rows:
        return "Nothing failed."
    more = report.failed_total - len(rows)
    table = _table(("document", "outcome", "reason", "detail"), rows)
    return table + (f"\n\n{more} more are in the ledger." if more > 0 else "")


def landed_table(landed: Mapping[str, int], warnings: Sequence[str]) -> str:
    """Markdown: rows by schema, then what did not fit its column."""
    if not landed:
        return "Nothing has been run yet."
    table = _table(("schema", "rows landed"), [(name, str(rows)) for name, rows in sorted(landed.items())])
    return table + ("\n\n" + _table(("warning",), [(w,) for w in warnings[:SHOWN]]) if warnings else "")


__all__ = [
    "MAX_CELL",
    "ProgressArtifact",
    "escape",
    "failed_table",
    "landed_table",
    "outcome_table",
    "publish",
    "publish_evaluation",
    "publish_training",
    "publish_upkeep",
    "slowest_table",
]
