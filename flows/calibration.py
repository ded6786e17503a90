"""Where a model's calibration lies, and the judge that it gives a schema under the settings."""

from __future__ import annotations

from pathlib import Path

from extractors.confidence.calibrator import FILE, FOLDER, Calibrator, found_calibrator
from extractors.confidence.judge import Judge, judge_of
from extractors.models.load import EMBEDDED
from flows.settings import Settings
from schemas.registry import LoadedSchema


def home_folder(settings: Settings, model_id: str) -> Path:
    """Where a user's own calibration of a model is kept."""
    return settings.home / FOLDER / model_id


def shipped_folder(settings: Settings) -> Path | None:
    """Where a model brings its calibration along; the scripted rules have no folder."""
    if settings.model == "scripted":
        return None
    return (EMBEDDED if settings.model == "embedded" else Path(settings.model)) / FOLDER


def calibrator_of(settings: Settings, model_id: str) -> Calibrator | None:
    """The calibration in force: the user's own before the model's.

    Raises:
        ModelError: it is damaged, or of another model.
    """
    shipped = shipped_folder(settings)
    places = [home_folder(settings, model_id), *([shipped] if shipped else [])]
    return found_calibrator((folder / FILE for folder in places), model_id)


def judge_for(settings: Settings, schema: LoadedSchema, model_id: str) -> Judge:
    """Probabilities and error budget for a schema, as the settings want them.

    Raises:
        ModelError: the calibration is damaged, or of another model.
    """
    return judge_of(schema, settings.extract, calibrator_of(settings, model_id))
