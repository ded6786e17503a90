"""What all trade documents share: lines of goods or services, sums and taxes that are right, names with addresses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from extractors.training.synthesis.contract import FieldSpec
from extractors.training.synthesis.facts import Align, Entry, Party, Table
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.locales import Voice
from extractors.training.synthesis.terms import Terms

_CENT = Decimal("0.01")
_QUANTITIES = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12, 20, 24, 50, 100, 250)
_COLUMNS: dict[str, tuple[str, Align, float]] = {
    "pos": ("pos", "left", 0.6),
    "article": ("article", "left", 1.4),
    "name": ("goods_item", "left", 4.5),
    "quantity": ("quantity", "right", 1.0),
    "unit": ("unit_of", "left", 0.9),
    "price": ("unit_price", "right", 1.4),
    "rate": ("tax_rate", "right", 0.9),
    "total": ("line_total", "right", 1.5),
}  # term of the head, side, relative width

ITEM = (
    spec("description", "text", "description item product_name bezeichnung designation", "What was sold.",
        "Description of the item.", "Name of the product or service as printed in the line."),
    spec("quantity", "number", "quantity qty menge amount_of_units quantite", "How many.", "Quantity.",
        "Number of units of the line, without the unit."),
    spec("unit_price", "number", "unit_price price unitPrice einzelpreis prix_unitaire", "Price of one.", "Unit price.",
        "Price of a single unit as printed in the line."),
    spec("line_total", "number", "line_total amount total_price lineAmount gesamtpreis", "Amount of the line.",
        "Line total.", "Total of the line: quantity times unit price, as printed."),
    spec("article", "text", "article_number sku item_code artikelnummer part_no", "Item code.", "Article number.",
        "The seller's code of the item, null when the line has none."),
)  # fmt: skip


def cents(value: Decimal) -> Decimal:
    """Rounded half up to two places."""
    return value.quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Line:
    """One thing that is sold. ``rate`` is its tax in percent, ``detail`` a second line of its description."""

    name: str
    code: str
    quantity: Decimal
    unit: str
    price: Decimal
    rate: Decimal
    detail: str = ""

    @property
    def total(self) -> Decimal:
        """Without tax when the price is."""
        return cents(self.quantity * self.price)


class Trade:
    """A voice and its terms, with what trade documents are made of."""

    def __init__(self, chance: random.Random, locale: str) -> None:
        self.chance, self.locale = chance, locale
        self.voice = Voice(chance, locale)
        self.terms = Terms(chance, locale)
        self.codes = chance.choice(("######", "??-####", "#####-##", "@@@###", "#############"))

    def may(self, share: float) -> bool:
        """True in ``share`` of all cases."""
        return self.chance.random() < share

    def lines(self, count: int, services: bool | None = None, rate: Decimal | None = None) -> list[Line]:
        """Distinct names as far as there are enough; one tax rate, or two in some documents."""
        chance = self.chance
        services = chance.random() < 0.35 if services is None else services
        names = list(self.terms.every("services" if services else "goods"))
        chance.shuffle(names)
        rates = [Decimal(one) for one in self.voice.habits.rates]
        usual = rate if rate is not None else chance.choice(rates)
        mixed = rate is None and chance.random() < 0.2
        rates = [usual, chance.choice(rates)]
        odd = chance.random() < 0.25  # hours and kilograms
        return [
            Line(
                name=names[at] if at < len(names) else f"{names[at % len(names)]} {self.voice.code('?##')}",
                code=self.voice.code(self.codes),
                quantity=Decimal(chance.randint(1, 400)) / 4
                if odd and self.may(0.5)
                else Decimal(chance.choice(_QUANTITIES)),
                unit=chance.choice(self.terms.every("units")),
                price=cents(Decimal(str(round(chance.lognormvariate(3.6, 1.3), 2)))) + Decimal("0.05"),
                rate=chance.choice(rates) if mixed else usual,
                detail=chance.choice(self.terms.every("details")) if self.may(0.12) else "",
            )
            for at in range(count)
        ]  # fmt: skip

    def count(self, value: Decimal) -> str:
        """A quantity: whole, or with as many places as it needs."""
        return self.voice.number(value, 0 if value == value.to_integral() else 2)

    def rate(self, value: Decimal) -> str:
        """A tax rate without the sign for percent."""
        places = max(0, -int(value.normalize().as_tuple().exponent))
        return self.voice.number(value, places)

    def item_table(
        self, lines: Sequence[Line], money: bool = True
    ) -> tuple[Table, list[dict[str, str | None]]]:
        """A table of lines with some of the usual columns in a usual order, and its truths.

        Args:
            lines: in printing order.
            money: whether prices stand in it.
        """
        terms, voice = self.terms, self.voice
        show = voice.money if self.may(0.2) else voice.number
        texts = _COLUMNS
        columns = [name for name, share in (("pos", 0.6), ("article", 0.5)) if self.may(share)]
        unit = ["unit"] if self.may(0.4) else []
        if self.may(0.25):
            columns = ["quantity", *unit, *columns, "name"]
        else:
            columns += ["name", "quantity", *unit]
        if money:
            columns += ["price"] if self.may(0.95) else []
            columns += ["rate"] if self.may(0.35) else []
            columns += ["total"]
        glued = not unit and self.may(0.2)
        rows: list[tuple[str, ...]] = []
        truths: list[dict[str, str | None]] = []
        for at, line in enumerate(lines, 1):
            cells = {
                "pos": str(at), "article": line.code, "name": line.name,
                "quantity": self.count(line.quantity) + (f" {line.unit}" if glued else ""), "unit": line.unit,
                "price": show(line.price), "rate": self.rate(line.rate), "total": show(line.total),
            }  # fmt: skip
            rows.append(tuple(cells[name] for name in columns))
            if line.detail:
                rows.append((line.detail,))
            truths.append({
                "description": line.name,
                "quantity": self.count(line.quantity),
                "unit_price": voice.number(line.price) if "price" in columns else None,
                "line_total": voice.number(line.total) if "total" in columns else None,
                "article": line.code if "article" in columns else None,
            })  # fmt: skip
        aligns: tuple[Align, ...] = tuple(texts[name][1] for name in columns)
        heads = tuple(terms(texts[name][0]) for name in columns)
        return Table(heads, tuple(rows), aligns, tuple(texts[name][2] for name in columns)), truths

    def taxes(
        self, lines: Sequence[Line], less: Decimal = Decimal(0)
    ) -> dict[Decimal, tuple[Decimal, Decimal]]:
        """Net and tax by rate, the discount ``less`` (a share) taken from each net."""
        nets: dict[Decimal, Decimal] = {}
        for line in lines:
            nets[line.rate] = nets.get(line.rate, Decimal(0)) + line.total
        nets = {rate: net - cents(net * less) for rate, net in nets.items()}
        return {rate: (net, cents(net * rate / 100)) for rate, net in nets.items()}

    def party(self, heading: str, person: bool = False, name: str = "") -> tuple[Party, str]:
        """A firm or person with an address, and that address as one text."""
        name = name or (self.voice.person() if person else self.voice.firm())
        lines = self.voice.address()
        who = (self.voice.person(),) if not person and self.may(0.15) else ()
        return Party(heading, name, (*who, *lines)), one_line(lines)

    def issuer(self, heading: str, tax_id: str = "") -> Party:
        """The firm that makes the document, with numbers that nobody asks for; ``tax_id`` is printed if given."""
        voice, terms = self.voice, self.terms
        extra = []
        if self.may(0.7):
            extra.append(f"{terms('phone')}: {voice.phone()}")
        if self.may(0.3):
            extra.append(f"{terms('fax')}: {voice.phone()}")
        if self.may(0.35):
            extra.append(f"{terms('company_no')}: {voice.code('######')}")
        if tax_id:
            extra.append(f"{terms('tax_no')}: {tax_id}")
        if self.may(0.3):
            extra.append(f"{terms('website')}: www.{voice.fake.domain_name()}")
        self.chance.shuffle(extra)
        return Party(heading, voice.firm(), (*voice.address(), *extra))

    def some(self, entries: Sequence[tuple[float, str, str]]) -> list[Entry]:
        """Entries of (share of documents that have it, term, value), those without a value left out."""
        return [Entry(self.terms(term), value) for share, term, value in entries if value and self.may(share)]

    def number_of(self, prefix: str = "") -> str:
        """A document number in one of the usual forms."""
        year = self.voice.today.year
        return self.chance.choice((
            self.voice.code("#######"), self.voice.code(f"{year}-#####"), self.voice.code(f"{prefix}-{year}-####"),
            self.voice.code(f"{prefix}######"), self.voice.code("######/##"), self.voice.code("#####-#"),
            f"{year}/{self.chance.randint(1, 999)}", str(self.chance.randint(1, 9999)),
        )).lstrip("-")  # fmt: skip


def one_line(lines: Sequence[str]) -> str:
    """An address as one text."""
    return ", ".join(line.rstrip(",") for line in lines)


def own(fields: Sequence[FieldSpec]) -> dict[str, object]:
    """A truth with nothing in it yet."""
    return {field.key: None for field in fields}
