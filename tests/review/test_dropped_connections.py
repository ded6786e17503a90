"""Two reviewers edit the same documents over connections that break: no acknowledged edit is lost or overwritten."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from flows.ledger.trust import Role
from flows.review.security import Sessions, load_secret
from tests.browser.live import live
from tests.review.support import FakeReader, receipt_case

EDITS = 500
DOCUMENTS = 12


def request_of(client: socket.socket) -> bytes:
    """All of a request: its body comes in packets of its own."""
    sent = b""
    while b"\r\n\r\n" not in sent:
        sent += client.recv(1 << 16)
    head, _, body = sent.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    while length is not None and len(body) < int(length[1]):
        more = client.recv(1 << 16)
        sent, body = sent + more, body + more
    return sent


@contextmanager
def breaking(target: tuple[str, int], seed: int) -> Iterator[str]:
    """A way to the page on which a third of the connections break: before, amid or after what is sent arrives."""
    dice = random.Random(seed)
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def carry(client: socket.socket, fate: float) -> None:
        with client, suppress(OSError), socket.create_connection(target) as page:
            sent = request_of(client)
            if fate < 0.08:
                return  # the request never arrives
            if fate < 0.16:
                page.sendall(sent[: len(sent) // 2])  # half of it does
                return
            page.sendall(sent)
            page.settimeout(20)
            answer = page.recv(1 << 20)
            if fate < 0.32:
                return  # it is done, and the answer is lost
            client.sendall(answer)
            while more := page.recv(1 << 20):
                client.sendall(more)

    def accept() -> None:
        while not over.is_set():
            with suppress(OSError):
                client, _ = listener.accept()
                threading.Thread(target=carry, args=(client, dice.random()), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
        thread.join(timeout=5)


@dataclass
class Reviewer:
    """Edits whatever document comes next, and remembers what the page acknowledged."""

    name: str
    token: str
    url: str
    ids: list[str]
    acknowledged: list[tuple[str, int, str]] = field(default_factory=list)
    refused: int = 0
    broken: int = 0

    def work(self, edits: int) -> None:
        dice = random.Random(self.name)
        for number in range(edits):
            document_id = dice.choice(self.ids)
            with suppress(httpx.HTTPError):
                self.edit(document_id, f"{self.name} {number}")
                continue
            self.broken += 1

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Host": "127.0.0.1", "Connection": "close"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **more)

    def edit(self, document_id: str, company: str) -> None:
        seen = self.ask("GET", f"/documents/{document_id}").json()
        data = {**seen["data"], "company": company, "address": f"after {seen['data']['company']}"}
        body = {"action": "correct", "version": seen["version"], "data": data}
        answer = self.ask("POST", f"/documents/{document_id}/decision", json=body)
        if answer.status_code == 200:
            self.acknowledged.append((document_id, seen["version"], company))
        else:
            assert answer.status_code == 409, answer.text
            self.refused += 1


@pytest.mark.slow
def test_no_edit_is_lost_and_none_is_overwritten_unseen(tmp_path: Path) -> None:
    cases = [receipt_case(f"r{i}.pdf", f"Shop {i}") for i in range(DOCUMENTS)]
    with live(tmp_path, cases, FakeReader()) as site:  # type: ignore[arg-type]
        sessions = Sessions(load_secret(tmp_path / "home" / "review.key"))
        parts = urlsplit(site.url)
        with breaking((parts.hostname or "", parts.port or 0), seed=1) as url:
            reviewers = []
            for name in ("ada", "bob"):
                account = site.ledger.add_account(name, Role.REVIEWER, actor="console")
                token = sessions.bearer(account.account_id, account.epoch)
                reviewers.append(Reviewer(name, token, url, site.ids))
            threads = [threading.Thread(target=r.work, args=(EDITS // 2,)) for r in reviewers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert sum(len(r.acknowledged) for r in reviewers) > EDITS // 4
        assert all(r.broken for r in reviewers), "no connection broke: nothing was tested"
        stored = 0
        for document_id in site.ids:
            decisions = site.ledger.document(document_id).decisions
            stored += len(decisions)
            assert [d.on_version for d in decisions] == list(range(len(decisions)))
            before = next(c.data for c, i in zip(cases, site.ids, strict=True) if i == document_id)
            for made in decisions:
                assert made.data is not None
                assert made.data["address"] == f"after {before['company']}", "made on what nobody saw"
                before = made.data
            by_version = {d.on_version: d for d in decisions}
            for reviewer in reviewers:
                for where, version, company in reviewer.acknowledged:
                    if where == document_id:
                        kept = by_version[version]
                        assert (kept.reviewer, (kept.data or {})["company"]) == (reviewer.name, company)
        assert stored >= sum(len(r.acknowledged) for r in reviewers)
        assert site.ledger.verify_trail().faults == []
