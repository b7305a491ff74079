"""The gateway of the loopback Discord: sessions, heartbeats, RESUME with replay, and the ways a connection can fail.

Knows how events travel, not what they mean; the events themselves come from the server that owns it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)  # members, presences, message content
MESSAGE_CONTENT = 1 << 15
NEEDED_INTENT = {"GUILD_CREATE": 1, "GUILD_DELETE": 1, "CHANNEL_CREATE": 1, "CHANNEL_DELETE": 1, "THREAD_CREATE": 1}


class Session:
    """What Discord remembers of one shard: its sequence number and the events it may have to send again."""

    def __init__(self, identify: dict[str, Any]) -> None:
        self.id = secrets.token_hex(16)
        self.identify = identify
        self.shard: tuple[int, int] = tuple(identify.get("shard") or (0, 1))  # type: ignore[assignment]
        self.intents: int = identify["intents"]
        self.sequence = 0
        self.events: deque[dict[str, Any]] = deque(maxlen=1000)
        self.connection: Connection | None = None
        self.welcomed = False

    def dispatch(self, event: str, data: Any) -> None:
        self.sequence += 1
        packet = {"op": 0, "t": event, "s": self.sequence, "d": data}
        self.events.append(packet)
        if self.connection is not None:
            self.connection.send(packet)


class Connection:
    """One websocket; a writer task keeps the packets in order, as the compression stream demands."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request, self.socket = request, socket
        self.session: Session | None = None
        self._queue: asyncio.Queue[dict[str, Any] | int] = asyncio.Queue()
        self._deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._closing = False
        self._writer = asyncio.ensure_future(self._write())
        self.reading: asyncio.Task[None] | None = None

    def send(self, packet: dict[str, Any]) -> None:
        self._queue.put_nowait(packet)

    def close(self, code: int) -> None:
        self._queue.put_nowait(code)

    def abort(self) -> None:
        """Drop the TCP connection as a pulled cable would: no close frame."""
        self.end()
        if self.request.transport is not None:
            self.request.transport.abort()

    async def finish(self) -> None:
        """Let a close frame reach the other side before the TCP connection goes, or its code would be lost."""
        if self._closing:
            await asyncio.wait([self._writer])
        self.end()

    def end(self) -> None:
        self._writer.cancel()
        if self.session is not None and self.session.connection is self:
            self.session.connection = None

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                packet = await self._queue.get()
                if isinstance(packet, int):
                    self._closing = True
                    # Beside a read, aiohttp does not wait for the other side's answer, and the TCP connection is gone
                    # before that can be sent: then, too, the code is lost.
                    if self.reading is not None:
                        self.reading.cancel()
                        await asyncio.wait([self.reading])
                    await self.socket.close(code=packet)
                    return
                text = json.dumps(packet)
                if self._deflate is None:
                    await self.socket.send_str(text)
                else:
                    data = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(data)


class Gateway:
    """All shards' connections. Attributes in the first block are records, those in the second are switches."""

    def __init__(self, welcome: Callable[[Session], None], members: Callable[[dict[str, Any]], Any]) -> None:
        self._welcome, self._members = welcome, members
        self.identifies: list[dict[str, Any]] = []
        self.resumes: list[dict[str, Any]] = []
        self.heartbeats = 0
        self.connects = 0
        self.presences: list[dict[str, Any]] = []

        self.token = ""
        self.heartbeat_interval = 41250
        self.acknowledge_heartbeats = True
        self.allowed_privileged = 0
        self.refuse_identify: int | None = None
        self.refuse_connections = 0  # so many more are answered with 503
        self.offline = False
        self.lost_shards: set[int] = set()  # whose connections break as soon as they say who they are
        self.open = asyncio.Event()
        self.open.set()

        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.offline and request.transport is not None:
            request.transport.abort()  # a connection kept alive from before
            return web.Response()
        if self.refuse_connections:
            self.refuse_connections -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=0, compress=False, timeout=2.0)
        await socket.prepare(request)
        self.connects += 1
        connection = Connection(request, socket)
        self.connections.add(connection)
        try:
            await self.open.wait()
            connection.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_interval}, "s": None, "t": None})
            connection.reading = asyncio.ensure_future(self._read(connection))
            await asyncio.wait([connection.reading])
            if not connection.reading.cancelled():
                connection.reading.result()
        finally:
            if connection.reading is not None:
                connection.reading.cancel()
            self.connections.discard(connection)
            if connection.session is not None and socket.close_code in (1000, 1001):
                self.sessions.pop(connection.session.id, None)  # a client that closes so will not resume
            await connection.finish()
        return socket

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            if message.type is WSMsgType.TEXT:
                self._received(connection, json.loads(message.data))

    def forget_dead(self) -> None:
        """Drop the sessions that nobody is connected to, as Discord does after some minutes."""
        self.sessions = {key: session for key, session in self.sessions.items() if session.connection is not None}

    def shard_of(self, guild_id: int | None) -> Session | None:
        """The session that sees this server (direct messages: shard 0), or None before it has identified."""
        for session in self.live():
            index, count = session.shard
            if ((guild_id or 0) >> 22) % count == index:
                return session
        return None

    def live(self) -> list[Session]:
        """The newest session of each shard, oldest shard first."""
        newest = {session.shard: session for session in self.sessions.values()}
        return [newest[shard] for shard in sorted(newest)]

    def dispatch(self, event: str, data: Any, guild_id: int | None, *, intent: int = 0) -> None:
        """Send to the shard that sees this server, if its intents ask for such events."""
        session = self.shard_of(guild_id)
        needed = intent or NEEDED_INTENT.get(event, 0)
        if session is not None and (not needed or session.intents & needed):
            session.dispatch(event, data)

    def _received(self, connection: Connection, packet: dict[str, Any]) -> None:
        op, data = packet["op"], packet.get("d")
        if op == 1:
            self.heartbeats += 1
            if self.acknowledge_heartbeats:
                connection.send({"op": 11, "d": None, "s": None, "t": None})
        elif op == 2:
            self._identify(connection, data)
        elif op == 3:
            self.presences.append(data)
        elif op == 6:
            self._resume(connection, data)
        elif op == 8 and connection.session is not None:
            connection.session.dispatch("GUILD_MEMBERS_CHUNK", self._members(data))

    def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        self.identifies.append(data)
        if (data.get("shard") or [0])[0] in self.lost_shards:
            connection.abort()
        elif self.refuse_identify is not None:
            connection.close(self.refuse_identify)
        elif data["token"] != self.token:
            connection.close(4004)
        elif data["intents"] & PRIVILEGED & ~self.allowed_privileged:
            connection.close(4014)
        else:
            session = Session(data)
            self.sessions[session.id] = session
            connection.session, session.connection = session, connection
            self._welcome(session)
            session.welcomed = True

    def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        self.resumes.append(data)
        session = self.sessions.get(data["session_id"])
        if session is not None and session.shard[0] in self.lost_shards:
            connection.abort()
            return
        if session is None or data["token"] != self.token:
            connection.send({"op": 9, "d": False, "s": None, "t": None})
            return
        connection.session, session.connection = session, connection
        for packet in session.events:
            if packet["s"] > data["seq"]:
                connection.send(packet)
        session.dispatch("RESUMED", {})
