"""Hostile pages, Markdown and plain text, and files that are not what they are called."""

import os
from collections.abc import Callable
from contextlib import suppress
from random import Random
from zlib import compress

from hostile_documents import FILE, LAUGHS, docx, p, pdf, printed
from hostile_world import (
    MEMORY,
    MIB,
    RIVER,
    SECONDS,
    Place,
    World,
    file,
    indexed,
    nothing,
    refused,
    told,
    upload,
    zipped,
)

# HTML


def page(what: str, more: str = "", head: str = "") -> str:
    """A page of one article; `more` stands after it, `head` in its head."""
    body = f"<article><h1>News</h1><p>{told(what)}</p><p>{RIVER}</p></article>{more}"
    return f"<!DOCTYPE html><html><head><title>News</title>{head}</head><body>{body}</body></html>"


def numbered(count: int, form: str) -> str:
    return "".join(form.format(n) for n in range(count))


ELSEWHERE = (
    '<base href="http://127.0.0.1:{port}/"><meta http-equiv=refresh content="0;url=http://127.0.0.1:{port}/">'
    '<link rel=stylesheet href="http://127.0.0.1:{port}/a.css"><script src="http://127.0.0.1:{port}/a.js"></script>'
    '<link rel=preload href="//127.0.0.1:{port}/"><link rel=canonical href="/own">'
)
FRAMES = (
    '<iframe src="http://127.0.0.1:{port}/"></iframe><object data="{secret}"></object><img src="{secret}">'
    '<video src="http://127.0.0.1:{port}/"></video><form action="http://127.0.0.1:{port}/"><button>Go</button></form>'
)
HIDDEN = "\u202e\u2066\u200b\u2060\U000e0041\U000e0042\ufff9\u00ad"

OVER = (f"took longer than {SECONDS} s to read", f"needs more than {MEMORY // MIB} MiB of memory")

HTML = (
    refused(
        "a page 100,000 elements deep",
        "nested too deeply",
        file("deep.html", lambda: page("nobody", "<div>" * 100_000)),
    ),
    refused(
        "a page of 100,000 open tags", "nested too deeply", file("bold.html", lambda: page("nobody", "<b>" * 100_000))
    ),
    refused(
        "100,000 attributes of one element",
        f"took longer than {SECONDS} s to read",
        file("spiked.html", lambda: page("nobody", f"<p {numbered(100_000, 'a{}=1 ')}>End.</p>")),
    ),
    refused(
        "a page with a million attributes",
        OVER,
        file("attributes.html", lambda: page("nobody", f"<p {numbered(200, 'a{}=1 ')}>End.</p>" * 5_000)),
    ),
    refused("a page of two million elements", OVER, file("elements.html", lambda: page("nobody", "<p>a" * 2_000_000))),
    indexed(
        "an attribute of eight million letters",
        "indexed without it",
        "a long-winded page that told",
        file("attribute.html", lambda: page("a long-winded page", f'<p title="{"x" * 8_000_000}">End.</p>')),
        lacks="xxxx",
    ),
    indexed(
        "a script without an end",
        "indexed without it",
        "a page with a script that told",
        file("script.html", lambda: page("a page with a script", "<script>" + "alert(1);" * 900_000)),
        lacks="alert",
    ),
    indexed(
        "a comment without an end",
        "indexed without it",
        "a page with a remark that told",
        file("comment.html", lambda: page("a page with a remark", "<!--" + "-<!-" * 2_000_000)),
    ),
    indexed(
        "a page that sends on and loads from elsewhere",
        "indexed; nothing is fetched",
        "a restless page that told",
        file("elsewhere.html", lambda: page("a restless page", FRAMES, ELSEWHERE)),
    ),
    indexed(
        "entities in a page that multiply",
        "indexed; a page declares nothing",
        "a laughing page that told",
        file("laughs.xhtml", lambda: LAUGHS.replace(" d ", " html ") + page("a laughing page", "<p>&j;</p>")),
        lacks="hahaha",
    ),
    indexed(
        "an entity in a page that is a file",
        "indexed without it",
        "a nosy page that told",
        file("file.xhtml", lambda: FILE.replace(" d ", " html ") + page("a nosy page", "<p>&j;</p>")),
        lacks="xyzzy",
    ),
    indexed(
        "text hidden in characters that cannot be seen",
        "indexed without them",
        "a page with secrets that told",
        file("hidden.html", lambda: page("a page with secrets".replace(" ", f"{HIDDEN} {HIDDEN}"), HIDDEN)),
    ),
    indexed(
        "structured data 100,000 lists deep",
        "indexed without it",
        "a structured page that told",
        file(
            "data.html",
            lambda: page("a structured page", head=f'<script type="application/ld+json">{"[" * 100_000}</script>'),
        ),
    ),
    indexed(
        "a table of 100,000 cells",
        "indexed",
        "a tabular page that told",
        file("table.html", lambda: page("a tabular page", f"<table><tr>{numbered(100_000, '<td>c{}')}</table>")),
    ),
    refused(
        "a page that a script draws",
        "holds no article text",
        file("drawn.html", lambda: "<html><body><script>draw()</script></body></html>"),
    ),
    indexed(
        "a page in UTF-7",
        "indexed; it stays what it is",
        "a page in disguise that told",
        file(
            "utf7.html",
            lambda: page(
                "a page in disguise", "<p>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</p>", '<meta charset="utf-7">'
            ),
        ),
        lacks="<script>",
    ),
)

