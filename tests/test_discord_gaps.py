"""/gaps, as those who manage a server's articles meet it, and what the bot says when a new model answers worse.

The real client against a Discord on the loopback, with the deterministic encoder. One process serves the tests, in the
order of this file; it is started anew between a list and a press, and with another model.
"""

import time

import pytest
from discord_play import restart

from index.store import Store
from records.answers import AnswerRecord, Judgement, Seen
from records.learning import Score
from records.records import Records

pytestmark = [pytest.mark.process, pytest.mark.slow]

SUBJECTS = "anchors barrels candles dinghies engines ferries gangways harbours islands jetties kettles ladders".split()


@pytest.fixture
def guild(discord):
    return discord.guilds[0]


@pytest.fixture
def records(folder, process):
    """The records of the running bot, by a connection of our own."""
    records = Records(folder / "data")
    yield records
    records.close()


def gaps(discord, guild, user=None):
    asked = discord.slash(guild.channel("general"), user or guild.manager, "gaps").wait_for_answer()
    assert asked.ephemeral and asked.acknowledged_after < 3
    return asked


def shown(asked):
    return asked.embeds[0]["description"] if asked.embeds else asked.content


def switch_log_on(discord, guild):
    panel = discord.slash(guild.channel("general"), guild.manager, "settings").wait_for_answer()
    discord.click(panel.message, "Answers and privacy", guild.manager).wait_for_answer()
    discord.click(panel.message, "settings:log", guild.manager).wait_for_answer()


def ask(discord, guild, question, user=None, **options):
    asked = discord.slash(guild.channel("general"), user or guild.member, "ask", {"question": question} | options)
    return asked.wait_for_answer(20)


# -- the list


def test_without_a_log(discord, guild):
    """Where no questions are kept, the command says so and where that is changed."""
    ask(discord, guild, "When do the ferries leave?")
    assert "keeps no question log" in gaps(discord, guild).text
    assert "/settings" in gaps(discord, guild).text


def test_nothing_is_missing(discord, guild):
    """Once the log is on, and nothing was asked since, there are no gaps: what was asked before is not known."""
    switch_log_on(discord, guild)
    assert "no question of the last 90 days is without an answer" in shown(gaps(discord, guild))


def test_gaps(discord, guild):
    """Questions asked in vain are listed with the number of people, and nobody's name; private ones are not."""
    for user in (guild.member, guild.manager):
        ask(discord, guild, "When do the ferries leave?", user)
    ask(discord, guild, "What do @everyone **tickets** cost?")
    ask(discord, guild, "Where is the treasure?", private=True)
    asked = gaps(discord, guild)
    text = shown(asked)
    assert "**When do the ferries leave?**\n-# 2 people missed an answer · last <t:" in text
    assert "What do \\@everyone \\*\\*tickets\\*\\* cost?" in text
    assert "treasure" not in text
    assert str(guild.member.id) not in text and guild.member.name not in text
    assert asked.embeds[0]["footer"]["text"].startswith("2 gaps")
    assert asked.message.buttons == []


def test_what_is_answered_by_now(discord, guild):
    """A gap that an article has filled since is left out, and counted."""
    file = discord.upload("ferries.txt", b"The ferries leave at noon.\n\nThe ferries leave from the long pier.")
    discord.slash(guild.channel("general"), guild.manager, "articles add", {"file": file}).wait_for_answer(20)
    asked = gaps(discord, guild)
    assert "ferries" not in shown(asked)
    assert "1 question is answered by now" in asked.embeds[0]["footer"]["text"]


def test_only_managers(discord, guild):
    """Members see no gaps, and neither does another server see this one's."""
    refused = gaps(discord, guild, guild.member)
    assert "Manage Server" in refused.text and "tickets" not in refused.text
    other = discord.guilds[1]
    switch_log_on(discord, other)
    assert "tickets" not in shown(gaps(discord, other))


