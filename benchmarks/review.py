"""The review page before a long queue, with several reviewers at once.

    python -m benchmarks.review --documents 100000 --reviewers 5 --seconds 60

A PostgreSQL server of our own (it waits for the disk) gets documents that wait, of two schemas and forty folders. The
page runs in a process of its own, under uvicorn. Each reviewer is a browser session of its own, with no pause between
one thing and the next: the queue, a filter of it, a search, the dashboard, a document, taking it, a decision. What is
measured is the time until an answer is there in whole, on the same machine, without drawing page images.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import socket
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import psycopg
import typer
import uvicorn
from rich.console import Console
from rich.table import Table

from benchmarks.stores import database
from flows.ledger.common import digest, document_key
from flows.ledger.records import DocumentState
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from flows.review.app import create_app
from schemas.extraction import Extraction
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, load_schema
from tests.review.history import MODEL, receipt
from tests.review.support import FakeReader

app = typer.Typer(add_completion=False, help="The review page before a long queue.")
REASONS = (ReviewReason.MODEL_UNSURE, ReviewReason.LOW_OCR_CONFIDENCE, ReviewReason.AMBIGUOUS_DATE)
FOLDERS = 40
STEPS = ("queue", "by value", "filter", "search", "tab", "dashboard", "document", "hold", "decision")
WEIGHTS = (3, 2, 3, 1, 1, 0.5, 0, 0, 8)
"""How often each is done; a document is opened and taken before each decision."""
_PATIENCE_SECONDS = 60
_START_SECONDS = 240


@dataclass
class Measured:
    """Seconds of each step, what was answered with an error, which were decided on, and how many wait still."""

    documents: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    decisions: int = 0
    decided_on: set[str] = field(default_factory=set)
    """Documents: who opens one that was decided a moment ago, and saves it, decides on it once more."""
    left: int = 0

    @property
    def decided(self) -> int:
        """Documents that were decided on, each counted once."""
        return len(self.decided_on)

    def quantile(self, step: str, share: float) -> float:
        """A quantile of a step's times, in milliseconds."""
        times = sorted(self.seconds[step])
        return 1000 * times[min(int(share * len(times)), len(times) - 1)]


def fill(url: str, documents: int, seed: int = 1) -> None:
    """Waiting documents as a run would have left them, by PostgreSQL's COPY: a run takes hours for as many."""
    chance, schema = random.Random(seed), load_schema("receipt")
    with Ledger.open(url) as ledger:
        ledger.register_schema(schema)
        first = _through_the_ledger(ledger, schema)
    with psycopg.connect(url) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'documents'"
                " AND table_schema = 'public' ORDER BY ordinal_position"
            )
        ]
        columns = ", ".join(names)
        # One real document is the pattern of all: whatever a run writes, these have it too.
        values = {
            "document_id": "md5('document' || n)",
            "sha256": "encode(sha256(('content' || n)::bytea), 'hex')",
            "uri": f"'s3://inbox/' || mod(n, {FOLDERS}) || '/receipt-' || n || '.pdf'",
            "source": f"'s3://inbox/' || mod(n, {FOLDERS})",
            "amount": "round((exp(3.5 + 1.2 * sqrt(-2 * ln(1 - random())) * cos(6.28 * random())))::numeric, 2)",
            "review_rank": "-0.6 * random() / 16",
            "queued_at": "now() - (random() * 20) * interval '1 day'",
            "created_at": "now() - (20 + random() * 60) * interval '1 day'",
            "search_text": "'s3://inbox/receipt-' || n || E'\\n' || md5('text' || n) || E'\\n' || search_text",
            "schema_name": "CASE WHEN mod(n, 4) = 0 THEN 'invoice' ELSE 'receipt' END",
        }
        chosen = ", ".join(values.get(name, name) for name in names)
        connection.execute("SELECT setseed(%s)", (chance.random(),))
        connection.execute(
            f"INSERT INTO documents ({columns}) SELECT {chosen} FROM documents,"
            f" generate_series(1, {documents}) AS n WHERE document_id = %s".encode(),
            (first,),
        )
        connection.execute(
            "INSERT INTO document_reasons (document_id, reason) SELECT document_id,"
            " (ARRAY['model_unsure', 'low_ocr_confidence', 'ambiguous_date', 'rule_violated'])"
            "[1 + floor(4 * random() ^ 2)] FROM documents ON CONFLICT DO NOTHING"
        )
        connection.commit()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")  # as autovacuum does behind every long run


