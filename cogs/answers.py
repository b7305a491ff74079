"""Answers as the bot gives them: asked with a server's own settings, and remembered for the buttons below them.

Synchronous and thread-safe; it knows servers and people as numbers and nothing else of Discord. Whoever presses a
button is told nothing of an answer that was not shown where they are, or to them alone.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile

from cogs.recall import Recall
from cogs.refusal import Refusal
from cogs.service import Asked, Service
from cogs.settings import Settings
from cogs.speech import _, mark
from index.corpus import Library
from index.errors import UserError
from records.answers import AnswerRecord, Judgement, KeptHit, Seen
from records.records import Records
from retrieval.answer import Answer, Confidence, Hit, Passage

log = logging.getLogger(__name__)

_FOUND = 10  # hits that are looked for, however few are shown at first
_TOO_OLD = mark("This answer is too old for that. Ask again.")
_GONE = mark("What this answer quoted has been changed or removed since. Ask again.")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks what. `place` is the server whose articles are asked (`NOWHERE`: none), `guild` the one where the answer
    is shown (None: in direct messages); `private` ones are seen by the `asker` alone. `previous` are the questions
    before, the oldest first. `hits` and `article` (a choice of `Service.askable`) are what the asker wants. What is
    `unasked` was said to nobody in particular, in a forum: unless it has an answer, nothing is kept of it."""

    question: str
    asker: int
    place: int
    guild: int | None
    private: bool
    previous: tuple[str, ...] = ()
    hits: int | None = None
    article: str | None = None
    unasked: bool = False


def _worth_a_screen(answer: Answer) -> int:
    """How many hits are shown unless more are asked for: on a phone, what is weak beside a surer one hides that. It
    stands behind More."""
    if answer.confidence in (None, Confidence.WEAK):
        return _FOUND
    return len(list(takewhile(lambda hit: hit.confidence is not Confidence.WEAK, answer.hits)))


@dataclass(frozen=True, slots=True)
class Press:
    """A button below an answer was pressed: which answer its id names, in which server (None: in direct messages), and
    by whom."""

    answer: int
    guild: int | None
    person: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """An answer's record, and number, from 0 → hit, for those hits that still stand where they stood; at least one."""

    record: AnswerRecord
    hits: Mapping[int, Hit]

    def after(self, first: int, most: int) -> tuple[Answer, list[int]]:
        """The hits left from this number on, so many at most, as an answer; and their numbers."""
        numbers = sorted(number for number in self.hits if number >= first)[:most]
        words = self.record.searched or self.record.question or ""
        hits = tuple(self.hits[number] for number in numbers)
        if self.record.answered:
            return Answer(words, hits), numbers
        return Answer(words, (), nearest=hits[0] if hits else None), numbers

    @property
    def gone(self) -> int:
        """How many hits are not there any more."""
        return len(self.record.hits) - len(self.hits)


