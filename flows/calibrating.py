"""Calibrations as the command and the upkeep make them: documents answered, probabilities fitted, budgets certified."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.confidence.calibrate import Calibrated, LabelledSource, collect
from extractors.confidence.calibrate import calibrate as run_calibration
from extractors.confidence.calibrator import FILE
from extractors.confidence.certify import Budget, Certificate
from extractors.confidence.judged import FILE as JUDGED
from extractors.confidence.reliability import Reliability, draw_reliability, reliability
from extractors.evaluation.run import open_set
from extractors.training.record import set_digest
from extractors.training.stream import document_path
from flows.calibration import home_folder, identity, model_folder, shipped_folder
from flows.extractor import extractor_for
from flows.modelstore import pinned
from flows.settings import Settings
from schemas.errors import UsageError
from schemas.registry import load_schema

Progress = Callable[[int, int, str], None]
"""Told before each document: its position from 1, how many there are, its name."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """What was fitted, and the file that it was written to."""

    made: Calibrated
    path: Path


def fit_calibration(
    settings: Settings,
    folders: Sequence[Path],
    schemas: Sequence[str],
    *,
    split: str,
    output: Path | None = None,
    alone: bool = False,
    progress: Progress | None = None,
) -> Fitting:
    """Answers every labelled document, fits how probable a field is to be right, and writes the calibration.

    Args:
        settings: the model, and how documents are read.
        folders: labelled sets of documents that the model was not trained on.
        schemas: one for each.
        split: which list of their ``splits.json``.
        output: where to; ``None``: the home folder, where runs look first.
        alone: without the documents of the calibration in force.
        progress: told before each document, and once behind the last: the fit itself may take a minute.

    Raises:
        UsageError: a set cannot be used, or too few documents.
    """
    settings = settings.model_copy(update={"model": pinned(settings.model, settings).model})
    sources = [
        LabelledSource(open_set(folder, split), load_schema(name))
        for folder, name in zip(folders, schemas, strict=True)
    ]
    _refuse_training_documents(sources, settings)
    first = settings.model_copy(update={"schema_": schemas[0]})
    with extractor_for(first, None, judged=False) as extractor:
        model_id = extractor.backend.model_id
        mine, shipped = home_folder(settings, model_id), shipped_folder(settings)
        folder = output or mine
        judged = identity(settings, model_id)
        kept = folder / "answered.jsonl"
        records = list(collect(sources, extractor.answered_under, judged, kept, progress))
    if progress is not None:
        count = sum(len(source.labelled.documents) for source in sources)
        progress(count + 1, count, "fitting")
    # One of another model or of older rules says nothing; what the model brings along is then still there.
    pools = [one / JUDGED for one in (shipped, mine, folder) if one is not None and (one / FILE).is_file()]
    made = run_calibration(records, sources, judged, () if alone else pools)
    path = made.write(folder)
    names = {fingerprint: evidence.name for fingerprint, evidence in made.calibrator.evidence.items()}
    curves = {names[fingerprint]: curve for fingerprint, curve in _curves(made).items()}
    draw_reliability(curves, folder / "reliability.png")
    return Fitting(made, path)


def _refuse_training_documents(sources: Sequence[LabelledSource], settings: Settings) -> None:
    """Of what a model has learnt by heart it is surer than of anything else: that measures nothing."""
    folder = model_folder(settings)
    try:
        card = json.loads((folder / "model.json").read_text(encoding="utf-8")) if folder else {}
        learnt = {str(one["train"]["sha256"]) for one in card.get("data", [])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # a checkpoint without a card; loading the model says what is wrong with a damaged one
    for source in sources if learnt else ():
        labelled = source.labelled
        if set_digest(labelled.folder, [name for name, _ in labelled.documents], document_path) in learnt:
            raise UsageError(
                f"The model was trained on the documents of {labelled.folder}, split {labelled.split!r}.",
                remedy="Calibrate on documents that it has not seen: give them a list of their own in splits.json, "
                "and name it with --split.",
            )


def schemas_for(folders: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """A schema for each folder: its own, the one that was given, or one of those that were.

    Raises:
        UsageError: the numbers do not match.
    """
    if not given:
        return [str(folder / "schema.json") for folder in folders]
    if len(given) == 1:
        return list(given) * len(folders)
    if len(given) != len(folders):
        raise UsageError(
            f"There are {len(folders)} folders and {len(given)} schemas.",
            remedy="Give one --schema for all, or one for each.",
        )
    return list(given)


def _curves(made: Calibrated) -> dict[str, Reliability]:
    """By schema fingerprint, of probabilities that were given without having seen the document.

    Of documents that are evidence: what a model brings along for the fit says nothing about those that come.
    """
    scored: dict[str, list[tuple[float, bool]]] = {}
    for record, document in zip(made.records, made.fitted.scored, strict=True):
        if record.proves:
            pairs = scored.setdefault(record.document.fingerprint, [])
            pairs.extend((1 - v.risk, not v.wrong) for v in document.values)
    return {fingerprint: reliability(pairs) for fingerprint, pairs in sorted(scored.items())}


def certified(made: Calibrated, budgets: Sequence[Budget]) -> list[dict[str, Any]]:
    """One row for each schema: how reliable its probabilities are, and what each budget lets land."""
    curves = _curves(made)
    rows = []
    for fingerprint, evidence in made.calibrator.evidence.items():
        certificates = [made.calibrator.certificate(fingerprint, budget) for budget in budgets]
        curve = curves[fingerprint]
        rows.append(
            {
                "schema": evidence.name,
                "fingerprint": fingerprint,
                "documents": len(evidence.documents),
                "values": sum(map(len, evidence.documents)),
                "right": round(curve.right, 4),
                "ece": round(curve.ece, 4),
                "brier": round(curve.brier, 4),
                "certificates": [_plain(one) for one in certificates],
            }
        )
    return rows


def _plain(found: Certificate) -> dict[str, Any]:
    return {
        "error_budget": found.budget.error,
        "confidence": found.budget.confidence,
        "least_probability": None if found.threshold is None else round(1 - found.threshold, 6),
        "documents": found.documents,
        "needed": found.needed,
        "values": found.values,
        "wrong": found.wrong,
        "bound": round(found.bound, 5),
        "share_of_values": round(found.coverage, 4),
    }
