"""Questions asked in vain: grouped by meaning, asked again, and counted; on real records and corpora."""

import re
import threading

import numpy as np
import pytest

from cogs.gaps import PAGE, embed
from cogs.markdown import width
from cogs.missing import DAYS, Gap, Gaps, Missing
from cogs.refusal import Refusal
from cogs.service import Service
from cogs.settings import Settings
from index.indexer import Indexer
from index.yardstick import Scale
from records.answers import AnswerRecord, Judgement, Seen
from records.records import Records
from retrieval.gaps import grouped

SERVER, OTHER = 71, 72
NOW = 1_000.0 * 86_400
PLAIN = Scale(0.0, 1.0)
FERRY = "When does the ferry to the island leave?"
RYE = "What does the bakery sell on Fridays?"


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "records")
    records.preferences.change(SERVER, log_questions=True)
    yield records
    records.close()


@pytest.fixture
def missing(library, encoder, records, tmp_path):
    return Missing(library, Service(library, encoder, settings(tmp_path)), records)


def settings(folder):
    return Settings(folder / "articles", folder / "data", 3, 0.8, 100_000, 200, frozenset(), False)


def ask(records, question, *, person=1, asked=NOW, answered=False, private=False, searched=None, place=SERVER):
    record = AnswerRecord(place, place, person, private, asked, answered, 3, question, searched, "hash", "r")
    records.answers.keep(record)
    return record.id


def judge(records, question, person, helpful, *seen, answer=None, judged=NOW):
    hits = tuple(Seen(number, *one) for number, one in enumerate(seen))
    answer = answer or ask(records, question, person=person, answered=True)
    records.answers.judge(Judgement(answer, person, SERVER, helpful, None, judged, question, hits, "hash", "r"))


def gaps(missing, server=SERVER, closing=None):
    return missing.gaps(server, closing or threading.Event(), now=lambda: NOW)


def said(found):
    return [(one.question, one.people) for one in found.gaps]


# -- grouping


def test_groups_are_alike_on_average():
    """Two groups become one as long as their questions are alike enough on average; a chain of neighbours is none."""
    angles = np.radians([0, 20, 40, 60, 80, 180])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert grouped(vectors, PLAIN, least=0.9) == [[0, 1], [2, 3], [4], [5]]
    assert grouped(vectors, PLAIN, least=-1.0) == [[2, 0, 1, 3, 4, 5]]
    assert grouped(vectors, PLAIN, least=1.1) == [[n] for n in range(6)]
    assert grouped(vectors[:0], PLAIN) == []


def test_groups_do_not_depend_on_the_order(encoder):
    """However the questions come, the same ones stand together."""
    questions = [
        f"{start} {thing}?" for thing in ("ferry boat", "rye bread", "owl nest") for start in ("when", "a b", "")
    ]
    vectors, scale = encoder.encode_questions(questions), encoder.yardstick.cosine
    plain = {frozenset(group) for group in grouped(vectors, scale)}
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(questions))
        found = {frozenset(int(order[row]) for row in group) for group in grouped(vectors[order], scale)}
        assert found == plain


