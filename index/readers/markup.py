"""A tree of HTML, or of what an extractor made of it, becomes lines of text.

It decides where lines begin and end, and which elements hold no words; which part of a page is its article is
not for it to say. Nothing here recurses, so no depth of nesting matters.
"""

import re
from typing import Any, TypeAlias

import lxml.html  # type: ignore[import-untyped]
from lxml import etree

Element: TypeAlias = Any  # lxml has no types of its own

_WORDLESS = frozenset(
    {"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "canvas", "audio", "video", "select"}
    | {"button", "textarea", "title"}
)
PAGE_FURNITURE = frozenset({"nav", "header", "footer", "aside", "form", "dialog", "menu"})
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "center", "body", "form", "fieldset"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "head", "ul", "ol", "dl", "list", "table", "blockquote", "quote", "pre"}
    | {"figure", "figcaption", "details", "summary", "address", "hr"}
)
_LINES = frozenset({"li", "item", "dt", "dd", "br", "lb", "caption", "legend"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_CELL_END = "\x1f"  # no text holds it: controls are gone before
_BLANKS = re.compile(r"[ \t\n\r\f]+")


def parse(text: str) -> Element:
    """The root of an HTML document or fragment, without comments. Raises `lxml.etree.LxmlError` for none at all."""
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    return lxml.html.document_fromstring(text.encode(errors="ignore"), parser=parser)


def fragment_text(html: str) -> str:
    """The words of a piece of HTML such as Markdown allows, images by their alternative text."""
    try:
        return lines(parse(html), images=True)
    except etree.LxmlError:
        return ""  # nothing but comments


def depth(root: Element) -> int:
    """How deeply the elements are nested."""
    deepest = level = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
    return deepest


def drop(element: Element) -> None:
    """Removes an element; the text after it stays."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def lines(root: Element, *, without: frozenset[str] = frozenset(), images: bool = False) -> str:
    """The text below `root`: blocks apart by a blank line, items and rows by a line end, cells by " | "."""
    skipped = _WORDLESS | without
    parts: list[str] = []
    rows: list[int] = []
    verbatim = 0
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            if tag in skipped and element is not root:
                walk.skip_subtree()
                continue
            verbatim += _is_verbatim(element)
            parts.append(_break(tag))
            if tag in _ROWS:
                rows.append(len(parts))
            if images and tag == "img":
                parts.append(_BLANKS.sub(" ", element.get("alt") or ""))
            parts.append(_words(element.text, verbatim))
            continue
        if tag not in skipped or element is root:
            verbatim -= _is_verbatim(element)
            if tag in _CELLS:
                parts.append(_CELL_END)
            if tag in _ROWS:
                start = rows.pop()
                parts[start:] = [_row("".join(parts[start:]))]
            parts.append(_break(tag) if tag not in {"br", "lb"} else "")
        if element is not root:
            parts.append(_words(element.tail, verbatim))
    return _tidy("".join(parts).replace(_CELL_END, " "))


def _break(tag: object) -> str:
    if tag in _BLOCKS:
        return "\n\n"
    return "\n" if tag in _LINES or tag in _ROWS else ""


def _is_verbatim(element: Element) -> bool:
    """Whether line ends and indentation in it are meant: `pre`, and what the extractor makes of it."""
    parent = element.getparent()
    return element.tag == "pre" or (element.tag == "code" and parent is not None and parent.tag == "body")


def _words(text: str | None, verbatim: int) -> str:
    if not text:
        return ""
    return text if verbatim else _BLANKS.sub(" ", text)


def _row(text: str) -> str:
    """One line of cells; a row that only lays out a page, with blocks in its cells, stays as these blocks."""
    cells = [cell.strip() for cell in text.split(_CELL_END)]
    if any("\n\n" in cell for cell in cells):
        return "\n\n".join(cells)
    return " | ".join(" ".join(cell.split("\n")) for cell in cells if cell)


def _tidy(text: str) -> str:
    text = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
