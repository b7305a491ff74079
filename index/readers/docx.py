"""DOCX: headings, paragraphs, lists, tables and notes as mammoth finds them, and the document's properties.

mammoth gets a package written here, of nothing but the parts with words in them, each parsed and checked before: no
picture, no linked file, no entity and no style map of the document's own ever reaches it.
"""

import zipfile
from io import BytesIO

from lxml import etree  # type: ignore[import-untyped]

from index.errors import UserError
from index.readers import markup, metadata
from index.readers.metadata import Draft
from index.readers.unzip import EntryError, Zip
from index.readers.xml import parse_xml

_MAX_PARTS = 24 * 1024 * 1024  # bytes of XML
_MAX_ELEMENTS = 250_000  # a thousand pages; mammoth takes more than a kilobyte of memory for each
_MAX_DEPTH = 100  # mammoth's functions call each other for each level
_PROPERTIES = "docProps/core.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"
_DCTERMS = "{http://purl.org/dc/terms/}"
_TEMPLATE_DAY = "2013-12-23T23:15:00Z"  # when the template was made that python-docx begins documents with
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"


def parse(data: bytes, shown: str) -> Draft:
    """The article, with the title, author, day and language that its properties state.

    Raises:
        UserError: the package is damaged, encrypted, too large or nested too deeply.
    """
    import mammoth  # type: ignore[import-untyped]

    parts = _parts(data, shown)
    try:
        page = mammoth.convert_to_html(
            BytesIO(_package(parts)),
            external_file_access=False,
            include_embedded_style_map=False,
            convert_image=_without_image,
            style_map=_STYLES,
        ).value
    except RecursionError:
        raise _too_deep(shown) from None
    root = markup.parse(f"<html><body>{page}</body></html>")
    _drop_note_marks(root)
    about = _about(parts)
    heading = root.find(".//h1")
    title = "" if heading is None else "".join(heading.itertext())
    return Draft(markup.lines(root), pages=(), **(about | {"title": about.get("title") or title}))


def _parts(data: bytes, shown: str) -> dict[str, bytes]:
    """The parts that are XML, by name: those with words, and those that say how they belong together."""
    parts: dict[str, bytes] = {}
    size = elements = 0
    with Zip(data, shown) as package:
        for name in sorted(package.names):
            if not _has_words(name):
                continue
            try:
                part = package.read(name, _MAX_PARTS)
                root = parse_xml(part)
            except EntryError as error:
                raise UserError("{file} cannot be read: {reason}", file=shown, reason=error.of_part(name)) from None
            except (etree.LxmlError, ValueError):
                raise UserError(
                    "{file} is damaged, in its part {part}: open it in Word and save it again", file=shown, part=name
                ) from None
            size += len(part)
            elements += _counted(root, shown)
            if size > _MAX_PARTS or elements > _MAX_ELEMENTS:
                raise UserError("{file} is too large a document: split it into smaller ones", file=shown)
            parts[name] = etree.tostring(root, encoding="utf-8")
    return parts


def _has_words(name: str) -> bool:
    """Whether a part is one that mammoth reads: the document, its notes, styles, numbering and relations."""
    if name in {"[Content_Types].xml", _PROPERTIES, "_rels/.rels"}:
        return True
    folder, _, file = name.rpartition("/")
    unread = ("header", "footer", "comments", "theme", "settings", "fontTable", "webSettings", "glossary")
    return folder in {"word", "word/_rels"} and file.endswith((".xml", ".rels")) and not file.startswith(unread)


def _counted(root: markup.Element, shown: str) -> int:
    """The number of elements; refuses those nested too deeply."""
    depth = count = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > _MAX_DEPTH:
            raise _too_deep(shown)
    return count


def _too_deep(shown: str) -> UserError:
    return UserError("{file}: its parts are nested too deeply to be read; save its text instead", file=shown)


def _package(parts: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, part in parts.items():
            package.writestr(name, part)
    return buffer.getvalue()


def _without_image(image: object) -> list[object]:
    return []


def _drop_note_marks(root: markup.Element) -> None:
    """The marks of notes go, and the arrows back from the notes; a mark in a quotation would be none of its words."""
    for link in list(root.iter("a")):
        target, own = link.get("href", ""), link.get("id", "")
        if target.startswith(("#footnote-", "#endnote-")) and (
            own or target.startswith(("#footnote-ref", "#endnote-ref"))
        ):
            markup.drop(link.getparent() if link.getparent().tag == "sup" else link)


def _about(parts: dict[str, bytes]) -> dict[str, str]:
    """What the properties state; the day they were last changed is not that of a correction, and left out."""
    if _PROPERTIES not in parts:
        return {}
    core = parse_xml(parts[_PROPERTIES])
    created = core.findtext(_DCTERMS + "created") or ""
    return {
        "title": metadata.own_title(core.findtext(_DC + "title") or ""),
        "author": metadata.own_author(core.findtext(_DC + "creator") or ""),
        "published": "" if created == _TEMPLATE_DAY else created,
        "language": core.findtext(_DC + "language") or "",
    }
