"""What a synthetic document is: the fields of a kind, and a sheet with its perfect truth.

Everything that trains on synthetic documents (schemas, scans, examples) depends on these shapes only.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from extractors.training.synthesis.facts import Facts

FieldType = Literal["text", "date", "number", "integer", "boolean", "choice", "list", "object", "currency"]


@dataclass(frozen=True)
class FieldSpec:
    """A field that documents of a kind can be asked for.

    Attributes:
        key: canonical key, under which `Sheet.truth` has the value.
        type: of the value once it is typed; truths are text as printed all the same.
        names: what schema authors call the field: four or more of snake_case, camelCase, abbreviations, and words of
            the languages that such documents are written in.
        descriptions: three or more wordings, from terse to precise.
        choices: for ``choice``, the values that the truth can have.
        fields: of the object, or of each item of the list.
        pixels: only the picture of the page answers it (ticked, signed, stamped); the truth is a bool or a choice.
        key_field: identifies the document among others of its kind.
    """

    key: str
    type: FieldType
    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    choices: tuple[str, ...] = ()
    fields: tuple[FieldSpec, ...] = ()
    pixels: bool = False
    key_field: bool = False


@dataclass(frozen=True)
class DocumentKind:
    """A kind of document.

    Attributes:
        name: canonical name.
        titles: what such a document is called, for titles of schemas: three or more wordings.
        fields: all that can be asked for; a document may lack any of them.
        make: makes the content of one document, independent of its layout, in a locale such as ``de_DE``.
    """

    name: str
    titles: tuple[str, ...]
    fields: tuple[FieldSpec, ...]
    make: Callable[[random.Random, str], Facts]


@dataclass(frozen=True)
class Sheet:
    """A rendered document and what is true of it.

    Attributes:
        kind: of its `DocumentKind`.
        locale: such as ``de_DE``.
        layout: name of its layout.
        pdf: the file, with a text layer.
        pages: number of pages.
        truth: by canonical key, nested. Values as printed (a date as it stands there, a number with its separators and
            without a currency sign), ``None`` where the document does not have them, a bool for what is ticked, signed
            or stamped, a list of dicts for rows in reading order.
        seed: the same seed and arguments make the same sheet.
    """

    kind: str
    locale: str
    layout: str
    pdf: bytes
    pages: int
    truth: dict[str, Any]
    seed: int
