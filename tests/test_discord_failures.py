"""When Discord, the network or a channel fails: nothing is lost that can be saved, and nothing is said twice.

The real client against a Discord on the loopback, with the deterministic encoder. What is shown where, here and in
other files (in brackets):

- 429 of one route: `a_limit_of_a_route` (one that lasts: `test_discord_bot`), for all: `a_limit_for_everything`;
- 500, 502 and lost connections, before and after the effect: `trouble_with_…` (runs: `test_discord_bot`);
- lost interaction token: `a_lost_token…` (runs of more than 15 minutes: `test_discord_bot`);
- lost heartbeat: `a_gateway_that_no_longer_answers`;
- RESUME with missed events: `missed_events`, `events_that_come_twice`;
- gateway refused at the start: `a_gateway_that_is_refused` (login refused: `test_discord_bot`);
- outage of ten minutes: `an_outage_of_ten_minutes`;
- member without rights: (`test_managing_takes_rights` in `test_discord_bot`, and with each command and button);
- bot without rights: threads: `threads_that_are_closed` (sending and embedding: `test_discord_bot`);
- deleted channel or message: `what_is_deleted_meanwhile`;
- article removed before a button is pressed: `an_article_that_is_removed`;
- restart between answer and button: `a_restart_between_answer_and_button`;
- one of several shards lost: `shards`;
- slow look-ups of a person: `a_choice_that_cannot_be_checked_in_time`.
"""

import json
import re
import sys
import time
from pathlib import Path

import pytest
from conftest import HashEncoder
from discord_loopback import BotProcess, LoopbackDiscord
from discord_play import QUIET
from loopback_world import SEND_IN_THREADS, Channel

from index.article import Article
from index.corpus import Library
from index.indexer import Indexer
from records.records import Records

pytestmark = [pytest.mark.process, pytest.mark.slow]

HERE = Path(__file__).resolve().parent
OPENED = "When was the Tallow Bridge opened?"
SAID = "The Tallow Bridge was opened by the mayor in 1932."
CALLBACK, EDIT = r"/callback$", r"/messages/@original$"
REPLY, FOLLOW_UP = r"^/channels/\d+/messages$", r"^/webhooks/\d+/[^/]+$"


def filled(folder, *servers):
    """A folder for the bot in which the operator, and each of these servers, has an article."""
    (folder / "articles").mkdir()
    library, encoder = Library(folder / "data", HashEncoder(1024, model="hash")), HashEncoder(1024, model="hash")
    for server in (None, *servers):
        text = (
            f"{SAID} It crosses the Wend." if server is None else f"The bell of the market hall weighs {server} pounds."
        )
        title = "The bridge" if server is None else "The bell"
        Indexer(library.corpus(server, create=True).store, encoder).add_articles([Article(f"/{title}", title, text)])
    library.close()
    return folder


def bot(discord, folder, hurry=None, **options):
    told = json.dumps(QUIET | options)
    script = ["loopback_bot.py"] if hurry is None else ["loopback_hurried_bot.py", json.dumps(hurry)]
    return BotProcess(discord, [sys.executable, HERE / script[0], *script[1:], folder, told], cwd=HERE.parent)


@pytest.fixture(scope="module")
def process(server, tmp_path_factory):
    folder = filled(tmp_path_factory.mktemp("operator"), *(guild.id for guild in server.guilds))
    with bot(server, folder) as process:
        yield process.wait_ready()


@pytest.fixture
def discord(server, process):
    """The shared server; nothing that a test does breaks Discord's rules or leaves the loopback."""
    yield server
    server.rest.faults.clear()
    server.rest.limits.clear()
    violations, server.violations[:] = list(server.violations), []
    assert violations == []
    assert server.refused_connections() == []
    assert "Traceback" not in process.output
    assert process.running


PEOPLE = iter(range(10_000))


def place(discord):
    """A channel, and somebody new in it, who has asked nothing yet."""
    guild = discord.guilds[0]
    return guild.channel("general"), discord.add_person(f"person-{next(PEOPLE)}", guild)


def ask(discord, question=OPENED, **options):
    channel, person = place(discord)
    return discord.slash(channel, person, "ask", {"question": question, **options})


def mention(discord, question=OPENED, channel=None):
    general, person = place(discord)
    return discord.say(channel or general, person, f"{discord.bot.mention} {question}")


