"""Where hostile inputs lie: a folder, uploads, pages and feeds on the loopback, and servers that must not be reached.

It is the test's side. What reads all this is a process of its own, `hostile_run.py`, which gets the world as a plan.
"""

import json
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from loopback_web import Behaviour, LoopbackWeb

MIB = 1024 * 1024
MEMORY = 384 * MIB  # bytes that the process which reads may take
SECONDS = 10  # for one file
FETCH_SECONDS = 4  # for one page
GROWTH = 150 * MIB  # bytes that the process which asks may grow by, whatever comes
PUBLIC = "127.0.0.2"  # stands for the web: the one address that may be connected to
REFUSED = "refused"

Place = Callable[["World"], str]
"""Puts an input where it belongs, and returns its address in reports."""


@dataclass(frozen=True)
class Case:
    """A hostile input, what is done with it, and words: of the error, or of the article that it still gives.

    Of several `words` one is enough, and "…" in them stands for anything. `lacks` must not be in the article.
    """

    name: str
    done: str
    words: tuple[str, ...]
    place: Place
    lacks: str = ""
    # What it becomes is another address than where it was put: an entry of a feed, for example.
    becomes: str = ""

    @property
    def is_refused(self) -> bool:
        return self.done == REFUSED

    def fits(self, text: str) -> bool:
        """Whether one of the words is in a text."""
        return any(re.search(".*".join(map(re.escape, words.split("…"))), text, re.DOTALL) for words in self.words)


def refused(name: str, words: str | tuple[str, ...], place: Place) -> Case:
    return Case(name, REFUSED, (words,) if isinstance(words, str) else words, place)


def indexed(name: str, done: str, words: str, place: Place, *, lacks: str = "", becomes: str = "") -> Case:
    return Case(name, done, (words,), place, lacks, becomes)


@dataclass
class World:
    """One of them, in an empty folder; close it."""

    root: Path
    certificate: Path | None = None
    uploads: list[tuple[str, str, str]] = field(default_factory=list)  # address, name, file with the bytes
    pages: list[str] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)
    hosts: dict[str, list[list[str]]] = field(default_factory=dict)  # → the answers of the resolver, the last one stays

    def __post_init__(self) -> None:
        self.folder = self.root / "articles"
        self.folder.mkdir()
        self.secret = self.root / "secret.txt"
        self.secret.write_text("The secret word is xyzzy.", encoding="utf-8")
        self.web = LoopbackWeb(PUBLIC)
        self.secure = self._secure()
        self.forbidden = [LoopbackWeb("127.0.0.1"), LoopbackWeb("127.0.0.3")]
        with suppress(OSError):
            self.forbidden.append(LoopbackWeb("::1"))
        self.port = self.forbidden[0].port
        self.service = self._service()

    def _secure(self) -> LoopbackWeb | None:
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return LoopbackWeb(PUBLIC, tls=context)

    def _service(self) -> socket.socket:
        """Listens at the address that may be reached, on a port where no web server is to be expected."""
        for port in (11211, 9200, 6379, 27017, 5432):
            with suppress(OSError):
                return socket.create_server((PUBLIC, port))
        raise OSError("every port for services is taken")

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path.as_posix()

    def upload(self, name: str, data: bytes) -> str:
        path = self.root / f"upload-{len(self.uploads)}"
        path.write_bytes(data)
        address = f"discord:{len(self.uploads)}/{name}"
        self.uploads.append((address, name, str(path)))
        return address

    def host(self, name: str, *answers: list[str]) -> str:
        """A host of its own, so that nobody has to wait for another's turn; on the web's address if nothing is said."""
        self.hosts[name] = list(answers) or [[PUBLIC]]
        return name

    def page(self, name: str, behaviour: Behaviour, path: str = "/page") -> str:
        host = self.host(f"{name}.example")
        self.web.script(path, behaviour)
        self.pages.append(self.web.url(path, host))
        return self.pages[-1]

    def connections(self) -> int:
        """How many have connected to where nobody may."""
        self.service.setblocking(False)
        taken = 0
        with suppress(BlockingIOError):
            while True:
                self.service.accept()[0].close()
                taken += 1
        return taken + sum(server.connections for server in self.forbidden)

    def plan(self) -> str:
        """All that the process which reads has to be told, as JSON."""
        return json.dumps(
            {
                "folder": str(self.folder),
                "uploads": self.uploads,
                "pages": self.pages,
                "feeds": self.feeds,
                "hosts": self.hosts,
                "public": PUBLIC,
                "memory": MEMORY,
                "seconds": SECONDS,
                "fetch_seconds": FETCH_SECONDS,
            }
        )

    def close(self) -> None:
        self.service.close()
        for server in (self.web, *([self.secure] if self.secure else []), *self.forbidden):
            server.close()
