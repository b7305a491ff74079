"""URL → bytes, safely and politely: redirects, conditional requests, media types and what an answer's status means.

It knows nothing of what the bytes hold. Where connections may lead is network.py's business, one request and its limits
exchange.py's, and manners politeness.py's. `Fetcher` is the way in.
"""

import asyncio
import re
from collections.abc import Collection, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

from yarl import URL

from index.web.exchange import Answer, Errand, Wanted, media_type
from index.web.network import FetchError, Guard, IPNetwork, LookUp, checked_url, look_up
from index.web.politeness import ROBOTS_BYTES, Robots, RobotsFile, Turns, retry_after, shut_out

__all__ = ["DOCUMENTS", "FEEDS", "PAGES", "PAGES_AND_DOCUMENTS", "FetchError", "Fetched", "Fetcher", "Validators"]

PAGES: frozenset[str] = frozenset(
    {"text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-markdown"}
)
DOCUMENTS: frozenset[str] = frozenset(
    {
        "application/pdf",
        "application/x-pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/epub+zip",
        "application/zip",
        "application/x-zip-compressed",
    }
)
FEEDS: frozenset[str] = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/xml",
        "text/xml",
        "application/feed+json",
        "application/json",
    }
)
PAGES_AND_DOCUMENTS: frozenset[str] = PAGES | DOCUMENTS
_UNKNOWN = frozenset({"", "application/octet-stream", "binary/octet-stream"})  # always taken: the content decides

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_HEADER_SAFE = re.compile(r"[\x20-\x7e]{1,500}")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([a-z0-9][a-z0-9._:-]{0,39})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said about the state of a page, by which it can tell whether there is something new."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched. `url` is where it was in the end; `data` is expanded, and b"" where it is `not_modified`.

    `content_type` is the stated media type in lower case, "" if none. `moved`: there were redirects, all permanent.
    """

    url: str
    data: bytes
    content_type: str
    charset: str | None
    validators: Validators
    not_modified: bool
    moved: bool


class Fetcher:
    """Fetches for all threads; a program needs one, since it is one that knows whom to leave alone for how long.

    `max_bytes` holds for a page as sent and as expanded, `seconds` for all requests that it takes (time spent waiting
    for one's turn does not count), `pause` is in seconds. `allowed_networks` may be reached though they are not
    public. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        max_bytes: int,
        seconds: float = 30.0,
        max_redirects: int = 5,
        pause: float = 1.0,
        allowed_networks: Sequence[IPNetwork] = (),
        look_up: LookUp = look_up,
    ) -> None:
        self._guard = Guard(allowed_networks, look_up)
        self._user_agent = user_agent
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._max_redirects = max_redirects
        self._turns = Turns(pause)
        self._robots = Robots(pause)
        self._lock = Lock()
        self._running: set[Future[Fetched]] = set()
        self._cancelled = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="fetcher", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fetch(
        self, url: str, *, validators: Validators | None = None, accept: Collection[str] = PAGES_AND_DOCUMENTS
    ) -> Fetched:
        """What is at `url`, if it is of one of the media types `accept` or of none that is known.

        With `validators` it may come back without data, as not modified. Waits for its turn; call it from any thread.

        Raises:
            FetchError: there is nothing, it may not or cannot be had, or `cancel` was called.
        """
        with self._lock:
            if self._cancelled:
                raise _stopped()
            future = asyncio.run_coroutine_threadsafe(self._fetch(url, validators or Validators(), accept), self._loop)
            self._running.add(future)
        try:
            return future.result()
        except CancelledError:
            raise _stopped() from None
        finally:
            future.cancel()  # Ctrl-C while waiting
            with self._lock:
                self._running.discard(future)

    def cancel(self) -> None:
        """Makes every running and every later `fetch` end at once with an error; for good."""
        with self._lock:
            self._cancelled = True
            running = list(self._running)
        for future in running:
            future.cancel()

    def close(self) -> None:
        """Cancels, and lets go of everything."""
        self.cancel()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(_unwound())
        self._loop.close()  # which does not wait for a name that is still being looked up

    async def _fetch(self, address: str, validators: Validators, accept: Collection[str]) -> Fetched:
        conditions = _conditions(validators)
        wanted = Wanted(conditions | {"Accept": _accept(accept)}, self._max_bytes, _UNKNOWN.union(accept))
        start = checked_url(address)
        async with Errand(self._guard, self._user_agent, self._seconds) as errand:
            url, answer, moved = await self._followed(errand, start, wanted, robots=True)
        not_modified = answer.status == 304 and bool(conditions)
        if not not_modified and answer.status not in (200, 203):
            raise _refused(answer.status, url)
        charset = _CHARSET.search(answer.headers.get("Content-Type", ""))
        return Fetched(
            url=str(url),
            data=answer.data,
            content_type=media_type(answer.headers),
            charset=charset[1].lower() if charset else None,
            validators=Validators(
                etag=_safe(answer.headers.get("ETag")) or (validators.etag if not_modified else None),
                last_modified=_safe(answer.headers.get("Last-Modified"))
                or (validators.last_modified if not_modified else None),
            ),
            not_modified=not_modified,
            moved=moved,
        )

    async def _followed(self, errand: Errand, url: URL, wanted: Wanted, *, robots: bool) -> tuple[URL, Answer, bool]:
        """The answer at the end of all redirects from `url`, where it came from, and whether all were permanent."""
        seen: dict[URL, int] = {}  # → the status of the answer
        while True:
            if robots:
                await self._mind_robots(errand, url)
            answer = await self._asked(errand, url, wanted)
            if answer.status not in _REDIRECTS:
                return url, answer, bool(seen) and _PERMANENT.issuperset(seen.values())
            seen[url] = answer.status
            url = _target(url, answer)
            if url in seen or len(seen) > self._max_redirects:
                raise FetchError(
                    "{host} sends on and on without an end. Copy the address from the browser.", host=url.raw_host
                )

    async def _mind_robots(self, errand: Errand, url: URL) -> None:
        async def get(robots_url: URL) -> RobotsFile:
            wanted = Wanted({"Accept": "text/plain, */*;q=0.1"}, ROBOTS_BYTES, cut=True)
            _, answer, _ = await self._followed(errand, robots_url, wanted, robots=False)
            return RobotsFile(answer.status, answer.data)

        self._turns.slow_down(url.raw_host or "", await self._robots.mind(url, get))

    async def _asked(self, errand: Errand, url: URL, wanted: Wanted) -> Answer:
        host = url.raw_host or ""
        async with self._turns.turn(host):
            answer = await errand.ask(url, wanted)
            if answer.status in (429, 503) and (wait := retry_after(answer.headers)):
                self._turns.shut(host, wait)
                raise shut_out(host, wait)
            return answer


