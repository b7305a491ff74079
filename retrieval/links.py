"""Where a sentence stands, as a link: a web page's address that scrolls to it (a "text fragment"), or a file's.

Pure; how a link is shown is decided elsewhere.
"""

import re
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote, urlsplit

# A shorter sentence is named whole; of a longer one its two ends, which keeps the link short.
_LONGEST_WHOLE = 200  # characters
_END_WORDS = 6
_LONGEST_END = 60  # characters; a text without spaces is one long word
_DIRECTIVE = ":~:"
_LIST_MARKER = re.compile(r"^(?:[-*+•‣·–]|\d{1,3}[.)])\s+(?=\S)")  # a page shows it, but not as text
_SCHEMES = ("http", "https")


def web_link(url: str | None, text: str) -> str | None:
    """`url` with a fragment that scrolls to `text` where the browser can; None unless it is a sound http(s) address."""
    if url is None or not _is_web(url):
        return None
    address, _, fragment = url.partition("#")
    fragment = fragment.split(_DIRECTIVE)[0]  # a page's own place stays; a text that it already scrolls to goes
    directive = _directive(" ".join(_LIST_MARKER.sub("", text.strip()).split()))
    suffix = fragment + (f"{_DIRECTIVE}text={directive}" if directive else "")
    return f"{address}#{suffix}" if suffix else address


def file_link(source: str) -> str | None:
    """The `file://` address of an article whose source is an absolute path; None for any other source."""
    path: PurePath = PureWindowsPath(source) if re.match(r"[A-Za-z]:[\\/]|\\\\", source) else PurePosixPath(source)
    return path.as_uri() if path.is_absolute() else None


def _is_web(url: str) -> bool:
    if not url.isprintable() or re.search(r"\s", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.hostname)


def _directive(text: str) -> str:
    if len(text) <= _LONGEST_WHOLE:
        return _encoded(text)
    words = text.split()
    first, last = " ".join(words[:_END_WORDS]), " ".join(words[-_END_WORDS:])
    if len(words) <= 2 * _END_WORDS or max(len(first), len(last)) > _LONGEST_WHOLE:
        first, last = text[:_LONGEST_END].rstrip(), text[-_LONGEST_END:].lstrip()
    return f"{_encoded(first)},{_encoded(last)}"


def _encoded(text: str) -> str:
    # "-" and "," divide the parts of a directive and "&" two directives, so they must not stand for themselves.
    return quote(text, safe="", errors="replace").replace("-", "%2D")
