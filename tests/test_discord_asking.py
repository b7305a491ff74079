"""Every way of asking, as a person meets it in Discord: where it answers, from whose articles, and what it refuses.

The real client against a Discord on the loopback, with the deterministic encoder; one process serves most tests.
"""

import pytest
from conftest import HashEncoder
from discord_loopback import User
from discord_play import playing
from loopback_interactions import COMPONENT
from loopback_world import SEND_IN_THREADS, VIEW_CHANNEL

from cogs.asking import too_long
from cogs.speech import speaking
from index.article import Article
from index.corpus import Library
from index.indexer import Indexer
from records.records import Records

pytestmark = [pytest.mark.process, pytest.mark.slow]

OPENED = "When was the Tallow Bridge opened by the mayor?"
WHO = "And who opened it?"
SEARCHED = "-# Searched for: who opened it, Tallow Bridge"
OWLS = "How many chicks did the barn owls in the mill raise this summer?"
BREAD = "Which rye bread does the bakery on Quarry Street sell on Fridays?"
FERRY = "When does the ferry to Hazel Island leave the pier?"
CIDER = "Which cider does the orchard press in October?"
NOTHING = "Who won the football World Cup in 2022?"
ARTICLES = {
    "harbour": [
        Article(
            "/bridge", "The Tallow Bridge", "The Tallow Bridge crosses the Wend. It was opened by the mayor in 1932."
        ),
        Article(
            "/owls", "Owls", "Barn owls nest in the mill. The barn owls in the mill raised four chicks this summer."
        ),
        Article(
            "/works", "Works", "The mayor opened the market in 1950. Works on the Tallow Bridge go on every summer."
        ),
    ],
    "meadow": [Article("/bread", "Bread", "The bakery on Quarry Street sells rye bread on Fridays. Its oven is old.")],
    "orchard": [Article("/cider", "Cider", "The orchard presses a sweet cider in October. It is sold in jugs.")],
    None: [
        Article(
            "/ferry", "The ferry", "The ferry to Hazel Island leaves the pier at noon. A ticket costs three crowns."
        )
    ],
}


class World:
    """The servers: Harbour has settings of no kind; Meadow answers in "help" and in a forum; Orchard not in direct
    messages, and it is French; Grove has no articles, and has set German."""

    def __init__(self, discord):
        self.discord = discord
        self.harbour, self.meadow = discord.guilds
        self.orchard, self.grove = discord.add_guild("Orchard"), discord.add_guild("Grove")
        self.orchard.locale = "fr"
        self.forum, self.other_forum = (discord.add_channel(self.meadow, one, 15) for one in ("questions", "gossip"))
        self.general, self.help = self.harbour.channel("general"), self.meadow.channel("help")

    def person(self, name, *guilds) -> User:
        return self.discord.add_person(name, *guilds)


@pytest.fixture(scope="module")
def world(server):
    return World(server)


@pytest.fixture(scope="module")
def process(server, world, folder):
    library = Library(folder / "data", HashEncoder())
    for name, articles in ARTICLES.items():
        place = None if name is None else getattr(world, name).id
        Indexer(library.corpus(place, create=True).store, library.encoder).add_articles(articles)
    library.close()
    records = Records(folder / "data")
    channels = frozenset({world.help.id})
    records.preferences.change(world.meadow.id, channels=channels, forums=frozenset({world.forum.id}))
    records.preferences.change(world.orchard.id, direct=False)
    records.preferences.change(world.grove.id, language="de")
    records.close()
    with playing(server, folder) as process:
        yield process.wait_ready()


def answered(asked):
    asked.wait_for_answer(20)
    assert asked.acknowledged_after < 3
    return asked


def ask(discord, channel, user, question, **options):
    return answered(discord.slash(channel, user, "ask", {"question": question, **options}))


def mention(discord, channel, user, question):
    """Mentions the bot and waits for its reply."""
    return discord.wait_for_reply(discord.say(channel, user, f"{discord.bot.mention} {question}"), timeout=20)


def tell(discord, user, question, **options):
    """Writes to the bot and waits for its reply."""
    return discord.wait_for_reply(discord.direct_message(user, question, **options), timeout=20)


