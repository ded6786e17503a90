"""The way of a document: read, extract, validate, route. The story of the product in one function."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from extractors.backends.base import Backend
from extractors.confidence.judge import Judge
from extractors.context import working
from extractors.options import ExtractOptions, PageRange, ReadOptions
from extractors.prompting.addressed import set_aside
from extractors.reading import ReaderPool
from extractors.validation.validate import route, validate
from schemas.document import DocumentRef, ReadDocument
from schemas.errors import DocumentError
from schemas.extraction import Extraction, PageShape
from schemas.registry import LoadedSchema

Seen = Callable[[ReadDocument], None]


def extract_document(
    ref: DocumentRef,
    path: Path,
    *,
    schema: LoadedSchema,
    reader: ReaderPool,
    backend: Backend,
    read_options: ReadOptions,
    options: ExtractOptions,
    judge: Judge | None = None,
    seen: Seen | None = None,
) -> Extraction:
    """One document against one schema. Whatever is wrong with the document is in the result, not raised.

    Args:
        ref: which bytes these are.
        path: a local file that holds them.
        schema: what to extract.
        reader: reads in children that can be killed.
        backend: answers.
        read_options: limits of reading, passwords, page range.
        options: limits of extracting and the rule of acceptance.
        judge: what is known of the model's answers under this schema, and the error budget.
        seen: told the document once it is read.

    Raises:
        BackendError: the model failed; trying again can help, and the caller knows how often.
    """
    began = time.perf_counter()
    head = {
        "document": ref.uri,
        "sha256": ref.sha256,
        "schema_name": schema.name,
        "schema_fingerprint": schema.fingerprint,
        "model": backend.model_id,
    }
    try:
        with working(stage="read"):
            document = reader.read(ref, path, read_options)
    except DocumentError as error:
        detail = f"{error} {error.remedy}".strip()
        return Extraction(
            **head,
            outcome="unreadable",
            failure=error.reason,
            detail=detail,
            timings={"read": round(time.perf_counter() - began, 3), **error.timings},
        )
    read_seconds = time.perf_counter() - began
    if seen is not None:
        seen(document)

    document = set_aside(document, schema.tree)
    with working(stage="model"):
        answer = backend.answer([document], schema)[0]
    checked = time.perf_counter()
    with working(stage="check"):
        validated = validate(answer, schema, document, options, judge)
        accepted = route(validated, options)
    check_seconds = time.perf_counter() - checked

    return Extraction(
        **head,
        outcome="extracted",
        accepted=accepted,
        data=validated.data,
        fields=validated.fields,
        reasons=validated.reasons,
        messages=validated.messages,
        page_count=document.page_count,
        pages=[
            PageShape(number=p.number, width=p.width, height=p.height, rotation=p.rotation)
            for p in document.pages
        ],
        timings={
            "read": round(read_seconds, 3),
            **document.timings,
            **answer.timings,
            "check": round(check_seconds, 3),
            "total": round(time.perf_counter() - began, 3),
        },
        counts={**page_counts(document, read_options.pages), **answer.counts},
    )


def page_counts(document: ReadDocument, asked: PageRange) -> dict[str, int]:
    """How many words were read, and where each page of the file went: ``pages`` is the sum of all ``pages_…``.

    A page that was asked for and did not come, or came without words and with a warning, is unreadable.
    """
    last = document.page_count if asked.last is None else min(asked.last, document.page_count)
    wanted = max(last - asked.first + 1, 0)
    sources: Counter[str] = Counter()
    words = 0
    for page in document.pages:
        sources["unreadable" if page.source == "blank" and page.warnings else page.source] += 1
        words += len(page.words)
    read = {name: sources[name] for name in ("text_layer", "ocr", "blank")}
    places = {**read, "unreadable": wanted - sum(read.values()), "skipped": document.page_count - wanted}
    told = {"words": words, "pages": document.page_count}
    return {**told, **{f"pages_{name}": count for name, count in places.items()}}
