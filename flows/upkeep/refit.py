"""The calibration fitted anew on what was drawn at random and decided since: the only sample that nobody chose."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.confidence.calibrator import FILE
from extractors.confidence.certify import Budget
from extractors.training.record import set_digest
from extractors.training.stream import document_path
from flows.calibrating import certified, fit_calibration
from flows.calibration import home_folder, identity
from flows.export.training import export_training
from flows.extractor import backend
from flows.ledger.store import Ledger
from flows.modelstore import pinned
from flows.review.blobs import BlobStore
from flows.settings import Settings
from flows.upkeep.findings import Finding, count
from schemas.errors import UsageError
from schemas.registry import load_schema

log = logging.getLogger(__name__)

STEP = "calibration"
USED, BEFORE = "samples.json", "before.json"
"""Beside the calibration: what it was fitted on, and the one that it replaced."""
SPLIT = "calibrate"


@dataclass(frozen=True, slots=True)
class _Sample:
    schema: str
    folder: Path
    digest: str
    documents: int


def refit_calibration(
    ledger: Ledger,
    settings: Settings,
    *,
    least: int,
    model_in_use: Callable[[], AbstractContextManager[None]],
) -> Finding:
    """Fits the model's calibration anew if there are new samples, and enough of them.

    Args:
        ledger: where samples and decisions are.
        settings: the model, and how it is asked.
        least: documents of a schema that were drawn and decided; with fewer, that schema is left out.
        model_in_use: entered only if the model is asked.
    """
    with tempfile.TemporaryDirectory(prefix="parquetry-") as scratch:
        left: list[str] = []
        samples: list[_Sample] = []
        for name, fingerprint in sorted(ledger.latest_schemas().items()):
            found = _sample(ledger, settings, name, fingerprint, least, Path(scratch))
            if isinstance(found, str):
                left.append(found)
            else:
                samples.append(found)
        if not samples:
            said = "No schema has enough documents that were drawn at random and decided; nothing was fitted."
            return Finding(step=STEP, verdict="ok", said=said, details=left)
        return _fit(settings, samples, left, model_in_use)


def _sample(
    ledger: Ledger, settings: Settings, name: str, fingerprint: str, least: int, scratch: Path
) -> _Sample | str:
    """The sample of a schema as a labelled folder, or why there is none."""
    decided = sum(one.decided for one in ledger.samples(fingerprint))
    if decided < least:
        return f"{name}: {decided} of {least} documents decided that were drawn at random"
    folder = scratch / name
    try:
        exported = export_training(ledger, BlobStore(settings.home / "blobs"), name, folder, sampled=True)
    except UsageError as error:
        return f"{name}: {error}"
    ids = json.loads((folder / "splits.json").read_text(encoding="utf-8"))[SPLIT]
    schema = next((one for one in (name, str(folder / "schema.json")) if _is(one, fingerprint)), None)
    if schema is None:
        return f"{name}: the schema has changed since these documents were decided"
    return _Sample(schema, folder, set_digest(folder, ids, document_path), exported)


def _is(schema: str, fingerprint: str) -> bool:
    try:
        return load_schema(schema).fingerprint == fingerprint
    except UsageError:
        return False


def _fit(
    settings: Settings,
    samples: list[_Sample],
    left: list[str],
    model_in_use: Callable[[], AbstractContextManager[None]],
) -> Finding:
    model = pinned(settings.model, settings).model
    model_id = backend(model, settings.cache, settings.vllm).model_id
    folder = home_folder(settings, model_id)
    fitted_on = {
        "judged_as": identity(settings, model_id),  # a calibration is no good under other settings
        "samples": {one.folder.name: one.digest for one in samples},
    }
    used = folder / USED
    if (folder / FILE).is_file() and _read(used) == fitted_on:
        said = "Nothing new was drawn and decided since the calibration was fitted."
        return Finding(step=STEP, verdict="ok", said=said, details=left)
    if (folder / FILE).is_file():
        shutil.copyfile(folder / FILE, folder / BEFORE)
    folders, schemas = [one.folder for one in samples], [one.schema for one in samples]
    with model_in_use():
        try:
            fitting = fit_calibration(settings, folders, schemas, split=SPLIT)
        except UsageError as error:  # such as too few that can still be read: no reason to fail
            said = f"Nothing was fitted, and what was in force stays: {error}"
            return Finding(step=STEP, verdict="ok", said=said, details=left)
    used.write_text(json.dumps(fitted_on) + "\n", encoding="utf-8")
    extract = settings.extract
    shares = {one for one in (extract.error_budget, *extract.error_budgets.values()) if one is not None}
    budgets = [Budget(share, extract.confidence) for share in sorted(shares, reverse=True)]
    details = [_line(row) for row in certified(fitting.made, budgets)]
    total = sum(one.documents for one in samples)
    said = f"Fitted anew with {count(total, 'document')} drawn at random and decided: {fitting.path}."
    return Finding(step=STEP, verdict="done", said=said, details=[*details, *left])


def _read(path: Path) -> Any:
    """What a calibration was fitted on; ``None`` where nothing says so."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _line(row: dict[str, Any]) -> str:
    line = f"{row['schema']}: {row['documents']} documents, ECE {row['ece']}"
    for one in row["certificates"]:
        proved = one["least_probability"] is not None
        lands = f"{one['share_of_values']:.1%} of values land" if proved else "nothing lands"
        line += f"; under a budget of {one['error_budget']:g} {lands}"
    return line