def answered(asked, timeout=30):
    asked.wait_for(lambda self: self.answered and "1932" in self.text, timeout)
    assert asked.acknowledged_after < 3
    return asked


def once(discord, question, timeout=30):
    """The reply to a mention, of which there is one, also after a while."""
    reply = discord.wait_for_reply(question, timeout=timeout)
    time.sleep(0.3)
    assert discord.replies(question) == [reply]
    return reply


def said_in(process, pattern):
    """The numbers that the log says by this expression."""
    return [float(found[1]) for line in list(process.lines) if (found := re.search(pattern, line))]


def refused(discord, *codes):
    """Discord's refusals with these codes; forgotten, for the test has provoked them."""
    found = [one for one in discord.violations if one.kind == "refused" and any(code in one.detail for code in codes)]
    discord.violations[:] = [one for one in discord.violations if one not in found]
    return found


def test_a_limit_of_a_route(discord):
    """Where Discord takes only so many messages at a time, the rest wait; each is said once."""
    limit = discord.limit(REPLY, "POST", count=2, per=0.5)
    asked = [mention(discord) for _ in range(7)]
    for one in asked:
        assert "1932" in discord.wait_for_reply(one, timeout=30).text
    assert all(len(discord.replies(one)) == 1 for one in asked)
    accepted = [one.at for one in discord.sent("POST", REPLY) if one.status == 200][-7:]
    assert accepted[-1] - accepted[0] >= 1.4
    discord.rest.limits.remove(limit)
    for path, method in ((CALLBACK, "POST"), (EDIT, "PATCH")):
        fault = discord.fail(429, path, method, times=2, retry_after=0.3)
        asked = answered(ask(discord))
        assert fault.hits == 2 and asked.followups == []


def test_a_limit_for_everything(discord):
    """A limit on everything that the bot does is waited for, by all who wait, and nothing is said twice."""
    fault = discord.fail(429, REPLY, "POST", retry_after=1.0, everywhere=True)
    began = time.monotonic()
    first = mention(discord)
    discord.wait_for(lambda: fault.hits)
    others = [mention(discord, channel=guild.channel("help")) for guild in discord.guilds]
    for one in (first, *others):
        assert "1932" in once(discord, one).text
    assert min(one.at for one in discord.sent("POST", REPLY) if one.at > began and one.status == 200) - began >= 1.0


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 503, 0])
def test_trouble_with_a_reply(discord, status, after_effect):
    """A reply that Discord, or the connection, fails to confirm is there, once."""
    fault = discord.fail(status, REPLY, "POST", after_effect=after_effect)
    assert "1932" in once(discord, mention(discord)).text
    assert fault.hits == 1


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 0])
@pytest.mark.parametrize("path", [CALLBACK, EDIT], ids=["callback", "edit"])
def test_trouble_with_a_command(discord, path, status, after_effect):
    """A command whose acknowledgement or answer Discord, or the connection, fails to confirm is answered, once."""
    fault = discord.fail(status, path, after_effect=after_effect)
    asked = answered(ask(discord))
    assert fault.hits == 1
    assert asked.followups == [] and not asked.message.deleted
    assert len(refused(discord, "40060")) == (path == CALLBACK and after_effect)


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [502, 0])
def test_trouble_with_a_refusal(discord, status, after_effect):
    """A line that only its reader sees, said in place of an acknowledgement, is there, once."""
    guild = discord.guilds[0]
    fault = discord.fail(status, CALLBACK, "POST", after_effect=after_effect)
    asked = discord.slash(guild.channel("general"), place(discord)[1], "reindex").wait_for_answer(30)
    if after_effect:
        discord.wait_for(lambda: refused(discord, "40060"))
    time.sleep(0.3)
    assert "Manage Server" in asked.text and asked.ephemeral and asked.followups == []
    assert fault.hits == 1


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_trouble_with_a_follow_up(discord, after_effect):
    """A follow-up for one person's eyes is never lost; Discord knows no nonce for these, so that one whose effect was
    not confirmed may be there twice."""
    channel, person = place(discord)
    fault = discord.fail(502, FOLLOW_UP, "POST", after_effect=after_effect)  # after whose effect it comes again
    asked = discord.slash(channel, person, "ask", {"question": OPENED, "article": "no such article"})
    asked.wait_for(lambda self: len(self.followups) > after_effect, 30)
    assert fault.hits == 1
    assert len(asked.followups) == 1 + after_effect and all(one.ephemeral for one in asked.followups)


