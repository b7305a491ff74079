"""What the cogs ask of the library: each server reaches its own articles and what is shared with it, nothing else."""

import asyncio
import io
import threading
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import discord
import pytest

from cogs import lists, reports
from cogs.additions import Additions
from cogs.bridge import Bridge
from cogs.direct import Direct
from cogs.refusal import Refusal
from cogs.service import NOWHERE, Service
from cogs.settings import Settings
from cogs.sources import FEEDS, Sources
from cogs.workshop import Workshop
from index.corpus import Library
from index.errors import UserError
from index.reading import InProcess
from index.web.fetch import Fetcher
from records.answers import AnswerRecord
from records.records import Records

HARBOUR, MEADOW = 8392802304, 8396996608
OWLS = b"# Owls in the mill\n\nA pair of barn owls nests in the mill. They raised four chicks this summer.\n"
BREAD = b"# The bakery\n\nThe bakery sells rye bread on Fridays. Its oven burns apple wood.\n"


@pytest.fixture
def settings(tmp_path, articles):
    return Settings(articles, tmp_path / "data", 3, 0.8, 100_000, 200, frozenset(), False)


class Bench:
    """What a bot has at hand, without a bot."""

    def __init__(self, library, encoder, settings):
        self.fetcher = Fetcher(user_agent="test", max_bytes=1_000)
        self.service = Service(library, encoder, settings)
        workshop = Workshop(library, self.service, settings, InProcess(), self.fetcher)
        self.additions = Additions(workshop)
        self.sources = Sources(workshop)

    def __getattr__(self, name):
        return getattr(self.service, name)


@pytest.fixture
def bench():
    made = []

    def make(*parts):
        made.append(Bench(*parts))
        return made[-1]

    yield make
    for one in made:
        one.fetcher.close()


@pytest.fixture
def service(bench, library, encoder, settings):
    return bench(library, encoder, settings)


def refresh(service, server):
    return service.sources.refresh(server, lambda _: None, threading.Event()).report


def sync(service):
    return refresh(service, None)


def add(service, server, data=OWLS, name="owls.md", number=1, *, replaces=None, **options):
    address = f"discord:{number}/{name}"
    if replaces is not None:
        replaces = service.find(server, replaces, upload=True).source
    return service.additions.file(server, data, name, address, replaces=replaces, **options)


def the(added):
    """The one article of an addition, and how it came out."""
    ((article, outcome),) = added.articles
    return outcome, article


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


def test_a_server_asks_its_own_articles_and_the_shared_ones(service):
    """An answer comes from the server's own articles and the operator's, never from another server's."""
    sync(service)
    add(service, HARBOUR, b"# Ferries\n\nThe ferry leaves the pier at noon.\n", "ferries.md")
    asked = service.ask(HARBOUR, "When does the ferry leave the pier?")
    assert asked.answer.hits[0].citation.text == "The ferry leaves the pier at noon."
    assert (asked.own, asked.shared) == (1, 3)
    elsewhere = service.ask(MEADOW, "When does the ferry leave the pier?")
    assert "ferry" not in "".join(hit.citation.text for hit in elsewhere.answer.hits)
    assert (elsewhere.own, elsewhere.shared) == (0, 3)
    assert service.ask(MEADOW, "When was the Tallow Bridge opened by the mayor?").answer.answered


def test_no_id_leads_into_another_server(service):
    """Lists, choices, look-ups, replacements and removals know the articles of their own server alone."""
    _, article = the(add(service, HARBOUR))
    assert service.articles(MEADOW) == service.matching(MEADOW, "") == service.matching(MEADOW, "", uploads=True) == []
    add(service, MEADOW, BREAD, "bakery.md")
    for choice in (str(article.id + 1), "Owls in the mill", "-1", "1 OR 1", "1e3"):
        with pytest.raises(UserError, match="no such article"):
            service.find(MEADOW, choice)
        with pytest.raises(UserError, match="no such uploaded article"):
            add(service, MEADOW, BREAD + b"More.", "bakery.md", 2, replaces=choice)
    with pytest.raises(UserError, match="no longer there"):
        service.remove(MEADOW, article.id + 1)
    service.remove(MEADOW, article.id)  # the same number is an article of its own there
    assert [one.title for one in service.articles(HARBOUR)] == ["Owls in the mill"]


def test_the_operators_articles_cannot_be_removed_from_a_server(service, library):
    """Shared articles may be asked, but are no article of the server that asks."""
    sync(service)
    shared = library.corpus(None).store.articles()
    assert service.matching(HARBOUR, "") == []
    for one in shared:
        with pytest.raises(UserError):
            service.find(HARBOUR, str(one.id))
        with pytest.raises(UserError):
            service.remove(HARBOUR, one.id)
    assert library.corpus(None).store.articles() == shared


