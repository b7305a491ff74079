"""Messages of the loopback Discord → a page that looks much as Discord shows them, to see how answers read.

Pure. It knows the part of Discord's markup that the bot uses, and shows everything else as it stands, so that what
slips through shows. Not Discord's own style sheet: sizes, margins and colours are near enough to judge by.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_INLINE = re.compile(
    r"\\(?P<escaped>[^0-9A-Za-z\s])"
    r"|`(?P<code>[^`\n]+)`"
    r"|\[(?P<text>(?:\\.|[^\]\\])+)\]\(<?(?P<url>https?://[^\s>)]+)>?\)"
    r"|<t:(?P<time>\d+)(?::[a-zA-Z])?>"
    r"|<(?P<mention>[@#][!&]?\d+|/[^:>]+:\d+)>"
    r"|(?P<bare>https?://[^\s<]+)"
    r"|(?P<mark>\*\*|__|\*)"
)
_MARKS = {"**": "strong", "__": "u", "*": "em"}
_STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link"}

_CSS = """
* { box-sizing: border-box; margin: 0 }
body { background: #313338; color: #dbdee1; font: 16px/1.375 'Open Sans', 'Noto Sans', 'DejaVu Sans',
  'Noto Color Emoji', sans-serif; padding: 16px }
article { display: grid; grid-template-columns: 40px 1fr; gap: 0 16px; padding: 6px 0 }
.face { width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center; color: #fff;
  font-weight: 600 }
