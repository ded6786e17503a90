"""Political ad buys: a contract, an order, an invoice of two pages, and a letter that is none of them."""

from __future__ import annotations

import datetime as dt

from samples.make.paper import LETTER, Sheet, Truth

LEFT, RIGHT = 48.0, LETTER[0] - 48
PROGRAMS = (
    ("6:42 AM", "Daybreak", 145),
    ("12:18 PM", "Noon Desk", 95),
    ("5:51 PM", "Evening Edition", 310),
    ("10:34 PM", "Late Edition", 180),
)


def contract() -> tuple[bytes, Truth]:
    """A contract in boxes, as a television station's traffic system prints it."""
    truth = Truth()
    sheet = Sheet(LETTER, "Contract", "Helvetica")
    sheet.text(LEFT, 60, "PRAIRIE NINE TELEVISION", 15, bold=True)
    sheet.lines(LEFT, 76, ["1400 Transmitter Road", "Fallow Creek, NE 68000", "(402) 555-0137"], 8.5)
    sheet.text(RIGHT, 60, "CONTRACT", 15, bold=True, align="right")
    boxes = (
        (LEFT, 130, 250, [
            ("Advertiser", truth.add("advertiser", "Dana Whitlock for County Clerk (D-1182)")),
            ("Agency", "Blue Heron Media Partners"),
            ("Product", "Whitlock / General"),
            ("Buyer", "M. Aldana"),
        ]),
        (310, 130, RIGHT - 310, [
            ("Contract / Revision", truth.add("contract_num", "2291874") + " / 2"),
            ("Contract Dates", truth.add("flight_from", "09/14/26", "2026-09-14")
             + " - " + truth.add("flight_to", "10/04/26", "2026-10-04")),
            ("Original Date", "08/28/26"),
            ("Billing Cycle", "EOM/EOC"),
        ]),
    )  # fmt: skip
    for x, y, width, rows in boxes:
        sheet.box(x, y, width, 84)
        for index, (label, value) in enumerate(rows):
            sheet.text(x + 6, y + 16 + 19 * index, label, 8, bold=True)
            sheet.text(x + 88, y + 16 + 19 * index, value, 8.5)
    columns = ((LEFT + 4, "Line", "left"), (84, "Ch", "left"), (112, "Start", "left"), (166, "End", "left"),
               (220, "Description", "left"), (400, "Spots/Week", "right"), (470, "Rate", "right"),
               (RIGHT - 4, "Amount", "right"))  # fmt: skip
    sheet.box(LEFT, 232, RIGHT - LEFT, 18, fill="#e6e6e6")
    sheet.row(244, columns, 8, bold=True)
    y = 264.0
    for cells in (
        ("1", "P9", "09/14/26", "09/20/26", "M-F Early News 6a-7a", "10", "$85.00", "$850.00"),
        ("2", "P9", "09/14/26", "09/27/26", "M-F Noon Report", "5", "$120.00", "$1,200.00"),
        ("3", "P9", "09/21/26", "10/04/26", "M-Su Prime Rotation 7p-10p", "7", "$410.00", "$5,740.00"),
        ("4", "P9", "09/28/26", "10/04/26", "Sa-Su Late Sports", "4", "$275.00", "$1,100.00"),
    ):
        sheet.row(y, [(x, text, align) for (x, _, align), text in zip(columns, cells, strict=True)], 8)
        y += 16
    sheet.rule(LEFT, y - 4, RIGHT)
    for label, amount in (
        ("Total Spots", "38"),
        ("Gross Amount", truth.add("gross_amount", "$8,890.00", "8890.00")),
        ("Agency Commission 15%", "($1,333.50)"),
        ("Net Amount", "$7,556.50"),
    ):
        sheet.row(y + 12, [(470, label, "right"), (RIGHT - 4, amount, "right")], 8.5, bold=True)
        y += 14
    sheet.text(LEFT, 700, "The station does not discriminate in the sale of advertising time.", 7.5)
    return sheet.pdf(), truth


def order() -> tuple[bytes, Truth]:
    """A radio order, labels and values in one column, month names written out."""
    truth = Truth()
    sheet = Sheet(LETTER, "Broadcast order", "Vera")
    sheet.text(LETTER[0] / 2, 64, "LAKESHORE RADIO 101.9", 16, bold=True, align="center")
    sheet.text(LETTER[0] / 2, 82, "Broadcast Order Confirmation", 11, align="center")
    sheet.rule(LEFT, 94, RIGHT, 1.2)
    y = 122.0
    for label, value in (
        ("Order #", truth.add("contract_num", "LR-40558")),
        ("Advertiser", truth.add("advertiser", "Citizens for Safer Bridges PAC")),
        ("Contact", "P. Ferrand, Treasurer"),
        ("Flight Start", truth.add("flight_from", "Oct 5, 2026", "2026-10-05")),
        ("Flight End", truth.add("flight_to", "Nov 2, 2026", "2026-11-02")),
        ("Account Executive", "Tobias Lindqvist"),
        ("Spot Length", ":30 and :60"),
    ):
        sheet.text(LEFT, y, label + ":", 10, bold=True)
        sheet.text(LEFT + 120, y, value, 10)
        y += 18
    sheet.rule(LEFT, y, RIGHT)
    head = ((LEFT, "Daypart", "left"), (250, "Weeks", "right"), (330, "Spots", "right"),
            (430, "Unit Rate", "right"),
            (RIGHT, "Total", "right"))  # fmt: skip
    sheet.row(y + 18, head, 9.5, bold=True)
    y += 36
    for cells in (
        ("Morning Drive 6-10a", "4", "40", "62.00", "2,480.00"),
        ("Midday 10a-3p", "4", "32", "38.00", "1,216.00"),
        ("Afternoon Drive 3-7p", "4", "40", "55.00", "2,200.00"),
        ("Weekend", "4", "16", "24.00", "384.00"),
    ):
        sheet.row(y, [(x, text, align) for (x, _, align), text in zip(head, cells, strict=True)], 9.5)
        y += 17
    sheet.rule(LEFT, y - 6, RIGHT)
    total = truth.add("gross_amount", "6,280.00", "6280.00")
    sheet.row(y + 10, [(430, "Gross Order Total", "right"), (RIGHT, total, "right")], 10.5, bold=True)
    sheet.text(LEFT, y + 70, "Accepted for advertiser: ______________________     Date: ____________", 9.5)
    return sheet.pdf(), truth


