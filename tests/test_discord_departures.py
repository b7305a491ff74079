"""Servers left: nothing of them is served, nothing is looked at, and after the time of grace nothing is left.

First the parts on a real library and real records; then the real client against a Discord on the loopback.
"""

import asyncio
import logging
import threading
import time
from types import SimpleNamespace

import discord as library_of_discord
import pytest
from discord_loopback import LoopbackDiscord
from discord_play import answered, playing, restart, use
from test_records_servers import keep_answer

from cogs.bridge import Bridge
from cogs.departures import Departures
from cogs.forgetting import Forgetting
from cogs.housekeeping import Housekeeping
from cogs.whereabouts import Whereabouts
from index.errors import UserError
from index.store import Store
from records.records import Records

HARBOUR, MEADOW, NOWHERE = 2001 << 22, 2002 << 22, 2009 << 22
MOLES = b"# Moles\n\nThe old mole digs eleven tunnels under the meadow.\n"


# -- the parts


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "data")
    yield records
    records.close()


@pytest.fixture
def departures(library, records):
    """What is kept of three servers: Harbour has a corpus, Meadow records, and both have settings."""
    library.corpus(HARBOUR, create=True)
    library.corpus(None, create=True)
    keep_answer(records, MEADOW, "Where?", guild=MEADOW)
    for server in (HARBOUR, MEADOW):
        records.preferences.change(server, hits=2)
    return Departures(library, records)


def only(*servers):
    return lambda server: server in servers


def unknown(server):
    return None


def test_missed_servers(departures, records):
    """A server of which anything is kept, and that the bot is not in, counts as left from when that is first seen."""
    assert departures.compare(only(HARBOUR), 10.0) == [MEADOW]
    assert departures.compare(only(HARBOUR), 20.0) == []
    assert records.servers.departures() == {MEADOW: 10.0}
    assert departures.compare(only(), 30.0) == [HARBOUR]
    assert records.servers.departures() == {MEADOW: 10.0, HARBOUR: 30.0}
    assert departures.compare(only(HARBOUR, MEADOW, NOWHERE), 40.0) == []
    assert records.servers.departures() == {}


def test_a_server_of_which_nothing_is_kept(departures, records):
    """Nothing is noted of a server that nothing is kept of."""
    assert NOWHERE not in departures.compare(only(), 10.0)
    assert NOWHERE not in records.servers.departures()


def test_when_it_is_due(departures):
    """What is kept of a server is due for deletion when the time of grace is over, and not before."""
    departures.compare(only(), 10.0)
    assert departures.due(9.9) == []
    assert sorted(departures.due(10.0)) == [HARBOUR, MEADOW]


def test_deleting(departures, library, records):
    """Everything that is kept of a server goes, and nothing else; doing it again does nothing."""
    departures.compare(only(), 10.0)
    path = library.path(HARBOUR)
    for _ in range(2):
        assert departures.delete(HARBOUR, only())
        assert not path.exists()
        assert records.servers.known() == {MEADOW}
        assert records.servers.departures() == {MEADOW: 10.0}
        assert set(records.preferences.all()) == {MEADOW}
    assert departures.delete(MEADOW, only())
    assert records.servers.known() == set()
    assert library.servers() == []
    assert library.path(None).exists()


def test_the_bot_is_in_it_after_all(departures, library, records):
    """Nothing is deleted of a server that the bot is in, or may be in, even if its departure is noted."""
    departures.compare(only(), 10.0)
    for present in (only(HARBOUR), unknown):
        assert not departures.delete(HARBOUR, present)
    assert library.path(HARBOUR).exists()
    assert HARBOUR in records.preferences.all()
    departures.compare(only(HARBOUR), 20.0)
    assert records.servers.departures() == {MEADOW: 10.0}


def nowhere(server):
    return False