def choices(discord, channel, user, typed=""):
    found = discord.autocomplete(channel, user, "ask", "article", typed, options={"question": OPENED})
    return {one["name"]: one["value"] for one in answered(found).choices}


def forged(discord, message, user, data):
    """A component's use that no client would send."""
    return answered(discord._interact(message.channel, user, COMPONENT, data, message))


def looked_up(discord, user):
    return len(discord.sent("GET", rf"/guilds/\d+/members/{user.id}$"))


def settled(discord, world, user):
    """Once something asked now is answered, what was sent before and is silent stays so."""
    mention(discord, world.general, user, OPENED)


# -- options


def test_one_article(discord, world):
    """A question to one article is answered from that one alone; the list has the server's own and the shared ones."""
    user = world.person("ann", world.harbour)
    offered = choices(discord, world.general, user)
    assert list(offered) == ["Owls", "The Tallow Bridge", "Works", "The ferry (shared)"]
    assert list(choices(discord, world.general, user, "tallow")) == ["The Tallow Bridge"]
    assert "1932" in ask(discord, world.general, user, OPENED, article=offered["The Tallow Bridge"]).text
    assert "noon" in ask(discord, world.general, user, FERRY, article=offered["The ferry (shared)"]).text
    elsewhere = ask(discord, world.general, user, OPENED, article=offered["Owls"])
    assert "1932" not in elsewhere.text
    assert "Nothing found" in elsewhere.text


def test_an_article_by_its_title(discord, world):
    """A title that was typed in full does as well as one that was chosen."""
    user = world.person("bob", world.harbour)
    assert "1932" in ask(discord, world.general, user, OPENED, article="the tallow BRIDGE").text


@pytest.mark.parametrize("choice", ["own:999", "shared:2", "own:1x", "0", "No such title", "own:1 OR 1=1"])
def test_an_article_that_is_not_here(discord, world, choice):
    """What no choice of this server stands for is refused, for nobody else to see."""
    asked = ask(discord, world.general, world.person("cas", world.harbour), OPENED, article=choice)
    assert "no such article" in asked.text
    assert asked.followups[0].ephemeral and asked.message.deleted


def test_another_servers_article(discord, world):
    """The choice that stands for an article in one server stands for none of its articles in another."""
    user = world.person("dora", world.harbour, world.meadow)
    owls = choices(discord, world.general, user)["Owls"]
    elsewhere = ask(discord, world.help, user, OWLS, article=owls)
    assert "four chicks" not in elsewhere.text


def test_how_many(discord, world):
    """As many sentences as were asked for are shown at most."""
    user = world.person("egon", world.harbour)
    question = "What did the mayor open, the Tallow Bridge or the market?"
    assert len(ask(discord, world.general, user, question, count=1).embeds) == 1
    assert len(ask(discord, world.general, user, question, count=10).embeds) > 1
    for count in (0, 11):
        with pytest.raises(AssertionError, match="out of range"):
            discord.slash(world.general, user, "ask", {"question": question, "count": count})


# -- the message's menu


def test_answer_this(discord, world):
    """A message's menu answers what stands in it, for the eyes of who asks alone, and may be shared."""
    user, other = world.person("fay", world.harbour), world.person("gil", world.harbour)
    message = discord.say(world.general, other, f"{discord.bot.mention} {OPENED} <:wave:123>")
    asked = answered(discord.context_menu(world.general, user, "Answer this", message))
    assert asked.ephemeral
    assert "1932" in asked.text
    assert any(button["custom_id"].startswith("answer:share") for button in asked.message.buttons)
    plain = discord.say(world.general, other, f"Hello everybody. {'I wonder. ' * 40}{OPENED} Thanks")
    asked = answered(discord.context_menu(world.general, user, "Answer this", plain))
    assert "1932" in asked.text
    assert OPENED in asked.text and "wonder" not in asked.embeds[0]["author"]["name"]
    discord.wait_for_reply(message)


@pytest.mark.parametrize(
    ("content", "said"), [("", "no question in this message"), ("?", "no question"), ("why " * 90, "at most 300")]
)
def test_answer_this_without_a_question(discord, world, content, said):
    """A message without words, or with too many, is refused in words."""
    message = discord.say(world.general, world.person("hedi", world.harbour), content)
    asked = answered(discord.context_menu(world.general, world.person("ivo", world.harbour), "Answer this", message))
    assert said in asked.text
    assert asked.ephemeral


