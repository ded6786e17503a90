"""Consignment notes and customs declarations: two parties, goods, weights, stamps and signatures."""

from __future__ import annotations

import random
from decimal import Decimal

from extractors.training.synthesis.contract import DocumentKind
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.filling import Form, spec

_ITEM = (
    spec("description", "text", "description goods item warenbezeichnung designation", "Goods.", "What is sent.",
        "Description of the goods as printed."),
    spec("packages", "integer", "packages number_of_packages pkgs packstuecke colis", "Packages.", "How many packages.",
        "Number of packages of this line."),
    spec("tariff_number", "text", "tariff_number hs_code hsCode warennummer code_sh", "Tariff number.", "HS code.",
        "Code of the customs tariff, if printed."),
    spec("weight", "number", "weight gross_weight weightKg gewicht poids", "Weight.", "Gross weight in kg.",
        "Gross weight of this line in kilograms."),
)  # fmt: skip
_FIELDS = (
    spec("document_number", "text", "document_number waybill_no blNumber frachtbrief_nr numero_expedition",
        "Number of the document.", "Number of the waybill.", "Number of the waybill, bill of lading or declaration.",
        key_field=True),
    spec("consignor", "text", "consignor shipper sender absender expediteur", "Consignor.", "Who sends the goods.",
        "Name of the sender, without address."),
    spec("consignee", "text", "consignee receiver recipient empfaenger destinataire", "Consignee.",
        "Who gets the goods.",
        "Name of the receiver, without address; not the carrier."),
    spec("consignee_address", "text", "consignee_address delivery_address receiverAddress anschrift_empfaenger adresse",
        "Address of the consignee.", "Where the receiver sits.", "Address printed with the consignee's name."),
    spec("carrier", "text", "carrier haulier carrierName frachtfuehrer transporteur", "Carrier.",
        "Who carries the goods.",
        "Name of the carrier, if given."),
    spec("place_of_loading", "text", "place_of_loading port_of_loading loadingPlace ladeort chargement",
        "Place of loading.", "Where it is loaded.", "Place or port of loading."),
    spec("place_of_delivery", "text", "place_of_delivery port_of_discharge deliveryPlace ablieferungsort livraison",
        "Place of delivery.", "Where it is delivered.", "Place or port of delivery."),
    spec("loading_date", "date", "loading_date shipped_on loadedOn ladedatum date_chargement", "Date of loading.",
        "When it was loaded.", "Date of loading; neither of the declaration nor of receipt."),
    spec("container", "text", "container vehicle_no containerNo kennzeichen conteneur", "Container or vehicle.",
        "Number of container or vehicle.", "Container number or registration of the vehicle."),
    spec("incoterm", "text", "incoterm terms_of_delivery deliveryTerms lieferbedingung resa", "Incoterm.",
        "Terms of delivery.", "Incoterm with its place, as printed."),
    spec("origin_country", "text", "origin_country country_of_origin originCountry ursprungsland pays_origine",
        "Country of origin.", "Where the goods come from.", "Country of origin as printed."),
    spec("declared_value", "number", "declared_value customs_value declaredValue zollwert valeur_declaree",
        "Declared value.", "Value for customs.", "Declared value without currency."),
    spec("total_weight", "number", "total_weight gross_weight_total totalGrossKg gesamtgewicht poids_total",
        "Total weight.", "Sum of the weights.", "Total gross weight in kilograms as printed."),
    spec("goods", "list", "goods items cargo positionen marchandises", "Goods.", "Lines of goods.",
        "All lines of goods in reading order.", fields=_ITEM),
    spec("freight", "choice", "freight freight_payment freightTerms fracht port", "Freight prepaid or collect?",
        "Which of prepaid and collect is marked.", "Who pays the freight, by the option that is marked.",
        choices=("prepaid", "collect"), pixels=True),
    spec("dangerous", "boolean", "dangerous dangerous_goods hazardous gefahrgut dangereux", "Dangerous goods?",
        "Is it marked as dangerous?", "Answer to 'dangerous goods' by what is marked; null if neither is.",
            pixels=True),
    spec("cleared", "boolean", "cleared customs_cleared clearedStamp abgefertigt dedouane", "Stamped cleared?",
        "Does a stamp of the customs say cleared?", "True if a customs stamp says that the goods were cleared.",
        pixels=True),
    spec("consignor_signed", "boolean", "consignor_signed sender_signed shipperSignature unterschrift_absender signe_1",
        "Signed by the consignor?", "Is there a signature of the sender?",
        "True if somebody signed above the sender's line.", pixels=True),
    spec("consignee_signed", "boolean",
        "consignee_signed receiver_signed receiverSignature unterschrift_empfaenger signe_2",
        "Signed by the consignee?", "Is there a signature of the receiver?",
        "True if somebody signed above the receiver's line.", pixels=True),
    spec("date_received", "date", "date_received received_on receivedDate eingang stamp_date", "Received on.",
        "Date of the received stamp.", "Date in the received stamp, if there is one."),
)  # fmt: skip
_GOODS = {
    "en": (
        "Machine parts",
        "Cotton fabric",
        "Ceramic tiles",
        "Frozen fish",
        "Furniture",
        "Steel pipes",
        "Coffee beans",
    ),
    "de": ("Maschinenteile", "Baumwollgewebe", "Keramikfliesen", "Möbel", "Stahlrohre", "Kaffeebohnen"),
    "fr": (
        "Pièces mécaniques",
        "Tissus de coton",
        "Carrelage",
        "Meubles",
        "Tubes en acier",
        "Café en grains",
    ),
    "it": (
        "Parti meccaniche",
        "Tessuti di cotone",
        "Piastrelle",
        "Mobili",
        "Tubi in acciaio",
        "Caffè in grani",
    ),
    "es": (
        "Piezas de maquinaria",
        "Tejidos de algodón",
        "Azulejos",
        "Muebles",
        "Tubos de acero",
        "Café en grano",
    ),
    "nl": (
        "Machineonderdelen",
        "Katoenen stoffen",
        "Keramische tegels",
        "Meubels",
        "Stalen buizen",
        "Koffiebonen",
    ),
    "pl": (
        "Części maszyn",
        "Tkaniny bawełniane",
        "Płytki ceramiczne",
        "Meble",
        "Rury stalowe",
        "Kawa ziarnista",
    ),
}
_TERMS = ("EXW", "FCA", "FOB", "CIF", "DAP", "DDP", "CPT")
_ALIGNS: tuple[Align, ...] = ("left", "right", "right", "right")


