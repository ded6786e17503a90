"""The embedded model itself, fetched and loaded as users do: it reads a sample document, grounded and typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.backends import load_backend
from extractors.models.base import fetch_base
from extractors.options import ExtractOptions, ReadOptions
from extractors.pipeline import extract_document
from extractors.reading import ReaderPool, document_ref
from schemas.registry import load_schema

SAMPLES = Path(__file__).parents[2] / "samples"
CACHE = Path("~/.cache/parquetry").expanduser()


@pytest.mark.model
@pytest.mark.timeout(900)  # a fresh machine fetches and converts the base first
def test_the_embedded_model_reads_a_receipt() -> None:
    fetch_base(CACHE)
    backend = load_backend("embedded", cache=CACHE)
    path = SAMPLES / "receipt" / "petrol-station.pdf"
    truth = json.loads((SAMPLES / "truth" / "receipt" / "petrol-station.pdf.json").read_text())
    with ReaderPool(ReadOptions()) as reader:
        extraction = extract_document(
            document_ref(path, path.name),
            path,
            schema=load_schema("receipt"),
            reader=reader,
            backend=backend,
            read_options=ReadOptions(),
            options=ExtractOptions(),
        )
    assert extraction.outcome == "extracted"
    assert extraction.model.startswith("embedded-")
    assert extraction.data is not None
    assert extraction.data["date"] == truth["fields"]["date"]["value"]
    for found in extraction.fields:
        assert found.probability is None
        assert found.calibration == "uncalibrated"
        if found.raw is not None:
            assert found.boxes, found
            assert found.page == 1
    assert extraction.counts["model_calls"] < extraction.counts["answer_tokens"]
