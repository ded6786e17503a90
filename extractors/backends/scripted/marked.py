"""What marks on the pages answer: is it ticked, signed, stamped, and which of the choices is marked.

Only fields with a closed list of answers are answered so, never a text, a number or a date. An answer has the mark as
its place, and the mark's certainty in its score; where boxes, labels or stamps leave it open there is no answer here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from rapidfuzz import fuzz

from extractors.backends.base import Span
from extractors.backends.scripted.asking import Asked, asked_of, asking_part, negates, yes_and_no
from extractors.backends.scripted.boxes import LabelledBox, labelled_boxes
from extractors.backends.scripted.concepts import STOP, parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.meanings import STAMPED, meanings_of, stamp_says
from extractors.backends.scripted.sheet import Line
from extractors.backends.scripted.struck import Run, left_over, struck_runs
from extractors.validation.text import text_key
from schemas.document import Box, Mark, Page, ReadDocument, Word

SIGNS = {
    "checkbox": "☒",
    "signature": "(signature)",
    "stamp": "(stamp)",
    "ring": "(ring)",
    "strike": "(line)",
}
"""What stands for a mark among the words of a place."""
MIN_MATCH = 0.55
"""A label that fits a field less than this is another field's."""
_MARGIN = 0.12
"""So much better must the best label fit than the next."""
_SURE_MARK = 0.6
"""Marks below this certainty decide nothing."""
_ABSENT = 0.8
"""Certainty of a no where nothing was found on pages that were looked at."""
_CALLED = 0.8
"""Words with a ring around them say a choice as plainly as this."""
_NO_STAMP = 0.7
"""The same for stamps, more of which are missed: faint, straight and without a frame."""
_LARGER = 1.4
"""The letters of a stamp are so many times as high as those of the page."""
_PRINTED = 0.85
"""Certainty of a stamp that was read as print."""
_NEAR_POINTS = 95.0
"""A signature stands so near to the words that ask for it."""
_ASKED_WORDS = """
is has was are the a of box boxes ticked checked marked tick check mark true false if whether field form answer question
null neither by what give extract find which one selected chosen selection status flag does do any says say there
"""
_ASKED = frozenset(_ASKED_WORDS.split())


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer by marks: the text, how certain it is (0..1), and its place."""

    raw: str | None
    score: float
    span: Span | None


@dataclass(frozen=True, slots=True)
class _Slot:
    """Words that ask for a signature."""

    page: int
    box: Box
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True)
class MarkedPages:
    """The marks of some pages, made ready.

    Attributes:
        sought: whether all pages were looked at: only then does it say something that there is no mark.
    """

    sought: bool
    boxes: list[LabelledBox]
    signatures: list[tuple[int, Mark]]
    stamps: list[tuple[int, Mark, str]]
    slots: list[_Slot]
    rounds: list[tuple[int, Mark, str, str]] = field(default_factory=list)
    struck: list[list[Run]] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is anything to answer from."""
        return self.sought or bool(self.boxes or self.signatures or self.stamps or self.rounds or self.struck)


def marked_pages(document: ReadDocument, lines: Sequence[Line]) -> MarkedPages:
    """The marks of a document."""
    pages = document.pages
    signatures, stamps, rounds = [], [], []
    for page in pages:
        for mark in page.marks:
            if mark.score < _SURE_MARK:
                continue
            if mark.kind == "signature":
                signatures.append((page.number, mark))
            elif mark.kind == "stamp":
                stamps.append((page.number, mark, f"{mark.text} {_inside(page.words, mark.box)}".strip()))
            elif mark.kind == "ring":
                said = _inside(page.words, mark.box)
                rounds.append((page.number, mark, said, _asked_before(page.number, mark.box, lines)))
        stamps += _read_as_print(page)
    sought = bool(pages) and all(page.marks_sought for page in pages)
    slots = _slots(lines) if sought or signatures else []
    struck = struck_runs(pages, lines)
    return MarkedPages(sought, labelled_boxes(document, lines), signatures, stamps, slots, rounds, struck)


