"""Curves as SVG that stands within a page: no script, no fonts, colours from the page's style sheet. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.markup import escaped
from evaluation.tables import Curves

_WIDTH, _HEIGHT = 380, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 30, 42  # margins

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Axis:
    """A label, the ticks, and where between 0 and 1 a value lies."""

    label: str
    ticks: Sequence[float]
    at: Callable[[float], float]
    form: str = "{:.1f}"


_SHARE = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def recall(curves: Mapping[str, Curves]) -> str:
    """Recall at k of each system that has it; nothing if none has."""
    points = {system: [(float(k), share) for k, share in one.recall] for system, one in curves.items() if one.recall}
    most = max((x for line in points.values() for x, _ in line), default=1.0)
    ticks = [k for k in (1, 2, 3, 5, 10, 20, 30, 50, 100) if k <= most]
    x = _Axis("first k sentences", ticks, lambda k: math.log(k) / math.log(max(most, 2)), "{:.0f}")
    return _plot("Recall", x, _share("share of questions"), curves, points)


def reliability(curves: Mapping[str, Curves]) -> str:
    """The share that is right against the confidence, a dot for each bin; on the diagonal both are the same."""
    points = {
        system: [(one.confidence, one.right) for one in of.reliability]
        for system, of in curves.items()
        if of.reliability
    }
    return _plot("Reliability", _share("confidence"), _share("share right"), curves, points, dots=True, diagonal=True)


def coverage(curves: Mapping[str, Curves]) -> str:
    """Precision against coverage, as the threshold falls from left to right."""
    points = {system: one.coverage for system, one in curves.items() if one.coverage}
    return _plot(
        "Coverage against precision", _share("coverage of the answerable"), _share("precision"), curves, points
    )


def _share(label: str) -> _Axis:
    return _Axis(label, _SHARE, lambda value: value)


def _plot(
    title: str,
    x: _Axis,
    y: _Axis,
    systems: Mapping[str, object],
    lines: Mapping[str, Sequence[Point]],
    *,
    dots: bool = False,
    diagonal: bool = False,
) -> str:
    if not lines:
        return ""
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escaped(title)}: {escaped(y.label)} '
        f'by {escaped(x.label)}">',
        f'<text class="heading" x="{_LEFT}" y="18">{escaped(title)}</text>',
        *_grid(x, y),
    ]
    if diagonal:
        parts.append(_polyline([_position(x, y, (0, 0)), _position(x, y, (1, 1))], "diagonal"))
    for number, system in enumerate(systems):
        if system in lines:
            places = [_position(x, y, point) for point in lines[system]]
            parts.append(_polyline(places, f"line s{number}"))
            if dots:
                parts += [f'<circle class="dot s{number}" cx="{a:.1f}" cy="{b:.1f}" r="3.5" />' for a, b in places]
    return "\n".join([*parts, "</svg>"])


def _grid(x: _Axis, y: _Axis) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in y.ticks:
        _, at = _position(x, y, (x.ticks[0], tick))
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" />')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{y.form.format(tick)}</text>')
    for tick in x.ticks:
        at, _ = _position(x, y, (tick, 0))
        parts.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{x.form.format(tick)}</text>')
    middle = (_TOP + bottom) / 2
    return [
        *parts,
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escaped(x.label)}</text>',
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escaped(y.label)}</text>',
    ]


def _position(x: _Axis, y: _Axis, point: Point) -> Point:
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return _LEFT + x.at(point[0]) * width, _TOP + (1 - y.at(point[1])) * height


def _polyline(points: Sequence[Point], name: str) -> str:
    return f'<polyline class="{name}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" />'
