"""What the bot says to a question → a Discord message. Discord's limits live here and in `quoting`.

Pure: it sends nothing and asks nothing. Whatever it is given, what it makes fits, mentions nobody, and quotes in full
every sentence that it quotes, as long as that fits into a message at all.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import ui

from cogs.markdown import ELLIPSIS, cut, escape, label, unescape, width
from cogs.quoting import (
    CONTENT,
    ROOMS,
    TITLE_IN_LINE,
    Style,
    embedded,
    in_text,
    passage_embedded,
    passage_in_text,
    stacked,
)
from cogs.speech import LANGUAGES, _, language_name, listed, mark, n_, speaking
from index.language import code_of
from retrieval.answer import Answer, Hit, Passage

AUTHOR = 256
MESSAGE = 6_000  # all embeds of a message together
EMBEDS = 10

_HEADING = 320  # what a question or a text searched for takes at most above an answer
_QUESTION, _SEARCHED = mark("Question: {question}"), mark("Searched for: {question}")
_LINE = 30  # what such a line has beside its text, at most
# Without its neighbours, for it is not bold: nobody could tell which of three sentences is meant. Context shows them.
_ROOMS_OF_NEAREST = tuple(replace(room, answers=False) for room in ROOMS if not room.neighbours)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message says, how many hits of an answer it shows, and the buttons below it. Where it has no embeds, links
    in it are to show no preview."""

    content: str = ""
    embeds: tuple[discord.Embed, ...] = ()
    view: ui.View | None = None
    hits: int = 0

    def parts(self) -> dict[str, Any]:
        """The arguments for sending or editing a message; all parts always, so that an edit leaves nothing over."""
        return {"content": self.content or None, "embeds": list(self.embeds), "view": self.view}


# -- answers


def hits(
    found: Answer,
    *,
    question: str | None = None,
    embeds: bool = True,
    links: bool = True,
    numbers: Sequence[int] = (),
) -> Reply:
    """The hits or the nearest, in embeds or text, below what was searched for where that was another text than the
    question; the arguments as in `answer`."""
    if found.answered and embeds:
        reply, question = answer(found, question=question, links=links, numbers=numbers), None
    elif found.answered:
        reply = plain_answer(found, links=links, numbers=numbers)
    else:
        reply = nearest(found, embeds=embeds, links=links)
    return headed(reply, question=question, searched=found.searched)


def answer(found: Answer, *, question: str | None = None, links: bool = True, numbers: Sequence[int] = ()) -> Reply:
    """An embed for each hit, the best first; hits that no longer fit are left out.

    `question` is shown above the first where the message would not show it otherwise. `links=False` makes no title a
    link, for when Discord refuses an address. `numbers` are what the hits are called by, if by anything.
    """
    shown = found.hits[:EMBEDS]
    for room in ROOMS:
        # The first is what most people read; those after it take less of a small screen.
        closer = replace(room, neighbours=min(room.neighbours, ROOMS[1].neighbours))
        styles = (_style(found, links, numbers, place) for place in range(len(shown)))
        rooms = (closer if place else room for place in range(len(shown)))
        embeds = list(map(embedded, shown, rooms, styles))
        if question:
            embeds[0].set_author(name=label(question, AUTHOR))
        if _size(embeds) <= MESSAGE:
            break
    while _size(embeds) > MESSAGE:
        embeds.pop()
    return Reply(embeds=tuple(embeds), hits=len(embeds))


def plain_answer(found: Answer, *, links: bool = True, numbers: Sequence[int] = ()) -> Reply:
    """The answer as text, for channels where the bot may not embed; `links` and `numbers` as in `answer`."""
    text, shown = "", 0
    for hit in found.hits:
        more = in_text(hit, ROOMS, CONTENT - width(text) - 1, _style(found, links, numbers, shown))
        if more is None:
            break
        text, shown = stacked(text, more), shown + 1
    return Reply(text, hits=shown)


def nearest(found: Answer, *, embeds: bool = True, links: bool = True) -> Reply:
    """That nothing answers as surely as wanted, and what comes nearest, set apart; `links` as in `answer`."""
    said, hit = _("**Nothing found that surely answers.** The nearest sentence:"), _nearest_of(found)
    style = _style(found, links, (), 0)
    if embeds:
        return Reply(said, (embedded(hit, _ROOMS_OF_NEAREST[0], style),), hits=1)
    limit = CONTENT - width(said) - 1
    # What stands below the sentence gives way to the lines of `headed`, by which a follow-up finds the question.
    text = in_text(hit, _ROOMS_OF_NEAREST, limit - 2 * (_HEADING + _LINE), style)
    return Reply(stacked(said, text or in_text(hit, _ROOMS_OF_NEAREST, limit, style) or ""), hits=1)