# Markdown

LOOP = "title: &a [*a, *a]\nauthor: nobody"
MULTIPLIED = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)  # fmt: skip


def matter(block: str, what: str) -> str:
    return f"---\n{block}\n---\n\n{told(what)}\n"


def marks(what: str, hostile: str) -> str:
    return f"{told(what)}\n\n{hostile}\n"


MARKDOWN = (
    indexed(
        "50,000 emphases",
        "indexed",
        "an emphatic note that told",
        file("stars.md", lambda: marks("an emphatic note", "*a* " * 50_000)),
    ),
    indexed(
        "100,000 open brackets",
        "indexed; they keep their marks",
        "a bracketed note that told",
        file("brackets.md", lambda: marks("a bracketed note", "[" * 100_000)),
    ),
    indexed(
        "links that do not end",
        "indexed",
        "a linked note that told",
        file("links.md", lambda: marks("a linked note", "[a](<" * 50_000)),
    ),
    indexed(
        "code that does not end, in runs of every length",
        "indexed",
        "a coded note that told",
        file("code.md", lambda: marks("a coded note", " ".join("`" * n for n in range(1, 1_500)))),
    ),
    indexed(
        "quotations 50,000 deep",
        "indexed",
        "a quoting note that told",
        file("quotes.md", lambda: marks("a quoting note", "> " * 50_000 + "a")),
    ),
    indexed(
        "lists 300 deep",
        "indexed",
        "a listing note that told",
        file("lists.md", lambda: marks("a listing note", "\n".join(" " * 2 * n + "- a" for n in range(300)))),
    ),
    indexed(
        "a table of a thousand columns that asks for a million cells",
        "indexed; it is no table",
        "a tabular note that told",
        file("table.md", lambda: marks("a tabular note", "|a" * 1_100 + "\n" + "|-" * 1_100 + "\n" + "|b\n" * 1_100)),
    ),
    indexed(
        "20,000 definitions of one link",
        "indexed",
        "a defining note that told",
        file("definitions.md", lambda: marks("a defining note", "[a]: http://a.example\n" * 20_000)),
    ),
    indexed(
        "open comments",
        "indexed",
        "a remarking note that told",
        file("comments.md", lambda: marks("a remarking note", "a <!-- " * 20_000)),
    ),
    indexed(
        "scripts in Markdown",
        "indexed without them",
        "a scripted note that told",
        file(
            "script.md", lambda: marks("a scripted note", "<script>alert(1)</script>\n\nA <script>alert(2)</script> b.")
        ),
        lacks="alert",
    ),
    indexed(
        "front matter whose aliases multiply",
        "indexed",
        "a multiplied note that told",
        file("aliases.md", lambda: matter(f"title: T\n{MULTIPLIED}", "a multiplied note")),
    ),
    indexed(
        "front matter that holds itself",
        "indexed",
        "a looping note that told",
        file("loop.md", lambda: matter(LOOP, "a looping note")),
    ),
    indexed(
        "front matter that names a program to run",
        "indexed; nothing is run",
        "a commanding note that told",
        file(
            "tags.md", lambda: matter('title: !!python/object/apply:os.system ["touch {secret}"]', "a commanding note")
        ),
    ),
    indexed(
        "front matter 20,000 lists deep",
        "indexed",
        "a deep note that told",
        file("deep.md", lambda: matter(f"title: T\nauthor: {'[' * 20_000}", "a deep note")),
    ),
    indexed(
        "front matter without an end",
        "indexed; it is text",
        "an open note that told",
        file("open.md", lambda: f"---\ntitle: T\n\n{told('an open note')}\n" + "a: b\n" * 20_000),
    ),
)

