"""The order of examples: a function of seed and position alone, so that a resumed run goes on where it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

from extractors.prompting.meant import as_meant
from extractors.prompting.split import split_schema
from extractors.prompting.window import CountTokens
from extractors.training.checkpoint import Position
from extractors.training.config import LabelledSet, TrainConfig
from extractors.training.dataset import (
    Example,
    choose_windows,
    documents_of,
    examples_of,
    shuffled_fields,
    truth_of,
)
from extractors.training.injected import injected
from extractors.training.renamed import Renamer
from extractors.training.synthesis.spelt import without_unspelt
from schemas.document import ReadDocument
from schemas.errors import UsageError
from schemas.registry import LoadedSchema, load_schema

LoadDocument = Callable[[Path], ReadDocument | None]


class SyntheticSource(Protocol):
    """Documents made up on the way, as examples."""

    def stream(self, start: int) -> Iterator[Example]:
        """Endless examples from number ``start`` on: the same ones for the same seed, wherever it is begun."""
        ...


class ExampleStream:
    """Endless epochs over the labelled sets, mixed with documents that are made up.

    Args:
        config: the run.
        load: reads a document, or gives ``None`` when it cannot be read (it is passed over).
        count_tokens: tokens of some texts under the model's tokenizer.
        synthetic: for training and for development, where the run has a share of them.
    """

    def __init__(
        self,
        config: TrainConfig,
        load: LoadDocument,
        count_tokens: CountTokens,
        synthetic: tuple[SyntheticSource, SyntheticSource] | None = None,
    ) -> None:
        self.config = config
        self.load = load
        self.count_tokens = count_tokens
        self.synthetic = synthetic
        self.share = config.synthetic.share if config.synthetic and synthetic else 0.0
        self.schemas: dict[str, LoadedSchema] = {
            name: load_schema(name) for labelled in config.sets for name in labelled.schemas
        }
        self.ids = [documents_of(one.folder, one.split, one.dev_split, one.hold_out) for one in config.sets]
        self.renamers = [
            Renamer(truth_of(one.folder, identity) for identity in train)
            for one, (train, _) in zip(config.sets, self.ids, strict=True)
            if config.renamed_share
        ]

    def examples(self, position: Position) -> Iterator[Example]:
        """Examples from a position on; moves it as they are taken.

        Raises:
            UsageError: no document of the sets has a known label.
        """
        labelled = self._labelled(position) if self.config.sets else iter(())
        made_up = self.synthetic[0].stream(position.synthetic) if self.synthetic else iter(())
        while True:
            made = random.Random(f"{self.config.seed}/draw/{position.drawn}").random() < self.share
            example = next(made_up if made else labelled)
            position.drawn += 1
            position.synthetic += made
            yield example

    def _labelled(self, position: Position) -> Iterator[Example]:
        skip = position.example
        while True:
            for example in self.epoch(position.epoch):
                if skip:
                    skip -= 1
                    continue
                position.example += 1
                yield example
            if position.example == 0:
                folders = ", ".join(str(one.folder) for one in self.config.sets)
                raise UsageError(
                    f"There is nothing to train on in {folders}: no document of the split could be read "
                    "and has a label, of a field of the schema, that stands on it.",
                    remedy="Look at splits.json, at truth/, and whether its keys are the schema's fields.",
                )
            position.epoch += 1
            position.example = 0

    def epoch(self, number: int) -> Iterator[Example]:
        """The examples of one epoch, in order."""
        plan = [
            (place, identity)
            for place, (labelled, (train, _)) in enumerate(zip(self.config.sets, self.ids, strict=True))
            for identity in train
            for _ in range(labelled.repeat)
        ]
        random.Random(f"{self.config.seed}/{number}").shuffle(plan)
        for position, (place, identity) in enumerate(plan):
            chance = random.Random(f"{self.config.seed}/{number}/{position}")
            budget = chance.choice(self.config.budgets)
            renamer = self.renamers[place] if chance.random() < self.config.renamed_share else None
            yield from self._document(
                self.config.sets[place], identity, chance, budget, self.config.injected_share, renamer
            )

    def dev(self, count: int) -> list[Example]:
        """A fixed sample of development windows: the share that is made up, then the sets in turn."""
        made = round(count * self.share)
        chosen = list(islice(self.synthetic[1].stream(0), made)) if self.synthetic and made else []
        for place in range(count - made if self.config.sets else 0):
            turn = place % len(self.config.sets)
            labelled, ids = self.config.sets[turn], self.ids[turn][1]
            if not ids:
                continue
            chance = random.Random(f"dev/{place}")
            identity = random.Random("dev").sample(ids, len(ids))[place // len(self.config.sets) % len(ids)]
            found = self._document(labelled, identity, chance, self.config.budgets[0], steered=0.0)
            chosen += list(found)[:1]
        return chosen

    def _document(
        self,
        labelled: LabelledSet,
        identity: str,
        chance: random.Random,
        budget: int,
        steered: float,
        renamer: Renamer | None = None,
    ) -> Iterator[Example]:
        """The examples of one document, under other names where there is someone to give them.

        In a share ``steered`` of draws its page has a line that means to steer.
        """
        document = self.load(document_path(labelled.folder, identity))
        if document is None:
            return
        schema = self.schemas[chance.choice(labelled.schemas)]
        truth = truth_of(labelled.folder, identity)
        parts = split_schema(schema, self.count_tokens)
        if len(parts) > 1:  # as it will be asked
            schema = chance.choice(parts)
        if renamer is not None:
            document, truth = renamer.renamed(document, truth, as_meant(schema).tree, chance)
        if chance.random() < steered:
            document = injected(document, schema.tree, chance)
        examples = without_unspelt(examples_of(document, truth, schema, budget, self.count_tokens), truth)
        for example in choose_windows(examples, chance, labelled.windows, self.config.empty_share):
            yield shuffled_fields(example, chance) if chance.random() < self.config.shuffle_share else example


def document_path(folder: Path, identity: str) -> Path:
    """The file of a labelled document.

    Raises:
        UsageError: there is none.
    """
    docs = folder / "docs"
    files = sorted(docs.iterdir()) if docs.is_dir() else []
    found = [path for path in files if path.stem == identity] or [p for p in files if p.name == identity]
    if not found:
        raise UsageError(f"{folder}/docs has no file for {identity!r}.", remedy="Correct splits.json.")
    return found[0]
