"""`/status`: how things are, told to each as far as it concerns them, in words that fit into Discord."""

import asyncio
import math
import random
import threading
import time
from pathlib import Path

import discord as library_of_discord
import pytest
from discord_play import command, entry, is_private, long, page, plain, rss, use

from cogs import condition
from cogs.bridge import Bridge, Lane
from cogs.condition import Pace, Process
from cogs.latencies import Latencies
from cogs.overview import Condition, Overview
from cogs.schedule import LastRun
from cogs.service import Service
from cogs.settings import Settings
from cogs.workshop import Workshop
from index.errors import UserError
from index.indexer import Indexer
from index.ledger import Look, Source
from index.reading import InProcess
from index.store import Store
from index.web.fetch import Fetcher

SERVER = 8392802304
IDLE = Pace(0, 0, 0, 0, math.nan)


# -- how long answers take


def test_answer_times():
    """Median and 95th percentile are what an answer took, and agree with sorting for any number of answers."""
    times = Latencies(last=100)
    assert (len(times), times.within(0.5), times.within(0.95)) == (0, 0, 0)
    taken = [random.Random(7).randrange(1, 5_000) for _ in range(250)]
    for number, one in enumerate(taken, start=1):
        times.add(one)
        last = sorted(taken[max(0, number - 100) : number])
        for share in (0.5, 0.95, 1.0):
            assert sum(value <= times.within(share) for value in last) >= share * len(last)
            assert sum(value < times.within(share) for value in last) < share * len(last)
    assert len(times) == 100


def test_what_waits_is_counted():
    """The bridge says how many calls of a lane are under way or wait, and forgets those that are done."""

    async def main():
        bridge, gate = Bridge(), threading.Event()
        calls = [asyncio.ensure_future(bridge.call(Lane.ASK, gate.wait, 20)) for _ in range(5)]
        await asyncio.sleep(0)
        assert (bridge.waiting(Lane.ASK), bridge.waiting(Lane.LOOK)) == (5, 0)
        gate.set()
        await asyncio.gather(*calls)
        assert bridge.waiting(Lane.ASK) == 0
        await bridge.close()

    asyncio.run(main())


# -- how a corpus is


def test_how_a_corpus_is(library, encoder, tmp_path, articles):
    """Articles, copies, sources of each kind, failures and dates are those of the corpus; one that is not is empty."""
    settings = Settings(articles, tmp_path / "data", 3, 0.8, 100_000, 200, frozenset(), False)
    fetcher = Fetcher(user_agent="test", max_bytes=1_000)
    overview = Overview(Workshop(library, Service(library, encoder, settings), settings, InProcess(), fetcher))
    assert overview.of(SERVER) == Condition()
    assert not library.path(SERVER).exists()
    corpus = library.corpus(None, create=True)
    (articles / "twin.txt").write_text((articles / "bakery.txt").read_text())
    Indexer(corpus.store, encoder).sync([str(articles)])
    own = library.corpus(SERVER, create=True).store.ledger
    ill, paused, given_up = (own.add("feed", f"https://example.org/{name}", 100.0) for name in ("ill", "off", "bad"))
    own.looked(ill, Look(200.0, "it is ill"))
    own.looked(paused, Look(150.0, "it was ill"))
    own.set_state(paused.id, "paused", 150.0)
    own.set_state(given_up.id, "suspended", 150.0)
    here, operators = overview.of(SERVER), overview.of(None)
    assert (operators.articles, operators.copies) == (3, 1)
    assert operators.sentences > 6 and operators.bytes >= library.path(None).stat().st_size
    assert (here.of("feed"), here.of("page"), here.paused, here.suspended) == (3, 0, 1, 1)
    assert [one.address for one in here.failing] == ["https://example.org/ill"] and here.looked == 200.0
    assert here.due == own.find("https://example.org/ill").due
    assert overview.shared(SERVER) == 3 and overview.model == "hash" and not here.behind
    fetcher.close()


# -- words


def sources(number):
    """Sources that fail, with names and reasons as hostile as they are long."""
    name, why = "@everyone **x**" * 30, "<@1> " * 200
    urls = [f"https://example.org/{'x' * 200}/{n}" for n in range(number)]
    return tuple(Source(n, "feed", url, name, problem=why, checked=n) for n, url in enumerate(urls, start=1))


def embed_of(here, last=None, operators=None):
    """The fields of a server and, where they are told, those of the operator."""
    embed = library_of_discord.Embed(title="Status")
    condition.add_articles(embed, "Articles", here, shared=5)
    condition.add_sources(embed, "Sources", here, last, operators=operators)
    condition.add_answers(embed, here, "model/name" * 50, Pace(100, 120, 1_300, 2, 0.052))
    return embed


def test_words_fit_whatever_there_is():
    """Whatever sources are called and however many fail, the embed is within Discord's limits and pings nobody."""
    here = Condition(10**7, 10**6, 10**9, 10**12, {"feed": 10**6}, 10, 10, sources(60), time.time(), time.time(), True)
    settings = Settings(Path("/" + "a" * 300), Path("/data"), 3, 0.8, 1, 1, frozenset(), False)
    error = UserError("is damaged " * 100)
    embed = embed_of(here, LastRun(1.0, {}, error), settings)
    condition.add_articles(embed, "The operator's", here)
    condition.add_sources(embed, "The operator's", here, LastRun(1.0, {}, error), operators=settings)
    condition.add_process(embed, Process("1.2.3", 1.0, 10**6, 99, 9, 9), settings)
    assert all(len(one.value) <= 1_024 and len(one.name) <= 256 for one in embed.fields)
    assert len(embed) <= 6_000
    said = "\n".join(one.value for one in embed.fields)
    assert "@everyone" not in said.replace("\\@", "") and "<@1>" not in said
    assert "and 5" in said and "more" in said


