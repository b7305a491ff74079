"""`/articles show`, `/sources` and `/export` as a person meets them in Discord.

The real client against a Discord and a web on the loopback, with the deterministic encoder, in the order of this file.
"""

import io
import random
import re
import zipfile
from functools import partial

import pytest
from conftest import HashEncoder
from discord_play import answered, choices, entry, harbour, meadow, page, plain, restart, rss, use

from index.article import Article, Sentence
from index.indexer import Indexer
from index.store import Store
from records.records import Records

pytestmark = [pytest.mark.process, pytest.mark.slow]

WITH, WITHOUT = "Remove it and its articles", "Remove it, keep its articles"
LIGHT = (
    "---\ntitle: The *light* @everyone\nauthor: A. Keeper\nurl: https://a.example/light\ndate: 2024-05-06\n"
    "updated: 2024-05-08\n---\n\nThe lighthouse has a **red** lamp. Its keeper wrote <@1> and `x`.\n\n"
)
DAYS = [f"On day {n} of that long year the lamp was lit {n} times, and {n * 7} ships went by." for n in range(1, 181)]


def titled(discord, channel, user, name, option, *, typed=""):
    """What is offered, each by its title alone."""
    found = choices(discord, channel, user, name, option, typed=typed)
    return {told.rpartition(" (")[0] or told: value for told, value in found.items()}


def add(discord, channel, user, name, content):
    content = content.encode() if isinstance(content, str) else content
    return use(discord, channel, user, "articles add", file=discord.upload(name, content))


