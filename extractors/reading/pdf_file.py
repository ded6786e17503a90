"""A PDF in the child: pdfium opens and draws; pdfplumber reads the text layer, pdfium where that fails."""

from __future__ import annotations

import time
from contextlib import suppress

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from extractors.reading.chars import Char, Layer, words_of
from extractors.reading.geometry import Frame2D
from extractors.reading.limits import Interrupted, interrupt_after
from extractors.reading.pdf_chars import (
    has_fillings,
    ordered,
    pdfium_chars,
    plumber_chars,
)
from extractors.reading.plain_pdf import plain_page
from extractors.reading.raster import encode_model_image, is_blank, ocr_scale, to_raster, turn_image
from extractors.reading.request import RawPage, ReadRequest
from extractors.reading.text import is_garbled, is_misread, normalise_text
from schemas.errors import DocumentError
from schemas.outcome import FailureReason

_FEW_LETTERS = 120
"""A layer with fewer letters over a full-page image is a stamp on a scan, not the text of the page."""
_STAMP_SHARE = 1.3
"""OCR must find this many times the letters of such a layer, or it is print over a picture after all."""
_MISREAD_SHARE = 0.6
"""Where an old scanner misread numbers, OCR wins with fewer letters too."""
_SCAN_COVER = 0.6
"""An image over this share of the page makes it a scan."""
_PLUMBER_SECONDS = 20.0
_PLUMBER_SHARE = 0.4
"""A page may cost pdfplumber this share of the time that is left as CPU time, and never more than 20 s."""
_METADATA_CHARS = 200