def test_pages_outlive_a_restart(discord, guild, process, folder, records):
    """A list longer than a page has buttons, which go on working after a restart, with what is missing by then."""
    for n, subject in enumerate(SUBJECTS):
        keep(records, guild, f"Where are the {subject}?", time.time() - n)
    first = gaps(discord, guild)
    assert "anchors" in shown(first) and "ladders" not in shown(first)
    assert [one["custom_id"] for one in first.message.buttons] == ["gaps:page:1"]
    restart(process, folder)
    pressed = discord.click(first.message, "gaps:page:1", guild.manager)
    pressed.wait_for(lambda _: "Page 2 of 3" in first.embeds[0]["footer"]["text"])
    assert pressed.acknowledged_after < 3
    assert [one["custom_id"] for one in first.message.buttons] == ["gaps:page:0", "gaps:page:2"]
    assert "anchors" not in shown(first)


def keep(records, guild, question, asked):
    record = AnswerRecord(guild.id, guild.id, 11, False, asked, False, 3, question, None, "hash", "r")
    records.answers.keep(record)


def test_a_button_is_no_way_around_the_rights(discord, guild):
    """Whoever presses needs the right themselves; a page that there is no more shows the nearest; and in a server
    without a log the button says so."""
    listed = gaps(discord, guild)
    refused = discord.click(listed.message, "gaps:page:1", guild.member).wait_for_answer()
    assert "Manage Server" in refused.text and all(one.ephemeral for one in refused.followups)
    listed.message.component("gaps:page:1")["custom_id"] = "gaps:page:999999"
    pressed = discord.click(listed.message, "gaps:page:999999", guild.manager)
    pressed.wait_for(lambda _: "Page 3 of 3" in listed.embeds[0]["footer"]["text"])
    assert [one["custom_id"] for one in listed.message.buttons] == ["gaps:page:1"]


# -- another model


def test_a_worse_ranking_is_told_once(discord, guild, process, folder, records):
    """Where judged questions are answered worse than by an earlier model, log and log channel are told, once."""
    things = [f"thing{n}" for n in range(22)]
    text = "\n\n".join(f"The {one} was built in {1900 + n}." for n, one in enumerate(things))
    file = discord.upload("things.txt", text.encode())
    discord.slash(guild.channel("general"), guild.manager, "articles add", {"file": file}).wait_for_answer(20)
    (source,) = (
        one.source for one in articles(folder, guild) if one.title.startswith("things") or "The thing0" in one.title
    )
    for n, one in enumerate(things):
        # What was judged to be right is what nobody could find by these words.
        seen = (Seen(0, source, f"The thing{(n + 1) % 22} was built in {1900 + (n + 1) % 22}."),)
        question = f"When was the {one} built?"
        records.answers.judge(Judgement(n + 1, 5, guild.id, True, 0, 1.0, question, seen, "old", "r"))
    channel = guild.channel("help")
    records.preferences.change(guild.id, log_channel=channel.id)
    restart(process, folder, watch=0.2)
    wait_until(lambda: records.learning.scores(guild.id))
    (now,) = records.learning.scores(guild.id)
    assert max(now.results.values()) < 1
    assert discord.bot_messages(channel) == []
    records.learning.keep(guild.id, Score("old", "r", 1.0, dict.fromkeys(now.results, 1.0)))
    told = discord.wait_for_message(channel, lambda one: "answer worse" in one.content)
    assert "of 22 questions, 22 are answered worse and 0 better" in told.content
    assert f"--from-feedback --server {guild.id}" in told.content
    time.sleep(1.0)  # several looks
    assert len(discord.bot_messages(channel)) == 1
    assert process.output.count("judged questions are answered worse than by old with ranker r") == 1


def articles(folder, guild):
    store = Store(folder / "data" / "servers" / f"{guild.id}.db", create=False)
    try:
        return store.articles()
    finally:
        store.close()


def wait_until(true, seconds=20):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)
