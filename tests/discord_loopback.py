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

Who is there: `guilds` (two: "Harbour", "Meadow"), each with the people above, `operator` (the application's owner, who
has Manage Server in both; ``LoopbackDiscord(team=True)`` puts a team in between), channels "general", "help" and
"locked" (closed to the bot), roles "Managers" and "Editors" (``guild.join(user, guild.role("Editors"))`` gives one).
The plain ``member`` is the same person in both servers. `visible(name, guild, user)` says whether Discord's client
would offer a command; `slash` sends it all the same, so that the bot's own checks are seen.

Waiting: `wait_for_answer` returns with the first text that is more than "is thinking"; for a later state use
``asked.wait_for(lambda asked: "done" in asked.text)`` or a predicate with `wait_for_reply` and `wait_for_message`.

Driving: `slash`, `autocomplete`, `context_menu`, `click`, `select`, `submit` (a form), `say`, `dm_channel`, `upload`,
`add_guild`, `add_person`, `remove_guild`, `rejoin`, `outage`, `add_channel`, `remove_channel`, `remove_role`,
`open_thread` (from a message), `post` (in a forum, a channel of type 15). A channel knows its server;
`dm_channel(user)` is the place of direct messages.

Trouble: `fail(status, path, method, times=…)` (429, 500, 502, 0 for a dropped connection; ``after_effect=True`` loses
only the answer), `limit` (a real bucket), `offline` (connections refused), `drop_gateway`, `gateway_down`,
`session_lost`, `ask_reconnect`, `invalidate_session`, `close_gateway`, `refuse_identify(4014)`, `refuse_token`,
`repeat` (an event that comes twice), `gateway.refuse_connections` (so many), `gateway.lost_shards`, `personal` (servers
whose people have added the commands for themselves alone).

Everything that Discord would refuse is answered as Discord does, and noted in `violations`; so is every body that
Discord's OpenAPI file does not allow, where that file lies in ../shared/discord and jsonschema is installed.

Records: `requests`, `sent(method, path)`, `violations`, `interactions`, `messages`, `commands`, `command_writes`,
`typing`, `downloads`, `rate_limited`, `gateway.identifies`, `gateway.resumes`, `gateway.heartbeats`.

Not here: voice, presences of members, audit logs, scheduled events, polls, webhooks of others.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from loopback_http import Fault, Limit
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
from loopback_process import BotProcess
from loopback_server import LoopbackServer
from loopback_world import Channel, Guild, Message, Upload, User, new_message_payload

__all__ = ["BotProcess", "Channel", "Guild", "Interaction", "LoopbackDiscord", "Message", "Upload", "User"]


class LoopbackDiscord(LoopbackServer):
    """See the module's docstring; `LoopbackServer` says what its arguments mean."""

    def drop_gateway(self, shard: int | None = None) -> None:
        """Drop the connections (of one shard) without a close frame; the bot may come back and RESUME at once."""

        def drop() -> None:
            for connection in list(self.gateway.connections):
                if shard is None or (connection.session is not None and connection.session.shard[0] == shard):
                    connection.abort()

        self._do(drop)

    def repeat(self, event: str) -> None:
        """Send the last event of this kind once more, as it was."""

        def send() -> None:
            found = [
                (packet, session)
                for session in self.gateway.live()
                for packet in session.events
                if packet["t"] == event and session.connection is not None
            ]
            packet, session = found[-1]
            session.connection.send(packet)  # type: ignore[union-attr]

        self._do(send)

    @contextlib.contextmanager
    def gateway_down(self) -> Iterator[None]:
        """Drop the gateway and say no HELLO until the block ends; what happens meanwhile is replayed by RESUME."""
        self._do(self.gateway.open.clear)
        self.drop_gateway()
        try:
            yield
        finally:
            self._do(self.gateway.open.set)

    @contextlib.contextmanager
    def session_lost(self, shard: int | None = None) -> Iterator[None]:
        """Forget the sessions (of one shard) and let nobody identify until the block ends: of what happens meanwhile
        only the READY that comes after it tells."""

        def forget() -> None:
            self.gateway.open.clear()
            kept = {key: one for key, one in self.gateway.sessions.items() if shard not in (None, one.shard[0])}
            self.gateway.sessions = kept

        self._do(forget)
        self.drop_gateway(shard)
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
        self.rest.offline = self.gateway.offline = True
        self.drop_gateway()
        try:
            yield
        finally:
            self.rest.offline = self.gateway.offline = False
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
        """Keep a real rate limit, as Discord does for messages: ``count`` requests in ``per`` seconds."""
        limit = Limit(re.compile(path), method, count, per)
        self.rest.limits.append(limit)
        return limit

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
        if channel.guild is not None and channel.guild.id in self.personal:
            payload["authorizing_integration_owners"] = {"1": str(user.id)}
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

    def open_thread(self, message: Message, user: User, name: str) -> Channel:
        """A thread opened from a message; what stands first in it says so, and is nobody's words."""
        channel = message.channel
        thread = Channel(message.id, name, channel.guild, 11, parent=channel)
        reference = {"type": 0, "message_id": str(message.id), "channel_id": str(channel.id)}
        assert channel.guild is not None
        reference |= {"guild_id": str(channel.guild.id)}
        extra = {"type": 21, "message_reference": reference, "referenced_message": message.payload}
        starter = Message(thread, user, new_message_payload(self.ids.next(), thread, user, **extra))
        self._do(lambda: self.add_thread(thread))
        self._do(lambda: self.add_message(starter))
        return thread

    def post(self, forum: Channel, user: User, title: str, content: str = "", *, thread_first: bool = True) -> Message:
        """A new post in a forum; returns its first message, whose id is the post's. ``thread_first=False`` tells of the
        message before it tells of the post."""
        post = Channel(self.ids.next(), title, forum.guild, 11, parent=forum)
        mentioned = {int(item) for item in re.findall(r"<@!?(\d+)>", content)} & set(self.users)
        extra = {"content": content, "mentions": [self.users[item].payload() for item in sorted(mentioned)]}
        message = Message(post, user, new_message_payload(post.id, post, user, **extra))
        self._wait_shard(forum)
        steps: list[Callable[[], None]] = [lambda: self.add_thread(post), lambda: self.add_message(message)]
        self.channels[post.id] = post
        for step in steps if thread_first else steps[::-1]:
            self._do(step)
        return message

    def direct_message(self, user: User, content: str, **options: Any) -> Message:
        return self.say(self.dm_channel(user), user, content, **options)

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
