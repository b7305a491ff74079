"""Markdown becomes lines: a heading, paragraph, list item or table row each, without the marks.

Words stay as they are written: link texts are kept and addresses dropped, list markers and raw HTML's tags go
as they would on a rendered page. It knows nothing of encodings and sentences.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from index.readers import front_matter
from index.readers.cleaning import readable
from index.readers.markup import fragment_text
from index.readers.metadata import Draft

# Nested deeper than any article; it bounds the parser's recursion.
_MAX_NESTING = 40
# The parser takes quadratic time on brackets that do not pair. A paragraph of few is always parsed; the squares of
# the others' numbers add up to this, and beyond it paragraphs keep their marks.
_FEW_BRACKETS = 30
_MAX_SQUARES = 5_000_000
# Lines times columns: the parser fills up short rows, so that a small file could ask for a huge table.
_MAX_CELLS = 1_000_000

_DELIMITER_ROW = re.compile(r"^[ >]*\|?[ ]*:?-[-| :]*$", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,60}\]:[ ]*")
_FOOTNOTE_MARK = re.compile(r"\[\^[^\]\s]{1,60}\]")
_WIKI_LINK = re.compile(r"!?\[\[(?:[^\[\]|\n]{1,300}\|)?([^\[\]|\n]{1,300})\]\]")
_TASK = re.compile(r"\[[ xX]\][ ]+")
_CALLOUT = re.compile(r"\[![A-Za-z]+\][+-]?[ ]*")
_HIDDEN_TAG = re.compile(r"<(/?)(script|style)\b", re.IGNORECASE)
_BREAK_TAG = re.compile(r"<br\b", re.IGNORECASE)


def parse(text: str, shown: str) -> Draft:
    """The article, with what its front matter says, and its first level-1 heading as title if that says none."""
    values, body = front_matter.take(readable(text).lstrip("\n"))
    tokens = _parser(body).parse(body)
    stated = values if "title" in values else values | {"title": _first_heading(tokens)}
    return Draft(_render(tokens), pages=(), **stated)


def _parser(body: str) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("strikethrough")
    columns = max((row.count("|") + 1 for row in _DELIMITER_ROW.findall(body)), default=0)
    if columns * body.count("\n") <= _MAX_CELLS:
        parser.enable("table")
    parser.block.ruler.before("reference", "footnote", _footnote, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.core.ruler.before("inline", "brackets", _spare_brackets)
    return parser


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`[^1]: text` is a paragraph of its own, without the mark; to CommonMark some are link definitions."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    found = _FOOTNOTE.match(line)
    if not found or state.is_code_block(start):
        return False
    if silent:
        return True
    last = start + 1
    while (
        last < end and not state.isEmpty(last) and not _FOOTNOTE.match(state.getLines(last, last + 1, 0, False).strip())
    ):
        last += 1
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, last, state.blkIndent, False).strip()[found.end() :]
    inline.children = []
    state.push("paragraph_close", "p", -1)
    state.line = last
    return True


def _spare_brackets(state: StateCore) -> None:
    squares = 0
    for token in state.tokens:
        brackets = token.content.count("[") + token.content.count("<") if token.type == "inline" else 0
        if brackets > _FEW_BRACKETS:
            squares += brackets * brackets
            if squares > _MAX_SQUARES:
                token.type, token.children = "raw", []


def _first_heading(tokens: Sequence[Token]) -> str:
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h1" and (text := _inline(content)):
            return text
    return ""


def _render(tokens: Iterable[Token]) -> str:
    """Blocks apart by a blank line; the items of a list and the rows of a table by a line end."""
    parts: list[str] = []
    row: list[str] | None = None
    lists = 0
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open", "table_open"}:
            lists += 1
        elif token.type in {"bullet_list_close", "ordered_list_close", "table_close"}:
            lists -= 1
            parts.append("\n")
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            parts.append(" | ".join(filter(None, row or ())) + "\n")
            row = None
        elif row is not None:
            row.append(_inline(token).replace("\n", " ") if token.type in {"inline", "raw"} else "")
        elif text := _block(token):
            parts.append(text + ("\n" if lists else "\n\n"))
    return "".join(parts)


def _block(token: Token) -> str:
    if token.type in {"inline", "raw"}:
        return _CALLOUT.sub("", _TASK.sub("", _inline(token), count=1), count=1)
    if token.type in {"fence", "code_block"}:
        return token.content.rstrip()
    if token.type == "html_block":
        return fragment_text(token.content)
    return ""


def _inline(token: Token) -> str:
    if token.type == "raw":
        return " ".join(token.content.split("\n"))
    text = "".join(_pieces(token.children or ()))
    return re.sub(r"[ ]*\n[ ]*", "\n", re.sub(r"[ ]{2,}", " ", text)).strip()


def _pieces(children: Iterable[Token]) -> Iterator[str]:
    """The words of a line; what stands in an inline script or style is none of them."""
    hidden = False
    for child in children:
        if child.type == "html_inline":
            if tag := _HIDDEN_TAG.match(child.content):
                hidden = not tag.group(1)
            elif _BREAK_TAG.match(child.content):
                yield "\n"
        elif hidden:
            continue
        elif child.type == "softbreak":
            yield " "
        elif child.type == "hardbreak":
            yield "\n"
        elif child.type == "image":
            yield "".join(_pieces(child.children or ()))
        elif child.type == "code_inline":
            yield child.content
        elif child.type == "text":
            yield _FOOTNOTE_MARK.sub("", _WIKI_LINK.sub(r"\1", child.content))