class PdfFile:
    """An open PDF. Use as a context manager.

    Raises:
        DocumentError: encrypted, and no password opens it.
        PdfiumError: pdfium refuses it.
    """

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._ends = time.monotonic() + request.max_seconds
        self._document, self._password = _open(request)
        with suppress(Exception):
            self._document.init_forms()
        self.page_count = len(self._document)

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._document.close()

    @property
    def metadata(self) -> dict[str, str]:
        """Title, author, producer and the like, as far as the file tells."""
        with suppress(Exception):
            pairs = self._document.get_metadata_dict(skip_empty=True).items()
            return {key.lower(): normalise_text(str(value))[:_METADATA_CHARS] for key, value in pairs}
        return {}

    def read_page(self, number: int) -> RawPage:
        """Words of the page, or its pixels when OCR should read it."""
        request = self._request
        warnings: list[str] = []
        try:
            page = self._document[number - 1]
        except pdfium.PdfiumError:
            return plain_page(request, number, self._password)
        try:
            frame = _frame(page)
            page, filled = self._flatten(page, number, frame)
            layer = self._layer(page, number, frame, filled, warnings)
            upright = frame.turned(layer.quarters)
            rotation = (page.get_rotation() + 90 * layer.quarters) % 360
            share = self._doubt(page, frame, layer, warnings)
            needs_ocr = request.ocr and share is not None
            scale = ocr_scale(frame) if needs_ocr else request.image_side_px / frame.longer
            drawn = self._draw(page, scale, layer.quarters, warnings) if scale > 0 else None
            if layer.words and not needs_ocr:
                image = encode_model_image(drawn, request.image_side_px) if drawn else None
                return RawPage(number, upright, rotation, layer.words, image=image, warnings=warnings)
            blank = drawn is not None and is_blank(drawn)
            raster = to_raster(drawn) if needs_ocr and drawn and not blank else None
            image = encode_model_image(drawn, request.image_side_px) if drawn and not raster else None
            return RawPage(
                number, upright, rotation, layer.words, raster, image, blank, share or 0.0, warnings
            )
        finally:
            page.close()

    def render(self, number: int, dpi: float, rotation: int | None) -> Image.Image:
        """The upright page for people; ``rotation`` as in `Page.rotation`, ``None``: what the file says."""
        page = self._document[number - 1]
        try:
            frame = _frame(page)
            scale = min(dpi / 72, self._request.max_side_px / frame.longer)
            stored = page.get_rotation()
            quarters = 0 if rotation is None else (rotation - stored) // 90 % 4
            return turn_image(_bitmap(page, scale), quarters)
        finally:
            page.close()

    def _flatten(
        self, page: pdfium.PdfPage, number: int, frame: Frame2D
    ) -> tuple[pdfium.PdfPage, list[Char]]:
        """Makes what was filled into forms and stamped on the page part of it; gives those characters too.

        Text extraction passes over annotations, yet a reader sees the number in a form field like any other.
        """
        if not has_fillings(page):
            return page, []
        try:
            before = set(pdfium_chars(page, frame))
            pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
            fresh = self._document[number - 1]
        except (pdfium.PdfiumError, OSError):
            return page, []
        page.close()
        return fresh, [char for char in pdfium_chars(fresh, frame) if char not in before]

    def _layer(
        self, page: pdfium.PdfPage, number: int, frame: Frame2D, filled: list[Char], warnings: list[str]
    ) -> Layer:
        request = self._request
        if number not in request.rescue:
            left = self._ends - time.monotonic()
            try:
                with interrupt_after(min(_PLUMBER_SECONDS, _PLUMBER_SHARE * left), 2 * _PLUMBER_SHARE * left):
                    chars = list(plumber_chars(request.path, number, self._password, page))
                    return words_of([*chars, *filled], frame)
            except Interrupted:
                warnings.append("The text layer took too long to read; a simpler reader was used.")
            except (Exception, RecursionError) as error:
                warnings.append(
                    f"The text layer is damaged ({type(error).__name__}); a simpler reader was used."
                )
        else:
            warnings.append("The text layer stopped the reader; a simpler reader was used.")
        try:
            return words_of(pdfium_chars(page, frame), frame)
        except Exception as error:
            warnings.append(f"The simpler reader failed too ({type(error).__name__}).")
            return Layer((), 0, 0)

    def _doubt(self, page: pdfium.PdfPage, frame: Frame2D, layer: Layer, warnings: list[str]) -> float | None:
        """Whether OCR should read the page: how many letters it must find to win, as a share of the layer's.

        ``None``: the text layer is good.
        """
        texts = [word.text for word in layer.words]
        if layer.unknown > len(texts) or is_garbled(texts):
            warnings.append("The text layer is unreadable (fonts without a usable encoding).")
            return 0.0
        letters = sum(char.isalnum() for text in texts for char in text)
        if not letters:
            return 0.0
        stamp, misread = letters < _FEW_LETTERS, is_misread(texts)
        if (stamp or misread) and _image_cover(page, frame) >= _SCAN_COVER:
            return _STAMP_SHARE if stamp else _MISREAD_SHARE
        return None

    def _draw(
        self, page: pdfium.PdfPage, scale: float, quarters: int, warnings: list[str]
    ) -> Image.Image | None:
        try:
            return turn_image(_bitmap(page, scale), quarters)
        except Exception as error:
            warnings.append(f"The page cannot be drawn ({type(error).__name__}).")
            return None


def _open(request: ReadRequest) -> tuple[pdfium.PdfDocument, str]:
    for password in ("", *request.passwords):
        try:
            return pdfium.PdfDocument(request.path, password=password or None), password
        except pdfium.PdfiumError as error:
            if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
                continue
            raise
    tried = (
        f"none of the {len(request.passwords)} given passwords opens it"
        if request.passwords
        else "no password was given"
    )
    raise DocumentError(
        FailureReason.ENCRYPTED,
        f"the PDF is encrypted and {tried}",
        remedy="Add its password to the password list.",
    )


def _frame(page: pdfium.PdfPage) -> Frame2D:
    width, height = page.get_size()
    return Frame2D(max(float(width), 1.0), max(float(height), 1.0))


def _bitmap(page: pdfium.PdfPage, scale: float) -> Image.Image:
    bitmap = page.render(scale=scale, may_draw_forms=True, rev_byteorder=True, prefer_bgrx=False)
    try:
        image: Image.Image = bitmap.to_pil()
        return image.convert("RGB")
    finally:
        bitmap.close()


def _image_cover(page: pdfium.PdfPage, frame: Frame2D) -> float:
    """Share of the page that its largest image covers (0..1)."""
    largest = 0.0
    with suppress(Exception):
        for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=4):
            x0, y0, x1, y1 = ordered(item.get_bounds())
            largest = max(largest, (x1 - x0) * (y1 - y0))
    return min(largest / (frame.width * frame.height), 1.0)
