"""One article, with its text turned through page by page → a Discord embed.

Pure, and within Discord's limits whatever it is given; what is shown mentions nobody and does nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import discord
from babel import Locale

from cogs.lists import COLOUR
from cogs.markdown import escape, label, link, quoted, safe_url, width
from cogs.quoting import TITLE, TITLE_IN_LINE, short
from cogs.speech import _, current, day, n_
from index.article import Span
from index.jobs import INSIDE
from index.language import UND, name_of
from index.ledger import Source
from index.stored import StoredArticle

_FIRST, _EACH = 1_400, 3_500  # how wide the text of the first page and of the others may be, as it is shown
_MOST = 200  # pages that are shown of one article
_SHARES = (1.0, 0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.25)  # of a page, what text may take of it before it is escaped
_SOURCES = 3  # told one by one
_COPIES = 3
_MESSAGE = "https://discord.com/channels/"


@dataclass(frozen=True, slots=True)
class Sheet:
    """An article, the piece of its text on `page` (from 0) of so many `pages`, the sources that gave it, and the copies
    that it stands for. `is_cut`: its text goes on behind the last page."""

    article: StoredArticle
    text: str
    page: int
    pages: int
    is_cut: bool = False
    origins: Sequence[Source] = ()
    copies: Sequence[StoredArticle] = ()


def pages_of(text: str) -> list[Span]:
    """The pieces in which a text is shown; nothing of it is left out, but for what is behind the last of them."""
    pages: list[Span] = []
    start = 0
    while start < len(text) and len(pages) < _MOST:
        end = _end(text, start, _EACH if pages else _FIRST)
        pages.append(Span(start, end))
        start = end
    return pages or [Span(0, 0)]


def _end(text: str, start: int, limit: int) -> int:
    """Where a page that begins there ends: as late as it fits, if possible where a line or a word does."""
    sizes = (int(limit * share) for share in _SHARES)
    size = next((one for one in sizes if width(quoted(text[start : start + one])) <= limit), limit // 8)
    if start + size >= len(text):
        return len(text)
    middle, end = start + size // 2, start + size
    return text.rfind("\n", middle, end) + 1 or text.rfind(" ", middle, end) + 1 or end


def embed(sheet: Sheet) -> discord.Embed:
    """What is known of the article stands above the first page of its text."""
    article = sheet.article
    known = _known(sheet) if sheet.page == 0 else []
    shown = discord.Embed(
        title=escape(label(article.title, TITLE)),
        url=safe_url(article.url),
        description="\n".join([*known, quoted(sheet.text.strip("\n"))]),
        colour=COLOUR,
    )
    if sheet.pages > 1:
        place = _("Page {page} of {pages}", page=sheet.page + 1, pages=sheet.pages)
        rest = [_("the rest of the text is not shown")] if sheet.is_cut and sheet.page + 1 == sheet.pages else []
        shown.set_footer(text=" · ".join([place, *rest]))
    return shown


def _known(sheet: Sheet) -> list[str]:
    article = sheet.article
    lines = [f"-# {' · '.join(part)}" for part in (_days(article), _facts(article)) if part]
    lines += [f"-# {one}" for one in dict.fromkeys(_origin(article, one) for one in sheet.origins[:_SOURCES])]
    if sheet.copies:
        named = [link(label(one.title, 60), short(safe_url(one.url))) for one in sheet.copies[:_COPIES]]
        more = len(sheet.copies) - len(named)
        if more:
            named.append(n_("{number} more", "{number} more", more))
        lines.append(
            n_(
                "-# It answers for {number} copy, too: {names}",
                "-# It answers for {number} copies, too: {names}",
                len(sheet.copies),
                names=", ".join(named),
            )
        )
    return lines


def _days(article: StoredArticle) -> list[str]:
    found = []
    if article.published:
        found.append(_("published on {day}", day=day(article.published)))
    if article.updated and article.updated != article.published:
        found.append(_("corrected on {day}", day=day(article.updated)))
    return [*found, _("indexed on {day}", day=day(article.indexed_at.date()))]


def _facts(article: StoredArticle) -> list[str]:
    found = [_("by {author}", author=escape(label(article.author, 100)))] if article.author else []
    if article.language not in (None, UND):
        found.append(_language(article.language or ""))
    if article.pages:
        found.append(n_("{number} page", "{number} pages", len(article.pages)))
    return [*found, n_("{number} sentence", "{number} sentences", article.sentences)]


def _language(code: str) -> str:
    """What a language is called, in the one that is spoken."""
    return Locale.parse(current()).languages.get(code) or name_of(code)


def _origin(article: StoredArticle, source: Source) -> str:
    """What gave the article, as a sentence."""
    title = link(label(source.title or source.address, TITLE_IN_LINE), short(safe_url(source.address)))
    if source.kind == "feed":
        return _("From the feed {title}", title=title)
    if source.kind == "page":
        return _("From a page that is looked at from time to time")
    if source.kind == "path":
        return _("From a file of whoever runs me")
    if (article.url or "").startswith(_MESSAGE):
        return _("From a message")
    if INSIDE in article.source:
        return _("From the ZIP {title}", title=title)
    return _("Uploaded as {title}", title=title)
