"""The bot as a person meets it: the real process and the real model, against a Discord on the loopback.

One process serves most tests, in the order of this file, on one core and with 1 GB of memory; the last ones start and
stop their own.
"""

import signal
from itertools import cycle

import pytest
from discord_loopback import LoopbackDiscord
from discord_play import harbour, lay, meadow, serving

pytestmark = [pytest.mark.process, pytest.mark.model, pytest.mark.slow]

OPENED = "When was the Tallow Bridge opened?"
BRIDGE = (
    "---\ntitle: The Tallow Bridge\nurl: https://example.org/bridge\npublished: 2024-05-06\n---\n\n"
    "The Tallow Bridge crosses the river Wend. It was opened by the mayor in 1932. "
    "Its two towers are painted green every seven years.\n"
)
OWLS = b"# Owls in the mill\n\nA pair of barn owls nests in the old mill. They raised four chicks this summer.\n"
FERRY = b"# The ferry\n\nThe ferry to Hazel Island leaves the pier at noon. A ticket costs three crowns.\n"


@pytest.fixture(scope="module")
def folder(folder):
    """The operator's folder, with one article."""
    lay(folder, {"bridge.md": BRIDGE})
    return folder


@pytest.fixture(scope="module")
def process(server, folder):
    """The bot, running; editors may manage articles too."""
    role = server.guilds[0].role("Editors").id
    help_channel = server.guilds[0].channel("help")  # where the bot may not embed
    help_channel.denied[server.guilds[0].role(server.bot.name).id] = 1 << 14
    read_only = server.guilds[1].channel("locked")  # where the bot may read, and not write
    read_only.denied[server.guilds[1].role(server.bot.name).id] = 1 << 11
    (folder / "config.toml").write_text(f"[discord]\nmanager_roles = [{role}]\n", encoding="utf-8")
    with serving(server, folder, memory=10**9) as process:
        yield process.wait_ready()


@pytest.fixture
def discord(server, process):
    """The shared server, watched as elsewhere but for tracebacks: some tests here bring errors about."""
    yield server
    assert server.violations == []
    assert server.refused_connections() == []
    assert process.running


def use(discord, channel, user, name, **options):
    """Uses a command and waits for its answer, acknowledged within Discord's three seconds."""
    asked = discord.slash(channel, user, name, options).wait_for(lambda self: self.answered and self.text, 60)
    assert asked.acknowledged_after < 3
    return asked


def reindex(discord, channel, user):
    return discord.slash(channel, user, "reindex").wait_for(is_reported, 120)


def is_under_way(asked):
    """Whether a run over the operator's folder has shown how far it is."""
    return asked.message and any("Reading the operator" in state["content"] for state in asked.history)


def is_reported(asked):
    """Whether a run shows its report, and no longer how far it is."""
    return "encoded" in asked.text and "Reading" not in asked.text and "Starting" not in asked.text


def add(discord, channel, user, name, content, **options):
    return use(discord, channel, user, "articles add", file=discord.upload(name, content), **options)


def titles(discord, channel, user, typed="", *, command="articles remove", option="article"):
    found = discord.autocomplete(channel, user, command, option, typed).wait_for_answer(20)
    assert found.acknowledged_after < 3
    return {choice["name"].rpartition(" (")[0]: choice["value"] for choice in found.choices}


def delay(line):
    """Seconds until the next attempt to connect, as the log says."""
    return float(line.rpartition("next attempt in ")[2].removesuffix(" s"))


def test_start_up(discord, process):
    """The bot asks for no privileged intent, registers its commands once, and acknowledges while it warms up."""
    guild, channel = harbour(discord)
    asked = use(discord, channel, guild.member, "ask", question=OPENED)
    assert "No articles are indexed" in asked.text
    assert "/articles add" in asked.text
    assert discord.command_writes == 1
    privileged = (1 << 1) | (1 << 8) | (1 << 15)
    assert not discord.gateway.identifies[0]["intents"] & privileged