def test_direct_messages_ask_what_is_shared_with_every_server(service, tmp_path, encoder, settings):
    """Outside of servers the operator's articles answer if they are for everybody, and not if servers are named."""
    sync(service)
    assert service.is_shared()
    assert service.ask(NOWHERE, "When was the Tallow Bridge opened by the mayor?").answer.answered
    named = Library(tmp_path / "data", encoder, shared_with=frozenset({HARBOUR}))
    restricted = Service(named, encoder, settings)
    assert not restricted.is_shared()
    assert restricted.ask(HARBOUR, "When was the Tallow Bridge opened by the mayor?").answer.answered
    for outside in (NOWHERE, MEADOW):
        assert not restricted.ask(outside, "When was the Tallow Bridge opened by the mayor?").answer.answered
    assert restricted.shelf(MEADOW).shared == 0
    named.close()


def test_the_same_file_twice(service):
    """A file with the bytes of an upload is reported as already there, whatever it is called."""
    first = the(add(service, HARBOUR))
    again = the(add(service, HARBOUR, OWLS, "copy.txt", 2))
    assert (first[0], again[0]) == ("added", "unchanged")
    assert again[1] == first[1]
    assert len(service.articles(HARBOUR)) == 1
    assert the(add(service, MEADOW))[0] == "added"


def test_replacing(service):
    """A file can take the place of an uploaded one, chosen by id or title, and nothing of the old text stays."""
    _, old = the(add(service, HARBOUR))
    outcome, new = the(add(service, HARBOUR, BREAD, "bakery.md", 2, replaces=str(old.id)))
    assert (outcome, new.id) == ("changed", old.id)
    assert [one.title for one in service.articles(HARBOUR)] == ["The bakery"]
    assert the(add(service, HARBOUR, BREAD, "bakery.md", 3, replaces="the bakery"))[0] == "unchanged"
    _, other = the(add(service, HARBOUR, number=9))
    with pytest.raises(UserError, match="already there, as “The bakery”"):
        add(service, HARBOUR, BREAD, "bakery.md", 4, replaces=str(other.id))
    with pytest.raises(UserError, match="several articles"):
        add(service, HARBOUR, zipped(a_md=OWLS), "a.zip", 5, replaces=str(other.id))


def test_files_that_cannot_be_read(service):
    """A file that is no text is refused with the reader's words, and leaves nothing behind."""
    with pytest.raises(UserError):
        add(service, HARBOUR, bytes(range(256)) * 40, "image.txt")
    with pytest.raises(UserError, match="too large"):
        service.additions.demand_acceptable("a.txt", 100_001)
    service.additions.demand_acceptable("A.XYZ", 100_000)
    assert service.articles(HARBOUR) == []
    assert the(add(service, HARBOUR, OWLS, "owls.dat"))[0] == "added"  # it is what it holds


def test_a_refused_file_makes_no_corpus(service, library):
    """A server whose first file is refused has no database afterwards."""
    with pytest.raises(Refusal):
        add(service, HARBOUR, b"", "empty.txt")
    assert library.servers() == []
    with pytest.raises(Refusal, match="None of its 2 files"):
        add(service, HARBOUR, zipped(a_md=b"", b_md=b""), "empty.zip")
    assert library.servers() == []
    add(service, HARBOUR)
    with pytest.raises(Refusal):
        add(service, HARBOUR, b"", "empty.txt", 2)
    assert library.servers() == [HARBOUR]
    assert [one.address for one in library.corpus(HARBOUR).store.ledger.sources()] == ["discord:1/owls.md"]


def test_an_archive(service):
    """A ZIP gives several articles; what fails of it is named, and the same one again brings nothing more."""
    data = zipped(owls_md=OWLS, bread_md=BREAD, empty_md=b"")
    added = add(service, HARBOUR, data, "a.zip")
    assert {one.title: outcome for one, outcome in added.articles} == {
        "Owls in the mill": "added",
        "The bakery": "added",
    }
    text = reports.added(added)
    assert "2 added, 1 failed, from **a.zip**" in text
    assert "empty.md" in text
    again = add(service, HARBOUR, data, "b.zip", 2)
    assert [outcome for _, outcome in again.articles] == ["unchanged", "unchanged"]
    assert service.matching(HARBOUR, "", uploads=True) == []  # none of them can be replaced by itself


