"""One hit → what stands in a message: the sentence, bold between its neighbours; its source; who else says it.

Pure. Whatever an article says, it is escaped, and quoted in full as long as that fits into a message at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import discord
from yarl import URL

from cogs.markdown import block, bolded, cut, cut_front, escape, label, link, quoted, safe_url, width
from cogs.marking import underlined, words_in, words_of
from cogs.speech import _, day, listed, mark, n_
from index.language import analysed_as
from index.stored import StoredArticle
from retrieval.answer import Citation, Confidence, Hit, Passage
from retrieval.links import web_link

CONTENT = 2_000
DESCRIPTION = 4_096
TITLE = 256
TITLE_IN_LINE = 100
WORDS = {
    Confidence.STRONG: (mark("Strong match"), 0x2E8B57),
    Confidence.LIKELY: (mark("Likely match"), 0xD9A400),
    Confidence.WEAK: (mark("Weak match: check the source"), 0x8A8F98),
}

_NO_ANSWER = 0x4E5058  # the colour of what is no answer
_MESSAGE = "https://discord.com/channels/"
_SITE = 40  # characters of a site's name
_LONG = 140  # characters; a shorter sentence is read at a glance, and needs no words marked


@dataclass(frozen=True, slots=True)
class Room:
    """How much is shown beside a hit's sentence: characters of each sentence around it, sentences with other figures,
    and places named; more of both are counted. Only what `answers` is bold and told how sure it is."""

    neighbours: int
    figures: int
    places: int
    answers: bool = True


ROOMS = (Room(300, 2, 3), Room(120, 2, 3), Room(0, 2, 3), Room(0, 1, 3), Room(0, 0, 2), Room(0, 0, 0))


@dataclass(frozen=True, slots=True)
class Style:
    """How a hit is shown: whether titles are links, the question whose words are marked, and the number it is called
    by, if it has any."""

    links: bool = True
    question: str = ""
    number: int | None = None


def embedded(hit: Hit, room: Room, style: Style) -> discord.Embed:
    """A hit as an embed."""
    article = hit.citation.article
    below = _below(hit, room, style)
    while room.figures and width(below) > DESCRIPTION // 2:  # the sentence itself comes first
        room = replace(room, figures=room.figures - 1)
        below = _below(hit, room, style)
    quote = _sentence(hit, room, style, DESCRIPTION - width(below) - 1)
    return discord.Embed(
        title=_numbered(escape(label(article.title, TITLE - 10)), style),
        url=_address(hit.citation) if style.links else None,
        description=stacked(quote, below),
        colour=WORDS[hit.confidence][1] if room.answers else _NO_ANSWER,
    )


def in_text(hit: Hit, rooms: Sequence[Room], limit: int, style: Style) -> str | None:
    """A hit as text, in the first of the rooms in which it keeps the limit; None if there is none such."""
    tries = [(room, style) for room in rooms]
    for room, look in (*tries, (tries[-1][0], replace(style, links=False))):
        title = _numbered(_title_in_text(hit.citation, look), look)
        title = bolded(title) if room.answers else title
        # What is left has room for the longest title, address and facts, and for counts of all else.
        text = stacked(title, _sentence(hit, room, look, CONTENT - 590), _below(hit, room, look))
        if width(text) <= limit:
            return text
    return None


def passage_embedded(passage: Passage, style: Style) -> discord.Embed:
    """A sentence with more of the text around it, as an embed."""
    facts = _facts(_origin(passage.citation, style))
    return discord.Embed(
        title=_numbered(escape(label(passage.citation.article.title, TITLE - 10)), style),
        url=_address(passage.citation) if style.links else None,
        description=stacked(_around(passage, DESCRIPTION - width(facts) - 1), facts),
        colour=_NO_ANSWER,
    )


def passage_in_text(passage: Passage, style: Style) -> str:
    """As `passage_embedded`, as text."""
    title = bolded(_numbered(_title_in_text(passage.citation, style), style))
    facts = _facts(_origin(passage.citation, style))
    return stacked(title, _around(passage, CONTENT - width(title) - width(facts) - 2), facts)


def stacked(*parts: str) -> str:
    """Those parts that there are, one below the other."""
    return "\n".join(filter(None, parts))


def short(url: str | None) -> str | None:
    """An address that may stand in the text beside others."""
    return url if url and width(url) <= 240 else None


# -- the sentence


def _sentence(hit: Hit, room: Room, style: Style, limit: int) -> str:
    """The sentence, bold if it answers, between its neighbours; only what is longer than any message is cut."""
    language = analysed_as(hit.citation.article.language)
    wanted = words_of(style.question, language) if style.question else frozenset()
    text = hit.citation.text
    marked = underlined(text, wanted, language) if len(text) > _LONG else escape(text)
    # The longest sentence that is ever stored fits, with every one of its characters escaped.
    ways = (marked, escape(text), escape(label(text, limit - 40)))
    quotes = (block(bolded(one) if room.answers else one) for one in ways)
    sentence = next(one for one in quotes if width(one) <= limit)
    around = room.neighbours
    if not around:
        return sentence
    lacking = wanted - words_in(text, language)  # what the sentence leaves to those beside it, such as its subject
    title = hit.citation.article.title.casefold()
    precedes = hit.before if hit.before and hit.before.casefold() != title else None  # the title stands above already
    before = block(underlined(cut_front(precedes, around), lacking, language)) if precedes else ""
    after = block(underlined(cut(hit.after, around), lacking, language)) if hit.after else ""
    whole = stacked(before, sentence, after)
    return whole if width(whole) <= limit else sentence


def _around(passage: Passage, limit: int) -> str:
    """The passage as a block quote, its sentence bold; what is too long is cut at its ends."""
    sentence = bolded(escape(passage.citation.text))
    for room in (limit, *range(limit // 100 * 100, 0, -100), 0):
        half = room // 2
        before = cut_front(passage.before, max(half, room - width(escape(passage.after))))
        after = cut(passage.after, max(half, room - width(escape(before))))
        quote = block(escape(before) + sentence + escape(after))
        if width(quote) <= limit:
            return quote
    return quoted(label(passage.citation.text, limit - 40), bold=True)


# -- where it stands


def _numbered(title: str, style: Style) -> str:
    return f"{style.number} · {title}" if style.number is not None else title


def _title_in_text(citation: Citation, style: Style) -> str:
    address = short(_address(citation)) if style.links else None
    return link(label(citation.article.title, TITLE_IN_LINE), address)


def _facts(facts: Sequence[str]) -> str:
    return f"-# {' · '.join(facts)}" if facts else ""


def _origin(citation: Citation, style: Style) -> list[str]:
    """The site, the page and the days, as far as they are known."""
    site, page = _site(citation.article) if style.links else None, _page(citation)
    return [*filter(None, (site, page)), *_days(citation.article)]


def _site(article: StoredArticle) -> str | None:
    address = safe_url(article.url)
    if address is None:
        return None
    if address.startswith(_MESSAGE):
        return "Discord"
    return escape(label((URL(address).host or "").removeprefix("www."), _SITE))


def _page(citation: Citation) -> str | None:
    page = citation.article.page_of(citation.start)
    return _("p. {number}", number=page) if page else None


def _days(article: StoredArticle) -> list[str]:
    """When it was published and corrected, as far as it is known."""
    published, updated = article.published, article.updated
    corrected = [_("corrected {day}", day=day(updated))] if updated and updated != published else []
    return ([day(published)] if published else []) + corrected


def _address(citation: Citation) -> str | None:
    """Where the sentence stands: scrolled to, or its page, if that makes an address Discord takes."""
    url = citation.article.url
    if safe_url(url) is None or url is None:
        return None
    if url.startswith(_MESSAGE):  # which Discord itself opens, if it is left as it is
        return safe_url(url)
    page = citation.article.page_of(citation.start)
    precise = f"{url.partition('#')[0]}#page={page}" if page else web_link(url, citation.text)
    return safe_url(precise) or safe_url(url)


# -- what stands below


def _below(hit: Hit, room: Room, style: Style) -> str:
    """What stands below the quotation: how sure it is, who says it too, and who gives other figures."""
    sure = [_(WORDS[hit.confidence][0])] if room.answers else []
    lines = [_facts([*sure, *_origin(hit.citation, style)])]
    if hit.also_in:
        lines.append(f"-# {_also_in(hit.also_in, room.places, style)}")
    shown, others = hit.differing[: room.figures], hit.differing[room.figures :]
    if shown:
        lines.append(bolded(_("Other figures:")))
    for one in shown:
        lines += [quoted(one.text), f"-# {_place(one, _address(one) if style.links else None)}"]
    if others:
        lines.append(f"-# {_other_figures(others, room.places, style)}")
    return stacked(*lines)


def _also_in(citations: Sequence[Citation], most: int, style: Style) -> str:
    places, rest = _named(citations, most, style), max(0, len(citations) - most)
    if not places:
        return n_("Also in {number} place", "Also in {number} places", rest)
    if not rest:
        return _("Also in: {places}", places=listed(places))
    return n_(
        "Also in: {places} and {number} more place",
        "Also in: {places} and {number} more places",
        rest,
        places=", ".join(places),
    )


def _other_figures(citations: Sequence[Citation], most: int, style: Style) -> str:
    places, rest = _named(citations, most, style), max(0, len(citations) - most)
    if not places:
        return n_("Other figures in {number} place", "Other figures in {number} places", rest)
    if not rest:
        return _("Other figures in: {places}", places=listed(places))
    return n_(
        "Other figures in: {places} and {number} more place",
        "Other figures in: {places} and {number} more places",
        rest,
        places=", ".join(places),
    )


def _named(citations: Sequence[Citation], most: int, style: Style) -> list[str]:
    return [_place(one, one.article.url if style.links else None) for one in citations[:most]]


def _place(citation: Citation, url: str | None) -> str:
    """An article's linked title, with its page and its dates if it has any."""
    address = short(safe_url(url)) or (short(safe_url(citation.article.url)) if url else None)
    title = link(label(citation.article.title, TITLE_IN_LINE), address)
    page, days = _page(citation), _days(citation.article)
    return title + (f", {page}" if page else "") + (f" ({', '.join(days)})" if days else "")
