import io
import random

import pdfplumber

from extractors.training.synthesis.facts import Check, Signature, Stamp
from extractors.training.synthesis.paint import Painter, choose_style


def test_all_text_is_on_the_pages_and_breaks_over_them() -> None:
    style = choose_style(random.Random(1), 595, 842, slip=False, latin_1=False)
    painter = Painter(style, "Test")
    for number in range(120):
        painter.flow(f"line{number} Zażółć")
    painter.check(Check("Paid", (("yes", True), ("no", False))), random.Random(2))
    painter.sign(Signature("Signed", "A. Person", 5))
    painter.stamp(Stamp(("RECEIVED",), 0.0, "#aa2222"))
    with pdfplumber.open(io.BytesIO(painter.pdf())) as document:
        text = " ".join(page.extract_text() for page in document.pages)
        assert len(document.pages) == painter.pages > 1
    words = set(text.split())
    assert {f"line{number}" for number in range(120)} | {"Zażółć", "yes", "RECEIVED"} <= words


def test_long_words_are_made_to_fit() -> None:
    painter = Painter(choose_style(random.Random(3), 595, 842, slip=False, latin_1=True), "Test")
    painter.block(50, 50, 60, ["W" * 60], 10)
    with pdfplumber.open(io.BytesIO(painter.pdf())) as document:
        assert document.pages[0].extract_words()[0]["x1"] <= 111
