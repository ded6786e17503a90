"""The scripted backend on receipts: names over two lines, addresses among other lines, totals among other sums."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from extractors.backends.scripted import ScriptedBackend
from extractors.backends.scripted.letterhead import ends_legal, goes_on, is_place, is_registration
from schemas.document import ReadDocument
from schemas.registry import load_schema
from tests.validation.paper import paper

TAIL = """
Date: 04/03/2018

TEA                     5.00

TOTAL                   5.00
"""


def read(head: str, tail: str = TAIL) -> dict[str, Any]:
    (answer,) = ScriptedBackend().answer([paper(head + tail)], load_schema("receipt"))
    return dict(answer.data)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (
            "GREEN HILL HARDWARE\nENTERPRISE (NORTH SIDE) SDN BHD",
            "GREEN HILL HARDWARE ENTERPRISE (NORTH SIDE) SDN BHD",
        ),
        (
            "GREEN HILL HARDWARE\nENTERPRISE (NORTH\nSIDE) SDN BHD",
            "GREEN HILL HARDWARE ENTERPRISE (NORTH SIDE) SDN BHD",
        ),
        ("GREEN HILL HARDWARE\nENTERPRISE(NORTH\nSIDE)LTD", "GREEN HILL HARDWARE ENTERPRISE(NORTH SIDE)LTD"),
        ("OLD VIENNA\nOWNED BY: MASTER COOK LTD", "MASTER COOK LTD"),
        ("GRILL AM SEE\nInhaber: Koch & Sohn GmbH", "Koch & Sohn GmbH"),
        ("#000002 WHITE (M) Sdn Bhd", "WHITE (M) Sdn Bhd"),
        ("WHITE (M SDN BHD (E0118-A)", "WHITE (M SDN BHD"),
        ("BLUE LAKE VEGETARIAN\nRESTAURANT PTE LTD", "BLUE LAKE VEGETARIAN RESTAURANT PTE LTD"),
        ("OLD MILL PRINTERS\nTRADING", "OLD MILL PRINTERS TRADING"),
        ("SMITH, BROWN &\nWALKER", "SMITH, BROWN & WALKER"),
        ("HAPPY PIZZA\nROUND DOUGH FOODS SDN BHD", "ROUND DOUGH FOODS SDN BHD"),
        ("SUN PHARMACY\nRISING SUN HEALTH LTD\n(1234567-K)", "RISING SUN HEALTH LTD"),
        ("RED BARN LTD (123456-X) K0042", "RED BARN LTD"),
        ("RED BARN LTD  X", "RED BARN LTD"),
        ("MAPLE COMPANY", "MAPLE COMPANY"),
        ("OAK STATIONERYSHOP", "OAK STATIONERYSHOP"),
    ],
)
def test_a_name_is_whole_and_the_legal_one(lines: str, name: str) -> None:
    found = read(f"{lines}\nNO. 3, MILL STREET\n40150 GREENVILLE\nTEL: 03-5555 1234\n")
    assert found["company"] == name
    assert found["address"] == "NO. 3, MILL STREET 40150 GREENVILLE"


def test_the_name_is_over_the_first_address_and_not_a_note_at_the_top_or_the_customer() -> None:
    found = read(
        """\
jane smith


