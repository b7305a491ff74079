"""One request on the web and its answer, within limits of time and size. It follows no redirect and keeps no manners.

What a server sends is hostile until it has been read to its end: every limit is checked while bytes come, not after.
"""

import asyncio
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from index.web.network import FetchError, ForbiddenAddress, Guard

_MAX_FIELDS = 100  # header fields, and bytes of one and of all of them
_MAX_FIELD = 8_190
_MAX_HEADERS = 65_536
_CODINGS = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: request headers, and what may come.

    `max_bytes` counts both as sent and as expanded. `types` are media types, all if None; "" stands for none stated.
    `cut`: what is beyond `max_bytes` is left aside instead of refusing the whole.
    """

    headers: Mapping[str, str]
    max_bytes: int
    types: Collection[str] | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its expanded body, which is read only where the request succeeded (200 to 299).

    The names of `headers` may be written in any case.
    """

    status: int
    headers: Mapping[str, str]
    data: bytes


class Errand:
    """The requests made for one purpose: they share a session without memory, and `seconds` of time for all of them.

    Use it as an asynchronous context manager. Time between the requests does not count.
    """

    def __init__(self, guard: Guard, user_agent: str, seconds: float) -> None:
        self._seconds = self._left = seconds
        self._session = aiohttp.ClientSession(
            connector=guard.connector(),
            headers={"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            middlewares=[_only_once],
            trust_env=False,
            auto_decompress=False,
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
            max_headers=_MAX_FIELDS,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, url: URL, wanted: Wanted) -> Answer:
        """The answer to a GET of `url`, whatever its status.

        Raises:
            FetchError: there is none, not in time, or not one that may be taken.
        """
        clock = asyncio.get_running_loop()
        began = clock.time()
        try:
            async with (
                asyncio.timeout(self._left),
                self._session.get(url, headers=wanted.headers, allow_redirects=False) as response,
            ):
                return await _received(response, wanted)
        except TimeoutError:
            raise FetchError(
                "{host} took longer than {seconds} s. Try again later.", host=url.raw_host, seconds=self._seconds
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _explained(error, url) from error
        finally:
            self._left -= clock.time() - began


def media_type(headers: Mapping[str, str]) -> str:
    """The stated media type in lower case and without parameters; "" where there is none or it is malformed."""
    stated = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return stated if _MEDIA_TYPE.fullmatch(stated) else ""


async def _only_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from asking again by itself where a server hangs up without an answer."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientError("the connection was lost") from error


async def _received(response: aiohttp.ClientResponse, wanted: Wanted) -> Answer:
    host = response.url.raw_host
    if sum(len(name) + len(value) for name, value in response.raw_headers) > _MAX_HEADERS:
        raise FetchError(
            "{host} sends more headers than any page needs. Save the page as a file, and add that.", host=host
        )
    if not 200 <= response.status < 300:
        return Answer(response.status, response.headers, b"")
    kind = media_type(response.headers)
    if wanted.types is not None and kind not in wanted.types:
        raise FetchError(
            "That address at {host} holds “{format}”, which is not read here: give the address of a page, of a feed, "
            "or of a PDF, Word, EPUB, Markdown or text document.",
            permanent=True,
            host=host,
            format=kind,
        )
    if not wanted.cut and (response.content_length or 0) > wanted.max_bytes:
        raise _too_large(host, wanted.max_bytes)
    body = _Body(_coding(response), wanted.max_bytes)
    try:
        async for chunk in response.content.iter_any():
            body.add(chunk)
            if body.full:
                break
        if body.full and not wanted.cut:
            raise _too_large(host, wanted.max_bytes)
        return Answer(response.status, response.headers, body.taken())
    except zlib.error as error:
        raise FetchError("What {host} sends is damaged (its compression). Try again later.", host=host) from error


class _Body:
    """Collects a body and expands it as it comes; never holds much more than `limit` bytes of it."""

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding
        self._limit = limit
        self._sent = 0
        self._data = bytearray()
        self._expander: zlib._Decompress | None = None

    @property
    def full(self) -> bool:
        """Whether there is more than the limit allows, as sent or as expanded."""
        return self._sent > self._limit or len(self._data) > self._limit

    def add(self, chunk: bytes) -> None:
        self._sent += len(chunk)
        if not self._coding or not chunk:
            self._data += chunk
            return
        if self._expander is None:
            # “deflate” means zlib's format, but some servers send the bare stream, which begins otherwise.
            bare = self._coding == "deflate" and chunk[0] & 0x0F != zlib.DEFLATED
            self._expander = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
        self._data += self._expander.decompress(chunk, self._limit + 1 - len(self._data))
        if self._expander.unused_data:
            raise zlib.error("something follows the end")

    def taken(self) -> bytes:
        """Up to `limit` bytes; zlib.error if the compressed stream ended before its end, unless it was cut here."""
        if self._expander is not None and not self._expander.eof and not self.full:
            raise zlib.error("the end is missing")
        return bytes(self._data[: self._limit])


def _coding(response: aiohttp.ClientResponse) -> str:
    stated = ", ".join(response.headers.getall("Content-Encoding", [])).strip().lower()
    transfer = ", ".join(response.headers.getall("Transfer-Encoding", [])).strip().lower()
    if stated not in _CODINGS or transfer not in ("", "chunked", "identity"):
        host = response.url.raw_host
        raise FetchError(
            "{host} compresses its pages in a way nobody asked for. Save the page as a file, and add that.", host=host
        )
    return _CODINGS[stated]


def _too_large(host: str | None, limit: int) -> FetchError:
    if limit < 2**20:
        return FetchError(
            "What {host} sends is larger than {size} bytes: give a smaller page, or have the operator raise "
            "limits.max_file_mb.",
            host=host,
            size=limit,
        )
    return FetchError(
        "What {host} sends is larger than {size} MiB: give a smaller page, or have the operator raise "
        "limits.max_file_mb.",
        host=host,
        size=limit / 2**20,
    )


def _explained(error: Exception, url: URL) -> FetchError:
    """What went wrong, in words that name no address: whoever asks must not learn what a name leads to."""
    host = url.raw_host
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ForbiddenAddress):
        return FetchError(
            "{host} leads to an address inside a private network, which is not read. "
            "Use a public one, or have the operator allow that network (fetch.allowed_networks).",
            permanent=True,
            host=host,
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return FetchError(
            "The certificate of {host} is not valid, so nobody can tell whether the page is genuine. "
            "Try again once its owner has renewed it.",
            host=host,
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return FetchError(
            "No secure connection to {host} can be made. Check the address, or try again later.", host=host
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchError(
            "There is no host {host}, or it cannot be looked up now. Check the address, or try later.", host=host
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return FetchError("Nothing answers at {host}. Check the address, or try again later.", host=host)
    if isinstance(error, aiohttp.ClientResponseError):
        return FetchError("What {host} answers is not proper HTTP. Check the address, or try again later.", host=host)
    return FetchError("{host} broke off before its answer was complete. Try again later.", host=host)