.who { font-weight: 500; color: #f2f3f5 } .who small { font-size: 12px; color: #949ba4; margin-left: 8px }
.app { background: #5865f2; color: #fff; font-size: 10px; border-radius: 4px; padding: 1px 5px; margin-left: 6px;
  vertical-align: 2px }
.ref { grid-column: 2; font-size: 14px; color: #b5bac1; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.private { font-size: 12px; color: #949ba4; padding-top: 4px }
article.mine { background: #393b46; border-left: 2px solid #5865f2; margin: 0 -16px; padding: 6px 16px }
.embed { background: #2b2d31; border-left: 4px solid #1e1f22; border-radius: 4px; padding: 8px 16px 12px 12px;
  max-width: 516px; margin-top: 6px; font-size: 14px; line-height: 18px }
.embed .author { font-weight: 600; font-size: 14px; color: #f2f3f5; padding: 4px 0 }
.embed .title { font-weight: 600; font-size: 16px; padding: 4px 0; color: #f2f3f5 } .embed .title a { color: #00a8fc }
.embed .footer { font-size: 12px; color: #dbdee1; padding-top: 8px }
.embed .fields { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; padding-top: 8px }
.embed .field { grid-column: 1 / -1 } .embed .field.inline { grid-column: auto } .field b { color: #f2f3f5 }
.line { white-space: pre-wrap; overflow-wrap: anywhere; min-height: 1em }
.quote { border-left: 4px solid #4e5058; border-radius: 2px; padding: 0 8px 0 12px; margin: 1px 0 }
.small { font-size: 13px; color: #949ba4 } .small a { color: #6cb4ee }
h1.line { font-size: 24px } h2.line { font-size: 20px } h3.line { font-size: 16px }
a { color: #00a8fc; text-decoration: none }
strong { color: #f2f3f5 } code { background: #1e1f22; border-radius: 4px; padding: 0 4px; font-size: 85% }
.mention { background: #3c4270; color: #c9cdfb; border-radius: 3px; padding: 0 2px }
.row { display: flex; flex-wrap: wrap; gap: 8px; padding-top: 8px; max-width: 600px }
.button { border-radius: 8px; padding: 6px 14px; font-size: 14px; font-weight: 500; background: #4e5058; color: #fff }
.primary { background: #5865f2 } .success { background: #248046 } .danger { background: #da373c }
.disabled { opacity: .5 }
.select { flex: 1 1 100%; background: #1e1f22; border-radius: 8px; padding: 9px 12px; color: #949ba4; font-size: 14px }
.select::after { content: '⌄'; float: right }
.files { background: #2b2d31; border: 1px solid #1e1f22; border-radius: 8px; padding: 10px 14px; margin-top: 6px;
  max-width: 432px; color: #00a8fc }
"""


@dataclass(frozen=True)
class Shown:
    """A message as it is to be shown: its `payload` as Discord has it, the colour of its author's face, and the message
    or command that it answers, in words."""

    payload: dict[str, Any]
    colour: str
    answers: str = ""
    files: tuple[str, ...] = ()


def page(messages: Iterable[Shown], title: str, width: int) -> str:
    """The whole page, so many CSS pixels wide."""
    body = "\n".join(_message(one) for one in messages)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{html.escape(title)}</title><style>{_CSS}</style><body style='width: {width}px'>{body}</body></html>\n"
    )


def _message(shown: Shown) -> str:
    payload = shown.payload
    name = payload["author"].get("global_name") or payload["author"]["username"]
    app = "<span class=app>APP</span>" if payload["author"].get("bot") else ""
    private = bool(int(payload.get("flags") or 0) & (1 << 6))
    parts = [f"<div class=ref>↱ {html.escape(shown.answers)}</div>" if shown.answers else ""]
    parts += [f"<div class=face style='background:{shown.colour}'>{html.escape(name[0].upper())}</div><div>"]
    parts += [f"<div class=who>{html.escape(name)}{app}</div>"]
    parts += [_text(payload["content"])] if payload["content"] else []
    hidden = int(payload.get("flags") or 0) & (1 << 2)
    parts += [] if hidden else [_embed(one) for one in payload["embeds"]]
    parts += [f"<div class=files>📄 {html.escape(name)}</div>" for name in shown.files]
    parts += [_row(one) for one in payload["components"]]
    parts += ["<div class=private>👁 Only you can see this · Dismiss message</div>"] if private else []
    return f"<article{' class=mine' if private else ''}>{''.join(parts)}</div></article>"


def _embed(embed: dict[str, Any]) -> str:
    colour = f"#{embed['color']:06x}" if embed.get("color") is not None else "#1e1f22"
    parts = []
    if (embed.get("author") or {}).get("name"):
        parts.append(f"<div class=author>{html.escape(embed['author']['name'])}</div>")
    if embed.get("title"):
        title = _inline(embed["title"])
        url = embed.get("url")
        parts.append(f"<div class=title>{f'<a href={html.escape(url)!r}>{title}</a>' if url else title}</div>")
    parts += [_text(embed["description"])] if embed.get("description") else []
    if embed.get("fields"):
        fields = "".join(
            f"<div class='field{' inline' if one.get('inline') else ''}'><b>{_inline(one['name'])}</b>"
            f"{_text(one['value'])}</div>"
            for one in embed["fields"]
        )
        parts.append(f"<div class=fields>{fields}</div>")
    if (embed.get("footer") or {}).get("text"):
        parts.append(f"<div class=footer>{html.escape(embed['footer']['text'])}</div>")
    return f"<div class=embed style='border-color:{colour}'>{''.join(parts)}</div>"


def _row(row: dict[str, Any]) -> str:
    items = []
    for one in row.get("components", []):
        if one["type"] == 2:
            emoji = (one.get("emoji") or {}).get("name") or ""
            label = " ".join(filter(None, (emoji, html.escape(one.get("label") or ""))))
            off = " disabled" if one.get("disabled") else ""
            items.append(f"<span class='button {_STYLES[one['style']]}{off}'>{label}</span>")
        else:
            chosen = [option["label"] for option in one.get("options", []) if option.get("default")]
            shown = ", ".join(chosen) or one.get("placeholder") or "Make a selection"
            items.append(f"<span class=select>{html.escape(shown)}</span>")
    return f"<div class=row>{''.join(items)}</div>"


def _text(text: str) -> str:
    """A text of several lines: quotations, small print, headings, lists."""
    lines, quote = [], []

    def end_quote() -> None:
        if quote:
            lines.append(f"<div class=quote>{''.join(quote)}</div>")
            quote.clear()

    for line in text.split("\n"):
        if line.startswith("> "):
            quote.append(f"<div class=line>{_inline(line[2:])}</div>")
            continue
        end_quote()
        if heading := re.match(r"(#{1,3}) (.*)", line):
            size = len(heading[1])
            lines.append(f"<h{size} class=line>{_inline(heading[2])}</h{size}>")
        elif line.startswith("-# "):
            lines.append(f"<div class='line small'>{_inline(line[3:])}</div>")
        elif item := re.match(r"[-*] (.*)", line):
            lines.append(f"<div class=line>• {_inline(item[1])}</div>")
        else:
            lines.append(f"<div class=line>{_inline(line)}</div>")
    end_quote()
    return "".join(lines)


def _inline(text: str) -> str:
    made, open_marks, at = [], [], 0
    for found in _INLINE.finditer(text):
        made.append(html.escape(text[at : found.start()]))
        at = found.end()
        if found["mark"]:
            made.append(_marked(found["mark"], open_marks, text[at:]))
        else:
            made.append(_piece(found))
    made.append(html.escape(text[at:]))
    made += [f"</{_MARKS[mark]}>" for mark in reversed(open_marks)]
    return "".join(made)


def _marked(mark: str, open_marks: list[str], rest: str) -> str:
    if open_marks and open_marks[-1] == mark:
        open_marks.pop()
        return f"</{_MARKS[mark]}>"
    if mark in rest and mark not in open_marks:
        open_marks.append(mark)
        return f"<{_MARKS[mark]}>"
    return html.escape(mark)


def _piece(found: re.Match[str]) -> str:
    if found["escaped"]:
        return html.escape(found["escaped"])
    if found["code"]:
        return f"<code>{html.escape(found['code'])}</code>"
    if found["url"]:
        return f"<a href='{html.escape(found['url'])}'>{_inline(found['text'])}</a>"
    if found["time"]:
        return "<span class=mention>3 minutes ago</span>"
    if found["mention"]:
        return f"<span class=mention>{html.escape(_spoken(found['mention']))}</span>"
    return f"<a>{html.escape(found['bare'])}</a>"


def _spoken(mention: str) -> str:
    return mention.rpartition(":")[0] if mention.startswith("/") else mention[0] + "…"
