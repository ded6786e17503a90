"""An endless stream of training examples from made-up documents.

Example number n of a seed is always the same one, whatever was drawn before it, on any machine with the same libraries
and fonts: a run that is resumed goes on with the numbers it would have seen. Every document is asked several times,
under schemas of its own each time. Documents for development have seeds that no document for training has.
"""

from __future__ import annotations

import hashlib
import logging
import random
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from multiprocessing import get_context
from typing import Literal

from extractors.prompting.window import CountTokens
from extractors.training.dataset import Example, examples_of
from extractors.training.injected import injected
from extractors.training.synthesis.contract import DocumentKind, Sheet
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.scan import scanned_words
from extractors.training.synthesis.schemas import draw_schema
from extractors.training.synthesis.sheet_reading import read_sheet
from extractors.training.synthesis.sheets import make_sheet
from extractors.training.synthesis.spelt import without_unspelt
from schemas.document import ReadDocument
from schemas.errors import UsageError

Split = Literal["train", "dev"]

ASKED = 3
"""Examples of one document, each under a schema of its own."""
_BLOCK = 8
"""Documents whose examples are shuffled together, so that a batch is not of one document."""
_TRIES = 4
_FAILURES = 25
"""So many documents in a row that cannot be made are no bad luck."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SynthesisOptions:
    """What is made.

    Attributes:
        seed: of everything.
        split: documents of ``dev`` have seeds that those of ``train`` never have, whatever the seed.
        kinds: of `KINDS` to draw from; empty for all.
        exclude_kinds: of `KINDS` that are never drawn, nor their fields as absent ones.
        budgets: tokens of a window, one of them for each example.
        empty_share: chance that an example is a window without an answer, where the document has one.
        image_side_px: longer side of page pictures.
        scan_share: of the documents, how many are as the reader would give a scan or photograph.
        injected_share: of the examples, how many have a line that means to steer their reader.
    """

    seed: int = 0
    split: Split = "train"
    kinds: tuple[str, ...] = ()
    exclude_kinds: tuple[str, ...] = ()
    budgets: tuple[int, ...] = (500, 800, 1400)
    empty_share: float = 0.15
    image_side_px: int = 512
    scan_share: float = 0.0
    injected_share: float = 0.0

    def drawn(self) -> tuple[str, ...]:
        """The kinds that documents are made of.

        Raises:
            UsageError: a kind is not known, or none is left.
        """
        for name in (*self.kinds, *self.exclude_kinds):
            if name not in KINDS:
                raise UsageError(
                    f"No kind of document is called {name!r}.", remedy=f"Use one of: {', '.join(KINDS)}."
                )
        left = tuple(name for name in self.kinds or KINDS if name not in self.exclude_kinds)
        if not left:
            raise UsageError("No kind of document is left.", remedy="Exclude fewer of them.")
        return left


@dataclass(frozen=True, slots=True)
class MadeDocument:
    """A made-up document as it was read, and its sheet."""

    sheet: Sheet
    document: ReadDocument


class SyntheticExamples:
    """The stream. Implements `stream.SyntheticSource`.

    Args:
        options: what is made.
        count_tokens: tokens of some texts under the model's tokenizer.
        workers: processes that make documents ahead; 0 makes them in this one.
    """

    def __init__(self, options: SynthesisOptions, count_tokens: CountTokens, workers: int = 0) -> None:
        options.drawn()
        self.options = options
        self._count_tokens = count_tokens
        self._workers = workers

    def stream(self, start: int = 0) -> Iterator[Example]:
        """Endless examples from number ``start`` on: the same ones for the same seed, wherever it is begun."""
        size = _BLOCK * ASKED
        first, skip = divmod(start, size)
        documents = self._documents(first * _BLOCK)
        for block in count(first):
            examples: list[Example] = []
            for number in range(block * _BLOCK, (block + 1) * _BLOCK):
                examples += self._examples(next(documents), number)
            random.Random(f"{self.options.seed}/{self.options.split}/{block}").shuffle(examples)
            yield from examples[skip:]
            skip = 0

    def _documents(self, start: int) -> Iterator[MadeDocument]:
        make = partial(made_document, self.options)
        if not self._workers:
            yield from map(make, count(start))
            return
        pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"))
        try:
            ahead: deque[Future[MadeDocument]] = deque()
            for number in count(start):
                ahead.append(pool.submit(make, number))
                if len(ahead) > 4 * self._workers:
                    yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _examples(self, made: MadeDocument, number: int) -> list[Example]:
        """Always `ASKED` examples, of this document or, where its words spell too little, of the next ones tried."""
        for attempt in count():
            found = self._ask(
                made, random.Random(f"{self.options.seed}/{self.options.split}/{number}/{attempt}")
            )
            if len(found) == ASKED:
                return found
            if attempt >= _FAILURES:
                raise RuntimeError(f"no example could be made of {_FAILURES} documents after number {number}")
            made = made_document(self.options, number, attempt + 1)
        raise AssertionError

    def _ask(self, made: MadeDocument, chance: random.Random) -> list[Example]:
        kind = askable(KINDS[made.sheet.kind], made.sheet.pages)
        others = [KINDS[name] for name in KINDS if name not in self.options.exclude_kinds]
        found: list[Example] = []
        for _ in range(ASKED * _TRIES):
            try:
                drawn = draw_schema(kind, made.sheet.truth, chance, others)
            except ValueError as error:  # a truth that its kind does not allow: another document
                log.warning("document %d (%s): %s", made.sheet.seed, made.sheet.kind, error)
                return []
            budget = chance.choice(self.options.budgets)
            document = made.document
            if chance.random() < self.options.injected_share:
                document = injected(document, drawn.schema.tree, chance)
            examples = examples_of(document, drawn.truth, drawn.schema, budget, self._count_tokens)
            examples = without_unspelt(examples, drawn.truth)
            if examples:
                found.append(_choose(examples, chance, self.options.empty_share))
            if len(found) == ASKED:
                break
        return found


def askable(kind: DocumentKind, pages: int) -> DocumentKind:
    """The kind without what the picture of a single window cannot answer.

    A window goes with the picture of one page. Which page of several has the stamp is not known, so what only pixels
    tell is asked of documents of one page.
    """
    return kind if pages == 1 else replace(kind, fields=tuple(one for one in kind.fields if not one.pixels))


def _choose(examples: Sequence[Example], chance: random.Random, empty_share: float) -> Example:
    """One window: by how much of the answer stands there, now and then one that has nothing."""
    full = [example for example in examples if example.filled]
    empty = [example for example in examples if not example.filled]
    if empty and (not full or chance.random() < empty_share):
        return chance.choice(empty)
    return chance.choices(full, [example.filled for example in full])[0]


def document_seed(options: SynthesisOptions, number: int, attempt: int = 0) -> int:
    """The seed of a document: even for training, odd for development, so that the two never meet."""
    digest = hashlib.sha256(f"{options.seed}/{number}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:6], "big") * 2 + (options.split == "dev")


def made_document(options: SynthesisOptions, number: int, attempt: int = 0) -> MadeDocument:
    """Document ``number`` of a stream; one that cannot be made is told and another made in its place.

    Raises:
        RuntimeError: many in a row could not be made.
    """
    for retry in range(_FAILURES):
        seed = document_seed(options, number, attempt + 1000 * retry)
        chance = random.Random(seed)
        kind = chance.choice(options.drawn())
        try:
            sheet = make_sheet(seed, kind)
            if chance.random() < options.scan_share:
                return MadeDocument(sheet, scanned_words(sheet, chance, options.image_side_px))
            return MadeDocument(sheet, read_sheet(sheet, options.image_side_px))
        except Exception as error:  # one bad draw of thousands must not end a night of training
            log.warning("document %d (%s) cannot be made: %s: %s", seed, kind, type(error).__name__, error)
    raise RuntimeError(f"{_FAILURES} documents in a row could not be made; the log says why")


if __name__ == "__main__":
    from extractors.training.synthesis.folder import main

    main()
