"""Where a model's calibration lies, and the judge that it gives a schema under the settings."""

from __future__ import annotations

import logging
from pathlib import Path

from extractors.backends.vllm.served import is_vllm
from extractors.confidence.calibrator import (
    FILE,
    FOLDER,
    Calibrator,
    OtherCircumstancesError,
    load_calibrator,
)
from extractors.confidence.certify import certify
from extractors.confidence.features import judged_as
from extractors.confidence.judge import Judge, budget_of, judge_of
from extractors.models.stored import locate
from flows.modelstore import pinned
from flows.settings import Settings
from schemas.registry import LoadedSchema

log = logging.getLogger(__name__)


def home_folder(settings: Settings, model_id: str) -> Path:
    """Where a user's own calibration of a model is kept."""
    return settings.home / FOLDER / model_id


def model_folder(settings: Settings) -> Path | None:
    """The folder of the model; the scripted rules have none, and none is known of a served one.

    Raises:
        ModelError: there is no such model.
    """
    if settings.model == "scripted" or is_vllm(settings.model):
        return None
    return locate(pinned(settings.model, settings).model, settings.cache).folder


def shipped_folder(settings: Settings) -> Path | None:
    """Where a model brings its calibration along, if it has one."""
    folder = model_folder(settings)
    return folder / FOLDER if folder else None


def identity(settings: Settings, model_id: str) -> str:
    """What a calibration of the model under these settings goes by."""
    return judged_as(model_id, settings.extract, settings.read_options())


def calibrator_of(settings: Settings, model_id: str) -> Calibrator | None:
    """The calibration in force: the user's own before the model's.

    The model's own knows nothing of other settings than those it was made under: with others there is none.

    Raises:
        ModelError: it is damaged, or of another model; the user's own also if it was made under other settings.
    """
    asked = identity(settings, model_id)
    own = home_folder(settings, model_id) / FILE
    if own.is_file():
        return load_calibrator(own, asked)
    shipped = shipped_folder(settings)
    if shipped is None or not (shipped / FILE).is_file():
        return None
    try:
        return load_calibrator(shipped / FILE, asked)
    except OtherCircumstancesError as error:
        log.warning("no probabilities: %s", error)
        return None


def judge_for(settings: Settings, schema: LoadedSchema, model_id: str, *, whole: bool = True) -> Judge:
    """Probabilities and error budget for a schema, as the settings want them.

    Args:
        settings: with the budget.
        schema: what is extracted.
        model_id: who extracts.
        whole: documents are read from their first page to their last; what is known of whole documents proves nothing
            about parts of them, so that nothing lands under a budget.

    Raises:
        ModelError: the calibration is damaged, or of another model.
        UsageError: other schemas have a budget, and this one has none.
    """
    judge = judge_of(schema, settings.extract, calibrator_of(settings, model_id))
    budget = budget_of(schema.name, settings.extract)
    if whole or budget is None:
        return judge
    return Judge(schema.fingerprint, None, certify([], budget))
