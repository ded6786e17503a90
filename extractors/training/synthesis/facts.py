"""The content of a document before it has a layout: who, what, labels and values as they will be printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Align = Literal["left", "right", "center"]
CheckStyle = Literal["box", "round", "ring", "strike"]
StampFrame = Literal["box", "double", "round", "none"]


@dataclass(frozen=True)
class Entry:
    """A label and its value as printed (over several lines in resumes only).

    ``hand`` when somebody filled it in by hand or typewriter.

    ``strong`` sets a sum off from those around it.
    """

    label: str
    value: str
    hand: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Party:
    """A name with its address and whatever else stands below it; ``heading`` is the label above."""

    heading: str
    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows under column heads. ``widths`` are relative."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    aligns: tuple[Align, ...]
    widths: tuple[float, ...]
    title: str = ""


@dataclass(frozen=True)
class Check:
    """A question with options, some of them chosen: boxes ticked, one circled, or the others struck out."""

    label: str
    options: tuple[tuple[str, bool], ...]
    style: CheckStyle = "box"


@dataclass(frozen=True)
class Stamp:
    """A rubber stamp: its lines in a frame, turned by ``angle`` degrees.

    Attributes:
        lines: from the top.
        angle: counter-clockwise.
        color: such as ``#aa2222``.
        frame: around it.
        strength: 1 is full ink, 0.3 is faint.
        pixels: drawn only, not in the text layer.
    """

    lines: tuple[str, ...]
    angle: float
    color: str
    frame: StampFrame = "box"
    strength: float = 1.0
    pixels: bool = False


@dataclass(frozen=True)
class Signature:
    """A line to sign on. ``curve`` seeds the drawn signature; None leaves the line empty."""

    label: str
    name: str
    curve: int | None


@dataclass
class Facts:
    """All that a layout places on pages. Blocks that a kind does not need stay empty.

    Attributes:
        title: name of the document as printed.
        issuer: who made it: goes into the letter head.
        parties: other names and addresses.
        entries: labelled values.
        tables: line items and the like.
        totals: labelled sums below the tables.
        prose: running text by paragraphs; one that begins with ``# `` is a heading.
        checks: boxes to tick.
        stamps: put on the page last.
        signatures: lines to sign on.
        footer: small print.
        truth: by canonical key, as in `contract.Sheet`.
        layouts: names of the layouts that suit it; empty for all general ones.
        language: of labels and text.
    """

    title: str
    issuer: Party
    parties: list[Party] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    totals: list[Entry] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    footer: list[str] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)
    layouts: tuple[str, ...] = ()
    language: str = "en"
