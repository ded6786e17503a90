"""The fitted probability that a field is right, as a file of numbers: `fit` makes it, the pipeline reads it.

It needs no library but pydantic where documents are extracted. The file also keeps the evidence that it was measured
on, as risks and verdicts without any text, so that a certificate can be worked out for whatever budget is asked.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from extractors.confidence.certify import Budget, Certificate, LabelledDocument, LabelledValue, certify
from extractors.confidence.features import FEATURES, NULL_FEATURES, UNKNOWN, VERSION, Features, vector
from extractors.models.stored import content_of
from extractors.validation.paths import pattern_of
from schemas.errors import ModelError

FILE = "calibration.json"
FOLDER = "calibration"
"""Inside a model folder; what lies deeper than the folder itself is no part of the model's identity."""


class OtherCircumstancesError(ModelError):
    """A calibration of this very model that was made under other rules or settings."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LinearFit(_Part):
    """A logistic regression: log-odds = ``intercept`` + sum of ``weights`` x ((feature - mean) / scale).

    ``groups`` are added to it: by schema fingerprint, and by fingerprint and path pattern (``FINGERPRINT/total``).
    They were fitted together with the rest and drawn towards 0, so that few documents move them little.
    """

    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    groups: dict[str, float] = {}

    @model_validator(mode="after")
    def _even(self) -> Self:
        if not len(self.features) == len(self.means) == len(self.scales) == len(self.weights):
            raise ValueError("features, means, scales and weights differ in number")
        if any(
            not math.isfinite(x) for x in (*self.means, *self.weights, self.intercept, *self.groups.values())
        ):
            raise ValueError("a number is not finite")
        if any(not scale > 0 for scale in self.scales):
            raise ValueError("a scale is not above 0")
        return self

    def probability(self, features: Features, groups: tuple[str, ...]) -> float:
        """P(right), strictly between 0 and 1."""
        odds = self.intercept + sum(self.groups.get(group, 0.0) for group in groups)
        rows = zip(vector(features, self.features), self.means, self.scales, self.weights, strict=True)
        odds += sum(weight * (value - mean) / scale for value, mean, scale, weight in rows)
        return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))


class UnknownSchemas(_Part):
    """The fits for schemas that the model was not trained under: there its scores say something else."""

    values: LinearFit
    nulls: LinearFit


class SchemaEvidence(_Part):
    """Labelled documents of one schema, each with its values as (risk, wrong, eligible), scored by cross-fitting.

    ``weights`` are the inverses of the chances of being drawn, up to a factor, and ``largest`` what a weight could have
    been at most; empty and ``None``: all were alike. ``labelled`` are the top-level fields that they speak of.
    """

    name: str
    documents: list[list[tuple[float, bool, bool]]]
    weights: list[float] = []
    largest: float | None = None
    labelled: list[str] = []

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if self.weights and len(self.weights) != len(self.documents):
            raise ValueError("weights and documents differ in number")
        if self.weights and self.largest is None:
            raise ValueError("there are weights, and no largest one")
        return self

    def sample(self) -> list[LabelledDocument]:
        """As `certify` wants it."""
        weights = self.weights or [1.0] * len(self.documents)
        return [
            LabelledDocument(tuple(LabelledValue(*one) for one in values), weight)
            for values, weight in zip(self.documents, weights, strict=True)
        ]


class Source(_Part):
    """A labelled folder that went in: its name, split, schema, how many documents and values, hash of its labels."""

    folder: str
    split: str
    schema_name: str
    documents: int
    values: int
    sha256: str


class Calibrator(_Part):
    """What was fitted for one model.

    Attributes:
        version: of the list of features.
        model_id: of the model whose answers were judged, as `features.judged_as`; of no other is anything known.
        made: when, ISO 8601.
        values: for fields with a value.
        nulls: for fields without one.
        unknown: for both under schemas that the model was not trained under; ``None`` where too few were labelled.
        evidence: by schema fingerprint.
        sources: what it was fitted on.
    """

    version: int
    model_id: str
    made: str
    values: LinearFit
    nulls: LinearFit
    unknown: UnknownSchemas | None = None
    evidence: dict[str, SchemaEvidence]
    sources: list[Source] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.version != VERSION:
            raise ValueError(f"it was made for version {self.version} of the features, this is {VERSION}")
        for fits in (self, self.unknown) if self.unknown else (self,):
            for fit, names in ((fits.values, FEATURES), (fits.nulls, NULL_FEATURES)):
                if strange := set(fit.features) - set(names):
                    raise ValueError(f"it has features nobody knows: {', '.join(sorted(strange))}")
        return self

    def probability(self, path: str, features: Features, fingerprint: str, *, null: bool) -> float:
        """P(the field is right), from 0 to 1.

        Args:
            path: concrete path of the field.
            features: as `features.features_of` gives them.
            fingerprint: of the schema.
            null: whether the answer is that there is no value.
        """
        fits = self.unknown if self.unknown and features[UNKNOWN] else self
        fit = fits.nulls if null else fits.values
        return fit.probability(features, groups_of(fingerprint, path))

    def certificate(self, fingerprint: str, budget: Budget) -> Certificate:
        """What the labelled documents of a schema prove about a budget; without any, that nothing may land."""
        found = self.evidence.get(fingerprint)
        return certify(found.sample(), budget, found.largest) if found else certify([], budget)

    def write(self, path: Path) -> None:
        """Writes the file; it appears whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".tmp")
        aside.write_text(json.dumps(json.loads(self.model_dump_json()), separators=(",", ":")) + "\n")
        aside.replace(path)

    @property
    def identity(self) -> str:
        """Hash of all its numbers: says which calibration a run was made under."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def groups_of(fingerprint: str, path: str) -> tuple[str, str]:
    """The groups that a field belongs to: its schema, and its place in it."""
    return fingerprint, f"{fingerprint}/{pattern_of(path)}"


def load_calibrator(path: Path, model_id: str) -> Calibrator:
    """Reads a calibration and sees that it is of this model.

    Args:
        path: the file.
        model_id: as `features.judged_as`.

    Raises:
        ModelError: it is damaged, of another version, of another model, or was made under other rules or settings.
    """
    remedy = "Fit it again with `parquetry calibrate`, or delete the file: then no probabilities are shown."
    try:
        found = Calibrator.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}.", remedy=remedy) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = first["msg"].removeprefix("Value error, ")
        raise ModelError(
            f"{path} is no calibration: {where + ': ' if where else ''}{why}.", remedy=remedy
        ) from error
    made_of, asked = content_of(_model(found.model_id)), content_of(_model(model_id))
    if made_of == asked and _circumstances(found.model_id) == _circumstances(model_id):
        return found  # also if the folder was called otherwise then
    if made_of == asked:
        raise OtherCircumstancesError(
            f"{path} was fitted under other rules of extraction or other settings (min_field_log_probability, "
            "min_ocr_confidence, read.ocr, read.image_side_px).",
            remedy=remedy,
        )
    raise ModelError(
        f"{path} was fitted for the model {found.model_id}, and this is {model_id}.", remedy=remedy
    )


def _circumstances(judged_as: str) -> str:
    """What `features.judged_as` says beside the model."""
    return judged_as.removeprefix(_model(judged_as))


def _model(judged_as: str) -> str:
    """The model of `features.judged_as`."""
    return judged_as.rpartition("/")[0] or judged_as
