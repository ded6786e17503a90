"""Single fields: labels and positions to values, each value given to the field that it fits best."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, pairwise, takewhile

from extractors.backends.scripted.addresses import fill_addresses
from extractors.backends.scripted.candidates import Candidate
from extractors.backends.scripted.codes import IBAN, code_in
from extractors.backends.scripted.columns import has_value_beside, listed, under
from extractors.backends.scripted.descriptions import is_name
from extractors.backends.scripted.heads import HEAD_LINES, head_names
from extractors.backends.scripted.labels import Goal, Run, score
from extractors.backends.scripted.letter_window import written_by, written_to
from extractors.backends.scripted.letterhead import LEGAL_FORM, LETTER, is_place, is_registration
from extractors.backends.scripted.own_number import OWN, behind_title, is_its_own, is_own_number, refers
from extractors.backends.scripted.pairs import fill_leftovers
from extractors.backends.scripted.parties import fill_parties
from extractors.backends.scripted.prose import fill_from_prose
from extractors.backends.scripted.scene import ID, MIN_SCORE, Match, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, Token, numbers_item, piece
from extractors.backends.scripted.totals import (
    added_up,
    as_total,
    charged,
    fill_due,
    is_total,
    rounded,
    settled,
    subtotals,
    taxed,
    with_charges,
)
from extractors.validation.text import text_key
from schemas.patterns import PatternError, matcher_of
from schemas.tree import NUMERIC, Kind

_BELOW = 0.85
_DATES = 100
_OF_LINES = frozenset(
    ["line", "lines", "zeilen", "positionen", "positionssumme", "lignes", "lineas", "righe", "regels"]
)
_DAYS = frozenset(["day", "days", "tag", "tage", "tagen", "jour", "jours", "giorni", "dias", "dagen", "dni"])
_RANGE = 0.62
_THROUGH = frozenset(
    ["-", "–", "—", "to", "thru", "through", "until", "till", "bis", "au", "al", "a", "do", "t/m"]
)
_DOC_DATE = 0.15
_OF_SEVERAL, _OF_ANOTHER = 0.8, 0.75
"""How much a date is worth that stands beside another in its line, and one behind a label that names something else."""
_CLOCK = re.compile(r"\W*(?:[01]?\d|2[0-3]):[0-5]\d(?!\d)")
_TAX_PART = 0.4
_PAID_BY = 0.7
_PAY = re.compile(
    r"zahlbar|zu zahlen|zahlung|überweis|begleich|fällig|payable|pay\b|payment|due\b|settle"
    r"|payer|règle|paiement|échéance|pagar|pago|pagare|pagamento|scadenza|betal|płatn|zapłat",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\b(?:bis|by|before|until|on|am|zum|avant|jusqu|le|au|entro|il|antes|hasta|el|voor|vóór|uiterlijk|do|dnia)\b\W*(?:zum|spätestens"
    r"|the|le|au|het|op)?\W*$",
    re.IGNORECASE,
)
_SOONER = re.compile(r"skonto|discount|escompte|sconto|descuento|korting|rabat", re.IGNORECASE)
_SENTENCE_WORDS = 8
_MONEY = ("amount", "net", "gross", "tax", "price", "due", "payment", "fee", "premium", "wages")
_NAMED = ("name", "seller", "buyer")
_SPOKEN = re.compile(r"(?<![\w-])[^\W\d_]{2,}(?![\w-]*\d)")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SITE = re.compile(r"(?:https?://|www\.)[^\s,;()]+")
_SITE_OF = re.compile(r"[\w-]\.[^\W\d_]{2}")
_SITE_ASKED = re.compile(r"web|homepage|\burl\b|internet|\bsite\b", re.IGNORECASE)
_OF_LIST = 0.6
_ALONE = 0.85
_LIKELY = 0.75
"""Whose document it is by the word of a description is a little less likely than the seller."""
_ACCOUNT_FOR_IBAN = 0.7


def find_fields(goals: list[Goal], scene: Scene) -> tuple[dict[str, Match], dict[str, list[Match]]]:
    """The best match of each goal, no two fields sharing one value; and by goal all of them, one for each text."""
    matches = [match for goal in goals for match in _matches(goal, scene)]
    own = behind_title(goals, matches, scene)
    matches = [match for match in matches if not is_its_own(match, own)]
    matches += [
        Match(goal, own, OWN) for goal in goals if own is not None and is_own_number(goal) and fits(goal, own)
    ]
    matches.sort(key=lambda m: (-m.score, m.goal.order, m.piece.line, m.piece.start))
    ranked: dict[str, dict[str, Match]] = defaultdict(dict)
    dates = list(islice(_dates(scene), _DATES))
    for match in matches:
        ranked[match.goal.path].setdefault(match.piece.raw, match)
    for goal in goals:
        for date in dates if goal.kind is Kind.DATE else ():  # whatever no label spoke for
            ranked[goal.path].setdefault(date.raw, Match(goal, date, 0.0))
    matches = [match for match in matches if match.score >= MIN_SCORE]
    chosen: dict[str, Match] = {}
    taken: set[tuple[int, int, Kind]] = set()
    for match in matches:
        place = (match.piece.line, match.piece.start, match.goal.kind)
        if match.goal.path not in chosen and place not in taken:
            chosen[match.goal.path] = match
            taken.add(place)
    fill_leftovers(
        goals, chosen, scene, lambda goal, line, start, end: _value_in(goal, line, start, end, scene)
    )
    chosen = {path: match for path, match in chosen.items() if not is_its_own(match, own)}
    fill_from_prose(goals, chosen, scene)
    told = fill_parties(goals, chosen, scene)
    fill_addresses([goal for goal in goals if goal.path not in told], chosen, scene)
    fill_due(goals, chosen, scene)
    return chosen, {path: list(found.values()) for path, found in ranked.items()}


def _dates(scene: Scene) -> Iterator[Piece]:
    return (found.piece for line in scene.lines for found in scene.values(line, Kind.DATE))


def _matches(goal: Goal, scene: Scene) -> Iterator[Match]:
    pages = max((line.index for line in scene.lines), default=0) + 1
    late = goal.kind in NUMERIC
    for index, runs in scene.runs.items():
        for run in runs:
            named = score(goal, run)
            if named < MIN_SCORE:
                continue
            if goal.means("gross") and run.words & _OF_LINES:
                continue  # a sum of lines is before taxes and charges
            place = index / pages
            if late and is_total(goal):
                named = as_total(named, run, scene)
            for found, quality in values_of(goal, run, scene):
                if late and is_total(goal) and _counts_days(found, scene):
                    continue
                if goal.means("iban") and not IBAN.fullmatch(found.raw.replace(" ", "")):
                    quality *= _ACCOUNT_FOR_IBAN
                if late and is_total(goal) and found.line in scene.tax_rows:
                    quality *= _TAX_PART
                match = Match(
                    goal, found, min(named * quality, 0.97) - 0.02 * ((1 - place) if late else place)
                )
                yield added_up(match, scene) if late else match
    yield from _by_form(goal, scene)
    yield from _by_position(goal, scene)


def _counts_days(found: Piece, scene: Scene) -> bool:
    """Whether a number is one of days: ``due within 30 days``."""
    behind = scene.lines[found.line].tokens[found.end : found.end + 1]
    return any(text_key(token.text) in _DAYS for token in behind)


def values_of(goal: Goal, run: Run, scene: Scene) -> Iterator[tuple[Piece, float]]:
    """The values that a label points at, with a quality: to its right, else below it."""
    if (above := scene.over_caption(run)) is not None:
        yield from _captioned(goal, *above, scene)
        return
    if goal.kind in (Kind.TEXT, Kind.ENUM, Kind.BOOLEAN):
        yield from _texts(goal, run, scene)
        return
    limit = scene.limit(run)
    chosen = _choose(goal, scene.values_between(run.line, goal.kind, run.end, limit))
    if chosen is not None:
        yield chosen.piece, _strength(goal, run, run.line, chosen)
        return
    if limit < len(run.line.tokens) and limit < run.line.cell_end(run.start):
        return
    for line in scene.below(run):
        standing = [
            c
            for cell in line.cells
            if under(run, line, cell)
            for c in scene.values_between(line, goal.kind, cell[0], _own_label(line, *cell, scene))
        ]
        chosen = _choose(goal, standing)
        if chosen is not None:
            quality = _BELOW * _strength(goal, run, line, chosen)
            is_list, its_sum = listed(run, line, scene) if goal.kind in NUMERIC else (False, None)
            if its_sum is not None:
                yield its_sum, quality
            elif is_list:
                quality *= _OF_LIST
            if not is_list or its_sum is None:
                yield chosen.piece, quality
            return


def _value_in(goal: Goal, line: Line, start: int, end: int, scene: Scene) -> Piece | None:
    """The value of a field in a run of tokens, if one is in it."""
    if goal.kind in (Kind.TEXT, Kind.ENUM, Kind.BOOLEAN):
        if _is_label(scene, line, start, end) or _only_date(goal, scene, line, start, end):
            return None
        if _is_sentence(line, start, end):
            return None
        return _text_value(goal, line, start, end)
    found = _choose(goal, scene.values_between(line, goal.kind, start, end))
    if found is None or (goal.means(*_MONEY) and goal.kind is Kind.DECIMAL and found.strength < 1.0):
        return None  # a sum has cents, or its currency beside it
    return found.piece


def _is_sentence(line: Line, start: int, end: int) -> bool:
    """Whether a run of tokens is the sentence of a paragraph under a heading, and no value under a label."""
    return end - start >= _SENTENCE_WORDS and line.tokens[end - 1].text.endswith(".")


def _only_date(goal: Goal, scene: Scene, line: Line, start: int, end: int) -> bool:
    """Whether a run of tokens is a date and nothing else, where no date is asked for."""
    asked = goal.means("date", "period", "time", *ID) or goal.hints & {"date", "period", "time"}
    return not asked and any(
        c.piece.start == start and c.piece.end == end for c in scene.values(line, Kind.DATE)
    )


def _strength(goal: Goal, run: Run, line: Line, found: Candidate) -> float:
    """How typical the form of a value is; a number by itself in the cell of its label can be no other."""
    start, end = found.piece.start, found.piece.end
    alone = line.cell_end(start) == end and (
        start == 0 or line.tokens[start - 1].cell != line.tokens[start].cell
    )
    return max(found.strength, _ALONE) if alone and run.firm and not is_total(goal) else found.strength


def _captioned(goal: Goal, line: Line, start: int, end: int, scene: Scene) -> Iterator[tuple[Piece, float]]:
    """The value over a label in brackets, as forms have it that are filled in by a typewriter."""
    if goal.kind in (Kind.TEXT, Kind.ENUM, Kind.BOOLEAN):
        found = _text_value(goal, line, start, end)
        if found is not None:
            yield found, _BELOW
        return
    chosen = _choose(goal, scene.values_between(line, goal.kind, start, end))
    if chosen is not None:
        yield chosen.piece, _BELOW * chosen.strength


def _choose(goal: Goal, found: list[Candidate]) -> Candidate | None:
    """Of several values behind one label: the last end date, the last amount of money, else the first."""
    if goal.kind in NUMERIC:
        wants_percent = goal.means("percent")
        found = [c for c in found if c.percent == wants_percent]
        if not found:
            return None
        best = max(c.strength for c in found)
        strong = [c for c in found if c.strength == best]
        return strong[0] if goal.kind is Kind.INTEGER else strong[-1]
    if not found:
        return None
    return found[-1] if goal.means("until") else found[0]


def _texts(goal: Goal, run: Run, scene: Scene) -> Iterator[tuple[Piece, float]]:
    if not run.firm and not goal.means(*ID):
        return
    line, start = run.line, run.end
    while start < len(line.tokens) and _passed_over(goal, line.tokens[start]):
        start += 1
    if start < len(line.tokens) and not _heads_column(run, scene, start):
        end = min(line.cell_end(start), _next_firm(run, scene, start))
        found = _text_value(goal, line, start, end)
        if found is not None and not _only_date(goal, scene, line, start, end):
            yield found, 1.0 if run.firm else 0.8
            return
        if line.tokens[start].cell == line.tokens[run.start].cell:
            return
    for below in scene.below(run):
        for first, last in below.cells:
            if under(run, below, (first, last)) and not has_value_beside(run.line, below, first, scene):
                found = _text_value(goal, below, first, last)
                if (
                    found is not None
                    and not (len(found.raw) == 1 and refers(goal))  # the number of a row
                    and not _is_label(scene, below, first, last)
                    and (goal.means("description", "terms") or not _is_sentence(below, first, last))
                    and not _only_date(goal, scene, below, first, last)
                ):
                    yield found, _BELOW
                    return


def _own_label(line: Line, start: int, end: int, scene: Scene) -> int:
    """Where a label ends that a cell begins with: what stands behind it is its own, and no value of the label above."""
    for run in scene.labels_from(line, start):
        if run.start >= end:
            break
        if run.tokens[-1].ends_label:
            return run.end
    return end


def _passed_over(goal: Goal, token: Token) -> bool:
    """Marks, and between the name of a document and its number: ``Rechnung (380) Nr. 4711``."""
    if not text_key(token.text):
        return True
    bracketed = token.text.startswith("(") and token.text.endswith(")")
    return goal.means(*ID) and (bracketed or token.concepts == {"number"})


def _heads_column(run: Run, scene: Scene, start: int) -> bool:
    """Whether the next cell is a label too: then both stand over their values, not before them."""
    line, end = run.line, run.line.cell_end(start)
    if line.tokens[start].cell == line.tokens[run.start].cell:
        return False
    if scene.heads_columns(line):
        return True
    if run.tokens[-1].ends_label:
        return False
    said = [token.text for token in line.tokens[start:end] if not numbers_item(token.text)]
    digits = any(c.isdigit() for text in said for c in text)
    return not digits and any(other.start < end for other in islice(scene.labels_from(line, start), 1))


def _next_firm(run: Run, scene: Scene, start: int) -> int:
    firm = (r.start for r in scene.labels_from(run.line, start) if r.firm)
    return next(firm, len(run.line.tokens))


def _is_label(scene: Scene, line: Line, start: int, end: int) -> bool:
    if (
        (line.index, start) in scene.numbered
        or line.tokens[end - 1].ends_label
        or line.tokens[end - 1].text == ":"
    ):
        return True
    inside = list(takewhile(lambda r: r.start < end, scene.labels_from(line, start)))
    while start < end - 1 and numbers_item(line.tokens[start].text):
        start += 1
    if any(r.start == start and (r.end == end or r.tokens[-1].ends_label) for r in inside):
        return True
    if end - start > 1 and LEGAL_FORM.fullmatch(line.tokens[end - 1].text.rstrip(".,")):
        return False  # a company may be called after what it does: "Supplier Services Ltd"
    digits = any(c.isdigit() for t in line.tokens[start:end] for c in t.text)
    return not digits and 2 * sum(r.end - r.start for r in inside) >= end - start


def _text_value(goal: Goal, line: Line, start: int, end: int) -> Piece | None:
    """The tokens as a value of the field, or ``None`` when they cannot be one."""
    if start >= end:
        return None
    if goal.means(*ID):
        return code_in(goal, line, start, end)
    found = piece(line, start, end)
    raw = found.raw.strip(" ,;:|")
    if goal.yearly and not _YEAR.search(raw):
        return None
    if raw.startswith("(") and raw.endswith(")"):
        return None
    if goal.means("mail") and not (_MAIL.search(raw) or _SITE_OF.search(raw)):
        return None
    if not LETTER.search(raw) and goal.means("name", "address", "seller", "buyer", "description"):
        return None
    if (goal.means(*_NAMED) or is_name(goal.leaf)) and (is_registration(raw) or not _SPOKEN.search(raw)):
        return None  # a code, as customers have: CUST-0047
    if goal.means(*_NAMED) and not goal.means("address") and is_place(raw) and not LEGAL_FORM.search(raw):
        return None
    if goal.means(*_NAMED) and any(t.ends_label for t in line.tokens[start : end + 1]):
        return None  # a label, with its own value behind it or in the next cell
    return fits(goal, piece(line, start, end, raw))


def _by_form(goal: Goal, scene: Scene) -> Iterator[Match]:
    """Values that show by their form what they are: an IBAN, a text under a pattern, the currency."""
    if goal.kind is Kind.CURRENCY:
        for line in scene.lines:
            for candidate in scene.values(line, Kind.CURRENCY):
                yield Match(goal, candidate.piece, 0.8 * candidate.strength)
        return
    if goal.kind is Kind.DATE and goal.means("from", "until"):
        yield from _of_range(goal, scene)
        return
    if goal.kind is Kind.TEXT and goal.means("mail") and not goal.leaf.pattern:
        yield from _mails(goal, scene)
        return
    if goal.kind is not Kind.TEXT or not (goal.means("iban") or goal.leaf.pattern):
        return
    whole = _whole(goal.leaf.pattern) if goal.leaf.pattern else None
    for line in scene.lines:
        for i, token in enumerate(line.tokens):
            if whole is not None and whole(token.text):
                yield Match(goal, piece(line, i, i + 1), 0.55)
            elif goal.means("iban") and re.match(r"[A-Z]{2}\d{2}", token.text):
                found = code_in(goal, line, i, line.cell_end(i))
                if found is not None and IBAN.fullmatch(found.raw.replace(" ", "")):
                    yield Match(goal, found, 0.9)


def _mails(goal: Goal, scene: Scene) -> Iterator[Match]:
    """Addresses of mail or of the web, which show by their form what they are; the first is as good as any."""
    form = _SITE if _SITE_ASKED.search(f"{goal.path} {goal.leaf.description}") else _MAIL
    for line in scene.lines:
        for i, token in enumerate(line.tokens):
            found = form.search(token.text)
            if found is not None and (value := fits(goal, piece(line, i, i + 1, found[0]))) is not None:
                yield Match(goal, value, 0.5 - 0.001 * min(line.index, 100))


def _whole(pattern: str) -> Callable[[str], bool]:
    """Whether a text as a whole is what a pattern asks for."""
    try:
        return matcher_of(f"^(?:{pattern})$")
    except PatternError:  # a comment that ends the line would take the bracket along
        return matcher_of(pattern)


def _of_range(goal: Goal, scene: Scene) -> Iterator[Match]:
    """Two dates with a dash or a word for it between them: the first begins something, the second ends it."""
    for line in scene.lines:
        for first, last in pairwise(scene.values(line, Kind.DATE)):
            between = line.tokens[first.piece.end : last.piece.start]
            if len(between) == 1 and between[0].text.casefold() in _THROUGH:
                found = last if goal.means("until") else first
                yield Match(goal, found.piece, _RANGE * found.strength - 0.002 * line.index)


def _by_position(goal: Goal, scene: Scene) -> Iterator[Match]:
    """What usually stands where: the seller at the head, the date of issue first among the dates."""
    if goal.kind is Kind.DATE and goal.means("due"):
        yield from _pay_by(goal, scene)
    elif goal.kind is Kind.TIME and not goal.means("until", "from"):
        for line in scene.lines[: 4 * HEAD_LINES]:
            for candidate in scene.values(line, Kind.TIME):
                yield Match(goal, candidate.piece, 0.5 * candidate.strength - 0.001 * line.index)
    elif goal.kind is Kind.DATE and not goal.means("due", "delivery", "until", "from", "payment"):
        yield from _own_dates(goal, scene)
    elif goal.addressee if scene.is_order else goal.issuer:
        share = 1.0 if goal.means("seller") or scene.is_order else _LIKELY
        heads = islice(
            head_names(goal, scene), 1 if goal.is_who else None
        )  # a person's paper begins with the name
        for match in (*heads, *written_by(goal, scene)):
            yield replace(match, score=share * match.score)
    elif goal.issuer if scene.is_order else goal.addressee:
        yield from written_to(goal, scene)
    elif goal.kind in NUMERIC and is_total(goal):
        yield from settled(goal, scene)
        yield from charged(goal, scene)
        yield from rounded(goal, scene)
        yield from with_charges(goal, scene)
        yield from taxed(goal, scene)
        yield from subtotals(goal, scene)


def _own_dates(goal: Goal, scene: Scene) -> Iterator[Match]:
    """Dates that may be the document's own: those at its head, and wherever a till prints the time beside it."""
    for line in scene.lines:
        near = line.index < 4 * HEAD_LINES
        dates = scene.values(line, Kind.DATE)
        several = sum(date.strength >= 1.0 for date in dates) > 1
        for candidate in dates:
            # "Invoice 4711 of 5 March 2018" tells its own date, a bare date anything.
            named = _DOC_DATE if _names_document(line, candidate.piece.start) else 0.0
            behind = " ".join(token.text for token in line.tokens[candidate.piece.end :][:2])
            if near or _CLOCK.match(behind):
                others = _OF_SEVERAL if several else 1.0
                if not named and _is_labelled(goal, line, candidate.piece.start, scene):
                    if goal.means("birth"):
                        continue  # at the head of a resume it stands by itself
                    others *= _OF_ANOTHER
                score = (0.55 + named) * candidate.strength * others
                yield Match(goal, candidate.piece, score - 0.001 * line.index)


def _is_labelled(goal: Goal, line: Line, start: int, scene: Scene) -> bool:
    """Whether a label stands before a value that names something else."""
    runs = scene.runs.get(line.index, [])
    at = bisect_right(runs, start, key=lambda run: run.end)
    before = runs[at - 1] if at else None
    return (
        before is not None
        and before.firm
        and not before.concepts & {"date", "doc"}
        and score(goal, before) < MIN_SCORE
    )


def _pay_by(goal: Goal, scene: Scene) -> Iterator[Match]:
    """A sentence that says by when to pay; not what it says of a discount for those who pay sooner."""
    for line in scene.lines:
        dates = scene.values(line, Kind.DATE)
        for date in dates[:1]:
            before = " ".join(
                token.text for token in line.tokens[max(date.piece.start - 14, 0) : date.piece.start]
            )
            if _PAY.search(before) and _BY.search(before) and not _SOONER.search(before):
                yield Match(goal, date.piece, _PAID_BY * date.strength)


def _names_document(line: Line, end: int) -> bool:
    """Whether a line begins with the name of the document and its number, up to the token ``end``."""
    before = line.tokens[:end]
    return any("doc" in t.concepts for t in before) and any(any(c.isdigit() for c in t.text) for t in before)
