"""Follow-ups in Discord: the real process and the real model, against a Discord on the loopback."""

import pytest
from conftest import ARTICLES
from discord_loopback import Channel, Message, User
from discord_play import lay, serving, take_in
from loopback_world import READ_HISTORY, new_message_payload

pytestmark = [pytest.mark.process, pytest.mark.model, pytest.mark.slow]

OPENED = "When was the Tallow Bridge opened?"
WHO = "And who opened it?"
SEARCHED = "-# Searched for: who opened it, Tallow Bridge?"
OWLS = "How many chicks did the barn owls raise?"


@pytest.fixture(scope="module")
def process(server, folder):
    """The bot, running, with three articles that every server may ask."""
    lay(folder, ARTICLES)
    # What is searched for is tested here, and not how sure an answer has to be.
    (folder / "config.toml").write_text("[answers]\nprecision = 0.5\n", encoding="utf-8")
    harbour, meadow = server.guilds
    harbour.channel("help").denied[harbour.role(server.bot.name).id] = 1 << 14  # where the bot may not embed
    meadow.channel("help").denied[meadow.role(server.bot.name).id] = READ_HISTORY
    with serving(server, folder) as process:
        process.wait_ready()
        take_in(server, 3)
        yield process


def person(discord, name):
    """Somebody new in both servers, who has not asked anything yet."""
    user = discord._person(name)
    for guild in discord.guilds:
        guild.join(user)
    return user


def ask(discord, channel, user, question, **options):
    """Mentions the bot with a question and waits for the reply."""
    return discord.wait_for_reply(
        discord.say(channel, user, f"{discord.bot.mention} {question}", **options), timeout=30
    )


def reply(discord, answer, user, question):
    """Replies to the bot's answer and waits for the next."""
    return discord.wait_for_reply(discord.say(answer.channel, user, question, reply_to=answer), timeout=30)


def fetched(discord):
    """How many single messages the bot has fetched."""
    return len(discord.sent("GET", r"/channels/\d+/messages/\d+$"))


def listed(discord):
    """How many times the bot has looked through a channel's messages."""
    return len(discord.sent("GET", r"/channels/\d+/messages$"))


def delete(discord, message):
    discord._do(lambda: discord.rest._delete(message))


def thread_in(discord, channel, name):
    thread = Channel(discord.ids.next(), name, channel.guild, 11, parent=channel)
    discord._do(lambda: discord.add_thread(thread))
    return thread


def test_a_reply_chain(discord):
    """A reply that needs the question before it is searched with it, says so, and costs one request a turn."""
    channel = discord.guilds[0].channel("general")
    user, other = person(discord, "ann"), person(discord, "bob")
    first = ask(discord, channel, user, OPENED)
    assert "Searched for" not in first.text
    before = fetched(discord)
    second = reply(discord, first, other, WHO)
    assert second.content == SEARCHED
    assert "> **It was opened by the mayor in 1932.**" in second.text
    assert second.pinged == set()
    assert fetched(discord) - before == 1
    third = reply(discord, second, user, "What colour are its towers?")
    assert "-# Searched for: What colour are its towers, Tallow Bridge?" in third.content
    assert "painted green" in third.text
    assert fetched(discord) - before == 3


def test_a_reply_that_stands_by_itself(discord):
    """A reply that needs nothing is answered as if nothing had been asked before, and nothing is fetched for it."""
    channel = discord.guilds[0].channel("general")
    user = person(discord, "cas")
    first = ask(discord, channel, user, OPENED)
    before = fetched(discord)
    second = reply(discord, first, user, OWLS)
    alone = ask(discord, channel, user, OWLS)
    assert "four chicks" in second.text
    assert (second.content, second.embeds) == (alone.content, alone.embeds)
    assert fetched(discord) == before


def test_a_reply_to_a_command(discord):
    """What answers a command shows the question, as text where embeds may not be: a reply is searched with that."""
    user = person(discord, "dora")
    for name in ("general", "help"):
        channel = discord.guilds[0].channel(name)
        asked = discord.slash(channel, user, "ask", {"question": OPENED}).wait_for_answer(30)
        before = fetched(discord)
        answer = reply(discord, asked.message, user, WHO)
        assert answer.content.startswith(SEARCHED)
        assert fetched(discord) == before
    assert asked.content.startswith(f"-# Question: {OPENED}\n")


def test_without_the_history(discord):
    """Where the bot may not read the history a follow-up is answered by itself, and nothing is fetched."""
    channel = discord.guilds[1].channel("help")
    user = person(discord, "egon")
    first = ask_unreferenced(discord, channel, user, OPENED)
    assert "1932" in first.text
    before = len(discord.sent("GET", "/messages"))
    second = ask_unreferenced(discord, channel, user, WHO, reply_to=first)
    assert "Searched for" not in second.text
    assert len(discord.sent("GET", "/messages")) == before


def ask_unreferenced(discord, channel, user, question, **options):
    """As `ask`, where the bot may not refer to the message that it answers."""
    asked = discord.say(channel, user, f"{discord.bot.mention} {question}", **options)
    return discord.wait_for_message(channel, after=asked, timeout=30)