def test_the_operator_reindexes(discord, folder):
    """The operator's /reindex reads the operator's folder; the report counts, and names files to the operator alone."""
    _, channel = harbour(discord)
    (folder / "articles" / "empty.md").write_text("")
    running = reindex(discord, channel, discord.operator)
    assert "The operator's articles**: 1 added, 1 failed." in running.text
    running.wait_for(lambda self: self.followups)
    assert [message.ephemeral for message in running.followups] == [True]
    assert "empty.md" in running.followups[0].text
    assert "empty" not in str(running.history)
    assert folder.name not in running.text
    (folder / "articles" / "empty.md").unlink()


def test_ask(discord):
    """An answer quotes the sentence in bold between its neighbours, with linked title, date and confidence."""
    guild, channel = harbour(discord)
    asked = use(discord, channel, guild.member, "ask", question=OPENED)
    first = asked.embeds[0]
    assert "> **It was opened by the mayor in 1932.**" in first["description"].split("\n")
    assert "> The __Tallow Bridge__ crosses the river Wend." in first["description"]
    assert "match · example.org · 6 May 2024" in first["description"]
    assert first["title"].endswith("The Tallow Bridge")
    assert first["url"].startswith("https://example.org/bridge#:~:text=It%20was%20opened")
    assert first["author"]["name"] == OPENED
    assert len(asked.embeds) <= 3
    assert not asked.ephemeral
    assert asked.message.pinged == set()


def test_an_address_that_discord_refuses(discord):
    """An answer that Discord refuses for its links arrives without them."""
    guild, channel = harbour(discord)
    discord.fail(400, r"/messages/@original$", "PATCH")
    asked = use(discord, channel, guild.owner, "ask", question=OPENED)
    assert "1932" in asked.text
    assert all("url" not in embed for embed in asked.embeds)


def test_a_reply_that_discord_refuses(discord):
    """A reply that Discord refuses arrives without links, and if need be without referring to the question."""
    guild, channel = meadow(discord)
    discord.fail(400, r"/messages$", "POST")
    reply = discord.wait_for_reply(discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}"))
    assert "1932" in reply.text
    assert all("url" not in embed for embed in reply.embeds)
    discord.fail(403, r"/messages$", "POST", times=2)
    asked = discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}")
    reply = discord.wait_for_message(channel, lambda message: "1932" in message.text, after=asked)
    assert reply.reply_to is None


def test_lost_connections(discord):
    """Answers and runs survive connections that break, and nothing is said twice."""
    guild, channel = harbour(discord)
    edits = r"/messages/@original$"
    discord.fail(0, edits, "PATCH")
    assert "1932" in use(discord, channel, guild.manager, "ask", question=OPENED).text
    discord.fail(0, r"/typing$", "POST")
    fault = discord.fail(0, r"/messages$", "POST", after_effect=True)
    asked = discord.say(channel, guild.manager, f"{discord.bot.mention} {OPENED}")
    discord.wait_for(lambda: len(discord.sent("POST", r"/messages$")) and fault.hits, 20)
    discord.wait_for_reply(asked)
    again = discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}")
    discord.wait_for_reply(again)
    assert len(discord.replies(asked)) == 1
    discord.fail(0, edits, "PATCH", times=2)
    assert "The operator's articles**: 1 unchanged" in reindex(discord, channel, discord.operator).text


def test_typing_costs_nothing(discord):
    """An answer does not wait for Discord to show the bot as typing."""
    guild, channel = meadow(discord)
    fault = discord.fail(500, r"/typing$", "POST", times=5)
    discord.wait_for_reply(discord.say(channel, guild.manager, f"{discord.bot.mention} {OPENED}"), timeout=10)
    assert fault.hits < 5
    discord.rest.faults.clear()


