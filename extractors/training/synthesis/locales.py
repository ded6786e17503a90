"""How a locale prints dates, numbers and money, and what people, firms and addresses are called there."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel.dates import format_date
from babel.numbers import format_decimal
from faker import Faker


@dataclass(frozen=True)
class Habits:
    """What is usual in a locale. ``dates`` are patterns of Babel; ``signs`` how money may be marked."""

    currency: str
    signs: tuple[str, ...]
    dates: tuple[str, ...]
    tax: str
    rates: tuple[str, ...]
    tax_id: str
    phone: str
    page: tuple[float, float] = (595.28, 841.89)


_EURO = ("€", "EUR", "")
_HABITS = {
    "en_US": Habits("USD", ("$", "$", "USD", ""), ("MM/dd/yyyy", "M/d/yy", "MMM d, yyyy", "MMMM d, yyyy", "MM-dd-yyyy",
        "yyyy-MM-dd", "dd-MMM-yy"), "Sales tax", ("5.5", "6", "7.25", "8.875"), "##-#######", "(###) 555-01##",
        (612, 792)),
    "en_GB": Habits("GBP", ("£", "£", "GBP", ""), ("dd/MM/yyyy", "d MMMM yyyy", "d MMM yyyy", "dd-MM-yy", "dd.MM.yy",
        "yyyy-MM-dd"), "VAT", ("20", "5"), "GB #########", "01### 496###"),
    "en_MY": Habits("MYR", ("RM", "RM", "MYR", ""), ("dd/MM/yyyy", "dd-MM-yyyy", "dd/MM/yy", "dd MMM yyyy", "d/M/yyyy"),
        "GST", ("6",), "00##########", "03-#### ####"),
    "en_SG": Habits("SGD", ("S$", "$", "SGD", ""), ("dd/MM/yyyy", "dd MMM yyyy", "dd-MMM-yy", "yyyy-MM-dd", "dd/MM/yy"),
        "GST", ("7", "8", "9"), "M#-#######-#", "6### ####"),
    "en_IN": Habits("INR", ("Rs.", "₹", "INR", ""), ("dd/MM/yyyy", "dd-MMM-yyyy", "dd-MM-yyyy", "d MMMM yyyy"),
        "IGST", ("5", "12", "18"), "27AAB??####?1Z#", "+91 98### #####"),
    "de_DE": Habits("EUR", _EURO, ("dd.MM.yyyy", "dd.MM.yy", "d. MMMM yyyy", "yyyy-MM-dd", "d.M.yyyy"), "USt.",
        ("19", "7"), "DE#########", "0### / ######"),
    "de_AT": Habits("EUR", _EURO, ("dd.MM.yyyy", "d. MMMM yyyy", "d.M.yyyy", "yyyy-MM-dd"), "USt.", ("20", "10"),
        "ATU########", "+43 1 #######"),
    "fr_FR": Habits("EUR", _EURO, ("dd/MM/yyyy", "d MMMM yyyy", "dd/MM/yy", "yyyy-MM-dd", "dd-MM-yyyy"), "TVA",
        ("20", "10", "5.5"), "FR ## #########", "01 ## ## ## ##"),
    "it_IT": Habits("EUR", _EURO, ("dd/MM/yyyy", "d MMMM yyyy", "dd-MM-yyyy", "dd.MM.yyyy"), "IVA", ("22", "10"),
        "IT###########", "02 #######"),
    "es_ES": Habits("EUR", _EURO, ("dd/MM/yyyy", "d 'de' MMMM 'de' yyyy", "dd-MM-yyyy", "d/M/yy"), "IVA", ("21", "10"),
        "B########", "91 ### ## ##"),
    "nl_NL": Habits("EUR", _EURO, ("dd-MM-yyyy", "d MMMM yyyy", "dd/MM/yyyy", "d-M-yyyy"), "BTW", ("21", "9"),
        "NL#########B01", "020 - ### ####"),
    "pl_PL": Habits("PLN", ("zł", "PLN", ""), ("dd.MM.yyyy", "yyyy-MM-dd", "d MMMM yyyy", "dd-MM-yyyy"), "VAT",
        ("23", "8"), "PL##########", "22 ### ## ##"),
}  # fmt: skip

NAMES = list(_HABITS)
_OWN = ("en_MY", "en_SG")  # Faker has no addresses for these
_STREETS = (
    "Jalan Mawar", "Jalan Kenanga", "Lorong Pinang", "Jalan Bukit Indah", "Persiaran Damai", "Jalan Teratai",
    "Lebuh Cempaka", "Jalan Seri Utama", "Jalan Perdana",
)  # fmt: skip
_QUARTERS = ("Taman Melati", "Taman Sri Indah", "Bandar Baru Selayang", "Kampung Hulu", "Taman Desa Jaya")
_TOWNS = (
    "Shah Alam, Selangor", "Johor Bahru, Johor", "Kuala Lumpur", "Ipoh, Perak", "Klang, Selangor",
    "Petaling Jaya, Selangor", "Seremban, Negeri Sembilan",
)  # fmt: skip
_ROADS = ("Jalan Pelikat", "Tampines Street", "Upper Serangoon Road", "Bukit Batok Avenue", "Geylang Lorong")
_TRADES = (
    "Trading", "Hardware", "Stationery", "Restaurant", "Mini Market", "Enterprise", "Machinery", "Bakery",
    "Electrical", "Book Store", "Pharmacy", "Auto Parts",
)  # fmt: skip
_SYLLABLES = (
    "Seng", "Heng", "Wah", "Lee", "Soon", "Hup", "Maju", "Jaya", "Sinar", "Mega", "Kim", "Hong", "Bintang",
    "Permata", "Golden", "Sunrise", "Emas", "Lian", "Thye", "Guan",
)  # fmt: skip


def page_size(locale: str) -> tuple[float, float]:
    """Width and height of usual paper, in points."""
    return _HABITS[locale].page


@cache
def _faker(name: str) -> Faker:
    return Faker("en_GB" if name in _OWN else name, use_weighting=False)


@dataclass
class Voice:
    """One document's way of printing: a date pattern, a money style, names from one seed."""

    chance: random.Random
    locale: str

    def __post_init__(self) -> None:
        chance = self.chance
        self.habits = _HABITS[self.locale]
        self.fake = _faker(self.locale)
        self.fake.seed_instance(chance.getrandbits(48))
        weights = [3, *([1] * (len(self.habits.dates) - 1))]
        self.pattern = chance.choices(self.habits.dates, weights)[0]
        self.sign = chance.choice(self.habits.signs)
        self.sign_first = chance.random() < (0.25 if self.habits.currency in ("EUR", "PLN") else 0.9)
        self.sign_space = "" if self.sign in ("$", "£", "S$", "₹") and chance.random() < 0.8 else " "
        self.grouped = chance.random() < 0.85
        self.today = dt.date(chance.randint(1996, 2026), chance.randint(1, 12), chance.randint(1, 28))

    def day(self, offset: int = 0, pattern: str = "") -> str:
        """``offset`` days from the document's own, as printed."""
        date = self.today + dt.timedelta(days=offset)
        return _plain(format_date(date, pattern or self.pattern, self.locale))

    def number(self, value: Decimal | int, places: int = 2) -> str:
        """With the locale's separators."""
        pattern = "#,##,##0" if self.locale == "en_IN" else "#,##0"
        pattern += "." + "0" * places if places else ""
        return _plain(format_decimal(value, format=pattern, locale=self.locale, group_separator=self.grouped))

    def money(self, value: Decimal) -> str:
        """As printed, with the document's currency sign where it uses one. The bare number is `number`."""
        bare = self.number(abs(value))
        minus = "-" if value < 0 else ""
        if not self.sign:
            return minus + bare
        return (
            f"{minus}{self.sign}{self.sign_space}{bare}"
            if self.sign_first
            else f"{minus}{bare}{self.sign_space}{self.sign}"
        )

    def code(self, pattern: str) -> str:
        """``#`` becomes a digit, ``?`` a capital letter, ``@`` either."""
        swap = {
            "#": "0123456789",
            "?": "ABCDEFGHJKLMNPRSTUVWXYZ",
            "@": "ABCDEFGHJKLMNPRSTUVWXYZ0123456789",
        }
        return "".join(self.chance.choice(swap[c]) if c in swap else c for c in pattern)

    def firm(self) -> str:
        """A company that does not exist."""
        chance = self.chance
        if self.locale not in _OWN:
            return _plain(self.fake.company())
        words = " ".join(chance.sample(_SYLLABLES, chance.choice((1, 2, 2))))
        ending = chance.choice(
            ("Sdn Bhd", "Sdn. Bhd.", "Enterprise", "(M) Sdn Bhd")
            if self.locale == "en_MY"
            else ("Pte Ltd", "Pte. Ltd.")
        )
        trade = chance.choice(_TRADES)
        return f"{words} {trade} {ending}" if trade != ending else f"{words} {trade}"

    def person(self) -> str:
        """First and last name."""
        return _plain(f"{self.fake.first_name()} {self.fake.last_name()}")

    def address(self) -> tuple[str, ...]:
        """One to four lines."""
        chance = self.chance
        if self.locale == "en_MY":
            number = chance.choice(
                (
                    f"No. {chance.randint(1, 120)}",
                    f"Lot {chance.randint(100, 9000)}",
                    f"{chance.randint(1, 90)}-G",
                )
            )
            return (
                f"{number}, {chance.choice(_STREETS)} {chance.randint(1, 19)}/{chance.randint(1, 60)},",
                f"{chance.choice(_QUARTERS)},",
                f"{chance.randint(40000, 89999)} {chance.choice(_TOWNS)}",
            )
        if self.locale == "en_SG":
            return (
                f"Blk {chance.randint(1, 900)} {chance.choice(_ROADS)} "
                f"#{chance.randint(1, 20):02}-{chance.randint(1, 199):02}",
                f"Singapore {chance.randint(100000, 829999)}",
            )
        if self.locale == "en_US":  # Faker's has military post offices in every second address
            unit = chance.choice(
                ("", "", f"Suite {chance.randint(100, 990)}", f"PO Box {chance.randint(100, 9999)}")
            )
            town = f"{self.fake.city()}, {self.fake.state_abbr(include_territories=False)} {self.fake.postcode()}"
            return tuple(line for line in (self.fake.street_address(), unit, town) if line)
        lines = (line.strip() for line in self.fake.address().splitlines())
        return tuple(_plain(line) for line in lines if line)

    def phone(self) -> str:
        """A number in the local form."""
        return self.code(self.habits.phone)

    def tax_id(self) -> str:
        """A tax registration number in the local form."""
        return self.code(self.habits.tax_id)

    def iban(self) -> str:
        """In groups of four, as printed."""
        raw = self.fake.iban() if self.locale not in ("en_US", *_OWN, "en_IN") else self.code("##########")
        return " ".join(raw[i : i + 4] for i in range(0, len(raw), 4)) if len(raw) > 12 else raw


def _plain(text: str) -> str:
    """Non-breaking spaces, narrow ones too, are spaces: fonts lack them and readers fold them."""
    return " ".join(text.replace("\u202f", " ").replace("\xa0", " ").split())