def test_copies_step_back(service):
    """The same article again is listed once, with how many others it stands for, and removed with them."""
    text = b"# Owls in the mill\n\n" + b" ".join(b"The owl number %d sleeps in box %d." % (n, n) for n in range(20))
    add(service, HARBOUR, text, "a.md")
    added = add(service, HARBOUR, text + b" The end.", "b.md", 2)
    shelf = service.shelf(HARBOUR)
    (one,) = shelf.articles
    assert shelf.copies == {one.id: 1}
    assert "and 1 other address" in lists.page_of(shelf, 0)[0].description
    assert "same as" in reports.added(added) or the(added)[1] == one
    assert service.matching(HARBOUR, "owls") == [one]
    service.remove(HARBOUR, one.id)
    assert service.shelf(HARBOUR).articles == []
    assert not refresh(service, HARBOUR).added


def test_adding_can_be_stopped(service):
    """A file that is being added when the bot stops is not kept, and that is said."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Refusal, match="stopped"):
        add(service, HARBOUR, cancel=cancel)
    assert service.articles(HARBOUR) == []


def test_replacing_what_is_removed_meanwhile(service):
    """An upload whose place was removed meanwhile is reported as added, never as a replacement."""
    _, old = the(add(service, HARBOUR))
    service.remove(HARBOUR, old.id)
    added = service.additions.file(HARBOUR, BREAD, "bakery.md", "discord:2/bakery.md", replaces=old.source)
    assert reports.added(added).startswith("Added")


def test_whose_error_it_is(service, library):
    """A damaged database is the operator's to mend, and no refusal of what was asked."""
    path = library.path(HARBOUR)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 1_000)
    for attempt in (
        lambda: service.ask(HARBOUR, "Why?"),
        lambda: service.articles(HARBOUR),
        lambda: add(service, HARBOUR),
    ):
        with pytest.raises(UserError) as caught:
            attempt()
        assert not isinstance(caught.value, Refusal)


def test_titles_that_several_articles_have(service):
    """A title typed out finds its article, unless several have it: then an id has to be chosen."""
    add(service, HARBOUR)
    assert service.find(HARBOUR, "OWLS in the mill ").title == "Owls in the mill"
    add(service, HARBOUR, OWLS + b"More.\n", "owls.md", 2)
    with pytest.raises(UserError, match="Several"):
        service.find(HARBOUR, "Owls in the mill")
    assert [one.title for one in service.matching(HARBOUR, "MILL")] == ["Owls in the mill"] * 2
    assert len(service.matching(HARBOUR, "", most=1)) == 1


def test_rereading(service, articles):
    """Re-reading goes through a server's uploads and the operator's folder, each into its own corpus."""
    assert refresh(service, HARBOUR).unchanged == []
    add(service, HARBOUR)
    assert len(refresh(service, HARBOUR).unchanged) == 1
    assert len(sync(service).added) == 3
    (articles / "owls.md").unlink()
    assert len(sync(service).removed) == 1
    assert len(service.articles(HARBOUR)) == 1
    assert service.shelf(HARBOUR).shared == 2


def test_most_hits(bench, library, encoder, settings):
    """An answer shows as many hits as the settings allow."""
    service = bench(library, encoder, replace(settings, hits=1))
    sync(service)
    assert len(service.ask(HARBOUR, "Does the bakery's oven burn apple wood?").answer.hits) == 1


def test_a_server_has_room_for_so_many_sentences(bench, library, encoder, settings):
    """One server's uploads end at the configured number of sentences; another's, and the operator's, do not."""
    service = bench(library, encoder, replace(settings, max_sentences=5))
    add(service, HARBOUR)
    with pytest.raises(UserError, match="max_sentences"):
        add(service, HARBOUR, BREAD + b"It opens at six. It closes at two.\n", "bakery.md", 2)
    assert [one.title for one in service.articles(HARBOUR)] == ["Owls in the mill"]
    assert the(add(service, MEADOW, BREAD + b"It opens at six. It closes at two.\n", "bakery.md", 2))[0] == "added"
    assert len(sync(service).added) == 3


def test_a_server_has_room_for_so_many_links(service, library):
    """A server that has a great many pages and feeds looked at gets no more of them; another does."""
    add(service, HARBOUR)
    ledger = library.corpus(HARBOUR).store.ledger
    for n in range(200):
        ledger.add("page", f"https://example.org/{n}", 0.0)
    with pytest.raises(Refusal, match="200 links and feeds"):
        service.additions.link(HARBOUR, "http://127.0.0.1/")
    with pytest.raises(Refusal, match=r"127\.0\.0\.1"):
        service.additions.link(MEADOW, "http://127.0.0.1/")
    assert library.servers() == [HARBOUR]


