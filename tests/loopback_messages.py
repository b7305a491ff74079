"""Channels and messages of the loopback Discord: sending, editing, deleting, with the permissions that it takes."""

from __future__ import annotations

import json
from typing import Any

from loopback_http import Call, Endpoint
from loopback_limits import FILE_BYTES, ApiError, check_message
from loopback_world import (
    COMPONENTS_V2,
    LOADING,
    READ_HISTORY,
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


class Messages(Endpoint):
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

    def _may_read_history(self, channel: Channel) -> bool:
        return channel.guild is None or bool(channel.guild.permissions(self.discord.bot, channel) & READ_HISTORY)

    async def _channel(self, call: Call) -> Any:
        return self._place(call).payload()

    async def _typing(self, call: Call) -> None:
        channel = self._place(call, SEND_MESSAGES)
        self.discord.typing.append(channel)

    async def _messages(self, call: Call) -> Any:
        channel, query = self._place(call), call.http.query
        found = [item for item in self.discord.messages.values() if item.channel is channel and not item.deleted]
        found = [item for item in found if not item.ephemeral]
        if not self._may_read_history(channel):
            found = []
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
                extra |= {"type": 19, "message_reference": reference_to(target), "referenced_message": shown}
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
            self._place(call, READ_HISTORY)
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


def reference_to(target: Message) -> dict[str, Any]:
    guild = {"guild_id": str(target.channel.guild.id)} if target.channel.guild else {}
    return {"type": 0, "message_id": str(target.id), "channel_id": str(target.channel.id)} | guild