def test_deleted_messages_end_the_chain(discord):
    """Where the question or the answer before was deleted a follow-up is answered by itself."""
    channel = discord.guilds[0].channel("general")
    user = person(discord, "fay")
    question = discord.say(channel, user, f"{discord.bot.mention} {OPENED}")
    first = discord.wait_for_reply(question, timeout=30)
    delete(discord, question)
    assert "Searched for" not in reply(discord, first, user, WHO).text
    refused = discord.violations.pop()  # the bot cannot know that it asks for what is gone
    assert f"messages/{question.id}: 404" in refused.detail
    gone = ask(discord, channel, user, OPENED)
    follow_up = discord.say(channel, user, f"{discord.bot.mention} {WHO}", reply_to=gone)
    first_answer = discord.wait_for_reply(follow_up, timeout=30)
    assert first_answer.content == SEARCHED
    delete(discord, gone)
    second = reply(discord, first_answer, user, "Where was it opened?")
    assert "Tallow Bridge" not in second.content


def test_what_is_no_question(discord):
    """Messages of another bot, of a webhook, or not meant for the bot are never context."""
    channel = discord.guilds[0].channel("general")
    user = person(discord, "gil")
    robot = User(discord.ids.next(), "robot", bot=True)
    discord.users[robot.id] = robot
    asked = f"{discord.bot.mention} {OPENED}"
    theirs = [discord.say(channel, robot, asked), discord.say(channel, user, OPENED), hook(discord, channel, asked)]
    for message in theirs:
        answer = ask(discord, channel, user, WHO, reply_to=message)
        assert "Searched for" not in answer.text
    persons = discord.say(channel, user, asked)
    assert ask(discord, channel, user, WHO, reply_to=persons).content == SEARCHED


def hook(discord, channel, content):
    """A webhook's message, that mentions the bot."""
    author = User(discord.ids.next(), "hook")
    parts = {"content": content, "webhook_id": str(author.id), "mentions": [discord.bot.payload()]}
    discord.users[author.id] = author
    message = Message(channel, author, new_message_payload(discord.ids.next(), channel, author, **parts))
    discord._do(lambda: discord.add_message(message))
    return message


def test_a_long_chain(discord):
    """However long a chain is, four questions are fetched for a follow-up at most, and it is answered."""
    channel = discord.guilds[1].channel("general")
    users = [person(discord, f"long-{n}") for n in range(2)]
    answer = ask(discord, channel, users[0], OPENED)
    for n in range(6):
        before = fetched(discord)
        answer = reply(discord, answer, users[n % 2], WHO)
        assert "opened by the mayor" in answer.text
        assert fetched(discord) - before == min(n + 1, 4)


def test_a_thread(discord):
    """In a thread a mention and a command need no reply: they follow the thread's own questions, and no others."""
    channel = discord.guilds[0].channel("general")
    user, other = person(discord, "hedi"), person(discord, "ivo")
    ask(discord, channel, user, OWLS)
    thread = thread_in(discord, channel, "the bridge")
    assert "Searched for" not in ask(discord, thread, user, WHO).text
    ask(discord, thread, user, OPENED)
    discord.say(thread, other, "I never go there.")
    assert ask(discord, thread, other, WHO).content == SEARCHED
    command = discord.slash(thread, other, "ask", {"question": "What colour are its towers?"}).wait_for_answer(30)
    assert command.content == "-# Searched for: What colour are its towers, Tallow Bridge?"
    before = listed(discord)
    assert "Searched for" not in ask(discord, thread, user, OWLS).text
    assert "Searched for" not in ask(discord, channel, user, WHO).text
    elsewhere = discord.slash(channel, other, "ask", {"question": WHO}).wait_for_answer(30)
    assert "Searched for" not in elsewhere.text
    assert listed(discord) == before


def test_direct_messages(discord):
    """In direct messages a reply is a follow-up, and another message is not."""
    user = person(discord, "jo")
    first = discord.wait_for_reply(discord.direct_message(user, OPENED), timeout=30)
    second = discord.wait_for_reply(discord.direct_message(user, WHO, reply_to=first), timeout=30)
    assert second.content == SEARCHED
    alone = discord.wait_for_reply(discord.direct_message(user, WHO), timeout=30)
    assert "Searched for" not in alone.text


def test_hostile_words(discord):
    """What others wrote is shown with its markup disarmed, notifies nobody, and is cut where it is long."""
    channel = discord.guilds[1].channel("general")
    user, other = person(discord, "kim"), person(discord, "lou")
    words = "When was **the** [Bridge](https://evil.example) of @everyone <@99> `x` ||y|| opened?\n# Loud " + "z_" * 60
    first = ask(discord, channel, user, words)
    second = reply(discord, first, other, WHO)
    line = next(line for line in second.content.split("\n") if "Searched for" in line)
    shown = line.removeprefix("-# Searched for: ")
    assert "Bridge" in shown
    assert all(shown[at - 1] == "\\" for at, character in enumerate(shown) if character in "*_~|`[]<>@#:/")
    assert second.content.count("\n") <= 4
    assert second.pinged == set()


def test_trouble_costs_no_answer(discord, process):
    """Where the questions before cannot be had in time the follow-up is answered by itself, and the log says why."""
    channel = discord.guilds[1].channel("general")
    user = person(discord, "mo")
    first = ask(discord, channel, user, OPENED)
    try:
        discord.fail(500, r"/messages/\d+$", "GET", times=50)
        second = reply(discord, first, user, WHO)
    finally:
        discord.rest.faults.clear()
    assert "Searched for" not in second.text
    process.wait_for_line("the questions before could not be read")