def kept_house(departures, records, test, *, grace=0.0, present=nowhere):
    """Keeps house for a while; `test(housekeeping, bridge)` says when it is enough."""

    async def main():
        bridge = Bridge()
        housekeeping = Housekeeping(departures, Forgetting(departures._library, records), records, bridge, grace=grace)
        housekeeping.present = present
        try:
            housekeeping.start()
            await test(housekeeping, bridge)
        finally:
            await bridge.close()
            await housekeeping.stop()

    asyncio.run(main())


@pytest.fixture
def soon(monkeypatch):
    for name in ("_FIRST", "_PAUSE"):
        monkeypatch.setattr(f"cogs.housekeeping.{name}", 0.02)


async def until(predicate):
    async with asyncio.timeout(20):
        while not predicate():  # noqa: ASYNC110 — what is waited for knows nothing of the test
            await asyncio.sleep(0.01)


def test_keeping_house(departures, records, library, soon, caplog):
    """With no time of grace, what is kept of a server left goes the next time; that is in the log, before and after."""
    caplog.set_level(logging.INFO)

    async def test(housekeeping, bridge):
        await until(lambda: not library.servers() and records.servers.known() == set())

    kept_house(departures, records, test)
    assert f"not in server {HARBOUR} (any more): what is kept of it is deleted in 0 days" in caplog.text
    assert caplog.text.count("deleted everything that was kept of a server left") == 2


def test_within_the_time_of_grace(departures, records, library, soon):
    """Within the time of grace nothing is deleted, however often house is kept."""

    async def test(housekeeping, bridge):
        await until(records.servers.departures)
        await asyncio.sleep(0.3)

    kept_house(departures, records, test, grace=1_000.0)
    assert library.servers() == [HARBOUR]
    assert set(records.servers.departures()) == {HARBOUR, MEADOW}


def test_before_the_bot_knows_its_servers(departures, records, library, soon):
    """As long as the bot does not know which servers it is in, it takes none for left, nor for one it is back in."""
    records.servers.departed([HARBOUR], 1.0)

    async def main():
        bridge = Bridge()
        housekeeping = Housekeeping(departures, Forgetting(library, records), records, bridge, grace=0.0)
        housekeeping.start()
        await asyncio.sleep(0.3)
        await bridge.close()
        await housekeeping.stop()

    asyncio.run(main())
    assert library.servers() == [HARBOUR]
    assert records.servers.departures() == {HARBOUR: 1.0}


def test_a_return_at_the_last_moment(departures, records, library, soon):
    """A bot that is back when the deletion begins deletes nothing: it is looked at right before."""
    asked = []

    def present(server):
        asked.append(server)
        return threading.current_thread().name.startswith("index")

    async def test(housekeeping, bridge):
        await until(lambda: len(asked) > 20)

    kept_house(departures, records, test, present=present)
    assert library.servers() == [HARBOUR]
    assert set(records.preferences.all()) == {HARBOUR, MEADOW}


def test_a_run_under_way(departures, records, library, soon):
    """What the schedule has begun in a server is ended before its articles are deleted; what a person has, is not."""
    events = []

    def run(progress, cancel):
        events.append("begun")
        cancel.wait(10)
        events.append("ended" if cancel.is_set() and library.path(HARBOUR).exists() else "lost")

    async def test(housekeeping, bridge):
        running = asyncio.create_task(bridge.index(HARBOUR, run, lambda now: None, yields=True))
        await until(lambda: events)
        housekeeping.present = only()
        await until(lambda: not library.servers())
        await running

    kept_house(departures, records, test, present=only(HARBOUR, MEADOW))
    assert events == ["begun", "ended"]


def test_trouble(departures, records, library, soon, caplog, *, monkeypatch):
    """Trouble with one server is logged, costs no other, and is over the next time."""
    delete, failed = library.delete, []

    def failing(server):
        if server == HARBOUR and len(failed) < 2:
            failed.append(server)
            raise UserError("the disk is full")
        return delete(server)

    monkeypatch.setattr(library, "delete", failing)

    async def test(housekeeping, bridge):
        await until(lambda: not library.servers())

    kept_house(departures, records, test)
    assert caplog.text.count(f"deleting server {HARBOUR} failed: the disk is full") == 2
    assert records.servers.known() == set()