def test_groups_by_a_slow_way(encoder):
    """The groups are those of a plain loop that merges the two most alike again and again."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(40, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = (vectors @ vectors.T).astype(np.float64)
    groups = [[n] for n in range(40)]
    while True:
        means = {(a, b): alike[np.ix_(groups[a], groups[b])].mean() for b in range(len(groups)) for a in range(b)}
        (a, b), best = max(means.items(), key=lambda pair: pair[1])
        if best < 0.6:
            break
        groups[a] += groups.pop(b)
    assert {frozenset(one) for one in grouped(vectors, PLAIN, least=0.6)} == {frozenset(one) for one in groups}


def test_what_stands_alone_stays_alone():
    """A question whose language the model does not know joins no other, however alike they seem to it."""
    vectors = np.ones((4, 1), np.float32)
    assert grouped(vectors, PLAIN, alone=[2], least=0.9) == [[0, 1, 3], [2]]


@pytest.mark.model
def test_paraphrases_come_together(model_encoder):
    """With the real model, ways to ask one thing are one group, and neighbouring questions are others."""
    asked = [
        "When does the ferry to the island leave?",
        "At what time does the island ferry depart?",
        "What does a ticket for the museum cost?",
        "How much is a museum ticket?",
        "Who runs the museum?",
        "Can I bring my dog on the bus?",
        "Are dogs allowed on buses?",
    ]
    found = grouped(model_encoder.encode_questions(asked), model_encoder.yardstick.cosine)
    assert found == [[0, 1], [2, 3], [4], [5, 6]]


# -- what is missing


def test_unanswered_questions_are_gaps(missing, records):
    """Questions that found nothing are counted by the people who asked, the most asked for first."""
    ask(records, RYE, person=1, asked=NOW - 10)
    for person in (1, 2, 2, 3):
        ask(records, FERRY, person=person, asked=NOW - 5)
    ask(records, "when does the ferry to the island  leave", person=4, asked=NOW - 1)
    found = gaps(missing)
    assert said(found) == [("when does the ferry to the island  leave", 4), (RYE, 1)]
    assert found.gaps[0].last == NOW - 1
    assert (found.questions, found.answered, found.unchecked, found.older) == (2, 0, 0, 0)


def test_alike_questions_are_one_gap(missing, records):
    """Questions that mean the same are one gap; everybody who asked one of them counts once."""
    ask(records, "ferry island timetable", person=1)
    ask(records, "ferry island timetable winter", person=1)
    ask(records, "the ferry island timetable", person=2)
    (gap,) = gaps(missing).gaps
    assert gap.people == 2
    assert sorted((gap.question, *gap.others)) == [
        "ferry island timetable",
        "ferry island timetable winter",
        "the ferry island timetable",
    ]


def test_what_is_no_gap(missing, records):
    """What was answered, asked in private, elsewhere, too long ago or without the log is not shown."""
    ask(records, FERRY, answered=True)
    ask(records, FERRY, private=True)
    ask(records, FERRY, place=OTHER)
    ask(records, FERRY, asked=NOW - (DAYS + 1) * 86_400)
    ask(records, None)
    assert gaps(missing) == Gaps()
    assert said(gaps(missing, OTHER)) == [(FERRY, 1)]


def test_a_follow_up_is_shown_with_what_it_refers_to(missing, records):
    """What leans on an earlier question is shown as it was searched for; what stands alone as it was asked."""
    ask(records, "and when does it leave?", searched="when does it leave, the island ferry?")
    ask(records, "Who runs the musem?", searched="Who runs the museum?")
    assert {one for one, _ in said(gaps(missing))} == {"when does it leave, the island ferry?", "Who runs the musem?"}


def test_answers_that_helped_nobody(missing, records):
    """A question whose answer most people found of no help is a gap; one whose answer helped is none, even where
    nothing sure enough was found."""
    for person, helpful in ((1, False), (2, False), (3, True)):
        judge(records, FERRY, person, helpful, ("a.md", "The ferry is blue."))
    for person, helpful in ((1, True), (2, True), (3, False)):
        judge(records, "Who runs the museum?", person, helpful, ("a.md", "Ann does."))
    answer = ask(records, RYE)
    judge(records, RYE, 1, True, ("b.md", "Rye bread."), answer=answer)
    assert said(gaps(missing)) == [(FERRY, 2)]


def test_what_is_answered_by_now_is_left_out(missing, records, library, encoder, articles):
    """Questions are asked again: those that the present articles answer are left out, and counted."""
    ask(records, FERRY)
    ask(records, RYE)
    assert len(gaps(missing).gaps) == 2
    Indexer(library.corpus(SERVER, create=True).store, encoder).sync([str(articles)])
    found = gaps(missing)
    assert said(found) == [(FERRY, 1)]
    assert found.answered == 1


def test_an_answer_that_helped_nobody_is_no_answer(missing, records, library, encoder, articles):
    """A question is still a gap as long as the first sentence is one that was judged to be of no help."""
    Indexer(library.corpus(SERVER, create=True).store, encoder).sync([str(articles)])
    source = (articles / "bakery.txt").as_posix()
    judge(records, RYE, 1, False, (source, "The bakery sells rye bread on Fridays."))
    judge(records, "How many chicks did the owls raise?", 1, False, (source, "Its oven burns apple wood."))
    found = gaps(missing)
    assert said(found) == [(RYE, 1)]
    assert found.answered == 1


def test_what_could_not_be_asked_again_is_shown_and_asked_the_next_time(missing, records, library, encoder, articles):
    """Where the time is up or the bot stops, the rest is shown unchecked; the next look goes on with it."""
    Indexer(library.corpus(SERVER, create=True).store, encoder).sync([str(articles)])
    ask(records, RYE)
    stopping = threading.Event()
    stopping.set()
    found = gaps(missing, closing=stopping)
    assert (said(found), found.unchecked) == ([(RYE, 1)], 1)
    found = gaps(missing)
    assert (said(found), found.unchecked, found.answered) == ([], 0, 1)


def test_a_deleted_question_is_shown_no_longer(missing, records):
    """What somebody has deleted of their own, or a server's log, is gone at the next look."""
    ask(records, FERRY, person=1)
    ask(records, RYE, person=2)
    assert len(gaps(missing).gaps) == 2
    records.privacy.forget(1)
    assert said(gaps(missing)) == [(RYE, 1)]
    records.servers.forget_questions(SERVER)
    assert gaps(missing) == Gaps()


