"""Shop receipts: four layouts."""

from __future__ import annotations

from samples.make.paper import MM, Sheet, Truth

ROLL = 80 * MM


def petrol_station() -> tuple[bytes, Truth]:
    """A till receipt that was sent by e-mail as a PDF."""
    truth = Truth()
    sheet = Sheet((ROLL, 135 * MM), "Receipt", "Courier")
    middle, right = ROLL / 2, ROLL - 14
    y = sheet_header(
        sheet,
        [truth.add("company", "NORTHMERE FUEL & GO LTD"), "Co. Reg. 0918822-K"],
        ["Unit 4, Ring Road East", "47300 Northmere", "Tel 03-5550 1920"],
    )
    truth.add("address", "Unit 4, Ring Road East 47300 Northmere")
    sheet.text(middle, y + 6, "TAX INVOICE", 11, bold=True, align="center")
    y += 26
    for label, value in (
        ("Receipt no.", "00418-77123"),
        ("Date", truth.add("date", "18/02/2026", "2026-02-18") + "  07:41"),
        ("Pump", "06"),
        ("Cashier", "Self service"),
    ):
        sheet.row(y, [(14, label, "left"), (right, value, "right")], 8.5)
        y += 12
    y = dashes(sheet, y)
    for left, amount in (("Unleaded 95", "71.34"), ("  34.80 L x 2.05", ""), ("Coffee large", "2.90")):
        sheet.row(y, [(14, left, "left"), (right, amount, "right")], 8.5)
        y += 12
    y = dashes(sheet, y)
    for left, amount in (("Subtotal", "74.24"), ("incl. GST 6%", "4.20"), ("Rounding", "0.01")):
        sheet.row(y, [(14, left, "left"), (right, amount, "right")], 8.5)
        y += 12
    sheet.row(y + 4, [(14, "TOTAL", "left"), (right, truth.add("total", "74.25"), "right")], 12, bold=True)
    sheet.row(y + 20, [(14, "VISA ****4417", "left"), (right, "74.25", "right")], 8.5)
    sheet.text(middle, y + 46, "Thank you, drive safely", 8.5, align="center")
    return sheet.pdf(), truth


def bakery() -> tuple[bytes, Truth]:
    """A narrow thermal receipt."""
    truth = Truth()
    sheet = Sheet((72 * MM, 120 * MM), "Receipt", "Courier")
    middle, right = 36 * MM, 72 * MM - 12
    sheet.text(middle, 30, truth.add("company", "Harbour Lane Bakery"), 12, bold=True, align="center")
    for index, line in enumerate(("12 Harbour Lane", "Eastwick, EW4 2PL")):
        sheet.text(middle, 46 + 12 * index, line, 9, align="center")
    truth.add("address", "12 Harbour Lane Eastwick, EW4 2PL")
    y = dashes(sheet, 74, 12, right)
    sheet.text(12, y, truth.add("date", "05.03.2026", "2026-03-05"), 9)
    sheet.text(right, y, "10:22", 9, align="right")
    y = dashes(sheet, y + 14, 12, right)
    for count, name, amount in (
        ("2", "Sourdough loaf", "9.60"),
        ("4", "Cinnamon roll", "11.20"),
        ("1", "Seed crackers", "3.75"),
        ("1", "Oat milk 1l", "2.40"),
    ):
        sheet.row(y, [(12, count, "left"), (28, name, "left"), (right, amount, "right")])
        y += 13
    y = dashes(sheet, y + 2, 12, right)
    sheet.row(
        y + 4, [(12, "TOTAL GBP", "left"), (right, truth.add("total", "26.95"), "right")], 12, bold=True
    )
    sheet.row(y + 22, [(12, "Cash", "left"), (right, "30.00", "right")])
    sheet.row(y + 35, [(12, "Change", "left"), (right, "3.05", "right")])
    sheet.text(middle, y + 62, "baked every morning", 9, align="center")
    return sheet.pdf(), truth


