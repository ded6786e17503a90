"""Labels on the page, and how well one names a field."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from extractors.backends.scripted.concepts import MODIFIERS, STOP, concepts_of, parts_of, raw_words
from extractors.backends.scripted.descriptions import (
    alternatives,
    asked_for,
    is_addressee,
    is_bare_number,
    is_issuer,
    says_nothing,
    tells_day,
)
from extractors.backends.scripted.sheet import Line, Token, numbers_item
from extractors.validation.currencies import currencies_of
from extractors.validation.text import text_key
from schemas.tree import Kind, Leaf

_QUOTED = re.compile(r"['\"‘“]([^'\"’”]{2,40})['\"’”]")
_COUNTRIES = frozenset({"DE", "NO"})
_MAX_RUN = 7
_TOLD = 0.45
_LITTLE = 0.15
_ALSO = 0.5
_OF_OTHERS = frozenset({"delivery", "order", "due", "payment"})
_ENDS, _PERIOD = frozenset({"from", "until"}), frozenset({"period"})
_WHO = frozenset({"name", "full", "fullname", "person", "candidate"})
"""Of these is made the name of a person whose paper it is: a résumé, a card."""
_HEADING_REACH = 14

# Name parts that a label often leaves out: they weigh little. Others weigh 0.7, `MODIFIERS` 1.
_LIGHT = {
    "name": 0.2,
    "issue": 0.3,
    "gross": 0.3,
    "seller": 0.3,
    "doc": 0.5,
    "number": 0.4,
    "reference": 0.4,
    "line": 0.1,
    "from": 0.6,
    "until": 0.6,
}
_OPTIONAL = frozenset(
    {"from", "until", "percent", "seller", "opening", "closing", "credits", "debits", "birth"}
)
_PARTY_VERBS = {
    **dict.fromkeys(("bill", "billed", "sold", "invoice", "invoiced", "sell"), "buyer"),
    **dict.fromkeys(("ship", "shipped", "deliver", "delivered"), "delivery"),
}
CONTAINED = frozenset({"included", "enthalten", "enthaltene", "incluse", "incluido", "compris", "comprise"})
_PARTIES = frozenset({"buyer", "seller", "delivery"})
_SUMS = frozenset({"amount", "net", "gross", "tax", "price", "discount", "rounding", "quantity"})
_NO_SUM = frozenset(
    {"number", "id", "reference", "name", "address", "description", "currency", "terms", "date", "unit"}
)
_YEARS = frozenset(["year", "jahr", "steuerjahr", "annee", "anno", "ano", "jaar", "rok"])
_MOMENTS = frozenset({"from", "until", "due", "issue", "delivery"})
_NO_DATE = frozenset({"number", "id", "reference", "name", "address", "description", "terms", "time"})


@dataclass(frozen=True, slots=True)
class Unit:
    """One part of a field's name: the concepts it may mean, or the bare word when it means none."""

    word: str
    concepts: frozenset[str]
    also: frozenset[str] = frozenset()
    """Concepts that the description gives as another name for it: ``contract or order number``."""

    @property
    def weight(self) -> float:
        if self.concepts:
            return max(_LIGHT.get(c, 1.0 if c in MODIFIERS else 0.7) for c in self.concepts)
        return 1.0

    @property
    def required(self) -> bool:
        return bool(self.concepts) and self.concepts <= MODIFIERS and not self.concepts & _OPTIONAL

    def within(self, concepts: frozenset[str], words: frozenset[str]) -> bool:
        return self.said_in(concepts, words) or bool(self.also & concepts)

    def said_in(self, concepts: frozenset[str], words: frozenset[str]) -> bool:
        """Whether a label says it, and not only what it is called besides."""
        if "id" in self.concepts and "number" in concepts:  # VAT number, Reg. No.
            return True
        return bool(self.concepts & concepts) or self.word in words


