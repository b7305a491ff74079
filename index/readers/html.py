"""HTML pages: the main content and what the page says about itself, found by trafilatura.

It knows nothing of encodings and sentences. Pages that would cost the extractor too much time, and those in
which it finds nothing, are read by their elements alone.
"""

import json
import logging
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

from lxml import etree  # type: ignore[import-untyped]

from index.errors import UserError
from index.readers import markup, metadata
from index.readers.cleaning import readable
from index.readers.metadata import Draft

_MAX_DEPTH = 250  # the parser stops at 256, and would lose the rest of the page without a word
# The extractor takes more than linear time; these keep it to a few seconds on any page.
_MAX_ELEMENTS = 40_000
_MAX_CHILDREN = 3_000  # of one paragraph or the like
_MAX_ATTRIBUTE = 4_000  # characters
_MAX_SCRIPT = 200_000


def parse(text: str, shown: str) -> Draft:
    """The article of a page, with its title, author, days, language and address as the page states them.

    Raises:
        UserError: the page is nested too deeply, or holds no text.
    """
    try:
        root = markup.parse(readable(text))
    except etree.LxmlError:
        raise _no_text(shown) from None
    simple = _prepare(root, shown)
    draft = None if simple else _extracted(root)
    if draft is None or not draft.text:
        draft = _by_elements(root)
    if not draft.text:
        raise _no_text(shown)
    return replace(draft, url=_canonical(root, draft.url), language=_language(root), updated=_updated(root))


def _no_text(shown: str) -> UserError:
    return UserError(
        "{file} holds no article text: if a script draws the page, open it in a browser and save it from there, "
        "or save its text",
        file=shown,
    )


def _prepare(root: markup.Element, shown: str) -> bool:
    """Drops what is too large to be useful and keeps captions; tells whether the page is too intricate to extract."""
    depth = elements = 0
    intricate = False
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH:
            raise UserError("{file}: its elements are nested too deeply to be read; save its text instead", file=shown)
        if event == "end":
            continue
        elements += 1
        intricate = intricate or (
            len(element) > _MAX_CHILDREN and element.tag not in {"body", "article", "main", "div"}
        )
        for name, value in element.attrib.items():
            if len(value) > _MAX_ATTRIBUTE:
                del element.attrib[name]
        if element.tag in {"figure", "figcaption"}:
            element.tag = "div" if element.tag == "figure" else "p"  # the extractor drops captions otherwise
        elif element.tag in {"script", "title"} and len(element.text or "") > _MAX_SCRIPT:
            element.text = ""
    return intricate or elements > _MAX_ELEMENTS


def _extracted(root: markup.Element) -> Draft | None:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    page = trafilatura.bare_extraction(
        deepcopy(root),
        include_comments=False,
        with_metadata=True,
        date_extraction_params={"original_date": True, "extensive_search": False, "max_date": "2999-12-31"},
    )
    if page is None or page.body is None:
        return None
    return Draft(
        _as_on_page(markup.lines(page.body, without=frozenset({"graphic"})), root),
        title=page.title or "",
        url=page.url or "",
        author=page.author or "",
        published=_published(root, page.url),
    )


def _as_on_page(text: str, root: markup.Element) -> str:
    """The extracted lines with the blanks that the page has: the extractor now and then adds one at a tag."""
    own = {"".join(line.split()): line for line in markup.lines(root).split("\n")}
    return "\n".join(own.get("".join(line.split()), line) for line in text.split("\n"))


def _published(root: markup.Element, url: str | None) -> str:
    """The day that the page's head, its structured data, its address or its first `time` element states.

    Dates in the text are not looked at: they are what the article tells of, more often than its own.
    """
    from htmldate import find_date

    head = etree.Element("html")
    for element in root.xpath("(//head)[1] | //body//script[@type='application/ld+json'][position() <= 5]"):
        head.append(deepcopy(element))
    found = find_date(
        markup.parse(etree.tostring(head, encoding="unicode", method="html")),
        url=url,
        original_date=True,
        extensive_search=False,
        min_date="1900-01-01",
        max_date="2999-12-31",
    )
    if found:
        return str(found)
    return next((str(day) for day in root.xpath("(//main | //article | //body)//time/@datetime")), "")


def _canonical(root: markup.Element, otherwise: str) -> str:
    """The address that the page itself calls the one to be used; a relative one only where there is no other."""
    links = [str(link).strip() for link in root.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")]
    return next(filter(metadata.url, links), otherwise or next(iter(links), ""))


def _language(root: markup.Element) -> str:
    return _first(
        root,
        "/html/@lang",
        "/html/@*[name() = 'xml:lang']",
        "//meta[@http-equiv='content-language' or @http-equiv='Content-Language']/@content",
        "//meta[@property='og:locale']/@content",
    )


def _updated(root: markup.Element) -> str:
    """The day of the latest correction, which publishers state in one of three ways."""
    return (
        _first(root, "//meta[@property='article:modified_time']/@content")
        or next(_modified(root), "")
        or _first(root, "//meta[@property='og:updated_time']/@content")
    )


def _modified(root: markup.Element) -> Iterator[str]:
    """What the page's structured data says, wherever it says it: at its top, in a list or in a graph."""
    for script in root.xpath("//script[@type='application/ld+json'][position() <= 5]"):
        try:
            found = json.loads(script.text or "null")
        except (ValueError, RecursionError):
            continue
        top = found if isinstance(found, list) else [found]
        graphs = [one.get("@graph") for one in top if isinstance(one, dict)]
        for one in [*top, *(item for graph in graphs if isinstance(graph, list) for item in graph)]:
            day = one.get("dateModified") if isinstance(one, dict) else None
            if isinstance(day, str) and day.strip():
                yield day


def _by_elements(root: markup.Element) -> Draft:
    """All text of the main element, or of the whole page, without navigation and the like."""
    main = root.xpath("//main | //article | //*[@role='main']")
    candidates = [main[0], root] if len(main) == 1 else [root]
    without = markup.PAGE_FURNITURE
    text = next(filter(None, (markup.lines(one, without=without | {"head"}) for one in candidates)), "")
    return Draft(
        text,
        title=_first(root, "//meta[@property='og:title']/@content | //title/text()"),
        url=_first(root, "//link[@rel='canonical']/@href"),
        author=_first(root, "//meta[@name='author']/@content"),
        published=_first(
            root, "//meta[@property='article:published_time' or @name='date']/@content | //time/@datetime"
        ),
    )


def _first(root: markup.Element, *paths: str) -> str:
    """The first value with something in it, of the first path that has one."""
    values = (str(value).strip() for path in paths for value in root.xpath(path))
    return next(filter(None, values), "")
