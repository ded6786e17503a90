"""A run over one labelled folder without a config file: settings that suit its size."""

from __future__ import annotations

from pathlib import Path

from extractors.training.config import LabelledSet, TrainConfig
from extractors.training.dataset import documents_of
from schemas.errors import UsageError

HOLD_OUT = 0.2
WINDOW_TOKENS = 1200
"""Tokens of a window with prompt and answer, as a rule of thumb for the budget."""
BATCH = 4
MEASURES = 12
"""Development measures over the whole budget."""
FEWEST_STEPS = 5
"""Steps between two of them at least: a measure takes as long as a step or two."""


def config_for_folder(
    folder: Path,
    schema: str,
    output: Path,
    *,
    base: str | None = None,
    start: str | None = None,
    tokens: int | None = None,
    device: str = "auto",
) -> TrainConfig:
    """The config of a run on somebody's own documents.

    A fifth of the documents is held out unless ``splits.json`` has a development split. Few documents are seen more
    often than many: 12 times up to 20 documents, 3 times from 320 on. The run ends earlier when development gets no
    better.

    Args:
        folder: with ``docs/`` and ``truth/``; ``splits.json`` is optional.
        schema: name or file.
        output: for checkpoints, curves, record and model.
        base: an untuned checkpoint folder; begins anew on it.
        start: a tuned model to begin with; without ``base`` and ``start`` the embedded one.
        tokens: the budget; by default from the number of documents.
        device: as in the config.

    Raises:
        UsageError: the folder has too few labelled documents, or both ``base`` and ``start`` are given.
    """
    if base is not None and start is not None:
        raise UsageError(
            "--base and --from exclude each other: a tuned model brings its base along.",
            remedy="Give --from MODEL to go on with a tuned model, or --base FOLDER to begin anew.",
        )
    labelled = LabelledSet(folder=folder, schemas=[schema], hold_out=HOLD_OUT)
    train, dev = documents_of(folder, labelled.split, labelled.dev_split, HOLD_OUT)
    if not train or not dev:
        raise UsageError(
            f"{folder} has {len(train)} labelled documents to train on and {len(dev)} to measure with.",
            remedy="Label at least two documents; ten are a beginning, more are better.",
        )
    times = max(3, min(12, round(12 * (20 / len(train)) ** 0.5)))
    budget = tokens or times * len(train) * labelled.windows * WINDOW_TOKENS
    steps = max(1, budget // (BATCH * WINDOW_TOKENS))
    begun = start or (None if base else "embedded")
    return TrainConfig(
        sets=[labelled],
        base=base or "embedded-base",
        start=begun,
        output=output,
        device=device,
        max_tokens=budget,
        batch_windows=BATCH,
        # A tuned model is nudged, an untuned one has all to learn.
        learning_rate=1.5e-4 if begun else 4e-4,
        vision_learning_rate=1.5e-4 if begun else 4e-4,
        budgets=[500, 800, 1400],
        checkpoint_every=10,
        dev_every=max(FEWEST_STEPS, steps // MEASURES),
        dev_windows=min(24, 2 * len(dev)),
        dev_decoded=min(8, 2 * len(dev)),
        patience=4,
    )
