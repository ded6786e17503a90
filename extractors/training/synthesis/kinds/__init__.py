"""The kinds of documents, one module each."""

from __future__ import annotations

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.kinds import (
    ad_order,
    application_form,
    bank_statement,
    contract,
    delivery_note,
    event_ticket,
    insurance_certificate,
    invoice,
    lab_report,
    medical_form,
    payslip,
    purchase_order,
    receipt,
    registration_form,
    resume,
    shipping_document,
    tax_form,
    transport_ticket,
    utility_bill,
)

_ALL: tuple[DocumentKind, ...] = (
    invoice.KIND,
    receipt.KIND,
    ad_order.KIND,
    purchase_order.KIND,
    delivery_note.KIND,
    bank_statement.KIND,
    utility_bill.KIND,
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
