"""Bytes of a known format become an `Article`: `read` is pure and knows no files, no network and no store.

Each format has a module of its own beside this one; what they share is decoding (bytes to text), cleaning
(text to the text that spans refer to) and metadata (title, address, author, day).
"""

from collections.abc import Callable
from types import MappingProxyType

from index.article import Article
from index.errors import Said, UserError
from index.language import code_of
from index.readers import decoding, docx, epub, exported, html, markdown, metadata, pdf, plain
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
    {Kind.PDF: pdf.parse, Kind.DOCX: docx.parse, Kind.EPUB: epub.parse, Kind.EXPORTED: exported.parse}
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
        raise UserError("{file} is empty: put some text into it, or leave it out", file=shown)
    kind = kind_of(data, name)
    if kind is Kind.ZIP:
        raise UserError(
            "{file} is a ZIP, which may hold several articles: index it as a file, or unpack it", file=shown
        )
    try:
        article = _article(data, source, name, kind)
    except UserError:
        raise
    except Exception as error:  # what a library does with hostile input must not cost the other files
        raise _unreadable(shown, kind, type(error).__name__) from error
    if not article.text:
        raise UserError("{file} holds no text: put some text into it, or leave it out", file=shown)
    return article


def _article(data: bytes, source: str, name: str, kind: Kind) -> Article:
    shown = display(name)
    if kind in _DOCUMENTS:
        draft = _DOCUMENTS[kind](data, shown)
    else:
        draft = _TEXTS[kind](decoding.decode(data, shown, html=kind is Kind.HTML), shown)
    written = draft if isinstance(draft, exported.Written) else None
    mend = written is None
    body = clean(draft.text, mend=mend)
    stated = metadata.stated_title(draft.title, mend=mend)
    return Article(
        source=source,
        title=stated or metadata.made_title(body, name),
        text=body,
        url=metadata.url(draft.url, source),
        author=metadata.author(draft.author, mend=mend),
        published=metadata.published(draft.published),
        states_title=bool(stated) and not (written and written.title_made),
        language=code_of(draft.language),
        updated=metadata.published(draft.updated),
        pages=draft.pages if body == draft.text else (),
    )


def _unreadable(shown: str, kind: Kind, error: str) -> UserError:
    if kind is Kind.TEXT:
        return UserError(
            "{file} could not be read as text ({error}): it may be damaged; save it as plain text",
            file=shown,
            error=error,
        )
    return UserError(
        "{file} could not be read as {format} ({error}): it may be damaged; save it as plain text",
        file=shown,
        format=kind.value,
        error=error,
    )


def too_large(name: str, size: int, limit: int) -> Said:
    """The message for a file of more than `limit` bytes."""
    mebibyte = 1024 * 1024
    if limit < mebibyte:
        return Said(
            "{file} is too large, with {size} bytes; the limit is {limit} bytes: split it into smaller files, or raise "
            "limits.max_file_mb",
            file=display(name),
            size=size,
            limit=limit,
        )
    return Said(
        "{file} is too large, with {size} MiB; the limit is {limit} MiB: split it into smaller files, or raise "
        "limits.max_file_mb",
        file=display(name),
        size=f"{size / mebibyte:.1f}",
        limit=limit / mebibyte,
    )
