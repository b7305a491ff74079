"""Hostile documents: DOCX and EPUB, which are archives of XML, and PDF."""

import zlib
from collections.abc import Iterable, Mapping
from functools import cache, partial

from hostile_world import MIB, RIVER, file, indexed, linked, refused, told, upload, zipped

# XML: what it may declare

LAUGHS = "<!DOCTYPE d [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
) + "]>"  # fmt: skip
FILE = '<!DOCTYPE d [<!ENTITY j SYSTEM "{secret}">]>'
LINK = '<!DOCTYPE d [<!ENTITY j SYSTEM "http://127.0.0.1:{port}/j">]>'
OUTSIDE = '<!DOCTYPE d SYSTEM "http://127.0.0.1:{port}/d.dtd">'
PARAMETER = '<!DOCTYPE d [<!ENTITY % j SYSTEM "http://127.0.0.1:{port}/j"> %j;]>'
QUADRATIC = f"<!DOCTYPE d [<!ENTITY j '{'ha' * 50_000}'>]>"

# DOCX

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def docx(body: str, others: Mapping[str, str | bytes] | None = None, head: str = "") -> bytes:
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "word/document.xml": f"{head}<w:document {W}><w:body>{body}</w:body></w:document>",
            **(others or {}),
        }
    )


def p(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def with_links(what: str) -> bytes:
    """A document with a picture, a style sheet and a template that lie elsewhere."""
    targets = {
        "image": "http://127.0.0.1:9/a.png",
        "styles": "file:///etc/passwd",
        "attachedTemplate": "\\\\host\\a.dotm",
    }
    links = "".join(
        f'<Relationship Id="r{n}" Type="{KIND}/{kind}" Target="{target}" TargetMode="External"/>'
        for n, (kind, target) in enumerate(targets.items())
    )
    picture = (
        f'<w:p><w:r><w:drawing xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{KIND}">'
        '<a:blip r:link="r0"/></w:drawing></w:r></w:p>'
    )
    rels = f'<Relationships xmlns="{RELATIONS}">{links}</Relationships>'
    return docx(picture + p(told(what)), {"word/_rels/document.xml.rels": rels})


def with_loops(what: str) -> bytes:
    """A document whose styles and lists are each made from the other."""
    styles = (
        f'<w:styles {W}><w:style w:type="numbering" w:styleId="a"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        '</w:pPr></w:style><w:style w:type="paragraph" w:styleId="b"><w:basedOn w:val="c"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="c"><w:basedOn w:val="b"/></w:style></w:styles>'
    )
    numbering = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="0"><w:numStyleLink w:val="a"/></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    body = (
        '<w:p><w:pPr><w:pStyle w:val="b"/><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>'
        f"<w:r><w:t>{told(what)}</w:t></w:r></w:p>"
    )
    rels = (
        f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{KIND}/styles" Target="styles.xml"/>'
        f'<Relationship Id="r2" Type="{KIND}/numbering" Target="numbering.xml"/></Relationships>'
    )
    parts = {"word/styles.xml": styles, "word/numbering.xml": numbering, "word/_rels/document.xml.rels": rels}
    return docx(body, parts)


DOCX = (
    refused(
        "a DOCX bomb", "expands to more than 200 times its size", file("bomb.docx", lambda: docx(p(" " * 30 * MIB)))
    ),
    refused(
        "entities in a DOCX that multiply",
        "is damaged, in its part",
        file("laughs.docx", lambda: docx(p("&j;"), head=LAUGHS)),
    ),
    refused(
        "one long entity in a DOCX, 50,000 times",
        "is damaged, in its part",
        file("quadratic.docx", lambda: docx(p("&j;" * 50_000), head=QUADRATIC)),
    ),
    refused(
        "an entity in a DOCX that is a file",
        "is damaged, in its part",
        linked("file.docx", lambda to: docx(p("&j;"), head=to(FILE))),
    ),
    refused(
        "an entity in a DOCX that is an address",
        "is damaged, in its part",
        linked("address.docx", lambda to: docx(p("&j;"), head=to(LINK))),
    ),
    refused(
        "a parameter entity in a DOCX",
        "is damaged, in its part",
        linked("parameter.docx", lambda to: docx(p("a"), head=to(PARAMETER))),
    ),
    indexed(
        "a DOCX whose declarations lie elsewhere",
        "indexed; nothing is fetched",
        "a distant DTD that told",
        linked("dtd.docx", lambda to: docx(p(told("a distant DTD")), head=to(OUTSIDE))),
    ),
    indexed(
        "a DOCX whose picture and styles lie elsewhere",
        "indexed; nothing is fetched",
        "a linked picture that told",
        file("links.docx", lambda: with_links("a linked picture")),
    ),
    indexed(
        "a DOCX of styles and lists that refer to each other",
        "indexed",
        "a ring of styles that told",
        file("ring.docx", lambda: with_loops("a ring of styles")),
    ),
    refused(
        "a DOCX of 40 tables in each other",
        "nested too deeply",
        file("tables.docx", lambda: docx("<w:tbl><w:tr><w:tc>" * 40 + p("a") + "</w:tc></w:tr></w:tbl>" * 40)),
    ),
    refused(
        "a DOCX 5,000 elements deep",
        "is damaged, in its part",
        file("deep.docx", lambda: docx("<w:p>" * 5_000 + "</w:p>" * 5_000)),
    ),
    refused(
        "a DOCX of 260,000 elements",
        "is too large a document",
        file("elements.docx", lambda: docx("".join(f"<w:p w:n='{n * n}'/>" for n in range(260_000)))),
    ),
    refused("a DOCX cut short", "is a damaged ZIP or document", file("short.docx", lambda: docx(p(RIVER))[:-40])),
    refused(
        "a DOCX with a password",
        "is encrypted",
        upload(
            "password.docx",
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        ),
    ),
    refused("a DOCX without words", "holds no text", upload("empty.docx", lambda: docx(""))),
)

# EPUB

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'


def epub(
    chapters: Mapping[str, str], others: Mapping[str, str | bytes] | None = None, head: str = "", spine: str = ""
) -> bytes:
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    order = spine or "".join(f'<itemref idref="{name}"/>' for name in chapters)
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": f"{head}<package><metadata/><manifest>{items}</manifest><spine>{order}</spine></package>",
            **{f"OPS/{name}": text for name, text in chapters.items()},
            **(others or {}),
        }
    )


