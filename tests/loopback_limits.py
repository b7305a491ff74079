"""What Discord refuses in a message, a command list or an autocomplete answer, and the errors it refuses it with.

Pure checks over request bodies. `OpenApi` adds Discord's own description of its API where that file is at hand.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from loopback_world import COMPONENTS_V2, walk_components

CONTENT, EMBEDS_TOTAL, V2_COMPONENTS, V2_TEXT, FILE_BYTES = 2000, 6000, 40, 4000, 10 * 1024 * 1024
EMBED_LIMITS = {"title": 256, "description": 4096, "footer.text": 2048, "author.name": 256}


class Problem(NamedTuple):
    """One refused field: its dotted path, Discord's name for the error, and the sentence."""

    path: str
    code: str
    message: str


class ApiError(Exception):
    """An error answer in Discord's JSON form."""

    def __init__(self, status: int, code: int, message: str, problems: list[Problem] | None = None) -> None:
        super().__init__(f"{status} {code}: {message} {[f'{p.path}: {p.message}' for p in problems or []]}")
        self.status, self.code, self.message, self.problems = status, code, message, problems or []

    def body(self) -> dict[str, Any]:
        value: dict[str, Any] = {"message": self.message, "code": self.code}
        errors: dict[str, Any] = {}
        for problem in self.problems:
            place = errors
            for part in problem.path.split("."):
                place = place.setdefault(part, {})
            place.setdefault("_errors", []).append({"code": problem.code, "message": problem.message})
        return value | ({"errors": errors} if errors else {})


def invalid_form(problems: list[Problem]) -> ApiError:
    return ApiError(400, 50035, "Invalid Form Body", problems)


