"""Markdown for Prefect's artifacts. Whatever comes from a document or a name is escaped first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

MAX_CELL = 300

# The default UI of Prefect 3 shows character references as they stand, its second one reads them. So they are for what
# is rare and could be markup; what is common in names and sentences stays as it is, or has a backslash: both undo it.
_REFERENCE = re.compile(r"[\\`*{}\[\]|~$^<>]|(?<![^\W_])_|_(?![^\W_])|^[#+\-=]")
_BACKSLASH = re.compile(r"[:@&]|(?<=www)\.", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&'*+,;=%\[\]]+")


def escape(text: str) -> str:
    """Text as text in a Markdown table cell: no markup, no links, no HTML, one line, of bounded length."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = line if len(line) <= MAX_CELL else line[: MAX_CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return _REFERENCE.sub(lambda m: f"&#{ord(m[0])};", _BACKSLASH.sub(lambda m: f"\0{m[0]}", line)).replace(
        "\0", "\\"
    )


def link(text: str, address: str) -> str:
    """A link to one of our own pages; an address that is none leaves the text."""
    plain = _ADDRESS.fullmatch(address) and urlsplit(address).scheme in ("http", "https")
    return f"[{escape(text)}]({address})" if plain else escape(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are escaped, its head is ours."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
