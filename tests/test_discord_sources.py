"""Links, pasted text, feeds, messages and schedules, as a person meets them in Discord.

The real client against a Discord and a web on the loopback, with the deterministic encoder. One process serves most
tests, in the order of this file; towards the end it starts anew with other intervals, and with another model.
"""

import io
import re
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from discord_play import (
    answered,
    choices,
    entry,
    harbour,
    is_private,
    long,
    meadow,
    page,
    plain,
    restart,
    rss,
    use,
)
from loopback_web import redirect, silent

from index.ledger import Ledger, Look
from index.store import Store

pytestmark = [pytest.mark.process, pytest.mark.slow]

HERE = Path(__file__).resolve().parent
WITH, WITHOUT = "Remove it and its articles", "Remove it, keep its articles"


def ask(discord, channel, user, question, **options):
    return plain(use(discord, channel, user, "ask", question=question, **options))


def titles(discord, channel, user):
    return [name.rpartition(" (")[0] for name in choices(discord, channel, user, "articles remove", "article")]


def corpora(folder):
    return [path.name for path in folder.glob("data/servers/*.db")]


def stored(folder, guild) -> Store:
    return Store(folder / "data" / "servers" / f"{guild.id}.db", create=False)


def ledger(folder, guild) -> Ledger:
    return stored(folder, guild).ledger


def press(discord, asked, button, user):
    """Presses a button that removes something, and waits until it has."""
    discord.click(asked.message, button, user).wait_for(lambda _: "Removed" in asked.content)


def paste(discord, channel, user, values, **options):
    """Opens the form by `/articles add` without file and link, and sends it filled in."""
    form = discord.slash(channel, user, "articles add", options).wait_for(lambda self: self.modal is not None)
    return answered(discord.submit(form, values))


def reindex(discord, channel, user, **options):
    def reported(self):
        return "Reading" not in self.text and "Starting" not in self.text and re.search(r"encode.*; ", self.text)

    return discord.slash(channel, user, "reindex", options).wait_for(reported, 60)


# -- links


def test_a_link(discord, web):
    """A page is added by its address, answers at once, is recognised when it comes again, and read anew if changed."""
    guild, channel = harbour(discord)
    text = "The ferry to Hazel Island leaves the pier at noon.\nA ticket costs three crowns. " + long()
    url = web.put("/ferry", page("The ferry", text), etag='"1"')
    added = use(discord, channel, guild.manager, "articles add", link=url)
    assert re.match(r"Added \*\*The ferry\*\*: \d+ sentences\.", plain(added))
    assert "whether that page has changed" in added.text
    assert is_private(added)
    assert "leaves the pier at noon" in ask(discord, channel, guild.member, "When does the ferry leave the pier?")
    assert "already there, as **The ferry**" in plain(use(discord, channel, guild.manager, "articles add", link=url))
    web.put("/ferry", page("The ferry", text.replace("noon", "dawn")), etag='"2"')
    again = use(discord, channel, guild.manager, "articles add", link=url + "?utm_source=chat")
    assert "**The ferry** has changed" in plain(again)
    assert "leaves the pier at dawn" in ask(discord, channel, guild.member, "When does the ferry leave the pier?")
    assert titles(discord, channel, guild.manager) == ["The ferry"]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("http://10.0.0.1/", "10.0.0.1"),
        ("http://169.254.169.254/latest/meta-data", "169.254"),
        ("http://[::ffff:10.0.0.1]/", "address"),
        ("http://2130706433/", "host"),
        ("file:///etc/passwd", "http"),
        ("what is this", "http"),
        ("/missing", "no such page"),
        ("/inside", "10.0.0.1"),
        ("/empty", "text"),
        ("/picture", "image/png"),
        ("/entities", "entities"),
    ],
)
def test_links_that_are_refused(discord, web, folder, link, said):
    """A link to a private address, to nothing, or to nothing that can be read is refused, and leaves nothing behind."""
    guild, channel = meadow(discord)
    web.script("/inside", redirect("http://10.0.0.1/"))
    web.put("/empty", "<html><body></body></html>")
    web.put("/entities", '<!DOCTYPE rss [<!ENTITY a "b">]>' + rss("&a;"), "application/rss+xml")
    web.put("/picture", b"\x89PNG\r\n\x1a\n", "image/png")
    url = web.url(link) if link.startswith("/") else link
    for name in ("articles add", "feeds add"):
        refused = use(discord, channel, guild.manager, name, link=url)
        assert said in plain(refused) or (name == "feeds add" and "names no feed" in plain(refused))
        assert is_private(refused)
    assert corpora(folder) == [f"{discord.guilds[0].id}.db"]