def test_old_answers(departures, records, soon):
    """Answers and judgements that are too old go, and so do questions of a server whose question log is off."""
    keep_answer(records, HARBOUR, asked=1.0)
    keep_answer(records, HARBOUR, "When?", asked=time.time())
    records.preferences.change(MEADOW, log_questions=True)
    keep_answer(records, MEADOW, "Why?", asked=time.time())

    async def test(housekeeping, bridge):
        await until(lambda: records.servers.questions(HARBOUR) == 0)

    kept_house(departures, records, test, present=only(HARBOUR, MEADOW))
    assert records.servers.questions(MEADOW) == 1  # the one asked now


# -- where the bot is


def used(server, kind="application_command", *, by_server=True):
    kind = library_of_discord.InteractionType[kind]
    return SimpleNamespace(guild_id=server, type=kind, is_guild_integration=lambda: by_server)


@pytest.fixture
def bot():
    """A bot that is ready, in Harbour alone."""
    return SimpleNamespace(is_ready=lambda: True, get_guild={HARBOUR: "Harbour"}.get)


def test_where_the_bot_is(bot):
    """The bot is in the servers that Discord has told of, and knows nothing of any until it has told of all."""
    whereabouts = Whereabouts(bot)
    assert (whereabouts.of(HARBOUR), whereabouts.of(MEADOW)) == (True, False)
    bot.is_ready = lambda: False
    assert (whereabouts.of(HARBOUR), whereabouts.of(MEADOW)) == (None, None)
    assert not whereabouts.use(used(MEADOW))


def test_where_it_is_used(bot, monkeypatch):
    """A command used in a server without the bot counts as its presence for a day, and is news once a day; a removal
    ends it."""
    whereabouts = Whereabouts(bot)
    assert [whereabouts.use(used(MEADOW)), whereabouts.use(used(MEADOW, "autocomplete"))] == [True, False]
    assert whereabouts.of(MEADOW)
    monkeypatch.setattr("cogs.whereabouts._FRESH", 0.0)
    assert whereabouts.of(MEADOW) is False
    assert whereabouts.use(used(MEADOW))
    monkeypatch.undo()
    assert whereabouts.of(MEADOW)
    whereabouts.end(MEADOW)
    assert whereabouts.of(MEADOW) is False


def test_what_shows_no_presence(bot):
    """A button, a command in direct messages and one that a person added for themselves tell of no server."""
    whereabouts = Whereabouts(bot)
    for one in (used(MEADOW, "component"), used(MEADOW, by_server=False), used(HARBOUR), used(None)):
        assert not whereabouts.use(one)
    assert whereabouts.of(MEADOW) is False


# -- the process


def ask(discord, channel, user, question="How many tunnels does the old mole dig?"):
    return use(discord, channel, user, "ask", question=question).text


def add(discord, guild, content=MOLES):
    file = discord.upload("a.md", content)
    added = use(discord, guild.channel("general"), guild.manager, "articles add", file=file)
    assert added.text.startswith("Added")


def departed(folder):
    records = Records(folder / "data")
    try:
        return records.servers.departures()
    finally:
        records.close()


def corpora(folder):
    return sorted(int(path.stem) for path in (folder / "data" / "servers").glob("*.db"))


def replied(discord, user, text):
    """The answer to a direct message."""
    return discord.wait_for_reply(discord.direct_message(user, text), timeout=30)


@pytest.mark.process
@pytest.mark.slow
def test_leaving_and_coming_back(discord, process, folder):
    """A server that the bot leaves is noted with everything kept; invited again, it has it all, and nothing is said."""
    harbour, meadow = discord.guilds[:2]
    for guild in (harbour, meadow):
        add(discord, guild)
    before = len(discord.bot_messages())
    discord.remove_guild(meadow)
    process.wait_for_line(f"not in server {meadow.id}")
    discord.wait_for(lambda: set(departed(folder)) == {meadow.id})
    discord.rejoin(meadow)
    process.wait_for_line("joined a server")
    discord.wait_for(lambda: departed(folder) == {})
    assert "eleven tunnels" in ask(discord, meadow.channel("general"), meadow.member)
    assert len(discord.bot_messages()) == before + 1  # the answer