def test_nothing_found(discord):
    """A question that no article answers is told so, with what there is."""
    guild, channel = harbour(discord)
    asked = use(discord, channel, guild.manager, "ask", question="Who won the football World Cup in 2022?")
    assert "Nothing found" in asked.text
    assert "1 shared article" in asked.text


def test_a_language_that_the_model_does_not_know(discord, process):
    """Whoever asks in a language that the model does not know is told so once, above what is found by its words."""
    guild, channel = harbour(discord)
    asked = use(discord, channel, guild.manager, "ask", question="Wann wurde die Tallow Bridge über den Wend eröffnet?")
    assert "in German" in asked.text and "understands English" in asked.text
    again = use(discord, channel, guild.manager, "ask", question="Wer hat die Tallow Bridge über den Wend gebaut?")
    assert "German" not in again.text
    german = f"{discord.bot.mention} Wann wurde die große Brücke eröffnet?"
    before = process.output.count("could not reply in channel")
    discord.fail(403, r"/messages$", "POST", times=10)
    discord.say(channel, guild.member, german)
    try:  # what nobody got to see does not count as said
        discord.wait_for(lambda: process.output.count("could not reply in channel") > before, 20)
    finally:
        discord.rest.faults.clear()
    assert "in German" in discord.wait_for_reply(discord.say(channel, guild.member, german)).text
    assert "German" not in discord.wait_for_reply(discord.say(channel, guild.member, german)).text


def test_private_answer(discord):
    """A private answer is for its reader alone."""
    guild, channel = harbour(discord)
    asked = use(discord, channel, guild.owner, "ask", question=OPENED, private=True)
    assert asked.ephemeral
    assert "1932" in asked.text


def test_mention(discord, process):
    """Mentioning the bot with a question brings a reply that notifies nobody; without one, a line of help."""
    guild, channel = harbour(discord)
    reply = discord.wait_for_reply(discord.say(channel, guild.member, f"{discord.bot.mention}  {OPENED}"))
    assert "**It was opened by the mayor in 1932.**" in reply.text
    assert reply.pinged == set()
    assert channel in discord.typing
    again = discord.say(channel, guild.member, "What colour are the two towers painted?", reply_to=reply)
    assert "green" in discord.wait_for_reply(again).text
    long = discord.say(channel, guild.owner, f"{discord.bot.mention} {'why ' * 76}?")
    assert "at most 300" in discord.wait_for_reply(long).text
    helped = discord.wait_for_reply(discord.say(channel, guild.member, discord.bot.mention))
    assert "/ask" in helped.text
    thanks = discord.say(channel, guild.member, "thanks!", reply_to=reply)
    plain = discord.say(channel, guild.member, OPENED)
    everyone = discord.say(channel, guild.member, f"@everyone {OPENED}")
    last = discord.say(channel, guild.member, f"{discord.bot.mention} {OPENED}")
    discord.wait_for_reply(last)
    assert [discord.replies(message) for message in (thanks, plain, everyone)] == [[], [], []]


def test_channels_without_embeds(discord):
    """Where the bot may not embed, the answer comes as text, without previews; where it may not write, not at all."""
    guild, _ = harbour(discord)
    channel = guild.channel("help")
    reply = discord.wait_for_reply(discord.say(channel, guild.manager, f"{discord.bot.mention} {OPENED}"))
    assert "> **It was opened by the mayor in 1932.**" in reply.content
    assert reply.flags & (1 << 2)
    asked = use(discord, channel, guild.manager, "ask", question=OPENED)
    assert asked.embeds == []
    assert "[The Tallow Bridge](<https://example.org/bridge#:~:text=" in asked.content
    guild, general = meadow(discord)
    locked = guild.channel("locked")
    unheard = discord.say(locked, guild.manager, f"{discord.bot.mention} {OPENED}")
    discord.wait_for_reply(discord.say(general, guild.manager, f"{discord.bot.mention} {OPENED}"))
    assert discord.replies(unheard) == []
    assert not discord.sent("POST", f"/channels/{locked.id}/")


