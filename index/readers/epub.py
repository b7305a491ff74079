"""EPUB: its chapters in reading order as lines of text, and what its package says about the book.

Chapters are read as the HTML they nearly are, since many a book's XHTML is not well-formed. Tables of contents and
the marks of notes are left out.
"""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from lxml import etree  # type: ignore[import-untyped]

from index.errors import UserError
from index.readers import decoding, markup, metadata
from index.readers.cleaning import readable
from index.readers.metadata import Draft
from index.readers.unzip import EntryError, Zip
from index.readers.xml import parse_xml

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"
_MAX_CHAPTER = 10 * 1024 * 1024  # bytes
_MAX_CHARACTERS = 10_000_000  # of the whole book
_CHAPTERS = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"})
_MAX_DEPTH = 250  # the parser stops at 256, and would lose the rest without a word
_MEANT = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_CLOSED = re.compile(r"<([A-Za-z][\w:.-]*)((?:\s[^<>]*)?)/>")
_MARK = re.compile(r"\W*(?:\d{1,3}|[*†‡§]{1,3})\W*")


def parse(data: bytes, shown: str) -> Draft:
    """The book's text, with the title, authors, day and language that its package states.

    Raises:
        UserError: it is damaged, protected against copying, too large, or nested too deeply.
    """
    with Zip(data, shown) as book:
        try:
            path = _package_path(parse_xml(book.read(_CONTAINER)))
            package = parse_xml(book.read(path))
        except (EntryError, etree.LxmlError, ValueError):
            raise UserError(
                "{file} is damaged and cannot be read as {format}: save or download it again", file=shown, format="EPUB"
            ) from None
        chapters = list(_chapters(package, posixpath.dirname(path)))
        if _encrypted(book) & {*chapters, path}:
            raise UserError(
                "{file} is protected against copying (DRM): get it without protection, or save its text", file=shown
            )
        parts, size = [], 0
        for chapter in chapters:
            parts.append(_text(book, chapter, shown))
            size += len(parts[-1])
            if size > _MAX_CHARACTERS:
                raise UserError("{file} holds too much text: split it into smaller books", file=shown)
    return Draft("\n\n".join(filter(None, parts)), pages=(), **_about(package))


def _package_path(container: markup.Element) -> str:
    for element in container.iter("{*}rootfile"):
        if path := _resolved("", element.get("full-path", "")):
            return path
    raise ValueError("it names no package")


def _resolved(folder: str, link: str) -> str:
    """The entry's name that a link leads to; empty if it leads out of the book."""
    path = posixpath.normpath(posixpath.join(folder, unquote(urlsplit(link).path)))
    return "" if path in {"", "."} or path.startswith(("..", "/")) else path


def _chapters(package: markup.Element, folder: str) -> Iterator[str]:
    """The entries' names of the book's documents in reading order, each once, without tables of contents."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    contents = {
        _resolved(folder, reference.get("href", ""))
        for reference in package.iter("{*}reference")
        if reference.get("type") == "toc"
    }
    given = set(contents)
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _CHAPTERS or "nav" in item.get("properties", "").split():
            continue
        name = _resolved(folder, item.get("href", ""))
        if name and name not in given:
            given.add(name)
            yield name


def _encrypted(book: Zip) -> set[str]:
    """The entries' names that are encrypted; fonts often are, and books that one has to buy."""
    if _ENCRYPTION not in book.names:
        return set()
    try:
        root = parse_xml(book.read(_ENCRYPTION))
    except (EntryError, etree.LxmlError, ValueError):
        return set()
    return {_resolved("", one.get("URI", "")) for one in root.iter("{*}CipherReference")}


def _text(book: Zip, name: str, shown: str) -> str:
    """A chapter's lines; a missing chapter is none, and a damaged one costs the book, as its text would have gaps."""
    if name not in book.names:
        return ""
    try:
        data = book.read(name, _MAX_CHAPTER)
    except EntryError as error:
        reason = error.of_part(f"“{readable(name)[:100]}”")
        raise UserError("{file} cannot be read: {reason}", file=shown, reason=reason) from None
    if not data.strip():
        return ""
    text = readable(decoding.decode(data, shown, html=True))
    try:
        root = markup.parse(_CLOSED.sub(_opened, text))
    except etree.LxmlError:
        return ""  # nothing but comments
    if markup.depth(root) > _MAX_DEPTH:
        raise UserError("{file}: its elements are nested too deeply to be read; save its text instead", file=shown)
    _drop_marks(root)
    return markup.lines(root, without=frozenset({"head", "nav"}))


def _opened(found: re.Match[str]) -> str:
    """`<title/>` closes itself in XHTML, and would swallow the rest of the page in HTML."""
    tag, attributes = found.groups()
    return found.group() if tag.lower() in _MEANT else f"<{tag}{attributes}></{tag}>"


def _drop_marks(root: markup.Element) -> None:
    """The marks of notes go, and the numbers of the printed book's pages; neither are words of a sentence."""
    for element in list(root.iter("a", "sup", "span", "div", "hr")):
        kinds = f"{element.get('epub:type', '')} {element.get('role', '')}"
        if "noteref" in kinds or "pagebreak" in kinds or (element.tag == "sup" and _is_mark(element)):
            markup.drop(element)


def _is_mark(sup: markup.Element) -> bool:
    return sup.find(".//a[@href]") is not None and bool(_MARK.fullmatch("".join(sup.itertext())))


def _about(package: markup.Element) -> dict[str, str]:
    def stated(name: str) -> list[str]:
        return [text for element in package.iter(_DC + name) if (text := (element.text or "").strip())]

    days = {
        element.get("{http://www.idpf.org/2007/opf}event", ""): element.text or ""
        for element in package.iter(_DC + "date")
    }
    return {
        "title": metadata.own_title(next(iter(stated("title")), "")),
        "author": ", ".join(filter(None, map(metadata.own_author, stated("creator")[:20]))),
        "published": next(filter(None, map(days.get, ("publication", "", "original-publication", "creation"))), ""),
        "language": next(iter(stated("language")), ""),
    }