def passage(found: Passage, *, number: int | None = None, embeds: bool = True, links: bool = True) -> Reply:
    """A sentence with more of the text around it; `number` is what its hit is called by, and `links` as in `answer`."""
    style = Style(links=links, number=number)
    if embeds:
        return Reply(embeds=(passage_embedded(found, style),), hits=1)
    return Reply(passage_in_text(found, style), hits=1)


def _style(found: Answer, links: bool, numbers: Sequence[int], place: int) -> Style:
    return Style(links, found.searched or found.question, numbers[place] if numbers else None)


def _nearest_of(found: Answer) -> Hit:
    assert found.nearest is not None  # noqa: S101 — asked for only where there is one
    return found.nearest


def _size(embeds: Sequence[discord.Embed]) -> int:
    texts = (text or "" for embed in embeds for text in (embed.title, embed.description, embed.author.name))
    return sum(map(width, texts))


def nothing_found(own: int, shared: int, *, in_server: bool = True, only: str | None = None) -> Reply:
    """That no article answers, what there is, and in a server how to add to it. The numbers are of articles; `only` is
    the title of the one that was asked."""
    if only is not None:
        title = escape(label(only, TITLE_IN_LINE))
        none = _("**Nothing found.** I looked through “{title}”, and nothing in it answers that.", title=title)
        return Reply(f"{none}\n{_('Check the spelling, or ask in other words, or ask all articles.')}")
    add = _("Whoever manages this server can add articles with `/articles add`.") if in_server else ""
    if not own + shared:
        said = _("**Nothing found.** No articles are indexed here yet.")
        return Reply(f"{said} {add}".strip())
    looked = [n_("{number} article of this server", "{number} articles of this server", own)] if own else []
    looked += [n_("{number} shared article", "{number} shared articles", shared)] if shared else []
    none = _("**Nothing found.** I looked through {articles}, and none of them answers that.", articles=listed(looked))
    other = _("Check the spelling, or ask in other words.")
    return Reply(f"{none}\n{f'{other} {add}'.strip()}")


# -- what stands above an answer


def headed(reply: Reply, *, question: str | None = None, searched: str | None = None) -> Reply:
    """`reply` with lines above it: what was asked and, where it was another text, what was searched for. Lines without
    room go."""
    for line, text in ((_SEARCHED, searched), (_QUESTION, question)):
        if text:
            reply = topped(reply, f"-# {_(line, question=escape(label(text, _HEADING)))}")
    return reply


def topped(reply: Reply, line: str) -> Reply:
    """`reply` with a line of markup above it, if there is room for it."""
    content = stacked(line, reply.content)
    return replace(reply, content=content) if width(content) <= CONTENT else reply


def question_of(content: str, embeds: Sequence[discord.Embed]) -> str | None:
    """The question that an answer shows, as `answer` and `headed` write it in any language: its beginning, if it is
    long."""
    shown = embeds[0].author.name if embeds else None
    for line in content.split("\n"):
        if not line.startswith("-# "):
            break
        for before, after in _question_lines():
            if line.startswith(before) and line.endswith(after) and len(line) > len(before) + len(after):
                shown = unescape(line.removeprefix(before).removesuffix(after))
                break
    return shown.removesuffix(ELLIPSIS).strip() or None if shown else None


def _question_lines() -> Iterator[tuple[str, str]]:
    """What stands before and after the question, in each language."""
    for language in LANGUAGES:
        with speaking(language):
            before, _between, after = f"-# {_(_QUESTION)}".partition("{question}")
        yield before, after


def foreign(reply: Reply, language: str, known: Collection[str]) -> Reply:
    """`reply` with a line above it: that the question is in a language (by its English name) unlike those `known` (by
    their codes) to the model.

    A reply that has no room for it stays as it is.
    """
    notice = _(
        "Your question is in {language}, and the model that I run on understands {known}: I can only find what has the "
        "same words. Whoever runs me can change that, with a multilingual model.",
        language=_language_name(language),
        known=listed(sorted(map(_language_name, known))),
    )
    return topped(reply, f"-# {notice}")


def _language_name(language: str) -> str:
    """What the reader calls a language, given by its code or its English name."""
    return language_name(code_of(language) or language)


def note(text: str, limit: int = CONTENT) -> str:
    """A message of plain words, such as an error's: shown as it stands."""
    return escape(cut(text, limit))
