"""Makes sheets: draws a kind, a locale and a layout from a seed, and renders the content."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from extractors.training.synthesis.contract import DocumentKind, Sheet
from extractors.training.synthesis.facts import Check, Entry, Facts, Party, Table
from extractors.training.synthesis.forms import FORM_LAYOUTS
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.layouts import BUSINESS_LAYOUTS, Layout
from extractors.training.synthesis.letters import LETTER_LAYOUTS
from extractors.training.synthesis.locales import NAMES, page_size
from extractors.training.synthesis.paint import Painter, Style, choose_style
from extractors.training.synthesis.slips import PAPERS, SLIP_LAYOUTS
from schemas.errors import UsageError

LAYOUTS: dict[str, Layout] = {**BUSINESS_LAYOUTS, **SLIP_LAYOUTS, **FORM_LAYOUTS, **LETTER_LAYOUTS}
LOCALES = tuple(NAMES)
_OFTEN = {"ad_order": ("en_US",), "receipt": ("en_MY", "en_SG"), "invoice": ("de_DE", "fr_FR")}
_SHOUTED = {"receipt": 0.4, "ad_order": 0.1, "delivery_note": 0.1}  # share of documents all in capitals


def make_sheet(
    seed: int, kind: str | None = None, locale: str | None = None, layout: str | None = None
) -> Sheet:
    """A document with its truth; the same arguments make the same text and truth.

    Args:
        seed: of everything that is drawn.
        kind: of `KINDS`; drawn if None.
        locale: of `LOCALES`; drawn if None, with those more often that such documents come from.
        layout: of `LAYOUTS`; drawn from those that suit the document if None.

    Raises:
        UsageError: an argument names nothing that there is, or a layout that the kind cannot have.
    """
    chance = random.Random(seed)
    kind = _known("kind of document", kind or chance.choice(list(KINDS)), KINDS)
    locale = _known("locale", locale or _draw_locale(chance, KINDS[kind]), LOCALES)
    facts = KINDS[kind].make(chance, locale)
    if chance.random() < _SHOUTED.get(kind, 0.03):
        shout(facts, KINDS[kind])
    layout = _known("layout", layout or chance.choice(facts.layouts or tuple(BUSINESS_LAYOUTS)), LAYOUTS)
    _check_suits(kind, layout, facts)
    painter = _render(facts, locale, layout, chance)
    return Sheet(kind, locale, layout, painter.pdf(), painter.pages, facts.truth, seed)


def _known(what: str, name: str, names: Any) -> str:
    if name not in names:
        raise UsageError(f"No {what} is called {name!r}.", remedy=f"Use one of: {', '.join(sorted(names))}.")
    return name


def _check_suits(kind: str, layout: str, facts: Facts) -> None:
    """A layout that leaves out what such documents have would make their truth untrue."""
    papers = {*BUSINESS_LAYOUTS, *SLIP_LAYOUTS}
    suits = papers if set(facts.layouts) <= papers else set(facts.layouts)
    if layout not in suits:
        raise UsageError(
            f"Documents of the kind {kind!r} are not laid out as {layout!r}.",
            remedy=f"Use one of: {', '.join(sorted(suits))}.",
        )


def _draw_locale(chance: random.Random, kind: DocumentKind) -> str:
    often = _OFTEN.get(kind.name)
    return chance.choice(often if often and chance.random() < 0.5 else LOCALES)


def shout(facts: Facts, kind: DocumentKind) -> None:
    """Puts a document in capitals, with the truths that are printed on it."""
    fixed = {field.key for field in kind.fields if field.type == "choice"}
    keep = {key: facts.truth[key] for key in fixed}
    for name in (
        "title",
        "issuer",
        "parties",
        "entries",
        "tables",
        "totals",
        "prose",
        "checks",
        "footer",
        "truth",
    ):
        setattr(facts, name, _upper(getattr(facts, name)))
    facts.truth.update(keep)


def _upper(value: Any) -> Any:
    if isinstance(value, str):
        return value.upper()
    if isinstance(value, list | tuple):
        return type(value)(_upper(one) for one in value)
    if isinstance(value, dict):
        return {key: _upper(one) for key, one in value.items()}
    if isinstance(value, Table):
        return replace(value, heads=_upper(value.heads), rows=_upper(value.rows), title=value.title.upper())
    if isinstance(value, Check):
        return replace(value, label=value.label.upper(), options=_upper(value.options))
    if isinstance(value, Entry):
        return replace(value, label=value.label.upper(), value=value.value.upper())
    if isinstance(value, Party):
        return Party(value.heading.upper(), value.name.upper(), _upper(value.lines))
    return value


def _render(facts: Facts, locale: str, layout: str, chance: random.Random) -> Painter:
    """Paper with the facts on it; slips are as long as their text, so they are laid out twice."""
    slip = layout in SLIP_LAYOUTS
    width, height = page_size(locale)
    if slip:
        width, height = chance.choice(PAPERS), 3000.0
    style = _choose_style(facts, width, height, slip, chance)
    if not slip:
        painter = Painter(style, facts.title)
        LAYOUTS[layout](painter, facts, chance)
        return painter
    seed = chance.getrandbits(48)
    for _ in range(2):
        painter = Painter(style, facts.title)
        LAYOUTS[layout](painter, facts, random.Random(seed))
        style = replace(style, height=min(height, painter.y + style.margin))
    return painter


def _choose_style(facts: Facts, width: float, height: float, slip: bool, chance: random.Random) -> Style:
    """A style whose fonts have all letters of the text."""
    text = repr(facts)
    try:
        text.encode("cp1252")
        latin_1 = True
    except UnicodeEncodeError:
        latin_1 = False
    style = choose_style(chance, width, height, slip, latin_1)
    if slip and chance.random() < 0.3:  # tills that do not print like typewriters
        style = replace(style, font=chance.choice(("Arimo", "BarlowCondensed")))
    if "\u20b9" in text:  # the rupee sign, which few fonts have
        style = replace(style, font="Arimo", hand="Caveat")
    return style
