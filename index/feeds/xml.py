"""RSS, RDF and Atom become drafts, by feedparser.

Nothing is fetched, and no document type reaches a parser: of the XML only its root element does, so that no entity
is ever declared. feedparser's work can take seconds on hostile bytes; it belongs into a process with limits.
"""

import re
from html.entities import name2codepoint
from io import BytesIO
from typing import Any, TypeAlias
from xml.parsers import expat

from index.errors import UserError
from index.feeds.drafts import EntryDraft, FeedDraft, as_html, listed, utc
from index.readers.markup import fragment_text

Parsed: TypeAlias = Any  # feedparser has no types of its own

_MAX_DEPTH = 100  # of XML's elements, XHTML among them
_HEAD = 64 * 1024  # characters within which a feed's root stands
_PROLOG = re.compile(r"(?>\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT = re.compile(
    r"<(?:[a-z_][\w.-]*:)?(?:rss(?=[\s>/])|feed(?=\s[^>]{0,4000}atom)|rdf(?=\s[^>]{0,4000}(?:purl\.org/rss|netscape)))",
    re.IGNORECASE,
)
_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([A-Za-z][A-Za-z0-9]*));")
_XML_NAMES = frozenset({"lt", "gt", "amp", "quot", "apos"})
_PLAIN_GUID = re.compile(r"<guid\s*+>(?!\s*+(?:<!\[CDATA\[)?+\s*+https?:)")
_ENTRY_TAG = re.compile(r"<(/?)(?:item|entry)[\s>]")
_MAIL = re.compile(r"[^\s()<>]+@[^\s()<>]+")
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_PERIODS = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}


def root(text: str) -> int | None:
    """Where the root element of an RSS, RDF or Atom feed begins; None in other XML, web pages and plain text.

    What some programs print before it, such as a warning, is passed over.
    """
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    found = _ROOT.search(text, start, start + _HEAD)
    return found.start() if found and not _PAGE.search(text, start, found.start()) else None


def read(text: str, url: str, shown: str) -> FeedDraft:
    """The draft of an RSS, RDF or Atom feed; `url` is what its links are relative to, `shown` its name in messages.

    Raises:
        UserError: it is no such feed, declares entities, is nested too deeply, or is damaged beyond use.
    """
    start = root(text)
    if start is None:
        raise UserError(
            "{feed} is no feed: give the address of an RSS, Atom or JSON feed, or of a page that names its feed",
            feed=shown,
        )
    if "<!entity" in text[:start].lower():
        raise UserError(
            "{feed} declares XML entities (<!ENTITY …>), which could make it endless, and is not read: "
            "ask its publisher for a feed without them, or give the addresses of its articles",
            feed=shown,
        )
    text = _mended(text[start:])
    data = text.encode(errors="replace")
    whole = _is_well_formed(data, shown)
    try:
        draft = _draft(_parsed(data, url), without_last=not whole and _breaks_off(text))
    except Exception as error:  # what a library does with hostile input must not cost the other feeds
        raise _damaged(shown) from error
    if not whole and not draft.entries:
        raise _damaged(shown)
    return draft


def _damaged(shown: str) -> UserError:
    return UserError(
        "{feed} is damaged, and no entry of it can be read: try again later, or tell its publisher", feed=shown
    )


def _mended(xml: str) -> str:
    """The XML without what makes it no XML, although it is common: controls, and HTML's names of characters.

    A guid that is no address is marked so; it would be made one otherwise.
    """
    return _PLAIN_GUID.sub('<guid isPermaLink="false">', _REFERENCE.sub(_reference, _ILLEGAL.sub("", xml)))


