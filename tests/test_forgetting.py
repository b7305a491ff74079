"""What leaves the articles leaves the words beside judgements: by every way in which an article goes, and for good.

First the parts on real records and corpora, then the real client against a Discord on the loopback.
"""

import asyncio
import io
import json
import shutil
import sys
import time
import zipfile
from pathlib import Path

import pytest
from conftest import ARTICLES, HashEncoder
from discord_loopback import BotProcess, LoopbackDiscord

from cogs.bridge import Bridge
from cogs.departures import Departures
from cogs.forgetting import Forgetting
from cogs.housekeeping import Housekeeping
from index.corpus import Library
from index.errors import UserError
from index.indexer import Indexer
from index.store import Store
from records.answers import MOST, Judgement, Seen
from records.records import FILE, Records
from terminal import app

HERE = Path(__file__).resolve().parent
SERVER, OTHER = 71, 72
RYE, OVEN = "The bakery sells rye bread on Fridays.", "Its oven burns apple wood."
MAYOR = "It was opened by the mayor in 1932."


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "data")
    yield records
    records.close()


@pytest.fixture
def own(library, encoder, articles):
    """A server's own corpus, with the three sample articles."""
    store = library.corpus(SERVER, create=True).store
    Indexer(store, encoder).sync([str(articles)])
    return store


@pytest.fixture
def forgetting(library, records):
    return Forgetting(library, records)


def source(articles, name):
    return (articles / name).as_posix()


def judge(records, *seen, answer=1, person=1, place=SERVER, helpful=False, hit=None, judged=1.0):
    hits = tuple(Seen(number, *one) for number, one in enumerate(seen))
    records.answers.judge(Judgement(answer, person, place, helpful, hit, judged, "Which?", hits, "hash", "r"))


def left(records, place=SERVER):
    return [[(one.source, one.text) for one in judgement.hits] for judgement in records.answers.judgements(place)]


def remove(store, source):
    store.remove([store.versions(source)[source].article_id], forget=True)


def found(folder, words):
    """Whether the words stand in any file of the folder, however they are written."""
    return any(words.lower() in path.read_bytes().lower() for path in folder.rglob("*") if path.is_file())


# -- the sweep


def test_what_stands_in_the_articles_stays(forgetting, records, own, articles):
    """Of judged sentences whose articles are there, nothing changes, whatever the blanks between their words."""
    judge(records, (source(articles, "bakery.txt"), RYE), (source(articles, "bakery.txt"), OVEN.replace(" ", "\n")))
    before = records.answers.judgements()
    forgetting.sweep(SERVER)
    assert records.answers.judgements() == before


def test_a_removed_articles_words_go(forgetting, records, own, articles, tmp_path):
    """The words and the source of a removed article's sentences are overwritten in every file; other sentences keep
    their number, and which one was meant is not another now."""
    bakery, bridge = source(articles, "bakery.txt"), source(articles, "bridge.md")
    judge(records, (bakery, RYE), (bridge, MAYOR), helpful=True)
    judge(records, (bridge, MAYOR), (bakery, OVEN), person=2, helpful=True, hit=0)
    shutil.rmtree(articles)
    remove(own, bakery)
    assert found(tmp_path / "data", b"rye bread")
    forgetting.sweep(SERVER)
    assert left(records) == [[("", ""), (bridge, MAYOR)], [(bridge, MAYOR), ("", "")]]
    assert [[one.number for one in judgement.hits] for judgement in records.answers.judgements()] == [[0, 1]] * 2
    for words in (b"rye bread", b"apple wood", b"bakery.txt"):
        assert not found(tmp_path / "data", words), words
    assert found(tmp_path / "data", b"mayor")


def test_a_judgement_without_words_goes(forgetting, records, own, articles):
    """Where all sentences of a judgement are gone, it goes as a whole; others of the answer stay."""
    bakery, bridge = source(articles, "bakery.txt"), source(articles, "bridge.md")
    judge(records, (bakery, RYE), (bakery, OVEN), person=1)
    judge(records, (bridge, MAYOR), person=2)
    remove(own, bakery)
    forgetting.sweep(SERVER)
    assert [one.person for one in records.answers.judgements()] == [2]
    remove(own, bridge)
    forgetting.sweep(SERVER)
    assert records.answers.judgements() == []
    assert forgetting.servers() == []


