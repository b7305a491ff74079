"""What is kept of an answer for the buttons below it, what people say of it, and when it goes."""

import sqlite3
from dataclasses import replace

import pytest
from conftest import ARTICLES

from cogs.answers import Answers, Asking, Press
from cogs.recall import Recall
from cogs.refusal import Refusal
from cogs.service import NOWHERE, Service
from cogs.settings import Settings
from index.errors import UserError
from index.indexer import Indexer
from records.answers import AnswerRecord, Judgement, KeptHit, Place, Seen, digest_of
from records.records import FILE, Records

SERVER, OTHER, ANN, BEN = 7, 8, 70, 71
DAY = 86_400.0
HIT = KeptHit(Place(SERVER, 3, 10, 20, "d1"), 0.9, "strong", (Place(0, 4, 1, 2, "d2"),), (Place(0, 5, 6, 7, "d3"),))


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "data")
    yield records
    records.close()


@pytest.fixture
def settings(tmp_path, articles):
    return Settings(
        articles=articles,
        data=tmp_path / "data",
        hits=3,
        precision=0.5,
        max_bytes=1_000_000,
        max_sentences=10_000,
        manager_roles=frozenset(),
        log_questions=False,
    )


@pytest.fixture
def answers(library, encoder, articles, settings, records):
    """Answers from the three articles of the operator's."""
    Indexer(library.corpus(None, create=True).store, encoder).sync([str(articles)])
    return Answers(Service(library, encoder, settings), records, settings, library)


def record(**values):
    shared = {"place": SERVER, "guild": SERVER, "asker": ANN, "private": False, "asked": 100 * DAY, "answered": True}
    shared |= {"shown": 3, "question": None, "searched": None, "model": "m", "ranker": "r", "hits": (HIT,)}
    return AnswerRecord(**(shared | values))


def judgement(**values):
    shared = {"answer": 1, "person": ANN, "place": SERVER, "helpful": True, "hit": None, "judged": 1.0}
    shared |= {"question": "Who?", "hits": (Seen(0, "a.md", "She “did”."),), "model": "m", "ranker": "r"}
    return Judgement(**(shared | values))


def asking(question="Who opened the Tallow Bridge in 1932?", **values):
    shared = {"asker": ANN, "place": SERVER, "guild": SERVER, "private": False}
    return Asking(question, **(shared | values))


def press(asked, guild=SERVER, person=ANN):
    return Press(asked.id, guild, person)


def test_nothing_is_kept_of_what_nobody_asked(answers, records):
    """Of a post in a forum that has no answer nothing is kept, not even where questions are logged; of one that has,
    as of any question."""
    records.preferences.change(SERVER, log_questions=True)
    silent = answers.ask(asking("Who won the football World Cup in 2022?", unasked=True))
    assert silent.id is None and not silent.answer.answered
    assert records.learning.unanswered(SERVER, 0.0) == []
    assert answers.ask(asking(unasked=True)).id is not None


# -- the records


def test_a_record_comes_back_as_it_was(records):
    """A record is found by its id, with its hits in their order, and nothing is found by another id."""
    kept = record(question="Who?", searched="who", hits=(HIT, replace(HIT, confidence="weak", also_in=())))
    records.answers.keep(kept)
    assert records.answers.of(kept.id) == kept
    for wrong in (kept.id ^ 1, 0, -1, 2**63, 2**70):
        assert records.answers.of(wrong) is None
    direct = record(guild=None, place=NOWHERE, hits=(), answered=False, private=True)
    records.answers.keep(direct)
    assert records.answers.of(direct.id) == direct


def test_ids_are_drawn_by_lot():
    """An answer's id tells nothing of the one before it, and fits SQLite's numbers."""
    ids = [record().id for _ in range(200)]
    assert len(set(ids)) == 200
    assert all(0 < one < 2**63 for one in ids)
    assert ids != sorted(ids)


def test_records_grow_old(records):
    """A record goes after 30 days with all its hits, one with its question after 365."""
    plain, asked = record(), record(question="Who?")
    for one in (plain, asked):
        records.answers.keep(one)
    assert records.answers.prune(130 * DAY) == 0
    assert records.answers.prune(130 * DAY + 1) == 1
    assert records.answers.of(plain.id) is None
    assert records.answers.prune(465 * DAY) == 0
    assert records.answers.of(asked.id) == asked
    assert records.answers.prune(465 * DAY + 1) == 1
    assert records.answers.of(asked.id) is None


