"""Feeds: what is new on a site, from the bytes of RSS, RDF, Atom or a JSON Feed, and where a page names its feeds.

Pure: it fetches nothing, and knows neither schedules nor the store. The bytes are hostile; a process with limits on
time and memory is the place to call `parse` in.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from lxml import etree  # type: ignore[import-untyped]

from index.errors import UserError
from index.feeds import json as json_feed
from index.feeds import xml
from index.feeds.drafts import EntryDraft, FeedDraft
from index.feeds.html import absolute, harmless, longest, looks_whole, paragraphs
from index.readers import decoding, markup, metadata, too_large
from index.readers.cleaning import display, one_line

MAX_BYTES: int = 10 * 1024 * 1024
MAX_ENTRIES: int = 200
MAX_KEY: int = 500  # characters
MAX_FEEDS_OF_PAGE: int = 10
MIN_TTL, MAX_TTL = 300.0, 604_800.0  # five minutes and a week, in seconds

_FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"})
_OTHER_TYPES = frozenset({"application/json", "application/xml", "text/xml"})  # a feed, if the address says so
_NEVER = datetime.min.replace(tzinfo=UTC)
_NAMES_FEED = re.compile(r"feed|rss|atom|rdf", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed, checked.

    `key` is its identity within the feed: its own id, else its link, else a hash of its title and content; one line
    of at most 500 characters. The dates are aware and in UTC. `html` is the longest text that the feed has for it,
    with harmless elements only, and `is_full` tells whether that is the article rather than a summary.
    """

    key: str
    title: str
    url: str | None
    author: str | None
    published: datetime | None
    updated: datetime | None
    html: str
    is_full: bool


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: at most 200 entries, the newest first, and those without a date last, as in the feed.

    `url` is the site's page, and `ttl` the time in seconds for which the feed asks to be left alone, if it does.
    """

    title: str
    url: str | None
    entries: tuple[Entry, ...]
    ttl: float | None


def parse(data: bytes, url: str) -> Feed:
    """Reads a feed; `url` is its own address, which its links are relative to.

    Raises:
        UserError: it is no feed, declares entities, is damaged beyond use, too large, or nested too deeply.
    """
    shown = display(url)
    if len(data) > MAX_BYTES:
        raise UserError(too_large(url, len(data), MAX_BYTES))
    if not data.strip():
        raise UserError("{feed} is empty and no feed: check the address, or try again later", feed=shown)
    try:
        text = decoding.decode(data, shown, html=True)
    except UserError:
        raise UserError(
            "{feed} is no feed but binary data: give the address of an RSS, Atom or JSON feed", feed=shown
        ) from None
    draft = json_feed.read(text, shown) if json_feed.is_feed(text) else xml.read(text, url, shown)
    return _checked(draft, url)


def looks_like_feed(data: bytes, content_type: str) -> bool:
    """Whether it is worth parsing as a feed: by its content, and by its type only where that leaves it open."""
    with suppress(UserError):
        text = decoding.decode(data, "", html=True)
        if json_feed.is_feed(text) or xml.root(text) is not None:
            return True
        kind = content_type.partition(";")[0].strip().lower()
        return kind == "application/feed+json" and text.lstrip().startswith("{")
    return False


def discover(html: bytes, url: str) -> list[str]:
    """The absolute addresses of the feeds that a page names, in its order, each once, at most ten."""
    try:
        root = markup.parse(decoding.decode(html, "", html=True))
    except (UserError, etree.LxmlError):
        return []
    base = next((absolute(href, url) for href in root.xpath("//base/@href")), None) or url
    found = (absolute(link.get("href") or "", base) for link in root.iter("link") if _names_feed(link))
    return list(dict.fromkeys(filter(None, found)))[:MAX_FEEDS_OF_PAGE]


def entry_article_html(entry: Entry, words: Callable[[str], str] = paragraphs) -> bytes:
    """A page of the entry alone, for `index.readers.read(…, name="entry.html")`; UTF-8. `words` is `paragraphs`, where
    it may be used.

    Its head states the entry's title, author, dates and address, and nothing in the entry can add to that.
    """
    metas = {
        "og:title": entry.title,
        "author": entry.author,
        "article:published_time": entry.published and entry.published.isoformat(),
        "article:modified_time": entry.updated and entry.updated.isoformat(),
    }
    head = "".join(
        f'<meta {"property" if ":" in name else "name"}="{name}" content="{escape(value)}">'
        for name, value in metas.items()
        if value
    )
    link = f'<link rel="canonical" href="{escape(entry.url)}">' if entry.url else ""
    page = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{escape(entry.title)}</title>{head}{link}</head>'
        f"<body><article>{words(entry.html)}</article></body></html>"
    )
    return page.encode(errors="replace")


def _names_feed(link: markup.Element) -> bool:
    kind = (link.get("type") or "").partition(";")[0].strip().lower()
    is_feed = kind in _FEED_TYPES or (kind in _OTHER_TYPES and _NAMES_FEED.search(link.get("href") or ""))
    return bool(is_feed) and "alternate" in (link.get("rel") or "").lower().split()


def _checked(draft: FeedDraft, url: str) -> Feed:
    stated = (one for one in draft.entries if one.url or one.title or one.contents or one.summary)
    drafts = sorted(stated, key=lambda one: one.updated or one.published or _NEVER, reverse=True)
    entries: dict[str, Entry] = {}
    for key, entry in zip(_keys(drafts, url), drafts, strict=True):
        if key not in entries:
            entries[key] = _entry(key, entry, url)
        if len(entries) == MAX_ENTRIES:
            break
    return Feed(
        title=metadata.stated_title(draft.title),
        url=absolute(draft.url, url),
        entries=tuple(entries.values()),
        ttl=min(max(draft.ttl, MIN_TTL), MAX_TTL) if draft.ttl else None,
    )


def _keys(drafts: list[EntryDraft], url: str) -> list[str]:
    """What each entry is known by. An id that entries with several links share is none, and their links serve."""
    links: defaultdict[str, set[str]] = defaultdict(set)
    for draft in drafts:
        links[draft.id].add(draft.url)
    return [
        _key(draft.id if len(links[draft.id]) == 1 else "") or _key(absolute(draft.url, url) or "") or _hash(draft)
        for draft in drafts
    ]


def _key(stated: str) -> str:
    """The id on one line; a hash of one that is longer than a key may be."""
    line = one_line(stated, MAX_KEY)
    return line if len(stated) <= MAX_KEY else _sha256(stated)


def _hash(draft: EntryDraft) -> str:
    return _sha256("\0".join((draft.title, *draft.contents, draft.summary)))


def _sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _entry(key: str, draft: EntryDraft, url: str) -> Entry:
    link = absolute(draft.url, url)
    contents = [harmless(content, link or url) for content in draft.contents]
    content = longest(contents)
    html = longest([content, harmless(draft.summary, link or url)])
    return Entry(
        key=key,
        title=metadata.stated_title(draft.title),
        url=link,
        author=metadata.author(draft.author),
        published=draft.published,
        updated=draft.updated,
        html=html,
        is_full=html == content and looks_whole(html),
    )