GREEN GIFT & HOME
GG0123456-V
12 MILL STREET
40150 GREENVILLE
TEL: 03-5555 1234
SIMPLIFIED TAX INVOICE
BIG BUYER ENGINEERING (M) SDN BHD
"""
    )
    assert found["company"] == "GREEN GIFT & HOME"
    assert found["address"] == "12 MILL STREET 40150 GREENVILLE"


def test_a_stamp_beside_a_name_is_none_of_it() -> None:
    assert (
        read("GREEN HILL CAFE   POSTED\nNO. 3, MILL STREET\n40150 GREENVILLE\n")["company"]
        == "GREEN HILL CAFE"
    )


def stamped(text: str, stamp: str) -> ReadDocument:
    """A recognised page on which one word was found in a box twice as high as those of the print beside it."""
    document = paper(text + TAIL, confidence=0.99)
    (page,) = document.pages
    words = tuple(
        replace(word, box=replace(word.box, y0=word.box.y0 - 9)) if word.text == stamp else word
        for word in page.words
    )
    return replace(document, pages=(replace(page, words=words),))


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        ("GREEN HILL ENTERPRISE POSTED", "POSTED"),
        ("(v) GREEN HILL ENTERPRISE", "(v)"),
        ("() GREEN HILL ENTERPRISE", "()"),
    ],
)
def test_handwriting_close_to_a_name_is_none_of_it(line: str, stamp: str) -> None:
    document = stamped(f"{line}\nNO. 3, MILL STREET\n40150 GREENVILLE\n", stamp)
    (answer,) = ScriptedBackend().answer([document], load_schema("receipt"))
    assert answer.data["company"] == "GREEN HILL ENTERPRISE"


def test_thanks_are_no_name() -> None:
    found = read("TQ FOR SHOPPING WITH US\nGREEN HILL\nNO. 3, MILL STREET\n40150 GREENVILLE\n")
    assert found["company"] == "GREEN HILL"


def test_a_name_and_its_address_in_one_line_are_told_apart() -> None:
    found = read("Good Wares Inc. · 7 Trade Street · 20095 Harbour\n")
    assert found["company"] == "Good Wares Inc."
    assert found["address"] == "7 Trade Street · 20095 Harbour"


@pytest.mark.parametrize(
    "between",
    [
        "CO-REG:222333-D",
        "GST REG NO: 001234567890",
        "(Co No. 222333-T) GST No. 001234567890",
        "TAX INVOICE",
        "HILL BRANCH 2",
    ],
)
def test_an_address_begins_with_its_street(between: str) -> None:
    found = read(f"GREEN HILL SDN BHD\n{between}\nLOT 12, MILL ROAD,\n40150 GREENVILLE\n")
    assert found["address"] == "LOT 12, MILL ROAD, 40150 GREENVILLE"


@pytest.mark.parametrize(
    "behind",
    [
        " TEL: 03-5555 1234",
        "\n03-5555 1234",
        "\nTEL03-55551234",
        "\n(GST ID No :000123456789)",
        "\n(NOIDGST001234567890)",
    ],
)
def test_an_address_ends_with_its_town(behind: str) -> None:
    found = read(f"GREEN HILL SDN BHD\nLOT 1234&1235 MILL ROAD,\n40150 GREENVILLE,\nWESTLAND{behind}\n")
    assert found["address"] == "LOT 1234&1235 MILL ROAD, 40150 GREENVILLE, WESTLAND"


def test_an_address_centred_under_a_wide_name_is_found() -> None:
    found = read(
        """\
A VERY WIDE NAME OF A COMPANY THAT BAKES BREAD SDN BHD
                  Lot 3, Mill Road 23/1,
                  40300 Greenville, Westland.