def test_what_an_article_no_longer_says_goes(forgetting, records, own, articles, encoder):
    """A sentence that a new version of its article no longer has goes with the old version."""
    bakery = source(articles, "bakery.txt")
    judge(records, (bakery, RYE), (bakery, OVEN))
    corrected = ARTICLES["bakery.txt"].replace("apple wood", "gas")
    (articles / "bakery.txt").write_text(corrected, encoding="utf-8")
    Indexer(own, encoder).sync([str(articles)])
    forgetting.sweep(SERVER)
    assert left(records) == [[(bakery, RYE), ("", "")]]


def test_the_operators_articles_count(forgetting, records, library, own, articles, *, encoder):
    """A sentence stays as long as the operator's article of that source has it, and goes with that article; what
    another server has to say of it stays."""
    bakery = source(articles, "bakery.txt")
    shared = library.corpus(None, create=True).store
    Indexer(shared, encoder).sync([str(articles)])
    Indexer(library.corpus(OTHER, create=True).store, encoder).sync([str(articles)])
    for place in (SERVER, OTHER):
        judge(records, (bakery, RYE), answer=place, place=place)
    remove(own, bakery)
    forgetting.sweep(SERVER)
    assert left(records) == [[(bakery, RYE)]]
    remove(shared, bakery)
    for server in forgetting.servers():
        forgetting.sweep(server)
    assert left(records) == []
    assert left(records, OTHER) == [[(bakery, RYE)]]


def test_another_articles_same_words_are_no_reason_to_keep_them(forgetting, records, own, articles):
    """The words of a removed article go even if another article has them."""
    judge(records, (source(articles, "gone.txt"), RYE))
    forgetting.sweep(SERVER)
    assert left(records) == []