@pytest.mark.process
@pytest.mark.slow
def test_an_outage(discord, process, folder):
    """An outage of a server is no departure."""
    harbour = discord.guilds[0]
    discord.outage(harbour)
    lagoon = discord.add_guild("Lagoon")  # which has the servers compared
    discord.wait_for(lambda: process.output.count("joined a server") == 2)
    discord.remove_guild(lagoon)
    process.wait_for_line("left a server")
    time.sleep(0.5)
    assert departed(folder) == {}
    discord.rejoin(harbour)


@pytest.mark.process
@pytest.mark.slow
def test_left_without_a_session(discord, process, folder):
    """A server that the bot is removed from while its session is lost counts as left once it has a new one; those that
    it is in stay, also where there is an outage."""
    harbour, meadow = discord.guilds[:2]
    identifies = len(discord.gateway.identifies)
    discord.outage(harbour)
    with discord.session_lost():
        discord.remove_guild(meadow)
    process.wait_for_line(f"left a server.*|not in server {meadow.id}", 30)
    discord.wait_for(lambda: departed(folder), 30)
    time.sleep(0.5)
    assert set(departed(folder)) == {meadow.id}
    assert len(discord.gateway.identifies) == identifies + 1
    for guild in (harbour, meadow):
        discord.rejoin(guild)
    discord.wait_for(lambda: departed(folder) == {})
    for guild in (harbour, meadow):
        assert "eleven tunnels" in ask(discord, guild.channel("general"), guild.member)


@pytest.mark.process
@pytest.mark.slow
def test_left_without_a_session_of_its_shard(tmp_path):
    """A shard's new session tells of the servers of this shard alone."""
    (tmp_path / "articles").mkdir()
    with LoopbackDiscord(shards=2) as discord:
        guilds = [*discord.guilds, discord.add_guild("Lagoon"), discord.add_guild("Delta")]
        records = Records(tmp_path / "data")
        for guild in guilds:
            keep_answer(records, guild.id, guild=guild.id)
        records.close()
        lost = [guild for guild in guilds if (guild.id >> 22) % 2 == 1]
        assert len(lost) == 2
        with playing(discord, tmp_path) as process:
            process.wait_ready(60)
            process.wait_for_line("ready as", 30)
            with discord.session_lost(1):
                discord.remove_guild(lost[0])
            discord.wait_for(lambda: departed(tmp_path), 30)
            time.sleep(0.5)
            assert set(departed(tmp_path)) == {lost[0].id}
            assert [one["shard"][0] for one in discord.gateway.identifies].count(0) == 1
            assert "Traceback" not in process.output
        assert discord.violations == []


@pytest.mark.process
@pytest.mark.slow
def test_commands_without_the_bot(discord, process, folder):
    """Where a command is used in a server without the bot, it answers, and the server does not count as left; unless
    it is a person who has added the commands for themselves."""
    meadow = discord.guilds[1]
    discord.remove_guild(meadow)
    discord.wait_for(lambda: set(departed(folder)) == {meadow.id})
    discord.personal.add(meadow.id)
    ask(discord, meadow.channel("general"), meadow.member)
    time.sleep(0.5)
    assert set(departed(folder)) == {meadow.id}
    discord.personal.clear()
    assert "eleven tunnels" in ask(discord, meadow.channel("general"), meadow.member)
    discord.wait_for(lambda: departed(folder) == {})
    discord.rejoin(meadow)
    discord.remove_guild(meadow)
    discord.wait_for(lambda: set(departed(folder)) == {meadow.id})
    discord.rejoin(meadow)
    discord.wait_for(lambda: departed(folder) == {})