def test_direct_message(discord):
    """A direct message is answered from what is shared with every server."""
    reply = discord.wait_for_reply(discord.direct_message(discord.guilds[1].manager, OPENED))
    assert "1932" in reply.text
    channel = discord.dm_channel(discord.guilds[1].manager)
    assert "1932" in use(discord, channel, discord.guilds[1].manager, "ask", question=OPENED).text
    unknown = discord.direct_message(discord.guilds[1].manager, "Who won the football World Cup in 2022?")
    reply = discord.wait_for_reply(unknown)
    assert "Nothing found" in reply.text
    assert "this server" not in reply.text


def test_add(discord):
    """An uploaded file is reported by title and sentences, answers at once, and is recognized when it comes again."""
    guild, channel = harbour(discord)
    added = add(discord, channel, guild.manager, "owls.md", OWLS)
    assert added.text == "Added **Owls in the mill**: 3 sentences."
    assert added.ephemeral
    asked = use(discord, channel, guild.manager, "ask", question="How many chicks did the barn owls raise?")
    assert "four chicks" in asked.embeds[0]["description"]
    again = add(discord, channel, guild.manager, "copy.txt", OWLS)
    assert "already there, as **Owls in the mill**" in again.text
    value = titles(discord, channel, guild.manager, "owl", command="articles add", option="replaces")[
        "Owls in the mill"
    ]
    replaced = add(discord, channel, guild.manager, "owls.md", OWLS.replace(b"four", b"five"), replaces=value)
    assert "Replaced: **Owls in the mill**" in replaced.text
    assert list(titles(discord, channel, guild.manager)) == ["Owls in the mill"]


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("image.txt", bytes(range(256)) * 64, {}, "image.txt"),
        ("report.pdf", b"%PDF-1.7", {}, "report.pdf"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(99), {}, "PNG"),
        ("big.txt", 11 * 1024 * 1024, {}, "too large"),
        ("liar.txt", 11 * 1024 * 1024, {"declared_size": 1_000}, "too large"),
        ("gone.txt", b"Some text.", {"status": 404}, "Upload it again"),
        ("empty.txt", b"", {}, "empty"),
    ],
)
def test_files_that_are_refused(discord, name, content, options, said):
    """A file that cannot become an article is refused in words, before it is fetched where its size tells."""
    guild, channel = harbour(discord)
    fetched = len(discord.downloads)
    file = discord.upload(name, content, **options)
    refused = use(discord, channel, guild.manager, "articles add", file=file)
    assert said in refused.text.replace("\\", "")
    assert all(message.ephemeral for message in [refused.message, *refused.followups] if not message.deleted)
    assert len(discord.downloads) - fetched == (0 if name == "big.txt" else 1)
    assert list(titles(discord, channel, guild.manager)) == ["Owls in the mill"]


def test_managing_takes_rights(discord):
    """Adding, removing and re-reading are refused to members, who are offered no titles; a configured role may."""
    guild, channel = harbour(discord)
    file = discord.upload("a.txt", FERRY)
    value = titles(discord, channel, guild.manager)["Owls in the mill"]
    for name, options in (("articles add", {"file": file}), ("articles remove", {"article": value}), ("reindex", {})):
        refused = use(discord, channel, guild.member, name, **options)
        assert "Manage Server" in refused.text
        assert [message.ephemeral for message in [refused.message, *refused.followups] if not message.deleted] == [True]
    assert titles(discord, channel, guild.member) == {}
    assert titles(discord, channel, guild.member, command="articles add", option="replaces") == {}
    shown = use(discord, channel, guild.manager, "articles remove", article=value)
    assert "Manage Server" in discord.click(shown.message, "Remove", guild.member).wait_for_answer().text
    assert list(titles(discord, channel, guild.manager)) == ["Owls in the mill"]
    guild.join(guild.member, guild.role("Editors"))
    assert list(titles(discord, channel, guild.member)) == ["Owls in the mill"]
    guild.join(guild.member)


