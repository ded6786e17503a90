"""Which values may land without a person: fitted probabilities held against the certificate of an error budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from extractors.confidence.calibrator import Calibrator
from extractors.confidence.certify import Budget, Certificate, certify
from extractors.confidence.features import Features
from extractors.options import ExtractOptions
from schemas.errors import UsageError
from schemas.extraction import Calibration
from schemas.registry import LoadedSchema


@dataclass(frozen=True, slots=True)
class Judge:
    """What is known of one model's answers under one schema.

    Attributes:
        fingerprint: of the schema.
        calibrator: ``None``: nothing was fitted, fields have no probability.
        certificate: what the evidence proves about the error budget; ``None``: no budget was set.
    """

    fingerprint: str
    calibrator: Calibrator | None = None
    certificate: Certificate | None = None

    def probability(self, path: str, features: Features, *, null: bool) -> float | None:
        """P(the field is right), where it was fitted."""
        if self.calibrator is None:
            return None
        return self.calibrator.probability(path, features, self.fingerprint, null=null)

    @property
    def calibration(self) -> Calibration:
        """Of what kind the probabilities are."""
        if self.calibrator is None:
            return "uncalibrated"
        return "calibrated" if self.fingerprint in self.calibrator.evidence else "pooled"

    def evidence_wanting(self) -> str | None:
        """Why nothing may land although a budget was set, in words; ``None`` when something may or none was set."""
        found = self.certificate
        if found is None or found.threshold is not None:
            return None
        budget = found.budget
        asked = f"an error budget of {budget.error:.3g} at {budget.confidence:.3g} confidence"
        if found.documents < found.needed:
            return f"{asked} takes {found.needed} labelled documents without an error; there are {found.documents}"
        return f"the {found.documents} labelled documents have too many errors for {asked}"

    def refuses(self, path: str, probability: float | None) -> str | None:
        """Why the value of a field may not land under the certificate, in words; ``None`` when it may."""
        found = self.certificate
        if found is None or found.threshold is None:
            return None
        evidence = self.calibrator.evidence.get(self.fingerprint) if self.calibrator else None
        if evidence is not None and path.partition(".")[0] not in evidence.labelled:
            return "no labelled document says what this field should be"
        if probability is not None and found.accepts(1 - probability):
            return None
        shown = "unknown" if probability is None else f"{probability:.4f}"
        return f"the probability of being right is {shown}, below {1 - found.threshold:.4f}"

    def record(self) -> dict[str, Any]:
        """For the record of a run: which calibration, which budget, and what was certified."""
        found = self.certificate
        return {
            "calibration": self.calibrator.identity if self.calibrator else None,
            "error_budget": found.budget.error if found else None,
            "confidence": found.budget.confidence if found else None,
            "unit": found.budget.unit if found else None,
            "least_probability": 1 - found.threshold if found and found.threshold is not None else None,
            "documents": found.documents if found else None,
        }

    @property
    def in_force(self) -> bool:
        """Whether a certified threshold decides, and with it what was only a guess at it does not."""
        return self.certificate is not None and self.certificate.threshold is not None


def judge_of(schema: LoadedSchema, options: ExtractOptions, calibrator: Calibrator | None) -> Judge:
    """The judge for a schema, under the budget that the options set for it."""
    budget = budget_of(schema.name, options)
    if budget is None:
        return Judge(schema.fingerprint, calibrator)
    certificate = calibrator.certificate(schema.fingerprint, budget) if calibrator else certify([], budget)
    return Judge(schema.fingerprint, calibrator, certificate)


def budget_of(schema_name: str, options: ExtractOptions) -> Budget | None:
    """The error budget for a schema, if one is set.

    Raises:
        UsageError: there are budgets for other schemas and none for this one: a slip of the pen must not unguard it.
    """
    error = options.error_budgets.get(schema_name, options.error_budget)
    if error is None and options.error_budgets:
        raise UsageError(
            f"There is an error budget for {', '.join(sorted(options.error_budgets))}, and none for {schema_name}.",
            remedy=f"Name {schema_name} under [extract.error_budgets], or set error_budget for all others.",
        )
    return None if error is None else Budget(error, options.confidence, options.budget_unit)