def test_feeds_of_another_server(service, library):
    """No id or address leads to another server's feed; what is there is found by id, title or address."""
    add(service, HARBOUR)
    feed = library.corpus(HARBOUR).store.ledger.add("feed", "https://example.org/feed", 0.0, title="News")
    page = library.corpus(HARBOUR).store.ledger.add("page", "https://example.org/page", 0.0, title="A page")
    find = service.sources.find
    assert [find(HARBOUR, one, FEEDS).id for one in (str(feed.id), "NEWS", feed.address)] == [feed.id] * 3
    assert service.sources.matching(MEADOW, "", FEEDS) == service.sources.listed(MEADOW, FEEDS) == []
    for server, choice in ((MEADOW, str(feed.id)), (MEADOW, "News"), (HARBOUR, str(page.id)), (HARBOUR, "A page")):
        with pytest.raises(Refusal, match="no such feed"):
            service.sources.set_state(server, choice, FEEDS, "paused")
    for server, number in ((MEADOW, feed.id), (HARBOUR, page.id)):
        with pytest.raises(Refusal, match="no longer there"):
            service.sources.remove(server, number, FEEDS, keep_articles=False)
    assert {one.state for one in library.corpus(HARBOUR).store.ledger.sources()} == {"active"}


def test_waiting_is_opt_in(bench, library, encoder, settings):
    """A question that finds nothing is kept where the operator wants it and the server has articles."""
    question = "Who won the football World Cup?"
    for kept, keep_for, expected in ((False, 7, []), (True, None, []), (True, 7, [(question, 7)])):
        service = bench(library, encoder, replace(settings, keep_waiting=kept))
        add(service, HARBOUR)
        for server in (HARBOUR, MEADOW, NOWHERE):
            service.ask(server, question, keep_for=keep_for)
        waiting = library.corpus(HARBOUR).store.ledger.waiting()
        assert [(one.question, one.asker) for one in waiting] == expected
    assert library.servers() == [HARBOUR]


def titles(found):
    return [(one.article.title, one.shared) for one in found]


def test_what_may_be_asked_one_by_one(service):
    """A server's own articles come before the shared ones, each by title; what was typed narrows them."""
    sync(service)
    add(service, HARBOUR)
    add(service, MEADOW, BREAD, "bakery.md")
    assert titles(service.askable(HARBOUR))[0] == ("Owls in the mill", False)
    assert [shared for _, shared in titles(service.askable(HARBOUR))] == [False, True, True, True]
    assert titles(service.askable(MEADOW, " BAKERY ")) == [("The bakery", False), ("A bakery on Quarry Street", True)]
    assert all(one.shared for one in service.askable(NOWHERE))
    assert len(service.askable(HARBOUR, most=2)) == 2
    assert len({one.choice for one in service.askable(HARBOUR)}) == 4


def test_one_article_answers(service):
    """The one article that is asked answers, by its choice or its title, and its title is told; others do not."""
    sync(service)
    add(service, HARBOUR)
    question = "How many chicks did they raise this summer in the mill?"
    own, shared = (
        next(one for one in service.askable(HARBOUR, "mill") if one.shared is shared) for shared in (False, True)
    )
    for one, source in ((own, "discord:1/owls.md"), (shared, None)):
        asked = service.ask(HARBOUR, question, article=one.choice)
        found = asked.answer.hits[0] if asked.answer.hits else asked.answer.nearest
        assert found.citation.article.source == one.article.source
        assert (source is None) or found.citation.article.source == source
        assert asked.only == one.article.title
    assert service.ask(HARBOUR, question, article="OWLS in the mill ").only == "Owls in the mill"
    assert not service.ask(HARBOUR, question, article="The Tallow Bridge").answer.answered
    assert service.ask(HARBOUR, question).only is None


def test_no_choice_leads_into_another_server(service):
    """What stands for an article in one server is refused in another, or stands for another one of its own."""
    add(service, HARBOUR)
    (own,) = service.askable(HARBOUR)
    question = "How many chicks did they raise this summer in the mill?"
    with pytest.raises(Refusal, match="no such article"):
        service.ask(MEADOW, question, article=own.choice)
    with pytest.raises(Refusal, match="no such article"):
        service.ask(NOWHERE, question, article=own.choice)
    add(service, MEADOW, BREAD, "bakery.md")
    asked = service.ask(MEADOW, question, article=own.choice)
    assert asked.only == "The bakery"
    for forged in ("shared:1", "own:2", "own:", "own:1 ", "1", ""):
        with pytest.raises(Refusal, match="no such article"):
            service.ask(MEADOW, question, article=forged)


