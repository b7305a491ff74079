"""A question's answer → the messages to try for it, the best first, each with the buttons that belong below it.

It decides which of `render`'s shapes fits where the answer is shown, and sends nothing.
"""

from dataclasses import replace

from discord import ui

from cogs import render
from cogs.answer_sharing import row
from cogs.service import Asked


def replies(asked: Asked, question: str | None, *, embeds: bool, private: bool) -> list[render.Reply]:
    """The answer, and what to say in its place if Discord refuses it: the same without the addresses in articles.

    `question` is shown where the message would not show it otherwise; `embeds`: the bot may embed there; `private`: for
    the asker's eyes alone. To be called on the event loop, which buttons belong to.
    """
    found = asked.answer
    if found.answered or found.nearest is not None:
        shown = replace(found, hits=found.hits[: asked.shown])
        numbers = range(1, len(shown.hits) + 1) if len(found.hits) > 1 else ()
        ways = [
            render.hits(shown, question=question, embeds=embeds, links=links, numbers=numbers)
            for links in (True, False)
        ]
    else:
        nothing = render.nothing_found(asked.own, asked.shared, in_server=asked.in_server, only=asked.only)
        ways = [render.headed(nothing, question=question, searched=found.searched)]
    return [replace(way, view=_row(asked, way.hits, private=private)) for way in ways]


def _row(asked: Asked, shown: int, *, private: bool) -> ui.View | None:
    """The buttons; none below an answer that is not remembered."""
    if asked.id is None:
        return None
    return row(
        asked.id,
        shown,
        len(asked.answer.hits),
        judged=asked.judged,
        shareable=asked.shareable and private,
        removable=not private,
    )
