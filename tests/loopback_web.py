"""A little web server on the loopback that does what it is told, good or bad, and counts who comes.

It speaks HTTP by hand, so that it can break every rule of it. It knows nothing of what is tested.

    with LoopbackWeb() as web:
        web.put("/a", "<p>Hello.</p>", etag='"1"')                        # answers 304 to whoever has "1"
        web.script("/b", answer(503, headers={"Retry-After": "5"}), answer(body=b"better"))  # one after the other
        fetch(web.url("/a"))
        assert web.paths == ["/robots.txt", "/a"]
"""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Request:
    """A request as it came; header names in lower case, `at` on the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    at: float


class Conversation:
    """One connection, to a behaviour: what was asked, and a way to say anything at all."""

    def __init__(self, request: Request, connection: socket.socket, closing: threading.Event) -> None:
        self.request = request
        self.closing = closing
        self._connection = connection

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait(self, seconds: float | None = None) -> bool:
        """Says nothing for a while; False once the server is closed or the other side has gone."""
        self._connection.settimeout(0.05)
        end = None if seconds is None else time.monotonic() + seconds
        while not self.closing.is_set() and (end is None or time.monotonic() < end):
            with suppress(TimeoutError):
                if not self._connection.recv(1_024):
                    return False
        self._connection.settimeout(None)
        return not self.closing.is_set()


Behaviour = Callable[[Conversation], None]
Headers = Mapping[str, str] | None


def head(status: int = 200, headers: Headers = None) -> bytes:
    """The status line and headers, with the blank line."""
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else "Whatever"
    fields = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"HTTP/1.1 {status} {phrase}\r\n{fields}Connection: close\r\n\r\n".encode("utf-8", "surrogateescape")


def answer(status: int = 200, body: bytes | str = b"", content_type: str = "text/html", **more: Headers) -> Behaviour:
    """A proper answer; `headers=` are added, and may replace Content-Type and Content-Length."""
    data = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": content_type, "Content-Length": str(len(data))} | dict(more.get("headers") or {})
    return raw(head(status, fields) + data)


def redirect(location: str, status: int = 302) -> Behaviour:
    return answer(status, headers={"Location": location})


def raw(data: bytes) -> Behaviour:
    """Says just this and hangs up."""
    return lambda talk: talk.send(data)


def silent(after: bytes = b"") -> Behaviour:
    """Says `after` and then nothing more, but stays on the line."""

    def behave(talk: Conversation) -> None:
        talk.send(after)
        talk.wait()

    return behave


def drip(start: bytes, piece: bytes, every: float = 0.02) -> Behaviour:
    """Says `start`, and then a `piece` from time to time, without an end."""

    def behave(talk: Conversation) -> None:
        talk.send(start)
        while talk.wait(every):
            talk.send(piece)

    return behave


def endless(start: bytes, piece: bytes) -> Behaviour:
    """Says `start`, and then `piece` again and again as fast as it is taken."""

    def behave(talk: Conversation) -> None:
        talk.send(start)
        while not talk.closing.is_set():
            talk.send(piece)

    return behave


def zeros(size: int) -> bytes:
    """So many zero bytes, compressed by gzip about a thousandfold."""
    return gzip.compress(bytes(size), 9, mtime=0)


class LoopbackWeb:
    """Listens on `host`, on a port of its own. What it was not told about is 404, among it robots.txt.

    `connections` counts what was accepted, whether or not anything was asked; `requests` are those that came through.
    """

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        self.host, self.port = self._listener.getsockname()[:2]
        self.connections = 0
        self.requests: list[Request] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._scripts: dict[str, list[Behaviour]] = {}
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> "LoopbackWeb":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [request.path for request in self.requests]

    def url(self, path: str = "/", host: str | None = None) -> str:
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def script(self, path: str, *behaviours: Behaviour) -> str:
        """Each request for `path` meets the next behaviour; the last one stays. Returns the URL."""
        self._scripts[path] = list(behaviours)
        return self.url(path)

    def put(
        self,
        path: str,
        body: bytes | str,
        content_type: str = "text/html; charset=utf-8",
        *,
        etag: str | None = None,
        headers: Headers = None,
    ) -> str:
        """A page, feed or document, as servers have them; with an `etag` it answers conditional requests."""
        fields = dict(headers or {}) | ({"ETag": etag} if etag else {})

        def behave(talk: Conversation) -> None:
            same = etag is not None and talk.request.headers.get("if-none-match") == etag
            talk.send(head(304, fields)) if same else answer(200, body, content_type, headers=fields)(talk)

        return self.script(path, behave)

    def remove(self, path: str) -> None:
        """From now on `path` is 404 again."""
        self._scripts.pop(path, None)

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(10)
            line = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with line:
                request = _read(line)
                if request is None:
                    return
                with self._lock:
                    self.requests.append(request)
                    behaviours = self._scripts.get(request.path, [answer(404)])
                    behave = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
                behave(Conversation(request, line, self._closing))


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            return None
        data += chunk
        if data.startswith(b"\x16"):  # somebody tries to encrypt
            connection.sendall(head(400))
            return None
    first, *fields = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return Request(method, path, headers, time.monotonic())
