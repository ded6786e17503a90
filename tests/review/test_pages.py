"""The queue and the document view: what is listed, filtered, drawn and said."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from flows.review.pages import sharp_dpi
from schemas.extraction import ExtractedField, PageShape
from schemas.outcome import FailureReason, ReviewReason
from schemas.registry import LoadedSchema, from_json_schema
from tests.review.support import Case, Desk, desk, invoice_case, parsed, receipt_case


def names(html: str) -> list[str]:
    return re.findall(r'class="row-link"[^>]*>([^<]+)<', html)


def test_the_queue_says_why_each_document_waits(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case("a b.pdf"))
    page = signed_in.client.get("/").text
    assert names(page) == ["a b.pdf"]
    assert f'href="/documents/{document_id}"' in page
    assert "Day and month cannot be told apart." in page
    assert "Something was odd when the document was read." in page
    assert "2 fields" in page and "2 pages" in page and "1 document waits" in page


def test_the_queue_can_be_filtered_and_keeps_the_filter(signed_in: Desk) -> None:
    invoice, receipt = signed_in.add(invoice_case("i.pdf"), receipt_case("r.pdf", "Bäckerei Huber"))
    assert names(signed_in.client.get("/?schema=receipt").text) == ["r.pdf"]
    assert names(signed_in.client.get("/?reason=ambiguous_date").text) == ["i.pdf"]
    assert names(signed_in.client.get("/", params={"q": "bäckerei"}).text) == ["r.pdf"]
    nothing = signed_in.client.get("/?schema=invoice&reason=model_unsure").text
    assert names(nothing) == [] and "Nothing matches" in nothing and "2 documents wait" in nothing
    assert names(signed_in.client.get("/?reason=no_such_reason").text) == ["i.pdf", "r.pdf"]
    page = signed_in.client.get("/?schema=receipt").text
    assert f'href="/documents/{receipt}?schema=receipt"' in page
    assert "invoice (1)" in page and "Ambiguous date (1)" in page
    assert (
        signed_in.client.get(f"/documents/{receipt}/skip?schema=receipt").headers["location"]
        == "/?schema=receipt"
    )
    assert signed_in.client.get(f"/documents/{receipt}/skip").headers["location"] == f"/documents/{invoice}"


def test_a_long_queue_has_pages(signed_in: Desk) -> None:
    signed_in.add(*(receipt_case(f"{n:03}.pdf", f"Shop {n}") for n in range(53)))
    first = signed_in.client.get("/").text
    assert names(first) == [f"{n:03}.pdf" for n in range(50)]
    assert "1 to 50 of 53" in first and 'rel="prev"' not in first
    second = signed_in.client.get(unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])).text
    assert names(second) == ["050.pdf", "051.pdf", "052.pdf"]
    assert "51 to 53 of 53" in second and 'rel="next"' not in second
    back = unescape(re.findall(r'rel="prev" href="([^"]+)"', second)[0])
    assert names(signed_in.client.get(back).text) == names(first)
    assert names(signed_in.client.get("/?offset=9999").text) == names(second), "past the end is the last page"


def test_an_empty_queue_says_so(signed_in: Desk) -> None:
    assert "The queue is empty" in signed_in.client.get("/").text


def test_fields_stand_in_schema_order_with_their_evidence(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    page = signed_in.client.get(f"/documents/{document_id}").text
    order = [
        a["data-field"]
        for _, a in parsed(page).tags
        if "data-field" in a and "__row__" not in (a["data-field"] or "")
    ]
    assert order[:3] == ["document_type", "document_number", "issue_date"]
    assert order[-4:] == [
        f"line_items.2.{n}" for n in ("description", "quantity", "unit_price", "line_total")
    ]
    assert '<q class="raw" title="As printed">03/04/2026</q>' in page
    assert "The text recogniser was not sure of these words." in page
    assert "Recognised with confidence 0.41" in page
    assert 'data-suggest="2026-04-03"' in page and 'data-suggest="2026-03-04"' in page
    assert "3 April 2026" in page


def test_a_raw_score_is_never_shown_as_a_probability(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    case.fields[1] = case.fields[1].model_copy(
        update={"log_probability": -0.05, "probability": 0.95}
    )  # uncalibrated
    [document_id] = signed_in.add(case)
    page = signed_in.client.get(f"/documents/{document_id}").text
    panel = page[page.index('<form id="decision"') : page.index("</form>")]
    assert re.findall(r"(?<!\d)(\d+\.\d) %", panel) == ["99.9"], "only what is calibrated, and never 100 %"
    assert panel.count(">uncalibrated<") == 3


def test_boxes_are_drawn_in_points_over_their_page(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    tags = parsed(signed_in.client.get(f"/documents/{document_id}").text).tags
    views = [a["viewbox"] for t, a in tags if t == "svg"]
    assert views == ["0 0 595.0 842.0"] * 2
    rects = {a["data-box"]: a for t, a in tags if t == "rect"}
    total = rects["gross_total"]
    assert (float(total["x"] or 0), float(total["y"] or 0)) == pytest.approx((488.5, 363.5))
    assert rects["issue_date"]["class"] == "doubt" and "class" not in rects["iban"]
    pages = [a["data-page"] for t, a in tags if t == "figure"]
    assert pages == ["1", "2"]
    at = [t for t, a in tags if t == "figure" or (t == "rect" and a.get("data-box") == "iban")]
    assert at == ["figure", "figure", "rect"], "the IBAN stands on the second page"


def test_pages_are_rendered_once_and_turned_as_they_were_read(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    extraction = case.extraction()
    turned = [PageShape(number=1, width=842, height=595, rotation=270)]
    case.extraction = lambda: extraction.model_copy(update={"pages": turned})  # type: ignore[method-assign]
    [document_id] = signed_in.add(case)
    for _ in range(2):
        answer = signed_in.client.get(f"/documents/{document_id}/pages/1.png")
        assert answer.content.startswith(b"\x89PNG") and answer.headers["content-type"] == "image/png"
    assert signed_in.reader.asked == [(1, 120, (), 270)]


def test_pages_are_sharper_the_closer_one_looks_and_bounded(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    [document_id] = signed_in.add(case)
    for dpi in (36, 100, 200, 200, 99_999):
        assert signed_in.client.get(f"/documents/{document_id}/pages/1.png?dpi={dpi}").status_code == 200
    assert [dpi for _, dpi, _, _ in signed_in.reader.asked] == [36, 120, 240, 480], "a few sizes, each once"
    assert sharp_dpi(480, PageShape(number=1, width=2384, height=3370)) == 120, (
        "A0 would have 356 million pixels"
    )
    assert sharp_dpi(480, PageShape(number=1, width=842, height=1191)) == 360
    assert signed_in.client.get(f"/documents/{document_id}/pages/1.png?dpi=x").status_code == 404


def test_a_document_whose_bytes_are_gone_can_still_be_decided(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    [document_id] = signed_in.add(case)
    signed_in.store.path(case.sha256).unlink()
    page = signed_in.client.get(f"/documents/{document_id}").text
    assert "the file itself is not kept here" in page
    assert signed_in.client.get(f"/documents/{document_id}/pages/1.png").status_code == 404
    assert signed_in.decide(document_id, signed_in.form(document_id)).status_code == 303


def test_an_unreadable_document_says_why_and_asks_for_nothing(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop", failure=FailureReason.ENCRYPTED))
    page = signed_in.client.get(f"/documents/{document_id}").text
    assert "The file is encrypted and none of the given passwords opens it." in page
    assert "This document is unreadable." in page
    assert "data-accept" not in page and "edit=1" not in page
    form = {"token": signed_in.form(document_id)["token"], "version": ["0"]}
    assert signed_in.decide(document_id, form).status_code == 400
    assert signed_in.decide(document_id, form | {"comment": ["not ours"]}, "reject").status_code == 400
    assert signed_in.ledger.document(document_id).decisions == []


def test_the_original_is_a_download(signed_in: Desk) -> None:
    case = receipt_case("r\u00e9.pdf", "Shop")
    [document_id] = signed_in.add(case)
    answer = signed_in.client.get(f"/documents/{document_id}/original")
    assert answer.content == case.content
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


NESTED = from_json_schema(
    {
        "title": "statement",
        "type": "object",
        "required": ["holder", "paid"],
        "properties": {
            "holder": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "since": {"type": ["string", "null"], "format": "date"},
                },
            },
            "paid": {"type": ["boolean", "null"]},
            "rate": {"type": ["number", "null"], "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "groups": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "title": {"type": "string"},
                        "lines": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"amount": {"type": ["number", "null"]}},
                            },
                        },
                    },
                },
            },
        },
    },
    "statement",
)


def nested_case() -> Case:
    data = {
        "holder": {"name": "Ada", "since": None},
        "paid": None,
        "rate": 2.5,
        "tags": ["a"],
        "groups": [{"title": "One", "lines": [{"amount": 1}, {"amount": 2.25}]}],
    }
    found = [
        ExtractedField(path="holder.name", raw="Ada", value="Ada", reasons=[ReviewReason.MODEL_UNSURE]),
        ExtractedField(path="groups.0.lines.1.amount", raw="2,25", value="2.25"),
    ]
    return Case("s.pdf", NESTED, receipt_case("x", "y").content, data, found)


@pytest.fixture
def with_file_schema(tmp_path: Path) -> Desk:
    def unknown(name: str) -> LoadedSchema:
        return from_json_schema(
            {"title": name, "type": "object", "properties": {"x": {"type": "string"}}}, name
        )

    with desk(tmp_path, schemas=unknown) as made:  # the schema changed since: the ledger has the old one
        made.sign_in()
        yield made


def test_nested_schemas_of_any_shape_can_be_corrected(with_file_schema: Desk) -> None:
    [document_id] = with_file_schema.add(nested_case())
    form = with_file_schema.form(document_id)
    assert form["row.groups.0.lines"] == ["0", "1"] and form["v.rate"] == ["2.5"]
    form |= {
        "v.paid": ["true"],
        "v.tags.n0": ["b"],
        "row.tags": ["0", "n0"],
        "row.groups": ["0", "n1"],
        "v.groups.n1.title": ["Two"],
        "row.groups.n1.lines": ["n0"],
        "v.groups.n1.lines.n0.amount": ["3,5"],
        "row.groups.0.lines": ["1"],
    }

    answer = with_file_schema.decide(document_id, form)

    assert answer.status_code == 303, answer.text
    decision = with_file_schema.ledger.document(document_id).decisions[0]
    assert decision.data == {
        "holder": {"name": "Ada", "since": None},
        "paid": True,
        "rate": 2.5,
        "tags": ["a", "b"],
        "groups": [
            {"title": "One", "lines": [{"amount": 2.25}]},
            {"title": "Two", "lines": [{"amount": 3.5}]},
        ],
    }
    fields = {f.path: f for f in decision.fields}
    assert fields["groups.0.lines.0.amount"].raw == "2,25"
    assert [c.path for c in decision.changes] == [
        "paid",
        "tags.1",
        "groups.1.title",
        "groups.1.lines.0.amount",
        "groups.0.lines.0",
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"v.rate": ["-1"]}, "rate"),
        ({"v.holder.name": [""]}, "holder.name"),
    ],
)
def test_what_the_schema_forbids_is_told_at_its_place(
    with_file_schema: Desk, change: dict[str, list[str]], place: str
) -> None:
    [document_id] = with_file_schema.add(nested_case())
    answer = with_file_schema.decide(document_id, with_file_schema.form(document_id) | change)
    assert answer.status_code == 422
    assert f'id="error-{place}"' in answer.text
    assert with_file_schema.ledger.document(document_id).decisions == []


def test_too_many_rows_are_told_at_the_list(with_file_schema: Desk) -> None:
    [document_id] = with_file_schema.add(nested_case())
    form = with_file_schema.form(document_id)
    form["row.tags"] = ["0", "n0", "n1", "n2"]
    form |= {f"v.tags.n{n}": [f"t{n}"] for n in range(3)}
    answer = with_file_schema.decide(document_id, form)
    assert answer.status_code == 422 and "Tags:" in answer.text
    assert with_file_schema.ledger.document(document_id).decisions == []
