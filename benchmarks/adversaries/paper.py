"""Writing into a finished document: a PDF's page by drawing instructions, an image by its pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pikepdf
from PIL import Image, ImageDraw, ImageFont, ImageOps, PngImagePlugin
from reportlab.pdfbase.pdfmetrics import stringWidth

from benchmarks.adversaries.attacks import Attack, Place
from extractors.reading.lines import group_lines
from schemas.document import Box, Page, ReadDocument

FONT = Path(__file__).parents[2] / "extractors" / "training" / "synthesis" / "fonts" / "Arimo-Regular.ttf"
_FONT_NAME = "/Injected"
_SIZES = (10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
"""Sizes of print that people can read, in points; the largest that fits is taken."""
_MARGIN = 12.0
_TINY = 0.4
_LEADING = 1.25


@dataclass(frozen=True, slots=True)
class Spot:
    """Where text goes on an upright page: left edge and first baseline in points, size of print, its lines."""

    page: int
    x: float
    y: float
    size: float
    lines: tuple[str, ...]

    @property
    def box(self) -> Box:
        """What the text covers, a little generously."""
        width = max(stringWidth(line, "Helvetica", self.size) for line in self.lines)
        height = self.size * _LEADING * len(self.lines)
        return Box(
            self.x - 1,
            self.y - self.size,
            self.x + 1.05 * width + 1,
            self.y - self.size + height + 0.4 * self.size,
        )


def find_spot(page: Page, place: Place, text: str, near: Box | None) -> Spot | None:
    """Room for a text at a place of a page, or ``None`` if it has none where people could read it.

    Args:
        page: as read, upright.
        place: ``header`` and ``footer`` are free bands above the first and below the last line, ``between`` the
            band nearest to ``near`` between two lines, ``inline`` behind the last word of the line of ``near``.
        text: wrapped where there is room for several lines.
        near: a value on the page.
    """
    rows = [[word.box for word in words] for words in group_lines(page.words)]
    if place == "inline":
        return _behind_line(page, rows, text, near) if near is not None else None
    bands = _bands(page, rows)
    if not bands:
        return None
    middle = (near.y0 + near.y1) / 2 if near is not None else page.height / 2
    chosen = {"header": bands[:1], "footer": bands[-1:]}.get(
        place, sorted(bands[1:-1], key=lambda band: abs((band[0] + band[1]) / 2 - middle))
    )
    left = max(min((box.x0 for row in rows for box in row), default=_MARGIN), _MARGIN)
    for top, bottom in chosen[:6]:
        for size in _SIZES:
            lines = _wrapped(text, size, page.width - left - _MARGIN)
            if lines and len(lines) * size * _LEADING + 2 <= bottom - top:
                y = (
                    top + 1 if place != "footer" else min(top + 6, bottom - len(lines) * size * _LEADING)
                ) + size
                return Spot(page.number, left, y, size, lines)
    return None


def _bands(page: Page, rows: list[list[Box]]) -> list[tuple[float, float]]:
    """Stripes without a word over the whole width, top to bottom; the first and last touch the edges."""
    taken = sorted((min(b.y0 for b in row), max(b.y1 for b in row)) for row in rows)
    bands: list[tuple[float, float]] = []
    down = 4.0
    for top, bottom in taken:
        if top > down or not bands:
            bands.append((down, top))
        down = max(down, bottom)
    return [*bands, (down, page.height - 4.0)]


def _behind_line(page: Page, rows: list[list[Box]], text: str, near: Box) -> Spot | None:
    row = next(
        (r for r in rows if any(b.x0 < near.x1 and near.x0 < b.x1 and _level(b, near) for b in r)), None
    )
    if row is None:
        return None
    beside = [b for other in rows for b in other if _level(b, near)]
    x = max(b.x1 for b in beside) + 6
    for size in _SIZES:
        if size <= 1.2 * median(b.y1 - b.y0 for b in row) and _width(text, size) <= page.width - x - 4:
            return Spot(page.number, x, near.y1 - 0.2 * (near.y1 - near.y0), size, (text,))
    return None


def _level(a: Box, b: Box) -> bool:
    return min(a.y1, b.y1) - max(a.y0, b.y0) > 0.3 * min(a.y1 - a.y0, b.y1 - b.y0)


def _width(text: str, size: float) -> float:
    return float(stringWidth(text, "Helvetica", size)) * 1.05


def _wrapped(text: str, size: float, width: float) -> tuple[str, ...]:
    """The text in lines of at most that width; nothing if one of its words is wider."""
    lines: list[str] = []
    for word in text.split():
        if _width(word, size) > width:
            return ()
        if lines and _width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)


def write_twin(
    source: Path, target: Path, document: ReadDocument, attack: Attack, spot: Spot | None
) -> Path | None:
    """The document with the attack in it; ``None`` if this cannot be done to a document of its kind.

    Args:
        source: the clean file.
        target: where to, without a suffix.
        document: the clean file as read, for the shape of its pages.
        attack: what to write.
        spot: where; ``None`` for metadata and blank pages.
    """
    if source.suffix.lower() == ".pdf":
        try:
            with pikepdf.open(source) as pdf:
                _change(pdf, document, attack, spot)
                made = target.with_suffix(".pdf")
                pdf.save(made)
                return made
        except pikepdf.PdfError:
            return None
    return _write_image(source, target.with_suffix(".png"), document, attack, spot)


def _change(pdf: pikepdf.Pdf, document: ReadDocument, attack: Attack, spot: Spot | None) -> None:
    if attack.hiding == "metadata":
        for key in ("/Title", "/Subject", "/Keywords"):
            pdf.docinfo[key] = attack.text
    elif attack.group == "blank page":
        box = pdf.pages[0].mediabox
        pdf.add_blank_page(page_size=(float(box[2] - box[0]), float(box[3] - box[1])))
        if attack.place == "header":
            pdf.pages.insert(0, pdf.pages[-1])
            del pdf.pages[-1]
    elif spot is not None:
        read = document.page(spot.page)
        assert read is not None
        _draw(pdf, pdf.pages[spot.page - 1], read, attack, spot)


def _draw(pdf: pikepdf.Pdf, page: pikepdf.Page, read: Page, attack: Attack, spot: Spot) -> None:
    """Writes the text into the page, on top of what is there."""
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica,
        Encoding=pikepdf.Name.WinAnsiEncoding,
    )  # fmt: skip
    page.add_resource(font, pikepdf.Name.Font, pikepdf.Name(_FONT_NAME))
    colour = "1 1 1 rg" if attack.hiding == "white" else "0 0 0 rg"
    mode = 3 if attack.hiding == "mode3" else 0
    state = ""
    if attack.hiding == "transparent":
        clear = pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=0, CA=0)
        page.add_resource(clear, pikepdf.Name.ExtGState, pikepdf.Name("/InjectedClear"))
        state = "/InjectedClear gs"
    size = _TINY if attack.hiding == "tiny" else spot.size
    parts = [f"Q q {state} {colour} BT {_FONT_NAME} {size:.2f} Tf {mode} Tr".encode()]
    for row, line in enumerate(spot.lines):
        x, y = spot.x, spot.y + row * size * _LEADING
        if attack.hiding == "outside":
            y = -40.0 - row * size * _LEADING
        matrix = " ".join(f"{number:.3f}" for number in _matrix(page, read, x, y))
        parts.append(f"{matrix} Tm ".encode() + _literal(line) + b" Tj")
    parts.append(b"ET Q")
    page.contents_add(b"q", prepend=True)
    page.contents_add(b" ".join(parts))
    if attack.hiding == "behind":
        _cover(pdf, page, read, spot)


def _literal(text: str) -> bytes:
    """A PDF string; WinAnsi agrees with Latin-1 on what the attacks are written with."""
    return b"<" + text.encode("latin-1", "replace").hex().encode() + b">"


def _matrix(page: pikepdf.Page, read: Page, x: float, y: float) -> tuple[float, ...]:
    """What brings text of the upright page to ``(x, y)`` (origin top left) in the file's own coordinates."""
    x0, y0, x1, y1 = (float(number) for number in page.cropbox)
    match read.rotation % 360:
        case 90:
            return 0, 1, -1, 0, x0 + y, y0 + x
        case 180:
            return -1, 0, 0, -1, x1 - x, y0 + y
        case 270:
            return 0, -1, 1, 0, x1 - y, y1 - x
    return 1, 0, 0, 1, x0 + x, y1 - y