"""
    )
    assert found["address"] == "Lot 3, Mill Road 23/1, 40300 Greenville, Westland."


def test_a_slogan_or_a_number_is_no_address() -> None:
    assert read("GREEN HILL SDN BHD\n2223334-K\nCARRY OUT NOW\n")["address"] is None


@pytest.mark.parametrize(
    ("sums", "total"),
    [
        # What was paid less the change decides, whatever the labels say.
        (
            "Sales RM  52.08\nRounding Adj RM  .02\nFinal RM  52.10\nCASH  60.00\nCHANGE  7.90",
            "52.10",
        ),
        ("TOTAL 52.08\nAFTER ADJ 52.10\nCASH 60.00\nItems 4    Change Amt   7.90", "52.10"),
        (
            "NET AMOUNT  64.00\nTAX          3.85\nNET TOTAL   67.85\nCASH       100.00\nCHANGE      32.15",
            "67.85",
        ),
        ("TOTAL  12.46\nCASH  12.45\nCHANGE  0.00", "12.45"),
        # A change that fits nothing decides nothing.
        ("TOTAL  12.40\nCASH  50.00\nCHANGE  17.00", "12.40"),
        ("Total Incl. GST@6%     42.90\nGST @6% included in total      2.43", "42.90"),
        ("Gross Amt:  47.80\nSvr Tax      2.87\nGST (6%)     3.04\nNet Amt :   53.71", "53.71"),
        ("TOTAL (Including GST)   79.35\nTENDER   100.00\nCHANGE/BALANCE   20.65", "79.35"),
        ("SUBTOTAL   28.70\nCASH\nTHANK YOU", "28.70"),
        ("SUBTOTAL   28.70\nTAX   1.70\nTOTAL   30.40", "30.40"),
        ("AMT PAID incl. GST:  78.30\nAMT PAID excl. GST:  73.87\nGST AMT:  4.43", "78.30"),
        ("Total Incl. VAT        42.90\nVAT included in total          2.43", "42.90"),
        ("Total 0% supplies: 20.67\nTotal 6% supplies: 73.52\nTotal Payable: 94.19", "94.19"),
        ("TOTAL 45.00\nGST Summary   Amount    Tax\nS 6%           42.45    2.55", "45.00"),
        ("Total  20.00\nTotal GST   1.20\nTotal Payable   21.20", "21.20"),
    ],
)
def test_the_total_is_what_is_to_be_paid(sums: str, total: str) -> None:
    assert read("GREEN HILL SDN BHD\n", f"\nDate: 04/03/2018\n\nTEA    5.00\n\n{sums}\n")["total"] == total


def test_lines_of_a_letterhead_are_told_apart() -> None:
    assert (
        ends_legal("Green Hill Sdn. Bhd.")
        and ends_legal("Bau GmbH & Co. KG")
        and not ends_legal("Green Hill")
    )
    assert goes_on("ENTERPRISE (NORTH) SDN BHD") and goes_on("TRADING") and not goes_on("RESTAURANT LA MER")
    assert is_place("12, Mill Road") and is_place("Werkstraße 12") and is_place("40150 Greenville")
    assert not is_place("GREEN HILL SDN BHD") and not is_place("TEA 2 X 2.50")
    assert is_registration("(123456-K)") and is_registration("Co. Reg No: 222333-W")
    assert not is_registration("NO 24, 25 & 26,") and not is_registration("LOT 12345 MILL ROAD")


def test_an_address_ends_with_its_town_where_the_next_line_has_labels() -> None:
    found = read(
        "GREEN HILL CAFE\nNO. 3, MILL STREET\n40150 GREENVILLE\nNORTH COUNTY\nCARRY OUT         Pay by: CASH\n"
    )
    assert found["address"] == "NO. 3, MILL STREET 40150 GREENVILLE NORTH COUNTY"


@pytest.mark.parametrize(
    ("lines", "date"),
    [
        ("TU21- 6/72\n9555112911610   1 X 5.90   5.90\n\n06-04-16 11:53 SH01 ZJ08", "06-04-16"),
        ("MI11/3-21- 12/480   2.50\n\n16-03-18 13:49 SH01", "16-03-18"),
        ("Fee 4.24 81\n\n27/03/2018 16:54:04", "27/03/2018"),
        ("Date :23-04-2017", "23-04-2017"),
        ("DEC25 2017 09:10", "DEC25 2017"),
        ("TEA  1.00\n" * 60 + "01/04/2018 12:53   1010 005", "01/04/2018"),
        ("TEA  1.00\n" * 60 + "01/04/2018   1010 005", None),
    ],
)
def test_the_date_is_the_tills_and_no_number_of_an_article(lines: str, date: str | None) -> None:
    found = read("RED BARN LTD\n3 MILL STREET\n40150 GREENVILLE\n", f"\n{lines}\n")
    assert found["date"] == date


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        (
            "SubTotal        179.00\nGST 06%          10.74\nRounding Adj      0.01\nNet Total       189.75",
            "189.75",
        ),
        (
            "Total           99.80\nRounding Adj.    0.00\nTotal Rounded   08.66\nMastercard     -99.80",
            "99.80",
        ),
        ("Total           22.91\nRounding Adj.    -.01\nRounding RM     22.90\nCASH RM         5OO", "22.90"),
        (
            "Total          758.70\nFinal Total    753.70\nCash           760.00\nege              1.30",
            "758.70",
        ),
        (
            "Subtotal        16.98\nTax              1.02\nTOTAL           18.00\nVISA            18.00",
            "18.00",
        ),
    ],
)
def test_the_total_is_what_was_paid(lines: str, total: str) -> None:
    found = read(
        "RED BARN LTD\n3 MILL STREET\n40150 GREENVILLE\n", f"\nDate: 04/03/2018\n\nTEA    5.00\n\n{lines}\n"
    )
    assert found["total"] == total


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("gmusis\nRED BARN KEE\n(81109-A)", "RED BARN KEE"),
        ("TIMES BOOKSTORES\nGoods sold are not refundable.", "TIMES BOOKSTORES"),
        ("THE COFFEE BEAN\n& TEA LEAF (M) SDN. BHD.", "THE COFFEE BEAN & TEA LEAF (M) SDN. BHD."),
        ("TQFOR SHOPPING WITH us.com\nRED BARN KEE", "RED BARN KEE"),
    ],
)
def test_a_name_stands_over_its_registration_and_is_no_sentence(lines: str, name: str) -> None:
    assert read(f"{lines}\nNO. 3, MILL STREET\n40150 GREENVILLE\n")["company"] == name


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ("Lot NO : 20, Level UG1, Mill Hall\nNo 1, Jalan Mill, 50480 GREENVILLE", None),
        ("5, MILL STREET\n81750 GREENVILLE TEL/FAX:07-3886322", "5, MILL STREET 81750 GREENVILLE"),
    ],
)
def test_an_address_begins_with_its_lot_and_ends_before_the_telephone(
    lines: str, address: str | None
) -> None:
    assert read(f"RED BARN LTD\n{lines}\n")["address"] == (address or lines.replace("\n", " "))


def test_a_company_with_its_registration_goes_before_the_place_over_the_address() -> None:
    under = "NO. 3, MILL STREET\n40150 GREENVILLE\n"
    found = read(
        f"GREEN CENTRE\n{under}careline: 1800 88 1234\nRED BARN RETAIL SB(306295-X) FKA OLD BARN SB\n"
    )
    assert found["company"] == "RED BARN RETAIL SB"
    assert found["address"] == "NO. 3, MILL STREET 40150 GREENVILLE"


def test_the_owner_of_a_shop_with_a_registration_does_not() -> None:
    under = "NO. 3, MILL STREET\n40150 GREENVILLE\nGST ID No: 001531760640\n"
    for shop in ("GREEN HILL SHOP", "GREENHILLSHOP"):
        assert read(f"{shop}\n{under}Owned By :\nELM SUPPLY SDN BHD (1135772-K)\n")["company"] == shop


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ("RED BARN LTD\nHQ ADD: LOT 12, BATU 2, MILL STREET\n41400 GREENVILLE\n",
         "LOT 12, BATU 2, MILL STREET 41400 GREENVILLE"),
        ("RED BARN LTD\n3, Mill Street,\n21     Green Hill,\n40150 Greenville\n",
         "3, Mill Street, Green Hill, 40150 Greenville"),
        ("RED BARN LTD\nPHONE 03-80763806\nWELCOME\n20/03/2018 7:07pm RCPT NO.18252\n", None),
    ],
)  # fmt: skip
def test_an_address_is_that_alone(head: str, address: str | None) -> None:
    assert read(head)["address"] == address


def test_a_total_that_a_longer_table_of_taxes_tells_is_not_the_total() -> None:
    tail = """