@pytest.mark.parametrize("status", [401, 404])
def test_a_lost_token(discord, process, status):
    """Where an interaction's token is lost before the answer comes, what all see becomes the answer still."""
    discord.fail(status, r"^/webhooks/", times=99)
    asked = ask(discord)
    answered(asked)
    assert asked.message.id and asked.followups == []
    assert discord.sent("PATCH", rf"/channels/\d+/messages/{asked.message.id}$")


def test_a_lost_token_of_a_private_answer(discord, process):
    """An answer for one person's eyes whose token is lost goes nowhere else; the log has a line."""
    before, lines = len(discord.bot_messages()), len(process.lines)
    fault = discord.fail(401, r"^/webhooks/", times=99)
    ask(discord, private=True)
    discord.wait_for(lambda: any("nobody waits" in line for line in process.lines[lines:]))
    assert fault.hits
    assert all(message.ephemeral for message in discord.bot_messages()[before:])


def test_missed_events(discord):
    """What happens while the gateway is down, mentions and commands, is answered once after RESUME."""
    identifies, resumes = len(discord.gateway.identifies), len(discord.gateway.resumes)
    with discord.gateway_down():
        missed = [mention(discord) for _ in range(3)]
        commands = [ask(discord) for _ in range(2)]
        for one in commands:
            one.sent_at += 60  # Discord sends none again that is older than three seconds
    for one in missed:
        assert "1932" in once(discord, one).text
    for one in commands:
        one.wait_for(lambda self: self.answered and "1932" in self.text, 30)
        assert one.followups == []
    assert len(discord.gateway.resumes) == resumes + 1
    assert len(discord.gateway.identifies) == identifies


def test_events_that_come_twice(discord):
    """An event that Discord sends twice is answered once."""
    asked = mention(discord)
    first = once(discord, asked)
    discord.repeat("MESSAGE_CREATE")
    discord.repeat("MESSAGE_CREATE")
    command = answered(ask(discord))
    discord.repeat("INTERACTION_CREATE")
    discord.wait_for(lambda: any("40060" in one.detail for one in discord.violations))
    states = len(command.history)
    once(discord, mention(discord))
    assert discord.replies(asked) == [first]
    assert command.followups == [] and len(command.history) == states
    assert refused(discord, "40060")


def thread_in(discord, guild, name):
    thread = Channel(discord.ids.next(), name, guild, 11, parent=guild.channel("help"))
    discord._do(lambda: discord.add_thread(thread))
    return thread


def test_threads_that_are_closed(discord, process):
    """In a thread where the bot may not write it is silent, and makes no request; where Discord says no, the log has a
    line; elsewhere the bot goes on."""
    guild = discord.guilds[1]
    thread = thread_in(discord, guild, "closed")
    person = discord.add_person(f"person-{next(PEOPLE)}", guild)
    fault = discord.fail(403, rf"/channels/{thread.id}/messages$", "POST", times=9)
    discord.say(thread, person, f"{discord.bot.mention} {OPENED}")
    process.wait_for_line(f"could not reply in channel {thread.id}")
    assert fault.hits
    discord.rest.faults.clear()
    for role in (guild.role(discord.bot.name), guild.roles[guild.id]):
        role.permissions &= ~SEND_IN_THREADS
        changed = {"guild_id": str(guild.id), "role": role.payload()}
        discord._do(lambda changed=changed: discord.gateway.dispatch("GUILD_ROLE_UPDATE", changed, guild.id))
    sent = len(discord.sent("POST", rf"/channels/{thread.id}/"))
    discord.say(thread, person, f"{discord.bot.mention} {OPENED}")
    assert "1932" in once(discord, mention(discord)).text
    assert len(discord.sent("POST", rf"/channels/{thread.id}/")) == sent


def slowly(discord, path, method):
    """Holds back the next such request of the bot for a second; returns what tells whether it has come."""
    return discord.fail(429, path, method, retry_after=1.0)