def xhtml(body: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>{head}<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{body}</p></body></html>'


def protected() -> bytes:
    key = '<encryption><EncryptedData><CipherReference URI="OPS/a"/></EncryptedData></encryption>'
    return epub({"a": xhtml(RIVER)}, {"META-INF/encryption.xml": key})


def long_book() -> bytes:
    """Eleven chapters of just under a megabyte, which pack to next to nothing."""
    return epub({f"{n}": xhtml("far " * (MIB // 4 - 100)) for n in range(11)})


EPUB = (
    refused(
        "an EPUB bomb",
        "expands to more than 200 times its size",
        file("bomb.epub", lambda: epub({"a": xhtml("x" * 11_000_000)})),
    ),
    refused("an EPUB of eleven million letters", "holds too much text", file("long.epub", long_book)),
    refused(
        "entities in an EPUB that multiply",
        "is damaged and cannot be read as EPUB",
        file("laughs.epub", lambda: epub({"a": xhtml(RIVER)}, head=LAUGHS)),
    ),
    refused(
        "an entity in an EPUB that is an address",
        "is damaged and cannot be read as EPUB",
        linked(
            "address.epub", lambda to: epub({"a": xhtml(RIVER)}, {"META-INF/container.xml": to(LINK) + "<a>&j;</a>"})
        ),
    ),
    indexed(
        "entities in a chapter that multiply",
        "indexed; a page declares nothing",
        "a bomb of a chapter that told…&j;",
        file("chapter.epub", lambda: epub({"a": xhtml(told("a bomb of a chapter") + " &j;", LAUGHS)})),
        lacks="hahaha",
    ),
    indexed(
        "an entity in a chapter that is a file",
        "indexed without it",
        "a curious chapter that told",
        linked("file.epub", lambda to: epub({"a": xhtml(told("a curious chapter") + " &j;", to(FILE))})),
        lacks="xyzzy",
    ),
    refused(
        "an EPUB whose chapters lie outside it",
        "holds no text",
        file("outside.epub", lambda: epub({"../../../../etc/passwd": RIVER})),
    ),
    refused("an EPUB that is protected", "is protected against copying (DRM)", file("protected.epub", protected)),
    refused(
        "an EPUB 5,000 elements deep",
        "nested too deeply",
        file("deep.epub", lambda: epub({"a": xhtml("<div>" * 5_000 + RIVER)})),
    ),
    indexed(
        "an EPUB that lists one chapter 100,000 times",
        "indexed once",
        "a chorus that told",
        file(
            "chorus.epub",
            lambda: epub(
                {"a": xhtml(told("a chorus"))},
                spine="".join(f'<itemref idref="a" id="i{n * n}"/>' for n in range(100_000)),
            ),
        ),
    ),
    refused(
        "an EPUB cut short", "is a damaged ZIP or document", file("short.epub", lambda: epub({"a": xhtml(RIVER)})[:-40])
    ),
)

# PDF

HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def pdf(
    *contents: bytes,
    objects: Iterable[bytes] = (),
    catalog: bytes = b"",
    page: bytes = b"",
    trailer: bytes = b"",
    count: int | None = None,
) -> bytes:
    """A PDF of pages with these content streams, in Helvetica as F1; `objects` have the numbers from 4, and the other
    pieces go into the dictionaries that they are called after."""
    extra = list(objects)
    first = 4 + len(extra)
    kids = b" ".join(b"%d 0 R" % (first + 2 * n) for n in range(len(contents)))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents) if count is None else count),
        HELVETICA,
        *extra,
    ]
    for n, content in enumerate(contents):
        parts.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 600]/Resources<</Font<</F1 3 0 R>>/XObject<</I1 4 0 R>>>>"
            b"/Contents %d 0 R%s>>" % (first + 2 * n + 1, page)
        )
        packed = zlib.compress(content)
        parts.append(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed))
    return assembled(parts, trailer)


