"""What a line should be read as, from its transcript in capitals and how it is read now.

Transcribers of receipts wrote capitals only, put spaces around marks where none are printed, and took O for 0 and I
for 1 now and then. So letters come from the transcript, their case and the spaces beside marks from the reading, and a
pair that does not speak of the same pixels is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

_BEYOND = 3
"""So many characters more at one end: the box of one of the two ends elsewhere."""
_TWINS = {"0": "O", "O": "0", "1": "IL", "I": "1", "L": "1", "5": "S", "S": "5", "8": "B", "B": "8"}
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH = "\N{IDEOGRAPHIC SPACE}", "\N{ZERO WIDTH NO-BREAK SPACE}"


def target(read: str, transcript: str) -> str | None:
    """The text to train on; ``None`` where the two speak of different pixels.

    Args:
        read: what the recogniser reads now, in the case that is printed.
        transcript: what a person read, in any case.
    """
    read, truth = read.strip(), " ".join(transcript.split()).upper()
    if any(_FIRST_IDEOGRAPH <= char <= _LAST_IDEOGRAPH for char in read):
        return None  # transcribers left out what they could not type
    steps = SequenceMatcher(None, _upper(read), truth, autojunk=False).get_opcodes()
    out: list[str] = []
    for kind, a, b, c, d in steps:
        at_end = c == 0 or d == len(truth)
        if at_end and kind != "equal" and abs((d - c) - (b - a)) >= _BEYOND:
            return None
        if kind == "equal":
            out += read[a:b]
        elif kind == "delete":
            out += [" " for char in read[a:b] if char == " " and not _within_word(truth, c)]
        elif not (kind == "insert" and at_end and not any(map(str.isalnum, truth[c:d]))):
            out += _mended(read, truth, slice(a, b), slice(c, d), out)
    return re.sub(" +", " ", "".join(out)).strip() or None


def _mended(read: str, truth: str, old: slice, new: slice, before: list[str]) -> Iterator[str]:
    """A stretch of the transcript in place of one of the reading."""
    seen, wanted = read[old], truth[new]
    in_pairs = len(seen) == len(wanted)
    written = list(before[-2:])
    for at, char in enumerate(wanted):
        place = new.start + at
        if char == " ":
            put = " " if " " in seen or _within_word(truth, place, place + 1) else ""
        elif in_pairs and (seen[at] in "×" or _is_slip(seen[at].upper(), truth, place)):
            put = seen[at]
        elif in_pairs and seen[at].isalpha():
            put = _in_case_of(read, old.start + at, char)
        else:
            put = _in_case(char, written, read[old.start + at if in_pairs else old.stop :])
        if put:
            written.append(put)
            yield put


def _in_case(char: str, before: list[str], after: str) -> str:
    """A letter in the case of those around it: of the one before within a word, else of the next."""
    near = [one for one in before[-1:] if one.isalpha()]
    if len(before) > 1 and near and before[-2].isalpha():
        return char.lower() if near[0].islower() else char
    following = re.match(r"[^\W\d_]+", after)
    if near or following is None:
        return char.lower() if following and following.group()[0].islower() else char
    word = following.group()
    return char if (len(word) > 1 and word.islower()) or not word[-1].islower() else char.lower()


def _in_case_of(read: str, at: int, char: str) -> str:
    """The letter that was read as another, in that one's case unless it stands out of its word."""
    near = [one for one in read[max(at - 1, 0) : at] + read[at + 1 : at + 2] if one.isalpha()]
    if near and all(map(str.isupper, near)):
        return char
    inside = at > 0 and read[at - 1].isalpha()
    return char.lower() if read[at].islower() or (inside and all(map(str.islower, near))) else char


def _is_slip(seen: str, truth: str, place: int) -> bool:
    """Whether the transcriber took one of 0 and O, 1 and I for the other: only the reading suits both neighbours."""
    if truth[place] not in _TWINS.get(seen, ""):
        return False
    left = next((char for char in reversed(truth[:place]) if char == " " or char.isalnum()), " ")
    right = next((char for char in truth[place + 1 :] if char == " " or char.isalnum()), " ")
    near = [char for char in (left, right) if char != " "]
    suits = all(char.isdigit() == seen.isdigit() for char in near)
    number = seen.isdigit() and truth[place + 1 : place + 3].isdigit()
    return bool(near) and suits and (len(near) == 2 or number)


def _within_word(text: str, left: int, right: int | None = None) -> bool:
    """Whether letters or digits stand on both sides of a place."""
    right = left if right is None else right
    return left > 0 and right < len(text) and text[left - 1].isalnum() and text[right].isalnum()


def _upper(text: str) -> str:
    """Capitals, character by character (ß stays)."""
    return "".join(char.upper() if len(char.upper()) == 1 else char for char in text)
