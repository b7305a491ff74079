"""Tables → one page of HTML that needs nothing else: no script, no network; light or dark as its reader has it. Pure.

Everything that comes from files or articles passes `escaped`. The page is well-formed XML, too.
"""

from collections.abc import Iterator, Mapping, Sequence

from evaluation import plots
from evaluation.markup import escaped
from evaluation.own import Miss
from evaluation.report import UNDEFINED, figure, heading, size, span
from evaluation.tables import Part, Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --paper: #fff; --faint: #8a929c; --rule: #e2e6ea;
  --s0: #b45f06; --s1: #2a78c2; --s2: #777f88; --s3: #0b7a53; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #15181b; --faint: #8c959f; --rule: #30363c;
  --s0: #f0a24b; --s1: #6db3f2; --s2: #a5adb5; --s3: #4fd1a0; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 76rem; font: 15px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--rule); }
.wide { overflow-x: auto; }
caption { text-align: left; padding: .3rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1.5rem; }
th, td { padding: .25rem .7rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child, .text td { text-align: left; }
small { display: block; color: var(--faint); white-space: nowrap; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
svg { width: 100%; max-width: 380px; height: auto; }
svg text { font-size: 11px; fill: var(--ink); }
svg .heading { font-size: 13px; font-weight: 600; }
.grid { stroke: var(--rule); }
.diagonal { stroke: var(--faint); stroke-dasharray: 2 3; fill: none; }
.line { fill: none; stroke-width: 2; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); stroke-dasharray: 7 3; }
.s2 { stroke: var(--s2); stroke-dasharray: 2 3; } .s3 { stroke: var(--s3); stroke-width: 3; }
.dot { stroke-dasharray: none; stroke-width: 1.5; fill: var(--paper); }
.key { display: flex; flex-wrap: wrap; gap: 1.2rem; list-style: none; padding: 0; }
.key svg { width: 34px; height: 8px; margin-right: .4rem; }
"""


def page(title: str, sets: Mapping[str, Sequence[Table]], misses: Sequence[Miss] = ()) -> str:
    """The whole page: under `title` the tables and plots of each set by its name, then misses."""
    parts = [
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<meta charset="utf-8" />',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\" />",
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escaped(title)}</h1>",
        "<p>Beneath each figure: its 95% interval, from resampling articles. A dash: not defined.</p>",
    ]
    for name, tables in sets.items():
        parts.append(f"<h2>{escaped(name)}</h2>")
        for table in tables:
            parts += _table(name, table)
    parts += _misses(misses)
    return "\n".join([*parts, "</body>\n</html>\n"])


def _table(name: str, table: Table) -> Iterator[str]:
    yield f"<h3>{escaped(heading(name, table))}</h3>"
    for part in table.parts:
        yield from _part(part)
    drawn = [plot(table.curves) for plot in (plots.recall, plots.reliability, plots.coverage)]
    yield '<ul class="key">'
    for number, system in enumerate(table.curves):
        line = f'<svg viewBox="0 0 34 8" aria-hidden="true"><path class="line s{number}" d="M0 4H34" /></svg>'
        yield f"<li>{line}{escaped(system)}</li>"
    yield "</ul>"
    yield f'<div class="plots">{"".join(drawn)}</div>'


def _part(part: Part) -> Iterator[str]:
    yield '<div class="wide"><table>'
    yield f"<caption>{escaped(size(part))}</caption>"
    yield "<tr><th></th>" + "".join(f"<th>{escaped(system)}</th>" for system in part.systems) + "</tr>"
    for measure in part.measures:
        cells = [figures.get(measure, UNDEFINED) for figures in part.systems.values()]
        texts = "".join(f"<td>{figure(one)}<small>{span(one)}</small></td>" for one in cells)
        yield f"<tr><td>{escaped(measure)}</td>{texts}</tr>"
    yield "</table></div>"


def _misses(misses: Sequence[Miss]) -> Iterator[str]:
    if not misses:
        return
    yield "<h2>Misses, the worst first</h2>"
    yield '<div class="wide"><table class="text">'
    yield "<tr><td>question</td><td>expected</td><td>got</td><td>confidence</td><td>rank of the right one</td></tr>"
    for miss in misses:
        expected = " / ".join(miss.expected) or "nothing found"
        got = miss.got if miss.got is not None and miss.shown else "nothing found"
        cells = (miss.question, expected, got, f"{miss.confidence:.2f}", "–" if miss.rank is None else f"{miss.rank:g}")
        yield "<tr>" + "".join(f"<td>{escaped(one)}</td>" for one in cells) + "</tr>"
    yield "</table></div>"
