"""A JSON Feed (versions 1 and 1.1) becomes a draft. What is wrong in it is as if it were missing."""

import json
import re
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, field_validator

from index.errors import UserError
from index.feeds.drafts import EntryDraft, FeedDraft, as_html, listed, utc

_VERSION = re.compile(r'"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version\\?/')


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_none(cls, value: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(value)
        except ValidationError:
            return None


class _Author(_Lenient):
    name: str | None = None


class _Item(_Lenient):
    id: str | None = None
    url: str | None = None
    external_url: str | None = None
    title: str | None = None
    content_html: str | None = None
    content_text: str | None = None
    summary: str | None = None
    date_published: str | None = None
    date_modified: str | None = None
    authors: list[_Author] | None = None
    author: _Author | None = None  # version 1


class _Feed(_Lenient):
    title: str | None = None
    home_page_url: str | None = None
    authors: list[_Author] | None = None
    author: _Author | None = None
    items: list[Any] | None = None  # each is looked at by itself, so that a bad one does not cost the others


def is_feed(text: str) -> bool:
    """Whether the text is JSON, by its beginning, and names a version of JSON Feed."""
    return text[:100].lstrip().startswith("{") and _VERSION.search(text) is not None


def read(text: str, shown: str) -> FeedDraft:
    """The draft of a JSON Feed; `shown` is its name in messages.

    Raises:
        UserError: it is no JSON, holds no items, or is nested too deeply.
    """
    try:
        feed = _Feed.model_validate(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UserError(
            "{feed} is damaged JSON and cannot be read: try again later, or tell its publisher", feed=shown
        ) from error
    if feed.items is None:
        raise UserError("{feed} is a JSON Feed without items: tell its publisher, or give another address", feed=shown)
    items = (_Item.model_validate(item) for item in feed.items if isinstance(item, dict))
    return FeedDraft(
        title=feed.title or "",
        url=feed.home_page_url or "",
        entries=tuple(_entry(item, _names(feed)) for item in items),
    )


def _entry(item: _Item, editors: str) -> EntryDraft:
    return EntryDraft(
        id=item.id or "",
        title=item.title or "",
        url=item.url or item.external_url or "",
        author=_names(item) or editors,
        published=_moment(item.date_published),
        updated=_moment(item.date_modified),
        contents=tuple(filter(None, (item.content_html, as_html(item.content_text or "")))),
        summary=as_html(item.summary or ""),
    )


def _names(written: _Item | _Feed) -> str:
    authors = written.authors or ([written.author] if written.author else [])
    return listed(author.name or "" for author in authors)


def _moment(stated: str | None) -> datetime | None:
    stated = (stated or "").strip()[:100]
    for reading in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, IndexError, OverflowError, TypeError):
            return utc(reading(stated))
    return None