def test_what_is_deleted_meanwhile(discord, process):
    """Where the question, the message that would be the answer, or the whole channel is deleted between question and
    answer, nothing is said elsewhere and nobody is bothered; the log has a line, and the bot goes on."""
    said = len(discord.bot_messages())
    fault = slowly(discord, REPLY, "POST")
    asked = mention(discord)
    discord.wait_for(lambda: fault.hits)
    discord._do(lambda: discord.rest._delete(asked))
    assert "1932" in discord.wait_for_reply(asked).text  # which refers to nothing that is left

    fault = slowly(discord, EDIT, "PATCH")
    command = ask(discord)
    discord.wait_for(lambda: fault.hits)
    discord._do(lambda: discord.rest._delete(command.message))
    process.wait_for_line("nobody waits for this answer any more: 404.*10008")

    guild = discord.guilds[0]
    channel = discord.add_channel(guild, "soon-gone")
    fault = slowly(discord, REPLY, "POST")
    discord.say(channel, discord.add_person(f"person-{next(PEOPLE)}", guild), f"{discord.bot.mention} {OPENED}")
    discord.wait_for(lambda: fault.hits)
    discord.remove_channel(channel)
    process.wait_for_line(f"could not reply in channel {channel.id}")
    assert len(discord.bot_messages()) == said + 1
    assert refused(discord, "Unknown Message", "Unknown Channel")
    answered(ask(discord))


def button(message, text):
    return next(one for one in message.buttons if one.get("label") == text)["custom_id"]


def test_an_article_that_is_removed(discord):
    """A button below an answer whose article is gone says so, to whoever presses it, and shows nothing of it."""
    guild = discord.guilds[1]
    channel, person = guild.channel("general"), discord.add_person(f"person-{next(PEOPLE)}", guild)
    asked = discord.slash(channel, person, "ask", {"question": "How much does the bell of the market hall weigh?"})
    asked.wait_for(lambda self: self.answered and "pounds" in self.text, 30)
    asking = discord.slash(channel, guild.manager, "articles remove", {"article": "The bell"}).wait_for_answer()
    discord.click(asking.message, "Remove", guild.manager).wait_for(lambda self: "Removed" in asking.text)
    pressed = discord.click(asked.message, button(asked.message, "Context"), person).wait_for_answer()
    pressed.wait_for(lambda self: self.text and "pounds" not in self.text)
    assert pressed.ephemeral and "removed" in pressed.text


def test_a_restart_between_answer_and_button(discord, process):
    """The buttons of an answer work after the bot was killed and started again."""
    asked = answered(ask(discord))
    process.kill()
    process.start().wait_ready()
    pressed = discord.click(asked.message, button(asked.message, "Context"), asked.user).wait_for_answer()
    pressed.wait_for(lambda self: "crosses the Wend" in self.text)
    assert pressed.ephemeral


def test_a_gateway_that_no_longer_answers(tmp_path):
    """A connection on which Discord no longer answers is given up and made anew, and what was missed is answered."""
    with LoopbackDiscord(heartbeat_interval=0.4) as discord:
        with bot(discord, filled(tmp_path), {"heartbeat_timeout": 2}) as process:
            process.wait_ready()
            answered(ask(discord))
            resumes = len(discord.gateway.resumes)
            discord.gateway.acknowledge_heartbeats = False
            discord.wait_for(lambda: len(discord.gateway.resumes) > resumes, 20)
            discord.gateway.acknowledge_heartbeats = True
            assert "1932" in once(discord, mention(discord)).text
            assert "Traceback" not in process.output
        assert discord.violations == []


def test_a_gateway_that_is_refused(tmp_path):
    """A gateway that cannot be reached at the start is tried again, at longer and longer intervals, until it can."""
    with LoopbackDiscord() as discord:
        discord.gateway.refuse_connections = 13  # twice five attempts of discord.py, and a few
        with bot(discord, filled(tmp_path), {"times": 10}) as process:
            first = process.wait_for_line("no connection to Discord .*gateway cannot be reached.*next attempt in", 60)
            process.wait_ready(60)
            answered(ask(discord))
            waits = said_in(process, r"next attempt in ([\d.]+) s")
            assert first and len(waits) == 2
            assert 1 <= waits[0] <= 2 <= waits[1] <= 4
            assert "Traceback" not in process.output
        assert discord.gateway.refuse_connections == 0
        assert discord.violations == []