# Text


def lines(what: str, hostile: bytes, encoding: str = "utf-8") -> bytes:
    return f"{told(what)}\n\n".encode(encoding) + hostile


TEXT = (
    indexed(
        "NULs in a text",
        "indexed without them",
        "a hollow text that told",
        file("nuls.txt", lambda: told("a hollow text").replace("that", "th\0at")),
    ),
    refused("nothing but NULs", "holds no text", file("zeros.txt", lambda: bytes(100_000))),
    indexed(
        "UTF-16 without a mark",
        "indexed",
        "a wide text that told",
        file("utf16.txt", lambda: told("a wide text").encode("utf-16-le")),
    ),
    indexed(
        "UTF-16 cut within a character",
        "indexed",
        "a narrow text that told",
        file("odd.txt", lambda: told("a narrow text").encode("utf-16") + b"a"),
    ),
    indexed(
        "bytes that are no UTF-8",
        "indexed; they are shown as what they may be",
        "a café that told",
        file("cafe.txt", lambda: told("a café").encode("cp1252")),
    ),
    indexed(
        "three encodings in one text",
        "indexed; each wrong byte is taken for itself",
        "a motley text that told",
        file(
            "motley.txt",
            lambda: told("a motley text").encode() + "äöü — ß".encode() * 20 + "ä".encode("cp1252") + b"\xff\xfe",
        ),
    ),
    indexed(
        "halves of characters in UTF-8",
        "indexed without them",
        "a halved text that told",
        file(
            "halves.txt",
            lambda: lines("a halved text", b"\xed\xa0\xbd and \xed\xb0\x80 and on and on, as far as it goes."),
        ),
    ),
    indexed(
        "letters under ten thousand accents",
        "indexed",
        "an accented text that told",
        file("accents.txt", lambda: lines("an accented text", ("a" + "\u0301" * 10_000).encode())),
    ),
    indexed(
        "letters turned around and text for terminals",
        "indexed without them",
        "a reversed text that told",
        file("reversed.txt", lambda: lines("a reversed text", "\u202eevil\u202c \x1b]0;title\x07 \x9b2J".encode())),
    ),
    indexed(
        "one line of nine million characters",
        "indexed in pieces",
        "a breathless text that told",
        file("line.txt", lambda: lines("a breathless text", b"a" * 9 * MIB).replace(b"\n", b" ")),
    ),
    refused(
        "a million lines of one letter",
        "sentences, and…can be indexed: split it up",
        file("lines.txt", lambda: b"a\n" * 1_000_000),
    ),
    refused(
        "a text of eleven million bytes",
        "is too large, with 10.5 MiB; the limit is 10 MiB",
        file("large.txt", lambda: b"far " * 2_750_000),
    ),
    refused("a text of blanks", "holds no text", file("blanks.txt", lambda: b" \n\t" * 100_000)),
    refused("a text of nothing", "is empty", file("nothing.txt", lambda: b"")),
    refused("noise", "is not text but binary data", upload("noise.txt", lambda: Random(1).randbytes(100_000))),
    indexed(
        "brackets and quotation marks that do not pair",
        "indexed",
        "an unpaired text that told",
        file("unpaired.txt", lambda: lines("an unpaired text", b'("' * 50_000)),
    ),
)

# What is not what it is called, and what is called what no file should be

