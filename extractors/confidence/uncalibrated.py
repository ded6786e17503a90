"""What a score says before it is fitted to a probability of being right: only who must be looked at."""

from __future__ import annotations

import math

from extractors.options import ExtractOptions


def is_unsure(log_probability: float, options: ExtractOptions) -> bool:
    """Whether an uncalibrated score (nats) sends its field to review; a score that is no number does."""
    return math.isnan(log_probability) or log_probability < options.min_field_log_probability
