"""What people judged, turned into a measure: majorities, what still stands, scores, comparisons; and the command and
the bot's own look that use it. On real records and corpora."""

import asyncio
import json
import math
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from test_cli import _environment, bot  # noqa: F401 — fixtures

from cogs.bridge import Bridge
from cogs.measuring import Measurer
from cogs.service import Service
from cogs.settings import Settings
from cogs.vigilance import said, tell_of
from index.indexer import Indexer
from records.answers import Judgement, Seen
from records.learning import Score
from records.records import Records
from retrieval.feedback import (
    ENOUGH,
    Feedback,
    Judged,
    Quote,
    compared,
    configuration,
    key_of,
    merged,
    result,
    spans_of,
    still_there,
)
from retrieval.ranker import SHIPPED, LearnedRanker
from retrieval.retriever import Retriever
from terminal.session import Exit

SERVER, OTHER = 71, 72
A, B, C = Quote("a.md", "One."), Quote("b.md", "Two."), Quote("c.md", "Three.")
THINGS = """
    anchor barrel candle dinghy engine ferry gangway harbour island jetty kettle ladder mooring net oar pier quay rudder
    sail tiller umbrella vessel winch yacht
""".split()


@dataclass
class Said:
    """A judgement, as far as merging looks at it."""

    person: int
    question: str
    helpful: bool
    hits: tuple[Seen, ...]
    hit: int | None = None
    judged: float = 0.0


def says(person, helpful, *quotes, question="Who?", hit=None, judged=0.0):
    hits = tuple(Seen(number, *quote) for number, quote in enumerate(quotes))
    return Said(person, question, helpful, hits, hit, judged)


# -- from judgements to questions


def test_helpful_means_the_sentence_that_was_named():
    """Helpful: the sentence that was named answers, or else the first; of the others nothing is known."""
    assert merged([says(1, True, A, B, hit=1)]).questions == (Judged("Who?", (B,), ()),)
    assert merged([says(1, True, A, B)]).questions == (Judged("Who?", (A,), ()),)
    assert merged([says(1, True, A, B, hit=7)]).questions == ()
    assert merged([says(1, True)]).questions == ()


def test_not_helpful_means_every_sentence_seen():
    """Not helpful: none of the sentences that were seen answers."""
    assert merged([says(1, False, A, B)]).questions == (Judged("Who?", (), (A, B)),)


def test_the_majority_is_believed():
    """Of each sentence the majority decides, and one on which people disagree evenly is left out and counted."""
    found = merged([says(1, True, A), says(2, True, A), says(3, False, A, B), says(4, True, C), says(5, False, C)])
    assert found == Feedback((Judged("Who?", (A,), (B,)),), disagree=1)
    assert merged([says(1, True, A), says(2, False, A)]) == Feedback((), disagree=1)


def test_everybody_counts_once():
    """What a person said last of a sentence counts, however often they asked."""
    first = [says(1, False, A, judged=n) for n in range(3)]
    assert merged([*first, says(1, True, A, judged=9)]).questions == (Judged("Who?", (A,), ()),)
    assert merged([*first, says(2, True, A), says(3, True, A)]).questions == (Judged("Who?", (A,), ()),)


def test_questions_that_read_alike_are_one():
    """Case, blanks and the mark at the end make no other question; the last way to write it is kept."""
    found = merged([says(1, True, A, question="who  came?", judged=1), says(2, True, B, question="Who came", judged=2)])
    assert found.questions == (Judged("Who came", (A, B), ()),)
    assert key_of("Wer kam ?!") == key_of("wer kam")


def test_a_key_tells_what_was_judged_and_no_words():
    """The same question judged otherwise has another key, and no word can be read from one."""
    keys = {one.key for one in (Judged("Who?", (A,), ()), Judged("Who?", (), (A,)), Judged("Who?", (A, B), ()))}
    assert len(keys) == 3
    assert Judged("Who?", (A, B), ()).key == Judged("who", (B, A), ()).key
    assert all(set(key) <= set("0123456789abcdef") for key in keys)


