"""Failures of what the bot does by itself: what is told of them, to whom, and that it is told once.

What is news is tested on real corpora and records; telling by a process against Discord and a web on the loopback.
"""

import re
import time

import pytest
from discord_play import command, entry, lay, long, page, restart, rss

from cogs import failures
from cogs.failures import Failures, message
from cogs.overview import Overview
from cogs.schedule import Happened
from cogs.service import NOWHERE, Service
from cogs.settings import Settings
from cogs.sources import Refreshed
from cogs.speech import speaking
from cogs.workshop import Workshop
from index.errors import UserError
from index.ledger import Look
from index.reading import InProcess
from index.report import Settled, SyncReport
from index.store import Store
from index.web.fetch import Fetcher
from records.records import Records

SERVER, OTHER = 8392802304, 8396996608
FEED = "https://example.org/feed"
LONG_AGO = 2 * 86_400.0


class Desk:
    """What finds failures, on a library and records of its own, and a way to make sources fail."""

    def __init__(self, library, encoder, folder):
        settings = Settings(folder / "articles", folder / "data", 3, 0.8, 100_000, 200, frozenset(), False)
        self.fetcher = Fetcher(user_agent="test", max_bytes=1_000)
        self.library = library
        service = Service(library, encoder, settings)
        workshop = Workshop(library, service, settings, InProcess(), self.fetcher)
        self.records = Records(folder / "records")
        self.servers = self.records.servers
        self.failures = Failures(Overview(workshop), self.servers, settings)

    def close(self):
        self.records.close()
        self.fetcher.close()

    def ledger(self, server):
        return self.library.corpus(server, create=True).store.ledger

    def looked(self, server, address, problem, *, kind="feed"):
        """A look at a source, which is there from now on."""
        ledger = self.ledger(server)
        ledger.looked(ledger.find(address) or ledger.add(kind, address, 0.0), Look(time.time(), problem))

    def news(self, server, happened=None):
        """What a server, or the operator (None), is told of a run; told now."""
        happened = happened or Happened(server, "look", Refreshed(SyncReport()))
        place = NOWHERE if server is None else server
        find = self.failures.of_operator if server is None else lambda one: self.failures.of_server(server, one)
        found = find(happened)
        self.servers.is_over(place, found.over)
        keys = [one.key for one in found.troubles]
        told = self.servers.tell_once(place, keys, time.time())
        return [one for one in found.troubles if one.key in told]

    def age(self, server):
        """Makes everything that was told of a server be told long ago."""
        told = list(self.servers.told(server))
        self.servers.is_over(server, told)
        self.servers.tell_once(server, told, time.time() - LONG_AGO)


@pytest.fixture
def desk(library, encoder, tmp_path):
    desk = Desk(library, encoder, tmp_path)
    yield desk
    desk.close()


# -- what is news


def test_a_source_that_fails_is_told_once(desk):
    """A source that begins to fail is told of once, whatever the reason becomes, and again after it was well."""
    desk.looked(SERVER, FEED, "the server says 404")
    (trouble,) = desk.news(SERVER)
    assert "example.org" in trouble.text() and "404" in trouble.text()
    desk.looked(SERVER, FEED, "the server says 500")
    assert desk.news(SERVER) == []
    desk.age(SERVER)
    assert desk.news(SERVER) == []
    desk.looked(SERVER, FEED, None)
    assert desk.news(SERVER) == []
    desk.looked(SERVER, FEED, "the server says 404")
    assert len(desk.news(SERVER)) == 1


def test_what_comes_and_goes_is_told_once_a_day(desk):
    """A source that fails every other hour is not told of each time."""
    told = []
    for problem in ("time-out", None, "time-out", None, "time-out"):
        desk.looked(SERVER, FEED, problem)
        told.append(len(desk.news(SERVER)))
    assert told == [1, 0, 0, 0, 0]


def test_a_paused_or_removed_source_is_forgotten(desk):
    """What people pause or remove fails no longer, and is news should it come back and fail."""
    desk.looked(SERVER, FEED, "it is ill")
    assert desk.news(SERVER)
    desk.age(SERVER)
    source = desk.ledger(SERVER).find(FEED)
    desk.ledger(SERVER).set_state(source.id, "paused", time.time())
    assert desk.news(SERVER) == []
    assert desk.servers.told(SERVER) == {}
    desk.ledger(SERVER).remove(source.id)
    desk.looked(SERVER, FEED, "it is ill")
    assert desk.news(SERVER)


def test_a_suspension_is_news_although_the_failures_were_told(desk):
    """A source that is given up is told of once more, with how to have it looked at again, where it was added."""
    ledger = desk.ledger(SERVER)
    ledger.add("feed", FEED, 0.0, channel=77)
    desk.looked(SERVER, FEED, "it is ill")
    assert desk.news(SERVER)[0].channel is None
    for _ in range(9):
        desk.looked(SERVER, FEED, "it is ill")
    (trouble,) = desk.news(SERVER)
    assert trouble.channel == 77
    assert "failed 10 times in a row" in trouble.text() and "/feeds resume" in trouble.text()
    assert desk.news(SERVER) == []


