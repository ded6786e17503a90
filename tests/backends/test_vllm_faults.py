"""Servers that are slow, broken, gone or dishonest: a clear error each, and never an answer outside the grammar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from extractors.backends import load_backend
from extractors.backends.vllm import server as connection
from extractors.backends.vllm.backend import VllmBackend
from extractors.options import VllmOptions
from schemas.errors import BackendError, ModelError, OutageError
from schemas.registry import load_schema
from tests.backends import serving
from tests.backends.serving import KEY, Fault, TinyServer
from tests.tiny import document_of, tiny_processor

LINES = ["Blue Harbour Books Ltd", "Total   $1,234.50"]
RECEIPT = load_schema("receipt")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.01)


def made_for(server: TinyServer, folder: Path, **changed: Any) -> VllmBackend:
    given = {
        "url": server.url,
        "model": "tiny",
        "folder": str(folder),
        "api_key": KEY,
        "max_answer_tokens": 40,
    }
    options = VllmOptions.model_validate({**given, "outage_seconds": 0.2, **changed})
    return VllmBackend("vllm", options, folder)


@pytest.fixture(scope="module")
def served(running_server: TinyServer, tiny_folder: Path) -> Iterator[VllmBackend]:
    made = made_for(running_server.reset(), tiny_folder, max_response_mb=1)
    yield made
    made.close()


def asked(backend: VllmBackend) -> None:
    backend.answer([document_of(LINES)], RECEIPT)


@pytest.mark.parametrize(
    "fault",
    [
        serving.status(500),
        serving.status(429),
        serving.status(503, retry_after="0.05"),
        serving.drops,
        serving.cut_json,
    ],
    ids=["500", "429", "503", "drops", "cut"],
)
def test_what_passes_is_tried_again(served: VllmBackend, server: TinyServer, fault: Fault) -> None:
    server.faults = [fault, fault]
    asked(served)
    assert len(server.bodies) == 3


def test_a_server_that_asks_for_a_pause_gets_it(served: VllmBackend, server: TinyServer) -> None:
    server.faults = [serving.status(429, retry_after="1.2")]
    began = time.monotonic()
    asked(served)
    assert time.monotonic() - began >= 1.2


def changed(**fields: Any) -> Fault:
    return serving.answers(lambda response: response.update(fields))


def choice(change: Callable[[dict[str, Any]], Any]) -> Fault:
    return serving.answers(lambda response: change(response["choices"][0]))


def no_scores(found: dict[str, Any]) -> None:
    found["logprobs"] = None


def half_an_answer(found: dict[str, Any]) -> None:
    """Cut off, and told as if it were whole."""
    half = len(found["token_ids"]) // 2
    found["finish_reason"] = "stop"
    found["token_ids"] = found["token_ids"][:half]
    found["logprobs"]["token_logprobs"] = found["logprobs"]["token_logprobs"][:half]


def another_text(found: dict[str, Any]) -> None:
    found["finish_reason"] = "stop"
    found["text"] = found["text"].replace("{", "[")


def behind_the_end(found: dict[str, Any]) -> None:
    """Tokens behind one that ends answers."""
    end = tiny_processor().tokenizer.eos_token_id
    found["token_ids"][-2:-1] = [end]


REFUSED: dict[str, tuple[Fault, str]] = {
    "stays broken": (serving.status(500), "did not answer this request: HTTP 500"),
    "stays cut": (serving.cut_json, "cut off, or is no JSON"),
    "stays dropped": (serving.drops, "the connection broke"),
    "refuses": (serving.status(400), "HTTP 400, ‹made to›"),
    "huge": (serving.huge, "longer than 1 MB"),
    "no JSON object": (lambda body, server: serving.JSONResponse([1, 2]), "no choices"),
    "another model": (changed(model="someone-else"), "‹someone-else›"),
    "no scores": (choice(no_scores), "no log-probabilities"),
    "scores that are none": (choice(lambda c: c["logprobs"].update(token_logprobs=["x"])), "log-probability"),
    "too few scores": (choice(lambda c: c["logprobs"]["token_logprobs"].pop()), "log-probabilities for"),
    "other prompt": (choice(lambda c: c["prompt_token_ids"].pop()), "other tokens of the prompt"),
    "no tokens": (choice(lambda c: c.pop("token_ids")), "no token_ids"),
    "tokens of nowhere": (
        choice(lambda c: c["token_ids"].__setitem__(0, 10**12)),
        "vocabulary does not have",
    ),
    "half": (choice(half_an_answer), "ends before it is complete"),
    "other text": (choice(another_text), "outside the grammar|spells its tokens"),
    "more than was asked for": (serving.talks_on, "tokens, and 40 were asked for"),
    "something behind the end": (choice(behind_the_end), "outside the grammar"),
    "gives up": (choice(lambda c: c.update(finish_reason="abort")), "‹abort›"),
    "no grammar": (serving.ignores_grammar, "outside the grammar"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_answer_is_an_error_that_says_so(
    served: VllmBackend, server: TinyServer, name: str
) -> None:
    server.always, said = REFUSED[name]
    with pytest.raises(BackendError, match=said) as caught:
        asked(served)
    assert caught.value.remedy


def test_an_answer_that_is_too_long_is_truncated_and_told(served: VllmBackend, server: TinyServer) -> None:
    (answer,) = served.answer([document_of(LINES)], RECEIPT)
    assert answer.truncated


def test_an_answer_that_comes_too_late_is_given_up(server: TinyServer, tiny_folder: Path) -> None:
    made = made_for(server, tiny_folder)
    made._server._options = made.options.model_copy(update={"request_seconds": 0.1})
    made.options = made.options.model_copy(update={"document_seconds": 0.4})
    server.always = serving.stalls(0.5)
    with pytest.raises(BackendError, match="no answer within"):
        asked(made)
    made.close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (serving.redirects("http://127.0.0.1:9/elsewhere"), "redirects to another place"),
        (serving.status(401), "refuses the key"),
        (serving.status(404), "is not there"),
    ],
    ids=["redirect", "key", "gone"],
)
def test_what_hits_every_document_is_an_outage(
    served: VllmBackend, server: TinyServer, fault: Fault, said: str
) -> None:
    server.always = fault
    with pytest.raises(OutageError, match=said):
        asked(served)
    assert len(server.bodies) == 1


def test_a_server_that_stays_busy_is_an_outage(server: TinyServer, tiny_folder: Path) -> None:
    made = made_for(server, tiny_folder)
    made.options = made.options.model_copy(update={"document_seconds": 1.0})
    server.always, server.well = serving.status(503), False
    with pytest.raises(OutageError, match="does not answer"):
        asked(made)
    made.close()


def test_a_server_that_goes_away_is_an_outage(tiny_folder: Path, running_server: TinyServer) -> None:
    leaving = TinyServer(running_server.model, running_server.processor).start()
    made = made_for(leaving, tiny_folder)
    asked(made)
    leaving.stop()
    with pytest.raises(OutageError, match="takes no connections"):
        asked(made)
    made.close()


HANDSHAKE: dict[str, tuple[Fault, str]] = {
    "no grammar": (serving.ignores_grammar, "outside the grammar"),
    "scores of before": (serving.raw_scores, "from before the grammar"),
    "no scores": (choice(no_scores), "no log-probabilities"),
    "refuses grammars": (serving.status(400), "HTTP 400"),
}


@pytest.mark.parametrize("name", HANDSHAKE)
def test_a_server_that_keeps_to_no_grammar_is_not_asked(
    server: TinyServer, tiny_folder: Path, name: str
) -> None:
    server.always, said = HANDSHAKE[name]
    with pytest.raises(ModelError, match=said) as caught:
        made_for(server, tiny_folder)
    assert caught.value.remedy
    assert len(server.bodies) == 1


def test_a_model_that_is_not_served(server: TinyServer, tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"does not serve 'other'; it serves: tiny"):
        made_for(server, tiny_folder, model="other")


def test_a_wrong_key_and_no_server(server: TinyServer, tiny_folder: Path) -> None:
    with pytest.raises(OutageError, match="refuses the key") as caught:
        made_for(server, tiny_folder, api_key="sk-wrong")
    assert "sk-wrong" not in str(caught.value)
    with pytest.raises(OutageError, match="takes no connections"):
        made_for(server, tiny_folder, url="http://127.0.0.1:9")


def test_a_context_without_room(server: TinyServer, tiny_folder: Path) -> None:
    server.context = 700
    made = made_for(server, tiny_folder)
    with pytest.raises(BackendError, match="leaves no room for an answer: the server's limit is 700"):
        made.answer([document_of(LINES * 20)], RECEIPT)
    made.close()


def test_settings_that_are_not_enough(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="which model"):
        load_backend("vllm", cache=tmp_path)
    with pytest.raises(ModelError, match="processor"):
        load_backend("vllm:tiny", cache=tmp_path)
    with pytest.raises(ModelError, match="No model named"):
        load_backend("vllm:tiny", cache=tmp_path, vllm=VllmOptions(folder=str(tmp_path / "none")))
    with pytest.raises(ModelError, match="no processor that can be loaded"):
        load_backend("vllm:tiny", cache=tmp_path, vllm=VllmOptions(folder=str(tmp_path)))


@pytest.mark.parametrize(
    "url", ["ftp://gpu", "http://", "http://me:secret@gpu:8000", "http://gpu?x=1", "gpu:8000"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        VllmOptions(url=url)


def test_an_address_may_have_the_v1_of_other_clients() -> None:
    assert VllmOptions(url="http://gpu:8000/v1/").url == "http://gpu:8000"
