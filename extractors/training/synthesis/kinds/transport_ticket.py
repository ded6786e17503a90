"""Tickets for trains and coaches."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.filling import Form, spec

_FIELDS = (
    spec("carrier", "text", "carrier operator railway transport_company anbieter", "Carrier.", "Who runs the service.",
        "Name of the transport company."),
    spec("passenger", "text", "passenger passenger_name traveller reisender voyageur", "Passenger.", "Who travels.",
        "Full name of the passenger."),
    spec("origin", "text", "origin from departure_station von depart", "Origin.", "Where the journey begins.",
        "Station or stop of departure."),
    spec("destination", "text", "destination to arrival_station nach arrivee", "Destination.",
        "Where the journey ends.", "Station or stop of arrival."),
    spec("travel_date", "date", "travel_date date_of_travel departureDate reisedatum date_voyage", "Date of travel.",
        "When the journey is.", "Day of the journey, not of the booking."),
    spec("departure_time", "text", "departure_time departs depTime abfahrt heure_depart", "Departure time.",
        "When it leaves.", "Time of departure as printed."),
    spec("arrival_time", "text", "arrival_time arrives arrTime ankunft heure_arrivee", "Arrival time.",
        "When it arrives.", "Time of arrival as printed."),
    spec("service", "text", "train_no service_number trainNumber zugnummer treno", "Train or service.",
        "Number of the train or coach.", "Number of the service, not that of the carriage."),
    spec("carriage", "text", "carriage coach_no car wagen voiture", "Carriage.", "Which carriage.",
        "Number of the carriage in which the seat is."),
    spec("seat", "text", "seat seat_number seatNo sitzplatz place", "Seat.", "Which seat.", "Seat as printed."),
    spec("travel_class", "text", "travel_class class klasse comfort_class classe", "Class.", "Class of travel.",
        "Class as printed on the ticket."),
    spec("booking_reference", "text", "booking_reference pnr bookingRef buchungsnummer dossier", "Booking reference.",
        "Code of the booking.", "Reference of the booking, not the number of the ticket.", key_field=True),
    spec("ticket_number", "text", "ticket_number ticket_no ticketNumber ticketnummer billet", "Ticket number.",
        "Number of the ticket.", "Number of the ticket, not the reference of the booking."),
    spec("booked_on", "date", "booked_on issue_date issuedOn gebucht_am emis_le", "Booked on.",
        "When it was booked.", "Date of booking or issue, not of travel."),
    spec("price", "number", "price fare total_paid preis prix", "Price.", "What was paid.",
        "Price without currency; without the booking fee where that stands apart."),
)  # fmt: skip


def make(chance: random.Random, locale: str) -> Facts:
    """One journey."""
    form = Form(chance, locale, _FIELDS)
    voice, terms = form.voice, form.terms
    train = chance.random() < 0.7
    carrier = voice.firm()
    form.truth["carrier"] = carrier
    hour, minute, lasts = chance.randint(5, 20), chance.randrange(60), chance.randint(25, 190)
    clock = chance.choice(("{:02}:{:02}", "{}:{:02}", "{:02}.{:02}", "{:02}h{:02}"))
    arrival = hour * 60 + minute + lasts
    towns = [voice.fake.city().strip() for _ in range(2)]
    form.put("passenger", "passenger", voice.person(), 0.9)
    form.put("origin", "from", towns[0], 1.0)
    form.put("destination", "to_place", towns[1], 1.0)
    form.put("travel_date", "travel_date", voice.day(chance.randint(2, 60)), 0.97)
    form.put("departure_time", "departs", clock.format(hour, minute), 0.95)
    form.put("arrival_time", "arrives", clock.format(arrival // 60 % 24, arrival % 60), 0.7)
    if train:
        form.put("service", "train_no", chance.choice(("IC ", "RE ", "EC ", "R ", "")) + voice.code("####"))
        form.put("carriage", "carriage", str(chance.randint(1, 22)), 0.75)
        form.put("travel_class", "class", chance.choice(("1", "2", "2.", "1.")), 0.7)
    form.put("seat", "seat", voice.code(chance.choice(("##", "##?", "?#"))), 0.8)
    form.put("booking_reference", "booking", voice.code(chance.choice(("??????", "@@@@@@", "?#-####"))), 0.9)
    form.put("ticket_number", "ticket_no", voice.code(chance.choice(("##########", "###-######"))), 0.6)
    form.put("booked_on", "booked_on", voice.day(-chance.randint(0, 20)), 0.7)
    fare = Decimal(chance.randint(500, 18000)) / 100
    form.money("price", "price", fare, 0.85)
    if chance.random() < 0.3:
        form.money("", "fee", Decimal(chance.randint(50, 450)) / 100, 1.0)
    prose = [voice.fake.paragraph(5)] if chance.random() < 0.6 else []
    issuer = Party("", carrier)
    return form.facts(terms("train_ticket" if train else "bus_ticket"), issuer,
        ("ticket", "ticket", "beside", "label_above"), prose=prose)  # fmt: skip


KIND = DocumentKind(
    "transport_ticket", ("train_ticket", "travel ticket", "boarding pass", "Fahrkarte"), _FIELDS, make
)
