"""What the bot does by itself and fails at: which of it a server, or the operator, is to be told, and in which words.

Synchronous and thread-safe. It compares what fails with what was told (see `records.servers`), and sends nothing.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath

from cogs.markdown import escape, label, link, safe_url, width, without_folders
from cogs.overview import Overview
from cogs.quoting import CONTENT, TITLE_IN_LINE, short
from cogs.schedule import Happened
from cogs.service import NOWHERE
from cogs.settings import Settings
from cogs.speech import _, mark, n_, told
from index.errors import UserError
from index.jobs import INSIDE
from index.ledger import Kind, Source
from records.servers import ServerRecords

_LONG_AGO = 86_400.0  # seconds: what comes and goes within so many is told once, not each time
_REASON = 300  # characters
_MOST = 10  # told in one message; more are counted
_FAILS, _SUSPENDED, _FILE = "fails:", "suspended:", "file:"  # what was told of the address or path that follows

_FAILING: dict[Kind, str] = {
    "page": mark("I could not look at the page {title}:"),
    "feed": mark("I could not look at the feed {title}:"),
    "path": mark("I could not read {title}, among the operator’s files:"),
}
_OF_SERVER = {
    "look": mark("I could not look at this server’s sources. Whoever runs me finds the reason in my log."),
    "rebuild": mark(
        "I could not prepare this server’s articles for my new model. Whoever runs me finds the reason in my log."
    ),
}
_OF_OTHERS = {
    "look": mark("I could not look at the sources of the server {server}:"),
    "rebuild": mark("I could not encode the articles of the server {server} anew:"),
}
_OF_OPERATOR = {
    "look": mark("I could not look at the operator’s sources:"),
    "rebuild": mark("I could not encode the operator’s articles anew:"),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that fails. `key` tells it from all else of its server; `text` gives it words, in the language spoken
    when it is called; `channel` is where it is told in a server that wishes for no other place, if anywhere."""

    key: str
    text: Callable[[], str]
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What fails of a server now, and what of that which it was told is over (keys)."""

    troubles: Sequence[Trouble] = ()
    over: Collection[str] = ()


class Failures:
    """Finds what the schedule failed at.

    Raises:
        UserError: from every method, what the store and the records raise.
    """

    def __init__(self, overview: Overview, records: ServerRecords, settings: Settings) -> None:
        self._overview = overview
        self._records = records
        self._folders = settings.folders

    def of_server(self, server: int, happened: Happened) -> Found:
        """What a server is concerned with: its sources, and that, but not why, its articles could not be looked at."""
        if happened.error is not None:
            return Found([Trouble(happened.work, partial(_said, _OF_SERVER[happened.work]))])
        if happened.work == "rebuild":
            return Found(over=self._past(server, {"rebuild"}))
        return self._sources(server, "look")

    def of_operator(self, happened: Happened) -> Found:
        """What the operator is concerned with: trouble with any corpus, and the operator's own sources and files."""
        key = f"{happened.work}:{happened.corpus or 'operator'}"
        if happened.error is not None:
            return Found([Trouble(key, partial(_of_corpus, happened, self._folders))])
        if happened.corpus is not None or happened.work == "rebuild":
            return Found(over=self._past(NOWHERE, {key}))
        found, files = self._sources(NOWHERE, key), self._files(happened)
        return Found([*found.troubles, *files.troubles], [*found.over, *files.over])

    def _sources(self, server: int, run: str) -> Found:
        """The sources that fail, and those told of that do so no longer; neither does the `run` that came to them."""
        failing = self._overview.failing(server or None)
        troubles = [_of_source(one, self._folders, is_servers=server != NOWHERE) for one in failing]
        now = {one.key for one in troubles} | {_FAILS + one.address for one in failing}
        known = {one for one in self._records.told(server) if one.startswith((_FAILS, _SUSPENDED))}
        return Found(troubles, self._past(server, (known | {run}) - now))

    def _files(self, happened: Happened) -> Found:
        """The operator's files that cannot be read, and those told of that can be, or are gone."""
        if happened.done is None:
            return Found()
        report = happened.done.report
        sources = {one.address for one in self._overview.failing(None)}
        failed = {one: why for one, why in report.failed if one not in sources and _is_file(one)}
        read = {one.source for one in report.settled} - failed.keys()
        known = (one for one in self._records.told(NOWHERE) if one.startswith(_FILE))
        over = {one for one in known if (path := one.removeprefix(_FILE)) in read or not _exists(path)}
        troubles = [Trouble(_FILE + one, partial(_of_file, one, why, self._folders)) for one, why in failed.items()]
        return Found(troubles, self._past(NOWHERE, over))

    def _past(self, server: int, what: set[str]) -> list[str]:
        """Of these the ones that were told so long ago that they are news when they come again."""
        before = time.time() - _LONG_AGO
        return [one for one, since in self._records.told(server).items() if one in what and since <= before]


