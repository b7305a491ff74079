"""/help, as everybody, managers, those who run a server and the operator see it, in servers and in direct messages."""

import re

import pytest
from discord_play import add_editors
from loopback_interactions import AUTOCOMPLETE, CHAT_INPUT, COMMAND, command_data, menu_data

from cogs.guide import AUDIENCES, Audience
from cogs.speech import LANGUAGES

pytestmark = [pytest.mark.process, pytest.mark.slow]

MANAGING, ADMINISTRATING, OPERATING = "Managing the articles", "Managing me", "Running me"


@pytest.fixture(scope="module")
def server(server):
    add_editors(server)
    return server


def helped(discord, channel, user):
    asked = discord.slash(channel, user, "help").wait_for_answer()
    assert asked.ephemeral and asked.acknowledged_after < 3
    return asked


def titles(asked):
    return [one["title"] for one in asked.embeds]


def registered(discord):
    """(name of the command, of its root) of everything that is registered: `/feeds add`, `Index this message`."""
    for one in discord.commands[None]:
        inner = [option for option in one["options"] if option["type"] in (1, 2)]
        for option in inner or [None]:
            name = one["name"] if option is None else f"{one['name']} {option['name']}"
            yield one["type"], name, one["name"]


def shown(asked, kind, name):
    if kind == 1:
        return re.search(rf"</{name}:\d+>|`/{name}`", asked.text) is not None
    return f"**{name}**" in asked.text


def test_every_command_has_its_readers(discord, process):
    """It is decided for every command and menu whom it is for: a new one has to be entered in AUDIENCES."""
    helped(discord, discord.guilds[0].channel("general"), discord.guilds[0].member)
    roots = {root for _, _, root in registered(discord)}
    assert roots <= set(AUDIENCES)
    assert {"ask", "help", "settings", "articles"} <= roots


def test_nothing_is_missing(discord):
    """Whoever may do everything finds every registered command, and every menu, in the help."""
    guild = discord.guilds[0]
    asked = helped(discord, guild.channel("general"), discord.operator)
    assert titles(asked) == ["Asking", MANAGING, ADMINISTRATING, OPERATING]
    assert [name for kind, name, _ in registered(discord) if not shown(asked, kind, name)] == []


def test_names_can_be_clicked(discord):
    """The names of commands are mentions with the ids under which they are registered."""
    guild = discord.guilds[0]
    asked = helped(discord, guild.channel("general"), guild.manager)
    for name in ("ask", "articles add", "settings"):
        root = discord.command(name.split()[0])
        assert f"</{name}:{root['id']}>" in asked.text


@pytest.mark.parametrize(
    "who, parts", [("member", []), ("editor", [MANAGING]), ("manager", [MANAGING, ADMINISTRATING])]
)
def test_by_rights(discord, folder, who, parts):
    """Everybody sees how to ask, managers how to manage, those with Manage Server the settings, and none anything
    else."""
    guild = discord.guilds[0]
    panel = discord.slash(guild.channel("general"), guild.manager, "settings").wait_for_answer()
    discord.select(panel.message, "settings:roles", [guild.role("Editors")], guild.manager).wait_for_answer()
    asked = helped(discord, guild.channel("general"), getattr(guild, who))
    assert titles(asked) == ["Asking", *parts]
    seen = {Audience.EVERYBODY}
    seen |= {Audience.MANAGERS} if MANAGING in parts else set()
    seen |= {Audience.ADMINISTRATORS} if ADMINISTRATING in parts else set()
    for kind, name, root in registered(discord):
        assert shown(asked, kind, name) == (AUDIENCES[root] in seen), name
    assert "check" not in asked.text
    elsewhere = discord.guilds[1]
    assert titles(helped(discord, elsewhere.channel("general"), elsewhere.editor)) == ["Asking"]


