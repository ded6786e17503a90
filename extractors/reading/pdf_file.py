"""A PDF in the child: pdfium opens and draws; pdfplumber reads the text layer, pdfium where that fails."""

from __future__ import annotations

import time
from contextlib import suppress

import cv2
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from extractors.reading.chars import Char, Layer, words_of
from extractors.reading.geometry import Frame2D
from extractors.reading.marks import find_marks, marks_scale, pixels_of
from extractors.reading.pdf_chars import crop_offset, has_fillings, layout_chars, ordered, pdfium_chars
from extractors.reading.plain_pdf import plain_page
from extractors.reading.plumber import Plumber, PlumberFailedError
from extractors.reading.precheck import why_undrawable
from extractors.reading.raster import encode_model_image, is_blank, ocr_scale, to_raster, turn_image
from extractors.reading.request import RawPage, ReadRequest, Report, Sample, Strips
from extractors.reading.stamp_text import strips_of
from extractors.reading.text import is_garbled, is_misread, normalise_text
from extractors.reading.textlayer import MIN_LETTERS, hidden, layer_doubts
from extractors.reading.visible import look_at, samples_of
from schemas.document import Doubt, Mark, Word
from schemas.errors import DocumentError
from schemas.outcome import FailureReason, ReviewReason

_FEW_LETTERS = 120
"""A layer with fewer letters over a full-page image is a stamp on a scan, not the text of the page."""
_STAMP_SHARE = 1.3
"""OCR must find this many times the letters of such a layer, or it is print over a picture after all."""
_MISREAD_SHARE = 0.6
"""Where an old scanner misread numbers, OCR wins with fewer letters too."""
_SCAN_COVER = 0.6
"""An image over this share of the page makes it a scan."""
_MAX_CONTENT_BYTES = 64 << 20
"""Drawing instructions of one page; the fullest real pages have some megabytes."""
_METADATA_CHARS = 200
_MARKED_PAGES = 100
"""Marks are sought on so many pages of text: drawing and looking takes as long as all else that is done with one."""
_RECOGNISED = 0.9
"""Confidence of words that an earlier recogniser put under a scan."""