def _through_the_ledger(ledger: Ledger, schema: LoadedSchema) -> str:
    """One document, as the pipeline leaves it."""
    sha256 = digest("first")
    ledger.start_run(
        run_id="fill",
        source="s3://inbox",
        schema=schema.name,
        fingerprint=schema.fingerprint,
        model=MODEL,
        parameters={},
    )
    ledger.add_input(
        "fill",
        "s3://inbox/first.pdf",
        version="1",
        member=None,
        sha256=sha256,
        size=1000,
        media_type="application/pdf",
        schema_name=schema.name,
        fingerprint=schema.fingerprint,
        model=MODEL,
    )
    [held] = ledger.claim(
        "fill", worker="w", lease_seconds=600, limit=1, fingerprint=schema.fingerprint, model=MODEL
    )
    made: Extraction = receipt(sha256, 12.5, REASONS[:1], schema, 0.7)
    ledger.record_extraction(held.document_id, held.token, made, sampling=Sampling())
    assert held.document_id == document_key(sha256, schema.fingerprint, MODEL)
    assert ledger.document(held.document_id).state is DocumentState.REVIEW
    return held.document_id


def _serve(url: str, home: str, listener: socket.socket) -> None:
    with Ledger.open(url) as ledger:
        page = create_app(
            ledger=ledger, schemas=load_schema, reader=FakeReader(), blobs=Path(home) / "documents"
        )
        uvicorn.Server(uvicorn.Config(page, log_level="warning", access_log=False)).run([listener])


