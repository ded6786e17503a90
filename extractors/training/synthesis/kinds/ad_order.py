"""Orders and contracts for advertising time: a flight, lines of spots by week, gross, commission and net."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Signature, Table
from extractors.training.synthesis.filling import spec
from extractors.training.synthesis.trade import Trade, cents, own

_LINE = (
    spec("program", "text", "program description daypart inventory_code sendung", "Program.", "What the spots run in.",
        "Program or daypart of the line as printed."),
    spec("start_date", "date", "start_date start line_start from_date beginn", "Start.", "First day of the line.",
        "Start date of the line."),
    spec("end_date", "date", "end_date end line_end to_date ende", "End.", "Last day of the line.",
        "End date of the line."),
    spec("spots", "integer", "spots spot_count units num_spots anzahl", "Spots.", "Number of spots.",
        "How many spots the line has in all."),
    spec("rate", "number", "rate unit_rate spot_rate preis tarif", "Rate.", "Price of one spot.",
        "Price per spot as printed."),
    spec("amount", "number", "amount line_total gross_line total betrag", "Amount.", "Amount of the line.",
        "Spots times rate as printed."),
)  # fmt: skip
_FIELDS = (
    spec("advertiser", "text", "advertiser advertiser_name client werbekunde annonceur", "Advertiser.",
        "Who advertises.", "Name of the advertiser (committee, candidate or company), not that of the agency."),
    spec("agency", "text", "agency agency_name media_agency agentur buying_agency", "Agency.", "Agency that buys.",
        "Name of the agency that buys for the advertiser; null when bought directly."),
    spec("station", "text", "station property channel sender call_letters", "Station.", "Station that airs the spots.",
        "Name or call letters of the station."),
    spec("contract_number", "text", "contract_number contract_num order_no orderNumber contract_id auftragsnummer",
        "Contract number.", "Number of the order or contract.",
        "The station's number of the contract or order, without a revision number.", key_field=True),
    spec("alternate_number", "text", "alt_order_number alternate_order rep_order altOrderNo", "Alternate number.",
        "Number at the sales representative.", "Alternate order number, not the station's own."),
    spec("estimate_number", "text", "estimate_number estimate est_no cpe", "Estimate number.", "Agency's estimate.",
        "Number of the agency's estimate as printed."),
    spec("product", "text", "product product_desc brand produkt", "Product.", "What is advertised.",
        "Product or campaign description as printed."),
    spec("flight_start", "date", "flight_start flight_from start_date contract_start laufzeit_von", "Flight start.",
        "First day of the flight.", "First day of the whole order, not of a line or a billing period."),
    spec("flight_end", "date", "flight_end flight_to end_date contract_end laufzeit_bis", "Flight end.",
        "Last day of the flight.", "Last day of the whole order."),
    spec("order_date", "date", "order_date original_date entered_on auftragsdatum", "Order date.",
        "Date of the order.", "Date on which the order was entered, not the print date."),
    spec("account_executive", "text", "account_executive salesperson ae kundenbetreuer", "Account executive.",
        "Who sold it.", "Name of the station's salesperson."),
    spec("total_spots", "integer", "total_spots spot_count num_spots spots_total", "Total spots.", "Number of spots.",
        "All spots of the order as printed in the totals."),
    spec("gross_amount", "number", "gross_amount gross_total total_gross order_total brutto", "Gross amount.",
        "Total before commission.", "Gross amount of the whole order before the agency's commission."),
    spec("commission", "number", "agency_commission commission comm_amount provision", "Commission.",
        "Agency's commission.", "Amount of the agency commission, without sign or brackets."),
    spec("net_amount", "number", "net_amount net_total net_due netto", "Net amount.", "Total after commission.",
        "What the station gets: gross less commission."),
    spec("lines", "list", "lines spot_lines schedule order_lines buys", "Lines.", "Lines of the schedule.",
        "Every line of the order in reading order, without the weeks below it.", fields=_LINE),
    spec("signed", "boolean", "signed is_signed accepted hasSignature", "Is it signed?", "Whether somebody signed.",
        "True if there is a signature above the line, false if it is empty.", pixels=True),
)  # fmt: skip
_OFFICES = ("Congress", "US Senate", "Governor", "State Senate", "Mayor", "County Commissioner", "Attorney General",
    "School Board", "Sheriff")  # fmt: skip
_CAUSES = ("Clean Water", "Safer Streets", "Better Schools", "Fair Taxes", "Working Families", "Rural Health",
    "a Stronger Tomorrow", "Jobs Now", "Open Government")  # fmt: skip
_TIMES = ("6a-7a", "7a-9a", "12p-1p", "4-5p", "5:00 PM-6:00 PM", "6:00 PM-6:30 PM", "7p-730p", "8p-10p", "11p-1135p",
    "6:00a-10:00a")  # fmt: skip
_DAYS = ("MTWTF--", "-----SS", "MTWTFSS", "M-W-F--", "-T-T---", "M-F", "Mo-Su", "------S", "Tu,Th")


@dataclass
class _Spot:
    program: str
    start: dt.date
    end: dt.date
    time: str
    days: str
    length: str
    weeks: list[int]
    rate: Decimal

    @property
    def count(self) -> int:
        return sum(self.weeks)

    @property
    def amount(self) -> Decimal:
        return self.count * self.rate


def _advertiser(trade: Trade) -> str:
    chance, voice = trade.chance, trade.voice
    if trade.terms.language != "en" or trade.may(0.35):
        return voice.firm()
    last = voice.fake.last_name()
    return chance.choice((
        f"{last} for {chance.choice(_OFFICES)}", f"Committee to Elect {voice.person()}", f"Friends of {voice.person()}",
        f"Citizens for {chance.choice(_CAUSES)}", f"{chance.choice(_CAUSES)} PAC",
        f"Americans for {chance.choice(_CAUSES)}",
        f"{last}/{chance.choice('RDI')}/{chance.choice(_OFFICES)}", f"{voice.fake.city()} Democratic Party",
        f"{voice.fake.city()} Republican Committee", f"ISS/ {chance.choice(_CAUSES)} Alliance",
        f"{chance.choice(_CAUSES)} Action Fund (C{voice.code('####')})",
    ))  # fmt: skip


def _station(trade: Trade) -> str:
    letters = trade.chance.choice("WK") + trade.voice.code("???")
    if trade.terms.language != "en":
        return trade.chance.choice(("Radio {}", "{} TV", "Antenne {}", "{} FM")).format(
            trade.voice.fake.city()
        )
    return letters + trade.chance.choice(("", "-TV", "-FM", "-DT", "-TV"))


def _spots(trade: Trade, start: dt.date, end: dt.date) -> list[_Spot]:
    chance = trade.chance
    names = trade.terms.every("programs")
    count = chance.choice((1, 2, 3, 4, 5, 6, 8, 10, 14, chance.randint(16, 45), chance.randint(25, 70)))
    days = (end - start).days
    spots = []
    for _ in range(count):
        first = start + dt.timedelta(days=0 if trade.may(0.5) else chance.randint(0, days // 2))
        last = end if trade.may(0.5) else first + dt.timedelta(days=chance.randint(0, (end - first).days))
        weeks = (last - first).days // 7 + 1
        rate = Decimal(chance.choice((5, 10, 25))) * chance.randint(1, 90)
        counts = [chance.randint(1, 6) for _ in range(weeks)]
        spots.append(_Spot(chance.choice(names), first, last, chance.choice(_TIMES), chance.choice(_DAYS),
            chance.choice((":30", ":30", ":15", ":60", "00:30")), counts, rate))  # fmt: skip
    spots[0].start, spots[-1].end = start, end
    spots[-1].start = min(spots[-1].start, end)
    return spots


def _aired(trade: Trade, spot: _Spot, channel: str, day: Any) -> list[tuple[str, ...]]:
    """When each spot of a line ran, as invoices list it."""
    chance = trade.chance
    rows: list[tuple[str, ...]] = []
    copy = trade.voice.code("????####?")
    for number in range(1, min(spot.count, 8) + 1):
        date = spot.start + dt.timedelta(days=chance.randint(0, (spot.end - spot.start).days))
        clock = f"{chance.randint(1, 12)}:{chance.randint(0, 59):02} {chance.choice(('AM', 'PM'))}"
        rate = trade.voice.money(spot.rate)
        words = (
            str(number),
            channel,
            date.strftime("%a")[:2],
            day(date),
            clock,
            spot.program,
            spot.length,
            copy,
            rate,
        )
        rows.append((" ".join(word for word in words if word),))
    return rows


def _schedule(trade: Trade, spots: list[_Spot], day: Any, billed: bool) -> tuple[Table, list[dict[str, str]]]:
    """Lines, at times with a row for every week below, full of dates that are no flight."""
    terms, voice = trade.terms, trade.voice
    money = voice.money if trade.may(0.75) else voice.number
    weekly = trade.may(0.45)
    extra = trade.may(0.6)
    channel = trade.voice.code("W???") if trade.may(0.4) else ""
    heads = [terms("pos"), terms("flight_from"), terms("flight_to"), terms("program")]
    aligns: list[Align] = ["left", "left", "left", "left"]
    widths = [0.5, 1.3, 1.3, 3.2]
    more: tuple[tuple[str, Align, float], ...] = (
        ("start_end", "left", 1.8),
        ("days", "left", 1.1),
        ("length", "left", 0.7),
    )
    for term, align, width in more if extra else ():
        heads.append(terms(term))
        aligns.append(align)
        widths.append(width)
    heads += [terms("spots"), terms("spot_rate"), terms("ad_amount")]
    aligns += ["right", "right", "right"]
    widths += [0.7, 1.2, 1.3]
    rows: list[tuple[str, ...]] = []
    truths = []
    for at, spot in enumerate(spots, 1):
        middle = (spot.time, spot.days, spot.length) if extra else ()
        name = f"{channel} {spot.program}".strip()
        rows.append((str(at), day(spot.start), day(spot.end), name, *middle, str(spot.count), money(spot.rate),
            money(spot.amount)))  # fmt: skip
        truths.append({
            "program": spot.program, "start_date": day(spot.start), "end_date": day(spot.end),
            "spots": str(spot.count), "rate": voice.number(spot.rate), "amount": voice.number(spot.amount),
        })  # fmt: skip
        rows += _aired(trade, spot, channel, day) if billed else []
        if weekly and not billed:
            for number, count in enumerate(spot.weeks):
                monday = spot.start + dt.timedelta(days=7 * number)
                rows.append((f"{terms('week_of')}: {day(monday)} - {day(monday + dt.timedelta(days=6))} "
                    f"{spot.days} {count} {money(spot.rate)}",))  # fmt: skip
    return Table(tuple(heads), tuple(rows), tuple(aligns), tuple(widths)), truths


def _plan(trade: Trade, spots: list[_Spot], day: Any) -> Table:
    """By calendar month, as billing goes: sums that are parts of the total."""
    months: dict[tuple[int, int], list[Any]] = {}
    for spot in spots:
        for number, count in enumerate(spot.weeks):
            monday = spot.start + dt.timedelta(days=7 * number)
            entry = months.setdefault((monday.year, monday.month), [0, Decimal(0)])
            entry[0] += count
            entry[1] += count * spot.rate
    terms, voice = trade.terms, trade.voice
    rows = tuple(
        (f"{month:02}/{year}", str(count), voice.money(gross), voice.money(cents(gross * Decimal("0.85"))))
        for (year, month), (count, gross) in sorted(months.items())
    )
    heads = (terms("month"), terms("total_spots"), terms("gross_amount"), terms("net_amount"))
    return Table(heads, rows, ("left", "right", "right", "right"), (1.5, 1, 1.4, 1.4), terms("bill_plan"))


def _entries(trade: Trade, truth: dict[str, Any], flight: str) -> list[Entry]:
    """Labelled values with numbers and dates of every sort."""
    voice, terms, chance = trade.voice, trade.terms, trade.chance
    number = terms("contract_no")
    revised = truth["contract_number"]
    if "/" in number:
        revised = f"{revised} / {chance.choice((str(chance.randint(0, 9)), ''))}".rstrip(" /")
    entries = [Entry(number, revised)]
    if flight:
        entries.append(Entry(terms("flight"), flight))
    else:
        entries += [
            Entry(terms("flight_from"), truth["flight_start"]),
            Entry(terms("flight_to"), truth["flight_end"]),
        ]
    for key, term in (("advertiser", "advertiser"), ("agency", "agency"), ("station", "station"),
        ("alternate_number", "alt_order"), ("estimate_number", "estimate"), ("product", "ad_product"),
        ("order_date", "original_date"), ("account_executive", "executive")):  # fmt: skip
        if truth[key]:
            entries.append(Entry(terms(term), truth[key]))
    entries += trade.some((
        (0.6, "print_date", voice.day(chance.randint(-10, 40)) + chance.choice(("", " 10:42 AM", " 18:45:56"))),
        (0.5, "billing_cycle", chance.choice(("EOM/EOC", "Broadcast", "Weekly", "Calendar"))),
        (0.4, "ad_buyer", voice.person()), (0.4, "sales_office", voice.fake.city()),
        (0.3, "demographic", chance.choice(("A35+", "Households", "Adults 25-54", "W18-49"))),
        (0.25, "deal", chance.choice(("", voice.code("##"), "None"))), (0.3, "terms_of_payment", "Net 30"),
        (0.25, "customer_no", voice.code("####")),
    ))  # fmt: skip
    head, rest = entries[:3], entries[3:]
    chance.shuffle(rest)
    mixed = head + rest if trade.may(0.6) else rest + head
    return [Entry(one.label, " ".join(one.value.split())) for one in mixed]


def _totals(trade: Trade, spots: list[_Spot], truth: dict[str, Any]) -> list[Entry]:
    voice, terms = trade.voice, trade.terms
    gross = sum((spot.amount for spot in spots), Decimal(0))
    count = sum(spot.count for spot in spots)
    truth["gross_amount"] = voice.number(gross)
    entries = []
    if trade.may(0.7):
        truth["total_spots"] = str(count)
        entries.append(Entry(terms("total_spots"), str(count)))
    entries.append(Entry(terms("gross_amount"), voice.money(gross), strong=True))
    if truth["agency"] and trade.may(0.75):
        commission = cents(gross * Decimal("0.15"))
        shown = voice.money(commission)
        truth.update(commission=voice.number(commission), net_amount=voice.number(gross - commission))
        entries.append(
            Entry(terms("commission"), trade.chance.choice((shown, f"({shown})", voice.money(-commission))))
        )
        entries.append(Entry(terms("net_amount"), voice.money(gross - commission), strong=True))
    return entries


def make(chance: random.Random, locale: str) -> Facts:
    """An order of one line to some seventy, over weeks or months."""
    trade = Trade(chance, locale)
    voice, terms = trade.voice, trade.terms
    if locale == "en_US" and trade.may(0.75):
        voice.pattern = chance.choice(("MM/dd/yy", "MM/dd/yy", "M/d/yyyy", "MM/dd/yyyy"))
    if locale == "en_US" and trade.may(0.9):
        voice.sign, voice.sign_first, voice.sign_space = "$", True, ""
    truth: dict[str, Any] = own(_FIELDS)
    start = voice.today + dt.timedelta(days=chance.randint(2, 40))
    end = start + dt.timedelta(days=chance.choice((2, 6, 6, 13, 20, 27, 41, 90)))

    def day(date: dt.date) -> str:
        return voice.day((date - voice.today).days)

    truth.update(
        advertiser=_advertiser(trade), agency=voice.firm() if trade.may(0.75) else None, station=_station(trade),
        contract_number=chance.choice((voice.code("#######"), voice.code("######"), voice.code("??-#####"))),
        alternate_number=voice.code(chance.choice(("########", "???########"))) if trade.may(0.6) else None,
        estimate_number=voice.code(chance.choice(("####", "###", "??/####/######"))) if trade.may(0.6) else None,
        product=trade.terms.every("programs")[0].split()[0] + " " + voice.code("???") if trade.may(0.4) else None,
        flight_start=day(start), flight_end=day(end), order_date=voice.day() if trade.may(0.7) else None,
        account_executive=voice.person() if trade.may(0.7) else None,
    )  # fmt: skip
    flight = chance.choice((" - ", " - ", " to " if terms.language == "en" else " - ", " / "))
    entries = _entries(trade, truth, f"{day(start)}{flight}{day(end)}" if trade.may(0.65) else "")
    billed = trade.may(0.25)
    if billed:  # an invoice of the order, with a number, a date and a period of its own
        number = (
            f"{truth['contract_number']}-{chance.randint(1, 4)}" if trade.may(0.6) else voice.code("#######")
        )
        offset = (end - voice.today).days + chance.randint(0, 9)
        period = f"{day(start + dt.timedelta(days=chance.randint(0, 3)))} - {voice.day(offset)}"
        extra = [Entry(terms("invoice_no"), number), Entry(terms("invoice_date"), voice.day(offset))]
        extra += [Entry(terms("billing_period"), period)] if trade.may(0.6) else []
        at = chance.choice((0, 0, len(entries)))
        entries[at:at] = extra
    spots = _spots(trade, start, end)
    table, truth["lines"] = _schedule(trade, spots, day, billed)
    totals = _totals(trade, spots, truth)
    issuer = Party(
        terms("station"), truth["station"], (*voice.address(), f"{terms('phone')}: {voice.phone()}")
    )
    parties = []
    if truth["agency"]:
        parties.append(trade.party(terms("buyer"), name=truth["agency"])[0])
    elif trade.may(0.6):
        parties.append(trade.party(terms("buyer"), name=truth["advertiser"])[0])
    if trade.may(0.35):
        parties.append(trade.party(terms("remit_to"))[0])
    plan = [_plan(trade, spots, day)] if trade.may(0.35) else []
    truth["signed"] = trade.may(0.35)
    curve = chance.getrandbits(30) if truth["signed"] else None
    signature = [Signature(terms("ad_signature"), "", curve)] if curve is not None or trade.may(0.3) else []
    note = chance.sample(terms.every("ad_terms"), 1) if trade.may(0.7) else []
    return Facts(
        terms("invoice" if billed else "ad_order"), issuer, parties, entries,
        [*plan, table] if trade.may(0.5) else [table, *plan], totals,
        truth=truth, prose=note, signatures=signature, language=terms.language,
        layouts=("boxed", "boxed", "columns", "columns", "business", "centered", "listing"),
    )  # fmt: skip


KIND = DocumentKind(
    "ad_order",
    ("ad buy", "advertising contract", "broadcast_order", "media order", "Werbeauftrag"),
    _FIELDS,
    make,
)
