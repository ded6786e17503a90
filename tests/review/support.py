"""Documents with known places, a real ledger with a queue, and a browser without a browser."""

from __future__ import annotations

import copy
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import patch

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from starlette.datastructures import State

from extractors.options import ReadOptions
from flows.ledger.store import Ledger
from flows.ledger.trust import Role, Sampling
from flows.review.api import create_api
from flows.review.app import create_app
from flows.review.blobs import BlobStore
from flows.review.passwords import Passwords
from schemas.document import Box, DocumentRef, Page, PageImage, PageSource, ReadDocument, Word
from schemas.extraction import ExtractedField, Extraction, PageShape
from schemas.outcome import FailureReason, ReviewReason
from schemas.registry import LoadedSchema, load_schema
from tests.databases import sqlite_ledger

MODEL = "scripted@1"
PAGE_SIZE = (595.0, 842.0)
FONT = "Helvetica"


class Sheet:
    """A PDF whose texts are placed from the top left; remembers where each stands."""

    def __init__(self, size: tuple[float, float] = PAGE_SIZE) -> None:
        self.size = size
        self._bytes = io.BytesIO()
        self._canvas = Canvas(self._bytes, pagesize=size, invariant=1)
        self.number = 1

    def write(self, x: float, y: float, text: str, size: float = 10) -> tuple[int, list[float]]:
        """Writes with the baseline ``y`` points below the top; the page and the box of the text."""
        self._canvas.setFont(FONT, size)
        self._canvas.drawString(x, self.size[1] - y, text)
        width = stringWidth(text, FONT, size)
        return self.number, [x, y - 0.75 * size, x + width, y + 0.22 * size]

    def line(self, y: float) -> None:
        self._canvas.setLineWidth(0.5)
        self._canvas.line(50, self.size[1] - y, self.size[0] - 50, self.size[1] - y)

    def turn(self) -> None:
        self._canvas.showPage()
        self.number += 1

    def pdf(self) -> bytes:
        self._canvas.showPage()
        self._canvas.save()
        return self._bytes.getvalue()


@dataclass
class Case:
    """A document, what a model made of it, and where it really stands."""

    name: str
    schema: LoadedSchema
    content: bytes
    data: dict[str, Any]
    fields: list[ExtractedField]
    pages: int = 1
    reasons: list[ReviewReason] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    shapes: bool = True
    media_type: str = "application/pdf"
    failure: FailureReason | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def extraction(self) -> Extraction:
        at_fields = [reason for f in self.fields for reason in f.reasons]
        shapes = [PageShape(number=n + 1, width=PAGE_SIZE[0], height=PAGE_SIZE[1]) for n in range(self.pages)]
        return Extraction(
            document=self.name,
            sha256=self.sha256,
            outcome="unreadable" if self.failure else "extracted",
            failure=self.failure,
            detail="as told" if self.failure else "",
            schema_name=self.schema.name,
            schema_fingerprint=self.schema.fingerprint,
            model=MODEL,
            data=None if self.failure else self.data,
            fields=[] if self.failure else self.fields,
            reasons=list(dict.fromkeys([*self.reasons, *at_fields])),
            messages=self.messages,
            page_count=self.pages,
            pages=shapes if self.shapes else [],
        )


ITEMS = [
    ("Oak parquet herringbone 22 mm", "12", "48.50", "582.00"),
    ("Underlay cork 3 mm", "12", "4.20", "50.40"),
    ("Skirting board walnut, 2.4 m", "9", "14.90", "134.10"),
]