def test_what_a_run_came_to():
    """A run that went well is told in numbers, one that failed as such, with the reason for the operator alone."""
    well = LastRun(1.0, {"added": 2, "changed": 0, "unchanged": 7, "removed": 0, "failed": 1})
    said = embed_of(Condition(), well).fields[1].value
    assert "2 added, 7 unchanged, 1 failed" in said and "changed, " not in said.replace("unchanged, ", "")
    failed = LastRun(1.0, {}, UserError("/srv/data/1.db is damaged"))
    assert "damaged" not in embed_of(Condition(), failed).fields[1].value
    settings = Settings(Path("articles"), Path("data"), 3, 0.8, 1, 1, frozenset(), False)
    assert "1.db is damaged" in embed_of(Condition(), failed, settings).fields[1].value.replace("\\", "")


def test_folders_are_the_operators():
    """The folders of a path, and in reasons, are named to the operator alone."""
    path = Source(1, "path", "/srv/secret/papers", problem="/srv/secret/papers cannot be opened", checked=1.0)
    here = Condition(failing=(path,))
    settings = Settings(Path("articles"), Path("data"), 3, 0.8, 1, 1, frozenset(), False)
    assert "secret" not in embed_of(here).fields[2].value
    assert "secret" in embed_of(here, operators=settings).fields[2].value


def test_a_member_is_told_little():
    """A member learns what there is, when it was looked at and how fast answers come: no problems, no model."""
    here = Condition(3, 1, 40, 10**6, {"feed": 2}, 0, 1, sources(1), 1.0, 2.0)
    said = condition.in_short(here, 2, Pace(10, 120, 300, 4, 0.05))
    assert "3 articles · 40 sentences · 1 copy" in said and "2 shared" in said and "<t:1:R>" in said
    assert "120 ms" in said and "example" not in said
    assert "not answered anything" in condition.in_short(Condition(), 0, IDLE)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 KB"),
        (1, "1 KB"),
        (999 * 1024, "999 KB"),
        (1_000 * 1024, "1 MB"),
        (1_300_000, "1.2 MB"),
        (5 * 2**30, "5 GB"),
    ],
)
def test_sizes(size, said):
    """Sizes are told in the unit that reads best."""
    assert condition._size(size) == f"{said} on disk"


# -- the process


def status(discord, channel, user):
    told = use(discord, channel, user, "status")
    assert is_private(told)
    return plain(told)


@pytest.mark.process
@pytest.mark.slow
def test_a_server_without_anything(discord, folder):
    """Where there are no articles yet, that is said, and no corpus is made."""
    guild = discord.guilds[0]
    said = status(discord, guild.channel("general"), guild.manager)
    assert "0 articles · 0 sentences" in said and "nothing to look at" in said
    assert not list(folder.glob("data/servers/*.db"))


@pytest.mark.process
@pytest.mark.slow
def test_what_managers_and_members_are_told(discord, folder, web):
    """A manager is told of articles, sources, what fails, model and pace; a member, and another server, not of that."""
    guild, other = discord.guilds
    channel = guild.channel("general")
    web.put("/times", rss("The Times", entry("One", web.url("/times/1"), long("One."))), "application/rss+xml")
    web.put("/times/1", page("One", "The harbour cat sleeps in the warm boathouse. " + long("One.")))
    use(discord, channel, guild.manager, "feeds add", link=web.url("/times"))
    web.remove("/times")
    use(discord, channel, guild.manager, "reindex")
    use(discord, channel, guild.member, "ask", question="Where does the harbour cat sleep?")
    said = status(discord, channel, guild.manager)
    for part in ("1 article · ", "0 uploads · 0 pages · 1 feed", "on disk", "1 problem", "The Times", "404", "hash"):
        assert part in said
    assert "The last answer took" in said and "No question waits" in said and "Looked at <t:" in said
    assert str(folder) not in said and "process" not in said
    little = status(discord, channel, guild.member)
    assert "1 article · " in little and "The Times" not in little and "hash" not in little
    elsewhere = status(discord, other.channel("general"), other.manager)
    assert "0 articles" in elsewhere and "The Times" not in elsewhere


@pytest.mark.process
@pytest.mark.slow
def test_what_the_operator_is_told(discord, process, folder):
    """The operator is told of the operator's own articles and of the process besides, with its folders."""
    guild = discord.guilds[0]
    process.terminate()
    (folder / "articles" / "mill.md").write_text("# The mill\n\nThe mill grinds barley on Tuesdays.\n")
    process.command = command(folder, every=0.5, first=0.1)
    process.lines.clear()
    process.start().wait_ready().wait_for_line("added: .*mill", 30)
    said = status(discord, guild.channel("general"), discord.operator)
    assert "The operator’s articles" in said and "1 article · 2 sentences" in said
    assert "This process" in said and str(folder / "data") in said and "2 servers" in said
    assert "By schedule" in said
    assert str(folder) not in status(discord, guild.channel("general"), guild.manager)


@pytest.mark.process
@pytest.mark.slow
def test_a_corpus_that_cannot_be_read(discord, folder):
    """Where the articles cannot be read, that is said without a file's name."""
    other = discord.guilds[1]
    path = folder / "data" / "servers" / f"{other.id}.db"
    Store(path, create=True).close()
    path.write_bytes(b"no database at all" * 1_000)
    for file in path.parent.glob(f"{other.id}.db-*"):
        file.unlink()
    said = status(discord, other.channel("general"), other.manager)
    assert "cannot do that" in said and ".db" not in said
    path.unlink()
