"""Backends read documents: `transformers` with a model in process, `scripted` with rules and no weights."""

from __future__ import annotations

from pathlib import Path

from extractors.backends.base import Backend


def load_backend(model: str, *, cache: Path) -> Backend:
    """The backend for a model name.

    Args:
        model: ``embedded`` (default of the product), ``scripted``, or the path of a model folder.
        cache: folder of fetched base weights.

    Raises:
        ModelError: the model is missing or broken, with a remedy.
    """
    if model == "scripted":
        from extractors.backends.scripted import ScriptedBackend

        return ScriptedBackend()
    from extractors.backends.transformers import TransformersBackend
    from extractors.models.load import load_model

    return TransformersBackend(load_model(model, cache))
