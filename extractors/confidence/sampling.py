"""How the documents of a labelled folder were chosen: only a sample with known chances proves anything about the rest.

A folder says so in ``sampling.json``::

    {"drawn": "uniform"}                                   every document had the same chance (so has a folder without)
    {"drawn": "weighted", "weights": {"a1": 1, "b7": 20}, "largest": 20}
                                                           inverse of each document's chance; the largest that any
                                                           document could have had, drawn or not
    {"drawn": "queue"}                                     they came to people because they were doubtful
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from schemas.errors import UsageError

FILE = "sampling.json"
UNIFORM, WEIGHTED, QUEUE = "uniform", "weighted", "queue"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the documents of a folder were drawn.

    Attributes:
        weights: by document, the inverse of its chance, such that their mean is 1; ``None``: all had the same chance.
        largest: on the same scale, the weight of the document with the smallest chance of all, drawn or not.
    """

    weights: dict[str, float] | None = None
    largest: float = 1.0

    def weight(self, folder: Path, name: str) -> float:
        """The weight of a document.

        Raises:
            UsageError: the folder has weights and none for this one.
        """
        if self.weights is None:
            return 1.0
        if name not in self.weights:
            raise UsageError(f"{folder / FILE} has no weight for {name!r}.", remedy="Add it.")
        return self.weights[name]


def sampling_of(folder: Path) -> Sampling:
    """How the documents of a folder were drawn; uniformly, if it does not say.

    Raises:
        UsageError: the documents are no sample, or the file is not as it should be.
    """
    path = folder / FILE
    if not path.is_file():
        return Sampling()
    remedy = (
        f'Write {{"drawn": "{UNIFORM}"}} or {{"drawn": "{WEIGHTED}", "weights": {{"ID": 1.0}}, "largest": 1.0}} '
        "into it."
    )
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        drawn, weights = said["drawn"], said.get("weights", {})
        if drawn == UNIFORM:
            return Sampling()
        if drawn == WEIGHTED:
            return _weighted({str(name): float(weight) for name, weight in weights.items()}, said["largest"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path}: {type(error).__name__}: {error}.", remedy=remedy) from error
    if drawn == QUEUE:
        raise UsageError(
            f"The documents in {folder} came to review because they were doubtful: they say nothing of the others.",
            remedy="Calibrate on documents drawn at random. These are for `parquetry train`.",
        )
    raise UsageError(f"{path}: nobody knows what {drawn!r} means.", remedy=remedy)


def _weighted(weights: dict[str, float], largest: float) -> Sampling:
    if not weights or not all(0 < weight <= float(largest) < math.inf for weight in weights.values()):
        raise ValueError("a weight is not above 0 and at most the largest, or there is none")
    mean = fmean(weights.values())
    return Sampling({name: weight / mean for name, weight in weights.items()}, float(largest) / mean)