@contextmanager
def served(url: str, home: Path) -> Iterator[str]:
    """The page on a free port, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # taken here: nobody else can have it meanwhile
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(url, str(home), listener))
        process.start()
    try:
        _wait_until_it_answers(address, process)
        yield address
    finally:
        process.terminate()
        process.join(30)


def _wait_until_it_answers(address: str, process: BaseProcess) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx.get(f"{address}/healthz", timeout=5)
        except httpx.TransportError as error:
            if not process.is_alive():
                raise RuntimeError("The review page ended at once.") from error
            if time.monotonic() > until:
                raise TimeoutError(f"The review page does not answer within {_START_SECONDS} s.") from error
            time.sleep(0.1)
        else:
            return


class _Form(HTMLParser):
    """The inputs of a document's form, as a browser sends them."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: list[tuple[str, str]] = []
        self._inside = False
        self._select, self._area = "", ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = held.get("id") == "decision"
        name = held.get("name", "") if self._inside else ""
        if tag == "input" and name:
            self.inputs.append((name, held.get("value", "")))
        elif tag == "textarea":
            self._area, self._text = name, []
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in held:
            self.inputs.append((self._select, held.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self.inputs.append((self._area, "".join(self._text)))
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text.append(data)


class Reviewer:
    """One person at one browser, who pauses for so many seconds on average between two things, or never."""

    def __init__(
        self,
        address: str,
        name: str,
        measured: Measured,
        guard: threading.Lock,
        seed: int,
        pause: float = 0.0,
    ) -> None:
        self._pause = pause
        self._client = httpx.Client(base_url=address, timeout=_PATIENCE_SECONDS)
        self._measured, self._guard = measured, guard
        self._chance = random.Random(seed)
        self._next = ""
        page = self._client.get("/who").text
        token = re.findall(r'name="token" value="([^"]+)"', page)[0]
        self._client.post("/who", data={"token": token, "name": name, "next": "/"})

    def work(self, until: float) -> None:
        """Does one thing after the other until it is time."""
        try:
            while time.monotonic() < until:
                self.step(self._chance.choices(STEPS, WEIGHTS)[0])
                if self._pause:
                    time.sleep(self._chance.uniform(0, 2 * self._pause))
        finally:
            self._client.close()

    def step(self, kind: str) -> None:
        """One thing that a reviewer does."""
        folder = f"s3://inbox/{self._chance.randrange(FOLDERS)}"
        match kind:
            case "queue":
                self._look("queue", {"offset": str(50 * self._chance.randrange(20))})
            case "by value":
                self._look("by value", {"sort": "value"})
            case "filter":
                asked = self._chance.choice(
                    [
                        {"source": folder},
                        {"reason": self._chance.choice(REASONS), "sort": "value"},
                        {"schema": "invoice", "from": "100"},
                        {"older": "7d", "to": "20", "source": folder},
                    ]
                )
                self._look("filter", asked)
            case "search":
                self._look("search", {"q": f"receipt-{self._chance.randrange(100_000)}"})
            case "tab":
                self._look("tab", {"whose": self._chance.choice(["mine", "free", "second"])})
            case "dashboard":
                self._timed("dashboard", "GET", "/dashboard")
            case _:
                self._decide()

    def _look(self, step: str, query: dict[str, str]) -> None:
        answer = self._timed(step, "GET", f"/?{urlencode(query)}")
        rows = re.findall(r'class="row-link" href="([^"]+)"', answer.text) if answer is not None else []
        if rows:  # not all the same one: reviewers would only meet at the first
            self._next = unescape(self._chance.choice(rows))

    def _decide(self) -> None:
        if not self._next.startswith("/documents/"):
            self._look("queue", {})
        page = self._timed("document", "GET", self._next) if self._next else None
        if page is None:
            return
        form = _Form()
        form.feed(page.text)
        target = re.findall(r'id="decision" method="post" action="([^"]+)"', page.text)
        self._next = ""
        if not target or not form.inputs:
            return  # somebody else has just decided on it
        path = unescape(target[0]).partition("/decision")[0]
        token = next(value for name, value in form.inputs if name == "token")
        held = self._timed("hold", "POST", f"{path}/hold", {"token": [token]})
        if held is None or held.status_code == 409:
            return  # somebody else has it
        given: dict[str, list[str]] = defaultdict(list)
        for name, value in [*form.inputs, ("action", "save")]:
            given[name].append(value)
        answer = self._timed("decision", "POST", unescape(target[0]), given)
        if answer is not None and answer.status_code == 303:
            self._next = answer.headers["location"]
            with self._guard:
                said = parse_qs(urlsplit(self._next).query)
                self._measured.decisions += "done" in said
                self._measured.decided_on.update(said.get("was", ()) if "done" in said else ())

    def _timed(
        self, step: str, method: str, path: str, data: dict[str, list[str]] | None = None
    ) -> httpx.Response | None:
        began = time.perf_counter()
        try:
            answer = self._client.request(method, path, data=data)
        except httpx.HTTPError as error:
            with self._guard:
                self._measured.errors.append(f"{step}: {type(error).__name__}")
            return None
        with self._guard:
            self._measured.seconds[step].append(time.perf_counter() - began)
            # 409: two had the same document, and the second is told; that is an answer like any other.
            if answer.status_code >= 400 and answer.status_code != 409:
                self._measured.errors.append(f"{step}: {answer.status_code} at {path}")
        return answer


def measure(
    url: str, home: Path, documents: int, reviewers: int, seconds: float, pause: float = 0.0
) -> Measured:
    """Fills an empty PostgreSQL database, and lets reviewers work on it for a while."""
    fill(url, documents)
    found, guard = Measured(documents), threading.Lock()
    with served(url, home) as address:
        people = [Reviewer(address, f"Reviewer {n}", found, guard, n, pause) for n in range(reviewers)]
        for step in STEPS:  # once before it counts: templates, plans and pages are warm
            people[0].step(step)
        found.seconds.clear()
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=one.work, args=(until,)) for one in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with Ledger.open(url) as ledger:
        found.left = ledger.queue_size()
    return found


def table_of(found: Measured, order: Sequence[str] = STEPS) -> Table:
    """What was measured, as a table."""
    table = Table(
        "step", "answers", "p50 ms", "p95 ms", "mean ms", title=f"{found.documents:,} documents wait"
    )
    for step in order:
        if times := found.seconds.get(step):
            mean = 1000 * statistics.mean(times)
            table.add_row(
                step,
                f"{len(times):,}",
                f"{found.quantile(step, 0.5):.0f}",
                f"{found.quantile(step, 0.95):.0f}",
                f"{mean:.0f}",
            )
    return table


@app.command()
def main(
    documents: Annotated[int, typer.Option(help="documents that wait")] = 100_000,
    reviewers: Annotated[int, typer.Option(help="sessions at once")] = 5,
    seconds: Annotated[float, typer.Option(help="how long they work")] = 60,
    pause: Annotated[float, typer.Option(help="mean seconds between two things that one does")] = 0.0,
) -> None:
    """Measures and prints the table."""
    with tempfile.TemporaryDirectory() as folder, database("postgresql", Path(folder)) as url:
        found = measure(url, Path(folder), documents, reviewers, seconds, pause)
    console = Console()
    console.print(table_of(found))
    console.print(
        f"{found.decisions:,} decisions on {found.decided:,} documents, {found.left:,} wait still, "
        f"{len(found.errors)} errors"
    )
    for error in found.errors[:10]:
        console.print(error)
    raise typer.Exit(1 if found.errors else 0)


if __name__ == "__main__":
    app()
