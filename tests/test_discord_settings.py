"""/settings, as those who run a server meet it: the panel, each menu and button, and whoever is refused.

The real client against a Discord on the loopback, with the deterministic encoder. One process serves most tests, in the
order of this file; it is started anew to show that a panel outlives that.
"""

import pytest
from discord_play import add_editors
from loopback_world import Role
from test_records_servers import keep_answer

from cogs.speech import LANGUAGES
from records.preferences import Preferences
from records.records import Records

pytestmark = [pytest.mark.process, pytest.mark.slow]

FIRST, SECOND = "Who and where", "Answers and privacy"
NEWS, CATEGORY, FORUM = 5, 4, 15
REFUSED = "it takes the permission “Manage Server”"


@pytest.fixture(scope="module")
def server(server):
    for guild in server.guilds:
        server.add_channel(guild, "ideas", FORUM)
        server.add_channel(guild, "news", NEWS)
        server.add_channel(guild, "a category", CATEGORY)
    add_editors(server)
    return server


@pytest.fixture
def guild(discord):
    return discord.guilds[0]


@pytest.fixture
def panel(discord, guild):
    """The panel of a server whose settings are the defaults."""
    panel = opened(discord, guild)
    press(discord, panel, "settings:reset")
    press(discord, panel, "Reset")
    press(discord, panel, FIRST)
    return panel


def opened(discord, guild, user=None):
    asked = discord.slash(guild.channel("general"), user or guild.manager, "settings").wait_for_answer()
    assert asked.ephemeral and asked.acknowledged_after < 3
    return asked


def press(discord, panel, button, user=None):
    pressed = discord.click(panel.message, button, user or panel.user).wait_for_answer()
    assert pressed.acknowledged_after < 3
    return pressed


def choose(discord, panel, menu, *values, user=None):
    chosen = discord.select(panel.message, f"settings:{menu}", list(values), user or panel.user).wait_for_answer()
    assert chosen.acknowledged_after < 3
    return chosen


def kept(folder, guild):
    """What is on the disk."""
    records = Records(folder / "data")
    try:
        return records.preferences.of(guild.id)
    finally:
        records.close()


def line(panel, name):
    """What the panel says under a heading."""
    lines = panel.embeds[0]["description"].split("\n")
    start = lines.index(f"**{name}**") + 1
    ends = [n for n in range(start, len(lines)) if lines[n].startswith("**")]
    return "\n".join(lines[start : ends[0] if ends else None])


def chosen_in(panel, menu):
    """What a menu shows as chosen: ids, or values."""
    component = panel.message.component(f"settings:{menu}")
    named = {int(one["id"]) for one in component.get("default_values", [])}
    return named or {one["value"] for one in component.get("options", []) if one.get("default")}


# -- the panel


def test_the_panel(discord, guild, panel):
    """The panel says to its reader alone how everything stands, with the operator's defaults where nothing is set."""
    assert panel.embeds[0]["title"] == "Settings of Harbour"
    assert line(panel, "Who manages the articles") == "Everybody with “Manage Server”"
    assert line(panel, "Where I answer") == "Everywhere that I may write"
    assert line(panel, "Forums whose posts I answer unasked") == "None"
    assert line(panel, "Where I tell of failures") == "Where the feed or page was added that fails"
    assert line(panel, "Sentences in an answer") == "As whoever runs me has it: 3 at most"
    assert "when it looks right (0.8)" in line(panel, "How sure I have to be")
    assert "English" in line(panel, "Language")
    assert line(panel, "Question log").startswith("Off")
    assert line(panel, "Direct messages").startswith("On")
    assert "Integrations" in panel.embeds[0]["footer"]["text"]
    assert [one["custom_id"] for one in panel.message.selects] == [
        "settings:roles",
        "settings:channels",
        "settings:forums",
        "settings:log_channel",
    ]
    press(discord, panel, SECOND)
    assert [one["custom_id"] for one in panel.message.selects] == [
        "settings:hits",
        "settings:precision",
        "settings:language",
    ]
    assert chosen_in(panel, "hits") == chosen_in(panel, "precision") == chosen_in(panel, "language") == {"default"}
    labels = [one["label"] for one in panel.message.buttons]
    assert labels == ["Question log: off", "Direct messages: on", FIRST, SECOND, "Reset to defaults"]
    assert panel.message.component(SECOND)["disabled"]
    press(discord, panel, FIRST)
    assert panel.message.component(FIRST)["disabled"]