def test_judgements_grow_old(records):
    """What was said of an answer goes after a year, with the question and the words that stand beside it."""
    records.answers.judge(judgement(judged=100 * DAY))
    records.answers.prune(465 * DAY)
    assert len(records.answers.judgements()) == 1
    records.answers.prune(465 * DAY + 1)
    assert records.answers.judgements() == []


def test_hits_go_with_their_answer(records, tmp_path):
    """Nothing of a hit is left once its answer's record is gone."""
    records.answers.keep(record())
    records.answers.prune(1_000 * DAY)
    with sqlite3.connect(tmp_path / "data" / FILE) as connection:
        assert connection.execute("SELECT count(*) FROM hit").fetchone() == (0,)


def test_a_judgement_changes_and_is_taken_back(records):
    """Each person has one judgement of an answer: the other one takes its place, the same again takes it back."""
    assert records.answers.judge(judgement())
    assert records.answers.judge(judgement(person=BEN))
    assert records.answers.judgements(SERVER) == [judgement(), judgement(person=BEN)]
    assert records.answers.judge(judgement(helpful=False))
    assert [one.helpful for one in records.answers.judgements()] == [False, True]
    assert not records.answers.judge(judgement(helpful=False))
    assert records.answers.judgements(SERVER) == [judgement(person=BEN)]
    assert records.answers.judgements(OTHER) == []


def test_the_sentence_that_helped(records):
    """Only whoever said that an answer helped can say which sentence did."""
    assert not records.answers.name(1, ANN, 2)
    records.answers.judge(judgement())
    assert records.answers.name(1, ANN, 2)
    assert not records.answers.name(1, BEN, 1)
    assert [one.hit for one in records.answers.judgements()] == [2]
    records.answers.judge(judgement(helpful=False))
    assert not records.answers.name(1, ANN, 0)
    assert [one.hit for one in records.answers.judgements()] == [None]


def test_a_private_answer_is_shared_once(records):
    """A private answer becomes one for all once, and no other with it."""
    one = record(private=True)
    records.answers.keep(one)
    assert records.answers.publish(one.id)
    assert not records.answers.publish(one.id)
    assert not records.answers.of(one.id).private
    assert not records.answers.publish(one.id + 1)


# -- asking


def test_more_is_found_than_shown(answers, records):
    """An answer holds more hits than it shows at first, and its record has all of them."""
    asked = answers.ask(asking("What do the bridge, the bakery and the owls do?", hits=1))
    assert asked.shown == 1
    kept = records.answers.of(asked.id)
    hits = asked.answer.hits or (asked.answer.nearest,)
    assert len(kept.hits) == len(hits)
    assert [one.place.digest for one in kept.hits] == [digest_of(one.citation.text) for one in hits]
    assert {one.place.corpus for one in kept.hits} == {0}
    assert (kept.model, kept.guild, kept.asker) == ("hash", SERVER, ANN)
    assert kept.ranker


def test_questions_are_kept_only_where_the_server_wants_it(answers, records):
    """Without the server's question log no question is kept, and never one asked in private or in direct messages."""
    assert records.answers.of(answers.ask(asking()).id).question is None
    records.preferences.change(SERVER, log_questions=True)
    asked = answers.ask(asking())
    assert asked.judged
    assert records.answers.of(asked.id).question == asking().question
    for hidden in (asking(private=True), asking(guild=None), asking(guild=None, private=True)):
        asked = answers.ask(hidden)
        assert not asked.judged
        assert records.answers.of(asked.id).question is None


def test_a_question_without_an_answer(answers, records):
    """A question that found nothing is kept, too, where the log is on, as one without an answer."""
    records.preferences.change(SERVER, log_questions=True)
    asked = answers.ask(asking("Which comets pass Neptune?"))
    kept = records.answers.of(asked.id)
    assert not asked.answer.answered
    assert (kept.answered, kept.question) == (False, "Which comets pass Neptune?")
    assert asked.judged is bool(kept.hits)


def test_a_record_that_cannot_be_kept_costs_no_answer(answers, monkeypatch, records, caplog):
    """Where a record cannot be written, the answer comes without an id, and so without buttons."""

    def full(_):
        raise UserError("the disk is full")

    monkeypatch.setattr(records.answers, "keep", full)
    asked = answers.ask(asking())
    assert asked.answer.answered
    assert (asked.id, asked.judged, asked.shareable) == (None, False, False)
    assert "the disk is full" in caplog.text