def _reference(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name:
        known = chr(name2codepoint[name]) if name in name2codepoint else f"&amp;{name};"
        return found.group() if name in _XML_NAMES else known
    digits = (hexadecimal or decimal).lstrip("0") or "0"
    point = int(digits, 16 if hexadecimal else 10) if len(digits) < 8 else 0
    sound = point in {9, 10, 13} or 0x20 <= point < 0xD800 or 0xE000 <= point < 0xFFFE or 0xFFFF < point < 0x110000
    return found.group() if sound else ""


def _is_well_formed(data: bytes, shown: str) -> bool:
    parser = expat.ParserCreate()
    depth = 0

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise UserError("{feed}: its elements are nested too deeply to be read; tell its publisher", feed=shown)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        return False
    return True


def _breaks_off(xml: str) -> bool:
    """Whether the last entry has no end: it may lack its id, and would be taken for a new one when it is whole."""
    tags = _ENTRY_TAG.findall(xml)
    return bool(tags) and tags[-1] == ""


def _parsed(data: bytes, url: str) -> Parsed:
    import feedparser  # type: ignore[import-untyped]

    return feedparser.parse(
        BytesIO(data),  # bytes themselves it would take for the name of a file, first
        response_headers={"content-location": url, "content-type": "application/xml; charset=utf-8"},
        resolve_relative_uris=True,
        sanitize_html=True,
    )


def _draft(parsed: Parsed, *, without_last: bool) -> FeedDraft:
    feed, is_atom = parsed.feed, parsed.version.startswith("atom")
    editors = _names(feed) if is_atom else ""  # in Atom they wrote all entries that name nobody else
    entries = parsed.entries[:-1] if without_last else parsed.entries
    return FeedDraft(
        title=_text(feed.get("title_detail")),
        url=feed.get("link") or "",
        entries=tuple(_entry(entry, editors, is_atom) for entry in entries),
        ttl=_ttl(feed),
    )


def _entry(entry: Parsed, editors: str, is_atom: bool) -> EntryDraft:
    # `dict.get`, for feedparser's own gives one date for another that is missing.
    published = utc(dict.get(entry, "published_parsed") or dict.get(entry, "created_parsed"))
    updated = utc(dict.get(entry, "updated_parsed"))
    if published is None and not is_atom:
        published, updated = updated, None  # RSS 1.0 has one date, dc:date: the day the entry came out
    return EntryDraft(
        id=entry.get("id") or "",
        title=_text(entry.get("title_detail")),
        url=entry.get("feedburner_origlink") or entry.get("link") or "",
        author=_names(entry) or editors,
        published=published,
        updated=updated,
        contents=tuple(filter(None, map(_html, entry.get("content", ())))),
        summary=_html(entry.get("summary_detail")),
    )


def _names(written: Parsed) -> str:
    """The authors of an entry or a feed; feedparser takes the addresses of long domains out of a name in part only."""
    authors, stated = written.get("authors", ()), str(written.get("author") or "")[:500]
    if len(authors) == 1 and _MAIL.search(stated):
        return listed([_MAIL.sub("", stated).strip(" ()<>")])
    return listed(author.get("name") or "" for author in authors)


def _html(detail: Parsed) -> str:
    """The HTML of one of feedparser's texts; nothing of what is neither HTML nor plain text."""
    if not detail or not detail.get("value"):
        return ""
    if detail.type in _HTML_TYPES:
        return str(detail.value)
    return as_html(detail.value) if detail.type == "text/plain" else ""


def _text(detail: Parsed) -> str:
    is_plain = detail and detail.get("type") == "text/plain"
    return str(detail.get("value") or "") if is_plain else fragment_text(_html(detail))


def _ttl(feed: Parsed) -> float | None:
    """The longest time, in seconds, that the feed asks for: by `ttl` (minutes) or by the syndication module."""
    minutes = re.fullmatch(r"\d{1,7}", str(feed.get("ttl") or ""))
    period = _PERIODS.get(str(feed.get("sy_updateperiod") or "").strip().lower(), 0)
    times = re.fullmatch(r"[1-9]\d{0,4}", str(feed.get("sy_updatefrequency") or ""))
    asked = max(60 * float(minutes.group()) if minutes else 0, period / (int(times.group()) if times else 1))
    return asked or None
