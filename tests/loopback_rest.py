"""The REST side of the loopback Discord: routes, faults on demand, and the answers that Discord itself would give.

Works on the state that `LoopbackDiscord` holds; every request is recorded before anything else happens to it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from loopback_interactions import COMPONENT, MODAL, Interaction
from loopback_limits import (
    FILE_BYTES,
    ApiError,
    check_choices,
    check_commands,
    check_message,
    check_modal,
)
from loopback_world import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    SEND_IN_THREADS,
    SEND_MESSAGES,
    SUPPRESS_EMBEDS,
    VIEW_CHANNEL,
    Channel,
    Message,
    User,
    new_message_payload,
    pinged,
    timestamp,
    walk_components,
)

if TYPE_CHECKING:
    from discord_loopback import LoopbackDiscord

API = "/api/v10"
ACKNOWLEDGE_WITHIN, TOKEN_LIFE = 3.0, 15 * 60.0
Handler = Callable[["Call"], Awaitable[Any]]


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
    """A rate limit as Discord keeps it: ``count`` requests in ``per`` seconds for each path that matches."""

    path: re.Pattern[str]
    method: str | None
    count: int
    per: float
    windows: dict[str, tuple[float, int]] = field(default_factory=dict)

    def take(self, path: str) -> tuple[int, float] | None:
        """What remains and seconds until the reset; None when the window is spent."""
        now = time.monotonic()
        began, used = self.windows.get(path, (now, 0))
        if now - began >= self.per:
            began, used = now, 0
        left = self.per - (now - began)
        self.windows[path] = (began, min(used + 1, self.count))
        return (self.count - used - 1, left) if used < self.count else None

    def reset_after(self, path: str) -> float:
        return max(0.05, self.per - (time.monotonic() - self.windows[path][0]))


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


class Rest:
    def __init__(self, discord: LoopbackDiscord) -> None:
        self.discord = discord
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.limits: list[Limit] = []
        self.accepted_token = ""
        self.offline = False
        self._nonces: dict[tuple[int, str], Message] = {}

    def routes(self) -> list[web.RouteDef]:
        commands = "/applications/{app}/commands"
        guild_commands = "/applications/{app}/guilds/{guild}/commands"
        hook, channel = "/webhooks/{app}/{token}", "/channels/{channel}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/gateway", self._gateway),
            ("GET", "/gateway/bot", self._gateway),
            ("GET", "/users/@me", self._me),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/applications/@me", self._application),
            ("POST", "/users/@me/channels", self._open_dm),
            ("DELETE", "/users/@me/guilds/{guild}", self._leave),
            ("GET", "/users/{user}", self._user),
            *[
                (method, base, self._commands)
                for base in (commands, guild_commands)
                for method in ("GET", "PUT", "POST")
            ],
            *[
                (method, f"{base}/{{command}}", self._command)
                for base in (commands, guild_commands)
                for method in ("GET", "PATCH", "DELETE")
            ],
            ("POST", "/interactions/{interaction}/{token}/callback", self._callback),
            ("POST", hook, self._follow_up),
            *[(method, hook + "/messages/{message}", self._hook_message) for method in ("GET", "PATCH", "DELETE")],
            ("GET", channel, self._channel),
            ("POST", channel + "/typing", self._typing),
            ("GET", channel + "/messages", self._messages),
            ("POST", channel + "/messages", self._send),
            *[(method, channel + "/messages/{message}", self._message) for method in ("GET", "PATCH", "DELETE")],
            ("POST", channel + "/messages/bulk-delete", self._bulk_delete),
            ("POST", channel + "/messages/{message}/threads", self._thread),
            ("POST", channel + "/threads", self._thread),
            ("PUT", channel + "/messages/{message}/reactions/{emoji}/@me", self._nothing),
            ("DELETE", channel + "/messages/{message}/reactions/{emoji}/@me", self._nothing),
            ("GET", "/guilds/{guild}", self._guild),
            ("GET", "/guilds/{guild}/channels", self._guild),
            ("GET", "/guilds/{guild}/roles", self._guild),
            ("GET", "/guilds/{guild}/members", self._guild),
            ("GET", "/guilds/{guild}/members/{user}", self._member),
        ]
        return [web.route(method, API + path, self._wrap(handler)) for method, path, handler in table]

    # --- every request -------------------------------------------------------------------------------------------

    def _wrap(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(http: web.Request) -> web.StreamResponse:
            if self.offline and http.transport is not None:
                http.transport.abort()  # a connection kept alive from before
                return web.Response()
            path = http.path.removeprefix(API)
            body, files = await _read(http)
            record = Request(http.method, path, body, time.monotonic(), files=files)
            self.requests.append(record)
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
            self.discord.check_schema(call.http.method, call.path, call.body)
            data = await handler(call)
        except ApiError as error:
            if error.status != 401:
                self.discord.violate("refused", f"{call.http.method} {call.path}: {error}")
            return reply(error.body(), error.status)
        except Exception:
            # A fault of the loopback itself; 503 is what the client does not try again.
            self.discord.violate("loopback", traceback.format_exc())
            return reply({"message": "loopback error", "code": 0}, 503)
        if data is None:
            return web.Response(status=204, headers=headers)
        return reply(data, 200, headers)

    # --- identity, commands --------------------------------------------------------------------------------------

    async def _gateway(self, call: Call) -> Any:
        limit = {"total": 1000, "remaining": 999, "reset_after": 86400000, "max_concurrency": 1}
        extra = {"shards": self.discord.shards, "session_start_limit": limit} if call.path.endswith("/bot") else {}
        return {"url": self.discord.gateway_url} | extra

    async def _me(self, call: Call) -> Any:
        return self.discord.bot.payload() | {"verified": True, "mfa_enabled": True, "locale": "en-US", "flags": 0}

    async def _application(self, call: Call) -> Any:
        return self.discord.application_payload()

    async def _commands(self, call: Call) -> Any:
        guild_id = call.http.match_info.get("guild")
        store = self.discord.command_store(int(guild_id) if guild_id else None)
        if call.http.method == "GET":
            return store
        self.discord.command_writes += 1
        given = call.body if call.http.method == "PUT" else [call.body]
        check_commands(given)
        made = [self.discord.registered(command, guild_id, store) for command in given]
        names = {(item["type"], item["name"]) for item in made}
        kept = [] if call.http.method == "PUT" else [i for i in store if (i["type"], i["name"]) not in names]
        store[:] = kept + made
        return made if call.http.method == "PUT" else made[0]

    async def _command(self, call: Call) -> Any:
        guild_id = call.http.match_info.get("guild")
        store = self.discord.command_store(int(guild_id) if guild_id else None)
        found = next((item for item in store if item["id"] == call.http.match_info["command"]), None)
        if found is None:
            raise ApiError(404, 10063, "Unknown application command")
        if call.http.method == "GET":
            return found
        self.discord.command_writes += 1
        if call.http.method == "DELETE":
            store.remove(found)
            return None
        found.update(call.body)
        return found

    # --- interactions --------------------------------------------------------------------------------------------

    def _interaction(self, call: Call) -> Interaction:
        token = call.http.match_info["token"]
        found = next((item for item in self.discord.interactions if item.token == token), None)
        if found is None or found.age > TOKEN_LIFE:
            raise _refused(found, ApiError(401, 50027, "Invalid Webhook Token"))
        return found

    async def _callback(self, call: Call) -> Any:
        token = call.http.match_info["token"]
        found = next((item for item in self.discord.interactions if item.token == token), None)
        if found is None or found.id != call.id("interaction"):
            raise ApiError(404, 10062, "Unknown interaction")
        if found.acknowledged_after is not None:
            raise _refused(found, ApiError(400, 40060, "Interaction has already been acknowledged."))
        if found.age > ACKNOWLEDGE_WITHIN:
            self.discord.violate("late", f"first answer after {found.age:.2f} s: {found!r}")
            raise _refused(found, ApiError(404, 10062, "Unknown interaction"))
        kind, data = call.body["type"], call.body.get("data") or {}
        after = found.age
        try:
            self._respond(found, kind, data, call)
        except ApiError as error:
            raise _refused(found, error) from None
        found.acknowledged_after, found.response_type = after, kind
        if found.answered:
            found.answered_after = after
        return self._callback_result(found, kind) if call.http.query.get("with_response") in ("1", "true") else None

    def _respond(self, found: Interaction, kind: int, data: dict[str, Any], call: Call) -> None:
        asked = found.payload["type"]
        if kind == 8 and asked == 4:
            check_choices(data.get("choices") or [])
            found.choices = data.get("choices") or []
        elif kind == 9 and asked in (2, 3):
            check_modal(data)
            found.modal = data
        elif kind in (4, 5) and asked != 4:
            found.ephemeral = bool(int(data.get("flags") or 0) & EPHEMERAL)
            if kind == 4:
                check_message(data, len(call.files))
            found.message = self._create_for(found, data, call.files, loading=kind == 5)
        elif kind in (6, 7) and (asked == COMPONENT or (asked == MODAL and found.source is not None)):
            assert found.source is not None
            found.message = found.source
            if kind == 7:
                self._edit(found.source, data, call.files)
        else:
            raise ApiError(400, 50035, f"Response type {kind} does not fit an interaction of type {asked}")

    def _callback_result(self, found: Interaction, kind: int) -> dict[str, Any]:
        value: dict[str, Any] = {"id": str(found.id), "type": found.payload["type"]}
        result: dict[str, Any] = {"interaction": value}
        if found.message is not None:
            value |= {
                "response_message_id": str(found.message.id),
                "response_message_loading": found.message.loading,
                "response_message_ephemeral": found.message.ephemeral,
            }
            result["resource"] = {"type": kind, "message": found.message.payload}
        return result

    def _create_for(
        self, found: Interaction, data: dict[str, Any], files: list[tuple[str, bytes]], *, loading: bool = False
    ) -> Message:
        flags = int(data.get("flags") or 0) & (EPHEMERAL | COMPONENTS_V2 | SUPPRESS_EMBEDS)
        flags |= LOADING if loading else 0
        command = found.payload["data"].get("name")
        metadata: dict[str, Any] = {
            "id": str(found.id),
            "type": found.payload["type"],
            "user": found.user.payload(),
            "authorizing_integration_owners": found.payload["authorizing_integration_owners"],
        }
        if found.source is not None:
            metadata["interacted_message_id"] = str(found.source.id)
        extra: dict[str, Any] = {
            "flags": flags,
            "application_id": found.payload["application_id"],
            "webhook_id": found.payload["application_id"],
            "interaction_metadata": metadata,
            "type": 20 if command else 0,
        }
        if command:
            user = found.user.payload()
            extra["interaction"] = {"id": str(found.id), "type": 2, "name": command, "user": user}
        if found.message is not None:
            extra["type"] = 19
            extra["message_reference"] = _reference(found.message)
        return self._create(found.channel, data, files, extra, to=found.id)

    async def _follow_up(self, call: Call) -> Any:
        found = self._interaction(call)
        if found.acknowledged_after is None:
            raise _refused(found, ApiError(404, 10015, "Unknown Webhook"))
        try:
            check_message(call.body, len(call.files))
        except ApiError as error:
            raise _refused(found, error) from None
        if found.message is not None and found.message.loading:
            # The first follow-up takes the place of "is thinking", whose visibility was fixed by the deferral.
            self._edit(found.message, call.body, call.files)
            message = found.message
        else:
            message = self._create_for(found, call.body, call.files)
            found.followups.append(message)
        found.answered_after = found.answered_after or found.age
        return message.payload

    async def _hook_message(self, call: Call) -> Any:
        found = self._interaction(call)
        name = call.http.match_info["message"]
        message = found.message if name == "@original" else self.discord.messages.get(call.id("message"))
        if found.acknowledged_after is None:
            raise _refused(found, ApiError(404, 10015, "Unknown Webhook"))
        if message is None or message.deleted or (message not in [found.message, *found.followups]):
            raise _refused(found, ApiError(404, 10008, "Unknown Message"))
        if call.http.method == "GET":
            return message.payload
        if call.http.method == "DELETE":
            self._delete(message)
            return None
        try:
            self._edit(message, call.body, call.files)
        except ApiError as error:
            raise _refused(found, error) from None
        found.answered_after = found.answered_after or (found.age if found.answered else None)
        return message.payload

    # --- messages ------------------------------------------------------------------------------------------------

    def _place(self, call: Call, needed: int = VIEW_CHANNEL) -> Channel:
        channel = self.discord.channels.get(call.id("channel"))
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        if channel.guild is not None:
            held = channel.guild.permissions(self.discord.bot, channel)
            if not held & VIEW_CHANNEL:
                raise ApiError(403, 50001, "Missing Access")
            if held & needed != needed:
                raise ApiError(403, 50013, "Missing Permissions")
        return channel

    async def _channel(self, call: Call) -> Any:
        return self._place(call).payload()

    async def _typing(self, call: Call) -> None:
        channel = self._place(call, SEND_MESSAGES)
        self.discord.typing.append(channel)

    async def _messages(self, call: Call) -> Any:
        channel, query = self._place(call), call.http.query
        found = [item for item in self.discord.messages.values() if item.channel is channel and not item.deleted]
        found = [item for item in found if not item.ephemeral]
        if "before" in query:
            found = [item for item in found if item.id < int(query["before"])]
        if "after" in query:
            found = [item for item in found if item.id > int(query["after"])][: int(query.get("limit", 50))]
        newest = sorted(found, key=lambda item: -item.id)[: int(query.get("limit", 50))]
        return [self.discord.as_seen(item) for item in newest]

    async def _send(self, call: Call) -> Any:
        channel = self.discord.channels.get(call.id("channel"))
        channel = self._place(call, SEND_IN_THREADS if channel and channel.type == 11 else SEND_MESSAGES)
        nonce = (channel.id, str(call.body.get("nonce")))
        if call.body.get("enforce_nonce") and nonce in self._nonces:
            return self._nonces[nonce].payload
        check_message(call.body, len(call.files))
        extra: dict[str, Any] = {"flags": int(call.body.get("flags") or 0) & (COMPONENTS_V2 | SUPPRESS_EMBEDS)}
        reference = call.body.get("message_reference")
        if reference:
            target = self.discord.messages.get(int(reference["message_id"]))
            if (target is None or target.deleted) and reference.get("fail_if_not_exists", True):
                raise ApiError(400, 50035, "Invalid Form Body: message_reference: Unknown message")
            if target is not None:
                shown = self.discord.as_seen(target)
                extra |= {"type": 19, "message_reference": _reference(target), "referenced_message": shown}
        if call.body.get("nonce") is not None:
            extra["nonce"] = call.body["nonce"]
        message = self._create(channel, call.body, call.files, extra)
        self._nonces[nonce] = message
        return message.payload

    def _create(
        self,
        channel: Channel,
        data: dict[str, Any],
        files: list[tuple[str, bytes]],
        extra: dict[str, Any],
        *,
        to: int | None = None,
    ) -> Message:
        message_id = self.discord.ids.next()
        payload = new_message_payload(message_id, channel, self.discord.bot, **extra)
        message = Message(channel, self.discord.bot, payload, to=to)
        self._apply(message, data, files)
        message.history = [json.loads(json.dumps(payload))]
        reference = self.discord.messages.get(message.reply_to or 0)
        self._ping(message, data, reference.author if reference and to is None else None)
        self.discord.add_message(message)
        return message

    def _ping(self, message: Message, data: dict[str, Any], replied_to: User | None) -> None:
        texts = [item.get("content") or "" for item in walk_components(message.components)]
        message.pinged |= pinged("\n".join([message.content, *texts]), data.get("allowed_mentions"), replied_to)
        users = self.discord.users
        told = [int(item) for item in message.pinged if item.isdigit()]
        message.payload["mentions"] = [users[item].payload() for item in told if item in users]
        message.payload["mention_everyone"] = "everyone" in message.pinged

    def _apply(self, message: Message, data: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        payload = message.payload
        if "content" in data:
            payload["content"] = (data["content"] or "").strip()
        if "embeds" in data:
            payload["embeds"] = [{"type": "rich"} | embed for embed in data["embeds"] or []]
        if "components" in data:
            payload["components"] = json.loads(json.dumps(data["components"] or []))
            for number, component in enumerate(walk_components(payload["components"])):
                component.setdefault("id", number + 1)
        if "attachments" in data or files:
            kept = {str(item.get("id")) for item in data.get("attachments") or []}
            payload["attachments"] = [item for item in payload["attachments"] if item["id"] in kept]
            for name, content in files:
                if len(content) > FILE_BYTES:
                    raise ApiError(413, 40005, "Request entity too large")
                upload = self.discord.upload(name, content)
                payload["attachments"].append(upload.payload() | {"ephemeral": message.ephemeral})
                message.files.append((name, content))

    def _edit(self, message: Message, data: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        if message.author is not self.discord.bot:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        check_message(data, len(files), message.payload)
        flags = message.flags & ~LOADING
        if data.get("flags") is not None:
            flags |= int(data["flags"]) & (COMPONENTS_V2 | SUPPRESS_EMBEDS)
        message.payload["flags"] = flags
        self._apply(message, data, files)
        message.payload["edited_timestamp"] = timestamp()
        message.history.append(json.loads(json.dumps(message.payload)))
        self._ping(message, data, None)
        self.discord.announce(message, "MESSAGE_UPDATE")

    def _delete(self, message: Message) -> None:
        message.deleted = True
        self.discord.announce(message, "MESSAGE_DELETE")

    async def _message(self, call: Call) -> Any:
        channel = self._place(call)
        message = self.discord.messages.get(call.id("message"))
        if message is None or message.deleted or message.channel is not channel or message.ephemeral:
            raise ApiError(404, 10008, "Unknown Message")
        if call.http.method == "GET":
            return self.discord.as_seen(message)
        if call.http.method == "PATCH":
            self._edit(message, call.body, call.files)
            return message.payload
        if message.author is not self.discord.bot:
            self._place(call, 1 << 13)
        self._delete(message)
        return None

    async def _bulk_delete(self, call: Call) -> None:
        self._place(call, 1 << 13)
        for message_id in call.body["messages"]:
            if int(message_id) in self.discord.messages:
                self._delete(self.discord.messages[int(message_id)])

    async def _thread(self, call: Call) -> Any:
        parent = self._place(call, 1 << 35)
        name = call.body.get("name") or ""
        if not 1 <= len(name) <= 100:
            raise ApiError(400, 50035, "Invalid Form Body: name: Must be between 1 and 100 in length.")
        start = call.http.match_info.get("message")
        thread = Channel(int(start) if start else self.discord.ids.next(), name, parent.guild, 11, parent=parent)
        if thread.id in self.discord.channels:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        self.discord.add_thread(thread)
        return thread.payload()

    async def _nothing(self, call: Call) -> None:
        self._place(call)

    # --- servers and people --------------------------------------------------------------------------------------

    async def _guild(self, call: Call) -> Any:
        guild = self.discord.joined.get(call.id("guild"))
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        payload = guild.payload(self.discord.bot)
        part = call.path.rsplit("/", 1)[-1]
        if part == "members":
            return [guild.member_payload(user) for user in guild.members.values()]
        return payload[part] if part in ("channels", "roles") else payload

    async def _member(self, call: Call) -> Any:
        guild = self.discord.joined.get(call.id("guild"))
        if guild is None or call.id("user") not in guild.members:
            raise ApiError(404, 10007, "Unknown Member")
        return guild.member_payload(guild.members[call.id("user")])

    async def _user(self, call: Call) -> Any:
        user = self.discord.users.get(call.id("user"))
        if user is None:
            raise ApiError(404, 10013, "Unknown User")
        return user.payload()

    async def _open_dm(self, call: Call) -> Any:
        user = self.discord.users.get(int(call.body["recipient_id"]))
        if user is None:
            raise ApiError(400, 50033, "Invalid Recipient(s)")
        return self.discord.dm_channel(user).payload()

    async def _leave(self, call: Call) -> None:
        self.discord.drop_guild(call.id("guild"))

    async def cdn(self, http: web.Request) -> web.StreamResponse:
        """An uploaded file, from memory or made up while it is sent."""
        upload = self.discord.uploads.get(int(http.match_info["id"]))
        self.discord.downloads.append(http.path)
        if upload is None or upload.status != 200:
            return web.Response(status=upload.status if upload else 404)
        response = web.StreamResponse(headers={"Content-Type": upload.content_type})
        left = upload.content if isinstance(upload.content, int) else len(upload.content)
        response.content_length = left
        await response.prepare(http)
        at = 0
        while at < left:
            await asyncio.sleep(upload.delay)
            size = min(65536, left - at)
            piece = b"a" * size if isinstance(upload.content, int) else upload.content[at : at + size]
            await response.write(piece)
            at += size
        return response


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


def _refused(found: Interaction | None, error: ApiError) -> ApiError:
    if found is not None:
        found.errors.append((error.status, error.code, str(error)))
    return error


def _reference(target: Message) -> dict[str, Any]:
    guild = {"guild_id": str(target.channel.guild.id)} if target.channel.guild else {}
    return {"type": 0, "message_id": str(target.id), "channel_id": str(target.channel.id)} | guild


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
