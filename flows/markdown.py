"""Markdown for Prefect's artifacts. Whatever comes from a document or a name is escaped first."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

MAX_CELL = 300

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$^:@/=])")
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&'*+,;=%\[\]]+")


def escape(text: str) -> str:
    """Text as text in a Markdown table cell: no markup, no links, no HTML, one line, of bounded length."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"
    # Entities for markdown's own characters: backslashes are undone by some renderers inside tables.
    return _MARKDOWN.sub(lambda m: f"&#{ord(m[0])};", html.escape(line, quote=True).replace("&#x27;", "'"))


def link(text: str, address: str) -> str:
    """A link to one of our own pages; an address that is none leaves the text."""
    plain = _ADDRESS.fullmatch(address) and urlsplit(address).scheme in ("http", "https")
    return f"[{escape(text)}]({address})" if plain else escape(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are escaped, its head is ours."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
