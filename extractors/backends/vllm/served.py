"""What is known here of a model that a server serves: its processor, and what its card says; no weights."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.models.base import file_sha256
from extractors.models.load import Card, card_of, load_processor, wants_layout
from extractors.options import VllmOptions
from schemas.errors import ModelError

PREFIX = "vllm"
_HASHED = {".json", ".jinja", ".safetensors"}
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


def served_folder(options: VllmOptions) -> Path:
    """The folder of the model that is served.

    Raises:
        ModelError: none is set, or it is not there.
    """
    if options.folder is None:
        raise ModelError(
            "The settings do not say where the processor of the served model lies.",
            remedy="Set vllm.folder to the model folder that the server serves, or to a copy without its weights.",
        )
    folder = options.folder.expanduser()
    if not folder.is_dir():
        raise ModelError(f"The model folder {folder} does not exist.", remedy="Correct vllm.folder.")
    return folder


def served_identity(model: str, options: VllmOptions) -> str:
    """The ``model_id`` of a served model, without asking the server: its name there, and the folder's content.

    It says ``vllm``, because a calibration of the same weights in process is of other scores.
    """
    name, folder = served_name(model, options), served_folder(options)
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in _HASHED and file.is_file():
            digest.update(file.name.encode())
            digest.update(file_sha256(file).encode())
    return f"{PREFIX}-{_SAFE.sub('_', name)}-{digest.hexdigest()[:12]}{_rules(card_of(folder))}"


def load_served(model: str, options: VllmOptions, cache: Path) -> ServedModel:
    """Processor and card of a served model.

    Raises:
        ModelError: the folder is not complete, or of a model that a server cannot run as we do.
    """
    folder = served_folder(options)
    card = card_of(folder)
    if wants_layout(folder):
        raise ModelError(
            f"{folder} was trained with coordinates beside its words, which vLLM has no place for.",
            remedy="Use it in process, or train without layout.",
        )
    return ServedModel(
        served_name(model, options),
        served_identity(model, options),
        load_processor(card.base or str(folder), cache),
        card.window_tokens,
        card.unsure_below,
        card.hints,
        card.rows_unsure_below,
    )


def _rules(card: Card) -> str:
    from extractors.backends.scripted import RULES

    return f"-{RULES}" if card.hints else ""