def test_titles_that_are_not_single(service):
    """A title that several articles have is refused with what to do; their choices are not."""
    add(service, HARBOUR)
    add(service, HARBOUR, OWLS.replace(b"four", b"five"), "owls.md", 2)
    with pytest.raises(Refusal, match="Several articles have that title"):
        service.ask(HARBOUR, "How many chicks?", article="Owls in the mill")
    assert [service.ask(HARBOUR, "How many chicks?", article=one.choice).only for one in service.askable(HARBOUR)]


def test_a_question_to_one_article_does_not_wait(service, library, encoder, settings, bench):
    """A question to one article that it does not answer is not kept, for all others were not asked."""
    keeping = bench(library, encoder, replace(settings, keep_waiting=True))
    add(keeping, HARBOUR)
    keeping.ask(HARBOUR, "Who won the World Cup?", keep_for=7, article="Owls in the mill")
    assert library.corpus(HARBOUR).store.ledger.waiting() == []
    keeping.ask(HARBOUR, "Who won the World Cup?", keep_for=7)
    assert len(library.corpus(HARBOUR).store.ledger.waiting()) == 1


def test_servers_worth_choosing(service, tmp_path, encoder, settings):
    """Only servers with something else than what everybody may ask are worth choosing outside of servers."""
    sync(service)
    add(service, HARBOUR)
    add(service, MEADOW, BREAD, "bakery.md")
    assert service.worth_choosing([MEADOW, HARBOUR, 77]) == service.having_own([MEADOW, HARBOUR]) == [MEADOW, HARBOUR]
    service.remove(MEADOW, service.articles(MEADOW)[0].id)
    assert service.having_own([MEADOW, HARBOUR]) == [HARBOUR]
    named = Library(tmp_path / "data", encoder, shared_with=frozenset({77}))
    restricted = Service(named, encoder, settings)
    assert restricted.worth_choosing([HARBOUR, 77, 78]) == restricted.having_own([HARBOUR, 77, 78]) == [HARBOUR, 77]
    named.close()


def test_choosing_a_server_opens_none(service, library):
    """Finding out whose articles somebody could ask keeps none of them open: those that are asked have the room."""
    for server in (HARBOUR, MEADOW):
        add(service, server)
    library.close()
    assert service.having_own([HARBOUR, MEADOW, 77]) == [HARBOUR, MEADOW]
    assert not {HARBOUR, MEADOW} & set(library.opened())


def test_choices_of_people(tmp_path):
    """A person's choice of a server is kept until the next one, and each person's is their own."""
    records = Records(tmp_path)
    assert records.people.chosen(1) is None
    records.people.choose(1, HARBOUR, 1.0)
    records.people.choose(2, MEADOW, 1.0)
    records.people.choose(1, MEADOW, 2.0)
    records.people.forget(2, HARBOUR)
    records.close()
    records = Records(tmp_path)
    assert (records.people.chosen(1), records.people.chosen(2)) == (MEADOW, MEADOW)
    records.people.forget(2, MEADOW)
    assert records.people.chosen(2) is None
    records.close()


def test_who_has_asked_in_a_server_is_looked_for_there_first(tmp_path):
    """Somebody is found in a server in which they were answered, among however many, also by a bot just started."""
    records, asked = Records(tmp_path), []
    records.answers.keep(AnswerRecord(HARBOUR, HARBOUR, 5, True, 1.0, False, 3, None, None, "m", "r"))

    def guild(number):
        async def fetch_member(person):
            asked.append(number)
            if number != HARBOUR:
                raise discord.NotFound(SimpleNamespace(status=404, reason=""), {"code": 10007, "message": "no"})
            return SimpleNamespace(id=person)

        return SimpleNamespace(id=number, name=str(number), fetch_member=fetch_member)

    async def looked_for():
        bridge = Bridge()
        offering = SimpleNamespace(worth_choosing=list, having_own=list)
        bot = SimpleNamespace(bridge=bridge, records=records, service=offering, preferences=records.preferences.of)
        bot.guilds = [guild(number) for number in (*range(1, 200), HARBOUR)]
        found = await Direct(bot).ground(5)
        await bridge.close()
        return found

    found = asyncio.run(looked_for())
    assert found.server is not None and found.server.id == HARBOUR
    assert HARBOUR in asked and len(asked) < 100
    records.close()
