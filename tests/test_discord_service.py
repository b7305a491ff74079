"""What the cogs ask of the library: each server reaches its own articles and what is shared with it, nothing else."""

import threading
from dataclasses import replace

import pytest

from cogs.articles import _outcome
from cogs.refusal import Refusal
from cogs.service import NOWHERE, Service
from cogs.settings import Settings
from index.corpus import Library
from index.errors import UserError

HARBOUR, MEADOW = 8392802304, 8396996608
OWLS = b"# Owls in the mill\n\nA pair of barn owls nests in the mill. They raised four chicks this summer.\n"
BREAD = b"# The bakery\n\nThe bakery sells rye bread on Fridays. Its oven burns apple wood.\n"


@pytest.fixture
def settings(tmp_path, articles):
    return Settings(articles, tmp_path / "data", 3, 0.8, 100_000, 200, frozenset(), False)


@pytest.fixture
def service(library, encoder, settings):
    return Service(library, encoder, settings)


def sync(service):
    return service.reread_operators(lambda _: None, threading.Event())


def add(service, server, data=OWLS, name="owls.md", number=1, **options):
    return service.add(server, data, name, f"discord:{number}/{name}", **options)


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
    article = add(service, HARBOUR).article
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
    assert restricted.shared(MEADOW) == 0
    named.close()


def test_the_same_file_twice(service):
    """A file with the bytes of an upload is reported as already there, whatever it is called."""
    first = add(service, HARBOUR)
    again = add(service, HARBOUR, OWLS, "copy.txt", 2)
    assert (first.outcome, again.outcome) == ("added", "unchanged")
    assert again.article == first.article
    assert len(service.articles(HARBOUR)) == 1
    assert add(service, MEADOW).outcome == "added"


def test_replacing(service):
    """A file can take the place of an uploaded one, chosen by id or title, and nothing of the old text stays."""
    old = add(service, HARBOUR).article
    new = add(service, HARBOUR, BREAD, "bakery.md", 2, replaces=str(old.id))
    assert (new.outcome, new.article.id) == ("changed", old.id)
    assert [one.title for one in service.articles(HARBOUR)] == ["The bakery"]
    assert add(service, HARBOUR, BREAD, "bakery.md", 3, replaces="the bakery").outcome == "unchanged"
    other = add(service, HARBOUR, number=9).article
    with pytest.raises(UserError, match="already there"):
        add(service, HARBOUR, BREAD, "bakery.md", 4, replaces=str(other.id))


def test_files_that_cannot_be_read(service):
    """A file that is no text is refused with the reader's words, and leaves nothing behind."""
    with pytest.raises(UserError):
        add(service, HARBOUR, bytes(range(256)) * 40, "image.txt")
    with pytest.raises(UserError, match="too large"):
        service.demand_acceptable("a.txt", 100_001)
    with pytest.raises(UserError, match="not supported"):
        service.demand_acceptable("a.xyz", 10)
    service.demand_acceptable("A.TXT", 100_000)
    assert service.articles(HARBOUR) == []


def test_a_refused_file_makes_no_corpus(service, library):
    """A server whose first file is refused has no database afterwards."""
    with pytest.raises(Refusal):
        add(service, HARBOUR, b"", "empty.txt")
    assert library.servers() == []
    add(service, HARBOUR)
    with pytest.raises(Refusal):
        add(service, HARBOUR, b"", "empty.txt", 2)
    assert library.servers() == [HARBOUR]


def test_adding_can_be_stopped(service):
    """A file that is being added when the bot stops is not kept, and that is said."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Refusal, match="stopped"):
        add(service, HARBOUR, cancel=cancel)
    assert service.articles(HARBOUR) == []


def test_replacing_what_is_removed_meanwhile(service, monkeypatch):
    """An upload whose place was removed meanwhile is reported as added, or as not added, never as a replacement."""
    old = add(service, HARBOUR).article
    found = service.find(HARBOUR, str(old.id))
    service.remove(HARBOUR, old.id)
    monkeypatch.setattr(service, "find", lambda *_, **__: found)
    assert _outcome(add(service, HARBOUR, BREAD, "bakery.md", 2, replaces=str(old.id))).startswith("Added")


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
    assert service.reread(HARBOUR, lambda _: None, threading.Event()).unchanged == []
    add(service, HARBOUR)
    assert len(service.reread(HARBOUR, lambda _: None, threading.Event()).unchanged) == 1
    assert len(sync(service).added) == 3
    (articles / "owls.md").unlink()
    assert len(sync(service).removed) == 1
    assert len(service.articles(HARBOUR)) == 1
    assert service.shared(HARBOUR) == 2


def test_most_hits(library, encoder, settings):
    """An answer shows as many hits as the settings allow."""
    service = Service(library, encoder, replace(settings, hits=1))
    sync(service)
    assert len(service.ask(HARBOUR, "Does the bakery's oven burn apple wood?").answer.hits) == 1


def test_a_server_has_room_for_so_many_sentences(library, encoder, settings):
    """One server's uploads end at the configured number of sentences; another's, and the operator's, do not."""
    service = Service(library, encoder, replace(settings, max_sentences=5))
    add(service, HARBOUR)
    with pytest.raises(UserError, match="max_sentences"):
        add(service, HARBOUR, BREAD + b"It opens at six. It closes at two.\n", "bakery.md", 2)
    assert [one.title for one in service.articles(HARBOUR)] == ["Owls in the mill"]
    assert add(service, MEADOW, BREAD + b"It opens at six. It closes at two.\n", "bakery.md", 2).outcome == "added"
    assert len(sync(service).added) == 3
