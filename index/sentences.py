"""Where sentences lie in a text: spans in, spans out, nothing else.

It is pure and runs in linear time on any input. It refuses to know files, articles, models and stores; the
sentence rules of some 300 languages are sentencex's, and what this module adds is what articles have besides
prose: lines, list markers, quotations, asides, separators, and "sentences" too long to quote.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import sentencex

from index.article import Sentence, Span

MAX_SENTENCE = 700
"""Characters; anything longer is cut, because nobody reads it as one answer and the model would not read its end."""

MAX_GLUED_QUOTE = 100
"""Characters; a quotation or aside up to this long stays in one piece, a longer one is split at its sentence ends."""

_MAX_BLOCK = 5_000  # characters given to sentencex at once: it takes quadratic time on some lines

# Every character at which str.splitlines breaks a line.
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")

# A line of words, blanks and commas holds nothing that any rule could split at.
_PLAIN = re.compile(r"[\w ,\-]*")

_BULLET = r"[-*+•‣⁃◦▪●○■□–—·➢✓]"
_NUMBER = r"\(?(?:\d{1,3}(?:\.\d{1,3}){0,4}|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5})[.)]{1,2}"
LIST_MARKER = re.compile(rf"(?:#{{1,6}}\s+)?(?:(?:{_BULLET}\s*)?{_NUMBER}|{_BULLET})(?=\s|$)|#{{1,6}}$")
_LABEL = re.compile(
    r"(?:Fig(?:ure|\.)?|Table|Chart|Map|Step|Chapter|Section|Part|Abb(?:ildung|\.)|Tabelle)\s*\d+(?:\.\d+)*[.:]"
)
TABLE_ROW = re.compile(r"\||[^\t]*\t[^\t]*\t|[^|]*\s\|\s[^|]*\s\|\s")

# Quotation marks and round brackets are hidden from sentencex: it never splits between two of them, however
# far apart, and takes quadratic time when they do not pair. What belongs together is decided in _glued.
_EDGE_APOSTROPHE = re.compile(r"(?<!\w)['‘’‚]|['‘’‚](?![^\WA-Z])")  # "l'Avv." too, to show the abbreviation
_HIDDEN = str.maketrans(dict.fromkeys('"“”„‟«»‹›「」『』《》〈〉（）()`', " ") | dict.fromkeys("'‘’‚", "x"))

_OPENERS = {
    "”": "“„",
    "“": "„",
    "»": "«",
    "›": "‹",
    "」": "「",
    "』": "『",
    "》": "《",
    "〉": "〈",
    "）": "（",
    ")": "(",
}
_PAIRED = re.compile(r'["“”„«»‹›「」『』《》〈〉（）()]')
_CLOSERS = re.compile(r"""(?:["”’»›」』》〉）)\]']|[“‘«](?=\s|$))*""")

_SMILEY = r"[:;=][-'^]?[)(\]\[DPp/\\|*]++(?!\w)|<3"
_PICTURES = "\U0001f300-\U0001faff\u2639\u263a\u2764"
_EMOJI = rf"[{_PICTURES}](?<![{_PICTURES}].)[\ufe0f\u200d{_PICTURES}]*+"
_TAIL = re.compile(rf"(?:\s*(?:{_SMILEY}|{_EMOJI})){{1,5}}(?=\s|$)")

# Ends that sentencex does not see; a sentence ends where the match ends. Each pattern begins with the characters
# it looks for, which makes it fast, and begins only at the first of a run of them, which keeps it linear.
_UPPER = r"[A-ZÀ-ÖØ-ÞА-ЯЁ]"
_MORE_ENDS = (
    re.compile(r"[!?](?<![!?].)(?:[!?]++(?=\s+(?:I\b|[a-z]))|(?<=\s.)[!?]*+(?=\s+[a-z]))"),  # "So good!! i went"
    re.compile(rf"…(?=\s+{_UPPER})"),
    re.compile(r"[。！？](?=\s*[“「『])"),  # the quotation that follows belongs to the next sentence
    # Words that are abbreviations too ("no. 5", "art. 7"), before a capital letter.
    re.compile(
        r"\.(?:(?<=\b(?:no|me|id)\.)|(?<=\b(?:art|ill|arc|fed|may)\.)|(?<=\bmiss\.)|(?<=\b(?:DC|ID)\.))"
        rf"(?=\s+{_UPPER})"
    ),
    re.compile(rf"(?:{_SMILEY})(?=\s+{_UPPER})"),
    re.compile(rf"{_EMOJI}(?=\s+{_UPPER})"),
    re.compile(r"http(?<!\Shttp)s?://\S++(?=\s+http)"),  # a list of links
    re.compile(rf"@[^\s<>@]++>(?=\s+{_UPPER})"),  # the address in a quoted message's header
    re.compile(r"[*=_~-](?<![*=_~-].)[*=_~-]{4,}+(?=\s)"),
)
_DASHES = ("-", "–", "—", "―")
_SHORT_ASIDE = re.compile(r"\s*\([^()]{1,100}\)(?:,|\s+[a-z])")
_BULLET_WITHIN = re.compile(r"[•‣⁃◦▪●](?<!\S.)(?=\s*\S)")
_SEPARATOR_WITHIN = re.compile(
    r"[*=~](?<!\S.)[*=~-]{2,}+(?!\S)|[-_](?<!\S.)(?:[*=_~-]{9,}+|-{3,}+|(?<=[.!?]\s-)-)(?!\S)"
)
_CLOSING = re.compile(
    r"(?:(?<=[.!?]\s)|^)(?:(?:(?:Best|Kind|Kindest|Warm|Warmest) )?[Rr]egards|Best wishes|Many thanks|Thanks|Cheers"
    r"|Sincerely|Yours (?:truly|sincerely|faithfully)),(?=\s+(?!I\b)[A-Z])"
)
_BEFORE_NUMBER = re.compile(
    r"(?<!\w)(?:approx|figs?|eqs?|vols?|chs?|chap|sect?s?|nos?|nrs?|pp?|max|min|est|tel|fax|ext|arts?|ver|ca|Ref)\.\s*$",
    re.I,
)
# In these languages a dot after a number makes it an ordinal: "im 19. Jahrhundert". Sentences end in so small a
# number much less often.
_ORDINAL_LANGUAGES = frozenset("cs da de et fi hr hu is lv nb nn no pl sk sl tr".split())
_ORDINAL = re.compile(r"(?<![\w.,:%-])\d{1,2}\.$")

_ITEM = re.compile(r"(?<!\S)[•‣⁃◦▪●-]?\s?\(?(?:(\d{1,2})|([a-z]))(\.\)|[.)])(?=\s+\S)")
_FALLBACK_END = re.compile(r"[.!?…。！？؟।]+\s+|[。！？]")
_SEPARATOR = re.compile(r"--|[-=_*~#+•· ]{3,}")
_WORD = re.compile(r"\w")
_FLOW = re.compile(r"(?:[,;:(]|\b(?:and|or|und|oder|et|y|e|o))\s*$")

# Where a sentence that is too long is cut, best first; each pattern ends where the first half ends.
_CUTS = tuple(map(re.compile, (r"[;:](?=\s)|[；：]", r",(?=\s)|[，、،]|\s[-–—](?=\s)|—", r"\s")))


def split(text: str, language: str = "en") -> list[Sentence]:
    """The sentences, headings, list items, captions and table rows of `text`, as code point spans in order.

    They do not overlap, cover every non-blank character, hold no line break, begin and end with a non-blank
    character and are at most `MAX_SENTENCE` long. `language` is an ISO 639 code; an unknown one does no harm.
    """
    return list(each(text, language))


def each(text: str, language: str = "en") -> Iterator[Sentence]:
    """What `split` gives, one after the other, for whoever will not take any number of them."""
    for line in _LINE.finditer(text):
        for start, end in _line_spans(line.group(), language):
            yield Sentence(line.start() + start, line.start() + end)


def _line_spans(line: str, language: str) -> Iterator[Span]:
    """The sentences of one line, found block by block; a block's last sentence is read again with the next one."""
    base = 0
    while base < len(line):
        block = line[base : base + _MAX_BLOCK]
        spans = list(_block_spans(block, language))
        step = len(block)
        if base + step < len(line) and spans and spans[-1].start > _MAX_BLOCK // 2:
            step = spans.pop().start
        for start, end in spans:
            yield Span(base + start, base + end)
        base += step


def _block_spans(block: str, language: str) -> Iterator[Span]:
    whole = _strip(block, 0, len(block))
    if whole.start == whole.end:
        return
    if whole.end - whole.start <= MAX_SENTENCE and (_PLAIN.fullmatch(block) or TABLE_ROW.match(block, whole.start)):
        yield whole
        return
    for start, end in _joined(block, sorted(_ends(block, language))):
        yield from _shortened(block, start, end)


def _strip(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    return Span(end - len(part.lstrip()), start + len(part.rstrip())) if part.strip() else Span(start, start)


def _ends(block: str, language: str) -> set[int]:
    """Offsets at which a sentence ends, its closing quotes, brackets and emoticons included."""
    hidden = _EDGE_APOSTROPHE.sub(" ", block).translate(_HIDDEN)
    ends = set()
    offset = 0
    for segment in _segments(hidden, language):
        stop = offset + len(segment.rstrip())
        offset += len(segment)
        end = _after_closers(block, stop, offset)
        if not (_goes_on(block, end, closed=end > stop) or _is_ordinal(block, end, language)):
            ends.add(end)
    ends.update(_after_closers(block, match.end(), len(block)) for p in _MORE_ENDS for match in p.finditer(block))
    ends.update(match.end() for match in _CLOSING.finditer(block))
    ends.update(match.start() for match in _BULLET_WITHIN.finditer(block))
    ends.update(at for match in _SEPARATOR_WITHIN.finditer(block) for at in match.span())
    ends.update(_item_starts(block))
    glued = _glued(block)
    return {end for end in ends if not _inside(glued, end)}


def _after_closers(block: str, end: int, limit: int) -> int:
    """`end`, moved behind the closing quotes and brackets that touch it and the emoticons that follow."""
    closers = _CLOSERS.match(block, end, limit)
    end = closers.end() if closers else end
    tail = _TAIL.match(block, end)
    return tail.end() if tail else end


def _goes_on(block: str, end: int, closed: bool) -> bool:
    """Whether the sentence goes on after `end`: "Vol. 5", "No...no", "Help!—but", "At 10 a.m. (CDT) they left".

    `closed` says that quotes or brackets close before `end`: a small letter goes on after these ('"Yes!" he said').
    """
    follows = block[end : end + 3].lstrip()[:1]
    if follows.islower():
        return closed or (block.startswith(follows, end) and block[end - 2 : end] == "..")
    if follows.isdigit():
        return _BEFORE_NUMBER.search(block, max(0, end - 10), end) is not None
    if follows == "(":
        return _SHORT_ASIDE.match(block, end) is not None
    return block[end : end + 1] in _DASHES


def _is_ordinal(block: str, end: int, language: str) -> bool:
    if language not in _ORDINAL_LANGUAGES or not block[end : end + 2].strip():
        return False
    return _ORDINAL.search(block, max(0, end - 5), end) is not None


def _item_starts(block: str) -> Iterator[int]:
    """Where the items of a list within a line start: "1) … 2) …" or "a. … b. … c. …", numbered without a gap.

    Numbers in the flow of a sentence ("1) tea, 2) milk and 3) sugar") are no list.
    """
    runs: dict[tuple[bool, str], list[re.Match[str]]] = {}
    for match in _ITEM.finditer(block):
        number, letter, delimiter = match.groups()
        run = runs.setdefault((number is not None, delimiter), [])
        if (int(number) if number else ord(letter) - ord("a") + 1) == len(run) + 1:
            run.append(match)
    for (numbered, delimiter), run in runs.items():
        if len(run) < (2 if numbered or delimiter != "." else 3):
            continue
        before = block[: run[0].start()].rstrip()
        if delimiter == "." and before and before[-1] not in ":.!?":  # "in act 1. Then"
            continue
        if not any(_FLOW.search(block, max(0, match.start() - 6), match.start()) for match in run[1:]):
            yield from (match.start() for match in run)


def _glued(block: str) -> list[Span]:
    """The short quotations and asides of a block, in order and without overlap: no sentence ends inside them."""
    spans: list[Span] = []
    opened: dict[str, int] = {}
    for match in _PAIRED.finditer(block):
        mark, at = match.group(), match.start()
        start = opened.pop('"', None) if mark == '"' else _opened(opened, mark)
        if start is None:
            opened[mark] = at
        elif at - start <= MAX_GLUED_QUOTE:
            while spans and spans[-1].start > start:
                spans.pop()
            if not spans or spans[-1].end <= start:
                spans.append(Span(start, at))
    return spans


def _opened(opened: dict[str, int], mark: str) -> int | None:
    return next((opened.pop(opener) for opener in _OPENERS.get(mark, "") if opener in opened), None)


def _inside(spans: list[Span], offset: int) -> bool:
    index = bisect_left(spans, offset, key=lambda span: span.start) - 1
    return index >= 0 and offset <= spans[index].end


def _joined(block: str, ends: list[int]) -> Iterator[Span]:
    """The spans between `ends`, where a list marker joins what follows it and lone punctuation what precedes it."""
    held = Span(0, 0)
    waits = True
    for start, end in pairwise([0, *ends, len(block)]):
        span = _strip(block, start, end)
        piece = span.of(block)
        if not piece:
            continue
        lone = not (_WORD.search(piece) or _SEPARATOR.fullmatch(piece))
        if held.end and not (waits or lone):
            yield held
            held, waits = span, _opens(piece)
        elif held.end:
            held, waits = Span(held.start, span.end), waits and lone
        else:
            held, waits = span, lone or _opens(piece)
    yield held


def _opens(piece: str) -> bool:
    """Whether `piece` is a list marker or a caption's label ("Figure 3."), which belongs to what follows."""
    return bool(LIST_MARKER.fullmatch(piece) or _LABEL.fullmatch(piece))


def _segments(text: str, language: str) -> list[str]:
    """sentencex's segments of `text`, or a plain rule's where sentencex fails; together they are `text`."""
    try:
        segments: list[str] = sentencex.segment(language, text)
        if "".join(segments) == text:
            return segments
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:  # noqa: S110 - a panic in Rust is no Exception, and costs no article
        pass
    cuts = [0, *(match.end() for match in _FALLBACK_END.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def _shortened(block: str, start: int, end: int) -> Iterator[Span]:
    """The span itself, or its parts of similar length, none longer than `MAX_SENTENCE`."""
    while end - start > MAX_SENTENCE:
        parts = -(-(end - start) // MAX_SENTENCE)
        cut = _cut(block, start, (end - start) // parts)
        part = _strip(block, start, cut)
        if part.start < part.end:
            yield part
        start = _strip(block, cut, end).start
    if start < end:
        yield Span(start, end)


def _cut(block: str, start: int, target: int) -> int:
    """The best place to cut near `start + target`: behind a semicolon, a comma or a dash, at a blank, or anywhere."""
    low, high = start + target // 2, start + MAX_SENTENCE
    for pattern in _CUTS:
        cuts = [match.end() for match in pattern.finditer(block, low, high)]
        if cuts:
            return min(cuts, key=lambda cut: abs(cut - start - target))
    middle = start + target
    return next((cut for cut in range(middle, low, -1) if not _within_character(block, cut)), middle)


def _within_character(text: str, cut: int) -> bool:
    """Whether what a reader takes for one character (accents, joined emoji, flags) goes on across `cut`."""
    before, after = text[cut - 1], text[cut]
    return (
        unicodedata.category(after).startswith("M")
        or "\u200d" in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")
    )