def test_list(discord):
    """The list has pages, which turn for whoever asked for it and for managers; the pages are the server's own."""
    guild, channel = meadow(discord)
    for n in range(11):
        add(discord, channel, guild.manager, f"{n}.md", f"# Notice {n:02}\n\nRoom {n} is free.\n".encode())
    listed = use(discord, channel, guild.owner, "articles list")
    assert "Notice 00" in listed.text
    assert "Notice 10" not in listed.text
    assert "Page 1 of 2 · 11 articles · 1 shared article" in listed.text
    refused = discord.click(listed.message, "Next ▶", guild.member).wait_for_answer()
    assert "Only whoever asked" in refused.text
    discord.click(listed.message, "Next ▶", guild.owner).wait_for_answer()
    assert "Notice 10" in listed.text
    assert "Page 2 of 2" in listed.text
    discord.click(listed.message, "◀ Previous", guild.manager).wait_for_answer()
    assert "Notice 00" in listed.text
    assert [button["label"] for button in listed.message.buttons] == ["Next ▶"]


def test_remove(discord):
    """An article is chosen by its title and removed after a confirmation; then it answers no more."""
    guild, channel = meadow(discord)
    offered = titles(discord, channel, guild.manager, "notice 1")
    assert list(offered) == ["Notice 10"]
    asked = use(discord, channel, guild.manager, "articles remove", article=offered["Notice 10"])
    kept = discord.click(asked.message, "Keep", guild.manager).wait_for_answer()
    assert "Nothing was removed" in kept.text
    asked = use(discord, channel, guild.manager, "articles remove", article="notice 10")
    discord.click(asked.message, "Remove", guild.manager).wait_for_answer()
    assert asked.content == "Removed **Notice 10** for good."
    assert asked.components == []
    assert len(titles(discord, channel, guild.manager)) == 10
    missing = use(discord, channel, guild.manager, "articles remove", article="Notice 10")
    assert "no such article" in missing.text


def test_two_servers(discord):
    """Neither server sees, lists, is offered, asks or removes the other's articles, not even by a forged id."""
    (guild, channel), (other, elsewhere) = harbour(discord), meadow(discord)
    add(discord, channel, guild.manager, "lantern.md", b"# The lantern\n\nThe keeper polishes the brass lantern.\n")
    add(discord, elsewhere, other.manager, "hedge.md", b"# The hedge\n\nThe hedge is clipped in March.\n")
    add(discord, elsewhere, other.manager, "orchard.md", b"# The orchard\n\nPlums ripen in the walled orchard.\n")
    assert "The lantern" in titles(discord, channel, guild.manager)
    assert "The orchard" not in titles(discord, channel, guild.manager)
    before = titles(discord, elsewhere, other.manager)
    assert "The orchard" in before
    assert "The lantern" not in before
    assert "lantern" not in use(discord, elsewhere, other.manager, "articles list").text
    assert "orchard" not in use(discord, channel, guild.manager, "articles list").text
    for place, user, question, theirs in (
        (elsewhere, other.owner, "What does the keeper polish?", "brass lantern"),
        (channel, guild.owner, "What ripens in the walled orchard?", "Plums ripen"),
    ):
        asked = use(discord, place, user, "ask", question=question)
        assert theirs not in asked.text
        assert theirs in use(discord, channel if place is elsewhere else elsewhere, user, "ask", question=question).text

    number = before["The orchard"]
    assert number not in titles(discord, channel, guild.manager).values()
    for value in (number, "The orchard"):
        for command, options in (
            ("articles remove", {"article": value}),
            ("articles add", {"file": discord.upload("x.md", FERRY), "replaces": value}),
        ):
            assert "no such" in use(discord, channel, guild.manager, command, **options).text
    shown = use(discord, channel, guild.manager, "articles remove", article="The lantern")
    forged = f"articles:remove:{number}"
    shown.message.buttons[0]["custom_id"] = forged
    assert "no longer there" in discord.click(shown.message, forged, guild.manager).wait_for_answer().text
    assert titles(discord, elsewhere, other.manager) == before


