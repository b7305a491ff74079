"""An `Answer` → what a Discord message says. Discord's limits live here.

Pure: it sends nothing and asks nothing. Whatever it is given, what it makes fits, mentions nobody, and quotes in full
every sentence that it quotes, as long as that fits into a message at all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import discord

from cogs.markdown import (
    ELLIPSIS,
    cut,
    cut_front,
    escape,
    label,
    link,
    quoted,
    safe_url,
    unescape,
    width,
)
from index.language import name_of
from index.stored import StoredArticle
from retrieval.answer import Answer, Citation, Confidence, Hit
from retrieval.links import web_link

CONTENT = 2_000
DESCRIPTION = 4_096
TITLE = 256
AUTHOR = 256
MESSAGE = 6_000  # all embeds of a message together
EMBEDS = 10

TITLE_IN_LINE = 100
_MESSAGE = "https://discord.com/channels/"
_HEADING = 320  # what a question or a text searched for takes at most above an answer
_QUESTION, _SEARCHED = "-# Question: ", "-# Searched for: "

WORDS = {
    Confidence.STRONG: ("Strong match", 0x2E8B57),
    Confidence.LIKELY: ("Likely", 0xD9A400),
    Confidence.WEAK: ("Weak – check the source", 0x8A8F98),
}
_NO_ANSWER = 0x4E5058  # the colour of what is no answer


@dataclass(frozen=True, slots=True)
class _Room:
    """How much is shown beside a hit's sentence: characters of each sentence around it, sentences with other figures,
    and places named; more of both are counted. Only what `answers` is bold and told how sure it is."""

    neighbours: int
    figures: int
    places: int
    answers: bool = True


_ROOMS = (_Room(300, 2, 3), _Room(120, 2, 3), _Room(0, 2, 3), _Room(0, 1, 3), _Room(0, 0, 2), _Room(0, 0, 0))
_ROOMS_OF_NEAREST = tuple(replace(room, answers=False) for room in _ROOMS)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message says. Where it has no embeds, links in it are to show no preview."""

    content: str = ""
    embeds: tuple[discord.Embed, ...] = ()

    def parts(self) -> dict[str, Any]:
        """The arguments for sending or editing a message; both parts always, so that an edit leaves nothing over."""
        return {"content": self.content or None, "embeds": list(self.embeds)}


# -- answers


def answer(found: Answer, *, question: str | None = None, links: bool = True) -> Reply:
    """An embed for each hit, the best first; hits that no longer fit are left out.

    `question` is shown above the first where the message would not show it otherwise. `links=False` makes no title a
    link, for when Discord refuses an address.
    """
    hits = found.hits[:EMBEDS]
    for room in _ROOMS:
        embeds = [_hit(hit, room, links) for hit in hits]
        if question:
            embeds[0].set_author(name=label(question, AUTHOR))
        if _size(embeds) <= MESSAGE:
            break
    while _size(embeds) > MESSAGE:
        embeds.pop()
    return Reply(embeds=tuple(embeds))


def plain_answer(found: Answer, *, links: bool = True) -> Reply:
    """The answer as text, for channels where the bot may not embed; `links` as in `answer`."""
    text = ""
    for hit in found.hits:
        more = _in_text(hit, _ROOMS, CONTENT - width(text) - 1, links)
        if more is None:
            break
        text += ("\n" if text else "") + more
    return Reply(text)


def nearest(hit: Hit, *, embeds: bool = True, links: bool = True) -> Reply:
    """That nothing answers as surely as wanted, and what comes nearest, set apart; `links` as in `answer`."""
    said = "**Nothing found that surely answers.** The nearest sentence:"
    if embeds:
        return Reply(said, (_hit(hit, _ROOMS_OF_NEAREST[0], links),))
    limit = CONTENT - width(said) - 1
    # What stands around the sentence gives way to the lines of `headed`, by which a follow-up finds the question.
    text = _in_text(hit, _ROOMS_OF_NEAREST, limit - 2 * (_HEADING + width(_SEARCHED) + 1), links)
    return Reply(_stacked(said, text or _in_text(hit, _ROOMS_OF_NEAREST, limit, links) or ""))


def _in_text(hit: Hit, rooms: Sequence[_Room], limit: int, links: bool) -> str | None:
    """A hit as text, in the first of the rooms in which it keeps the limit; None if there is none such."""
    for room in rooms:
        address = short(_address(hit.citation)) if links else None
        title = link(label(hit.citation.article.title, TITLE_IN_LINE), address)
        title = f"**{title}**" if room.answers else title
        # What is left has room for the longest title, address and facts, and for counts of all else.
        text = _stacked(title, _sentence(hit, room, CONTENT - 590), _below(hit, room, links))
        if width(text) <= limit:
            return text
    return None


def _hit(hit: Hit, room: _Room, links: bool) -> discord.Embed:
    article = hit.citation.article
    below = _below(hit, room, links)
    while room.figures and width(below) > DESCRIPTION // 2:  # the sentence itself comes first
        room = replace(room, figures=room.figures - 1)
        below = _below(hit, room, links)
    quote = _sentence(hit, room, DESCRIPTION - width(below) - 1)
    return discord.Embed(
        title=escape(label(article.title, TITLE)),
        url=_address(hit.citation) if links else None,
        description=_stacked(quote, below),
        colour=WORDS[hit.confidence][1] if room.answers else _NO_ANSWER,
    )