def _goods(form: Form) -> tuple[Table, Decimal]:
    """The table of goods, whose truth is noted, and the sum of the weights."""
    chance, terms, voice = form.chance, form.terms, form.voice
    coded = chance.random() < 0.7
    total, rows, truths = Decimal(0), [], []
    for name in (chance.choice(_GOODS[terms.language]) for _ in range(chance.choice((1, 2, 3, 5, 9)))):
        weight = Decimal(chance.randint(50, 90000)) / 10
        total += weight
        code = voice.code(chance.choice(("####.##", "########"))) if coded else ""
        cells = (name, str(chance.randint(1, 80)), code, voice.number(weight, 1))
        rows.append(cells if coded else (cells[0], cells[1], cells[3]))
        truths.append(
            {"description": name, "packages": cells[1], "tariff_number": code or None, "weight": cells[3]}
        )
    form.truth["goods"] = truths
    heads = tuple(terms(key) for key in ("goods_description", "packages", "tariff", "weight"))
    if coded:
        return Table(heads, tuple(rows), _ALIGNS, (5, 2, 3, 2.5)), total
    return Table((*heads[:2], heads[3]), tuple(rows), ("left", "right", "right"), (5, 2, 2.5)), total


def make(chance: random.Random, locale: str) -> Facts:
    """One consignment's."""
    form = Form(chance, locale, _FIELDS, hand=chance.random() < 0.25, bilingual=chance.random() < 0.4)
    voice, terms = form.voice, form.terms
    sender, receiver, carrier = voice.firm(), voice.firm(), voice.firm()
    address = voice.address()
    parties = [
        Party(form.label("consignor"), sender, voice.address()),
        Party(form.label("consignee"), receiver, address),
    ]
    form.truth.update(consignor=sender, consignee=receiver)
    form.truth["consignee_address"] = " ".join(address)
    form.put(
        "document_number",
        "waybill_no",
        voice.code(chance.choice(("########", "????########", "?##-####"))),
        0.95,
    )
    form.put("carrier", "carrier", carrier, 0.7)
    towns = [voice.fake.city().strip() for _ in range(3)]
    form.put("place_of_loading", "loading", towns[0], 0.85)
    form.put("place_of_delivery", "delivery", towns[1], 0.85)
    form.put("loading_date", "loaded_on", voice.day(-chance.randint(0, 5)), 0.8)
    form.put(
        "container", "vehicle", voice.code(chance.choice(("???U ####### #", "?? #####", "????#######"))), 0.75
    )
    form.put("incoterm", "incoterm", f"{chance.choice(_TERMS)} {towns[2]}", 0.6)
    form.put("origin_country", "origin", voice.fake.country().strip(), 0.6)
    form.money("declared_value", "declared", Decimal(chance.randint(500, 250000)), 0.7)
    form.put("", "date", voice.day(chance.randint(1, 6)), 0.7)
    table, total = _goods(form)
    totals = []
    if chance.random() < 0.8:
        form.truth["total_weight"] = voice.number(total, 1)
        totals.append(Entry(terms("total_weight"), form.truth["total_weight"]))
    if chance.random() < 0.8:
        form.choose("freight", "freight", {"prepaid": "prepaid", "collect": "collect"}, 0.9,
            chance.choice(("box", "strike", "ring")))  # fmt: skip
    if chance.random() < 0.7:
        form.ask("dangerous", "dangerous", 0.9)
    form.sign("consignor_signed", sender, 0.55)
    form.sign("consignee_signed", receiver, 0.5)
    form.eye_stamp("cleared", "cleared_stamp", 0.45, ("copy_stamp", "paid_stamp"))
    if chance.random() < 0.35:
        printed = voice.day(chance.randint(7, 20))
        form.truth["date_received"] = printed
        form.stamp([terms("received_stamp"), printed])
    title = terms(chance.choice(("waybill", "customs")))
    return form.facts(title, Party("", carrier if chance.random() < 0.5 else sender),
        ("boxes", "boxes", "label_above", "label_below", "beside", "two_columns"),
            parties=parties, tables=[table], totals=totals)  # fmt: skip


KIND = DocumentKind(
    "shipping_document", ("consignment_note", "waybill", "customs declaration", "Frachtbrief"), _FIELDS, make
)
