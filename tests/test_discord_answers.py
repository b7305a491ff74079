"""The buttons below answers, as people press them in Discord: reading on, judging, sharing and removing.

The real client against a Discord on the loopback, with the deterministic encoder. One process serves most tests, in the
order of this file; some of them start it anew. "Harbour" keeps a question log, and "Meadow" does not.
"""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from discord_loopback import Channel
from discord_play import harbour, lay, playing, restart, take_in

from records.records import Records

pytestmark = [pytest.mark.process, pytest.mark.slow]

QUESTION = "When was the lamp lit by the keeper?"
FIRST = "The lamp was lit by the keeper in 1871."
TOO_OLD, GONE = "This answer is too old for that. Ask again.", "has been changed or removed since. Ask again."
MANAGE_MESSAGES, SEND, EMBED = 1 << 13, 1 << 11, 1 << 14
HOSTILE = "@everyone <@1> discord.gg/abc [a](https://b.example) ||c|| `d`"
ARTICLES = {
    "lamp.md": "---\ntitle: The lamp of the *old* light\nurl: https://www.example.org/lamp\npublished: 2024-05-06\n"
    "---\n\n"
    "The light house stands on the headland. The lamp was lit by the keeper in 1871. It burnt oil.\n\n"
    + "\n\n".join(
        f"Much later, in year {n}, a motor turned it. The people of that time counted {n} steps." for n in range(60)
    ),
    "keeper.md": "---\ntitle: The keeper\n---\n\nThe keeper lit the lamp every evening at dusk. He never missed one.\n",
    "harbour.md": f"---\ntitle: '{HOSTILE}'\nurl: https://discord.gg/abc\n---\n\n"
    f"In winter the harbour freezes {HOSTILE}. The keeper lit the lamp in winter, too, when nobody came. "
    "Ships wait outside.\n",
    "ships.md": "---\ntitle: Ships\n---\n\nShips from the north saw the lamp that the keeper lit. They came home.\n",
    "book.md": "---\ntitle: A book\n---\n\nA keeper who lit lamps wrote a book on lamp oil. It is out of print.\n",
}


@pytest.fixture(scope="module")
def folder(folder):
    lay(folder, ARTICLES)
    return folder


@pytest.fixture(scope="module")
def process(server, folder):
    prefer(folder, server.guilds[0].id, log_questions=True)
    guild = server.guilds[0]
    guild.channel("help").denied[guild.role(server.bot.name).id] = EMBED
    with playing(server, folder) as process:
        process.wait_ready()
        take_in(server, 5)
        yield process


def prefer(folder, guild, **values):
    """What a server has set, from the next start on."""
    records = Records(folder / "data")
    records.preferences.change(guild, **values)
    records.close()


