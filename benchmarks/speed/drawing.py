"""Cost against size, as SVG pictures that stand by themselves. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.speed.environments import SYSTEMS
from evaluation.markup import escaped

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 280, 40, 48  # margins; the names stand at the right
_COLOURS = {
    "verbatim": "#0b6e4f",
    "txtai": "#d1495b",
    "langchain": "#3066be",
    "llamaindex": "#8d6a9f",
    "haystack": "#e08e45",
    "chroma": "#119da4",
}
PICTURES = {
    "question": ("A question: ms, p50", "ask_ms", "p50"),
    "at-once": ("16 questions at once: ms, p95", "at_once_ms", "p95"),
    "adding": ("Adding one article: ms, p50", "add_ms", "p50"),
    "restart": ("Restart to the first answer: ms, p50", "restart_ms", "p50"),
    "memory": ("Resident memory: MiB", "resident_mib", None),
    "disk": ("On disk: MiB", "disk_mib", None),
}


def pictures(figures: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """File name → picture, of each measure that was taken at two sizes or more."""
    drawn = {}
    for name, (title, measure, part) in PICTURES.items():
        lines: dict[str, list[tuple[float, float]]] = {}
        for one in figures:
            value = one.get(measure)
            value = value.get(part) if part and value is not None else value
            if value and not (SYSTEMS[one["system"]].floor and measure != "ask_ms"):
                lines.setdefault(one["system"], []).append((one["size"], value))
        if any(len(line) > 1 for line in lines.values()):
            drawn[f"{name}.svg"] = picture(title, {system: sorted(line) for system, line in lines.items()})
    return drawn


def picture(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines over sizes, both axes logarithmic."""
    points = [point for line in lines.values() for point in line]
    across = _powers([x for x, _ in points])
    up = _powers([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + _share(x, across) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - _share(y, up) * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="{escaped(title)}, by sentences">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escaped(title)}</text>',
        *_grid(across, up, at),
    ]
    ends = {system: at(*line[-1]) for system, line in lines.items()}
    heights = _apart({system: y for system, (_, y) in ends.items()})
    for system, line in lines.items():
        colour, dashes = _COLOURS.get(system, "#777"), ' stroke-dasharray="5 4"' if SYSTEMS[system].floor else ""
        places = [at(*point) for point in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        width = 3 if system == "verbatim" else 1.8
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        name = escaped(SYSTEMS[system].title)
        parts.append(f'<text x="{_WIDTH - _RIGHT + 10}" y="{heights[system] + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _powers(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _share(value: float, powers: tuple[int, int]) -> float:
    return (math.log10(value) - powers[0]) / (powers[1] - powers[0])


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """The same heights, moved down where names would stand on each other."""
    placed: dict[str, float] = {}
    last = -math.inf
    for system, height in sorted(heights.items(), key=lambda item: item[1]):
        last = placed[system] = max(height, last + 15)
    below = max(0.0, last - (_HEIGHT - _BOTTOM))
    return {system: height - below for system, height in placed.items()}


def _grid(across: tuple[int, int], up: tuple[int, int], at: Callable[[float, float], tuple[float, float]]) -> list[str]:
    parts = []
    for power in range(up[0], up[1] + 1):
        x, y = at(10.0 ** across[0], 10.0**power)
        right = _WIDTH - _RIGHT
        parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    for power in range(across[0], across[1] + 1):
        x, y = at(10.0**power, 10.0 ** up[0])
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{y:.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{10**power:,}</text>')
    middle = _LEFT + (_WIDTH - _LEFT - _RIGHT) / 2
    return [*parts, f'<text x="{middle:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">sentences</text>']
