"""Many small things become few events, and nobody waits for them."""

from __future__ import annotations

import threading
import time

from flows.alerts.announcer import Announcer

LONG = 60.0


class Ear:
    """Hears; is deaf, or slow, when told so."""

    def __init__(self, *, deaf: int = 0) -> None:
        self.heard: list[tuple[int, str]] = []
        self.deaf = deaf
        self.something = threading.Event()

    def __call__(self, count: int, note: str) -> None:
        if self.deaf:
            self.deaf -= 1
            raise ConnectionError("nobody there")
        self.heard.append((count, note))
        self.something.set()


def test_five_hundred_decisions_are_one_event() -> None:
    ear = Ear()
    announcer = Announcer(ear, 0.5)
    callers = [
        threading.Thread(target=lambda: [announcer.happened(note="x") for _ in range(50)]) for _ in range(10)
    ]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert ear.something.wait(LONG)
    announcer.close()
    assert sum(count for count, _ in ear.heard) == 500
    assert len(ear.heard) <= 5  # one, unless the callers took longer than what is gathered


def test_what_comes_later_is_an_event_of_its_own() -> None:
    ear = Ear()
    announcer = Announcer(ear, 0.01)
    for _ in range(3):
        announcer.happened()
        assert ear.something.wait(LONG)
        ear.something.clear()
    announcer.close()
    assert ear.heard == [(1, "")] * 3


def test_who_calls_never_waits_for_a_server_that_hangs() -> None:
    hanging = threading.Event()
    announcer = Announcer(lambda _count, _note: hanging.wait(LONG) and None, 0.0)
    announcer.happened()
    began = time.monotonic()
    for _ in range(10_000):
        announcer.happened()
    assert time.monotonic() - began < LONG / 2
    assert announcer.waiting >= 10_000
    hanging.set()
    announcer.close()


def test_what_could_not_be_told_is_told_later_with_the_rest() -> None:
    ear = Ear(deaf=3)
    announcer = Announcer(ear, 0.0, pauses=(0.01, 0.02))
    announcer.happened(2)
    assert ear.something.wait(LONG)
    announcer.happened(5)
    announcer.close()
    assert ear.deaf == 0
    assert sum(count for count, _ in ear.heard) == 7
    assert announcer.waiting == 0


def test_the_end_of_the_process_tells_what_is_left() -> None:
    ear = Ear()
    announcer = Announcer(ear, 3600.0)
    announcer.happened(3, "last")
    announcer.close()
    assert ear.heard == [(3, "last")]