def test_who_sees_it(discord, guild):
    """Discord offers /settings to those with Manage Server, and nowhere but in servers."""
    assert discord.visible("settings", guild, guild.manager)
    assert not discord.visible("settings", guild, guild.member)
    assert discord.command("settings")["contexts"] == [0]


def test_who_is_refused(discord, guild, panel, folder):
    """Neither members nor those whose role manages articles reach the settings, by the command, a menu or a button."""
    choose(discord, panel, "roles", guild.role("Editors"))
    before = kept(folder, guild)
    for user in (guild.member, guild.editor):
        asked = discord.slash(guild.channel("general"), user, "settings").wait_for_answer()
        assert REFUSED in asked.text and asked.ephemeral and not asked.message.components
    listed = discord.slash(guild.channel("general"), guild.editor, "feeds list").wait_for_answer()
    assert "feeds" in listed.text and "Manage Server" not in listed.text
    tried = [
        ("roles", [guild.role("Managers")]),
        ("channels", [guild.channel("general")]),
        ("forums", [guild.channel("ideas")]),
        ("log_channel", [guild.channel("general")]),
    ]
    for user in (guild.member, guild.editor):
        for menu, values in tried:
            assert REFUSED in choose(discord, panel, menu, *values, user=user).text
    press(discord, panel, SECOND)
    for user in (guild.member, guild.editor):
        for menu, value in (("hits", "5"), ("precision", "0.9"), ("language", "de")):
            assert REFUSED in choose(discord, panel, menu, value, user=user).text
        for button in ("Question log: off", "Direct messages: on", FIRST, "Reset to defaults"):
            assert REFUSED in press(discord, panel, button, user).text
    press(discord, panel, "Reset to defaults")
    for user in (guild.member, guild.editor):
        for button in ("Reset", "Cancel"):
            assert REFUSED in press(discord, panel, button, user).text
        panel.message.component("Reset")["custom_id"] = "settings:sure:forget"
        assert REFUSED in press(discord, panel, "Reset", user).text
        panel.message.component("Reset")["custom_id"] = "settings:sure:reset"
    assert kept(folder, guild) == before == Preferences(manager_roles=frozenset({guild.role("Editors").id}))


# -- who and where


def test_roles_that_manage(discord, guild, panel, folder):
    """A chosen role's members manage the articles from the next moment on, until the role is taken out again."""
    channel = guild.channel("general")
    refused = discord.slash(channel, guild.editor, "feeds list").wait_for_answer()
    assert "Manage Server" in refused.text
    choose(discord, panel, "roles", guild.role("Editors"), guild.role("Managers"))
    assert "<@&" in line(panel, "Who manages the articles")
    assert chosen_in(panel, "roles") == {guild.role("Editors").id, guild.role("Managers").id}
    assert kept(folder, guild).manager_roles == chosen_in(panel, "roles")
    assert "Manage Server" not in discord.slash(channel, guild.editor, "feeds list").wait_for_answer().text
    refused = discord.slash(channel, guild.member, "feeds list").wait_for_answer()
    assert "a role that was named for it" in refused.text
    choose(discord, panel, "roles")
    assert line(panel, "Who manages the articles") == "Everybody with “Manage Server”"
    assert "Manage Server" in discord.slash(channel, guild.editor, "feeds list").wait_for_answer().text


def test_roles_that_may_not_manage(discord, guild, panel, folder):
    """@everyone is refused in words, roles of another server and made-up ids are left out, and nothing else changes."""
    everyone = guild.roles[guild.id]
    choose(discord, panel, "roles", guild.role("Editors"), everyone)
    assert "every member could remove articles" in panel.content
    assert kept(folder, guild).manager_roles == frozenset()
    other = discord.guilds[1].role("Editors")
    choose(discord, panel, "roles", other)
    assert "not in this server" in panel.content and "Nothing was changed" in panel.content
    assert kept(folder, guild).manager_roles == frozenset()
    choose(discord, panel, "roles", guild.role("Editors"), other, Role(77, "made up", 0))
    assert panel.content.startswith("2 of your choices are not in this server")
    assert kept(folder, guild).manager_roles == {guild.role("Editors").id}
    choose(discord, panel, "roles", guild.role("Editors"))
    assert panel.content == ""


