"""Manners towards other people's servers: one request at a time and host, pauses, Retry-After and robots.txt.

It knows nothing of connections or pages: who asks brings the function that fetches. It belongs to one event loop.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from weakref import WeakValueDictionary

from protego import Protego
from yarl import URL

from index.errors import Said, mark
from index.web.network import FetchError

PRODUCT = "Verbatim"
"""The name that robots.txt files know this program by."""

ROBOTS_BYTES = 500 * 1024  # what is beyond is not read, as RFC 9309 has it
_ROBOTS_SECONDS = 3_600.0
_FAILURE_PAUSES = 60  # a robots.txt that cannot be had is not asked for again for so many pauses
_LONGEST_PAUSE = 30.0  # seconds that a robots.txt can ask for
_LONGEST_RETRY = 7 * 86_400.0
_MOST_HOSTS = 10_000
_MOST_ORIGINS = 1_000
_MOST_CHARACTERS = 2 * 2**20  # of all robots.txt files kept; the rules made of them take some 30 times as much memory
_AGENT = re.compile(r"user[- ]?agent ?[: ] ?([^#]*)", re.IGNORECASE)  # as leniently as Protego reads it


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to be left alone, at most seven days; None if it says nothing of use."""
    stated = headers.get("Retry-After", "").strip()
    try:
        seconds = float(stated) if stated.isdecimal() else parsedate_to_datetime(stated).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(seconds, _LONGEST_RETRY) if seconds > 0 else None


@dataclass(slots=True)
class _Host:
    """When, on the loop's clock, a host may be asked again."""

    pause: float
    free_at: float = 0.0
    shut_until: float = 0.0


class Turns:
    """Who may ask a host now: one at a time, and not before `pause` seconds after the last one was done."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Waits until `host` may be asked; the request is made within.

        Raises:
            FetchError: it wants to be left alone for longer than a pause.
        """
        async with self._locks.setdefault(host, asyncio.Lock()):
            clock, state = asyncio.get_running_loop().time, self._host(host)
            if (shut := state.shut_until - clock()) > 0:
                raise shut_out(host, shut)
            await asyncio.sleep(state.free_at - clock())
            try:
                yield
            finally:
                state.free_at = clock() + state.pause

    def slow_down(self, host: str, pause: float) -> None:
        """`host` asks for `pause` seconds between requests; more than half a minute is not waited."""
        self._host(host).pause = max(self._pause, min(pause, _LONGEST_PAUSE))

    def shut(self, host: str, seconds: float) -> None:
        """`host` wants to be left alone for `seconds`."""
        self._host(host).shut_until = asyncio.get_running_loop().time() + seconds

    def _host(self, host: str) -> _Host:
        state = self._hosts.setdefault(host, _Host(self._pause))
        self._hosts.move_to_end(host)
        if len(self._hosts) > _MOST_HOSTS:
            self._hosts.popitem(last=False)
        return state


def shut_out(host: str, seconds: float) -> FetchError:
    """The error for a host that wants to be left alone for `seconds`."""
    unit, template = next((unit, template) for unit, template in _AGAIN if seconds >= 2 * unit or unit == 1)
    return FetchError(template, retry_after=seconds, host=host, number=int(-(-seconds // unit)))


_AGAIN = (
    (86_400, mark("{host} asks to be left alone for now. Try again in {number} days.")),
    (3_600, mark("{host} asks to be left alone for now. Try again in {number} hours.")),
    (60, mark("{host} asks to be left alone for now. Try again in {number} minutes.")),
    (1, mark("{host} asks to be left alone for now. Try again in {number} seconds.")),
)


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What came when a robots.txt was asked for."""

    status: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Rules:
    """What an origin's robots.txt says until `until`, or why that is not known; `size` in characters."""

    until: float
    rules: Protego | None = None
    size: int = 0
    trouble: Said | None = None
    permanent: bool = False


class Robots:
    """Whether the owners of pages want them read by a program; their robots.txt files are remembered for an hour."""

    def __init__(self, pause: float) -> None:
        self._failure_seconds = _FAILURE_PAUSES * pause
        self._known: OrderedDict[URL, _Rules] = OrderedDict()
        self._locks: WeakValueDictionary[URL, asyncio.Lock] = WeakValueDictionary()

    async def mind(self, url: URL, get: Callable[[URL], Awaitable[RobotsFile]]) -> float:
        """The seconds between requests that the owner of `url` asks for, 0 if none; `get` fetches a robots.txt.

        Raises:
            FetchError: it may not be read, or whether it may cannot be known now.
        """
        origin = url.origin()
        async with self._locks.setdefault(origin, asyncio.Lock()):
            found = self._known.get(origin)
            if found is None or found.until <= asyncio.get_running_loop().time():
                found = await self._asked(origin, get)
                self._keep(origin, found)
        if found.trouble is not None:
            raise FetchError(found.trouble, permanent=found.permanent)
        if found.rules is None:
            return 0.0
        if not found.rules.can_fetch(str(url), PRODUCT):
            raise FetchError(
                "The robots.txt of {host} asks programs not to read that page. Ask its owner, "
                "or save the page as a file and add that.",
                permanent=True,
                host=url.raw_host,
            )
        return found.rules.crawl_delay(PRODUCT) or 0.0

    async def _asked(self, origin: URL, get: Callable[[URL], Awaitable[RobotsFile]]) -> _Rules:
        clock = asyncio.get_running_loop().time
        try:
            file = await get(origin / "robots.txt")
        except FetchError as error:
            if error.retry_after is not None:  # which is remembered for the host as a whole
                raise
            return _Rules(clock() + self._failure_seconds, trouble=error.said, permanent=error.permanent)
        if 200 <= file.status < 300:
            text = file.data.decode("utf-8-sig", errors="replace")
            return _Rules(clock() + _ROBOTS_SECONDS, _parsed(text), len(text))
        if 400 <= file.status < 500 and file.status != 429:
            return _Rules(clock() + _ROBOTS_SECONDS)  # there is none, so everything may be read
        trouble = Said(
            "The robots.txt of {host} cannot be read ({status}), so its pages are left alone. Try again later.",
            host=origin.raw_host,
            status=file.status,
        )
        return _Rules(clock() + self._failure_seconds, trouble=trouble)

    def _keep(self, origin: URL, rules: _Rules) -> None:
        self._known[origin] = rules
        self._known.move_to_end(origin)
        while len(self._known) > _MOST_ORIGINS or sum(known.size for known in self._known.values()) > _MOST_CHARACTERS:
            self._known.popitem(last=False)


def _parsed(text: str) -> Protego:
    """The rules of a robots.txt.

    Names of other programs all become one: nobody asks for them, and Protego keeps each group's rules once for every
    name, so that a hostile file of 500 KB could take gigabytes.
    """
    return Protego.parse("\n".join(_with_one_stranger(line) for line in text.splitlines()))


def _with_one_stranger(line: str) -> str:
    named = _AGENT.match(" ".join(line.split()))
    if named is None:
        return line
    name = named[1].partition("/")[0].strip().lower()
    ours = name == "*" or name.strip("*") == PRODUCT.lower()
    return f"User-agent: {name if ours or not name else 'somebody-else'}"