class Answers:
    """Asks, remembers what was shown, and finds it again.

    Raises:
        Refusal: from everything that takes a `Press`: the answer is not known (any more) to whoever pressed, or
            nothing of what it quoted is left.
    """

    def __init__(self, service: Service, records: Records, settings: Settings, library: Library) -> None:
        self._service = service
        self._records = records
        self._settings = settings
        self._library = library
        self._recall = Recall(library)
        self._sharing: set[Press] = set()  # by whom which answers are just being posted for all to see

    def ask(self, asking: Asking) -> Asked:
        """The answer, with the id of its record.

        Raises:
            Refusal: the article asked for is not there.
        """
        wanted = self._records.preferences.of(asking.place)
        most = min(asking.hits or wanted.hits or self._settings.hits, _FOUND)
        # What was asked in private must not turn up in a report one day.
        in_public = asking.guild is not None and not asking.private
        asked = self._service.ask(
            asking.place,
            asking.question,
            asking.previous,
            top=_FOUND,
            precision=wanted.precision,
            keep_for=asking.asker if in_public and not asking.unasked else None,
            article=asking.article,
        )
        asked = replace(asked, shown=most if asking.hits else min(most, _worth_a_screen(asked.answer)))
        if asking.unasked and not asked.answer.answered:
            return asked
        return self._kept(asking, asked, question=in_public and wanted.log_questions)

    def _kept(self, asking: Asking, asked: Asked, *, question: bool) -> Asked:
        """The answer with its record's id; without one, and so without buttons, where it cannot be kept."""
        try:
            record = self._record(asking, asked, question=question)
            self._records.answers.keep(record)
        except UserError as error:
            log.error("an answer's record could not be kept: %s", error)
        except Exception:
            log.exception("an answer's record could not be kept")
        else:
            shareable = asking.private and asking.guild is not None and record.answered
            return replace(asked, id=record.id, judged=question and bool(record.hits), shareable=shareable)
        return asked

    def _record(self, asking: Asking, asked: Asked, *, question: bool) -> AnswerRecord:
        answer = asked.answer
        hits = answer.hits or ((answer.nearest,) if answer.nearest else ())
        return AnswerRecord(
            place=asking.place,
            guild=asking.guild,
            asker=asking.asker,
            private=asking.private,
            asked=time.time(),
            answered=answer.answered,
            shown=asked.shown or _FOUND,
            question=answer.question if question else None,
            searched=answer.searched if question else None,
            model=self._library.encoder.identity.model,
            ranker=self._service.ranking,
            hits=tuple(self._kept_hit(hit, asking.place) for hit in hits),
        )

    def _kept_hit(self, hit: Hit, server: int) -> KeptHit:
        also_in, differing = (
            tuple(self._recall.place(one, server) for one in some) for some in (hit.also_in, hit.differing)
        )
        place = self._recall.place(hit.citation, server)
        return KeptHit(place, hit.probability, hit.confidence.value, also_in, differing)

    # -- what the buttons need

    def record(self, press: Press) -> AnswerRecord:
        """The record of the answer."""
        record = self._records.answers.of(press.answer)
        shown_here = record is not None and record.guild == press.guild
        alone = record is not None and (record.private or record.guild is None)
        if record is not None and record.guild is not None and alone:
            # What its asker has just posted for all is used by all, even if that is not written down yet.
            alone = Press(record.id, record.guild, record.asker) not in self._sharing
        if record is None or not shown_here or (alone and record.asker != press.person):
            raise Refusal(_(_TOO_OLD))
        return record

    def recall(self, press: Press) -> Recalled:
        """The answer with what is left of its hits."""
        record = self.record(press)
        hits = self._recall.hits(record)
        if not hits:
            raise Refusal(_(_GONE))
        return Recalled(record, hits)

    def passage(self, press: Press, number: int, *, wide: bool = False) -> tuple[Recalled, int, Passage]:
        """The text around the hit of this number, from 0, or around the next one that is left; and its number."""
        recalled = self.recall(press)
        left = [one for one in recalled.hits if one >= number] or list(recalled.hits)
        passage = self._recall.passage(recalled.record, left[0], wide=wide)
        if passage is None:  # removed this very moment
            raise Refusal(_(_GONE))
        return recalled, left[0], passage

    def judge(self, press: Press, seen: int, *, helpful: bool) -> bool:
        """Keeps whether the answer, of which so many hits were seen, helped; saying the same again takes it back.
        Returns whether something is kept now.

        Raises:
            Refusal: also, where no questions are kept.
        """
        record = self.record(press)
        if record.question is None or not self._records.preferences.of(record.place).log_questions:
            raise Refusal(_("Nothing was kept: this server does not keep a question log."))
        hits = self._recall.hits(record)
        words = [Seen(n, one.citation.article.source, one.citation.text) for n, one in hits.items() if n < seen]
        return self._records.answers.judge(
            Judgement(
                answer=record.id,
                person=press.person,
                place=record.place,
                helpful=helpful,
                hit=None,
                judged=time.time(),
                question=record.searched or record.question,
                hits=tuple(words),
                model=record.model,
                ranker=record.ranker,
            )
        )

    def name(self, press: Press, hit: int) -> None:
        """Keeps which sentence helped.

        Raises:
            Refusal: also, if whoever pressed has not said, or no longer says, that the answer helped.
        """
        record = self.record(press)
        known = hit < len(record.hits)
        if not known or not self._records.answers.name(record.id, press.person, hit):
            raise Refusal(_("Press 👍 below the answer first."))

    @contextmanager
    def sharing(self, press: Press) -> Iterator[None]:
        """A block in which a private answer is posted for all, and `publish`ed when that is done: it stays private
        should the process end before, and two presses at the same time do not post it twice.

        Raises:
            Refusal: it is being posted already.
        """
        if press in self._sharing:
            raise Refusal(_("This answer is being shared already."))
        self._sharing.add(press)
        try:
            yield
        finally:
            self._sharing.discard(press)

    def shareable(self, press: Press) -> Recalled:
        """A private answer with what is left of its hits, to be posted for all.

        Raises:
            Refusal: also, if it is one for all already.
        """
        recalled = self.recall(press)
        if recalled.record.asker != press.person or not recalled.record.private:
            raise Refusal(_("This answer has been shared already."))
        return recalled

    def publish(self, press: Press) -> None:
        """Makes a private answer one for all: it has been posted."""
        self._records.answers.publish(press.answer)

    def prune(self, now: float) -> int:
        """Deletes records that are too old at `now` (Unix seconds); returns how many."""
        return self._records.answers.prune(now)
