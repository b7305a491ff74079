"""What people said of answers → which sentences answer which questions, and how well a way to rank does by that.

A question that somebody was helped by has right sentences; one where nobody was has wrong ones only. Both count, for
they err in opposite ways: a right sentence is known because an earlier way to rank showed it, so that a new one can
hardly do better there, and whatever a new one shows in the place of a wrong one counts as better. Where judgements are
kept is not known here.
"""

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple, Protocol

from index.article import Span
from index.encoder import PIPELINE, EncoderIdentity
from retrieval.retriever import Ranked

ENOUGH = 20
"""Judged questions without which figures say nothing."""

_DEPTH = 30  # hits that are looked through for the right sentence
_CHANCE = 0.05  # a loss that is likelier than this among equals is none


class Seen(Protocol):
    """A sentence that somebody saw: its number in the answer, its article's source, and its words."""

    @property
    def number(self) -> int: ...

    @property
    def source(self) -> str: ...

    @property
    def text(self) -> str: ...


class Judgement(Protocol):
    """What one person said of one answer: `hits` are the sentences they saw, and `hit` is the number of the one meant,
    if they named one; `judged` is when (Unix seconds)."""

    @property
    def person(self) -> int: ...

    @property
    def question(self) -> str: ...

    @property
    def helpful(self) -> bool: ...

    @property
    def hit(self) -> int | None: ...

    @property
    def hits(self) -> Sequence[Seen]: ...

    @property
    def judged(self) -> float: ...


class Quote(NamedTuple):
    """A sentence as it was shown: its article's source, and its words."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, the sentences that answer it, and those that do not."""

    question: str
    right: tuple[Quote, ...]
    wrong: tuple[Quote, ...]

    @property
    def key(self) -> str:
        """What tells it, as it is judged now, from others; its words cannot be read from that."""
        right, wrong = (sorted(map("\1".join, some)) for some in (self.right, self.wrong))
        said = "\0".join([key_of(self.question), *right, "", *wrong])
        return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Feedback:
    """The questions that judgements tell about, and how many sentences tell nothing: those on which people `disagree`
    evenly, and those that are `gone` from the articles."""

    questions: tuple[Judged, ...]
    disagree: int = 0
    gone: int = 0


class Retrieving(Protocol):
    """A `Retriever`, as far as it is needed to measure it."""

    def rank(self, question: str, *, top: int = 10) -> list[list[Ranked]]: ...


# -- from judgements to questions


def key_of(question: str) -> str:
    """The same for questions that differ in nothing but letters' case, blanks and the punctuation at the end."""
    return " ".join(question.casefold().split()).rstrip(" ?!.…")


def said_of(judgement: Judgement) -> list[tuple[Quote, bool]]:
    """The sentences that a judgement is about, each with whether it answers.

    Not helpful: none of those that were seen does. Helpful: the one that was named does, or else the first.
    """
    quotes = {one.number: Quote(one.source, one.text) for one in judgement.hits}
    if not judgement.helpful:
        return [(quote, False) for quote in quotes.values()]
    meant = min(quotes, default=0) if judgement.hit is None else judgement.hit
    return [(quotes[meant], True)] if meant in quotes else []


def merged(judgements: Iterable[Judgement]) -> Feedback:
    """The questions that people judged. Of each sentence the majority is believed, each person counting once, with what
    they said last."""
    said: dict[str, dict[Quote, dict[int, bool]]] = defaultdict(lambda: defaultdict(dict))
    words: dict[str, str] = {}
    for one in sorted(judgements, key=lambda one: one.judged):
        key = key_of(one.question)
        words[key] = one.question
        for quote, answers in said_of(one):
            said[key][quote][one.person] = answers
    found, disagree = [], 0
    for key, quotes in said.items():
        votes = {quote: sum(1 if answers else -1 for answers in people.values()) for quote, people in quotes.items()}
        disagree += sum(vote == 0 for vote in votes.values())
        right, wrong = (tuple(one for one, vote in votes.items() if vote * sign > 0) for sign in (1, -1))
        if right or wrong:
            found.append(Judged(words[key], right, wrong))
    return Feedback(tuple(found), disagree)