def invoice() -> tuple[bytes, Truth]:
    """An invoice of two pages: every spot that ran, the sum on the second page."""
    truth = Truth()
    sheet = Sheet(LETTER, "Invoice", "Helvetica")
    columns = ((LEFT, "Date", "left"), (116, "Day", "left"), (150, "Time", "left"), (216, "Program", "left"),
               (400, "Length", "right"), (RIGHT, "Rate", "right"))  # fmt: skip
    spots = []
    for day in range(13, 27):
        weekday = dt.date(2026, 5, day).strftime("%a")[:2]
        spots.append((day, weekday, *PROGRAMS[day % len(PROGRAMS)]))
        spots.append((day, weekday, "8:15 PM", "Summit Movie Night", 225))
    gross = sum(rate for *_, rate in spots)
    shown = f"{gross:,}.00"
    number = truth.add("contract_num", "77120-3")
    for page, rows in enumerate((spots[:22], spots[22:]), start=1):
        sheet.text(LEFT, 58, "SUMMIT 24 BROADCASTING", 14, bold=True)
        sheet.text(RIGHT, 58, "INVOICE", 14, bold=True, align="right")
        sheet.row(
            74,
            [
                (LEFT, "210 Ridge Plaza, Summit Falls, CO 80000", "left"),
                (RIGHT, f"Page {page} of 2", "right"),
            ],
        )
        y = 104.0
        if page == 1:
            for left, right in (
                (
                    ("Advertiser", truth.add("advertiser", "Committee to Elect R. Okonjo")),
                    ("Invoice #", number),
                ),
                (("Agency", "(direct)"), ("Invoice Date", "05/31/26")),
                (("Product", "Okonjo / Primary"), ("Invoice Period", period(truth))),
            ):
                for x, (label, value) in ((LEFT, left), (330, right)):
                    sheet.text(x, y, label, 9, bold=True)
                    sheet.text(x + 84, y, value, 9)
                y += 16
            y += 14
        sheet.row(y, columns, 8.5, bold=True)
        sheet.rule(LEFT, y + 5, RIGHT)
        y += 20
        for day, weekday, time, program, rate in rows:
            cells = (f"05/{day:02d}/26", weekday, time, program, ":30", f"{rate}.00")
            sheet.row(y, [(x, text, align) for (x, _, align), text in zip(columns, cells, strict=True)], 8.5)
            y += 17
        if page == 1:
            sheet.text(RIGHT, 750, "continued on page 2", 8, align="right")
            sheet.page()
    sheet.rule(LEFT, y - 6, RIGHT)
    sheet.row(y + 12, [(LEFT, f"Spots aired: {len(spots)}", "left"), (430, "Gross Total", "right"),
                       (RIGHT, truth.add("gross_amount", shown, f"{gross}.00"), "right")],
              10, bold=True)  # fmt: skip
    sheet.row(y + 28, [(430, "Agency Commission", "right"), (RIGHT, "0.00", "right")])
    sheet.row(y + 44, [(430, "Amount Due", "right"), (RIGHT, shown, "right")])
    return sheet.pdf(), truth


def period(truth: Truth) -> str:
    """The invoice's period, recorded as the flight."""
    first, last = (
        truth.add("flight_from", "05/13/26", "2026-05-13"),
        truth.add("flight_to", "05/26/26", "2026-05-26"),
    )
    return f"{first} - {last}"


def station_letter() -> bytes:
    """A letter in the station's file: words enough, but no ad buy."""
    sheet = Sheet(LETTER, "Letter", "Helvetica")
    sheet.text(LEFT, 70, "Fallow Creek Community Garden", 14, bold=True)
    sheet.text(LEFT, 86, "Spring newsletter", 10)
    paragraphs = (
        "Dear friends and neighbours,",
        "The frost has left the beds and the first radishes are up. Thank you to everyone who",
        "turned the compost in the rain. The tool shed has a new door, painted by the children",
        "of the after-school group, and the rain barrels are full.",
        "",
        "Please remember to water the seedlings in the cold frame before the afternoon sun",
        "reaches them. Tomatoes go out when the nights stay mild. If you would like to share a",
        "plot, leave a note in the box at the gate.",
        "",
        "Our harvest supper will be held under the walnut tree. Bring a bowl, a spoon and a story.",
        "",
        "With green thumbs,",
        "the garden council",
    )
    sheet.lines(LEFT, 124, paragraphs, 11, 1.55)
    return sheet.pdf()
