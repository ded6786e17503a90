"""Numbers, references and ids: which of a run of tokens is one."""

from __future__ import annotations

import re

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.scene import fits
from extractors.backends.scripted.sheet import Line, Piece, piece

IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_GROUP = re.compile(r"[A-Z0-9]{1,6}")
_LETTER_CODE = re.compile(r"[A-Z]{5,11}")
_ACCOUNT = re.compile(r"\d[\d -]{5,20}\d")
_NO_CODE = re.compile(r"%|[$€£]|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}$|^\d{1,2}:\d\d")


def code_in(goal: Goal, line: Line, start: int, end: int) -> Piece | None:
    """A number, reference or id: one token with a digit, or groups printed apart (``GB 123 45 67``)."""
    token = line.tokens[start]
    last = start + 1
    prefix = token.text.isalpha() and token.text.isupper() and len(token.text) <= 4
    if goal.means("iban") or (prefix and goal.means("tax", "id", "number")):
        while last < end and re.fullmatch(r"[A-Z0-9]{1,10}", line.tokens[last].text):
            if line.tokens[last].concepts & {"bic", "bank"}:
                break
            last += 1
    elif last < end:
        last = _grouped(line, start, end)
    text = " ".join(t.text for t in line.tokens[start:last]).strip(" ,;:|#()").rstrip(".")
    if goal.means("iban") and not IBAN.fullmatch(text.replace(" ", "")) and not _is_account(goal, text):
        return None
    lettered = _LETTER_CODE.fullmatch(text) and goal.means("bic", "reference")
    if not (lettered or any(c.isdigit() for c in text)) or _NO_CODE.search(text):
        return None
    return fits(goal, piece(line, start, last, text))


def _is_account(goal: Goal, text: str) -> bool:
    """Whether a text may be the number of an account where that will do as well (``IBAN or account number``)."""
    return "bank" in goal.hints and bool(_ACCOUNT.fullmatch(text))


def _grouped(line: Line, start: int, end: int) -> int:
    """Where a number ends that is printed in groups which fill its cell: ``6538 9679 3145``, ``680 FHP``."""
    group = _GROUP if _GROUP.fullmatch(line.tokens[start].text) else None
    last = start
    while group is not None and last < end and group.fullmatch(line.tokens[last].text.rstrip(",;.")):
        last += 1
        if line.tokens[last - 1].text[-1] in ",;.":
            return last
    # What goes on behind the groups in the same cell are words, and the groups then may be anything: a day of a date.
    return last if last == end and last - start > 1 else start + 1
