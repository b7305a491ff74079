"""What an index run did, and which waiting questions it answered, as text for a terminal and as data for JSON. Pure."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich.text import Text

from terminal.show import Block, citation_data, count, plain, shown_source

if TYPE_CHECKING:
    from index.report import Settled, SyncReport
    from retrieval.waiting import Answered

_LISTED = 20  # articles named unless all are wanted


def total_blocks(report: "SyncReport") -> list[Block]:
    """What a run did in total, on one line."""
    counts = report.counts
    shown = [f"{number:,} {kind}" for kind, number in counts.items() if number or kind != "failed"]
    work = f"{count(report.encoded, 'sentence')} encoded, {report.reused:,} reused, {report.seconds:.1f} s"
    dry = "Dry run, nothing is stored. " if report.dry_run else ""
    return [Block(0, Text(f"{dry}Articles: {', '.join(shown)}. {work}."))]


def article_blocks(report: "SyncReport", base: PurePath | None = None, *, everything: bool = False) -> list[Block]:
    """A line for each article that was added, changed or removed, the first ones; with `everything`, for all articles,
    also the unchanged. What failed is in `failure_lines`."""
    kinds = ("added", "changed", "removed", *(("unchanged",) if everything else ()))
    settled = [one for one in report.settled if one.outcome in kinds]
    shown = settled if everything else settled[:_LISTED]
    blocks = [Block(2, Text(_line(one, base))) for one in shown]
    if len(settled) > len(shown):
        blocks.append(Block(2, Text(f"and {len(settled) - len(shown):,} more; --verbose lists them all")))
    return blocks


def _line(one: "Settled", base: PurePath | None) -> str:
    work = ""
    if one.outcome in ("added", "changed"):
        work = f" ({one.encoded:,} encoded, {one.reused:,} reused, {one.seconds:.1f} s)"
    elif one.outcome == "removed":
        work = f" ({plain(one.reason) if one.reason else 'it is no longer there'})"
    return f"{one.outcome:<9} {shown_source(one.source, base)}{work}"


def note_blocks(report: "SyncReport") -> list[Block]:
    """What else is worth knowing."""
    lines = (f"{source}: {note}" if source else note for source, note in report.notes)
    return [Block(2, Text(f"note: {plain(line)}")) for line in lines]


def failure_lines(report: "SyncReport") -> list[str]:
    """A line for each thing that failed, with the reason."""
    return [plain(f"{source}: {reason}") for source, reason in report.failed]


def answered_blocks(answered: "Sequence[Answered]") -> list[Block]:
    """Each article that answers questions which waited, with these questions."""
    blocks: list[Block] = []
    for questions in _by_article(answered).values():
        title = plain(questions[0].article.title)
        blocks.append(Block(0, Text(f"“{title}” answers {count(len(questions), 'waiting question')}:")))
        blocks += [Block(2, Text(plain(one.question))) for one in questions]
    return blocks


def _by_article(answered: "Sequence[Answered]") -> "dict[tuple[int, str], list[Answered]]":
    # Of two corpora, articles may have the same number.
    groups: dict[tuple[int, str], list[Answered]] = {}
    for one in answered:
        groups.setdefault((one.article.id, one.article.source), []).append(one)
    return groups


def report_data(report: "SyncReport", answered: "Sequence[Answered]" = ()) -> dict[str, Any]:
    """A run's report for JSON."""
    return {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "failed": [{"source": source, "reason": reason} for source, reason in report.failed],
        "encoded": report.encoded,
        "reused": report.reused,
        "seconds": round(report.seconds, 3),
        "cancelled": report.cancelled,
        "dry_run": report.dry_run,
        "articles": [
            {
                "source": one.source,
                "outcome": one.outcome,
                "reason": one.reason,
                "encoded": one.encoded,
                "reused": one.reused,
                "seconds": round(one.seconds, 3),
            }
            for one in report.settled
        ],
        "notes": [{"source": source or None, "note": note} for source, note in report.notes],
        "answered": [{"question": one.question, **citation_data(one.hit.citation)} for one in answered],
    }
