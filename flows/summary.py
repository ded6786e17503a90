"""What Prefect's UI shows first: one page in words for whoever answers for the result, not for who runs the machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flows import cost, states
from flows.markdown import escape, link, table
from flows.report import ReportedDocument, RunReport
from flows.sources.uris import web_address
from flows.upkeep.findings import VERDICTS, Finding, count
from schemas.errors import public
from schemas.outcome import PLAIN_WORDS, Outcome, ReviewReason

if TYPE_CHECKING:
    from flows.evaluate import EvaluationReport
    from flows.finetune import TrainingReport

NAMED = 20
"""So many documents, and files, are named; the review page and the lake have all."""
WITHOUT_A_PERSON = (Outcome.ACCEPTED.value,)
DECIDED = (Outcome.REVIEWED.value, Outcome.REJECTED.value)
NOT_DONE = (Outcome.FAILED.value, Outcome.UNREADABLE.value)
_DOUBTS = frozenset(reason.value for reason in ReviewReason)


def run_sentence(report: RunReport) -> str:
    """A run in a sentence: what came in, and how it ended; also the message of its state."""
    if not report.inputs:
        return "Nothing new: there was nothing in the source."
    if not report.processed and not report.landed_rows:
        return f"Nothing new: all {count(report.inputs, 'input')} were known."
    ends = [f"{number} {words}" for words, number in _ends(report) if number]
    rows = count(report.landed_rows, "row")
    return f"{count(report.inputs, 'input')}: {', '.join(ends)}. {rows} landed."


def run_tags(report: RunReport) -> list[str]:
    """What to look at in a run, for the list of runs: they can be filtered by it."""
    if not report.processed and not report.landed_rows:
        return [states.NOTHING_NEW]
    failed, waiting = _count(report, NOT_DONE), _count(report, (Outcome.REVIEW.value,))
    return [states.FAILED_DOCUMENTS] * bool(failed) + [states.FOR_REVIEW] * bool(waiting)


def _ends(report: RunReport) -> list[tuple[str, int]]:
    return [
        ("accepted without a person", _count(report, WITHOUT_A_PERSON)),
        ("wait for a person", _count(report, (Outcome.REVIEW.value,))),
        ("decided by a person", _count(report, DECIDED)),
        ("the same as another input", _count(report, (Outcome.DUPLICATE.value,))),
        ("failed or unreadable", _count(report, NOT_DONE)),
        ("not through yet", _count(report, ("pending",))),
    ]


def _count(report: RunReport, outcomes: Sequence[str]) -> int:
    return sum(report.outcomes.get(name, 0) for name in outcomes)


def run_summary(report: RunReport) -> str:
    """Markdown: what came in, what landed, what waits and why, what it cost, what failed; with links."""
    parts = [f"**{escape(run_sentence(report) if not report.error else public(report.error))}**"]
    parts.append(table(("", "inputs", "what it means"), _rows(report)))
    if report.landed_files:
        parts += ["### What landed", _files(report)]
    if report.waiting:
        queue = link(f"{report.queue} in the queue", report.review_url)
        parts += [
            "### What waits for a person, and why",
            f"{queue}; of this run, those first that a look is worth most:",
            _documents(report.waiting, report.review_url),
        ]
    if report.failed:
        more = report.failed_total - len(report.failed[:NAMED])
        parts += ["### What failed or could not be read", _documents(report.failed, "")]
        parts += [f"{more} more are in the ledger."] if more > 0 else []
    return "\n\n".join(parts)


def _rows(report: RunReport) -> list[tuple[str, ...]]:
    doubts = [(name, n) for name, n in report.reasons.items() if name in _DOUBTS]
    reasons = "; ".join(f"{PLAIN_WORDS.get(name, name).rstrip('.')} ({n})" for name, n in doubts[:3])
    landed = f"{count(report.landed_rows, 'row')} in {count(len(report.landed_files), 'file')}"
    told = {
        "accepted without a person": f"{landed} were landed now",
        "wait for a person": reasons,
        "decided by a person": "confirmed, corrected or rejected",
        "the same as another input": "same content, landed once",
        "failed or unreadable": "a later run tries what failed again",
        "not through yet": "the next run goes on with it",
    }
    rows = [
        (
            "came in",
            str(report.inputs),
            f"from {report.source}, under {report.schema_name}, by {report.model}",
        )
    ]
    rows += [(words, str(number), told[words]) for words, number in _ends(report) if number]
    pages = f"{count(report.pages.total, 'page')} of {count(report.processed, 'document')}"
    spent = f"{report.seconds:.0f} seconds for {pages}"
    if report.cost is not None and report.processed:
        spent = f"{spent}. {cost.sentence(report.cost)}"
    return [*rows, ("it cost", "", spent)]


def _files(report: RunReport) -> str:
    shown = report.landed_files[:NAMED]
    more = len(report.landed_files) - len(shown)
    lines = ["| file |", "|---|", *(f"| {link(path, web_address(path))} |" for path in shown)]
    return "\n".join(lines) + (f"\n\nand {more} more" if more > 0 else "")


def _documents(documents: Iterable[ReportedDocument], review_url: str) -> str:
    lines = ["| document | why |", "|---|---|"]
    for one in list(documents)[:NAMED]:
        name = one.uri.rsplit("/", 1)[-1] or one.uri
        where = f"{review_url}/documents/{quote(one.document_id)}" if review_url and one.document_id else ""
        shown = link(name, where) if where else link(one.uri, web_address(one.uri))
        why = " ".join(PLAIN_WORDS.get(reason, reason) for reason in one.reasons) or public(one.detail)
        lines.append(f"| {shown} | {escape(why)} |")
    return "\n".join(lines)


def upkeep_table(findings: Sequence[Finding]) -> str:
    """Markdown: each step, how it ended, and what it found."""
    if not findings:
        return "Nothing was asked for."
    rows = [(one.step, VERDICTS[one.verdict], one.said) for one in findings]
    parts = [table(("step", "how it is", "what was found"), rows)]
    for one in findings:
        if one.shown:
            parts += [f"### {escape(one.step)}", table(("detail",), [(line,) for line in one.shown])]
    return "\n\n".join(parts)


def gate_page(report: EvaluationReport, figures: dict[str, Any]) -> str:
    """Markdown: the gate in words, the difference by field, and where the whole report is."""
    gate = report.gate
    verdict = "Gate passed" if gate.passed else "Gate not passed"
    fields = [
        (
            name,
            f"{one['f1']:.3f}",
            f"{one['other_f1']:.3f}",
            f"{one['difference']:+.3f}",
            f"{one['low']:+.3f} to {one['high']:+.3f}",
        )
        for name, one in figures["against"]["fields"].items()
    ]
    models = [("candidate", report.candidate, figures["model"])]
    models.append(("current", report.current, figures["against"]["model"]))
    after = (
        "Nothing was promoted: that is for a person to do. Bring the candidate into the store with parquetry models "
        f"fetch, then: {escape(f'parquetry models promote NAME --evaluation {report.figures}')}"
    )
    return "\n\n".join(
        (
            f"**{verdict}.** {escape(gate.said)}",
            after,
            table(("", "model", "identity"), models),
            table(("field", "candidate F1", "current F1", "difference", "95% interval"), fields),
            table(("file", "where"), [("report to look at", report.page), ("figures", report.figures)]),
        )
    )


def training_page(report: TrainingReport) -> str:
    """Markdown: what was trained on what, how it went, and what is to be done with it."""
    parts = [f"**{escape(report.said)}**"]
    if report.record is not None:
        training = report.record["training"]
        facts = [
            ("schema", report.schema_name),
            ("documents", str(report.documents)),
            ("model", str(report.model)),
            ("begun", report.record["began"]),
            ("seconds", str(report.record["seconds"])),
            ("steps", str(training["steps"])),
            ("tokens", str(training["tokens"])),
            ("weights of step", str(training["model_of_step"])),
            ("ended", str(training["ended"])),
            ("development loss", str(training["dev_loss"])),
        ]
        parts.append(table(("fact", "value"), facts))
    if report.evaluation is not None:
        gate = report.evaluation.gate
        parts.append(f"**Gate {'passed' if gate.passed else 'not passed'}.** {escape(gate.said)}")
    if report.model is not None:
        fetch = escape(f"parquetry models fetch {report.model} --name {report.schema_name}")
        parts.append(
            f"Nothing was promoted: that is for a person to do. Into the store it goes with {fetch}; "
            "parquetry models promote then wants an evaluation, as the flow evaluate or parquetry evaluate makes it."
        )
    return "\n\n".join(parts)
