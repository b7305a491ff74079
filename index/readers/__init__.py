"""Bytes of a known format become an `Article`: `read` is pure and knows no files, no network and no store.

Each format has a module of its own beside this one; what they share is decoding (bytes to text), cleaning
(text to the text that spans refer to) and metadata (title, address, author, day).
"""

from pathlib import PurePath

from index.article import Article
from index.errors import UserError
from index.language import code_of
from index.readers import decoding, html, markdown, metadata, plain
from index.readers.cleaning import clean, one_line

READER_VERSION: int = 3
"""Raised whenever reading the same bytes may give another `Article`; part of the hash that decides "unchanged"."""

DEFAULT_MAX_BYTES: int = 10 * 1024 * 1024

_READERS = {
    ".txt": plain.parse,
    ".text": plain.parse,
    ".md": markdown.parse,
    ".markdown": markdown.parse,
    ".html": html.parse,
    ".htm": html.parse,
    ".xhtml": html.parse,
}
_HTML = frozenset({".html", ".htm", ".xhtml"})

SUPPORTED_SUFFIXES: frozenset[str] = frozenset(_READERS)


def read(data: bytes, source: str, name: str, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Article:
    """Makes an article of a file's bytes; `name` is the file's name, and its suffix tells the format.

    The text has `\\n` as its only control character, no byte order marks or invisible breaks, and no blanks
    around it; otherwise it says what the source says. The same arguments always give the same article.

    Raises:
        UserError: the format is not supported, or the file is too large, empty, not text or unreadable.
    """
    shown = display(name)
    suffix = PurePath(name).suffix.lower()
    if suffix not in _READERS:
        raise UserError(unsupported(name))
    if len(data) > max_bytes:
        raise UserError(too_large(name, len(data), max_bytes))
    if not data:
        raise UserError(f"{shown} is empty: put some text into it, or leave it out")
    try:
        article = _article(data, source, name, suffix)
    except UserError:
        raise
    except Exception as error:  # what a library does with hostile input must not cost the other files
        raise UserError(
            f"{shown} could not be read as {suffix} ({type(error).__name__}): it may be damaged; save it as plain text"
        ) from error
    if not article.text:
        raise UserError(f"{shown} holds no text: put some text into it, or leave it out")
    return article


def _article(data: bytes, source: str, name: str, suffix: str) -> Article:
    text = decoding.decode(data, display(name), html=suffix in _HTML)
    draft = _READERS[suffix](text, display(name))
    body = clean(draft.text)
    stated = metadata.stated_title(draft.title)
    return Article(
        source=source,
        title=stated or metadata.made_title(body, name),
        text=body,
        url=metadata.url(draft.url),
        author=metadata.author(draft.author),
        published=metadata.published(draft.published),
        states_title=bool(stated),
        language=code_of(draft.language),
        updated=metadata.published(draft.updated),
        pages=draft.pages if body == draft.text else (),
    )


def display(name: str) -> str:
    """A file's name as messages show it: in quotation marks, on one line, at most 100 characters."""
    return f"“{one_line(name, 100)}”"


def too_large(name: str, size: int, limit: int) -> str:
    """The message for a file of more than `limit` bytes."""
    mebibyte = 1024 * 1024
    sizes = (
        f"{size / mebibyte:.1f} MiB; the limit is {limit / mebibyte:g} MiB"
        if limit >= mebibyte
        else f"{size:,} bytes; the limit is {limit:,} bytes"
    )
    return f"{display(name)} is too large, with {sizes}: split it into smaller files, or raise the limit"


def unsupported(name: str) -> str:
    """The message for a file whose suffix tells no format that there is a reader for."""
    suffix = PurePath(name).suffix.lower()
    if kind := decoding.DOCUMENT_SUFFIXES.get(suffix):
        return decoding.not_yet(display(name), kind)
    what = f"files ending in {one_line(suffix, 20)}" if suffix else "files without a suffix"
    return f"{display(name)}: {what} are not supported; use {', '.join(sorted(SUPPORTED_SUFFIXES))}"
