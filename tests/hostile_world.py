"""Where hostile inputs lie: a folder, uploads, pages and feeds on the loopback, and servers that must not be reached.

It is the test's side. What reads all this is a process of its own, `hostile_run.py`, which gets the world as a plan.
"""

import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from loopback_web import Behaviour, LoopbackWeb

MIB = 1024 * 1024
MEMORY = 384 * MIB  # bytes that the process which reads may take
SECONDS = 5  # for one file
FETCH_SECONDS = 3  # for one page
GROWTH = 256 * MIB  # bytes that the process which asks may grow by, whatever comes
PUBLIC = "127.0.0.2"  # stands for the web: the one address that may be connected to
SERVICES = (11211, 9200, 6379, 27017, 9042, 5672, 5432, 3306)  # ports where no web server is to be expected
REFUSED = "refused"
RIVER = "The river rose by four metres in a single night, and the bridge at the mill was closed until Sunday."

Place = Callable[["World"], str]
"""Puts an input where it belongs, and returns its address in reports."""


@dataclass(frozen=True)
class Case:
    """A hostile input, what is done with it, and words: of the error, or of the article that it still gives.

    Of several `words` one is enough, and "…" in them stands for anything. `lacks` must not be in the article. `once`:
    it is not looked at again.
    """

    name: str
    done: str
    words: tuple[str, ...]
    place: Place
    lacks: str = ""
    once: bool = False

    @property
    def is_refused(self) -> bool:
        return self.done == REFUSED

    def fits(self, text: str) -> bool:
        """Whether one of the words is in a text."""
        return any(re.search(".*".join(map(re.escape, words.split("…"))), text, re.DOTALL) for words in self.words)


def refused(name: str, words: str | tuple[str, ...], place: Place, *, once: bool = False) -> Case:
    return Case(name, REFUSED, (words,) if isinstance(words, str) else words, place, once=once)


def indexed(name: str, done: str, words: str, place: Place, *, lacks: str = "") -> Case:
    return Case(name, done, (words,), place, lacks)


def nothing(name: str, done: str, place: Place) -> Case:
    """A case of which the report says nothing."""
    return Case(name, done, (), place)


def told(what: str) -> str:
    """Two sentences that are in one article only."""
    return f"{RIVER} It was {what} that told of it first."


def file(name: str, make: Callable[[], bytes | str]) -> Place:
    """In the folder; of a text, what `World.filled` makes of it."""

    def place(world: "World") -> str:
        made = make()
        return world.file(name, made if isinstance(made, bytes) else world.filled(made).encode())

    return place


def linked(name: str, make: Callable[[Callable[[str], str]], bytes]) -> Place:
    """In the folder, made with `World.filled`."""
    return lambda world: world.file(name, make(world.filled))


def upload(name: str, make: Callable[[], bytes]) -> Place:
    return lambda world: world.upload(name, make())


def zipped(entries: Mapping[str, str | bytes], method: int = ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@dataclass
class World:
    """One of them, in an empty folder; close it."""

    root: Path
    certificate: Path | None = None
    uploads: list[tuple[str, str, str]] = field(default_factory=list)  # address, name, file with the bytes
    pages: list[str] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)
    hosts: dict[str, list[list[str]]] = field(default_factory=dict)  # → the answers of the resolver, the last one stays
    archive: str = ""  # the address of the upload that holds all the names

    def __post_init__(self) -> None:
        self.folder = self.root / "articles"
        self.folder.mkdir()
        self.secret = self.root / "secret.txt"
        self.secret.write_text("The secret word is xyzzy.", encoding="utf-8")
        self.servers: list[LoopbackWeb] = []
        self.web = next(web for _ in range(99) if (web := self.server()) and _is_free("127.0.0.1", web.port))
        self.secure = self.server(self.certificate) if self.certificate else None
        self.port = self.web.port
        places = [(host, self.port) for host in ("127.0.0.1", "127.0.0.3", "::1")]
        self.traps = {place: trap for place in places if (trap := _trap(*place)) is not None}
        # Somebody else may have some of these, such as another run of these tests.
        self.service, trap = next((port, trap) for port in SERVICES if (trap := _trap(PUBLIC, port)) is not None)
        self.traps[PUBLIC, self.service] = trap

    def server(self, certificate: Path | None = None) -> LoopbackWeb:
        """One more of the web's servers."""
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        self.servers.append(LoopbackWeb(PUBLIC, tls=context))
        return self.servers[-1]

    def filled(self, text: str) -> str:
        """The text with `{port}` and `{service}`, ports that must not be reached at other addresses or at all, and
        `{secret}`, the address of a file that must not be read."""
        return (
            text.replace("{port}", str(self.port))
            .replace("{service}", str(self.service))
            .replace("{secret}", self.secret.as_uri())
        )

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
        assert self.hosts.setdefault(name, wanted := list(answers) or [[PUBLIC]]) == wanted, f"{name} is taken"
        return name

    def page(self, name: str, behaviour: Behaviour, path: str = "") -> str:
        self.pages.append(self._served(name, behaviour, path))
        return self.pages[-1]

    def feed(self, name: str, behaviour: Behaviour) -> str:
        self.feeds.append(self._served(name, behaviour))
        return self.feeds[-1]

    def _served(self, name: str, behaviour: Behaviour, path: str = "") -> str:
        path = path or f"/{name}"
        host = self.host(f"{name}.example")
        assert self.web.url(path, host) not in self.pages + self.feeds, f"{path} is taken"
        self.web.script(path, behaviour)
        return self.web.url(path, host)

    def connections(self) -> int:
        """How many have connected, since it was asked last, to where nobody may."""
        return sum(map(_taken, self.traps.values()))

    def try_traps(self) -> bool:
        """Whether each of them counts who connects."""
        for place in self.traps:
            socket.create_connection(place, timeout=5).close()
        return self.connections() == len(self.traps)

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
        for server in (*self.traps.values(), *self.servers):
            server.close()


def _trap(host: str, port: int) -> socket.socket | None:
    """Listens where nobody may connect to; who does waits there to be counted."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=999
        )
    except OSError:
        return None


def _is_free(host: str, port: int) -> bool:
    trap = _trap(host, port)
    if trap is not None:
        trap.close()
    return trap is not None


def _taken(trap: socket.socket) -> int:
    trap.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            trap.accept()[0].close()
            count += 1
    return count
