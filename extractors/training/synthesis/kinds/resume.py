"""Resumes: a person's stations, newest first."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from babel.dates import format_date

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.filling import Form, spec

_JOB = (
    spec("title", "text", "title position job_title stelle poste", "Position.", "What the person did.",
        "Title of the position as printed."),
    spec("employer", "text", "employer company organisation arbeitgeber employeur", "Employer.", "For whom.",
        "Name of the employer."),
    spec("start", "text", "start from start_date von debut", "Begin.", "From when.",
        "Begin of the station as printed."),
    spec("end", "text", "end until end_date bis fin", "End.", "Until when.",
        "End of the station as printed; the word for 'present' where it lasts."),
)  # fmt: skip
_SCHOOL = (
    spec("degree", "text", "degree qualification diploma abschluss diplome", "Degree.", "Which degree.",
        "Degree as printed."),
    spec("institution", "text", "institution school university hochschule etablissement", "Institution.", "Where.",
        "Name of the school or university."),
    spec("year", "integer", "year graduation_year completed jahr annee", "Year.", "When it ended.",
        "Year in which it was completed."),
)  # fmt: skip
_FIELDS = (
    spec("name", "text", "name full_name candidate bewerber nom", "Name.", "Whose resume it is.",
        "Full name of the person.", key_field=True),
    spec("email", "text", "email email_address eMail mail courriel", "E-mail.", "E-mail of the person.",
        "The e-mail address."),
    spec("phone", "text", "phone telephone phoneNumber telefon mobile", "Telephone.", "Number of the person.",
        "Telephone number as printed."),
    spec("address", "text", "address home_address location anschrift domicile", "Address.", "Where the person lives.",
        "Home address as printed."),
    spec("birth_date", "date", "date_of_birth dob birthDate geburtsdatum naissance", "Date of birth.",
        "When the person was born.", "Date of birth, if the resume states it."),
    spec("current_position", "text", "current_position latest_title currentJob aktuelle_stelle poste_actuel",
        "Latest position.", "What the person does now.", "Title of the first station under work experience."),
    spec("experience", "list", "experience jobs employment berufserfahrung experiences", "Work experience.",
        "Stations of work.", "All positions in the order of the document.", fields=_JOB),
    spec("education", "list", "education schools studies ausbildung formation", "Education.", "Stations of education.",
        "All degrees in the order of the document.", fields=_SCHOOL),
    spec("skills", "list", "skills key_skills competences kenntnisse competenze", "Skills.", "What the person can do.",
        "Each skill by itself, as printed."),
    spec("languages", "list", "languages spoken_languages languageSkills sprachen langues", "Languages.",
        "Which languages.", "Each language with its level, as printed."),
    spec("signed", "boolean", "signed is_signed hasSignature unterschrieben signature_present", "Signed?",
        "Whether it is signed.", "True if there is a signature.", pixels=True),
)  # fmt: skip
_DEGREES = {
    "en": (
        "BSc Computer Science",
        "MA History",
        "MBA",
        "BA Economics",
        "Diploma in Nursing",
        "PhD Chemistry",
    ),
    "de": ("Diplom-Ingenieur", "B.Sc. Informatik", "M.A. Geschichte", "Abitur", "Kaufmännische Lehre"),
    "fr": ("Licence d'économie", "Master informatique", "Baccalauréat", "BTS Comptabilité"),
    "it": ("Laurea in economia", "Laurea in informatica", "Diploma di maturità"),
    "es": ("Grado en Economía", "Máster en Informática", "Bachillerato"),
    "nl": ("Bachelor Economie", "Master Informatica", "HBO Verpleegkunde"),
    "pl": ("Magister ekonomii", "Inżynier informatyki", "Technik ekonomista"),
}
_SCHOOLS = {
    "en": "{} University|{} College|University of {}", "de": "Universität {}|Hochschule {}|Gymnasium {}",
    "fr": "Université de {}|Lycée de {}|IUT de {}", "it": "Università di {}|Liceo di {}",
    "es": "Universidad de {}|Instituto de {}", "nl": "Universiteit {}|Hogeschool {}",
        "pl": "Uniwersytet {}|Technikum {}",
}  # fmt: skip
_SKILLS = (
    "Excel",
    "SAP",
    "Python",
    "SQL",
    "Photoshop",
    "AutoCAD",
    "Java",
    "Lean Six Sigma",
    "CRM",
    "Scrum",
    "Linux",
    "DATEV",
)
_TONGUES = (
    "English C1",
    "Deutsch B2",
    "Français B1",
    "Italiano A2",
    "Español C2",
    "Polski B2",
    "Nederlands A1",
)
_SIDES: tuple[Align, ...] = ("left", "left", "left")


def _written(values: Sequence[str], chance: random.Random) -> str:
    """Several values on one line, or one below the other with bullets or without."""
    before, joint = chance.choice(
        (
            ("", ", "),
            ("", ", "),
            ("", "; "),
            ("", " • "),
            ("", " | "),
            ("• ", "\n• "),
            ("- ", "\n- "),
            ("", "\n"),
        )
    )
    return before + joint.join(values)


def _period(form: Form) -> tuple[str, str]:
    """Pattern of a month, and what stands between two."""
    return form.chance.choice(("MM/yyyy", "MMM yyyy", "yyyy", "MM.yyyy", "MMMM yyyy")), form.chance.choice(
        (" - ", " – ")
    )


def _jobs(form: Form) -> Table:
    chance, voice, terms = form.chance, form.voice, form.terms
    pattern, dash = _period(form)
    at, rows, truths = voice.today, [], []
    for number in range(chance.randint(1, 6)):
        begin = at - dt.timedelta(days=chance.randint(200, 1800))
        ends = terms("present") if number == 0 and chance.random() < 0.6 else _month(at, pattern, form)
        begins = _month(begin, pattern, form)
        title = " ".join(voice.fake.job().split(",")[0].split("(")[0].split("/")[0].split())
        employer = voice.firm()
        text = voice.fake.sentence(9) if chance.random() < 0.6 else ""
        rows.append((f"{begins}{dash}{ends}", title, employer, text))
        truths.append({"title": title, "employer": employer, "start": begins, "end": ends})
        at = begin - dt.timedelta(days=chance.choice((0, 31, 200)))
    form.truth["experience"] = truths
    form.truth["current_position"] = truths[0]["title"]
    return Table(("", "", "", ""), tuple(rows), (*_SIDES, "left"), (2, 3, 3, 3), terms("experience"))


def _month(date: dt.date, pattern: str, form: Form) -> str:
    return " ".join(format_date(date, pattern, form.locale).split())


def _schools(form: Form) -> Table:
    chance, voice, language = form.chance, form.voice, form.terms.language
    year, rows, truths = voice.today.year - chance.randint(3, 20), [], []
    for _ in range(chance.randint(1, 3)):
        school = chance.choice(_SCHOOLS[language].split("|")).format(voice.fake.city().strip())
        degree = chance.choice(_DEGREES[language])
        rows.append((str(year), degree, school))
        truths.append({"degree": degree, "institution": school, "year": str(year)})
        year -= chance.randint(2, 6)
    form.truth["education"] = truths
    return Table(("", "", ""), tuple(rows), _SIDES, (2, 3, 3), form.terms("education"))


def make(chance: random.Random, locale: str) -> Facts:
    """One person's."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    name = voice.person()
    form.truth["name"] = name
    for key, term, value, keep in (
        ("email", "email", voice.fake.ascii_safe_email(), 0.95), ("phone", "phone", voice.phone(), 0.9),
        ("address", "address", form.address(), 0.8), ("birth_date", "birth", voice.day(-chance.randint(8000, 20000)),
            0.45),
    ):  # fmt: skip
        if chance.random() < keep:
            form.put(key, term, value, 1.0)
    jobs, schools = _jobs(form), _schools(form)
    tables = [jobs, schools] if chance.random() < 0.7 else [schools, jobs]
    totals = []
    for key, source in (("skills", _SKILLS), ("languages", _TONGUES)):
        if chance.random() < 0.75:
            form.truth[key] = chance.sample(source, chance.randint(2, 4))
            totals.append(Entry(terms(key), _written(form.truth[key], chance)))
    if chance.random() < 0.5:
        form.sign("signed", name, 0.6)
    else:
        form.truth["signed"] = False
    prose = [f"# {terms('profile')}", voice.fake.paragraph(4)] if chance.random() < 0.5 else []
    return form.facts(
        terms("resume"), Party("", name), ("resume",), tables=tables, totals=totals, prose=prose
    )


KIND = DocumentKind(
    "resume", ("resume", "curriculum vitae", "applicant profile", "Lebenslauf"), _FIELDS, make
)
