"""What an index run did, article by article and in total. Values only."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["added", "changed", "removed", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `done` of `total` articles, and the one just settled. `total` grows when a feed or an archive
    turns out to hold several."""

    done: int
    total: int
    source: str


ProgressCallback = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Reports progress to nobody."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one article, or of a target that failed: `reason` says why, in a `Said` where it can be said in
    other languages, too. `encoded` and `reused` count sentences; `seconds` are those of reading it and its share of
    encoding and storing."""

    source: str
    outcome: Outcome
    reason: str | None = None
    encoded: int = 0
    reused: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class SyncReport:
    """What a run did; with `dry_run`, what it would do. `notes` are (source, what else a person should know), as
    reasons are."""

    settled: list[Settled] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    cancelled: bool = False
    dry_run: bool = False

    def add(self, source: str, outcome: Outcome, reason: str | None = None) -> None:
        self.settled.append(Settled(source, outcome, reason))

    def of(self, outcome: Outcome) -> Iterator[Settled]:
        """Everything that ended like this, in order."""
        return (one for one in self.settled if one.outcome == outcome)

    @property
    def counts(self) -> dict[Outcome, int]:
        counted = Counter(one.outcome for one in self.settled)
        return {outcome: counted[outcome] for outcome in ("added", "changed", "unchanged", "removed", "failed")}

    @property
    def added(self) -> list[str]:
        return [one.source for one in self.of("added")]

    @property
    def changed(self) -> list[str]:
        return [one.source for one in self.of("changed")]

    @property
    def removed(self) -> list[str]:
        return [one.source for one in self.of("removed")]

    @property
    def unchanged(self) -> list[str]:
        return [one.source for one in self.of("unchanged")]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """(source, reason) of what failed."""
        return [(one.source, one.reason or "") for one in self.of("failed")]

    @property
    def encoded(self) -> int:
        """The sentences that were embedded."""
        return sum(one.encoded for one in self.settled)

    @property
    def reused(self) -> int:
        """The sentences whose embedding the corpus had already."""
        return sum(one.reused for one in self.settled)