class PdfFile:
    """An open PDF. Use as a context manager.

    Raises:
        DocumentError: encrypted, and no password opens it.
        PdfiumError: pdfium refuses it.
    """

    def __init__(self, request: ReadRequest, data: bytes) -> None:
        self._request = request
        self._document, password = _open(request, data)
        with suppress(Exception):
            self._document.init_forms()
        self._plumber = Plumber(data, password, time.monotonic() + request.max_seconds)
        self.page_count = len(self._document)

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._plumber.close()
        with suppress(Exception):
            self._document.close()

    @property
    def metadata(self) -> dict[str, str]:
        """Title, author, producer and the like, as far as the file tells."""
        with suppress(Exception):
            pairs = self._document.get_metadata_dict(skip_empty=True).items()
            return {key.lower(): normalise_text(str(value))[:_METADATA_CHARS] for key, value in pairs}
        return {}

    @property
    def doubts(self) -> list[Doubt]:
        """What is odd about the file as a whole; known after its pages were read."""
        found, counted = [], self._plumber.page_count
        if counted is not None and counted != self.page_count:
            text = f"One reader finds {self.page_count} pages in the file, another {counted}."
            found.append(Doubt(text, ReviewReason.PAGES_DIFFER))
        if self._plumber.is_portfolio:
            found.append(Doubt("The file is a portfolio: the files inside it were not read."))
        if pdfium_c.FPDF_GetFormType(self._document) == pdfium_c.FORMTYPE_XFA_FULL:
            found.append(Doubt("The file is an XFA form: what it shows in Acrobat may not be on its pages."))
        return found

    def read_page(self, number: int, report: Report) -> RawPage:
        """Words of the page, or its pixels when OCR should read it.

        Raises:
            DocumentError: the page unpacks to more than is drawn.
            ValueError: no reader gets anything out of it.
        """
        request = self._request
        page = self._load(number, report)
        if page is None:
            return plain_page(request, self._plumber, number, report)
        try:
            warnings: list[Doubt] = []
            frame = _frame(page)
            page, filled = self._flatten(page, number, frame)
            layer = self._layer(page, number, frame, filled, warnings, report)
            warnings += layer_doubts(layer)
            return self._decide(page, number, frame, layer, warnings, report)
        finally:
            page.close()

    def _load(self, number: int, report: Report) -> pdfium.PdfPage | None:
        """The page, parsed by pdfium; ``None`` if pdfium cannot or must not."""
        request = self._request
        if request.may(number, "text"):
            report("text")
            with suppress(PlumberFailedError):
                if self._plumber.unpacks_beyond(number, _MAX_CONTENT_BYTES):
                    raise DocumentError(
                        FailureReason.TOO_LARGE,
                        f"page {number} unpacks to more than {_MAX_CONTENT_BYTES >> 20} MB",
                        remedy="Print the file to a new PDF and try that one.",
                    )
        if not request.may(number, "open"):
            return None
        report("open")
        try:
            return self._document[number - 1]
        except pdfium.PdfiumError:
            return None

    def _decide(
        self,
        page: pdfium.PdfPage,
        number: int,
        frame: Frame2D,
        layer: Layer,
        warnings: list[Doubt],
        report: Report,
    ) -> RawPage:
        """The page as it is, or with pixels for OCR: after a look at its picture."""
        request = self._request
        upright = frame.turned(layer.quarters)
        rotation = (page.get_rotation() + 90 * layer.quarters) % 360
        share = self._doubt(page, frame, layer, warnings)
        refusal = why_undrawable(page, request.max_side_px)
        if not request.may(number, "draw"):
            refusal = "it stopped the reader"
        if refusal is not None:
            warnings.append(Doubt(f"The page was not drawn: {refusal}.", _reason_undrawn(layer)))
            return RawPage(number, upright, rotation, layer.words, lost=_lost(layer), warnings=warnings)
        report("draw")
        needs_ocr = request.ocr and share is not None
        scale = ocr_scale(frame) if needs_ocr else request.image_side_px / frame.longer
        drawn = self._draw(page, scale, layer.quarters, warnings) if scale > 0 else None
        shown = encode_model_image(drawn, request.image_side_px) if drawn else None
        large = None if needs_ocr else self._draw_for_marks(page, number, frame, layer.quarters)
        words, samples = self._seen(page, frame, layer, warnings)
        marks = _marks(large, upright, words, bool(samples))
        if request.ocr and not needs_ocr and (samples or not words):
            needs_ocr, drawn = True, self._redraw(number, frame, layer.quarters, warnings)
        blank = not words and drawn is not None and is_blank(drawn)
        raster = to_raster(drawn) if needs_ocr and drawn and not blank else None
        lost = None if words or drawn else FailureReason.BROKEN
        if share is not None and words:
            samples = ()  # OCR reads the page as a whole
        return RawPage(
            number,
            upright,
            rotation,
            words,
            raster,
            shown if not raster or samples else None,
            blank,
            drawn is not None,
            lost,
            share or 0.0,
            samples,
            warnings,
            marks,
            _strips(large, upright, marks) if request.ocr and marks else None,
        )

    def _draw_for_marks(
        self, page: pdfium.PdfPage, number: int, frame: Frame2D, quarters: int
    ) -> Image.Image | None:
        """The page as large as ticks need it; ``None`` where no pictures are wanted, or it cannot be drawn."""
        if not self._request.image_side_px or number > _MARKED_PAGES:
            return None
        with suppress(OSError, ValueError, pdfium.PdfiumError):
            return turn_image(_bitmap(page, marks_scale(frame)), quarters)
        return None

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
        self,
        page: pdfium.PdfPage,
        number: int,
        frame: Frame2D,
        filled: list[Char],
        warnings: list[Doubt],
        report: Report,
    ) -> Layer:
        """The text layer by pdfplumber, or by pdfium where that fails or counts other pages."""
        counted = self._plumber.page_count
        if not self._request.may(number, "text"):
            warnings.append(Doubt("The text layer stopped the reader; a simpler reader was used."))
        elif counted is None or counted == self.page_count:
            report("text")
            try:
                with self._plumber.layout(number) as layout:
                    chars = list(layout_chars(layout.page, *crop_offset(page, layout.media_box)))
                    return words_of([*chars, *filled], frame)
            except PlumberFailedError as error:
                warnings.append(Doubt(f"The text layer is damaged ({error}); a simpler reader was used."))
        report("open")
        try:
            return words_of(pdfium_chars(page, frame), frame)
        except Exception as error:
            warnings.append(Doubt(f"The simpler reader failed too ({type(error).__name__})."))
            return Layer((), 0, 0)

    def _seen(
        self, page: pdfium.PdfPage, frame: Frame2D, layer: Layer, warnings: list[Doubt]
    ) -> tuple[tuple[Word, ...], tuple[Sample, ...]]:
        """The words that stand on the page for people, too; and lines that only OCR can tell about."""
        if not layer.words:
            return (), ()
        try:
            seen = look_at(page, layer.words, frame, layer.quarters)
        except MemoryError:
            raise
        except Exception as error:
            warnings.append(Doubt(f"The page could not be looked at ({type(error).__name__})."))
            return layer.words, ()
        gone = " ".join(word.text for word in seen.nowhere)
        if sum(char.isalnum() for char in gone) >= MIN_LETTERS:
            warnings.append(hidden("Text that cannot be seen was left out", gone))
        if not seen.over_ink:
            return seen.painted, ()
        if not self._request.ocr:
            text = "The text of the page cannot be seen, and was not checked, since OCR is switched off."
            warnings.append(Doubt(text, ReviewReason.TEXT_DISAGREES))
        kept = set(map(id, (*seen.painted, *seen.over_ink)))
        words = tuple(word for word in layer.words if id(word) in kept)
        return words, samples_of(seen.over_ink, seen.painted) if self._request.ocr else ()

    def _doubt(
        self, page: pdfium.PdfPage, frame: Frame2D, layer: Layer, warnings: list[Doubt]
    ) -> float | None:
        """Whether OCR should read the page: how many letters it must find to win, as a share of the layer's.

        ``None``: the text layer is good.
        """
        texts = [word.text for word in layer.words]
        if layer.unknown > len(texts) or is_garbled(texts):
            text = "The text layer is unreadable (fonts without a usable encoding)."
            warnings.append(Doubt(text, ReviewReason.GARBLED_TEXT))
            return 0.0
        letters = sum(char.isalnum() for text in texts for char in text)
        if not letters:
            return 0.0
        stamp, misread = letters < _FEW_LETTERS, is_misread(texts)
        if (stamp or misread) and _image_cover(page, frame) >= _SCAN_COVER:
            return _STAMP_SHARE if stamp else _MISREAD_SHARE
        return None

    def _draw(
        self, page: pdfium.PdfPage, scale: float, quarters: int, warnings: list[Doubt]
    ) -> Image.Image | None:
        try:
            return turn_image(_bitmap(page, scale), quarters)
        except MemoryError:
            raise
        except Exception as error:
            warnings.append(Doubt(f"The page cannot be drawn ({type(error).__name__})."))
            return None

    def _redraw(
        self, number: int, frame: Frame2D, quarters: int, warnings: list[Doubt]
    ) -> Image.Image | None:
        """The page once more, for OCR, after its text was switched off in the one that is open."""
        with suppress(pdfium.PdfiumError):
            page = self._document[number - 1]
            try:
                return self._draw(page, ocr_scale(frame), quarters, warnings)
            finally:
                page.close()
        return None