def _cover(pdf: pikepdf.Pdf, page: pikepdf.Page, read: Page, spot: Spot) -> None:
    """A white picture over the text."""
    picture = pikepdf.Stream(pdf, b"\xff\xff\xff")
    picture.Type, picture.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    picture.Width = picture.Height = 1
    picture.BitsPerComponent, picture.ColorSpace = 8, pikepdf.Name.DeviceRGB
    page.add_resource(picture, pikepdf.Name.XObject, pikepdf.Name("/InjectedCover"))
    box = spot.box
    a, b, c, d, e, f = _matrix(page, read, box.x0, box.y1)
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    numbers = (a * wide, b * wide, c * high, d * high, e, f)
    page.contents_add(f"q {' '.join(f'{n:.3f}' for n in numbers)} cm /InjectedCover Do Q".encode())


def _write_image(
    source: Path, target: Path, document: ReadDocument, attack: Attack, spot: Spot | None
) -> Path | None:
    """An image with text among its pixels, saved without further loss; what needs a PDF cannot be done."""
    if attack.group == "blank page" or attack.hiding in ("transparent", "behind", "outside", "mode3"):
        return None
    with Image.open(source) as opened:
        if getattr(opened, "n_frames", 1) > 1:
            return None
        dpi = opened.info.get("dpi")
        image = ImageOps.exif_transpose(opened).convert("RGB")
        exif_turn = {3: 180, 6: 90, 8: 270}.get(opened.getexif().get(0x0112, 1), 0)
    info = PngImagePlugin.PngInfo()
    if attack.hiding == "metadata":
        for key in ("Title", "Description", "Comment"):
            info.add_text(key, attack.text)
    elif spot is not None:
        read = document.pages[0]
        turned = (read.rotation - exif_turn) % 360
        upright = image.rotate(-turned, expand=True)
        _ink(upright, read, attack, spot)
        image = upright.rotate(turned, expand=True)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info, **({"dpi": dpi} if dpi else {}))
    target.write_bytes(out.getvalue())
    return target


def _ink(image: Image.Image, read: Page, attack: Attack, spot: Spot) -> None:
    scale = image.width / read.width
    size = _TINY if attack.hiding == "tiny" else spot.size
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONT), max(size * scale, 1.0))
    paper = image.getpixel((min(int(spot.x * scale), image.width - 1), max(int((spot.y - size) * scale), 0)))
    assert isinstance(paper, tuple)
    hidden = tuple(min(level + 2, 255) if level < 254 else level - 2 for level in paper)
    for row, line in enumerate(spot.lines):
        at = (spot.x * scale, (spot.y + row * size * _LEADING) * scale)
        pen.text(at, line, fill=hidden if attack.hiding == "white" else (20, 20, 20), font=font, anchor="ls")