def test_where_i_answer(discord):
    """The help names the channels in which the bot answers here, and the forums whose posts it answers."""
    guild = discord.guilds[0]
    ideas = discord.add_channel(guild, "ideas", 15)
    before = helped(discord, guild.channel("general"), guild.member).text
    assert "I answer in" not in before and "post" not in before and "directly" in before
    panel = discord.slash(guild.channel("general"), guild.manager, "settings").wait_for_answer()
    discord.select(panel.message, "settings:channels", [guild.channel("help")], guild.manager).wait_for_answer()
    discord.select(panel.message, "settings:forums", [ideas], guild.manager).wait_for_answer()
    discord.click(panel.message, "settings:page:2", guild.manager).wait_for_answer()
    discord.click(panel.message, "Direct messages: on", guild.manager).wait_for_answer()
    after = helped(discord, guild.channel("general"), guild.member).text
    assert f"In this server I answer in {guild.channel('help').mention}." in after
    assert f"Write a post in {ideas.mention}" in after and "directly" not in after
    elsewhere = discord.guilds[1]
    assert "I answer in" not in helped(discord, elsewhere.channel("general"), elsewhere.member).text


def test_in_direct_messages(discord):
    """In direct messages there is only what works there; the operator is told what only the operator can, too."""
    member, operator = discord.guilds[0].member, discord.operator
    asked = helped(discord, discord.dm_channel(member), member)
    assert titles(asked) == ["Asking"]
    for kind, name, root in registered(discord):
        works = 1 in (discord.command(root, None, kind).get("contexts") or [1])
        assert shown(asked, kind, name) == (works and AUDIENCES[root] is Audience.EVERYBODY), name
    asked = helped(discord, discord.dm_channel(operator), operator)
    assert titles(asked) == ["Asking", OPERATING]
    assert "/reindex" not in asked.text


def used_directly(discord, message):
    """Every use of what is registered for servers alone, as no client sends it from direct messages: kind, data."""
    for command in discord.commands[None]:
        if command.get("contexts") != [0]:
            continue
        if command["type"] != CHAT_INPUT:
            yield COMMAND, menu_data(command, message, None)
            continue
        inner = [one for one in command["options"] if one["type"] == 1]
        for one in inner or [command]:
            path = [one["name"]] if inner else []
            given = {option["name"]: "The mill" for option in one["options"] if option.get("required")}
            yield COMMAND, command_data(command, path, given, None, None)
            for option in one["options"]:
                if option.get("autocomplete"):
                    yield AUTOCOMPLETE, command_data(command, path, {option["name"]: ""}, None, option["name"])


def test_what_is_for_servers_alone(discord):
    """What is for servers does nothing in direct messages, also for whoever runs the bot, and offers nothing there."""
    operator = discord.operator
    reply = discord.wait_for_reply(discord.direct_message(operator, "Where is the mill?"))
    tried = set()
    for kind, data in used_directly(discord, reply):
        name = " ".join([data["name"], *(one["name"] for one in data.get("options", []) if one["type"] == 1)])
        tried.add(name)
        asked = discord._interact(reply.channel, operator, kind, data).wait_for_answer()
        if kind == AUTOCOMPLETE:
            assert asked.choices == [], name
        elif name == "articles list":
            assert "None yet" in asked.text
        else:
            assert re.search("servers only|who manage this server", asked.text), name
    roots = {name for name, audience in AUDIENCES.items() if audience is not Audience.EVERYBODY} | {"status"}
    assert {name if name in roots else name.split()[0] for name in tried} == roots


def test_in_every_language(discord):
    """The whole help fits into a message, in every language."""
    guild = discord.guilds[0]
    try:
        for language in LANGUAGES:
            discord.operator.locale = language
            asked = helped(discord, guild.channel("general"), discord.operator)
            assert len(asked.embeds) == 4
            assert [name for kind, name, _ in registered(discord) if kind == 1 and not shown(asked, kind, name)] == []
    finally:
        discord.operator.locale = "en-US"


def test_without_the_ids(discord, process):
    """Where Discord does not tell the commands' ids, their names are shown all the same, and the next help has them."""
    process.terminate()
    process.start().wait_ready()
    guild = discord.guilds[0]
    discord.fail(403, r"/commands$", "GET")
    asked = helped(discord, guild.channel("general"), guild.member)
    assert "`/ask`" in asked.text and "</ask" not in asked.text
    assert "</ask:" in helped(discord, guild.channel("general"), guild.member).text
