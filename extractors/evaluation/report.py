"""The figures of an evaluation as Markdown, for terminals and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from extractors.evaluation.results import DocumentResult

Figures = dict[str, Any]


def markdown(figures: Figures, results: Sequence[DocumentResult] = (), errors: int = 0) -> str:
    """The figures as Markdown: a table of fields, then what is true of whole documents.

    Args:
        figures: of `extractors.evaluation.figures.figures_of`.
        results: what they were made of.
        errors: how many single errors to list below.
    """
    rows = [
        f"### {figures['set']}, {figures['split']}: {figures['documents']} documents, {figures['model'] or 'no model'}",
        "",
        "| field | precision | recall | F1 | 95 % interval | ceiling | labelled |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_row(name, field) for name, field in figures["fields"].items()),
        _row("**all (micro)**", figures["micro"]),
        "",
        *_lines(figures),
    ]
    listed = [(result.name, leaf) for result in results for leaf in result.claims if leaf.verdict != "right"]
    if errors and listed:
        rows += [
            "",
            "| document | field | verdict | truth | printed text given | value given |",
            "|---|---|---|---|---|---|",
        ]
        rows += [
            f"| {cell(name)} | {cell(e.path)} | {e.verdict} | {cell(e.truth)} | {cell(e.raw)} | {cell(e.value)} |"
            for name, e in listed[:errors]
        ]
    return "\n".join(rows) + "\n"


def comparison(against: Figures) -> str:
    """A comparison of two models (`figures.compared`) as Markdown."""
    rows = [
        f"Against {against['model']}, on {against['documents']} documents:",
        "",
        "| field | F1 | other | difference | 95 % interval | better in |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in against["fields"].items():
        rows.append(
            f"| {name} | {one['f1']:.3f} | {one['other_f1']:.3f} | {one['difference']:+.3f} | "
            f"{one['low']:+.3f} to {one['high']:+.3f} | {one['better']:.0%} of draws |"
        )
    return "\n".join(rows) + "\n"


def _row(name: str, field: Figures) -> str:
    ceiling = "" if field["ceiling"] is None else f"{field['ceiling']:.3f}"
    spread = f"{field['low']:.3f} to {field['high']:.3f}"
    return (
        f"| {name} | {field['precision']:.3f} | {field['recall']:.3f} | {field['f1']:.3f} | {spread} | {ceiling} | "
        f"{field['n']} |"
    )


def _lines(figures: Figures) -> list[str]:
    typed, accepted, grounding = figures["typed"], figures["acceptance"], figures["grounding"]
    whole, validity = figures["document_accuracy"], figures["validity"]
    lines = [
        f"- Documents with every field right: {whole['value']:.3f} ({whole['low']:.3f} to {whole['high']:.3f})",
        f"- Typed values right, of right dates and numbers: {_share(typed['accuracy'])}"
        f"; day and month swapped: {typed['errors']['day_and_month']}"
        f", decimal point misplaced: {typed['errors']['power_of_ten']}",
        f"- Accepted without review: {accepted['documents']} of {figures['documents']} documents, "
        f"{accepted['wrong_in_documents']} of their {accepted['values_of_documents']} values wrong",
        f"- Values without a reason to look at: {accepted['share_of_values']:.1%}, "
        f"{accepted['wrong_values']} of {accepted['values']} wrong",
        f"- Values without a place on the page: {grounding['without_place']} of {grounding['values']}; "
        f"places that do not spell their value: {grounding['not_spelled']} of {grounding['looked_at']}",
        f"- Outcomes: {_listed(validity['outcomes'])}; cut off: {validity['truncated']}; "
        f"with refused values: {validity['with_refused_values']}",
    ]
    for name, row in figures["rows"].items():
        lines.append(
            f"- Rows of {name}: {row['matched']} of {row['labelled']} found, {row['invented']} invented; "
            f"cells right: {row['cells_right']} of {row['cells']}"
        )
    if (calibration := figures["calibration"]) is not None:
        lines.append(
            f"- Probabilities: ECE {calibration['ece']:.3f} (exact ones would show {calibration['ece_by_chance']:.3f} "
            f"on {calibration['values']} values), Brier score {calibration['brier']:.3f}"
        )
    else:
        lines.append("- Probabilities: uncalibrated")
    for name, values in figures["slices"].items():
        if len(values) > 1:
            parts = (f"{value} {one['f1']:.3f} ({one['documents']})" for value, one in values.items())
            lines.append(f"- F1 by {name}: {', '.join(parts)}")
    if figures["reasons"]:
        lines.append(f"- Reasons for review: {_listed(figures['reasons'])}")
    if "total" in figures["seconds"]:
        lines.append(f"- Seconds per document: {figures['seconds']['total']['median']:.2f} (median)")
    return lines


def _share(value: float | None) -> str:
    return "none to judge" if value is None else f"{value:.3f}"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def cell(value: Any) -> str:
    """Text that cannot break out of its table cell."""
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")[:80]