@dataclass(frozen=True)
class Goal:
    """A leaf to be found: what its name and description say."""

    path: str
    leaf: Leaf
    order: int
    units: tuple[Unit, ...]
    hints: frozenset[str]
    hint_words: frozenset[str]
    quoted: frozenset[str]
    quoted_words: frozenset[str]
    kind: Kind
    """How its values look: as the leaf says, but a text named ``date`` as a date, one named ``total`` as a number."""
    told: frozenset[str] = frozenset()
    """Words of the description that no other field has, which its label may say instead of its name."""
    made_up: bool = False
    """Whether its name says nothing, so that the description stands for it: a label says little of that."""
    yearly: bool = False
    """Whether its name asks for a year."""
    issuer: bool = False
    """Whether it is the name of whose document it is, which stands at the head."""
    addressee: bool = False
    """Whether it is the name of whom the document goes to."""

    @property
    def is_who(self) -> bool:
        """Whether its name says no more than that somebody has it: the person whose paper it is."""
        return {unit.word for unit in self.units} <= _WHO

    def means(self, *concepts: str) -> bool:
        """Whether the name of the field (not its description) has one of the concepts."""
        return any(unit.concepts.intersection(concepts) for unit in self.units)


def goal_of(path: str, leaf: Leaf, order: int, told: frozenset[str] = frozenset()) -> Goal:
    """The goal of a leaf; ``path`` without list positions, ``told`` as of `descriptions.told_words`."""
    units = []
    others = alternatives(leaf.description)
    groups, _, own_name = path.rpartition(".")
    made_up = says_nothing(own_name)
    # ``buyer.name`` is the buyer's; ``details.name`` and ``personalInfo.name`` are names.
    parents = [part for part in parts_of(groups) if concepts_of(part)]
    for part in (*parents, *parts_of(asked_for(leaf.description) if made_up else own_name)):
        key = text_key(part)
        concepts = concepts_of(part)
        if "line" not in concepts and (concepts or key not in STOP):
            also = frozenset().union(*map(concepts_of, others.get(key, ())))
            units.append(Unit(key, concepts, also | _PERIOD if concepts & _ENDS else also))
    if not units and not made_up:  # ``value``: a name of words that others leave out
        units = [Unit(text_key(part), frozenset(), frozenset()) for part in parts_of(own_name)]
    own = frozenset().union(*(unit.concepts for unit in units)) if units else frozenset()
    yearly = any(unit.word in _YEARS for unit in units)
    if yearly:
        own |= {"number"}  # a tax year is neither a tax nor a day
    asked = asked_for(leaf.description)
    about = frozenset().union(*(concepts_of(word) for word in parts_of(asked)))
    if tells_day(leaf.description):
        about |= {"date"}
    labels = _QUOTED.findall(leaf.description)
    return Goal(
        path=path,
        leaf=leaf,
        order=order,
        units=tuple(units),
        hints=about - own,
        hint_words=raw_words(asked),
        quoted=frozenset(text_key(label) for label in labels) - {""},
        quoted_words=frozenset(
            word for label in labels for word in raw_words(label) if not concepts_of(word)
        ),
        kind=_kind(leaf, own, about),
        told=told,
        made_up=made_up,
        yearly=yearly,
    )


def with_parties(goals: list[Goal]) -> list[Goal]:
    """The goals, of which one may be whose document it is (the seller, a laboratory), and one whom it goes to."""
    names = [
        goal
        for goal in goals
        if goal.kind is Kind.TEXT and not goal.means("address", "mail", *_NO_SUM - {"name", "description"})
    ]
    own = [goal for goal in names if goal.means("seller")]
    own = own or [goal for goal in names if is_issuer(goal.path, goal.leaf) and not goal.means("buyer")][:1]
    own = own or [goal for goal in names if goal.is_who][:1]
    other = [goal for goal in names if goal.means("buyer")]
    other = other or [goal for goal in names if is_addressee(goal.path) and goal not in own][:1]
    return [replace(goal, issuer=goal in own, addressee=goal in other) for goal in goals]