def test_a_manager_reindexes(discord):
    """A manager's /reindex re-reads what the server has added, and leaves the operator's folder alone."""
    guild, channel = meadow(discord)
    report = reindex(discord, channel, guild.manager).text
    assert "This server**: 12 unchanged." in report
    assert "operator" not in report


def test_answers_while_indexing(discord, folder):
    """While a long run goes on, its message shows how far it is, and everything else is answered as ever."""
    guild, channel = harbour(discord)
    for n in range(80):
        text = " ".join(f"Sentence {m} of report {n} tells of parcel {n * m} and of street {m}." for m in range(30))
        (folder / "articles" / f"report-{n:03}.txt").write_text(text)
    running = discord.slash(channel, discord.operator, "reindex")
    running.wait_for(is_under_way, 60)
    busy = use(discord, channel, guild.manager, "reindex")  # this server's own part is free
    people = cycle([guild.owner, discord.guilds[1].owner, guild.manager])
    answered = 0
    while not answered or (answered < 6 and not is_reported(running)):
        user = next(people)
        assert "1932" in use(discord, channel, user, "ask", question=OPENED, private=True).text
        assert titles(discord, channel, guild.manager)
        answered += 1
    assert "This server" in busy.text
    twice = use(discord, discord.guilds[1].channel("help"), discord.operator, "reindex")
    running.wait_for(lambda self: "80 added" in self.text, 180)
    twice.wait_for(is_reported, 60)
    shown = [state["content"] for state in running.history if "Reading the operator" in state["content"]]
    assert shown
    assert all(" of 81 articles" in text for text in shown)


def test_work_that_outlives_its_interaction(discord, folder):
    """A run that is longer than an interaction's 15 minutes still ends in its message, edited as an ordinary one."""
    _, channel = harbour(discord)
    for file in (folder / "articles").glob("report-*[02468].txt"):
        file.write_text(file.read_text().replace("parcel", "letter"))
    running = discord.slash(channel, discord.operator, "reindex")
    running.wait_for(lambda self: self.acknowledged_after is not None)
    running.expire()
    discord.wait_for_message(channel, lambda message: "40 changed" in message.text, timeout=180)
    assert "40 changed" in running.text
    assert discord.sent("PATCH", rf"/channels/{channel.id}/messages/{running.message.id}$")


def test_words_after_the_interaction_has_grown_old(discord, folder):
    """After an interaction's 15 minutes results and errors still come: in its message, or as one of their own; what was
    for its reader alone comes to them directly, and to nobody else."""
    guild, channel = meadow(discord)
    try:
        discord.fail(401, r"/webhooks/", times=99)
        asked = discord.slash(channel, guild.manager, "articles add", {"file": discord.upload("f.md", FERRY)})
        directly = discord.dm_channel(guild.manager)
        discord.wait_for_message(directly, lambda message: message.text == "Added **The ferry**: 3 sentences.")
        assert asked.ephemeral
        assert not [message for message in discord.bot_messages(channel) if "The ferry" in message.text]
        gone = discord.fail(404, rf"/channels/{channel.id}/messages/\d+$", "PATCH", times=9)
        running = discord.slash(channel, guild.manager, "reindex")
        last = discord.wait_for_message(channel, lambda message: "13 unchanged" in message.text)
        assert gone.hits
        assert last is not running.message
        gone.times = 0
        grove = discord.add_guild("Grove")
        (folder / "data" / "servers" / f"{grove.id}.db").write_bytes(b"no database" * 1_000)
        failed = discord.slash(grove.channel("general"), grove.manager, "reindex")
        failed.wait_for(lambda self: self.message and "in my log" in self.message.text)
    finally:
        discord.rest.faults.clear()


