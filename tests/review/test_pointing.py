"""What a reviewer points at: words of a page, regions, and what is stored of them only when it is true."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.document import Box, Word
from schemas.extraction import Candidate, ExtractedField, PageShape
from tests.review.support import Case, Desk, desk, receipt_case

TOTAL = Word("9.90", Box(300.0, 100.0, 320.0, 110.0))
DATE = [
    Word("Dec", Box(300.0, 130.0, 318.0, 140.0)),
    Word("24,", Box(321.0, 130.0, 335.0, 140.0)),
    Word("2025", Box(338.0, 130.0, 360.0, 140.0)),
]
MARKUP = Word("<script>alert(1)</script>", Box(50.0, 200.0, 150.0, 210.0))


def open_receipt(signed_in: Desk, case: Case | None = None) -> tuple[str, dict[str, list[str]]]:
    signed_in.reader.words = {1: [TOTAL, *DATE, MARKUP]}
    [document_id] = signed_in.add(case or receipt_case("r.pdf", "Shop"))
    return document_id, signed_in.form(document_id)


def claim(*words: Word, page: int = 1, **more: Any) -> list[str]:
    return [json.dumps({"page": page, "boxes": [word.box.as_list() for word in words], **more})]


def stored(signed_in: Desk, document_id: str, path: str) -> ExtractedField:
    [decision] = signed_in.ledger.document(document_id).decisions
    return next(field for field in decision.fields if field.path == path)


def test_the_words_of_a_page_are_read_once_and_are_data(signed_in: Desk) -> None:
    document_id, _ = open_receipt(signed_in)
    for _ in range(2):
        answer = signed_in.client.get(f"/documents/{document_id}/pages/1/words")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["words"][0] == {"text": "9.90", "box": [300.0, 100.0, 320.0, 110.0]}
    assert told["words"][-1]["text"] == "<script>alert(1)</script>"
    assert (told["page"], told["width"], told["source"]) == (1, 595.0, "text_layer")
    assert signed_in.reader.read_pages == [1], "the second time they come from the file"


def test_words_stand_on_the_page_as_it_is_shown(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    extraction = case.extraction()
    turned = [PageShape(number=1, width=842, height=595, rotation=90)]
    case.extraction = lambda: extraction.model_copy(update={"pages": turned})  # type: ignore[method-assign]
    document_id, _ = open_receipt(signed_in, case)
    told = signed_in.client.get(f"/documents/{document_id}/pages/1/words").json()
    assert (told["width"], told["height"]) == (842.0, 595.0)
    assert told["words"][0]["box"] == [842.0 - 110.0, 300.0, 842.0 - 100.0, 320.0]


def test_pointing_says_why_it_cannot(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    document_id, _ = open_receipt(signed_in, case)
    assert signed_in.client.get(f"/documents/{document_id}/pages/2/words").status_code == 404
    signed_in.store.path(case.sha256).unlink()
    answer = signed_in.client.get(f"/documents/{document_id}/pages/1/words")
    assert answer.status_code == 404 and "not kept here any more" in answer.json()["message"]


def test_nobody_reads_pages_without_a_name(empty_desk: Desk) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    for address in ("words", "region?x0=1&y0=1&x1=9&y1=9"):
        answer = empty_desk.client.get(f"/documents/{document_id}/pages/1/{address}")
        assert answer.status_code == 303 and answer.headers["location"].startswith("/who")
    assert empty_desk.reader.read_pages == []


def region(signed_in: Desk, document_id: str, *box: float) -> Any:
    names = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
    return signed_in.client.get(f"/documents/{document_id}/pages/1/region", params=names)


def test_a_region_is_its_text_layer_or_else_what_is_recognised_in_it(signed_in: Desk) -> None:
    document_id, _ = open_receipt(signed_in)
    told = region(signed_in, document_id, 295, 125, 365, 145).json()
    assert [word["text"] for word in told["words"]] == ["Dec", "24,", "2025"]
    assert signed_in.reader.read_boxes == []

    signed_in.reader.recognised = [Word("4.20", Box(410.0, 410.0, 430.0, 420.0), 0.8)]
    for _ in range(2):
        told = region(signed_in, document_id, 440, 425, 400, 400).json()  # drawn from the lower right
    assert ([word["text"] for word in told["words"]], told["source"]) == (["4.20"], "ocr")
    assert signed_in.reader.read_boxes == [Box(400.0, 400.0, 440.0, 425.0)], "recognised once, then kept"

    assert region(signed_in, document_id, 10, 10, 11, 11).status_code == 422
    assert region(signed_in, document_id, 10, 10, 11, float("nan")).status_code == 404


def test_what_ocr_read_before_is_read_again_in_a_region(signed_in: Desk) -> None:
    signed_in.reader.source = "ocr"
    document_id, _ = open_receipt(signed_in)
    signed_in.reader.recognised = [Word("9.98", TOTAL.box, 0.99)]
    told = region(signed_in, document_id, 295, 95, 325, 115).json()
    assert [word["text"] for word in told["words"]] == ["9.98"]
    signed_in.reader.recognised = []
    told = region(signed_in, document_id, 294, 94, 325, 115).json()
    assert [word["text"] for word in told["words"]] == ["9.90"], "better the first reading than none"


def test_what_was_taken_from_the_page_keeps_its_place(signed_in: Desk) -> None:
    document_id, form = open_receipt(signed_in)
    form |= {"v.total": ["9.90"], "p.total": claim(TOTAL), "v.date": ["Dec 24, 2025"], "p.date": claim(*DATE)}
    assert signed_in.decide(document_id, form).status_code == 303

    total, date = stored(signed_in, document_id, "total"), stored(signed_in, document_id, "date")
    assert (total.raw, total.value, total.page, total.boxes) == ("9.90", "9.90", 1, [TOTAL.box.as_list()])
    assert (date.raw, date.value) == ("Dec 24, 2025", "2025-12-24")
    assert date.boxes == [[300.0, 130.0, 360.0, 140.0]], "one box for a printed line"
    assert total.grounding == "span" and total.messages == ["Taken from the page by Ada."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1999.90", claim(TOTAL)),  # not what stands there
        ("9.90", claim(Word("9.90", Box(300.0, 100.0, 321.0, 110.0)))),  # nobody's box
        ("9.90", claim(TOTAL, page=7)),  # another page
        ("9.90", claim(TOTAL, TOTAL)),
        ("9.90", ['{"page": 1, "boxes": [[NaN, 0, 1, 1]]}']),
        ("9.90", ["[" * 50_000]),
        ("9.90", [""]),  # typed by hand
    ],
)
def test_a_claim_that_is_not_true_gives_no_place(signed_in: Desk, text: str, said: list[str]) -> None:
    document_id, form = open_receipt(signed_in)
    form |= {"v.total": [text], "p.total": said}
    assert signed_in.decide(document_id, form).status_code == 303
    total = stored(signed_in, document_id, "total")
    assert (total.value, total.raw, total.page, total.boxes) == (text, None, None, [])
    assert total.grounding == "free"


def test_the_words_of_a_region_are_looked_up_in_the_region(signed_in: Desk) -> None:
    document_id, form = open_receipt(signed_in)
    seen = Word("4.20", Box(410.0, 410.0, 430.0, 420.0), 0.8)
    signed_in.reader.recognised = [seen]
    form |= {"v.total": ["4.20"], "p.total": claim(seen, region=[400, 400, 440, 425])}
    assert signed_in.decide(document_id, form).status_code == 303
    total = stored(signed_in, document_id, "total")
    assert (total.raw, total.boxes) == ("4.20", [seen.box.as_list()])


def test_a_place_without_another_value_is_stored_too(signed_in: Desk) -> None:
    document_id, form = open_receipt(signed_in)
    here = Word("8.80", Box(400.0, 500.0, 420.0, 510.0))
    signed_in.reader.words = {1: [here]}
    form["p.total"] = claim(here)
    assert signed_in.decide(document_id, form).status_code == 303
    [decision] = signed_in.ledger.document(document_id).decisions
    assert (decision.action, decision.changes) == ("correct", [])
    assert stored(signed_in, document_id, "total").boxes == [here.box.as_list()]


def test_another_candidate_brings_its_place_without_a_second_reading(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    other = Candidate(raw="12.50", page=1, boxes=[[1.0, 2.0, 3.0, 4.0]])
    case.fields[3] = case.fields[3].model_copy(update={"others": [other]})
    document_id, form = open_receipt(signed_in, case)
    page = signed_in.client.get(f"/documents/{document_id}").text
    assert "data-candidates=" in page and "&#34;raw&#34;: &#34;12.50&#34;" in page
    form |= {"v.total": ["12.50"], "p.total": [json.dumps({"page": 1, "boxes": other.boxes})]}
    signed_in.decide(document_id, form)
    total = stored(signed_in, document_id, "total")
    assert (total.raw, total.boxes, total.others) == ("12.50", other.boxes, [other])
    assert signed_in.reader.read_pages == []


def test_a_form_that_comes_back_keeps_what_was_pointed_at(signed_in: Desk) -> None:
    document_id, form = open_receipt(signed_in)
    form |= {"v.total": ["9.90"], "p.total": claim(TOTAL), "v.date": ["31.02.2025"]}
    answer = signed_in.decide(document_id, form)
    assert answer.status_code == 422
    assert 'name="p.total" value="{&#34;page&#34;: 1' in answer.text


def test_without_the_file_a_value_is_stored_without_its_place(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    document_id, form = open_receipt(signed_in, case)
    signed_in.store.path(case.sha256).unlink()
    form |= {"v.total": ["9.90"], "p.total": claim(TOTAL)}
    assert signed_in.decide(document_id, form).status_code == 303
    assert stored(signed_in, document_id, "total").boxes == []


def test_words_are_read_by_the_options_of_the_runs(tmp_path: Any) -> None:
    from extractors.options import ReadOptions

    seen = []
    with desk(tmp_path, read_options=ReadOptions(max_pages=7), passwords=["secret"]) as made:
        made.sign_in()
        read = made.reader.read

        def spy(ref: Any, path: Any, options: Any = None) -> Any:
            seen.append((options.max_pages, options.pages.first, options.pages.last, len(options.passwords)))
            return read(ref, path, options)

        made.reader.read = spy  # type: ignore[method-assign]
        document_id, _ = open_receipt(made)
        made.client.get(f"/documents/{document_id}/pages/1/words")
    assert seen == [(7, 1, 1, 1)]