def test_what_left_the_articles_is_left_out():
    """Sentences that no longer stand in their article, or whose article is gone, are left out and counted."""
    feedback = Feedback((Judged("Who?", (A,), (B,)), Judged("When?", (C,), ())), disagree=2)
    found = still_there(feedback, {"a.md": "Zero.\nOne.", "b.md": "Too."})
    assert found == Feedback((Judged("Who?", (A,), ()),), disagree=2, gone=2)
    assert [span.of("a  One\nmore. b") for span in spans_of(Quote("a", "One more."), "a  One\nmore. b")] == [
        "One\nmore."
    ]
    assert spans_of(Quote("a", ""), "a") == []


# -- scores


@pytest.fixture
def texts(library, encoder, tmp_path):
    """A server's own articles, one about each of the things; source → text."""
    folder = tmp_path / "things"
    folder.mkdir()
    for n, thing in enumerate(THINGS):
        text = f"The {thing} was built in {1800 + n} by hand. Nobody knows where the {thing} came from.\n"
        (folder / f"{thing}.txt").write_text(text, encoding="utf-8")
    store = library.corpus(SERVER, create=True).store
    Indexer(store, encoder).sync([str(folder)])
    return {one.source: store.load(one.id).text for one in store.articles()}


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "data")
    yield records
    records.close()


@pytest.fixture
def upside_down(tmp_path):
    """The file of a ranker that puts the worst sentence first."""
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    for model in content["models"].values():
        for term in model["ranking"]["terms"].values():
            term["weight"] *= -1
    path = tmp_path / "ranker.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def quotes(texts, thing):
    """The two sentences about a thing."""
    source, text = next((source, text) for source, text in texts.items() if f"{thing}.txt" in source)
    first, end, second = text.strip().partition("hand.")
    return Quote(source, first + end), Quote(source, second.strip())


def judge(records, texts, things=THINGS, *, helpful=True, server=SERVER):
    """Lets one person judge a question about each thing: the first sentence to be right, or to be wrong."""
    for thing in things:
        n = THINGS.index(thing)
        right, _ = quotes(texts, thing)
        hits = (Seen(0, *right),)
        question = f"When was the {thing} built?"
        judged = Judgement(1_000 * server + n + 1, 5, server, helpful, None, 1.0, question, hits, "hash", "r")
        records.answers.judge(judged)


def test_scores(texts, library, encoder, upside_down):
    """A right sentence scores by its place and a wrong one by being behind; what cannot be found scores nothing."""
    good = Retriever([library.corpus(SERVER)], encoder)
    bad = Retriever([library.corpus(SERVER)], encoder, LearnedRanker(upside_down))
    right, other = quotes(texts, "anchor")
    question = "When was the anchor built?"
    assert result(good, Judged(question, (right,), ()), texts).score == 1
    assert result(bad, Judged(question, (right,), ()), texts).score < 0.5
    found = result(good, Judged(question, (), (right,)), texts)
    assert (found.score, found.wrong_first) == (0, True)
    found = result(good, Judged(question, (other,), (right,)), texts)
    assert (found.score, found.wrong_first) == (0.5, True)
    nowhere = quotes(texts, "yacht")[0]
    assert result(good, Judged(question, (nowhere._replace(source="gone"),), ()), texts).score == 0
    assert result(good, Judged("zebra crossing", (), (nowhere,)), texts).wrong_first is False


# -- comparisons


def scores(*values):
    return {str(n): value for n, value in enumerate(values)}


def test_a_loss_is_one_beyond_chance():
    """So many questions have to fall that as many would by chance in less than one case of twenty."""
    before = scores(*[1.0] * 30)
    for worse, lower in ((4, False), (5, True), (30, True)):
        found = compared(before, scores(*[0.5] * worse, *[1.0] * (30 - worse)))
        assert (found.worse, found.better, found.lower) == (worse, 0, lower)
        assert found.likely == pytest.approx(0.5**worse)
    mixed = compared(scores(*[0.5] * 30), scores(*[1.0] * 8, *[0.0] * 12, *[0.5] * 10))
    exact = sum(math.comb(20, k) for k in range(12, 21)) / 2**20
    assert (mixed.worse, mixed.better, mixed.lower) == (12, 8, False)
    assert mixed.likely == pytest.approx(exact)