def test_one_thing_at_a_time(discord, web):
    """A file and a link together are refused, as is a link that should take an article's place."""
    guild, channel = harbour(discord)
    file = discord.upload("a.txt", b"Some text.")
    for options in ({"file": file, "link": web.url("/ferry")}, {"link": web.url("/ferry"), "replaces": "The ferry"}):
        refused = use(discord, channel, guild.manager, "articles add", **options)
        assert "add" in refused.text and is_private(refused)
    assert titles(discord, channel, guild.manager) == ["The ferry"]


def test_a_page_that_is_removed_stays_away(discord):
    """What a person removes is not brought back by the next look at where it came from."""
    guild, channel = harbour(discord)
    (value,) = choices(discord, channel, guild.manager, "articles remove", "article", typed="ferry").values()
    asked = use(discord, channel, guild.manager, "articles remove", article=value)
    press(discord, asked, "Remove", guild.manager)
    reindex(discord, channel, guild.manager)
    assert titles(discord, channel, guild.manager) == []


# -- pasted text


def test_a_pasted_text(discord):
    """Without file and link a form opens; what is typed there becomes an article with that title and link."""
    guild, channel = harbour(discord)
    text = "---\ntitle: Not this\n---\n\nThe lighthouse has a red lamp.\n\nIt was painted by four sailors."
    values = {"Title": 'The "light"\n---\nurl: x', "Text": text, "Link": "https://example.org/light"}
    added = paste(discord, channel, guild.manager, values)
    assert plain(added).startswith('Added **The "light" --- url: x**: ')
    assert is_private(added)
    found = use(discord, channel, guild.member, "ask", question="Which lamp does the lighthouse have?")
    assert "red lamp" in found.text
    assert found.embeds[0]["url"].startswith("https://example.org/light")
    again = paste(discord, channel, guild.manager, values)
    assert "This text is already there" in again.text


def test_a_pasted_text_in_anothers_place(discord):
    """A typed text can take the place of an upload; a link that is none is left out, and said to be."""
    guild, channel = harbour(discord)
    (value,) = choices(discord, channel, guild.manager, "articles add", "replaces", typed="light").values()
    values = {"title": "The light", "text": "The lighthouse has a blue lamp.", "link": "javascript:alert(1)"}
    replaced = paste(discord, channel, guild.manager, values, replaces=value)
    assert "Replaced: **The light**" in replaced.text
    assert "no web address" in replaced.text
    assert "blue lamp" in ask(discord, channel, guild.member, "Which lamp does the lighthouse have?")
    assert titles(discord, channel, guild.manager) == ["The light"]
    refused = use(discord, channel, guild.manager, "articles add", replaces="Nothing")
    assert "no such uploaded article" in refused.text


def test_a_pasted_text_that_is_refused(discord, folder):
    """A text that holds no text is refused; and whoever has lost the right meanwhile adds nothing, either."""
    guild, channel = meadow(discord)
    blank = paste(discord, channel, guild.manager, {"Title": "Nothing", "Text": "\u200b \n\u200b"})
    assert "holds no text" in blank.text
    assert is_private(blank)
    form = discord.slash(channel, guild.manager, "articles add").wait_for(lambda self: self.modal is not None)
    guild.join(guild.manager)
    refused = answered(discord.submit(form, {"Title": "A", "Text": "The mole digs under the old orchard wall."}))
    assert "Manage Server" in refused.text
    guild.join(guild.manager, guild.role("Managers"))
    assert "Manage Server" in use(discord, channel, guild.member, "articles add").text
    assert len(corpora(folder)) == 1


