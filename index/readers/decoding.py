"""Bytes become text: the encoding is found out, and what is no text in any of them is refused.

It knows no formats beyond where HTML declares its character set, and it leaves cleaning to others.
"""

import codecs
import re
import unicodedata

from index.errors import UserError

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_CHARSET = re.compile(rb"<meta[^<>]{0,500}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\s*<\?xml[^<>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_KNOWN_CHARSET = re.compile(
    r"(iso-?8859-?\d+|windows-?\d+|cp\d+|koi8-?[rtu]|gbk|gb2312|gb18030|big5(-?hkscs)?|shift[-_]?jis|x-sjis|sjis"
    r"|euc-?(jp|kr)|iso-2022-(jp|kr)|mac-?(roman|cyrillic)|macintosh|tis-?620|hz-gb-2312)"
)
# Characters besides ASCII letters that a language writes with. Text fits a one-byte encoding if one language there
# has all its letters; detectors that count letter pairs take short French for Polish, this does not.
_WESTERN = (
    "àâæçéèêëîïôœùûüÿ",  # French
    "äöüß",  # German
    "áéíóúüñªº",  # Spanish
    "áâãàçéêíóôõúüªº",  # Portuguese
    "àèéìíîòóùú",  # Italian
    "áàäâéèëêíïîóòöôúüû",  # Dutch
    "æøåéèêóòâôü",  # Danish, Norwegian
    "åäöéàü",  # Swedish, Finnish
    "áðéíóúýþæö",  # Icelandic
    "àçéèíïóòúü",  # Catalan
)
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîșțşţ", "čćđšž")
_ALPHABETS = (
    ("cp1252", _WESTERN),
    ("cp1250", _CENTRAL),
    ("iso8859_2", _CENTRAL),
    ("cp1254", ("çğıöşüİiâîû",)),
    ("cp1257", ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")),
    ("mac_roman", _WESTERN),
)
_INSIDE_WORD = re.compile(r"[^\W\d][¹³¿¼¾¬¨¸ˆ˜][^\W\d]")  # what letters of other encodings look like in this one
_INVALID_RUN = re.compile(r"[\udc80-\udcff]+")
_SAMPLE = 64 * 1024  # bytes that the detector sees: enough for any language, and bounded time on a file of any size


def decode(data: bytes, shown: str, *, html: bool = False) -> str:
    """The text of `data`, without a byte order mark; `shown` is the file's name for messages.

    A byte that is wrong in otherwise valid UTF-8 is dropped at the end, and elsewhere read by itself or shown
    as U+FFFD; it never changes how the rest is read.

    Raises:
        UserError: the bytes are no text in any encoding.
    """
    text = unicode_text(data)
    if text is None:
        data = data.rstrip(b"\0").removeprefix(codecs.BOM_UTF8)
        declared = _declared(data) if html else None
        text = (
            decode_by_name(data, declared)
            if declared and declared.startswith(("iso-2022", "hz")) and data.isascii()
            else _utf8(data)
        )
        if text is None and declared:
            text = decode_by_name(data, declared)
        if text is None:
            text = _one_byte_or_detected(data)
    if text is None or _looks_binary(text):
        raise UserError("{file} is not text but binary data: save it as plain text, Markdown or HTML", file=shown)
    return text


def unicode_text(data: bytes) -> str | None:
    """The text of UTF-16 or UTF-32, told by its mark or by its NULs; None for every other encoding."""
    text = _by_mark(data)
    return _utf16_without_mark(data) if text is None else text


def _by_mark(data: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, errors="ignore")
            # UTF-16 that begins with NUL has the mark of UTF-32; as UTF-32 nearly nothing of it is valid.
            if encoding.startswith("utf-16") or len(text) >= len(data) // 8:
                return text
    return None


def _utf16_without_mark(data: bytes) -> str | None:
    """Text of mostly Latin letters: every second byte is NUL and no other, and the whole is valid."""
    sample = data[: min(len(data), 4096) & ~1]
    if len(sample) < 4:
        return None
    half = len(sample) // 2
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    if second > 0.7 * half and first == 0:
        encoding = "utf-16-le"
    elif first > 0.7 * half and second == 0:
        encoding = "utf-16-be"
    else:
        return None
    try:
        return data[: len(data) & ~1].decode(encoding)
    except UnicodeDecodeError:
        return None


def _declared(data: bytes) -> str | None:
    """The character set that an HTML page names for itself, in lower case."""
    found = _XML_ENCODING.match(data[:512]) or _META_CHARSET.search(data[:4096])
    return found.group(1).decode("ascii").lower() if found else None


def decode_by_name(data: bytes, charset: str) -> str | None:
    """The text by a character set that is named in lower case; None if it is none of the known ones."""
    if not _KNOWN_CHARSET.fullmatch(charset):
        return None
    if charset in {"iso-8859-1", "iso8859-1", "windows-1252"}:
        charset = "cp1252"  # as every browser does
    charset = {"x-sjis": "cp932", "gb2312": "gb18030", "gbk": "gb18030"}.get(charset, charset)
    try:
        return data.decode(charset, errors="replace")
    except LookupError:
        return None


def _utf8(data: bytes) -> str | None:
    """The text if it is UTF-8 with at most a few wrong bytes; None if those bytes look like another encoding."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="surrogateescape")
    body = text.rstrip()
    stray = _INVALID_RUN.search(body, max(0, len(body) - 4))
    if stray and stray.end() == len(body):
        text = body[: stray.start()]
    wrong = sum(map(len, _INVALID_RUN.findall(text)))
    right = sum(c > "\x7f" for c in text) - wrong
    # Only ASCII and wrong bytes: one that ends a word is a letter of another encoding, any other is a stray.
    if right < 4 * wrong or (not right and text[-1:].isalpha()):
        return None
    return _INVALID_RUN.sub(_read_alone, text)


def _read_alone(run: re.Match[str]) -> str:
    """One wrong byte among others that are right was pasted from cp1252; a run of them is a torn sequence."""
    if len(run.group()) > 1:
        return "\N{REPLACEMENT CHARACTER}"
    return bytes([ord(run.group()) - 0xDC00]).decode("cp1252", errors="replace")


def _one_byte_or_detected(data: bytes) -> str | None:
    letters = sum(data.count(c) for c in b"etaoinsrhldu")
    high = len(data) - sum(map(data.count, range(0x80)))
    if high <= letters:  # Latin letters, mostly
        for encoding, alphabets in _ALPHABETS:
            text = _strictly(data, encoding)
            if text is not None and _fits(text, alphabets):
                return text
    sample = data[:_SAMPLE]
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is not None and _foreign(str(best)[:2000]):
        return data.decode(best.encoding, errors="replace")
    return data.decode("cp1252", errors="replace")


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _fits(text: str, alphabets: tuple[str, ...]) -> bool:
    """Whether one alphabet has all letters of the text, and no other odd character stands beside a letter."""
    beyond = {c for c in set(text.lower()) if c > "\x7f"}
    letters = {c for c in beyond if c.isalpha()}
    odd = _INSIDE_WORD.search(text) or any(unicodedata.category(c) == "Cc" for c in beyond)
    return not odd and any(letters <= set(alphabet) for alphabet in alphabets)


def _foreign(text: str) -> bool:
    """Whether the letters beyond ASCII are mostly not Latin: those scripts the detector tells apart well."""
    letters = [c for c in text if c > "\x7f" and c.isalpha()]
    latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
    return len(letters) > 2 and latin * 4 < len(letters)


def _looks_binary(text: str) -> bool:
    """Whether more than three in a hundred characters, and at least four, are controls or undecodable."""
    blanks = "\t\n\r\v\f"
    controls = sum(map(text.count, (chr(c) for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in blanks)))
    controls -= text.count("\x85")
    return (controls + text.count("\N{REPLACEMENT CHARACTER}")) > max(3, 0.03 * len(text))
