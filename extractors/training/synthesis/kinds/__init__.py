"""The kinds of documents, one module each."""

from __future__ import annotations

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.kinds import (
    application_form,
    invoice,
    medical_form,
    payslip,
    registration_form,
    tax_form,
)

_ALL: tuple[DocumentKind, ...] = (
    invoice.KIND,
    registration_form.KIND,
    payslip.KIND,
    tax_form.KIND,
    medical_form.KIND,
    application_form.KIND,
)

KINDS: dict[str, DocumentKind] = {kind.name: kind for kind in _ALL}
