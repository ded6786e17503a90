"""The in-process backend: a Hugging Face image-text-to-text model under a grammar of schema and page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from extractors.backends.windowed import MAX_ANSWER_TOKENS, WindowedBackend
from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.row import Decoded, Request
from extractors.models.load import LoadedModel


class TransformersBackend(WindowedBackend):
    """Reads documents with a model in this process; not for several threads at once (one KV cache, all cores)."""

    def __init__(
        self, loaded: LoadedModel, *, max_answer_tokens: int = MAX_ANSWER_TOKENS, with_image: bool = True
    ) -> None:
        super().__init__(loaded, max_answer_tokens=max_answer_tokens, with_image=with_image)
        self.decoder = GreedyDecoder(loaded.model, loaded.processor.tokenizer)

    def decoded(self, requests: Iterable[Request]) -> Iterator[tuple[int, Decoded]]:
        """The answers of the model in this process; see `WindowedBackend.decoded`."""
        return self.decoder.answers(requests)
