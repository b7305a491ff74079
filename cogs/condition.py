"""How things are → the fields of the embed that `/status` answers with.

Pure, and within Discord's limits whatever it is given. Folders of this machine are named to the operator alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import discord

from cogs.markdown import escape, label, link, safe_url, width, without_folders
from cogs.overview import Condition
from cogs.quoting import TITLE_IN_LINE, short
from cogs.reports import counted
from cogs.schedule import LastRun
from cogs.settings import Settings
from cogs.speech import _, mark, n_, number, told
from index.errors import UserError
from index.ledger import Source

COLOUR = 0x4E5058
_FIELD = 1_000  # characters, of 1,024
_PROBLEMS = 5  # named; more are counted
_REASON = 160  # characters
_FEW = 20  # answers
_SIZES = (mark("{size} KB on disk"), mark("{size} MB on disk"), mark("{size} GB on disk"))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the bot is: of the last `answers`, half came within `median` milliseconds and 95 of 100 within `most`;
    `questions` are being answered or wait; `discord` is the gateway's latency in seconds, which may not be known."""

    answers: int
    median: int
    most: int
    questions: int
    discord: float


@dataclass(frozen=True, slots=True)
class Process:
    """The bot as a program, since `started` (Unix seconds); `adding` and `indexing` are calls under way or waiting."""

    version: str
    started: float
    servers: int
    shards: int
    adding: int
    indexing: int


def in_short(here: Condition, shared: int, pace: Pace) -> str:
    """What a member is told."""
    lines = [_counts(here), *_shared(shared)]
    if here.looked is not None:
        lines.append(_("Their sources were looked at {when}.", when=_when(here.looked)))
    if here.behind:
        lines.append(_anew())
    return "\n".join([*lines, *_speed(pace)])


def add_articles(embed: discord.Embed, name: str, here: Condition, *, shared: int = 0) -> None:
    """A field of what there is."""
    kinds = [
        n_("{number} upload", "{number} uploads", here.of("upload")),
        n_("{number} page", "{number} pages", here.of("page")),
        n_("{number} feed", "{number} feeds", here.of("feed")),
    ]
    if paths := here.of("path"):
        kinds.append(n_("{number} file or folder", "{number} files and folders", paths))
    lines = [_counts(here), " · ".join(kinds), _size(here.bytes), *_shared(shared)]
    embed.add_field(name=name, value="\n".join(lines), inline=False)


def add_sources(
    embed: discord.Embed,
    name: str,
    here: Condition,
    last: LastRun | None,
    *,
    folder_due: float = math.inf,
    operators: Settings | None = None,
) -> None:
    """A field of when they were looked at and will be, and one of those that fail. `operators` are the settings where
    the operator reads it, and `folder_due` is when the operator's folder is due."""
    lines = []
    if here.looked is not None:
        lines.append(_("Looked at {when}", when=_when(here.looked)))
    lines += _last(last, operators)
    due = min(here.due if here.due is not None else math.inf, folder_due)
    if due < math.inf:
        lines.append(_("Next look {when}", when=_when(due)))
    if here.paused:
        lines.append(n_("{number} is paused", "{number} are paused", here.paused))
    if here.suspended:
        lines.append(
            n_(
                "{number} has failed too often and is looked at no longer",
                "{number} have failed too often and are looked at no longer",
                here.suspended,
            )
        )
    nothing = _("There is nothing to look at from time to time.")
    embed.add_field(name=name, value="\n".join(lines) or nothing, inline=False)
    if here.failing:
        failing = n_("{number} problem", "{number} problems", len(here.failing))
        embed.add_field(name=failing, value=_problems(here.failing, operators), inline=False)


def add_answers(embed: discord.Embed, here: Condition, model: str, pace: Pace) -> None:
    """A field of how answers come about, and how fast."""
    lines = [_("Model: {name}", name=escape(label(without_folders(model), 100)))]
    if here.behind:
        lines.append(_anew())
    waiting = n_(
        "{number} question is being answered or waits", "{number} questions are being answered or wait", pace.questions
    )
    lines += [*_speed(pace), waiting if pace.questions else _("No question waits")]
    if math.isfinite(pace.discord):
        lines.append(_("Discord is {number} ms away", number=round(1_000 * pace.discord)))
    embed.add_field(name=_("Answers"), value="\n".join(lines), inline=False)


