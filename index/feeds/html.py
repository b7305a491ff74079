"""The HTML of a feed's entries: made harmless, and told apart into whole articles and summaries.

It knows no feeds: a piece of HTML comes in, and the same words in a few plain elements go out.
"""

import re
from contextlib import suppress
from urllib.parse import urljoin

import lxml.html  # type: ignore[import-untyped]
from lxml import etree

from index.feeds.drafts import as_html
from index.readers import markup, metadata

_MAX_DEPTH = 150  # well below what the reader of the page takes
_KEPT = frozenset(
    "body p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table caption thead tbody tfoot tr td th blockquote q cite pre "
    "code kbd samp var b strong i em u s del ins mark small sub sup abbr dfn time a img div span".split()
)
_DROPPED = (
    "script style template noscript noembed noframes svg math iframe object embed applet canvas audio video select "
    "button textarea title meta link base"
).split()
_BLOCKS = frozenset(
    "section article main header footer nav aside center form fieldset figure figcaption details summary address "
    "dialog menu legend html".split()
)
_FRAME = re.compile(r"</?(?:html|head|body|frameset)\b[^<>]*>", re.IGNORECASE)  # what follows its end may be lost

_FULL_WORDS = 100
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")  # a letter of Chinese and the like is one
_POINTER = r"""(?:
    (?:continue|keep)\ reading | read\ (?:more|on|the\ (?:full|whole|rest|entire|complete|original))
    | (?:view|see)\ more | weiterlesen | mehr\ lesen | lire\ (?:la\ suite|plus) | en\ savoir\ plus
    | (?:leer|saber)\ más | (?:seguir|sigue)\ leyendo | leia\ mais | continue\ lendo | leggi\ tutto
    | continua\ a\ leggere | lees\ (?:verder|meer) | l[äæe]s\ mere? | czytaj\ (?:więcej|dalej)
    | читать\ (?:далее|полностью) | 続きを読む | 阅读(?:全文|更多) | 閱讀全文 | 더\ 보기)"""
_BROKEN_OFF = re.compile(
    rf"(?:…|\.\.\.|(?:\b|(?<=[\u3040-\u9fff])){_POINTER})[\s\])}}.:»›→>…）」】-]*$ | ^\W*{_POINTER}\b",
    re.IGNORECASE | re.VERBOSE,
)
_LAST_LINE = 200  # characters; a longer one may begin with such words and be a sentence
_CREDIT = re.compile(r"The post .{1,400} (?:appeared first|first appeared) on .{1,200}$")


def harmless(html: str, base: str | None) -> str:
    """The same text in plain elements, with no attributes but absolute web addresses and images' alternative texts.

    Nothing in it can close an element around it or state anything for a page. Empty if it holds nothing, or is
    nested so deeply that some of it would be lost.
    """
    try:
        root = _parsed(html)
    except etree.LxmlError:
        return ""
    body = root.find("body")
    if body is None or _depth(body) > _MAX_DEPTH:
        return ""
    etree.strip_elements(body, *_DROPPED, with_tail=False)
    for element in body.iter():
        if element.tag not in _KEPT:
            element.tag = "div" if element.tag in _BLOCKS else "span"
        kept = {name: _kept_value(name, value, base) for name, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update({name: value for name, value in kept.items() if value})
    body.attrib.clear()
    return str(lxml.html.tostring(body, encoding="unicode")).removeprefix("<body>").removesuffix("</body>")


def paragraphs(html: str) -> str:
    """The words alone, in paragraphs and lines, as HTML.

    A page's reader tells an article from what surrounds it, and would drop a list of links or a last `div`; all of
    an entry is its article.
    """
    try:
        return as_html(markup.lines(_parsed(html)))
    except etree.LxmlError:
        return ""


def absolute(address: str, base: str | None) -> str | None:
    """The address made absolute with `base`, if that gives a sound one of the web; none for an empty one."""
    with suppress(ValueError):
        return metadata.url(urljoin(base or "", address.strip())) if address.strip() else None
    return None


def longest(texts: list[str]) -> str:
    """The HTML with the most text in it; the first of equals, and empty if there is none."""
    return max(texts, key=lambda html: len(markup.fragment_text(html)), default="")


def looks_whole(html: str) -> bool:
    """Whether content that is no summary is the whole article.

    It is if it has at least 100 words, does not end in "…", "...", "[…]" or the like, and its last line is no
    pointer to the rest such as "Read more" or "Continue reading …". WordPress's "The post … appeared first on …" is
    left aside.
    """
    text = _CREDIT.sub("", markup.fragment_text(html)).rstrip()
    last = text.rpartition("\n")[2]
    tail = last if len(last) <= _LAST_LINE else "x" + last[-_LAST_LINE:]
    return len(_WORD.findall(text)) >= _FULL_WORDS and not _BROKEN_OFF.search(tail)


def _parsed(html: str) -> markup.Element:
    return markup.parse("<body>" + _FRAME.sub("", html))


def _depth(body: markup.Element) -> int:
    depth = deepest = 0
    for event, _ in etree.iterwalk(body, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(depth, deepest)
    return deepest


def _kept_value(name: str, value: str, base: str | None) -> str | None:
    if name == "alt":
        return value
    return absolute(value, base) if name in {"href", "src"} else None