# -- documents


def test_an_archive(discord):
    """A ZIP gives several articles: the reply counts them, and names what cannot be read."""
    guild, channel = harbour(discord)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("owls.md", "# Owls\n\nA pair of barn owls nests in the old mill.\n")
        archive.writestr("deep/bread.txt", "Bread\n\nThe bakery sells rye bread on Fridays.\n")
        archive.writestr("bad.pdf", b"%PDF-1.7 and no more")
    file = discord.upload("several.zip", buffer.getvalue(), content_type="application/zip")
    added = use(discord, channel, guild.manager, "articles add", file=file)
    assert plain(added).startswith("2 added, 1 failed, from **several.zip**: ")
    assert "Owls" in added.text and "Bread" in added.text and "bad.pdf" in plain(added)
    assert "old mill" in ask(discord, channel, guild.member, "Where does the pair of barn owls nest?")
    assert set(titles(discord, channel, guild.manager)) == {"The light", "Owls", "Bread"}


def test_a_pdf(discord):
    """An answer from a PDF names its page, whatever the file is called."""
    guild, channel = harbour(discord)
    data = (HERE / "data" / "documents" / "latex.pdf").read_bytes()
    added = use(discord, channel, guild.manager, "articles add", file=discord.upload("paper.txt", data))
    assert added.text.startswith("Added **")
    found = ask(discord, channel, guild.member, "When was the Marigold built and refitted three times?")
    assert "1974" in found
    assert re.search(r"match · p\. \d", found)


# -- feeds


def test_a_feed(discord, web):
    """A feed is found from a page; its entries become articles, and whoever adds it again is told that it is there."""
    guild, channel = harbour(discord)
    web.put("/news/1", page("Monday", long("It shines green since then.")))
    web.put("/feed", rss("The harbour", entry("Monday", web.url("/news/1"), "Short.")), "application/rss+xml")
    web.put("/", page("Home", "Welcome.", '<link rel="alternate" type="application/rss+xml" href="/feed">'))
    added = use(discord, channel, guild.manager, "feeds add", link=web.url("/"))
    assert plain(added).startswith("Added the feed **The harbour**: 1 added.")
    assert "Monday" in added.text and is_private(added)
    assert "shines green" in ask(discord, channel, guild.member, "Since when does the light shine green?")
    again = use(discord, channel, guild.manager, "feeds add", link=web.url("/feed"))
    assert "That feed is already there: **The harbour**" in plain(again)
    as_link = use(discord, channel, guild.manager, "articles add", link=web.url("/feed"))
    assert "already there" in as_link.text
    none = use(discord, channel, guild.manager, "feeds add", link=web.url("/news/1"))
    assert "names no feed" in none.text


def test_the_list_of_feeds(discord, web):
    """The list says how each feed is, when it was looked at and when it will be; it is the server's own, in pages."""
    guild, channel = harbour(discord)
    for n in range(5):
        web.put(f"/feed/{n}", rss(f"Feed {n}", entry("Monday", web.url("/news/1"), "Short.")), "application/rss+xml")
        use(discord, channel, guild.manager, "feeds add", link=web.url(f"/feed/{n}"))
    listed = use(discord, channel, guild.manager, "feeds list")
    assert re.search(r"\*\*The harbour\*\*\n-# last look <t:\d+:R> · next <t:\d+:R>", plain(listed))
    assert "Page 1 of 2 · 6 feeds" in listed.text
    refused = discord.click(listed.message, "Next ▶", guild.member).wait_for_answer()
    assert "Manage Server" in refused.text
    discord.click(listed.message, "Next ▶", guild.owner).wait_for(lambda _: "Page 2 of 2" in listed.text)
    assert "Feed 4" in listed.text
    other, elsewhere = meadow(discord)
    assert "None yet" in use(discord, elsewhere, other.manager, "feeds list").text


