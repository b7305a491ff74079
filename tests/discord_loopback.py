"""A small Discord on 127.0.0.1, against which the real bot process is tested unmodified.

``LoopbackDiscord`` is a synchronous context manager: the server runs in a thread of its own, every method below may
be called from an ordinary test, and whatever waits has a time-out. ``BotProcess`` starts the bot as a subprocess whose
``sitecustomize`` points discord.py here and refuses (and records) every connection that leaves this machine.

    def test_ask(tmp_path):
        with LoopbackDiscord() as discord, BotProcess(discord, [sys.executable, "bot.py"], cwd=ROOT) as bot:
            bot.wait_ready()
            guild, other = discord.guilds             # each with .owner, .manager (Manage Server) and .member
            asked = discord.slash(guild.channel("general"), guild.member, "ask", {"question": "Who came first?"})
            asked.wait_for_answer(10)
            assert asked.response_type == 5 and asked.acknowledged_after < 3 and not asked.ephemeral
            assert "came first" in asked.text         # .content .embeds .components .history .followups .errors

            question = discord.say(guild.channel("general"), guild.member, f"{discord.bot.mention} Who came first?")
            reply = discord.wait_for_reply(question)  # a Message: .text .content .embeds .buttons .pinged .deleted
            assert not reply.pinged                   # whom it would notify

            file = discord.upload("a.txt", b"Some text.")
            discord.slash(guild.channel("general"), guild.manager, "articles add", {"file": file}).wait_for_answer()
            typed = discord.autocomplete(guild.channel("general"), guild.manager, "articles remove", "article", "So")
            typed.wait_for_answer().choices           # [{"name": ..., "value": ...}]
            discord.click(asked.message, "next:1", guild.member).wait_for_answer()

            assert bot.terminate() == 0               # SIGTERM; returns the exit code
            assert discord.violations == [] and discord.refused_connections() == []

Driving: `slash`, `autocomplete`, `context_menu`, `click`, `select`, `submit` (a form), `say`, `dm_channel`, `upload`,
`add_guild`, `remove_guild`. A channel knows its server; `dm_channel(user)` is the place of direct messages.

Trouble: `fail(status, path, method, times=…)` (429, 500, 502, 0 for a dropped connection; ``after_effect=True`` loses
only the answer), `limit` (a real bucket), `offline` (connections refused), `drop_gateway`, `gateway_down`,
`ask_reconnect`, `invalidate_session`, `close_gateway`, `refuse_identify(4014)`, `refuse_token`.

Records: `requests`, `sent(method, path)`, `violations`, `interactions`, `messages`, `commands`, `command_writes`,
`typing`, `downloads`, `rate_limited`, `gateway.identifies`, `gateway.resumes`, `gateway.heartbeats`.

Not here: voice, presences of members, audit logs, scheduled events, polls, webhooks of others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from aiohttp import web
from loopback_gateway import MESSAGE_CONTENT, Gateway, Session
from loopback_interactions import (
    AUTOCOMPLETE,
    CHAT_INPUT,
    COMMAND,
    COMPONENT,
    MESSAGE_MENU,
    MODAL,
    USER_MENU,
    Interaction,
    allowed_here,
    command_data,
    component_data,
    envelope,
    menu_data,
    modal_data,
)
from loopback_limits import OpenApi
from loopback_process import BotProcess
from loopback_rest import API, Fault, Limit, Request, Rest
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
    new_message_payload,
)

__all__ = ["BotProcess", "Channel", "Guild", "Interaction", "LoopbackDiscord", "Message", "Upload", "User"]

HERE = Path(__file__).resolve().parent
OPENAPI = HERE.parent.parent / "shared" / "discord" / "openapi.json"
T = TypeVar("T")


class Violation(NamedTuple):
    """Something that Discord would not accept; kinds: refused, late, schema, unknown route, loopback (a bug here)."""

    kind: str
    detail: str


class LoopbackDiscord:
    """See the module's docstring. ``schema=False`` leaves Discord's OpenAPI file alone, ``shards`` is its advice."""

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

    def __enter__(self) -> LoopbackDiscord:
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

    def remove_guild(self, guild: Guild) -> None:
        """The bot is removed from a server."""
        self._do(lambda: self.drop_guild(guild.id))

    def drop_guild(self, guild_id: int) -> None:
        if self.joined.pop(guild_id, None):
            self.gateway.dispatch("GUILD_DELETE", {"id": str(guild_id)}, guild_id)

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
    ) -> Upload:
        """A file on the CDN; a number as ``content`` streams that many bytes, ``delay`` is s before each 64 KiB."""
        file_id = self.ids.next()
        size = content if isinstance(content, int) else len(content)
        url = f"http://{self.host}:{self.port}/cdn/attachments/1/{file_id}/{name}"
        declared = size if declared_size is None else declared_size
        upload = self.uploads[file_id] = Upload(file_id, name, content, content_type, declared, url, delay, status)
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

    def drop_gateway(self) -> None:
        """Drop every gateway connection without a close frame; the bot may come back and RESUME at once."""
        self._do(lambda: [connection.abort() for connection in list(self.gateway.connections)])

    @contextlib.contextmanager
    def gateway_down(self) -> Iterator[None]:
        """Drop the gateway and say no HELLO until the block ends; what happens meanwhile is replayed by RESUME."""
        self._do(self.gateway.open.clear)
        self.drop_gateway()
        try:
            yield
        finally:
            self._do(self.gateway.open.set)

    def ask_reconnect(self) -> None:
        self._send_all({"op": 7, "d": None, "s": None, "t": None})

    def invalidate_session(self, *, resumable: bool = False) -> None:
        if not resumable:
            self._do(self.gateway.sessions.clear)
        self._send_all({"op": 9, "d": resumable, "s": None, "t": None})

    def close_gateway(self, code: int) -> None:
        """Close every gateway connection with this code, such as 4000 (reconnect) or 1001."""
        self._do(lambda: [connection.close(code) for connection in list(self.gateway.connections)])

    def _send_all(self, packet: dict[str, Any]) -> None:
        self._do(lambda: [connection.send(packet) for connection in list(self.gateway.connections)])

    def refuse_identify(self, code: int | None) -> None:
        """Answer every IDENTIFY with this close code: 4004 bad token, 4014 refused intents; None accepts again."""
        self.gateway.refuse_identify = code

    def refuse_token(self) -> None:
        """From now on the process's token is wrong: REST says 401, the gateway 4004."""
        self.rest.accepted_token = self.gateway.token = "another-token"

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """Refuse connections on the port, and drop those that stand, until the block ends."""
        self._await(self._site.stop())
        self.rest.offline = True
        self.drop_gateway()
        try:
            yield
        finally:
            self.rest.offline = False
            self._await(self._listen())

    def fail(
        self,
        status: int,
        path: str = "",
        method: str | None = None,
        *,
        times: int = 1,
        retry_after: float = 0.3,
        everywhere: bool = False,
        after_effect: bool = False,
    ) -> Fault:
        """Trouble for the next ``times`` requests whose path matches the expression ``path``; see `Fault`."""
        fault = Fault(status, re.compile(path), method, times, retry_after, everywhere, after_effect)
        self.rest.faults.append(fault)
        return fault

    def limit(self, path: str, method: str | None = None, *, count: int = 5, per: float = 5.0) -> Limit:
        """Keep a real rate limit, as Discord does for messages: ``count`` requests in ``per`` seconds a path."""
        limit = Limit(re.compile(path), method, count, per)
        self.rest.limits.append(limit)
        return limit

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

    # --- driving -------------------------------------------------------------------------------------------------

    def slash(
        self, channel: Channel, user: User, name: str, options: dict[str, Any] | None = None, *, timeout: float = 10.0
    ) -> Interaction:
        """Use a chat command such as "articles add"; waits up to ``timeout`` s for it to be registered.

        Values: text, numbers, truth values, or a `User`, `Channel`, `Role` or `Upload`. What the client would not let
        a user send (missing option, too long) raises AssertionError; permissions are for the bot to check.
        """
        root, *path = name.split()
        command = self._wait_command(root, channel, CHAT_INPUT, timeout)
        data = command_data(command, path, options or {}, channel.guild, None)
        return self._interact(channel, user, COMMAND, data)

    def autocomplete(
        self,
        channel: Channel,
        user: User,
        name: str,
        option: str,
        typed: str,
        *,
        options: dict[str, Any] | None = None,
    ) -> Interaction:
        """Type into ``option``, with the other ``options`` filled in; the answer's ``choices`` are what is offered."""
        root, *path = name.split()
        command = self._wait_command(root, channel, CHAT_INPUT, 10.0)
        data = command_data(command, path, (options or {}) | {option: typed}, channel.guild, option)
        return self._interact(channel, user, AUTOCOMPLETE, data)

    def context_menu(self, channel: Channel, user: User, name: str, target: Message | User) -> Interaction:
        kind = MESSAGE_MENU if isinstance(target, Message) else USER_MENU
        command = self._wait_command(name, channel, kind, 10.0)
        return self._interact(channel, user, COMMAND, menu_data(command, target, channel.guild))

    def click(self, message: Message, button: str, user: User) -> Interaction:
        """Press a button, named by its custom_id, its label, or the beginning of its custom_id."""
        return self._use(message, button, user, None)

    def select(self, message: Message, menu: str, values: list[Any], user: User) -> Interaction:
        """Choose values (for user, role and channel menus: the things themselves) in a select menu."""
        return self._use(message, menu, user, values)

    def _use(self, message: Message, wanted: str, user: User, values: list[Any] | None) -> Interaction:
        assert not message.deleted, "the message is gone"
        data = component_data(message.component(wanted), values, message.channel.guild)
        return self._interact(message.channel, user, COMPONENT, data, message)

    def submit(self, asked: Interaction, values: dict[str, Any]) -> Interaction:
        """Fill in the form that ``asked`` was answered with; ``values`` by custom_id or label."""
        assert asked.modal is not None, f"no form on {asked!r}"
        data = modal_data(asked.modal, values, asked.channel.guild)
        return self._interact(asked.channel, asked.user, MODAL, data, asked.source)

    def _wait_command(self, name: str, channel: Channel, kind: int, timeout: float) -> dict[str, Any]:
        command = self.wait_for(lambda: self.command(name, channel.guild, kind), timeout, f"registration of {name!r}")
        assert command is not None and allowed_here(command, channel.guild), f"{name!r} is not offered here"
        return command

    def _wait_shard(self, channel: Channel) -> None:
        """Nothing that a user does is lost because the bot has not identified yet."""
        guild_id = channel.guild.id if channel.guild else None
        self.wait_for(lambda: self.gateway.shard_of(guild_id), 10.0, "the bot's IDENTIFY")

    def _interact(
        self, channel: Channel, user: User, kind: int, data: dict[str, Any], message: Message | None = None
    ) -> Interaction:
        payload = envelope((self.ids.next(), self.application_id), self.bot, (channel, user), kind, data)
        if message is not None:
            payload["message"] = message.payload
        interaction = Interaction(self, payload, user, channel)
        if message is not None:
            interaction.clicked(message)

        self._wait_shard(channel)

        def send() -> None:
            self.interactions.append(interaction)
            interaction.sent_at = time.monotonic()
            self.gateway.dispatch("INTERACTION_CREATE", payload, channel.guild.id if channel.guild else None)

        self._do(send)
        return interaction

    def say(
        self,
        channel: Channel,
        user: User,
        content: str,
        *,
        reply_to: Message | None = None,
        attachments: list[Upload] | None = None,
        ping_author: bool = True,
    ) -> Message:
        """A user's message. Without a mention, the bot gets it with empty content, as its intents say."""
        extra: dict[str, Any] = {"content": content, "attachments": [item.payload() for item in attachments or []]}
        mentioned = {int(item) for item in re.findall(r"<@!?(\d+)>", content)} & set(self.users)
        extra["mention_roles"] = re.findall(r"<@&(\d+)>", content)
        if reply_to is not None:
            guild = {"guild_id": str(channel.guild.id)} if channel.guild else {}
            reference = {"type": 0, "message_id": str(reply_to.id), "channel_id": str(channel.id)} | guild
            extra |= {"type": 19, "message_reference": reference, "referenced_message": reply_to.payload}
            mentioned |= {reply_to.author.id} if ping_author else set()
        extra["mentions"] = [self.users[item].payload() for item in sorted(mentioned)]
        self._wait_shard(channel)
        message = Message(channel, user, new_message_payload(self.ids.next(), channel, user, **extra))
        self._do(lambda: self.add_message(message))
        return message

    def direct_message(self, user: User, content: str, **options: Any) -> Message:
        return self.say(self.dm_channel(user), user, content, **options)

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
        """The message as the bot may see it: without the message content intent, not what others say to others."""
        data = json.loads(json.dumps(message.payload))
        mentioned = any(item["id"] == str(self.bot.id) for item in data["mentions"])
        privileged = any(session.intents & MESSAGE_CONTENT for session in self.gateway.live())
        if not (mentioned or privileged or message.channel.guild is None or message.author is self.bot):
            data |= {"content": "", "embeds": [], "attachments": [], "components": []}
        return data

    def bot_messages(self, channel: Channel | None = None, after: Message | None = None) -> list[Message]:
        """What the bot has posted, oldest first, without what it has deleted."""
        return [
            item
            for item in list(self.messages.values())
            if item.author is self.bot
            and not item.deleted
            and channel in (None, item.channel)
            and (after is None or item.id > after.id)
        ]

    def replies(self, message: Message) -> list[Message]:
        return [item for item in self.bot_messages(message.channel) if item.reply_to == message.id]

    def wait_for_message(
        self,
        channel: Channel,
        predicate: Callable[[Message], Any] = bool,
        *,
        after: Message | None = None,
        timeout: float = 10.0,
    ) -> Message:
        """The bot's first message there, after ``after``, for which ``predicate`` is true, now or after an edit."""
        return self.wait_for(
            lambda: next((item for item in self.bot_messages(channel, after) if predicate(item)), None),  # type: ignore
            timeout,
            f"a message of the bot in {channel.name}",
        )

    def wait_for_reply(
        self, message: Message, predicate: Callable[[Message], Any] = bool, *, timeout: float = 10.0
    ) -> Message:
        """The bot's reply to this message, by reference, for which ``predicate`` is true, now or after an edit."""
        return self.wait_for(
            lambda: next((item for item in self.replies(message) if predicate(item)), None),  # type: ignore
            timeout,
            f"a reply to {message!r}",
        )


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
