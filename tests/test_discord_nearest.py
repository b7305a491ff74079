"""The nearest sentence in Discord: the real process and the real model, which is told to be sure of nothing."""

import pytest
from conftest import ARTICLES, demanding
from discord_play import lay, serving, take_in

pytestmark = [pytest.mark.process, pytest.mark.model, pytest.mark.slow]

OWLS = "How many chicks did the barn owls raise?"
SAID = "**Nothing found that surely answers.** The nearest sentence:"
SENTENCE = "> They raised four chicks this summer."
WHO = "And who may watch them?"
SEARCHED = "-# Searched for: "


@pytest.fixture(scope="module")
def process(server, folder):
    """The bot, running, with three articles and a wanted precision that no sentence reaches."""
    # The owls' article has an address here, and markup that has to be disarmed.
    owls = "---\ntitle: Owls in the *old* mill\nurl: https://example.org/owls\n---\n\n"
    lay(folder, ARTICLES | {"owls.md": owls + ARTICLES["owls.md"].partition("\n\n")[2]})
    demanding(folder / "ranker.json")
    (folder / "config.toml").write_text('[ranking]\nweights = "ranker.json"\n', encoding="utf-8")
    guild = server.guilds[0]
    guild.channel("help").denied[guild.role(server.bot.name).id] = 1 << 14  # where the bot may not embed
    with serving(server, folder) as process:
        process.wait_ready()
        take_in(server, 3)
        yield process


def mention(discord, channel, user, question):
    return discord.wait_for_reply(discord.say(channel, user, f"{discord.bot.mention} {question}"), timeout=30)


def test_the_nearest(discord):
    """Below "nothing found" stands the nearest sentence with its source, neither bold nor told how sure it is."""
    guild = discord.guilds[0]
    reply = mention(discord, guild.channel("general"), guild.member, OWLS)
    assert reply.content == SAID
    (embed,) = reply.embeds
    assert embed["title"] == r"Owls in the \*old\* mill"
    assert embed["url"].startswith("https://example.org/owls#:~:text=They%20raised%20four")
    assert SENTENCE in embed["description"].split("\n")
    assert not any(word in embed["description"].lower() for word in ("**", "strong", "likely", "weak"))
    assert reply.pinged == set()


def test_without_embeds(discord):
    """Where the bot may not embed, the nearest comes as text, with a link that shows no preview."""
    guild = discord.guilds[0]
    reply = mention(discord, guild.channel("help"), guild.manager, OWLS)
    assert reply.embeds == []
    said, source, *quote = reply.content.split("\n")
    assert said == SAID
    assert source.startswith(r"[Owls in the \*old\* mill](<https://example.org/owls#:~:text=They%20raised%20four")
    assert SENTENCE in quote
    assert reply.flags & (1 << 2)


def test_the_buttons_of_the_nearest(discord):
    """Below the nearest stand buttons to read on and to remove it; there is nothing to judge or to share."""
    guild = discord.guilds[0]
    reply = mention(discord, guild.channel("general"), guild.member, OWLS)
    assert [one.get("label") or one["emoji"]["name"] for one in reply.buttons] == ["Context", "🗑️"]
    shown = discord.click(reply, "Context", guild.owner).wait_for_answer(20)
    assert shown.message.ephemeral
    assert f"**{SENTENCE.removeprefix('> ')}**" in shown.message.embeds[0]["description"]


@pytest.mark.parametrize("name", ["general", "help"])
def test_a_reply_to_the_nearest(discord, name):
    """The nearest that answers a command shows the question, and a reply to it is searched with that."""
    guild = discord.guilds[0]
    channel = guild.channel(name)
    asked = discord.slash(channel, guild.owner, "ask", {"question": OWLS}).wait_for_answer(30)
    assert asked.content.startswith(f"-# Question: {OWLS}\n{SAID}")
    reply = discord.wait_for_reply(discord.say(channel, guild.owner, WHO, reply_to=asked.message), timeout=30)
    assert reply.content.startswith(SEARCHED) and "owls" in reply.content.split("\n")[0]
    mentioned = mention(discord, channel, guild.owner, OWLS)
    reply = discord.wait_for_reply(discord.say(channel, guild.owner, WHO, reply_to=mentioned), timeout=30)
    assert reply.content.startswith(SEARCHED) and "owls" in reply.content.split("\n")[0]


def test_an_address_that_discord_refuses(discord):
    """A nearest that Discord refuses for its links arrives without them."""
    guild = discord.guilds[0]
    discord.fail(400, r"/messages$", "POST")
    reply = mention(discord, guild.channel("general"), guild.manager, OWLS)
    assert reply.content == SAID
    assert "url" not in reply.embeds[0]
    assert SENTENCE in reply.embeds[0]["description"]