def test_pausing_a_feed(discord, folder):
    """A feed is paused and resumed by a choice or by its title, and both can be said twice."""
    guild, channel = harbour(discord)
    value = choices(discord, channel, guild.manager, "feeds pause", "feed", typed="harb")["The harbour"]
    assert choices(discord, channel, guild.manager, "feeds resume", "feed", typed="harb") == {"The harbour": value}
    assert "is paused" in use(discord, channel, guild.manager, "feeds pause", feed=value).text
    assert "was paused already" in use(discord, channel, guild.manager, "feeds pause", feed="the HARBOUR").text
    assert "**paused**" in use(discord, channel, guild.manager, "feeds list").text
    assert "is active again" in use(discord, channel, guild.manager, "feeds resume", feed=value).text
    assert "was active already" in use(discord, channel, guild.manager, "feeds resume", feed=value).text
    for name in ("pause", "resume", "remove"):
        assert "no such feed" in use(discord, channel, guild.manager, f"feeds {name}", feed="Nothing").text


def test_feeds_take_rights(discord, web):
    """Every command, choice and button of feeds is for managers, and reaches no other server's."""
    guild, channel = harbour(discord)
    value = choices(discord, channel, guild.manager, "feeds remove", "feed", typed="harb")["The harbour"]
    uses = [("add", {"link": web.url("/")}), ("list", {})]
    uses += [(name, {"feed": value}) for name in ("pause", "resume", "remove")]
    for name, options in uses:
        refused = use(discord, channel, guild.member, f"feeds {name}", **options)
        assert "Manage Server" in refused.text and is_private(refused)
    for name in ("pause", "resume", "remove"):
        assert choices(discord, channel, guild.member, f"feeds {name}", "feed") == {}
    asked = use(discord, channel, guild.manager, "feeds remove", feed=value)
    assert "Manage Server" in discord.click(asked.message, WITH, guild.member).wait_for_answer().text
    other, elsewhere = meadow(discord)
    for name in ("pause", "resume", "remove"):
        assert choices(discord, elsewhere, other.manager, f"feeds {name}", "feed") == {}
        assert "no such feed" in use(discord, elsewhere, other.manager, f"feeds {name}", feed=value).text
    listed = use(
        discord, elsewhere, other.manager, "articles add", file=discord.upload("m.md", b"# Moles\n\nMoles dig.")
    )
    listed = use(discord, elsewhere, other.manager, "articles remove", article="Moles")
    for wanted in (f"feeds:remove:{value}:all", f"feeds:remove:{value}:none"):
        listed.message.buttons[0]["custom_id"] = wanted
        forged = discord.click(listed.message, wanted, other.manager).wait_for_answer()
        assert "no longer there" in forged.text
    assert "6 feeds" in use(discord, channel, guild.manager, "feeds list").text


def test_removing_feeds_after_a_restart(discord, process, folder):
    """A feed goes with its articles or without them; its buttons outlive a restart, and once it is gone say so."""
    guild, channel = harbour(discord)
    for n in range(1, 5):
        asked = use(discord, channel, guild.manager, "feeds remove", feed=f"Feed {n}")
        press(discord, asked, WITH, guild.manager)
        assert asked.content == f"Removed the feed **Feed {n}**, with 0 articles."  # another feed has them, too
    asked = use(discord, channel, guild.manager, "feeds remove", feed="Feed 0")
    assert "Nothing was removed" in discord.click(asked.message, "Cancel", guild.manager).wait_for_answer().text
    keeping = use(discord, channel, guild.manager, "feeds remove", feed="The harbour")
    restart(process, folder)
    press(discord, keeping, WITHOUT, guild.manager)
    assert keeping.content == "Removed the feed **The harbour**; its articles stay."
    assert "Monday" in titles(discord, channel, guild.manager)
    asked = use(discord, channel, guild.manager, "feeds remove", feed="Feed 0")
    twice = use(discord, channel, guild.manager, "feeds remove", feed="Feed 0")
    press(discord, asked, WITH, guild.manager)
    assert asked.content == "Removed the feed **Feed 0**, with 1 article."
    assert "Monday" not in titles(discord, channel, guild.manager)
    assert "no longer there" in discord.click(twice.message, WITH, guild.manager).wait_for_answer().text


