"""What labels mean: words of business documents in several languages, folded into a few concepts.

``Rechnungsdatum``, ``Invoice date`` and ``date_of_issue`` all become ``{doc, date}`` or near it, so that the
label of a value can be compared with the name and description of a field.
"""

from __future__ import annotations

import re
from functools import lru_cache

from extractors.validation.text import text_key

_TABLE = """
amount: total totals amount amt sum betrag summe gesamt gesamtbetrag endbetrag montant importe totale totaal
  bedrag suma balance jumlah endsumme gesamtsumme zahlbetrag rechnungsbetrag positionssumme nettobetrag
  bruttobetrag nettowert entgelt positionsbetrag
date: date dated datum fecha data tarikh dato datedoc
time: time uhrzeit zeit heure hora ora tijd
number: number numbers no nos nr num nummer numero nbr nro nome
reference: reference ref referenz riferimento referencia reference
id: id ident identification identifier uid code registration reg regno
doc: document doc invoice inv rechnung facture factura fattura factuur bill receipt faktura fatura beleg slip
  contract vertrag contrat contratto contrato agreement overeenkomst umowa memo gutschrift avoir waybill
due: due payable fallig faellig falligkeit echeance vencimiento scadenza vervaldatum zahlbar fallige solde
  zahlbetrag zahlungsziel outstanding restbetrag restant
open: open offen offener offene openstaand openstaande
net: net neto takehome netto subtotal sub ht zwischensumme imponibile neto untaxed taxable basis nettobetrag warenwert
gross: gross brutto bruto grand ttc final bruttobetrag
tax: tax taxes vat gst mwst ust tva iva btw steuer sst umsatzsteuer mehrwertsteuer hst pst ustid
incl: incl inclusive including inkl included enthalten compris
excl: excl exclusive excluding exkl zzgl ohne hors without before
buyer: buyer customer client kunde kunden kaufer kaeufer rechnungsempfanger leistungsempfanger purchaser
  acheteur cliente klant debitor recipient invoicee auftraggeber rechnungsanschrift rechnungsadresse empfanger
  destinataire destinatario facturado committente cessionario nabywca afnemer comprador
seller: seller vendor supplier company issuer merchant shop store verkaufer verkaeufer lieferant fournisseur
  proveedor fornitore verkoper issued biller absender rechnungsersteller rechnungssteller leistungserbringer emetteur
  vendeur cedente emittente emisor vendedor sprzedawca leverancier creancier
name: name names nom nombre naam firma
address: address addr anschrift adresse direccion indirizzo adres adress alamat
order: order orders ordered bestellung bestellnummer commande pedido ordine po bestell auftrag purchase
quantity: quantity qty units menge quantite cantidad anzahl quantita aantal qte qnty
price: price preis prix precio prezzo prijs rate cost einzelpreis preise uprice
unit: unit units einheit unite einzel each einzelpreis unitaire unitario uprice
description: description item items article artikel bezeichnung designation product produkt
  produit produits prodotto producto produto prestation particulars
  service services libelle descripcion desc beschreibung leistung goods descrizione omschrijving
  artikelbezeichnung details
delivery: delivery deliver delivered ship shipping shipment shipped dispatched dispatch
  despatch despatched liefer lieferung livraison lieferdatum
  leistungsdatum consegna warenempfanger lieferanschrift lieferadresse entrega envio albaran ddt levering dostawa
  dostawy zustellung
payment: payment paid pay zahlung paiement pago tendered cash change card visa mastercard zahlungsreferenz
  skonto prepaid prepayment
discount: discount rabatt remise sconto descuento savings allowance
rounding: rounding rounded round rundung arrondi redondeo arrotondamento afronding pembundaran
percent: percent rate satz prozent
terms: terms zahlungsbedingungen zahlungsbedingung conditions zahlungsziel
phone: phone tel telephone telefon fax mobile hp
mail: email mail web www website http https homepage
line: line position pos zeile ligne
currency: currency wahrung waehrung devise moneda valuta
iban: iban
bic: bic swift
issue: issue issued ausgestellt erstellt emission
bank: bank konto kontonummer account
from: from von de beginn start begin starts begins effective commencement commences origin departure departs
  abreise abfahrt partenza salida depart vertrek inizio inicio debut aanvang ab
until: until bis end ende to ends expires expiry expiration destination arr arrival arrives ankunft arrivo llegada
  arrivee aankomst scade fin fine einde
advertiser: advertiser
opening: opening previous vortrag anfangssaldo anterieur precedente anterior vorig poprzedni
closing: closing endsaldo nouveau nuovo nuevo nieuw koncowe endstand schlusssaldo
credits: credit credits deposit deposits gutschriften crediti abonos bijschrijvingen uznania
debits: debit debits withdrawal withdrawals lastschriften addebiti cargos afschrijvingen obciazenia
birth: birth born dob geboren geburtsdatum geburtstag geburt naissance nascita nato nacimiento geboorte geboortedatum
  urodzenia urodzony
holder: holder policyholder insured accountholder cardholder subscriber versicherungsnehmer versicherter
  kontoinhaber inhaber assure titulaire souscripteur assicurato contraente titolare intestatario asegurado tomador
  titular verzekerde verzekeringnemer rekeninghouder ubezpieczony ubezpieczajacy posiadacz
employee: employee staff payroll personnel mitarbeiter arbeitnehmer salarie dipendente empleado trabajador
  werknemer pracownik personalnummer
employer: employer arbeitgeber employeur datore empleador werkgever pracodawca
patient: patient patientin paziente paciente pacjent
doctor: doctor physician practitioner arzt hausarzt medecin medico arts huisarts lekarz
shipper: consignor shipper exporter sender absender versender expediteur mittente remitente afzender nadawca
consignee: consignee receiver importer destinataire
passenger: passenger traveller traveler fahrgast reisender passager passeggero pasajero viajero reiziger pasazer
packages: packages package parcels parcel pallets kolli colli packstucke colis bultos pacchi paczki
origin: origin ursprung origine origen origem pochodzenia
sample: sample specimen probe muestra echantillon campione probka
venue: venue location veranstaltungsort spielort lieu luogo lugar locatie miejsce
event: event show performance veranstaltung spectacle evento espectaculo evenement wydarzenie
fee: fee surcharge gebuhr frais commissione gastos kosten oplata
policy: policy police polizza poliza polis polisa versicherungsschein
deductible: deductible excess selbstbeteiligung selbstbehalt franchise franchigia franquicia
premium: premium pramie prime premio prima premie skladka
period: period zeitraum abrechnungszeitraum periode periodo okres
usage: usage used consumption verbrauch consommation consumo verbruik zuzycie
weight: weight gewicht poids peso waga
wages: wages salary pay lohn gehalt salaire stipendio salario loon wynagrodzenie
insurer: insurer versicherer assureur assicuratore aseguradora verzekeraar ubezpieczyciel
carrier: carrier haulier spediteur frachtfuhrer transporteur vettore transportista vervoerder przewoznik
seat: seat sitz sitzplatz platz place posto asiento stoel zitplaats miejsce
yours: your ihre ihr votre vos su vostro vostra uw vossa
"""
# Parts of German (and a few other) compounds, longest first: Rechnungsnummer, Fälligkeitsdatum, Nettobetrag.
_STEMS = {
    "rechnung": "doc",
    "beleg": "doc",
    "invoice": "doc",
    "bestell": "order",
    "auftrag": "order",
    "fallig": "due",
    "faellig": "due",
    "nummer": "number",
    "datum": "date",
    "betrag": "amount",
    "summe": "amount",
    "gesamt": "amount",
    "netto": "net",
    "brutto": "gross",
    "steuer": "tax",
    "mwst": "tax",
    "ustid": "tax id",
    "rabatt": "discount",
    "rundung": "rounding",
    "fracht": "delivery",
    "versand": "delivery",
    "kunde": "buyer",
    "kaufer": "buyer",
    "liefer": "delivery",
    "leistung": "delivery",
    "vertrag": "doc",
    "zahlung": "payment",
    "bezeichnung": "description",
    "beschreibung": "description",
    "preis": "price",
    "einzel": "unit",
    "menge": "quantity",
    "einheit": "unit",
    "anschrift": "address",
    "adresse": "address",
    "referenz": "reference",
}
_STOP_WORDS = """
the a an of or and as in on at by for with is are was be to this that which who it its when where any all
printed print document documents value field text give extract find return kept full usually e g i eg ie etc often
der die das des den dem und oder von im am zum zur pro la le les el los un une una et ou y o
"""
STOP = frozenset(_STOP_WORDS.split())

