"""Text → markup that shows it and does nothing else. Pure."""

import html
import re

# What XML does not allow, and the marks that turn the direction of what follows.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def escaped(text: str) -> str:
    """`text` for an element or a quoted attribute, with what cannot be shown made visible."""
    return html.escape(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text))
