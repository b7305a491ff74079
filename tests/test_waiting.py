"""Questions that found nothing: kept where that is wanted, asked again, and told when there is an answer."""

import json
import threading

import pytest
from test_cli import _environment, bot  # noqa: F401 - fixtures

from index.errors import UserError
from index.indexer import Indexer
from retrieval.answer import Answer
from retrieval.retriever import Retriever
from retrieval.several import Several
from retrieval.waiting import answered_now, keep
from terminal.session import Exit

OWLS = "When do visitors watch the owls?"
BAKERY = "What does the bakery sell on Fridays?"


@pytest.fixture
def asking(corpus, encoder, articles):
    """A corpus with two articles, and what answers from it; the third article, about a bakery, comes later."""
    Indexer(corpus.store, encoder).sync([str(articles / "owls.md"), str(articles / "bridge.md")])
    return Retriever([corpus], encoder)


def waiting(corpus) -> list[str]:
    return [one.question for one in corpus.store.ledger.waiting()]


def test_a_question_waits_until_it_has_an_answer(asking, corpus, encoder, articles):
    """What found nothing is asked again; once an article answers it, it is told with that, and waits no longer."""
    assert keep(asking.ask(BAKERY), corpus.store, asker=42)
    assert answered_now(asking, corpus.store) == [] and waiting(corpus) == [BAKERY]
    Indexer(corpus.store, encoder).sync([str(articles)])
    (one,) = answered_now(Several([corpus], encoder), corpus.store)
    assert (one.question, one.asker, one.article.title) == (BAKERY, 42, "A bakery on Quarry Street")
    assert one.sentence == "The bakery sells rye bread on Fridays."
    assert waiting(corpus) == []


def test_what_has_an_answer_does_not_wait(asking, corpus):
    """A question with an answer is not kept; nor is none at all, or a text too long to be a question."""
    assert not keep(asking.ask(OWLS), corpus.store)
    assert not keep(Answer("", ()), corpus.store)
    assert not keep(Answer("x" * 1_001, ()), corpus.store)
    assert waiting(corpus) == []


def test_a_follow_up_waits_with_what_it_refers_to(corpus):
    """What leans on earlier questions is kept as it was searched for; a question that stands alone as it was asked."""
    keep(Answer("and who opened it?", (), searched="who opened it, Tallow Bridge?"), corpus.store)
    keep(Answer("Who opened the Talow Bridge?", (), searched="Who opened the Tallow Bridge?"), corpus.store)
    assert waiting(corpus) == ["who opened it, Tallow Bridge?", "Who opened the Talow Bridge?"]


def test_a_run_asks_so_many_and_the_next_one_others(asking, corpus):
    """More questions than one run may ask are asked in turn: which come first depends on the state of the corpus."""
    for n in range(5):
        corpus.store.ledger.wait(f"{OWLS} {n}", 0.0, None)
    first = answered_now(asking, corpus.store, most=2)
    assert len(first) == 2 and len(waiting(corpus)) == 3
    start = corpus.store.generation() % 5
    assert [one.question[-1] for one in first] == [str((start + n) % 5) for n in range(2)]
    assert len(answered_now(asking, corpus.store)) == 3


def test_asking_again_can_be_stopped(asking, corpus):
    """Once it is cancelled no further question is asked, and those that were not asked wait on."""
    corpus.store.ledger.wait(OWLS, 0.0, None)
    cancel = threading.Event()
    cancel.set()
    assert answered_now(asking, corpus.store, cancel=cancel) == []
    assert waiting(corpus) == [OWLS]


def test_what_cannot_be_asked_waits_on(asking, corpus, encoder):
    """Where asking fails, every question waits on, also one that had been answered by then."""

    class Failing:
        def ask(self, question, *, top=3):
            if question == BAKERY:
                raise UserError("The model cannot be had.")
            return asking.ask(question, top=top)

    for question in (OWLS, BAKERY):
        corpus.store.ledger.wait(question, 0.0, None)
    with pytest.raises(UserError):
        answered_now(Failing(), corpus.store)
    assert waiting(corpus) == [OWLS, BAKERY]


# -- in the terminal


def keeping(tmp_path, more: str = "") -> None:
    (tmp_path / "config.toml").write_text(f"[answers]\nkeep_waiting = true\n{more}")


def test_index_tells_which_questions_it_answers(bot, articles, tmp_path):  # noqa: F811
    """With `answers.keep_waiting`, `ask` keeps what found nothing, and `index` names the article that answers it."""
    keeping(tmp_path)
    bot("index", articles / "owls.md")
    assert bot("ask", BAKERY).code == bot("ask", "Who discovered penicillin?").code == Exit.NOTHING_FOUND
    assert bot("ask", OWLS).code == Exit.DONE
    assert [line[12:] for line in bot("waiting", "list").out.splitlines()] == [BAKERY, "Who discovered penicillin?"]
    assert "waiting question" not in bot("index", "--dry-run").out
    out = bot("index").out
    assert out.endswith(f"“A bakery on Quarry Street” answers 1 waiting question:\n  {BAKERY}\n")
    assert [row["question"] for row in json.loads(bot("waiting", "list", "--json").out)] == [
        "Who discovered penicillin?"
    ]
    (articles / "alder.txt").write_text("Fleming discovered penicillin. Fleming was the one who discovered penicillin.")
    (told,) = json.loads(bot("index", "--json").out)["answered"]
    assert told["question"] == "Who discovered penicillin?" and "discovered penicillin" in told["text"]


def test_questions_are_kept_only_where_that_is_wanted(bot, articles):  # noqa: F811
    """Unless it is switched on, no question is kept, and the list says how."""
    bot("index", articles / "owls.md")
    bot("ask", BAKERY)
    assert bot("waiting", "list").out.startswith("No questions wait for an answer. None are kept unless")


def test_questions_of_a_server_wait_there(bot, articles, tmp_path):  # noqa: F811
    """A server's questions wait in its own corpus, if it has one, and `waiting clear` forgets them."""
    keeping(tmp_path)
    bot("index", articles / "owls.md")
    bot("ask", BAKERY, "--server", 7)
    assert bot("waiting", "list").out == bot("waiting", "list", "--server", 7).out
    bot("index", articles / "bridge.md", "--server", 7)
    bot("ask", BAKERY, "--server", 7)
    assert bot("waiting", "list").out == "No questions wait for an answer.\n"
    assert BAKERY in bot("waiting", "list", "--server", 7).out
    assert json.loads(bot("waiting", "clear", "--server", 7, "--json").out) == {"removed": 1}
    assert bot("waiting", "clear", "--server", 7).out == "Forgot 0 questions.\n"
    assert not (tmp_path / "data" / "servers" / "8.db").exists()