MODIFIERS = frozenset(
    {"due", "tax", "net", "buyer", "delivery", "unit", "order", "discount", "rounding", "payment", "price"}
    | {"quantity", "percent", "id", "iban", "bic", "phone", "mail", "address", "bank", "currency", "terms"}
    | {"seller", "time", "opening", "closing", "credits", "debits", "birth"}
)
"""Concepts that tell fields of one kind apart: a due date is no date of issue, a net total no gross total."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPLIT = re.compile(r"[^\W_]+")
_RATE = re.compile(r"[^\w\s]?\d{1,2}(?:[.,]\d+)?%$")
"""A rate glued to the name of a tax: ``GST@6%``, ``VAT20%``."""


def _load(table: str) -> dict[str, frozenset[str]]:
    words: dict[str, set[str]] = {}
    concept = ""
    for line in table.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon:
            concept = head.strip()
        for word in (rest if colon else line).split():
            words.setdefault(text_key(word), set()).add(concept)
    return {word: frozenset(concepts) for word, concepts in words.items()}


_WORDS = _load(_TABLE)


@lru_cache(maxsize=16_384)
def concepts_of(word: str) -> frozenset[str]:
    """The concepts of one word; empty for a word that labels nothing known."""
    key = text_key(word)
    if not key:
        return frozenset({"number"}) if word.strip(":. ") in ("#", "№", "n°", "n.º") else frozenset()
    if key in _WORDS:
        return _WORDS[key]
    if key.isdigit() or len(key) < 5:
        return frozenset()
    found = {concept for stem, names in _STEMS.items() if stem in key for concept in names.split()}
    if found and key.endswith("nr"):
        found.add("number")
    if not found and key.endswith("s"):
        return _WORDS.get(key[:-1], frozenset())
    return frozenset(found)


def parts_of(text: str) -> list[str]:
    """The words of a label or a name: ``Kunden-Nr.`` and ``orderDate`` have two each."""
    return _SPLIT.findall(_CAMEL.sub(" ", text))


@lru_cache(maxsize=16_384)
def label_concepts(word: str) -> frozenset[str]:
    """The concepts of a printed word and of its parts (``Rechnungs-Nr.:``); of ``Käufer/Empfänger`` those of both."""
    word = _RATE.sub("", word) or word
    parts = parts_of(word) if len(word) <= 60 else []
    meant = [concepts_of(part) for part in parts]
    if "/" in word and len(parts) > 1 and all(meant):
        return frozenset().union(*meant)
    whole = concepts_of(word)
    if whole or len(word) > 40 or len(parts) < 2 or any(part.isdigit() for part in parts):
        return whole
    return frozenset().union(*meant)


def raw_words(text: str) -> frozenset[str]:
    """Words of a text that are no stop words, folded; what an unknown field has instead of concepts."""
    return frozenset(key for part in parts_of(text) if (key := text_key(part)) and key not in STOP)