def test_only_a_private_answer_in_a_server_can_be_shared(answers):
    """In public there is nothing to share, and in direct messages nobody to share it with."""
    assert answers.ask(asking(private=True)).shareable
    assert not answers.ask(asking()).shareable
    assert not answers.ask(asking(private=True, guild=None)).shareable


# -- finding again


def test_a_press_finds_the_same_again(answers):
    """What a button shows is what was shown: the same sentences with the same neighbours and places."""
    asked = answers.ask(asking())
    recalled = answers.recall(press(asked))
    found, numbers = recalled.after(0, 10)
    for one, other in zip(found.hits, asked.answer.hits, strict=True):
        assert (one.citation, one.before, one.after) == (other.citation, other.before, other.after)
        assert (one.also_in, one.differing, one.confidence) == (other.also_in, other.differing, other.confidence)
    assert numbers == list(range(len(found.hits)))
    assert recalled.gone == 0


def test_a_press_from_elsewhere(answers):
    """Neither another server, nor a direct message, nor an id that was made up finds an answer; a private one and one
    in direct messages are found by whoever asked alone."""
    shown, hidden = answers.ask(asking()), answers.ask(asking(private=True))
    direct = answers.ask(asking(guild=None))
    assert answers.record(press(shown, person=BEN)).asker == ANN
    assert answers.record(press(hidden)).private
    assert answers.record(press(direct, guild=None)).guild is None
    for wrong in (
        press(shown, guild=OTHER),
        press(shown, guild=None),
        press(hidden, person=BEN),
        press(direct, guild=None, person=BEN),
        press(direct),
        Press(shown.id ^ 1, SERVER, ANN),
    ):
        for use in (answers.record, answers.recall, answers.shareable):
            with pytest.raises(Refusal, match="too old"):
                use(wrong)


def test_what_has_left_the_articles_is_not_shown(answers, library):
    """A removed article's sentences are not found again, nor named as places; when all are gone, that is said."""
    asked = answers.ask(asking())
    store = library.corpus(None).store
    for article in store.articles():
        store.remove([article.id], forget=True)
    with pytest.raises(Refusal, match="changed or removed"):
        answers.recall(press(asked))
    with pytest.raises(Refusal, match="changed or removed"):
        answers.passage(press(asked), 0)


def test_what_an_article_no_longer_says_is_not_shown(answers, library, articles, encoder):
    """A sentence that was changed is not found again; one that still stands where it stood is."""
    asked = answers.ask(asking("Which colour are the towers of the Tallow Bridge, and who opened it?"))
    bridge = articles / "bridge.md"
    bridge.write_text(ARTICLES["bridge.md"].replace("painted green", "painted white"), encoding="utf-8")
    before = {one.citation.text for one in asked.answer.hits}
    Indexer(library.corpus(None).store, encoder).sync([str(articles)])
    try:
        after = {one.citation.text for one in answers.recall(press(asked)).hits.values()}
    except Refusal:
        after = set()
    assert after == {one for one in before if "painted green" not in one}


def test_what_a_server_may_no_longer_ask_is_not_shown(answers, library):
    """When the operator no longer shares articles with a server, old answers from them are not shown there."""
    asked = answers.ask(asking())
    assert answers.recall(press(asked)).hits
    library._shared_with = frozenset({OTHER})
    with pytest.raises(Refusal, match="changed or removed"):
        answers.recall(press(asked))


def test_another_servers_article_of_the_same_number(library, encoder, articles, tmp_path):
    """A place in a server's own corpus is never looked up in another's, whatever numbers articles have."""
    for server in (SERVER, OTHER):
        Indexer(library.corpus(server, create=True).store, encoder).sync([str(articles)])
    text = "It was opened by the mayor in 1932."
    store = library.corpus(OTHER).store
    bridge = next(one for one in store.articles() if "Bridge" in one.title)
    start = store.load(bridge.id).text.index(text)
    stolen = record(hits=(KeptHit(Place(OTHER, bridge.id, start, start + len(text), digest_of(text)), 0.9, "strong"),))
    assert Recall(library).hits(stolen) == {}
    own = record(place=OTHER, guild=OTHER, hits=stolen.hits)
    assert Recall(library).hits(own)[0].citation.text == text