def _kind(leaf: Leaf, own: frozenset[str], about: frozenset[str]) -> Kind:
    """What values of the leaf look like; schemas often have texts where dates and amounts are meant."""
    if leaf.kind is not Kind.TEXT or leaf.pattern or leaf.format:
        return leaf.kind
    dated = "date" in own or (bool(own & _MOMENTS) and "date" in about)  # valid_from: first date of ...
    if dated and not own & _NO_DATE:
        return Kind.DATE
    if own == {"currency"}:
        return Kind.CURRENCY
    if "time" in own and not own & (_NO_DATE - {"time"}):
        return Kind.TIME
    if is_bare_number(leaf):
        return Kind.DECIMAL
    unit_price = {"unit", "price"} <= own
    return (
        Kind.DECIMAL
        if own & _SUMS and not own & (_NO_SUM - {"unit"} if unit_price else _NO_SUM)
        else Kind.TEXT
    )


@dataclass(slots=True)
class Run:
    """A label on the page: neighbouring words that mean something, up to a colon."""

    line: Line
    start: int
    end: int
    per_word: tuple[frozenset[str], ...]
    words: frozenset[str]
    strangers: int = 0
    context: frozenset[str] = field(default_factory=frozenset)

    @property
    def concepts(self) -> frozenset[str]:
        return frozenset().union(*self.per_word)

    @property
    def tokens(self) -> tuple[Token, ...]:
        return self.line.tokens[self.start : self.end]

    @property
    def key(self) -> str:
        return text_key("".join(t.text for t in self.tokens))

    @property
    def x0(self) -> float:
        return self.tokens[0].word.box.x0

    @property
    def x1(self) -> float:
        return self.tokens[-1].word.box.x1

    @property
    def cell_start(self) -> int:
        """Where the cell of the label begins; the label itself where figures stand before it."""
        cells = self.line.cells
        at = cells[bisect_right(cells, (self.start, len(self.line.tokens))) - 1][0]
        before = "".join(t.text for t in self.line.tokens[at : self.start][:_MAX_RUN])
        return self.start if self.start - at > _MAX_RUN or any(map(str.isdigit, before)) else at

    @property
    def firm(self) -> bool:
        """Whether its form says that it is a label: a colon, or a cell of its own but for the number of an item."""
        tokens, at = self.line.tokens, self.start
        cell = tokens[at].cell
        while at and tokens[at - 1].cell == cell and numbers_item(tokens[at - 1].text):
            at -= 1
        opens = at == 0 or tokens[at - 1].cell != cell
        alone = opens and self.line.cell_end(self.start) == self.end
        return self.tokens[-1].ends_label or alone or _is_colon(self.line, self.end)


def _is_colon(line: Line, position: int) -> bool:
    return position < len(line.tokens) and line.tokens[position].text in (":", "#", "=")


def find_runs(lines: list[Line], vocabulary: frozenset[str]) -> dict[int, list[Run]]:
    """All labels, by line. ``vocabulary`` are words of the schema that no concept covers."""
    found: dict[int, list[Run]] = {}
    for line in lines:
        runs = list(runs_of(line, vocabulary))
        if runs:
            found[line.index] = runs
    _give_context(lines, found)
    return found


def runs_of(line: Line, vocabulary: frozenset[str]) -> Iterator[Run]:
    """The labels of one line, left to right."""

    def speaks(token: Token) -> bool:
        if token.text in _COUNTRIES and _before_digits(token, line):
            return False  # VAT No DE 123 456 789: a country, and no word for "from"
        return bool(token.concepts) or text_key(token.text) in vocabulary

    i = 0
    while i < len(line.tokens):
        if not speaks(line.tokens[i]):
            i += 1
            continue
        end = last = i + 1
        while end < len(line.tokens) and end - i < _MAX_RUN:
            token = line.tokens[end]
            if line.tokens[end - 1].ends_label or token.cell != line.tokens[i].cell:
                break
            if speaks(token):
                last = end + 1
            elif any(c.isdigit() for c in token.text) or end - last >= 1:
                break
            end += 1
        last = _with_link(line, i, last)
        tokens = line.tokens[i:last]
        yield Run(
            line,
            i,
            last,
            tuple(_read_together(tokens)),
            frozenset(text_key(part) for t in tokens for part in parts_of(t.text)),
            _strangers(line, i, last),
        )
        i = last