def test_equal_or_better_is_no_loss():
    """Where nothing changed, or for the better, there is nothing to tell."""
    same = scores(*[0.5] * 30)
    assert (compared(same, same).likely, compared(same, same).lower) == (1.0, False)
    assert not compared(same, scores(*[1.0] * 30)).lower
    # Many a little worse, few much better: on the whole it is no loss.
    assert not compared(same, scores(*[0.49] * 20, *[1.0] * 10)).lower


def test_only_questions_of_both_are_compared():
    """Fewer than enough questions in common tell nothing; those that only one has do not count."""
    assert compared(scores(*[1.0] * 30), scores(*[0.0] * (ENOUGH - 1))) is None
    found = compared(scores(*[1.0] * 30), scores(*[0.0] * ENOUGH))
    assert (found.questions, found.before, found.now) == (ENOUGH, 1.0, 0.0)


def test_what_makes_another_configuration(encoder):
    """Another model, prefix or ranker is another configuration."""
    other = type(encoder)(passage_prefix="passage: ")
    named = [
        configuration(encoder.identity, "r"),
        configuration(other.identity, "r"),
        configuration(encoder.identity, "s"),
    ]
    assert len({(one.model, one.ranker) for one in named}) == 3
    assert all(one.model.startswith("hash/") for one in named)


# -- kept


def test_scores_are_kept_for_each_configuration(records):
    """A model and ranker keep their last score; the one measured last comes last, and servers stay apart."""
    for place, model, measured in ((SERVER, "a", 1.0), (SERVER, "b", 2.0), (SERVER, "a", 3.0), (OTHER, "a", 4.0)):
        records.learning.keep(place, Score(model, "r", measured, {"k": measured / 4}))
    assert [(one.model, one.measured) for one in records.learning.scores(SERVER)] == [("b", 2.0), ("a", 3.0)]
    assert records.learning.scores(SERVER)[-1].results == {"k": 0.75}
    records.servers.forget_questions(SERVER)
    assert records.learning.scores(SERVER) == [] and len(records.learning.scores(OTHER)) == 1


# -- the bot's own look


@pytest.fixture
def look(library, encoder, records, tmp_path):
    """Looks as a bot with this ranker would; "never" stops it."""

    def fall(ranker=None, *, cancel=None):
        settings = Settings(tmp_path, tmp_path / "data", 3, 0.8, 100_000, 200, frozenset(), False)
        service = Service(library, encoder, settings, ranker=LearnedRanker(ranker) if ranker else None)
        return Measurer(library, service, records).fall(SERVER, cancel or threading.Event())

    return fall


def test_a_worse_ranker_is_noticed(look, records, texts, upside_down):
    """Once another ranker answers the judged questions worse than the one before, that is found; going back is none."""
    judge(records, texts)
    assert look() is None
    fall = look(upside_down)
    assert fall.comparison.lower and fall.comparison.worse == len(THINGS)
    assert (fall.before.ranker, fall.now.ranker) == tuple(LearnedRanker(one).identity for one in (SHIPPED, upside_down))
    assert fall == look(upside_down)
    assert look() is None
    assert f"of {len(THINGS)} questions, {len(THINGS)} are answered worse and 0 better" in said(fall)


def test_a_warning_that_could_not_be_sent_is_sent_later(look, records, texts, upside_down):
    """While Discord is away the warning is not used up: it comes with the next look, and then once."""
    judge(records, texts)
    look()
    fall, sent = look(upside_down), []
    records.preferences.change(SERVER, log_channel=9)

    async def told(*, away):
        async def send(text, **_):
            if away:
                raise OSError("away")
            sent.append(text)

        client = SimpleNamespace(bridge=Bridge(), records=records, settings=SimpleNamespace(log_channel=None))
        client.preferences = records.preferences.of
        client.get_channel = client.language = lambda _: None
        client.get_partial_messageable = lambda _: SimpleNamespace(send=send)
        await tell_of(client, fall)
        await client.bridge.close()

    for away in (True, False, False):
        asyncio.run(told(away=away))
    assert sent == [said(fall)]


