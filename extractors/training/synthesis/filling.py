"""Filling in a form: labelled values and their truths together, so that the two cannot differ."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from extractors.training.synthesis.contract import FieldSpec, FieldType
from extractors.training.synthesis.facts import (
    Check,
    CheckStyle,
    Entry,
    Facts,
    Party,
    Signature,
    Stamp,
    StampFrame,
)
from extractors.training.synthesis.locales import Voice
from extractors.training.synthesis.terms import Terms

_STAMP_INKS = ("#b02020", "#8c1c3a", "#1f3a8a", "#3b2a86", "#1d5c3a", "#333333")


def spec(
    key: str, kind: FieldType, names: str, *descriptions: str, choices: tuple[str, ...] = (),
    fields: tuple[FieldSpec, ...] = (), pixels: bool = False, key_field: bool = False,
) -> FieldSpec:  # fmt: skip
    """A field with its names separated by spaces."""
    return FieldSpec(key, kind, tuple(names.split()), descriptions, choices, fields, pixels, key_field)


class Form:
    """A document that is being filled in.

    Args:
        chance: of this document.
        locale: such as ``de_DE``.
        fields: of its kind: what is never filled in stays ``None`` in the truth.
        hand: whether values are written by hand or typewriter; few of such forms are still blank.
        bilingual: whether labels are repeated in English, as in papers that cross borders.
    """

    def __init__(
        self,
        chance: random.Random,
        locale: str,
        fields: Sequence[FieldSpec],
        hand: bool = False,
        bilingual: bool = False,
    ) -> None:
        self.chance, self.locale, self.hand = chance, locale, hand
        self.blank = hand and chance.random() < 0.04
        self.voice = Voice(chance, locale)
        self.terms = Terms(chance, locale)
        self.truth: dict[str, Any] = {field.key: None for field in fields}
        self.entries: list[Entry] = []
        self.checks: list[Check] = []
        self.stamps: list[Stamp] = []
        self.signatures: list[Signature] = []
        self._style: CheckStyle = chance.choice(("box", "box", "box", "round"))
        self._english = Terms(chance, "en_GB") if bilingual and locale[:2] != "en" else None

    def label(self, term: str) -> str:
        """What stands before a value."""
        own = self.terms(term)
        return f"{own} / {self._english(term)}" if self._english and self._english(term) != own else own

    def put(self, key: str, term: str, value: str, keep: float = 0.9, sign: str = "") -> str:
        """A labelled value, or none: then the label is missing as well or stands before an empty field.

        Args:
            key: of the truth; empty for what nobody asks for.
            term: of the label.
            value: as printed.
            keep: chance that it is filled in.
            sign: printed after the value and no part of the truth, such as a currency.

        Returns:
            The value, empty when it was left out.
        """
        if self.blank:
            self.entries.append(Entry(self.label(term), "", self.hand))
            return ""
        if self.chance.random() >= keep:
            if self.chance.random() < 0.5:
                self.entries.append(Entry(self.label(term), "", self.hand))
            return ""
        printed = value
        if sign:
            printed = f"{sign} {value}" if self.voice.sign_first else f"{value} {sign}"
        self.entries.append(Entry(self.label(term), printed, self.hand))
        if key:
            self.truth[key] = value
        return value

    def money(self, key: str, term: str, value: Any, keep: float = 0.9) -> None:
        """An amount, with the currency sign when the document uses one."""
        self.put(key, term, self.voice.number(value), keep, self.voice.sign)

    def choose(
        self,
        key: str,
        term: str,
        options: Mapping[str, str],
        keep: float = 0.85,
        style: CheckStyle | None = None,
    ) -> str:
        """A question of which one answer is chosen, or none.

        Args:
            key: of the truth, which becomes the key of the option.
            term: of the question.
            options: what the truth says, and the term that is printed.
            keep: chance that one is chosen.
            style: how; drawn once for a document otherwise.
        """
        chosen = self.chance.choice(list(options)) if self.chance.random() < keep and not self.blank else ""
        style = style or self._style
        if style == "strike" and not chosen:  # all struck out would say no to each
            style = "box"
        printed = tuple((self.terms(name), answer == chosen) for answer, name in options.items())
        self.checks.append(Check(self.terms(term), printed, style))
        self.truth[key] = chosen or None
        return chosen

    def ask(self, key: str, term: str, keep: float = 1.0) -> bool | None:
        """A question with yes and no; the truth is a bool, or ``None`` where neither is ticked."""
        style: CheckStyle = self.chance.choice((self._style, self._style, "ring", "strike"))
        said = {"yes": True, "no": False}.get(self.choose(key, term, {"yes": "yes", "no": "no"}, keep, style))
        self.truth[key] = said
        return said

    def tick(self, term: str, options: Mapping[str, str], share: float = 0.4) -> None:
        """Boxes each of which may be ticked; a bool for each key, the terms are the values of ``options``."""
        ticked = {key: self.chance.random() < share and not self.blank for key in options}
        boxes = tuple((self.terms(name), ticked[key]) for key, name in options.items())
        alone = list(options.values()) == [term]  # a box that says itself what it is for
        self.checks.append(Check("" if alone else self.terms(term), boxes, self._style))
        self.truth.update(ticked)

    def sign(self, key: str, name: str = "", share: float = 0.55, term: str = "signature") -> bool:
        """A line to sign on; the truth is whether somebody did."""
        signed = self.chance.random() < share and not self.blank
        curve = self.chance.getrandbits(30) if signed else None
        self.signatures.append(Signature(self.terms(term), name, curve))
        if key:
            self.truth[key] = signed
        return signed

    def stamp(self, lines: Sequence[str], pixels: bool = False, turn: float = 14.0) -> None:
        """A stamp; one for the eye only when ``pixels``."""
        chance = self.chance
        frame: StampFrame = chance.choice(("box", "double", "round", "none", "box"))
        strength = chance.uniform(0.3, 0.6) if pixels else chance.uniform(0.55, 1.0)
        angle = chance.uniform(-turn, turn)
        self.stamps.append(Stamp(tuple(lines), angle, chance.choice(_STAMP_INKS), frame, strength, pixels))

    def eye_stamp(
        self, key: str, term: str, share: float = 0.45, others: Sequence[str] = ("copy_stamp",)
    ) -> None:
        """A stamp that only the picture shows, or another one, or none; the truth is whether it is there."""
        there = self.chance.random() < share
        self.truth[key] = there
        if there:
            self.stamp([self.terms(term)], pixels=True, turn=28)
        elif self.chance.random() < 0.4:  # any stamp must not do
            self.stamp([self.terms(self.chance.choice(others))], pixels=True, turn=28)

    def address(self) -> str:
        """An address in one line."""
        return ", ".join(line.rstrip(",") for line in self.voice.address())

    def small_words(self) -> list[str]:
        """What forms say besides: how to fill them in, what one declares, what becomes of the data."""
        said = ("instructions", "privacy", "declaration")
        return [self.terms(term) for term in said if self.chance.random() < 0.35]

    def facts(self, title: str, issuer: Party, layouts: tuple[str, ...], **more: Any) -> Facts:
        """What was filled in, with whatever else the document has."""
        return Facts(
            title=title, issuer=issuer, entries=self.entries, checks=self.checks, stamps=self.stamps,
            signatures=self.signatures, truth=self.truth, layouts=layouts, language=self.terms.language, **more,
        )  # fmt: skip