def _with_link(line: Line, start: int, end: int) -> int:
    """Where a label ends with the small words that end its cell: ``Validated by``, ``Deliver to:``."""
    at = end
    while at < len(line.tokens) and not line.tokens[at - 1].ends_label:
        token = line.tokens[at]
        if token.cell != line.tokens[start].cell or text_key(token.text) not in STOP:
            break
        at += 1
    closed = at == len(line.tokens) or line.tokens[at].cell != line.tokens[start].cell
    return at if closed or line.tokens[at - 1].ends_label else end


def _before_digits(token: Token, line: Line) -> bool:
    at = next(i for i, one in enumerate(line.tokens) if one is token) + 1
    return at < len(line.tokens) and line.tokens[at].text[:1].isdigit()


def _strangers(line: Line, start: int, end: int) -> int:
    """Unknown words beside the label in its cell (*Alt* order #, total *CPP*:), which make it another's."""
    before = line.tokens[start - 1] if start else None
    after = line.tokens[end] if end < len(line.tokens) and not line.tokens[end - 1].ends_label else None
    return sum(
        token is not None
        and token.cell == line.tokens[start].cell
        and token.text.rstrip(":.").replace("-", "").isalpha()
        and not (token is before and token.ends_label)
        and text_key(token.text) not in STOP
        and not currencies_of(token.text)
        for token in (before, after)
    )


def _read_together(tokens: tuple[Token, ...]) -> list[frozenset[str]]:
    """Words that mean something else together: ``incl. VAT`` is gross, ``bill to`` the buyer."""
    per_word = [t.concepts for t in tokens]
    keys = [text_key(t.text) for t in tokens]
    for i in range(len(tokens) - 1):
        if keys[i + 1] == "to" and keys[i] in _PARTY_VERBS:
            per_word[i], per_word[i + 1] = frozenset({_PARTY_VERBS[keys[i]]}), frozenset()
        if keys[i] == "pay" and keys[i + 1] == "by":
            per_word[i] = frozenset({"due"})  # until when
        if keys[i + 1] == "supply" and "date" in per_word[max(i - 1, 0)] | per_word[i]:
            per_word[i + 1] = frozenset({"delivery"})
        if (
            "yours" in per_word[i] and "reference" in per_word[i + 1]
        ):  # to the reader of an invoice, the order
            per_word[i] = frozenset({"order"})
        if keys[i] == "de" and i > 0 and per_word[i - 1] and per_word[i + 1]:
            per_word[i] = frozenset()  # "date de facture", not "from"
    union = frozenset().union(*per_word)
    # What is open of a sum is due; a shop is open too.
    still = {"due"} if "amount" in union else set[str]()
    per_word = [(c - {"yours", "open"}) | (still if "open" in c else set()) for c in per_word]
    union = frozenset().union(*per_word)
    if "tax" in union and _tells_of_tax(tokens, per_word):
        return [c - {"incl", "excl", "amount"} for c in per_word]
    if "tax" in union and ("incl" in union or "excl" in union):
        meant = frozenset({"gross"}) if "incl" in union else frozenset({"net"})
        paid = {"payment"} if "incl" in union and "amount" in union else set[str]()  # ``amt paid incl. GST``
        return [meant if c & {"tax", "incl", "excl"} else c - paid for c in per_word]
    return [c - {"incl", "excl"} for c in per_word]


def _tells_of_tax(tokens: tuple[Token, ...], per_word: list[frozenset[str]]) -> bool:
    """``GST included in total``: how much tax is in a sum, where ``total incl. GST`` is the sum."""
    first = next(concepts for concepts in per_word if concepts)
    within = any(text_key(t.text) in CONTAINED for t in tokens)
    return "tax" in first and "amount" not in first and within


def _give_context(lines: list[Line], found: dict[int, list[Run]]) -> None:
    """A heading (``Buyer``) over a block stands for the labels in the block (``Name:``)."""
    headings: list[Run] = []
    for line in lines:
        for run in found.get(line.index, ()):
            parties = run.concepts & _PARTIES
            above = [
                h
                for h in headings
                if h.line.page == line.page
                and 0 < line.index - h.line.index <= _HEADING_REACH
                and abs(h.x0 - run.x0) < 40
            ]
            if parties:
                run.context = parties
                if run.firm and run.end == line.cell_end(run.start):
                    headings.append(run)
            elif above and not run.concepts & _SUMS:
                run.context = above[-1].context
        headings = headings[-8:]


