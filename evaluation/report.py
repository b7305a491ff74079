"""Tables → text for a terminal and JSON-ready values. Pure; the page with plots is made in `evaluation.page`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evaluation.metrics import Estimate
from evaluation.tables import Part, Table

UNDEFINED = Estimate(math.nan, None)
_LABEL, _CELL = 24, 13  # columns


def table_lines(name: str, tables: Sequence[Table]) -> Iterator[str]:
    """The tables of one set: a column for each system; under each figure, if there is one, its 95% interval."""
    for table in tables:
        for part in table.parts:
            yield ""
            yield f"{heading(name, table)} · {size(part)}"
            yield " " * _LABEL + "".join(f"{system:>{_CELL}}" for system in part.systems)
            for measure in part.measures:
                cells = [figures.get(measure, UNDEFINED) for figures in part.systems.values()]
                yield f"{measure:{_LABEL}}" + "".join(f"{figure(cell):>{_CELL}}" for cell in cells)
                if any(cell.interval for cell in cells):
                    yield " " * _LABEL + "".join(f"{span(cell):>{_CELL}}" for cell in cells)


def heading(name: str, table: Table) -> str:
    """What the table is about, in a line."""
    return " · ".join([name, *([f"protocol {table.protocol}"] if table.protocol else []), table.title])


def size(part: Part) -> str:
    """Which questions these are, and how many."""
    articles = f"{part.articles:,} article{'s' if part.articles != 1 else ''}"
    return f"{part.name}: {part.questions:,} question{'s' if part.questions != 1 else ''} on {articles}"


def tables_data(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """The same for JSON, with the points of the curves; what is not defined is null."""
    return [
        {
            "protocol": table.protocol,
            "title": table.title,
            "parts": [
                {
                    "name": part.name,
                    "questions": part.questions,
                    "articles": part.articles,
                    "systems": {system: _figures_data(figures) for system, figures in part.systems.items()},
                }
                for part in table.parts
            ],
            "curves": {system: asdict(curves) for system, curves in table.curves.items()},
        }
        for table in tables
    ]


def figure(estimate: Estimate) -> str:
    """Three decimals, as usual without the zero before the point; a dash for what is not defined."""
    return "–" if math.isnan(estimate.value) else _decimals(estimate.value)


def span(estimate: Estimate) -> str:
    """The 95% interval; nothing where there is none."""
    return "–".join(map(_decimals, estimate.interval)) if estimate.interval else ""


def _decimals(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.3f}"


def _figures_data(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        measure: {"value": None if math.isnan(one.value) else one.value, "interval": one.interval}
        for measure, one in figures.items()
    }