def answer_by_marks(goal: Goal, goals: Sequence[Goal], pages: MarkedPages) -> Marked | None:
    """The answer to a field with a closed list of answers; ``None`` where marks do not tell.

    Args:
        goal: the field.
        goals: all fields of the schema that have no list around them, in order.
        pages: their marks.
    """
    if not pages.any:
        return None
    said = yes_and_no(goal)
    if said is None:
        return _choice(goal, pages)
    asked = asked_of(goal)
    if asked.by == "stamp":
        found = _stamped(asked, pages) if "stamp" in asked.name | asked.about else None
    elif asked.by == "signature":
        found = _signed(goal, goals, pages)
    else:
        found = _ticked(goal, pages)
    if found is None or found.raw is None:
        return found if found is None or goal.leaf.nullable else None
    yes = (found.raw == "true") != asked.negated
    return Marked(said[0] if yes else said[1], found.score, found.span)


def _name(goal: Goal) -> str:
    return " ".join(parts_of(goal.path.rpartition(".")[2]))


def _name_meanings(goal: Goal) -> frozenset[str]:
    return meanings_of(_name(goal))


# Boxes


def _ticked(goal: Goal, pages: MarkedPages) -> Marked | None:
    """A box that is labelled as the field, or a yes and a no behind its question."""
    options: list[tuple[float, bool | None, float, LabelledBox | None]] = []
    groups: dict[int, list[LabelledBox]] = {}
    for box in pages.boxes:
        groups.setdefault(box.group, []).append(box)
    for group in groups.values():
        yes = [box for box in group if meanings_of(box.label) == {"yes"}]
        no = [box for box in group if meanings_of(box.label) == {"no"}]
        if len(yes) == len(no) == 1 and yes[0].question:
            fits = _fit(goal, yes[0].question)
            certain = min(yes[0].mark.score, no[0].mark.score)
            if yes[0].ticked == no[0].ticked:
                options.append((fits, None, certain if not yes[0].ticked else 0.0, None))
            else:
                options.append((fits, yes[0].ticked, certain, yes[0] if yes[0].ticked else no[0]))
            continue
        options += [(_fit(goal, box.label), box.ticked, box.mark.score, box) for box in group]
    options += _rounded(goal, pages)
    options += _left_of_yes_and_no(goal, pages)
    options.sort(key=lambda option: -option[0])
    if not options or options[0][0] < MIN_MATCH:
        return None
    if len(options) > 1 and options[1][0] > options[0][0] - _MARGIN and options[1][1] != options[0][1]:
        return None
    fits, answer, certain, where = options[0]
    if certain < _SURE_MARK:
        return None
    if answer is not None and where is not None and asked_of(goal).negated and negates(where.label):
        answer = not answer  # the label says no as well: what is asked for is its tick
    raw = None if answer is None else "true" if answer else "false"
    return Marked(
        raw, min(fits, certain), _span_of(where.page, where.mark) if where is not None and raw else None
    )


def _rounded(goal: Goal, pages: MarkedPages) -> list[tuple[float, bool | None, float, LabelledBox | None]]:
    """A yes or no with a ring around it, behind the field's question."""
    options: list[tuple[float, bool | None, float, LabelledBox | None]] = []
    for number, mark, text, question in pages.rounds:
        said = meanings_of(text)
        if said not in ({"yes"}, {"no"}):
            continue
        box = LabelledBox(number, mark, text, question, 0)
        options.append((_fit(goal, question), said == {"yes"}, mark.score, box))
    return options


