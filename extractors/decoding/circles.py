"""Answers that go round in circles: a legal, endless loop."""

from __future__ import annotations

import json
import re

from extractors.grammar.spans import SpanIndex

CIRCLES = 3
"""An item said this often, and not that often on the page, ends the answer."""
_ITEM = re.compile(r"\{[^{}]*\}")


class Circles:
    """Looks at an answer as it grows.

    Args:
        index: of the window that is answered.
    """

    def __init__(self, index: SpanIndex) -> None:
        self._index = index
        self._looked_at = 0

    def seen_in(self, text: str) -> bool:
        """True when the answer so far repeats an item more often than the page can have it."""
        closed = text.rfind("}")
        if closed < self._looked_at:
            return False
        self._looked_at = closed + 1
        item = next(reversed(_ITEM.findall(text)), "")
        repeats = text.count(item) if item else 0
        if repeats < CIRCLES:
            return False
        try:
            values = [v for v in json.loads(item).values() if isinstance(v, str)]
        except ValueError:  # braces that the page prints
            return False
        return any(self._index.occurrences(value) < repeats for value in values)
