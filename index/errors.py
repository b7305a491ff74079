"""The one error class whose message is written for its reader, and what such words are made of.

Entry points catch `UserError` alone and show its message; every other exception is a defect and keeps
its traceback. Which languages there are, and who speaks them, is not known here: the words are English, and carry
what a translation takes.
"""

import re
from collections.abc import Mapping
from typing import Self

Value = str | int | float  # a `Said` among them, for a clause within a sentence

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Said(str):
    """English words for a person: a `template` with its {names} filled by `values`. Both are kept for a translation.

    Whole numbers have thousands separators. What others wrote, such as a file's name, belongs into values only: names
    are all that a template may have in braces, so that it can't reach into a value. Without values, a text is taken as
    it stands, whatever its braces.

    Raises:
        ValueError: the template has other names than there are values, or other braces.
    """

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, /, **values: object) -> Self:
        kept = {name: _value(one) for name, one in values.items()}
        words = super().__new__(cls, _filled(template, kept) if kept else template)
        words.template = template
        words.values = kept
        return words


def mark(template: str) -> str:
    """The template as it is, known to translators: for words that are put together elsewhere."""
    return template


class UserError(Exception):
    """Something the person can mend. The message says what is wrong and names the remedy.

    It never holds a secret, and it is shown as it stands in a terminal or in Discord. `said` are its words; `template`
    and `values` are theirs, or `template` is another error's `said`.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        self.said = template if isinstance(template, Said) and not values else Said(template, **values)
        super().__init__(self.said)


def _value(value: object) -> Value:
    """The value itself where that says it, and its text otherwise."""
    if isinstance(value, Said) or (isinstance(value, int | float) and type(value) in (int, float)):
        return value
    return str(value)


def _filled(template: str, values: Mapping[str, Value]) -> str:
    rest = _FIELD.sub("", template)
    if set(_FIELD.findall(template)) != values.keys() or "{" in rest or "}" in rest:
        raise ValueError(f"the template “{template}” has not the names {sorted(values)}")
    return _FIELD.sub(lambda found: _written(values[found[1]]), template)


def _written(value: Value) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
