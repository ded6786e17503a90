"""What speaks for a model, and putting it in force."""

from __future__ import annotations

import getpass
import json
import math
import socket
from pathlib import Path
from typing import Any

from extractors.models.guard import EVALUATION
from extractors.models.load import model_description
from extractors.models.manifest import check_folder
from extractors.models.stored import StoredModel, content_of, find_stored
from flows.ledger.records import PromotionRecord
from flows.ledger.store import Ledger
from schemas.errors import UsageError

REPORT = "report.json"
"""What ``parquetry evaluate --report DIR`` writes there."""


def whoever() -> str:
    """Who acts, when nobody says so: the user of this machine."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # a container's user without a name
        return f"unknown@{socket.gethostname()}"


def promote(
    reference: str,
    ledger: Ledger,
    cache: Path,
    *,
    actor: str,
    reason: str,
    evaluation: Path | None = None,
    without_evaluation: bool = False,
) -> PromotionRecord:
    """Puts a model of the store in force, once every byte was verified and its evaluation was found.

    Args:
        reference: ``NAME`` or ``NAME@REVISION``.
        ledger: which keeps the pointer.
        cache: folder of the store.
        actor: who promotes.
        reason: why.
        evaluation: report of `parquetry evaluate`, or its folder; ``None``: that of the model, or of before.
        without_evaluation: promote it although nothing says how good it is.

    Raises:
        ModelError: it is not in the store, or not what its manifest says.
        UsageError: it lacks an evaluation, or a reason to do without.
    """
    if without_evaluation and not reason.strip():
        raise UsageError(
            "A model without an evaluation is promoted for a reason only.",
            remedy='Say which: --reason "...".',
        )
    if without_evaluation and evaluation is not None:
        raise UsageError("Both an evaluation and none are given.", remedy="Leave one of them out.")
    found = find_stored(reference, cache)
    checked = check_folder(found.folder, found.digest)
    if (base := checked.manifest.base if checked.manifest else None) and "@" in base:
        stored_base = find_stored(base, cache)
        check_folder(stored_base.folder, stored_base.digest)
    about = model_description(found.reference, cache)
    figures = None if without_evaluation else evaluation_of(found, about.model_id, evaluation, ledger)
    return ledger.promote_model(
        name=found.name,
        revision=about.revision,
        manifest=about.manifest,
        model=about.model_id,
        uri=found.manifest.uri,
        actor=actor,
        reason=reason,
        evaluation=figures,
    )


def evaluation_of(found: StoredModel, model_id: str, given: Path | None, ledger: Ledger) -> dict[str, Any]:
    """The figures that speak for a model: of a report, else of the model's own, else of an earlier promotion.

    Raises:
        UsageError: there are none, or they are of another model.
    """
    path = given / REPORT if given is not None and given.is_dir() else given
    own = found.folder / EVALUATION
    if path is None and own.is_file():
        path = own
    if path is not None:
        return _figures(path, model_id)
    before = ledger.promotion_of(found.digest)
    if before is not None and before.evaluation is not None:
        return before.evaluation
    raise UsageError(
        f"{found.name} {found.digest[:12]} has no evaluation.",
        remedy=f"Run `parquetry evaluate FOLDER --model {found.name}@{found.digest[:12]} --report DIR`, then promote "
        'with --evaluation DIR; or give --without-evaluation --reason "...".',
    )


def _figures(path: Path, model_id: str) -> dict[str, Any]:
    remedy = "Give what `parquetry evaluate --report DIR` wrote for this model."
    try:
        report = json.loads(path.read_bytes())
        documents, f1 = int(report["documents"]), float(report["micro"]["f1"])
        right = float(report["document_accuracy"]["value"])
        if not (math.isfinite(f1) and math.isfinite(right)):
            raise ValueError("figures that are none")
        figures = {
            "model": str(report["model"]),
            "set": str(report["set"]),
            "split": str(report["split"]),
            "documents": documents,
            "f1": f1,
            "document_accuracy": right,
        }
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.", remedy=remedy) from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{path} is no evaluation.", remedy=remedy) from error
    if content_of(str(figures["model"])) != content_of(model_id):
        raise UsageError(
            f"{path} is an evaluation of {figures['model']}, and this is {model_id}.", remedy=remedy
        )
    if documents <= 0:
        raise UsageError(f"{path} is an evaluation of no documents.", remedy=remedy)
    return figures
