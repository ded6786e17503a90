"""Log records: what they are about, in every thread, and what is never in them."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from extractors.backends.base import Answer
from extractors.context import about, among, carried, current, working
from extractors.reading import child
from extractors.reading.frames import Frame
from extractors.reading.process import ChildDiedError
from flows import logs
from flows.composition import Parts
from flows.extractor import SharedBackend
from schemas.document import DocumentRef, ReadDocument
from schemas.errors import BackendError, InternalError, OutageError, foreign, public, told
from tests.flows.working import RUN, acts, work

TEXT = "4,711.00 EUR"


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What a handler of ours writes, as JSON lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter("json"))
    logger = logging.getLogger("flows")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


log = logging.getLogger("flows.test")


def test_what_others_say_is_marked_and_taken_out() -> None:
    message = f"a.pdf is damaged: KeyError {foreign(TEXT)}, page 3"
    assert TEXT in message and public(message) == "a.pdf is damaged: KeyError ‹…›, page 3"
    assert public(message[: message.index("EUR")]) == "a.pdf is damaged: KeyError ‹…›"  # cut off within
    assert public(f"x {foreign('a › b ‹ c')} y") == "x ‹…› y"  # nobody gets out of the marks
    assert foreign("") == foreign("  ") == "" and public("a ‹b") == "a ‹…›"


def test_an_error_is_told_in_our_words_or_by_its_kind() -> None:
    assert told(BackendError(f"no answer {foreign(TEXT)}")) == "no answer ‹…›"
    assert told(ValueError(TEXT)) == "ValueError"
    assert (
        told(FileNotFoundError(2, "No such file", "/in/a.pdf"))
        == "FileNotFoundError: No such file: /in/a.pdf"
    )
    assert told(OSError(TEXT)) == "OSError"


def test_a_record_holds_no_words_of_an_error_in_whatever_way_it_is_logged(said: io.StringIO) -> None:
    try:
        try:
            raise ValueError(TEXT)
        except ValueError as error:
            raise KeyError(TEXT) from error
    except KeyError as error:
        log.warning("%s: %s and %r", "a.pdf", error, error)
        log.error("%(error)s", {"error": error})
        log.error(error)
        log.exception("a.pdf: internal error")
        log.info("with the stack", exc_info=error)
    assert TEXT not in said.getvalue() and len(lines(said)) == 5
    assert lines(said)[0]["message"] == "a.pdf: KeyError and KeyError"
    trace = str(lines(said)[3]["traceback"])
    assert "test_logs.py" in trace and trace.count("ValueError") >= 1 and "\nKeyError" in trace


def test_the_text_format_and_other_handlers_hold_none_either(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter("text"))
    log.addHandler(handler)
    try:
        with working(run_id="r1", document_id="d1"):
            try:
                raise ValueError(TEXT)
            except ValueError:
                log.exception("a slip")
    finally:
        log.removeHandler(handler)
    assert TEXT not in stream.getvalue() + caplog.text
    assert "a slip [run_id=r1 document_id=d1]" in stream.getvalue() and "ValueError" in stream.getvalue()


def test_a_name_with_a_new_line_makes_no_line_of_its_own() -> None:
    record = logging.LogRecord(
        "flows", logging.WARNING, "", 0, "%s is damaged", ("a\n2026 ERROR b\x1b[2J.pdf",), None
    )
    text = logs.formatter("text").format(record)
    assert (
        len(text.splitlines()) == 1
        and "\\n2026 ERROR b\\x1b[2J.pdf is damaged" in text
        and text.isprintable()
    )


def test_records_know_what_they_are_about_in_threads_too(said: io.StringIO) -> None:
    log.info("nothing")
    with working(run_id="r", schema="invoice"), working(document_id="d", stage="read"):
        thread = threading.Thread(target=carried(lambda: log.info("in a thread")))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(carried(log.info), "in a pool").result()
    log.info("nothing again")
    first, *inside, last = lines(said)
    known = {"run_id": "r", "schema": "invoice", "document_id": "d", "stage": "read"}
    assert all(one.items() >= known.items() for one in inside) and len(inside) == 2
    assert not known.keys() & first.keys() and not known.keys() & last.keys()


def test_a_model_that_answers_many_is_about_all_of_them_or_the_one_it_says(said: io.StringIO) -> None:
    with working(run_id="r", document_id="d1", sha256="s1"):
        one = current()
    with working(run_id="r", document_id="d2", sha256="s2"):
        two = current()
    with among([*one, *two]):
        log.info("both")
        with about("s2"):
            log.info("the second")
        with about("unknown"):
            log.info("nobody knows")
    found = [line.get("document_id") for line in lines(said)]
    assert found == [["d1", "d2"], "d2", ["d1", "d2"]]
    assert all(line["run_id"] == "r" and "sha256" not in line for line in lines(said))


class _Asked:
    """A backend that says what it is about."""

    model_id = "said@test"

    def __init__(self) -> None:
        self.gate = threading.Event()

    def answer(self, documents: list[ReadDocument], schema: object) -> list[Answer]:
        self.gate.wait(60)
        log.info("%d", len(documents))
        return [Answer({}, ()) for _ in documents]


def test_who_asks_the_shared_model_for_others_logs_about_them(said: io.StringIO, parts: Parts) -> None:
    """One thread asks for all that wait; its records are not about its own document alone."""
    shared, asked = SharedBackend("scripted", parts.settings.cache), _Asked()
    shared._loaded = asked  # type: ignore[assignment]
    answers: list[Answer] = []

    def ask(name: str) -> None:
        document = ReadDocument(DocumentRef(name, name, 1, "application/pdf"), (), 1)
        with working(document_id=name, sha256=name):
            answers.extend(shared.answer([document], parts.schema))

    threads = [threading.Thread(target=ask, args=(f"d{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(shared._waiting) < 3:
        pass
    asked.gate.set()
    for thread in threads:
        thread.join()
    groups = [line["document_id"] for line in lines(said)]
    assert sorted(len(one) if isinstance(one, list) else 1 for one in groups) == [1, 3]
    assert all(answer.timings["model_busy"] >= 0 and "model_cpu" in answer.timings for answer in answers)


def test_a_document_is_named_with_its_run_in_all_that_is_said_of_it(parts: Parts, said: io.StringIO) -> None:
    def fail(ref: DocumentRef) -> None:
        if ref.uri.endswith("a.pdf"):
            raise RuntimeError(TEXT)
        log.info("at it")

    acts(parts, fail)
    from flows.worker import register_inputs

    register_inputs(parts, RUN)
    done = work(parts)
    ids = {name: document.document_id for name, document in done.items()}
    assert TEXT in done["a.pdf"].detail and TEXT not in said.getvalue()
    by = {str(line["message"]).split(":")[0].rsplit("/", 1)[-1]: line for line in lines(said)}
    assert by["at it"]["document_id"] == ids["b.pdf"] and by["at it"]["run_id"] == RUN
    ends = sorted((line for line in lines(said) if "outcome" in line), key=lambda line: str(line["message"]))
    assert [line["document_id"] for line in ends] == [ids["a.pdf"], ids["b.pdf"]]
    assert ends[0]["reason"] == "internal_error" and ends[0]["model"] == "scripted@test"
    slip = next(line for line in lines(said) if "traceback" in line)
    assert slip["document_id"] == ids["a.pdf"] and "RuntimeError" in str(slip["traceback"])


def test_what_leaves_a_flow_quotes_nothing() -> None:
    with (
        pytest.raises(InternalError, match=r"ValueError at test_logs\.py:\d+") as found,
        logs.public_errors(),
    ):
        raise ValueError(TEXT)
    assert TEXT not in str(found.value) and found.value.__suppress_context__
    with pytest.raises(OutageError) as stopped, logs.public_errors():
        raise OutageError(f"5 in a row: {foreign(TEXT)}", remedy="Look.")
    assert str(stopped.value) == "5 in a row: ‹…›" and stopped.value.remedy == "Look."
    with pytest.raises(PermissionError), logs.public_errors():
        raise PermissionError(13, "Permission denied", "/lake")
    with pytest.raises(OSError, match="ConnectionError at test_logs") as lost, logs.public_errors():
        raise ConnectionError(f"a library's own words: {TEXT}")  # trying again may help, as before
    assert TEXT not in str(lost.value) and lost.value.__suppress_context__


def test_what_a_run_of_a_deployment_says_ends_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state, and the message about a failed run, are all that people see of the error."""
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "fd0221ba-f465-408a-8e10-6426ac158bb3")
    with (
        pytest.raises(OutageError) as stopped,
        logs.public_errors(),
        logs.public_errors(),
    ):  # a task in a flow
        raise OutageError("The disk is full.", remedy="Make room.")
    assert str(stopped.value) == "The disk is full. Make room."


def test_a_reading_child_marks_what_its_libraries_say() -> None:
    sent: list[Frame] = []

    def handle(request: Frame, send: object) -> None:
        raise ValueError(f"invalid literal for int(): {TEXT}")

    child._serve(handle, Frame("read", {}), sent.append)
    (error,) = sent
    assert TEXT in error.data["message"] and TEXT not in public(error.data["message"])
    died = str(ChildDiedError(-11, f"Traceback ... {TEXT}"))
    assert TEXT in died and public(died) == "the reading process ended with -11 ‹…›"
