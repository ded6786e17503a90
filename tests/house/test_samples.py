"""The sample documents: committed as generated, true, few bytes, and listed in their README."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from decimal import Decimal
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from samples.make.collection import PASSWORD, samples, truth_of
from samples.make.paper import Sample
from schemas.registry import load_schema
from schemas.tree import Kind, Leaf, leaves

FOLDER = Path(__file__).parents[2] / "samples"
MADE = {sample.path: sample for sample in samples()}
WITH_TRUTH = sorted(path for path, sample in MADE.items() if sample.truth)


def text(pdf: bytes) -> str:
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]
    return " ".join(" ".join(pages).split())


def test_the_folders_hold_exactly_the_samples() -> None:
    found = {
        path.relative_to(FOLDER).as_posix()
        for schema in ("receipt", "ad_buy", "invoice")
        for path in (FOLDER / schema).iterdir()
    }
    assert found == set(MADE)
    assert len(found) >= 15
    assert sum((FOLDER / path).stat().st_size for path in found) < 2_000_000


@pytest.mark.parametrize("path", [p for p, s in sorted(MADE.items()) if s.source is s.data])
def test_digital_documents_are_made_the_same_again(path: str) -> None:
    assert (FOLDER / path).read_bytes() == MADE[path].data


@pytest.mark.parametrize("path", sorted(MADE))
def test_truths_are_as_generated(path: str) -> None:
    assert json.loads((FOLDER / "truth" / f"{path}.json").read_text("utf-8")) == truth_of(MADE[path])


@pytest.mark.parametrize("path", WITH_TRUTH)
def test_truths_stand_on_the_page(path: str) -> None:
    sample = MADE[path]
    assert sample.source is not None
    assert sample.truth is not None
    page = text(sample.source)
    for field, (printed, _) in sample.truth.values.items():
        assert printed is None or printed in page, field


@pytest.mark.parametrize("path", WITH_TRUTH)
def test_truths_are_of_the_schema_and_typed(path: str) -> None:
    sample = MADE[path]
    assert sample.truth is not None
    kinds: dict[str, Leaf] = dict(leaves(load_schema(sample.schema).tree))
    named = set()
    for field, (_, value) in sample.truth.values.items():
        leaf = kinds[re.sub(r"\.\d+", "[]", field)]
        named.add(field.split(".")[0])
        if value is not None and leaf.kind is Kind.DATE:
            dt.date.fromisoformat(value)
        if value is not None and leaf.kind is Kind.DECIMAL:
            Decimal(value)
    assert {leaf.split("[")[0] for leaf in kinds} == named, "every field of the schema is labelled"


def test_sums_add_up() -> None:
    """A sample that breaks a rule by mistake would teach people to ignore rules."""
    for sample in MADE.values():
        if sample.schema == "invoice" and sample.truth:
            values = {field: value for field, (_, value) in sample.truth.values.items()}
            lines = [Decimal(v or 0) for f, v in values.items() if f.endswith(".line_total")]
            assert sum(lines) == Decimal(values["net_total"] or 0), sample.path
            tax = Decimal(values["tax_total"] or 0)
            assert Decimal(values["net_total"] or 0) + tax == Decimal(values["gross_total"] or 0), sample.path


def test_scans_have_no_text_layer() -> None:
    scans = [s for s in MADE.values() if s.path.endswith(".pdf") and s.source and s.source is not s.data]
    scans = [s for s in scans if s.outcome == "extracted"]
    assert len(scans) >= 4
    for sample in scans:
        assert text((FOLDER / sample.path).read_bytes()) == ""


def test_the_damaged_ones_are_what_they_say() -> None:
    locked = (FOLDER / "invoice/locked.pdf").read_bytes()
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(locked))
    with pikepdf.open(io.BytesIO(locked), password=PASSWORD) as opened:
        assert len(opened.pages) == 1
    assert (FOLDER / "receipt/empty.pdf").read_bytes() == b""
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument((FOLDER / "invoice/broken.pdf").read_bytes())
    original = (FOLDER / "receipt/petrol-station.pdf").read_bytes()
    assert (FOLDER / "receipt/petrol-station-copy.pdf").read_bytes() == original


@pytest.mark.parametrize("name", ["bakery-photo.jpg", "pharmacy-fax.tif", "pharmacy-screen.png"])
def test_pictures_open(name: str) -> None:
    with Image.open(FOLDER / "receipt" / name) as picture:
        picture.load()
        assert min(picture.size) > 400


def row(sample: Sample) -> str:
    return f"| `{sample.path}` |"


def test_the_readme_lists_every_sample() -> None:
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert [path for path, sample in MADE.items() if row(sample) not in listed] == []
    assert PASSWORD in listed
