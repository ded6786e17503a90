"""The kinds that are forms, letters and tickets: what is printed is on the page, ticks are only seen."""

import io
import random
from collections.abc import Iterator
from typing import Any

import pdfplumber
import pytest

from extractors.training.synthesis.contract import DocumentKind, FieldSpec, Sheet
from extractors.training.synthesis.kinds import (
    application_form,
    contract,
    event_ticket,
    insurance_certificate,
    lab_report,
    medical_form,
    payslip,
    registration_form,
    resume,
    shipping_document,
    tax_form,
    transport_ticket,
)
from extractors.training.synthesis.locales import NAMES
from extractors.training.synthesis.sheets import LAYOUTS, make_sheet
from extractors.training.synthesis.terms import LANGUAGES, all_terms
from extractors.validation.text import text_key
from schemas.errors import UsageError

MODULES = (
    application_form, contract, event_ticket, insurance_certificate, lab_report, medical_form, payslip,
    registration_form, resume, shipping_document, tax_form, transport_ticket,
)  # fmt: skip
KINDS = [module.KIND for module in MODULES]


def drawn(kind: DocumentKind, seed: int, locale: str | None = None) -> Sheet:
    return make_sheet(seed, kind.name, locale)


def words_of(pdf: bytes) -> list[dict[str, Any]]:
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return [
            {**word, "page": page.page_number}
            for page in document.pages
            for word in page.extract_words(x_tolerance=1.5, y_tolerance=3)
        ]


def printed(truth: Any, fields: tuple[FieldSpec, ...]) -> Iterator[str]:
    """Every value that stands as text."""
    for field in fields:
        value = truth[field.key]
        if field.type == "list":
            for row in value or []:
                if isinstance(row, str):
                    yield row
                else:
                    yield from printed(row, field.fields)
        elif value is not None and not field.pixels:
            assert isinstance(value, str) and value == " ".join(value.split()), (field.key, value)
            yield value


def stands(value: str, keys: list[str]) -> bool:
    """Whether a value stands in the words: as one run, or wrapped in a column, in runs one after the other."""
    wanted = [key for key in map(text_key, value.split()) if key]
    if text_key(value) in "".join(keys):
        return True
    pieces, at = 0, 0
    while at < len(wanted):
        length = max(
            (
                size
                for start in range(len(keys))
                for size in [_run(keys, start, wanted, at)]
            ),
            default=0,
        )  # fmt: skip
        if not length:
            return False
        pieces, at = pieces + 1, at + length
    return pieces <= max(2, len(wanted) // 2 + 1)


def _run(keys: list[str], start: int, wanted: list[str], at: int) -> int:
    size = 0
    while start + size < len(keys) and at + size < len(wanted) and keys[start + size] == wanted[at + size]:
        size += 1
    return size


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_printed_truth_stands_in_few_runs_of_words(kind: DocumentKind) -> None:
    for seed, locale in enumerate(("en_US", "de_DE")):
        sheet = drawn(kind, seed, locale)
        keys = [key for key in (text_key(word["text"]) for word in words_of(sheet.pdf)) if key]
        for value in printed(sheet.truth, kind.fields):
            assert stands(value, keys), (kind.name, seed, value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_keeps_the_contract(kind: DocumentKind) -> None:
    assert len(kind.titles) >= 3
    for field in (*kind.fields, *(inner for outer in kind.fields for inner in outer.fields)):
        assert len(set(field.names)) >= 4, field.key
        assert len(set(field.descriptions)) >= 3, field.key
    drawn_truths = [
        kind.make(random.Random(seed), ("en_US", "de_DE", "pl_PL")[seed % 3]) for seed in range(24)
    ]
    for facts in drawn_truths:
        assert set(facts.truth) == {field.key for field in kind.fields}
        assert set(facts.layouts) <= set(LAYOUTS)
        for field in kind.fields:
            if field.type == "boolean":
                assert facts.truth[field.key] in (True, False, None)
            elif field.type == "choice":
                assert facts.truth[field.key] in (None, *field.choices)
    for field in kind.fields:  # nothing can be guessed without looking
        values = {str(facts.truth[field.key]) for facts in drawn_truths}
        assert len(values) > 1, field.key


@pytest.mark.parametrize("kind", KINDS[:2], ids=lambda kind: kind.name)
def test_the_same_seed_draws_the_same_document(kind: DocumentKind) -> None:
    first, again, other = drawn(kind, 5), drawn(kind, 5), drawn(kind, 6)
    assert first == again
    assert first.pdf != other.pdf


@pytest.mark.parametrize(
    "module", [application_form, registration_form], ids=lambda module: module.__name__[-20:]
)
def test_what_is_absent_does_not_stand_below_the_signature(module: Any) -> None:
    key = "applicant" if module is application_form else "agent_name"
    for seed in range(60):
        facts = module.KIND.make(random.Random(seed), "en_US")
        if facts.truth[key] is None:
            assert [signature.name for signature in facts.signatures] == [""]


@pytest.mark.parametrize(
    ("kind", "layout"), [("payslip", "slip_lines"), ("contract", "boxes"), ("invoice", "ticket")]
)
def test_a_layout_that_cannot_place_a_document_is_refused(kind: str, layout: str) -> None:
    with pytest.raises(UsageError, match=f"{kind}.*{layout}") as error:
        make_sheet(1, kind, layout=layout)
    assert error.value.remedy


PIXELS = [kind for kind in KINDS if any(field.pixels for field in kind.fields)]


@pytest.mark.parametrize("kind", PIXELS, ids=lambda kind: kind.name)
def test_guessing_what_only_the_picture_shows_does_not_pay(kind: DocumentKind) -> None:
    truths = [kind.make(random.Random(seed), "en_US").truth for seed in range(120)]
    for field in kind.fields:
        said = [truth[field.key] for truth in truths if truth[field.key] is not None]
        if field.pixels and kind is not resume.KIND:  # most resumes have no line to sign on
            most = max(said.count(value) for value in set(said))
            assert most <= 0.72 * len(said), (field.key, most, len(said))


def test_a_payslip_adds_up() -> None:
    for seed in range(20):
        facts = payslip.KIND.make(random.Random(seed), "en_GB")
        sums = [
            sum(round(float(row["amount"].replace(",", "")) * 100) for row in facts.truth[key])
            for key in ("earnings", "deductions")
        ]
        assert round(float(facts.truth["net_pay"].replace(",", "")) * 100) == sums[0] - sums[1]


def test_ticks_and_signatures_say_what_the_truth_says() -> None:
    for seed in range(30):
        facts = medical_form.KIND.make(random.Random(seed), "en_US")
        ticked = {
            text: chosen for check in facts.checks for text, chosen in check.options if check.label != ""
        }
        assert ticked["Asthma"] is facts.truth["asthma"]
        assert (facts.signatures[0].curve is not None) is facts.truth["signed"]


def test_every_language_has_every_word() -> None:
    for key, cells in all_terms().items():
        assert len(cells) == len(LANGUAGES), key
        assert all(any(alternative.strip() for alternative in cell) for cell in cells), key
    assert {name[:2] for name in NAMES} <= set(LANGUAGES)


def test_contracts_of_every_language_state_the_same_things() -> None:
    stated = {
        language: sorted(key for keys, _, _ in clauses for key in keys)
        for language, clauses in contract.all_clauses().items()
    }
    assert set(stated) == set(LANGUAGES)
    assert len({tuple(keys) for keys in stated.values()}) == 1
