"""Every kind of document: its truth stands on its pages, its words do not overlap, its sums hold."""

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pdfplumber
import pytest

from extractors.training.synthesis.contract import FieldSpec, Sheet
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.sheets import LAYOUTS, LOCALES, make_sheet
from extractors.validation.text import text_key
from schemas.errors import UsageError


def printed(fields: tuple[FieldSpec, ...], truth: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Truths that must stand on the page, with their keys."""
    for field in fields:
        value = truth[field.key]
        if field.type == "list" and field.fields:
            for row in value or []:
                yield from printed(field.fields, row)
        elif field.type == "object":
            yield from printed(field.fields, value or {})
        elif field.type not in ("choice", "boolean") and not field.pixels and value is not None:
            for text in value if isinstance(value, list) else [value]:
                yield field.key, text


def pages_of(sheet: Sheet) -> list[list[dict[str, Any]]]:
    with pdfplumber.open(io.BytesIO(sheet.pdf)) as document:
        return [page.extract_words(keep_blank_chars=False) for page in document.pages]


def collisions(words: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Pairs of words that cover each other by more than the slack of line heights."""
    ordered = sorted(words, key=lambda word: word["top"])
    for at, one in enumerate(ordered):
        for other in ordered[at + 1 :]:
            if other["top"] > one["bottom"] - 2.5:
                break
            if min(one["x1"], other["x1"]) - max(one["x0"], other["x0"]) > 1:
                yield one["text"], other["text"]


def check_sheet(sheet: Sheet) -> None:
    kind = KINDS[sheet.kind]
    assert set(sheet.truth) == {field.key for field in kind.fields}
    pages = pages_of(sheet)
    assert len(pages) == sheet.pages >= 1
    here = f"{sheet.kind} {sheet.seed} {sheet.layout} {sheet.locale}"
    words = Counter(text_key(word["text"]) for page in pages for word in page)
    for key, text in printed(kind.fields, sheet.truth):
        missing = [part for part in text.split() if text_key(part) and text_key(part) not in words]
        assert not missing, f"{here}: {key} {text!r} lacks {missing}"


def short_sheet(kind: str, locale: str | None = None, layout: str | None = None) -> Sheet:
    """The first of one page: reading pages takes ten times as long as making them."""
    sheets = (make_sheet(seed, kind, locale, layout) for seed in range(3, 60))
    return next(sheet for sheet in sheets if sheet.pages == 1 and len(sheet.pdf) < 60_000)


def check_collisions(sheet: Sheet) -> None:
    for page in pages_of(sheet):
        assert not list(collisions(page)), f"{sheet.kind} {sheet.seed} {sheet.layout} {sheet.locale}"


@pytest.mark.parametrize("kind", KINDS)
def test_printed_truth_stands_in_the_words_of_the_page(kind: str) -> None:
    check_sheet(short_sheet(kind))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_printed_truth_stands_in_words_that_do_not_cover_each_other(kind: str) -> None:
    for seed in range(100, 104):
        sheet = make_sheet(seed, kind)
        check_sheet(sheet)
        check_collisions(sheet)


@pytest.mark.parametrize("kind", ["invoice", "receipt", "ad_order"])
def test_words_do_not_cover_each_other(kind: str) -> None:
    check_collisions(short_sheet(kind))


def test_the_same_seed_makes_the_same_sheet() -> None:
    for seed in (1, 2):
        one, other = make_sheet(seed), make_sheet(seed)
        assert one.truth == other.truth
        assert one.pdf == other.pdf
    assert make_sheet(1).truth != make_sheet(2).truth


@pytest.mark.parametrize(
    "layout", ["business", "boxed", "columns", "centered", "listing", "slip_columns", "slip_lines"]
)
def test_layouts_place_the_same_content(layout: str) -> None:
    check_sheet(short_sheet("invoice", "pl_PL", layout))


def test_unknown_names_are_told_with_those_there_are() -> None:
    for arguments in ({"kind": "poem"}, {"locale": "xx"}, {"layout": "spiral"}):
        with pytest.raises(UsageError) as error:
            make_sheet(1, **arguments)  # type: ignore[arg-type]
        assert next(iter(arguments.values())) in str(error.value)
        assert error.value.remedy
    assert len(LOCALES) >= 10
    assert len(LAYOUTS) >= 7