def _left_of_yes_and_no(
    goal: Goal, pages: MarkedPages
) -> list[tuple[float, bool | None, float, LabelledBox | None]]:
    """A yes or no that is left of both, behind the field's question."""
    options: list[tuple[float, bool | None, float, LabelledBox | None]] = []
    for runs in pages.struck:
        for line in {run.line for run in runs if run.struck is not None}:
            row = [run for run in runs if run.line == line]
            said = [(meanings_of(run.text), run) for run in row]
            left = [(says, run) for says, run in said if says in ({"yes"}, {"no"}) and run.struck is None]
            out = [(says, run) for says, run in said if run.struck is not None and len(run.tokens) <= 2]
            if len(left) != 1 or len(out) != 1 or out[0][0] == left[0][0]:
                continue
            (says, run), (_, other) = left[0], out[0]
            first = min((run, other), key=lambda one: one.tokens[0].word.box.x0)
            assert other.struck is not None
            place = Mark("strike", run.tokens[0].word.box, other.struck.score)
            box = LabelledBox(run.page, place, run.text, first.before, 0)
            options.append((_fit(goal, first.before), says == {"yes"}, place.score, box))
    return options


def _fit(goal: Goal, label: str) -> float:
    """How well a label names a field, 0..1: by meaning, by words, and by the words of the description."""
    says = meanings_of(label, fuzzy=True) - {"yes", "no"}
    name = _name_meanings(goal)
    about = meanings_of(asking_part(goal.leaf.description)) - {"yes", "no", "data"}
    best = 0.0
    if name & says:
        best = 0.95 - 0.1 * len(says - name - about)
    elif about & says and not name:
        best = 0.85 - 0.1 * len(says - about)
    elif about & says:
        best = 0.7 - 0.1 * len(says - about)
    label_words = _telling(label)
    name_words = _telling(_name(goal))
    if name_words and label_words:
        covered = sum(_known(word, label_words) for word in name_words) / len(name_words)
        best = max(best, 0.95 * covered - 0.02 * max(len(label_words) - len(name_words), 0) * (covered < 1))
        about_words = _telling(goal.leaf.description)
        told = sum(_known(word, about_words) for word in label_words) / len(label_words)
        best = max(best, 0.9 * told if len(label_words) > 1 or told == 1 else 0.0)
    return max(best, 0.0)


def _telling(text: str) -> list[str]:
    words = [key for word in parts_of(text) if (key := text_key(word))]
    return [word for word in words if word not in STOP and word not in _ASKED and len(word) > 1]


def _known(word: str, among: Iterable[str]) -> bool:
    return any(word == other or (len(word) > 4 and fuzz.ratio(word, other) >= 80) for other in among)


def _choice(goal: Goal, pages: MarkedPages) -> Marked | None:
    """Of a group of boxes that are labelled as the choices, the one that is ticked."""
    choices = goal.leaf.choices
    if len(choices) < 2:
        return None
    stamped = _stamp_choice(goal, pages)
    if stamped is not None:
        return stamped
    best: tuple[float, Marked] | None = None
    groups: dict[int, list[LabelledBox]] = {}
    for box in pages.boxes:
        groups.setdefault(box.group, []).append(box)
    for group in groups.values():
        said = {choice: _best_box(choice, group) for choice in choices}
        known = {choice: box for choice, box in said.items() if box is not None}
        if len(known) < 2 and not (known and _fit(goal, group[0].question) >= MIN_MATCH):
            continue
        ticked = [choice for choice, (_, box) in known.items() if box.ticked]
        others = [box for box in group if box.ticked and all(box is not one for _, one in known.values())]
        if len(ticked) > 1 or others:
            continue
        weight = len(known) / len(choices) + 0.5 * _fit(goal, group[0].question)
        if not ticked:
            certain = min(box.mark.score for _, box in known.values())
            found = Marked(None, certain, None)
            boxes = {id(box) for _, box in known.values()}
            if not goal.leaf.nullable or len(boxes) < len(choices):  # the missing one may be ticked
                continue
        else:
            fits, box = known[ticked[0]]
            found = Marked(ticked[0], min(fits, box.mark.score), _span_of(box.page, box.mark))
        if found.score >= _SURE_MARK and (best is None or weight > best[0]):
            best = (weight, found)
    return best[1] if best is not None else _round_choice(goal, pages)


