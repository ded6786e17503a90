"""The curves of a run as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SMOOTHED = 0.02
"""Share of the steps that the smoothed line looks back on."""


def draw_curves(metrics: Path, picture: Path, best_step: int = 0) -> None:
    """Loss, development F1 where it was measured, and learning rate over training tokens, as a PNG.

    Args:
        metrics: ``metrics.jsonl`` of a run.
        picture: the file to write.
        best_step: whose weights the model has; 0: the last.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    measured = [r for r in rows if r.get("dev_loss") is not None]
    answered = [r for r in rows if r.get("dev_f1") is not None]
    heights = [3, *([1.6] if answered else []), 1]
    figure, panels = pyplot.subplots(
        len(heights),
        figsize=(8, 1.6 + 1.15 * sum(heights)),
        sharex=True,
        layout="constrained",
        height_ratios=heights,
        squeeze=False,
    )
    axes: list[Any] = list(panels[:, 0])
    tokens = [r["tokens"] for r in rows]
    axes[0].plot(tokens, [r["loss"] for r in rows], lw=0.5, color="0.75", label="step")
    axes[0].plot(tokens, _smoothed([r["loss"] for r in rows]), lw=1.4, label="steps, smoothed")
    if measured:
        axes[0].plot(
            [r["tokens"] for r in measured],
            [r["dev_loss"] for r in measured],
            "o-",
            ms=4,
            label="development",
        )
    axes[0].set(ylabel="loss per answer token (nats)", yscale="log")
    if answered:
        axes[1].plot([r["tokens"] for r in answered], [r["dev_f1"] for r in answered], "o-", ms=4, color="C2")
        axes[1].set(ylabel="development F1", ylim=(0, 1.02))
    axes[-1].plot(tokens, [r["learning_rate"] for r in rows], lw=1, color="C3")
    axes[-1].set(ylabel="learning rate", xlabel="tokens trained on", ylim=(0, None))
    best = next((r for r in rows if r["step"] == best_step), None)
    for panel in axes:
        panel.grid(alpha=0.3)
        if best is not None:
            panel.axvline(best["tokens"], color="0.3", ls=":", lw=1, label=f"model: step {best_step}")
    axes[0].legend(frameon=False)
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)


def _smoothed(values: list[float]) -> list[float]:
    """Mean over the last steps, as many as a share of all; at least one."""
    width = max(1, round(len(values) * SMOOTHED))
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return [(sums[i] - sums[max(0, i - width)]) / (i - max(0, i - width)) for i in range(1, len(sums))]
