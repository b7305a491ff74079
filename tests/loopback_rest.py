"""The routes of the loopback Discord: identity, commands, interactions, servers, files.

Works on the state that `LoopbackServer` holds.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from loopback_http import API, Call, Handler
from loopback_interactions import COMPONENT, MODAL, Interaction
from loopback_limits import ApiError, check_choices, check_commands, check_message, check_modal
from loopback_messages import Messages, reference_to
from loopback_world import COMPONENTS_V2, EPHEMERAL, LOADING, SUPPRESS_EMBEDS, Message

ACKNOWLEDGE_WITHIN, TOKEN_LIFE = 3.0, 15 * 60.0


class Rest(Messages):
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
            extra["message_reference"] = reference_to(found.message)
        return self._create(found.channel, data, files, extra, to=found.id)

    async def _follow_up(self, call: Call) -> Any:
        found = self._interaction(call)
        if found.acknowledged_after is None:
            raise _refused(found, ApiError(404, 10015, "Unknown Webhook"))
        try:
            check_message(call.body, len(call.files))
        except ApiError as error:
            raise _refused(found, error) from None
        if found.message is not None and found.message.loading and not found.message.deleted:
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
            headers = {"Location": upload.location} if upload and upload.location else None
            return web.Response(status=upload.status if upload else 404, headers=headers)
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


def _refused(found: Interaction | None, error: ApiError) -> ApiError:
    if found is not None:
        found.errors.append((error.status, error.code, str(error)))
    return error
