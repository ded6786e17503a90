"""Model folders to models in memory. One path for all: Hugging Face image-text-to-text, safetensors, no remote code.

A folder is either a whole checkpoint, or a tuned one: ``model.json`` (names its base), a LoRA adapter, and the trained
vision tower and connector. The embedded model is a tuned one that ships with the project.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.models.base import base_folder, file_sha256, is_fetched
from extractors.models.cpu import settle_instruction_set
from extractors.models.layout import WEIGHT, attach_layout
from schemas.errors import ModelError

EMBEDDED = Path(__file__).parent / "embedded"
EMBEDDED_BASE = "embedded-base"
VISION_FILE = "vision.safetensors"
DEFAULT_WINDOW_TOKENS = 1400


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """``model`` and ``processor`` ready to answer; ``window_tokens`` of document text per window.

    ``unsure_below``: the score (nats) under which this model's answers were found to be often wrong, and texts of the
    rules to be better. ``hints``: it was trained to be shown what the scripted rules found. ``rows_unsure_below``: of a
    list on whose rows its mean score is lower, the rules' rows were found to be better.
    """

    name: str
    model_id: str
    model: Any
    processor: Any
    window_tokens: int
    unsure_below: float = -math.inf
    hints: bool = False
    rows_unsure_below: float = -math.inf


@dataclass(frozen=True, slots=True)
class Card:
    """What ``model.json`` says of a model, with the defaults of a folder without one; names as in `LoadedModel`.

    ``base``: what a tuned model is to be put on; ``None``: the folder is a whole checkpoint.
    """

    base: str | None = None
    window_tokens: int = DEFAULT_WINDOW_TOKENS
    unsure_below: float = -math.inf
    hints: bool = False
    rows_unsure_below: float = -math.inf


def card_of(folder: Path) -> Card:
    """The card of a model folder.

    Raises:
        ModelError: it is damaged.
    """
    said = _card(folder) or {}
    return Card(
        said.get("base"),
        int(said.get("window_tokens", DEFAULT_WINDOW_TOKENS)),
        float(said.get("unsure_below", -math.inf)),
        bool(said.get("hints", False)),
        float(said.get("rows_unsure_below", -math.inf)),
    )


def load_processor(base: str, cache: Path) -> Any:
    """The processor of a checkpoint, without its weights.

    Args:
        base: ``embedded-base``, or the path of a checkpoint folder.
        cache: where the embedded model's base was fetched to.

    Raises:
        ModelError: the folder is missing, or has no processor.
    """
    folder = _base_path(base, cache)
    from transformers import AutoProcessor

    try:
        return AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise _needs_package(folder, error) from error
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{folder} has no processor that can be loaded: {_first_line(error)}",
            remedy="Give a folder with config.json, processor_config.json, tokenizer.json and the chat template.",
        ) from error


def load_base(base: str, cache: Path) -> tuple[Any, Any]:
    """The untuned model and its processor, in bf16, on the CPU.

    Args:
        base: ``embedded-base``, or the path of a checkpoint folder.
        cache: where the embedded model's base was fetched to.

    Raises:
        ModelError: the folder is missing or no image-text-to-text checkpoint.
    """
    folder = _base_path(base, cache)
    settle_instruction_set(cache)
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False
        )
        model = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=torch.bfloat16,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except ImportError as error:
        raise _needs_package(folder, error) from error
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{folder} is no image-text-to-text checkpoint: {_first_line(error)}",
            remedy="Give a folder with config.json, processor files and safetensors weights.",
        ) from error
    return model, processor


def _needs_package(folder: Path, error: ImportError) -> ModelError:
    return ModelError(
        f"{folder} needs a package that is not installed: {_first_line(error)}",
        remedy="Install it beside parquetry: SmolVLM asks for num2words, Qwen2.5-VL for torchvision.",
    )


def load_model(name: str, cache: Path, *, packed: bool = True) -> LoadedModel:
    """A model by name: ``embedded``, or the path of a folder. On CUDA when it is there.

    Args:
        name: which.
        cache: where the embedded model's base was fetched to.
        packed: lay its weights out for speed (`pack_language_half`); without it, it can be trained on and saved.

    Raises:
        ModelError: with what is missing and what to do.
    """
    folder = EMBEDDED if name == "embedded" else Path(name)
    if not folder.is_dir():
        raise ModelError(
            f"No model named {name!r}.", remedy="Use embedded, scripted, or the path of a model folder."
        )
    if not any((folder / file).is_file() for file in ("model.json", "config.json")):
        raise ModelError(
            f"{folder} has neither model.json nor config.json.",
            remedy="Train it with `parquetry train`, or give a checkpoint folder.",
        )
    card = card_of(folder)
    model, processor = load_base(card.base or str(folder), cache)
    if card.base:
        model = _with_adapter(model, folder)
    import torch

    from extractors.models.packed import pack_language_half

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device).eval()
    if packed:
        pack_language_half(model)
    return LoadedModel(
        name,
        _identity(folder),
        model,
        processor,
        card.window_tokens,
        card.unsure_below,
        card.hints,
        card.rows_unsure_below,
    )


def model_identity(name: str) -> str:
    """The ``model_id`` of a model without loading it.

    Raises:
        ModelError: there is no such folder.
    """
    folder = EMBEDDED if name == "embedded" else Path(name)
    if not folder.is_dir():
        raise ModelError(
            f"No model named {name!r}.", remedy="Use embedded, scripted, or the path of a model folder."
        )
    return _identity(folder)


def _identity(folder: Path) -> str:
    """Folder's name and content; of a model that is shown hints, also which rules made them."""
    from extractors.backends.scripted import RULES

    rules = f"-{RULES}" if card_of(folder).hints else ""
    return f"{folder.name}-{_fingerprint(folder)}{rules}"