def _best_box(choice: str, group: Sequence[LabelledBox]) -> tuple[float, LabelledBox] | None:
    ranked = sorted(((_same(choice, box.label), n) for n, box in enumerate(group)), reverse=True)
    if not ranked or ranked[0][0] < MIN_MATCH:
        return None
    if len(ranked) > 1 and ranked[1][0] > ranked[0][0] - _MARGIN / 2:
        return None
    return ranked[0][0], group[ranked[0][1]]


def _same(choice: str, label: str) -> float:
    """How well a label says a choice."""
    key, other = text_key(choice), text_key(label)
    if key == other:
        return 0.99
    shared = meanings_of(" ".join(parts_of(choice))) & meanings_of(label, fuzzy=True)
    words, spoken = _telling(choice), _telling(label)
    covered = sum(_known(word, spoken) for word in words) / len(words) if words else 0.0
    return max(0.95 if shared else 0.0, 0.93 * covered, fuzz.ratio(key, other) / 105 if len(key) > 3 else 0.0)


def _round_choice(goal: Goal, pages: MarkedPages) -> Marked | None:
    """The choice that is ringed, or left where the others are struck out."""
    rings = [
        (choice, number, mark)
        for number, mark, text, _ in pages.rounds
        for choice in goal.leaf.choices
        if _same(choice, text) >= _CALLED
    ]
    if len(rings) != 1:
        left = left_over(goal.leaf.choices, pages.struck, _same, _CALLED) if not rings else None
        return Marked(left[0], left[1], left[2]) if left is not None else None
    choice, number, mark = rings[0]
    return Marked(choice, mark.score, _span_of(number, mark))


# Signatures and stamps


def _slots(lines: Sequence[Line]) -> list[_Slot]:
    """Short runs of print that ask for a signature: a cell that says so and little else."""
    found = []
    for line in lines:
        for start, end in line.cells:
            tokens = line.tokens[start:end]
            text = " ".join(token.text for token in tokens)
            if len(tokens) > 6 or "signature" not in meanings_of(text) or "data" in meanings_of(text):
                continue
            words = tuple(token.word for token in tokens)
            found.append(_Slot(line.page, _around(words), text, words))
    return found


def _signed(goal: Goal, goals: Sequence[Goal], pages: MarkedPages) -> Marked | None:
    asked = [one for one in goals if yes_and_no(one) is not None and asked_of(one).by == "signature"]
    slots = sorted(pages.slots, key=lambda slot: (slot.page, round(slot.box.y0 / 12), slot.box.x0))
    if len(asked) > 1 and (pages.signatures or slots):
        if len(slots) < len(asked):
            nobody = pages.sought and not pages.signatures
            return Marked("false", _ABSENT, None) if nobody else None
        mine = slots[-len(asked) :][asked.index(goal)]
        signed = _signature_at(mine, pages.signatures, slots)
        if signed is not None:
            return Marked("true", min(signed[1].score, 0.9), _span_of(*signed))
        return (
            Marked("false", _ABSENT, Span(tuple((mine.page, w) for w in mine.words)))
            if pages.sought
            else None
        )
    if pages.signatures:
        number, mark = max(pages.signatures, key=lambda pair: pair[1].score)
        return Marked("true", mark.score, _span_of(number, mark))
    if not pages.sought:
        return None
    place = Span(tuple((slots[-1].page, word) for word in slots[-1].words)) if slots else None
    return Marked("false", _ABSENT, place)


def _signature_at(
    slot: _Slot, signatures: Sequence[tuple[int, Mark]], slots: Sequence[_Slot]
) -> tuple[int, Mark] | None:
    """The signature that belongs to a slot: the nearest one, to which no other slot is nearer."""
    best = None
    for number, mark in signatures:
        if number != slot.page:
            continue
        far = _distance(slot.box, mark.box)
        if far <= _NEAR_POINTS and all(
            other is slot or other.page != slot.page or _distance(other.box, mark.box) >= far for other in slots
        ) and (best is None or far < best[0]):  # fmt: skip
            best = (far, (number, mark))
    return best[1] if best is not None else None


