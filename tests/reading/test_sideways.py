"""Print that runs down or up a page: found in scans, in lines of its own everywhere, its values in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from extractors.grammar.candidates import dates
from extractors.reading import ReaderPool
from extractors.reading.lines import group_lines
from extractors.reading.sideways import Piece, kept, on_page, regions_of, uncovered, way_of
from schemas.document import Box, Page, Word
from tests.reading.making import ink_outside, picture, read, scan_pdf

FORM = ("Name of registrant", "Acme Tourist Office", "Title of the material", "A winter in the hills")
STAMP = "2008 JUN 30 PM 4:48"


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float32)


def lines_of(page: Page) -> list[str]:
    return [" ".join(word.text for word in line) for line in group_lines(page.words)]


@pytest.mark.parametrize(("quarters", "turned"), [(-90, 1), (90, 3)])
def test_a_stamp_beside_the_lines_of_a_scan(
    pool: ReaderPool, tmp_path: Path, quarters: int, turned: int
) -> None:
    page = picture(FORM, (900, 700))
    page.paste(picture((STAMP,), (480, 120)).rotate(quarters, expand=True), (700, 100))
    read_page = read(pool, scan_pdf(tmp_path / "form.pdf", page)).pages[0]
    assert (read_page.rotation, sorted(lines_of(read_page))) == (0, sorted((*FORM, STAMP)))
    stamp = [word for word in read_page.words if word.turned]
    assert [word.turned for word in stamp] == [turned] * 5
    tops = [word.box.y0 for word in stamp]
    assert tops == sorted(tops, reverse=turned == 3)
    assert ink_outside(read_page, pool.render(tmp_path / "form.pdf", "application/pdf", 1)) < 0.03


def test_a_text_layer_says_it_by_itself(pool: ReaderPool, tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"), pagesize=(595, 842))
    for row, line in enumerate(FORM):
        canvas.drawString(60, 700 - 30 * row, line)
    canvas.rotate(90)
    canvas.drawString(560, -400, f"RECEIVED {STAMP}")  # runs up between the lines' right ends and the margin
    canvas.save()
    page = read(pool, tmp_path / "form.pdf").pages[0]
    assert sorted(lines_of(page)) == sorted((*FORM, f"RECEIVED {STAMP}"))
    assert {word.turned for word in page.words} == {0, 3}


def test_a_date_with_its_year_first() -> None:
    def found(text: str) -> list[str]:
        return [text[a:b] for a, b in dates(text)]

    assert found(STAMP) == ["2008 JUN 30"]
    assert found("received 2011/JAN-3 by") == ["2011/JAN-3"]
    assert found("2024-Mar-05") == ["2024-Mar-05"]
    assert found("of May 2008, June 30, 2009") == ["June 30, 2009"]
    assert found("12008 JUN 30") == []


def test_a_region_is_around_long_boxes_only() -> None:
    assert regions_of([], 20, 1000, 2000) == []
    assert regions_of([rectangle(500, 500, 508, 520)], 20, 1000, 2000) == []  # a lone 1
    (region,) = regions_of([rectangle(900, 500, 930, 600), rectangle(900, 630, 930, 690)], 20, 1000, 2000)
    assert region[0] < 900
    assert region[1] < 500
    assert region[2] > 930
    assert region[3] > 690
    many = [rectangle(200 * i, 100, 200 * i + 20, 300) for i in range(40)]
    assert len(regions_of(many, 20, 8000, 2000)) == 4
    assert len(regions_of(many * 50, 20, 8000, 2000)) == 4  # the longest of 2,000 boxes


@given(
    st.lists(
        st.tuples(st.floats(0, 1500), st.floats(0, 2000), st.floats(3, 60), st.floats(3, 400)),
        max_size=12,
    )
)
def test_regions_lie_on_the_page(boxes: list[tuple[float, float, float, float]]) -> None:
    for x0, y0, x1, y1 in regions_of([rectangle(x, y, x + w, y + h) for x, y, w, h in boxes], 20, 1560, 2400):
        assert 0 <= x0 < x1 <= 1560
        assert 0 <= y0 < y1 <= 2400


def test_pieces_of_the_lines_that_cross_are_no_print_of_the_region() -> None:
    line = Piece(rectangle(100, 50, 400, 90), "2008 JUN", 0.95)
    level = Piece(rectangle(420, 52, 450, 88), "30", 0.97)
    letter = Piece(rectangle(200, 150, 215, 170), "a", 1.0)
    unsure = Piece(rectangle(100, 200, 400, 240), "REGISTRATION", 0.4)
    assert kept([line, level, letter, unsure]) == [0, 1]
    assert kept([level, letter]) == []
    assert kept([Piece(rectangle(0, 0, 90, 20), "111", 0.9)]) == []


def test_all_of_a_region_runs_the_way_that_reads_better() -> None:
    quads = [rectangle(100, 50, 400, 90), rectangle(100, 150, 300, 190)]
    right = [Piece(quad, text, 0.9) for quad, text in zip(quads, ("2008 JUN", "RECEIVED"), strict=True)]
    wrong = [
        Piece(quad, text, score)
        for quad, text, score in zip(quads, ("NNf 800Z", "dA"), (0.8, 0.99), strict=True)
    ]
    assert way_of(right, wrong) == (False, [0, 1])
    assert way_of(wrong, right) == (True, [0, 1])
    assert way_of([], []) == (False, [])


def test_corners_come_back_to_their_place_on_the_page() -> None:
    image = np.zeros((300, 200), dtype=np.uint8)
    image[120:180, 150:160] = 255
    region = (100, 50, 190, 280)
    turned = np.rot90(image[50:280, 100:190])
    rows, columns = np.nonzero(turned)
    quad = rectangle(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(on_page(quad, region), rectangle(150, 120, 160, 180))


def test_what_was_read_across_such_a_line_gives_way_to_it() -> None:
    strip = rectangle(500, 100, 540, 500)
    crossing, piece = rectangle(100, 200, 700, 230), rectangle(505, 300, 538, 360)
    assert uncovered([crossing, piece], [strip]) == [0]
    assert uncovered([crossing, piece], []) == [0, 1]


def test_far_print_along_one_edge_is_two_lines() -> None:
    down = [
        Word(text, Box(500, y, 512, y + 40), 0.9, 1)
        for text, y in (("PAID", 100), ("TWICE", 145), ("VOID", 600))
    ]
    up = [Word(text, Box(20, y, 32, y + 40), 0.9, 3) for text, y in (("first", 300), ("second", 250))]
    across = [Word("Total", Box(60, 120, 90, 130)), Word("9.50", Box(400, 120, 430, 130))]
    found = [[word.text for word in line] for line in group_lines([*up, *across, *down])]
    assert found == [["Total", "9.50"], ["PAID", "TWICE"], ["first", "second"], ["VOID"]]
