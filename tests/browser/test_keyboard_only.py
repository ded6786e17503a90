"""A queue is cleared by keyboard alone; how many keys that takes is counted (`benchmarks/keyboard.py`)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from benchmarks import keyboard, long_document

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_one_key_accepts_two_take_a_candidate(browser: Browser) -> None:
    found = keyboard.measure(6, browser)
    assert found.wrong == 0
    assert set(found.keys["right"]) == {1} and set(found.keys["another candidate"]) == {2}
    assert max(found.keys["typed"]) <= len("Shop 5") + 4


def test_pages_of_a_long_document_are_there_when_they_are_asked_for() -> None:
    found = long_document.measure(60, 8)
    assert len(found.pages) == 7 and len(found.again) == 8
