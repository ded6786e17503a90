"""Hostile files: each gets an outcome from the closed list, and the next document is read as if nothing was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fuzz import mutate, samples
from extractors.options import ReadOptions
from extractors.reading import ReaderPool, document_ref
from schemas.document import ReadDocument
from schemas.errors import DocumentError
from schemas.outcome import FailureReason, ReviewReason
from tests.robustness.nasty import NASTY, page_with

OPTIONS = ReadOptions(ocr=False, max_seconds=20, max_memory_mb=1024, image_side_px=64)


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(OPTIONS) as opened:
        yield opened


def _outcome(pool: ReaderPool, path: Path) -> ReadDocument | FailureReason:
    try:
        return pool.read(document_ref(path, f"test://{path.name}"), path)
    except DocumentError as error:
        assert path.name in str(error) and error.remedy
        return error.reason


def _reasons(document: ReadDocument) -> set[ReviewReason]:
    doubts = [*document.warnings, *(doubt for page in document.pages for doubt in page.warnings)]
    return {doubt.reason for doubt in doubts}


@pytest.mark.slow
@pytest.mark.parametrize("name", NASTY)
def test_every_hostile_file_has_an_outcome_and_its_neighbour_is_read(
    pool: ReaderPool, tmp_path: Path, name: str
) -> None:
    path, good = tmp_path / name, tmp_path / "good.pdf"
    NASTY[name](path)
    page_with(good).close()
    found = _outcome(pool, path)
    assert found in FailureReason.__members__.values() or isinstance(found, ReadDocument)
    if isinstance(found, ReadDocument):
        assert any(page.words for page in found.pages) or _reasons(found), "an empty success"
    neighbour = _outcome(pool, good)
    assert isinstance(neighbour, ReadDocument) and neighbour.pages[0].words[0].text == "Total"
    assert not neighbour.pages[0].warnings


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bomb.pdf", FailureReason.TOO_LARGE),
        ("bomb-in-bomb.pdf", FailureReason.TOO_LARGE),
        ("bomb.png", FailureReason.TOO_LARGE),
        ("frames.tif", FailureReason.TOO_MANY_PAGES),
        ("no-pages.pdf", FailureReason.EMPTY),
        ("locked.pdf", FailureReason.ENCRYPTED),
        ("cut.jpg", FailureReason.BROKEN),
        ("photo.heic", FailureReason.UNSUPPORTED_TYPE),
        ("page.html", FailureReason.UNSUPPORTED_TYPE),
    ],
)
def test_what_is_refused_before_it_does_harm(
    pool: ReaderPool, tmp_path: Path, name: str, reason: FailureReason
) -> None:
    NASTY[name](tmp_path / name)
    assert _outcome(pool, tmp_path / name) is reason


@pytest.mark.parametrize("name", ["image-bomb.pdf", "jpx-bomb.pdf", "ccitt-bomb.pdf", "thin-page.pdf"])
def test_a_page_that_must_not_be_drawn_keeps_its_text(pool: ReaderPool, tmp_path: Path, name: str) -> None:
    NASTY[name](tmp_path / name)
    found = _outcome(pool, tmp_path / name)
    if name == "thin-page.pdf":  # its text lies outside
        assert found is FailureReason.TOO_LARGE
        return
    assert isinstance(found, ReadDocument) and found.pages[0].words and found.pages[0].image is None
    assert any(
        "not drawn" in doubt.text and "90000 x 90000" in doubt.text for doubt in found.pages[0].warnings
    )


@pytest.mark.parametrize(("name", "word"), [("portfolio.pdf", "portfolio"), ("xfa.pdf", "XFA")])
def test_a_cover_page_is_a_doubt(pool: ReaderPool, tmp_path: Path, name: str, word: str) -> None:
    NASTY[name](tmp_path / name)
    found = _outcome(pool, tmp_path / name)
    assert isinstance(found, ReadDocument) and any(word in doubt.text for doubt in found.warnings)


@pytest.mark.slow
def test_a_page_that_hangs_costs_itself_only(pool: ReaderPool, tmp_path: Path) -> None:
    import pikepdf

    path, other = tmp_path / "forms.pdf", tmp_path / "good.pdf"
    NASTY["forms.pdf"](path)
    page_with(other).close()
    with pikepdf.open(path, allow_overwriting_input=True) as pdf, pikepdf.open(other) as good:
        pdf.pages.insert(0, good.pages[0])
        pdf.pages.append(good.pages[0])
        pdf.save(path)
    found = _outcome(pool, path)
    assert isinstance(found, ReadDocument)
    assert [page.words[0].text if page.words else "" for page in (found.pages[0], found.pages[2])] == [
        "Total"
    ] * 2
    assert found.pages[1].warnings


@pytest.mark.slow
def test_damaged_samples_have_an_outcome(pool: ReaderPool, tmp_path: Path) -> None:
    """A hundred samples with bytes flipped, cut, swapped; more of them in ``python -m benchmarks.fuzz``."""
    files = samples()
    for seed in range(100):
        chance = random.Random(seed)
        path = tmp_path / f"{seed}.pdf"
        path.write_bytes(mutate(chance.choice(files).read_bytes(), chance))
        found = _outcome(pool, path)
        if isinstance(found, ReadDocument):
            assert any(page.words for page in found.pages) or _reasons(found), seed
