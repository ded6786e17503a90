"""What marks on the pages answer: is it ticked, signed, stamped, and which of the choices is marked.

Only fields with a closed list of answers are answered so, never a text, a number or a date. An answer has the mark as
its place, and the mark's certainty in its score; where boxes, labels or stamps leave it open there is no answer here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from extractors.backends.scripted.asking import asked_of, asking_part, negates, yes_and_no
from extractors.backends.scripted.boxes import LabelledBox, labelled_boxes
from extractors.backends.scripted.concepts import STOP, parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.marked_answer import Marked, span_of
from extractors.backends.scripted.meanings import meanings_of
from extractors.backends.scripted.sheet import Line
from extractors.backends.scripted.signed import Slot, signed, slots_of
from extractors.backends.scripted.stamped import read_as_print, stamp_choice, stamped
from extractors.backends.scripted.struck import Run, left_over, struck_runs
from extractors.validation.text import text_key
from schemas.document import Box, Mark, ReadDocument, Word

MIN_MATCH = 0.55
"""A label that fits a field less than this is another field's."""
_MARGIN = 0.12
"""So much better must the best label fit than the next."""
_SURE_MARK = 0.6
"""Marks below this certainty decide nothing."""
_CALLED = 0.8
"""Words with a ring around them say a choice as plainly as this."""
_MISREAD = 4
"""Letters of a yes or no, as a recogniser may misread it, at most."""
_ASKED_WORDS = """
is has was are the a of box boxes ticked checked marked tick check mark true false if whether field form answer question
null neither by what give extract find which one selected chosen selection status flag does do any says say there
"""
_ASKED = frozenset(_ASKED_WORDS.split())


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
    slots: list[Slot]
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
        stamps += read_as_print(page)
    sought = bool(pages) and all(page.marks_sought for page in pages)
    slots = slots_of(lines) if sought or signatures else []
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
        found = (
            stamped(asked, pages.stamps, sought=pages.sought) if "stamp" in asked.name | asked.about else None
        )
    elif asked.by == "signature":
        asking = [one for one in goals if yes_and_no(one) is not None and asked_of(one).by == "signature"]
        where = (pages.signatures, pages.slots)
        found = signed(asking.index(goal) if goal in asking else 0, len(asking), *where, sought=pages.sought)
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
        yes, no = _yes_and_no_of(group)
        if len(yes) == len(no) == 1 and yes[0].question:
            fits = _fit(goal, yes[0].question)
            certain = min(yes[0].mark.score, no[0].mark.score)
            if yes[0].ticked == no[0].ticked:
                options.append((fits, None, certain if not yes[0].ticked else 0.0, None))
            else:
                options.append((fits, yes[0].ticked, certain, yes[0] if yes[0].ticked else no[0]))
            continue
        if len(yes) + len(no) == 1 and (yes or no)[0].ticked and group[0].question:  # the other was not found
            box = (yes or no)[0]
            options.append((_fit(goal, box.question), bool(yes), box.mark.score, box))
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
        raw, min(fits, certain), span_of(where.page, where.mark) if where is not None and raw else None
    )


def _yes_and_no_of(group: Sequence[LabelledBox]) -> tuple[list[LabelledBox], list[LabelledBox]]:
    """The boxes of a group that say yes and no; of two with a question, the other of one where it was misread."""
    yes = [box for box in group if meanings_of(box.label) == {"yes"}]
    no = [box for box in group if meanings_of(box.label) == {"no"}]
    if len(group) == 2 and len(yes) + len(no) == 1 and group[0].question:
        other = next(box for box in group if box not in (yes or no))
        if len(other.label) <= _MISREAD and not meanings_of(other.label):
            return (yes, [other]) if yes else ([other], no)
    return yes, no


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
    stamped = stamp_choice(goal, pages.stamps)
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
            found = Marked(ticked[0], min(fits, box.mark.score), span_of(box.page, box.mark))
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
    means, says = meanings_of(" ".join(parts_of(choice))), meanings_of(label, fuzzy=True)
    shared = means & says
    if means and says and not shared:
        return 0.0  # however alike: female and male, prepaid and unpaid
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
    return Marked(choice, mark.score, span_of(number, mark))


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