Date: 04/03/2018
AMT PAID incl. GST:  RM78.30
GST AMT: RM4.43
PAID BY: CC*7186:RM78.30
GST Summary      AMT(RM)    TAX(RM)
(excl GST)
SR(6%)           73.87      4.43
ZR(0%)           0.00       0.00
EX/OS(0%)        0.00       0.00
TOTAL            73.87      4.43
"""
    head = "RED BARN LTD\nNO. 3, MILL STREET\n40150 GREENVILLE\n"
    (answer,) = ScriptedBackend().answer([paper(head + tail)], load_schema("receipt"))
    (total,) = (leaf for leaf in answer.leaves if leaf.path == "total")
    assert total.raw == "RM78.30"
    assert total.log_probability >= math.log(0.95)  # its label and the table say the same


def test_a_sum_may_be_glued_to_what_was_charged() -> None:
    tail = "\nDate: 04/03/2018\nAMT PAID: RMI1.90\nPAID BY: CC*7186:RM111.90\n"
    tail += "Summary  GST\nSR(6%)    105.57      6.33\n"
    assert read("RED BARN LTD\nNO. 3, MILL STREET\n40150 GREENVILLE\n", tail)["total"] == "RM111.90"


@pytest.mark.parametrize("label", ["Bill to\n", "Kunde:\n", ""])
def test_a_buyer_with_a_registration_is_no_seller(label: str) -> None:
    text = "Oakley & Finch\n4 Temple Gardens\n40150 Greenville\n\n"
    text += f"{label}Oak Shipping Ltd (01234567)\n8 Quay Road\n41400 Elm\n"
    (answer,) = ScriptedBackend().answer([paper(text + TAIL)], load_schema("receipt"))
    assert answer.data["company"] == "Oakley & Finch"


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        (
            "Summe 19%   30,00\nSumme 7%   11,00\nGesamtbetrag   41,00\nMwSt-Satz   Netto   MwSt\n"
            "19%   25,21   4,79\n7%   10,28   0,72\n",
            "41,00",
        ),
        ("Summe   30,00\nLieferkosten   5,00\nEndbetrag   35,00\nMwSt   Netto   Steuer\nA 20%   25,00   5,00\n",
         "35,00"),
        ("Total A   30.00\nTotal B   11.00\nTotal   41.00\nTax   Net   Tax\nA   25.00   5.00\nB   10.28   0.72\n",
         "41.00"),
    ],
)  # fmt: skip
def test_a_sum_of_one_rate_or_before_what_no_tax_is_on_is_no_total(lines: str, total: str) -> None:
    assert (
        read("RED BARN LTD\nNO. 3, MILL STREET\n40150 GREENVILLE\n", f"\nDate: 04/03/2018\n{lines}")["total"]
        == total
    )


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ("RED BARN LTD\n2-1-10, Jalan Wangsa Delima\nWangsa Maju\nTel: 03-1234567\n",
         "2-1-10, Jalan Wangsa Delima Wangsa Maju"),
        ("RED BARN LTD\n12 High Street\n40150 Greenville\nTel: 03-1234567\nADD: BACON\n",
         "12 High Street 40150 Greenville"),
    ],
)  # fmt: skip
def test_addresses_that_look_like_something_else(head: str, address: str) -> None:
    assert read(head)["address"] == address


def test_the_sums_of_a_long_table_of_items_are_believed() -> None:
    items = "\n".join(f"{name}   1   10.00   2.00   10.00" for name in ("Oak", "Elm", "Ash", "Fir", "Yew"))
    tail = f"\nDate: 04/03/2018\nDescription   Qty   Price   VAT   Amount\n{items}\nTotal   50.00   10.00   60.00\n"
    tail += "Deposit amount   20.00\nBalance due   40.00\n"
    assert read("RED BARN LTD\nNO. 3, MILL STREET\n40150 GREENVILLE\n", tail)["total"] == "60.00"
