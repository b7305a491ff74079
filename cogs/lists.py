"""A server's articles and sources → the pages of a list, and their names among autocomplete's choices.

Pure, and within Discord's limits whatever it is given.
"""

from collections.abc import Sequence
from typing import Literal

import discord

from cogs.markdown import escape, label, link, safe_url, width
from cogs.quoting import TITLE_IN_LINE, short
from cogs.service import Shelf
from cogs.sources import FEEDS, SOURCES, Kinds, Listed
from cogs.speech import _, day, mark, n_, told
from index.ledger import Kind, Source, State
from index.stored import StoredArticle

CHOICE = 100  # an autocomplete choice's name
PAGE = 10  # articles on one page of a list
SOURCES_PAGE = 5  # sources on one page of theirs
COLOUR = 0x2E8B57

Of = Literal["feeds", "sources"]
KINDS: dict[Of, Kinds] = {"feeds": FEEDS, "sources": SOURCES}
"""What `/feeds` and `/sources` are about."""

_KINDS: dict[Kind, str] = {"page": mark("Page"), "feed": mark("Feed"), "upload": mark("ZIP"), "path": mark("File")}
_STATES: dict[State, str] = {"active": "", "paused": mark("paused"), "suspended": mark("suspended")}


def page_of(shelf: Shelf, page: int) -> tuple[discord.Embed, int, int]:
    """One page of a server's articles, with its number (the nearest there is) and the number of pages, from 0."""
    articles = shelf.articles
    page, pages = _nearest(page, len(articles), PAGE)
    lines = [_article(one, shelf.copies.get(one.id, 0)) for one in articles[page * PAGE : (page + 1) * PAGE]]
    nothing = _("None yet. Add the first with `/articles add`.")
    shown = "\n".join(lines) or nothing
    embed = discord.Embed(title=_("Articles of this server"), description=shown, colour=COLOUR)
    footer = [*_numbered(page, pages), n_("{number} article", "{number} articles", len(articles))]
    if shelf.shared:
        footer.append(n_("{number} shared article besides", "{number} shared articles besides", shelf.shared))
    embed.set_footer(text=" · ".join(footer))
    return embed, page, pages


def _article(article: StoredArticle, copies: int) -> str:
    title = link(label(article.title, TITLE_IN_LINE), short(safe_url(article.url)))
    sentences = n_("{number} sentence", "{number} sentences", article.sentences)
    facts = [f"**{title}**", sentences, day(article.indexed_at.date())]
    if copies:
        facts.append(n_("and {number} other address", "and {number} other addresses", copies))
    return " · ".join(facts)


def choice(article: StoredArticle) -> str:
    """An article's name among autocomplete choices, which know no markup."""
    title, added = label(article.title, CHOICE), f" ({day(article.indexed_at.date())})"
    return title if width(title + added) > CHOICE else title + added


def sources_page(of: Of, sources: Sequence[Listed], page: int) -> tuple[discord.Embed, int, int]:
    """As `page_of`, of a server's feeds, or of all its sources."""
    page, pages = _nearest(page, len(sources), SOURCES_PAGE)
    shown = "\n".join(_source(one, of) for one in sources[page * SOURCES_PAGE : (page + 1) * SOURCES_PAGE])
    number = len(sources)
    if of == "feeds":
        title, nothing = _("Feeds of this server"), _("None yet. Add the first with `/feeds add`.")
        total = n_("{number} feed", "{number} feeds", number)
    else:
        title = _("Sources of this server")
        nothing = _("None yet. `/articles add` takes links to pages and feeds, and ZIPs of articles.")
        total = n_("{number} source", "{number} sources", number)
    embed = discord.Embed(title=title, description=shown or nothing, colour=COLOUR)
    embed.set_footer(text=" · ".join([*_numbered(page, pages), total]))
    return embed, page, pages


def _source(listed: Listed, of: Of) -> str:
    source = listed.source
    address = short(safe_url(source.address))
    title = f"**{link(name_of(source, TITLE_IN_LINE), address)}**"
    state = f" · **{_(_STATES[source.state])}**" if _STATES[source.state] else ""
    facts = [] if of == "feeds" else [_(_KINDS[source.kind])]
    if listed.articles is not None:
        facts.append(n_("{number} article", "{number} articles", listed.articles))
    elif source.checked:
        facts.append(_("last look {when}", when=_when(source.checked)))
    else:
        facts.append(_("not looked at yet"))
    if listed.due is not None:
        facts.append(_("next {when}", when=_when(listed.due)))
    lines = [title + state, f"-# {' · '.join(facts)}"]
    if source.problem:
        lines.append(_("-# Last problem: {problem}", problem=escape(label(told(source.problem), 300))))
    return "\n".join(lines)


def name_of(source: Source, limit: int = CHOICE) -> str:
    """What a source is called, on one line, not escaped; also its name among autocomplete choices."""
    return label(source.title or source.address, limit)


def removed(source: Source, articles: int | None) -> str:
    """That a source is gone, with so many articles; None: they were kept."""
    title = escape(name_of(source))
    if source.kind == "feed":
        if articles is None:
            return _("Removed the feed **{title}**; its articles stay.", title=title)
        return n_(
            "Removed the feed **{title}**, with {number} article.",
            "Removed the feed **{title}**, with {number} articles.",
            articles,
            title=title,
        )
    if articles is None:
        return _("Removed **{title}**, which I look at no longer; its articles stay.", title=title)
    return n_(
        "Removed **{title}**, with {number} article.",
        "Removed **{title}**, with {number} articles.",
        articles,
        title=title,
    )


def _when(moment: float) -> str:
    """A time as every reader's own clock and language has it, as Discord shows it."""
    return f"<t:{int(moment)}:R>"


def _nearest(page: int, number: int, each: int) -> tuple[int, int]:
    pages = max(1, -(-number // each))
    return min(max(page, 0), pages - 1), pages


def _numbered(page: int, pages: int) -> list[str]:
    return [_("Page {page} of {pages}", page=page + 1, pages=pages)] if pages > 1 else []