def test_it_is_measured_once(look, records, texts, monkeypatch):
    """As long as judgements, model and ranker stay the same, nothing is asked again; a new judgement is."""
    judge(records, texts, THINGS[:22])
    look()
    (score,) = records.learning.scores(SERVER)
    assert len(score.results) == 22 and set(score.results.values()) == {1.0}
    asked = []
    rank = Retriever.rank
    monkeypatch.setattr(
        Retriever, "rank", lambda self, question, **more: asked.append(question) or rank(self, question, **more)
    )
    look()
    assert asked == []
    judge(records, texts, THINGS[22:])
    look()
    assert len(asked) == len(records.learning.scores(SERVER)[0].results) == 24


def test_too_few_judgements_are_not_measured(look, records, texts):
    """Below twenty judged questions nothing is measured, nor where too few of the sentences still stand."""
    judge(records, texts, THINGS[: ENOUGH - 1])
    assert look() is None and records.learning.scores(SERVER) == []


def test_it_gives_way(look, records, texts):
    """Once it is cancelled, nothing is kept of a measurement that is not complete."""
    judge(records, texts)
    cancel = threading.Event()
    cancel.set()
    assert look(cancel=cancel) is None
    assert records.learning.scores(SERVER) == []


def test_nothing_is_measured_while_a_model_takes_over(records, texts, library, tmp_path):
    """While articles still have an earlier model's vectors, the present model is not blamed."""
    from conftest import HashEncoder

    from index.corpus import Library

    judge(records, texts)
    library.close()
    encoder = HashEncoder(512, model="new")
    earlier = Library(
        tmp_path / "data", encoder, previous=lambda stamp: HashEncoder(stamp.dimension, model=stamp.model)
    )
    settings = Settings(tmp_path, tmp_path / "data", 3, 0.8, 100_000, 200, frozenset(), False)
    measurer = Measurer(earlier, Service(earlier, encoder, settings), records)
    assert measurer.fall(SERVER, threading.Event()) is None and records.learning.scores(SERVER) == []
    earlier.close()


# -- in the terminal


def evaluated(bot, *options):  # noqa: F811
    return bot("evaluate", "--from-feedback", *options)


def test_evaluate_from_feedback(bot, records, texts, tmp_path):  # noqa: F811
    """The figures of judged questions, of sentences judged wrong, and what was left out; and the set as a file."""
    judge(records, texts)
    helpful = says(9, True, quotes(texts, "oar")[1], question="Where did the oar come from?")
    judge_one(records, 500, helpful)
    judge_one(records, 501, says(9, False, quotes(texts, "sail")[0], question="When was the sail built?"))
    judge_one(records, 502, says(9, False, quotes(texts, "winch")[1], question="Where did the winch come from?"))
    judge_one(records, 503, says(9, True, Quote("gone.txt", "It is gone."), question="What is gone?"))
    out = evaluated(
        bot, "--write", tmp_path / "set.jsonl", "--json", tmp_path / "f.json", "--html", tmp_path / "f.html"
    )
    assert out.code == Exit.DONE, out.err
    assert f"server {SERVER} · the right sentence · all: 24 questions" in out.out
    assert (
        f"Server {SERVER}: 25 judged questions. Left out: 1 sentence on which as many say yes as no and 1 sentence"
        in out.out
    )
    assert "Of 1 question with sentences judged wrong, 1 have one first (100%)." in out.out
    (data,) = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert (data["server"], data["questions"], data["disagree"], data["gone"]) == (SERVER, 25, 1, 1)
    assert data["tables"][0]["parts"][0]["systems"]["verbatim"]["R@1"]["value"] > 0.9
    assert f"server {SERVER}" in (tmp_path / "f.html").read_text(encoding="utf-8")
    again = bot("evaluate", tmp_path / "set.jsonl", "--server", SERVER)
    assert again.code == Exit.DONE and "all: 24 questions" in again.out