def test_nothing_is_looked_at_twice(missing, records, monkeypatch):
    """As long as nothing has changed, neither questions nor judgements are read again; after any change they are."""
    answer = ask(records, RYE, person=1)
    judge(records, RYE, 1, True, ("b.md", "Rye bread."), ("b.md", "White bread."), answer=answer)
    read = []
    unanswered = records.learning.unanswered
    monkeypatch.setattr(records.learning, "unanswered", lambda *args: read.append(1) or unanswered(*args))

    def looks():
        read.clear()
        gaps(missing)
        gaps(missing)
        return len(read)

    assert looks() == 1
    assert looks() == 0
    for change in (
        lambda: ask(records, FERRY, person=2),
        lambda: judge(records, FERRY, 3, False, ("a.md", "Blue.")),
        lambda: records.answers.name(answer, 1, 1),
        lambda: records.answers.forget_words(SERVER, lambda seen: seen.text == "Blue."),
        lambda: records.answers.forget_words(SERVER, lambda seen: seen.text == "White bread."),
        lambda: records.privacy.forget(2),
        lambda: records.preferences.change(SERVER, precision=0.5),
    ):
        change()
        assert looks() == 1


def test_reading_is_bounded(missing, records, monkeypatch):
    """Of what was asked in vain, the last some thousand are read."""
    monkeypatch.setattr("records.learning.MOST", 2)
    for day in range(4):
        ask(records, f"question{day} word{day}", asked=NOW - day)
    assert {one for one, _ in said(gaps(missing))} == {"question0 word0", "question1 word1"}


def test_one_look_at_a_time(missing, records, monkeypatch):
    """While one person's look at a server takes its time, another is refused; other servers are not."""
    ask(records, FERRY)
    inside, go_on = threading.Event(), threading.Event()

    def slow(server, question, **options):
        inside.set()
        go_on.wait(10)
        return service_ask(server, question, **options)

    service_ask = missing._service.ask
    monkeypatch.setattr(missing._service, "ask", slow)
    first = threading.Thread(target=gaps, args=(missing,))
    first.start()
    assert inside.wait(10)
    with pytest.raises(Refusal, match="already"):
        gaps(missing)
    assert gaps(missing, OTHER) == Gaps()
    go_on.set()
    first.join()
    assert len(gaps(missing).gaps) == 1


def test_only_the_last_questions_are_looked_at(missing, records, monkeypatch):
    """Of very many questions the ones asked last are looked at; how many were left out is told."""
    monkeypatch.setattr("cogs.missing._MOST", 2)
    for day in range(4):
        ask(records, f"question{day} word{day}", asked=NOW - day)
    found = gaps(missing)
    assert {one for one, _ in said(found)} == {"question0 word0", "question1 word1"}
    assert (found.questions, found.older) == (4, 2)


def test_a_language_that_the_model_does_not_know(missing, records, library, encoder, monkeypatch):
    """Questions in a language that the model does not know are not grouped by what it makes of them."""
    monkeypatch.setattr(type(encoder), "languages", frozenset({"en"}))
    for text in ("Wann fährt die Fähre zur Insel morgen ab?", "Wann fährt die Fähre zur Insel heute morgen ab?"):
        ask(records, text)
    assert len(gaps(missing).gaps) == 2


# -- what is shown


def test_a_page_fits_and_disarms_what_people_wrote():
    """Whatever was asked, a page keeps Discord's limits, and markup and mentions in questions are plain text."""
    nasty = "@everyone **[x](https://evil.example)** `" + "\N{GRINNING FACE}<@1>" * 200
    every = tuple(Gap(nasty, (nasty,) * 40, 123_456, NOW) for _ in range(2 * PAGE + 1))
    shown, page, pages = embed(Gaps(every, 99_999, 9_999, 999, 99), 7)
    assert (page, pages) == (2, 3)
    for number in range(3):
        shown, *_ = embed(Gaps(every, 99_999, 9_999, 999, 99), number)
        assert width(shown.description) <= 4_096 and width(shown.footer.text) <= 2_048
        assert not re.search(r"(?<!\\)(@|\[|<@)", shown.description)
    assert "123,456 people missed an answer" in shown.description
    assert "and asked in 37 other ways" in shown.description


def test_nothing_is_missing():
    """Where no question is left open, that is said."""
    shown, page, pages = embed(Gaps(answered=3), 4)
    assert (page, pages) == (0, 1)
    assert shown.description.startswith("Nothing: no question of the last 90 days")
    assert "3 questions are answered by now" in shown.footer.text