def test_channels(discord, guild, panel, folder):
    """Channels, forums and the channel for failures are chosen and cleared; where the bot may not write, it says so."""
    general, locked, ideas, news = (guild.channel(name) for name in ("general", "locked", "ideas", "news"))
    choose(discord, panel, "channels", general, locked, ideas, news)
    said = line(panel, "Where I answer")
    assert all(one.mention in said for one in (general, locked, ideas, news))
    assert said.endswith(f"I may not write in {locked.mention}.")
    choose(discord, panel, "forums", ideas)
    assert line(panel, "Forums whose posts I answer unasked") == ideas.mention
    choose(discord, panel, "log_channel", locked)
    assert line(panel, "Where I tell of failures") == f"{locked.mention}\nI may not write in {locked.mention}."
    choose(discord, panel, "log_channel", news)
    assert line(panel, "Where I tell of failures") == news.mention
    wanted = kept(folder, guild)
    assert wanted.channels == {general.id, locked.id, ideas.id, news.id}
    assert (wanted.forums, wanted.log_channel) == ({ideas.id}, news.id)
    assert chosen_in(panel, "channels") == wanted.channels
    for menu in ("channels", "forums", "log_channel"):
        choose(discord, panel, menu)
    assert kept(folder, guild) == Preferences()
    assert line(panel, "Where I answer") == "Everywhere that I may write"


@pytest.mark.parametrize("menu", ["channels", "forums", "log_channel"])
def test_channels_that_cannot_be(discord, guild, panel, folder, menu):
    """Channels of another server, of another kind, and made-up ones are not taken, however they get into a choice."""
    other, category = discord.guilds[1], guild.channel("a category")
    wrong = [other.channel("general"), other.channel("ideas"), category]
    wrong += [guild.channel("general")] if menu == "forums" else []
    wrong += [guild.channel("ideas")] if menu == "log_channel" else []
    for channel in wrong:
        choose(discord, panel, menu, channel)
        assert "Nothing was changed" in panel.content
    assert kept(folder, guild) == Preferences()


def test_what_was_deleted(discord, guild, panel, folder):
    """Roles and channels that were deleted are shown as such, and gone from the settings after the next change."""
    channel, forum, failures = (discord.add_channel(guild, "old", kind) for kind in (0, FORUM, 0))
    role = guild.roles[99] = Role(99, "Old role", 0)
    discord._do(
        lambda: discord.gateway.dispatch(
            "GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": role.payload()}, guild.id
        )
    )
    choose(discord, panel, "roles", role, guild.role("Editors"))
    choose(discord, panel, "channels", channel, guild.channel("general"))
    choose(discord, panel, "forums", forum)
    choose(discord, panel, "log_channel", failures)
    full = kept(folder, guild)
    for gone in (channel, forum, failures):
        discord.remove_channel(gone)
    discord.remove_role(guild, role)
    again = opened(discord, guild)
    assert line(again, "Who manages the articles").endswith("and 1 role that was deleted")
    assert line(again, "Where I answer") == f"{guild.channel('general').mention} and 1 channel that was deleted"
    assert line(again, "Forums whose posts I answer unasked") == "1 channel that was deleted"
    assert line(again, "Where I tell of failures") == "1 channel that was deleted"
    assert chosen_in(again, "roles") == {guild.role("Editors").id}
    assert kept(folder, guild) == full
    press(discord, again, SECOND)
    choose(discord, again, "hits", "4")
    assert kept(folder, guild) == Preferences(
        manager_roles=frozenset({guild.role("Editors").id}),
        channels=frozenset({guild.channel("general").id}),
        hits=4,
    )
    assert "deleted" not in again.text
    choose_gone = opened(discord, guild)
    discord.select(choose_gone.message, "settings:channels", [channel], guild.manager).wait_for_answer()
    assert "not in this server, or not any more" in choose_gone.content


