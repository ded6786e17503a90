from __future__ import annotations

import logging

import pytest

from flows.lines import EVERY, FIRST, DocumentLines


def test_each_line_is_logged_and_the_first_of_each_outcome_are_sent(caplog: pytest.LogCaptureFixture) -> None:
    lines = DocumentLines(clock=lambda: 0.0)
    with caplog.at_level(logging.INFO, "flows"):
        for number in range(10 * FIRST):
            lines.ended(f"{number}.pdf", "review", "", 0.1)
        lines.ended("bad.pdf", "unreadable", "encrypted", 0.2)
    documents = [record for record in caplog.records if ".pdf" in record.getMessage()]
    assert len(documents) == 10 * FIRST + 1
    sent = [record for record in caplog.records if getattr(record, "send_to_api", True)]
    assert len(sent) == FIRST + 2
    assert "in the log file only" in sent[FIRST].getMessage()
    assert sent[-1].getMessage() == "bad.pdf: unreadable (encrypted), 0.2 s"


def test_now_and_then_a_line_says_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    lines = DocumentLines(clock=lambda: now[0])
    with caplog.at_level(logging.INFO, "flows"):
        for number in range(4 * FIRST):
            now[0] += EVERY / 4
            lines.ended(f"{number}.pdf", "review" if number % 2 else "accepted", "", 0.1)
    so_far = [record for record in caplog.records if record.getMessage().startswith("So far")]
    assert len(so_far) == FIRST
    assert so_far[0].getMessage() == "So far: 2 accepted, 2 review"
    assert all(getattr(record, "send_to_api", True) for record in so_far)
