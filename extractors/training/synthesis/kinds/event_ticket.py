"""Tickets for concerts, matches and plays."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("event", "text", "event event_name show title veranstaltung", "Event.", "What takes place.",
        "Name of the event as printed."),
    spec("organiser", "text", "organiser organizer promoter veranstalter organisateur", "Organiser.", "Who sells it.",
        "Name of the organiser or ticket agency."),
    spec("venue", "text", "venue location hall veranstaltungsort lieu", "Venue.", "Where it takes place.",
        "Name of the venue, without its address."),
    spec("event_date", "date", "event_date date showDate veranstaltungsdatum data_evento", "Date of the event.",
        "When it takes place.", "Day of the event, not of the order."),
    spec("doors_time", "text", "doors_time doors_open doorsAt einlass ouverture", "Doors.", "When the doors open.",
        "Time of admission as printed; not the beginning."),
    spec("start_time", "text", "start_time begins startsAt beginn debut", "Begin.", "When it begins.",
        "Time of the beginning as printed; not the opening of the doors."),
    spec("block", "text", "block section sector bereich secteur", "Block.", "Which block.", "Block or section."),
    spec("row", "text", "row row_number reihe rang fila", "Row.", "Which row.", "Row as printed."),
    spec("seat", "text", "seat seat_no seatNumber platz asiento", "Seat.", "Which seat.", "Seat as printed."),
    spec("holder", "text", "holder ticket_holder holderName inhaber titulaire", "Holder.", "Whose ticket it is.",
        "Name of the ticket holder, if printed."),
    spec("ticket_number", "text", "ticket_number ticket_no ticketId ticketnummer n_billet", "Ticket number.",
        "Number of the ticket.", "Number of the ticket, not the reference of the order.", key_field=True),
    spec("order_reference", "text", "order_reference booking_ref orderNo auftragsnummer dossier", "Order.",
        "Reference of the order.", "Booking or order reference."),
    spec("price", "number", "price total ticket_price preis prix", "Price.", "What the ticket costs.",
        "Price of the ticket without currency and without the fee."),
    spec("booking_fee", "number", "booking_fee service_charge fee gebuehr frais", "Fee.", "Fee of the sale.",
        "Booking or service fee, if it stands apart."),
)  # fmt: skip
_SHOWS = (
    "Symphony No. {}",
    "{} Live",
    "Night of {}",
    "{} Festival",
    "{} & Friends",
    "The {} Tour",
    "{} vs {}",
)
_HALLS = ("Arena", "Theatre", "Opera", "Stadium", "Hall", "Forum", "Palais")


def make(chance: random.Random, locale: str) -> Facts:
    """Admission for one."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    organiser = voice.firm()
    form.truth["organiser"] = organiser
    show = chance.choice(_SHOWS).format(voice.fake.last_name(), voice.fake.last_name())
    hour = chance.randint(15, 20)
    clock = chance.choice(("{:02}:{:02}", "{:02}.{:02}", "{}:{:02}"))
    minute = chance.choice((0, 15, 30))
    form.put("event", "event", show.upper() if chance.random() < 0.3 else show, 1.0)
    form.put("venue", "venue", f"{voice.fake.city().strip()} {chance.choice(_HALLS)}", 0.95)
    form.put("event_date", "date", voice.day(chance.randint(5, 200)), 0.98)
    form.put("doors_time", "doors", clock.format(hour, minute), 0.6)
    form.put("start_time", "starts", clock.format(hour + chance.randint(1, 2), minute), 0.95)
    form.put("block", "block", voice.code(chance.choice(("?", "?#", "###"))), 0.6)
    form.put("row", "row", str(chance.randint(1, 45)), 0.75)
    form.put("seat", "seat", str(chance.randint(1, 60)), 0.8)
    form.put("holder", "holder", voice.person(), 0.6)
    form.put(
        "ticket_number",
        "ticket_no",
        voice.code(chance.choice(("##########", "?-########", "#### #### ####"))),
    )
    form.put("order_reference", "booking", voice.code(chance.choice(("@@@@@@@", "######-##"))), 0.6)
    form.money("price", "price", Decimal(chance.randint(80, 1900)) / 10, 0.9)
    form.money("booking_fee", "fee", Decimal(chance.randint(10, 90)) / 10, 0.5)
    form.put("", "booked_on", voice.day(-chance.randint(1, 90)), 0.5)
    if chance.random() < 0.4:
        chance.shuffle(form.entries)
    prose = [voice.fake.paragraph(4)] if chance.random() < 0.6 else []
    return form.facts(
        terms("event_ticket"),
        Party("", organiser),
        ("ticket", "ticket", "label_above", "beside"),
        prose=prose,
    )


KIND = DocumentKind(
    "event_ticket", ("event_ticket", "concert ticket", "admission ticket", "Eintrittskarte"), _FIELDS, make
)
