"""The report of a run: its figures, and how they are written to files. What Prefect shows is in `artifacts`."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, Template, select_autoescape
from pydantic import BaseModel, ConfigDict

from flows import cost
from flows.cost import RunCost
from flows.ledger.records import ModelUsed, PageCounts, RunDocument
from schemas.outcome import PLAIN_WORDS, Outcome

FOLDER = "reports"
SHOWN = 50
SLOWEST = 20

MEANINGS: dict[str, str] = {
    Outcome.ACCEPTED: "landed without a person",
    Outcome.REVIEW: "waits in the review queue",
    Outcome.REVIEWED: "confirmed or corrected by a person",
    Outcome.REJECTED: "a person said that it must not land",
    Outcome.DUPLICATE: "same content as another input",
    Outcome.UNREADABLE: "no words could be had from it",
    Outcome.FAILED: "the pipeline failed; a later run tries again",
    "pending": "not through yet; the next run goes on with it",
}
STAGES = {
    "discover": "inputs listed, fetched and hashed (clock)",
    "extract": "documents read, answered, checked (clock)",
    "land": "rows written (clock)",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageFigures(_Frozen):
    """One stage of a run: ``seconds`` by the clock, or of work summed over documents done side by side."""

    name: str
    about: str
    seconds: float
    documents: int
    pages: int

    @property
    def documents_per_minute(self) -> float | None:
        """``None`` when there was nothing to do, or no time to speak of."""
        return _per_minute(self.documents, self.seconds)

    @property
    def pages_per_minute(self) -> float | None:
        """``None`` when there was nothing to do, or no time to speak of."""
        return _per_minute(self.pages, self.seconds)


class Memory(_Frozen):
    """Most resident memory in bytes: of this process, and of all its reading children together."""

    parent: int
    children: int


class ReportedDocument(_Frozen):
    """A document that a report names, and why."""

    uri: str
    outcome: str
    reasons: list[str]
    detail: str
    seconds: float
    pages: int
    document_id: str | None = None


class RunReport(_Frozen):
    """How a run ended, in figures. ``outcomes`` sum to ``inputs``, ``member_outcomes`` to ``members``.

    ``state`` is ``completed``, ``failed`` or ``cancelled``; ``error`` says why it did not complete.
    """

    run_id: str
    source: str
    schema_name: str
    model: str
    weights: ModelUsed | None = None
    state: str = "completed"
    error: str = ""
    started_at: dt.datetime
    finished_at: dt.datetime
    parameters: dict[str, object]
    inputs: int
    outcomes: dict[str, int]
    members: int
    member_outcomes: dict[str, int]
    processed: int
    pages: PageCounts
    reasons: dict[str, int]
    stages: list[StageFigures]
    cost: RunCost | None = None
    memory: Memory
    landed_rows: int
    landed_files: list[str]
    warnings: list[str]
    queue: int
    seconds: float
    slowest: list[ReportedDocument]
    failed: list[ReportedDocument]
    waiting: list[ReportedDocument] = []
    review_url: str = ""

    @property
    def failed_total(self) -> int:
        """How many inputs failed or could not be read; ``failed`` shows the first of them."""
        both = (Outcome.FAILED.value, Outcome.UNREADABLE.value)
        return sum(counts.get(name, 0) for counts in (self.outcomes, self.member_outcomes) for name in both)


def reported(document: RunDocument) -> ReportedDocument:
    """What a report says of a document."""
    return ReportedDocument(
        uri=f"{document.uri}!{document.member}" if document.member else document.uri,
        outcome=document.outcome.value if document.outcome else "pending",
        reasons=document.reasons,
        detail=document.detail,
        seconds=round(document.seconds, 3),
        pages=document.page_count,
        document_id=document.document_id,
    )


def stage_figures(
    clock: Mapping[str, float], work: Mapping[str, float], inputs: int, processed: int, pages: int
) -> list[StageFigures]:
    """The stages of a run: those by the clock, and within the extraction those that documents spent time in."""
    made = []
    for name, seconds in clock.items():
        count, leaves = (inputs, 0) if name == "discover" else (processed, pages)
        made.append(
            StageFigures(
                name=name,
                about=STAGES.get(name, ""),
                seconds=round(seconds, 3),
                documents=count,
                pages=leaves,
            )
        )
        made += [
            StageFigures(
                name=f"extract: {part}",
                about="work, summed over documents done side by side",
                seconds=busy,
                documents=processed,
                pages=pages,
            )
            for part, busy in work.items()
            if name == "extract" and part != "total" and part not in cost.HIDDEN
        ]
    return made


def write(report: RunReport, home: Path) -> Path:
    """Writes ``home/reports/<run>.json`` and, for people, ``<run>.html``; gives the latter.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):  # it may be there already, open to others, or belong to somebody else
        folder.chmod(0o700)
    page = folder / f"{report.run_id}.html"
    _write_whole(folder / f"{report.run_id}.json", report.model_dump_json(indent=2) + "\n")
    _write_whole(page, as_html(report))
    return page


def as_html(report: RunReport) -> str:
    """The report as one page without scripts, links or anything from elsewhere."""
    return _template().render(report=report, meanings=MEANINGS, words=PLAIN_WORDS, shown=SHOWN, costs=cost)


@cache
def _template() -> Template:
    made = Environment(
        loader=PackageLoader("flows", "templates"),
        autoescape=select_autoescape(["html", "jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made.get_template("report.html.jinja")


def _write_whole(path: Path, text: str) -> None:
    """The file appears whole or not at all; others do not read it, wherever it is moved."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.touch(mode=0o600)
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _per_minute(count: int, seconds: float) -> float | None:
    return round(60 * count / seconds, 1) if count and seconds > 0 else None
