"""Backends read documents: a model in process (`transformers`) or at a server (`vllm`), or rules (`scripted`)."""

from __future__ import annotations

from pathlib import Path

from extractors.backends.base import Backend
from extractors.backends.vllm.served import is_vllm
from extractors.options import VllmOptions


def load_backend(model: str, *, cache: Path, vllm: VllmOptions | None = None) -> Backend:
    """The backend for a model name.

    Args:
        model: ``embedded`` (default of the product), ``scripted``, ``vllm``, ``vllm:NAME``, or the path of a model
            folder.
        cache: folder of fetched base weights.
        vllm: where the server is.

    Raises:
        ModelError: the model is missing or broken, or the server does not keep to grammars; with a remedy.
        OutageError: the server does not answer.
    """
    if model == "scripted":
        from extractors.backends.scripted import ScriptedBackend

        return ScriptedBackend()
    if is_vllm(model):
        from extractors.backends.vllm.backend import VllmBackend

        return VllmBackend(model, vllm or VllmOptions(), cache)
    from extractors.backends.transformers import TransformersBackend
    from extractors.models.load import load_model

    return TransformersBackend(load_model(model, cache))