def add_process(embed: discord.Embed, process: Process, settings: Settings) -> None:
    """A field of the program, for the operator."""
    lines = [
        _("Version {version}, running since {when}", version=process.version or "?", when=_when(process.started)),
        n_("{number} server", "{number} servers", process.servers),
        n_("{number} shard", "{number} shards", process.shards),
    ]
    if process.adding:
        lines.append(n_("{number} thing is being added", "{number} things are being added", process.adding))
    if process.indexing:
        lines.append(n_("{number} index run", "{number} index runs", process.indexing))
    lines.append(_("Data: {folder}", folder=_folder(str(settings.data))))
    lines.append(_("Articles: {folder}", folder=_folder(str(settings.articles))))
    embed.add_field(name=_("This process"), value="\n".join(lines), inline=False)


def _counts(here: Condition) -> str:
    parts = [n_("{number} article", "{number} articles", here.articles)]
    parts.append(n_("{number} sentence", "{number} sentences", here.sentences))
    if here.copies:
        parts.append(n_("{number} copy", "{number} copies", here.copies))
    return " · ".join(parts)


def _shared(articles: int) -> list[str]:
    if not articles:
        return []
    return [n_("{number} shared article besides", "{number} shared articles besides", articles)]


def _size(size: int) -> str:
    amount = size / 1_024
    for text in _SIZES[:-1]:
        if amount < 1_000:
            return _(text, size=number(math.ceil(amount) if text == _SIZES[0] else round(amount, 1)))
        amount /= 1_024
    return _(_SIZES[-1], size=number(round(amount, 1)))


def _anew() -> str:
    return _("The articles are being prepared for a new model, and are asked with the one before until then.")


def _speed(pace: Pace) -> list[str]:
    if not pace.answers:
        return [_("I have not answered anything since I started")]
    half = n_(
        "The last answer took {median} ms",
        "Half of the last {number} answers took at most {median} ms",
        pace.answers,
        median=pace.median,
    )
    # Of a few answers, 95 of 100 are all of them, and the first waited for the model.
    return [half] if pace.answers < _FEW else [half, _("95 of 100 took at most {most} ms", most=pace.most)]


def _last(last: LastRun | None, operators: Settings | None) -> list[str]:
    """How the last scheduled look went."""
    if last is None:
        return []
    if last.error is None:
        counts = counted(last.counts)
        return [_("By schedule {when}: {counts}", when=_when(last.at), counts=counts)] if counts else []
    lines = [_("The scheduled look {when} failed. The reason is in my log.", when=_when(last.at))]
    if operators is not None and isinstance(last.error, UserError):
        lines.append(f"-# {escape(label(told(last.error.said), _REASON))}")
    return lines


def _problems(failing: Sequence[Source], operators: Settings | None) -> str:
    """Those that failed last come first."""
    newest = sorted(failing, key=lambda one: one.checked or 0.0, reverse=True)
    said: list[str] = []
    for source in newest[:_PROBLEMS]:
        line = _problem(source, operators)
        if said and width("\n".join([*said, line])) > _FIELD - 40:
            break
        said.append(line)
    more = len(newest) - len(said)
    return "\n".join([*said, *([n_("and {number} more", "and {number} more", more)] if more else [])])


def _problem(source: Source, operators: Settings | None) -> str:
    is_path = source.kind == "path"
    name = source.title or source.address
    if is_path and operators is None:
        name = PurePath(source.address).name
    title = link(label(name, TITLE_IN_LINE), short(safe_url(source.address)))
    reason = told(source.problem or "")
    reason = escape(label(reason if operators else without_folders(reason), _REASON))
    when = f" · {_when(source.checked)}" if source.checked else ""
    return f"- {title}{when}\n-# {reason}"


def _folder(path: str) -> str:
    return escape(label(path, 200))


def _when(moment: float) -> str:
    """A time as every reader's own clock and language has it, as Discord shows it."""
    return f"<t:{int(moment)}:R>"