# -- messages


def index_message(discord, channel, user, message):
    asked = answered(discord.context_menu(channel, user, "Index this message", message))
    assert is_private(asked)
    return asked


def test_a_message(discord, web, folder):
    """A message's text, files and links each become an article; the reply tells of each, and what cannot be read."""
    guild, channel = harbour(discord)
    web.put("/story", page("A story", "The baker's cat sleeps on warm flour sacks all day. " + long()))
    files = [
        discord.upload("note.md", b"# A note\n\nThe gardener plants tulips in October.\n"),
        discord.upload("photo.png", b"\x89PNG\r\n\x1a\n", content_type="image/png"),
        discord.upload("odd.bin", b"\x7fELF" + bytes(60), content_type="application/octet-stream"),
    ]
    said = f"The choir rehearses in the chapel at seven.\nSee <{web.url('/story')}> and {web.url('/nowhere')}, please."
    message = discord.say(channel, guild.owner, said, attachments=files)
    shown = index_message(discord, channel, guild.manager, message)
    lines = plain(shown).split("\n")
    assert lines[0] == "**The text**" and lines[1].startswith("Added **The choir rehearses")
    assert "Added **A note**: 2 sentences." in lines
    assert "ELF" in plain(shown) and "Pictures" in shown.text and "no such page" in shown.text
    assert "Added **A story**" in plain(shown)
    found = use(discord, channel, guild.member, "ask", question="When does the choir rehearse in the chapel?")
    link = f"https://discord.com/channels/{guild.id}/{channel.id}/{message.id}"
    assert found.embeds[0]["url"] == link
    again = index_message(discord, channel, guild.manager, message)
    assert plain(again).count("already there") == 3
    article = next(one for one in stored(folder, guild).articles() if one.url == link)
    assert article.author == "Owner-Harbour"
    assert article.published == datetime.now(UTC).date()


def test_messages_that_give_nothing(discord, folder):
    """A message of few words, and the bot's own, are refused in words; members are refused; nothing is left behind."""
    guild, channel = harbour(discord)
    before = titles(discord, channel, guild.manager)
    short = discord.say(channel, guild.owner, "Good morning, all of https://discord.com/channels/1/2/3")
    assert "nothing to read" in index_message(discord, channel, guild.manager, short).text
    own = discord.wait_for_reply(discord.say(channel, guild.owner, f"{discord.bot.mention} When does the choir meet?"))
    assert "message of mine" in index_message(discord, channel, guild.manager, own).text
    long = discord.say(channel, guild.owner, "The secret door is behind the third shelf of the library.")
    assert "Manage Server" in index_message(discord, channel, guild.member, long).text
    assert titles(discord, channel, guild.manager) == before
    assert discord.command("Index this message", None, 3)["contexts"] == [0]
    needed = int(discord.command("Index this message", None, 3)["default_member_permissions"])
    assert not guild.permissions(guild.member) & needed and guild.permissions(guild.manager) & needed
    assert discord.visible("feeds", guild, guild.manager) and not discord.visible("feeds", guild, guild.member)


# -- looking again


