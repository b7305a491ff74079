"""Lists, additions and index runs → what a Discord message says of them.

Pure, and within Discord's limits whatever it is given. Files are named, folders of this machine are not.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import discord

from cogs.additions import Addition
from cogs.markdown import escape, label, link, safe_url, width, without_folders
from cogs.render import CONTENT, TITLE_IN_LINE, WORDS, counted, day, short
from cogs.service import Shelf
from cogs.sources import Refreshed
from index.jobs import INSIDE
from index.ledger import Source
from index.report import Outcome, Progress, SyncReport
from index.stored import StoredArticle
from retrieval.answer import Confidence

CHOICE = 100  # an autocomplete choice's name
PAGE = 10  # articles on one page of a list
FEEDS = 5  # feeds on one page of theirs

_COLOUR = WORDS[Confidence.STRONG][1]
_DETAILS = CONTENT // 2 - 220  # what details of one part take at most: two parts fit into a message
_TOLD = 8  # of one kind, one by one; more are counted
_LINE = 180
_NAME = 60  # one of several on a line
_STATES = {"active": "", "paused": " · **paused**", "suspended": " · **suspended**"}

# -- lists


def page_of(shelf: Shelf, page: int) -> tuple[discord.Embed, int, int]:
    """One page of a server's articles, with its number (the nearest there is) and the number of pages, from 0."""
    articles = shelf.articles
    page, pages = _nearest(page, len(articles), PAGE)
    lines = [_line(one, shelf.copies.get(one.id, 0)) for one in articles[page * PAGE : (page + 1) * PAGE]]
    nothing = "None yet. Add the first with `/articles add`."
    embed = discord.Embed(title="Articles of this server", description="\n".join(lines) or nothing, colour=_COLOUR)
    footer = [f"Page {page + 1} of {pages}"] if pages > 1 else []
    footer += [counted(len(articles), "article")]
    footer += [f"{counted(shelf.shared, 'shared article')} besides"] if shelf.shared else []
    embed.set_footer(text=" · ".join(footer))
    return embed, page, pages


def _line(article: StoredArticle, copies: int) -> str:
    title = link(label(article.title, TITLE_IN_LINE), short(safe_url(article.url)))
    others = f" · and {copies:,} other {'address' if copies == 1 else 'addresses'}" if copies else ""
    return f"**{title}** · {counted(article.sentences, 'sentence')} · {day(article.indexed_at.date())}{others}"


def choice(article: StoredArticle) -> str:
    """An article's name among autocomplete choices, which know no markup."""
    title, added = label(article.title, CHOICE), f" ({day(article.indexed_at.date())})"
    return title if width(title + added) > CHOICE else title + added


def feeds_page(feeds: Sequence[tuple[Source, float | None]], page: int) -> tuple[discord.Embed, int, int]:
    """As `page_of`, of a server's feeds, each with the time of its next look."""
    page, pages = _nearest(page, len(feeds), FEEDS)
    shown = [_feed(*one) for one in feeds[page * FEEDS : (page + 1) * FEEDS]]
    nothing = "None yet. Add the first with `/feeds add`."
    embed = discord.Embed(title="Feeds of this server", description="\n".join(shown) or nothing, colour=_COLOUR)
    footer = [f"Page {page + 1} of {pages}"] if pages > 1 else []
    embed.set_footer(text=" · ".join([*footer, counted(len(feeds), "feed")]))
    return embed, page, pages


def _feed(feed: Source, due: float | None) -> str:
    title = link(label(feed.title or feed.address, TITLE_IN_LINE), short(safe_url(feed.address)))
    looked = f"last look {_when(feed.checked)}" if feed.checked else "not looked at yet"
    coming = f" · next {_when(due)}" if due is not None else ""
    lines = [f"**{title}**{_STATES[feed.state]}", f"-# {looked}{coming}"]
    if feed.problem:
        lines.append(f"-# Last problem: {escape(label(feed.problem, 300))}")
    return "\n".join(lines)


def _when(moment: float) -> str:
    """A time as every reader's own clock and language has it, as Discord shows it."""
    return f"<t:{int(moment)}:R>"


def feed_choice(feed: Source) -> str:
    """A feed's name among autocomplete choices."""
    return label(feed.title or feed.address, CHOICE)