def test_many_judgements(forgetting, records, own, articles, monkeypatch):
    """However many judgements there are, each is looked at, a few at a time."""
    monkeypatch.setattr("records.answers._AT_ONCE", 3)
    bakery, bridge = source(articles, "bakery.txt"), source(articles, "bridge.md")
    for person in range(1, 11):
        judge(records, (bakery, RYE), *[(bridge, MAYOR)] * (person % 2), answer=100 - person // 3, person=person)
    remove(own, bakery)
    forgetting.sweep(SERVER)
    assert left(records) == [[("", ""), (bridge, MAYOR)]] * 5


def test_what_is_said_anew_meanwhile_is_not_lost(records, own, articles):
    """A judgement that a person changes during the sweep is left for the next one."""
    bridge = source(articles, "bridge.md")
    judge(records, ("gone.txt", RYE))

    def is_gone(seen):
        if records.answers.judgements()[0].helpful is False:
            judge(records, (bridge, MAYOR), helpful=True)
        return True

    records.answers.forget_words(SERVER, is_gone)
    assert left(records) == [[(bridge, MAYOR)]]


def test_corpora_in_use_stay_open(tmp_path, encoder, articles, records):
    """A sweep opens corpora for the moment alone, and pushes none out that people ask."""
    library = Library(tmp_path / "data", encoder, most_open=1)
    for server in (SERVER, OTHER):
        Indexer(library.corpus(server, create=True).store, encoder).sync([str(articles)])
    assert library.opened() == [OTHER]
    judge(records, ("gone.txt", RYE))
    Forgetting(library, records).sweep(SERVER)
    assert left(records) == []
    assert library.opened() == [OTHER]
    library.close()


def test_trouble_after_a_removal_is_logged(forgetting, records, monkeypatch, caplog):
    """A removal does not fail because the words beside judgements cannot be overwritten now."""

    def full(*_):
        raise UserError("the disk is full")

    monkeypatch.setattr(records.answers, "forget_words", full)
    forgetting.after_removal(SERVER)
    assert "could not be forgotten yet: the disk is full" in caplog.text


def test_housekeeping_sweeps_every_server(library, records, own, monkeypatch, caplog):
    """About once an hour every server is swept; one whose articles cannot be read costs no other."""
    for name in ("_FIRST", "_PAUSE"):
        monkeypatch.setattr(f"cogs.housekeeping.{name}", 0.02)
    library.path(OTHER).write_bytes(b"not a database" * 100)
    for place in (OTHER, SERVER):
        records.preferences.change(place, log_questions=True)
        judge(records, ("gone.txt", RYE), answer=place, place=place, judged=time.time())

    async def main():
        bridge = Bridge()
        forgetting = Forgetting(library, records)
        house = Housekeeping(Departures(library, records), forgetting, records, bridge, grace=1e6)
        house.start()
        async with asyncio.timeout(20):
            while left(records) or f"server {OTHER} failed" not in caplog.text:  # noqa: ASYNC110 — what is waited for knows nothing of the test
                await asyncio.sleep(0.01)
        await bridge.close()
        await house.stop()

    asyncio.run(main())
    assert left(records, OTHER) == [[("gone.txt", RYE)]]
    assert f"forgetting words of removed articles in server {OTHER} failed" in caplog.text


def test_reading_judgements_is_bounded(records):
    """At most so many judgements are read at once, those given last, the oldest of them first."""
    for person in range(1, 6):
        judge(records, ("a.md", RYE), person=person, judged=float(person))
    assert [one.person for one in records.answers.judgements(SERVER, most=2)] == [4, 5]
    assert [one.person for one in records.answers.judgements(since=3.0)] == [3, 4, 5]
    assert MOST == 5_000


# -- the command line


@pytest.fixture
def bot(tmp_path, capsys):
    """Runs one command line in this process; its home and databases are in `tmp_path`."""

    def run(*arguments):
        encoder = HashEncoder()
        code = app.main([str(one) for one in arguments], home=tmp_path, make_encoder=lambda config: encoder)
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("place", ["own", "operator"])
@pytest.mark.parametrize("way", ["articles", "all", "sources", "index"])
def test_removing_by_the_command_line(bot, tmp_path, articles, way, place):
    """Whatever command takes an article out of a server's corpus or the operator's, its words beside judgements go at
    once, and those of other articles stay."""
    where = ["--server", SERVER] if place == "own" else []
    articles = articles.rename(tmp_path / "elsewhere")  # what is in the operator's folder is no source of its own
    bakery, bridge = source(articles, "bakery.txt"), source(articles, "bridge.md")
    bot("index", bakery, bridge, *where)
    records = Records(tmp_path / "data")
    judge(records, (bakery, RYE), (bridge, MAYOR))
    listed = json.loads(bot("articles" if way == "articles" else "sources", "list", "--json", *where)[1])
    if way == "articles":
        (number,) = [one["id"] for one in listed if one["source"] == bakery]
        assert bot("articles", "remove", number, "--yes", *where)[0] == 0
    elif way == "all":
        assert bot("articles", "remove", "--all", "--yes", *where)[0] == 0
    elif way == "sources":
        (number,) = [one["id"] for one in listed if one["address"] == bakery]
        assert bot("sources", "remove", number, "--yes", *where)[0] == 0
    else:
        (articles / "bakery.txt").write_text("Nothing of the kind is sold here any more.", encoding="utf-8")
        bot("index", bakery, "--dry-run", *where)
        assert left(records) == [[(bakery, RYE), (bridge, MAYOR)]]
        bot("index", bakery, *where)
    assert left(records) == ([] if way == "all" else [[("", ""), (bridge, MAYOR)]])
    records.close()
    assert not found(tmp_path / "data", b"rye bread")


def test_without_discord_no_records_are_made(bot, tmp_path, articles):
    """Where the bot has never run, removing articles makes no records of answers."""
    bot("index", articles)
    assert bot("articles", "remove", 1, "--yes")[0] == 0
    assert not (tmp_path / "data" / FILE).exists()


# -- the process

OPTIONS = {"model": "hash", "dimension": 1_024, "every": 1e6, "first": 1e6}
QUESTION = "What does the lighthouse keeper feed the gulls?"
KEEPER = b"# The keeper\n\nThe lighthouse keeper feeds the gulls smoked mackerel at noon. He has a dog.\n"
KEEPERS_SON = b"# The son\n\nThe keeper of the lighthouse feeds young gulls boiled turnips. He has a boat.\n"


@pytest.mark.process
@pytest.mark.slow
def test_in_discord(tmp_path):
    """An article removed in Discord leaves no word in the data folder, though an answer that quoted it was judged; of
    one that vanished in another way, the words beside judgements go when the bot keeps house."""
    (tmp_path / "articles").mkdir()
    data = tmp_path / "data"
    with LoopbackDiscord() as discord:
        guild = discord.guilds[0]
        channel, manager = guild.channel("general"), guild.manager
        prefer = Records(data)
        prefer.preferences.change(guild.id, log_questions=True)
        prefer.close()

        def use(name, **options):
            done = discord.slash(channel, manager, name, options)
            return done.wait_for(lambda self: self.answered and self.text and not self.text.endswith("…"), 60)

        def command(**more):
            return [sys.executable, str(HERE / "loopback_bot.py"), str(tmp_path), json.dumps(OPTIONS | more)]

        with BotProcess(discord, command(), cwd=HERE.parent) as process:
            process.wait_ready()
            for name, text in (("keeper.md", KEEPER), ("son.md", KEEPERS_SON)):
                use("articles add", file=discord.upload(name, text))
            answer = use("ask", question=QUESTION, count=5)
            assert "smoked mackerel" in answer.text and "boiled turnips" in answer.text
            discord.click(answer.message, "answer:judge", manager).wait_for_answer(20)
            assert b"smoked mackerel" in b"".join(path.read_bytes() for path in data.glob("discord.db*"))
            asked = use("articles remove", article="The keeper")
            discord.click(asked.message, "Remove", manager)
            discord.wait_for(lambda: "Removed" in asked.message.content, 20, "the removal")
            assert not found(data, b"mackerel")
            assert found(data, b"boiled turnips")
            store = Store(data / "servers" / f"{guild.id}.db", create=False)
            store.remove([one.id for one in store.articles()], forget=True)
            store.close()
            assert found(data, b"boiled turnips")
            process.terminate()
            process.command = command(tidy=0.3)
            process.start().wait_ready()
            discord.wait_for(lambda: not found(data, b"turnips"), 20, "the sweep")
            process.wait_for_line("words of removed articles forgotten")
            assert "Traceback" not in process.output
        assert discord.violations == []
        assert discord.refused_connections() == []


@pytest.mark.process
@pytest.mark.slow
def test_a_source_in_discord(tmp_path):
    """With a ZIP that is removed in Discord together with its articles, the words of these go from the judgements."""
    (tmp_path / "articles").mkdir()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("keeper.md", KEEPER)
        archive.writestr("son.md", KEEPERS_SON)
    with LoopbackDiscord() as discord:
        guild = discord.guilds[0]
        channel, manager = guild.channel("general"), guild.manager
        records = Records(tmp_path / "data")
        records.preferences.change(guild.id, log_questions=True)
        command = [sys.executable, str(HERE / "loopback_bot.py"), str(tmp_path), json.dumps(OPTIONS)]
        with BotProcess(discord, command, cwd=HERE.parent) as process:
            process.wait_ready()

            def use(name, **options):
                done = discord.slash(channel, manager, name, options)
                return done.wait_for(lambda self: self.answered and self.text and not self.text.endswith("…"), 60)

            use("articles add", file=discord.upload("both.zip", packed.getvalue()))
            answer = use("ask", question=QUESTION)
            discord.click(answer.message, "answer:judge", manager).wait_for_answer(20)
            assert left(records, guild.id)
            asked = use("sources remove", source="both.zip")
            discord.click(asked.message, "Remove it and its articles", manager)
            discord.wait_for(lambda: not asked.message.buttons, 20, "the removal")
            assert records.answers.judgements() == []
            assert not found(tmp_path / "data", b"mackerel")
            assert "Traceback" not in process.output
        records.close()
        assert discord.violations == []
        assert discord.refused_connections() == []
