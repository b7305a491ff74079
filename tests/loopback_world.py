"""The people, servers, channels and messages of the loopback Discord, and how Discord writes them as JSON.

Plain values and pure functions; knows nothing of HTTP, the gateway or the bot process.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

EPOCH_MS = 1420070400000
JOINED = "2024-01-15T12:00:00.000000+00:00"

ADD_REACTIONS, ADMINISTRATOR, MANAGE_GUILD = 1 << 6, 1 << 3, 1 << 5
VIEW_CHANNEL, SEND_MESSAGES, EMBED_LINKS, ATTACH_FILES = 1 << 10, 1 << 11, 1 << 14, 1 << 15
READ_HISTORY, MENTION_EVERYONE, USE_COMMANDS = 1 << 16, 1 << 17, 1 << 31
CREATE_THREADS, SEND_IN_THREADS = 1 << 35, 1 << 38
EVERYTHING = (1 << 51) - 1
ORDINARY = (ADD_REACTIONS | VIEW_CHANNEL | SEND_MESSAGES | EMBED_LINKS | ATTACH_FILES | READ_HISTORY | USE_COMMANDS) | (
    CREATE_THREADS | SEND_IN_THREADS
)
EPHEMERAL, LOADING, COMPONENTS_V2, SUPPRESS_EMBEDS = 1 << 6, 1 << 7, 1 << 15, 1 << 2


class Snowflakes:
    """Ids as Discord makes them: the time in the high bits, always rising."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        now = (int(time.time() * 1000) - EPOCH_MS) << 22
        self._last = max(self._last + 1, now)
        return self._last


def timestamp(at: float | None = None) -> str:
    return datetime.fromtimestamp(time.time() if at is None else at, UTC).isoformat()


@dataclass(eq=False)
class User:
    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None if self.bot else self.name.title(),
            "discriminator": "0001" if self.bot else "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
        }


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: int
    position: int = 1
    bot_id: int | None = None

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"

    def payload(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "name": self.name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "icon": None,
            "unicode_emoji": None,
            "position": self.position,
            "permissions": str(self.permissions),
            "managed": self.bot_id is not None,
            "mentionable": False,
            "flags": 0,
        } | ({"tags": {"bot_id": str(self.bot_id)}} if self.bot_id else {})


@dataclass(eq=False)
class Channel:
    """A text channel (0), a forum (15), a thread or post (11) or a direct message (1, without a guild)."""

    id: int
    name: str
    guild: Guild | None = None
    type: int = 0
    recipient: User | None = None
    parent: Channel | None = None
    denied: dict[int, int] = field(default_factory=dict)  # role or user id -> permissions taken away here

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    def payload(self) -> dict[str, Any]:
        if self.guild is None:
            assert self.recipient is not None
            return {
                "id": str(self.id),
                "type": 1,
                "last_message_id": None,
                "flags": 0,
                "recipients": [self.recipient.payload()],
            }
        common: dict[str, Any] = {
            "id": str(self.id),
            "guild_id": str(self.guild.id),
            "type": self.type,
            "name": self.name,
            "parent_id": str(self.parent.id) if self.parent else None,
            "last_message_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
        }
        if self.type == 11:
            metadata = {
                "archived": False,
                "auto_archive_duration": 1440,
                "archive_timestamp": timestamp(),
                "locked": False,
                "create_timestamp": timestamp(),
            }
            owner = str(self.guild.owner.id)
            return common | {"owner_id": owner, "message_count": 0, "member_count": 1, "thread_metadata": metadata}
        overwrites = [
            {"id": str(key), "type": 0 if key in self.guild.roles else 1, "allow": "0", "deny": str(deny)}
            for key, deny in self.denied.items()
        ]
        forum = {"available_tags": [], "default_forum_layout": 0} if self.type == 15 else {}
        return common | forum | {"position": 0, "topic": None, "nsfw": False, "permission_overwrites": overwrites}


@dataclass(eq=False)
class Guild:
    """A server with three people in it: ``owner``, ``manager`` (Manage Server) and ``member`` (nothing special)."""

    id: int
    name: str
    owner: User
    manager: User
    member: User
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, User] = field(default_factory=dict)
    role_ids: dict[int, list[int]] = field(default_factory=dict)  # user id -> roles beside @everyone

    def channel(self, name: str) -> Channel:
        """The channel of that name; the default servers have "general", "help" and "locked" (closed to the bot)."""
        return next(channel for channel in self.channels.values() if channel.name == name)

    def role(self, name: str) -> Role:
        return next(role for role in self.roles.values() if role.name == name)

    def join(self, user: User, *roles: Role) -> None:
        self.members[user.id] = user
        self.role_ids[user.id] = [role.id for role in roles]

    def permissions(self, user: User, channel: Channel | None = None) -> int:
        if user.id == self.owner.id:
            return EVERYTHING
        held = [self.id, *self.role_ids.get(user.id, [])]
        value = 0
        for role_id in held:
            value |= self.roles[role_id].permissions
        if value & ADMINISTRATOR:
            return EVERYTHING
        if channel is not None:
            for key, deny in (channel.parent or channel).denied.items():
                if key == user.id or key in held:
                    value &= ~deny
        return value

    def member_payload(self, user: User, *, with_user: bool = True) -> dict[str, Any]:
        value: dict[str, Any] = {
            "roles": [str(role_id) for role_id in self.role_ids.get(user.id, [])],
            "nick": None,
            "avatar": None,
            "banner": None,
            "joined_at": JOINED,
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }
        return value | ({"user": user.payload()} if with_user else {})

    def payload(self, bot: User) -> dict[str, Any]:
        """A GUILD_CREATE; as for any bot without the members intent, only the bot itself is listed as a member."""
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "banner": None,
            "description": None,
            "owner_id": str(self.owner.id),
            "region": "",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "preferred_locale": self.locale,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "public_updates_channel_id": None,
            "safety_alerts_channel_id": None,
            "vanity_url_code": None,
            "application_id": None,
            "max_members": 500000,
            "max_presences": None,
            "features": [],
            "emojis": [],
            "stickers": [],
            "roles": [role.payload() for role in self.roles.values()],
            "channels": [channel.payload() for channel in self.channels.values() if channel.type != 11],
            "threads": [channel.payload() for channel in self.channels.values() if channel.type == 11],
            "members": [self.member_payload(bot)],
            "member_count": len(self.members),
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
            "joined_at": JOINED,
            "large": False,
            "unavailable": False,
        }


