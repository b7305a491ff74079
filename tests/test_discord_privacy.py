"""`/privacy`: what is told of what is kept, and that it goes when its owner wants it, and nothing else with it."""

import time
from pathlib import Path

import pytest
from discord_play import is_private, plain, restart, use

from cogs.personal import Mine, Personal
from cogs.privacy import asked, deleted, shown
from cogs.settings import Settings
from index.database import Database
from index.store import Store
from records.preferences import Preferences
from records.privacy import Held
from records.records import FILE, Records
from records.schema import MIGRATIONS

ANA, BEN = 4_001, 4_002
HARBOUR, MEADOW = 8392802304, 8396996608


def fill(database, person, *, place=HARBOUR, first=1, judged=0):
    """Two records of answers to a person, one with its question, a hit, two judgements and a choice."""
    columns = "id, place, guild, asker, private, asked, answered, shown, question, model, ranker"
    with database.transaction("IMMEDIATE") as connection:
        for number, question in ((first, None), (first + 1, "Who?")):
            values = (number, place, place, person, 0, time.time(), 1, 3, question, "m", "r")
            connection.execute(f"INSERT INTO answer ({columns}) VALUES ({', '.join('?' * 11)})", values)
            connection.execute(
                "INSERT INTO hit (answer, number, corpus, article, start, end, digest, probability, confidence, others)"
                " VALUES (?, 0, 0, 1, 0, 5, 'd', 0.9, 'strong', '{}')",
                (number,),
            )
        for answer in (first, judged or first + 1):
            connection.execute(
                "INSERT INTO judgement (answer, person, place, helpful, judged, question, hits, model, ranker)"
                " VALUES (?, ?, ?, 1, 0, 'Who?', '[]', 'm', 'r')",
                (answer, person, place),
            )
        connection.execute("INSERT OR REPLACE INTO chosen VALUES (?, ?, 0)", (person, place))


def opened(folder):
    return Database(folder / FILE, create=True, migrations=MIGRATIONS)


def counts(database):
    tables = ("answer", "hit", "judgement", "chosen")
    return [database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path / "data")
    yield records
    records.close()


# -- records


def test_what_is_held_of_a_person(records, tmp_path):
    """Each person's records are counted and deleted with all that hangs on them, so what others said of answers to
    them, too; and nothing else of anybody's."""
    database = opened(tmp_path / "data")
    fill(database, ANA)
    fill(database, BEN, first=3, judged=2)
    assert records.privacy.of(ANA) == Held(2, 1, 2, chosen=True)
    assert records.privacy.forget(ANA) == Held(2, 1, 2, chosen=True)
    assert records.privacy.of(ANA) == records.privacy.forget(ANA) == Held(0, 0, 0, chosen=False)
    assert records.privacy.of(BEN) == Held(2, 1, 1, chosen=True)
    assert counts(database) == [2, 2, 1, 1]
    database.close()


def test_waiting_questions_everywhere(library, records):
    """A person's waiting questions are found and deleted in every corpus, and articles and others' questions stay."""
    for server, person in ((None, ANA), (HARBOUR, ANA), (HARBOUR, BEN), (MEADOW, ANA)):
        ledger = library.corpus(server, create=True).store.ledger
        ledger.wait(f"How deep is the well of {person}?", 1.0, person)
    opened_before = library.opened()
    personal = Personal(library, records)
    assert personal.of(ANA) == Mine(Held(0, 0, 0, chosen=False), waiting=3)
    assert personal.forget(ANA).waiting == 3
    assert personal.of(ANA).anything is False
    assert personal.of(BEN).waiting == 1
    assert library.opened() == opened_before


def test_a_corpus_that_cannot_be_read(library, records):
    """What cannot be looked into costs nothing of the rest, and is said."""
    library.corpus(HARBOUR, create=True).store.ledger.wait("How deep?", 1.0, ANA)
    library.path(MEADOW).write_bytes(b"no database at all" * 1_000)
    gone = Personal(library, records).forget(ANA)
    assert (gone.waiting, gone.complete) == (1, False)
    assert "could not look into everything" in deleted(gone)
    assert library.corpus(HARBOUR).store.ledger.waiting() == []


# -- words


def settings(**values):
    options = {"log_questions": False, **values}
    return Settings(Path("articles"), Path("data"), 3, 0.8, 1, 1, frozenset(), **options)


NOTHING = Mine(Held(0, 0, 0, chosen=False), 0)
ALL = Mine(Held(2, 1, 1, chosen=True), 3)


def text_of(embed):
    return "\n".join([embed.description, *(f"{one.name}\n{one.value}" for one in embed.fields)])


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("written", [False, True])
def test_what_is_stored_is_told_as_it_is_set(log, waiting, written):
    """The words follow the settings of server and operator: the question log, waiting questions, the log file."""
    wishes = Preferences(log_questions=log)
    said = text_of(shown(ALL, settings(keep_waiting=waiting, log_questions=written), wishes, in_server=True))
    assert ("keeps a question log" in said) is log
    assert "Not the question." in said
    assert ("helpful" in said) is log
    assert ("found nothing" in said) is waiting
    assert ("text of questions written" in said) is written
    assert ("neither questions" in said) is not written
    assert len(said) < 4_000


def test_what_is_said_of_a_person():
    """What there is of a person is counted, one thing a line, and nothing is said to be nothing."""
    said = text_of(shown(ALL, settings(), Preferences(), in_server=False))
    for line in ("- 2 records of answers", "- 1 of these with the question", "- 1 judgement of an answer"):
        assert line in said
    assert "- 3 questions that wait" in said and "direct messages" in said
    assert "I keep nothing of you." in text_of(shown(NOTHING, settings(), Preferences(), in_server=True))
    assert asked(NOTHING) == deleted(NOTHING) == "I keep nothing of you."
    assert "Delete this for good?" in asked(ALL) and "Deleted for good" in deleted(ALL)


