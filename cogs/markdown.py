"""Text that others wrote, made safe to stand in a Discord message, and measured as Discord measures it.

Pure: it knows Discord's markup and nothing of answers, articles or connections.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import takewhile
from urllib.parse import quote

from yarl import URL

ELLIPSIS = "…"
LONGEST_URL = 2_048

# Everything that opens markup wherever it stands: emphasis, code, spoilers, masked links, mentions, timestamps,
# custom and `:named:` emoji, commands. The colon and the slash also keep bare addresses and invites from being links.
_SPECIAL = re.compile(r"[\\*_~|`\[\]<>@#:/]")
# What opens a list or small print, but only where a line begins.
_LINE_START = re.compile(r"((?:\A|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])\s*)(?:([-+])|(\d+)([.)]))")
_WEB_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^\s/?#\\@:]+)(?::(?P<port>\d{1,5}))?(?P<rest>(?:[/?#].*)?)",
    re.IGNORECASE | re.DOTALL,
)
_CARD = re.compile(
    r"discord\.(?:gg|gift|new)/|discord(?:app)?\.com/(?:invite|gifts|template|events|application-directory|discovery|quests"
    r"|(?:api/)?oauth2/authorize)\b",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")
# The folders of an absolute path. A folder's name may hold blanks, but not begin or end where another path does.
_PATH = re.compile(r"(?<![\w:/\\.~)])(?:[A-Za-z]:)?[/\\](?:[^/\\“”\"',;:()\n]*[^\s/\\“”\"',;:()][/\\])+(?=[^\s/\\])")
_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])")  # Discord's own rule for what a backslash takes the meaning from

_OPENERS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c"}
_OPENERS |= {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, formats, private, unassigned, separators
_JOINERS = "\u200c\u200d"  # invisible, but letters and emoji are made with them
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters by their category, and invisible all the same


def width(text: str) -> int:
    """The length of a text by the strictest way to count it, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escape(text: str) -> str:
    """The text with its markup disarmed by backslashes, nothing else changed; at most twice as long."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    return _LINE_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", text)


def unescape(text: str) -> str:
    """What a reader sees of an escaped text."""
    return _ESCAPED.sub(r"\1", text)


def cut(text: str, limit: int) -> str:
    """The beginning of a text that is at most `limit` wide once escaped, ending at a word's border with …"""
    if width(escape(text)) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(escape(text[:middle] + ELLIPSIS)) <= limit:
            low = middle
        else:
            high = middle - 1
    border = max((match.start() for match in re.finditer(r"\s+", text[: low + 1])), default=0)
    return text[: border if border > low * 0.6 else low].rstrip() + ELLIPSIS if limit else ""


def cut_front(text: str, limit: int) -> str:
    """As `cut`, but keeps the end of the text."""
    if width(escape(text)) <= limit:
        return text
    return cut(text[::-1], limit)[::-1]


def label(text: str, limit: int) -> str:
    """A title or a name on one line, without anything invisible, cut to `limit` once escaped; not escaped itself."""
    visible = "".join(character if _is_visible(character) else " " for character in text)
    return cut(" ".join(visible.split()), limit) or "(untitled)"


def quoted(text: str, *, bold: bool = False) -> str:
    """A block quote of the text: each of its lines escaped, and each direction it changes changed back."""
    return block(bolded(escape(text)) if bold else escape(text))


def block(markup: str) -> str:
    """A block quote of markup whose text is escaped; each direction that a line changes is changed back at its end."""
    return "> " + "\n> ".join(line + _closers(line) for line in markup.split("\n"))


def bolded(markup: str) -> str:
    """Markup in bold."""
    return f"**{markup}**"


def safe_url(url: str | None) -> str | None:
    """The address if it is one of the web that Discord takes, with whatever could end a link's markup encoded. One in
    which Discord would find an invite (of a bot, too), a gift or a template is none: they show as a card wherever they
    stand."""
    parts = _WEB_ADDRESS.fullmatch(url or "")
    host = _ascii_host(parts["host"]) if parts else None
    if parts is None or host is None or int(parts["port"] or 0) > 65_535:
        return None
    port = f":{parts['port']}" if parts["port"] else ""
    # Anything beyond ASCII, blanks, brackets and backslashes is percent-encoded; what is encoded stays as it is.
    rest = quote(parts["rest"], safe="%/:?#@!$&'*+,;=~-._", errors="replace")
    encoded = f"{parts['scheme'].lower()}://{host}{port}{rest}"
    return encoded if len(encoded) <= LONGEST_URL and not _CARD.search(encoded) else None


def _ascii_host(host: str) -> str | None:
    """A host's name as it is looked up, its letters beyond ASCII encoded; None if it is no name of one."""
    try:
        name = (URL.build(scheme="https", host=host).raw_host or "").removesuffix(".")
    except ValueError:
        return None
    return name if _HOST.fullmatch(name) else None


def link(text: str, url: str | None) -> str:
    """A masked link with this plain text, or the text alone where there is no address to link to."""
    return f"[{escape(text)}](<{url}>)" if url else escape(text)


def without_folders(text: str, *folders: str) -> str:
    """The text with this machine's absolute paths shortened to their last part; web addresses stay.

    `folders` are known and left out whatever they are called; other paths are told by their looks.
    """
    for folder in folders:
        text = re.sub(re.escape(folder.rstrip("/\\")) + r"[/\\]", "", text) if folder.strip("/\\") else text
    return _PATH.sub("", text)


def _is_visible(character: str) -> bool:
    if character in _JOINERS:
        return True
    return unicodedata.category(character) not in _INVISIBLE and character not in _BLANKS


def _closers(line: str) -> str:
    """What ends the changes of writing direction that a line begins and does not end."""
    open_ones: list[str] = []
    for character in line:
        if character in _OPENERS:
            open_ones.append(_OPENERS[character])
        elif character in open_ones:
            _close(open_ones, character)
    return "".join(reversed(open_ones))


def _close(open_ones: list[str], character: str) -> None:
    """Ends the newest change that `character` ends; an isolate ends what was begun inside it, an embedding does not."""
    inside: Iterator[str] = takewhile(lambda one: one != character, reversed(open_ones))
    begun = list(inside)
    if character == "\u2069" or not begun:
        del open_ones[len(open_ones) - len(begun) - 1 :]
