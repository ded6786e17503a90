"""What a model's folder tells of it: training, evaluation, calibration, card. For people; nothing is decided by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from extractors.confidence.calibrator import FILE, FOLDER
from extractors.models.guard import EVALUATION, RUN_RECORD

CARD = "README.md"
_LINES = 20


def about(folder: Path) -> dict[str, Any]:
    """Figures of training, evaluation and calibration; each ``None`` where there are none."""
    return {
        "training": _training(_json(folder / "model.json"), _json(folder / RUN_RECORD)),
        "evaluation": _evaluation(_json(folder / EVALUATION)),
        "calibration": _calibration(_json(folder / FOLDER / FILE)),
    }


def card_of(folder: Path) -> str:
    """The first lines of its card; printable characters only, since others wrote it."""
    try:
        lines = (folder / CARD).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    shown = lines[:_LINES] + (["..."] if len(lines) > _LINES else [])
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in shown)


def _training(card: dict[str, Any], record: dict[str, Any]) -> dict[str, Any] | None:
    if not card:
        return None
    run = record.get("training")
    measured = run if isinstance(run, dict) else {}
    data = card.get("data")
    return {
        "steps": card.get("steps"),
        "tokens": card.get("tokens"),
        "model_of_step": card.get("model_of_step"),
        "dev_loss": measured.get("dev_loss"),
        "dev_f1": measured.get("dev_f1"),
        "began": record.get("began"),
        "sets": [str(one.get("set")) for one in data if isinstance(one, dict)]
        if isinstance(data, list)
        else [],
    }


def _evaluation(report: dict[str, Any]) -> dict[str, Any] | None:
    micro = report.get("micro")
    if not isinstance(micro, dict):
        return None
    return {
        "set": report.get("set"),
        "split": report.get("split"),
        "documents": report.get("documents"),
        "f1": micro.get("f1"),
        "model": report.get("model"),
    }


def _calibration(found: dict[str, Any]) -> dict[str, Any] | None:
    evidence = found.get("evidence")
    if not isinstance(evidence, dict):
        return None
    named = [one for one in evidence.values() if isinstance(one, dict)]
    return {
        "schemas": sorted({str(one.get("name")) for one in named}),
        "documents": sum(len(seen) for one in named if isinstance(seen := one.get("documents"), list)),
        "made": found.get("made"),
        "of": found.get("model_id"),
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
