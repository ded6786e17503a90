"""Laboratory reports: results with units and reference ranges, and three dates that differ by a day."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Facts, Party, Table
from extractors.training.synthesis.filling import Form, spec

_RESULT = (
    spec("test", "text", "test name analyte untersuchung parameter", "Test.", "What was measured.",
        "Name of the test as printed."),
    spec("result", "number", "result value ergebnis measured_value wert", "Result.", "Measured value.",
        "The value without unit and without a flag."),
    spec("unit", "text", "unit units einheit unite measurement_unit", "Unit.", "Unit of the result.",
        "Unit as printed."),
    spec("reference_range", "text", "reference_range normal_range referenceRange normwert ref", "Reference range.",
        "What is normal.", "The range that counts as normal, as printed."),
)  # fmt: skip
_FIELDS = (
    spec("laboratory", "text", "laboratory lab_name labName labor laboratoire", "Laboratory.", "Who made the report.",
        "Name of the laboratory in the letter head."),
    spec("patient", "text", "patient patient_name patientName paziente name", "Patient.", "Whose sample it is.",
        "Full name of the patient, not of a doctor."),
    spec("birth_date", "date", "date_of_birth dob birthDate geburtsdatum geboren", "Date of birth.",
        "When the patient was born.", "The patient's date of birth."),
    spec("patient_number", "text", "patient_id mrn patientNumber patienten_nr num_patient", "Patient number.",
        "Number of the patient.", "The patient's number at the laboratory, not that of the sample."),
    spec("sample_number", "text", "sample_no accession_number specimenId probennummer n_echantillon", "Sample number.",
        "Number of the sample.", "Accession or sample number.", key_field=True),
    spec("collected_on", "date", "collected_on date_collected collectionDate entnahmedatum prelevement",
        "Date of collection.", "When the sample was taken.", "Date on which it was taken, not received or reported."),
    spec("received_on", "date", "received_on date_received receivedDate eingangsdatum recu_le", "Date received.",
        "When the laboratory got the sample.", "Date of receipt, not of collection or report."),
    spec("reported_on", "date", "reported_on report_date reportedDate befunddatum edite_le", "Date of the report.",
        "When the report was issued.", "Date of the report, not of collection or receipt."),
    spec("physician", "text", "physician ordering_physician requestedBy einsender prescripteur", "Physician.",
        "Who ordered the tests.", "Doctor who requested the tests; not who validated them."),
    spec("validated_by", "text", "validated_by released_by validatedBy freigabe valide_par", "Validated by.",
        "Who released the report.", "Name of who validated the results, if printed."),
    spec("results", "list", "results tests analyses ergebnisse resultats", "Results.", "All tests with their results.",
        "Every line of the table of results in reading order.", fields=_RESULT),
    spec("fasting", "boolean", "fasting is_fasting patientFasting nuechtern a_jeun", "Fasting?",
        "Was the patient fasting?", "Answer to 'fasting' by what is marked; null if neither is.", pixels=True),
    spec("signed", "boolean", "signed is_signed hasSignature unterschrieben signature_present", "Signed?",
        "Whether the report is signed.", "True if there is a signature above the line.", pixels=True),
)  # fmt: skip
_TESTS = (  # name, unit, low, high, decimals
    ("Hemoglobin", "g/dL", 12, 17.5, 1), ("Hematocrit", "%", 36, 50, 1), ("Leukocytes", "10^9/L", 4, 11, 1),
    ("Platelets", "10^9/L", 150, 400, 0), ("Glucose", "mg/dL", 70, 99, 0), ("HbA1c", "%", 4, 5.6, 1),
    ("Creatinine", "mg/dL", 0.6, 1.3, 2), ("Urea", "mg/dL", 10, 50, 0), ("Sodium", "mmol/L", 135, 145, 0),
    ("Potassium", "mmol/L", 3.5, 5.1, 1), ("Cholesterol", "mg/dL", 120, 200, 0), ("HDL", "mg/dL", 40, 80, 0),
    ("LDL", "mg/dL", 60, 130, 0), ("Triglycerides", "mg/dL", 50, 150, 0), ("ALT (GPT)", "U/L", 7, 45, 0),
    ("AST (GOT)", "U/L", 8, 40, 0), ("GGT", "U/L", 9, 60, 0), ("TSH", "mIU/L", 0.4, 4.0, 2), ("CRP", "mg/L", 0.1, 5, 1),
    ("Ferritin", "ng/mL", 20, 300, 0), ("Vitamin D", "ng/mL", 30, 100, 0), ("Calcium", "mmol/L", 2.1, 2.6, 2),
    ("Bilirubin", "mg/dL", 0.2, 1.2, 2), ("INR", "", 0.8, 1.2, 2), ("Albumin", "g/L", 35, 52, 1),
)  # fmt: skip
_ALIGNS: tuple[Align, ...] = ("left", "right", "left", "left")


def _results(form: Form) -> tuple[list[dict[str, str | None]], Table]:
    chance, terms, voice = form.chance, form.terms, form.voice
    flagged = chance.random() < 0.5
    dash = chance.choice((" - ", "-", " – "))
    truths: list[dict[str, str | None]] = []
    rows = []
    for name, unit, low, high, places in chance.sample(_TESTS, chance.choice((3, 5, 8, 12, 18))):
        value = Decimal(low + (high - low) * chance.uniform(-0.35, 1.5)).quantize(Decimal(1).scaleb(-places))
        value = max(value, Decimal(1).scaleb(-places))
        bounds = [Decimal(str(bound)).quantize(Decimal(1).scaleb(-places)) for bound in (low, high)]
        span = f"< {voice.number(bounds[1], places)}" if chance.random() < 0.15 else dash.join(
            voice.number(bound, places) for bound in bounds)  # fmt: skip
        truths.append(
            {
                "test": name,
                "result": voice.number(value, places),
                "unit": unit or None,
                "reference_range": span,
            }
        )
        flag = "H" if value > bounds[1] else "L" if value < bounds[0] else ""
        cells = (name, voice.number(value, places), unit, span)
        rows.append((*cells, flag) if flagged else cells)
    heads: tuple[str, ...] = tuple(terms(key) for key in ("test", "result", "unit", "range"))
    if flagged:
        return truths, Table((*heads, ""), tuple(rows), (*_ALIGNS, "left"), (4, 2, 2, 3, 0.8))
    return truths, Table(heads, tuple(rows), _ALIGNS, (4, 2, 2, 3))


def make(chance: random.Random, locale: str) -> Facts:
    """One sample's results."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    laboratory = voice.firm()
    form.truth["laboratory"] = laboratory
    doctor = f"Dr. {voice.person()}"
    form.put("patient", "patient", voice.person(), 0.98)
    form.put("birth_date", "birth", voice.day(-chance.randint(2000, 30000)))
    form.put("patient_number", "patient_no", voice.code(chance.choice(("######", "P-#####", "### ###"))), 0.8)
    form.put("sample_number", "sample_no", voice.code(chance.choice(("########", "??-#####", "##.#####"))))
    form.put("collected_on", "collected", voice.day(-3))
    form.put("received_on", "received", voice.day(-chance.randint(1, 2)), 0.7)
    form.put("reported_on", "reported", voice.day(chance.randint(0, 2)), 0.9)
    form.put("physician", "physician", doctor, 0.8)
    form.put("validated_by", "validated", f"Dr. {voice.person()}", 0.5)
    chance.shuffle(form.entries)
    form.truth["results"], table = _results(form)
    if chance.random() < 0.6:
        form.ask("fasting", "fasting", 0.9)
    form.sign("signed", form.truth["validated_by"] or "", 0.5)
    issuer = Party("", laboratory, (*voice.address(), f"{terms('phone')} {voice.phone()}"))
    return form.facts(
        terms("lab_report"), issuer, ("two_columns", "beside", "label_above", "boxes"), tables=[table]
    )


KIND = DocumentKind(
    "lab_report", ("lab_report", "laboratory results", "blood test report", "Laborbefund"), _FIELDS, make
)
