"""The benchmark of decoding: engines under one grammar write the same, and a row that is missing is a row."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from benchmarks.decoding import measure
from benchmarks.peers.build import Here, Worker, torch_engine
from benchmarks.peers.engine import EngineFailedError, NotHereError, Outcome, Spec
from benchmarks.peers.report import plot, rows_of, table_of, write_json
from benchmarks.peers.tasks import Task, groups_of, json_schema_of, judge, tasks_of
from schemas.registry import load_schema
from tests.tiny import document_of, tiny_model, tiny_processor

LINES = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Date 25/12/2018   No 77", "Total   $1,234.50"]
LIMIT = 250


def tasks() -> list[Task]:
    pages = [LINES, LINES[::-1], [*LINES[1:], "Pens  2  3.50  7.00"]]
    documents = [(f"{i}.pdf", document_of(lines)) for i, lines in enumerate(pages)]
    return tasks_of(documents, "receipt", 100_000, lambda texts: [1 for _ in texts])


def spec(kind: str, batch: int) -> Spec:
    return Spec(f"{kind}-{batch}", kind, kind, batch, "page grammar")


@pytest.mark.parametrize("seed", [1, 4])
def test_ours_and_generate_write_the_same_in_fp32(seed: int) -> None:
    asked = tasks()
    model, processor = tiny_model(seed), tiny_processor()
    texts: dict[str, list[tuple[str, int, bool]]] = {}
    calls: dict[str, int] = {}
    for kind, batch in (("ours", 1), ("generate", 1), ("ours", 3), ("generate", 3)):
        engine = torch_engine(spec(kind, batch), model, processor)
        outcomes = [engine.answer([asked[n] for n in g], LIMIT) for g in groups_of(asked, batch)]
        texts[f"{kind}-{batch}"] = [
            (written.text, written.tokens, written.complete) for o in outcomes for written in o.written
        ]
        calls[f"{kind}-{batch}"] = sum(o.calls for o in outcomes)
        assert all(o.prefill and o.forward and o.forward <= o.seconds for o in outcomes)
    first = texts["generate-1"]
    # Ours also ends an answer that goes in circles, so only answers that `generate` ended are the same to the end.
    assert any(complete for _, _, complete in first)
    for name, found in texts.items():
        for mine, other in zip(found, first, strict=True):
            assert mine == other if other[2] else other[0].startswith(mine[0]), name
    assert calls["ours-1"] < calls["generate-1"]
    assert calls["generate-3"] < calls["generate-1"]


class Absent:
    """What is started where a peer is not installed, or dies."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def start(self) -> Worker:
        raise self.error


def test_the_report_has_a_row_for_each_engine_and_for_each_that_is_missing(tmp_path: Path) -> None:
    asked = tasks()
    model, processor = tiny_model(1), tiny_processor()
    specs = [spec("ours", 1), spec("generate", 1), spec("outlines", 1), spec("llama", 1), spec("ours", 2)]
    absent = {
        "outlines": Absent(NotHereError("pip install outlines")),
        "llama": Absent(EngineFailedError("its process died, exit code -4")),
    }

    def start(one: Spec) -> Worker:
        if one.kind in absent:
            return absent[one.kind].start()
        return Here(torch_engine(one, model, processor), asked)

    measured = measure(specs, asked, start, max_tokens=LIMIT, rounds=2)
    rows = {row.key: row for row in rows_of(measured, asked)}
    assert list(rows) == [one.key for one in specs]
    ours, peer = rows["ours-1"], rows["generate-1"]
    assert ours.ratio is None and peer.ratio is not None and peer.seconds is not None
    assert ours.windows == peer.windows == len(asked) and ours.documents == len(asked)
    assert ours.invented == peer.invented == 0 and ours.values == peer.values > 0
    assert ours.valid == ours.complete
    assert peer.same is not None and peer.tokens_per_call < ours.tokens_per_call
    assert all(len(one.outcomes) == 2 * len(asked) for one in measured[:2])

    # Wide enough that no cell is broken into lines, however long the measured figures are.
    out = Console(file=StringIO(), width=1000)
    out.print(table_of(list(rows.values())))
    assert isinstance(out.file, StringIO)
    shown = out.file.getvalue()
    assert "not installed: pip install" in shown and "failed: its process died" in shown

    write_json(tmp_path / "all.json", {"threads": 2}, list(rows.values()), measured, asked)
    whole = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert [row["key"] for row in whole["rows"]] == list(rows)
    assert len(whole["documents"]["ours-1"]) == 2 * len(asked) and len(whole["answers"]["ours-2"]) == len(
        asked
    )
    plot(list(rows.values()), [tmp_path / "all.svg", tmp_path / "all.png"])
    assert "<svg" in (tmp_path / "all.svg").read_text(encoding="utf-8")


def test_answers_are_held_against_schema_and_page() -> None:
    task = tasks()[0]
    names = [name for name, _ in task.schema.tree.fields]
    nothing: dict[str, object] = dict.fromkeys(names)
    good = nothing | {"total": "$1,234.50"}
    for said in (nothing, good):
        jsonschema.validate(said, json_schema_of(task.schema.tree))
    right = judge(json.dumps(good), True, task)
    assert (right.valid, right.values, right.invented) == (True, 1, 0)
    made_up = judge(json.dumps(nothing | {"total": "234.50"}), True, task)
    assert (made_up.valid, made_up.values, made_up.invented) == (True, 1, 1)
    assert not judge(json.dumps(good), False, task).valid
    for broken in ("", '{"total":', json.dumps({"total": None}), json.dumps(good | {"more": 1})):
        assert not judge(broken, True, task).valid


@pytest.mark.parametrize("name", ["receipt", "invoice", "ad_buy"])
def test_the_schema_of_the_peers_is_a_schema_with_bounds(name: str) -> None:
    made = json_schema_of(load_schema(name).tree)
    jsonschema.Draft202012Validator.check_schema(made)
    text = json.dumps(made)
    assert text.count('"type": "string"') == text.count('"maxLength"')
    assert text.count('"type": "array"') == text.count('"maxItems"')


def test_what_a_batch_took_is_shared_by_its_answers() -> None:
    asked = [replace(task, name="one.pdf" if i < 2 else "two.pdf") for i, task in enumerate(tasks())]

    class Fixed:
        def answer(self, some: list[Task], max_tokens: int) -> Outcome:
            from benchmarks.peers.engine import Written

            written = [Written("{}", 5, True) for _ in some]
            return Outcome(written, 3.0, 0.3, 1.2, 1.5, 2.4, 6, 30 * len(some))

    (measured,) = measure(
        [spec("ours", 3)],
        asked,
        lambda _: Here(Fixed(), asked),  # type: ignore[arg-type]
        max_tokens=9,
    )
    shared = measured.per_document(asked)
    assert shared[0, "one.pdf"].seconds == pytest.approx(2.0) and shared[0, "two.pdf"].calls == pytest.approx(
        2
    )
    (row,) = rows_of([measured], asked)
    assert row.tokens_per_call == pytest.approx(15 / 6)
    assert row.overhead == pytest.approx((2.7 - 2.4) / 2.4)
    assert row.documents_per_minute == pytest.approx(40)