def test_a_passage_is_the_articles_own_text(library, encoder, tmp_path, records, settings):
    """The text around a sentence is the article's, to the letter: its paragraph, and more when it is asked for."""
    folder = tmp_path / "long"
    folder.mkdir()
    lines = [f"Paragraph {n} is about the lamp of the light house. It has a second sentence." for n in range(80)]
    lines[40] = "The keeper wound the clockwork of the lamp every four hours. It was heavy."
    (folder / "light.txt").write_text("The light\n\n" + "\n\n".join(lines), encoding="utf-8")
    store = library.corpus(None, create=True).store
    Indexer(store, encoder).sync([str(folder)])
    answers = Answers(Service(library, encoder, settings), records, settings, library)
    asked = answers.ask(asking("How often did the keeper wind the clockwork of the lamp?"))
    texts = []
    for wide in (False, True):
        _, number, passage = answers.passage(press(asked), 0, wide=wide)
        whole = passage.before + passage.citation.text + passage.after
        assert number == 0
        assert passage.more
        assert whole in store.load(passage.citation.article.id).text
        assert lines[40] in whole
        texts.append(whole)
    assert len(texts[0]) <= 900 < len(texts[1]) <= 2_600
    assert texts[0] in texts[1]


def test_judging(answers, records):
    """A judgement holds the question and the sentences seen, and none is kept once the server's log is off."""
    records.preferences.change(SERVER, log_questions=True)
    asked = answers.ask(asking())
    assert answers.judge(press(asked, person=BEN), 1, helpful=True)
    answers.name(press(asked, person=BEN), 0)
    (kept,) = records.answers.judgements(SERVER)
    best = asked.answer.hits[0].citation
    assert (kept.person, kept.helpful, kept.hit, kept.question) == (BEN, True, 0, asking().question)
    assert kept.hits == (Seen(0, best.article.source, best.text),)
    with pytest.raises(Refusal, match="first"):
        answers.name(press(asked, person=ANN), 0)
    with pytest.raises(Refusal, match="first"):
        answers.name(press(asked, person=BEN), 99)
    records.preferences.change(SERVER, log_questions=False)
    with pytest.raises(Refusal, match="question log"):
        answers.judge(press(asked), 1, helpful=True)


def test_only_whoever_asked_shares(answers):
    """A private answer is shared by whoever asked, once; everybody may use it then."""
    asked = answers.ask(asking(private=True))
    with pytest.raises(Refusal, match="too old"):
        answers.shareable(press(asked, person=BEN))
    assert answers.shareable(press(asked)).hits
    answers.publish(press(asked))
    assert answers.recall(press(asked, person=BEN)).hits
    for person in (ANN, BEN):
        with pytest.raises(Refusal, match="shared already"):
            answers.shareable(press(asked, person=person))


def test_one_share_at_a_time(answers):
    """While an answer is being posted for all, nobody posts it a second time, and everybody may use it; what is not
    posted in the end is private as before."""
    asked, other = answers.ask(asking(private=True)), answers.ask(asking(private=True))
    with pytest.raises(OSError), answers.sharing(press(asked)):
        assert answers.recall(press(asked, person=BEN)).hits
        with pytest.raises(Refusal, match="too old"):
            answers.recall(press(other, person=BEN))
        with pytest.raises(Refusal, match="being shared"), answers.sharing(press(asked)):
            pass
        with answers.sharing(press(other)):
            pass
        raise OSError
    with pytest.raises(Refusal, match="too old"):
        answers.recall(press(asked, person=BEN))
    with answers.sharing(press(asked)):
        answers.publish(press(asked))
    assert answers.recall(press(asked, person=BEN)).hits


def test_a_forged_share_opens_nothing(answers):
    """Whoever presses a button that shares somebody else's answer does not get to see it, nor does anybody else."""
    asked, direct = answers.ask(asking(private=True)), answers.ask(asking(private=True, guild=None))
    wrong = [press(asked, person=BEN), press(asked, guild=OTHER), press(direct, guild=None, person=BEN)]
    for forged in (*wrong, press(asked, guild=OTHER, person=ANN), press(direct, guild=None)):
        with answers.sharing(forged):
            for one in wrong:
                for use in (answers.recall, answers.shareable):
                    with pytest.raises(Refusal, match="too old"):
                        use(one)
