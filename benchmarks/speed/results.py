"""Figures → the ratios that were aimed at, and tables. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.speed.environments import SYSTEMS

Figures = Mapping[str, Any]
_LARGE, _LARGEST, _SMALL = 100_000, 1_000_000, 1_000
PEERS = tuple(name for name, entry in SYSTEMS.items() if entry.peer)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure that was aimed at: `reach` in words; `passed` is None where it was not measured."""

    name: str
    reach: str
    value: float | None
    passed: bool | None


class _Found:
    """The figures of one run, by system, size and name."""

    def __init__(self, results: Figures) -> None:
        self._of = {(one["system"], one["size"]): one for one in results["figures"]}
        self._rates = results["throughput"]

    def get(self, system: str, size: int, name: str, part: str | None = "p50") -> float | None:
        value = self._of.get((system, size), {}).get(name)
        if part is None or value is None:
            return None if value is None else float(value)
        return None if value.get(part) is None else float(value[part])

    def best_peer(self, size: int, name: str) -> float | None:
        """The least of the peers'."""
        return min((one for peer in PEERS if (one := self.get(peer, size, name)) is not None), default=None)

    def rate(self, system: str) -> float | None:
        value = self._rates.get(system, {}).get("a_second", {}).get("p50")
        return None if value is None else float(value)

    def best_rate(self) -> float | None:
        return max((one for peer in PEERS if (one := self.rate(peer)) is not None), default=None)


def ratios(results: Figures) -> list[dict[str, Any]]:
    """What the run shows of what was aimed at, a line each."""
    found = _Found(results)
    ask, own = "ask_ms", "verbatim"
    at_large = found.get(own, _LARGE, ask)
    floors = [name for name, entry in SYSTEMS.items() if entry.floor]
    lines = [
        _line(f"a question at 100k, p50, beside the {SYSTEMS[one].title}", at_large, found.get(one, _LARGE, ask), 1.3)
        for one in floors
    ]
    bot = found.get(own, _LARGE, "resident_as_bot_mib", None)
    lines += [
        _line(
            "the best peer's question at 100k, p50, beside Verbatim's",
            found.best_peer(_LARGE, ask),
            at_large,
            3,
            above=True,
        ),
        _line("a question at 1M, p50, beside one at 100k", found.get(own, _LARGEST, ask), at_large, 2),
        _line("indexing throughput, beside the best peer's", found.rate(own), found.best_rate(), 2, above=True),
        _line(
            "adding an article at 100k, p50, beside 1k",
            found.get(own, _LARGE, "add_ms"),
            found.get(own, _SMALL, "add_ms"),
            1.5,
        ),
        _line(
            "restart to the first answer at 100k, beside the best peer's",
            found.get(own, _LARGE, "restart_ms"),
            found.best_peer(_LARGE, "restart_ms"),
            1 / 3,
        ),
        asdict(
            Ratio(
                "memory of the bot's modules and 100k sentences, MiB", "< 350", bot, None if bot is None else bot < 350
            )
        ),
    ]
    for size, text in ((_SMALL, "1k"), (10_000, "10k"), (_LARGE, "100k"), (_LARGEST, "1M")):
        waves, one = found.get(own, size, "at_once_ms", "p95"), found.get(own, size, ask)
        if size == _LARGE or waves is not None:
            lines.append(_line(f"16 at once at {text}, p95, beside the p50 of one", waves, one, 4))
    return lines


def _line(name: str, value: float | None, beside: float | None, reach: float, *, above: bool = False) -> dict[str, Any]:
    words = f"{'≥' if above else '≤'} {reach:.2g}×"
    if value is None or not beside:
        return asdict(Ratio(name, words, None, None))
    ratio = value / beside
    return asdict(Ratio(name, words, ratio, ratio >= reach if above else ratio <= reach))