def archive(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, text in members.items():
            packed.writestr(f"{name}.txt", text)
    return buffer.getvalue()


def labels(asked):
    return [button["label"] for button in asked.message.buttons]


def forge(message, custom_id):
    """Whoever sends the bot a payload names whatever button they like."""
    message.buttons[0]["custom_id"] = custom_id
    return custom_id


def shows(shown, text, _):
    return text in shown.text


def pressed(discord, message, button, user):
    return answered(discord.click(message, button, user))


def described(asked):
    return asked.message.embeds[0]["description"]


# -- /articles show


def test_an_article_is_shown(discord):
    """Everybody is shown an article in private: what is known of it, and its text, which does nothing."""
    guild, channel = harbour(discord)
    add(discord, channel, guild.manager, "light.md", LIGHT + "\n\n".join(DAYS))
    value = titled(discord, channel, guild.member, "articles show", "article", typed="LIGHT")["The *light* @everyone"]
    shown = use(discord, channel, guild.member, "articles show", article=value)
    assert shown.message.ephemeral and shown.message.pinged == set()
    embed = shown.message.embeds[0]
    assert embed["title"] == r"The \*light\* \@everyone"
    assert embed["url"] == "https://a.example/light"
    lines = embed["description"].split("\n")
    assert lines[0].startswith("-# published on 6 May 2024 · corrected on 8 May 2024 · indexed on ")
    assert lines[1] == "-# by A. Keeper · English · 182 sentences"
    assert lines[2] == "-# Uploaded as light.md"
    assert lines[3] == r"> The lighthouse has a red lamp. Its keeper wrote \<\@1\> and x."
    assert re.fullmatch(r"Page 1 of [4-9]", embed["footer"]["text"])
    assert labels(shown) == ["Next ▶"]
    by_title = use(discord, channel, guild.manager, "articles show", article="the *LIGHT* @everyone")
    assert labels(by_title) == ["Next ▶", "Remove"]


def test_the_text_is_turned_through(discord, process, folder):
    """The whole text can be read page by page, on buttons that outlive a restart; others do not turn one's pages."""
    guild, channel = harbour(discord)
    shown = use(discord, channel, guild.member, "articles show", article="The *light* @everyone")
    restart(process, folder)
    read = [described(shown)]
    while "Next ▶" in labels(shown):
        next_one = f"Page {len(read) + 1} of"
        discord.click(shown.message, "Next ▶", guild.member).wait_for(partial(shows, shown, next_one))
        read.append(described(shown))
        assert shown.message.embeds[0]["title"] == r"The \*light\* \@everyone"
    text = "\n".join(read).replace("\\", "")
    assert all(day in text for day in DAYS)
    discord.click(shown.message, "◀ Previous", guild.member).wait_for(lambda _: described(shown) == read[-2])


def test_showing_what_is_not_there(discord):
    """An article of another server, of none, or removed since, is not shown; nor is another person's page turned."""
    guild, channel = harbour(discord)
    other, elsewhere = meadow(discord)
    value = titled(discord, channel, guild.member, "articles show", "article")["The *light* @everyone"]
    assert titled(discord, elsewhere, other.manager, "articles show", "article") == {}
    for wanted in (value, "The *light* @everyone", "999", "Nothing"):
        refused = use(discord, elsewhere, other.manager, "articles show", article=wanted)
        assert "no such article" in refused.text and refused.message.ephemeral
    add(discord, elsewhere, other.manager, "moles.md", "# Moles\n\nMoles dig.\n\n" + "\n\n".join(DAYS))
    own = use(discord, elsewhere, other.manager, "articles show", article="Moles")
    for wanted in (f"articles:text:{int(value) + 7}:{other.manager.id}:1", f"articles:ask-remove:{int(value) + 7}"):
        forged = forge(own.message, wanted)
        assert "no longer there" in pressed(discord, own.message, forged, other.manager).text
    far = forge(own.message, f"articles:text:1:{other.manager.id}:999999")
    discord.click(own.message, far, other.manager).wait_for(lambda _: re.search(r"Page (\d) of \1", own.text))
    alien = forge(own.message, f"articles:text:1:{other.manager.id}:1")
    assert "Only whoever asked" in pressed(discord, own.message, alien, other.member).text


def test_removing_what_is_shown(discord, process, folder):
    """A manager removes an article from where it is shown, after a question; whoever else sees it then is told so."""
    guild, channel = harbour(discord)
    add(discord, channel, guild.manager, "eel.md", "# The eel\n\nThe eel sleeps.\n\n" + "\n\n".join(DAYS[::-1]))
    seen = use(discord, channel, guild.member, "articles show", article="The eel")
    shown = use(discord, channel, guild.manager, "articles show", article="The eel")
    value = shown.message.buttons[-1]["custom_id"].rpartition(":")[2]
    forged = forge(seen.message, f"articles:ask-remove:{value}")
    assert "Manage Server" in pressed(discord, seen.message, forged, guild.member).text
    restart(process, folder)
    question = pressed(discord, shown.message, "Remove", guild.manager)
    assert "Remove **The eel** (182 sentences) for good?" in question.text and question.message.ephemeral
    discord.click(question.message, "Keep", guild.manager).wait_for(lambda _: "Nothing was removed" in question.text)
    question = pressed(discord, shown.message, "Remove", guild.manager)
    discord.click(question.message, "Remove", guild.manager).wait_for(lambda _: "Removed" in question.text)
    again = forge(seen.message, f"articles:text:{value}:{guild.member.id}:1")
    assert "no longer there" in pressed(discord, seen.message, again, guild.member).text
    assert "no longer there" in pressed(discord, shown.message, "Remove", guild.manager).text


def test_what_gave_an_article(discord, web):
    """An article tells what gave it: a page, a feed, a ZIP or a message; and which copies it stands for."""
    guild, channel = harbour(discord)
    text = "The ferry to Hazel Island leaves the pier at noon. " + " ".join(DAYS[:9])
    url = web.put("/ferry", page("The ferry", text))
    use(discord, channel, guild.manager, "articles add", link=url)
    web.put("/news/1", page("Monday", "The mill was painted. " + " ".join(DAYS[9:18])))
    web.put("/feed", rss("The [harbour]", entry("Monday", web.url("/news/1"), "Short.")), "application/rss+xml")
    use(discord, channel, guild.manager, "feeds add", link=web.url("/feed"))
    add(discord, channel, guild.manager, "two.zip", archive(owls="Owls\n\nOwls nest.", bread="Bread\n\nRye bread."))
    said = discord.say(channel, guild.owner, "The choir rehearses in the chapel at seven on Fridays.")
    answered(discord.context_menu(channel, guild.manager, "Index this message", said))
    add(discord, channel, guild.manager, "copy.md", f"# The ferry\n\n{text}\n")
    expected = {
        "The ferry": "-# From a page that is looked at from time to time",
        "Monday": r"-# From the feed The \[harbour\]",
        "Owls": "-# From the ZIP two.zip",
        "The choir": "-# From a message",
    }
    for title, line in expected.items():
        (value,) = titled(discord, channel, guild.member, "articles show", "article", typed=title).values()
        shown = use(discord, channel, guild.member, "articles show", article=value)
        assert line in described(shown).split("\n"), title
        assert ("-# It answers for 1 copy, too: " in described(shown)) == (title == "The ferry")


def test_where_articles_are_shown(discord, process, folder):
    """Where a server wants no questions, members are shown no articles; whoever manages them is."""
    guild, channel = harbour(discord)
    shown = use(discord, channel, guild.member, "articles show", article="The *light* @everyone")
    process.terminate()
    records = Records(folder / "data")
    records.preferences.change(guild.id, channels=frozenset({guild.channel("help").id}))
    process.lines.clear()
    process.start().wait_ready()
    elsewhere = f"<#{guild.channel('help').id}>"
    for refused in (
        use(discord, channel, guild.member, "articles show", article="The *light* @everyone"),
        use(discord, channel, guild.member, "articles list"),
        pressed(discord, shown.message, "Next ▶", guild.member),
    ):
        assert elsewhere in refused.text and refused.message.ephemeral
    assert titled(discord, channel, guild.member, "articles show", "article") == {}
    light = "The *light* @everyone"
    assert "red lamp" in use(discord, channel, guild.manager, "articles show", article=light).text
    assert "red lamp" in use(discord, guild.channel("help"), guild.member, "articles show", article=light).text
    process.terminate()
    records.preferences.change(guild.id, channels=frozenset())
    records.close()
    process.start().wait_ready()


# -- /sources


def test_sources_are_listed(discord):
    """Pages, feeds and ZIPs are listed with their kind, how they stand, and when they are looked at."""
    guild, channel = harbour(discord)
    listed = use(discord, channel, guild.manager, "sources list")
    assert listed.message.ephemeral
    lines = described(listed).split("\n")
    assert lines[0] == "**The ferry**"
    assert re.fullmatch(r"-# Page · last look <t:\d+:R> · next <t:\d+:R>", lines[1])
    assert lines[2] == r"**The \[harbour\]**"
    assert re.fullmatch(r"-# Feed · last look <t:\d+:R> · next <t:\d+:R>", lines[3])
    assert lines[4:] == ["**two.zip**", "-# ZIP · 2 articles"]
    assert "3 sources" in listed.text
    other, elsewhere = meadow(discord)
    assert "None yet" in use(discord, elsewhere, other.manager, "sources list").text


def test_sources_are_paused(discord):
    """A page is paused and resumed by choice or by name, as a feed is; a ZIP, which nobody looks at, is not."""
    guild, channel = harbour(discord)
    offered = titled(discord, channel, guild.manager, "sources pause", "source")
    assert list(offered) == ["The ferry", "The [harbour]"]
    assert titled(discord, channel, guild.manager, "sources resume", "source") == offered
    assert "is paused" in use(discord, channel, guild.manager, "sources pause", source=offered["The ferry"]).text
    assert "paused already" in use(discord, channel, guild.manager, "sources pause", source="the FERRY").text
    assert "**paused**" in use(discord, channel, guild.manager, "sources list").text
    assert "is active again" in use(discord, channel, guild.manager, "sources resume", source="The ferry").text
    assert "active already" in use(discord, channel, guild.manager, "sources resume", source="The ferry").text
    for name in ("pause", "resume"):
        for wanted in ("two.zip", "Nothing", "0"):
            refused = use(discord, channel, guild.manager, f"sources {name}", source=wanted)
            assert "no such source" in refused.text and refused.message.ephemeral
    assert "no such feed" in use(discord, channel, guild.manager, "feeds pause", feed="The ferry").text


def test_sources_take_rights(discord):
    """Every command, choice and button of sources is for managers, and reaches no other server's."""
    guild, channel = harbour(discord)
    value = titled(discord, channel, guild.manager, "sources remove", "source")["The ferry"]
    uses = [("list", {}), *((name, {"source": value}) for name in ("pause", "resume", "remove"))]
    for name, options in uses:
        refused = use(discord, channel, guild.member, f"sources {name}", **options)
        assert "Manage Server" in refused.text and refused.message.ephemeral
    for name in ("pause", "resume", "remove"):
        assert titled(discord, channel, guild.member, f"sources {name}", "source") == {}
    asked = use(discord, channel, guild.manager, "sources remove", source=value)
    assert "Manage Server" in pressed(discord, asked.message, WITH, guild.member).text
    listed = use(discord, channel, guild.manager, "sources list")
    other, elsewhere = meadow(discord)
    for name in ("pause", "resume", "remove"):
        assert titled(discord, elsewhere, other.manager, f"sources {name}", "source") == {}
        assert "no such source" in use(discord, elsewhere, other.manager, f"sources {name}", source=value).text
    alien = use(discord, elsewhere, other.manager, "articles remove", article="Moles")
    feed = titled(discord, channel, guild.manager, "feeds remove", "feed")["The [harbour]"]
    for wanted in (f"sources:remove:{value}:all", f"sources:remove:{feed}:none", f"feeds:remove:{feed}:all"):
        forged = forge(alien.message, wanted)
        assert "no longer there" in pressed(discord, alien.message, forged, other.manager).text
    no_feed = forge(asked.message, f"feeds:remove:{value}:all")
    assert "no longer there" in pressed(discord, asked.message, no_feed, guild.manager).text
    assert "3 sources" in use(discord, channel, guild.manager, "sources list").text
    turned = discord.click(alien.message, forge(alien.message, f"sources:page:{other.member.id}:1"), other.member)
    assert "Manage Server" in answered(turned).text
    assert listed.message.buttons == []


def test_the_list_of_sources_is_turned(discord, process, folder, web):
    """A long list of sources has pages, whose buttons are for managers; beyond the last page stands the last."""
    guild, channel = harbour(discord)
    for n in range(3):
        url = web.put(
            f"/extra/{n}", page(f"Extra {n}", f"The cook of house {n} bakes. " + " ".join(DAYS[20 + 9 * n :]))
        )
        use(discord, channel, guild.manager, "articles add", link=url)
    listed = use(discord, channel, guild.manager, "sources list")
    assert "Page 1 of 2 · 6 sources" in listed.text
    restart(process, folder)
    discord.click(listed.message, "Next ▶", guild.owner).wait_for(lambda _: "Page 2 of 2" in listed.text)
    assert "Extra 2" in listed.text
    far = forge(listed.message, f"sources:page:{guild.owner.id}:999999")
    twice = len(listed.message.history)
    discord.click(listed.message, far, guild.manager).wait_for(lambda _: len(listed.message.history) > twice)
    assert "Page 2 of 2" in listed.text and "Extra 2" in listed.text
    articles = forge(listed.message, f"articles:page:{guild.manager.id}:999999")
    discord.click(listed.message, articles, guild.manager).wait_for(lambda _: "articles" in listed.text)
    assert "Extra 2" in listed.text


@pytest.mark.parametrize("typed", ["%", "_%", "' OR 1=1 --", "\0", "The light " * 500])
def test_what_is_typed_is_no_pattern(discord, typed):
    """What somebody types into an option is looked for as it stands, and offers nothing where nothing has it."""
    guild, channel = harbour(discord)
    sources = [(f"{of} {name}", of[:-1]) for of in ("feeds", "sources") for name in ("pause", "resume", "remove")]
    articles = [("ask", "article"), ("articles show", "article"), ("articles remove", "article")]
    for name, option in [*articles, ("articles add", "replaces"), *sources]:
        assert titled(discord, channel, guild.manager, name, option) != {}
        assert titled(discord, channel, guild.manager, name, option, typed=typed) == {}, name


NOTHING = """
    articles:keep:1 articles:remove:1x articles:remove:-1 articles:remove:9999999999999999999 articles:ask-remove:
    articles:page:1 articles:page:1:1000000 articles:text:1:1 files:page:1:1 feeds:remove:1:some files:remove:1:all
    answer:context:1:100 answer:turn:1:0:far answer:more:x:0 answer:judge:1:3:great answer:which:1: answer:share:
    answer:remove:1:1 settings:roles:1 settings:owner settings:precision:1 settings:direct:maybe settings:precision:on
    settings:sure:all settings:reset:now settings:page:3 privacy:delete: privacy:delete:1x gaps:page:-1
    gaps:page:1000000 ask:servers:1 ask:server:100 ask:server: nothing
""".split()


def test_ids_that_say_nothing(discord):
    """A button's or a menu's id that is not wholly of the form that the bot gives is no button or menu of the bot's."""
    guild, channel = harbour(discord)
    asked = use(discord, channel, guild.manager, "articles remove", article="The *light* @everyone")
    own = asked.message.buttons[0]["custom_id"]
    pressed = [discord.click(asked.message, forge(asked.message, one), guild.manager) for one in NOTHING]
    menu = {"type": 3, "id": 9, "custom_id": "", "options": [{"label": "x", "value": "1"}]}
    before = asked.message.payload["components"]
    for one in NOTHING:
        asked.message.payload["components"] = [{"type": 1, "id": 8, "components": [menu | {"custom_id": one}]}]
        pressed.append(discord.select(asked.message, one, ["1"], guild.manager))
    asked.message.payload["components"] = before
    forge(asked.message, own)
    discord.click(asked.message, "Keep", guild.manager).wait_for(lambda _: "Nothing was removed" in asked.text)
    assert [one for one in pressed if one.acknowledged_after is not None] == []
    assert len(asked.message.history) == 3  # "is thinking", the question, and that nothing was removed


def test_sources_are_removed(discord, process, folder):
    """A page or ZIP goes with its articles or without, by buttons that outlive a restart and say when it is gone."""
    guild, channel = harbour(discord)
    keeping = use(discord, channel, guild.manager, "sources remove", source="Extra 0")
    assert "Look at the page **Extra 0** no longer?" in keeping.text
    twice = use(discord, channel, guild.manager, "sources remove", source="Extra 0")
    packed = use(discord, channel, guild.manager, "sources remove", source="two.zip")
    restart(process, folder)
    discord.click(keeping.message, WITHOUT, guild.manager).wait_for(lambda _: "Removed" in keeping.content)
    assert keeping.content == "Removed **Extra 0**, which I look at no longer; its articles stay."
    assert "no longer there" in pressed(discord, twice.message, WITH, guild.manager).text
    discord.click(packed.message, WITH, guild.manager).wait_for(lambda _: "Removed" in packed.content)
    assert plain(packed) == "Removed **two.zip**, with 2 articles."
    found = titled(discord, channel, guild.manager, "articles remove", "article")
    assert "Extra 0" in found and "Owls" not in found
    asked = use(discord, channel, guild.manager, "sources remove", source="Extra 1")
    assert "Nothing was removed" in pressed(discord, asked.message, "Cancel", guild.manager).text
    assert "4 sources" in use(discord, channel, guild.manager, "sources list").text


# -- /export


def export(discord, channel, user):
    asked = answered(discord.slash(channel, user, "export"))
    assert all(one.ephemeral for one in [asked.message, *asked.followups])
    return asked


def files(asked):
    return [file for message in (asked.message, *asked.followups) for file in message.files]


def known(folder, guild):
    """Of each article of a server its title, text, link, author and days."""
    store = Store(folder / "data" / "servers" / f"{guild.id}.db", create=False)
    loaded = [store.load(one.id) for one in store.articles()]
    store.close()
    return {(one.title, one.text, one.url, one.author, one.published, one.updated) for one in loaded}


def test_an_export_is_added_elsewhere(discord, folder):
    """What /export sends, /articles add reads on another server: the same articles, with text, link and days."""
    guild, channel = harbour(discord)
    other, elsewhere = meadow(discord)
    exported = export(discord, channel, guild.manager)
    ((name, data),) = files(exported)
    assert re.fullmatch(r"articles-\d{4}-\d\d-\d\d\.zip", name)
    ours = known(folder, guild)
    assert f"Here are the {len(ours)} articles" in exported.text
    added = add(discord, elsewhere, other.manager, name, data)
    assert f"{len(ours)} added" in added.text and "failed" not in added.text
    assert ours <= known(folder, other)
    shown = use(discord, elsewhere, other.member, "articles show", article="The *light* @everyone")
    assert "published on 6 May 2024 · corrected on 8 May 2024" in shown.text
    answer = use(
        discord, elsewhere, other.member, "ask", question="When does the ferry to Hazel Island leave the pier?"
    )
    assert "leaves the pier at noon" in plain(answer)
    assert not [path for path in (folder / "data").iterdir() if path.suffix == ".zip"]


def test_an_export_takes_rights(discord):
    """Members export nothing, and a server without articles is told so."""
    guild, channel = harbour(discord)
    refused = export(discord, channel, guild.member)
    assert "Manage Server" in refused.text and files(refused) == []
    assert discord.visible("export", guild, guild.manager) and not discord.visible("export", guild, guild.member)
    empty = discord.add_guild("Empty")
    said = export(discord, empty.channel("general"), empty.manager)
    assert "no articles of its own yet" in said.text and files(said) == []


def test_one_export_at_a_time(discord):
    """While an export is being sent, another one of the same server is refused, and those of other servers are not."""
    guild, channel = harbour(discord)
    other, elsewhere = meadow(discord)
    held = discord.fail(429, r"messages/@original", "PATCH", retry_after=2.0)
    first = discord.slash(channel, guild.manager, "export")
    discord.wait_for(lambda: held.hits, 20)
    assert "already" in export(discord, channel, guild.owner).text
    assert files(export(discord, elsewhere, other.manager))
    assert files(answered(first))
    assert files(export(discord, channel, guild.owner))


def noise(chance, size):
    return " ".join(f"{chance.getrandbits(40):x}" for _ in range(size // 11))


def fill(folder, guild, number, size):
    """Gives a server articles that hardly get smaller in a ZIP, of one sentence each."""
    chance = random.Random(5)
    store = Store(folder / "data" / "servers" / f"{guild.id}.db", create=False)
    found = [Article(f"noise/{n}", f"Noise {n}", noise(chance, size)) for n in range(number)]
    Indexer(store, HashEncoder(1_024), splitter=lambda article: [Sentence(0, 9)]).add_articles(found)
    store.close()


def test_a_large_export(discord, folder):
    """What one ZIP cannot hold comes as several, ten to a message at most, and each can be added by itself."""
    guild, channel = harbour(discord)
    fill(folder, guild, 12, 1_500_000)
    exported = discord.slash(channel, guild.manager, "export")
    exported.wait_for(lambda self: self.followups and len(files(self)) > 10, 60)
    assert "ZIPs; each can be added by itself" in exported.text
    sent = files(exported)
    assert len(exported.message.files) == 10 and len(sent) == len({name for name, _ in sent})
    assert all(len(data) <= 1_000_000 for _, data in sent)
    names = [name for _, data in sent for name in zipfile.ZipFile(io.BytesIO(data)).namelist()]
    assert {f"Noise {n}.txt" for n in range(12)} <= set(names)
    assert all(one.ephemeral for one in exported.followups)


def test_an_export_that_is_too_large(discord, folder):
    """What is more than can be sent, or more than Discord takes after all, is for the operator's terminal."""
    guild, channel = harbour(discord)
    discord.fail(413, r"messages/@original", "PATCH")
    for _ in range(2):
        refused = export(discord, channel, guild.manager)
        assert f"export FILE.zip --server {guild.id}" in plain(refused) and files(refused) == []
        fill(folder, guild, 30, 1_500_000)
