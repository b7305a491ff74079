"""Bytes of a known format become an `Article`: `read` is pure and knows no files, no network and no store.

Each format has a module of its own beside this one; what they share is decoding (bytes to text), cleaning
(text to the text that spans refer to) and metadata (title, address, author, day).
"""

from collections.abc import Callable
from types import MappingProxyType

from index.article import Article
from index.errors import UserError
from index.language import code_of
from index.readers import decoding, docx, epub, html, markdown, metadata, pdf, plain
from index.readers.archive import Member, expand
from index.readers.cleaning import clean, display
from index.readers.kinds import SUPPORTED_SUFFIXES, Kind, kind_of, unsupported
from index.readers.metadata import Draft

__all__ = [
    "DEFAULT_MAX_BYTES",
    "READER_VERSION",
    "SUPPORTED_SUFFIXES",
    "Kind",
    "Member",
    "display",
    "expand",
    "kind_of",
    "read",
    "too_large",
    "unsupported",
]

READER_VERSION: int = 4
"""Raised whenever reading the same bytes may give another `Article`; part of the hash that decides "unchanged"."""

DEFAULT_MAX_BYTES: int = 10 * 1024 * 1024

_TEXTS = MappingProxyType({Kind.TEXT: plain.parse, Kind.MARKDOWN: markdown.parse, Kind.HTML: html.parse})
_DOCUMENTS: MappingProxyType[Kind, Callable[[bytes, str], Draft]] = MappingProxyType(
    {Kind.PDF: pdf.parse, Kind.DOCX: docx.parse, Kind.EPUB: epub.parse}
)


def read(data: bytes, source: str, name: str, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Article:
    """Makes an article of a file's bytes; its content tells the format, and `name` only one kind of text from another.

    The text has `\\n` as its only control character, no byte order marks or invisible breaks, and no blanks
    around it; otherwise it says what the source says. The same arguments always give the same article.

    Raises:
        UserError: the format is not supported, or the file is too large, empty, damaged or without text.
    """
    shown = display(name)
    if len(data) > max_bytes:
        raise UserError(too_large(name, len(data), max_bytes))
    if not data:
        raise UserError(f"{shown} is empty: put some text into it, or leave it out")
    kind = kind_of(data, name)
    if kind is Kind.ZIP:
        raise UserError(f"{shown} is a ZIP, which may hold several articles: index it as a file, or unpack it")
    try:
        article = _article(data, source, name, kind)
    except UserError:
        raise
    except Exception as error:  # what a library does with hostile input must not cost the other files
        raise UserError(
            f"{shown} could not be read as {kind.value} ({type(error).__name__}): it may be damaged; save it as plain "
            "text"
        ) from error
    if not article.text:
        raise UserError(f"{shown} holds no text: put some text into it, or leave it out")
    return article


def _article(data: bytes, source: str, name: str, kind: Kind) -> Article:
    shown = display(name)
    if kind in _DOCUMENTS:
        draft = _DOCUMENTS[kind](data, shown)
    else:
        draft = _TEXTS[kind](decoding.decode(data, shown, html=kind is Kind.HTML), shown)
    body = clean(draft.text)
    stated = metadata.stated_title(draft.title)
    return Article(
        source=source,
        title=stated or metadata.made_title(body, name),
        text=body,
        url=metadata.url(draft.url, source),
        author=metadata.author(draft.author),
        published=metadata.published(draft.published),
        states_title=bool(stated),
        language=code_of(draft.language),
        updated=metadata.published(draft.updated),
        pages=draft.pages if body == draft.text else (),
    )


def too_large(name: str, size: int, limit: int) -> str:
    """The message for a file of more than `limit` bytes."""
    mebibyte = 1024 * 1024
    sizes = (
        f"{size / mebibyte:.1f} MiB; the limit is {limit / mebibyte:g} MiB"
        if limit >= mebibyte
        else f"{size:,} bytes; the limit is {limit:,} bytes"
    )
    return f"{display(name)} is too large, with {sizes}: split it into smaller files, or raise limits.max_file_mb"