def assembled(parts: Iterable[bytes], trailer: bytes = b"") -> bytes:
    data, offsets = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n"
    return data + end % (len(offsets) + 1, table, len(offsets) + 1, trailer, len(data))


def words(*lines: str, size: float = 12) -> bytes:
    """A content stream with these lines of text."""
    shown = b"".join(b"(%s) Tj 0 %g Td " % (line.encode("cp1252"), -1.2 * size) for line in lines)
    return b"BT /F1 %g Tf 40 500 Td %sET" % (size, shown)


def printed(what: str) -> bytes:
    return words(RIVER, f"It was {what} that told of it first.")


def cut(share: float) -> bytes:
    made = pdf(*(printed(f"page {n}") for n in range(3)))
    return made[: int(len(made) * share)]


def with_actions(what: str) -> bytes:
    """A PDF that means to run a script, a program and an attachment, and to send what is written in it."""
    do = b"/JavaScript/JS(app.launchURL\\('http://127.0.0.1:9/', true\\);)"
    launch = b"<</S/Launch/F(/bin/sh)/Win<</F(cmd.exe)/P(/c calc)>>>>"
    send = b"<</S/SubmitForm/F<</FS/URL/F(http://127.0.0.1:9/)>>>>"
    catalog = b"/OpenAction<</S%s/Next[%s%s]>>/AA<</WC<</S%s>>>>/Names<</JavaScript<</Names[(a)<</S%s>>]>>" % (
        do,
        launch,
        send,
        do,
        do,
    )
    attached = b"/EmbeddedFiles<</Names[(a.exe)<</Type/Filespec/F(a.exe)/EF<</F 4 0 R>>>>]>>>>"
    program = b"<</Type/EmbeddedFile/Length 2>>stream\nMZ\nendstream"
    return pdf(printed(what), catalog=catalog + attached, page=b"/AA<</O<</S%s>>>>" % do, objects=[program])


def tall_tree(height: int, what: str) -> bytes:
    """Pages within pages within pages."""
    inner = [
        b"<</Type/Pages/Kids[%d 0 R]/Count 1%s>>" % (n + 1, b"/Parent %d 0 R" % (n - 1) if n > 2 else b"")
        for n in range(2, height + 2)
    ]
    page = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 400 600]/Resources<</Font<</F1 %d 0 R>>>>/Contents %d 0 R>>" % (
        height + 1,
        height + 4,
        height + 3,
    )
    text = printed(what)
    return assembled(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            *inner,
            page,
            b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
            HELVETICA,
        ]
    )


