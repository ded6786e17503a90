"""Which samples there are: every layout with what was done to it."""

from __future__ import annotations

import json
from pathlib import Path

from samples.make import ad_buys, effects, invoices, receipts
from samples.make.paper import Layout, Sample

PASSWORD = "open sesame"


def samples() -> list[Sample]:
    """All sample documents, made anew; the same bytes every time with the same library versions."""
    return [*_receipts(), *_ad_buys(), *_invoices()]


def write(made: list[Sample], folder: Path) -> None:
    """Writes the documents to ``<folder>/<schema>/`` and their truths to ``<folder>/truth/<schema>/``."""
    for sample in made:
        path = folder / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.data)
        truth_path = folder / "truth" / f"{sample.path}.json"
        truth_path.parent.mkdir(parents=True, exist_ok=True)
        truth_path.write_text(
            json.dumps(truth_of(sample), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def truth_of(sample: Sample) -> dict[str, object]:
    """What is known of a sample, as written to its truth file."""
    values = sample.truth.values if sample.truth else {}
    return {
        "document": sample.path,
        "schema": sample.schema,
        "about": sample.about,
        "outcome": sample.outcome,
        "fields": {path: {"printed": printed, "value": value} for path, (printed, value) in values.items()},
    }


def _digital(name: str, schema: str, about: str, layout: Layout) -> Sample:
    pdf, truth = layout()
    return Sample(f"{schema}/{name}", schema, about, "extracted", pdf, truth, pdf)


def _receipts() -> list[Sample]:
    petrol = _digital("petrol-station.pdf", "receipt", "digital receipt", receipts.petrol_station)
    return [
        petrol,
        Sample(
            "receipt/petrol-station-copy.pdf", "receipt", "the same bytes again: a duplicate", "duplicate",
            petrol.data, petrol.truth, petrol.source,
        ),
        _photo("bakery-photo.jpg", "photo of a thermal receipt on a table", receipts.bakery, 11),
        _scan(
            "hardware-shop-scan.pdf", "receipt", "flatbed scan, skewed", receipts.hardware_shop, 12, skew=1.4,
        ),
        _scan(
            "restaurant-upside-down.pdf", "receipt", "scan, upside down", receipts.restaurant, 13, turn=180,
        ),
        _fax("pharmacy-fax.tif", "one-bit TIFF, as a fax leaves it", receipts.pharmacy),
        _picture("pharmacy-screen.png", "PNG, a screen shot of the same receipt", receipts.pharmacy),
        Sample("receipt/empty.pdf", "receipt", "a file of no bytes", "empty", b""),
    ]  # fmt: skip


def _ad_buys() -> list[Sample]:
    return [
        _digital("contract-television.pdf", "ad_buy", "digital contract", ad_buys.contract),
        _digital("order-radio.pdf", "ad_buy", "digital order", ad_buys.order),
        _digital("invoice-two-pages.pdf", "ad_buy", "digital invoice, sum on page two", ad_buys.invoice),
        _scan("contract-scan.pdf", "ad_buy", "scan of the contract", ad_buys.contract, 21, skew=-0.7),
        Sample(
            "ad_buy/newsletter.pdf", "ad_buy", "a newsletter: the wrong document type", "wrong_document_type",
            ad_buys.station_letter(),
        ),
    ]  # fmt: skip


def _invoices() -> list[Sample]:
    locked_pdf, locked_truth = invoices.studio()
    broken_pdf, _ = invoices.two_pages()
    return [
        _digital("studio.pdf", "invoice", "digital, English", invoices.studio),
        _digital("german.pdf", "invoice", "digital, German: decimal comma, day first", invoices.german),
        _digital("two-pages.pdf", "invoice", "33 positions over the page break", invoices.two_pages),
        _scan(
            "plumber-sideways.pdf", "invoice", "scan lying on its side; its date 03/04/2026 is ambiguous",
            invoices.plumber, 31, turn=90,
        ),
        _digital("credit-note.pdf", "invoice", "digital credit note", invoices.credit_note),
        Sample(
            "invoice/locked.pdf", "invoice", f"encrypted; its password is `{PASSWORD}`", "encrypted",
            effects.locked(locked_pdf, PASSWORD), locked_truth, locked_pdf,
        ),
        Sample(
            "invoice/broken.pdf", "invoice", "cut off in the middle", "broken", effects.truncated(broken_pdf),
        ),
    ]  # fmt: skip


def _scan(
    name: str, schema: str, about: str, layout: Layout, seed: int, *, skew: float = 0.5, turn: int = 0
) -> Sample:
    pdf, truth = layout()
    pages = [
        effects.scanned(picture, seed + index, skew=skew).rotate(turn, expand=True)
        for index, picture in enumerate(effects.pictures(pdf, 150))
    ]
    return Sample(f"{schema}/{name}", schema, about, "extracted", effects.image_pdf(pages), truth, pdf)


def _photo(name: str, about: str, layout: Layout, seed: int) -> Sample:
    pdf, truth = layout()
    photo = effects.photographed(effects.pictures(pdf, 250)[0], seed)
    return Sample(f"receipt/{name}", "receipt", about, "extracted", effects.encode(photo, "JPEG"), truth, pdf)


def _fax(name: str, about: str, layout: Layout) -> Sample:
    pdf, truth = layout()
    page = effects.pictures(pdf, 204)[0]
    data = effects.encode(page.point(lambda v: 255 if v > 150 else 0), "TIFF", dpi=204)
    return Sample(f"receipt/{name}", "receipt", about, "extracted", data, truth, pdf)


def _picture(name: str, about: str, layout: Layout) -> Sample:
    pdf, truth = layout()
    data = effects.encode(effects.pictures(pdf, 144)[0], "PNG", dpi=144)
    return Sample(f"receipt/{name}", "receipt", about, "extracted", data, truth, pdf)