def test_when_every_channel_was_deleted(discord, guild, panel, folder):
    """Where all channels that were chosen are deleted, the bot does not begin to answer everywhere."""
    channel = discord.add_channel(guild, "only", 0)
    choose(discord, panel, "channels", channel)
    discord.remove_channel(channel)
    again = opened(discord, guild)
    assert line(again, "Where I answer").startswith("Nowhere")
    choose(discord, again, "roles", guild.role("Editors"))
    assert kept(folder, guild).channels == {channel.id}
    choose(discord, again, "channels", guild.channel("general"))
    assert kept(folder, guild).channels == {guild.channel("general").id}


def test_an_outage(discord, process):
    """While Discord has an outage, nothing is taken for deleted: the settings stay as they are, and that is said."""
    guild = discord.add_guild("Lagoon")
    panel = opened(discord, guild)
    discord.outage(guild)
    refused = choose(discord, panel, "channels", guild.channel("general"))
    assert "Discord tells me nothing of this server" in refused.text
    asked = discord.slash(guild.channel("general"), guild.manager, "settings").wait_for_answer()
    assert "Discord tells me nothing of this server" in asked.text


# -- answers and privacy


def test_choices(discord, guild, panel, folder):
    """The number of hits, the precision and the language are chosen from a list, and set back to the defaults there."""
    press(discord, panel, SECOND)
    choose(discord, panel, "hits", "10")
    assert line(panel, "Sentences in an answer") == "10 at most"
    choose(discord, panel, "precision", "0.95")
    assert line(panel, "How sure I have to be") == "Only when sure (0.95)"
    choose(discord, panel, "language", "uk")
    assert "Ukrainian" in line(panel, "Language")
    assert kept(folder, guild) == Preferences(hits=10, precision=0.95, language="uk")
    assert chosen_in(panel, "hits") == {"10"} and chosen_in(panel, "precision") == {"0.95"}
    assert chosen_in(panel, "language") == {"uk"}
    for menu in ("hits", "precision", "language"):
        choose(discord, panel, menu, "default")
    assert kept(folder, guild) == Preferences()


def test_forged_choices(discord, guild, panel, folder):
    """A value that no menu offers changes nothing, and that is said."""
    press(discord, panel, SECOND)
    forged = {"hits": ["99", "0", "", "5.0", "True"], "precision": ["0.5", "2", "nan"], "language": ["xx", "None"]}
    for menu, values in forged.items():
        for value in values:
            panel.message.component(f"settings:{menu}")["options"].append({"label": "forged", "value": value})
            choose(discord, panel, menu, value)
            assert panel.content == "That is not one of the choices. Nothing was changed."
    assert kept(folder, guild) == Preferences()


def test_direct_messages(discord, guild, panel, folder):
    """Direct messages are switched off and on; pressing an old button twice does nothing twice."""
    press(discord, panel, SECOND)
    twice = opened(discord, guild)
    press(discord, twice, SECOND)
    press(discord, panel, "Direct messages: on")
    assert not kept(folder, guild).direct and line(panel, "Direct messages").startswith("Off")
    press(discord, twice, "Direct messages: on")
    assert not kept(folder, guild).direct and line(twice, "Direct messages").startswith("Off")
    press(discord, panel, "Direct messages: off")
    assert kept(folder, guild).direct and line(panel, "Direct messages").startswith("On")


def test_the_question_log(discord, guild, panel, folder):
    """Switched on, the log says what it means; with nothing in it, it is switched off at once."""
    press(discord, panel, SECOND)
    press(discord, panel, "Question log: off")
    assert "Tell your members" in panel.content and "/privacy" in panel.content
    assert line(panel, "Question log").startswith("On")
    assert kept(folder, guild).log_questions
    press(discord, panel, "Question log: on")
    assert panel.content == "" and line(panel, "Question log").startswith("Off")
    assert not kept(folder, guild).log_questions


def logged(folder, guild):
    """Logs two questions of this server, and one of another."""
    records = Records(folder / "data")
    for place in (guild.id, guild.id, 5):
        keep_answer(records, place, "Where is the boat?")
    records.close()


def counted(folder, guild):
    records = Records(folder / "data")
    try:
        return records.servers.questions(guild.id), records.servers.questions(5)
    finally:
        records.close()