@cache
def packed_blanks() -> bytes:
    """Half a gigabyte."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b" " * MIB) for _ in range(512)) + packer.flush()


def flate_bomb(layers: int) -> bytes:
    """A page whose content expands to half a gigabyte of blanks, packed so many times."""
    packed = packed_blanks()
    for _ in range(layers - 1):
        packed = zlib.compress(packed, 9)
    made = pdf(b"")
    old = zlib.compress(b"")
    return made.replace(
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\n" % (len(old), old),
        b"<</Filter[%s]/Length %d>>stream\n%s\n" % (b"/FlateDecode " * layers, len(packed), packed),
    )


IMAGE = (
    b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\n"
    b"\x80\nendstream"
)
FORM = (
    b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</I1 4 0 R>>>>/Length 14>>stream\n"
    b"/I1 Do /I1 Do \nendstream"
)
LOCK = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(%s)/U(%s)>>" % (b"o" * 32, b"u" * 32)

CYCLE = b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2/Parent 2 0 R>>"

PDF = (
    *(
        refused(f"a PDF cut at {share:.0%}", "is damaged", file(f"cut{share}.pdf", partial(cut, share)))
        for share in (0.02, 0.3, 0.6, 0.9)
    ),
    indexed(
        "a PDF without its last line",
        "indexed whole",
        "page 0 that told…page 1 that told…page 2 that told",
        file("end.pdf", partial(cut, 0.99)),
    ),
    refused(
        "a PDF with a password",
        "is encrypted: open it with its password",
        file("password.pdf", lambda: pdf(printed("nobody"), trailer=LOCK)),
    ),
    refused("a PDF without pages", "is damaged and cannot be read as PDF", file("password2.pdf", pdf)),
    indexed(
        "a PDF that claims a billion pages",
        "indexed; the pages that there are",
        "a billion pages that told",
        file("billion.pdf", lambda: pdf(printed("a billion pages"), count=1_000_000_000)),
    ),
    refused(
        "a PDF of 2,001 pages", "has 2,001 pages; the limit is 2,000", file("pages.pdf", lambda: pdf(*[b""] * 2_001))
    ),
    refused(
        "a PDF whose pages hold themselves",
        "is damaged, on page 1",
        file("cycle.pdf", lambda: pdf(printed("nobody")).replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]")),
    ),
    refused(
        "a PDF whose pages hold themselves twice",
        "is damaged, on page 1",
        file(
            "cycles.pdf",
            lambda: pdf(printed("nobody"), objects=[CYCLE]).replace(b"/Kids[5 0 R]", b"/Kids[4 0 R 4 0 R]"),
        ),
    ),
    refused(
        "a PDF with 10,000 levels of pages",
        "is damaged, on page 1",
        file("tall.pdf", lambda: tall_tree(10_000, "nobody")),
    ),
    *(
        refused(
            f"half a gigabyte of blanks on a page, packed {how}",
            ("crashed its reader", "needs more than 384 MiB of memory"),
            file(f"flate{layers}.pdf", partial(flate_bomb, layers)),
        )
        for layers, how in ((1, "once"), (3, "three times"))
    ),
    refused(
        "a drawing in a PDF that holds itself twice",
        ("crashed its reader", "needs more than 384 MiB of memory"),
        file("form.pdf", lambda: pdf(b"/I1 Do", objects=[FORM])),
    ),
    refused(
        "a page of 240,000 letters",
        "holds too much text, on page 1",
        file("letters.pdf", lambda: pdf(words(*["word " * 800] * 60, size=0.1))),
    ),
    indexed(
        "a page as large as numbers go",
        "indexed",
        "a boundless page that told",
        file("box.pdf", lambda: pdf(printed("a boundless page")).replace(b"0 0 400 600", b"0 0 4e38 -9e9")),
    ),
    refused(
        "a scanned PDF",
        "is scanned: its pages are pictures…ocrmypdf",
        file("scan.pdf", lambda: pdf(b"400 0 0 600 0 0 cm /I1 Do", objects=[IMAGE])),
    ),
    indexed(
        "a PDF with scripts, programs and forms",
        "indexed; nothing is run or sent",
        "a busy document that told",
        file("actions.pdf", lambda: with_actions("a busy document")),
        lacks="launchURL",
    ),
    indexed(
        "a PDF behind an answer's headers",
        "indexed",
        "a careless server that told",
        file("junk.pdf", lambda: b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\n" + pdf(printed("a careless server"))),
        lacks="HTTP",
    ),
    refused(
        "a PDF whose table refers to itself",
        "is damaged and cannot be read as PDF",
        file("table.pdf", lambda: b"%PDF-1.7\ntrailer<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF"),
    ),
    refused(
        "a PDF of a million brackets",
        "is damaged and cannot be read as PDF",
        file("brackets.pdf", lambda: b"%PDF-1.7\n" + b"[" * 1_000_000),
    ),
)

DOCUMENTS = (*DOCX, *EPUB, *PDF)