def score(goal: Goal, run: Run) -> float:
    """How well the label names the field, 0 to 1."""
    concepts = run.concepts
    if run.key in goal.quoted:
        return 0.95 - 0.3 * run.strangers
    told = run.words & goal.told
    in_name = [unit for unit in goal.units if unit.within(concepts, run.words)]
    in_context = [u for u in goal.units if u not in in_name and u.concepts & run.context]
    ends = (
        _ENDS if goal.kind in (Kind.DATE, Kind.TIME) else frozenset[str]()
    )  # of a period, whatever it is a period of
    if not any(unit.weight >= 0.5 or len(goal.units) == 1 or unit.concepts & ends for unit in in_name):
        party = [u for u in in_name if u.concepts & _PARTIES]
        if not (party and run.firm) and not (in_name and in_context):
            return _by_description(goal, run, told) if told else 0.0
    matched = sum(unit.weight for unit in (*in_name, *in_context))
    matched += 0.35 * len((concepts & goal.hints) - MODIFIERS) + 0.35 * len(told)
    # A synonym is a little less than the word itself: "Amount" for the field "total".
    missing = 0.1 * sum(unit.weight for unit in in_name if unit.word not in run.words)
    missing += 0.3 * sum(unit.weight for unit in in_name if not unit.said_in(concepts, run.words))
    factor = 1.0
    for unit in goal.units:
        if unit in in_name or unit in in_context:
            continue
        missing += (_LITTLE if goal.made_up else 0.5) * unit.weight
        if (
            unit.required and not goal.made_up and not (goal.kind is Kind.TIME and "time" in unit.concepts)
        ):  # its value tells it
            factor = 0.3
    own = frozenset().union(*(unit.concepts | unit.also for unit in goal.units))
    named = {unit.word for unit in goal.units}
    extra = 0.0
    for token_concepts, token in zip(run.per_word, run.tokens, strict=True):
        extra += _extra(token_concepts, token, own, named, goal)
    dated = goal.kind is Kind.DATE and "doc" in concepts  # "Invoice date", whatever block it stands in
    strangers = (run.context - concepts - own) & _PARTIES if not dated else ()
    extra += 1.0 * len(strangers) + 0.4 * run.strangers
    return factor * matched / (matched + missing + extra) if matched else 0.0


def _by_description(goal: Goal, run: Run, told: frozenset[str]) -> float:
    """How well a label names the field with nothing but words of its description: ``Doctor`` for ``physician``."""
    others = [
        key
        for concepts, token in zip(run.per_word, run.tokens, strict=True)
        if (key := text_key(token.text)) and key not in STOP and key not in told and not concepts & goal.hints
    ]
    return 0.0 if others or run.strangers or not run.firm else min(_TOLD + 0.1 * (len(told) - 1), 0.65)


def _extra(concepts: frozenset[str], token: Token, own: frozenset[str], named: set[str], goal: Goal) -> float:
    """How much a word of the label speaks against the field."""
    if concepts & own:
        # One word may say both: "Lieferdatum" is a date, and no date of issue.
        return _ALSO if (concepts - own - goal.hints) & _OF_OTHERS and goal.kind is Kind.DATE else 0.0
    if not concepts:
        key = text_key(token.text)
        return 0.0 if not key or key in named or key in STOP or key in goal.hint_words else 0.25
    if concepts & goal.hints:
        # Of a sum, "payable" says no more than the description does, and "tax" that it is another sum.
        if goal.means("amount") and concepts <= {"due", "tax"}:
            return 0.0 if concepts == {"due"} else 1.0
        return 0.5 if concepts <= MODIFIERS else 0.0
    if concepts <= {"doc"}:
        return 0.15
    if concepts & {"number", "id", "reference"}:
        # A seat and its number are the same, a company and its number are not.
        alone = (
            goal.kind is Kind.TEXT and len(goal.units) == 1 and not goal.means("name", "address", *_PARTIES)
        )
        return 0.4 if alone or goal.means("number", "id", "reference", "code") else 1.0
    return 1.0 if concepts & MODIFIERS else 0.4
