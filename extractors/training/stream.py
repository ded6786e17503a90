"""The order of examples: a function of seed and position alone, so that a resumed run goes on where it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from extractors.prompting.window import CountTokens
from extractors.training.config import LabelledSet, TrainConfig
from extractors.training.dataset import (
    Example,
    choose_windows,
    examples_of,
    shuffled_fields,
    split_ids,
    truth_of,
)
from schemas.document import ReadDocument
from schemas.errors import UsageError
from schemas.registry import LoadedSchema, load_schema

LoadDocument = Callable[[Path], ReadDocument | None]


class ExampleStream:
    """Endless epochs over the labelled sets.

    Args:
        config: the run.
        load: reads a document, or gives ``None`` when it cannot be read (it is passed over).
        count_tokens: tokens of some texts under the model's tokenizer.
    """

    def __init__(self, config: TrainConfig, load: LoadDocument, count_tokens: CountTokens) -> None:
        self.config = config
        self.load = load
        self.count_tokens = count_tokens
        self.schemas: dict[str, LoadedSchema] = {
            name: load_schema(name) for labelled in config.sets for name in labelled.schemas
        }

    def epoch(self, number: int) -> Iterator[Example]:
        """The examples of one epoch, in order."""
        plan = [
            (labelled, identity)
            for labelled in self.config.sets
            for identity in split_ids(labelled.folder, labelled.split)
            for _ in range(labelled.repeat)
        ]
        random.Random(f"{self.config.seed}/{number}").shuffle(plan)
        for position, (labelled, identity) in enumerate(plan):
            chance = random.Random(f"{self.config.seed}/{number}/{position}")
            yield from self._document(labelled, identity, chance, chance.choice(self.config.budgets))

    def dev(self, count: int) -> list[Example]:
        """A fixed sample of development windows, the sets in turn."""
        chosen: list[Example] = []
        for place in range(count):
            labelled = self.config.sets[place % len(self.config.sets)]
            ids = split_ids(labelled.folder, labelled.dev_split)
            if not ids:
                continue
            chance = random.Random(f"dev/{place}")
            identity = ids[(place * 7) % len(ids)]
            chosen += list(self._document(labelled, identity, chance, self.config.budgets[0]))[:1]
        return chosen

    def _document(
        self, labelled: LabelledSet, identity: str, chance: random.Random, budget: int
    ) -> Iterator[Example]:
        document = self.load(document_path(labelled.folder, identity))
        if document is None:
            return
        schema = self.schemas[chance.choice(labelled.schemas)]
        truth = truth_of(labelled.folder, identity)
        examples = examples_of(document, truth, schema, budget, self.count_tokens)
        for example in choose_windows(examples, chance, labelled.windows, self.config.empty_share):
            yield shuffled_fields(example, chance) if chance.random() < self.config.shuffle_share else example


def document_path(folder: Path, identity: str) -> Path:
    """The file of a labelled document.

    Raises:
        UsageError: there is none.
    """
    found = sorted((folder / "docs").glob(f"{identity}.*")) or sorted((folder / "docs").glob(identity))
    if not found:
        raise UsageError(f"{folder}/docs has no file for {identity!r}.", remedy="Correct splits.json.")
    return found[0]