def test_answer_this_of_a_bot(discord, world):
    """What the bot itself or another one says is no question."""
    user = world.person("jo", world.harbour)
    reply = mention(discord, world.general, user, OPENED)
    robot = User(discord.ids.next(), "robot", bot=True)
    discord.users[robot.id] = robot
    for message in (reply, discord.say(world.general, robot, OPENED)):
        asked = answered(discord.context_menu(world.general, user, "Answer this", message))
        assert "what people write" in asked.text
        assert asked.ephemeral


def test_answer_this_in_direct_messages(discord, world):
    """The menu works in direct messages, too."""
    user = world.person("kim", world.harbour)
    reply = tell(discord, user, OPENED)
    message = discord.direct_message(user, OWLS)
    asked = answered(discord.context_menu(reply.channel, user, "Answer this", message))
    assert "four chicks" in asked.text
    assert asked.ephemeral


# -- where questions are answered


def test_channels_that_are_not_set(discord, world):
    """Where a server has set channels, commands elsewhere are told so privately, and mentions get nothing."""
    user, general = world.person("lou", world.harbour, world.meadow), world.meadow.channel("general")
    message = discord.say(general, user, BREAD)
    for asked in (
        ask(discord, general, user, BREAD),
        answered(discord.context_menu(general, user, "Answer this", message)),
    ):
        assert asked.ephemeral
        assert asked.content == f"Questions are answered in other channels of this server: {world.help.mention}."
        assert asked.message.pinged == set()
    assert choices(discord, general, user) == {}
    ignored = discord.say(general, user, f"{discord.bot.mention} {BREAD}")
    assert "rye bread" in ask(discord, world.help, user, BREAD).text
    assert "rye bread" in mention(discord, world.help, user, BREAD).text
    assert "Bread" in choices(discord, world.help, user)
    assert discord.replies(ignored) == []
    assert not discord.sent("POST", f"/channels/{general.id}/")


def test_threads_count_as_their_channel(discord, world):
    """A thread of a channel that is set is answered in, and one of another channel is not."""
    user = world.person("mo", world.harbour, world.meadow)
    inside = discord.open_thread(discord.say(world.help, user, "Bread!"), user, "bread")
    outside = discord.open_thread(discord.say(world.meadow.channel("general"), user, "Bread!"), user, "bread")
    assert "rye bread" in mention(discord, inside, user, BREAD).text
    assert "rye bread" in ask(discord, inside, user, BREAD).text
    assert "other channels" in ask(discord, outside, user, BREAD).text


def test_the_servers_language(discord, world):
    """To who mentions the bot it speaks the language that the server has set, or that its people have Discord in."""
    user = world.person("noor", world.harbour, world.orchard, world.grove)
    for guild, language in ((world.harbour, "en"), (world.orchard, "fr"), (world.grove, "de")):
        with speaking(language):
            said = too_long()
        assert mention(discord, guild.channel("general"), user, "why " * 90).content == said


# -- threads opened from an answer


def test_a_thread_opened_from_an_answer(discord, world):
    """A follow-up in a thread that was opened from an answer finds the question, however that was asked."""
    user = world.person("nell", world.harbour)
    mentioned = mention(discord, world.general, user, OPENED)
    commanded = ask(discord, world.general, user, OPENED).message
    for answer in (mentioned, commanded):
        thread = discord.open_thread(answer, user, "the bridge")
        assert mention(discord, thread, user, WHO).content.startswith(SEARCHED)
        assert SEARCHED in ask(discord, thread, user, WHO).content
    bare = discord.open_thread(discord.say(world.general, user, "Look at this."), user, "nothing")
    assert "Searched for" not in mention(discord, bare, user, WHO).text


# -- forums


