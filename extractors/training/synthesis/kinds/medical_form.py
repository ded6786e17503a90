"""Questionnaires that patients fill in: by hand mostly, with many boxes to tick."""

from __future__ import annotations

import random

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("patient", "text", "patient_name patient name patientFullName nom_patient", "Patient's name.",
        "Who fills in the form.", "Full name of the patient, not of the doctor or the contact person.", key_field=True),
    spec("birth_date", "date", "date_of_birth dob birthDate geburtsdatum geboren_am", "Date of birth.",
        "When the patient was born.", "The patient's date of birth as written."),
    spec("address", "text", "address home_address patientAddress anschrift domicile", "Address.",
        "Where the patient lives.", "Patient's home address as written."),
    spec("phone", "text", "phone phone_number tel telefon patientPhone", "Telephone.", "Number of the patient.",
        "The patient's own telephone number, not the practice's or the emergency contact's."),
    spec("insurer", "text", "insurer health_insurer insuranceCompany krankenkasse mutuelle", "Health insurer.",
        "Insurance company of the patient.", "Name of the health insurance as filled in."),
    spec("member_number", "text", "member_id insurance_no memberNumber versichertennummer numero_assure",
        "Insurance number.", "Member number.", "The patient's number at the insurer.", key_field=True),
    spec("doctor", "text", "family_doctor physician primaryCarePhysician hausarzt medecin_traitant", "Family doctor.",
        "Doctor of the patient.", "Name of the patient's family doctor."),
    spec("emergency_contact", "text", "emergency_contact contact_person emergencyName notfallkontakt notify",
        "Emergency contact.", "Whom to call in an emergency.", "Name of the person to be notified."),
    spec("allergies", "text", "allergies known_allergies allergyList allergien alergias", "Allergies.",
        "Known allergies.", "Allergies as the patient wrote them; null where nothing is written."),
    spec("medication", "text", "medication current_medication medicines medikamente traitement", "Medication.",
        "Medicines that are taken.", "Current medication as written; null where nothing is written."),
    spec("height_cm", "integer", "height height_cm heightCm groesse taille", "Height.", "Height in centimetres.",
        "Height of the patient in centimetres."),
    spec("weight_kg", "integer", "weight weight_kg weightKg gewicht poids", "Weight.", "Weight in kilograms.",
        "Weight of the patient in kilograms."),
    spec("sex", "choice", "sex gender patientSex geschlecht sexe", "Sex.", "Which sex is ticked.",
        "Sex of the patient by the box that is marked; null if none is.", choices=("male", "female"), pixels=True),
    spec("smoker", "boolean", "smoker is_smoker smokes raucher fumeur", "Smoker?", "Does the patient smoke?",
        "Answer to the question on smoking by what is marked; null if neither is.", pixels=True),
    spec("diabetes", "boolean", "diabetes has_diabetes historyDiabetes diabetes_ticked zuckerkrankheit", "Diabetes?",
        "Is diabetes ticked?", "True if diabetes is marked among the illnesses.", pixels=True),
    spec("asthma", "boolean", "asthma has_asthma historyAsthma asthma_ticked asma", "Asthma?", "Is asthma ticked?",
        "True if asthma is marked among the illnesses.", pixels=True),
    spec("hypertension", "boolean", "hypertension high_blood_pressure hasHypertension bluthochdruck bp_high",
        "High blood pressure?", "Is high blood pressure ticked?",
        "True if high blood pressure is marked among the illnesses.", pixels=True),
    spec("heart_disease", "boolean", "heart_disease cardiac_history heartDisease herzerkrankung cardiopatia",
        "Heart disease?", "Is heart disease ticked?", "True if heart disease is marked.", pixels=True),
    spec("consent", "boolean", "consent data_consent consentGiven einwilligung consentement", "Consent given?",
        "Is the consent ticked?", "True if the box of the consent to data processing is marked.", pixels=True),
    spec("signed", "boolean", "signed is_signed hasSignature unterschrieben signature_present", "Signed?",
        "Whether the patient signed.", "True if there is a signature above the line.", pixels=True),
    spec("date_signed", "date", "date_signed form_date signedOn datum date", "Date of the form.",
        "When it was filled in.", "Date of the signature, not of birth."),
)  # fmt: skip
_ALLERGENS = ("Penicillin", "Latex", "Pollen", "Aspirin", "Ibuprofen", "Histamin", "Nickel")
_DRUGS = (
    "Metformin 500 mg",
    "Ramipril 5 mg",
    "Salbutamol",
    "Levothyroxin 75",
    "Omeprazol 20 mg",
    "Bisoprolol 2.5 mg",
)


def make(chance: random.Random, locale: str) -> Facts:
    """One patient's answers."""
    form = Form(chance, locale, _FIELDS, hand=chance.random() < 0.8)
    voice, terms = form.voice, form.terms
    name = voice.person()
    form.put("patient", "patient", name, 0.97)
    form.put("birth_date", "birth", voice.day(-chance.randint(3000, 30000)))
    form.put("address", "address", form.address(), 0.85)
    form.put("phone", "phone", voice.phone(), 0.8)
    form.put("insurer", "health_insurer", voice.firm(), 0.75)
    form.put(
        "member_number",
        "member_no",
        voice.code(chance.choice(("?#########", "### ### ###", "??-######"))),
        0.75,
    )
    form.put("doctor", "family_doctor", f"Dr. {voice.person()}", 0.6)
    form.put("emergency_contact", "emergency", voice.person(), 0.7)
    form.put("", "occupation", voice.fake.job()[:28].split(",")[0].split("(")[0].strip(), 0.4)
    form.put("height_cm", "height", str(chance.randint(148, 201)), 0.6)
    form.put("weight_kg", "body_weight", str(chance.randint(45, 128)), 0.6)
    form.put("allergies", "allergies", ", ".join(chance.sample(_ALLERGENS, chance.randint(1, 3))), 0.55)
    form.put("medication", "medication", ", ".join(chance.sample(_DRUGS, chance.randint(1, 2))), 0.55)
    form.put("date_signed", "date", voice.day(), 0.85)
    form.choose("sex", "sex", {"male": "male", "female": "female"}, 0.9)
    form.ask("smoker", "smoker", 0.9)
    form.tick("conditions", {"diabetes": "diabetes", "asthma": "asthma", "hypertension": "pressure",
        "heart_disease": "heart"}, chance.choice((0.2, 0.5, 0.7)))  # fmt: skip
    form.tick("consent", {"consent": "consent"}, 0.5)
    form.sign("signed", "", 0.55)
    practice = Party("", f"Dr. {voice.person()}", (*voice.address(), f"{terms('phone')} {voice.phone()}"))
    return form.facts(
        terms("medical_form"),
        practice,
        ("dotted", "dotted", "boxes", "label_above", "label_below", "beside"),
        prose=form.small_words(),
    )


KIND = DocumentKind(
    "medical_form",
    ("medical_history", "patient registration form", "health questionnaire", "Anamnesebogen"),
    _FIELDS,
    make,
)