def kept(folder, sql, *values):
    with closing(sqlite3.connect(folder / "data" / "discord.db", timeout=30)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def person(discord, name):
    """A new member of both servers: nobody asks so much here that they have to wait."""
    return discord.add_person(name, *discord.guilds)


def ask(discord, channel, user, question=QUESTION, **options):
    asked = discord.slash(channel, user, "ask", {"question": question, **options}).wait_for_answer(20)
    assert asked.acknowledged_after < 3
    return asked.message


def press(discord, message, button, user):
    pressed = discord.click(message, button, user).wait_for_answer(20)
    assert pressed.acknowledged_after < 3
    return pressed


def privately(pressed):
    """What only whoever pressed sees."""
    messages = [one for one in (pressed.message, *pressed.followups) if one is not None and one is not pressed.source]
    shown = [one for one in messages if not one.deleted]
    assert shown and all(one.ephemeral for one in shown)
    assert all(one.pinged == set() for one in shown)
    return shown[-1]


def forge(message, button, custom_id):
    """Gives a button another id, as no client of Discord's would."""
    message.component(button)["custom_id"] = custom_id
    return custom_id


def id_of(message):
    found = {
        re.search(r"\d+", one["custom_id"])[0] for one in message.buttons if one["custom_id"].startswith("answer:")
    }
    (one,) = found
    return one


def faces(message):
    return [one.get("label") or one["emoji"]["name"] for one in message.buttons]


def public(discord, channel):
    return len([one for one in discord.bot_messages(channel) if not one.ephemeral])


def test_the_buttons(discord):
    """Below a public answer stand five buttons, of which judging only where the server keeps a question log; a private
    one can be shared in their place, and only the asker sees it."""
    _, general = harbour(discord)
    ann = person(discord, "ann")
    assert faces(ask(discord, general, ann)) == ["Context", "More", "👍", "👎", "🗑️"]
    assert faces(ask(discord, discord.guilds[1].channel("general"), ann)) == ["Context", "More", "🗑️"]
    private = ask(discord, general, ann, private=True)
    assert private.ephemeral
    assert faces(private) == ["Context", "More", "Share"]
    assert faces(ask(discord, general, ann, "Which comets pass Neptune?")) == ["🗑️"]
    mentioned = discord.wait_for_reply(discord.say(general, ann, f"{discord.bot.mention} {QUESTION}"))
    assert faces(mentioned) == ["Context", "More", "👍", "👎", "🗑️"]
    direct = discord.wait_for_reply(discord.direct_message(ann, QUESTION))
    assert [one for one in faces(direct) if one != "Another server"] == ["Context", "More", "🗑️"]


def test_an_answer_is_numbered_and_names_its_site(discord):
    """Several hits bear numbers, and each names where it is from; nothing in it mentions or invites anybody."""
    _, general = harbour(discord)
    shown = ask(discord, general, person(discord, "ben"))
    titles = [one["title"] for one in shown.embeds]
    assert titles[0] == r"1 · The lamp of the \*old\* light"
    assert [one.split(" ")[0] for one in titles] == ["1", "2", "3"]
    assert f"> **{FIRST}**" in shown.embeds[0]["description"]
    assert "-# Strong match · example.org · 6 May 2024" in shown.embeds[0]["description"]
    assert not any("discord.gg" in json.dumps(one.get("url", "")) for one in shown.embeds)
    assert shown.pinged == set()


def test_context(discord):
    """Context shows the text around the best sentence to whoever presses, who turns to the others and to more text."""
    _, general = harbour(discord)
    cleo, dan = person(discord, "cleo"), person(discord, "dan")
    answer = ask(discord, general, cleo)
    pressed = press(discord, answer, "Context", dan)
    shown = privately(pressed)
    (embed,) = shown.embeds
    assert embed["title"] == r"1 · The lamp of the \*old\* light"
    assert f"**{FIRST}** It burnt oil." in embed["description"]
    assert embed["url"].startswith("https://www.example.org/lamp#:~:text=")
    assert faces(shown) == [*"123456"[: len(shown.buttons) - 1], "More text"]
    assert shown.component("1")["disabled"]
    near = len(embed["description"])
    wide = press(discord, shown, "More text", dan)
    assert wide.message is shown
    assert near < len(shown.embeds[0]["description"]) <= 4_096
    assert "More text" not in faces(shown)
    press(discord, shown, "2", dan)
    assert shown.embeds[0]["title"].startswith("2 · ")
    assert shown.component("2")["disabled"] and not shown.component("1").get("disabled")
    assert answer.embeds and len(answer.history) == 2  # "is thinking", and the answer as it stays


def test_more(discord):
    """More shows the hits after those shown, numbered on, each time to whoever presses alone, until there are none."""
    _, general = harbour(discord)
    answer = ask(discord, general, person(discord, "eve"))
    shown = privately(press(discord, answer, "More", discord.guilds[0].member))
    numbers = [one["title"].split(" ")[0] for one in shown.embeds]
    assert numbers == ["4", "5", "6"][: len(numbers)] and numbers
    assert set(faces(shown)) <= {"Context", "More"}
    around = privately(press(discord, shown, "Context", discord.guilds[0].member))
    assert around.embeds[0]["title"].startswith("4 · ")


def test_reading_on_without_embeds(discord):
    """Where the bot may not embed, what the buttons show is text, too."""
    _, help_ = harbour(discord, "help")
    fay = person(discord, "fay")
    answer = ask(discord, help_, fay)
    assert answer.embeds == []
    around = privately(press(discord, answer, "Context", fay))
    assert around.embeds == [] and f"**{FIRST}** It burnt oil." in around.content
    assert around.content.startswith(r"**1 · [The lamp of the \*old\* light](<https://www.example.org/lamp")
    more = privately(press(discord, answer, "More", fay))
    assert more.embeds == []
    assert re.match(r"\*\*[2-4] · ", more.content)


def test_ids_of_other_answers(discord):
    """No id leads to another server's answer, to somebody's private one, or to one that never was; numbers beyond the
    hits show nothing that is not there."""
    _, general = harbour(discord)
    gus, hal = person(discord, "gus"), person(discord, "hal")
    elsewhere = ask(discord, discord.guilds[1].channel("general"), gus)
    private = ask(discord, general, gus, private=True)
    direct = discord.wait_for_reply(discord.direct_message(gus, QUESTION))
    for stolen in (id_of(elsewhere), id_of(private), id_of(direct), "9" * 18, "0", "9" * 19):
        for button, name in (
            ("Context", f"answer:context:{stolen}:0"),
            ("Context", f"answer:turn:{stolen}:0:wide:wider"),
            ("Context", f"answer:more:{stolen}:0"),
            ("Context", f"answer:judge:{stolen}:3:helpful"),
            ("Context", f"answer:which:{stolen}:0"),
            ("Context", f"answer:share:{stolen}"),
            ("Context", f"answer:remove:{stolen}"),
        ):
            answer = next(one for one in reversed(discord.bot_messages(general)) if "Context" in faces(one))
            before = answer.component(button)["custom_id"]
            pressed = press(discord, answer, forge(answer, button, name), hal)
            answer.component(name)["custom_id"] = before
            assert privately(pressed).content == TOO_OLD
            assert not answer.deleted
    answer = ask(discord, general, gus)
    beyond = press(discord, answer, forge(answer, "More", f"answer:more:{id_of(answer)}:99"), hal)
    assert "changed or removed" in privately(beyond).content
    around = press(discord, answer, forge(answer, "Context", f"answer:context:{id_of(answer)}:99"), hal)
    assert FIRST in privately(around).text.replace("**", "")


def test_judging(discord, folder):
    """Whether an answer helped is kept with its question and sentences, once for each person; pressing the other
    changes it, pressing the same takes it back."""
    _, general = harbour(discord)
    ida, jon = person(discord, "ida"), person(discord, "jon")
    answer = ask(discord, general, ida)
    which = privately(press(discord, answer, "answer:judge", jon))
    assert "Which sentence helped?" in which.content
    assert faces(which) == ["1", "2", "3"]
    press(discord, which, "2", jon)
    assert "sentence 2" in which.content and which.buttons == []
    sql = "SELECT person, helpful, hit, question, hits FROM judgement WHERE answer = ?"
    ((who, helpful, hit, question, hits),) = kept(folder, sql, int(id_of(answer)))
    assert (who, helpful, hit, question) == (jon.id, 1, 1, QUESTION)
    assert [(one["number"], one["text"]) for one in json.loads(hits)[:1]] == [(0, FIRST)]
    useless = answer.buttons[3]["custom_id"]
    assert "Press it again" in privately(press(discord, answer, useless, jon)).content
    press(discord, answer, useless, ida)
    assert sorted(row[:2] for row in kept(folder, sql, int(id_of(answer)))) == sorted([(jon.id, 0), (ida.id, 0)])
    assert "Taken back" in privately(press(discord, answer, useless, jon)).content
    assert [row[:2] for row in kept(folder, sql, int(id_of(answer)))] == [(ida.id, 0)]
    which = privately(press(discord, answer, "answer:judge", jon))
    press(discord, answer, "answer:judge", jon)  # takes it back
    assert "Press 👍" in privately(press(discord, which, "1", jon)).content


def test_judging_without_a_log(discord, folder):
    """Where the server keeps no question log, nothing is kept of a judgement, even by a made-up button."""
    general = discord.guilds[1].channel("general")
    kim = person(discord, "kim")
    answer = ask(discord, general, kim)
    name = forge(answer, "More", f"answer:judge:{id_of(answer)}:3:helpful")
    assert "does not keep a question log" in privately(press(discord, answer, name, kim)).content
    assert kept(folder, "SELECT * FROM judgement WHERE answer = ?", int(id_of(answer))) == []


def test_sharing(discord, folder):
    """A private answer is posted once, with its question and who shares it, pinging nobody; all may use it then."""
    _, general = harbour(discord)
    lou, meg = person(discord, "lou"), person(discord, "meg")
    private = ask(discord, general, lou, private=True)
    button = private.component("Share")["custom_id"]
    press(discord, private, button, lou)
    public = discord.wait_for_message(general, lambda one: "Shared by" in one.content, after=private)
    assert public.content == f"-# Shared by {lou.mention}"
    assert public.pinged == set() and not public.ephemeral
    assert public.embeds[0]["author"]["name"] == QUESTION
    assert [one["title"] for one in public.embeds] == [one["title"] for one in private.embeds]
    assert faces(public) == ["Context", "More", "🗑️"]
    assert faces(private) == ["Context", "More"]
    assert FIRST in privately(press(discord, public, "Context", meg)).text.replace("**", "")
    again = press(discord, private, forge(private, "More", button), lou)
    assert "shared already" in privately(again).content
    assert len([one for one in discord.bot_messages(general) if "Shared by" in one.content]) == 1
    assert kept(folder, "SELECT question FROM answer WHERE id = ?", int(id_of(public))) == [(None,)]


def test_sharing_as_text(discord):
    """Where the bot may not embed, a shared answer is text that names its question and who shares it."""
    _, help_ = harbour(discord, "help")
    ned = person(discord, "ned")
    private = ask(discord, help_, ned, private=True)
    press(discord, private, "Share", ned)
    public = discord.wait_for_message(help_, lambda one: "Shared by" in one.content, after=private)
    lines = public.content.split("\n")
    assert lines[:2] == [f"-# Shared by {ned.mention}", f"-# Question: {QUESTION}"]
    assert FIRST in public.content
    assert public.flags & 1 << 2


@pytest.mark.parametrize("who", ["asker", "bot"])
def test_sharing_where_one_may_not_write(discord, who):
    """A private answer is not posted where the asker or the bot may not write, and stays shareable."""
    guild, general = harbour(discord)
    oda = person(discord, f"oda-{who}")
    private = ask(discord, general, oda, private=True)
    key = oda.id if who == "asker" else guild.role(discord.bot.name).id
    general.denied[key] = SEND
    try:
        said = privately(press(discord, private, "Share", oda)).content
        assert said.startswith("You may not write" if who == "asker" else "I may not write")
    finally:
        del general.denied[key]
    press(discord, private, "Share", oda)
    discord.wait_for_message(general, lambda one: f"Shared by {oda.mention}" in one.content)


def test_sharing_in_a_thread(discord):
    """In a thread, what counts is who may write in threads."""
    guild, general = harbour(discord)
    pam = person(discord, "pam")
    thread = Channel(discord.ids.next(), "a thread", guild, 11, parent=general)
    discord._do(lambda: discord.add_thread(thread))
    general.denied[pam.id] = SEND
    try:
        private = ask(discord, thread, pam, private=True)
        press(discord, private, "Share", pam)
        assert discord.wait_for_message(thread, lambda one: "Shared by" in one.content)
    finally:
        del general.denied[pam.id]


def test_sharing_that_fails(discord):
    """What Discord does not let the bot post is private as before, and can be shared again; an answer of which only
    Discord's confirmation was lost is posted once."""
    _, general = harbour(discord)
    quin = person(discord, "quin")
    private = ask(discord, general, quin, private=True)
    discord.fail(403, r"/channels/\d+/messages$", "POST", times=2)
    assert "could not post it" in privately(press(discord, private, "Share", quin)).content
    discord.fail(0, r"/channels/\d+/messages$", "POST", after_effect=True)
    press(discord, private, "Share", quin)
    discord.wait_for_message(general, lambda one: f"Shared by {quin.mention}" in one.content)
    assert len([one for one in discord.bot_messages(general) if f"Shared by {quin.mention}" in one.content]) == 1


def test_sharing_twice_at_once(discord):
    """Of two presses at the same time one posts the answer."""
    _, general = harbour(discord)
    rae = person(discord, "rae")
    private = ask(discord, general, rae, private=True)
    fault = discord.fail(429, r"/channels/\d+/messages$", "POST", retry_after=1.0)
    discord.click(private, "Share", rae)
    discord.wait_for(lambda: fault.hits == 1, 10, "the post")
    assert "being shared" in privately(press(discord, private, "Share", rae)).content
    discord.wait_for(lambda: "Share" not in faces(private), 10, "the end of it")
    assert len([one for one in discord.bot_messages(general) if f"Shared by {rae.mention}" in one.content]) == 1


def test_sharing_that_a_kill_ended(discord, process):
    """Where the process is killed before a shared answer is posted, the answer is private as before, and can be shared
    by the next process."""
    _, general = harbour(discord)
    sid, tess = person(discord, "sid"), person(discord, "tess")
    private = ask(discord, general, sid, private=True)
    fault = discord.fail(429, r"/channels/\d+/messages$", "POST", retry_after=60.0)
    discord.click(private, "Share", sid)
    discord.wait_for(lambda: fault.hits == 1, 10, "the post")
    process.kill()
    process.start().wait_ready()
    press(discord, private, "Share", sid)
    public = discord.wait_for_message(general, lambda one: f"Shared by {sid.mention}" in one.content)
    assert FIRST in privately(press(discord, public, "Context", tess)).text.replace("**", "")
    assert len([one for one in discord.bot_messages(general) if f"Shared by {sid.mention}" in one.content]) == 1


def test_removing(discord):
    """Whoever asked removes an answer, and so do those who may manage messages there and those who manage articles;
    anybody else is refused."""
    guild, general = harbour(discord)
    ron, sue, moderator = person(discord, "ron"), person(discord, "sue"), person(discord, "tia")
    guild.role("Editors").permissions = MANAGE_MESSAGES
    guild.join(moderator, guild.role("Editors"))
    try:
        for who in (ron, moderator, guild.manager):
            answer = ask(discord, general, ron)
            assert "Only whoever asked" in privately(press(discord, answer, "answer:remove", sue)).content
            assert not answer.deleted
            discord.click(answer, "answer:remove", who)
            discord.wait_for(lambda one=answer: one.deleted, 10, "the removal")
    finally:
        guild.role("Editors").permissions = 0
    direct = discord.wait_for_reply(discord.direct_message(ron, QUESTION))
    discord.click(direct, "answer:remove", ron)
    discord.wait_for(lambda: direct.deleted, 10, "the removal")


def test_what_is_gone_meanwhile(discord, process):
    """A message or a channel that is deleted while a button works is no trouble, and nobody is told of any."""
    _, general = harbour(discord)
    uma = person(discord, "uma")
    answer = ask(discord, general, uma)
    seen = public(discord, general)
    fault = discord.fail(404, r"/webhooks/.*/messages/@original$", "PATCH")
    discord.click(answer, "Context", uma)
    discord.wait_for(lambda: fault.hits == 1, 10, "the edit")
    fault = discord.fail(404, r"/webhooks/.*/messages/@original$", "DELETE")
    pressed = discord.click(answer, "answer:remove", uma)
    discord.wait_for(lambda: fault.hits == 1, 10, "the removal")
    process.wait_for_line("nowhere to go")
    assert pressed.followups == []
    assert public(discord, general) == seen


def test_an_address_that_discord_refuses(discord):
    """What a button shows and Discord refuses for its links arrives without them."""
    _, general = harbour(discord)
    val = person(discord, "val")
    answer = ask(discord, general, val)
    discord.fail(400, r"/webhooks/.*/messages/@original$", "PATCH")
    (embed,) = privately(press(discord, answer, "Context", val)).embeds
    assert "url" not in embed and FIRST in embed["description"]


def test_an_article_that_is_removed_before_the_press(discord, folder):
    """Sentences of an article that was removed or changed are left out, and that is said; when none is left, too."""
    general = discord.guilds[1].channel("general")
    manager, wes = discord.guilds[1].manager, person(discord, "wes")
    for name, text in (
        ("tower.txt", "The tower\n\nThe bell of the tower was cast by a founder in 1790. It is loud."),
        ("clock.txt", "The clock\n\nThe bell of the clock was cast by a founder in 1801. It is small."),
    ):
        added = discord.slash(general, manager, "articles add", {"file": discord.upload(name, text.encode())})
        added.wait_for(lambda self: "Added" in self.text or "added" in self.text, 30)
    answer = ask(discord, general, wes, "When was the bell of the tower cast by a founder?")
    assert [one["title"] for one in answer.embeds] == ["1 · The tower", "2 · The clock"]

    def remove(title):
        asked = discord.slash(general, manager, "articles remove", {"article": title}).wait_for_answer()
        press(discord, asked.message, "Remove", manager)

    remove("The tower")
    shown = privately(press(discord, answer, "Context", wes))
    assert shown.content == "-# 1 sentence is left out: its article has been changed or removed since."
    assert [one["title"] for one in shown.embeds] == ["2 · The clock"]
    assert "tower" not in shown.text
    remove("The clock")
    for message, button in ((answer, "Context"), (shown, forge(shown, "2", f"answer:turn:{id_of(shown)}:1:near"))):
        message.component(button).pop("disabled", None)
        assert privately(press(discord, message, button, wes)).content.endswith(GONE)
    assert "bell" not in privately(press(discord, answer, "Context", wes)).text


def test_a_restart_between_answer_and_button(discord, process, folder):
    """Buttons work after a restart, below answers of the process before it: reading on, judging, sharing, removing."""
    _, general = harbour(discord)
    xia = person(discord, "xia")
    answer, private = ask(discord, general, xia), ask(discord, general, xia, private=True)
    around = privately(press(discord, answer, "Context", xia))
    restart(process, folder)
    assert FIRST in privately(press(discord, answer, "Context", xia)).text.replace("**", "")
    press(discord, around, "2", xia)
    assert around.embeds[0]["title"].startswith("2 · ")
    assert privately(press(discord, answer, "More", xia)).embeds
    which = privately(press(discord, answer, "answer:judge", xia))
    restart(process, folder)
    press(discord, which, "1", xia)
    assert "sentence 1" in which.content
    press(discord, private, "Share", xia)
    public = discord.wait_for_message(general, lambda one: f"Shared by {xia.mention}" in one.content)
    assert public.embeds[0]["author"]["name"] == QUESTION
    for message in (answer, public):
        discord.click(message, "answer:remove", xia)
        discord.wait_for(lambda one=message: one.deleted, 10, "the removal")


def test_channels_that_a_server_has_chosen(discord, process, folder):
    """A private answer is shared only where the server wants answers."""
    guild, general = harbour(discord)
    yve = person(discord, "yve")
    private = ask(discord, general, yve, private=True)
    prefer(folder, guild.id, channels=frozenset({guild.channel("help").id}))
    restart(process, folder)
    assert "not wanted in this channel" in privately(press(discord, private, "Share", yve)).content
    prefer(folder, guild.id, channels=frozenset())
    restart(process, folder)
    press(discord, private, "Share", yve)
    assert discord.wait_for_message(general, lambda one: f"Shared by {yve.mention}" in one.content)


def test_a_server_that_is_no_longer_asked_in_direct_messages(discord, process, folder):
    """Buttons below a direct message's answer work only as long as that server's articles may be asked there."""
    meadow = discord.guilds[1]
    file = discord.upload("gong.txt", b"The gong\n\nThe gong of the school was cast by a founder in 1810. It is loud.")
    added = discord.slash(meadow.channel("general"), meadow.manager, "articles add", {"file": file})
    added.wait_for(lambda self: "dded" in self.text, 30)
    abe = discord.add_person("abe", meadow)
    asked = discord.direct_message(abe, "When was the gong of the school cast by a founder?")
    answer = discord.wait_for_reply(asked)
    assert "The gong" in answer.text
    assert "1810" in privately(press(discord, answer, "Context", abe)).text
    prefer(folder, meadow.id, direct=False)
    restart(process, folder)
    said = privately(press(discord, answer, "Context", abe))
    assert said.content == "You cannot ask that server’s articles here any more."
    discord.click(answer, "answer:remove", abe)
    discord.wait_for(lambda: answer.deleted, 10, "the removal")


def test_records_that_are_gone(discord, folder):
    """When an answer's record has grown too old, its buttons say so; those who keep order can still remove it."""
    guild, general = harbour(discord)
    zoe = person(discord, "zoe")
    answer, private = ask(discord, general, zoe), ask(discord, general, zoe, private=True)
    around = privately(press(discord, answer, "Context", zoe))
    kept(folder, "DELETE FROM answer")
    for button in ("Context", "More", "answer:judge", "answer:remove"):
        assert privately(press(discord, answer, button, zoe)).content == TOO_OLD
    assert privately(press(discord, private, "Share", zoe)).content == TOO_OLD
    assert privately(press(discord, around, "2", zoe)).content == TOO_OLD
    discord.click(answer, "answer:remove", guild.manager)
    discord.wait_for(lambda: answer.deleted, 10, "the removal")