def _sentence(hit: Hit, room: _Room, limit: int) -> str:
    """The sentence, bold if it answers, between its neighbours; only what is longer than any message is cut."""
    sentence = quoted(hit.citation.text, bold=room.answers)
    if width(sentence) > limit:
        # The longest sentence that is ever stored fits, with every one of its characters escaped.
        sentence = quoted(label(hit.citation.text, limit - 40), bold=room.answers)
    around = room.neighbours
    before = quoted(cut_front(hit.before, around)) + "\n" if around and hit.before else ""
    after = "\n" + quoted(cut(hit.after, around)) if around and hit.after else ""
    whole = before + sentence + after
    return whole if width(whole) <= limit else sentence


def _facts(hit: Hit, room: _Room) -> str:
    sure = [WORDS[hit.confidence][0]] if room.answers else []
    page = _page(hit.citation)
    return " · ".join(sure + ([page] if page else []) + _days(hit.citation.article))


def _page(citation: Citation) -> str | None:
    number = citation.article.page_of(citation.start)
    return f"p. {number:,}" if number else None


def _days(article: StoredArticle) -> list[str]:
    """When it was published and corrected, as far as it is known."""
    published, updated = article.published, article.updated
    corrected = [f"corrected {day(updated)}"] if updated and updated != published else []
    return ([day(published)] if published else []) + corrected


def _below(hit: Hit, room: _Room, links: bool) -> str:
    """What stands below the quotation: how sure it is, who says it too, and who gives other figures."""
    facts = _facts(hit, room)
    lines = [f"-# {facts}"] if facts else []
    if hit.also_in:
        lines.append(f"-# Also in{_named(hit.also_in, room.places, links)}")
    shown, others = hit.differing[: room.figures], hit.differing[room.figures :]
    if shown:
        lines.append("**Other figures:**")
    for one in shown:
        lines += [quoted(one.text), f"-# {_place(one, _address(one) if links else None)}"]
    if others:
        lines.append(f"-# {'More' if shown else 'Other'} figures in{_named(others, room.places, links)}")
    return "\n".join(lines)


def _stacked(*parts: str) -> str:
    return "\n".join(filter(None, parts))


def _named(citations: Sequence[Citation], most: int, links: bool) -> str:
    """`: A (6 May 2024), B and 2 more places`, or ` 4 places` where none is to be named."""
    places = [_place(one, one.article.url if links else None) for one in citations[:most]]
    if not places:
        return f" {counted(len(citations), 'place')}"
    rest = len(citations) - len(places)
    return ": " + ", ".join(places) + (f" and {counted(rest, 'more place')}" if rest else "")


def _place(citation: Citation, url: str | None) -> str:
    """An article's linked title, with its page and its dates if it has any."""
    address = short(safe_url(url)) or (short(safe_url(citation.article.url)) if url else None)
    title = link(label(citation.article.title, TITLE_IN_LINE), address)
    page, days = _page(citation), _days(citation.article)
    return title + (f", {page}" if page else "") + (f" ({', '.join(days)})" if days else "")


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


def short(url: str | None) -> str | None:
    """An address that may stand in the text beside others."""
    return url if url and width(url) <= 240 else None


def _size(embeds: Sequence[discord.Embed]) -> int:
    texts = (text or "" for embed in embeds for text in (embed.title, embed.description, embed.author.name))
    return sum(map(width, texts))


def nothing_found(own: int, shared: int, *, in_server: bool = True) -> Reply:
    """That no article answers, what there is, and in a server how to add to it. The numbers are of articles."""
    add = " Whoever manages this server can add articles with `/articles add`." if in_server else ""
    if not own + shared:
        return Reply(f"**Nothing found.** No articles are indexed here yet.{add}")
    return Reply(
        f"**Nothing found.** I looked through {_articles(own, shared)}, and none of them answers that.\n"
        f"Check the spelling, or ask in other words.{add}"
    )


def _articles(own: int, shared: int) -> str:
    parts = ([f"{counted(own, 'article')} of this server"] if own else []) + (
        [counted(shared, "shared article")] if shared else []
    )
    return " and ".join(parts)


def headed(reply: Reply, *, question: str | None = None, searched: str | None = None) -> Reply:
    """`reply` with lines above it: what was asked and, where it was another text, what was searched for. Lines without
    room go."""
    for mark, text in ((_SEARCHED, searched), (_QUESTION, question)):
        line = mark + escape(label(text, _HEADING)) if text else ""
        content = f"{line}\n{reply.content}" if reply.content else line
        if line and width(content) <= CONTENT:
            reply = replace(reply, content=content)
    return reply


def question_of(content: str, embeds: Sequence[discord.Embed]) -> str | None:
    """The question that an answer shows, as `answer` and `headed` write it: its beginning, if it is long."""
    shown = embeds[0].author.name if embeds else None
    for line in content.split("\n"):
        if line.startswith(_QUESTION):
            shown = unescape(line.removeprefix(_QUESTION))
        if not line.startswith("-# "):
            break
    return shown.removesuffix(ELLIPSIS).strip() or None if shown else None


def foreign(reply: Reply, language: str, known: Collection[str]) -> Reply:
    """`reply` with a line above it: that the question is in a language unlike those `known` to the model.

    A reply that has no room for it stays as it is.
    """
    knows = " and ".join(sorted(map(name_of, known)))
    notice = (
        f"-# Your question is in {language}, and the model that I run on understands {knows}: I can only find what has "
        "the same words. Whoever runs me can change that, with a multilingual model."
    )
    content = f"{notice}\n{reply.content}" if reply.content else notice
    return replace(reply, content=content) if width(content) <= CONTENT else reply


def note(text: str, limit: int = CONTENT) -> str:
    """A message of plain words, such as an error's: shown as it stands."""
    return escape(cut(text, limit))


def counted(number: int, word: str) -> str:
    """`1 article`, `2,000 articles`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def day(when: date) -> str:
    """As in 6 May 2024, the same for every reader."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


_MONTHS = "January February March April May June July August September October November December".split()