def test_deleting_the_question_log(discord, guild, panel, folder):
    """A log with questions in it is deleted when it is switched off, after a question in words and never before."""
    press(discord, panel, SECOND)
    press(discord, panel, "Question log: off")
    logged(folder, guild)
    asked = press(discord, panel, "Question log: on")
    assert asked.content.startswith("Switch the question log off? 2 questions")
    assert counted(folder, guild) == (2, 1)
    press(discord, panel, "Cancel")
    assert line(panel, "Question log").startswith("On")
    press(discord, panel, "Question log: on")
    press(discord, panel, "Switch off and delete")
    assert panel.content == "What was logged is deleted."
    assert line(panel, "Question log").startswith("Off")
    assert not kept(folder, guild).log_questions
    assert counted(folder, guild) == (0, 1)


def test_resetting(discord, guild, panel, folder):
    """Everything is set back after a question, the log with what was logged; another server's settings stay."""
    other = opened(discord, discord.guilds[1])
    choose(discord, other, "channels", discord.guilds[1].channel("help"))
    choose(discord, panel, "channels", guild.channel("general"))
    press(discord, panel, SECOND)
    choose(discord, panel, "hits", "7")
    press(discord, panel, "Question log: off")
    logged(folder, guild)
    before = kept(folder, guild)
    press(discord, panel, "Reset to defaults")
    assert "deleted for good" in panel.content and not panel.embeds
    press(discord, panel, "Cancel")
    assert kept(folder, guild) == before
    press(discord, panel, "Reset to defaults")
    press(discord, panel, "Reset")
    assert panel.content == "All settings are the defaults again."
    assert kept(folder, guild) == Preferences()
    assert counted(folder, guild)[0] == 0
    assert kept(folder, discord.guilds[1]).channels == {discord.guilds[1].channel("help").id}


# -- long lists, languages, restarts


def test_as_much_as_there_can_be(discord):
    """A panel with as many roles and channels as Discord lets one choose fits, in every language."""
    guild = discord.add_guild("Many")
    roles = [Role(3_000_000_000_000_000_000 + n, f"role {n}", 0) for n in range(25)]
    for role in roles:
        guild.roles[role.id] = role
        data = {"guild_id": str(guild.id), "role": role.payload()}
        discord._do(lambda data=data: discord.gateway.dispatch("GUILD_ROLE_CREATE", data, guild.id))
    channels = [discord.add_channel(guild, f"channel {n}", 0) for n in range(25)]
    forums = [discord.add_channel(guild, f"forum {n}", FORUM) for n in range(25)]
    panel = opened(discord, guild)
    choose(discord, panel, "roles", *roles)
    choose(discord, panel, "channels", *channels)
    choose(discord, panel, "forums", *forums)
    assert "and 5 more" in line(panel, "Where I answer")
    assert chosen_in(panel, "forums") == {one.id for one in forums}
    for language in LANGUAGES:
        guild.manager.locale = language
        again = opened(discord, guild)
        for page in ("settings:page:2", "settings:page:1"):
            press(discord, again, page)


def test_after_a_restart(discord, process, guild, panel, folder):
    """Settings outlive a restart, and so does every menu and button of a panel that stood there before."""
    choose(discord, panel, "roles", guild.role("Editors"))
    second = opened(discord, guild)
    press(discord, second, SECOND)
    press(discord, second, "Question log: off")
    logged(folder, guild)
    third = opened(discord, guild)
    press(discord, third, SECOND)
    press(discord, third, "Question log: on")
    process.terminate()
    process.start().wait_ready()
    assert guild.role("Editors").mention in line(opened(discord, guild), "Who manages the articles")
    choose(discord, panel, "channels", guild.channel("general"))
    choose(discord, panel, "log_channel", guild.channel("help"))
    choose(discord, second, "precision", "0.6")
    press(discord, second, "Direct messages: on")
    press(discord, third, "Switch off and delete")
    assert kept(folder, guild) == Preferences(
        manager_roles=frozenset({guild.role("Editors").id}),
        channels=frozenset({guild.channel("general").id}),
        log_channel=guild.channel("help").id,
        precision=0.6,
        direct=False,
    )
    assert counted(folder, guild)[0] == 0
