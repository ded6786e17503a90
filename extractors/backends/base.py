"""What a backend is: it reads windows of a document and answers with JSON under the schema.

A *window* is a run of whole printed lines of a document that fits the model's context. A backend gives, per
window, one value per leaf with its place; `extractors.grounding.merge` makes one answer of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.document import ReadDocument, Word
from schemas.registry import LoadedSchema


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value stands: ``words`` are ``(page number, word)`` in reading order."""

    words: tuple[tuple[int, Word], ...]


@dataclass(frozen=True, slots=True)
class LeafAnswer:
    """The answer for one leaf: the text as printed, or ``None`` when it is not on the document.

    ``path`` is concrete (``line_items.0.quantity``). ``log_probability`` is the sum over its tokens, in nats, under the
    grammar; ``log_mass`` the sum of the logarithms of the shares of the model's probability that the grammar allowed
    there: 0 when the model wanted nothing else, ``None`` where no model answered. ``span`` is ``None`` for nulls,
    choices and free text. ``others``: what else it could be, as text and place, the likeliest first; of a backend
    that weighs candidates, or of the rules beside a model (`candidates`). ``signals``: whatever else says how far the
    answer can be trusted, by name; the names and their meaning are those of `extractors.confidence.features`; ``mark``
    (0..1), which no feature weighs yet: a mark on the page decided, and how certain it is.
    """

    path: str
    raw: str | None
    log_probability: float
    span: Span | None = None
    reasons: tuple[str, ...] = ()
    log_mass: float | None = None
    others: tuple[tuple[str, Span], ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """One window's nested raw answer and its leaves, in schema order."""

    data: dict[str, Any]
    leaves: tuple[LeafAnswer, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend made of one document: leaves in schema order, and how much work it was.

    ``data`` is the nested raw answer (texts, not yet typed). ``truncated`` says that the length limit cut the
    answer. ``counts``: ``windows``, ``model_calls``, ``prompt_tokens``, ``answer_tokens``.
    """

    data: dict[str, Any]
    leaves: tuple[LeafAnswer, ...]
    truncated: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def others(self) -> dict[str, list[str]]:
        """By path, what else a leaf could be, the likeliest first."""
        return {leaf.path: [text for text, _ in leaf.others] for leaf in self.leaves if leaf.others}


class Backend(Protocol):
    """A reader of documents. Implementations: `transformers` (in process) and `scripted` (no weights)."""

    @property
    def model_id(self) -> str:
        """Name and content hash of what answers; part of the ledger's key."""
        ...

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        """One answer per document, in order.

        Raises:
            BackendError: the model failed; retryable.
        """
        ...