def still_there(feedback: Feedback, texts: Mapping[str, str]) -> Feedback:
    """Without the sentences that no longer stand in their article; `texts` are the articles', by source."""
    kept, gone = [], 0
    for one in feedback.questions:
        right, wrong = (
            tuple(quote for quote in some if spans_of(quote, texts.get(quote.source, "")))
            for some in (one.right, one.wrong)
        )
        gone += len(one.right) + len(one.wrong) - len(right) - len(wrong)
        if right or wrong:
            kept.append(Judged(one.question, right, wrong))
    return Feedback(tuple(kept), feedback.disagree, gone)


def sources_of(feedback: Feedback) -> set[str]:
    """The sources of all articles that were quoted."""
    return {quote.source for one in feedback.questions for quote in (*one.right, *one.wrong)}


def spans_of(quote: Quote, text: str) -> list[Span]:
    """Where the words of a quote stand in its article's `text`, blanks and line breaks being the same."""
    pattern = r"\s+".join(map(re.escape, quote.text.split()))
    return [Span(*match.span()) for match in re.finditer(pattern, text)] if pattern else []


# -- how well a way to rank does


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question. `score` is from 0 to 1: where there are right sentences, 1 / the place of the first
    of them (0 if there is none); otherwise 1 - 1 / the place of the first wrong one (1 if there is none).
    `wrong_first`: a sentence comes first that is known to be wrong."""

    score: float
    wrong_first: bool


def result(retriever: Retrieving, judged: Judged, texts: Mapping[str, str]) -> Result:
    """Asks one question and looks for the sentences that were judged. `texts` are their articles', by source.

    Raises:
        UserError: what `Retriever.rank` raises.
    """
    groups = retriever.rank(judged.question, top=_DEPTH)
    right, wrong = (_first(_starts(quotes, texts), groups) for quotes in (judged.right, judged.wrong))
    score = 1 / right if judged.right else 1 - 1 / wrong
    return Result(score, wrong_first=wrong == 1 and right > 1)


def _starts(quotes: Iterable[Quote], texts: Mapping[str, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for quote in quotes:
        found[quote.source] += [span.start for span in spans_of(quote, texts.get(quote.source, ""))]
    return found


def _first(starts: Mapping[str, Collection[int]], groups: Sequence[Sequence[Ranked]]) -> float:
    """The place, from 1, of the first hit that holds one of these places; infinite if there is none."""
    for place, group in enumerate(groups, start=1):
        for one in group:
            sentence = one.candidate.sentence
            if any(sentence.start <= start < sentence.end for start in starts.get(one.article.source, ())):
                return place
    return math.inf


# -- one way to rank beside another


@dataclass(frozen=True, slots=True)
class Configuration:
    """What decides how sentences are ranked: the `model` with all that changes its vectors, and the `ranker`."""

    model: str
    ranker: str


def configuration(identity: EncoderIdentity, ranker: str) -> Configuration:
    """That of an encoder and a ranker, each by its identity."""
    rest = (identity.question_prefix, identity.passage_prefix, identity.tokens, PIPELINE)
    return Configuration(f"{identity.model}/{hashlib.sha256(repr(rest).encode()).hexdigest()[:6]}", ranker)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ways to rank on the same questions: their mean scores, how many questions are answered worse and better now,
    and how `likely` a loss like this would be by chance, were both equally good."""

    questions: int
    before: float
    now: float
    worse: int
    better: int
    likely: float

    @property
    def lower(self) -> bool:
        """Whether the present one is worse, beyond chance."""
        return self.now < self.before and self.likely < _CHANCE


def compared(before: Mapping[str, float], now: Mapping[str, float]) -> Comparison | None:
    """The scores by question's key, on the questions that both have; None if these are fewer than `ENOUGH`.

    The test is the sign test: of the questions whose score has changed, how many have fallen (one-sided, exact).
    """
    keys = before.keys() & now.keys()
    if len(keys) < ENOUGH:
        return None
    worse, better = (sum(sign * (now[key] - before[key]) > 1e-9 for key in keys) for sign in (-1, 1))
    changed = worse + better
    likely = sum(math.comb(changed, k) for k in range(worse, changed + 1)) / 2**changed
    was, is_ = (fmean(scores[key] for key in keys) for scores in (before, now))
    return Comparison(len(keys), was, is_, worse, better, likely)
