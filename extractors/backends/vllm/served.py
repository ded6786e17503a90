"""What is known here of a model that a server serves: its processor, and what its card says; no weights."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.options import VllmOptions
from schemas.errors import ModelError

if TYPE_CHECKING:
    from extractors.models.load import ModelDescription

PREFIX = "vllm"
_SAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class ServedModel:
    """As `extractors.models.load.LoadedModel`, of a model that is not in this process. ``name``: at the server."""

    name: str
    model_id: str
    processor: Any
    window_tokens: int
    unsure_below: float
    hints: bool
    rows_unsure_below: float
    trained_under: frozenset[str]


def is_vllm(model: str) -> bool:
    """Whether a model name of the settings means a server: ``vllm``, or ``vllm:NAME``."""
    return model == PREFIX or model.startswith(f"{PREFIX}:")


def served_name(model: str, options: VllmOptions) -> str:
    """The name that the server lists, of ``vllm:NAME`` or of the settings.

    Raises:
        ModelError: there is none.
    """
    name = model.partition(":")[2] or options.model
    if not name:
        raise ModelError(
            "The settings do not say which model of the vLLM server is meant.",
            remedy="Write --model vllm:NAME, or vllm.model, with a name that `GET /v1/models` lists.",
        )
    return name


def served_folder(options: VllmOptions) -> str:
    """The folder of the model that is served, or its name in the store.

    Raises:
        ModelError: none is set.
    """
    if not options.folder:
        raise ModelError(
            "The settings do not say where the processor of the served model lies.",
            remedy="Set vllm.folder to the model folder that the server serves, or to a copy without its weights.",
        )
    return str(Path(options.folder).expanduser())


def served_description(model: str, options: VllmOptions, cache: Path) -> ModelDescription:
    """Which model it is, without asking the server: its name there, and the folder's content.

    The ``model_id`` says ``vllm``, because a calibration of the same weights in process is of other scores.

    Raises:
        ModelError: the settings do not say, or there is no such folder.
    """
    from extractors.models.load import model_description  # brings torch, which the review page does without

    name = _SAFE.sub("_", served_name(model, options))
    about = model_description(served_folder(options), cache)
    return replace(about, model_id=f"{PREFIX}-{name}-{about.model_id}")


def load_served(model: str, options: VllmOptions, cache: Path) -> ServedModel:
    """Processor and card of a served model.

    Raises:
        ModelError: the folder is not complete, or of a model that a server cannot run as we do.
    """
    about = served_description(model, options, cache)
    from extractors.models.load import load_processor

    parts = load_processor(served_folder(options), cache)
    if parts.layout:
        raise ModelError(
            f"{options.folder} was trained with coordinates beside its words, which vLLM has no place for.",
            remedy="Use it in process, or train without layout.",
        )
    return ServedModel(
        served_name(model, options),
        about.model_id,
        parts.processor,
        parts.window_tokens,
        parts.unsure_below,
        parts.hints,
        parts.rows_unsure_below,
        parts.trained_under,
    )
