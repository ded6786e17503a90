"""Questions to pixels: labels, rendering, blanking and counting, with a backend that sees dark pages."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
from PIL import Image, ImageStat
from reportlab.pdfgen.canvas import Canvas

from benchmarks.marks import LABELS, QUESTIONS, accuracy, ask, blanked, labels_of, main, readings, schema_of
from extractors.backends.base import Answer, LeafAnswer
from schemas.document import ReadDocument
from schemas.errors import UsageError
from schemas.registry import LoadedSchema


class SeesInk:
    """Answers yes where much of the image is dark."""

    model_id = "sees-ink"

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        (document,) = documents
        image = document.pages[0].image
        assert image is not None
        dark = Image.open(io.BytesIO(image.data)).convert("L").point(lambda grey: 255 * (grey < 128))
        ink = "true" if ImageStat.Stat(dark).mean[0] / 255 > 0.04 else "false"
        return [Answer(dict.fromkeys(QUESTIONS, ink), tuple(LeafAnswer(q, ink, -0.1) for q in QUESTIONS))]


def pdf(path: Path, stamp: bool) -> None:
    canvas = Canvas(str(path), pagesize=(300, 200))
    canvas.drawString(40, 150, "Please sign below")
    if stamp:
        canvas.circle(200, 60, 40, fill=1)
    canvas.save()


def labels(path: Path, **marks: bool) -> Path:
    pages = [{"document": name, "page": 1, "stamped": on, "signed": on} for name, on in marks.items()]
    path.write_text(json.dumps({"pages": pages}))
    return path


def test_the_labels_that_are_kept_are_whole() -> None:
    kept = labels_of(LABELS)
    assert len(kept) >= 50
    assert len({label.name for label in kept}) == len(kept)
    for question in QUESTIONS:
        assert {label.marks[question] for label in kept} == {True, False}


@pytest.mark.parametrize("text", ["", "{}", '{"pages": [{"document": "a"}]}', '{"pages": 3}'])
def test_a_file_without_labels_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UsageError, match="has no labels"):
        labels_of(tmp_path / "labels.json")


def test_accuracy_and_its_balance() -> None:
    right, balanced = accuracy([True, True, True, False], [True, True, None, True])
    assert right == 0.5
    assert balanced == pytest.approx((2 / 3 + 0) / 2)
    assert accuracy([True, True], [True, False]) == (0.5, 0.5)


@pytest.mark.slow
def test_pages_are_read_alone_and_the_blank_ones_tell_nothing(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    pdf(docs / "stamp.pdf", True)
    pdf(docs / "plain.pdf", False)
    wanted = labels_of(labels(tmp_path / "labels.json", stamp=True, plain=False, missing=True))
    read = list(readings(docs, wanted, tmp_path / "words"))
    assert [label.document for label, _ in read] == ["stamp", "plain"]
    assert all("sign" in " ".join(word.text for word in doc.pages[0].words) for _, doc in read)
    schema = schema_of(tmp_path)
    assert ask(SeesInk(), schema, (doc for _, doc in read)) == [
        dict.fromkeys(QUESTIONS, True),
        dict.fromkeys(QUESTIONS, False),
    ]
    assert ask(SeesInk(), schema, (blanked(doc) for _, doc in read)) == 2 * [dict.fromkeys(QUESTIONS, False)]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "words").glob("*.json")}
    assert len(list(readings(docs, wanted, tmp_path / "words"))) == 2
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "words").glob("*.json")}


def test_wrong_inputs_end_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        ([str(tmp_path / "none")], "is no folder"),
        ([str(tmp_path), "--labels", str(tmp_path / "none.json")], "has no labels"),
    ):
        with patch.object(sys, "argv", ["marks", *arguments]):
            assert main() == 2
        assert said in capsys.readouterr().err