def test_a_post_in_a_forum(discord, world):
    """A new post in a forum that is set is answered by its title, in the post, notifying nobody; once."""
    user = world.person("olga", world.harbour, world.meadow)
    post = discord.post(world.forum, user, BREAD, "I cannot find it.")
    reply = discord.wait_for_reply(post, timeout=20)
    assert "rye bread on Fridays" in reply.text
    assert reply.channel is post.channel
    assert reply.pinged == set()
    late = discord.post(world.forum, user, BREAD, thread_first=False)
    assert "rye bread on Fridays" in discord.wait_for_reply(late, timeout=20).text
    settled(discord, world, user)
    assert len(discord.replies(post)) == len(discord.replies(late)) == 1
    follow = mention(discord, post.channel, user, "And who sells it?")
    assert "-# Searched for:" in follow.content and "bakery" in follow.content


def test_posts_that_are_left_alone(discord, world):
    """What nothing surely answers, what a bot posts, and posts in other forums get no answer."""
    user = world.person("pia", world.harbour, world.meadow)
    robot = User(discord.ids.next(), "poster", bot=True)
    discord.users[robot.id] = robot
    alone = [
        discord.post(world.forum, user, NOTHING),
        discord.post(world.forum, user, "Hi"),
        discord.post(world.forum, robot, BREAD),
        discord.post(world.other_forum, user, BREAD),
    ]
    settled(discord, world, user)
    discord.wait_for_reply(discord.post(world.forum, user, BREAD), timeout=20)
    assert [discord.replies(one) for one in alone] == [[]] * 4


def test_a_post_that_speaks_to_the_bot(discord, world):
    """Where a post's first message mentions the bot its text counts, too, and an answer is owed in any case."""
    user = world.person("quin", world.harbour, world.meadow)
    post = discord.post(world.forum, user, "Bakery question", f"{discord.bot.mention} {BREAD}")
    assert "rye bread on Fridays" in discord.wait_for_reply(post, timeout=20).text
    unknown = discord.post(world.forum, user, "Football", f"{discord.bot.mention} {NOTHING}")
    assert "Nothing found" in discord.wait_for_reply(unknown, timeout=20).text
    assert len(discord.replies(post)) == 1


def test_a_post_where_the_bot_may_not_write(discord, world):
    """Where the bot may not send messages in threads, it does not try to."""
    user, role = world.person("rita", world.harbour, world.meadow), world.meadow.role(discord.bot.name)
    closed = discord.add_channel(world.meadow, "closed", 15)
    closed.denied[role.id] = SEND_IN_THREADS
    discord._do(lambda: discord.gateway.dispatch("CHANNEL_UPDATE", closed.payload(), world.meadow.id))
    post = discord.post(closed, user, "Bread", f"{discord.bot.mention} {BREAD}")
    settled(discord, world, user)
    assert not discord.sent("POST", f"/channels/{post.channel.id}/")


# -- direct messages


def test_the_language_of_direct_messages(discord, world):
    """Direct messages are answered in the language of whoever writes, once they have used a command; before, in the
    server's."""
    user = world.person("greta", world.harbour)
    user.locale = "de"
    assert tell(discord, user, OPENED).content.startswith("-# From the articles of Harbour.")
    assert ask(discord, discord.dm_channel(user), user, OPENED).text
    assert tell(discord, user, OPENED).content.startswith("-# Aus den Artikeln von Harbour.")
    assert "Nichts gefunden" in tell(discord, user, "Who won the football World Cup in 2022?").text


@pytest.mark.parametrize("said", ["help", "Thank you!", "hallo", "Привіт", "¿Ayuda?"])
def test_small_talk(discord, world, said):
    """Greetings, thanks and a call for help are no questions: they bring a line of help."""
    user = world.person(f"talker-{len(said)}", world.harbour)
    assert "/ask" in mention(discord, world.general, user, said).text
    assert "sentences that answer" in tell(discord, user, said).text


def test_one_server(discord, world):
    """Whoever shares one server with articles is answered from these, which is said, and from the shared ones."""
    user = world.person("sam", world.harbour, world.grove)
    reply = tell(discord, user, OPENED)
    assert reply.content.startswith("-# From the articles of Harbour.")
    assert "1932" in reply.text
    assert not any(button["custom_id"] == "ask:servers" for button in reply.buttons)
    assert "noon" in tell(discord, user, FERRY).text
    before = looked_up(discord, user)
    assert "four chicks" in ask(discord, reply.channel, user, OWLS).text
    assert looked_up(discord, user) == before  # what was learnt holds for a while
    assert "Owls" in choices(discord, reply.channel, user)
    assert "rye bread" not in tell(discord, user, BREAD).text