def test_an_outage_of_ten_minutes(tmp_path):
    """Ten minutes without Discord: attempts to come back are never further apart than a minute, what the bot does by
    itself goes on, and afterwards it answers, also from what came in meanwhile.

    Its pauses are a twentieth here, and so is the outage.
    """
    folder = filled(tmp_path)
    with LoopbackDiscord() as discord, bot(discord, folder, {"times": 20}, every=20.0, first=0.1) as process:
        process.wait_ready()
        answered(ask(discord))
        with discord.offline():
            ended = time.monotonic() + 600 / 20
            (folder / "articles" / "ferry.md").write_text("# The ferry\n\nThe ferry to Hazel Island leaves at noon.\n")
            process.wait_for_line("added: .*ferry", 30)
            time.sleep(ended - time.monotonic())
            assert process.running
        back = time.monotonic()
        discord.wait_for(lambda: len(discord.gateway.identifies) > 1, 60 / 20 + 10)
        assert time.monotonic() - back < 60 / 20 + 10
        found = ask(discord, "When does the ferry to Hazel Island leave?").wait_for(
            lambda self: "noon" in self.text, 30
        )
        assert found.acknowledged_after < 3
        waits = said_in(process, r"reconnect for shard ID 0 in ([\d.]+)s")
        assert len(waits) >= 8 and max(waits) <= 60 < sum(waits)
        assert "Traceback" not in process.output
        assert discord.violations == []


def test_shards(tmp_path):
    """Servers on different shards are all served, the bot is ready when all shards are, and when one is lost, servers
    on the others are answered as ever, and its own as soon as it is back."""
    with LoopbackDiscord(shards=4) as discord:
        guilds = [*discord.guilds, *(discord.add_guild(f"Server {n}") for n in range(6))]
        homes = {(guild.id >> 22) % 4 for guild in guilds}
        assert homes == {0, 1, 2, 3}
        with bot(discord, filled(tmp_path, *(guild.id for guild in guilds)), {"times": 20}) as process:
            process.wait_ready(60)
            line = process.wait_for_line("ready as", 30)
            assert process.lines.index(line) >= 0 and len(discord.gateway.live()) == 4

            def weighed(guild):
                question = {"question": "How much does the bell of the market hall weigh?"}
                person = discord.add_person(f"person-{next(PEOPLE)}", guild)
                asked = discord.slash(guild.channel("general"), person, "ask", question)
                asked.wait_for(lambda self: self.answered and str(guild.id) in self.text, 30)
                assert asked.acknowledged_after < 3

            for guild in guilds:
                weighed(guild)
            status = discord.slash(guilds[0].channel("general"), guilds[0].manager, "status").wait_for_answer()
            assert status.text
            lost = [guild for guild in guilds if (guild.id >> 22) % 4 == 2]
            discord.gateway.lost_shards.add(2)
            discord.drop_gateway(2)
            process.wait_for_line("break one after the other; next attempt in", 20)
            for guild in guilds:
                if guild not in lost:
                    weighed(guild)
            discord.gateway.lost_shards.clear()
            discord.wait_for(lambda: discord.gateway.shard_of(lost[0].id).connection is not None, 30)
            assert len(discord.gateway.resumes) < 60  # five for each shard without a pause, and those by which it grows
            for guild in guilds:
                weighed(guild)
            shards = [one["shard"][0] for one in discord.gateway.identifies]
            assert [shards.count(number) for number in (0, 1, 3)] == [1, 1, 1]
            assert "Traceback" not in process.output
        assert discord.violations == []


def test_a_choice_that_cannot_be_checked_in_time(tmp_path):
    """In direct messages, a question is not kept waiting by Discord where it does not say in time whether the person is
    still in the server that they chose: it is answered without that server's articles."""
    with LoopbackDiscord() as discord:
        guild = discord.guilds[0]
        folder, person = filled(tmp_path, guild.id), discord.add_person("somebody", guild)
        records = Records(folder / "data")
        records.people.choose(person.id, guild.id, time.time())
        records.close()
        with bot(discord, folder) as process:
            process.wait_ready()
            held = discord.fail(429, rf"^/guilds/{guild.id}/members/", "GET", times=9, retry_after=100.0)
            asked = discord.direct_message(person, "How much does the bell of the market hall weigh?")
            reply = discord.wait_for_reply(asked, timeout=30)
            assert held.hits and str(guild.id) not in reply.text
            assert "was not to be learnt in time" in process.output
            assert "Traceback" not in process.output
        assert discord.violations == []
