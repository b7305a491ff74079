"""What a file is, told by its content: names lie, and many have no suffix.

Only among kinds of text does the name decide, because Markdown is text, too. It reads no more of a file than it
takes to tell, and refuses what there is no reader for by its own name.
"""

import re
from enum import Enum
from pathlib import PurePath

from index.errors import Said, UserError
from index.readers import decoding, exported
from index.readers.cleaning import display, one_line
from index.readers.unzip import Zip


class Kind(Enum):
    """The kinds of files that there are readers for; the value is how a person calls one."""

    PDF = "PDF"
    DOCX = "Word (.docx)"
    EPUB = "EPUB"
    ZIP = "ZIP"
    HTML = "HTML"
    MARKDOWN = "Markdown"
    TEXT = "text"
    EXPORTED = "Verbatim export"


_SUFFIXES = {
    ".pdf": Kind.PDF,
    ".docx": Kind.DOCX,
    ".epub": Kind.EPUB,
    ".zip": Kind.ZIP,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
}
SUPPORTED_SUFFIXES: frozenset[str] = frozenset(_SUFFIXES)

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # what Office packs a document with a password into
_OTHER_DOCUMENTS = {
    ".doc": "",  # which has words of its own
    ".rtf": "RTF",
    ".odt": "OpenDocument",
    ".xls": "Excel",
    ".xlsx": "Excel",
    ".ods": "OpenDocument",
    ".ppt": "PowerPoint",
    ".pptx": "PowerPoint",
    ".odp": "OpenDocument",
}
_BINARY = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x7fELF", "ELF"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"SQLite format 3\x00", "SQLite"),
)
_PDF_HEADER = re.compile(rb"%PDF-\d")
_HEAD = 64 * 1024  # bytes of a text within which its first tag stands, after whatever comments
_BEFORE_TAGS = re.compile(r"[\s\ufeff]+|<\?[^<>]*>|<!--")
_FIRST_TAG = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta)\b", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!(?:--|doctype\b)", re.IGNORECASE)


def kind_of(data: bytes, name: str) -> Kind:
    """What a file is; `name` tells Markdown and fragments of HTML from plain text, and names the file in messages.

    Raises:
        UserError: it is of a known kind that there is no reader for, or a ZIP too damaged to tell.
    """
    shown = display(name)
    if exported.BEGINNING.match(data):  # whatever its text goes on to look like
        return Kind.EXPORTED
    if data.startswith(_ZIP):
        return _kind_of_zip(data, shown)
    if data.startswith(b"%PDF-") or (_PDF_HEADER.search(data[:1024]) and b"endobj" in data):
        return Kind.PDF
    if data.startswith(_OLD_OFFICE):
        if _ENCRYPTED in data:
            raise UserError("{file} is encrypted: open it with its password and save it without one", file=shown)
        raise UserError(
            "{file}: Word, Excel or PowerPoint before 2007 is not supported; save it as DOCX or PDF", file=shown
        )
    if data.startswith(b"{\\rtf"):
        raise UserError(_not_supported(shown, "RTF"))
    if kind := next((kind for magic, kind in _BINARY if data.startswith(magic)), None):
        raise UserError(
            "{file} is not text but {format} data, whatever its name says: give the text itself",
            file=shown,
            format=kind,
        )
    return _kind_of_text(data, PurePath(name).suffix.lower())


def is_document(name: str) -> bool:
    """Whether a name's suffix is that of a document of a kind that there is no reader for."""
    return PurePath(name).suffix.lower() in _OTHER_DOCUMENTS


def unsupported(name: str) -> Said:
    """The message for a file whose suffix tells no format that there is a reader for."""
    suffix, shown, known = PurePath(name).suffix.lower(), display(name), ", ".join(sorted(SUPPORTED_SUFFIXES))
    if suffix == ".doc":
        return Said("{file}: Word before 2007 (.doc) is not supported; save it as DOCX or PDF", file=shown)
    if kind := _OTHER_DOCUMENTS.get(suffix):
        return _not_supported(shown, kind)
    if not suffix:
        return Said("{file}: files without a suffix are not supported; use {known}", file=shown, known=known)
    return Said(
        "{file}: files ending in {suffix} are not supported; use {known}",
        file=shown,
        suffix=one_line(suffix, 20),
        known=known,
    )


def _not_supported(shown: str, kind: str) -> Said:
    return Said("{file}: {format} is not supported; save it as DOCX or PDF", file=shown, format=kind)


def _kind_of_zip(data: bytes, shown: str) -> Kind:
    with Zip(data, shown) as package:
        names = package.names
        kind = package.peek("mimetype", 100).strip()
    if kind == b"application/epub+zip" or "META-INF/container.xml" in names:
        return Kind.EPUB
    if kind.startswith((b"application/vnd.oasis.opendocument", b"application/vnd.sun.xml")):
        raise UserError(_not_supported(shown, "OpenDocument"))
    if "[Content_Types].xml" not in names:
        return Kind.ZIP
    if any(name.startswith("word/") for name in names):
        return Kind.DOCX
    for folder, program in {"xl/": "Excel", "ppt/": "PowerPoint"}.items():
        if any(name.startswith(folder) for name in names):
            raise UserError(_not_supported(shown, program))
    raise UserError("{file}: this kind of Office file is not supported; save it as DOCX or PDF", file=shown)


def _kind_of_text(data: bytes, suffix: str) -> Kind:
    text = decoding.unicode_text(data[:_HEAD])
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").decode("latin-1") if text is None else text
    if _begins_with_tag(head):
        return Kind.HTML
    stated = _SUFFIXES.get(suffix, Kind.TEXT)
    if stated is Kind.HTML:
        return Kind.HTML if _TAG.search(head) or len(data) > _HEAD else Kind.TEXT
    return stated if stated is Kind.MARKDOWN else Kind.TEXT


def _begins_with_tag(head: str) -> bool:
    """Whether a page's first tag is the first thing after blanks, declarations and comments."""
    at = 0
    while found := _BEFORE_TAGS.match(head, at):
        at = found.end()
        if found.group() == "<!--":
            at = head.find("-->", at) + 3
            if at < 3:
                return False
    return bool(_FIRST_TAG.match(head, at))