def test_reindexing(discord, web, folder):
    """/reindex looks at pages and feeds again and says what changed, by name; a preview says it beforehand."""
    guild, channel = harbour(discord)
    web.put("/story", page("A story", "The baker's cat sleeps on the warm oven all day. " + long()))
    web.put("/times", rss("The Times", entry("One", web.url("/times/1"), long("One."))), "application/rss+xml")
    use(discord, channel, guild.manager, "feeds add", link=web.url("/times"))
    two = entry("Two", web.url("/times/2"), long("Two.", "horn"))
    web.put("/times", rss("The Times", two), "application/rss+xml")
    for name in ("/times/1", "/times/2"):
        web.put(name, page(name, long(name, f"horn of {name}")))
    before = titles(discord, channel, guild.manager)
    preview = reindex(discord, channel, guild.manager, preview=True)
    assert "preview, 1 added, 1 changed" in preview.text and "nothing was changed" in preview.text
    assert "Changed: A story" in preview.text
    assert titles(discord, channel, guild.manager) == before
    done = reindex(discord, channel, guild.manager)
    assert "**This server**: 1 added, 1 changed" in done.text
    assert "Changed: A story" in done.text and "operator" not in done.text
    assert "warm oven" in ask(discord, channel, guild.member, "Where does the baker's cat sleep all day?")
    again = reindex(discord, channel, guild.manager)
    assert re.match(r"\*\*This server\*\*: \d+ unchanged, 1 failed\.\n-# 0 sentences encoded", again.text)
    assert "Manage Server" in use(discord, channel, guild.member, "reindex", preview=True).text


def test_waiting_questions(discord, web):
    """A question that found nothing waits for its answer, and is told where it is answered; not so a private one."""
    guild, channel = harbour(discord)
    for question, private in (("How deep is the *old* well?", False), ("How deep is the secret well?", True)):
        assert "Nothing found" in ask(discord, channel, guild.member, question, private=private)
    text = b"# Wells\n\nThe old well is forty feet deep. The secret well is sixty feet deep.\n"
    added = use(discord, channel, guild.manager, "articles add", file=discord.upload("wells.md", text))
    assert "It answers 1 waiting question:\n- How deep is the *old* well?" in plain(added)
    assert "secret" not in added.text
    assert "Nothing found" in ask(discord, channel, guild.owner, "How many eggs does the grey goose lay?")
    web.put("/farm", page("The farm", "Nothing yet. " + long()))
    use(discord, channel, guild.manager, "articles add", link=web.url("/farm"))
    web.put("/farm", page("The farm", "The grey goose lays nine eggs every spring. " + long()))
    done = reindex(discord, channel, guild.manager)
    done.wait_for(lambda self: self.followups)
    assert "It answers 1 waiting question." in done.content
    assert "goose" not in done.content  # which may have been asked where not everybody reads
    assert "How many eggs does the grey goose lay?" in done.followups[0].text and done.followups[0].ephemeral


def test_the_schedule(discord, process, folder, web):
    """What is due is looked at without being asked; an outage deletes nothing, and the log tells of both."""
    guild, channel = harbour(discord)
    kept = ledger(folder, guild)
    for source in kept.sources("page", "feed"):
        kept.set_state(source.id, "active", 0.0)
    restart(process, folder, every=0.5, first=0.2)
    three = entry("Three", web.url("/times/3"), "Short.")
    web.put("/times/3", page("Three", "The harbour cat has six kittens now. " + long("three")))
    web.put("/times", rss("The Times", three), "application/rss+xml")
    process.wait_for_line(r"added: http.*/times/3", 30)
    assert "six kittens" in ask(discord, channel, guild.member, "How many kittens does the harbour cat have?")
    before = titles(discord, channel, guild.manager)
    web.remove("/times")
    process.wait_for_line(r"WARNING http.*/times: .*404", 30)
    assert titles(discord, channel, guild.manager) == before
    assert "Last problem" in use(discord, channel, guild.manager, "feeds list").text


def fail_often(kept, source):
    """Leaves a source one failure short of being suspended, and due."""
    kept.set_state(source.id, "active", 0.0)
    for _ in range(9):
        every = {"feed": 0.001, "page": 0.001, "path": 0.0, "upload": 0.0}
        kept.looked(kept.source(source.id), Look(0.0, "it is ill @everyone"), every)