def shows_hints(name: str) -> bool:
    """Whether a model was trained to be shown what the scripted rules found.

    Raises:
        ModelError: its card is damaged.
    """
    return card_of(EMBEDDED if name == "embedded" else Path(name)).hints


def _base_path(base: str, cache: Path) -> Path:
    if base == EMBEDDED_BASE:
        if not is_fetched(cache):
            raise ModelError(
                f"The embedded model's base weights are not in {cache}.",
                remedy="Fetch them once: python -m extractors.models fetch (or make demo).",
            )
        return base_folder(cache)
    folder = Path(base)
    if not folder.is_dir():
        raise ModelError(f"The base model folder {base} does not exist.", remedy="Give an existing folder.")
    return folder


def _card(folder: Path) -> dict[str, Any] | None:
    path = folder / "model.json"
    if not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict) or ("base" not in card and not (folder / "config.json").is_file()):
            raise ValueError("no base named")
    except ValueError as error:
        raise ModelError(f"{path}: {error}.", remedy="Restore the file, or train again.") from error
    return card


def wants_layout(folder: Path) -> bool:
    """Whether a tuned model was trained with the coordinates of words (`extractors.models.layout`).

    Raises:
        ModelError: its file of tower and connector cannot be read.
    """
    if not (folder / VISION_FILE).is_file():
        return False
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / VISION_FILE, framework="numpy") as file:
            return WEIGHT in set(file.keys())
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{folder / VISION_FILE} cannot be read: {_first_line(error)}",
            remedy="Restore the folder's files, or train again.",
        ) from error


def _with_adapter(model: Any, folder: Path) -> Any:
    """Tower and connector put in place, adapter merged into the weights."""
    from peft import PeftModel
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if (folder / VISION_FILE).is_file():
            tensors = load_file(folder / VISION_FILE)
            if WEIGHT in tensors:
                attach_layout(model)
            _, unexpected = model.load_state_dict(tensors, strict=False)
            if unexpected:
                raise ValueError(f"{VISION_FILE} has unknown tensors: {unexpected[:3]}")
        with warnings.catch_warnings():
            # peft asks the model for a property by its old name.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            return PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The adapter in {folder} cannot be loaded: {_first_line(error)}",
            remedy="Restore the folder's files, or train again.",
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _fingerprint(folder: Path) -> str:
    """Changes with any weight or config file of the folder."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in {".safetensors", ".json"} and file.is_file():
            digest.update(file.name.encode())
            digest.update(file_sha256(file).encode())
    return digest.hexdigest()[:12]