def invoice_case(
    name: str = "invoice-0042.pdf", number: str = "RE-2026-0042", *, net: str = "766.50"
) -> Case:
    """A two-page invoice: its date is ambiguous, its number badly recognised, its net total perhaps wrong."""
    sheet = Sheet()
    found: list[ExtractedField] = []

    def put(path: str, x: float, y: float, raw: str, value: Any, size: float = 10, **more: Any) -> None:
        page, box = sheet.write(x, y, raw, size)
        found.append(
            ExtractedField(
                path=path, raw=raw, value=value, page=page, boxes=[box], log_probability=-0.1, **more
            )
        )

    put("seller_name", 50, 70, "Holz & Söhne GmbH", "Holz & Söhne GmbH", 18)
    put(
        "seller_address",
        50,
        90,
        "Sägewerkstraße 7, 79098 Freiburg im Breisgau",
        "Sägewerkstraße 7, 79098 Freiburg im Breisgau",
        9,
    )
    put("buyer_name", 50, 150, "Mosaik Interiors Ltd", "Mosaik Interiors Ltd", 11)
    sheet.write(350, 150, "Invoice no.")
    put(
        "document_number",
        440,
        150,
        number,
        number,
        reasons=[ReviewReason.LOW_OCR_CONFIDENCE],
        messages=["recognised with confidence 0.41"],
    )
    sheet.write(350, 168, "Date")
    put(
        "issue_date",
        440,
        168,
        "03/04/2026",
        None,
        reasons=[ReviewReason.AMBIGUOUS_DATE],
        messages=["'03/04/2026' may be 2026-03-04 or 2026-04-03; day and month cannot be told apart."],
    )
    for x, head in ((50, "Description"), (330, "Quantity"), (410, "Unit price"), (490, "Total")):
        sheet.write(x, 230, head, 9)
    sheet.line(236)
    rows = []
    for index, (text, quantity, price, total) in enumerate(ITEMS):
        y = 254 + 20 * index
        base = f"line_items.{index}"
        put(f"{base}.description", 50, y, text, text)
        put(f"{base}.quantity", 330, y, quantity, quantity)
        put(f"{base}.unit_price", 410, y, price, price)
        put(f"{base}.line_total", 490, y, total, total)
        rows.append({"description": text, "quantity": quantity, "unit_price": price, "line_total": total})
    sheet.line(312)
    sheet.write(410, 334, "Net")
    put("net_total", 490, 334, net, net)
    sheet.write(410, 352, "VAT 19 %")
    put("tax_total", 490, 352, "145.64", "145.64")
    sheet.write(410, 374, "Total EUR", 12)
    put("gross_total", 490, 374, "912.14", "912.14", 12)
    sheet.turn()
    sheet.write(50, 70, "Payment", 14)
    put("payment_terms", 50, 100, "30 days net, no discount", "30 days net, no discount")
    put("iban", 50, 120, "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00")
    data: dict[str, Any] = dict.fromkeys(load_schema("invoice").model.model_fields)  # type: ignore[union-attr]
    data |= {f.path: f.value for f in found if "." not in f.path}
    data |= {"document_type": "invoice", "currency": "EUR", "line_items": rows}
    found.append(ExtractedField(path="document_type", raw="invoice", value="invoice", grounding="choice"))
    found.append(ExtractedField(path="currency", raw="EUR", value="EUR"))
    known = {f.path for f in found}
    found += [ExtractedField(path=p) for p, v in data.items() if p not in known and not isinstance(v, list)]
    return Case(
        name,
        load_schema("invoice"),
        sheet.pdf(),
        data,
        found,
        pages=2,
        reasons=[ReviewReason.READING_WARNING],
        messages=[
            "page 2: The text layer took too long to read; a simpler reader was used.",
            "document_number: recognised with confidence 0.41",
        ],
    )


def receipt_case(name: str, company: str, total: str = "8.80", **more: Any) -> Case:
    """A one-page receipt."""
    sheet = Sheet()
    _, company_box = sheet.write(50, 60, company.encode("latin-1", "replace").decode("latin-1"))
    _, date_box = sheet.write(50, 80, "25/12/2025")
    _, total_box = sheet.write(50, 120, total)
    found = [
        ExtractedField(
            path="company",
            raw=company,
            value=company,
            page=1,
            boxes=[company_box],
            reasons=[ReviewReason.MODEL_UNSURE],
            messages=["score -1.20 is below -0.7"],
        ),
        ExtractedField(path="date", raw="25/12/2025", value="2025-12-25", page=1, boxes=[date_box]),
        ExtractedField(path="address", raw=None, value=None),
        ExtractedField(
            path="total",
            raw=total,
            value=total,
            page=1,
            boxes=[total_box],
            probability=0.9996,
            calibration="calibrated",
        ),
    ]
    data = {"company": company, "date": "2025-12-25", "address": None, "total": total}
    return Case(name, load_schema("receipt"), sheet.pdf(), data, found, **more)