@pytest.mark.process
@pytest.mark.slow
def test_nothing_of_it_is_served(discord, process, folder):
    """What a server left has is answered nowhere: not to its members in direct messages, nor by an answer's buttons."""
    harbour, meadow = discord.guilds[:2]
    sparrow = b"# Sparrows\n\nThe grey sparrow bathes in nine puddles.\n"
    add(discord, meadow, sparrow)
    question = "In how many puddles does the grey sparrow bathe?"
    before = replied(discord, meadow.owner, question)
    assert "nine puddles" in before.text
    assert "nine puddles" in answered(discord.click(before, "Context", meadow.owner)).text
    discord.remove_guild(meadow)
    discord.wait_for(lambda: meadow.id in departed(folder))
    for person in (meadow.owner, meadow.member):
        assert "nine puddles" not in replied(discord, person, question).text
    assert "nine puddles" not in answered(discord.click(before, "Context", meadow.owner)).text
    assert "nine puddles" not in ask(discord, harbour.channel("general"), harbour.member, question)
    discord.rejoin(meadow)
    discord.wait_for(lambda: departed(folder) == {})


@pytest.mark.process
@pytest.mark.slow
def test_nothing_of_it_is_looked_at(discord, process, folder, web):
    """The pages of a server left are not looked at again."""
    meadow = discord.guilds[1]
    web.put("/otters", "<html><body><article><h1>Otters</h1><p>The otter has five holts.</p></article></body></html>")
    use(discord, meadow.channel("general"), meadow.manager, "articles add", link=web.url("/otters"))
    ledger = Store(folder / "data" / "servers" / f"{meadow.id}.db", create=False).ledger
    (page,) = ledger.sources("page")
    discord.remove_guild(meadow)
    discord.wait_for(lambda: meadow.id in departed(folder))
    ledger.set_state(page.id, "active", 0.0)
    restart(process, folder, every=0.2, first=0.2)
    process.wait_for_line("ready as")
    asked = web.paths.count("/otters")
    time.sleep(1.5)
    assert web.paths.count("/otters") == asked


@pytest.mark.process
@pytest.mark.slow
def test_left_while_the_bot_was_away(discord, process, folder):
    """A server that is gone when the bot starts counts as left from then on; what is kept of it outlives restarts."""
    lagoon = discord.add_guild("Delta")
    add(discord, lagoon)
    process.terminate()
    discord.remove_guild(lagoon)
    process.lines.clear()
    process.start().wait_ready()
    process.wait_for_line(f"not in server {lagoon.id}")
    since = departed(folder)
    assert lagoon.id in since
    restart(process, folder, tidy=0.1, grace=1_000.0)
    process.wait_for_line("ready as")
    time.sleep(1)
    assert departed(folder) == since
    assert lagoon.id in corpora(folder)


@pytest.mark.process
@pytest.mark.slow
def test_the_end(discord, process, folder):
    """When the time of grace is over, the file of a server left, its settings and its answers are gone for good; the
    servers that the bot is in keep everything."""
    harbour, meadow = discord.guilds[:2]
    records = Records(folder / "data")
    records.preferences.change(meadow.id, hits=4)
    keep_answer(records, meadow.id, "Where?", guild=meadow.id)
    records.preferences.change(harbour.id, hits=1)
    records.close()
    gone = set(departed(folder))
    assert meadow.id in gone
    restart(process, folder, tidy=0.2, grace=0.0)
    discord.wait_for(lambda: not departed(folder), 30)
    deleted = "deleted everything that was kept of a server left"
    discord.wait_for(lambda: process.output.count(deleted) == len(gone))
    assert corpora(folder) == [harbour.id]
    records = Records(folder / "data")
    assert records.servers.known() <= {harbour.id}
    assert set(records.preferences.all()) == {harbour.id}
    records.close()
    assert "eleven tunnels" in ask(discord, harbour.channel("general"), harbour.member)
    discord.rejoin(meadow)
    process.wait_for_line("joined a server")
    assert "eleven tunnels" not in ask(discord, meadow.channel("general"), meadow.member)
