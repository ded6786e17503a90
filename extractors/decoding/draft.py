"""What the page says next: values are copied from it, so its text is the draft that the model only confirms."""

from __future__ import annotations

from extractors.grammar.compile import escaped
from extractors.grammar.spans import SpanIndex

MAX_PREFIX = 300
"""Characters; a longer value is not searched for on the page."""


def open_value(text: str) -> str | None:
    """The part of a JSON string that is written so far, still escaped; ``None`` outside a string.

    Args:
        text: the answer so far, JSON whose last string may be open.
    """
    start, inside, skip = 0, False, False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\" and inside:
            skip = True
        elif char == '"':
            inside = not inside
            start = at + 1
    return text[start:] if inside and not skip else None


def continuation(index: SpanIndex, prefix: str) -> str:
    """How the page goes on after an escaped prefix, to the end of the printed cell; empty when it does not.

    What has gone on in a next cell or line already is taken to go on for one more.
    """
    # Page text is searched unescaped; a prefix that needed escapes is rare enough to go undrafted.
    if not 0 < len(prefix) <= MAX_PREFIX or "\\" in prefix:
        return ""
    for segment in index.segments:
        at = segment.text.find(prefix)
        while at >= 0:
            end = at + len(prefix)
            if at == 0 or not segment.text[at - 1].isalnum():
                stop = segment.cell_end(end - 1)
                if segment.cell_end(at) < end:
                    stop = segment.cell_end(stop)
                if stop > end:
                    return escaped(segment.text[end:stop])
            at = segment.text.find(prefix, at + 1)
    return ""