async def _unwound() -> None:
    """Cancels all other tasks of this loop and waits until they have let go of their connections."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _stopped() -> FetchError:
    return FetchError("Fetching was stopped. Start it again.")


def _safe(value: str | None) -> str | None:
    """`value` if it can stand in a header as it is."""
    return value if value and _HEADER_SAFE.fullmatch(value) else None


def _conditions(validators: Validators) -> dict[str, str]:
    stated = {"If-None-Match": _safe(validators.etag), "If-Modified-Since": _safe(validators.last_modified)}
    return {name: value for name, value in stated.items() if value}


def _accept(types: Collection[str]) -> str:
    """The header for servers that have several forms of one page: HTML first, and anything rather than nothing."""
    return ", ".join([kind if kind == "text/html" else f"{kind};q=0.9" for kind in sorted(types)] + ["*/*;q=0.1"])


def _target(url: URL, answer: Answer) -> URL:
    """Where a redirect leads. Never from https to http: on that way anyone could change what the page says."""
    try:
        target = checked_url(urljoin(str(url), answer.headers["Location"]))
    except (KeyError, ValueError, FetchError):
        raise FetchError(
            "{host} sends on to an address that is not used. Open the page in a browser, and copy that.",
            permanent=True,
            host=url.raw_host,
        ) from None
    if url.scheme == "https" and target.scheme == "http":
        raise FetchError(
            "{host} sends on to an address without encryption. If you trust it, give its address, "
            "with http://{target}, itself.",
            host=url.raw_host,
            target=target.raw_host,
        )
    return target


def _refused(status: int, url: URL) -> FetchError:
    host = url.raw_host
    if status in (404, 410):
        return FetchError("{host} has no such page ({status}): check the address.", gone=True, host=host, status=status)
    if status in (401, 402, 403, 407, 451):
        return FetchError(
            "{host} does not give out that page ({status}). Save it as a file, and add that.",
            permanent=True,
            host=host,
            status=status,
        )
    if status == 429:
        return FetchError("{host} asks for fewer requests ({status}). Try again later.", host=host, status=status)
    if status >= 500:
        return FetchError("{host} has trouble of its own ({status}). Try again later.", host=host, status=status)
    return FetchError(
        "{host} gives an answer that is no page ({status}). Check the address in a browser.", host=host, status=status
    )
