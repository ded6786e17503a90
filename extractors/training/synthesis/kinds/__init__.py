"""The kinds of documents, one module each."""

from __future__ import annotations

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.kinds import (
    ad_order,
    application_form,
    contract,
    event_ticket,
    insurance_certificate,
    invoice,
    lab_report,
    medical_form,
    payslip,
    receipt,
    registration_form,
    resume,
    shipping_document,
    tax_form,
    transport_ticket,
)

_ALL: tuple[DocumentKind, ...] = (
    invoice.KIND,
    receipt.KIND,
    ad_order.KIND,
    registration_form.KIND,
    payslip.KIND,
    tax_form.KIND,
    medical_form.KIND,
    application_form.KIND,
    transport_ticket.KIND,
    shipping_document.KIND,
    resume.KIND,
    lab_report.KIND,
    insurance_certificate.KIND,
    event_ticket.KIND,
    contract.KIND,
)

KINDS: dict[str, DocumentKind] = {kind.name: kind for kind in _ALL}
