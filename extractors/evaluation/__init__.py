"""How good extractions are against known truths: counts, rates, and a report."""

from extractors.evaluation.metrics import Counts, Judged, Labels, judge
from extractors.evaluation.report import Report, markdown
from extractors.evaluation.run import LabelledSet, evaluate, open_set

__all__ = ["Counts", "Judged", "LabelledSet", "Labels", "Report", "evaluate", "judge", "markdown", "open_set"]
