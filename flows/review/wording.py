"""Words and dates as the page shows them."""

from __future__ import annotations

import datetime as dt
import re

from babel.dates import format_date, format_timedelta

from schemas.outcome import PLAIN_WORDS, Outcome
from schemas.tree import Kind, Leaf

LOCALE = "en_GB"

_ADDED_ROW = re.compile(r"n\d+")
_CAPITALS = {
    w.lower(): w
    for w in ("IBAN", "BIC", "VAT", "ID", "URL", "PO", "SKU", "EAN", "GTIN", "OCR", "GST", "TIN", "EIN")
}

STATE_WORDS = {
    "pending": "not read yet",
    "processing": "being read",
    Outcome.ACCEPTED: "accepted by the model's score",
    Outcome.REVIEW: "waits for review",
    Outcome.REVIEWED: "reviewed",
    Outcome.REJECTED: "rejected",
    Outcome.UNREADABLE: "unreadable",
    Outcome.FAILED: "failed",
}
ACTION_WORDS = {"accept": "accepted it as it was", "correct": "corrected it", "reject": "rejected it"}


def label(name: str) -> str:
    """A field name as a label: ``due_date`` is ``Due date``."""
    words = re.sub(r"[_\s]+", " ", name).strip()
    words = words[:1].upper() + words[1:]
    return " ".join(_CAPITALS.get(word.lower(), word) for word in words.split(" "))


def path_label(path: str) -> str:
    """A path as a label; list items count from one: ``Line items 1, quantity``."""
    out = ""
    for part in path.split("."):
        if part.isdigit():
            out += f" {int(part) + 1}"
        elif _ADDED_ROW.fullmatch(part):
            out += ", new row"
        else:
            shown_part = label(part)
            lower = shown_part if shown_part[:2].isupper() else shown_part[:1].lower() + shown_part[1:]
            out += f", {lower}" if out else shown_part
    return out


def plain_words(reason: str) -> str:
    """The sentence of a reason."""
    return PLAIN_WORDS.get(reason, short_reason(reason) + ".")


def short_reason(reason: str) -> str:
    """A reason in two or three words, for lists to choose from."""
    return label(reason.lower())


def count(number: int, one: str, many: str) -> str:
    """``1 page``, ``1,204 pages``."""
    return f"{number:,} {one if number == 1 else many}"


def moment(at: dt.datetime) -> str:
    """A time for people: ``22 Nov 2026, 14:05 UTC``."""
    return at.astimezone(dt.UTC).strftime("%-d %b %Y, %H:%M UTC")


def seconds_words(seconds: float) -> str:
    """How long something took: ``4.2 s``, ``38 s``, ``2 min 5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def age(since: dt.datetime, now: dt.datetime | None = None) -> str:
    """How long ago: ``3 hours``."""
    passed = max((now or dt.datetime.now(dt.UTC)) - since, dt.timedelta(0))
    if passed < dt.timedelta(minutes=1):
        return "just now"
    return format_timedelta(passed, locale=LOCALE, threshold=1.5)


def value_words(value: str, leaf: Leaf) -> str:
    """A typed value so that nobody mistakes it: dates with the month's name, thousands apart, marks in words."""
    match leaf.kind:
        case Kind.DATE:
            return str(format_date(dt.date.fromisoformat(value), format="long", locale=LOCALE))
        case Kind.INTEGER | Kind.DECIMAL:
            whole, dot, rest = value.partition(".")
            digits = whole.lstrip("-")
            if digits.isdecimal() and len(digits) > 4:
                # A space, and a narrow one: a comma or a dot there could be taken for the decimal mark.
                whole = whole.removesuffix(digits) + f"{int(digits):,}".replace(",", "\u202f")
            return f"{whole}{dot}{rest}"
        case Kind.BOOLEAN:
            return {"true": "yes", "false": "no"}.get(value.lower(), value)
    return value


def shown(value: object) -> str:
    """A value of any shape in one line, for the history and for conflicts."""
    match value:
        case None | "":
            return "not on the document"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{label(k)}: {shown(v)}" for k, v in value.items() if v is not None) or "empty"
        case list():
            return count(len(value), "row", "rows")
    return str(value)