def test_a_damaged_database(discord, process, folder):
    """A member is told in general words, and alone, that the operator has something to mend; the operator, what."""
    grove = next(one for one in discord.guilds if one.name == "Grove")
    channel = grove.channel("general")
    asked = use(discord, channel, grove.owner, "ask", question=OPENED)
    assert asked.message.deleted
    assert [message.ephemeral for message in asked.followups] == [True]
    assert "in my log" in asked.text
    assert str(grove.id) not in asked.text
    process.wait_for_line(f"ERROR.*{grove.id}.db")
    told = use(discord, channel, discord.operator, "ask", question=OPENED)
    assert f"{grove.id}.db" in told.text
    assert folder.name not in told.text


def test_a_rate_limit_that_lasts(discord, process):
    """A limit of a quarter of an hour is no reason to hold an answer back so long: it is given up, and logged."""
    guild, channel = meadow(discord)
    discord.fail(429, r"/messages$", "POST", retry_after=1_000)
    discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}")
    process.wait_for_line(f"could not reply in channel {channel.id}")
    discord.wait_for_reply(discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}"))


def test_rate_limit(discord):
    """A reply that Discord asks to send later arrives once."""
    guild, channel = meadow(discord)
    fault = discord.fail(429, r"/messages$", "POST", retry_after=0.2)
    asked = discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}")
    discord.wait_for_reply(asked)
    assert fault.hits == 1
    assert len(discord.replies(asked)) == 1


def test_resume(discord, process):
    """A mention that came while the gateway was down is answered once after RESUME, without a traceback in the log."""
    guild, channel = meadow(discord)
    identifies = len(discord.gateway.identifies)
    with discord.gateway_down():
        missed = discord.say(channel, guild.owner, f"{discord.bot.mention} {OPENED}")
    discord.wait_for_reply(missed, timeout=30)
    assert len(discord.gateway.resumes) == 1
    assert len(discord.gateway.identifies) == identifies
    assert len(discord.replies(missed)) == 1
    assert "Traceback" not in process.output


def test_patience(discord):
    """A person who asks too fast is told when to go on, and nobody else sees it."""
    guild, channel = meadow(discord)
    asked = [discord.slash(channel, guild.manager, "ask", {"question": OPENED, "private": True}) for _ in range(12)]
    said = [one.wait_for_answer(60) for one in asked]
    slowed = [one for one in said if "Slow down" in one.text]
    assert slowed
    assert all(one.ephemeral for one in said)


def test_nothing_is_told_to_the_wrong_people(discord, process, folder):
    """After all this, no message holds a folder of the machine or notifies anybody, and no question is in the log."""
    for message in discord.messages.values():
        assert folder.name not in str(message.history)
        assert message.author is not discord.bot or message.pinged == set()
    assert all(one.body["allowed_mentions"]["parse"] == [] for one in discord.sent("POST", r"/messages$"))
    assert OPENED not in process.output
    assert "Traceback" not in process.output


def test_stop_while_indexing(discord, process, folder):
    """SIGTERM during long work ends it at once, says so, and exits with 0; a run keeps what was read."""
    guild, elsewhere = meadow(discord)
    long = "\n".join(f"Parcel {n} was sent on day {n * 7} to a house in street {n * 3}." for n in range(12_000))
    adding = discord.slash(
        elsewhere, guild.manager, "articles add", {"file": discord.upload("long.txt", long.encode())}
    )
    _, channel = harbour(discord)
    for file in (folder / "articles").glob("report-*.txt"):
        file.write_text(file.read_text().replace(" street ", " alley "))
    running = discord.slash(channel, discord.operator, "reindex")
    running.wait_for(is_under_way, 60)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert "Traceback" not in process.output
    assert process.lines[-1].endswith("stopped")
    assert "Stopped before the end" in running.text
    assert "stopped before this was added" in adding.text
    process.start().wait_ready()
    assert "1932" in use(discord, channel, discord.guilds[0].owner, "ask", question=OPENED).text
    assert discord.command_writes == 1  # registered at the first start, and not again
    assert process.terminate(signal.SIGINT, 30) == 0
    process.start().wait_ready()