def fill(
    ledger: Ledger,
    store: BlobStore,
    folder: Path,
    cases: Sequence[Case],
    run_id: str = "run-1",
    sampling: Sampling | None = None,
) -> list[str]:
    """Puts the cases through the ledger as a run does, as accepted ones with ``sampling``; their document ids."""
    ids = []
    for case in cases:
        source = folder / case.name
        source.write_bytes(case.content)
        store.put(source, case.sha256)
        schema = case.schema
        ledger.register_schema(schema)
        run = f"{run_id}-{schema.name}"
        ledger.start_run(
            run_id=run,
            source="file:///in",
            schema=schema.name,
            fingerprint=schema.fingerprint,
            model=MODEL,
            parameters={},
        )
        ledger.add_input(
            run,
            f"file:///in/{case.name}",
            version="1",
            member=None,
            sha256=case.sha256,
            size=len(case.content),
            media_type=case.media_type,
            schema_name=schema.name,
            fingerprint=schema.fingerprint,
            model=MODEL,
        )
        claimed = ledger.claim(
            run, worker="w", lease_seconds=60, limit=1, fingerprint=schema.fingerprint, model=MODEL
        )
        done = case.extraction()
        if sampling is not None:
            done = done.model_copy(update={"accepted": True, "reasons": []})
        ledger.record_extraction(claimed[0].document_id, claimed[0].token, done, sampling)
        ids.append(claimed[0].document_id)
    return ids


