"""Parts left out one at a time: what each way of answering shows the model, and how rows are counted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.ablations import WHOLE, Row, flattened, judged, main, run, table_of, variants
from extractors.backends.scripted import ScriptedBackend
from extractors.evaluation.run import open_set
from extractors.models.load import LoadedModel
from extractors.prompting.window import printed_lines
from schemas.registry import from_json_schema
from tests.tiny import document_of, tiny_model, tiny_processor
from tests.validation.paper import paper

SCHEMA = from_json_schema(
    {
        "type": "object",
        "properties": {"company": {"type": "string"}, "total": {"type": ["string", "null"]}},
    },
    "slip",
)
LINES = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Date 25/12/2018   No 77", "Total   $1,234.50"]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    folder = tmp_path / "slips"
    for name in ("docs", "truth"):
        (folder / name).mkdir(parents=True)
    (folder / "docs" / "a.pdf").write_bytes(b"%PDF-1.4 read before\n")
    (folder / "truth" / "a.json").write_text('{"company": "Blue Harbour Books Ltd", "total": "$1,234.50"}')
    (folder / "splits.json").write_text('{"dev": ["a"]}')
    return folder


def test_a_page_without_layout_has_its_words_in_one_line_and_in_order() -> None:
    document = paper("Total    5.00\nDate: 1 May\n", "Second page")
    flat = flattened(document)
    assert [[w.text for w in p.words] for p in flat.pages] == [
        [w.text for w in p.words] for p in document.pages
    ]
    assert [len(printed_lines(page)) for page in flat.pages] == [1, 1]
    assert printed_lines(flat.pages[0])[0].text == "Total 5.00 Date: 1 May"
    assert flattened(paper("")).pages == paper("").pages


def test_every_way_answers_and_only_the_free_one_may_write_what_is_not_there(labelled: Path) -> None:
    loaded = LoadedModel("tiny", "tiny-1", tiny_model(1), tiny_processor(), 1000, -math.inf, True)
    chosen = open_set(labelled, "dev")
    documents = [("a", document_of(LINES))]
    rows = {name: run(name, make(), documents, chosen, SCHEMA) for name, make in variants(loaded).items()}
    assert next(iter(rows)) == WHOLE
    assert len(rows) == 6
    for name, row in rows.items():
        (right, wrong, missed), *others = row.counts
        assert right + missed == 2
        assert not others and right + wrong == row.values
        assert row.nowhere == 0 or "without grounding" in name
    free = rows["without grounding, and without the rules"]
    assert free.nowhere > 0  # random weights write what no page says


def test_what_is_not_labelled_is_not_counted() -> None:
    (answer,) = ScriptedBackend().answer([paper("Oak Ltd\n\nTotal: 5.00")], SCHEMA)
    assert judged(answer, {"total": "5.00"}, SCHEMA.tree) == (1, 0, 0)
    assert judged(answer, {"total": "6.00"}, SCHEMA.tree) == (0, 1, 1)
    assert judged(answer, {"total": None}, SCHEMA.tree) == (0, 1, 0)


def test_rows_are_held_against_the_first() -> None:
    whole, less = Row(WHOLE, ((3, 0, 0), (2, 1, 1)), 6, 0), Row("less", ((1, 2, 2), (1, 2, 2)), 6, 2)
    table = table_of([whole, less], "slips")
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == [WHOLE, "less"]
    assert cells[1] == ["0.833", "0.333"]
    assert cells[3] == ["", "-0.500"]
    assert cells[5] == ["0 of 6", "2 of 6"]


def test_a_folder_that_is_none_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["ablations", "/nowhere"])
    assert main() == 2
    assert "/nowhere" in capsys.readouterr().err