def hardware_shop() -> tuple[bytes, Truth]:
    """A receipt printed on a sheet, with the shop's name in a box."""
    truth = Truth()
    sheet = Sheet((105 * MM, 148 * MM), "Cash bill", "Helvetica")
    width = 105 * MM
    sheet.box(20, 20, width - 40, 62)
    sheet.text(
        width / 2, 40, truth.add("company", "BRACKENFORD HARDWARE SDN BHD"), 12, bold=True, align="center"
    )
    sheet.text(width / 2, 56, "No. 17 Jalan Kilang 3, Taman Brackenford,", 8.5, align="center")
    sheet.text(width / 2, 68, "81100 Johor", 8.5, align="center")
    truth.add("address", "No. 17 Jalan Kilang 3, Taman Brackenford, 81100 Johor")
    sheet.text(20, 104, "CASH BILL", 11, bold=True)
    sheet.text(width - 20, 104, "No: CB 20931", 9, align="right")
    sheet.text(width - 20, 118, "Date: " + truth.add("date", "27-01-2026", "2026-01-27"), 9, align="right")
    columns = (24, 170, 215, width - 24)
    header = [(columns[0], "Item", "left"), (columns[1], "Qty", "right"), (columns[2], "Price", "right")]
    sheet.row(140, [*header, (columns[3], "Amount", "right")], 8.5, bold=True)
    sheet.rule(20, 145, width - 20)
    y = 160.0
    for item, quantity, price, amount in (
        ("PVC pipe 20mm", "6", "4.50", "27.00"),
        ("Elbow joint 20mm", "12", "0.80", "9.60"),
        ("Masonry drill bit 8mm", "2", "6.90", "13.80"),
        ("Silicone sealant", "3", "8.20", "24.60"),
    ):
        cells = [(columns[0], item, "left"), (columns[1], quantity, "right"), (columns[2], price, "right")]
        sheet.row(y, [*cells, (columns[3], amount, "right")], 8.5)
        y += 15
    sheet.rule(20, y - 6, width - 20)
    sheet.row(y + 8, [(columns[2], "Sub total", "right"), (columns[3], "75.00", "right")])
    sheet.row(y + 22, [(columns[2], "Discount", "right"), (columns[3], "-5.00", "right")])
    total = truth.add("total", "70.00")
    sheet.row(y + 40, [(columns[2], "TOTAL RM", "right"), (columns[3], total, "right")], 11, bold=True)
    sheet.text(24, y + 78, "Goods sold are not returnable.", 7.5)
    return sheet.pdf(), truth


def restaurant() -> tuple[bytes, Truth]:
    """A guest bill with service charge; no address on it."""
    truth = Truth()
    sheet = Sheet((ROLL, 125 * MM), "Bill", "Vera")
    middle, right = ROLL / 2, ROLL - 16
    sheet.text(middle, 34, truth.add("company", "Olive & Ember Kitchen"), 13, bold=True, align="center")
    truth.absent("address")
    sheet.text(middle, 50, "Guest bill", 9, align="center")
    sheet.row(
        74, [(16, "Table 14", "left"), (right, truth.add("date", "14 Feb 2026", "2026-02-14"), "right")]
    )
    sheet.row(87, [(16, "Guests 2", "left"), (right, "20:17", "right")])
    y = dashes(sheet, 100, 16, right)
    for name, amount in (
        ("Mezze platter", "18.50"),
        ("Charred cauliflower", "14.00"),
        ("Lamb shoulder", "23.50"),
        ("Sparkling water", "5.00"),
        ("House red, glass x2", "17.00"),
    ):
        sheet.row(y, [(16, name, "left"), (right, amount, "right")])
        y += 14
    y = dashes(sheet, y + 2, 16, right)
    sheet.row(y, [(16, "Food and drinks", "left"), (right, "78.00", "right")])
    sheet.row(y + 14, [(16, "Service 10%", "left"), (right, "7.80", "right")])
    sheet.row(y + 34, [(16, "To pay", "left"), (right, truth.add("total", "85.80"), "right")], 12, bold=True)
    sheet.text(middle, y + 66, "Service is shared by the whole team.", 7.5, align="center")
    return sheet.pdf(), truth


def pharmacy() -> tuple[bytes, Truth]:
    """A receipt in capitals, as a fax or a one-bit archive scan keeps it."""
    truth = Truth()
    sheet = Sheet((ROLL, 110 * MM), "Receipt", "Courier")
    right = ROLL - 14
    y = sheet_header(
        sheet,
        [truth.add("company", "CEDAR GROVE PHARMACY")],
        ["88 MARKET STREET", "CEDAR GROVE 2150"],
    )
    truth.add("address", "88 MARKET STREET CEDAR GROVE 2150")
    sheet.text(14, y + 4, truth.add("date", "09/12/2025", "2025-12-09") + " 16:05  TILL 2", 9)
    y = dashes(sheet, y + 18)
    for name, amount in (("VITAMIN D 60 TAB", "15.95"), ("PLASTERS ASST", "6.40"), ("NASAL SPRAY", "9.15")):
        sheet.row(y, [(14, name, "left"), (right, amount, "right")])
        y += 13
    y = dashes(sheet, y + 2)
    sheet.row(
        y + 2, [(14, "AMOUNT DUE", "left"), (right, truth.add("total", "31.50"), "right")], 11, bold=True
    )
    sheet.row(y + 18, [(14, "EFTPOS", "left"), (right, "31.50", "right")])
    return sheet.pdf(), truth


def sheet_header(sheet: Sheet, names: list[str], address: list[str]) -> float:
    """A centred head: names in bold, address below; the baseline after it."""
    y = 28.0
    for name in names[:1]:
        sheet.text(sheet.width / 2, y, name, 11, bold=True, align="center")
        y += 13
    for line in [*names[1:], *address]:
        sheet.text(sheet.width / 2, y, line, 8.5, align="center")
        y += 11
    return y + 4


def dashes(sheet: Sheet, y: float, x0: float = 14, x1: float = ROLL - 14) -> float:
    """A dashed rule; the baseline after it."""
    sheet.rule(x0, y - 4, x1, 0.7, (3, 2))
    return y + 10
