"""One model for many threads: what waits is asked together, and nobody suffers for another's document."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from extractors.backends.base import Answer
from flows.extractor import MAX_DOCUMENTS, SharedBackend
from schemas.document import DocumentRef, ReadDocument
from schemas.errors import BackendError
from schemas.registry import LoadedSchema, load_schema

RECEIPT, INVOICE = load_schema("receipt"), load_schema("invoice")


def document(name: str) -> ReadDocument:
    return ReadDocument(DocumentRef(name, "0" * 64, 1, "application/pdf"), (), 1)


class Held:
    """Answers a document with its name, notes who came together, and waits at the door of the first call."""

    model_id = "held"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.inside, self.open = threading.Event(), threading.Event()

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        self.calls.append([one.ref.uri for one in documents])
        self.inside.set()
        assert self.open.wait(30)
        if any("poison" in one.ref.uri for one in documents):
            raise BackendError("poisoned")
        return [Answer({"name": one.ref.uri, "schema": schema.name}, ()) for one in documents]


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def shared(held: Held, tmp_path: Path) -> SharedBackend:
    made = SharedBackend("scripted", tmp_path)
    made._loaded = held
    return made


def wait_for(shared: SharedBackend, count: int) -> None:
    for _ in range(3000):
        if len(shared._waiting) == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(shared._waiting)} wait, not {count}")


def test_those_who_wait_are_answered_together_each_with_its_own(shared: SharedBackend, held: Held) -> None:
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(shared.answer, [document("first")], RECEIPT)
        assert held.inside.wait(30)
        others = {name: pool.submit(shared.answer, [document(name)], RECEIPT) for name in "abcdef"}
        wait_for(shared, 6)
        held.open.set()
        assert first.result(30)[0].data["name"] == "first"
        for name, future in others.items():
            assert [answer.data["name"] for answer in future.result(30)] == [name]
    assert [sorted(call) for call in held.calls] == [["first"], list("abcdef")]


def test_schemas_are_not_mixed(shared: SharedBackend, held: Held) -> None:
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(shared.answer, [document("first")], RECEIPT)
        assert held.inside.wait(30)
        futures = [
            pool.submit(shared.answer, [document(f"{schema.name} {i}")], schema)
            for i in range(3)
            for schema in (RECEIPT, INVOICE)
        ]
        wait_for(shared, 6)
        held.open.set()
        first.result(30)
        for future in futures:
            (answer,) = future.result(30)
            assert answer.data["name"].startswith(answer.data["schema"])
    assert sorted(map(len, held.calls)) == [1, 3, 3]


def test_one_that_fails_fails_alone(shared: SharedBackend, held: Held) -> None:
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(shared.answer, [document("first")], RECEIPT)
        assert held.inside.wait(30)
        futures = {
            name: pool.submit(shared.answer, [document(name)], RECEIPT) for name in ("a", "poison", "b")
        }
        wait_for(shared, 3)
        held.open.set()
        first.result(30)
        assert futures["a"].result(30)[0].data["name"] == "a"
        assert futures["b"].result(30)[0].data["name"] == "b"
        with pytest.raises(BackendError, match="poisoned"):
            futures["poison"].result(30)


def test_who_waits_when_the_run_is_stopped_is_told_and_not_asked_for(
    shared: SharedBackend, held: Held
) -> None:
    stopping = threading.Event()
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(shared.answer, [document("first")], RECEIPT, stopping)
        assert held.inside.wait(30)
        waiting = pool.submit(shared.answer, [document("late")], RECEIPT, stopping)
        wait_for(shared, 1)
        stopping.set()
        with pytest.raises(BackendError, match="stopped"):
            waiting.result(30)
        held.open.set()
        assert first.result(30)[0].data["name"] == "first"
    assert held.calls == [["first"]]


def test_so_many_at_a_time_and_no_more(shared: SharedBackend, held: Held) -> None:
    count = MAX_DOCUMENTS + 5
    with ThreadPoolExecutor(count + 1) as pool:
        first = pool.submit(shared.answer, [document("first")], RECEIPT)
        assert held.inside.wait(30)
        futures = [pool.submit(shared.answer, [document(str(i))], RECEIPT) for i in range(count)]
        wait_for(shared, count)
        held.open.set()
        first.result(30)
        assert [future.result(30)[0].data["name"] for future in futures] == [str(i) for i in range(count)]
    assert sorted(map(len, held.calls)) == [1, 5, MAX_DOCUMENTS]