def test_no_server(discord, world):
    """Whoever shares no server with articles asks what is shared with everybody."""
    for user in (world.person("tess"), world.person("ulf", world.grove)):
        reply = tell(discord, user, FERRY)
        assert "noon" in reply.text
        assert "From the articles" not in reply.content
        assert "1932" not in tell(discord, user, OPENED).text
        assert list(choices(discord, reply.channel, user)) == ["The ferry (shared)"]


def test_several_servers(discord, world, process):
    """Whoever shares several chooses one, once, and may change it; the question is answered without being repeated."""
    user = world.person("vera", world.harbour, world.meadow, world.orchard)
    menu = tell(discord, user, BREAD)
    assert menu.content == "Which server’s articles?"
    options = menu.selects[0]["options"]
    assert [one["label"] for one in options] == ["Harbour", "Meadow"]
    assert list(choices(discord, menu.channel, user)) == ["The ferry (shared)"]
    process.terminate()
    process.start().wait_ready()
    chosen = discord.select(menu, "ask:server", [options[1]["value"]], user)
    chosen.wait_for(lambda self: "rye bread on Fridays" in self.text, 20)
    assert chosen.acknowledged_after < 3
    assert menu.content.startswith("-# From the articles of Meadow.")
    assert menu.selects == []
    process.terminate()
    process.start().wait_ready()
    again = tell(discord, user, BREAD)
    assert again.content.startswith("-# From the articles of Meadow.")
    assert "Bread" in choices(discord, menu.channel, user)
    other = answered(discord.click(again, "ask:servers", user)).message
    assert [one["label"] for one in other.selects[0]["options"]] == ["Harbour", "Meadow"]
    assert BREAD in other.text
    changed = discord.select(other, "ask:server", [options[0]["value"]], user)
    changed.wait_for(lambda self: "From the articles of Harbour" in self.text, 20)
    assert "1932" in tell(discord, user, OPENED).text


def test_several_servers_by_command(discord, world):
    """A command in direct messages brings the menu, too, and how many were wanted is not forgotten."""
    user = world.person("wim", world.harbour, world.meadow)
    dm = discord.dm_channel(user)
    question = "What did the mayor open, the Tallow Bridge or the market?"
    menu = ask(discord, dm, user, question, count=1).message
    chosen = discord.select(menu, "ask:server", [str(world.harbour.id)], user)
    chosen.wait_for(lambda self: "From the articles of Harbour" in self.text, 20)
    assert len(chosen.embeds) == 1
    undecided = world.person("xeni", world.harbour, world.meadow)
    refused = ask(discord, discord.dm_channel(undecided), undecided, OPENED, article="Works")
    assert "First ask without an article" in refused.text


def test_a_follow_up_through_the_menu(discord, world):
    """A follow-up that is answered only once a server was chosen is searched with what it refers to."""
    user = world.person("yan", world.harbour, world.meadow)
    menu = tell(discord, user, OPENED)
    first = discord.select(menu, "ask:server", [str(world.harbour.id)], user)
    first.wait_for(lambda self: "1932" in self.text, 20)
    assert SEARCHED in tell(discord, user, WHO, reply_to=menu).content


@pytest.mark.parametrize("value", ["orchard", "grove", "999", "x", "-1", "٣"])
def test_a_server_that_is_not_ones_own(discord, world, value):
    """A forged choice of a server that one is not in, or that does not wish it, or of none, leads nowhere."""
    user = world.person(f"zoe-{value}", world.harbour, world.meadow, world.orchard)
    menu = tell(discord, user, CIDER)
    value = str(getattr(world, value).id) if hasattr(world, value) else value
    data = {"custom_id": "ask:server:0", "component_type": 3, "values": [value]}
    refused = forged(discord, menu, user, data)
    assert "cannot ask that server" in refused.text
    assert refused.followups[0].ephemeral
    assert tell(discord, user, CIDER).selects