def test_each_server_is_told_of_its_own(desk):
    """No server is told of another's sources, nor the operator of any server's."""
    desk.looked(SERVER, FEED, "it is ill")
    assert desk.news(OTHER) == []
    assert desk.news(None) == []
    assert len(desk.news(SERVER)) == 1


@pytest.mark.parametrize("work", ["look", "rebuild"])
def test_a_run_that_fails(desk, work):
    """That a whole run failed is told once until one goes well: to the server without, to the operator with reason."""
    error = UserError(f"{desk.library.folder / 'servers' / '1.db'} is damaged (disk image)")
    failed, well = Happened(SERVER, work, error=error), Happened(SERVER, work, Refreshed(SyncReport()))
    (to_server,), (to_operator,) = desk.news(SERVER, failed), desk.news(None, failed)
    assert "damaged" not in to_server.text() and "log" in to_server.text()
    assert str(SERVER) in to_operator.text() and "1.db is damaged" in to_operator.text().replace("\\", "")
    assert "data" not in to_operator.text()
    assert desk.news(SERVER, failed) == desk.news(None, failed) == []
    for server, place in ((SERVER, SERVER), (None, NOWHERE)):
        desk.age(place)
        assert desk.news(server, well) == []
        assert len(desk.news(server, failed)) == 1


def test_the_operators_own(desk, tmp_path):
    """The operator is told of sources and files that cannot be read, by name and without folders, a defect as such."""
    folder = tmp_path / "secret-place" / "papers"
    folder.mkdir(parents=True)
    bad = folder / "bad.pdf"
    bad.write_bytes(b"%PDF")
    desk.looked(None, str(folder), f"{folder} cannot be opened", kind="path")
    run = SyncReport([Settled(str(bad), "failed", f"{bad} is no PDF"), Settled(f"{FEED}/1", "failed", "404")])
    news = desk.news(None, Happened(None, "look", Refreshed(run)))
    said = message(news)
    assert "papers" in said and "bad.pdf" in said and "secret-place" not in said and len(news) == 2
    assert desk.news(None, Happened(None, "look", Refreshed(run))) == []
    desk.age(NOWHERE)
    assert desk.news(None) == []  # a run that did not come to the file
    assert len(desk.servers.told(NOWHERE)) == 2
    bad.unlink()
    desk.looked(None, str(folder), None, kind="path")
    assert desk.news(None) == []
    assert desk.servers.told(NOWHERE) == {}
    (defect,) = desk.news(None, Happened(None, "look", error=ZeroDivisionError("division")))
    assert "defect" in defect.text() and "division" not in defect.text()


def test_many_failures_make_one_message(desk):
    """However many sources fail, and whatever they are called, one message holds it, and counts what it leaves out."""
    for n in range(60):
        desk.looked(SERVER, f"https://example.org/{'a' * 150}/{n}", f"@everyone [x](http://evil.example) `*{n}*" * 20)
    said = message(desk.news(SERVER))
    assert len(said) <= 2_000
    shown = said.count("I could not look at")
    assert 0 < shown < 60 and f"and {60 - shown} more" in said
    bare = re.sub(r"\\.", "", said)
    assert "@" not in bare and "[x](" not in bare and "`" not in bare.replace("`/status`", "")
    for trouble in desk.failures.of_server(SERVER, Happened(SERVER, "look")).troubles:
        assert len(message([trouble])) <= 2_000


def test_notices_are_in_the_language_spoken(desk):
    """A trouble finds its words when it is told, in the language of whoever is told."""
    desk.looked(SERVER, FEED, "it is ill")
    (trouble,) = desk.news(SERVER)
    with speaking("de"):
        said = failures._(failures._FAILING["feed"], title="x")
        assert trouble.text().startswith(said.partition("x")[0])


# -- telling


@pytest.fixture(scope="module")
def folder(folder):
    lay(folder, {"mill.md": "# The mill\n\nThe mill grinds barley on Tuesdays.\n"})
    return folder


def records(folder, use):
    kept = Records(folder / "data")
    try:
        return use(kept)
    finally:
        kept.close()


def wish(folder, guild, **values):
    return records(folder, lambda kept: kept.preferences.change(guild.id, **values))


def due(folder, guild):
    """Has every source of a server looked at by the next run, as if none had failed."""
    store = Store(folder / "data" / "servers" / f"{guild.id}.db", create=False)
    for source in store.ledger.sources("page", "feed"):
        store.ledger.set_state(source.id, "active", 0.0)
    store.close()


def looks(process):
    """How often the bot has looked at the feed and failed."""
    return sum("/times" in line and "404" in line for line in list(process.lines))


def notices(discord, channel, after):
    return [one for one in discord.bot_messages(channel, after=after) if "could not" in one.text]