def message(troubles: Sequence[Trouble]) -> str:
    """What is said of these in one message, in the language spoken now."""
    last = _("-# I go on by myself, and say no more of this as long as it lasts. `/status` shows how it is.")
    room = CONTENT - width(last) - 60
    said: list[str] = []
    for one in troubles[:_MOST]:
        text = f"- {one.text()}"
        if said and width("\n".join([*said, text])) > room:
            break
        said.append(text)
    more = len(troubles) - len(said)
    rest = [n_("- and {number} more", "- and {number} more", more)] if more else []
    return "\n".join([*said, *rest, last])


def _of_source(source: Source, folders: Iterable[str], *, is_servers: bool) -> Trouble:
    if source.state == "suspended":
        return Trouble(_SUSPENDED + source.address, partial(_suspended, source, folders, is_servers), source.channel)
    return Trouble(_FAILS + source.address, partial(_failing, source, folders))


def _failing(source: Source, folders: Iterable[str]) -> str:
    said = _(_FAILING.get(source.kind, _FAILING["page"]), title=_title(source))
    return f"{said}\n-# {_reason(_by_name(source.problem or '', source.address), folders)}"


def _suspended(source: Source, folders: Iterable[str], is_servers: bool) -> str:
    said = n_(
        "It has failed {number} time in a row, and I no longer look at it. Its articles stay.",
        "It has failed {number} times in a row, and I no longer look at it. Its articles stay.",
        source.failures,
    )
    commands = {"feed": "`/feeds resume`", "page": "`/sources resume`"} if is_servers else {}
    again = _("Once it is well again: {command}.", command=commands.get(source.kind, "`/reindex`"))
    return f"{_failing(source, folders)}\n{said} {again}"


def _title(source: Source) -> str:
    """A source's name, as a link where it has an address; of a path, the last part."""
    name = PurePath(source.address).name if source.kind == "path" else source.title or source.address
    return link(label(name, TITLE_IN_LINE), short(safe_url(source.address)))


def _of_file(source: str, why: str, folders: Iterable[str]) -> str:
    path, _mark, inside = source.partition(INSIDE)
    name = inside or PurePath(path).name
    title = f"**{escape(label(name, TITLE_IN_LINE))}**"
    said = _("I could not read {title}, among the operator’s files:", title=title)
    return f"{said}\n-# {_reason(_by_name(why, path), folders)}"


def _of_corpus(happened: Happened, folders: Iterable[str]) -> str:
    error, server = happened.error, happened.corpus
    said = _(_OF_OPERATOR[happened.work]) if server is None else _(_OF_OTHERS[happened.work], server=str(server))
    why = told(error.said) if isinstance(error, UserError) else _("It is a defect: my log says more.")
    return f"{said}\n-# {_reason(why, folders)}"


def _said(text: str) -> str:
    return _(text)


def _by_name(why: str, address: str) -> str:
    """A reason in which a path is only named, whatever the folders that it is in are called."""
    why = told(why)
    return why.replace(address, PurePath(address).name) if _is_file(address) else why


def _reason(why: str, folders: Iterable[str]) -> str:
    return escape(label(without_folders(why, *folders), _REASON))


def _is_file(source: str) -> bool:
    return not source.startswith(("http://", "https://"))


def _exists(source: str) -> bool:
    return Path(source.partition(INSIDE)[0]).exists()