def _length(path: str, value: Any, most: int, least: int = 0) -> list[Problem]:
    size = len(value or "")
    if size > most:
        return [Problem(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")]
    if size < least:
        code = "BASE_TYPE_REQUIRED" if not size else "BASE_TYPE_MIN_LENGTH"
        return [Problem(path, code, "This field is required" if not size else f"Must be {least} or more in length.")]
    return []


def _url(path: str, value: Any, schemes: tuple[str, ...] = ("http", "https")) -> list[Problem]:
    if value and not re.match(rf"({'|'.join(schemes)})://\S+$", value):
        return [Problem(path, "URL_TYPE_INVALID_URL", f"Not a well formed URL with scheme {schemes}.")]
    return _length(path, value, 2048)


def check_embeds(embeds: list[dict[str, Any]]) -> list[Problem]:
    found = _length("embeds", embeds, 10)
    total = 0
    for number, embed in enumerate(embeds):
        at = f"embeds.{number}"
        for key, most in EMBED_LIMITS.items():
            value = embed
            for part in key.split("."):
                value = (value or {}).get(part)
            found += _length(f"{at}.{key}", value, most)
            total += len(value or "")
        fields = embed.get("fields") or []
        found += _length(f"{at}.fields", fields, 25)
        for index, item in enumerate(fields):
            found += _length(f"{at}.fields.{index}.name", item.get("name"), 256, 1)
            found += _length(f"{at}.fields.{index}.value", item.get("value"), 1024, 1)
            total += len(item.get("name") or "") + len(item.get("value") or "")
        found += _url(f"{at}.url", embed.get("url"))
        for key in ("image", "thumbnail"):
            schemes = ("http", "https", "attachment")
            found += _url(f"{at}.{key}.url", (embed.get(key) or {}).get("url"), schemes)
        for key, part in (("author", "url"), ("author", "icon_url"), ("footer", "icon_url")):
            found += _url(f"{at}.{key}.{part}", (embed.get(key) or {}).get(part), ("http", "https", "attachment"))
    if total > EMBEDS_TOTAL:
        found.append(Problem("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBEDS_TOTAL}"))
    return found


def _check_button(at: str, button: dict[str, Any]) -> list[Problem]:
    found = _length(f"{at}.label", button.get("label"), 80)
    style = button.get("style")
    if style == 5:
        if not button.get("url") or button.get("custom_id"):
            found.append(Problem(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A link needs a url only"))
        found += _url(f"{at}.url", button.get("url"), ("http", "https", "discord"))
        found += _length(f"{at}.url", button.get("url"), 512)
    elif style != 6:
        found += _length(f"{at}.custom_id", button.get("custom_id"), 100, 1)
    if not button.get("label") and not button.get("emoji") and style != 6:
        found.append(Problem(at, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or an emoji is required"))
    return found


def _check_select(at: str, select: dict[str, Any]) -> list[Problem]:
    found = _length(f"{at}.custom_id", select.get("custom_id"), 100, 1)
    found += _length(f"{at}.placeholder", select.get("placeholder"), 150)
    for key in ("min_values", "max_values"):
        if not 0 <= (select.get(key) or 0) <= 25:
            found.append(Problem(f"{at}.{key}", "NUMBER_TYPE_MAX", "int value should be between 0 and 25."))
    if select["type"] != 3:
        return found
    options = select.get("options") or []
    if not 1 <= len(options) <= 25:
        found.append(Problem(f"{at}.options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length."))
    for index, option in enumerate(options):
        here = f"{at}.options.{index}"
        found += _length(f"{here}.label", option.get("label"), 100, 1)
        found += _length(f"{here}.value", option.get("value"), 100, 1)
        found += _length(f"{here}.description", option.get("description"), 100)
    for value, count in Counter(option.get("value") for option in options).items():
        if count > 1:
            found.append(Problem(f"{at}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", f"{value!r} twice"))
    return found


def _check_row(at: str, row: dict[str, Any]) -> list[Problem]:
    inner = row.get("components") or []
    buttons = [item for item in inner if item.get("type") == 2]
    if not inner or len(inner) > 5 or (len(buttons) != len(inner) and len(inner) > 1):
        return [Problem(f"{at}.components", "BASE_TYPE_BAD_LENGTH", "A row holds 1 to 5 buttons or one other item.")]
    return []


def check_components(components: list[dict[str, Any]], *, v2: bool) -> list[Problem]:
    found = []
    everything = list(walk_components(components))
    if v2 and len(everything) > V2_COMPONENTS:
        found.append(Problem("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", f"More than {V2_COMPONENTS}."))
    if not v2:
        found += _length("components", components, 5)
        if any(item.get("type") != 1 for item in components):
            found.append(Problem("components", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).'))
    texts = [item.get("content") or "" for item in everything if item.get("type") == 10]
    if sum(map(len, texts)) > V2_TEXT:
        found.append(Problem("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", f"More than {V2_TEXT}."))
    for number, item in enumerate(everything):
        at, kind = f"components.{number}", item.get("type")
        if kind == 1:
            found += _check_row(at, item)
        elif kind == 2:
            found += _check_button(at, item)
        elif kind in (3, 5, 6, 7, 8):
            found += _check_select(at, item)
        elif kind == 10:
            found += _length(f"{at}.content", item.get("content"), V2_TEXT, 1)
        elif kind == 9 and not 1 <= len(item.get("components") or []) <= 3:
            found.append(Problem(f"{at}.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 3 in length."))
        elif kind == 12 and not 1 <= len(item.get("items") or []) <= 10:
            found.append(Problem(f"{at}.items", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 10 in length."))
    for name, count in Counter(item["custom_id"] for item in everything if item.get("custom_id")).items():
        if count > 1:
            found.append(Problem("components", "COMPONENT_CUSTOM_ID_DUPLICATED", f"custom id {name!r} is duplicated"))
    return found


def check_message(body: dict[str, Any], files: int = 0, before: dict[str, Any] | None = None) -> None:
    """Raise `ApiError` for a body that Discord refuses; ``before`` is the message that the body edits.

    An edit leaves alone what it does not name, so emptiness is judged on the result.
    """
    before = before or {}
    content, embeds, components = (body.get(key) for key in ("content", "embeds", "components"))
    v2 = bool((int(body.get("flags") or 0) | int(before.get("flags", 0))) & COMPONENTS_V2)
    found = _length("content", content, CONTENT) + check_embeds(embeds or [])
    found += check_components(components or [], v2=v2) + _length("nonce", str(body.get("nonce") or ""), 25)
    found += _length("attachments", body.get("attachments"), 10)
    if v2 and (content or embeds or body.get("poll") or body.get("sticker_ids")):
        found.append(Problem("flags", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Components V2 alone."))
    if found:
        raise invalid_form(found)
    after = {key: body.get(key) if key in body else before.get(key) for key in ("content", "embeds", "attachments")}
    rest = body.get("components") if "components" in body else before.get("components")
    filled = any(set(embed) - {"type", "color", "url", "timestamp", "flags"} for embed in after["embeds"] or [])
    blank = not (after["content"] or "").strip() and not filled and not after["attachments"] and not files
    if blank and not rest and not body.get("sticker_ids") and not body.get("poll"):
        raise ApiError(400, 50006, "Cannot send an empty message")


def check_choices(choices: list[dict[str, Any]]) -> None:
    found = _length("data.choices", choices, 25)
    for index, choice in enumerate(choices):
        found += _length(f"data.choices.{index}.name", choice.get("name"), 100, 1)
        if isinstance(choice.get("value"), str):
            found += _length(f"data.choices.{index}.value", choice["value"], 100, 1)
    if found:
        raise invalid_form(found)


def check_modal(data: dict[str, Any]) -> None:
    found = _length("data.title", data.get("title"), 45, 1) + _length("data.custom_id", data.get("custom_id"), 100, 1)
    found += _length("data.components", data.get("components"), 5, 1)
    for number, item in enumerate(walk_components(data.get("components"))):
        if item.get("type") in (4, 18):
            found += _length(f"data.components.{number}.label", item.get("label"), 45)
            found += _length(f"data.components.{number}.placeholder", item.get("placeholder"), 100)
    if found:
        raise invalid_form(found)


def check_commands(commands: list[dict[str, Any]]) -> None:
    found: list[Problem] = []
    for number, command in enumerate(commands):
        at, kind = f"{number}", command.get("type", 1)
        found += _length(f"{at}.name", command.get("name"), 32, 1)
        if kind == 1:
            if not re.fullmatch(r"[-_'\w]{1,32}", command["name"]) or command["name"] != command["name"].lower():
                found.append(Problem(f"{at}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"))
            found += _length(f"{at}.description", command.get("description"), 100, 1)
        found += _check_options(at, command.get("options") or [])
    for (kind, name), count in Counter((item.get("type", 1), item.get("name")) for item in commands).items():
        if count > 1:
            message = f"Application command names must be unique: {kind} {name!r}"
            found.append(Problem("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", message))
    if sum(item.get("type", 1) == 1 for item in commands) > 100:
        raise ApiError(400, 30032, "Maximum number of application commands reached (100)")
    if found:
        raise invalid_form(found)


def _check_options(at: str, options: list[dict[str, Any]]) -> list[Problem]:
    found = _length(f"{at}.options", options, 25)
    optional = False
    for index, option in enumerate(options):
        here = f"{at}.options.{index}"
        found += _length(f"{here}.name", option.get("name"), 32, 1)
        found += _length(f"{here}.description", option.get("description"), 100, 1)
        found += _length(f"{here}.choices", option.get("choices"), 25)
        if option.get("required") and optional:
            code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
            found.append(Problem(here, code, "Required options must be placed before non-required options"))
        optional = optional or (option["type"] > 2 and not option.get("required"))
        found += _check_options(here, option.get("options") or [])
    return found


class OpenApi:
    """Discord's own OpenAPI file as a checker of request bodies; needs the package jsonschema."""

    def __init__(self, path: Path) -> None:
        import jsonschema
        import referencing.jsonschema

        self._jsonschema = jsonschema
        # References become absolute, so that they hold from within any schema of the file.
        text = re.sub(r'("\$ref":\s*")#/', r"\1urn:discord#/", path.read_text(encoding="utf-8"))
        document = json.loads(text)
        self._paths: dict[str, Any] = document["paths"]
        resource = referencing.Resource.from_contents(
            {"components": document["components"]}, default_specification=referencing.jsonschema.DRAFT202012
        )
        self._registry = referencing.Registry().with_resource("urn:discord", resource)
        pattern = re.compile(r"\\\{[^/]+?\\\}")
        # Paths without placeholders come first, so that "@original" does not read as a message id.
        ordered = sorted(self._paths, key=lambda item: item.count("{"))
        self._patterns = [(re.compile(pattern.sub("[^/]+", re.escape(item)) + "$"), item) for item in ordered]

    def problems(self, method: str, path: str, body: Any) -> list[str]:
        """Why Discord's description refuses this body; empty when it accepts it, or does not know the route."""
        validator = self._validator(method.lower(), path)
        if validator is None:
            return []
        error = self._jsonschema.exceptions.best_match(validator.iter_errors(_as_described(body)))
        if error is None:
            return []
        # Of a union that fits nowhere, each branch says why.
        reasons = error.context or [error]
        told = sorted(
            {f"{'/'.join(map(str, item.absolute_path)) or 'body'}: {item.message[-200:]}" for item in reasons}
        )
        return [f"{method} {path}: {' | '.join(told[:4])}"]

    def _validator(self, method: str, path: str) -> Any:
        for pattern, template in self._patterns:
            if pattern.match(path) and method in self._paths[template]:
                return self._compiled(method, template)
        return None

    @functools.cache  # noqa: B019 - one checker lives as long as the test run
    def _compiled(self, method: str, template: str) -> Any:
        content = self._paths[template][method].get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return schema and self._jsonschema.Draft202012Validator(schema, registry=self._registry)


def _as_described(body: Any) -> Any:
    """The body with the whole-number ids that Discord accepts, though its description does not, written as text."""
    if not isinstance(body, dict):
        return body
    body = dict(body)
    if isinstance(body.get("message_reference"), dict):
        reference = body["message_reference"].items()
        body["message_reference"] = {key: str(v) if key.endswith("_id") and v else v for key, v in reference}
    if isinstance(body.get("attachments"), list):
        body["attachments"] = [item | {"id": str(item["id"])} if "id" in item else item for item in body["attachments"]]
    if isinstance(body.get("messages"), list):
        body["messages"] = [str(item) for item in body["messages"]]
    if isinstance(body.get("recipient_id"), int):
        body["recipient_id"] = str(body["recipient_id"])
    if isinstance(body.get("components"), list):
        body["components"] = [_component_as_described(item) for item in body["components"]]
    if isinstance(body.get("data"), dict):
        body["data"] = _as_described(body["data"])
    return body


def _component_as_described(component: dict[str, Any]) -> dict[str, Any]:
    """A component whose chosen roles, channels or people are named by text, too."""
    component = dict(component)
    if isinstance(component.get("components"), list):
        component["components"] = [_component_as_described(item) for item in component["components"]]
    if isinstance(component.get("default_values"), list):
        component["default_values"] = [item | {"id": str(item["id"])} for item in component["default_values"]]
    return component