@dataclass(frozen=True)
class Upload:
    """A file that a user attaches: ``content`` is its bytes, or a number of bytes to make up while sending."""

    id: int
    name: str
    content: bytes | int
    content_type: str
    declared_size: int
    url: str
    delay: float = 0.0
    status: int = 200
    location: str = ""

    def payload(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "filename": self.name,
            "size": self.declared_size,
            "url": self.url,
            "proxy_url": self.url,
            "content_type": self.content_type,
            "ephemeral": True,
        }


def walk_components(components: list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """Every component, however deep."""
    for component in components or []:
        yield component
        yield from walk_components(component.get("components"))
        for inner in ("accessory", "component"):
            if isinstance(component.get(inner), dict):
                yield from walk_components([component[inner]])


class Message:
    """A message as it stands now; ``history`` holds every state it had, the newest last."""

    def __init__(self, channel: Channel, author: User, payload: dict[str, Any], *, to: int | None = None) -> None:
        self.channel = channel
        self.author = author
        self.payload = payload
        self.history: list[dict[str, Any]] = [copy.deepcopy(payload)]
        self.deleted = False
        self.files: list[tuple[str, bytes]] = []
        self.pinged: set[str] = set()
        self.answers_interaction = to

    @property
    def id(self) -> int:
        return int(self.payload["id"])

    @property
    def content(self) -> str:
        return self.payload["content"]

    @property
    def embeds(self) -> list[dict[str, Any]]:
        return self.payload["embeds"]

    @property
    def components(self) -> list[dict[str, Any]]:
        return self.payload["components"]

    @property
    def flags(self) -> int:
        return int(self.payload.get("flags", 0))

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it still says "is thinking"."""
        return bool(self.flags & LOADING)

    @property
    def reply_to(self) -> int | None:
        reference = self.payload.get("message_reference")
        return int(reference["message_id"]) if reference else None

    @property
    def text(self) -> str:
        """All that a reader sees: content, embeds and text components, one piece a line; no labels of buttons."""
        pieces = [self.content]
        for embed in self.embeds:
            pieces += [(embed.get("author") or {}).get("name"), embed.get("title"), embed.get("description")]
            for item in embed.get("fields", []):
                pieces += [item["name"], item["value"]]
            pieces.append((embed.get("footer") or {}).get("text"))
        pieces += [component.get("content") for component in walk_components(self.components)]
        return "\n".join(piece for piece in pieces if piece)

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return [component for component in walk_components(self.components) if component["type"] == 2]

    @property
    def selects(self) -> list[dict[str, Any]]:
        return [component for component in walk_components(self.components) if component["type"] in (3, 5, 6, 7, 8)]

    def component(self, wanted: str) -> dict[str, Any]:
        """The button or select whose custom_id or label is ``wanted``, or else whose custom_id begins with it."""
        items = [item for item in walk_components(self.components) if item.get("custom_id")]
        for matches in (
            [item for item in items if wanted in (item["custom_id"], item.get("label"))],
            [item for item in items if item["custom_id"].startswith(wanted)],
        ):
            if matches:
                return matches[0]
        raise AssertionError(f"no component {wanted!r} among {[item['custom_id'] for item in items]}")

    def __repr__(self) -> str:
        return f"<Message {self.id} in {self.channel.name} by {self.author.name}: {self.text[:80]!r}>"


def new_message_payload(message_id: int, channel: Channel, author: User, **parts: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": str(message_id),
        "channel_id": str(channel.id),
        "author": author.payload(),
        "content": "",
        "timestamp": timestamp(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
    }
    return value | parts


def pinged(content: str, allowed: dict[str, Any] | None, replied_to: User | None) -> set[str]:
    """Whom a message notifies: ids of users and roles, or "everyone"; without ``allowed`` Discord notifies all."""
    users = set(re.findall(r"<@!?(\d+)>", content))
    roles = set(re.findall(r"<@&(\d+)>", content))
    everyone = {"everyone"} if re.search(r"@(everyone|here)\b", content) else set()
    if allowed is None:
        return users | roles | everyone | ({str(replied_to.id)} if replied_to else set())
    parse = set(allowed.get("parse") or [])
    result = users if "users" in parse else users & {str(item) for item in allowed.get("users") or []}
    result = result | (roles if "roles" in parse else roles & {str(item) for item in allowed.get("roles") or []})
    result = result | (everyone if "everyone" in parse else set())
    if replied_to and allowed.get("replied_user"):
        result = result | {str(replied_to.id)}
    return result