def _distance(one: Box, other: Box) -> float:
    across = max(one.x0 - other.x1, other.x0 - one.x1, 0.0)
    down = max(one.y0 - other.y1, other.y0 - one.y1, 0.0)
    return 2 * across + down


def _stamped(asked: Asked, pages: MarkedPages) -> Marked | None:
    wanted = asked.name & STAMPED or asked.about & STAMPED
    if not pages.stamps:
        return Marked("false", _NO_STAMP, None) if pages.sought else None
    number, mark, _ = max(pages.stamps, key=lambda stamp: stamp[1].score)
    if not wanted:
        return Marked("true", mark.score, _span_of(number, mark))
    read = [(n, m, meanings_of(text, fuzzy=True) & STAMPED) for n, m, text in pages.stamps]
    for number, mark, says in read:
        if says & wanted:
            return Marked("true", mark.score, _span_of(number, mark))
    if all(says for _, _, says in read):  # every stamp says something else
        number, mark, _ = read[0]
        return Marked("false", min(mark.score, 0.9), _span_of(number, mark))
    return None


def _read_as_print(page: Page) -> list[tuple[int, Mark, str]]:
    """Stamps that a recogniser read as words among words: in capitals, larger than the print, and saying so alone."""
    if not page.marks_sought or not page.words:
        return []
    usual = median([word.box.y1 - word.box.y0 for word in page.words])
    found = []
    for word in page.words:
        if word.confidence is None or not word.text.isupper():
            continue
        if word.box.y1 - word.box.y0 < _LARGER * usual or not stamp_says(word.text):
            continue
        found.append((page.number, Mark("stamp", word.box, _PRINTED, text=word.text), word.text))
    return found


def _stamp_choice(goal: Goal, pages: MarkedPages) -> Marked | None:
    """The choice that a stamp says, where the field asks for a stamp."""
    asked = asked_of(goal)
    if "stamp" not in asked.name | asked.about:
        return None
    said = {choice: meanings_of(" ".join(parts_of(choice))) & STAMPED for choice in goal.leaf.choices}
    for number, mark, text in pages.stamps:
        says = meanings_of(text, fuzzy=True) & STAMPED
        mine = [choice for choice, means in said.items() if means & says]
        if len(mine) == 1:
            return Marked(mine[0], mark.score, _span_of(number, mark))
    return None


def _asked_before(number: int, box: Box, lines: Sequence[Line]) -> str:
    """The print before some words on their line, but for a yes or no: the question they answer."""
    middle = (box.y0 + box.y1) / 2
    for line in lines:
        if line.page == number and line.top <= middle <= line.bottom and any(
            token.word.box.x0 >= box.x0 - 1 and token.word.box.x1 <= box.x1 + 1 for token in line.tokens
        ):  # fmt: skip
            before = [token.text for token in line.tokens if token.word.box.x1 <= box.x0 + 1]
            return " ".join(text for text in before if not meanings_of(text) & {"yes", "no"})
    return ""


def _inside(words: Sequence[Word], box: Box) -> str:
    """The words within a box, in order."""
    return " ".join(
        word.text
        for word in words
        if box.x0 - 1 <= (word.box.x0 + word.box.x1) / 2 <= box.x1 + 1
        and box.y0 - 1 <= (word.box.y0 + word.box.y1) / 2 <= box.y1 + 1
    )


def _around(words: Sequence[Word]) -> Box:
    boxes = [word.box for word in words]
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )


def _span_of(number: int, mark: Mark) -> Span:
    """The place of a mark: a word that is none."""
    sign = "☐" if mark.kind == "checkbox" and not mark.ticked else SIGNS[mark.kind]
    return Span(((number, Word(sign, mark.box)),))
