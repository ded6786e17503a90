"""Evaluations as the command and the flow make them: a model on a labelled folder, its report, two models compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from extractors.evaluation.figures import compared, figures_of
from extractors.evaluation.page import DPI, html, shown_errors
from extractors.evaluation.results import DocumentResult
from extractors.evaluation.run import LabelledSet, predicted, with_reading
from extractors.evaluation.run import evaluate as run_evaluation
from extractors.reading import ReaderPool, document_ref
from flows.extractor import extractor_for
from flows.settings import Settings
from schemas.errors import DocumentError, UsageError
from schemas.registry import load_schema

RESULTS, AGAINST, FIGURES, PAGE = "results.jsonl", "against.jsonl", "report.json", "report.html"

Progress = Callable[[int, int, str], None]
"""Told before each document: its position from 1, how many there are, its name."""


def evaluate_model(
    settings: Settings, labelled: LabelledSet, kept: Path | None, progress: Progress | None = None
) -> list[DocumentResult]:
    """Answers of the settings' model to every document, judged. ``kept``: goes on with what that file has."""
    with extractor_for(settings, None) as extractor:
        return run_evaluation(
            labelled,
            extractor.schema,
            lambda path, seen: extractor.extract_path(path, path.name, seen),
            model=extractor.backend.model_id,
            judged_by=extractor.judge.record(),
            kept=kept,
            progress=progress,
        )


def judge_predictions(
    settings: Settings, labelled: LabelledSet, predictions: Path, kept: Path | None, *, read: bool
) -> list[DocumentResult]:
    """Judges what was extracted before; with ``read`` documents are read, too, for ceilings."""
    schema, look_up = load_schema(settings.schema_ or ""), predicted(predictions)
    identity = f"{hashlib.sha256(predictions.read_bytes()).hexdigest()} {'read' if read else ''}".strip()
    if not read:
        return run_evaluation(labelled, schema, look_up, model=identity, kept=kept)
    with ReaderPool(settings.read_options()) as pool:
        return run_evaluation(labelled, schema, with_reading(look_up, pool), model=identity, kept=kept)


def figures_against(
    results: Sequence[DocumentResult],
    others: Sequence[DocumentResult] | None,
    labelled: LabelledSet,
    against: str = "",
) -> dict[str, Any]:
    """All figures; under ``against`` the comparison with the other results, if there are any.

    Raises:
        UsageError: the two have no document in common.
    """
    figures = figures_of(results, labelled.name, labelled.split)
    try:
        apart = compared(results, others) if others is not None else None
    except ValueError as error:
        raise UsageError(f"{against}: {error}.", remedy="Compare evaluations of the same split.") from error
    return figures | {"against": apart}


def write_report(
    folder: Path,
    labelled: LabelledSet,
    results: Sequence[DocumentResult],
    figures: dict[str, Any],
    settings: Settings,
    crops: int,
) -> Path:
    """The page and the figures as files; pages of documents are drawn where crops are wanted. Gives the page."""
    folder.mkdir(parents=True, exist_ok=True)
    with ReaderPool(settings.read_options()) as pool:
        errors = shown_errors(results, crops, _Pages(pool, labelled, settings).draw)
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    (folder / FIGURES).write_text(text, encoding="utf-8")
    page = folder / PAGE
    page.write_text(html(figures, errors, figures["against"]), encoding="utf-8")
    return page


class _Pages:
    """Pages of the set's documents, drawn by reading children: these files may be hostile."""

    def __init__(self, pool: ReaderPool, labelled: LabelledSet, settings: Settings) -> None:
        self.pool = pool
        self.paths = dict(labelled.documents)
        self.passwords = tuple(one.get_secret_value() for one in settings.read_options().passwords)

    def draw(self, name: str, number: int, rotation: int) -> bytes | None:
        path = self.paths[name]
        try:
            media_type = document_ref(path, path.name).media_type
            drawn = self.pool.render(
                path, media_type, number, dpi=DPI, passwords=self.passwords, rotation=rotation
            )
        except (OSError, DocumentError):
            return None
        return drawn.data
