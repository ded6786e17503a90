"""A date or a sum that the schema has as a text: every engine is asked what the product asks, and judged as written."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchmarks.peers import generate
from benchmarks.peers.engine import Engine
from benchmarks.peers.llama import Llama
from benchmarks.peers.ours import Ours
from benchmarks.peers.tasks import Task, json_schema_of, judge, tasks_of
from extractors.backends.transformers import TransformersBackend
from extractors.decoding.row import Decoded, Request
from extractors.models.load import LoadedModel
from extractors.prompting.encode import count_tokens
from schemas.tree import Kind
from tests.tiny import document_of, tiny_model, tiny_processor

DOCUMENT = document_of(["Blue Harbour Books", "Date 25/12/2018   10:30", "Total RM9.00"])
WINDOW_TOKENS = 10_000


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A receipt with hints whose date and total are texts."""
    path = tmp_path / "slip.json"
    fields = {name: {"type": ["string", "null"]} for name in ("company", "date", "total")}
    path.write_text(json.dumps({"title": "slip", "type": "object", "properties": fields}), encoding="utf-8")

    def count(texts: Sequence[str]) -> list[int]:
        return count_tokens(tiny_processor(), list(texts))

    (made,) = tasks_of([("slip.pdf", DOCUMENT)], str(path), WINDOW_TOKENS, count, hints=True)
    return made


class Kept:
    """In a decoder's place: keeps what it is asked and says nothing."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def answers(self, requests: Sequence[Request]) -> Iterator[tuple[int, Decoded]]:
        for number, request in enumerate(requests):
            self.requests.append(request)
            yield number, Decoded("", truncated=True)


def asked_by_the_product(task: Task) -> Request:
    loaded = LoadedModel("tiny", "tiny", tiny_model(), tiny_processor(), WINDOW_TOKENS, -math.inf, hints=True)
    backend = TransformersBackend(loaded, with_image=False)
    backend.decoder = kept = Kept()  # type: ignore[assignment]
    backend.answer([task.document], task.schema)
    (request,) = kept.requests
    return request


def asked_by(engine: Engine, task: Task) -> Request:
    engine.decoder = kept = Kept()  # type: ignore[attr-defined]
    engine.answer([task], 9)
    (request,) = kept.requests
    return request


def test_the_schema_is_one_that_is_asked_otherwise_than_it_is_written(task: Task) -> None:
    written, asked = dict(task.schema.tree.fields), dict(task.asked.tree.fields)
    assert written != asked
    assert (written["date"].kind, asked["date"].kind) == (Kind.TEXT, Kind.DATE)  # type: ignore[union-attr]


def test_our_engine_asks_what_the_product_asks(task: Task) -> None:
    product, ours = asked_by_the_product(task), asked_by(Ours(tiny_model(), tiny_processor()), task)
    assert ours.prompt.input_ids.tolist() == product.prompt.input_ids.tolist()
    assert ours.grammar == product.grammar
    assert ours.guess is not None and product.guess is not None
    assert ours.guess.text == product.guess.text == task.hint
    assert json.loads(task.hint)["date"] == "25/12/2018"


def test_generate_asks_what_the_product_asks(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    product, prompts, grammars = asked_by_the_product(task), [], []
    processor = tiny_processor()

    class Model(torch.nn.Module):
        def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            prompts.append(input_ids.tolist())
            return input_ids

    def masks(guide: Any, texts: list[str]) -> None:
        grammars.extend(texts)

    monkeypatch.setattr(generate, "_Masks", masks)
    generate.Generate(Model(), processor, generate.page_grammars(processor.tokenizer)).answer([task], 9)
    assert prompts == [product.prompt.input_ids.tolist()]
    assert grammars == [product.grammar]


def test_outlines_has_the_schema_as_it_is_asked(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[dict[str, Any]] = []

    def held_to(_backend: str, _model: Any, text: str) -> Any:
        held.append(json.loads(text))
        return SimpleNamespace(reset=lambda: None)

    outlines = SimpleNamespace(models=SimpleNamespace(Transformers=lambda *_: None))
    monkeypatch.setitem(sys.modules, "outlines", outlines)
    backends = SimpleNamespace(get_json_schema_logits_processor=held_to)
    monkeypatch.setitem(sys.modules, "outlines.backends", backends)
    generate.outlines_schemas(None, None)([task])
    assert [one["properties"] for one in held] == [json_schema_of(task.asked.tree)["properties"]]


def test_llama_asks_what_the_product_asks(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts: list[list[int]] = []
    held: list[dict[str, Any]] = []

    class Model:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def generate(self, ids: list[int], **_: Any) -> Iterator[int]:
            prompts.append(ids)
            yield 0

        def token_eos(self) -> int:
            return 0

        def detokenize(self, _: list[int]) -> bytes:
            return b""

    def gbnf(text: str) -> str:
        held.append(json.loads(text))
        return "root ::= space"

    grammar = SimpleNamespace(
        json_schema_to_gbnf=gbnf, LlamaGrammar=SimpleNamespace(from_string=lambda *_, **__: None)
    )
    monkeypatch.setitem(sys.modules, "llama_cpp", SimpleNamespace(Llama=Model, llama_grammar=grammar))
    Llama(Path("none.gguf"), tiny_processor(), 1).answer([task], 9)
    assert prompts == asked_by_the_product(task).prompt.input_ids.tolist()
    assert held == [json_schema_of(task.asked.tree)]


@pytest.mark.parametrize(
    ("total", "invented"),
    [
        ("9.00", 0),  # as asked: the number in RM9.00
        ("RM9.00", 0),  # as written: words of the page
        ("RM9.01", 1),
        ("19.00", 1),
    ],
)
def test_what_stands_on_the_page_as_asked_or_as_written_is_not_invented(
    task: Task, total: str, invented: int
) -> None:
    said = {"company": "Blue Harbour Books", "date": "25/12/2018", "total": total}
    verdict = judge(json.dumps(said), True, task)
    assert (verdict.typed, verdict.values, verdict.invented) == (True, 3, invented)


def test_a_text_that_is_no_date_is_a_value_of_a_schema_of_texts(task: Task) -> None:
    """Judged as written: the page's time in the field of the date is no date, and still a text of the page."""
    verdict = judge(json.dumps({"company": None, "date": "10:30", "total": None}), True, task)
    assert (verdict.valid, verdict.typed, verdict.values, verdict.invented) == (True, True, 1, 0)
