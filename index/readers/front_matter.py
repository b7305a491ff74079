"""The block of YAML at a Markdown file's top: six things are read from it, as text.

It knows nothing of Markdown. Text between two rules looks much like such a block, so only what has a key that front
matter commonly has is taken for one, and everything else stays in the article. The loader makes plain strings, lists
and mappings only, so no tag can name a type, no date can be wrong, and an alias costs nothing, because what it
repeats is never copied.
"""

import re

import yaml  # type: ignore[import-untyped]

_BLOCK = re.compile(r"---[ ]*\n(.*?)^(?:---|\.\.\.)[ ]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MAX_BLOCK = 64 * 1024  # characters
_PAIR = re.compile(r"([A-Za-z_][\w -]{0,40}):[ ]+(\S.*)$")
# What broken YAML is still made of: keys, what belongs to the key above (indented, or an item), comments, brackets.
_LINE = re.compile(r"[A-Za-z_][\w .-]{0,40}:(?:[ ]|$)|[ ]+\S|-[ ]|#|\?[ ]|[\]}]")
_KEYS = {
    "title": ("title",),
    "url": ("url", "link", "canonical_url", "canonical", "source"),
    "author": ("author", "authors", "by", "byline"),
    "published": ("published", "date", "publish_date", "published_at", "pubdate"),
    "updated": ("updated", "modified", "lastmod", "last_modified_at", "updated_at"),
    "language": ("language", "lang", "locale"),
}
# Keys of which a block has at least one. Too common in sentences to tell: by, source, type, note, status, and the like.
_TELLING = frozenset(
    {name for names in _KEYS.values() for name in names}
    | {"subtitle", "description", "summary", "excerpt", "tags", "tag", "keywords", "categories", "category", "topics"}
    | {"slug", "permalink", "aliases", "layout", "draft", "lang", "language", "locale"}
    | {"created"}
) - {"by", "source"}


def take(text: str) -> tuple[dict[str, str], str]:
    """The values found (names of `Draft`'s fields; none is empty) and the Markdown after the block.

    A block that is no mapping, or has no key that front matter commonly has, is part of the article, and stays. One
    that is broken YAML (a colon in an unquoted title is enough) is read line by line instead.
    """
    found = _BLOCK.match(text, 0, _MAX_BLOCK)
    if not found:
        return {}, text
    values = _mapping(found.group(1))
    if values is None:
        return {}, text
    named = {key: next(filter(None, (values.get(name, "") for name in names)), "") for key, names in _KEYS.items()}
    return {key: value for key, value in named.items() if value}, text[found.end() :]


def _mapping(block: str) -> dict[str, str] | None:
    try:
        loaded = yaml.BaseLoader(block).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError):
        lines = block.strip("\n").split("\n")
        if not all(map(_LINE.match, lines)):
            return None
        loaded = dict(pair for line in lines if (pair := _pair(line)))
    if loaded is None and not block.strip():
        return {}
    if not isinstance(loaded, dict):
        return None
    values = {key.strip().lower(): _text(value) for key, value in loaded.items() if isinstance(key, str)}
    return values if _TELLING.intersection(values) else None


def _pair(line: str) -> tuple[str, str] | None:
    found = _PAIR.match(line)
    return (found.group(1), found.group(2).strip().strip("\"'[]")) if found else None


def _text(value: object) -> str:
    """A value as text: a list's names joined with commas, a mapping's name; anything else has none."""
    if isinstance(value, str):
        return value.strip().removeprefix("[[").removesuffix("]]")
    if isinstance(value, dict):
        name = value.get("name")
        return name.strip() if isinstance(name, str) else ""
    if isinstance(value, list):
        names = (_text(one) for one in value[:20] if isinstance(one, str | dict))
        return ", ".join(filter(None, names))
    return ""