KINDS = (
    refused(
        "a program called .txt",
        "is not text but binary data",
        file("program.txt", lambda: b"MZ\x90\0" + Random(2).randbytes(50_000)),
    ),
    refused(
        "a Linux program called .html",
        "is not text but ELF data",
        file("program.html", lambda: b"\x7fELF" + bytes(1_000)),
    ),
    refused(
        "a picture called .md",
        "is not text but PNG data",
        file("picture.md", lambda: b"\x89PNG\r\n\x1a\n" + bytes(1_000)),
    ),
    refused(
        "a picture called .pdf",
        "is not text but JPEG data",
        file("picture.pdf", lambda: b"\xff\xd8\xff\xe0" + bytes(1_000)),
    ),
    refused(
        "a database called .txt",
        "is not text but SQLite data",
        file("database.txt", lambda: b"SQLite format 3\0" + bytes(1_000)),
    ),
    refused(
        "a compressed file called .docx",
        "is not text but gzip data",
        upload("archive.docx", lambda: b"\x1f\x8b" + compress(b"a" * 1_000)),
    ),
    refused(
        "RTF called .docx",
        "RTF is not supported; save it as DOCX or PDF",
        file("rtf.docx", lambda: b"{\\rtf1 {\\*\\objdata 0105}}"),
    ),
    refused(
        "old Word called .docx",
        "before 2007 is not supported",
        file("old.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_000)),
    ),
    refused(
        "a spreadsheet called .docx",
        "Excel is not supported",
        file("sheet.docx", lambda: zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""})),
    ),
    refused(
        "OpenDocument called .epub",
        "OpenDocument is not supported",
        file("open.epub", lambda: zipped({"mimetype": "application/vnd.oasis.opendocument.text"})),
    ),
    indexed(
        "a page called .txt",
        "indexed as the page that it is",
        "a disguised page that told",
        file("page.txt", lambda: page("a disguised page", "<script>alert(1)</script>")),
        lacks="alert",
    ),
    indexed(
        "a page called .pdf",
        "indexed as the page that it is",
        "a printed page that told",
        file("page.pdf", lambda: page("a printed page")),
        lacks="<p>",
    ),
    indexed(
        "a PDF called .txt",
        "indexed as the PDF that it is",
        "a disguised document that told",
        file("pdf.txt", lambda: pdf(printed("a disguised document"))),
        lacks="endobj",
    ),
    indexed(
        "a DOCX called .zip",
        "indexed as the DOCX that it is",
        "a packed document that told",
        file("docx.zip", lambda: docx(p(told("a packed document")))),
    ),
    indexed(
        "a text called .pdf",
        "indexed as the text that it is",
        "a plain text that told",
        file("text.pdf", lambda: told("a plain text")),
    ),
)


def odd_file(make: Callable[[World], None], name: str) -> Place:
    """In the folder, and not a file of bytes."""

    def place(world: World) -> str:
        make(world)
        return (world.folder / name).as_posix()

    return place


def _pipe(world: World) -> None:
    os.mkfifo(world.folder / "pipe.txt")


def _link_out(world: World) -> None:
    (world.folder / "out.txt").symlink_to(world.secret)


def _link_to_itself(world: World) -> None:
    (world.folder / "ring.txt").symlink_to(world.folder / "ring.txt")


def _no_utf8(world: World) -> None:
    with suppress(OSError):  # some file systems have no such names
        (world.folder / os.fsdecode(b"\xff\xfe.txt")).write_text(RIVER)


NAMES = (
    indexed(
        "a line end in a file's name",
        "indexed",
        "a broken name that told",
        file("a\nb\x1b[31m.txt", lambda: told("a broken name")),
    ),
    indexed(
        "letters turned around in a file's name",
        "indexed",
        "a turned name that told",
        file("a\u202etxt.exe.md", lambda: told("a turned name")),
    ),
    indexed(
        "a file's name that is a pattern",
        "indexed",
        "a starred name that told",
        file("[a-z]*?.txt", lambda: told("a starred name")),
    ),
    indexed(
        "an upload's name that climbs",
        "indexed; it is a name and no path",
        "a climbing upload that told",
        upload("../../../etc/passwd\0\n\u202e.txt", lambda: told("a climbing upload").encode()),
    ),
    indexed(
        "an upload's name of 5,000 characters",
        "indexed",
        "a long upload that told",
        upload("x" * 5_000 + ".txt", lambda: told("a long upload").encode()),
    ),
    refused(
        "a link out of the folder", "is a link out of the folder and was not followed", odd_file(_link_out, "out.txt")
    ),
    nothing("a link that leads to itself", "left out", odd_file(_link_to_itself, "ring.txt")),
    nothing("a pipe that nobody writes to", "left out", odd_file(_pipe, "pipe.txt")),
    refused("a file's name that is no UTF-8", "name is not valid UTF-8; rename it", odd_file(_no_utf8, ".txt")),
)

TEXTS = (*HTML, *MARKDOWN, *TEXT, *KINDS, *NAMES)
