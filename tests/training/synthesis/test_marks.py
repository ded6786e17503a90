import io
import random

import pdfplumber
import pypdfium2
import pytest
from PIL import Image, ImageChops

from extractors.training.synthesis.facts import Check, CheckStyle, Signature, Stamp
from extractors.training.synthesis.marks import TICKS
from extractors.training.synthesis.paint import Painter, choose_style


def painted(checks: tuple[Check, ...] = (), stamp: Stamp | None = None, curve: int | None = None) -> bytes:
    painter = Painter(choose_style(random.Random(4), 300, 300, slip=False, latin_1=True), "Test")
    for check in checks:
        painter.check(check, random.Random(7))
    painter.sign(Signature("Signature", "", curve))
    if stamp:
        painter.stamp(stamp)
    return painter.pdf()


def words(pdf: bytes) -> list[str]:
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return [word["text"] for page in document.pages for word in page.extract_words()]


def differing(first: bytes, second: bytes) -> int:
    """Pixels that are not the same on the first pages."""
    pictures = [
        pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil().convert("L") for pdf in (first, second)
    ]
    changed = ImageChops.difference(*pictures).point(lambda value: 255 if value > 40 else 0)
    return changed.histogram()[255]


@pytest.mark.parametrize("style", ["box", "round", "ring", "strike"])
def test_what_is_chosen_shows_in_the_picture_only(style: CheckStyle) -> None:
    yes = painted((Check("Member", (("yes", True), ("no", False)), style),))
    no = painted((Check("Member", (("yes", False), ("no", True)), style),))
    assert words(yes) == words(no)
    assert differing(yes, no) > 40


def test_every_tick_is_drawn_inside_or_around_its_box() -> None:
    empty = painted()
    for tick in TICKS:
        painter = Painter(choose_style(random.Random(4), 300, 300, slip=False, latin_1=True), "Test")
        painter.sign(Signature("Signature", "", None))
        painter.option(100, 200, "", True, "box", tick, random.Random(1))
        size = painter.style.size
        before, after = (
            pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil().convert("L")
            for pdf in (empty, painter.pdf())
        )
        box = ImageChops.difference(before, after).getbbox()
        assert box is not None
        assert box[0] >= 190 and box[2] <= 2 * (100 + 1.4 * size) and box[3] <= 2 * (200 + size) + 4
        assert (
            Image.Image.crop(after, (202, 402, int(200 + 2 * size), int(400 + 2 * size))).getextrema()[0]
            < 128
        )


def test_a_signature_shows_in_the_picture_only_and_differs_by_hand() -> None:
    without, first, second = painted(), painted(curve=1), painted(curve=2)
    assert words(without) == words(first)
    assert differing(without, first) > 100
    assert differing(first, second) > 100


@pytest.mark.parametrize("angle", [0.0, 6.0, -14.0, 25.0])
def test_the_words_of_a_stamp_stay_in_order_however_it_is_turned(angle: float) -> None:
    stamp = Stamp(("RECEIVED", "12 MAR 1987", "Registration Unit"), angle, "#aa2222", "double")
    assert "RECEIVED 12 MAR 1987 Registration Unit" in " ".join(words(painted(stamp=stamp)))


@pytest.mark.parametrize("angle", [4.0, 20.0])
def test_a_stamp_has_the_letters_of_every_language(angle: float) -> None:
    found = words(painted(stamp=Stamp(("WPŁYNĘŁO", "REÇU"), angle, "#aa2222")))
    assert {"WPŁYNĘŁO", "REÇU"} <= set(found)


def test_a_stamp_for_the_eye_is_in_no_text_layer() -> None:
    stamp = Stamp(("PAID",), 12.0, "#aa2222", "round", strength=0.6, pixels=True)
    with_stamp = painted(stamp=stamp)
    assert words(with_stamp) == words(painted())
    assert differing(with_stamp, painted()) > 300
