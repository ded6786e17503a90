"""The result of an evaluation, as figures and as a Markdown table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from extractors.evaluation.metrics import Counts, Error, Judged
from schemas.extraction import Extraction


@dataclass(slots=True)
class Report:
    """Sums over the documents of one split.

    Attributes:
        name: of the set; ``split``: which of its lists; ``model``: who answered.
        documents: how many there are, read or not.
        fields: counts by path pattern; ``micro``: their sum.
        perfect: documents in which every labelled leaf is right.
        typed_right: right dates and numbers whose typed value is right too, of ``typed``.
        accepted: documents that would land without review; ``accepted_claims`` their labelled or given
            leaves, ``accepted_wrong`` those that are wrong.
        outcomes: how the documents ended.
        reasons: how many documents each review reason was given for.
        seconds: per document.
        errors: ``(document, error)`` of every leaf that is not right.
    """

    name: str
    split: str
    model: str = ""
    documents: int = 0
    fields: dict[str, Counts] = field(default_factory=dict)
    micro: Counts = field(default_factory=Counts)
    perfect: int = 0
    typed_right: int = 0
    typed: int = 0
    accepted: int = 0
    accepted_claims: int = 0
    accepted_wrong: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    errors: list[tuple[str, Error]] = field(default_factory=list)

    def add(self, document: str, judged: Judged, extraction: Extraction, seconds: float) -> None:
        """Adds one document."""
        self.documents += 1
        self.model = self.model or extraction.model
        for path, counts in judged.fields.items():
            self.fields.setdefault(path, Counts()).add(counts)
            self.micro.add(counts)
        self.perfect += judged.perfect and extraction.outcome == "extracted"
        self.typed_right += judged.typed_right
        self.typed += judged.typed
        if extraction.accepted:
            self.accepted += 1
            right = sum(counts.right for counts in judged.fields.values())
            self.accepted_claims += right + len(judged.errors)
            self.accepted_wrong += len(judged.errors)
        self.outcomes[extraction.outcome] += 1
        self.reasons.update(str(reason) for reason in set(extraction.reasons))
        self.seconds.append(seconds)
        self.errors += [(document, error) for error in judged.errors]

    @property
    def document_accuracy(self) -> float:
        """Share of documents in which every labelled leaf is right."""
        return self.perfect / self.documents if self.documents else 0.0

    @property
    def typed_accuracy(self) -> float | None:
        """Of right dates and numbers, the share with a right typed value; ``None`` without any."""
        return self.typed_right / self.typed if self.typed else None

    @property
    def accepted_error(self) -> float | None:
        """Share of wrong leaves in accepted documents; ``None`` when none was accepted."""
        return self.accepted_wrong / self.accepted_claims if self.accepted_claims else None

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON, without the single errors."""
        return {
            "set": self.name,
            "split": self.split,
            "model": self.model,
            "documents": self.documents,
            "fields": {path: _figures(counts) for path, counts in sorted(self.fields.items())},
            "micro": _figures(self.micro),
            "document_accuracy": round(self.document_accuracy, 4),
            "typed_accuracy": _rounded(self.typed_accuracy),
            "accepted_documents": round(self.accepted / self.documents, 4) if self.documents else 0.0,
            "accepted_error": _rounded(self.accepted_error),
            "outcomes": dict(sorted(self.outcomes.items())),
            "reasons": dict(self.reasons.most_common()),
            "seconds_per_document": round(median(self.seconds), 3) if self.seconds else None,
        }


def _figures(counts: Counts) -> dict[str, float | int]:
    return {
        "precision": round(counts.precision, 4),
        "recall": round(counts.recall, 4),
        "f1": round(counts.f1, 4),
        "n": counts.right + counts.missed,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def markdown(report: Report, errors: int = 0) -> str:
    """The report as Markdown: a table of fields, then the figures of whole documents.

    Args:
        report: of one split.
        errors: how many single errors to list below.
    """
    rows = [
        f"### {report.name}, {report.split}: {report.documents} documents, {report.model or 'no model'}",
        "",
        "| field | precision | recall | F1 | labelled |",
        "|---|---:|---:|---:|---:|",
        *(_row(path, counts) for path, counts in sorted(report.fields.items())),
        _row("**all (micro)**", report.micro),
        "",
        f"- Documents with every field right: {report.document_accuracy:.3f}",
        f"- Typed values right, of right dates and numbers: {_share(report.typed_accuracy)}",
        f"- Accepted without review: {report.accepted} of {report.documents}"
        f" (wrong among their fields: {_share(report.accepted_error)})",
        f"- Outcomes: {_listed(report.outcomes)}",
    ]
    if report.reasons:
        rows.append(f"- Reasons for review: {_listed(report.reasons)}")
    if report.seconds:
        rows.append(f"- Seconds per document: {median(report.seconds):.2f} (median)")
    if errors and report.errors:
        rows += [
            "",
            "| document | field | truth | printed text given | value given |",
            "|---|---|---|---|---|",
        ]
        rows += [
            f"| {_cell(document)} | {_cell(e.path)} | {_cell(e.truth)} | {_cell(e.raw)} | {_cell(e.value)} |"
            for document, e in report.errors[:errors]
        ]
    return "\n".join(rows) + "\n"


def _row(name: str, counts: Counts) -> str:
    n = counts.right + counts.missed
    return f"| {name} | {counts.precision:.3f} | {counts.recall:.3f} | {counts.f1:.3f} | {n} |"


def _share(value: float | None) -> str:
    return "none to judge" if value is None else f"{value:.3f}"


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _cell(value: Any) -> str:
    """Text that cannot break out of its table cell."""
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")[:80]
