"""Additions and index runs → what a Discord message says of them.

Pure, and within Discord's limits whatever it is given. Files are named, folders of this machine are not.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal, get_args
from urllib.parse import urlsplit

from cogs.additions import Addition
from cogs.markdown import escape, label, width, without_folders
from cogs.quoting import CONTENT, TITLE_IN_LINE
from cogs.sources import Refreshed
from cogs.speech import _, mark, n_, number, told
from index.jobs import INSIDE
from index.report import Outcome, Progress, SyncReport

What = Literal["it", "server", "operator"]
"""What a run is about."""

_HEADINGS: dict[What, str] = {"server": mark("This server"), "operator": mark("The operator's articles")}
_DETAILS = CONTENT // 2 - 220  # what details of one part take at most: two parts fit into a message
_TOLD = 8  # of one kind, one by one; more are counted
_LINE = 180
_NAME = 60  # one of several on a line

# -- additions


def added(addition: Addition, *folders: str) -> str:
    """What came of something that was put in, in at most half a message and a little."""
    if addition.kind == "feed":
        lines = _of_feed(addition)
    elif len(addition.articles) == 1 and not addition.report.failed:
        lines = [_of_one(addition)]
        if addition.kind == "page" and addition.news:
            lines.append(_("-# I look from time to time whether that page has changed."))
    else:
        counts, names = counted(addition.report.counts), _names(addition)
        lines = [_("{counts}, from **{title}**: {names}.", counts=counts, title=_title(addition.title), names=names)]
    lines += _failed(addition.report, folders)
    return "\n".join(_fitted(lines, CONTENT - 900) + waiting(addition.answered))


def _of_one(addition: Addition) -> str:
    (article, outcome), *_others = addition.articles
    title, number = _title(article.title), article.sentences
    if article.copy_of is not None and (other := addition.stand_ins.get(article.copy_of)) is not None:
        return _(
            "Added **{title}**, which is the same as **{other}**: that one answers for both.",
            title=title,
            other=_title(other.title),
        )
    if outcome == "unchanged":
        return _known(addition.kind, title, number)
    if outcome == "changed":
        return _changed(addition.kind, title, number)
    return n_("Added **{title}**: {number} sentence.", "Added **{title}**: {number} sentences.", number, title=title)


def _known(kind: str, title: str, number: int) -> str:
    if kind == "file":
        return n_(
            "This file is already there, as **{title}**: {number} sentence.",
            "This file is already there, as **{title}**: {number} sentences.",
            number,
            title=title,
        )
    if kind == "text":
        return n_(
            "This text is already there, as **{title}**: {number} sentence.",
            "This text is already there, as **{title}**: {number} sentences.",
            number,
            title=title,
        )
    return n_(
        "This page is already there, as **{title}**: {number} sentence.",
        "This page is already there, as **{title}**: {number} sentences.",
        number,
        title=title,
    )


def _changed(kind: str, title: str, number: int) -> str:
    if kind == "file":
        return n_(
            "Replaced: **{title}** is now this file, with {number} sentence.",
            "Replaced: **{title}** is now this file, with {number} sentences.",
            number,
            title=title,
        )
    if kind == "text":
        return n_(
            "Replaced: **{title}** is now this text, with {number} sentence.",
            "Replaced: **{title}** is now this text, with {number} sentences.",
            number,
            title=title,
        )
    return n_(
        "**{title}** has changed since I last looked; it has {number} sentence now.",
        "**{title}** has changed since I last looked; it has {number} sentences now.",
        number,
        title=title,
    )


def _of_feed(addition: Addition) -> list[str]:
    title, counts = _title(addition.title), counted(addition.report.counts) or _("nothing in it yet")
    if addition.news:
        lines = [_("Added the feed **{title}**: {counts}.", title=title, counts=counts)]
    else:
        lines = [_("That feed is already there: **{title}**: {counts}.", title=title, counts=counts)]
    if addition.articles:
        lines.append(f"{_names(addition)}.")
    if addition.report.cancelled:
        lines.append(_("I was stopped before the end; the rest comes by itself."))
    return [*lines, _("-# I look for new articles from time to time.")]


def _names(addition: Addition) -> str:
    return _some(f"**{escape(label(one.title, _NAME))}**" for one, _outcome in addition.articles)


def stacked(parts: Sequence[str]) -> str:
    """These one below the other, as many as fit into a message."""
    return "\n".join(_fitted(list(parts), CONTENT))


def waiting(questions: Collection[str]) -> list[str]:
    """The lines about questions that had waited for an answer."""
    if not questions:
        return []
    number = len(questions)
    heading = n_("It answers {number} waiting question:", "It answers {number} waiting questions:", number)
    shown = [f"- {escape(label(one, 120))}" for one in list(questions)[:5]]
    more = [n_("- and {number} more", "- and {number} more", number - 5)] if number > 5 else []
    return [heading, *shown, *more]


def answers(questions: Collection[str]) -> str:
    """That questions are answered now, without saying which."""
    return n_("It answers {number} waiting question.", "It answers {number} waiting questions.", len(questions))


# -- index runs


def heading(what: What) -> str:
    """What a run is about, as a report begins with it."""
    return _(_HEADINGS.get(what, ""))


def progress(what: What, now: Progress) -> str:
    """How far a run is."""
    done, number, percent = now.done, now.total, 100 * now.done // max(1, now.total)
    if what == "it":
        return n_(
            "Reading it: {done} of {number} article ({percent}%)…",
            "Reading it: {done} of {number} articles ({percent}%)…",
            number,
            done=done,
            percent=percent,
        )
    if what == "server":
        return n_(
            "Reading this server: {done} of {number} article ({percent}%)…",
            "Reading this server: {done} of {number} articles ({percent}%)…",
            number,
            done=done,
            percent=percent,
        )
    return n_(
        "Reading the operator's articles: {done} of {number} article ({percent}%)…",
        "Reading the operator's articles: {done} of {number} articles ({percent}%)…",
        number,
        done=done,
        percent=percent,
    )


def starting(what: What) -> str:
    """That a run begins."""
    return _("Starting on this server…") if what == "server" else _("Starting on the operator's articles…")


def report(what: str, done: SyncReport) -> str:
    """What a run did, or would do, in two or three lines of numbers; `what` is its heading."""
    counts, lines = counted(done.counts), []
    if done.cancelled and not counts:
        lines.append(_("**{what}**: stopped before anything was read. Run it again.", what=what))
    else:
        counts = counts or _("nothing to read")
        if done.dry_run:
            lines.append(_("**{what}**: preview, {counts}.", what=what, counts=counts))
        else:
            lines.append(_("**{what}**: {counts}.", what=what, counts=counts))
        if done.cancelled:
            lines.append(_("Stopped before the end; what was read is kept. Run it again for the rest."))
    return "\n".join([*lines, _cost(done)])


def _cost(done: SyncReport) -> str:
    if done.dry_run:
        return n_(
            "-# {number} sentence to encode, {reused} to reuse; nothing was changed",
            "-# {number} sentences to encode, {reused} to reuse; nothing was changed",
            done.encoded,
            reused=done.reused,
        )
    return n_(
        "-# {number} sentence encoded, {reused} reused; {seconds} s",
        "-# {number} sentences encoded, {reused} reused; {seconds} s",
        done.encoded,
        reused=done.reused,
        seconds=number(round(done.seconds, 1)),
    )


def details(done: Refreshed, *folders: str) -> str:
    """What a run added, changed, removed and could not read, by name, with what else there is to know; in less than
    half a message, and "" if there is nothing. `folders` are those of this machine that could be named."""
    lines = []
    for outcome in ("added", "changed", "removed"):
        sources = [one.source for one in done.report.of(outcome)]
        names = [escape(label(done.titles.get(one) or _name(one), _NAME)) for one in sources]
        if names:
            lines.append(_by_name(outcome, _some(names)))
    lines += _failed(done.report, folders)
    lines += [f"- {_told(source, note, folders)}" for source, note in done.report.notes[:_TOLD]]
    return "\n".join(_fitted(lines, _DETAILS))


def _by_name(outcome: Outcome, names: str) -> str:
    if outcome == "added":
        return _("Added: {names}", names=names)
    return _("Changed: {names}", names=names) if outcome == "changed" else _("Removed: {names}", names=names)


def counted(counts: Mapping[Outcome, int]) -> str:
    """`2 added, 1 failed`; "" if nothing came of it."""
    numbers = {**dict.fromkeys(get_args(Outcome), 0), **counts}
    words: dict[Outcome, str] = {
        "added": n_("{number} added", "{number} added", numbers["added"]),
        "changed": n_("{number} changed", "{number} changed", numbers["changed"]),
        "removed": n_("{number} removed", "{number} removed", numbers["removed"]),
        "unchanged": n_("{number} unchanged", "{number} unchanged", numbers["unchanged"]),
        "failed": n_("{number} failed", "{number} failed", numbers["failed"]),
    }
    return ", ".join(text for outcome, text in words.items() if numbers[outcome])


def _failed(done: SyncReport, folders: Sequence[str]) -> list[str]:
    lines = [f"- {_told(source, why, folders)}" for source, why in done.failed[:_TOLD]]
    more = len(done.failed) - _TOLD
    return (
        [*lines, n_("- and {number} more that failed", "- and {number} more that failed", more)] if more > 0 else lines
    )


def _told(source: str, what: str, folders: Sequence[str]) -> str:
    name, what = _name(source), told(what)
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
    shown, more = ", ".join(every[:_TOLD]), len(every) - _TOLD
    return n_("{names} and {number} more", "{names} and {number} more", more, names=shown) if more > 0 else shown


def _fitted(lines: list[str], limit: int) -> list[str]:
    """The lines that keep the limit together, the first at least in part; that there were more is said."""
    if width("\n".join(lines)) <= limit:
        return lines
    more = _("- and more")
    kept: list[str] = []
    for line in lines:
        if width("\n".join([*kept, line, more])) > limit:
            break
        kept.append(line)
    return [*kept, more]