def told(results: Figures) -> str:
    """The whole of it as Markdown."""
    machine, material = results["machine"], results["material"]
    parts = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB, {machine['system']}, Python "
        f"{machine['python']}; {results['date']}. Of {material['sentences']:,} sentences {material['real']:,} are real "
        f"and {material['encoded']:,} were encoded.",
        _ratio_table(results["ratios"]),
        *(_table(results, *column) for column in _TABLES),
        _rate_table(results),
        _configured(results),
        _errors(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _quantiles(value: Figures) -> str:
    return f"{_number(value['p50'])} / {_number(value['p95'])}" if value.get("n") else "–"


def _median(value: Figures) -> str:
    return _number(value["p50"]) if value.get("n") else "–"


def _plain(value: float) -> str:
    return _number(value)


_TABLES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("A question, one at a time: ms, p50 / p95", "ask_ms", _quantiles),
    ("16 questions at the same moment: ms each, p50 / p95", "at_once_ms", _quantiles),
    ("Adding one article of 30 sentences, encoded and ready to be asked: ms, p50", "add_ms", _median),
    ("The first question after that: ms, p50", "ask_after_add_ms", _median),
    ("Saving the corpus after that, where it is not on disk yet: ms, p50", "save_after_add_ms", _median),
    ("From the start of the process to the first answer: ms, p50", "restart_ms", _median),
    ("Resident memory after questions: MiB", "resident_mib", _plain),
    ("… with the modules of the bot loaded, too: MiB", "resident_as_bot_mib", _plain),
    ("On disk: MiB", "disk_mib", _plain),
    ("Building the corpus of known vectors: s", "built_s", _plain),
    ("Questions whose annotated sentence is among the three returned: share", "found_in_3", _plain),
)


def _table(results: Figures, title: str, name: str, told: Callable[[Any], str]) -> str:
    sizes = sorted({one["size"] for one in results["figures"]})
    measured = {one["system"] for one in results["figures"]}
    systems = [name for name in SYSTEMS if name in measured]
    of = {(one["system"], one["size"]): one for one in results["figures"]}
    if not any(name in one for one in of.values()):
        return ""
    rows = [
        [
            SYSTEMS[system].title,
            *(told(cell[name]) if name in (cell := of.get((system, size), {})) else "–" for size in sizes),
        ]
        for system in systems
        if any(name in of.get((system, size), {}) for size in sizes)
    ]
    return _markdown([title, *(f"{size:,}" for size in sizes)], rows)


def _rate_table(results: Figures) -> str:
    rows = [
        [
            SYSTEMS[name].title,
            _median(one["a_second"]),
            _number(one["a_second"]["least"]) if one["a_second"]["n"] else "–",
        ]
        for name, one in results["throughput"].items()
    ]
    return _markdown(["Indexing, encoded in earnest: sentences a second", "median", "least"], rows) if rows else ""


def _ratio_table(lines: Sequence[Figures]) -> str:
    judged = {True: "yes", False: "**no**", None: "not measured"}
    rows = [
        [one["name"], one["reach"], "–" if one["value"] is None else f"{one['value']:.3g}", judged[one["passed"]]]
        for one in lines
    ]
    return _markdown(["aimed at", "reach", "measured", "reached"], rows)


def _configured(results: Figures) -> str:
    rows = [
        [SYSTEMS[name].title, one["configured"], ", ".join(f"{key} {value}" for key, value in one["packages"].items())]
        for name, one in sorted(results["systems"].items(), key=lambda item: list(SYSTEMS).index(item[0]))
    ]
    return _markdown(["system", "set up as", "versions"], rows)


def _errors(results: Figures) -> str:
    lines = []
    for one in results["figures"]:
        for name, words in (("error", "stopped"), ("at_once_failed", "asked one by one in place of at once")):
            if name in one:
                lines.append(
                    f"- {SYSTEMS[one['system']].title} at {one['size']:,}: {words}: {' '.join(one[name].split())[:200]}"
                )
    return "\n".join(lines)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