def _nearest(page: int, number: int, each: int) -> tuple[int, int]:
    pages = max(1, -(-number // each))
    return min(max(page, 0), pages - 1), pages


# -- additions


def added(addition: Addition, *folders: str) -> str:
    """What came of something that was put in, in at most half a message and a little."""
    if addition.kind == "feed":
        lines = _of_feed(addition)
    elif len(addition.articles) == 1 and not addition.report.failed:
        lines = [_of_one(addition)]
        if addition.kind == "page" and addition.news:
            lines.append("-# I look from time to time whether that page has changed.")
    else:
        lines = [f"{_numbers(addition.report)}, from **{_title(addition.title)}**: {_names(addition)}."]
    lines += _failed(addition.report, folders)
    return "\n".join(_fitted(lines, CONTENT - 900) + waiting(addition.answered))


def _of_one(addition: Addition) -> str:
    (article, outcome), *_ = addition.articles
    what = {"file": "file", "text": "text"}.get(addition.kind, "page")
    title, sentences = f"**{_title(article.title)}**", counted(article.sentences, "sentence")
    if article.copy_of is not None and (other := addition.stand_ins.get(article.copy_of)) is not None:
        return f"Added {title}, which is the same as **{_title(other.title)}**: that one answers for both."
    if outcome == "unchanged":
        return f"This {what} is already there, as {title}: {sentences}."
    if outcome == "changed" and what == "page":
        return f"{title} has changed since I last looked; it has {sentences} now."
    if outcome == "changed":
        return f"Replaced: {title} is now this {what}, with {sentences}."
    return f"Added {title}: {sentences}."


def _of_feed(addition: Addition) -> list[str]:
    known = "Added the feed" if addition.news else "That feed is already there:"
    names = f"\n{_names(addition)}." if addition.articles else ""
    lines = [f"{known} **{_title(addition.title)}**: {_numbers(addition.report) or 'nothing in it yet'}.{names}"]
    if addition.report.cancelled:
        lines.append("I was stopped before the end; the rest comes by itself.")
    return [*lines, "-# I look for new articles from time to time."]


def _names(addition: Addition) -> str:
    return _some(f"**{escape(label(one.title, _NAME))}**" for one, _ in addition.articles)


def stacked(parts: Sequence[str]) -> str:
    """These one below the other, as many as fit into a message."""
    return "\n".join(_fitted(list(parts), CONTENT))


def waiting(questions: Collection[str]) -> list[str]:
    """The lines about questions that had waited for an answer."""
    if not questions:
        return []
    shown = [f"- {escape(label(one, 120))}" for one in list(questions)[:5]]
    more = [f"- and {len(questions) - 5:,} more"] if len(questions) > 5 else []
    return [f"{answers(questions)[:-1]}:", *shown, *more]


def answers(questions: Collection[str]) -> str:
    """That questions are answered now, without saying which."""
    return f"It answers {counted(len(questions), 'waiting question')}."


# -- index runs


def progress(what: str, now: Progress) -> str:
    percent = 100 * now.done // max(1, now.total)
    return f"Reading {what}: {now.done:,} of {counted(now.total, 'article')} ({percent}%)…"


def starting(what: str) -> str:
    return f"Starting on {what}…"


def report(what: str, done: SyncReport) -> str:
    """What a run did, or would do, in two or three lines of numbers."""
    numbers = _numbers(done)
    cost = f"{counted(done.encoded, 'sentence')} encoded, {done.reused:,} reused; {done.seconds:.1f} s"
    if done.dry_run:
        cost = f"{counted(done.encoded, 'sentence')} to encode, {done.reused:,} to reuse; nothing was changed"
    lines = [f"-# {cost}"]
    if done.cancelled and not numbers:
        lines.insert(0, f"**{what}**: stopped before anything was read. Run it again.")
    else:
        preview = "preview, " if done.dry_run else ""
        lines.insert(0, f"**{what}**: {preview}{numbers or 'nothing to read'}.")
        if done.cancelled:
            lines.insert(1, "Stopped before the end; what was read is kept. Run it again for the rest.")
    return "\n".join(lines)


def details(done: Refreshed, *folders: str) -> str:
    """What a run added, changed, removed and could not read, by name, with what else there is to know; in less than
    half a message, and "" if there is nothing. `folders` are those of this machine that could be named."""
    lines = []
    outcomes: tuple[Outcome, ...] = ("added", "changed", "removed")
    for outcome in outcomes:
        sources = [one.source for one in done.report.of(outcome)]
        names = [escape(label(done.titles.get(one) or _name(one), _NAME)) for one in sources]
        if names:
            lines.append(f"{outcome.capitalize()}: {_some(names)}")
    lines += _failed(done.report, folders)
    lines += [f"- {_told(source, note, folders)}" for source, note in done.report.notes[:_TOLD]]
    return "\n".join(_fitted(lines, _DETAILS))


def suspended(source: Source) -> str:
    """The notice that a source has failed too often."""
    what = "feed" if source.kind == "feed" else "page"
    title = link(label(source.title or source.address, TITLE_IN_LINE), short(safe_url(source.address)))
    resume = "`/feeds resume`" if source.kind == "feed" else "`/reindex`"
    return (
        f"The {what} {title} has failed {source.failures} times in a row, and I no longer look at it. Its articles "
        f"stay.\n-# {escape(label(source.problem or '', 300))}\nOnce it is well again: {resume}."
    )


def _numbers(done: SyncReport) -> str:
    words: tuple[Outcome, ...] = ("added", "changed", "removed", "unchanged", "failed")
    counts = done.counts
    return ", ".join(f"{counts[word]:,} {word}" for word in words if counts[word])


def _failed(done: SyncReport, folders: Sequence[str]) -> list[str]:
    lines = [f"- {_told(source, why, folders)}" for source, why in done.failed[:_TOLD]]
    more = len(done.failed) - _TOLD
    return [*lines, f"- and {more:,} more that failed"] if more > 0 else lines


def _told(source: str, what: str, folders: Sequence[str]) -> str:
    name = _name(source)
    line = without_folders(what if name in what else f"{name}: {what}", *folders)
    return escape(label(line, _LINE))


def _name(source: str) -> str:
    """A source without what is of no use to its reader: a file's name, or an address without its scheme."""
    if source.startswith(("http://", "https://")):
        parts = urlsplit(source.partition(INSIDE)[0])
        inside = source.partition(INSIDE)[2]
        return inside or f"{parts.netloc}{parts.path}".rstrip("/")
    return PurePosixPath(source.replace("\\", "/")).name


def _title(title: str) -> str:
    return escape(label(title, TITLE_IN_LINE))


def _some(names: Iterable[str]) -> str:
    """`a, b and 3 more`."""
    every = list(names)
    more = len(every) - _TOLD
    return ", ".join(every[:_TOLD]) + (f" and {more:,} more" if more > 0 else "")


def _fitted(lines: list[str], limit: int) -> list[str]:
    """The lines that keep the limit together, the first at least in part; that there were more is said."""
    if width("\n".join(lines)) <= limit:
        return lines
    kept: list[str] = []
    for line in lines:
        if width("\n".join([*kept, line])) > limit - 20:
            break
        kept.append(line)
    return [*kept, "- and more"]
