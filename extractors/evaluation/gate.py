"""The gate: is a candidate at least as good as the model in use? By the paired bootstrap, on the same documents.

At least as good is a claim of non-inferiority: the whole 95% interval of the difference in F1 must lie above minus the
tolerance (Blackwelder 1982). An interval that also holds worse is no proof, however good its middle looks; more
documents make it narrower. The gate says; people promote.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from extractors.evaluation.figures import MICRO

Verdict = Literal["better", "as good", "not shown", "worse"]
_WORDS: dict[Verdict, str] = {
    "better": "The candidate is better than the current model",
    "as good": "The candidate is at least as good as the current model",
    "not shown": "It is not shown that the candidate is at least as good as the current model",
    "worse": "The candidate is worse than the current model",
}


class Gate(BaseModel):
    """What the comparison says. ``worse_fields``: single fields that got worse beyond chance, to be looked at."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    passed: bool
    documents: int
    f1: float
    other_f1: float
    difference: float
    low: float
    high: float
    tolerance: float
    worse_fields: list[str]

    @property
    def said(self) -> str:
        """The verdict in a sentence or two, with its figures."""
        apart = f"{self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        said = (
            f"{_WORDS[self.verdict]}: F1 {self.f1:.3f} against {self.other_f1:.3f} on {self.documents} documents, "
            f"difference {apart}, tolerance {self.tolerance:g}."
        )
        return said + (f" Worse in: {', '.join(self.worse_fields)}." if self.worse_fields else "")


def gate(against: dict[str, Any], tolerance: float) -> Gate:
    """Holds a comparison (`figures.compared`) against the tolerance.

    Args:
        against: the candidate's figures beside those of the model in use.
        tolerance: F1 that the candidate may lose at most, such as 0.005.
    """
    whole = against["fields"][MICRO]
    low, high = whole["low"], whole["high"]
    verdict: Verdict = (
        "better" if low > 0 else "as good" if low >= -tolerance else "worse" if high < 0 else "not shown"
    )
    return Gate(
        verdict=verdict,
        passed=verdict in ("better", "as good"),
        documents=against["documents"],
        f1=whole["f1"],
        other_f1=whole["other_f1"],
        difference=whole["difference"],
        low=low,
        high=high,
        tolerance=tolerance,
        worse_fields=[name for name, one in against["fields"].items() if name != MICRO and one["high"] < 0],
    )