def test_choosing_in_a_server(discord, world):
    """The menu and its button do nothing in a server."""
    user = world.person("alma", world.harbour)
    reply = mention(discord, world.general, user, OPENED)
    menu = {"type": 3, "custom_id": "ask:server:0", "options": [{"label": "x", "value": str(world.harbour.id)}]}
    button = {"type": 2, "custom_id": "ask:servers", "style": 2, "label": "x"}
    reply.payload["components"] = [
        {"type": 1, "id": n, "components": [one | {"id": 9 - n}]} for n, one in enumerate((menu, button), start=1)
    ]
    for data in (
        {"custom_id": "ask:server:0", "component_type": 3, "values": [str(world.harbour.id)]},
        {"custom_id": "ask:servers", "component_type": 2},
    ):
        refused = forged(discord, reply, user, data)
        assert "in direct messages" in refused.text
        assert refused.ephemeral


def test_changing_where_there_is_no_choice(discord, world):
    """The button to choose another server is of no use to somebody who can choose none."""
    user = world.person("berta", world.grove)
    reply = tell(discord, user, FERRY)
    button = {"type": 2, "custom_id": "ask:servers", "style": 2, "label": "x", "id": 9}
    reply.payload["components"] = [{"type": 1, "id": 8, "components": [button]}]
    refused = forged(discord, reply, user, {"custom_id": "ask:servers", "component_type": 2})
    assert "I know no server of yours" in refused.text
    assert refused.message.deleted and refused.followups[0].ephemeral


def test_only_who_sees_a_channel_that_is_set(discord, world):
    """Where channels are set, their server may be asked only by who may see one of them."""
    user = world.person("bert", world.meadow)
    shut = world.meadow.role("Editors")
    world.meadow.join(user, shut)
    world.help.denied[shut.id] = VIEW_CHANNEL
    discord._do(lambda: discord.gateway.dispatch("CHANNEL_UPDATE", world.help.payload(), world.meadow.id))
    try:
        assert "rye bread" not in tell(discord, user, BREAD).text
    finally:
        del world.help.denied[shut.id]
        discord._do(lambda: discord.gateway.dispatch("CHANNEL_UPDATE", world.help.payload(), world.meadow.id))
    assert "rye bread" in tell(discord, world.person("carl", world.meadow), BREAD).text


def test_members_who_cannot_be_looked_up(discord, world):
    """Where Discord does not say who is in a server, that server is not asked."""
    user = world.person("dirk", world.harbour)
    discord.fail(500, rf"/members/{user.id}$", "GET", times=99)
    try:
        reply = tell(discord, user, OPENED)
    finally:
        discord.rest.faults.clear()
    assert "1932" not in reply.text
    assert "1932" in tell(discord, user, OPENED).text


def test_who_has_left(discord, world, process):
    """A choice is of no use to somebody who is no longer in the server."""
    user = world.person("elsa", world.harbour, world.meadow)
    menu = tell(discord, user, OPENED)
    chosen = discord.select(menu, "ask:server", [str(world.harbour.id)], user)
    chosen.wait_for(lambda self: "1932" in self.text, 20)
    del world.harbour.members[user.id]
    process.terminate()  # what was learnt of members goes with it; else it holds for some minutes
    process.start().wait_ready()
    reply = tell(discord, user, OPENED)
    assert "1932" not in reply.text
    assert reply.content.startswith("-# From the articles of Meadow.")


# -- patience


def test_patience_is_one_for_all_ways(discord, world):
    """Commands, mentions, menus and direct messages count together; whoever is too fast is told so kindly."""
    user = world.person("finn", world.harbour)
    message = discord.say(world.general, user, OPENED)
    for _n in range(3):
        ask(discord, world.general, user, OPENED)
        mention(discord, world.general, user, OPENED)
        answered(discord.context_menu(world.general, user, "Answer this", message))
    assert "1932" in tell(discord, user, OPENED).text
    for refused in (
        ask(discord, world.general, user, OPENED),
        answered(discord.context_menu(world.general, user, "Answer this", message)),
        tell(discord, user, OPENED),
        mention(discord, world.general, user, OPENED),
    ):
        assert "Slow down a little" in refused.text
    assert "1932" in ask(discord, world.general, world.person("gus", world.harbour), OPENED).text