def judge_one(records, answer, said, server=SERVER):
    judged = Judgement(answer, said.person, server, said.helpful, said.hit, 2.0, said.question, said.hits, "hash", "r")
    records.answers.judge(judged)


def test_evaluate_compares_with_before(bot, records, texts, tmp_path, upside_down):  # noqa: F811
    """A ranker that answers worse than the one before is said to, with both figures; one that does not is not."""
    judge(records, texts)
    first = evaluated(bot)
    assert first.code == Exit.DONE and "Beside" not in first.out
    assert "Mean score: 1.000." in first.out
    (tmp_path / "config.toml").write_text(f"[ranking]\nweights = '{upside_down}'\n")
    second = evaluated(bot)
    assert (
        "instead of 1.000 on the 24 questions of both; 24 answered worse, 0 better. That is WORSE, beyond chance"
        in second.out
    )
    (tmp_path / "config.toml").unlink()
    third = evaluated(bot, "--server", SERVER)
    assert "0 answered worse, 24 better. That is no worse." in third.out


def test_evaluate_says_what_is_missing(bot, records, texts, tmp_path):  # noqa: F811
    """Without enough judgements it says how many there are and how to get more."""
    none = evaluated(bot)
    assert none.code == Exit.ERROR and "Nothing has been judged yet" in none.err and "/settings" in none.err
    judge(records, texts, THINGS[:3])
    few = evaluated(bot)
    assert few.code == Exit.ERROR
    assert f"Server {SERVER}: 3 judged questions, and {ENOUGH} are needed." in few.err
    assert "too few judged questions" in few.err and "👍" in few.err
    assert evaluated(bot, "--server", OTHER).code == Exit.ERROR
    assert (path := tmp_path / "few.jsonl") and evaluated(bot, "--write", path).code == Exit.ERROR
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_every_server_is_asked_in_its_own_articles(bot, records, texts, tmp_path):  # noqa: F811
    """Without `--server`, each server that has judgements is evaluated by itself; a file is about one alone."""
    judge(records, texts)
    judge(records, texts, server=OTHER)
    result = evaluated(bot)
    assert result.code == Exit.DONE and f"Server {SERVER}: 24 judged questions" in result.out
    # The other server does not have those articles: nothing of what it judged stands in its own.
    assert f"Server {OTHER}: 0 judged questions" in result.err
    both = evaluated(bot, "--write", tmp_path / "set.jsonl")
    assert both.code == Exit.ERROR and f"--server: {SERVER}, {OTHER}" in both.err


def test_evaluate_wants_one_of_both(bot, tmp_path):  # noqa: F811
    """A file and `--from-feedback` exclude each other, and `--write` goes with the latter."""
    (tmp_path / "q.jsonl").write_text("{}")
    assert evaluated(bot, tmp_path / "q.jsonl").code == Exit.USAGE
    assert bot("evaluate", tmp_path / "q.jsonl", "--write", tmp_path / "x").code == Exit.USAGE
    assert evaluated(bot, "--write", tmp_path / "no" / "x").code == Exit.ERROR


def test_nothing_is_made_where_nothing_is(bot, tmp_path):  # noqa: F811
    """Looking for judgements where there are none makes no file."""
    assert evaluated(bot).code == Exit.ERROR
    assert not (tmp_path / "data" / "discord.db").exists()


def test_a_rebuild_says_how_to_see_whether_it_got_better(bot, records, texts):  # noqa: F811
    """After a change of model, whoever has judgements is told how to see what it did to them."""
    assert "evaluate --from-feedback" not in bot("index", "--rebuild").out
    judge(records, texts, THINGS[:1])
    assert "evaluate --from-feedback" in bot("index", "--rebuild").out