def test_a_suspension(discord, process, folder, web):
    """A source that fails again and again is told of once, where it was added, and notifies nobody."""
    guild, channel = harbour(discord)
    restart(process, folder)
    kept = ledger(folder, guild)
    feed = next(one for one in kept.sources("feed") if one.title == "The Times")
    page_ = next(one for one in kept.sources("page") if one.address == web.url("/farm"))
    assert feed.channel == page_.channel == channel.id
    web.remove("/farm")
    for source in (feed, page_):
        fail_often(kept, source)
    last = discord.say(channel, guild.owner, "Nothing to see here.")
    restart(process, folder, every=1_000, first=0.2)
    said = discord.wait_for_message(channel, lambda message: "The Times" in message.text, after=last, timeout=30)
    assert "failed 10 times in a row" in said.text and "/feeds resume" in said.text
    assert said.pinged == set()
    other = discord.wait_for_message(channel, lambda message: "/farm" in message.text, after=last, timeout=30)
    assert "/sources resume" in other.text
    restart(process, folder, every=0.5, first=0.2)
    web.put("/times", rss("The Times"), "application/rss+xml")
    web.put("/farm", page("The farm", long()))
    time.sleep(1)
    assert len(discord.bot_messages(channel, after=last)) == 1  # once, both together
    assert "**suspended**" in use(discord, channel, guild.manager, "feeds list").text
    reindex(discord, channel, guild.manager)
    assert "suspended" not in use(discord, channel, guild.manager, "feeds list").text


def test_a_suspension_where_the_bot_may_not_speak(discord, process, folder, web):
    """Where the bot may not speak, a suspension is in the log alone."""
    guild, _ = harbour(discord)
    restart(process, folder)
    kept = ledger(folder, guild)
    web.remove("/times")
    locked = guild.channel("locked")
    source = kept.add("feed", web.url("/gone"), 0.0, channel=locked.id)
    fail_often(kept, source)
    restart(process, folder, every=1_000, first=0.2)
    process.wait_for_line(f"not said in channel {locked.id}", 30)
    assert not discord.sent("POST", f"/channels/{locked.id}/")
    kept.remove(source.id)


def test_the_operators_folder(discord, process, folder):
    """The operator's folder is looked at from time to time, too."""
    guild, channel = harbour(discord)
    (folder / "articles" / "mill.md").write_text("# The mill\n\nThe mill grinds barley on Tuesdays.\n")
    restart(process, folder, every=0.5, first=0.2)
    process.wait_for_line(r"added: .*mill\.md", 30)
    assert "Tuesdays" in ask(discord, channel, guild.member, "When does the mill grind barley?")
    (folder / "articles" / "mill.md").unlink()
    process.wait_for_line(r"sources looked at.*", 30)


def test_another_model(discord, process, folder):
    """After a change of model everything is answered by the old one until all is encoded anew, in the background."""
    guild, channel = harbour(discord)
    question = "How deep is the old well?"
    restart(process, folder, model="another", dimension=512)
    assert "forty feet" in ask(discord, channel, guild.member, question)
    text = b"# Geese\n\nThe wild geese fly south in November.\n"
    added = use(discord, channel, guild.manager, "articles add", file=discord.upload("geese.md", text))
    assert added.text.startswith("Added **Geese**")
    assert "November" in ask(discord, channel, guild.member, "When do the wild geese fly south?")
    assert stored(folder, guild).stamp().model == "hash"
    restart(process, folder, model="another", dimension=512, first=0.2)
    for _ in range(3):  # the operator, and two servers
        process.wait_for_line("encoded anew", 30)
    discord.wait_for(lambda: sum("encoded anew" in line for line in process.lines) == 3, 30)
    assert stored(folder, guild).stamp().model == "another"
    assert "forty feet" in ask(discord, channel, guild.member, question)
    assert "November" in ask(discord, channel, guild.member, "When do the wild geese fly south?")


def test_stopping_while_the_web_is_slow(discord, process, web):
    """SIGTERM while a page is being fetched ends it at once, says so to whoever waits, and leaves nothing of it."""
    guild, channel = harbour(discord)
    web.script("/slow", silent())
    adding = discord.slash(channel, guild.manager, "articles add", {"link": web.url("/slow")})
    discord.wait_for(lambda: "/slow" in web.paths, 20)
    assert process.terminate() == 0
    assert "stopped before this was added" in adding.text
    process.start().wait_ready()
    assert web.url("/slow") not in titles(discord, channel, guild.manager)