class FakeReader:
    """Draws white pages, reads the words that it is given by page; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, float, tuple[str, ...], int | None]] = []
        self.words: dict[int, list[Word]] = {}
        self.recognised: list[Word] = []
        self.source: PageSource = "text_layer"
        self.rotation = 0
        self.read_pages: list[int] = []
        self.read_boxes: list[Box] = []

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions | None = None) -> ReadDocument:
        number = options.pages.first if options is not None else 1
        self.read_pages.append(number)
        words = tuple(self.words.get(number, ()))
        page = Page(number, *PAGE_SIZE, self.source, words, rotation=self.rotation)
        return ReadDocument(ref, (page,), number)

    def read_region(
        self,
        path: Path,
        media_type: str,
        page_number: int,
        box: Box,
        *,
        passwords: tuple[str, ...] = (),
        rotation: int | None = None,
    ) -> tuple[Word, ...]:
        self.read_boxes.append(box)
        return tuple(self.recognised)

    def render(
        self,
        path: Path,
        media_type: str,
        page_number: int,
        *,
        dpi: float = 120,
        passwords: tuple[str, ...] = (),
        rotation: int | None = None,
    ) -> PageImage:
        self.asked.append((page_number, dpi, passwords, rotation))
        out = io.BytesIO()
        size = round(PAGE_SIZE[0] * dpi / 72), round(PAGE_SIZE[1] * dpi / 72)
        Image.new("RGB", size, "white").save(out, "PNG")
        return PageImage(out.getvalue(), "image/png", *size)


class _Inputs(HTMLParser):
    """What a browser would send of one form, and every text and attribute of the page."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.found: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.templates = 0
        self._inside = False
        self._select: str | None = None
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        held = dict(attributes)
        self.tags.append((tag, held))
        if tag == "template":
            self.templates += 1
        if tag == "form":
            self._inside = held.get("id") == self.form_id
        if not self._inside or self.templates or "disabled" in held:
            return
        name = held.get("name") or ""
        if tag == "input" and name:
            self.found.append((name, held.get("value") or ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select is not None and "selected" in held:
            self.found.append((self._select, held.get("value") or ""))
        elif tag == "textarea":
            self._area = (name, [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.templates -= 1
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = None
        if tag == "textarea" and self._area is not None:
            self.found.append((self._area[0], "".join(self._area[1])))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)


def parsed(html: str, form_id: str = "decision") -> _Inputs:
    """The page as a parser sees it."""
    parser = _Inputs(form_id)
    parser.feed(html)
    parser.close()
    return parser


@dataclass
class Desk:
    """A review page over a real ledger, with a reviewer in front of it."""

    client: TestClient
    ledger: Ledger
    store: BlobStore
    folder: Path
    reader: FakeReader
    landed: list[int]

    def add(self, *cases: Case) -> list[str]:
        return fill(self.ledger, self.store, self.folder, cases)

    def sign_in(self, name: str = "Ada") -> None:
        page = self.client.get("/who")
        answer = self.client.post("/who", data={"token": token_of(page.text), "name": name, "next": "/"})
        assert answer.status_code == 303, answer.text

    def add_accepted(self, case: Case, sampling: Sampling) -> list[str]:
        return fill(self.ledger, self.store, self.folder, [case], sampling=sampling, run_id="accepted")

    def add_account(self, name: str, role: str, password: str = "correct horse battery") -> None:
        kept = CHEAP.hash(password, name)
        self.ledger.add_account(name, Role(role), actor="console", password_hash=kept)

    def sign_in_with(self, name: str, password: str = "correct horse battery", target: str = "/") -> Any:
        page = self.client.get("/sign-in")
        sent = {"token": token_of(page.text), "name": name, "password": password, "next": target}
        return self.client.post("/sign-in", data=sent)

    def post(self, path: str, **more: str) -> Any:
        """Posts a form of the page with a token that this browser was given."""
        return self.client.post(path, data={"token": self.token(), **more})

    def token(self) -> str:
        """The token of this browser's forms."""
        page = self.client.get("/account").text
        return token_of(page if 'name="token"' in page else self.client.get("/who").text)

    def form(self, document_id: str, query: str = "") -> dict[str, list[str]]:
        """What the browser would send if nothing were touched."""
        page = self.client.get(f"/documents/{document_id}{query}")
        assert page.status_code == 200, page.text
        sent: dict[str, list[str]] = {}
        for name, value in parsed(page.text).found:
            sent.setdefault(name, []).append(value)
        return sent

    def decide(self, document_id: str, form: dict[str, Any], action: str = "save", query: str = "") -> Any:
        return self.client.post(f"/documents/{document_id}/decision{query}", data={**form, "action": action})


_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHEAP = Passwords(_HASHER)
"""As the page's, without the work that guards real passwords."""


@cache
def _api() -> FastAPI:
    return create_api()


def _api_again() -> FastAPI:
    """The same API for another page: its routes take longer to make than a test takes."""
    made = copy.copy(_api())
    made.state, made.middleware_stack = State(), None
    return made


def review_app(**options: Any) -> FastAPI:
    """The review page, with cheap passwords."""
    with (
        patch("flows.review.passwords.PasswordHasher", lambda: _HASHER),
        patch("flows.review.app.create_api", _api_again),
    ):
        made = create_app(**options)
    made.state.site.passwords = CHEAP
    return made


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found, "the page has no form token"
    return found[1]


@contextmanager
def desk(tmp_path: Path, **more: Any) -> Iterator[Desk]:
    """A desk in a folder of its own."""
    home, folder = tmp_path / "home", tmp_path / "in"
    folder.mkdir(parents=True)
    landed: list[int] = []
    reader = FakeReader()
    with Ledger.open(sqlite_ledger(home / "ledger.db")) as ledger:
        options: dict[str, Any] = {"schemas": load_schema, "land": lambda: landed.append(1)} | more
        app = review_app(ledger=ledger, reader=reader, blobs=home / "documents", **options)
        with TestClient(app, base_url="http://127.0.0.1:8484", follow_redirects=False) as client:
            yield Desk(client, ledger, BlobStore(home / "documents"), folder, reader, landed)