# -- the process


def keep_of(folder, guild, person, *, first):
    """Leaves records of a person behind, and a waiting question in the server's articles."""
    database = opened(folder / "data")
    fill(database, person.id, place=guild.id, first=first)
    database.close()
    store = Store(folder / "data" / "servers" / f"{guild.id}.db", create=True)
    store.ledger.wait(f"How deep is the well of {person.name} {first}?", time.time(), person.id)
    store.close()


def kept_of(folder, person):
    records = Records(folder / "data")
    try:
        return records.privacy.of(person.id)
    finally:
        records.close()


@pytest.mark.process
@pytest.mark.slow
def test_showing(discord, folder):
    """/privacy show tells everybody alone what is stored, and how much of it is theirs, in servers and directly."""
    guild = discord.guilds[0]
    channel, direct = guild.channel("general"), discord.dm_channel(guild.member)
    assert "I keep nothing of you." in use(discord, channel, guild.member, "privacy show").text
    keep_of(folder, guild, guild.member, first=10)
    for where in (channel, direct):
        told = use(discord, where, guild.member, "privacy show")
        assert is_private(told)
        assert "2 records of answers" in told.text and "1 question that waits" in told.text
    assert "I keep nothing of you." in use(discord, channel, guild.manager, "privacy show").text
    assert discord.visible("privacy", guild, guild.member)


@pytest.mark.process
@pytest.mark.slow
def test_deleting_after_a_restart(discord, process, folder):
    """What is one's own goes after a question, whose button outlives a restart; pressed twice it finds nothing more."""
    guild = discord.guilds[0]
    channel = guild.channel("general")
    keep_of(folder, guild, guild.owner, first=20)
    asking = use(discord, channel, guild.member, "privacy delete")
    twice = use(discord, channel, guild.member, "privacy delete")
    assert is_private(asking) and "Delete this for good?" in asking.text
    assert kept_of(folder, guild.member).answers == 2
    restart(process, folder)
    discord.click(asking.message, "Delete it", guild.member).wait_for(lambda _: "Deleted" in asking.text)
    assert "2 records of answers" in asking.text and "1 question that waits" in asking.text
    assert asking.message.buttons == []
    assert kept_of(folder, guild.member) == Held(0, 0, 0, chosen=False)
    assert kept_of(folder, guild.owner).answers == 2
    discord.click(twice.message, "Delete it", guild.member).wait_for(lambda _: "nothing" in twice.text)
    assert twice.text == "I keep nothing of you."
    nothing = use(discord, channel, guild.member, "privacy delete")
    assert nothing.text == "I keep nothing of you." and nothing.message.buttons == []
    store = Store(folder / "data" / "servers" / f"{guild.id}.db", create=False)
    assert [one.asker for one in store.ledger.waiting()] == [guild.owner.id]
    store.close()


@pytest.mark.process
@pytest.mark.slow
def test_anothers_button(discord, folder):
    """Nobody deletes what is another's, by their button or by a forged one, whatever rights they have."""
    guild = discord.guilds[0]
    channel = guild.channel("general")
    keep_of(folder, guild, guild.manager, first=30)
    asking = use(discord, channel, guild.manager, "privacy delete")
    for person in (guild.member, guild.owner, discord.operator):
        refused = discord.click(asking.message, "Delete it", person).wait_for_answer()
        assert "another person’s" in refused.text and refused.ephemeral
    for forged in (f"privacy:delete:{guild.owner.id}", "privacy:delete:99999999999999999999"):
        asking.message.buttons[0]["custom_id"] = forged
        assert "another person’s" in discord.click(asking.message, forged, guild.manager).wait_for_answer().text
    assert kept_of(folder, guild.manager).answers == kept_of(folder, guild.owner).answers == 2


@pytest.mark.process
@pytest.mark.slow
def test_keeping(discord, folder):
    """Whoever thinks better of it keeps everything."""
    guild = discord.guilds[0]
    asking = use(discord, guild.channel("general"), guild.owner, "privacy delete")
    assert "Nothing was removed" in discord.click(asking.message, "Cancel", guild.owner).wait_for_answer().text
    assert kept_of(folder, guild.owner).answers == 2


@pytest.mark.process
@pytest.mark.slow
def test_who_has_left(discord, folder):
    """Whoever has left every server deletes what is theirs in direct messages."""
    guild, other = discord.guilds
    leaver = guild.owner
    direct = discord.dm_channel(leaver)
    keep_of(folder, other, leaver, first=40)
    del guild.members[leaver.id]
    try:
        asking = use(discord, direct, leaver, "privacy delete")
        discord.click(asking.message, "Delete it", leaver).wait_for(lambda _: "Deleted" in asking.text)
        assert "4 records of answers" in plain(asking) and "2 questions that wait" in plain(asking)
    finally:
        guild.members[leaver.id] = leaver
    assert kept_of(folder, leaver) == Held(0, 0, 0, chosen=False)


@pytest.mark.process
@pytest.mark.slow
def test_asking_too_often(discord):
    """Whoever asks again and again is told to wait, and nobody else is."""
    other = discord.guilds[1]
    channel = other.channel("general")
    said = [use(discord, channel, other.manager, "privacy show").text for _ in range(6)]
    assert "Slow down" in said[-1] and "Slow down" not in said[0]
    assert "Slow down" in use(discord, channel, other.manager, "privacy delete").text
    assert "What I keep" in use(discord, channel, other.owner, "privacy show").text
