"""How the documents of a labelled folder were chosen: only a sample with known chances proves anything about the rest.

A folder says so in ``sampling.json``::

    {"drawn": "uniform"}                                   every document had the same chance (so has a folder without)
    {"drawn": "weighted", "weights": {"a1": 1, "b7": 20}}  inverse of each document's chance, up to a factor
    {"drawn": "queue"}                                     they came to people because they were doubtful
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from schemas.errors import UsageError

FILE = "sampling.json"
UNIFORM, WEIGHTED, QUEUE = "uniform", "weighted", "queue"


def weights_of(folder: Path) -> dict[str, float] | None:
    """Weights by document; ``None``: all had the same chance.

    Raises:
        UsageError: the documents are no sample, or the file is not as it should be.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    remedy = f'Write {{"drawn": "{UNIFORM}"}} or {{"drawn": "{WEIGHTED}", "weights": {{"ID": 1.0}}}} into it.'
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        drawn, weights = said["drawn"], said.get("weights", {})
        if drawn == UNIFORM:
            return None
        if drawn == WEIGHTED:
            found = {str(name): float(weight) for name, weight in weights.items()}
            if not found or not all(0 < weight < math.inf for weight in found.values()):
                raise ValueError("a weight is not above 0, or there is none")
            return found
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path}: {type(error).__name__}: {error}.", remedy=remedy) from error
    if drawn == QUEUE:
        raise UsageError(
            f"The documents in {folder} came to review because they were doubtful: they say nothing of the others.",
            remedy="Calibrate on documents drawn at random. These are for `parquetry train`.",
        )
    raise UsageError(f"{path}: nobody knows what {drawn!r} means.", remedy=remedy)


def weight_of(weights: dict[str, float] | None, folder: Path, name: str) -> float:
    """The weight of a document.

    Raises:
        UsageError: the folder has weights and none for this one.
    """
    if weights is None:
        return 1.0
    if name not in weights:
        raise UsageError(f"{folder / FILE} has no weight for {name!r}.", remedy="Add it.")
    return weights[name]
