"""The loopback Discord's server: its thread, its people and servers, what it remembers, what the gateway says.

What a test does with it is in `discord_loopback`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from aiohttp import web
from loopback_gateway import MESSAGE_CONTENT, Gateway, Session
from loopback_http import API, Request
from loopback_interactions import CHAT_INPUT, Interaction
from loopback_limits import OpenApi
from loopback_rest import Rest
from loopback_world import (
    MANAGE_GUILD,
    ORDINARY,
    SEND_MESSAGES,
    VIEW_CHANNEL,
    Channel,
    Guild,
    Message,
    Role,
    Snowflakes,
    Upload,
    User,
)

HERE = Path(__file__).resolve().parent
OPENAPI = HERE.parent.parent / "shared" / "discord" / "openapi.json"
T = TypeVar("T")


class Violation(NamedTuple):
    """Something that Discord would not accept; kinds: refused, late, schema, unknown route, loopback (a bug here)."""

    kind: str
    detail: str


class LoopbackServer:
    """The server and all that it knows.

    ``schema=False`` leaves Discord's OpenAPI file alone; ``shards`` is how many /gateway/bot advises;
    ``heartbeat_interval`` is in seconds; ``team`` makes the application belong to a team of the operator.
    """

    def __init__(
        self,
        *,
        shards: int = 1,
        schema: bool = True,
        allowed_privileged_intents: int = 0,
        heartbeat_interval: float = 41.25,
        team: bool = False,
    ) -> None:
        self.ids = Snowflakes()
        self.shards = shards
        self.token = "loopback-token"
        self.bot = User(1001 << 22, "verbatim", bot=True)
        self.application_id = self.bot.id
        self.operator = User(1002 << 22, "operator")
        self.team = team
        self.users = {user.id: user for user in (self.bot, self.operator)}
        self.joined: dict[int, Guild] = {}
        self.away: set[int] = set()  # the servers that are not there because of an outage
        self.personal: set[int] = set()  # those whose people have added the commands for themselves alone
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.uploads: dict[int, Upload] = {}
        self.interactions: list[Interaction] = []
        self.violations: list[Violation] = []
        self.typing: list[Channel] = []
        self.downloads: list[str] = []
        self.rate_limited = 0
        self.command_writes = 0
        self.commands: dict[int | None, list[dict[str, Any]]] = {}
        self.rest = Rest(self)
        self.rest.accepted_token = self.token
        self.gateway = Gateway(self._welcome, self._members_chunk)
        self.gateway.token = self.token
        self.gateway.allowed_privileged = allowed_privileged_intents
        self.gateway.heartbeat_interval = int(heartbeat_interval * 1000)
        self.host, self.port = "127.0.0.1", 0
        self._schema = _open_api() if schema else None
        self._changed = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="loopback-")
        self.member = self._person("piet")
        self.guilds = [self._make_guild(2001, "Harbour"), self._make_guild(2002, "Meadow")]

    # --- life ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> LoopbackServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback-discord", daemon=True)
        self._thread.start()
        self._await(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._folder.cleanup()

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(self.rest.routes())
        app.add_routes([web.get("/gateway/", self.gateway.handle), web.get("/gateway", self.gateway.handle)])
        app.add_routes([web.get("/cdn/attachments/{channel}/{id}/{name}", self.rest.cdn)])
        app.router.add_route("*", "/{rest:.*}", self.rest.unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        self.gateway.open.set()
        for connection in list(self.gateway.connections):
            connection.abort()
        await self._runner.cleanup()

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(15)

    def _do(self, action: Callable[[], T]) -> T:
        """Run ``action`` on the server's own thread, so that state changes never race with its handlers."""

        async def run() -> T:
            return action()

        result: T = self._await(run())
        self.touch()
        return result

    def touch(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0, what: str = "the predicate") -> T:
        """Return the first true value of ``predicate``; AssertionError, with what is known, after ``timeout`` s."""
        until = time.monotonic() + timeout
        while True:
            value = predicate()
            if value:
                return value
            left = until - time.monotonic()
            if left <= 0:
                recent = [f"{item.method} {item.path} -> {item.status}" for item in self.requests[-8:]]
                raise AssertionError(f"{what} did not come within {timeout} s; last requests {recent}")
            with self._changed:
                self._changed.wait(min(left, 0.05))

    @property
    def rest_url(self) -> str:
        return f"http://{self.host}:{self.port}{API}"

    @property
    def gateway_url(self) -> str:
        return f"ws://{self.host}:{self.port}/gateway/"

    def environment(self) -> dict[str, str]:
        """The variables that a process needs to meet this server instead of Discord, and nothing beyond it."""
        return {
            "PYTHONPATH": str(HERE / "sitecustomize_loopback"),
            "LOOPBACK_REST": self.rest_url,
            "LOOPBACK_GATEWAY": self.gateway_url,
            "LOOPBACK_CDN": f"http://{self.host}:{self.port}/cdn",
            "LOOPBACK_REFUSED": str(Path(self._folder.name) / "refused.jsonl"),
            "DISCORD_TOKEN": self.token,
        }

    def refused_connections(self) -> list[dict[str, Any]]:
        """Connections and look-ups that a process tried beyond the loopback: event, target, pid, caller."""
        path = Path(self._folder.name) / "refused.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def forget_refused_connections(self) -> None:
        (Path(self._folder.name) / "refused.jsonl").unlink(missing_ok=True)

    # --- the world -----------------------------------------------------------------------------------------------

    def _person(self, name: str) -> User:
        user = User((3000 + len(self.users)) << 22, name)
        self.users[user.id] = user
        return user

    def _make_guild(self, number: int, name: str) -> Guild:
        suffix = name.lower()
        people = self._person(f"owner-{suffix}"), self._person(f"manager-{suffix}")
        guild = Guild(number << 22, name, *people, self.member)
        everyone = Role(guild.id, "@everyone", ORDINARY, 0)
        managers = Role(guild.id + 1, "Managers", MANAGE_GUILD)
        editors = Role(guild.id + 2, "Editors", 0)
        own = Role(guild.id + 3, self.bot.name, ORDINARY, 2, bot_id=self.bot.id)
        guild.roles = {role.id: role for role in (everyone, managers, editors, own)}
        guild.join(guild.owner)
        guild.join(guild.manager, managers)
        guild.join(guild.member)
        guild.join(self.operator, managers)
        guild.join(self.bot, own)
        for offset, channel_name in enumerate(("general", "help", "locked")):
            channel = Channel(guild.id + 10 + offset, channel_name, guild)
            if channel_name == "locked":
                channel.denied[own.id] = SEND_MESSAGES | VIEW_CHANNEL
            guild.channels[channel.id] = self.channels[channel.id] = channel
        self.joined[guild.id] = guild
        return guild

    def add_guild(self, name: str) -> Guild:
        """The bot is invited to one more server."""
        guild = self._make_guild(2001 + len(self.guilds), name)
        self.guilds.append(guild)
        self._do(lambda: self.gateway.dispatch("GUILD_CREATE", _joined_now(guild.payload(self.bot)), guild.id))
        return guild

    def add_person(self, name: str, *guilds: Guild) -> User:
        """One more person, who is an ordinary member of these servers."""
        user = self._person(name)
        for guild in guilds:
            guild.join(user)
        return user

    def remove_guild(self, guild: Guild) -> None:
        """The bot is removed from a server."""
        self._do(lambda: self.drop_guild(guild.id))

    def drop_guild(self, guild_id: int) -> None:
        if self.joined.pop(guild_id, None):
            self.gateway.dispatch("GUILD_DELETE", {"id": str(guild_id)}, guild_id)

    def rejoin(self, guild: Guild) -> None:
        """The bot is invited again to a server that it was removed from."""

        def join() -> None:
            self.joined[guild.id] = guild
            self.away.discard(guild.id)
            self.gateway.dispatch("GUILD_CREATE", _joined_now(guild.payload(self.bot)), guild.id)

        self._do(join)

    def outage(self, guild: Guild) -> None:
        """The server is away for a while, as Discord says of its own troubles; the bot stays in it."""
        data = {"id": str(guild.id), "unavailable": True}
        self.away.add(guild.id)
        self._do(lambda: self.gateway.dispatch("GUILD_DELETE", data, guild.id))

    def add_channel(self, guild: Guild, name: str, kind: int = 0) -> Channel:
        """One more channel: text (0), voice (2), a category (4), announcements (5) or a forum (15)."""
        channel = Channel(self.ids.next(), name, guild, kind)
        guild.channels[channel.id] = self.channels[channel.id] = channel
        self._do(lambda: self.gateway.dispatch("CHANNEL_CREATE", channel.payload(), guild.id))
        return channel

    def remove_channel(self, channel: Channel) -> None:
        """Somebody deletes a channel."""
        guild = channel.guild
        assert guild is not None
        del guild.channels[channel.id], self.channels[channel.id]
        self._do(lambda: self.gateway.dispatch("CHANNEL_DELETE", channel.payload(), guild.id))

    def remove_role(self, guild: Guild, role: Role) -> None:
        """Somebody deletes a role."""
        del guild.roles[role.id]
        for held in guild.role_ids.values():
            held[:] = [one for one in held if one != role.id]
        data = {"guild_id": str(guild.id), "role_id": str(role.id)}
        self._do(lambda: self.gateway.dispatch("GUILD_ROLE_DELETE", data, guild.id))

    def add_thread(self, thread: Channel) -> None:
        assert thread.guild is not None
        thread.guild.channels[thread.id] = self.channels[thread.id] = thread
        self.gateway.dispatch("THREAD_CREATE", thread.payload() | {"newly_created": True}, thread.guild.id)

    def dm_channel(self, user: User) -> Channel:
        """The channel of direct messages between the bot and ``user``."""
        key = user.id + 7
        return self.channels.setdefault(key, Channel(key, f"dm-{user.name}", None, 1, user))

    def upload(
        self,
        name: str,
        content: bytes | int,
        *,
        content_type: str = "text/plain; charset=utf-8",
        declared_size: int | None = None,
        delay: float = 0.0,
        status: int = 200,
        location: str = "",
    ) -> Upload:
        """A file on the CDN; a number as ``content`` streams that many bytes, ``delay`` is s before each 64 KiB;
        ``status`` other than 200 is answered without them, perhaps with a ``location`` to go on to."""
        file_id = self.ids.next()
        size = content if isinstance(content, int) else len(content)
        url = f"http://{self.host}:{self.port}/cdn/attachments/1/{file_id}/{name}"
        declared = size if declared_size is None else declared_size
        upload = self.uploads[file_id] = Upload(
            file_id, name, content, content_type, declared, url, delay, status, location
        )
        return upload

    def application_payload(self) -> dict[str, Any]:
        owner = self.operator.payload()
        value: dict[str, Any] = {
            "id": str(self.application_id),
            "name": self.bot.name,
            "icon": None,
            "description": "",
            "summary": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": 0,
            "owner": owner,
            "team": None,
            "integration_types_config": {"0": {}},
            "approximate_guild_count": len(self.joined),
        }
        if self.team:
            team_id = str(1003 << 22)
            member = {"membership_state": 2, "permissions": ["*"], "team_id": team_id, "user": owner, "role": "admin"}
            team = {"id": team_id, "name": "team", "icon": None, "owner_user_id": owner["id"], "members": [member]}
            value |= {"team": team, "owner": owner | {"id": team_id, "username": f"team{team_id}"}}
        return value

    # --- gateway -------------------------------------------------------------------------------------------------

    def _welcome(self, session: Session) -> None:
        index, count = session.shard
        mine = [guild for guild in self.joined.values() if (guild.id >> 22) % count == index]
        ready = {
            "v": 10,
            "user": self.bot.payload() | {"verified": True, "mfa_enabled": True, "email": None, "flags": 0},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
            "session_id": session.id,
            "resume_gateway_url": self.gateway_url,
            "session_type": "normal",
            "shard": [index, count],
            "application": {"id": str(self.application_id), "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
        }
        session.dispatch("READY", ready)
        if session.intents & 1:
            for guild in mine:
                if guild.id not in self.away:
                    session.dispatch("GUILD_CREATE", guild.payload(self.bot))
        self.touch()

    def _members_chunk(self, asked: dict[str, Any]) -> dict[str, Any]:
        guild = self.joined[int(asked["guild_id"])]
        wanted = {str(item) for item in asked.get("user_ids") or []}
        members = [user for user in guild.members.values() if not wanted or str(user.id) in wanted]
        return {
            "guild_id": str(guild.id),
            "members": [guild.member_payload(user) for user in members],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": asked.get("nonce"),
        }

    def forget_dead_sessions(self) -> None:
        """Called when a process has ended: whatever it was connected to cannot be resumed."""

        async def forget() -> None:
            await asyncio.sleep(0.02)  # the end of its connections is read first
            self.gateway.forget_dead()

        if not self._loop.is_closed():
            self._await(forget())

    # --- records -------------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        return self.rest.requests

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests with this method whose path matches the expression."""
        return [item for item in list(self.requests) if item.method == method and re.search(path, item.path)]

    def violate(self, kind: str, detail: str) -> None:
        self.violations.append(Violation(kind, detail))

    def check_schema(self, method: str, path: str, body: Any) -> None:
        if self._schema is not None and body is not None:
            for problem in self._schema.problems(method, path, body):
                self.violate("schema", problem)

    def check_afterwards(self) -> None:
        """Hold everything that came in against Discord's description, where ``schema=False`` left that for later."""
        self._schema = _open_api()
        for item in list(self.requests):
            self.check_schema(item.method, item.path, item.body)

    def command_store(self, guild_id: int | None) -> list[dict[str, Any]]:
        return self.commands.setdefault(guild_id, [])

    def registered(self, command: dict[str, Any], guild_id: str | None, store: list[dict[str, Any]]) -> dict[str, Any]:
        """A command as Discord gives it back; one that keeps its name and type keeps its id."""
        key = (command.get("type", 1), command["name"])
        old = next((item for item in store if (item["type"], item["name"]) == key), None)
        permissions = command.get("default_member_permissions")
        made: dict[str, Any] = {"description": "", "options": [], "nsfw": False, "type": 1} | command
        made |= {
            "id": old["id"] if old else str(self.ids.next()),
            "application_id": str(self.application_id),
            "version": str(self.ids.next()),
            "default_member_permissions": None if permissions is None else str(permissions),
        }
        return made | ({"guild_id": guild_id} if guild_id else {})

    def command(self, name: str, guild: Guild | None = None, kind: int = CHAT_INPUT) -> dict[str, Any] | None:
        """The registered command of that name as seen in ``guild`` (its own commands first), or None."""
        stores = [self.commands.get(guild.id, []) if guild else [], self.commands.get(None, [])]
        return next((item for store in stores for item in store if (item["type"], item["name"]) == (kind, name)), None)

    def visible(self, name: str, guild: Guild, user: User) -> bool:
        """Whether Discord's client would offer the command: its default permissions, which `slash` does not ask."""
        command = self.command(name.split(maxsplit=1)[0], guild)
        needed = int((command or {}).get("default_member_permissions") or 0)
        return command is not None and guild.permissions(user) & needed == needed

    def add_message(self, message: Message) -> None:
        self.messages[message.id] = message
        self.announce(message, "MESSAGE_CREATE")

    def announce(self, message: Message, event: str) -> None:
        """Tell the gateway of a message; ephemeral ones are seen by their reader alone."""
        self.touch()
        if message.ephemeral:
            return
        guild = message.channel.guild
        place = {"guild_id": str(guild.id)} if guild else {}
        if event == "MESSAGE_DELETE":
            data = {"id": str(message.id), "channel_id": str(message.channel.id)} | place
        else:
            data = self.as_seen(message) | place
            if guild and message.author.id in guild.members:
                data["member"] = guild.member_payload(message.author, with_user=False)
                # A mentioned user comes with the server's view of them.
                for item in data["mentions"]:
                    if int(item["id"]) in guild.members:
                        item["member"] = guild.member_payload(guild.members[int(item["id"])], with_user=False)
            if guild and not guild.permissions(self.bot, message.channel) & VIEW_CHANNEL:
                return
        self.gateway.dispatch(event, data, guild.id if guild else None, intent=1 << 9 if guild else 1 << 12)

    def as_seen(self, message: Message) -> dict[str, Any]:
        """The message as the bot may see it: without the message content intent, not what others say to others.

        With it comes the message that it replies to, but not what that one replies to; null if it was deleted.
        """
        data = self._hidden(message)
        if message.reply_to is not None and "referenced_message" in message.payload:
            target = self.messages.get(message.reply_to)
            shown = self._hidden(target) if target is not None and not target.deleted else None
            data["referenced_message"] = shown and {k: v for k, v in shown.items() if k != "referenced_message"}
        return data

    def _hidden(self, message: Message) -> dict[str, Any]:
        data = json.loads(json.dumps(message.payload))
        mentioned = any(item["id"] == str(self.bot.id) for item in data["mentions"])
        privileged = any(session.intents & MESSAGE_CONTENT for session in self.gateway.live())
        if not (mentioned or privileged or message.channel.guild is None or message.author is self.bot):
            data |= {"content": "", "embeds": [], "attachments": [], "components": []}
        return data


def _joined_now(payload: dict[str, Any]) -> dict[str, Any]:
    """A newly joined server's GUILD_CREATE lacks the mark of one that was unavailable before."""
    return {key: value for key, value in payload.items() if key != "unavailable"}


_CHECKERS: dict[Path, OpenApi] = {}


def _open_api() -> OpenApi | None:
    """Discord's description of its API, read once for all tests; None where the file or jsonschema is missing."""
    if OPENAPI.exists() and OPENAPI not in _CHECKERS:
        with contextlib.suppress(ImportError):
            _CHECKERS[OPENAPI] = OpenApi(OPENAPI)
    return _CHECKERS.get(OPENAPI)
