"""How a request comes to the loopback Discord: it is recorded, may meet trouble on demand, and is answered or refused.

Knows nothing of what the routes mean.
"""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from loopback_limits import ApiError
from loopback_world import Message

if TYPE_CHECKING:
    from loopback_server import LoopbackServer

API = "/api/v10"
Handler = Callable[["Call"], Awaitable[Any]]


UNKNOWN_MEMBER = 10007


@dataclass
class Request:
    """A request as it came; ``status`` is None until it is answered, 0 when the connection was dropped."""

    method: str
    path: str
    body: Any
    at: float
    status: int | None = None
    files: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class Fault:
    """Trouble for the next ``times`` requests whose method and path match.

    ``status`` 429 is a rate limit, 0 drops the connection, anything else is answered with that status.
    ``after_effect`` lets the request do its work first, so that only the answer is lost.
    """

    status: int
    path: re.Pattern[str]
    method: str | None = None
    times: int = 1
    retry_after: float = 0.3
    everywhere: bool = False
    after_effect: bool = False
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        return self.hits < self.times and self.method in (None, method) and bool(self.path.search(path))


@dataclass
class Limit:
    """A rate limit as Discord keeps it: ``count`` requests in ``per`` seconds for each kind of path in one channel."""

    path: re.Pattern[str]
    method: str | None
    count: int
    per: float
    windows: dict[str, tuple[float, int]] = field(default_factory=dict)

    def take(self, path: str) -> tuple[int, float] | None:
        """What remains and seconds until the reset; None when the window is spent."""
        path, now = _bucket(path), time.monotonic()
        began, used = self.windows.get(path, (now, 0))
        if now - began >= self.per:
            began, used = now, 0
        left = self.per - (now - began)
        self.windows[path] = (began, min(used + 1, self.count))
        return (self.count - used - 1, left) if used < self.count else None

    def reset_after(self, path: str) -> float:
        return max(0.05, self.per - (time.monotonic() - self.windows[_bucket(path)][0]))


@dataclass
class Call:
    """A request on its way through a handler."""

    http: web.Request
    path: str
    body: Any
    files: list[tuple[str, bytes]]

    def id(self, name: str) -> int:
        try:
            return int(self.http.match_info[name])
        except ValueError:
            raise ApiError(400, 50035, "Invalid Form Body") from None


def reply(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer; the client wants the content type to be exactly this, without a charset."""
    body = json.dumps(data).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": "application/json"} | (headers or {}))


class Endpoint:
    """The way in and out that all routes share."""

    def __init__(self, discord: LoopbackServer) -> None:
        self.discord = discord
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.limits: list[Limit] = []
        self.accepted_token = ""
        self.offline = False
        self._nonces: dict[tuple[int, str], Message] = {}

    def _wrap(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(http: web.Request) -> web.StreamResponse:
            if self.offline and http.transport is not None:
                http.transport.abort()  # a connection kept alive from before
                return web.Response()
            path = http.path.removeprefix(API)
            body, files = await _read(http)
            record = Request(http.method, path, body, time.monotonic(), files=files)
            self.requests.append(record)
            self.discord.check_schema(http.method, path, body)
            fault = next((item for item in self.faults if item.matches(http.method, path)), None)
            if fault is not None:
                fault.hits += 1
            response: web.Response | None = None
            if fault is None or fault.after_effect:
                response = await self._answer(handler, Call(http, path, body, files))
            if fault is not None:
                response = self._trouble(fault, http)
            record.status = response.status if response is not None else 0
            self.discord.touch()
            # After a dropped connection nothing can be written any more; aiohttp still wants an object.
            return response if response is not None else web.Response()

        return handle

    async def unknown(self, http: web.Request) -> web.Response:
        """Any route that the loopback does not have: said loudly, so that nobody takes it for Discord's answer."""
        body, files = await _read(http)
        self.requests.append(Request(http.method, http.path, body, time.monotonic(), 404, files))
        self.discord.violate("unknown route", f"{http.method} {http.path}")
        return reply({"message": "404: Not Found", "code": 0}, 404)

    def _trouble(self, fault: Fault, http: web.Request) -> web.Response | None:
        if fault.status == 0:
            if http.transport is not None:
                http.transport.abort()
            return None
        if fault.status == 429:
            return self._limited(fault.retry_after, everywhere=fault.everywhere, path=http.path)
        return reply({"message": f"{fault.status}: on purpose", "code": 0}, fault.status)

    @staticmethod
    def _limited(after: float, *, everywhere: bool, path: str) -> web.Response:
        headers = {"Retry-After": str(max(1, round(after))), "Via": "1.1 loopback"}
        headers["X-RateLimit-Scope"] = "global" if everywhere else "user"
        if everywhere:
            headers["X-RateLimit-Global"] = "true"
        else:
            headers |= _rate_headers(path, 5, 0, after)
        data = {"message": "You are being rate limited.", "retry_after": after, "global": everywhere}
        return reply(data, 429, headers)

    async def _answer(self, handler: Handler, call: Call) -> web.Response:
        try:
            anyone = call.path == "/gateway" or call.path.startswith(("/interactions/", "/webhooks/"))
            if not anyone and call.http.headers.get("Authorization") != f"Bot {self.accepted_token}":
                raise ApiError(401, 0, "401: Unauthorized")
            limit = next((item for item in self.limits if _limit_matches(item, call)), None)
            headers = {}
            if limit is not None:
                left = limit.take(call.path)
                if left is None:
                    self.discord.rate_limited += 1
                    return self._limited(limit.reset_after(call.path), everywhere=False, path=call.path)
                headers = _rate_headers(call.path, limit.count, *left)
            data = await handler(call)
        except ApiError as error:
            if error.status != 401 and error.code != UNKNOWN_MEMBER:  # who is no member is asked for in good faith
                self.discord.violate("refused", f"{call.http.method} {call.path}: {error}")
            return reply(error.body(), error.status)
        except Exception:
            # A fault of the loopback itself; 503 is what the client does not try again.
            self.discord.violate("loopback", traceback.format_exc())
            return reply({"message": "loopback error", "code": 0}, 503)
        if data is None:
            return web.Response(status=204, headers=headers)
        return reply(data, 200, headers)


async def _read(http: web.Request) -> tuple[Any, list[tuple[str, bytes]]]:
    files: list[tuple[str, bytes]] = []
    if http.content_type == "multipart/form-data":
        form = await http.post()
        for key, value in form.items():
            if isinstance(value, web.FileField):
                files.append((value.filename, value.file.read()))
            elif key.startswith("files["):
                files.append((key, value.encode() if isinstance(value, str) else bytes(value)))
        return json.loads(str(form["payload_json"])), files
    raw = await http.read()
    return (json.loads(raw) if raw else None), files


def _bucket(path: str) -> str:
    """Discord counts by channel or server: the ids after the first do not matter."""
    head, found, rest = re.split(r"^(/\w+/\d+)", path) if re.match(r"/\w+/\d", path) else (path, "", "")
    return head + found + re.sub(r"/\d+", "/#", rest)


def _limit_matches(limit: Limit, call: Call) -> bool:
    return limit.method in (None, call.http.method) and bool(limit.path.search(call.path))


def _rate_headers(path: str, limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": f"{abs(hash(re.sub(r'[0-9]+', '', path))):x}",
    }