def test_discord_out_of_reach(tmp_path):
    """While Discord refuses connections or is ill, each attempt is one line in the log; then the bot comes up.

    Here it runs two shards, and for a team, whose members are its operators.
    """
    (tmp_path / "config.toml").write_text("")
    with LoopbackDiscord(shards=2, team=True) as discord:
        discord.fail(503, "/users/@me", times=1)
        with discord.offline():
            process = serving(discord, tmp_path).start()
            first = process.wait_for_line("no connection to Discord .*ClientConnectorError.*next attempt in", 30)
        with process:
            later = process.wait_for_line("no connection to Discord .*DiscordServerError", 30)
            assert 1 <= delay(first) <= 2 <= delay(later)
            process.wait_ready(60)
            assert "Traceback" not in process.output
            for guild in discord.guilds:
                asked = discord.say(guild.channel("general"), guild.member, f"{discord.bot.mention} {OPENED}")
                assert "Nothing found" in discord.wait_for_reply(asked).text
            running = reindex(discord, discord.guilds[0].channel("general"), discord.operator)
            running.wait_for(lambda self: "articles” does not exist" in self.text)
            assert tmp_path.name not in running.text
            assert discord.visible("articles", discord.guilds[0], discord.guilds[0].manager)
            assert not discord.visible("articles", discord.guilds[0], discord.guilds[0].member)
            assert process.terminate(signal.SIGTERM, 30) == 0
        assert discord.violations == []
        assert discord.refused_connections() == []


def test_stop_while_the_model_loads(tmp_path):
    """A bot that is stopped as soon as it is ready does not wait for its model, and tells whoever waits for it."""
    (tmp_path / "config.toml").write_text("")
    with LoopbackDiscord() as discord, serving(discord, tmp_path) as process:
        process.wait_ready()
        guild = discord.guilds[0]
        asked = discord.slash(guild.channel("general"), guild.member, "ask", {"question": OPENED})
        asked.wait_for(lambda self: self.acknowledged_after is not None)
        assert process.terminate(signal.SIGTERM, 10) == 0
        assert "Traceback" not in process.output
        assert asked.answered  # by "Nothing found" where the model was quicker
        assert discord.violations == []


def test_bad_token(tmp_path):
    """A token that Discord does not accept ends the bot with one line that says where to get another."""
    (tmp_path / "config.toml").write_text("")
    with LoopbackDiscord() as discord:
        discord.refuse_token()
        with serving(discord, tmp_path) as process:
            assert process.wait(60) != 0
        assert discord.violations == []
    assert "token" in process.stderr[-1]
    assert "Reset Token" in process.stderr[-1]
    assert "Traceback" not in process.output
    assert discord.token not in process.output.replace("DISCORD_TOKEN", "")


def test_refused_intents(tmp_path):
    """Intents that Discord refuses end the bot with one line that says what to check."""
    (tmp_path / "config.toml").write_text("")
    with LoopbackDiscord() as discord:
        discord.refuse_identify(4014)
        with serving(discord, tmp_path) as process:
            assert process.wait(60) != 0
        assert discord.violations == []
    assert "intents" in process.stderr[-1]
    assert "Traceback" not in process.output


def test_token_reset_while_running(tmp_path):
    """A token that is reset while the bot runs ends it with the same line, when the gateway says so."""
    (tmp_path / "config.toml").write_text("")
    with LoopbackDiscord() as discord, serving(discord, tmp_path) as process:
        process.wait_ready()
        discord.refuse_token()
        discord.close_gateway(4004)
        assert process.wait(60) != 0
        assert discord.violations == []
    assert "Reset Token" in process.stderr[-1]
