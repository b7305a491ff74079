"""Text becomes the text that spans refer to: what cannot be seen goes, and certain mojibake is repaired.

It never rewords, never normalises (no NFC, no straight quotes) and knows no formats: an article's text stays as
its source has it, but for the characters listed here.
"""

import re
import unicodedata
from functools import partial

_CARRIAGE_RETURN = re.compile(r"\r\n?")
_LINE_END = re.compile(r"[\v\f\x85\u2028\u2029]")
# Removed wherever they stand: controls; zero-width space, word joiner, byte order mark and soft hyphen, which split
# words for a search; embeddings, overrides and isolates, which could turn a quotation's letters around on the
# screen; invisible operators, annotation marks and noncharacters. The weak marks LRM, RLM and ALM stay: they are
# ordinary in Hebrew and Arabic, and cannot reorder what stands beside them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060-\u2064\u2066-\u206f\u202a-\u202e\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff]|[\U000e0000-\U000e007f]+"
)
_JOINERS = re.compile("[\u200c\u200d]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_C1 = {byte: bytes([byte]).decode("cp1252", errors="ignore") for byte in range(0x80, 0xA0) if byte != 0x85}
_BLANK_LINES = re.compile(r"\n{4,}")

# What bytes 0x80–0xBF are in cp1252, or in Latin-1.
_FOLLOWING = "\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™"
_GARBLED = re.compile(f"[\xc2-\xf4][{_FOLLOWING}]+")
# Garbled letters within or beside a word, or a garbled no-break space. Those that stand alone may be what the text
# is about.
_EVIDENCE = re.compile(f"(?<=\\w)[\xc2-\xf4][{_FOLLOWING}]+|[\xc2-\xf4][{_FOLLOWING}]+(?=\\w)|\xc2\xa0")
_ABOUT_ENCODINGS = re.compile(
    r"mojibake|\butf-?(8|16)\b|\bunicode\b|\blatin-?1\b|\biso[- ]?8859|windows-125|\bcp-?125|character (encoding|set)"
    r"|\bcharset\b|\bgarbled\b|zeichensatz|zeichenkodierung|codage des caract",
    re.IGNORECASE,
)
_REMNANT = "\xc2"  # the first half of a no-break space whose second half was stripped with the blanks


def clean(text: str, *, mend: bool = True) -> str:
    """The text with `\\n` line ends and no other control, no blanks at line ends, at most two blank lines in a row.

    Cleaning twice changes nothing more, but that what could not be seen may have stood within mojibake, which is whole
    the second time. Without `mend` no mojibake is touched: then what is clean stays as it is.
    """
    text = "\n".join(line.rstrip() for line in readable(text, mend=mend).split("\n"))
    text = _BLANK_LINES.sub("\n\n\n", text).strip()
    return _without_remnant(text) if mend else text


def readable(text: str, *, mend: bool = True) -> str:
    """The text cleaned except for its blanks, which still mean something to a format's parser."""
    text = _CARRIAGE_RETURN.sub("\n", _without_surrogates(text))
    text = _repair(text) if mend else text
    # cp1252 characters that came through as Latin-1 are C1 controls, which no text holds for themselves.
    text = _LINE_END.sub("\n", text).replace("\t", " ").translate(_C1)
    text = _INVISIBLE.sub(partial(_flag_or_nothing, text), text)
    return _JOINERS.sub(partial(_joiner, text), text)


def one_line(text: str, limit: int, *, mend: bool = True) -> str:
    """The text on one line: cleaned, each run of blanks one space, cut with "…" to at most `limit` characters."""
    line = " ".join(clean(text[: limit * 20], mend=mend).split())
    return line if len(line) <= limit else cut(line, limit)


def display(name: str) -> str:
    """A file's name as messages show it: in quotation marks, on one line, at most 100 characters."""
    return f"“{one_line(name, 100)}”"


def cut(line: str, limit: int) -> str:
    """At most `limit` characters of a line longer than that, ending with a whole word (where one is near) and "…"."""
    head = line[: limit - 1]
    space = head.rfind(" ")
    if space > limit // 2 and not line[limit - 1].isspace():
        head = head[:space]
    return head.rstrip(" ,;:.–—-") + "…"


def _flag_or_nothing(text: str, found: re.Match[str]) -> str:
    """Tag characters belong to a flag (🏴 and letters); anywhere else they only hide text."""
    flag = found.start() and text[found.start() - 1] == "\U0001f3f4" and found.group()[0] >= "\U000e0000"
    return found.group() if flag else ""


def _joiner(text: str, found: re.Match[str]) -> str:
    """A joiner stays where scripts or emoji need it: after a Persian, Indic or like letter, or between emoji."""
    before = text[found.start() - 1] if found.start() else " "
    after = text[found.end()] if found.end() < len(text) else " "
    shaped = before >= "\u0590" and unicodedata.category(before)[0] in "LM" and before != "\ufe0f"
    emoji = after > "\u2000" and (before == "\ufe0f" or unicodedata.category(before) in {"So", "Sk"})
    return found.group()[0] if shaped or emoji else ""


def _without_surrogates(text: str) -> str:
    """Pairs of surrogates become the characters they stand for; lone ones go."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _repair(text: str) -> str:
    """Text with UTF-8 that was read as cp1252 or Latin-1 read rightly, line by line, where that is certain.

    Certain is: a whole line makes sense this way round only (ftfy's judgement, and all its characters turn into
    valid UTF-8); garbled letters touch a word; such lines are most of those beyond ASCII; and the text is not
    about encodings.
    """
    if not _EVIDENCE.search(text) or _ABOUT_ENCODINGS.search(text):
        return text
    lines = text.split("\n")
    repaired = {
        n: fixed for n, line in enumerate(lines) if _GARBLED.search(line) and (fixed := _reread(line)) is not None
    }
    sound = sum(not line.isascii() for line in lines) - len(repaired)
    if not any(_EVIDENCE.search(lines[n]) for n in repaired) or sound > len(repaired):
        return text
    return "\n".join(repaired.get(n, line) for n, line in enumerate(lines))


def _reread(line: str) -> str | None:
    from ftfy import TextFixerConfig, fix_encoding_and_explain

    whole_only = TextFixerConfig(
        restore_byte_a0=False, replace_lossy_sequences=False, decode_inconsistent_utf8=False, fix_c1_controls=False
    )
    fixed, steps = fix_encoding_and_explain(line, whole_only)
    encodings = {step.parameter for step in steps or () if step.action == "encode"}
    if not encodings or not encodings <= {"latin-1", "sloppy-windows-1252"}:
        return None
    return str(fixed)


def _without_remnant(text: str) -> str:
    """Drops a last line that is a lone "Â", unless single letters stand on lines of their own elsewhere too."""
    body, _, last = text.rpartition("\n")
    if not body or last != _REMNANT or any(len(line) == 1 for line in body.split("\n")):
        return text
    return body.rstrip()