@pytest.mark.process
@pytest.mark.slow
def test_a_failing_feed_is_told_once_in_the_log_channel(discord, process, folder, web):
    """A feed that fails is told of once over several runs and a restart, pings nobody, and is news once it was well."""
    guild, channel, log = discord.guilds[0], discord.guilds[0].channel("general"), discord.guilds[0].channel("help")
    web.put(
        "/times", rss("The @everyone Times", entry("One", web.url("/times/1"), long("One."))), "application/rss+xml"
    )
    web.put("/times/1", page("One", long("One.")))
    asked = discord.slash(channel, guild.manager, "feeds add", {"link": web.url("/times")})
    asked.wait_for(lambda self: "Times" in self.text, 30)
    web.remove("/times")
    last = discord.say(channel, guild.owner, "Nothing to see here.")
    process.terminate()
    due(folder, guild)
    wish(folder, guild, log_channel=log.id)
    process.command = command(folder, every=0.05, first=0.1)
    process.lines.clear()
    process.start().wait_ready()
    said = discord.wait_for_message(log, lambda one: "could not" in one.text, after=last, timeout=30)
    assert "Times" in said.text and "404" in said.text and said.pinged == set()
    discord.wait_for(lambda: looks(process) >= 3, 30)
    restart(process, folder, every=0.05, first=0.1)
    discord.wait_for(lambda: looks(process) >= 2, 30)
    assert len(notices(discord, log, last)) == 1
    assert discord.bot_messages(channel, after=last) == []

    key = f"fails:{web.url('/times')}"
    records(folder, lambda kept: (kept.servers.is_over(guild.id, [key]), kept.servers.tell_once(guild.id, [key], 1.0)))
    web.put("/times", rss("The Times"), "application/rss+xml")
    discord.wait_for(lambda: not records(folder, lambda kept: kept.servers.told(guild.id)), 30)
    web.remove("/times")
    discord.wait_for(lambda: len(notices(discord, log, last)) == 2, 30)


@pytest.mark.process
@pytest.mark.slow
def test_a_log_channel_that_takes_no_word(discord, process, folder, web):
    """A log channel that is gone, or where the bot may not speak, costs a line in the log and no more."""
    guild = discord.guilds[0]
    key = f"fails:{web.url('/times')}"
    for wanted, line in ((4_242, "4242.* is gone"), (guild.channel("locked").id, "not said in channel")):
        process.terminate()
        due(folder, guild)
        wish(folder, guild, log_channel=wanted)
        records(folder, lambda kept: kept.servers.is_over(guild.id, [key]))
        process.command = command(folder, every=0.05, first=0.1)
        process.lines.clear()
        sent = len(discord.requests)
        process.start().wait_ready().wait_for_line(line, 30)
        discord.wait_for(lambda: looks(process) >= 3, 30)
        assert sum("not said" in one or "is gone" in one for one in process.lines) == 1
        assert not [one for one in discord.requests[sent:] if one.method == "POST" and "/messages" in one.path]


@pytest.mark.process
@pytest.mark.slow
def test_another_servers_log_channel(discord, process, folder, web):
    """A log channel that is another server's is never told anything."""
    guild, other = discord.guilds
    last = discord.say(guild.channel("general"), guild.owner, "Nothing to see here.")
    process.terminate()
    due(folder, guild)
    wish(folder, guild, log_channel=other.channel("general").id)
    process.command = command(folder, every=0.05, first=0.1)
    process.lines.clear()
    process.start().wait_ready().wait_for_line("is gone", 30)
    discord.wait_for(lambda: looks(process) >= 2, 30)
    assert discord.bot_messages(other.channel("general"), after=last) == []


@pytest.mark.process
@pytest.mark.slow
def test_trouble_with_telling_that_passes(discord, process, folder, web):
    """A notice that an outage of Discord swallowed is told by a later run."""
    guild, log = discord.guilds[0], discord.guilds[0].channel("help")
    last = discord.say(guild.channel("general"), guild.owner, "Nothing to see here.")
    process.terminate()
    due(folder, guild)
    wish(folder, guild, log_channel=log.id, language="de")
    records(folder, lambda kept: kept.servers.is_over(guild.id, kept.servers.told(guild.id)))
    fault = discord.fail(502, f"/channels/{log.id}/messages", "POST", times=5)
    process.command = command(folder, every=0.05, first=0.1)
    process.lines.clear()
    process.start().wait_ready()
    said = discord.wait_for_message(log, lambda one: "404" in one.text, after=last, timeout=60)
    assert "not said in channel" in process.output and fault is not None
    assert len(discord.bot_messages(log, after=last)) == 1
    assert said.pinged == set()


@pytest.mark.process
@pytest.mark.slow
def test_the_operators_log_channel(discord, process, folder):
    """The operator's failures are told in the configured channel: files by name, and no folder of the machine."""
    guild, log = discord.guilds[1], discord.guilds[1].channel("help")
    (folder / "articles" / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    last = discord.say(log, guild.owner, "Nothing to see here.")
    restart(process, folder, every=0.3, first=0.1, log_channel=log.id)
    said = discord.wait_for_message(log, lambda one: "broken" in one.text, after=last, timeout=30)
    assert str(folder) not in said.text.replace("\\", "") and folder.name not in said.text.replace("\\", "")
    discord.wait_for(lambda: sum("broken.pdf" in line for line in process.lines) >= 3, 30)
    assert len(discord.bot_messages(log, after=last)) == 1
