"""Words misread as a recogniser misreads them: at the fitted rates, and always fit to be a page's words."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rapidfuzz.distance import Levenshtein

from extractors.reading.geometry import Frame2D
from extractors.training.synthesis.fit_misreadings import Evidence, gather
from extractors.training.synthesis.misreading import Misreader, load_misreadings, pieces, quantile, shares
from schemas.document import READ_DOCUMENT, Box, DocumentRef, Page, ReadDocument, Word
from schemas.errors import UsageError
from tests.tiny import page_of

FRAME = Frame2D(612.0, 792.0)


def uniform(severity: float = 1.0) -> Misreader:
    table = load_misreadings().model_copy(update={"severity": (severity,)})
    return Misreader(table, random.Random(5), 0.5)


def test_errors_come_at_the_fitted_rates() -> None:
    table = load_misreadings()
    chars = random.Random(1)
    names = [char for char, one in table.characters.items() if char.isalnum() and one.seen > 500]
    weights = [table.characters[char].seen for char in names]
    lines = ["".join(chars.choices(names, weights, k=60)) for _ in range(1500)]
    reader = uniform()
    counted = wrong = 0
    for line in lines:
        read, _ = reader._text(line)
        counted += len(line)
        wrong += Levenshtein.distance(line, read)
    known = sum(sum(table.characters[char].read_as.values()) for char in names) / sum(weights)
    assert wrong / counted == pytest.approx(known + table.inserted, rel=0.15)


def test_spaces_and_lines_are_lost_at_the_fitted_rates() -> None:
    table = load_misreadings()
    page = page_of(["abc def ghi jkl mno pqr stu vwx"] * 40)
    reader = uniform()
    words = rows = 0
    for _ in range(30):
        found = reader.page(page.words, FRAME)
        rows += len({round(word.box.y0 / 16) for word in found})
        words += len(found)
    expected = 8 - 7 * table.glued + 16 * table.split
    assert words / rows == pytest.approx(expected, rel=0.03)
    assert 1 - rows / 1200 == pytest.approx(table.lost, abs=0.006)


def test_wear_makes_it_worse() -> None:
    table = load_misreadings()
    best, usual, worst = (Misreader(table, random.Random(0), wear).severity for wear in (0, 0.5, 1))
    assert best < usual < worst
    assert quantile((1.0, 3.0), 0.25) == 1.5
    assert quantile((2.0,), 0.7) == 2.0


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=9
)
EDGE = st.floats(0, 600)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(TEXT, EDGE, EDGE, st.floats(0, 30), st.floats(0, 30)), max_size=12),
    st.integers(0, 2**32),
)
def test_words_stay_words_on_the_page(drawn: list[tuple[str, float, float, float, float]], seed: int) -> None:
    words = [Word(text, Box(x, y, x + w, y + h)) for text, x, y, w, h in drawn]
    reader = Misreader(load_misreadings().model_copy(update={"severity": (8.0,)}), random.Random(seed), 1)
    for word in reader.page(words, FRAME):
        assert word.text
        assert word.text.strip() == word.text
        assert 0 <= word.box.x0 <= word.box.x1 <= FRAME.width
        assert 0 <= word.box.y0 <= word.box.y1 <= FRAME.height
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1


def test_pieces_end_at_wide_gaps_and_boxes_are_shared_out() -> None:
    page = page_of(["Total due      12.50", "Thanks"])
    assert [[word.text for word in piece] for piece in pieces(page.words)] == [
        ["Total", "due"],
        ["12.50"],
        ["Thanks"],
    ]
    assert pieces([]) == []
    assert shares(["ab", "c"], Box(0, 0, 6, 1)) == [Box(0, 0, 4, 1), Box(4, 0, 6, 1)]


def write_set(folder: Path) -> None:
    for name in ("docs", "ocr_boxes", "reads"):
        (folder / name).mkdir(parents=True)
    Image.new("L", (200, 100)).save(folder / "docs" / "a.png")
    (folder / "splits.json").write_text(json.dumps({"train": ["a", "unread"], "dev": ["b"]}))
    lines = [("TOTAL DUE", 10), ("8 BOLTS", 30), ("X1", 50), ("GONE LINE", 70)]
    boxes = [{"box": [10, y, 110, y + 10], "text": text} for text, y in lines]
    (folder / "ocr_boxes" / "a.json").write_text(json.dumps(boxes))
    read = [("TOTALDUE", 10, 100, 0.9), ("B", 10, 15, 0.5), ("bolts", 20, 60, 0.99), ("X1", 10, 30, 1.0)]
    places = [10, 30, 30, 50]
    words = [
        Word(text, Box(x0 / 2, y / 2, x1 / 2, y / 2 + 5), sure)
        for (text, x0, x1, sure), y in zip(read, places, strict=True)
    ]
    ref = DocumentRef("a.png", "0" * 64, 1, "image/png")
    document = ReadDocument(ref, (Page(1, 100, 50, "ocr", tuple(words)),), 1)
    (folder / "reads" / "a.json").write_bytes(READ_DOCUMENT.dump_json(document))


def test_fitting_counts_what_was_misread(tmp_path: Path) -> None:
    write_set(tmp_path)
    evidence = gather(tmp_path, tmp_path / "reads")
    assert evidence.read_as["8"] == {"B": 1}
    assert (evidence.glued[False], evidence.spaces[False]) == (1, 2)
    assert (evidence.lost[False], evidence.lines[False], evidence.lines[True]) == (1, 3, 1)
    assert (sorted(evidence.wrong), sorted(evidence.right)) == ([0.5], [0.9, 0.99, 1.0])
    table = evidence.table("a test")
    assert table.glued == 0.5
    assert table.characters["T"].seen == 3
    with pytest.raises(UsageError, match="No line"):
        Evidence().table("nothing")
