"""Interactions: what a user's command, click or form looks like on the wire, and what became of it.

Builds the payloads from the commands that the bot registered; refuses, as Discord's own client does, what a user
could not send.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, Protocol

from loopback_world import Channel, Guild, Message, Role, Upload, User, walk_components

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5


class Waiter(Protocol):
    def wait_for(self, predicate: Callable[[], Any], timeout: float = ..., what: str = ...) -> Any: ...


class Interaction:
    """One interaction and its timeline, all times measured by the server.

    ``acknowledged_after``: seconds until the first answer, or None; ``response_type``: 4 message, 5 thinking,
    6 deferred update, 7 update, 8 choices, 9 modal. ``message`` is the answer as it stands (for clicks answered by 6
    or 7, the message that was clicked); ``history`` its states; ``followups`` the further messages; ``choices`` and
    ``modal`` what autocomplete and forms got; ``errors`` the refusals of calls that belong to this interaction.
    """

    def __init__(self, waiter: Waiter, payload: dict[str, Any], user: User, channel: Channel) -> None:
        self._waiter = waiter
        self.payload = payload
        self.user = user
        self.channel = channel
        self.sent_at = time.monotonic()
        self.acknowledged_after: float | None = None
        self.response_type: int | None = None
        self.ephemeral = False
        self.source: Message | None = None
        self.message: Message | None = None
        self.followups: list[Message] = []
        self.choices: list[dict[str, Any]] | None = None
        self.modal: dict[str, Any] | None = None
        self.errors: list[tuple[int, int, str]] = []
        self.answered_after: float | None = None
        self._source_states = 0

    @property
    def id(self) -> int:
        return int(self.payload["id"])

    @property
    def token(self) -> str:
        return self.payload["token"]

    @property
    def age(self) -> float:
        return time.monotonic() - self.sent_at

    @property
    def answered(self) -> bool:
        """Whether the user sees more than "is thinking"."""
        if self.choices is not None or self.modal is not None or self.followups:
            return True
        if self.response_type == 6:
            return self.message is not None and len(self.message.history) > self._source_states
        return self.message is not None and not self.message.loading

    def clicked(self, message: Message) -> None:
        self.source, self._source_states = message, len(message.history)

    def expire(self) -> None:
        """Make the interaction older than the 15 minutes for which its token is good."""
        self.sent_at -= 15 * 60 + 1

    def wait_for_answer(self, timeout: float = 10.0) -> Interaction:
        """Wait for an answer that is more than a deferral; raises AssertionError when none comes in time."""
        return self.wait_for(lambda self: self.answered, timeout, "an answer")

    def wait_for(
        self, predicate: Callable[[Interaction], Any], timeout: float = 10.0, what: str = "the predicate"
    ) -> Interaction:
        self._waiter.wait_for(lambda: predicate(self), timeout, f"{what} on {self!r}")
        return self

    def _shown(self) -> Message:
        assert self.message is not None, f"no message yet on {self!r}"
        return self.message

    @property
    def content(self) -> str:
        return self._shown().content

    @property
    def embeds(self) -> list[dict[str, Any]]:
        return self._shown().embeds

    @property
    def components(self) -> list[dict[str, Any]]:
        return self._shown().components

    @property
    def text(self) -> str:
        """Everything readable in the answer and its follow-ups."""
        shown = [self.message] if self.message and not self.message.deleted else []
        return "\n".join(message.text for message in [*shown, *self.followups] if message.text)

    @property
    def history(self) -> list[dict[str, Any]]:
        return self._shown().history

    def __repr__(self) -> str:
        data = self.payload["data"]
        return (
            f"<Interaction {data.get('name') or data.get('custom_id')!r} acknowledged_after={self.acknowledged_after} "
            f"type={self.response_type} text={self.text[:80]!r} errors={self.errors}>"
        )


def envelope(
    ids: tuple[int, int], bot: User, where: tuple[Channel, User], kind: int, data: dict[str, Any]
) -> dict[str, Any]:
    """The part that all interactions share; ``ids`` are the interaction's and the application's."""
    channel, user = where
    guild = channel.guild
    value: dict[str, Any] = {
        "id": str(ids[0]),
        "application_id": str(ids[1]),
        "type": kind,
        "token": f"loopback-{ids[0]}",
        "version": 1,
        "data": data,
        "channel": channel.payload(),
        "channel_id": str(channel.id),
        "locale": user.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": 10 * 1024 * 1024,
        "app_permissions": "2251799813685247",
    }
    if guild is None:
        return value | {"user": user.payload(), "context": 1, "authorizing_integration_owners": {"0": "0"}}
    permissions = str(guild.permissions(user, channel))
    value["channel"] = value["channel"] | {"permissions": permissions}
    return value | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": guild.member_payload(user) | {"permissions": permissions},
        "app_permissions": str(guild.permissions(bot, channel)),
        "context": 0,
        "authorizing_integration_owners": {"0": str(guild.id)},
    }


def allowed_here(command: dict[str, Any], guild: Guild | None) -> bool:
    contexts = command.get("contexts")
    if contexts is not None:
        return (0 if guild else 1) in contexts
    return guild is not None or command.get("dm_permission") is not False


def command_data(
    command: dict[str, Any],
    path: list[str],
    values: dict[str, Any],
    guild: Guild | None,
    focused: str | None,
) -> dict[str, Any]:
    """The ``data`` of a chat command; ``path`` names the subcommands, ``focused`` the option being typed."""
    resolved: dict[str, dict[str, Any]] = {}
    chain, declared = [], command.get("options") or []
    for name in path:
        step = next((option for option in declared if option["name"] == name and option["type"] in (1, 2)), None)
        assert step is not None, f"/{command['name']} has no subcommand {name!r}"
        chain.append(step)
        declared = step.get("options") or []
    assert not any(option["type"] in (1, 2) for option in declared), f"/{command['name']} needs a subcommand"
    known = {option["name"]: option for option in declared}
    assert set(values) <= set(known), f"unknown options {set(values) - set(known)}; there are {set(known)}"
    if focused is None:
        missing = [name for name, option in known.items() if option.get("required") and name not in values]
        assert not missing, f"Discord's client would ask for the required options {missing}"
    options = [_option(known[name], value, guild, resolved, focused) for name, value in values.items()]
    for step in reversed(chain):
        options = [{"type": step["type"], "name": step["name"], "options": options}]
    data: dict[str, Any] = {"id": command["id"], "name": command["name"], "type": CHAT_INPUT, "options": options}
    if command.get("guild_id"):
        data["guild_id"] = command["guild_id"]
    return data | ({"resolved": resolved} if resolved else {})


def _option(
    option: dict[str, Any], value: Any, guild: Guild | None, resolved: dict[str, dict[str, Any]], focused: str | None
) -> dict[str, Any]:
    kind, name = option["type"], option["name"]
    result = {"name": name, "type": kind, "value": value}
    if name == focused:
        return result | {"value": str(value), "focused": True}
    if kind in (6, 7, 8, 9, 11):
        result["value"] = resolve(value, guild, resolved)
    elif kind == 3:
        assert isinstance(value, str), f"option {name} is text, not {value!r}"
        least, most = option.get("min_length", 0), option.get("max_length", 6000)
        if focused is None:
            assert least <= len(value) <= most, f"option {name} must have {least} to {most} characters"
    elif kind in (4, 10) and focused is None:
        assert option.get("min_value", value) <= value <= option.get("max_value", value), f"option {name} out of range"
    if option.get("choices") and focused is None:
        assert value in [choice["value"] for choice in option["choices"]], f"option {name}: no such choice {value!r}"
    return result


def resolve(value: Any, guild: Guild | None, resolved: dict[str, dict[str, Any]]) -> str:
    """The id by which an option or a select names this thing, which is entered into ``resolved``."""
    if isinstance(value, Upload):
        resolved.setdefault("attachments", {})[str(value.id)] = value.payload()
    elif isinstance(value, User):
        resolved.setdefault("users", {})[str(value.id)] = value.payload()
        if guild and value.id in guild.members:
            member = guild.member_payload(value, with_user=False) | {"permissions": str(guild.permissions(value))}
            resolved.setdefault("members", {})[str(value.id)] = member
    elif isinstance(value, Role):
        resolved.setdefault("roles", {})[str(value.id)] = value.payload()
    elif isinstance(value, Channel):
        resolved.setdefault("channels", {})[str(value.id)] = value.payload() | {"permissions": "0"}
    else:
        raise AssertionError(f"{value!r} is not a user, role, channel or upload")
    return str(value.id)


def menu_data(command: dict[str, Any], target: Message | User, guild: Guild | None) -> dict[str, Any]:
    resolved: dict[str, dict[str, Any]] = {}
    if isinstance(target, Message):
        resolved["messages"] = {str(target.id): copy.deepcopy(target.payload)}
        kind = MESSAGE_MENU
    else:
        resolve(target, guild, resolved)
        kind = USER_MENU
    return {
        "id": command["id"],
        "name": command["name"],
        "type": kind,
        "target_id": str(target.id),
        "resolved": resolved,
    }


def component_data(component: dict[str, Any], values: list[Any] | None, guild: Guild | None) -> dict[str, Any]:
    assert not component.get("disabled"), f"{component['custom_id']} is disabled"
    data: dict[str, Any] = {"custom_id": component["custom_id"], "component_type": component["type"]}
    if values is None:
        return data
    assert component.get("min_values", 1) <= len(values) <= component.get("max_values", 1), "wrong number of values"
    resolved: dict[str, dict[str, Any]] = {}
    if component["type"] == 3:
        offered = [option["value"] for option in component["options"]]
        assert set(values) <= set(offered), f"{values} are not all among {offered}"
        return data | {"values": values}
    return data | {"values": [resolve(value, guild, resolved) for value in values], "resolved": resolved}


def modal_data(modal: dict[str, Any], values: dict[str, Any], guild: Guild | None) -> dict[str, Any]:
    """A filled-in form; ``values`` by custom_id or label: text, a list for selects, uploads for file fields."""
    resolved: dict[str, dict[str, Any]] = {}
    components = copy.deepcopy(modal["components"])
    used = set()
    labels = {item["component"]["custom_id"]: item.get("label") for item in components if item.get("type") == 18}
    for item in walk_components(components):
        name = item.get("custom_id")
        if name is None:
            continue
        key = next((key for key in (name, labels.get(name), item.get("label")) if key in values), None)
        given = values.get(key, item.get("value")) if key else item.get("value")
        used.add(key)
        if item["type"] == 4:
            assert given or not item.get("required", True), f"the field {name} is required"
            item["value"] = given or ""
        elif item["type"] in (3, 22):
            item["values"] = given or []
        elif item["type"] in (21, 23):
            item["value"] = given
        else:
            item["values"] = [resolve(value, guild, resolved) for value in given or []]
    assert set(values) <= used, f"unknown fields {set(values) - used}"
    return {"custom_id": modal["custom_id"], "components": components, "resolved": resolved}