def _marks(
    image: Image.Image | None, frame: Frame2D, words: tuple[Word, ...], unseen: bool
) -> tuple[Mark, ...] | None:
    """The marks of a drawn page; ``None`` where nobody could look for them.

    Args:
        image: of the upright page.
        frame: its size.
        words: of the text layer.
        unseen: the layer is what a recogniser made of a scan, and as certain as that.
    """
    if image is None:
        return None
    if unseen:
        words = tuple(Word(word.text, word.box, _RECOGNISED) for word in words)
    with suppress(cv2.error, ValueError, IndexError):
        return find_marks(pixels_of(image), frame, words)
    return None


def _strips(image: Image.Image | None, frame: Frame2D, marks: tuple[Mark, ...]) -> Strips | None:
    """The stamps of a page, for OCR."""
    if image is None:
        return None
    with suppress(cv2.error, ValueError, IndexError):
        return strips_of(pixels_of(image), image.width / frame.width, marks)
    return None


def _lost(layer: Layer) -> FailureReason | None:
    return None if layer.words else FailureReason.TOO_LARGE


def _reason_undrawn(layer: Layer) -> ReviewReason:
    return ReviewReason.READING_WARNING if layer.words else ReviewReason.PAGE_LOST


def _open(request: ReadRequest, data: bytes) -> tuple[pdfium.PdfDocument, str]:
    for password in ("", *request.passwords):
        try:
            return pdfium.PdfDocument(data, password=password or None), password
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
