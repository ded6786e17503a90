"""Files built to hang, kill or fool a reader, each in a few lines; made when the tests run."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

Make = Callable[[Path], None]


def page_with(path: Path, *, text: str = "Total 1,234.50 EUR", **keys: object) -> pikepdf.Pdf:
    """A printed page, opened for changes."""
    canvas = Canvas(str(path), pagesize=(400, 300))
    canvas.drawString(60, 200, text)
    canvas.save()
    pdf = pikepdf.open(path, allow_overwriting_input=True)
    for key, value in keys.items():
        pdf.pages[0].obj[f"/{key}"] = value
    return pdf


def _raw(body: bytes) -> Make:
    return lambda path: void(path.write_bytes(body))


def void(_: object) -> None:
    """Forgets a result."""


def _deflated_instructions(path: Path) -> None:
    with page_with(path) as pdf:
        packed = zlib.compress(b"0 0 m 1 1 l S\n" * (16 << 20), 1)
        stream = pikepdf.Stream(pdf, b"")
        stream.write(packed, filter=Name.FlateDecode)
        pdf.pages[0].obj.Contents = pdf.make_indirect(stream)
        pdf.save(path)


def _deflated_twice(path: Path) -> None:
    with page_with(path) as pdf:
        packed = zlib.compress(zlib.compress(b" " * (128 << 20), 1), 9)
        stream = pikepdf.Stream(pdf, b"")
        stream.write(packed, filter=Array([Name.FlateDecode, Name.FlateDecode]))
        pdf.pages[0].obj.Contents = pdf.make_indirect(stream)
        pdf.save(path)


def _forms_within_forms(path: Path) -> None:
    """Each form draws the next ten times: ten thousand million rectangles."""
    with page_with(path) as pdf:
        inner = pdf.make_stream(b"0 0 1 1 re f", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9])
        for _ in range(10):
            inner = pdf.make_stream(
                b"/X Do " * 10,
                Type=Name.XObject,
                Subtype=Name.Form,
                BBox=[0, 0, 9, 9],
                Resources=Dictionary(XObject=Dictionary(X=inner)),
            )
        pdf.pages[0].Resources.XObject = Dictionary(X=inner)
        pdf.pages[0].contents_add(b"/X Do", prepend=False)
        pdf.save(path)


def _form_in_itself(path: Path) -> None:
    with page_with(path) as pdf:
        form = pdf.make_stream(b"/X Do", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9])
        form.Resources = Dictionary(XObject=Dictionary(X=form))
        pdf.pages[0].Resources.XObject = Dictionary(X=form)
        pdf.pages[0].contents_add(b"/X Do", prepend=False)
        pdf.save(path)


def _enormous_image(path: Path, name: str = "FlateDecode") -> None:
    with page_with(path) as pdf:
        image = pikepdf.Stream(pdf, b"")
        image.write(zlib.compress(b"\0" * 100_000), filter=Name(f"/{name}"))
        for key, value in {"Width": 90_000, "Height": 90_000, "BitsPerComponent": 8}.items():
            image[f"/{key}"] = value
        image.Type, image.Subtype, image.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
        pdf.pages[0].Resources.XObject = Dictionary(I=pdf.make_indirect(image))
        pdf.pages[0].contents_add(b"q 400 0 0 300 0 0 cm /I Do Q", prepend=True)
        pdf.save(path)


def _page_tree_in_itself(path: Path) -> None:
    with page_with(path) as pdf:
        pdf.Root.Pages.Kids.append(pdf.Root.Pages)
        pdf.Root.Pages.Count = 2
        pdf.save(path)


def _page_tree_fan(path: Path) -> None:
    """Ten nodes, each ten times the next: a thousand million pages in a kilobyte."""
    with page_with(path) as pdf:
        node = pdf.pages[0].obj
        for level in range(9):
            node = pdf.make_indirect(
                Dictionary(Type=Name.Pages, Kids=Array([node] * 10), Count=10 ** (level + 1))
            )
        pdf.Root.Pages = node
        pdf.save(path)


def _claims_pages(path: Path) -> None:
    with page_with(path) as pdf:
        pdf.Root.Pages.Count = 2_000_000_000
        pdf.save(path)


def _no_pages(path: Path) -> None:
    with page_with(path) as pdf:
        del pdf.pages[0]
        pdf.save(path)


def _xref_loop(path: Path) -> None:
    page_with(path).close()
    data = path.read_bytes()
    start = data[data.rindex(b"startxref") + 9 :].split()[0]
    path.write_bytes(data.replace(b"trailer\n<<", b"trailer\n<< /Prev " + start, 1))


def _font_in_itself(path: Path) -> None:
    with page_with(path) as pdf:
        font = pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type3,
                FontBBox=[0, 0, 9, 9],
                FontMatrix=[1, 0, 0, 1, 0, 0],
                FirstChar=97,
                LastChar=97,
                Widths=[9],
                Encoding=Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a])),
            )
        )
        font.CharProcs = Dictionary(a=pdf.make_stream(b"9 0 d0 BT /F 9 Tf (a) Tj ET"))
        font.Resources = Dictionary(Font=Dictionary(F=font))
        pdf.pages[0].Resources.Font = Dictionary(F=font)
        pdf.pages[0].contents_add(b"BT /F 9 Tf (aaaa) Tj ET", prepend=False)
        pdf.save(path)


def _huge_page(path: Path) -> None:
    with page_with(path, MediaBox=[0, 0, 2_000_000, 2_000_000]) as pdf:
        pdf.save(path)


def _thin_page(path: Path) -> None:
    with page_with(path, MediaBox=[0, 0, 14_400, 0.5]) as pdf:
        pdf.save(path)


def _box_of_nonsense(path: Path) -> None:
    with page_with(path, MediaBox=[0, 0, 0, 0], CropBox=[900, -5, 900, 3], Rotate=17) as pdf:
        pdf.save(path)


def _deep_arrays(path: Path) -> None:
    with page_with(path) as pdf:
        pdf.save(path)
    data = path.read_bytes()
    deep = b"[" * 100_000 + b"]" * 100_000
    path.write_bytes(data.replace(b"/Rotate 0", b"/Rotate 0 /Deep " + deep, 1))


def _operators_without_end(path: Path) -> None:
    with page_with(path) as pdf:
        pdf.pages[0].contents_add(b"q " * 300_000 + b"(" * 300_000, prepend=True)
        pdf.save(path)


def _picture(mode: str, suffix: str) -> Make:
    def make(path: Path) -> None:
        Image.new(mode, (300, 200), 255 if mode in ("I;16", "L", "1") else None).save(path, suffix)

    return make


def _png_bomb(path: Path) -> None:
    """A picture of 60,000 by 60,000 pixels, by its head; there are no pixels."""
    Image.new("1", (10, 10)).save(path, "PNG")
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)


def _endless_tiff(path: Path) -> None:
    """A TIFF whose only frame names itself as the next."""
    Image.new("L", (40, 40), 255).save(path, "TIFF")
    data = bytearray(path.read_bytes())
    first = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[first : first + 2], "little")
    after = first + 2 + 12 * entries
    data[after : after + 4] = first.to_bytes(4, "little")
    path.write_bytes(data)


def _many_frames(path: Path) -> None:
    frame = Image.new("1", (20, 20), 1)
    frame.save(path, "TIFF", save_all=True, append_images=[frame] * 80)


def _cut_jpeg(path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((400, 300), 80).save(buffer, "JPEG")
    path.write_bytes(buffer.getvalue()[:4_000])


def _polyglot(path: Path) -> None:
    """A PDF and, from the other end, a zip file."""
    page_with(path).close()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.txt", "hidden in a zip")


def _portfolio(path: Path) -> None:
    with page_with(path, text="Open this file in Acrobat") as pdf:
        pdf.attachments["invoice.pdf"] = b"%PDF-1.7 the real thing"
        pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)
        pdf.save(path)


def _xfa(path: Path) -> None:
    with page_with(path, text="Please wait...") as pdf:
        form = pdf.make_stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><template/></xdp:xdp>")
        pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=form)
        pdf.Root.NeedsRendering = True
        pdf.save(path)


def _locked(path: Path) -> None:
    with page_with(path) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="a", user="b", R=6))


def _cut(path: Path) -> None:
    page_with(path).close()
    path.write_bytes(path.read_bytes()[:600])


NASTY: dict[str, Make] = {
    "bytes.pdf": _raw(bytes(range(256)) * 200),
    "header.pdf": _raw(b"%PDF-1.7\n"),
    "comment.pdf": _raw(b"%PDF-1.7\n%" + b"a" * 900_000),
    "string.pdf": _raw(b"%PDF-1.7\n1 0 obj (" + b"(" * 200_000),
    "page.html": _raw(b"<html><script>alert(1)</script></html>"),
    "photo.heic": _raw(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)),
    "film.gif": _raw(b"GIF89a" + bytes(300)),
    "cut.pdf": _cut,
    "xref-loop.pdf": _xref_loop,
    "tree-loop.pdf": _page_tree_in_itself,
    "tree-fan.pdf": _page_tree_fan,
    "claims-pages.pdf": _claims_pages,
    "no-pages.pdf": _no_pages,
    "bomb.pdf": _deflated_instructions,
    "bomb-in-bomb.pdf": _deflated_twice,
    "forms.pdf": _forms_within_forms,
    "form-loop.pdf": _form_in_itself,
    "font-loop.pdf": _font_in_itself,
    "image-bomb.pdf": _enormous_image,
    "jpx-bomb.pdf": lambda path: _enormous_image(path, "JPXDecode"),
    "jbig2-bomb.pdf": lambda path: _enormous_image(path, "JBIG2Decode"),
    "ccitt-bomb.pdf": lambda path: _enormous_image(path, "CCITTFaxDecode"),
    "huge-page.pdf": _huge_page,
    "thin-page.pdf": _thin_page,
    "boxes.pdf": _box_of_nonsense,
    "arrays.pdf": _deep_arrays,
    "operators.pdf": _operators_without_end,
    "polyglot.pdf": _polyglot,
    "portfolio.pdf": _portfolio,
    "xfa.pdf": _xfa,
    "locked.pdf": _locked,
    "bomb.png": _png_bomb,
    "endless.tif": _endless_tiff,
    "frames.tif": _many_frames,
    "cut.jpg": _cut_jpeg,
    "ink.tif": _picture("CMYK", "TIFF"),
    "ink.jpg": _picture("CMYK", "JPEG"),
    "deep.png": _picture("I;16", "PNG"),
    "deep.tif": _picture("I;16", "TIFF"),
    "float.tif": _picture("F", "TIFF"),
}
