"""What a question gets back: an `Answer` of `Hit`s, each a sentence with its place, neighbours and confidence.

Values only; how they are found, ranked or shown is not decided here.
"""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from index.stored import StoredArticle


class Confidence(Enum):
    """How sure it is that a hit answers the question, in words. Below WEAK nothing is shown."""

    STRONG = "strong"
    LIKELY = "likely"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence stands: `text` is the article's `[start:end]`, to the letter. `corpus` is the file of the corpus
    that the article is in: ids are each corpus's own."""

    article: StoredArticle
    start: int
    end: int
    text: str
    corpus: Path | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A sentence that answers, the sentences around it, and where else the same is said.

    `also_in` holds the sentences that make the same claim, one of each article; `differing` those that make it with
    other figures. Both are newest first, by the articles' dates; the undated come last, the last indexed first.
    `score` orders the hits of one answer and means nothing beside another question's; `probability` (0 to 1) is the
    estimate behind `confidence`.
    """

    citation: Citation
    before: str | None
    after: str | None
    also_in: tuple[Citation, ...]
    score: float
    probability: float
    confidence: Confidence
    differing: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A cited sentence with more of the text around it, to the letter; `more`: the article goes on beyond that."""

    citation: Citation
    before: str
    after: str
    more: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits for one question, best first. None means: nothing found, which is an answer too.

    `searched` is the text that was searched for, where that was not the question: a follow-up with what it refers to,
    or with its slips of the pen put right. `foreign_language` is the English name of the question's language where the
    model does not know it. `nearest` is what comes nearest to an answer where no hit is as sure as wanted: worth a
    look, but no answer.
    """

    question: str
    hits: tuple[Hit, ...]
    foreign_language: str | None = None
    searched: str | None = None
    nearest: Hit | None = None

    @property
    def answered(self) -> bool:
        return bool(self.hits)

    @property
    def confidence(self) -> Confidence | None:
        """That of the first hit."""
        return self.hits[0].confidence if self.hits else None
