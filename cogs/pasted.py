"""Text that people write in Discord, as the file of an article: Markdown, with what is known of it at the top.

Pure. Nothing in the text or in what is known of it can pass for anything else: whoever writes a title writes a title.
"""

import re
from datetime import date

from index.readers.cleaning import one_line

_LONGEST_TITLE = 200  # characters
_LONGEST_NAME = 80
_FEWEST_WORDS = 6  # that a message has to say something with
_MOST_LINKS = 5  # of one message
_LINK = re.compile(r"https?://[^\s<>\"`|\\^{}]+", re.IGNORECASE)
_AROUND = ".,;:!?'\"*_~)]"  # what may end a sentence, or markup, right behind a link
_OWN_HOSTS = re.compile(
    r"https?://(?:[a-z0-9-]+\.)*(?:discord(?:app)?\.(?:com|net)|discord\.gg)(?:[/:?#]|$)", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
# Controls show nothing, and a reader that meets several takes the text for something else. Blanks and line ends stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


def as_markdown(
    text: str, *, title: str = "", url: str | None = None, author: str | None = None, day: date | None = None
) -> bytes:
    """The text below what is known of it, as the reader of Markdown understands it; what is not known is left out."""
    known = {"title": one_line(title, _LONGEST_TITLE), "url": url, "author": author}
    lines = [f"{name}: {_quoted(value)}" for name, value in known.items() if value]
    lines += [f"date: {day.isoformat()}"] if day else []
    # Even without a line in it the block is there, so that a text that begins like one stays text.
    block = "\n".join(lines) or "title:"
    return f"---\n{block}\n---\n\n{_CONTROLS.sub('', text)}\n".encode(errors="replace")


def file_name(title: str, suffix: str = "") -> str:
    """A name for what is called so, without anything that could be taken for a path or a place within an archive."""
    return (re.sub(r"[/\\!]+", "-", one_line(title, _LONGEST_NAME)).strip() or "text") + suffix


def message_text(content: str) -> str:
    """What a message says, each of its lines kept as one; "" if that is nothing more than a few words."""
    said = _LINK.sub(" ", content)
    if len(_WORD.findall(said)) < _FEWEST_WORDS:
        return ""
    return content.replace("\n", "  \n")


def links_in(content: str) -> list[str]:
    """The first few web addresses in a message, each once, but for those of Discord itself."""
    found = (_trimmed(match.group()) for match in _LINK.finditer(content))
    return [one for one in dict.fromkeys(found) if not _OWN_HOSTS.match(one)][:_MOST_LINKS]


def _trimmed(link: str) -> str:
    """The link without what belongs to the sentence around it; brackets that pair stay."""
    while link and link[-1] in _AROUND:
        if link[-1] == ")" and link.count("(") >= link.count(")"):
            break
        link = link[:-1]
    return link


def _quoted(value: str) -> str:
    """A YAML string in double quotes on one line, in ASCII, whatever the value."""
    escaped = (
        character if character.isascii() and character.isprintable() and character not in '"\\' else _code(character)
        for character in value
    )
    return f'"{"".join(escaped)}"'


def _code(character: str) -> str:
    return f"\\U{ord(character):08X}"
