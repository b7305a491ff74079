"""What a server's people asked in vain: questions without an answer, asked again and grouped by meaning.

Synchronous and thread-safe; it knows servers and people as numbers and nothing else of Discord. Only questions are used
that were asked for all to see while the server's question log was on: no others are kept.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cogs.refusal import Refusal
from cogs.service import Service
from cogs.speech import _
from index.corpus import Library
from index.language import UND, language_of
from records.answers import Judgement
from records.learning import Unanswered
from records.records import Records
from retrieval.anaphora import leans
from retrieval.feedback import Quote, key_of, merged
from retrieval.gaps import grouped

DAYS = 90
"""How far back questions are looked for."""

_DAY = 86_400.0
_MOST = 300  # different questions, those asked last
_SECONDS = 15.0  # in which questions are asked again
_KEPT = 64  # servers whose gaps are kept as they were found, until anything changes


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that mean the same and have no answer: the most central one, other ways in which it was asked, how many
    `people` asked it in vain, and when that was last (Unix seconds)."""

    question: str
    others: tuple[str, ...]
    people: int
    last: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps, what most people asked for first. Of the `questions` (different ones, within `DAYS`), so many are
    `answered` by the present articles and left out; so many were `unchecked`, and may be answered by now; and so many
    were asked too long ago to be looked at, there being `older` ones than the last some hundred. Of what was asked in
    vain and what was judged, the last 5,000 each are read at all."""

    gaps: tuple[Gap, ...] = ()
    questions: int = 0
    answered: int = 0
    unchecked: int = 0
    older: int = 0


@dataclass(slots=True)
class _Missed:
    """One question, however often it was asked; `wrong` are the sentences that helped nobody."""

    question: str
    people: set[int] = field(default_factory=set)
    last: float = 0.0
    wrong: frozenset[Quote] = frozenset()

    def asked(self, question: str, person: int, when: float) -> None:
        self.people.add(person)
        if when >= self.last:
            self.question, self.last = question, when


@dataclass(slots=True)
class _Known:
    """What was found when everything was in this `state`: of each question, whether it is `answered`; and the gaps."""

    state: object
    answered: dict[str, bool] = field(default_factory=dict)
    gaps: Gaps | None = None


class Missing:
    """Finds what is missing in the articles of a server.

    Raises:
        Refusal: it is being looked for already.
        UserError: from every method, what stores, records and encoder raise.
    """

    def __init__(self, library: Library, service: Service, records: Records) -> None:
        self._library = library
        self._service = service
        self._records = records
        self._known: dict[int, _Known] = {}
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def gaps(self, server: int, closing: threading.Event, *, now: Callable[[], float] = time.time) -> Gaps:
        """The gaps of a server as everything stands now. Asking again takes a while after anything has changed, and
        ends early once `closing` is set."""
        with self._alone(server):
            since = now() - DAYS * _DAY
            state = (self._records.learning.state(server, since), self._state(server))
            known = self._known.pop(server, None)
            if known is None or known.state != state:
                known = _Known(state)
            if known.gaps is None or known.gaps.unchecked:
                unanswered = self._records.learning.unanswered(server, since)
                judgements = self._records.answers.judgements(server, since=since)
                known.gaps = self._gaps(server, _missed(unanswered, judgements), known.answered, closing)
            self._known[server] = known
            for oldest in list(self._known)[:-_KEPT]:
                self._known.pop(oldest, None)
            return known.gaps

    @contextmanager
    def _alone(self, server: int) -> Iterator[None]:
        """Nobody keeps the threads busy by asking for the same again and again."""
        with self._lock:
            if server in self._busy:
                raise Refusal(_("I am looking through this server’s questions already. Try again in a moment."))
            self._busy.add(server)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(server)

    def _state(self, server: int) -> tuple[object, ...]:
        """What changes when questions may be answered otherwise."""
        corpora = self._library.askable(server)
        generations = tuple((str(one.store.path), one.store.generation(), one.encoder.identity) for one in corpora)
        return generations, self._records.preferences.of(server).precision

    def _gaps(
        self, server: int, missed: Sequence[_Missed], answered: dict[str, bool], closing: threading.Event
    ) -> Gaps:
        """`answered` is what is known already, and is added to."""
        newest = sorted(missed, key=lambda one: one.last, reverse=True)[:_MOST]
        until = time.monotonic() + _SECONDS
        for one in newest:
            if closing.is_set() or time.monotonic() > until:
                break
            if one.question not in answered:
                answered[one.question] = self._is_answered(server, one)
        left = [one for one in newest if not answered.get(one.question)]
        unchecked = sum(one.question not in answered for one in newest)
        gaps = sorted(map(_gap, self._grouped(left)), key=lambda gap: (-gap.people, -gap.last))
        return Gaps(tuple(gaps), len(missed), len(newest) - len(left), unchecked, len(missed) - len(newest))

    def _is_answered(self, server: int, missed: _Missed) -> bool:
        """Whether there is an answer by now, by another sentence than those that helped nobody."""
        precision = self._records.preferences.of(server).precision
        hits = self._service.ask(server, missed.question, top=1, precision=precision).answer.hits
        shown = [Quote(one.citation.article.source, one.citation.text) for one in hits]
        return bool(shown) and shown[0] not in missed.wrong

    def _grouped(self, missed: Sequence[_Missed]) -> list[list[_Missed]]:
        """Those that mean the same together, the most central first; a question in a language that the model does not
        know means nothing to it, and stands alone."""
        if not missed:
            return []
        encoder = self._library.encoder
        known = encoder.languages
        alone = [row for row, one in enumerate(missed) if known and language_of(one.question) not in {*known, UND}]
        vectors = encoder.encode_questions([one.question for one in missed])
        rows = grouped(vectors, encoder.yardstick.cosine, alone=alone)
        return [[missed[row] for row in group] for group in rows]


def _missed(unanswered: Sequence[Unanswered], judgements: Sequence[Judgement]) -> list[_Missed]:
    """The questions that found nothing, and those whose answer helped most people not; but none whose answer did."""
    found: dict[str, _Missed] = {}
    for one in unanswered:
        # A follow-up means nothing without what it refers to; what was taken for a slip is shown as it was asked.
        text = one.searched if one.searched is not None and leans(one.question) else one.question
        found.setdefault(key_of(text), _Missed(text)).asked(text, one.person, one.asked)
    for question in merged(judgements).questions:
        if question.right:
            found.pop(key_of(question.question), None)
            continue
        missed = found.setdefault(key_of(question.question), _Missed(question.question))
        missed.wrong = frozenset(question.wrong)
        for said in judgements:
            if not said.helpful and key_of(said.question) == key_of(question.question):
                missed.asked(said.question, said.person, said.judged)
    return list(found.values())


def _gap(group: Sequence[_Missed]) -> Gap:
    people = set().union(*(one.people for one in group))
    others = tuple(one.question for one in group[1:])
    return Gap(group[0].question, others, len(people), max(one.last for one in group))
